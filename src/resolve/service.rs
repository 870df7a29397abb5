//! A service with all its facts: what every unit, script and image is made from.
//!
//! These are types; `read` fills them from the config and the preset, `assemble::service` turns them into files.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::Origin;

pub use crate::config::schema::{Hardening, Init, NotifyAccess, OnUpgrade, Restart, Vm};

pub mod node;
pub(super) mod read;

use node::Node;
pub(crate) use read::LAUNCHER_COMMANDS;

/// Something that the host starts and stops.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Unit name without suffix; ends with `@` for a template unit.
    pub name: String,
    /// One line.
    pub description: String,
    /// Program (absolute) and arguments.
    pub exec: Vec<String>,
    /// How it is asked to read its configuration again.
    pub reload: Option<Reload>,
    /// Account that it runs as.
    pub user: String,
    /// Group that it runs as.
    pub group: String,
    /// Further groups.
    pub groups: Vec<String>,
    /// File with `NAME=value` lines on the host.
    pub env_file: Option<String>,
    /// Variables, those that the preset needs on a host included.
    pub env: BTreeMap<String, String>,
    /// Variables of the config alone.
    pub typed_env: BTreeMap<String, String>,
    /// Secrets by variable.
    pub secrets: BTreeMap<String, Secret>,
    /// What it may write, by kind.
    pub directories: Directories,
    /// Further paths that it may write.
    pub write: Vec<String>,
    /// Folder that it starts in.
    pub working_dir: String,
    /// When systemd starts it again.
    pub restart: Restart,
    /// Milliseconds before that.
    pub restart_delay: u64,
    /// Start at boot.
    pub enable: bool,
    /// Start at installation.
    pub start: bool,
    /// What an upgrade does to it.
    pub on_upgrade: OnUpgrade,
    /// Signal that asks it to stop.
    pub stop_signal: String,
    /// Milliseconds that it may take to stop.
    pub stop_timeout: u64,
    /// Milliseconds that it may take to start.
    pub start_timeout: u64,
    /// When it counts as started.
    pub ready: Ready,
    /// What it may use.
    pub limits: Limits,
    /// Ports that it listens on.
    pub ports: Vec<Port>,
    /// Units that it starts after.
    pub after: Vec<String>,
    /// Units that are started along.
    pub wants: Vec<String>,
    /// Units without which it does not run.
    pub requires: Vec<String>,
    /// How much is kept from it.
    pub hardening: Hardening,
    /// Which of its processes may tell systemd how it is, where the config says so.
    pub notify_access: Option<NotifyAccess>,
    /// The virtual machine that runs it: memory must be allowed to become executable.
    pub vm: Option<Vm>,
    /// File for standard output and error.
    pub log_file: Option<String>,
    /// Started at times.
    pub timer: Option<Timer>,
    /// Started by connections.
    pub socket: Option<Socket>,
    /// Scripts of the user by moment.
    pub hooks: BTreeMap<Moment, Vec<UserScript>>,
    /// Further commands of the launcher.
    pub commands: BTreeMap<String, Command>,
    /// Files that are filled at each start.
    pub configure: Vec<Configure>,
    /// Init scripts that are wanted.
    pub init: BTreeSet<Init>,
    /// Drop-ins: file name and content.
    pub drop_ins: BTreeMap<String, String>,
    /// Lines of the unit by section.
    pub unit: BTreeMap<String, Vec<(String, String)>>,
    /// Where its start/stop script lies on the host.
    pub launcher: String,
    /// Name of the launcher on the PATH, absolute.
    pub command: Option<String>,
    /// The Erlang node that it is: its launcher starts it, and makes ready what it needs.
    pub node: Option<Node>,
    /// Where the config asks for it.
    pub origin: Origin,
}

impl Service {
    /// `hello.service`
    pub fn unit_name(&self) -> String {
        format!("{}.service", self.name)
    }

    /// Whether it is a template unit, of which the administrator starts instances.
    pub fn is_template(&self) -> bool {
        self.name.ends_with('@')
    }

    /// The unit that is enabled and started in its place: its timer or its socket, if it has one.
    pub fn entry_unit(&self) -> String {
        match (&self.timer, &self.socket) {
            (Some(_), _) => format!("{}.timer", self.name),
            // One socket starts all instances.
            (None, Some(socket)) if socket.accept => format!("{}.socket", self.name.trim_end_matches('@')),
            (None, Some(_)) => format!("{}.socket", self.name),
            (None, None) => self.unit_name(),
        }
    }

    /// Whether only its main process gets the stop signal; it ends its children itself.
    pub fn stops_its_children(&self) -> bool {
        self.vm == Some(Vm::Beam)
    }

    /// Its first state directory, else `/`.
    pub fn home(&self) -> &str {
        self.directories.state.first().map_or("/", String::as_str)
    }

    /// Whether it has a start/stop script: of a template unit only what its units call.
    pub fn has_launcher(&self) -> bool {
        let called = !self.hooks.is_empty() || matches!(self.ready, Ready::Port(_));
        !self.is_template() || called || !self.commands.is_empty()
    }

