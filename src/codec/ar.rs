//! The `ar` container as dpkg-deb writes and reads it (deb(5)).
//!
//! Enters: names and sizes of members, or the bytes of an archive. Leaves: 60-byte headers, or members one by one. Not
//! here: GNU's and BSD's ways of writing long names; a .deb has none.

use std::io::{self, Read};

/// The first bytes of every archive.
pub const MAGIC: &[u8; 8] = b"!<arch>\n";
/// Largest member in bytes: the size field has ten decimal digits.
pub const LARGEST: u64 = 9_999_999_999;
/// Bytes before the size field of a member header.
pub const BEFORE_SIZE: usize = 48;
/// Bytes of the size field.
pub const SIZE_WIDTH: usize = 10;
/// The two bytes that end a member header.
pub const AFTER_SIZE: &[u8; 2] = b"`\n";
/// Bytes of a member header.
pub const HEADER: usize = 60;
const NAME: usize = 16;

/// What `ar` cannot carry, or what is wrong with an archive.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A member over [`LARGEST`].
    #[error("a member of {size} bytes is over the {LARGEST} that an ar header can say")]
    TooLarge {
        /// Bytes.
        size: u64,
    },
    /// A member name that is empty, over 16 bytes, or not printable ASCII without blanks and slashes.
    #[error("`{name}` cannot be the name of an ar member")]
    BadName {
        /// The name.
        name: String,
    },
    /// A time before 1970 or over twelve digits.
    #[error("the time {mtime} does not fit into an ar header")]
    BadTime {
        /// Seconds since 1970.
        mtime: i64,
    },
    /// The archive does not begin with [`MAGIC`].
    #[error("no ar archive: it does not begin with `!<arch>`")]
    NoMagic,
    /// A header that is not one.
    #[error("the ar member header at byte {offset} is damaged: {what}")]
    BadHeader {
        /// Where in the archive.
        offset: u64,
        /// What is wrong.
        what: &'static str,
    },
    /// The archive ends within a member.
    #[error("the archive ends within the member `{name}`")]
    Truncated {
        /// Of which member.
        name: String,
    },
    /// Reading failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// The part of a member header before the size: name, time, owner 0, mode 100644. [`size_field`] and [`AFTER_SIZE`]
/// follow.
pub fn before_size(name: &str, mtime: i64) -> Result<[u8; BEFORE_SIZE], Error> {
    let legal = |b: u8| b.is_ascii_graphic() && b != b'/';
    if name.is_empty() || name.len() > NAME || !name.bytes().all(legal) {
        return Err(Error::BadName { name: name.to_owned() });
    }
    if !(0..=999_999_999_999).contains(&mtime) {
        return Err(Error::BadTime { mtime });
    }
    let text = format!("{name:<16}{mtime:<12}{:<6}{:<6}{:<8}", 0, 0, 100_644);
    text.into_bytes().try_into().map_err(|_| Error::BadName { name: name.to_owned() })
}

/// The size field of a member header.
pub fn size_field(size: u64) -> Result<[u8; SIZE_WIDTH], Error> {
    if size > LARGEST {
        return Err(Error::TooLarge { size });
    }
    format!("{size:<10}").into_bytes().try_into().map_err(|_| Error::TooLarge { size })
}

/// A whole member header.
pub fn header(name: &str, mtime: i64, size: u64) -> Result<Vec<u8>, Error> {
    let mut out = before_size(name, mtime)?.to_vec();
    out.extend_from_slice(&size_field(size)?);
    out.extend_from_slice(AFTER_SIZE);
    Ok(out)
}

/// What follows a member: members begin at even offsets.
pub fn padding(size: u64) -> &'static [u8] {
    if size % 2 == 1 { b"\n" } else { b"" }
}

/// What a member header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Name, without the slash that some writers append.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// Seconds since 1970.
    pub mtime: u64,
}

/// Reads an archive member by member; memory does not depend on the input.
#[derive(Debug)]
pub struct Reader<R> {
    input: R,
    offset: u64,
    /// Bytes of the current member that nobody has read yet, and then its padding.
    left: u64,
    pad: u64,
    name: String,
}

impl<R: Read> Reader<R> {
    /// Reads the magic.
    pub fn new(mut input: R) -> Result<Self, Error> {
        let mut magic = [0; MAGIC.len()];
        let got = fill(&mut input, &mut magic)?;
        if got < magic.len() || &magic != MAGIC {
            return Err(Error::NoMagic);
        }
        Ok(Self { input, offset: MAGIC.len() as u64, left: 0, pad: 0, name: String::new() })
    }

    /// Goes to the next member, over what is left of this one; its content is then what [`Read`] gives.
    pub fn next_member(&mut self) -> Result<Option<Member>, Error> {
        let skip = self.left;
        if io::copy(&mut self.input.by_ref().take(skip), &mut io::sink())? < skip {
            return Err(Error::Truncated { name: self.name.clone() });
        }
        self.left = 0;
        // The last member's padding may be missing: dpkg does not ask for it.
        let padded = io::copy(&mut self.input.by_ref().take(self.pad), &mut io::sink())?;
        self.offset = self.offset.saturating_add(skip).saturating_add(padded);
        self.pad = 0;
        let mut header = [0; HEADER];
        match fill(&mut self.input, &mut header)? {
            0 => return Ok(None),
            HEADER => {}
            _ => return Err(self.bad("it is cut off")),
        }
        let member = self.parse(&header)?;
        self.offset += HEADER as u64;
        self.left = member.size;
        self.pad = member.size % 2;
        self.name.clone_from(&member.name);
        Ok(Some(member))
    }

