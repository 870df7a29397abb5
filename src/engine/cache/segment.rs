//! One file of the run cache: compressed bytes one after the other, an index behind them, a footer.
//!
//! Enters: entries by key. Leaves: a file that has its name when it is whole, and the bytes of an entry, checked. Many small
//! entries share a file because a file for each would cost more than compressing them.
//!
//! ```text
//! bytes of all entries | records of RECORD bytes, sorted by key | offset of the index, records, SHA-256 of it, MAGIC
//! ```

use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use sha2::{Digest as _, Sha256};

use super::super::output::Output;
use super::super::scratch::{self, Extent};
use crate::codec::hex::hex;

/// What an entry is found by: a digest of the content and of how it was compressed.
pub(in super::super) type Key = [u8; 32];

/// Ends a segment's name.
pub(super) const EXTENSION: &str = "runs";
const MAGIC: &[u8; 8] = b"fitrun 1";
const RECORD: usize = 32 + DIGEST + 8 + 8 + 4 + 8;
const DIGEST: usize = 16;
const FOOTER: usize = 8 + 8 + 32 + MAGIC.len();
/// Bytes that are written at a time.
const BUFFER: usize = 1 << 20;

/// One record of the index.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub key: Key,
    /// The first bytes of the SHA-256 of what lies there.
    digest: [u8; DIGEST],
    offset: u64,
    pub length: u64,
    crc32: u32,
    /// Bytes of the content.
    pub raw: u64,
}

impl Entry {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend(self.key);
        out.extend(self.digest);
        out.extend(self.offset.to_le_bytes());
        out.extend(self.length.to_le_bytes());
        out.extend(self.crc32.to_le_bytes());
        out.extend(self.raw.to_le_bytes());
    }

    fn decode(record: &[u8]) -> Option<Self> {
        let (key, rest) = record.split_first_chunk()?;
        let (digest, rest) = rest.split_first_chunk()?;
        let (offset, rest) = rest.split_first_chunk()?;
        let (length, rest) = rest.split_first_chunk()?;
        let (crc32, rest) = rest.split_first_chunk()?;
        let (raw, _) = rest.split_first_chunk()?;
        let (offset, length, raw) =
            (u64::from_le_bytes(*offset), u64::from_le_bytes(*length), u64::from_le_bytes(*raw));
        Some(Self { key: *key, digest: *digest, offset, length, crc32: u32::from_le_bytes(*crc32), raw })
    }

    /// Where it lies, in the segment of this number.
    pub fn extent(&self, segment: Option<u32>) -> Extent {
        Extent { segment, offset: self.offset, length: self.length, crc32: self.crc32 }
    }
}

/// A segment that is read. The open file stays whole though another process removes its name.
#[derive(Debug)]
pub(super) struct Segment {
    pub path: PathBuf,
    pub file: File,
    index: Vec<u8>,
    /// Bytes of the file.
    pub size: u64,
    /// Whether this run had something of it.
    pub used: AtomicBool,
    /// Whether an entry was not what was put there.
    pub damaged: AtomicBool,
}

impl Segment {
    /// Opens a segment and reads its index.
    ///
    /// # Errors
    /// When it cannot be read; [`io::ErrorKind::InvalidData`] when it is not what was written.
    pub fn open(path: PathBuf) -> io::Result<Self> {
        let file = File::open(&path)?;
        let size = file.metadata()?.len();
        let damaged = || io::Error::new(io::ErrorKind::InvalidData, "the index is damaged");
        let mut footer = [0; FOOTER];
        let end = size.checked_sub(FOOTER as u64).ok_or_else(damaged)?;
        file.read_exact_at(&mut footer, end)?;
        let number = |at: usize| footer[at..at + 8].try_into().map_or(0, u64::from_le_bytes);
        let (offset, count) = (number(0), number(8));
        let length = count.checked_mul(RECORD as u64).ok_or_else(damaged)?;
        if footer[FOOTER - MAGIC.len()..] != *MAGIC || offset.checked_add(length) != Some(end) {
            return Err(damaged());
        }
        let mut index = vec![0; usize::try_from(length).map_err(|_| damaged())?];
        file.read_exact_at(&mut index, offset)?;
        if footer[16..48] != Sha256::digest(&index)[..] {
            return Err(damaged());
        }
        Ok(Self { path, file, index, size, used: AtomicBool::new(false), damaged: AtomicBool::new(false) })
    }

    /// Bytes of the index, which lies in memory.
    pub fn index_size(&self) -> usize {
        self.index.len()
    }

