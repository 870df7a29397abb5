//! Named bytes in a place that outlives the run: a folder, a bucket of an object store, a repository of an image registry.
//!
//! Enters: an [`Address`] and the environment of whoever runs fitout. Leaves: a [`Place`]. What two writers do at once is decided
//! here, by [`When`]. Not here: what the bytes mean, and in which order they are put (`publish`).

use std::fmt;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

mod address;
pub mod artifacts;
#[cfg(feature = "network")]
mod bucket;
#[cfg(feature = "network")]
pub mod client;
#[cfg(feature = "network")]
mod credentials;
mod error;
mod folder;
pub mod http;
pub mod now;
#[cfg(feature = "network")]
mod profile;
mod refusal;
pub mod registry;
#[cfg(feature = "network")]
pub mod web;
#[cfg(feature = "network")]
mod wire;

pub use address::{Address, HELP as ADDRESS_HELP, Scheme};
pub use error::{StoreError, Trouble};
pub use folder::{Folder, is_bookkeeping, is_mark, is_place};
pub use refusal::Refusal;

/// For which a place that somebody else writes to is waited for.
const PATIENCE: Duration = Duration::from_secs(150);
/// What a program that tells credentials may take: as long as the AWS SDK for Go waits.
#[cfg(feature = "network")]
const TELLS_WITHIN: Duration = Duration::from_secs(60);

/// The environment of whoever runs fitout: names and values.
pub type Variables = std::collections::BTreeMap<std::ffi::OsString, std::ffi::OsString>;

/// What a place says of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meta {
    /// Its key: a relative path with `/`.
    pub key: String,
    /// Bytes.
    pub size: u64,
    /// When it was written, seconds since 1970.
    pub modified: i64,
    /// What it is now; another once it is written again.
    pub tag: Tag,
    /// The SHA-256 in hex that it was put with, if the place keeps it.
    pub sha256: Option<String>,
}

/// What an object was when it was read: an `ETag`, a generation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// The `ETag`.
    pub etag: Option<String>,
    /// The version or generation.
    pub version: Option<String>,
}

/// An object with its bytes.
#[derive(Debug, Clone)]
pub struct Object {
    /// All of them.
    pub bytes: Vec<u8>,
    /// What it was.
    pub meta: Meta,
}

/// What is to be put.
#[derive(Clone)]
pub enum Body {
    /// From memory.
    Bytes(Arc<[u8]>),
    /// A file, read when it is sent.
    File {
        /// Its path.
        path: PathBuf,
        /// Its bytes, as they are known.
        size: u64,
    },
    /// A part of a file.
    Part {
        /// Its path.
        path: PathBuf,
        /// Where it begins, in bytes.
        offset: u64,
        /// Its bytes.
        size: u64,
    },
}

impl Body {
    /// Bytes of it.
    pub fn size(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::File { size, .. } | Self::Part { size, .. } => *size,
        }
    }

    /// All of them in memory.
    ///
    /// # Errors
    /// The file cannot be read, or has another size than it had.
    pub fn read(&self) -> std::io::Result<Vec<u8>> {
        match self {
            Self::Bytes(bytes) => Ok(bytes.to_vec()),
            Self::File { path, size } => {
                let bytes = fs_err::read(path)?;
                if bytes.len() as u64 == *size { Ok(bytes) } else { Err(changed(path)) }
            }
            Self::Part { path, offset, size } => {
                let mut file = fs_err::File::open(path)?;
                file.seek(SeekFrom::Start(*offset))?;
                let mut bytes = Vec::new();
                file.take(*size).read_to_end(&mut bytes)?;
                if bytes.len() as u64 == *size { Ok(bytes) } else { Err(changed(path)) }
            }
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "{} bytes", bytes.len()),
            Self::File { path, .. } => write!(f, "{}", path.display()),
            Self::Part { path, offset, size } => write!(f, "{}, {size} bytes from {offset} on", path.display()),
        }
    }
}

fn changed(path: &std::path::Path) -> std::io::Error {
    std::io::Error::other(format!("`{}` changed while it was sent", path.display()))
}

/// How an object is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kind {
    /// Its MIME type.
    pub content_type: &'static str,
    /// Whether its bytes never change under this key: caches may keep it for good. Else they have to ask.
    pub immutable: bool,
    /// SHA-256 in hex, kept beside it.
    pub sha256: Option<String>,
}

/// The MIME type of a file by its name.
pub fn media_type(name: &str) -> &'static str {
    match name.rsplit('/').next().and_then(|file| file.rsplit_once('.')).map_or("", |(_, suffix)| suffix) {
        "html" => "text/html; charset=utf-8",
        "json" => "application/json",
        "xml" => "application/xml",
        "deb" => "application/vnd.debian.binary-package",
        "rpm" => "application/x-rpm",
        "zip" => "application/zip",
        "gz" => "application/gzip",
        "tar" => "application/x-tar",
        "zst" => "application/zstd",
        "xz" => "application/x-xz",
        "txt" | "asc" | "sources" | "repo" | "key" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// On which condition an object is put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// On none.
    Always,
    /// There is none.
    Absent,
    /// It is what it was.
    Is(Tag),
}

