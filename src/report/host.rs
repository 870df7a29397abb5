//! What the ELF files of an artifact need of the host, and which distributions have it: "built here, runs there".
//!
//! Enters: a [`Listing`] with what its ELF files say. Leaves: needs, and a verdict for each distribution in `table`. What
//! the artifact brings along and the loader finds there is no need. What is loaded by dlopen(3), and programs that
//! scripts call, are not seen. Not here: relations of packages, which the formats derive themselves.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::words;
use crate::assemble::loader::{Found, Inside};
use crate::assemble::plan::ElfFile;
use crate::formats::deb::shlibs::{self, Floor, Verdict};
use crate::formats::{ListedKind, Listing};

mod table;
#[cfg(test)]
mod tests;

use table::{SYSTEMS, System};

/// What glibc is called among the needs.
const GLIBC: &str = "glibc";
const MUSL: &str = "musl";
/// Package of the table that has glibc's libraries, and what of them has another name.
const GLIBC_PACKAGE: &str = "libc6";

/// What an artifact needs of its host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Host {
    /// Sorted by library, the C library first.
    pub needs: Vec<Need>,
    /// In the order of the table.
    pub systems: Vec<Answer>,
    /// It is an OTP release without a runtime system.
    pub wants_erlang: bool,
    /// ELF files that could not be looked into.
    pub unread: usize,
}

/// One library of the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Need {
    /// `glibc`, `musl`, or a soname.
    pub library: String,
    /// The lowest version that will do: `2.34`, `GLIBCXX_3.4.30`; none if any will.
    pub version: Option<String>,
    /// The file that asks for that.
    pub file: String,
    /// How many files need the library.
    pub files: usize,
    #[serde(skip)]
    floor: Option<Floor>,
}

/// Whether one distribution has all that is needed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// `debian-12`, `el-9`.
    pub distribution: &'static str,
    /// The answer.
    pub runs: Runs,
    /// What it does not have, or not in a version that is new enough.
    pub lacks: Vec<String>,
    /// Libraries of which fitout does not know whether it has them.
    pub unknown: Vec<String>,
}

/// The answer for one distribution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Runs {
    /// It has everything.
    Yes,
    /// Something is missing.
    No,
    /// It has all that fitout knows of.
    Unknown,
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&words::printable(&self.library))?;
        self.version.iter().try_for_each(|version| write!(f, " {}", words::printable(version)))
    }
}

impl Host {
    /// Of an artifact; `None` where there is nothing that could need something.
    pub fn of(listing: &Listing) -> Option<Self> {
        let programs = &listing.programs;
        let wants_erlang = listing.format != "oci" && wants_erlang(listing);
        if programs.files.is_empty() && programs.unread == 0 && !wants_erlang {
            return None;
        }
        let needs = needs(listing);
        let systems = SYSTEMS.iter().map(|system| answer(system, &needs, programs.unread > 0)).collect();
        Some(Self { needs, systems, wants_erlang, unread: programs.unread })
    }
}

/// Whether there is an OTP release whose runtime system is the host's.
fn wants_erlang(listing: &Listing) -> bool {
    let live = |path: &'_ str| path.strip_suffix("/releases/start_erl.data").map(str::to_owned);
    let mut roots = listing.entries.iter().filter_map(|entry| live(&entry.path));
    roots.any(|root| {
        let runtime = format!("{root}/erts-");
        let at = listing.entries.partition_point(|entry| entry.path.as_str() < runtime.as_str());
        !listing.entries.get(at).is_some_and(|entry| entry.path.starts_with(&runtime))
    })
}

fn needs(listing: &Listing) -> Vec<Need> {
    let files: BTreeMap<&str, &ElfFile> = listing.programs.files.iter().map(|(path, f)| (path.as_str(), f)).collect();
    let places = listing.entries.iter().filter_map(|entry| match &entry.kind {
        ListedKind::Directory => None,
        ListedKind::Symlink(target) => Some((entry.path.as_str(), Some(target.as_str()))),
        _ => Some((entry.path.as_str(), None)),
    });
    let inside = Inside::of_places(places, &files);
    let mut needs: BTreeMap<String, Need> = BTreeMap::new();
    for (path, file) in &files {
        let mut asked: BTreeMap<String, Option<(Floor, String)>> = BTreeMap::new();
        for soname in file.needed.iter().filter(|soname| inside.find(path, soname) != Found::Reachable) {
            let floor = floor(file, soname);
            let known = asked.entry(library(soname)).or_default();
            *known = known.take().max(floor);
        }
        for (library, floor) in asked {
            take(&mut needs, library, floor, path);
        }
    }
    let is_libc = |need: &Need| need.library == GLIBC || need.library == MUSL;
    let (mut first, others): (Vec<Need>, Vec<Need>) = needs.into_values().partition(is_libc);
    first.extend(others);
    first
}

fn take(needs: &mut BTreeMap<String, Need>, library: String, asked: Option<(Floor, String)>, path: &str) {
    let (floor, version) = asked.unzip();
    let need = needs.entry(library.clone()).or_insert_with(|| Need {
        library,
        version: None,
        file: path.to_owned(),
        files: 0,
        floor: None,
    });
    need.files += 1;
    if floor > need.floor {
        (need.floor, need.version, need.file) = (floor, version, path.to_owned());
    }
}

