//! Streams that are not spliced: zstd and xz, one frame or stream each, with bytes that do not depend on the number of
//! threads.

use std::io::{self, Write};

/// A writer that must be finished to be whole.
pub trait Finish: Write {
    /// Writes what is buffered and the end marks.
    fn finish(self: Box<Self>) -> io::Result<()>;
}

/// Window of each level of zstd 1.5.7 as a power of two, and what one of its contexts takes in KiB (its own estimate).
const ZSTD: [(u32, u64); 20] = [
    (19, 600),
    (19, 600),
    (20, 700),
    (21, 1_200),
    (21, 2_600),
    (21, 3_600),
    (21, 3_600),
    (21, 6_600),
    (21, 6_600),
    (22, 12_800),
    (22, 25_100),
    (22, 25_100),
    (22, 49_700),
    (22, 33_300),
    (22, 49_700),
    (22, 66_100),
    (22, 33_400),
    (23, 49_800),
    (23, 50_400),
    (23, 83_200),
];
/// Levels up to this one are faster than what feeds them.
const ZSTD_FAST: u8 = 8;

/// Bytes of one job: twice the window, where zstd's own choice is four times. Measured on 530 MB of programs: level 3
/// gets 0.1 % larger by it and level 19 no larger, with half of the memory.
fn zstd_job(level: u8) -> u32 {
    let (window_log, _) = ZSTD[usize::from(level.min(19))];
    (2u32 << window_log).max(2 << 20)
}

/// The most workers, at least one, of a fast level that hold no more than `memory` bytes; none for slow levels.
pub fn zstd_workers_within(level: u8, memory: u64) -> Option<usize> {
    if level > ZSTD_FAST {
        return None;
    }
    let (job, context) = (u64::from(zstd_job(level)), ZSTD[usize::from(level)].1 << 10);
    // zstd keeps the input of one job a worker and of three more, and the output of one a worker and of two more.
    let workers = memory.saturating_sub(5 * job) / (2 * job + context);
    Some(usize::try_from(workers).unwrap_or(usize::MAX).max(1))
}

/// One zstd frame. zstd's multi-threaded mode cuts jobs by size, not by worker, so one worker and eight give the same
/// bytes; no worker at all would not.
///
/// # Errors
/// When the encoder cannot be set up.
pub fn zstd<'w>(out: impl Write + 'w, level: u8, threads: usize) -> io::Result<Box<dyn Finish + 'w>> {
    let mut encoder = zstd::stream::write::Encoder::new(out, i32::from(level))?;
    encoder.include_checksum(true)?;
    encoder.multithread(u32::try_from(threads.max(1)).unwrap_or(1))?;
    encoder.set_parameter(zstd::zstd_safe::CParameter::JobSize(zstd_job(level)))?;
    Ok(Box::new(Zstd(encoder)))
}

/// One xz stream of blocks of fixed size, CRC-64 as xz(1) writes it.
///
/// # Errors
/// When the encoder cannot be set up.
pub fn xz<'w>(out: impl Write + 'w, preset: u8, threads: usize) -> io::Result<Box<dyn Finish + 'w>> {
    // Three times the dictionary of the preset is xz's own rule for a block; written down so that it cannot move.
    const DICTIONARY_MIB: [u64; 10] = [1, 1, 2, 4, 4, 8, 8, 16, 32, 64];
    let preset = preset.min(9);
    let mut builder = liblzma::stream::MtStreamBuilder::new();
    builder
        .preset(u32::from(preset))
        .threads(u32::try_from(threads.max(1)).unwrap_or(1))
        .block_size((3 * DICTIONARY_MIB[usize::from(preset)]) << 20)
        .check(liblzma::stream::Check::Crc64);
    let stream = builder.encoder().map_err(io::Error::other)?;
    Ok(Box::new(Xz(liblzma::write::XzEncoder::new_stream(out, stream))))
}

struct Zstd<W: Write>(zstd::stream::write::Encoder<'static, W>);

impl<W: Write> Write for Zstd<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl<W: Write> Finish for Zstd<W> {
    fn finish(self: Box<Self>) -> io::Result<()> {
        self.0.finish().map(drop)
    }
}

struct Xz<W: Write>(liblzma::write::XzEncoder<W>);

impl<W: Write> Write for Xz<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl<W: Write> Finish for Xz<W> {
    fn finish(self: Box<Self>) -> io::Result<()> {
        self.0.finish().map(drop)
    }
}
