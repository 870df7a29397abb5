//! Request -> [`Planned`]: the config read, its command run if that is asked for, the plans of all targets made and
//! checked by every format. All that is wrong with a file is found in one run: values, files, and what formats refuse.

use std::path::{Path, PathBuf};

use super::base::Bases;
use super::mend::{self, Asked, Resolved, Unknown};
use super::pack::{self, Wanted};
use super::{Planned, Request, before, chosen_formats, read_config, release};
use crate::assemble::heads::Heads;
use crate::assemble::own::{self, Passed};
use crate::assemble::plan::{Content, Entry, Kind, Plan, Sources};
use crate::assemble::{self, Assembled, content};
use crate::build::state::State;
use crate::build::step::{Built, Given, Step};
use crate::config::load::{Document, Reading};
use crate::config::schema::Manifest;
use crate::diagnostic::{Code, Diagnostic, Findings, codes, has_errors, in_order};
use crate::engine::EngineError;
use crate::formats::{self, Format, source};
use crate::listener::{Event, Listener, Silent};
use crate::resolve;

/// The plans; `builds` says whether what is packed is made first.
pub(super) fn make(request: &Request, builds: bool, listener: &dyn Listener) -> Result<Planned, Findings> {
    let document = read_config(&request.config)?;
    let mut reading = resolve::environment::read(&document, request.environment.as_deref(), &[])?;
    let project = folder_of(&request.config)?;
    if let Some(input) = &request.input {
        reading.manifest.build.take(below(&project, input));
        reading.manifest.release = None;
    }
    let manifest = &reading.manifest;
    let chosen = chosen_formats(request, manifest)?;
    tell(request, &project, &chosen, listener);
    let asked = asked(request, &project, &reading, &chosen);
    let asked = Asked { document: &document, reading: &reading, request: &asked };
    let in_order = |findings| in_order(once(findings), document.source());
    let given = Given {
        folder: &project,
        variables: &request.variables,
        overlay: request.environment.as_deref(),
        out: &asked.request.output,
        targets: &resolve::target::machines(&manifest.build, &request.targets, asked.request.host),
    };
    let (step, doubts) = Step::read(&document, manifest, given);
    let has_step = !step.is_empty() || manifest.release.is_some() || BUILDING.iter().any(|path| reading.lost(path));
    let mut cached = Findings::new();
    if builds && has_step {
        let mut errors = before::errors(asked, &chosen);
        errors.extend(doubts.iter().cloned());
        errors.extend(release::judged(manifest, &document, &step));
        if let (Some(name), Some(folder)) = (&manifest.package.name, asked.request.output.last()) {
            errors.extend(super::manifest::refuse_another(name, &project, folder).err());
        }
        if !errors.is_empty() {
            return Err(in_order(errors));
        }
        cached = run_step(manifest, &document, &step, &super::state(request, &project), listener)?;
    }
    // After the build step, which may write what is packed.
    let (heads, begun) = builds.then(|| begin(request, &project)).flatten().unwrap_or_default();
    let (mut findings, mut sources) = (reading.findings.clone(), Sources::new(heads));
    findings.extend(doubts.into_iter().chain(cached));
    if !builds {
        findings.extend(release::values(manifest, &document, &step));
    }
    let bases = Bases::new(request, &project, manifest, builds);
    let planning = plans(asked, &chosen, &mut sources, &mut findings, listener, bases);
    let source = source_entries(request, manifest, &document, &project, &mut sources);
    let source = source.unwrap_or_else(|errors| (None, errors));
    findings.extend(source.1);
    let source = source.0;
    let wanted = planning.wanted(source.is_some(), &mut findings);
    if !builds && !step.is_empty() {
        not_built(&mut findings);
    }
    let findings = in_order(findings);
    if has_errors(&findings) {
        return Err(findings);
    }
    keep_what_is_named(&planning.all, source.as_deref(), &mut sources);
    let (Planning { all: plans, passed, .. }, warnings, lint) = (planning, findings, reading.manifest.lint);
    let verify = request.verify;
    Ok(Planned { project, plans, passed, source, wanted, sources, step, begun, verify, warnings, lint })
}

