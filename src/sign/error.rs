//! What can go wrong with keys and signatures. No message holds a byte of a secret.

use std::io;
use std::path::{Path, PathBuf};

use pgp::errors::Error as OpenPgp;

use super::certificate::Weakness;
use super::key::Fingerprint;
use crate::diagnostic::{Code, Diagnostic, codes};

/// Why something is not signed, or not well signed. What a key is called (`name`) is where it comes from.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The variable of a key or passphrase is not set.
    #[error("the environment variable `{variable}` is not set")]
    Unset {
        /// Its name.
        variable: String,
    },
    /// The file of a key or passphrase cannot be read.
    #[error("`{name}` cannot be read")]
    Unreadable {
        /// Its path, as it was typed.
        name: String,
        /// Why.
        source: io::Error,
    },
    /// What should name a key does not.
    #[error("`{text}` is no fingerprint of a key")]
    Fingerprint {
        /// As it was typed.
        text: String,
    },
    /// It is no OpenPGP key.
    #[error("{name} holds no OpenPGP key: {source}")]
    NotAKey {
        /// What was read.
        name: String,
        /// Where the reading ended.
        source: Box<OpenPgp>,
    },
    /// It holds another number of keys than one.
    #[error("{name} holds {count} keys, one is wanted")]
    Count {
        /// What was read.
        name: String,
        /// How many.
        count: usize,
    },
    /// It is a public key.
    #[error("{name} holds the public key only")]
    PublicOnly {
        /// What was read.
        name: String,
    },
    /// No part of the key is for signing.
    #[error("no part of the key {key} of {name} may sign, or its secret is not there")]
    CannotSign {
        /// What was read.
        name: String,
        /// Its fingerprint.
        key: Fingerprint,
    },
    /// The key is locked, and nothing says how to unlock it.
    #[error("the key of {name} is locked by a passphrase, and none is given")]
    Locked {
        /// What was read.
        name: String,
    },
    /// The passphrase is not that of the key.
    #[error("the passphrase does not unlock the key of {name}")]
    WrongPassphrase {
        /// What was read.
        name: String,
    },
    /// A program that signs could not be started, or said that it failed.
    #[error("`{program}` failed: {problem}")]
    Program {
        /// As it was typed.
        program: String,
        /// What it came to.
        problem: ProgramProblem,
    },
    /// The signature could not be made.
    #[error("the signature could not be made: {source}")]
    Sign {
        /// Why.
        source: Box<OpenPgp>,
    },
    /// What is to be signed cannot be read any more.
    #[error("what is to be signed cannot be read: {0}")]
    Content(io::Error),
    /// What is to be signed cannot be read, or the signed copy cannot be written.
    #[error("`{}`: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is no rpm or deb package.
    #[error("`{}` is not a package that can be signed: {source}", path.display())]
    Damaged {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        source: io::Error,
    },
    /// A text is not framed as a signed text is.
    #[error("it is no text with a signature: {0}")]
    Frame(&'static str),
    /// A file of signatures holds none, or none that can be read.
    #[error("there is no signature that can be read")]
    Unsigned,
    /// None of the signatures is by a key that was given.
    #[error("it is signed by {}, and none of the keys is that", list(by))]
    Unknown {
        /// Who the signatures say they are by.
        by: Vec<Fingerprint>,
    },
    /// A signature by a known key does not hold.
    #[error("the signature by {by} does not hold: what was signed, or the signature, is not what it was")]
    Bad {
        /// By whom.
        by: Fingerprint,
    },
    /// A signature holds, and no tool of today takes it.
    #[error("the signature by {by} is refused: {why}")]
    Refused {
        /// By whom.
        by: Fingerprint,
        /// What is wrong with the key or the signature.
        why: Refusal,
    },
}

