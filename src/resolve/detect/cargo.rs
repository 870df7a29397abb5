//! A Cargo package or workspace -> a [`Draft`].
//!
//! A workspace with several programs is several packages: the config is that of one, and names the others.

use std::path::Path;

use super::{Draft, Found, folder_name, legal, quoted};
use crate::resolve::preset::rust::Package;

/// A draft; none where there is no Cargo.toml.
pub(super) fn draft(dir: &Path, findings: &mut Vec<Found>) -> Option<Draft> {
    const FILE: &str = "Cargo.toml";
    if !dir.join(FILE).is_file() {
        return None;
    }
    // What cargo knows need not be said twice.
    let mut draft = Draft { kind: "Command-line program", known: Some(FILE), ..Draft::default() };
    match Package::read(dir, None, None).or_else(|finding| one_of(dir, &mut draft).ok_or(finding)) {
        Ok(package) if package.binaries.is_empty() => {
            findings.push((FILE.into(), format!("{} {}, a library", package.name, package.version)));
            return Some(library(&package.name, "{ from = \"Cargo.toml\" }"));
        }
        Ok(package) => {
            let known = package.known();
            let binaries = package.binaries.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            findings.push((FILE.into(), format!("{} {}, binaries {binaries}", package.name, package.version)));
            draft.summary = known.summary.map(|_| String::new());
            draft.maintainer = known.maintainer.map(|_| String::new());
            draft.license = known.license.map(|_| String::new());
            if draft.name.is_some() || legal(&package.name) != package.name {
                draft.name = Some(package.name);
            }
        }
        Err(finding) if Package::with_binaries(dir).is_ok_and(|names| names.is_empty()) => {
            findings.push((FILE.into(), finding.message));
            return Some(library(&folder_name(dir), "\"0.1.0\""));
        }
        Err(finding) => findings.push((FILE.into(), finding.message)),
    }
    draft.build.push(("preset", quoted("rust"), "name, version, summary, licence and binaries: Cargo.toml"));
    draft.build.push(("tool", quoted("cargo"), "builds in release mode; skipped where nothing changed"));
    Some(draft)
}

/// Without a program there is nothing that the preset would pack.
fn library(name: &str, version: &str) -> Draft {
    let (name, version) = (name.to_owned(), version.to_owned());
    let mut draft = Draft { kind: "Collection of files", version: Some(version), ..Draft::default() };
    draft.open(&name);
    draft.name = Some(name);
    draft
}

/// Of several packages with programs the one that is called as the folder, else the first.
fn one_of(dir: &Path, draft: &mut Draft) -> Option<Package> {
    let mut names = Package::with_binaries(dir).ok()?;
    let folder = folder_name(dir);
    let at = names.iter().position(|name| *name == folder).unwrap_or(0);
    if names.is_empty() {
        return None;
    }
    let name = names.remove(at);
    let others: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    let example = names.first()?;
    draft.notes = vec![
        format!(
            "The workspace has other programs, too: {}. Each is a package of its own, with a config file that",
            others.join(", ")
        ),
        format!("is this one but for `name`: `fitout build --config {example}.toml --out dist/{example}`."),
    ];
    draft.name = Some(name.clone());
    Package::read(dir, Some(&name), None).ok()
}
