//! `fitout generate`

use clap::CommandFactory as _;

use super::args::{Cli, Generate, GenerateWhat};
use super::exit::Exit;
use super::ui::Terminal;
use crate::config::load::Vocabulary;
use crate::config::schema;
use crate::diagnostic::Findings;
use crate::engine::EngineError;
use crate::publish::{self, PRESETS};
use crate::run::format_names;

/// Prints the schema, presets, completions or man pages.
pub fn run(args: &Generate, terminal: &Terminal) -> Result<Exit, Findings> {
    match &args.what {
        GenerateWhat::Schema => terminal.document(&schema::json_schema(&Vocabulary { formats: &format_names() })),
        GenerateWhat::Preset { name: Some(name) } => {
            let text = PRESETS.iter().find(|(known, _)| known == name).map(|(_, text)| publish::as_table(text));
            terminal.data(&text.unwrap_or_default());
        }
        GenerateWhat::Preset { name: None } => {
            let names: Vec<&str> = PRESETS.iter().map(|(name, _)| *name).collect();
            terminal.data(&format!("{}\n", names.join("\n")));
        }
        GenerateWhat::Completions { shell } => {
            let mut text = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "fitout", &mut text);
            terminal.data(&String::from_utf8_lossy(&text));
        }
        GenerateWhat::Man { folder: Some(folder) } => {
            let failed = |source| vec![EngineError::Write { path: folder.clone(), source }.into()];
            fs_err::create_dir_all(folder).map_err(failed)?;
            clap_mangen::generate_to(Cli::command(), folder).map_err(failed)?;
        }
        GenerateWhat::Man { folder: None } => {
            let mut text = Vec::new();
            // Rendering into memory does not fail.
            let _ = clap_mangen::Man::new(Cli::command()).render(&mut text);
            terminal.data(&String::from_utf8_lossy(&text));
        }
    }
    Ok(Exit::Done)
}
