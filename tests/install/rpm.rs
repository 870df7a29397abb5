//! dnf 4, dnf 5 and zypper take packages through their life, each with a shell of another family as `/bin/sh`: in a chroot,
//! as in the build of a container image. systemd does not run.

use std::path::{Path, PathBuf};

use crate::archives::Project;
use crate::deb::{EXAMPLES, Example};
use crate::distribution::publish;
use crate::managers::{Manager, root_for, with_each};
use crate::roots::{Root, TESTING};
use crate::support::{artifact, artifact_of, newer_example, project, run, tool};
use crate::toy;

fn enabled(root: &Root, unit: &str) -> String {
    root.run(&["systemctl", "is-enabled", unit]).1.trim().to_owned()
}

fn facts(root: &Root, path: &str) -> String {
    root.ok(&["stat", "-c", "%U:%G %a", path]).trim().to_owned()
}

/// The whole life of the examples, one after the other.
fn lives(manager: Manager) {
    let rpms = EXAMPLES.map(|example| {
        let newer = newer_example(example.name);
        [artifact(example.name, ".rpm"), artifact_of(&newer, ".rpm")]
    });
    let all: Vec<&Path> = rpms.iter().flatten().map(PathBuf::as_path).collect();
    let Some(root) = &root_for(manager, &all) else { return };
    for (example, [first, second]) in EXAMPLES.iter().zip(&rpms) {
        life(manager, root, example, first, second);
    }
}

fn life(manager: Manager, root: &Root, example: &Example, first: &Path, second: &Path) {
    let Example { package, versions, binary, config, kept, unit, .. } = *example;
    let state = &format!("/var/lib/{package}");
    let version = |wanted: &str| assert_eq!(manager.version(root, package), wanted, "{manager:?}");
    let [old, new] = &versions.map(|version| format!("{version}-1"));
    // Its own config file comes beside an edited one where it is another than before.
    let changed = package != "hello-otp";
    publish(root, &[first]);
    manager.install(root, package);
    version(old);
    manager.sound(root, package);
    assert_eq!(facts(root, binary), "root:root 755");
    assert_eq!(facts(root, config), kept);
    assert_eq!(facts(root, state), format!("{package}:{package} 750"));
    let account = root.ok(&["getent", "passwd", package]);
    assert!(account.ends_with(&format!(":{state}:/usr/sbin/nologin\n")), "{account}");
    assert_eq!(enabled(root, unit), "enabled");

    // What the administrator made stays through all that follows.
    root.sh(&format!("echo '# edited' >>{config}; echo mine >{state}/mine"));
    publish(root, &[second]);
    manager.upgrade(root, package);
    version(new);
    manager.sound(root, package);
    assert_eq!(enabled(root, unit), "enabled");
    assert!(root.read(config).ends_with("# edited\n"));
    assert_eq!(root.has(&format!("{config}.rpmnew")), changed, "{manager:?} {package}");
    root.ok(&["systemctl", "disable", unit]);
    manager.downgrade(root, package, old);
    version(old);
    assert_eq!(enabled(root, unit), "disabled");
    manager.upgrade(root, package);
    version(new);
    manager.reinstall(root, package);
    version(new);
    manager.sound(root, package);
    assert_eq!(enabled(root, unit), "disabled");
    assert!(root.read(config).ends_with("# edited\n"));
    assert_eq!(facts(root, config), kept);

    root.ok(&["systemctl", "enable", unit]);
    root.ok(&["rm", "-f", &format!("{config}.rpmnew")]);
    manager.remove(root, package);
    assert!(root.read(&format!("{config}.rpmsave")).ends_with("# edited\n"));
    assert_eq!(root.read(&format!("{state}/mine")), "mine\n");
    let left = root.sh(&format!(
        "find / -xdev -name '*{package}*' ! -path '/repository/*' ! -path '/proc/*' ! -path '/var/cache/*'"
    ));
    let left: Vec<&str> = left.lines().filter(|path| !path.ends_with(".rpmsave")).collect();
    assert_eq!(left, [&format!("/etc/{package}"), state], "{manager:?}");
    // Nobody else must ever own what it may have left elsewhere.
    root.ok(&["getent", "passwd", package]);
    manager.install(root, package);
    assert_eq!(enabled(root, unit), "enabled");
}

