//! `fitout keys`: what may be typed.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// `fitout keys`
#[derive(Debug, Args)]
pub struct Keys {
    /// What of them.
    #[command(subcommand)]
    pub action: KeysAction,
}

/// What to do with keys.
#[derive(Debug, Subcommand)]
pub enum KeysAction {
    /// Make a key, and write it to a file that only its owner may read
    New {
        /// The file; one that is there is never written over
        #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
        out: PathBuf,
        /// Whose it is: `Name <mail>`; the maintainer of the config unless set
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
        /// How it signs; EL 7 reads RSA only
        #[arg(long, value_enum, default_value = "ed25519")]
        algorithm: KeyAlgorithm,
        /// What is asked of it.
        #[command(flatten)]
        made: NewKey,
    },
    /// Show the keys of `[sign]`, or of files: fingerprint, end, what package managers will say of them
    Show {
        /// Files with keys, public or secret
        #[arg(value_hint = clap::ValueHint::FilePath)]
        files: Vec<PathBuf>,
        /// Print the public keys only, as keyrings hold them
        #[arg(long)]
        public: bool,
        /// With the overlay `[environment.NAME]` of the config
        #[arg(long, value_name = "NAME", env = "FITOUT_ENVIRONMENT", conflicts_with = "files")]
        environment: Option<String>,
    },
    /// Make the successor of a key, and say in which steps it takes over
    Rotate {
        /// The file of the key, or of its public half
        #[arg(value_hint = clap::ValueHint::FilePath)]
        file: PathBuf,
        /// The file of the successor; one that is there is never written over
        #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
        out: PathBuf,
        /// Whose it is; as before unless set
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
        /// How it signs; as before unless set
        #[arg(long, value_enum)]
        algorithm: Option<KeyAlgorithm>,
        /// What is asked of it.
        #[command(flatten)]
        made: NewKey,
    },
}

/// What a new key is, besides whose
#[derive(Debug, Clone, Args)]
pub struct NewKey {
    /// When it ends, such as 2y, 18m, 90d, or never
    #[arg(long, value_name = "TIME", default_value = "2y", value_parser = life)]
    pub expires: Life,
    /// Environment variable that holds the passphrase which locks it; without one it is not locked
    #[arg(long, value_name = "NAME", conflicts_with = "passphrase_file")]
    pub passphrase_env: Option<String>,
    /// File that holds the passphrase
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub passphrase_file: Option<PathBuf>,
}

/// How a new key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum KeyAlgorithm {
    /// Short and fast: Debian 9, EL 8 and everything newer.
    Ed25519,
    /// As strong as is asked for today, and read by EL 7.
    Rsa3072,
    /// Stronger and slower, and read by EL 7.
    Rsa4096,
}

/// Seconds that a key lives; none for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Life(pub Option<u32>);

/// `2y`, `18m`, `4w`, `90d`, `never`; a year has 365 days, a month 30.
fn life(text: &str) -> Result<Life, String> {
    if text == "never" {
        return Ok(Life(None));
    }
    let days = [('y', 365), ('m', 30), ('w', 7), ('d', 1)].into_iter().find_map(|(unit, days)| {
        let number: u32 = text.strip_suffix(unit)?.parse().ok()?;
        number.checked_mul(days)
    });
    let seconds = days.filter(|days| *days > 0).and_then(|days| days.checked_mul(86_400));
    seconds.map(|seconds| Life(Some(seconds))).ok_or_else(|| "write it as 2y, 18m, 90d or never".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_life_is_a_number_and_a_unit() {
        assert_eq!(life("never"), Ok(Life(None)));
        assert_eq!(life("2y"), Ok(Life(Some(730 * 86_400))));
        assert_eq!(life("18m"), Ok(Life(Some(540 * 86_400))));
        assert_eq!(life("4w"), Ok(Life(Some(28 * 86_400))));
        assert_eq!(life("90d"), Ok(Life(Some(90 * 86_400))));
        for wrong in ["", "2", "y", "0d", "-1y", "1h", "2 y", "1.5y", "200y", "99999999999y"] {
            assert!(life(wrong).is_err(), "{wrong}");
        }
    }
}
