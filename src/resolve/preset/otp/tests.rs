use std::sync::Arc;

use super::*;
use crate::diagnostic::{Severity, SourceText};
use crate::resolve::ground::Ground;
use crate::resolve::identity::{Arch, Target};
use crate::resolve::preset::Place;
use crate::resolve::release::Churn;
use crate::resolve::{Rule, Take};

/// A small release as `mix release` leaves it, with all that must stay out of a package.
pub(crate) fn synthetic(dir: &Path) {
    let files: [(&str, &[u8]); 23] = [
        ("releases/start_erl.data", b"13.1.5 0.3.1"),
        ("releases/COOKIE", b"secret"),
        ("releases/0.3.1/heron_web.rel", b"%% coding: utf-8\n{release,{\"heron_web\",\"0.3.1\"},{erts,\"13.1.5\"},\n [{kernel,\"8.5.3\",permanent},{heron_web,\"0.3.1\",permanent},{iex,\"1.14.0\",none}]}.\n"),
        ("releases/0.3.1/start_clean.rel", b"no term"),
        ("releases/0.3.1/elixir", b"#!/bin/sh\n"),
        ("releases/0.3.1/vm.args", b"+sbwt none\n"),
        ("releases/0.2.0/old.rel", b""),
        ("bin/heron_web", b"#!/bin/sh\n"),
        ("bin/heron_web.bat", b"rem"),
        ("erts-13.1.5/bin/beam.smp", b"\x7fELF.."),
        ("erts-13.1.5/bin/erl.src", b"#!"),
        ("erts-12.0/bin/beam.smp", b"\x7fELF.."),
        ("lib/kernel-8.5.3/ebin/kernel.app", b""),
        ("lib/kernel-8.5.2/ebin/kernel.app", b""),
        ("lib/iex-1.14.0/ebin/iex.app", b""),
        ("lib/heron_web-0.3.1/ebin/heron_web.app", b"{application,heron_web,[{description,\"Answers. Much.\"},{vsn,\"0.3.1\"}]}.\n"),
        ("lib/heron_web-0.3.1/priv/nif.so", b"\x7fELF.."),
        ("lib/heron_web-0.3.1/priv/page.html", b"<p>"),
        ("heron_web-0.3.1.tar.gz", b""),
        ("tmp/log/erlang.log.1", b""),
        ("etc/heron.env", b""),
        ("README", b""),
        ("erl_crash.dump", b""),
    ];
    for (path, content) in files {
        let path = dir.join(path);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, content).unwrap();
    }
}

fn rules_of(release: &OtpRelease) -> (Vec<Rule>, Vec<Diagnostic>) {
    let source = Arc::new(SourceText { name: "fitout.toml".into(), text: String::new() });
    let ground = Ground::new(&release.dir, &source);
    let target = Target { os: "linux", arch: Arch::Amd64, independent: false };
    let templates = crate::template::Templates::default();
    let place = Place {
        name: "heron-web",
        prefix: "/usr/lib/heron-web",
        target: &target,
        host: None,
        formats: &[],
        templates: &templates,
    };
    let rules = rules::rules(release, &ground, place);
    (rules, ground.into_findings())
}

#[test]
fn a_release_is_recognised() {
    let dir = tempfile::tempdir().unwrap();
    synthetic(dir.path());
    let release = OtpRelease::read(dir.path(), "rel").unwrap();
    assert_eq!(
        (release.name.as_str(), release.version.as_str(), release.erts.as_str()),
        ("heron_web", "0.3.1", "13.1.5")
    );
    assert!(release.erts_included);
    assert_eq!(release.producer, Producer::Mix);
    assert_eq!(release.applications.len(), 3);
    assert_eq!(release.summary.as_deref(), Some("Answers. Much."));
    assert_eq!(release.native_files(), ["erts-13.1.5/bin/beam.smp", "lib/heron_web-0.3.1/priv/nif.so"]);
}

#[test]
fn producers_are_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    synthetic(dir.path());
    fs_err::write(dir.path().join("bin/nodetool"), "").unwrap();
    let producer = || OtpRelease::read(dir.path(), "rel").unwrap().producer;
    assert_eq!(producer(), Producer::Relx);
    fs_err::create_dir(dir.path().join("releases/0.3.1/libexec")).unwrap();
    assert_eq!(producer(), Producer::Distillery);
}

#[test]
fn what_relx_filled_at_start_stays_out() {
    let dir = tempfile::tempdir().unwrap();
    synthetic(dir.path());
    fs_err::write(dir.path().join("releases/0.3.1/vm.args.src"), "-setcookie ${COOKIE}\n").unwrap();
    let (rules, findings) = rules_of(&OtpRelease::read(dir.path(), "rel").unwrap());
    let releases = rules.iter().find(|rule| rule.to.ends_with("/releases")).unwrap();
    assert!(releases.exclude.iter().any(|glob| glob.value == "0.3.1/vm.args"));
    assert!(findings.iter().all(|f| f.code != codes::RESOLVE_COOKIE), "`${{COOKIE}}` is filled on the host");
}

