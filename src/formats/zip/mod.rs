//! Plan -> zip, and back.
//!
//! Enters: the Plan and the digests of its content. Leaves: a [`Layout`] of local headers with their content and the
//! central directory. Unix modes and symlinks stand in the external attributes, as Info-ZIP has them; owners, hard links,
//! capabilities and scripts cannot be carried. How records look as bytes is in [`crate::codec::zip`].

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;

use super::tarball::{self, naming};
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
        let (folder, mut findings) = match naming::folder(plan) {
            Ok(folder) => (folder, Vec::new()),
            Err(findings) => (String::new(), findings),
        };
        let compression = &plan.zip.compression;
        if !matches!(compression.value, Compression::None | Compression::Gzip(_)) {
            let message = "a zip takes no other compression than deflate";
            let finding = Diagnostic::error(codes::ZIP_COMPRESSION, message).at_origin(&compression.origin, "");
            findings.push(finding.help("set `deflate:6` or `none`"));
        }
        findings.extend(too_long(&folder, plan.entries_for("zip")));
        if !findings.is_empty() {
            return Err(findings);
        }
        let (arch, version) = (naming::arch(&plan.target), plan.identity.version.text.clone());
        Ok(FileName { name: format!("{folder}.zip"), arch, version })
    }

    fn layout<'p>(&self, plan: &'p Plan, digests: &'p Digests) -> Result<Layout<'p>, Findings> {
        let file_name = self.file_name(plan)?.name;
        let folder = Folder {
            name: naming::folder(plan)?,
            clock: plan.clock,
            deflate: plan.zip.compression.value != Compression::None,
            scripts: tarball::scripts(plan)?,
        };
        archive(file_name, folder, digests, move || plan.entries_for("zip"))
    }

    fn recognises(&self, head: &[u8], name: &str) -> bool {
        // An empty archive is just the end record; a self-extractor begins with its program.
        let named = name.len() > 4 && name.as_bytes()[name.len() - 4..].eq_ignore_ascii_case(b".zip");
        head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") || named
    }

    fn read(&self, artifact: &mut dyn Artifact, name: &str) -> Result<Listing, Diagnostic> {
        read::read(artifact, name)
    }
}

fn plain<'p>(pieces: impl Fn(super::Sink<'_, 'p>) -> io::Result<()> + Send + Sync + 'p) -> Section<'p> {
    Section::Stream { compression: Compression::None, measure: Measure::default(), pieces: Box::new(pieces) }
}

/// What stands around the entries.
#[derive(Debug, Clone)]
pub struct Folder {
    /// The folder that everything lies in: `hello-1.4.0-linux-amd64`.
    pub name: String,
    /// Seconds since 1970, of all entries.
    pub clock: i64,
    /// Deflate content where that makes it smaller.
    pub deflate: bool,
    /// Executable files of the folder itself, before the entries: name and text.
    pub scripts: Vec<(&'static str, String)>,
}

/// An archive of entries under one folder; also what a source archive is made with.
///
/// # Errors
/// When a path is longer than zip can carry.
pub fn archive<'p, I: Iterator<Item = &'p Entry> + 'p>(
    file_name: String,
    folder: Folder,
    digests: &'p Digests,
    entries: impl Fn() -> I + Send + Sync + 'p,
) -> Result<Layout<'p>, Findings> {
    let findings = too_long(&folder.name, entries());
    if !findings.is_empty() {
        return Err(findings);
    }
    let first = Arc::new(Archive::new(folder, digests, entries));
    let second = Arc::clone(&first);
    let local = plain(move |sink| {
        first.each(&mut |record, body| {
            sink(Piece::literal(record.local_header()))?;
            match body {
                Body::Empty => Ok(()),
                Body::Target(target) => sink(Piece::literal(target.as_bytes())),
                Body::Script(text) => sink(Piece::literal(text.as_bytes().to_vec())),
                Body::Content(id) if record.method == Method::Deflated => sink(Piece::Deflated(id)),
                Body::Content(id) => sink(Piece::Content(id)),
            }
        })
    });
    let central = plain(move |sink| second.directory(sink));
    Ok(Layout { file_name, sections: vec![local, central] })
}

/// Paths that do not fit the 16 bits of a name's length.
fn too_long<'p>(folder: &str, entries: impl Iterator<Item = &'p Entry>) -> Findings {
    let over = |entry: &&Entry| folder.len() + entry.path.len() + 1 > LONGEST_NAME;
    let finding = |entry: &Entry| {
        let message = format!("a path of {} bytes is longer than zip can carry", entry.path.len());
        let finding = Diagnostic::error(codes::ZIP_PATH, message).at_origin(&entry.origin, "");
        finding.path(&*entry.path).help("shorten the path")
    };
    entries.filter(over).map(finding).collect()
}

/// What follows a local header.
enum Body<'a, 'p> {
    Empty,
    Target(&'p str),
    Script(&'a str),
    Content(SourceId),
}

/// What both passes over the entries need: the local headers, and later the central directory.
struct Archive<'p, F> {
    folder: Folder,
    digests: &'p Digests,
    entries: F,
    stamp: Stamp,
    /// Content of those files that have further names: these become copies.
    first_names: BTreeMap<&'p str, &'p Source>,
}

/// Takes each entry's record with what follows it.
type Visit<'v, 'p> = &'v mut dyn FnMut(&Record<'_>, Body<'_, 'p>) -> io::Result<()>;

impl<'p, I: Iterator<Item = &'p Entry> + 'p, F: Fn() -> I> Archive<'p, F> {
    fn new(folder: Folder, digests: &'p Digests, entries: F) -> Self {
        let link = |e: &'p Entry| if let Kind::Hardlink { target } = &e.kind { Some(&**target) } else { None };
        let targets: BTreeSet<&str> = entries().filter_map(link).collect();
        let first = |e: &'p Entry| match &e.kind {
            Kind::File(source) if targets.contains(&*e.path) => Some((&*e.path, source)),
            _ => None,
        };
        let first_names = entries().filter_map(first).collect();
        let stamp = Stamp::new(folder.clock);
        Self { folder, digests, entries, stamp, first_names }
    }

    /// Calls `visit` with each entry in order, the same ones each time.
    fn each(&self, visit: Visit<'_, 'p>) -> io::Result<()> {
        let mut name = format!("{}/", self.folder.name);
        let bare = name.len() - 1;
        visit(&self.record(&name, 0o040_755), Body::Empty)?;
        for (script, text) in &self.folder.scripts {
            let size = text.len() as u64;
            let crc32 = crc32fast::hash(text.as_bytes());
            let path = format!("{name}{script}");
            visit(&Record { size, packed: size, crc32, ..self.record(&path, 0o100_755) }, Body::Script(text))?;
        }
        for entry in (self.entries)().filter(|e| e.role != Role::Ghost) {
            name.truncate(bare);
            name.push_str(&entry.path);
            self.entry(entry, &mut name, visit)?;
        }
        Ok(())
    }

    fn entry(&self, entry: &'p Entry, name: &mut String, visit: Visit<'_, 'p>) -> io::Result<()> {
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
        let smaller = self.folder.deflate && digest.deflated > 0 && digest.deflated < digest.size;
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
