//! The build step: hooks, the steps of a tool or the command, and the test, in their order.
//!
//! Enters: `[build]` of the manifest, the folder, and the environment of whoever runs fitout. Leaves: a [`Step`] that can be
//! run, or what is wrong with its values; of a failure a [`Diagnostic`] that quotes the last lines and names the log. The
//! pipeline runs it when what was typed is in order, before the input is read; `plan` never does.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::environment::{Environment, Variables, is_variable};
use super::log::Log;
use super::shell::{self, Failure};
use super::tool::{self, Project, Tool};
use crate::config::load::Document;
use crate::config::schema::{At, Build, Hook};
use crate::diagnostic::{Code, Diagnostic, Findings, Result, Span, codes};
use crate::listener::Listener;

/// What the step is given besides the config.
#[derive(Debug, Clone, Copy)]
pub struct Given<'a> {
    /// The folder of the config file.
    pub folder: &'a Path,
    /// The environment of whoever runs fitout.
    pub variables: &'a Variables,
    /// The overlay of the config that was merged.
    pub overlay: Option<&'a str>,
    /// The folder that artifacts are written to.
    pub out: Option<&'a Path>,
}

/// All that runs before and after the packaging.
#[derive(Debug)]
pub struct Step {
    folder: PathBuf,
    tool: Option<(&'static Tool, Span)>,
    environment: Environment,
    /// Hooks before the build, the build, hooks after it, the test.
    build: Vec<Line>,
    before_package: Vec<Line>,
    after_package: Vec<Line>,
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
    pub fn read(document: &Document, build: &Build, given: Given<'_>) -> (Self, Findings) {
        let mut reader = Reader { document, given, findings: Findings::new() };
        let step = reader.step(build);
        (step, reader.findings)
    }

    /// Whether anything is to run before the input is read.
    pub fn is_empty(&self) -> bool {
        self.build.is_empty() && self.before_package.is_empty()
    }

    /// Runs the build and its test.
    ///
    /// # Errors
    /// The first command that fails ends it.
    pub fn build(&self, log: &Log, listener: &dyn Listener) -> Result<()> {
        if let Some((tool, place)) = &self.tool
            && self.environment.program(tool.name).is_none()
        {
            return Err(self.absent(tool, place));
        }
        self.run(&self.build, log, listener)
    }

    /// Runs the hooks that come before the input is read.
    ///
    /// # Errors
    /// The first hook that fails ends it.
    pub fn before_package(&self, log: &Log, listener: &dyn Listener) -> Result<()> {
        self.run(&self.before_package, log, listener)
    }

    /// Runs the hooks that come when all artifacts are there.
    ///
    /// # Errors
    /// The first hook that fails ends it.
    pub fn after_package(&self, log: &Log, listener: &dyn Listener) -> Result<()> {
        self.run(&self.after_package, log, listener)
    }

    fn run(&self, lines: &[Line], log: &Log, listener: &dyn Listener) -> Result<()> {
        lines.iter().try_for_each(|line| {
            let mut command = line.run.command();
            line.environment.apply(command.current_dir(&self.folder));
            shell::run(&mut command, line.run.shown(), log, listener)
                .map_err(|failure| line.failed(failure, &self.folder, log.written()))
        })
    }

    fn absent(&self, tool: &Tool, place: &Span) -> Diagnostic {
        let name = tool.name;
        let path = self.environment.get("PATH").map_or_else(String::new, |path| path.to_string_lossy().into_owned());
        Diagnostic::error(codes::BUILD_NO_TOOL, format!("`{name}` is not on the PATH"))
            .at(place, "this tool builds it")
            .help(format!("install `{name}`, or put its folder on the PATH of whoever runs fitout"))
            .note(format!("PATH is `{path}`"))
    }
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

/// Reads values and collects what is wrong with them.
struct Reader<'a> {
    document: &'a Document,
    given: Given<'a>,
    findings: Findings,
}

impl Reader<'_> {
    fn step(&mut self, build: &Build) -> Step {
        self.judge(build);
        let tool = build.tool.as_ref().map(|tool| (tool::of(tool.value), self.span(tool)));
        let texts = [&build.command, &build.test];
        let named = texts.into_iter().flatten().map(|text| text.as_str()).chain(hooks(build).filter_map(text_of));
        let mut tools: Vec<&Tool> = named.flat_map(tool::named_in).collect();
        tools.extend(tool.as_ref().map(|(tool, _)| *tool));
        let pass: Vec<&str> = build.pass_env.iter().map(|name| name.as_str()).collect();
        let project = Project {
            folder: self.given.folder,
            input: build.input.as_ref().map(|input| input.as_str()),
            tests: build.test.is_some(),
            mix_env: build.env.get("MIX_ENV").map(|value| value.as_str()),
        };
        let typed = || build.env.iter().map(|(name, value)| (name, value.as_str()));
        let given = Environment::new(self.given.variables, &tools, &pass)
            .with(self.given.overlay.map(|overlay| ("FITOUT_ENVIRONMENT", overlay)));
        let of_tool = |tool: &(&Tool, Span)| tool.0.env(&project);
        let environment = given.with(tool.as_ref().map(of_tool).unwrap_or_default()).with(typed());
        let test_env = tool.as_ref().map_or(&[][..], |(tool, _)| tool.test_env);
        let testing = environment.with(test_env.iter().copied());
        let mut all = self.hooks("before-build", &build.hooks.before_build, &environment);
        all.extend(self.built(build, tool.as_ref(), &project, &environment));
        all.extend(self.hooks("after-build", &build.hooks.after_build, &environment));
        all.extend(build.test.as_ref().map(|test| self.line(What::Test, test, &testing)));
        let out = environment.with(self.given.out.map(|out| ("FITOUT_OUT", out)));
        Step {
            folder: self.given.folder.to_owned(),
            before_package: self.hooks("before-package", &build.hooks.before_package, &environment),
            after_package: self.hooks("after-package", &build.hooks.after_package, &out),
            build: all,
            tool,
            environment,
        }
    }

