//! Runs of a few hundred bytes: what stands between two spliced contents, such as the header of the second.
//!
//! Enters: the bytes, and what stood in the stream shortly before them. Leaves: one block with fixed codes (RFC 1951, 3.2.6). A header is
//! much like the one before it, which is still in the window if the content between them is not long: a few matches say most of it. A
//! library that makes whole streams knows nothing of that, and tables of its own would be longer than what they describe.

use super::bits::Bits;
use super::pad;
use super::symbols::{
    END_OF_BLOCK, SHORTEST, WINDOW, distance_code, fixed_distance, fixed_literal, length_code, match_length,
};

/// Most bytes of a brief run, and of what is remembered for the next.
pub const MOST: usize = 2048;
/// How many earlier places with the same three bytes are tried.
const TRIED: usize = 24;
/// A match of this length is taken without looking for a better one.
const ENOUGH: usize = 48;
const SLOTS: usize = 2048;
const NOWHERE: u16 = u16::MAX;

/// What stood in the stream before a brief run.
#[derive(Debug, Clone, Default)]
pub struct Before {
    /// The last bytes that are known.
    bytes: Vec<u8>,
    /// Bytes between them and the run.
    gap: u64,
}

impl Before {
    /// Remembers the end of `bytes`; nothing stands behind them yet.
    pub fn stood(&mut self, bytes: &[u8]) {
        self.bytes.clear();
        self.bytes.extend_from_slice(&bytes[bytes.len().saturating_sub(MOST)..]);
        self.gap = 0;
    }

    /// So many bytes followed that nobody remembers.
    pub fn followed(&mut self, bytes: u64) {
        self.gap = self.gap.saturating_add(bytes);
    }

    /// Whether something stands between what is known and the run.
    pub fn is_apart(&self) -> bool {
        self.gap > 0
    }

    /// What is near enough, and the gap.
    fn near(&self) -> (&[u8], usize) {
        match usize::try_from(self.gap) {
            Ok(gap) if gap < WINDOW => (&self.bytes, gap),
            _ => (&[], 0),
        }
    }

    /// Bytes that a decoder may stand before the run for: what is known, and zeros in the gap.
    pub(super) fn stand_in(&self) -> Vec<u8> {
        let (known, gap) = self.near();
        let mut bytes = known.to_vec();
        bytes.resize(known.len() + gap, 0);
        bytes
    }
}

/// What a match costs and says.
#[derive(Debug, Clone, Copy, Default)]
struct Match {
    length: usize,
    distance: usize,
    /// Bits that it takes less than its literals; none is worth nothing.
    gain: usize,
}

/// Finds matches. Reuse it: it holds the tables.
pub struct Encoder {
    /// Last place with these three bytes, by their hash.
    last: Box<[u16; SLOTS]>,
    /// The place before it, by place.
    earlier: Vec<u16>,
    /// What stood before, then the bytes of the run.
    all: Vec<u8>,
}

impl Default for Encoder {
    fn default() -> Self {
        Self { last: Box::new([NOWHERE; SLOTS]), earlier: Vec::new(), all: Vec::new() }
    }
}

impl Encoder {
    /// Appends one run of at most [`MOST`] bytes.
    pub fn run(&mut self, bytes: &[u8], before: &Before, out: &mut Vec<u8>) {
        let (known, gap) = before.near();
        self.all.clear();
        self.all.extend_from_slice(known);
        self.all.extend_from_slice(bytes);
        self.earlier.clear();
        self.last.fill(NOWHERE);
        for place in 0..known.len() {
            self.remember(place);
        }
        let mut bits = Bits::new(out);
        // Not final, fixed codes.
        bits.put(0b010, 3);
        let mut place = known.len();
        let mut found = self.longest(place, known.len(), gap);
        while place < self.all.len() {
            self.remember(place);
            if found.length < ENOUGH {
                let next = self.longest(place + 1, known.len(), gap);
                if found.gain == 0 || next.gain > found.gain {
                    put_symbol(&mut bits, u32::from(self.all[place]));
                    (place, found) = (place + 1, next);
                    continue;
                }
            }
            put_match(&mut bits, found.length, found.distance);
            (place + 1..place + found.length).for_each(|place| self.remember(place));
            place += found.length;
            found = self.longest(place, known.len(), gap);
        }
        put_symbol(&mut bits, END_OF_BLOCK);
        let count = bits.flush();
        pad(out, count);
    }

    fn slot(&self, place: usize) -> Option<usize> {
        let [a, b, c] = self.all.get(place..place + SHORTEST)?.try_into().ok()?;
        let hash = u32::from_le_bytes([a, b, c, 0]).wrapping_mul(0x9e37_79b1);
        Some((hash >> (u32::BITS - SLOTS.ilog2())) as usize)
    }

    /// Enters a place; each is entered once, in order.
    fn remember(&mut self, place: usize) {
        let Some(slot) = self.slot(place) else { return };
        self.earlier.push(self.last[slot]);
        self.last[slot] = u16::try_from(place).unwrap_or(NOWHERE);
    }

