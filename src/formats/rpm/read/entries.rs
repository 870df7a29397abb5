//! The files of a header.

use std::collections::BTreeMap;
use std::io;

use ::rpm::{FileFlags, IndexTag as T};

use super::super::header::Header;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::codes::RPM_ODD;
use crate::formats::programs::Programs;
use crate::formats::{ListedEntry, ListedKind, Listing, Names};

/// Most bytes that all paths together may take: a header can name one long directory for each of a million files.
const MOST_PATH_BYTES: usize = 256 << 20;
/// Most findings of one sort that are kept.
const MOST_FINDINGS: usize = 20;

/// One file as the header has it, and what its content was found to be.
#[derive(Debug)]
pub struct File {
    /// What is listed.
    pub entry: ListedEntry,
    /// Digest of the content in hex; empty if there is none.
    pub digest: String,
    /// Whether a member of the payload was met.
    pub met: bool,
    /// Names of one inode after the last bring no content.
    pub group: Option<usize>,
    /// Not in the payload.
    pub ghost: bool,
}

/// All files of a header.
#[derive(Debug, Default)]
pub struct Files {
    /// In the order of the header.
    pub list: Vec<File>,
    /// The indexes of each inode with several names.
    pub groups: Vec<Vec<usize>>,
    /// Number of the digest algorithm, as of OpenPGP.
    pub algorithm: u64,
    /// What the ELF files of the payload say.
    pub programs: Programs,
}

/// Reads the lists of a header.
///
/// # Errors
/// Lists that do not go together.
pub fn files(header: &Header) -> io::Result<Files> {
    let paths = paths(header)?;
    check_counts(header, paths.len())?;
    let sizes = if header.has(T::RPMTAG_LONGFILESIZES) { T::RPMTAG_LONGFILESIZES } else { T::RPMTAG_FILESIZES };
    let mut sizes = header.numbers(sizes);
    let mut modes = header.numbers(T::RPMTAG_FILEMODES);
    let mut mtimes = header.numbers(T::RPMTAG_FILEMTIMES);
    let mut flags = header.numbers(T::RPMTAG_FILEFLAGS);
    let mut inodes = header.numbers(T::RPMTAG_FILEINODES);
    let mut devices = header.numbers(T::RPMTAG_FILEDEVICES);
    let mut users = header.texts(T::RPMTAG_FILEUSERNAME);
    let mut groups = header.texts(T::RPMTAG_FILEGROUPNAME);
    let mut targets = header.texts(T::RPMTAG_FILELINKTOS);
    let mut digests = header.texts(T::RPMTAG_FILEDIGESTS);
    let mut capabilities = header.texts(T::RPMTAG_FILECAPS);
    let mut by_inode: BTreeMap<(u64, u64), Vec<usize>> = BTreeMap::new();
    let mut names = Names::default();
    // Without the tag it is MD5, as before rpm 4.6.
    let mut files = Files { algorithm: header.number(T::RPMTAG_FILEDIGESTALGO).unwrap_or(1), ..Files::default() };
    for (index, path) in paths.into_iter().enumerate() {
        let bits = u32::try_from(flags.next().unwrap_or_default()).unwrap_or_default();
        let bits = FileFlags::from_bits_truncate(bits);
        let mode = u32::try_from(modes.next().unwrap_or(0o100_644)).unwrap_or_default();
        let kind = kind(mode, targets.next().unwrap_or_default().into_owned());
        let ghost = bits.contains(FileFlags::GHOST);
        let inode = (devices.next().unwrap_or_default(), inodes.next());
        if let (ListedKind::File, (device, Some(inode)), false) = (&kind, inode, ghost) {
            by_inode.entry((device, inode)).or_default().push(index);
        }
        let entry = ListedEntry {
            path,
            kind,
            mode: mode & 0o7777,
            user: names.of(&users.next().unwrap_or_default()),
            group: names.of(&groups.next().unwrap_or_default()),
            size: sizes.next().unwrap_or_default(),
            mtime: i64::try_from(mtimes.next().unwrap_or_default()).unwrap_or_default(),
            sha256: None,
            flags: flag_words(bits),
            capabilities: capabilities.next().map(std::borrow::Cow::into_owned).filter(|c| !c.is_empty()),
            layer: None,
        };
        let digest = digests.next().unwrap_or_default().into_owned();
        files.list.push(File { entry, digest, met: false, group: None, ghost });
    }
    for group in by_inode.into_values().filter(|g| g.len() > 1) {
        for index in &group {
            files.list[*index].group = Some(files.groups.len());
        }
        files.groups.push(group);
    }
    Ok(files)
}

/// All lists have one item for each file.
fn check_counts(header: &Header, files: usize) -> io::Result<()> {
    for tag in [
        T::RPMTAG_FILEMODES,
        T::RPMTAG_FILEMTIMES,
        T::RPMTAG_FILEFLAGS,
        T::RPMTAG_FILEUSERNAME,
        T::RPMTAG_FILEGROUPNAME,
        T::RPMTAG_FILELINKTOS,
        T::RPMTAG_FILEDIGESTS,
        T::RPMTAG_FILEINODES,
        T::RPMTAG_FILEDEVICES,
        T::RPMTAG_FILECAPS,
        T::RPMTAG_FILESIZES,
        T::RPMTAG_LONGFILESIZES,
    ] {
        if header.has(tag) && header.count(tag) != files {
            return Err(invalid(&format!("it has {files} files and {} of tag {tag:?}", header.count(tag))));
        }
    }
    Ok(())
}

