//! Records of a zip archive, as bytes (PKWARE's APPNOTE 6.3.10; the extra fields of Info-ZIP).
//!
//! Enters: what is known of an entry (name, mode, size, CRC, offset). Leaves: its local header, its central header, the
//! records at the end. Sizes and CRC are known before, so there are no data descriptors. Content is not here, and reading
//! is in [`read`].

use super::calendar;

pub mod read;

pub(crate) const LOCAL: u32 = 0x0403_4b50;
pub(crate) const CENTRAL: u32 = 0x0201_4b50;
pub(crate) const END: u32 = 0x0605_4b50;
pub(crate) const END_64: u32 = 0x0606_4b50;
pub(crate) const LOCATOR_64: u32 = 0x0706_4b50;
pub(crate) const EXTRA_64: u16 = 0x0001;
pub(crate) const EXTRA_TIME: u16 = 0x5455;
/// Names are UTF-8: bit 11.
const FLAG_UTF8: u16 = 1 << 11;
/// The version of the specification that has zip64, times ten.
const VERSION_64: u16 = 45;
/// High byte of "version made by".
const MADE_BY_UNIX: u16 = 3 << 8;
/// In a 32-bit field: the value stands in the zip64 extra field.
const FULL: u32 = u32::MAX;

/// How content is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// As it is.
    Stored,
    /// A raw deflate stream.
    Deflated,
}

impl Method {
    /// The number in the headers.
    pub fn number(self) -> u16 {
        match self {
            Self::Stored => 0,
            Self::Deflated => 8,
        }
    }
}

/// A time in both forms that zip carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    dos_time: u16,
    dos_date: u16,
    /// Seconds since 1970, where they fit the extra field's 32 bits.
    unix: Option<i32>,
}

impl Stamp {
    /// From seconds since 1970. The DOS form has no zone: it is given in UTC, and clamped to 1980 … 2107, which is all
    /// that it holds. The exact time stands in the extended timestamp.
    pub fn new(seconds: i64) -> Self {
        let first = calendar::Date { year: 1980, month: 1, day: 1, hour: 0, minute: 0, second: 0 };
        let last = calendar::Date { year: 2107, month: 12, day: 31, hour: 23, minute: 59, second: 58 };
        let d = calendar::date(seconds.clamp(calendar::seconds(first), calendar::seconds(last)));
        let year = u16::try_from(d.year - 1980).unwrap_or_default();
        Self {
            dos_time: (u16::from(d.hour) << 11) | (u16::from(d.minute) << 5) | (u16::from(d.second) / 2),
            dos_date: year << 9 | u16::from(d.month) << 5 | u16::from(d.day),
            unix: i32::try_from(seconds).ok(),
        }
    }

    fn extra(self, out: &mut Vec<u8>) {
        if let Some(unix) = self.unix {
            put16(out, EXTRA_TIME);
            put16(out, 5);
            out.push(1); // only the modification time follows
            out.extend_from_slice(&unix.to_le_bytes());
        }
    }

    fn extra_len(self) -> u64 {
        if self.unix.is_some() { 9 } else { 0 }
    }
}

/// One entry of the archive.
#[derive(Debug, Clone)]
pub struct Record<'a> {
    /// Path with `/`, directories end in one; at most 65,535 bytes.
    pub name: &'a str,
    /// File type and permission bits, as `st_mode` has them.
    pub mode: u32,
    /// How the content is packed.
    pub method: Method,
    /// CRC-32 of the content.
    pub crc32: u32,
    /// Bytes in the archive.
    pub packed: u64,
    /// Bytes of the content.
    pub size: u64,
    /// Modification time.
    pub stamp: Stamp,
}

impl Record<'_> {
    /// Whether the sizes need zip64's fields.
    fn large(&self) -> bool {
        self.packed >= u64::from(FULL) || self.size >= u64::from(FULL)
    }

    fn version_needed(&self, large: bool) -> u16 {
        if large {
            VERSION_64
        } else if self.method == Method::Deflated || self.name.ends_with('/') {
            20
        } else {
            10
        }
    }

    /// From the flags to the sizes: what local and central header have in common.
    fn common(&self, out: &mut Vec<u8>) {
        put16(out, FLAG_UTF8);
        put16(out, self.method.number());
        put16(out, self.stamp.dos_time);
        put16(out, self.stamp.dos_date);
        put32(out, self.crc32);
        let large = self.large();
        put32(out, if large { FULL } else { low32(self.packed) });
        put32(out, if large { FULL } else { low32(self.size) });
        put16(out, len16(self.name.len()));
    }

    /// The header before the content.
    pub fn local_header(&self) -> Vec<u8> {
        let mut extra = Vec::with_capacity(32);
        if self.large() {
            put16(&mut extra, EXTRA_64);
            put16(&mut extra, 16);
            put64(&mut extra, self.size);
            put64(&mut extra, self.packed);
        }
        self.stamp.extra(&mut extra);
        let mut out = Vec::with_capacity(30 + self.name.len() + extra.len());
        put32(&mut out, LOCAL);
        put16(&mut out, self.version_needed(self.large()));
        self.common(&mut out);
        put16(&mut out, len16(extra.len()));
        out.extend_from_slice(self.name.as_bytes());
        out.extend_from_slice(&extra);
        out
    }

    /// Bytes that the entry takes in the archive: local header and content.
    pub fn span(&self) -> u64 {
        let large = if self.large() { 20 } else { 0 };
        30 + self.name.len() as u64 + large + self.stamp.extra_len() + self.packed
    }

    /// The header in the central directory; `offset` is that of the local header.
    pub fn central_header(&self, offset: u64) -> Vec<u8> {
        let far = offset >= u64::from(FULL);
        let mut extra = Vec::with_capacity(37);
        if self.large() || far {
            put16(&mut extra, EXTRA_64);
            put16(&mut extra, if self.large() { 16 } else { 0 } + if far { 8 } else { 0 });
            if self.large() {
                put64(&mut extra, self.size);
                put64(&mut extra, self.packed);
            }
            if far {
                put64(&mut extra, offset);
            }
        }
        self.stamp.extra(&mut extra);
        let mut out = Vec::with_capacity(46 + self.name.len() + extra.len());
        let version = self.version_needed(self.large() || far);
        put32(&mut out, CENTRAL);
        put16(&mut out, MADE_BY_UNIX | version.max(30)); // the mode below is one of Unix
        put16(&mut out, version);
        self.common(&mut out);
        put16(&mut out, len16(extra.len()));
        put16(&mut out, 0); // comment
        put16(&mut out, 0); // disk
        put16(&mut out, 0); // internal attributes
        let dos_directory = if self.name.ends_with('/') { 0x10 } else { 0 };
        put32(&mut out, (self.mode & 0xffff) << 16 | dos_directory);
        put32(&mut out, if far { FULL } else { low32(offset) });
        out.extend_from_slice(self.name.as_bytes());
        out.extend_from_slice(&extra);
        out
    }
}

