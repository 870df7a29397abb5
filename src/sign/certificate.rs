//! What a public key says of itself, as far as its own signatures bear it out: parts that sign, when they end, what makes
//! them weak.
//!
//! Enters: a public key of any origin. Leaves: a [`Certificate`]. Not here: whether such a key may be used
//! ([`super::check`]).
//!
//! Sources: RFC 9580, 5.2 and 10.1; the policy of apt 3: `/usr/share/apt/default-sequoia.config`.

use std::io::Read;

use pgp::armor::BlockType;
use pgp::composed::SignedPublicKey;
use pgp::crypto::ecc_curve::ECCCurve;
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{Signature, SignatureType, SubpacketData};
use pgp::ser::Serialize as _;
use pgp::types::{EcdsaPublicParams, EddsaLegacyPublicParams, KeyDetails, KeyVersion, PublicParams, SignedUser, Tag};

use super::armor;
use super::error::SignError;
use super::key::{Fingerprint, Key};

/// A public key that was looked at.
#[derive(Debug, Clone)]
pub struct Certificate {
    pub(super) public: SignedPublicKey,
    /// Whose it is.
    pub(super) user_id: String,
    /// The primary key, then its subkeys.
    pub(super) parts: Vec<Part>,
}

/// One key of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    /// Which it is: none for the primary key, else the subkey's place.
    pub subkey: Option<usize>,
    pub fingerprint: Fingerprint,
    pub algorithm: String,
    /// Seconds since 1970.
    pub created: i64,
    /// Seconds since 1970; of the primary key, if that ends first.
    pub expires: Option<i64>,
    /// It is for signing, and said so itself.
    pub signs: bool,
    pub revoked: bool,
    pub weak: Option<Weakness>,
}

/// Why tools refuse a key whatever it signs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Weakness {
    /// Of an algorithm that tools do not read, or no longer.
    #[error("keys of the algorithm {0} are refused or not read by package managers")]
    Algorithm(String),
    /// RSA of too few bits.
    #[error("RSA with {0} bits is too short")]
    Bits(u16),
    /// Its own signature is over a broken digest.
    #[error("its own signature is over {0}, which can be forged")]
    Digest(HashAlgorithm),
    /// Neither version 4 nor anything that package managers read.
    #[error("it is an OpenPGP key of version {0}, which gpgv does not read")]
    Version(u8),
}

/// What a self-signature says.
#[derive(Debug, Clone, Default)]
struct Binding {
    expires: Option<i64>,
    signs: bool,
    digest: Option<HashAlgorithm>,
}

impl Certificate {
    /// Looks at a public key.
    pub(super) fn of(public: SignedPublicKey) -> Self {
        let primary = &public.primary_key;
        let user = user(&public);
        let direct = newest(public.details.direct_signatures.iter().filter(|s| s.verify_key(primary).is_ok()));
        let binding = primary_binding(&public, user.map(|(_, signature)| signature), direct);
        let revoked = public.details.revocation_signatures.iter().any(|s| s.verify_key(primary).is_ok());
        let mut parts = vec![Part {
            subkey: None,
            fingerprint: Fingerprint::of(primary),
            algorithm: algorithm(primary.public_params()),
            created: i64::from(primary.created_at().as_secs()),
            expires: binding.expires,
            signs: binding.signs && (user.is_some() || direct.is_some()),
            revoked,
            weak: weakness(primary, binding.digest),
        }];
        for index in 0..public.public_subkeys.len() {
            parts.push(subkey(&public, index, &parts[0]));
        }
        let user_id = user.map(|(user, _)| String::from_utf8_lossy(user.id.id()).into_owned());
        Self { user_id: user_id.unwrap_or_default(), parts, public }
    }

    /// Its fingerprint.
    pub fn fingerprint(&self) -> &Fingerprint {
        &self.parts[0].fingerprint
    }

