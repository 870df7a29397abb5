//! The package that brings the keys of a repository to its hosts, and later ones in their place.
//!
//! Enters: keys, and how hosts name the repository. Leaves: a .deb, made as every package is. Its version is a date; it stays as long as
//! what it would bring is the same, so that the same keys give the same bytes.

use std::cmp::Ordering;
use std::fmt::Write as _;
use std::path::Path;

use super::parcel::Parcel;
use crate::codec::calendar;
use crate::diagnostic::{Diagnostic, Findings};
use crate::formats::deb::order;
use crate::listener::Silent;
use crate::run::{self, Request};
use crate::store::{StoreError, Trouble};

/// What it brings.
pub(super) struct Keyring<'a> {
    /// Name of the repository, fit for files.
    pub(super) name: &'a str,
    /// What it is called.
    pub(super) title: &'a str,
    /// Where hosts reach it.
    pub(super) url: &'a str,
    /// Who answers for it: `Name <mail>`.
    pub(super) maintainer: &'a str,
    /// The public keys, armored.
    pub(super) keys: &'a str,
    /// When the newest of them was made, seconds since 1970.
    pub(super) created: i64,
    /// `Suites` and `Components` of the source.
    pub(super) suite: (&'a str, &'a str),
}

impl Keyring<'_> {
    /// Its name: `hello-archive-keyring`.
    pub(super) fn package(&self) -> String {
        format!("{}-archive-keyring", self.name)
    }

    /// The package in `folder`; none if the one that is there brings the same. `newest` is its version and SHA-256.
    ///
    /// # Errors
    /// The package cannot be made.
    pub(super) fn parcel(
        &self,
        folder: &Path,
        newest: Option<(&str, &str)>,
        now: i64,
    ) -> Result<Option<Parcel>, Findings> {
        let mut version = calendar::rfc3339(now).get(..10).unwrap_or_default().replace('-', ".");
        if let Some((there, sha256)) = newest {
            let again = self.build(&folder.join("there"), there)?;
            if again.artifact.sha256 == sha256 {
                return Ok(None);
            }
            if order::compare(&version, there) != Ordering::Greater {
                version = format!("{there}.1");
            }
        }
        self.build(&folder.join("next"), &version).map(Some)
    }

    /// In a project of its own. A version that others wrote is not part of a path.
    fn build(&self, project: &Path, version: &str) -> Result<Parcel, Findings> {
        let config = project.join("fitout.toml");
        let write = || -> std::io::Result<()> {
            fs_err::create_dir_all(project)?;
            fs_err::write(&config, self.config(version))
        };
        write().map_err(|error| {
            vec![Diagnostic::from(StoreError::of(project.display().to_string(), Trouble::Failed, &error))]
        })?;
        let request =
            Request { config, source_date_epoch: Some(self.created.to_string()), no_cache: true, ..Request::default() };
        let mut built = run::build(&request, Path::new("dist"), &Silent)?;
        let artifact = built.artifacts.remove(0);
        let path = built.folder.join(&artifact.file);
        Ok(Parcel::new(artifact, path))
    }

    fn config(&self, version: &str) -> String {
        let Self { name, title, url, maintainer, keys, suite, .. } = self;
        let text = |value: &str| toml::Value::String(value.to_owned()).to_string();
        let ring = format!("/usr/share/keyrings/{name}-archive-keyring.asc");
        let source =
            format!("Types: deb\nURIs: {url}\nSuites: {}\nComponents: {}\nSigned-By: {ring}\n", suite.0, suite.1);
        let mut config = String::new();
        let _ = write!(
            config,
            "[package]\nname = {}\nversion = {}\nsummary = {}\ndescription = {}\nmaintainer = {}\nlicense = \"CC0-1.0\"\n\
             homepage = {}\n\n[build]\npreset = \"plain\"\nformats = [\"deb\"]\n\n",
            text(&self.package()),
            text(version),
            text(&format!("Keys and source of {title}")),
            text(&format!("Lets apt install packages of {title} and know them by their signatures.")),
            text(maintainer),
            text(url),
        );
        let _ = write!(
            config,
            "[[files]]\ntext = {}\nto = {}\n\n[[files]]\ntext = {}\nto = {}\nrole = \"config\"\n",
            text(&literal(keys)),
            text(&ring),
            text(&literal(&source)),
            text(&format!("/etc/apt/sources.list.d/{name}.sources")),
        );
        config.push_str(OVERRIDE);
        config
    }
}

/// Debian's own packages name no source; this one is there to name its own.
const OVERRIDE: &str = "\n[[format.deb.lintian-overrides]]\ntag = \"package-installs-apt-sources\"\n\
                        reason = \"it brings the source that its keys are of\"\n";

/// A text in which no brace is a hole.
fn literal(text: &str) -> String {
    text.replace('{', "{{").replace('}', "}}")
}
