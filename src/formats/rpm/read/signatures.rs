//! The signatures of a package: of what kind, over what, by which key. Whether they hold is not said here.
//!
//! Sources: rpm's manual, "Signature tags"; RFC 9580, "Signature Packet".

use ::rpm::IndexSignatureTag as S;

use super::super::header::Header;
use crate::codec::{base64, hex::hex};

/// Most signatures that are listed.
const MOST: usize = 64;
/// Longest OpenPGP signature that is looked into, in characters of base64.
const LONGEST: usize = 64 << 10;

/// Tags of binary signatures and what each is over.
const BINARY: &[(S, &str)] = &[
    (S::RPMSIGTAG_RSA, "header"),
    (S::RPMSIGTAG_DSA, "header"),
    (S::RPMSIGTAG_PGP, "header and payload"),
    (S::RPMSIGTAG_GPG, "header and payload"),
];

/// Each signature in a few words: `RSA over the header, key 1122334455667788`.
pub fn describe(header: &Header) -> Vec<String> {
    let binary = BINARY.iter().filter_map(|(tag, over)| Some((header.binary(*tag)?.to_vec(), *over)));
    let texts = header.texts(S::RPMSIGTAG_OPENPGP);
    let texts =
        texts.filter(|text| text.len() <= LONGEST).map(|text| (base64::decode(&text).unwrap_or_default(), "header"));
    binary
        .chain(texts)
        .take(MOST)
        .map(|(packet, over)| match Signature::of(&packet) {
            Some(signature) => {
                let key = signature.key.map_or_else(|| "unknown key".into(), |key| format!("key {}", hex(&key)));
                format!("{} over the {over}, {key}", signature.algorithm)
            }
            None => format!("unreadable signature over the {over}"),
        })
        .collect()
}

struct Signature {
    algorithm: &'static str,
    key: Option<Vec<u8>>,
}

impl Signature {
    /// The first packet, if it is a signature of version 3, 4 or 6.
    fn of(packet: &[u8]) -> Option<Self> {
        let body = body(packet)?;
        let (algorithm, key) = match body.first()? {
            3 => (*body.get(15)?, body.get(7..15).map(<[u8]>::to_vec)),
            4 => {
                let (hashed, rest) = subpackets(body.get(4..)?, 2)?;
                let (open, _) = subpackets(rest, 2)?;
                (*body.get(2)?, issuer(hashed).or_else(|| issuer(open)))
            }
            6 => {
                let (hashed, rest) = subpackets(body.get(4..)?, 4)?;
                let (open, _) = subpackets(rest, 4)?;
                (*body.get(2)?, issuer(hashed).or_else(|| issuer(open)))
            }
            _ => return None,
        };
        let algorithm = match algorithm {
            1..=3 => "RSA",
            17 => "DSA",
            19 => "ECDSA",
            22 | 27 | 28 => "EdDSA",
            30 => "ML-DSA-65+Ed25519",
            31 => "ML-DSA-87+Ed448",
            _ => "signature",
        };
        Some(Self { algorithm, key })
    }
}

/// The body of a signature packet, with old or new header.
fn body(packet: &[u8]) -> Option<&[u8]> {
    let (head, rest) = packet.split_first()?;
    let (tag, length, rest) = if head & 0xc0 == 0xc0 {
        let (length, rest) = new_length(rest)?;
        (head & 0x3f, length, rest)
    } else if head & 0x80 != 0 {
        let width = [1, 2, 4].get(usize::from(head & 3))?;
        let (bytes, rest) = rest.split_at_checked(*width)?;
        (head >> 2 & 0x0f, number(bytes), rest)
    } else {
        return None;
    };
    (tag == 2).then(|| rest.get(..length))?
}

fn new_length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (first, rest) = bytes.split_first()?;
    match usize::from(*first) {
        short @ 0..192 => Some((short, rest)),
        long @ 192..255 => {
            let (second, rest) = rest.split_first()?;
            Some((((long - 192) << 8) + usize::from(*second) + 192, rest))
        }
        _ => {
            let (bytes, rest) = rest.split_at_checked(4)?;
            Some((number(bytes), rest))
        }
    }
}

/// An area of subpackets behind its length of `width` bytes, and what follows.
fn subpackets(bytes: &[u8], width: usize) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_at_checked(width)?;
    rest.split_at_checked(number(length))
}

/// Key id (16), or fingerprint (33) behind its version.
fn issuer(mut area: &[u8]) -> Option<Vec<u8>> {
    let mut key = None;
    while !area.is_empty() {
        let (length, rest) = new_length(area)?;
        let (subpacket, rest) = rest.split_at_checked(length)?;
        match subpacket.split_first() {
            // The fingerprint says more than the key id, which is its end.
            Some((kind, value)) if kind & 0x7f == 33 => return value.get(1..).map(<[u8]>::to_vec),
            Some((kind, value)) if kind & 0x7f == 16 => key = Some(value.to_vec()),
            _ => {}
        }
        area = rest;
    }
    key
}

fn number(bytes: &[u8]) -> usize {
    bytes.iter().fold(0usize, |n, byte| n.wrapping_shl(8) | usize::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_is_no_signature() {
        // A version 4 signature by RSA with the key id 0102030405060708 in the open area.
        let good = [0xc2, 18, 4, 0, 1, 8, 0, 0, 0, 10, 9, 16, 1, 2, 3, 4, 5, 6, 7, 8];
        let signature = Signature::of(&good).unwrap();
        assert_eq!((signature.algorithm, signature.key), ("RSA", Some(vec![1, 2, 3, 4, 5, 6, 7, 8])));
        for cut in 0..good.len() {
            assert!(Signature::of(&good[..cut]).is_none(), "{cut}");
        }
        for at in 0..good.len() {
            for byte in 0..=255 {
                let mut bad = good;
                bad[at] = byte;
                let _ = Signature::of(&bad);
            }
        }
    }
}
