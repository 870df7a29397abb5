//! `fitout merge`: what several runs made, each for a target, is what one run would have made.

use std::fs;
use std::path::Path;

use crate::support::{contents, copy_tree, root, run};

/// A program for each target, and what suits all of them.
const CONFIG: &str = r#"
[package]
name       = "hello"
version    = "1.0.0"
summary    = "Is merged in tests"
maintainer = "Ops Team <ops@example.org>"
license    = "MIT"

[build]
preset  = "plain"
targets = ["linux/amd64", "linux/arm64"]

[[files]]
from = "hello-{arch}"
to   = "/usr/bin/hello"
mode = "0755"
"#;

/// A program that needs nothing, for a machine.
fn elf(machine: u8) -> Vec<u8> {
    let mut bytes = vec![0; 64];
    bytes[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
    (bytes[16], bytes[18], bytes[20], bytes[52], bytes[54], bytes[58]) = (2, machine, 1, 64, 56, 64);
    bytes
}

pub fn two_targets() -> tempfile::TempDir {
    let folder = crate::support::project(&[("fitout.toml", CONFIG)]);
    fs::write(folder.path().join("hello-amd64"), elf(62)).unwrap();
    fs::write(folder.path().join("hello-arm64"), elf(183)).unwrap();
    folder
}

fn ok(folder: &Path, args: &[&str]) -> String {
    let (code, stdout, stderr) = run(folder, args);
    assert_eq!(code, 0, "{args:?}: {stderr}");
    stdout
}

fn refused(folder: &Path, args: &[&str], code: &str) -> String {
    let (exit, stdout, stderr) = run(folder, args);
    assert!(exit == 2 && stdout.is_empty() && stderr.contains(&format!("error[{code}]")), "{exit}: {stderr}");
    stderr
}

/// Each target by itself, merged, against both at once: the same files with the same bytes.
fn same_as_at_once(here: &Path) -> usize {
    let whole = ok(here, &["build", "-q", "--out", "whole"]);
    for (target, out) in [("linux/amd64", "built/amd64"), ("linux/arm64", "built/arm64")] {
        ok(here, &["build", "-q", "--target", target, "--out", out]);
    }
    let merged = ok(here, &["merge", "built/amd64", "built/arm64", "--into", "dist"]);
    assert_eq!(merged.replace("dist/", "whole/"), whole);
    let (whole, merged) = (contents(&here.join("whole")), contents(&here.join("dist")));
    assert_eq!(whole.keys().collect::<Vec<_>>(), merged.keys().collect::<Vec<_>>());
    for (name, bytes) in &whole {
        assert!(merged[name] == *bytes, "{name}");
    }
    whole.len()
}

#[test]
fn targets_by_themselves_are_what_all_of_them_are_at_once() {
    let folder = two_targets();
    let here = folder.path();
    // Five formats for each, an image of both, and the list.
    assert_eq!(same_as_at_once(here), 12);
    let list = fs::read_to_string(here.join("dist/manifest.json")).unwrap();
    // Again, into one of the folders, and of what is merged already: nothing changes.
    for args in [
        &["merge", "built/amd64", "built/arm64"][..],
        &["merge", "dist", "built/arm64"],
        &["merge", "dist"],
        &["merge", "built/amd64", "built/arm64", "--into", "built/amd64"],
    ] {
        ok(here, args);
        assert_eq!(fs::read_to_string(here.join("dist/manifest.json")).unwrap(), list, "{args:?}");
    }
    assert_eq!(fs::read_to_string(here.join("built/amd64/manifest.json")).unwrap(), list);
    assert!(contents(&here.join("dist")).keys().all(|name| !name.starts_with('.')));
}

#[test]
fn images_with_a_base_and_packages_for_every_target() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path().join("image");
    copy_tree(&root().join("tests/golden/cases/image"), &here);
    let config = fs::read_to_string(here.join("fitout.toml")).unwrap();
    let config = config.replace(r#"formats = ["oci"]"#, r#"formats = ["deb", "oci"]"#);
    fs::write(here.join("fitout.toml"), config).unwrap();
    // A package for all, two images, one of both, the list.
    assert_eq!(same_as_at_once(&here), 5);
    let list = fs::read_to_string(here.join("dist/manifest.json")).unwrap();
    assert!(
        list.contains(
            "\"linux/amd64\",\n        \"linux/arm64\"\n      ],\n      \"file\": \"image_1.4.0+b5_all.deb\""
        ),
        "{list}"
    );
}

#[test]
fn other_releases_and_other_bytes_are_refused() {
    let folder = two_targets();
    let here = folder.path();
    ok(here, &["build", "-q", "--target", "linux/amd64", "--out", "a"]);
    let config = fs::read_to_string(here.join("fitout.toml")).unwrap();
    fs::write(here.join("fitout.toml"), config.replace("1.0.0", "1.0.1")).unwrap();
    ok(here, &["build", "-q", "--target", "linux/arm64", "--out", "b"]);
    let said = refused(here, &["merge", "a", "b"], "run/other-release");
    assert!(
        said.contains("version is `1.0.0` there and `1.0.1` here") && said.contains("Nothing was written"),
        "{said}"
    );
    refused(here, &["merge", "a", "nowhere"], "publish/no-manifest");
    // The same name, and another program in it.
    fs::write(here.join("fitout.toml"), &config).unwrap();
    let mut other = elf(62);
    other[63] = 1;
    fs::write(here.join("hello-amd64"), other).unwrap();
    ok(here, &["build", "-q", "--target", "linux/amd64", "--out", "c"]);
    let said = refused(here, &["merge", "a", "c"], "run/other-bytes");
    assert!(said.contains("hello_1.0.0_amd64.deb"), "{said}");
    // A file that is not what was built, and a folder of another package.
    fs::write(here.join("c/hello_1.0.0_amd64.deb"), "x").unwrap();
    refused(here, &["merge", "a", "c"], "publish/changed");
    fs::write(here.join("fitout.toml"), config.replace("\"hello\"", "\"other\"")).unwrap();
    ok(here, &["build", "-q", "--target", "linux/amd64", "--out", "other"]);
    refused(here, &["merge", "a", "--into", "other"], "run/other-package");
    assert!(!here.join("dist").exists());
}

#[test]
fn an_environment_has_its_folder() {
    let folder = two_targets();
    let here = folder.path();
    let config = fs::read_to_string(here.join("fitout.toml")).unwrap();
    fs::write(here.join("fitout.toml"), config + "[environment.staging.package]\nsummary = \"Another\"\n").unwrap();
    for (target, out) in [("linux/amd64", "a"), ("linux/arm64", "b")] {
        ok(here, &["build", "-q", "--environment", "staging", "--target", target, "--out", out]);
    }
    let said = ok(here, &["merge", "a/staging", "b/staging"]);
    assert!(said.lines().all(|path| path.starts_with("dist/staging/")), "{said}");
}
