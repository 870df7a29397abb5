//! The run cache: what content became when it was compressed, kept for the next build.
//!
//! Enters: keys, and what was compressed in this run. Leaves: compressed bytes of earlier runs, each checked against the digest
//! that was kept with it when it is read, and one more segment. A build that ends before [`Runs::keep`] leaves nothing; two at once write
//! two segments. What was used longest ago goes first, a segment at a time. All that is wrong here costs time only.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use sha2::{Digest as _, Sha256};

use super::super::EngineError;
use super::super::scratch::{Extent, Scratch, length_of, read};
pub(in super::super) use super::segment::Key;
use super::segment::{EXTENSION, Segment, Writer};
use crate::build::cache::evict;
use crate::build::cache::used::{self, Used};
use crate::build::state::RUNS;
use crate::codec::deflate::{ENCODER, WEAVER, Weaver};
use crate::codec::hex::hex;

/// How content is cut into runs: another cut makes other bytes.
const CUT: &str = " runs of 1 MiB";
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
    /// Runs of what stands between content that is spliced; the key says of which parts they were made.
    Between,
}

/// The key of a content in a form and at a level.
pub(in super::super) fn key(form: Form, level: u8, sha256: &[u8; 32]) -> Key {
    let number = match form {
        Form::Runs => 0,
        Form::Whole => 1,
        Form::Between => 2,
    };
    Sha256::new()
        .chain_update(ENCODER)
        .chain_update(CUT)
        .chain_update([0, number, level])
        .chain_update(if form == Form::Between && Weaver::knows(level) { WEAVER } else { "" })
        .chain_update(sha256)
        .finalize()
        .into()
}

/// What makes the bytes of entries, as a word.
pub(super) fn encoder() -> String {
    hex(&Sha256::new().chain_update(ENCODER).chain_update(CUT).finalize()[..8])
}

/// What this run compressed, in its scratch file.
#[derive(Debug, Clone)]
struct Fresh {
    form: Form,
    raw: u64,
    extents: Vec<Extent>,
}

/// Hands bytes over in order.
type Give<'a> = Box<dyn Fn(&mut dyn FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> + 'a>;

/// Something that other machines can use.
pub(super) struct Shareable<'a> {
    pub key: Key,
    pub raw: u64,
    pub bytes: u64,
    pub give: Give<'a>,
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
    /// Whether an entry is read before it is promised.
    careful: AtomicBool,
    fresh: Mutex<BTreeMap<Key, Fresh>>,
}

impl Runs {
    /// Opens what is in the folder of all caches, which may have `limit` bytes.
    pub fn open(cache: &Path, limit: u64) -> Self {
        let folder = cache.join(RUNS);
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
        Self {
            folder,
            limit,
            segments,
            broken,
            sizes: OnceLock::new(),
            careful: AtomicBool::new(false),
            fresh: Mutex::default(),
        }
    }

    /// Where the bytes of a key lie, if they are there. Whether they are as they were put shows when they are read, and here
    /// only after [`Runs::distrust`]: what an artifact has is read later anyway.
    pub fn find(&self, key: &Key) -> Option<Vec<Extent>> {
        if let Some(fresh) = self.fresh().get(key) {
            return Some(fresh.extents.clone());
        }
        let careful = self.careful.load(Ordering::Relaxed);
        (0..).zip(&self.segments).find_map(|(number, segment)| {
            let entry = segment.find(key)?;
            (!careful || segment.read(&entry, |_| {})).then(|| vec![entry.extent(Some(number))])
        })
    }

