//! Same input, same bytes: in another folder, under another umask, time zone, locale and user, with other file times,
//! another order of directory entries and another thread count.
#![allow(
    clippy::disallowed_methods,
    clippy::pedantic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests tell what they found, and stop where they are wrong"
)]

#[path = "reproducible/cache.rs"]
mod cache;
mod support;

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::time::{Duration, SystemTime};

use support::{contents, finish, fitout};

const CONFIG: &str = r#"
[package]
name       = "same"
version    = "1.0.0"
summary    = "Same bytes everywhere"
maintainer = "Ops Team <ops@example.org>"
license    = "MIT"
description = "A tree with links, modes and content of all sizes."

[build]
preset = "plain"

[[files]]
from = "tree"
to   = "/usr/lib/same"

[[files]]
text = "{version} for {arch}"
to   = "/etc/same/stamp"
role = "config"
"#;

/// Writes the tree in forward or backward order, so that the file system lists it in another order.
fn project(folder: &Path, backward: bool, age: Duration) {
    let tree = folder.join("tree");
    fs::create_dir_all(&tree).unwrap();
    fs::write(folder.join("fitout.toml"), CONFIG).unwrap();
    let mut numbers: Vec<u32> = (0..300).collect();
    if backward {
        numbers.reverse();
    }
    for number in numbers {
        let sub = tree.join(format!("d{}", number % 17));
        fs::create_dir_all(&sub).unwrap();
        let path = sub.join(format!("f{number}"));
        let length = if number % 50 == 0 { 3 << 20 } else { (number as usize * 37) % 40_000 };
        fs::write(&path, (0..length).map(|i| ((i as u32).wrapping_mul(number) >> 3) as u8).collect::<Vec<_>>())
            .unwrap();
        // The x bit counts; the rest of the builder's mode does not.
        let mode = match (number % 3 == 0, backward) {
            (true, false) => 0o700,
            (true, true) => 0o775,
            (false, false) => 0o600,
            (false, true) => 0o664,
        };
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        if number % 20 == 1 {
            symlink(format!("f{number}"), sub.join(format!("l{number}"))).unwrap();
            fs::hard_link(&path, sub.join(format!("h{number}"))).unwrap();
        }
        fs::File::open(&path).unwrap().set_modified(SystemTime::now() - age).unwrap();
    }
    fs::create_dir(tree.join("empty")).unwrap();
}

#[test]
fn two_builders_make_the_same_bytes() {
    let first = tempfile::tempdir().unwrap();
    let second = tempfile::tempdir().unwrap();
    let deep = second.path().join("another/folder, with blanks");
    fs::create_dir_all(&deep).unwrap();
    project(first.path(), false, Duration::from_secs(0));
    project(&deep, true, Duration::from_secs(86_400 * 400));

    let (code, _, stderr) = finish(fitout(first.path()).args(["build", "--jobs", "1"]).output().unwrap());
    assert_eq!(code, 0, "{stderr}");

    // Another user where that is possible: the folder must be the user's own then.
    let program = env!("CARGO_BIN_EXE_fitout");
    let script = format!("umask 077; cd '{}' && exec \"$0\" build --jobs 3", deep.display());
    let mut command = std::process::Command::new("sh");
    let is_root = rustix::process::geteuid().is_root();
    if is_root {
        let copy = second.path().join("fitout");
        fs::copy(program, &copy).unwrap();
        let status =
            std::process::Command::new("chown").args(["-R", "65534:65534"]).arg(second.path()).status().unwrap();
        assert!(status.success());
        command = std::process::Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "sh", "-c", &script]).arg(copy);
    } else {
        command.args(["-c", &script, program]);
    }
    command
        .env("TZ", "Asia/Kathmandu")
        .env("LC_ALL", "tr_TR.UTF-8")
        .env("LANG", "tr_TR.UTF-8")
        .env("HOME", "/nonexistent");
    let (code, _, stderr) = finish(command.env_remove("SOURCE_DATE_EPOCH").output().unwrap());
    assert_eq!(code, 0, "{stderr}");

    let (a, b) = (contents(&first.path().join("dist")), contents(&deep.join("dist")));
    assert_eq!(a.keys().collect::<Vec<_>>(), b.keys().collect::<Vec<_>>());
    assert_eq!(a.len(), 6, "five artifacts and the manifest: {:?}", a.keys());
    for (name, bytes) in &a {
        assert!(*bytes == b[name], "{name} differs");
    }
}

/// Streams that are spliced, and streams that are cut into jobs for several workers: neither shows how many there were.
#[test]
fn the_number_of_jobs_changes_no_byte() {
    for [deb, rpm, tarball, oci, zip] in [
        ["gzip:6", "gzip:6", "gzip:6", "gzip:6", "gzip:6"],
        ["zstd:3", "xz:0", "zstd:3", "zstd:3", "gzip:1"],
        ["xz:0", "zstd:3", "xz:0", "gzip:1", "none"],
        ["none", "none", "none", "none", "none"],
    ] {
        let folder = tempfile::tempdir().unwrap();
        project(folder.path(), false, Duration::ZERO);
        let mut config = String::from(CONFIG);
        for (format, compression) in [("deb", deb), ("rpm", rpm), ("tarball", tarball), ("oci", oci), ("zip", zip)] {
            config += &format!("\n[format.{format}]\ncompression = \"{compression}\"\n");
        }
        fs::write(folder.path().join("fitout.toml"), config).unwrap();
        let builds = ["1", "2", "8"].map(|jobs| {
            let output =
                fitout(folder.path()).args(["build", "--out", jobs]).env("FITOUT_JOBS", jobs).output().unwrap();
            let (code, _, stderr) = finish(output);
            assert_eq!(code, 0, "{stderr}");
            contents(&folder.path().join(jobs))
        });
        assert_eq!(builds[0].len(), 6, "five artifacts and the manifest: {:?}", builds[0].keys());
        for (name, bytes) in &builds[0] {
            assert!(*bytes == builds[1][name] && *bytes == builds[2][name], "{name} of {deb}, {rpm}, {tarball}, {oci}");
        }
    }
}

#[test]
fn the_clock_is_source_date_epoch_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    project(folder.path(), false, Duration::ZERO);
    let mut builds = Vec::new();
    for (epoch, out) in [("1000000000", "a"), ("1000000000", "b"), ("1700000000", "c")] {
        let output =
            fitout(folder.path()).args(["build", "--out", out]).env("SOURCE_DATE_EPOCH", epoch).output().unwrap();
        let (code, _, stderr) = finish(output);
        assert_eq!(code, 0, "{stderr}");
        builds.push(contents(&folder.path().join(out)));
    }
    assert!(builds[0] == builds[1]);
    for (name, bytes) in &builds[0] {
        assert!(*bytes != builds[2][name], "{name} does not carry the clock");
    }
    let bad =
        fitout(folder.path()).args(["build", "--out", "d"]).env("SOURCE_DATE_EPOCH", "yesterday").output().unwrap();
    let (code, _, stderr) = finish(bad);
    assert_eq!(code, 2, "{stderr}");
    assert!(!folder.path().join("d").exists());
}
