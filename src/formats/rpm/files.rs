//! The files of a package: their tags in the header, and the cpio archive of the payload.
//!
//! Enters: the entries of a Plan and the digests of their content. Leaves: tags, and the pieces of an archive that is
//! produced lazily. Directories of the base system are left out: to own `/usr/bin` would conflict with the distribution's
//! own package of it. Not here: compressing the archive.
//!
//! Source: rpm's manual, "Payload", "Tags: File"; for the order of hard links rpm's `lib/rpmfi.c`: the names of one inode
//! follow each other, and the last of them brings the content.

use std::collections::BTreeMap;

use ::rpm::{FileFlags, FileVerifyFlags, IndexTag};

use super::classes;
use super::header::Writer;
use super::needs::FileTraits;
use crate::assemble::plan::{Entry, Kind, Plan, Role, SourceId};
use crate::codec::cpio;
use crate::codec::hex::hex;
use crate::diagnostic::codes::RPM_ENTRY;
use crate::diagnostic::{Diagnostic, Findings};
use crate::formats::sequence::{Folders, Large, Sequence};
use crate::formats::{Digests, Piece, Sink};

/// Algorithm 8 of OpenPGP: SHA-256.
const SHA256: u32 = 8;

/// The files of one package, in path order.
#[derive(Debug)]
pub struct Files<'p> {
    list: Vec<File<'p>>,
    dirnames: Vec<&'p str>,
    /// Indexes of `list` in the order of the payload.
    payload: Vec<u32>,
    stripped: bool,
    mtime: u32,
    digests: &'p Digests,
}

/// One of them.
#[derive(Debug)]
pub(super) struct File<'p> {
    /// As the plan has it.
    pub(super) entry: &'p Entry,
    dirname: u32,
    basename: &'p str,
    inode: u32,
    links: u32,
    /// Bytes of the file, of a link's target.
    pub(super) size: u64,
    /// Content of a regular file that is no ghost.
    content: Option<SourceId>,
    /// Whether the content follows this member: of several names only the last has it.
    carries: bool,
}

/// The first name of an inode and all others, as indexes of the list.
type Groups<'p> = BTreeMap<&'p str, Vec<usize>>;

impl<'p> Files<'p> {
    /// Lists the files of the rpm of a plan. `stripped` asks for payload headers that hold only an index, which
    /// files of 4 GiB get anyway.
    ///
    /// # Errors
    /// A hard link whose first name is not in the package; sizes and counts that the format has no room for.
    pub fn of(plan: &'p Plan, digests: &'p Digests, mtime: u32, stripped: bool) -> Result<Self, Findings> {
        let mut groups: Groups<'p> = BTreeMap::new();
        for entry in plan.entries_for("rpm") {
            if let Kind::Hardlink { target } = &entry.kind {
                groups.entry(target).or_default();
            }
        }
        let mut files = Self { list: Vec::new(), dirnames: Vec::new(), payload: Vec::new(), stripped, mtime, digests };
        let mut findings = Findings::new();
        let mut dirnames = BTreeMap::new();
        for entry in plan.entries_for("rpm").filter(|e| !matches!(e.kind, Kind::Directory { shared: true })) {
            match files.file(entry, &mut groups, &mut dirnames) {
                Ok(file) => files.list.push(file),
                Err(why) => findings.push(
                    Diagnostic::error(RPM_ENTRY, format!("rpm cannot carry `{}`: {why}", entry.path))
                        .at_origin(&entry.origin, "this rule")
                        .help("leave it out of the rpm with `when`"),
                ),
            }
        }
        files.stripped = files.traits().stripped;
        files.order(&groups, &Sequence::of(*plan.rpm.compression, Large::Last, plan.entries_for("rpm")));
        if findings.is_empty() { Ok(files) } else { Err(findings) }
    }

    fn file(
        &self,
        entry: &'p Entry,
        groups: &mut Groups<'p>,
        dirnames: &mut BTreeMap<&'p str, u32>,
    ) -> Result<File<'p>, &'static str> {
        let index = self.list.len();
        let slash = entry.path.rfind('/').ok_or("its path is not absolute")?;
        let (dirname, basename) = entry.path.split_at(slash + 1);
        if basename.is_empty() {
            return Err("its path has no name");
        }
        let next = u32::try_from(dirnames.len()).map_err(|_| "there are too many directories")?;
        let mut file = File {
            entry,
            dirname: *dirnames.entry(dirname).or_insert(next),
            basename,
            inode: u32::try_from(index + 1).map_err(|_| "there are too many files")?,
            links: 1,
            size: 0,
            content: None,
            carries: false,
        };
        match &entry.kind {
            Kind::Directory { .. } => {}
            Kind::Symlink { target } => file.size = target.len() as u64,
            // Whatever stands in a ghost's place, the package does not know it.
            Kind::File(_) | Kind::Hardlink { .. } if entry.role == Role::Ghost => {}
            Kind::File(source) => {
                file.content = Some(source.id);
                file.size = self.digests[source.id].size;
                if let Some(group) = groups.get_mut(&*entry.path) {
                    group.push(index);
                }
            }
            Kind::Hardlink { target } => {
                let group = groups.get_mut(&**target).filter(|g| !g.is_empty());
                let group = group.ok_or("the file that it is a hard link of is not in the package before it")?;
                let first = &self.list[group[0]];
                (file.inode, file.content, file.size) = (first.inode, first.content, first.size);
                group.push(index);
            }
        }
        Ok(file)
    }

