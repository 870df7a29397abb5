//! `[[service]]` and `[[account]]`: what runs on the host, as whom, and what it may touch.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::{At, Node, Text, Texts};

/// `[[service]]`: something that the host starts and stops; the preset fills what is not set.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[schemars(title = "[[service]]")]
pub struct Service {
    /// Name of the unit without suffix; the package's unless set. A name that ends with `@` makes a template unit.
    pub name: Option<Text>,
    /// What it is, in a few words; the package's summary unless set.
    pub description: Option<Text>,
    /// Program (an absolute path) and its arguments, as a list; the preset may know it.
    pub exec: Option<Texts>,
    /// Program and arguments that make it read its configuration again, which the launcher of an OTP release does by itself; it
    /// gets `SIGHUP` if `reload-signal` is set instead.
    pub reload: Option<Texts>,
    /// Signal that makes it read its configuration again, such as `SIGHUP`.
    pub reload_signal: Option<Text>,
    /// Account that it runs as; the package's name unless set. `root` is possible and reported by lint.
    pub user: Option<Text>,
    /// Group that it runs as; the user's own unless set.
    pub group: Option<Text>,
    /// Further groups that it runs with.
    pub groups: Texts,
    /// File on the host with `NAME=value` lines, such as `/etc/NAME/env`; it may be absent.
    pub env_file: Option<Text>,
    /// Environment variables; never a secret.
    pub env: BTreeMap<String, Text>,
    /// Secrets by variable: each comes from a file on the host that only root reads.
    pub secrets: BTreeMap<String, At<Secret>>,
    /// Directories that it writes and that outlive upgrades; `/var/lib/NAME` unless set. The first is its home.
    pub state: Option<Texts>,
    /// Directories that it writes and that may be emptied, such as `/var/cache/NAME`.
    pub cache: Texts,
    /// Directories that it writes its own log files to, such as `/var/log/NAME`.
    pub logs: Texts,
    /// Directories that live as long as it runs, such as `/run/NAME`.
    pub runtime: Texts,
    /// Directories with its configuration, such as `/etc/NAME`; it may read and not write them.
    pub config: Texts,
    /// Further paths that it may write.
    pub write: Texts,
    /// Folder that it starts in; its home unless set.
    pub working_dir: Option<Text>,
    /// When systemd starts it again: its own words. `on-failure` unless set.
    pub restart: Option<At<Restart>>,
    /// Time before it is started again, such as `5s`; this and every other time in the words of systemd.time(7).
    pub restart_delay: Option<Text>,
    /// Start it at boot. On unless set.
    pub enable: Option<bool>,
    /// Start it when the package is installed. On unless set.
    pub start: Option<bool>,
    /// What an upgrade of the package does to it while it runs; `restart` unless set.
    pub on_upgrade: Option<At<OnUpgrade>>,
    /// Signal that asks it to stop; `SIGTERM` unless set.
    pub stop_signal: Option<Text>,
    /// Time that it may take to stop, such as `30s`.
    pub stop_timeout: Option<Text>,
    /// Time that it may take to be ready, such as `90s` or `10min`.
    pub start_timeout: Option<Text>,
    /// When it counts as started: `exec` (the program runs), `notify` (it says so by `sd_notify`), or `{ port = 8080 }` (it
    /// listens on that TCP port). An Erlang node has always started when its applications have.
    pub ready: Option<At<Ready>>,
    /// Which of its processes may tell systemd by `sd_notify` how it is: `main` where `ready = "notify"` or the service is an Erlang
    /// node, none otherwise, unless set.
    pub notify_access: Option<At<NotifyAccess>>,
    /// The virtual machine that runs it, which is left what it needs: `beam` for a release of `preset = "otp"`, none otherwise,
    /// unless set.
    pub vm: Option<At<Vm>>,
    /// What it may use.
    pub limits: Limits,
    /// Ports that it listens on, such as `443` or `53/udp`. Below 1024 it gets the capability to.
    pub ports: Texts,
    /// Units that it starts after, such as `postgresql.service`; `network-online.target` is there already.
    pub after: Texts,
    /// Units that are started along, if they exist.
    pub wants: Texts,
    /// Units without which it does not run.
    pub requires: Texts,
    /// How much of the system is kept from it; `strict` unless set.
    pub hardening: Option<At<Hardening>>,
    /// File that standard output and error go to instead of the journal; logrotate is set up for it.
    pub log_file: Option<Text>,
    /// Starts the service at times instead of at boot.
    pub timer: Option<Timer>,
    /// Starts the service when something connects.
    pub socket: Option<Socket>,
    /// Scripts that run at moments of its life.
    pub hooks: Hooks,
    /// Name of the launcher on the PATH, such as `/usr/bin/NAME-ctl`; an OTP release's first service has `/usr/bin/NAME`.
    pub command: Option<Text>,
    /// Further commands of the launcher: `NAME migrate`.
    pub commands: BTreeMap<String, At<Command>>,
    /// Files whose `${NAME}` are filled from the environment at each start.
    pub configure: Vec<At<Configure>>,
    /// Of an OTP release: the Erlang node that it is.
    pub node: Option<At<Node>>,
    /// Init scripts for hosts without systemd.
    pub init: Vec<At<Init>>,
    /// Files that become drop-ins of the unit: `NAME.service.d/FILE`.
    pub drop_ins: Texts,
    /// Lines that are added to the unit: `[service.unit.Service]` with `Key = "value"` or a list of values.
    pub unit: BTreeMap<String, BTreeMap<String, At<Lines>>>,
}

