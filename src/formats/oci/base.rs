//! What an image stands on: an OCI layout, as a folder or as a tar.
//!
//! Enters: the base as the config names it, and the target. Leaves: a [`ResolvedBase`]: manifest and configuration read
//! and checked, layers named as content and not read. [`checked`] compares the layers' digests once the engine has read
//! them, before a byte is written. Registries are not here.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fs_err::File;
use sha2::{Digest as _, Sha256};

use super::blobs::{self, Blobs, LARGEST_JSON};
use super::config::ImageConfig;
use super::manifest::{self, Descriptor, IMAGE_NAME, Index, Manifest, Platform, REF_NAME};
use super::naming;
use crate::assemble::plan::{Base, BaseLayer, Fact, ResolvedBase, Source, Sources, Stat, Target};
use crate::codec::hex::hex;
use crate::diagnostic::{Diagnostic, Findings, Origin, codes};
use crate::formats::Digests;

/// Most images of a base that are looked at.
const MOST_IMAGES: usize = 100;
/// Indexes within indexes.
const DEEPEST: usize = 4;

/// Reads a base's metadata and names its layers as content; none for scratch.
///
/// # Errors
/// When the base is not there or damaged, has no image for the target, or has more than one and none was named.
pub fn resolve(base: &Fact<Base>, target: &Target, sources: &mut Sources) -> Result<Option<ResolvedBase>, Diagnostic> {
    let found = match &base.value {
        Base::Scratch => return Ok(None),
        // It is fetched before.
        Base::Image(image) => Err(refuse(format!("`{}` was not fetched", image.full()))),
        Base::Layout(folder, reference) => {
            Place::folder(folder).and_then(|mut place| place.resolve(reference.as_deref(), target, sources))
        }
        Base::Archive(file, reference) => {
            Place::archive(file).and_then(|mut place| place.resolve(reference.as_deref(), target, sources))
        }
    };
    found.map(Some).map_err(|finding| finding.at_origin(&base.origin, "the base image"))
}

/// What a target needs of a manifest or an index.
pub struct Parts {
    /// Digests of manifests and indexes that are to be looked at, too.
    pub manifests: Vec<String>,
    /// Digests and bytes of configuration and layers.
    pub blobs: Vec<(String, u64)>,
}

/// What a target needs of a manifest or an index.
///
/// # Errors
/// It is none, or names something by another digest than SHA-256.
pub fn parts(bytes: &[u8], target: &Target) -> Result<Parts, Diagnostic> {
    let index: Index = parse(bytes, "an index")?;
    if !index.manifests.is_empty() {
        let suits = |descriptor: &&Descriptor| descriptor.platform.as_ref().is_none_or(|p| suits(p, target));
        let wanted = index.manifests.iter().filter(suits).take(MOST_IMAGES);
        let manifests = wanted.map(|descriptor| sha256_of(descriptor).map(|_| descriptor.digest.clone()));
        return Ok(Parts { manifests: manifests.collect::<Result<_, _>>()?, blobs: Vec::new() });
    }
    let manifest: Manifest = parse(bytes, "a manifest")?;
    let blobs = manifest.layers.iter().chain([&manifest.config]);
    let blobs = blobs.map(|descriptor| sha256_of(descriptor).map(|_| (descriptor.digest.clone(), descriptor.size)));
    Ok(Parts { manifests: Vec::new(), blobs: blobs.collect::<Result<_, _>>()? })
}

