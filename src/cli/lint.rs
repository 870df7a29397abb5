//! `fitout lint`

use super::args::{Common, Lint};
use super::exit::Exit;
use super::ui::{Terminal, draw};
use super::{request, shown};
use crate::diagnostic::{Diagnostic, Findings, Severity};
use crate::formats;
use crate::report::lint;
use crate::report::words::plural;
use crate::run;

/// Looks for mistakes; exit 1 where there are errors, with `--deny warnings` also where there are warnings.
pub fn run(common: &Common, args: &Lint, terminal: &Terminal) -> Result<Exit, Findings> {
    let findings = if args.files.is_empty() { of_plan(common, args, terminal)? } else { of_files(args)? };
    let count = |severity| findings.iter().filter(|finding: &&Diagnostic| finding.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    if common.json {
        let list: Vec<_> = findings.iter().map(draw::json).collect();
        terminal.document(&serde_json::json!({
            "schema": "fitout/lint/1", "errors": errors, "warnings": warnings, "findings": list,
        }));
    }
    terminal.findings(&findings);
    if !common.json {
        terminal.say(&format!("{}, {}\n", plural(errors, "error", "errors"), plural(warnings, "warning", "warnings")));
    }
    let fails = errors > 0 || (warnings > 0 && args.deny.is_some());
    Ok(if fails { Exit::No } else { Exit::Done })
}

fn of_plan(common: &Common, args: &Lint, terminal: &Terminal) -> Result<Findings, Findings> {
    let planned = run::plan(&request(common, &args.narrow), terminal)?;
    let mut findings = lint::allowed(planned.warnings, &planned.lint);
    for plan in &planned.plans {
        for finding in lint::lint_plan(plan, &planned.sources, &planned.lint) {
            // Several targets have most findings in common.
            if !findings.contains(&finding) {
                findings.push(finding);
            }
        }
    }
    Ok(findings)
}

fn of_files(args: &Lint) -> Result<Findings, Findings> {
    let (mut findings, mut unread) = (Findings::new(), Findings::new());
    for file in &args.files {
        match formats::read_file(file) {
            Ok((listing, _)) => {
                findings.extend(lint::lint_artifact(&listing).into_iter().map(|finding| finding.note(shown(file))));
            }
            Err(finding) => unread.push(finding),
        }
    }
    // What could not be looked at is no answer to whether it is right; the findings of the others are told with it.
    if unread.is_empty() { Ok(findings) } else { Err(findings.into_iter().chain(unread).collect()) }
}
