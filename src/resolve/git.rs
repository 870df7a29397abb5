//! What git knows of the project: its commit and its version.
//!
//! Enters: a folder. Leaves: the commit's id and time, and a version from the nearest tag. Nothing is fetched or written.

pub mod history;

use std::path::Path;

use crate::resolve::identity::Version;

use super::version;
use crate::build::ask::{Refusal, ask};

/// The commit that is checked out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// The whole id.
    pub id: String,
    /// Committer's time, seconds since 1970.
    pub time: i64,
}

/// The commit of `dir`, if it is part of one: a copy of the project that merely lies somewhere inside another project's
/// repository has none.
///
/// # Errors
/// There is a repository and git refuses to read it, because it belongs to another user: the lines that git wrote.
pub fn commit(dir: &Path) -> Result<Option<Commit>, Vec<String>> {
    let tracked = match ask(dir, "git", &["ls-tree", "--name-only", "HEAD"]) {
        Ok(tracked) => tracked,
        Err(Refusal::Failed(lines)) if lines.iter().any(|line| line.contains("dubious ownership")) => {
            return Err(lines);
        }
        // No git, no repository, no commit yet: all of them are common and none is a fault.
        Err(_) => return Ok(None),
    };
    if tracked.is_empty() {
        return Ok(None);
    }
    let line = ask(dir, "git", &["log", "-1", "--no-show-signature", "--format=%H %ct"]).unwrap_or_default();
    let commit =
        line.trim().split_once(' ').and_then(|(id, time)| Some(Commit { id: id.to_owned(), time: time.parse().ok()? }));
    Ok(commit)
}

/// Why git gives no version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NoVersion {
    /// git is not installed, or refuses.
    Git(Refusal),
    /// The clone lacks the history that the tag would be in.
    Shallow,
    /// The tag is no version; what is wrong with it.
    Tag(String, String),
}

/// Tags that are versions: `v1.2.3` and `1.2.3`.
const TAGS: [&str; 2] = ["v[0-9]*", "[0-9]*"];

/// The version of what is checked out, and the tag that it comes from.
///
/// On a tag, clean: the tag. `N` commits after it: `TAG+N.gHASH`, which dpkg and rpm sort after the tag and before the
/// next release, also where the tag is a prerelease (`1.2.3-rc.1+5.gabc1234` is before `1.2.3-rc.2`). With changes that
/// are not committed `.dirty` is added (`1.2.3+0.gabc1234.dirty`), so that it sorts after what was committed. Without any
/// tag: `0.0.0+N.gHASH`, with `N` commits in all. `HASH` has always 7 digits: git's own choice depends on the clone.
pub(crate) fn describe(dir: &Path) -> Result<(Version, Option<String>), NoVersion> {
    let mut arguments = vec!["describe", "--tags", "--long", "--dirty", "--abbrev=40"];
    arguments.extend(TAGS.iter().flat_map(|tag| ["--match", tag]));
    let found = match ask(dir, "git", &arguments) {
        Ok(found) => found,
        Err(refusal @ Refusal::Absent(_)) => return Err(NoVersion::Git(refusal)),
        Err(_) => return untagged(dir),
    };
    let found = found.trim();
    let (found, dirty) = match found.strip_suffix("-dirty") {
        Some(clean) => (clean, true),
        None => (found, false),
    };
    let unexpected = || NoVersion::Git(Refusal::Failed(vec![format!("`git describe` answered `{found}`")]));
    let (rest, hash) = found.rsplit_once("-g").ok_or_else(unexpected)?;
    let (tag, commits) = rest.rsplit_once('-').ok_or_else(unexpected)?;
    let (tag, version) = highest(dir, tag)?;
    Ok((after(&version, commits, hash, dirty), Some(tag)))
}

/// Where a release candidate became the release, one commit has both tags: the highest counts, whether it is annotated or not.
fn highest(dir: &Path, tag: &str) -> Result<(String, Version), NoVersion> {
    // Of an annotated tag, what it is on; the name alone would be the tag itself, on which no other tag is.
    let on = format!("refs/tags/{tag}^{{}}");
    let mut arguments = vec!["tag", "--list", "--points-at", &on];
    arguments.extend(TAGS);
    let tags = ask(dir, "git", &arguments).map_err(NoVersion::Git)?;
    let best = tags
        .lines()
        .filter_map(|tag| {
            let version = version::parse(tag).ok()?;
            Some((precedence(&version)?, tag.to_owned(), version))
        })
        .max_by(|a, b| a.0.cmp(&b.0).then_with(|| a.1.cmp(&b.1)));
    if let Some((_, tag, version)) = best {
        return Ok((tag, version));
    }
    let version = version::parse(tag).map_err(|why| NoVersion::Tag(tag.to_owned(), why))?;
    Ok((tag.to_owned(), version))
}

/// What `SemVer` (section 11) compares, of any count of numbers: `1.2` is `1.2.0`, `2024.01` is `2024.1`. None where a part is no number.
fn precedence(version: &Version) -> Option<(Vec<u64>, semver::Prerelease, semver::BuildMetadata)> {
    let mut core = version.core.split('.').map(|part| part.parse().ok()).collect::<Option<Vec<u64>>>()?;
    core.truncate(core.iter().rposition(|part| *part != 0).map_or(0, |last| last + 1));
    let prerelease = semver::Prerelease::new(version.prerelease.as_deref().unwrap_or_default()).ok()?;
    let build = semver::BuildMetadata::new(version.build.as_deref().unwrap_or_default()).ok()?;
    Some((core, prerelease, build))
}

fn untagged(dir: &Path) -> Result<(Version, Option<String>), NoVersion> {
    let head = ask(dir, "git", &["rev-parse", "HEAD"]).map_err(NoVersion::Git)?;
    // A count over a cut-off history would be a wrong version that looks right.
    if ask(dir, "git", &["rev-parse", "--is-shallow-repository"]).map_err(NoVersion::Git)?.trim() == "true" {
        return Err(NoVersion::Shallow);
    }
    let commits = ask(dir, "git", &["rev-list", "--count", "HEAD"]).map_err(NoVersion::Git)?;
    let changes = ask(dir, "git", &["status", "--porcelain", "--untracked-files=no"]).map_err(NoVersion::Git)?;
    let zero = Version { text: "0.0.0".into(), core: "0.0.0".into(), prerelease: None, build: None };
    Ok((after(&zero, commits.trim(), head.trim(), !changes.is_empty()), None))
}

fn after(tag: &Version, commits: &str, hash: &str, dirty: bool) -> Version {
    if commits == "0" && !dirty {
        return tag.clone();
    }
    let hash = hash.get(..7).unwrap_or(hash);
    let dirty = if dirty { ".dirty" } else { "" };
    version::with_build(tag, &format!("{commits}.g{hash}{dirty}"))
}

#[cfg(test)]
mod tests;
