//! A zip archive, read with bounded memory whatever it claims.
//!
//! Enters: a file of anyone's. Leaves: the entries of the central directory, the place of each content, its bytes
//! checked against size and CRC. What entries mean (paths, modes) is not here.

use std::io::{self, BufReader, Read, Seek, SeekFrom};

use super::{CENTRAL, END, END_64, EXTRA_64, EXTRA_TIME, LOCAL, LOCATOR_64};
use crate::codec::calendar;

/// Most entries that are read: their list stands in memory.
pub const MOST_ENTRIES: u64 = 1_000_000;
/// Longest central directory, in bytes.
const LARGEST_DIRECTORY: u64 = 256 << 20;

/// Why an archive cannot be read on.
#[derive(Debug, thiserror::Error)]
pub enum ZipError {
    /// The file could not be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// There is no end record.
    #[error("there is no end-of-directory record: the file is no zip archive or was cut off")]
    NoEnd,
    /// A record is not there or not whole.
    #[error("the {0} is damaged")]
    Damaged(&'static str),
    /// The directory claims more than is read.
    #[error("the directory claims {entries} entries in {bytes} bytes; at most {MOST_ENTRIES} entries are read")]
    TooLarge {
        /// Entries.
        entries: u64,
        /// Bytes of the directory.
        bytes: u64,
    },
    /// Parts on several disks.
    #[error("the archive is split over several files")]
    Split,
}

/// An entry as the central directory has it.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Name as stored; bytes that are no UTF-8 are replaced.
    pub name: String,
    /// Whether bytes were replaced.
    pub name_replaced: bool,
    /// Whether it was made where `\` separates the parts of a path: on DOS, Windows or OS/2.
    pub backslashed: bool,
    /// General purpose flags: bit 0 encrypted, bit 3 sizes follow the content.
    pub flags: u16,
    /// 0 stored, 8 deflated.
    pub method: u16,
    /// Of the content.
    pub crc32: u32,
    /// Bytes in the archive.
    pub packed: u64,
    /// Bytes of the content.
    pub size: u64,
    /// Offset of the local header in the file.
    pub offset: u64,
    /// File type and permission bits, if it was made on a Unix.
    pub mode: Option<u32>,
    /// Seconds since 1970; DOS times are taken as UTC.
    pub mtime: i64,
}

/// What the end of the archive says.
#[derive(Debug, Default)]
pub struct Directory {
    /// In directory order.
    pub entries: Vec<Entry>,
    /// Offset of the central directory in the file.
    pub offset: u64,
    /// Bytes before the archive (a self-extractor).
    pub shift: u64,
    /// Comment of the archive.
    pub comment: String,
}

struct End {
    entries: u64,
    size: u64,
    offset: u64,
    /// Where the end records begin.
    at: u64,
    comment: String,
}

/// Reads the central directory.
pub fn directory<R: Read + Seek + ?Sized>(file: &mut R) -> Result<Directory, ZipError> {
    let end = find_end(file)?;
    if end.entries > MOST_ENTRIES || end.size > LARGEST_DIRECTORY {
        return Err(ZipError::TooLarge { entries: end.entries, bytes: end.size });
    }
    // Offsets count from the archive's own start, which need not be the file's.
    let start = end.at.checked_sub(end.size).ok_or(ZipError::Damaged("end-of-directory record"))?;
    let shift = start.checked_sub(end.offset).ok_or(ZipError::Damaged("end-of-directory record"))?;
    file.seek(SeekFrom::Start(start))?;
    let mut input = BufReader::with_capacity(64 << 10, file.take(end.size));
    let mut entries = Vec::new();
    for _ in 0..end.entries {
        entries.push(central(&mut input, shift).map_err(|e| short(e, "central directory"))?);
    }
    Ok(Directory { entries, offset: start, shift, comment: end.comment })
}

/// An end of file inside a record is damage to the record.
fn short(error: ZipError, what: &'static str) -> ZipError {
    match error {
        ZipError::Io(e) if e.kind() == io::ErrorKind::UnexpectedEof => ZipError::Damaged(what),
        other => other,
    }
}

