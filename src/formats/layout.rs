//! What a format hands to the engine: sections made of pieces, produced lazily.

use std::borrow::Cow;

use crate::assemble::plan::{Compression, SourceId};
use crate::codec::hashes::{Hashes, Sums};
use crate::diagnostic::Diagnostic;

/// One artifact, before it is written. The engine sees the layouts of all formats before it writes the first byte.
pub struct Layout<'p> {
    /// File name without folder.
    pub file_name: String,
    /// In file order.
    pub sections: Vec<Section<'p>>,
}

/// A part of an artifact that is one stream.
pub enum Section<'p> {
    /// Pieces through a codec.
    Stream {
        /// One gzip member, one zstd frame, one xz stream, or the bytes as they are.
        compression: Compression,
        /// Which digests later or deferred parts ask for; what is not asked for is not computed.
        measure: Measure,
        /// The pieces.
        pieces: Pieces<'p>,
    },
    /// Bytes computed from what is known of the sections before it (an OCI manifest, ar padding).
    Computed(Compute<'p>),
}

/// Calls the sink with each piece in order; may be called more than once and gives the same pieces each time. Internal
/// iteration keeps 100,000 headers from standing in memory.
pub type Pieces<'p> = Box<dyn Fn(Sink<'_, 'p>) -> std::io::Result<()> + Send + Sync + 'p>;
/// Takes the pieces of a section one by one; its error must be handed on.
pub type Sink<'s, 'p> = &'s mut dyn FnMut(Piece<'p>) -> std::io::Result<()>;

/// Makes exactly the bytes that were announced, or refuses: what a compressor leaves can be more than the format can say.
pub type Fill<'p> = Box<dyn Fn(&Known) -> Result<Vec<u8>, Diagnostic> + Send + Sync + 'p>;

/// Makes the bytes of a section from what is known of those before it.
pub type Compute<'p> = Box<dyn Fn(&Known) -> Vec<u8> + Send + Sync + 'p>;

/// A part of a section.
pub enum Piece<'p> {
    /// These bytes.
    Literal(Cow<'p, [u8]>),
    /// The content of a source, raw; the section's codec compresses it.
    Content(SourceId),
    /// The content of a source as a complete raw deflate stream (zip); only in sections without compression. Its
    /// length is [`super::Digest::deflated`].
    Deflated(SourceId),
    /// No bytes, but a hint: what follows lies in another folder, so a run of what is compressed together may end here. Starting anew loses
    /// least here.
    Break,
    /// `width` bytes that are known only when all sections are: sizes, digests. Only in sections without compression.
    Deferred {
        /// Bytes.
        width: usize,
        /// Makes them.
        fill: Fill<'p>,
    },
}

impl<'p> Piece<'p> {
    /// A literal that borrows from the plan or owns its bytes.
    pub fn literal(bytes: impl Into<Cow<'p, [u8]>>) -> Self {
        Self::Literal(bytes.into())
    }
}

/// Which digests of a section to compute besides its sizes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Measure {
    /// Of the bytes before compression.
    pub raw: Hashes,
    /// Of the bytes in the file. Deferred pieces count as zeros: ask only where there are none.
    pub packed: Hashes,
}

/// What is known of the sections that have been emitted, by index.
#[derive(Debug, Default)]
pub struct Known {
    /// One for each finished section.
    pub sections: Vec<SectionFacts>,
}

/// Sizes and digests of one section.
#[derive(Debug, Clone, Default)]
pub struct SectionFacts {
    /// Offset of its first byte in the file.
    pub offset: u64,
    /// Bytes before compression.
    pub raw_size: u64,
    /// Bytes in the file.
    pub packed_size: u64,
    /// Digests before compression.
    pub raw: Sums,
    /// Digests in the file.
    pub packed: Sums,
}
