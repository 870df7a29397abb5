//! The source archive against `git archive`: the same files with the same bytes, x bits and links.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;

use crate::support::{finish, fitout, project, run, tool};

const CONFIG: &str = r#"
[package]
name        = "sourced"
version     = "1.2.0-rc.1"
summary     = "Comes with its sources"
description = "A program with the sources that it was made of."
maintainer  = "Ops Team <ops@example.org>"
license     = "MIT"

[build]
preset         = "plain"
source-archive = true

[[files]]
from = "tree"
to   = "/usr/lib/sourced"
"#;

fn git(folder: &Path, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(["-c", "user.name=T", "-c", "user.email=t@example.org", "-c", "core.autocrlf=false"])
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// A repository with what a file can be, and something beside it that git does not track.
fn repository() -> tempfile::TempDir {
    let large = (0..40_000).map(|n: u32| n.to_string()).collect::<Vec<_>>().join("\n");
    let folder = project(&[
        ("fitout.toml", CONFIG),
        (".gitignore", "/dist\n*.o\n"),
        ("tree/empty", ""),
        ("tree/a b/ü.txt", "names\n"),
        ("tree/large", &large),
        ("tools/run.sh", "#!/bin/sh\n"),
        ("ignored.o", "not a source"),
        ("untracked", "not yet a source"),
    ]);
    // More of the mode than git keeps: it must not come through.
    fs::set_permissions(folder.path().join("tools/run.sh"), fs::Permissions::from_mode(0o700)).unwrap();
    symlink("tools/run.sh", folder.path().join("run")).unwrap();
    git(folder.path(), &["init", "-q"]);
    git(folder.path(), &["add", "fitout.toml", ".gitignore", "tree", "tools", "run"]);
    git(folder.path(), &["commit", "-q", "-m", "x"]);
    folder
}

/// Paths of files and links below a folder: `x` for an x bit, `l` for a link, and the content or target.
fn tree(top: &Path, folder: &Path, found: &mut BTreeMap<String, (char, Vec<u8>)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let meta = fs::symlink_metadata(&path).unwrap();
        let name = path.strip_prefix(top).unwrap().to_str().unwrap().to_owned();
        if meta.is_dir() {
            tree(top, &path, found);
        } else if meta.is_symlink() {
            found.insert(name, ('l', fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes()));
        } else {
            let kind = if meta.permissions().mode() & 0o111 == 0 { '-' } else { 'x' };
            found.insert(name, (kind, fs::read(&path).unwrap()));
        }
    }
}

fn unpacked(program: &str, arguments: &[&str], into: &Path) -> Option<BTreeMap<String, (char, Vec<u8>)>> {
    fs::create_dir(into).unwrap();
    tool(program, arguments)?;
    let mut found = BTreeMap::new();
    tree(into, into, &mut found);
    Some(found)
}

#[test]
fn holds_what_git_archive_holds() {
    let folder = repository();
    let (code, stdout, stderr) = run(folder.path(), &["build"]);
    assert_eq!(code, 0, "{stderr}");
    assert!(!stderr.contains("source/"), "{stderr}");
    let at = |name: &str| folder.path().join(name);
    let archive = git(folder.path(), &["archive", "--format=tar", "--prefix=sourced-1.2.0-rc.1/", "HEAD"]);
    fs::write(at("dist/git.tar"), archive).unwrap();
    let text = |name: &str| at(name).to_str().unwrap().to_owned();
    let tar = |archive: &str, into: &str| {
        unpacked("tar", &["-xf", &text(archive), "-C", &text(into)], &at(into)).expect("tar")
    };
    let expected = tar("dist/git.tar", "dist/git");
    assert_eq!(expected.len(), 7, "{:?}", expected.keys());
    assert_eq!(expected["sourced-1.2.0-rc.1/tools/run.sh"].0, 'x');
    assert!(tar("dist/sourced-1.2.0-rc.1-source.tar.gz", "dist/tar") == expected);
    let zip = text("dist/sourced-1.2.0-rc.1-source.zip");
    if let Some(found) = unpacked("unzip", &["-q", &zip, "-d", &text("dist/zip")], &at("dist/zip")) {
        assert!(found == expected);
    }
    let listed = stdout.lines().filter(|line| line.contains("-source."));
    assert_eq!(
        listed.collect::<Vec<_>>(),
        ["dist/sourced-1.2.0-rc.1-source.tar.gz", "dist/sourced-1.2.0-rc.1-source.zip"]
    );
    let (_, plan, _) = run(folder.path(), &["plan"]);
    assert!(plan.contains("source    sourced-1.2.0-rc.1-source.zip\n"), "{plan}");
    let manifest: serde_json::Value = serde_json::from_slice(&fs::read(at("dist/manifest.json")).unwrap()).unwrap();
    let sources: Vec<_> =
        manifest["artifacts"].as_array().unwrap().iter().filter(|a| a["format"] == "source").collect();
    assert_eq!(sources.len(), 2);
    assert!(
        sources.iter().all(|source| source["targets"] == serde_json::json!([]) && source["size"].as_u64() > Some(0))
    );
}

