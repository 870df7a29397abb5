//! What reading an artifact back gives: the same words for all formats, so that `diff` works across them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::ser::{Serialize, SerializeMap as _, Serializer};

use super::programs::Programs;
use crate::codec::hex::hex;
use crate::diagnostic::Diagnostic;

/// An artifact, read back.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct Listing {
    /// Format name.
    pub format: &'static str,
    /// Package name; the image's repository.
    pub name: String,
    /// Version in the format's own spelling, with epoch and revision.
    pub version: String,
    /// Architecture in the format's own word.
    pub arch: String,
    /// Fields in the artifact's own words and order: control fields, header tags, image config.
    #[serde(serialize_with = "pairs")]
    pub fields: Vec<(String, String)>,
    /// Relations by kind in the format's own words: `Depends` -> [`libc6 (>= 2.34)`].
    pub relations: BTreeMap<String, Vec<String>>,
    /// Sorted by path.
    pub entries: Vec<ListedEntry>,
    /// Maintainer scripts, scriptlets, triggers.
    pub scripts: Vec<ListedScript>,
    /// Change log text, if the format carries it in its metadata.
    pub changelog: Option<String>,
    /// Bytes of the artifact.
    pub packed_size: u64,
    /// What was verified while reading.
    pub checks: Vec<Check>,
    /// Signatures: what kind, by whom as far as readable.
    pub signatures: Vec<String>,
    /// What its ELF files say; none of an image, which brings its system along.
    #[serde(skip)]
    pub programs: Programs,
    /// Odd things that do not stop reading: a path that escapes, a duplicate entry, an unknown member.
    #[serde(skip)]
    pub findings: Vec<Diagnostic>,
}

impl Listing {
    /// Puts the entries into the order of their paths.
    pub fn sort(&mut self) {
        // Most archives are in order, and to sort takes half as much memory again.
        if !self.entries.is_sorted_by(|a, b| a.path <= b.path) {
            self.entries.sort_by(|a, b| a.path.cmp(&b.path));
        }
    }
}

/// One path of an artifact.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ListedEntry {
    /// Absolute path on the host; the archive's own prefix (`./`, `name-version/`) is taken off.
    pub path: String,
    /// What it is.
    #[serde(flatten)]
    pub kind: ListedKind,
    /// Permission bits.
    #[serde(serialize_with = "octal")]
    pub mode: u32,
    /// User name or number; empty where the format carries none.
    #[serde(serialize_with = "text")]
    pub user: Arc<str>,
    /// Group name or number; empty where the format carries none.
    #[serde(serialize_with = "text")]
    pub group: Arc<str>,
    /// Bytes of content.
    pub size: u64,
    /// Seconds since 1970.
    pub mtime: i64,
    /// SHA-256 of the content of a regular file.
    #[serde(serialize_with = "in_hex")]
    pub sha256: Option<[u8; 32]>,
    /// `config`, `config(noreplace)`, `doc`, `license`, `ghost`; sorted.
    pub flags: Vec<String>,
    /// File capabilities.
    pub capabilities: Option<String>,
    /// Number of the image layer.
    pub layer: Option<usize>,
}

/// What a listed entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListedKind {
    /// A directory.
    Directory,
    /// A regular file.
    File,
    /// A symbolic link and its target.
    Symlink(String),
    /// Another name of the file at this path.
    Hardlink(String),
    /// A device, fifo or socket, by the letter of `ls`.
    Special(char),
}

/// As programs read it: a word, and the target of a link or `null`.
impl Serialize for ListedKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (kind, target) = match self {
            Self::Directory => ("directory", None),
            Self::File => ("file", None),
            Self::Symlink(target) => ("symlink", Some(target)),
            Self::Hardlink(target) => ("hardlink", Some(target)),
            Self::Special('p') => ("fifo", None),
            Self::Special('s') => ("socket", None),
            Self::Special('b') => ("block-device", None),
            Self::Special('c') => ("character-device", None),
            Self::Special(_) => ("special", None),
        };
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("kind", kind)?;
        map.serialize_entry("target", &target)?;
        map.end()
    }
}

/// Names of users and groups: an archive of a million entries has a few of them, and each is held once.
#[derive(Debug, Default)]
pub struct Names(BTreeSet<Arc<str>>);

impl Names {
    /// The one copy of a name.
    pub fn of(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.0.get(name) {
            return Arc::clone(known);
        }
        let new: Arc<str> = name.into();
        self.0.insert(Arc::clone(&new));
        new
    }
}

fn text<S: Serializer>(text: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text)
}

#[allow(clippy::ref_option)] // serde calls it by reference
fn in_hex<S: Serializer>(digest: &Option<[u8; 32]>, serializer: S) -> Result<S::Ok, S::Error> {
    match digest {
        Some(digest) => serializer.serialize_str(&hex(digest)),
        None => serializer.serialize_none(),
    }
}

/// `"0644"`, as in the config.
#[allow(clippy::trivially_copy_pass_by_ref)] // serde calls it by reference
fn octal<S: Serializer>(mode: &u32, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{mode:04o}"))
}

/// `[{ "key": …, "value": … }]`: a key may stand twice, and the order tells something.
fn pairs<S: Serializer>(pairs: &[(String, String)], serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(serde::Serialize)]
    struct Pair<'a> {
        key: &'a str,
        value: &'a str,
    }
    serializer.collect_seq(pairs.iter().map(|(key, value)| Pair { key, value }))
}

/// A script of an artifact.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ListedScript {
    /// `postinst`, `%post`, `%triggerin -- bash`.
    pub name: String,
    /// Program that runs it.
    pub interpreter: String,
    /// Its text.
    pub text: String,
}

/// One thing that was verified.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Check {
    /// `md5sums`, `payload digest`, `blob sha256:…`.
    pub what: String,
    /// What is wrong, if it is.
    pub problem: Option<String>,
}
