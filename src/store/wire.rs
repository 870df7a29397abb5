//! One request, and when it is tried again.
//!
//! Enters: a request, and who is [`Asked`]: an image registry, a server of packages. Leaves: an [`Answer`], whatever its status, or that
//! there was none. Addresses are never told: what is in a query may let others in.

use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::time::Duration;

use futures_util::future::Either;
use futures_util::stream::{self, Stream};

use reqwest::header::HeaderMap;
use serde::Deserialize;

use super::{Body, Refusal, StoreError, Trouble, now};

/// Until a connection must be there.
const CONNECT: Duration = Duration::from_secs(10);
/// For which it may say nothing. A registry that takes in a large layer hashes it before it answers.
const SILENT: Duration = Duration::from_secs(300);
/// How often a request is tried.
pub(super) const TRIES: u32 = 6;
/// What is waited before the second try; then twice that, and so on.
const WAIT: Duration = Duration::from_millis(400);
/// The longest time that it may ask to wait.
const LONGEST_WAIT: Duration = Duration::from_secs(120);
/// Largest answer that is read: a manifest. Registries stop at 4 MiB.
pub(super) const LARGEST: usize = 8 << 20;
/// Characters of what it says is wrong.
const MOST_TOLD: usize = 1000;
/// Bytes of a file that are read at once.
const PIECE: u64 = 128 << 10;

/// Whoever answers.
pub(super) trait Asked: Sync {
    /// What it is called in messages.
    fn name(&self) -> String;
    /// What its refusals are told as.
    fn trouble(&self, refusal: Refusal) -> Trouble;
}

/// What is done where an answer leads elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Elsewhere {
    /// It is followed, but never from TLS to plain HTTP.
    Follow,
    /// Whoever asks decides.
    Tell,
}

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

#[derive(Default, Deserialize)]
struct Said {
    #[serde(default, rename = "errors")]
    list: Vec<Told>,
    #[serde(default)]
    details: String,
    #[serde(default)]
    message: String,
}

#[derive(Default, Deserialize)]
struct Told {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

impl Answer {
    /// A header as text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// All headers of a name.
    pub(super) fn headers(&self, name: &str) -> Vec<String> {
        self.headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).map(str::to_owned).collect()
    }

    /// Whether the same may work a little later.
    pub(super) fn may_pass(&self) -> bool {
        matches!(self.status, 408 | 425 | 429 | 500..=599)
    }

    /// How long it asks to wait.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        let seconds = self.header("retry-after")?.trim().parse().ok()?;
        Some(Duration::from_secs(seconds).min(LONGEST_WAIT))
    }

    fn said(&self) -> Said {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// What it says is wrong.
    pub(super) fn told(&self) -> String {
        let said = self.said();
        let told = said.list.iter().map(|error| format!("{}: {}", error.code, error.message));
        let more = [said.details, said.message].into_iter().filter(|text| !text.is_empty());
        let said: Vec<String> = told.chain(more).collect();
        let text = if said.is_empty() { String::new() } else { format!(": {}", said.join("; ")) };
        // Lines and colours are not theirs to choose.
        let text: String = text.chars().take(MOST_TOLD).map(|c| if c.is_control() { ' ' } else { c }).collect();
        format!("it answers with status {}{text}", self.status)
    }
}

/// Trouble with whoever is asked.
pub(super) fn trouble(asked: &dyn Asked, refusal: Refusal, message: impl std::fmt::Display) -> StoreError {
    StoreError::new(asked.name(), asked.trouble(refusal), message)
}

/// The client.
pub(super) fn client(
    asked: &dyn Asked,
    ca: Option<&[u8]>,
    elsewhere: Elsewhere,
) -> Result<reqwest::Client, StoreError> {
    // Whoever set another before is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let policy = reqwest::redirect::Policy::custom(move |attempt| {
        if elsewhere == Elsewhere::Tell {
            return attempt.stop();
        }
        let was_safe = attempt.previous().last().is_some_and(|url| url.scheme() == "https");
        if attempt.previous().len() > 8 || (was_safe && attempt.url().scheme() != "https") {
            return attempt.stop();
        }
        attempt.follow()
    });
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("fitout/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT)
        .read_timeout(SILENT)
        .redirect(policy);
    if let Some(pem) = ca {
        let bad = |why: String| trouble(asked, Refusal::Certificate, format!("`ca`: {why}"));
        let certificates = reqwest::Certificate::from_pem_bundle(pem).map_err(|error| bad(error.to_string()))?;
        if certificates.is_empty() {
            return Err(bad("there is no certificate in it".to_owned()));
        }
        builder = builder.tls_certs_merge(certificates);
    }
    builder.build().map_err(|error| failed(asked, error))
}

