//! A folder of the builder, walked: what is in it, in an order that does not depend on the file system.
//!
//! Enters: a folder and which of its paths are asked for. Leaves: everything that was found and can be packed, sorted by
//! path, and a problem for everything else. Links are never followed, excluded folders never entered, no content read.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use globset::{GlobBuilder, GlobMatcher, GlobSet, GlobSetBuilder};

use super::mode;
use super::own::{self, Own, Why};
use super::plan::Stat;
use crate::store::{self, artifacts};

/// Something that can be packed.
#[derive(Debug, Clone)]
pub struct Found {
    /// Path below the folder that was walked, with `/`; empty for the folder itself.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// Its permission bits; those of a folder that was not looked at are the usual ones.
    pub mode: u32,
    /// What it is.
    pub kind: FoundKind,
}

/// What was found.
#[derive(Debug, Clone)]
pub enum FoundKind {
    /// A directory.
    Directory,
    /// A regular file.
    File(OnDisk),
    /// A link and its target as written.
    Symlink(Arc<str>),
}

/// What the walk saw of a regular file.
#[derive(Debug, Clone, Copy)]
pub struct OnDisk {
    /// Size, time, device and inode.
    pub stat: Stat,
    /// How many names it has on the builder.
    pub links: u64,
    /// Any x bit.
    pub executable: bool,
}

/// Something that cannot be packed.
#[derive(Debug)]
pub struct Problem {
    /// Where.
    pub path: PathBuf,
    /// What is wrong.
    pub kind: ProblemKind,
}

/// Why something cannot be packed.
#[derive(Debug)]
pub enum ProblemKind {
    /// The name is not UTF-8.
    NonUtf8,
    /// The name holds a control character.
    Control,
    /// The target of a link is not UTF-8, or holds a control character.
    Target(Box<ProblemKind>),
    /// `a socket`, `a fifo` …
    Special(&'static str),
    /// The system's answer.
    Unreadable(io::Error),
}

/// Which paths below a folder are asked for.
pub struct Select {
    /// None means all of the folder.
    glob: Option<Glob>,
    exclude: GlobSet,
    /// What is passed over.
    own: Own,
}

/// What came of a walk.
#[derive(Debug, Default)]
pub struct Walked {
    /// What can be packed, sorted by name; the folder itself is not in it.
    pub found: Vec<Found>,
    /// What cannot.
    pub problems: Vec<Problem>,
    /// Paths below the folder that were asked for and passed over.
    pub passed: Vec<(PathBuf, Why)>,
}

/// A glob below its literal prefix.
struct Glob {
    whole: GlobMatcher,
    /// Patterns of the directories at each depth that can hold a match, up to the first `**`.
    prefixes: Vec<GlobMatcher>,
    /// There is a `**`: below the prefixes anything can match.
    deep: bool,
}

impl Select {
    /// All but `exclude`.
    pub fn all(exclude: GlobSet) -> Self {
        Self { glob: None, exclude, own: Own::default() }
    }

    /// What `pattern` matches, but `exclude`; a matched folder is taken whole.
    pub fn matching(pattern: &str, exclude: GlobSet) -> Result<Self, globset::Error> {
        let whole = glob(pattern)?.compile_matcher();
        let mut deep = pattern.contains("**");
        let mut prefixes = Vec::new();
        let parts: Vec<&str> = pattern.split('/').collect();
        for depth in 1..parts.len() {
            if parts[depth - 1].contains("**") {
                break;
            }
            // A `/` inside braces cuts a part in two; then every folder is entered.
            let Ok(prefix) = glob(&parts[..depth].join("/")) else {
                deep = true;
                break;
            };
            prefixes.push(prefix.compile_matcher());
        }
        let glob = Glob { whole, prefixes, deep };
        Ok(Self { glob: Some(glob), exclude, own: Own::default() })
    }

    /// All of this but what is `own`.
    #[must_use]
    pub fn without(self, own: Own) -> Self {
        Self { own, ..self }
    }

    fn takes(&self, name: &Path) -> bool {
        self.glob.as_ref().is_none_or(|glob| glob.whole.is_match(name))
    }