/// The files that make a layout of an image, whose manifest or index is `top`, by name.
///
/// # Errors
/// It is none.
pub fn layout_of(top: &[u8], name: &str) -> Result<[(&'static str, Vec<u8>); 2], Diagnostic> {
    let index: Index = parse(top, "an index")?;
    let kind = match (&*index.media_type, index.manifests.is_empty()) {
        ("", true) => manifest::MANIFEST,
        ("", false) => manifest::INDEX,
        (kind, _) => kind,
    };
    let mut descriptor = Descriptor::of(kind, top);
    descriptor.annotations.insert(IMAGE_NAME.to_owned(), name.to_owned());
    let index = manifest::json(&Index::new(vec![descriptor], BTreeMap::new()));
    Ok([("oci-layout", manifest::LAYOUT.as_bytes().to_vec()), ("index.json", index)])
}

/// The base's configuration, when its layers are what its manifest says.
pub(super) fn checked(base: &ResolvedBase, origin: &Origin, digests: &Digests) -> Result<ImageConfig, Findings> {
    let mut findings = Vec::new();
    for layer in &base.layers {
        if digests[layer.source.id].sha256 != layer.sha256 {
            let digest = manifest::digest(&layer.sha256);
            let message = format!("a layer of the base image is not what its digest says: `{digest}`");
            let finding = Diagnostic::error(codes::OCI_BASE_DIGEST, message).at_origin(origin, "the base image");
            findings.push(finding.help("fetch the base image again"));
        }
    }
    match serde_json::from_slice(&base.config) {
        Ok(config) if findings.is_empty() => Ok(config),
        Ok(_) => Err(findings),
        Err(e) => {
            findings.push(refuse("its configuration is malformed").note(e.to_string()));
            Err(findings)
        }
    }
}

fn refuse(what: impl AsRef<str>) -> Diagnostic {
    let message = format!("the base image cannot be used: {}", what.as_ref());
    Diagnostic::error(codes::OCI_BASE, message)
        .help("make an OCI layout of it: `skopeo copy docker://IMAGE oci:FOLDER:TAG`")
}

fn not_named(index: &Index, reference: &str) -> Diagnostic {
    let known: Vec<_> = index.manifests.iter().filter_map(name_of).map(|n| format!("`{n}`")).collect();
    let help =
        if known.is_empty() { "its images have no names".into() } else { format!("it holds {}", known.join(", ")) };
    refuse(format!("it holds no image `{}`", reference.escape_debug())).help(help)
}

/// Where blobs are read from.
enum Place {
    Folder(PathBuf),
    Archive { path: PathBuf, file: File, stat: Stat, blobs: Blobs },
}

/// An image of the base, with its name and what of it has been read.
struct Candidate {
    name: Option<String>,
    digest: String,
    manifest: Manifest,
    config: Vec<u8>,
    parsed: ImageConfig,
}

impl Place {
    fn folder(path: &Path) -> Result<Self, Diagnostic> {
        if path.join("index.json").is_file() {
            return Ok(Self::Folder(path.to_path_buf()));
        }
        let what = if path.exists() { "there is no `index.json` in it" } else { "there is no such folder" };
        Err(refuse(what).path(path))
    }

    fn archive(path: &Path) -> Result<Self, Diagnostic> {
        let failed = |e: std::io::Error| refuse("it cannot be read").note(e.to_string()).path(path);
        let mut file = File::open(path).map_err(failed)?;
        let stat = Stat::of(&file.metadata().map_err(failed)?);
        let blobs = Blobs::scan(&mut file).map_err(|e| refuse(e.message).path(path))?;
        if blobs.find("index.json").is_none() {
            return Err(refuse("there is no `index.json` in it").path(path));
        }
        Ok(Self::Archive { path: path.to_path_buf(), file, stat, blobs })
    }

    fn resolve(
        &mut self,
        reference: Option<&str>,
        target: &Target,
        sources: &mut Sources,
    ) -> Result<ResolvedBase, Diagnostic> {
        let index: Index = parse(&self.file("index.json")?, "`index.json`")?;
        let wanted: Vec<_> = index.manifests.iter().filter(|d| reference.is_none_or(|r| is_named(d, r))).collect();
        if wanted.is_empty() {
            return Err(not_named(&index, reference.unwrap_or_default()));
        }
        let mut candidates = Vec::new();
        let mut others = BTreeSet::new();
        for descriptor in wanted {
            self.collect(descriptor, name_of(descriptor), target, DEEPEST, &mut candidates, &mut others)?;
        }
        // The same image under two names is one image.
        candidates.sort_by(|a, b| a.digest.cmp(&b.digest));
        candidates.dedup_by(|a, b| a.digest == b.digest);
        let candidate = match candidates.pop() {
            None => {
                let others: Vec<_> = others.into_iter().collect();
                return Err(
                    refuse(format!("it has no image for `{target}`")).help(format!("it is for {}", others.join(", ")))
                );
            }
            Some(_) if !candidates.is_empty() => {
                let choice: Vec<_> = index.manifests.iter().filter_map(name_of).collect();
                return Err(refuse(format!("it holds {} images for `{target}`", candidates.len() + 1))
                    .help(format!("name one after the path: `:{}`", choice.join("`, `:"))));
            }
            Some(candidate) => candidate,
        };
        self.named(candidate, sources)
    }

    /// Reads the images at the other end of a descriptor; keeps those for the target, and the platforms of the rest.
    fn collect(
        &mut self,
        descriptor: &Descriptor,
        name: Option<String>,
        target: &Target,
        depth: usize,
        found: &mut Vec<Candidate>,
        others: &mut BTreeSet<String>,
    ) -> Result<(), Diagnostic> {
        if found.len() + others.len() > MOST_IMAGES || depth == 0 {
            return Err(refuse("its indexes go on without end"));
        }
        if let Some(platform) = descriptor.platform.as_ref().filter(|p| !suits(p, target)) {
            others.insert(format!("`{}/{}`", platform.os, platform.architecture));
            return Ok(());
        }
        let bytes = self.blob(descriptor)?;
        if descriptor.is_index() {
            let index: Index = parse(&bytes, "an index")?;
            return index
                .manifests
                .iter()
                .take(MOST_IMAGES)
                .try_for_each(|inner| self.collect(inner, name.clone(), target, depth - 1, found, others));
        }
        let manifest: Manifest = parse(&bytes, "a manifest")?;
        if manifest.schema_version != 2 {
            return Err(refuse("its manifest has not schema version 2"));
        }
        let config = self.blob(&manifest.config)?;
        let parsed: ImageConfig = parse(&config, "an image configuration")?;
        let ImageConfig { architecture, os, variant, .. } = parsed.clone();
        let platform = Platform { architecture, os, variant };
        if suits(&platform, target) {
            found.push(Candidate { name, digest: descriptor.digest.clone(), manifest, config, parsed });
        } else {
            others.insert(format!("`{}/{}`", platform.os, platform.architecture));
        }
        Ok(())
    }

    /// Names the layers of the chosen image as content.
    fn named(&self, image: Candidate, sources: &mut Sources) -> Result<ResolvedBase, Diagnostic> {
        if image.parsed.rootfs.diff_ids.len() != image.manifest.layers.len() {
            return Err(refuse("its manifest and configuration have different numbers of layers"));
        }
        let mut layers = Vec::new();
        for descriptor in &image.manifest.layers {
            let media_type = manifest::oci_layer_type(&descriptor.media_type)
                .ok_or_else(|| refuse(format!("a layer is of kind `{}`", descriptor.media_type.escape_debug())))?;
            let sha256 = sha256_of(descriptor)?;
            layers.push(BaseLayer { source: self.source(descriptor, &sha256, sources)?, media_type, sha256 });
        }
        let (Self::Folder(path) | Self::Archive { path, .. }) = self;
        let own_name = || path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        Ok(ResolvedBase {
            name: image.name.unwrap_or_else(own_name),
            digest: image.digest,
            config: Arc::from(image.config),
            layers,
        })
    }

    fn source(&self, layer: &Descriptor, sha256: &[u8; 32], sources: &mut Sources) -> Result<Source, Diagnostic> {
        let wrong = |size: u64| refuse(format!("layer `{}` has {size} of {} bytes", layer.digest, layer.size));
        match self {
            Self::Folder(folder) => {
                let path = blob_path(folder, sha256);
                let meta = fs_err::metadata(&path).map_err(|e| missing(layer).note(e.to_string()))?;
                if meta.len() != layer.size {
                    return Err(wrong(meta.len()));
                }
                Ok(sources.slice(path, 0, layer.size, Stat::of(&meta)))
            }
            Self::Archive { path, stat, blobs, .. } => {
                let range = blobs.blob(sha256).ok_or_else(|| missing(layer))?;
                if range.length != layer.size {
                    return Err(wrong(range.length));
                }
                Ok(sources.slice(path.clone(), range.offset, range.length, *stat))
            }
        }
    }

    fn file(&mut self, name: &str) -> Result<Vec<u8>, Diagnostic> {
        match self {
            Self::Folder(folder) => small_file(&folder.join(name)),
            Self::Archive { file, blobs, .. } => {
                let range = blobs.find(name).ok_or_else(|| refuse(format!("there is no `{name}` in it")))?;
                blobs::small(file, range, name).map_err(|e| refuse(e.message))
            }
        }
    }

    /// A small blob, whole and checked.
    fn blob(&mut self, descriptor: &Descriptor) -> Result<Vec<u8>, Diagnostic> {
        let sha256 = sha256_of(descriptor)?;
        let bytes = match self {
            Self::Folder(folder) => small_file(&blob_path(folder, &sha256))?,
            Self::Archive { file, blobs, .. } => {
                let range = blobs.blob(&sha256).ok_or_else(|| missing(descriptor))?;
                blobs::small(file, range, &descriptor.digest).map_err(|e| refuse(e.message))?
            }
        };
        if <[u8; 32]>::from(Sha256::digest(&bytes)) == sha256 {
            return Ok(bytes);
        }
        let message = format!("a file of the base image is not what its digest says: `{}`", descriptor.digest);
        Err(Diagnostic::error(codes::OCI_BASE_DIGEST, message).help("fetch the base image again"))
    }
}

fn blob_path(folder: &Path, sha256: &[u8; 32]) -> PathBuf {
    folder.join("blobs/sha256").join(hex(sha256))
}

fn small_file(path: &Path) -> Result<Vec<u8>, Diagnostic> {
    let failed = |e: std::io::Error| refuse("a file of it cannot be read").note(e.to_string());
    let mut bytes = Vec::new();
    File::open(path).map_err(failed)?.take(LARGEST_JSON + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > LARGEST_JSON {
        return Err(refuse(format!("a manifest or configuration is over {LARGEST_JSON} bytes")).path(path));
    }
    Ok(bytes)
}

fn parse<T: serde::de::DeserializeOwned>(bytes: &[u8], what: &str) -> Result<T, Diagnostic> {
    serde_json::from_slice(bytes).map_err(|e| refuse(format!("{what} is malformed")).note(e.to_string()))
}

fn missing(descriptor: &Descriptor) -> Diagnostic {
    refuse(format!("blob `{}` is not in it", descriptor.digest.escape_debug()))
}

fn sha256_of(descriptor: &Descriptor) -> Result<[u8; 32], Diagnostic> {
    let why = || refuse(format!("`{}` is no sha256 digest", descriptor.digest.escape_debug()));
    manifest::sha256_of(&descriptor.digest).ok_or_else(why)
}

fn name_of(descriptor: &Descriptor) -> Option<String> {
    [IMAGE_NAME, REF_NAME].iter().find_map(|key| descriptor.annotations.get(*key)).cloned()
}

/// By its whole name, or by the tag alone.
fn is_named(descriptor: &Descriptor, reference: &str) -> bool {
    [REF_NAME, IMAGE_NAME]
        .iter()
        .filter_map(|key| descriptor.annotations.get(*key))
        .any(|name| name == reference || name.rsplit_once(':').is_some_and(|(_, tag)| tag == reference))
}

/// Whether an image of this platform runs on the target. A variant that is left out says nothing; `arm64` is `v8`.
fn suits(platform: &Platform, target: &Target) -> bool {
    let (architecture, variant) = naming::platform(target.arch);
    platform.os == target.os
        && platform.architecture == architecture
        && match (platform.variant.as_deref(), variant) {
            (None | Some(""), _) => true,
            (Some(own), Some(wanted)) => own == wanted,
            (Some(own), None) => matches!((architecture, own), ("arm64", "v8") | ("amd64", "v1")),
        }
}
