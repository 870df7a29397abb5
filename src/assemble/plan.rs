//! The Plan: what would be in the packages of one target, decided once for all formats.
//!
//! Enters: nothing, these are types. `fitout plan` prints a Plan, `build` consumes it, so they cannot drift. A Plan names
//! sources and holds no content but what fitout made itself.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::diagnostic::Origin;

/// Everything that the formats need to know of one target (os/arch × environment).
#[derive(Debug, Clone)]
pub struct Plan {
    /// Who and what.
    pub identity: Identity,
    /// For which machines.
    pub target: Target,
    /// The environment overlay, if one was asked for.
    pub environment: Option<String>,
    /// The one clock: seconds since 1970, stamped on everything.
    pub clock: i64,
    /// Sorted by path (bytes), every parent present, unique within a format: see [`Plan::entries_for`].
    pub entries: Arc<[Entry]>,
    /// Names of the formats of this run: bit `i` of an entry's [`FormatSet`] is `formats[i]`.
    pub formats: Vec<&'static str>,
    /// What the ELF files need and provide, not yet spelled in any format's words.
    pub elf: ElfFacts,
    /// Services; the service issue fills them.
    pub services: Vec<Service>,
    /// What must happen at install, upgrade, remove and purge.
    pub lifecycle: Lifecycle,
    /// Change log, newest first, at least one record.
    pub changelog: Vec<Change>,
    /// Settings that only deb has.
    pub deb: Deb,
    /// Settings that only rpm has.
    pub rpm: Rpm,
    /// Settings of the tarball.
    pub tarball: Tarball,
    /// Settings of the zip.
    pub zip: Zip,
    /// Settings of the image.
    pub image: Image,
}

impl Plan {
    /// The entries of one format, in path order.
    pub fn entries_for<'a>(&'a self, format: &str) -> impl Iterator<Item = &'a Entry> + use<'a> {
        let set = self.format_set(format);
        self.entries.iter().filter(move |e| e.formats.intersects(set))
    }

    /// The set that holds just this format; the empty set if the run does not make it.
    pub fn format_set(&self, format: &str) -> FormatSet {
        self.formats.iter().position(|f| *f == format).map_or(FormatSet::EMPTY, FormatSet::only)
    }
}

/// A set of the formats of one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FormatSet(u16);

impl FormatSet {
    /// No format.
    pub const EMPTY: Self = Self(0);
    /// All formats.
    pub const ALL: Self = Self(u16::MAX);
    /// The format at this place of [`Plan::formats`].
    pub fn only(index: usize) -> Self {
        Self(1 << index)
    }
    /// In either.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
    /// Whether they share a format.
    pub fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
    /// In this one and not in the other.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

/// Who and what the package is; checked by each format's `naming` before a byte is written.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Package name as typed; each format checks it.
    pub name: Fact<String>,
    /// Version as typed or found, taken apart.
    pub version: Fact<Version>,
    /// Epoch of deb and rpm.
    pub epoch: Option<u32>,
    /// Revision of the packaging.
    pub release: Option<Fact<String>>,
    /// One line.
    pub summary: Fact<String>,
    /// Paragraphs, separated by an empty line; may be empty.
    pub description: String,
    /// `Name <mail>`.
    pub maintainer: Fact<String>,
    /// SPDX expression.
    pub license: Fact<String>,
    /// Copyright holders, one line each.
    pub copyright: Vec<String>,
    /// URL.
    pub homepage: Option<Fact<String>>,
    /// Distributor.
    pub vendor: Option<String>,
    /// Full commit id, if the project is under git.
    pub revision: Option<String>,
}

/// A value and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact<T> {
    /// The value.
    pub value: T,
    /// Where from.
    pub origin: Origin,
}

impl<T> std::ops::Deref for Fact<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

/// A version, taken apart by the rules of `SemVer` but tolerant of other forms (`2024.01`, `1.2`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// As typed, without a leading `v`.
    pub text: String,
    /// Before the first `-` or `+`.
    pub core: String,
    /// After the first `-`, before the first `+`: `rc.1`.
    pub prerelease: Option<String>,
    /// After the first `+`: `b5`.
    pub build: Option<String>,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// `os/arch`; the names are those of Go and OCI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Always `linux` today.
    pub os: &'static str,
    /// What was asked for.
    pub arch: Arch,
    /// No ELF file in the tree: `all` in deb, `noarch` in rpm; tarball, zip and OCI keep `arch`.
    pub independent: bool,
}

