//! What a project depends on, as its lock files have it.
//!
//! Enters: the text of a lock file, whoever wrote it. Leaves: names, versions and digests; what is no such file gives none of them. Parts of
//! the project itself, which lock files name as well, are left out.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value as Json;

use super::elixir::{self, value};
use super::ground::read_text;
use super::preset::term::{self, Term};
use crate::diagnostic::SourceText;

/// One dependency.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Dependency {
    /// The lock file that names it.
    pub lock: &'static str,
    /// Its name.
    pub name: String,
    /// Its version, or the commit that is taken of it.
    pub version: String,
    /// Digest of what is fetched: `sha256:` and hex digits, or what npm and go write.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checksum: Option<String>,
}

/// Bytes of a lock file that are read.
pub const LARGEST: u64 = 16 << 20;
/// Dependencies of a lock file that are told, and characters of each word.
const MOST: usize = 20_000;
const LONGEST: usize = 300;

/// Name, version, digest.
type Found = (String, String, Option<String>);

/// From the text of a lock file.
type Read = fn(&str) -> Vec<Found>;

/// What reads each lock file.
const LOCKS: [(&str, Read); 5] =
    [("Cargo.lock", cargo), ("go.sum", go), ("mix.lock", mix), ("package-lock.json", npm), ("rebar.lock", rebar)];

/// Dependencies of all lock files, sorted; `text` gives that of a file, if there is one.
pub fn all(text: impl Fn(&str) -> Option<String>) -> Vec<Dependency> {
    let mut all: Vec<Dependency> =
        LOCKS.iter().flat_map(|(lock, read)| of(lock, &read(&text(lock).unwrap_or_default()))).collect();
    all.sort();
    all.dedup();
    all
}

fn of(lock: &'static str, found: &[Found]) -> Vec<Dependency> {
    let is_word = |text: &String| !text.is_empty() && text.len() <= LONGEST && !text.chars().any(char::is_control);
    let fits = |(name, version, _): &&Found| is_word(name) && is_word(version);
    found
        .iter()
        .filter(fits)
        .take(MOST)
        .map(|(name, version, checksum)| Dependency {
            lock,
            name: name.clone(),
            version: version.clone(),
            checksum: checksum.clone().filter(is_word),
        })
        .collect()
}

/// A file of the project as it lies there.
pub fn text(dir: &Path, name: &str) -> Option<String> {
    read_text(&dir.join(name), name).ok().map(|text| text.text.clone())
}

fn sha256(digits: &str) -> Option<String> {
    let is_digest = digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_digest.then(|| format!("sha256:{}", digits.to_ascii_lowercase()))
}

/// Members of the workspace have no source.
fn cargo(text: &str) -> Vec<Found> {
    let Ok(table) = text.parse::<toml::Table>() else { return Vec::new() };
    let packages = table.get("package").and_then(toml::Value::as_array).map_or(&[][..], Vec::as_slice);
    let word = |package: &toml::Value, key: &str| package.get(key).and_then(toml::Value::as_str).map(str::to_owned);
    packages
        .iter()
        .filter(|package| word(package, "source").is_some())
        .filter_map(|package| {
            let checksum = word(package, "checksum").and_then(|digits| sha256(&digits));
            Some((word(package, "name")?, word(package, "version")?, checksum))
        })
        .collect()
}

/// `MODULE VERSION h1:…`; beside it stands the digest of its go.mod alone.
fn go(text: &str) -> Vec<Found> {
    text.lines()
        .filter_map(|line| match line.split_whitespace().collect::<Vec<_>>()[..] {
            [name, version, hash] if !version.ends_with("/go.mod") => {
                Some((name.to_owned(), version.to_owned(), Some(hash.to_owned())))
            }
            _ => None,
        })
        .collect()
}

/// `"name": {:hex, :package, "version", "digest of old", managers, needs, "repository", "digest"}` or `{:git, "url", "commit", options}`.
fn mix(text: &str) -> Vec<Found> {
    let tokens = elixir::tokens(text);
    let map = value::Reader::new(text, &tokens, 0).value(false);
    let value::Form::Map(pairs) = map.form else { return Vec::new() };
    pairs
        .iter()
        .filter_map(|(key, entry)| {
            let name = key.atom().or(key.text())?;
            let parts = entry.tuple()?;
            let text = |at: usize| parts.get(at).and_then(value::Value::text);
            let checksum = (parts.first()?.atom()? == "hex").then(|| text(7).and_then(sha256)).flatten();
            Some((name.to_owned(), text(2)?.to_owned(), checksum))
        })
        .collect()
}

/// Since npm 7 by the place of each package, before by its name, each with those below it.
fn npm(text: &str) -> Vec<Found> {
    let lock: Json = serde_json::from_str(text).unwrap_or_default();
    let word = |package: &Json, key: &str| package[key].as_str().map(str::to_owned);
    let mut found = Vec::new();
    if let Some(packages) = lock["packages"].as_object() {
        for (place, package) in packages {
            // Else it is a part of the project.
            let Some((_, folder)) = place.rsplit_once("node_modules/") else { continue };
            let name = word(package, "name").unwrap_or_else(|| folder.to_owned());
            found.extend(word(package, "version").map(|version| (name, version, word(package, "integrity"))));
        }
        return found;
    }
    let mut open = vec![&lock["dependencies"]];
    while let Some(dependencies) = open.pop() {
        for (name, package) in dependencies.as_object().into_iter().flatten() {
            found.extend(word(package, "version").map(|version| (name.clone(), version, word(package, "integrity"))));
            open.push(&package["dependencies"]);
        }
    }
    found
}

/// `{"1.2.0", [{Name, {pkg, Package, Version}, Level}]}.` and the digests by name behind it; the first form was the list alone.
fn rebar(text: &str) -> Vec<Found> {
    let source = Arc::new(SourceText { name: "rebar.lock".to_owned(), text: text.to_owned() });
    let terms = term::parse(&source).unwrap_or_default();
    let list = terms.first().and_then(|first| match first.tuple() {
        Some([_, list]) => list.list(),
        _ => first.list(),
    });
    let digests = terms.get(1).and_then(|digests| digests.property("pkg_hash_ext")).and_then(Term::list);
    let digests: BTreeMap<String, String> = digests
        .unwrap_or_default()
        .iter()
        .filter_map(|pair| match pair.tuple()? {
            [name, digest] => Some((binary(name)?, sha256(&binary(digest)?)?)),
            _ => None,
        })
        .collect();
    list.unwrap_or_default()
        .iter()
        .filter_map(|entry| {
            let [name, from, _] = entry.tuple()? else { return None };
            let name = binary(name)?;
            let from = from.tuple()?;
            if from.first()?.atom()? == "pkg" {
                let checksum = digests.get(&name).cloned();
                return Some((name, binary(from.get(2)?)?, checksum));
            }
            // `{git, "url", {ref, "commit"}}`
            let commit = from.get(2)?.tuple()?.get(1)?.text()?.to_owned();
            Some((name, commit, None))
        })
        .collect()
}

fn binary(term: &Term) -> Option<String> {
    match term {
        Term::Binary(bytes) => String::from_utf8(bytes.clone()).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
