//! Reads compressed streams of any origin with bounded memory.
//!
//! Enters: a stream and its codec. Leaves: its bytes, or an error that says what is wrong. A decompression bomb is an
//! error once it has given [`BOMB_FLOOR`] bytes. Not here: compressing, which is the engine's.

use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Read};
use std::rc::Rc;

/// Bytes of output before the ratio is looked at: a package may well hold a gibibyte of zeros.
pub const BOMB_FLOOR: u64 = 4 << 30;
/// Bytes of output for one of input, over which a stream is a bomb. deflate ends at 1032.
pub const BOMB_RATIO: u64 = 1000;
/// Largest window of a zstd stream, as a power of two: 128 MiB, what `zstd -d` allows without `--long`.
const ZSTD_WINDOW_LOG: u32 = 27;
/// Memory that an xz stream may ask for; `xz -9` asks for 65 MiB.
const XZ_MEMORY: u64 = 256 << 20;

/// How a stream is compressed, as far as fitout reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// Not at all.
    None,
    /// gzip, one member or many.
    Gzip,
    /// xz, one stream or many.
    Xz,
    /// zstd, one frame or many.
    Zstd,
    /// The form that was before xz: rpm of 2009, deb of 2006 to 2012.
    Lzma,
}

impl Codec {
    /// By the first bytes of a stream. Nothing known means [`Codec::None`], unless it is a codec that fitout does not
    /// read: then its name is the error.
    pub fn by_magic(head: &[u8]) -> Result<Self, &'static str> {
        match head {
            [0x1f, 0x8b, 8, ..] => Ok(Self::Gzip),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Ok(Self::Xz),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Ok(Self::Zstd),
            [b'B', b'Z', b'h', b'1'..=b'9', ..] => Err("bzip2"),
            [b'L', b'Z', b'I', b'P', ..] => Err("lzip"),
            // It has no magic number: the usual properties, and a dictionary of whole 64 KiB.
            [0x5d, 0, 0, ..] => Ok(Self::Lzma),
            _ => Ok(Self::None),
        }
    }
}

/// The error inside the [`io::Error`] of a stream that gave far more than it took.
#[derive(Debug, thiserror::Error)]
#[error("a decompression bomb: {output} bytes came out of {input}")]
pub struct Bomb {
    /// Bytes read.
    pub input: u64,
    /// Bytes given.
    pub output: u64,
}

/// The bytes of a compressed stream. Memory stays under 300 MiB whatever the input claims.
pub fn reader<'a>(input: impl Read + 'a, codec: Codec) -> io::Result<Box<dyn Read + 'a>> {
    guarded(input, codec, BOMB_FLOOR)
}

fn guarded<'a>(input: impl Read + 'a, codec: Codec, floor: u64) -> io::Result<Box<dyn Read + 'a>> {
    let count = Rc::new(Cell::new(0));
    let counted = BufReader::with_capacity(64 << 10, Counted { input, count: Rc::clone(&count) });
    let output: Box<dyn Read + 'a> = match codec {
        Codec::None => return Ok(Box::new(counted)),
        Codec::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(counted)),
        Codec::Xz => {
            let stream = liblzma::stream::Stream::new_stream_decoder(XZ_MEMORY, liblzma::stream::CONCATENATED)?;
            Box::new(liblzma::bufread::XzDecoder::new_stream(counted, stream))
        }
        Codec::Lzma => {
            let stream = liblzma::stream::Stream::new_lzma_decoder(XZ_MEMORY)?;
            Box::new(liblzma::bufread::XzDecoder::new_stream(counted, stream))
        }
        Codec::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(counted)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG)?;
            Box::new(decoder)
        }
    };
    Ok(Box::new(Guard { stream: output, input: count, output: 0, floor }))
}

/// As [`reader`], with the codec found by the first bytes. A codec that fitout does not read is an error of kind
/// `Unsupported`.
pub fn detect<'a>(input: impl Read + 'a) -> io::Result<(Codec, Box<dyn Read + 'a>)> {
    let mut input = BufReader::new(input);
    let head = input.fill_buf()?;
    let codec = Codec::by_magic(head)
        .map_err(|name| io::Error::new(io::ErrorKind::Unsupported, format!("{name} is not read")))?;
    Ok((codec, reader(input, codec)?))
}

struct Counted<R> {
    input: R,
    count: Rc<Cell<u64>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let got = self.input.read(buffer)?;
        self.count.set(self.count.get() + got as u64);
        Ok(got)
    }
}

