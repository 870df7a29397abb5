//! What came into the project since the release before, and files as a commit has them.
//!
//! Enters: a folder and a commit. Leaves: a tag and commits, or the text of a file. Nothing of it depends on what is checked out now.

use std::path::Path;

use super::{TAGS, ask, highest};

/// Commits that are told; a release with more has a change log.
pub const MOST: usize = 1000;
/// Characters of a subject or a name that are told.
const LONGEST: usize = 500;

/// Commits between two releases.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    /// The tag of the release before.
    pub previous: Option<String>,
    /// Commits since then, the newest first.
    pub commits: Vec<Change>,
    /// Whether there are more, or may be: the clone lacks the history.
    pub more: bool,
}

/// One commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The whole id.
    pub id: String,
    /// Committer's time, seconds since 1970.
    pub time: i64,
    /// The author's name, without an address.
    pub author: String,
    /// The first line of the message.
    pub subject: String,
}

/// Whether it is the whole id of a commit, and so no option of git's.
fn is_id(revision: &str) -> bool {
    matches!(revision.len(), 40 | 64) && revision.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// What came with `revision` since the release before. That is the nearest tag that is a version, but those of `revision` itself; behind a
/// release, as opposed to a prerelease, no prerelease counts.
pub fn history(dir: &Path, revision: &str, prerelease: bool) -> History {
    let unknown = History { more: true, ..History::default() };
    if !is_id(revision) || ask(dir, "git", &["cat-file", "-e", &format!("{revision}^{{commit}}")]).is_err() {
        return unknown;
    }
    let previous = previous(dir, revision, prerelease);
    let is_cut = || {
        let shallow = ask(dir, "git", &["rev-parse", "--is-shallow-repository"]);
        shallow.map_or(true, |answer| answer.trim() == "true")
    };
    if previous.is_none() && is_cut() {
        return unknown;
    }
    let range = previous.as_ref().map_or_else(|| revision.to_owned(), |tag| format!("refs/tags/{tag}..{revision}"));
    let most = format!("--max-count={}", MOST + 1);
    let format = "--format=%H%x00%ct%x00%an%x00%s";
    let arguments = ["log", "--no-show-signature", "--no-color", "--encoding=UTF-8", &most, format, &range, "--"];
    let Ok(text) = ask(dir, "git", &arguments) else { return History { previous, ..unknown } };
    let mut commits: Vec<Change> = text.split('\n').filter_map(change).collect();
    let more = commits.len() > MOST;
    commits.truncate(MOST);
    History { previous, commits, more }
}

fn previous(dir: &Path, revision: &str, prerelease: bool) -> Option<String> {
    let own = ask(dir, "git", &["tag", "--list", "--points-at", revision]).ok()?;
    let mut arguments = vec!["describe", "--tags", "--abbrev=0"];
    arguments.extend(TAGS.iter().flat_map(|tag| ["--match", tag]));
    arguments.extend(own.lines().flat_map(|tag| ["--exclude", tag]));
    arguments.extend((!prerelease).then_some(["--exclude", "*-*"]).into_iter().flatten());
    arguments.push(revision);
    let found = ask(dir, "git", &arguments).ok()?;
    let tag = found.trim();
    Some(highest(dir, tag).map_or_else(|_| tag.to_owned(), |(tag, _)| tag))
}

fn change(line: &str) -> Option<Change> {
    let mut parts = line.splitn(4, '\0');
    let (id, time, author, subject) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    // Some have their address for a name.
    let author = author.split('@').next().unwrap_or_default();
    let short = |text: &str| text.chars().filter(|c| !c.is_control()).take(LONGEST).collect::<String>();
    Some(Change { id: id.to_owned(), time: time.parse().ok()?, author: short(author), subject: short(subject) })
}

/// The text of a file beside the config as `revision` has it; none if it has none, or a larger one than `largest` bytes.
pub fn file(dir: &Path, revision: &str, name: &str, largest: u64) -> Option<String> {
    if !is_id(revision) {
        return None;
    }
    let object = format!("{revision}:./{name}");
    let size: u64 = ask(dir, "git", &["cat-file", "-s", &object]).ok()?.trim().parse().ok()?;
    if size > largest { None } else { ask(dir, "git", &["cat-file", "blob", &object]).ok() }
}
