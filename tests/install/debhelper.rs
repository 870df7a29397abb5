//! What the maintainer scripts call, beside those that debhelper makes for the same unit.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::roots::{BOOKWORM, Root, is_there, missing};
use crate::support::{artifact_of, finish, project, run, tool};

const CONFIG: &str = r#"
[package]
name       = "same"
version    = "@VERSION@"
summary    = "Is packaged twice"
maintainer = "Ops Team <ops@example.org>"
license    = "MIT"

[build]
preset  = "plain"

[[files]]
from = "serve"
to   = "/usr/lib/same/serve"
mode = "0755"

[[service]]
exec = ["/usr/lib/same/serve"]

[[service]]
name   = "same-off"
exec   = ["/usr/lib/same/serve"]
enable = false
start  = false

[[service]]
name = "same-job"
exec = ["/usr/lib/same/serve"]
[service.timer]
on-calendar = ["daily"]
"#;

/// What dh is told of the same.
const RULES: &str = "#!/usr/bin/make -f
%:
\tdh $@ --with installsysusers
override_dh_installsystemd:
\tdh_installsystemd same.service
\tdh_installsystemd --name=same-job same-job.timer
\tdh_installsystemd --name=same-off --no-enable --no-start same-off.service
";

const CONTROL: &str = "Source: same
Maintainer: Ops Team <ops@example.org>
Build-Depends: debhelper-compat (= 13)

Package: same
Architecture: all
Depends: ${misc:Depends}
Description: is packaged twice
 Once by each.
";

/// What scripts call, replaced by programs that take notes.
const CALLED: [&str; 5] =
    ["systemd-sysusers", "systemd-tmpfiles", "deb-systemd-helper", "deb-systemd-invoke", "systemctl"];

fn by_fitout(version: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = project(&[("fitout.toml", &CONFIG.replace("@VERSION@", version)), ("serve", "#!/bin/sh\n")]);
    let (code, _, stderr) = run(folder.path(), &["build", "--format", "deb"]);
    assert_eq!(code, 0, "{stderr}");
    let deb = artifact_of(folder.path(), ".deb");
    (folder, deb)
}

/// The files of fitout's package, put into another by dh.
fn by_debhelper(version: &str, ours: &Path) -> (tempfile::TempDir, PathBuf) {
    let changes = format!(
        "same ({version}) unstable; urgency=medium\n\n  * New.\n\n -- Ops Team <ops@example.org>  Sat, 28 Nov 2026 10:00:00 +0000\n"
    );
    let folder = project(&[
        ("same/debian/rules", RULES),
        ("same/debian/control", CONTROL),
        ("same/debian/changelog", &changes),
        ("same/debian/source/format", "3.0 (native)\n"),
        ("same/debian/install", "tree/usr/lib/same/serve usr/lib/same\n"),
    ]);
    let source = folder.path().join("same");
    let tree = source.join("tree");
    tool("dpkg-deb", &["-x", ours.to_str().unwrap(), tree.to_str().unwrap()]);
    let units = tree.join("usr/lib/systemd/system");
    for (from, to) in [
        (units.join("same.service"), "same.service"),
        (units.join("same-off.service"), "same.same-off.service"),
        (units.join("same-job.service"), "same.same-job.service"),
        (units.join("same-job.timer"), "same.same-job.timer"),
        (tree.join("usr/lib/sysusers.d/same.conf"), "same.sysusers"),
        (tree.join("usr/lib/tmpfiles.d/same.conf"), "same.tmpfiles"),
    ] {
        fs::copy(from, source.join("debian").join(to)).unwrap();
    }
    let mut build = Command::new("dpkg-buildpackage");
    build.args(["--build=binary", "--no-sign", "--no-check-builddeps"]).current_dir(&source);
    let mode = Command::new("chmod").args(["755", "debian/rules"]).current_dir(&source).status().unwrap();
    assert!(mode.success());
    let (code, stdout, stderr) = finish(build.output().unwrap());
    assert_eq!(code, 0, "{stdout}{stderr}");
    let deb = folder.path().join(format!("same_{version}_all.deb"));
    (folder, deb)
}