fn find_end<R: Read + Seek + ?Sized>(file: &mut R) -> Result<End, ZipError> {
    let length = file.seek(SeekFrom::End(0))?;
    let tail_start = length.saturating_sub(22 + 0xffff);
    file.seek(SeekFrom::Start(tail_start))?;
    let mut tail = Vec::new();
    file.take(22 + 0xffff).read_to_end(&mut tail)?;
    let fits = |at: usize| {
        let record = &tail[at..];
        record.len() >= 22 && u32_at(record, 0) == END && 22 + usize::from(u16_at(record, 20)) == record.len()
    };
    let at = (0..tail.len().saturating_sub(21)).rev().find(|at| fits(*at)).ok_or(ZipError::NoEnd)?;
    let record = &tail[at..];
    if u16_at(record, 4) != u16_at(record, 6) || u16_at(record, 4) != 0 && u16_at(record, 4) != 0xffff {
        return Err(ZipError::Split);
    }
    let end = End {
        entries: u64::from(u16_at(record, 10)),
        size: u64::from(u32_at(record, 12)),
        offset: u64::from(u32_at(record, 16)),
        at: tail_start + at as u64,
        comment: String::from_utf8_lossy(&record[22..]).into_owned(),
    };
    match end.at.checked_sub(20) {
        Some(locator) => end_64(file, locator, end),
        None => Ok(end),
    }
}

/// The zip64 end record takes the place of the old one, where there is one.
fn end_64<R: Read + Seek + ?Sized>(file: &mut R, locator: u64, end: End) -> Result<End, ZipError> {
    let mut bytes = [0; 20];
    file.seek(SeekFrom::Start(locator))?;
    file.read_exact(&mut bytes)?;
    if u32_at(&bytes, 0) != LOCATOR_64 {
        return Ok(end);
    }
    // The record is 56 bytes unless it has an extensible part; its stated place may be shifted by a self-extractor.
    let mut record = [0; 56];
    for at in [Some(u64_at(&bytes, 8)), locator.checked_sub(56)].into_iter().flatten() {
        if at > locator.saturating_sub(56) {
            continue;
        }
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(&mut record)?;
        if u32_at(&record, 0) == END_64 {
            return Ok(End {
                entries: u64_at(&record, 32),
                size: u64_at(&record, 40),
                offset: u64_at(&record, 48),
                at,
                comment: end.comment,
            });
        }
    }
    Err(ZipError::Damaged("zip64 end-of-directory record"))
}

fn central(input: &mut impl Read, shift: u64) -> Result<Entry, ZipError> {
    let mut head = [0; 46];
    input.read_exact(&mut head)?;
    if u32_at(&head, 0) != CENTRAL {
        return Err(ZipError::Damaged("central directory"));
    }
    let name = take(input, u16_at(&head, 28))?;
    let extra = take(input, u16_at(&head, 30))?;
    take(input, u16_at(&head, 32))?;
    let mut entry = Entry {
        name_replaced: std::str::from_utf8(&name).is_err(),
        name: String::from_utf8_lossy(&name).into_owned(),
        // APPNOTE 4.4.2.2: FAT, HPFS, NTFS, VFAT.
        backslashed: matches!(head[5], 0 | 6 | 10 | 14),
        flags: u16_at(&head, 8),
        method: u16_at(&head, 10),
        crc32: u32_at(&head, 16),
        packed: u64::from(u32_at(&head, 20)),
        size: u64::from(u32_at(&head, 24)),
        offset: u64::from(u32_at(&head, 42)),
        // 3 is Unix, 19 is macOS.
        mode: matches!(head[5], 3 | 19).then(|| u32_at(&head, 38) >> 16).filter(|mode| *mode != 0),
        mtime: dos_seconds(u16_at(&head, 12), u16_at(&head, 14)),
    };
    for (id, value) in Extras(&extra) {
        match id {
            EXTRA_64 => wide(&mut entry, value)?,
            EXTRA_TIME if value.len() >= 5 && value[0] & 1 != 0 => {
                entry.mtime = i64::from(i32::from_le_bytes([value[1], value[2], value[3], value[4]]));
            }
            _ => {}
        }
    }
    entry.offset = entry.offset.checked_add(shift).ok_or(ZipError::Damaged("central directory"))?;
    Ok(entry)
}

/// Takes the values from zip64's field that did not fit: size, packed size, offset, in this order.
fn wide(entry: &mut Entry, value: &[u8]) -> Result<(), ZipError> {
    let mut values = value.chunks_exact(8).map(|c| u64_at(c, 0));
    for field in [&mut entry.size, &mut entry.packed, &mut entry.offset] {
        if *field == u64::from(u32::MAX) {
            *field = values.next().ok_or(ZipError::Damaged("zip64 field"))?;
        }
    }
    Ok(())
}

/// Ids and values of an extra field; stops at the first that is not whole.
struct Extras<'a>(&'a [u8]);

