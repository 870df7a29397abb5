//! Which libraries of the package the dynamic loader will find, by the rules of ld.so(8).
//!
//! Enters: entries of the package and what its ELF files say. Leaves: for each library that one of them needs, whether the
//! loader finds it in the package. Every program is followed as the loader does it, breadth first: `DT_RUNPATH` serves
//! what the file itself needs, `DT_RPATH` also what its libraries need, and a library is loaded once.
//!
//! What an administrator may change (`ld.so.conf`, `LD_LIBRARY_PATH`) is not seen, and neither is what `dlopen(3)` loads:
//! a library that no program of the package needs is taken for a plugin of any of them.

use std::collections::{BTreeMap, BTreeSet};

use super::path;
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

/// The libraries of the package, and who finds which of them.
pub struct Inside<'p> {
    found: BTreeMap<&'p str, BTreeMap<&'p str, Found<'p>>>,
}

impl<'p> Inside<'p> {
    /// Takes stock of the entries of one format and of its ELF files, and follows them all.
    pub fn new(entries: impl Iterator<Item = &'p Entry>, files: &BTreeMap<&'p str, &'p ElfFile>) -> Self {
        let places = entries.filter_map(|entry| match &entry.kind {
            Kind::Directory { .. } => None,
            Kind::Symlink { target } => Some((entry.path.as_ref(), Some(target.as_ref()))),
            Kind::File(_) | Kind::Hardlink { .. } => Some((entry.path.as_ref(), None)),
        });
        Self::of_places(places, files)
    }

    /// The same of paths, without directories, each with its target if it is a symbolic link.
    pub fn of_places(
        places: impl Iterator<Item = (&'p str, Option<&'p str>)>,
        files: &BTreeMap<&'p str, &'p ElfFile>,
    ) -> Self {
        let mut loading = Loading { stock: Stock::new(places, files), found: BTreeMap::new() };
        loading.all(files);
        Self { found: loading.found }
    }

    /// Where `soname` is for the file at `path`.
    pub fn find(&self, path: &str, soname: &str) -> Found<'p> {
        self.found.get(path).and_then(|found| found.get(soname)).copied().unwrap_or(Found::Nowhere)
    }
}

/// What lies where.
struct Stock<'p> {
    files: BTreeMap<&'p str, &'p ElfFile>,
    links: BTreeMap<&'p str, &'p str>,
    /// File name or soname -> folder -> the path as the plan has it.
    libraries: BTreeMap<&'p str, BTreeMap<String, &'p str>>,
}

impl<'p> Stock<'p> {
    fn new(places: impl Iterator<Item = (&'p str, Option<&'p str>)>, files: &BTreeMap<&'p str, &'p ElfFile>) -> Self {
        let mut stock = Self { files: files.clone(), links: BTreeMap::new(), libraries: BTreeMap::new() };
        for (path, target) in places {
            if let Some(target) = target {
                stock.links.insert(path, target);
            }
            let (folder, name) = split(path);
            let elf = files.get(path);
            if elf.is_some() || name.contains(".so") {
                stock.libraries.entry(name).or_default().insert(merged(folder), path);
            }
            // ldconfig makes the link from the soname, in the system's folders only.
            let soname = elf.and_then(|elf| elf.soname.as_deref()).filter(|_| is_system(&merged(folder)));
            if let Some(soname) = soname {
                stock.libraries.entry(soname).or_default().entry(merged(folder)).or_insert(path);
            }
        }
        stock
    }

    /// The ELF file that a path leads to, with its own path.
    fn file(&self, path: &'p str) -> Option<(&'p str, &'p ElfFile)> {
        let mut at = path.to_owned();
        for _ in 0..path::MOST_HOPS {
            if let Some((path, file)) = self.files.get_key_value(at.as_str()) {
                return Some((path, file));
            }
            at = path::point(&at, self.links.get(at.as_str())?)?;
        }
        None
    }
}

/// What may be there before a plugin is loaded.
#[derive(Default)]
struct AtHand<'p> {
    /// Names of all libraries that programs of the package load.
    loaded: BTreeSet<&'p str>,
    /// Folders on the `DT_RPATH` of any program.
    folders: BTreeSet<String>,
}

/// Something in the memory of a process.
struct Object<'p> {
    file: &'p ElfFile,
    /// By which the results are known.
    path: &'p str,
    /// Folder where it was found: `$ORIGIN`.
    origin: &'p str,
    /// Which object asked for it first.
    loader: Option<usize>,
}

struct Loading<'p> {
    stock: Stock<'p>,
    found: BTreeMap<&'p str, BTreeMap<&'p str, Found<'p>>>,
}

