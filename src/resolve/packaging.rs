//! Settings that only one format has, resolved, and what a format can carry.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::identity::Fact;
use super::lifecycle::Dialect;
use crate::store::registry::ImageName;

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
#[derive(Debug, Clone, PartialEq, Eq)]
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rpm {
    /// Of the payload.
    pub compression: Fact<Compression>,
    /// `el-9` …; none means all that are supported.
    pub distribution: Option<Fact<String>>,
    /// 4 or 6.
    pub format_version: u8,
    /// Group tag.
    pub group: Fact<String>,
    /// Packager tag.
    pub packager: Fact<String>,
    /// Relations by kind (`Requires`, `Requires(pre)`, `Provides` …), as typed.
    pub relations: BTreeMap<&'static str, Vec<Fact<String>>>,
    /// Derive Requires and Provides from ELF files.
    pub auto_requires: bool,
    /// Relocatable prefixes.
    pub prefixes: Vec<Fact<String>>,
}

/// Settings of the tarball.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tarball {
    /// Of the whole.
    pub compression: Fact<Compression>,
}

/// Settings of the zip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zip {
    /// Of each file: `Gzip` (deflate) or `None`.
    pub compression: Fact<Compression>,
}

/// Settings of the image, in words of the OCI image configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Of the layers.
    pub compression: Fact<Compression>,
    /// What it stands on.
    pub base: Fact<Base>,
    /// Repository name for `load`.
    pub repository: Fact<String>,
    /// Tag as typed; the version made legal if unset.
    pub tag: Option<Fact<String>>,
    /// `uid:gid`, numeric; none means root.
    pub user: Option<Fact<String>>,
    /// Exec form; none keeps the base's.
    pub entrypoint: Option<Vec<String>>,
    /// Exec form; none keeps the base's.
    pub cmd: Option<Vec<String>>,
    /// `NAME` -> value.
    pub env: BTreeMap<String, Fact<String>>,
    /// `80/tcp`; sorted, each once.
    pub ports: Vec<Fact<String>>,
    /// Volumes; sorted, each once.
    pub volumes: Vec<Fact<String>>,
    /// Working directory.
    pub working_dir: Option<Fact<String>>,
    /// Stop signal.
    pub stop_signal: String,
    /// Health check.
    pub health_check: Option<HealthCheck>,
    /// Labels besides the `org.opencontainers.image` ones.
    pub labels: BTreeMap<String, Fact<String>>,
    /// Annotations besides the `org.opencontainers.image` ones.
    pub annotations: BTreeMap<String, Fact<String>>,
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
    /// An image of a registry.
    Image(ImageName),
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
    /// File capabilities, by itself: see [`Abilities::sets_capabilities`].
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

impl Abilities {
    /// Whether a script of the package sets the file capabilities that the format itself has no place for.
    pub fn sets_capabilities(&self) -> bool {
        !self.capabilities && self.dialect == Dialect::Deb
    }
}
