//! Any tar, compressed or not -> Listing.

use std::io::SeekFrom;

use super::naming;
use crate::codec::decompress;
use crate::diagnostic::Diagnostic;
use crate::formats::tree;
use crate::formats::{Artifact, ListedEntry, ListedKind, Listing};

pub(super) fn read(artifact: &mut dyn Artifact, file_name: &str) -> Result<Listing, Diagnostic> {
    let io = |e: std::io::Error| tree::io_damage(&e);
    let packed_size = artifact.seek(SeekFrom::End(0)).map_err(io)?;
    artifact.seek(SeekFrom::Start(0)).map_err(io)?;
    let (_, stream) = decompress::detect(artifact).map_err(io)?;
    let tree = tree::read(stream, tree::Options { programs: true, ..tree::Options::default() })?;
    let mut entries: Vec<ListedEntry> = tree.entries.into_iter().map(|e| e.listed).collect();
    let mut listing = Listing {
        format: "tarball",
        packed_size,
        findings: tree.findings,
        programs: tree.programs,
        ..Listing::default()
    };
    if let Some(folder) = common_folder(&entries)
        && let Some((name, version, arch)) = naming::take_apart(&folder)
    {
        (listing.name, listing.version, listing.arch) = (name.to_owned(), version.to_owned(), arch.to_owned());
        strip(&mut entries, &format!("/{folder}"));
        listing.programs.strip(&format!("/{folder}"));
    } else {
        let stem = file_name.split(".tar").next().unwrap_or(file_name);
        stem.clone_into(&mut listing.name);
    }
    listing.entries = entries;
    listing.sort();
    Ok(listing)
}

/// The folder that all entries are in, if there is one.
fn common_folder(entries: &[ListedEntry]) -> Option<String> {
    let top = |path: &str| path.trim_start_matches('/').split('/').next().unwrap_or_default().to_owned();
    let first = top(&entries.first()?.path);
    let alone = entries.iter().all(|e| {
        let inside = e.path.len() > first.len() + 1;
        top(&e.path) == first && (inside || e.kind == ListedKind::Directory)
    });
    alone.then_some(first)
}

fn strip(entries: &mut Vec<ListedEntry>, folder: &str) {
    entries.retain(|e| e.path != folder);
    for entry in entries {
        entry.path = entry.path.strip_prefix(folder).unwrap_or(&entry.path).to_owned();
        if let ListedKind::Hardlink(target) = &mut entry.kind
            && let Some(rest) = target.strip_prefix(folder)
        {
            *target = rest.to_owned();
        }
    }
}
