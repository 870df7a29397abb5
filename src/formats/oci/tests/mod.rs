//! Images, written by the engine and read back by fitout and by the tools of the field.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::*;
use crate::assemble::plan::{Arch, Churn, Kind, Sources};
use crate::assemble::sample::{entry, fact, plan, plan_of};
use crate::formats::{ListedKind, trial};

mod foreign;
mod hostile;

/// Writes one image, or one archive of several.
fn try_build(plans: &[&Plan], sources: &Sources, folder: &Path) -> Result<PathBuf, Findings> {
    let (store, digests) = trial::fill(sources, plans, folder);
    let layout = match plans {
        [plan] => Oci.layout(plan, &digests)?,
        plans => index_layout(plans, &digests)?,
    };
    Ok(trial::emit(&layout, &store, folder))
}

fn build(plan: &Plan, sources: &Sources, folder: &Path) -> PathBuf {
    try_build(&[plan], sources, folder).unwrap()
}

fn listing(path: &Path) -> Listing {
    let name = path.file_name().unwrap().to_str().unwrap();
    Oci.read(&mut fs_err::File::open(path).unwrap(), name).unwrap()
}

fn problems(listing: &Listing) -> Vec<String> {
    listing.checks.iter().filter_map(|c| Some(format!("{}: {}", c.what, c.problem.as_ref()?))).collect()
}

fn field<'l>(listing: &'l Listing, key: &str) -> &'l str {
    listing.fields.iter().find(|(k, _)| k == key).map_or("", |(_, v)| v)
}

/// The sample with its files in all four groups.
fn grouped() -> (Plan, Sources) {
    let (mut plan, sources) = plan();
    let mut entries = plan.entries.to_vec();
    for e in &mut entries {
        e.churn = match &*e.path {
            "/usr/lib/hello/data" | "/usr/lib/hello/data2" => Churn::Runtime,
            "/usr/lib/hello/nothing" => Churn::Dependencies,
            "/etc/hello/env" => Churn::Config,
            _ => Churn::Application,
        };
    }
    plan.entries = entries.into();
    (plan, sources)
}

#[test]
fn what_was_planned_is_read_back() {
    let (plan, sources) = plan();
    let folder = tempfile::tempdir().unwrap();
    let path = build(&plan, &sources, folder.path());
    assert_eq!(path.file_name().unwrap(), "hello-1.4.0-rc.1+b5-linux-amd64.oci.tar");
    let listing = listing(&path);
    assert_eq!((&*listing.name, &*listing.version, &*listing.arch), ("localhost/hello", "1.4.0-rc.1-b5", "amd64"));
    assert_eq!(problems(&listing), [""; 0]);
    assert!(listing.checks.len() >= 6, "{:?}", listing.checks);
    assert_eq!(listing.findings, []);
    let read: Vec<_> = listing.entries.iter().map(|e| (&*e.path, e.mode, &*e.user, &*e.group, e.mtime)).collect();
    let planned: Vec<_> = plan.entries.iter().map(|e| (&*e.path, e.mode, "root", "root", plan.clock)).collect();
    assert_eq!(read, planned);
    let kinds: Vec<_> = listing.entries.iter().map(|e| e.kind.clone()).collect();
    assert_eq!(kinds[6], ListedKind::Symlink("hello".into()));
    assert_eq!(kinds[10], ListedKind::Hardlink("/usr/lib/hello/data".into()));
    assert_eq!(field(&listing, "Created"), "2023-11-14T22:13:20Z");
    assert!(field(&listing, "Env").starts_with("PATH=/usr/local/sbin:"));
    assert_eq!(field(&listing, "Label org.opencontainers.image.version"), "1.4.0-rc.1+b5");
    assert_eq!(field(&listing, "Annotation org.opencontainers.image.licenses"), "Apache-2.0");
}

#[test]
fn layers_are_grouped_by_churn_with_the_folders_that_they_need() {
    let (plan, sources) = grouped();
    let layers = layers::of(&plan);
    let digests = Digests::new(vec![crate::formats::Digest::default(); sources.list().len()]);
    let mut found = Vec::new();
    for layer in &layers {
        let mut tar = Vec::new();
        let take = &mut |piece| {
            if let crate::formats::Piece::Literal(bytes) = piece {
                tar.extend_from_slice(&bytes);
            }
            Ok(())
        };
        layer.pieces(&digests, take).unwrap();
        let tree = crate::formats::tree::read(&tar[..], crate::formats::tree::Options::default()).unwrap();
        let paths: Vec<_> = tree.entries.iter().map(|e| e.listed.path.trim_start_matches('/').to_owned()).collect();
        found.push((layer.churn, paths.join(" ")));
    }
    let expected = [
        (Churn::Runtime, "usr usr/lib usr/lib/hello usr/lib/hello/data usr/lib/hello/data2"),
        (Churn::Dependencies, "usr usr/lib usr/lib/hello usr/lib/hello/nothing"),
        (Churn::Application, "usr usr/bin usr/bin/hello usr/bin/hi usr/lib usr/lib/hello usr/lib/hello/empty"),
        (Churn::Config, "etc etc/hello etc/hello/env"),
    ];
    assert_eq!(found, expected.map(|(churn, paths)| (churn, paths.to_owned())));
}

