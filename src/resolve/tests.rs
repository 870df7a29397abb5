//! The whole room: a config and a folder in, releases or findings out.

use std::path::Path;
use std::sync::Mutex;

use super::*;
use crate::config::load::{Vocabulary, load};
use crate::diagnostic::{Code, codes};
use crate::listener::Silent;
use crate::resolve::lifecycle::{Dialect, Step};
use crate::resolve::packaging::{Base, Compression};
use crate::resolve::release::{Churn, Role};

const FORMATS: [&str; 3] = ["deb", "rpm", "oci"];
const WHO: &str = "name = \"hello\"\nversion = \"1.2.3\"\nsummary = \"Greets\"\nmaintainer = \"A B <a@example.org>\"\nlicense = \"MIT\"\n";

fn request(dir: &Path) -> Request {
    let abilities = Abilities {
        owners: true,
        capabilities: true,
        hardlinks: true,
        ghosts: true,
        dialect: Dialect::None,
        largest_file: u64::MAX,
    };
    Request {
        project: dir.to_owned(),
        output: Vec::new(),
        formats: FORMATS.iter().map(|name| (*name, abilities)).collect(),
        targets: Vec::new(),
        environment: None,
        source_date_epoch: Some("1700000000".into()),
        host: Some(Arch::Amd64),
    }
}

fn resolved(dir: &Path, text: &str, change: impl Fn(&mut Request)) -> Result<Vec<Release>, Findings> {
    let document = load("fitout.toml", text, &Vocabulary { formats: &FORMATS })?;
    let mut request = request(dir);
    change(&mut request);
    let reading = environment::read(&document, request.environment.as_deref(), &[])?;
    assert!(reading.findings.is_empty(), "{:#?}", reading.findings);
    resolve(&reading.manifest, &document, &request, &Silent)
}

fn codes_of(dir: &Path, text: &str) -> Vec<(Code, usize)> {
    let findings = resolved(dir, text, |_| ()).expect_err("findings");
    findings.iter().map(|f| (f.code, f.labels.first().map_or(0, |label| label.span.line_column().0))).collect()
}

#[test]
fn a_release_has_all_facts() {
    let dir = tempfile::tempdir().unwrap();
    fs_err::write(dir.path().join("a"), "").unwrap();
    fs_err::write(dir.path().join("LICENSE"), "All of it.\n").unwrap();
    let text = format!(
        "[package]\n{WHO}[build]\ntargets = [\"linux/amd64\", \"linux/arm64\"]\n[[files]]\nfrom = \"a\"\nto = \"/etc/{{name}}/{{arch}}\"\nrole = \"config\"\nmode = \"0640\"\nowner = \"root:hello\"\n[format.deb]\ncompression = \"xz:9\"\ndepends = [\"adduser\"]\n"
    );
    let releases = resolved(dir.path(), &text, |_| ()).unwrap();
    assert_eq!(releases.len(), 2);
    let release = &releases[1];
    assert_eq!(release.target.to_string(), "linux/arm64");
    assert_eq!((release.clock, release.prefix.as_str()), (1_700_000_000, "/usr/lib/hello"));
    assert_eq!(release.identity.copyright, ["2023 A B"]);
    assert_eq!(release.license_text.as_deref(), Some("All of it.\n"));
    assert_eq!(release.changelog[0].lines, ["Release 1.2.3."]);
    assert_eq!(release.deb.compression.value, Compression::Xz(9));
    assert_eq!(release.deb.relations["Depends"][0].value, "adduser");
    assert_eq!(*release.rpm.packager, "A B <a@example.org>");
    assert_eq!(release.image.base.value, Base::Scratch);
    assert_eq!(release.image.repository.value, "localhost/hello");
    assert_eq!(release.holes["rust-target"], "aarch64-unknown-linux-gnu");
    let rule = &release.rules[0];
    assert_eq!(rule.to, "/etc/hello/arm64");
    assert_eq!(rule.role, Role::Config { noreplace: true, missingok: false });
    assert_eq!((rule.mode.as_ref().unwrap().value, rule.churn), (0o640, Churn::Config));
    assert_eq!(rule.origin.to_string(), "fitout.toml:9");
}

#[test]
fn what_was_found_is_said() {
    #[derive(Default)]
    struct Ears(Mutex<Vec<String>>);
    impl Listener for Ears {
        fn hear(&self, event: Event) {
            if let Event::Resolved { name, version, target, from } = event {
                self.0.lock().unwrap().push(format!("{name} {version} {target} {from}"));
            }
        }
    }
    let dir = tempfile::tempdir().unwrap();
    fs_err::write(dir.path().join("VERSION"), "v2.0.0-rc.1\n").unwrap();
    let text =
        format!("[package]\n{}[build]\ninput = \"VERSION\"\n", WHO.replace("\"1.2.3\"", "{ from = \"file:VERSION\" }"));
    let document = load("fitout.toml", &text, &Vocabulary { formats: &FORMATS }).unwrap();
    let manifest = environment::read(&document, None, &[]).unwrap().manifest;
    let ears = Ears::default();
    resolve(&manifest, &document, &request(dir.path()), &ears).unwrap();
    assert_eq!(ears.0.into_inner().unwrap(), ["hello 2.0.0-rc.1 linux/amd64 VERSION"]);
}

