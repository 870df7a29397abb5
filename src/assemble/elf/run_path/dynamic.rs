//! The dynamic section and its string table, as they are and with one more folder.

use std::io::{Read, Seek};

use object::elf;

use super::headers::{HeaderTables, Sec};
use super::{RunPathError, Tag};
use crate::assemble::elf::ElfError;
use crate::assemble::elf::bytes::{Bytes, Range, Table};
use crate::assemble::elf::tables::dynamic_tags;

/// `DT_MIPS_RLD_MAP_REL` holds a distance from its own place in the dynamic section.
const DT_MIPS_RLD_MAP_REL: elf::DynamicTag = elf::DynamicTag(0x7000_0035);

/// The dynamic section as it is.
pub struct Dynamic {
    range: Range,
    tags: Vec<(elf::DynamicTag, u64)>,
}

/// The dynamic section and string table as they will be.
pub struct New {
    /// The string table.
    pub strings: Vec<u8>,
    /// Where the string table was in memory.
    pub old_strings: u64,
    tags: Vec<(elf::DynamicTag, u64)>,
    /// The dynamic section in the file, as it is.
    pub range: Range,
    /// Bytes of one tag and its value.
    step: u64,
}

impl Dynamic {
    /// Reads it; none in a file that is linked statically.
    pub fn read<F: Read + Seek>(bytes: &mut Bytes<'_, F>, headers: &HeaderTables) -> Result<Option<Self>, ElfError> {
        let found = headers.segments()?.into_iter().find(|s| s.kind == elf::PT_DYNAMIC.0);
        let Some(range) = found.map(|segment| segment.range) else { return Ok(None) };
        let table = bytes.table(range.offset, range.size, "the dynamic section")?;
        Ok(Some(Self { range, tags: dynamic_tags(&table)? }))
    }

    fn value(&self, tag: elf::DynamicTag) -> Option<u64> {
        self.tags.iter().find(|(t, _)| *t == tag).map(|(_, value)| *value)
    }

    /// The tags with one more folder, and the string table that has it.
    pub fn with<F: Read + Seek>(
        &self,
        folder: &str,
        tag: Tag,
        bytes: &mut Bytes<'_, F>,
        headers: &HeaderTables,
    ) -> Result<New, RunPathError> {
        let missing = RunPathError::Layout("its string table is not where its dynamic section says");
        let (Some(address), Some(size)) = (self.value(elf::DT_STRTAB), self.value(elf::DT_STRSZ)) else {
            return Err(missing);
        };
        let is_table = |s: &Sec| s.kind == elf::SHT_STRTAB.0 && s.flags & elf::SHF_ALLOC.0 != 0 && s.address == address;
        let Some(section) = headers.sections()?.into_iter().find(is_table) else { return Err(missing) };
        let range = Range { offset: section.range.offset, size };
        let mut strings = bytes.block(range.offset, size, "the string table")?;
        let old = [elf::DT_RUNPATH, elf::DT_RPATH].into_iter().find_map(|tag| Some((tag, self.value(tag)?)));
        let path = match old {
            Some((_, index)) => match bytes.name(range, index, "the run path")? {
                old if old.is_empty() => folder.to_owned(),
                old => format!("{folder}:{old}"),
            },
            None => folder.to_owned(),
        };
        let index = strings.len() as u64;
        strings.extend(path.bytes().chain([0]));
        let mut tags = self.tags.clone();
        match old {
            Some((tag, _)) => tags.iter_mut().filter(|(t, _)| *t == tag).for_each(|(_, value)| *value = index),
            None => tags.push((if tag == Tag::RPath { elf::DT_RPATH } else { elf::DT_RUNPATH }, index)),
        }
        let step = if bytes.is_64 { 16 } else { 8 };
        let new = New { strings, old_strings: address, tags, range: self.range, step };
        if new.moved() && self.value(DT_MIPS_RLD_MAP_REL).is_some() {
            return Err(RunPathError::Layout("its dynamic section has no room and cannot move"));
        }
        Ok(new)
    }
}

impl New {
    /// Bytes of all tags and of the `DT_NULL` after them.
    pub fn size_needed(&self) -> u64 {
        (self.tags.len() as u64 + 1) * self.step
    }

    /// Whether the dynamic section has no room for its tags.
    pub fn moved(&self) -> bool {
        self.size_needed() > self.range.size
    }

    /// Fills in where the new string table is.
    pub fn point_at(&mut self, strings: u64) {
        let size = self.strings.len() as u64;
        for (tag, value) in &mut self.tags {
            match *tag {
                elf::DT_STRTAB => *value = strings,
                elf::DT_STRSZ => *value = size,
                _ => {}
            }
        }
    }

    /// Puts the tags into a table of zero bytes; none if one does not fit.
    pub fn write(&self, table: &mut Table) -> Option<()> {
        let half = self.step / 2;
        for (n, (tag, value)) in self.tags.iter().enumerate() {
            let at = n as u64 * self.step;
            table.put_word(at, at, u64::try_from(tag.0).ok()?)?;
            table.put_word(at + half, at + half, *value)?;
        }
        Some(())
    }
}
