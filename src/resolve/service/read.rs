//! `[[service]]` -> [`Service`]: each value checked, what is not set filled by the preset and by convention.
//!
//! An empty `[[service]]` is whole: the program comes from the preset, the account and the state directory have the
//! package's name.

#![expect(clippy::option_option, reason = "the outer says whether it is as it must be, the inner whether it is set")]

use std::collections::BTreeMap;

use super::{Directories, Limits, Port, Ready, Reload, Service};
use crate::config::rules::parse_mode;
use crate::config::schema::{self, At, Hardening, OnUpgrade, Restart, Text, Texts};
use crate::diagnostic::{Diagnostic, codes};
use crate::resolve::account;
use crate::resolve::duration;
use crate::resolve::facts::host_path;
use crate::resolve::ground::Ground;
use crate::resolve::image::{self, invalid};
use crate::resolve::preset::{Preset, Runs};

mod fits;
mod node;
mod scripts;
mod starters;
mod variables;

pub(crate) use scripts::LAUNCHER_COMMANDS;

/// Milliseconds before a restart, as systemd's own default would be far too short for what fails at once.
const RESTART_DELAY: u64 = 5_000;
/// Milliseconds to stop.
const STOP_TIMEOUT: u64 = 30_000;
/// Milliseconds to start, systemd's own default.
const START_TIMEOUT: u64 = 90_000;
/// What the services of a package share.
#[derive(Clone, Copy)]
pub(crate) struct Package<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its summary.
    pub summary: &'a str,
    /// Where code goes.
    pub prefix: &'a str,
    /// What it is.
    pub preset: Option<&'a Preset>,
}

/// All services of the config; reported and none if one of them is not as it must be.
pub(crate) fn all(ground: &Ground, typed: &[At<schema::Service>], package: Package) -> Option<Vec<Service>> {
    let mut services: Vec<Option<Service>> = typed.iter().map(|typed| One { ground, typed, package }.read()).collect();
    if let (Some(Some(first)), Some(preset)) = (services.first_mut(), package.preset) {
        first.command = first.command.take().or_else(|| preset.launcher_command(package.name));
    }
    let mut names: BTreeMap<&str, &Service> = BTreeMap::new();
    let mut good = true;
    for service in services.iter().flatten() {
        if let Some(first) = names.insert(&service.name, service) {
            good = false;
            let told = format!("two services are called `{}`", service.name);
            let told = Diagnostic::error(codes::CONFIG_INVALID_VALUE, told).at_origin(&service.origin, "here");
            ground.report(told.at_origin(&first.origin, "and here").help("give each a `name` of its own"));
        }
    }
    services.into_iter().collect::<Option<_>>().filter(|_| good)
}

/// One service being read.
struct One<'a> {
    ground: &'a Ground<'a>,
    typed: &'a At<schema::Service>,
    package: Package<'a>,
}

