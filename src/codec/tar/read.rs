//! Members of a tar stream of any dialect (v7, ustar, GNU, pax), one by one, with bounded memory.

use std::collections::BTreeMap;
use std::io::{self, Read};

use tar::{EntryType, Header};

use super::BLOCK;
use crate::codec::ar::fill;

/// Longest path or link target in bytes; what Linux takes, with room for the archive's prefix.
pub const LONGEST_NAME: u64 = 8 << 10;
/// Largest block of pax records in bytes.
pub const LARGEST_PAX: u64 = 1 << 20;

/// What is wrong with a tar stream.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// A block that is no header.
    #[error("the tar header at byte {offset} is damaged: {what}")]
    BadHeader {
        /// Where in the stream.
        offset: u64,
        /// What is wrong.
        what: &'static str,
    },
    /// A name or a block of pax records over the limit.
    #[error("the tar member at byte {offset} has {size} bytes of {what}, over the limit of {limit}")]
    TooLong {
        /// Where in the stream.
        offset: u64,
        /// `name` or `pax records`.
        what: &'static str,
        /// Bytes.
        size: u64,
        /// Bytes that are read.
        limit: u64,
    },
    /// The stream ends within a member or without end mark.
    #[error("the tar stream ends early, at byte {offset}")]
    Truncated {
        /// Where.
        offset: u64,
    },
    /// Reading or decompressing failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// What a member says of itself. Names are bytes: an archive may hold any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadMember {
    /// Path as written, long forms resolved.
    pub path: Vec<u8>,
    /// What it is.
    pub kind: Kind,
    /// Target of a link; empty for anything else.
    pub link: Vec<u8>,
    /// Permission bits, `0o7777` at most.
    pub mode: u32,
    /// Numeric user id.
    pub uid: u64,
    /// Numeric group id.
    pub gid: u64,
    /// User name; may be empty.
    pub user: Vec<u8>,
    /// Group name; may be empty.
    pub group: Vec<u8>,
    /// Seconds since 1970, rounded down.
    pub mtime: i64,
    /// Bytes of content that follow.
    pub size: u64,
    /// Extended attributes (`SCHILY.xattr.` records), by name.
    pub xattrs: BTreeMap<String, Vec<u8>>,
    /// Stored with holes: the content that follows is not the file's.
    pub sparse: bool,
    /// Described by pax headers, which dpkg refuses.
    pub pax: bool,
}

/// What a member is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    #[default]
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// One more name of another member.
    Hardlink,
    /// Character device, block device, fifo or something unknown, by the letter of `ls` (`?` for unknown).
    Special(char),
}

/// Reads members one by one; [`Read`] gives the content of the current one.
#[derive(Debug)]
pub struct Reader<R> {
    input: R,
    offset: u64,
    left: u64,
    pad: u64,
    global: Records,
    started: bool,
    unpadded: bool,
}

/// pax records by key.
type Records = BTreeMap<Vec<u8>, Vec<u8>>;
/// Keys that a global header may set. Others have no use, and an endless row of them would fill the memory.
const GLOBAL: &[&[u8]] = &[b"mtime", b"uid", b"gid", b"uname", b"gname"];

/// What extra members say of the member that follows them.
#[derive(Default)]
struct Extra {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    pax: Option<Records>,
}

impl<R: Read> Reader<R> {
    /// Reads nothing yet.
    pub fn new(input: R) -> Self {
        Self { input, offset: 0, left: 0, pad: 0, global: BTreeMap::new(), started: false, unpadded: false }
    }

    /// Goes to the next member, over what is left of this one.
    pub fn next_member(&mut self) -> Result<Option<ReadMember>, ReadError> {
        let mut extra = Extra::default();
        loop {
            self.skip()?;
            let start = self.offset;
            let Some(header) = self.header()? else {
                return Ok(None);
            };
            let size = header.entry_size().map_err(|_| bad(start, "its size is no number"))?;
            match header.entry_type() {
                EntryType::GNULongName => extra.path = Some(self.name(start, size)?),
                EntryType::GNULongLink => extra.link = Some(self.name(start, size)?),
                EntryType::XHeader => extra.pax = Some(self.records(start, size)?),
                EntryType::XGlobalHeader => {
                    let mut records = self.records(start, size)?;
                    records.retain(|key, _| GLOBAL.contains(&key.as_slice()));
                    self.global.extend(records);
                }
                _ => return self.member(&header, size, extra, start).map(Some),
            }
        }
    }

