//! A repository of an image registry: blobs first, then manifests, an index behind those that it names, tags last.
//!
//! Enters: image archives, packages that go beside them, and what the registry has. Leaves: a [`Draft`] of what it has not. Whoever pulls a tag sees the old image or the
//! new one. How it is asked is in `store::registry`.

use std::cmp::Ordering;

use super::destination::{Destination, Work};
use super::draft::{Draft, Put, What};
use super::parallel::at_once;
use super::parcel::Parcel;
use super::promote::Promotion;
use super::version::is_image_of;
use crate::diagnostic::{Diagnostic, Findings, codes};
use crate::formats::oci::packed::{self, Packed, PackedManifest};
use crate::formats::{deb::order, oci};
use crate::store::{Body, Kind, Object, Place};

mod artifacts;
mod config;
mod tags;

pub(super) use config::Table;

/// A repository of a registry.
pub struct Registry {
    place: Box<dyn Place>,
    /// Name of the package.
    owner: String,
    /// As they are typed.
    tags: Vec<String>,
    /// Formats that are put beside the image.
    formats: Vec<String>,
    /// Whether a version's tag may be taken from the image that has it.
    replace: bool,
}

const MANIFESTS: [&str; 4] = [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
];

/// What is there under a tag.
struct Tagged {
    sha256: String,
    bytes: Vec<u8>,
}

impl Registry {
    fn tagged(&self, tag: &str) -> Result<Option<Tagged>, Diagnostic> {
        let object = self.place.get(&format!("manifests/{tag}"))?;
        Ok(object.map(|object| Tagged { sha256: object.meta.sha256.unwrap_or_default(), bytes: object.bytes }))
    }

    /// Whether a tag, if it is one, names this image.
    fn is_tagged(&self, tag: &str, sha256: &str) -> Result<bool, Diagnostic> {
        Ok(oci::is_tag(tag) && self.tagged(tag)?.is_some_and(|there| there.sha256 == sha256))
    }

    fn publish(&self, parcels: &[&Parcel]) -> Result<Draft, Findings> {
        let one = |finding| vec![finding];
        let (images, others): (Vec<&Parcel>, Vec<&Parcel>) = parcels.iter().partition(|p| p.artifact.format == "oci");
        let mut draft = Draft::default();
        let mut subject = None;
        if let Some(parcel) = image(&images, &self.place.name()).map_err(one)? {
            let mut packed = packed::packed(&parcel.path).map_err(one)?;
            self.image(parcel, &packed, &mut draft)?;
            subject = packed.manifests.pop();
        }
        self.artifacts(&others, subject.as_ref(), &mut draft)?;
        Ok(draft)
    }

    /// Adds what is not there of an image.
    fn image(&self, parcel: &Parcel, packed: &Packed, draft: &mut Draft) -> Result<(), Findings> {
        let Some((top, inner)) = packed.manifests.split_last() else { return Ok(()) };
        let there = self.place.head(&format!("manifests/sha256:{}", top.sha256));
        if there.map_err(|error| vec![error.into()])?.is_none() {
            draft.before.push(self.blobs(parcel, packed).map_err(|finding| vec![finding])?);
            let by_digest = |one: &PackedManifest| put_manifest(&format!("sha256:{}", one.sha256), one, true);
            draft.before.push(inner.iter().map(by_digest).collect());
            draft.before.push(vec![by_digest(top)]);
        }
        self.tag(parcel, top, draft)?;
        if draft.is_empty() {
            draft.same.push(parcel.artifact.file.clone());
        }
        Ok(())
    }

    /// Blobs that are not there.
    fn blobs(&self, parcel: &Parcel, packed: &Packed) -> Result<Vec<Put>, Diagnostic> {
        let look = |blob: &packed::PackedBlob| self.place.head(&format!("blobs/sha256:{}", blob.sha256));
        let mut puts = Vec::new();
        for (blob, there) in packed.blobs.iter().zip(at_once(self.place.at_once(), &packed.blobs, look)) {
            if there?.is_none() {
                puts.push(Put {
                    key: format!("blobs/sha256:{}", blob.sha256),
                    body: Body::Part { path: parcel.path.clone(), offset: blob.offset, size: blob.size },
                    kind: Kind {
                        content_type: "application/octet-stream",
                        immutable: true,
                        sha256: Some(blob.sha256.clone()),
                    },
                    what: What::Artifact,
                    when: None,
                });
            }
        }
        // The largest takes the longest.
        puts.sort_by_key(|put| std::cmp::Reverse(put.body.size()));
        Ok(puts)
    }

    /// Tags that do not name the image yet: first those that stay, then those that move.
    fn tag(&self, parcel: &Parcel, top: &PackedManifest, draft: &mut Draft) -> Result<(), Findings> {
        let version = packed::annotation(&top.bytes, "version").unwrap_or_else(|| parcel.artifact.version.clone());
        let (mut stay, mut movers, mut findings) = (Vec::new(), Vec::new(), Findings::new());
        for wanted in tags::of(&self.tags, &self.owner, &version) {
            let there = match self.tagged(&wanted.tag) {
                Ok(there) => there,
                Err(finding) => {
                    findings.push(finding);
                    continue;
                }
            };
            let put = put_manifest(&wanted.tag, top, false);
            match there {
                Some(there) if there.sha256 == top.sha256 => {}
                Some(there) if wanted.moves => {
                    let newer = packed::annotation(&there.bytes, "version").filter(|t| tags::is_older(&version, t));
                    match newer {
                        Some(newer) => draft.newest = Some(format!("{} in {newer}", wanted.tag)),
                        None => movers.push(put),
                    }
                }
                Some(there) if !self.replace => {
                    findings.push(self.other_image(&wanted.tag, &there.sha256));
                }
                _ if wanted.moves => movers.push(put),
                _ => stay.push(put),
            }
        }
        draft.after.extend([stay, movers].into_iter().filter(|group| !group.is_empty()));
        if findings.is_empty() { Ok(()) } else { Err(findings) }
    }

