//! A bucket of S3, Google Cloud Storage or Azure as a place.
//!
//! Enters: an [`Address`] and the variables that the tools of these stores read. Leaves: a [`Place`]. Whether a store keeps the
//! conditions of [`When`] is tried once, at the first hold, with an object of its own: some want `If-Match` without quotes, some pass
//! over it. There a lease keeps others out.

use std::future::Future;
use std::io::Read as _;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use object_store::path::Path;
use object_store::{
    Attribute, Attributes, ObjectMeta, ObjectStore, ObjectStoreExt as _, PutMode, PutMultipartOptions, PutOptions,
    PutPayload, UpdateVersion,
};
use tokio::runtime::Runtime;

use super::client::{self, Limits};
use super::{
    Address, Body, Depth, Hold, Keep, Kind, Meta, Object, PATIENCE, Place, StoreError, Tag, Trouble, Variables, When,
    Written, now as clock,
};

/// A part of the largest size may go over a slow line.
const LIMITS: Limits = Limits {
    connect: Duration::from_secs(5),
    request: Duration::from_secs(120),
    retry: Duration::from_secs(60),
    retries: 6,
};
/// Requests at once.
const AT_ONCE: usize = 16;
/// Bytes that are sent in one request; more go in parts of this size.
const PART: u64 = 16 << 20;
/// Seconds for which a lease lasts.
const LEASE: i64 = 60;
/// Seconds before its end at which it is not renewed any more.
const MARGIN: i64 = 10;
/// After which a lease that was put is taken to be seen by all.
const SETTLE: Duration = Duration::from_millis(1500);

/// See the module.
pub(super) struct Bucket {
    name: String,
    store: Arc<dyn ObjectStore>,
    prefix: String,
    runtime: Runtime,
    conditions: OnceLock<Conditions>,
}

/// What the store keeps of conditions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Conditions {
    /// All.
    Kept,
    /// All, with an `ETag` without its quotes.
    Unquoted,
    /// Not all.
    Passed,
}

