//! Run paths that fitout sets, on the real programs of this machine: what the loader and binutils make of the files.

use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use fitout::assemble::elf;
use fitout::assemble::elf::run_path::{self, RunPathError, Tag};
use fitout::assemble::patch::Patched;
use fitout::assemble::plan::ElfFile;

use crate::support::tool;

const FOLDERS: &[&str] = &["/usr/bin", "/usr/sbin", "/usr/lib/x86_64-linux-gnu", "/usr/lib/erlang"];
const NEW: &str = "/opt/of/the/test";

/// A copy of a file with another run path.
fn patched(from: &Path, to: &Path) -> Result<(), RunPathError> {
    let mut file = fs_err::File::open(from).unwrap();
    let patch = run_path::add(&mut file, NEW, Tag::RunPath)?;
    let size = file.metadata().unwrap().len();
    let mut bytes = Vec::new();
    Patched::new(file, size, &patch).read_to_end(&mut bytes).unwrap();
    fs_err::write(to, bytes).unwrap();
    fs_err::set_permissions(to, std::fs::Permissions::from_mode(0o755)).unwrap();
    Ok(())
}

/// What the loader would load, without addresses; the same whether it finds all or not.
fn loaded(loader: &str, path: &Path) -> Vec<String> {
    let out = Command::new(loader).arg("--list").arg(path).env_clear().output().expect("the loader runs");
    let text = String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
    let text = text.replace(&path.display().to_string(), "FILE");
    text.lines().map(|line| line.split(" (0x").next().unwrap_or(line).to_owned()).collect()
}

/// Programs and libraries of this machine with a dynamic section, whose run path does not hang on their own place.
fn some() -> Vec<(PathBuf, ElfFile)> {
    let mut found = Vec::new();
    for folder in FOLDERS {
        let entries = fs_err::read_dir(folder).into_iter().flatten().flatten();
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        paths.sort();
        for path in paths.into_iter().filter(|path| path.is_file() && !path.is_symlink()) {
            let Ok(mut file) = fs_err::File::open(&path) else { continue };
            if let Ok(Some(facts)) = elf::read(&mut file, true)
                && facts.dynamic
                && !facts.rpath.iter().chain(&facts.runpath).any(|part| part.contains("ORIGIN"))
            {
                found.push((path, facts));
            }
        }
    }
    let step = (found.len() / 80).max(1);
    found.into_iter().step_by(step).collect()
}

#[test]
fn the_loader_loads_the_same_and_binutils_can_work_on_it() {
    let Some(loader) = ["/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1"]
        .into_iter()
        .find(|loader| Path::new(loader).exists())
    else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let files = some();
    assert!(files.len() >= 50, "only {} files were found", files.len());
    for (path, before) in &files {
        let (copy, stripped) = (folder.path().join("copy"), folder.path().join("stripped"));
        patched(path, &copy).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
        let after = elf::read(&mut fs_err::File::open(&copy).unwrap(), true).unwrap().unwrap();
        let tag = if before.rpath.is_empty() || !before.runpath.is_empty() { &after.runpath } else { &after.rpath };
        assert_eq!(tag.first().map(String::as_str), Some(NEW), "{}", path.display());
        let expected = loaded(loader, path);
        assert_eq!(loaded(loader, &copy), expected, "{}", path.display());
        let (copy, stripped_name) = (copy.to_str().unwrap(), stripped.to_str().unwrap());
        if tool("strip", &["-o", stripped_name, copy]).is_none() {
            return;
        }
        assert_eq!(loaded(loader, &stripped), expected, "{}, stripped", path.display());
        let said = Command::new("readelf").args(["-W", "-a", copy]).env("LC_ALL", "C").output().unwrap();
        let warnings = String::from_utf8_lossy(&said.stderr).into_owned();
        let said = Command::new("readelf").args(["-W", "-a"]).arg(path).env("LC_ALL", "C").output().unwrap();
        assert_eq!(warnings, String::from_utf8_lossy(&said.stderr), "{}", path.display());
    }
}

#[test]
fn programs_run_as_before() {
    let folder = tempfile::tempdir().unwrap();
    // The first is made by whatever linker Rust has now.
    for program in [env!("CARGO_BIN_EXE_fitout"), "/usr/bin/git", "/usr/bin/perl", "/bin/bash", "/usr/bin/python3"] {
        let Ok(program) = fs_err::canonicalize(program) else { continue };
        let copy = folder.path().join(program.file_name().unwrap());
        patched(&program, &copy).unwrap_or_else(|why| panic!("{}: {why}", program.display()));
        let version = |path: &Path| Command::new(path).arg("--version").env_clear().output().unwrap();
        let (before, after) = (version(&program), version(&copy));
        assert!(after.status.success(), "{}: {after:?}", program.display());
        assert_eq!(before.stdout, after.stdout, "{}", program.display());
    }
}
