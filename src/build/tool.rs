//! What fitout knows of each build tool: its steps, its environment, the variables that it reads, its lock file.
//!
//! Enters: a name of [`schema::Tool`] and a few facts of the project. Leaves: command lines. Nothing runs here.

use std::path::Path;

use crate::config::schema;

/// One tool.
#[derive(Debug)]
pub struct Tool {
    /// As in the config, and the program that must be on the `PATH`.
    pub name: &'static str,
    /// Command lines of the build, in their order.
    steps: fn(&Project<'_>) -> Vec<String>,
    /// Variables of every step, unless the config says otherwise.
    env: &'static [(&'static str, &'static str)],
    /// Whether it builds for the machine that it is told, so that a run of several targets needs one build for each.
    pub crosses: bool,
    /// Variables of the test besides.
    pub test_env: &'static [(&'static str, &'static str)],
    /// Programs whose files are another version when they are other files.
    pub programs: &'static [&'static str],
    /// Program and arguments that say the version of what builds.
    pub version: &'static [&'static str],
    /// Whether that takes a while.
    pub slow: bool,
    /// Files that say which versions of dependencies are meant.
    pub locks: &'static [&'static str],
    /// Folders that it fills for itself.
    pub filled: &'static [&'static str],
    /// Whether each build makes the whole input anew, so that it need not be kept.
    pub remakes: bool,
    /// What it makes where the config names no input, and how deep that counts.
    output: fn(&Project<'_>) -> Option<(String, usize)>,
    /// How names of variables begin that it reads.
    prefixes: &'static [&'static str],
    /// Whole names of such variables.
    variables: &'static [&'static str],
}

/// What the steps depend on.
#[derive(Debug, Clone, Copy)]
pub struct Project<'a> {
    /// The folder of the config file.
    pub folder: &'a Path,
    /// `[build] input` as typed.
    pub input: Option<&'a str>,
    /// Whether tests run as well, which need more dependencies.
    pub tests: bool,
    /// `MIX_ENV` of `[build] env`.
    pub mix_env: Option<&'a str>,
    /// Whether fitout assembles the release itself: the tool compiles, and no more.
    pub compiles: bool,
    /// The machine that it builds for; none for the one that it runs on.
    pub machine: Option<&'a Machine>,
    /// Whether the config takes what is built from a folder for each target: `bin/{arch}`.
    pub apart: bool,
}

/// A target of the run, in the words of build tools.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// `linux/arm/v7`, as in `targets`.
    pub target: String,
    /// Rust's triple, where Cargo would not build for it by itself.
    pub triple: Option<&'static str>,
}

impl Machine {
    /// The architecture as the hole `{arch}` has it, which is a word: `armv7`.
    pub fn arch(&self) -> String {
        self.parts().concat()
    }

    fn parts(&self) -> Vec<&str> {
        self.target.split('/').skip(1).collect()
    }

