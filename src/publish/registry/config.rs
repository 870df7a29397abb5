//! `[[publish.registry]]` -> a destination.

use std::path::Path;

use super::{Registry, artifacts, tags};
use crate::config::load::Document;
use crate::config::schema::{At, PublishRegistry, Text};
use crate::diagnostic::{Diagnostic, Findings, codes};
use crate::publish::Request;
use crate::store::registry::{self, Repository, Settings};

/// A table, and what it is read against.
pub struct Table<'a> {
    /// The config.
    pub document: &'a Document,
    /// The folder of the config.
    pub project: &'a Path,
    /// What is asked for.
    pub request: &'a Request,
    /// Name of the package.
    pub owner: &'a str,
}

impl Table<'_> {
    /// Opens it; the registry is not asked yet.
    ///
    /// # Errors
    /// Image, tags or certificates are not as they must be, or credentials cannot be read.
    pub fn open(&self, at: &At<PublishRegistry>) -> Result<Registry, Findings> {
        let config = &at.value;
        let mut findings = Findings::new();
        let mut keep = |result: Result<Option<Vec<u8>>, Diagnostic>| {
            result.unwrap_or_else(|finding| {
                findings.push(finding);
                None
            })
        };
        let ca = keep(self.ca(config.ca.as_ref()));
        let tags = self.tags(config.tags.as_deref(), &mut findings);
        for path in &config.mount_from {
            if Repository::parse(path).is_none_or(|repository| !repository.host.is_empty()) {
                let help = "write the path alone, as `team/base`: it is in the same registry";
                findings.push(self.wrong(path, codes::REGISTRY_IMAGE, "is no path of a repository").help(help));
            }
        }
        for format in &config.artifacts {
            if artifacts::KINDS.iter().all(|(known, _)| *known != format.value) {
                let known: Vec<&str> = artifacts::KINDS.iter().map(|(known, _)| *known).collect();
                let finding = self.wrong(format, codes::CONFIG_INVALID_VALUE, "is no format that goes beside an image");
                findings.push(finding.help(format!("choose from {}", known.join(", "))));
            }
        }
        let repository = Repository::parse(&config.image).filter(|repository| !repository.host.is_empty());
        let Some(repository) = repository else {
            findings.push(self.no_image(&config.image));
            return Err(findings);
        };
        if !findings.is_empty() {
            return Err(findings);
        }
        let settings = Settings {
            repository,
            insecure: config.insecure,
            ca,
            mount_from: config.mount_from.iter().map(|path| path.value.clone()).collect(),
            only_pulls: false,
            chunk: config.chunk.as_ref().map(|chunk| u64::from(chunk.value.max(1)) << 20),
        };
        let place = registry::open(&settings, &self.request.variables).map_err(|error| {
            let span = self.document.span(config.image.range.clone());
            vec![Diagnostic::from(error).at(&span, "")]
        })?;
        let formats = config.artifacts.iter().map(|format| format.value.clone()).collect();
        Ok(Registry { place, owner: self.owner.to_owned(), tags, formats, replace: self.request.replace })
    }

    fn ca(&self, path: Option<&Text>) -> Result<Option<Vec<u8>>, Diagnostic> {
        let Some(path) = path else { return Ok(None) };
        fs_err::read(self.project.join(&path.value)).map(Some).map_err(|error| {
            self.wrong(path, codes::REGISTRY_CERTIFICATE, "cannot be read")
                .note(error.kind().to_string())
                .help("`ca` is a file with certificates in PEM, relative to the config")
        })
    }

    fn tags(&self, typed: Option<&[Text]>, findings: &mut Findings) -> Vec<String> {
        let Some(typed) = typed else {
            // What is of an environment is nobody's `latest` unless the config says so.
            let count = if self.request.environment.is_some() { 1 } else { tags::DEFAULT.len() };
            return tags::DEFAULT[..count].iter().map(|text| (*text).to_owned()).collect();
        };
        for text in typed {
            if let Some(why) = tags::refusal(text) {
                let help = "write it like `{version}`, `v{major}.{minor}`, `latest` or `canary`";
                findings.push(self.wrong(text, codes::REGISTRY_TAG, "is no tag").note(why).help(help));
            }
        }
        typed.iter().map(|text| text.value.clone()).collect()
    }

    fn no_image(&self, image: &Text) -> Diagnostic {
        let text = image.value.as_str();
        let path = text.split_once('@').map_or(text, |(path, _)| path);
        // A colon behind the last slash is that of a tag.
        let colon = path.rfind(':').filter(|at| path.rfind('/').is_some_and(|slash| slash < *at));
        let path = colon.map_or(path, |at| &path[..at]).to_lowercase();
        let finding = self.wrong(image, codes::REGISTRY_IMAGE, "is no repository of a registry");
        let with_host = format!("docker.io/{path}");
        let better = [path.as_str(), with_host.as_str()]
            .into_iter()
            .find(|text| Repository::parse(text).is_some_and(|repository| !repository.host.is_empty()));
        match better {
            Some(better) if colon.is_some() || text.contains('@') => {
                finding.help(format!("write `{better}`; tags have a key of their own, `tags`"))
            }
            Some(better) => finding.help(format!("write host and path in small letters: `{better}`")),
            None => finding.help("write host and path: `ghcr.io/team/app`"),
        }
    }

    fn wrong(&self, text: &Text, code: crate::diagnostic::Code, what: &str) -> Diagnostic {
        let message = format!("`{}` {what}", text.value.escape_debug());
        Diagnostic::error(code, message).at(&self.document.span(text.range.clone()), "")
    }
}
