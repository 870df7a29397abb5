//! A file that has no name until it is whole.
//!
//! Where the file system can do it (`O_TMPFILE`, open(2)), an output is an unnamed inode: however the process ends, nothing
//! is left. Elsewhere it is a temporary file beside its place, which goes when the process is told to stop.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags};
use tempfile::NamedTempFile;

use crate::interrupt::{self, Held, UNFINISHED};
use crate::store::now;

/// Permission bits of an artifact; the umask of the builder does not matter.
const MODE: u32 = 0o644;

/// An output that vanishes unless it is kept.
#[derive(Debug)]
pub enum Output {
    /// An inode without a name.
    Unnamed(File),
    /// A temporary file, removed when dropped.
    Named(NamedTempFile, Held),
}

impl Output {
    /// Opens an output in `folder`.
    ///
    /// # Errors
    /// When the folder is not there or cannot be written.
    pub fn create(folder: &Path) -> io::Result<Self> {
        let permissions = std::fs::Permissions::from_mode(MODE);
        // Without /proc there is no way to give the inode a name later.
        if Path::new("/proc/self/fd").is_dir()
            && let Ok(file) =
                rustix::fs::open(folder, OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC, Mode::from(MODE))
        {
            let file = File::from(file);
            file.set_permissions(permissions)?;
            return Ok(Self::Unnamed(file));
        }
        let new = || tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(folder);
        let (named, held) = interrupt::file(new, |named| named.path().to_path_buf())?;
        named.as_file().set_permissions(permissions)?;
        Ok(Self::Named(named, held))
    }

    /// The open file.
    pub fn file(&self) -> &File {
        match self {
            Self::Unnamed(file) => file,
            Self::Named(named, _) => named.as_file(),
        }
    }

    /// Gives it a name beside its final one, so that only a rename is left to do.
    ///
    /// # Errors
    /// When the place is taken by a folder, or linking fails.
    pub fn stage(self, path: &Path) -> io::Result<Staged> {
        // A rename over a folder fails: find out before any file of the run has its final name.
        if path.is_dir() {
            return Err(io::Error::new(io::ErrorKind::IsADirectory, "a folder has this name"));
        }
        match self {
            Self::Named(named, held) => {
                let between = named.into_temp_path().keep().map_err(|error| error.error)?;
                Ok(Staged { between, path: path.to_path_buf(), _held: held })
            }
            Self::Unnamed(file) => {
                let inode = format!("/proc/self/fd/{}", file.as_raw_fd());
                // linkat(2) does not replace, so a name of our own comes first.
                let between = between(path);
                let link = || Ok(rustix::fs::linkat(CWD, &inode, CWD, &between, AtFlags::SYMLINK_FOLLOW)?);
                let ((), held) = interrupt::file(link, |()| between.clone())?;
                Ok(Staged { between, path: path.to_path_buf(), _held: held })
            }
        }
    }
}

/// Lays a whole file beside another name: a link where both are on one file system, else a copy.
///
/// # Errors
/// It cannot be read, the place is taken by a folder, or there is no space.
pub fn link(from: &Path, path: &Path) -> io::Result<Staged> {
    if path.is_dir() {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "a folder has this name"));
    }
    let between = between(path);
    if let Ok(((), held)) = interrupt::file(|| std::fs::hard_link(from, &between), |()| between.clone()) {
        return Ok(Staged { between, path: path.to_path_buf(), _held: held });
    }
    let output = Output::create(path.parent().unwrap_or(Path::new(".")))?;
    io::copy(&mut File::open(from)?, &mut output.file())?;
    output.stage(path)
}

/// A whole file beside its final name; removed again unless it is finished.
#[derive(Debug)]
pub struct Staged {
    between: PathBuf,
    path: PathBuf,
    _held: Held,
}

impl Staged {
    /// Renames it to its final name, over an older file of that name.
    ///
    /// # Errors
    /// When renaming fails.
    pub fn finish(self) -> io::Result<PathBuf> {
        std::fs::rename(&self.between, &self.path)?;
        Ok(self.path.clone())
    }

    /// The final name.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // After a rename there is nothing of that name, and that is as it should be.
        let _ = std::fs::remove_file(&self.between);
    }
}

/// Keeps other runs from naming files in a folder, until it is dropped or the process ends, however it ends. None where
/// the file system has no locks.
pub fn lock(folder: &Path) -> Option<File> {
    let folder = File::open(folder).ok()?;
    folder.lock().ok()?;
    Some(folder)
}

/// The name between no name and the final one: it exists for an instant, and is another one each time, so that two runs into one folder
/// do not take each other's. Runs of two containers may have the same number.
fn between(path: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(format!("{UNFINISHED}{}-", now::unique()));
    name.push(path.file_name().unwrap_or_default());
    path.with_file_name(name)
}
