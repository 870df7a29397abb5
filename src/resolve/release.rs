//! What resolving leaves: everything that planning needs for one target.

use std::path::PathBuf;

use super::account::Account;
use super::holes::Holes;
use super::identity::{Change, Fact, Identity, Target};
use super::lifecycle::Lifecycle;
use super::own::Kept;
use super::packaging::{Abilities, Deb, Image, Rpm, Tarball, Zip};
use super::service::Service;
use crate::diagnostic::Origin;
use crate::template::Templates;

/// Everything that planning needs for one target.
#[derive(Debug, Clone)]
pub struct Release {
    /// Folder of the config file: relative paths start here.
    pub project: PathBuf,
    /// Folders that the artifacts of this run are written to; none where nothing is written.
    pub output: Vec<PathBuf>,
    /// What is never taken with a folder.
    pub kept: Kept,
    /// Who and what.
    pub identity: Identity,
    /// For which machines; `independent` is false until the ELF files are known.
    pub target: Target,
    /// The overlay.
    pub environment: Option<String>,
    /// Seconds since 1970.
    pub clock: i64,
    /// Names of the formats to make, in the order of the list of formats, with what each can carry.
    pub formats: Vec<(&'static str, Abilities)>,
    /// What goes where: the preset's rules first, then the config's, in order.
    pub rules: Vec<Rule>,
    /// Sonames to copy in.
    pub bundle: Vec<Fact<String>>,
    /// Where bundled libraries go: `PREFIX/lib`.
    pub prefix: String,
    /// Values of `{name}` holes.
    pub holes: Holes,
    /// Change log, newest first, at least one record.
    pub changelog: Vec<Change>,
    /// Text of the licence file, if one was named or found.
    pub license_text: Option<String>,
    /// Lines of lintian overrides: (tag, reason).
    pub lintian_overrides: Vec<(String, String)>,
    /// Scripts and triggers as typed steps.
    pub lifecycle: Lifecycle,
    /// What scripts and units are made from.
    pub templates: Templates,
    /// What the host starts and stops.
    pub services: Vec<Service>,
    /// System accounts that the package makes, by name.
    pub accounts: Vec<Account>,
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

/// One rule of what goes where, from the config or a preset.
#[derive(Debug, Clone)]
pub struct Rule {
    /// What.
    pub take: Take,
    /// Absolute path on the host; a trailing `/` means "into this folder".
    pub to: String,
    /// Globs relative to the folder that is taken.
    pub exclude: Vec<Fact<String>>,
    /// What kind of file.
    pub role: Role,
    /// Owner as typed, if any.
    pub owner: Option<Fact<String>>,
    /// Mode of files, if any.
    pub mode: Option<Fact<u32>>,
    /// Mode of directories of a tree, if any.
    pub dir_mode: Option<Fact<u32>>,
    /// File capabilities.
    pub capabilities: Option<String>,
    /// Fill holes of the content.
    pub render: bool,
    /// May take paths from earlier rules.
    pub replace: bool,
    /// Layer group; none means: by role and preset default (`Application`).
    pub churn: Churn,
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

/// What the formats should know of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
