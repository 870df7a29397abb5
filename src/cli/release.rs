//! `fitout release`

use super::args::{Common, Release, ReleaseAction};
use super::exit::Exit;
use super::ui::Terminal;
use super::{create, shown};
use crate::assemble::otp::upgrade::{self, Side};
use crate::diagnostic::Findings;

/// Prints a relup, or appups; with `--write` these go where they belong.
pub fn run(common: &Common, args: &Release, terminal: &Terminal) -> Result<Exit, Findings> {
    match &args.action {
        ReleaseAction::Relup { old, new } => {
            let text = upgrade::relup(&Side::read(old)?, &Side::read(new)?)?;
            if common.json {
                terminal.document(&serde_json::json!({ "schema": "fitout/relup/1", "text": text }));
            } else {
                terminal.data(&text);
            }
        }
        ReleaseAction::Appup { old, new, write } => {
            let all = upgrade::appups(&Side::read(old)?, &Side::read(new)?)?;
            for proposed in &all {
                let path = shown(&proposed.file);
                if *write && !proposed.is_there {
                    create(&proposed.file, &proposed.text)?;
                    terminal.step("Wrote", &path);
                } else if *write {
                    terminal.step("Kept", &format!("{path}, which is there"));
                } else if !common.json {
                    terminal.data(&format!("%% {path}\n{}", proposed.text));
                }
            }
            if all.is_empty() {
                terminal.step("Found", "no application with another version");
            }
            if common.json {
                let one = |one: &upgrade::Proposed| serde_json::json!({ "file": shown(&one.file), "text": one.text, "there": one.is_there });
                let appups: Vec<_> = all.iter().map(one).collect();
                terminal.document(&serde_json::json!({ "schema": "fitout/appup/1", "appups": appups }));
            }
        }
    }
    Ok(Exit::Done)
}