/// One mistake a line.
const MISTAKES: &str = r#"[package]
name = "he llo"
version = "1 2"
maintainer = "nobody"
license = "MIT/X11"
homepage = "example.org"
license-file = "COPYNG"
changelog = "CHANGES"
prefix = "opt"
[build]
input = "nothing"
targets = ["x86_64", "linux/amd64", "linux/amd64"]
[[files]]
from = "a"
to = "etc/{nme}"
[[files]]
from = "a"
to = "etc/{name}"
[format.deb]
compression = "gzip:13"
multi-arch = "sme"
triggers = ["intrest /x"]
[format.deb.scripts]
postinst = "postinst"
[format.rpm]
format-version = "v5"
prefixes = ["opt/"]
[format.oci]
base = "De bian"
user = "hello"
ports = ["0"]
stop-signal = "TERM"
volumes = ["../x"]
compression = "xz"
"#;

#[test]
fn all_findings_come_at_once_in_the_order_of_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let found = codes_of(dir.path(), MISTAKES);
    let invalid = codes::CONFIG_INVALID_VALUE;
    let expected = [
        (codes::RESOLVE_NAME, 2),
        (codes::RESOLVE_VERSION, 3),
        (codes::RESOLVE_MAINTAINER, 4),
        (codes::RESOLVE_LICENSE, 5),
        (codes::RESOLVE_HOMEPAGE, 6),
        (codes::RESOLVE_NOT_FOUND, 7),
        (codes::RESOLVE_NOT_FOUND, 8),
        (codes::RESOLVE_PATH, 9),
        (codes::RESOLVE_NOT_FOUND, 11),
        (codes::RESOLVE_UNKNOWN_TARGET, 12),
        (codes::RESOLVE_UNKNOWN_TARGET, 12),
        (codes::CONFIG_UNSET_HOLE, 15),
        (codes::RESOLVE_PATH, 18),
        (invalid, 20),
        (invalid, 21),
        (invalid, 22),
        (codes::RESOLVE_NOT_FOUND, 24),
        (invalid, 26),
        (codes::RESOLVE_PATH, 27),
        (invalid, 29),
        (invalid, 30),
        (invalid, 31),
        (invalid, 32),
        (codes::RESOLVE_PATH, 33),
        (invalid, 34),
    ];
    assert_eq!(found, expected);
}

#[test]
fn missing_facts_are_named_with_their_sources() {
    let dir = tempfile::tempdir().unwrap();
    fs_err::create_dir(dir.path().join("in")).unwrap();
    let findings = resolved(dir.path(), "# a comment\n[package]\n[build]\ninput = \"in\"\n", |_| ()).unwrap_err();
    let [missing] = &findings[..] else { panic!("{findings:#?}") };
    assert_eq!(
        missing.message,
        "`name`, `summary`, `maintainer`, `license` and `version` are missing under `[package]`"
    );
    assert_eq!((missing.code, missing.helps.len()), (codes::CONFIG_MISSING_KEY, 5));
    assert_eq!(missing.labels[0].span.line_column(), (2, 1));
    assert_eq!(codes_of(dir.path(), &format!("[package]\n{WHO}")), [(codes::RESOLVE_NOTHING, 0)]);
    let one = format!("[package]\n{}", WHO.replace("license = \"MIT\"\n", ""));
    assert_eq!(codes_of(dir.path(), &one), [(codes::CONFIG_MISSING_KEY, 1), (codes::RESOLVE_NOTHING, 0)]);
    // Where the preset cannot be read, what it would have known is not missing as well.
    let text = "[package]\n[build]\npreset = \"otp\"\ninput = \"in\"\n";
    assert_eq!(codes_of(dir.path(), text), [(codes::RESOLVE_NOT_A_RELEASE, 4)]);
}

#[test]
fn environments_mark_the_version() {
    let dir = tempfile::tempdir().unwrap();
    fs_err::create_dir(dir.path().join("in")).unwrap();
    let text = format!(
        "[package]\n{WHO}[build]\ninput = \"in\"\n[environment.staging.package]\nsummary = \"S\"\n[environment.live.package]\nversion = \"9.0\"\n"
    );
    let of = |name: &str| {
        let releases = resolved(dir.path(), &text, |request| request.environment = Some(name.to_owned())).unwrap();
        (releases[0].identity.version.text.clone(), releases[0].holes["environment"].clone())
    };
    assert_eq!(of("staging"), ("1.2.3+staging".into(), "staging".into()));
    assert_eq!(of("live"), ("9.0".into(), "live".into()));
}

