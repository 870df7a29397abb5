//! The header structure of rpm: an index of tags over a store of data.
//!
//! Enters: tags with values, or bytes of any origin. Leaves: the bytes that rpm would write, or a checked [`Header`].
//! Not here: which tags a package has.
//!
//! The `rpm` crate has this structure too. It is not used here because it takes the offsets and counts of a header on
//! trust: a hostile one makes it panic or allocate what the counts claim. It is the oracle of the tests.
//!
//! Source: rpm's manual, "RPM V4 Package format", "Header structure".

use std::collections::BTreeMap;
use std::io::{self, Read};

/// Magic, version 1, four reserved bytes.
const INTRO: [u8; 8] = [0x8e, 0xad, 0xe8, 1, 0, 0, 0, 0];
/// Bytes of one index entry.
const ENTRY: usize = 16;

/// Region tag of the signature header.
pub const REGION_SIGNATURES: u32 = 62;
/// Region tag of the main header.
pub const REGION_IMMUTABLE: u32 = 63;

/// Most items that one tag may have when read: rpm has no such limit but the size of the header, and a crowd of empty
/// strings would take sixteen times their bytes.
pub const MOST_ITEMS: usize = 1_000_000;

/// Types of data, as numbered in the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Null = 0,
    Char = 1,
    Int8 = 2,
    Int16 = 3,
    Int32 = 4,
    Int64 = 5,
    Text = 6,
    Binary = 7,
    Texts = 8,
    Localised = 9,
}

impl Kind {
    fn from_number(number: u32) -> Option<Self> {
        const ALL: [Kind; 10] = [
            Kind::Null,
            Kind::Char,
            Kind::Int8,
            Kind::Int16,
            Kind::Int32,
            Kind::Int64,
            Kind::Text,
            Kind::Binary,
            Kind::Texts,
            Kind::Localised,
        ];
        ALL.get(usize::try_from(number).ok()?).copied()
    }

    /// Bytes of one item, which are also its alignment; none for strings.
    fn width(self) -> Option<usize> {
        match self {
            Self::Null => Some(0),
            Self::Char | Self::Int8 | Self::Binary => Some(1),
            Self::Int16 => Some(2),
            Self::Int32 => Some(4),
            Self::Int64 => Some(8),
            Self::Text | Self::Texts | Self::Localised => None,
        }
    }
}

/// Collects tags and writes them in the order that rpm wants.
#[derive(Debug, Clone, Default)]
pub struct Writer {
    tags: BTreeMap<u32, (Kind, usize, Vec<u8>)>,
}

/// A header in its final bytes.
#[derive(Debug, Clone)]
pub struct Encoded {
    /// All of it, from the magic on.
    pub bytes: Vec<u8>,
    /// Where in `bytes` the data of each tag begins: for values that are filled in later.
    pub offsets: BTreeMap<u32, usize>,
}

impl Writer {
    fn put(&mut self, tag: impl Into<u32>, kind: Kind, count: usize, bytes: Vec<u8>) {
        if count > 0 {
            self.tags.insert(tag.into(), (kind, count, bytes));
        }
    }

    /// One string. What stands behind a NUL would be lost, so callers refuse texts with one.
    pub fn text(&mut self, tag: impl Into<u32>, value: &str) {
        self.put(tag, Kind::Text, 1, joined([value]).1);
    }

    /// One string that may be translated; ours has the C locale only.
    pub fn localised(&mut self, tag: impl Into<u32>, value: &str) {
        self.put(tag, Kind::Localised, 1, joined([value]).1);
    }

