//! Lengths, distances and bits as deflate has them (RFC 1951, 3.2.5), for what reads and writes blocks.

/// How far a match reaches.
pub const WINDOW: usize = 32 * 1024;
pub const SHORTEST: usize = 3;
pub const LONGEST: usize = 258;
pub const END_OF_BLOCK: u32 = 256;
/// Symbols of literals, the end of a block and lengths.
pub const LITERALS: usize = 286;
/// Symbols of distances.
pub const DISTANCES: usize = 30;
/// Lengths of codes are said by these symbols; the lengths of theirs stand in this order (3.2.7).
pub const CODE_LENGTH_ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// How many bytes both begin with, as far as a match reaches: eight at a time.
#[inline]
pub fn alike(one: &[u8], other: &[u8]) -> usize {
    let most = one.len().min(other.len()).min(LONGEST);
    let mut length = 0;
    while let (Some(a), Some(b)) = (one[length..most].first_chunk(), other[length..most].first_chunk()) {
        let bits = u64::from_le_bytes(*a) ^ u64::from_le_bytes(*b);
        if bits != 0 {
            return length + bits.trailing_zeros() as usize / 8;
        }
        length += 8;
    }
    length + one[length..most].iter().zip(&other[length..most]).take_while(|(a, b)| a == b).count()
}

/// Symbol, number of extra bits, extra bits.
#[allow(clippy::cast_possible_truncation, reason = "at most 258")]
pub fn length_code(length: usize) -> (u32, u32, u32) {
    if length == LONGEST {
        return (285, 0, 0);
    }
    let more = (length - SHORTEST) as u32;
    if more < 8 {
        return (257 + more, 0, 0);
    }
    let extra = more.ilog2() - 2;
    (257 + 4 * (extra + 1) + (more >> extra & 3), extra, more & ((1 << extra) - 1))
}

/// Number of extra bits of a distance symbol, and the first distance that it says.
#[allow(clippy::cast_possible_truncation, reason = "at most 13")]
pub const fn distances_of(symbol: usize) -> (u32, usize) {
    if symbol < 4 {
        return (0, symbol + 1);
    }
    let extra = symbol / 2 - 1;
    (extra as u32, ((2 + symbol % 2) << extra) + 1)
}

/// Symbols of short distances, then of all by 128.
#[allow(clippy::cast_possible_truncation, reason = "thirty of them")]
const DISTANCE_SYMBOLS: [u8; 512] = {
    let mut symbols = [0; 512];
    let mut symbol = 0;
    while symbol < DISTANCES {
        let (extra, first) = distances_of(symbol);
        let mut less = first - 1;
        while less < first - 1 + (1 << extra) {
            if less < 256 {
                symbols[less] = symbol as u8;
                less += 1;
            } else {
                symbols[256 + less / 128] = symbol as u8;
                less += 128;
            }
        }
        symbol += 1;
    }
    symbols
};

/// The symbol of a distance.
#[inline]
pub fn distance_symbol(distance: usize) -> usize {
    let less = distance - 1;
    usize::from(DISTANCE_SYMBOLS[if less < 256 { less } else { 256 + less / 128 }])
}

/// Symbol, number of extra bits, extra bits.
#[allow(clippy::cast_possible_truncation, reason = "at most the window")]
pub fn distance_code(distance: usize) -> (u32, u32, u32) {
    let symbol = distance_symbol(distance);
    let (count, first) = distances_of(symbol);
    (symbol as u32, count, (distance - first) as u32)
}

/// Fixed code of a literal or length, the most significant bit first, and how many bits it has (3.2.6).
pub fn fixed_literal(symbol: u32) -> (u32, u32) {
    match symbol {
        0..144 => (0x30 + symbol, 8),
        144..256 => (0x190 + symbol - 144, 9),
        256..280 => (symbol - 256, 7),
        _ => (0xc0 + symbol - 280, 8),
    }
}

