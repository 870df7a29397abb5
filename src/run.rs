//! One run: config -> plans -> artifacts.
//!
//! Enters: a [`Request`]. Leaves: [`Planned`] (what `plan`, `lint` and `explain` look at), or [`Artifact`]s in the output
//! folder with their `manifest.json`. This is the only place that knows all rooms; nothing is decided here. The way to the
//! plans is in [`plans`], from there to whole files in [`pack`].

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::assemble::own::Passed;
use crate::assemble::plan::{Entry, Plan, Sources};
use crate::build::cache::shared::{self, Use};
use crate::build::environment::Variables;
use crate::build::state::State;
use crate::build::step::Step;
use crate::config::load::{Document, Vocabulary, load};
use crate::diagnostic::{Diagnostic, Findings, codes};
use crate::engine::EngineError;
use crate::engine::cache::Cache;
use crate::engine::cache::shared::Shared;
use crate::engine::emit::Emitted;
use crate::engine::output;
use crate::formats::{self, Format};
use crate::interrupt;
use crate::listener::{Event, Listener};
use crate::resolve::DIST;

mod base;
mod before;
pub mod caches;
mod kept;
mod lock;
mod manifest;
mod mend;
mod merge;
mod pack;
mod plans;
mod preview;
mod release;

pub use crate::build::state::IMAGES;
pub use manifest::{Made, made};
pub use merge::{Merged, merge};
use pack::Packed;
pub use pack::Wanted;
pub use preview::{Preview, preview};

/// What is asked for.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The config file.
    pub config: PathBuf,
    /// Only these formats; those of the config if empty.
    pub formats: Vec<String>,
    /// Only these targets; those of the config if empty.
    pub targets: Vec<String>,
    /// The overlay.
    pub environment: Option<String>,
    /// What was built, in place of what `[build]` says; absolute.
    pub input: Option<PathBuf>,
    /// Folder for the artifacts, relative to the config file: nothing in it is packed. A build takes [`DIST`] for none.
    pub out: Option<PathBuf>,
    /// Value of `SOURCE_DATE_EPOCH`.
    pub source_date_epoch: Option<String>,
    /// The environment of whoever runs fitout: the build step sees what its list allows of it.
    pub variables: Variables,
    /// Folder for what a build leaves for the next; none to leave nothing.
    pub cache: Option<PathBuf>,
    /// Folder of base images; none where none can be kept.
    pub images: Option<PathBuf>,
    /// Whether names in the config are looked up anew, whatever `fitout.lock` says.
    pub update: bool,
    /// Whether what lies there is not to be used.
    pub no_cache: bool,
    /// Bytes that caches may have there.
    pub cache_size: u64,
    /// How a cache that machines share is used.
    pub shared_cache: Use,
    /// Whether all that is compressed is decompressed and compared with what it was made of.
    pub verify: bool,
}

/// All plans of a run, one a target, and the content that they name.
pub struct Planned {
    /// Folder of the config file.
    pub project: PathBuf,
    /// One a target.
    pub plans: Vec<Plan>,
    /// What rules passed over.
    pub passed: Vec<Passed>,
    /// What git tracks, if source archives are to be made.
    source: Option<Vec<Entry>>,
    /// What is to be made of the plans.
    pub wanted: Vec<Wanted>,
    /// What the plans name.
    pub sources: Sources,
    /// What runs around the packaging.
    step: Step,
    /// The time before the sources were looked at, as the file system of the cache has it; none without one.
    begun: Option<i128>,
    /// Whether all that is compressed is decompressed and compared with what it was made of.
    verify: bool,
    /// Findings that do not stop a build.
    pub warnings: Findings,
    /// `[lint]` of the config.
    pub lint: crate::config::schema::Lint,
}

/// One artifact in the output folder.
#[derive(Debug, Clone, Serialize)]
pub struct Artifact {
    /// Format name, or `source`.
    pub format: &'static str,
    /// Every target that it is for, such as `linux/amd64`; none for source archives.
    pub targets: Vec<String>,
    /// File name in the output folder.
    pub file: String,
    /// The format's own word for the architecture.
    pub arch: String,
    /// The format's own spelling of the version.
    pub version: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256 in hex.
    pub sha256: String,
}

/// What a build leaves.
#[derive(Debug)]
pub struct Built {
    /// The output folder.
    pub folder: PathBuf,
    /// In the order of targets, then formats; last the image of all targets and the source archives.
    pub artifacts: Vec<Artifact>,
    /// Findings that did not stop it; an error among them came when the artifacts were there.
    pub warnings: Findings,
    /// `[lint]` of the config.
    pub lint: crate::config::schema::Lint,
}

