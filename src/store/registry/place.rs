//! The requests of a place, in the words of the distribution specification.
//!
//! What a registry does not want to tell (401, 403 or 405 where it is only asked whether something is there) is taken for unknown: it
//! is sent, and then the registry says why not.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use reqwest::Method;
use sha2::Digest as _;
use tokio::runtime::Runtime;

use super::super::now;
use super::access::Access;
use super::upload::Came;
use super::wire::{self, Answer, Elsewhere};
use super::{Refusal, Repository, Settings, login};
use crate::codec::hex::hex;
use crate::store::{Body, Depth, Hold, Kind, Meta, Object, Place, StoreError, Tag, Trouble, Variables, When, Written};

/// Requests at once: registries count them, and a push is a few large ones.
const AT_ONCE: usize = 4;
/// What is understood; without it some registries say that a manifest of OCI is not there.
const ACCEPT: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
                      application/vnd.docker.distribution.manifest.list.v2+json, \
                      application/vnd.docker.distribution.manifest.v2+json";

/// See the module.
pub(super) struct Registry {
    pub(super) repository: Repository,
    pub(super) settings: Settings,
    /// `https://host:port`
    pub(super) base: String,
    pub(super) http: reqwest::Client,
    pub(super) access: Access,
    runtime: Runtime,
    /// Blobs that were not there a moment ago.
    absent: Mutex<BTreeSet<String>>,
    notes: Mutex<BTreeSet<String>>,
    /// One at a time changes the list of what refers to a manifest.
    pub(super) referring: Mutex<()>,
}

