//! What lies in a folder that is taken and is never meant: what fitout itself writes, reads and publishes to, secrets of whoever
//! publishes, and git's own folder.
//!
//! Enters: a release and the folder that a rule takes. Leaves: the paths below it that the walk passes over; others it knows by what lies
//! in a folder (`store`). A build would otherwise pack the artifacts of the build before it, and no two would be the same; and a package
//! would bring the key that signs it. Only folders and globs are cut; a rule that names one of these files takes it, unless it is a secret.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::walk::{Found, FoundKind, OnDisk};
use crate::resolve::Release;

/// Excluded at any depth of every tree: its index holds times, and the history is nobody's business.
pub const GIT: &str = ".git";

/// Whether this run writes right into the folder: it cannot be taken then.
pub fn is_output(release: &Release, folder: &Path) -> bool {
    let folder = real(folder);
    release.output.iter().any(|output| real(output) == folder)
}

/// Why something is passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// Fitout reads or writes it.
    Own,
    /// Whoever has the package would have it.
    Secret,
    /// All of the folder may be what was published.
    Published,
}

impl Why {
    /// What it is, as a sentence about it goes on.
    pub fn text(self) -> &'static str {
        match self {
            Self::Own => "fitout's own",
            Self::Secret => "a secret of whoever publishes",
            Self::Published => "a folder that was published to",
        }
    }
}

/// Something that a rule passed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passed {
    /// Where it would be on the host.
    pub path: String,
    /// Where it is, as messages show it.
    pub from: String,
    /// Why.
    pub why: Why,
}

/// What of a folder is passed over.
#[derive(Debug, Clone, Default)]
pub struct Own {
    /// Exactly these paths below it.
    pub paths: BTreeMap<PathBuf, Why>,
    /// Devices and inodes of secrets, which may have other names in it.
    pub secrets: BTreeSet<(u64, u64)>,
}

impl Own {
    /// Whether a file is a secret by another name than that which is known.
    pub fn has(&self, file: &OnDisk) -> bool {
        file.links > 1 && self.secrets.contains(&file.stat.inode)
    }
}

/// What of `folder` is known to be passed over before it is walked.
pub fn below(release: &Release, folder: &Path) -> Own {
    let (folder, kept) = (real(folder), &release.kept);
    let own = kept.own.iter().chain(&kept.configs).chain(&release.output).map(|path| (real(path), Why::Own));
    // Where a secret is named by a link, neither is meant.
    let secrets = kept.secrets.iter().flat_map(|path| [real(path), link(path)]).map(|path| (path, Why::Secret));
    let below = |(path, why): (PathBuf, Why)| Some((path.strip_prefix(&folder).ok()?.to_path_buf(), why));
    Own { paths: own.chain(secrets).filter_map(below).collect(), secrets: inodes(&kept.secrets) }
}

/// Whether a file is one of those with secrets of whoever publishes, by whatever name.
pub fn is_secret(release: &Release, meta: &Metadata) -> bool {
    inodes(&release.kept.secrets).contains(&(meta.dev(), meta.ino()))
}

/// Device and inode of each file that is there: what is known of it by whatever name.
pub fn inodes(files: &[PathBuf]) -> BTreeSet<(u64, u64)> {
    let meta = files.iter().filter_map(|path| fs_err::metadata(path).ok());
    meta.map(|meta| (meta.dev(), meta.ino())).collect()
}

/// Takes out the folders that hold nothing but what was passed over: before the first build they were not there.
pub fn drop_emptied<'p>(own: impl Iterator<Item = &'p PathBuf>, found: &mut Vec<Found>) {
    // The deepest first: a folder may be empty without the one in it.
    let above: BTreeSet<&Path> = own.flat_map(|path| path.ancestors().skip(1)).collect();
    for folder in above.into_iter().rev().filter(|folder| !folder.as_os_str().is_empty()) {
        let inside = |one: &Found| Path::new(&one.name) != folder && Path::new(&one.name).starts_with(folder);
        if !found.iter().any(inside) {
            found.retain(|one| Path::new(&one.name) != folder || !matches!(one.kind, FoundKind::Directory));
        }
    }
}

/// As [`real`], but for a link in the last place.
fn link(path: &Path) -> PathBuf {
    match (path.parent(), path.file_name()) {
        (Some(folder), Some(name)) => real(folder).join(name),
        _ => real(path),
    }
}

/// Without links and `..`; what is not there yet has none that the walk could meet.
fn real(path: &Path) -> PathBuf {
    fs_err::canonicalize(path).unwrap_or_else(|_| path.components().collect())
}