/// Scripts of the user, config files that move, and what fails.
fn scripted(manager: Manager) {
    let ((_first, first), (_second, second)) = (toy::build("1.0.0", "rpm"), toy::build("2.0.0", "rpm"));
    let Some(root) = &root_for(manager, &[&first, &second]) else { return };
    let log = || {
        let text = root.sh(&format!("cat {0} 2>/dev/null || :; rm -f {0}", toy::LOG));
        text.lines().map(|line| line.trim().to_owned()).collect::<Vec<_>>()
    };
    let installed = |wanted: &str| assert_eq!(manager.version(root, "toy"), wanted, "{manager:?}");
    let absent = || assert_ne!(manager.rpm(root, &["-q", "toy"]).0, 0, "{manager:?}");
    publish(root, &[&first]);

    root.write("/fail-before-install", "", 0o644);
    let (_, said) = manager.run(root, &["install", "toy"]);
    absent();
    assert!(!root.has("/usr/lib/toy"), "{said}");
    assert_eq!(log(), ["before-install"]);
    root.ok(&["rm", "/fail-before-install"]);

    // What fails later is told, and the rest is done.
    root.write("/fail-after-install", "", 0o644);
    let (_, said) = manager.run(root, &["install", "toy"]);
    installed("1.0.0-1");
    assert!(said.to_lowercase().contains("scriptlet failed") || said.contains("POSTIN"), "{manager:?}: {said}");
    assert_eq!(log(), ["before-install", "after-install"]);
    root.ok(&["rm", "/fail-after-install"]);
    let states =
        ["toy.service", "toy-off.service", "toy-once.service", "toy-job.timer", "toy-idle.socket", "toy-idle.service"];
    assert_eq!(
        states.map(|unit| enabled(root, unit)),
        ["enabled", "disabled", "disabled", "enabled", "enabled", "static"],
        "{manager:?}"
    );
    assert_eq!(facts(root, "/usr/lib/toy/tool"), "toy:toy 4750");
    assert_eq!(facts(root, "/etc/toy/secrets/key"), "root:root 600");
    let key = root.read("/etc/toy/secrets/key");
    assert_eq!(key.len(), 64);

    // Nobody edited what moves.
    publish(root, &[&second]);
    root.write("/fail-before-upgrade", "", 0o644);
    let _ = manager.run(root, &[if manager == Manager::Zypper { "update" } else { "upgrade" }, "toy"]);
    installed("1.0.0-1");
    assert_eq!(log(), ["before-upgrade"]);
    root.ok(&["rm", "/fail-before-upgrade"]);
    manager.upgrade(root, "toy");
    installed("2.0.0-1");
    assert_eq!(log(), ["before-upgrade", "after-upgrade"]);
    let configs = || root.sh("ls /etc/toy").split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(configs(), ["env", "new.conf", "secrets"]);
    manager.downgrade(root, "toy", "1.0.0-1");
    assert_eq!(log(), ["before-upgrade", "after-upgrade"]);
    assert_eq!(configs(), ["env", "gone.conf", "old.conf", "secrets"]);

    // What was edited goes along, also where something else was saved before.
    root.sh("echo edited >/etc/toy/old.conf; echo edited >/etc/toy/gone.conf; echo stale >/etc/toy/old.conf.rpmsave");
    manager.upgrade(root, "toy");
    assert_eq!(configs(), ["env", "gone.conf.rpmsave", "new.conf", "new.conf.rpmnew", "secrets"]);
    assert_eq!(root.read("/etc/toy/new.conf"), "edited\n");
    assert_eq!(root.read("/etc/toy/new.conf.rpmnew"), "packaged\n");
    assert_eq!(root.read("/etc/toy/secrets/key"), key);
    assert!(!root.has("/run/fitout.toy"));
    log();

    root.write("/fail-before-remove", "", 0o644);
    let _ = manager.run(root, &["remove", "toy"]);
    installed("2.0.0-1");
    assert_eq!((log(), enabled(root, "toy.service")), (vec!["before-remove".to_owned()], "enabled".to_owned()));
    root.ok(&["rm", "/fail-before-remove"]);
    root.sh("ln -s /usr/lib/systemd/system/toy-each@.service /etc/systemd/system/multi-user.target.wants/toy-each@a.service");
    manager.remove(root, "toy");
    absent();
    assert_eq!(log(), ["before-remove", "after-remove"]);
    assert_eq!(root.sh("find /etc/systemd /usr/lib/systemd -name 'toy*'"), "", "{manager:?}");
}

