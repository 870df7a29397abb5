//! The signature in a package that is whole already.
//!
//! Enters: a package, and an OpenPGP signature over its main header. Leaves: what stands before its main header, with the
//! signature in it. It takes its room from the space that was kept free for it, so that nothing behind it moves.
//! Not here: how a signature is made.
//!
//! Sources: rpm's manual, "Signature tags"; rpm's `sign/rpmgensig.cc` for the reserved space.

use std::io::{self, SeekFrom};

use ::rpm::IndexSignatureTag as S;

use super::header::{Header, REGION_SIGNATURES, Writer};
use super::opening::LEAD;
use super::read;
use crate::codec::base64;
use crate::formats::Artifact;

/// Signatures that an earlier signing left: over the header, and over header and payload.
const EARLIER: &[S] = &[S::RPMSIGTAG_RSA, S::RPMSIGTAG_DSA, S::RPMSIGTAG_OPENPGP, S::RPMSIGTAG_PGP, S::RPMSIGTAG_GPG];

/// Which of the two old places a signature belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// RSA.
    Rsa,
    /// Everything else: the tag is named after DSA.
    Other,
}

/// One signature over the main header.
#[derive(Debug, Clone)]
pub struct HeaderSignature {
    /// The OpenPGP packet.
    pub packet: Vec<u8>,
    /// Its place.
    pub class: Class,
}

/// A package that can be signed.
#[derive(Debug)]
pub struct Unsigned {
    lead: [u8; LEAD],
    signature: Header,
    main: Header,
    /// Bytes before the main header.
    front: u64,
}

impl Unsigned {
    /// Reads what stands before the payload.
    ///
    /// # Errors
    /// It cannot be read, or is no rpm package.
    pub fn read(artifact: &mut dyn Artifact) -> io::Result<Self> {
        let parts = read::front(artifact)?;
        let mut lead = [0; LEAD];
        artifact.seek(SeekFrom::Start(0))?;
        artifact.read_exact(&mut lead)?;
        Ok(Self { lead, signature: parts.signature, main: parts.main, front: parts.main_at })
    }

    /// What signatures are over: the main header.
    pub fn header(&self) -> &[u8] {
        &self.main.bytes
    }

    /// The OpenPGP packets of all signatures over the header, each once.
    pub fn signatures(&self) -> Vec<Vec<u8>> {
        let old = [S::RPMSIGTAG_RSA, S::RPMSIGTAG_DSA].into_iter().filter_map(|tag| self.signature.binary(tag));
        let mut found: Vec<Vec<u8>> = old.map(<[u8]>::to_vec).collect();
        found.extend(self.signature.texts(S::RPMSIGTAG_OPENPGP).filter_map(|text| base64::decode(&text)));
        found.sort();
        found.dedup();
        found
    }

    /// Where the main header begins, which stays as it is with all that follows.
    pub fn front(&self) -> u64 {
        self.front
    }

    /// Lead and signature header with this signature in place of those that were there. It is as long as before, if the
    /// package has room.
    ///
    /// One signature only: rpm 4 refuses a package if it lacks the key of any signature in the two old places, and rpm 6 if
    /// it lacks any of those in its list. So a second one, meant for hosts that have one key of two, would lock out both
    /// kinds of hosts. A package of version 6 has it in both forms: rpm 4 reads the old place, rpm 6 the list.
    pub fn signed(&self, signature: &HeaderSignature) -> Vec<u8> {
        let mut writer = self.signature.to_writer();
        for tag in EARLIER {
            writer.remove(*tag);
        }
        let tag = if signature.class == Class::Rsa { S::RPMSIGTAG_RSA } else { S::RPMSIGTAG_DSA };
        writer.binary(tag, signature.packet.clone());
        if self.is_v6() {
            writer.texts(S::RPMSIGTAG_OPENPGP, [&*base64::encode(&signature.packet)]);
        }
        let mut out = self.lead.to_vec();
        out.extend(self.fitted(writer));
        out.resize(out.len().next_multiple_of(8), 0);
        out
    }

    /// The lead of version 6 says 4.
    fn is_v6(&self) -> bool {
        self.lead[4] == 4
    }

    /// Makes the reserved space smaller, or larger where an earlier signature was longer, until the header is as long as it
    /// was; without the space, if that is not enough.
    fn fitted(&self, mut writer: Writer) -> Vec<u8> {
        let (tag, other) = if self.is_v6() {
            (S::RPMSIGTAG_RESERVED, S::RPMSIGTAG_RESERVEDSPACE)
        } else {
            (S::RPMSIGTAG_RESERVEDSPACE, S::RPMSIGTAG_RESERVED)
        };
        let tag = if self.signature.has(tag) { tag } else { other };
        writer.remove(tag);
        let bare = writer.clone().finish(REGION_SIGNATURES).bytes;
        let wanted = self.signature.bytes.len();
        // The tag itself takes an entry of sixteen bytes.
        let Some(free) = wanted.checked_sub(bare.len() + 16).filter(|free| *free > 0) else { return bare };
        writer.binary(tag, vec![0; free]);
        writer.finish(REGION_SIGNATURES).bytes
    }
}
