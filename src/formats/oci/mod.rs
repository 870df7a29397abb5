//! Plan -> OCI image archive, and back.
//!
//! Enters: the Plan and the digests of its content. Leaves: a [`Layout`] of one tar that skopeo reads as oci-archive and as
//! docker-archive, and that `podman load` names rightly. Which files share a layer is in [`layers`], the image's
//! configuration in [`config`], what it stands on in [`base`]. Pushing to a registry is not here.

use std::sync::Arc;

use super::{Artifact, FileName, Format, Layout, Listing};
use crate::assemble::plan::{Abilities, Compression, Dialect, Plan};
use crate::diagnostic::{Diagnostic, Findings, Origin, codes};
use crate::formats::Digests;

mod archive;
pub mod base;
mod blobs;
mod config;
pub mod join;
mod layers;
mod manifest;
mod naming;
pub mod packed;
mod read;
#[cfg(test)]
mod tests;
mod whiteouts;

pub use config::{Start, started};
pub(crate) use naming::is_tag;

/// Stands for the architecture in the name of an archive of several targets.
pub const MULTI: &str = "multi";

/// The image format.
pub struct Oci;

impl Format for Oci {
    fn name(&self) -> &'static str {
        "oci"
    }

    fn abilities(&self) -> Abilities {
        Abilities {
            owners: true,
            capabilities: true,
            hardlinks: true,
            ghosts: false,
            dialect: Dialect::None,
            largest_file: u64::MAX,
        }
    }

    fn file_name(&self, plan: &Plan) -> Result<FileName, Findings> {
        let findings = check(plan);
        if !findings.is_empty() {
            return Err(findings);
        }
        let (arch, variant) = naming::platform(plan.target.arch);
        let arch = format!("{arch}{}", variant.unwrap_or_default());
        let version = naming::tag(plan).map_err(|e| vec![e])?;
        Ok(FileName { name: naming::file(plan, &arch)?, arch, version })
    }

    fn layout<'p>(&self, plan: &'p Plan, digests: &'p Digests) -> Result<Layout<'p>, Findings> {
        let file_name = self.file_name(plan)?.name;
        Ok(archive::layout(file_name, vec![image(plan, digests)?], digests))
    }

    fn recognises(&self, head: &[u8], name: &str) -> bool {
        is_image(head, name)
    }

    fn read(&self, artifact: &mut dyn Artifact, name: &str) -> Result<Listing, Diagnostic> {
        read::read(artifact, name)
    }
}

/// Whether a file that begins with these bytes and has this name is an image archive rather than any other tar: by its
/// first member, as the tools of the field write it.
pub fn is_image(head: &[u8], name: &str) -> bool {
    let first = head.split(|b| *b == 0).next().unwrap_or_default();
    let known: [&[u8]; 5] = [b"oci-layout", b"index.json", b"manifest.json", b"blobs/", b"repositories"];
    // Old Docker archives begin with a layer or configuration that is named by its digest.
    let digest = first.len() >= 64 && first[..64].iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let tar = head.get(257..262) == Some(b"ustar");
    tar && (name.ends_with(".oci.tar") || digest || known.iter().any(|k| first.starts_with(k)))
}

/// How the archive of several targets is called: `N-V-OS-multi.oci.tar`.
pub fn index_name(first: &Plan) -> Result<FileName, Findings> {
    let version = naming::tag(first).map_err(|e| vec![e])?;
    Ok(FileName { name: naming::file(first, MULTI)?, arch: MULTI.to_owned(), version })
}

/// One archive of the images of several targets, which an index names by platform. Their
/// repository and tag are those of the first plan. Refuses an empty list and two plans of one platform.
pub fn index_layout<'p>(plans: &[&'p Plan], digests: &'p Digests) -> Result<Layout<'p>, Findings> {
    let Some(first) = plans.first() else {
        let message = "an image of several platforms needs at least one target";
        return Err(vec![Diagnostic::error(codes::OCI_CONFIG, message).help("name `targets` in `[build]`")]);
    };
    let mut findings: Findings = plans.iter().flat_map(|plan| check(plan)).collect();
    for (index, plan) in plans.iter().enumerate() {
        if plans[..index].iter().any(|other| other.target.arch == plan.target.arch) {
            let message = format!("two images of one index are for `{}`", plan.target);
            findings.push(Diagnostic::error(codes::OCI_CONFIG, message).help("name each target once"));
        }
    }
    let mut images = Vec::new();
    if findings.is_empty() {
        for plan in plans {
            match image(plan, digests) {
                Ok(image) => images.push(image),
                Err(more) => findings.extend(more),
            }
        }
    }
    if !findings.is_empty() {
        return Err(findings);
    }
    Ok(archive::layout(index_name(first)?.name, images, digests))
}

