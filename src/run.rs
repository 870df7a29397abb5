//! One run: config -> plans -> artifacts.
//!
//! Enters: a [`Request`]. Leaves: [`Planned`] (what `plan`, `lint` and `explain` look at), or [`Artifact`]s in the output
//! folder with their `manifest.json`. This is the only place that knows all rooms; nothing is decided here.

use std::path::{Path, PathBuf};
use std::time::Instant;

use rayon::prelude::*;
use serde::Serialize;

use crate::assemble;
use crate::assemble::plan::{Compression, Plan, Sources};
use crate::build::step;
use crate::config::load::{Document, Vocabulary, load};
use crate::diagnostic::{Diagnostic, Findings, Severity, codes};
use crate::engine::EngineError;
use crate::engine::emit::{Emitted, emit};
use crate::engine::output::Output;
use crate::engine::store::{Digests, Store, Wants};
use crate::formats::{self, Format, Layout};
use crate::listener::{Event, Listener};
use crate::resolve;

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
    /// Value of `SOURCE_DATE_EPOCH`.
    pub source_date_epoch: Option<String>,
}

/// All plans of a run, one a target, and the content that they name.
#[derive(Debug)]
pub struct Planned {
    /// Folder of the config file.
    pub project: PathBuf,
    /// One a target.
    pub plans: Vec<Plan>,
    /// What the plans name.
    pub sources: Sources,
    /// Findings that do not stop a build.
    pub warnings: Findings,
    /// `[lint]` of the config.
    pub lint: crate::config::schema::Lint,
}

/// One artifact in the output folder.
#[derive(Debug, Clone, Serialize)]
pub struct Artifact {
    /// Format name.
    pub format: &'static str,
    /// `linux/amd64`.
    pub target: String,
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
    /// In the order of targets, then formats.
    pub artifacts: Vec<Artifact>,
    /// Findings that did not stop it.
    pub warnings: Findings,
    /// `[lint]` of the config.
    pub lint: crate::config::schema::Lint,
}

/// Collects the findings that pass by, and hands every event on.
struct Collector<'l> {
    inner: &'l dyn Listener,
    findings: std::sync::Mutex<Findings>,
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