    fn enters(&self, name: &Path) -> bool {
        let Some(glob) = &self.glob else { return true };
        let depth = name.components().count();
        match glob.prefixes.get(depth - 1) {
            Some(prefix) => prefix.is_match(name),
            None => glob.deep,
        }
    }
}

/// One pattern: `*` and `?` stop at `/`, `\` takes the next character literally.
fn glob(pattern: &str) -> Result<globset::Glob, globset::Error> {
    GlobBuilder::new(pattern).literal_separator(true).backslash_escape(true).build()
}

/// Patterns of what is left out: relative to the folder that is taken; without a `/` they match at any depth.
pub fn excludes<'a>(patterns: impl Iterator<Item = &'a str>) -> Vec<Result<globset::Glob, globset::Error>> {
    patterns
        .map(|pattern| {
            let trimmed = pattern.strip_suffix('/').unwrap_or(pattern);
            match trimmed.strip_prefix('/') {
                Some(anchored) => glob(anchored),
                None if trimmed.contains('/') => glob(trimmed),
                None => glob(&format!("**/{trimmed}")),
            }
        })
        .collect()
}

/// The set of `globs`.
pub fn set(globs: Vec<globset::Glob>) -> Result<GlobSet, globset::Error> {
    globs.into_iter().fold(&mut GlobSetBuilder::new(), |all, one| all.add(one)).build()
}

/// Splits a glob at its first part with a special character: the folder to walk and the pattern below it. `None` if
/// there is no special character.
pub fn split(pattern: &str) -> Option<(&str, &str)> {
    let special = pattern.find(['*', '?', '[', '{'])?;
    Some(match pattern[..special].rfind('/') {
        Some(0) => ("/", &pattern[1..]),
        Some(at) => (&pattern[..at], &pattern[at + 1..]),
        None => ("", pattern),
    })
}

/// Everything below `folder` that `select` asks for.
pub fn tree(folder: &Path, select: &Select) -> Walked {
    let mut walk = Walk { select, walked: Walked::default(), folders: Vec::new() };
    // Not recursive: the depth of a tree is the user's, the stack is ours.
    walk.folders.push(Folder { path: folder.to_path_buf(), name: PathBuf::new(), taken: select.glob.is_none() });
    while let Some(folder) = walk.folders.pop() {
        if let Err(error) = walk.folder(&folder) {
            walk.walked.problems.push(Problem { path: folder.path, kind: ProblemKind::Unreadable(error) });
        }
    }
    let mut walked = walk.walked;
    walked.passed.sort();
    let own = select.own.paths.keys().chain(walked.passed.iter().map(|(name, _)| name));
    own::drop_emptied(own, &mut walked.found);
    walked.found.sort_by(|a, b| a.name.cmp(&b.name));
    walked.problems.sort_by(|a, b| a.path.cmp(&b.path));
    walked
}

/// One path, not followed: a single file, or the root of a tree.
pub fn one(path: &Path, metadata: &Metadata) -> Result<FoundKind, Problem> {
    look(path, metadata).map_err(|kind| Problem { path: path.to_path_buf(), kind })
}

struct Folder {
    path: PathBuf,
    name: PathBuf,
    taken: bool,
}

struct Walk<'s> {
    select: &'s Select,
    walked: Walked,
    folders: Vec<Folder>,
}

