//! What is known of content before layout.

use crate::assemble::plan::SourceId;

/// What is known of each content, by [`SourceId`]; sealed before layout.
#[derive(Debug, Default)]
pub struct Digests {
    list: Vec<Digest>,
}

/// What is known of one content.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Digest {
    /// Bytes.
    pub size: u64,
    /// SHA-256.
    pub sha256: [u8; 32],
    /// MD5, as dpkg's md5sums wants it; zeros unless a format of the run asks for it.
    pub md5: [u8; 16],
    /// CRC-32 as in zip and gzip.
    pub crc32: u32,
    /// Length of the complete raw deflate stream; 0 unless zip is made. Not smaller than `size` means: better stored.
    pub deflated: u64,
}

impl Digests {
    /// By index.
    pub fn new(list: Vec<Digest>) -> Self {
        Self { list }
    }
}

impl std::ops::Index<SourceId> for Digests {
    type Output = Digest;
    fn index(&self, id: SourceId) -> &Digest {
        &self.list[id.0 as usize]
    }
}