fn image<'p>(plan: &'p Plan, digests: &'p Digests) -> Result<archive::Image<'p>, Findings> {
    let one = |e| vec![e];
    let reference = format!("{}:{}", naming::repository(plan).map_err(one)?, naming::tag(plan).map_err(one)?);
    let base = match &plan.base {
        None => None,
        Some(resolved) => Some(base::checked(resolved, &plan.image.base.origin, digests)?),
    };
    let layers = layers::of(plan).into_iter().map(Arc::new).collect();
    Ok(archive::Image { plan, reference, layers, base })
}

/// Everything that an image cannot carry.
fn check(plan: &Plan) -> Findings {
    let mut findings = Vec::new();
    findings.extend(naming::tag(plan).err());
    findings.extend(naming::repository(plan).err());
    findings.extend(naming::file(plan, MULTI).err().unwrap_or_default());
    let compression = &plan.image.compression;
    if matches!(compression.value, Compression::Xz(_)) {
        let message = "image layers take no xz: no engine unpacks it";
        let finding = Diagnostic::error(codes::OCI_COMPRESSION, message).at_origin(&compression.origin, "");
        findings.push(finding.help("set `gzip:6`, `zstd:3` or `none`"));
    }
    if plan.clock < 0 {
        let message = "the time stamped on entries is before 1970, which image layers cannot carry";
        findings.push(Diagnostic::error(codes::OCI_CONFIG, message).help("set `SOURCE_DATE_EPOCH` to a later time"));
    }
    settings(plan, &mut findings);
    for entry in plan.entries_for("oci") {
        if let Some(why) = (plan.clock >= 0).then(|| layers::refusal(plan, entry)).flatten() {
            let message = format!("`{}` cannot stand in an image layer: {why}", entry.path.escape_debug());
            let finding = Diagnostic::error(codes::OCI_CONFIG, message).at_origin(&entry.origin, "");
            findings.push(finding.path(&*entry.path).help("give it another name, owner or target"));
        }
    }
    findings
}

/// What resolving lets pass only if fitout is used as a library.
fn settings(plan: &Plan, findings: &mut Findings) {
    let image = &plan.image;
    let mut refuse = |key: &str, value: &str, origin: &Origin, help: &str| {
        let message = format!("`{}` is no `{key}` of an image", value.escape_debug());
        findings.push(Diagnostic::error(codes::OCI_CONFIG, message).at_origin(origin, "").help(help));
    };
    let number = |text: &str| !text.is_empty() && text.parse::<u32>().is_ok();
    if let Some(user) = &image.user {
        let (uid, gid) = user.split_once(':').unwrap_or((user, "0"));
        if !number(uid) || !number(gid) {
            let help = "write it as numbers, `10001:10001`: engines check that it is not root by the number";
            refuse("user", user, &user.origin, help);
        }
    }
    for port in &image.ports {
        let (number, protocol) = port.split_once('/').unwrap_or((port, "tcp"));
        if number.parse::<u16>().is_err() || !matches!(protocol, "tcp" | "udp" | "sctp") {
            refuse("port", port, &port.origin, "write it like `8080` or `53/udp`");
        }
    }
    for (name, value) in &image.env {
        if name.is_empty() || name.contains(['=', '\0']) {
            refuse("variable", name, &value.origin, "a name is not empty and has no `=`");
        }
    }
    for path in image.volumes.iter().chain(&image.working_dir) {
        if !path.starts_with('/') || path.contains('\0') {
            refuse("folder", path, &path.origin, "write an absolute path");
        }
    }
}