impl One<'_> {
    #[expect(clippy::too_many_lines, reason = "a list of keys")]
    fn read(&self) -> Option<Service> {
        let typed = &self.typed.value;
        let name = self.name();
        let shown = name.as_deref().unwrap_or(self.package.name);
        let user = typed.user.as_ref().map_or(Some(self.package.name.to_owned()), |user| self.account(user, "user"));
        let group = typed.group.as_ref().map(|group| self.account(group, "group"));
        let groups = Self::each(&typed.groups, |group| self.account(group, "group"));
        let directories = self.directories();
        let mut runs = self.runs(shown, directories.as_ref());
        let node = self.node(shown, runs.node.take(), directories.as_ref());
        if node.as_ref().is_none_or(Option::is_none) {
            // What came along is for the program that came along.
            (runs.hooks, runs.commands) = Default::default();
        }
        let exec = self.exec(&runs);
        let reload = self.reload();
        let env = self.environment();
        let secrets = self.secrets();
        let write = Self::each(&typed.write, |path| self.path(path));
        let working_dir = typed.working_dir.as_ref().map(|path| self.path(path));
        let times = self.times();
        let stop_signal = self.signal(typed.stop_signal.as_ref(), "SIGTERM");
        let ready = self.ready();
        let limits = self.limits();
        let ports = Self::each(&typed.ports, |port| self.port(port));
        let [after, wants, requires] =
            [&typed.after, &typed.wants, &typed.requires].map(|units| Self::each(units, |unit| self.unit(unit)));
        let env_file = Self::maybe(typed.env_file.as_ref(), |path| self.path(path));
        let log_file = Self::maybe(typed.log_file.as_ref(), |path| self.path(path));
        let command = Self::maybe(typed.command.as_ref(), |path| self.path(path));
        let (schedule, socket) = (self.timer(), self.socket());
        let (hooks, commands) = (self.hooks(runs.hooks), self.commands(runs.commands));
        let configure = self.configure();
        let (drop_ins, unit) = (self.drop_ins(), self.lines());
        // Each has had its say.
        let (name, user, mut directories, log_file) = (name?, user?, directories?, log_file?);
        // The folder of its log file is its own, unless all use it.
        let folder = log_file.as_ref().and_then(|file| file.rsplit_once('/')).map_or("", |(folder, _)| folder);
        if folder.starts_with("/var/log/") && !directories.written().any(|own| own == folder) {
            directories.logs.push(folder.to_owned());
        }
        let [restart_delay, stop_timeout, start_timeout] = times?;
        let launcher = format!("{}/launcher/{}", self.package.prefix, name.trim_end_matches('@'));
        let mut service = Service {
            description: typed.description.as_ref().map_or(self.package.summary, |text| text.value.as_str()).to_owned(),
            exec: if node.as_ref()?.is_some() { vec![launcher.clone(), "run".to_owned()] } else { exec? },
            reload: reload?.or_else(|| node.as_ref()?.as_ref()?.reload(&launcher)),
            group: group.map_or(Some(user.clone()), |group| group)?,
            groups: groups?,
            env_file: env_file?,
            env: runs.env.into_iter().chain(env.clone()?).collect(),
            typed_env: env?,
            secrets: secrets?,
            write: write?,
            working_dir: working_dir
                .unwrap_or_else(|| Some(directories.state.first().map_or("/", |home| home).to_owned()))?,
            restart: typed.restart.as_ref().map_or(Restart::OnFailure, |restart| restart.value),
            restart_delay,
            enable: typed.enable.unwrap_or(true),
            start: typed.start.unwrap_or(true),
            on_upgrade: typed.on_upgrade.as_ref().map_or(OnUpgrade::Restart, |what| what.value),
            stop_signal: stop_signal?,
            stop_timeout,
            start_timeout,
            ready: ready?,
            limits: limits?,
            ports: ports?,
            after: after?,
            wants: wants?,
            requires: requires?,
            hardening: typed.hardening.as_ref().map_or(Hardening::Strict, |hardening| hardening.value),
            notify_access: typed.notify_access.as_ref().map(|access| access.value),
            vm: typed.vm.as_ref().map(|vm| vm.value).or(runs.vm),
            log_file,
            timer: schedule?,
            socket: socket?,
            hooks: hooks?,
            commands: commands?,
            configure: configure?,
            init: typed.init.iter().map(|init| init.value).collect(),
            drop_ins: drop_ins?,
            unit: unit?,
            node: node?,
            launcher,
            command: command?,
            origin: self.ground.origin(self.typed),
            name,
            user,
            directories,
        };
        self.fits(&mut service).then_some(service)
    }

    /// What the preset knows of how it runs.
    fn runs(&self, name: &str, directories: Option<&Directories>) -> Runs {
        let first = |list: Option<&Vec<String>>| list.and_then(|list| list.first()).cloned();
        let home = first(directories.map(|directories| &directories.state)).unwrap_or_else(|| "/".to_owned());
        let runtime = first(directories.map(|directories| &directories.runtime)).unwrap_or_else(|| home.clone());
        let preset = self.package.preset;
        preset.map(|preset| preset.runs(self.package.prefix, name, &home, &runtime)).unwrap_or_default()
    }

    fn name(&self) -> Option<String> {
        let Some(text) = &self.typed.name else { return Some(self.package.name.to_owned()) };
        let legal = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let stem = text.strip_suffix('@').unwrap_or(text);
        if stem.is_empty() || stem.starts_with(['-', '.']) || !stem.chars().all(legal) || stem.ends_with(".service") {
            let help = "it is the name of the unit without `.service`: letters, digits, `-`, `_` and `.`; `@` at the end makes a template unit";
            return invalid(self.ground, text, "name of a unit", help);
        }
        Some(text.value.clone())
    }

    fn account(&self, text: &Text, what: &str) -> Option<String> {
        account::name(self.ground, text, what)
    }

    fn path(&self, text: &Text) -> Option<String> {
        self.ground.ok(host_path(text, &self.ground.span(&text.range))).map(|()| text.value.clone())
    }

    /// All of them, after each had its say.
    fn each<T>(texts: &Texts, read: impl Fn(&Text) -> Option<T>) -> Option<Vec<T>> {
        let all: Vec<Option<T>> = texts.iter().map(read).collect();
        all.into_iter().collect()
    }

    fn maybe<A, T>(typed: Option<&A>, read: impl Fn(&A) -> Option<T>) -> Option<Option<T>> {
        typed.map_or(Some(None), |typed| read(typed).map(Some))
    }

    fn directories(&self) -> Option<Directories> {
        let typed = &self.typed.value;
        let of = |texts: &Texts| Self::each(texts, |text| self.path(text));
        let state = typed.state.as_ref().map_or_else(|| Some(vec![format!("/var/lib/{}", self.package.name)]), of);
        let (cache, logs, config, mut runtime) =
            (of(&typed.cache), of(&typed.logs), of(&typed.config), of(&typed.runtime));
        // What writes its pipes and filled files somewhere gets a place that is its own.
        if typed.runtime.is_empty() && self.package.preset.is_some_and(Preset::writes_at_start) {
            runtime = Some(vec![format!("/run/{}", self.package.name)]);
        }
        Some(Directories { state: state?, cache: cache?, logs: logs?, runtime: runtime?, config: config? })
    }

    fn exec(&self, runs: &Runs) -> Option<Vec<String>> {
        if let Some(words) = &self.typed.exec {
            return self.program(words);
        }
        if runs.exec.is_empty() && self.package.preset.is_some() {
            let told = Diagnostic::error(codes::CONFIG_MISSING_KEY, "`exec` is missing in this `[[service]]`");
            let help = "give the program and its arguments as a list: `exec = [\"/usr/bin/NAME\", \"serve\"]`";
            self.ground.report(told.at(&self.ground.span(&self.typed.range), "").help(help));
        }
        (!runs.exec.is_empty()).then(|| runs.exec.clone())
    }

    /// A program on the host and its arguments.
    fn program(&self, words: &Texts) -> Option<Vec<String>> {
        let Some(first) = words.first() else {
            let told = Diagnostic::error(codes::CONFIG_INVALID_VALUE, "this command is empty");
            let place = self.ground.span(&self.typed.range);
            self.ground.report(told.at(&place, "").help("give the program and its arguments as a list"));
            return None;
        };
        self.path(first)?;
        for word in words {
            if word.chars().any(char::is_control) {
                let help = "systemd takes one line; put what is longer into a script";
                self.ground.refuse(codes::CONFIG_INVALID_VALUE, word, "an argument holds a control character", help);
                return None;
            }
        }
        Some(words.iter().map(|word| word.value.clone()).collect())
    }

    fn reload(&self) -> Option<Option<Reload>> {
        let typed = &self.typed.value;
        match (&typed.reload, &typed.reload_signal) {
            (Some(words), None) => self.program(words).map(|words| Some(Reload::Exec(words))),
            (None, Some(text)) => image::signal(self.ground, text).map(|signal| Some(Reload::Signal(signal))),
            (None, None) => Some(None),
            (Some(_), Some(text)) => {
                let help = "take one of them out";
                self.ground.refuse(
                    codes::CONFIG_INVALID_VALUE,
                    text,
                    "`reload` and `reload-signal` are both set",
                    help,
                );
                None
            }
        }
    }

    fn signal(&self, text: Option<&Text>, default: &str) -> Option<String> {
        text.map_or_else(|| Some(default.to_owned()), |text| image::signal(self.ground, text))
    }

    /// Restart delay, stop timeout and start timeout, in milliseconds.
    fn times(&self) -> Option<[u64; 3]> {
        let typed = &self.typed.value;
        let time = |text: &Option<Text>, default: u64| match text {
            None => Some(default),
            Some(text) => self.duration(text).map(|nanoseconds| nanoseconds / 1_000_000),
        };
        let delay = time(&typed.restart_delay, RESTART_DELAY);
        let stop = time(&typed.stop_timeout, STOP_TIMEOUT);
        let start = time(&typed.start_timeout, START_TIMEOUT);
        Some([delay?, stop?, start?])
    }

    fn duration(&self, text: &Text) -> Option<u64> {
        duration::nanoseconds(text).or_else(|| invalid(self.ground, text, "duration", duration::HELP))
    }

    fn ready(&self) -> Option<Ready> {
        let Some(at) = &self.typed.ready else { return Some(Ready::Exec) };
        match &at.value {
            schema::Ready::Word(word) if word == "notify" => Some(Ready::Notify),
            schema::Ready::Word(_) => Some(Ready::Exec),
            schema::Ready::Port(port) => match u16::try_from(*port) {
                Ok(port) if port > 0 => Some(Ready::Port(port)),
                _ => {
                    let help = "give a number from 1 to 65535";
                    self.ground.refuse(codes::CONFIG_INVALID_VALUE, at, format!("`{port}` is no port"), help);
                    None
                }
            },
        }
    }

    fn limits(&self) -> Option<Limits> {
        let typed = &self.typed.limits;
        let words = |text: &Option<Text>, what: &str, help: &str, legal: fn(&str) -> bool| match text {
            None => Some(None),
            Some(text) if legal(text) => Some(Some(text.value.clone())),
            Some(text) => invalid(self.ground, text, what, help),
        };
        let memory = words(&typed.memory, "amount of memory", "write it as `512M`, `2G` or `50%`", |text| {
            let digits = text.trim_end_matches(['K', 'M', 'G', 'T', '%']);
            text.len() - digits.len() <= 1 && !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
        });
        let cpu = words(&typed.cpu, "share of a processor", "write it as `150%`: 100% is one core", |text| {
            text.strip_suffix('%').is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
        });
        Some(Limits {
            open_files: typed.open_files.as_ref().map(|n| n.value),
            tasks: typed.tasks.as_ref().map(|n| n.value),
            memory: memory?,
            cpu: cpu?,
        })
    }

    fn port(&self, text: &Text) -> Option<Port> {
        let port = image::port(self.ground, text)?;
        let (number, protocol) = port.value.split_once('/')?;
        Some(Port { number: number.parse().ok()?, protocol: protocol.to_owned() })
    }

    /// A unit that others are called by.
    fn unit(&self, text: &Text) -> Option<String> {
        const TYPES: [&str; 8] = ["service", "socket", "target", "timer", "mount", "path", "slice", "device"];
        let legal = |c: char| c.is_ascii_alphanumeric() || ":-_.\\@".contains(c);
        let typed = text.rsplit_once('.').is_some_and(|(stem, suffix)| !stem.is_empty() && TYPES.contains(&suffix));
        if typed && text.chars().all(legal) {
            return Some(text.value.clone());
        }
        invalid(self.ground, text, "unit", "write its whole name, such as `postgresql.service`")
    }

    /// A value of a unit file: one line.
    fn line(&self, text: &Text) -> Option<String> {
        if text.trim().is_empty() || text.chars().any(char::is_control) {
            return invalid(self.ground, text, "value of a unit", "write one line that is not empty");
        }
        Some(text.trim().to_owned())
    }

    fn mode(&self, text: &Text) -> Option<u32> {
        parse_mode(text)
            .or_else(|| invalid(self.ground, text, "mode", "it is octal with a leading zero, such as `\"0640\"`"))
    }
}
