//! `fitout generate`

use std::io;
use std::path::Path;

use clap::{Command, CommandFactory as _};
use clap_mangen::Man;

use super::args::{Cli, Common, Generate, GenerateWhat};
use super::exit::Exit;
use super::ui::Terminal;
use crate::config::load::Vocabulary;
use crate::config::schema;
use crate::diagnostic::{Diagnostic, Findings, codes};
use crate::engine::EngineError;
use crate::publish::{self, PRESETS};
use crate::run::format_names;

/// Prints the schema, presets, completions or man pages.
pub fn run(common: &Common, args: &Generate, terminal: &Terminal) -> Result<Exit, Findings> {
    if common.json && !matches!(args.what, GenerateWhat::Schema) {
        let finding = Diagnostic::error(codes::CLI_USAGE, "what this generates is no JSON");
        return Err(vec![finding.help("leave `--json` out; `generate schema` prints JSON without it")]);
    }
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
            pages(&whole(), folder).map_err(failed)?;
        }
        GenerateWhat::Man { folder: None } => {
            let mut text = Vec::new();
            // Rendering into memory does not fail.
            let _ = page(&whole()).render(&mut text);
            terminal.data(&String::from_utf8_lossy(&text));
        }
    }
    Ok(Exit::Done)
}

/// The command line with what clap adds to it.
fn whole() -> Command {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    command
}

fn pages(command: &Command, folder: &Path) -> io::Result<()> {
    for verb in command.get_subcommands().filter(|verb| !verb.is_hide_set()) {
        pages(verb, folder)?;
    }
    page(command).generate_to(folder).map(|_| ())
}

/// A page whose synopsis is that of `--help`: the one that it would get leaves out what options take.
fn page(command: &Command) -> Man {
    let mut command = command.clone();
    let usage = command.render_usage().to_string();
    Man::new(command.override_usage(usage.trim_start_matches("Usage:").trim_start().to_owned()))
}