impl Bucket {
    /// Nothing is asked yet.
    pub(super) fn open(address: &Address, variables: &Variables) -> Result<Self, StoreError> {
        let name = address.to_string();
        let store = client::open(address, variables, LIMITS)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|error| StoreError::of(&*name, Trouble::Failed, &error))?;
        Ok(Self { name, store, prefix: address.path.clone(), runtime, conditions: OnceLock::new() })
    }

    fn path(&self, key: &str) -> Result<Path, StoreError> {
        let whole = if self.prefix.is_empty() { key.to_owned() } else { format!("{}/{key}", self.prefix) };
        // `Path::from` would spell `~` as `%7E`.
        Path::parse(whole.trim_end_matches('/')).map_err(|error| StoreError::of(&*self.name, Trouble::Failed, &error))
    }

    fn key(&self, path: &Path) -> String {
        let path = path.as_ref();
        path.strip_prefix(&self.prefix).unwrap_or(path).trim_start_matches('/').to_owned()
    }

    /// What is not there is none.
    fn ask<T>(&self, request: impl Future<Output = object_store::Result<T>>) -> Result<Option<T>, StoreError> {
        match self.runtime.block_on(request) {
            Ok(answer) => Ok(Some(answer)),
            Err(object_store::Error::NotFound { source, .. }) if !source.to_string().contains("NoSuchBucket") => {
                Ok(None)
            }
            Err(error) => Err(self.trouble(&error)),
        }
    }

    fn trouble(&self, error: &object_store::Error) -> StoreError {
        use object_store::Error;
        let told = StoreError::of(&*self.name, Trouble::Failed, error);
        let says = |words: &[&str]| words.iter().any(|word| told.message.contains(word));
        let trouble = match error {
            _ if says(&["RequestTimeTooSkewed", "RequestExpired", "AuthenticationFailed: Request date"]) => {
                Trouble::Clock
            }
            _ if says(&["NoSuchBucket", "ContainerNotFound", "The specified bucket does not exist"]) => {
                Trouble::NoBucket
            }
            _ if says(&["InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "ExpiredToken"]) => {
                Trouble::WrongCredentials
            }
            Error::Unauthenticated { .. } if says(&["credential_process"]) => Trouble::NoCredentials,
            Error::Unauthenticated { .. } => Trouble::WrongCredentials,
            // Without keys the machine's own are asked for, at an address that only clouds have.
            _ if says(&["169.254.169.254", "metadata.google.internal"]) => Trouble::NoCredentials,
            Error::PermissionDenied { .. } => Trouble::Forbidden,
            _ => Trouble::Failed,
        };
        StoreError { trouble, ..told }
    }

    fn meta(&self, meta: &ObjectMeta) -> Meta {
        Meta {
            key: self.key(&meta.location),
            size: meta.size,
            modified: meta.last_modified.timestamp(),
            tag: Tag { etag: meta.e_tag.clone(), version: meta.version.clone() },
            sha256: None,
        }
    }

    /// Streams a large file in parts. Such a put has no condition: whoever calls has looked whether there is one.
    fn put_parts(&self, path: &Path, body: &Body, attributes: Attributes) -> Result<Written, StoreError> {
        let Body::File { path: file, size } = body else {
            return Err(StoreError::new(&*self.name, Trouble::Failed, "only a file is sent in parts"));
        };
        let unread = |error: &std::io::Error| StoreError::of(&*self.name, Trouble::Failed, error);
        let mut content = fs_err::File::open(file).map_err(|error| unread(&error))?;
        let options = PutMultipartOptions { attributes, ..PutMultipartOptions::default() };
        let none = || StoreError::new(&*self.name, Trouble::NoBucket, "there is no such bucket");
        let mut upload = self.ask(self.store.put_multipart_opts(path, options))?.ok_or_else(none)?;
        let mut sent = 0;
        let mut parts = || -> Result<(), StoreError> {
            while sent < *size {
                let mut part = Vec::new();
                (&mut content).take(PART).read_to_end(&mut part).map_err(|error| unread(&error))?;
                sent += part.len() as u64;
                if part.is_empty() || sent > *size {
                    return Err(unread(&super::changed(file)));
                }
                self.ask(upload.put_part(part.into()))?.ok_or_else(none)?;
            }
            self.ask(upload.complete())?.map(drop).ok_or_else(none)
        };
        let done = parts();
        if let Err(error) = done {
            // Parts that nobody completes are paid for.
            let _ = self.runtime.block_on(upload.abort());
            return Err(error);
        }
        Ok(Written::Done)
    }

    fn put_whole(
        &self,
        path: &Path,
        bytes: Vec<u8>,
        attributes: Attributes,
        mode: PutMode,
    ) -> Result<Written, StoreError> {
        let options = PutOptions { mode, attributes, ..PutOptions::default() };
        match self.runtime.block_on(self.store.put_opts(path, PutPayload::from(bytes), options)) {
            Ok(_) => Ok(Written::Done),
            Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => {
                Ok(Written::Lost)
            }
            Err(object_store::Error::NotFound { source, .. }) => {
                Err(StoreError::of(&*self.name, Trouble::NoBucket, &*source))
            }
            Err(error) => Err(self.trouble(&error)),
        }
    }

    fn mode(&self, when: &When) -> PutMode {
        match when {
            When::Always => PutMode::Overwrite,
            When::Absent => PutMode::Create,
            // Where conditions are passed over, the lease is what keeps others out.
            When::Is(_) if self.conditions.get() == Some(&Conditions::Passed) => PutMode::Overwrite,
            When::Is(tag) => {
                let unquoted = self.conditions.get() == Some(&Conditions::Unquoted);
                let quotes = |etag: &String| if unquoted { etag.trim_matches('"').to_owned() } else { etag.clone() };
                PutMode::Update(UpdateVersion { e_tag: tag.etag.as_ref().map(quotes), version: tag.version.clone() })
            }
        }
    }

    /// Tries what the store makes of conditions, once.
    fn conditions(&self) -> Result<Conditions, StoreError> {
        if let Some(known) = self.conditions.get() {
            return Ok(*known);
        }
        let key = format!(".fitout-probe-{}", clock::unique());
        let found = self.probe(&key);
        let _ = self.remove(&key);
        let found = found?;
        Ok(*self.conditions.get_or_init(|| found))
    }

    /// A put that was repeated after its answer was lost may be refused although it was done: what is there says so. Only what a store
    /// that keeps conditions never does is taken for one that passes over them.
    fn probe(&self, key: &str) -> Result<Conditions, StoreError> {
        let path = self.path(key)?;
        let put = |text: &str, mode| self.put_whole(&path, text.as_bytes().to_vec(), Attributes::new(), mode);
        let holds =
            |text: &str| Ok::<_, StoreError>(self.get(key)?.is_some_and(|object| object.bytes == text.as_bytes()));
        let now = || {
            let meta = self.ask(self.store.head(&path))?;
            Ok::<_, StoreError>(meta.map_or((None, None), |meta| (meta.e_tag, meta.version)))
        };
        put("1", PutMode::Create)?;
        if put("2", PutMode::Create)? == Written::Done {
            return Ok(Conditions::Passed);
        }
        let update = |tag: &(Option<String>, Option<String>)| {
            PutMode::Update(UpdateVersion { e_tag: tag.0.clone(), version: tag.1.clone() })
        };
        let stale = now()?;
        let unquoted = |tag: &(Option<String>, Option<String>)| {
            (tag.0.as_ref().map(|etag| etag.trim_matches('"').to_owned()), tag.1.clone())
        };
        let (conditions, stale) = if put("3", update(&stale))? == Written::Done || holds("3")? {
            (Conditions::Kept, stale)
        } else if put("3", update(&unquoted(&stale)))? == Written::Done || holds("3")? {
            (Conditions::Unquoted, unquoted(&stale))
        } else {
            return Ok(Conditions::Passed);
        };
        Ok(if put("4", update(&stale))? == Written::Lost { conditions } else { Conditions::Passed })
    }

    /// Takes the lease, as soon as nobody has it. Two that put it at once see after a while who was last.
    fn lease(&self, key: &str) -> Result<Lease<'_>, StoreError> {
        let lease = Lease { bucket: self, key: format!("{key}.fitout-lease"), own: clock::unique() };
        let started = std::time::Instant::now();
        loop {
            let now = clock::now();
            if lease.there()?.is_none_or(|(_, until)| until < now) {
                lease.write(now)?;
                std::thread::sleep(SETTLE);
                if lease.there()?.is_some_and(|(who, _)| who == lease.own) {
                    return Ok(lease);
                }
            }
            if started.elapsed() > PATIENCE {
                let key = &lease.key;
                return Err(StoreError::new(&*self.name, Trouble::Held, format!("`{key}` is somebody else's")));
            }
            std::thread::sleep(clock::jitter(Duration::from_millis(500)));
        }
    }
}