/// Whether it was put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// It was.
    Done,
    /// The condition does not hold: somebody was faster, or it is there.
    Lost,
}

/// A place for named bytes. What is put is there whole or not at all.
pub trait Place: Send + Sync {
    /// What it is called in messages; never with a secret.
    fn name(&self) -> String;
    /// How many requests it takes at once.
    fn at_once(&self) -> usize;
    /// The object, if there is one.
    ///
    /// # Errors
    /// The place does not answer, or refuses.
    fn get(&self, key: &str) -> Result<Option<Object>, StoreError>;
    /// What it says of an object, if there is one.
    ///
    /// # Errors
    /// As [`Place::get`].
    fn head(&self, key: &str) -> Result<Option<Meta>, StoreError>;
    /// Writes an object of no more than `most` bytes into an empty file; false if there is none.
    ///
    /// # Errors
    /// As [`Place::get`]; the file cannot be written.
    fn fetch(&self, key: &str, file: &mut std::fs::File, most: u64) -> Result<bool, StoreError> {
        written(self, key, file, most)
    }
    /// Puts an object.
    ///
    /// # Errors
    /// As [`Place::get`]; the body cannot be read.
    fn put(&self, key: &str, body: &Body, kind: &Kind, when: &When) -> Result<Written, StoreError>;
    /// All objects below `folder/` at any depth, or right below it, sorted by key.
    ///
    /// # Errors
    /// As [`Place::get`].
    fn list(&self, folder: &str, depth: Depth) -> Result<Vec<Meta>, StoreError>;
    /// Whether it can be listed: a web server cannot, and then [`Place::list`] gives nothing.
    fn can_list(&self) -> bool {
        true
    }
    /// Removes an object; that it is not there is no error.
    ///
    /// # Errors
    /// As [`Place::get`].
    fn remove(&self, key: &str) -> Result<(), StoreError>;
    /// Keeps others out while one object is replaced, where the place itself cannot tell them apart; dropped to let them in.
    /// None where [`When::Is`] is enough.
    ///
    /// # Errors
    /// Somebody holds it and does not let go.
    fn hold(&self, key: &str) -> Result<Option<Hold<'_>>, StoreError>;
    /// Bytes up to which a condition holds for a put: a larger body is sent in parts, for which some stores keep none. It needs a name that
    /// nobody else gives to other bytes.
    fn conditional(&self) -> u64 {
        u64::MAX
    }
    /// Objects of writers that were killed, older than `before` in seconds since 1970; no listing has them.
    ///
    /// # Errors
    /// As [`Place::get`].
    fn leftovers(&self, _before: i64) -> Result<Vec<String>, StoreError> {
        Ok(Vec::new())
    }
    /// What it has told besides since it was asked last, for whoever runs fitout.
    fn notes(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Writes an object of no more than `most` bytes by way of memory.
fn written(place: &(impl Place + ?Sized), key: &str, file: &mut std::fs::File, most: u64) -> Result<bool, StoreError> {
    let fits = |size: u64| match size {
        size if size > most => {
            let message = format!("`{key}` has {size} bytes, and no more than {most} are taken");
            Err(StoreError::new(place.name(), Trouble::Failed, message))
        }
        _ => Ok(()),
    };
    // What is too large is not to be held in memory.
    place.head(key)?.map_or(Ok(()), |meta| fits(meta.size))?;
    let Some(object) = place.get(key)? else { return Ok(false) };
    fits(object.bytes.len() as u64)?;
    let write = std::io::Write::write_all(file, &object.bytes);
    write.map(|()| true).map_err(|error| StoreError::of(place.name(), Trouble::Failed, &error))
}

/// How far a listing goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// All the way down.
    All,
    /// Objects right below the folder.
    One,
}

/// What keeps others out; dropped, it lets them in again.
pub trait Keep: Send {
    /// Whether others are still kept out, for long enough to replace an object.
    ///
    /// # Errors
    /// The place does not answer.
    fn renew(&mut self) -> Result<bool, StoreError>;
}

/// See [`Place::hold`].
pub type Hold<'p> = Box<dyn Keep + 'p>;

/// Whether a key stays within its place: relative, in plain steps.
pub fn is_within(key: &str) -> bool {
    !key.is_empty() && !key.contains('\0') && key.split('/').all(|part| !part.is_empty() && part != ".." && part != ".")
}

/// Opens a place. That it answers is not known yet.
///
/// # Errors
/// What the place needs to know is not there, or this fitout was built without the network.
pub fn open(address: &Address, variables: &Variables) -> Result<Box<dyn Place>, StoreError> {
    match address.scheme {
        Scheme::File => Ok(Box::new(Folder::new(PathBuf::from(&address.path)))),
        #[cfg(feature = "network")]
        Scheme::S3 | Scheme::Gcs | Scheme::Azure => Ok(Box::new(bucket::Bucket::open(address, variables)?)),
        #[cfg(not(feature = "network"))]
        Scheme::S3 | Scheme::Gcs | Scheme::Azure => {
            let _ = variables;
            Err(StoreError::new(address.to_string(), Trouble::Unsupported, "built without the feature `network`"))
        }
    }
}
