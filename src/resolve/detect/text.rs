//! A [`Draft`] -> the text of fitout.toml, and of the environment file that it names.

use super::import::{DISTILLERY, key};
use super::variables::{self, Variable};
use super::{Draft, Import, legal, quoted};

/// Secrets that nobody has to think of: a random text of each host does.
const GENERATED: [&str; 1] = ["SECRET_KEY_BASE"];
/// The environment file in the project.
const ENV_FILE: &str = "conf/env";

impl Draft {
    /// The config.
    pub(super) fn text(&self) -> String {
        let mut out = "# How this application is packaged: `fitout plan` shows every file, `fitout build` makes the packages.\n\n[package]\n".to_owned();
        if let Some(file) = self.known {
            out.extend([format!("# What is not said here comes from {file}.\n")]);
        }
        out.extend(self.notes.iter().map(|note| format!("# {note}\n")));
        let mut line = |key: &str, value: Option<String>, note: &str| {
            if let Some(value) = value {
                let note = if note.is_empty() { String::new() } else { format!("   # {note}") };
                out.extend([format!("{key:<10} = {value}{note}\n")]);
            }
        };
        line("name", self.name.as_deref().map(|name| quoted(&legal(name))), "");
        line("version", self.version.clone(), "");
        match self.summary.as_deref() {
            // An empty one is known to the preset.
            Some("") => {}
            Some(summary) => line("summary", Some(quoted(summary)), ""),
            None => {
                line("summary", Some(quoted(self.kind)), "change me: what it does, in one line without a full stop");
            }
        }
        let or_ask = |value: &Option<String>, example: &str| match value.as_deref() {
            Some("") => (None, ""),
            Some(value) => (Some(quoted(value)), ""),
            None => (Some(quoted(example)), "change me"),
        };
        let (maintainer, note) = or_ask(&self.maintainer, "Your Name <you@example.org>");
        line("maintainer", maintainer, note);
        let (license, note) = or_ask(&self.license, "LicenseRef-Proprietary");
        line("license", license, if note.is_empty() { "" } else { "change me: an SPDX expression such as Apache-2.0" });
        if !self.build.is_empty() {
            out.push_str("\n[build]\n");
            for (key, value, note) in &self.build {
                out.extend([format!("{key:<7} = {value}   # {note}\n")]);
            }
        }
        if self.is_service {
            out.push_str(concat!(
                "\n# A unit, an account and a state directory of the package's name; started at installation, restarted by\n",
                "# upgrades. `fitout plan` shows it, `fitout generate schema` has every key.\n",
                "[[service]]\n",
            ));
            out.push_str(&self.service());
        }
        out.push_str(&self.imported());
        self.rule(&mut out);
        out.push_str(&self.left());
        out
    }

    /// The rules of what has no preset, and what its image needs.
    fn rule(&self, out: &mut String) {
        let mark = if self.is_open { "# " } else { "" };
        for (at, rule) in self.files.iter().enumerate() {
            out.push_str(if self.is_open && at == 0 {
                "\n# What goes where; without such a rule there is nothing to pack.\n"
            } else {
                "\n"
            });
            out.extend([mark, "[[files]]\n"]);
            out.extend(rule.iter().flat_map(|line| [mark, line, "\n"]));
        }
        if !self.image.is_empty() {
            out.push_str("\n[format.oci]\n");
            out.extend(self.image.iter().flat_map(|line| [line, "\n"]));
        }
    }
}

/// What the project says of the release.
impl Draft {
    /// Hooks, commands and files that are carried over.
    fn imported(&self) -> String {
        let Import { hooks, commands, files, from, .. } = &self.import;
        let mut out = String::new();
        let file = |path: &String| format!("{{ file = {} }}", quoted(path));
        if !hooks.is_empty() {
            out.extend([format!("\n# From {from}: hooks of the releases, in their order.\n[service.hooks]\n")]);
        }
        for (moment, paths) in hooks {
            let list: Vec<String> = paths.iter().map(file).collect();
            out.extend([format!("{moment} = [{}]\n", list.join(", "))]);
        }
        if !commands.is_empty() {
            let name = self.account();
            out.extend([format!("\n# From {from}: `{name} COMMAND`.\n[service.commands]\n")]);
        }
        for (name, path) in commands {
            out.extend([format!("{} = {}\n", key(name), file(path))]);
        }
        for (at, rule) in files.iter().enumerate() {
            if at == 0 {
                out.extend([format!("\n# From {from}.")]);
            }
            out.push_str("\n[[files]]\n");
            out.extend(rule.iter().map(|(key, value)| format!("{key:<5} = {value}\n")));
        }
        out
    }

