//! An image archive of anyone's, read back: oci-archive, docker-archive, or both in one.
//!
//! Enters: an uncompressed tar. Leaves: configuration, layers, and the tree that they add up to, with each entry's layer.
//! Every blob is hashed while it is read. Of an archive of several platforms the first image is listed and the blobs of
//! the others are only hashed.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, SeekFrom};

use sha2::{Digest as _, Sha256};

use super::blobs::{self, Blobs, Range};
use super::config::{Container, ImageConfig};
use super::manifest::{self, Descriptor, DockerImage, IMAGE_NAME, Index, Manifest, REF_NAME, digest};
use super::{Artifact, Listing, whiteouts};
use crate::codec::decompress;
use crate::diagnostic::{Diagnostic, codes};
use crate::formats::tree::{self, Tree};
use crate::formats::{Check, ListedEntry};

/// Most manifests of an archive that are looked at.
const MOST_IMAGES: usize = 1000;
/// Most layers of an image; overlayfs takes 500, Docker 127.
const MOST_LAYERS: usize = 1000;
/// Indexes within indexes.
const DEEPEST: usize = 4;
pub(super) fn read(artifact: &mut dyn Artifact, name: &str) -> Result<Listing, Diagnostic> {
    let packed_size = artifact.seek(SeekFrom::End(0)).map_err(|e| tree::io_damage(&e))?;
    packed_whole(artifact).map_err(|e| e.path(name))?;
    let blobs = Blobs::scan(artifact).map_err(|e| e.path(name))?;
    let listing = Listing { format: "oci", packed_size, ..Listing::default() };
    let mut reader = Reader {
        artifact,
        blobs,
        listing,
        images: 0,
        listed: false,
        checked: BTreeSet::new(),
        merged: BTreeMap::new(),
    };
    reader.archive().map_err(|e| e.path(name))?;
    let mut listing = reader.listing;
    listing.entries = reader.merged.into_values().collect();
    if listing.name.is_empty() {
        let stem = name.rsplit('/').next().unwrap_or(name);
        stem.strip_suffix(".oci.tar").unwrap_or(stem).clone_into(&mut listing.name);
    }
    Ok(listing)
}

/// An archive that is compressed as a whole has no blobs that could be found without unpacking it.
fn packed_whole(artifact: &mut dyn Artifact) -> Result<(), Diagnostic> {
    let mut head = Vec::new();
    artifact.seek(SeekFrom::Start(0)).map_err(|e| tree::io_damage(&e))?;
    (&mut *artifact).take(8).read_to_end(&mut head).map_err(|e| tree::io_damage(&e))?;
    if decompress::Codec::by_magic(&head) == Ok(decompress::Codec::None) {
        return Ok(());
    }
    Err(Diagnostic::error(codes::ARTIFACT_UNSUPPORTED, "the image archive is compressed as a whole")
        .help("unpack it with `gunzip`, `xz -d` or `zstd -d` first"))
}

struct Reader<'a> {
    artifact: &'a mut dyn Artifact,
    blobs: Blobs,
    listing: Listing,
    /// Manifests and indexes looked at.
    images: usize,
    /// Whether the first image has been listed.
    listed: bool,
    /// What has been checked, so that a blob of several images is hashed and told once.
    checked: BTreeSet<String>,
    merged: BTreeMap<String, ListedEntry>,
}

/// A layer, by either of the two ways in.
struct LayerRef {
    /// What it is called in the archive.
    name: String,
    range: Option<Range>,
    /// Of the packed bytes; Docker's archives do not say it.
    sha256: Option<String>,
    size: Option<u64>,
    /// Of the tar stream.
    diff_id: Option<String>,
}

