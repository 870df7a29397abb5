//! Files of a cache, and when they were used last, which is what their own time says.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, UTIME_NOW};

/// One file.
#[derive(Debug)]
pub struct Used {
    /// Where it is.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// When it was used last: seconds since 1970, and nanoseconds.
    pub last: (i64, i64),
}

/// All files below a folder, in no order; none where there is no folder.
///
/// # Errors
/// When the folder cannot be read.
pub fn files(folder: &Path) -> io::Result<Vec<Used>> {
    let mut found = Vec::new();
    let entries = match fs_err::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let path = entry?.path();
        // Another process may have removed it, or given it its name, meanwhile.
        let Ok(meta) = fs_err::symlink_metadata(&path) else { continue };
        if meta.is_dir() {
            found.extend(files(&path)?);
        } else {
            found.push(Used { path, bytes: meta.len(), last: (meta.mtime(), meta.mtime_nsec()) });
        }
    }
    Ok(found)
}

/// Notes that a file is used; one whose time cannot be set goes earlier.
pub fn now(path: &Path) {
    let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
    let times = Timestamps { last_access: now, last_modification: now };
    let _ = rustix::fs::utimensat(CWD, path, &times, AtFlags::empty());
}

/// Removes a file; another process may have been faster.
///
/// # Errors
/// When it is there and cannot be removed.
pub fn remove(path: &Path) -> io::Result<()> {
    match fs_err::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
