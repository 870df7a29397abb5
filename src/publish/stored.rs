//! What is there already of what would be put.
//!
//! Enters: a place, a key. Leaves: whether the same bytes are there, where a package is to lie, whether a signature holds.

use sha2::Digest as _;

use crate::codec::hex::hex;
use crate::diagnostic::Diagnostic;
use crate::run::Artifact;
use crate::sign::{self, Signer};
use crate::store::Place;

/// What is under a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// Nothing.
    Absent,
    /// The same bytes, written at this time, seconds since 1970.
    Same(i64),
    /// Others.
    Other,
}

impl Found {
    /// Whether it is what would be put.
    pub fn is_same(self) -> bool {
        matches!(self, Self::Same(_))
    }
}

/// Seconds after which an object that no list names is put again when one is to name it: `repo prune` goes by the time of the last put.
pub const FRESH: i64 = 86_400;

/// Compares by size and digest. The digest comes from the place if it keeps it, else from the bytes.
///
/// # Errors
/// The place does not answer.
pub fn compare(place: &dyn Place, key: &str, size: u64, sha256: &str) -> Result<Found, Diagnostic> {
    let Some(meta) = place.head(key)? else { return Ok(Found::Absent) };
    if meta.size != size {
        return Ok(Found::Other);
    }
    let there = match meta.sha256 {
        Some(there) => there,
        None => match place.get(key)? {
            Some(object) => hex(&sha2::Sha256::digest(&object.bytes)),
            None => return Ok(Found::Absent),
        },
    };
    Ok(if there == sha256 { Found::Same(meta.modified) } else { Found::Other })
}

/// Where a package is to lie below `folder`, and whether it has to be put there. A name is taken for good: other bytes get a folder of
/// their own, and so does what is too large for two publishers of one name to be told apart.
///
/// # Errors
/// The place does not answer.
pub fn location(place: &dyn Place, folder: &str, artifact: &Artifact, now: i64) -> Result<(String, bool), Diagnostic> {
    let Artifact { file, size, sha256, .. } = artifact;
    let plain = format!("{folder}{file}");
    match compare(place, &plain, *size, sha256)? {
        Found::Same(put) => return Ok((plain, put + FRESH < now)),
        Found::Absent if *size <= place.conditional() => return Ok((plain, true)),
        Found::Absent | Found::Other => {}
    }
    let own = format!("{folder}{}/{file}", &sha256[..16]);
    let put = match compare(place, &own, *size, sha256)? {
        Found::Same(put) => put + FRESH < now,
        Found::Absent | Found::Other => true,
    };
    Ok((own, put))
}

/// Whether `key` is a signature over these bytes by one of the signer's keys, as it was written.
///
/// # Errors
/// The place does not answer; a key cannot be read.
pub fn is_signed(place: &dyn Place, key: &str, bytes: &[u8], signer: &Signer, now: i64) -> Result<bool, Diagnostic> {
    let Some(there) = place.get(key)? else { return Ok(false) };
    let certificates = sign::read_certificates("[sign]", &signer.certificates()?)?;
    let held = sign::verify_detached(&certificates, &there.bytes, bytes, now).is_ok();
    Ok(held && sign::is_canonical_armor(&there.bytes))
}
