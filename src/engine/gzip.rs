//! A gzip member made of runs.
//!
//! Enters: literals and content in the order of the stream. Leaves: one member (RFC 1952), whatever it holds: literals and
//! small content are compressed together in runs that end where [`Cuts`] says, before what is spliced and at a length of [`RUN`]; large
//! content is spliced from the store, what stands between two such is a brief run, and the CRC is combined. A run that another stream or
//! an earlier build has made is not made again.

use std::io::{self, Write};

use sha2::{Digest as _, Sha256};

use super::EngineError;
use super::groups::{Cuts, Part, gather};
use super::store::Store;
use crate::assemble::plan::SourceId;
use crate::codec::deflate::{Before, Deflater, END_OF_STREAM, MOST_BRIEF, RUN, Text, Weaver};

/// See the module. The member has no name and no time, so that equal content gives equal bytes.
pub(super) struct Gzip<'s, W> {
    out: W,
    store: &'s Store<'s>,
    level: u8,
    deflater: Deflater,
    /// Where the level is one of those that it knows.
    weaver: Option<Weaver>,
    waiting: Waiting,
    /// What the header between two spliced contents may refer to.
    before: Before,
    /// Bytes of what waits, as one or as the contents alone, and what they become.
    buffer: Vec<u8>,
    text: Text,
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
    cuts: Cuts,
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
            weaver: Weaver::knows(level).then(|| Weaver::new(level, store.verify)),
            waiting: Waiting::default(),
            before: Before::default(),
            buffer: Vec::new(),
            text: Text::default(),
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
        match Part::of(id, self.level, self.store) {
            Part::Empty => Ok(()),
            Part::Spliced => self.spliced(id),
            // Such as the layer of a base image.
            Part::Large => self.store.raw(id, |bytes| self.literal(bytes)),
            Part::Small { size, crc32 } => {
                if self.waiting.size + size > RUN {
                    self.flush()?;
                }
                self.waiting.contents.push((self.waiting.literals.len(), id));
                self.waiting.size += size;
                if self.waiting.cuts.add(size, crc32) { self.flush() } else { Ok(()) }
            }
        }
    }

    fn spliced(&mut self, id: SourceId) -> io::Result<()> {
        self.flush()?;
        let (size, crc32) = self.store.size_and_crc(id);
        self.crc.combine(&crc32fast::Hasher::new_with_initial_len(crc32, size));
        self.size += size;
        self.before.followed(size);
        self.store.runs(id, self.level, |bytes| self.out.write_all(bytes))
    }

    /// What follows is less like what waits than its neighbours are.
    pub fn break_here(&mut self) -> io::Result<()> {
        if self.waiting.cuts.end_at_break(self.waiting.literals.len()) { self.flush() } else { Ok(()) }
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
        if self.store.find_run(self.level, &key, waiting.size, &mut self.run) {
            return Ok(());
        }
        if let Some(weaver) = self.weaver.as_mut().filter(|_| !waiting.contents.is_empty()) {
            let contents: Vec<SourceId> = waiting.contents.iter().map(|(_, id)| *id).collect();
            gather(&contents, self.store, &mut self.text)?;
            let sequences = self.store.sequences(self.level, contents, || weaver.parse(&self.text))?;
            let literals: Vec<&[u8]> = waiting.parts().map(|(literal, _)| literal).collect();
            weaver.run(&literals, &self.text, &sequences, &mut self.run).map_err(EngineError::from)?;
        } else {
            waiting.gather(self.store, &mut self.buffer)?;
            self.deflater.runs(&self.buffer, &mut self.run).map_err(EngineError::from)?;
        }
        self.store.keep_run(self.level, &key, waiting.size, &self.run)
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
        self.cuts = Cuts::default();
        self
    }
}