/// What the facts are asked for.
fn asked(request: &Request, project: &Path, reading: &Reading, chosen: &[&'static dyn Format]) -> resolve::Request {
    resolve::Request {
        project: project.to_path_buf(),
        output: super::output_folders(request, project),
        formats: chosen.iter().map(|format| (format.name(), format.abilities())).collect(),
        targets: request.targets.clone(),
        environment: reading.environment.clone(),
        source_date_epoch: request.source_date_epoch.clone(),
        host: resolve::target::host(),
    }
}

/// What the last build saw of files, and the time before this one looks at any.
fn begin(request: &Request, project: &Path) -> Option<(Heads, Option<i128>)> {
    let state = super::state(request, project);
    let (folder, now) = (state.folder.as_deref().filter(|_| state.reuse)?, state.begun()?);
    Some((Heads::open(folder, now), Some(now)))
}

/// Says of what is not there that the build step may make it.
fn not_built(findings: &mut Findings) {
    const MADE: &[Code] = &[codes::FILES_NOT_FOUND, codes::FILES_NO_MATCH, codes::FILES_EMPTY_TREE];
    for finding in findings.iter_mut().filter(|finding| MADE.contains(&finding.code)) {
        *finding = finding.clone().help("if `[build]` makes it, run `fitout build`: the other verbs do not build");
    }
}

/// Keys that say what runs before the input is read.
const BUILDING: &[&str] = &[
    "build.tool",
    "build.command",
    "build.test",
    "build.hooks",
    "build.env",
    "build.pass-env",
    "build.sandbox",
    "build.network",
    "release",
];

/// Builds, assembles the release if that is asked for, and runs the hooks behind; what does not stop it.
fn run_step(
    manifest: &Manifest,
    document: &Document,
    step: &Step,
    state: &State,
    listener: &dyn Listener,
) -> Result<Findings, Findings> {
    let one = |finding| vec![finding];
    let Built { mut findings, skipped } = step.build(state, listener).map_err(one)?;
    findings.extend(release::assembled(manifest, document, step, (state, skipped), listener)?);
    step.before_package(state, listener).map_err(one)?;
    Ok(findings)
}

/// Content that no entry and no base names any more is not read.
fn keep_what_is_named(plans: &[Plan], source: Option<&[Entry]>, sources: &mut Sources) {
    let entries = plans.iter().flat_map(|plan| plan.entries.iter()).chain(source.into_iter().flatten());
    let of_entries = entries.filter_map(|entry| match &entry.kind {
        Kind::File(source) => Some(source.id),
        _ => None,
    });
    let of_bases = plans.iter().filter_map(|plan| plan.base.as_ref()).flat_map(|base| &base.layers);
    sources.keep(&of_entries.chain(of_bases.map(|layer| layer.source.id)).collect());
}

/// The plans of all targets. After an error they are good enough to be judged, and no more.
struct Planning {
    all: Vec<Plan>,
    passed: Vec<Passed>,
    unknown: Unknown,
    /// Whether all rules brought what they should.
    whole: bool,
}

/// Resolves and assembles, whatever is found on the way.
fn plans(
    asked: Asked<'_>,
    chosen: &[&'static dyn Format],
    sources: &mut Sources,
    findings: &mut Findings,
    listener: &dyn Listener,
    mut bases: Bases<'_>,
) -> Planning {
    let Resolved { releases, findings: more, unknown } = mend::resolved(asked, listener);
    findings.extend(more);
    let listener = if has_errors(findings) { &Silent } else { listener };
    let mut planning = Planning { all: Vec::new(), passed: Vec::new(), unknown, whole: true };
    let mut found = Findings::new();
    for release in &releases {
        let assembled = assemble::assemble(release, planning.unknown.gaps(), sources, listener);
        let Assembled { mut plan, passed, findings, gaps } = assembled;
        planning.passed.extend(passed);
        planning.whole &= gaps.is_empty();
        found.extend(findings);
        if plan.formats.contains(&"oci") {
            let fetched = bases.fetch(&mut plan.image.base, &plan.target, listener);
            let read = fetched.and_then(|()| formats::oci::base::resolve(&plan.image.base, &plan.target, sources));
            match read {
                Ok(base) => plan.base = base,
                Err(finding) => found.push(finding),
            }
        }
        if gaps.is_empty() {
            found.extend(chosen.iter().flat_map(|format| format.doubts(&plan)));
        }
        planning.all.push(plan);
    }
    planning.add(found, findings);
    if !has_errors(findings) {
        findings.extend(bases.finish().err());
    }
    planning
}

impl Planning {
    /// What is to be made of the plans, and what formats refuse of them.
    fn wanted(&self, with_source: bool, findings: &mut Findings) -> Vec<Wanted> {
        let mut refusals = Findings::new();
        let wanted = pack::wanted(&self.all, with_source, &mut refusals);
        // A format that may not be asked for has nothing to refuse.
        if !self.unknown.formats {
            self.add(refusals, findings);
        }
        wanted
    }

    /// Adds what does not only follow from an earlier finding.
    fn add(&self, found: Findings, findings: &mut Findings) {
        findings.extend(found.into_iter().filter(|finding| !self.unknown.explains(finding, self.whole)));
    }
}

/// As the config would say it: relative to the project where it lies in it.
fn below(project: &Path, input: &Path) -> String {
    let whole = fs_err::canonicalize(input).unwrap_or_else(|_| input.to_owned());
    content::show(project, &whole)
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
    let entries = source::entries(project, sources).and_then(|found| {
        let tracked = tracked_secrets(document, project, &found.0, sources);
        if tracked.is_empty() { Ok(found) } else { Err(tracked) }
    });
    match entries {
        Ok((entries, doubts)) => Ok((Some(entries), doubts)),
        Err(errors) => Err(point(errors)),
    }
}

/// What a source archive would bring of the secrets that the config names.
fn tracked_secrets(document: &Document, project: &Path, entries: &[Entry], sources: &Sources) -> Findings {
    let secrets = own::inodes(&resolve::own::secrets(project, document.source()));
    let is_secret = |entry: &&Entry| match &entry.kind {
        Kind::File(source) => {
            let content = &sources.list()[source.id.0 as usize];
            matches!(content, Content::File { stat, .. } if secrets.contains(&stat.inode))
        }
        _ => false,
    };
    let paths = entries.iter().filter(is_secret).map(|entry| entry.path.trim_start_matches('/'));
    let told = paths.map(|path| {
        let message = format!("git tracks `{path}`, which is a secret of whoever publishes");
        Diagnostic::error(codes::FILES_SECRET, message)
            .help(format!("`git rm --cached {path}`, and take another secret: whoever has the repository has this one"))
    });
    told.collect()
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