/// Architectures, by Go's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Arch {
    Amd64,
    Arm64,
    /// `arm/v7`, hard float
    Arm7,
    /// `arm/v6` and below, soft float
    Arm5,
    I386,
    Ppc64le,
    S390x,
    Riscv64,
    Loong64,
    Mips64le,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.arch.go())
    }
}

impl Arch {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::Amd64,
        Self::Arm64,
        Self::Arm7,
        Self::Arm5,
        Self::I386,
        Self::Ppc64le,
        Self::S390x,
        Self::Riscv64,
        Self::Loong64,
        Self::Mips64le,
    ];
    /// Go's and OCI's name; `arm/v7` carries the variant.
    pub fn go(self) -> &'static str {
        match self {
            Self::Amd64 => "amd64",
            Self::Arm64 => "arm64",
            Self::Arm7 => "arm/v7",
            Self::Arm5 => "arm/v5",
            Self::I386 => "386",
            Self::Ppc64le => "ppc64le",
            Self::S390x => "s390x",
            Self::Riscv64 => "riscv64",
            Self::Loong64 => "loong64",
            Self::Mips64le => "mips64le",
        }
    }
}

/// One path of the package.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Where on the host: absolute, normalised, UTF-8, no trailing slash.
    pub path: Arc<str>,
    /// What it is.
    pub kind: Kind,
    /// To whom it belongs.
    pub owner: Owner,
    /// Permission bits with setuid, setgid and sticky: `0o7777` at most. Symlinks have `0o777`.
    pub mode: u32,
    /// POSIX capabilities in text form.
    pub capabilities: Option<Arc<str>>,
    /// What the formats should know of it.
    pub role: Role,
    /// How often it changes between versions: groups image layers.
    pub churn: Churn,
    /// In which formats.
    pub formats: FormatSet,
    /// Which rule, preset or template put it there.
    pub origin: Arc<Origin>,
    /// Which step of the ladder gave the owner.
    pub owner_origin: Arc<Origin>,
    /// Which step of the ladder gave the mode.
    pub mode_origin: Arc<Origin>,
}

/// What an entry is.
#[derive(Debug, Clone)]
pub enum Kind {
    /// A directory.
    Directory {
        /// True for directories of the base system (`/usr/bin`, `/etc`), which rpm must not own and deb lists only as
        /// parents.
        shared: bool,
    },
    /// A regular file.
    File(Source),
    /// A symbolic link and its target as written.
    Symlink {
        /// The target.
        target: Arc<str>,
    },
    /// One more name of the file at `target`, which is in the same formats and sorts before.
    Hardlink {
        /// Path of the first name.
        target: Arc<str>,
    },
}

/// Where the content of a file comes from. Two entries with the same id have the same content.
#[derive(Debug, Clone)]
pub struct Source {
    /// Index into the [`Sources`] of the run.
    pub id: SourceId,
    /// Bytes, as seen by the walk.
    pub size: u64,
}

/// Index into [`Sources`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(pub u32);

/// All content of a run, over all targets; complete before the first byte is read.
#[derive(Debug, Default)]
pub struct Sources {
    list: Vec<Content>,
    by_path: BTreeMap<PathBuf, SourceId>,
}

/// Content that is named and not yet read.
#[derive(Debug, Clone)]
pub enum Content {
    /// A file of the builder, with the stat that the walk saw: a difference when it is read is an error.
    File {
        /// Where.
        path: PathBuf,
        /// Its size and times at the walk.
        stat: Stat,
    },
    /// A range of such a file that is packed already (a layer of a base image): stored as it is, never compressed.
    Slice {
        /// Where.
        path: PathBuf,
        /// First byte.
        offset: u64,
        /// Bytes.
        length: u64,
        /// Size and times of the whole file.
        stat: Stat,
    },
    /// Bytes that fitout made: a rendered file, a copyright file.
    Made(Arc<[u8]>),
}