/// An object that says whose it is and until when.
struct Lease<'b> {
    bucket: &'b Bucket,
    key: String,
    own: String,
}

impl Lease<'_> {
    fn there(&self) -> Result<Option<(String, i64)>, StoreError> {
        let object = self.bucket.get(&self.key)?;
        Ok(object.and_then(|object| {
            let text = String::from_utf8(object.bytes).ok()?;
            let (who, until) = text.split_once(' ')?;
            Some((who.to_owned(), until.trim().parse().ok()?))
        }))
    }

    fn write(&self, now: i64) -> Result<(), StoreError> {
        let text = format!("{} {}", self.own, now + LEASE);
        let kind = Kind { content_type: "text/plain", immutable: false, sha256: None };
        self.bucket.put(&self.key, &Body::Bytes(text.as_bytes().into()), &kind, &When::Always).map(drop)
    }
}

impl Keep for Lease<'_> {
    /// One that is about to end may be somebody else's by the time that it is written.
    fn renew(&mut self) -> Result<bool, StoreError> {
        let now = clock::now();
        let is_own = self.there()?.is_some_and(|(who, until)| who == self.own && now + MARGIN < until);
        if is_own {
            self.write(now)?;
        }
        Ok(is_own)
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        // Somebody else's stays; one that cannot be removed ends by itself.
        if self.there().is_ok_and(|there| there.is_some_and(|(who, _)| who == self.own)) {
            let _ = self.bucket.remove(&self.key);
        }
    }
}

