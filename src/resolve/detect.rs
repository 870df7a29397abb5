//! Folder -> a fitout.toml to begin with, for `fitout init`.
//!
//! Enters: a folder. Leaves: what was found in it, and the text of a config that works. Reads only; writes nothing.

use std::path::Path;

use super::ground::not_found;
use super::{git, license};
use crate::build::ask::ask;
use crate::diagnostic::Findings;

mod cargo;
mod go;
mod import;
mod otp;
mod text;
mod variables;

use import::Import;
pub use import::Left;
use variables::Variable;

/// A file or folder, and what it was taken for.
type Found = (String, String);

/// What `init` has to say and to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// What was found: a file or folder, and what it was taken for.
    pub findings: Vec<Found>,
    /// Text of `fitout.toml`.
    pub config: String,
    /// Other files to write: path and text.
    pub other_files: Vec<(String, String)>,
    /// What a release says of itself that the config does not.
    pub left: Vec<Left>,
    /// Nothing was found that could be packed: the user has to say what is.
    pub is_open: bool,
    /// `fitout build` builds it first: before that there is nothing to look at.
    pub builds: bool,
}

/// What goes into the text. A value that is not there is asked of the user in a comment, an empty one is the preset's.
#[derive(Default)]
struct Draft {
    name: Option<String>,
    version: Option<String>,
    summary: Option<String>,
    /// The summary of whoever does not write one.
    kind: &'static str,
    maintainer: Option<String>,
    license: Option<String>,
    /// What else there is to say of the package, each in a line.
    notes: Vec<String>,
    build: Vec<(&'static str, String, &'static str)>,
    /// `[[files]]`: the lines of each.
    files: Vec<Vec<String>>,
    /// Lines of `[format.oci]`.
    image: Vec<String>,
    /// It runs as a service, of which the preset knows the program.
    is_service: bool,
    /// File that reads variables when the service starts, and which.
    reads: Option<(&'static str, Vec<Variable>)>,
    /// Of a further release of the project: the names of its own config file and environment file.
    beside: Option<(String, String)>,
    /// What its project says of the release.
    import: Import,
    /// The rule is an example only, in a comment.
    is_open: bool,
    /// The file that gives what is not said here.
    known: Option<&'static str>,
}

/// Looks at a folder.
///
/// # Errors
/// It is not there.
pub fn propose(dir: &Path) -> Result<Proposal, Findings> {
    if !dir.is_dir() {
        return Err(vec![not_found(dir, &dir.display().to_string())]);
    }
    let mut findings = Vec::new();
    let mut drafts = if let Some(drafts) = otp::drafts(dir, &mut findings) {
        drafts
    } else if let Some(draft) = cargo::draft(dir, &mut findings) {
        vec![draft]
    } else if let Some(draft) = go::draft(dir, &mut findings) {
        vec![draft]
    } else {
        vec![plain(dir, &mut findings)]
    };
    let reads = if drafts.iter().any(|draft| draft.is_service) { variables::read(dir) } else { None };
    let mut said = Vec::new();
    for draft in &mut drafts {
        said.clear();
        common(dir, draft, &mut said);
        draft.reads.clone_from(&reads);
    }
    findings.append(&mut said);
    if let Some((file, variables)) = &reads {
        let names: Vec<&str> = variables.iter().map(|variable| variable.name.as_str()).collect();
        findings.push(((*file).to_owned(), format!("reads {}", names.join(", "))));
    }
    // What several releases share is told once.
    let all = drafts.iter().flat_map(|draft| &draft.import.left);
    let left = all.fold(Vec::new(), |mut told: Vec<Left>, left| {
        if !told.iter().any(|known| (&known.file, known.line, &known.what) == (&left.file, left.line, &left.what)) {
            told.push(left.clone());
        }
        told
    });
    let first = drafts.remove(0);
    let env_files = std::iter::once(&first).chain(&drafts).filter_map(Draft::env_file);
    let mut other_files: Vec<_> = env_files.filter(|(path, _)| !dir.join(path).exists()).collect();
    other_files.extend(drafts.iter().filter_map(|draft| Some((draft.beside.as_ref()?.0.clone(), draft.text()))));
    let builds = first.build.iter().any(|(key, ..)| matches!(*key, "tool" | "command"));
    Ok(Proposal { findings, config: first.text(), other_files, left, is_open: first.is_open, builds })
}

fn text(path: &Path) -> Option<String> {
    fs_err::read_to_string(path).ok()
}

/// Folders that hold what a build made, the likeliest first; never fitout's own `dist`.
const BUILT: [&str; 5] = ["build", "out", "public", "_site", "target/release"];

/// What is left out of a folder of unknown kind: who wants it says so, and nobody ships a password or a key by accident.
const LEFT_OUT: [&str; 11] =
    [".*", "__pycache__", "venv", "node_modules", "target", "_build", "*.asc", "*.key", "*.pem", "*.p12", "*.pfx"];

/// Whether anything is there beside what is left out, and fitout's own.
fn holds_something(dir: &Path) -> bool {
    let is = |name: &str, left_out: &str| match (left_out.strip_prefix('*'), left_out.strip_suffix('*')) {
        (Some(end), _) => name.ends_with(end),
        (_, Some(start)) => name.starts_with(start),
        _ => name == left_out,
    };
    let is_left_out = |name: &str| LEFT_OUT.iter().any(|left_out| is(name, left_out));
    let is_own = |name: &str| matches!(name, super::DIST | "fitout.toml");
    let names =
        fs_err::read_dir(dir).into_iter().flatten().filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names.into_iter().any(|name| !is_left_out(&name) && !is_own(&name))
}

fn plain(dir: &Path, findings: &mut Vec<(String, String)>) -> Draft {
    let name = folder_name(dir);
    let mut draft = Draft { kind: "Collection of files", ..Draft::default() };
    draft.build.push(("preset", quoted("plain"), "any tree, as it is"));
    if let Some(built) = BUILT.iter().find(|built| dir.join(built).is_dir()) {
        findings.push(((*built).to_owned(), "a folder that looks built".into()));
        draft.build.push(("input", quoted(built), "goes to /usr/lib/NAME"));
    } else if holds_something(dir) {
        let found =
            "no project file that is known: the folder is packed as it is, without hidden files, keys and caches";
        findings.push((".".into(), found.into()));
        let exclude = LEFT_OUT.map(quoted).join(", ");
        draft.files = vec![vec![
            "from    = \".\"".into(),
            format!("to      = {}", quoted(&format!("/usr/lib/{}", legal(&name)))),
            "# Passwords, keys, caches, and what others have built.".into(),
            format!("exclude = [{exclude}]"),
        ]];
    } else {
        findings.push((".".into(), "nothing that could be packed yet".into()));
        draft.open(&name);
    }
    draft.name = Some(name);
    draft
}

impl Draft {
    /// Says what a rule looks like: nothing is known that could be packed.
    fn open(&mut self, name: &str) {
        self.is_open = true;
        self.files = vec![vec![
            "from = \"build\"   # a file, a folder or a glob".into(),
            format!("to   = {}", quoted(&format!("/usr/lib/{}", legal(name)))),
        ]];
    }
}

/// Version, maintainer and licence, where the kind of project did not give them.
fn common(dir: &Path, draft: &mut Draft, findings: &mut Vec<(String, String)>) {
    if draft.version.is_none() && draft.known.is_none() {
        draft.version = Some(match git::describe(dir) {
            Ok((version, tag)) => {
                let tag = tag.map_or_else(|| "no tag".into(), |tag| format!("tag {tag}"));
                findings.push(("git".into(), format!("version {version}, {tag}")));
                "{ from = \"git\" }".into()
            }
            Err(_) if dir.join("VERSION").is_file() => "{ from = \"file:VERSION\" }".into(),
            Err(_) => quoted("0.1.0"),
        });
    }
    if draft.maintainer.is_none() {
        let ask = |key| ask(dir, "git", &["config", "--get", key]).ok().map(|answer| answer.trim().to_owned());
        if let (Some(name), Some(mail)) = (ask("user.name"), ask("user.email")) {
            findings.push(("git config".into(), format!("maintainer {name} <{mail}>")));
            draft.maintainer = Some(format!("{name} <{mail}>"));
        }
    }
    if draft.license.is_none() {
        let found = license::found(dir);
        let known = found.iter().find_map(|name| Some((name, spdx(&text(&dir.join(name))?)?)));
        if let Some((name, id)) = known {
            findings.push((name.clone(), format!("licence {id}")));
            draft.license = Some(id.to_owned());
        }
    }
}

/// A TOML string.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn folder_name(dir: &Path) -> String {
    let full = dir.canonicalize().unwrap_or_else(|_| dir.to_owned());
    full.file_name().map_or_else(|| "app".into(), |name| name.to_string_lossy().into_owned())
}

/// A name that every format takes.
fn legal(name: &str) -> String {
    let mapped: String = name
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || "+-.".contains(c) { c } else { '-' })
        .collect();
    let trimmed = mapped.trim_start_matches(|c: char| !c.is_ascii_alphanumeric()).trim_end_matches(['-', '.', '+']);
    if trimmed.len() < 2 { format!("{trimmed}app") } else { trimmed.to_owned() }
}

/// The SPDX identifier of a licence text, by its title; `None` where the title does not settle it.
fn spdx(text: &str) -> Option<&'static str> {
    let head: String = text.chars().take(1_500).collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ");
    let has = |part: &str| head.contains(part);
    if has("Apache License") && has("Version 2.0") {
        Some("Apache-2.0")
    } else if has("Permission is hereby granted, free of charge") && has("to deal in the Software without restriction")
    {
        Some("MIT")
    } else if has("Mozilla Public License Version 2.0") || has("Mozilla Public License, v. 2.0") {
        Some("MPL-2.0")
    } else if has("Permission to use, copy, modify, and/or distribute this software") {
        Some("ISC")
    } else {
        // The texts of the GNU licences do not say whether later versions are meant too; BSD's have many forms.
        None
    }
}

#[cfg(test)]
mod tests;
