//! One artifact that is to be published, and what is known of it.

use std::path::PathBuf;
use std::sync::OnceLock;

use crate::diagnostic::Diagnostic;
use crate::formats::{self, Listing};
use crate::run::Artifact;

/// An artifact of the output folder.
#[derive(Debug)]
pub struct Parcel {
    /// What the list of artifacts says of it.
    pub artifact: Artifact,
    /// Where it lies.
    pub path: PathBuf,
    listing: OnceLock<Listing>,
}

impl Parcel {
    /// It is not read yet.
    pub fn new(artifact: Artifact, path: PathBuf) -> Self {
        Self { artifact, path, listing: OnceLock::new() }
    }

    /// What is in it, read once.
    ///
    /// # Errors
    /// It cannot be read as what it is.
    pub fn listing(&self) -> Result<&Listing, Diagnostic> {
        if let Some(listing) = self.listing.get() {
            return Ok(listing);
        }
        let (listing, _) = formats::read_file(&self.path)?;
        Ok(self.listing.get_or_init(|| listing))
    }
}