/// What stands after the central directory of `entries` entries, which is `size` bytes long and begins at `offset`.
pub fn end(entries: u64, size: u64, offset: u64) -> Vec<u8> {
    let mut out = Vec::with_capacity(98);
    let large = entries >= 0xffff || size >= u64::from(FULL) || offset >= u64::from(FULL);
    if large {
        put32(&mut out, END_64);
        put64(&mut out, 44); // bytes of this record after this field
        put16(&mut out, MADE_BY_UNIX | VERSION_64);
        put16(&mut out, VERSION_64);
        put32(&mut out, 0); // this disk
        put32(&mut out, 0); // disk of the directory
        put64(&mut out, entries);
        put64(&mut out, entries);
        put64(&mut out, size);
        put64(&mut out, offset);
        put32(&mut out, LOCATOR_64);
        put32(&mut out, 0);
        put64(&mut out, offset + size);
        put32(&mut out, 1);
    }
    put32(&mut out, END);
    put16(&mut out, 0);
    put16(&mut out, 0);
    let count = u16::try_from(entries).unwrap_or(u16::MAX);
    put16(&mut out, count);
    put16(&mut out, count);
    put32(&mut out, low32(size));
    put32(&mut out, low32(offset));
    put16(&mut out, 0);
    out
}

/// The value, or all ones where it does not fit: "look into zip64's field".
fn low32(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(FULL)
}

/// A length that its maker has bounded: `formats::zip` refuses longer names, and extra fields are short.
fn len16(len: usize) -> u16 {
    u16::try_from(len).unwrap_or(u16::MAX)
}

fn put16(out: &mut Vec<u8>, value: u16) {
    out.extend_from_slice(&value.to_le_bytes());
}
fn put32(out: &mut Vec<u8>, value: u32) {
    out.extend_from_slice(&value.to_le_bytes());
}
fn put64(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(&value.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(name: &str, size: u64) -> Record<'_> {
        Record {
            name,
            mode: 0o100_644,
            method: Method::Stored,
            crc32: 7,
            packed: size,
            size,
            stamp: Stamp::new(1_700_000_000),
        }
    }

    #[test]
    fn a_span_is_as_long_as_what_is_written() {
        for size in [0, 1, u64::from(FULL) - 1, u64::from(FULL), u64::from(FULL) + 1] {
            let r = record("a/b", size);
            assert_eq!(r.span(), r.local_header().len() as u64 + size);
        }
        let old = Record { stamp: Stamp::new(1 << 40), ..record("x", 3) };
        assert_eq!(old.span(), old.local_header().len() as u64 + 3);
    }

    #[test]
    fn large_sizes_and_offsets_go_to_the_zip64_field() {
        let large = record("x", u64::from(FULL)).central_header(5);
        assert_eq!(large[20..28], [0xff; 8]);
        assert_eq!(large[47..51], [1, 0, 16, 0]);
        assert_eq!(large[51..59], u64::from(FULL).to_le_bytes());
        let far = record("x", 5).central_header(1 << 33);
        assert_eq!(far[42..46], [0xff; 4]);
        assert_eq!(far[47..51], [1, 0, 8, 0]);
        assert_eq!(far[51..59], (1u64 << 33).to_le_bytes());
        assert_eq!(end(1, 1, 1).len(), 22);
        assert_eq!(end(0xffff, 1, 1).len(), 98);
        assert_eq!(end(1, 1, u64::from(FULL)).len(), 98);
    }

    #[test]
    fn dos_times_are_clamped() {
        assert_eq!(Stamp::new(0), Stamp { dos_time: 0, dos_date: 33, unix: Some(0) });
        let late = Stamp::new(i64::MAX);
        assert_eq!((late.dos_date, late.unix), (127 << 9 | 12 << 5 | 31, None));
    }
}
