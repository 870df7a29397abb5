//! One Layout -> one file.
//!
//! Enters: a [`Layout`] and the sealed [`Store`]. Leaves: an [`Emitted`], a temporary file in the output folder that the
//! caller renames when all artifacts of the run are whole. How gzip streams come about is [`super::gzip`]'s matter.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::EngineError;
use super::gzip::Gzip;
use super::output::{Output, Staged};
use super::store::Store;
use crate::assemble::plan::{Compression, SourceId};
use crate::codec::compress::{self, Finish};
use crate::codec::hashes::{Hasher, Hashes, sums};
use crate::formats::{Fill, Known, Layout, Piece, Pieces, Section, SectionFacts};

/// Bytes that are written at a time: what is still in the processor's cache when it is written costs less.
const BUFFER: usize = 128 * 1024;

/// An artifact that is whole and has no final name yet. Dropped without [`Emitted::stage`], it vanishes.
#[derive(Debug)]
pub struct Emitted {
    output: Output,
    /// Final file name.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256 of the file.
    pub sha256: [u8; 32],
}

impl Emitted {
    /// Stages the file in `folder`: only a rename is left to do.
    ///
    /// # Errors
    /// When it cannot be linked there, or a folder has its name.
    pub fn stage(self, folder: &Path) -> Result<Staged, EngineError> {
        let path = folder.join(&self.name);
        self.output.stage(&path).map_err(|source| EngineError::Write { path, source })
    }
}

/// Writes one artifact into `folder`. `threads` bounds the workers of zstd and xz; the bytes do not depend on it.
///
/// # Errors
/// When content cannot be read again or has changed, the file cannot be written, or the format refuses what compression
/// left.
pub fn emit(layout: &Layout<'_>, store: &Store<'_>, folder: &Path, threads: usize) -> Result<Emitted, EngineError> {
    let failed = |source| EngineError::Write { path: folder.to_path_buf(), source };
    let output = Output::create(folder).map_err(failed)?;
    let file = output.file();
    let Written { known, patches, size, sha256 } = write_sections(layout, store, file, threads)
        .map_err(|error| EngineError::from_io(error, &folder.join(&layout.file_name)))?;
    for patch in patches {
        let bytes = (patch.fill)(&known).map_err(|finding| EngineError::Refused(Box::new(finding)))?;
        if bytes.len() != patch.width {
            return Err(EngineError::Width { expected: patch.width, found: bytes.len() });
        }
        file.write_all_at(&bytes, patch.offset).map_err(failed)?;
    }
    let sha256 = match sha256 {
        Some(known) => known,
        None => digest_of(file).map_err(failed)?,
    };
    Ok(Emitted { output, name: layout.file_name.clone(), size, sha256 })
}

/// A deferred piece and where it goes.
struct Patch<'p> {
    offset: u64,
    width: usize,
    fill: Fill<'p>,
}

/// A file whose deferred pieces are still to be filled in.
struct Written<'p> {
    known: Known,
    patches: Vec<Patch<'p>>,
    size: u64,
    /// Of the whole file; only without deferred pieces.
    sha256: Option<[u8; 32]>,
}

fn write_sections<'p>(layout: &Layout<'p>, store: &Store<'_>, file: &File, threads: usize) -> io::Result<Written<'p>> {
    let mut known = Known::default();
    let mut patches = Vec::new();
    let file = BufWriter::with_capacity(BUFFER, file);
    let mut out = Out { file, offset: 0, whole: Some(Sha256::new()), section: Hasher::default() };
    for section in &layout.sections {
        let mut facts = SectionFacts { offset: out.offset, ..SectionFacts::default() };
        match section {
            Section::Computed(compute) => {
                let bytes = compute(&known);
                facts.raw_size = bytes.len() as u64;
                facts.raw = sums(&bytes, Hashes::SHA256);
                facts.packed.clone_from(&facts.raw);
                out.write_all(&bytes)?;
            }
            Section::Stream { compression, measure, pieces } => {
                out.section = Hasher::new(measure.packed);
                let sink = open(*compression, &mut out, store, threads)?;
                let raw =
                    write_stream(pieces, Stream { store, raw: Raw::new(measure.raw), patches: &mut patches, sink })?;
                facts.raw_size = raw.size;
                facts.raw = raw.hasher.finish();
                facts.packed = std::mem::take(&mut out.section).finish();
            }
        }
        facts.packed_size = out.offset - facts.offset;
        known.sections.push(facts);
    }
    out.flush()?;
    Ok(Written { known, patches, size: out.offset, sha256: out.whole.map(|h| h.finalize().into()) })
}

fn write_stream<'p>(pieces: &Pieces<'p>, mut stream: Stream<'_, '_, '_, 'p>) -> io::Result<Raw> {
    pieces(&mut |piece| stream.piece(piece))?;
    let Stream { raw, sink, .. } = stream;
    sink.finish()?;
    Ok(raw)
}