    fn built(
        &self,
        build: &Build,
        tool: Option<&(&'static Tool, Span)>,
        project: &Project<'_>,
        environment: &Environment,
    ) -> Vec<Line> {
        let Some((tool, place)) = tool else {
            return build.command.iter().map(|line| self.line(What::Command, line, environment)).collect();
        };
        let steps = tool.steps(project);
        let count = steps.len();
        let line = |(index, line)| Line {
            what: What::Tool(tool.name, index + 1, count),
            run: Run::Shell(line),
            environment: environment.clone(),
            place: place.clone(),
        };
        steps.into_iter().enumerate().map(line).collect()
    }

    fn line(&self, what: What, line: &At<String>, environment: &Environment) -> Line {
        Line { what, run: Run::Shell(line.value.clone()), environment: environment.clone(), place: self.span(line) }
    }

    fn hooks(&mut self, moment: &'static str, hooks: &[At<Hook>], environment: &Environment) -> Vec<Line> {
        let lines = hooks.iter().filter_map(|hook| {
            let run = match (&hook.file, &hook.text) {
                (Some(file), None) => {
                    let path = self.given.folder.join(&file.value);
                    if !path.is_file() {
                        let message = format!("the {moment} hook `{}` is not there", file.escape_debug());
                        let help = "name a script, relative to the config file";
                        self.refuse(codes::RESOLVE_NOT_FOUND, file, message, help);
                        return None;
                    }
                    Run::File(file.value.clone(), path)
                }
                (None, Some(text)) => Run::Shell(text.value.clone()),
                _ => {
                    let help = "set `file` to a script, or `text` to its lines";
                    let message = "a hook has exactly one of `file` and `text`";
                    self.refuse(codes::CONFIG_INVALID_VALUE, hook, message, help);
                    return None;
                }
            };
            Some(Line { what: What::Hook(moment), run, environment: environment.clone(), place: self.span(hook) })
        });
        lines.collect()
    }

    /// What the grammar cannot say.
    fn judge(&mut self, build: &Build) {
        if let (Some(tool), Some(command)) = (&build.tool, &build.command) {
            let finding = Diagnostic::error(codes::CONFIG_INVALID_VALUE, "`[build]` has both `tool` and `command`")
                .at(&self.span(tool), "builds it by steps of its own")
                .at(&self.span(command), "builds it, too")
                .help("take one of them out; what is to run besides a tool is a hook: `before-build`, `after-build`");
            self.findings.push(finding);
        }
        for (key, text) in [("command", &build.command), ("test", &build.test)] {
            if let Some(text) = text.as_ref().filter(|text| text.trim().is_empty()) {
                self.refuse(
                    codes::CONFIG_INVALID_VALUE,
                    text,
                    format!("`{key}` is empty"),
                    "write what a shell runs, or take it out",
                );
            }
        }
        let help = "names are made of letters, digits and `_`, and do not begin with a digit";
        for (name, value) in build.env.iter().filter(|(name, _)| !is_variable(name)) {
            let message = format!("`{}` is no name of a variable", name.escape_debug());
            self.refuse(codes::CONFIG_INVALID_VALUE, value, message, help);
        }
        for name in build.pass_env.iter().filter(|name| !is_variable(name)) {
            let message = format!("`{}` is no name of a variable", name.escape_debug());
            self.refuse(codes::CONFIG_INVALID_VALUE, name, message, help);
        }
    }

    fn refuse<T>(&mut self, code: Code, at: &At<T>, message: impl Into<String>, help: &str) {
        let finding = Diagnostic::error(code, message).at(&self.span(at), "").help(help);
        self.findings.push(finding);
    }

    fn span<T>(&self, at: &At<T>) -> Span {
        self.document.span(at.range.clone())
    }
}

fn hooks(build: &Build) -> impl Iterator<Item = &At<Hook>> {
    let hooks = &build.hooks;
    [&hooks.before_build, &hooks.after_build, &hooks.before_package, &hooks.after_package].into_iter().flatten()
}

fn text_of(hook: &At<Hook>) -> Option<&str> {
    hook.text.as_ref().map(|text| text.as_str())
}
