//! An Erlang or Elixir project, or an assembled release -> a [`Draft`] for each release.
//!
//! Releases are those that `mix.exs` and `rebar.config` name in literals, in their order, and those that are built already.

use std::path::Path;

use super::import::{self, Import};
use super::{Draft, Found, folder_name, quoted, text};
use crate::resolve::preset::{assembled_releases, one_line, otp::OtpRelease};
use crate::resolve::version::{mix_app, mix_description};

/// What makes the releases of a project.
struct Maker {
    tool: Option<(&'static str, &'static str)>,
    summary: Option<String>,
    /// Its releases, as far as it says them; what is left of a project without a release is of one without a name.
    releases: Vec<Import>,
    /// Name of the only one, if it says none.
    app: Option<String>,
}

/// A draft for each release; none where this is no such project.
pub(super) fn drafts(dir: &Path, findings: &mut Vec<Found>) -> Option<Vec<Draft>> {
    let maker = maker(dir, findings);
    let mut built: Vec<(String, OtpRelease)> = assembled_releases(dir)
        .into_iter()
        .filter_map(|path| OtpRelease::read(&dir.join(&path), &path).ok().map(|release| (path, release)))
        .collect();
    if built.is_empty() {
        // The folder may be a release itself.
        built.extend(OtpRelease::read(dir, ".").ok().map(|release| (".".to_owned(), release)));
    }
    if maker.is_none() && built.is_empty() {
        return None;
    }
    let maker = maker.unwrap_or(Maker { tool: None, summary: None, releases: Vec::new(), app: None });
    let of_path = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let mut wanted: Vec<(Import, Option<(String, OtpRelease)>)> = Vec::new();
    let named = maker.releases.iter().filter(|release| !release.name.is_empty());
    for release in named {
        let is_it =
            |path: &str| release.input.as_deref().map_or_else(|| of_path(path) == release.name, |at| at == path);
        let at = built.iter().position(|(path, _)| is_it(path));
        wanted.push((release.clone(), at.map(|at| built.remove(at))));
    }
    let of_name = |name: String| Import { name, ..Import::default() };
    wanted.extend(built.into_iter().map(|found| (of_name(found.1.name.clone()), Some(found))));
    if wanted.is_empty() && maker.releases.is_empty() && matches!(maker.tool, Some(("rebar3", _))) {
        findings.push(("rebar.config".into(), "no release, and no application that starts anything".into()));
        let mut library = Draft { kind: "Collection of files", name: Some(folder_name(dir)), ..Draft::default() };
        library.open(&folder_name(dir));
        return Some(vec![library]);
    }
    if wanted.is_empty() {
        wanted.push((of_name(maker.app.clone().unwrap_or_else(|| folder_name(dir))), None));
    }
    if let Some(nameless) = maker.releases.iter().find(|release| release.name.is_empty()) {
        wanted[0].0.left.extend(nameless.left.iter().cloned());
    }
    Some(
        wanted
            .into_iter()
            .enumerate()
            .map(|(at, (release, built))| draft(&maker, at, release, built, findings))
            .collect(),
    )
}

fn maker(dir: &Path, findings: &mut Vec<Found>) -> Option<Maker> {
    if let Some(mix) = text(&dir.join("mix.exs")) {
        let app = mix_app(&mix);
        let what = app
            .as_ref()
            .map_or_else(|| "an Elixir umbrella".to_owned(), |app| format!("an Elixir project, application `{app}`"));
        findings.push(("mix.exs".into(), what));
        let about = "gets dependencies, compiles, assembles the release; skipped where nothing changed";
        let summary = mix_description(&mix).map(|text| one_line(&text));
        let mut releases = import::of_mix(dir, app.as_deref());
        if app.is_none() && releases.is_empty() {
            releases.extend(import::of_umbrella(dir, &folder_name(dir)));
        }
        return Some(Maker { tool: Some(("mix", about)), summary, releases, app });
    }
    if !dir.join("rebar.config").is_file() {
        return None;
    }
    findings.push(("rebar.config".into(), "an Erlang project".into()));
    let about = "compiles and assembles the release; skipped where nothing changed";
    Some(Maker {
        tool: Some(("rebar3", about)),
        summary: None,
        releases: import::of_rebar(dir, &folder_name(dir)),
        app: None,
    })
}

/// The draft of a release, the `at`th of the project.
fn draft(
    maker: &Maker,
    at: usize,
    release: Import,
    built: Option<(String, OtpRelease)>,
    findings: &mut Vec<Found>,
) -> Draft {
    let name = release.name.as_str();
    let summary = maker.summary.clone().filter(|_| at == 0);
    let mut draft = Draft { summary, kind: "Background service", ..Draft::default() };
    if let Some((path, release)) = &built {
        let natives = release.native_files().len();
        let erts = if release.erts_included { format!("ERTS {} inside", release.erts) } else { "no ERTS".into() };
        let what = format!(
            "{} {}, a release by {}: {} applications, {natives} native files, {erts}",
            release.name,
            release.version,
            release.producer.name(),
            release.applications.len()
        );
        findings.push((path.clone(), what));
        draft.summary = draft.summary.or_else(|| release.summary.as_deref().map(one_line));
    }
    let input = built.map(|(path, _)| path).or_else(|| release.input.clone());
    let input = input.unwrap_or_else(|| format!("_build/prod/rel/{name}"));
    if at > 0 {
        let file = format!("fitout-{name}.toml");
        let said = format!("one more release: `fitout build --config {file} --out dist/{name}`");
        findings.push((input.clone(), said));
        draft.beside = Some((file, format!("conf/{name}.env")));
    }
    draft.version = Some("{ from = \"release\" }".into());
    draft.summary = draft.summary.and_then(|text| listed(&text, name));
    draft.build.push(("preset", quoted("otp"), "layout, command and image start of an OTP release"));
    match (&release.input, maker.tool) {
        // The tool knows which release is meant by its place alone.
        (Some(_), Some(("mix", about))) => {
            let command = format!("MIX_ENV=prod mix do deps.get --only prod, release {name} --overwrite");
            draft.build.push(("command", quoted(&command), about));
        }
        (_, tool) => draft.build.extend(tool.map(|(tool, about)| ("tool", quoted(tool), about))),
    }
    if !release.own {
        draft.build.push(("input", quoted(&input), "the assembled release"));
    }
    if !release.from.is_empty() && release.has_something() {
        findings.push((release.from.to_owned(), format!("the release `{name}`: {}", release.told())));
    }
    draft.name = Some(release.package());
    draft.import = release;
    draft.is_service = true;
    draft
}

/// A description as lists of packages show it: a capital letter, and no article before it. The name alone, which is what Mix
/// writes where mix.exs says nothing, is none.
fn listed(text: &str, name: &str) -> Option<String> {
    let text = text.trim();
    let is_article = |word: &str| ["a", "an", "the"].contains(&word.to_lowercase().as_str());
    let text = text.split_once(' ').filter(|(first, _)| is_article(first)).map_or(text, |(_, rest)| rest.trim_start());
    let mut rest = text.chars();
    let first = rest.next()?;
    (text != name).then(|| first.to_uppercase().chain(rest).collect())
}
