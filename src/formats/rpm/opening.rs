//! What stands before the payload: lead, signature header and main header, with the digests that are known last.
//!
//! Enters: the encoded main header with zeros for the digests of the payload. Leaves: bytes of a width that depends on
//! the list of files only, made when the payload's sizes and digests are known. Not here: signatures; there is reserved
//! space for one.
//!
//! MD5 over header and payload (1004) is left out: the header holds the payload's digest, so it could be computed only
//! by a second pass over the payload. It served EL 6; everything newer checks the SHA digests. In v4 the digest of the payload
//! before compression (5097) is left out, too: header and payload have digests of their own, and the bytes of the files are
//! not read again for it.
//!
//! Sources: rpm's manual, "RPM V4 Package format", "RPM V6 Package format", "Signature tags".

use ::rpm::{IndexSignatureTag as S, IndexTag};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use sha3::Sha3_256;

use super::header::{Encoded, REGION_SIGNATURES, Writer};
use crate::codec::hashes::Hashes;
use crate::codec::hex::hex;
use crate::formats::{Known, Measure, SectionFacts};

/// Bytes of the lead.
pub const LEAD: usize = 96;
/// Bytes kept free for signatures, as rpmbuild keeps them: enough for RSA with 4096 bits, and a second one.
const RESERVED: usize = 4128;
/// Section of the payload.
const PAYLOAD: usize = 1;

/// A lead: obsolete, but for its magic number and the version of the format.
pub fn lead(nevr: &str, arch: u16, format: u8) -> [u8; LEAD] {
    let mut lead = [0; LEAD];
    lead[..4].copy_from_slice(&[0xed, 0xab, 0xee, 0xdb]);
    // v4 packages have said 3 since rpm 3; v6 says 4 and neither machine nor system.
    let (major, arch, os) = if format == 6 { (4, 0, 0) } else { (3, arch, 1u16) };
    lead[4] = major;
    lead[8..10].copy_from_slice(&arch.to_be_bytes());
    let name = &nevr.as_bytes()[..nevr.len().min(65)];
    lead[10..10 + name.len()].copy_from_slice(name);
    lead[76..78].copy_from_slice(&os.to_be_bytes());
    lead[79] = 5;
    lead
}

/// The digests that the opening asks the payload for.
pub fn measure(format: u8) -> Measure {
    match format {
        6 => Measure { raw: Hashes::ALL, packed: Hashes::ALL },
        _ => Measure { raw: Hashes::default(), packed: Hashes::SHA256 },
    }
}

/// Puts zeros where the payload's facts will stand.
pub fn reserve(header: &mut Writer, format: u8) {
    let zeros = hex(&[0; 32]);
    header.texts(IndexTag::RPMTAG_PAYLOADSHA256, [&*zeros]);
    if format == 6 {
        header.texts(IndexTag::RPMTAG_PAYLOADSHA256ALT, [&*zeros]);
        header.text(IndexTag::RPMTAG_PAYLOAD_SHA3_256, &zeros);
        header.text(IndexTag::RPMTAG_PAYLOAD_SHA3_256_ALT, &zeros);
        let zeros = hex(&[0; 64]);
        header.text(IndexTag::RPMTAG_PAYLOAD_SHA512, &zeros);
        header.text(IndexTag::RPMTAG_PAYLOAD_SHA512_ALT, &zeros);
        header.int64(IndexTag::RPMTAG_PAYLOADSIZE, [0]);
        header.int64(IndexTag::RPMTAG_PAYLOADSIZEALT, [0]);
    } else {
        header.int32(IndexTag::RPMTAG_PAYLOADSHA256ALGO, [8]);
    }
}

/// All before the payload, but for what only the payload tells.
#[derive(Debug)]
pub struct Opening {
    lead: [u8; LEAD],
    main: Encoded,
    format: u8,
    /// The sizes need 64 bits. Decided by the size before compression, because the width must be known before the size
    /// after it is.
    long: bool,
}

