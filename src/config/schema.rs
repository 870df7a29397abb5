//! What may stand in `fitout.toml`: one struct a table, one field a key.
//!
//! The JSON schema (`fitout generate schema`), the check for unknown keys and the reader all come from these types, so a
//! key is declared here and nowhere else. Values that can be wrong later carry their span ([`At`]).

use std::collections::BTreeMap;
use std::ops::{Deref, Range};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

mod build;
mod http;
mod node;
mod publish;
mod release;
mod service;
mod sign;

pub use super::json_schema::json_schema;
pub use build::*;
pub use http::*;
pub use node::*;
pub use publish::*;
pub use release::*;
pub use service::*;
pub use sign::*;

use crate::diagnostic::{Code, codes};

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
    // The same id makes it the same definition: a place is not part of the grammar.
    fn schema_id() -> std::borrow::Cow<'static, str> {
        T::schema_id()
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

/// What is packaged, where its files go, and what each format adds.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[schemars(title = "fitout.toml")]
pub struct Manifest {
    /// What the package is.
    pub package: Package,
    /// Where the application comes from and what is made of it.
    pub build: Build,
    /// An OTP release that fitout assembles itself, in place of what `mix release` or relx make.
    pub release: Option<At<Assembly>>,
    /// What the host starts and stops.
    pub service: Vec<At<Service>>,
    /// System accounts that the package makes.
    pub account: Vec<At<Account>>,
    /// What goes where; a later rule for the same path needs `replace = true`.
    pub files: Vec<At<Files>>,
    /// One table a format, for what only that format has.
    pub format: Formats,
    /// Where artifacts go.
    pub publish: Publish,
    /// Overlays: `[environment.staging]` may hold any table of this file but itself.
    #[schemars(with = "BTreeMap<String, serde_json::Map<String, serde_json::Value>>")]
    pub environment: BTreeMap<String, toml::Table>,
    /// Which findings of `fitout lint` are silenced, with a reason each.
    pub lint: Lint,
    /// Which keys sign what is published.
    pub sign: Sign,
}

/// Sections of the grammar that this version refuses with `config/not-yet`.
pub const NOT_YET: &[(&str, &str)] = &[("report", "the size report")];

/// Keys that are asked for and will not come: what is said in their place is the page of the code.
pub const NEVER: &[(&str, Code)] = &[("libc", codes::FILES_BUNDLE_LIBC)];

/// `[package]`: who and what the package is, the same in every format.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[schemars(title = "[package]")]
pub struct Package {
    /// Package name in every format; the preset may know it.
    pub name: Option<Text>,
    /// Version: a literal, or `{ from = "git" | "mix.exs" | "Cargo.toml" | "release" | "file:PATH" | "command:…" }`.
    pub version: Option<At<VersionSource>>,
    /// Epoch of deb and rpm: raises the order above every version without one.
    pub epoch: Option<At<u32>>,
    /// Revision of the packaging: Debian revision, rpm Release (1 if unset there).
    pub release: Option<Text>,
    /// What it is, in one line without a full stop.
    pub summary: Option<Text>,
    /// What it is, at length: paragraphs; an empty line separates them.
    pub description: Option<Text>,
    /// Who answers for the package: `Name <mail>`.
    pub maintainer: Option<Text>,
    /// Licence as an SPDX expression, such as `Apache-2.0 OR MIT`.
    pub license: Option<Text>,
    /// File with the licence's text, shipped as documentation.
    pub license_file: Option<Text>,
    /// Copyright line, such as `2026 Example Ltd`; the maintainer's if unset.
    pub copyright: Option<Text>,
    /// URL of the project.
    pub homepage: Option<Text>,
    /// URL of the source's repository: `VCS` of an rpm, `source` of an image.
    pub repository: Option<Text>,
    /// Who distributes it.
    pub vendor: Option<Text>,
    /// Change log: a Debian changelog or Keep-a-Changelog Markdown.
    pub changelog: Option<Text>,
    /// Where code goes: `/usr/lib/NAME` unless set, such as `/opt/NAME`.
    pub prefix: Option<Text>,
    /// Libraries (sonames) to copy from the build host into the package, in a directory of its own.
    pub bundle: Texts,
    /// Shell scripts that run at moments of the package's life, on deb, rpm and archives alike.
    pub scripts: Scripts,
    /// Config files that this version renames or drops.
    pub moved: Vec<At<Moved>>,
    /// Names that this package had: `old-name`, all that is older than this version, or `old-name < 3.0`. It takes their
    /// place on deb and rpm.
    pub replaces: Texts,
    /// Folder with templates that take the place of fitout's own: `fitout templates eject` puts them there.
    pub templates: Option<Text>,
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
            { "type": "string", "description": "The version itself." },
            { "type": "object", "additionalProperties": false, "required": ["from"],
              "properties": { "from": { "type": "string", "description":
                "`git`, `mix.exs`, `Cargo.toml`, `release`, `file:PATH`, `file:PATH#KEY`, `command:…`." } } },
        ] })
    }
}

