//! Is it right? One list of rules over plans, and one over artifacts.
//!
//! A finding has a stable code with a page (`fitout explain CODE`); `[[lint.allow]]` silences it with a reason.

use globset::Glob;

use crate::assemble::plan::{Plan, Sources};
use crate::config::schema::Lint;
use crate::diagnostic::{Diagnostic, Findings};
use crate::formats::Listing;

mod artifact;
mod phoenix;
mod plan;
mod programs;
mod secret;
mod service;

/// A rule over a plan.
pub type PlanRule = fn(&Plan) -> Findings;
/// A rule over a plan and the files that it names.
pub type ContentRule = fn(&Plan, &Sources) -> Findings;
/// A rule over an artifact.
pub type ArtifactRule = fn(&Listing) -> Findings;

/// What is looked for in a plan.
pub const PLAN_RULES: &[PlanRule] = &[
    plan::summary,
    plan::version_order,
    plan::description,
    plan::etc_without_config,
    plan::odd_places,
    plan::writable_by_all,
    plan::dropped_modes,
    plan::privileged,
    plan::runpath_of_the_builder,
    plan::unstripped,
    programs::not_executable,
    programs::without_base,
    programs::image_without_command,
    plan::command_without_manual,
    plan::secrets_in_image_environment,
    service::as_root,
    service::writes_elsewhere,
    service::secrets_in_units,
    secret::readable,
    service::cuts_connections,
    service::program_is_missing,
    service::not_hardened,
    plan::drifted_templates,
];

/// What is looked for in the content of a plan's files.
pub const CONTENT_RULES: &[ContentRule] =
    &[service::secrets_in_config_files, secret::private_keys, phoenix::serves_nobody];

/// What is looked for in an artifact.
pub const ARTIFACT_RULES: &[ArtifactRule] =
    &[artifact::damage, artifact::oddities, artifact::writable_by_all, artifact::not_executable];

/// All findings in a plan, without those that are allowed.
pub fn lint_plan(plan: &Plan, sources: &Sources, lint: &Lint) -> Findings {
    let of_plan = PLAN_RULES.iter().flat_map(|rule| rule(plan));
    let findings = of_plan.chain(CONTENT_RULES.iter().flat_map(|rule| rule(plan, sources))).collect();
    allowed(findings, lint)
}

/// All findings in an artifact.
pub fn lint_artifact(listing: &Listing) -> Findings {
    ARTIFACT_RULES.iter().flat_map(|rule| rule(listing)).collect()
}

/// Only what is damaged or odd in an artifact: what `inspect` must not keep silent about.
pub fn lint_damage(listing: &Listing) -> Findings {
    artifact::damage(listing).into_iter().chain(artifact::oddities(listing)).collect()
}

/// Takes out what `[[lint.allow]]` names.
pub fn allowed(mut findings: Findings, lint: &Lint) -> Findings {
    for allow in &lint.allow {
        let glob = allow.path.as_ref().and_then(|path| Glob::new(path).ok()).map(|glob| glob.compile_matcher());
        findings.retain(|finding| {
            let path_matches = match (&glob, &finding.path) {
                (None, _) => true,
                (Some(glob), Some(path)) => glob.is_match(path),
                (Some(_), None) => false,
            };
            finding.code.name != allow.code.value || !path_matches
        });
    }
    findings
}

/// A finding about a path of a package.
fn about(code: crate::diagnostic::Code, path: &str, message: String) -> Diagnostic {
    Diagnostic::warning(code, message).path(path)
}
