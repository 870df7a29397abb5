//! Deflate runs: compressed once, joined in any order.
//!
//! A run is a byte-aligned, non-final piece of a raw deflate stream. Any concatenation of runs followed by
//! [`END_OF_STREAM`] is a valid stream of the concatenated content, so one run serves zip entries and gzip streams
//! alike. Which library makes them is decided when fitout is compiled: libdeflate, or with the feature `pure-rust` zlib-rs. Those of small
//! contents are our own at the usual levels ([`Weaver`]), since several streams have them in common; also where there is one stream only,
//! because what an artifact is must not depend on which others are made.

use std::io::Read as _;

use flate2::read::DeflateDecoder;

use scan::Scanner;

mod bits;
mod blocks;
mod brief;
mod huffman;
mod parse;
mod scan;
mod symbols;
mod weave;
pub use brief::{Before, MOST as MOST_BRIEF};
pub use parse::{Sequence, Text};
pub use weave::{NAME as WEAVER, Weaver};

#[cfg(all(feature = "libdeflate", not(feature = "pure-rust")))]
#[path = "deflate/libdeflate.rs"]
mod library;
#[cfg(not(all(feature = "libdeflate", not(feature = "pure-rust"))))]
#[path = "deflate/zlib.rs"]
mod library;

/// What makes the bytes: another one makes other bytes.
pub const ENCODER: &str = library::NAME;
/// Most content bytes of a run. Larger runs gain 0.05 % in size and cost parallelism.
pub const RUN: usize = 1 << 20;
/// Ends a stream of runs: an empty final block with fixed codes.
pub const END_OF_STREAM: [u8; 2] = [3, 0];

/// What was compressed does not decompress to what it was made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("what was compressed does not decompress to its content")]
pub struct Unfaithful;

/// Makes runs and whole streams at one level. Reuse it: it holds the compressor's tables.
pub struct Deflater {
    encoder: library::Encoder,
    brief: brief::Encoder,
    verify: bool,
}

impl Deflater {
    /// A level from 1 to 12; what the library does not know is brought into its range. With `verify` all that is made is
    /// decompressed and compared.
    pub fn new(level: u8, verify: bool) -> Self {
        Self { encoder: library::Encoder::new(level), brief: brief::Encoder::default(), verify }
    }

    /// Appends `content` as runs of at most [`RUN`] bytes each; empty content is no run at all.
    ///
    /// # Errors
    /// When it is verified and not right.
    pub fn runs(&mut self, content: &[u8], out: &mut Vec<u8>) -> Result<(), Unfaithful> {
        for chunk in content.chunks(RUN) {
            let start = out.len();
            self.encoder.run(chunk, out);
            if self.verify && !is_of(&out[start..], chunk, Behind::More) {
                return Err(Unfaithful);
            }
        }
        Ok(())
    }

    /// Appends `content`, at most [`MOST_BRIEF`] bytes, as a run that may refer to what stood before it.
    ///
    /// # Errors
    /// When it is verified and not right.
    pub fn brief(&mut self, content: &[u8], before: &Before, out: &mut Vec<u8>) -> Result<(), Unfaithful> {
        let start = out.len();
        self.brief.run(content, before, out);
        if !self.verify {
            return Ok(());
        }
        let mut all = before.stand_in();
        let mut stream = Vec::new();
        stored(&all, &mut stream);
        stream.extend_from_slice(&out[start..]);
        all.extend_from_slice(content);
        if is_of(&stream, &all, Behind::More) { Ok(()) } else { Err(Unfaithful) }
    }

    /// `content` as one complete stream.
    ///
    /// # Errors
    /// When it is verified and not right.
    pub fn whole(&mut self, content: &[u8]) -> Result<Vec<u8>, Unfaithful> {
        let mut stream = Vec::new();
        self.encoder.whole(content, &mut stream);
        if self.verify && !is_of(&stream, content, Behind::Nothing) { Err(Unfaithful) } else { Ok(stream) }
    }
}

/// Whether something is to stand behind what was packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behind {
    /// Nothing: it is a whole stream.
    Nothing,
    /// More of the stream: it is runs.
    More,
}

/// Decompresses what was packed and gives its content, which should be `raw` bytes, piece by piece; whether it is exactly that, and
/// may stand where it is to stand.
pub fn unpacks(packed: &[u8], raw: u64, behind: Behind, mut take: impl FnMut(&[u8]) -> bool) -> bool {
    let end: &[u8] = match behind {
        Behind::Nothing => &[],
        // A decoder alone does not tell: the zeros of what stands behind it may complete a block that has no end of its own.
        Behind::More if !Scanner::default().is_run(packed) => return false,
        Behind::More => &END_OF_STREAM,
    };
    let size = (packed.len() + end.len()) as u64;
    let mut decoder = DeflateDecoder::new(packed.chain(end));
    let (mut left, mut buffer) = (raw, vec![0; 64 * 1024]);
    loop {
        match decoder.read(&mut buffer) {
            Ok(0) => return left == 0 && decoder.total_in() == size,
            Ok(count) if count as u64 > left || !take(&buffer[..count]) => return false,
            Ok(count) => left -= count as u64,
            Err(_) => return false,
        }
    }
}

