//! Content by id: read once, hashed once, compressed once, however many formats follow.
//!
//! Enters: the [`Sources`](crate::assemble::plan::Sources) of a run and what the formats of the run want of them.
//! Leaves: [`Digests`] for the layouts, and a [`Store`] that gives each content raw or deflated to [`super::emit`].
//! What is kept lies in one unnamed scratch file, so memory does not grow with the input. A file that is not as the
//! walk saw it, or reads otherwise the second time, is an error.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use md5::{Digest as _, Md5};
use rayon::prelude::*;
use sha2::Sha256;

use super::EngineError;
use super::opened::{Opened, read_all, size_of};
use super::scratch::{Extent, Scratch, length_of};
use crate::assemble::plan::{Content, SourceId};
use crate::codec::deflate::{Deflater, END_OF_STREAM, RUN};
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
    digests: Vec<(u64, u32)>,
    zip_level: u8,
}

/// Where one content lies in the scratch file.
#[derive(Debug, Clone, Default)]
struct Slot {
    /// The bytes themselves, for content below [`SPLICED_FROM`].
    raw: Option<Extent>,
    /// Runs by level, without end mark, for content of [`SPLICED_FROM`] and more.
    runs: Vec<(u8, Vec<Extent>)>,
    /// A complete stream for zip, for content below [`SPLICED_FROM`].
    whole: Option<Extent>,
}

