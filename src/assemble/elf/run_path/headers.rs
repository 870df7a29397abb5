//! Program headers and section headers, to be changed.

use std::io::{Read, Seek};

use object::elf;

use super::RunPathError;
use crate::assemble::elf::ElfError;
use crate::assemble::elf::bytes::{Bytes, Range, Table};
use crate::assemble::elf::tables::{Header, Headers, Section, Segment};

/// A program header.
#[derive(Clone, Copy)]
pub struct Seg {
    /// Its first byte in the table.
    at: u64,
    /// `p_type`.
    pub kind: u32,
    /// `p_flags`.
    pub flags: u32,
    /// Its bytes in the file.
    pub range: Range,
    /// Where it begins in memory.
    pub address: u64,
    /// Bytes in memory.
    pub in_memory: u64,
}

/// A section header.
#[derive(Clone, Copy)]
pub struct Sec {
    /// Its first byte in the table.
    at: u64,
    /// `sh_type`.
    pub kind: u32,
    /// `sh_flags`.
    pub flags: u64,
    /// Where it begins in memory.
    pub address: u64,
    /// Its bytes in the file.
    pub range: Range,
    /// `sh_addralign`.
    pub align: u64,
}

/// Both tables.
pub struct HeaderTables {
    segments: Table,
    sections: Table,
    /// Where the program headers are in the file.
    pub segments_at: Headers,
    /// Where the section headers are in the file.
    pub sections_at: Headers,
}

impl HeaderTables {
    /// Reads them.
    pub fn read<F: Read + Seek>(bytes: &mut Bytes<'_, F>, header: &Header) -> Result<Self, ElfError> {
        let (segment, section) = (Segment::size(bytes), Section::size(bytes));
        Ok(Self {
            segments: header.segments.table(bytes, segment, "the program headers")?,
            sections: header.sections.table(bytes, section, "the section headers")?,
            segments_at: header.segments,
            sections_at: header.sections,
        })
    }

    /// All program headers.
    pub fn segments(&self) -> Result<Vec<Seg>, ElfError> {
        let t = &self.segments;
        let one = |at: u64| {
            Ok(Seg {
                at,
                kind: t.u32(at)?,
                flags: t.half(at + 24, at + 4)?,
                range: Range { offset: t.word(at + 4, at + 8)?, size: t.word(at + 16, at + 32)? },
                address: t.word(at + 8, at + 16)?,
                in_memory: t.word(at + 20, at + 40)?,
            })
        };
        (0..t.len() / self.segments_at.step.max(1)).map(|n| one(n * self.segments_at.step)).collect()
    }

    /// All section headers.
    pub fn sections(&self) -> Result<Vec<Sec>, ElfError> {
        let t = &self.sections;
        let one = |at: u64| {
            Ok(Sec {
                at,
                kind: t.u32(at + 4)?,
                flags: t.word(at + 8, at + 8)?,
                address: t.word(at + 12, at + 16)?,
                range: Range { offset: t.word(at + 16, at + 24)?, size: t.word(at + 20, at + 32)? },
                align: t.word(at + 32, at + 48)?,
            })
        };
        let step = self.sections_at.step;
        (0..t.len() / step.max(1)).map(|n| one(n * step)).collect()
    }

    /// Gives a segment this many bytes, all of them in the file.
    pub fn grow(&mut self, segment: Seg, size: u64) -> Result<(), RunPathError> {
        let (t, at) = (&mut self.segments, segment.at);
        let put = t.put_word(at + 16, at + 32, size).and_then(|()| t.put_word(at + 20, at + 40, size));
        put.ok_or(RunPathError::Full)
    }

    /// Says that the dynamic section is elsewhere.
    pub fn move_dynamic(&mut self, address: u64, in_file: Range) -> Result<(), RunPathError> {
        for segment in self.segments()?.into_iter().filter(|s| s.kind == elf::PT_DYNAMIC.0) {
            let (t, at) = (&mut self.segments, segment.at);
            let put = t
                .put_word(at + 4, at + 8, in_file.offset)
                .and_then(|()| t.put_word(at + 8, at + 16, address))
                .and_then(|()| t.put_word(at + 12, at + 24, address));
            put.ok_or(RunPathError::Full)?;
            self.grow(segment, in_file.size)?;
        }
        for section in self.sections()?.into_iter().filter(|s| s.kind == elf::SHT_DYNAMIC.0) {
            self.move_section(section, address, in_file)?;
        }
        Ok(())
    }

    /// Says that a section is elsewhere.
    pub fn move_section(&mut self, section: Sec, address: u64, in_file: Range) -> Result<(), RunPathError> {
        let (t, at) = (&mut self.sections, section.at);
        let put = t
            .put_word(at + 12, at + 16, address)
            .and_then(|()| t.put_word(at + 16, at + 24, in_file.offset))
            .and_then(|()| t.put_word(at + 20, at + 32, in_file.size));
        put.ok_or(RunPathError::Full)
    }

    /// Says that a section has its bytes at this place of the file; `filled` if it had none before.
    pub fn place_section(&mut self, section: Sec, offset: u64, filled: bool) -> Result<(), RunPathError> {
        let (t, at) = (&mut self.sections, section.at);
        let put = t.put_word(at + 16, at + 24, offset);
        let kind = if filled { elf::SHT_PROGBITS.0 } else { section.kind };
        put.and_then(|()| t.put_u32(at + 4, kind)).ok_or(RunPathError::Full)
    }

    /// The bytes of both tables: program headers, section headers.
    pub fn into_bytes(self) -> (Vec<u8>, Vec<u8>) {
        (self.segments.into_bytes(), self.sections.into_bytes())
    }
}
