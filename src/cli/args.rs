//! What may be typed: one struct a verb.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

mod keys;
mod publish;
mod release;

pub use keys::*;
pub use publish::{Promote, Publish, Repo, RepoAction, Where};
pub use release::{Release, ReleaseAction};

/// Behind the options of `fitout --help`.
const AFTER: &str = "\
Begin with `fitout init`, look with `fitout plan`, then `fitout build`. `fitout explain CODE` tells more of a finding.

Exit codes:
  0  done
  1  the answer is no: findings of lint, a difference
  2  the config, the command line or a file is not as it must be
  3  could not: disk, permissions, a program that failed
  4  publishing stopped half-way; run it again

With `--json` standard output holds one document whose `schema` names what it is, such as fitout/plan/1. \
Sizes are bytes, times seconds since 1970, modes texts such as \"0644\", digests SHA-256 in hex. A verb that stops \
prints fitout/findings/1: every finding with code, severity, message, labels, path, helps and notes.";

/// Makes deb, rpm, tarball, zip and OCI image from one config file in one run
#[derive(Debug, Parser)]
#[command(name = "fitout", version, max_term_width = 100, propagate_version = true, after_help = AFTER)]
pub struct Cli {
    /// Flags of every verb.
    #[command(flatten)]
    pub common: Common,
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// Flags of every verb
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Common options")]
pub struct Common {
    /// Run as if started in this folder
    #[arg(short = 'C', global = true, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub directory: Option<PathBuf>,
    /// The config file, relative to the folder
    #[arg(long, global = true, value_name = "FILE", default_value = "fitout.toml", env = "FITOUT_CONFIG",
          value_hint = clap::ValueHint::FilePath)]
    pub config: PathBuf,
    /// Print one JSON document on standard output instead of text
    #[arg(long, global = true)]
    pub json: bool,
    /// When to use colour
    #[arg(long, global = true, value_enum, default_value = "auto", value_name = "WHEN")]
    pub color: Color,
    /// Also show notes, and what decides the run: config, formats, threads, clock
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    pub verbose: bool,
    /// Say nothing but findings and results
    #[arg(short, long, global = true)]
    pub quiet: bool,
}

/// How a cache that machines share is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SharedCache {
    /// Read and write.
    Write,
    /// Only read: for pull requests of strangers.
    Read,
    /// Not at all.
    Off,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What narrows a plan
#[derive(Debug, Clone, Default, Args)]
pub struct Narrow {
    /// Only these formats.
    #[arg(long, help = only_formats(), value_name = "FORMAT,…", value_delimiter = ',')]
    pub format: Vec<String>,
    /// Only these targets, separated by commas, such as linux/arm64
    #[arg(long, value_name = "OS/ARCH,…", value_delimiter = ',')]
    pub target: Vec<String>,
    /// With the overlay `[environment.NAME]` of the config; `build` takes several, separated by commas
    #[arg(long, value_name = "NAME", env = "FITOUT_ENVIRONMENT")]
    pub environment: Option<String>,
    /// Package this folder, which is built already, in place of `[build] input`; nothing is built or tested
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub input: Option<PathBuf>,
    /// Folder for the artifacts, relative to the config file: dist unless set. Nothing in it is packed
    #[arg(long, value_name = "DIR", env = "FITOUT_OUT", value_hint = clap::ValueHint::DirPath)]
    pub out: Option<PathBuf>,
}

fn only_formats() -> String {
    format!("Only these formats, separated by commas: {}", crate::run::format_names().join(", "))
}

/// The verbs; each answers one question.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Write a fitout.toml that fits this folder; where there is one, show what would be different
    Init(Init),
    /// Show what would be in the packages: every entry with owner, mode and reason; writes nothing
    Plan(Plan),
    /// Make the packages
    Build(Build),
    /// Show what is in an artifact, made by fitout or not, and which distributions have what it needs
    Inspect(Inspect),
    /// Compare two artifacts, also across formats; exit 1 where they differ
    Diff(Diff),
    /// Look for mistakes in the config, the plan and artifacts; exit 1 where there are errors
    Lint(Lint),
    /// Make one of several output folders, each built for some of the targets
    Merge(Merge),
    /// Send what was built to the repositories and stores of the config
    Publish(Publish),
    /// Put a published version into another channel: the same bytes, not built again
    Promote(Promote),
    /// Look at published repositories, judge them, clean them up
    Repo(Repo),
    /// Say why a path is as it is, or what the code of a finding means
    Explain(Explain),
    /// Make, show or replace the keys that sign what is published
    Keys(Keys),
    /// Make what takes a node from one OTP release to another while it runs
    Release(Release),
    /// Show the templates that scripts of the packages are made with
    Templates(Templates),
    /// Show what earlier builds left for the next, verify it, or remove it
    Cache(Cache),
    /// Print the JSON schema of the config, shell completions or man pages
    Generate(Generate),
}

