//! Rules over an artifact that was read back, made by fitout or not.

use super::{about, programs};
use crate::diagnostic::{Diagnostic, Findings, codes};
use crate::formats::{ListedKind, Listing};
use crate::report::words::printable;

/// Digests that do not match.
pub fn damage(listing: &Listing) -> Findings {
    let bad = listing.checks.iter().filter_map(|check| Some((check, check.problem.as_ref()?)));
    bad.map(|(check, problem)| {
        Diagnostic::error(codes::ARTIFACT_DIGEST, format!("{}: {}", printable(&check.what), printable(problem)))
            .help("fetch it again; if it stays so, it was damaged before it was published")
    })
    .collect()
}

/// What reading found odd.
pub fn oddities(listing: &Listing) -> Findings {
    listing.findings.clone()
}

/// Anybody may change it.
pub fn writable_by_all(listing: &Listing) -> Findings {
    let entries = listing.entries.iter().filter(|entry| matches!(entry.kind, ListedKind::File | ListedKind::Directory));
    entries
        .filter(|entry| entry.mode & 0o002 != 0 && entry.mode & 0o1000 == 0)
        .map(|entry| {
            let path = printable(&entry.path);
            about(codes::LINT_WRITABLE, &path, format!("everybody may write `{path}` (mode {:04o})", entry.mode))
                .help("set a `mode` without write permission for others")
        })
        .collect()
}

/// Nobody may start what lies where programs are typed by their names.
pub fn not_executable(listing: &Listing) -> Findings {
    let files = listing.entries.iter().filter(|entry| entry.kind == ListedKind::File && entry.mode & 0o111 == 0);
    files
        .filter(|entry| programs::is_command(&entry.path))
        .map(|entry| {
            let path = printable(&entry.path);
            about(codes::LINT_NOT_EXECUTABLE, &path, programs::closed(&path, entry.mode)).help(programs::OPEN)
        })
        .collect()
}
