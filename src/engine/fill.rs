//! One content -> its place in the store: read, hashed, compressed, or found in the cache.
//!
//! Enters: a [`Content`], and what an earlier run left. Leaves: a [`Slot`] and a [`Digest`]. Not here: which content is
//! taken when, and by how many threads; that is [`super::store`]'s matter.

use std::borrow::Cow;
use std::collections::BTreeSet;

use md5::{Digest as _, Md5};
use rayon::prelude::*;
use sha2::Sha256;

use super::EngineError;
use super::cache::Cache;
use super::cache::known::Look;
use super::cache::runs::{Form, key};
use super::opened::{Opened, read_all, size_of};
use super::scratch::{Extent, Scratch, length_of};
use super::store::{Slot, Wants};
use crate::assemble::plan::Content;
use crate::codec;
use crate::codec::deflate::{Deflater, END_OF_STREAM, RUN, Unfaithful};
use crate::formats::{Digest, SPLICED_FROM};
use crate::listener::{Event, Listener};

/// One compressor for each level and room for what it makes, per thread.
pub(super) struct Deflaters {
    verify: bool,
    list: Vec<(u8, Deflater)>,
    run: Vec<u8>,
}

impl Deflaters {
    /// None yet; with `verify` each decompresses what it made.
    pub fn new(verify: bool) -> Self {
        Self { verify, list: Vec::new(), run: Vec::new() }
    }

    fn of(&mut self, level: u8) -> &mut Deflater {
        let place = self.list.iter().position(|(l, _)| *l == level).unwrap_or_else(|| {
            self.list.push((level, Deflater::new(level, self.verify)));
            self.list.len() - 1
        });
        &mut self.list[place].1
    }

    /// Puts the runs of a content into the scratch file, one after the other.
    fn runs(&mut self, level: u8, bytes: &[u8], scratch: &Scratch) -> Result<Vec<Extent>, EngineError> {
        let mut run = std::mem::take(&mut self.run);
        let extents = bytes
            .chunks(RUN)
            .map(|chunk| {
                run.clear();
                self.of(level).runs(chunk, &mut run)?;
                scratch.append(&run)
            })
            .collect();
        self.run = run;
        extents
    }
}

/// What all content of a run is filled with.
#[derive(Clone, Copy)]
pub(super) struct Filler<'a> {
    pub wants: &'a Wants,
    pub scratch: &'a Scratch,
    pub cache: Option<&'a Cache>,
    pub listener: &'a dyn Listener,
}

/// A content, kept and hashed.
pub(super) type Filled = (Slot, Digest);

/// A content that is being taken.
enum Begun<'c> {
    Kept(Filled),
    /// `digest` is what an earlier run knew, if the bytes agree.
    Read {
        look: Option<Look>,
        digest: Option<Digest>,
        bytes: Cow<'c, [u8]>,
        crc32: u32,
    },
}

