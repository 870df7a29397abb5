//! New keys.
//!
//! Enters: whose it is, of which algorithm, from when to when, a passphrase. Leaves: a secret key, as the text of a file.
//! It certifies and signs by itself, without subkeys: old versions of rpm do not verify those of subkeys.

use pgp::armor::BlockType;
use pgp::composed::{KeyType, SignedKeyDetails, SignedSecretKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::crypto::sym::SymmetricKeyAlgorithm;
use pgp::errors::Result;
use pgp::packet::{
    Features, KeyFlags, PubKeyInner, PublicKey, SecretKey, SignatureConfig, SignatureType, Subpacket, SubpacketData,
    UserId,
};
use pgp::types::{
    Duration, KeyDetails as _, KeyVersion, PacketHeaderVersion, Password, S2kParams, SignedUser, StringToKey, Tag,
    Timestamp,
};
use rand::rngs::OsRng;
use rand::{CryptoRng, Rng};

use super::error::{SignError, could_not};
use super::{armor, secret};

/// How a new key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// Short and fast; everything from Debian 9 and EL 8 on reads it.
    Ed25519,
    /// For EL 7, too; four times as slow to make as the next.
    Rsa4096,
    /// As strong as is asked for today.
    Rsa3072,
}

impl Algorithm {
    /// The one that comes nearest to that of another key, by the word of [`super::Key::algorithm`]: whoever had RSA may have
    /// hosts that read nothing else.
    pub fn like(word: &str) -> Self {
        match word.strip_prefix("rsa").map(str::parse::<u32>) {
            Some(Ok(bits)) if bits > 3072 => Self::Rsa4096,
            Some(_) => Self::Rsa3072,
            None => Self::Ed25519,
        }
    }
}

/// What a new key is.
#[derive(Debug, Clone)]
pub struct NewKey<'a> {
    /// Whose it is: `Name <mail>`.
    pub user_id: &'a str,
    /// How it signs.
    pub algorithm: Algorithm,
    /// Seconds since 1970.
    pub created: i64,
    /// Seconds from then until it ends; none for never.
    pub life: Option<u32>,
    /// What locks it; none leaves it open.
    pub passphrase: Option<&'a [u8]>,
}

/// Makes a key; the text of its file, which holds the secret.
///
/// # Errors
/// The system gives no random numbers, or the time cannot be said in OpenPGP.
pub fn generate(new: &NewKey<'_>) -> std::result::Result<Vec<u8>, SignError> {
    let key = make(new, &mut OsRng).map_err(could_not)?;
    armor::armored(&key, BlockType::PrivateKey)
}

fn make(new: &NewKey<'_>, rng: &mut (impl Rng + CryptoRng)) -> Result<SignedSecretKey> {
    let kind = match new.algorithm {
        // The legacy form of OpenPGP 4: gpgv 2.2 and rpm 4.18 do not know the one of RFC 9580.
        Algorithm::Ed25519 => KeyType::Ed25519Legacy,
        Algorithm::Rsa3072 => KeyType::Rsa(3072),
        Algorithm::Rsa4096 => KeyType::Rsa(4096),
    };
    let created = Timestamp::from_secs(u32::try_from(new.created.max(0)).unwrap_or(u32::MAX));
    let (params, secret) = kind.generate(&mut *rng)?;
    let inner = PubKeyInner::new(KeyVersion::V4, kind.to_alg(), created, None, params)?;
    let public = PublicKey::from_inner(inner)?;
    let mut key = SecretKey::new(public.clone(), secret)?;

    let user_id = UserId::from_str(PacketHeaderVersion::default(), new.user_id)?;
    let mut config = SignatureConfig::v4(SignatureType::CertPositive, key.algorithm(), HashAlgorithm::Sha512);
    config.hashed_subpackets = said(&key, created, new.life)?;
    config.unhashed_subpackets = secret::unhashed(key.legacy_key_id())?;
    let signature = config.sign_certification(&key, &public, &Password::empty(), Tag::UserId, &user_id)?;
    if let Some(passphrase) = new.passphrase {
        key.set_password_with_s2k(&Password::from(passphrase), lock(rng))?;
    }
    let users = vec![SignedUser::new(user_id, vec![signature])];
    let details = SignedKeyDetails::new(Vec::new(), Vec::new(), users, Vec::new());
    Ok(SignedSecretKey::new(key, details, Vec::new(), Vec::new()))
}

/// What the key says of itself.
fn said(key: &SecretKey, created: Timestamp, life: Option<u32>) -> Result<Vec<Subpacket>> {
    let mut flags = KeyFlags::default();
    flags.set_certify(true);
    flags.set_sign(true);
    let mut features = Features::default();
    features.set_seipd_v1(true);
    let mut packets = secret::hashed(key, created)?;
    // None of them is critical: rpm 4.18 cannot import a key where the time of its end is.
    packets.push(Subpacket::regular(SubpacketData::KeyFlags(flags))?);
    if let Some(life) = life {
        packets.push(Subpacket::regular(SubpacketData::KeyExpirationTime(Duration::from_secs(life)))?);
    }
    let hashes = [HashAlgorithm::Sha512, HashAlgorithm::Sha384, HashAlgorithm::Sha256];
    packets.push(Subpacket::regular(SubpacketData::PreferredHashAlgorithms(hashes.into_iter().collect()))?);
    packets.push(Subpacket::regular(SubpacketData::Features(features))?);
    packets.push(Subpacket::regular(SubpacketData::IsPrimary(true))?);
    Ok(packets)
}

/// The way that gpg locks keys, so that it can read ours.
fn lock(rng: &mut (impl Rng + CryptoRng)) -> S2kParams {
    let mut iv = vec![0; SymmetricKeyAlgorithm::AES256.block_size()];
    rng.fill_bytes(&mut iv);
    // 0xff is the most that there is: 65 MB are hashed, a tenth of a second.
    let s2k = StringToKey::new_iterated(rng, HashAlgorithm::Sha256, 0xff);
    S2kParams::Cfb { sym_alg: SymmetricKeyAlgorithm::AES256, s2k, iv: iv.into() }
}
