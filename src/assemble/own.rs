//! What lies in a folder that is taken and is never meant: what fitout itself writes and reads, and git's own folder.
//!
//! Enters: a release and the folder that a rule takes. Leaves: the paths below it that the walk passes over. A build would
//! otherwise pack the artifacts of the build before it, and no two would be the same. Only folders and globs are cut; a rule
//! that names one of these files takes it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::walk::{Found, FoundKind};
use crate::resolve::Release;

/// Excluded at any depth of every tree: its index holds times, and the history is nobody's business.
pub const GIT: &str = ".git";

/// Whether this run writes right into the folder: it cannot be taken then.
pub fn is_output(release: &Release, folder: &Path) -> bool {
    let folder = real(folder);
    release.output.iter().any(|output| real(output) == folder)
}

/// What is passed over, relative to `folder`.
pub fn below(release: &Release, folder: &Path) -> BTreeSet<PathBuf> {
    let folder = real(folder);
    let own = release.own.iter().chain(&release.output).map(|path| real(path));
    own.filter_map(|path| path.strip_prefix(&folder).ok().map(Path::to_path_buf)).collect()
}

/// Takes out the folders that hold nothing but what was passed over: before the first build they were not there.
pub fn drop_emptied(own: &BTreeSet<PathBuf>, found: &mut Vec<Found>) {
    // The deepest first: a folder may be empty without the one in it.
    let above: BTreeSet<&Path> = own.iter().flat_map(|path| path.ancestors().skip(1)).collect();
    for folder in above.into_iter().rev().filter(|folder| !folder.as_os_str().is_empty()) {
        let inside = |one: &Found| Path::new(&one.name) != folder && Path::new(&one.name).starts_with(folder);
        if !found.iter().any(inside) {
            found.retain(|one| Path::new(&one.name) != folder || !matches!(one.kind, FoundKind::Directory));
        }
    }
}

/// Without links and `..`; what is not there yet has none that the walk could meet.
fn real(path: &Path) -> PathBuf {
    fs_err::canonicalize(path).unwrap_or_else(|_| path.components().collect())
}
