//! The run cache: what content became when it was compressed, kept for the next build.
//!
//! Enters: keys, and what was compressed in this run. Leaves: compressed bytes of earlier runs, each checked against the digest
//! that was kept with it, and one more segment. A build that ends before [`Runs::keep`] leaves nothing; two at once write
//! two segments. What was used longest ago goes first, a segment at a time. All that is wrong here costs time only.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Mutex, OnceLock, PoisonError};

use sha2::{Digest as _, Sha256};

use super::super::scratch::{Extent, Scratch, read};
use super::segment::{EXTENSION, Key, Segment, Writer};
use crate::build::cache::used::{self, Used};

/// Compressor and cut of runs: other ones make other bytes. A test compares it with Cargo.lock.
pub const ENCODER: &str = "libdeflater 1.26.1, libdeflate-sys 1.26.1, runs of 1 MiB";
/// Segments that are opened: those used last.
const MOST: usize = 200;
/// Bytes of their indexes: all of them lie in memory. Those used last count first.
const INDEXES: usize = 64 << 20;
/// Segments below this size are made into one when there are [`FEW`] of them: each build that changed something adds one.
const SMALL: u64 = 16 << 20;
const FEW: usize = 8;

/// What a content became.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Runs that can be joined with others.
    Runs,
    /// One whole stream.
    Whole,
}

/// The key of a content in a form and at a level.
pub(in super::super) fn key(form: Form, level: u8, sha256: &[u8; 32]) -> Key {
    let form = match form {
        Form::Runs => 0,
        Form::Whole => 1,
    };
    Sha256::new().chain_update(ENCODER).chain_update([0, form, level]).chain_update(sha256).finalize().into()
}

/// What this run compressed, in its scratch file.
#[derive(Debug, Clone)]
struct Fresh {
    raw: u64,
    extents: Vec<Extent>,
}

/// See the module.
#[derive(Debug)]
pub(in super::super) struct Runs {
    folder: PathBuf,
    limit: u64,
    /// Those used last come first.
    segments: Vec<Segment>,
    /// Segments whose index cannot be used.
    broken: Vec<PathBuf>,
    /// Sizes of content of which something is there.
    sizes: OnceLock<BTreeSet<u64>>,
    fresh: Mutex<BTreeMap<Key, Fresh>>,
}

impl Runs {
    /// Opens what is in the folder, which is made when something is kept.
    pub fn open(folder: PathBuf, limit: u64) -> Self {
        let (mut segments, mut broken, mut indexes) = (Vec::new(), Vec::new(), 0);
        for Used { path, .. } in segments_of(&folder).unwrap_or_default().into_iter().take(MOST) {
            if indexes > INDEXES {
                break;
            }
            match Segment::open(path.clone()) {
                Ok(segment) => {
                    indexes += segment.index_size();
                    segments.push(segment);
                }
                // Another build removed it meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(_) => broken.push(path),
            }
        }
        Self { folder, limit, segments, broken, sizes: OnceLock::new(), fresh: Mutex::default() }
    }

    /// Where the bytes of a key lie, if they are there and as they were put.
    pub fn find(&self, key: &Key) -> Option<Vec<Extent>> {
        if let Some(fresh) = self.fresh().get(key) {
            return Some(fresh.extents.clone());
        }
        (0..).zip(&self.segments).find_map(|(number, segment)| {
            let entry = segment.find(key)?;
            segment.read(&entry, |_| {}).then(|| vec![entry.extent(Some(number))])
        })
    }

    /// Appends the bytes of a key to `out`, if they are there and as they were put.
    pub fn read(&self, key: &Key, scratch: &Scratch, out: &mut Vec<u8>) -> bool {
        let (start, mut fits) = (out.len(), false);
        let fresh = self.fresh().get(key).cloned();
        if let Some(fresh) = fresh {
            let mut take = |bytes: &[u8]| {
                out.extend_from_slice(bytes);
                Ok(())
            };
            fits = fresh.extents.iter().try_for_each(|extent| scratch.read(*extent, &mut take)).is_ok();
        }
        for segment in &self.segments {
            if fits {
                break;
            }
            out.truncate(start);
            fits = segment.find(key).is_some_and(|entry| segment.read(&entry, |bytes| out.extend_from_slice(bytes)));
        }
        if !fits {
            out.truncate(start);
        }
        fits
    }