    /// The rest of the stream after the end mark, which must hold nothing but zeros in a whole archive: reads it, so
    /// that the decompressor checks its own trailer. Gives the bytes that are not zero.
    pub fn finish(&mut self) -> Result<u64, ReadError> {
        let mut buffer = vec![0; 64 << 10];
        let mut odd = 0;
        loop {
            let got = self.input.read(&mut buffer)?;
            if got == 0 {
                return Ok(odd);
            }
            odd += buffer[..got].iter().filter(|b| **b != 0).count() as u64;
        }
    }

    /// Whether the stream ended within the padding of the last content: GNU tar and dpkg call that truncated.
    pub fn is_unpadded(&self) -> bool {
        self.unpadded
    }

    fn skip(&mut self) -> Result<(), ReadError> {
        let all = self.left.saturating_add(self.pad);
        let done = io::copy(&mut self.input.by_ref().take(all), &mut io::sink())?;
        self.offset = self.offset.saturating_add(done);
        if done < self.left {
            return Err(ReadError::Truncated { offset: self.offset });
        }
        // Some image builders never close their archive: the last content is whole, and the stream ends there.
        self.unpadded |= done < all;
        (self.left, self.pad) = (0, 0);
        Ok(())
    }

    /// One header block; none at the end mark. A stream that just stops between members ends there too, as tar and dpkg
    /// have it.
    fn header(&mut self) -> Result<Option<Header>, ReadError> {
        let mut header = Header::new_old();
        let got = fill(&mut self.input, header.as_mut_bytes())?;
        if got == 0 && self.started {
            return Ok(None);
        }
        if (got as u64) < BLOCK {
            return Err(ReadError::Truncated { offset: self.offset + got as u64 });
        }
        self.started = true;
        if header.as_bytes().iter().all(|b| *b == 0) {
            return Ok(None);
        }
        let sum: u32 = header.as_bytes()[..148].iter().chain(&header.as_bytes()[156..]).map(|b| u32::from(*b)).sum();
        if header.cksum().ok() != Some(sum + 8 * u32::from(b' ')) {
            return Err(bad(self.offset, "its checksum is wrong"));
        }
        self.offset += BLOCK;
        Ok(Some(header))
    }

    /// Content of an extra member, which is read whole.
    fn whole(&mut self, start: u64, size: u64, limit: u64, what: &'static str) -> Result<Vec<u8>, ReadError> {
        if size > limit {
            return Err(ReadError::TooLong { offset: start, what, size, limit });
        }
        self.begin(size);
        let mut out = Vec::new();
        self.read_to_end(&mut out)?;
        Ok(out)
    }

    fn name(&mut self, start: u64, size: u64) -> Result<Vec<u8>, ReadError> {
        let mut name = self.whole(start, size, LONGEST_NAME, "name")?;
        if let Some(end) = name.iter().position(|b| *b == 0) {
            name.truncate(end);
        }
        Ok(name)
    }

    fn records(&mut self, start: u64, size: u64) -> Result<Records, ReadError> {
        let bytes = self.whole(start, size, LARGEST_PAX, "pax records")?;
        pax_records(&bytes).ok_or_else(|| bad(start, "its pax records are malformed"))
    }

    fn begin(&mut self, size: u64) {
        self.left = size;
        let over = size % BLOCK;
        self.pad = if over == 0 { 0 } else { BLOCK - over };
    }

    fn member(&mut self, header: &Header, size: u64, extra: Extra, start: u64) -> Result<ReadMember, ReadError> {
        let number = |n: io::Result<u64>, what| n.map_err(|_| bad(start, what));
        let trimmed = |bytes: Option<&[u8]>| bytes.unwrap_or_default().to_vec();
        let mut member = ReadMember {
            path: extra.path.unwrap_or_else(|| header.path_bytes().into_owned()),
            kind: kind(header.entry_type()),
            link: extra.link.unwrap_or_else(|| header.link_name_bytes().unwrap_or_default().into_owned()),
            mode: header.mode().map_err(|_| bad(start, "its mode is no number"))? & 0o7777,
            uid: number(header.uid(), "its uid is no number")?,
            gid: number(header.gid(), "its gid is no number")?,
            user: trimmed(header.username_bytes()),
            group: trimmed(header.groupname_bytes()),
            mtime: number(header.mtime(), "its time is no number")?.cast_signed(),
            size,
            pax: extra.pax.is_some(),
            ..ReadMember::default()
        };
        if member.kind == Kind::File && header.as_old().linkflag[0] == 0 && member.path.ends_with(b"/") {
            // v7 has no type for directories.
            member.kind = Kind::Directory;
        }
        if header.entry_type() == EntryType::GNUSparse {
            member.sparse = true;
            self.sparse_blocks(header)?;
        }
        let records = self.global.clone().into_iter().chain(extra.pax.unwrap_or_default());
        for (key, value) in records {
            apply(&mut member, &key, value, start)?;
        }
        if member.kind == Kind::Hardlink || member.kind == Kind::Symlink {
            // pax allows content with a hard link; nobody writes it, and tar reads none.
            member.size = 0;
        } else {
            member.link.clear();
        }
        for name in [&member.path, &member.link, &member.user, &member.group] {
            if name.len() as u64 > LONGEST_NAME {
                let size = name.len() as u64;
                return Err(ReadError::TooLong { offset: start, what: "name", size, limit: LONGEST_NAME });
            }
        }
        self.begin(if member.kind == Kind::File { member.size } else { 0 });
        if member.kind != Kind::File {
            member.size = 0;
        }
        Ok(member)
    }

