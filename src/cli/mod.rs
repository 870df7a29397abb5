//! The command line: the only room that prints. One file per verb.
//!
//! stdout is data only (paths, JSON, rendered text), stderr everything else; a broken pipe is success.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{CommandFactory as _, FromArgMatches as _};

use crate::build::cache::shared::Use;
use crate::diagnostic::{Diagnostic, Findings, codes};
use crate::engine::EngineError;
use crate::run::{self, Request};

pub mod args;
mod build;
mod cache;
mod diff;
mod env;
mod exit;
mod explain;
mod generate;
mod init;
mod inspect;
mod keys;
mod lint;
mod merge;
mod plan;
mod promote;
mod publish;
mod release;
mod repo;
mod signals;
mod templates;
pub mod ui;

use args::{Cli, Color, Common, Narrow, Verb};
use exit::Exit;
use ui::Terminal;

/// Runs the command line and says how it ended.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let matches = env::without_empty(Cli::command()).try_get_matches_from(&arguments);
    let cli = match matches.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        Err(error) => return misused(&error, &arguments),
    };
    let terminal = Arc::new(Terminal::new(&cli.common, matches!(cli.verb, Verb::Build(_) | Verb::Merge(_))));
    signals::watch(&terminal);
    match run(&cli, &terminal) {
        Ok(exit) if terminal.is_unwritten() => exit.max(Exit::CouldNot).into(),
        Ok(exit) => exit.into(),
        Err(findings) => {
            terminal.stop(&findings);
            Exit::of(&findings).max(Exit::No).into()
        }
    }
}

/// Says what is wrong with the command line, or prints its help; a closed pipe is no error.
fn misused(error: &clap::Error, arguments: &[OsString]) -> ExitCode {
    let _ = error.print();
    // clap knows whether it is help (stdout, 0) or a usage error (stderr, 2).
    if !error.use_stderr() {
        return Exit::Done.into();
    }
    if arguments.iter().take_while(|argument| *argument != "--").any(|argument| argument == "--json") {
        let config = PathBuf::new();
        let common = Common { directory: None, config, json: true, color: Color::Never, verbose: false, quiet: false };
        Terminal::new(&common, false).stop(&[usage(&error.to_string())]);
    }
    Exit::Input.into()
}

/// clap's text as a finding: what is wrong in its first paragraph, then tips and the usage.
fn usage(text: &str) -> Diagnostic {
    let line = |paragraph: &str| paragraph.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut paragraphs = text.split("\n\n").map(line).filter(|paragraph| !paragraph.is_empty());
    let message = paragraphs.next().unwrap_or_default();
    let finding = Diagnostic::error(codes::CLI_USAGE, message.trim_start_matches("error: "));
    paragraphs.fold(finding, |finding, more| match more.strip_prefix("tip: ") {
        Some(tip) => finding.help(tip),
        None => finding.note(more),
    })
}

fn run(cli: &Cli, terminal: &Terminal) -> Result<Exit, Findings> {
    if let Some(directory) = &cli.common.directory {
        std::env::set_current_dir(directory).map_err(|error| {
            let message = format!("there is no folder `{}` to start in", directory.display());
            let finding = Diagnostic::error(codes::CLI_NO_FOLDER, message).note(error.to_string());
            vec![finding.help("name a folder that is there and may be entered: `-C DIR`")]
        })?;
    }
    let common = &cli.common;
    match &cli.verb {
        Verb::Init(args) => init::run(common, args, terminal),
        Verb::Plan(args) => plan::run(common, args, terminal),
        Verb::Build(args) => build::run(common, args, terminal),
        Verb::Inspect(args) => inspect::run(common, args, terminal),
        Verb::Diff(args) => diff::run(common, args, terminal),
        Verb::Lint(args) => lint::run(common, args, terminal),
        Verb::Merge(args) => merge::run(common, args, terminal),
        Verb::Promote(args) => promote::run(common, args, terminal),
        Verb::Repo(args) => repo::run(common, args, terminal),
        Verb::Publish(args) => publish::run(common, args, terminal),
        Verb::Explain(args) => explain::run(common, args, terminal),
        Verb::Keys(args) => keys::run(common, args, terminal),
        Verb::Release(args) => release::run(common, args, terminal),
        Verb::Templates(args) => templates::run(common, args, terminal),
        Verb::Cache(args) => cache::run(common, args, terminal),
        Verb::Generate(args) => generate::run(common, args, terminal),
    }
}

/// What the library is asked for.
fn request(common: &Common, narrow: &Narrow) -> Request {
    Request {
        config: common.config.clone(),
        formats: narrow.format.clone(),
        targets: narrow.target.clone(),
        environment: narrow.environment.clone(),
        input: narrow.input.as_ref().map(absolute),
        out: narrow.out.clone(),
        source_date_epoch: env::get(env::SOURCE_DATE_EPOCH),
        variables: env::all(),
        cache: None,
        images: env::get(env::CACHE_DIR)
            .map(PathBuf::from)
            .or_else(env::user_cache)
            .map(|cache| absolute(cache.join(run::IMAGES))),
        update: false,
        no_cache: false,
        cache_size: 0,
        shared_cache: Use::Off,
        verify: false,
    }
}

/// A path that means the same in any folder.
fn absolute(path: impl AsRef<Path>) -> PathBuf {
    std::path::absolute(&path).unwrap_or_else(|_| path.as_ref().to_owned())
}

/// The name of a path as it was typed.
fn shown(path: &std::path::Path) -> String {
    path.display().to_string()
}

/// `folder/file` as short as it can be typed from here.
fn relative(path: &std::path::Path) -> PathBuf {
    std::env::current_dir()
        .ok()
        .and_then(|here| path.strip_prefix(here).ok().map(PathBuf::from))
        .unwrap_or_else(|| path.into())
}

/// Creates the file; one that appeared meanwhile is not overwritten.
fn create(path: &Path, text: &str) -> Result<(), Findings> {
    let failed = |source| vec![EngineError::Write { path: path.to_path_buf(), source }.into()];
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        fs_err::create_dir_all(parent).map_err(failed)?;
    }
    let mut file = fs_err::OpenOptions::new().write(true).create_new(true).open(path).map_err(failed)?;
    std::io::Write::write_all(&mut file, text.as_bytes()).map_err(failed)
}
