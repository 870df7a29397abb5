//! Keeps the user's cache below a size: what was used longest ago goes first, be it of the build step or compressed content.
//!
//! Entries and segments go by their own time, blobs when no entry names them any more. A blob that is young may belong to an
//! entry that another process is about to write. One process at a time: a second one leaves it to the first.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::store::Local;
use super::used::{Used, files, remove};
use super::{blob_name, tree::Tree};
use crate::build::state::{RUNS, STORE};

/// Seconds in which a blob without an entry, and a file that is not whole, is left alone.
pub const YOUNG: i64 = 3600;
/// How files begin that an engine was killed in, where the file system knows no files without names.
const UNFINISHED: &str = ".fitout-";

/// Removes entries until `limit` bytes are left below the folder `cache`. Blobs used less than `young` seconds ago stay.
///
/// # Errors
/// Those of the file system; what was not removed is found the next time.
pub fn evict(cache: &Path, limit: u64, young: i64) -> io::Result<()> {
    let lock = fs_err::OpenOptions::new().create(true).append(true).open(cache.join("lock"))?;
    if rustix::fs::flock(&lock, rustix::fs::FlockOperation::NonBlockingLockExclusive).is_err() {
        return Ok(());
    }
    let now = tempfile::NamedTempFile::new_in(cache)?.as_file().metadata()?.mtime();
    let store = Local::new(cache.join(STORE));
    let of_blobs = files(&store.folder().join("blob"))?.into_iter().map(|file| (file.path.clone(), file));
    let blobs: BTreeMap<PathBuf, Used> = of_blobs.collect();
    let trees = files(&store.folder().join("tree"))?;
    let (unfinished, segments): (Vec<Used>, Vec<Used>) =
        files(&cache.join(RUNS))?.into_iter().partition(|file| is_unfinished(&file.path));
    for file in unfinished.iter().filter(|file| file.last.0 <= now - young) {
        remove(&file.path)?;
    }
    let total: u64 = blobs.values().chain(&trees).chain(&segments).map(|file| file.bytes).sum();
    if total <= limit {
        return Ok(());
    }
    let trees = trees.into_iter().map(|tree| (named(&tree.path, &store), tree));
    let mut all: Vec<(Option<BTreeSet<PathBuf>>, Used)> = trees.map(|(named, tree)| (Some(named), tree)).collect();
    all.extend(segments.into_iter().map(|segment| (None, segment)));
    all.sort_by(|(_, a), (_, b)| b.last.cmp(&a.last).then_with(|| a.path.cmp(&b.path)));
    let (mut kept, mut live, mut seen) = (0, BTreeSet::new(), [false; 2]);
    for (named, one) in all {
        let first = !std::mem::replace(&mut seen[usize::from(named.is_some())], true);
        let named = named.unwrap_or_default();
        let more = named.iter().filter(|path| !live.contains(*path)).filter_map(|path| blobs.get(path));
        let bytes = one.bytes + more.map(|blob| blob.bytes).sum::<u64>();
        // The one of its kind that was used last stays, however large it is: it was just written.
        if !first && kept + bytes > limit {
            remove(&one.path)?;
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

fn is_unfinished(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(UNFINISHED))
}

/// The blobs of an entry; none of one that is damaged.
fn named(tree: &Path, store: &Local) -> BTreeSet<PathBuf> {
    let tree = fs_err::read(tree).ok().and_then(|bytes| Tree::decode(&bytes).ok());
    tree.into_iter().flat_map(|tree| tree.blobs).map(|name| store.folder().join(blob_name(&name))).collect()
}
