//! The content of a run: named while planning, read by the engine.
//!
//! Enters: files of the builder as the walk saw them, and bytes that fitout made. Leaves: ids that entries hold. Nothing is
//! read here.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::heads::Heads;
use super::patch::Patch;
use crate::build::seen;

/// Where the content of a file comes from. Two entries with the same id have the same content.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Source {
    /// Index into the [`Sources`] of the run.
    pub id: SourceId,
    /// Bytes, as seen by the walk.
    pub size: u64,
}

/// Index into [`Sources`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(pub u32);

/// All content of a run, over all targets; complete before the first byte is read.
#[derive(Debug, Default)]
pub struct Sources {
    list: Vec<Content>,
    /// By the bytes of the path: comparing component by component takes longer than all else here.
    by_path: BTreeMap<OsString, SourceId>,
    by_bytes: BTreeMap<Arc<[u8]>, SourceId>,
    /// What earlier builds saw of them.
    pub heads: Heads,
}

/// Content that is named and not yet read.
#[derive(Debug, Clone, Hash)]
pub enum Content {
    /// A file of the builder, with the stat that the walk saw: a difference when it is read is an error.
    File {
        /// Where.
        path: PathBuf,
        /// Its size and times at the walk.
        stat: Stat,
    },
    /// Such a file, with some of its bytes changed.
    Patched {
        /// Where.
        path: PathBuf,
        /// Its size and times at the walk.
        stat: Stat,
        /// What is changed.
        patch: Arc<Patch>,
    },
    /// A range of such a file that is packed already (a layer of a base image): stored as it is, never compressed.
    Slice {
        /// Where.
        path: PathBuf,
        /// First byte.
        offset: u64,
        /// Bytes.
        length: u64,
        /// Size and times of the whole file.
        stat: Stat,
    },
    /// Bytes that fitout made: a rendered file, a copyright file.
    Made(Arc<[u8]>),
}

/// What must not change between the walk and the reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Stat {
    /// Bytes.
    pub size: u64,
    /// Modification time in nanoseconds.
    pub mtime_ns: i128,
    /// When the inode changed, in nanoseconds: it tells of a change that keeps size and time.
    pub ctime_ns: i128,
    /// Device and inode.
    pub inode: (u64, u64),
}

impl Stat {
    /// From what the system says of a file.
    pub fn of(meta: &std::fs::Metadata) -> Self {
        Self {
            size: meta.len(),
            mtime_ns: i128::from(meta.mtime()) * 1_000_000_000 + i128::from(meta.mtime_nsec()),
            ctime_ns: i128::from(meta.ctime()) * 1_000_000_000 + i128::from(meta.ctime_nsec()),
            inode: (meta.dev(), meta.ino()),
        }
    }

    /// Whether a file is the one that the walk saw. Another name or mode that it got meanwhile is no other content.
    pub fn is_of(&self, meta: &std::fs::Metadata) -> bool {
        let now = Self::of(meta);
        (now.size, now.mtime_ns, now.inode) == (self.size, self.mtime_ns, self.inode)
    }

    /// What tells the file at this path apart from all others, and from itself after a change; `more` is what else does for who asks.
    pub fn digest<const N: usize>(&self, path: &Path, more: [u64; N]) -> [u8; 32] {
        let mut sha256 = Sha256::new();
        for number in [self.inode.0, self.inode.1, self.size].into_iter().chain(more) {
            sha256.update(number.to_le_bytes());
        }
        for time in [self.mtime_ns, self.ctime_ns] {
            sha256.update(time.to_le_bytes());
        }
        sha256.chain_update(path.as_os_str().as_bytes()).finalize().into()
    }

    /// Whether a later change of the file would show here; `now` is a time before it was looked at.
    pub fn is_settled(&self, now: i128) -> bool {
        seen::is_old((self.mtime_ns, self.ctime_ns), now)
    }
}

impl Sources {
    /// None yet.
    pub fn new(heads: Heads) -> Self {
        Self { heads, ..Self::default() }
    }

    /// Names a file; the same path gets the same id.
    pub fn file(&mut self, path: PathBuf, stat: Stat) -> Source {
        if let Some(id) = self.by_path.get(path.as_os_str()) {
            return Source { id: *id, size: stat.size };
        }
        let id = self.push(Content::File { path: path.clone(), stat });
        self.by_path.insert(path.into_os_string(), id);
        Source { id, size: stat.size }
    }

    /// Names a file of which some bytes are changed.
    pub fn patched(&mut self, path: PathBuf, stat: Stat, changes: Patch) -> Source {
        let size = changes.size_of(stat.size);
        Source { id: self.push(Content::Patched { path, stat, patch: Arc::new(changes) }), size }
    }

    /// Names a range of a file that is packed already.
    pub fn slice(&mut self, path: PathBuf, offset: u64, length: u64, stat: Stat) -> Source {
        Source { id: self.push(Content::Slice { path, offset, length, stat }), size: length }
    }

    /// Takes bytes that fitout made; the same bytes get the same id, so that targets which differ in nothing else have
    /// equal entries.
    pub fn made(&mut self, bytes: impl Into<Arc<[u8]>>) -> Source {
        let bytes = bytes.into();
        let size = bytes.len() as u64;
        if let Some(id) = self.by_bytes.get(&bytes) {
            return Source { id: *id, size };
        }
        let id = self.push(Content::Made(Arc::clone(&bytes)));
        self.by_bytes.insert(bytes, id);
        Source { id, size }
    }

    fn push(&mut self, content: Content) -> SourceId {
        self.list.push(content);
        SourceId(u32::try_from(self.list.len() - 1).expect("fewer than 2^32 files"))
    }

    /// Drops the content that no entry has kept, so that it is not read. Its id stays taken.
    pub fn keep(&mut self, used: &BTreeSet<SourceId>) {
        for (index, content) in self.list.iter_mut().enumerate() {
            if u32::try_from(index).is_ok_and(|id| !used.contains(&SourceId(id))) {
                *content = Content::Made(Arc::default());
            }
        }
    }

    /// All of them; a [`SourceId`] is an index.
    pub fn list(&self) -> &[Content] {
        &self.list
    }
}
