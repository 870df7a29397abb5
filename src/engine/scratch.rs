//! The scratch file: what the store keeps between its two phases, so that memory does not grow with the input.

use std::cell::Cell;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use super::EngineError;

/// Most bytes that are read at a time.
const BUFFER: usize = 256 * 1024;

/// A place in the scratch file, or in a segment of the cache, and the CRC-32 of what lies there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    /// Which segment of [`super::cache::runs::Runs`]; none for the scratch file.
    pub segment: Option<u32>,
    pub offset: u64,
    pub length: u64,
    pub crc32: u32,
}

/// Bytes of all extents.
pub(super) fn length_of(extents: &[Extent]) -> u64 {
    extents.iter().map(|extent| extent.length).sum()
}

/// Lends a buffer for each piece of at most `most` bytes of `length`, and tells where the piece begins. What is in it is what was left
/// there: to make one for each of many thousand short reads takes longer than they do. Who asks for another meanwhile gets another.
pub(super) fn in_pieces(
    length: u64,
    most: usize,
    mut with: impl FnMut(u64, &mut [u8]) -> io::Result<()>,
) -> io::Result<()> {
    thread_local! {
        static LENT: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    }
    let mut buffer = LENT.take();
    let room = usize::try_from(length).map_or(most, |length| length.min(most));
    if buffer.len() < room {
        buffer.resize(room, 0);
    }
    let mut at = 0;
    while at < length {
        let want = usize::try_from(length - at).map_or(room, |left| left.min(room));
        with(at, &mut buffer[..want])?;
        at += want as u64;
    }
    LENT.set(buffer);
    Ok(())
}

/// Hands the bytes of an extent of `file` over in order. Whether they are those that were put there is known at the
/// end: what `take` did with them is void if not.
pub(super) fn read(
    (file, path): (&File, &Path),
    extent: Extent,
    mut take: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let mut crc32 = crc32fast::Hasher::new();
    in_pieces(extent.length, BUFFER, |at, bytes| {
        let read = file.read_exact_at(bytes, extent.offset.saturating_add(at));
        read.map_err(|source| EngineError::Read { path: path.to_path_buf(), source })?;
        crc32.update(bytes);
        take(bytes)
    })?;
    let same = crc32.finalize() == extent.crc32;
    if same { Ok(()) } else { Err(EngineError::Kept { path: path.to_path_buf() }.into()) }
}

/// An unnamed file that is appended to by all threads; the system removes it when the process ends, however it ends.
pub(super) struct Scratch {
    folder: PathBuf,
    file: File,
    end: Mutex<u64>,
}

impl Scratch {
    /// Opens one in `folder`.
    pub(super) fn new(folder: &Path) -> Result<Self, EngineError> {
        let file = tempfile::tempfile_in(folder)
            .map_err(|source| EngineError::Write { path: folder.to_path_buf(), source })?;
        Ok(Self { folder: folder.to_path_buf(), file, end: Mutex::new(0) })
    }

    /// Reserves a place under the lock and writes outside of it.
    pub(super) fn append(&self, bytes: &[u8]) -> Result<Extent, EngineError> {
        let length = bytes.len() as u64;
        let offset = self.reserve(length);
        self.file
            .write_all_at(bytes, offset)
            .map_err(|source| EngineError::Write { path: self.folder.clone(), source })?;
        Ok(Extent { segment: None, offset, length, crc32: crc32fast::hash(bytes) })
    }

    fn reserve(&self, length: u64) -> u64 {
        let mut end = self.end.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let offset = *end;
        *end += length;
        offset
    }

    /// Hands the bytes of an extent over in order.
    pub(super) fn read(&self, extent: Extent, take: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        read((&self.file, &self.folder), extent, take)
    }

    /// Appends the bytes of an extent to `out`; none of them, if they cannot be read.
    pub(super) fn append_to(&self, extent: Extent, out: &mut Vec<u8>) -> io::Result<()> {
        let start = out.len();
        let read = self.read(extent, |bytes| {
            out.extend_from_slice(bytes);
            Ok(())
        });
        if read.is_err() {
            out.truncate(start);
        }
        read
    }
}
