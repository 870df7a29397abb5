//! Folders -> blobs and a [`Tree`].
//!
//! Small files of one folder lie together in a blob, large ones are cut: a store of objects is asked for hundreds of blobs
//! where a tree has thousands of files, and what did not change has the same name as before.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::several::{Blob, Several};
use super::tree::{Item, Kind, Piece, Tree};

/// Files up to this size share a blob with their neighbours.
const SMALL: u64 = 64 * 1024;
/// Bytes at which a blob of small files ends.
const SHARED: usize = 1024 * 1024;
/// Bytes of a blob of a large file.
const LARGE: usize = 8 * 1024 * 1024;

/// What was put.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Put {
    /// Files of the tree.
    pub files: usize,
    /// Bytes of their content.
    pub bytes: u64,
    /// Bytes that were not in the store, as they lie there.
    pub new: u64,
}

/// One folder of the tree with what lies in it but folders.
struct Group {
    items: Vec<(Item, Option<PathBuf>)>,
}

/// What every change of a path changes: mode, inode, size, times of content and of inode.
#[derive(PartialEq, Eq)]
struct Mark(u32, u64, u64, [i64; 4]);

impl Mark {
    fn of(meta: &Metadata) -> Self {
        let times = [meta.mtime(), meta.mtime_nsec(), meta.ctime(), meta.ctime_nsec()];
        Self(meta.mode(), meta.ino(), meta.len(), times)
    }
}

/// What is to be packed, and how it was found.
#[derive(Default)]
struct Walk {
    groups: Vec<Group>,
    marks: Vec<(PathBuf, Mark)>,
}

/// Puts the content of `paths`, which lie below `folder`, without what `except` names; the tree, without its sources.
///
/// # Errors
/// A file cannot be read, has a name that is not UTF-8, something is written meanwhile, or the stores take no more.
pub fn pack(folder: &Path, paths: &[String], except: &[PathBuf], to: &Several<'_>) -> io::Result<(Tree, Put)> {
    let mut walk = Walk::default();
    for path in paths {
        walk.take(folder, &folder.join(path), except)?;
    }
    let Walk { groups, marks } = walk;
    let packed: Vec<(Vec<Item>, Vec<Blob>)> =
        groups.into_par_iter().map(|group| put(group, to)).collect::<io::Result<_>>()?;
    let same =
        |(path, mark): &&(PathBuf, Mark)| fs_err::symlink_metadata(path).is_ok_and(|now| Mark::of(&now) == *mark);
    if let Some((path, _)) = marks.par_iter().find_any(|marked| !same(marked)) {
        // A program that the build left running still writes there.
        return Err(io::Error::other(format!("`{}` changed while it was read", path.display())));
    }
    let (mut blobs, mut items, mut done) = (Vec::new(), Vec::new(), Put::default());
    for (group, own) in packed {
        let first = blobs.len();
        done.new += own.iter().map(|blob| blob.new).sum::<u64>();
        blobs.extend(own.into_iter().map(|blob| blob.name));
        for mut item in group {
            if let Kind::File(pieces) = &mut item.kind {
                done.files += 1;
                for piece in pieces.iter_mut() {
                    piece.0 += first;
                }
                done.bytes += pieces.iter().map(|piece| piece.2 as u64).sum::<u64>();
            }
            items.push(item);
        }
    }
    Ok((Tree::new(blobs, items, BTreeMap::new()), done))
}

impl Walk {
    fn take(&mut self, base: &Path, path: &Path, except: &[PathBuf]) -> io::Result<()> {
        if except.iter().any(|left_out| path == left_out) {
            return Ok(());
        }
        let Ok(meta) = fs_err::symlink_metadata(path) else { return Ok(()) };
        let mut items: Vec<_> = self.item(base, path, &meta)?.into_iter().collect();
        if !meta.is_dir() {
            self.groups.push(Group { items });
            return Ok(());
        }
        let mut below = fs_err::read_dir(path)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
        below.sort();
        let mut folders = Vec::new();
        for path in below.into_iter().filter(|path| !except.contains(path)) {
            let meta = fs_err::symlink_metadata(&path)?;
            if meta.is_dir() {
                folders.push(path);
            } else {
                items.extend(self.item(base, &path, &meta)?);
            }
        }
        self.groups.push(Group { items });
        folders.iter().try_for_each(|path| self.take(base, path, except))
    }

    /// A file, folder or link; a socket or fifo is nothing that a build needs to find again.
    fn item(&mut self, base: &Path, path: &Path, meta: &Metadata) -> io::Result<Option<(Item, Option<PathBuf>)>> {
        let text = |path: &Path| {
            let odd = || io::Error::new(io::ErrorKind::InvalidData, format!("`{}` is not UTF-8", path.display()));
            path.to_str().map(str::to_owned).ok_or_else(odd)
        };
        let (kind, source) = if meta.is_dir() {
            (Kind::Folder, None)
        } else if meta.is_symlink() {
            (Kind::Link(text(&fs_err::read_link(path)?)?), None)
        } else if meta.is_file() {
            (Kind::File(Vec::new()), Some(path.to_owned()))
        } else {
            return Ok(None);
        };
        self.marks.push((path.to_owned(), Mark::of(meta)));
        let path = text(path.strip_prefix(base).unwrap_or(path))?;
        let item = Item { path, mode: meta.mode() & 0o7777, time: (meta.mtime(), meta.mtime_nsec()), kind };
        Ok(Some((item, source)))
    }
}

/// Puts the content of one folder's files.
fn put(group: Group, to: &Several<'_>) -> io::Result<(Vec<Item>, Vec<Blob>)> {
    let (mut items, mut blobs, mut shared) = (Vec::new(), Vec::new(), Vec::new());
    // Which items have their piece in the blob that is not whole yet.
    let mut waiting: Vec<(usize, usize, usize)> = Vec::new();
    let end = |shared: &mut Vec<u8>, waiting: &mut Vec<_>, items: &mut Vec<Item>, blobs: &mut Vec<Blob>| {
        for (index, offset, length) in waiting.drain(..) {
            let item: &mut Item = &mut items[index];
            item.kind = Kind::File(vec![Piece(blobs.len(), offset, length)]);
        }
        let whole = std::mem::take(shared);
        if !whole.is_empty() {
            blobs.push(to.put_blob(&whole)?);
        }
        io::Result::Ok(())
    };
    for (mut item, source) in group.items {
        if let Some(path) = source {
            let mut file = fs_err::File::open(path)?;
            if file.metadata()?.len() > SMALL {
                item.kind = Kind::File(large(&mut file, &mut blobs, to)?);
            } else {
                let offset = shared.len();
                let length = file.read_to_end(&mut shared)?;
                if length > 0 {
                    waiting.push((items.len(), offset, length));
                }
            }
        }
        items.push(item);
        if shared.len() >= SHARED {
            end(&mut shared, &mut waiting, &mut items, &mut blobs)?;
        }
    }
    end(&mut shared, &mut waiting, &mut items, &mut blobs)?;
    Ok((items, blobs))
}

fn large(file: &mut fs_err::File, blobs: &mut Vec<Blob>, to: &Several<'_>) -> io::Result<Vec<Piece>> {
    let mut pieces = Vec::new();
    loop {
        let mut bytes = Vec::new();
        let length = file.by_ref().take(LARGE as u64).read_to_end(&mut bytes)?;
        if length == 0 {
            return Ok(pieces);
        }
        pieces.push(Piece(blobs.len(), 0, length));
        blobs.push(to.put_blob(&bytes)?);
    }
}