#[test]
fn dnf_and_zypper_take_the_examples_through_their_lives() {
    with_each(lives);
}

#[test]
fn scripts_run_when_they_should_under_every_shell() {
    with_each(scripted);
}

/// rpm 6 takes packages of both of its formats once they are signed, and nothing else where only signed ones may come in.
#[test]
fn rpm_6_verifies_and_installs_both_formats() {
    let Some(root) = Root::of(&TESTING) else { return };
    for format in ["4", "6"] {
        let config = format!(
            "[package]\nname = \"v{format}\"\nversion = \"1\"\nsummary = \"A package\"\n\
             maintainer = \"Ops Team <ops@example.org>\"\nlicense = \"MIT\"\n[build]\npreset = \"plain\"\n\
             [[files]]\ntext = \"x\"\nto = \"/usr/share/v{format}/x\"\n[format.rpm]\nformat-version = \"v{format}\"\n"
        );
        let folder = project(&[("fitout.toml", &config)]);
        let (code, _, stderr) = run(folder.path(), &["build", "--format", "rpm"]);
        assert_eq!(code, 0, "{stderr}");
        std::fs::copy(artifact_of(folder.path(), ".rpm"), root.at(&format!("/v{format}.rpm"))).unwrap();
    }
    let strict = |words: &[&str]| root.run(&[&["rpm", "--define", "_pkgverify_level all"], words].concat());
    for rpm in ["/v4.rpm", "/v6.rpm"] {
        assert_eq!(root.ok(&["rpm", "-K", "--nosignature", rpm]), format!("{rpm}: digests OK\n"));
        let (code, said) = strict(&["-U", "--nodeps", rpm]);
        assert!(code != 0 && said.contains("no signature"), "{said}");
    }
    root.sh("export GNUPGHOME=/var/tmp/gnupg
        mkdir -m 700 $GNUPGHOME
        gpg -q --batch --passphrase '' --quick-gen-key 'Ops <ops@example.org>' ed25519 sign 2>/dev/null
        gpg -q --armor --export >/key.asc
        rpm --import /key.asc
        rpmsign --define '_openpgp_sign gpg' --define '_gpg_name ops@example.org' --addsign /v4.rpm /v6.rpm 2>&1
        gpgconf --kill all");
    for (name, rpm) in [("v4", "/v4.rpm"), ("v6", "/v6.rpm")] {
        assert_eq!(root.ok(&["rpm", "-K", rpm]), format!("{rpm}: digests signatures OK\n"));
        let (code, said) = strict(&["-U", "--nodeps", rpm]);
        assert_eq!((code, said.as_str()), (0, ""));
        assert_eq!(root.run(&["rpm", "--verify", name]), (0, String::new()));
    }
}

/// An older package of another maker that says nothing about units is no matter.
#[test]
fn one_of_two_instances_goes_without_a_word() {
    let Some(root) = Root::of(&TESTING) else { return };
    let ((_first, first), (_second, second)) = (toy::build("1.0.0", "rpm"), toy::build("2.0.0", "rpm"));
    for (rpm, name) in [(first, "/1.rpm"), (second, "/2.rpm")] {
        std::fs::copy(rpm, root.at(name)).unwrap();
    }
    root.ok(&["rpm", "-i", "--nodeps", "/1.rpm"]);
    root.ok(&["rpm", "-i", "--nodeps", "--force", "/2.rpm"]);
    root.ok(&["rpm", "-e", "toy-1.0.0"]);
    assert_eq!(enabled(&root, "toy.service"), "enabled");
    assert!(root.has("/usr/lib/toy/serve"));
    root.ok(&["rpm", "-e", "toy"]);
    assert_eq!(root.sh("find /etc/systemd -name 'toy*'"), "");
}

/// A unit that another package had keeps what was decided about it when that package is replaced.
#[test]
fn a_package_takes_over_the_units_of_the_one_that_it_replaces() {
    let service = |name: &str, more: &str| {
        let config = format!(
            "[package]\nname = \"{name}\"\nversion = \"1\"\nsummary = \"Serves\"\n\
             maintainer = \"Ops Team <ops@example.org>\"\nlicense = \"MIT\"\n[build]\npreset = \"plain\"\n\
             [[files]]\ntext = \"{name}\"\nto = \"/usr/share/{name}/x\"\n\
             [[service]]\nname = \"daemon\"\nuser = \"daemond\"\nexec = [\"/bin/sleep\", \"1000\"]\n{more}"
        );
        let folder = project(&[("fitout.toml", &config)]);
        let (code, _, stderr) = run(folder.path(), &["build", "--format", "rpm"]);
        assert_eq!(code, 0, "{stderr}");
        (artifact_of(folder.path(), ".rpm"), folder)
    };
    let (old, _old) = service("before", "");
    let (new, _new) = service("after", "[format.rpm]\nobsoletes = [\"before\"]\n");
    for decided in ["enabled", "disabled"] {
        let Some(root) = Root::of(&TESTING) else { return };
        std::fs::copy(&old, root.at("/old.rpm")).unwrap();
        std::fs::copy(&new, root.at("/new.rpm")).unwrap();
        root.ok(&["rpm", "-U", "--nodeps", "/old.rpm"]);
        if decided == "disabled" {
            root.ok(&["systemctl", "disable", "daemon.service"]);
        }
        root.ok(&["rpm", "-U", "--nodeps", "/new.rpm"]);
        assert_ne!(root.run(&["rpm", "-q", "before"]).0, 0);
        assert_eq!(enabled(&root, "daemon.service"), decided);
    }
}

/// Whole scriptlets of a package with everything, where values mean much to a shell.
#[test]
fn shellcheck_has_nothing_to_say_of_scriptlets() {
    const TAGS: [&str; 5] = ["PREIN", "POSTIN", "PREUN", "POSTUN", "POSTTRANS"];
    const HOSTILE: &str = "Greets o'k $(touch ran) `touch ran` $HOME; & | < > * ? ~ # !";
    let project = Project::new();
    project.replace("fitout.toml", "formats = [\"tarball\", \"zip\"]", "formats = [\"rpm\"]");
    project.replace("fitout.toml", "summary = \"Greets", &format!("summary = \"{HOSTILE}"));
    project.append("fitout.toml", "\n[format.rpm]\nobsoletes = [\"older\"]\n");
    let rpm = project.rpm("1.4.0");
    for tag in TAGS {
        let query = format!("--queryformat=%{{{tag}}}\n");
        let Some(text) = tool("rpm", &["-qp", "--nosignature", &query, rpm.to_str().unwrap()]) else { return };
        assert!(text.lines().count() > 5, "{tag}: {text}");
        let script = project.folder().join(tag);
        std::fs::write(&script, &text).unwrap();
        let script = script.to_str().unwrap();
        // That nothing is expanded in single quotes is what they are there for.
        tool("shellcheck", &["--shell=sh", "--severity=style", "--norc", "--exclude=SC2016", script]);
        for shell in [&["dash"][..], &["bash", "--posix"], &["busybox", "sh"]] {
            tool(shell[0], &[&shell[1..], &["-n", script]].concat());
        }
    }
}
