//! Bounded reading of an ELF file: every range is checked against the file's length, all reads share one budget.

use std::io::{Read, Seek, SeekFrom};

use super::ElfError;

/// What may be read of one file, in bytes. The largest real tables (libLLVM, a release of 100,000 sections) stay well
/// under it.
pub const BUDGET: u64 = 16 << 20;
/// The longest name that is accepted; the kernel's own limit for a path.
const NAME_MAX: usize = 4096;
/// How much of a string is fetched at once; also what each string costs at least.
const NAME_STEP: u64 = 64;

/// A file and how to read its numbers.
pub struct Bytes<'f, F> {
    file: &'f mut F,
    /// Bytes of the file.
    pub length: u64,
    left: u64,
    /// Class: addresses and offsets have 8 bytes.
    pub is_64: bool,
    /// Order of all numbers.
    pub little_endian: bool,
}

impl<'f, F: Read + Seek> Bytes<'f, F> {
    /// Looks at the identification; `None` without the magic number.
    pub fn open(file: &'f mut F) -> Result<Option<Self>, ElfError> {
        let length = file.seek(SeekFrom::End(0))?;
        let mut bytes = Self { file, length, left: BUDGET, is_64: false, little_endian: true };
        if length < 4 || bytes.block(0, 4, "magic number")? != b"\x7fELF" {
            return Ok(None);
        }
        let ident = bytes.block(0, 16, "identification")?;
        bytes.is_64 = match ident[4] {
            1 => false,
            2 => true,
            _ => return Err(ElfError::Invalid("the class")),
        };
        bytes.little_endian = match ident[5] {
            1 => true,
            2 => false,
            _ => return Err(ElfError::Invalid("the byte order")),
        };
        Ok(Some(bytes))
    }

    /// Exactly these bytes; `what` names them if they are not in the file.
    pub fn block(&mut self, offset: u64, size: u64, what: &'static str) -> Result<Vec<u8>, ElfError> {
        if offset.checked_add(size).is_none_or(|end| end > self.length) {
            return Err(ElfError::Outside(what));
        }
        self.left = self.left.checked_sub(size).ok_or(ElfError::TooLarge)?;
        let mut block = vec![0; usize::try_from(size).map_err(|_| ElfError::TooLarge)?];
        self.file.seek(SeekFrom::Start(offset))?;
        self.file.read_exact(&mut block)?;
        Ok(block)
    }

    /// A table of fixed fields.
    pub fn table(&mut self, offset: u64, size: u64, what: &'static str) -> Result<Table, ElfError> {
        let bytes = self.block(offset, size, what)?;
        Ok(Table { bytes, is_64: self.is_64, little_endian: self.little_endian, what })
    }

    /// As [`Self::table`], cut at the end of the file and at a sixteenth of the budget: for tables without a size.
    pub fn open_table(&mut self, offset: u64, what: &'static str) -> Result<Table, ElfError> {
        let rest = self.length.checked_sub(offset).ok_or(ElfError::Outside(what))?;
        self.table(offset, rest.min(BUDGET / 16), what)
    }

    /// The NUL-terminated name at `index` of the string table at `strings`.
    pub fn name(&mut self, strings: Range, index: u64, what: &'static str) -> Result<String, ElfError> {
        let end = strings.offset.saturating_add(strings.size).min(self.length);
        let mut at = strings.offset.checked_add(index).ok_or(ElfError::Outside(what))?;
        let mut name = Vec::new();
        loop {
            let step = end.checked_sub(at).filter(|s| *s > 0).ok_or(ElfError::Outside(what))?.min(NAME_STEP);
            let block = self.block(at, step, what)?;
            let nul = block.iter().position(|b| *b == 0);
            name.extend_from_slice(&block[..nul.unwrap_or(block.len())]);
            if nul.is_some() {
                break;
            }
            if name.len() > NAME_MAX {
                return Err(ElfError::Invalid(what));
            }
            at += step;
        }
        // Names end up in control files and messages: a line break in one would be a way in.
        String::from_utf8(name)
            .ok()
            .filter(|name| !name.contains(|c: char| c.is_control()))
            .ok_or(ElfError::Invalid(what))
    }
}

/// A part of the file; not checked before it is read.
#[derive(Debug, Clone, Copy, Default)]
pub struct Range {
    /// First byte.
    pub offset: u64,
    /// Bytes.
    pub size: u64,
}

/// Bytes with numbers in them.
pub struct Table {
    bytes: Vec<u8>,
    is_64: bool,
    little_endian: bool,
    what: &'static str,
}

impl Table {
    /// Bytes.
    pub fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// Bytes of an address.
    pub fn word_size(&self) -> u64 {
        if self.is_64 { 8 } else { 4 }
    }

    fn number(&self, at: u64, width: usize) -> Result<u64, ElfError> {
        let field = usize::try_from(at)
            .ok()
            .and_then(|at| self.bytes.get(at..at.checked_add(width)?))
            .ok_or(ElfError::Outside(self.what))?;
        let push = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
        Ok(if self.little_endian { field.iter().rev().fold(0, push) } else { field.iter().fold(0, push) })
    }

    /// Two bytes.
    pub fn u16(&self, at: u64) -> Result<u16, ElfError> {
        self.number(at, 2).map(|n| u16::try_from(n).unwrap_or(u16::MAX))
    }

    /// Four bytes.
    pub fn u32(&self, at: u64) -> Result<u32, ElfError> {
        self.number(at, 4).map(|n| u32::try_from(n).unwrap_or(u32::MAX))
    }

    /// An address, offset or size: eight bytes in 64-bit files, four in others. The field's place differs likewise.
    pub fn word(&self, at_32: u64, at_64: u64) -> Result<u64, ElfError> {
        if self.is_64 { self.number(at_64, 8) } else { self.number(at_32, 4) }
    }

    /// A four-byte field whose place differs between the classes.
    pub fn half(&self, at_32: u64, at_64: u64) -> Result<u32, ElfError> {
        self.u32(if self.is_64 { at_64 } else { at_32 })
    }
    /// Puts an address, offset or size in; nothing is done if the field is not in the table or has no room for it.
    pub fn put_word(&mut self, at_32: u64, at_64: u64, value: u64) -> Option<()> {
        if self.is_64 { self.put(at_64, 8, value) } else { self.put(at_32, 4, value) }
    }

    /// Puts four bytes in.
    pub fn put_u32(&mut self, at: u64, value: u32) -> Option<()> {
        self.put(at, 4, value.into())
    }

    fn put(&mut self, at: u64, width: usize, value: u64) -> Option<()> {
        let at = usize::try_from(at).ok()?;
        let field = self.bytes.get_mut(at..at.checked_add(width)?)?;
        let all = value.to_le_bytes();
        if all[width..].iter().any(|byte| *byte != 0) {
            return None;
        }
        field.copy_from_slice(&all[..width]);
        if !self.little_endian {
            field.reverse();
        }
        Some(())
    }

    /// Makes it as long as this, with zero bytes.
    pub fn resize(&mut self, length: usize) {
        self.bytes.resize(length, 0);
    }

    /// The bytes.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}
