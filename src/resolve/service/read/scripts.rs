//! What the user writes for a service besides values: hooks, commands of the launcher, files that are filled at each start,
//! drop-ins and lines of the unit.

use std::collections::BTreeMap;

use super::super::{Command, Configure, Moment, Run, UserScript};
use super::One;
use crate::config::schema::{At, Hook, Text};
use crate::diagnostic::codes;
use crate::resolve::image::invalid;

/// What a launcher does by itself: templates/launcher/service.sh.hbs.
pub(crate) const LAUNCHER_COMMANDS: &[&str] = &[
    "attach",
    "await",
    "daemon",
    "daemonized",
    "describe",
    "downgrade",
    "escript",
    "eval",
    "foreground",
    "help",
    "hook",
    "logs",
    "pid",
    "ping",
    "reload",
    "reload_config",
    "reloading",
    "remote",
    "restart",
    "rpc",
    "run",
    "spawned",
    "start",
    "status",
    "stop",
    "stopping",
    "upgrade",
    "upgrading",
    "version",
];
/// Sections of a unit that `[service.unit]` may add to.
const SECTIONS: &[&str] = &["Unit", "Service", "Install"];

impl One<'_> {
    /// The hooks of the preset, and behind them those of the config.
    pub(super) fn hooks(&self, own: BTreeMap<Moment, Vec<UserScript>>) -> Option<BTreeMap<Moment, Vec<UserScript>>> {
        let hooks = &self.typed.hooks;
        let mut all = own;
        let mut good = true;
        for (moment, list) in [
            (Moment::PreConfigure, &hooks.pre_configure),
            (Moment::PostConfigure, &hooks.post_configure),
            (Moment::PreStart, &hooks.pre_start),
            (Moment::PostStart, &hooks.post_start),
            (Moment::PreStop, &hooks.pre_stop),
            (Moment::PostStop, &hooks.post_stop),
            (Moment::PreUpgrade, &hooks.pre_upgrade),
            (Moment::PostUpgrade, &hooks.post_upgrade),
        ] {
            let scripts: Vec<Option<UserScript>> = list.iter().map(|hook| self.hook(hook)).collect();
            match scripts.into_iter().collect::<Option<Vec<_>>>() {
                Some(scripts) if scripts.is_empty() => {}
                Some(scripts) => all.entry(moment).or_default().extend(scripts),
                None => good = false,
            }
        }
        good.then_some(all)
    }

    fn hook(&self, hook: &At<Hook>) -> Option<UserScript> {
        match (&hook.file, &hook.text) {
            (Some(file), None) => self.script_file(file),
            (None, Some(text)) => self.inline(text),
            _ => {
                let help = "set `file` to a script, or `text` to its lines";
                self.ground.refuse(
                    codes::CONFIG_INVALID_VALUE,
                    hook,
                    "a hook has exactly one of `file` and `text`",
                    help,
                );
                None
            }
        }
    }

    fn script_file(&self, file: &Text) -> Option<UserScript> {
        let text = self.ground.read(file)?.text.clone();
        if !text.starts_with("#!/") || text.contains('\0') || text.contains("\r\n") {
            let message = format!("`{}` is no script that the host can run", file.value);
            let help = "begin it with `#!/bin/sh`, and save it with line ends `\\n`";
            self.ground.refuse(codes::RESOLVE_BAD_SCRIPT, file, message, help);
            return None;
        }
        Some(UserScript { text, origin: self.ground.origin(file) })
    }

    fn inline(&self, text: &Text) -> Option<UserScript> {
        if text.trim().is_empty() || text.contains('\0') {
            return invalid(self.ground, text, "script", "write the lines that a shell runs");
        }
        let end = if text.ends_with('\n') { "" } else { "\n" };
        let text_of =
            if text.starts_with("#!") { text.value.clone() } else { format!("#!/bin/sh\nset -eu\n{}", text.value) };
        Some(UserScript { text: format!("{text_of}{end}"), origin: self.ground.origin(text) })
    }

    /// The commands of the preset that the launcher does not have itself, and those of the config, which win.
    pub(super) fn commands(&self, own: BTreeMap<String, Command>) -> Option<BTreeMap<String, Command>> {
        let own = own.into_iter().filter(|(name, _)| is_command(name) && !LAUNCHER_COMMANDS.contains(&name.as_str()));
        let mut all: BTreeMap<String, Command> = own.collect();
        let mut good = true;
        for (name, at) in &self.typed.commands {
            let legal = is_command(name);
            if !legal {
                let message = format!("`{}` is no name of a command", name.escape_debug());
                self.ground.refuse(codes::CONFIG_INVALID_VALUE, at, message, "use small letters, digits, `-` and `_`");
            }
            let own = LAUNCHER_COMMANDS.contains(&name.as_str());
            if own {
                let message = format!("`{name}` is a command that every launcher has");
                self.ground.refuse(codes::CONFIG_INVALID_VALUE, at, message, "give it another name");
            }
            let run = match (&at.file, &at.text, &at.exec) {
                (Some(file), None, None) => self.script_file(file).map(Run::Script),
                (None, Some(text), None) => self.inline(text).map(Run::Script),
                (None, None, Some(words)) => self.program(words).map(Run::Exec),
                _ => {
                    let help = "set `file` to a script, `text` to its lines, or `exec` to a program";
                    let message = "a command has exactly one of `file`, `text` and `exec`";
                    self.ground.refuse(codes::CONFIG_INVALID_VALUE, at, message, help);
                    None
                }
            };
            let about = Self::maybe(at.about.as_ref(), |text| self.line(text));
            match (run, about) {
                (Some(run), Some(about)) if legal && !own => {
                    all.insert(name.clone(), Command { about: about.unwrap_or_default(), run });
                }
                _ => good = false,
            }
        }
        good.then_some(all)
    }

    pub(super) fn configure(&self) -> Option<Vec<Configure>> {
        let all: Vec<Option<Configure>> = self
            .typed
            .configure
            .iter()
            .map(|at| {
                let (from, to) = (self.path(&at.from), self.path(&at.to));
                let mode = at.mode.as_ref().map_or(Some(0o600), |text| self.mode(text));
                Some(Configure { from: from?, to: to?, mode: mode? })
            })
            .collect();
        all.into_iter().collect()
    }

    pub(super) fn drop_ins(&self) -> Option<BTreeMap<String, String>> {
        let mut all = BTreeMap::new();
        let mut good = true;
        for file in &self.typed.drop_ins {
            let name = file.rsplit('/').next().unwrap_or_default();
            if std::path::Path::new(name).extension().is_none_or(|extension| extension != "conf") {
                let message = format!("`{}` is no drop-in", file.escape_debug());
                let help = "systemd reads only files whose name ends with `.conf`";
                self.ground.refuse(codes::CONFIG_INVALID_VALUE, file, message, help);
                good = false;
                continue;
            }
            match self.ground.read(file) {
                Some(text) => _ = all.insert(name.to_owned(), text.text.clone()),
                None => good = false,
            }
        }
        good.then_some(all)
    }

    pub(super) fn lines(&self) -> Option<BTreeMap<String, Vec<(String, String)>>> {
        let mut all: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
        let mut good = true;
        for (section, keys) in &self.typed.unit {
            for (key, at) in keys {
                let known = SECTIONS.contains(&section.as_str());
                let legal = key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') && !key.is_empty();
                if !known || !legal || at.0.iter().any(|line| line.chars().any(char::is_control)) {
                    let message = format!("`{}` is no line of a unit", format!("[{section}] {key}").escape_debug());
                    let help = format!("write `Key = \"value\"` below one of: {}", SECTIONS.join(", "));
                    self.ground.refuse(codes::CONFIG_INVALID_VALUE, at, message, help);
                    good = false;
                }
                let lines = all.entry(section.clone()).or_default();
                lines.extend(at.0.iter().map(|line| (key.clone(), line.clone())));
            }
        }
        good.then_some(all)
    }
}

/// A name that may stand for a command.
fn is_command(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_')
}
