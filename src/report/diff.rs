//! What changed between two artifacts, also of different formats.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::words::{self, permissions, printable, size};
use crate::formats::{ListedEntry, ListedKind, Listing};

/// The differences. Between formats only what both can say is compared.
#[derive(Debug, Default)]
pub struct Difference {
    /// `name`, `version`, `arch` and fields: key, old, new. Only within one format.
    pub fields: Vec<(String, String, String)>,
    /// Relations that came and went: kind, relation. Only within one format.
    pub relations_added: Vec<(String, String)>,
    /// As above.
    pub relations_removed: Vec<(String, String)>,
    /// Paths that came.
    pub added: Vec<ListedEntry>,
    /// Paths that went.
    pub removed: Vec<ListedEntry>,
    /// Paths that changed: path and what of it, `content`, `mode 0644 -> 0640`.
    pub changed: Vec<(String, Vec<String>)>,
    /// Scripts: name, lines added, lines removed, unified diff. Only within one format.
    pub scripts: Vec<(String, usize, usize, String)>,
    /// Bytes of both artifacts.
    pub sizes: (u64, u64),
}

impl Difference {
    /// Whether they say the same.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
            && self.relations_added.is_empty()
            && self.relations_removed.is_empty()
            && self.added.is_empty()
            && self.removed.is_empty()
            && self.changed.is_empty()
            && self.scripts.is_empty()
    }
}

/// Compares two listings.
pub fn compare(old: &Listing, new: &Listing) -> Difference {
    let mut difference = Difference { sizes: (old.packed_size, new.packed_size), ..Difference::default() };
    if old.format == new.format {
        compare_fields(old, new, &mut difference);
        compare_scripts(old, new, &mut difference);
    }
    let same_format = old.format == new.format;
    let by_path = |listing: &Listing| -> BTreeMap<String, ListedEntry> {
        let relevant = listing.entries.iter().filter(|entry| same_format || comparable(entry));
        relevant.map(|entry| (entry.path.clone(), entry.clone())).collect()
    };
    let (before, after) = (by_path(old), by_path(new));
    for (path, entry) in &before {
        match after.get(path) {
            None => difference.removed.push(entry.clone()),
            Some(other) => {
                let changes = changes(entry, other, same_format);
                if !changes.is_empty() {
                    difference.changed.push((path.clone(), changes));
                }
            }
        }
    }
    difference.added.extend(after.into_iter().filter(|(path, _)| !before.contains_key(path)).map(|(_, entry)| entry));
    difference
}

/// Across formats, directories are left out: rpm has no parents of the base system, images have them per layer. So are
/// paths that only one format carries by its nature.
fn comparable(entry: &ListedEntry) -> bool {
    entry.kind != ListedKind::Directory && !entry.flags.iter().any(|flag| flag == "ghost")
}

fn changes(old: &ListedEntry, new: &ListedEntry, same_format: bool) -> Vec<String> {
    let mut changes = Vec::new();
    let link = |entry: &ListedEntry| matches!(entry.kind, ListedKind::Hardlink(_));
    // A hard link and a copy are the same tree in formats that have no hard links.
    let same_kind = old.kind == new.kind || (!same_format && (link(old) || link(new)));
    if !same_kind {
        changes.push(format!("kind {} -> {}", kind_word(&old.kind), kind_word(&new.kind)));
    }
    let file = |entry: &ListedEntry| entry.kind == ListedKind::File;
    if file(old) && file(new) && (old.size != new.size || old.sha256 != new.sha256) {
        changes.push(format!("content {} -> {}", size(old.size), size(new.size)));
    }
    let symlink = matches!(new.kind, ListedKind::Symlink(_));
    if old.mode != new.mode && !symlink {
        changes.push(format!(
            "mode {} -> {}",
            permissions(words::kind(old).0, old.mode),
            permissions(words::kind(new).0, new.mode)
        ));
    }
    let owned = |entry: &ListedEntry| !entry.user.is_empty();
    if owned(old) && owned(new) && (&old.user, &old.group) != (&new.user, &new.group) {
        changes.push(format!("owner {}:{} -> {}:{}", old.user, old.group, new.user, new.group));
    }
    if same_format && old.capabilities != new.capabilities {
        let told = |entry: &ListedEntry| entry.capabilities.as_deref().map_or("none".to_owned(), printable);
        changes.push(format!("capabilities {} -> {}", told(old), told(new)));
    }
    if same_format && old.flags != new.flags {
        changes.push(format!("flags [{}] -> [{}]", old.flags.join(" "), new.flags.join(" ")));
    }
    if same_format && old.mtime != new.mtime {
        changes.push("time".to_owned());
    }
    changes
}

