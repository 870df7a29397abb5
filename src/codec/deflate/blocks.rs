//! Literals and matches -> blocks with codes of their own (RFC 1951, 3.2.7), or with the fixed ones.
//!
//! Enters: literals and pairs in the order of the stream. Leaves: blocks that are not final. A block ends where what comes is unlike
//! what came: a few kinds of symbols are counted, and the counts of the next few hundred are compared with those before.
//!
//! Source of where blocks end, and of its numbers: libdeflate's `lib/deflate_compress.c` ("block splitting"). Here a block ends before
//! what is unlike it, not behind it.

use super::bits::Bits;
use super::huffman::{codes, lengths};
use super::symbols::{
    CODE_LENGTH_ORDER, DISTANCES, END_OF_BLOCK, LITERALS, LONGEST_CODE, SHORTEST, distance_symbol, distances_of,
    fixed_distance, fixed_literal, length_code,
};

const LONGEST_OF_LENGTHS: usize = 7;
/// Symbols that are compared with those before.
const NEXT: usize = 512;
/// Symbols that a block has at least: what says its codes takes a hundred bytes.
const LEAST: usize = 4 * NEXT;
/// Literals by their highest two bits and the lowest, then short and long matches.
const KINDS: usize = 10;
/// Items: literals, then lengths less the shortest.
const ITEMS: usize = 512;
const LENGTHS: u16 = 256;
/// A match is long from so many bytes on.
const LONG: usize = 9;

/// Collects what a run says. Reuse it.
#[derive(Default)]
pub struct Blocks {
    items: Vec<u16>,
    /// Of the lengths among the items, in order.
    distances: Vec<u16>,
}

impl Blocks {
    /// Says bytes as they are.
    pub fn literals(&mut self, bytes: &[u8]) {
        self.items.extend(bytes.iter().map(|byte| u16::from(*byte)));
    }

    /// Says bytes that stood before, as far back: a length and a distance that deflate has.
    #[allow(clippy::cast_possible_truncation, reason = "at most 258, and the window")]
    pub fn put_match(&mut self, length: usize, distance: usize) {
        self.items.push(LENGTHS + (length - SHORTEST) as u16);
        self.distances.push(distance as u16);
    }

    /// Appends the blocks of all that was said, and forgets it; how many bits of the last byte are used, 0 for all.
    pub fn write(&mut self, out: &mut Vec<u8>) -> usize {
        let mut bits = Bits::new(out);
        let (mut items, mut distances) = (&self.items[..], &self.distances[..]);
        let (mut at, mut pairs, mut before) = (0, 0, [0; KINDS]);
        while at < items.len() {
            let next = &items[at..items.len().min(at + NEXT)];
            let kinds = kinds_of(next);
            if at >= LEAST && items.len() - at >= LEAST && are_unlike(&before, &kinds) {
                block(&items[..at], &distances[..pairs], &mut bits);
                (items, distances) = (&items[at..], &distances[pairs..]);
                (at, pairs, before) = (0, 0, [0; KINDS]);
            }
            at += next.len();
            pairs += (kinds[8] + kinds[9]) as usize;
            before.iter_mut().zip(kinds).for_each(|(before, kind)| *before += kind);
        }
        block(items, distances, &mut bits);
        self.items.clear();
        self.distances.clear();
        bits.flush()
    }
}

/// Counts the kinds of at most [`NEXT`] items: five counters of twelve bits in each of two numbers, since a counter in memory that is
/// added to again at once has to be waited for.
fn kinds_of(items: &[u16]) -> [u32; KINDS] {
    const WIDTH: usize = 12;
    const ONES: [[u64; 2]; ITEMS] = {
        let mut ones = [[0; 2]; ITEMS];
        let mut item = 0;
        while item < ITEMS {
            let kind = if item < 256 { item >> 5 & 6 | item & 1 } else { 8 + (item - 256 >= LONG - SHORTEST) as usize };
            ones[item][kind / 5] = 1 << (WIDTH * (kind % 5));
            item += 1;
        }
        ones
    };
    let mut counts = [0; 2];
    for item in items {
        let ones = &ONES[usize::from(*item) % ITEMS];
        counts = [counts[0] + ones[0], counts[1] + ones[1]];
    }
    let count = |kind| counts[kind / 5] >> (WIDTH * (kind % 5)) & ((1 << WIDTH) - 1);
    std::array::from_fn(|kind| u32::try_from(count(kind)).unwrap_or(0))
}

