//! A .deb that lies in the repository, read again.

use std::io::Write as _;

use sha2::Digest as _;

use super::change::New;
use super::packages::Entry;
use super::suite::damaged;
use crate::codec::hex::hex;
use crate::diagnostic::Diagnostic;
use crate::formats::{self, Listing};
use crate::store::{Place, StoreError, Trouble};

/// The package of a stanza, as if it came anew.
///
/// # Errors
/// As [`listing`].
pub(super) fn read_again(place: &dyn Place, entry: Entry<'_>) -> Result<New, Diagnostic> {
    let (listing, size) = listing(place, entry)?;
    Ok(New::of(&listing, entry.file_name().to_owned(), size, entry.field("SHA256").unwrap_or_default()))
}

/// What is in the package of a stanza, and its bytes.
///
/// # Errors
/// It is not there, is not what the stanza says, or is no package.
pub(super) fn listing(place: &dyn Place, entry: Entry<'_>) -> Result<(Listing, u64), Diagnostic> {
    let key = entry.file_name();
    let object = place.get(key)?.ok_or_else(|| damaged(place, key, "it is not there, and a list names it"))?;
    if entry.field("SHA256") != Some(hex(&sha2::Sha256::digest(&object.bytes)).as_str()) {
        return Err(damaged(place, key, "its digest is another than that in the list"));
    }
    let failed = |error: std::io::Error| Diagnostic::from(StoreError::of(place.name(), Trouble::Failed, &error));
    let mut file = tempfile::Builder::new().suffix(".deb").tempfile().map_err(failed)?;
    file.write_all(&object.bytes).map_err(failed)?;
    let (listing, _) = formats::read_file(file.path())?;
    Ok((listing, object.meta.size))
}
