//! A signed copy of a Debian package.
//!
//! Enters: a package, keys. Leaves: the same package with a signature over its members behind them, which debsig-verify
//! reads. apt and dpkg do not: what they trust is the repository, whose index has the package's digest.

use std::io::{self, Read, Seek as _, SeekFrom};
use std::path::Path;

use pgp::packet::SignatureType;

use super::armor::{self, Packets};
use super::rpm::write;
use super::{SignError, Signer};
use crate::formats::deb::signing::{Signed, member, unsigned_size};

/// Writes a copy of the package at `from` to `to`, signed by the first of the keys; a signature that it had is replaced.
/// `time` is in seconds since 1970. `to` appears when it is whole.
///
/// # Errors
/// `from` is no Debian package, a program that has a key failed, or the copy cannot be written.
pub fn sign_deb(from: &Path, to: &Path, signer: &Signer, time: i64) -> Result<(), SignError> {
    let mut package = fs_err::File::open(from).map_err(SignError::file(from))?;
    let damaged = |source| SignError::Damaged { path: from.into(), source };
    let size = unsigned_size(&mut io::BufReader::new(&mut package)).map_err(damaged)?;
    let content =
        || -> io::Result<Box<dyn Read>> { Ok(Box::new(Signed::new(io::BufReader::new(fs_err::File::open(from)?))?)) };
    let signature = signer.sign_first(SignatureType::Binary, &content, time)?;
    let packet = armor::binary(&Packets(std::slice::from_ref(&signature)))?;
    let behind = member(&packet, time.max(0)).map_err(SignError::file(to))?;
    package.seek(SeekFrom::Start(0)).map_err(SignError::file(from))?;
    // dpkg-deb leaves the padding of the last member out.
    let length = package.metadata().map_err(SignError::file(from))?.len();
    let padding: &[u8] = if size > length { b"\n" } else { b"" };
    let mut whole = package.take(size).chain(padding).chain(&behind[..]);
    write(to, &[], &mut whole).map_err(SignError::file(to))
}