    fn other_image(&self, tag: &str, sha256: &str) -> Diagnostic {
        let message = format!("`{}:{tag}` is another image already", self.place.name());
        Diagnostic::error(codes::PUBLISH_OTHER_BYTES, message)
            .note(format!("it is `sha256:{sha256}`"))
            .help("raise the version; `--replace` takes the tag from it all the same")
    }

    fn retag(&self, promotion: &Promotion) -> Result<Draft, Diagnostic> {
        let mut draft = Draft::default();
        let from = self.tagged(&promotion.from)?.ok_or_else(|| {
            let message = format!("`{}` has no tag `{}`", self.place.name(), promotion.from);
            Diagnostic::error(codes::REPO_NO_CHANNEL, message).help("publish to it first")
        })?;
        let version = packed::annotation(&from.bytes, "version");
        if let Some(wanted) = &promotion.version
            && !version.as_ref().is_some_and(|version| is_image_of(version, wanted))
            && !self.is_tagged(&wanted.replace('+', "-"), &from.sha256)?
        {
            let message = format!("`{}:{}` is not version {wanted}", self.place.name(), promotion.from);
            return Err(Diagnostic::error(codes::REPO_NO_PACKAGE, message)
                .note(version.map_or_else(|| "it does not say which".to_owned(), |version| format!("it is {version}")))
                .help("a tag names one image; leave the version out to promote the one that it names"));
        }
        if self.tagged(&promotion.to)?.is_some_and(|to| to.sha256 == from.sha256) {
            draft.same.push(format!("{}:{}", promotion.name, promotion.from));
            return Ok(draft);
        }
        // A tag of a version is that version's for good.
        if let Some(there) = self.tagged(&promotion.to)?.filter(|_| !self.replace) {
            let of = packed::annotation(&there.bytes, "version").unwrap_or_default();
            let own = tags::of(&self.tags, &promotion.name, &of);
            if own.iter().any(|wanted| wanted.tag == promotion.to && !wanted.moves) {
                return Err(self.other_image(&promotion.to, &there.sha256));
            }
        }
        let media_type = media_type(&from.bytes);
        let manifest = PackedManifest { media_type, sha256: from.sha256, bytes: from.bytes };
        draft.after.push(vec![put_manifest(&promotion.to, &manifest, false)]);
        Ok(draft)
    }
}

/// The archive that is for a registry: the one of all targets, or the only one.
fn image<'p>(parcels: &[&'p Parcel], place: &str) -> Result<Option<&'p Parcel>, Diagnostic> {
    if let Some(all) = parcels.iter().find(|parcel| parcel.artifact.arch == oci::MULTI) {
        return Ok(Some(all));
    }
    match parcels {
        [] => Ok(None),
        [one] => Ok(Some(one)),
        several => {
            let files: Vec<&str> = several.iter().map(|parcel| parcel.artifact.file.as_str()).collect();
            let message = format!("several images would take the same tags of `{place}`");
            Err(Diagnostic::error(codes::REGISTRY_SEVERAL, message)
                .note(files.join(", "))
                .help("build all targets in one run, or give their folders to `fitout merge`: then one archive holds them all"))
        }
    }
}

fn put_manifest(reference: &str, manifest: &PackedManifest, by_digest: bool) -> Put {
    Put {
        key: format!("manifests/{reference}"),
        body: Body::Bytes(manifest.bytes.as_slice().into()),
        kind: Kind { content_type: manifest.media_type, immutable: by_digest, sha256: Some(manifest.sha256.clone()) },
        what: if by_digest { What::Index } else { What::Root },
        when: None,
    }
}

/// Of what a registry gave.
fn media_type(manifest: &[u8]) -> &'static str {
    let json: serde_json::Value = serde_json::from_slice(manifest).unwrap_or_default();
    let said = json["mediaType"].as_str();
    let unsaid = if json["manifests"].is_array() { MANIFESTS[0] } else { MANIFESTS[1] };
    MANIFESTS.into_iter().find(|known| said == Some(known)).unwrap_or(unsaid)
}

impl Destination for Registry {
    fn name(&self) -> String {
        format!("registry {}", self.place.name())
    }

    fn place(&self) -> &dyn Place {
        &*self.place
    }

    fn into_place(self: Box<Self>) -> Box<dyn Place> {
        self.place
    }

    fn is_repository(&self) -> bool {
        false
    }

    fn has_tag(&self, name: &str, channel: &str) -> Result<bool, Diagnostic> {
        Ok(name == self.owner && oci::is_tag(channel) && self.place.head(&format!("manifests/{channel}"))?.is_some())
    }

    fn format(&self) -> &'static str {
        "oci"
    }

    fn takes(&self, parcel: &Parcel) -> bool {
        let format = parcel.artifact.format;
        format == self.format() || self.formats.iter().any(|other| other == format)
    }

    fn compare(&self, a: &str, b: &str) -> Ordering {
        order::compare(a, b)
    }

    fn draft(&self, work: &Work<'_>) -> Result<Draft, Findings> {
        match work {
            Work::Publish(parcels) => self.publish(parcels),
            // Images go by the registry's own rules of retention.
            Work::Retract { .. } | Work::Repair => Ok(Draft::default()),
            Work::Move(promotion) => self.retag(promotion).map_err(|finding| vec![finding]),
        }
    }

    fn settle(&self, _: &Object) -> Result<Vec<Vec<Put>>, Findings> {
        Ok(Vec::new())
    }
}