/// What must not change between the walk and the reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// Bytes.
    pub size: u64,
    /// Modification time in nanoseconds.
    pub mtime_ns: i128,
    /// Device and inode.
    pub inode: (u64, u64),
}

impl Stat {
    /// From what the system says of a file.
    pub fn of(meta: &std::fs::Metadata) -> Self {
        Self {
            size: meta.len(),
            mtime_ns: i128::from(meta.mtime()) * 1_000_000_000 + i128::from(meta.mtime_nsec()),
            inode: (meta.dev(), meta.ino()),
        }
    }
}

impl Sources {
    /// Names a file; the same path gets the same id.
    pub fn file(&mut self, path: PathBuf, stat: Stat) -> Source {
        if let Some(id) = self.by_path.get(&path) {
            return Source { id: *id, size: stat.size };
        }
        let id = self.push(Content::File { path: path.clone(), stat });
        self.by_path.insert(path, id);
        Source { id, size: stat.size }
    }

    /// Names a range of a file that is packed already.
    pub fn slice(&mut self, path: PathBuf, offset: u64, length: u64, stat: Stat) -> Source {
        Source { id: self.push(Content::Slice { path, offset, length, stat }), size: length }
    }

    /// Takes bytes that fitout made.
    pub fn made(&mut self, bytes: impl Into<Arc<[u8]>>) -> Source {
        let bytes = bytes.into();
        let size = bytes.len() as u64;
        Source { id: self.push(Content::Made(bytes)), size }
    }

    fn push(&mut self, content: Content) -> SourceId {
        self.list.push(content);
        SourceId(u32::try_from(self.list.len() - 1).expect("fewer than 2^32 files"))
    }

    /// All of them; a [`SourceId`] is an index.
    pub fn list(&self) -> &[Content] {
        &self.list
    }
}

/// To whom an entry belongs: names for the formats that carry names, numbers for those that carry numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// User name.
    pub user: Arc<str>,
    /// Its numeric id.
    pub uid: u32,
    /// Group name.
    pub group: Arc<str>,
    /// Its numeric id.
    pub gid: u32,
}

/// What the formats should know of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Nothing.
    Plain,
    /// The administrator edits it.
    Config {
        /// rpm: keep the edited one, put the new one beside it.
        noreplace: bool,
        /// rpm: it is no fault when it is gone.
        missingok: bool,
    },
    /// Documentation.
    Doc,
    /// A licence text.
    License,
    /// Owned and not contained; only rpm carries it.
    Ghost,
}

/// How often something changes between versions of an application, from seldom to often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Churn {
    /// Language runtime, bundled libraries.
    Runtime,
    /// Third-party code.
    Dependencies,
    /// The application's own code.
    Application,
    /// Configuration and version-stamped files.
    Config,
}

/// What the ELF files of the tree say.
#[derive(Debug, Clone, Default)]
pub struct ElfFacts {
    /// Every ELF file, by path on the host.
    pub files: BTreeMap<Arc<str>, ElfFile>,
    /// First line without `#!` of every script with an x bit, by path on the host.
    pub shebangs: BTreeMap<Arc<str>, String>,
}

/// One ELF file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)]
pub struct ElfFile {
    /// 64 bit.
    pub is_64: bool,
    /// `e_machine`.
    pub machine: u16,
    /// `e_flags`; on ARM they hold the float ABI.
    pub flags: u32,
    /// Little endian.
    pub little_endian: bool,
    /// `DT_SONAME`.
    pub soname: Option<String>,
    /// `PT_INTERP`.
    pub interpreter: Option<String>,
    /// `DT_NEEDED`, in file order.
    pub needed: Vec<String>,
    /// `.gnu.version_r`: soname -> version names.
    pub verneed: BTreeMap<String, BTreeSet<String>>,
    /// `.gnu.version_d` without the base entry.
    pub verdef: BTreeSet<String>,
    /// The base entry of `.gnu.version_d`: the file's own name when it was linked.
    pub verdef_base: Option<String>,
    /// `DT_RPATH` and `DT_RUNPATH` parts, `$ORIGIN` kept.
    pub runpath: Vec<String>,
    /// `DT_GNU_HASH` without `DT_HASH`.
    pub gnu_hash_only: bool,
    /// Has a dynamic section.
    pub dynamic: bool,
    /// Has `DT_DEBUG`: a program rather than a library.
    pub debug: bool,
    /// `ET_EXEC` or `ET_DYN` (objects and cores have neither needs nor provides).
    pub linked: bool,
    /// `ET_DYN`: a library, or a position-independent program.
    pub shared: bool,
    /// Mode of the entry has an x bit.
    pub executable: bool,
    /// Has a symbol table or debug sections.
    pub unstripped: bool,
}