    /// The public key as text.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn armored(&self) -> Result<Vec<u8>, SignError> {
        armor::armored(&self.public, BlockType::PublicKey)
    }

    /// The part that signs at `now`, of those that `has` a secret: as gpg chooses, the newest subkey, else the primary key.
    pub(super) fn signing(&self, now: i64, has: impl Fn(&Part) -> bool) -> Option<&Part> {
        let able = |part: &&Part| part.signs && has(part);
        let good = |part: &&Part| able(part) && !part.revoked && part.expires.is_none_or(|end| end > now);
        let subkeys = || self.parts.iter().skip(1);
        let best = subkeys().filter(good).max_by_key(|part| part.created);
        // Where none is good, one that is not tells why.
        best.or_else(|| self.parts.first().filter(good))
            .or_else(|| subkeys().filter(able).max_by_key(|part| part.created))
            .or_else(|| self.parts.first().filter(able))
    }

    /// What is told of it, where this part signs.
    pub(super) fn key(&self, part: &Part) -> Key {
        Key {
            fingerprint: self.fingerprint().clone(),
            signs_with: part.fingerprint.clone(),
            user_id: self.user_id.clone(),
            algorithm: part.algorithm.clone(),
            created: self.parts[0].created,
            expires: part.expires,
        }
    }

    /// Verifies a signature by this part.
    pub(super) fn verify(&self, part: &Part, signature: &Signature, data: &mut dyn Read) -> bool {
        match part.subkey {
            None => signature.verify(&self.public.primary_key, data).is_ok(),
            Some(index) => signature.verify(&self.public.public_subkeys[index].key, data).is_ok(),
        }
    }
}

fn primary_binding(public: &SignedPublicKey, user: Option<&Signature>, direct: Option<&Signature>) -> Binding {
    let created = i64::from(public.primary_key.created_at().as_secs());
    let of = |signature: Option<&Signature>| signature.map(|s| binding(s, created)).unwrap_or_default();
    let (by_user, by_key) = (of(user), of(direct));
    let flagged = user.into_iter().chain(direct).find(|signature| has_flags(signature));
    Binding {
        expires: by_user.expires.or(by_key.expires),
        // A key that does not say what it is for does what its algorithm can.
        signs: flagged.is_none_or(|signature| signature.key_flags().sign()),
        digest: by_user.digest.or(by_key.digest),
    }
}

fn subkey(public: &SignedPublicKey, index: usize, primary: &Part) -> Part {
    let subkey = &public.public_subkeys[index];
    let valid = |kind: SignatureType| {
        let verified = move |s: &&Signature| {
            s.typ() == Some(kind) && s.verify_subkey_binding(&public.primary_key, &subkey.key).is_ok()
        };
        newest(subkey.signatures.iter().filter(verified))
    };
    let created = i64::from(subkey.key.created_at().as_secs());
    let bound = valid(SignatureType::SubkeyBinding);
    let said = bound.map(|s| binding(s, created)).unwrap_or_default();
    // A subkey that signs must say itself that it belongs to the key: else anybody could take it for his own.
    let agreed = bound.and_then(Signature::embedded_signature).filter(|back| {
        back.typ() == Some(SignatureType::KeyBinding)
            && back.verify_primary_key_binding(&subkey.key, &public.primary_key).is_ok()
    });
    let ends = [said.expires, primary.expires];
    Part {
        subkey: Some(index),
        fingerprint: Fingerprint::of(&subkey.key),
        algorithm: algorithm(subkey.key.public_params()),
        created,
        expires: ends.into_iter().flatten().min(),
        signs: agreed.is_some() && said.signs,
        revoked: primary.revoked || valid(SignatureType::SubkeyRevocation).is_some(),
        weak: primary.weak.clone().or_else(|| {
            let digests = [said.digest, agreed.and_then(Signature::hash_alg)];
            digests.into_iter().find_map(|digest| weakness(&subkey.key, digest))
        }),
    }
}

