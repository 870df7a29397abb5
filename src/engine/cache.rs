//! What a build leaves for the next: digests of files that did not change since, and what content became by compression.
//!
//! Enters: the project's folder of the cache, and the folder that all projects share. Leaves: digests by stat ([`known`]), compressed
//! bytes by content ([`runs`]), and findings. No byte of an artifact depends on it: what is read from here is checked, and what is
//! wrong is made again and told. Artifacts that are kept whole are `run/kept.rs`'s matter.

use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use super::scratch::Scratch;
use crate::build::state::RUNS;
use crate::diagnostic::{Diagnostic, Findings, codes};
use shared::Shared;

pub(super) mod known;
pub(super) mod runs;
mod segment;
pub mod shared;

pub use runs::check;

/// See the module.
#[derive(Debug)]
pub struct Cache {
    /// Of all projects.
    all: PathBuf,
    pub(super) known: Option<known::Known>,
    pub(super) runs: runs::Runs,
    /// Why nothing is known of files.
    unusable: Option<io::Error>,
    shared: Option<Shared>,
    /// What was wrong with that.
    findings: Findings,
}

impl Cache {
    /// `project` is the folder of one project, `all` that of all; `limit` is for the latter, in bytes. What other machines
    /// share is brought here first.
    pub fn open(project: &Path, all: &Path, limit: u64, shared: Option<Shared>) -> Self {
        let findings = shared.as_ref().map(|shared| shared.take(all, limit / 2)).unwrap_or_default();
        let (known, unusable) = match known::Known::open(project) {
            Ok(known) => (Some(known), None),
            Err(error) => (None, Some(error)),
        };
        Self { all: all.to_owned(), known, runs: runs::Runs::open(all, limit), unusable, shared, findings }
    }

    /// If something that was kept turned out to be damaged: from now on all of it is looked at before it is used, which costs time.
    /// Whether that is new.
    pub fn distrust(&self) -> bool {
        self.runs.distrust()
    }

    /// Leaves what this run found; what was wrong.
    pub(super) fn keep(&self, scratch: &Scratch) -> Findings {
        let mut findings = self.findings.clone();
        if let Some(shared) = &self.shared {
            findings.extend(self.runs.shared(scratch, |fresh| shared.offer(&self.all, fresh)));
        }
        findings.extend(self.runs.damaged().into_iter().map(damaged));
        findings.extend(self.known.as_ref().filter(|known| known.damaged).map(|known| damaged(&known.path())));
        let kept = self.runs.keep(scratch).and_then(|()| self.known.as_ref().map_or(Ok(()), known::Known::keep));
        let unusable = self.unusable.as_ref().map(ToString::to_string).or(kept.err().map(|error| error.to_string()));
        findings.extend(unusable.map(|why| {
            Diagnostic::warning(codes::ENGINE_CACHE, "what was compressed could not be kept for the next build")
                .path(self.all.join(RUNS))
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

/// Makes a folder that nobody else looks into.
fn create(folder: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}