    /// The match from `place` on that saves most. What is `known` ends at a gap, over which no match reaches.
    fn longest(&self, place: usize, known: usize, gap: usize) -> Match {
        let mut best = Match::default();
        let Some(slot) = self.slot(place) else { return best };
        let mut at = self.last[slot];
        for _ in 0..TRIED {
            if at == NOWHERE || best.length >= ENOUGH {
                break;
            }
            let from = usize::from(at);
            let (end, gap) = if from < known { (known, gap) } else { (self.all.len(), 0) };
            let distance = place - from + gap;
            if distance > WINDOW {
                break;
            }
            let length = match_length(&self.all[from..end], &self.all[place..]);
            let gain = if length < SHORTEST { 0 } else { (8 * length).saturating_sub(cost(length, distance)) };
            if gain > best.gain {
                best = Match { length, distance, gain };
            }
            at = self.earlier[from];
        }
        best
    }
}

/// Bits of a match.
fn cost(length: usize, distance: usize) -> usize {
    let ((symbol, of_length, _), (far, of_distance, _)) = (length_code(length), distance_code(distance));
    (fixed_literal(symbol).1 + of_length + fixed_distance(far).1 + of_distance) as usize
}

/// Writes a literal, or the end of the block.
fn put_symbol(bits: &mut Bits<'_>, symbol: u32) {
    let (code, count) = fixed_literal(symbol);
    bits.put(code, count);
}

fn put_match(bits: &mut Bits<'_>, length: usize, distance: usize) {
    let (symbol, count, extra) = length_code(length);
    put_symbol(bits, symbol);
    bits.put(extra, count);
    let (symbol, count, extra) = distance_code(distance);
    let (code, length) = fixed_distance(symbol);
    bits.put(code | extra << length, length + count);
}

#[cfg(test)]
mod tests {
    use super::super::symbols::LONGEST;
    use super::super::{Behind, Deflater, is_of};
    use super::*;

    fn header(name: &str, size: u32) -> Vec<u8> {
        let mut header = format!("./opt/app/lib/{name}").into_bytes();
        header.resize(100, 0);
        header.extend(format!("0000644\00000000\00000000\0{size:011o}\014700000000\0").bytes());
        header.resize(512, 0);
        header
    }

    #[test]
    fn every_length_and_distance_is_what_a_decoder_reads() {
        let mut deflater = Deflater::new(6, true);
        for length in SHORTEST..=LONGEST + 3 {
            let mut before = Before::default();
            let bytes: Vec<u8> = (0..length).map(|i| (i * i / 7) as u8).collect();
            before.stood(&bytes);
            for gap in [
                0,
                1,
                2,
                5,
                100,
                1_000,
                4_097,
                WINDOW - length - 1,
                WINDOW - length,
                WINDOW - length + 1,
                WINDOW,
                1 << 40,
            ] {
                let mut before = before.clone();
                before.followed(gap as u64);
                deflater.brief(&bytes, &before, &mut Vec::new()).unwrap();
            }
        }
    }

    #[test]
    fn bytes_of_all_kinds_come_back() {
        let mut deflater = Deflater::new(6, true);
        let mut state = 1u32;
        let mut random = move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state >> 16
        };
        for round in 0..400 {
            let kind = round % 4;
            let mut make = |most: usize| -> Vec<u8> {
                let size = random() as usize % (most + 1);
                (0..size).map(|_| random() as u8 & [0xff, 3, 1, 0x8f][kind]).collect()
            };
            let mut before = Before::default();
            before.stood(&make(3000));
            before.followed(make(900).len() as u64);
            let bytes = make(MOST);
            let mut run = Vec::new();
            deflater.brief(&bytes, &before, &mut run).unwrap();
            assert!(run.len() <= bytes.len() * 9 / 8 + 8, "{} of {}", run.len(), bytes.len());
        }
    }

    #[test]
    fn a_header_costs_little_behind_one_like_it() {
        let (first, second) = (header("one.beam", 18_000), header("other.beam", 22_001));
        let mut encoder = Encoder::default();
        let mut size = |gap: u64| {
            let mut before = Before::default();
            before.stood(&first);
            before.followed(gap);
            let mut run = Vec::new();
            encoder.run(&second, &before, &mut run);
            let content = [before.stand_in(), second.clone()].concat();
            let mut stream = Vec::new();
            super::super::stored(&before.stand_in(), &mut stream);
            stream.extend(run.iter());
            assert!(is_of(&stream, &content, Behind::More) && !is_of(&stream, &content, Behind::Nothing));
            run.len()
        };
        let (near, far) = (size(18_000), size(40_000));
        assert!(near <= 40, "{near} bytes near");
        assert!(far <= 80, "{far} bytes far");
        let mut alone = Vec::new();
        Deflater::new(6, false).runs(&second, &mut alone).unwrap();
        assert!(alone.len() > far, "{} bytes by the library", alone.len());
    }
}
