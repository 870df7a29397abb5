//! An Erlang or Elixir project, or an assembled release -> a [`Draft`] for each release.
//!
//! Releases are those that `mix.exs` and `rebar.config` name in literals, in their order, and those that are built already.

use std::path::Path;
use std::sync::Arc;

use super::{Draft, Found, folder_name, legal, quoted, text};
use crate::diagnostic::SourceText;
use crate::resolve::preset::{assembled_releases, one_line, otp::OtpRelease, term};
use crate::resolve::version::{mix_app, mix_description, mix_releases};

/// What makes the releases of a project.
struct Maker {
    tool: Option<(&'static str, &'static str)>,
    summary: Option<String>,
    /// Names of its releases, as far as it says them.
    names: Vec<String>,
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
    let maker = maker.unwrap_or(Maker { tool: None, summary: None, names: Vec::new(), app: None });
    let of_path = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let mut wanted: Vec<(String, Option<(String, OtpRelease)>)> = Vec::new();
    for name in &maker.names {
        let at = built.iter().position(|(path, _)| of_path(path) == *name);
        wanted.push((name.clone(), at.map(|at| built.remove(at))));
    }
    wanted.extend(built.into_iter().map(|found| (found.1.name.clone(), Some(found))));
    if wanted.is_empty() {
        wanted.push((maker.app.clone().unwrap_or_else(|| folder_name(dir)), None));
    }
    Some(wanted.into_iter().enumerate().map(|(at, (name, built))| draft(&maker, at, &name, built, findings)).collect())
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
        return Some(Maker { tool: Some(("mix", about)), summary, names: mix_releases(&mix), app });
    }
    let rebar = text(&dir.join("rebar.config"))?;
    findings.push(("rebar.config".into(), "an Erlang project".into()));
    let about = "compiles and assembles the release; skipped where nothing changed";
    Some(Maker { tool: Some(("rebar3", about)), summary: None, names: relx_releases(&rebar), app: None })
}

/// Names in `{relx, [{release, {NAME, VERSION}, …}]}`.
fn relx_releases(text: &str) -> Vec<String> {
    let terms = term::parse(&Arc::new(SourceText { name: "rebar.config".into(), text: text.to_owned() }));
    let all = term::Term::List(terms.unwrap_or_default(), None);
    let name = |term: &term::Term| match term.tuple()? {
        [word, of, ..] if word.atom() == Some("release") => Some(of.tuple()?.first()?.atom()?.to_owned()),
        _ => None,
    };
    let relx = all.property("relx").and_then(term::Term::list).unwrap_or_default();
    relx.iter().filter_map(name).collect()
}

/// The draft of a release, the `at`th of the project.
fn draft(
    maker: &Maker,
    at: usize,
    name: &str,
    built: Option<(String, OtpRelease)>,
    findings: &mut Vec<Found>,
) -> Draft {
    let mut draft = Draft { summary: maker.summary.clone().filter(|_| at == 0), ..Draft::default() };
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
    let input = built.map_or_else(|| format!("_build/prod/rel/{name}"), |(path, _)| path);
    if at > 0 {
        let file = format!("fitout-{name}.toml");
        let said = format!("one more release: `fitout build --config {file} --out dist/{name}`");
        findings.push((input.clone(), said));
        draft.beside = Some((file, format!("conf/{name}.env")));
    }
    draft.version = Some("{ from = \"release\" }".into());
    draft.summary = draft.summary.or_else(|| Some(format!("The {name} service")));
    draft.build.push(("preset", quoted("otp"), "layout, command and image start of an OTP release"));
    draft.build.extend(maker.tool.map(|(tool, about)| ("tool", quoted(tool), about)));
    draft.build.push(("input", quoted(&input), "the assembled release"));
    draft.name = Some(legal(&name.replace('_', "-")));
    draft.is_service = true;
    draft
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_of_relx() {
        let two = "{erl_opts, []}.\n{relx, [{release, {a, \"1\"}, [sasl]}, {release, {b, {cmd, \"x\"}}, [c], []}, {mode, prod}]}.\n";
        assert_eq!(relx_releases(two), ["a", "b"]);
        assert!(relx_releases("{relx, [{mode, prod}]}.").is_empty());
        assert!(relx_releases("not a term").is_empty());
    }
}
