//! Which small contents are compressed together, and what is known of each such group for all streams.
//!
//! Enters: contents in the order of a stream. Leaves: where a group ends, which depends on the contents alone, so that streams with the
//! same contents in a row have the same groups, and the [`Sequence`]s of a group. They are searched for once: ahead of the streams and by
//! all threads where nothing that this build asks for was kept, else by the first stream that has the group.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;

use super::EngineError;
use super::scratch::{Extent, Scratch};
use super::store::Store;
use crate::assemble::plan::{Compression, SourceId};
use crate::codec::deflate::{RUN, Sequence, Text, Weaver};
use crate::codec::tar;
use crate::formats::{Layout, Piece, Pieces, Section};

/// Groups end at the next break (another folder) once they have this size, in bytes. Shorter ones cost size, longer ones are dirtied by
/// more changes; what was measured stands in benches/README.md.
const BREAK_FROM: usize = 48 * 1024;
/// In a folder of many files they are not cut below this size,
const CUT_FROM: usize = 96 * 1024;
/// and then behind one content of so many: where the content itself says so,
const CUT_EVERY: u32 = 4;
/// or at this size as tar has it, should none say so: a group is never longer than a run.
const CUT_AT: usize = RUN / 2;
/// What stands between two contents at least, about as cpio has it.
const BETWEEN: usize = 128;
/// What tar has them begin at, and the least that it puts between them.
#[allow(clippy::cast_possible_truncation, reason = "it is 512")]
const BLOCK: usize = tar::BLOCK as usize;

/// Says where groups end.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cuts {
    /// Bytes of the contents, and of the least that stands between them: what a stream really puts there does not count, so all cut alike.
    size: usize,
    /// The same as tar has it.
    of_tar: usize,
}

impl Cuts {
    /// Adds a content; whether the group ends behind it, which its own bytes say: what follows a changed file soon is the same group as
    /// before.
    pub fn add(&mut self, size: usize, crc32: u32) -> bool {
        self.size += size + BETWEEN;
        self.of_tar += size.next_multiple_of(BLOCK) + BLOCK;
        self.size >= CUT_FROM && crc32.is_multiple_of(CUT_EVERY) || self.of_tar >= CUT_AT
    }

    /// Whether what waits ends where what follows is less like it than its neighbours are. Literals alone are no group: of them there
    /// are so many bytes.
    pub fn end_at_break(self, literals: usize) -> bool {
        self.size >= BREAK_FROM || self.size == 0 && literals >= BREAK_FROM
    }
}

/// A level, and the contents of a group.
type Group = (u8, Vec<SourceId>);

/// The sequences of groups, in the scratch file.
#[derive(Default)]
pub(super) struct Groups {
    kept: Mutex<BTreeMap<Group, Arc<Mutex<Option<Extent>>>>>,
}

impl Groups {
    /// The sequences of a group, made by `make` if nobody did.
    ///
    /// # Errors
    /// When the scratch file cannot be written or read.
    pub fn sequences(
        &self,
        scratch: &Scratch,
        group: Group,
        make: impl FnOnce() -> Vec<Sequence>,
    ) -> io::Result<Vec<Sequence>> {
        let kept = {
            let mut all = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(all.entry(group).or_default())
        };
        // Who comes second waits: to make them takes longer.
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(extent) = *kept {
            let mut bytes = Vec::new();
            scratch.append_to(extent, &mut bytes)?;
            let (all, _) = bytes.as_chunks();
            return Ok(all.iter().map(|bytes| Sequence::from_bytes(*bytes)).collect());
        }
        let sequences = make();
        let bytes: Vec<u8> = sequences.iter().flat_map(|sequence| sequence.to_bytes()).collect();
        *kept = Some(scratch.append(&bytes)?);
        Ok(sequences)
    }
}

/// Lays the contents of a group into a text.
pub(super) fn gather(contents: &[SourceId], store: &Store<'_>, text: &mut Text) -> io::Result<()> {
    text.clear();
    for id in contents.iter().copied() {
        let (size, _) = store.size_and_crc(id);
        let mut room = text.add(usize::try_from(size).unwrap_or(RUN), 0);
        store.raw(id, |more| {
            let (now, later) = std::mem::take(&mut room).split_at_mut(more.len());
            now.copy_from_slice(more);
            room = later;
            Ok(())
        })?;
    }
    Ok(())
}

