//! Plan -> zip, and back.
//!
//! Enters: the Plan and the digests of its content. Leaves: a [`Layout`] of local headers with their content and the
//! central directory. Unix modes and symlinks stand in the external attributes, as Info-ZIP has them; owners, hard links,
//! capabilities and scripts cannot be carried. How records look as bytes is in [`crate::codec::zip`].

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use super::{Artifact, FileName, Format, Layout, Listing, Measure, Piece, Section};
use crate::assemble::plan::{Abilities, Compression, Dialect, Entry, Kind, Plan, Role, Source, SourceId};
use crate::codec::zip::{self as records, Method, Record, Stamp};
use crate::diagnostic::{Diagnostic, Findings, codes};
use crate::formats::Digests;

mod read;
#[cfg(test)]
mod tests;

/// The zip format.
pub struct Zip;

/// Longest name in bytes: the field is 16 bits wide.
const LONGEST_NAME: usize = 0xffff;

impl Format for Zip {
    fn name(&self) -> &'static str {
        "zip"
    }

    fn abilities(&self) -> Abilities {
        Abilities {
            owners: false,
            capabilities: false,
            hardlinks: false,
            ghosts: false,
            dialect: Dialect::Plain,
            largest_file: u64::MAX,
        }
    }

    fn file_name(&self, plan: &Plan) -> Result<FileName, Findings> {
        let mut findings = Vec::new();
        let root = root(plan);
        for (fact, what) in [(&plan.identity.name.value, "name"), (&plan.identity.version.text, "version")] {
            if fact.is_empty() || fact.contains(|c: char| c == '/' || c == '\\' || c.is_control()) {
                let origin = if what == "name" { &plan.identity.name.origin } else { &plan.identity.version.origin };
                let message = format!("the {what} `{}` cannot be part of a zip's file name", fact.escape_debug());
                let finding = Diagnostic::error(codes::ZIP_NAME, message).at_origin(origin, "");
                findings.push(finding.help("leave out `/`, `\\` and control characters"));
            }
        }
        let compression = &plan.zip.compression;
        if !matches!(compression.value, Compression::None | Compression::Gzip(_)) {
            let message = "a zip takes no other compression than deflate";
            let finding = Diagnostic::error(codes::ZIP_COMPRESSION, message).at_origin(&compression.origin, "");
            findings.push(finding.help("set `gzip:6`, which means deflate here, or `none`"));
        }
        for entry in plan.entries_for("zip") {
            if root.len() + entry.path.len() + 1 > LONGEST_NAME {
                let message = format!("a path of {} bytes is longer than zip can carry", entry.path.len());
                let finding = Diagnostic::error(codes::ZIP_NAME, message).at_origin(&entry.origin, "");
                findings.push(finding.path(&*entry.path).help("shorten the path"));
            }
        }
        if !findings.is_empty() {
            return Err(findings);
        }
        let arch = arch(plan);
        Ok(FileName { name: format!("{root}.zip"), arch, version: plan.identity.version.text.clone() })
    }

    fn layout<'p>(&self, plan: &'p Plan, digests: &'p Digests) -> Result<Layout<'p>, Findings> {
        let file_name = self.file_name(plan)?.name;
        let archive = Arc::new(Archive::new(plan, digests));
        let entries = Arc::clone(&archive);
        Ok(Layout {
            file_name,
            sections: vec![
                plain(move |sink| {
                    entries.each(&mut |record, body| {
                        sink(Piece::literal(record.local_header()))?;
                        match body {
                            Body::Empty => Ok(()),
                            Body::Target(target) => sink(Piece::literal(target.as_bytes())),
                            Body::Content(id) if record.method == Method::Deflated => sink(Piece::Deflated(id)),
                            Body::Content(id) => sink(Piece::Content(id)),
                        }
                    })
                }),
                plain(move |sink| archive.directory(sink)),
            ],
        })
    }

    fn recognises(&self, head: &[u8], name: &str) -> bool {
        // An empty archive is just the end record; a self-extractor begins with its program.
        head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") || name.ends_with(".zip")
    }

    fn read(&self, artifact: &mut dyn Artifact, name: &str) -> Result<Listing, Diagnostic> {
        read::read(artifact, name)
    }
}

fn plain<'p>(pieces: impl Fn(super::Sink<'_, 'p>) -> io::Result<()> + Send + Sync + 'p) -> Section<'p> {
    Section::Stream { compression: Compression::None, measure: Measure::default(), pieces: Box::new(pieces) }
}

