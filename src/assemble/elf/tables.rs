//! The tables of a linked ELF file: headers, dynamic section, version sections.
//!
//! Section headers lead where they exist, because the distributions' own tools go by them, and because a separated
//! debug file keeps program headers that point at nothing. Without them the program headers do, as for the loader.

use std::io::{Read, Seek};

use object::elf;

use super::ElfError;
use super::bytes::{Bytes, Range, Table};
use crate::assemble::plan::ElfFile;

/// The file header.
pub struct Header {
    /// `e_type`.
    pub kind: u16,
    /// `e_machine`.
    pub machine: u16,
    /// `e_flags`.
    pub flags: u32,
    /// Where the program headers are.
    pub segments: Headers,
    /// Where the section headers are.
    pub sections: Headers,
    names: u64,
}

/// Where a table of headers lies.
#[derive(Clone, Copy)]
pub struct Headers {
    /// First byte.
    pub offset: u64,
    /// Bytes from one to the next.
    pub step: u64,
    /// How many.
    pub count: u64,
}

impl Header {
    /// Reads it, and the first section header if a count did not fit.
    pub fn read<F: Read + Seek>(bytes: &mut Bytes<'_, F>) -> Result<Self, ElfError> {
        let t = bytes.table(0, if bytes.is_64 { 64 } else { 52 }, "the file header")?;
        let at = |n: u64| if bytes.is_64 { n + 12 } else { n };
        let mut header = Self {
            kind: t.u16(16)?,
            machine: t.u16(18)?,
            flags: t.half(36, 48)?,
            segments: Headers { offset: t.word(28, 32)?, step: t.u16(at(42))?.into(), count: t.u16(at(44))?.into() },
            sections: Headers { offset: t.word(32, 40)?, step: t.u16(at(46))?.into(), count: t.u16(at(48))?.into() },
            names: t.u16(at(50))?.into(),
        };
        let many = header.sections.count == 0
            || header.segments.count == u64::from(elf::PN_XNUM)
            || header.names == u64::from(elf::SHN_XINDEX.0);
        if header.sections.offset != 0 && many {
            let first = bytes.table(header.sections.offset, Section::size(bytes), "the first section header")?;
            let first = Section::parse(&first, 0)?;
            if header.sections.count == 0 {
                header.sections.count = first.range.size;
            }
            if header.segments.count == u64::from(elf::PN_XNUM) {
                header.segments.count = first.info.into();
            }
            if header.names == u64::from(elf::SHN_XINDEX.0) {
                header.names = first.link.into();
            }
        }
        Ok(header)
    }
}

impl Headers {
    /// The whole table; empty if there is none. `least` is the size of the known part of a header.
    pub fn table<F: Read + Seek>(
        &self,
        bytes: &mut Bytes<'_, F>,
        least: u64,
        what: &'static str,
    ) -> Result<Table, ElfError> {
        if self.offset == 0 || self.count == 0 {
            return bytes.table(0, 0, what);
        }
        if self.step < least {
            return Err(ElfError::Invalid("the size of a header"));
        }
        bytes.table(self.offset, self.step.checked_mul(self.count).ok_or(ElfError::TooLarge)?, what)
    }

    /// Parses each of them; `least` is the size of the known part.
    fn parse<F: Read + Seek, T>(
        &self,
        bytes: &mut Bytes<'_, F>,
        least: u64,
        what: &'static str,
        one: impl Fn(&Table, u64) -> Result<T, ElfError>,
    ) -> Result<Vec<T>, ElfError> {
        let table = self.table(bytes, least, what)?;
        let count = if table.len() == 0 { 0 } else { self.count };
        (0..count).map(|n| one(&table, n * self.step)).collect()
    }
}

/// A program header.
pub struct Segment {
    kind: u32,
    range: Range,
    address: u64,
}

impl Segment {
    /// Bytes of the known part.
    pub fn size<F>(bytes: &Bytes<'_, F>) -> u64 {
        if bytes.is_64 { 56 } else { 32 }
    }

    fn parse(t: &Table, at: u64) -> Result<Self, ElfError> {
        Ok(Self {
            kind: t.u32(at)?,
            range: Range { offset: t.word(at + 4, at + 8)?, size: t.word(at + 16, at + 32)? },
            address: t.word(at + 8, at + 16)?,
        })
    }
}

/// A section header.
pub struct Section {
    name: u32,
    kind: u32,
    range: Range,
    link: u32,
    info: u32,
}

