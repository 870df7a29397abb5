//! `fitout plan`

use super::args::{Common, Narrow, Plan};
use super::exit::Exit;
use super::request;
use super::ui::{Terminal, draw};
use crate::diagnostic::Findings;
use crate::report::{environments, lint, plan};
use crate::run::{self, Preview};

/// What the file itself is called where an environment is wanted.
const NONE: &str = "none";

/// Prints every entry of every plan, or what differs between those of two environments.
pub fn run(common: &Common, args: &Plan, terminal: &Terminal) -> Result<Exit, Findings> {
    if let Some(against) = &args.against {
        return compare(common, args, against, terminal);
    }
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

/// Whatever is found, the question was answered.
fn compare(common: &Common, args: &Plan, against: &str, terminal: &Terminal) -> Result<Exit, Findings> {
    let of = |environment: Option<&str>| -> Result<Vec<Preview>, Findings> {
        let environment = environment.filter(|name| *name != NONE).map(str::to_owned);
        let planned = run::plan(&request(common, &Narrow { environment, ..args.narrow.clone() }), terminal)?;
        terminal.findings(&lint::allowed(planned.warnings.clone(), &planned.lint));
        run::preview(planned)
    };
    let own = args.narrow.environment.as_deref();
    let (old, new) = (of(Some(against))?, of(own)?);
    let own = own.unwrap_or(NONE);
    let pairs = environments::pairs((against, &old), (own, &new));
    if common.json {
        terminal.document(&environments::json(&pairs, against, own));
    } else {
        terminal.data(&environments::text(&pairs, against, own, args.scripts));
    }
    Ok(Exit::Done)
}