/// Collects the findings that pass by, and hands every event on.
struct Collector<'l> {
    inner: &'l dyn Listener,
    findings: std::sync::Mutex<Findings>,
}

impl<'l> Collector<'l> {
    fn new(inner: &'l dyn Listener) -> Self {
        Self { inner, findings: std::sync::Mutex::default() }
    }

    fn into_findings(self) -> Findings {
        self.findings.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Listener for Collector<'_> {
    fn hear(&self, event: Event) {
        if let Event::Finding(finding) = event {
            self.findings.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(finding);
        } else {
            self.inner.hear(event);
        }
    }
}

/// Reads the config file and checks it; what breaks the grammar is in the [`Document`].
///
/// # Errors
/// When it is not there, cannot be read, or is not TOML.
pub fn read_config(config: &Path) -> Result<Document, Findings> {
    let text = fs_err::read(config).map_err(|error| {
        if error.kind() == std::io::ErrorKind::NotFound {
            let folder = config.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
            let folder = fs_err::canonicalize(folder).unwrap_or_else(|_| folder.to_path_buf());
            vec![
                Diagnostic::error(codes::CONFIG_NOT_FOUND, format!("there is no `{}`", config.display()))
                    .path(config)
                    .note(format!("looked in `{}`", folder.display()))
                    .help("`fitout init` writes one; `-C DIR` or `--config FILE` name another place"),
            ]
        } else {
            let help = "`--config` names a file that can be read";
            let message = format!("cannot read `{}`", config.display());
            vec![Diagnostic::error(codes::ENGINE_READ, message).path(config).note(error.to_string()).help(help)]
        }
    })?;
    let name = config.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let text = String::from_utf8(text)
        .map_err(|_| vec![Diagnostic::error(codes::CONFIG_SYNTAX, "the config file is not UTF-8").path(config)])?;
    load(&name, &text, &Vocabulary { formats: &format_names() })
}

/// The names of all formats, as the config and the command line take them.
pub fn format_names() -> Vec<&'static str> {
    formats::ALL.iter().map(|format| format.name()).collect()
}

/// All plans, without a build: the command of the config is not run, its output must be there.
///
/// # Errors
/// All findings of severity error.
pub fn plan(request: &Request, listener: &dyn Listener) -> Result<Planned, Findings> {
    plans::make(request, false, listener)
}

/// Runs the build command if there is one, then makes all artifacts in their folder on the current thread pool. They get
/// their final names when all of them are whole and lie beside their places.
///
/// # Errors
/// All findings of severity error; nothing was written under a final name then.
pub fn build(request: &Request, listener: &dyn Listener) -> Result<Built, Findings> {
    let request = &Request { out: request.out.clone().or(Some(DIST.into())), ..request.clone() };
    let mut planned = plans::make(request, true, listener)?;
    let folder = output_folders(request, &planned.project).pop().unwrap_or_default();
    refuse_another(&planned, &folder)?;
    let state = state(request, &planned.project);
    planned.step.after_assemble(&state, listener).map_err(|finding| vec![finding])?;
    fs_err::create_dir_all(&folder)
        .map_err(|source| vec![EngineError::Write { path: folder.clone(), source }.into()])?;
    let (artifacts, doubts) = artifacts(request, &planned, &state, &folder, listener)?;
    planned.warnings.extend(doubts);
    planned.warnings.extend(planned.step.after_package(&state, listener).err());
    Ok(Built { folder, artifacts, warnings: planned.warnings, lint: planned.lint })
}

/// Those of the last run, if this one would make the same; else what is made of the plans, under its final names. With
/// them findings that did not stop it.
fn artifacts(
    request: &Request,
    planned: &Planned,
    state: &State,
    folder: &Path,
    listener: &dyn Listener,
) -> Result<(Vec<Artifact>, Findings), Findings> {
    let kept = state.folder.as_deref().filter(|_| state.reuse);
    let kept = kept.and_then(|state| Some((kept::Key::of(planned)?, state)));
    let narrowed = !request.formats.is_empty() || !request.targets.is_empty();
    let found = kept.as_ref().and_then(|(key, state)| key.find(planned, state, folder));
    // What was seen of the files is as true if packing fails; without the note they are opened again.
    let _ = planned.sources.heads.keep();
    let Packed { artifacts, emitted, seconds, warnings } = if let Some(artifacts) = found {
        for Artifact { format, arch, size, .. } in &artifacts {
            listener.hear(Event::Unchanged { format, arch: arch.clone(), bytes: *size });
        }
        // The list of a part names what others left, and they may be gone.
        if !narrowed {
            return Ok((artifacts, Findings::new()));
        }
        Packed { artifacts, emitted: Vec::new(), seconds: Vec::new(), warnings: Findings::new() }
    } else {
        let (cache, mut warnings) = engine_cache(planned, state);
        let packed = pack::pack(planned, folder, cache.as_ref(), listener)?;
        warnings.extend(packed.warnings);
        Packed { warnings, ..packed }
    };
    finish(planned, folder, &artifacts, emitted, narrowed)?;
    for (Artifact { format, arch, size, .. }, seconds) in artifacts.iter().zip(seconds) {
        listener.hear(Event::Packed { format, arch: arch.clone(), bytes: *size, seconds });
    }
    if let Some((key, state)) = kept {
        // Without the note the next run packs again.
        let _ = key.leave(state, folder, &artifacts);
    }
    Ok((artifacts, warnings))
}

