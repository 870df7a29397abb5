//! What differs between the packages of two environments: the text and the document of `fitout plan --against`.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::diff::{self, Difference};
use crate::formats::{ListedEntry, ListedKind};
use crate::run::Preview;

/// The packages of one format and the same targets, or what only one environment has.
pub struct Pair {
    format: &'static str,
    targets: Vec<String>,
    /// None where only one of them makes such a package.
    difference: Option<Difference>,
    /// Which of them makes it alone.
    only: Option<String>,
}

/// Compares package by package. The names are those of the environments, the older first.
pub fn pairs(old: (&str, &[Preview]), new: (&str, &[Preview])) -> Vec<Pair> {
    let same = |one: &Preview, other: &Preview| one.format == other.format && one.targets == other.targets;
    let pair = |preview: &Preview, difference, only: Option<&str>| Pair {
        format: preview.format,
        targets: preview.targets.clone(),
        difference,
        only: only.map(str::to_owned),
    };
    let mut pairs = Vec::new();
    for before in old.1 {
        match new.1.iter().find(|after| same(before, after)) {
            Some(after) => {
                let mut difference = diff::compare(&before.listing, &after.listing);
                // Sizes of what nobody gets say nothing.
                difference.sizes = (0, 0);
                without_parents(&mut difference.added);
                without_parents(&mut difference.removed);
                pairs.push(pair(before, Some(difference), None));
            }
            None => pairs.push(pair(before, None, Some(old.0))),
        }
    }
    let added = new.1.iter().filter(|after| !old.1.iter().any(|before| same(before, after)));
    pairs.extend(added.map(|after| pair(after, None, Some(new.0))));
    pairs
}

/// Takes out folders that are there for what lies in them: environments differ in few files, and each is worth its name.
fn without_parents(entries: &mut Vec<ListedEntry>) {
    let paths: Vec<String> = entries.iter().map(|entry| entry.path.clone()).collect();
    let is_parent = |path: &str| {
        let below = format!("{}/", path.trim_end_matches('/'));
        paths.iter().any(|other| other.starts_with(&below))
    };
    entries.retain(|entry| entry.kind != ListedKind::Directory || !is_parent(&entry.path));
}

/// Package by package; those that differ in the same are told together.
pub fn text(pairs: &[Pair], old: &str, new: &str, with_scripts: bool) -> String {
    let mut groups: Vec<(Vec<String>, String)> = Vec::new();
    for pair in pairs {
        let name = format!("{} {}", pair.format, pair.targets.join(" "));
        let told = match (&pair.difference, &pair.only) {
            (Some(difference), _) => diff::text(difference, with_scripts),
            (None, Some(only)) => format!("only in {only}\n"),
            (None, None) => String::new(),
        };
        match groups.iter_mut().find(|(_, text)| *text == told) {
            Some((names, _)) => names.push(name),
            None => groups.push((vec![name], told)),
        }
    }
    let mut out = format!("{old} -> {new}\n");
    for (names, told) in groups {
        let told = if told.is_empty() { "no difference\n" } else { &told };
        let _ = write!(out, "\n{}\n{told}", names.join(", "));
    }
    out
}

/// The document of `fitout plan --against --json`.
pub fn json(pairs: &[Pair], old: &str, new: &str) -> Value {
    let one = |pair: &Pair| {
        json!({
            "format": pair.format, "targets": pair.targets, "only_in": pair.only,
            "difference": pair.difference.as_ref().map(diff::json),
        })
    };
    json!({
        "schema": "fitout/plan-difference/1", "old": old, "new": new, "artifacts": pairs.iter().map(one).collect::<Value>(),
    })
}
