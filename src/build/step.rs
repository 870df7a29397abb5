//! The build step: hooks, the steps of a tool or the command, and the test, in their order.
//!
//! Enters: `[build]` of the manifest, the folder, and the environment of whoever runs fitout. Leaves: a [`Step`] that can be
//! run, or what is wrong with its values; of a failure a [`Diagnostic`] that quotes the last lines and names the log. The
//! pipeline runs it when what was typed is in order, before the input is read; `plan` never does.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::environment::{Environment, Variables};
use super::inputs::{Inputs, Untold};
use super::log::Log;
use super::sandbox::Sandbox;
use super::shell::{self, Failure};
use super::stamp::{self, Output, Verdict};
use super::state::State;
use super::tool::{Machine, Tool};
use crate::config::load::Document;
use crate::config::schema::Manifest;
use crate::diagnostic::{Code, Diagnostic, Findings, Result, Span, codes};
use crate::listener::{Event, Listener};

mod caches;
mod facts;
mod read;

use caches::Caches;

/// What the step is given besides the config.
#[derive(Debug, Clone, Copy)]
pub struct Given<'a> {
    /// The folder of the config file.
    pub folder: &'a Path,
    /// The environment of whoever runs fitout.
    pub variables: &'a Variables,
    /// The overlay of the config that was merged.
    pub overlay: Option<&'a str>,
    /// Folders that artifacts are written to; the last is that of this run.
    pub out: &'a [PathBuf],
    /// The targets of the run.
    pub targets: &'a [Machine],
}

