//! What an application of a kind lays down, and what its own files say of it.
//!
//! Enters: `[build]` and the project's folder. Leaves: facts for what the config does not say, and rules that stand before
//! the config's own.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::build::tool;
use crate::config::schema::{self, Manifest};
use crate::diagnostic::{Diagnostic, Origin, codes};
use crate::resolve::identity::{Arch, Fact, Target};
use crate::resolve::release::{Churn, Role};
use crate::template::Templates;

use super::ground::Ground;
use super::service::{Command, Moment, UserScript};
use super::{Rule, Take};

pub mod otp;
pub(crate) mod plain;
pub mod rust;
pub mod term;

/// A preset that has read its input.
#[derive(Debug, Clone)]
pub(crate) enum Preset {
    Plain(plain::Tree),
    Rust(rust::Package),
    Otp(otp::OtpRelease),
}

/// What the application's own files say of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known {
    pub name: Option<Fact<String>>,
    pub version: Option<Fact<String>>,
    pub summary: Option<Fact<String>>,
    pub maintainer: Option<Fact<String>>,
    pub license: Option<Fact<String>>,
    pub homepage: Option<Fact<String>>,
    pub repository: Option<Fact<String>>,
}

/// How the program of an application runs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Runs {
    /// Program and arguments; empty if it is not plain what is started.
    pub exec: Vec<String>,
    /// Variables that it needs on a host where its own tree is read-only.
    pub env: BTreeMap<String, String>,
    /// The virtual machine that runs it.
    pub vm: Option<schema::Vm>,
    /// It is an Erlang node of this release.
    pub node: Option<otp::node::Runtime>,
    /// Scripts that it brings along, by moment.
    pub hooks: BTreeMap<Moment, Vec<UserScript>>,
    /// Commands that it brings along.
    pub commands: BTreeMap<String, Command>,
}

/// For which machine rules are made, and under which names.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    /// Package name.
    pub name: &'a str,
    /// Where code goes.
    pub prefix: &'a str,
    /// The machine.
    pub target: &'a Target,
    /// The machine that the build ran on.
    pub host: Option<Arch>,
    /// Names of the formats of the run.
    pub formats: &'a [&'static str],
    /// What scripts are made from.
    pub templates: &'a Templates,
}

impl Preset {
    /// Reads what `[build]` points at; reports and gives `None` if it is not as it must be.
    pub fn read(ground: &Ground, manifest: &Manifest) -> Option<Self> {
        let build = &manifest.build;
        match build.preset.as_ref().map(|preset| preset.value) {
            None | Some(schema::Preset::Plain) => plain::Tree::read(ground, manifest).map(Self::Plain),
            Some(schema::Preset::Rust) => {
                let name = manifest.package.name.as_ref();
                let input = build.input.as_ref().map(|input| ground.path(&input.value));
                let result = rust::Package::read(ground.dir, name.map(|name| name.value.as_str()), input);
                let at = name.or(build.input.as_ref()).map(|text| &text.range);
                let at = at.or(build.preset.as_ref().map(|preset| &preset.range));
                ground
                    .ok(result.map_err(|f| match at {
                        Some(range) => f.at(&ground.span(range), ""),
                        None => f,
                    }))
                    .map(Self::Rust)
            }
            Some(schema::Preset::Otp) => {
                let span = build.input.as_ref().map(|input| ground.span(&input.range));
                let (dir, typed) = match &build.input {
                    Some(input) => (ground.path(&input.value), input.value.clone()),
                    None => only_release(ground, manifest)?,
                };
                let typed = typed.trim_end_matches('/');
                // Where there is another release, the name is more likely wrong than the release unbuilt.
                if !dir.exists() && (manifest.release.is_some() || assembled_releases(ground.dir).is_empty()) {
                    let finding = not_built(ground, manifest, format!("the release `{typed}` is not built yet"));
                    let finding = finding.path(typed);
                    ground.report(match &span {
                        Some(span) => finding.at(span, ""),
                        None => ground.in_table(finding, "build"),
                    });
                    return None;
                }
                ground
                    .ok(otp::OtpRelease::read(&dir, typed).map_err(|f| match &span {
                        // A broken term file has a place of its own.
                        Some(span) if f.labels.is_empty() => f.at(span, ""),
                        _ => f,
                    }))
                    .map(Self::Otp)
            }
        }
    }

    /// What it knows without being told.
    pub fn known(&self) -> Known {
        match self {
            Self::Plain(_) => Known::default(),
            Self::Rust(package) => package.known(),
            Self::Otp(release) => {
                let file = format!("releases/{}/{}.rel", release.version, release.name);
                let text = |value: &str| Some(fact("otp", &file, value.to_owned()));
                Known {
                    // `_` is not for Debian's names.
                    name: text(&release.name.replace('_', "-")),
                    version: text(&release.version),
                    summary: release
                        .summary
                        .as_deref()
                        .map(|s| fact("otp", "the application's .app file", one_line(s))),
                    ..Known::default()
                }
            }
        }
    }

    /// What it knows of how its program `name` runs, with these directories of its own on the host.
    pub fn runs(&self, prefix: &str, name: &str, home: &str, runtime: &str) -> Runs {
        match self {
            Self::Plain(_) => Runs::default(),
            Self::Rust(package) => {
                let binary = package.binaries.iter().find(|binary| *binary == name);
                let binary = binary.or(if let [one] = &package.binaries[..] { Some(one) } else { None });
                Runs {
                    exec: binary.map(|binary| vec![format!("/usr/bin/{binary}")]).unwrap_or_default(),
                    ..Runs::default()
                }
            }
            Self::Otp(release) => otp::rules::runs(release, prefix, home, runtime),
        }
    }

