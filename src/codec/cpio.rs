//! The cpio archives of rpm payloads: `newc` (`070701`), and rpm's own stripped form (`07070X`) whose headers hold no
//! more than the index of the file in the package header.
//!
//! Enters: the facts of a member, or the bytes of an archive. Leaves: header bytes with their padding, or members one by
//! one. Not here: file content when writing, and what a stripped index stands for.
//!
//! Sources: cpio(5), "New ASCII Format"; rpm's manual, "Payload".

use std::io::{self, Read};

/// Name of the last member.
const TRAILER: &[u8] = b"TRAILER!!!";
const NEWC_MAGIC: &[u8; 6] = b"070701";
/// The same with a checksum, which rpm never writes and some old packages have.
const CRC_MAGIC: &[u8; 6] = b"070702";
const STRIPPED_MAGIC: &[u8; 6] = b"07070X";
/// Longest name that is read: `PATH_MAX` of Linux.
const LONGEST_NAME: u32 = 4096;
/// Members are aligned to this many bytes.
const ALIGNMENT: u64 = 4;

/// The facts of one member in newc form. Devices are not carried: no package of ours has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member<'a> {
    /// Path in the archive; `./usr/bin/x` in rpm payloads.
    pub name: &'a [u8],
    /// Inode: members with the same one are hard links of each other.
    pub inode: u32,
    /// File type and permission bits.
    pub mode: u32,
    /// Names of the inode.
    pub links: u32,
    /// Seconds since 1970.
    pub mtime: u32,
    /// Bytes of content that follow.
    pub size: u32,
}

impl Member<'_> {
    /// The header, the name and the padding up to the content.
    pub fn header(&self) -> Vec<u8> {
        // `c_namesize` counts the NUL. Device numbers, owner and checksum are 0, as rpmbuild writes them.
        let name_size = self.name.len() + 1;
        let mut out = format!(
            "070701{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{name_size:08x}{:08x}",
            self.inode, self.mode, 0, 0, self.links, self.mtime, self.size, 0, 0, 0, 0, 0
        )
        .into_bytes();
        out.extend_from_slice(self.name);
        out.push(0);
        out.extend_from_slice(padding(out.len() as u64));
        out
    }
}

/// The header of a stripped member and the padding up to the content.
pub fn stripped_header(index: u32) -> Vec<u8> {
    let mut out = format!("07070X{index:08x}").into_bytes();
    out.extend_from_slice(padding(out.len() as u64));
    out
}

/// The last member; both forms end with a newc one.
pub fn trailer() -> Vec<u8> {
    Member { name: TRAILER, inode: 0, mode: 0, links: 1, mtime: 0, size: 0 }.header()
}

/// Zeros that bring `length` to a multiple of four.
pub fn padding(length: u64) -> &'static [u8] {
    const ZEROS: [u8; 3] = [0; 3];
    match length % ALIGNMENT {
        1 => &ZEROS,
        2 => &ZEROS[..2],
        3 => &ZEROS[..1],
        _ => &[],
    }
}

/// A member as read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// newc, also with checksum.
    Newc {
        /// Path in the archive.
        name: Vec<u8>,
        /// Bytes of content.
        size: u64,
    },
    /// Stripped: the caller looks the size up and says it by [`Reader::set_size`].
    Stripped(u32),
}

/// Reads an archive member by member; the content of the current one is read through [`Read`].
pub struct Reader<R> {
    input: R,
    /// Content of the current member that has not been read.
    left: u64,
    /// Zeros between that content and the next header.
    pad: u64,
    ended: bool,
}

impl<R: Read> Reader<R> {
    /// Over an archive that is not compressed.
    pub fn new(input: R) -> Self {
        Self { input, left: 0, pad: 0, ended: false }
    }