    /// Fills in what is known only when all files are: names per inode, directories, the order of the payload.
    fn order(&mut self, groups: &Groups<'p>, sequence: &Sequence<'p>) {
        for file in &self.list {
            if file.dirname as usize == self.dirnames.len() {
                self.dirnames.push(&file.entry.path[..file.entry.path.len() - file.basename.len()]);
            }
        }
        for file in &mut self.list {
            file.carries = true;
        }
        let mut groups: Vec<&Vec<usize>> = groups.values().filter(|g| g.len() > 1).collect();
        groups.sort();
        for group in &groups {
            let links = u32::try_from(group.len()).unwrap_or(u32::MAX);
            for index in *group {
                self.list[*index].links = links;
                self.list[*index].carries = Some(index) == group.last();
            }
        }
        let single = (0u32..).zip(&self.list).filter(|(_, f)| f.links == 1 && f.entry.role != Role::Ghost);
        self.payload = single.map(|(index, _)| index).collect();
        self.payload.extend(groups.into_iter().flatten().filter_map(|index| u32::try_from(*index).ok()));
        self.payload.sort_by_key(|index| sequence.key(self.list[*index as usize].entry));
    }

    /// What is special about them.
    pub fn traits(&self) -> FileTraits {
        FileTraits {
            config: self.list.iter().any(|f| flags(f.entry).contains(FileFlags::CONFIG)),
            capabilities: self.list.iter().any(|f| f.entry.capabilities.is_some()),
            hardlinks: self.list.iter().any(|f| f.links > 1),
            stripped: self.stripped || self.list.iter().any(|f| f.size >= u64::from(u32::MAX)),
        }
    }

    /// Bytes that they take when installed; an inode counts once.
    pub fn installed_size(&self) -> u64 {
        self.list.iter().filter(|f| f.carries).map(|f| f.size).fold(0, u64::saturating_add)
    }

    /// Bytes of the archive.
    pub fn archive_size(&self) -> u64 {
        let mut size = cpio::trailer().len() as u64;
        for file in self.payload.iter().map(|i| &self.list[*i as usize]) {
            // `./path` and NUL after 110 bytes, or 14 bytes and an index.
            let header = if self.stripped { 14 } else { 110 + file.entry.path.len() as u64 + 2 };
            for part in [header, file.carried()] {
                size = size.saturating_add(part.next_multiple_of(4));
            }
        }
        size
    }

    /// Whether one of them lies under `prefix`.
    pub fn any_under(&self, prefix: &str) -> bool {
        let prefix = prefix.trim_end_matches('/');
        self.list.iter().any(|f| f.entry.path.strip_prefix(prefix).is_some_and(|p| p.is_empty() || p.starts_with('/')))
    }

    /// Hands over the archive piece by piece.
    ///
    /// # Errors
    /// Those of the sink.
    pub fn pieces(&self, sink: Sink<'_, 'p>) -> std::io::Result<()> {
        // The padding of one member and the header of the next are one piece.
        let mut pending = Vec::new();
        let mut folders = Folders::default();
        for index in &self.payload {
            let file = &self.list[*index as usize];
            if folders.change(file.entry) {
                sink(Piece::literal(std::mem::take(&mut pending)))?;
                sink(Piece::Break)?;
            }
            if self.stripped {
                pending.extend(cpio::stripped_header(*index));
            } else {
                let name = format!(".{}", file.entry.path);
                let member = cpio::Member {
                    name: name.as_bytes(),
                    inode: file.inode,
                    mode: u32::from(mode(file.entry)),
                    links: file.links,
                    mtime: self.mtime,
                    size: u32::try_from(file.carried()).map_err(std::io::Error::other)?,
                };
                pending.extend(member.header());
            }
            if let Kind::Symlink { target } = &file.entry.kind {
                pending.extend_from_slice(target.as_bytes());
            }
            if let Some(id) = file.content.filter(|_| file.carried() > 0) {
                sink(Piece::literal(std::mem::take(&mut pending)))?;
                sink(Piece::Content(id))?;
            }
            pending.extend_from_slice(cpio::padding(file.carried()));
        }
        pending.extend(cpio::trailer());
        sink(Piece::literal(pending))
    }

