//! What the three lists say of a package.
//!
//! Enters: the facts of an rpm and where it lies. Leaves: its elements, as `createrepo_c` writes them, which tests compare.
//! Source: `createrepo_c`'s `parsehdr.c` for what is left out, and the schemas of rpm-md.

use std::cmp::Ordering;
use std::fmt::Write as _;

use super::xml::{escaped, push};
use crate::formats::rpm::facts::{self, FactFile, Facts};
use crate::formats::rpm::order;
use crate::formats::rpm::relations::Relation;

/// An rpm in the words of the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// For `primary`.
    pub primary: String,
    /// For `filelists`.
    pub filelists: String,
    /// For `other`.
    pub other: String,
}

/// Records of the change log that are listed.
const RECORDS: usize = 10;

/// Kinds of relations in the order of the list: the word of spec files and that of the list.
const KINDS: &[(&str, &str)] = &[
    ("Provides", "provides"),
    ("Requires", "requires"),
    ("Conflicts", "conflicts"),
    ("Obsoletes", "obsoletes"),
    ("Suggests", "suggests"),
    ("Enhances", "enhances"),
    ("Recommends", "recommends"),
    ("Supplements", "supplements"),
];

/// Describes an rpm that lies at `location` from the top of the repository.
pub fn describe(facts: &Facts, location: &str, size: u64, sha256: &str) -> Described {
    let version = format!(
        "<version epoch=\"{}\" ver=\"{}\" rel=\"{}\"/>",
        facts.epoch,
        escaped(&facts.version),
        escaped(&facts.release)
    );
    let (name, arch) = (escaped(&facts.name), escaped(&facts.arch));
    let head = format!("<package pkgid=\"{sha256}\" name=\"{name}\" arch=\"{arch}\">\n  {version}\n");
    let mut filelists = head.clone();
    facts.files.iter().for_each(|file| element_of(file, "  ", &mut filelists));
    filelists.push_str("</package>");
    let mut other = head;
    changelog(facts, &mut other);
    other.push_str("</package>");
    Described { primary: primary(facts, &version, location, size, sha256), filelists, other }
}

fn primary(facts: &Facts, version: &str, location: &str, size: u64, sha256: &str) -> String {
    let mut out = String::from("<package type=\"rpm\">\n");
    let element = |out: &mut String, name: &str, text: &str| {
        let indent = if name.starts_with("rpm:") { "    " } else { "  " };
        let _ = write!(out, "{indent}<{name}>");
        push(out, text);
        let _ = writeln!(out, "</{name}>");
    };
    element(&mut out, "name", &facts.name);
    element(&mut out, "arch", &facts.arch);
    let _ = writeln!(out, "  {version}\n  <checksum type=\"sha256\" pkgid=\"YES\">{sha256}</checksum>");
    element(&mut out, "summary", &facts.summary);
    element(&mut out, "description", &facts.description);
    element(&mut out, "packager", &facts.packager);
    element(&mut out, "url", &facts.url);
    let Facts { build_time, installed, archive, header_start, header_end, .. } = facts;
    // The time of the file is not known before it is put, and the same package is to be told of in the same words.
    let _ = writeln!(out, "  <time file=\"{build_time}\" build=\"{build_time}\"/>");
    let _ = writeln!(out, "  <size package=\"{size}\" installed=\"{installed}\" archive=\"{archive}\"/>");
    let _ = writeln!(out, "  <location href=\"{}\"/>\n  <format>", escaped(location));
    for (name, text) in [
        ("rpm:license", &facts.license),
        ("rpm:vendor", &facts.vendor),
        ("rpm:group", &facts.group),
        ("rpm:buildhost", &facts.build_host),
        ("rpm:sourcerpm", &facts.source_rpm),
    ] {
        element(&mut out, name, text);
    }
    let _ = writeln!(out, "    <rpm:header-range start=\"{header_start}\" end=\"{header_end}\"/>");
    relations(facts, &mut out);
    facts.files.iter().filter(|file| is_primary(&file.path)).for_each(|file| element_of(file, "    ", &mut out));
    out.push_str("  </format>\n</package>");
    out
}

/// Files that other packages may require by their path, so that clients know them without `filelists`.
fn is_primary(path: &str) -> bool {
    path.starts_with("/etc/") || path.contains("bin/") || path == "/usr/lib/sendmail"
}