impl Filler<'_> {
    /// Contents that fit in memory together: their MD5s are computed side by side.
    pub(super) fn together(self, batch: &[&Content], deflaters: &mut Deflaters) -> Result<Vec<Filled>, EngineError> {
        let read = batch.iter().copied().map(|content| self.begin(content)).collect::<Result<Vec<_>, _>>()?;
        let unknown: Vec<&[u8]> = read
            .iter()
            .filter_map(|begun| match begun {
                Begun::Read { bytes, digest: None, .. } if self.wants.md5 => Some(&**bytes),
                _ => None,
            })
            .collect();
        let mut md5s = codec::md5::of_each(&unknown).into_iter();
        read.into_iter()
            .zip(batch)
            .map(|(begun, content)| match begun {
                Begun::Kept(filled) => Ok(filled),
                Begun::Read { look, digest, bytes, crc32 } => {
                    let digest = digest.unwrap_or_else(|| Digest {
                        size: bytes.len() as u64,
                        sha256: Sha256::digest(&bytes).into(),
                        md5: if self.wants.md5 { md5s.next().unwrap_or_default() } else { [0; 16] },
                        crc32,
                        deflated: 0,
                    });
                    self.note(look.as_ref(), &digest);
                    self.whole(content, digest, &bytes, deflaters)
                }
            })
            .collect()
    }

    /// Reads a content, if it is not kept whole.
    fn begin(self, content: &Content) -> Result<Begun<'_>, EngineError> {
        let look = self.look(content);
        let known = look.as_ref().and_then(|look| look.digest.clone());
        if let Some(found) = known.as_ref().and_then(|digest| self.kept(content, digest)) {
            return Ok(Begun::Kept(found));
        }
        let bytes = read_all(content)?;
        let crc32 = crc32fast::hash(&bytes);
        let digest = known.filter(|known| known.crc32 == crc32 && known.size == bytes.len() as u64);
        Ok(Begun::Read { look, digest, bytes, crc32 })
    }

    /// Compresses a content that lies in memory.
    fn whole(
        self,
        content: &Content,
        mut digest: Digest,
        bytes: &[u8],
        deflaters: &mut Deflaters,
    ) -> Result<Filled, EngineError> {
        let mut slot = Slot::default();
        if digest.size < SPLICED_FROM {
            if let Some(level) = self.wants.zip_level {
                slot.whole = self.form(Form::Whole, level, &digest, || {
                    Ok(vec![self.scratch.append(&deflaters.of(level).whole(bytes)?)?])
                })?;
                digest.deflated = length_of(&slot.whole);
            }
            slot.raw = Some(self.scratch.append(bytes)?);
            return Ok((slot, digest));
        }
        for level in self.levels(content) {
            let runs = self.form(Form::Runs, level, &digest, || deflaters.runs(level, bytes, self.scratch))?;
            slot.runs.push((level, runs));
        }
        digest.deflated = self.deflated(&slot);
        Ok((slot, digest))
    }

    /// A large content: in batches of runs, hashed beside the compression.
    pub(super) fn piecewise(self, content: &Content) -> Result<Filled, EngineError> {
        let look = self.look(content);
        let mut known = look.as_ref().and_then(|look| look.digest.clone());
        if known.is_none() && self.cache.is_some_and(|cache| cache.runs.has_size(size_of(content))) {
            // A checkout is new, its content may not be: hashing costs a tenth of compressing.
            known = Some(self.pass(content, None, |_| Ok(()))?);
        }
        if let Some(digest) = known {
            self.note(look.as_ref(), &digest);
            if let Some(found) = self.kept(content, &digest) {
                self.listener.hear(Event::Read { bytes: digest.size });
                return Ok(found);
            }
        }
        let levels: Vec<u8> = self.levels(content).into_iter().collect();
        let mut slot = Slot { runs: levels.iter().map(|level| (*level, Vec::new())).collect(), ..Slot::default() };
        let mut digest = self.pass(content, Some(&levels), |compressed| {
            for ((_, extents), runs) in slot.runs.iter_mut().zip(compressed) {
                for run in runs {
                    extents.push(self.scratch.append(&run)?);
                }
            }
            Ok(())
        })?;
        self.note(look.as_ref(), &digest);
        for (level, extents) in &slot.runs {
            self.put(Form::Runs, *level, &digest, extents);
        }
        digest.deflated = self.deflated(&slot);
        Ok((slot, digest))
    }

    /// Reads a content from start to end; with levels, `take` gets what each batch became, for each level in order.
    fn pass(
        self,
        content: &Content,
        levels: Option<&[u8]>,
        mut take: impl FnMut(Vec<Vec<Vec<u8>>>) -> Result<(), EngineError>,
    ) -> Result<Digest, EngineError> {
        let batch = RUN * (2 * rayon::current_num_threads()).min(32);
        let mut reader = Opened::new(content)?;
        let (mut sha256, mut md5, mut crc32) = (Sha256::new(), Md5::new(), crc32fast::Hasher::new());
        let mut left = size_of(content);
        let mut buffer = vec![0; batch];
        while left > 0 {
            let want = usize::try_from(left).map_or(batch, |left| left.min(batch));
            let bytes = &mut buffer[..want];
            reader.fill(bytes)?;
            let bytes = &*bytes;
            let (compressed, ()) = rayon::join(
                || levels.map(|levels| compress_batch(bytes, levels, self.wants.verify)).transpose(),
                || {
                    sha256.update(bytes);
                    if self.wants.md5 {
                        md5.update(bytes);
                    }
                    crc32.update(bytes);
                },
            );
            if let Some(compressed) = compressed? {
                take(compressed)?;
                self.listener.hear(Event::Read { bytes: want as u64 });
            }
            left -= want as u64;
        }
        reader.finish()?;
        Ok(Digest {
            size: size_of(content),
            sha256: sha256.finalize().into(),
            md5: if self.wants.md5 { md5.finalize().into() } else { [0; 16] },
            crc32: crc32.finalize(),
            deflated: 0,
        })
    }

    /// The levels whose runs are kept: those of the streams, and zip's. A slice is packed already and is only ever stored.
    fn levels(self, content: &Content) -> BTreeSet<u8> {
        match content {
            Content::Slice { .. } => BTreeSet::new(),
            _ => self.wants.levels.keys().copied().chain(self.wants.zip_level).collect(),
        }
    }

    /// Bytes of the stream that zip makes of the runs.
    fn deflated(self, slot: &Slot) -> u64 {
        let runs = self.wants.zip_level.and_then(|level| slot.runs.iter().find(|(l, _)| *l == level));
        runs.map_or(0, |(_, extents)| length_of(extents) + END_OF_STREAM.len() as u64)
    }

    fn look(self, content: &Content) -> Option<Look> {
        self.cache?.known.as_ref()?.look(content, self.wants.md5)
    }

    fn note(self, look: Option<&Look>, digest: &Digest) {
        if let (Some(look), Some(known)) = (look, self.cache.and_then(|cache| cache.known.as_ref())) {
            known.note(look, digest, self.wants.md5);
        }
    }

    /// A content whose digests are known and whose runs are all kept: it is not read, but by who wants its bytes.
    fn kept(self, content: &Content, digest: &Digest) -> Option<Filled> {
        let cache = self.cache?;
        if digest.size < SPLICED_FROM {
            let find = |level| cache.runs.find(&key(Form::Whole, level, &digest.sha256));
            let whole = self.wants.zip_level.map_or_else(|| Some(Vec::new()), find)?;
            let digest = Digest { deflated: length_of(&whole), ..digest.clone() };
            return Some((Slot { whole, ..Slot::default() }, digest));
        }
        let find = |level| Some((level, cache.runs.find(&key(Form::Runs, level, &digest.sha256))?));
        let runs = self.levels(content).into_iter().map(find).collect::<Option<_>>()?;
        let slot = Slot { runs, ..Slot::default() };
        let deflated = self.deflated(&slot);
        Some((slot, Digest { deflated, ..digest.clone() }))
    }

    /// What a content became, from the cache or made by `make`.
    fn form(
        self,
        form: Form,
        level: u8,
        digest: &Digest,
        make: impl FnOnce() -> Result<Vec<Extent>, EngineError>,
    ) -> Result<Vec<Extent>, EngineError> {
        if let Some(found) = self.cache.and_then(|cache| cache.runs.find(&key(form, level, &digest.sha256))) {
            return Ok(found);
        }
        let extents = make()?;
        self.put(form, level, digest, &extents);
        Ok(extents)
    }

    fn put(self, form: Form, level: u8, digest: &Digest, extents: &[Extent]) {
        if let Some(cache) = self.cache {
            cache.runs.put(key(form, level, &digest.sha256), form, digest.size, extents);
        }
    }
}

/// The runs of a batch, for each level in order.
fn compress_batch(bytes: &[u8], levels: &[u8], verify: bool) -> Result<Vec<Vec<Vec<u8>>>, Unfaithful> {
    levels
        .iter()
        .map(|level| {
            bytes
                .par_chunks(RUN)
                .map_init(
                    || Deflater::new(*level, verify),
                    |deflater, chunk| {
                        let mut run = Vec::new();
                        deflater.runs(chunk, &mut run)?;
                        Ok(run)
                    },
                )
                .collect()
        })
        .collect()
}