    /// What every command of the step is told of it.
    pub fn env(&self) -> [(&'static str, String); 2] {
        [("FITOUT_TARGET", self.target.clone()), ("FITOUT_ARCH", self.arch())]
    }

    /// What Go is told of it. Of `CGO_ENABLED` it has the right default: off where it builds for another machine.
    fn of_go(&self) -> Vec<(&'static str, String)> {
        let mut env = vec![("GOOS", "linux".to_owned())];
        let parts = self.parts();
        env.extend(parts.first().map(|arch| ("GOARCH", (*arch).to_owned())));
        env.extend(parts.get(1).map(|variant| ("GOARM", variant.trim_start_matches('v').to_owned())));
        env
    }
}

/// Whether a command line asks which target it is for.
pub fn asks_for_target(command: &str) -> bool {
    words(command).any(|word| matches!(word, "FITOUT_TARGET" | "FITOUT_ARCH"))
}

/// The folder that `tool = "go"` fills.
pub const GO_OUTPUT: &str = "bin";

/// `erlc` writes no paths and no options of the builder into .beam files then.
const DETERMINISTIC: (&str, &str) = ("ERL_COMPILER_OPTIONS", "deterministic");

/// How names begin by which Cargo tells a program that it runs who it is. Under `cargo run` that is fitout, and build scripts
/// that look at them would run again.
const OF_ITS_PROGRAM: &[&str] = &["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_", "CARGO_PRIMARY_"];

/// All that lies below counts.
pub const ALL: usize = usize::MAX;

const TOOLS: &[Tool] = &[
    Tool {
        name: "mix",
        steps: mix,
        env: &[("MIX_ENV", "prod"), DETERMINISTIC],
        crosses: false,
        test_env: &[("MIX_ENV", "test")],
        programs: &["mix", "elixir", "erl"],
        version: &["elixir", "--version"],
        slow: true,
        locks: &["mix.lock"],
        filled: &["deps", "_build"],
        remakes: true,
        output: |project| Some((format!("_build/{}/{}", project.mix_env(), project.made()), ALL)),
        prefixes: &["MIX_", "HEX_", "ELIXIR_", "ERL_", "REBAR_", "REBAR3_"],
        variables: &["ERLC_USE_SERVER"],
    },
    Tool {
        name: "rebar3",
        steps: rebar3,
        env: &[DETERMINISTIC],
        crosses: false,
        test_env: &[],
        programs: &["rebar3", "erl"],
        version: &["rebar3", "version"],
        slow: true,
        locks: &["rebar.lock"],
        filled: &["_build"],
        remakes: true,
        output: |project| {
            let profile = project.release().map_or("prod", |(profile, _)| profile);
            Some((format!("_build/{profile}/{}", project.made()), ALL))
        },
        prefixes: &["REBAR_", "REBAR3_", "HEX_", "ERL_"],
        variables: &["ERLC_USE_SERVER", "DIAGNOSTIC", "DEBUG", "QUIET"],
    },
    Tool {
        name: "cargo",
        steps: |project| {
            let locked = if project.has("Cargo.lock") { " --locked" } else { "" };
            let cross = project.triple().map(|triple| format!(" --target {triple}")).unwrap_or_default();
            vec![format!("cargo build --release{locked}{cross}")]
        },
        env: &[("CARGO_INCREMENTAL", "0")],
        crosses: true,
        test_env: &[],
        programs: &["cargo", "rustc"],
        version: &["rustc", "-vV"],
        slow: false,
        locks: &["Cargo.lock"],
        filled: &["target"],
        remakes: false,
        // Programs and libraries; what lies deeper is for Cargo itself.
        output: |project| {
            let triple = project.triple().map(|triple| format!("{triple}/")).unwrap_or_default();
            Some((format!("target/{triple}release"), 1))
        },
        prefixes: &["CARGO", "RUST"],
        variables: &[],
    },
    Tool {
        name: "go",
        steps: go,
        env: &[("GOFLAGS", "-trimpath")],
        crosses: true,
        test_env: &[],
        programs: &["go"],
        version: &["go", "version"],
        slow: false,
        locks: &["go.sum"],
        filled: &[],
        remakes: false,
        output: |_| Some((GO_OUTPUT.to_owned(), ALL)),
        prefixes: &["CGO_"],
        // No prefix: `GOOGLE_APPLICATION_CREDENTIALS` begins with `GO`, too.
        variables: &[
            "GO111MODULE",
            "GO386",
            "GOAMD64",
            "GOARCH",
            "GOARM",
            "GOARM64",
            "GOAUTH",
            "GOBIN",
            "GOCACHE",
            "GODEBUG",
            "GOENV",
            "GOEXPERIMENT",
            "GOFIPS140",
            "GOFLAGS",
            "GOINSECURE",
            "GOMODCACHE",
            "GONOPROXY",
            "GONOSUMDB",
            "GOOS",
            "GOPATH",
            "GOPRIVATE",
            "GOPROXY",
            "GOROOT",
            "GOSUMDB",
            "GOTMPDIR",
            "GOTOOLCHAIN",
            "GOVCS",
            "GOWORK",
        ],
    },
    Tool {
        name: "npm",
        steps: npm,
        env: &[("npm_config_audit", "false"), ("npm_config_fund", "false")],
        crosses: false,
        test_env: &[],
        programs: &["npm", "node"],
        version: &["node", "--version"],
        slow: false,
        locks: &["package-lock.json"],
        filled: &["node_modules"],
        remakes: false,
        output: |_| None,
        prefixes: &["npm_config_", "NPM_", "NODE_"],
        variables: &[],
    },
];

/// What is known of a tool.
pub fn of(tool: schema::Tool) -> &'static Tool {
    &TOOLS[tool as usize]
}

/// The tools that a command line names.
pub fn named_in(command: &str) -> Vec<&'static Tool> {
    let words: Vec<&str> = words(command).collect();
    TOOLS.iter().filter(|tool| words.contains(&tool.name)).collect()
}

/// The words of a command line, as far as one that is no shell can tell them.
pub fn words(command: &str) -> impl Iterator<Item = &str> {
    command.split(|c: char| c.is_whitespace() || ";&|()<>'\"`$={}".contains(c)).filter(|word| !word.is_empty())
}

impl Tool {
    /// Command lines of the build.
    pub fn steps(&self, project: &Project<'_>) -> Vec<String> {
        (self.steps)(project)
    }

    /// Names of the variables of every step, which decide what is in its folders.
    pub fn env_names(&self) -> impl Iterator<Item = &'static str> {
        self.env.iter().map(|(name, _)| *name)
    }

    /// Variables of every step.
    pub fn env(&self, project: &Project<'_>) -> Vec<(&'static str, String)> {
        let mut env: Vec<(&str, String)> = self.env.iter().map(|&(name, value)| (name, value.to_owned())).collect();
        if let Some((_, mix_env)) = env.iter_mut().find(|(name, _)| *name == "MIX_ENV") {
            project.mix_env().clone_into(mix_env);
        }
        if let Some(machine) = project.machine.filter(|_| self.name == "go") {
            env.extend(machine.of_go());
        }
        env
    }

    /// What it makes where the config names no input, relative to the folder, and how deep that counts.
    pub fn output(&self, project: &Project<'_>) -> Option<(String, usize)> {
        (self.output)(project)
    }

    /// Whether it may read the variable.
    pub fn reads(&self, variable: &str) -> bool {
        let of_whoever_runs = OF_ITS_PROGRAM.iter().any(|prefix| variable.starts_with(prefix));
        self.variables.contains(&variable)
            || (!of_whoever_runs && self.prefixes.iter().any(|prefix| variable.starts_with(prefix)))
    }
}

