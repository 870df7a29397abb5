//! A file that has no name until it is whole.
//!
//! Where the file system can do it (`O_TMPFILE`, open(2)), an output is an unnamed inode: however the process ends, nothing
//! is left. Elsewhere it is a temporary file beside its place.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags};
use tempfile::NamedTempFile;

/// Permission bits of an artifact; the umask of the builder does not matter.
const MODE: u32 = 0o644;

/// An output that vanishes unless it is kept.
#[derive(Debug)]
pub enum Output {
    /// An inode without a name.
    Unnamed(File),
    /// A temporary file, removed when dropped.
    Named(NamedTempFile),
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
        let named = tempfile::Builder::new().prefix(".fitout-").tempfile_in(folder)?;
        named.as_file().set_permissions(permissions)?;
        Ok(Self::Named(named))
    }

    /// The open file.
    pub fn file(&self) -> &File {
        match self {
            Self::Unnamed(file) => file,
            Self::Named(named) => named.as_file(),
        }
    }

    /// Gives it its final name, over an older file of that name, in one rename.
    ///
    /// # Errors
    /// When linking or renaming fails.
    pub fn keep(self, path: &Path) -> io::Result<()> {
        match self {
            Self::Named(named) => named.persist(path).map(drop).map_err(|error| error.error),
            Self::Unnamed(file) => {
                let inode = format!("/proc/self/fd/{}", file.as_raw_fd());
                // linkat(2) does not replace: link under a name of our own first, then rename over.
                let between = between(path);
                match rustix::fs::linkat(CWD, &inode, CWD, &between, AtFlags::SYMLINK_FOLLOW) {
                    Err(rustix::io::Errno::EXIST) => {
                        std::fs::remove_file(&between)?;
                        rustix::fs::linkat(CWD, &inode, CWD, &between, AtFlags::SYMLINK_FOLLOW)?;
                    }
                    other => other?,
                }
                std::fs::rename(&between, path)
            }
        }
    }
}

/// The name between no name and the final one: it exists for an instant, and a later run replaces what a kill left.
fn between(path: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".fitout-");
    name.push(path.file_name().unwrap_or_default());
    path.with_file_name(name)
}
