//! Images -> the sections of one tar that is an OCI layout and a Docker archive at once.
//!
//! Enters: plans with their layers. Leaves: a [`Layout`]: layout file, base blobs, each layer behind a header that names it
//! by its digest (known when it is written), and at the end configs, manifests, `index.json` and, where Docker can read it,
//! `manifest.json`. Pushing is not here.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use super::config::{ImageConfig, standard, typed};
use super::layers::Layer;
use super::manifest::{self, Descriptor, DockerImage, IMAGE_NAME, Index, Manifest, Platform, REF_NAME, digest, json};
use super::naming;
use crate::assemble::plan::{Churn, Compression, Plan, SourceId};
use crate::codec::hashes::Hashes;
use crate::codec::tar::{self, Member, Type};
use crate::formats::Digests;
use crate::formats::{Known, Layout, Measure, Piece, Section, Sink};

const BLOCK: usize = 512;
pub(super) const BLOBS: &str = "blobs/sha256";

/// One image of the archive.
pub(super) struct Image<'p> {
    pub plan: &'p Plan,
    /// `repository:tag`
    pub reference: String,
    pub layers: Vec<Arc<Layer<'p>>>,
    pub base: Option<ImageConfig>,
}

/// An image whose layers have their place among the sections.
struct Placed<'p> {
    plan: &'p Plan,
    reference: String,
    base: Option<ImageConfig>,
    /// Group and section.
    layers: Vec<(Churn, usize)>,
}

/// The archive. More than one image makes it one of several platforms: an index names them all.
pub(super) fn layout<'p>(file_name: String, images: Vec<Image<'p>>, digests: &'p Digests) -> Layout<'p> {
    let clock = images.first().map_or(0, |i| i.plan.clock);
    let mut sections = vec![front(&images, digests, clock)];
    let mut placed = Vec::new();
    let mut done: Vec<(Arc<Layer<'p>>, usize)> = Vec::new();
    for image in images {
        let mut layers = Vec::new();
        for layer in image.layers {
            let churn = layer.churn;
            let known = done.iter().find(|(other, _)| other.same_as(&layer)).map(|(_, at)| *at);
            let at = known.unwrap_or(sections.len() + 1);
            if known.is_none() {
                done.push((Arc::clone(&layer), at));
                sections.extend(blob(layer, image.plan.image.compression.value, at, digests, clock));
            }
            layers.push((churn, at));
        }
        placed.push(Placed { plan: image.plan, reference: image.reference, base: image.base, layers });
    }
    sections.push(Section::Computed(Box::new(move |known| back(&placed, known, clock))));
    Layout { file_name, sections }
}

/// What is known before anything is compressed: the layout file and the blobs of bases.
fn front<'p>(images: &[Image<'p>], digests: &'p Digests, clock: i64) -> Section<'p> {
    let mut blobs: BTreeMap<[u8; 32], SourceId> = BTreeMap::new();
    for base in images.iter().filter_map(|i| i.plan.base.as_ref()) {
        blobs.extend(base.layers.iter().map(|l| (l.sha256, l.source.id)));
    }
    plain(move |sink| {
        // The first member tells what the tar is.
        let mut start = Vec::new();
        put(&mut start, "oci-layout", manifest::LAYOUT.as_bytes(), clock);
        start.extend(header("blobs", Type::Directory, clock));
        start.extend(header(BLOBS, Type::Directory, clock));
        sink(Piece::literal(start))?;
        for (sha256, id) in &blobs {
            let size = digests[*id].size;
            sink(Piece::literal(header(&blob_path(&digest(sha256)), Type::File(size), clock)))?;
            sink(Piece::Content(*id))?;
            sink(Piece::literal(tar::padding(size)))?;
        }
        Ok(())
    })
}

/// Header, stream and padding of one layer; the stream is section `at`.
fn blob<'p>(
    layer: Arc<Layer<'p>>,
    compression: Compression,
    at: usize,
    digests: &'p Digests,
    clock: i64,
) -> [Section<'p>; 3] {
    let name = plain(move |sink| {
        sink(Piece::Deferred {
            width: BLOCK,
            fill: Box::new(move |known| {
                let (digest, size) = packed(known, at);
                Ok(header(&blob_path(&digest), Type::File(size), clock))
            }),
        })
    });
    let stream = Section::Stream {
        compression,
        measure: Measure { raw: Hashes::SHA256, packed: Hashes::SHA256 },
        pieces: Box::new(move |sink| layer.pieces(digests, sink)),
    };
    let padding = Section::Computed(Box::new(move |known| tar::padding(packed(known, at).1).to_vec()));
    [name, stream, padding]
}

/// Digest and size of a layer's blob.
fn packed(known: &Known, at: usize) -> (String, u64) {
    known
        .sections
        .get(at)
        .map_or_else(Default::default, |facts| (digest(&facts.packed.sha256.unwrap_or_default()), facts.packed_size))
}

