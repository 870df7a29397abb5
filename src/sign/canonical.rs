//! Signatures in their one form: so they are written, and by it is seen a change that no signature covers, as in an armour's head.

use pgp::armor::BlockType;
use pgp::packet::Signature;

use super::armor::{self, Packets};
use super::clear;
use super::error::SignError;

/// A text with signatures over it, in a frame.
pub(super) fn framed(text: &str, signatures: &[Signature]) -> Result<Vec<u8>, SignError> {
    let mut digests: Vec<String> = signatures.iter().filter_map(|s| Some(s.hash_alg()?.to_string())).collect();
    digests.sort();
    digests.dedup();
    Ok(clear::frame(text, &digests, &armor::armored(&Packets(signatures), BlockType::Signature)?))
}

/// Whether a framed text is, to the byte, what its text and its signatures make.
pub fn is_canonical_clear(bytes: &[u8]) -> bool {
    let again = clear::unframe(bytes).and_then(|parts| {
        let signatures = armor::signatures(parts.armored.as_bytes())?;
        framed(&parts.text, &signatures)
    });
    again.is_ok_and(|again| again == bytes)
}

/// The same of signatures that stand by themselves.
pub fn is_canonical_armor(bytes: &[u8]) -> bool {
    let again =
        armor::signatures(bytes).and_then(|signatures| armor::armored(&Packets(&signatures), BlockType::Signature));
    again.is_ok_and(|again| again == bytes)
}