/// A service; the service issue gives it its fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Unit name without suffix.
    pub name: String,
}

/// What must happen at which moment of a package's life, as typed steps; `maintainer.rs` says them in a dialect.
#[derive(Debug, Clone, Default)]
pub struct Lifecycle {
    /// In order.
    pub steps: Vec<Step>,
}

/// One step of the [`Lifecycle`].
#[derive(Debug, Clone)]
pub enum Step {
    /// A script of the user in a dialect's own place: the dialect's word for the moment (`postinst`, `preun`).
    Script {
        /// For which dialect.
        dialect: Dialect,
        /// The dialect's own word.
        moment: &'static str,
        /// The script.
        script: Script,
    },
    /// A trigger of rpm.
    RpmTrigger {
        /// The trigger.
        trigger: RpmTrigger,
        /// The script.
        script: Script,
    },
}

/// In which words a format takes scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// dpkg's maintainer scripts.
    Deb,
    /// rpm's scriptlets.
    Rpm,
    /// `install.sh` of an archive.
    Plain,
    /// None: images.
    None,
}

/// A script's text and the program that runs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// The text; for deb it begins with `#!`.
    pub text: String,
    /// Program and arguments (rpm).
    pub interpreter: Vec<String>,
    /// Where it came from.
    pub origin: Origin,
}

/// An rpm trigger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RpmTrigger {
    /// `triggerin`, `filetriggerin` …
    pub event: &'static str,
    /// Relations, or path prefixes for file triggers.
    pub on: Vec<String>,
    /// Order of file triggers.
    pub priority: u32,
}

/// One record of the change log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Version as the change log spells it.
    pub version: String,
    /// Seconds since 1970.
    pub time: i64,
    /// `Name <mail>`.
    pub author: String,
    /// Lines without bullet.
    pub lines: Vec<String>,
}

/// How a stream is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip (or deflate in zip) at a libdeflate level, 1 to 12.
    Gzip(u8),
    /// xz preset 0 to 9.
    Xz(u8),
    /// zstd level 1 to 19.
    Zstd(u8),
}

/// Settings that only deb has. Relations are deb's own words, checked by `formats::deb::relations`.
#[derive(Debug, Clone)]
pub struct Deb {
    /// Of `data.tar`; `control.tar` has gzip unless this is xz or none.
    pub compression: Fact<Compression>,
    /// `debian-12` …; none means all that are supported.
    pub distribution: Option<Fact<String>>,
    /// Section.
    pub section: String,
    /// Priority.
    pub priority: String,
    /// Source package.
    pub source: Option<Fact<String>>,
    /// Essential.
    pub essential: bool,
    /// Multi-Arch.
    pub multi_arch: Option<Fact<String>>,
    /// Relations by field name (`Pre-Depends`, `Depends` …), as typed, without what ELF files need.
    pub relations: BTreeMap<&'static str, Vec<Fact<String>>>,
    /// Other control fields.
    pub fields: BTreeMap<String, Fact<String>>,
    /// Soname -> relation, over the table.
    pub libraries: BTreeMap<String, Fact<String>>,
    /// Derive Depends from ELF files.
    pub auto_depends: bool,
    /// Lines of the triggers file.
    pub triggers: Vec<Fact<String>>,
}