/// Reads the config file and checks it.
///
/// # Errors
/// When it is not there, cannot be read, or breaks the grammar.
pub fn read_config(config: &Path) -> Result<Document, Findings> {
    let text = fs_err::read(config).map_err(|error| {
        if error.kind() == std::io::ErrorKind::NotFound {
            let folder = config.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
            vec![
                Diagnostic::error(codes::CONFIG_NOT_FOUND, format!("there is no `{}`", config.display()))
                    .path(config)
                    .note(format!("looked in `{}`", folder.display()))
                    .help("`fitout init` writes one; `-C DIR` or `--config FILE` name another place"),
            ]
        } else {
            let help = "`--config` names a file that can be read";
            vec![Diagnostic::error(codes::ENGINE_READ, error.to_string()).path(config).help(help)]
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
    make_plans(request, false, listener)
}

/// Runs the build command if there is one, then makes all artifacts in `out` (relative to the config file) on the
/// current thread pool. Either all get their final names or none does.
///
/// # Errors
/// All findings of severity error; nothing was written under a final name then.
pub fn build(request: &Request, out: &Path, listener: &dyn Listener) -> Result<Built, Findings> {
    let planned = make_plans(request, true, listener)?;
    let mut folder = planned.project.join(out);
    if let Some(environment) = &request.environment {
        folder.push(environment);
    }
    fs_err::create_dir_all(&folder)
        .map_err(|source| vec![EngineError::Write { path: folder.clone(), source }.into()])?;
    let (artifacts, emitted) = pack(&planned, &folder, listener)?;
    for file in emitted {
        file.keep(&folder).map_err(|error| vec![error.into()])?;
    }
    write_manifest(&planned, &folder, &artifacts).map_err(|error| vec![error.into()])?;
    Ok(Built { folder, artifacts, warnings: planned.warnings, lint: planned.lint })
}

fn make_plans(request: &Request, run_command: bool, listener: &dyn Listener) -> Result<Planned, Findings> {
    let document = read_config(&request.config)?;
    let manifest = resolve::environment::manifest(&document, request.environment.as_deref())?;
    let project = match request.config.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
        _ => PathBuf::from("."),
    };
    let project = fs_err::canonicalize(&project)
        .map_err(|source| vec![EngineError::Read { path: project.clone(), source }.into()])?;
    let chosen = chosen_formats(request, &manifest)?;
    let collector = Collector { inner: listener, findings: std::sync::Mutex::default() };
    if let (true, Some(command)) = (run_command, &manifest.build.command) {
        let place = document.span(command.range.clone());
        step::run(command, &project, &collector).map_err(|finding| vec![finding.at(&place, "this command")])?;
    }
    let wanted = resolve::Request {
        project: project.clone(),
        formats: chosen.iter().map(|format| (format.name(), format.abilities())).collect(),
        targets: request.targets.clone(),
        environment: request.environment.clone(),
        source_date_epoch: request.source_date_epoch.clone(),
        host: resolve::target::host(),
    };
    let releases = resolve::resolve(&manifest, &document, &wanted, &collector)?;
    let mut sources = Sources::default();
    let mut plans = Vec::new();
    let mut findings = Vec::new();
    for release in &releases {
        match assemble::assemble(release, &mut sources, &collector) {
            Ok(mut plan) => {
                if plan.formats.contains(&"oci") {
                    match formats::oci::base::resolve(&plan.image.base, &plan.target, &mut sources) {
                        Ok(base) => plan.base = base,
                        Err(finding) => findings.push(finding),
                    }
                }
                findings.extend(refusals(&chosen, &plan));
                plans.push(plan);
            }
            Err(more) => findings.extend(more),
        }
    }
    if findings.iter().any(|finding| finding.severity == Severity::Error) {
        return Err(findings);
    }
    let warnings = collector.findings.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    Ok(Planned { project, plans, sources, warnings, lint: manifest.lint })
}

/// What the formats cannot carry, before content is read.
fn refusals(chosen: &[&'static dyn Format], plan: &Plan) -> Findings {
    chosen.iter().filter_map(|format| format.file_name(plan).err()).flatten().collect()
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

/// Both phases of the engine.
fn pack(planned: &Planned, folder: &Path, listener: &dyn Listener) -> Result<(Vec<Artifact>, Vec<Emitted>), Findings> {
    let wants = planned.plans.iter().fold(Wants::default(), wants_of);
    let (store, digests) =
        Store::fill(planned.sources.list(), &wants, folder, listener).map_err(|error| vec![error.into()])?;
    let jobs = layouts(planned, &digests)?;
    let results: Vec<_> = jobs
        .par_iter()
        .map(|job| {
            listener.hear(Event::Packing { format: job.artifact.format, arch: job.artifact.arch.clone() });
            let start = Instant::now();
            let emitted = emit(&job.layout, &store, folder, rayon::current_num_threads())?;
            listener.hear(Event::Packed {
                format: job.artifact.format,
                arch: job.artifact.arch.clone(),
                bytes: emitted.size,
                seconds: start.elapsed().as_secs_f64(),
            });
            let artifact = Artifact { size: emitted.size, sha256: hex(&emitted.sha256), ..job.artifact.clone() };
            Ok((artifact, emitted))
        })
        .collect::<Vec<Result<_, EngineError>>>();
    let mut findings: Findings = Vec::new();
    let mut done = Vec::new();
    for result in results {
        match result {
            Ok(pair) => done.push(pair),
            Err(error) => findings.push(error.into()),
        }
    }
    if findings.is_empty() { Ok(done.into_iter().unzip()) } else { Err(findings) }
}

/// One artifact to write.
struct Job<'p> {
    artifact: Artifact,
    layout: Layout<'p>,
}

fn layouts<'p>(planned: &'p Planned, digests: &'p Digests) -> Result<Vec<Job<'p>>, Findings> {
    let mut jobs = Vec::new();
    let mut findings = Findings::new();
    for plan in &planned.plans {
        for format in formats::ALL.iter().filter(|format| plan.formats.contains(&format.name())) {
            match format.file_name(plan).and_then(|name| Ok((name, format.layout(plan, digests)?))) {
                Ok((name, layout)) => jobs.push(Job {
                    artifact: Artifact {
                        format: format.name(),
                        target: plan.target.to_string(),
                        file: layout.file_name.clone(),
                        arch: name.arch,
                        version: name.version,
                        size: 0,
                        sha256: String::new(),
                    },
                    layout,
                }),
                Err(more) => findings.extend(more),
            }
        }
    }
    if findings.is_empty() { Ok(jobs) } else { Err(findings) }
}

/// What one plan's formats want of the content.
fn wants_of(mut wants: Wants, plan: &Plan) -> Wants {
    let level_of = |compression: Compression| match compression {
        Compression::Gzip(level) => Some(level),
        _ => None,
    };
    let made = |name: &str| plan.formats.contains(&name);
    wants.md5 |= made("deb");
    let streams = [
        ("deb", plan.deb.compression.value),
        ("rpm", plan.rpm.compression.value),
        ("tarball", plan.tarball.compression.value),
        ("oci", plan.image.compression.value),
    ];
    wants.levels.extend(streams.iter().filter(|(name, _)| made(name)).filter_map(|(_, c)| level_of(*c)));
    if made("zip") {
        wants.zip_level = level_of(plan.zip.compression.value).or(wants.zip_level);
    }
    wants
}

/// `dist/manifest.json`: what `publish` will send. Replaced in one rename.
fn write_manifest(planned: &Planned, folder: &Path, artifacts: &[Artifact]) -> Result<(), EngineError> {
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
    let Some(plan) = planned.plans.first() else { return Ok(()) };
    let manifest = Manifest {
        schema: "fitout/manifest/1",
        name: &plan.identity.name,
        version: &plan.identity.version.text,
        environment: plan.environment.as_deref(),
        clock: plan.clock,
        revision: plan.identity.revision.as_deref(),
        artifacts,
    };
    let path = folder.join("manifest.json");
    let failed = |source| EngineError::Write { path: path.clone(), source };
    let mut text = serde_json::to_vec_pretty(&manifest).map_err(|error| failed(error.into()))?;
    text.push(b'\n');
    let output = Output::create(folder).map_err(failed)?;
    std::io::Write::write_all(&mut output.file(), &text).map_err(failed)?;
    output.keep(&path).map_err(failed)
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
