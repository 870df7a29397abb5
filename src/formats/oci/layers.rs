//! Which files share an image layer, and a layer as a tar stream.
//!
//! Enters: the Plan. Leaves: up to four layers, from what changes seldom to what changes often, so that a change of
//! application code alters one small layer. A layer holds the entries of its group and the directories above them, with
//! the same metadata in each. Compression and digests are the engine's.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use crate::assemble::plan::{Churn, Entry, Kind, Plan, Role, SourceId};
use crate::codec::tar::{self, Member, Type};
use crate::formats::sequence::{Folders, Large, Sequence};
use crate::formats::{Digests, Piece, Sink};
use crate::resolve::capabilities;

/// One layer: entries of the plan, in the order of the stream.
pub(super) struct Layer<'p> {
    pub churn: Churn,
    plan: &'p Plan,
    members: Vec<&'p Entry>,
}

/// Groups the entries of the image; groups without any are left out.
pub(super) fn of(plan: &Plan) -> Vec<Layer<'_>> {
    let entries: Vec<&Entry> = plan.entries_for("oci").filter(|e| e.role != Role::Ghost).collect();
    let mut directories: BTreeMap<&str, usize> = BTreeMap::new();
    let mut parents: BTreeSet<&str> = BTreeSet::new();
    for (index, entry) in entries.iter().enumerate() {
        if matches!(entry.kind, Kind::Directory { .. }) {
            directories.insert(&entry.path, index);
        }
        parents.extend(parent(&entry.path));
    }
    let mut groups: BTreeMap<Churn, BTreeSet<usize>> = BTreeMap::new();
    for (index, entry) in entries.iter().enumerate() {
        // A directory with something in it goes where that goes; an empty one is an entry like any other.
        if directories.contains_key(&*entry.path) && (parents.contains(&*entry.path) || left_to_base(plan, entry)) {
            continue;
        }
        let group = groups.entry(entry.churn).or_default();
        group.insert(index);
        let mut above = parent(&entry.path);
        while let Some(path) = above {
            if let Some(directory) = directories.get(path)
                && !left_to_base(plan, entries[*directory])
                && !group.insert(*directory)
            {
                break;
            }
            above = parent(path);
        }
    }
    let sequence = Sequence::of(*plan.image.compression, Large::Last, entries.iter().copied());
    let layer = |(churn, members): (Churn, BTreeSet<usize>)| {
        let mut members: Vec<&Entry> = members.into_iter().map(|index| entries[index]).collect();
        members.sort_by_key(|entry| sequence.key(entry));
        Layer { churn, plan, members }
    };
    groups.into_iter().map(layer).collect()
}

/// Directories of the base system stay as the base has them: an entry would reset `/tmp`'s mode, and make a directory of
/// a `/lib` that is a symlink to `usr/lib`. Where the base lacks one, engines make it 0755 root:root.
fn left_to_base(plan: &Plan, entry: &Entry) -> bool {
    plan.base.is_some() && matches!(entry.kind, Kind::Directory { shared: true })
}

/// Why an entry cannot stand in a layer, if it cannot.
pub(super) fn refusal(plan: &Plan, entry: &Entry) -> Option<tar::Error> {
    let linked;
    let kind = match &entry.kind {
        Kind::Directory { .. } => Type::Directory,
        Kind::File(source) => Type::File(source.size),
        Kind::Symlink { target } => Type::Symlink(target),
        Kind::Hardlink { target } => {
            linked = format!(".{target}");
            Type::Hardlink(&linked)
        }
    };
    said(plan, entry, kind, tar::length).err()
}

/// The blocks before an entry's content.
fn header(plan: &Plan, entry: &Entry, kind: Type<'_>) -> Result<Vec<u8>, tar::Error> {
    said(plan, entry, kind, tar::header)
}

