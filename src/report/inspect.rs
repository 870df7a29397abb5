//! What is in an artifact.

use std::fmt::Write as _;

use super::host::{self, Host};
use super::words::{self, permissions, plural, printable, size};
use crate::diagnostic::Severity;
use crate::formats::{ListedEntry, ListedKind, Listing, unpacked};

/// Which parts to show besides the summary.
#[derive(Debug, Clone, Copy, Default)]
pub struct Show {
    /// Every entry.
    pub tree: bool,
    /// The text of every script.
    pub scripts: bool,
    /// Every field.
    pub fields: bool,
}

/// The text of `fitout inspect`.
pub fn text(listing: &Listing, sha256: Option<&str>, host: Option<&Host>, show: Show) -> String {
    let mut out = String::new();
    // Formats differ in whether a link has a size.
    let files = listing.entries.iter().filter(|entry| entry.kind == ListedKind::File);
    let installed = files.fold(0u64, |sum, entry| sum.saturating_add(entry.size));
    let _ = writeln!(out, "{}", title(listing, sha256, installed));
    for (kind, relations) in &listing.relations {
        block(&mut out, &printable(kind).to_lowercase(), relations.iter().map(|relation| printable(relation)));
    }
    for (label, lines) in by_label(host.map(host::lines).unwrap_or_default()) {
        block(&mut out, label, lines.into_iter());
    }
    block(&mut out, "scripts", listing.scripts.iter().map(|script| printable(&script.name)));
    block(&mut out, "config", listing.entries.iter().filter(|e| is_config(e)).map(line));
    block(
        &mut out,
        "largest",
        largest(listing).into_iter().map(|e| format!("{:>9}  {}", size(e.size), printable(&e.path))),
    );
    if show.fields {
        let fields = listing.fields.iter();
        block(&mut out, "fields", fields.map(|(key, value)| format!("{}: {}", printable(key), printable(value))));
    }
    if show.fields {
        let changelog = listing.changelog.as_deref().unwrap_or_default();
        block(&mut out, "changelog", changelog.lines().filter(|line| !line.is_empty()).map(printable));
    }
    if show.tree {
        block(&mut out, "tree", listing.entries.iter().map(line));
    }
    if show.scripts {
        for script in &listing.scripts {
            let _ = writeln!(out, "--- {} ({})", printable(&script.name), printable(&script.interpreter));
            out.push_str(&words::printable_lines(&script.text));
            if !script.text.ends_with('\n') {
                out.push('\n');
            }
        }
    }
    let _ = writeln!(out, "{}", closing(listing));
    out
}

/// The first line; `installed` is in bytes.
fn title(listing: &Listing, sha256: Option<&str>, installed: u64) -> String {
    let (name, version, arch) = (printable(&listing.name), printable(&listing.version), printable(&listing.arch));
    let Some(sha256) = sha256 else {
        let words = [name.as_str(), &version, listing.format, &arch];
        let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
        return format!("{}   {}", words.join(" "), size(installed));
    };
    format!(
        "{name} {version}   {} {arch}   {} packed, {} installed   sha256 {}",
        listing.format,
        size(listing.packed_size),
        size(installed),
        sha256.get(..8).unwrap_or(sha256),
    )
}

/// Whether everything that was verified held, and nothing is there that no honest artifact has.
pub fn is_sound(listing: &Listing) -> bool {
    listing.checks.iter().all(|check| check.problem.is_none())
        && listing.findings.iter().all(|finding| finding.severity != Severity::Error)
}

/// One line of a listing, as `ls -l` would show it.
pub fn line(entry: &ListedEntry) -> String {
    let (letter, rest) = words::kind(entry);
    let owner = if entry.user.is_empty() && entry.group.is_empty() {
        String::new()
    } else {
        format!(" {}:{}", printable(&entry.user), printable(&entry.group))
    };
    let flags = if entry.flags.is_empty() { String::new() } else { format!("  [{}]", entry.flags.join(" ")) };
    let layer = entry.layer.map_or_else(String::new, |layer| format!("  layer {layer}"));
    let capabilities = entry.capabilities.as_ref().map_or_else(String::new, |c| format!("  {}", printable(c)));
    format!(
        "{}{owner} {:>9} {}{rest}{flags}{capabilities}{layer}",
        permissions(letter, entry.mode),
        size(entry.size),
        printable(&entry.path)
    )
}

/// A label, and items below each other beside it.
fn block(out: &mut String, label: &str, items: impl Iterator<Item = String>) {
    for (index, item) in items.enumerate() {
        let _ = writeln!(out, "{:<13} {item}", if index == 0 { label } else { "" });
    }
}

/// Lines of one label below each other.
fn by_label(lines: Vec<(&'static str, String)>) -> Vec<(&'static str, Vec<String>)> {
    let mut blocks: Vec<(&'static str, Vec<String>)> = Vec::new();
    for (label, line) in lines {
        match blocks.last_mut() {
            Some((last, block)) if *last == label => block.push(line),
            _ => blocks.push((label, vec![line])),
        }
    }
    blocks
}

fn is_config(entry: &ListedEntry) -> bool {
    entry.flags.iter().any(|flag| flag.starts_with("config"))
}

fn largest(listing: &Listing) -> Vec<&ListedEntry> {
    let mut files: Vec<_> = listing.entries.iter().filter(|entry| entry.kind == ListedKind::File).collect();
    files.sort_by_key(|entry| std::cmp::Reverse(entry.size));
    files.truncate(3);
    files
}

fn closing(listing: &Listing) -> String {
    let of = |wanted: fn(&ListedKind) -> bool| listing.entries.iter().filter(|entry| wanted(&entry.kind)).count();
    let files = of(|kind| matches!(kind, ListedKind::File | ListedKind::Hardlink(_)));
    let directories = of(|kind| matches!(kind, ListedKind::Directory));
    let links = of(|kind| matches!(kind, ListedKind::Symlink(_)));
    let counted = format!(
        "{}, {}, {}",
        plural(files, "file", "files"),
        plural(directories, "directory", "directories"),
        plural(links, "symlink", "symlinks"),
    );
    if matches!(listing.format, unpacked::FOLDER | unpacked::PROGRAM) {
        return counted;
    }
    let checks = match listing.checks.iter().filter(|check| check.problem.is_some()).count() {
        0 if listing.checks.is_empty() => "nothing to verify".to_owned(),
        0 => format!("{} passed", plural(listing.checks.len(), "check", "checks")),
        bad => format!("{bad} of {} FAILED", plural(listing.checks.len(), "check", "checks")),
    };
    let signed = if listing.signatures.is_empty() { "not signed".to_owned() } else { listing.signatures.join(", ") };
    format!("{counted}; {checks}; {signed}")
}

/// The document of `fitout inspect --json`.
#[derive(Debug, serde::Serialize)]
pub struct Document<'a> {
    schema: &'static str,
    /// Of the file; none of a folder.
    sha256: Option<&'a str>,
    sound: bool,
    artifact: &'a Listing,
    /// What its ELF files need of the host; none where it has no such files.
    host: Option<&'a Host>,
    findings: Vec<serde_json::Value>,
}

impl<'a> Document<'a> {
    /// Of an artifact, its SHA-256 in hex, and what was found, each as a document.
    pub fn new(
        listing: &'a Listing,
        sha256: Option<&'a str>,
        host: Option<&'a Host>,
        findings: Vec<serde_json::Value>,
    ) -> Self {
        Self { schema: "fitout/inspect/1", sha256, sound: is_sound(listing), artifact: listing, host, findings }
    }
}
