//! `fitout publish`, `promote` and `repo`: what may be typed.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `fitout publish`
#[derive(Debug, Args)]
pub struct Publish {
    /// With the overlay `[environment.NAME]` of the config, and what was built for it
    #[arg(long, value_name = "NAME", env = "FITOUT_ENVIRONMENT")]
    pub environment: Option<String>,
    /// Folder of the artifacts, relative to the config file
    #[arg(long, value_name = "DIR", default_value = crate::resolve::DIST, env = "FITOUT_OUT", value_hint = clap::ValueHint::DirPath)]
    pub out: PathBuf,
    /// Show every object that would be put, signed if the keys are at hand; send nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Put a package in place of one that has the same name and version and other bytes; go on from a repository that others have signed, or
    /// that had another name
    #[arg(long)]
    pub replace: bool,
}

/// `fitout promote`
#[derive(Debug, Args)]
pub struct Promote {
    /// Name of the package
    pub name: String,
    /// Its version, as the config has it or as `repo list` shows it; the newest of the channel unless set
    pub version: Option<String>,
    /// The channel that it is in, such as canary: a suite of apt
    #[arg(long, value_name = "CHANNEL")]
    pub from: String,
    /// The channel that it goes to, such as stable
    #[arg(long, value_name = "CHANNEL")]
    pub to: String,
    /// Say what would be promoted; put nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Put it in place of one that has the same name and version and other bytes
    #[arg(long)]
    pub replace: bool,
}

/// `fitout repo`
#[derive(Debug, Args)]
pub struct Repo {
    /// What to do.
    #[command(subcommand)]
    pub action: RepoAction,
}

/// Which repository
#[derive(Debug, Args)]
pub struct Where {
    /// A folder, or an address such as `s3://bucket/apt`, or `https://…` to read it; all of the config unless set
    #[arg(value_name = "PLACE")]
    pub place: Option<String>,
    /// Suites of apt to look at; all unless set
    #[arg(long = "suite", value_name = "SUITE", value_delimiter = ',')]
    pub suites: Vec<String>,
}

/// What to do with repositories.
#[derive(Debug, Subcommand)]
pub enum RepoAction {
    /// Name every package
    List {
        /// Which repository.
        #[command(flatten)]
        place: Where,
    },
    /// Check every signature, digest and reference; exit 1 where one is wrong
    Verify {
        /// Which repository.
        #[command(flatten)]
        place: Where,
        /// Public keys to judge signatures by; those of the config unless set
        #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
        key: Option<PathBuf>,
    },
    /// Remove packages that no list names and lists that no reader has any more
    Prune {
        /// A folder, or an address such as `s3://bucket/apt`; all of the config unless set
        #[arg(value_name = "PLACE")]
        place: Option<String>,
        /// Name them only
        #[arg(long)]
        dry_run: bool,
        /// Days for which they stay: readers may have the lists from before
        #[arg(long, value_name = "DAYS", default_value_t = crate::publish::prune::GRACE)]
        older_than: u32,
    },
    /// Put back what others damaged in the repositories of the config, as far as the rest knows it
    Repair {
        /// Say what would be put back
        #[arg(long)]
        dry_run: bool,
    },
    /// Serve a folder to this machine, for trying it out; ends with `^C`
    Serve {
        /// The folder
        #[arg(value_hint = clap::ValueHint::DirPath)]
        folder: PathBuf,
        /// The port; any that is free for 0
        #[arg(long, default_value_t = 8080)]
        port: u16,
    },
    /// Take a version out of the lists of all repositories of the config; its file stays until it is pruned
    Retract {
        /// Name of the package
        name: String,
        /// Its version, as the config has it or as `repo list` shows it; without a revision every one of it
        version: String,
        /// Say what would be taken out
        #[arg(long)]
        dry_run: bool,
    },
}
