//! What may stand in `fitout.toml`: one struct a table, one field a key.
//!
//! The JSON schema (`fitout generate schema`), the check for unknown keys and the reader all come from these types, so a
//! key is declared here and nowhere else. Values that can be wrong later carry their span ([`At`]).

use std::collections::BTreeMap;
use std::ops::{Deref, Range};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// A value and the bytes of the file that it was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct At<T> {
    /// The value.
    pub value: T,
    /// Bytes of the file.
    pub range: Range<usize>,
}

impl<T> Deref for At<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for At<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = toml::Spanned::<T>::deserialize(deserializer)?;
        let range = spanned.span();
        Ok(Self { value: spanned.into_inner(), range })
    }
}

impl<T: JsonSchema> JsonSchema for At<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        T::schema_name()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
    fn inline_schema() -> bool {
        T::inline_schema()
    }
}

/// A string with its place: most values.
pub type Text = At<String>;
/// A list of strings with their places.
pub type Texts = Vec<Text>;

/// The whole file.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Manifest {
    /// What the package is.
    pub package: Package,
    /// Where the application comes from and what is made of it.
    pub build: Build,
    /// What goes where; a later rule for the same path needs `replace = true`.
    pub files: Vec<At<Files>>,
    /// One table a format, for what only that format has.
    pub format: Formats,
    /// Overlays: `[environment.staging]` may hold any table of this file but itself.
    #[schemars(with = "BTreeMap<String, serde_json::Map<String, serde_json::Value>>")]
    pub environment: BTreeMap<String, toml::Table>,
    /// Which findings of `fitout lint` are silenced, with a reason each.
    pub lint: Lint,
}

/// Sections of the grammar that this version refuses with `config/not-yet`.
pub const NOT_YET: &[(&str, &str)] = &[
    ("release", "assembling OTP releases from compiled applications"),
    ("service", "services, their units and scripts"),
    ("account", "accounts"),
    ("sign", "signing"),
    ("publish", "publishing"),
    ("report", "the size report"),
];

/// `[package]`
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Package {
    /// Package name in every format; the preset may know it.
    pub name: Option<Text>,
    /// Version: a literal, or `{ from = "git" | "mix.exs" | "Cargo.toml" | "release" | "file:PATH" | "command:…" }`.
    pub version: Option<At<VersionSource>>,
    /// Epoch of deb and rpm: raises the order above every version without one.
    pub epoch: Option<At<u32>>,
    /// Revision of the packaging: Debian revision, rpm Release (1 if unset there).
    pub release: Option<Text>,
    /// One line, no full stop.
    pub summary: Option<Text>,
    /// Paragraphs; an empty line separates them.
    pub description: Option<Text>,
    /// `Name <mail>`.
    pub maintainer: Option<Text>,
    /// SPDX expression.
    pub license: Option<Text>,
    /// File with the licence's text, shipped as documentation.
    pub license_file: Option<Text>,
    /// Copyright line, such as `2026 Example Ltd`; the maintainer's if unset.
    pub copyright: Option<Text>,
    /// URL.
    pub homepage: Option<Text>,
    /// Who distributes it.
    pub vendor: Option<Text>,
    /// Change log: a Debian changelog or Keep-a-Changelog Markdown.
    pub changelog: Option<Text>,
    /// Where code goes: `/usr/lib/NAME` unless set, such as `/opt/NAME`.
    pub prefix: Option<Text>,
    /// Libraries (sonames) to copy from the build host into the package, in a directory of its own.
    pub bundle: Texts,
}

/// Where the version comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VersionSource {
    /// `version = "1.2.3"`
    Literal(String),
    /// `version = { from = "…" }`
    From {
        /// `git`, `mix.exs`, `Cargo.toml`, `release`, `file:PATH`, `file:PATH#KEY`, `command:…`.
        from: Text,
    },
}

impl<'de> Deserialize<'de> for VersionSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = VersionSource;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a version string or `{ from = \"…\" }`")
            }
            fn visit_str<E: de::Error>(self, v: &str) -> Result<VersionSource, E> {
                Ok(VersionSource::Literal(v.to_owned()))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<VersionSource, A::Error> {
                #[derive(Deserialize)]
                #[serde(deny_unknown_fields)]
                struct F {
                    from: Text,
                }
                F::deserialize(de::value::MapAccessDeserializer::new(map)).map(|f| VersionSource::From { from: f.from })
            }
        }
        deserializer.deserialize_any(V)
    }
}