    /// Whether something must be made ready before the program starts, which its launcher does.
    pub fn is_prepared(&self) -> bool {
        let moments = [Moment::PreConfigure, Moment::PostConfigure];
        !self.configure.is_empty()
            || self.node.is_some()
            || self.secrets.values().any(|secret| secret.in_environment)
            || moments.iter().any(|moment| self.hooks.contains_key(moment))
    }

    /// What starts it: the program itself, or the launcher that makes things ready and then becomes the program.
    pub fn started_by(&self) -> Vec<String> {
        if self.is_prepared() { vec![self.launcher.clone(), "run".to_owned()] } else { self.exec.clone() }
    }
}

/// How a service is asked to read its configuration again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reload {
    /// By a program and its arguments.
    Exec(Vec<String>),
    /// By a signal.
    Signal(String),
}

/// A secret of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    /// File on the host.
    pub file: String,
    /// The variable holds the content; else `NAME_FILE` holds a path.
    pub in_environment: bool,
    /// Made at installation, if it is not there.
    pub generate: bool,
}

/// Directories of a service, absolute paths.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Directories {
    /// Outlive upgrades; the first is the home.
    pub state: Vec<String>,
    /// May be emptied.
    pub cache: Vec<String>,
    /// Hold its own log files.
    pub logs: Vec<String>,
    /// Live as long as it runs.
    pub runtime: Vec<String>,
    /// Hold its configuration; not written.
    pub config: Vec<String>,
}

impl Directories {
    /// Those that it writes and that are there before it starts, in the order of kinds.
    pub fn lasting(&self) -> impl Iterator<Item = &String> {
        self.state.iter().chain(&self.cache).chain(&self.logs)
    }

    /// All that it writes.
    pub fn written(&self) -> impl Iterator<Item = &String> {
        self.lasting().chain(&self.runtime)
    }
}

/// When a service counts as started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ready {
    /// Its program runs.
    Exec,
    /// It says so by `sd_notify(3)`.
    Notify,
    /// It listens on this TCP port.
    Port(u16),
}

/// What a service may use, in systemd's own words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Limits {
    /// `LimitNOFILE`
    pub open_files: Option<u32>,
    /// `TasksMax`
    pub tasks: Option<u32>,
    /// `MemoryMax`
    pub memory: Option<String>,
    /// `CPUQuota`
    pub cpu: Option<String>,
}

/// A port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Port {
    /// Number.
    pub number: u16,
    /// `tcp`, `udp`, `sctp`
    pub protocol: String,
}

/// Starts a service at times: systemd.timer(5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timer {
    /// `OnCalendar`
    pub on_calendar: Vec<String>,
    /// `OnBootSec`
    pub on_boot: Option<String>,
    /// `OnUnitActiveSec`
    pub on_active: Option<String>,
    /// `Persistent`
    pub persistent: bool,
    /// `RandomizedDelaySec`
    pub randomized_delay: Option<String>,
}

/// Starts a service by connections: systemd.socket(5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Socket {
    /// `ListenStream`
    pub stream: Vec<String>,
    /// `ListenDatagram`
    pub datagram: Vec<String>,
    /// `SocketMode`
    pub mode: Option<u32>,
    /// `Accept`
    pub accept: bool,
}

/// A moment in the life of a service at which scripts of the user run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moment {
    /// Before `configure` is filled.
    PreConfigure,
    /// After it.
    PostConfigure,
    /// Before the program starts.
    PreStart,
    /// When it is ready.
    PostStart,
    /// Before it is asked to stop.
    PreStop,
    /// When it has stopped.
    PostStop,
    /// Before the package is upgraded.
    PreUpgrade,
    /// After the package was upgraded, before the restart.
    PostUpgrade,
}

impl Moment {
    /// All, in order.
    pub const ALL: [Self; 8] = [
        Self::PreConfigure,
        Self::PostConfigure,
        Self::PreStart,
        Self::PostStart,
        Self::PreStop,
        Self::PostStop,
        Self::PreUpgrade,
        Self::PostUpgrade,
    ];

    /// As the config spells it: `pre-start`.
    pub fn word(self) -> &'static str {
        match self {
            Self::PreConfigure => "pre-configure",
            Self::PostConfigure => "post-configure",
            Self::PreStart => "pre-start",
            Self::PostStart => "post-start",
            Self::PreStop => "pre-stop",
            Self::PostStop => "post-stop",
            Self::PreUpgrade => "pre-upgrade",
            Self::PostUpgrade => "post-upgrade",
        }
    }
}

/// A script of the user, as it is packaged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserScript {
    /// Its text, which begins with `#!`.
    pub text: String,
    /// Where it came from.
    pub origin: Origin,
}

/// A further command of the launcher.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// For `help`.
    pub about: String,
    /// What it runs.
    pub run: Run,
}

/// What a command runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Run {
    /// A script of the user.
    Script(UserScript),
    /// A program on the host and its first arguments.
    Exec(Vec<String>),
}

/// A file that is filled at each start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Configure {
    /// With `${NAME}`, on the host.
    pub from: String,
    /// Filled, on the host.
    pub to: String,
    /// Permission bits.
    pub mode: u32,
}
