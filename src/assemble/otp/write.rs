//! [`Tree`] -> a folder, whole or not at all.
//!
//! It is written beside its place and changes names with what is there. A release that is there and the same is left alone, so
//! that nothing that follows has to look at it again.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::diagnostic::{Diagnostic, Findings, Result, codes};
use crate::interrupt::{self, UNFINISHED};

use super::tree::{Content, Node, Tree};

/// Makes the folder hold the tree and nothing else; whether it had to be written.
///
/// # Errors
/// A file cannot be read or written; the folder is as it was then.
pub fn write(tree: &Tree, place: &Path) -> Result<bool, Findings> {
    if is_there(tree, place)? {
        return Ok(false);
    }
    let failed = |error: io::Error| vec![unwritable(place, &error)];
    let parent = place.parent().unwrap_or(Path::new("."));
    fs_err::create_dir_all(parent).map_err(failed)?;
    let new = || tempfile::Builder::new().prefix(UNFINISHED).tempdir_in(parent);
    let (holder, _held) = interrupt::folder(new, |holder| holder.path().to_path_buf()).map_err(failed)?;
    let made = holder.path().join("new");
    make_folder(&made).map_err(failed)?;
    for folder in &tree.folders {
        make_folder(&made.join(folder)).map_err(failed)?;
    }
    let all: Vec<(&String, &Node)> = tree.files.iter().collect();
    let findings: Findings =
        all.into_par_iter().filter_map(|(path, node)| one(tree, &made.join(path), node).err()).collect();
    if !findings.is_empty() {
        return Err(findings);
    }
    // A stop comes before the first of the two renames or behind the second.
    let naming = interrupt::naming();
    let result = swap(place, &made, &holder.path().join("old"));
    drop(naming);
    result.map_err(failed).map(|()| true)
}

fn swap(place: &Path, made: &Path, old: &Path) -> io::Result<()> {
    match fs_err::rename(place, old) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs_err::rename(made, place).inspect_err(|_| {
        // Somebody else made the place meanwhile, or it cannot be: what was there is put back if it can.
        let _ = fs_err::rename(old, place);
    })
}

fn one(tree: &Tree, path: &Path, node: &Node) -> Result<()> {
    let failed = |error: io::Error| unwritable(path, &error);
    if let Content::Link(target) = &node.content {
        return std::os::unix::fs::symlink(target, path).map_err(failed);
    }
    let bytes = tree.bytes(node)?.unwrap_or_default();
    let mode = mode(node);
    let mut options = fs_err::OpenOptions::new();
    options.write(true).create_new(true);
    fs_err::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    let mut file = options.open(path).map_err(failed)?;
    io::Write::write_all(&mut file, &bytes).map_err(failed)?;
    // The umask of the builder does not matter.
    file.set_permissions(std::fs::Permissions::from_mode(mode)).map_err(failed)
}

/// Without those above it: what was removed because of a signal must not come back.
fn make_folder(path: &Path) -> io::Result<()> {
    fs_err::create_dir(path)?;
    fs_err::set_permissions(path, std::fs::Permissions::from_mode(0o755))
}

fn mode(node: &Node) -> u32 {
    if node.runs { 0o755 } else { 0o644 }
}

/// Whether the folder holds the tree and nothing else.
fn is_there(tree: &Tree, place: &Path) -> Result<bool, Findings> {
    let (mut files, mut folders) = (0, 0);
    let mut open: Vec<PathBuf> = vec![place.to_owned()];
    while let Some(folder) = open.pop() {
        let Ok(entries) = fs_err::read_dir(&folder) else { return Ok(false) };
        for entry in entries {
            let Ok(entry) = entry else { return Ok(false) };
            let path = entry.path();
            let name = path.strip_prefix(place).ok().and_then(Path::to_str).map(str::to_owned);
            let Some(name) = name else { return Ok(false) };
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders += 1;
                if !tree.folders.contains(&name) {
                    return Ok(false);
                }
                open.push(path);
            } else {
                files += 1;
                if !tree.files.contains_key(&name) {
                    return Ok(false);
                }
            }
        }
    }
    if files != tree.files.len() || folders != tree.folders.len() {
        return Ok(false);
    }
    let all: Vec<(&String, &Node)> = tree.files.iter().collect();
    let same = all.into_par_iter().map(|(path, node)| is_same(tree, &place.join(path), node));
    same.try_reduce(|| true, |one, other| Ok(one && other)).map_err(|finding| vec![finding])
}

fn is_same(tree: &Tree, path: &Path, node: &Node) -> Result<bool> {
    if let Content::Link(target) = &node.content {
        return Ok(fs_err::read_link(path).is_ok_and(|there| there == *target));
    }
    let Ok(meta) = fs_err::symlink_metadata(path) else { return Ok(false) };
    if !meta.is_file() || meta.permissions().mode() & 0o7777 != mode(node) {
        return Ok(false);
    }
    Ok(fs_err::read(path).ok() == tree.bytes(node)?)
}

fn unwritable(path: &Path, error: &io::Error) -> Diagnostic {
    Diagnostic::error(codes::ENGINE_WRITE, format!("cannot write `{}`", path.display()))
        .path(path)
        .note(error.to_string())
        .help("it needs a folder that may be written, with room for the release")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> Tree {
        let mut tree = Tree::new(Path::new("/"));
        tree.script("bin/x", "#!/bin/sh\n");
        tree.text("releases/1/x.rel", "x.\n");
        tree
    }

    #[test]
    fn a_release_takes_the_place_of_another_and_stays_if_it_is_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("rel/x");
        fs_err::create_dir_all(place.join("old")).unwrap();
        assert!(write(&tree(), &place).unwrap());
        assert!(!place.join("old").exists());
        assert_eq!(fs_err::metadata(place.join("bin/x")).unwrap().permissions().mode() & 0o777, 0o755);
        assert!(!write(&tree(), &place).unwrap());
        fs_err::write(place.join("bin/x"), "#!/bin/ed\n").unwrap();
        assert!(write(&tree(), &place).unwrap());
        fs_err::write(place.join("more"), "").unwrap();
        assert!(write(&tree(), &place).unwrap());
        assert_eq!(fs_err::read_dir(folder.path().join("rel")).unwrap().count(), 1);
    }

    #[test]
    fn what_cannot_be_read_leaves_all_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("x");
        assert!(write(&tree(), &place).unwrap());
        let mut broken = tree();
        broken.files.insert("bin/y".into(), Node { runs: false, content: Content::Copy("/nowhere/y".into()) });
        assert_eq!(write(&broken, &place).unwrap_err().len(), 1);
        assert!(place.join("bin/x").exists());
        assert_eq!(fs_err::read_dir(folder.path()).unwrap().count(), 1);
    }
}