/// `[[files]]`: exactly one of `from`, `link`, `text`, `directory`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[schemars(title = "[[files]]")]
#[expect(clippy::struct_excessive_bools, reason = "each is a key that users switch on by itself")]
pub struct Files {
    /// A file, a folder (its whole tree) or a glob, relative to the config file. Holes are filled: `bin/{arch}/hello`.
    pub from: Option<Text>,
    /// Absolute path on the host. With a tree or glob: the folder that it goes under. A trailing `/` puts a single file
    /// into that folder under its own name. Holes are filled.
    pub to: Option<Text>,
    /// Makes `to` a symbolic link to this target, kept as written.
    pub link: Option<Text>,
    /// Makes `to` a file with this content.
    pub text: Option<Text>,
    /// Makes `to` an empty directory that the package owns.
    pub directory: bool,
    /// Globs, relative to `from`, of what is left out; always left out are the config file,
    /// `.git`, `dist`, other folders of artifacts and folders that were published to, and files with secrets that the config names.
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
    #[schemars(with = "Option<Mode>")]
    pub mode: Option<Text>,
    /// Octal with a leading zero, for directories of a tree.
    #[schemars(with = "Option<Mode>")]
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
#[schemars(title = "role")]
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
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let name = generator.subschema_for::<FormatName>();
        json_schema!({ "anyOf": [name, { "type": "array", "items": name }] })
    }
}

/// `[format]`: one table for each format, in that format's own words.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[schemars(title = "[format]")]
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
#[schemars(title = "[format.deb]")]
pub struct Deb {
    /// `gzip[:1-12]`, `xz[:0-9]`, `zstd[:1-19]` or `none`; `gzip:6` unless set.
    pub compression: Option<Text>,
    /// `debian-12`, `ubuntu-24.04` …; unset means what suits all that are supported.
    pub distribution: Option<Text>,
    /// Section of the archive; `misc` unless set.
    pub section: Option<Text>,
    /// Priority; `optional` unless set.
    pub priority: Option<Text>,
    /// Source package name, where it differs.
    pub source: Option<Text>,
    /// Essential: the system does not work without it. Never set this for an application.
    pub essential: bool,
    /// Multi-Arch: `same`, `foreign`, `allowed`.
    pub multi_arch: Option<Text>,
    /// Pre-Depends: what must be configured before this package is unpacked.
    pub pre_depends: Texts,
    /// Depends, besides what the ELF files need.
    pub depends: Texts,
    /// Recommends: installed along unless the administrator says no.
    pub recommends: Texts,
    /// Suggests: worth a look.
    pub suggests: Texts,
    /// Enhances: the reverse of Suggests.
    pub enhances: Texts,
    /// Conflicts: what cannot be unpacked at the same time.
    pub conflicts: Texts,
    /// Breaks: what stops working, usually older versions of another package.
    pub breaks: Texts,
    /// Replaces: whose files this package may take over.
    pub replaces: Texts,
    /// Provides: virtual packages.
    pub provides: Texts,
    /// Any other control fields, by name.
    pub fields: BTreeMap<String, Text>,
    /// Sonames that fitout's table lacks, or has otherwise: `"libfoo.so.1" = "libfoo1 (>= 1.2)"`.
    pub libraries: BTreeMap<String, Text>,
    /// Do not derive Depends from ELF files.
    pub no_auto_depends: bool,
    /// Lines of the triggers file (deb-triggers(5)).
    pub triggers: Texts,
    /// Files that become the maintainer scripts.
    pub scripts: DebScripts,
    /// Lintian tags that are right here; each becomes a comment and an override.
    pub lintian_overrides: Vec<At<Override>>,
}

/// A lintian tag that is right in this package, and why.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(title = "[[format.deb.lintian-overrides]]")]
pub struct Override {
    /// The tag, with its context if needed.
    pub tag: String,
    /// Why it is right here.
    pub reason: String,
}

