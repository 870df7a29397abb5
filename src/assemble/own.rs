//! What lies in a folder that is taken and is never meant: what fitout itself writes, reads and publishes to, secrets of whoever
//! publishes, and git's own folder.
//!
//! Enters: a release and the folder that a rule takes. Leaves: the paths below it that the walk passes over. A build would
//! otherwise pack the artifacts of the build before it, and no two would be the same; and a package would bring the key that signs it.
//! Only folders and globs are cut; a rule that names one of these files takes it, unless it is a secret.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::walk::{Found, FoundKind};
use crate::resolve::Release;
use crate::store;

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
    let own = release.kept.own.iter().chain(&release.output).map(|path| real(path));
    // Where a secret is named by a link, neither is meant.
    let secrets = release.kept.secrets.iter().flat_map(|path| [real(path), link(path)]);
    own.chain(secrets).filter_map(|path| path.strip_prefix(&folder).ok().map(Path::to_path_buf)).collect()
}

/// Whether a file is one of those with secrets of whoever publishes.
pub fn is_secret(secrets: &[PathBuf], file: &Path) -> bool {
    let file = real(file);
    secrets.iter().any(|secret| real(secret) == file)
}

/// The list of artifacts in a folder of them.
pub const LIST: &str = "manifest.json";
/// How the name of its form begins, which stands on its first lines.
pub const LIST_SCHEMA: &str = "fitout/manifest/";
/// Bytes of a list that are looked at.
const HEAD: u64 = 64;

/// Whether a folder has the mark of one that artifacts were written to or that was published to, by whatever config.
pub fn is_marked(folder: &Path) -> bool {
    let list = || {
        let (path, mut head) = (folder.join(LIST), Vec::new());
        fs_err::metadata(&path).ok().filter(std::fs::Metadata::is_file)?;
        fs_err::File::open(path).ok()?.take(HEAD).read_to_end(&mut head).ok()?;
        Some(String::from_utf8_lossy(&head).contains(LIST_SCHEMA))
    };
    store::is_place(folder) || list() == Some(true)
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
