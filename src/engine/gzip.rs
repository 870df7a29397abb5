//! A gzip member made of runs.
//!
//! Enters: literals and content in the order of the stream. Leaves: one member (RFC 1952), whatever it holds: literals and
//! small content are compressed together in runs that end where folders or the content say so, large content is spliced from the store, what
//! stands between two such is a brief run, and the CRC is combined. A run that another stream or an earlier build has made is not made again.

use std::io::{self, Write};

use sha2::{Digest as _, Sha256};

use super::EngineError;
use super::store::Store;
use crate::assemble::plan::SourceId;
use crate::codec::deflate::{Before, Deflater, END_OF_STREAM, MOST_BRIEF, RUN};

/// Runs of literals and small content end at the next break (another folder) once they have this size, in bytes. Shorter runs cost size,
/// longer ones are dirtied by more changes; what was measured stands in benches/README.md.
const BREAK_FROM: usize = 48 * 1024;
/// In a folder of many files they are not cut below this size,
const CUT_FROM: usize = 96 * 1024;
/// and then behind one content of so many: where the content itself says so.
const CUT_EVERY: u32 = 4;

/// See the module. The member has no name and no time, so that equal content gives equal bytes.
pub(super) struct Gzip<'s, W> {
    out: W,
    store: &'s Store<'s>,
    level: u8,
    deflater: Deflater,
    waiting: Waiting,
    /// What the header between two spliced contents may refer to.
    before: Before,
    /// Bytes of what waits, and what they become.
    buffer: Vec<u8>,
    run: Vec<u8>,
    crc: crc32fast::Hasher,
    size: u64,
}

/// Literals and small content that wait for their run.
#[derive(Default)]
struct Waiting {
    /// All literals, one after the other.
    literals: Vec<u8>,
    /// Content, and how many bytes of literals stand before it.
    contents: Vec<(usize, SourceId)>,
    /// Bytes of both.
    size: usize,
}