#[test]
fn is_of_the_projects_own_repository_also_within_a_hook_of_another() {
    let (folder, other) = (repository(), repository());
    fs::write(other.path().join("stranger"), "").unwrap();
    git(other.path(), &["add", "stranger"]);
    git(other.path(), &["tag", "v9.9.9"]);
    let mut command = fitout(folder.path());
    command.env("GIT_DIR", other.path().join(".git")).env("GIT_INDEX_FILE", other.path().join(".git/index"));
    let (code, _, stderr) = finish(command.args(["build", "--quiet"]).output().unwrap());
    assert_eq!((code, stderr.as_str()), (0, ""));
    let archive = folder.path().join("dist/sourced-1.2.0-rc.1-source.tar.gz");
    let listed = tool("tar", &["-tzf", archive.to_str().unwrap()]).unwrap();
    assert!(listed.contains("/tools/run.sh") && !listed.contains("stranger"), "{listed}");
}

#[test]
fn is_made_once_for_all_targets_and_not_where_the_run_is_narrowed() {
    let folder = repository();
    let (code, stdout, stderr) = run(folder.path(), &["build", "--target", "linux/amd64,linux/arm64"]);
    assert_eq!(code, 0, "{stderr}");
    assert_eq!(stdout.lines().filter(|line| line.contains("-source.")).count(), 2, "{stdout}");
    let (code, stdout, stderr) = run(folder.path(), &["build", "--format", "deb", "--out", "other"]);
    assert_eq!((code, stdout.lines().count()), (0, 1), "{stderr}{stdout}");
}

#[test]
fn says_what_is_not_committed_and_holds_it() {
    let folder = repository();
    fs::write(folder.path().join("tree/empty"), "no more").unwrap();
    let (code, _, stderr) = run(folder.path(), &["build"]);
    assert_eq!(code, 0, "{stderr}");
    assert!(stderr.contains("warning[source/dirty]") && stderr.contains("1 warning"), "{stderr}");
    let archive = folder.path().join("dist/sourced-1.2.0-rc.1-source.tar.gz");
    let said = tool("tar", &["-xOf", archive.to_str().unwrap(), "sourced-1.2.0-rc.1/tree/empty"]);
    assert_eq!(said.as_deref(), Some("no more"));
}

#[test]
fn is_refused_where_git_tracks_nothing() {
    let untracked = project(&[("fitout.toml", CONFIG), ("tree/a", "a")]);
    let within = repository();
    let inner = within.path().join("untracked-project");
    fs::create_dir_all(inner.join("tree")).unwrap();
    fs::write(inner.join("tree/a"), "a").unwrap();
    fs::write(inner.join("fitout.toml"), CONFIG).unwrap();
    for folder in [untracked.path(), &inner] {
        for verb in ["plan", "build"] {
            // A repository above the temporary folder is none of ours.
            let ceiling = folder.parent().unwrap();
            let mut command = fitout(folder);
            if folder == untracked.path() {
                command.env("GIT_CEILING_DIRECTORIES", ceiling);
            }
            let (code, stdout, stderr) = finish(command.arg(verb).output().unwrap());
            assert_eq!((code, stdout.as_str()), (2, ""), "{stderr}");
            assert!(stderr.contains("error[source/untracked]") && stderr.contains("source-archive = true"), "{stderr}");
            assert!(!folder.join("dist").exists() || fs::read_dir(folder.join("dist")).unwrap().count() == 0);
        }
    }
}