impl<'p> Loading<'p> {
    /// Programs first, then plugins, then what is left: libraries that need each other, or that nobody finds.
    fn all(&mut self, files: &BTreeMap<&'p str, &'p ElfFile>) {
        let nothing = AtHand::default();
        let mut at_hand = AtHand::default();
        for (path, file) in files.iter().filter(|(_, file)| file.interpreter.is_some()) {
            at_hand.loaded.append(&mut self.process(path, file, &nothing));
            if file.runpath.is_empty() {
                at_hand.folders.extend(folders(&file.rpath, split(path).0));
            }
        }
        let wanted: BTreeSet<&str> = files.values().flat_map(|file| &file.needed).map(|name| split(name).1).collect();
        let is_wanted = |path: &str, file: &ElfFile| {
            wanted.contains(split(path).1) || file.soname.as_deref().is_some_and(|soname| wanted.contains(soname))
        };
        for lonely in [true, false] {
            for (path, file) in files {
                if !self.found.contains_key(path) && (!lonely || !is_wanted(path, file)) {
                    self.process(path, file, &at_hand);
                }
            }
        }
    }

    /// Loads a file and all that it needs; the names of what was loaded.
    fn process(&mut self, path: &'p str, file: &'p ElfFile, at_hand: &AtHand<'p>) -> BTreeSet<&'p str> {
        let musl = file.interpreter.as_deref().is_some_and(|loader| loader.contains("ld-musl"));
        let mut loaded: BTreeSet<&str> = file.soname.as_deref().into_iter().collect();
        let mut objects = vec![Object { file, path, origin: split(path).0, loader: None }];
        let mut next = 0;
        while next < objects.len() {
            let (file, path) = (objects[next].file, objects[next].path);
            self.found.entry(path).or_default();
            for name in &file.needed {
                let is_there = loaded.contains(name.as_str()) || at_hand.loaded.contains(name.as_str());
                let found = if is_there {
                    Found::Reachable
                } else {
                    let (found, library) = self.search(&objects, next, name, musl, at_hand);
                    if let Some(library) = library {
                        loaded.insert(name);
                        loaded.extend(library.file.soname.as_deref());
                        objects.push(library);
                    }
                    found
                };
                self.note(path, name, found);
            }
            next += 1;
        }
        loaded
    }

    /// Looks for a library as the loader does for `objects[from]`.
    fn search(
        &self,
        objects: &[Object<'p>],
        from: usize,
        name: &'p str,
        musl: bool,
        at_hand: &AtHand<'p>,
    ) -> (Found<'p>, Option<Object<'p>>) {
        let (folder, bare) = if name.contains('/') { split(name) } else { ("", name) };
        let Some(places) = self.stock.libraries.get(bare) else { return (Found::Nowhere, None) };
        let object = |place: &'p str| {
            let (path, file) = self.stock.file(place)?;
            Some(Object { file, path, origin: split(place).0, loader: Some(from) })
        };
        if !folder.is_empty() {
            let place = places.get(&merged(folder));
            return place.map_or((Found::Nowhere, None), |place| (Found::Reachable, object(place)));
        }
        let looked = looked(objects, from, musl);
        let inherits = objects[from].file.runpath.is_empty();
        let on_path = looked.iter().find_map(|folder| places.get(folder));
        let on_path = on_path.or_else(|| at_hand.folders.iter().filter(|_| inherits).find_map(|f| places.get(f)));
        let place = on_path.or_else(|| places.iter().find(|(folder, _)| is_system(folder)).map(|(_, place)| place));
        match (place, places.values().next()) {
            (Some(place), _) => (Found::Reachable, object(place)),
            (None, Some(place)) => (Found::Astray(place), None),
            (None, None) => (Found::Nowhere, None),
        }
    }

    /// A library has to be found in every process that needs it.
    fn note(&mut self, path: &'p str, name: &'p str, found: Found<'p>) {
        let noted = self.found.entry(path).or_default().entry(name).or_insert(found);
        if matches!(found, Found::Astray(_)) {
            *noted = found;
        }
    }
}

/// The folders that the loader searches for what `objects[from]` needs, in order, without its own. glibc goes up the
/// loaders for their `DT_RPATH`, unless the object itself has a `DT_RUNPATH`; musl takes either tag, and goes up always.
fn looked(objects: &[Object<'_>], from: usize, musl: bool) -> Vec<String> {
    let file = objects[from].file;
    let mut looked = Vec::new();
    let mut at = Some(from).filter(|_| musl || file.runpath.is_empty());
    while let Some(object) = at.map(|at| &objects[at]) {
        let own = match (musl, object.file.runpath.is_empty()) {
            (_, true) => &object.file.rpath[..],
            (true, false) => &object.file.runpath,
            (false, false) => &[],
        };
        looked.extend(folders(own, object.origin));
        at = object.loader;
    }
    looked.extend(folders(&file.runpath, objects[from].origin));
    looked
}

/// The folders of a run path, `$ORIGIN` filled in.
fn folders(run_path: &[String], origin: &str) -> Vec<String> {
    let filled = run_path.iter().map(|part| part.replace("${ORIGIN}", origin).replace("$ORIGIN", origin));
    filled.filter(|part| part.starts_with('/')).map(|part| merged(&part)).collect()
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
    let folder = format!("/{}", parts.join("/"));
    // With a slash, so that `/lib` itself is taken for a folder and not for the link.
    path::merged(&format!("{folder}/")).map_or(folder, |merged| merged.trim_end_matches('/').to_owned())
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
