//! A bucket of an object store (S3 and what speaks like it) as a place for the cache that machines share.
//!
//! Enters: `s3://BUCKET/PREFIX` and the `AWS_*` variables of whoever runs fitout. Leaves: a [`Store`]. Every request has an end
//! in sight: a store that is down or slow costs seconds. Not here: profiles and other ways to come by credentials.

use std::ffi::OsStr;
use std::future::Future;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey};
use object_store::path::Path;
use object_store::{BackoffConfig, ClientOptions, ObjectStore as _, ObjectStoreExt as _, RetryConfig};
use tokio::runtime::Runtime;

use super::store::Store;
use crate::build::environment::Variables;

/// Until a connection must be there.
const CONNECT: Duration = Duration::from_secs(3);
/// For a whole request, with the largest blob on a slow line.
const REQUEST: Duration = Duration::from_secs(30);
/// In which a request is tried again.
const RETRY: Duration = Duration::from_secs(6);
/// How often.
const RETRIES: usize = 2;
/// Requests at once.
const AT_ONCE: usize = 16;

/// See the module.
pub struct Bucket {
    name: String,
    store: AmazonS3,
    prefix: String,
    runtime: Runtime,
    down: AtomicBool,
}

impl Bucket {
    /// Of an address such as `s3://bucket/prefix`. Nothing is asked yet.
    ///
    /// # Errors
    /// The variables are not what the store needs.
    pub fn new(address: &str, variables: &Variables) -> io::Result<Self> {
        let rest = address.strip_prefix("s3://").unwrap_or(address);
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        // Whoever set another before is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let retry = RetryConfig { backoff: BackoffConfig::default(), max_retries: RETRIES, retry_timeout: RETRY };
        let options = ClientOptions::new().with_connect_timeout(CONNECT).with_timeout(REQUEST);
        let mut builder =
            AmazonS3Builder::new().with_retry(retry).with_client_options(options).with_bucket_name(bucket);
        let text = |value: &OsStr| value.to_str().map(str::to_owned);
        for (name, value) in variables {
            let known = name.to_str().and_then(|name| name.to_ascii_lowercase().parse::<AmazonS3ConfigKey>().ok());
            if let (Some(key), Some(value)) = (known, text(value)) {
                let plain = key == AmazonS3ConfigKey::Endpoint && value.starts_with("http://");
                builder = builder.with_config(key, value);
                // Whoever names such an endpoint means it.
                if plain {
                    builder = builder.with_allow_http(true);
                }
            }
        }
        let store = builder.build().map_err(io::Error::other)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        Ok(Self {
            name: address.to_owned(),
            store,
            prefix: prefix.trim_matches('/').to_owned(),
            runtime,
            down: AtomicBool::new(false),
        })
    }

    fn path(&self, name: &str) -> Path {
        Path::from(format!("{}/{name}", self.prefix))
    }

    /// What is not there is none.
    fn ask<T>(&self, request: impl Future<Output = object_store::Result<T>>) -> io::Result<Option<T>> {
        if self.is_down() {
            return Err(io::Error::new(io::ErrorKind::NotConnected, "it did not answer before"));
        }
        match self.runtime.block_on(request) {
            Ok(answer) => Ok(Some(answer)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => {
                self.down.store(true, Ordering::Relaxed);
                Err(io::Error::other(error))
            }
        }
    }
}

impl Store for Bucket {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn is_down(&self) -> bool {
        self.down.load(Ordering::Relaxed)
    }

    fn at_once(&self) -> usize {
        AT_ONCE
    }

    fn get(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        let path = self.path(name);
        let bytes = self.ask(async { self.store.get(&path).await?.bytes().await })?;
        Ok(bytes.map(Vec::from))
    }

    fn has(&self, name: &str) -> io::Result<bool> {
        let path = self.path(name);
        Ok(self.ask(async { self.store.head(&path).await })?.is_some_and(|meta| meta.size > 0))
    }

    fn put(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let path = self.path(name);
        let done = self.ask(async { self.store.put(&path, bytes.to_vec().into()).await })?;
        done.map(drop).ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "there is no such bucket"))
    }

    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        let path = self.path(folder);
        let found = self.ask(async { self.store.list_with_delimiter(Some(&path)).await })?;
        let mut found = found.map(|found| found.objects).unwrap_or_default();
        found.sort_by_key(|meta| std::cmp::Reverse(meta.last_modified));
        let name = |meta: &object_store::ObjectMeta| Some(format!("{folder}/{}", meta.location.filename()?));
        Ok(found.iter().filter_map(name).collect())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let path = self.path(name);
        self.ask(async { self.store.delete(&path).await }).map(drop)
    }
}
