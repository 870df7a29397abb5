//! A version out of the lists of all repositories.
//!
//! Enters: a name, a version in any spelling. Leaves: what each destination no longer lists. Files stay until they are pruned.

use std::collections::BTreeSet;

use super::{Destination, Destinations, Request, Work, destinations, settle_all, version};
use crate::diagnostic::{Diagnostic, Findings, codes};
use crate::listener::Listener;

/// Takes a version out of the lists of all destinations; what each no longer lists.
///
/// # Errors
/// As [`super::publish`]; no repository lists it.
pub fn retract(
    request: &Request,
    name: &str,
    typed: &str,
    dry_run: bool,
    listener: &dyn Listener,
) -> Result<Vec<(String, Vec<String>)>, Findings> {
    let Destinations { all, .. } = destinations(request, !dry_run)?;
    let all: Vec<&dyn Destination> = all.iter().map(AsRef::as_ref).collect();
    let mut there = BTreeSet::new();
    for destination in &all {
        let listed = destination.list().map_err(|finding| vec![finding])?;
        there.extend(listed.into_iter().filter(|package| package.name == name).map(|package| package.version));
    }
    let spelled = version::spelled(typed, there.iter().map(String::as_str));
    if !there.iter().any(|package| version::is_package_of(package, &spelled)) {
        let message = format!("no repository lists `{name}` in version `{typed}`");
        return Err(vec![with_listed(Diagnostic::error(codes::REPO_NO_PACKAGE, message), &there)]);
    }
    let work = Work::Retract { name, version: &spelled };
    if dry_run {
        return all.iter().map(|one| Ok((one.name(), one.draft(&work)?.dropped))).collect();
    }
    let receipts = settle_all(&all, |destination| work.send(destination, listener))?;
    Ok(receipts.into_iter().map(|receipt| (receipt.destination, receipt.dropped)).collect())
}

/// Versions of a list that a message names.
const NAMED: usize = 8;

/// Names the versions that are there.
pub(super) fn with_listed(finding: Diagnostic, versions: &BTreeSet<String>) -> Diagnostic {
    let mut named: Vec<&str> = versions.iter().map(String::as_str).take(NAMED).collect();
    if versions.len() > NAMED {
        named.push("…");
    }
    let finding = if named.is_empty() { finding } else { finding.note(format!("listed are {}", named.join(", "))) };
    finding.help("`fitout repo list` shows what is there")
}