/// What the scripts of a package call over its life: one line a call, under the name of the event.
fn calls(debs: [&Path; 2]) -> Option<Vec<String>> {
    let root = Root::of(&BOOKWORM)?;
    for (deb, name) in debs.into_iter().zip(["/1.deb", "/2.deb"]) {
        fs::copy(deb, root.at(name)).unwrap();
    }
    for name in CALLED {
        root.write(&format!("/usr/local/bin/{name}"), &format!("#!/bin/sh\necho {name} \"$*\" >>/notes\n"), 0o755);
    }
    // As if systemd ran, and the account were made.
    root.sh("echo same:x:777:777::/:/bin/sh >>/etc/passwd; echo same:x:777: >>/etc/group");
    root.sh("mkdir -p /run/systemd/system");
    let mut all = Vec::new();
    for words in [
        &["dpkg", "-i", "/1.deb"][..],
        &["dpkg", "-i", "/2.deb"],
        &["/var/lib/dpkg/info/same.prerm", "deconfigure", "in-favour", "other", "1"],
        &["/var/lib/dpkg/info/same.postinst", "abort-deconfigure", "in-favour", "other", "1"],
        &["dpkg", "-r", "same"],
        &["dpkg", "-i", "/2.deb"],
        &["dpkg", "-P", "same"],
    ] {
        root.ok(words);
        all.push(words.join(" "));
        let notes = if root.has("/notes") { root.read("/notes") } else { String::new() };
        let _ = fs::remove_file(root.at("/notes"));
        // One call for each unit, whether they were named together or not; sorted, since their order is free.
        let mut lines: Vec<String> = notes.lines().flat_map(one_unit_each).collect();
        lines.sort();
        lines.dedup();
        all.extend(lines);
    }
    Some(all)
}

/// `deb-systemd-invoke start a b`: the same as a call for each.
fn one_unit_each(call: &str) -> Vec<String> {
    let is_unit = |word: &&str| word.ends_with(".service") || word.ends_with(".timer");
    let words: Vec<&str> = call.split_whitespace().collect();
    let (units, rest): (Vec<&str>, Vec<&str>) = words.into_iter().partition(is_unit);
    let rest = rest.join(" ");
    if units.is_empty() { vec![rest] } else { units.iter().map(|unit| format!("{rest} {unit}")).collect() }
}

#[test]
fn the_scripts_call_what_those_of_debhelper_call() {
    let lacking: Vec<&str> = ["dh", "dpkg-buildpackage"].into_iter().filter(|tool| !is_there(tool)).collect();
    if !missing(&lacking) {
        return;
    }
    let ours = ["1.0", "2.0"].map(by_fitout);
    let theirs = [by_debhelper("1.0", &ours[0].1), by_debhelper("2.0", &ours[1].1)];
    let Some(ours) = calls([&ours[0].1, &ours[1].1]) else { return };
    let theirs = calls([&theirs[0].1, &theirs[1].1]).unwrap();
    assert!(ours.len() > 25, "{ours:#?}");
    let difference: Vec<String> = similar::TextDiff::from_lines(&(theirs.join("\n") + "\n"), &(ours.join("\n") + "\n"))
        .iter_all_changes()
        .filter(|change| change.tag() != similar::ChangeTag::Equal)
        .map(|change| format!("{}{}", change.tag(), change.value().trim_end()))
        .collect();
    // Where ours do better: what is not started by itself is restarted if it runs, not just stopped; what was called off
    // restarts nothing; a removal stops the job behind a timer, too.
    let upgrade = ["-deb-systemd-invoke stop same-off.service", "+deb-systemd-invoke try-restart same-off.service"];
    let called_off = [
        "-deb-systemd-invoke restart same-job.timer",
        "-deb-systemd-invoke restart same.service",
        "+deb-systemd-invoke start same-job.timer",
        "+deb-systemd-invoke start same.service",
    ];
    let removal = ["+deb-systemd-invoke stop same-job.service", "+deb-systemd-invoke stop same-off.service"];
    // An installation over the configuration of a removed package counts as an upgrade.
    let again = ["+deb-systemd-invoke try-restart same-off.service"];
    assert_eq!(difference, [&upgrade[..], &called_off, &removal, &again, &removal].concat());
}