impl JsonSchema for VersionSource {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "VersionSource".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [
            { "type": "string" },
            { "type": "object", "additionalProperties": false, "required": ["from"],
              "properties": { "from": { "type": "string" } } },
        ] })
    }
}

/// `[build]`
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Build {
    /// What kind of application it is; `fitout init` detects it.
    pub preset: Option<At<Preset>>,
    /// Shell command that makes the input, run before it is read.
    pub command: Option<Text>,
    /// The built application: a folder (otp, plain) or the target folder (rust).
    pub input: Option<Text>,
    /// Formats to make; all if unset.
    pub formats: Option<Texts>,
    /// `os/arch` as Go and OCI spell it, such as `linux/arm64`; the host's if unset.
    pub targets: Option<Texts>,
    /// Also make source archives (tar.gz and zip) of what git tracks.
    pub source_archive: bool,
}

/// Kinds of application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// Any tree.
    Plain,
    /// A Cargo package.
    Rust,
    /// An assembled OTP release.
    Otp,
}

/// `[[files]]`: exactly one of `from`, `link`, `text`, `directory`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Files {
    /// A file, a folder (its whole tree) or a glob, relative to the config file.
    pub from: Option<Text>,
    /// Absolute path on the host. With a tree or glob: the folder that it goes under. A trailing `/` puts a single file
    /// into that folder under its own name.
    pub to: Option<Text>,
    /// Makes `to` a symbolic link to this target, kept as written.
    pub link: Option<Text>,
    /// Makes `to` a file with this content.
    pub text: Option<Text>,
    /// Makes `to` an empty directory that the package owns.
    pub directory: bool,
    /// Globs, relative to `from`, of what is left out.
    pub exclude: Texts,
    /// What kind of file it is.
    pub role: Option<At<Role>>,
    /// rpm: an edited config file is kept and the new one put beside it. On unless set.
    pub noreplace: Option<bool>,
    /// rpm: it is no fault when the config file is gone.
    pub missingok: bool,
    /// `user:group` or `user`.
    pub owner: Option<Text>,
    /// Octal with a leading zero, such as `"0640"`: for files (directories of a tree get `dir-mode`).
    pub mode: Option<Text>,
    /// Octal with a leading zero, for directories of a tree.
    pub dir_mode: Option<Text>,
    /// POSIX capabilities in text form, such as `cap_net_bind_service=ep`.
    pub capabilities: Option<Text>,
    /// Fill `{name}` holes of the content.
    pub render: bool,
    /// This rule may take paths from earlier rules.
    pub replace: bool,
    /// Only in these formats.
    pub when: Option<At<OneOrMany>>,
}

/// Roles of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Nothing special.
    Plain,
    /// The administrator edits it; kept on upgrade.
    Config,
    /// Documentation.
    Doc,
    /// A licence text.
    License,
    /// Owned by the package and not in it (rpm %ghost).
    Ghost,
}

/// `"deb"` or `["deb", "rpm"]`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OneOrMany(pub Vec<String>);

impl<'de> Deserialize<'de> for OneOrMany {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = OneOrMany;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a string or a list of strings")
            }
            fn visit_str<E: de::Error>(self, v: &str) -> Result<OneOrMany, E> {
                Ok(OneOrMany(vec![v.to_owned()]))
            }
            fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<OneOrMany, A::Error> {
                let mut all = Vec::new();
                while let Some(one) = seq.next_element()? {
                    all.push(one);
                }
                Ok(OneOrMany(all))
            }
        }
        deserializer.deserialize_any(V)
    }
}

impl JsonSchema for OneOrMany {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "OneOrMany".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }] })
    }
}

/// `[format]`
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Formats {
    /// `[format.deb]`
    pub deb: Deb,
    /// `[format.rpm]`
    pub rpm: Rpm,
    /// `[format.tarball]`
    pub tarball: Tarball,
    /// `[format.zip]`
    pub zip: Zip,
    /// `[format.oci]`
    pub oci: Oci,
}