/// What is asked.
pub(super) struct Ask<'a> {
    method: Method,
    url: String,
    headers: Vec<(&'static str, String)>,
    /// A part of a body: from, length.
    body: Option<(&'a Body, u64, u64)>,
    /// Whether it is not simply sent again.
    once: bool,
    /// One more scope that it needs.
    pub(super) more: Option<String>,
}

impl<'a> Ask<'a> {
    pub(super) fn new(method: Method, url: String) -> Self {
        Self { method, url, headers: Vec::new(), body: None, once: false, more: None }
    }

    pub(super) fn header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    pub(super) fn part(mut self, body: &'a Body, from: u64, length: u64) -> Self {
        self.body = Some((body, from, length));
        self
    }

    pub(super) fn once(mut self) -> Self {
        self.once = true;
        self
    }
}

pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Registry {
    pub(super) fn open(settings: Settings, variables: &Variables) -> Result<Self, StoreError> {
        let repository = settings.repository.clone();
        let login = login::find(&repository, variables)?;
        let http = wire::client(&repository, settings.ca.as_deref(), Elsewhere::Follow)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|error| wire::trouble(&repository, Refusal::Failed, error))?;
        let scheme = if settings.insecure { "http" } else { "https" };
        Ok(Self {
            base: format!("{scheme}://{}", repository.server()),
            access: Access::new(login, !settings.insecure),
            repository,
            settings,
            http,
            runtime,
            absent: Mutex::default(),
            notes: Mutex::default(),
            referring: Mutex::default(),
        })
    }

    pub(super) fn url(&self, key: &str) -> String {
        format!("{}/v2/{}/{key}", self.base, self.repository.asked())
    }

    /// What is to be allowed.
    pub(super) fn scopes(&self) -> Vec<String> {
        let actions = if self.settings.only_pulls { "pull" } else { "pull,push" };
        vec![format!("repository:{}:{actions}", self.repository.asked())]
    }

    /// Sends with what lets it in, and again while it may pass.
    pub(super) async fn send(&self, ask: &Ask<'_>) -> Result<Answer, StoreError> {
        let mut scopes = self.scopes();
        scopes.extend(ask.more.clone());
        // Where else a blob may go has its own word in the address.
        let own = ask.url.strip_prefix(&self.base).is_some_and(|path| path.starts_with('/'));
        let (mut renewed, mut attempt) = (0, 1);
        loop {
            let authorization =
                if own { self.access.header(&self.http, &scopes, &self.repository).await? } else { None };
            let mut request = self.http.request(ask.method.clone(), &ask.url);
            for (name, value) in &ask.headers {
                request = request.header(*name, value);
            }
            if let Some(text) = &authorization {
                request = request.header("authorization", text);
            }
            if let Some((body, from, length)) = ask.body {
                let part = wire::stream(body, from, length)
                    .map_err(|error| wire::trouble(&self.repository, Refusal::Refused, error))?;
                request = request.header("content-length", length).body(part);
                if ask.headers.iter().all(|(name, _)| *name != "content-type") {
                    request = request.header("content-type", "application/octet-stream");
                }
            } else if ask.method == Method::POST {
                request = request.body(Vec::new());
            }
            let result = wire::once(request, &self.repository).await;
            if let Ok(answer) = &result {
                locked(&self.notes).extend(answer.headers("warning").iter().filter_map(|text| warning(text)));
                let challenges = answer.headers("www-authenticate");
                if answer.status == 401
                    && own
                    && renewed < 2
                    && self.access.renew(&challenges, &scopes, authorization.as_deref())
                {
                    renewed += 1;
                    continue;
                }
            }
            let wait = if ask.once { None } else { wire::wait(&result, attempt) };
            let Some(wait) = wait else { return result };
            tokio::time::sleep(wait).await;
            attempt += 1;
        }
    }

    /// What an answer that is not the wanted one is told as.
    pub(super) fn refused(&self, answer: &Answer) -> StoreError {
        let refusal = match answer.status {
            401 if self.access.is_anonymous() => Refusal::NoCredentials,
            401 if self.access.is_basic() => Refusal::WrongCredentials,
            401 | 403 => Refusal::Forbidden,
            404 => Refusal::NoRepository,
            _ if answer.may_pass() => Refusal::Failed,
            _ => Refusal::Refused,
        };
        wire::trouble(&self.repository, refusal, answer.told())
    }

    /// The registry says what it has taken in; it must be what was sent.
    pub(super) fn same_digest(&self, answer: &Answer, digest: &str) -> Result<(), StoreError> {
        match answer.header("docker-content-digest") {
            Some(other) if other.starts_with("sha256:") && other != digest => {
                let message = format!("it took in `{other}`, and was sent `{digest}`");
                Err(wire::trouble(&self.repository, Refusal::Refused, message))
            }
            _ => Ok(()),
        }
    }

    /// The size of a blob that is there.
    pub(super) async fn has_blob(&self, digest: &str) -> Result<Option<u64>, StoreError> {
        let answer = self.look(Method::HEAD, &format!("blobs/{digest}")).await?;
        Ok(answer.and_then(|answer| answer.header("content-length")?.parse().ok()))
    }

    /// Asks for what may not be there.
    pub(super) async fn look(&self, method: Method, key: &str) -> Result<Option<Answer>, StoreError> {
        let ask = Ask::new(method, self.url(key));
        let ask = if key.starts_with("manifests/") { ask.header("accept", ACCEPT.to_owned()) } else { ask };
        let answer = self.send(&ask).await?;
        match answer.status {
            200 => Ok(Some(answer)),
            401 if self.access.is_basic() => Err(self.refused(&answer)),
            401 | 403 | 404 | 405 => Ok(None),
            _ => Err(self.refused(&answer)),
        }
    }

    /// Puts a manifest under a tag or its digest.
    pub(super) async fn put_manifest(&self, key: &str, bytes: &[u8], kind: &str) -> Result<Answer, StoreError> {
        let body = Body::Bytes(bytes.into());
        let ask = Ask::new(Method::PUT, self.url(key)).part(&body, 0, body.size());
        let answer = self.send(&ask.header("content-type", kind.to_owned())).await?;
        if !matches!(answer.status, 200..=202) {
            return Err(self.refused(&answer));
        }
        self.same_digest(&answer, &digest(bytes))?;
        Ok(answer)
    }

    fn meta(key: &str, size: u64, digest: &str) -> Meta {
        Meta {
            key: key.to_owned(),
            size,
            // Registries do not tell when: what they have is as good as new.
            modified: now::now(),
            tag: Tag { etag: Some(digest.to_owned()), version: None },
            sha256: digest.strip_prefix("sha256:").map(str::to_owned),
        }
    }
}

