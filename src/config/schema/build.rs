//! `[build]`: where the application comes from, how it is built, and which artifacts are made of it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{At, FormatName, Hook, Text, Texts};

/// `[build]`: where the application comes from, and which artifacts are made of it.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[schemars(title = "[build]")]
pub struct Build {
    /// What kind of application it is; `fitout init` detects it.
    pub preset: Option<At<Preset>>,
    /// Build tool whose steps make the input, run before it is read; or `command`.
    pub tool: Option<At<Tool>>,
    /// Shell command that makes the input, run before it is read; or `tool`. `FITOUT_TARGET` and `FITOUT_ARCH` tell it the target:
    /// of several, it runs once for each if it names one of them.
    pub command: Option<Text>,
    /// Shell command that tests what was built; its failure stops the packaging.
    pub test: Option<Text>,
    /// What else runs before and after the build, and before and after the packaging.
    pub hooks: BuildHooks,
    /// Environment variables of the build: tool, command, test and hooks.
    pub env: BTreeMap<String, Text>,
    /// Names of further environment variables that the build sees; without this it sees those of a list only.
    pub pass_env: Texts,
    /// Where the build and its test run, if not on the machine as it is: `bwrap`, which can write the project's folder and the
    /// caches of package managers only, or `podman:IMAGE`.
    pub sandbox: Option<Text>,
    /// Whether the build may use the network; `false` needs a sandbox.
    pub network: Option<At<bool>>,
    /// What the tool keeps for the next build is kept for other checkouts too.
    pub cache: BuildCache,
    /// Globs of the files that the build reads; unset, all that git tracks or does not ignore.
    pub inputs: Option<Texts>,
    /// Whether the build is skipped where nothing that it reads has changed; on unless set.
    pub skip: Option<At<bool>>,
    /// The built application: a folder (otp, plain) or the target folder (rust).
    pub input: Option<Text>,
    /// Formats to make; all if unset.
    #[schemars(with = "Option<Vec<FormatName>>")]
    pub formats: Option<Texts>,
    /// `os/arch` as Go and OCI spell it, such as `linux/arm64`; the host's if unset.
    pub targets: Option<Texts>,
    /// Also make source archives (tar.gz and zip) of what git tracks.
    pub source_archive: Option<At<bool>>,
}

/// Build tools whose steps, environment and caches fitout knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(title = "tool")]
pub enum Tool {
    /// Elixir's: `mix release`.
    Mix,
    /// Erlang's: `rebar3 release`.
    Rebar3,
    /// Rust's: `cargo build --release`.
    Cargo,
    /// Go's: `go build`.
    Go,
    /// Node's: `npm ci`, `npm run build`.
    Npm,
}

/// `[build.hooks]`: scripts that run in the folder of the config file, with the environment of the build.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[schemars(title = "[build.hooks]")]
pub struct BuildHooks {
    /// Before tool or command.
    pub before_build: Vec<At<Hook>>,
    /// After tool or command, before the test.
    pub after_build: Vec<At<Hook>>,
    /// Before the plan is made of the input, also where nothing had to be built.
    pub before_assemble: Vec<At<Hook>>,
    /// When the plan is made and nothing is wrong with it, before anything is packed.
    pub after_assemble: Vec<At<Hook>>,
    /// Behind `before-assemble`: before the input is read.
    pub before_package: Vec<At<Hook>>,
    /// When all artifacts are in the folder that `$FITOUT_OUT` names.
    pub after_package: Vec<At<Hook>>,
}

/// `[build.cache]`: folders that a build fills and the next one goes on with, also in another checkout.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[schemars(title = "[build.cache]")]
pub struct BuildCache {
    /// The folders, relative to the config file; those of the tool if unset, such as `deps` and `_build`; none if empty.
    pub paths: Option<Texts>,
    /// Files that decide what is in them; the lock file of the tool if unset, such as `mix.lock`.
    pub key: Option<Texts>,
    /// Where other machines have it too: `s3://BUCKET/PREFIX`, `gs://BUCKET/PREFIX`, `az://CONTAINER/PREFIX`, or `file:/FOLDER`.
    pub shared: Option<Text>,
}

impl Build {
    /// Takes this folder for what was built: nothing is to be built or tested.
    pub fn take(&mut self, input: String) {
        let places = [self.input.as_ref().map(|at| &at.range), self.preset.as_ref().map(|at| &at.range)];
        let range = places.into_iter().flatten().next().cloned().unwrap_or_default();
        self.input = Some(At { value: input, range });
        (self.tool, self.command, self.test) = (None, None, None);
        (self.hooks.before_build, self.hooks.after_build) = (Vec::new(), Vec::new());
    }
}

/// Kinds of application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(title = "preset")]
pub enum Preset {
    /// Any tree.
    Plain,
    /// A Cargo package.
    Rust,
    /// An assembled OTP release.
    Otp,
}