    /// Writes their tags; none if there are no files.
    pub fn write(&self, plan: &Plan, header: &mut Writer) {
        type T = IndexTag;
        if self.list.is_empty() {
            return;
        }
        if self.traits().stripped {
            header.int64(T::RPMTAG_LONGFILESIZES, self.list.iter().map(|f| f.size));
        } else {
            header.int32(T::RPMTAG_FILESIZES, self.list.iter().map(|f| u32::try_from(f.size).unwrap_or(u32::MAX)));
        }
        header.int16(T::RPMTAG_FILEMODES, self.list.iter().map(|f| mode(f.entry)));
        header.int16(T::RPMTAG_FILERDEVS, self.list.iter().map(|_| 0));
        header.int32(T::RPMTAG_FILEMTIMES, self.list.iter().map(|_| self.mtime));
        let digests: Vec<String> = self.list.iter().map(|f| self.digest(f)).collect();
        header.texts(T::RPMTAG_FILEDIGESTS, digests.iter().map(String::as_str));
        header.int32(T::RPMTAG_FILEDIGESTALGO, [SHA256]);
        header.texts(
            T::RPMTAG_FILELINKTOS,
            self.list.iter().map(|f| match &f.entry.kind {
                Kind::Symlink { target } => &**target,
                _ => "",
            }),
        );
        header.int32(T::RPMTAG_FILEFLAGS, self.list.iter().map(|f| flags(f.entry).bits()));
        header.int32(T::RPMTAG_FILEVERIFYFLAGS, self.list.iter().map(|f| verify_flags(f.entry)));
        header.texts(T::RPMTAG_FILEUSERNAME, self.list.iter().map(|f| &*f.entry.owner.user));
        header.texts(T::RPMTAG_FILEGROUPNAME, self.list.iter().map(|f| &*f.entry.owner.group));
        header.int32(T::RPMTAG_FILEDEVICES, self.list.iter().map(|_| 1));
        header.int32(T::RPMTAG_FILEINODES, self.list.iter().map(|f| f.inode));
        header.texts(T::RPMTAG_FILELANGS, self.list.iter().map(|_| ""));
        header.int32(T::RPMTAG_DIRINDEXES, self.list.iter().map(|f| f.dirname));
        header.texts(T::RPMTAG_BASENAMES, self.list.iter().map(|f| f.basename));
        header.texts(T::RPMTAG_DIRNAMES, self.dirnames.iter().copied());
        classes::write(&self.list, plan, header);
        if self.traits().capabilities {
            let all = self.list.iter().map(|f| f.entry.capabilities.as_deref().unwrap_or_default());
            header.texts(T::RPMTAG_FILECAPS, all);
        }
    }

    fn digest(&self, file: &File<'_>) -> String {
        file.content.map_or_else(String::new, |id| hex(&self.digests[id].sha256))
    }
}

impl File<'_> {
    /// Bytes that follow its header in the archive.
    fn carried(&self) -> u64 {
        if self.carries { self.size } else { 0 }
    }
}

/// File type and permission bits.
fn mode(entry: &Entry) -> u16 {
    let kind = match entry.kind {
        Kind::Directory { .. } => 0o040_000,
        Kind::Symlink { .. } => 0o120_000,
        Kind::File(_) | Kind::Hardlink { .. } => 0o100_000,
    };
    kind | u16::try_from(entry.mode & 0o7777).unwrap_or_default()
}

fn flags(entry: &Entry) -> FileFlags {
    match entry.role {
        // rpm keeps no copies of directories.
        Role::Config { .. } if matches!(entry.kind, Kind::Directory { .. }) => FileFlags::empty(),
        Role::Config { noreplace, missingok } => {
            let mut flags = FileFlags::CONFIG;
            flags.set(FileFlags::NOREPLACE, noreplace);
            flags.set(FileFlags::MISSINGOK, missingok);
            flags
        }
        Role::Doc => FileFlags::DOC,
        Role::License => FileFlags::LICENSE,
        Role::Ghost => FileFlags::GHOST,
        Role::Plain => FileFlags::empty(),
    }
}

/// Everything is verified; of a ghost not what changes when something is written to it.
fn verify_flags(entry: &Entry) -> u32 {
    let content =
        FileVerifyFlags::FILEDIGEST | FileVerifyFlags::FILESIZE | FileVerifyFlags::LINKTO | FileVerifyFlags::MTIME;
    if entry.role == Role::Ghost { !content.bits() } else { u32::MAX }
}