impl Section {
    /// Bytes of the known part.
    pub fn size<F>(bytes: &Bytes<'_, F>) -> u64 {
        if bytes.is_64 { 64 } else { 40 }
    }

    fn parse(t: &Table, at: u64) -> Result<Self, ElfError> {
        Ok(Self {
            name: t.u32(at)?,
            kind: t.u32(at + 4)?,
            range: Range { offset: t.word(at + 16, at + 24)?, size: t.word(at + 20, at + 32)? },
            link: t.half(at + 24, at + 40)?,
            info: t.half(at + 28, at + 44)?,
        })
    }
}

/// Where a chain of version records lies, how many there are, and where their names are.
struct Chain {
    table: Table,
    count: u64,
    strings: Range,
}

/// Reads everything that a linked file says.
pub fn fill<F: Read + Seek>(bytes: &mut Bytes<'_, F>, header: &Header, facts: &mut ElfFile) -> Result<(), ElfError> {
    let segments = header.segments.parse(bytes, Segment::size(bytes), "the program headers", Segment::parse)?;
    if let Some(interpreter) = segments.iter().find(|s| s.kind == elf::PT_INTERP.0) {
        facts.interpreter = Some(bytes.name(interpreter.range, 0, "the interpreter's name")?);
    }
    let least = Section::size(bytes);
    let sections = header.sections.parse(bytes, least, "the section headers", Section::parse)?;
    facts.unstripped = unstripped(bytes, &sections, header.names)?;
    if sections.is_empty() { by_segments(bytes, &segments, facts) } else { by_sections(bytes, &sections, facts) }
}

/// Whether there is a symbol table besides the dynamic one, or debug information.
fn unstripped<F: Read + Seek>(bytes: &mut Bytes<'_, F>, sections: &[Section], names: u64) -> Result<bool, ElfError> {
    if sections.iter().any(|s| s.kind == elf::SHT_SYMTAB.0) {
        return Ok(true);
    }
    let Some(names) = usize::try_from(names).ok().and_then(|n| sections.get(n)).map(|s| s.range) else {
        return Ok(false);
    };
    for section in sections.iter().filter(|s| s.kind == elf::SHT_PROGBITS.0) {
        let name = bytes.name(names, section.name.into(), "the name of a section")?;
        if name.starts_with(".debug_") || name.starts_with(".zdebug_") {
            return Ok(true);
        }
    }
    Ok(false)
}

fn by_sections<F: Read + Seek>(
    bytes: &mut Bytes<'_, F>,
    sections: &[Section],
    facts: &mut ElfFile,
) -> Result<(), ElfError> {
    let strings_of = |section: &Section| {
        let index = usize::try_from(section.link).ok();
        index.and_then(|i| sections.get(i)).map(|s| s.range).ok_or(ElfError::Invalid("the link to a string table"))
    };
    for section in sections {
        if section.kind == elf::SHT_DYNAMIC.0 {
            let table = bytes.table(section.range.offset, section.range.size, "the dynamic section")?;
            dynamic(bytes, &dynamic_tags(&table)?, strings_of(section)?, facts)?;
        } else if section.kind == elf::SHT_GNU_VERNEED.0 || section.kind == elf::SHT_GNU_VERDEF.0 {
            let table = bytes.table(section.range.offset, section.range.size, "a version section")?;
            let chain = Chain { table, count: section.info.into(), strings: strings_of(section)? };
            if section.kind == elf::SHT_GNU_VERNEED.0 {
                verneed(bytes, &chain, facts)?;
            } else {
                verdef(bytes, &chain, facts)?;
            }
        }
    }
    Ok(())
}

fn by_segments<F: Read + Seek>(
    bytes: &mut Bytes<'_, F>,
    segments: &[Segment],
    facts: &mut ElfFile,
) -> Result<(), ElfError> {
    let Some(found) = segments.iter().find(|s| s.kind == elf::PT_DYNAMIC.0) else { return Ok(()) };
    let table = bytes.table(found.range.offset, found.range.size, "the dynamic section")?;
    let tags = dynamic_tags(&table)?;
    let value = |tag: elf::DynamicTag| tags.iter().find(|(t, _)| *t == tag).map(|(_, v)| *v);
    let place = |address: u64| {
        let inside = |s: &&Segment| {
            s.kind == elf::PT_LOAD.0 && address.checked_sub(s.address).is_some_and(|delta| delta < s.range.size)
        };
        let load = segments.iter().find(inside).ok_or(ElfError::Outside("an address of the dynamic section"))?;
        load.range.offset.checked_add(address - load.address).ok_or(ElfError::Outside("an address"))
    };
    let Some(strings) = value(elf::DT_STRTAB) else { return Ok(()) };
    let strings = Range { offset: place(strings)?, size: value(elf::DT_STRSZ).unwrap_or(0) };
    dynamic(bytes, &tags, strings, facts)?;
    if let (Some(address), Some(count)) = (value(elf::DT_VERNEED), value(elf::DT_VERNEEDNUM)) {
        let table = bytes.open_table(place(address)?, "a version section")?;
        verneed(bytes, &Chain { table, count, strings }, facts)?;
    }
    if let (Some(address), Some(count)) = (value(elf::DT_VERDEF), value(elf::DT_VERDEFNUM)) {
        let table = bytes.open_table(place(address)?, "a version section")?;
        verdef(bytes, &Chain { table, count, strings }, facts)?;
    }
    Ok(())
}

