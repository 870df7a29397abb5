//! OpenPGP as bytes and as text: keys and signatures are read from either, and written.

use std::io::Write;

use pgp::armor::{self, BlockType};
use pgp::composed::{Deserializable as _, DetachedSignature, PublicOrSecret};
use pgp::packet::{PacketTrait as _, Signature};
use pgp::ser::Serialize;

use super::error::{SignError, could_not};
use crate::codec::base64;

const BEGIN: &str = "-----BEGIN PGP ";

/// Reads keys, public or secret: armored (one block or several), binary, or base64 of either, as variables of CI often
/// hold it. `name` is what errors call it.
pub(super) fn keys(name: &str, bytes: &[u8]) -> Result<Vec<PublicOrSecret>, SignError> {
    let Some(text) = std::str::from_utf8(bytes).ok().map(str::trim) else { return packets(name, bytes) };
    let mut starts: Vec<usize> = text.match_indices(BEGIN).map(|(at, _)| at).collect();
    if starts.is_empty() {
        return match base64::decode(text).filter(|decoded| !decoded.is_empty()) {
            Some(decoded) if decoded.starts_with(b"-----") => keys(name, &decoded),
            Some(decoded) => packets(name, &decoded),
            None => packets(name, bytes),
        };
    }
    let mut found = Vec::new();
    starts.push(text.len());
    for block in starts.windows(2) {
        found.extend(packets(name, &text.as_bytes()[block[0]..block[1]])?);
    }
    Ok(found)
}

fn packets(name: &str, bytes: &[u8]) -> Result<Vec<PublicOrSecret>, SignError> {
    let not_a_key = |source| SignError::NotAKey { name: name.to_owned(), source: Box::new(source) };
    let (keys, _) = PublicOrSecret::from_reader_many(bytes).map_err(not_a_key)?;
    keys.collect::<Result<Vec<_>, _>>().map_err(not_a_key)
}

/// Reads every signature of a file, armored or binary.
pub(super) fn signatures(bytes: &[u8]) -> Result<Vec<Signature>, SignError> {
    let (signatures, _) = DetachedSignature::from_reader_many(bytes).map_err(|_| SignError::Unsigned)?;
    let signatures: Vec<Signature> = signatures
        .map(|signature| signature.map(|detached| detached.signature))
        .collect::<Result<_, _>>()
        .map_err(|_| SignError::Unsigned)?;
    if signatures.is_empty() { Err(SignError::Unsigned) } else { Ok(signatures) }
}

/// Signatures one after the other, each with the head of its packet.
pub(super) struct Packets<'a>(pub &'a [Signature]);

impl Serialize for Packets<'_> {
    fn to_writer<W: Write>(&self, writer: &mut W) -> pgp::errors::Result<()> {
        self.0.iter().try_for_each(|signature| signature.to_writer_with_header(writer))
    }

    fn write_len(&self) -> usize {
        self.0.iter().map(pgp::packet::PacketTrait::write_len_with_header).sum()
    }
}

/// Several of a kind, one after the other.
pub(super) struct Many<'a, T>(pub &'a [T]);

impl<T: Serialize> Serialize for Many<'_, T> {
    fn to_writer<W: Write>(&self, writer: &mut W) -> pgp::errors::Result<()> {
        self.0.iter().try_for_each(|one| one.to_writer(writer))
    }

    fn write_len(&self) -> usize {
        self.0.iter().map(Serialize::write_len).sum()
    }
}

/// The bytes.
pub(super) fn binary(source: &impl Serialize) -> Result<Vec<u8>, SignError> {
    let mut bytes = Vec::new();
    source.to_writer(&mut bytes).map_err(could_not)?;
    Ok(bytes)
}

/// The text; with the checksum, which gpgv and rpm of old distributions look for.
pub(super) fn armored(source: &impl Serialize, kind: BlockType) -> Result<Vec<u8>, SignError> {
    let mut text = Vec::new();
    armor::write(source, kind, &mut text, None, true).map_err(could_not)?;
    Ok(text)
}
