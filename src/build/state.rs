//! Where a build leaves what it wants to find again: one folder for each project and environment, below the cache folder.

use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crate::codec::hashes::{Hashes, sums};
use crate::codec::hex::hex;

/// Bytes of a digest in a folder's name.
const SHORT: usize = 8;

/// The folder of a project, which is absolute, and an environment of its config.
pub fn folder(cache: &Path, project: &Path, environment: Option<&str>) -> PathBuf {
    let mut key = project.as_os_str().as_bytes().to_vec();
    key.push(0);
    key.extend(environment.unwrap_or_default().as_bytes());
    let digest = sums(&key, Hashes::SHA256).sha256.unwrap_or_default();
    cache.join("projects").join(hex(&digest[..SHORT]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_project_and_environment_has_its_own() {
        let of = |project: &str, environment| folder(Path::new("/c"), Path::new(project), environment);
        assert_eq!(of("/a", None), of("/a", None));
        assert_ne!(of("/a", None), of("/b", None));
        assert_ne!(of("/a", None), of("/a", Some("staging")));
        assert!(of("/a", None).starts_with("/c/projects"));
    }
}
