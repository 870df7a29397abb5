//! What is gone on with after an error, so that one run tells all findings: values, then files, then what formats refuse.
//!
//! Enters: what the config says without what its grammar refused. Leaves: releases in which stand-ins take the place of
//! what is wrong, every finding of `resolve`, and what is missing because of it ([`Unknown`]): nothing that only follows
//! from an earlier finding is told. Such releases are good enough to be judged; nobody packs them, because there is an error.

use std::ops::Range;

use crate::assemble::gaps::Gaps;
use crate::config::load::{Document, Reading};
use crate::config::schema::{At, Files, Manifest, Preset, Text, VersionSource};
use crate::diagnostic::{Code, Diagnostic, Findings, Severity, codes, has_errors};
use crate::listener::{Listener, Silent};
use crate::resolve::{self, Release, target};

use super::Collector;

/// All that `resolve` is asked.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub document: &'a Document,
    pub reading: &'a Reading,
    pub request: &'a resolve::Request,
}

/// What came of it.
pub(super) struct Resolved {
    /// One a target, with stand-ins after an error; none where not even those help.
    pub releases: Vec<Release>,
    /// What `resolve` found.
    pub findings: Findings,
    pub unknown: Unknown,
}

/// What is missing because of an error.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Unknown {
    /// What the preset knows and brings.
    preset: bool,
    /// Rules: of the config, or of the preset.
    rules: bool,
    /// Which accounts the package makes.
    accounts: bool,
    /// Every target.
    target: bool,
    /// Which formats are wanted.
    pub formats: bool,
}

/// Sections and keys that bring something to certain paths, besides the preset.
const BRINGING: &[&str] = &["files", "service", "account", "launcher", "package.prefix"];

/// Said of what is not in the plan.
const OF_RULES: &[Code] = &[codes::RPM_PREFIX, codes::RUN_SAME_NAME];
/// Said of owners that the package does not make.
const OF_ACCOUNTS: &[Code] = &[codes::FILES_OWNER_WITHOUT_ACCOUNT];
/// Said of files that are not for the target.
const OF_TARGETS: &[Code] = &[codes::ELF_WRONG_ARCH, codes::FILES_BUNDLE_NOT_FOUND];
/// Said of formats that may not be wanted.
const OF_FORMATS: &[Code] = &[codes::FORMAT_CANNOT_CARRY];
/// Said of the input that a preset reads.
const OF_PRESETS: &[Code] = &[
    codes::RESOLVE_NOT_BUILT,
    codes::RESOLVE_NOT_A_RELEASE,
    codes::RESOLVE_CARGO,
    codes::RESOLVE_BAD_TERM,
    codes::RESOLVE_NOTHING,
];

impl Unknown {
    fn of(reading: &Reading) -> Self {
        let build = &reading.manifest.build;
        let preset = reading.lost("build.preset") || reading.lost("build.input");
        Self {
            preset,
            rules: preset || BRINGING.iter().any(|path| reading.lost(path)),
            accounts: reading.lost("service") || reading.lost("account"),
            target: reading.lost("build.targets") && build.targets.is_none(),
            formats: reading.lost("build.formats") && build.formats.is_none(),
        }
    }

    /// What assembling cannot know.
    pub fn gaps(self) -> Gaps {
        if self.rules { Gaps::everywhere() } else { Gaps::default() }
    }

    /// Whether a finding only follows from an earlier one; `whole` is whether all rules brought what they should.
    pub fn explains(self, finding: &Diagnostic, whole: bool) -> bool {
        let follows = |unknown: bool, codes: &[Code]| unknown && codes.contains(&finding.code);
        follows(!whole, OF_RULES)
            || follows(self.accounts, OF_ACCOUNTS)
            || follows(self.target, OF_TARGETS)
            || follows(self.formats, OF_FORMATS)
    }
}

/// Resolves what is right. `listener` hears of the releases if they are the real ones.
pub(super) fn resolved(asked: Asked<'_>, listener: &dyn Listener) -> Resolved {
    let Asked { document, reading, request } = asked;
    let unknown = Unknown::of(reading);
    let mut manifest = reading.manifest.clone();
    stand_ins(&mut manifest, reading, unknown, false);
    let heard = Collector::new(if has_errors(&reading.findings) { &Silent } else { listener });
    let result = resolve::resolve(&manifest, document, request, &heard);
    let mut findings = heard.into_findings();
    match result {
        Ok(releases) => Resolved { releases, findings, unknown },
        Err(more) => {
            findings.extend(more);
            let (releases, unknown) = mended(asked, &findings).unwrap_or_default();
            Resolved { releases, findings, unknown }
        }
    }
}