/// `[format.deb.scripts]`: files whose text becomes part of the maintainer scripts (deb-preinst(5) and its kin).
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[schemars(title = "[format.deb.scripts]")]
pub struct DebScripts {
    /// File with the text that runs before unpacking.
    pub preinst: Option<Text>,
    /// File with the text that runs after configuring.
    pub postinst: Option<Text>,
    /// File with the text that runs before removal.
    pub prerm: Option<Text>,
    /// File with the text that runs after removal and at purge.
    pub postrm: Option<Text>,
}

/// `[format.rpm]`: words of rpm's spec files.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[schemars(title = "[format.rpm]")]
pub struct Rpm {
    /// `gzip[:1-12]`, `xz[:0-9]`, `zstd[:1-19]` or `none`; `gzip:6` unless set.
    pub compression: Option<Text>,
    /// `el-8`, `el-9`, `fedora-43`, `opensuse-15` …; unset means what suits all that are supported.
    pub distribution: Option<Text>,
    /// Package format version: `v4` unless set to `v6`.
    pub format_version: Option<Text>,
    /// Group, `Applications/System` unless set.
    pub group: Option<Text>,
    /// Packager; the maintainer unless set.
    pub packager: Option<Text>,
    /// Requires, besides what the ELF files need.
    pub requires: Texts,
    /// Requires(pre): what `%pre` needs.
    pub requires_pre: Texts,
    /// Requires(post): what `%post` needs.
    pub requires_post: Texts,
    /// Requires(preun): what `%preun` needs.
    pub requires_preun: Texts,
    /// Requires(postun): what `%postun` needs.
    pub requires_postun: Texts,
    /// Recommends: installed along unless the administrator says no.
    pub recommends: Texts,
    /// Suggests: worth a look.
    pub suggests: Texts,
    /// Supplements: the reverse of Recommends.
    pub supplements: Texts,
    /// Enhances: the reverse of Suggests.
    pub enhances: Texts,
    /// Conflicts: what cannot be installed at the same time.
    pub conflicts: Texts,
    /// Obsoletes: what this package takes the place of.
    pub obsoletes: Texts,
    /// Provides: what else it can be required as.
    pub provides: Texts,
    /// `OrderWithRequires`: installed after these, if both are in one transaction.
    pub order_with_requires: Texts,
    /// Do not derive Requires and Provides from ELF files.
    pub no_auto_requires: bool,
    /// Prefixes that may be moved at installation (`rpm --prefix`).
    pub prefixes: Texts,
    /// Files that become the scriptlets.
    pub scripts: RpmScripts,
    /// `%triggerin`, `%triggerun` and their kin.
    pub triggers: Vec<At<RpmTrigger>>,
}

/// `[format.rpm.scripts]`: files whose text becomes part of the scriptlets.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[schemars(title = "[format.rpm.scripts]")]
pub struct RpmScripts {
    /// `%pre`: runs before installation.
    pub pre: Option<At<Scriptlet>>,
    /// `%post`: runs after installation.
    pub post: Option<At<Scriptlet>>,
    /// `%preun`: runs before removal.
    pub preun: Option<At<Scriptlet>>,
    /// `%postun`: runs after removal.
    pub postun: Option<At<Scriptlet>>,
    /// `%pretrans`: runs before the transaction.
    pub pretrans: Option<At<Scriptlet>>,
    /// `%posttrans`: runs after the transaction.
    pub posttrans: Option<At<Scriptlet>>,
    /// `%verifyscript`: runs when the package is verified.
    pub verify: Option<At<Scriptlet>>,
}

/// A scriptlet: a file with its text, and the program that runs it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(title = "scriptlet")]
pub struct Scriptlet {
    /// File with the text.
    pub file: Text,
    /// Program and its arguments, `["/bin/sh"]` unless set.
    #[serde(default)]
    pub interpreter: Texts,
}

/// `[[format.rpm.triggers]]`: a script that runs when another package, or a file, comes or goes.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(title = "[[format.rpm.triggers]]")]
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

/// `[format.tarball]`: the archive with one folder inside.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[schemars(title = "[format.tarball]")]
pub struct Tarball {
    /// `gzip[:1-12]`, `xz[:0-9]`, `zstd[:1-19]` or `none`; `gzip:6` unless set.
    pub compression: Option<Text>,
}