impl<'a> Iterator for Extras<'a> {
    type Item = (u16, &'a [u8]);
    fn next(&mut self) -> Option<Self::Item> {
        let head = self.0.get(..4)?;
        let end = 4 + usize::from(u16_at(head, 2));
        let value = self.0.get(4..end)?;
        self.0 = &self.0[end..];
        Some((u16_at(head, 0), value))
    }
}

/// Reads the local header; answers where the content begins and what differs from the central directory.
pub fn local<R: Read + Seek + ?Sized>(file: &mut R, entry: &Entry) -> Result<(u64, Option<String>), ZipError> {
    file.seek(SeekFrom::Start(entry.offset))?;
    let mut head = [0; 30];
    file.read_exact(&mut head).map_err(|e| short(e.into(), "local header"))?;
    if u32_at(&head, 0) != LOCAL {
        return Err(ZipError::Damaged("local header"));
    }
    let name = take(file, u16_at(&head, 26)).map_err(|e| short(e, "local header"))?;
    let extra = take(file, u16_at(&head, 28)).map_err(|e| short(e, "local header"))?;
    let start = entry.offset + 30 + name.len() as u64 + extra.len() as u64;
    let mut own =
        Entry { packed: u64::from(u32_at(&head, 18)), size: u64::from(u32_at(&head, 22)), offset: 0, ..entry.clone() };
    if let Some((_, value)) = Extras(&extra).find(|(id, _)| *id == EXTRA_64) {
        wide(&mut own, value)?;
    }
    let follows = u16_at(&head, 6) & 1 << 3 != 0;
    let sizes = (own.packed, own.size, u32_at(&head, 14));
    let difference = if String::from_utf8_lossy(&name) != entry.name {
        Some(format!("the local header says `{}`", String::from_utf8_lossy(&name)))
    } else if u16_at(&head, 8) != entry.method || (u16_at(&head, 6) ^ entry.flags) & 1 != 0 {
        Some("the local header says another method".to_owned())
    } else if !follows && sizes != (entry.packed, entry.size, entry.crc32) {
        Some("the local header says another size or CRC".to_owned())
    } else {
        None
    };
    Ok((start, difference))
}

impl Entry {
    /// Why its content is not read, if it is not.
    pub fn unsupported(&self) -> Option<String> {
        match self.method {
            _ if self.flags & 1 != 0 => Some("it is encrypted".to_owned()),
            0 | 8 => None,
            other => Some(format!("it is packed by method {other}")),
        }
    }
}

/// Reads the content that begins at `start`, hands it on in parts, and answers what is wrong with it, if anything is. Never
/// hands on more than the stated size. The entry must not be [`Entry::unsupported`].
pub fn content<R: Read + Seek + ?Sized>(
    file: &mut R,
    entry: &Entry,
    start: u64,
    sink: &mut dyn FnMut(&[u8]),
) -> Result<Option<String>, ZipError> {
    file.seek(SeekFrom::Start(start))?;
    let packed = BufReader::with_capacity(64 << 10, file.take(entry.packed));
    if entry.method == 0 {
        return drain(packed, entry, sink);
    }
    let mut inflate = flate2::bufread::DeflateDecoder::new(packed);
    let problem = drain(&mut inflate, entry, sink)?;
    let unread = inflate.total_in() != entry.packed;
    Ok(problem.or_else(|| unread.then(|| "bytes follow its deflate stream".to_owned())))
}

fn drain(mut input: impl Read, entry: &Entry, sink: &mut dyn FnMut(&[u8])) -> Result<Option<String>, ZipError> {
    let mut crc = crc32fast::Hasher::new();
    let mut left = entry.size;
    let mut buffer = vec![0; 64 << 10];
    loop {
        let n = match input.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) if matches!(e.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData) => {
                return Ok(Some("its deflate stream is damaged".to_owned()));
            }
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(Some("it is cut off".to_owned())),
            Err(e) => return Err(e.into()),
        };
        let Some(rest) = left.checked_sub(n as u64) else {
            return Ok(Some(format!("it holds more than the {} bytes that its header says", entry.size)));
        };
        left = rest;
        crc.update(&buffer[..n]);
        sink(&buffer[..n]);
    }
    Ok(if left != 0 {
        Some(format!("it holds {} of {} bytes", entry.size - left, entry.size))
    } else if crc.finalize() != entry.crc32 {
        Some("its CRC is wrong".to_owned())
    } else {
        None
    })
}

fn dos_seconds(time: u16, date: u16) -> i64 {
    let part = |value: u16, shift: u32, mask: u16| u8::try_from(value >> shift & mask).unwrap_or_default();
    calendar::seconds(calendar::Date {
        year: 1980 + i64::from(date >> 9),
        month: part(date, 5, 15).clamp(1, 12),
        day: part(date, 0, 31).max(1),
        hour: part(time, 11, 31),
        minute: part(time, 5, 63),
        second: part(time, 0, 31) * 2,
    })
}

fn take(input: &mut (impl Read + ?Sized), len: u16) -> Result<Vec<u8>, ZipError> {
    let mut bytes = vec![0; usize::from(len)];
    input.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Callers have checked that the bytes are there.
fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}
fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}
fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}
