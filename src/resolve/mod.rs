//! Manifest -> Release: all facts of one target known, no defaults left; the manifest is dropped.

pub mod clock;
pub mod environment;
pub mod preset;
pub mod target;
pub mod version;

use std::path::PathBuf;

use crate::assemble::plan;
use crate::diagnostic::Origin;

/// Everything that [`crate::assemble`] needs for one target.
#[derive(Debug, Clone)]
pub struct Release {
    /// Folder of the config file: relative paths start here.
    pub project: PathBuf,
    /// Who and what.
    pub identity: plan::Identity,
    /// For which machines; `independent` is false until the ELF files are known.
    pub target: plan::Target,
    /// The overlay.
    pub environment: Option<String>,
    /// Seconds since 1970.
    pub clock: i64,
    /// Names of the formats to make, in the order of the list of formats, with what each can carry.
    pub formats: Vec<(&'static str, plan::Abilities)>,
    /// What goes where: the preset's rules first, then the config's, in order.
    pub rules: Vec<Rule>,
    /// Sonames to copy in.
    pub bundle: Vec<plan::Fact<String>>,
    /// Where bundled libraries go: `PREFIX/lib`.
    pub prefix: String,
    /// Values of `{name}` holes.
    pub holes: std::collections::BTreeMap<String, String>,
    /// Change log, newest first, at least one record.
    pub changelog: Vec<plan::Change>,
    /// Text of the licence file, if one was named or found.
    pub license_text: Option<String>,
    /// Lines of lintian overrides: (tag, reason).
    pub lintian_overrides: Vec<(String, String)>,
    /// Scripts and triggers as typed steps.
    pub lifecycle: plan::Lifecycle,
    /// Services.
    pub services: Vec<plan::Service>,
    /// Settings that only deb has.
    pub deb: plan::Deb,
    /// Settings that only rpm has.
    pub rpm: plan::Rpm,
    /// Settings of the tarball.
    pub tarball: plan::Tarball,
    /// Settings of the zip.
    pub zip: plan::Zip,
    /// Settings of the image.
    pub image: plan::Image,
}

/// One rule of what goes where, from the config or a preset.
#[derive(Debug, Clone)]
pub struct Rule {
    /// What.
    pub take: Take,
    /// Absolute path on the host; a trailing `/` means "into this folder".
    pub to: String,
    /// Globs relative to the folder that is taken.
    pub exclude: Vec<plan::Fact<String>>,
    /// What kind of file.
    pub role: plan::Role,
    /// Owner as typed, if any.
    pub owner: Option<plan::Fact<String>>,
    /// Mode of files, if any.
    pub mode: Option<plan::Fact<u32>>,
    /// Mode of directories of a tree, if any.
    pub dir_mode: Option<plan::Fact<u32>>,
    /// File capabilities.
    pub capabilities: Option<String>,
    /// Fill holes of the content.
    pub render: bool,
    /// May take paths from earlier rules.
    pub replace: bool,
    /// Layer group; none means: by role and preset default (`Application`).
    pub churn: plan::Churn,
    /// Only these formats; none means all.
    pub when: Option<Vec<String>>,
    /// Which rule or preset.
    pub origin: Origin,
    /// Place of `from` (or `link`, `text`) for messages.
    pub take_origin: Origin,
    /// Place of `to` for messages.
    pub to_origin: Origin,
}

/// What a [`Rule`] takes.
#[derive(Debug, Clone)]
pub enum Take {
    /// A file, a folder or a glob, relative to the project (or absolute from a preset).
    Path(String),
    /// A symbolic link with this target.
    Link(String),
    /// A file with this content.
    Text(String),
    /// An empty directory.
    Directory,
}
