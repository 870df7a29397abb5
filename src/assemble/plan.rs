//! The Plan: what would be in the packages of one target, decided once for all formats.
//!
//! Enters: nothing, these are types. `fitout plan` prints a Plan, `build` consumes it, so they cannot drift. A Plan names
//! sources and holds no content but what fitout made itself.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::diagnostic::Origin;
use crate::template::Templates;

pub use super::sources::{Content, Source, SourceId, Sources, Stat};
pub use crate::resolve::account::Account;
pub use crate::resolve::identity::{Arch, Change, Fact, Identity, Replaced, Target, Version};
pub use crate::resolve::lifecycle::{Dialect, Lifecycle, RpmTrigger, Script, Step};
pub use crate::resolve::packaging::{Abilities, Base, Compression, Deb, HealthCheck, Image, Rpm, Tarball, Zip};
pub use crate::resolve::release::{Churn, Role};
pub use crate::resolve::service::Service;

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
    /// What scripts are made from.
    pub templates: Templates,
    /// What the host starts and stops.
    pub services: Vec<Service>,
    /// System accounts that the package makes, by name.
    pub accounts: Vec<Account>,
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
    /// What was found at the image's base; none for scratch.
    pub base: Option<ResolvedBase>,
}

impl Plan {
    /// The entries of one format, in path order.
    pub fn entries_for<'a>(&'a self, format: &str) -> impl Iterator<Item = &'a Entry> + Clone + use<'a> {
        let set = self.format_set(format);
        self.entries.iter().filter(move |e| e.formats.intersects(set))
    }

    /// The set that holds just this format; the empty set if the run does not make it.
    pub fn format_set(&self, format: &str) -> FormatSet {
        self.formats.iter().position(|f| *f == format).map_or(FormatSet::EMPTY, FormatSet::only)
    }
}

/// A set of the formats of one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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

impl Entry {
    /// An entry of root in all formats, with nothing special about it.
    pub fn of_root(path: &str, kind: Kind, mode: u32, origin: Origin) -> Self {
        let origin = Arc::new(origin);
        Self {
            path: path.into(),
            kind,
            owner: Owner::root(),
            mode,
            capabilities: None,
            role: Role::Plain,
            churn: Churn::Application,
            formats: FormatSet::ALL,
            origin: Arc::clone(&origin),
            owner_origin: Arc::clone(&origin),
            mode_origin: origin,
        }
    }
}

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
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

/// To whom an entry belongs: names for the formats that carry names, numbers for those that carry numbers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
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

impl Owner {
    /// root:root
    pub fn root() -> Self {
        Self { user: "root".into(), uid: 0, group: "root".into(), gid: 0 }
    }
}

/// What the ELF files of the tree say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ElfFacts {
    /// Every ELF file, by path on the host.
    pub files: BTreeMap<Arc<str>, ElfFile>,
    /// First line without `#!` of every script with an x bit, by path on the host.
    pub shebangs: BTreeMap<Arc<str>, String>,
}

/// One ELF file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    /// `DT_RPATH` parts, `$ORIGIN` kept: where the loader looks for what the file needs and for what its libraries need,
    /// unless there is a `DT_RUNPATH`.
    pub rpath: Vec<String>,
    /// `DT_RUNPATH` parts, `$ORIGIN` kept: where the loader looks for what the file itself needs.
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
    /// fitout has put the folder of a bundled library on its run path: the file on the builder has another one.
    pub led: bool,
    /// A library of `bundle`: it serves this package only.
    pub bundled: bool,
    /// Sonames that the loader finds in the package's own folder of bundled libraries: no need of the host's.
    pub served: BTreeSet<String>,
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