impl Place for Bucket {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn at_once(&self) -> usize {
        AT_ONCE
    }

    fn get(&self, key: &str) -> Result<Option<Object>, StoreError> {
        let path = self.path(key)?;
        let found = self.ask(async {
            let answer = self.store.get(&path).await?;
            let meta = answer.meta.clone();
            Ok((meta, answer.bytes().await?))
        })?;
        Ok(found.map(|(meta, bytes)| Object { bytes: bytes.into(), meta: self.meta(&meta) }))
    }

    fn head(&self, key: &str) -> Result<Option<Meta>, StoreError> {
        let path = self.path(key)?;
        let options = object_store::GetOptions { head: true, ..object_store::GetOptions::default() };
        let found = self.ask(self.store.get_opts(&path, options))?;
        Ok(found.map(|found| {
            let sha256 =
                found.attributes.get(&Attribute::Metadata("sha256".into())).map(|value| value.as_ref().to_owned());
            Meta { sha256, ..self.meta(&found.meta) }
        }))
    }

    fn put(&self, key: &str, body: &Body, kind: &Kind, when: &When) -> Result<Written, StoreError> {
        let path = self.path(key)?;
        let cache = if kind.immutable { "public, max-age=31536000, immutable" } else { "no-cache" };
        let mut attributes = Attributes::new();
        attributes.insert(Attribute::ContentType, kind.content_type.into());
        attributes.insert(Attribute::CacheControl, cache.into());
        if let Some(sha256) = &kind.sha256 {
            attributes.insert(Attribute::Metadata("sha256".into()), sha256.clone().into());
        }
        if body.size() > PART {
            if *when == When::Absent && self.head(key)?.is_some() {
                return Ok(Written::Lost);
            }
            return self.put_parts(&path, body, attributes);
        }
        let bytes = body.read().map_err(|error| StoreError::of(&*self.name, Trouble::Failed, &error))?;
        self.put_whole(&path, bytes, attributes, self.mode(when))
    }

    fn list(&self, folder: &str, depth: Depth) -> Result<Vec<Meta>, StoreError> {
        use futures_util::TryStreamExt as _;
        let path = self.path(folder)?;
        let path = (!path.as_ref().is_empty()).then_some(&path);
        let found = self.ask(async {
            match depth {
                Depth::All => self.store.list(path).try_collect().await,
                Depth::One => self.store.list_with_delimiter(path).await.map(|found| found.objects),
            }
        })?;
        let mut found: Vec<Meta> = found.unwrap_or_default().iter().map(|meta| self.meta(meta)).collect();
        found.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(found)
    }

    fn remove(&self, key: &str) -> Result<(), StoreError> {
        let path = self.path(key)?;
        self.ask(self.store.delete(&path)).map(drop)
    }

    fn hold(&self, key: &str) -> Result<Option<Hold<'_>>, StoreError> {
        Ok(match self.conditions()? {
            Conditions::Kept | Conditions::Unquoted => None,
            Conditions::Passed => Some(Box::new(self.lease(key)?)),
        })
    }

    fn conditional(&self) -> u64 {
        PART
    }
}

#[cfg(test)]
mod tests;
