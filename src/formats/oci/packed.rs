//! What a registry has to get of an image archive: blobs by their place in it, and manifests whole.
//!
//! Enters: an archive of ours. Leaves: [`Packed`]. Nothing is unpacked, and no blob is read.

use std::collections::BTreeMap;
use std::path::Path;

use super::blobs::{self, Blobs};
use super::manifest::{Descriptor, INDEX, Index, MANIFEST, Manifest, sha256_of};
use crate::codec::hex::hex;
use crate::diagnostic::Diagnostic;
use crate::formats::tree;

/// An archive for a registry.
#[derive(Debug)]
pub struct Packed {
    /// Layers and configurations, each once.
    pub blobs: Vec<PackedBlob>,
    /// Manifests, each behind those that it names; the last is the image.
    pub manifests: Vec<PackedManifest>,
}

/// A blob, which lies in the archive as it is.
#[derive(Debug)]
pub struct PackedBlob {
    /// SHA-256 in hex.
    pub sha256: String,
    /// Where it begins, in bytes.
    pub offset: u64,
    /// Bytes.
    pub size: u64,
}

/// A manifest or an index.
#[derive(Debug)]
pub struct PackedManifest {
    /// What kind it is.
    pub media_type: &'static str,
    /// SHA-256 in hex.
    pub sha256: String,
    /// All of it.
    pub bytes: Vec<u8>,
}

/// Finds what is in an archive.
///
/// # Errors
/// It cannot be read, or something that it names is not in it.
pub fn packed(path: &Path) -> Result<Packed, Diagnostic> {
    let read = || {
        let mut file = fs_err::File::open(path).map_err(|error| tree::io_damage(&error))?;
        let blobs = Blobs::scan(&mut file)?;
        let index = blobs.find("index.json").ok_or_else(|| tree::damaged("there is no `index.json` in it"))?;
        let index = parse::<Index>(&blobs::small(&mut file, index, "`index.json`")?)?;
        let [top] = &index.manifests[..] else { return Err(tree::damaged("`index.json` names more than one image")) };
        let mut packing = Packing { file, blobs, found: BTreeMap::new(), manifests: Vec::new() };
        packing.follow(top, 2)?;
        Ok(Packed { blobs: packing.found.into_values().collect(), manifests: packing.manifests })
    };
    read().map_err(|finding: Diagnostic| finding.path(path))
}

struct Packing {
    file: fs_err::File,
    blobs: Blobs,
    found: BTreeMap<String, PackedBlob>,
    manifests: Vec<PackedManifest>,
}

impl Packing {
    fn follow(&mut self, descriptor: &Descriptor, depth: usize) -> Result<(), Diagnostic> {
        let (sha256, range) = self.find(descriptor)?;
        let bytes = blobs::small(&mut self.file, range, "a manifest")?;
        let media_type = if descriptor.is_index() && depth > 0 {
            for inner in parse::<Index>(&bytes)?.manifests {
                self.follow(&inner, depth - 1)?;
            }
            INDEX
        } else {
            let manifest: Manifest = parse(&bytes)?;
            for blob in manifest.layers.iter().chain([&manifest.config]) {
                let (sha256, range) = self.find(blob)?;
                let blob = PackedBlob { sha256: sha256.clone(), offset: range.offset, size: range.length };
                self.found.insert(sha256, blob);
            }
            MANIFEST
        };
        self.manifests.push(PackedManifest { media_type, sha256, bytes });
        Ok(())
    }

    fn find(&self, descriptor: &Descriptor) -> Result<(String, blobs::Range), Diagnostic> {
        let sha256 = sha256_of(&descriptor.digest);
        let range = sha256.and_then(|sha256| self.blobs.blob(&sha256)).filter(|range| range.length == descriptor.size);
        let missing = || tree::damaged(format!("`{}` is not in it", descriptor.digest.escape_debug()));
        Ok((hex(&sha256.ok_or_else(missing)?), range.ok_or_else(missing)?))
    }
}

fn parse<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, Diagnostic> {
    serde_json::from_slice(bytes).map_err(|error| tree::damaged(format!("a manifest is not as it should be: {error}")))
}

/// What a manifest or an index, of this archive or of a registry, says of itself in its annotations: `version`, `title`, `base.name`.
pub fn annotation(manifest: &[u8], name: &str) -> Option<String> {
    let index: Index = serde_json::from_slice(manifest).ok()?;
    index.annotations.get(&format!("org.opencontainers.image.{name}")).cloned()
}
