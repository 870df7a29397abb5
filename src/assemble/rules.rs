//! Rules as they are typed: what is wrong with them whatever lies on the builder.
//!
//! Enters: the rules of a [`Release`]. Leaves: findings, and the place of each on the host. What a rule takes is
//! [`super::collect`]'s matter.

use super::mode;
use super::owner::Owners;
use super::path::{self, Place};
use crate::diagnostic::{Diagnostic, Findings, codes};
use crate::resolve::{Release, Rule};

/// Judges every rule without looking for what it takes: the build command may still have to make it.
pub fn judge(release: &Release) -> Findings {
    let (mut owners, mut findings) = (Owners::default(), Findings::new());
    for rule in &release.rules {
        mode::check(rule, &mut findings);
        place(rule, &mut findings);
        owners.decide(rule.owner.as_ref(), &mut findings);
    }
    findings
}

/// The place of a rule on the host.
pub fn place(rule: &Rule, findings: &mut Findings) -> Option<Place> {
    path::place(&rule.to)
        .map_err(|problem| {
            let error = format!("the path `{}` {problem}", rule.to.escape_debug());
            let error = Diagnostic::error(codes::FILES_PATH, error).at_origin(&rule.to_origin, "");
            findings.push(error.help(problem.help(&rule.to)));
        })
        .ok()
}
