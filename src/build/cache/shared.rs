//! The store that machines share: by its address, for reading alone where a run is not to be trusted with more.

use std::io;
use std::path::PathBuf;

use super::store::{Local, Store};
use crate::build::environment::Variables;
use crate::store::{Address, Scheme};

/// How much of the shared store a run uses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Use {
    /// Not at all.
    #[default]
    Off,
    /// It reads what others put there: pull requests of strangers.
    Read,
    /// It reads and puts.
    Write,
}

/// Reads an address; that of a folder is absolute.
pub fn address(text: &str) -> Option<Address> {
    Address::parse(text).filter(|address| address.scheme != Scheme::File || address.path.starts_with('/'))
}

/// The folder of an address; none where it is another store, or no address.
pub fn folder(text: &str) -> Option<PathBuf> {
    address(text).filter(|address| address.scheme == Scheme::File).map(|address| address.path.into())
}

/// Opens a store; that it answers is not known yet.
///
/// # Errors
/// What the store needs to know is not there.
pub fn open(text: &str, variables: &Variables, used: Use) -> io::Result<Box<dyn Store>> {
    let no_address = || io::Error::new(io::ErrorKind::InvalidInput, "it is no address of a store");
    let address = address(text).ok_or_else(no_address)?;
    let store: Box<dyn Store> = match address.scheme {
        Scheme::File => Box::new(Local::shared(PathBuf::from(&address.path))),
        Scheme::S3 | Scheme::Gcs | Scheme::Azure => bucket(&address, variables)?,
    };
    Ok(if used == Use::Write { store } else { Box::new(ReadOnly(store)) })
}

/// Changes nothing there, not even what is damaged.
struct ReadOnly(Box<dyn Store>);

impl Store for ReadOnly {
    fn name(&self) -> String {
        self.0.name()
    }

    fn at_once(&self) -> usize {
        self.0.at_once()
    }

    fn is_down(&self) -> bool {
        self.0.is_down()
    }

    fn get(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        self.0.get(name)
    }

    fn has(&self, name: &str) -> io::Result<bool> {
        self.0.has(name)
    }

    fn put(&self, _: &str, _: &[u8]) -> io::Result<()> {
        Err(io::Error::new(io::ErrorKind::PermissionDenied, "it is only read"))
    }

    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        self.0.list(folder)
    }

    fn remove(&self, _: &str) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(feature = "network")]
fn bucket(address: &Address, variables: &Variables) -> io::Result<Box<dyn Store>> {
    Ok(Box::new(super::bucket::Bucket::new(address, variables)?))
}

#[cfg(not(feature = "network"))]
fn bucket(_: &Address, _: &Variables) -> io::Result<Box<dyn Store>> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "this fitout was built without the feature `network`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_apart() {
        for good in ["s3://bucket", "s3://bucket/a/b", "gs://b", "az://c/p", "file:/srv/cache", "file:///srv/cache"] {
            assert!(address(good).is_some(), "{good}");
        }
        for bad in ["", "bucket", "s3:bucket", "s3://", "s3:///a", "file:cache", "https://example.org", "s3://a b"] {
            assert!(address(bad).is_none(), "{bad}");
        }
    }
}
