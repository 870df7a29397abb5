//! A bucket of an object store as a place for the cache that machines share.
//!
//! Enters: an [`Address`] and the variables of whoever runs fitout. Leaves: a [`Store`]. Every request has an end in sight: a store
//! that is down or slow costs seconds. Not here: how a store is reached ([`client`]).

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};
use tokio::runtime::Runtime;

use super::store::{LARGEST, Store, too_large};
use crate::build::environment::Variables;
use crate::store::Address;
use crate::store::client::{self, Limits};

/// With the largest blob on a slow line; a store that is down costs seconds.
const LIMITS: Limits = Limits {
    connect: Duration::from_secs(3),
    request: Duration::from_secs(30),
    retry: Duration::from_secs(6),
    retries: 2,
};
/// Requests at once.
const AT_ONCE: usize = 16;

/// See the module.
pub struct Bucket {
    name: String,
    store: Arc<dyn ObjectStore>,
    prefix: String,
    runtime: Runtime,
    down: AtomicBool,
}

impl Bucket {
    /// Of an address such as `s3://bucket/prefix`. Nothing is asked yet.
    ///
    /// # Errors
    /// The variables are not what the store needs.
    pub fn new(address: &Address, variables: &Variables) -> io::Result<Self> {
        let store = client::open(address, variables, LIMITS).map_err(io::Error::other)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        Ok(Self {
            name: address.to_string(),
            store,
            prefix: address.path.clone(),
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
        let bytes = self.ask(async {
            let found = self.store.get(&path).await?;
            if found.meta.size > LARGEST { Ok(None) } else { found.bytes().await.map(Some) }
        })?;
        bytes.map(|bytes| bytes.map(Vec::from).ok_or_else(too_large)).transpose()
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
