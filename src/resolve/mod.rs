//! Manifest -> Release: all facts of one target known, no defaults left; the manifest is dropped.
//!
//! Enters: the merged manifest, its document, the folder, and what the command line adds ([`Request`]). Leaves: one [`Release`] a target.
//! Files are read here for facts (versions, scripts, change logs), never for content; nothing is written, and no network
//! is used. Each part reports what is wrong and goes on, so that all findings come in one run.

pub mod account;
pub mod capabilities;
pub mod ci;
pub mod clock;
pub mod dependencies;
pub mod detect;
pub mod duration;
pub mod environment;
pub mod git;
pub mod holes;
pub mod identity;
pub mod lifecycle;
pub mod nearest;
pub mod own;
pub mod packaging;
pub mod preset;
pub mod release;
pub mod service;
pub mod spdx;
pub mod target;
pub mod version;

mod changelog;
mod compression;
mod elixir;
mod facts;
mod files;
mod ground;
mod image;
mod license;
mod paragraphs;
mod scripts;
mod settings;
mod templates;

use std::path::PathBuf;

use crate::codec::calendar::rfc3339;
use crate::config::load::Document;
use crate::config::schema::Manifest;
use crate::diagnostic::{Diagnostic, Findings, Severity, codes};
use crate::listener::{Event, Listener};
use crate::template::Templates;

use ground::Ground;
use identity::Arch;
use packaging::Abilities;
use preset::{Place, Preset};
pub use release::{Release, Rule, Take};

/// Where artifacts are written if nothing else is said, relative to the config file.
pub const DIST: &str = "dist";
/// What names in the config stood for when they were looked up, beside the config file.
pub const LOCK: &str = "fitout.lock";

