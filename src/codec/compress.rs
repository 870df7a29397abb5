//! Streams that are not spliced: zstd and xz, one frame or stream each, with bytes that do not depend on the number of
//! threads.

use std::io::{self, Write};

/// A writer that must be finished to be whole.
pub trait Finish: Write {
    /// Writes what is buffered and the end marks.
    fn finish(self: Box<Self>) -> io::Result<()>;
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