fn kind_word(kind: &ListedKind) -> String {
    match kind {
        ListedKind::Directory => "directory".into(),
        ListedKind::File => "file".into(),
        ListedKind::Symlink(target) => format!("symlink to {}", printable(target)),
        ListedKind::Hardlink(target) => format!("hard link to {}", printable(target)),
        ListedKind::Special(letter) => format!("special file `{letter}`"),
    }
}

fn compare_fields(old: &Listing, new: &Listing, difference: &mut Difference) {
    let fields = |listing: &Listing| -> BTreeMap<String, String> {
        let own = [("name", &listing.name), ("version", &listing.version), ("arch", &listing.arch)];
        let own = own.into_iter().map(|(key, value)| (key.to_owned(), value.clone()));
        // The artifact's own field of the same is not told twice, unless it says something else. rpm has `version` in parts.
        let repeats = |key: &str, value: &String| match key {
            "Package" | "Name" => *value == listing.name,
            "Epoch" | "Version" | "Release" => listing.version.contains(value.as_str()),
            "Architecture" | "Arch" => *value == listing.arch,
            _ => false,
        };
        let others = listing.fields.iter();
        let others = others.filter(|(key, value)| !listing.relations.contains_key(key) && !repeats(key, value));
        own.chain(others.cloned()).collect()
    };
    let (before, after) = (fields(old), fields(new));
    for key in before.keys().chain(after.keys()).collect::<BTreeSet<_>>() {
        let value = |map: &BTreeMap<String, String>| map.get(key).cloned().unwrap_or_default();
        if value(&before) != value(&after) {
            difference.fields.push((key.clone(), value(&before), value(&after)));
        }
    }
    let relations = |listing: &Listing| -> BTreeSet<(String, String)> {
        let all = listing.relations.iter();
        all.flat_map(|(kind, list)| list.iter().map(move |relation| (kind.clone(), relation.clone()))).collect()
    };
    let (before, after) = (relations(old), relations(new));
    difference.relations_added = after.difference(&before).cloned().collect();
    difference.relations_removed = before.difference(&after).cloned().collect();
}

fn compare_scripts(old: &Listing, new: &Listing, difference: &mut Difference) {
    let scripts = |listing: &Listing| -> BTreeMap<String, String> {
        listing.scripts.iter().map(|script| (script.name.clone(), script.text.clone())).collect()
    };
    let (before, after) = (scripts(old), scripts(new));
    for name in before.keys().chain(after.keys()).collect::<BTreeSet<_>>() {
        let (a, b) = (before.get(name).map_or("", String::as_str), after.get(name).map_or("", String::as_str));
        if a == b {
            continue;
        }
        let diff = similar::TextDiff::from_lines(a, b);
        let count = |tag| diff.iter_all_changes().filter(|change| change.tag() == tag).count();
        let text = diff.unified_diff().context_radius(3).to_string();
        difference.scripts.push((
            name.clone(),
            count(similar::ChangeTag::Insert),
            count(similar::ChangeTag::Delete),
            text,
        ));
    }
}