/// Tags and values up to `DT_NULL`.
pub fn dynamic_tags(table: &Table) -> Result<Vec<(elf::DynamicTag, u64)>, ElfError> {
    let step = table.word_size() * 2;
    let mut tags = Vec::new();
    let mut at = 0;
    while at + step <= table.len() {
        let tag = elf::DynamicTag(i64::try_from(table.word(at, at)?).unwrap_or(-1));
        if tag == elf::DT_NULL {
            break;
        }
        tags.push((tag, table.word(at + 4, at + 8)?));
        at += step;
    }
    Ok(tags)
}

fn dynamic<F: Read + Seek>(
    bytes: &mut Bytes<'_, F>,
    tags: &[(elf::DynamicTag, u64)],
    strings: Range,
    facts: &mut ElfFile,
) -> Result<(), ElfError> {
    facts.dynamic = true;
    let (mut hash, mut gnu_hash) = (false, false);
    for (tag, value) in tags {
        match *tag {
            elf::DT_NEEDED => facts.needed.push(bytes.name(strings, *value, "the name of a needed library")?),
            elf::DT_SONAME => facts.soname = Some(bytes.name(strings, *value, "the soname")?),
            elf::DT_RPATH => facts.rpath = split(&bytes.name(strings, *value, "the run path")?),
            elf::DT_RUNPATH => facts.runpath = split(&bytes.name(strings, *value, "the run path")?),
            elf::DT_HASH => hash = true,
            elf::DT_GNU_HASH => gnu_hash = true,
            elf::DT_DEBUG => facts.debug = true,
            _ => {}
        }
    }
    facts.gnu_hash_only = gnu_hash && !hash;
    Ok(())
}

fn split(path: &str) -> Vec<String> {
    path.split(':').filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// `.gnu.version_r`: which versions of which library.
fn verneed<F: Read + Seek>(bytes: &mut Bytes<'_, F>, chain: &Chain, facts: &mut ElfFile) -> Result<(), ElfError> {
    let t = &chain.table;
    let mut at = 0u64;
    for _ in 0..chain.count {
        let file = bytes.name(chain.strings, t.u32(at + 4)?.into(), "the name of a needed library")?;
        let versions = facts.verneed.entry(file).or_default();
        let mut aux = at + u64::from(t.u32(at + 8)?);
        for _ in 0..t.u16(at + 2)? {
            versions.insert(bytes.name(chain.strings, t.u32(aux + 8)?.into(), "the name of a symbol version")?);
            match t.u32(aux + 12)? {
                0 => break,
                next => aux += u64::from(next),
            }
        }
        match t.u32(at + 12)? {
            0 => break,
            next => at += u64::from(next),
        }
    }
    Ok(())
}

/// `.gnu.version_d`: which versions the file itself defines.
fn verdef<F: Read + Seek>(bytes: &mut Bytes<'_, F>, chain: &Chain, facts: &mut ElfFile) -> Result<(), ElfError> {
    let t = &chain.table;
    let mut at = 0u64;
    for _ in 0..chain.count {
        let base = t.u16(at + 2)? & elf::VER_FLG_BASE.0 != 0;
        let mut aux = at + u64::from(t.u32(at + 12)?);
        for _ in 0..t.u16(at + 6)? {
            let name = bytes.name(chain.strings, t.u32(aux)?.into(), "the name of a symbol version")?;
            if base {
                facts.verdef_base = Some(name);
            } else {
                facts.verdef.insert(name);
            }
            match t.u32(aux + 4)? {
                0 => break,
                next => aux += u64::from(next),
            }
        }
        match t.u32(at + 16)? {
            0 => break,
            next => at += u64::from(next),
        }
    }
    Ok(())
}