/// `[format.deb]`: words of deb-control(5).
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Deb {
    /// `gzip[:1-12]`, `xz[:0-9]`, `zstd[:1-19]` or `none`; `gzip:6` unless set.
    pub compression: Option<Text>,
    /// `debian-12`, `ubuntu-24.04` …; unset means what suits all that are supported.
    pub distribution: Option<Text>,
    /// Section, `misc` unless set.
    pub section: Option<Text>,
    /// Priority, `optional` unless set.
    pub priority: Option<Text>,
    /// Source package name, where it differs.
    pub source: Option<Text>,
    /// Essential: yes.
    pub essential: bool,
    /// Multi-Arch: `same`, `foreign`, `allowed`.
    pub multi_arch: Option<Text>,
    /// Pre-Depends
    pub pre_depends: Texts,
    /// Depends, besides what the ELF files need.
    pub depends: Texts,
    /// Recommends
    pub recommends: Texts,
    /// Suggests
    pub suggests: Texts,
    /// Enhances
    pub enhances: Texts,
    /// Conflicts
    pub conflicts: Texts,
    /// Breaks
    pub breaks: Texts,
    /// Replaces
    pub replaces: Texts,
    /// Provides
    pub provides: Texts,
    /// Any other control fields.
    pub fields: BTreeMap<String, Text>,
    /// Sonames that fitout's table lacks, or has otherwise: `"libfoo.so.1" = "libfoo1 (>= 1.2)"`.
    pub libraries: BTreeMap<String, Text>,
    /// Do not derive Depends from ELF files.
    pub no_auto_depends: bool,
    /// Lines of the triggers file (deb-triggers(5)).
    pub triggers: Texts,
    /// Maintainer scripts.
    pub scripts: DebScripts,
    /// Lines of the lintian overrides file, each `tag: why` becomes a comment and an override.
    pub lintian_overrides: Vec<At<Override>>,
}

/// One lintian override and its reason.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Override {
    /// The tag, with its context if needed.
    pub tag: String,
    /// Why it is right here.
    pub reason: String,
}

/// `[format.deb.scripts]`: files with the scripts' text.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct DebScripts {
    /// File.
    pub preinst: Option<Text>,
    /// File.
    pub postinst: Option<Text>,
    /// File.
    pub prerm: Option<Text>,
    /// File.
    pub postrm: Option<Text>,
}

/// `[format.rpm]`: words of rpm's spec files.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Rpm {
    /// `gzip[:1-12]`, `xz[:0-9]`, `zstd[:1-19]` or `none`; `gzip:6` unless set.
    pub compression: Option<Text>,
    /// `el-8`, `el-9`, `fedora-43`, `opensuse-15` …; unset means what suits all that are supported.
    pub distribution: Option<Text>,
    /// Package format version: `v4` unless set to `v6`.
    pub format_version: Option<Text>,
    /// Group, `Unspecified` unless set.
    pub group: Option<Text>,
    /// Packager; the maintainer unless set.
    pub packager: Option<Text>,
    /// Requires, besides what the ELF files need.
    pub requires: Texts,
    /// Requires(pre)
    pub requires_pre: Texts,
    /// Requires(post)
    pub requires_post: Texts,
    /// Requires(preun)
    pub requires_preun: Texts,
    /// Requires(postun)
    pub requires_postun: Texts,
    /// Recommends
    pub recommends: Texts,
    /// Suggests
    pub suggests: Texts,
    /// Supplements
    pub supplements: Texts,
    /// Enhances
    pub enhances: Texts,
    /// Conflicts
    pub conflicts: Texts,
    /// Obsoletes
    pub obsoletes: Texts,
    /// Provides
    pub provides: Texts,
    /// `OrderWithRequires`
    pub order_with_requires: Texts,
    /// Do not derive Requires and Provides from ELF files.
    pub no_auto_requires: bool,
    /// Relocatable prefixes.
    pub prefixes: Texts,
    /// Scriptlets.
    pub scripts: RpmScripts,
    /// `%triggerin`, `%triggerun` …
    pub triggers: Vec<At<RpmTrigger>>,
}

