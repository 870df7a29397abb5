//! A signed copy of an rpm package.
//!
//! Enters: a package, keys. Leaves: the same package with a signature over its header in the space that was kept free for
//! it: every other byte is as it was. The header holds the digest of the payload, so the payload is signed with it.

use std::fs::Permissions;
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use pgp::crypto::public_key::PublicKeyAlgorithm;
use pgp::packet::{Signature, SignatureType};

use super::armor::{self, Packets};
use super::{Certificate, Fingerprint, SignError, Signer, in_memory, verify_detached};
use crate::formats::Artifact;
use crate::formats::rpm::signing::{Class, HeaderSignature, Unsigned};

/// Writes a copy of the package at `from` to `to`, signed by the first of the keys, since rpm asks for the key of every
/// signature; what it was signed by before is replaced. `time` is in seconds since 1970. `to` appears when it is whole.
///
/// # Errors
/// `from` is no rpm package, a program that has a key failed, or the copy cannot be written.
pub fn sign_rpm(from: &Path, to: &Path, signer: &Signer, time: i64) -> Result<(), SignError> {
    let mut package = fs_err::File::open(from).map_err(SignError::file(from))?;
    let damaged = |source| SignError::Damaged { path: from.into(), source };
    let unsigned = Unsigned::read(&mut package).map_err(damaged)?;
    let signature = signer.sign_first(SignatureType::Binary, &in_memory(unsigned.header()), time)?;
    let front = unsigned.signed(&header_signature(&signature)?);
    package.seek(SeekFrom::Start(unsigned.front())).map_err(SignError::file(from))?;
    write(to, &front, &mut package).map_err(SignError::file(to))
}

/// Whose keys signed the package; `now` is in seconds since 1970. The payload is not looked at: the header has its digest.
///
/// # Errors
/// It is no rpm package, none of its signatures is by one of the keys, or one does not hold.
pub fn verify_rpm(
    certificates: &[Certificate],
    name: &Path,
    package: &mut dyn Artifact,
    now: i64,
) -> Result<Vec<Fingerprint>, SignError> {
    let unsigned = Unsigned::read(package).map_err(|source| SignError::Damaged { path: name.into(), source })?;
    let packets = unsigned.signatures().concat();
    if packets.is_empty() {
        return Err(SignError::Unsigned);
    }
    verify_detached(certificates, &packets, unsigned.header(), now)
}

fn header_signature(signature: &Signature) -> Result<HeaderSignature, SignError> {
    let rsa = signature.config().is_some_and(|config| config.pub_alg == PublicKeyAlgorithm::RSA);
    let packet = armor::binary(&Packets(std::slice::from_ref(signature)))?;
    Ok(HeaderSignature { packet, class: if rsa { Class::Rsa } else { Class::Other } })
}

/// A file of the mode of a package, under its name only once it is whole.
pub(super) fn write(to: &Path, front: &[u8], rest: &mut dyn io::Read) -> io::Result<()> {
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let (mut file, _held) =
        crate::interrupt::file(|| tempfile::NamedTempFile::new_in(folder), |file| file.path().to_path_buf())?;
    file.write_all(front)?;
    io::copy(rest, &mut file)?;
    file.as_file().set_permissions(Permissions::from_mode(0o644))?;
    file.persist(to)?;
    Ok(())
}
