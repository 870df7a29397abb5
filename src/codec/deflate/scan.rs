//! Finds where the blocks of raw deflate (RFC 1951) end, without decoding their output.
//!
//! Enters: a stream that a compressor just made, or what is said to be a run. Leaves: where the stream's last block begins and where it
//! ends, in bits, so that [`super::library`] can join streams; whether it is a run. All is parsed: headers, Huffman tables and the
//! lengths of all symbols. This is no check of the content: a flipped literal passes.

use super::huffman::codes;
use super::symbols::{self, CODE_LENGTH_ORDER, DISTANCES, LITERALS, LONGEST_CODE, fixed_literal};

/// Where the last block begins and where the stream ends, in bits from the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg(all(feature = "libdeflate", not(feature = "pure-rust")))]
pub struct LastBlock {
    /// Bit of `BFINAL` of the last block.
    pub header: usize,
    /// First bit after the stream.
    pub end: usize,
}

/// The bytes are no chain of blocks, or not one whole stream that ends in the last byte with zero padding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a well-formed deflate stream")]
pub struct Malformed;

/// Bits that one table step resolves; longer codes take the bitwise path. Measured best at 11 (10: 6 % slower).
const TABLE_BITS: u32 = 11;
const TABLE_SIZE: usize = 1 << TABLE_BITS;
/// What a window holds at least, once it is full.
const WINDOW_BITS: u32 = 56;
/// What a symbol takes at most in the tables: its code, and 13 extra bits of a distance.
const SYMBOL_BITS: u32 = TABLE_BITS + 13;
/// Symbols that a full window has the bits for, whatever they are: a fixed number is no branch that nobody can foretell.
const STEPS: u32 = WINDOW_BITS / SYMBOL_BITS;
/// Entry flag: leave the fast loop (end of block, long code, unused code).
const LEAVE: u16 = 1 << 15;
/// Entry flag: a distance follows. It is what to add to find it in its half of the table.
const LENGTH: u16 = 1 << TABLE_BITS;
/// Low bits of an entry: code and extra bits to drop.
const DROP: u16 = 63;
const END_OF_BLOCK: usize = symbols::END_OF_BLOCK as usize;

impl Default for Scanner {
    /// With empty tables.
    fn default() -> Self {
        Self { table: Box::new([LEAVE; 2 * TABLE_SIZE]), literals: Code::new(), distances: Code::new() }
    }
}

/// Finds last blocks. Reuse it: it holds the tables.
pub struct Scanner {
    /// Literals and lengths in the first half, distances in the second: which half is looked into is part of the entry before,
    /// not a branch that nobody can foretell.
    table: Box<[u16; 2 * TABLE_SIZE]>,
    literals: Code,
    distances: Code,
}

impl Scanner {
    /// Finds the last block of `stream`.
    ///
    /// # Errors
    /// When the bytes are not one whole stream.
    #[cfg(all(feature = "libdeflate", not(feature = "pure-rust")))]
    pub fn last_block(&mut self, stream: &[u8]) -> Result<LastBlock, Malformed> {
        let mut bits = Bits { data: stream, position: 0 };
        let mut header = 0;
        while !self.skip_block(&mut bits)? {
            header = bits.position;
        }
        let end = bits.position;
        let padding = if end.is_multiple_of(8) { 0 } else { stream.get(end / 8).ok_or(Malformed)? >> (end % 8) };
        if end.div_ceil(8) == stream.len() && padding == 0 { Ok(LastBlock { header, end }) } else { Err(Malformed) }
    }

    /// Whether it is whole blocks, none of them final, the last of which ends with the last byte: what is behind it is read as what it is.
    pub fn is_run(&mut self, run: &[u8]) -> bool {
        let mut bits = Bits { data: run, position: 0 };
        while bits.position < 8 * run.len() {
            if self.skip_block(&mut bits) != Ok(false) {
                return false;
            }
        }
        true
    }

