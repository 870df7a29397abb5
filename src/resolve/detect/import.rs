//! What a project says of its releases in literals -> what of it goes into `fitout.toml`, and what does not, with the reason.
//!
//! Enters: `rel/config.exs` of Distillery, `mix.exs`, `rebar.config`. Leaves: an [`Import`] for each release, in the order in
//! which they are to be proposed. What `mix release` and rebar3 do by themselves stays theirs, and is not told. No code of
//! the project is run: what is computed is told as left, with its line. Not here: the text of the config (`text`).

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::{legal, quoted, text};
use crate::resolve::elixir::value::Value;

mod distillery;
mod mix;
mod relx;

/// Something that was not carried over, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// The file, as from the project's folder.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// What stands there.
    pub what: String,
    /// Why it was left, and what to do.
    pub why: String,
}

/// What is carried over of one release.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Import {
    /// Its name.
    pub name: String,
    /// Where its producer puts it, if that is said.
    pub input: Option<String>,
    /// `[service.hooks]`: moment and files.
    pub hooks: BTreeMap<&'static str, Vec<String>>,
    /// `[service.commands]`: name and file.
    pub commands: BTreeMap<String, String>,
    /// `[[files]]`: keys and values of each, the values as TOML.
    pub files: Vec<Vec<(&'static str, String)>>,
    /// `[release]`, for whoever has fitout assemble it: keys and values as TOML.
    pub release: Vec<(&'static str, String)>,
    /// Nothing but fitout assembles it.
    pub own: bool,
    /// What was left.
    pub left: Vec<Left>,
    /// What `releases:` of mix.exs needs so that `mix release` makes the same.
    pub for_mix: Vec<String>,
    /// The file that all this is from.
    pub from: &'static str,
}

impl Import {
    /// Whether something of it goes into the config.
    pub fn has_something(&self) -> bool {
        !(self.hooks.is_empty() && self.commands.is_empty() && self.files.is_empty())
    }

    /// What of it goes there, in numbers.
    pub fn told(&self) -> String {
        let hooks = self.hooks.values().map(Vec::len).sum::<usize>();
        let all = [(hooks, "hook"), (self.commands.len(), "command"), (self.files.len(), "file")];
        let some = all.into_iter().filter(|(count, _)| *count > 0);
        let told = some.map(|(count, what)| format!("{count} {what}{}", if count == 1 { "" } else { "s" }));
        format!("{} carried over", told.collect::<Vec<_>>().join(", "))
    }

    /// Mix takes the application of the project into each of its releases, whatever is listed.
    fn with_application(&mut self, app: &str) {
        let own = format!("{} = ", key(app));
        for (_, table) in self.release.iter_mut().filter(|(key, _)| *key == "applications") {
            if let Some(rest) = table.strip_prefix("{ ").filter(|rest| !format!(" {rest}").contains(&format!(" {own}")))
            {
                *table = format!("{{ {own}{}, {rest}", quoted("permanent"));
            }
        }
    }

    /// Name of its package.
    pub fn package(&self) -> String {
        legal(&self.name.replace('_', "-"))
    }
}

/// `{ a = "permanent" }`: applications and how they start; those that are always there are left out.
fn applications<'a>(all: impl Iterator<Item = (&'a str, &'a str)>) -> Option<String> {
    const ALWAYS: [&str; 4] = ["elixir", "kernel", "stdlib", "sasl"];
    let types = ["permanent", "transient", "temporary", "load", "none"];
    let known = all.filter(|(name, kind)| !ALWAYS.contains(name) && types.contains(kind));
    let all: Vec<String> = known.map(|(name, kind)| format!("{} = {}", key(name), quoted(kind))).collect();
    (!all.is_empty()).then(|| format!("{{ {} }}", all.join(", ")))
}

/// A key of TOML.
pub(super) fn key(name: &str) -> String {
    let is_bare = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if is_bare && !name.is_empty() { name.to_owned() } else { quoted(name) }
}

/// A file that is read.
pub(super) struct Source {
    name: &'static str,
    text: Arc<str>,
}

/// Distillery's file.
pub(super) const DISTILLERY: &str = "rel/config.exs";
const MIX: &str = "mix.exs";
const REBAR: &str = "rebar.config";

impl Source {
    fn read(dir: &Path, name: &'static str) -> Option<Self> {
        text(&dir.join(name)).map(|text| Self { name, text: text.into() })
    }

    fn left(&self, line: usize, what: impl Into<String>, why: impl Into<String>) -> Left {
        Left { file: self.name.to_owned(), line, what: what.into(), why: why.into() }
    }

    /// The line that a text first stands in, from 1.
    fn line_of(&self, text: &str) -> usize {
        self.text.lines().position(|line| line.contains(text)).map_or(1, |at| at + 1)
    }

    fn key_left(&self, key: &str, value: &Value, why: impl Into<String>) -> Left {
        self.left(value.line, format!("{key}: {}", value.spelled()), why)
    }
}

/// The releases of a Mix project. `app` is its application.
pub(super) fn of_mix(dir: &Path, app: Option<&str>) -> Vec<Import> {
    let Some(source) = Source::read(dir, MIX) else { return Vec::new() };
    let mut releases = mix::releases(&source);
    if let Some(distillery) = Source::read(dir, DISTILLERY) {
        let found = distillery::releases(dir, &distillery, &releases, app);
        releases = if found.is_empty() { releases } else { found };
    }
    if let Some(app) = app {
        for release in &mut releases {
            release.with_application(app);
        }
    }
    releases
}

/// The release that an umbrella without `releases:` needs, since `mix release` makes none of it: all its applications.
pub(super) fn of_umbrella(dir: &Path, folder: &str) -> Option<Import> {
    let source = Source::read(dir, MIX)?;
    let apps: Vec<String> = mix::children(dir, &source).iter().map(|app| format!("{app}: :permanent")).collect();
    let name = atom(folder);
    let missing = format!("{name}: [applications: [{}]]", apps.join(", "));
    let why =
        format!("`mix release` makes nothing of an umbrella without it: add `releases: [{missing}]` to `project`");
    let left = source.left(source.line_of("def project"), "no `releases:`", why);
    (!apps.is_empty()).then(|| Import {
        name,
        from: MIX,
        left: vec![left],
        for_mix: vec![missing],
        ..Import::default()
    })
}

/// The releases of a project of rebar3; without `relx` one of all its applications, which fitout assembles.
pub(super) fn of_rebar(dir: &Path, folder: &str) -> Vec<Import> {
    let Some(source) = Source::read(dir, REBAR) else { return Vec::new() };
    let releases = relx::releases(dir, &source);
    let apps = if releases.is_empty() { relx::apps(dir) } else { Vec::new() };
    let name = if let [one] = &apps[..] { one.clone() } else { atom(folder) };
    let table = applications(apps.iter().map(|app| (app.as_str(), "permanent")));
    let own = table.map(|table| Import {
        name,
        release: vec![("applications", table)],
        own: true,
        from: REBAR,
        ..Import::default()
    });
    releases.into_iter().chain(own).collect()
}

/// A name that is an atom without quotes.
fn atom(folder: &str) -> String {
    legal(folder).replace(|c: char| !c.is_ascii_alphanumeric(), "_")
}

/// The cookie of a release: fitout has another way.
fn cookie(package: &str) -> String {
    format!(
        "no cookie is in a package: each host makes its own; nodes of several hosts get one by RELEASE_COOKIE in /etc/{package}/env"
    )
}
