//! A Cargo package: its facts from `cargo metadata`, its binaries, man pages and completions.
//!
//! Enters: the project's folder. Leaves: facts and rules. Cargo is asked without network and builds nothing.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::build::ask::ask;
use crate::config::suggest;
use crate::diagnostic::{Diagnostic, Origin, Result, codes};
use crate::resolve::ground::Ground;
use crate::resolve::release::{Churn, Role};
use crate::resolve::{Rule, target};

use super::{Known, Place, fact, one_line, rule};

const PRESET: &str = "rust";

/// A package of a Cargo workspace.
#[derive(Debug, Clone)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Names of its binaries, sorted.
    pub binaries: Vec<String>,
    description: Option<String>,
    license: Option<String>,
    homepage: Option<String>,
    repository: Option<String>,
    author: Option<String>,
    /// The package's folder.
    dir: PathBuf,
    /// The project's folder.
    project: PathBuf,
    target_dir: PathBuf,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Described>,
    target_directory: PathBuf,
}

#[derive(Deserialize)]
struct Described {
    name: String,
    version: String,
    description: Option<String>,
    license: Option<String>,
    homepage: Option<String>,
    repository: Option<String>,
    #[serde(default)]
    authors: Vec<String>,
    manifest_path: PathBuf,
    targets: Vec<CargoTarget>,
}

#[derive(Deserialize)]
struct CargoTarget {
    kind: Vec<String>,
    name: String,
}

impl Package {
    /// Asks cargo. In a workspace the package is the one called `name` (with `_` or `-`), else the one whose `Cargo.toml` lies in `dir`,
    /// else the only one with a binary. `target_dir` overrides cargo's own.
    ///
    /// # Errors
    /// Cargo refuses, or the package cannot be told from the others.
    pub fn read(dir: &Path, name: Option<&str>, target_dir: Option<PathBuf>) -> Result<Self> {
        let metadata = metadata(dir)?;
        let project = dir.canonicalize().unwrap_or_else(|_| dir.to_owned());
        let package = choose(metadata.packages, &project, name)?;
        let mut binaries: Vec<String> = package
            .targets
            .into_iter()
            .filter(|target| target.kind.iter().any(|kind| kind == "bin"))
            .map(|target| target.name)
            .collect();
        binaries.sort();
        Ok(Self {
            name: package.name,
            version: package.version,
            binaries,
            description: package.description,
            // Before SPDX expressions, cargo wrote alternatives with a slash.
            license: package.license.map(|license| license.replace('/', " OR ").replace("  ", " ")),
            homepage: package.homepage.or_else(|| package.repository.clone()),
            repository: package.repository,
            author: package.authors.into_iter().next().filter(|author| author.contains('<')),
            dir: package.manifest_path.parent().map_or_else(|| project.clone(), Path::to_owned),
            project,
            target_dir: target_dir.unwrap_or(metadata.target_directory),
        })
    }

    /// Names of the workspace's packages that have a binary, in cargo's order.
    ///
    /// # Errors
    /// Cargo refuses.
    pub fn with_binaries(dir: &Path) -> Result<Vec<String>> {
        Ok(metadata(dir)?.packages.into_iter().filter(Described::has_binary).map(|package| package.name).collect())
    }

    pub(crate) fn known(&self) -> Known {
        let text = |value: &Option<String>| value.clone().map(|value| fact(PRESET, "Cargo.toml", value));
        Known {
            name: Some(fact(PRESET, "Cargo.toml", self.name.clone())),
            version: Some(fact(PRESET, "Cargo.toml", self.version.clone())),
            summary: self.description.as_deref().map(|d| fact(PRESET, "Cargo.toml", one_line(d))),
            maintainer: text(&self.author),
            license: text(&self.license),
            homepage: text(&self.homepage),
            repository: text(&self.repository),
        }
    }

    pub(crate) fn rules(&self, ground: &Ground, place: Place) -> Vec<Rule> {
        let mut all = Vec::new();
        for name in &self.binaries {
            let Some(path) = ground.ok(self.binary(name, place)) else { continue };
            let mut made = rule(path, format!("/usr/bin/{name}"), Churn::Application, origin("binary"));
            made.mode = Some(fact(PRESET, "binary", 0o755));
            all.push(made);
        }
        self.man_pages(&mut all);
        self.completions(place, &mut all);
        all
    }

