//! `fitout release`: what may be typed.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `fitout release`
#[derive(Debug, Args)]
pub struct Release {
    /// What of it.
    #[command(subcommand)]
    pub action: ReleaseAction,
}

/// What to make of two releases.
#[derive(Debug, Subcommand)]
pub enum ReleaseAction {
    /// Print the relup between two releases, made of the appups of the newer one; it belongs into its `releases/VERSION`
    Relup {
        /// Folder of the older release
        #[arg(value_hint = clap::ValueHint::DirPath)]
        old: PathBuf,
        /// Folder of the newer release
        #[arg(value_hint = clap::ValueHint::DirPath)]
        new: PathBuf,
    },
    /// Propose appups from the modules that are different
    Appup {
        /// Folder of the older release
        #[arg(value_hint = clap::ValueHint::DirPath)]
        old: PathBuf,
        /// Folder of the newer release
        #[arg(value_hint = clap::ValueHint::DirPath)]
        new: PathBuf,
        /// Write them beside the `.app` files of the newer release; what is there stays
        #[arg(long)]
        write: bool,
    },
}