impl Opening {
    /// Over a main header that has been through [`reserve`].
    pub fn new(lead: [u8; LEAD], main: Encoded, archive_size: u64, format: u8) -> Self {
        // What does not compress grows a little: a gigabyte is far more than any codec adds.
        let long = archive_size > u64::from(u32::MAX) - (1 << 30);
        Self { lead, main, format, long }
    }

    /// Bytes of the opening.
    pub fn width(&self) -> usize {
        // The signature header is as wide over any header.
        let signature = self.signature(&[], &SectionFacts::default());
        (LEAD + signature.len()).next_multiple_of(8) + self.main.bytes.len()
    }

    /// The opening's bytes, from the facts of the payload.
    pub fn fill(&self, known: &Known) -> Vec<u8> {
        let nothing = SectionFacts::default();
        let payload = known.sections.get(PAYLOAD).unwrap_or(&nothing);
        let mut main = self.main.bytes.clone();
        let mut patch = |tag: IndexTag, bytes: &[u8]| {
            if let Some(at) = self.main.offsets.get(&u32::from(tag)) {
                main[*at..*at + bytes.len()].copy_from_slice(bytes);
            }
        };
        for (tag, digest) in [
            (IndexTag::RPMTAG_PAYLOADSHA256, payload.packed.sha256),
            (IndexTag::RPMTAG_PAYLOADSHA256ALT, payload.raw.sha256),
            (IndexTag::RPMTAG_PAYLOAD_SHA3_256, payload.packed.sha3_256),
            (IndexTag::RPMTAG_PAYLOAD_SHA3_256_ALT, payload.raw.sha3_256),
        ] {
            patch(tag, hex(&digest.unwrap_or_default()).as_bytes());
        }
        for (tag, digest) in [
            (IndexTag::RPMTAG_PAYLOAD_SHA512, payload.packed.sha512),
            (IndexTag::RPMTAG_PAYLOAD_SHA512_ALT, payload.raw.sha512),
        ] {
            patch(tag, hex(&digest.unwrap_or([0; 64])).as_bytes());
        }
        patch(IndexTag::RPMTAG_PAYLOADSIZE, &payload.packed_size.to_be_bytes());
        patch(IndexTag::RPMTAG_PAYLOADSIZEALT, &payload.raw_size.to_be_bytes());
        self.assemble(&main, payload)
    }

    fn assemble(&self, main: &[u8], payload: &SectionFacts) -> Vec<u8> {
        let signature = self.signature(main, payload);
        let mut out = Vec::with_capacity(LEAD + signature.len() + 8 + main.len());
        out.extend_from_slice(&self.lead);
        out.extend_from_slice(&signature);
        out.resize(out.len().next_multiple_of(8), 0);
        out.extend_from_slice(main);
        out
    }

    fn signature(&self, main: &[u8], payload: &SectionFacts) -> Vec<u8> {
        let mut header = Writer::default();
        header.text(S::RPMSIGTAG_SHA256, &hex(&Sha256::digest(main)));
        if self.format == 6 {
            header.text(S::RPMSIGTAG_SHA3_256, &hex(&Sha3_256::digest(main)));
            header.binary(S::RPMSIGTAG_RESERVED, vec![0; RESERVED]);
            return header.finish(REGION_SIGNATURES).bytes;
        }
        header.text(S::RPMSIGTAG_SHA1, &hex(&Sha1::digest(main)));
        let size = payload.packed_size + main.len() as u64;
        match (u32::try_from(size), u32::try_from(payload.raw_size)) {
            (Ok(size), Ok(raw)) if !self.long => {
                header.int32(S::RPMSIGTAG_SIZE, [size]);
                header.int32(S::RPMSIGTAG_PAYLOADSIZE, [raw]);
            }
            _ => {
                header.int64(S::RPMSIGTAG_LONGSIZE, [size]);
                header.int64(S::RPMSIGTAG_LONGARCHIVESIZE, [payload.raw_size]);
            }
        }
        header.binary(S::RPMSIGTAG_RESERVEDSPACE, vec![0; RESERVED]);
        header.finish(REGION_SIGNATURES).bytes
    }
}
