//! `releases:` of mix.exs.

use std::path::Path;

use super::{Import, Left, MIX, Source, applications, cookie, quoted};
use crate::resolve::elixir::value::{Form, Reader, Value};
use crate::resolve::elixir::{Kind, Token, tokens};
use crate::resolve::version::mix_app;

/// The releases that it names, the default first.
pub(super) fn releases(source: &Source) -> Vec<Import> {
    let all = tokens(&source.text);
    let list = match list(source, &all) {
        Ok(Some(list)) => list,
        Ok(None) => return Vec::new(),
        Err(value) => {
            let why = "it is computed: mix reads it, and fitout does not know which releases there are; those that are built are found";
            let left = vec![source.key_left("releases", &value, why)];
            return vec![Import { from: MIX, left, ..Import::default() }];
        }
    };
    let mut releases: Vec<Import> = list.pairs().map(|(name, options)| release(source, name, options)).collect();
    let default = after_key(source, &all, "default_release");
    if let Some(at) =
        default.and_then(|value| releases.iter().position(|release| Some(release.name.as_str()) == value.atom()))
    {
        releases[..=at].rotate_right(1);
    }
    releases
}

/// The applications of an umbrella, sorted.
pub(super) fn children(dir: &Path, source: &Source) -> Vec<String> {
    let path = after_key(source, &tokens(&source.text), "apps_path");
    let path = path.as_ref().and_then(Value::text).unwrap_or("apps");
    let folders = fs_err::read_dir(dir.join(path)).into_iter().flatten().flatten();
    let mut apps: Vec<String> = folders.filter_map(|folder| mix_app(&super::text(&folder.path().join(MIX))?)).collect();
    apps.sort();
    apps
}

/// The value behind the first key of this name.
fn after_key(source: &Source, all: &[Token], key: &str) -> Option<Value> {
    let at = all.iter().position(|token| matches!(&token.kind, Kind::Key(name) if name == key))?;
    Some(Reader::new(&source.text, all, at + 1).value(true))
}

/// The list itself, there or in a function of that name; what stands there if it is no list.
fn list(source: &Source, all: &[Token]) -> Result<Option<Value>, Value> {
    let Some(value) = after_key(source, all, "releases") else { return Ok(None) };
    if value.list().is_some() {
        return Ok(Some(value));
    }
    match function(source, all, "releases") {
        Some(result) if result.list().is_some() => Ok(Some(result)),
        _ => Err(value),
    }
}

/// What a function without arguments begins with.
fn function(source: &Source, all: &[Token], name: &str) -> Option<Value> {
    let is_word = |at: usize, wanted: &[&str]| matches!(all.get(at).map(|token| &token.kind), Some(Kind::Word(word)) if wanted.contains(&word.as_str()));
    let at = (0..all.len()).find(|at| is_word(*at, &["def", "defp"]) && is_word(at + 1, &[name]))?;
    let mut reader = Reader::new(&source.text, all, at + 2);
    if reader.takes(&Kind::Sign('(')) {
        reader.takes(&Kind::Sign(')'));
    }
    reader.takes(&Kind::Sign(','));
    if !reader.takes(&Kind::Word("do".to_owned())) && !reader.takes(&Kind::Key("do".to_owned())) {
        return None;
    }
    reader.lines();
    Some(reader.value(false))
}

fn release(source: &Source, name: &str, options: &Value) -> Import {
    let mut import = Import { name: name.to_owned(), from: MIX, ..Import::default() };
    if options.list().is_none() {
        let why = "it is computed: mix reads it, and fitout only finds the release where mix puts it by default";
        import.left.push(source.key_left(name, options, why));
    }
    for (key, value) in options.pairs() {
        match (key, &value.form) {
            ("path", Form::Text(path)) => import.input = Some(path.clone()),
            ("path", _) => {
                let why = "it is computed: say in `input` where the release is";
                import.left.push(source.key_left(key, value, why));
            }
            ("cookie", _) => import.left.push(source.left(value.line, "cookie: …", cookie(&import.package()))),
            ("steps", _) => import.left.extend(steps(source, value)),
            ("config_providers", _) => import.left.extend(providers(source, value)),
            ("include_executables_for", Form::List(systems))
                if !systems.is_empty() && systems.iter().all(|system| system.atom() == Some("windows")) =>
            {
                import.left.push(source.key_left(key, value, "packages are for Linux: `[:unix]` is needed"));
            }
            _ => import.release.extend(of_release(key, value)),
        }
    }
    import
}