fn digest_of(mut file: &File) -> io::Result<[u8; 32]> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 256 * 1024];
    file.seek(SeekFrom::Start(0))?;
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hasher.finalize().into()),
            count => hasher.update(&buffer[..count]),
        }
    }
}

/// The file being written, its length so far, and the digests of the current section.
struct Out<'f> {
    file: BufWriter<&'f File>,
    offset: u64,
    /// Of all bytes so far; given up at the first deferred piece, the file is read again then.
    whole: Option<Sha256>,
    section: Hasher,
}

impl Write for Out<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write_all(bytes)?;
        self.offset += bytes.len() as u64;
        if let Some(hasher) = &mut self.whole {
            hasher.update(bytes);
        }
        self.section.update(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// What is known of a section's bytes before compression.
struct Raw {
    size: u64,
    hasher: Hasher,
}

impl Raw {
    fn new(wanted: Hashes) -> Self {
        Self { size: 0, hasher: Hasher::new(wanted) }
    }

    fn update(&mut self, bytes: &[u8]) {
        self.size += bytes.len() as u64;
        self.hasher.update(bytes);
    }
}

/// Where the pieces of a section go.
enum StreamSink<'s, 'o, 'f> {
    Plain(&'o mut Out<'f>),
    Gzip(Box<Gzip<'s, &'o mut Out<'f>>>),
    Encoded(Box<dyn Finish + 'o>),
}

fn open<'s, 'o, 'f>(
    compression: Compression,
    out: &'o mut Out<'f>,
    store: &'s Store<'s>,
    threads: usize,
) -> io::Result<StreamSink<'s, 'o, 'f>> {
    Ok(match compression {
        Compression::None => StreamSink::Plain(out),
        Compression::Gzip(level) => StreamSink::Gzip(Box::new(Gzip::new(out, store, level)?)),
        Compression::Zstd(level) => StreamSink::Encoded(compress::zstd(out, level, threads)?),
        Compression::Xz(level) => StreamSink::Encoded(compress::xz(out, level, threads)?),
    })
}

impl StreamSink<'_, '_, '_> {
    fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(out) => out.write_all(bytes),
            Self::Gzip(gzip) => gzip.literal(bytes),
            Self::Encoded(encoder) => encoder.write_all(bytes),
        }
    }

    fn finish(self) -> io::Result<()> {
        match self {
            Self::Plain(_) => Ok(()),
            Self::Gzip(gzip) => (*gzip).finish(),
            Self::Encoded(encoder) => encoder.finish(),
        }
    }
}

/// One section being written.
struct Stream<'s, 'o, 'f, 'p> {
    store: &'s Store<'s>,
    raw: Raw,
    patches: &'s mut Vec<Patch<'p>>,
    sink: StreamSink<'s, 'o, 'f>,
}

impl<'p> Stream<'_, '_, '_, 'p> {
    fn piece(&mut self, piece: Piece<'p>) -> io::Result<()> {
        match piece {
            Piece::Literal(bytes) => {
                self.raw.update(&bytes);
                self.sink.bytes(&bytes)
            }
            Piece::Content(id) => self.content(id),
            Piece::Break => match &mut self.sink {
                StreamSink::Gzip(gzip) => gzip.break_here(),
                StreamSink::Plain(_) | StreamSink::Encoded(_) => Ok(()),
            },
            Piece::Deflated(id) => {
                let StreamSink::Plain(out) = &mut self.sink else { return Err(EngineError::NotKept { id }.into()) };
                let raw = &mut self.raw;
                self.store.deflated(id, |bytes| {
                    raw.update(bytes);
                    out.write_all(bytes)
                })
            }
            Piece::Deferred { width, fill } => {
                let StreamSink::Plain(out) = &mut self.sink else {
                    return Err(EngineError::Width { expected: width, found: 0 }.into());
                };
                self.patches.push(Patch { offset: out.offset, width, fill });
                out.whole = None;
                self.raw.update(&vec![0; width]);
                out.write_all(&vec![0; width])
            }
        }
    }

    fn content(&mut self, id: SourceId) -> io::Result<()> {
        let Self { store, raw, sink, .. } = self;
        let StreamSink::Gzip(gzip) = sink else {
            return store.raw(id, |bytes| {
                raw.update(bytes);
                sink.bytes(bytes)
            });
        };
        // The bytes themselves are needed only where they are hashed.
        if raw.hasher.is_idle() {
            raw.size += store.size_and_crc(id).0;
        } else {
            store.raw(id, |bytes| {
                raw.update(bytes);
                Ok(())
            })?;
        }
        gzip.content(id)
    }
}
