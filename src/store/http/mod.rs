//! Requests to servers of packages: Artifactory, Nexus, forges, and whatever else takes files by HTTP.
//!
//! Enters: a [`Request`] with a body that may lie on disk. Leaves: an [`Answer`], after as many tries as it takes. Credentials go to the
//! place that was asked and to none that it leads to. Not here: which requests a product wants, and what its answers mean (`publish`).

use std::collections::BTreeMap;

use super::{Body, Refusal, StoreError};

#[cfg(feature = "network")]
mod client;

/// What is known of a server before it is asked.
#[derive(Clone)]
pub struct Settings {
    /// What it is called in messages.
    pub name: String,
    /// Certificates in PEM that are trusted besides the system's.
    pub ca: Option<Vec<u8>>,
    /// Whether credentials may go by plain HTTP.
    pub insecure: bool,
    /// Headers that let somebody in.
    pub credentials: Vec<(String, String)>,
}

/// What is asked.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// `PUT`
    pub method: String,
    /// Whole address.
    pub url: String,
    /// Headers without secrets.
    pub headers: Vec<(String, String)>,
    /// What is sent.
    pub content: Content,
    /// Statuses that are an answer, even those that often pass.
    pub expected: Vec<u16>,
}

/// What is sent with a request.
#[derive(Debug, Clone, Default)]
pub enum Content {
    /// Nothing.
    #[default]
    Nothing,
    /// Bytes as they are.
    Raw(Body),
    /// A form with a file, as browsers send it.
    Form {
        /// Names and values before the file.
        fields: Vec<(String, String)>,
        /// The field of the file.
        field: String,
        /// What the file is called.
        file: String,
        /// Its MIME type.
        content_type: String,
        /// Its bytes.
        body: Body,
    },
}

/// An answer, whatever its status.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Headers; names in lower case.
    pub headers: BTreeMap<String, String>,
    /// All of the body.
    pub body: Vec<u8>,
}

/// Characters of an answer that are told.
const TOLD: usize = 300;

impl Answer {
    /// Whether it is a good one.
    pub fn is_good(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// What it says is wrong, in one line. A page for browsers says nothing.
    pub fn told(&self) -> String {
        let text = String::from_utf8_lossy(&self.body);
        let page = text.trim_start().starts_with('<');
        let words: Vec<&str> = text.split(|c: char| c.is_control() || c.is_whitespace()).collect();
        let words: String = words.join(" ").chars().take(TOLD).collect();
        let words = words.trim();
        if page || words.is_empty() {
            format!("it answers with status {}", self.status)
        } else {
            format!("it answers with status {}: {words}", self.status)
        }
    }

    /// What kind of refusal it is.
    pub fn refusal(&self, anonymous: bool) -> Refusal {
        match self.status {
            401 if anonymous => Refusal::NoCredentials,
            401 => Refusal::WrongCredentials,
            403 => Refusal::Forbidden,
            404 => Refusal::NoRepository,
            408 | 425 | 429 | 500..=599 => Refusal::Failed,
            _ => Refusal::Refused,
        }
    }
}

/// A server that can be asked.
pub trait Server: Send + Sync {
    /// Sends, and again while it may pass: lines that break, 429 and 5xx, after the pause that it asks for. What is refused otherwise is
    /// sent once.
    ///
    /// # Errors
    /// There was no answer, or the body cannot be read.
    fn send(&self, request: &Request) -> Result<Answer, StoreError>;
    /// Size and SHA-256 in hex of what lies at an address; none if there is nothing. It is read piece by piece.
    ///
    /// # Errors
    /// As [`Server::send`]; or it does not give it.
    fn digest(&self, url: &str) -> Result<Option<(u64, String)>, StoreError>;
}

/// Opens a server; nothing is asked of it yet.
///
/// # Errors
/// The certificates cannot be read, or this fitout was built without the network.
pub fn open(settings: Settings) -> Result<Box<dyn Server>, StoreError> {
    #[cfg(feature = "network")]
    return Ok(Box::new(client::Client::open(settings)?));
    #[cfg(not(feature = "network"))]
    Err(StoreError::new(settings.name, super::Trouble::Unsupported, "built without the feature `network`"))
}
