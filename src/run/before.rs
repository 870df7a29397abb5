//! What is wrong already before the build command runs: nobody should wait ten minutes to hear of a slip in `maintainer`.
//!
//! Enters: the manifest and what `resolve` is asked. Leaves: the errors that no build can mend, because they are about what
//! was typed. What depends on the input tree, on files that the command may make, or on the place that the version comes
//! from is left to the real pass behind the command.

use std::sync::Arc;

use super::mend::{self, Asked, Resolved};
use crate::assemble::gaps::Gaps;
use crate::assemble::plan::Sources;
use crate::assemble::{self, rules};
use crate::config::load::Document;
use crate::config::schema::{Manifest, Preset, VersionSource};
use crate::diagnostic::{Code, Diagnostic, Findings, Severity, codes, has_errors};
use crate::formats::Format;
use crate::listener::Silent;
use crate::resolve::Release;

/// Codes of typed values that are judged without the input tree, where they point into the config.
const TYPED: &[Code] = &[
    codes::CONFIG_INVALID_VALUE,
    codes::CONFIG_MISSING_KEY,
    codes::CONFIG_NOT_YET,
    codes::CONFIG_UNSET_HOLE,
    codes::RESOLVE_VERSION,
    codes::RESOLVE_NAME,
    codes::RESOLVE_MAINTAINER,
    codes::RESOLVE_LICENSE,
    codes::RESOLVE_HOMEPAGE,
    codes::RESOLVE_PATH,
    codes::RESOLVE_NOTHING,
    codes::FILES_CAPABILITIES,
    codes::FILES_OWNER,
    codes::FILES_OWNER_COLLISION,
    codes::FILES_PATH,
    codes::DEB_NAME,
    codes::DEB_RELATION,
    codes::DEB_FIELD,
    codes::RPM_NAME,
    codes::RPM_RELATION,
    codes::RPM_RELEASE,
    codes::RPM_DISTRIBUTION,
    codes::TARBALL_NAME,
    codes::OCI_REPOSITORY,
];

/// Codes of what the command line and the environment say.
const ASKED: &[Code] = &[codes::RESOLVE_UNKNOWN_TARGET, codes::RESOLVE_SOURCE_DATE_EPOCH];

/// Errors that the build command cannot change, with what is found beside them.
pub(super) fn errors(asked: Asked<'_>, chosen: &[&'static dyn Format]) -> Findings {
    // The command that gives the version runs once, after this.
    let mut reading = asked.reading.clone();
    reading.manifest = mend::without_command(&reading.manifest);
    let Resolved { releases, mut findings, unknown } = mend::resolved(Asked { reading: &reading, ..asked }, &Silent);
    if !unknown.formats {
        findings.extend(releases.iter().flat_map(|release| of_formats(release, chosen)));
    }
    findings.extend(releases.iter().flat_map(rules::judge));
    let manifest = &asked.reading.manifest;
    let (mut errors, others) =
        findings.into_iter().partition::<Findings, _>(|finding| is_final(finding, manifest, asked.document));
    errors.extend(reading.findings);
    if !errors.is_empty() {
        // Warnings come along as they do elsewhere; errors that the command might mend do not.
        errors.extend(others.into_iter().filter(|finding| finding.severity != Severity::Error));
    }
    errors
}

/// What the formats refuse of a package without files.
fn of_formats(release: &Release, chosen: &[&'static dyn Format]) -> Findings {
    let bare = Release { rules: Vec::new(), bundle: Vec::new(), ..release.clone() };
    let assembled = assemble::assemble(&bare, Gaps::everywhere(), &mut Sources::default(), &Silent);
    if has_errors(&assembled.findings) {
        return Findings::new();
    }
    chosen.iter().filter_map(|format| format.file_name(&assembled.plan).err()).flatten().collect()
}

fn is_final(finding: &Diagnostic, manifest: &Manifest, document: &Document) -> bool {
    if finding.severity != Severity::Error {
        return false;
    }
    let in_config = finding.labels.first().is_some_and(|label| Arc::ptr_eq(&label.span.source, document.source()));
    let literal = || {
        let version = manifest.package.version.as_ref();
        version.is_some_and(|version| matches!(version.value, VersionSource::Literal(_)))
    };
    let otp = || manifest.build.preset.as_ref().is_some_and(|preset| preset.value == Preset::Otp);
    // A release that lies there from an earlier build may know less than the one that is to be made.
    let by_build =
        (finding.code == codes::RESOLVE_VERSION && !literal()) || (finding.code == codes::CONFIG_MISSING_KEY && otp());
    ASKED.contains(&finding.code) || (in_config && TYPED.contains(&finding.code) && !by_build)
}
