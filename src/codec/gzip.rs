//! A gzip member of bytes in memory, or of a stream, on all threads.
//!
//! Not here: artifacts, whose runs come from the engine. Source: RFC 1952.

use std::io::{self, Write};

use rayon::prelude::*;

use super::compress::Finish;
use super::deflate::{Deflater, END_OF_STREAM, RUN};

/// Method deflate, no flags, no time, compressed as the last but one byte says, no system.
const HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
/// The level from which on it is said that it is compressed as well as can be: lintian looks at it.
const BEST: u8 = 9;
/// Runs of a stream that are compressed at once.
const AT_ONCE: usize = 4;

/// One member at a level of libdeflate (1 to 12), without name and time: the same bytes on any number of threads.
pub fn whole(content: &[u8], level: u8) -> Vec<u8> {
    let mut out = Vec::new();
    // Writing to a vector cannot fail.
    let _ = Member::new(&mut out, level).and_then(|mut member| member.end(content));
    out
}

/// As [`whole`], of what is written to it. Memory stays within some runs.
pub struct Member<W> {
    out: W,
    level: u8,
    pending: Vec<u8>,
    crc: crc32fast::Hasher,
    length: u64,
}

impl<W: Write> Member<W> {
    /// Into `out`.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn new(mut out: W, level: u8) -> io::Result<Self> {
        let mut head = HEAD;
        head[8] = if level >= BEST { 2 } else { 0 };
        out.write_all(&head)?;
        Ok(Self { out, level, pending: Vec::new(), crc: crc32fast::Hasher::new(), length: 0 })
    }

    fn batch(&mut self, content: &[u8]) -> io::Result<()> {
        let level = self.level;
        let runs: Vec<(Vec<u8>, crc32fast::Hasher)> = content
            .par_chunks(RUN)
            .map_init(
                || Deflater::new(level, false),
                |deflater, chunk| {
                    let mut run = Vec::new();
                    // It fails only where it verifies what it made.
                    let _ = deflater.runs(chunk, &mut run);
                    let mut crc = crc32fast::Hasher::new();
                    crc.update(chunk);
                    (run, crc)
                },
            )
            .collect();
        for (run, of_run) in &runs {
            self.out.write_all(run)?;
            self.crc.combine(of_run);
        }
        self.length += content.len() as u64;
        Ok(())
    }

    /// The last of it.
    fn end(&mut self, rest: &[u8]) -> io::Result<()> {
        if self.length == 0 && rest.len() <= RUN {
            // A stream of one run needs no more.
            let stream = Deflater::new(self.level, false).whole(rest).map_err(io::Error::other)?;
            self.out.write_all(&stream)?;
            self.crc.update(rest);
            self.length = rest.len() as u64;
        } else {
            self.batch(rest)?;
            self.out.write_all(&END_OF_STREAM)?;
        }
        self.out.write_all(&self.crc.clone().finalize().to_le_bytes())?;
        // Modulo 2^32, as the format has it.
        self.out.write_all(&self.length.to_le_bytes()[..4])
    }
}

impl<W: Write> Write for Member<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.pending.extend_from_slice(bytes);
        // Whole runs only, so that the borders are those of `whole`.
        if self.pending.len() >= AT_ONCE * RUN {
            let mut pending = std::mem::take(&mut self.pending);
            let length = pending.len() / RUN * RUN;
            self.batch(&pending[..length])?;
            pending.drain(..length);
            self.pending = pending;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<W: Write> Finish for Member<W> {
    fn finish(mut self: Box<Self>) -> io::Result<()> {
        let rest = std::mem::take(&mut self.pending);
        self.end(&rest)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn what_is_packed_comes_out_again() {
        for size in [0, 1, 1000, RUN - 1, RUN, 3 * RUN + 17, 9 * RUN + 1] {
            let content: Vec<u8> = (0..size).map(|at| (at * at / 7 % 251) as u8).collect();
            let mut out = Vec::new();
            flate2::read::GzDecoder::new(&whole(&content, 6)[..]).read_to_end(&mut out).unwrap();
            assert!(out == content, "{size} bytes");
            let mut streamed = Vec::new();
            let mut member = Box::new(Member::new(&mut streamed, 6).unwrap());
            content.chunks(777_777).for_each(|chunk| member.write_all(chunk).unwrap());
            member.finish().unwrap();
            assert!(streamed == whole(&content, 6), "{size} bytes");
        }
    }
}