/// All that runs before and after the packaging.
#[derive(Debug)]
pub struct Step {
    folder: PathBuf,
    tool: Option<(&'static Tool, Span)>,
    environment: Environment,
    /// Where hooks around the build, the build and the test run.
    sandbox: Sandbox,
    /// Where that stands in the config.
    sandbox_place: Option<Span>,
    watch: Watch,
    /// Hooks before the build, the build, hooks after it, the test.
    build: Vec<Line>,
    /// Hooks before the input is read.
    before_package: Vec<Line>,
    after_assemble: Vec<Line>,
    after_package: Vec<Line>,
}

/// What decides whether there is anything to do.
#[derive(Debug)]
struct Watch {
    inputs: Inputs,
    outputs: Vec<Output>,
    own: Vec<PathBuf>,
    /// The tools that it runs, as far as the config names them.
    tools: Vec<&'static Tool>,
    skip: bool,
    kept: Kept,
}

/// What is kept for other checkouts.
#[derive(Debug)]
struct Kept {
    /// `[package] name`, if it is typed.
    name: Option<String>,
    paths: Vec<String>,
    /// What the step makes anew though it lies in them.
    except: Vec<PathBuf>,
    locks: Vec<String>,
    /// Address of the store that machines share, and what it is asked with.
    shared: Option<String>,
    variables: Variables,
    /// Variables that decide what is in them.
    env: Vec<&'static str>,
}

/// How a build went.
#[derive(Debug, Default)]
pub struct Built {
    /// What went wrong with caches.
    pub findings: Findings,
    /// Whether nothing was run, because nothing that it reads has changed.
    pub skipped: bool,
}

/// One command.
#[derive(Debug)]
struct Line {
    what: What,
    run: Run,
    environment: Environment,
    /// Where it stands in the config.
    place: Span,
}

#[derive(Debug)]
enum What {
    Command,
    /// This step of so many of the tool.
    Tool(&'static str, usize, usize),
    Test,
    Hook(&'static str),
}

#[derive(Debug)]
enum Run {
    /// By `sh -c`.
    Shell(String),
    /// A file: as a program if it is one, else by `sh`. As typed, and where it is.
    File(String, PathBuf),
}

impl Step {
    /// Reads `[build]`, with everything that is wrong with its values.
    pub fn read(document: &Document, manifest: &Manifest, given: Given<'_>) -> (Self, Findings) {
        let mut reader = read::Reader { document, given, findings: Findings::new() };
        let step = reader.step(manifest);
        (step, reader.findings)
    }

    /// The folder of the config file.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What commands of the build see.
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// Whether anything is to run before the input is read.
    pub fn is_empty(&self) -> bool {
        self.build.is_empty() && self.before_package.is_empty()
    }

    /// Runs the build and its test, unless nothing that they read has changed.
    ///
    /// # Errors
    /// The first command that fails ends it.
    pub fn build(&self, state: &State, listener: &dyn Listener) -> Result<Built> {
        if self.build.is_empty() {
            return Ok(Built::default());
        }
        if let (Some(program), Some(place)) = (self.sandbox.program(), &self.sandbox_place)
            && self.environment.program(program).is_none()
        {
            return Err(self.absent(program, place, "this sandbox is made by it"));
        }
        if let Some((tool, place)) = &self.tool
            && !self.sandbox.has_own_tools()
            && self.environment.program(tool.name).is_none()
        {
            return Err(self.absent(tool.name, place, "this tool builds it"));
        }
        let run = || self.run(&self.build, &self.sandbox, &state.log("build"), listener);
        let Some(folder) = state.folder.as_deref().filter(|_| state.reuse) else {
            return run().map(|()| Built::default());
        };
        let versions = self.versions(state);
        let Watch { inputs, outputs, own, .. } = &self.watch;
        let stamp = stamp::Step { folder, facts: self.facts(&versions), inputs, outputs, own };
        let Verdict::Run(why, mut before) = stamp.verdict(self.watch.skip) else {
            listener.hear(Event::Skipped { what: self.name().to_owned() });
            return Ok(Built { skipped: true, ..Built::default() });
        };
        listener.hear(Event::Decided { what: "build", value: format!("runs, because {why}") });
        stamp.begin();
        let untold = before.untold().map(untold);
        let mut cache = Caches::new(self.cache(versions), state, self.shared(), before.inputs());
        cache.restore(listener);
        run()?;
        cache.save(listener);
        let mut findings = cache.warnings;
        findings.extend(untold);
        stamp.done(before);
        Ok(Built { findings, skipped: false })
    }

    /// Address of the store that machines share, and what it is asked with.
    pub fn shared(&self) -> Option<(&str, &Variables)> {
        let kept = &self.watch.kept;
        kept.shared.as_deref().map(|address| (address, &kept.variables))
    }

    fn name(&self) -> &str {
        self.tool.as_ref().map_or("the build command", |(tool, _)| tool.name)
    }

    /// Runs the hooks that come before the input is read.
    ///
    /// # Errors
    /// The first hook that fails ends it.
    pub fn before_package(&self, state: &State, listener: &dyn Listener) -> Result<()> {
        self.run(&self.before_package, &Sandbox::default(), &state.log("package"), listener)
    }

    /// Runs the hooks that come when the plan is made.
    ///
    /// # Errors
    /// The first hook that fails ends it.
    pub fn after_assemble(&self, state: &State, listener: &dyn Listener) -> Result<()> {
        self.run(&self.after_assemble, &Sandbox::default(), &state.log("package"), listener)
    }

    /// Runs the hooks that come when all artifacts are there.
    ///
    /// # Errors
    /// The first hook that fails ends it.
    pub fn after_package(&self, state: &State, listener: &dyn Listener) -> Result<()> {
        self.run(&self.after_package, &Sandbox::default(), &state.log("package"), listener)
    }

    fn run(&self, lines: &[Line], place: &Sandbox, log: &Log, listener: &dyn Listener) -> Result<()> {
        lines.iter().try_for_each(|line| {
            let mut command = place.enter(&line.run.command(), &self.folder, &line.environment);
            shell::run(&mut command, line.run.shown(), log, listener)
                .map_err(|failure| line.failed(failure, &self.folder, log.written()))
        })
    }

    fn absent(&self, name: &str, place: &Span, label: &str) -> Diagnostic {
        let path = self.environment.get("PATH").map_or_else(String::new, |path| path.to_string_lossy().into_owned());
        Diagnostic::error(codes::BUILD_NO_TOOL, format!("`{name}` is not on the PATH"))
            .at(place, label)
            .help(format!("install `{name}`, or put its folder on the PATH of whoever runs fitout"))
            .note(format!("PATH is `{path}`"))
    }
}

fn untold(why: &Untold) -> Diagnostic {
    Diagnostic::warning(codes::BUILD_INPUTS, "which files the build step reads cannot be told, so it runs each time")
        .note(why.to_string())
        .help("where git takes the owner for a stranger, `git config --global --add safe.directory FOLDER` tells it otherwise")
        .help("what a build tool keeps is not kept for other checkouts either; `inputs` of `[build]` names the files")
}

impl Run {
    fn command(&self) -> Command {
        let mut command = match self {
            Self::File(_, path) if is_program(path) => Command::new(path),
            Self::Shell(_) | Self::File(..) => Command::new("sh"),
        };
        match self {
            Self::Shell(line) => command.args(["-c", line]),
            Self::File(_, path) if is_program(path) => &mut command,
            Self::File(_, path) => command.arg(path),
        };
        command
    }

    fn shown(&self) -> &str {
        match self {
            Self::Shell(text) | Self::File(text, _) => text.trim(),
        }
    }
}

fn is_program(path: &Path) -> bool {
    fs_err::metadata(path).is_ok_and(|meta| meta.permissions().mode() & 0o111 != 0)
}

impl Line {
    fn code(&self) -> Code {
        match self.what {
            What::Command | What::Tool(..) => codes::BUILD_COMMAND_FAILED,
            What::Test => codes::BUILD_TEST_FAILED,
            What::Hook(_) => codes::BUILD_HOOK_FAILED,
        }
    }

    fn failed(&self, failure: Failure, folder: &Path, log: Option<&Path>) -> Diagnostic {
        let Failure { how, last, asked, status } = failure;
        let (subject, label) = match &self.what {
            What::Command => ("the build command".to_owned(), "this command".to_owned()),
            What::Tool(name, number, of) => {
                (format!("`{}`", self.run.shown()), format!("step {number} of the {of} of `{name}`"))
            }
            What::Test => ("the test of what was built".to_owned(), "this test".to_owned()),
            What::Hook(moment) => (format!("the {moment} hook"), "this hook".to_owned()),
        };
        let mut finding = Diagnostic::error(self.code(), format!("{subject} {how}")).at(&self.place, label);
        finding = last.into_iter().fold(finding, Diagnostic::note);
        if asked {
            finding = finding.help("give it what it asks for in the environment, or run it by hand before");
        }
        // sh(1): 127 is for a program that is not there.
        if status == Some(127) {
            finding = finding.help("a program that it names is not on the PATH");
        }
        finding = match &self.run {
            Run::Shell(_) => finding.help(format!("it was run by `sh -c` in `{}`", folder.display())),
            Run::File(name, _) => finding.help(format!("it was `{name}`, run in `{}`", folder.display())),
        };
        match log {
            Some(log) => finding.help(format!("all that was printed is in `{}`", log.display())),
            None => finding,
        }
    }
}
