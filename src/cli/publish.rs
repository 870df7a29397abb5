//! `fitout publish`

use std::fmt::Write as _;

use super::args::{Common, Publish};
use super::exit::Exit;
use super::ui::{Terminal, draw};
use super::{env, shown};
use crate::diagnostic::Findings;
use crate::publish::{self, Draft, Keys, Receipt, What};
use crate::report::words::{plural, size};

/// Sends what was built to every destination of the config, or says what would be sent.
pub fn run(common: &Common, args: &Publish, terminal: &Terminal) -> Result<Exit, Findings> {
    let request = publish::Request {
        config: common.config.clone(),
        environment: args.environment.clone(),
        out: args.out.clone(),
        replace: args.replace,
        variables: env::all(),
    };
    let outgoing = publish::prepare(&request, if args.dry_run { Keys::IfThere } else { Keys::Needed })?;
    terminal.findings(&outgoing.warnings);
    let findings: Vec<_> = outgoing.warnings.iter().map(draw::json).collect();
    if args.dry_run {
        let drafts = publish::drafts(&outgoing)?;
        let stays: Vec<_> = outgoing.stays().into_iter().collect();
        terminal.findings(&stays);
        let findings: Vec<_> = findings.into_iter().chain(stays.iter().map(draw::json)).collect();
        if common.json {
            let list: Vec<_> = drafts.iter().map(|(name, draft)| as_json(name, draft)).collect();
            terminal.document(&serde_json::json!({
                "schema": "fitout/publish-plan/1", "destinations": list, "findings": findings,
            }));
        } else {
            let text: String = drafts.iter().map(|(name, draft)| as_text(name, draft)).collect();
            terminal.data(&text);
        }
        return Ok(Exit::Done);
    }
    let receipts = publish::publish(&outgoing, terminal)?;
    for receipt in &receipts {
        terminal.step("Published", &summary(receipt));
    }
    if common.json {
        terminal.document(&serde_json::json!({
            "schema": "fitout/publish/1", "receipts": receipts, "findings": findings,
        }));
    }
    Ok(Exit::Done)
}

fn summary(receipt: &Receipt) -> String {
    let Receipt { destination, puts, same, dropped, bytes, .. } = receipt;
    if puts.is_empty() {
        return format!("{destination}: nothing to do, {} there already", plural(same.len(), "artifact", "artifacts"));
    }
    let mut text = format!("{destination}: {}, {}", plural(puts.len(), "object", "objects"), size(*bytes));
    if !dropped.is_empty() {
        let _ = write!(text, "; {} no longer listed", plural(dropped.len(), "old package", "old packages"));
    }
    text
}

fn as_json(name: &str, draft: &Draft) -> serde_json::Value {
    let puts: Vec<_> = draft
        .puts()
        .map(|put| serde_json::json!({ "key": put.key, "what": put.what, "size": put.body.size() }))
        .collect();
    serde_json::json!({
        "destination": name, "puts": puts, "same": draft.same, "dropped": draft.dropped, "newest": draft.newest,
    })
}

/// Every put, in its order; the last that counts is marked.
fn as_text(name: &str, draft: &Draft) -> String {
    let newest = draft.newest.as_ref().map(|newest| format!("   newest there: {}", shown(newest.as_ref())));
    let mut text = format!("{name}{}\n", newest.unwrap_or_default());
    for same in &draft.same {
        let _ = writeln!(text, "  same  {same}");
    }
    for put in draft.puts() {
        let word = if put.what == What::Root { "root" } else { "put" };
        let _ = writeln!(text, "  {word:<5} {:<70} {:>9}", put.key, size(put.body.size()));
    }
    for dropped in &draft.dropped {
        let _ = writeln!(text, "  drop  {dropped}");
    }
    let (count, bytes) = draft.puts().fold((0, 0), |(count, bytes), put| (count + 1, bytes + put.body.size()));
    let _ = writeln!(text, "  {}, {}", plural(count, "object", "objects"), size(bytes));
    text
}
