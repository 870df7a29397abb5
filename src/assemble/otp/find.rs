//! Where applications, the runtime and Elixir lie.
//!
//! Enters: folders that the config names, or the programs `erl` and `elixir` on the `PATH`, which are read and never run. Leaves:
//! [`Places`], which finds an application: first among those that were compiled for the project, then in OTP, then in Elixir.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::assemble::content;
use crate::config::suggest;
use crate::diagnostic::{Diagnostic, Findings, Result, Span, codes};

use super::app::Home;

/// Where things lie.
#[derive(Debug, Clone)]
pub struct Places {
    /// Folder with the compiled applications of the project.
    pub lib: PathBuf,
    /// Root of Erlang/OTP.
    pub otp: PathBuf,
    /// Version of its runtime system.
    pub erts: String,
    /// Root of Elixir, if there is one.
    pub elixir: Option<PathBuf>,
    /// Applications of OTP: name, then folder.
    of_otp: BTreeMap<String, PathBuf>,
}

/// What names the root of a language.
#[derive(Debug, Clone)]
pub enum Named {
    /// A folder of the config, and where it stands.
    Config(PathBuf, Span),
    /// A program on the `PATH`.
    Program(PathBuf),
}

impl Places {
    /// Looks at the roots.
    ///
    /// # Errors
    /// A root is none.
    pub fn of(lib: PathBuf, otp: &Named, elixir: Option<&Named>) -> Result<Self, Findings> {
        let root = erlang(otp).and_then(|root| match runtime(&root) {
            Some(erts) => Ok((root, erts)),
            None => Err(no_root("Erlang/OTP", otp, &root, "it has no folder `erts-VERSION`")),
        });
        let (root, erts, elixir) = match (root, elixir.map(elixir_root).transpose()) {
            (Ok((root, erts)), Ok(elixir)) => (root, erts, elixir),
            (root, elixir) => return Err(root.err().into_iter().chain(elixir.err()).collect()),
        };
        let mut of_otp: BTreeMap<String, PathBuf> = BTreeMap::new();
        for name in names(&root.join("lib")) {
            let Some((application, _)) = name.rsplit_once('-') else { continue };
            let folder = root.join("lib").join(&name);
            if folder.join("ebin").join(format!("{application}.app")).is_file() {
                // Sorted names: the last of several versions holds, as for the tools of Elixir.
                of_otp.insert(application.to_owned(), folder);
            }
        }
        Ok(Self { lib, otp: root, erts, elixir, of_otp })
    }

    /// The folder of an application, and whose it is.
    pub fn application(&self, name: &str) -> Option<(PathBuf, Home)> {
        let has = |folder: &Path| folder.join("ebin").join(format!("{name}.app")).is_file();
        let own = self.lib.join(name);
        if has(&own) {
            return Some((own, Home::Project));
        }
        if let Some(folder) = self.of_otp.get(name) {
            return Some((folder.clone(), Home::Otp));
        }
        let of_elixir = self.elixir.as_ref()?.join("lib").join(name);
        has(&of_elixir).then_some((of_elixir, Home::Elixir))
    }

    /// The name of an application that is much like this one.
    pub fn nearest(&self, name: &str) -> Option<String> {
        let mut all = names(&self.lib);
        all.extend(self.of_otp.keys().cloned());
        all.extend(self.elixir.iter().flat_map(|root| names(&root.join("lib"))));
        suggest::nearest(name, all.iter().map(String::as_str)).map(str::to_owned)
    }

    /// Where applications are looked for, for messages.
    pub fn looked(&self, project: &Path) -> Vec<String> {
        let elixir = self.elixir.as_ref().map(|root| root.join("lib"));
        [Some(self.lib.clone()), Some(self.otp.join("lib")), elixir]
            .into_iter()
            .flatten()
            .map(|folder| format!("`{}`", content::show(project, &folder)))
            .collect()
    }
}

/// Names in a folder, sorted; none if it cannot be read.
pub fn names(folder: &Path) -> Vec<String> {
    let entries = fs_err::read_dir(folder).into_iter().flatten();
    let mut names: Vec<String> = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.sort();
    names
}

