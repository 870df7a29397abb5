//! What nobody needs any more in a repository, and its removal.
//!
//! Enters: a place. Leaves: objects that no root reaches, and that none reached for some days: readers go on with the lists that they have.
//! Where a root is lost, all that it named would look useless: then nothing is removed.

use std::collections::{BTreeMap, BTreeSet};

use super::apt::{self, Suite, damaged, packages::Packages};
use super::{repo, yum};
use crate::diagnostic::Diagnostic;
use crate::store::{Depth, Meta, Place};

/// Days for which a file stays that no list names: readers may have the list from before.
pub const GRACE: u32 = 3;
/// Generations of lists that stay whatever their age.
const GENERATIONS: usize = 3;
/// Seconds within which lists of a folder count as those of one publisher.
const TOGETHER: i64 = 600;

/// Removes what nobody needs; its keys, sorted. `grace` in seconds. A dry run removes nothing.
///
/// # Errors
/// The place does not answer, or something is not what a root says: then nothing is known to be useless.
pub fn prune(place: &dyn Place, now: i64, grace: i64, dry_run: bool) -> Result<Vec<String>, Diagnostic> {
    // Those who publish meanwhile wait, or put again what they name (`stored::FRESH`).
    let _hold = if dry_run { None } else { place.hold(super::send::HELD)? };
    let mut useless = useless(place, now, grace)?;
    let mut removed = Vec::new();
    for meta in &useless {
        if dry_run || place.head(&meta.key)?.is_some_and(|there| there.tag == meta.tag) {
            if !dry_run {
                place.remove(&meta.key)?;
            }
            removed.push(meta.key.clone());
        }
    }
    if !dry_run {
        let used = Reach::of(place, &place.list("", Depth::All)?, now, grace)?.used;
        useless.retain(|meta| used.contains(&meta.key));
        if let Some(meta) = useless.first() {
            return Err(damaged(place, &meta.key, "it was removed, and somebody has published a list that names it"));
        }
    }
    let left = place.leftovers(now - grace)?;
    for key in left.iter().filter(|_| !dry_run) {
        place.remove(key)?;
    }
    removed.extend(left);
    removed.sort();
    Ok(removed)
}

fn useless(place: &dyn Place, now: i64, grace: i64) -> Result<Vec<Meta>, Diagnostic> {
    let all = place.list("", Depth::All)?;
    let reach = Reach::of(place, &all, now, grace)?;
    let is_old = |meta: &Meta| meta.modified + grace < now;
    let is_useless = |meta: &Meta| {
        let counted = is_package(&meta.key) || kind(&meta.key).is_some() || reach.is_old_form(&meta.key);
        counted && is_old(meta) && !reach.used.contains(&meta.key)
    };
    Ok(all.into_iter().filter(is_useless).collect())
}

fn is_package(key: &str) -> bool {
    key.starts_with("pool/") || key.starts_with("Packages/")
}

/// What is reached.
struct Reach {
    /// By a root, or by one before it.
    used: BTreeSet<String>,
    /// Indexes of apt under their names, without what packs them.
    indexes: BTreeSet<String>,
}

impl Reach {
    fn of(place: &dyn Place, all: &[Meta], now: i64, grace: i64) -> Result<Self, Diagnostic> {
        let suites = repo::suites(place, &[])?;
        let is_yum = place.head(yum::ROOT)?.is_some();
        check_roots(place, all, &suites, is_yum)?;
        let mut reach = Self { used: BTreeSet::new(), indexes: BTreeSet::new() };
        for name in &suites {
            let suite = Suite::read(place, name)?;
            for (path, listed) in &suite.release.files {
                let named = format!("{}/{path}", suite.folder());
                reach.indexes.insert(plain(&named).to_owned());
                reach.used.extend([suite.by_hash(path, &listed.sha256), named]);
            }
            for packages in repo::lists(&suite)? {
                reach.used.extend(packages.entries().map(|entry| entry.file_name().to_owned()));
            }
            reach.used.extend(apt::source_files(&suite)?);
        }
        if is_yum {
            let repository = yum::Repository::read(place)?;
            reach.used.extend(repository.repomd.data.iter().map(|data| data.location.clone()));
            reach.used.extend(locations(repository.packages()?));
        }
        reach.generations(place, all, now, grace)?;
        Ok(reach)
    }