/// `[format.rpm.scripts]`
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct RpmScripts {
    /// `%pre`
    pub pre: Option<At<Scriptlet>>,
    /// `%post`
    pub post: Option<At<Scriptlet>>,
    /// `%preun`
    pub preun: Option<At<Scriptlet>>,
    /// `%postun`
    pub postun: Option<At<Scriptlet>>,
    /// `%pretrans`
    pub pretrans: Option<At<Scriptlet>>,
    /// `%posttrans`
    pub posttrans: Option<At<Scriptlet>>,
    /// `%verifyscript`
    pub verify: Option<At<Scriptlet>>,
}

/// A scriptlet: a file with its text, and the program that runs it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Scriptlet {
    /// File.
    pub file: Text,
    /// Program and its arguments, `["/bin/sh"]` unless set.
    #[serde(default)]
    pub interpreter: Texts,
}

/// `[[format.rpm.triggers]]`
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RpmTrigger {
    /// `triggerprein`, `triggerin`, `triggerun`, `triggerpostun`, `filetriggerin`, `filetriggerun`, `filetriggerpostun`,
    /// `transfiletriggerin`, `transfiletriggerun`, `transfiletriggerpostun`.
    pub event: Text,
    /// Packages with optional versions, or path prefixes for file triggers.
    pub on: Texts,
    /// File with the text.
    pub file: Text,
    /// Program and its arguments, `["/bin/sh"]` unless set.
    #[serde(default)]
    pub interpreter: Texts,
    /// File triggers: order, higher runs earlier; 1000000 unless set.
    #[serde(default)]
    pub priority: Option<u32>,
}

/// `[format.tarball]`
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Tarball {
    /// `gzip[:1-12]`, `xz[:0-9]`, `zstd[:1-19]` or `none`; `gzip:6` unless set.
    pub compression: Option<Text>,
}

/// `[format.zip]`
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Zip {
    /// `gzip[:1-12]` (deflate) or `none`.
    pub compression: Option<Text>,
}

/// `[format.oci]`: words of the image configuration.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Oci {
    /// `gzip[:1-12]`, `zstd[:1-19]` or `none`; `gzip:6` unless set.
    pub compression: Option<Text>,
    /// `scratch`, `oci:FOLDER[:REF]`, `oci-archive:FILE[:REF]`; a registry reference comes with publishing.
    pub base: Option<Text>,
    /// Repository name that `load` gives the image, such as `docker.io/team/app`; `localhost/NAME` unless set.
    pub repository: Option<Text>,
    /// Tag; the version unless set.
    pub tag: Option<Text>,
    /// `uid[:gid]`, numeric.
    pub user: Option<Text>,
    /// Exec form.
    pub entrypoint: Option<Texts>,
    /// Exec form.
    pub cmd: Option<Texts>,
    /// Environment variables of the container; never a secret.
    pub env: BTreeMap<String, Text>,
    /// `80`, `53/udp`.
    pub ports: Texts,
    /// Directories that are volumes.
    pub volumes: Texts,
    /// Working directory.
    pub working_dir: Option<Text>,
    /// `SIGTERM` unless set.
    pub stop_signal: Option<Text>,
    /// Health check.
    pub health_check: Option<HealthCheck>,
    /// Labels of the config.
    pub labels: BTreeMap<String, Text>,
    /// Annotations of manifest and index.
    pub annotations: BTreeMap<String, Text>,
}

/// `[format.oci.health-check]`
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct HealthCheck {
    /// Exec form.
    pub command: Texts,
    /// Such as `30s`.
    #[serde(default)]
    pub interval: Option<Text>,
    /// Such as `5s`.
    #[serde(default)]
    pub timeout: Option<Text>,
    /// Such as `10s`.
    #[serde(default)]
    pub start_period: Option<Text>,
    /// Failures in a row that make it unhealthy.
    #[serde(default)]
    pub retries: Option<u32>,
}

/// `[lint]`
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Lint {
    /// Findings that are right here: code and reason.
    pub allow: Vec<At<Allow>>,
}

/// `[[lint.allow]]`
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Allow {
    /// The code, such as `elf/unknown-soname`.
    pub code: Text,
    /// Only for paths that match this glob.
    #[serde(default)]
    pub path: Option<Text>,
    /// Why.
    pub reason: Text,
}
