//! Which files of the package are programs, and whether they run on the target.
//!
//! Enters: settled entries and their sources. Leaves: [`ElfFacts`] and findings. What an ELF file says is read by
//! [`super::elf`]; here only the first bytes of every file are looked at.

use std::collections::BTreeMap;
use std::io::{Cursor, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;

use super::heads::Said;
use super::plan::{Content, ElfFacts, ElfFile, Entry, Kind, Role, Sources, Target};
use super::{content, elf};
use crate::diagnostic::{Diagnostic, Findings, codes};

/// The kernel looks at that much of a script: `BINPRM_BUF_SIZE` of linux/binfmts.h.
const HEAD: usize = 256;
const MAGIC: &[u8] = b"\x7fELF";
/// `e_machine` of eBPF: bytecode that the kernel of every architecture runs.
const EM_BPF: u16 = 247;

/// Reads what every ELF file and script among `entries` says. `project` shortens paths in findings.
pub fn elf_facts(
    entries: &[Entry],
    sources: &Sources,
    target: &Target,
    project: &Path,
    findings: &mut Findings,
) -> ElfFacts {
    // To open a file takes longer than to look at its first bytes; what an earlier build saw is not opened.
    let looked: Vec<Look> = entries.par_iter().map(|entry| look(entry, sources, project)).collect();
    let mut facts = ElfFacts::default();
    for (entry, look) in entries.iter().zip(looked) {
        let (said, shown) = match look {
            Look::Nothing => continue,
            Look::SameAs(target) => {
                same(&mut facts.files, target, entry);
                same(&mut facts.shebangs, target, entry);
                continue;
            }
            Look::Content(said, shown) => (said, shown),
        };
        match said {
            Ok(Said::Nothing) => {}
            Ok(Said::Script(program)) => {
                facts.shebangs.insert(Arc::clone(&entry.path), program);
            }
            Ok(Said::Elf(file)) => {
                findings.extend(wrong_arch(entry, &file, target));
                facts.files.insert(Arc::clone(&entry.path), *file);
            }
            Err(error) => {
                let finding = match &error {
                    elf::ElfError::Io(cause) => content::unreadable(&shown, cause),
                    damaged => damaged.diagnostic(&shown),
                };
                findings.push(finding.at_origin(&entry.origin, "taken by this rule"));
            }
        }
    }
    facts
}

/// What a look at an entry gives.
enum Look<'a> {
    Nothing,
    /// It is another name of the file at this path.
    SameAs(&'a Arc<str>),
    /// What its content says, and its name in messages.
    Content(Result<Said, elf::ElfError>, String),
}

fn look<'a>(entry: &'a Entry, sources: &Sources, project: &Path) -> Look<'a> {
    if entry.role == Role::Ghost {
        return Look::Nothing;
    }
    let executable = entry.mode & 0o111 != 0;
    match &entry.kind {
        Kind::Directory { .. } | Kind::Symlink { .. } => Look::Nothing,
        Kind::Hardlink { target } => Look::SameAs(target),
        Kind::File(source) => match &sources.list()[source.id.0 as usize] {
            // A blob of a base image is no entry of the tree, and what is changed is changed after this.
            Content::Slice { .. } | Content::Patched { .. } => Look::Nothing,
            Content::File { stat, .. } if stat.size == 0 => Look::Nothing,
            Content::Made(bytes) => Look::Content(said(&mut Cursor::new(bytes), executable), entry.path.to_string()),
            Content::File { path, stat } => {
                let open = || fs_err::File::open(path).map_err(elf::ElfError::Io);
                let look = || open().and_then(|mut file| said(&mut file, executable));
                match sources.heads.of(path, stat, executable, look) {
                    Ok(Said::Nothing) => Look::Nothing,
                    said => Look::Content(said, content::show(project, path)),
                }
            }
        },
    }
}

/// One inode, one mode: what the first name of a file says holds for its other names.
fn same<T: Clone>(facts: &mut BTreeMap<Arc<str>, T>, first: &Arc<str>, entry: &Entry) {
    if let Some(fact) = facts.get(first).cloned() {
        facts.insert(Arc::clone(&entry.path), fact);
    }
}

fn said(file: &mut (impl Read + Seek), executable: bool) -> Result<Said, elf::ElfError> {
    let mut head = [0; HEAD];
    let mut length = 0;
    while length < HEAD {
        match file.read(&mut head[length..])? {
            0 => break,
            more => length += more,
        }
    }
    let head = &head[..length];
    if head.starts_with(MAGIC) {
        file.seek(SeekFrom::Start(0))?;
        return Ok(elf::read(file, executable)?.map_or(Said::Nothing, |file| Said::Elf(Box::new(file))));
    }
    Ok(elf::shebang(head).filter(|_| executable).map_or(Said::Nothing, Said::Script))
}

/// A file for another machine would install and not run.
fn wrong_arch(entry: &Entry, file: &ElfFile, target: &Target) -> Option<Diagnostic> {
    if file.machine == EM_BPF || elf::runs_on(file, target.arch) {
        return None;
    }
    let machine = elf::machine_name(file);
    let message = format!("`{}` is built for {machine}, and this package is for {}", entry.path, target.arch.go());
    Some(
        Diagnostic::error(codes::ELF_WRONG_ARCH, message)
            .path(entry.path.as_ref())
            .at_origin(&entry.origin, "put there by this rule")
            .help(match elf::arch_of(file) {
                Some(arch) => {
                    format!("build it for {target}, or make the package with `targets = [\"linux/{}\"]`", arch.go())
                }
                None => format!("build it for {target}, or exclude it"),
            }),
    )
}