/// Why a program that was asked for a signature gave none.
#[derive(Debug, thiserror::Error)]
pub enum ProgramProblem {
    /// It could not be started, or not be talked to.
    #[error("it could not be run: {0}")]
    Run(#[from] io::Error),
    /// It ended with an error.
    #[error("it ended with {status}{}", said(.stderr))]
    Ended {
        /// How.
        status: std::process::ExitStatus,
        /// The last line of what it said.
        stderr: String,
    },
    /// What it printed is not one signature.
    #[error("it printed no OpenPGP signature")]
    NoSignature,
    /// The signature holds, and no package manager takes it.
    #[error("its signature is refused: {0}")]
    Refused(Refusal),
    /// The signature is not by the key that was named, or not over the bytes that were given.
    #[error("its signature does not hold for the key {0}")]
    Other(Fingerprint),
}

/// Why a signature that holds is worth nothing.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The key has ended.
    #[error("the key has expired")]
    Expired,
    /// The key was revoked.
    #[error("the key was revoked")]
    Revoked,
    /// The part of the key is not for signing.
    #[error("the key is not for signing")]
    NotForSigning,
    /// The signature is over a digest that can be forged.
    #[error("it is over {0}, which can be forged")]
    Digest(String),
    /// The key is weak.
    #[error("{0}")]
    Weak(Weakness),
    /// The signature is of another kind: over a text, a key.
    #[error("it is not a signature over these bytes")]
    Kind,
    /// It is made later than now, or before the key was.
    #[error("its time is not between that of the key and now")]
    Time,
    /// The signature itself has ended.
    #[error("the signature has expired")]
    Ended,
}

fn list(fingerprints: &[Fingerprint]) -> String {
    fingerprints.iter().map(Fingerprint::as_str).collect::<Vec<_>>().join(", ")
}

fn said(stderr: &str) -> String {
    if stderr.is_empty() { String::new() } else { format!(": {stderr}") }
}

impl SignError {
    pub(super) fn file(path: &Path) -> impl Fn(io::Error) -> Self + '_ {
        |source| Self::File { path: path.into(), source }
    }

    fn code(&self) -> Code {
        match self {
            Self::Unset { .. } | Self::Unreadable { .. } => codes::SIGN_NO_KEY,
            Self::NotAKey { .. } | Self::Count { .. } | Self::PublicOnly { .. } | Self::Fingerprint { .. } => {
                codes::SIGN_NOT_A_KEY
            }
            Self::CannotSign { .. } => codes::SIGN_CANNOT_SIGN,
            Self::Locked { .. } | Self::WrongPassphrase { .. } => codes::SIGN_LOCKED,
            Self::Program { .. } => codes::SIGN_PROGRAM,
            Self::Sign { .. } | Self::Content(_) | Self::File { .. } => codes::SIGN_FAILED,
            Self::Damaged { .. } => codes::SIGN_DAMAGED,
            Self::Frame(_) | Self::Unsigned | Self::Unknown { .. } | Self::Bad { .. } | Self::Refused { .. } => {
                codes::SIGN_BAD_SIGNATURE
            }
        }
    }

    fn help(&self) -> &'static str {
        match self {
            Self::Unset { .. } => "set it where fitout is run; in CI, as a secret of the job",
            Self::Unreadable { .. } => "put the file there, or name another place; a secret is best in the environment",
            Self::NotAKey { .. } => {
                "`fitout keys new --out FILE` makes one; `gpg --armor --export-secret-keys ID` prints one"
            }
            Self::Fingerprint { .. } => {
                "it has 40 hexadecimal digits; `gpg --list-secret-keys` shows those of your keys"
            }
            Self::Count { .. } => "name each key by itself: `keys = [{ file = \"a.asc\" }, { file = \"b.asc\" }]`",
            Self::PublicOnly { .. } => "give the secret key, as `gpg --armor --export-secret-keys ID` prints it",
            Self::CannotSign { .. } => {
                "`fitout keys new --out FILE` makes a key that can; or export the key with its signing subkey"
            }
            Self::Locked { .. } => {
                "add `passphrase = { env = \"NAME\" }` beside the key, or under [sign] for all of them"
            }
            Self::WrongPassphrase { .. } => "look for a blank or an end of line that does not belong to it",
            Self::Program { .. } => {
                "run it by hand with the bytes on its standard input; it prints a detached OpenPGP signature"
            }
            Self::Sign { .. } => "look at the key by `fitout keys show`",
            Self::Content(_) | Self::File { .. } => "look at the place: it must be there and have room",
            Self::Damaged { .. } => "build the package again",
            Self::Frame(_) | Self::Unsigned => "publish again: the signature is made anew",
            Self::Unknown { .. } => "give the public key that it is signed by, or sign it with one of yours",
            Self::Bad { .. } => "take it from a place that you trust, or publish it again",
            Self::Refused { .. } => "sign with another key: `fitout keys rotate` makes one",
        }
    }
}

impl From<SignError> for Diagnostic {
    fn from(error: SignError) -> Self {
        let finding = Self::error(error.code(), error.to_string()).help(error.help());
        match &error {
            SignError::Unreadable { source, .. } => finding.note(source.to_string()),
            _ => finding,
        }
    }
}

pub(super) fn could_not(source: OpenPgp) -> SignError {
    SignError::Sign { source: Box::new(source) }
}
