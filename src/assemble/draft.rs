//! An entry while it is still being argued over: what [`super::collect`] makes and [`super::conflict`] settles.
//!
//! A draft names its content by path; only what survives becomes a source of the run, so nothing is read in vain.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::mode;
use super::plan::{Churn, Entry, FormatSet, Kind, Owner, Role, Source, Sources};
use super::walk::OnDisk;
use crate::diagnostic::Origin;

/// An entry to be.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Where on the host.
    pub path: Arc<str>,
    /// What it is.
    pub body: Body,
    /// To whom it belongs, and which step of the ladder says so.
    pub owner: (Owner, Arc<Origin>),
    /// Permission bits, and which step of the ladder says so.
    pub mode: (u32, Arc<Origin>),
    /// POSIX capabilities.
    pub capabilities: Option<Arc<str>>,
    /// What the formats should know of it.
    pub role: Role,
    /// Layer group.
    pub churn: Churn,
    /// In which formats.
    pub formats: FormatSet,
    /// What put it there.
    pub origin: Arc<Origin>,
    /// Index of the rule; none for what fitout adds.
    pub rule: Option<usize>,
    /// May take the path from an earlier rule.
    pub replace: bool,
}

/// What a draft is.
#[derive(Debug, Clone)]
pub enum Body {
    /// A directory.
    Directory {
        /// Of the base system.
        shared: bool,
    },
    /// A file of the builder.
    File(PathBuf, OnDisk),
    /// Bytes that fitout made.
    Made(Arc<[u8]>),
    /// A symbolic link.
    Symlink {
        /// As written.
        target: Arc<str>,
        /// Host path and builder path of the tree that it was taken from; none if the config wrote it.
        tree: Option<Arc<(String, PathBuf)>>,
    },
}

impl Body {
    /// The word for it in messages.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Directory { .. } => "a directory",
            Self::File(..) | Self::Made(_) => "a file",
            Self::Symlink { .. } => "a symbolic link",
        }
    }
}

impl Draft {
    /// What fitout adds by itself: root's, with default mode.
    pub fn added(path: &str, body: Body, role: Role, churn: Churn, formats: FormatSet, origin: Origin) -> Self {
        let bits = if matches!(body, Body::Directory { .. }) { mode::DIRECTORY } else { 0o644 };
        let default = Arc::new(Origin::Default);
        Self {
            path: path.into(),
            body,
            owner: (Owner::root(), Arc::clone(&default)),
            mode: (bits, default),
            capabilities: None,
            role,
            churn,
            formats,
            origin: Arc::new(origin),
            rule: None,
            replace: false,
        }
    }

    /// Whether it is a directory.
    pub fn is_directory(&self) -> bool {
        matches!(self.body, Body::Directory { .. })
    }
}

/// The entries of `drafts`, which are sorted by path; their content becomes sources of the run. Names of one inode
/// become hard links to the first of them, where all else agrees.
pub fn settle(drafts: Vec<Draft>, sources: &mut Sources) -> Vec<Entry> {
    let mut names: BTreeMap<(u64, u64), Vec<First>> = BTreeMap::new();
    let mut entries: Vec<Entry> = Vec::with_capacity(drafts.len());
    for draft in drafts {
        let kind = match &draft.body {
            Body::Directory { shared } => Kind::Directory { shared: *shared },
            Body::Symlink { target, .. } => Kind::Symlink { target: Arc::clone(target) },
            Body::Made(bytes) => Kind::File(sources.made(Arc::clone(bytes))),
            Body::File(path, on_disk) if on_disk.links > 1 => {
                let firsts = names.entry(on_disk.stat.inode).or_default();
                linked(&draft, path, on_disk, firsts, &entries, sources)
            }
            Body::File(path, on_disk) => Kind::File(sources.file(path.clone(), on_disk.stat)),
        };
        if let (Kind::File(source), Body::File(path, on_disk)) = (&kind, &draft.body)
            && on_disk.links > 1
        {
            let first = First { entry: entries.len(), path: path.clone(), source: source.clone() };
            names.entry(on_disk.stat.inode).or_default().push(first);
        }
        entries.push(entry(draft, kind));
    }
    entries
}

/// A name of an inode that became a file.
struct First {
    entry: usize,
    path: PathBuf,
    source: Source,
}

/// A further name of an inode: a hard link if an earlier name has the same formats, owner and mode. Two rules that take
/// one path of the builder do not make a hard link, and neither do config files, which dpkg handles one by one.
fn linked(
    draft: &Draft,
    path: &PathBuf,
    on_disk: &OnDisk,
    firsts: &[First],
    entries: &[Entry],
    sources: &mut Sources,
) -> Kind {
    let plain = |role| !matches!(role, Role::Config { .. } | Role::Ghost);
    let same = |first: &&First| {
        let entry = &entries[first.entry];
        first.path != *path
            && entry.formats == draft.formats
            && entry.owner == draft.owner.0
            && entry.mode == draft.mode.0
            && entry.capabilities == draft.capabilities
            && plain(entry.role)
            && plain(draft.role)
    };
    match (firsts.iter().find(same), firsts.first()) {
        (Some(first), _) => Kind::Hardlink { target: Arc::clone(&entries[first.entry].path) },
        // Another name of the same content: it need not be read twice.
        (None, Some(first)) => Kind::File(first.source.clone()),
        (None, None) => Kind::File(sources.file(path.clone(), on_disk.stat)),
    }
}

fn entry(draft: Draft, kind: Kind) -> Entry {
    Entry {
        path: draft.path,
        kind,
        owner: draft.owner.0,
        mode: draft.mode.0,
        capabilities: draft.capabilities,
        role: draft.role,
        churn: draft.churn,
        formats: draft.formats,
        origin: draft.origin,
        owner_origin: draft.owner.1,
        mode_origin: draft.mode.1,
    }
}