    /// The triple whose build is there for a target; glibc's unless only musl's is.
    pub(crate) fn triple(&self, target: crate::resolve::identity::Arch) -> &'static str {
        let triples = target::rust_triples(target);
        let built = |triple: &&&str| self.target_dir.join(triple).join("release").is_dir();
        triples.iter().find(built).copied().unwrap_or(triples[0])
    }

    /// Where a binary was built; of several places the one where that was last: Cargo may be told of another target in many ways.
    fn binary(&self, name: &str, place: Place) -> Result<String> {
        let arch = place.target.arch;
        let mut folders = Vec::new();
        if place.host == Some(arch) {
            folders.push("release".to_owned());
        }
        folders.extend(target::rust_triples(arch).iter().map(|triple| format!("{triple}/release")));
        let built = |path: &PathBuf| fs_err::metadata(path).ok().filter(std::fs::Metadata::is_file)?.modified().ok();
        let there = folders.iter().map(|folder| self.target_dir.join(folder).join(name));
        // Of two of one time the first.
        let found = there.rev().filter(|path| built(path).is_some()).max_by_key(built);
        if let Some(path) = found {
            return Ok(self.shown(&path));
        }
        let command = match place.host {
            Some(host) if host == arch => "cargo build --release".to_owned(),
            _ => format!("cargo build --release --target {}", target::rust_triples(arch)[0]),
        };
        let message = format!("the binary `{name}` for `{}` is not built", place.target);
        Err(Diagnostic::error(codes::RESOLVE_NOT_BUILT, message)
            .path(self.shown(&self.target_dir.join(&folders[0]).join(name)))
            .help(format!("run `{command}`; as `command` under `[build]`, `fitout build` runs it")))
    }

    fn man_pages(&self, all: &mut Vec<Rule>) {
        for folder in ["man", "doc"] {
            for name in self.names(folder) {
                let Some((_, section @ ("1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9"))) = name.rsplit_once('.')
                else {
                    continue;
                };
                let to = format!("/usr/share/man/man{section}/{name}");
                let from = self.shown(&self.dir.join(folder).join(&name));
                let mut made = rule(from, to, Churn::Application, origin("man page"));
                made.role = Role::Doc;
                made.mode = Some(fact(PRESET, "man page", 0o644));
                all.push(made);
            }
        }
    }

    fn completions(&self, place: Place, all: &mut Vec<Rule>) {
        for name in self.names("completions") {
            let from = self.shown(&self.dir.join("completions").join(&name));
            let mut add = |to: String, when: Option<Vec<String>>| {
                let mut made = rule(from.clone(), to, Churn::Application, origin("completion"));
                made.mode = Some(fact(PRESET, "completion", 0o644));
                made.when = when;
                all.push(made);
            };
            if let Some(command) = name.strip_suffix(".bash") {
                add(format!("/usr/share/bash-completion/completions/{command}"), None);
            } else if name.strip_suffix(".fish").is_some() {
                add(format!("/usr/share/fish/vendor_completions.d/{name}"), None);
            } else if name.starts_with('_') && !name.contains('.') {
                // Debian's zsh looks for packages' completions in a folder of its own.
                let (deb, others): (Vec<&str>, Vec<&str>) = place.formats.iter().partition(|format| **format == "deb");
                let owned = |names: Vec<&str>| Some(names.into_iter().map(str::to_owned).collect());
                if !deb.is_empty() {
                    add(format!("/usr/share/zsh/vendor-completions/{name}"), owned(deb));
                }
                if !others.is_empty() {
                    add(format!("/usr/share/zsh/site-functions/{name}"), owned(others));
                }
            }
        }
    }

    /// Regular files of a folder of the package, sorted.
    fn names(&self, folder: &str) -> Vec<String> {
        let entries = fs_err::read_dir(self.dir.join(folder)).into_iter().flatten().flatten();
        let files = entries.filter(|entry| entry.path().is_file());
        let mut names: Vec<String> = files.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        names
    }

    /// Relative to the project where it is inside, so that messages do not depend on where that lies.
    fn shown(&self, path: &Path) -> String {
        path.strip_prefix(&self.project).unwrap_or(path).display().to_string()
    }
}

impl Described {
    fn has_binary(&self) -> bool {
        self.targets.iter().any(|target| target.kind.iter().any(|kind| kind == "bin"))
    }
}

fn metadata(dir: &Path) -> Result<Metadata> {
    let arguments = ["metadata", "--format-version", "1", "--no-deps", "--offline"];
    let failed = |lines: Vec<String>| {
        let finding = Diagnostic::error(codes::RESOLVE_COMMAND_FAILED, "`cargo metadata` gives no answer")
            .help("the folder of fitout.toml must hold a Cargo.toml that cargo can read");
        lines.into_iter().fold(finding, Diagnostic::note)
    };
    let answer = ask(dir, "cargo", &arguments).map_err(|refusal| failed(refusal.lines()))?;
    serde_json::from_str(&answer).map_err(|e| failed(vec![e.to_string()]))
}

fn choose(mut packages: Vec<Described>, project: &Path, name: Option<&str>) -> Result<Described> {
    let here =
        |p: &Described| p.manifest_path.parent().and_then(|dir| dir.canonicalize().ok()).as_deref() == Some(project);
    let with_binary: Vec<usize> = (0..packages.len()).filter(|&i| packages[i].has_binary()).collect();
    let found = packages
        .iter()
        .position(|p| Some(p.name.as_str()) == name)
        // `_` is not for Debian's names.
        .or_else(|| packages.iter().position(|p| Some(p.name.replace('_', "-").as_str()) == name))
        .or_else(|| packages.iter().position(here))
        .or_else(|| if let [one] = with_binary[..] { Some(one) } else { None });
    if let Some(found) = found {
        return Ok(packages.swap_remove(found));
    }
    let names: Vec<&str> = with_binary.iter().map(|&i| packages[i].name.as_str()).collect();
    let message = match name {
        Some(name) => format!("the workspace has no package `{name}`"),
        None if names.is_empty() => {
            let finding = Diagnostic::error(codes::RESOLVE_CARGO, "the workspace has no package with a program");
            return Err(finding
                .help("the preset `rust` packages programs; of other files say `preset = \"plain\"` and `[[files]]`"));
        }
        None => "the workspace has several packages with binaries".into(),
    };
    let all = names.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ");
    let help = match name.and_then(|name| suggest::nearest(name, names.iter().copied())) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("set `name` under `[package]` to one of {all}"),
    };
    Err(Diagnostic::error(codes::RESOLVE_CARGO, message).help(help))
}

fn origin(what: &str) -> Origin {
    fact(PRESET, what, ()).origin
}

#[cfg(test)]
mod tests;