    /// All entries, by key.
    pub fn entries(&self) -> impl Iterator<Item = Entry> {
        self.index.chunks_exact(RECORD).filter_map(Entry::decode)
    }

    /// The entry of a key.
    pub fn find(&self, key: &Key) -> Option<Entry> {
        let (mut low, mut high) = (0, self.index.len() / RECORD);
        while low < high {
            let middle = usize::midpoint(low, high);
            let record = &self.index[middle * RECORD..][..RECORD];
            match record[..key.len()].cmp(&key[..]) {
                std::cmp::Ordering::Equal => return Entry::decode(record),
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }

    /// Hands the bytes of an entry over that was looked at before.
    ///
    /// # Errors
    /// When they cannot be read, or changed since.
    pub fn give(&self, entry: &Entry, take: &mut dyn FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        scratch::read((&self.file, &self.path), entry.extent(None), take)
    }

    /// Hands the bytes of an entry over, and tells whether they were what was put there, by their CRC-32.
    pub fn read(&self, entry: &Entry, mut take: impl FnMut(&[u8])) -> bool {
        let read = scratch::read((&self.file, &self.path), entry.extent(None), |bytes| {
            take(bytes);
            Ok(())
        });
        self.judged(read.is_ok())
    }

    /// The same by their SHA-256, which takes longer than all else that is done with them.
    pub fn check(&self, entry: &Entry) -> bool {
        let mut sha256 = Sha256::new();
        let read = self.read(entry, |bytes| sha256.update(bytes));
        self.judged(read && sha256.finalize()[..DIGEST] == entry.digest)
    }

    /// Notes what an entry was like.
    pub fn judged(&self, good: bool) -> bool {
        self.used.fetch_or(good, Ordering::Relaxed);
        self.damaged.fetch_or(!good, Ordering::Relaxed);
        good
    }
}

/// A segment that is written; nothing has its name until it is whole.
pub(super) struct Writer {
    folder: PathBuf,
    output: Output,
    buffer: Vec<u8>,
    end: u64,
    entries: Vec<Entry>,
}

impl Writer {
    /// Begins one in `folder`.
    pub fn new(folder: &Path) -> io::Result<Self> {
        let output = Output::create(folder)?;
        Ok(Self { folder: folder.to_owned(), output, buffer: Vec::new(), end: 0, entries: Vec::new() })
    }

    /// Bytes of what was added.
    pub fn size(&self) -> u64 {
        self.end
    }

    /// Adds what `give` hands over.
    pub fn add(
        &mut self,
        key: Key,
        raw: u64,
        give: impl FnOnce(&mut dyn FnMut(&[u8]) -> io::Result<()>) -> io::Result<()>,
    ) -> io::Result<()> {
        let offset = self.end;
        let (mut sha256, mut crc32) = (Sha256::new(), crc32fast::Hasher::new());
        give(&mut |bytes| {
            sha256.update(bytes);
            crc32.update(bytes);
            self.write(bytes)
        })?;
        let mut digest = [0; DIGEST];
        digest.copy_from_slice(&sha256.finalize()[..DIGEST]);
        self.entries.push(Entry { key, digest, offset, length: self.end - offset, crc32: crc32.finalize(), raw });
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.buffer.extend_from_slice(bytes);
        self.end += bytes.len() as u64;
        if self.buffer.len() >= BUFFER { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.file().write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }

    /// Ends it and gives it its name, which its index decides: two builds of the same write the same.
    pub fn finish(mut self) -> io::Result<PathBuf> {
        let name = self.end()?;
        self.output.stage(&self.folder.join(name))?.finish()
    }

    /// Ends it, and gives its name and its bytes away; here it is no more.
    pub fn into_bytes(mut self) -> io::Result<(String, Vec<u8>)> {
        let name = self.end()?;
        let mut bytes = vec![0; usize::try_from(self.end).map_err(io::Error::other)?];
        self.output.file().read_exact_at(&mut bytes, 0)?;
        Ok((name, bytes))
    }

    fn end(&mut self) -> io::Result<String> {
        self.entries.sort_by_key(|entry| entry.key);
        let mut index = Vec::with_capacity(self.entries.len() * RECORD);
        for entry in &self.entries {
            entry.encode(&mut index);
        }
        let (offset, count, digest) = (self.end, self.entries.len() as u64, Sha256::digest(&index));
        self.write(&index)?;
        self.write(&[&offset.to_le_bytes()[..], &count.to_le_bytes()[..], &digest[..], MAGIC].concat())?;
        self.flush()?;
        Ok(format!("{}.{EXTENSION}", hex(&digest[..16])))
    }
}
