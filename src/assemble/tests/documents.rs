//! What fitout adds: copyright, licence, change log, overrides, packed manual pages.

use std::io::Read;

use super::*;
use crate::diagnostic::codes;

fn unpacked(bytes: &[u8]) -> String {
    let mut text = String::new();
    flate2::read::GzDecoder::new(bytes).read_to_string(&mut text).unwrap();
    text
}

#[test]
fn every_format_gets_its_documents() {
    let mut project = Project::new();
    project.release.license_text = Some("The licence\n".into());
    project.release.lintian_overrides = vec![("no-manual-page [usr/bin/hello]".into(), "A service\nhas none".into())];
    let outcome = project.run();
    assert_eq!(
        String::from_utf8(bytes(&outcome, "/usr/share/lintian/overrides/hello")).unwrap(),
        "# A service\n# has none\nhello: no-manual-page [usr/bin/hello]\n"
    );
    assert_eq!(bytes(&outcome, "/usr/share/licenses/hello/LICENSE"), b"The licence\n");
    let log = bytes(&outcome, "/usr/share/doc/hello/changelog.gz");
    assert!(unpacked(&log).starts_with("hello (1.4.0~rc.1+b5) unstable; urgency=medium\n\n  * Release"));
    assert_eq!(
        (&log[..4], &log[4..9]),
        (b"\x1f\x8b\x08\0".as_slice(), [0, 0, 0, 0, 2].as_slice()),
        "no name, no time, best"
    );
    let plan = outcome.result.unwrap();
    check_invariants(&plan);
    let of = |format: &str| {
        let files = plan.entries_for(format).filter(|e| matches!(e.kind, Kind::File(_)));
        files.map(|e| e.path.trim_start_matches("/usr/share/").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(of("deb"), ["doc/hello/changelog.gz", "doc/hello/copyright", "lintian/overrides/hello"]);
    assert_eq!(of("rpm"), ["doc/hello/copyright", "licenses/hello/LICENSE"]);
    assert_eq!(of("zip"), ["doc/hello/copyright"]);
    assert_eq!(entry(&plan, "/usr/share/doc/hello/copyright").role, Role::Doc);
    assert_eq!(entry(&plan, "/usr/share/licenses/hello/LICENSE").role, Role::License);
}

#[test]
fn a_generated_file_yields_to_a_rule() {
    let mut project = Project::new();
    project.file("mine", "mine").rule(Take::Path("mine".into()), "/usr/share/doc/hello/copyright", |rule| {
        rule.when = Some(vec!["deb".into()]);
    });
    let plan = project.plan();
    check_invariants(&plan);
    let origin = |format: &str| {
        let found = plan.entries_for(format).find(|e| e.path.ends_with("/copyright"));
        matches!(*found.unwrap().origin, Origin::Config(_))
    };
    assert!(origin("deb") && !origin("rpm") && !origin("zip"));
}

#[test]
fn a_name_that_makes_no_path_is_refused() {
    let mut project = Project::new();
    project.release.identity.name = fact("a/../b".into());
    assert!(project.refused().iter().all(|f| f.code == codes::FILES_PATH));
}

#[test]
fn manual_pages_are_packed_in_every_format() {
    let mut project = Project::new();
    project
        .file("man/man1/hello.1", ".TH HELLO 1\n")
        .link("man/man1/hi.1", "hello.1")
        .file("man/de/man1/hello.1", ".TH\n");
    project.file("man/man5/done.5.gz", "packed").file("man/README", "").from("man", "/usr/share/man");
    project.link("man/man5/other.5", "done.5.gz");
    let outcome = project.run();
    assert_eq!(unpacked(&bytes(&outcome, "/usr/share/man/man1/hello.1.gz")), ".TH HELLO 1\n");
    assert_eq!(bytes(&outcome, "/usr/share/man/man5/done.5.gz"), b"packed");
    let plan = outcome.result.unwrap();
    assert_eq!(
        paths(&plan),
        [
            "/usr/share/man/README",
            "/usr/share/man/de/man1/hello.1.gz",
            "/usr/share/man/man1/hello.1.gz",
            "/usr/share/man/man1/hi.1.gz",
            "/usr/share/man/man5/done.5.gz",
            "/usr/share/man/man5/other.5.gz"
        ]
    );
    let target = |path: &str| match &entry(&plan, path).kind {
        Kind::Symlink { target } => target.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(target("/usr/share/man/man1/hi.1.gz"), "hello.1.gz");
    assert_eq!(target("/usr/share/man/man5/other.5.gz"), "done.5.gz");
}

/// dpkg-deb and lintian judge the documents of a small package.
#[test]
fn lintian_finds_no_fault_with_the_documents() {
    for (license, release) in
        [("Apache-2.0", None), ("MIT", Some("1")), ("MIT OR Apache-2.0", None), ("GPL-3.0-or-later", None)]
    {
        let mut project = Project::new();
        project.release.identity.license = fact(license.to_owned());
        project.release.identity.release = release.map(|r: &str| fact(r.to_owned()));
        project.release.license_text = Some("Permission is granted.\n\nTo all.\n".into());
        let outcome = project.run();
        let plan = outcome.result.as_ref().unwrap();
        let root = project.at("root");
        for entry in plan.entries_for("deb").filter(|e| matches!(e.kind, Kind::File(_))) {
            project
                .file(&format!("root{}", entry.path), bytes(&outcome, &entry.path))
                .mode(&format!("root{}", entry.path), 0o644);
        }
        let version = format!("1.4.0~rc.1+b5{}", release.map(|r| format!("-{r}")).unwrap_or_default());
        let control = format!(
            "Package: hello\nVersion: {version}\nArchitecture: all\nMaintainer: Ops Team <ops@example.org>\n\
             Section: misc\nPriority: optional\nDescription: greets people\n It greets people who ask for it.\n"
        );
        project.file("root/DEBIAN/control", control);
        let script = "chmod -R u=rwX,go=rX root && dpkg-deb --root-owner-group -b root x.deb >/dev/null && lintian --allow-root x.deb";
        let output =
            std::process::Command::new("sh").args(["-c", script]).current_dir(root.parent().unwrap()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        let about =
            |line: &&str| ["copyright", "changelog", "license", "native", "overrides"].iter().any(|w| line.contains(w));
        let faults: Vec<_> = said.lines().filter(about).filter(|l| !l.contains("initial-upload")).collect();
        assert!(faults.is_empty(), "{license}: {faults:#?}\n{said}");
    }
}
