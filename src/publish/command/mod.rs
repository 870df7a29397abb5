//! Programs that take artifacts wherever they go: `[[publish.command]]`.
//!
//! Enters: artifacts, and arguments with holes. Leaves: a [`Draft`] with a run for each artifact, or one for a folder that holds them all. No
//! shell is in between; what a program sees of the environment is named.

mod config;
mod runner;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(super) use config::open;

use super::destination::{Destination, Work};
use super::draft::{Draft, Put, What};
use super::parcel::Parcel;
use super::{at_once, facts};
use crate::config::schema::CommandEach;
use crate::diagnostic::{Diagnostic, Findings};
use crate::interrupt;
use crate::resolve::holes::{self, Holes};
use crate::store::{Body, Kind, Object, Place, StoreError, Trouble};
use runner::Runner;

/// A program.
pub struct Command {
    runner: Runner,
    run: Vec<String>,
    check: Vec<String>,
    each: CommandEach,
    /// Formats that it is for; all if empty.
    formats: Vec<String>,
    /// The folder of the config, which it runs in.
    project: PathBuf,
    /// Facts of the package.
    facts: Holes,
    digests: bool,
}

/// Arguments as they are run and as they are shown.
struct Line {
    argv: Vec<String>,
    shown: String,
}

impl Command {
    /// Holes in arguments; those of the config were judged when it was read.
    fn line(templates: &[String], holes: &Holes, shown: &Holes) -> Line {
        let filled = |holes: &Holes| -> Vec<String> {
            templates.iter().map(|text| holes::fill(text, holes).unwrap_or_default()).collect()
        };
        let words: Vec<String> = filled(shown).iter().map(|word| quoted(word)).collect();
        Line { argv: filled(holes), shown: words.join(" ") }
    }

    fn publish(&self, parcels: &[&Parcel]) -> Result<Draft, Findings> {
        self.runner.forget();
        let mut draft = Draft::default();
        if parcels.is_empty() {
            return Ok(draft);
        }
        if self.each == CommandEach::Folder {
            let one = |error: StoreError| vec![Diagnostic::from(error)];
            let put = self.folder(parcels, &mut draft).map_err(one)?;
            draft.before.extend(put.map(|put| vec![put]));
            return Ok(draft);
        }
        let (mut puts, mut findings) = (Vec::new(), Findings::new());
        let looked = at_once(self.runner.at_once(), parcels, |parcel| self.artifact(parcel));
        for (parcel, looked) in parcels.iter().zip(looked) {
            match looked {
                Ok(Some(put)) => puts.push(put),
                Ok(None) => draft.same.push(parcel.artifact.file.clone()),
                Err(error) => findings.push(error.into()),
            }
        }
        findings.dedup();
        draft.before.push(puts);
        if findings.is_empty() { Ok(draft) } else { Err(findings) }
    }

    /// A run for an artifact; none if it is there.
    fn artifact(&self, parcel: &Parcel) -> Result<Option<Put>, StoreError> {
        let artifact = &parcel.artifact;
        let failed = |error: std::io::Error| StoreError::of(&artifact.file, Trouble::Failed, &error);
        let mut holes = self.facts.clone();
        holes.extend(facts::of(parcel, self.digests).map_err(failed)?);
        let mut shown = holes.clone();
        // A signed copy lies in a folder that nobody knows.
        let inside = parcel.path.strip_prefix(&self.project).ok().map(Path::to_path_buf);
        let path = inside.clone().unwrap_or_else(|| parcel.path.clone());
        holes.insert("path".to_owned(), path.display().to_string());
        let path = inside.map_or_else(|| artifact.file.clone(), |path| path.display().to_string());
        shown.insert("path".to_owned(), path);
        let body = Body::File { path: parcel.path.clone(), size: artifact.size };
        self.run(&holes, &shown, body, Some(artifact.sha256.clone()))
    }

    /// A run for all artifacts.
    fn folder(&self, parcels: &[&Parcel], draft: &mut Draft) -> Result<Option<Put>, StoreError> {
        let failed = |error: std::io::Error| StoreError::of(self.runner.name(), Trouble::Failed, &error);
        let folder = interrupt::folder(tempfile::tempdir, |folder| folder.path().to_owned()).map_err(failed)?;
        let at = folder.0.path();
        for parcel in parcels {
            let to = at.join(&parcel.artifact.file);
            if fs_err::hard_link(&parcel.path, &to).is_err() {
                fs_err::copy(&parcel.path, &to).map_err(failed)?;
            }
        }
        let (mut holes, mut shown) = (self.facts.clone(), self.facts.clone());
        holes.insert("folder".to_owned(), at.display().to_string());
        shown.insert("folder".to_owned(), "{folder}".to_owned());
        let put = self.run(&holes, &shown, Body::Bytes([].into()), None)?;
        draft.folders.push(Arc::new(folder));
        if put.is_none() {
            draft.same.extend(parcels.iter().map(|parcel| parcel.artifact.file.clone()));
        }
        Ok(put)
    }

    fn run(&self, holes: &Holes, shown: &Holes, body: Body, sha256: Option<String>) -> Result<Option<Put>, StoreError> {
        if !self.check.is_empty() {
            let check = Self::line(&self.check, holes, shown);
            if self.runner.succeeds(&check.argv, &check.shown)? {
                return Ok(None);
            }
        }
        let line = Self::line(&self.run, holes, shown);
        let what = if sha256.is_some() { What::Artifact } else { What::Request };
        let key = self.runner.note(line);
        Ok(Some(Put { key, body, kind: Kind { content_type: "", immutable: false, sha256 }, what, when: None }))
    }
}

/// As a shell would need it, for whoever reads it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,{}~".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

impl Destination for Command {
    fn name(&self) -> String {
        format!("command {}", self.runner.name())
    }

    fn place(&self) -> &dyn Place {
        &self.runner
    }

    fn into_place(self: Box<Self>) -> Box<dyn Place> {
        Box::new(self.runner)
    }

    fn is_repository(&self) -> bool {
        false
    }

    fn format(&self) -> &'static str {
        "command"
    }

    fn formats(&self) -> Option<&[String]> {
        Some(&self.formats)
    }

    fn draft(&self, work: &Work<'_>) -> Result<Draft, Findings> {
        match work {
            Work::Publish(parcels) => self.publish(parcels),
            Work::Retract { .. } | Work::Repair | Work::Move(_) => Ok(Draft::default()),
        }
    }

    fn settle(&self, _: &Object) -> Result<Vec<Vec<Put>>, Findings> {
        Ok(Vec::new())
    }
}