/// Whether what comes next is better said by other codes. The longer a block is, the less it has to differ.
fn are_unlike(before: &[u32; KINDS], next: &[u32; KINDS]) -> bool {
    let (all, new): (u64, u64) = (before.iter().map(|n| u64::from(*n)).sum(), next.iter().map(|n| u64::from(*n)).sum());
    let differ = before.iter().zip(next).map(|(one, other)| (u64::from(*one) * new).abs_diff(u64::from(*other) * all));
    let share = differ.sum::<u64>() * 512 / (all * new).max(1);
    share + all / 1024 >= 200 + 200 * 8192u64.saturating_sub(all + new) / 8192
}

/// Writes a block that is not final.
#[allow(clippy::cast_possible_truncation, reason = "symbols and distances")]
fn block(items: &[u16], distances: &[u16], bits: &mut Bits<'_>) {
    let mut of_items = [[0u32; ITEMS]; 2];
    let (twos, odd) = items.as_chunks::<2>();
    // Two counters for each, since one that is added to again at once has to be waited for.
    for [one, other] in twos {
        of_items[0][usize::from(*one) % ITEMS] += 1;
        of_items[1][usize::from(*other) % ITEMS] += 1;
    }
    for item in odd {
        of_items[0][usize::from(*item) % ITEMS] += 1;
    }
    let mut literals = [0u32; LITERALS];
    literals[END_OF_BLOCK as usize] = 1;
    for (item, (one, other)) in of_items[0].iter().zip(&of_items[1]).enumerate() {
        let symbol = if item < 256 { item } else { length_code(item - 256 + SHORTEST).0 as usize };
        literals[symbol] += one + other;
    }
    let mut of_distances = [0u32; DISTANCES];
    for distance in distances {
        of_distances[distance_symbol(usize::from(*distance))] += 1;
    }
    let (literals, of_distances) = codes_for(&literals, &of_distances, bits);
    // Code and extra bits of each item together.
    let item_codes: [(u32, u32); ITEMS] = std::array::from_fn(|item| {
        if item < 256 {
            return literals.get(item as u32);
        }
        let (symbol, count, extra) = length_code(item - 256 + SHORTEST);
        let (code, length) = literals.get(symbol);
        (code | extra << length, length + count)
    });
    // Code of each distance, its length, that of its extra bits with it, and the first distance.
    let distance_codes: [(u32, u32, u32, u32); DISTANCES] = std::array::from_fn(|symbol| {
        let ((code, length), (count, first)) = (of_distances.get(symbol as u32), distances_of(symbol));
        (code, length, length + count, first as u32)
    });
    let (mut distances, mut end) = (distances.iter(), bits.end());
    for item in items {
        let (code, count) = item_codes[usize::from(*item) % ITEMS];
        end.add(code, count);
        if *item >= LENGTHS {
            let distance = distances.next().map_or(1, |distance| u32::from(*distance));
            let (code, length, count, first) = distance_codes[distance_symbol(distance as usize)];
            end.add(code | (distance - first) << length, count);
        }
        bits.write(&mut end);
    }
    bits.set_end(end);
    let (code, length) = literals.get(END_OF_BLOCK);
    bits.put(code, length);
}

/// Begins the block and gives its codes: those that the counts ask for, or the fixed ones, if it takes more to say the others.
fn codes_for(
    literals: &[u32; LITERALS],
    distances: &[u32; DISTANCES],
    bits: &mut Bits<'_>,
) -> (Code<LITERALS>, Code<DISTANCES>) {
    let own = (Code::of(literals, LONGEST_CODE), Code::of(distances, LONGEST_CODE));
    let fixed = (Code::fixed(fixed_literal), Code::fixed(fixed_distance));
    let said = CodeLengths::of(&own.0, &own.1);
    let take = |codes: &(Code<LITERALS>, Code<DISTANCES>)| codes.0.bits(literals) + codes.1.bits(distances);
    if take(&fixed) <= take(&own) + said.bits() {
        bits.put(0b010, 3);
        return fixed;
    }
    bits.put(0b100, 3);
    said.write(bits);
    own
}

/// A code, and how long each of its symbols is.
struct Code<const SYMBOLS: usize> {
    lengths: [u8; SYMBOLS],
    codes: [u16; SYMBOLS],
}

