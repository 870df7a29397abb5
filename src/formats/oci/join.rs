//! Image archives of one target each -> one archive of all of them, as a run that makes all targets would have written it.
//!
//! Enters: archives of ours. Leaves: the pieces of the new one: literals, and parts of the old ones, which are not read. Base layers come
//! first, sorted, then the layers of each image, then what names them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::archive::{BLOBS, blob_path, header, put, put_blob};
use super::blobs::{self, Blobs};
use super::config::{ImageConfig, is_own};
use super::manifest::{self, Descriptor, IMAGE_NAME, Index, Manifest, REF_NAME, json, sha256_of};
use crate::codec::tar::{self, Type};
use crate::diagnostic::Diagnostic;
use crate::formats::tree;

/// A piece of the new archive.
#[derive(Debug)]
pub enum Joint {
    /// Bytes.
    Literal(Vec<u8>),
    /// A part of an old archive.
    Part {
        /// The archive.
        path: PathBuf,
        /// Where it begins, in bytes.
        offset: u64,
        /// Bytes.
        size: u64,
    },
}

/// An archive with one image.
struct Image {
    path: PathBuf,
    blobs: Blobs,
    /// Its entry in an index, without the names.
    entry: Descriptor,
    names: BTreeMap<String, String>,
    manifest: Manifest,
    manifest_bytes: Vec<u8>,
    config: Vec<u8>,
    /// How many of its layers are those of its base.
    base: usize,
}

/// Joins archives, whose images are for different platforms; names are those of the first. `clock` is the time of the entries, seconds since
/// 1970.
///
/// # Errors
/// One cannot be read, holds more than one image, or lacks something that it names.
pub fn join(archives: &[PathBuf], clock: i64) -> Result<Vec<Joint>, Diagnostic> {
    let images = archives.iter().map(|path| Image::read(path).map_err(|finding| finding.path(path)));
    let images: Vec<Image> = images.collect::<Result<_, _>>()?;
    let mut start = Vec::new();
    put(&mut start, "oci-layout", manifest::LAYOUT.as_bytes(), clock);
    start.extend(header("blobs", Type::Directory, clock));
    start.extend(header(BLOBS, Type::Directory, clock));
    let mut pieces = vec![Joint::Literal(start)];
    let mut bases: Vec<(&Image, &Descriptor)> = images
        .iter()
        .flat_map(|image| image.manifest.layers.iter().take(image.base).map(move |layer| (image, layer)))
        .collect();
    bases.sort_by(|(_, a), (_, b)| a.digest.cmp(&b.digest));
    let own =
        images.iter().flat_map(|image| image.manifest.layers.iter().skip(image.base).map(move |layer| (image, layer)));
    let mut done = BTreeSet::new();
    for (image, layer) in bases.into_iter().chain(own) {
        if done.insert(layer.digest.clone()) {
            image.blob(layer, clock, &mut pieces).map_err(|finding| finding.path(&image.path))?;
        }
    }
    let mut end = Vec::new();
    for image in &images {
        put_blob(&mut end, manifest::CONFIG, &image.config, clock);
        put_blob(&mut end, manifest::MANIFEST, &image.manifest_bytes, clock);
    }
    let annotations = images.first().map(|image| image.manifest.annotations.clone()).unwrap_or_default();
    let entries = images.iter().map(|image| image.entry.clone()).collect();
    let mut top = put_blob(&mut end, manifest::INDEX, &json(&Index::new(entries, annotations)), clock);
    top.annotations = images.into_iter().next().map(|image| image.names).unwrap_or_default();
    put(&mut end, "index.json", &json(&Index::new(vec![top], BTreeMap::new())), clock);
    end.extend_from_slice(tar::END);
    pieces.push(Joint::Literal(end));
    Ok(pieces)
}

impl Image {
    fn read(path: &Path) -> Result<Self, Diagnostic> {
        let mut file = fs_err::File::open(path).map_err(|error| tree::io_damage(&error))?;
        let blobs = Blobs::scan(&mut file)?;
        let index = blobs.find("index.json").ok_or_else(|| tree::damaged("there is no `index.json` in it"))?;
        let index: Index = parse(&blobs::small(&mut file, index, "`index.json`")?)?;
        let [top] = &index.manifests[..] else { return Err(tree::damaged("`index.json` names more than one image")) };
        if top.is_index() {
            return Err(tree::damaged("it holds the images of several targets already"));
        }
        let manifest_bytes = blobs::small(&mut file, find(&blobs, top)?, "a manifest")?;
        let manifest: Manifest = parse(&manifest_bytes)?;
        let config = blobs::small(&mut file, find(&blobs, &manifest.config)?, "a configuration")?;
        let own = parse::<ImageConfig>(&config)?.history.iter().filter(|record| is_own(record)).count();
        let mut entry = top.clone();
        let names = std::mem::take(&mut entry.annotations);
        let names = names.into_iter().filter(|(name, _)| [REF_NAME, IMAGE_NAME].contains(&name.as_str())).collect();
        let base = manifest.layers.len().saturating_sub(own);
        Ok(Self { path: path.to_path_buf(), blobs, entry, names, manifest, manifest_bytes, config, base })
    }

    fn blob(&self, layer: &Descriptor, clock: i64, pieces: &mut Vec<Joint>) -> Result<(), Diagnostic> {
        let range = find(&self.blobs, layer)?;
        let size = range.length;
        pieces.push(Joint::Literal(header(&blob_path(&layer.digest), Type::File(size), clock)));
        pieces.push(Joint::Part { path: self.path.clone(), offset: range.offset, size });
        pieces.push(Joint::Literal(tar::padding(size).to_vec()));
        Ok(())
    }
}

fn find(blobs: &Blobs, descriptor: &Descriptor) -> Result<blobs::Range, Diagnostic> {
    let range = sha256_of(&descriptor.digest).and_then(|sha256| blobs.blob(&sha256));
    range
        .filter(|range| range.length == descriptor.size)
        .ok_or_else(|| tree::damaged(format!("`{}` is not in it", descriptor.digest.escape_debug())))
}

fn parse<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, Diagnostic> {
    serde_json::from_slice(bytes).map_err(|error| tree::damaged(format!("it is not as it should be: {error}")))
}
