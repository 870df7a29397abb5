//! The signature in a package that is whole already, as debsigs puts it there.
//!
//! Enters: a package. Leaves: what is signed, which is the content of its members one after the other, and the member with
//! the signature, which goes behind them: dpkg passes over it. Not here: how a signature is made.
//!
//! Sources: debsig-verify(1); deb(5).

use std::io::{self, Read};

use crate::codec::ar;

/// The member of whoever made the package.
const ORIGIN: &str = "_gpgorigin";
/// How the names of members with signatures begin.
const SIGNATURE: &str = "_gpg";

fn invalid(error: ar::Error) -> io::Error {
    match error {
        ar::Error::Io(error) => error,
        other => io::Error::new(io::ErrorKind::InvalidData, other.to_string()),
    }
}

/// What a signature is over: it reads as the content of all members but signatures.
pub struct Signed<R> {
    archive: ar::Reader<R>,
    is_over: bool,
}

impl<R: Read> Signed<R> {
    /// Over a package, from its first byte on.
    ///
    /// # Errors
    /// It cannot be read, or is no ar archive.
    pub fn new(package: R) -> io::Result<Self> {
        Ok(Self { archive: ar::Reader::new(package).map_err(invalid)?, is_over: false })
    }
}

impl<R: Read> Read for Signed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while !self.is_over {
            let got = self.archive.read(buffer)?;
            if got > 0 || buffer.is_empty() {
                return Ok(got);
            }
            let member = self.archive.next_member().map_err(invalid)?;
            // Signatures come last.
            self.is_over = member.is_none_or(|member| member.name.starts_with(SIGNATURE));
        }
        Ok(0)
    }
}

/// Bytes of a package without signatures, the padding of its last member included if it is there.
///
/// # Errors
/// It cannot be read, is no ar archive, or has not the members of a package.
pub fn unsigned_size(package: &mut dyn Read) -> io::Result<u64> {
    let mut archive = ar::Reader::new(package).map_err(invalid)?;
    let (mut end, mut names) = (ar::MAGIC.len() as u64, Vec::new());
    while let Some(member) = archive.next_member().map_err(invalid)? {
        if member.name.starts_with(SIGNATURE) {
            break;
        }
        end += ar::HEADER as u64 + member.size + member.size % 2;
        names.push(member.name);
    }
    let is = |index: usize, start: &str| names.get(index).is_some_and(|name| name.starts_with(start));
    if is(0, "debian-binary") && is(1, "control.tar") && is(2, "data.tar") {
        Ok(end)
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidData, "it has not the members of a Debian package"))
    }
}

/// The member that holds a signature: header, bytes, padding.
///
/// # Errors
/// The time cannot be said in an ar archive.
pub fn member(signature: &[u8], mtime: i64) -> io::Result<Vec<u8>> {
    let size = signature.len() as u64;
    let mut member = ar::header(ORIGIN, mtime, size).map_err(invalid)?;
    member.extend_from_slice(signature);
    member.extend_from_slice(ar::padding(size));
    Ok(member)
}