/// `[format.zip]`: the archive with one folder inside.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[schemars(title = "[format.zip]")]
pub struct Zip {
    /// `deflate[:1-12]`, also by its other name `gzip[:1-12]`, or `none`.
    pub compression: Option<Text>,
}

/// `[format.oci]`: words of the image configuration.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[schemars(title = "[format.oci]")]
pub struct Oci {
    /// `gzip[:1-12]`, `zstd[:1-19]` or `none`; `gzip:6` unless set.
    pub compression: Option<Text>,
    /// `scratch`, an image such as `debian:bookworm-slim`, `oci:FOLDER[:REF]`, `oci-archive:FILE[:REF]`; `scratch` unless set.
    pub base: Option<Text>,
    /// Where images of registries are asked for first, such as `mirror.example.org/hub`: their paths stand behind it.
    pub mirrors: Texts,
    /// Repository name that `load` gives the image, such as `docker.io/team/app`; `localhost/NAME` unless set.
    pub repository: Option<Text>,
    /// Tag; the version unless set.
    pub tag: Option<Text>,
    /// Who the program runs as: `uid[:gid]`, numeric.
    pub user: Option<Text>,
    /// Program and its first arguments, as a list (exec form).
    pub entrypoint: Option<Texts>,
    /// Arguments that `run` may replace, as a list (exec form).
    pub cmd: Option<Texts>,
    /// Environment variables of the container; never a secret.
    pub env: BTreeMap<String, Text>,
    /// Ports that it listens on, such as `80` or `53/udp`.
    pub ports: Texts,
    /// Directories that outlive the container.
    pub volumes: Texts,
    /// Folder that the program starts in.
    pub working_dir: Option<Text>,
    /// Signal that asks it to stop; `SIGTERM` unless set.
    pub stop_signal: Option<Text>,
    /// How an engine finds out whether it is well.
    pub health_check: Option<At<HealthCheck>>,
    /// Labels of the image configuration.
    pub labels: BTreeMap<String, Text>,
    /// Annotations of manifest and index.
    pub annotations: BTreeMap<String, Text>,
}

/// `[format.oci.health-check]`: how an engine finds out whether the container is well.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(title = "[format.oci.health-check]")]
pub struct HealthCheck {
    /// Program and arguments; status 0 means well.
    pub command: Texts,
    /// Time between two checks, such as `30s`.
    #[serde(default)]
    pub interval: Option<Text>,
    /// Time for one check, such as `5s`.
    #[serde(default)]
    pub timeout: Option<Text>,
    /// Time after the start in which failures do not count, such as `10s`.
    #[serde(default)]
    pub start_period: Option<Text>,
    /// Failures in a row that make it unhealthy.
    #[serde(default)]
    pub retries: Option<u32>,
}

/// `[lint]`: what `fitout lint` should not report.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[schemars(title = "[lint]")]
pub struct Lint {
    /// Findings that are right here: code and reason.
    pub allow: Vec<At<Allow>>,
}

/// `[[lint.allow]]`: one kind of finding that is right here, and why.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(title = "[[lint.allow]]")]
pub struct Allow {
    /// The code, such as `elf/unknown-soname`.
    #[schemars(with = "FindingCode")]
    pub code: Text,
    /// Only for paths that match this glob.
    #[serde(default)]
    pub path: Option<Text>,
    /// Why it is right here.
    pub reason: Text,
}

/// Name of a format: a string whose choices come from the [`super::grammar::Vocabulary`].
#[derive(Debug, Clone, Copy)]
pub struct FormatName;

impl JsonSchema for FormatName {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "FormatName".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "title": "format", "type": "string" })
    }
}

/// Name of a format, or `record`.
#[derive(Debug, Clone, Copy)]
pub struct FilesName;

impl JsonSchema for FilesName {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "FilesName".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "title": "format", "type": "string" })
    }
}

/// Code of a finding: a string whose choices are [`codes::ALL`].
#[derive(Debug, Clone, Copy)]
pub struct FindingCode;

impl JsonSchema for FindingCode {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "FindingCode".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names: Vec<&str> = codes::ALL.iter().map(|code| code.name).collect();
        json_schema!({ "title": "code", "type": "string", "enum": names })
    }
}

/// Mode of a file: a string that [`super::rules::parse_mode`] reads.
#[derive(Debug, Clone, Copy)]
pub struct Mode;

impl JsonSchema for Mode {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Mode".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "title": "mode", "type": "string", "pattern": "^0[0-7]{3,4}$" })
    }
}
