//! What can go wrong with a place, in words for whoever has to mend it.

use std::error::Error;

use super::Refusal;
use crate::diagnostic::{Code, Diagnostic, codes};

/// What kind of trouble it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// No credentials were found.
    NoCredentials,
    /// The credentials are wrong.
    WrongCredentials,
    /// They are right, and may not do this.
    Forbidden,
    /// There is no such bucket.
    NoBucket,
    /// The clock of this machine is wrong.
    Clock,
    /// Somebody else holds the place and does not let go.
    Held,
    /// This fitout cannot.
    Unsupported,
    /// It did not answer, or not as it should.
    Failed,
    /// What image registries have to say.
    Registry(Refusal),
    /// What servers of packages have to say.
    Server(Refusal),
    /// Other bytes are there under the same name.
    OtherBytes,
    /// There is no such program.
    NoProgram,
    /// A program failed, or took too long.
    Program,
}

/// Trouble with a place. It never holds a secret: messages of libraries are cut to what they say of the request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {message}")]
pub struct StoreError {
    /// The place.
    pub place: String,
    /// What kind.
    pub trouble: Trouble,
    /// What it said.
    pub message: String,
}

/// Characters of a message that are told.
const TOLD: usize = 600;

impl StoreError {
    /// With what it said.
    pub fn new(place: impl Into<String>, trouble: Trouble, message: impl std::fmt::Display) -> Self {
        let message: String = message.to_string().chars().take(TOLD).collect();
        Self { place: place.into(), trouble, message }
    }

    /// With all that an error says, its causes behind it.
    pub fn of(place: impl Into<String>, trouble: Trouble, error: &dyn Error) -> Self {
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(next) = cause {
            let text = next.to_string();
            if !message.contains(&text) {
                message = format!("{message}: {text}");
            }
            cause = next.source();
        }
        Self::new(place, trouble, message)
    }
}

impl From<StoreError> for Diagnostic {
    fn from(error: StoreError) -> Self {
        let (code, message, help): (Code, _, _) = match error.trouble {
            Trouble::NoCredentials => (
                codes::STORE_NO_CREDENTIALS,
                "there are no credentials for",
                "set the variables of the store, such as `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, or `AWS_PROFILE`",
            ),
            Trouble::WrongCredentials => (
                codes::STORE_WRONG_CREDENTIALS,
                "the credentials are not taken by",
                "look whether they are of this account and have not been replaced",
            ),
            Trouble::Forbidden => (
                codes::STORE_FORBIDDEN,
                "the credentials may not do this in",
                "they need to list, read, write and delete below the prefix",
            ),
            Trouble::NoBucket => {
                (codes::STORE_NO_BUCKET, "there is no such bucket:", "make the bucket first; fitout makes none")
            }
            Trouble::Clock => (
                codes::STORE_CLOCK,
                "the clock of this machine is not that of",
                "set the clock (`timedatectl`): signed requests are taken within a few minutes only",
            ),
            Trouble::Held => (
                codes::STORE_HELD,
                "somebody else writes for too long in",
                "run it again when the other is done; a lease of one that died ends by itself",
            ),
            Trouble::Unsupported => {
                (codes::STORE_UNSUPPORTED, "this fitout cannot reach", "build it with the feature `network`")
            }
            Trouble::Failed => {
                (codes::STORE_FAILED, "no good answer from", "run it again: what was put is not put twice")
            }
            Trouble::Registry(refusal) => refusal.words_of_registry(),
            Trouble::Server(refusal) => refusal.words_of_server(),
            Trouble::NoProgram => (
                codes::COMMAND_NOT_FOUND,
                "there is no program to run:",
                "install it, or write its whole path; it is looked for in `PATH`",
            ),
            Trouble::Program => (
                codes::COMMAND_FAILED,
                "the command failed:",
                "mend what it says, then run it again; `--dry-run` shows the whole command",
            ),
            Trouble::OtherBytes => (
                codes::PUBLISH_OTHER_BYTES,
                "other bytes are already under this name in",
                "raise the version or `[package] release`; `--replace` puts it in place of the other",
            ),
        };
        let finding = Self::error(code, format!("{message} `{}`", error.place));
        error.message.lines().fold(finding, Self::note).help(help)
    }
}