/// What a request came to that has no answer.
pub(super) fn failed(asked: &dyn Asked, error: reqwest::Error) -> StoreError {
    let told = StoreError::of(asked.name(), asked.trouble(Refusal::Failed), &error.without_url());
    let unsafe_words = ["certificate", "corrupt message", "UnknownIssuer", "HandshakeFailure", "InvalidContentType"];
    let trouble = if unsafe_words.iter().any(|word| told.message.contains(word)) {
        asked.trouble(Refusal::Certificate)
    } else {
        told.trouble
    };
    StoreError { trouble, ..told }
}

/// Sends once.
pub(super) async fn once(request: reqwest::RequestBuilder, asked: &dyn Asked) -> Result<Answer, StoreError> {
    within(request, asked, LARGEST).await
}

async fn within(request: reqwest::RequestBuilder, asked: &dyn Asked, most: usize) -> Result<Answer, StoreError> {
    read(request.send().await.map_err(|error| failed(asked, error))?, asked, most).await
}

/// All of an answer, of no more than `most` bytes.
pub(super) async fn read(
    mut response: reqwest::Response,
    asked: &dyn Asked,
    most: usize,
) -> Result<Answer, StoreError> {
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let mut body = Vec::new();
    while let Some(part) = response.chunk().await.map_err(|error| failed(asked, error))? {
        if body.len() + part.len() > most {
            return Err(trouble(asked, Refusal::Failed, format!("it answers with more than {most} bytes")));
        }
        body.extend_from_slice(&part);
    }
    Ok(Answer { status, headers, body })
}

/// Sends, and again while it may pass; the answer has no more than `most` bytes.
pub(super) async fn patient(
    request: reqwest::RequestBuilder,
    asked: &dyn Asked,
    most: usize,
) -> Result<Answer, StoreError> {
    for attempt in 1.. {
        let Some(again) = request.try_clone() else { break };
        let result = within(again, asked, most).await;
        let Some(wait) = wait(&result, attempt) else { return result };
        tokio::time::sleep(wait).await;
    }
    within(request, asked, most).await
}

/// How long to wait before the next try; none if there is to be none.
pub(super) fn wait(result: &Result<Answer, StoreError>, attempt: u32) -> Option<Duration> {
    if attempt >= TRIES {
        return None;
    }
    let backed_off = now::jitter(WAIT.saturating_mul(1 << (attempt - 1).min(10)));
    match result {
        Ok(answer) if answer.may_pass() => {
            Some(answer.retry_after().map_or(backed_off, |asked| asked + now::jitter(WAIT)))
        }
        Err(error)
            if matches!(error.trouble, Trouble::Registry(Refusal::Failed) | Trouble::Server(Refusal::Failed)) =>
        {
            Some(backed_off)
        }
        _ => None,
    }
}

/// `name=value&name=value`
pub(super) fn form(fields: &[(&str, &str)]) -> String {
    let pairs: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect();
    pairs.join("&")
}

/// For a query.
pub(super) fn escaped(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:/,".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// A part of a body that is read while it is sent.
pub(super) fn stream(body: &Body, at: u64, length: u64) -> io::Result<reqwest::Body> {
    Ok(reqwest::Body::wrap_stream(pieces(body, at, length)?))
}

/// The same in pieces.
pub(super) fn pieces(
    body: &Body,
    at: u64,
    length: u64,
) -> io::Result<impl Stream<Item = io::Result<Vec<u8>>> + Send + use<>> {
    let (path, offset) = match body {
        Body::Bytes(bytes) => {
            let (from, to) = (usize::try_from(at), usize::try_from(at + length));
            let part = from.ok().zip(to.ok()).and_then(|(from, to)| bytes.get(from..to));
            let part = part.unwrap_or_default().to_vec();
            return Ok(Either::Left(stream::once(async move { Ok(part) })));
        }
        Body::File { path, .. } => (path, 0),
        Body::Part { path, offset, .. } => (path, *offset),
    };
    let mut file = fs_err::File::open(path)?;
    file.seek(SeekFrom::Start(offset + at))?;
    Ok(Either::Right(stream::try_unfold((file, length), |(file, left)| async move {
        if left == 0 {
            return Ok(None);
        }
        let mut piece = Vec::with_capacity(usize::try_from(left.min(PIECE)).unwrap_or(0));
        (&file).take(left.min(PIECE)).read_to_end(&mut piece)?;
        if piece.is_empty() {
            return Err(io::Error::other("the file is shorter than it was"));
        }
        let left = left - piece.len() as u64;
        Ok(Some((piece, (file, left))))
    })))
}
