//! `[release]` -> [`Wanted`]: what is to be assembled, and where all of it lies.
//!
//! Enters: the manifest, the project's folder, what programs the build sees. Leaves: values without defaults left to fill, and
//! what is wrong with them. What is compiled may not be there yet.

use std::path::{Path, PathBuf};

use crate::build::environment::Environment;
use crate::config::load::Document;
use crate::config::schema::{Assembly, AssemblyKind, At, Manifest, Preset, StartType, Text, VersionSource};
use crate::diagnostic::{Code, Diagnostic, Findings, Span, codes};
use crate::resolve::preset::term::Term;

use super::app::Application;
use super::beam;
use super::closure::Asked;
use super::config::Source;
use super::find::{Named, Places};
use super::tree::Strip;

mod given;

/// What is to be assembled.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Folder of the config file.
    pub project: PathBuf,
    /// Where the release goes.
    pub place: PathBuf,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its layout.
    pub kind: AssemblyKind,
    /// Applications that are asked for, in their order.
    pub asked: Vec<Asked>,
    /// Versions that applications must have, and where that is asked.
    pub versions: Vec<(String, String, Span)>,
    /// Where applications lie.
    pub places: Places,
    /// Whether the runtime is inside.
    pub erts: bool,
    /// Chunks that modules keep.
    pub strip: Strip,
    /// Whether it is laid out as Mix does up to Elixir 1.14.
    pub old_mix: bool,
    /// Where the configuration comes from.
    pub config: Option<Source>,
    /// The environment of Mix.
    pub mix_env: String,
    /// The target of Mix.
    pub mix_target: String,
    /// Elixir file that configures the node when it starts.
    pub runtime: Option<PathBuf>,
    /// Further providers.
    pub providers: Vec<Term>,
    /// Arguments of the runtime.
    pub vm_args: Option<PathBuf>,
    /// Folders that are laid over it.
    pub overlays: Vec<PathBuf>,
}

impl Wanted {
    /// Whether configuration providers run at start.
    pub fn has_providers(&self) -> bool {
        self.runtime.is_some() || !self.providers.is_empty()
    }

    /// Reads what the config says; none where that is not enough to go on.
    pub fn read(
        manifest: &Manifest,
        document: &Document,
        project: &Path,
        environment: &Environment,
    ) -> (Option<Self>, Findings) {
        let Some(release) = &manifest.release else { return (None, Findings::new()) };
        let mut reader = Reader { release, document, project, environment, findings: Findings::new() };
        let wanted = reader.wanted(manifest);
        (wanted, reader.findings)
    }
}

struct Reader<'a> {
    release: &'a At<Assembly>,
    document: &'a Document,
    project: &'a Path,
    environment: &'a Environment,
    findings: Findings,
}

