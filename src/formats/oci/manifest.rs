//! Descriptors, manifests and indexes, as JSON (image-spec 1.1), and Docker's `manifest.json`.
//!
//! Enters and leaves: these structs. Field order is that of the specification and maps are sorted, so that equal content
//! has equal bytes. The image configuration is in [`super::config`].

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use sha2::{Digest as _, Sha256};

use crate::assemble::plan::Compression;
use crate::codec::hex::hex;
use crate::store::registry::is_digest;

pub(super) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(super) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(super) const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
const DOCKER_INDEX: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
const DOCKER_LAYER: &str = "application/vnd.docker.image.rootfs.diff.tar";
/// Annotation of an index entry: the name that `podman load` and `skopeo` know it by.
pub(super) const REF_NAME: &str = "org.opencontainers.image.ref.name";
/// The same for containerd and Docker.
pub(super) const IMAGE_NAME: &str = "io.containerd.image.name";
/// The one content of the file `oci-layout`.
pub(super) const LAYOUT: &str = r#"{"imageLayoutVersion":"1.0.0"}"#;

/// Where a blob is, how long, and of which kind.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Descriptor {
    pub media_type: String,
    pub digest: String,
    pub size: u64,
    #[serde(skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "null_is_default")]
    pub annotations: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
}

/// Which machines an index entry is for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Platform {
    pub architecture: String,
    pub os: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
}

/// An image for one platform.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Manifest {
    pub schema_version: u32,
    pub media_type: String,
    pub config: Descriptor,
    #[serde(deserialize_with = "null_is_default")]
    pub layers: Vec<Descriptor>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "null_is_default")]
    pub annotations: BTreeMap<String, String>,
}

/// Images by platform, or everything in a layout.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Index {
    pub schema_version: u32,
    pub media_type: String,
    #[serde(deserialize_with = "null_is_default")]
    pub manifests: Vec<Descriptor>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "null_is_default")]
    pub annotations: BTreeMap<String, String>,
}

/// One image of Docker's `manifest.json`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct DockerImage {
    pub config: String,
    #[serde(deserialize_with = "null_is_default")]
    pub repo_tags: Vec<String>,
    #[serde(deserialize_with = "null_is_default")]
    pub layers: Vec<String>,
}

/// Go writes `null` for an empty map or list.
pub(super) fn null_is_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

impl Descriptor {
    /// Of bytes at hand.
    pub fn of(media_type: &str, bytes: &[u8]) -> Self {
        let digest = digest(&Sha256::digest(bytes).into());
        Self { media_type: media_type.to_owned(), digest, size: bytes.len() as u64, ..Self::default() }
    }

    /// Whether an index is at the other end rather than a manifest.
    pub fn is_index(&self) -> bool {
        matches!(&*self.media_type, INDEX | DOCKER_INDEX)
    }
}

impl Manifest {
    pub fn new(config: Descriptor, layers: Vec<Descriptor>, annotations: BTreeMap<String, String>) -> Self {
        Self { schema_version: 2, media_type: MANIFEST.to_owned(), config, layers, annotations }
    }
}

impl Index {
    pub fn new(manifests: Vec<Descriptor>, annotations: BTreeMap<String, String>) -> Self {
        Self { schema_version: 2, media_type: INDEX.to_owned(), manifests, annotations }
    }
}

/// `sha256:…`
pub(super) fn digest(sha256: &[u8; 32]) -> String {
    format!("sha256:{}", hex(sha256))
}

/// The bytes of `sha256:…`; other algorithms are not read.
pub(super) fn sha256_of(digest: &str) -> Option<[u8; 32]> {
    let text = digest.strip_prefix("sha256:").filter(|_| is_digest(digest))?;
    let mut out = [0; 32];
    for (at, byte) in out.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(at * 2..at * 2 + 2)?, 16).ok()?;
    }
    Some(out)
}

/// The media type of our layers. xz is refused before.
pub(super) fn layer_type(compression: Compression) -> String {
    let suffix = match compression {
        Compression::Gzip(_) => "+gzip",
        Compression::Zstd(_) => "+zstd",
        Compression::None | Compression::Xz(_) => "",
    };
    format!("{LAYER}{suffix}")
}

/// The media type of a base's layer in OCI's words: our manifest is one of OCI. None if it is no layer that may be
/// copied (a foreign one lies elsewhere).
pub(super) fn oci_layer_type(media_type: &str) -> Option<String> {
    if media_type.starts_with(LAYER) {
        return Some(media_type.to_owned());
    }
    let suffix = match media_type.strip_prefix(DOCKER_LAYER)? {
        "" => "",
        ".gzip" => "+gzip",
        ".zstd" => "+zstd",
        _ => return None,
    };
    Some(format!("{LAYER}{suffix}"))
}

/// JSON without white space.
pub(super) fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("structs of strings and numbers with string keys are always JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_taken_apart_strictly() {
        let all = format!("sha256:{}", "0f".repeat(32));
        assert_eq!(sha256_of(&all), Some([15; 32]));
        assert_eq!(digest(&[15; 32]), all);
        for bad in ["", "sha256:", "sha512:00", &all[..70], &all.to_uppercase(), "sha256:../../../../etc/passwd"] {
            assert_eq!(sha256_of(bad), None, "{bad}");
        }
    }

    #[test]
    fn layers_of_docker_get_oci_s_words() {
        let gzip = "application/vnd.docker.image.rootfs.diff.tar.gzip";
        assert_eq!(oci_layer_type(gzip).as_deref(), Some("application/vnd.oci.image.layer.v1.tar+gzip"));
        assert_eq!(oci_layer_type("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"), None);
    }
}
