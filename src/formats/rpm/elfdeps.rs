//! What the ELF files and scripts of the package need and provide, in rpm's words.
//!
//! Enters: [`Plan`], whose `elf` holds sonames, symbol versions and `#!` lines. Leaves: names of capabilities, exactly
//! those that the generators of rpm 4.18 would print (`elfdeps`, `script.req`); like them, nothing that the package
//! provides itself is taken out of what it requires. Only bundled libraries, which rpm knows nothing of, are left out, as
//! `%__provides_exclude_from` and `%__requires_exclude` would have it: they are private to the package. Not here: `config(name)`, `rpmlib(…)`, what the user typed.
//!
//! A file without section headers is read by its program headers; rpm's own tool says nothing about such a file.

use std::collections::BTreeSet;

use crate::assemble::plan::{ElfFile, Entry, Kind, Plan};

#[cfg(test)]
mod tests;

/// What the files require: `libc.so.6(GLIBC_2.34)(64bit)`, `rtld(GNU_HASH)`, `/bin/sh`. Empty when `auto_requires` is off.
pub fn requires(plan: &Plan) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for entry in entries(plan) {
        if let Some((file, _)) = elf_of(plan, entry) {
            all.extend(file_requires(file));
        }
        if entry.mode & 0o111 != 0
            && let Some(line) = plan.elf.shebangs.get(content_path(entry))
        {
            all.extend(script_requires(line));
        }
    }
    all
}

/// What the files provide: `libfoo.so.1()(64bit)`. Empty when `auto_requires` is off.
pub fn provides(plan: &Plan) -> BTreeSet<String> {
    let files = entries(plan).filter_map(|entry| elf_of(plan, entry));
    files.filter(|(file, _)| !file.bundled).flat_map(|(file, path)| file_provides(file, path)).collect()
}

fn entries(plan: &Plan) -> impl Iterator<Item = &Entry> {
    plan.entries_for("rpm").filter(|_| plan.rpm.auto_requires)
}

/// The path that the facts know the content by: for a hard link, that of the first name.
pub(super) fn content_path(entry: &Entry) -> &str {
    match &entry.kind {
        Kind::Hardlink { target } => target,
        _ => &entry.path,
    }
}

fn elf_of<'p>(plan: &'p Plan, entry: &'p Entry) -> Option<(&'p ElfFile, &'p str)> {
    let is_file = matches!(entry.kind, Kind::File(_) | Kind::Hardlink { .. });
    let file = plan.elf.files.get(content_path(entry)).filter(|_| is_file)?;
    Some((file, &entry.path))
}

/// What one file requires.
pub fn file_requires(file: &ElfFile) -> BTreeSet<String> {
    // A program that cannot be run needs nothing; a library has no interpreter and is never run.
    if !file.linked || (file.interpreter.is_some() && !file.executable) {
        return BTreeSet::new();
    }
    let of_host = |soname: &&String| !file.served.contains(*soname);
    let needed = file.needed.iter().filter(of_host);
    let mut all: BTreeSet<String> = needed.filter_map(|soname| capability(file, soname, "")).collect();
    for (soname, versions) in file.verneed.iter().filter(|(soname, _)| of_host(soname)) {
        all.extend(versions.iter().filter_map(|version| capability(file, soname, version)));
    }
    if file.gnu_hash_only {
        all.insert("rtld(GNU_HASH)".to_owned());
    }
    all
}

/// What one file provides; a library without a soname goes by the name in `path`.
pub fn file_provides(file: &ElfFile, path: &str) -> BTreeSet<String> {
    if !file.linked {
        return BTreeSet::new();
    }
    let mut all = BTreeSet::new();
    if let Some(base) = &file.verdef_base {
        all.extend(file.verdef.iter().filter_map(|version| capability(file, base, version)));
    }
    // DT_DEBUG marks position-independent programs, which are no libraries.
    if file.shared && !file.debug {
        let name = path.rsplit('/').next().unwrap_or(path);
        all.extend(capability(file, file.soname.as_deref().unwrap_or(name), ""));
    }
    all
}

/// `SONAME(VERSION)(64bit)`; bare `SONAME` for 32 bit without version. Names that are no library's are left out.
fn capability(file: &ElfFile, soname: &str, version: &str) -> Option<String> {
    const LOADERS: [&str; 5] = ["lib", "ld.", "ld-", "ld64.", "ld64-"];
    if !soname.contains(".so") || !LOADERS.iter().any(|start| soname.starts_with(start)) {
        return None;
    }
    let marker = if file.is_64 { "(64bit)" } else { "" };
    Some(if version.is_empty() && marker.is_empty() {
        soname.to_owned()
    } else {
        format!("{soname}({version}){marker}")
    })
}

/// What a script requires by its `#!` line: the programs that are named by their whole path: the first, and what `env` starts. What `env` would
/// look for in `PATH` has no path, and rpm does not ask for it.
pub fn script_requires(line: &str) -> Vec<String> {
    let mut words = line.split_ascii_whitespace();
    let first = words.next().filter(|word| word.starts_with('/'));
    let second = words.next().filter(|word| word.starts_with('/'));
    let through_env = first.is_some_and(|program| program.ends_with("/bin/env"));
    first.into_iter().chain(second.filter(|_| through_env)).map(str::to_owned).collect()
}
