//! The requests on the wire.
//!
//! Bodies are read from disk while they are sent, and anew for each try. Answers that lead elsewhere are followed here, since a header of
//! one's own (`PRIVATE-TOKEN`) must not go along to another host, and a body has to be sent again.

use std::fmt::Write as _;
use std::io;

use futures_util::{StreamExt as _, stream};
use reqwest::header::HeaderMap;
use reqwest::{Method, Url};
use sha2::Digest as _;
use tokio::runtime::Runtime;

use super::{Answer, Content, Request, Server, Settings};
use crate::codec::hex::hex;
use crate::store::wire::{self, Asked, Elsewhere};
use crate::store::{Refusal, StoreError, Trouble, now};

/// How often an answer may lead elsewhere.
const HOPS: usize = 6;

/// See the module.
pub(super) struct Client {
    settings: Settings,
    http: reqwest::Client,
    runtime: Runtime,
}

impl Asked for Settings {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn trouble(&self, refusal: Refusal) -> Trouble {
        Trouble::Server(refusal)
    }
}

impl Client {
    pub(super) fn open(settings: Settings) -> Result<Self, StoreError> {
        let http = wire::client(&settings, settings.ca.as_deref(), Elsewhere::Tell)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|error| wire::trouble(&settings, Refusal::Failed, error))?;
        Ok(Self { settings, http, runtime })
    }

    fn trouble(&self, refusal: Refusal, message: impl std::fmt::Display) -> StoreError {
        wire::trouble(&self.settings, refusal, message)
    }

    fn url(&self, text: &str) -> Result<Url, StoreError> {
        let url = Url::parse(text).map_err(|error| self.trouble(Refusal::Refused, format!("no address: {error}")))?;
        let plain = url.scheme() == "http";
        if plain && !self.settings.insecure {
            let why = "it is asked by plain HTTP, where everybody on the way reads and changes what is sent";
            return Err(self.trouble(Refusal::Certificate, why));
        }
        if (!plain && url.scheme() != "https") || !url.username().is_empty() || url.password().is_some() {
            let why = "an address begins with `https://` or `http://` and has no credentials in it";
            return Err(self.trouble(Refusal::Refused, why));
        }
        Ok(url)
    }

    /// Once, wherever it leads.
    async fn once(&self, request: &Request) -> Result<reqwest::Response, StoreError> {
        let first = self.url(&request.url)?;
        let mut url = first.clone();
        let method = Method::from_bytes(request.method.as_bytes());
        let mut method = method.map_err(|error| self.trouble(Refusal::Refused, error))?;
        let mut content = &request.content;
        for _ in 0..HOPS {
            let mut builder = self.http.request(method.clone(), url.clone());
            for (name, value) in &request.headers {
                builder = builder.header(name, value);
            }
            // Another host has credentials of its own in its address.
            if url.origin() == first.origin() {
                for (name, value) in &self.settings.credentials {
                    builder = builder.header(name, value);
                }
            }
            let builder = with(builder, &method, content).map_err(|error| self.trouble(Refusal::Refused, error))?;
            let response = builder.send().await.map_err(|error| wire::failed(&self.settings, error))?;
            let status = response.status().as_u16();
            let to = response.headers().get("location").and_then(|to| to.to_str().ok());
            let (301 | 302 | 303 | 307 | 308, Some(to)) = (status, to) else { return Ok(response) };
            let to =
                url.join(to).map_err(|error| self.trouble(Refusal::Failed, format!("it leads nowhere: {error}")))?;
            if url.scheme() == "https" && to.scheme() != "https" {
                return Err(self.trouble(Refusal::Certificate, "asked by TLS, it leads elsewhere without"));
            }
            if status == 303 || (status < 303 && method == Method::POST) {
                (method, content) = (Method::GET, &Content::Nothing);
            }
            url = to;
        }
        Err(self.trouble(Refusal::Failed, "it leads in a circle"))
    }

    async fn whole(&self, request: &Request) -> Result<wire::Answer, StoreError> {
        let response = self.once(request).await?;
        wire::read(response, &self.settings, wire::LARGEST).await
    }

    async fn digest_once(&self, request: &Request) -> Result<Result<(u64, String), wire::Answer>, StoreError> {
        let mut response = self.once(request).await?;
        if !response.status().is_success() {
            return Ok(Err(wire::read(response, &self.settings, wire::LARGEST).await?));
        }
        let (mut size, mut hasher) = (0, sha2::Sha256::new());
        while let Some(part) = response.chunk().await.map_err(|error| wire::failed(&self.settings, error))? {
            size += part.len() as u64;
            hasher.update(&part);
        }
        Ok(Ok((size, hex(&hasher.finalize()))))
    }
}

