//! Which files the libraries of `bundle` serve, and the run paths that lead there.
//!
//! Enters: settled entries and what their ELF files say. Leaves: the same, with the folder of the bundled libraries on the
//! run path of every file that needs one and would not look there. The file on the builder stays as it is. What cannot be
//! led gets a warning. Not here: where the loader looks (`loader.rs`), how a run path is set (`elf/run_path.rs`).

use std::collections::{BTreeMap, BTreeSet};
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;

use super::bundle;
use super::elf::run_path::{self, RunPathError, Tag};
use super::elf::{self, ElfError};
use super::loader::{Found, Inside};
use super::patch::Patched;
use super::path;
use super::plan::{Content, ElfFacts, ElfFile, Entry, Fact, Kind, Sources, Stat};
use crate::diagnostic::{Diagnostic, Findings, codes};
use crate::resolve::Release;

/// Leads every file to the bundled libraries that it needs, and notes whom they serve.
pub fn by_bundled(
    release: &Release,
    entries: &mut [Entry],
    facts: &mut ElfFacts,
    sources: &mut Sources,
    findings: &mut Findings,
) {
    if release.bundle.is_empty() {
        return;
    }
    let mut bundled = BTreeSet::new();
    for name in &release.bundle {
        let place: Arc<str> = bundle::place(release, name).into();
        if let Some(file) = facts.files.get_mut(&place) {
            file.bundled = true;
            bundled.insert(place);
        }
    }
    let absolute = entries.iter().any(|e| e.mode & 0o6000 != 0 || e.capabilities.is_some());
    let mut leading = Leading { entries, facts, sources, absolute, refused: BTreeMap::new() };
    // A new run path can change what others find: again, until nobody is astray who was not tried.
    let astray = loop {
        let astray = leading.astray(&bundled);
        let next: Vec<_> = astray.iter().filter(|(path, _)| !leading.tried(path)).collect();
        if next.is_empty() {
            break astray;
        }
        for (path, places) in next {
            leading.lead(path, places);
        }
    };
    for (path, places) in &astray {
        findings.push(passed_over(release, path, places, leading.refused.get(path), absolute));
    }
    note_served(release, entries, facts);
    let brought = release.bundle.iter().filter(|name| bundled.contains(bundle::place(release, name).as_str()));
    findings.extend(brought.filter_map(|name| unused(name, facts)));
}

/// A bundled library that nothing in the package needs.
fn unused(name: &Fact<String>, facts: &ElfFacts) -> Option<Diagnostic> {
    let needed = facts.files.values().any(|file| file.needed.contains(&name.value));
    let told =
        Diagnostic::warning(codes::ELF_BUNDLED_UNUSED, format!("no ELF file of the package needs `{}`", name.value));
    (!needed)
        .then(|| told.at_origin(&name.origin, "bundled here").help("take it out, if no program loads it by dlopen(3)"))
}

/// Needed soname -> where the package has it.
type Places = BTreeMap<String, Arc<str>>;

struct Leading<'a> {
    entries: &'a mut [Entry],
    facts: &'a mut ElfFacts,
    sources: &'a mut Sources,
    /// A program with more rights than its caller does not follow `$ORIGIN`: ld.so(8).
    absolute: bool,
    /// Files whose run path could not be set, and why.
    refused: BTreeMap<Arc<str>, RunPathError>,
}

impl Leading<'_> {
    /// Files whose loader does not look where a bundled library is, or that are bundled and do not find what else the
    /// package has; a hard link goes by its first name.
    fn astray(&self, bundled: &BTreeSet<Arc<str>>) -> BTreeMap<Arc<str>, Places> {
        let files = by_path(self.facts);
        let inside = Inside::new(self.entries.iter(), &files);
        let mut all: BTreeMap<Arc<str>, Places> = BTreeMap::new();
        for (path, file) in &self.facts.files {
            for name in &file.needed {
                let Found::Astray(place) = inside.find(path, name) else { continue };
                if bundled.contains(place) || file.bundled {
                    all.entry(self.first_name(path)).or_default().insert(name.clone(), place.into());
                }
            }
        }
        all
    }

    fn first_name(&self, path: &Arc<str>) -> Arc<str> {
        let target = self.entries.iter().find_map(|entry| match &entry.kind {
            Kind::Hardlink { target } if entry.path == *path => Some(Arc::clone(target)),
            _ => None,
        });
        target.unwrap_or_else(|| Arc::clone(path))
    }

    fn tried(&self, path: &Arc<str>) -> bool {
        self.refused.contains_key(path) || self.facts.files.get(path).is_some_and(|file| file.led)
    }

    /// Puts the folders of `places` first on the run path of the file.
    fn lead(&mut self, path: &Arc<str>, places: &Places) {
        let names: Vec<Arc<str>> = self
            .entries
            .iter()
            .filter(|entry| matches!(&entry.kind, Kind::Hardlink { target } if target == path))
            .map(|entry| Arc::clone(&entry.path))
            .chain([Arc::clone(path)])
            .collect();
        let run_path = run_path(&names, places, self.absolute);
        let tag = self.tag(&self.facts.files[path]);
        match self.set(path, &run_path, tag) {
            Ok(file) => names.into_iter().for_each(|name| _ = self.facts.files.insert(name, file.clone())),
            Err(why) => _ = self.refused.insert(Arc::clone(path), why),
        }
    }

    /// `DT_RUNPATH` would take away what a library finds by the `DT_RPATH` of who loads it.
    fn tag(&self, file: &ElfFile) -> Tag {
        let inherits = file.interpreter.is_none()
            && self.facts.files.values().any(|other| !other.rpath.is_empty() && other.runpath.is_empty());
        if inherits { Tag::RPath } else { Tag::RunPath }
    }

    /// Changes the content of the entry, and reads what it says then.
    fn set(&mut self, path: &Arc<str>, run_path: &str, tag: Tag) -> Result<ElfFile, RunPathError> {
        let old = &self.facts.files[path];
        let mut new = None;
        for entry in self.entries.iter_mut().filter(|entry| entry.path == *path) {
            let Kind::File(source) = &entry.kind else { continue };
            let Content::File { path: from, stat } = self.sources.list()[source.id.0 as usize].clone() else {
                return Err(RunPathError::Layout("it is made by fitout"));
            };
            let (changes, mut file) = patched(&from, &stat, run_path, tag, old.executable)?;
            let as_before = ElfFile { rpath: old.rpath.clone(), runpath: old.runpath.clone(), ..file.clone() };
            if (ElfFile { led: false, bundled: false, ..old.clone() }) != as_before {
                return Err(RunPathError::Layout("it does not say the same when its run path is set"));
            }
            (file.led, file.bundled) = (true, old.bundled);
            entry.kind = Kind::File(self.sources.patched(from, stat, changes));
            new = Some(file);
        }
        new.ok_or(RunPathError::Layout("it is no file"))
    }
}