/// Every path, in the order of the header.
///
/// # Errors
/// Lists that do not go together.
pub fn paths(header: &Header) -> io::Result<Vec<String>> {
    let names = header.count(T::RPMTAG_BASENAMES);
    if names == 0 {
        // As before rpm 4.0: whole paths. Source packages of any age have bare names.
        return Ok(header.texts(T::RPMTAG_OLDFILENAMES).map(|path| absolute(&path)).collect());
    }
    if header.count(T::RPMTAG_DIRINDEXES) != names {
        return Err(invalid("its files and their directories differ in number"));
    }
    let dirnames: Vec<_> = header.texts(T::RPMTAG_DIRNAMES).collect();
    let mut bytes = 0;
    let mut paths = Vec::new();
    for (name, index) in header.texts(T::RPMTAG_BASENAMES).zip(header.numbers(T::RPMTAG_DIRINDEXES)) {
        let dirname = usize::try_from(index).ok().and_then(|i| dirnames.get(i));
        let dirname = dirname.ok_or_else(|| invalid("a file is in a directory that is not listed"))?;
        bytes += dirname.len() + name.len();
        if bytes > MOST_PATH_BYTES {
            return Err(invalid("its paths take more than 256 MiB"));
        }
        paths.push(absolute(&format!("{dirname}{name}")));
    }
    Ok(paths)
}

/// Paths of source packages are bare names.
fn absolute(path: &str) -> String {
    if path.starts_with('/') { path.to_owned() } else { format!("/{path}") }
}

fn kind(mode: u32, target: String) -> ListedKind {
    match mode >> 12 {
        0o04 => ListedKind::Directory,
        0o12 => ListedKind::Symlink(target),
        0o01 => ListedKind::Special('p'),
        0o02 => ListedKind::Special('c'),
        0o06 => ListedKind::Special('b'),
        0o14 => ListedKind::Special('s'),
        _ => ListedKind::File,
    }
}

fn flag_words(flags: FileFlags) -> Vec<String> {
    let mut words = Vec::new();
    let (noreplace, missingok) = (flags.contains(FileFlags::NOREPLACE), flags.contains(FileFlags::MISSINGOK));
    match (flags.contains(FileFlags::CONFIG), missingok, noreplace) {
        (true, false, false) => words.push("config"),
        (true, false, true) => words.push("config(noreplace)"),
        (true, true, false) => words.push("config(missingok)"),
        (true, true, true) => words.push("config(missingok,noreplace)"),
        (false, true, _) => words.push("missingok"),
        (false, false, _) => {}
    }
    for (flag, word) in [
        (FileFlags::ARTIFACT, "artifact"),
        (FileFlags::DOC, "doc"),
        (FileFlags::GHOST, "ghost"),
        (FileFlags::LICENSE, "license"),
        (FileFlags::README, "readme"),
        (FileFlags::SPECFILE, "spec"),
    ] {
        if flags.contains(flag) {
            words.push(word);
        }
    }
    words.sort_unstable();
    words.into_iter().map(str::to_owned).collect()
}

/// Puts the files into the listing, sorted by path, and says what is odd of them.
pub fn list(mut files: Files, listing: &mut Listing) {
    listing.programs = std::mem::take(&mut files.programs);
    for group in &files.groups {
        // The content came with one of the names.
        let sha256 = group.iter().find_map(|i| files.list[*i].entry.sha256);
        let mut names: Vec<usize> = group.clone();
        names.sort_by(|a, b| files.list[*a].entry.path.cmp(&files.list[*b].entry.path));
        let first = files.list[names[0]].entry.path.clone();
        for index in &names[1..] {
            let entry = &mut files.list[*index].entry;
            (entry.kind, entry.sha256) = (ListedKind::Hardlink(first.clone()), None);
        }
        files.list[names[0]].entry.sha256 = sha256;
    }
    listing.entries = files.list.into_iter().map(|file| file.entry).collect();
    listing.sort();
    let escapes = listing.entries.iter().filter(|e| e.path.split('/').any(|part| part == ".."));
    let escapes = escapes.map(|e| odd(format!("the path `{}` leads out of its folder", e.path)));
    let twice = listing.entries.windows(2).filter(|pair| pair[0].path == pair[1].path);
    let twice = twice.map(|pair| odd(format!("the path `{}` is there twice", pair[0].path)));
    let findings: Vec<Diagnostic> = escapes.take(MOST_FINDINGS).chain(twice.take(MOST_FINDINGS)).collect();
    listing.findings.extend(findings);
}

/// A finding on something that can be read and should not be so.
fn odd(message: String) -> Diagnostic {
    Diagnostic::warning(RPM_ODD, message).help("ask whoever built the package")
}

fn invalid(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}