    /// Drops a block; whether it is the final one.
    fn skip_block(&mut self, bits: &mut Bits<'_>) -> Result<bool, Malformed> {
        let last = bits.take(1)? == 1;
        match bits.take(2)? {
            0 => bits.skip_stored()?,
            1 => {
                // Two more than ever come have codes.
                self.build(&(0..288).map(fixed_length).collect::<Vec<u8>>(), &[5; DISTANCES])?;
                self.skip_symbols(bits)?;
            }
            2 => {
                self.read_codes(bits)?;
                self.skip_symbols(bits)?;
            }
            _ => return Err(Malformed),
        }
        Ok(last)
    }

    /// Takes the lengths of both codes.
    fn build(&mut self, literals: &[u8], distances: &[u8]) -> Result<(), Malformed> {
        let (of_literals, of_distances) = self.table.split_at_mut(TABLE_SIZE);
        self.literals.build(literals)?;
        Code::fill(literals, literal_extra, true, of_literals);
        self.distances.build(distances)?;
        Code::fill(distances, distance_extra, false, of_distances);
        Ok(())
    }

    /// Reads the two codes of a dynamic block (RFC 1951, 3.2.7).
    fn read_codes(&mut self, bits: &mut Bits<'_>) -> Result<(), Malformed> {
        let literal_count = bits.take(5)? as usize + 257;
        let distance_count = bits.take(5)? as usize + 1;
        let mut lengths = [0u8; 19];
        for &place in &CODE_LENGTH_ORDER[..bits.take(4)? as usize + 4] {
            lengths[place] = bits.take_byte(3)?;
        }
        // The code of code lengths is read through the slow path: it has at most 320 symbols.
        self.literals.build(&lengths)?;
        let mut all = [0u8; 320];
        let total = literal_count + distance_count;
        let mut filled = 0;
        while filled < total {
            let symbol = self.literals.decode(bits)?;
            let (value, repeat) = match symbol {
                0..=15 => (u8::try_from(symbol).map_err(|_| Malformed)?, 1),
                16 if filled > 0 => (all[filled - 1], 3 + bits.take(2)? as usize),
                17 => (0, 3 + bits.take(3)? as usize),
                18 => (0, 11 + bits.take(7)? as usize),
                _ => return Err(Malformed),
            };
            let end = filled + repeat;
            if end > total {
                return Err(Malformed);
            }
            all[filled..end].fill(value);
            filled = end;
        }
        if all[END_OF_BLOCK] == 0 {
            return Err(Malformed);
        }
        self.build(&all[..literal_count], &all[literal_count..total])
    }

    /// Drops all symbols of a block up to and with its end-of-block code.
    fn skip_symbols(&self, bits: &mut Bits<'_>) -> Result<(), Malformed> {
        let mut half = 0;
        loop {
            half = self.skip_frequent(bits, half);
            if half != 0 {
                bits.skip_distance(&self.distances)?;
                half = 0;
            } else if self.skip_rare(bits)? {
                return Ok(());
            }
        }
    }

    /// Drops symbols that the table holds, as long as the window can be filled. `half` is where the half of the table begins that
    /// the next symbol is in, likewise what is returned.
    fn skip_frequent(&self, bits: &mut Bits<'_>, mut half: u16) -> u16 {
        let Some(mut window) = Window::at(bits.position, bits.data) else { return half };
        'symbols: while window.fill(bits.data) {
            for _ in 0..STEPS {
                let entry = self.table[usize::from(half) | slot(window.bits)];
                if entry & LEAVE != 0 {
                    break 'symbols;
                }
                window.drop(u32::from(entry & DROP));
                half = entry & LENGTH;
            }
        }
        bits.position = window.position();
        half
    }

    /// Drops a symbol that the table does not hold, and says whether it ends the block.
    fn skip_rare(&self, bits: &mut Bits<'_>) -> Result<bool, Malformed> {
        match self.literals.decode(bits)? {
            END_OF_BLOCK => return Ok(true),
            0..END_OF_BLOCK => {}
            symbol => {
                bits.advance(literal_extra(symbol).ok_or(Malformed)? as usize)?;
                bits.skip_distance(&self.distances)?;
            }
        }
        Ok(false)
    }
}

