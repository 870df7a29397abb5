//! What lies in the user's cache: what there is, what is damaged, what goes.
//!
//! Enters: the folder of all caches. Leaves: numbers and paths. What is in the files is known to [`crate::build::cache`] and
//! [`crate::engine::cache`]; nothing here is needed for a build.

use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::build::cache::evict;
use crate::build::cache::used::{self, Used};
use crate::build::state::{IMAGES, PROJECTS, RUNS, STORE, TOOLCHAINS};
use crate::codec::hex::hex;
use crate::engine::cache::shared::TAKEN;
use crate::{build, engine, formats};

/// A part of the cache.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Part {
    /// Folder below that of all caches.
    pub folder: &'static str,
    /// What it is for.
    pub what: &'static str,
    /// Files in it.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
}

const PARTS: [(&str, &str); 4] = [
    (STORE, "what build tools keep: deps, _build, target"),
    (RUNS, "what was compressed"),
    (PROJECTS, "logs, stamps and digests of files"),
    (IMAGES, "base images"),
];

/// What there is.
///
/// # Errors
/// When a folder cannot be read.
pub fn show(cache: &Path) -> io::Result<Vec<Part>> {
    let part = |(folder, what)| {
        let files = used::files(&cache.join(folder))?;
        Ok(Part { folder, what, files: files.len(), bytes: files.iter().map(|file| file.bytes).sum() })
    };
    PARTS.into_iter().map(part).collect()
}

/// Files that are not what was put there.
///
/// # Errors
/// When a folder cannot be read.
pub fn verify(cache: &Path) -> io::Result<Vec<PathBuf>> {
    let mut damaged = build::cache::check(&cache.join(STORE))?;
    damaged.extend(engine::cache::check(cache)?);
    for Used { path, .. } in used::files(&cache.join(IMAGES))? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let is_blob = path.parent().is_some_and(|folder| folder.ends_with("blobs/sha256"));
        if is_blob && hex(&formats::digest(fs_err::File::open(&path)?.into_parts().0)?.1) != name {
            damaged.push(path);
        }
    }
    Ok(damaged)
}

/// Removes what is damaged, then what was used longest ago until `limit` bytes are left; how many bytes went.
///
/// # Errors
/// When a folder cannot be read, or something cannot be removed.
pub fn prune(cache: &Path, limit: u64) -> io::Result<u64> {
    let before = total(cache)?;
    for path in verify(cache)? {
        used::remove(&path)?;
    }
    if cache.is_dir() {
        evict::evict(cache, limit, evict::YOUNG)?;
    }
    Ok(before.saturating_sub(total(cache)?))
}

/// Removes all of it; how many bytes went.
///
/// # Errors
/// When a folder cannot be read, or something cannot be removed.
pub fn clear(cache: &Path) -> io::Result<u64> {
    let before = total(cache)?;
    for (folder, _) in PARTS {
        for Used { path, .. } in used::files(&cache.join(folder))? {
            used::remove(&path)?;
        }
    }
    used::remove(&cache.join(TAKEN))?;
    // What `mix --version` and the like have said: some bytes.
    for Used { path, .. } in used::files(&cache.join(TOOLCHAINS))? {
        used::remove(&path)?;
    }
    Ok(before)
}

fn total(cache: &Path) -> io::Result<u64> {
    Ok(show(cache)?.iter().map(|part| part.bytes).sum())
}
