//! What the ELF files of the package need, as Debian relations.
//!
//! Enters: [`Plan`], whose `elf` holds the sonames and symbol versions, and `plan.deb.libraries`, which wins over the
//! table. Leaves: relations for `Depends`, sorted, and warnings. The builder's package database is not read: the same
//! plan gives the same relations on every machine. Not here: reading ELF (`assemble/elf.rs`), merging with the relations
//! that the user typed (`relations.rs`).
//!
//! The lower bounds come from symbol versions, so they are what the loader itself will check. dpkg-shlibdeps has bounds
//! for single symbols and is sometimes stricter (deb-symbols(5)): glibc 2.34 took symbols of `libpthread` into `libc` under
//! their old versions, which only their names tell. Every release in the table has a later glibc.

use std::collections::{BTreeMap, BTreeSet};

use crate::assemble::loader::{Found, Inside};
use crate::assemble::plan::{ElfFile, Fact, Plan};
use crate::diagnostic::{Diagnostic, Findings, codes};
use crate::formats::libc;

mod floor;
mod table;
#[cfg(test)]
mod tests;

pub use floor::{Floor, Verdict};
use table::GLIBC;
pub use table::{DISTRIBUTIONS, GLIBC_OF, knows, row, sonames};

/// Relations for `Depends` from what the ELF files of the deb need, sorted and without doubles, and what could not be
/// told. Empty when `auto_depends` is off.
pub fn depends(plan: &Plan) -> (Vec<String>, Findings) {
    let mut needs = Needs::default();
    if !plan.deb.auto_depends {
        return (Vec::new(), needs.findings);
    }
    let release = needs.release(plan.deb.distribution.as_ref());
    let files = libc::elf_files(plan, "deb");
    needs.findings.extend(libc::of_musl(plan, "deb", |soname| plan.deb.libraries.contains_key(soname)));
    let inside = Inside::new(plan.entries_for("deb"), &files);
    for (path, file) in &files {
        for soname in &file.needed {
            needs.add(path, file, soname, &inside, release, &plan.deb.libraries);
        }
    }
    // Bundled libraries are every format's matter: `assemble/served.rs` has told of them.
    let is_bundled = |path: &str| files.get(path).is_some_and(|file| file.bundled);
    needs.astray.retain(|(_, place), files| {
        files.retain(|path| !is_bundled(path));
        !is_bundled(place) && !files.is_empty()
    });
    needs.finish(release)
}

/// What one file needs from the system, as if it were alone in a package for `distribution` (one of [`DISTRIBUTIONS`]).
pub fn file_depends(path: &str, file: &ElfFile, distribution: Option<&str>) -> (Vec<String>, Findings) {
    let release = distribution.and_then(|name| DISTRIBUTIONS.iter().position(|d| *d == name));
    let inside = Inside::new(std::iter::empty(), &BTreeMap::new());
    let mut needs = Needs::default();
    for soname in &file.needed {
        needs.add(path, file, soname, &inside, release, &BTreeMap::new());
    }
    needs.finish(release)
}

/// What has been found so far.
#[derive(Default)]
struct Needs<'p> {
    /// Names of one package over the releases -> the highest lower bound.
    packages: BTreeMap<Vec<&'static str>, Option<Floor>>,
    /// From `[format.deb.libraries]`.
    typed: BTreeSet<String>,
    /// Soname -> files that need it and where it is missing.
    unknown: BTreeMap<&'p str, Vec<&'p str>>,
    /// Soname and where the package has it -> files whose loader will not find it there.
    astray: BTreeMap<(&'p str, &'p str), Vec<&'p str>>,
    /// Files with symbols of one build of the C library.
    private: BTreeSet<&'p str>,
    /// Version of glibc that the release does not have yet -> files.
    newer: BTreeMap<Floor, Vec<&'p str>>,
    /// Version and soname -> files.
    unread: BTreeMap<(&'p str, &'p str), Vec<&'p str>>,
    findings: Findings,
}

impl<'p> Needs<'p> {
    /// Index of the distribution in the table; an unknown one is a finding.
    fn release(&mut self, distribution: Option<&Fact<String>>) -> Option<usize> {
        let fact = distribution?;
        let release = DISTRIBUTIONS.iter().position(|d| *d == fact.value);
        if release.is_none() {
            self.findings.push(
                Diagnostic::error(codes::CONFIG_INVALID_VALUE, format!("fitout does not know `{}`", fact.value))
                    .at_origin(&fact.origin, "not one of the distributions whose packages fitout knows")
                    .help(format!("use one of `{}`, or leave it unset for all of them", DISTRIBUTIONS.join("`, `"))),
            );
        }
        release
    }

