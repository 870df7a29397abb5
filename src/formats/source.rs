//! What git tracks -> entries of a source archive.
//!
//! Enters: a project in a git work tree. Leaves: entries with the content of the work tree, whose modes are git's own (an
//! x bit or none), so that umask and file system do not matter; and the two archives of them, whose writers are those of
//! tarball and zip.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use super::stream::Frame;
use super::tarball::{self, naming};
use super::{Digests, FileName, Large, Layout, zip};
use crate::assemble::plan::{Compression, Entry, Kind, Plan, Sources, Stat};
use crate::build::ask;
use crate::diagnostic::{Diagnostic, Findings, Origin, codes};

/// In manifests and messages, where a format's name stands.
pub const NAME: &str = "source";
/// Deflate level of the tarball; the zip has that of the run's other zips, because content is kept for one level only.
pub const LEVEL: u8 = 6;

/// Names of both archives, the tarball first; they suit every architecture.
///
/// # Errors
/// When name or version cannot be in a file name.
pub fn file_names(plan: &Plan) -> Result<[FileName; 2], Findings> {
    let release = naming::release(plan)?;
    Ok([".tar.gz", ".zip"].map(|suffix| FileName {
        name: format!("{release}-{NAME}{suffix}"),
        arch: "any".to_owned(),
        version: plan.identity.version.text.clone(),
    }))
}

/// The tarball of the entries, under a folder `name-version`. The plan gives name, version and time.
///
/// # Errors
/// When tar cannot carry a path or the time.
pub fn tarball<'p>(plan: &Plan, entries: &'p [Entry]) -> Result<Layout<'p>, Findings> {
    let [name, _] = file_names(plan)?;
    let frame = Frame { prefix: naming::release(plan)?, clock: plan.clock, large: Large::First };
    let gzip = Compression::Gzip(LEVEL);
    tarball::archive(name.name, frame, gzip, codes::SOURCE_PATH, move || entries.iter(), &[])
}

/// The zip of the same.
///
/// # Errors
/// When zip cannot carry a path.
pub fn zip<'p>(plan: &Plan, entries: &'p [Entry], digests: &'p Digests) -> Result<Layout<'p>, Findings> {
    let [_, name] = file_names(plan)?;
    let folder = zip::Folder { name: naming::release(plan)?, clock: plan.clock, deflate: true, scripts: Vec::new() };
    zip::archive(name.name, folder, digests, move || entries.iter())
}

