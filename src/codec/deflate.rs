//! Deflate runs: compressed once, joined in any order.
//!
//! A run is a byte-aligned, non-final piece of a raw deflate stream. Any concatenation of runs followed by
//! [`END_OF_STREAM`] is a valid stream of the concatenated content, so one run serves zip entries and gzip streams
//! alike. libdeflate only makes whole streams; `seal` turns one into a run: it clears the final bit of the last block
//! and pads to a byte with an empty stored block.

use libdeflater::{CompressionLvl, Compressor};

use super::inflate_scan::last_block;

/// Most content bytes of a run. Larger runs gain 0.05 % in size and cost parallelism.
pub const RUN: usize = 1 << 20;
/// Ends a stream of runs: an empty final block with fixed codes.
pub const END_OF_STREAM: [u8; 2] = [3, 0];

/// Makes runs and whole streams at one level. Reuse it: it holds the compressor's tables.
pub struct Deflater {
    compressor: Compressor,
}

impl Deflater {
    /// A libdeflate level, 1 to 12; others are brought into that range.
    pub fn new(level: u8) -> Self {
        let level = CompressionLvl::new(i32::from(level.clamp(1, 12))).unwrap_or_default();
        Self { compressor: Compressor::new(level) }
    }

    /// Appends `content` as runs of at most [`RUN`] bytes each; empty content is no run at all.
    pub fn runs(&mut self, content: &[u8], out: &mut Vec<u8>) {
        for chunk in content.chunks(RUN) {
            let start = out.len();
            self.append(chunk, out);
            if seal(out, start).is_err() {
                out.truncate(start);
                stored(chunk, out);
            }
        }
    }

    /// `content` as one complete stream.
    ///
    /// # Panics
    /// When libdeflate asks for a larger buffer than it announced: a fault of the library.
    pub fn whole(&mut self, content: &[u8]) -> Vec<u8> {
        let mut stream = Vec::new();
        self.append(content, &mut stream);
        stream
    }

    /// Appends one complete stream. It is made in place: what `out` had room for in an earlier round serves again.
    fn append(&mut self, content: &[u8], out: &mut Vec<u8>) {
        let start = out.len();
        out.resize(start + self.compressor.deflate_compress_bound(content.len()), 0);
        let length = self
            .compressor
            .deflate_compress(content, &mut out[start..])
            .expect("the buffer has the size that libdeflate asks for");
        out.truncate(start + length);
    }
}

/// Turns the complete stream from `start` on into a run.
///
/// # Errors
/// When the bytes are not a complete stream.
fn seal(out: &mut Vec<u8>, start: usize) -> Result<(), super::inflate_scan::Malformed> {
    let last = last_block(&out[start..])?;
    out[start + last.header / 8] &= !(1 << (last.header % 8));
    let bits = last.end % 8;
    if bits != 0 {
        // The padding is zero already, which reads as the header of a stored block if its three bits fit.
        if bits > 5 {
            out.push(0);
        }
        out.extend_from_slice(&[0, 0, 0xff, 0xff]);
    }
    Ok(())
}

/// `content` as stored blocks: the way out should a compressor's stream ever not parse.
fn stored(content: &[u8], out: &mut Vec<u8>) {
    for block in content.chunks(0xffff) {
        let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
        out.push(0);
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(&(!length).to_le_bytes());
        out.extend_from_slice(block);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

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
            let mut deflater = Deflater::new(level);
            for shape in &shapes {
                let (mut stream, mut content) = (Vec::new(), shape.clone());
                deflater.runs(shape, &mut stream);
                deflater.runs(b"between", &mut stream);
                deflater.runs(shape, &mut stream);
                stream.extend(END_OF_STREAM);
                content.extend(b"between");
                content.extend(shape);
                assert!(inflate(&stream) == content, "level {level}, {} bytes", shape.len());
            }
        }
    }

    #[test]
    fn stored_blocks_are_runs() {
        let content: Vec<u8> = (0..200_000u32).map(|i| (i * 7) as u8).collect();
        let mut stream = Vec::new();
        stored(&content, &mut stream);
        stream.extend(END_OF_STREAM);
        assert!(inflate(&stream) == content);
    }

    #[test]
    fn damage_never_panics_and_truncation_is_found() {
        let content: Vec<u8> = (0..60_000u32).map(|i| ((i * i) >> 5) as u8 & 63).collect();
        let stream = Deflater::new(6).whole(&content);
        for length in 0..stream.len() {
            assert!(last_block(&stream[..length]).is_err(), "cut at {length}");
        }
        for bit in 0..stream.len() * 8 {
            let mut damaged = stream.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            let _ = last_block(&damaged);
        }
    }
}