/// What earlier runs read and compressed, also on other machines.
fn engine_cache(planned: &Planned, state: &State) -> (Option<Cache>, Findings) {
    let mut findings = Findings::new();
    let writes = state.shared == Use::Write;
    let shared = planned.step.shared().filter(|_| state.reuse && state.shared != Use::Off);
    let shared = shared.and_then(|(address, variables)| {
        let opened = shared::open(address, variables, state.shared);
        let store = opened.map_err(|error| findings.push(Shared::closed(address, &error))).ok()?;
        Some(Shared::new(store, writes))
    });
    let open = || Some(Cache::open(state.folder.as_deref()?, state.cache()?, state.limit, shared));
    (open(), findings)
}

/// What earlier builds left, and where this one leaves it.
fn state(request: &Request, project: &Path) -> State {
    let config = request.config.file_name().map_or_else(|| project.to_owned(), |name| project.join(name));
    let mut state = State::new(request.cache.as_deref(), &config, request.environment.as_deref());
    (state.reuse, state.limit, state.shared) = (!request.no_cache, request.cache_size, request.shared_cache);
    state
}

/// The output folder; behind it its folder of the environment, if there is one. The last is written to.
fn output_folders(request: &Request, project: &Path) -> Vec<PathBuf> {
    let Some(out) = request.out.as_ref().map(|out| project.join(out)) else { return Vec::new() };
    let inner = request.environment.as_ref().map(|environment| out.join(environment));
    std::iter::once(out).chain(inner).collect()
}

/// The formats of this run, in the order of the list.
fn chosen_formats(
    request: &Request,
    manifest: &crate::config::schema::Manifest,
) -> Result<Vec<&'static dyn Format>, Findings> {
    let names = format_names();
    for typed in &request.formats {
        if !names.contains(&typed.as_str()) {
            let mut finding = Diagnostic::error(codes::CLI_UNKNOWN_FORMAT, format!("there is no format `{typed}`"));
            if let Some(near) = crate::config::suggest::nearest(typed, names.iter().copied()) {
                finding = finding.help(format!("did you mean `{near}`?"));
            }
            return Err(vec![finding.help(format!("formats: {}", names.join(", ")))]);
        }
    }
    let of_config: Option<Vec<&str>> =
        manifest.build.formats.as_ref().map(|formats| formats.iter().map(|format| format.value.as_str()).collect());
    let wanted = |name: &str| match (&request.formats[..], &of_config) {
        ([], None) => true,
        ([], Some(of_config)) => of_config.contains(&name),
        (typed, _) => typed.iter().any(|format| format == name),
    };
    Ok(formats::ALL.iter().copied().filter(|format| wanted(format.name())).collect())
}

fn refuse_another(planned: &Planned, folder: &Path) -> Result<(), Findings> {
    let Some(plan) = planned.plans.first() else { return Ok(()) };
    manifest::refuse_another(&plan.identity.name, &planned.project, folder).map_err(|finding| vec![finding])
}

/// Stages everything before the first rename: what can fail (space, permissions, a folder in the way) fails while nothing
/// has its final name. The manifest comes last.
fn finish(
    planned: &Planned,
    folder: &Path,
    artifacts: &[Artifact],
    emitted: Vec<Emitted>,
    narrowed: bool,
) -> Result<(), Findings> {
    let failed = |error: EngineError| vec![error.into()];
    // Two runs into one folder: the files and the list of each come together, those of the later one last.
    let _alone = output::lock(folder);
    refuse_another(planned, folder)?;
    let staged = emitted.into_iter().map(|file| file.stage(folder)).collect::<Result<Vec<_>, _>>();
    let mut staged = staged.map_err(failed)?;
    staged.extend(manifest::stage(planned, folder, artifacts, narrowed).map_err(failed)?);
    let naming = interrupt::naming();
    for file in staged {
        let path = file.path().to_path_buf();
        file.finish().map_err(|source| failed(EngineError::Write { path, source }))?;
    }
    naming.done();
    Ok(())
}