    /// The next member, or nothing after the trailer. What is left of the current one is skipped.
    ///
    /// # Errors
    /// `InvalidData` if this is no cpio header, `UnexpectedEof` if the archive is cut off.
    pub fn next_record(&mut self) -> io::Result<Option<Record>> {
        if self.ended {
            return Ok(None);
        }
        let rest = self.left + self.pad;
        if io::copy(&mut self.input.by_ref().take(rest), &mut io::sink())? != rest {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        (self.left, self.pad) = (0, 0);
        let mut magic = [0; 6];
        self.input.read_exact(&mut magic)?;
        match &magic {
            NEWC_MAGIC | CRC_MAGIC => self.newc(),
            STRIPPED_MAGIC => {
                let [index] = self.numbers::<1>()?;
                self.skip_padding(14)?;
                Ok(Some(Record::Stripped(index)))
            }
            _ => Err(invalid("a member does not begin with `070701` or `07070X`")),
        }
    }

    fn newc(&mut self) -> io::Result<Option<Record>> {
        let numbers = self.numbers::<13>()?;
        let (size, name_size) = (u64::from(numbers[6]), numbers[11]);
        if name_size == 0 || name_size > LONGEST_NAME {
            return Err(invalid("a name is empty or longer than 4096 bytes"));
        }
        let mut name = vec![0; name_size as usize];
        self.input.read_exact(&mut name)?;
        if name.pop() != Some(0) {
            return Err(invalid("a name does not end with NUL"));
        }
        self.skip_padding(110 + u64::from(name_size))?;
        if name == TRAILER {
            self.ended = true;
            return Ok(None);
        }
        self.set_size(size);
        Ok(Some(Record::Newc { name, size }))
    }

    /// Says how many bytes of content the current, stripped member has.
    pub fn set_size(&mut self, size: u64) {
        self.left = size;
        self.pad = padding(size).len() as u64;
    }

    /// The stream after the archive.
    pub fn into_inner(self) -> R {
        self.input
    }

    fn numbers<const N: usize>(&mut self) -> io::Result<[u32; N]> {
        let mut numbers = [0; N];
        for number in &mut numbers {
            let mut digits = [0; 8];
            self.input.read_exact(&mut digits)?;
            // `from_str_radix` alone would take a sign.
            let text = std::str::from_utf8(&digits).ok().filter(|t| t.bytes().all(|b| b.is_ascii_hexdigit()));
            *number = text
                .and_then(|t| u32::from_str_radix(t, 16).ok())
                .ok_or_else(|| invalid("a number is not of eight hexadecimal digits"))?;
        }
        Ok(numbers)
    }

    fn skip_padding(&mut self, length: u64) -> io::Result<()> {
        let mut zeros = [0; 3];
        self.input.read_exact(&mut zeros[..padding(length).len()])
    }
}

impl<R: Read> Read for Reader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let got = self.input.by_ref().take(self.left).read(buffer)?;
        if got == 0 && self.left > 0 && !buffer.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= got as u64;
        Ok(got)
    }
}

fn invalid(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::process::{Command, Stdio};

    use super::*;

    fn member(name: &[u8], inode: u32, links: u32, size: u32) -> Member<'_> {
        Member { name, inode, mode: 0o100_644, links, mtime: 1_700_000_000, size }
    }

    fn archive() -> Vec<u8> {
        let mut out = Vec::new();
        for (name, content) in
            [("./a", &b"alpha"[..]), ("./empty", b""), ("./b", b"four"), ("./c", b"longer than four")]
        {
            let size = u32::try_from(content.len()).unwrap();
            out.extend(member(name.as_bytes(), size + 1, 1, size).header());
            out.extend_from_slice(content);
            out.extend_from_slice(padding(content.len() as u64));
        }
        out.extend(trailer());
        out
    }

    #[test]
    fn cpio_extracts_what_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let mut cpio = Command::new("cpio")
            .args(["-idm", "--quiet"])
            .current_dir(&folder)
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        cpio.stdin.take().unwrap().write_all(&archive()).unwrap();
        let output = cpio.wait_with_output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        assert_eq!(fs_err::read(folder.path().join("c")).unwrap(), b"longer than four");
        assert_eq!(fs_err::read(folder.path().join("empty")).unwrap(), b"");
    }

    #[test]
    fn reads_what_it_wrote_also_when_content_is_skipped() {
        let bytes = [archive(), b"behind".to_vec()].concat();
        let mut reader = Reader::new(&bytes[..]);
        let mut names = Vec::new();
        while let Some(record) = reader.next_record().unwrap() {
            let Record::Newc { name, size } = record else { panic!("{record:?}") };
            let mut content = Vec::new();
            if names.len() % 2 == 1 {
                reader.read_to_end(&mut content).unwrap();
                assert_eq!(content.len() as u64, size);
            }
            names.push(String::from_utf8(name).unwrap());
        }
        assert_eq!(names, ["./a", "./empty", "./b", "./c"]);
        assert_eq!(reader.into_inner(), b"behind");
    }

    #[test]
    fn stripped_members_get_their_size_from_the_caller() {
        let mut bytes = stripped_header(7);
        assert_eq!(bytes.len(), 16);
        bytes.extend_from_slice(b"seven\0\0\0");
        bytes.extend(stripped_header(8));
        bytes.extend(trailer());
        let mut reader = Reader::new(&bytes[..]);
        assert_eq!(reader.next_record().unwrap(), Some(Record::Stripped(7)));
        reader.set_size(5);
        assert_eq!(io::read_to_string(&mut reader).unwrap(), "seven");
        assert_eq!(reader.next_record().unwrap(), Some(Record::Stripped(8)));
        assert_eq!(reader.next_record().unwrap(), None);
    }

    #[test]
    fn damage_is_an_error_wherever_it_is() {
        let bytes = archive();
        for cut in 0..bytes.len() - 1 {
            let mut reader = Reader::new(&bytes[..cut]);
            let end = loop {
                match reader.next_record() {
                    Ok(Some(_)) => {}
                    other => break other,
                }
            };
            assert!(end.is_err(), "cut at {cut}");
        }
        for (at, byte) in [(0, b'1'), (7, b'+'), (94 + 4, b'f'), (94, b'f'), (110 + 3, b'x')] {
            let mut bad = archive();
            bad[at] = byte;
            assert!(Reader::new(&bad[..]).next_record().is_err(), "byte {at}");
        }
    }
}
