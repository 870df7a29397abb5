//! Which libraries of the package the dynamic loader will find, by the rules of ld.so(8).
//!
//! What an administrator may change (`ld.so.conf`, `LD_LIBRARY_PATH`) is not seen.

use std::collections::{BTreeMap, BTreeSet};

use super::plan::{ElfFile, Entry, Kind};

/// Where a library is, seen from the file that needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found<'p> {
    /// In the package, and the loader looks there.
    Reachable,
    /// In the package, at a place where the loader does not look.
    Astray(&'p str),
    /// Not in the package.
    Nowhere,
}

/// The libraries of the package.
pub struct Inside<'p> {
    /// File name or soname -> folder -> the path as the plan has it.
    libraries: BTreeMap<&'p str, BTreeMap<String, &'p str>>,
    /// Folders on the run path of any file: a library that the program has loaded already is found by those that need
    /// it later, wherever it lies.
    run_paths: BTreeSet<String>,
}

impl<'p> Inside<'p> {
    /// Takes stock of the entries of one format and of its ELF files.
    pub fn new(entries: impl Iterator<Item = &'p Entry>, files: &BTreeMap<&'p str, &'p ElfFile>) -> Self {
        let mut libraries: BTreeMap<&str, BTreeMap<String, &str>> = BTreeMap::new();
        let mut run_paths = BTreeSet::new();
        for entry in entries.filter(|e| !matches!(e.kind, Kind::Directory { .. })) {
            let (folder, name) = split(&entry.path);
            let elf = files.get(entry.path.as_ref());
            if elf.is_some() || name.contains(".so") {
                libraries.entry(name).or_default().insert(merged(folder), &entry.path);
            }
            let Some(elf) = elf else { continue };
            // ldconfig makes the link from the soname, in the system's folders only.
            if let Some(soname) = elf.soname.as_deref().filter(|_| is_system(&merged(folder))) {
                libraries.entry(soname).or_default().insert(merged(folder), &entry.path);
            }
            run_paths.extend(run_path(&entry.path, elf));
        }
        Self { libraries, run_paths }
    }

    /// Where `soname` is for the file at `path`.
    pub fn find(&self, path: &str, file: &ElfFile, soname: &str) -> Found<'p> {
        let (folder, name) = if soname.contains('/') { split(soname) } else { ("", soname) };
        let Some(places) = self.libraries.get(name) else { return Found::Nowhere };
        if !folder.is_empty() {
            return if places.contains_key(&merged(folder)) { Found::Reachable } else { Found::Nowhere };
        }
        let own = run_path(path, file);
        let beside = merged(split(path).0);
        let is_program = file.interpreter.is_some();
        let looks = |place: &String| {
            is_system(place)
                || own.contains(place)
                || (!is_program && (*place == beside || self.run_paths.contains(place)))
        };
        if places.keys().any(looks) {
            return Found::Reachable;
        }
        places.values().next().map_or(Found::Nowhere, |place| Found::Astray(place))
    }
}

/// The folders of the run path, `$ORIGIN` filled in.
fn run_path(path: &str, file: &ElfFile) -> BTreeSet<String> {
    let origin = split(path).0;
    file.runpath
        .iter()
        .map(|part| part.replace("${ORIGIN}", origin).replace("$ORIGIN", origin))
        .filter(|part| part.starts_with('/'))
        .map(|part| merged(&part))
        .collect()
}

fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

/// Normalised, and under `/usr` as on a system with merged /usr.
fn merged(folder: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    if parts.first().is_some_and(|first| first.starts_with("lib") || *first == "bin" || *first == "sbin") {
        parts.insert(0, "usr");
    }
    format!("/{}", parts.join("/"))
}

/// Folders where the loader looks by itself: the traditional ones and those of multiarch.
fn is_system(folder: &str) -> bool {
    let Some(rest) = folder.strip_prefix("/usr/local/lib").or_else(|| folder.strip_prefix("/usr/lib")) else {
        return false;
    };
    match rest.strip_prefix('/') {
        None => matches!(rest, "" | "64" | "32"),
        Some(triplet) => !triplet.contains('/') && triplet.contains("-linux-"),
    }
}
