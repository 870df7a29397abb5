//! Plans -> files that are whole and have no final names yet.
//!
//! Enters: [`Planned`]. Leaves: one [`Emitted`] an artifact, in the order of [`wanted`]. The engine's phases are called
//! here. Not here: final names and the manifest, which come when all are whole.

use std::path::Path;
use std::time::Instant;

use rayon::prelude::*;

use super::{Artifact, Planned};
use crate::assemble::plan::{Compression, Plan};
use crate::assemble::same::{self, Difference};
use crate::codec::hex::hex;
use crate::diagnostic::{Diagnostic, Findings, codes};
use crate::engine::EngineError;
use crate::engine::cache::Cache;
use crate::engine::emit::{Emitted, emit};
use crate::engine::groups::parse_ahead;
use crate::engine::store::{Digests, Store, Wants};
use crate::engine::workers;
use crate::formats::{self, FileName, Format, Layout, oci, source};
use crate::listener::{Event, Listener};

/// One artifact that is to be made.
pub struct Wanted {
    what: What,
    name: FileName,
    /// Every target that it is for; none for sources.
    targets: Vec<String>,
}

enum What {
    /// Of this format and the plan at this place; the first one where it suits several targets.
    Package(&'static dyn Format, usize),
    /// The image of all targets: what a registry shows under one tag.
    Index,
    SourceTarball,
    SourceZip,
}

impl Wanted {
    /// Format name, or `source`.
    pub fn format(&self) -> &'static str {
        match &self.what {
            What::Package(format, _) => format.name(),
            What::Index => oci::Oci.name(),
            What::SourceTarball | What::SourceZip => source::NAME,
        }
    }

    /// File name in the output folder.
    pub fn file(&self) -> &str {
        &self.name.name
    }

    /// File name, and the format's own words for architecture and version.
    pub fn name(&self) -> &FileName {
        &self.name
    }

    /// Every target that it is for; none for sources.
    pub fn targets(&self) -> &[String] {
        &self.targets
    }

    /// What is made, before its bytes are known.
    pub(super) fn artifact(&self) -> Artifact {
        let FileName { name, arch, version } = self.name.clone();
        let (format, targets) = (self.format(), self.targets.clone());
        Artifact { format, targets, file: name, arch, version, size: 0, sha256: String::new() }
    }

    /// Whether it is of one target's plan, even if other plans give the same.
    pub fn is_package(&self) -> bool {
        matches!(self.what, What::Package(..))
    }
}

/// What is to be made of these plans, in the order of targets, then formats: artifacts that suit several targets stand
/// once. All that formats refuse without content is found here.
pub(super) fn wanted(plans: &[Plan], with_source: bool, findings: &mut Findings) -> Vec<Wanted> {
    let mut all: Vec<Wanted> = Vec::new();
    for (index, plan) in plans.iter().enumerate() {
        for format in formats::ALL.iter().copied().filter(|format| plan.formats.contains(&format.name())) {
            match format.file_name(plan) {
                Ok(name) => package(&mut all, plans, index, format, name, findings),
                Err(more) => findings.extend(more),
            }
        }
    }
    let images: Vec<&Plan> = images(plans).collect();
    if let [first, _, ..] = images[..] {
        let targets = images.iter().map(|plan| plan.target.to_string()).collect();
        match oci::index_name(first) {
            Ok(name) => all.push(Wanted { what: What::Index, name, targets }),
            Err(more) => findings.extend(more),
        }
    }
    if let (true, Some(plan)) = (with_source, plans.first()) {
        match source::file_names(plan) {
            Ok([tarball, zip]) => {
                all.push(Wanted { what: What::SourceTarball, name: tarball, targets: Vec::new() });
                all.push(Wanted { what: What::SourceZip, name: zip, targets: Vec::new() });
            }
            Err(more) => findings.extend(more),
        }
    }
    all
}

/// Adds an artifact of one plan, or its target to an artifact of the same name, which must be the same then.
fn package(
    all: &mut Vec<Wanted>,
    plans: &[Plan],
    index: usize,
    format: &'static dyn Format,
    name: FileName,
    findings: &mut Findings,
) {
    let plan = &plans[index];
    let target = plan.target.to_string();
    for wanted in all.iter_mut().filter(|wanted| wanted.name.name == name.name) {
        if let What::Package(_, first) = wanted.what {
            match same::difference(&plans[first], plan, format.name()) {
                None => wanted.targets.push(target),
                Some(what) => findings.push(same_name(&plans[first], plan, &name.name, what)),
            }
            return;
        }
    }
    all.push(Wanted { what: What::Package(format, index), name, targets: vec![target] });
}

fn images(plans: &[Plan]) -> impl Iterator<Item = &Plan> {
    plans.iter().filter(|plan| plan.formats.contains(&oci::Oci.name()))
}

fn same_name(one: &Plan, other: &Plan, name: &str, what: Difference<'_>) -> Diagnostic {
    let (one, other) = (one.target.to_string(), other.target.to_string());
    let message = |what: &str| format!("`{name}` of `{one}` and of `{other}` would not be the same: {what}");
    let finding = match what {
        Difference::Entry(entry) => {
            Diagnostic::error(codes::RUN_SAME_NAME, message(&format!("`{}` is another file", entry.path)))
                .at_origin(&entry.origin, "put there by this rule")
        }
        Difference::Settings => Diagnostic::error(codes::RUN_SAME_NAME, message("the settings are others")),
    };
    finding
        .note("no file of the package is for one architecture only, so its name holds none")
        .help("take what depends on the target, such as `{arch}`, out of what is packed")
        .help(format!(
            "or build each by itself: `fitout build --target {other} --out dist/{}`",
            other.replace('/', "-")
        ))
}

