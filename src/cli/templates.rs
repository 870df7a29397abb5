//! `fitout templates`

use std::path::Path;

use serde_json::json;

use super::args::{Common, Templates, TemplatesAction};
use super::exit::Exit;
use super::ui::Terminal;
use super::{create, shown};
use crate::config::suggest::nearest;
use crate::diagnostic::{Diagnostic, Findings, codes};
use crate::engine::EngineError;
use crate::run;
use crate::template::{self, TEMPLATES, Template};

/// Where ejected templates go if the config names no folder.
const FOLDER: &str = "packaging/templates";

/// Lists the templates, prints one, puts one into the project, or compares those of the project with fitout's own.
pub fn run(common: &Common, args: &Templates, terminal: &Terminal) -> Result<Exit, Findings> {
    match &args.action {
        TemplatesAction::List if common.json => {
            let list: Vec<_> = TEMPLATES.iter().map(|t| json!({ "name": t.name, "about": t.about })).collect();
            terminal.document(&json!({ "schema": "fitout/templates/1", "templates": list }));
        }
        TemplatesAction::List => {
            let width = TEMPLATES.iter().map(|t| t.name.len()).max().unwrap_or_default();
            let lines = TEMPLATES.iter().map(|t| format!("{:<width$}  {}\n", t.name, t.about));
            terminal.data(&lines.collect::<String>());
        }
        TemplatesAction::Show { name } => {
            let Template { name, about, text, .. } = find(name)?;
            if common.json {
                terminal
                    .document(&json!({ "schema": "fitout/template/1", "name": name, "about": about, "text": text }));
            } else {
                terminal.data(text);
            }
        }
        TemplatesAction::Eject { name, to } => eject(common, find(name)?, to.as_deref(), terminal)?,
        TemplatesAction::Diff { name } => return diff(common, name.as_deref(), terminal),
    }
    Ok(Exit::Done)
}

/// Writes a template into the project; one that is there is kept.
fn eject(common: &Common, template: &Template, to: Option<&Path>, terminal: &Terminal) -> Result<(), Findings> {
    let named = configured(common)?;
    let project = folder_of(&common.config);
    let folder = to.map_or_else(|| project.join(named.as_deref().unwrap_or(FOLDER)), Path::to_path_buf);
    let path = folder.join(format!("{}.hbs", template.name));
    if path.exists() {
        let message = format!("`{}` is there already", shown(&path));
        let help = format!("`fitout templates diff {}` shows how it differs from fitout's own", template.name);
        return Err(vec![Diagnostic::error(codes::TEMPLATE_REPLACED, message).path(shown(&path)).help(help)]);
    }
    create(&path, &template.ejected())?;
    if common.json {
        terminal.document(&json!({ "schema": "fitout/eject/1", "name": template.name, "file": shown(&path) }));
    } else {
        terminal.data(&format!("{}\n", shown(&path)));
    }
    terminal.step("Wrote", &format!("{}, which takes the place of `{}`", shown(&path), template.name));
    if named.is_none() {
        let help = format!(
            "set `templates = \"{}\"` under [package]: without it fitout's own is used",
            to.map_or_else(|| FOLDER.into(), |to| to.display().to_string())
        );
        terminal.step("Next", &help);
    }
    Ok(())
}

/// Exit 1 where something differs.
fn diff(common: &Common, name: Option<&str>, terminal: &Terminal) -> Result<Exit, Findings> {
    let wanted = name.map(find).transpose()?;
    let folder = folder_of(&common.config).join(configured(common)?.as_deref().unwrap_or(FOLDER));
    let mut differences = Vec::new();
    for template in TEMPLATES.iter().filter(|template| wanted.is_none_or(|wanted| wanted.name == template.name)) {
        let path = folder.join(format!("{}.hbs", template.name));
        let text = match fs_err::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(source) => return Err(vec![EngineError::Read { path, source }.into()]),
        };
        // The first line of an ejected one says what it was taken from, and is no difference.
        let own = match template.has_drifted(&text) {
            Some(_) => text.split_once('\n').map_or("", |(_, rest)| rest),
            None => &text,
        };
        if own != template.text {
            let diff = similar::TextDiff::from_lines(template.text, own);
            let diff =
                diff.unified_diff().header(&format!("{} (fitout's own)", template.name), &shown(&path)).to_string();
            differences.push((template.name, template.has_drifted(&text), diff));
        }
    }
    if common.json {
        let all: Vec<_> = differences
            .iter()
            .map(|(name, drifted, diff)| json!({ "name": name, "original-changed": drifted, "diff": diff }))
            .collect();
        terminal.document(&json!({ "schema": "fitout/templates-diff/1", "differences": all }));
    } else {
        terminal.data(&differences.iter().map(|(_, _, diff)| diff.as_str()).collect::<String>());
    }
    Ok(if differences.is_empty() { Exit::Done } else { Exit::No })
}

/// `[package] templates`, as typed; none where there is no config yet.
fn configured(common: &Common) -> Result<Option<String>, Findings> {
    if !common.config.exists() {
        return Ok(None);
    }
    let document = run::read_config(&common.config)?;
    let (tree, lost) = document.tree(&[]);
    // What else is wrong with the config is for other verbs to tell.
    let reading = document.read(tree, lost, None);
    Ok(reading.manifest.package.templates.map(|text| text.value))
}

fn folder_of(config: &Path) -> &Path {
    config.parent().unwrap_or(Path::new(""))
}

fn find(name: &str) -> Result<&'static Template, Findings> {
    template::find(name).map_err(|error| {
        let mut finding = Diagnostic::from(error);
        if let Some(near) = nearest(name, TEMPLATES.iter().map(|template| template.name)) {
            finding.helps.insert(0, format!("did you mean `{near}`?"));
        }
        vec![finding]
    })
}