/// Go's name without the slash: `armv7`.
fn arch(plan: &Plan) -> String {
    plan.target.arch.go().replace('/', "")
}

/// The folder that everything lies in: `hello-1.4.0-linux-amd64`.
fn root(plan: &Plan) -> String {
    let Plan { identity, target, .. } = plan;
    format!("{}-{}-{}-{}", *identity.name, *identity.version, target.os, arch(plan))
}

/// What follows a local header.
enum Body<'p> {
    Empty,
    Target(&'p str),
    Content(SourceId),
}

/// What both passes over the entries need: the local headers, and later the central directory.
struct Archive<'p> {
    plan: &'p Plan,
    digests: &'p Digests,
    root: String,
    stamp: Stamp,
    deflate: bool,
    /// Content of those files that have further names: these become copies.
    first_names: BTreeMap<&'p str, &'p Source>,
}

impl<'p> Archive<'p> {
    fn new(plan: &'p Plan, digests: &'p Digests) -> Self {
        let mut first_names: BTreeMap<&str, &Source> = BTreeMap::new();
        let targets: std::collections::BTreeSet<&str> = plan
            .entries_for("zip")
            .filter_map(|e| if let Kind::Hardlink { target } = &e.kind { Some(&**target) } else { None })
            .collect();
        for entry in plan.entries_for("zip") {
            if let Kind::File(source) = &entry.kind
                && targets.contains(&*entry.path)
            {
                first_names.insert(&entry.path, source);
            }
        }
        Self {
            plan,
            digests,
            root: root(plan),
            stamp: Stamp::new(plan.clock),
            deflate: plan.zip.compression.value != Compression::None,
            first_names,
        }
    }

    /// Calls `visit` with each entry in order, the same ones each time.
    fn each(&self, visit: &mut dyn FnMut(&Record<'_>, Body<'p>) -> io::Result<()>) -> io::Result<()> {
        let mut name = format!("{}/", self.root);
        let bare = name.len() - 1;
        visit(&self.record(&name, 0o040_755), Body::Empty)?;
        for entry in self.plan.entries_for("zip").filter(|e| e.role != Role::Ghost) {
            name.truncate(bare);
            name.push_str(&entry.path);
            self.entry(entry, &mut name, visit)?;
        }
        Ok(())
    }

    fn entry(
        &self,
        entry: &'p Entry,
        name: &mut String,
        visit: &mut dyn FnMut(&Record<'_>, Body<'p>) -> io::Result<()>,
    ) -> io::Result<()> {
        let source = match &entry.kind {
            Kind::Directory { .. } => {
                name.push('/');
                return visit(&self.record(name, 0o040_000 | entry.mode), Body::Empty);
            }
            Kind::Symlink { target } => {
                let size = target.len() as u64;
                let crc32 = crc32fast::hash(target.as_bytes());
                let record = Record { size, packed: size, crc32, ..self.record(name, 0o120_777) };
                return visit(&record, Body::Target(target));
            }
            Kind::File(source) => source,
            Kind::Hardlink { target } => self
                .first_names
                .get(&**target)
                .ok_or_else(|| io::Error::other(format!("the hard link `{}` has no first name", entry.path)))?,
        };
        let digest = &self.digests[source.id];
        let smaller = self.deflate && digest.deflated > 0 && digest.deflated < digest.size;
        let record = Record {
            method: if smaller { Method::Deflated } else { Method::Stored },
            crc32: digest.crc32,
            packed: if smaller { digest.deflated } else { digest.size },
            size: digest.size,
            ..self.record(name, 0o100_000 | entry.mode)
        };
        visit(&record, Body::Content(source.id))
    }

    /// An entry without content.
    fn record<'n>(&self, name: &'n str, mode: u32) -> Record<'n> {
        Record { name, mode, method: Method::Stored, crc32: 0, packed: 0, size: 0, stamp: self.stamp }
    }

    fn directory(&self, sink: super::Sink<'_, 'p>) -> io::Result<()> {
        let (mut offset, mut size, mut count) = (0, 0, 0);
        self.each(&mut |record, _| {
            let header = record.central_header(offset);
            offset += record.span();
            size += header.len() as u64;
            count += 1;
            sink(Piece::literal(header))
        })?;
        sink(Piece::literal(records::end(count, size, offset)))
    }
}
