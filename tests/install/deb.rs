//! apt and dpkg take packages through their life: in a chroot, as in the build of a container image. systemd does not run.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::daemons::{package, service};
use crate::roots::{BOOKWORM, Root, Suite, TRIXIE};
use crate::support::{artifact, artifact_of, newer_example};
use crate::toy;

/// An example with what its package brings.
pub struct Example {
    pub name: &'static str,
    pub package: &'static str,
    pub versions: [&'static str; 2],
    pub binary: &'static str,
    pub config: &'static str,
    /// Owner and mode of the config file.
    pub kept: &'static str,
    /// What is enabled.
    pub unit: &'static str,
}

pub const EXAMPLES: [Example; 3] = [
    Example {
        name: "plain",
        package: "fitout-plain",
        versions: ["1.2.0", "1.3.0"],
        binary: "/usr/bin/fitout-plain",
        config: "/etc/fitout-plain/fitout-plain.conf",
        kept: "root:root 644",
        unit: "fitout-plain.timer",
    },
    Example {
        name: "hello-rust",
        package: "hello-rust",
        versions: ["1.4.0~rc.1", "1.4.0"],
        binary: "/usr/bin/hello-rust",
        config: "/etc/hello-rust/env",
        kept: "root:hello-rust 640",
        unit: "hello-rust.service",
    },
    Example {
        name: "hello-otp",
        package: "hello-otp",
        versions: ["0.3.1", "0.4.0"],
        binary: "/usr/bin/hello-otp",
        config: "/etc/hello-otp/env",
        kept: "root:hello-otp 640",
        unit: "hello-otp.service",
    },
];

/// A flat repository in a root, trusted as it stands, with a package for each file.
fn publish(root: &Root, debs: &[&Path]) {
    let folder = root.at("/repository");
    fs::create_dir_all(&folder).unwrap();
    for deb in debs {
        fs::copy(deb, folder.join(deb.file_name().unwrap())).unwrap();
    }
    let index = Command::new("dpkg-scanpackages").args(["--multiversion", "."]).current_dir(&folder).output().unwrap();
    assert!(index.status.success(), "{}", String::from_utf8_lossy(&index.stderr));
    fs::write(folder.join("Packages"), index.stdout).unwrap();
    let _ = fs::remove_dir_all(root.at("/etc/apt/sources.list.d"));
    root.write("/etc/apt/sources.list", "deb [trusted=yes] file:/repository ./\n", 0o644);
    root.ok(&["apt-get", "-qq", "update"]);
}

fn apt(root: &Root, words: &[&str]) -> String {
    let fixed = ["apt-get", "-y", "-q", "-o", "Dpkg::Options::=--force-confold", "--allow-downgrades"];
    root.ok(&[&fixed, words].concat())
}

fn query(root: &Root, field: &str, package: &str) -> String {
    root.run(&["dpkg-query", "--show", "--showformat", field, package]).1
}

/// What dpkg itself finds wrong.
fn sound(root: &Root, package: &str) {
    assert_eq!(root.ok(&["dpkg", "--audit"]), "");
    // What is missing or changed of its files; an edited config file is neither.
    let changed = root.run(&["dpkg", "--verify", package]).1;
    let changed: Vec<&str> = changed.lines().filter(|line| !line.contains(" c ")).collect();
    assert_eq!(changed, [""; 0], "{package}");
}

fn enabled(root: &Root, unit: &str) -> String {
    root.run(&["systemctl", "is-enabled", unit]).1.trim().to_owned()
}

fn life(root: &Root, example: &Example) {
    let Example { package, versions, binary, config, kept, unit, .. } = *example;
    let [old, new] = versions;
    let version = |wanted: &str| assert_eq!(query(root, "${Version}", package), wanted, "{package}");
    publish(root, &[&artifact(example.name, ".deb")]);
    apt(root, &["install", package]);
    version(old);
    sound(root, package);
    let state = format!("/var/lib/{package}");
    let facts = |path: &str| root.ok(&["stat", "-c", "%U:%G %a", path]).trim().to_owned();
    assert_eq!(facts(binary), "root:root 755");
    assert_eq!(facts(config), kept);
    assert_eq!(facts(&state), format!("{package}:{package} 750"));
    let account = root.ok(&["getent", "passwd", package]);
    assert!(account.ends_with(&format!(":{state}:/usr/sbin/nologin\n")), "{account}");
    assert_eq!(enabled(root, unit), "enabled");
    assert_eq!(root.run(&["systemd-analyze", "verify", "--man=no", unit]), (0, String::new()), "{package}");

    // What the administrator made stays through all that follows.
    root.sh(&format!("echo '# edited' >>{config}; echo mine >{state}/mine"));
    publish(root, &[&artifact_of(&newer_example(example.name), ".deb")]);
    apt(root, &["upgrade"]);
    version(new);
    sound(root, package);
    assert_eq!(enabled(root, unit), "enabled");
    root.ok(&["systemctl", "disable", unit]);
    apt(root, &["install", &format!("{package}={old}")]);
    version(old);
    assert_eq!(enabled(root, unit), "disabled");
    apt(root, &["install", package]);
    version(new);
    apt(root, &["install", "--reinstall", package]);
    sound(root, package);
    assert_eq!(enabled(root, unit), "disabled");
    assert!(root.read(config).ends_with("# edited\n"));
    assert_eq!(facts(config), kept);
    assert_eq!(root.read(&format!("{state}/mine")), "mine\n");

    apt(root, &["remove", package]);
    assert_eq!(query(root, "${db:Status-Status}", package), "config-files");
    assert!(!root.has(binary));
    assert!(root.read(config).ends_with("# edited\n"));
    assert_eq!(root.read(&format!("{state}/mine")), "mine\n");
    apt(root, &["install", package]);
    version(new);
    assert_eq!(enabled(root, unit), "disabled");
    apt(root, &["purge", package]);
    assert!(query(root, "${Version}", package).contains("no packages found"));
    let left = root.sh(&format!("find / -xdev -name '*{package}*' ! -path '/repository/*' ! -path '/proc/*'"));
    assert_eq!(left, "", "{package}");
    // Nobody else must ever own what it may have left elsewhere.
    root.ok(&["getent", "passwd", package]);
    apt(root, &["install", package]);
    assert_eq!(enabled(root, unit), "enabled");
    apt(root, &["purge", package]);
}

/// Runs a check on both releases of Debian at a time; not at all where roots cannot be had.
fn on_both(check: impl Fn(&Root) + Sync) {
    std::thread::scope(|scope| {
        let check = &check;
        let on = move |suite: &'static Suite| Root::of(suite).inspect(check).is_some();
        let other = scope.spawn(move || on(&TRIXIE));
        on(&BOOKWORM);
        other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
}

/// What the scripts of the user wrote since the last time.
fn log(root: &Root) -> Vec<String> {
    let lines = if root.has(toy::LOG) { root.read(toy::LOG) } else { String::new() };
    root.write(toy::LOG, "", 0o644);
    lines.lines().map(|line| line.trim_end().to_owned()).collect()
}

fn dpkg(root: &Root, words: &[&str]) -> (i32, String) {
    root.run(&[&["dpkg", "--force-confold"], words].concat())
}

/// Puts both versions of the toy into a root, as `/1.deb` and `/2.deb`.
fn bring_toys(root: &Root) {
    for (version, name) in [("1.0.0", "/1.deb"), ("2.0.0", "/2.deb")] {
        let (_folder, deb) = toy::build(version, "deb");
        fs::copy(deb, root.at(name)).unwrap();
    }
}

/// The scripts of the user run at their moments, in their order, with the other version where there is one.
fn moments(root: &Root) {
    let done = |words: &[&str]| {
        let (code, said) = dpkg(root, words);
        assert_eq!(code, 0, "{words:?}\n{said}");
    };
    done(&["-i", "/1.deb"]);
    assert_eq!(log(root), ["before-install", "preinst install", "after-install", "postinst configure"]);
    // Config files that the second version moves and drops, as the administrator wants them.
    root.sh("echo mine >/etc/toy/old.conf; echo mine >/etc/toy/gone.conf");
    done(&["-i", "/2.deb"]);
    let upgrade = |old, new| {
        vec![
            format!("prerm upgrade {new}"),
            format!("before-upgrade {old}"),
            format!("preinst upgrade {old} {new}"),
            format!("postrm upgrade {new}"),
            format!("after-upgrade {old}"),
            format!("postinst configure {old}"),
        ]
    };
    assert_eq!(log(root), upgrade("1.0.0", "2.0.0"));
    assert_eq!(root.read("/etc/toy/new.conf"), "mine\n");
    assert_eq!(root.read("/etc/toy/gone.conf.dpkg-bak"), "mine\n");
    assert!(!root.has("/etc/toy/old.conf") && !root.has("/etc/toy/gone.conf"));
    sound(root, "toy");
    done(&["-i", "/1.deb"]);
    assert_eq!(log(root), upgrade("2.0.0", "1.0.0"));
    done(&["-r", "toy"]);
    assert_eq!(log(root), ["before-remove", "prerm remove", "after-remove", "postrm remove"]);
    done(&["-i", "/2.deb"]);
    let again =
        ["before-upgrade 1.0.0", "preinst install 1.0.0 2.0.0", "after-upgrade 1.0.0", "postinst configure 1.0.0"];
    assert_eq!(log(root), again);
    done(&["-P", "toy"]);
    let gone = ["before-remove", "prerm remove", "after-remove", "postrm remove", "postrm purge", "after-purge"];
    assert_eq!(log(root), gone);
}

/// A script that fails leaves a package that dpkg can mend.
fn failures(root: &Root) {
    let fail = |moment: &str, words: &[&str]| {
        root.write(&format!("/fail-{moment}"), "", 0o644);
        let (code, said) = dpkg(root, words);
        assert_ne!(code, 0, "{moment}\n{said}");
        fs::remove_file(root.at(&format!("/fail-{moment}"))).unwrap();
        log(root)
    };
    let status = |wanted: &str| assert_eq!(query(root, "${db:Status-Status} ${Version}", "toy"), wanted);
    fail("after-install", &["-i", "/1.deb"]);
    status("half-configured 1.0.0");
    assert_eq!(enabled(root, "toy.service"), "disabled");
    root.ok(&["dpkg", "--configure", "-a"]);
    status("installed 1.0.0");
    assert_eq!(enabled(root, "toy.service"), "enabled");
    log(root);
    // The old version stays as it was where the new one cannot come in.
    let said = fail("before-upgrade", &["-i", "/2.deb"]);
    assert_eq!(
        said,
        [
            "prerm upgrade 2.0.0",
            "before-upgrade 1.0.0",
            "postrm abort-upgrade 1.0.0 2.0.0",
            "postinst abort-upgrade 2.0.0"
        ]
    );
    status("installed 1.0.0");
    sound(root, "toy");
    fail("after-upgrade", &["-i", "/2.deb"]);
    status("half-configured 2.0.0");
    root.ok(&["dpkg", "--configure", "-a"]);
    status("installed 2.0.0");
    sound(root, "toy");
    log(root);
    let said = fail("before-remove", &["-r", "toy"]);
    assert_eq!(said, ["before-remove", "postinst abort-remove"]);
    status("installed 2.0.0");
    assert_eq!(enabled(root, "toy.service"), "enabled");
    dpkg(root, &["-P", "toy"]);
    log(root);
}

/// Owners, secrets, and what the administrator says of both.
fn ownership(root: &Root) {
    let facts = |path: &str| root.ok(&["stat", "-c", "%U:%G %a", path]).trim().to_owned();
    let install = |name: &str| assert_eq!(dpkg(root, &["-i", name]).0, 0, "{name}");
    install("/1.deb");
    assert_eq!(facts("/etc/toy/env"), "root:toy 640");
    assert_eq!(facts("/usr/lib/toy/tool"), "toy:toy 4750");
    assert_eq!(facts("/etc/toy/secrets/key"), "root:root 600");
    let key = root.read("/etc/toy/secrets/key");
    assert_eq!(key.len(), 64);
    root.sh("chown root:root /etc/toy/env; chmod 600 /etc/toy/env");
    root.sh("dpkg-statoverride --update --add root root 755 /usr/lib/toy/tool");
    // A service must not get a file of others by a link in the place of its own.
    root.sh("rm -rf /var/lib/toy; ln -s /root /var/lib/toy");
    install("/2.deb");
    assert_eq!(facts("/etc/toy/env"), "root:root 600");
    assert_eq!(facts("/usr/lib/toy/tool"), "root:root 755");
    assert_eq!(root.read("/etc/toy/secrets/key"), key);
    assert_eq!(facts("/root"), "root:root 700");
    assert_eq!(enabled(root, "toy-off.service"), "disabled");
    assert_eq!(enabled(root, "toy-once.service"), "disabled");
    root.ok(&["systemctl", "enable", "toy-off.service"]);
    root.sh("rm -f /etc/toy/env");
    assert_eq!(root.run(&["dpkg", "--force-confmiss", "-i", "/2.deb"]).0, 0);
    assert_eq!(facts("/etc/toy/env"), "root:toy 640");
    assert_eq!(enabled(root, "toy-off.service"), "enabled");
    root.sh("dpkg-statoverride --remove /usr/lib/toy/tool");
    assert_eq!(dpkg(root, &["-P", "toy"]).0, 0);
    let left = root.sh("find / -xdev -name '*toy*' ! -path '/proc/*' ! -path '/sys/*'");
    assert_eq!(left.trim(), toy::LOG);
    log(root);
}

#[test]
fn dpkg_runs_every_script_at_its_moment() {
    on_both(|root| {
        bring_toys(root);
        moments(root);
        failures(root);
        ownership(root);
    });
}

/// A root without systemd, such as an image: accounts are made by the standalone program, directories without tmpfiles.
#[test]
fn a_root_without_systemd_takes_the_package() {
    on_both(|root| {
        bring_toys(root);
        root.sh("dpkg --force-all --purge systemd-sysv libpam-systemd dbus systemd >/dev/null 2>&1 || :");
        root.sh("dpkg --force-depends -i /var/cache/fitout/systemd-standalone-sysusers_*.deb");
        assert!(!root.has("/usr/bin/systemd-tmpfiles") && !root.has("/usr/bin/systemctl"));
        root.ok(&["dpkg", "-i", "/1.deb"]);
        let facts = |path: &str| root.ok(&["stat", "-c", "%U:%G %a", path]).trim().to_owned();
        assert_eq!(facts("/var/lib/toy"), "toy:toy 750");
        assert_eq!(facts("/etc/toy/env"), "root:toy 640");
        assert!(root.has("/etc/systemd/system/multi-user.target.wants/toy.service"));
        root.ok(&["dpkg", "-i", "/2.deb"]);
        root.ok(&["dpkg", "-P", "toy"]);
        assert!(!root.has("/var/lib/toy") && !root.has("/etc/toy"));
        assert!(!root.has("/etc/systemd/system/multi-user.target.wants/toy.service"));
    });
}

/// `dpkg --root` enters the root; with `--force-script-chrootless` the scripts run outside, with `$DPKG_ROOT`.
#[test]
fn dpkg_fills_another_root() {
    let one = service("one", "");
    let pack = [package("pack", "1.0", &(one.clone() + &service("two", ""))), package("pack", "2.0", &one)];
    on_both(|root| {
        bring_toys(root);
        for (name, built) in [("/pack-1.deb", &pack[0]), ("/pack-2.deb", &pack[1])] {
            fs::copy(&built.deb, root.at(name)).unwrap();
        }
        root.sh("mkdir /other; cd /; tar --one-file-system --exclude=./other --exclude=./proc -cf - . | tar -xf - -C /other");
        for (word, first) in [("--force-confold", true), ("--force-script-chrootless", false)] {
            let install = |name: &str| {
                let (code, said) = root.run(&["dpkg", "--root=/other", word, "-i", name]);
                assert_eq!(code, 0, "{word} {name}\n{said}");
            };
            install("/1.deb");
            install("/2.deb");
            let account = root.read("/other/etc/passwd");
            let account = account.lines().find(|line| line.starts_with("toy:")).unwrap().to_owned();
            let id = account.split(':').nth(2).unwrap();
            let facts = |path: &str| root.ok(&["stat", "-c", "%u:%g %a", path]).trim().to_owned();
            assert_eq!(facts("/other/var/lib/toy"), format!("{id}:{id} 750"));
            assert_eq!(facts("/other/etc/toy/env"), format!("0:{id} 640"));
            assert_eq!(facts("/other/etc/toy/secrets/key"), "0:0 600");
            assert!(root.has("/other/etc/systemd/system/multi-user.target.wants/toy.service"), "{word}");
            assert_eq!(root.run(&["dpkg", "--root=/other", word, "-P", "toy"]).0, 0, "{word}");
            assert!(!root.has("/other/var/lib/toy") && !root.has("/other/etc/toy"), "{word}");
            assert!(!root.has("/other/etc/systemd/system/multi-user.target.wants/toy.service"), "{word}");
            // What a version drops is forgotten there as well.
            let enabled = |unit: &str| root.has(&format!("/other/etc/systemd/system/multi-user.target.wants/{unit}"));
            for (name, two) in [("/pack-1.deb", true), ("/pack-2.deb", false)] {
                install(name);
                assert_eq!((enabled("one.service"), enabled("two.service")), (true, two), "{word} {name}");
            }
            assert_eq!(root.run(&["dpkg", "--root=/other", word, "-P", "pack"]).0, 0, "{word}");
            // Nothing of it came into the root outside.
            assert!(!root.has("/var/lib/toy") && !root.has("/etc/toy") && !root.read("/etc/passwd").contains("toy"));
            assert!(first || root.has(toy::LOG));
        }
    });
}

#[test]
fn apt_takes_the_examples_through_their_life() {
    on_both(|root| EXAMPLES.iter().for_each(|example| life(root, example)));
}