    /// What is not, as a comment.
    fn left(&self) -> String {
        let mut out = String::new();
        if !self.import.for_mix.is_empty() {
            let why = if self.import.from == DISTILLERY { "makes the same if" } else { "makes it when" };
            out.extend([format!("\n# `mix release` {why} `project` of mix.exs says:\n")]);
            out.extend([format!("#   releases: [{}]\n", self.import.for_mix.join(", "))]);
        }
        let (about, mark) = if self.import.own {
            (format!("{} has no `relx`: fitout assembles the release.", self.import.from), "")
        } else {
            ("fitout can assemble the release itself: take `input` out, and these lines in.".to_owned(), "# ")
        };
        if !self.import.release.is_empty() {
            out.extend([format!("\n# {about}\n{mark}[release]\n")]);
            out.extend([format!("{mark}{:<12} = {}\n", "name", quoted(&self.import.name))]);
        }
        for (key, value) in &self.import.release {
            out.extend([format!("{mark}{key:<12} = {}\n", comment(value))]);
        }
        if !self.import.left.is_empty() {
            out.push_str("\n# Not carried over:\n");
        }
        for left in &self.import.left {
            out.extend([format!("# - {}:{}: {}: {}\n", left.file, left.line, comment(&left.what), comment(&left.why))]);
        }
        out
    }
}

/// Text that may stand in a comment: TOML has no control characters there.
fn comment(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// What the runtime configuration asks of the service.
impl Draft {
    fn account(&self) -> String {
        legal(self.name.as_deref().unwrap_or_default())
    }

    fn env_path(&self) -> &str {
        self.beside.as_ref().map_or(ENV_FILE, |(_, env)| env)
    }

    fn secrets(&self) -> Vec<&'static str> {
        let read = |name: &&str| self.variables().iter().any(|variable| variable.name == *name);
        GENERATED.into_iter().filter(read).collect()
    }

    fn variables(&self) -> &[Variable] {
        self.reads.as_ref().map_or(&[], |(_, variables)| variables)
    }

    /// The environment file and its text; none where nothing is read.
    pub(super) fn env_file(&self) -> Option<(String, String)> {
        let (from, variables) = self.reads.as_ref()?;
        Some((self.env_path().to_owned(), variables::file(from, variables, &self.secrets())))
    }

    /// Keys of the service, and the rule of its environment file.
    fn service(&self) -> String {
        if self.reads.is_none() {
            return String::new();
        }
        let name = self.account();
        let mut out = format!("env-file = {}\n", quoted(&format!("/etc/{name}/env")));
        let port = self.variables().iter().find(|variable| variable.name == "PORT").and_then(|v| v.default.as_deref());
        if let Some(port) = port.filter(|port| port.parse::<u16>().is_ok()) {
            out.extend([format!("ports    = [{}]\n", quoted(port))]);
        }
        let secrets = self.secrets();
        if !secrets.is_empty() {
            out.push_str("\n# Made at installation, and read by nobody else.\n[service.secrets]\n");
        }
        for secret in secrets {
            let file = format!("/etc/{name}/{}", secret.to_lowercase().replace('_', "-"));
            out.extend([format!("{secret} = {{ file = {}, as = \"env\", generate = true }}\n", quoted(&file))]);
        }
        let rule = [
            ("from", self.env_path().to_owned()),
            ("to", format!("/etc/{name}/env")),
            ("role", "config".to_owned()),
            ("owner", format!("root:{name}")),
            ("mode", "0640".to_owned()),
        ];
        out.push_str("\n# An administrator's changes to it stay.\n[[files]]\n");
        out.extend(rule.map(|(key, value)| format!("{key:<5} = {}\n", quoted(&value))));
        out
    }
}
