//! Content of an artifact, while it streams by -> what its ELF files say.
//!
//! Enters: bytes of any origin. Leaves: an [`ElfFile`] by path. The tables of an ELF file lie anywhere in it, so its content
//! is kept until it has been read: in memory, and beyond [`IN_MEMORY`] in an unnamed file. What is kept of all files
//! together is bounded, whatever they claim. Not here: what a need means for a host (`report/host.rs`).

use std::collections::BTreeMap;
use std::io::Write as _;

use tempfile::SpooledTempFile;

use crate::assemble::elf;
use crate::assemble::plan::ElfFile;

/// Bytes of one file that are kept in memory.
const IN_MEMORY: usize = 8 << 20;
/// Bytes of a file that is looked into; programs with all their debug information are smaller.
const LARGEST: u64 = 1 << 30;
/// Bytes of names that all files may have together; a browser has two million.
const MOST_NAMES: usize = 32 << 20;
/// How an ELF file begins.
const MAGIC: &[u8] = b"\x7fELF";

/// What the ELF files of an artifact say.
#[derive(Debug, Clone, Default)]
pub struct Programs {
    /// By path on the host.
    pub files: BTreeMap<String, ElfFile>,
    /// Files that begin like ELF and were not understood, or came after what is kept.
    pub unread: usize,
    names: usize,
}

impl Programs {
    /// Takes what was seen of the file at `path` with this mode.
    pub fn take(&mut self, path: &str, mode: u32, watch: Watch) {
        match watch.finish(mode & 0o111 != 0) {
            Seen::Other => {}
            Seen::Unread => self.unread += 1,
            Seen::Elf(mut file) => {
                // Most names of a large library, and nothing asks which versions it has for others.
                file.verdef.clear();
                let texts = file.needed.iter().chain(&file.rpath).chain(&file.runpath).chain(&file.interpreter);
                let versions = file.verneed.iter().flat_map(|(soname, versions)| versions.iter().chain([soname]));
                // Each costs its place as well.
                let cost = texts.chain(versions).fold(path.len() + 512, |sum, text| sum + text.len() + 32);
                self.names = self.names.saturating_add(cost);
                if self.names > MOST_NAMES {
                    self.unread += 1;
                } else {
                    self.files.insert(path.to_owned(), *file);
                }
            }
        }
    }

    /// Takes a leading folder off all paths.
    pub fn strip(&mut self, folder: &str) {
        let files = std::mem::take(&mut self.files);
        let shorter = |path: String| path.strip_prefix(folder).map(str::to_owned).unwrap_or(path);
        self.files = files.into_iter().map(|(path, file)| (shorter(path), file)).collect();
    }
}

/// One file while it streams by.
#[derive(Debug, Default)]
pub struct Watch {
    head: Vec<u8>,
    kept: Option<SpooledTempFile>,
    size: u64,
    failed: bool,
}

/// What a file was.
enum Seen {
    /// No ELF file.
    Other,
    /// One that could not be looked into.
    Unread,
    /// One that could.
    Elf(Box<ElfFile>),
}

impl Watch {
    /// The next bytes of the file.
    pub fn see(&mut self, bytes: &[u8]) {
        if self.head.len() < MAGIC.len() {
            let more = (MAGIC.len() - self.head.len()).min(bytes.len());
            let (first, rest) = bytes.split_at(more);
            self.head.extend_from_slice(first);
            if self.head == MAGIC {
                self.keep(MAGIC);
                self.keep(rest);
            }
        } else if self.kept.is_some() {
            self.keep(bytes);
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        self.size = self.size.saturating_add(bytes.len() as u64);
        let kept = self.kept.get_or_insert_with(|| SpooledTempFile::new(IN_MEMORY));
        if self.failed || self.size > LARGEST || kept.write_all(bytes).is_err() {
            self.failed = true;
            self.kept = Some(SpooledTempFile::new(0));
        }
    }

    fn finish(self, executable: bool) -> Seen {
        let Some(mut kept) = self.kept else { return Seen::Other };
        if self.failed {
            return Seen::Unread;
        }
        match elf::read(&mut kept, executable) {
            Ok(Some(file)) => Seen::Elf(Box::new(file)),
            Ok(None) | Err(_) => Seen::Unread,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_elf_file_is_told_whatever_the_pieces() {
        let program = std::fs::read("/proc/self/exe").unwrap();
        let mut programs = Programs::default();
        for step in [1, 3, 4096] {
            let mut watch = Watch::default();
            // Byte by byte only where the magic number is.
            program[..64].chunks(step).for_each(|bytes| watch.see(bytes));
            program[64..].chunks(1 << 16).for_each(|bytes| watch.see(bytes));
            programs.take(&format!("/{step}"), 0o755, watch);
        }
        assert_eq!((programs.files.len(), programs.unread), (3, 0));
        assert!(programs.files["/1"].needed.contains(&"libc.so.6".to_owned()));
        assert_eq!(programs.files["/1"], programs.files["/4096"]);
    }

    #[test]
    fn what_is_none_or_cut_off_is_not_told() {
        let mut programs = Programs::default();
        for (path, content) in
            [("/empty", &b""[..]), ("/text", b"#!/bin/sh\n"), ("/cut", b"\x7fELF\x02"), ("/le", b"\x7fE")]
        {
            let mut watch = Watch::default();
            watch.see(content);
            programs.take(path, 0o755, watch);
        }
        assert_eq!((programs.files.len(), programs.unread), (0, 1));
    }
}
