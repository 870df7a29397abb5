//! An image registry as a place: `blobs/sha256:…` and `manifests/TAG` of one repository.
//!
//! Enters: [`Settings`] and the environment. Leaves: a [`Place`] whose keys are the paths of the distribution specification behind
//! `/v2/NAME/`. Not here: which blobs an image has, and what its tags are (`publish`).

mod image;
mod repository;

#[cfg(feature = "network")]
mod access;
#[cfg(feature = "network")]
mod download;
#[cfg(feature = "network")]
mod login;
#[cfg(feature = "network")]
mod place;
#[cfg(feature = "network")]
mod referrers;
#[cfg(test)]
#[cfg(feature = "network")]
mod tests;
#[cfg(feature = "network")]
mod upload;

pub use super::Refusal;
pub use image::{ImageName, is_digest};
pub use repository::Repository;

use super::{Place, StoreError, Variables};
#[cfg(feature = "network")]
use super::{Trouble, wire};

#[cfg(feature = "network")]
impl wire::Asked for Repository {
    fn name(&self) -> String {
        self.to_string()
    }

    fn trouble(&self, refusal: Refusal) -> Trouble {
        Trouble::Registry(refusal)
    }
}

/// What is known of a registry before it is asked.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The repository.
    pub repository: Repository,
    /// Whether it speaks plain HTTP.
    pub insecure: bool,
    /// Certificates in PEM that are trusted besides the system's.
    pub ca: Option<Vec<u8>>,
    /// Paths of repositories of the same registry that may have a blob already.
    pub mount_from: Vec<String>,
    /// Bytes of a chunk; blobs go in one piece unless set.
    pub chunk: Option<u64>,
    /// Whether nothing is to be put: some registries give strangers no more.
    pub only_pulls: bool,
}

/// Opens a repository; nothing is asked of it yet.
///
/// # Errors
/// Credentials or certificates cannot be read, or this fitout was built without the network.
pub fn open(settings: &Settings, variables: &Variables) -> Result<Box<dyn Place>, StoreError> {
    #[cfg(feature = "network")]
    return Ok(Box::new(place::Registry::open(settings.clone(), variables)?));
    #[cfg(not(feature = "network"))]
    {
        let _ = variables;
        let name = settings.repository.to_string();
        Err(StoreError::new(name, super::Trouble::Unsupported, "built without the feature `network`"))
    }
}