struct Guard<R> {
    stream: R,
    input: Rc<Cell<u64>>,
    output: u64,
    floor: u64,
}

impl<R: Read> Read for Guard<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let got = self.stream.read(buffer)?;
        self.output += got as u64;
        let input = self.input.get();
        if self.output > self.floor && self.output / BOMB_RATIO > input {
            return Err(io::Error::new(io::ErrorKind::InvalidData, Bomb { input, output: self.output }));
        }
        Ok(got)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut e = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
        e.write_all(bytes).unwrap();
        e.finish().unwrap()
    }

    fn all(input: &[u8], codec: Codec) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        reader(input, codec)?.read_to_end(&mut out)?;
        Ok(out)
    }

    #[test]
    fn every_codec_is_found_and_read_also_when_concatenated() {
        let xz = liblzma::encode_all(&b"hello"[..], 6).unwrap();
        let zst = zstd::encode_all(&b"hello"[..], 3).unwrap();
        for (codec, one) in [(Codec::Gzip, gzip(b"hello")), (Codec::Xz, xz), (Codec::Zstd, zst)] {
            assert_eq!(Codec::by_magic(&one), Ok(codec));
            assert_eq!(all(&one, codec).unwrap(), b"hello");
            assert_eq!(all(&[&one[..], &one[..]].concat(), codec).unwrap(), b"hellohello", "{codec:?}");
            assert!(all(&one[..one.len() - 1], codec).is_err(), "{codec:?} cut off");
            let (found, mut stream) = detect(&one[..]).unwrap();
            let mut text = String::new();
            stream.read_to_string(&mut text).unwrap();
            assert_eq!((found, text.as_str()), (codec, "hello"));
        }
        assert_eq!(all(b"as it is", Codec::None).unwrap(), b"as it is");
    }

    #[test]
    fn the_old_form_of_lzma_is_read() {
        let options = liblzma::stream::LzmaOptions::new_preset(6).unwrap();
        let encoder = liblzma::stream::Stream::new_lzma_encoder(&options).unwrap();
        let mut e = liblzma::write::XzEncoder::new_stream(Vec::new(), encoder);
        e.write_all(b"hello").unwrap();
        let packed = e.finish().unwrap();
        let (codec, mut stream) = detect(&packed[..]).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        assert_eq!((codec, text.as_str()), (Codec::Lzma, "hello"));
        assert!(all(&packed[..packed.len() - 1], Codec::Lzma).is_err(), "cut off");
        // A dictionary of nearly 4 GiB is not allocated.
        let mut large = packed.clone();
        large[1..5].copy_from_slice(&[0xff; 4]);
        assert!(all(&large, Codec::Lzma).is_err());
    }

    #[test]
    fn bzip2_is_named_and_refused() {
        assert_eq!(Codec::by_magic(b"BZh91AY"), Err("bzip2"));
        assert_eq!(detect(&b"BZh91AY"[..]).err().map(|e| e.kind()), Some(io::ErrorKind::Unsupported));
    }

    #[test]
    fn a_window_over_the_limit_is_refused() {
        let mut e = zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
        e.window_log(28).unwrap();
        e.write_all(b"x").unwrap();
        assert!(all(&e.finish().unwrap(), Codec::Zstd).is_err());
        // The size of the dictionary is one byte of the block header: 39 means 3 GiB.
        let mut xz = liblzma::encode_all(&b"x"[..], 0).unwrap();
        assert_eq!(xz[14..16], [0x21, 1]);
        xz[16] = 39;
        let end = 12 + (usize::from(xz[12]) + 1) * 4;
        let crc = crc32fast::hash(&xz[12..end - 4]).to_le_bytes();
        xz[end - 4..end].copy_from_slice(&crc);
        let error = all(&xz, Codec::Xz).unwrap_err().to_string();
        assert!(error.contains("memory"), "{error}");
    }

    #[test]
    fn a_bomb_is_an_error_and_plain_redundancy_is_not() {
        let zeros = vec![0; 8 << 20];
        let packed = gzip(&zeros);
        let mut bomb = guarded(&packed[..], Codec::Gzip, 1 << 20).unwrap();
        let error = io::copy(&mut bomb, &mut io::sink()).unwrap_err();
        assert!(error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<Bomb>), "{error}");
        assert_eq!(all(&packed, Codec::Gzip).unwrap().len(), zeros.len());
    }
}
