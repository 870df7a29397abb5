//! Whether a signature holds, and whether the tools on hosts will take it.
//!
//! Enters: public keys, a signature, what it is over, the time. Leaves: who signed, or why it is refused. As strict as the
//! strictest of gpgv, sqv and rpm: one bad signature among good ones is an error, and so is one by a key that has expired.
//! A signature by an unknown key is passed over, if another is known.

use pgp::composed::PublicOrSecret;
use pgp::packet::{Signature, SignatureType};

use super::certificate::{Certificate, Part, is_broken};
use super::error::{Refusal, SignError};
use super::key::Fingerprint;
use super::{Content, armor, clear, in_memory};

/// Seconds that another machine's clock may go ahead of this one.
const AHEAD: i64 = 86_400;

/// A signed text that was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The text without its frame.
    pub text: String,
    /// Whose keys signed it, each of them once.
    pub by: Vec<Fingerprint>,
}

/// Reads public keys: armored, binary, one or several. Of a secret key the public half is taken. `name` is what errors
/// call it.
///
/// # Errors
/// It holds no OpenPGP key.
pub fn read_certificates(name: &str, bytes: &[u8]) -> Result<Vec<Certificate>, SignError> {
    let public = |key| match key {
        PublicOrSecret::Public(key) => key,
        PublicOrSecret::Secret(key) => key.to_public_key(),
    };
    let keys = armor::keys(name, bytes)?;
    if keys.is_empty() {
        return Err(SignError::Count { name: name.into(), count: 0 });
    }
    Ok(keys.into_iter().map(public).map(Certificate::of).collect())
}

/// Verifies a text with its signature, as InRelease; `now` is in seconds since 1970.
///
/// # Errors
/// It has no frame, something stands around it, or [`verify_detached`] would refuse it.
pub fn verify_clear(certificates: &[Certificate], framed: &[u8], now: i64) -> Result<Verified, SignError> {
    let framed = clear::unframe(framed)?;
    let signatures = armor::signatures(framed.armored.as_bytes())?;
    let canonical = clear::canonical(&framed.text);
    let by = verify(certificates, &signatures, SignatureType::Text, &in_memory(&canonical), now)?;
    Ok(Verified { text: framed.text, by })
}

/// Verifies signatures that stand by themselves, armored or binary, over `bytes`; `now` is in seconds since 1970.
///
/// # Errors
/// None is by one of the keys, one does not hold, or one is by a key that tools refuse.
pub fn verify_detached(
    certificates: &[Certificate],
    signatures: &[u8],
    bytes: &[u8],
    now: i64,
) -> Result<Vec<Fingerprint>, SignError> {
    verify(certificates, &armor::signatures(signatures)?, SignatureType::Binary, &in_memory(bytes), now)
}

pub(super) fn verify(
    certificates: &[Certificate],
    signatures: &[Signature],
    kind: SignatureType,
    content: &Content<'_>,
    now: i64,
) -> Result<Vec<Fingerprint>, SignError> {
    let (mut good, mut unknown) = (Vec::new(), Vec::new());
    for signature in signatures {
        let Some(issuer) = Fingerprint::issuer(signature) else { continue };
        let parts = certificates.iter().flat_map(|c| c.parts.iter().map(move |part| (c, part)));
        let Some((certificate, part)) = parts.into_iter().find(|(_, part)| part.fingerprint.matches(&issuer)) else {
            unknown.push(issuer);
            continue;
        };
        let by = certificate.fingerprint().clone();
        // Not all algorithms can be verified over such a digest, and it makes no difference.
        if let Some(digest) = signature.hash_alg().filter(|digest| is_broken(*digest)) {
            return Err(SignError::Refused { by, why: Refusal::Digest(digest.to_string()) });
        }
        if !certificate.verify(part, signature, &mut *content().map_err(SignError::Content)?) {
            return Err(SignError::Bad { by });
        }
        if let Some(why) = refusal(part, signature, kind, now) {
            return Err(SignError::Refused { by, why });
        }
        if !good.contains(&by) {
            good.push(by);
        }
    }
    match (good.is_empty(), unknown.is_empty()) {
        (false, _) => Ok(good),
        (true, false) => Err(SignError::Unknown { by: unknown }),
        (true, true) => Err(SignError::Unsigned),
    }
}

fn refusal(part: &Part, signature: &Signature, kind: SignatureType, now: i64) -> Option<Refusal> {
    let made = signature.created().map(|time| i64::from(time.as_secs()));
    let life = signature.signature_expiration_time().map(|life| i64::from(life.as_secs())).filter(|life| *life > 0);
    if signature.typ() != Some(kind) {
        return Some(Refusal::Kind);
    }
    if let Some(weakness) = &part.weak {
        return Some(Refusal::Weak(weakness.clone()));
    }
    if part.revoked {
        return Some(Refusal::Revoked);
    }
    if !part.signs {
        return Some(Refusal::NotForSigning);
    }
    if part.expires.is_some_and(|end| end <= now) {
        return Some(Refusal::Expired);
    }
    if made.is_none_or(|made| made < part.created || made > now + AHEAD) {
        return Some(Refusal::Time);
    }
    made.zip(life).is_some_and(|(made, life)| made + life <= now).then_some(Refusal::Ended)
}
