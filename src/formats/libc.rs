//! Programs of another C library than that of the distributions whose packages are made: they would install and not start.
//!
//! Enters: the ELF files of a plan. Leaves: errors. Debian and the distributions of rpm are glibc's. musl can be installed
//! beside it, so a program that needs nothing else of the system is fine; the system's other libraries are glibc's, and no
//! program of musl loads them.

use std::collections::BTreeMap;

use crate::assemble::loader::{Found, Inside};
use crate::assemble::plan::{ElfFile, Kind, Plan};
use crate::diagnostic::{Diagnostic, Findings, codes};

/// What the C library of musl is called: `libc.musl-x86_64.so.1`.
const MUSL: &str = "libc.musl-";

/// Files of a format that are linked with musl and with something of the system. What the config says of a library itself is
/// `known`.
pub(super) fn of_musl(plan: &Plan, format: &str, known: impl Fn(&str) -> bool) -> Findings {
    let files = elf_files(plan, format);
    let of_musl = |file: &ElfFile| file.needed.iter().any(|soname| soname.starts_with(MUSL));
    if !files.values().any(|file| of_musl(file)) {
        return Findings::new();
    }
    let inside = Inside::new(plan.entries_for(format), &files);
    let of_system = |path: &str, soname: &str| {
        !soname.starts_with(MUSL) && !known(soname) && matches!(inside.find(path, soname), Found::Nowhere)
    };
    let one = |(path, file): (&&str, &&ElfFile)| {
        let other = file.needed.iter().find(|soname| of_system(path, soname)).filter(|_| of_musl(file))?;
        let message = format!("`{path}` is linked with musl, and needs `{other}` of a system whose C library is glibc");
        let entry = plan.entries.iter().find(|entry| *entry.path == **path)?;
        let found = Diagnostic::error(codes::ELF_WRONG_LIBC, message)
            .path(path)
            .at_origin(&entry.origin, "put there by this rule");
        Some(found.help("build it on a distribution with glibc: `sandbox = \"podman:debian:bookworm\"` under `[build]` does so anywhere"))
    };
    files.iter().filter_map(one).collect()
}

/// The ELF files of a format by path.
pub(super) fn elf_files<'p>(plan: &'p Plan, format: &str) -> BTreeMap<&'p str, &'p ElfFile> {
    let files = plan.entries_for(format).filter(|entry| matches!(entry.kind, Kind::File(_)));
    files.filter_map(|entry| Some((entry.path.as_ref(), plan.elf.files.get(&entry.path)?))).collect()
}
