//! apt and dpkg take packages through their life: in a chroot, as in the build of a container image. systemd does not run.

use std::path::Path;
use std::process::Command;

use crate::roots::{BOOKWORM, Root, Suite, TRIXIE};
use crate::support::{artifact, artifact_of, newer_example, project, run, tool};

/// An example with what its package brings.
struct Example {
    name: &'static str,
    package: &'static str,
    versions: [&'static str; 2],
    binary: &'static str,
    config: &'static str,
    /// Owner and mode of the config file.
    kept: &'static str,
    /// What is enabled.
    unit: &'static str,
}

const EXAMPLES: [Example; 3] = [
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
    fs_err::create_dir_all(&folder).unwrap();
    for deb in debs {
        fs_err::copy(deb, folder.join(deb.file_name().unwrap())).unwrap();
    }
    let index = Command::new("dpkg-scanpackages").args(["--multiversion", "."]).current_dir(&folder).output().unwrap();
    assert!(index.status.success(), "{}", String::from_utf8_lossy(&index.stderr));
    fs_err::write(folder.join("Packages"), index.stdout).unwrap();
    let _ = fs_err::remove_dir_all(root.at("/etc/apt/sources.list.d"));
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
    assert_eq!(query(root, "${Version}", package).contains("no packages found"), true);
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
        let on = |suite: &'static Suite| Root::of(suite).inspect(|root| check(root)).is_some();
        let other = scope.spawn(|| on(&TRIXIE));
        on(&BOOKWORM);
        other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
}

#[test]
fn apt_takes_the_examples_through_their_life() {
    on_both(|root| EXAMPLES.iter().for_each(|example| life(root, example)));
}