/// Likewise of a distance.
pub fn fixed_distance(symbol: u32) -> (u32, u32) {
    (symbol, 5)
}

/// Writes bits, least significant first.
pub struct Bits<'o> {
    out: &'o mut Vec<u8>,
    /// What is not in `out` yet.
    bytes: [u8; 256],
    end: End,
}

/// Where the next bits come. Who writes many has one of his own meanwhile, which a compiler keeps in registers.
#[derive(Debug, Clone, Copy, Default)]
pub struct End {
    /// The first bytes of those not in `out` yet are whole.
    whole: usize,
    /// Bits behind them, and how many.
    bits: u64,
    count: u32,
}

impl End {
    /// Adds bits; at most 56 may be added before they are written.
    #[inline]
    pub fn add(&mut self, value: u32, count: u32) {
        self.bits |= u64::from(value) << self.count;
        self.count += count;
    }
}

impl<'o> Bits<'o> {
    /// From a byte on.
    pub fn new(out: &'o mut Vec<u8>) -> Self {
        Self { out, bytes: [0; 256], end: End::default() }
    }

    /// For [`Bits::write`].
    pub fn end(&self) -> End {
        self.end
    }

    /// The other way round.
    pub fn set_end(&mut self, end: End) {
        self.end = end;
    }

    /// Writes what was added, but for the last seven bits at most. Always eight bytes, of which those count that are whole: how many
    /// they are is nothing that could be foretold.
    #[inline]
    pub fn write(&mut self, end: &mut End) {
        if let Some(place) = self.bytes[end.whole..].first_chunk_mut() {
            *place = end.bits.to_le_bytes();
        }
        let bits = end.count & !7;
        end.whole += bits as usize / 8;
        end.bits >>= bits;
        end.count -= bits;
        if end.whole > self.bytes.len() - 8 {
            self.out.extend_from_slice(&self.bytes[..end.whole]);
            end.whole = 0;
        }
    }

    /// Adds bits and writes them.
    pub fn put(&mut self, value: u32, count: u32) {
        let mut end = self.end;
        end.add(value, count);
        self.write(&mut end);
        self.end = end;
    }

    /// Writes what is left; how many bits of the last byte are used, 0 for all.
    pub fn flush(self) -> usize {
        self.out.extend_from_slice(&self.bytes[..self.end.whole]);
        if self.end.count > 0 {
            self.out.push(self.end.bits.to_le_bytes()[0]);
        }
        self.end.count as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_symbol_of_each_distance_is_that_of_the_specification() {
        for distance in 1..=WINDOW {
            // 3.2.5: two symbols for each number of extra bits, but for the first four.
            let less = distance - 1;
            let extra = if less < 4 { 0 } else { less.ilog2() - 1 };
            let symbol = if less < 4 { less } else { 2 * extra as usize + (less >> extra) };
            let found = distance_code(distance);
            assert_eq!((found.0 as usize, found.1), (symbol, extra), "{distance}");
            assert_eq!(found.2 as usize, less & ((1 << extra) - 1), "{distance}");
        }
    }

    #[test]
    fn bits_of_all_widths_come_in_order() {
        let mut out = vec![0xaa];
        let mut bits = Bits::new(&mut out);
        let put: Vec<(u32, u32)> = (0..2000u32).map(|n| (n.wrapping_mul(0x9e37_79b1), n * 7 % 33)).collect();
        for (value, count) in &put {
            bits.put(u32::try_from(u64::from(*value) & ((1 << count) - 1)).unwrap(), *count);
        }
        let used = bits.flush();
        let mut at = 8;
        for (value, count) in put {
            for bit in 0..count {
                assert_eq!(u32::from(out[at / 8]) >> (at % 8) & 1, value >> bit & 1);
                at += 1;
            }
        }
        assert_eq!((out.len(), used), (at.div_ceil(8), at % 8));
    }
}