/// Makes the sequences of all groups of the first artifact that has any which others may have, too, if nothing was kept. What only others
/// have is left to them.
///
/// # Errors
/// When content cannot be read again or has changed, or the scratch file cannot be written.
pub fn parse_ahead(layouts: &[&Layout<'_>], store: &Store<'_>, folder: &Path) -> Result<(), EngineError> {
    if !store.is_new() {
        return Ok(());
    }
    let failed = |error| EngineError::from_io(error, folder);
    for layout in layouts {
        let mut all = Vec::new();
        for section in &layout.sections {
            if let Section::Stream { compression: Compression::Gzip(level), pieces, .. } = section
                && store.has_groups(*level)
            {
                all.extend(groups(pieces, *level, store).map_err(failed)?);
            }
        }
        if !all.is_empty() {
            return parse(all, store).map_err(failed);
        }
    }
    Ok(())
}

fn parse(groups: Vec<Group>, store: &Store<'_>) -> io::Result<()> {
    let none = || (Text::default(), BTreeMap::new());
    groups.into_par_iter().try_for_each_init(none, |(text, weavers), (level, contents)| {
        gather(&contents, store, text)?;
        let weaver = weavers.entry(level).or_insert_with(|| Weaver::new(level, false));
        store.sequences(level, contents, || weaver.parse(text)).map(drop)
    })
}

/// The groups of a stream, in order.
fn groups(pieces: &Pieces<'_>, level: u8, store: &Store<'_>) -> io::Result<Vec<Group>> {
    let (mut groups, mut group, mut cuts) = (Vec::new(), Vec::new(), Cuts::default());
    pieces(&mut |piece| {
        let ends = match piece {
            Piece::Content(id) => match Part::of(id, level, store) {
                Part::Empty => false,
                Part::Small { size, crc32 } => {
                    group.push(id);
                    cuts.add(size, crc32)
                }
                Part::Spliced | Part::Large => true,
            },
            Piece::Break => cuts.end_at_break(0),
            _ => false,
        };
        if ends && !group.is_empty() {
            groups.push((level, std::mem::take(&mut group)));
            cuts = Cuts::default();
        }
        Ok(())
    })?;
    groups.extend((!group.is_empty()).then_some((level, group)));
    Ok(groups)
}

/// What a content is to a stream.
pub(super) enum Part {
    /// Nothing: rpm does not even have it.
    Empty,
    /// It belongs to a group.
    Small { size: usize, crc32: u32 },
    /// It was compressed by itself.
    Spliced,
    /// It was not, although it is too large for a group.
    Large,
}

impl Part {
    /// In a stream of this level.
    pub fn of(id: SourceId, level: u8, store: &Store<'_>) -> Self {
        let (size, crc32) = store.size_and_crc(id);
        match usize::try_from(size) {
            Ok(0) => Self::Empty,
            _ if store.is_spliced(id, level) => Self::Spliced,
            Ok(size) if size <= RUN => Self::Small { size, crc32 },
            _ => Self::Large,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assemble::plan::Sources;
    use crate::engine::emit::emit;
    use crate::engine::store::Wants;
    use crate::formats::Measure;
    use crate::listener::Silent;

    /// As tar has it, or as cpio: other headers, and empty contents do not come.
    fn layout(list: Vec<(SourceId, usize)>, is_tar: bool) -> Layout<'static> {
        let pieces: Pieces<'static> = Box::new(move |sink| {
            for (number, (id, size)) in list.iter().copied().enumerate() {
                if number % 50 == 49 {
                    sink(Piece::Break)?;
                }
                let header = format!("./usr/share/app/{number} {size:011o}").into_bytes();
                let padding = vec![0; if is_tar { 512 } else { 110 }];
                sink(Piece::literal([header, padding].concat()))?;
                if is_tar || size > 0 {
                    sink(Piece::Content(id))?;
                }
            }
            Ok(())
        });
        // As the control files of a deb: a stream that has no group.
        let control: Pieces<'static> = Box::new(|sink| sink(Piece::literal(b"control".to_vec())));
        let stream =
            |pieces| Section::Stream { compression: Compression::Gzip(6), measure: Measure::default(), pieces };
        Layout { file_name: "out".into(), sections: vec![stream(control), stream(pieces)] }
    }

    fn contents(count: usize) -> Vec<Vec<u8>> {
        let line = |number: usize| format!("{} is {}\n", number % 97, number.wrapping_mul(2_654_435_761) >> 7 & 0xfff);
        (0..count).map(|n| (0..n * n % 300).map(|at| line(n + at * at)).collect::<String>().into_bytes()).collect()
    }

    fn store<'s>(sources: &'s Sources, streams: usize, folder: &Path) -> Store<'s> {
        let wants = Wants { levels: [(6, streams)].into(), verify: true, ..Wants::default() };
        Store::fill(sources.list(), &wants, folder, None, &Silent).unwrap().0
    }

    #[test]
    fn groups_are_searched_once_for_all_streams_and_change_no_byte() {
        let folder = tempfile::tempdir().unwrap();
        let mut sources = Sources::default();
        let list: Vec<(SourceId, usize)> =
            contents(400).into_iter().map(|content| (sources.made(content.clone()).id, content.len())).collect();
        let (tar, cpio) = (layout(list.clone(), true), layout(list, false));
        let emitted =
            |store: &Store<'_>| [&tar, &cpio].map(|layout| emit(layout, store, folder.path(), 1).unwrap().sha256);
        let alone = emitted(&store(&sources, 1, folder.path()));
        let late = store(&sources, 2, folder.path());
        assert_eq!(emitted(&late), alone);
        let ahead = store(&sources, 2, folder.path());
        parse_ahead(&[&tar, &cpio], &ahead, folder.path()).unwrap();
        let count = |store: &Store<'_>| store.groups.kept.lock().unwrap().len();
        let found = count(&ahead);
        assert!(found > 5, "{found} groups");
        assert_eq!(emitted(&ahead), alone);
        assert_eq!((count(&ahead), count(&late)), (found, found), "a stream had a group of its own");
    }

    #[test]
    fn a_group_ends_even_if_no_content_says_so() {
        let folder = tempfile::tempdir().unwrap();
        // Not one of those that a group ends behind.
        let content = (0u8..).map(|n| vec![n; 1000]).find(|c| !crc32fast::hash(c).is_multiple_of(CUT_EVERY)).unwrap();
        let mut sources = Sources::default();
        let id = sources.made(content).id;
        let store = store(&sources, 2, folder.path());
        let pieces: Pieces<'_> = Box::new(move |sink| (0..3000).try_for_each(|_| sink(Piece::Content(id))));
        let groups = groups(&pieces, 6, &store).unwrap();
        assert!(groups.len() > 5 && groups.iter().all(|(_, group)| group.len() * 1000 < CUT_AT), "{}", groups.len());
        assert_eq!(groups.iter().map(|(_, group)| group.len()).sum::<usize>(), 3000);
    }
}
