//! What must happen at which moment of a package's life, as typed steps.

use std::sync::Arc;

use super::identity::Fact;
use crate::diagnostic::Origin;

/// A service; the service issue gives it its fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Unit name without suffix.
    pub name: String,
}

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

/// One step of the [`Lifecycle`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
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
