//! The package that brings the keys of a repository to its hosts, and later ones in their place.
//!
//! Enters: keys, and how hosts name the repository. Leaves: a .deb or .rpm, made as every package is. Its version is a date; it stays as long as
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
use crate::sign::Signer;
use crate::store::{StoreError, Trouble};

/// What it is made of.
pub(super) struct Keyring<'a> {
    /// Name of the repository, fit for files.
    pub(super) name: &'a str,
    /// What it is called.
    pub(super) title: &'a str,
    /// Where hosts reach it.
    pub(super) url: &'a str,
    /// Who answers for it: `Name <mail>`; the first key's user if empty.
    pub(super) maintainer: &'a str,
    /// The public keys, armored.
    pub(super) keys: &'a str,
    /// What it brings besides.
    pub(super) brings: Brings<'a>,
}

/// The file by which a package manager finds the repository.
pub(super) enum Brings<'a> {
    /// One of apt, with its suite and component.
    Source(&'a str, &'a str),
    /// One of dnf.
    Repo {
        /// Its text.
        text: &'a str,
        /// Where it looks for the keys.
        ring: &'a str,
    },
}

/// One file of the package, as the config has it.
struct Brought {
    to: String,
    text: String,
}

impl Keyring<'_> {
    /// Its name: `hello-archive-keyring`, `hello-release`, as Debian's and Fedora's are.
    pub(super) fn package(&self) -> String {
        let suffix = match self.brings {
            Brings::Source(..) => "archive-keyring",
            Brings::Repo { .. } => "release",
        };
        format!("{}-{suffix}", self.name)
    }

    /// The package in `folder`; none if the one that is there brings the same. `newest` is its version, `is_there` says whether it is the
    /// one that is made again in that version.
    ///
    /// # Errors
    /// The package cannot be made.
    pub(super) fn parcel(
        &self,
        folder: &Path,
        signer: &Signer,
        newest: Option<&str>,
        is_there: impl FnOnce(Parcel) -> Result<bool, Diagnostic>,
        now: i64,
    ) -> Result<Option<Parcel>, Findings> {
        let mut version = calendar::rfc3339(now).get(..10).unwrap_or_default().replace('-', ".");
        if let Some(there) = newest {
            let again = self.build(&folder.join("there"), signer, there)?;
            if is_there(again).map_err(|finding| vec![finding])? {
                return Ok(None);
            }
            if order::compare(&version, there) != Ordering::Greater {
                version = format!("{there}.1");
            }
        }
        self.build(&folder.join("next"), signer, &version).map(Some)
    }

    /// In a project of its own. A version that others wrote is not part of a path.
    fn build(&self, project: &Path, signer: &Signer, version: &str) -> Result<Parcel, Findings> {
        let config = project.join("fitout.toml");
        let first = signer.keys().first().map_or("", |key| key.user_id.as_str());
        let maintainer = if self.maintainer.is_empty() { first } else { self.maintainer };
        let write = || -> std::io::Result<()> {
            fs_err::create_dir_all(project)?;
            fs_err::write(&config, self.config(maintainer, version))
        };
        write().map_err(|error| {
            vec![Diagnostic::from(StoreError::of(project.display().to_string(), Trouble::Failed, &error))]
        })?;
        // When the newest of the keys was made.
        let created = signer.keys().iter().map(|key| key.created).max().unwrap_or_default();
        let request =
            Request { config, source_date_epoch: Some(created.to_string()), no_cache: true, ..Request::default() };
        let mut built = run::build(&request, &Silent)?;
        let artifact = built.artifacts.remove(0);
        let path = built.folder.join(&artifact.file);
        Ok(Parcel::new(artifact, path))
    }

    /// Where the keys lie, and the file that names the place.
    fn files(&self) -> [Brought; 2] {
        let Self { name, url, keys, .. } = self;
        let (ring, to, text) = match self.brings {
            Brings::Source(suite, component) => {
                let ring = format!("/usr/share/keyrings/{name}-archive-keyring.asc");
                let source =
                    format!("Types: deb\nURIs: {url}\nSuites: {suite}\nComponents: {component}\nSigned-By: {ring}\n");
                (ring, format!("/etc/apt/sources.list.d/{name}.sources"), source)
            }
            Brings::Repo { text, ring } => (ring.to_owned(), format!("/etc/yum.repos.d/{name}.repo"), text.to_owned()),
        };
        [Brought { to: ring, text: (*keys).to_owned() }, Brought { to, text }]
    }

    fn config(&self, maintainer: &str, version: &str) -> String {
        let Self { title, url, .. } = self;
        let text = |value: &str| toml::Value::String(value.to_owned()).to_string();
        let (format, manager) = match self.brings {
            Brings::Source(..) => ("deb", "apt"),
            Brings::Repo { .. } => ("rpm", "dnf"),
        };
        let mut config = String::new();
        let _ = write!(
            config,
            "[package]\nname = {}\nversion = {}\nsummary = {}\ndescription = {}\nmaintainer = {}\nlicense = \"CC0-1.0\"\n\
             homepage = {}\n\n[build]\npreset = \"plain\"\nformats = [\"{format}\"]\n\n",
            text(&self.package()),
            text(version),
            text(&format!("Keys and source of {title}")),
            text(&format!("Lets {manager} install packages of {title} and know them by their signatures.")),
            text(maintainer),
            text(url),
        );
        let [keys, source] = self.files();
        let _ = write!(
            config,
            "[[files]]\ntext = {}\nto = {}\n\n[[files]]\ntext = {}\nto = {}\nrole = \"config\"\n",
            text(&literal(&keys.text)),
            text(&keys.to),
            text(&literal(&source.text)),
            text(&source.to),
        );
        if format == "deb" {
            config.push_str(OVERRIDE);
        }
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
