//! Content by id: read once, hashed once, compressed once, however many formats follow.
//!
//! Enters: the [`Sources`](crate::assemble::plan::Sources) of a run and what the formats of the run want of them.
//! Leaves: [`Digests`] for the layouts, and a [`Store`] that gives each content raw or deflated to [`super::emit`].
//! What is kept lies in one unnamed scratch file, so memory does not grow with the input. A file that is read
//! and not as the walk saw it, or reads otherwise the second time, is an error; what is kept of an earlier run is as the walk saw it.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::EngineError;
use super::cache::Cache;
use super::cache::runs::{Form, Key, key};
use super::fill::{Deflaters, Filled, Filler};
use super::groups::Groups;
use super::opened::{Opened, size_of};
use super::scratch::{Extent, Scratch, in_pieces};
use crate::assemble::plan::{Content, SourceId};
use crate::codec::deflate::{END_OF_STREAM, RUN, Sequence, Weaver};
use crate::codec::md5;
use crate::diagnostic::Findings;
use crate::listener::{Event, Listener};

use crate::formats::SPLICED_FROM;
pub use crate::formats::{Digest, Digests};

/// Content above this size is read in pieces, one file at a time with all threads; with many threads it is less, so
/// that what all of them hold stays within [`WHOLE_AT_ONCE`].
const PIECEWISE_FROM: u64 = 8 << 20;
/// Most bytes of content that lie in memory whole.
const WHOLE_AT_ONCE: u64 = 64 << 20;
/// Most bytes of contents that one thread takes together; one content may be larger.
const TOGETHER: u64 = 4 << 20;
/// Literals and small content are looked for in the cache from this size on: compressing less is quicker.
const LOOKED_FOR_FROM: usize = 512;

/// What the formats of a run want of the content.
#[derive(Debug, Clone, Default)]
pub struct Wants {
    /// MD5 of each content (deb).
    pub md5: bool,
    /// Deflate levels of streams, and how many streams have each: content of [`SPLICED_FROM`] and more is kept as runs of each.
    pub levels: BTreeMap<u8, usize>,
    /// Deflate level of zip entries: smaller content is kept as a stream of its own, too.
    pub zip_level: Option<u8>,
    /// Whether several streams may have the same bytes: the tar streams of deb and of an image.
    pub twins: bool,
    /// Whether what is compressed is decompressed and compared.
    pub verify: bool,
}

/// Content, read and kept.
pub struct Store<'s> {
    sources: &'s [Content],
    slots: Vec<Slot>,
    scratch: Scratch,
    cache: Option<&'s Cache>,
    digests: Vec<Known>,
    zip_level: u8,
    /// Runs between spliced content that this build made, where there is no cache and several streams may have the same.
    made: Option<Mutex<BTreeMap<Key, Extent>>>,
    /// What is known of small contents that stand together, for the levels that several streams have.
    pub(super) groups: Groups,
    shared_levels: BTreeSet<u8>,
    pub(super) verify: bool,
}

/// What streams ask of a content.
struct Known {
    size: u64,
    crc32: u32,
    sha256: [u8; 32],
}

/// Where one content lies in the scratch file.
#[derive(Debug, Clone, Default)]
pub(super) struct Slot {
    /// The bytes themselves, for content below [`SPLICED_FROM`].
    pub raw: Option<Extent>,
    /// Runs by level, without end mark, for content of [`SPLICED_FROM`] and more.
    pub runs: Vec<(u8, Vec<Extent>)>,
    /// A complete stream for zip, for content below [`SPLICED_FROM`].
    pub whole: Vec<Extent>,
}

