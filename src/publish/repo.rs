//! A repository as it lies there: looked at, judged.
//!
//! Enters: a place. Leaves: what is in it, or what is wrong with it. Not here: what nobody needs any more (`prune`).

use std::collections::BTreeSet;

use serde::Serialize;
use sha2::Digest as _;

use super::apt::packages::{Entry, Packages};
use super::apt::{self, Suite};
use super::judge::{By, Checked, Judge, wrong};
use super::landing;
use super::yum;
use crate::codec::hex::hex;
use crate::diagnostic::{Diagnostic, Findings, codes};
use crate::sign;
use crate::store::{Depth, Place, StoreError, is_within};

/// One package of a repository.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Listed {
    /// The suite or channel.
    pub channel: String,
    /// Package name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Architecture in the repository's words.
    pub arch: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256 in hex.
    pub sha256: String,
    /// Where it lies.
    pub file: String,
}

/// What a judgement found.
#[derive(Debug)]
pub struct Judgement {
    /// Objects that were looked at.
    pub objects: usize,
    /// Packages among them.
    pub packages: usize,
    /// What is wrong.
    pub findings: Findings,
}

/// Names of the suites of an apt repository: those that are asked for, or all that lie there. Where nothing can be listed, those that its
/// `packages.json` names, else `stable`.
///
/// # Errors
/// The place does not answer.
pub fn suites(place: &dyn Place, asked: &[String]) -> Result<Vec<String>, StoreError> {
    if !asked.is_empty() {
        return Ok(asked.to_vec());
    }
    if !place.can_list() {
        let named = named(place)?;
        let root = |suite: &String| place.head(&format!("dists/{suite}/InRelease"));
        return named
            .into_iter()
            .filter_map(|suite| root(&suite).map(|there| there.map(|_| suite)).transpose())
            .collect();
    }
    let all = place.list("dists", Depth::All)?;
    // One whose root somebody has removed is a suite, too.
    let suite = |key: &str| {
        let inner = key.strip_prefix("dists/")?;
        let (name, file) = inner.rsplit_once('/')?;
        // Folders of indexes may have a `Release` of their own.
        let is_inner = file == "Release" && (name.contains("/binary-") || name.ends_with("/source"));
        (matches!(file, "InRelease" | "Release") && !is_inner).then(|| name.to_owned())
    };
    let found: BTreeSet<String> = all.iter().filter_map(|meta| suite(&meta.key)).collect();
    Ok(found.into_iter().collect())
}

/// Channels that the page of a repository names.
fn named(place: &dyn Place) -> Result<BTreeSet<String>, StoreError> {
    let Some(object) = place.get(landing::JSON)? else { return Ok(BTreeSet::from(["stable".to_owned()])) };
    let document: serde_json::Value = serde_json::from_slice(&object.bytes).unwrap_or_default();
    let packages = document["packages"].as_array().map_or(&[][..], Vec::as_slice);
    Ok(packages
        .iter()
        .filter_map(|package| Some(package["channel"].as_str()?.to_owned()))
        .filter(|name| is_within(name))
        .collect())
}

/// Whether a yum repository lies there; one whose root somebody has removed is one, too.
fn is_yum(place: &dyn Place) -> Result<bool, StoreError> {
    Ok(place.head(yum::ROOT)?.is_some() || !place.list("repodata", Depth::One)?.is_empty())
}

/// All packages, sorted; those of the suites that are asked for, or of all that lies there, apt or yum.
///
/// # Errors
/// The place does not answer, or an index is not what its root says.
pub fn list(place: &dyn Place, asked: &[String]) -> Result<Vec<Listed>, Diagnostic> {
    let mut found = Vec::new();
    for name in suites(place, asked)? {
        let suite = Suite::read(place, &name)?;
        for packages in lists(&suite)? {
            found.extend(listed(&name, &packages));
        }
    }
    if asked.is_empty() && is_yum(place)? {
        found.extend(yum::list(place)?);
    }
    found.sort();
    found.dedup();
    Ok(found)
}

