//! `fitout templates`

use serde_json::json;

use super::args::{Common, Templates, TemplatesAction};
use super::exit::Exit;
use super::ui::Terminal;
use crate::config::suggest::nearest;
use crate::diagnostic::{Diagnostic, Findings};
use crate::template::{self, TEMPLATES, Template};

/// Lists the templates, or prints one.
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
    }
    Ok(Exit::Done)
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