    /// Whether some content of this size was compressed: only then it pays to look for it by its digest.
    pub fn has_size(&self, raw: u64) -> bool {
        let sizes = || self.segments.iter().flat_map(Segment::entries).map(|entry| entry.raw).collect();
        self.sizes.get_or_init(sizes).contains(&raw)
    }

    /// Remembers what a content of `raw` bytes became; it lies in the scratch file.
    pub fn put(&self, key: Key, raw: u64, extents: &[Extent]) {
        self.fresh().insert(key, Fresh { raw, extents: extents.to_vec() });
    }

    /// Hands over what lies at an extent of a segment.
    pub fn extent(&self, segment: u32, extent: Extent, take: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        let segment = &self.segments[segment as usize];
        read((&segment.file, &segment.path), extent, take)
    }

    /// Segments that were damaged.
    pub fn damaged(&self) -> Vec<&Path> {
        let entries = self.segments.iter().filter(|segment| segment.damaged.load(Ordering::Relaxed));
        entries.map(|segment| &*segment.path).chain(self.broken.iter().map(PathBuf::as_path)).collect()
    }

    /// Writes what this run compressed, takes out what is damaged, and removes what was used longest ago.
    ///
    /// # Errors
    /// When the folder cannot be written; what was there is still there.
    pub fn keep(&self, scratch: &Scratch) -> io::Result<()> {
        for segment in self.segments.iter().filter(|segment| segment.used.load(Ordering::Relaxed)) {
            used::now(&segment.path);
        }
        let small: Vec<&Segment> = self.segments.iter().filter(|segment| segment.size < SMALL).collect();
        let merged: Vec<&Segment> = self
            .segments
            .iter()
            .filter(|segment| segment.damaged.load(Ordering::Relaxed) || small.len() >= FEW && segment.size < SMALL)
            .collect();
        let fresh = self.fresh();
        let written = if fresh.is_empty() && merged.is_empty() {
            None
        } else {
            std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
            Some(self.write(&fresh, &merged, scratch)?)
        };
        let gone = merged.iter().map(|segment| &segment.path).chain(&self.broken);
        for path in gone.filter(|path| Some(*path) != written.as_ref()) {
            used::remove(path)?;
        }
        if written.is_some() { self.evict(written.as_deref()) } else { Ok(()) }
    }

    fn write(&self, fresh: &BTreeMap<Key, Fresh>, merged: &[&Segment], scratch: &Scratch) -> io::Result<PathBuf> {
        let mut writer = Writer::new(&self.folder)?;
        for (key, fresh) in fresh {
            writer.add(*key, fresh.raw, |take| {
                fresh.extents.iter().try_for_each(|extent| match extent.segment {
                    None => scratch.read(*extent, &mut *take),
                    Some(number) => self.extent(number, *extent, &mut *take),
                })
            })?;
        }
        let mut seen = BTreeSet::new();
        for segment in merged {
            for entry in segment.entries().filter(|entry| !fresh.contains_key(&entry.key)) {
                // Looked at before it is copied: a half entry cannot be taken back.
                if !seen.contains(&entry.key) && segment.read(&entry, |_| {}) {
                    seen.insert(entry.key);
                    let extent = entry.extent(None);
                    writer.add(entry.key, entry.raw, |take| read((&segment.file, &segment.path), extent, take))?;
                }
            }
        }
        writer.finish()
    }

    fn evict(&self, written: Option<&Path>) -> io::Result<()> {
        let mut kept = 0;
        for Used { path, bytes: size, .. } in segments_of(&self.folder)? {
            kept += size;
            // What was just written stays, however large it is.
            if kept > self.limit && Some(&*path) != written {
                kept -= size;
                used::remove(&path)?;
            }
        }
        Ok(())
    }

    fn fresh(&self) -> std::sync::MutexGuard<'_, BTreeMap<Key, Fresh>> {
        self.fresh.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The segments, the last used first.
fn segments_of(folder: &Path) -> io::Result<Vec<Used>> {
    let mut found = used::files(folder)?;
    found.retain(|file| file.path.extension().is_some_and(|extension| extension == EXTENSION));
    found.sort_by(|a, b| b.last.cmp(&a.last).then_with(|| a.path.cmp(&b.path)));
    Ok(found)
}