    fn add(
        &mut self,
        path: &'p str,
        file: &'p ElfFile,
        soname: &'p str,
        inside: &Inside<'p>,
        release: Option<usize>,
        libraries: &BTreeMap<String, Fact<String>>,
    ) {
        let found = inside.find(path, soname);
        if found == Found::Reachable {
            return;
        }
        if let Some(relation) = libraries.get(soname) {
            if !relation.trim().is_empty() {
                self.typed.insert(relation.trim().to_owned());
            }
            return;
        }
        let row = table::row(soname);
        let packages = row.map(|row| row.packages(release)).unwrap_or_default();
        let Some(row) = row.filter(|_| !packages.is_empty()) else {
            match found {
                Found::Astray(place) => self.astray.entry((soname, place)).or_default().push(path),
                _ => self.unknown.entry(soname).or_default().push(path),
            }
            return;
        };
        let least = self.packages.entry(packages).or_default();
        for version in file.verneed.get(soname).into_iter().flatten() {
            match row.floor(version) {
                Verdict::AtLeast(floor) => {
                    if release.is_some_and(|release| soname == GLIBC && floor.is_above(GLIBC_OF[release])) {
                        self.newer.entry(floor.clone()).or_default().push(path);
                    }
                    *least = least.take().max(Some(floor));
                }
                Verdict::Nothing => {}
                Verdict::Private => {
                    self.private.insert(path);
                }
                Verdict::Unknown => self.unread.entry((version, soname)).or_default().push(path),
            }
        }
    }

    fn finish(mut self, release: Option<usize>) -> (Vec<String>, Findings) {
        for (soname, files) in &self.unknown {
            self.findings.push(unknown(soname, files, release));
        }
        for (floor, files) in &self.newer {
            let has = release.map_or("", |release| GLIBC_OF[release]);
            let distribution = release.map_or("", |release| DISTRIBUTIONS[release]);
            let message = format!("{} glibc {floor}, and `{distribution}` has {has}", who(files, "needs"));
            let help = format!("build it on `{distribution}`, or make the package for a newer one");
            self.findings.push(Diagnostic::error(codes::ELF_WRONG_LIBC, message).path(files[0]).help(help));
        }
        for ((soname, place), files) in &self.astray {
            let message =
                format!("{} `{soname}`, which the package has at `{place}`, off its path", who(files, "needs"));
            self.findings.push(
                Diagnostic::warning(codes::ELF_NOT_ON_PATH, message)
                    .path(files[0])
                    .help(format!(
                        "link with a run path that leads there, or run `patchelf --set-rpath` on `{}`",
                        files[0]
                    ))
                    .help(format!(
                        "`\"{soname}\" = \"\"` under `[format.deb.libraries]` says that it is found all the same"
                    )),
            );
        }
        for path in &self.private {
            let message = format!("`{path}` uses `GLIBC_PRIVATE` symbols, which only one build of the C library has");
            self.findings.push(
                Diagnostic::warning(codes::ELF_PRIVATE_SYMBOL, message)
                    .path(path)
                    .help("link it against public symbols, or leave it out if it is a copy of a system library"),
            );
        }
        for ((version, soname), files) in &self.unread {
            let message = format!("{} `{version}` of `{soname}`, newer than fitout's table", who(files, "needs"));
            self.findings.push(Diagnostic::warning(codes::ELF_UNKNOWN_VERSION, message).path(files[0]).help(format!(
                "give the bound yourself: `\"{soname}\" = \"PACKAGE (>= VERSION)\"` under `[format.deb.libraries]`"
            )));
        }
        let mut relations = self.typed;
        for (names, floor) in &self.packages {
            let spelled = names.iter().map(|name| match floor {
                Some(floor) => format!("{name} (>= {floor})"),
                None => (*name).to_owned(),
            });
            relations.insert(spelled.collect::<Vec<_>>().join(" | "));
        }
        (relations.into_iter().collect(), self.findings)
    }
}

fn unknown(soname: &str, files: &[&str], release: Option<usize>) -> Diagnostic {
    if let Some(release) = release.filter(|_| table::row(soname).is_some()) {
        let message = format!("{} `{soname}`, which `{}` does not have", who(files, "needs"), DISTRIBUTIONS[release]);
        return Diagnostic::error(codes::ELF_NOT_IN_DISTRIBUTION, message)
            .path(files[0])
            .help(format!(
                "build it on `{}`, or pack it: `bundle = [\"{soname}\"]` under `[package]`",
                DISTRIBUTIONS[release]
            ))
            .help(format!("or say which package has it: `\"{soname}\" = \"PACKAGE\"` under `[format.deb.libraries]`"));
    }
    let message = format!("{} `{soname}`, which is neither in the package nor in fitout's table", who(files, "needs"));
    let finding = Diagnostic::warning(codes::ELF_UNKNOWN_SONAME, message)
        .path(files[0])
        .help(format!("say which package has it: `\"{soname}\" = \"PACKAGE\"` under `[format.deb.libraries]`"))
        .help(format!("or pack it: `bundle = [\"{soname}\"]` under `[package]`"));
    match table::nearest(soname) {
        Some(near) => finding.note(format!("the table has `{near}`")),
        None => finding,
    }
}

/// "`a` needs", "`a` and 2 more files need".
fn who(files: &[&str], verb: &str) -> String {
    match files.len() {
        1 => format!("`{}` {verb}", files[0]),
        2 => format!("`{}` and 1 more file {}", files[0], verb.trim_end_matches('s')),
        n => format!("`{}` and {} more files {}", files[0], n - 1, verb.trim_end_matches('s')),
    }
}