/// The text of `fitout diff`.
pub fn text(difference: &Difference, with_scripts: bool) -> String {
    let mut out = String::new();
    let (old, new) = difference.sizes;
    if old != new {
        let sign = if new >= old { '+' } else { '-' };
        let per_mille = old.abs_diff(new).saturating_mul(1000) / old.max(1);
        let _ =
            writeln!(out, "size      {} -> {}  ({sign}{}.{} %)", size(old), size(new), per_mille / 10, per_mille % 10);
    }
    for (key, before, after) in &difference.fields {
        let _ = writeln!(out, "field     {}: {} -> {}", printable(key), printable(before), printable(after));
    }
    for (sign, list) in [('+', &difference.relations_added), ('-', &difference.relations_removed)] {
        for (kind, relation) in list {
            let _ = writeln!(out, "needs   {sign} {}: {}", printable(kind), printable(relation));
        }
    }
    for (name, added, removed, diff) in &difference.scripts {
        let hint = if with_scripts { "" } else { "   (--scripts shows them)" };
        let _ = writeln!(out, "script    {} +{added} -{removed}{hint}", printable(name));
        if with_scripts {
            out.push_str(&words::printable_lines(diff));
        }
    }
    for (path, changes) in &difference.changed {
        let _ = writeln!(out, "~ {}   {}", printable(path), changes.join(", "));
    }
    for (sign, list) in [('+', &difference.added), ('-', &difference.removed)] {
        for (path, files, bytes) in grouped(list) {
            match files {
                0 => drop(writeln!(out, "{sign} {}", printable(&path))),
                files => drop(writeln!(
                    out,
                    "{sign} {}   {}, {}",
                    printable(&path),
                    words::plural(files, "file", "files"),
                    size(bytes)
                )),
            }
        }
    }
    out
}

/// Entries below a directory that is itself in the list are counted with it.
fn grouped(list: &[ListedEntry]) -> Vec<(String, usize, u64)> {
    let mut groups: Vec<(String, usize, u64)> = Vec::new();
    for entry in list {
        if let Some((top, files, bytes)) = groups.last_mut()
            && let Some(rest) = entry.path.strip_prefix(top.as_str())
            && (top.ends_with('/') || rest.starts_with('/'))
        {
            *files += usize::from(entry.kind != ListedKind::Directory);
            *bytes += entry.size;
            continue;
        }
        let slash = if entry.kind == ListedKind::Directory { "/" } else { "" };
        groups.push((format!("{}{slash}", entry.path), usize::from(slash.is_empty()), entry.size));
    }
    groups
}

/// The document of `fitout diff --json`.
pub fn json(difference: &Difference) -> Value {
    let Difference { fields, relations_added, relations_removed, added, removed, changed, scripts, sizes } = difference;
    let relations = |list: &[(String, String)]| -> Value {
        list.iter().map(|(kind, relation)| json!({ "kind": kind, "relation": relation })).collect()
    };
    let fields = fields.iter().map(|(key, old, new)| json!({ "key": key, "old": old, "new": new }));
    let changed = changed.iter().map(|(path, what)| json!({ "path": path, "what": what }));
    let scripts = scripts.iter().map(|(name, added, removed, diff)| {
        json!({ "name": name, "lines_added": added, "lines_removed": removed, "diff": diff })
    });
    json!({
        "schema": "fitout/diff/1",
        "same": difference.is_empty(),
        "packed_size": { "old": sizes.0, "new": sizes.1 },
        "fields": fields.collect::<Value>(),
        "relations_added": relations(relations_added),
        "relations_removed": relations(relations_removed),
        "added": added,
        "removed": removed,
        "changed": changed.collect::<Value>(),
        "scripts": scripts.collect::<Value>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_program_may_do_is_compared_within_a_format() {
        let listing = |format, capabilities: Option<&str>| {
            let entry = ListedEntry {
                path: "/usr/bin/hello".into(),
                mode: 0o755,
                kind: ListedKind::File,
                user: "root".into(),
                group: "root".into(),
                size: 1,
                mtime: 0,
                sha256: None,
                flags: Vec::new(),
                capabilities: capabilities.map(Into::into),
                layer: None,
            };
            Listing { format, entries: vec![entry], ..Listing::default() }
        };
        let (without, with) = (listing("rpm", None), listing("rpm", Some("cap_net_raw=ep")));
        let told = compare(&without, &with).changed;
        assert_eq!(told, [("/usr/bin/hello".to_owned(), vec!["capabilities none -> cap_net_raw=ep".to_owned()])]);
        assert!(compare(&with, &with).is_empty());
        assert!(compare(&with, &listing("zip", None)).is_empty(), "a zip has no place for them");
    }
}