/// `fitout init`
#[derive(Debug, Args)]
pub struct Init {
    /// Write the workflow of a CI system, too: a runner for each target, one that publishes what they built
    #[arg(long, value_enum, value_name = "SYSTEM")]
    pub ci: Option<CiSystem>,
}

/// A CI system
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub enum CiSystem {
    /// GitHub Actions: .github/workflows/release.yml
    Github,
    /// GitLab CI/CD: .gitlab-ci.yml
    Gitlab,
}

/// `fitout plan`
#[derive(Debug, Args)]
pub struct Plan {
    /// What narrows it.
    #[command(flatten)]
    pub narrow: Narrow,
    /// Show what is different from the packages of this environment, or of none for `none`
    #[arg(long, value_name = "NAME")]
    pub against: Option<String>,
    /// With `--against`: the changed lines of scripts, too
    #[arg(long, requires = "against")]
    pub scripts: bool,
}

/// `fitout build`
#[derive(Debug, Args)]
pub struct Build {
    /// What narrows it.
    #[command(flatten)]
    pub narrow: Narrow,
    /// Threads; all processors unless set. The bytes of the artifacts do not depend on it
    #[arg(long, value_name = "N", env = "FITOUT_JOBS", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub jobs: Option<u16>,
    /// Folder for what a build leaves for the next: log, stamp, caches; `fitout` in the user's cache folder unless set
    #[arg(long, value_name = "DIR", env = "FITOUT_CACHE_DIR", hide_env_values = true, value_hint = clap::ValueHint::DirPath)]
    pub cache_dir: Option<PathBuf>,
    /// Bytes that the caches there may have together, such as 500M or 20G; what was used longest ago goes first
    #[arg(long, value_name = "SIZE", env = "FITOUT_CACHE_SIZE", hide_env_values = true, default_value = CACHE_SIZE, value_parser = bytes)]
    pub cache_size: u64,
    /// What of `[build.cache] shared` is used
    #[arg(
        long,
        value_enum,
        value_name = "USE",
        env = "FITOUT_SHARED_CACHE",
        hide_env_values = true,
        default_value = "write"
    )]
    pub shared_cache: SharedCache,
    /// Decompress all that is compressed and compare it with what it was made of; on where `CI` is set
    #[arg(long)]
    pub verify: bool,
    /// Do without that in CI, too
    #[arg(long, conflicts_with = "verify")]
    pub no_verify: bool,
    /// Look base images up anew, and write what is found to fitout.lock
    #[arg(long)]
    pub update: bool,
    /// Use nothing that earlier builds left, and leave nothing but the log
    #[arg(long)]
    pub no_cache: bool,
}

/// Bytes of the caches unless set.
const CACHE_SIZE: &str = "5G";

/// `fitout cache`
#[derive(Debug, Args)]
pub struct Cache {
    /// What of it.
    #[command(subcommand)]
    pub action: CacheAction,
    /// The folder; `fitout` in the user's cache folder unless set
    #[arg(long, global = true, value_name = "DIR", env = "FITOUT_CACHE_DIR", hide_env_values = true, value_hint = clap::ValueHint::DirPath)]
    pub cache_dir: Option<PathBuf>,
}

/// What to do with the cache.
#[derive(Debug, Subcommand)]
pub enum CacheAction {
    /// How much there is of what
    Show,
    /// Read all of it and name the files that are not what was put there; exit 1 where there are some
    Verify,
    /// Remove what is damaged, and what was used longest ago
    Prune {
        /// Bytes that may be left, such as 500M or 20G
        #[arg(long, value_name = "SIZE", env = "FITOUT_CACHE_SIZE", hide_env_values = true, default_value = CACHE_SIZE, value_parser = bytes)]
        cache_size: u64,
        /// Remove all of it
        #[arg(long)]
        all: bool,
    },
}

