//! `rel/config.exs` of Distillery: the project goes on with Elixir's own `mix release`, and what that lacks is fitout's.
//!
//! The environment that `default_environment` names, or `prod`, counts; what it says wins over the release, as there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::{DISTILLERY, Import, Left, MIX, Source, cookie};
use crate::resolve::elixir::value::{Form, Reader, Value};
use crate::resolve::elixir::{Kind, Token, tokens};

mod block;
mod carry;

use block::{Block, Config};

/// The releases, the default first; none if there are none in literals.
pub(super) fn releases(dir: &Path, source: &Source, of_mix: &[Import], app: Option<&str>) -> Vec<Import> {
    let config = Config::read(source);
    let environment = config.environment();
    let mut imports: Vec<Import> = config
        .blocks
        .iter()
        .filter(|block| block.word == "release")
        .map(|block| release(dir, source, block, environment, of_mix))
        .collect();
    if let Some(at) =
        config.default_release.as_ref().and_then(|name| imports.iter().position(|import| import.name == *name))
    {
        imports[..=at].rotate_right(1);
    }
    let is_only = imports.len() == 1;
    if imports.is_empty() && !config.left.is_empty() {
        imports.extend(of_mix.iter().cloned());
        if imports.is_empty() {
            imports.push(Import { from: DISTILLERY, ..Import::default() });
        }
    }
    for import in imports.iter_mut().filter(|import| import.from == DISTILLERY && !import.name.is_empty()) {
        for_mix(import, of_mix, app, is_only);
        let line = config.blocks.iter().find(|block| block.word == "release" && block.name == import.name);
        if let Some(block) = line.filter(|_| !import.for_mix.is_empty()) {
            let why = "`mix release` goes by mix.exs: the config has the line for it in a comment";
            import.left.push(source.left(block.line, format!("release :{}", block.name), why));
        }
    }
    if let Some(first) = imports.first_mut() {
        first.left.extend(config.left.iter().cloned());
        first.left.extend(others(source, &config.blocks, environment));
        first.left.extend(dependency(dir));
    }
    for import in &mut imports {
        import.left.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
    }
    imports
}

/// What two blocks say of a release.
fn release(dir: &Path, source: &Source, block: &Block, environment: Option<&Block>, of_mix: &[Import]) -> Import {
    let mut import = Import { name: block.name.clone(), from: DISTILLERY, ..Import::default() };
    // What mix.exs says of a release of this name stays.
    if let Some(known) = of_mix.iter().find(|known| known.name == block.name) {
        import.input.clone_from(&known.input);
        import.left.extend(known.left.iter().cloned());
    }
    let blocks = [Some(block), environment];
    let mut settings: BTreeMap<&str, &Value> = BTreeMap::new();
    for (key, value) in blocks.iter().flatten().flat_map(|block| &block.settings) {
        settings.insert(key, value);
    }
    for (line, plugin) in blocks.iter().flatten().flat_map(|block| &block.plugins) {
        let why = "plugins are Distillery's: what it does before and after the assembly goes into `[build.hooks]`, or into `steps` of mix.exs";
        import.left.push(source.left(*line, format!("plugin {plugin}"), why));
    }
    for (key, value) in settings {
        carry::setting(dir, source, &mut import, key, value);
    }
    import
}

/// The line of `releases:` that `mix release` needs to make the same; none where it needs none.
fn for_mix(import: &mut Import, of_mix: &[Import], app: Option<&str>, is_only: bool) {
    let is_there = of_mix.iter().any(|known| known.name == import.name);
    let is_default = is_only && of_mix.is_empty() && app == Some(import.name.as_str());
    if is_there || (is_default && import.for_mix.is_empty()) {
        import.for_mix.clear();
    } else {
        import.for_mix = vec![format!("{}: [{}]", import.name, import.for_mix.join(", "))];
    }
}

/// Environments that do not count.
fn others(source: &Source, blocks: &[Block], counts: Option<&Block>) -> Vec<Left> {
    let name = counts.map_or_else(|| "prod".to_owned(), |block| block.name.clone());
    let counts = |block: &&Block| block.word == "environment" && block.name != name;
    // Nobody packages those of a developer.
    let others = blocks.iter().filter(counts).filter(|block| !["dev", "test"].contains(&block.name.as_str()));
    let one = |block: &Block| {
        let why = format!(
            "only `:{name}` is carried over: what is different goes into an overlay, `[environment.{0}]`, for `fitout build \
             --environment {0}`",
            block.name
        );
        source.left(block.line, format!("environment :{}", block.name), why)
    };
    others.map(one).collect()
}

/// Distillery among the dependencies.
fn dependency(dir: &Path) -> Option<Left> {
    let mix = Source::read(dir, MIX)?;
    let all = tokens(&mix.text);
    let is = |pair: &&[Token]| pair[0].kind == Kind::Sign('{') && pair[1].kind == Kind::Atom("distillery".to_owned());
    let line = all.windows(2).find(is)?[1].line;
    Some(mix.left(
        line,
        "{:distillery, …}",
        "not needed any more: `mix release` of Elixir assembles, fitout does the rest",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = include_str!("../../../../tests/golden/init/distillery/rel/config.exs");

    fn of(text: &str) -> Vec<Import> {
        let dir = tempfile::tempdir().unwrap();
        releases(dir.path(), &Source { name: DISTILLERY, text: text.into() }, &[], Some("heron"))
    }

    #[test]
    fn the_default_is_first_and_the_environment_wins() {
        let all = of(TEXT);
        let names: Vec<&str> = all.iter().map(|release| release.name.as_str()).collect();
        assert_eq!(names, ["heron", "heron_admin"]);
        // `set include_erts: true` of the environment hides what the release says.
        assert_eq!(
            all[1].for_mix,
            ["heron_admin: [applications: [runtime_tools: :permanent, heron: :temporary], version: \"0.9.0\"]"]
        );
        let staging = of(&TEXT.replace("Mix.env()", ":staging"));
        assert!(staging.iter().all(|release| release.files.is_empty() && release.hooks.is_empty()));
    }

    #[test]
    fn what_the_project_needs_not_is_not_told() {
        let [release] = &of("release :heron do\n set version: current_version(:heron)\nend\n")[..] else {
            panic!("one")
        };
        assert!(release.left.is_empty() && release.for_mix.is_empty(), "{release:?}");
        // Of another name than the application: mix has to be told.
        let [release] = &of("release :other do\nend\n")[..] else { panic!("one") };
        assert_eq!(release.for_mix, ["other: []"]);
    }

    #[test]
    fn a_file_that_is_cut_or_garbled_is_read_on() {
        for at in (0..TEXT.len()).step_by(7).filter(|at| TEXT.is_char_boundary(*at)) {
            of(&TEXT[..at]);
            let garbled = format!("{}\u{0}]}}){}", &TEXT[..at], &TEXT[at..]);
            let told = of(&garbled);
            assert!(told.iter().all(|release| release.left.iter().all(|left| left.line > 0)));
        }
    }
}