#[test]
fn a_change_of_application_code_alters_one_layer() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let blobs = folders.each_ref().map(|folder| {
        let (mut plan, mut sources) = grouped();
        if folder.path() == folders[1].path() {
            let mut entries = plan.entries.to_vec();
            let hello = entries.iter_mut().find(|e| &*e.path == "/usr/bin/hello").unwrap();
            hello.kind = Kind::File(sources.made(b"#!/bin/sh\necho hello world\n".to_vec()));
            plan.entries = entries.into();
        }
        let listing = listing(&build(&plan, &sources, folder.path()));
        (0..4).map(|n| field(&listing, &format!("Layer {n}")).to_owned()).collect::<Vec<_>>()
    });
    let same: Vec<bool> = blobs[0].iter().zip(&blobs[1]).map(|(a, b)| a == b).collect();
    assert_eq!(same, [true, true, false, true]);
}

#[test]
fn a_hard_link_to_another_layer_becomes_a_copy_that_later_names_link_to() {
    let (mut plan, sources) = grouped();
    let mut entries = plan.entries.to_vec();
    let at = entries.iter().position(|e| &*e.path == "/usr/lib/hello/data2").unwrap();
    entries[at].churn = Churn::Config;
    let mut third = entry("/usr/lib/hello/data3", Kind::Hardlink { target: "/usr/lib/hello/data".into() });
    third.churn = Churn::Config;
    entries.insert(at + 1, third);
    plan.entries = entries.into();
    let folder = tempfile::tempdir().unwrap();
    let listing = listing(&build(&plan, &sources, folder.path()));
    assert_eq!(problems(&listing), [""; 0]);
    let of = |path: &str| listing.entries.iter().find(|e| e.path == path).unwrap();
    let (first, copy) = (of("/usr/lib/hello/data"), of("/usr/lib/hello/data2"));
    assert_eq!((first.layer, copy.layer, &copy.kind), (Some(0), Some(3), &ListedKind::File));
    assert_eq!(first.sha256, copy.sha256);
    assert_eq!(of("/usr/lib/hello/data3").kind, ListedKind::Hardlink("/usr/lib/hello/data2".into()));
}

#[test]
fn capabilities_are_carried() {
    let (mut plan, sources) = plan();
    let mut entries = plan.entries.to_vec();
    let hello = entries.iter().position(|e| &*e.path == "/usr/bin/hello").unwrap();
    entries[hello].capabilities = Some("cap_net_bind_service=ep".into());
    plan.entries = entries.into();
    let folder = tempfile::tempdir().unwrap();
    let listing = listing(&build(&plan, &sources, folder.path()));
    let read = listing.entries.iter().find(|e| e.path == "/usr/bin/hello").unwrap();
    assert_eq!(read.capabilities.as_deref(), Some("cap_net_bind_service=ep"));
}

#[test]
fn what_an_image_cannot_carry_is_refused_all_at_once() {
    let (mut plan, mut sources) = plan();
    let mut odd = entry("/x", Kind::File(sources.made(Vec::new())));
    odd.owner.user = "u".repeat(32).into();
    let empty = entry("/y", Kind::Symlink { target: "".into() });
    plan.entries = vec![odd, empty].into();
    plan.identity.version.value.text = "1:2~x".into();
    plan.image.repository.value = "Hello World".into();
    plan.image.compression.value = Compression::Xz(6);
    plan.image.user = Some(fact("hello".into()));
    plan.image.ports = ["80/http", "8080"].map(|port| fact(port.to_owned())).into();
    plan.image.env.insert("A=B".into(), fact(String::new()));
    plan.image.working_dir = Some(fact("srv".into()));
    let found: Vec<_> = Oci.file_name(&plan).unwrap_err().iter().map(|d| d.code.name).collect();
    let config = "oci/config";
    assert_eq!(found[..4], ["oci/tag", "oci/repository", "tarball/name", "oci/compression"]);
    assert_eq!(found[4..], [config; 6]);
}

#[test]
fn zstd_images_hold_no_docker_archive() {
    let (mut plan, sources) = plan();
    let folder = tempfile::tempdir().unwrap();
    for (compression, docker) in [(Compression::Zstd(3), false), (Compression::None, true)] {
        plan.image.compression.value = compression;
        let path = build(&plan, &sources, folder.path());
        assert_eq!(problems(&listing(&path)), [""; 0]);
        let mut file = fs_err::File::open(&path).unwrap();
        assert_eq!(blobs::Blobs::scan(&mut file).unwrap().find("manifest.json").is_some(), docker);
    }
}