/// What is made of an entry's member. Names begin with `./` as in a deb, so that what is compressed for one serves both.
fn said<T>(
    plan: &Plan,
    entry: &Entry,
    kind: Type<'_>,
    make: impl FnOnce(&Member<'_>) -> Result<T, tar::Error>,
) -> Result<T, tar::Error> {
    let (owner, path) = (&entry.owner, format!(".{}", entry.path));
    make(&Member {
        path: &path,
        kind,
        mode: entry.mode,
        uid: owner.uid,
        gid: owner.gid,
        user: &owner.user,
        group: &owner.group,
        mtime: plan.clock,
    })
}

fn parent(path: &str) -> Option<&str> {
    path.rsplit_once('/').map(|(above, _)| above).filter(|above| !above.is_empty())
}

impl<'p> Layer<'p> {
    /// Whether both are the same bytes: layers without machine code are shared by the images of all architectures.
    pub fn same_as(&self, other: &Self) -> bool {
        let same = |(a, b): (&&Entry, &&Entry)| {
            let kind = match (&a.kind, &b.kind) {
                (Kind::Directory { .. }, Kind::Directory { .. }) => true,
                (Kind::File(a), Kind::File(b)) => a.id == b.id,
                (Kind::Symlink { target: a }, Kind::Symlink { target: b })
                | (Kind::Hardlink { target: a }, Kind::Hardlink { target: b }) => a == b,
                _ => false,
            };
            kind && a.path == b.path && a.mode == b.mode && a.owner == b.owner && a.capabilities == b.capabilities
        };
        // A hard link to another layer takes its content from there.
        let links = |layer: &Self| layer.members.iter().any(|e| matches!(e.kind, Kind::Hardlink { .. }));
        self.plan.clock == other.plan.clock
            && self.plan.image.compression.value == other.plan.image.compression.value
            && self.members.len() == other.members.len()
            && !links(self)
            && self.members.iter().zip(&other.members).all(same)
    }

    /// The tar stream.
    pub fn pieces(&self, digests: &Digests, sink: Sink<'_, 'p>) -> io::Result<()> {
        let mut links = Links::new(self);
        let mut folders = Folders::default();
        for entry in &self.members {
            if folders.change(entry) {
                sink(Piece::Break)?;
            }
            let linked;
            let (kind, content) = match &entry.kind {
                Kind::Directory { .. } => (Type::Directory, None),
                Kind::Symlink { target } => (Type::Symlink(target), None),
                Kind::File(source) => (Type::File(digests[source.id].size), Some(source.id)),
                Kind::Hardlink { target } => match links.resolve(entry, target)? {
                    Link::To(first) => {
                        linked = format!(".{first}");
                        (Type::Hardlink(&linked), None)
                    }
                    Link::Copy(id) => (Type::File(digests[id].size), Some(id)),
                },
            };
            if let Some(text) = &entry.capabilities {
                let value = capabilities::encode(text).map_err(io::Error::other)?;
                let header = tar::pax::xattr("security.capability", &value).map_err(io::Error::other)?;
                sink(Piece::literal(header))?;
            }
            sink(Piece::literal(header(self.plan, entry, kind).map_err(io::Error::other)?))?;
            if let Some(id) = content {
                sink(Piece::Content(id))?;
                sink(Piece::literal(tar::padding(digests[id].size)))?;
            }
        }
        sink(Piece::literal(tar::END))
    }
}

/// What a hard link becomes in a layer: a link cannot lead from one layer to another.
enum Link<'p> {
    To(&'p str),
    Copy(SourceId),
}

/// The first names that hard links of a layer lead to.
struct Links<'p> {
    /// First names: their content, and the name that stands for them in this layer.
    names: BTreeMap<&'p str, (SourceId, Option<&'p str>)>,
}

impl<'p> Links<'p> {
    fn new(layer: &Layer<'p>) -> Self {
        let mut names = BTreeMap::new();
        let targets: BTreeSet<&str> = layer
            .members
            .iter()
            .filter_map(|e| if let Kind::Hardlink { target } = &e.kind { Some(&**target) } else { None })
            .collect();
        if targets.is_empty() {
            return Self { names };
        }
        for entry in layer.plan.entries_for("oci") {
            if let Kind::File(source) = &entry.kind
                && targets.contains(&*entry.path)
            {
                let here = (entry.churn == layer.churn).then_some(&*entry.path);
                names.insert(&*entry.path, (source.id, here));
            }
        }
        Self { names }
    }

    fn resolve(&mut self, entry: &'p Entry, target: &str) -> io::Result<Link<'p>> {
        let Some((id, here)) = self.names.get_mut(target) else {
            return Err(io::Error::other(format!("the hard link `{}` has no first name", entry.path)));
        };
        if let Some(first) = here {
            return Ok(Link::To(first));
        }
        *here = Some(&entry.path);
        Ok(Link::Copy(*id))
    }
}