/// Entries of all tracked files with their parents, sorted by path, `/` standing for the project's folder; and warnings.
///
/// # Errors
/// When git cannot tell, tracks nothing here, or a tracked path cannot be packed.
pub fn entries(project: &Path, sources: &mut Sources) -> Result<(Vec<Entry>, Findings), Findings> {
    let listed = git(project, &["ls-files", "-z", "--stage", "--cached"]).map_err(|d| vec![d])?;
    if listed.is_empty() {
        // The folder may lie within the repository of something else.
        return Err(vec![untracked(project).note("git tracks no file in this folder")]);
    }
    let status =
        git(project, &["status", "--porcelain", "-z", "--untracked-files=no", "--", "."]).map_err(|d| vec![d])?;
    let mut errors = Findings::new();
    let mut warnings = Findings::new();
    if !status.is_empty() {
        warnings.push(
            Diagnostic::warning(codes::SOURCE_DIRTY, "the source archive holds changes that are not committed")
                .path(project)
                .help("commit them, so that the archive can be made again"),
        );
    }
    let mut parents = BTreeSet::new();
    let mut found = Vec::new();
    for record in listed.split(|b| *b == 0).filter(|r| !r.is_empty()) {
        let Some((mode, path)) = tracked(record) else {
            let text = String::from_utf8_lossy(record).into_owned();
            let message = format!("the tracked path `{}` is not UTF-8", text.escape_debug());
            errors.push(Diagnostic::error(codes::SOURCE_PATH, message).help("rename it"));
            continue;
        };
        if mode == "160000" {
            let message = format!("the submodule `{path}` is not in the source archive");
            let help = "vendor what it holds, or publish its source beside this one";
            warnings.push(Diagnostic::warning(codes::SOURCE_SUBMODULE, message).path(path).help(help));
            continue;
        }
        match one(project, path, mode, sources) {
            Ok(entry) => {
                parents.extend(path.match_indices('/').map(|(at, _)| path[..at].to_owned()));
                // A path in conflict is listed once for each side.
                if found.last().is_none_or(|last: &Entry| last.path != entry.path) {
                    found.push(entry);
                }
            }
            Err(finding) => errors.push(finding),
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    found.extend(parents.iter().map(|path| entry(path, Kind::Directory { shared: false }, 0o755)));
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok((found, warnings))
}

/// `MODE OBJECT STAGE\tPATH`
fn tracked(record: &[u8]) -> Option<(&str, &str)> {
    let (facts, path) = std::str::from_utf8(record).ok()?.split_once('\t')?;
    Some((facts.split(' ').next()?, path))
}

fn one(project: &Path, path: &str, mode: &str, sources: &mut Sources) -> Result<Entry, Diagnostic> {
    let file = project.join(path);
    let refuse = |what: String, help: &str| Err(Diagnostic::error(codes::SOURCE_PATH, what).path(path).help(help));
    let meta = match fs_err::symlink_metadata(&file) {
        Ok(meta) => meta,
        Err(error) => {
            let message = format!("the tracked file `{path}` cannot be read");
            return Err(Diagnostic::error(codes::SOURCE_PATH, message)
                .path(path)
                .note(error.to_string())
                .help("restore it with `git checkout`, or `git rm` it"));
        }
    };
    if meta.is_symlink() {
        let target = fs_err::read_link(&file).ok().and_then(|t| t.to_str().map(str::to_owned));
        return match target {
            Some(target) => Ok(entry(path, Kind::Symlink { target: target.into() }, 0o777)),
            None => refuse(format!("the target of the link `{path}` is not UTF-8"), "link to another name"),
        };
    }
    if !meta.is_file() {
        return refuse(format!("git tracks the file `{path}`, and something else is there"), "put the file back");
    }
    let mode = if mode == "100755" { 0o755 } else { 0o644 };
    Ok(entry(path, Kind::File(sources.file(file, Stat::of(&meta))), mode))
}

fn entry(path: &str, kind: Kind, mode: u32) -> Entry {
    Entry::of_root(&format!("/{path}"), kind, mode, Origin::Generated { what: "source archive" })
}

fn git(project: &Path, arguments: &[&str]) -> Result<Vec<u8>, Diagnostic> {
    // `ls-files` is relative to the folder that git runs in.
    let refusal = match ask::bytes(project, "git", Command::new("git").args(arguments)) {
        Ok(output) => return Ok(output),
        Err(refusal) => refusal,
    };
    let finding = if refusal.is_no_repository() {
        untracked(project)
    } else {
        Diagnostic::error(codes::SOURCE_GIT, "git cannot say what belongs to the source archive")
            .path(project)
            .help("mend what git says, or take `source-archive` out of `[build]`")
    };
    Err(refusal.lines().into_iter().fold(finding, Diagnostic::note))
}

fn untracked(project: &Path) -> Diagnostic {
    Diagnostic::error(codes::SOURCE_UNTRACKED, "there is no source archive of a folder that git does not track")
        .path(project)
        .help("take `source-archive` out of `[build]`, or `git init` and `git add` what belongs to the sources")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(folder: &Path, arguments: &[&str]) {
        let done = Command::new("git")
            .arg("-C")
            .arg(folder)
            .args(["-c", "user.name=t", "-c", "user.email=t@example.org"])
            .args(arguments)
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    #[test]
    fn what_git_tracks_is_packed_with_gits_modes() {
        let folder = tempfile::tempdir().unwrap();
        let at = |p: &str| folder.path().join(p);
        run(folder.path(), &["init", "-q"]);
        fs_err::create_dir_all(at("src/deep")).unwrap();
        fs_err::write(at("src/deep/a b\n"), "x").unwrap();
        fs_err::write(at("run.sh"), "#!/bin/sh\n").unwrap();
        fs_err::write(at("ignored"), "no").unwrap();
        std::os::unix::fs::symlink("run.sh", at("link")).unwrap();
        run(folder.path(), &["add", "src", "run.sh", "link"]);
        run(folder.path(), &["update-index", "--chmod=+x", "run.sh"]);
        run(folder.path(), &["commit", "-qm", "x"]);
        run(folder.path(), &["checkout", "-q", "-f", "."]);
        let mut sources = Sources::default();
        let (found, warnings) = entries(folder.path(), &mut sources).unwrap();
        let shown: Vec<_> = found.iter().map(|e| (e.path.as_ref(), e.mode)).collect();
        let expected =
            [("/link", 0o777), ("/run.sh", 0o755), ("/src", 0o755), ("/src/deep", 0o755), ("/src/deep/a b\n", 0o644)];
        assert_eq!(shown, expected);
        assert_eq!(warnings, []);
        fs_err::write(at("run.sh"), "changed").unwrap();
        let (_, warnings) = entries(folder.path(), &mut sources).unwrap();
        assert_eq!(warnings[0].code.name, "source/dirty");
        fs_err::remove_file(at("run.sh")).unwrap();
        let errors = entries(folder.path(), &mut sources).unwrap_err();
        assert_eq!(errors[0].code.name, "source/path");
    }

    #[test]
    fn a_submodule_is_left_out_with_a_warning() {
        let folder = tempfile::tempdir().unwrap();
        run(folder.path(), &["init", "-q"]);
        let commit = "160000,0123456789012345678901234567890123456789,sub";
        run(folder.path(), &["update-index", "--add", "--cacheinfo", commit]);
        let (found, warnings) = entries(folder.path(), &mut Sources::default()).unwrap();
        assert!(found.is_empty());
        assert!(warnings.iter().any(|w| w.code.name == "source/submodule"));
    }

    #[test]
    fn a_folder_without_git_is_an_error_with_gits_answer() {
        let folder = tempfile::tempdir().unwrap();
        let errors = entries(folder.path(), &mut Sources::default()).unwrap_err();
        assert_eq!(errors[0].code.name, "source/untracked");
        assert!(!errors[0].notes[0].is_empty());
    }
}