    /// A list of strings; an empty one leaves the tag out, as for all lists.
    pub fn texts<'a>(&mut self, tag: impl Into<u32>, values: impl IntoIterator<Item = &'a str>) {
        let (count, bytes) = joined(values);
        self.put(tag, Kind::Texts, count, bytes);
    }

    /// A list of 16-bit numbers.
    pub fn int16(&mut self, tag: impl Into<u32>, values: impl IntoIterator<Item = u16>) {
        let bytes: Vec<u8> = values.into_iter().flat_map(u16::to_be_bytes).collect();
        self.put(tag, Kind::Int16, bytes.len() / 2, bytes);
    }

    /// A list of 32-bit numbers.
    pub fn int32(&mut self, tag: impl Into<u32>, values: impl IntoIterator<Item = u32>) {
        let bytes: Vec<u8> = values.into_iter().flat_map(u32::to_be_bytes).collect();
        self.put(tag, Kind::Int32, bytes.len() / 4, bytes);
    }

    /// A list of 64-bit numbers.
    pub fn int64(&mut self, tag: impl Into<u32>, values: impl IntoIterator<Item = u64>) {
        let bytes: Vec<u8> = values.into_iter().flat_map(u64::to_be_bytes).collect();
        self.put(tag, Kind::Int64, bytes.len() / 8, bytes);
    }

    /// Bytes.
    pub fn binary(&mut self, tag: impl Into<u32>, bytes: Vec<u8>) {
        self.put(tag, Kind::Binary, bytes.len(), bytes);
    }

    /// Leaves a tag out.
    pub fn remove(&mut self, tag: impl Into<u32>) {
        self.tags.remove(&tag.into());
    }

    /// The header, all of it in one region.
    pub fn finish(self, region: u32) -> Encoded {
        let total = self.tags.len() + 1;
        let mut index = Vec::with_capacity(total * ENTRY);
        let mut store = Vec::new();
        let mut offsets = BTreeMap::new();
        for (tag, (kind, count, bytes)) in self.tags {
            let alignment = kind.width().unwrap_or(1).max(1);
            store.resize(store.len().next_multiple_of(alignment), 0);
            offsets.insert(tag, INTRO.len() + 8 + total * ENTRY + store.len());
            entry(&mut index, tag, kind, number(store.len()), number(count));
            store.extend_from_slice(&bytes);
        }
        // The region's data is one more index entry, at the end of the store, whose offset says how far back the region
        // begins.
        let mut first = Vec::with_capacity(ENTRY);
        entry(&mut first, region, Kind::Binary, number(store.len()), 16);
        entry(&mut store, region, Kind::Binary, number(total * ENTRY).wrapping_neg(), 16);

        let mut bytes = Vec::with_capacity(16 + total * ENTRY + store.len());
        bytes.extend_from_slice(&INTRO);
        bytes.extend_from_slice(&number(total).to_be_bytes());
        bytes.extend_from_slice(&number(store.len()).to_be_bytes());
        bytes.extend_from_slice(&first);
        bytes.extend_from_slice(&index);
        bytes.extend_from_slice(&store);
        Encoded { bytes, offsets }
    }
}

fn entry(out: &mut Vec<u8>, tag: u32, kind: Kind, offset: u32, count: u32) {
    for word in [tag, kind as u32, offset, count] {
        out.extend_from_slice(&word.to_be_bytes());
    }
}

/// Headers stay under 256 MiB: `layout` has checked it.
fn number(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

fn joined<'a>(values: impl IntoIterator<Item = &'a str>) -> (usize, Vec<u8>) {
    let (mut count, mut bytes) = (0, Vec::new());
    for value in values {
        bytes.extend_from_slice(value.as_bytes());
        bytes.push(0);
        count += 1;
    }
    (count, bytes)
}

/// What a header of any origin may claim.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Tags.
    pub tags: u32,
    /// Bytes of the store.
    pub data: u32,
}

impl Limits {
    /// What rpm takes for a signature header.
    pub const SIGNATURE: Self = Self { tags: 32, data: 64 << 20 };
    /// What rpm takes for a main header.
    pub const MAIN: Self = Self { tags: 0xffff, data: 256 << 20 };
}

/// A header that was read: every entry lies within the store and every string ends in it.
#[derive(Debug, Clone)]
pub struct Header {
    /// All of it, from the magic on: what digests and signatures are over.
    pub bytes: Vec<u8>,
    store: usize,
    tags: BTreeMap<u32, Slot>,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    kind: Kind,
    start: usize,
    count: usize,
}