/// The table slot of the next bits.
#[allow(clippy::cast_possible_truncation, reason = "the mask keeps eleven bits")]
fn slot(window: u64) -> usize {
    window as usize & (TABLE_SIZE - 1)
}

/// Bits of the fixed code of a literal/length symbol.
#[allow(clippy::cast_possible_truncation, reason = "at most nine")]
fn fixed_length(symbol: u32) -> u8 {
    fixed_literal(symbol).1 as u8
}

/// Extra bits of a literal/length symbol; none for symbols that do not exist.
fn literal_extra(symbol: usize) -> Option<u8> {
    match symbol {
        265..=284 => u8::try_from((symbol - 261) / 4).ok(),
        0..LITERALS => Some(0),
        _ => None,
    }
}

/// Extra bits of a distance symbol; none for symbols that do not exist.
fn distance_extra(symbol: usize) -> Option<u8> {
    (symbol < DISTANCES).then(|| u8::try_from(symbols::distances_of(symbol).0).ok()).flatten()
}

/// A canonical Huffman code: counts and sorted symbols. Short codes are also in a table.
struct Code {
    count: [u16; LONGEST_CODE + 1],
    symbols: [u16; 320],
}

impl Code {
    fn new() -> Self {
        Self { count: [0; LONGEST_CODE + 1], symbols: [0; 320] }
    }

    /// Builds the code from its lengths.
    fn build(&mut self, lengths: &[u8]) -> Result<(), Malformed> {
        self.count = [0; LONGEST_CODE + 1];
        for &length in lengths {
            self.count[usize::from(length)] += 1;
        }
        self.count[0] = 0;
        let mut offsets = [0u16; LONGEST_CODE + 2];
        let mut left = 1i32;
        for length in 1..=LONGEST_CODE {
            left = left * 2 - i32::from(self.count[length]);
            if left < 0 {
                return Err(Malformed);
            }
            offsets[length + 1] = offsets[length] + self.count[length];
        }
        for (symbol, &length) in (0u16..).zip(lengths).filter(|(_, length)| **length > 0) {
            let place = &mut offsets[usize::from(length)];
            self.symbols[usize::from(*place)] = symbol;
            *place += 1;
        }
        Ok(())
    }

    /// Fills a table with the codes that fit into it. `literal` marks length symbols and leaves the end of the block out.
    fn fill(lengths: &[u8], extra: impl Fn(usize) -> Option<u8>, literal: bool, table: &mut [u16]) {
        let mut written = [0u16; 320];
        codes(lengths, &mut written);
        table.fill(LEAVE);
        for (symbol, &bits) in lengths.iter().enumerate().filter(|(_, length)| **length > 0) {
            let length = usize::from(bits);
            if length > TABLE_BITS as usize || (literal && symbol == END_OF_BLOCK) {
                continue;
            }
            let Some(extra) = extra(symbol) else { continue };
            let flag = if literal && symbol > END_OF_BLOCK { LENGTH } else { 0 };
            let entry = flag | (u16::from(bits) + u16::from(extra));
            for slot in table[usize::from(written[symbol])..].iter_mut().step_by(1 << length) {
                *slot = entry;
            }
        }
    }

    /// Decodes one symbol bit by bit, without its extra bits.
    fn decode(&self, bits: &mut Bits<'_>) -> Result<usize, Malformed> {
        let (mut code, mut first, mut index) = (0i32, 0i32, 0i32);
        for length in 1..=LONGEST_CODE {
            code |= i32::from(bits.take_byte(1)?);
            let count = i32::from(self.count[length]);
            if code - count < first {
                let place = usize::try_from(index + code - first).map_err(|_| Malformed)?;
                return self.symbols.get(place).map(|s| usize::from(*s)).ok_or(Malformed);
            }
            index += count;
            first = (first + count) << 1;
            code <<= 1;
        }
        Err(Malformed)
    }
}