impl Reader<'_> {
    fn archive(&mut self) -> Result<(), Diagnostic> {
        for path in std::mem::take(&mut self.blobs.twice) {
            let message = format!("`{}` is in the archive twice", path.escape_debug());
            self.listing.findings.push(Diagnostic::warning(codes::ARTIFACT_DUPLICATE, message));
        }
        let docker = match self.blobs.find("manifest.json") {
            Some(range) => parse::<Vec<DockerImage>>(&self.small(range, "`manifest.json`")?, "`manifest.json`")?,
            None => Vec::new(),
        };
        if let Some(range) = self.blobs.find("index.json") {
            let index: Index = parse(&self.small(range, "`index.json`")?, "`index.json`")?;
            let config = self.index(&index, DEEPEST)?.ok_or_else(|| tree::damaged("`index.json` names no image"))?;
            if let Some(image) = docker.first() {
                let agrees = config.strip_prefix("sha256:").is_some_and(|hex| image.config.contains(hex));
                let problem = (!agrees).then(|| "it names another image than `index.json`".to_owned());
                self.check("manifest.json", problem);
            }
            return Ok(());
        }
        match docker.first() {
            Some(image) => self.docker(image),
            None => Err(tree::damaged("there is neither an `index.json` nor a `manifest.json`: it is no image")),
        }
    }

    /// Reads everything that an index names; answers the config digest of the first image.
    fn index(&mut self, index: &Index, depth: usize) -> Result<Option<String>, Diagnostic> {
        let mut first = None;
        for descriptor in &index.manifests {
            self.images += 1;
            if depth == 0 || self.images > MOST_IMAGES {
                return Err(Diagnostic::error(codes::ARTIFACT_LIMIT, "the archive's indexes go on without end"));
            }
            if self.listing.name.is_empty() {
                self.named(descriptor.annotations.get(IMAGE_NAME).or_else(|| descriptor.annotations.get(REF_NAME)));
            }
            let Some(bytes) = self.blob(descriptor)? else { continue };
            let config = if descriptor.is_index() {
                self.index(&parse(&bytes, "an index")?, depth - 1)?
            } else {
                Some(self.manifest(descriptor, &parse(&bytes, "a manifest")?)?)
            };
            first = first.or(config);
        }
        Ok(first)
    }

    fn manifest(&mut self, descriptor: &Descriptor, manifest: &Manifest) -> Result<String, Diagnostic> {
        if let Some(platform) = &descriptor.platform {
            let words = [Some(&platform.os), Some(&platform.architecture), platform.variant.as_ref()];
            let words: Vec<_> = words.into_iter().flatten().map(String::as_str).collect();
            self.field("Platform", words.join("/"));
        }
        let listed = std::mem::replace(&mut self.listed, true);
        if manifest.layers.len() > MOST_LAYERS {
            return Err(too_many(manifest.layers.len()));
        }
        let config =
            self.blob(&manifest.config)?.ok_or_else(|| tree::damaged("the image's configuration is missing"))?;
        let config: ImageConfig = parse(&config, "the image's configuration")?;
        let diff_ids = &config.rootfs.diff_ids;
        if diff_ids.len() != manifest.layers.len() {
            let problem = format!("there are {} for {} layers", diff_ids.len(), manifest.layers.len());
            self.check("diff ids", Some(problem));
        }
        let layers = manifest.layers.iter().enumerate().map(|(number, layer)| LayerRef {
            name: layer.digest.clone(),
            range: manifest::sha256_of(&layer.digest).and_then(|sha256| self.blobs.blob(&sha256)),
            sha256: Some(layer.digest.clone()),
            size: Some(layer.size),
            diff_id: diff_ids.get(number).cloned(),
        });
        let layers: Vec<_> = layers.collect();
        if listed {
            for layer in &layers {
                self.hash_only(layer)?;
            }
        } else {
            self.field("Manifest", descriptor.digest.clone());
            self.describe(&config);
            for (key, value) in &manifest.annotations {
                self.field(&format!("Annotation {key}"), value.clone());
            }
            self.layers(&layers)?;
        }
        Ok(manifest.config.digest.clone())
    }

    fn docker(&mut self, image: &DockerImage) -> Result<(), Diagnostic> {
        self.named(image.repo_tags.first());
        let range = self.blobs.find(&image.config);
        let range = range.ok_or_else(|| tree::damaged("the image's configuration is missing"))?;
        let config = self.small(range, "the image's configuration")?;
        let config: ImageConfig = parse(&config, "the image's configuration")?;
        self.describe(&config);
        let layers = image.layers.iter().enumerate().map(|(number, path)| LayerRef {
            name: path.clone(),
            range: self.blobs.find(path),
            sha256: None,
            size: None,
            diff_id: config.rootfs.diff_ids.get(number).cloned(),
        });
        let layers: Vec<_> = layers.collect();
        self.layers(&layers)
    }

    fn layers(&mut self, layers: &[LayerRef]) -> Result<(), Diagnostic> {
        if layers.len() > MOST_LAYERS {
            return Err(too_many(layers.len()));
        }
        for (number, layer) in layers.iter().enumerate() {
            let Some(range) = layer.range else {
                self.check(&format!("blob {}", layer.name), Some("it is missing".to_owned()));
                continue;
            };
            self.field(&format!("Layer {number}"), format!("{} {} bytes", layer.name, range.length));
            if let Some(tree) = self.layer(layer, range)? {
                self.listing.findings.extend(tree.findings.iter().cloned());
                whiteouts::lay_over(&mut self.merged, tree, number);
            }
        }
        Ok(())
    }

    /// Reads a layer once: hashes the packed bytes, unpacks and hashes them, lists what they hold.
    fn layer(&mut self, layer: &LayerRef, range: Range) -> Result<Option<Tree>, Diagnostic> {
        self.artifact.seek(SeekFrom::Start(range.offset)).map_err(|e| tree::io_damage(&e))?;
        let mut packed = Hashing::new((&mut *self.artifact).take(range.length));
        let outcome = unpack(&mut packed);
        io::copy(&mut packed, &mut io::sink()).map_err(|e| tree::io_damage(&e))?;
        let found = packed.digest();
        self.packed(layer, range, &found);
        match outcome {
            Ok((tree, raw)) => {
                let wrong = layer.diff_id.as_ref().filter(|d| **d != raw);
                let problem = wrong.map(|d| format!("the configuration says `{}`", d.escape_debug()));
                self.check(&format!("diff id {raw}"), problem);
                Ok(Some(tree))
            }
            Err(damage) => {
                self.check(&format!("layer {}", layer.name), Some(damage.message.clone()));
                self.listing.findings.push(damage);
                Ok(None)
            }
        }
    }

    fn hash_only(&mut self, layer: &LayerRef) -> Result<(), Diagnostic> {
        if self.checked.contains(&format!("blob {}", layer.name)) {
            return Ok(());
        }
        let Some(range) = layer.range else {
            self.check(&format!("blob {}", layer.name), Some("it is missing".to_owned()));
            return Ok(());
        };
        self.artifact.seek(SeekFrom::Start(range.offset)).map_err(|e| tree::io_damage(&e))?;
        let mut packed = Hashing::new((&mut *self.artifact).take(range.length));
        io::copy(&mut packed, &mut io::sink()).map_err(|e| tree::io_damage(&e))?;
        let found = packed.digest();
        self.packed(layer, range, &found);
        Ok(())
    }

    /// Compares size and digest of a blob with what its descriptor says.
    fn packed(&mut self, layer: &LayerRef, range: Range, found: &str) {
        let Some(stated) = &layer.sha256 else { return };
        let problem = if stated != found {
            Some(format!("its digest is `{found}`"))
        } else if layer.size.is_some_and(|size| size != range.length) {
            Some(format!("it has {} bytes, and its descriptor says another size", range.length))
        } else {
            None
        };
        self.check(&format!("blob {stated}"), problem);
    }

    /// A small blob, whole; its digest becomes a check. None if it is not there.
    fn blob(&mut self, descriptor: &Descriptor) -> Result<Option<Vec<u8>>, Diagnostic> {
        let what = format!("blob {}", descriptor.digest.escape_debug());
        let range = manifest::sha256_of(&descriptor.digest).and_then(|sha256| self.blobs.blob(&sha256));
        let Some(range) = range else {
            self.check(&what, Some("it is missing".to_owned()));
            return Ok(None);
        };
        let bytes = self.small(range, &what)?;
        let found = digest(&Sha256::digest(&bytes).into());
        let wrong = found != descriptor.digest || range.length != descriptor.size;
        self.check(&what, wrong.then(|| format!("it has {} bytes and digest `{found}`", range.length)));
        Ok(Some(bytes))
    }

    fn small(&mut self, range: Range, what: &str) -> Result<Vec<u8>, Diagnostic> {
        blobs::small(self.artifact, range, what)
    }

    fn check(&mut self, what: &str, problem: Option<String>) {
        if self.checked.insert(what.to_owned()) {
            self.listing.checks.push(Check { what: what.to_owned(), problem });
        }
    }

    fn field(&mut self, key: &str, value: String) {
        self.listing.fields.push((key.to_owned(), value));
    }

    /// Repository and tag from a reference; a tag alone is what skopeo writes.
    fn named(&mut self, reference: Option<&String>) {
        let Some(reference) = reference else { return };
        let (name, tag) = match reference.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, tag),
            _ if reference.contains('/') => (&**reference, ""),
            _ => ("", &**reference),
        };
        name.clone_into(&mut self.listing.name);
        tag.clone_into(&mut self.listing.version);
    }

    fn describe(&mut self, config: &ImageConfig) {
        let variant = config.variant.as_deref().unwrap_or_default();
        self.listing.arch = format!("{}{variant}", config.architecture);
        self.field("Os", config.os.clone());
        if let Some(created) = &config.created {
            self.field("Created", created.clone());
        }
        let Container { user, exposed_ports, env, entrypoint, cmd, healthcheck, volumes, .. } = &config.config;
        let words = |list: &Vec<String>| String::from_utf8_lossy(&manifest::json(list)).into_owned();
        let keys = |set: &BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>().join(" ");
        let known = [
            ("User", Some(user.clone())),
            ("ExposedPorts", Some(keys(exposed_ports))),
            ("Entrypoint", entrypoint.as_ref().map(words)),
            ("Cmd", cmd.as_ref().map(words)),
            ("WorkingDir", Some(config.config.working_dir.clone())),
            ("Volumes", Some(keys(volumes))),
            ("StopSignal", Some(config.config.stop_signal.clone())),
            ("Healthcheck", healthcheck.as_ref().map(|h| words(&h.test))),
        ];
        for (key, value) in known {
            if let Some(value) = value.filter(|v| !v.is_empty()) {
                self.field(key, value);
            }
        }
        for variable in env {
            self.field("Env", variable.clone());
        }
        for (key, value) in &config.config.labels {
            self.field(&format!("Label {key}"), value.clone());
        }
    }
}