/// The library as it is told: the parts of a C library are one.
fn library(soname: &str) -> String {
    match shlibs::row(soname).map(|row| row.packages[0]) {
        Some(GLIBC_PACKAGE) => GLIBC.to_owned(),
        Some(MUSL) => MUSL.to_owned(),
        _ => soname.to_owned(),
    }
}

/// The highest of the versions that a file wants of a library, as a bound and as it is told.
fn floor(file: &ElfFile, soname: &str) -> Option<(Floor, String)> {
    let row = shlibs::row(soname)?;
    let bounds = file.verneed.get(soname)?.iter().filter_map(|version| match row.floor(version) {
        Verdict::AtLeast(floor) if row.packages[0] == GLIBC_PACKAGE => {
            let told = floor.to_string();
            Some((floor, told))
        }
        Verdict::AtLeast(floor) => Some((floor, version.clone())),
        _ => None,
    });
    bounds.max()
}

/// The answer of a system; where some files are `unread`, it is not sure.
fn answer(system: &System, needs: &[Need], unread: bool) -> Answer {
    let (mut lacks, mut unknown) = (Vec::new(), Vec::new());
    for need in needs {
        let soname = need.library.as_str();
        let too_new = |has: &str| need.floor.as_ref().is_some_and(|floor| floor.is_above(has));
        let has = match soname {
            GLIBC => Some(true),
            MUSL => Some(system.packages.is_some()),
            soname => in_packages(system, soname).or_else(|| system.has(soname)),
        };
        let version = match soname {
            GLIBC => Some(system.glibc),
            "libstdc++.so.6" | "libgcc_s.so.1" => Some(system.gcc),
            "libcrypto.so.3" | "libssl.so.3" => Some(system.openssl),
            _ => None,
        };
        match (has, version) {
            (Some(false), _) => lacks.push(words::printable(soname)),
            (None, _) => unknown.push(words::printable(soname)),
            (Some(true), Some(version)) if too_new(version) => lacks.push(need.to_string()),
            (Some(true), None) if table::lowest(soname).is_some_and(too_new) => unknown.push(need.to_string()),
            (Some(true), _) => {}
        }
    }
    if unread {
        unknown.push("what was not understood".to_owned());
    }
    let runs = match (lacks.is_empty(), unknown.is_empty()) {
        (false, _) => Runs::No,
        (true, false) => Runs::Unknown,
        (true, true) => Runs::Yes,
    };
    Answer { distribution: system.name, runs, lacks, unknown }
}

/// Whether a package of the distribution has the library, where its packages are known and have it anywhere.
fn in_packages(system: &System, soname: &str) -> Option<bool> {
    let place = system.packages?;
    shlibs::row(soname).map(|row| !row.packages[place].is_empty())
}

/// The lines of `fitout inspect`: a label, and what stands beside it.
pub fn lines(host: &Host) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    let wide = host.needs.iter().map(|need| need.to_string().chars().count()).max().unwrap_or_default();
    for need in &host.needs {
        let more = match need.files {
            1 => String::new(),
            n => format!(" and {} more", words::count(n - 1)),
        };
        lines.push(("host needs", format!("{:<wide$}  {}{more}", need.to_string(), words::printable(&need.file))));
    }
    if host.wants_erlang {
        lines.push(("host needs", "Erlang/OTP, the very one of the release, which brings no ERTS".to_owned()));
    }
    if host.unread > 0 {
        let files = words::plural(host.unread, "ELF file", "ELF files");
        lines.push(("host needs", format!("what {files} may need, not understood")));
    }
    let of = |wanted: Runs| host.systems.iter().filter(move |answer| answer.runs == wanted);
    let yes: Vec<&str> = of(Runs::Yes).map(|answer| answer.distribution).collect();
    let with = if host.wants_erlang { ", with that Erlang/OTP" } else { "" };
    if yes.len() == host.systems.len() {
        lines.push(("runs on", format!("every distribution that fitout knows{with}")));
    } else if !yes.is_empty() {
        lines.push(("runs on", format!("{}{with}", yes.join(", "))));
    }
    lines.extend(alike(of(Runs::No), |answer| &answer.lacks).into_iter().map(|line| ("not on", line)));
    lines.extend(alike(of(Runs::Unknown), |answer| &answer.unknown).into_iter().map(|line| ("perhaps on", line)));
    lines
}

/// A line for all distributions of which the same is told.
fn alike<'h>(answers: impl Iterator<Item = &'h Answer>, told: impl Fn(&'h Answer) -> &'h [String]) -> Vec<String> {
    let mut groups: Vec<(Vec<&str>, &[String])> = Vec::new();
    for answer in answers {
        match groups.iter_mut().find(|(_, same)| *same == told(answer)) {
            Some((names, _)) => names.push(answer.distribution),
            None => groups.push((vec![answer.distribution], told(answer))),
        }
    }
    groups.iter().map(|(names, told)| format!("{}: {}", names.join(", "), told.join(", "))).collect()
}