    /// Old GNU sparse files have blocks of hole tables between header and content.
    fn sparse_blocks(&mut self, header: &Header) -> Result<(), ReadError> {
        let mut more = header.as_bytes()[482] != 0;
        while more {
            let mut block = [0; 512];
            if fill(&mut self.input, &mut block)? < block.len() {
                return Err(ReadError::Truncated { offset: self.offset });
            }
            self.offset += BLOCK;
            more = block[504] != 0;
        }
        Ok(())
    }
}

impl<R: Read> Read for Reader<R> {
    /// Content of the current member; a stream that ends too early is an error, not an end.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        if most == 0 {
            return Ok(0);
        }
        let got = self.input.read(&mut buffer[..most])?;
        if got == 0 {
            let error = ReadError::Truncated { offset: self.offset };
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, error));
        }
        self.left -= got as u64;
        self.offset = self.offset.saturating_add(got as u64);
        Ok(got)
    }
}

fn bad(offset: u64, what: &'static str) -> ReadError {
    ReadError::BadHeader { offset, what }
}

fn kind(entry_type: EntryType) -> Kind {
    match entry_type {
        EntryType::Directory => Kind::Directory,
        EntryType::Symlink => Kind::Symlink,
        EntryType::Link => Kind::Hardlink,
        EntryType::Char => Kind::Special('c'),
        EntryType::Block => Kind::Special('b'),
        EntryType::Fifo => Kind::Special('p'),
        // Regular, contiguous and sparse files; POSIX: a type that one does not know is a regular file.
        _ => Kind::File,
    }
}

/// Records of the form `LENGTH KEY=VALUE\n`; a value may hold any byte, so only the length ends it. (The tar crate cuts
/// at newlines, which breaks binary attributes.)
fn pax_records(mut bytes: &[u8]) -> Option<Records> {
    let mut records = BTreeMap::new();
    // Some writers fill up with NUL.
    while !bytes.is_empty() && bytes[0] != 0 {
        let blank = bytes.iter().position(|b| *b == b' ')?;
        let length: usize = std::str::from_utf8(&bytes[..blank]).ok()?.parse().ok()?;
        let record = bytes.get(blank + 1..length)?.strip_suffix(b"\n")?;
        let equals = record.iter().position(|b| *b == b'=')?;
        records.insert(record[..equals].to_vec(), record[equals + 1..].to_vec());
        bytes = &bytes[length..];
    }
    Some(records)
}

/// One pax record; those that fitout has no use for are passed over.
fn apply(member: &mut ReadMember, key: &[u8], value: Vec<u8>, start: u64) -> Result<(), ReadError> {
    let text =
        |value: &[u8]| std::str::from_utf8(value).map(str::to_owned).map_err(|_| bad(start, "a pax record is no text"));
    let number = |value: &[u8]| text(value)?.parse::<u64>().map_err(|_| bad(start, "a pax record is no number"));
    match key {
        b"path" | b"GNU.sparse.name" => member.path = value,
        b"linkpath" => member.link = value,
        b"size" => member.size = number(&value)?,
        b"uid" => member.uid = number(&value)?,
        b"gid" => member.gid = number(&value)?,
        b"uname" => member.user = value,
        b"gname" => member.group = value,
        b"mtime" => {
            let text = text(&value)?;
            let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
            let seconds: i64 = whole.parse().map_err(|_| bad(start, "a pax time is no number"))?;
            let below = whole.starts_with('-') && fraction.bytes().any(|b| b != b'0');
            member.mtime = seconds.saturating_sub(i64::from(below));
        }
        _ if key.starts_with(b"GNU.sparse.") => member.sparse = true,
        _ => {
            if let Some(name) = key.strip_prefix(b"SCHILY.xattr.") {
                member.xattrs.insert(String::from_utf8_lossy(name).into_owned(), value);
            }
        }
    }
    Ok(())
}
