//! What can go wrong with an image registry or a server of packages, in words for whoever has to mend it.

use crate::diagnostic::{Code, codes};

/// What kind of trouble it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It wants to know who asks, and nothing says it.
    NoCredentials,
    /// It does not know whoever asks.
    WrongCredentials,
    /// It knows who asks, and does not let them.
    Forbidden,
    /// It has no such repository, or nothing at such an address, and makes none.
    NoRepository,
    /// It speaks no TLS, or not with a certificate that is known.
    Certificate,
    /// The file that `docker login` writes, or the helper that it names, cannot be used.
    Login,
    /// It takes the request for wrong.
    Refused,
    /// It does not answer, or not as it should.
    Failed,
    /// It took what was sent, and could not make anything of it, or not in time.
    Task,
}

impl Refusal {
    /// Code, message before the name, help.
    pub(crate) fn words_of_registry(self) -> (Code, &'static str, &'static str) {
        match self {
            Self::NoCredentials => (
                codes::REGISTRY_NO_CREDENTIALS,
                "there are no credentials for",
                "log in first, with `docker login` or `podman login`; fitout reads what they leave",
            ),
            Self::WrongCredentials => (
                codes::REGISTRY_WRONG_CREDENTIALS,
                "the credentials are not taken by",
                "log in again, with `docker login` or `podman login`: a token may have ended",
            ),
            Self::Forbidden => (
                codes::REGISTRY_FORBIDDEN,
                "the credentials may not do this in",
                "they need to pull and push there; a token has a list of what it may do",
            ),
            Self::NoRepository => (
                codes::REGISTRY_NO_REPOSITORY,
                "the registry has no repository",
                "make the repository (or its project) first: this registry makes none by itself",
            ),
            Self::Certificate => (
                codes::REGISTRY_CERTIFICATE,
                "no safe connection to",
                "set `ca = \"FILE.pem\"` if it has a certificate of your own, or `insecure = true` if it speaks plain HTTP",
            ),
            Self::Login => (
                codes::REGISTRY_LOGIN,
                "the credentials cannot be read for",
                "log in anew with `docker login` or `podman login`, or install the helper that the file names",
            ),
            Self::Refused => (
                codes::REGISTRY_REFUSED,
                "the registry refuses what is sent to",
                "mend what it says; nothing refers to what was sent before",
            ),
            Self::Failed | Self::Task => {
                (codes::REGISTRY_FAILED, "no good answer from", "run it again: what was sent is not sent twice")
            }
        }
    }

    /// The same, of a server of packages.
    pub(crate) fn words_of_server(self) -> (Code, &'static str, &'static str) {
        match self {
            Self::NoCredentials => (
                codes::HTTP_NO_CREDENTIALS,
                "there are no credentials for",
                "set `token`, or `username` and `password`, in this [[publish.http]]: `token = { env = \"NAME\" }`",
            ),
            Self::WrongCredentials | Self::Login => (
                codes::HTTP_WRONG_CREDENTIALS,
                "the credentials are not taken by",
                "look whether the token has ended, and whether the server wants it in another header (`token-header`)",
            ),
            Self::Forbidden => (
                codes::HTTP_FORBIDDEN,
                "the credentials may not do this at",
                "give the account or the token the right to write packages there",
            ),
            Self::NoRepository => (
                codes::HTTP_NOT_FOUND,
                "there is nothing at this address of",
                "look at `server`, `url` and `values`; most servers make no repository by themselves",
            ),
            Self::Certificate => (
                codes::HTTP_CERTIFICATE,
                "no safe connection to",
                "set `ca = \"FILE.pem\"` if it has a certificate of your own, or `insecure = true` if it speaks plain HTTP",
            ),
            Self::Refused => (
                codes::HTTP_REFUSED,
                "what is sent is refused by",
                "mend what it says; what was sent before is not sent again",
            ),
            Self::Failed => {
                (codes::HTTP_FAILED, "no good answer from", "run it again: what is there is not sent twice")
            }
            Self::Task => (
                codes::HTTP_TASK,
                "the package was sent, and is not taken in by",
                "look at the server's own log; then run it again",
            ),
        }
    }
}