/// The user that the key names first, with its newest self-signature.
fn user(public: &SignedPublicKey) -> Option<(&SignedUser, &Signature)> {
    let own = |user: &'_ SignedUser, signature: &Signature| {
        signature.verify_certification(&public.primary_key, Tag::UserId, &user.id).is_ok()
    };
    let users = public.details.users.iter().filter_map(|user| {
        let newest = newest(user.signatures.iter().filter(|signature| own(user, signature)))?;
        (newest.typ() != Some(SignatureType::CertRevocation)).then_some((user, newest))
    });
    users.max_by_key(|(_, signature)| (signature.is_primary(), signature.created()))
}

fn newest<'s>(signatures: impl Iterator<Item = &'s Signature>) -> Option<&'s Signature> {
    signatures.max_by_key(|signature| signature.created())
}

fn has_flags(signature: &Signature) -> bool {
    let config = signature.config();
    config.is_some_and(|config| config.hashed_subpackets().any(|p| matches!(p.data, SubpacketData::KeyFlags(_))))
}

fn binding(signature: &Signature, created: i64) -> Binding {
    // Zero seconds are said to mean no end.
    let life = signature.key_expiration_time().map(|life| i64::from(life.as_secs())).filter(|life| *life > 0);
    Binding {
        expires: life.map(|life| created + life),
        signs: signature.key_flags().sign(),
        digest: signature.hash_alg(),
    }
}

/// Digests of which two texts can have the same.
pub(super) fn is_broken(digest: HashAlgorithm) -> bool {
    !matches!(
        digest,
        HashAlgorithm::Sha224
            | HashAlgorithm::Sha256
            | HashAlgorithm::Sha384
            | HashAlgorithm::Sha512
            | HashAlgorithm::Sha3_256
            | HashAlgorithm::Sha3_512
    )
}

fn weakness(key: &impl KeyDetails, digest: Option<HashAlgorithm>) -> Option<Weakness> {
    if key.version() != KeyVersion::V4 {
        return Some(Weakness::Version(key.version().into()));
    }
    let params = key.public_params();
    match params {
        PublicParams::RSA(_) => {
            let bits = rsa_bits(params);
            if bits < 2048 {
                return Some(Weakness::Bits(bits));
            }
        }
        PublicParams::EdDSALegacy(EddsaLegacyPublicParams::Ed25519 { .. })
        | PublicParams::ECDSA(
            EcdsaPublicParams::P256 { .. } | EcdsaPublicParams::P384 { .. } | EcdsaPublicParams::P521 { .. },
        ) => {}
        _ => return Some(Weakness::Algorithm(algorithm(params))),
    }
    digest.filter(|digest| is_broken(*digest)).map(Weakness::Digest)
}

/// The length of the modulus, which its encoding begins with.
pub(super) fn rsa_bits(params: &PublicParams) -> u16 {
    let mut bytes = Vec::new();
    // Writing to a Vec fails only where the number cannot be said in OpenPGP, and then it has no bits worth telling.
    let _ = params.to_writer(&mut bytes);
    bytes.first_chunk().map_or(0, |bits| u16::from_be_bytes(*bits))
}

fn algorithm(params: &PublicParams) -> String {
    match params {
        PublicParams::RSA(_) => format!("rsa{}", rsa_bits(params)),
        PublicParams::DSA(_) => "dsa".into(),
        PublicParams::EdDSALegacy(EddsaLegacyPublicParams::Ed25519 { .. }) => "ed25519".into(),
        // The same curve in the words of RFC 9580, which gpgv 2.2 and rpm 4.18 do not know.
        PublicParams::Ed25519(_) => "ed25519 (RFC 9580)".into(),
        PublicParams::Ed448(_) => "ed448".into(),
        PublicParams::ECDSA(params) => match params.curve() {
            ECCCurve::P256 => "nistp256".into(),
            ECCCurve::P384 => "nistp384".into(),
            ECCCurve::P521 => "nistp521".into(),
            curve => curve.name().to_lowercase(),
        },
        PublicParams::Elgamal(_) => "elgamal".into(),
        PublicParams::ECDH(_) | PublicParams::X25519(_) | PublicParams::X448(_) => "for encryption only".into(),
        _ => "unknown".into(),
    }
}
