//! Several digests of one stream at once.
//!
//! Enters: which digests are wanted, and bytes. Leaves: those digests. What is not wanted is not computed.

use sha2::{Digest as _, Sha256, Sha512};
use sha3::Sha3_256;

/// Which digests to compute.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Hashes {
    /// SHA-256.
    pub sha256: bool,
    /// SHA-512.
    pub sha512: bool,
    /// SHA3-256.
    pub sha3_256: bool,
}

impl Hashes {
    /// SHA-256 alone: what nearly every format asks for.
    pub const SHA256: Self = Self { sha256: true, sha512: false, sha3_256: false };
    /// All of them.
    pub const ALL: Self = Self { sha256: true, sha512: true, sha3_256: true };
}

/// Digests on the way.
#[derive(Debug, Clone, Default)]
pub struct Hasher {
    sha256: Option<Sha256>,
    sha512: Option<Sha512>,
    sha3_256: Option<Sha3_256>,
}

impl Hasher {
    /// Over no bytes yet.
    pub fn new(wanted: Hashes) -> Self {
        Self {
            sha256: wanted.sha256.then(Sha256::new),
            sha512: wanted.sha512.then(Sha512::new),
            sha3_256: wanted.sha3_256.then(Sha3_256::new),
        }
    }

    /// Whether nothing is wanted, so that the bytes themselves are not needed.
    pub fn is_idle(&self) -> bool {
        self.sha256.is_none() && self.sha512.is_none() && self.sha3_256.is_none()
    }

    /// The next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        if let Some(hasher) = &mut self.sha256 {
            hasher.update(bytes);
        }
        if let Some(hasher) = &mut self.sha512 {
            hasher.update(bytes);
        }
        if let Some(hasher) = &mut self.sha3_256 {
            hasher.update(bytes);
        }
    }

    /// What was wanted.
    pub fn finish(self) -> Sums {
        Sums {
            sha256: self.sha256.map(|hasher| hasher.finalize().into()),
            sha512: self.sha512.map(|hasher| hasher.finalize().into()),
            sha3_256: self.sha3_256.map(|hasher| hasher.finalize().into()),
        }
    }
}

/// Digests of a stream; none where it was not wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sums {
    /// SHA-256.
    pub sha256: Option<[u8; 32]>,
    /// SHA-512.
    pub sha512: Option<[u8; 64]>,
    /// SHA3-256.
    pub sha3_256: Option<[u8; 32]>,
}

/// The digests of bytes that are there whole.
pub fn sums(bytes: &[u8], wanted: Hashes) -> Sums {
    let mut hasher = Hasher::new(wanted);
    hasher.update(bytes);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::hex::hex;

    /// FIPS 180-4 and FIPS 202, the examples for `abc`.
    #[test]
    fn the_examples_of_the_standards_hold_also_in_parts() {
        let mut hasher = Hasher::new(Hashes::ALL);
        for part in ["a", "", "bc"] {
            hasher.update(part.as_bytes());
        }
        let found = hasher.finish();
        assert_eq!(found, sums(b"abc", Hashes::ALL));
        assert!(hex(&found.sha256.unwrap()).starts_with("ba7816bf8f01cfea414140de5dae2223"));
        assert!(hex(&found.sha512.unwrap()).starts_with("ddaf35a193617abacc417349ae204131"));
        assert_eq!(hex(&found.sha3_256.unwrap()), "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532");
    }

    #[test]
    fn what_is_not_wanted_is_not_there() {
        assert_eq!(sums(b"abc", Hashes::default()), Sums::default());
        assert!(Hasher::new(Hashes::default()).is_idle() && !Hasher::new(Hashes::SHA256).is_idle());
        assert!(sums(b"abc", Hashes::SHA256).sha512.is_none());
    }
}
