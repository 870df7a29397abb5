//! Symbols of lengths and distances, and the fixed codes (RFC 1951, 3.2.5 and 3.2.6), for what reads and writes blocks.

/// How far a match reaches.
pub const WINDOW: usize = 32 * 1024;
pub const SHORTEST: usize = 3;
pub const LONGEST: usize = 258;
pub const END_OF_BLOCK: u32 = 256;
/// Most bits of a code (3.2.7).
pub const LONGEST_CODE: usize = 15;
/// Symbols of literals, the end of a block and lengths.
pub const LITERALS: usize = 286;
/// Symbols of distances.
pub const DISTANCES: usize = 30;
/// Lengths of codes are said by these symbols; the lengths of theirs stand in this order (3.2.7).
pub const CODE_LENGTH_ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// How many bytes both begin with, as far as a match reaches: eight at a time.
#[inline]
pub fn match_length(one: &[u8], other: &[u8]) -> usize {
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

/// Fixed code of a literal or length as it is written, its most significant bit lowest, and how many bits it has.
pub fn fixed_literal(symbol: u32) -> (u32, u32) {
    let (code, count) = match symbol {
        0..144 => (0x30 + symbol, 8),
        144..256 => (0x190 + symbol - 144, 9),
        256..280 => (symbol - 256, 7),
        _ => (0xc0 + symbol - 280, 8),
    };
    (code_as_written(code, count), count)
}

/// Likewise of a distance.
pub fn fixed_distance(symbol: u32) -> (u32, u32) {
    (code_as_written(symbol, 5), 5)
}

/// Codes stand with their most significant bit first (3.1.1), all else with its least.
pub fn code_as_written(code: u32, count: u32) -> u32 {
    code.reverse_bits() >> (u32::BITS - count)
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
}