fn element_of(file: &FactFile, indent: &str, out: &mut String) {
    let kind = match (file.directory, file.ghost) {
        (true, _) => " type=\"dir\"",
        (false, true) => " type=\"ghost\"",
        (false, false) => "",
    };
    let _ = write!(out, "{indent}<file{kind}>");
    push(out, &file.path);
    out.push_str("</file>\n");
}

/// The newest records, the oldest of them first. Clients know a record by its time, so those of one time are set apart.
fn changelog(facts: &Facts, out: &mut String) {
    let mut records = facts.changelog.clone();
    let mut last = None;
    for at in 0..records.len() {
        let time = records[at].1;
        if last == Some(time) {
            let mut next = time;
            for earlier in records[..at].iter_mut().rev() {
                if earlier.1 != next {
                    break;
                }
                next = next.saturating_add(1);
                earlier.1 = next;
            }
        } else {
            last = Some(time);
        }
    }
    for (author, time, text) in records.iter().take(RECORDS).rev() {
        let _ = write!(out, "  <changelog author=\"{}\" date=\"{time}\">", escaped(author));
        push(out, text);
        out.push_str("</changelog>\n");
    }
}

fn relations(facts: &Facts, out: &mut String) {
    let of = |word: &str| facts.relations.iter().find(|(kind, _)| *kind == word).map_or(&[][..], |(_, all)| all);
    let provided = of("Provides");
    for (word, name) in KINDS {
        let all = of(word);
        let kept = if *word == "Requires" { required(all, provided, facts) } else { all.iter().collect() };
        if kept.is_empty() {
            continue;
        }
        let _ = writeln!(out, "    <rpm:{name}>");
        for relation in kept {
            entry(relation, *word == "Requires", out);
        }
        let _ = writeln!(out, "    </rpm:{name}>");
    }
}

fn is_same(a: &Relation, b: &Relation) -> bool {
    a.name == b.name && a.version == b.version && facts::comparison(a) == facts::comparison(b)
}

/// What has to come from other packages: neither rpm's own abilities, nor what the package has itself, each once. Of the C library the
/// newest version only, which has the older ones.
fn required<'r>(all: &'r [Relation], provided: &[Relation], facts: &Facts) -> Vec<&'r Relation> {
    let mut kept: Vec<&Relation> = Vec::new();
    let mut libc: Option<&Relation> = None;
    for relation in all {
        let name = relation.name.as_str();
        let own = name.starts_with('/') && is_primary(name) && facts.files.iter().any(|file| file.path == name);
        if name.starts_with("rpmlib(") || own || provided.iter().any(|other| is_same(relation, other)) {
            continue;
        }
        let before = facts::is_before(relation);
        if kept.iter().any(|other| is_same(relation, other) && facts::is_before(other) == before) {
            continue;
        }
        if name.starts_with("libc.so.6") {
            let newer = libc.is_none_or(|libc| order::compare(symbols(&libc.name), symbols(name)) == Ordering::Less);
            libc = if newer { Some(relation) } else { libc };
            continue;
        }
        kept.push(relation);
    }
    kept.extend(libc);
    kept
}

/// `GLIBC_2.34` of `libc.so.6(GLIBC_2.34)(64bit)`; empty where any version will do.
fn symbols(name: &str) -> &str {
    name.split_once('(').and_then(|(_, rest)| rest.split_once(')')).map_or("", |(version, _)| version)
}

fn entry(relation: &Relation, requires: bool, out: &mut String) {
    let _ = write!(out, "      <rpm:entry name=\"{}\"", escaped(&relation.name));
    if let Some(flags) = facts::comparison(relation) {
        let (epoch, rest) = relation.version.split_once(':').unwrap_or(("0", &relation.version));
        let (version, release) =
            rest.rsplit_once('-').map_or((rest, None), |(version, release)| (version, Some(release)));
        let epoch = if epoch.is_empty() { "0" } else { epoch };
        let _ = write!(out, " flags=\"{flags}\" epoch=\"{}\" ver=\"{}\"", escaped(epoch), escaped(version));
        if let Some(release) = release {
            let _ = write!(out, " rel=\"{}\"", escaped(release));
        }
    }
    if requires && facts::is_before(relation) {
        out.push_str(" pre=\"1\"");
    }
    out.push_str("/>\n");
}
