use std::sync::Arc;

use super::*;
use crate::diagnostic::SourceText;
use crate::resolve::Take;
use crate::resolve::identity::{Arch, Target};

fn write(dir: &Path, path: &str, text: &str) {
    let path = dir.join(path);
    fs_err::create_dir_all(path.parent().unwrap()).unwrap();
    fs_err::write(path, text).unwrap();
}

fn project(dir: &Path) {
    write(
        dir,
        "Cargo.toml",
        "[package]\nname = \"hello\"\nversion = \"1.2.3\"\nedition = \"2021\"\ndescription = \"Greets people. At length.\"\nlicense = \"MIT/Apache-2.0\"\nrepository = \"https://example.org/hello\"\nauthors = [\"A B <a@example.org>\"]\n[workspace]\n",
    );
    write(dir, "src/main.rs", "fn main() {}\n");
    write(dir, "src/bin/second.rs", "fn main() {}\n");
}

/// Reads it with the folder that Cargo has by default, whatever the tests' own environment says of it.
fn read(dir: &Path) -> Package {
    Package::read(dir, None, Some(dir.canonicalize().unwrap().join("target"))).unwrap()
}

/// From, to, only in these formats.
type Taken = (String, String, Option<Vec<String>>);

fn rules(package: &Package, arch: Arch, formats: &[&'static str]) -> (Vec<Taken>, Vec<Diagnostic>) {
    let source = Arc::new(SourceText { name: "fitout.toml".into(), text: String::new() });
    let ground = Ground::new(&package.project, &source);
    let target = Target { os: "linux", arch, independent: false };
    let place = Place {
        name: "hello",
        prefix: "/usr/lib/hello",
        target: &target,
        host: Some(Arch::Amd64),
        formats,
        templates: &crate::template::Templates::default(),
    };
    let rules = package.rules(&ground, place).into_iter().map(|rule| match rule.take {
        Take::Path(from) => (from, rule.to, rule.when),
        other => panic!("{other:?}"),
    });
    (rules.collect(), ground.into_findings())
}

#[test]
fn cargo_is_asked_for_the_facts() {
    let dir = tempfile::tempdir().unwrap();
    project(dir.path());
    let package = read(dir.path());
    assert_eq!(package.binaries, ["hello", "second"]);
    let known = package.known();
    let value = |fact: Option<crate::resolve::identity::Fact<String>>| fact.unwrap().value;
    assert_eq!(value(known.name), "hello");
    assert_eq!(value(known.version), "1.2.3");
    assert_eq!(value(known.summary), "Greets people");
    assert_eq!(value(known.license), "MIT OR Apache-2.0");
    assert_eq!(value(known.homepage), "https://example.org/hello");
    assert_eq!(value(known.repository), "https://example.org/hello");
    assert_eq!(value(known.maintainer), "A B <a@example.org>");
}

#[test]
fn binaries_are_found_where_the_target_was_built() {
    let dir = tempfile::tempdir().unwrap();
    project(dir.path());
    let package = read(dir.path());
    let (_, findings) = rules(&package, Arch::Amd64, &["deb"]);
    assert_eq!(findings.len(), 2, "one for each binary");
    assert_eq!(findings[0].code, codes::RESOLVE_NOT_BUILT);
    assert!(findings[0].helps[0].contains("`cargo build --release`"));
    write(dir.path(), "target/release/hello", "");
    write(dir.path(), "target/release/second", "");
    write(dir.path(), "target/aarch64-unknown-linux-musl/release/hello", "");
    write(dir.path(), "target/aarch64-unknown-linux-musl/release/second", "");
    let (found, findings) = rules(&package, Arch::Amd64, &["deb"]);
    assert!(findings.is_empty());
    assert_eq!(found[0], ("target/release/hello".into(), "/usr/bin/hello".into(), None));
    let (found, _) = rules(&package, Arch::Arm64, &["deb"]);
    assert_eq!(found[1].0, "target/aarch64-unknown-linux-musl/release/second");
    assert_eq!(package.triple(Arch::Arm64), "aarch64-unknown-linux-musl");
    let (_, findings) = rules(&package, Arch::S390x, &["deb"]);
    assert!(findings[0].helps[0].contains("--target s390x-unknown-linux-gnu"), "{:?}", findings[0].helps);
}

#[test]
fn pages_and_completions_are_found() {
    let dir = tempfile::tempdir().unwrap();
    project(dir.path());
    for path in [
        "target/release/hello",
        "target/release/second",
        "man/hello.1",
        "man/hello.txt",
        "doc/hello.conf.5",
        "completions/hello.bash",
        "completions/_hello",
        "completions/hello.fish",
        "completions/notes.md",
    ] {
        write(dir.path(), path, "");
    }
    let package = read(dir.path());
    let (found, _) = rules(&package, Arch::Amd64, &["deb", "rpm"]);
    let when = |names: &[&str]| Some(names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>());
    let to: Vec<(&str, Option<Vec<String>>)> =
        found[2..].iter().map(|(_, to, when)| (to.as_str(), when.clone())).collect();
    assert_eq!(
        to,
        [
            ("/usr/share/man/man1/hello.1", None),
            ("/usr/share/man/man5/hello.conf.5", None),
            ("/usr/share/zsh/vendor-completions/_hello", when(&["deb"])),
            ("/usr/share/zsh/site-functions/_hello", when(&["rpm"])),
            ("/usr/share/bash-completion/completions/hello", None),
            ("/usr/share/fish/vendor_completions.d/hello.fish", None),
        ]
    );
}

#[test]
fn a_workspace_of_libraries_has_nothing_to_choose_from() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "Cargo.toml", "[workspace]\nmembers = [\"a\", \"b\"]\nresolver = \"2\"\n");
    for name in ["a", "b"] {
        write(
            dir.path(),
            &format!("{name}/Cargo.toml"),
            &format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\n"),
        );
        write(dir.path(), &format!("{name}/src/lib.rs"), "");
    }
    let finding = Package::read(dir.path(), None, None).unwrap_err();
    assert!(finding.message.contains("no package with a program"), "{finding:?}");
}

#[test]
fn a_workspace_with_several_packages_wants_a_name() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "Cargo.toml", "[workspace]\nmembers = [\"server\", \"client\"]\nresolver = \"2\"\n");
    for name in ["server", "client"] {
        write(
            dir.path(),
            &format!("{name}/Cargo.toml"),
            &format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\n"),
        );
        write(dir.path(), &format!("{name}/src/main.rs"), "fn main() {}\n");
    }
    assert_eq!(Package::read(dir.path(), Some("client"), None).unwrap().name, "client");
    let finding = Package::read(dir.path(), Some("servr"), None).unwrap_err();
    assert_eq!((finding.code, finding.helps[0].as_str()), (codes::RESOLVE_CARGO, "did you mean `server`?"));
    assert!(Package::read(dir.path(), None, None).unwrap_err().helps[0].contains("`client`"));
    let empty = tempfile::tempdir().unwrap();
    let finding = Package::read(empty.path(), None, None).unwrap_err();
    assert_eq!(finding.code, codes::RESOLVE_COMMAND_FAILED);
    assert!(!finding.notes.is_empty());
}
