//! One more folder where the loader looks for what an ELF file needs: what patchelf does, as a [`Patch`].
//!
//! Enters: an ELF file and a folder. Leaves: the changes that put the folder first on its run path, or why that cannot be
//! done. The string table with the new path, and the dynamic section if it has no room for one more tag, go to the end of
//! the last loadable segment, which becomes longer by them; what the segment had as zeros without bytes in the file
//! (`.bss`) then stands in the file. So no address of the program changes, no program header is added, and the file still
//! begins as the kernel wants it. What follows in the file (symbols, debug information, section headers) moves up.
//!
//! Not here: which file needs it (`bundle.rs`).

use std::io::{Read, Seek};

use object::elf;

use super::ElfError;
use super::bytes::{Bytes, Range};
use super::tables::{Header, Headers};
use crate::assemble::patch::{Edit, Patch};

mod dynamic;
mod headers;
#[cfg(test)]
mod tests;

use dynamic::{Dynamic, New};
use headers::{HeaderTables, Seg};

/// The most of `.bss` that is written out, in bytes.
const MOST_ZEROS: u64 = 64 << 20;
/// Where new tables begin: the largest alignment that any of them asks for.
const GRAIN: u64 = 16;
/// The largest alignment of a section that is kept when it moves.
const MOST_ALIGNED: u64 = 1 << 16;

/// Why a run path cannot be set.
#[derive(Debug, thiserror::Error)]
pub enum RunPathError {
    /// It cannot be read, or contradicts itself.
    #[error(transparent)]
    Elf(#[from] ElfError),
    /// It has no dynamic section: it is linked statically.
    #[error("it has no dynamic section")]
    Static,
    /// Without section headers it cannot be told what else is in the file.
    #[error("it has no section headers")]
    NoSections,
    /// What a self-extracting program carries, which finds it by its place.
    #[error("data is appended to it")]
    Appended,
    /// Most likely an address behind the end of a 32-bit one.
    #[error("a number does not fit into its field")]
    Full,
    /// Another arrangement than that of any linker known here.
    #[error("{0}")]
    Layout(&'static str),
}

/// Which tag a file gets that has neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tag {
    /// `DT_RUNPATH`: for what the file itself needs.
    RunPath,
    /// `DT_RPATH`, which leaves those of its loaders in force.
    RPath,
}

/// The changes that put `folder` first on the run path of `file`. A tag that is there is extended.
///
/// # Errors
/// [`RunPathError`]; nothing is guessed where the file is not as linkers lay it out.
pub fn add(file: &mut (impl Read + Seek), folder: &str, tag: Tag) -> Result<Patch, RunPathError> {
    let mut bytes = Bytes::open(file)?.ok_or(RunPathError::Static)?;
    let header = Header::read(&mut bytes)?;
    let headers = HeaderTables::read(&mut bytes, &header)?;
    if headers.sections()?.is_empty() {
        return Err(RunPathError::NoSections);
    }
    let dynamic = Dynamic::read(&mut bytes, &headers)?.ok_or(RunPathError::Static)?;
    let new = dynamic.with(folder, tag, &mut bytes, &headers)?;
    let place = Place::find(&headers, new.moved(), bytes.length)?;
    place.fill(&mut bytes, headers, new)
}

/// Where there is room for the new tables: after the last segment.
struct Place {
    /// The segment that grows.
    last: Seg,
    /// Where bytes are put in, in the file.
    insertion: u64,
    /// Zero bytes up to the new tables.
    zeros: u64,
    /// The first byte of the new tables in memory.
    address: u64,
}

/// What changes for the section headers.
struct Change {
    /// Where the string table was in memory.
    old_strings: u64,
    /// Where it is in memory.
    strings: u64,
    /// Where it is in the file.
    in_file: Range,
    /// By how much what follows in the file moves.
    shift: u64,
}

impl Place {
    /// The end of the last segment, if it is the last in memory and in the file; `length` is that of the file.
    fn find(headers: &HeaderTables, must_be_writable: bool, length: u64) -> Result<Self, RunPathError> {
        let segments = headers.segments()?;
        let loads = segments.iter().filter(|s| s.kind == elf::PT_LOAD.0 && s.in_memory > 0);
        let last = *loads.max_by_key(|s| s.address).ok_or(RunPathError::Layout("it has no loadable segment"))?;
        let insertion = end(last.range)?;
        for segment in segments.iter().filter(|s| s.range.size > 0) {
            if end(segment.range)? > insertion {
                return Err(RunPathError::Layout("its last segment is not the last of the file"));
            }
        }
        if last.in_memory < last.range.size || end(of(headers.segments_at))? > insertion {
            return Err(RunPathError::Layout("its segments overlap its headers"));
        }
        let wanted = elf::PF_R.0 | if must_be_writable { elf::PF_W.0 } else { 0 };
        if last.flags & wanted != wanted {
            return Err(RunPathError::Layout("its last segment may not be read, or written where that is needed"));
        }
        let mut known = end(of(headers.sections_at))?.max(insertion);
        for section in headers.sections()?.iter().filter(|s| s.kind != elf::SHT_NOBITS.0) {
            known = known.max(end(section.range)?);
        }
        if length.saturating_sub(known) >= GRAIN {
            return Err(RunPathError::Appended);
        }
        let address = last.address.checked_add(last.in_memory).and_then(|a| a.checked_next_multiple_of(GRAIN));
        let address = address.ok_or(RunPathError::Full)?;
        let zeros = address - last.address - last.range.size;
        if zeros > MOST_ZEROS {
            return Err(RunPathError::Layout("its `.bss` has more than 64 MiB"));
        }
        Ok(Self { last, insertion, zeros, address })
    }

