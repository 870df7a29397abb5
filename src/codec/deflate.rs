//! Deflate runs: compressed once, joined in any order.
//!
//! A run is a byte-aligned, non-final piece of a raw deflate stream. Any concatenation of runs followed by
//! [`END_OF_STREAM`] is a valid stream of the concatenated content, so one run serves zip entries and gzip streams
//! alike. Which library makes them is decided when fitout is compiled: libdeflate, or with the feature `pure-rust` zlib-rs.

use std::io::{self, Read as _};

use flate2::read::DeflateDecoder;

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
    verify: bool,
}

impl Deflater {
    /// A level from 1 to 12; what the library does not know is brought into its range. With `verify` all that is made is
    /// decompressed and compared.
    pub fn new(level: u8, verify: bool) -> Self {
        Self { encoder: library::Encoder::new(level), verify }
    }

    /// Appends `content` as runs of at most [`RUN`] bytes each; empty content is no run at all.
    ///
    /// # Errors
    /// When it is verified and not right.
    pub fn runs(&mut self, content: &[u8], out: &mut Vec<u8>) -> Result<(), Unfaithful> {
        for chunk in content.chunks(RUN) {
            let start = out.len();
            self.encoder.run(chunk, out);
            if self.verify && !is_of((&out[start..]).chain(&END_OF_STREAM[..]), chunk) {
                return Err(Unfaithful);
            }
        }
        Ok(())
    }

    /// `content` as one complete stream.
    ///
    /// # Errors
    /// When it is verified and not right.
    pub fn whole(&mut self, content: &[u8]) -> Result<Vec<u8>, Unfaithful> {
        let mut stream = Vec::new();
        self.encoder.whole(content, &mut stream);
        if self.verify && !is_of(&*stream, content) { Err(Unfaithful) } else { Ok(stream) }
    }
}

/// Whether a stream is that of `content`.
fn is_of(stream: impl io::Read, content: &[u8]) -> bool {
    let mut decoder = DeflateDecoder::new(stream);
    let (mut rest, mut buffer) = (content, [0; 16 * 1024]);
    loop {
        match decoder.read(&mut buffer) {
            Ok(0) => return rest.is_empty(),
            Ok(count) => match rest.strip_prefix(&buffer[..count]) {
                Some(more) => rest = more,
                None => return false,
            },
            Err(_) => return false,
        }
    }
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
        assert!(is_of(&*whole, &content) && is_of((&*runs).chain(&END_OF_STREAM[..]), &content));
        for (name, stream) in [("whole", &whole), ("runs", &runs)] {
            for at in [0, 17, stream.len() / 2, stream.len() - 3] {
                let mut damaged = stream.clone();
                damaged[at] ^= 0x10;
                assert!(!is_of((&*damaged).chain(&END_OF_STREAM[..]), &content), "{name} with a flipped bit in {at}");
            }
        }
        for other in [&content[1..], &content[..content.len() - 1]] {
            assert!(!is_of(&*whole, other));
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