impl<'s> Store<'s> {
    /// Reads, hashes and compresses all content on the current thread pool, but for what the cache knows. `scratch` is the
    /// folder for the scratch file: beside the outputs, where there must be space anyway.
    ///
    /// # Errors
    /// When a file that must be read cannot be, or is not as the walk saw it; when the scratch file cannot be written.
    pub fn fill(
        sources: &'s [Content],
        wants: &Wants,
        scratch: &Path,
        cache: Option<&'s Cache>,
        listener: &dyn Listener,
    ) -> Result<(Self, Digests), EngineError> {
        let scratch = Scratch::new(scratch)?;
        let with = Filler { wants, scratch: &scratch, cache, listener };
        let mut filled: Vec<Option<Filled>> = vec![None; sources.len()];
        let mut small = Vec::new();
        let piecewise_from = (WHOLE_AT_ONCE / rayon::current_num_threads() as u64).min(PIECEWISE_FROM);
        for (index, content) in sources.iter().enumerate() {
            if size_of(content) >= piecewise_from {
                filled[index] = Some(with.piecewise(content)?);
            } else {
                small.push(index);
            }
        }
        // Largest first: the last task to end is a short one. The order changes no byte of any artifact.
        small.sort_by_key(|index| std::cmp::Reverse(size_of(&sources[*index])));
        let batches = batches(&small, sources);
        // Each thread takes the next batch when it is done with one: an iterator that is split in halves would give all that is large to one.
        let next = AtomicUsize::new(0);
        let done = rayon::broadcast(|_| {
            let mut deflaters = Deflaters::new(wants.verify);
            let mut done: Vec<(usize, Filled)> = Vec::new();
            while let Some(batch) = batches.get(next.fetch_add(1, Ordering::Relaxed)) {
                let contents: Vec<&Content> = batch.iter().map(|index| &sources[*index]).collect();
                let filled = with
                    .together(&contents, &mut deflaters)
                    .inspect_err(|_| next.store(batches.len(), Ordering::Relaxed))?;
                listener.hear(Event::Read { bytes: filled.iter().map(|(_, digest)| digest.size).sum() });
                done.extend(batch.iter().copied().zip(filled));
            }
            Ok::<_, EngineError>(done)
        });
        for of_thread in done {
            for (index, result) in of_thread? {
                filled[index] = Some(result);
            }
        }
        let (slots, list): (Vec<Slot>, Vec<Digest>) = filled.into_iter().flatten().unzip();
        let known = |digest: &Digest| Known { size: digest.size, crc32: digest.crc32, sha256: digest.sha256 };
        let digests = list.iter().map(known).collect();
        let zip_level = wants.zip_level.unwrap_or_default();
        let made = (wants.twins && cache.is_none()).then(Mutex::default);
        let shared_levels = wants.levels.iter().filter(|(_, streams)| **streams > 1).map(|(level, _)| *level).collect();
        let (groups, verify) = (Groups::default(), wants.verify);
        let store = Self { sources, slots, scratch, cache, digests, zip_level, made, groups, shared_levels, verify };
        Ok((store, Digests::new(list)))
    }

    /// Leaves what was read and compressed for the next run; what was wrong with the cache.
    pub fn keep(&self) -> Findings {
        self.cache.map(|cache| cache.keep(&self.scratch)).unwrap_or_default()
    }

    /// Bytes and CRC-32 of a content.
    pub fn size_and_crc(&self, id: SourceId) -> (u64, u32) {
        let Known { size, crc32, .. } = self.digests[id.0 as usize];
        (size, crc32)
    }

    /// SHA-256 of a content.
    pub(super) fn sha256(&self, id: SourceId) -> &[u8; 32] {
        &self.digests[id.0 as usize].sha256
    }

    /// Whether streams of this level splice the content; otherwise they take its raw bytes.
    pub fn is_spliced(&self, id: SourceId, level: u8) -> bool {
        self.slots[id.0 as usize].runs.iter().any(|(l, _)| *l == level)
    }

    /// Hands the content's raw bytes over in order, from the scratch file or from the source again. What is read again
    /// must have the CRC of the first time.
    ///
    /// # Errors
    /// When reading fails, the file has changed, or `take` fails.
    pub fn raw(&self, id: SourceId, mut take: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        if let Some(extent) = self.slots[id.0 as usize].raw {
            return self.extent(extent, take);
        }
        let content = &self.sources[id.0 as usize];
        let (size, crc32) = self.size_and_crc(id);
        let mut reader = Opened::new(content)?;
        let mut hasher = crc32fast::Hasher::new();
        in_pieces(size, RUN, |_, bytes| {
            reader.fill(bytes)?;
            hasher.update(bytes);
            take(bytes)
        })?;
        reader.finish()?;
        if hasher.finalize() == crc32 { Ok(()) } else { Err(reader.changed().into()) }
    }

    /// Hands the content's runs of a level over; only where [`Store::is_spliced`].
    ///
    /// # Errors
    /// When the scratch file cannot be read or `take` fails.
    pub fn runs(&self, id: SourceId, level: u8, mut take: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        let slot = &self.slots[id.0 as usize];
        let Some((_, extents)) = slot.runs.iter().find(|(l, _)| *l == level) else {
            return Err(EngineError::NotKept { id }.into());
        };
        extents.iter().try_for_each(|extent| self.extent(*extent, &mut take))
    }