/// What `[release]` has a key for.
fn of_release(key: &str, value: &Value) -> Option<(&'static str, String)> {
    let texts = |value: &Value| {
        let all: Option<Vec<String>> = match value.text() {
            Some(one) => Some(vec![quoted(one)]),
            None => value.list()?.iter().map(|one| one.text().map(quoted)).collect(),
        };
        all.filter(|all| !all.is_empty()).map(|all| format!("[{}]", all.join(", ")))
    };
    match key {
        "applications" => {
            let pairs = value.pairs().filter_map(|(name, kind)| Some((name, kind.atom()?)));
            Some(("applications", applications(pairs)?))
        }
        "version" => Some(("version", quoted(value.text()?))),
        "include_erts" => Some(("erts", value.bool()?.to_string())),
        "strip_beams" if value.bool() == Some(false) => Some(("strip", "false".to_owned())),
        "strip_beams" => {
            let keep = value.pairs().find(|(name, _)| *name == "keep")?.1;
            Some(("keep-chunks", texts(keep)?))
        }
        "overlays" => Some(("overlays", texts(value)?)),
        _ => None,
    }
}

fn steps(source: &Source, value: &Value) -> Option<Left> {
    let tar = value.list()?.iter().find(|step| step.atom() == Some("tar"))?;
    Some(source.left(
        tar.line,
        "steps: [… :tar]",
        "not needed: the format `tarball` makes one, the same at every build",
    ))
}

/// Files of the host that a provider reads.
fn providers(source: &Source, value: &Value) -> Vec<Left> {
    let one = |provider: &Value| {
        let argument = provider.tuple()?.get(1)?;
        let path = argument.text().or_else(|| argument.list()?.iter().find_map(Value::text));
        let path = path.filter(|path| path.starts_with('/'))?;
        let why = format!(
            "the node reads `{path}` when it starts: pack it by a `[[files]]` rule with `role = \"config\"`, or make it on the host"
        );
        Some(source.left(provider.line, format!("config_providers: {}", provider.spelled()), why))
    };
    value.list().unwrap_or_default().iter().filter_map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<Import> {
        releases(&Source { name: MIX, text: text.into() })
    }

    fn names(text: &str) -> Vec<String> {
        of(text).into_iter().map(|release| release.name).collect()
    }

    #[test]
    fn names_are_found_and_the_default_is_first() {
        assert_eq!(names("releases: [\n  demo: [\n"), ["demo"]);
        let two =
            "[web: [applications: [web: :permanent], version: {:from_app, :web}], jobs: [steps: [&a/1], x: \"y: [\"]]";
        assert_eq!(names(&format!("releases: {two}, deps: []")), ["web", "jobs"]);
        assert_eq!(names(&format!("default_release: :jobs, releases: {two}, deps: []")), ["jobs", "web"]);
        assert_eq!(names(&format!("releases: releases()\ndefp releases do\n {two}\nend")), ["web", "jobs"]);
        assert_eq!(names(&format!("releases: releases()\ndefp releases(), do: {two}")), ["web", "jobs"]);
        assert_eq!(names("releases: releases()"), [""]);
        assert!(names("# releases: [a: []]").is_empty());
        assert!(names("[\"releases: [a: []]\"]").is_empty());
    }

    #[test]
    fn what_mix_does_is_its_own_matter() {
        let text = "releases: [a: [include_erts: false, strip_beams: [keep: [\"Docs\"]], path: \"out/a\",\n  steps: [:assemble, &f/1],\n  overlays: [\"x\"]]]";
        let [release] = &of(text)[..] else { panic!("one release") };
        assert_eq!((release.input.as_deref(), release.left.len()), (Some("out/a"), 0));
    }

    #[test]
    fn what_is_left_has_its_line_and_reason() {
        let text = "releases: [\n a: [\n  cookie: \"secret\",\n  path: System.get_env(\"OUT\"),\n  steps: [:assemble,\n   :tar],\n  \
                    config_providers: [{Toml.Provider, [path: \"x\"]}, {Config.Reader, \"/etc/a/config.exs\"}]],\n b: options(:b)]";
        let left: Vec<Left> = of(text).into_iter().flat_map(|release| release.left).collect();
        let told: Vec<(usize, &str)> = left.iter().map(|left| (left.line, left.what.as_str())).collect();
        let expected = [
            (3, "cookie: …"),
            (4, "path: System.get_env(\"OUT\")"),
            (6, "steps: [… :tar]"),
            (7, "config_providers: {Config.Reader, \"/etc/a/config.exs\"}"),
            (8, "b: options(:b)"),
        ];
        assert_eq!(told, expected);
    }
}
