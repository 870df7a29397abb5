//! The environment variables that fitout reads, all of them. Nothing else from the environment reaches a build.

/// Time stamped on everything, seconds since 1970: <https://reproducible-builds.org/specs/source-date-epoch/>.
pub const SOURCE_DATE_EPOCH: &str = "SOURCE_DATE_EPOCH";
/// No colour, whatever its value: <https://no-color.org>.
pub const NO_COLOR: &str = "NO_COLOR";
/// Colour without a terminal, unless `0`.
pub const CLICOLOR_FORCE: &str = "CLICOLOR_FORCE";
/// `dumb` means no colour and no redrawing.
pub const TERM: &str = "TERM";
/// `true` on GitHub's runners: findings are also printed as annotations.
pub const GITHUB_ACTIONS: &str = "GITHUB_ACTIONS";
/// The folder that the workflow checked the repository out to.
pub const GITHUB_WORKSPACE: &str = "GITHUB_WORKSPACE";
/// A file that GitHub shows as the summary of the step.
pub const GITHUB_STEP_SUMMARY: &str = "GITHUB_STEP_SUMMARY";
/// No live line, even on a terminal.
pub const NO_PROGRESS: &str = "FITOUT_NO_PROGRESS";

/// Reads one; an empty one counts as unset.
#[allow(clippy::disallowed_methods, reason = "the one place that reads the environment")]
pub fn get(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
