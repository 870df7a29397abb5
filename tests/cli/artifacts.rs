//! `inspect`, `diff` and `lint` of files that are no artifacts: a clear error, as a document too.

use std::fs;
use std::process::Stdio;

use crate::support::{finish, fitout, project, run};

/// Files that no format takes, and the code of what is said of each.
const WRONG: [(&str, &str); 6] = [
    ("missing.deb", "artifact/not-found"),
    ("folder", "artifact/unknown-format"),
    ("hollow", "artifact/unknown-format"),
    ("empty.deb", "artifact/unknown-format"),
    ("picture.png", "artifact/unknown-format"),
    ("cut.deb", "artifact/damaged"),
];

fn files() -> tempfile::TempDir {
    let folder = project(&[("folder/a", "a"), ("empty.deb", ""), ("cut.deb", "!<arch>\ndebian-binary   ")]);
    let header = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0";
    fs::write(folder.path().join("picture.png"), header).unwrap();
    fs::create_dir(folder.path().join("hollow")).unwrap();
    folder
}

#[test]
fn a_fifo_is_refused_and_not_waited_for() {
    let folder = project(&[("other.deb", "")]);
    let made = std::process::Command::new("mkfifo").arg(folder.path().join("pipe.deb")).status().unwrap();
    assert!(made.success());
    for call in calls("pipe.deb") {
        let mut child = fitout(folder.path()).args(&call).stderr(Stdio::piped()).spawn().unwrap();
        let start = std::time::Instant::now();
        while child.try_wait().unwrap().is_none() {
            if start.elapsed().as_secs() > 20 {
                child.kill().unwrap();
                panic!("{call:?} waits for somebody to write");
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        let (exit, _, stderr) = finish(child.wait_with_output().unwrap());
        assert_eq!(exit, 2, "{call:?}: {stderr}");
        if !call.starts_with(&["diff", "picture.png"]) {
            assert!(stderr.contains("error[artifact/unknown-format]") && stderr.contains("regular file"), "{stderr}");
        }
    }
}

#[test]
fn a_new_version_is_told_once() {
    let text = |version: &str| {
        format!(
            "[package]\nname = \"two\"\nversion = \"{version}\"\nsummary = \"Two versions\"\nlicense = \"MIT\"\n\
             maintainer = \"Ops Team <ops@example.org>\"\n[build]\npreset = \"plain\"\ninput = \"tree\"\n"
        )
    };
    let folder = project(&[("tree/a", "a"), ("fitout.toml", &text("1.0.0"))]);
    for version in ["1.0.0", "1.1.0"] {
        fs::write(folder.path().join("fitout.toml"), text(version)).unwrap();
        let (exit, _, stderr) = run(folder.path(), &["build", "--format", "deb,rpm"]);
        assert_eq!(exit, 0, "{stderr}");
    }
    for [old, new] in [
        ["dist/two_1.0.0_all.deb", "dist/two_1.1.0_all.deb"],
        ["dist/two-1.0.0-1.noarch.rpm", "dist/two-1.1.0-1.noarch.rpm"],
    ] {
        let (exit, stdout, stderr) = run(folder.path(), &["diff", old, new]);
        assert_eq!(exit, 1, "{stderr}");
        let told = stdout.lines().filter(|line| line.starts_with("field") && line.contains("ersion:"));
        assert_eq!(told.count(), 1, "{stdout}");
    }
}

/// Each verb with the file, `diff` with it on either side.
fn calls(name: &str) -> Vec<Vec<&str>> {
    let diffs = [vec!["diff", name, "picture.png"], vec!["diff", "picture.png", name]];
    let mut calls = vec![vec!["inspect", name], vec!["lint", name]];
    // What is not packed yet can be looked at.
    calls.retain(|call| *call != ["inspect", "folder"]);
    calls.extend(diffs);
    calls
}

#[test]
fn as_text() {
    let folder = files();
    for (name, code) in WRONG {
        for call in calls(name) {
            let (exit, stdout, stderr) = run(folder.path(), &call);
            assert_eq!((exit, stdout.as_str()), (2, ""), "{call:?}: {stderr}");
            assert!(stderr.contains(&format!("error[{code}]")) && stderr.contains(name), "{call:?}: {stderr}");
        }
    }
    // What is wrong is said, not only that something is.
    assert!(run(folder.path(), &["lint", "folder"]).2.contains("folder, not a file"));
    assert!(run(folder.path(), &["inspect", "hollow"]).2.contains("nothing is in the folder"));
    assert!(run(folder.path(), &["inspect", "empty.deb"]).2.contains("is empty"));
    assert!(run(folder.path(), &["inspect", "picture.png"]).2.contains("formats: deb, rpm, tarball, zip, oci"));
}

#[test]
fn as_documents() {
    let folder = files();
    for (name, code) in WRONG {
        for mut call in calls(name) {
            call.push("--json");
            let (exit, stdout, stderr) = run(folder.path(), &call);
            assert_eq!((exit, stderr.as_str()), (2, ""), "{call:?}");
            let document: serde_json::Value = serde_json::from_str(&stdout).unwrap_or_else(|e| panic!("{e}: {stdout}"));
            assert_eq!(document["schema"], "fitout/findings/1");
            let findings = document["findings"].as_array().unwrap();
            assert!(findings.iter().any(|f| f["code"] == code && f["severity"] == "error"), "{call:?}: {stdout}");
        }
    }
}

#[test]
fn both_sides_of_a_difference_are_named() {
    let folder = files();
    let (_, stdout, _) = run(folder.path(), &["diff", "--json", "missing.deb", "empty.deb"]);
    let document: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(document["findings"].as_array().map(Vec::len), Some(2), "{stdout}");
}

#[test]
fn lint_looks_at_every_file_that_is_named() {
    let folder = files();
    let (_, _, stderr) = run(folder.path(), &["lint", "missing.deb", "picture.png"]);
    assert!(stderr.contains("missing.deb") && stderr.contains("picture.png"), "{stderr}");
}
