//! Artifacts that a run would make again are kept as they are; whatever they depend on makes them anew.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::Duration;

use crate::support::{finish, fitout, project};

const CONFIG: &str = "[package]\nname = \"same\"\nversion = \"1.0.0\"\nsummary = \"Same\"\nlicense = \"MIT\"\n\
                      maintainer = \"A <a@example.org>\"\ntemplates = \"templates\"\n\n[build]\npreset = \"plain\"\ninput = \"tree\"\n\
                      formats = [\"deb\", \"tarball\"]\n";

fn packed() -> tempfile::TempDir {
    let folder = project(&[("fitout.toml", CONFIG), ("tree/a", "one"), ("templates/keep", "")]);
    fs::remove_file(folder.path().join("templates/keep")).unwrap();
    settle();
    assert_eq!(build(folder.path(), &[], &[]), (2, 0));
    folder
}

/// A file that changed a moment ago is not trusted.
fn settle() {
    std::thread::sleep(Duration::from_millis(200));
}

/// How many were packed, how many kept.
fn build(folder: &Path, args: &[&str], env: &[(&str, &str)]) -> (usize, usize) {
    let mut command = fitout(folder);
    command.arg("build").args(args).envs(env.iter().copied()).env("FITOUT_CACHE_DIR", folder.join("cache"));
    let (exit, stdout, stderr) = finish(command.output().unwrap());
    assert_eq!(exit, 0, "{stderr}");
    for path in stdout.lines() {
        assert!(folder.join(path).is_file(), "{path}");
    }
    let count = |word: &str| stderr.lines().filter(|line| line.trim_start().starts_with(word)).count();
    (count("Packed"), count("Unchanged"))
}

fn artifact(folder: &Path) -> std::path::PathBuf {
    let mut files = fs::read_dir(folder.join("dist")).unwrap().map(|entry| entry.unwrap().path());
    files.find(|path| path.extension().is_some_and(|extension| extension == "deb")).unwrap()
}

#[test]
fn nothing_changed_nothing_is_packed() {
    let folder = packed();
    let before = fs::metadata(artifact(folder.path())).unwrap().ino();
    assert_eq!(build(folder.path(), &[], &[]), (0, 2));
    assert_eq!(fs::metadata(artifact(folder.path())).unwrap().ino(), before);
    assert_eq!(build(folder.path(), &["--no-cache"], &[]), (2, 0));
}

#[test]
fn whatever_they_depend_on_makes_them_anew() {
    let folder = packed();
    let at = |name: &str| folder.path().join(name);
    let again = |what: &str| {
        settle();
        assert_eq!(build(folder.path(), &[], &[]), (2, 0), "{what}");
        assert_eq!(build(folder.path(), &[], &[]), (0, 2), "{what}, again");
    };
    // Of the same size, with the time that it had.
    let time = fs::metadata(at("tree/a")).unwrap().modified().unwrap();
    fs::write(at("tree/a"), "two").unwrap();
    fs::File::options().write(true).open(at("tree/a")).unwrap().set_modified(time).unwrap();
    again("content");
    fs::set_permissions(at("tree/a"), fs::Permissions::from_mode(0o755)).unwrap();
    again("mode");
    fs::write(at("tree/b"), "").unwrap();
    again("a file more");
    fs::write(at("fitout.toml"), CONFIG.replace("\"Same\"", "\"Other\"")).unwrap();
    again("the summary");
    settle();
    assert_eq!(build(folder.path(), &[], &[("SOURCE_DATE_EPOCH", "1700000000")]), (2, 0), "the clock");
    assert_eq!(build(folder.path(), &["--format", "deb"], &[]), (1, 0), "another set of formats");
    for _ in 0..2 {
        assert_eq!(build(folder.path(), &["--format", "deb"], &[]), (0, 1), "a part");
    }
    again("all of them");
}

#[test]
fn they_must_lie_there_untouched() {
    let folder = packed();
    let again = |what: &str| {
        assert_eq!(build(folder.path(), &[], &[]), (2, 0), "{what}");
        assert_eq!(build(folder.path(), &[], &[]), (0, 2), "{what}, again");
    };
    let name = artifact(folder.path());
    let good = fs::read(&name).unwrap();
    fs::remove_file(&name).unwrap();
    again("one is gone");
    let mut bad = good.clone();
    bad[good.len() / 2] ^= 1;
    fs::write(&name, bad).unwrap();
    again("one was changed");
    assert_eq!(fs::read(&name).unwrap(), good);
    fs::remove_file(folder.path().join("dist/manifest.json")).unwrap();
    again("the list is gone");
    assert_eq!(build(folder.path(), &["--out", "elsewhere"], &[]), (2, 0), "another folder");
}