    /// Lists of roots that were replaced within the last `grace` seconds, and what they name; and the newest of each kind.
    fn generations(&mut self, place: &dyn Place, all: &[Meta], now: i64, grace: i64) -> Result<(), Diagnostic> {
        let mut kinds: BTreeMap<&str, Vec<&Meta>> = BTreeMap::new();
        for meta in all {
            if let Some((kind, _)) = kind(&meta.key) {
                kinds.entry(kind).or_default().push(meta);
            }
        }
        for lists in kinds.values_mut() {
            lists.sort_by_key(|meta| meta.modified);
            let stay = kind(&lists[0].key).map_or(0, |(_, stay)| stay);
            for (at, meta) in lists.iter().enumerate() {
                let successor = lists.iter().find(|other| other.modified > meta.modified + TOGETHER);
                // Without days of grace only the roots count.
                let recent = grace > 0 && successor.is_none_or(|successor| successor.modified + grace >= now);
                if recent && !self.used.contains(&meta.key) {
                    self.used.extend(named_by(place, &meta.key)?);
                }
                if recent || at + stay >= lists.len() {
                    self.used.insert(meta.key.clone());
                }
            }
        }
        Ok(())
    }

    /// Whether it is an index that is packed otherwise by now.
    fn is_old_form(&self, key: &str) -> bool {
        key.starts_with("dists/") && !key.contains("/by-hash/") && self.indexes.contains(plain(key))
    }
}

/// An index without what packs it.
fn plain(key: &str) -> &str {
    [".gz", ".xz", ".zst", ".bz2", ".lzma", ".lz4"].iter().find_map(|suffix| key.strip_suffix(suffix)).unwrap_or(key)
}

/// Lists of one kind that have their digests as names, and how many of them stay whatever their age.
fn kind(key: &str) -> Option<(&str, usize)> {
    let (folder, name) = key.rsplit_once('/')?;
    if folder.ends_with("/by-hash/SHA256") {
        // Packed or not, three lists each.
        return Some((folder, 3 * GENERATIONS));
    }
    let (digest, list) = name.split_once('-')?;
    let list = if list.starts_with(yum::ROOT_COPY) { yum::ROOT_COPY } else { list };
    (folder == "repodata" && digest.len() == 64).then_some((list, GENERATIONS))
}

fn locations(entries: Vec<yum::Entry>) -> impl Iterator<Item = String> {
    entries.into_iter().filter_map(|entry| entry.location).map(str::into_string)
}

/// What a list of a root from before names.
fn named_by(place: &dyn Place, key: &str) -> Result<Vec<String>, Diagnostic> {
    let is_apt = key.contains("/binary-");
    if !is_apt && !key.contains("-primary.xml") {
        return Ok(Vec::new());
    }
    let Some(object) = place.get(key)? else { return Ok(Vec::new()) };
    if !is_apt {
        let entries = yum::entries(&object.bytes).map_err(|error| damaged(place, key, &error.to_string()))?;
        return Ok(locations(entries).collect());
    }
    let content = apt::unpack(&object.bytes).map_err(|error| damaged(place, key, &error.to_string()))?;
    if !content.starts_with(b"Package:") {
        return Ok(Vec::new());
    }
    let packages = Packages::read(content).map_err(|why| damaged(place, key, &why))?;
    Ok(packages.entries().map(|entry| entry.file_name().to_owned()).collect())
}

/// Whether all that lies there has a root above it.
fn check_roots(place: &dyn Place, all: &[Meta], suites: &[String], is_yum: bool) -> Result<(), Diagnostic> {
    let folders: Vec<String> = suites.iter().map(|suite| format!("dists/{suite}/")).collect();
    let lost = |key: &str| {
        if key.starts_with("dists/") {
            return (!folders.iter().any(|folder| key.starts_with(folder.as_str())))
                .then_some("no `InRelease` is above it");
        }
        if key.starts_with("pool/") && suites.is_empty() {
            return Some("there is no `dists/SUITE/InRelease`");
        }
        let of_yum = key.starts_with("repodata/") || key.starts_with("Packages/");
        (of_yum && !is_yum).then_some("there is no `repodata/repomd.xml`")
    };
    match all.iter().find_map(|meta| Some((&meta.key, lost(&meta.key)?))) {
        Some((key, why)) => Err(damaged(place, key, why)),
        None => Ok(()),
    }
}