/// One artifact to write.
struct Job<'p> {
    artifact: Artifact,
    layout: Layout<'p>,
}

/// Files that are whole, and findings that did not stop them.
pub(super) struct Packed {
    pub artifacts: Vec<Artifact>,
    pub emitted: Vec<Emitted>,
    /// Wall time of the emission of each, in seconds.
    pub seconds: Vec<f64>,
    pub warnings: Findings,
}

/// All phases of the engine; once more, if something that an earlier build left turned out to be damaged when it was used.
pub(super) fn pack(
    planned: &Planned,
    folder: &Path,
    cache: Option<&Cache>,
    listener: &dyn Listener,
) -> Result<Packed, Findings> {
    let first = attempt(planned, folder, cache, listener);
    if first.is_err() && cache.is_some_and(Cache::distrust) {
        return attempt(planned, folder, cache, listener);
    }
    first
}

fn attempt(
    planned: &Planned,
    folder: &Path,
    cache: Option<&Cache>,
    listener: &dyn Listener,
) -> Result<Packed, Findings> {
    let wants = wants_of(planned);
    let (store, digests) =
        Store::fill(planned.sources.list(), &wants, folder, cache, listener).map_err(|error| vec![error.into()])?;
    let jobs = jobs(planned, &digests)?;
    let layouts: Vec<&Layout> = jobs.iter().map(|job| &job.layout).collect();
    parse_ahead(&layouts, &store, folder).map_err(|error| vec![error.into()])?;
    let workers = workers::of_each(&layouts, rayon::current_num_threads());
    // One job a task: a half of them would be more than a thread has to take.
    let jobs = jobs.par_iter().zip(workers).with_max_len(1);
    let results: Vec<_> = jobs.map(|(job, workers)| write(job, &store, folder, workers, listener)).collect();
    let mut findings: Findings = Vec::new();
    let (mut artifacts, mut emitted, mut seconds) = (Vec::new(), Vec::new(), Vec::new());
    for result in results {
        match result {
            Ok((artifact, file, took)) => {
                artifacts.push(artifact);
                emitted.push(file);
                seconds.push(took);
            }
            Err(error) => findings.push(error.into()),
        }
    }
    if !findings.is_empty() {
        return Err(findings);
    }
    Ok(Packed { artifacts, emitted, seconds, warnings: store.keep() })
}

fn write(
    job: &Job,
    store: &Store,
    folder: &Path,
    workers: usize,
    listener: &dyn Listener,
) -> Result<(Artifact, Emitted, f64), EngineError> {
    let Artifact { format, arch, file, .. } = &job.artifact;
    listener.hear(Event::Packing { format, arch: arch.clone(), file: file.clone() });
    let start = Instant::now();
    let emitted = emit(&job.layout, store, folder, workers)?;
    listener.hear(Event::Written { file: file.clone() });
    let artifact = Artifact { size: emitted.size, sha256: hex(&emitted.sha256), ..job.artifact.clone() };
    Ok((artifact, emitted, start.elapsed().as_secs_f64()))
}

/// All artifacts of the run.
fn jobs<'p>(planned: &'p Planned, digests: &'p Digests) -> Result<Vec<Job<'p>>, Findings> {
    let mut jobs = Vec::new();
    let mut findings = Findings::new();
    for wanted in &planned.wanted {
        match layout(wanted, planned, digests) {
            Ok(layout) => {
                jobs.push(Job { artifact: Artifact { file: layout.file_name.clone(), ..wanted.artifact() }, layout });
            }
            Err(more) => findings.extend(more),
        }
    }
    if findings.is_empty() { Ok(jobs) } else { Err(findings) }
}

fn layout<'p>(wanted: &Wanted, planned: &'p Planned, digests: &'p Digests) -> Result<Layout<'p>, Findings> {
    // Sources are wanted where there is a plan, whose name, version and time they have.
    let first = &planned.plans[0];
    let entries = planned.source.as_deref().unwrap_or_default();
    match wanted.what {
        What::Package(format, plan) => format.layout(&planned.plans[plan], digests),
        What::Index => oci::index_layout(&images(&planned.plans).collect::<Vec<_>>(), digests),
        What::SourceTarball => source::tarball(first, entries),
        What::SourceZip => source::zip(first, entries, digests),
    }
}

/// What all formats of the run want of the content.
fn wants_of(planned: &Planned) -> Wants {
    let mut wants = planned.plans.iter().fold(Wants::default(), wants_of_plan);
    if planned.source.is_some() {
        *wants.levels.entry(source::LEVEL).or_default() += 1;
        wants.zip_level.get_or_insert(source::LEVEL);
    }
    let twins = |wanted: &&Wanted| matches!(wanted.format(), "deb" | "oci");
    wants.verify = planned.verify;
    wants.twins = planned.wanted.iter().filter(twins).count() > 1;
    wants
}

fn wants_of_plan(mut wants: Wants, plan: &Plan) -> Wants {
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
    for level in streams.iter().filter(|(name, _)| made(name)).filter_map(|(_, c)| level_of(*c)) {
        *wants.levels.entry(level).or_default() += 1;
    }
    if made("zip") {
        wants.zip_level = level_of(plan.zip.compression.value).or(wants.zip_level);
    }
    wants
}
