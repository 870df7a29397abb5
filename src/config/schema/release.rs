//! `[release]`: an OTP release that fitout assembles itself, from compiled applications.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{At, Manifest, Preset, Text, Texts};

/// `[release]`: an OTP release that fitout assembles itself, from compiled applications and without running Erlang.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[schemars(title = "[release]")]
pub struct Assembly {
    /// Name of the release; `[package] name` unless set, with `_` for `-`.
    pub name: Option<Text>,
    /// Version of the release: that of `[package] version` where it is typed, else that of the application with the release's name.
    pub version: Option<Text>,
    /// Whose layout it has: `mix` where there is a `mix.exs`, else `relx`.
    pub kind: Option<At<AssemblyKind>>,
    /// Applications to start and how, such as `{ hello = "permanent" }`; the one that is called as the release unless set. What
    /// they need comes along.
    pub applications: BTreeMap<String, At<StartType>>,
    /// Versions that applications must have, such as `{ cowboy = "2.12.0" }`.
    pub versions: BTreeMap<String, Text>,
    /// Folder of the compiled applications, each a folder with an `ebin`; `_build/prod/lib` unless set, or that of `MIX_ENV`.
    pub lib: Option<Text>,
    /// Root of the Erlang/OTP that it is made with, also of another architecture; that of `erl` on the `PATH` unless set.
    pub otp: Option<Text>,
    /// Root of the Elixir that it is made with; that of `elixir` on the `PATH` unless set.
    pub elixir: Option<Text>,
    /// Whether the runtime and the applications of OTP are inside; on unless set.
    pub erts: Option<At<bool>>,
    /// Whether modules lose what only debuggers and documentation need; on unless set.
    pub strip: Option<At<bool>>,
    /// Chunks of modules that stay all the same, such as `Docs` or `Dbgi`.
    pub keep_chunks: Texts,
    /// Configuration: a file of Erlang terms; an Elixir file, evaluated where the build step ran; or `command:…`, which prints terms.
    /// `config/config.exs` or `config/sys.config(.src)` where it is there.
    pub sys_config: Option<Text>,
    /// Elixir file that configures the node when it starts; `config/runtime.exs` where it is there.
    pub runtime: Option<Text>,
    /// Further configuration providers, as terms with their state: `{'Elixir.Vault', []}`.
    pub providers: Texts,
    /// Arguments of the runtime; `rel/vm.args.eex` or `config/vm.args(.src)` where it is there.
    pub vm_args: Option<Text>,
    /// Folders whose files are laid over the release; `rel/overlays` where it is there.
    pub overlays: Option<Texts>,
}

/// Layouts of a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(title = "kind of a release")]
pub enum AssemblyKind {
    /// As `mix release` makes it.
    Mix,
    /// As relx makes it.
    Relx,
}

/// How an application is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(title = "start type")]
pub enum StartType {
    /// Its code is there, and it is neither loaded nor started.
    None,
    /// It is loaded and not started.
    Load,
    /// The node goes on when it ends.
    Temporary,
    /// The node goes on when it ends well.
    Transient,
    /// The node ends when it ends.
    Permanent,
}

impl StartType {
    /// As Erlang spells it.
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Load => "load",
            Self::Temporary => "temporary",
            Self::Transient => "transient",
            Self::Permanent => "permanent",
        }
    }

    /// Whether it is started at boot.
    pub fn starts(self) -> bool {
        matches!(self, Self::Temporary | Self::Transient | Self::Permanent)
    }

    /// The one that asks for more.
    #[must_use]
    pub fn stronger(self, other: Self) -> Self {
        if self as u8 >= other as u8 { self } else { other }
    }
}

impl Assembly {
    /// Where the release is assembled if `[build] input` does not say it.
    pub fn place(&self, package: Option<&str>) -> String {
        format!("_build/fitout/rel/{}", self.release_name(package).unwrap_or_else(|| "release".to_owned()))
    }

    /// Its name, where the config says one.
    pub fn release_name(&self, package: Option<&str>) -> Option<String> {
        self.name.as_ref().map(|name| name.value.clone()).or_else(|| Some(package?.replace('-', "_")))
    }
}

impl Manifest {
    /// What `[release]` says of the build: the input is what is assembled.
    pub(crate) fn assembled(&mut self) {
        let Some(release) = &self.release else { return };
        let package = self.package.name.as_ref().map(|name| name.value.as_str());
        let (place, range) = (release.place(package), release.range.clone());
        self.build.input.get_or_insert(At { value: place, range: range.clone() });
        self.build.preset.get_or_insert(At { value: Preset::Otp, range });
    }
}