    /// If something was not as it was put: from now on only what is as it was put is there, and nothing of this run. Whether
    /// that is new.
    pub fn distrust(&self) -> bool {
        let is_damaged = self.segments.iter().any(|segment| segment.damaged.load(Ordering::Relaxed));
        if !is_damaged || self.careful.swap(true, Ordering::Relaxed) {
            return false;
        }
        self.fresh().clear();
        true
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

    /// Whether no earlier build left anything.
    pub fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// Whether some content of this size was compressed: only then it pays to look for it by its digest.
    pub fn has_size(&self, raw: u64) -> bool {
        let sizes = || self.segments.iter().flat_map(Segment::entries).map(|entry| entry.raw).collect();
        self.sizes.get_or_init(sizes).contains(&raw)
    }

    /// Remembers what a content of `raw` bytes became; it lies in the scratch file.
    pub fn put(&self, key: Key, form: Form, raw: u64, extents: &[Extent]) {
        self.fresh().insert(key, Fresh { form, raw, extents: extents.to_vec() });
    }

    /// Calls `with` with all that this run compressed and other machines can check.
    pub(super) fn shared<T>(&self, scratch: &Scratch, with: impl FnOnce(&[Shareable<'_>]) -> T) -> T {
        let fresh = self.fresh();
        let own = fresh.iter().filter(|(_, fresh)| fresh.form != Form::Between);
        let shareable = |(key, fresh): (&Key, &Fresh)| {
            let Fresh { raw, extents, .. } = fresh.clone();
            let bytes = length_of(&extents);
            let give: Give<'_> = Box::new(move |take| self.give(&extents, scratch, take));
            Shareable { key: *key, raw, bytes, give }
        };
        with(&own.map(shareable).collect::<Vec<_>>())
    }

    fn give(
        &self,
        extents: &[Extent],
        scratch: &Scratch,
        take: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        extents.iter().try_for_each(|extent| match extent.segment {
            None => scratch.read(*extent, &mut *take),
            Some(number) => self.extent(number, *extent, &mut *take),
        })
    }

    /// Hands over what lies at an extent of a segment.
    ///
    /// # Errors
    /// [`EngineError::Kept`] when it is not what was put there; what `take` says.
    pub fn extent(
        &self,
        segment: u32,
        extent: Extent,
        mut take: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let segment = &self.segments[segment as usize];
        let mut taken = true;
        let result = read((&segment.file, &segment.path), extent, |bytes| take(bytes).inspect_err(|_| taken = false));
        if !taken || segment.judged(result.is_ok()) {
            return result;
        }
        Err(EngineError::Kept { path: segment.path.clone() }.into())
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
            super::create(&self.folder)?;
            Some(self.write(&fresh, &merged, scratch)?)
        };
        let gone = merged.iter().map(|segment| &segment.path).chain(&self.broken);
        for path in gone.filter(|path| Some(*path) != written.as_ref()) {
            used::remove(path)?;
        }
        match self.folder.parent().filter(|_| written.is_some()) {
            Some(cache) => evict::evict(cache, self.limit, evict::YOUNG),
            None => Ok(()),
        }
    }

    fn write(&self, fresh: &BTreeMap<Key, Fresh>, merged: &[&Segment], scratch: &Scratch) -> io::Result<PathBuf> {
        let mut writer = Writer::new(&self.folder)?;
        for (key, fresh) in fresh {
            writer.add(*key, fresh.raw, |take| self.give(&fresh.extents, scratch, take))?;
        }
        let mut seen = BTreeSet::new();
        for segment in merged {
            for entry in segment.entries().filter(|entry| !fresh.contains_key(&entry.key)) {
                // Looked at before it is copied: a half entry cannot be taken back.
                if !seen.contains(&entry.key) && segment.check(&entry) {
                    seen.insert(entry.key);
                    writer.add(entry.key, entry.raw, |take| segment.give(&entry, take))?;
                }
            }
        }
        writer.finish()
    }

    fn fresh(&self) -> std::sync::MutexGuard<'_, BTreeMap<Key, Fresh>> {
        self.fresh.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Segments in the folder of all caches that are not as they were written, down to the last entry.
///
/// # Errors
/// When the folder cannot be read.
pub fn check(cache: &Path) -> io::Result<Vec<PathBuf>> {
    let whole = |path: &Path| {
        let segment = Segment::open(path.to_owned())?;
        Ok(segment.entries().all(|entry| segment.check(&entry)))
    };
    let mut damaged = Vec::new();
    for Used { path, .. } in segments_of(&cache.join(RUNS))? {
        match whole(&path) {
            Ok(true) => {}
            Err(error) if std::io::Error::kind(&error) == io::ErrorKind::NotFound => {}
            Ok(false) | Err(_) => damaged.push(path),
        }
    }
    Ok(damaged)
}

/// The segments, the last used first.
fn segments_of(folder: &Path) -> io::Result<Vec<Used>> {
    let mut found = used::files(folder)?;
    found.retain(|file| file.path.extension().is_some_and(|extension| extension == EXTENSION));
    found.sort_by(|a, b| b.last.cmp(&a.last).then_with(|| a.path.cmp(&b.path)));
    Ok(found)
}