/// `restart`: systemd.service(5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(title = "restart policy")]
pub enum Restart {
    /// Never.
    No,
    /// After an exit with 0.
    OnSuccess,
    /// After anything else.
    OnFailure,
    /// After a signal or a timeout.
    OnAbnormal,
    /// When the watchdog was not fed.
    OnWatchdog,
    /// After an uncaught signal.
    OnAbort,
    /// Always.
    Always,
}

/// `on-upgrade`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(title = "reaction to an upgrade")]
pub enum OnUpgrade {
    /// It is restarted once, when the new files are there.
    Restart,
    /// It is asked to read its configuration again.
    Reload,
    /// The old one goes on running.
    Nothing,
    /// Of an OTP release: the node takes the new code while it runs, by the `relup` of the release; it is restarted where that
    /// cannot be.
    Hot,
}

impl OnUpgrade {
    /// As the config spells it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Restart => "restart",
            Self::Reload => "reload",
            Self::Nothing => "nothing",
            Self::Hot => "hot",
        }
    }
}

/// `notify-access`: systemd.service(5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(title = "who may notify")]
pub enum NotifyAccess {
    /// The main process.
    Main,
    /// It and those of the unit's other commands.
    Exec,
    /// All, such as the program that a start script runs as its child.
    All,
}

impl NotifyAccess {
    /// As the config and systemd spell it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Main => "main",
            Self::Exec => "exec",
            Self::All => "all",
        }
    }
}

/// `vm`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(title = "virtual machine")]
pub enum Vm {
    /// Erlang's. It makes machine code while it runs, ends its port programs itself, and the shell that starts it may die of the
    /// signal that stops it.
    Beam,
    /// Java's. It makes machine code while it runs, and a signal ends it with 143.
    Jvm,
    /// Any other that makes machine code while it runs, such as Node.js or .NET.
    Jit,
}

/// `hardening`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(title = "hardening level")]
pub enum Hardening {
    /// All that a service without special needs can do without.
    Strict,
    /// What hardly any service misses.
    Basic,
    /// Nothing.
    Off,
}

/// `init`
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(title = "kind of init script")]
pub enum Init {
    /// `/etc/init.d/NAME` with an LSB header.
    Sysv,
    /// `/etc/init.d/NAME` for openrc-run.
    Openrc,
}