    /// Appends the run to `out` that was made of literals and small content with this key, if it is there.
    pub(super) fn find_run(&self, level: u8, content: &[u8; 32], size: usize, out: &mut Vec<u8>) -> bool {
        if size < LOOKED_FOR_FROM {
            return false;
        }
        let key = key(Form::Between, level, content);
        if let Some(cache) = self.cache {
            return cache.runs.read(&key, &self.scratch, out);
        }
        let made = self.made().and_then(|made| made.get(&key).copied());
        made.is_some_and(|extent| self.scratch.append_to(extent, out).is_ok())
    }

    /// Remembers a run for the next stream that has the same, and for the next build.
    ///
    /// # Errors
    /// When the scratch file cannot be written.
    pub(super) fn keep_run(&self, level: u8, content: &[u8; 32], size: usize, run: &[u8]) -> io::Result<()> {
        if size < LOOKED_FOR_FROM || self.cache.is_none() && self.made.is_none() {
            return Ok(());
        }
        let (key, extent) = (key(Form::Between, level, content), self.scratch.append(run)?);
        if let Some(cache) = self.cache {
            cache.runs.put(key, Form::Between, size as u64, &[extent]);
        } else if let Some(mut made) = self.made() {
            made.insert(key, extent);
        }
        Ok(())
    }

    /// Whether the groups of this level are made here, and serve several streams.
    pub(super) fn has_groups(&self, level: u8) -> bool {
        self.shared_levels.contains(&level) && Weaver::knows(level)
    }

    /// Whether this build compressed content, and all of it: what groups became is not kept either then. Content that was only read says
    /// nothing, since a checkout can be new and its content not.
    pub(super) fn is_new(&self) -> bool {
        let extents =
            || self.slots.iter().flat_map(|slot| slot.runs.iter().flat_map(|(_, runs)| runs).chain(&slot.whole));
        let is_kept = |(slot, known): (&Slot, &Known)| known.size < SPLICED_FROM && slot.raw.is_none();
        let any_is_kept =
            extents().any(|extent| extent.segment.is_some()) || self.slots.iter().zip(&self.digests).any(is_kept);
        !any_is_kept && (self.cache.is_none_or(|cache| cache.runs.is_empty()) || extents().next().is_some())
    }

    /// The sequences of contents that stand together, made by `make` unless an earlier stream had them, too.
    ///
    /// # Errors
    /// When the scratch file cannot be written or read.
    pub(super) fn sequences(
        &self,
        level: u8,
        contents: Vec<SourceId>,
        make: impl FnOnce() -> Vec<Sequence>,
    ) -> io::Result<Vec<Sequence>> {
        if self.has_groups(level) { self.groups.sequences(&self.scratch, (level, contents), make) } else { Ok(make()) }
    }

    fn made(&self) -> Option<MutexGuard<'_, BTreeMap<Key, Extent>>> {
        self.made.as_ref().map(|made| made.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn extent(&self, extent: Extent, take: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        match (extent.segment, self.cache) {
            (Some(number), Some(cache)) => cache.runs.extent(number, extent, take),
            _ => self.scratch.read(extent, take),
        }
    }

    /// Hands the content over as one complete deflate stream, as long as [`Digest::deflated`] says.
    ///
    /// # Errors
    /// When the scratch file cannot be read or `take` fails.
    pub fn deflated(&self, id: SourceId, mut take: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        let whole = &self.slots[id.0 as usize].whole;
        if !whole.is_empty() {
            return whole.iter().try_for_each(|extent| self.extent(*extent, &mut take));
        }
        self.runs(id, self.zip_level, &mut take)?;
        take(&END_OF_STREAM)
    }
}

/// Neighbours of about the same size, as many as are hashed side by side.
fn batches<'i>(order: &'i [usize], sources: &[Content]) -> Vec<&'i [usize]> {
    let mut batches = Vec::new();
    let mut rest = order;
    while !rest.is_empty() {
        let mut bytes = 0;
        let fits = |index: &&usize| {
            bytes += size_of(&sources[**index]);
            bytes <= TOGETHER
        };
        let count = rest.iter().take(md5::LANES).take_while(fits).count().max(1);
        let (batch, later) = rest.split_at(count);
        batches.push(batch);
        rest = later;
    }
    batches
}
