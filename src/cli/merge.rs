//! `fitout merge`

use super::args::{Common, Merge};
use super::exit::Exit;
use super::relative;
use super::ui::Terminal;
use crate::diagnostic::Findings;
use crate::report::words::plural;
use crate::run::{self, Artifact};

/// Makes one output folder of several, and prints the paths in it.
pub fn run(common: &Common, args: &Merge, terminal: &Terminal) -> Result<Exit, Findings> {
    let merged = run::merge(&args.dists, &args.into)?;
    terminal.wrote();
    let path = |artifact: &Artifact| relative(&merged.folder.join(&artifact.file)).display().to_string();
    let folders = plural(args.dists.len(), "folder", "folders");
    let made = plural(merged.artifacts.len(), "artifact", "artifacts");
    terminal.step("Merged", &format!("{folders}: {made} in {}", relative(&merged.folder).display()));
    if common.json {
        let artifact = |artifact: &Artifact| {
            let mut value = serde_json::json!(artifact);
            value["path"] = path(artifact).into();
            value
        };
        let artifacts: Vec<_> = merged.artifacts.iter().map(artifact).collect();
        terminal.document(&serde_json::json!({ "schema": "fitout/merge/1", "artifacts": artifacts, "findings": [] }));
    } else {
        terminal.data(&merged.artifacts.iter().map(|artifact| path(artifact) + "\n").collect::<String>());
    }
    Ok(Exit::Done)
}
