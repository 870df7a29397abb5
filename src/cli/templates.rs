//! `fitout templates`

use super::args::{Common, Templates, TemplatesAction};
use super::exit::Exit;
use super::ui::Terminal;
use crate::assemble::template;
use crate::config::suggest::nearest;
use crate::diagnostic::{Diagnostic, Findings, codes};

/// Lists the templates, or prints one.
pub fn run(common: &Common, args: &Templates, terminal: &Terminal) -> Result<Exit, Findings> {
    let all = template::TEMPLATES;
    match &args.action {
        TemplatesAction::List if common.json => {
            let list: Vec<_> =
                all.iter().map(|t| serde_json::json!({ "name": t.name, "about": t.about })).collect();
            terminal.document(&serde_json::json!({ "schema": "fitout/templates/1", "templates": list }));
        }
        TemplatesAction::List => {
            terminal.data(&all.iter().map(|t| format!("{:<36} {}\n", t.name, t.about)).collect::<String>());
        }
        TemplatesAction::Show { name } => {
            let Some(found) = all.iter().find(|template| template.name == name) else {
                let mut finding = Diagnostic::error(codes::CLI_NO_TEMPLATE, format!("there is no template `{name}`"));
                if let Some(near) = nearest(name, all.iter().map(|template| template.name)) {
                    finding = finding.help(format!("did you mean `{near}`?"));
                }
                return Err(vec![finding.help("`fitout templates list` names them all")]);
            };
            if common.json {
                let text = found.text;
                terminal.document(&serde_json::json!({ "schema": "fitout/templates/1", "name": name, "text": text }));
            } else {
                terminal.data(found.text);
            }
        }
    }
    Ok(Exit::Done)
}