impl Walk<'_> {
    fn folder(&mut self, folder: &Folder) -> io::Result<()> {
        let entries = fs_err::read_dir(&folder.path)?.map(|entry| entry.map(|entry| (entry.file_name(), entry)));
        let entries = entries.collect::<io::Result<Vec<_>>>()?;
        // A rule that names a folder of artifacts, or one that was published to, means them.
        let is_root = folder.name.as_os_str().is_empty();
        let has = |is: fn(&OsStr) -> bool| !is_root && entries.iter().any(|(name, _)| is(name));
        if has(store::is_mark) && store::is_place(&folder.path) {
            self.walked.found.retain(|found| Path::new(&found.name) != folder.name);
            self.walked.passed.push((folder.name.clone(), Why::Published));
            return Ok(());
        }
        let artifacts =
            if has(|name| name == artifacts::LIST) { artifacts::made_in(&folder.path) } else { BTreeSet::new() };
        for (last, entry) in entries {
            let name = folder.name.join(&last);
            if self.select.exclude.is_match(&name) {
                continue;
            }
            let taken = folder.taken || self.select.takes(&name);
            let directory = entry.file_type()?.is_dir();
            let entered = directory && self.select.enters(&name);
            if !taken && !entered {
                continue;
            }
            let path = entry.path();
            let is_own = !directory && (store::is_bookkeeping(&last) || artifacts.contains(&last));
            let why = self.select.own.paths.get(&name).copied().or(is_own.then_some(Why::Own));
            if let Some(why) = why {
                self.walked.passed.push((name, why));
                continue;
            }
            if directory {
                self.folders.push(Folder { path: path.clone(), name: name.clone(), taken });
            }
            if taken {
                match entry.metadata().map_err(ProblemKind::Unreadable).and_then(|m| Ok((bits(&m), look(&path, &m)?))) {
                    Ok((_, FoundKind::File(file))) if self.select.own.has(&file) => {
                        self.walked.passed.push((name, Why::Secret));
                    }
                    Ok((mode, kind)) => self.keep(&name, path, mode, kind),
                    Err(kind) => self.walked.problems.push(Problem { path, kind }),
                }
            }
        }
        Ok(())
    }

    fn keep(&mut self, name: &Path, path: PathBuf, mode: u32, kind: FoundKind) {
        // Only the last part is new; the parts above have been judged as folders.
        let last = name.file_name().unwrap_or_default();
        match (name.to_str(), last.to_str()) {
            (Some(name), Some(last)) if !last.chars().any(char::is_control) => {
                self.walked.found.push(Found { name: name.to_owned(), path, mode, kind });
            }
            (_, Some(last)) if last.chars().any(char::is_control) => {
                self.walked.problems.push(Problem { path, kind: ProblemKind::Control });
            }
            // The folder above has the fault and has been told of.
            (None, Some(_)) => {}
            _ => self.walked.problems.push(Problem { path, kind: ProblemKind::NonUtf8 }),
        }
    }
}

/// Permission bits with setuid, setgid and sticky.
pub fn bits(metadata: &Metadata) -> u32 {
    metadata.mode() & 0o7777
}

fn look(path: &Path, metadata: &Metadata) -> Result<FoundKind, ProblemKind> {
    let kind = metadata.file_type();
    if kind.is_dir() {
        Ok(FoundKind::Directory)
    } else if kind.is_symlink() {
        let target = fs_err::read_link(path).map_err(ProblemKind::Unreadable)?;
        match target.to_str() {
            None => Err(ProblemKind::Target(Box::new(ProblemKind::NonUtf8))),
            Some(target) if target.chars().any(char::is_control) => {
                Err(ProblemKind::Target(Box::new(ProblemKind::Control)))
            }
            Some(target) => Ok(FoundKind::Symlink(target.into())),
        }
    } else if kind.is_file() {
        Ok(FoundKind::File(OnDisk {
            stat: Stat::of(metadata),
            links: metadata.nlink(),
            executable: metadata.mode() & 0o111 != 0,
        }))
    } else if kind.is_socket() {
        Err(ProblemKind::Special("a socket"))
    } else if kind.is_fifo() {
        Err(ProblemKind::Special("a fifo"))
    } else {
        Err(ProblemKind::Special("a device"))
    }
}

/// The folders between the glob's literal prefix and what it matched, so that they get the rule's `dir-mode`.
pub fn add_folders(base: &Path, found: &mut Vec<Found>) {
    let mut folders = BTreeSet::new();
    for one in found.iter() {
        let mut name = one.name.as_str();
        while let Some((above, _)) = name.rsplit_once('/') {
            if !folders.insert(above.to_owned()) {
                break;
            }
            name = above;
        }
    }
    for one in found.iter().filter(|one| matches!(one.kind, FoundKind::Directory)) {
        folders.remove(&one.name);
    }
    found.extend(folders.into_iter().map(|name| Found {
        path: base.join(&name),
        name,
        mode: mode::DIRECTORY,
        kind: FoundKind::Directory,
    }));
    found.sort_by(|a, b| a.name.cmp(&b.name));
}

/// Whether there is nothing at a path.
pub fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}
