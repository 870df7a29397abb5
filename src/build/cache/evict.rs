//! Keeps the user's cache below a size: what was used longest ago goes first, be it of the build step, compressed content, what is
//! known of a project, or a base image.
//!
//! Entries and segments go by their own time, blobs when no entry names them any more; of a project or an image goes all or nothing. A blob that is
//! young may belong to an entry that another process is about to write, and a young project or image to one that runs. One process at
//! a time: a second one leaves it to the first.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::store::{Local, TEMPORARY};
use super::used::{Used, files, remove};
use super::{blob_name, tree::Tree};
use crate::build::state::{IMAGES, PROJECTS, RUNS, STORE};
use crate::interrupt::UNFINISHED;

/// Seconds in which a blob without an entry, and a file that is not whole, is left alone.
pub const YOUNG: i64 = 3600;

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
    let of_blobs =
        finished(&store.folder().join("blob"), now - young)?.into_iter().map(|file| (file.path.clone(), file));
    let blobs: BTreeMap<PathBuf, Used> = of_blobs.collect();
    let trees = finished(&store.folder().join("tree"), now - young)?;
    let segments = finished(&cache.join(RUNS), now - young)?;
    let mut all: Vec<Item> = segments.into_iter().map(|segment| Item::of(Kind::Segment, vec![segment])).collect();
    let below = |folder: &str| groups(&cache.join(folder), now - young);
    all.extend(below(PROJECTS)?.into_iter().map(|files| Item::of(Kind::Project, files)));
    all.extend(below(IMAGES)?.into_iter().map(|files| Item::of(Kind::Image, files)));
    let of_files = blobs.values().chain(&trees).map(|file| file.bytes);
    if of_files.chain(all.iter().map(|item| item.bytes)).sum::<u64>() <= limit {
        return Ok(());
    }
    all.extend(trees.into_iter().map(|tree| Item::of(Kind::Tree(named(&tree.path, &store)), vec![tree])));
    all.sort_by(|a, b| b.last.cmp(&a.last).then_with(|| a.files.cmp(&b.files)));
    let (mut kept, mut live, mut seen) = (0, BTreeSet::new(), Vec::new());
    for item in all {
        let kind = std::mem::discriminant(&item.kind);
        let first = !seen.contains(&kind);
        if first {
            seen.push(kind);
        }
        let more = item.blobs().filter(|path| !live.contains(*path)).filter_map(|path| blobs.get(path));
        let bytes = item.bytes + more.map(|blob| blob.bytes).sum::<u64>();
        let in_use = matches!(item.kind, Kind::Project | Kind::Image) && item.last.0 > now - young;
        // The one of its kind that was used last stays, however large it is: it was just written.
        if !first && !in_use && kept + bytes > limit {
            item.files.iter().try_for_each(|path| remove(path))?;
            if matches!(item.kind, Kind::Project)
                && let Some(folder) = item.files.first().and_then(|path| path.parent())
            {
                // Not where somebody has put something into it meanwhile.
                let _ = std::fs::remove_dir(folder);
            }
        } else {
            kept += bytes;
            live.extend(item.blobs().cloned());
        }
    }
    for blob in blobs.values().filter(|blob| !live.contains(&blob.path) && blob.last.0 <= now - young) {
        remove(&blob.path)?;
    }
    Ok(())
}

/// What goes or stays as a whole.
struct Item {
    kind: Kind,
    files: Vec<PathBuf>,
    bytes: u64,
    /// When some of it was used last: seconds since 1970, and nanoseconds.
    last: (i64, i64),
}

enum Kind {
    /// An entry of what build tools keep, and the blobs that it names.
    Tree(BTreeSet<PathBuf>),
    Segment,
    Project,
    Image,
}

impl Item {
    fn of(kind: Kind, files: Vec<Used>) -> Self {
        let bytes = files.iter().map(|file| file.bytes).sum();
        let last = files.iter().map(|file| file.last).max().unwrap_or_default();
        Self { kind, files: files.into_iter().map(|file| file.path).collect(), bytes, last }
    }

    fn blobs(&self) -> impl Iterator<Item = &PathBuf> {
        match &self.kind {
            Kind::Tree(blobs) => Some(blobs),
            _ => None,
        }
        .into_iter()
        .flatten()
    }
}

/// The files below a folder that are whole. Others were left by a process that was killed, unless they are younger than `until`, in seconds
/// since 1970: they are removed.
fn finished(folder: &Path, until: i64) -> io::Result<Vec<Used>> {
    let is_unfinished = |file: &Used| {
        let name = file.path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(UNFINISHED) || name.starts_with(TEMPORARY)
    };
    let (unfinished, finished): (Vec<Used>, Vec<Used>) = files(folder)?.into_iter().partition(is_unfinished);
    for file in unfinished.iter().filter(|file| file.last.0 <= until) {
        remove(&file.path)?;
    }
    Ok(finished)
}

/// The same, those below each folder in it together.
fn groups(folder: &Path, until: i64) -> io::Result<Vec<Vec<Used>>> {
    let mut groups: BTreeMap<Option<OsString>, Vec<Used>> = BTreeMap::new();
    for file in finished(folder, until)? {
        let name = file.path.strip_prefix(folder).ok().and_then(|path| path.iter().next()).map(OsStr::to_owned);
        groups.entry(name).or_default().push(file);
    }
    Ok(groups.into_values().collect())
}

/// The blobs of an entry; none of one that is damaged.
fn named(tree: &Path, store: &Local) -> BTreeSet<PathBuf> {
    let tree = fs_err::read(tree).ok().and_then(|bytes| Tree::decode(&bytes).ok());
    tree.into_iter().flat_map(|tree| tree.blobs).map(|name| store.folder().join(blob_name(&name))).collect()
}
