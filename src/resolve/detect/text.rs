//! A [`Draft`] -> the text of fitout.toml, and of the environment file that it names.

use super::variables::{self, Variable};
use super::{Draft, legal, quoted};

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
        let mut line = |key: &str, value: Option<String>, note: &str| {
            if let Some(value) = value {
                let note = if note.is_empty() { String::new() } else { format!("   # {note}") };
                out.extend([format!("{key:<10} = {value}{note}\n")]);
            }
        };
        line("name", self.name.as_deref().map(|name| quoted(&legal(name))), "");
        line("version", self.version.clone(), "");
        line("summary", self.summary.as_deref().map(quoted), "one line, no full stop");
        // An empty one is known to the preset.
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
        if !self.files.is_empty() {
            let mark = if self.is_open { "# " } else { "" };
            out.push_str(if self.is_open {
                "\n# What goes where; without such a rule there is nothing to pack.\n"
            } else {
                "\n"
            });
            out.extend([mark, "[[files]]\n"]);
            self.files.iter().for_each(|line| out.extend([mark, line, "\n"]));
        }
        out
    }
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
