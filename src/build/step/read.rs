//! `[build]` -> [`Step`], with everything that is wrong with its values.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

use super::super::cache::shared;
use super::super::environment::{Environment, is_variable};
use super::super::inputs::Inputs;
use super::super::sandbox::Sandbox;
use super::super::stamp::Output;
use super::super::tool::{self, Machine, Project, Tool};
use super::{Given, Kept, Line, Run, Step, Watch, What};
use crate::config::load::Document;
use crate::config::own::Own;
use crate::config::schema::{self, At, Build, Files, Hook, Manifest, Preset, Texts};
use crate::diagnostic::{Code, Diagnostic, Findings, Span, codes};

/// Reads values and collects what is wrong with them.
pub(super) struct Reader<'a> {
    pub document: &'a Document,
    pub given: Given<'a>,
    pub findings: Findings,
}

impl Reader<'_> {
    pub fn step(&mut self, manifest: &Manifest) -> Step {
        let build = &manifest.build;
        self.judge(build);
        let tool = build.tool.as_ref().map(|tool| (tool::of(tool.value), self.span(tool)));
        let texts = [&build.command, &build.test];
        let named = texts.into_iter().flatten().map(|text| text.as_str()).chain(hooks(build).filter_map(text_of));
        let mut tools: Vec<&'static Tool> = named.flat_map(tool::named_in).collect();
        tools.extend(tool.as_ref().map(|(tool, _)| *tool));
        let pass: Vec<&str> = build.pass_env.iter().map(|name| name.as_str()).collect();
        let targets = self.targets(build);
        let project = Project {
            folder: self.given.folder,
            // Where fitout assembles the release, its place says nothing of the tool's folders.
            input: build.input.as_ref().filter(|_| manifest.release.is_none()).map(|input| input.as_str()),
            compiles: manifest.release.is_some(),
            tests: build.test.is_some(),
            mix_env: build.env.get("MIX_ENV").map(|value| value.as_str()),
            machine: None,
            apart: takes(manifest).any(|from| from.starts_with(&format!("{}/{{arch}}", tool::GO_OUTPUT))),
        };
        self.judge_targets(manifest, &project, &targets);
        let given = Environment::new(self.given.variables, &tools, &pass)
            .with(self.given.overlay.map(|overlay| ("FITOUT_ENVIRONMENT", overlay)));
        let typed = || build.env.iter().map(|(name, value)| (name, value.as_str()));
        let told = |machine: Option<&Machine>| given.with(machine.map(Machine::env).into_iter().flatten());
        let seen = |machine: Option<&Machine>, crosses: bool| {
            let project = Project { machine: machine.filter(|_| crosses), ..project };
            let of_tool = tool.as_ref().map(|(tool, _)| tool.env(&project)).unwrap_or_default();
            told(machine).with(of_tool).with(typed())
        };
        let only = if let [one] = &targets[..] { Some(one) } else { None };
        let environment = seen(only, false);
        let test_env = tool.as_ref().map_or(&[][..], |(tool, _)| tool.test_env);
        let mut all = Vec::new();
        // A test of this machine runs on it, whatever was built for others.
        let tests_each = build.test.as_ref().is_some_and(|test| tool::asks_for_target(test));
        let passes = passes(build, tool.as_ref().map(|(tool, _)| *tool), &targets);
        for machine in &passes {
            let environment = seen(*machine, true);
            all.extend(self.hooks("before-build", &build.hooks.before_build, &environment));
            all.extend(self.built(build, tool.as_ref(), &Project { machine: *machine, ..project }, &environment));
            all.extend(self.hooks("after-build", &build.hooks.after_build, &environment));
            let testing = seen(*machine, false).with(test_env.iter().copied());
            all.extend(build.test.as_ref().filter(|_| tests_each).map(|test| self.line(What::Test, test, &testing)));
        }
        let testing = environment.with(test_env.iter().copied());
        all.extend(build.test.as_ref().filter(|_| !tests_each).map(|test| self.line(What::Test, test, &testing)));
        let mut before = self.hooks("before-assemble", &build.hooks.before_assemble, &environment);
        before.extend(self.hooks("before-package", &build.hooks.before_package, &environment));
        let out = environment.with(self.given.out.last().map(|out| ("FITOUT_OUT", out)));
        Step {
            folder: self.given.folder.to_owned(),
            watch: self.watch(manifest, &project, tools, &passes),
            before_package: before,
            after_assemble: self.hooks("after-assemble", &build.hooks.after_assemble, &environment),
            after_package: self.hooks("after-package", &build.hooks.after_package, &out),
            build: all,
            sandbox: self.sandbox(build),
            sandbox_place: build.sandbox.as_ref().map(|text| self.span(text)),
            tool,
            environment,
        }
    }

    /// What the step reads and makes.
    fn watch(
        &self,
        manifest: &Manifest,
        project: &Project<'_>,
        tools: Vec<&'static Tool>,
        passes: &[Option<&Machine>],
    ) -> Watch {
        let build = &manifest.build;
        let at = |path: &str| self.given.folder.join(path.trim_end_matches('/'));
        let rust = build.preset.as_ref().is_some_and(|preset| preset.value == Preset::Rust);
        let assembled = build.input.as_ref().filter(|_| manifest.release.is_some()).map(|input| at(input));
        let cargo = tool::of(schema::Tool::Cargo);
        let of_passes = |tool: &'static Tool| {
            passes
                .iter()
                .filter_map(|machine| tool.output(&Project { machine: *machine, ..*project }))
                .collect::<Vec<_>>()
        };
        let tool = build.tool.as_ref().map(|tool| tool::of(tool.value));
        let of_tool = tool.map(of_passes).unwrap_or_default();
        // A command says nothing of the target that it gives Cargo.
        let of_rust = if tool.is_some_and(|tool| tool.name == cargo.name) {
            of_tool.clone()
        } else {
            rust.then(|| cargo.output(project)).flatten().into_iter().collect()
        };
        let made = match build.input.as_ref().filter(|_| assembled.is_none()).map(|input| input.trim_end_matches('/')) {
            // Cargo's own folder, in which more than the programs lies.
            Some(input) if rust => {
                let below = |path: &str| cargo.filled.iter().find_map(|own| path.strip_prefix(own).map(str::to_owned));
                of_rust.iter().filter_map(|(path, depth)| Some((format!("{input}{}", below(path)?), *depth))).collect()
            }
            Some(input) => vec![(input.to_owned(), tool::ALL)],
            None if of_tool.is_empty() => of_rust,
            None => of_tool,
        };
        // Of an umbrella, the releases of all configs.
        let remade = tool.filter(|tool| tool.remakes);
        let remade = remade.filter(|_| assembled.is_none()).and_then(|tool| tool.output(project));
        let except = assembled.clone().or_else(|| remade.map(|(path, _)| at(&path)));
        let made: Vec<Output> = made.into_iter().map(|(path, depth)| Output { path: at(&path), depth }).collect();
        let mut own = [self.given.out, &[self.given.folder.join(&self.document.source().name)]].concat();
        own.extend(assembled);
        let filled = tools.iter().flat_map(|tool| tool.filled).map(|path| at(path)).collect();
        // A folder that was published to has a mark, and that of a cache has none.
        let caches = Own::of(&self.document.source().text).caches;
        own.extend(caches.iter().filter_map(|cache| shared::folder(cache)));
        let written = own.iter().chain(made.iter().map(|output| &output.path)).cloned().collect();
        let globs = build.inputs.as_ref().map(|globs| globs.iter().map(|glob| glob.value.clone()).collect());
        let taken = manifest.files.iter().filter_map(|rule| self.taken(rule));
        Watch {
            inputs: Inputs { folder: self.given.folder.to_owned(), globs, written, filled },
            outputs: made.iter().cloned().chain(taken).collect(),
            own,
            kept: Kept {
                name: manifest.package.name.as_ref().map(|name| name.value.clone()),
                paths: kept(build.cache.paths.as_ref(), &tools_of(build), |tool| tool.filled),
                locks: kept(build.cache.key.as_ref(), &tools, |tool| tool.locks),
                except: except.into_iter().collect(),
                shared: build.cache.shared.as_ref().map(|address| address.value.clone()),
                // How stores are reached is none of the build's business, and decides nothing of it.
                variables: self.given.variables.clone(),
                env: tools.iter().flat_map(|tool| tool.env_names()).collect(),
            },
            tools,
            skip: build.skip.as_ref().is_none_or(|skip| skip.value),
        }
    }

    /// What a rule takes may have been made by the step. Holes are filled later: such a rule takes a part of its folder.
    fn taken(&self, rule: &Files) -> Option<Output> {
        let from = rule.from.as_ref()?.value.as_str();
        let whole = from.split(|c: char| "*?[{\\".contains(c)).next().unwrap_or_default();
        let base = if whole == from { from } else { whole.rsplit_once('/').map_or(".", |(folder, _)| folder) };
        let path: PathBuf = self.given.folder.join(base).components().collect();
        Some(Output { path, depth: tool::ALL })
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

    fn sandbox(&mut self, build: &Build) -> Sandbox {
        let network = build.network.as_ref().is_none_or(|network| network.value);
        let Some(typed) = &build.sandbox else {
            if let Some(at) = build.network.as_ref().filter(|network| !network.value) {
                let help = "set `sandbox = \"bwrap\"` or `\"podman:IMAGE\"`, which can do without";
                self.refuse(codes::CONFIG_INVALID_VALUE, at, "a build on the machine itself has its network", help);
            }
            return Sandbox::default();
        };
        Sandbox::parse(typed, network).unwrap_or_else(|| {
            let message = format!("`{}` is no sandbox", typed.escape_debug());
            self.refuse(codes::CONFIG_INVALID_VALUE, typed, message, "write `bwrap` or `podman:IMAGE`");
            Sandbox::default()
        })
    }

    /// The targets of the run. What Cargo builds for by a variable or config file of its own is not overruled.
    fn targets(&self, build: &Build) -> Vec<Machine> {
        const CHOSEN: &str = "CARGO_BUILD_TARGET";
        // https://doc.rust-lang.org/cargo/reference/config.html#hierarchical-structure
        let by_file = |folder: &Path| {
            let text = fs_err::read_to_string(folder.join(".cargo/config.toml")).unwrap_or_default();
            text.parse::<toml::Table>()
                .is_ok_and(|config| config.get("build").is_some_and(|b| b.get("target").is_some()))
        };
        let chosen = build.env.contains_key(CHOSEN)
            || self.given.variables.contains_key(OsStr::new(CHOSEN))
            || self.given.folder.ancestors().any(by_file);
        let machine = |machine: &Machine| Machine { triple: machine.triple.filter(|_| !chosen), ..machine.clone() };
        self.given.targets.iter().map(machine).collect()
    }

    /// Programs of several targets in one place.
    fn judge_targets(&mut self, manifest: &Manifest, project: &Project<'_>, targets: &[Machine]) {
        let Some(tool) = manifest.build.tool.as_ref().filter(|tool| tool.value == schema::Tool::Go) else { return };
        let folder = tool::GO_OUTPUT;
        let is_below =
            |from: &str| from.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        if targets.len() > 1 && !project.apart && takes(manifest).any(is_below) {
            let help = format!(
                "take them by `[[files]]` from `{folder}/{{arch}}/…`: each target is built into a folder of its own then"
            );
            let message = format!("`go` would build several targets into `{folder}`, where the last one stays");
            self.refuse(codes::CONFIG_INVALID_VALUE, tool, message, &help);
        }
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
        for glob in build.inputs.iter().flatten().filter(|glob| !Inputs::is_glob(glob)) {
            let message = format!("`{}` is no glob", glob.escape_debug());
            let help = "write a literal special character in brackets, such as `[*]`";
            self.refuse(codes::CONFIG_INVALID_VALUE, glob, message, help);
        }
        for path in build.cache.paths.iter().chain(&build.cache.key).flatten() {
            let plain = Path::new(&path.value).components().all(|part| matches!(part, Component::Normal(_)));
            if !plain || path.is_empty() {
                let message = format!("`{}` is no path below the folder of the config file", path.escape_debug());
                let help = "name a folder or file of the project, such as `_build`, without `.` and `..`";
                self.refuse(codes::CONFIG_INVALID_VALUE, path, message, help);
            }
        }
        if let Some(address) = build.cache.shared.as_ref().filter(|address| shared::address(address).is_none()) {
            let message = format!("`{}` is no address of a shared cache", address.escape_debug());
            let help =
                "write it as `s3://BUCKET/PREFIX`, `gs://BUCKET/PREFIX`, `az://CONTAINER/PREFIX` or `file:/FOLDER`";
            self.refuse(codes::CONFIG_INVALID_VALUE, address, message, help);
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

/// For which targets the step runs: once if there is one, or if nothing of it depends on them.
fn passes<'m>(build: &Build, tool: Option<&Tool>, targets: &'m [Machine]) -> Vec<Option<&'m Machine>> {
    let hooks = build.hooks.before_build.iter().chain(&build.hooks.after_build).filter_map(|hook| text_of(hook));
    let mut texts = [&build.command, &build.test].into_iter().flatten().map(|text| text.as_str()).chain(hooks);
    let each = tool.is_some_and(|tool| tool.crosses) || texts.any(tool::asks_for_target);
    if targets.len() == 1 || (each && !targets.is_empty()) { targets.iter().map(Some).collect() } else { vec![None] }
}

/// What the config takes of what is there.
fn takes(manifest: &Manifest) -> impl Iterator<Item = &str> {
    let rules = manifest.files.iter().filter_map(|rule| rule.from.as_ref());
    rules.chain(&manifest.build.input).map(|path| path.trim_start_matches("./"))
}

/// A command says itself what is kept: which of its folders are worth it nobody else can know.
fn tools_of(build: &Build) -> Vec<&'static Tool> {
    build.tool.iter().map(|tool| tool::of(tool.value)).collect()
}

/// What the config names, else what the tools have.
fn kept(typed: Option<&Texts>, tools: &[&'static Tool], own: fn(&Tool) -> &'static [&'static str]) -> Vec<String> {
    match typed {
        Some(typed) => typed.iter().map(|path| path.trim_end_matches('/').to_owned()).collect(),
        None => tools.iter().flat_map(|tool| own(tool)).map(|&path| path.to_owned()).collect(),
    }
}

fn hooks(build: &Build) -> impl Iterator<Item = &At<Hook>> {
    let hooks = &build.hooks;
    let assemble = [&hooks.before_assemble, &hooks.after_assemble];
    [&hooks.before_build, &hooks.after_build, &hooks.before_package, &hooks.after_package]
        .into_iter()
        .chain(assemble)
        .flatten()
}

fn text_of(hook: &At<Hook>) -> Option<&str> {
    hook.text.as_ref().map(|text| text.as_str())
}
