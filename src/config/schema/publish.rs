//! `[publish]`: where artifacts go.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{At, FilesName, FormatName, PublishHttp, Text, Texts, Worth};

/// `[publish]`: repositories and stores that `fitout publish` fills.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[schemars(title = "[publish]")]
pub struct Publish {
    /// apt repositories, for .deb.
    pub apt: Vec<At<PublishApt>>,
    /// Image registries, for .oci.tar.
    pub registry: Vec<At<PublishRegistry>>,
    /// yum repositories, for .rpm: dnf and zypper read them, too.
    pub yum: Vec<At<PublishYum>>,
    /// Folders of stores, for downloads.
    pub files: Vec<At<PublishFiles>>,
    /// Servers that take files by HTTP: Artifactory, Nexus, forges and others.
    pub http: Vec<At<PublishHttp>>,
    /// Programs that take files wherever they go, such as rsync.
    pub command: Vec<At<PublishCommand>>,
}

/// `[[publish.registry]]`: a repository of an image registry.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(title = "[[publish.registry]]")]
pub struct PublishRegistry {
    /// Host and path, such as `ghcr.io/team/app`.
    pub image: Text,
    /// Tags; `{version}`, `{major}.{minor}` and `latest` unless set. A prerelease takes no `latest`, `{major}` or `{major}.{minor}`; in
    /// an environment only `{version}` is the default.
    #[serde(default)]
    pub tags: Option<Texts>,
    /// It speaks plain HTTP.
    #[serde(default)]
    pub insecure: bool,
    /// File with certificates in PEM that are trusted, too.
    #[serde(default)]
    pub ca: Option<Text>,
    /// Paths in the same registry whose blobs are taken over instead of sent, such as `team/base`.
    #[serde(default)]
    pub mount_from: Texts,
    /// Formats that are put beside the image, as artifacts that refer to it: `deb`, `rpm`, `tarball`, `zip`.
    #[serde(default)]
    pub artifacts: Texts,
    /// MiB of a chunk, where something between here and there stops larger requests; a blob goes in one unless set.
    #[serde(default)]
    pub chunk: Option<At<u32>>,
}

/// `[[publish.yum]]`: a yum repository.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(title = "[[publish.yum]]")]
pub struct PublishYum {
    /// Where it lies: `file:PATH`, `s3://BUCKET/PREFIX`, `gs://BUCKET/PREFIX` or `az://CONTAINER/PREFIX`.
    pub to: Text,
    /// Where hosts reach it, such as `https://packages.example.org/yum`: with it a page, set-up files and keys are published, too.
    #[serde(default)]
    pub url: Option<Text>,
    /// What it is called; vendor or name of the package unless set.
    #[serde(default)]
    pub title: Option<Text>,
    /// What it is, in a line.
    #[serde(default)]
    pub description: Option<Text>,
    /// The channel that it is, for `fitout promote`; `stable` unless set. Each channel lies in a place of its own.
    #[serde(default)]
    pub channel: Option<Text>,
    /// How many versions of a package stay in its lists; all unless set.
    #[serde(default)]
    pub keep: Option<At<u32>>,
    /// How its lists are packed; `gzip` unless set, which everybody reads.
    #[serde(default)]
    pub compression: ListCompression,
}

/// How lists of a yum repository are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(title = "compression")]
pub enum ListCompression {
    /// Everybody reads it.
    #[default]
    Gzip,
    /// Smaller; EL 8 and later read it.
    Zstd,
}

/// `[[publish.files]]`: artifacts as files, with `SHA256SUMS` beside them.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(title = "[[publish.files]]")]
pub struct PublishFiles {
    /// Where they lie: an address as of `[[publish.apt]]`; `{name}`, `{version}` and `{environment}` are filled in.
    pub to: Text,
    /// Formats that go there, and `record`, what is in the release; all if unset.
    #[serde(default)]
    #[schemars(with = "Option<Vec<FilesName>>")]
    pub formats: Option<Texts>,
}

/// `[[publish.command]]`: a program of yours, run without a shell in the folder of the config.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(title = "[[publish.command]]")]
pub struct PublishCommand {
    /// The program and its arguments, with holes: `["rsync", "-a", "{path}", "host:/srv/{name}/"]`.
    pub run: Texts,
    /// What it is run for: each artifact, unless set; `{path}` is the artifact, `{folder}` a folder with nothing but all of them.
    #[serde(default)]
    pub each: CommandEach,
    /// Formats that it is for; all if unset.
    #[serde(default)]
    #[schemars(with = "Option<Vec<FormatName>>")]
    pub formats: Option<Texts>,
    /// Tells by its exit code whether there is something to do: 0 means that it is there already. Run before `run`, and by `--dry-run`.
    #[serde(default)]
    pub check: Option<Texts>,
    /// Variables that it sees besides `PATH` and `HOME`; a value may be a secret: `{ env = "NAME" }`.
    #[serde(default)]
    pub env: BTreeMap<String, At<Worth>>,
    /// Variables of yours that it sees, too, such as `SSH_AUTH_SOCK`.
    #[serde(default)]
    pub pass_env: Texts,
    /// How long it may take; `10min` unless set.
    #[serde(default)]
    pub within: Option<Text>,
}

/// What a program is run for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(title = "each")]
pub enum CommandEach {
    /// Each artifact.
    #[default]
    Artifact,
    /// All of them at once.
    Folder,
}

/// `[[publish.apt]]`: a suite of an apt repository.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(title = "[[publish.apt]]")]
pub struct PublishApt {
    /// Where it lies: `file:PATH`, `s3://BUCKET/PREFIX`, `gs://BUCKET/PREFIX` or `az://CONTAINER/PREFIX`.
    pub to: Text,
    /// Where hosts reach it, such as `https://packages.example.org/apt`: with it a page, set-up files and keys are published, too.
    #[serde(default)]
    pub url: Option<Text>,
    /// The suite, such as `stable`, which is what it is unless set.
    #[serde(default)]
    pub suite: Option<Text>,
    /// Code name of the suite; what the repository says unless set, else the suite's name.
    #[serde(default)]
    pub codename: Option<Text>,
    /// The component; `main` unless set.
    #[serde(default)]
    pub component: Option<Text>,
    /// Architectures that the suite has besides those of its packages, in Debian's words.
    #[serde(default)]
    pub architectures: Texts,
    /// Whose repository it is, for pinning; what the repository says unless set, else vendor or name of the package.
    #[serde(default)]
    pub origin: Option<Text>,
    /// What it is called; what the repository says unless set, else the origin.
    #[serde(default)]
    pub label: Option<Text>,
    /// What it is, in a line.
    #[serde(default)]
    pub description: Option<Text>,
    /// How long its lists are valid, such as `30d`; for ever unless set. Then it has to be published again in time.
    #[serde(default)]
    pub valid_for: Option<Text>,
    /// How many versions of a package stay in its lists; all unless set.
    #[serde(default)]
    pub keep: Option<At<u32>>,
    /// Also make the lists as .xz.
    #[serde(default)]
    pub xz: bool,
    /// `false` keeps apt from upgrading to it by itself (`NotAutomatic`).
    #[serde(default)]
    pub automatic: Option<bool>,
}
