//! What must happen at which moment of a package's life, as typed steps.

use std::sync::Arc;

use super::identity::Fact;
use crate::diagnostic::Origin;

pub use crate::config::schema::OnUpgrade;

/// What must happen at which moment of a package's life, as typed steps; `maintainer.rs` says them in a dialect.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lifecycle {
    /// In order.
    pub steps: Vec<Step>,
}

impl Lifecycle {
    /// Whether a script sets file capabilities, so that `setcap` must be there.
    pub fn sets_capabilities(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::Capabilities { .. }))
    }
}

impl Lifecycle {
    /// The units, in order.
    pub fn units(&self) -> impl Iterator<Item = &Unit> {
        self.steps.iter().filter_map(|step| if let Step::Unit(unit) = step { Some(unit) } else { None })
    }
}

/// One step of the [`Lifecycle`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A config file of older versions has another place now, or none: what the administrator changed goes along.
    Moved(Moved),
    /// The accounts of the plan exist, before anything is owned by them.
    Accounts,
    /// What services write exists, with its owner.
    Directories {
        /// By path.
        directories: Vec<Directory>,
    },
    /// A file belongs to an account that the package makes, for a format that is unpacked before the account exists.
    Own {
        /// Where on the host.
        path: Arc<str>,
        /// `user:group`
        owner: String,
        /// Permission bits, which a change of owner may have cleared.
        mode: u32,
        /// A config file: what the administrator made of it stays.
        config: bool,
    },
    /// A random secret is made, if it is not there; only root reads it.
    Secret {
        /// Where on the host.
        file: String,
    },
    /// A script of the user at a moment of the package's life, in every dialect.
    User {
        /// When.
        moment: Moment,
        /// A shell script.
        script: Script,
    },
    /// A hook of a service runs at an upgrade.
    Hook {
        /// The launcher that runs it.
        launcher: String,
        /// Before the files change; else after.
        before: bool,
    },
    /// A unit is enabled, started, restarted, stopped.
    Unit(Unit),
    /// What a purge removes besides the package's own files.
    Purge {
        /// Directories and files on the host.
        paths: Vec<String>,
        /// Log files of `paths` in folders of others, which have rotated ones beside them.
        logs: Vec<String>,
    },
    /// File capabilities of a path for a format that cannot carry them: a script sets them once the file is there.
    Capabilities {
        /// Where on the host.
        path: Arc<str>,
        /// As setcap(8) takes them.
        capabilities: Arc<str>,
    },
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

/// A directory that a service writes and that outlives its runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    /// Where on the host.
    pub path: String,
    /// Account of the service.
    pub user: String,
    /// Group of the service.
    pub group: String,
    /// Permission bits.
    pub mode: u32,
}

/// A config file that this version renames or drops.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// As older versions had it.
    pub from: String,
    /// Where it is now; none if it is gone.
    pub to: Option<String>,
    /// The first version without the old one.
    pub since: String,
}

/// A moment of a package's life, the same in every dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moment {
    /// Before the files of a first installation are there.
    BeforeInstall,
    /// After a first installation, before services start.
    AfterInstall,
    /// Before the files of an upgrade are there.
    BeforeUpgrade,
    /// After an upgrade, before services restart.
    AfterUpgrade,
    /// Before removal, while services still run.
    BeforeRemove,
    /// After removal.
    AfterRemove,
    /// After configuration and state were removed, where the package manager knows that.
    AfterPurge,
}

impl Moment {
    /// As the config spells it.
    pub fn word(self) -> &'static str {
        match self {
            Self::BeforeInstall => "before-install",
            Self::AfterInstall => "after-install",
            Self::BeforeUpgrade => "before-upgrade",
            Self::AfterUpgrade => "after-upgrade",
            Self::BeforeRemove => "before-remove",
            Self::AfterRemove => "after-remove",
            Self::AfterPurge => "after-purge",
        }
    }
}

/// What happens to a unit over the package's life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// With suffix: `hello.service`.
    pub name: String,
    /// Enabled at the first installation.
    pub enable: bool,
    /// It has an `[Install]` section, so that an administrator can enable and disable it. What a timer or a socket starts
    /// has none.
    pub installable: bool,
    /// Started at the first installation.
    pub start: bool,
    /// At an upgrade.
    pub on_upgrade: OnUpgrade,
    /// A template unit: only its instances run.
    pub template: bool,
    /// Launcher of its service.
    pub launcher: String,
}

impl Unit {
    /// What happens to it, as a person says it.
    pub fn in_words(&self) -> String {
        let enabled = if self.enable { "enabled" } else { "not enabled" };
        let started = if self.start { "started at installation" } else { "not started at installation" };
        let upgrade = match self.on_upgrade {
            OnUpgrade::Restart => "restarted by an upgrade",
            OnUpgrade::Reload => "reloaded by an upgrade",
            OnUpgrade::Nothing => "left alone by an upgrade",
            OnUpgrade::Hot => "given the new code by an upgrade, or restarted",
        };
        format!("{enabled}, {started}, {upgrade}")
    }
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
    pub on: Vec<Fact<String>>,
    /// Order of file triggers.
    pub priority: u32,
}
