//! Packages beside an image: each an artifact of its own that refers to it.
//!
//! Enters: packages, and the manifest of the image if there is one. Leaves: puts: the package as a blob, a manifest that names it, and a
//! tag that is its file's name, for tools that do not ask for what refers to an image. Source: image-spec, "Guidelines for Artifact Usage".

use serde_json::json;
use sha2::Digest as _;

use super::{MANIFESTS, Registry, put_manifest};
use crate::codec::hex::hex;
use crate::diagnostic::Findings;
use crate::formats::oci::packed::PackedManifest;
use crate::publish::Parcel;
use crate::publish::draft::{Draft, Put, What};
use crate::store::{Body, Kind};

/// Formats that can be such, and what they are called there.
pub(super) const KINDS: &[(&str, &str)] = &[
    ("deb", "application/vnd.debian.binary-package"),
    ("rpm", "application/x-rpm"),
    ("tarball", "application/gzip"),
    ("zip", "application/zip"),
];
/// The configuration of what has none.
const EMPTY: &[u8] = b"{}";
const EMPTY_TYPE: &str = "application/vnd.oci.empty.v1+json";

impl Registry {
    /// Adds what is not there of these packages.
    pub(super) fn artifacts(
        &self,
        parcels: &[&Parcel],
        subject: Option<&PackedManifest>,
        draft: &mut Draft,
    ) -> Result<(), Findings> {
        let (mut blobs, mut manifests, mut tags, mut findings) = (Vec::new(), Vec::new(), Vec::new(), Findings::new());
        for parcel in parcels {
            let Some((_, kind)) = KINDS.iter().find(|(format, _)| *format == parcel.artifact.format) else { continue };
            let manifest = manifest(parcel, kind, subject);
            let tag = tag(&parcel.artifact.file);
            // The tag is put last: it tells that all else is there, and in the list of what refers to the image.
            match self.tagged(&tag) {
                Ok(Some(there)) if there.sha256 == manifest.sha256 => draft.same.push(parcel.artifact.file.clone()),
                Ok(Some(there)) if !self.replace => findings.push(self.other_image(&tag, &there.sha256)),
                Ok(_) => {
                    let file = Body::File { path: parcel.path.clone(), size: parcel.artifact.size };
                    blobs.push(blob(file, &parcel.artifact.sha256));
                    manifests.push(put_manifest(&format!("sha256:{}", manifest.sha256), &manifest, true));
                    tags.push(put_manifest(&tag, &manifest, false));
                }
                Err(finding) => findings.push(finding),
            }
        }
        if !blobs.is_empty() {
            blobs.push(blob(Body::Bytes(EMPTY.into()), &hex(&sha2::Sha256::digest(EMPTY))));
        }
        let mut absent = Vec::new();
        for put in blobs {
            if self.place.head(&put.key).map_err(|error| vec![error.into()])?.is_none() {
                absent.push(put);
            }
        }
        draft.before.extend([absent, manifests]);
        draft.after.push(tags);
        if findings.is_empty() { Ok(()) } else { Err(findings) }
    }
}

fn blob(body: Body, sha256: &str) -> Put {
    Put {
        key: format!("blobs/sha256:{sha256}"),
        body,
        kind: Kind { content_type: "application/octet-stream", immutable: true, sha256: Some(sha256.to_owned()) },
        what: What::Artifact,
        when: None,
    }
}

fn manifest(parcel: &Parcel, kind: &str, subject: Option<&PackedManifest>) -> PackedManifest {
    let artifact = &parcel.artifact;
    let mut document = json!({
        "schemaVersion": 2,
        "mediaType": MANIFESTS[1],
        "artifactType": kind,
        "config": { "mediaType": EMPTY_TYPE, "digest": format!("sha256:{}", hex(&sha2::Sha256::digest(EMPTY))), "size": EMPTY.len() },
        "layers": [{
            "mediaType": kind,
            "digest": format!("sha256:{}", artifact.sha256),
            "size": artifact.size,
            "annotations": { "org.opencontainers.image.title": artifact.file },
        }],
        "annotations": { "org.opencontainers.image.version": artifact.version },
    });
    if let Some(subject) = subject {
        document["subject"] = json!({
            "mediaType": subject.media_type, "digest": format!("sha256:{}", subject.sha256), "size": subject.bytes.len(),
        });
    }
    let bytes = document.to_string().into_bytes();
    PackedManifest { media_type: MANIFESTS[1], sha256: hex(&sha2::Sha256::digest(&bytes)), bytes }
}

/// The name of the file, as far as a tag can say it.
fn tag(file: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "_.-".contains(c) { c } else { '-' };
    file.chars().map(plain).take(128).collect()
}
