//! `[release]` on the way to the plans: judged before the build command runs, assembled behind it.
//!
//! Enters: the manifest and the build step. Leaves: the folder of the release where `[build] input` says, and what was found.

use crate::assemble::otp::config::Kept;
use crate::assemble::otp::{self, wanted::Wanted};
use crate::build::state::State;
use crate::build::step::Step;
use crate::config::load::Document;
use crate::config::schema::Manifest;
use crate::diagnostic::{Findings, codes, in_order};
use crate::listener::Listener;

/// What is wrong already before anything is compiled; files that the build may make are left out.
pub(super) fn judged(manifest: &Manifest, document: &Document, step: &Step) -> Findings {
    let mut findings = Wanted::read(manifest, document, step.folder(), step.environment()).1;
    findings.retain(|finding| finding.code != codes::RESOLVE_NOT_FOUND);
    findings
}

/// What is wrong with the values themselves: other verbs than `build` need nothing of what a release is made of.
pub(super) fn values(manifest: &Manifest, document: &Document, step: &Step) -> Findings {
    let mut findings = judged(manifest, document, step);
    findings.retain(|finding| [codes::CONFIG_INVALID_VALUE, codes::CONFIG_MISSING_KEY].contains(&finding.code));
    findings
}

/// Assembles the release of what the build step compiled, if there is one to assemble. What was evaluated for the last one serves again
/// where the step was `skipped`: only then it is known that nothing it may read has changed.
///
/// # Errors
/// All that is wrong with it; what lies in its place is as it was.
pub(super) fn assembled(
    manifest: &Manifest,
    document: &Document,
    step: &Step,
    (state, skipped): (&State, bool),
    listener: &dyn Listener,
) -> Result<Findings, Findings> {
    let (wanted, findings) = Wanted::read(manifest, document, step.folder(), step.environment());
    let ordered = |findings| in_order(findings, document.source());
    let Some(wanted) = wanted.filter(|_| findings.is_empty()) else {
        return if findings.is_empty() { Ok(findings) } else { Err(ordered(findings)) };
    };
    let cache = state.folder.as_deref().filter(|_| state.reuse).map(|folder| Kept { folder, is_true: skipped });
    otp::assemble(&wanted, step.environment(), cache, listener).map_err(ordered)
}
