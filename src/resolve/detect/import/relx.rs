//! `relx` of rebar.config, with what the profile `prod` says over it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Import, Left, REBAR, Source, applications, quoted};
use crate::diagnostic::SourceText;
use crate::resolve::preset::term::{self, Term};
use crate::resolve::service::LAUNCHER_COMMANDS;

/// The profile that fitout builds by.
const PROFILE: &str = "prod";

/// A term, and the way to it: indexes from that of the term in the file on.
#[derive(Clone)]
struct At<'t> {
    term: &'t Term,
    way: Vec<usize>,
}

impl<'t> At<'t> {
    /// The elements of a tuple or list.
    fn elements(&self) -> Vec<Self> {
        let all = self.term.tuple().or_else(|| self.term.list()).unwrap_or_default();
        let one = |(index, term)| Self { term, way: self.way.iter().copied().chain([index]).collect() };
        all.iter().enumerate().map(one).collect()
    }

    /// Key and value of `{key, Value}`.
    fn pair(&self) -> Option<(&'t str, Self)> {
        match self.term.tuple()? {
            [key, _] => Some((key.atom()?, self.elements().pop()?)),
            _ => None,
        }
    }

    /// The value of a key of a list.
    fn get(&self, wanted: &str) -> Option<Self> {
        self.elements().into_iter().find_map(|one| one.pair().filter(|(key, _)| *key == wanted).map(|(_, value)| value))
    }
}

/// What is read, and where it stands.
struct Reading<'a> {
    source: &'a Source,
    text: Arc<SourceText>,
}

impl Reading<'_> {
    fn left(&self, at: &At<'_>, what: impl Into<String>, why: impl Into<String>) -> Left {
        self.source.left(term::place(&self.text, &at.way).map_or(1, |span| span.line_column().0), what, why)
    }
}

/// The applications of the project, sorted; none where none of them starts anything: <https://rebar3.org/docs/workflow/#setting-up-an-application-or-release>.
pub(super) fn apps(dir: &Path) -> Vec<String> {
    let files = |folder: &Path| {
        let entries = fs_err::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).collect::<Vec<_>>()
    };
    let all = std::iter::once(dir.to_owned()).chain(files(&dir.join("apps"))).flat_map(|app| files(&app.join("src")));
    let app = |file: PathBuf| {
        let name = file.file_name()?.to_str()?.strip_suffix(".app.src")?.to_owned();
        Some((name, super::text(&file)?.contains("{mod,")))
    };
    let mut apps: Vec<(String, bool)> = all.filter_map(app).collect();
    apps.sort();
    let starts = apps.iter().any(|(_, starts)| *starts);
    apps.into_iter().filter(|_| starts).map(|(name, _)| name).collect()
}

/// The releases in their order.
pub(super) fn releases(dir: &Path, source: &Source) -> Vec<Import> {
    let text = Arc::new(SourceText { name: REBAR.to_owned(), text: source.text.to_string() });
    let terms = match term::parse(&text) {
        Ok(terms) => Term::List(terms, None),
        Err(finding) => {
            let line = finding.labels.first().map_or(1, |label| label.span.line_column().0);
            let left = vec![source.left(line, "the whole file", finding.message)];
            return vec![Import { from: REBAR, left, ..Import::default() }];
        }
    };
    let (reading, all) = (Reading { source, text }, At { term: &terms, way: Vec::new() });
    let profiles: Vec<(&str, At<'_>)> =
        all.get("profiles").iter().flat_map(At::elements).filter_map(|profile| profile.pair()).collect();
    let over = profiles.iter().find(|(name, _)| *name == PROFILE).and_then(|(_, settings)| settings.get("relx"));
    let settings: Vec<At<'_>> = over.iter().chain(&all.get("relx")).flat_map(At::elements).collect();
    let mut left = of_settings(&reading, &settings);
    for (name, profile) in profiles.iter().filter(|(name, _)| *name != PROFILE) {
        let why = format!(
            "`rebar3 as {PROFILE} release` is what runs; for another package of this profile write `command = \"rebar3 as {name} release\"` \
             and `input` into a config of its own"
        );
        left.extend(profile.get("relx").map(|relx| reading.left(&relx, format!("profile {name}: relx"), why)));
    }
    left.sort_by_key(|left| left.line);
    if dir.join("rebar.config.script").is_file() {
        let why = "rebar3 runs it and may change all of this; fitout does not".to_owned();
        left.push(Left { file: "rebar.config.script".to_owned(), line: 1, what: "the whole file".to_owned(), why });
    }
    let mut releases: Vec<Import> = Vec::new();
    for (term, name) in settings.iter().filter_map(|setting| Some((setting.term, name_of(setting.term)?))) {
        if !releases.iter().any(|release| release.name == name) {
            let release = of_release(term, &settings);
            releases.push(Import { name: name.to_owned(), from: REBAR, release, ..Import::default() });
        }
    }
    if releases.is_empty() && !left.is_empty() {
        releases.push(Import { from: REBAR, ..Import::default() });
    }
    if let Some(first) = releases.first_mut() {
        first.left = left;
    }
    releases
}

/// The name in `{release, {NAME, VERSION}, …}`.
fn name_of(term: &Term) -> Option<&str> {
    match term.tuple()? {
        [word, of, ..] if word.atom() == Some("release") => of.tuple()?.first()?.atom(),
        _ => None,
    }
}

/// What a reader of the project might miss.
fn of_settings(reading: &Reading<'_>, settings: &[At<'_>]) -> Vec<Left> {
    let value = |wanted: &str| {
        settings.iter().find_map(|setting| setting.pair().filter(|(key, _)| *key == wanted).map(|(_, value)| value))
    };
    let mut left = Vec::new();
    // Of the two, `mode` is the newer word.
    let links =
        value("mode").map(|mode| (mode, "mode", "dev")).or_else(|| Some((value("dev_mode")?, "dev_mode", "true")));
    if let Some((at, key, word)) = links.filter(|(at, _, word)| at.term.atom() == Some(word)) {
        let why = "such a release is links into the build: say `{mode, prod}` under `relx` of the profile `prod`";
        left.push(reading.left(&at, format!("{{{key}, {word}}}"), why));
    }
    let hooks = value("extended_start_script_hooks");
    for (moment, list) in hooks.iter().flat_map(At::elements).filter_map(|hooks| hooks.pair()) {
        left.extend(list.elements().iter().filter_map(|hook| hook_left(reading, moment, hook)));
    }
    let extensions = value("extended_start_script_extensions");
    for extension in extensions.iter().flat_map(At::elements) {
        if let Some((name, _)) = extension.pair().filter(|(name, _)| LAUNCHER_COMMANDS.contains(name)) {
            let why = format!("the launcher has a command `{name}` of its own: give the extension another name");
            left.push(reading.left(&extension, format!("extension {name}"), why));
        }
    }
    left
}

