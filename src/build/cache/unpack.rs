//! A [`Tree`] and blobs -> folders, with modes and times as they were: build tools compare times.
//!
//! Everything is laid down beside its place and moved when it is whole, so that a damaged blob or a kill leaves nothing that
//! a tool would trust.

use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use fs_err::os::unix::fs::OpenOptionsExt as _;
use rayon::prelude::*;
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps};

use super::store::Store;
use super::tree::{Item, Kind, Piece, Time, Tree, digest};
use super::{Damage, blob_name};
use crate::interrupt;

/// How the folder is called that a tree is laid down in.
pub const TEMPORARY: &str = ".fitout-restore-";
/// Most bytes of a blob: more than any that is written.
const LARGEST: u64 = 16 * 1024 * 1024;

/// Why a tree could not be laid down.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The store does not have what it should.
    #[error("{1} is damaged: {0}")]
    Damaged(Damage, String),
    /// The store does not have what it should.
    #[error("{0} is missing")]
    Missing(String),
    /// The store or the file system does not answer.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Lays `tree` down below `folder`, at `paths`, where nothing may be. `ready` is called when all of it can be moved to its
/// place: a tool that is started after a kill must not find the tree before what is done there.
///
/// # Errors
/// Nothing of the tree is there then, nor if `ready` fails.
pub fn unpack(
    folder: &Path,
    paths: &[String],
    tree: &Tree,
    store: &dyn Store,
    ready: impl FnOnce() -> io::Result<()>,
) -> Result<(), Failure> {
    let new = || tempfile::Builder::new().prefix(TEMPORARY).tempdir_in(folder);
    let (holder, _held) = interrupt::folder(new, |holder| holder.path().to_path_buf())?;
    lay(holder.path(), tree, store)?;
    let moves = moves(holder.path(), folder, paths)?;
    ready()?;
    for (index, (from, to)) in moves.iter().enumerate() {
        if let Err(error) = fs_err::rename(from, to) {
            for (from, to) in moves[..index].iter().rev() {
                fs_err::rename(to, from)?;
            }
            return Err(error.into());
        }
    }
    Ok(())
}

/// From where to where, once all places are free.
fn moves(holder: &Path, folder: &Path, paths: &[String]) -> io::Result<Vec<(PathBuf, PathBuf)>> {
    let mut moves = Vec::new();
    for path in paths {
        let (from, to) = (holder.join(path), folder.join(path));
        let goes_along = paths.iter().any(|other| other != path && Path::new(path).starts_with(other));
        if goes_along || fs_err::symlink_metadata(&from).is_err() {
            continue;
        }
        fs_err::create_dir_all(to.parent().unwrap_or(folder))?;
        match fs_err::symlink_metadata(&to) {
            Ok(meta) if meta.is_dir() && fs_err::read_dir(&to)?.next().is_none() => {}
            Ok(_) => return Err(io::Error::other(format!("`{}` is there already", to.display()))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        moves.push((from, to));
    }
    Ok(moves)
}

fn lay(base: &Path, tree: &Tree, store: &dyn Store) -> Result<(), Failure> {
    let at = |item: &Item| base.join(&item.path);
    for item in &tree.items {
        match &item.kind {
            // Its own mode may forbid to write into it.
            Kind::Folder => std::fs::DirBuilder::new().recursive(true).mode(0o700).create(at(item))?,
            Kind::Link(target) => {
                parent(&at(item))?;
                std::os::unix::fs::symlink(target, at(item))?;
            }
            Kind::File(_) => parent(&at(item))?,
        }
    }
    groups(tree).into_par_iter().try_for_each(|group| files(base, &group, tree, store))?;
    // The deepest first: to lay something down changes the time of the folder above.
    for item in tree.items.iter().rev() {
        match &item.kind {
            Kind::Folder => {
                set_time(&at(item), item.time)?;
                fs_err::set_permissions(at(item), std::fs::Permissions::from_mode(item.mode))?;
            }
            Kind::Link(_) => set_time(&at(item), item.time)?,
            Kind::File(_) => {}
        }
    }
    Ok(())
}

fn parent(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), fs_err::create_dir_all)
}

/// Files that share a blob, together.
fn groups(tree: &Tree) -> Vec<Vec<&Item>> {
    let mut groups: Vec<Vec<&Item>> = Vec::new();
    let mut last = None;
    for item in &tree.items {
        let Kind::File(pieces) = &item.kind else { continue };
        let first = pieces.first().map(|piece| piece.0);
        match groups.last_mut() {
            Some(group) if first.is_none() || first == last => group.push(item),
            _ => groups.push(vec![item]),
        }
        last = pieces.last().map(|piece| piece.0).or(last);
    }
    groups
}

fn files(base: &Path, group: &[&Item], tree: &Tree, store: &dyn Store) -> Result<(), Failure> {
    let mut at_hand: Option<(usize, Vec<u8>)> = None;
    for item in group {
        let Kind::File(pieces) = &item.kind else { continue };
        let path: PathBuf = base.join(&item.path);
        let mut file = fs_err::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        for &Piece(number, offset, length) in pieces {
            let bytes = match at_hand.take() {
                Some((known, bytes)) if known == number => bytes,
                _ => fetch(&tree.blobs[number], store)?,
            };
            let part = bytes.get(offset..offset.saturating_add(length));
            let damage = Failure::Damaged(Damage("it is too short"), tree.blobs[number].clone());
            file.write_all(part.ok_or(damage)?)?;
            at_hand = Some((number, bytes));
        }
        file.set_permissions(std::fs::Permissions::from_mode(item.mode))?;
        set_time(&path, item.time)?;
    }
    Ok(())
}

/// A blob, which must be what its name says. A damaged one is removed: who has its content can put it again then.
fn fetch(name: &str, store: &dyn Store) -> Result<Vec<u8>, Failure> {
    let at = blob_name(name);
    let bytes = match get(store, &at) {
        Ok(None) => return Err(Failure::Missing(at)),
        Ok(Some(packed)) => decompressed(&packed).ok().filter(|bytes| digest(bytes) == name),
        Err(Failure::Damaged(..)) => None,
        Err(failure) => return Err(failure),
    };
    bytes.ok_or_else(|| {
        let _ = store.remove(&at);
        Failure::Damaged(Damage("its digest is another"), at)
    })
}

/// What a store has under a name; damaged where it is more than anybody would have put there.
pub fn get(store: &dyn Store, name: &str) -> Result<Option<Vec<u8>>, Failure> {
    store.get(name).map_err(|error| match error.kind() {
        io::ErrorKind::FileTooLarge => {
            Failure::Damaged(Damage("it is larger than any that is written"), name.to_owned())
        }
        _ => Failure::Io(error),
    })
}

/// Whether a blob is what its name says.
pub fn is_of(name: &std::ffi::OsStr, packed: &[u8]) -> bool {
    decompressed(packed).is_ok_and(|bytes| name == digest(&bytes).as_str())
}

fn decompressed(packed: &[u8]) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    zstd::stream::read::Decoder::new(packed)?.take(LARGEST).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Sets the time of the content, to the nanosecond; of a link, not of where it leads.
pub fn set_time(path: &Path, (seconds, nanoseconds): Time) -> io::Result<()> {
    let time = Timespec { tv_sec: seconds, tv_nsec: nanoseconds };
    let times = Timestamps { last_access: time, last_modification: time };
    Ok(rustix::fs::utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW)?)
}