    /// Where the byte at an address of the grown segment is in the file.
    fn in_file(&self, address: u64) -> u64 {
        self.last.range.offset + (address - self.last.address)
    }

    /// Puts the new tables there and moves what follows.
    fn fill<F: Read + Seek>(
        &self,
        bytes: &mut Bytes<'_, F>,
        mut headers: HeaderTables,
        mut new: New,
    ) -> Result<Patch, RunPathError> {
        let mut edits = Vec::new();
        let mut tail = Vec::new();
        let room = if new.moved() { new.size_needed() } else { 0 };
        let strings = self.address + room.next_multiple_of(GRAIN);
        new.point_at(strings);
        let mut dynamic = bytes.table(0, 0, "nothing")?;
        dynamic.resize(length(new.size_needed().max(new.range.size))?);
        new.write(&mut dynamic).ok_or(RunPathError::Full)?;
        if new.moved() {
            tail = dynamic.into_bytes();
            tail.resize(length(strings - self.address)?, 0);
            headers.move_dynamic(self.address, Range { offset: self.in_file(self.address), size: room })?;
        } else {
            edits.push(Edit::over(new.range.offset, dynamic.into_bytes()));
        }
        tail.extend_from_slice(&new.strings);
        let filled = self.zeros + tail.len() as u64;
        headers.grow(self.last, self.last.range.size + filled)?;
        let shift = self.shift(&headers, filled)?;
        tail.resize(length(shift - self.zeros)?, 0);
        let in_file = Range { offset: self.in_file(strings), size: new.strings.len() as u64 };
        self.sections(&mut headers, &Change { old_strings: new.old_strings, strings, in_file, shift })?;

        edits.push(Edit { offset: self.insertion, replaces: 0, zeros: self.zeros, bytes: tail.into() });
        let (segments_at, sections_at) = (headers.segments_at.offset, headers.sections_at.offset);
        if sections_at >= self.insertion {
            // `e_shoff`
            let (at, size) = if bytes.is_64 { (40, 8) } else { (32, 4) };
            let mut field = bytes.table(at, size, "the file header")?;
            field.put_word(0, 0, sections_at + shift).ok_or(RunPathError::Full)?;
            edits.push(Edit::over(at, field.into_bytes()));
        }
        let (segments, sections) = headers.into_bytes();
        edits.push(Edit::over(segments_at, segments));
        edits.push(Edit::over(sections_at, sections));
        Patch::new(edits).ok_or(RunPathError::Layout("its tables overlap"))
    }

    /// By how much what follows moves: so that its alignment stays.
    fn shift(&self, headers: &HeaderTables, filled: u64) -> Result<u64, RunPathError> {
        let sections = headers.sections()?;
        let following = sections.iter().filter(|s| s.range.offset >= self.insertion);
        let align = following.map(|s| s.align).fold(GRAIN, u64::max);
        if !align.is_power_of_two() || align > MOST_ALIGNED {
            return Err(RunPathError::Layout("a section has an odd alignment"));
        }
        Ok(filled.next_multiple_of(align))
    }

    /// The headers of all sections: those that moved, those that followed, and those that now have bytes in the file.
    fn sections(&self, headers: &mut HeaderTables, change: &Change) -> Result<(), RunPathError> {
        let bss = self.last.address + self.last.range.size..=self.last.address + self.last.in_memory;
        for section in headers.sections()? {
            let in_memory = section.flags & elf::SHF_ALLOC.0 != 0;
            match section.kind {
                // Said already.
                kind if kind == elf::SHT_NULL.0 || kind == elf::SHT_DYNAMIC.0 => {}
                kind if kind == elf::SHT_STRTAB.0 && in_memory && section.address == change.old_strings => {
                    headers.move_section(section, change.strings, change.in_file)?;
                }
                kind if kind == elf::SHT_NOBITS.0 => {
                    // What each thread has of its own takes no room between the others.
                    let of_threads = section.flags & elf::SHF_TLS.0 != 0;
                    if in_memory && !of_threads && bss.contains(&section.address) {
                        headers.place_section(section, self.in_file(section.address), true)?;
                    }
                }
                _ if section.range.offset >= self.insertion => {
                    if in_memory && section.range.size > 0 {
                        return Err(RunPathError::Layout("a section of its memory lies outside its segments"));
                    }
                    headers.place_section(section, section.range.offset + change.shift, false)?;
                }
                _ if end(section.range)? > self.insertion => {
                    return Err(RunPathError::Layout("a section reaches over the end of its last segment"));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// The bytes of a table of headers.
fn of(headers: Headers) -> Range {
    Range { offset: headers.offset, size: headers.step.saturating_mul(headers.count) }
}

/// The byte after the last.
fn end(range: Range) -> Result<u64, RunPathError> {
    range.offset.checked_add(range.size).ok_or(RunPathError::Full)
}

fn length(bytes: u64) -> Result<usize, RunPathError> {
    usize::try_from(bytes).map_err(|_| RunPathError::Full)
}
