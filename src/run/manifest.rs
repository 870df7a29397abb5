//! `manifest.json` of the output folder: what `publish` will send.
//!
//! Enters: what a run made. Leaves: the list, ready for the last rename of the run. A run that is narrowed to some formats or targets keeps
//! the entries of the others, if they are of the same package and time and their files are there as they were made; a whole
//! run lists what it made. The list is of one package: the list of another one, whose files are there, is not replaced.

use std::io::Read as _;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::Digest as _;

use super::{Artifact, Planned};
use crate::codec::hex::hex;
use crate::diagnostic::{Diagnostic, Findings, codes};
use crate::engine::EngineError;
use crate::engine::output::{Output, Staged};
use crate::formats::{self, source};
use crate::store::artifacts::{self, FORM, LIST};

#[derive(Serialize)]
struct Manifest<'a> {
    schema: &'static str,
    name: &'a str,
    version: &'a str,
    environment: Option<&'a str>,
    clock: i64,
    revision: Option<&'a str>,
    artifacts: &'a [Artifact],
}

/// A list of an earlier run, as far as it is one.
#[derive(Deserialize)]
struct Old {
    schema: String,
    name: String,
    version: String,
    environment: Option<String>,
    clock: i64,
    revision: Option<String>,
    artifacts: Vec<OldArtifact>,
}

#[derive(Deserialize)]
struct OldArtifact {
    format: String,
    targets: Vec<String>,
    file: String,
    arch: String,
    version: String,
    size: u64,
    sha256: String,
}

/// Stages the list; `narrowed` says that the run made a part of the artifacts only.
pub(super) fn stage(
    planned: &Planned,
    folder: &Path,
    made: &[Artifact],
    narrowed: bool,
) -> Result<Option<Staged>, EngineError> {
    let Some(plan) = planned.plans.first() else { return Ok(None) };
    let mut manifest = Manifest {
        schema: FORM,
        name: &plan.identity.name,
        version: &plan.identity.version.text,
        environment: plan.environment.as_deref(),
        clock: plan.clock,
        revision: plan.identity.revision.as_deref(),
        artifacts: made,
    };
    let merged;
    if narrowed {
        let old = read(folder).filter(|old| old.is_of(&manifest)).map(|old| old.artifacts);
        merged = merge(old.unwrap_or_default(), made, folder);
        manifest.artifacts = &merged;
    }
    write(&manifest, folder).map(Some)
}

/// Stages the list of what was merged.
pub(super) fn stage_list(made: &Made, folder: &Path) -> Result<Staged, EngineError> {
    let manifest = Manifest {
        schema: FORM,
        name: &made.name,
        version: &made.version,
        environment: made.environment.as_deref(),
        clock: made.clock,
        revision: made.revision.as_deref(),
        artifacts: &made.artifacts,
    };
    write(&manifest, folder)
}

fn write(manifest: &Manifest<'_>, folder: &Path) -> Result<Staged, EngineError> {
    let path = folder.join(LIST);
    let failed = |source| EngineError::Write { path: path.clone(), source };
    let mut text = serde_json::to_vec_pretty(manifest).map_err(|error| failed(error.into()))?;
    text.push(b'\n');
    let output = Output::create(folder).map_err(failed)?;
    std::io::Write::write_all(&mut output.file(), &text).map_err(failed)?;
    output.stage(&path).map_err(failed)
}

/// Refuses a folder that holds artifacts of another package, which would be in no list any more.
pub(super) fn refuse_another(own: &str, project: &Path, folder: &Path) -> Result<(), Diagnostic> {
    let Some(old) = read(folder).filter(|old| old.schema == FORM && old.name != own) else { return Ok(()) };
    let is_there = |old: &&OldArtifact| fs_err::symlink_metadata(folder.join(&old.file)).is_ok();
    let Some(file) = old.artifacts.iter().find(is_there).map(|old| &old.file) else { return Ok(()) };
    let shown = folder.strip_prefix(project).unwrap_or(folder).display().to_string();
    Err(Diagnostic::error(
        codes::RUN_OTHER_PACKAGE,
        format!("`{shown}` holds the artifacts of `{}`, such as `{file}`", old.name),
    )
    .path(&shown)
    .help(format!("build each package into a folder of its own: `fitout build --out {shown}/{own}`"))
    .help(format!("or remove what `{}` has left there, if nobody wants it any more", old.name))
    .note("`manifest.json`, the list that `fitout publish` reads, is of one package"))
}