fn patched(
    from: &Path,
    stat: &Stat,
    run_path: &str,
    tag: Tag,
    executable: bool,
) -> Result<(super::patch::Patch, ElfFile), RunPathError> {
    let mut file = BufReader::new(fs_err::File::open(from).map_err(ElfError::Io)?);
    let patch = run_path::add(&mut file, run_path, tag)?;
    let facts = elf::read(&mut Patched::new(file, stat.size, &patch), executable)?;
    Ok((patch, facts.ok_or(RunPathError::Static)?))
}

/// The folders of `places`, seen from all names of a file.
fn run_path(names: &[Arc<str>], places: &Places, absolute: bool) -> String {
    let mut parts: Vec<String> = Vec::new();
    for place in places.values() {
        let folder = path::parent(place).unwrap_or("/");
        for name in names {
            let part = if absolute { folder.to_owned() } else { from_origin(name, folder) };
            if !parts.contains(&part) {
                parts.push(part);
            }
        }
    }
    parts.join(":")
}

/// The way from a file to a folder: `$ORIGIN/../lib/hello`.
fn from_origin(file: &str, folder: &str) -> String {
    let split = |path| str::split(path, '/').filter(|part: &&str| !part.is_empty()).collect::<Vec<_>>();
    let (from, to) = (split(path::parent(file).unwrap_or("/")), split(folder));
    let common = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let up = from[common..].iter().map(|_| "..");
    std::iter::once("$ORIGIN").chain(up).chain(to[common..].iter().copied()).collect::<Vec<_>>().join("/")
}

fn by_path(facts: &ElfFacts) -> BTreeMap<&str, &ElfFile> {
    facts.files.iter().map(|(path, file)| (path.as_ref(), file)).collect()
}

/// Notes for each file the bundled sonames that it finds in the package.
fn note_served(release: &Release, entries: &[Entry], facts: &mut ElfFacts) {
    let names: BTreeSet<&str> = release.bundle.iter().map(|name| name.as_str()).collect();
    let served: Vec<(Arc<str>, BTreeSet<String>)> = {
        let files = by_path(facts);
        let inside = Inside::new(entries.iter(), &files);
        let own = |path: &str, file: &ElfFile| {
            let bundled = file.needed.iter().filter(|name| names.contains(name.as_str()));
            bundled.filter(|name| inside.find(path, name) == Found::Reachable).cloned().collect()
        };
        facts.files.iter().map(|(path, file)| (Arc::clone(path), own(path, file))).collect()
    };
    for (path, own) in served {
        if let Some(file) = facts.files.get_mut(&path) {
            file.served = own;
        }
    }
}

/// The file at `path` needs a library of the package, will not find it, and cannot be led there.
fn passed_over(
    release: &Release,
    path: &Arc<str>,
    places: &Places,
    why: Option<&RunPathError>,
    absolute: bool,
) -> Diagnostic {
    let sonames = places.keys().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let folders: BTreeSet<&str> = places.values().map(|place| path::parent(place).unwrap_or("/")).collect();
    let folders = folders.into_iter().map(|folder| format!("`{folder}`")).collect::<Vec<_>>().join(", ");
    let run_path = run_path(std::slice::from_ref(path), places, absolute);
    let message = format!("`{path}` needs {sonames} and does not look for it in {folders}");
    let of = |fact: &&Fact<String>| places.contains_key(fact.as_str()) || bundle::place(release, fact) == **path;
    let told = Diagnostic::warning(codes::ELF_NOT_ON_PATH, message).path(path.as_ref());
    let told = match release.bundle.iter().find(of) {
        Some(fact) => told.at_origin(&fact.origin, "bundled here, and not loaded"),
        None => told,
    };
    let told = match why {
        Some(why) => told.note(format!("fitout cannot set its run path: {why}")),
        None => told,
    };
    let folders = places.values().filter_map(|place| path::parent(place)).collect::<BTreeSet<_>>();
    let folders = folders.into_iter().collect::<Vec<_>>().join(":");
    told.help(format!("link it with `-Wl,-rpath,'{run_path}'`"))
        .help(format!("or start it with `LD_LIBRARY_PATH={folders}`, in a unit by `Environment=`"))
        .note("it loads the host's library, so that the package keeps depending on it")
}
