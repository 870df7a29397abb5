//! What a build leaves for the next: digests of files that did not change since, and what content became by compression.
//!
//! Enters: the project's folder of the cache, and the folder that all projects share. Leaves: digests by stat ([`known`]), compressed
//! bytes by content ([`runs`]), and findings. No byte of an artifact depends on it: what is read from here is checked, and what is
//! wrong is made again and told. Artifacts that are kept whole are `run/kept.rs`'s matter.

use std::io;
use std::path::{Path, PathBuf};

use super::scratch::Scratch;
use crate::diagnostic::{Diagnostic, Findings, codes};

pub(super) mod known;
pub(super) mod runs;
mod segment;

/// See the module.
#[derive(Debug)]
pub struct Cache {
    folder: PathBuf,
    pub(super) known: Option<known::Known>,
    pub(super) runs: runs::Runs,
    /// Why nothing is known of files.
    unusable: Option<io::Error>,
}

impl Cache {
    /// `project` is the folder of one project, `shared` that of all; `limit` is for the latter, in bytes.
    pub fn open(project: &Path, shared: PathBuf, limit: u64) -> Self {
        let (known, unusable) = match known::Known::open(project) {
            Ok(known) => (Some(known), None),
            Err(error) => (None, Some(error)),
        };
        Self { folder: shared.clone(), known, runs: runs::Runs::open(shared, limit), unusable }
    }

    /// Leaves what this run found; what was wrong.
    pub(super) fn keep(&self, scratch: &Scratch) -> Findings {
        let mut findings: Findings = self.runs.damaged().into_iter().map(damaged).collect();
        findings.extend(self.known.as_ref().filter(|known| known.damaged).map(|known| damaged(&known.path())));
        let kept = self.runs.keep(scratch).and_then(|()| self.known.as_ref().map_or(Ok(()), known::Known::keep));
        let unusable = self.unusable.as_ref().map(ToString::to_string).or(kept.err().map(|error| error.to_string()));
        findings.extend(unusable.map(|why| {
            Diagnostic::warning(codes::ENGINE_CACHE, "what was compressed could not be kept for the next build")
                .path(&self.folder)
                .note(why)
                .help("artifacts are right all the same; `--cache-dir` names another folder, `--no-cache` does without")
        }));
        findings
    }
}

fn damaged(path: &Path) -> Diagnostic {
    Diagnostic::warning(codes::ENGINE_CACHE, "a file of the cache is not what was put there")
        .path(path)
        .note("what is wrong in it was made again, and is not used any more")
        .help("artifacts are right all the same; if it comes again, look after the disk")
}