/// The next bits. What is filled in comes behind them, so no bit waits for how many were dropped.
struct Window {
    bits: u64,
    /// How many they are.
    count: u32,
    /// The byte that follows the whole bytes among them.
    next: usize,
}

impl Window {
    /// From a position on, if it can be filled there.
    fn at(position: usize, data: &[u8]) -> Option<Self> {
        let mut window = Self { bits: 0, count: 0, next: position / 8 };
        let part = u32::try_from(position % 8).unwrap_or(0);
        window.fill(data).then(|| {
            window.drop(part);
            window
        })
    }

    /// Makes them at least [`WINDOW_BITS`], if eight bytes are left.
    fn fill(&mut self, data: &[u8]) -> bool {
        let Some(eight) = data.get(self.next..).and_then(|rest| rest.first_chunk()) else { return false };
        self.bits |= u64::from_le_bytes(*eight) << self.count;
        // As many whole bytes as were added; bits of the next one are added once more, and are the same.
        self.next += ((63 - self.count) / 8) as usize;
        self.count |= WINDOW_BITS;
        true
    }

    fn drop(&mut self, count: u32) {
        self.bits >>= count;
        self.count -= count;
    }

    /// Of the first of them, in bits from the start.
    fn position(&self) -> usize {
        self.next * 8 - self.count as usize
    }
}

/// A cursor over bits, least significant first.
struct Bits<'a> {
    data: &'a [u8],
    position: usize,
}

impl Bits<'_> {
    /// The next bits, more than any number that is taken at once; zeros behind the end.
    fn ahead(&self) -> u64 {
        let byte = self.position / 8;
        let word = if let Some(eight) = self.data.get(byte..byte + 8) {
            u64::from_le_bytes(eight.try_into().unwrap_or_default())
        } else {
            let mut eight = [0u8; 8];
            let tail = self.data.get(byte..).unwrap_or_default();
            eight[..tail.len()].copy_from_slice(tail);
            u64::from_le_bytes(eight)
        };
        word >> (self.position % 8)
    }

    fn advance(&mut self, count: usize) -> Result<(), Malformed> {
        self.position += count;
        if self.position <= self.data.len() * 8 { Ok(()) } else { Err(Malformed) }
    }

    fn take(&mut self, count: u32) -> Result<u32, Malformed> {
        let value = self.ahead() & ((1 << count) - 1);
        self.advance(count as usize)?;
        u32::try_from(value).map_err(|_| Malformed)
    }

    fn take_byte(&mut self, count: u32) -> Result<u8, Malformed> {
        u8::try_from(self.take(count)?).map_err(|_| Malformed)
    }

    fn skip_stored(&mut self) -> Result<(), Malformed> {
        self.position = self.position.next_multiple_of(8);
        let (length, complement) = (self.take(16)?, self.take(16)?);
        if length != !complement & 0xffff {
            return Err(Malformed);
        }
        self.advance(length as usize * 8)
    }

    fn skip_distance(&mut self, distances: &Code) -> Result<(), Malformed> {
        let symbol = distances.decode(self)?;
        self.advance(distance_extra(symbol).ok_or(Malformed)? as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::super::symbols::{LONGEST, SHORTEST, length_code};
    use super::*;

    #[test]
    fn length_symbols_have_the_extra_bits_that_lengths_are_said_with() {
        for length in SHORTEST..=LONGEST {
            let (symbol, count, _) = length_code(length);
            assert_eq!(literal_extra(symbol as usize).map(u32::from), Some(count), "{length}");
        }
        assert!((0..=END_OF_BLOCK).all(|symbol| literal_extra(symbol) == Some(0)));
        assert!(literal_extra(LITERALS).is_none() && distance_extra(DISTANCES).is_none());
    }
}