    fn parse(&self, header: &[u8; HEADER]) -> Result<Member, Error> {
        if &header[58..] != AFTER_SIZE {
            return Err(self.bad("its end mark is missing"));
        }
        let name = std::str::from_utf8(&header[..NAME]).map_err(|_| self.bad("its name is not UTF-8"))?;
        let name = name.trim_end_matches(' ');
        let name = name.strip_suffix('/').unwrap_or(name).to_owned();
        let number = |range: std::ops::Range<usize>, what| -> Result<u64, Error> {
            let text = std::str::from_utf8(&header[range]).map_err(|_| self.bad(what))?.trim_end_matches(' ');
            if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
                return Err(self.bad(what));
            }
            text.parse().map_err(|_| self.bad(what))
        };
        Ok(Member {
            name,
            mtime: number(16..28, "its time is no number")?,
            size: number(48..58, "its size is no number")?,
        })
    }

    fn bad(&self, what: &'static str) -> Error {
        Error::BadHeader { offset: self.offset, what }
    }
}

impl<R: Read> Read for Reader<R> {
    /// Reads the content of the current member; an archive that ends too early is an error, not an end.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        if most == 0 {
            return Ok(0);
        }
        let got = self.input.read(&mut buffer[..most])?;
        if got == 0 {
            let error = Error::Truncated { name: self.name.clone() };
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, error));
        }
        self.left -= got as u64;
        self.offset += got as u64;
        Ok(got)
    }
}

/// Reads until the buffer is full or the input ends; gives the bytes read.
pub(super) fn fill(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut done = 0;
    while done < buffer.len() {
        match input.read(&mut buffer[done..]) {
            Ok(0) => break,
            Ok(n) => done += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        for (name, content) in members {
            out.extend(header(name, 7, content.len() as u64).unwrap());
            out.extend_from_slice(content);
            out.extend_from_slice(padding(content.len() as u64));
        }
        out
    }

    #[test]
    fn what_is_written_is_read_back_by_us_and_by_the_ar_crate() {
        let bytes = archive(&[("debian-binary", b"2.0\n"), ("odd", b"abc"), ("last", b"")]);
        let mut reader = Reader::new(&bytes[..]).unwrap();
        let mut oracle = ar::Archive::new(&bytes[..]);
        for (name, content) in [("debian-binary", &b"2.0\n"[..]), ("odd", b"abc"), ("last", b"")] {
            let member = reader.next_member().unwrap().unwrap();
            assert_eq!((member.name.as_str(), member.size, member.mtime), (name, content.len() as u64, 7));
            let mut got = Vec::new();
            reader.read_to_end(&mut got).unwrap();
            assert_eq!(got, content);
            let mut entry = oracle.next_entry().unwrap().unwrap();
            assert_eq!(entry.header().identifier(), name.as_bytes());
            assert_eq!(entry.header().mode(), 0o100_644);
            let mut got = Vec::new();
            entry.read_to_end(&mut got).unwrap();
            assert_eq!(got, content);
        }
        assert!(reader.next_member().unwrap().is_none());
    }

    #[test]
    fn members_can_be_skipped() {
        let bytes = archive(&[("a", b"12345"), ("b", b"x")]);
        let mut reader = Reader::new(&bytes[..]).unwrap();
        reader.next_member().unwrap();
        assert_eq!(reader.next_member().unwrap().unwrap().name, "b");
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert!(size_field(LARGEST).is_ok());
        assert!(matches!(size_field(LARGEST + 1), Err(Error::TooLarge { .. })));
        for name in ["", "seventeen-letters", "a b", "a/b", "ä"] {
            assert!(matches!(before_size(name, 0), Err(Error::BadName { .. })), "{name}");
        }
        assert!(matches!(before_size("a", -1), Err(Error::BadTime { .. })));
    }

    #[test]
    fn damage_is_an_error() {
        assert!(matches!(Reader::new(&b"!<arch>"[..]), Err(Error::NoMagic)));
        let good = archive(&[("a", b"12345")]);
        let cut = &good[..good.len() - 3];
        let mut reader = Reader::new(cut).unwrap();
        reader.next_member().unwrap();
        assert!(reader.read_to_end(&mut Vec::new()).is_err());
        let mut reader = Reader::new(cut).unwrap();
        reader.next_member().unwrap();
        assert!(matches!(reader.next_member(), Err(Error::Truncated { .. })));
        let mut reader = Reader::new(&good[..30]).unwrap();
        assert!(matches!(reader.next_member(), Err(Error::BadHeader { .. })));
        let mut bad = good.clone();
        bad[8 + 48] = b'-';
        assert!(matches!(Reader::new(&bad[..]).unwrap().next_member(), Err(Error::BadHeader { .. })));
    }
}
