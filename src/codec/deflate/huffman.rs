//! Prefix codes as deflate has them (RFC 1951, 3.2.2).
//!
//! Enters: how often each symbol comes. Leaves: the length of its code, and the code itself, as it is written.

use super::symbols::LONGEST_CODE;

/// Lengths of the codes of all symbols, none of them more than `longest` bits; 0 where a symbol does not come. Two symbols have one at
/// least: a code of one symbol or none is what some decoders refuse.
pub fn lengths(counts: &[u32], longest: usize, lengths: &mut [u8]) {
    lengths.fill(0);
    let mut leaves: Vec<(u32, u16)> = (0u16..).zip(counts).filter(|(_, n)| **n > 0).map(|(s, n)| (*n, s)).collect();
    for symbol in 0..2 {
        if leaves.len() < 2 && leaves.iter().all(|(_, other)| *other != symbol) {
            leaves.push((1, symbol));
        }
    }
    leaves.sort_unstable();
    // How many codes are so long: those that would be too long are cut first.
    let mut of_length = [0usize; LONGEST_CODE + 1];
    for depth in depths(&leaves) {
        of_length[depth.min(longest)] += 1;
    }
    // Too many are short then: each step lengthens one that is not the longest.
    let kraft_sum = |of_length: &[usize; LONGEST_CODE + 1]| {
        (1..=longest).map(|length| of_length[length] << (longest - length)).sum::<usize>()
    };
    while kraft_sum(&of_length) > 1 << longest {
        let Some(length) = (1..longest).rev().find(|length| of_length[*length] > 0) else { break };
        of_length[length] -= 1;
        of_length[length + 1] += 2;
        of_length[longest] -= 1;
    }
    // What comes most often gets the shortest.
    let mut rest = leaves.iter();
    for length in (1..=longest).rev() {
        for (_, symbol) in rest.by_ref().take(of_length[length]) {
            lengths[usize::from(*symbol)] = u8::try_from(length).unwrap_or(0);
        }
    }
}

/// Depths of the leaves of Huffman's tree, in the order of the leaves, which come by count.
fn depths(leaves: &[(u32, u16)]) -> Vec<usize> {
    let count = leaves.len();
    // Leaves, then inner nodes in the order in which they are made, which is by count, too.
    let mut weights: Vec<u64> = leaves.iter().map(|(n, _)| u64::from(*n)).collect();
    let mut parents = vec![0; 2 * count - 1];
    let (mut leaf, mut inner) = (0, count);
    for node in count..2 * count - 1 {
        let mut least = || {
            let take_leaf = leaf < count && (inner >= node || weights[leaf] <= weights[inner]);
            let place = if take_leaf { &mut leaf } else { &mut inner };
            *place += 1;
            *place - 1
        };
        let (one, other) = (least(), least());
        weights.push(weights[one] + weights[other]);
        (parents[one], parents[other]) = (node, node);
    }
    let mut depths = vec![0; 2 * count - 1];
    for node in (0..2 * count - 2).rev() {
        depths[node] = depths[parents[node]] + 1;
    }
    depths.truncate(count);
    depths
}

/// The canonical codes of these lengths, with their bits in the order in which they are written.
pub fn codes(lengths: &[u8], codes: &mut [u16]) {
    let mut next = [0u16; LONGEST_CODE + 2];
    for length in lengths.iter().filter(|length| **length > 0) {
        next[usize::from(*length) + 1] += 1;
    }
    let mut first = 0u16;
    for next in &mut next[1..] {
        first = first.wrapping_add(*next) << 1;
        *next = first;
    }
    for (code, length) in codes.iter_mut().zip(lengths).filter(|(_, length)| **length > 0) {
        let next = &mut next[usize::from(*length)];
        *code = next.reverse_bits() >> (16 - u32::from(*length));
        *next = next.wrapping_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(counts: &[u32], longest: usize) -> u64 {
        let mut of = vec![0; counts.len()];
        lengths(counts, longest, &mut of);
        let used: Vec<usize> = (0..of.len()).filter(|symbol| of[*symbol] > 0).collect();
        assert!(used.len() >= 2 && of.iter().all(|length| usize::from(*length) <= longest), "{counts:?}");
        assert!(counts.iter().zip(&of).all(|(count, length)| *count == 0 || *length > 0), "{counts:?}");
        // Every sequence of bits is the beginning of some code or has one as its beginning, and of one only.
        assert_eq!(used.iter().map(|symbol| 1u64 << (15 - of[*symbol])).sum::<u64>(), 1 << 15, "{counts:?}");
        let mut all = vec![0; counts.len()];
        codes(&of, &mut all);
        for one in &used {
            for other in used.iter().filter(|other| *other != one && of[**other] >= of[*one]) {
                let mask = (1u32 << of[*one]) - 1;
                assert_ne!(
                    u32::from(all[*one]) & mask,
                    u32::from(all[*other]) & mask,
                    "{one} and {other} of {counts:?}"
                );
            }
        }
        counts.iter().zip(&of).map(|(count, length)| u64::from(*count) * u64::from(*length)).sum()
    }

    #[test]
    fn codes_are_complete_and_none_begins_another_whatever_the_counts() {
        let mut state = 7u32;
        let mut random = move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state >> 16
        };
        for (symbols, longest) in [(19, 7), (30, 15), (286, 15)] {
            // None, one, each of the first two alone.
            for only in [None, Some(0), Some(1), Some(symbols - 1)] {
                let mut counts = vec![0; symbols];
                only.into_iter().for_each(|symbol| counts[symbol] = 9);
                check(&counts, longest);
            }
            check(&vec![1; symbols], longest);
            // Counts that want the longest codes there can be.
            let (mut one, mut other) = (1u32, 1u32);
            let steep: Vec<u32> = (0..symbols)
                .map(|_| {
                    (one, other) = (other, one.saturating_add(other).min(1 << 24));
                    one
                })
                .collect();
            check(&steep, longest);
            for round in 0..200 {
                let counts: Vec<u32> = (0..symbols).map(|_| random() >> (random() % 17) >> (round % 8)).collect();
                check(&counts, longest);
            }
        }
    }

    #[test]
    fn no_code_is_shorter_where_none_is_cut() {
        // Huffman's own example of 1952, in hundredths: 3.42 bits a symbol.
        assert_eq!(check(&[20, 18, 10, 10, 10, 6, 6, 4, 4, 4, 4, 3, 1], 15), 342);
        assert_eq!(check(&[8, 4, 2, 1, 1], 15), 8 + 8 + 6 + 4 + 4);
        // The same, but no code may have four bits: 1, 3, 3, 3, 3.
        assert_eq!(check(&[8, 4, 2, 1, 1], 3), 8 + 12 + 6 + 3 + 3);
    }
}