impl<const SYMBOLS: usize> Code<SYMBOLS> {
    fn of(counts: &[u32; SYMBOLS], longest: usize) -> Self {
        let (mut of, mut all) = ([0; SYMBOLS], [0; SYMBOLS]);
        lengths(counts, longest, &mut of);
        codes(&of, &mut all);
        Self { lengths: of, codes: all }
    }

    /// One that is known, symbol by symbol: its bits, and how many they are.
    #[allow(clippy::cast_possible_truncation, reason = "at most nine bits")]
    fn fixed(of: impl Fn(u32) -> (u32, u32)) -> Self {
        let lengths = std::array::from_fn(|symbol| of(symbol as u32).1 as u8);
        let codes = std::array::from_fn(|symbol| of(symbol as u32).0 as u16);
        Self { lengths, codes }
    }

    /// Bits that so many of each symbol take.
    fn bits(&self, counts: &[u32; SYMBOLS]) -> u64 {
        self.lengths.iter().zip(counts).map(|(length, count)| u64::from(*length) * u64::from(*count)).sum()
    }

    fn get(&self, symbol: u32) -> (u32, u32) {
        (u32::from(self.codes[symbol as usize]), u32::from(self.lengths[symbol as usize]))
    }

    /// The lengths up to the last symbol that comes.
    fn used(&self, least: usize) -> &[u8] {
        let used = self.lengths.iter().rposition(|length| *length > 0).map_or(0, |last| last + 1);
        &self.lengths[..least.max(used)]
    }
}

/// How two codes are said: the lengths with their repetitions, and a code for those.
struct CodeLengths {
    literals: usize,
    distances: usize,
    said: Vec<(u32, u32, u32)>,
    code: Code<19>,
    /// Lengths of that code that are said (HCLEN).
    hclen: usize,
}

impl CodeLengths {
    fn of(literals: &Code<LITERALS>, distances: &Code<DISTANCES>) -> Self {
        let (literals, distances) = (literals.used(257), distances.used(1));
        let said = repetitions(&[literals, distances].concat());
        let mut counts = [0u32; 19];
        for (symbol, ..) in &said {
            counts[*symbol as usize] += 1;
        }
        let code: Code<19> = Code::of(&counts, LONGEST_OF_LENGTHS);
        let hclen = CODE_LENGTH_ORDER.iter().rposition(|symbol| code.lengths[*symbol] > 0).unwrap_or(0).max(3) + 1;
        Self { literals: literals.len(), distances: distances.len(), said, code, hclen }
    }

    /// Bits that it takes.
    fn bits(&self) -> u64 {
        let said = self.said.iter().map(|(symbol, count, _)| u64::from(self.code.get(*symbol).1 + count));
        14 + 3 * self.hclen as u64 + said.sum::<u64>()
    }

    #[allow(clippy::cast_possible_truncation, reason = "numbers of symbols")]
    fn write(&self, bits: &mut Bits<'_>) {
        bits.put(self.literals as u32 - 257, 5);
        bits.put(self.distances as u32 - 1, 5);
        bits.put(self.hclen as u32 - 4, 4);
        for symbol in &CODE_LENGTH_ORDER[..self.hclen] {
            bits.put(u32::from(self.code.lengths[*symbol]), 3);
        }
        for (symbol, count, extra) in &self.said {
            let (code, length) = self.code.get(*symbol);
            bits.put(code | extra << length, length + count);
        }
    }
}

/// Lengths as symbols, number of extra bits, extra bits.
#[allow(clippy::cast_possible_truncation, reason = "at most 138")]
fn repetitions(lengths: &[u8]) -> Vec<(u32, u32, u32)> {
    let mut said = Vec::new();
    for same in lengths.chunk_by(|a, b| a == b) {
        let (length, mut left) = (u32::from(same[0]), same.len());
        if length > 0 {
            said.push((length, 0, 0));
            left -= 1;
        }
        while left >= 3 {
            let (symbol, count, least, most) = match (length, left) {
                (1.., _) => (16, 2, 3, 6),
                (0, ..11) => (17, 3, 3, 10),
                (0, _) => (18, 7, 11, 138),
            };
            let now = left.min(most);
            said.push((symbol, count, (now - least) as u32));
            left -= now;
        }
        said.extend(std::iter::repeat_n((length, 0, 0), left));
    }
    said
}
