//! `fitout.lock`: what names in the config stood for when they were looked up. It is committed, so that every machine builds upon the
//! same.
//!
//! Enters: the folder of the config. Leaves: digests by name, and the file with what was looked up since.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::diagnostic::{Diagnostic, codes};
use crate::engine::EngineError;
use crate::interrupt;
use crate::resolve::LOCK as NAME;
use crate::store::registry::is_digest;

const HEAD: &str =
    "# What names in fitout.toml stood for; `fitout build --update` looks them up anew. Commit this file.\n";

/// See the module.
pub(super) struct Lock {
    path: PathBuf,
    images: BTreeMap<String, String>,
    /// Whether what lies there is not to be used: names are looked up anew.
    update: bool,
    is_new: bool,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default, rename = "image")]
    images: Vec<Image>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Image {
    name: String,
    digest: String,
}

impl Lock {
    /// What lies there. With `update` it is kept for others, and not used.
    ///
    /// # Errors
    /// It cannot be read as what it is.
    pub(super) fn read(project: &Path, update: bool) -> Result<Self, Diagnostic> {
        let path = project.join(NAME);
        let text = match fs_err::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(EngineError::Read { path, source: error }.into()),
        };
        let wrong = |why: String| {
            Diagnostic::error(codes::CONFIG_LOCK, format!("`{NAME}` is not as fitout wrote it"))
                .path(NAME)
                .note(why)
                .help("take it from version control again, or remove it: names are looked up anew then")
        };
        let file: File = toml::from_str(&text).map_err(|error| wrong(error.message().to_owned()))?;
        let images: BTreeMap<String, String> =
            file.images.into_iter().map(|image| (image.name, image.digest)).collect();
        if let Some((name, _)) = images.iter().find(|(_, digest)| !is_digest(digest)) {
            return Err(wrong(format!("that of `{name}` is no digest")));
        }
        Ok(Self { path, images, update, is_new: false })
    }

    /// The digest of an image by its whole name.
    pub(super) fn image(&self, name: &str) -> Option<&String> {
        self.images.get(name).filter(|_| !self.update)
    }

    /// Notes what was looked up.
    pub(super) fn set_image(&mut self, name: String, digest: String) {
        self.is_new |= self.images.insert(name, digest.clone()) != Some(digest);
    }

    /// Writes the file if something was looked up. Names that this run did not ask for stay: other configs and environments have them.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn write(&self) -> Result<(), Diagnostic> {
        if !self.is_new || (self.images.is_empty() && !self.path.exists()) {
            return Ok(());
        }
        let images = self.images.iter().map(|(name, digest)| Image { name: name.clone(), digest: digest.clone() });
        let write = || -> std::io::Result<()> {
            let text = toml::to_string(&File { images: images.collect() }).map_err(std::io::Error::other)?;
            let folder = self.path.parent().unwrap_or(Path::new("."));
            let new = interrupt::file(|| tempfile::NamedTempFile::new_in(folder), |file| file.path().to_owned())?;
            let (mut file, _held) = new;
            file.write_all(format!("{HEAD}\n{text}").as_bytes())?;
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
            file.as_file().set_permissions(mode)?;
            file.persist(&self.path).map_err(|error| error.error)?;
            Ok(())
        };
        write().map_err(|source| EngineError::Write { path: self.path.clone(), source }.into())
    }
}
