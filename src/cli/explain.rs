//! `fitout explain`

use std::path::Path;

use super::args::{Common, Explain};
use super::exit::Exit;
use super::request;
use super::ui::Terminal;
use crate::assemble::own::Passed;
use crate::config::suggest::nearest;
use crate::diagnostic::{Diagnostic, Findings, codes};
use crate::report::explain;
use crate::run;

/// Why a path is as it is, or what a code means.
pub fn run(common: &Common, args: &Explain, terminal: &Terminal) -> Result<Exit, Findings> {
    if !args.what.starts_with('/') {
        return code(common, args, terminal);
    }
    let planned = run::plan(&request(common, &args.narrow), terminal)?;
    let found: Vec<_> = planned
        .plans
        .iter()
        .flat_map(|plan| explain::entries(plan, &args.what).into_iter().map(move |entry| (plan, entry)))
        .collect();
    if found.is_empty() {
        let mut finding = Diagnostic::error(codes::CLI_NOT_IN_PLAN, format!("`{}` is not in the plan", args.what));
        let paths = planned.plans.iter().flat_map(|plan| plan.entries.iter().map(|entry| &*entry.path));
        let passed = planned.passed.iter().find(|passed| Path::new(&args.what).starts_with(&passed.path));
        if let Some(Passed { from, why, .. }) = passed {
            finding = finding.help(format!("`{from}` is passed over: it is {}", why.text()));
        } else if let Some(near) = nearest(&args.what, paths) {
            finding = finding.help(format!("did you mean `{near}`?"));
        }
        return Err(vec![finding.help("`fitout plan` shows every path")]);
    }
    if common.json {
        let entries: Vec<_> = found.iter().map(|(plan, entry)| crate::report::plan::entry(plan, entry)).collect();
        terminal.document(&serde_json::json!({ "schema": "fitout/explain/1", "entries": entries }));
    } else {
        let texts: Vec<String> = found.iter().map(|(plan, entry)| explain::entry(plan, entry)).collect();
        terminal.data(&texts.join("\n"));
    }
    Ok(Exit::Done)
}

fn code(common: &Common, args: &Explain, terminal: &Terminal) -> Result<Exit, Findings> {
    let Some(code) = explain::code(&args.what) else {
        let mut finding = Diagnostic::error(codes::CLI_NOT_IN_PLAN, format!("there is no code `{}`", args.what));
        if let Some(near) = nearest(&args.what, codes::ALL.iter().map(|code| code.name)) {
            finding = finding.help(format!("did you mean `{near}`?"));
        }
        return Err(vec![finding.help("each finding shows its code in brackets; a path on the host begins with `/`")]);
    };
    if common.json {
        terminal.document(&serde_json::json!({ "schema": "fitout/explain/1", "code": code.name, "page": code.page }));
    } else {
        terminal.data(&explain::page(code));
    }
    Ok(Exit::Done)
}