/// Pads a stream to a byte, after whose last one `bits` bits are used (0 for all): by an empty stored block, if it must be. Unused bits
/// are zero.
fn pad(out: &mut Vec<u8>, bits: usize) {
    if bits != 0 {
        // The zeros read as the header of a stored block if its three bits fit.
        if bits > 5 {
            out.push(0);
        }
        out.extend_from_slice(&[0, 0, 0xff, 0xff]);
    }
}

/// `content` as stored blocks: what stands before a run that is verified, and the way out should a compressor's stream ever not parse.
fn stored(content: &[u8], out: &mut Vec<u8>) {
    for block in content.chunks(0xffff) {
        let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
        out.push(0);
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(&(!length).to_le_bytes());
        out.extend_from_slice(block);
    }
}

/// Whether what was packed is `content`.
fn is_of(packed: &[u8], content: &[u8], behind: Behind) -> bool {
    let mut rest = content;
    unpacks(packed, content.len() as u64, behind, |piece| {
        let more = rest.strip_prefix(piece);
        rest = more.unwrap_or_default();
        more.is_some()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inflate(stream: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        flate2::read::DeflateDecoder::new(stream).read_to_end(&mut out).expect("a valid stream");
        out
    }

    /// Content of many shapes: random, constant, periodic, text-like, skewed alphabets with codes of 15 bits.
    fn shapes() -> Vec<Vec<u8>> {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut random = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        let mut all = Vec::new();
        for size in [0usize, 1, 2, 3, 257, 258, 259, 4_999, 32_768, 65_535, 65_536, 131_071, 300_001, RUN, RUN + 1] {
            all.push((0..size).map(|_| random() as u8).collect());
            all.push(vec![b'a'; size]);
            all.push((0..size).map(|i| (i % 251) as u8).collect());
            all.push((0..size).map(|_| b"etaoin shrdlu\n"[(random() % 14) as usize]).collect());
            all.push((0..size).map(|_| (random() & random() & random()) as u8).collect());
            all.push((0..size).map(|_| random().trailing_zeros() as u8).collect());
        }
        all
    }

    #[test]
    fn runs_join_to_their_content() {
        let shapes = shapes();
        for level in [1, 3, 6, 9, 12] {
            let mut deflater = Deflater::new(level, false);
            for shape in &shapes {
                let (mut stream, mut content) = (Vec::new(), shape.clone());
                deflater.runs(shape, &mut stream).unwrap();
                deflater.runs(b"between", &mut stream).unwrap();
                deflater.runs(shape, &mut stream).unwrap();
                stream.extend(END_OF_STREAM);
                content.extend(b"between");
                content.extend(shape);
                assert!(inflate(&stream) == content, "level {level}, {} bytes", shape.len());
            }
        }
    }

    #[test]
    fn what_is_made_is_what_is_verified() {
        let content = shapes().concat();
        let mut deflater = Deflater::new(6, true);
        let mut runs = Vec::new();
        deflater.runs(&content, &mut runs).unwrap();
        let whole = deflater.whole(&content).unwrap();
        assert!(is_of(&whole, &content, Behind::Nothing) && is_of(&runs, &content, Behind::More));
        // Each in the place of the other: one goes on, one has an end.
        assert!(!is_of(&whole, &content, Behind::More) && !is_of(&runs, &content, Behind::Nothing));
        let ended = [&whole[..], b"more"].concat();
        assert!(!is_of(&ended, &content, Behind::Nothing) && !is_of(&ended, &content, Behind::More));
        for (name, stream, behind) in [("whole", &whole, Behind::Nothing), ("runs", &runs, Behind::More)] {
            for at in [0, 17, stream.len() / 2, stream.len() - 3] {
                let mut damaged = stream.clone();
                damaged[at] ^= 0x10;
                assert!(!is_of(&damaged, &content, behind), "{name} with a flipped bit in {at}");
            }
        }
        for other in [&content[1..], &content[..content.len() - 1]] {
            assert!(!is_of(&whole, other, Behind::Nothing));
        }
    }

    #[test]
    fn a_run_ends_by_itself() {
        // A block with fixed codes: literals of nine bits, and an end of seven zeros.
        for literals in 0..8 {
            let content = vec![0xff; literals];
            let mut block = Vec::new();
            let mut bits = bits::Bits::new(&mut block);
            bits.put(0b010, 3);
            for byte in &content {
                let (code, length) = symbols::fixed_literal(u32::from(*byte));
                bits.put(code, length);
            }
            bits.put(0, 7);
            let used = bits.flush();
            let mut padded = block.clone();
            pad(&mut padded, used);
            assert!(is_of(&padded, &content, Behind::More), "{literals} literals");
            // Zeros that stand behind it would complete its end, or the header of a block that has only begun.
            assert_eq!(is_of(&block, &content, Behind::More), used == 0, "{literals} literals");
            if used <= 2 {
                assert!(!is_of(&block[..block.len() - 1], &content, Behind::More), "{literals} literals");
            }
        }
    }

    #[test]
    fn the_encoder_is_the_one_that_is_locked() {
        let lock = include_str!("../../Cargo.lock");
        for name_and_version in ENCODER.trim_end_matches(',').split(", ") {
            let (name, version) = name_and_version.split_once(' ').unwrap();
            let entry = format!("name = \"{name}\"\nversion = \"{version}\"");
            assert!(lock.contains(&entry), "Cargo.lock has another {name} than {version}");
        }
    }
}
