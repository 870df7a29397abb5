//! What kind of content each file has: its colour, and its class (v4) or MIME type (v6).
//!
//! Enters: the files of a package and what the Plan knows of them. Leaves: tags. rpmbuild asks libmagic, whose words
//! change from release to release; fitout says what it knows by itself (ELF files, scripts, what is empty) in libmagic's
//! words, and nothing of the rest.
//!
//! What readers make of it: rpm settles conflicts between 32 and 64 bits by the colours, and shows the others on request
//! only. rpmlint believes a class that it finds and looks into the file itself where there is none, so a v4 package has
//! no class for files: "ELF" alone would hide from it that a program is not stripped.
//!
//! Sources: rpm's `build/rpmfc.c`; rpmlint's `pkg.py`.

use std::collections::BTreeMap;

use ::rpm::IndexTag as T;

use super::elfdeps::content_path;
use super::files::File;
use super::header::Writer;
use crate::assemble::plan::{ElfFile, Kind, Plan, Role};

/// Writes the tags of a package's files; there is at least one.
pub(super) fn write(files: &[File<'_>], plan: &Plan, header: &mut Writer) {
    header.int32(T::RPMTAG_FILECOLORS, files.iter().map(|file| color(file, plan)));
    let mut dictionary = Dictionary::default();
    if plan.rpm.format_version == 6 {
        let indexes: Vec<u32> = files.iter().map(|file| dictionary.index(mime(file, plan))).collect();
        header.int32(T::RPMTAG_FILEMIMEINDEX, indexes);
        header.texts(T::RPMTAG_MIMEDICT, dictionary.words);
    } else {
        // The class of a symbolic link is left to the reader, who sees its target.
        let class = |file: &File<'_>| if matches!(file.entry.kind, Kind::Directory { .. }) { "directory" } else { "" };
        let indexes: Vec<u32> = files.iter().map(|file| dictionary.index(class(file))).collect();
        header.int32(T::RPMTAG_FILECLASS, indexes);
        header.texts(T::RPMTAG_CLASSDICT, dictionary.words);
    }
}

/// Words in the order in which they come up.
#[derive(Default)]
struct Dictionary {
    words: Vec<&'static str>,
    places: BTreeMap<&'static str, u32>,
}

impl Dictionary {
    fn index(&mut self, word: &'static str) -> u32 {
        *self.places.entry(word).or_insert_with(|| {
            self.words.push(word);
            // There are some twenty words.
            u32::try_from(self.words.len() - 1).unwrap_or_default()
        })
    }
}

fn elf<'p>(file: &File<'p>, plan: &'p Plan) -> Option<&'p ElfFile> {
    let is_file = matches!(file.entry.kind, Kind::File(_) | Kind::Hardlink { .. });
    plan.elf.files.get(content_path(file.entry)).filter(|_| is_file && file.entry.role != Role::Ghost)
}

/// 1 for ELF of 32 bits, 2 for 64; like rpmbuild only where there is an x bit.
fn color(file: &File<'_>, plan: &Plan) -> u32 {
    let elf = elf(file, plan).filter(|_| file.entry.mode & 0o111 != 0);
    elf.map_or(0, |elf| if elf.is_64 { 2 } else { 1 })
}

/// The MIME type; `""` where nobody looked.
fn mime(file: &File<'_>, plan: &Plan) -> &'static str {
    match file.entry.kind {
        Kind::Directory { .. } => return "inode/directory",
        Kind::Symlink { .. } => return "inode/symlink",
        _ if file.entry.role == Role::Ghost => return "",
        _ => {}
    }
    if let Some(elf) = elf(file, plan) {
        return match (elf.linked, elf.shared, elf.debug) {
            (false, ..) => "application/x-object",
            (true, false, _) => "application/x-executable",
            (true, true, true) => "application/x-pie-executable",
            (true, true, false) => "application/x-sharedlib",
        };
    }
    if file.size == 0 {
        return "inode/x-empty";
    }
    plan.elf.shebangs.get(content_path(file.entry)).map_or("", |line| script(line))
}

/// The type of a script by the program of its `#!` line, also where `env` looks for it.
fn script(line: &str) -> &'static str {
    let mut words = line.split_ascii_whitespace().map(|word| word.rsplit('/').next().unwrap_or(word));
    let mut program = words.next().unwrap_or_default();
    if program == "env" {
        program = words.find(|word| !word.starts_with('-') && !word.contains('=')).unwrap_or_default();
    }
    match program.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.') {
        "sh" | "bash" | "dash" | "ash" | "ksh" | "mksh" | "zsh" | "fish" | "csh" | "tcsh" => "text/x-shellscript",
        "awk" | "mawk" | "nawk" => "text/x-awk",
        "gawk" => "text/x-gawk",
        "lua" => "text/x-lua",
        "node" | "nodejs" => "application/javascript",
        "perl" => "text/x-perl",
        "php" => "text/x-php",
        "python" => "text/x-script.python",
        "ruby" => "text/x-ruby",
        "tclsh" | "wish" => "text/x-tcl",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_are_known_by_their_program() {
        for (line, expected) in [
            ("/bin/sh", "text/x-shellscript"),
            ("/bin/bash -e", "text/x-shellscript"),
            ("/usr/bin/env -S LC_ALL=C dash -e", "text/x-shellscript"),
            ("/usr/bin/python3.13 -I", "text/x-script.python"),
            ("/usr/bin/env python3", "text/x-script.python"),
            ("/usr/bin/perl", "text/x-perl"),
            ("/usr/bin/lua5.4", "text/x-lua"),
            ("/usr/bin/env escript", ""),
            ("/usr/bin/env", ""),
            ("", ""),
        ] {
            assert_eq!(script(line), expected, "{line}");
        }
    }
}
