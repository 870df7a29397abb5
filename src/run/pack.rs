//! Plans -> files that are whole and have no final names yet.
//!
//! Enters: [`Planned`]. Leaves: one [`Emitted`] an artifact, in the order of [`wanted`]. The engine's two phases are called
//! here. Not here: final names and the manifest, which come when all are whole.

use std::path::Path;
use std::time::Instant;

use rayon::prelude::*;

use super::{Artifact, Planned, hex};
use crate::assemble::plan::{Compression, Entry, Plan};
use crate::assemble::same;
use crate::diagnostic::{Diagnostic, Findings, codes};
use crate::engine::EngineError;
use crate::engine::emit::{Emitted, emit};
use crate::engine::store::{Digests, Store, Wants};
use crate::formats::{self, FileName, Format, Layout, oci, source};
use crate::listener::{Event, Listener};

/// One artifact that is to be made.
pub(super) struct Wanted {
    format: &'static dyn Format,
    name: FileName,
    /// Its plan; the first one where it suits several targets.
    plan: usize,
    /// Every target that it is for.
    targets: Vec<String>,
}

/// What is to be made of these plans, in the order of targets, then formats: artifacts that suit several targets stand
/// once. All that formats refuse without content is found here.
pub(super) fn wanted(plans: &[Plan], findings: &mut Findings) -> Vec<Wanted> {
    let mut all: Vec<Wanted> = Vec::new();
    for (index, plan) in plans.iter().enumerate() {
        for format in formats::ALL.iter().copied().filter(|format| plan.formats.contains(&format.name())) {
            let name = match format.file_name(plan) {
                Ok(name) => name,
                Err(more) => {
                    findings.extend(more);
                    continue;
                }
            };
            let Some(first) = all.iter_mut().find(|wanted| wanted.name.name == name.name) else {
                all.push(Wanted { format, name, plan: index, targets: vec![plan.target.to_string()] });
                continue;
            };
            match same::difference(&plans[first.plan], plan, format.name()) {
                None => first.targets.push(plan.target.to_string()),
                Some(what) => findings.push(same_name(&plans[first.plan], plan, &name.name, &what)),
            }
        }
    }
    all
}

fn same_name(one: &Plan, other: &Plan, name: &str, what: &str) -> Diagnostic {
    let (one, other) = (one.target.to_string(), other.target.to_string());
    Diagnostic::error(
        codes::RUN_SAME_NAME,
        format!("`{name}` of `{one}` and of `{other}` would not be the same: {what}"),
    )
    .note("no file of the package is for one architecture only, so its name holds none")
    .help("take what depends on the target, such as `{arch}`, out of what is packed")
    .help(format!("or build each by itself: `fitout build --target {other} --out dist/{}`", other.replace('/', "-")))
}

/// One artifact to write.
struct Job<'p> {
    artifact: Artifact,
    layout: Layout<'p>,
}

/// Both phases of the engine.
pub(super) fn pack(
    planned: &Planned,
    folder: &Path,
    listener: &dyn Listener,
) -> Result<(Vec<Artifact>, Vec<Emitted>), Findings> {
    let wants = wants_of(planned);
    let (store, digests) =
        Store::fill(planned.sources.list(), &wants, folder, listener).map_err(|error| vec![error.into()])?;
    let jobs = jobs(planned, &digests)?;
    let results: Vec<_> = jobs.par_iter().map(|job| write(job, &store, folder, listener)).collect();
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

fn write(job: &Job, store: &Store, folder: &Path, listener: &dyn Listener) -> Result<(Artifact, Emitted), EngineError> {
    let Artifact { format, arch, file, .. } = &job.artifact;
    listener.hear(Event::Packing { format, arch: arch.clone(), file: file.clone() });
    let start = Instant::now();
    let emitted = emit(&job.layout, store, folder, rayon::current_num_threads())?;
    listener.hear(Event::Packed {
        format,
        arch: arch.clone(),
        file: file.clone(),
        bytes: emitted.size,
        seconds: start.elapsed().as_secs_f64(),
    });
    let artifact = Artifact { size: emitted.size, sha256: hex(&emitted.sha256), ..job.artifact.clone() };
    Ok((artifact, emitted))
}

/// All artifacts of the run: those of the plans, the image of all targets, the source archives.
fn jobs<'p>(planned: &'p Planned, digests: &'p Digests) -> Result<Vec<Job<'p>>, Findings> {
    let mut jobs = Vec::new();
    let mut findings = Findings::new();
    for Wanted { format, name, plan, targets } in &planned.wanted {
        match format.layout(&planned.plans[*plan], digests) {
            Ok(layout) => jobs.push(job(format.name(), targets.clone(), name.clone(), layout)),
            Err(more) => findings.extend(more),
        }
    }
    match index(planned, digests) {
        Ok(more) => jobs.extend(more),
        Err(more) => findings.extend(more),
    }
    if let (Some(entries), Some(plan)) = (&planned.source, planned.plans.first()) {
        match sources(plan, entries, digests) {
            Ok(more) => jobs.extend(more),
            Err(more) => findings.extend(more),
        }
    }
    if findings.is_empty() { Ok(jobs) } else { Err(findings) }
}

fn job<'p>(format: &'static str, targets: Vec<String>, name: FileName, layout: Layout<'p>) -> Job<'p> {
    let FileName { name: _, arch, version } = name;
    let file = layout.file_name.clone();
    Job { artifact: Artifact { format, targets, file, arch, version, size: 0, sha256: String::new() }, layout }
}

/// One more image archive where there are several targets: what a registry should show under one tag.
fn index<'p>(planned: &'p Planned, digests: &'p Digests) -> Result<Option<Job<'p>>, Findings> {
    let plans: Vec<&Plan> = planned.plans.iter().filter(|plan| plan.formats.contains(&"oci")).collect();
    let [first, _, ..] = plans[..] else { return Ok(None) };
    let targets = plans.iter().map(|plan| plan.target.to_string()).collect();
    Ok(Some(job("oci", targets, oci::index_name(first)?, oci::index_layout(&plans, digests)?)))
}

fn sources<'p>(plan: &'p Plan, entries: &'p [Entry], digests: &'p Digests) -> Result<Vec<Job<'p>>, Findings> {
    let layouts = source::layouts(plan, entries, digests)?;
    let named = source::file_names(plan)?.into_iter().zip(layouts);
    Ok(named.map(|(name, layout)| job(source::NAME, Vec::new(), name, layout)).collect())
}

/// What all formats of the run want of the content.
fn wants_of(planned: &Planned) -> Wants {
    let mut wants = planned.plans.iter().fold(Wants::default(), wants_of_plan);
    if planned.source.is_some() {
        wants.levels.insert(source::LEVEL);
        wants.zip_level.get_or_insert(source::LEVEL);
    }
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
    wants.levels.extend(streams.iter().filter(|(name, _)| made(name)).filter_map(|(_, c)| level_of(*c)));
    if made("zip") {
        wants.zip_level = level_of(plan.zip.compression.value).or(wants.zip_level);
    }
    wants
}
