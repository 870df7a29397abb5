//! A file of the builder with some of its bytes changed: what the package has is not what lies on the builder's disk.
//!
//! Enters: a file and what is to be changed in it. Leaves: its bytes as the package will have them, in order or from any
//! place. What is changed and why is not decided here (`elf/run_path.rs`).

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;

/// What is changed in a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Patch {
    /// Sorted by offset; none reaches into the next.
    edits: Vec<Edit>,
}

/// One change: some bytes of the file make place for others.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Edit {
    /// First byte of the file that is left out, or where something is put in.
    pub offset: u64,
    /// How many bytes of the file are left out.
    pub replaces: u64,
    /// So many zero bytes are put in first.
    pub zeros: u64,
    /// Then these.
    pub bytes: Arc<[u8]>,
}

impl Edit {
    /// The same number of other bytes.
    pub fn over(offset: u64, bytes: Vec<u8>) -> Self {
        Self { offset, replaces: bytes.len() as u64, zeros: 0, bytes: bytes.into() }
    }

    /// Bytes that are put in.
    fn length(&self) -> u64 {
        self.zeros + self.bytes.len() as u64
    }
}

impl Patch {
    /// Of edits in any order; none if two of them change the same byte.
    pub fn new(mut edits: Vec<Edit>) -> Option<Self> {
        edits.sort_by_key(|edit| edit.offset);
        let apart = |pair: &[Edit]| pair[0].offset + pair[0].replaces <= pair[1].offset;
        edits.windows(2).all(apart).then_some(Self { edits })
    }

    /// Bytes of a file of `size` bytes after the changes.
    pub fn size_of(&self, size: u64) -> u64 {
        self.edits.iter().fold(size, |size, edit| size + edit.length() - edit.replaces)
    }
}

/// A file as the patch makes it.
pub struct Patched<'p, F> {
    file: F,
    patch: &'p Patch,
    /// Bytes of the file itself.
    size: u64,
    at: u64,
}

/// Where a byte of the result comes from, and for how many it holds.
enum Piece<'p> {
    Zeros(u64),
    Bytes(&'p [u8]),
    /// From this offset of the file.
    File(u64, u64),
}

impl<'p, F: Read + Seek> Patched<'p, F> {
    /// `size` is the length of `file`.
    pub fn new(file: F, size: u64, patch: &'p Patch) -> Self {
        Self { file, patch, size, at: 0 }
    }

    /// The file that is read from.
    pub fn file(&self) -> &F {
        &self.file
    }

    /// What is at `self.at`.
    fn piece(&self) -> Piece<'p> {
        // What follows the edits so far: `from` in the file is `at` in the result.
        let (mut from, mut at) = (0, 0);
        for edit in &self.patch.edits {
            let start = at + (edit.offset - from);
            if self.at < start {
                return Piece::File(from + (self.at - at), start - self.at);
            }
            let inside = self.at - start;
            if inside < edit.zeros {
                return Piece::Zeros(edit.zeros - inside);
            }
            if inside < edit.length() {
                let skip = usize::try_from(inside - edit.zeros).unwrap_or(usize::MAX);
                return Piece::Bytes(edit.bytes.get(skip..).unwrap_or_default());
            }
            (from, at) = (edit.offset + edit.replaces, start + edit.length());
        }
        let offset = from + (self.at - at);
        Piece::File(offset, self.size.saturating_sub(offset))
    }
}

impl<F: Read + Seek> Read for Patched<'_, F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = |length: u64| usize::try_from(length).map_or(buffer.len(), |length| length.min(buffer.len()));
        let count = match self.piece() {
            Piece::Zeros(length) => {
                let count = most(length);
                buffer[..count].fill(0);
                count
            }
            Piece::Bytes(bytes) => {
                let count = most(bytes.len() as u64);
                buffer[..count].copy_from_slice(&bytes[..count]);
                count
            }
            Piece::File(offset, length) => {
                let count = most(length);
                self.file.seek(SeekFrom::Start(offset))?;
                self.file.read(&mut buffer[..count])?
            }
        };
        self.at += count as u64;
        Ok(count)
    }
}

impl<F: Read + Seek> Seek for Patched<'_, F> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.patch.size_of(self.size).checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.at)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn bytes_are_put_in_left_out_and_exchanged() {
        let edit = |offset, replaces, zeros, bytes: &[u8]| Edit { offset, replaces, zeros, bytes: bytes.into() };
        let edits = vec![edit(6, 0, 2, b"xyz"), edit(2, 2, 0, b"CD"), edit(8, 1, 0, b""), edit(10, 0, 1, b"!")];
        let patch = Patch::new(edits).unwrap();
        let whole = b"abCDef\0\0xyzghj\0!";
        assert_eq!(patch.size_of(10), whole.len() as u64);
        let mut patched = Patched::new(Cursor::new(b"abcdefghij"), 10, &patch);
        let mut all = Vec::new();
        patched.read_to_end(&mut all).unwrap();
        assert_eq!(all, whole);
        for at in 0..=whole.len() {
            let mut rest = Vec::new();
            patched.seek(SeekFrom::Start(at as u64)).unwrap();
            patched.read_to_end(&mut rest).unwrap();
            assert_eq!(rest, &whole[at..], "from {at}");
        }
        assert_eq!(patched.seek(SeekFrom::End(-1)).unwrap(), whole.len() as u64 - 1);
        assert!(patched.seek(SeekFrom::Current(-99)).is_err());
    }

    #[test]
    fn what_would_change_a_byte_twice_is_no_patch() {
        let edits = |second| vec![Edit::over(4, vec![1, 2]), Edit::over(second, vec![3])];
        assert!(Patch::new(edits(5)).is_none());
        assert!(Patch::new(edits(6)).is_some());
    }
}