impl Reader<'_> {
    fn wanted(&mut self, manifest: &Manifest) -> Option<Wanted> {
        let release = &self.release.value;
        self.judge_build(manifest);
        let mix = self.project.join("mix.exs").exists();
        let kind =
            release.kind.as_ref().map_or(if mix { AssemblyKind::Mix } else { AssemblyKind::Relx }, |at| at.value);
        let is_mix = kind == AssemblyKind::Mix;
        if !is_mix {
            self.judge_relx();
        }
        let of_mix = |name: &str, usual: &str| {
            let value = self.environment.get(name).and_then(|value| value.to_str());
            value.filter(|value| !value.is_empty()).unwrap_or(usual).to_owned()
        };
        let (mix_env, mix_target) = (of_mix("MIX_ENV", "prod"), of_mix("MIX_TARGET", "host"));
        let name = self.name(manifest);
        let lib = release.lib.as_ref().map_or_else(
            || match mix_target.as_str() {
                "host" => format!("_build/{mix_env}/lib"),
                target => format!("_build/{target}_{mix_env}/lib"),
            },
            |lib| lib.value.clone(),
        );
        let places = self.places(self.project.join(lib), is_mix);
        let providers = self.providers();
        let config = self.config(is_mix);
        let runtime = self.file(release.runtime.as_ref(), if is_mix { &["config/runtime.exs"] } else { &[] });
        let arguments: &[&str] = if is_mix { &["rel/vm.args.eex"] } else { &["config/vm.args.src", "config/vm.args"] };
        let vm_args = self.file(release.vm_args.as_ref(), arguments);
        let overlays = self.overlays(is_mix);
        let place = self.place(manifest, places.as_ref())?;
        let (name, places) = (name?, places?);
        let asked = self.asked(&name, kind);
        let version = self.version(manifest, &name, &asked, &places)?;
        let versions = release.versions.iter().map(|(name, at)| (name.clone(), at.value.clone(), self.span(at)));
        let old_mix = is_mix && self.elixir_is_old(&places);
        Some(Wanted {
            project: self.project.to_owned(),
            place,
            versions: versions.collect(),
            erts: release.erts.as_ref().is_none_or(|at| at.value),
            strip: self.strip(old_mix),
            old_mix,
            version,
            name,
            kind,
            asked,
            places,
            config,
            mix_env,
            mix_target,
            runtime,
            providers,
            vm_args,
            overlays,
        })
    }

    fn span<T>(&self, at: &At<T>) -> Span {
        self.document.span(at.range.clone())
    }

    fn refuse<T>(&mut self, code: Code, at: &At<T>, message: String, help: &str) {
        let finding = Diagnostic::error(code, message).at(&self.span(at), "").help(help);
        self.findings.push(finding);
    }

    fn judge_build(&mut self, manifest: &Manifest) {
        let other = manifest.build.preset.as_ref().filter(|preset| preset.value != Preset::Otp);
        if let Some(preset) = other {
            let message = "`[release]` assembles an OTP release, and the preset is another".to_owned();
            self.refuse(codes::CONFIG_INVALID_VALUE, preset, message, "write `preset = \"otp\"`, or leave it out");
        }
        if let Some(strip) = self.release.strip.as_ref().filter(|strip| !strip.value)
            && !self.release.keep_chunks.is_empty()
        {
            let message = "`keep-chunks` says what stays of modules that are stripped, and none are".to_owned();
            self.refuse(codes::CONFIG_INVALID_VALUE, strip, message, "take one of the two out");
        }
        for chunk in self.release.keep_chunks.clone().iter().filter(|chunk| chunk.len() != 4) {
            let message = format!("`{}` is no name of a chunk", chunk.escape_debug());
            self.refuse(
                codes::CONFIG_INVALID_VALUE,
                chunk,
                message,
                "names have four characters: `Docs`, `Dbgi`, `CInf`",
            );
        }
    }

    fn judge_relx(&mut self) {
        for (key, at) in
            [("runtime", self.release.runtime.clone()), ("providers", self.release.providers.first().cloned())]
        {
            if let Some(at) = at {
                let message = format!("`{key}` is for releases with Elixir in the layout of Mix");
                let help = "set `kind = \"mix\"`, or leave it out: `${NAME}` in `sys.config.src` is filled at start";
                self.refuse(codes::CONFIG_INVALID_VALUE, &at, message, help);
            }
        }
    }

    /// Where the release goes: nothing but a release is replaced.
    fn place(&mut self, manifest: &Manifest, places: Option<&Places>) -> Option<PathBuf> {
        let at = manifest.build.input.as_ref()?;
        // Without `.` and `..`, as far as it is there.
        let place: PathBuf = self.project.join(at.trim_end_matches('/')).components().collect();
        let place = fs_err::canonicalize(&place).unwrap_or(place);
        let holds = |inner: &Path| inner.starts_with(&place) || place.starts_with(inner) && inner != self.project;
        let of_places =
            |places: &Places| holds(&places.lib) || holds(&places.otp) || places.elixir.as_deref().is_some_and(holds);
        let holds = self.project.starts_with(&place) || places.is_some_and(of_places);
        let is_empty = || fs_err::read_dir(&place).is_ok_and(|mut inside| inside.next().is_none());
        let is_release = || !place.exists() || place.join("releases/start_erl.data").is_file() || is_empty();
        if holds || !is_release() {
            let message = format!("`{}` is no place for the release", at.escape_debug());
            let why = if holds { "it holds what the release is made of" } else { "there is something else in it" };
            let finding = Diagnostic::error(codes::OTP_PLACE, message).at(&self.span(at), why);
            self.findings.push(
                finding.help("name a folder of its own, or leave `input` out: it is `_build/fitout/rel/NAME` then"),
            );
            return None;
        }
        Some(place)
    }

    fn name(&mut self, manifest: &Manifest) -> Option<String> {
        let package = manifest.package.name.as_ref();
        let Some(name) = self.release.release_name(package.map(|name| name.value.as_str())) else {
            let message = "the release has no name".to_owned();
            let help = "set `name` under `[release]`, or under `[package]`";
            self.refuse(codes::CONFIG_MISSING_KEY, self.release, message, help);
            return None;
        };
        let plain = name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        if plain {
            return Some(name);
        }
        let message = format!("`{}` is no name of a release", name.escape_debug());
        let help = "it begins with a small letter, and has small letters, digits and `_`";
        match self.release.name.as_ref() {
            Some(at) => self.refuse(codes::CONFIG_INVALID_VALUE, at, message, help),
            None => {
                self.refuse(codes::CONFIG_INVALID_VALUE, self.release, message, &format!("set `name` here: {help}"));
            }
        }
        None
    }

    /// Typed, else that of the package where that is typed, else that of an application.
    fn version(&mut self, manifest: &Manifest, name: &str, asked: &[Asked], places: &Places) -> Option<String> {
        if let Some(at) = &self.release.version {
            if at.is_empty()
                || at.starts_with('.')
                || at.contains(|c: char| c == '/' || c.is_whitespace() || c.is_control())
            {
                let message = format!("`{}` is no version of a release", at.escape_debug());
                self.refuse(codes::CONFIG_INVALID_VALUE, at, message, "write it as in `1.2.3`");
                return None;
            }
            return Some(at.value.clone());
        }
        if let Some(VersionSource::Literal(version)) = manifest.package.version.as_ref().map(|at| &at.value) {
            return Some(version.clone());
        }
        let names = std::iter::once(name).chain(asked.iter().rev().map(|one| one.name.as_str()));
        let of_application = |name: &str| {
            let (dir, home) = places.application(name)?;
            Some(Application::read(self.project, &dir, name, home).ok()?.version)
        };
        // One that is not compiled yet, or broken, is told of where all applications are read.
        Some(
            names
                .filter(|name| places.lib.join(name).is_dir())
                .find_map(of_application)
                .unwrap_or_else(|| "0".to_owned()),
        )
    }

    fn asked(&self, name: &str, kind: AssemblyKind) -> Vec<Asked> {
        let first: &[&str] = match kind {
            AssemblyKind::Mix => &["kernel", "stdlib", "elixir", "sasl"],
            AssemblyKind::Relx => &["kernel", "stdlib"],
        };
        let typed = &self.release.applications;
        let permanent = |name: &&str| Asked { name: (*name).to_owned(), start: StartType::Permanent, place: None };
        let mut all: Vec<Asked> = first.iter().filter(|name| !typed.contains_key(**name)).map(permanent).collect();
        let mut own: Vec<_> = typed.iter().collect();
        own.sort_by_key(|(_, at)| at.range.start);
        all.extend(own.into_iter().map(|(name, at)| Asked {
            name: name.clone(),
            start: at.value,
            place: Some(self.span(at)),
        }));
        if typed.is_empty() {
            let range = self.release.name.as_ref().map_or(&self.release.range, |name| &name.range);
            let place = Some(self.document.span(range.clone()));
            all.push(Asked { name: name.to_owned(), start: StartType::Permanent, place });
        }
        all
    }

    /// Mix keeps more of applications since Elixir 1.15.
    fn elixir_is_old(&self, places: &Places) -> bool {
        let Some((dir, home)) = places.application("elixir") else { return false };
        let Ok(elixir) = Application::read(self.project, &dir, "elixir", home) else { return false };
        let mut numbers = elixir.version.split('.').map(|part| part.parse::<u32>().unwrap_or_default());
        (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default()) < (1, 15)
    }

    fn strip(&self, old_mix: bool) -> Strip {
        let keep = self.release.keep_chunks.iter().map(|name| name.as_str());
        let usual = if old_mix { beam::OF_OLD_MIX } else { beam::SIGNIFICANT };
        let mut all: Vec<String> = usual.iter().map(|&name| name.to_owned()).collect();
        all.extend(keep.filter(|name| !usual.contains(name)).map(str::to_owned));
        self.release.strip.as_ref().is_none_or(|at| at.value).then_some(all)
    }

    fn places(&mut self, lib: PathBuf, is_mix: bool) -> Option<Places> {
        let otp = self.root(self.release.otp.as_ref(), "erl", "otp")?;
        let elixir = match &self.release.elixir {
            None if !is_mix => None,
            typed => Some(self.root(typed.as_ref(), "elixir", "elixir")?),
        };
        Places::of(lib, &otp, elixir.as_ref()).map_err(|findings| self.findings.extend(findings)).ok()
    }

    fn root(&mut self, typed: Option<&Text>, program: &str, key: &str) -> Option<Named> {
        if let Some(at) = typed {
            return Some(Named::Config(self.project.join(&at.value), self.span(at)));
        }
        let found = self.environment.program(program);
        if found.is_none() {
            let message = format!("there is no `{program}` on the PATH, and `[release]` names no root");
            let help = format!(
                "set `{key}` under `[release]`, such as `/usr/lib/{}`",
                if key == "otp" { "erlang" } else { key }
            );
            self.refuse(codes::OTP_NO_ROOT, self.release, message, &help);
        }
        found.map(Named::Program)
    }
}
