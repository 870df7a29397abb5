//! Content by id: read once, hashed once, compressed once, however many formats follow.
//!
//! Enters: the [`Sources`](crate::assemble::plan::Sources) of a run and what the formats of the run want of them.
//! Leaves: [`Digests`] for the layouts, and a [`Store`] that gives each content raw or deflated to [`super::emit`].
//! What is kept lies in one unnamed scratch file, so memory does not grow with the input. A file that is not as the
//! walk saw it, or reads otherwise the second time, is an error.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use rayon::prelude::*;
use sha2::{Digest as _, Sha256};

use super::EngineError;
use super::cache::Cache;
use super::cache::runs::{Form, key};
use super::fill::{Deflaters, Filler};
use super::opened::{Opened, size_of};
use super::scratch::{Extent, Scratch};
use crate::assemble::plan::{Content, SourceId};
use crate::codec::deflate::{Deflater, END_OF_STREAM, RUN};
use crate::diagnostic::Findings;
use crate::listener::{Event, Listener};

pub use crate::formats::{Digest, Digests};

/// Content of at least this size is compressed by itself and spliced; smaller content is compressed together with its
/// neighbours in each stream. Measured: 16 KiB keeps streams as small as gzip -6 makes them.
pub const SPLICED_FROM: u64 = 16 * 1024;
/// Content above this size is read in pieces, one file at a time with all threads; with many threads it is less, so
/// that what all of them hold stays within [`WHOLE_AT_ONCE`].
const PIECEWISE_FROM: u64 = 8 << 20;
/// Most bytes of content that lie in memory whole.
const WHOLE_AT_ONCE: u64 = 64 << 20;
/// Literals and small content are looked for in the cache from this size on: compressing less is quicker.
const LOOKED_FOR_FROM: usize = 512;

/// What the formats of a run want of the content.
#[derive(Debug, Clone, Default)]
pub struct Wants {
    /// MD5 of each content (deb).
    pub md5: bool,
    /// Deflate levels of streams: content of [`SPLICED_FROM`] and more is kept as runs of each.
    pub levels: BTreeSet<u8>,
    /// Deflate level of zip entries: smaller content is kept as a stream of its own, too.
    pub zip_level: Option<u8>,
}

/// Content, read and kept.
pub struct Store<'s> {
    sources: &'s [Content],
    slots: Vec<Slot>,
    scratch: Scratch,
    cache: Option<Cache>,
    digests: Vec<(u64, u32)>,
    zip_level: u8,
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
    /// When a file cannot be read or is not as the walk saw it; when the scratch file cannot be written.
    pub fn fill(
        sources: &'s [Content],
        wants: &Wants,
        scratch: &Path,
        cache: Option<Cache>,
        listener: &dyn Listener,
    ) -> Result<(Self, Digests), EngineError> {
        let scratch = Scratch::new(scratch)?;
        let with = Filler { wants, scratch: &scratch, cache: cache.as_ref(), listener };
        let mut filled: Vec<Option<(Slot, Digest)>> = vec![None; sources.len()];
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
        let done: Vec<(usize, (Slot, Digest))> = small
            .par_iter()
            .map_init(Deflaters::default, |deflaters, index| {
                let filled = with.whole(&sources[*index], deflaters)?;
                listener.hear(Event::Read { bytes: filled.1.size });
                Ok((*index, filled))
            })
            .collect::<Result<_, EngineError>>()?;
        for (index, result) in done {
            filled[index] = Some(result);
        }
        let (slots, list): (Vec<Slot>, Vec<Digest>) = filled.into_iter().flatten().unzip();
        let digests = list.iter().map(|d| (d.size, d.crc32)).collect();
        let zip_level = wants.zip_level.unwrap_or_default();
        Ok((Self { sources, slots, scratch, cache, digests, zip_level }, Digests::new(list)))
    }

    /// Leaves what was read and compressed for the next run; what was wrong with the cache.
    pub fn keep(&self) -> Findings {
        self.cache.as_ref().map(|cache| cache.keep(&self.scratch)).unwrap_or_default()
    }

    /// Bytes and CRC-32 of a content.
    pub fn size_and_crc(&self, id: SourceId) -> (u64, u32) {
        self.digests[id.0 as usize]
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
        let mut buffer = vec![0; usize::try_from(size).map_or(RUN, |size| size.min(RUN))];
        let mut left = size;
        while left > 0 {
            let want = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
            reader.fill(&mut buffer[..want])?;
            hasher.update(&buffer[..want]);
            take(&buffer[..want])?;
            left -= want as u64;
        }
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

    /// Appends bytes that stand between spliced content to `out` as runs.
    ///
    /// # Errors
    /// When the scratch file cannot be written.
    pub fn between(&self, deflater: &mut Deflater, level: u8, bytes: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        let Some(cache) = self.cache.as_ref().filter(|_| bytes.len() >= LOOKED_FOR_FROM) else {
            deflater.runs(bytes, out);
            return Ok(());
        };
        let key = key(Form::Runs, level, &Sha256::digest(bytes).into());
        if !cache.runs.read(&key, &self.scratch, out) {
            let start = out.len();
            deflater.runs(bytes, out);
            cache.runs.put(key, bytes.len() as u64, &[self.scratch.append(&out[start..])?]);
        }
        Ok(())
    }

    fn extent(&self, extent: Extent, take: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        match (extent.segment, &self.cache) {
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