    /// Name on the PATH that an application of this kind has, and that is its launcher's if it is a service.
    pub fn launcher_command(&self, package: &str) -> Option<String> {
        matches!(self, Self::Otp(_)).then(|| otp::rules::command_path(package))
    }

    /// Whether it writes pipes or filled files when it starts, and needs a place for them.
    pub fn writes_at_start(&self) -> bool {
        matches!(self, Self::Otp(_))
    }

    /// Rust's triple for a target: the one that was built, where that can be told.
    pub fn rust_target(&self, arch: Arch) -> &'static str {
        match self {
            Self::Rust(package) => package.triple(arch),
            _ => super::target::rust_triples(arch)[0],
        }
    }

    /// What goes where.
    pub fn rules(&self, ground: &Ground, place: Place) -> Vec<Rule> {
        match self {
            Self::Plain(tree) => tree.rules(place.prefix),
            Self::Rust(package) => package.rules(ground, place),
            Self::Otp(release) => otp::rules::rules(release, ground, place),
        }
    }
}

/// A release that is not there, with the command that makes it.
fn not_built(ground: &Ground, manifest: &Manifest, message: String) -> Diagnostic {
    let finding = Diagnostic::error(codes::RESOLVE_NOT_BUILT, message);
    if manifest.release.is_some() {
        return finding
            .help("run `fitout build`")
            .note("`fitout build` assembles it, as `[release]` says; the other verbs do not");
    }
    if let Some(tool) = &manifest.build.tool {
        let name = tool::of(tool.value).name;
        return finding
            .help("run `fitout build`")
            .note(format!("it runs the steps of `{name}`, the `[build] tool`; the other verbs do not"));
    }
    if let Some(command) = &manifest.build.command {
        return finding
            .help(format!("run `{}`", command.trim()))
            .note("`fitout build` runs it, because it is the `[build] command`; the other verbs do not");
    }
    let (command, tool) = if ground.path("mix.exs").is_file() {
        ("MIX_ENV=prod mix release", "mix")
    } else if ground.path("rebar.config").is_file() {
        ("rebar3 as prod release", "rebar3")
    } else {
        return finding.help("run what makes it, such as `MIX_ENV=prod mix release` or `rebar3 as prod release`");
    };
    finding.help(format!("run `{command}`, or set `tool = \"{tool}\"` under `[build]`: `fitout build` builds it then"))
}

/// The one assembled release of the project, where `[build] input` names none.
fn only_release(ground: &Ground, manifest: &Manifest) -> Option<(PathBuf, String)> {
    let found = assembled_releases(ground.dir);
    if let [one] = &found[..] {
        return Some((ground.path(one), one.clone()));
    }
    let finding = if found.is_empty() {
        not_built(ground, manifest, "no release is built yet under `_build`, and `[build]` names no `input`".into())
            .help("or name the folder that `mix release` or `rebar3 release` makes: `input = \"_build/prod/rel/NAME\"`")
    } else {
        let all: Vec<String> = found.iter().map(|path| format!("`{path}`")).collect();
        Diagnostic::error(
            codes::CONFIG_MISSING_KEY,
            "`input` is missing under `[build]`, and there are several releases",
        )
        .help(format!("set `input` to one of {}", all.join(", ")))
    };
    ground.report(ground.in_table(finding, "build"));
    None
}

/// Folders under `_build/*/rel` that look like releases, relative to `dir`, those of `prod` first.
pub(crate) fn assembled_releases(dir: &std::path::Path) -> Vec<String> {
    for environment in ["prod", "default"] {
        let base = format!("_build/{environment}/rel");
        let entries = fs_err::read_dir(dir.join(&base)).into_iter().flatten();
        let mut found: Vec<String> = entries
            .flatten()
            .filter(|entry| entry.path().join("releases/start_erl.data").is_file())
            .filter_map(|entry| Some(format!("{base}/{}", entry.file_name().into_string().ok()?)))
            .collect();
        if !found.is_empty() {
            found.sort();
            return found;
        }
    }
    Vec::new()
}

/// A value that a preset found.
pub(crate) fn fact<T>(preset: &'static str, what: &str, value: T) -> Fact<T> {
    Fact { value, origin: Origin::Preset { preset, what: what.to_owned() } }
}

/// A rule that takes a path as it is.
pub(crate) fn rule(from: String, to: String, churn: Churn, origin: Origin) -> Rule {
    Rule {
        take: Take::Path(from),
        to,
        exclude: Vec::new(),
        role: Role::Plain,
        owner: None,
        mode: None,
        dir_mode: None,
        capabilities: None,
        render: false,
        replace: false,
        churn,
        when: None,
        take_origin: origin.clone(),
        to_origin: origin.clone(),
        origin,
    }
}

/// The first sentence of a description, as a summary: one line, no full stop.
pub(crate) fn one_line(text: &str) -> String {
    let line = text.split("\n\n").next().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
    let sentence = line.split(". ").next().unwrap_or_default();
    sentence.trim_end_matches('.').to_owned()
}
