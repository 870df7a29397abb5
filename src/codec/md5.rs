//! MD5 of several messages at once.
//!
//! Enters: messages in memory. Leaves: their digests. One MD5 waits for itself at every step, so the processor does
//! [`LANES`] of them in the time of one or two, if it has wide registers. Not here: streams; those take the crate `md-5`, which the
//! tests compare with.
//!
//! Source: RFC 1321.

use md5::{Digest as _, Md5};
use multiversion::multiversion;

/// Messages that are digested at once; more are taken so many at a time.
pub const LANES: usize = 16;
/// Lanes cost the same whether they are used or not: fewer messages than these are quicker one after the other.
const WORTH: usize = 3;
const BLOCK: usize = 64;
const START: [u32; 4] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];
/// 2^32 times the sine of 1, 2, 3 …, without sign.
const SINES: [u32; 64] = [
    0xd76a_a478,
    0xe8c7_b756,
    0x2420_70db,
    0xc1bd_ceee,
    0xf57c_0faf,
    0x4787_c62a,
    0xa830_4613,
    0xfd46_9501,
    0x6980_98d8,
    0x8b44_f7af,
    0xffff_5bb1,
    0x895c_d7be,
    0x6b90_1122,
    0xfd98_7193,
    0xa679_438e,
    0x49b4_0821,
    0xf61e_2562,
    0xc040_b340,
    0x265e_5a51,
    0xe9b6_c7aa,
    0xd62f_105d,
    0x0244_1453,
    0xd8a1_e681,
    0xe7d3_fbc8,
    0x21e1_cde6,
    0xc337_07d6,
    0xf4d5_0d87,
    0x455a_14ed,
    0xa9e3_e905,
    0xfcef_a3f8,
    0x676f_02d9,
    0x8d2a_4c8a,
    0xfffa_3942,
    0x8771_f681,
    0x6d9d_6122,
    0xfde5_380c,
    0xa4be_ea44,
    0x4bde_cfa9,
    0xf6bb_4b60,
    0xbebf_bc70,
    0x289b_7ec6,
    0xeaa1_27fa,
    0xd4ef_3085,
    0x0488_1d05,
    0xd9d4_d039,
    0xe6db_99e5,
    0x1fa2_7cf8,
    0xc4ac_5665,
    0xf429_2244,
    0x432a_ff97,
    0xab94_23a7,
    0xfc93_a039,
    0x655b_59c3,
    0x8f0c_cc92,
    0xffef_f47d,
    0x8584_5dd1,
    0x6fa8_7e4f,
    0xfe2c_e6e0,
    0xa301_4314,
    0x4e08_11a1,
    0xf753_7e82,
    0xbd3a_f235,
    0x2ad7_d2bb,
    0xeb86_d391,
];

type Lanes = [u32; LANES];

/// The digests of messages; quickest where neighbours are about as long.
pub fn of_each(messages: &[&[u8]]) -> Vec<[u8; 16]> {
    let alone = |message: &&[u8]| Md5::digest(message).into();
    messages
        .chunks(LANES)
        .flat_map(|few| if few.len() < WORTH { few.iter().map(alone).collect() } else { group(few) })
        .collect()
}

/// Compiled once more for each width of registers; the one that runs is chosen when it runs.
#[multiversion(targets("x86_64+avx2+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
fn group(messages: &[&[u8]]) -> Vec<[u8; 16]> {
    let tails: Vec<Tail> = messages.iter().map(|message| Tail::of(message)).collect();
    let blocks = |lane: usize| messages[lane].len() / BLOCK + tails[lane].blocks;
    let most = (0..messages.len()).map(blocks).max().unwrap_or(0);
    let mut state: [Lanes; 4] = START.map(|word| [word; LANES]);
    let mut words: [Lanes; 16] = [[0; LANES]; 16];
    let mut digests = vec![[0; 16]; messages.len()];
    for number in 0..most {
        for lane in 0..messages.len() {
            let whole = messages[lane].len() / BLOCK;
            let block = match number.checked_sub(whole) {
                None => &messages[lane][number * BLOCK..][..BLOCK],
                Some(after) if after < tails[lane].blocks => &tails[lane].bytes[after * BLOCK..][..BLOCK],
                // It has ended; what becomes of its lane is not looked at.
                Some(_) => continue,
            };
            for (word, bytes) in words.iter_mut().zip(block.chunks_exact(4)) {
                word[lane] = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
            }
        }
        compress(&mut state, &words);
        for (lane, digest) in digests.iter_mut().enumerate().filter(|(lane, _)| blocks(*lane) == number + 1) {
            for (bytes, word) in digest.chunks_exact_mut(4).zip(&state) {
                bytes.copy_from_slice(&word[lane].to_le_bytes());
            }
        }
    }
    digests
}

