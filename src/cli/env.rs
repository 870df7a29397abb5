//! The environment variables that fitout reads, all of them; and the environment as a whole, for the build step, which
//! sees a part of it ([`crate::build::environment`]). Nothing else from the environment reaches a build.

use std::path::PathBuf;

use crate::build::environment::Variables;

/// Time stamped on everything, seconds since 1970: <https://reproducible-builds.org/specs/source-date-epoch/>.
pub const SOURCE_DATE_EPOCH: &str = "SOURCE_DATE_EPOCH";
/// No colour, whatever its value: <https://no-color.org>.
pub const NO_COLOR: &str = "NO_COLOR";
/// Colour without a terminal, unless `0`.
pub const CLICOLOR_FORCE: &str = "CLICOLOR_FORCE";
/// `dumb` means no colour and no redrawing.
pub const TERM: &str = "TERM";
/// Set by every runner of continuous integration.
pub const CI: &str = "CI";
/// `true` on GitHub's runners: findings are also printed as annotations.
pub const GITHUB_ACTIONS: &str = "GITHUB_ACTIONS";
/// The folder that the workflow checked the repository out to.
pub const GITHUB_WORKSPACE: &str = "GITHUB_WORKSPACE";
/// A file that GitHub shows as the summary of the step.
pub const GITHUB_STEP_SUMMARY: &str = "GITHUB_STEP_SUMMARY";
/// No live line, even on a terminal.
pub const NO_PROGRESS: &str = "FITOUT_NO_PROGRESS";

/// The folder of caches.
pub const CACHE_DIR: &str = "FITOUT_CACHE_DIR";

/// The command line, for which a variable that is set and empty counts as unset: so a CI system gives an input that nobody
/// filled in.
#[allow(clippy::disallowed_methods, reason = "the one place that reads the environment")]
pub fn without_empty(command: clap::Command) -> clap::Command {
    let is_empty = |arg: &clap::Arg| arg.get_env().and_then(std::env::var_os).is_some_and(|value| value.is_empty());
    let command = command.mut_args(|arg| if is_empty(&arg) { arg.env(None::<&'static str>) } else { arg });
    command.mut_subcommands(without_empty)
}

/// All of them, for the build step, which sees those of a list.
#[allow(clippy::disallowed_methods, reason = "the one place that reads the environment")]
pub fn all() -> Variables {
    std::env::vars_os().collect()
}

/// The user's cache folder, as the XDG base directory specification says; none where there is no home.
pub fn user_cache() -> Option<PathBuf> {
    let absolute = |name| get(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache"))).map(|cache| cache.join("fitout"))
}

/// Reads one; an empty one counts as unset.
#[allow(clippy::disallowed_methods, reason = "the one place that reads the environment")]
pub fn get(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
