//! Runs and whole streams by libdeflate.
//!
//! Enters: content. Leaves: deflate. libdeflate only makes whole streams; `seal` turns one into a run: it clears the final bit of
//! the last block and pads to a byte with an empty stored block.

use libdeflater::{CompressionLvl, Compressor};

use super::scan::{Malformed, Scanner};
use super::{pad, stored};

/// What makes the bytes: another one makes other bytes. A test compares it with Cargo.lock.
pub const NAME: &str = "libdeflater 1.26.1, libdeflate-sys 1.26.1,";

/// See the module.
pub struct Encoder {
    compressor: Compressor,
    scanner: Scanner,
}

impl Encoder {
    /// A level from 1 to 12; others are brought into that range.
    pub fn new(level: u8) -> Self {
        let level = CompressionLvl::new(i32::from(level.clamp(1, 12))).unwrap_or_default();
        Self { compressor: Compressor::new(level), scanner: Scanner::default() }
    }

    /// Appends one run.
    pub fn run(&mut self, content: &[u8], out: &mut Vec<u8>) {
        let start = out.len();
        self.whole(content, out);
        if seal(&mut self.scanner, out, start).is_err() {
            out.truncate(start);
            stored(content, out);
        }
    }

    /// Appends one complete stream. It is made in place: what `out` had room for in an earlier round serves again.
    ///
    /// # Panics
    /// When libdeflate asks for a larger buffer than it announced: a fault of the library.
    pub fn whole(&mut self, content: &[u8], out: &mut Vec<u8>) {
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
fn seal(scanner: &mut Scanner, out: &mut Vec<u8>, start: usize) -> Result<(), Malformed> {
    let last = scanner.last_block(&out[start..])?;
    out[start + last.header / 8] &= !(1 << (last.header % 8));
    pad(out, last.end % 8);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::super::END_OF_STREAM;
    use super::*;

    #[test]
    fn stored_blocks_are_runs() {
        let content: Vec<u8> = (0..200_000u32).map(|i| (i * 7) as u8).collect();
        let mut stream = Vec::new();
        stored(&content, &mut stream);
        stream.extend(END_OF_STREAM);
        let mut out = Vec::new();
        flate2::read::DeflateDecoder::new(&*stream).read_to_end(&mut out).expect("a valid stream");
        assert!(out == content);
    }

    #[test]
    fn damage_never_panics_and_truncation_is_found() {
        let content: Vec<u8> = (0..60_000u32).map(|i| ((i * i) >> 5) as u8 & 63).collect();
        let mut stream = Vec::new();
        Encoder::new(6).whole(&content, &mut stream);
        let mut scanner = Scanner::default();
        for length in 0..stream.len() {
            assert!(scanner.last_block(&stream[..length]).is_err(), "cut at {length}");
        }
        for bit in 0..stream.len() * 8 {
            let mut damaged = stream.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            let _ = scanner.last_block(&damaged);
        }
    }
}