/// What names the layers: configs, manifests, indexes.
fn back(images: &[Placed<'_>], known: &Known, clock: i64) -> Vec<u8> {
    let mut out = Vec::new();
    let mut entries = Vec::new();
    let mut docker = Vec::new();
    for image in images {
        let (descriptor, entry) = image.write(known, &mut out);
        entries.push(descriptor);
        docker.extend(entry);
    }
    let mut top = if entries.len() == 1 {
        entries.remove(0)
    } else {
        let mut annotations = images.first().map(|i| standard(i.plan)).unwrap_or_default();
        annotations.extend(images.first().into_iter().flat_map(|i| typed(&i.plan.image.annotations)));
        let index = json(&Index::new(entries, annotations));
        put_blob(&mut out, manifest::INDEX, &index, clock)
    };
    if let Some(image) = images.first() {
        for key in [REF_NAME, IMAGE_NAME] {
            top.annotations.insert(key.to_owned(), image.reference.clone());
        }
    }
    put(&mut out, "index.json", &json(&Index::new(vec![top], BTreeMap::new())), clock);
    // Docker's list has no word for platforms.
    if let ([_], [_]) = (images, &*docker) {
        put(&mut out, "manifest.json", &json(&docker), clock);
    }
    out.extend_from_slice(tar::END);
    out
}

impl Placed<'_> {
    /// Writes config and manifest; answers the entry for an index, and Docker's where its archives may hold the layers.
    fn write(&self, known: &Known, out: &mut Vec<u8>) -> (Descriptor, Option<DockerImage>) {
        let image = &self.plan.image;
        let compression = image.compression.value;
        let diff_id = |at: usize| {
            let raw = known.sections.get(at).and_then(|facts| facts.raw.sha256);
            digest(&raw.unwrap_or_default())
        };
        let own: Vec<_> = self.layers.iter().map(|(churn, at)| (*churn, diff_id(*at))).collect();
        let config = json(&ImageConfig::new(self.plan, self.base.clone(), &own));
        let config = put_blob(out, manifest::CONFIG, &config, self.plan.clock);
        let mut layers: Vec<Descriptor> = self
            .plan
            .base
            .iter()
            .flat_map(|base| &base.layers)
            .map(|layer| Descriptor {
                media_type: layer.media_type.clone(),
                digest: digest(&layer.sha256),
                size: layer.source.size,
                ..Descriptor::default()
            })
            .collect();
        layers.extend(self.layers.iter().map(|(_, at)| {
            let (digest, size) = packed(known, *at);
            Descriptor { media_type: manifest::layer_type(compression), digest, size, ..Descriptor::default() }
        }));
        // docker-archive knows no zstd.
        let docker = layers.iter().all(|l| !l.media_type.ends_with("+zstd")).then(|| DockerImage {
            config: blob_path(&config.digest),
            repo_tags: vec![self.reference.clone()],
            layers: layers.iter().map(|l| blob_path(&l.digest)).collect(),
        });
        let mut annotations = standard(self.plan);
        annotations.extend(typed(&image.annotations));
        let bytes = json(&Manifest::new(config, layers, annotations));
        let mut descriptor = put_blob(out, manifest::MANIFEST, &bytes, self.plan.clock);
        let (architecture, variant) = naming::platform(self.plan.target.arch);
        descriptor.platform = Some(Platform {
            architecture: architecture.to_owned(),
            os: self.plan.target.os.to_owned(),
            variant: variant.map(str::to_owned),
        });
        (descriptor, docker)
    }
}

/// `blobs/sha256/…`
pub(super) fn blob_path(digest: &str) -> String {
    format!("{BLOBS}/{}", digest.strip_prefix("sha256:").unwrap_or(digest))
}

pub(super) fn put_blob(out: &mut Vec<u8>, media_type: &str, bytes: &[u8], clock: i64) -> Descriptor {
    let descriptor = Descriptor::of(media_type, bytes);
    put(out, &blob_path(&descriptor.digest), bytes, clock);
    descriptor
}

pub(super) fn put(out: &mut Vec<u8>, path: &str, bytes: &[u8], clock: i64) {
    out.extend(header(path, Type::File(bytes.len() as u64), clock));
    out.extend_from_slice(bytes);
    out.extend_from_slice(tar::padding(bytes.len() as u64));
}

pub(super) fn header(path: &str, kind: Type<'_>, clock: i64) -> Vec<u8> {
    let mode = if kind == Type::Directory { 0o755 } else { 0o644 };
    let member = Member { path, kind, mode, uid: 0, gid: 0, user: "", group: "", mtime: clock };
    tar::header(&member).expect("the paths are ours, and the clock was checked")
}

fn plain<'p>(pieces: impl Fn(Sink<'_, 'p>) -> io::Result<()> + Send + Sync + 'p) -> Section<'p> {
    Section::Stream { compression: Compression::None, measure: Measure::default(), pieces: Box::new(pieces) }
}