#[test]
fn rules_leave_out_what_is_no_part_of_it() {
    let dir = tempfile::tempdir().unwrap();
    synthetic(dir.path());
    let release = OtpRelease::read(dir.path(), "rel").unwrap();
    let (rules, findings) = rules_of(&release);
    let taken: Vec<(&str, &str, Churn)> = rules
        .iter()
        .filter_map(|rule| match &rule.take {
            Take::Path(from) => Some((from.as_str(), rule.to.as_str(), rule.churn)),
            _ => None,
        })
        .collect();
    let at = "/usr/lib/heron-web";
    assert_eq!(
        taken,
        [
            ("rel/README", format!("{at}/README").as_str(), Churn::Application),
            ("rel/bin", &format!("{at}/bin"), Churn::Application),
            ("rel/erts-13.1.5", &format!("{at}/erts-13.1.5"), Churn::Runtime),
            ("rel/etc", &format!("{at}/etc"), Churn::Application),
            ("rel/lib/heron_web-0.3.1", &format!("{at}/lib/heron_web-0.3.1"), Churn::Application),
            ("rel/lib/iex-1.14.0", &format!("{at}/lib/iex-1.14.0"), Churn::Dependencies),
            ("rel/lib/kernel-8.5.3", &format!("{at}/lib/kernel-8.5.3"), Churn::Dependencies),
            ("rel/releases", &format!("{at}/releases"), Churn::Config),
        ]
    );
    let command = rules.iter().find(|rule| rule.to == "/usr/bin/heron-web").unwrap();
    let line = "\nprogram='/usr/lib/heron-web/bin/heron_web'\n";
    assert!(matches!(&command.take, Take::Text(text) if text.contains(line)), "{:?}", command.take);
    assert_eq!(command.mode.as_ref().unwrap().value, 0o755);
    let excluded = |from: &str| {
        let rule = rules.iter().find(|rule| matches!(&rule.take, Take::Path(path) if path == from)).unwrap();
        rule.exclude.iter().map(|glob| glob.value.as_str()).collect::<Vec<_>>()
    };
    assert!(excluded("rel/releases").contains(&"COOKIE"));
    assert!(excluded("rel/releases").contains(&"0.2.0/**"));
    assert!(excluded("rel/bin").contains(&"*.bat"));
    assert!(excluded("rel/erts-13.1.5").contains(&"bin/*.src"));
    let stale: Vec<&str> = findings.iter().filter_map(|f| f.path.as_deref()).collect();
    assert_eq!(stale, ["rel/erts-12.0", "rel/lib/kernel-8.5.2", "rel/releases/0.2.0"]);
    assert!(findings.iter().all(|f| f.severity == Severity::Note));
}

#[test]
fn an_environment_script_that_begins_like_a_program_gets_an_x_bit() {
    let dir = tempfile::tempdir().unwrap();
    synthetic(dir.path());
    fs_err::write(dir.path().join("releases/0.3.1/env.sh"), "#!/bin/sh\n").unwrap();
    let (rules, _) = rules_of(&OtpRelease::read(dir.path(), "rel").unwrap());
    let script = rules.iter().find(|rule| rule.to.ends_with("/releases/0.3.1/env.sh")).unwrap();
    assert!(script.replace, "it is part of the tree of `releases`, too");
    assert_eq!(script.mode.as_ref().unwrap().value, 0o755);
}

#[test]
fn a_cookie_among_the_arguments_is_found() {
    let dir = tempfile::tempdir().unwrap();
    synthetic(dir.path());
    let release = OtpRelease::read(dir.path(), "rel").unwrap();
    fs_err::write(dir.path().join("releases/0.3.1/vm.args"), "-name a\n-setcookie secret\n").unwrap();
    let (rules, findings) = rules_of(&release);
    let arguments = rules.iter().find(|rule| rule.to.ends_with("/releases/0.3.1/vm.args")).unwrap();
    assert!(matches!(&arguments.take, Take::Text(text) if text == "-name a\n"), "{:?}", arguments.take);
    let finding = findings.iter().find(|f| f.code == codes::RESOLVE_COOKIE).unwrap();
    assert_eq!(finding.severity, Severity::Warning);
    assert!(!format!("{finding:?}").contains("secret"), "the secret itself is not to be printed");
}

#[test]
fn what_is_no_release_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let code = |dir: &Path| OtpRelease::read(dir, "rel").unwrap_err().code;
    assert_eq!(code(&dir.path().join("none")), codes::RESOLVE_NOT_FOUND);
    assert_eq!(code(dir.path()), codes::RESOLVE_NOT_A_RELEASE);
    synthetic(dir.path());
    let start = dir.path().join("releases/start_erl.data");
    for bad in ["13.1.5", "13.1.5 9.9.9", "13.1.5 ../../x", "a b c"] {
        fs_err::write(&start, bad).unwrap();
        assert_eq!(code(dir.path()), codes::RESOLVE_NOT_A_RELEASE, "{bad}");
    }
    // Without it the only version is the live one.
    fs_err::remove_file(&start).unwrap();
    let message = OtpRelease::read(dir.path(), "rel").unwrap_err().message;
    assert!(message.contains("has the versions 0.2.0, 0.3.1, and no"), "{message}");
    fs_err::remove_dir_all(dir.path().join("releases/0.2.0")).unwrap();
    let only = OtpRelease::read(dir.path(), "rel").unwrap();
    assert_eq!((only.version.as_str(), only.erts.as_str()), ("0.3.1", "13.1.5"));
    fs_err::write(&start, "13.1.5 0.3.1").unwrap();
    fs_err::write(dir.path().join("releases/0.3.1/heron_web.rel"), "{release,{\"heron_web\"").unwrap();
    let finding = OtpRelease::read(dir.path(), "rel").unwrap_err();
    assert_eq!(finding.code, codes::RESOLVE_BAD_TERM);
    assert_eq!(finding.labels[0].span.source.name, "rel/releases/0.3.1/heron_web.rel");
}
