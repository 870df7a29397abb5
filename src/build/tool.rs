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
}

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
            vec![format!("cargo build --release{locked}")]
        },
        env: &[("CARGO_INCREMENTAL", "0")],
        test_env: &[],
        programs: &["cargo", "rustc"],
        version: &["rustc", "-vV"],
        slow: false,
        locks: &["Cargo.lock"],
        filled: &["target"],
        remakes: false,
        // Programs and libraries; what lies deeper is for Cargo itself.
        output: |_| Some(("target/release".to_owned(), 1)),
        prefixes: &["CARGO", "RUST"],
        variables: &[],
    },
    Tool {
        name: "go",
        steps: |_| strings(&["go mod download", "mkdir -p bin && go build -o bin/ ./..."]),
        env: &[("GOFLAGS", "-trimpath")],
        test_env: &[],
        programs: &["go"],
        version: &["go", "version"],
        slow: false,
        locks: &["go.sum"],
        filled: &[],
        remakes: false,
        output: |_| Some(("bin".to_owned(), ALL)),
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

/// The release is named where the input says which: a project may have several.
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
            Some((_, name)) => format!("mix release {name} --overwrite"),
            None => "mix release --overwrite".to_owned(),
        });
    }
    steps
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
mod tests {
    use super::*;

    fn steps(tool: schema::Tool, files: &[(&str, &str)], input: Option<&str>) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs_err::write(folder.path().join(name), text).unwrap();
        }
        of(tool).steps(&Project { folder: folder.path(), input, tests: false, mix_env: None, compiles: false })
    }

    #[test]
    fn where_fitout_assembles_a_tool_only_compiles() {
        let project = Project { folder: Path::new("/"), input: None, tests: false, mix_env: None, compiles: true };
        assert_eq!(of(schema::Tool::Mix).steps(&project).last().unwrap(), "mix compile");
        assert_eq!(of(schema::Tool::Mix).output(&project).unwrap().0, "_build/prod/lib");
        assert_eq!(of(schema::Tool::Rebar3).steps(&project), ["rebar3 as prod compile"]);
    }

    #[test]
    fn what_cargo_tells_of_its_program_is_not_of_the_build() {
        let cargo = of(schema::Tool::Cargo);
        assert!(["CARGO_HOME", "CARGO_TARGET_DIR", "RUSTFLAGS"].iter().all(|name| cargo.reads(name)));
        assert!(!["CARGO_PKG_NAME", "CARGO_MANIFEST_DIR", "HOME"].iter().any(|name| cargo.reads(name)));
    }

    #[test]
    fn each_word_of_the_config_is_its_tool() {
        use schema::Tool::{Cargo, Go, Mix, Npm, Rebar3};
        let names = [Mix, Rebar3, Cargo, Go, Npm].map(|tool| of(tool).name);
        assert_eq!(names, ["mix", "rebar3", "cargo", "go", "npm"]);
    }

    #[test]
    fn mix_has_the_steps_that_the_project_needs() {
        assert_eq!(
            steps(schema::Tool::Mix, &[], None),
            ["mix deps.get --only prod", "mix deps.compile", "mix compile", "mix release --overwrite"]
        );
        let files = [
            ("mix.lock", "\"cowboy\": {:hex, :cowboy, \"2.9.0\", \"x\", [:make, :rebar3]}"),
            ("mix.exs", "\"assets.deploy\": [\"esbuild default\"]"),
        ];
        let all = steps(schema::Tool::Mix, &files, Some("_build/staging/rel/web"));
        assert_eq!(all[..2], ["mix local.hex --if-missing --force", "mix local.rebar --if-missing --force"]);
        assert_eq!(all[5..], ["mix assets.deploy", "mix release web --overwrite"]);
    }

    #[test]
    fn rebar3_makes_the_release_that_is_asked_for() {
        assert_eq!(steps(schema::Tool::Rebar3, &[], Some("rel"))[1], "rebar3 as prod release");
        let all = steps(schema::Tool::Rebar3, &[], Some("_build/default/rel/tern"));
        assert_eq!(all, ["rebar3 as default compile", "rebar3 as default release -n tern"]);
    }

    #[test]
    fn the_environment_of_mix_is_that_of_its_input() {
        let env = |input| {
            of(schema::Tool::Mix).env(&Project {
                folder: Path::new("/"),
                input,
                tests: false,
                mix_env: None,
                compiles: false,
            })
        };
        assert_eq!(env(None)[0], ("MIX_ENV", "prod".to_owned()));
        assert_eq!(env(Some("_build/staging/rel/web"))[0], ("MIX_ENV", "staging".to_owned()));
        assert_eq!(env(Some("_build/$(id)/rel/web"))[0], ("MIX_ENV", "prod".to_owned()));
    }

    #[test]
    fn a_command_names_its_tools() {
        let names = |command| named_in(command).iter().map(|tool| tool.name).collect::<Vec<_>>();
        assert_eq!(names("MIX_ENV=prod mix release&&(cd web; npm ci)"), ["mix", "npm"]);
        assert!(names("make mixture").is_empty());
    }
}