/// What a list of packages names.
pub(super) fn listed(channel: &str, packages: &Packages) -> Vec<Listed> {
    let one = |entry: Entry<'_>| Listed {
        channel: channel.to_owned(),
        name: entry.name.to_owned(),
        version: entry.version.to_owned(),
        arch: entry.arch.to_owned(),
        size: entry.field("Size").and_then(|size| size.parse().ok()).unwrap_or_default(),
        sha256: entry.field("SHA256").unwrap_or_default().to_owned(),
        file: entry.file_name().to_owned(),
    };
    packages.entries().map(one).collect()
}

/// Every list of packages of a suite.
pub(super) fn lists(suite: &Suite<'_>) -> Result<Vec<Packages>, Diagnostic> {
    let mut lists = Vec::new();
    for (path, bytes) in suite.indexes("Packages")? {
        lists.push(Packages::read(bytes).map_err(|why| apt::damaged(suite.place(), &path, &why))?);
    }
    Ok(lists)
}

/// Judges a whole repository.
///
/// # Errors
/// The place does not answer.
pub fn verify(place: &dyn Place, asked: &[String], by: By<'_>) -> Result<Judgement, StoreError> {
    let mut parts = vec![page(place, by)?];
    for suite in suites(place, asked)? {
        parts.push(apt::verify(place, &suite, by)?);
    }
    if asked.is_empty() && is_yum(place)? {
        parts.push(yum::verify(place, by)?);
    }
    if parts.iter().all(|part| part.seen.is_empty()) {
        let why = "there is no repository: neither `dists/SUITE/InRelease` nor `repodata/repomd.xml`";
        parts[0].findings.push(wrong(codes::REPO_MISSING, "", why));
    }
    let mut seen = BTreeSet::new();
    let mut judgement = Judgement { objects: 0, packages: 0, findings: Findings::new() };
    for checked in parts {
        seen.extend(checked.seen);
        judgement.findings.extend(checked.findings);
        judgement.packages += checked.packages;
    }
    if by.certificates.is_none() {
        let message = "no signature was looked at: there is no key to judge by";
        let help = "name the public keys with `--key FILE`, or run it where the config has `[sign]`";
        judgement.findings.push(Diagnostic::warning(codes::REPO_SIGNATURE, message).help(help));
    }
    let all = if asked.is_empty() { place.list("", Depth::All)? } else { Vec::new() };
    for meta in all {
        if !seen.contains(&meta.key) {
            let message = format!("`{}` is in no list: nothing says what it should be", meta.key);
            let finding = Diagnostic::warning(codes::REPO_STRAY, message);
            judgement.findings.push(finding.help("`fitout repo prune` removes packages and lists that nothing names"));
        }
    }
    judgement.objects = seen.len();
    Ok(judgement)
}

/// What stands beside the lists for people, by its own signed list.
fn page(place: &dyn Place, by: By<'_>) -> Result<Checked, StoreError> {
    let mut judge = Judge::new(place);
    let Some(sums) = judge.get(landing::SUMS)? else {
        judge.checked.seen.clear();
        if place.head(landing::JSON)?.is_some() {
            judge.wrong(codes::REPO_MISSING, landing::SUMS, "it is not there, and the page is");
        }
        return Ok(judge.checked);
    };
    judge.clear(landing::SUMS, &sums, by);
    let text = sign::clear_text(&sums).unwrap_or_default();
    for (sha256, key) in text.lines().filter_map(|line| line.split_once("  ")) {
        match judge.get(key)? {
            None => judge.wrong(codes::REPO_MISSING, key, "it is not there, and `SHA256SUMS.asc` lists it"),
            Some(bytes) if hex(&sha2::Sha256::digest(&bytes)) != sha256 => {
                judge.wrong(codes::REPO_CHANGED, key, "its digest is another than that in `SHA256SUMS.asc`");
            }
            Some(_) => {}
        }
    }
    Ok(judge.checked)
}