/// `sha256:…`
pub(super) fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex(&sha2::Sha256::digest(bytes)))
}

/// The text of `299 - "text"`.
fn warning(header: &str) -> Option<String> {
    let text = header.trim().strip_prefix("299 ")?.split_once('"')?.1;
    let text: String = text.trim_end_matches('"').chars().filter(|c| !c.is_control()).take(300).collect();
    (!text.is_empty()).then_some(text)
}

impl Place for Registry {
    fn name(&self) -> String {
        self.repository.to_string()
    }

    fn at_once(&self) -> usize {
        AT_ONCE
    }

    fn get(&self, key: &str) -> Result<Option<Object>, StoreError> {
        let Some(answer) = self.runtime.block_on(self.look(Method::GET, key))? else { return Ok(None) };
        let found = digest(&answer.body);
        self.same_digest(&answer, &found)?;
        let meta = Self::meta(key, answer.body.len() as u64, &found);
        Ok(Some(Object { bytes: answer.body, meta }))
    }

    fn head(&self, key: &str) -> Result<Option<Meta>, StoreError> {
        if let Some(digest) = key.strip_prefix("blobs/") {
            if locked(&self.absent).remove(digest) {
                return Ok(None);
            }
            let size = self.runtime.block_on(self.has_blob(digest))?;
            if size.is_none() {
                locked(&self.absent).insert(digest.to_owned());
            }
            return Ok(size.map(|size| Self::meta(key, size, digest)));
        }
        let Some(answer) = self.runtime.block_on(self.look(Method::HEAD, key))? else { return Ok(None) };
        let size = answer.header("content-length").and_then(|text| text.parse().ok());
        match (size, answer.header("docker-content-digest")) {
            (Some(size), Some(digest)) => Ok(Some(Self::meta(key, size, digest))),
            // It has to be looked at.
            _ => Ok(self.get(key)?.map(|object| object.meta)),
        }
    }

    fn fetch(&self, key: &str, file: &mut std::fs::File, most: u64) -> Result<bool, StoreError> {
        let Some(digest) = key.strip_prefix("blobs/") else {
            return super::super::written(self, key, file, most);
        };
        self.runtime.block_on(self.download(digest, file, most))
    }

    fn put(&self, key: &str, body: &Body, kind: &Kind, _: &When) -> Result<Written, StoreError> {
        if let Some(digest) = key.strip_prefix("blobs/") {
            locked(&self.absent).remove(digest);
            return Ok(match self.runtime.block_on(self.upload(digest, body))? {
                Came::Sent => Written::Done,
                Came::Mounted => Written::Lost,
            });
        }
        let bytes = body.read().map_err(|error| wire::trouble(&self.repository, Refusal::Refused, error))?;
        let answer = self.runtime.block_on(self.put_manifest(key, &bytes, kind.content_type))?;
        if answer.header("oci-subject").is_none() {
            let _one_by_one = self.referring();
            self.runtime.block_on(self.refer(&bytes, kind.content_type))?;
        }
        Ok(Written::Done)
    }

    fn list(&self, _: &str, _: Depth) -> Result<Vec<Meta>, StoreError> {
        Ok(Vec::new())
    }

    fn remove(&self, _: &str) -> Result<(), StoreError> {
        let message = "images are removed by the registry's own means";
        Err(StoreError::new(self.name(), Trouble::Unsupported, message))
    }

    fn hold(&self, _: &str) -> Result<Option<Hold<'_>>, StoreError> {
        Ok(None)
    }

    fn notes(&self) -> Vec<String> {
        std::mem::take(&mut *locked(&self.notes)).into_iter().collect()
    }
}
