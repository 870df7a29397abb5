//! Request -> [`Planned`]: the config read, its command run if that is asked for, the plans of all targets made and
//! checked by every format.

use std::path::{Path, PathBuf};

use super::{Collector, Planned, Request, before, chosen_formats, pack, read_config};
use crate::assemble;
use crate::assemble::plan::{Entry, Kind, Plan, Sources};
use crate::build::step;
use crate::config::load::Document;
use crate::config::schema::Manifest;
use crate::diagnostic::{Findings, Severity};
use crate::engine::EngineError;
use crate::formats::{self, Format, source};
use crate::listener::{Event, Listener};
use crate::resolve::{self, Release};

pub(super) fn make(request: &Request, out: Option<&Path>, listener: &dyn Listener) -> Result<Planned, Findings> {
    let document = read_config(&request.config)?;
    let manifest = resolve::environment::manifest(&document, request.environment.as_deref())?;
    let project = folder_of(&request.config)?;
    let chosen = chosen_formats(request, &manifest)?;
    let collector = Collector { inner: listener, findings: std::sync::Mutex::default() };
    tell(request, &project, &chosen, listener);
    let asked = resolve::Request {
        project: project.clone(),
        output: out.map(|out| super::output_folders(request, &project, out)).unwrap_or_default(),
        formats: chosen.iter().map(|format| (format.name(), format.abilities())).collect(),
        targets: request.targets.clone(),
        environment: request.environment.clone(),
        source_date_epoch: request.source_date_epoch.clone(),
        host: resolve::target::host(),
    };
    if let (true, Some(command)) = (out.is_some(), &manifest.build.command) {
        let errors = before::errors(&manifest, &document, &asked, &chosen);
        if !errors.is_empty() {
            return Err(errors);
        }
        let place = document.span(command.range.clone());
        step::run(command, &project, &collector).map_err(|finding| vec![finding.at(&place, "this command")])?;
    }
    let releases = resolve::resolve(&manifest, &document, &asked, &collector)?;
    let mut sources = Sources::default();
    let mut findings = Findings::new();
    let plans: Vec<Plan> =
        releases.iter().filter_map(|release| plan(release, &mut sources, &collector, &mut findings)).collect();
    for plan in &plans {
        findings.extend(chosen.iter().flat_map(|format| format.doubts(plan)));
    }
    let source = match source_entries(request, &manifest, &document, &project, &mut sources) {
        Ok((entries, doubts)) => {
            findings.extend(doubts);
            entries
        }
        Err(more) => {
            findings.extend(more);
            None
        }
    };
    let wanted = pack::wanted(&plans, source.is_some(), &mut findings);
    if findings.iter().any(|finding| finding.severity == Severity::Error) {
        return Err(once(findings));
    }
    let entries = plans.iter().flat_map(|plan| plan.entries.iter()).chain(source.iter().flatten());
    let of_entries = entries.filter_map(|entry| match &entry.kind {
        Kind::File(source) => Some(source.id),
        _ => None,
    });
    let of_bases = plans.iter().filter_map(|plan| plan.base.as_ref()).flat_map(|base| &base.layers);
    sources.keep(&of_entries.chain(of_bases.map(|layer| layer.source.id)).collect());
    let mut warnings = collector.findings.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    warnings.extend(findings);
    Ok(Planned { project, plans, source, wanted, sources, warnings: once(warnings), lint: manifest.lint })
}

/// The folder of the config file, without symbolic links: what the walk compares paths with.
fn folder_of(config: &Path) -> Result<PathBuf, Findings> {
    let folder = match config.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    fs_err::canonicalize(folder).map_err(|source| vec![EngineError::Read { path: folder.to_path_buf(), source }.into()])
}

/// What decides the run, for whoever asks.
fn tell(request: &Request, project: &Path, chosen: &[&'static dyn Format], listener: &dyn Listener) {
    let config = request.config.file_name().map_or_else(|| project.into(), |name| project.join(name));
    let formats: Vec<&str> = chosen.iter().map(|format| format.name()).collect();
    for (what, value) in [
        ("config", config.display().to_string()),
        ("environment", request.environment.clone().unwrap_or_else(|| "none".into())),
        ("formats", formats.join(", ")),
        ("threads", rayon::current_num_threads().to_string()),
    ] {
        listener.hear(Event::Decided { what, value });
    }
}

/// The plan of one target; none after an error.
fn plan(release: &Release, sources: &mut Sources, listener: &dyn Listener, findings: &mut Findings) -> Option<Plan> {
    let mut plan = assemble::assemble(release, sources, listener).map_err(|more| findings.extend(more)).ok()?;
    if plan.formats.contains(&"oci") {
        match formats::oci::base::resolve(&plan.image.base, &plan.target, sources) {
            Ok(base) => plan.base = base,
            Err(finding) => findings.push(finding),
        }
    }
    Some(plan)
}

/// What git tracks, where `[build] source-archive` asks for it, with warnings; a run that is narrowed to some formats
/// does without.
fn source_entries(
    request: &Request,
    manifest: &Manifest,
    document: &Document,
    project: &Path,
    sources: &mut Sources,
) -> Result<(Option<Vec<Entry>>, Findings), Findings> {
    let Some(asked) = manifest.build.source_archive.as_ref().filter(|asked| asked.value) else {
        return Ok((None, Findings::new()));
    };
    if !request.formats.is_empty() {
        return Ok((None, Findings::new()));
    }
    let place = document.span(asked.range.clone());
    let point = |findings: Findings| findings.into_iter().map(|finding| finding.at(&place, "asked for here")).collect();
    match source::entries(project, sources) {
        Ok((entries, doubts)) => Ok((Some(entries), doubts)),
        Err(errors) => Err(point(errors)),
    }
}

/// Several targets have most findings in common.
pub(super) fn once(findings: Findings) -> Findings {
    findings.into_iter().fold(Findings::new(), |mut kept, finding| {
        if !kept.contains(&finding) {
            kept.push(finding);
        }
        kept
    })
}
