//! `fitout init`

use std::path::Path;

use super::args::Common;
use super::exit::Exit;
use super::ui::Terminal;
use super::{create, shown};
use crate::diagnostic::Findings;
use crate::engine::EngineError;
use crate::resolve::detect::{self, Left};

/// Writes a config that fits the folder; where there is one already, shows what would be different and writes nothing.
pub fn run(common: &Common, terminal: &Terminal) -> Result<Exit, Findings> {
    let folder = match common.config.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let proposal = detect::propose(folder)?;
    for (what, found) in &proposal.findings {
        terminal.step("Found", &format!("{what:<18} {found}"));
    }
    for Left { file, line, what, why } in &proposal.left {
        terminal.step("Left", &format!("{:<18} {what}: {why}", format!("{file}:{line}")));
    }
    let mut files = vec![(common.config.clone(), proposal.config)];
    files.extend(proposal.other_files.into_iter().map(|(name, text)| (common.config.with_file_name(name), text)));
    let mut written = Vec::new();
    let mut differences = Vec::new();
    for (path, text) in &files {
        match fs_err::read_to_string(path) {
            Ok(there) if there == *text => {}
            Ok(there) => {
                let name = shown(path);
                let diff = similar::TextDiff::from_lines(there.as_str(), text.as_str());
                differences.push(diff.unified_diff().header(&name, &format!("{name} (proposed)")).to_string());
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                create(path, text)?;
                written.push(shown(path));
                terminal.step("Wrote", &format!("{} ({} lines)", shown(path), text.lines().count()));
            }
            Err(source) => return Err(vec![EngineError::Read { path: path.clone(), source }.into()]),
        }
    }
    if common.json {
        terminal.document(&serde_json::json!({
            "schema": "fitout/init/1",
            "found": proposal.findings.iter().map(|(what, found)| serde_json::json!({ "what": what, "found": found })).collect::<Vec<_>>(),
            "left": proposal.left.iter().map(|left| serde_json::json!({
                "file": left.file, "line": left.line, "what": left.what, "why": left.why,
            })).collect::<Vec<_>>(),
            "written": written,
            "differences": differences,
        }));
    } else if !differences.is_empty() {
        terminal.step("Kept", "what is there; this is how a first answer would differ:");
        terminal.data(&differences.concat());
    } else if written.is_empty() {
        terminal.step("Kept", "what is there: a first answer would be the same");
    } else if proposal.is_open {
        let next =
            format!("say in {} what is to be packed: an example is there; then `fitout plan`", shown(&common.config));
        terminal.step("Next", &next);
    } else {
        terminal.step("Next", "`fitout plan` shows every file; `fitout build` makes the packages");
    }
    Ok(Exit::Done)
}
