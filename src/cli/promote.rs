//! `fitout promote`

use super::args::{Common, Promote};
use super::env;
use super::exit::Exit;
use super::ui::Terminal;
use crate::diagnostic::Findings;
use crate::publish::{self, Promotion};

/// Moves a version from one channel to another.
pub fn run(common: &Common, args: &Promote, terminal: &Terminal) -> Result<Exit, Findings> {
    let request = publish::Request {
        config: common.config.clone(),
        variables: env::all(),
        replace: args.replace,
        ..publish::Request::default()
    };
    let destinations = publish::destinations(&request, !args.dry_run)?;
    terminal.findings(&destinations.warnings);
    let promotion = Promotion {
        name: args.name.clone(),
        version: args.version.clone(),
        from: args.from.clone(),
        to: args.to.clone(),
    };
    let done = publish::promote(&destinations, &promotion, args.dry_run, terminal)?;
    for (receipt, files) in &done {
        for file in files {
            let word = if receipt.same.contains(file) {
                "Unchanged"
            } else if args.dry_run {
                "Would promote"
            } else {
                "Promoted"
            };
            terminal.step(word, &format!("{file} to {}", receipt.destination));
        }
    }
    if common.json {
        let list: Vec<_> =
            done.iter().map(|(receipt, files)| serde_json::json!({ "receipt": receipt, "files": files })).collect();
        terminal.document(&serde_json::json!({
            "schema": "fitout/promote/1", "dry-run": args.dry_run, "destinations": list,
        }));
    }
    Ok(Exit::Done)
}