/// Where a secret comes from.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(title = "secret")]
pub struct Secret {
    /// File on the host that holds it, such as `/etc/NAME/secrets/KEY`.
    pub file: Text,
    /// How the program gets it: `file` puts the path of a private copy into `NAME_FILE`, `env` its content into `NAME`.
    #[serde(default, rename = "as")]
    pub hand_over: Option<At<HandOver>>,
    /// Make a random one at installation, if the file is not there.
    #[serde(default)]
    pub generate: bool,
}

/// How a program gets a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(title = "way to hand a secret over")]
pub enum HandOver {
    /// `NAME_FILE` holds the path.
    File,
    /// `NAME` holds the content.
    Env,
}

/// When a service counts as started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ready {
    /// `"exec"`, `"notify"`
    Word(String),
    /// `{ port = 8080 }`
    Port(u32),
}

impl<'de> Deserialize<'de> for Ready {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Ready;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("`exec`, `notify` or `{ port = NUMBER }`")
            }
            fn visit_str<E: de::Error>(self, v: &str) -> Result<Ready, E> {
                Ok(Ready::Word(v.to_owned()))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Ready, A::Error> {
                #[derive(Deserialize)]
                #[serde(deny_unknown_fields)]
                struct P {
                    port: u32,
                }
                P::deserialize(de::value::MapAccessDeserializer::new(map)).map(|p| Ready::Port(p.port))
            }
        }
        deserializer.deserialize_any(V)
    }
}

impl JsonSchema for Ready {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Ready".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [
            { "title": "ready", "type": "string", "enum": ["exec", "notify"] },
            { "type": "object", "additionalProperties": false, "required": ["port"],
              "properties": { "port": { "type": "integer", "format": "uint32", "minimum": 0, "description": "TCP port that it listens on." } } },
        ] })
    }
}

/// `"value"` or `["one", "two"]`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lines(pub Vec<String>);

impl<'de> Deserialize<'de> for Lines {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        super::OneOrMany::deserialize(deserializer).map(|lines| Self(lines.0))
    }
}

impl JsonSchema for Lines {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Lines".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }] })
    }
}

/// `[service.limits]`: what it may use; the system's own unless set.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[schemars(title = "[service.limits]")]
pub struct Limits {
    /// Open files and sockets (`LimitNOFILE`).
    pub open_files: Option<At<u32>>,
    /// Threads and processes (`TasksMax`).
    pub tasks: Option<At<u32>>,
    /// Memory (`MemoryMax`), such as `512M`.
    pub memory: Option<Text>,
    /// Processor time (`CPUQuota`), such as `200%` for two cores.
    pub cpu: Option<Text>,
}

/// `[service.timer]`: words of systemd.timer(5).
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[schemars(title = "[service.timer]")]
pub struct Timer {
    /// Times of the calendar, such as `daily` or `Mon 03:00`.
    pub on_calendar: Texts,
    /// Time after boot, such as `10min`.
    pub on_boot: Option<Text>,
    /// Time after the last run began, such as `1h`.
    pub on_active: Option<Text>,
    /// Run once at boot if a time was missed while the host was off.
    pub persistent: bool,
    /// Spread the runs of many hosts over this time.
    pub randomized_delay: Option<Text>,
}

/// `[service.socket]`: words of systemd.socket(5).
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[schemars(title = "[service.socket]")]
pub struct Socket {
    /// What it listens on: a port, an address with port, or an absolute path.
    pub listen_stream: Texts,
    /// The same for datagrams.
    pub listen_datagram: Texts,
    /// Mode of a socket in the file system, such as `"0660"`.
    #[schemars(with = "Option<super::Mode>")]
    pub mode: Option<Text>,
    /// Start one instance for each connection; the service must be a template unit then.
    pub accept: bool,
}