/// What lies there. One that cannot be read says nothing: it is about to be replaced.
fn read(folder: &Path) -> Option<Old> {
    artifacts::read(folder)
}

/// What an output folder holds, as its list says.
#[derive(Debug, Clone)]
pub struct Made {
    /// Package name.
    pub name: String,
    /// Version as typed or found.
    pub version: String,
    /// The environment that it was made for.
    pub environment: Option<String>,
    /// Time of all that is in the artifacts, seconds since 1970.
    pub clock: i64,
    /// The commit that it was made from.
    pub revision: Option<String>,
    /// Every artifact.
    pub artifacts: Vec<Artifact>,
}

/// Reads the list of an output folder; every file is there as it was made.
///
/// # Errors
/// There is no such list, or a file of it is gone or another by now.
pub fn made(folder: &Path) -> Result<Made, Findings> {
    let path = folder.join(LIST);
    let old = read(folder).filter(|old| old.schema == FORM).ok_or_else(|| {
        let message = format!("there is no list of artifacts in `{}`", folder.display());
        vec![Diagnostic::error(codes::PUBLISH_NO_MANIFEST, message).path(&path).help("run `fitout build` first")]
    })?;
    let Old { name, version, environment, clock, revision, artifacts, .. } = old;
    let (mut found, mut findings) = (Vec::new(), Findings::new());
    for artifact in artifacts {
        let file = folder.join(&artifact.file);
        match artifact.into_artifact(folder) {
            Some(artifact) => found.push(artifact),
            None => findings.push(
                Diagnostic::error(codes::PUBLISH_CHANGED, format!("`{}` is not what was built", file.display()))
                    .path(&file)
                    .help("run `fitout build` again; nothing was published"),
            ),
        }
    }
    if findings.is_empty() {
        Ok(Made { name, version, environment, clock, revision, artifacts: found })
    } else {
        Err(findings)
    }
}

/// Whether a folder has this artifact as it was made.
pub(super) fn is_there(artifact: &Artifact, folder: &Path) -> bool {
    let path = folder.join(&artifact.file);
    let whole = |metadata: std::fs::Metadata| metadata.is_file() && metadata.len() == artifact.size;
    fs_err::symlink_metadata(&path).is_ok_and(whole) && sha256(&path).as_ref() == Some(&artifact.sha256)
}

impl Old {
    fn is_of(&self, new: &Manifest<'_>) -> bool {
        self.schema == FORM
            && self.name == new.name
            && self.version == new.version
            && self.environment.as_deref() == new.environment
            && self.clock == new.clock
            && self.revision.as_deref() == new.revision
    }
}

/// The old ones in their order, those made again in their places; behind them what is new.
fn merge(old: Vec<OldArtifact>, made: &[Artifact], folder: &Path) -> Vec<Artifact> {
    let again = |file: &str| made.iter().find(|artifact| artifact.file == file).cloned();
    let kept = old.into_iter().filter_map(|old| again(&old.file).or_else(|| old.into_artifact(folder)));
    let mut merged: Vec<Artifact> = Vec::new();
    for artifact in kept.chain(made.iter().cloned()) {
        if !merged.iter().any(|other| other.file == artifact.file) {
            merged.push(artifact);
        }
    }
    merged
}

impl OldArtifact {
    /// The entry, if its file is what it says. Sizes and times can be the same by chance; the hash cannot.
    fn into_artifact(self, folder: &Path) -> Option<Artifact> {
        let format = formats::ALL.iter().map(|format| format.name()).chain([source::NAME]);
        let format = format.into_iter().find(|name| *name == self.format)?;
        let is_name = Path::new(&self.file).file_name().is_some_and(|name| name == self.file.as_str());
        let path = folder.join(&self.file);
        let whole = |metadata: std::fs::Metadata| metadata.is_file() && metadata.len() == self.size;
        if !is_name || !fs_err::symlink_metadata(&path).is_ok_and(whole) || sha256(&path)? != self.sha256 {
            return None;
        }
        let Self { targets, file, arch, version, size, sha256, .. } = self;
        Some(Artifact { format, targets, file, arch, version, size, sha256 })
    }
}

fn sha256(path: &Path) -> Option<String> {
    let mut file = fs_err::File::open(path).ok()?;
    let mut hasher = sha2::Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer).ok()? {
            0 => return Some(hex(&hasher.finalize())),
            read => hasher.update(buffer.get(..read)?),
        }
    }
}
