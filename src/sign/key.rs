//! What is told of a key: its fingerprint, whose it is, how it signs, from when to when it holds.

use std::fmt;
use std::str::FromStr;

use pgp::packet::Signature;
use pgp::types::KeyDetails;

/// Fingerprint of an OpenPGP key: 40 hexadecimal digits of version 4, 64 of version 6, in capitals as gpg shows them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fingerprint(String);

impl Fingerprint {
    pub(super) fn of(key: &impl KeyDetails) -> Self {
        Self(format!("{:X}", key.fingerprint()))
    }

    /// Who a signature says it is by; an old one names sixteen digits only.
    pub(super) fn issuer(signature: &Signature) -> Option<Self> {
        let whole = signature.issuer_fingerprint().first().map(|fingerprint| format!("{fingerprint:X}"));
        whole.or_else(|| Some(signature.issuer_key_id().first()?.to_string().to_uppercase())).map(Self)
    }

    /// All of the digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether one of both is the other, or the end of it as key ids are.
    pub fn matches(&self, other: &Self) -> bool {
        self.0.ends_with(&other.0) || other.0.ends_with(&self.0)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// It is no fingerprint.
#[derive(Debug, thiserror::Error)]
#[error("a fingerprint has 40 or 64 hexadecimal digits")]
pub struct NotAFingerprint;

impl FromStr for Fingerprint {
    type Err = NotAFingerprint;

    /// Blanks between the digits and a `0x` in front do not count.
    fn from_str(text: &str) -> Result<Self, NotAFingerprint> {
        let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let digits = text.strip_prefix("0x").unwrap_or(&text).to_ascii_uppercase();
        let whole = matches!(digits.len(), 40 | 64) && digits.bytes().all(|b| b.is_ascii_hexdigit());
        if whole { Ok(Self(digits)) } else { Err(NotAFingerprint) }
    }
}

/// A key, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Fingerprint of the whole key, which users compare and `Signed-By` names.
    pub fingerprint: Fingerprint,
    /// Fingerprint of the part that makes the signatures: the same, or that of a subkey.
    pub signs_with: Fingerprint,
    /// Whose it is: `Name <mail>`; empty if it does not say.
    pub user_id: String,
    /// `ed25519`, `rsa4096`, `nistp256`; what signs, not what certifies.
    pub algorithm: String,
    /// Seconds since 1970.
    pub created: i64,
    /// Seconds since 1970, of what ends first, the key or its signing part; none if it holds for ever.
    pub expires: Option<i64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_read_as_people_copy_them() {
        let digits = "0123456789abcdef0123456789ABCDEF01234567";
        let fingerprint: Fingerprint = digits.parse().unwrap();
        assert_eq!(fingerprint.as_str(), digits.to_uppercase());
        let spaced = "0x0123 4567 89ab cdef 0123  4567 89AB CDEF 0123 4567";
        assert_eq!(spaced.parse::<Fingerprint>().unwrap(), fingerprint);
        for bad in ["", "01234567", "0123456789abcdef0123456789ABCDEF0123456g"] {
            assert!(bad.parse::<Fingerprint>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_key_id_is_the_end_of_a_fingerprint() {
        let whole: Fingerprint = "0123456789abcdef0123456789ABCDEF01234567".parse().unwrap();
        assert!(whole.matches(&Fingerprint("89ABCDEF01234567".into())));
        assert!(!whole.matches(&Fingerprint("89ABCDEF01234568".into())));
    }
}