/// `[service.hooks]`: scripts that run at moments of its life, in the order of the list.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[schemars(title = "[service.hooks]")]
pub struct Hooks {
    /// Before the configuration of `configure` is filled.
    pub pre_configure: Vec<At<Hook>>,
    /// After it.
    pub post_configure: Vec<At<Hook>>,
    /// Before the program starts; a failure stops the start.
    pub pre_start: Vec<At<Hook>>,
    /// When it is ready.
    pub post_start: Vec<At<Hook>>,
    /// Before it is asked to stop; systemd hands over no secrets then, nor later.
    pub pre_stop: Vec<At<Hook>>,
    /// When it has stopped.
    pub post_stop: Vec<At<Hook>>,
    /// Before the package is upgraded, with the new version in `$1`.
    pub pre_upgrade: Vec<At<Hook>>,
    /// After the package was upgraded and before it is restarted, with the old version in `$1`, which rpm does not tell.
    pub post_upgrade: Vec<At<Hook>>,
}

/// A script of the user: exactly one of `file` and `text`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[schemars(title = "hook")]
pub struct Hook {
    /// File with the script, relative to the config file.
    pub file: Option<Text>,
    /// The script itself, for `/bin/sh`.
    pub text: Option<Text>,
}

/// A further command of the launcher: exactly one of `file`, `text` and `exec`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[schemars(title = "[service.commands]")]
pub struct Command {
    /// What it does, in a few words, for `help`.
    pub about: Option<Text>,
    /// File with the script, relative to the config file.
    pub file: Option<Text>,
    /// The script itself, for `/bin/sh`.
    pub text: Option<Text>,
    /// Program (an absolute path on the host) and its first arguments.
    pub exec: Option<Texts>,
}

/// A file whose `${NAME}` are filled from the environment at each start.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(title = "[[service.configure]]")]
pub struct Configure {
    /// The file with `${NAME}` and `${NAME:-default}`, on the host.
    pub from: Text,
    /// Where the filled one goes: below a runtime or state directory.
    pub to: Text,
    /// Its mode; `"0600"` unless set.
    #[serde(default)]
    #[schemars(with = "Option<super::Mode>")]
    pub mode: Option<Text>,
}

/// `[[account]]`: a system account that the package makes. A service's user is made without one.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(title = "[[account]]")]
pub struct Account {
    /// Name of the user, and of its group unless `group` is set.
    pub name: Text,
    /// Its own group.
    #[serde(default)]
    pub group: Option<Text>,
    /// Further groups that it belongs to.
    #[serde(default)]
    pub groups: Texts,
    /// Who it is, for passwd(5).
    #[serde(default)]
    pub comment: Option<Text>,
    /// Its home; `/` unless set, or the first state directory of the service that runs as it.
    #[serde(default)]
    pub home: Option<Text>,
    /// Its shell; nologin unless set.
    #[serde(default)]
    pub shell: Option<Text>,
    /// The same number on every host; the host chooses unless set. Images have fixed numbers in any case.
    #[serde(default)]
    pub uid: Option<At<u32>>,
    /// The same number on every host for its group.
    #[serde(default)]
    pub gid: Option<At<u32>>,
}

/// `[package.scripts]`: shell scripts that run at moments of the package's life, on deb, rpm and archives alike.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[schemars(title = "[package.scripts]")]
pub struct Scripts {
    /// File with the script that runs before the files of a first installation are there.
    pub before_install: Option<Text>,
    /// After a first installation, before services start.
    pub after_install: Option<Text>,
    /// Before the files of an upgrade are there; `$1` is the old version.
    pub before_upgrade: Option<Text>,
    /// After an upgrade, before services restart; `$1` is the old version.
    pub after_upgrade: Option<Text>,
    /// Before the package is removed, while services still run.
    pub before_remove: Option<Text>,
    /// After the package was removed.
    pub after_remove: Option<Text>,
    /// After its configuration and state were removed, where the package manager knows that (deb, archives).
    pub after_purge: Option<Text>,
}

/// `[[package.moved]]`: a config file that this version renames or drops.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(title = "[[package.moved]]")]
pub struct Moved {
    /// The config file as older versions had it.
    pub from: Text,
    /// Where it is now; unset if it is gone.
    #[serde(default)]
    pub to: Option<Text>,
    /// The first version without the old one.
    pub since: Text,
}