fn erlang(named: &Named) -> Result<PathBuf> {
    let is_root = |root: &Path| root.join("bin/start_clean.boot").is_file() && root.join("lib").is_dir();
    let why = "it has no `bin/start_clean.boot`";
    match named {
        Named::Config(root, _) if is_root(root) => Ok(root.clone()),
        Named::Config(root, _) => Err(no_root("Erlang/OTP", named, root, why)),
        Named::Program(program) => {
            let real = fs_err::canonicalize(program).unwrap_or_else(|_| program.clone());
            // bin/erl in the root; or a script that names the root.
            let above = real.parent().and_then(Path::parent).map(Path::to_owned);
            let in_script = || root_in(&fs_err::read_to_string(&real).ok()?);
            let found = above.filter(|root| is_root(root)).or_else(|| in_script().filter(|root| is_root(root)));
            found.ok_or_else(|| no_root("Erlang/OTP", named, &real, why))
        }
    }
}

/// What the script `erl` sets `ROOTDIR` to.
fn root_in(script: &str) -> Option<PathBuf> {
    let value = script.lines().find_map(|line| line.trim().strip_prefix("ROOTDIR="))?;
    let value = value.trim_matches('"');
    let value = value.strip_prefix("${ERL_ROOTDIR:-").map_or(value, |rest| rest.trim_end_matches('}'));
    let value = value.trim_matches('"');
    value.starts_with('/').then(|| PathBuf::from(value))
}

fn elixir_root(named: &Named) -> Result<PathBuf> {
    let is_root = |root: &Path| root.join("lib/elixir/ebin/elixir.app").is_file();
    let (found, looked) = match named {
        Named::Config(root, _) => (Some(root.clone()), root.clone()),
        Named::Program(program) => {
            let real = fs_err::canonicalize(program).unwrap_or_else(|_| program.clone());
            (real.parent().and_then(Path::parent).map(Path::to_owned), real)
        }
    };
    let why = "it has no `lib/elixir/ebin/elixir.app`";
    found.filter(|root| is_root(root)).ok_or_else(|| no_root("Elixir", named, &looked, why))
}

/// The version of the runtime: that which is started, else the newest.
fn runtime(root: &Path) -> Option<String> {
    let has = |version: &str| root.join(format!("erts-{version}/bin")).is_dir();
    let start = fs_err::read_to_string(root.join("releases/start_erl.data")).unwrap_or_default();
    let started = start.split_whitespace().next().filter(|version| has(version)).map(str::to_owned);
    let newest = || {
        let all = names(root).into_iter().filter_map(|name| name.strip_prefix("erts-").map(str::to_owned));
        all.filter(|version| has(version)).max_by_key(|version| numbers(version))
    };
    started.or_else(newest)
}

fn numbers(version: &str) -> Vec<u64> {
    version.split('.').map(|part| part.parse().unwrap_or_default()).collect()
}

fn no_root(what: &str, named: &Named, looked: &Path, why: &str) -> Diagnostic {
    let key = if what == "Elixir" { "elixir" } else { "otp" };
    match named {
        Named::Config(_, place) => {
            Diagnostic::error(codes::OTP_NO_ROOT, format!("this is no root of {what}")).at(place, why).help(format!(
                "a root of {what} is a folder such as `/usr/lib/{}`",
                if key == "otp" { "erlang" } else { key }
            ))
        }
        Named::Program(_) => {
            Diagnostic::error(codes::OTP_NO_ROOT, format!("`{}` is not in a root of {what}: {why}", looked.display()))
                .help(format!("it may be a shim of a version manager: set `{key}` under `[release]` to the root"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_names_the_root() {
        let all = [
            "#!/bin/sh\nROOTDIR=\"/usr/lib/erlang\"\n",
            "ROOTDIR=\"${ERL_ROOTDIR:-\"/usr/lib/erlang\"}\"\n",
            "  ROOTDIR=/usr/lib/erlang\n",
        ];
        for script in all {
            assert_eq!(root_in(script), Some(PathBuf::from("/usr/lib/erlang")), "{script}");
        }
        assert_eq!(root_in("exec asdf exec erl\n"), None);
    }

    #[test]
    fn the_machines_own_is_found_by_its_programs() {
        let program = Path::new("/usr/bin/erl");
        assert!(program.exists());
        let places = Places::of("/nowhere".into(), &Named::Program(program.into()), None).unwrap();
        assert_eq!(places.otp, Path::new("/usr/lib/erlang"));
        assert!(places.otp.join(format!("erts-{}", places.erts)).is_dir());
        assert_eq!(places.application("kernel").unwrap().1, Home::Otp);
        assert_eq!(places.nearest("public_kei").as_deref(), Some("public_key"));
        assert!(Places::of("/nowhere".into(), &Named::Program("/bin/sh".into()), None).is_err());
    }
}