fn too_many(layers: usize) -> Diagnostic {
    let message = format!("the image has {layers} layers, over the limit of {MOST_LAYERS}");
    Diagnostic::error(codes::ARTIFACT_LIMIT, message).help("no engine runs such an image")
}

fn parse<T: serde::de::DeserializeOwned>(bytes: &[u8], what: &str) -> Result<T, Diagnostic> {
    serde_json::from_slice(bytes).map_err(|e| tree::damaged(format!("{what} is malformed")).note(e.to_string()))
}

/// The tree of a layer, and the digest of its tar stream.
fn unpack(packed: impl Read) -> Result<(Tree, String), Diagnostic> {
    let (_, raw) = decompress::detect(packed).map_err(|e| tree::io_damage(&e))?;
    let mut raw = Hashing::new(raw);
    let tree = tree::read(&mut raw, tree::Options::default())?;
    Ok((tree, raw.digest()))
}

/// Passes bytes through and hashes them.
struct Hashing<R> {
    input: R,
    sha256: Sha256,
}

impl<R: Read> Hashing<R> {
    fn new(input: R) -> Self {
        Self { input, sha256: Sha256::new() }
    }

    fn digest(self) -> String {
        digest(&self.sha256.finalize().into())
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let got = self.input.read(buffer)?;
        self.sha256.update(&buffer[..got]);
        Ok(got)
    }
}
