//! `fitout plan`

use super::args::{Common, Plan};
use super::exit::Exit;
use super::request;
use super::ui::{Terminal, draw};
use crate::diagnostic::Findings;
use crate::report::{lint, plan};
use crate::run;

/// Prints every entry of every plan.
pub fn run(common: &Common, args: &Plan, terminal: &Terminal) -> Result<Exit, Findings> {
    let planned = run::plan(&request(common, &args.narrow), terminal)?;
    let warnings = lint::allowed(planned.warnings, &planned.lint);
    terminal.findings(&warnings);
    if common.json {
        let findings = warnings.iter().map(draw::json).collect();
        terminal.document(&plan::Document::new(&planned.plans, &planned.wanted, findings));
    } else {
        let texts = planned.plans.iter().map(plan::text).collect::<Vec<_>>().join("\n");
        terminal.data(&(texts + &plan::further(&planned.wanted)));
    }
    Ok(Exit::Done)
}
