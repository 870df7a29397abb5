//! One artifact that is to be published, and what is known of it.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use super::draft::Folder;
use crate::codec::hex::hex;
use crate::diagnostic::Diagnostic;
use crate::formats::{self, Listing};
use crate::interrupt;
use crate::run::Artifact;
use crate::sign::{self, Signer};
use crate::store::{StoreError, Trouble, now};

/// An artifact of the output folder.
#[derive(Debug)]
pub struct Parcel {
    /// What the list of artifacts says of it.
    pub artifact: Artifact,
    /// Where it lies.
    pub path: PathBuf,
    /// SHA-256 in hex of the artifact that was built, if this is its signed copy.
    pub built: Option<String>,
    /// Whether a signed copy of it would be sent that cannot be made here: nobody knows its digest.
    pub unsigned: bool,
    listing: OnceLock<Listing>,
    /// Where a signed copy lies, as long as somebody has it.
    folder: Option<Folder>,
}

impl Parcel {
    /// It is not read yet.
    pub fn new(artifact: Artifact, path: PathBuf) -> Self {
        Self { artifact, path, built: None, unsigned: false, listing: OnceLock::new(), folder: None }
    }

    /// Whether it is of a kind that is signed.
    pub(super) fn is_signed_as(&self, deb: bool) -> bool {
        self.artifact.format == "rpm" || deb && self.artifact.format == "deb"
    }

    /// The form in which it is sent: rpm packages are signed, deb packages if that is wished for. One that the first key has signed stays
    /// as it is: it was published before. The same package and key give the same bytes, unless the key is outside of fitout.
    ///
    /// # Errors
    /// It cannot be read or written, or a key fails.
    pub fn signed(self, signer: &Signer, deb: bool) -> Result<Self, Diagnostic> {
        if !self.is_signed_as(deb) {
            return Ok(self);
        }
        let is_rpm = self.artifact.format == "rpm";
        let sign = if is_rpm { sign::sign_rpm } else { sign::sign_deb };
        if is_rpm && self.is_signed(signer)? {
            return Ok(self);
        }
        let failed =
            |error: std::io::Error| Diagnostic::from(StoreError::of(&self.artifact.file, Trouble::Failed, &error));
        let folder = interrupt::folder(tempfile::tempdir, |folder| folder.path().to_owned()).map_err(failed)?;
        let path = folder.0.path().join(&self.artifact.file);
        sign(&self.path, &path, signer, self.time(signer)?)?;
        let (size, sha256) =
            formats::digest(fs_err::File::open(&path).map_err(failed)?.into_parts().0).map_err(failed)?;
        let artifact = Artifact { size, sha256: hex(&sha256), ..self.artifact.clone() };
        let built = Some(self.artifact.sha256);
        Ok(Self { artifact, path, built, unsigned: false, listing: OnceLock::new(), folder: Some(Arc::new(folder)) })
    }

    fn is_signed(&self, signer: &Signer) -> Result<bool, Diagnostic> {
        let certificates = sign::read_certificates("[sign]", &signer.certificates()?)?;
        let file = fs_err::File::open(&self.path);
        let mut file = file.map_err(|error| StoreError::of(&self.artifact.file, Trouble::Failed, &error))?;
        Ok(sign::verify_rpm(&certificates[..1], &self.path, &mut file, now::now()).is_ok())
    }

    /// When it was made, so that each run signs at the same time.
    fn time(&self, signer: &Signer) -> Result<i64, Diagnostic> {
        let made = match self.artifact.format {
            "rpm" => self
                .listing()?
                .fields
                .iter()
                .find(|(name, _)| name == "Build Date")
                .and_then(|(_, time)| time.parse().ok()),
            _ => self.listing()?.entries.iter().map(|entry| entry.mtime).max(),
        };
        let created = signer.keys().first().map_or(0, |key| key.created);
        Ok(made.unwrap_or(0_i64).max(created))
    }

    /// Where a signed copy lies.
    pub(super) fn folder(&self) -> Option<Folder> {
        self.folder.clone()
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