/// A request with what it sends.
fn with(builder: reqwest::RequestBuilder, method: &Method, content: &Content) -> io::Result<reqwest::RequestBuilder> {
    Ok(match content {
        Content::Nothing if *method == Method::POST || *method == Method::PUT => builder.body(Vec::new()),
        Content::Nothing => builder,
        Content::Raw(body) => builder.header("content-length", body.size()).body(wire::stream(body, 0, body.size())?),
        Content::Form { fields, field, file, content_type, body } => {
            let boundary = format!("fitout-{}{}", now::unique(), now::unique());
            let mut head = String::new();
            for (name, value) in fields {
                let _ = write!(
                    head,
                    "--{boundary}\r\nContent-Disposition: form-data; name=\"{}\"\r\n\r\n{value}\r\n",
                    quoted(name)
                );
            }
            let _ = write!(
                head,
                "--{boundary}\r\nContent-Disposition: form-data; name=\"{}\"; filename=\"{}\"\r\nContent-Type: {content_type}\r\n\r\n",
                quoted(field),
                quoted(file)
            );
            let tail = format!("\r\n--{boundary}--\r\n");
            let length = head.len() as u64 + body.size() + tail.len() as u64;
            let edge = |text: String| stream::once(async move { Ok::<_, io::Error>(text.into_bytes()) });
            let pieces = edge(head).chain(wire::pieces(body, 0, body.size())?).chain(edge(tail));
            builder
                .header("content-type", format!("multipart/form-data; boundary={boundary}"))
                .header("content-length", length)
                .body(reqwest::Body::wrap_stream(pieces))
        }
    })
}

/// As browsers do it: HTML, "multipart/form-data encoding algorithm".
fn quoted(text: &str) -> String {
    text.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

fn answer(answer: wire::Answer) -> Answer {
    let texts = |headers: &HeaderMap| {
        let pairs = headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    };
    Answer { status: answer.status, headers: texts(&answer.headers), body: answer.body }
}

impl Server for Client {
    fn send(&self, request: &Request) -> Result<Answer, StoreError> {
        self.runtime.block_on(async {
            for attempt in 1.. {
                let result = self.whole(request).await;
                let expected = result.as_ref().is_ok_and(|answer| request.expected.contains(&answer.status));
                let wait = if expected { None } else { wire::wait(&result, attempt) };
                let Some(wait) = wait else { return result.map(answer) };
                tokio::time::sleep(wait).await;
            }
            unreachable!("the loop ends by its last try")
        })
    }

    fn digest(&self, url: &str) -> Result<Option<(u64, String)>, StoreError> {
        let request = Request { method: "GET".to_owned(), url: url.to_owned(), ..Request::default() };
        self.runtime.block_on(async {
            for attempt in 1.. {
                let (found, result) = match self.digest_once(&request).await {
                    Ok(Ok(found)) => return Ok(Some(found)),
                    Ok(Err(answer)) if answer.status == 404 => return Ok(None),
                    Ok(Err(refused)) => (Some(refused.status), Ok(refused)),
                    Err(error) => (None, Err(error)),
                };
                let Some(wait) = wire::wait(&result, attempt) else {
                    let told = answer(result?);
                    debug_assert_eq!(found, Some(told.status));
                    return Err(self.trouble(told.refusal(self.settings.credentials.is_empty()), told.told()));
                };
                tokio::time::sleep(wait).await;
            }
            unreachable!("the loop ends by its last try")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Body;

    #[test]
    fn a_form_is_as_long_as_it_says() {
        let form = Content::Form {
            fields: vec![("package[distro_version_id]".to_owned(), "215".to_owned())],
            field: "package[\"file\"]".to_owned(),
            file: "a.deb".to_owned(),
            content_type: "application/octet-stream".to_owned(),
            body: Body::Bytes(b"bytes".as_slice().into()),
        };
        let client = Client::open(Settings { name: "x".into(), ca: None, insecure: true, credentials: Vec::new() });
        let client = client.unwrap();
        let request = with(client.http.post("http://127.0.0.1/"), &Method::POST, &form).unwrap().build().unwrap();
        let length: usize = request.headers()["content-length"].to_str().unwrap().parse().unwrap();
        let kind = request.headers()["content-type"].to_str().unwrap().to_owned();
        let boundary = kind.split_once("boundary=").unwrap().1;
        let part = |head: &str, body: &str| {
            format!("--{boundary}\r\nContent-Disposition: form-data; {head}\r\n\r\n{body}\r\n")
        };
        let wanted = part("name=\"package[distro_version_id]\"", "215")
            + &part(
                "name=\"package[%22file%22]\"; filename=\"a.deb\"\r\nContent-Type: application/octet-stream",
                "bytes",
            )
            + &format!("--{boundary}--\r\n");
        assert_eq!(length, wanted.len());
    }

    #[test]
    fn plain_http_has_to_be_asked_for() {
        let settings = Settings { name: "x".into(), ca: None, insecure: false, credentials: Vec::new() };
        let client = Client::open(settings).unwrap();
        for (url, refusal) in [
            ("http://example.org/", Refusal::Certificate),
            ("https://user:word@example.org/", Refusal::Refused),
            ("ftp://example.org/", Refusal::Refused),
            ("example.org", Refusal::Refused),
        ] {
            assert_eq!(client.url(url).unwrap_err().trouble, Trouble::Server(refusal), "{url}");
        }
        assert!(client.url("https://example.org/a").is_ok());
    }
}