impl<'s, W: Write> Gzip<'s, W> {
    /// Begins one in `out`.
    pub fn new(mut out: W, store: &'s Store<'s>, level: u8) -> io::Result<Self> {
        // Method deflate, no flags, no time, no extra flags, system Unix.
        out.write_all(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3])?;
        Ok(Self {
            out,
            store,
            level,
            deflater: Deflater::new(level, store.verify),
            waiting: Waiting::default(),
            before: Before::default(),
            buffer: Vec::new(),
            run: Vec::new(),
            crc: crc32fast::Hasher::new(),
            size: 0,
        })
    }

    /// Bytes that a format made.
    pub fn literal(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(RUN - self.waiting.size));
            self.waiting.literals.extend_from_slice(now);
            self.waiting.size += now.len();
            if self.waiting.size == RUN {
                self.flush()?;
            }
            bytes = later;
        }
        Ok(())
    }

    /// Content, spliced or in a run with its neighbours.
    pub fn content(&mut self, id: SourceId) -> io::Result<()> {
        let (size, crc32) = self.store.size_and_crc(id);
        if self.store.is_spliced(id, self.level) {
            self.flush()?;
            self.crc.combine(&crc32fast::Hasher::new_with_initial_len(crc32, size));
            self.size += size;
            self.before.followed(size);
            return self.store.runs(id, self.level, |bytes| self.out.write_all(bytes));
        }
        let Some(size) = usize::try_from(size).ok().filter(|size| *size <= RUN) else {
            return self.as_literals(id);
        };
        if self.waiting.size + size > RUN {
            self.flush()?;
        }
        self.waiting.contents.push((self.waiting.literals.len(), id));
        self.waiting.size += size;
        // Ends the run where the content itself says so: what follows a changed file soon is the same run as before.
        let cut = self.waiting.size >= CUT_FROM && crc32.is_multiple_of(CUT_EVERY);
        if cut { self.flush() } else { Ok(()) }
    }

    /// What follows is less like what waits than its neighbours are.
    pub fn break_here(&mut self) -> io::Result<()> {
        if self.waiting.size >= BREAK_FROM { self.flush() } else { Ok(()) }
    }

    /// Large content that is kept for no stream of this level, such as the layer of a base image.
    fn as_literals(&mut self, id: SourceId) -> io::Result<()> {
        self.store.raw(id, |bytes| self.literal(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        let waiting = std::mem::take(&mut self.waiting);
        if waiting.size > 0 {
            waiting.sum(self.store, &mut self.crc);
            self.size += waiting.size as u64;
            self.run.clear();
            if waiting.contents.is_empty() && waiting.size <= MOST_BRIEF && self.before.is_apart() {
                self.deflater.brief(&waiting.literals, &self.before, &mut self.run).map_err(EngineError::from)?;
            } else {
                self.together(&waiting)?;
            }
            self.before.stood(waiting.tail());
            self.out.write_all(&self.run)?;
        }
        // Its room serves again.
        self.waiting = waiting.emptied();
        Ok(())
    }

    /// Makes the run of what waits, or finds it.
    fn together(&mut self, waiting: &Waiting) -> io::Result<()> {
        let key = waiting.key(self.store);
        if !self.store.find_run(self.level, &key, waiting.size, &mut self.run) {
            waiting.gather(self.store, &mut self.buffer)?;
            self.deflater.runs(&self.buffer, &mut self.run).map_err(EngineError::from)?;
            self.store.keep_run(self.level, &key, waiting.size, &self.run)?;
        }
        Ok(())
    }

    /// Ends the member.
    pub fn finish(mut self) -> io::Result<()> {
        self.flush()?;
        self.out.write_all(&END_OF_STREAM)?;
        let (crc, size) = (self.crc.finalize(), self.size);
        self.out.write_all(&crc.to_le_bytes())?;
        // ISIZE is the length modulo 2^32 by its definition.
        self.out.write_all(&size.to_le_bytes()[..4])
    }
}

impl Waiting {
    /// Literals before, between and behind content, in order; with each but the last the content that follows.
    fn parts(&self) -> impl Iterator<Item = (&[u8], Option<SourceId>)> {
        let starts = std::iter::once(0).chain(self.contents.iter().map(|(at, _)| *at));
        let ends = self.contents.iter().map(|(at, id)| (*at, Some(*id))).chain([(self.literals.len(), None)]);
        starts.zip(ends).map(|(start, (end, id))| (&self.literals[start..end], id))
    }

    /// The literals behind the last content.
    fn tail(&self) -> &[u8] {
        &self.literals[self.contents.last().map_or(0, |(at, _)| *at)..]
    }

    /// What the bytes are, said without reading them: content by its digest. Lengths stand behind what they measure, so no
    /// two lists of parts read alike.
    fn key(&self, store: &Store<'_>) -> [u8; 32] {
        let mut sha256 = Sha256::new();
        for (literal, id) in self.parts() {
            sha256.update(literal);
            sha256.update((literal.len() as u64).to_le_bytes());
            if let Some(id) = id {
                sha256.update(store.sha256(id));
            }
        }
        sha256.finalize().into()
    }

    fn sum(&self, store: &Store<'_>, crc: &mut crc32fast::Hasher) {
        for (literal, id) in self.parts() {
            crc.update(literal);
            if let Some(id) = id {
                let (size, crc32) = store.size_and_crc(id);
                crc.combine(&crc32fast::Hasher::new_with_initial_len(crc32, size));
            }
        }
    }

    fn gather(&self, store: &Store<'_>, bytes: &mut Vec<u8>) -> io::Result<()> {
        bytes.clear();
        for (literal, id) in self.parts() {
            bytes.extend_from_slice(literal);
            if let Some(id) = id {
                store.raw(id, |more| {
                    bytes.extend_from_slice(more);
                    Ok(())
                })?;
            }
        }
        Ok(())
    }

    fn emptied(mut self) -> Self {
        self.literals.clear();
        self.contents.clear();
        self.size = 0;
        self
    }
}
