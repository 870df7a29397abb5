//! `fitout init`

use std::path::{Path, PathBuf};

use super::args::{CiSystem, Common, Init};
use super::exit::Exit;
use super::ui::Terminal;
use super::{create, shown};
use crate::diagnostic::Findings;
use crate::engine::EngineError;
use crate::resolve::ci::{self, System};
use crate::resolve::detect::{self, Left, Proposal};
use crate::resolve::{self, environment};
use crate::run;

/// What came of files that were proposed.
#[derive(Default)]
struct Outcome {
    written: Vec<String>,
    differences: Vec<String>,
}

/// Writes a config that fits the folder, and the workflow of a CI system; where there is one already, shows what would be different and
/// writes nothing.
pub fn run(common: &Common, args: &Init, terminal: &Terminal) -> Result<Exit, Findings> {
    let folder = match common.config.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut outcome = Outcome::default();
    let mut proposed = None;
    let mut next = None;
    // A config that is there is not judged again by whoever only wants a workflow.
    if args.ci.is_none() || !common.config.exists() {
        let proposal = detect::propose(folder)?;
        for (what, found) in &proposal.findings {
            terminal.step("Found", &format!("{what:<18} {found}"));
        }
        for Left { file, line, what, why } in &proposal.left {
            terminal.step("Left", &format!("{:<18} {what}: {why}", format!("{file}:{line}")));
        }
        outcome.write(&common.config, &proposal.config, terminal)?;
        for (name, text) in &proposal.other_files {
            outcome.write(&common.config.with_file_name(name), text, terminal)?;
        }
        next = Some(if proposal.is_open {
            format!("say in {} what is to be packed: an example is there; then `fitout plan`", shown(&common.config))
        } else if proposal.builds {
            "`fitout build` builds it and makes the packages; then `fitout plan` shows every file".to_owned()
        } else {
            "`fitout plan` shows every file; `fitout build` makes the packages".to_owned()
        });
        proposed = Some(proposal);
    }
    if let Some(system) = args.ci {
        let (path, text) = workflow(common, folder, system)?;
        outcome.write(&path, &text, terminal)?;
        next =
            next.or_else(|| Some(format!("read {}: the step that installs fitout is yours to choose", shown(&path))));
    }
    outcome.tell(common, terminal, proposed.as_ref(), next);
    Ok(Exit::Done)
}

/// The workflow of a CI system, of the config as it is now.
fn workflow(common: &Common, folder: &Path, system: CiSystem) -> Result<(PathBuf, String), Findings> {
    let document = run::read_config(&common.config)?;
    let reading = environment::read(&document, None, &[])?;
    if crate::diagnostic::has_errors(&reading.findings) {
        return Err(reading.findings);
    }
    let templates = resolve::templates(&document, folder, &reading.manifest.package)?;
    let system = match system {
        CiSystem::Github => System::Github,
        CiSystem::Gitlab => System::Gitlab,
    };
    let (path, text) = ci::workflow(system, &reading.manifest, &templates).map_err(|finding| vec![finding])?;
    Ok((if folder == Path::new(".") { path.into() } else { folder.join(path) }, text))
}

impl Outcome {
    fn write(&mut self, path: &Path, text: &str, terminal: &Terminal) -> Result<(), Findings> {
        match fs_err::read_to_string(path) {
            Ok(there) if there == text => {}
            Ok(there) => {
                let name = shown(path);
                let diff = similar::TextDiff::from_lines(there.as_str(), text);
                self.differences.push(diff.unified_diff().header(&name, &format!("{name} (proposed)")).to_string());
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                create(path, text)?;
                self.written.push(shown(path));
                terminal.step("Wrote", &format!("{} ({} lines)", shown(path), text.lines().count()));
            }
            Err(source) => return Err(vec![EngineError::Read { path: path.to_path_buf(), source }.into()]),
        }
        Ok(())
    }

    fn tell(&self, common: &Common, terminal: &Terminal, proposal: Option<&Proposal>, next: Option<String>) {
        if common.json {
            let found = proposal.iter().flat_map(|proposal| &proposal.findings);
            let left = proposal.iter().flat_map(|proposal| &proposal.left);
            terminal.document(&serde_json::json!({
                "schema": "fitout/init/1",
                "found": found.map(|(what, found)| serde_json::json!({ "what": what, "found": found })).collect::<Vec<_>>(),
                "left": left.map(|left| serde_json::json!({
                    "file": left.file, "line": left.line, "what": left.what, "why": left.why,
                })).collect::<Vec<_>>(),
                "written": self.written,
                "differences": self.differences,
            }));
        } else if !self.differences.is_empty() {
            terminal.step("Kept", "what is there; this is how a first answer would differ:");
            terminal.data(&self.differences.concat());
        } else if self.written.is_empty() {
            terminal.step("Kept", "what is there: a first answer would be the same");
        } else if let Some(next) = next {
            terminal.step("Next", &next);
        }
    }
}
