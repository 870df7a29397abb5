//! Blobs on their way to a registry.
//!
//! Enters: a body with its digest. Leaves: the blob is there, or why not. It is one POST and one PUT, streamed from disk; chunks go only
//! where they are asked for, because some registries stop at 4 MiB of a chunk and some keep the first alone. What was cut off begins
//! anew, or at the border of a chunk. Source: distribution-spec, "Pushing blobs".

use reqwest::Method;

use super::Refusal;
use super::place::{Ask, Registry};
use super::wire::{self, Answer};
use crate::store::{Body, StoreError};

/// A request that some do not let pass.
const LARGE: u64 = 4 << 20;

/// How it came to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Came {
    /// It was sent.
    Sent,
    /// The registry had it in another repository.
    Mounted,
}

impl Registry {
    /// Brings a blob there.
    pub(super) async fn upload(&self, digest: &str, body: &Body) -> Result<Came, StoreError> {
        let mut session = None;
        for from in &self.settings.mount_from {
            match self.mount(digest, from).await? {
                Mounted::Done => return Ok(Came::Mounted),
                Mounted::Session(answer) => session = Some(answer),
                Mounted::No => {}
            }
        }
        for attempt in 1.. {
            let result = self.try_upload(digest, body, session.take()).await;
            let Some(wait) = wire::wait(&result, attempt) else {
                let answer = result.map_err(|error| self.hinted(error, body))?;
                return match answer.status {
                    201 => self.same_digest(&answer, digest).map(|()| Came::Sent),
                    _ => Err(self.refused(&answer)),
                };
            };
            tokio::time::sleep(wait).await;
            // Its answer may have been lost.
            if self.has_blob(digest).await? == Some(body.size()) {
                return Ok(Came::Sent);
            }
        }
        unreachable!("the loop ends by its last try")
    }

    /// Whatever stops large requests often breaks the line rather than say so.
    fn hinted(&self, mut error: StoreError, body: &Body) -> StoreError {
        if body.size() > LARGE && self.settings.chunk.is_none() {
            error.message.push_str("; if something in between stops large requests, set `chunk = 4`");
        }
        error
    }

    async fn try_upload(&self, digest: &str, body: &Body, session: Option<Answer>) -> Result<Answer, StoreError> {
        let begun = match session {
            Some(answer) => answer,
            None => self.send(&Ask::new(Method::POST, self.url("blobs/uploads/"))).await?,
        };
        if begun.status != 202 {
            return Ok(begun);
        }
        let least = begun.header("oci-chunk-min-length").and_then(|text| text.parse::<u64>().ok());
        let asked = self.settings.chunk.map(|chunk| chunk.max(least.unwrap_or(0)));
        let mut location = self.location(&begun)?;
        let mut sent = 0;
        if let Some(chunk) = asked.filter(|chunk| *chunk < body.size()) {
            while body.size() - sent > chunk {
                let answer = self.chunk(&location, body, sent, chunk).await?;
                if answer.status != 202 {
                    return self.in_session(answer);
                }
                location = self.location(&answer)?;
                sent += chunk;
                let there = answer.header("range").and_then(|range| range.rsplit('-').next()?.parse::<u64>().ok());
                if there.is_some_and(|last| last + 1 != sent) {
                    let message = "it does not keep the chunks that it takes; leave `chunk` out";
                    return Err(wire::trouble(&self.repository, Refusal::Refused, message));
                }
            }
        }
        let mark = if location.contains('?') { '&' } else { '?' };
        let url = format!("{location}{mark}digest={digest}");
        let length = body.size() - sent;
        let mut ask = Ask::new(Method::PUT, url).part(body, sent, length).once();
        if sent > 0 {
            ask = ask.header("content-range", format!("{sent}-{}", body.size() - 1));
        }
        let answer = self.send(&ask).await?;
        self.in_session(answer)
    }

    /// A session that is gone, or at another place than it should be, can only be begun anew.
    fn in_session(&self, answer: Answer) -> Result<Answer, StoreError> {
        match answer.status {
            404 | 416 => Err(wire::trouble(&self.repository, Refusal::Failed, answer.told())),
            _ => Ok(answer),
        }
    }

    /// One chunk; one that was cut off is sent again, from its border on.
    async fn chunk(&self, location: &str, body: &Body, at: u64, length: u64) -> Result<Answer, StoreError> {
        let range = format!("{at}-{}", at + length - 1);
        let ask = Ask::new(Method::PATCH, location.to_owned()).part(body, at, length).header("content-range", range);
        self.send(&ask).await
    }

    /// Asks for a blob that another repository has. Whatever goes wrong, it can still be sent.
    async fn mount(&self, digest: &str, from: &str) -> Result<Mounted, StoreError> {
        let url = self.url(&format!("blobs/uploads/?mount={digest}&from={}", wire::escaped(from)));
        let mut ask = Ask::new(Method::POST, url);
        ask.more = Some(format!("repository:{from}:pull"));
        let answer = match self.send(&ask).await {
            Ok(answer) => answer,
            Err(error) if error.trouble == crate::store::Trouble::Registry(Refusal::Failed) => return Err(error),
            Err(_) => return Ok(Mounted::No),
        };
        Ok(match answer.status {
            201 => Mounted::Done,
            202 => Mounted::Session(answer),
            _ => Mounted::No,
        })
    }

    /// Where the next part goes: an address, or a path of the registry.
    fn location(&self, answer: &Answer) -> Result<String, StoreError> {
        let bad = || wire::trouble(&self.repository, Refusal::Failed, "it does not say where the blob goes");
        let location = answer.header("location").ok_or_else(bad)?;
        if location.starts_with("http://") && self.base.starts_with("https://") {
            let why = format!("asked by TLS, it wants the blob without: `{}`", without_query(location));
            return Err(wire::trouble(&self.repository, Refusal::Failed, why));
        }
        if location.starts_with("http://") || location.starts_with("https://") {
            return Ok(location.to_owned());
        }
        if location.starts_with('/') { Ok(format!("{}{location}", self.base)) } else { Err(bad()) }
    }
}

/// What may be told of an address: its query may let in whoever has it.
fn without_query(location: &str) -> &str {
    location.split(['?', '#']).next().unwrap_or_default()
}

enum Mounted {
    Done,
    Session(Answer),
    No,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_never_told() {
        let place = "http://registry.example.org/v2/app/blobs/uploads/1";
        for rest in ["", "?_state=secret", "?a=1&_state=secret", "#secret"] {
            assert_eq!(without_query(&format!("{place}{rest}")), place);
        }
    }
}
