//! Several stores that get the same: what they lack is compressed once.
//!
//! Enters: stores in their order. Leaves: the same bytes in each, and of each that failed why. One that failed is not asked
//! again, and is no reason to leave out the others.

use std::io;
use std::sync::{Mutex, PoisonError};

use super::blob_name;
use super::store::Store;
use super::tree::{LEVEL, digest};

/// See the module.
pub struct Several<'a>(Vec<One<'a>>);

struct One<'a> {
    store: &'a dyn Store,
    failed: Mutex<Option<io::Error>>,
}

/// Content under its digest.
pub struct Blob {
    pub name: String,
    /// Bytes that were new to the first of the stores, as they lie there.
    pub new: u64,
}

impl<'a> Several<'a> {
    pub fn new(stores: &[&'a dyn Store]) -> Self {
        Self(stores.iter().map(|&store| One { store, failed: Mutex::default() }).collect())
    }

    /// How many requests they take at once; none for as many as there are processors.
    pub fn at_once(&self) -> usize {
        self.0.iter().map(|one| one.store.at_once()).max().unwrap_or_default()
    }

    /// Puts content where it is not yet.
    ///
    /// # Errors
    /// All have failed.
    pub fn put_blob(&self, bytes: &[u8]) -> io::Result<Blob> {
        let name = digest(bytes);
        let at = blob_name(&name);
        let mut packed: Option<Vec<u8>> = None;
        let mut put = |store: &dyn Store| {
            if store.has(&at)? {
                return Ok(0);
            }
            let packed = match &mut packed {
                Some(packed) => packed,
                none => none.insert(zstd::bulk::compress(bytes, LEVEL)?),
            };
            store.put(&at, packed)?;
            Ok(packed.len() as u64)
        };
        let new = self.each(&mut put)?;
        Ok(Blob { name, new })
    }

    /// Puts bytes under a name, over what is there.
    ///
    /// # Errors
    /// All have failed.
    pub fn put(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.each(&mut |store| store.put(name, bytes))
    }

    /// The stores that failed, and why.
    pub fn failed(self) -> impl Iterator<Item = (&'a dyn Store, io::Error)> {
        let failed = |one: One<'a>| one.failed.into_inner().unwrap_or_else(PoisonError::into_inner);
        self.0.into_iter().filter_map(move |one| Some((one.store, failed(one)?)))
    }

    /// What the first of them answers.
    fn each<T>(&self, work: &mut dyn FnMut(&dyn Store) -> io::Result<T>) -> io::Result<T> {
        let mut first = None;
        for One { store, failed } in &self.0 {
            let failed = || failed.lock().unwrap_or_else(PoisonError::into_inner);
            if failed().is_some() {
                continue;
            }
            match work(*store) {
                Ok(answer) => first = first.or(Some(answer)),
                Err(error) => *failed() = Some(error),
            }
        }
        first.ok_or_else(|| io::Error::other("no store takes it"))
    }
}
