//! Where the files of an image archive lie: names to byte ranges, found without reading any content.
//!
//! Enters: an uncompressed tar. Leaves: [`Blobs`]. Used for bases and for reading images back.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

use crate::codec::hex::hex;
use crate::codec::tar::{Kind, ReadError, Reader};
use crate::diagnostic::{Diagnostic, codes};
use crate::formats::tree;

/// Most files of an archive: a layer takes one, and no engine takes over a thousand.
const MOST_FILES: usize = 100_000;
/// Largest manifest, index or config that is read. Registries stop at 4 MiB.
pub(super) const LARGEST_JSON: u64 = 8 << 20;

/// A range of the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Range {
    pub offset: u64,
    pub length: u64,
}

/// Files of an archive by path, without `./`.
#[derive(Debug, Default)]
pub(super) struct Blobs {
    files: BTreeMap<String, Range>,
    links: BTreeMap<String, String>,
    /// Paths that are there twice.
    pub twice: Vec<String>,
}

impl Blobs {
    /// Reads the headers.
    pub fn scan<R: Read + Seek + ?Sized>(archive: &mut R) -> Result<Self, Diagnostic> {
        let io_damage = |e: io::Error| tree::io_damage(&e);
        let end = archive.seek(SeekFrom::End(0)).map_err(io_damage)?;
        let mut blobs = Self::default();
        let mut at = 0;
        while at < end {
            archive.seek(SeekFrom::Start(at)).map_err(io_damage)?;
            let passed = Cell::new(0);
            let mut reader =
                Reader::new(Counted { input: BufReader::with_capacity(4096, &mut *archive), passed: &passed });
            let Some(member) = reader.next_member().map_err(|e| tree::tar_damage(&shift(e, at)))? else { break };
            let range = Range { offset: at + passed.get(), length: member.size };
            let next = member.size.checked_next_multiple_of(512).and_then(|size| range.offset.checked_add(size));
            at = next.filter(|next| *next <= end).ok_or_else(|| {
                tree::damaged(format!("the tar member at byte {at} goes on beyond the end of the archive"))
            })?;
            let name = clean(&String::from_utf8_lossy(&member.path));
            if blobs.files.len() + blobs.links.len() >= MOST_FILES {
                let message = format!("the archive has more than {MOST_FILES} files");
                return Err(Diagnostic::error(codes::ARTIFACT_LIMIT, message).help("it is no image"));
            }
            match member.kind {
                Kind::File if blobs.files.contains_key(&name) => blobs.twice.push(name),
                Kind::File => drop(blobs.files.insert(name, range)),
                Kind::Symlink => {
                    let target = String::from_utf8_lossy(&member.link).into_owned();
                    blobs.links.insert(name, target);
                }
                _ => {}
            }
        }
        Ok(blobs)
    }

    /// The range of a file; follows one symlink, as old Docker archives have between equal layers.
    pub fn find(&self, path: &str) -> Option<Range> {
        let path = clean(path);
        if let Some(range) = self.files.get(&path) {
            return Some(*range);
        }
        let target = self.links.get(&path)?;
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        self.files.get(&clean(&format!("{folder}/{target}"))).copied()
    }

    /// Where a blob of this digest lies.
    pub fn blob(&self, sha256: &[u8; 32]) -> Option<Range> {
        self.find(&format!("blobs/sha256/{}", hex(sha256)))
    }
}

/// A small file, whole.
pub(super) fn small<R: Read + Seek + ?Sized>(archive: &mut R, range: Range, what: &str) -> Result<Vec<u8>, Diagnostic> {
    if range.length > LARGEST_JSON {
        let message = format!("{what} has {} bytes, over the limit of {LARGEST_JSON}", range.length);
        return Err(Diagnostic::error(codes::ARTIFACT_LIMIT, message));
    }
    let mut bytes = Vec::new();
    archive.seek(SeekFrom::Start(range.offset)).map_err(|e| tree::io_damage(&e))?;
    archive.take(range.length).read_to_end(&mut bytes).map_err(|e| tree::io_damage(&e))?;
    if bytes.len() as u64 != range.length {
        return Err(tree::damaged(format!("{what} is cut off")));
    }
    Ok(bytes)
}

/// `./a//b/../c` -> `a/c`
fn clean(path: &str) -> String {
    tree::absolute(path).0.unwrap_or_default().trim_start_matches('/').to_owned()
}

/// Offsets of an error count from the member; they shall count from the archive.
fn shift(error: ReadError, at: u64) -> ReadError {
    match error {
        ReadError::BadHeader { offset, what } => ReadError::BadHeader { offset: offset.saturating_add(at), what },
        ReadError::TooLong { offset, what, size, limit } => {
            ReadError::TooLong { offset: offset.saturating_add(at), what, size, limit }
        }
        ReadError::Truncated { offset } => ReadError::Truncated { offset: offset.saturating_add(at) },
        ReadError::Io(e) => ReadError::Io(e),
    }
}

struct Counted<'c, R> {
    input: R,
    passed: &'c Cell<u64>,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let got = self.input.read(buffer)?;
        self.passed.set(self.passed.get() + got as u64);
        Ok(got)
    }
}