impl Project<'_> {
    fn has(&self, name: &str) -> bool {
        self.folder.join(name).exists()
    }

    fn text(&self, name: &str) -> String {
        fs_err::read_to_string(self.folder.join(name)).unwrap_or_default()
    }

    /// What Cargo builds for, where it is another machine than this one.
    fn triple(&self) -> Option<&'static str> {
        self.machine.and_then(|machine| machine.triple)
    }

    /// `_build/prod/rel/hello`: environment and name of the release that is the input.
    fn release(&self) -> Option<(&str, &str)> {
        let below = self.input?.trim_start_matches("./").trim_end_matches('/').strip_prefix("_build/")?;
        let (environment, name) = below.split_once("/rel/")?;
        (is_word(environment) && is_word(name)).then_some((environment, name))
    }

    /// What the tool makes below its folder.
    fn made(&self) -> &'static str {
        if self.compiles { "lib" } else { "rel" }
    }

    /// The environment of Mix: that of the config, else that of the input, else `prod`.
    fn mix_env(&self) -> &str {
        self.mix_env.or(self.release().map(|(environment, _)| environment)).unwrap_or("prod")
    }
}

/// The release is named where the input says which and mix.exs knows it: a project may have several. One without `releases:`
/// has that of its application, which Mix knows by no name. An umbrella has none, and Mix says what it needs.
fn mix(project: &Project<'_>) -> Vec<String> {
    let (lock, mix) = (project.text("mix.lock"), project.text("mix.exs"));
    let release = project.release();
    let mut steps = Vec::new();
    // Both ask on the terminal where they are not there; a project without such dependencies does not need them.
    if lock.contains("{:hex,") {
        steps.push("mix local.hex --if-missing --force".to_owned());
    }
    if lock.contains(":rebar3") {
        steps.push("mix local.rebar --if-missing --force".to_owned());
    }
    steps.push(match project.mix_env() {
        mix_env if !project.tests && is_word(mix_env) => format!("mix deps.get --only {mix_env}"),
        _ => "mix deps.get".to_owned(),
    });
    steps.push("mix deps.compile".to_owned());
    steps.push("mix compile".to_owned());
    if mix.contains("\"assets.deploy\"") || mix.contains("assets.deploy:") {
        steps.push("mix assets.deploy".to_owned());
    }
    if !project.compiles {
        steps.push(match release {
            Some((_, name)) if names_releases(&mix, name) => format!("mix release {name} --overwrite"),
            _ => "mix release --overwrite".to_owned(),
        });
    }
    steps
}

/// Whether `mix release NAME` means something: mix.exs has `releases:`, or an application that is not the release.
fn names_releases(mix: &str, release: &str) -> bool {
    let code = || mix.lines().map(|line| line.split('#').next().unwrap_or_default());
    let app = code().find_map(|line| line.split_once("app: :")).map(|(_, app)| app);
    let app = app.map(|app| app.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default());
    code().any(|line| line.contains("releases")) || app.is_some_and(|app| app != release)
}

/// All programs of the module; what is vendored is not fetched. Where the config takes them from a folder for each target, there.
fn go(project: &Project<'_>) -> Vec<String> {
    let below = project.machine.filter(|_| project.apart).map(|machine| format!("/{}", machine.arch()));
    let folder = format!("{GO_OUTPUT}{}", below.unwrap_or_default());
    let build = format!("mkdir -p {folder} && go build -o {folder}/ ./...");
    if project.has("vendor/modules.txt") { vec![build] } else { vec!["go mod download".to_owned(), build] }
}

/// Profile and release are those of the input, where it says which.
fn rebar3(project: &Project<'_>) -> Vec<String> {
    if project.compiles {
        return strings(&["rebar3 as prod compile"]);
    }
    let Some((profile, name)) = project.release() else {
        return strings(&["rebar3 as prod compile", "rebar3 as prod release"]);
    };
    vec![format!("rebar3 as {profile} compile"), format!("rebar3 as {profile} release -n {name}")]
}

/// `npm ci` begins by deleting what is there: only where that is not what the lock file says.
fn npm(project: &Project<'_>) -> Vec<String> {
    let install = if project.has("package-lock.json") {
        "npm ls --all >/dev/null 2>&1 || npm ci"
    } else {
        "npm install --no-package-lock"
    };
    strings(&[install, "npm run build --if-present"])
}

/// What a shell takes for one word without quotes.
fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn strings(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|&line| line.to_owned()).collect()
}

#[cfg(test)]
mod tests;
