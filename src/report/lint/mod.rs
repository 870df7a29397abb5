//! Is it right? One list of rules over plans, and one over artifacts.
//!
//! A finding has a stable code with a page (`fitout explain CODE`); `[[lint.allow]]` silences it with a reason.

use globset::Glob;

use crate::assemble::plan::Plan;
use crate::config::schema::Lint;
use crate::diagnostic::{Diagnostic, Findings};
use crate::formats::Listing;

mod artifact;
mod plan;

/// A rule over a plan.
pub type PlanRule = fn(&Plan) -> Findings;
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
    plan::privileged,
    plan::runpath_of_the_builder,
    plan::unstripped,
    plan::otp_without_base,
    plan::command_without_manual,
    plan::secrets_in_image_environment,
];

/// What is looked for in an artifact.
pub const ARTIFACT_RULES: &[ArtifactRule] = &[artifact::damage, artifact::oddities, artifact::writable_by_all];

/// All findings in a plan, without those that are allowed.
pub fn lint_plan(plan: &Plan, lint: &Lint) -> Findings {
    let findings = PLAN_RULES.iter().flat_map(|rule| rule(plan)).collect();
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
