//! In which order entries stand in an archive that is one stream: what tar and cpio share.
//!
//! Enters: entries in path order. Leaves: the same; in a gzip stream large files stand behind all others, each part in path order. There
//! they are spliced, which ends the run of what is compressed together before them; behind all others they end none. Directories come
//! before what is in them and files before their hard links, as before: neither dpkg, rpm, tar nor image engines ask for more. zstd and xz
//! see the whole stream and do better with neighbours of one folder.

use std::collections::BTreeSet;

use crate::assemble::plan::{Compression, Entry, Kind};

/// Content of at least so many bytes is compressed by itself and spliced; smaller content is compressed together with its neighbours in
/// each stream. What that costs in size stands in benches/README.md.
pub const SPLICED_FROM: u64 = 16 * 1024;

/// See the module. Knows which entries stand last.
#[derive(Debug)]
pub struct Sequence<'p> {
    is_spliced: bool,
    /// Large files that have hard links.
    linked: BTreeSet<&'p str>,
}

impl<'p> Sequence<'p> {
    /// `entries` are all to which a hard link can lead.
    pub fn of(compression: Compression, entries: impl Iterator<Item = &'p Entry> + Clone) -> Self {
        let is_spliced = matches!(compression, Compression::Gzip(_));
        let links = entries.clone().filter(|_| is_spliced);
        let targets: BTreeSet<&str> = links
            .filter_map(|entry| if let Kind::Hardlink { target } = &entry.kind { Some(&**target) } else { None })
            .collect();
        let files = entries.filter(|_| !targets.is_empty());
        let linked = files.filter(|entry| is_large(entry) && targets.contains(&*entry.path)).map(|entry| &*entry.path);
        Self { is_spliced, linked: linked.collect() }
    }

    /// Whether an entry stands behind those that do not.
    pub fn is_last(&self, entry: &Entry) -> bool {
        self.is_spliced
            && match &entry.kind {
                Kind::Hardlink { target } => self.linked.contains(&**target),
                _ => is_large(entry),
            }
    }

    /// Puts entries that are in path order into that of the stream.
    pub fn sort(&self, entries: &mut [&'p Entry]) {
        entries.sort_by_key(|entry| self.is_last(entry));
    }
}

/// Tells where a stream comes to another folder.
#[derive(Debug, Default)]
pub struct Folders<'p>(Option<&'p str>);

impl<'p> Folders<'p> {
    /// Whether the entry lies in another folder than the one before it.
    pub fn change(&mut self, entry: &'p Entry) -> bool {
        let folder = entry.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        self.0.replace(folder).is_some_and(|before| before != folder)
    }
}

fn is_large(entry: &Entry) -> bool {
    matches!(&entry.kind, Kind::File(source) if source.size >= SPLICED_FROM)
}