impl<'s> Store<'s> {
    /// Reads, hashes and compresses all content on the current thread pool. `scratch` is the folder for the scratch
    /// file: beside the outputs, where there must be space anyway.
    ///
    /// # Errors
    /// When a file cannot be read or is not as the walk saw it; when the scratch file cannot be written.
    pub fn fill(
        sources: &'s [Content],
        wants: &Wants,
        scratch: &Path,
        listener: &dyn Listener,
    ) -> Result<(Self, Digests), EngineError> {
        let scratch = Scratch::new(scratch)?;
        let mut filled: Vec<Option<(Slot, Digest)>> = vec![None; sources.len()];
        let mut small = Vec::new();
        let piecewise_from = (WHOLE_AT_ONCE / rayon::current_num_threads() as u64).min(PIECEWISE_FROM);
        for (index, content) in sources.iter().enumerate() {
            if size_of(content) >= piecewise_from {
                filled[index] = Some(fill_piecewise(content, wants, &scratch, listener)?);
            } else {
                small.push(index);
            }
        }
        // Largest first: the last task to end is a short one. The order changes no byte of any artifact.
        small.sort_by_key(|index| std::cmp::Reverse(size_of(&sources[*index])));
        let done: Vec<(usize, (Slot, Digest))> = small
            .par_iter()
            .map_init(Deflaters::default, |deflaters, index| {
                let filled = fill_whole(&sources[*index], wants, &scratch, deflaters)?;
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
        Ok((Self { sources, slots, scratch, digests, zip_level }, Digests::new(list)))
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
            return self.scratch.read(extent, take);
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
        extents.iter().try_for_each(|extent| self.scratch.read(*extent, &mut take))
    }

    /// Hands the content over as one complete deflate stream, as long as [`Digest::deflated`] says.
    ///
    /// # Errors
    /// When the scratch file cannot be read or `take` fails.
    pub fn deflated(&self, id: SourceId, mut take: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        if let Some(extent) = self.slots[id.0 as usize].whole {
            return self.scratch.read(extent, take);
        }
        self.runs(id, self.zip_level, &mut take)?;
        take(&END_OF_STREAM)
    }
}

/// One compressor for each level and room for one run, per thread.
#[derive(Default)]
struct Deflaters {
    list: Vec<(u8, Deflater)>,
    run: Vec<u8>,
}

impl Deflaters {
    fn of(&mut self, level: u8) -> &mut Deflater {
        let place = self.list.iter().position(|(l, _)| *l == level).unwrap_or_else(|| {
            self.list.push((level, Deflater::new(level)));
            self.list.len() - 1
        });
        &mut self.list[place].1
    }

    /// Puts the runs of a content into the scratch file, one after the other.
    fn keep(&mut self, level: u8, bytes: &[u8], scratch: &Scratch) -> Result<Vec<Extent>, EngineError> {
        let mut run = std::mem::take(&mut self.run);
        let extents = bytes
            .chunks(RUN)
            .map(|chunk| {
                run.clear();
                self.of(level).runs(chunk, &mut run);
                scratch.append(&run)
            })
            .collect();
        self.run = run;
        extents
    }
}

/// The levels whose runs are kept: those of the streams, and zip's. A slice is packed already and is only ever stored.
fn run_levels(content: &Content, wants: &Wants) -> BTreeSet<u8> {
    match content {
        Content::Slice { .. } => BTreeSet::new(),
        _ => wants.levels.iter().copied().chain(wants.zip_level).collect(),
    }
}

/// A content that fits in memory.
fn fill_whole(
    content: &Content,
    wants: &Wants,
    scratch: &Scratch,
    deflaters: &mut Deflaters,
) -> Result<(Slot, Digest), EngineError> {
    let bytes = read_all(content)?;
    let mut slot = Slot::default();
    let mut digest = Digest {
        size: bytes.len() as u64,
        sha256: Sha256::digest(&bytes).into(),
        md5: if wants.md5 { Md5::digest(&bytes).into() } else { [0; 16] },
        crc32: crc32fast::hash(&bytes),
        deflated: 0,
    };
    if digest.size >= SPLICED_FROM {
        for level in run_levels(content, wants) {
            let extents = deflaters.keep(level, &bytes, scratch)?;
            if wants.zip_level == Some(level) {
                digest.deflated = length_of(&extents) + END_OF_STREAM.len() as u64;
            }
            slot.runs.push((level, extents));
        }
    } else {
        if let Some(level) = wants.zip_level {
            let whole = deflaters.of(level).whole(&bytes);
            digest.deflated = whole.len() as u64;
            slot.whole = Some(scratch.append(&whole)?);
        }
        slot.raw = Some(scratch.append(&bytes)?);
    }
    Ok((slot, digest))
}

/// A large content: in batches of runs, hashed beside the compression.
fn fill_piecewise(
    content: &Content,
    wants: &Wants,
    scratch: &Scratch,
    listener: &dyn Listener,
) -> Result<(Slot, Digest), EngineError> {
    let levels: Vec<u8> = run_levels(content, wants).into_iter().collect();
    let batch = RUN * (2 * rayon::current_num_threads()).min(32);
    let mut reader = Opened::new(content)?;
    let (mut sha256, mut md5, mut crc32) = (Sha256::new(), Md5::new(), crc32fast::Hasher::new());
    let mut slot = Slot { runs: levels.iter().map(|level| (*level, Vec::new())).collect(), ..Slot::default() };
    let mut left = size_of(content);
    let mut buffer = vec![0; batch];
    while left > 0 {
        let want = usize::try_from(left).map_or(batch, |left| left.min(batch));
        let bytes = &mut buffer[..want];
        reader.fill(bytes)?;
        let bytes = &*bytes;
        let (compressed, ()) = rayon::join(
            || compress_batch(bytes, &levels),
            || {
                sha256.update(bytes);
                if wants.md5 {
                    md5.update(bytes);
                }
                crc32.update(bytes);
            },
        );
        for ((_, extents), runs) in slot.runs.iter_mut().zip(compressed) {
            for run in runs {
                extents.push(scratch.append(&run)?);
            }
        }
        left -= want as u64;
        listener.hear(Event::Read { bytes: want as u64 });
    }
    reader.finish()?;
    let kept = |level| slot.runs.iter().find(|(l, _)| *l == level).map_or(0, |(_, extents)| length_of(extents));
    let digest = Digest {
        size: size_of(content),
        sha256: sha256.finalize().into(),
        md5: if wants.md5 { md5.finalize().into() } else { [0; 16] },
        crc32: crc32.finalize(),
        deflated: wants.zip_level.map_or(0, |level| kept(level) + END_OF_STREAM.len() as u64),
    };
    Ok((slot, digest))
}

/// The runs of a batch, for each level in order.
fn compress_batch(bytes: &[u8], levels: &[u8]) -> Vec<Vec<Vec<u8>>> {
    levels
        .iter()
        .map(|level| {
            bytes
                .par_chunks(RUN)
                .map_init(
                    || Deflater::new(*level),
                    |deflater, chunk| {
                        let mut run = Vec::new();
                        deflater.runs(chunk, &mut run);
                        run
                    },
                )
                .collect()
        })
        .collect()
}
