//! In which order entries stand in an archive that is one stream: what tar and cpio share.
//!
//! Enters: entries in path order. Leaves: the same; in a gzip stream large files and hard links to them stand apart, each part in path
//! order. Large files are spliced, which ends the run of what is compressed together before them; apart they end none. zstd and xz see the
//! whole stream and do better with neighbours of one folder.

use std::collections::BTreeSet;

use crate::assemble::plan::{Compression, Entry, Kind};

/// Content of at least so many bytes is compressed by itself and spliced; smaller content is compressed together with its neighbours in
/// each stream. What that costs in size stands in benches/README.md.
pub const SPLICED_FROM: u64 = 16 * 1024;

/// Where large files stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Large {
    /// Behind all others: dpkg and rpm want a directory before what is in it.
    Last,
    /// Before all others. tar makes the directories above them, and gives each its mode and time when its own entry came and all that is
    /// in it: a large file that came later would find a directory without write permission closed, and change the time of any.
    First,
}

/// See the module. Knows which entries stand apart.
#[derive(Debug)]
pub struct Sequence<'p> {
    /// None where none does.
    large: Option<Large>,
    /// Large files that have hard links.
    linked: BTreeSet<&'p str>,
}

impl<'p> Sequence<'p> {
    /// `entries` are all to which a hard link can lead.
    pub fn of(compression: Compression, large: Large, entries: impl Iterator<Item = &'p Entry> + Clone) -> Self {
        let large = matches!(compression, Compression::Gzip(_)).then_some(large);
        let links = entries.clone().filter(|_| large.is_some());
        let targets: BTreeSet<&str> = links
            .filter_map(|entry| if let Kind::Hardlink { target } = &entry.kind { Some(&**target) } else { None })
            .collect();
        let files = entries.filter(|_| !targets.is_empty());
        let linked = files.filter(|entry| is_large(entry) && targets.contains(&*entry.path)).map(|entry| &*entry.path);
        Self { large, linked: linked.collect() }
    }

    /// What to sort entries by that are in path order, for that of the stream; the sorting must be stable.
    pub fn key(&self, entry: &Entry) -> bool {
        let is_large = match &entry.kind {
            Kind::Hardlink { target } => self.linked.contains(&**target),
            _ => is_large(entry),
        };
        match self.large {
            None => false,
            Some(Large::Last) => is_large,
            Some(Large::First) => !is_large,
        }
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