#[test]
fn an_otp_release_needs_no_more_than_a_few_lines() {
    let dir = tempfile::tempdir().unwrap();
    preset::otp::tests::synthetic(&dir.path().join("_build/prod/rel/heron_web"));
    let text = "[package]\nmaintainer = \"A B <a@example.org>\"\nlicense = \"MIT\"\n[build]\npreset = \"otp\"\n";
    let release = resolved(dir.path(), text, |_| ()).unwrap().remove(0);
    assert_eq!((release.identity.name.as_str(), release.identity.version.text.as_str()), ("heron-web", "0.3.1"));
    assert_eq!(release.identity.summary.value, "Answers");
    assert_eq!(release.image.entrypoint.unwrap(), ["/usr/lib/heron-web/bin/heron_web"]);
    assert_eq!(release.image.cmd.unwrap(), ["start"]);
    assert!(release.deb.relations.is_empty());
    fs_err::remove_dir_all(dir.path().join("_build/prod/rel/heron_web/erts-13.1.5")).unwrap();
    let release = resolved(dir.path(), text, |_| ()).unwrap().remove(0);
    let needs: Vec<&str> = release.deb.relations["Depends"].iter().map(|needed| needed.value.as_str()).collect();
    assert_eq!(needs, ["erlang-base (>= 1:25)", "erlang-base (<< 1:26~)"]);
}

#[test]
fn scripts_become_steps() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs_err::write(dir.path().join(name), text).unwrap();
    write("good", "#!/bin/bash -e\ntrue\n");
    write("bare", "true\n");
    write("empty", "\n");
    write("dos", "#!/bin/sh\r\ntrue\r\n");
    fs_err::create_dir(dir.path().join("in")).unwrap();
    let text = format!(
        "[package]\n{WHO}[build]\ninput = \"in\"\n[format.deb.scripts]\npostinst = \"good\"\n[format.rpm.scripts]\npost = {{ file = \"bare\" }}\npreun = {{ file = \"good\" }}\n[[format.rpm.triggers]]\nevent = \"filetriggerin\"\non = [\"/usr/share/x\"]\nfile = \"bare\"\n"
    );
    let steps = resolved(dir.path(), &text, |_| ()).unwrap().remove(0).lifecycle.steps;
    let said: Vec<String> = steps
        .iter()
        .map(|step| match step {
            Step::Script { dialect, moment, script } => {
                format!("{dialect:?} {moment} {}", script.interpreter.join(" "))
            }
            Step::RpmTrigger { trigger, .. } => format!("{} {}", trigger.event, trigger.priority),
            #[allow(unreachable_patterns)]
            other => format!("{other:?}"),
        })
        .collect();
    assert_eq!(
        said,
        ["Deb postinst /bin/bash -e", "Rpm post /bin/sh", "Rpm preun /bin/bash -e", "filetriggerin 1000000"]
    );
    for bad in ["bare", "empty", "dos"] {
        let text = text.replace("postinst = \"good\"", &format!("postinst = \"{bad}\""));
        assert_eq!(codes_of(dir.path(), &text), [(codes::RESOLVE_BAD_SCRIPT, 10)], "{bad}");
    }
}

#[test]
fn versions_have_many_sources() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs_err::write(dir.path().join(name), text).unwrap();
    write("env", "export VERSION='3.1.4' # pi\n");
    write("mix.exs", "def project do [version: \"0.2.0\"]");
    write("dynamic.exs", "def project do [version: v()]");
    write("Cargo.toml", "[package]\nversion = \"0.5.0\"\n");
    fs_err::create_dir(dir.path().join("in")).unwrap();
    let text = |from: &str| {
        format!("[package]\n{}[build]\ninput = \"in\"\n", WHO.replace("\"1.2.3\"", &format!("{{ from = \"{from}\" }}")))
    };
    for (from, version) in [
        ("file:env#VERSION", "3.1.4"),
        ("mix.exs", "0.2.0"),
        ("Cargo.toml", "0.5.0"),
        ("command:echo 7.0", "7.0"),
        ("command:cat Cargo.toml | grep -o '0.5.0'", "0.5.0"),
    ] {
        assert_eq!(resolved(dir.path(), &text(from), |_| ()).unwrap()[0].identity.version.text, version, "{from}");
    }
    for (from, code) in [
        ("file:env#VERSON", codes::RESOLVE_NO_VERSION),
        ("file:nothing", codes::RESOLVE_NOT_FOUND),
        ("file:env", codes::RESOLVE_VERSION),
        ("release", codes::RESOLVE_NO_VERSION),
        ("git", codes::RESOLVE_NO_VERSION),
        ("gti", codes::CONFIG_INVALID_VALUE),
        ("env:VERSION", codes::CONFIG_INVALID_VALUE),
        ("command:echo oops >&2; exit 1", codes::RESOLVE_COMMAND_FAILED),
        ("command:true", codes::RESOLVE_VERSION),
        ("in/mix.exs", codes::RESOLVE_NOT_FOUND),
    ] {
        assert_eq!(codes_of(dir.path(), &text(from)), [(code, 3)], "{from}");
    }
}

mod services;
