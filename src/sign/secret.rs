//! A secret key in memory, unlocked.
//!
//! Enters: a secret key and its passphrase. Leaves: signatures. The key itself never leaves.

use std::fmt;
use std::io::Read;

use pgp::composed::SignedSecretKey;
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{Signature, SignatureConfig, SignatureType, Subpacket, SubpacketData};
use pgp::types::{KeyDetails, KeyId, Password, SecretParams, SigningKey, Timestamp};

use super::Content;
use super::certificate::{Certificate, Part};
use super::error::{SignError, could_not};
use super::key::Fingerprint;

/// An unlocked key.
pub(super) struct Secret {
    key: SignedSecretKey,
    /// Which of its subkeys signs; none for the primary key.
    subkey: Option<usize>,
}

/// Never the key.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secret").field("subkey", &self.subkey).finish_non_exhaustive()
    }
}

/// A secret key, its public half, and the part of it that signs.
pub(super) struct Unlocked {
    pub secret: Secret,
    pub certificate: Certificate,
    pub part: Part,
}

impl Secret {
    /// Unlocks what signs; `name` is what errors call it.
    pub(super) fn unlock(
        name: &str,
        mut key: SignedSecretKey,
        passphrase: Option<&Password>,
        now: i64,
    ) -> Result<Unlocked, SignError> {
        let certificate = Certificate::of(key.to_public_key());
        let place = |part: &Part| key.secret_subkeys.iter().position(|s| Fingerprint::of(&s.key) == part.fingerprint);
        let has = |part: &Part| match part.subkey {
            None => is_there(key.primary_key.secret_params()),
            Some(_) => place(part).is_some_and(|index| is_there(key.secret_subkeys[index].key.secret_params())),
        };
        let cannot = || SignError::CannotSign { name: name.into(), key: certificate.fingerprint().clone() };
        let part = certificate.signing(now, has).ok_or_else(cannot)?.clone();
        let subkey = if part.subkey.is_some() { place(&part) } else { None };
        let locked = match subkey {
            None => key.primary_key.secret_params().is_encrypted(),
            Some(index) => key.secret_subkeys[index].key.secret_params().is_encrypted(),
        };
        if locked {
            let passphrase = passphrase.ok_or_else(|| SignError::Locked { name: name.into() })?;
            let unlocked = match subkey {
                None => key.primary_key.remove_password(passphrase),
                Some(index) => key.secret_subkeys[index].key.remove_password(passphrase),
            };
            unlocked.map_err(|_| SignError::WrongPassphrase { name: name.into() })?;
        }
        Ok(Unlocked { secret: Self { key, subkey }, certificate, part })
    }

    /// Signs what is read. The time is that of the key, if that is later.
    pub(super) fn sign(&self, kind: SignatureType, content: &Content<'_>, time: i64) -> Result<Signature, SignError> {
        let data = &mut *content().map_err(SignError::Content)?;
        match self.subkey {
            None => sign(&self.key.primary_key, kind, data, time),
            Some(index) => sign(&self.key.secret_subkeys[index].key, kind, data, time),
        }
        .map_err(could_not)
    }
}

/// gpg exports a key whose secret is elsewhere with a stub in its place.
fn is_there(params: &SecretParams) -> bool {
    // 101 is GnuPG's mark for it: doc/DETAILS, "GNU extensions to the S2K algorithm".
    params.string_to_key_id() != 101
}

fn sign(key: &impl SigningKey, kind: SignatureType, data: &mut dyn Read, time: i64) -> pgp::errors::Result<Signature> {
    let time = u32::try_from(time.max(0)).unwrap_or(u32::MAX);
    let mut config = SignatureConfig::v4(kind, key.algorithm(), HashAlgorithm::Sha512);
    config.hashed_subpackets = hashed(key, Timestamp::from_secs(time).max(key.created_at()))?;
    config.unhashed_subpackets = unhashed(key.legacy_key_id())?;
    config.sign(key, &Password::empty(), data)
}

/// What every signature says under its own protection: when and by whom.
pub(super) fn hashed(key: &impl KeyDetails, time: Timestamp) -> pgp::errors::Result<Vec<Subpacket>> {
    Ok(vec![
        Subpacket::regular(SubpacketData::SignatureCreationTime(time))?,
        Subpacket::regular(SubpacketData::IssuerFingerprint(key.fingerprint()))?,
    ])
}

/// By whom, in the words that rpm of old distributions looks for.
pub(super) fn unhashed(id: KeyId) -> pgp::errors::Result<Vec<Subpacket>> {
    Ok(vec![Subpacket::regular(SubpacketData::IssuerKeyId(id))?])
}
