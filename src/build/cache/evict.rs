//! Keeps the user's folder of cache entries below a size: what was used longest ago goes first.
//!
//! Entries go by their own time, blobs when no entry names them any more. A blob that is young may belong to an entry that
//! another process is about to write. One process at a time: a second one leaves it to the first.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::store::Local;
use super::used::{files, remove};
use super::{blob_name, tree::Tree};

/// Seconds in which a blob without an entry is left alone.
pub const YOUNG: i64 = 3600;

/// Removes entries until `limit` bytes are left. Blobs used less than `young` seconds ago stay.
///
/// # Errors
/// Those of the file system; what was not removed is found the next time.
pub fn evict(store: &Local, limit: u64, young: i64) -> io::Result<()> {
    let lock = fs_err::OpenOptions::new().create(true).append(true).open(store.folder().join("lock"))?;
    if rustix::fs::flock(&lock, rustix::fs::FlockOperation::NonBlockingLockExclusive).is_err() {
        return Ok(());
    }
    let now = tempfile::NamedTempFile::new_in(store.folder())?.as_file().metadata()?.mtime();
    let mut blobs = BTreeMap::new();
    for file in files(&store.folder().join("blob"))? {
        blobs.insert(file.path.clone(), file);
    }
    let mut trees = files(&store.folder().join("tree"))?;
    let total: u64 = blobs.values().chain(&trees).map(|file| file.bytes).sum();
    if total <= limit {
        return Ok(());
    }
    trees.sort_by_key(|tree| std::cmp::Reverse(tree.last));
    let (mut kept, mut live) = (0, BTreeSet::new());
    for tree in trees {
        let named = named(&tree.path, store);
        let more = named.iter().filter(|path| !live.contains(*path)).filter_map(|path| blobs.get(path));
        let bytes = tree.bytes + more.map(|blob| blob.bytes).sum::<u64>();
        // The one that was used last stays, however large it is: it was just written.
        if kept > 0 && kept + bytes > limit {
            remove(&tree.path)?;
        } else {
            kept += bytes;
            live.extend(named);
        }
    }
    for blob in blobs.values().filter(|blob| !live.contains(&blob.path) && blob.last.0 <= now - young) {
        remove(&blob.path)?;
    }
    Ok(())
}

/// The blobs of an entry; none of one that is damaged.
fn named(tree: &Path, store: &Local) -> BTreeSet<PathBuf> {
    let tree = fs_err::read(tree).ok().and_then(|bytes| Tree::decode(&bytes).ok());
    tree.into_iter().flat_map(|tree| tree.blobs).map(|name| store.folder().join(blob_name(&name))).collect()
}