/// `500M`: a whole number and a unit, which is a power of 1024.
fn bytes(text: &str) -> Result<u64, String> {
    let (number, shift) = match text.as_bytes().last() {
        Some(b'K' | b'k') => (&text[..text.len() - 1], 10),
        Some(b'M' | b'm') => (&text[..text.len() - 1], 20),
        Some(b'G' | b'g') => (&text[..text.len() - 1], 30),
        _ => (text, 0),
    };
    let number: Option<u64> = number.parse().ok();
    number.and_then(|number| number.checked_mul(1 << shift)).ok_or_else(|| "write it as 500M or 20G".to_owned())
}

/// `fitout inspect`
#[derive(Debug, Args)]
pub struct Inspect {
    /// The artifact; or what is not packed yet: a folder such as a release, a program
    #[arg(value_hint = clap::ValueHint::AnyPath)]
    pub file: PathBuf,
    /// Every entry, as ls -l would show it
    #[arg(long)]
    pub tree: bool,
    /// The text of every script
    #[arg(long)]
    pub scripts: bool,
    /// Every field of its metadata
    #[arg(long)]
    pub fields: bool,
}

/// `fitout diff`
#[derive(Debug, Args)]
pub struct Diff {
    /// The older artifact
    #[arg(value_hint = clap::ValueHint::FilePath)]
    pub old: PathBuf,
    /// The newer artifact
    #[arg(value_hint = clap::ValueHint::FilePath)]
    pub new: PathBuf,
    /// The changed lines of scripts, too
    #[arg(long)]
    pub scripts: bool,
}

/// `fitout lint`
#[derive(Debug, Args)]
pub struct Lint {
    /// Artifacts to look at; without any, the config and its plan
    #[arg(value_hint = clap::ValueHint::FilePath)]
    pub files: Vec<PathBuf>,
    /// What narrows the plan.
    #[command(flatten)]
    pub narrow: Narrow,
    /// Also fail on warnings
    #[arg(long, value_name = "WHAT", value_parser = ["warnings"])]
    pub deny: Option<String>,
}

/// `fitout explain`
#[derive(Debug, Args)]
pub struct Explain {
    /// A path on the host such as /etc/hello/env, or a code such as config/unknown-key
    pub what: String,
    /// What narrows the plan.
    #[command(flatten)]
    pub narrow: Narrow,
}

/// `fitout templates`
#[derive(Debug, Args)]
pub struct Templates {
    /// What of them.
    #[command(subcommand)]
    pub action: TemplatesAction,
}

/// What to do with templates.
#[derive(Debug, Subcommand)]
pub enum TemplatesAction {
    /// Name every template
    List,
    /// Print the text of one
    Show {
        /// Its name
        name: String,
    },
    /// Write one into the folder of the project's own templates, where it takes the place of fitout's
    Eject {
        /// Its name
        name: String,
        /// The folder; that of `[package] templates` unless set
        #[arg(long, value_name = "DIR")]
        to: Option<std::path::PathBuf>,
    },
    /// Show how the project's own templates differ from fitout's
    Diff {
        /// Only this one
        name: Option<String>,
    },
}

/// `fitout merge`
#[derive(Debug, Args)]
pub struct Merge {
    /// Output folders of `fitout build`, in the order of the targets
    #[arg(required = true, value_name = "DIST", value_hint = clap::ValueHint::DirPath)]
    pub dists: Vec<PathBuf>,
    /// Where to; that of an environment goes into its folder there
    #[arg(long, value_name = "DIR", default_value = crate::resolve::DIST, value_hint = clap::ValueHint::DirPath)]
    pub into: PathBuf,
}

/// `fitout generate`
#[derive(Debug, Args)]
pub struct Generate {
    /// What.
    #[command(subcommand)]
    pub what: GenerateWhat,
}

/// What to generate.
#[derive(Debug, Subcommand)]
pub enum GenerateWhat {
    /// The JSON schema of fitout.toml
    Schema,
    /// The requests of a product, as a table `[[publish.http]]` to begin with; without a name, the products
    Preset {
        /// Which, such as nexus-apt
        #[arg(value_parser = clap::builder::PossibleValuesParser::new(crate::publish::PRESETS.iter().map(|(name, _)| *name)))]
        name: Option<String>,
    },
    /// Completions for a shell
    Completions {
        /// Which
        shell: clap_complete::Shell,
    },
    /// Man pages: one for each verb into a folder; without a folder, that of fitout itself on standard output
    Man {
        /// Where to; made if it is not there
        #[arg(value_hint = clap::ValueHint::DirPath)]
        folder: Option<PathBuf>,
    },
}