impl Header {
    /// Reads one header. No more is allocated than the input holds.
    ///
    /// # Errors
    /// `InvalidData` with what is wrong, `UnexpectedEof` if it is cut off.
    pub fn read(input: &mut dyn Read, limits: Limits) -> io::Result<Self> {
        let mut intro = [0; 16];
        input.read_exact(&mut intro)?;
        if intro[..4] != INTRO[..4] {
            return Err(invalid("a header does not begin with its magic number"));
        }
        let (count, size) = (word(&intro, 8), word(&intro, 12));
        if count == 0 || count > limits.tags {
            return Err(invalid(&format!("a header claims {count} tags, 1 to {} are taken", limits.tags)));
        }
        if size > limits.data {
            return Err(invalid(&format!("a header claims {size} bytes of data, {} are taken", limits.data)));
        }
        let index = count as usize * ENTRY;
        let rest = index + size as usize;
        let mut bytes = intro.to_vec();
        if input.take(rest as u64).read_to_end(&mut bytes)? != rest {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut header = Self { bytes, store: 16 + index, tags: BTreeMap::new() };
        // Tags that share their strings would make looking for the ends cost the square of the size.
        let mut budget = 2 * size as usize;
        for at in (16..16 + index).step_by(ENTRY) {
            let (tag, slot) = header.slot(at, &mut budget)?;
            // Regions describe the index itself; the first of two entries with one tag counts, as in rpm.
            if tag >= 100 {
                header.tags.entry(tag).or_insert(slot);
            }
        }
        Ok(header)
    }

    fn slot(&self, at: usize, budget: &mut usize) -> io::Result<(u32, Slot)> {
        let tag = word(&self.bytes, at);
        let bad = |what: &str| invalid(&format!("tag {tag} {what}"));
        let kind = Kind::from_number(word(&self.bytes, at + 4)).ok_or_else(|| bad("has an unknown type"))?;
        let (offset, count) = (word(&self.bytes, at + 8) as usize, word(&self.bytes, at + 12) as usize);
        let store = &self.bytes[self.store..];
        let data = store.get(offset..).ok_or_else(|| bad("begins outside of the data"))?;
        if count > MOST_ITEMS && kind != Kind::Binary {
            return Err(bad(&format!("has {count} items, {MOST_ITEMS} are taken")));
        }
        if let Some(width) = kind.width() {
            if count.checked_mul(width).is_none_or(|length| length > data.len()) {
                return Err(bad("ends outside of the data"));
            }
        } else {
            if kind == Kind::Text && count != 1 {
                return Err(bad("is one string and claims to be many"));
            }
            let data = &data[..data.len().min(*budget)];
            let mut ends = data.iter().enumerate().filter(|(_, b)| **b == 0).map(|(i, _)| i + 1);
            let length = count.checked_sub(1).map_or(Some(0), |last| ends.nth(last));
            *budget -= length.ok_or_else(|| bad("has strings that do not end in the data"))?;
        }
        Ok((tag, Slot { kind, start: self.store + offset, count }))
    }

    /// Whether the tag is there.
    pub fn has(&self, tag: impl Into<u32>) -> bool {
        self.tags.contains_key(&tag.into())
    }

    /// How many items the tag has; 0 if it is not there.
    pub fn count(&self, tag: impl Into<u32>) -> usize {
        self.tags.get(&tag.into()).map_or(0, |slot| slot.count)
    }

    /// The same tags, to be changed and written again.
    pub fn to_writer(&self) -> Writer {
        let of = |slot: &Slot| {
            let data = &self.bytes[slot.start..];
            let length = match slot.kind.width() {
                Some(width) => slot.count * width,
                None => data.split_inclusive(|b| *b == 0).take(slot.count).map(<[u8]>::len).sum(),
            };
            (slot.kind, slot.count, data[..length].to_vec())
        };
        Writer { tags: self.tags.iter().map(|(tag, slot)| (*tag, of(slot))).collect() }
    }

    /// Every tag, in order.
    #[cfg(test)]
    pub fn tags(&self) -> impl Iterator<Item = u32> {
        self.tags.keys().copied()
    }

    /// The strings of a tag; none if it is not there or holds something else. Old packages have other encodings than
    /// UTF-8: what is not UTF-8 is replaced.
    pub fn texts(&self, tag: impl Into<u32>) -> impl Iterator<Item = std::borrow::Cow<'_, str>> {
        let slot = self.tags.get(&tag.into()).filter(|slot| slot.kind.width().is_none());
        let (start, count) = slot.map_or((0, 0), |slot| (slot.start, slot.count));
        self.bytes[start..].split(|b| *b == 0).take(count).map(String::from_utf8_lossy)
    }

    /// The first string of a tag.
    pub fn text(&self, tag: impl Into<u32>) -> Option<String> {
        self.texts(tag).next().map(std::borrow::Cow::into_owned)
    }

    /// The numbers of a tag, whatever their width; none if it is not there or holds something else.
    pub fn numbers(&self, tag: impl Into<u32>) -> impl Iterator<Item = u64> {
        let slot = self.tags.get(&tag.into()).filter(|s| !matches!(s.kind, Kind::Null | Kind::Binary));
        let (start, count, width) = slot.and_then(|s| Some((s.start, s.count, s.kind.width()?))).unwrap_or((0, 0, 1));
        self.bytes[start..start + count * width]
            .chunks_exact(width)
            .map(|item| item.iter().fold(0, |n, byte| (n << 8) | u64::from(*byte)))
    }

    /// The first number of a tag.
    pub fn number(&self, tag: impl Into<u32>) -> Option<u64> {
        self.numbers(tag).next()
    }

    /// The bytes of a binary tag.
    pub fn binary(&self, tag: impl Into<u32>) -> Option<&[u8]> {
        let slot = self.tags.get(&tag.into()).filter(|slot| slot.kind == Kind::Binary)?;
        self.bytes.get(slot.start..slot.start + slot.count)
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn invalid(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

#[cfg(test)]
mod tests;
