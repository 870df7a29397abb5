//! Which environment variables the build sees: those of a list, those that its tool is known to read, and what the config
//! adds. What a developer's shell happens to have set is none of the build's business, and a secret least of all.
//!
//! Enters: a snapshot of the environment, tools, `env` and `pass-env`. Leaves: an [`Environment`], and which part of it
//! decides what is built. Only the command line reads the real environment.

use std::ffi::{OsStr, OsString};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;

use super::tool::Tool;

pub use crate::store::Variables;

/// Where and as whom it runs, and how it reaches the network: these do not decide what is built.
const SURROUNDINGS: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "TERM",
    "TMPDIR",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "all_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "SSH_AUTH_SOCK",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_CEILING_DIRECTORIES",
];
/// What a build may well turn into other bytes: language, time, and the C toolchain that native parts are made with.
const DECIDING: &[&str] = &[
    "LANG",
    "LANGUAGE",
    "TZ",
    "SOURCE_DATE_EPOCH",
    "CC",
    "CXX",
    "CPP",
    "LD",
    "AR",
    "CFLAGS",
    "CXXFLAGS",
    "CPPFLAGS",
    "LDFLAGS",
    "MAKEFLAGS",
    "PKG_CONFIG",
    "PKG_CONFIG_PATH",
];
/// The same, by how their names begin: locales, and what version managers choose a toolchain by.
const DECIDING_PREFIXES: &[&str] = &["LC_", "ASDF_", "MISE_"];
/// Parts of names whose values change without any effect on what is built, and which no digest should be made of.
const SECRET: &[&str] = &["TOKEN", "SECRET", "PASSWORD", "PASSPHRASE", "_KEY", "_AUTH", "CREDENTIAL", "COOKIE"];

/// What a command of the build sees.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    all: Variables,
    deciding: Variables,
}

impl Environment {
    /// Takes from `given` what the list, `tools` and `pass` name.
    pub fn new(given: &Variables, tools: &[&Tool], pass: &[&str]) -> Self {
        let mut chosen = Self::default();
        for (name, value) in given {
            let Some(text) = name.to_str() else { continue };
            let of_tool = tools.iter().any(|tool| tool.reads(text));
            let listed = DECIDING.contains(&text) || DECIDING_PREFIXES.iter().any(|prefix| text.starts_with(prefix));
            let passed = pass.contains(&text);
            if !(SURROUNDINGS.contains(&text) || of_tool || listed || passed) {
                continue;
            }
            chosen.all.insert(name.clone(), value.clone());
            let secret = SECRET.iter().any(|part| text.to_ascii_uppercase().contains(part));
            if passed || ((of_tool || listed) && !secret) {
                chosen.deciding.insert(name.clone(), value.clone());
            }
        }
        chosen
    }

    /// With more of it, which takes the place of what has the same name, and decides.
    #[must_use]
    pub fn with<N: AsRef<OsStr>, V: AsRef<OsStr>>(&self, more: impl IntoIterator<Item = (N, V)>) -> Self {
        let mut both = self.clone();
        for (name, value) in more {
            let (name, value) = (name.as_ref().to_owned(), value.as_ref().to_owned());
            both.all.insert(name.clone(), value.clone());
            both.deciding.insert(name, value);
        }
        both
    }

    /// One of them.
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        self.all.get(OsStr::new(name)).map(OsString::as_os_str)
    }

    /// What decides which bytes are built.
    pub fn deciding(&self) -> &Variables {
        &self.deciding
    }

    /// Names of those that mean something on another machine, too: not where things lie on this one.
    pub fn portable(&self) -> impl Iterator<Item = &OsStr> {
        let is_of_machine = |name: &str| SURROUNDINGS.contains(&name) && !name.to_ascii_lowercase().ends_with("_proxy");
        self.all
            .keys()
            .map(OsString::as_os_str)
            .filter(move |name| name.to_str().is_none_or(|name| !is_of_machine(name)))
    }

    /// Lets a command see this and nothing else.
    pub fn apply(&self, command: &mut Command) {
        command.env_clear().envs(&self.all);
    }

    /// Where on the `PATH` a program is.
    pub fn program(&self, name: &str) -> Option<PathBuf> {
        let executable = |path: &PathBuf| {
            fs_err::metadata(path).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
        };
        std::env::split_paths(self.get("PATH")?).map(|folder| folder.join(name)).find(executable)
    }
}

/// A name that every shell takes for a variable.
pub fn is_variable(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::tool;
    use crate::config::schema;

    fn variables(names: &[&str]) -> Variables {
        names.iter().map(|name| (OsString::from(name), OsString::from("x"))).collect()
    }

    fn names(variables: &Variables) -> Vec<&str> {
        variables.keys().map(|name| name.to_str().unwrap()).collect()
    }

    #[test]
    fn only_what_is_listed_or_the_tool_s_own_is_seen() {
        let given = variables(&[
            "AWS_SECRET_ACCESS_KEY",
            "GOOGLE_API_KEY",
            "GOFLAGS",
            "HEX_API_KEY",
            "HOME",
            "LC_TIME",
            "MIX_TARGET",
            "NPM_TOKEN",
            "MINE",
            "PATH",
            "TZ",
        ]);
        let mix = Environment::new(&given, &[tool::of(schema::Tool::Mix)], &[]);
        assert_eq!(names(&mix.all), ["HEX_API_KEY", "HOME", "LC_TIME", "MIX_TARGET", "PATH", "TZ"]);
        assert_eq!(names(&mix.deciding), ["LC_TIME", "MIX_TARGET", "TZ"]);
        let go = Environment::new(&given, &[tool::of(schema::Tool::Go)], &["MINE"]);
        assert_eq!(names(&go.all), ["GOFLAGS", "HOME", "LC_TIME", "MINE", "PATH", "TZ"]);
        assert_eq!(names(&go.deciding), ["GOFLAGS", "LC_TIME", "MINE", "TZ"]);
    }

    #[test]
    fn what_is_added_wins_and_decides() {
        let base = Environment::new(&variables(&["PATH", "TZ"]), &[], &[]).with([("TZ", "UTC"), ("A", "b")]);
        assert_eq!(base.get("TZ"), Some(OsStr::new("UTC")));
        assert_eq!(names(base.deciding()), ["A", "TZ"]);
    }

    #[test]
    fn programs_are_found_on_the_path_of_the_snapshot() {
        let folder = tempfile::tempdir().unwrap();
        fs_err::write(folder.path().join("plain"), "").unwrap();
        let path = std::env::join_paths([folder.path().as_os_str(), OsStr::new("/bin")]).unwrap();
        let given = Variables::from([("PATH".into(), path)]);
        let environment = Environment::new(&given, &[], &[]);
        assert_eq!(environment.program("sh"), Some("/bin/sh".into()));
        assert_eq!(environment.program("plain"), None);
    }
}
