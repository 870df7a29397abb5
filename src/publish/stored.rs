//! Whether an object is there as it would be put.

use sha2::Digest as _;

use crate::codec::hex::hex;
use crate::diagnostic::Diagnostic;
use crate::store::Place;

/// What is under a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// Nothing.
    Absent,
    /// The same bytes.
    Same,
    /// Others.
    Other,
}

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
    Ok(if there == sha256 { Found::Same } else { Found::Other })
}