/// What follows the last whole block: the rest of the message, a one bit, zeros, the length in bits.
struct Tail {
    bytes: [u8; 2 * BLOCK],
    blocks: usize,
}

impl Tail {
    fn of(message: &[u8]) -> Self {
        let rest = &message[message.len() / BLOCK * BLOCK..];
        let mut bytes = [0; 2 * BLOCK];
        bytes[..rest.len()].copy_from_slice(rest);
        bytes[rest.len()] = 0x80;
        let blocks = if rest.len() < BLOCK - 8 { 1 } else { 2 };
        let bits = (message.len() as u64).wrapping_mul(8);
        bytes[blocks * BLOCK - 8..blocks * BLOCK].copy_from_slice(&bits.to_le_bytes());
        Self { bytes, blocks }
    }
}

/// One step: `a` becomes `b + rotated(a + f + word + sine)`.
macro_rules! step {
    ($f:expr, $a:ident, $b:ident, $c:ident, $d:ident, $word:expr, $sine:expr, $shift:literal) => {
        let sum = $a.wrapping_add($f($b, $c, $d)).wrapping_add($word).wrapping_add($sine);
        $a = $b.wrapping_add(sum.rotate_left($shift));
    };
}

/// Four steps from the nth on; `$at` says which word each of them takes.
macro_rules! four {
    ($f:expr, $n:expr, $at:expr, [$s0:literal, $s1:literal, $s2:literal, $s3:literal], [$a:ident, $b:ident, $c:ident, $d:ident], $words:ident, $lane:ident) => {
        step!($f, $a, $b, $c, $d, $words[$at($n)][$lane], SINES[$n], $s0);
        step!($f, $d, $a, $b, $c, $words[$at($n + 1)][$lane], SINES[$n + 1], $s1);
        step!($f, $c, $d, $a, $b, $words[$at($n + 2)][$lane], SINES[$n + 2], $s2);
        step!($f, $b, $c, $d, $a, $words[$at($n + 3)][$lane], SINES[$n + 3], $s3);
    };
}

/// Sixteen steps that mix in the same way.
macro_rules! round {
    ($f:expr, $first:literal, $at:expr, $shifts:tt, $state:tt, $words:ident, $lane:ident) => {
        four!($f, $first, $at, $shifts, $state, $words, $lane);
        four!($f, $first + 4, $at, $shifts, $state, $words, $lane);
        four!($f, $first + 8, $at, $shifts, $state, $words, $lane);
        four!($f, $first + 12, $at, $shifts, $state, $words, $lane);
    };
}

/// One block of each lane. All steps of a lane stand in the loop over lanes: so the compiler does several at once.
#[rustfmt::skip]
#[inline(always)]
#[allow(clippy::inline_always, reason = "so it is compiled for the registers of its caller")]
fn compress(state: &mut [Lanes; 4], words: &[Lanes; 16]) {
    let [of_a, of_b, of_c, of_d] = state;
    for lane in 0..LANES {
        let (mut a, mut b, mut c, mut d) = (of_a[lane], of_b[lane], of_c[lane], of_d[lane]);
        round!(|x: u32, y: u32, z: u32| z ^ (x & (y ^ z)), 0, |n: usize| n, [7, 12, 17, 22], [a, b, c, d], words, lane);
        round!(|x: u32, y: u32, z: u32| y ^ (z & (x ^ y)), 16, |n: usize| (5 * n + 1) % 16, [5, 9, 14, 20], [a, b, c, d], words, lane);
        round!(|x: u32, y: u32, z: u32| x ^ y ^ z, 32, |n: usize| (3 * n + 5) % 16, [4, 11, 16, 23], [a, b, c, d], words, lane);
        round!(|x: u32, y: u32, z: u32| y ^ (x | !z), 48, |n: usize| (7 * n) % 16, [6, 10, 15, 21], [a, b, c, d], words, lane);
        of_a[lane] = of_a[lane].wrapping_add(a);
        of_b[lane] = of_b[lane].wrapping_add(b);
        of_c[lane] = of_c[lane].wrapping_add(c);
        of_d[lane] = of_d[lane].wrapping_add(d);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_and_mixture_gives_the_digest_of_the_crate() {
        let content: Vec<u8> = (0..70_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        let lengths: Vec<usize> = (0..260).chain([4095, 4096, 4097, 70_000, 1, 0, 65_536]).collect();
        for count in [0, 1, 2, 3, 15, 16, 17, 18, 19, lengths.len()] {
            let messages: Vec<&[u8]> = lengths.iter().rev().take(count).map(|length| &content[..*length]).collect();
            let expected: Vec<[u8; 16]> = messages.iter().map(|message| Md5::digest(message).into()).collect();
            assert_eq!(of_each(&messages), expected, "{count} messages");
        }
    }
}
