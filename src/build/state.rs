//! Where a build leaves what it wants to find again: below the cache folder, one folder for each config file and environment.

use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::cache::shared::Use;
use super::cache::store::Local;
use super::log::Log;
use super::seen;
use crate::codec::hashes::{Hashes, sums};
use crate::codec::hex::hex;

/// Folder of what build tools keep.
pub const STORE: &str = "store";
/// Folder of compressed content.
pub const RUNS: &str = "runs";
/// Folder of base images, one for each digest.
pub const IMAGES: &str = "images";
/// Where versions of programs are remembered.
pub const TOOLCHAINS: &str = "toolchains";
/// Folder of logs and stamps, one for each project.
pub const PROJECTS: &str = "projects";
/// How files begin that hold what a configuration evaluated to when the step ran last.
pub const EVALUATED: &str = "config-";
/// Bytes of a digest in a folder's name.
const SHORT: usize = 8;

/// See the module; with no cache folder nothing is left.
#[derive(Debug, Clone, Default)]
pub struct State {
    cache: Option<PathBuf>,
    /// The folder of this project and environment.
    pub folder: Option<PathBuf>,
    /// Whether what lies there may be used.
    pub reuse: bool,
    /// Bytes that the folder of all projects may have.
    pub limit: u64,
    /// How the store of several machines is used.
    pub shared: Use,
}

impl State {
    /// Of a config file, whose path is absolute, and an environment in it.
    pub fn new(cache: Option<&Path>, config: &Path, environment: Option<&str>) -> Self {
        let key = [config.as_os_str().as_bytes(), environment.unwrap_or_default().as_bytes()].join(&0);
        let digest = sums(&key, Hashes::SHA256).sha256.unwrap_or_default();
        let folder = cache.map(|cache| cache.join(PROJECTS).join(hex(&digest[..SHORT])));
        Self { cache: cache.map(Path::to_owned), folder, reuse: true, limit: 0, shared: Use::Off }
    }

    /// A file for what commands print: `NAME.log`.
    pub fn log(&self, name: &str) -> Log {
        Log::new(self.folder.as_ref().map(|folder| folder.join(format!("{name}.log"))))
    }

    /// The folder of all projects, where it may be used.
    pub fn cache(&self) -> Option<&Path> {
        self.cache.as_deref().filter(|_| self.reuse)
    }

    /// Where what build tools keep is kept.
    pub fn store(&self) -> Option<Local> {
        self.cache().map(|cache| Local::new(cache.join(STORE)))
    }

    /// The time as the file system of the folder has it, in nanoseconds since 1970; none where nothing can be left.
    pub fn begun(&self) -> Option<i128> {
        seen::now(self.folder.as_deref()?).ok()
    }

    /// Where versions of programs are remembered.
    pub fn toolchains(&self) -> Option<PathBuf> {
        self.cache.as_ref().map(|cache| cache.join(TOOLCHAINS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_config_and_environment_has_its_own() {
        let of = |config: &str, environment| {
            State::new(Some(Path::new("/c")), Path::new(config), environment).folder.unwrap()
        };
        assert_eq!(of("/a/fitout.toml", None), of("/a/fitout.toml", None));
        assert_ne!(of("/a/fitout.toml", None), of("/a/other.toml", None));
        assert_ne!(of("/a/fitout.toml", None), of("/a/fitout.toml", Some("staging")));
        assert!(of("/a/fitout.toml", None).starts_with("/c/projects"));
        assert!(State::new(None, Path::new("/a"), None).folder.is_none());
    }
}