/// Resolves again, without what was found wrong. `None` if too much is.
fn mended(asked: Asked<'_>, findings: &[Diagnostic]) -> Option<(Vec<Release>, Unknown)> {
    let Asked { document, reading, request } = asked;
    let errors = || findings.iter().filter(|finding| finding.severity == Severity::Error);
    let places = errors().filter_map(|error| Some(error.span_in(document.source())?.range.clone()));
    let wrong: Vec<Range<usize>> = places.collect();
    let rest = resolve::environment::read(document, request.environment.as_deref(), &wrong).ok()?;
    let mut unknown = Unknown::of(&rest);
    let mut request = request.clone();
    request.targets.retain(|target| target::parse(target).is_ok());
    unknown.target |= request.targets.is_empty() && !asked.request.targets.is_empty();
    request.targets.dedup();
    if errors().any(|error| error.code == codes::RESOLVE_SOURCE_DATE_EPOCH) {
        request.source_date_epoch = Some("0".into());
    }
    if errors().any(|error| OF_PRESETS.contains(&error.code)) {
        (unknown.preset, unknown.rules) = (true, true);
    }
    // Each attempt trusts less: first what is wrong is replaced, then what is missing, last all that the preset knows.
    let more_unknown = Unknown { preset: true, rules: true, ..unknown };
    for (unknown, all) in [(unknown, false), (unknown, true), (more_unknown, true)] {
        let mut manifest = rest.manifest.clone();
        if manifest.package.name.is_none() {
            manifest.package.name = reading.manifest.package.name.as_ref().map(|name| stand_in(&legal(name)));
        }
        stand_ins(&mut manifest, &rest, unknown, all);
        if let Ok(releases) = resolve::resolve(&without_command(&manifest), document, &request, &Silent) {
            return Some((releases, unknown));
        }
    }
    None
}

/// Puts something that every format takes where a fact is not known: because what the config says is wrong, because the
/// preset would have known it, or `all` that is not there.
fn stand_ins(manifest: &mut Manifest, reading: &Reading, unknown: Unknown, all: bool) {
    let Manifest { package, build, files, .. } = manifest;
    if unknown.preset {
        (build.preset, build.input) = (None, None);
        if matches!(&package.version, Some(At { value: VersionSource::From { from }, .. }) if from.value == "release") {
            package.version = None;
        }
    }
    if unknown.rules && files.is_empty() && build.input.is_none() {
        let rule = Files { directory: true, to: Some(stand_in("/usr/lib/name")), ..Files::default() };
        files.push(At { value: rule, range: 0..0 });
    }
    let wanted = |key: &str| all || unknown.preset || reading.lost(&format!("package.{key}"));
    let fill = |key: &str, fact: &mut Option<Text>, value: &str| {
        if fact.is_none() && wanted(key) {
            *fact = Some(stand_in(value));
        }
    };
    // The other presets know the package by its name.
    if build.preset.as_ref().is_none_or(|preset| preset.value == Preset::Plain) {
        fill("name", &mut package.name, "name");
    }
    fill("summary", &mut package.summary, "Summary");
    fill("maintainer", &mut package.maintainer, "Name <name@example.org>");
    fill("license", &mut package.license, "LicenseRef-Unknown");
    if package.version.is_none() && wanted("version") {
        package.version = Some(At { value: VersionSource::Literal("0".into()), range: 0..0 });
    }
}

/// A value that nobody typed.
fn stand_in(value: &str) -> Text {
    At { value: value.to_owned(), range: 0..0 }
}

/// The name that was probably meant, as every format takes it.
fn legal(name: &str) -> String {
    let small = name.to_lowercase();
    let words = small.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let joined = words.collect::<Vec<_>>().join("-");
    if (2..=64).contains(&joined.len()) { joined } else { "name".to_owned() }
}

/// The manifest, with a version in place of a command that gives one: it would run twice.
pub(super) fn without_command(manifest: &Manifest) -> Manifest {
    let mut manifest = manifest.clone();
    if let Some(At { value, .. }) = &mut manifest.package.version
        && matches!(value, VersionSource::From { from } if from.starts_with("command:"))
    {
        *value = VersionSource::Literal("0".into());
    }
    manifest
}
