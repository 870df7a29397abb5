//! Keys and signatures: what is published is signed here, and what was published is verified here.
//!
//! Enters: the `[sign]` table and bytes, or packages. Leaves: OpenPGP signatures, packages that hold them, public keys. All
//! of it is OpenPGP version 4 over SHA-512, which everything from EL 7 to apt 3 reads. Not here: when something is signed,
//! which is `publish`; `build` never signs. Nothing of a secret key is printed, logged, or part of an error.
//!
//! - [`open`] reads keys of a config; [`check`] says what hosts will think of them;
//! - a [`Signer`] signs texts, bytes and, by [`sign_rpm`] and [`sign_deb`], packages;
//! - [`verify_clear`] and [`verify_detached`] are as strict as the strictest host.

use std::io::{self, Read};

use pgp::armor::BlockType;
use pgp::composed::SignedPublicKey;
use pgp::packet::{Signature, SignatureType};

mod armor;
mod canonical;
mod certificate;
pub mod check;
mod clear;
mod deb;
mod error;
mod generate;
mod key;
mod open;
mod program;
mod rpm;
mod secret;
#[cfg(test)]
mod tests;
mod verify;

pub use canonical::{is_canonical_armor, is_canonical_clear};
pub use certificate::{Certificate, Weakness};
pub use clear::clear_text;
pub use deb::sign_deb;
pub use error::{ProgramProblem, Refusal, SignError};
pub use generate::{Algorithm, NewKey, generate};
pub use key::{Fingerprint, Key, NotAFingerprint};
pub use open::{Ground, Seen, look, look_at, one_line, open};
pub use rpm::{sign_rpm, verify_rpm};
pub use verify::{Verified, read_certificates, verify_clear, verify_detached};

use armor::{Many, Packets};
use certificate::Part;
use program::Program;
use secret::Secret;

/// Keys that sign together: one, or two while one takes over from the other. Packages are signed by the first alone.
#[derive(Debug)]
pub struct Signer {
    members: Vec<Member>,
    keys: Vec<Key>,
}

/// One key of a signer.
#[derive(Debug)]
struct Member {
    /// Where it comes from, as findings call it.
    name: String,
    certificate: Certificate,
    /// What of it signs.
    part: Part,
    holder: Holder,
}

/// What is signed or verified: whoever needs the bytes reads them, and again if it must.
type Content<'a> = dyn Fn() -> io::Result<Box<dyn Read + 'a>> + 'a;

/// Bytes in memory as [`Content`].
#[expect(clippy::elidable_lifetime_names, reason = "within `Fn() -> …` it cannot be elided")]
fn in_memory<'a>(bytes: &'a [u8]) -> impl Fn() -> io::Result<Box<dyn Read + 'a>> + 'a {
    move || Ok(Box::new(bytes))
}

/// Who has the secret.
#[derive(Debug)]
enum Holder {
    Secret(Box<Secret>),
    Program(Program),
}

impl Signer {
    fn new(members: Vec<Member>) -> Self {
        let keys = members.iter().map(|member| member.certificate.key(&member.part)).collect();
        Self { members, keys }
    }

    /// The keys, in the order of the config.
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// Signs a text within its own file, as InRelease is: UTF-8, blanks at ends of lines do not count. `time` is in seconds
    /// since 1970; a key that is younger signs at its own time, one outside of fitout at the present time.
    ///
    /// # Errors
    /// The text is not UTF-8, or a program that has a key failed.
    pub fn sign_clear(&self, text: &[u8], time: i64) -> Result<Vec<u8>, SignError> {
        let text = std::str::from_utf8(text).map_err(|_| SignError::Frame("it is not UTF-8"))?;
        let bytes = clear::canonical(text);
        let signatures = self.sign(SignatureType::Text, &in_memory(&bytes), time)?;
        canonical::framed(text, &signatures)
    }

    /// Signatures over `bytes`, armored, as Release.gpg and repomd.xml.asc are; `time` as for [`Signer::sign_clear`].
    ///
    /// # Errors
    /// A program that has a key failed.
    pub fn sign_detached(&self, bytes: &[u8], time: i64) -> Result<Vec<u8>, SignError> {
        armor::armored(&Packets(&self.sign(SignatureType::Binary, &in_memory(bytes), time)?), BlockType::Signature)
    }

    /// The public keys in one armored block, for keyrings (`Signed-By`, `gpgkey=`).
    ///
    /// # Errors
    /// A key cannot be written.
    pub fn certificates(&self) -> Result<Vec<u8>, SignError> {
        armor::armored(&Many(&self.public()), BlockType::PublicKey)
    }

    /// The same in binary, as debsig-verify has its keyrings.
    ///
    /// # Errors
    /// A key cannot be written.
    pub fn certificates_binary(&self) -> Result<Vec<u8>, SignError> {
        armor::binary(&Many(&self.public()))
    }

    fn public(&self) -> Vec<SignedPublicKey> {
        self.members.iter().map(|member| member.certificate.public.clone()).collect()
    }

    /// One signature by each key, that of the first last: zypper asks for the key of the last, and a host that takes the
    /// packages has the first.
    fn sign(&self, kind: SignatureType, content: &Content<'_>, time: i64) -> Result<Vec<Signature>, SignError> {
        self.members.iter().rev().map(|member| member.sign(kind, content, time)).collect()
    }

    /// One signature, by the first of the keys.
    fn sign_first(&self, kind: SignatureType, content: &Content<'_>, time: i64) -> Result<Signature, SignError> {
        // `open` gives no signer without a key.
        self.members.first().ok_or(SignError::Unsigned)?.sign(kind, content, time)
    }
}

impl Member {
    fn sign(&self, kind: SignatureType, content: &Content<'_>, time: i64) -> Result<Signature, SignError> {
        match &self.holder {
            Holder::Secret(secret) => secret.sign(kind, content, time),
            Holder::Program(program) => program.sign(kind, content, &self.certificate, time),
        }
    }
}