/// What the command line and the machine add to the manifest.
#[derive(Debug, Clone)]
pub struct Request {
    /// Folder of the config file.
    pub project: PathBuf,
    /// Folders that the artifacts are written to, with and without the environment's; none where nothing is written.
    pub output: Vec<PathBuf>,
    /// Formats to make, with what each can carry.
    pub formats: Vec<(&'static str, Abilities)>,
    /// Targets of the command line, over the config's; empty for none.
    pub targets: Vec<String>,
    /// The environment that was merged into the manifest.
    pub environment: Option<String>,
    /// Value of `SOURCE_DATE_EPOCH`, if it is set.
    pub source_date_epoch: Option<String>,
    /// The target where none is named, and the machine that the build ran on: see [`target::host`].
    pub host: Option<Arch>,
}

/// The releases of a run, one for each target. Findings that do not stop it are heard by `listener`.
///
/// # Errors
/// All errors, with the warnings among them, in the order of the config file.
pub fn resolve(
    manifest: &Manifest,
    document: &Document,
    request: &Request,
    listener: &dyn Listener,
) -> Result<Vec<Release>, Findings> {
    let ground = Ground::new(&request.project, document.source());
    let found = releases(&ground, manifest, request);
    let findings = ground.into_findings();
    let failed = findings.iter().any(|finding| finding.severity == Severity::Error);
    let Some((releases, from, clock)) = found.filter(|_| !failed) else { return Err(findings) };
    for finding in findings {
        listener.hear(Event::Finding(finding));
    }
    listener.hear(Event::Decided { what: "clock", value: clock });
    for release in &releases {
        listener.hear(Event::Resolved {
            name: release.identity.name.value.clone(),
            version: release.identity.version.text.clone(),
            target: release.target.to_string(),
            from: from.clone(),
        });
    }
    Ok(releases)
}

/// The releases, where the version came from, and the time with where that came from. `None` only after a finding.
fn releases(ground: &Ground, manifest: &Manifest, request: &Request) -> Option<(Vec<Release>, String, String)> {
    let targets = target::read(ground, &manifest.build, request);
    let preset = Preset::read(ground, manifest);
    let shared = shared(ground, manifest, request, preset.as_ref());
    let (Some(targets), Some(preset), Some(shared)) = (targets, preset, shared) else {
        // There is no place to put anything; the rules are checked all the same.
        files::rules(ground, &manifest.files, &holes::stand_ins(request.environment.is_some()));
        return None;
    };
    let releases: Vec<Option<Release>> =
        targets.into_iter().map(|target| of_target(ground, manifest, request, &preset, &shared, target)).collect();
    let clock = format!("{} ({}), from {}", shared.clock, rfc3339(shared.clock), shared.clock_from);
    Some((releases.into_iter().collect::<Option<_>>()?, shared.version_from, clock))
}

/// What all targets share.
struct Shared {
    kept: own::Kept,
    identity: identity::Identity,
    version_from: String,
    clock: i64,
    clock_from: &'static str,
    prefix: String,
    changelog: Vec<identity::Change>,
    license_text: Option<String>,
    lifecycle: lifecycle::Lifecycle,
    templates: Templates,
    services: Vec<service::Service>,
    accounts: Vec<account::Account>,
    deb: packaging::Deb,
    rpm: packaging::Rpm,
    tarball: packaging::Tarball,
    zip: packaging::Zip,
    image: packaging::Image,
}

fn shared(ground: &Ground, manifest: &Manifest, request: &Request, preset: Option<&Preset>) -> Option<Shared> {
    let (package, format) = (&manifest.package, &manifest.format);
    let known = preset.map(Preset::known).unwrap_or_default();
    let commit = git::commit(&request.project).unwrap_or_else(|lines| {
        ground.report(unread_repository(lines));
        None
    });
    let (clock, clock_from) = ground.ok(clock::read(request.source_date_epoch.as_deref(), commit.as_ref())).unzip();
    let given = facts::Given { preset, known: &known, commit: commit.as_ref(), clock };
    let (identity, version_from) = facts::identity(ground, manifest, request, &given).unzip();
    let name = identity.as_ref().map(|identity| identity.name.as_str());
    let maintainer = identity.as_ref().map(|identity| identity.maintainer.as_str());
    let prefix = facts::prefix(ground, package.prefix.as_ref(), name);
    let changelog = changelog::read(ground, package.changelog.as_ref(), identity.as_ref(), clock);
    let license_text = license::text(ground, package.license_file.as_ref());
    let lifecycle = scripts::lifecycle(ground, package, format);
    let templates = templates::read(ground, package.templates.as_ref());
    let summary = identity.as_ref().map_or("", |identity| identity.summary.as_str());
    let services = name.zip(prefix.as_deref()).and_then(|(name, prefix)| {
        service::read::all(ground, &manifest.service, service::read::Package { name, summary, prefix, preset })
    });
    let running = services.as_deref().unwrap_or_default();
    let accounts = account::read(ground, &manifest.account, running, summary);
    let deb = settings::deb(ground, format, preset);
    let rpm = settings::rpm(ground, format, maintainer, preset);
    let tarball = settings::tarball(ground, &format.tarball);
    let zip = settings::zip(ground, &format.zip);
    let creates = accounts.as_deref().unwrap_or_default();
    let given = image::Given { name, prefix: prefix.as_deref(), preset, services: running, accounts: creates };
    let image = image::read(ground, &format.oci, given);
    // Each has had its say: only now may the first that failed end it.
    Some(Shared {
        kept: own::paths(ground),
        identity: identity?,
        version_from: version_from?,
        clock: clock?,
        clock_from: clock_from?,
        prefix: prefix?,
        changelog: changelog?,
        license_text: license_text?,
        lifecycle: lifecycle?,
        templates: templates?,
        services: services?,
        accounts: accounts?,
        deb: deb?,
        rpm: rpm?,
        tarball: tarball?,
        zip: zip?,
        image: image?,
    })
}

/// Without its commit the artifacts would be stamped otherwise than elsewhere: not to be passed over in silence.
fn unread_repository(lines: Vec<String>) -> Diagnostic {
    let message = "git refuses to say which commit this is, so its time and id are not used";
    let finding = Diagnostic::warning(codes::RESOLVE_COMMAND_FAILED, message)
        .help("allow it by `git config --global --add safe.directory FOLDER`, or set `SOURCE_DATE_EPOCH`");
    lines.into_iter().fold(finding, Diagnostic::note)
}

fn of_target(
    ground: &Ground,
    manifest: &Manifest,
    request: &Request,
    preset: &Preset,
    shared: &Shared,
    target: identity::Target,
) -> Option<Release> {
    let formats: Vec<&'static str> = request.formats.iter().map(|(name, _)| *name).collect();
    let name = &shared.identity.name;
    let place = Place {
        name,
        prefix: &shared.prefix,
        target: &target,
        host: request.host,
        formats: &formats,
        templates: &shared.templates,
    };
    let rust_target = preset.rust_target(target.arch);
    let environment = request.environment.as_deref();
    let holes = holes::values(&shared.identity, &target, rust_target, environment, &shared.prefix);
    let mut rules = preset.rules(ground, place);
    // What the preset would run there, the launcher of a service runs with the service's user and environment.
    rules.retain(|rule| !shared.services.iter().any(|service| service.command.as_ref() == Some(&rule.to)));
    rules.extend(files::rules(ground, &manifest.files, &holes)?);
    let overrides = manifest.format.deb.lintian_overrides.iter();
    Some(Release {
        project: request.project.clone(),
        output: request.output.clone(),
        kept: shared.kept.clone(),
        identity: shared.identity.clone(),
        target,
        environment: request.environment.clone(),
        clock: shared.clock,
        formats: request.formats.clone(),
        rules,
        bundle: ground.facts(&manifest.package.bundle),
        prefix: shared.prefix.clone(),
        holes,
        changelog: shared.changelog.clone(),
        license_text: shared.license_text.clone(),
        lintian_overrides: overrides.map(|o| (o.tag.clone(), o.reason.clone())).collect(),
        lifecycle: shared.lifecycle.clone(),
        templates: shared.templates.clone(),
        services: shared.services.clone(),
        accounts: shared.accounts.clone(),
        deb: shared.deb.clone(),
        rpm: shared.rpm.clone(),
        tarball: shared.tarball.clone(),
        zip: shared.zip.clone(),
        image: shared.image.clone(),
    })
}

/// The templates of a project, for what is made without a release.
///
/// # Errors
/// One of the user's is for nothing.
pub fn templates(
    document: &Document,
    folder: &std::path::Path,
    package: &crate::config::schema::Package,
) -> Result<Templates, Findings> {
    let ground = Ground::new(folder, document.source());
    templates::read(&ground, package.templates.as_ref()).ok_or_else(|| ground.into_findings())
}

#[cfg(test)]
mod tests;