fn hook_left(reading: &Reading<'_>, moment: &str, hook: &At<'_>) -> Option<Left> {
    let word = hook.term.atom().or_else(|| hook.term.tuple()?.first()?.atom())?;
    let why = match (moment, word) {
        ("status", _) => {
            "`NAME status` is the launcher's own; what else there is to ask goes under `[service.commands]`"
        }
        (_, "wait_for_process") => {
            "the start is over when all applications have started: start the process in one of them, or ask for it by a `post-start` hook"
        }
        _ => return None,
    };
    Some(reading.left(hook, format!("{moment}: {word}"), why))
}

/// What `[release]` has a key for.
fn of_release(release: &Term, settings: &[At<'_>]) -> Vec<(&'static str, String)> {
    let parts = release.tuple().unwrap_or_default();
    let version = parts.get(1).and_then(|of| of.tuple()?.get(1)?.text()).map(|text| ("version", quoted(text)));
    let one = |term: &'_ Term| match term.tuple() {
        None => Some((term.atom()?.to_owned(), "permanent".to_owned())),
        Some(parts) => {
            let kind = parts.iter().skip(1).find_map(Term::atom).unwrap_or("permanent");
            Some((parts.first()?.atom()?.to_owned(), kind.to_owned()))
        }
    };
    let all: Vec<(String, String)> =
        parts.get(2).and_then(Term::list).unwrap_or_default().iter().filter_map(one).collect();
    let table = applications(all.iter().map(|(name, kind)| (name.as_str(), kind.as_str())));
    let value = |wanted: &[&str]| {
        settings
            .iter()
            .find_map(|setting| setting.pair().filter(|(key, _)| wanted.contains(key)).map(|(_, value)| value.term))
    };
    let text = |key, wanted: &[&str]| value(wanted).and_then(Term::text).map(|text| (key, quoted(text)));
    let erts = value(&["include_erts"]).and_then(Term::atom).filter(|word| matches!(*word, "true" | "false"));
    let all = [
        version,
        table.map(|table| ("applications", table)),
        erts.map(|word| ("erts", word.to_owned())),
        text("sys-config", &["sys_config_src", "sys_config"]),
        text("vm-args", &["vm_args_src", "vm_args"]),
    ];
    all.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<Import> {
        let dir = tempfile::tempdir().unwrap();
        releases(dir.path(), &Source { name: REBAR, text: text.into() })
    }

    #[test]
    fn releases_of_relx() {
        let two = "{erl_opts, []}.\n{relx, [{release, {a, \"1\"}, [sasl]}, {release, {b, {cmd, \"x\"}}, [c], []}, {mode, prod}]}.\n";
        let names: Vec<String> = of(two).into_iter().map(|release| release.name).collect();
        assert_eq!(names, ["a", "b"]);
        assert!(of("{relx, [{mode, prod}]}.").is_empty());
    }

    #[test]
    fn what_is_left_has_its_line_and_reason() {
        let text = "%% {dev_mode, no}\n{relx, [{release, {tern, \"1\"}, [tern]},\n {dev_mode, true},\n {extended_start_script_hooks, [\n  \
                    {pre_start, [{custom, \"x\"}]},\n  {post_start, [pid, {wait_for_process, tern}]},\n  {status, [{custom, \"y\"}]}]},\n \
                    {extended_start_script_extensions, [{song, \"a\"},\n  {status, \"b\"}]}]}.\n\
                    {profiles, [{test, []},\n {staging, [{relx, []}]}]}.\n";
        let [release] = &of(text)[..] else { panic!("one release") };
        let told: Vec<(usize, &str)> = release.left.iter().map(|left| (left.line, left.what.as_str())).collect();
        let expected = [
            (3, "{dev_mode, true}"),
            (6, "post_start: wait_for_process"),
            (7, "status: custom"),
            (9, "extension status"),
            (11, "profile staging: relx"),
        ];
        assert_eq!(told, expected);
        // What `prod` says wins.
        let prod = text.to_owned().replace("{test, []}", "{prod, [{relx, [{dev_mode, false}]}]}");
        assert!(of(&prod)[0].left.iter().all(|left| !left.what.contains("dev_mode")));
    }

    #[test]
    fn what_is_no_term_is_told() {
        let [release] = &of("{relx, [\n{release, {a, \"1\"}, [a]},\n{x, fun() -> ok end}]}.")[..] else {
            panic!("one")
        };
        assert_eq!((release.name.as_str(), release.left[0].line), ("", 3), "{release:?}");
    }
}
