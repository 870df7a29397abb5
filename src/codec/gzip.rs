//! A whole gzip member from bytes in memory, on all threads.
//!
//! Not here: artifacts, whose runs come from the engine. Source: RFC 1952.

use rayon::prelude::*;

use super::deflate::{Deflater, END_OF_STREAM, RUN};

/// One member at a level of libdeflate (1 to 12), without name and time: the same bytes on any number of threads.
pub fn whole(content: &[u8], level: u8) -> Vec<u8> {
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
    let mut crc = crc32fast::Hasher::new();
    let mut member = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    member.reserve(runs.iter().map(|(run, _)| run.len()).sum::<usize>() + 16);
    for (run, of_run) in &runs {
        member.extend_from_slice(run);
        crc.combine(of_run);
    }
    member.extend_from_slice(&END_OF_STREAM);
    member.extend_from_slice(&crc.finalize().to_le_bytes());
    // Modulo 2^32, as the format has it.
    member.extend_from_slice(&(content.len() as u64).to_le_bytes()[..4]);
    member
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn what_is_packed_comes_out_again() {
        for size in [0, 1, 1000, RUN - 1, RUN, 3 * RUN + 17] {
            let content: Vec<u8> = (0..size).map(|at| (at * at / 7 % 251) as u8).collect();
            let mut out = Vec::new();
            flate2::read::GzDecoder::new(&whole(&content, 6)[..]).read_to_end(&mut out).unwrap();
            assert!(out == content, "{size} bytes");
        }
    }
}
