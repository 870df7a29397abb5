//! A place as everybody sees it: objects below an `https://` address.
//!
//! Enters: an address. Leaves: a [`Place`] that is only read. What lies there cannot be listed.

use tokio::runtime::Runtime;

use super::wire::{self, Answer, Asked, Elsewhere};
use super::{Body, Depth, Hold, Kind, Meta, Object, Place, Refusal, StoreError, Tag, Trouble, When, Written};
use crate::codec::calendar;

/// Largest object that is read.
const LARGEST: usize = 2 << 30;
/// Requests at once.
const AT_ONCE: usize = 8;

/// See the module.
pub struct Web {
    url: String,
    client: reqwest::Client,
    runtime: Runtime,
}

/// Who is asked, in messages.
struct Server<'w>(&'w str);

impl Asked for Server<'_> {
    fn name(&self) -> String {
        self.0.to_owned()
    }

    fn trouble(&self, refusal: Refusal) -> Trouble {
        Trouble::Server(refusal)
    }
}

impl Web {
    /// Nothing is asked yet. `url` is without credentials.
    ///
    /// # Errors
    /// The client cannot be made.
    pub fn open(url: &str) -> Result<Self, StoreError> {
        let url = url.trim_end_matches('/').to_owned();
        let client = wire::client(&Server(&url), None, Elsewhere::Follow)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.map_err(|error| wire::trouble(&Server(&url), Refusal::Failed, error))?;
        Ok(Self { url, client, runtime })
    }

    /// The answer, if there is such an object. S3 answers 403 to those who may not list.
    fn ask(&self, method: &reqwest::Method, key: &str) -> Result<Option<Answer>, StoreError> {
        let asked = Server(&self.url);
        let url = format!("{}/{}", self.url, wire::escaped(key));
        // Caches in between may be older than the root.
        let request = self.client.request(method.clone(), &url).header("cache-control", "no-cache");
        let answer = self.runtime.block_on(wire::patient(request, &asked, LARGEST))?;
        match answer.status {
            200 => Ok(Some(answer)),
            403 | 404 | 410 => Ok(None),
            _ => Err(wire::trouble(&asked, Refusal::Failed, answer.told())),
        }
    }

    fn only_read(&self) -> StoreError {
        wire::trouble(&Server(&self.url), Refusal::Refused, "it is only read")
    }
}

fn meta(key: &str, size: u64, answer: &Answer) -> Meta {
    let modified =
        answer.header("last-modified").and_then(|time| calendar::parse_rfc5322(&time.replace("GMT", "+0000")));
    Meta {
        key: key.to_owned(),
        size,
        modified: modified.unwrap_or_default(),
        tag: Tag { etag: answer.header("etag").map(str::to_owned), version: None },
        sha256: None,
    }
}

impl Place for Web {
    fn name(&self) -> String {
        self.url.clone()
    }

    fn at_once(&self) -> usize {
        AT_ONCE
    }

    fn get(&self, key: &str) -> Result<Option<Object>, StoreError> {
        let found = self.ask(&reqwest::Method::GET, key)?;
        Ok(found.map(|mut answer| {
            let bytes = std::mem::take(&mut answer.body);
            Object { meta: meta(key, bytes.len() as u64, &answer), bytes }
        }))
    }

    fn head(&self, key: &str) -> Result<Option<Meta>, StoreError> {
        let found = self.ask(&reqwest::Method::HEAD, key)?;
        let size = |answer: &Answer| answer.header("content-length").and_then(|size| size.parse().ok());
        Ok(found.map(|answer| meta(key, size(&answer).unwrap_or_default(), &answer)))
    }

    fn put(&self, _: &str, _: &Body, _: &Kind, _: &When) -> Result<Written, StoreError> {
        Err(self.only_read())
    }

    fn list(&self, _: &str, _: Depth) -> Result<Vec<Meta>, StoreError> {
        Ok(Vec::new())
    }

    fn can_list(&self) -> bool {
        false
    }

    fn remove(&self, _: &str) -> Result<(), StoreError> {
        Err(self.only_read())
    }

    fn hold(&self, _: &str) -> Result<Option<Hold<'_>>, StoreError> {
        Err(self.only_read())
    }
}