/// Settings that only rpm has. Relations are rpm's own words, checked by `formats::rpm::relations`.
#[derive(Debug, Clone)]
pub struct Rpm {
    /// Of the payload.
    pub compression: Fact<Compression>,
    /// `el-9` …; none means all that are supported.
    pub distribution: Option<Fact<String>>,
    /// 4 or 6.
    pub format_version: u8,
    /// Group tag.
    pub group: String,
    /// Packager tag.
    pub packager: String,
    /// Relations by kind (`Requires`, `Requires(pre)`, `Provides` …), as typed.
    pub relations: BTreeMap<&'static str, Vec<Fact<String>>>,
    /// Derive Requires and Provides from ELF files.
    pub auto_requires: bool,
    /// Relocatable prefixes.
    pub prefixes: Vec<Fact<String>>,
}

/// Settings of the tarball.
#[derive(Debug, Clone)]
pub struct Tarball {
    /// Of the whole.
    pub compression: Fact<Compression>,
}

/// Settings of the zip.
#[derive(Debug, Clone)]
pub struct Zip {
    /// Of each file: `Gzip` (deflate) or `None`.
    pub compression: Fact<Compression>,
}

/// Settings of the image, in words of the OCI image configuration.
#[derive(Debug, Clone)]
pub struct Image {
    /// Of the layers.
    pub compression: Fact<Compression>,
    /// What it stands on.
    pub base: Fact<Base>,
    /// What was found there; filled before the Plan is complete, none for scratch.
    pub resolved_base: Option<ResolvedBase>,
    /// Repository name for `load`.
    pub repository: Fact<String>,
    /// Tag as typed; the version made legal if unset.
    pub tag: Option<Fact<String>>,
    /// `uid:gid`, numeric; empty means root.
    pub user: String,
    /// Exec form; none keeps the base's.
    pub entrypoint: Option<Vec<String>>,
    /// Exec form; none keeps the base's.
    pub cmd: Option<Vec<String>>,
    /// `NAME` -> value.
    pub env: BTreeMap<String, String>,
    /// `80/tcp`.
    pub ports: BTreeSet<String>,
    /// Volumes.
    pub volumes: BTreeSet<String>,
    /// Working directory.
    pub working_dir: Option<String>,
    /// Stop signal.
    pub stop_signal: String,
    /// Health check.
    pub health_check: Option<HealthCheck>,
    /// Labels besides the `org.opencontainers.image` ones.
    pub labels: BTreeMap<String, String>,
    /// Annotations besides the `org.opencontainers.image` ones.
    pub annotations: BTreeMap<String, String>,
}

/// What an image stands on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Base {
    /// Nothing.
    Scratch,
    /// An OCI layout folder, and which reference of it.
    Layout(PathBuf, Option<String>),
    /// A tar of an OCI layout, and which reference of it.
    Archive(PathBuf, Option<String>),
}

/// A base image: its metadata read, its layers named as content and not yet read.
#[derive(Debug, Clone)]
pub struct ResolvedBase {
    /// Its name, as its own index has it or as typed.
    pub name: String,
    /// Digest of its manifest, `sha256:…`.
    pub digest: String,
    /// Its image configuration, JSON as found.
    pub config: Arc<[u8]>,
    /// Lowest first.
    pub layers: Vec<BaseLayer>,
}

/// One layer of a base image.
#[derive(Debug, Clone)]
pub struct BaseLayer {
    /// The packed bytes.
    pub source: Source,
    /// Media type, in OCI's words.
    pub media_type: String,
    /// What its manifest says that the SHA-256 of the packed bytes is; checked before a byte is written.
    pub sha256: [u8; 32],
}

/// Health check of an image; times in nanoseconds, 0 means the engine's default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthCheck {
    /// Exec form.
    pub command: Vec<String>,
    /// Between checks.
    pub interval_ns: u64,
    /// For one check.
    pub timeout_ns: u64,
    /// Before failures count.
    pub start_period_ns: u64,
    /// Failures in a row; 0 means the engine's default.
    pub retries: u32,
}

/// What a format can carry: planning reads it, so that a refusal comes before packing.
#[derive(Debug, Clone, Copy)]
pub struct Abilities {
    /// Owners.
    pub owners: bool,
    /// File capabilities.
    pub capabilities: bool,
    /// Hard links.
    pub hardlinks: bool,
    /// Paths that are owned and not contained.
    pub ghosts: bool,
    /// Which scripts it takes.
    pub dialect: Dialect,
    /// Largest file in bytes.
    pub largest_file: u64,
}
