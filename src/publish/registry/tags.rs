//! Which tags a version takes.
//!
//! Enters: what the config says, and a version. Leaves: tags, and whether each may move. `latest` and what has only a part of the version in
//! it are of releases alone. A tag that moves never goes back to an older version.

use std::cmp::Ordering;

use crate::formats::deb::order;
use crate::formats::oci::is_tag;
use crate::resolve::identity::Version;

/// What is in `tags` unless it is set.
pub(super) const DEFAULT: &[&str] = &["{version}", "{major}.{minor}", "latest"];

/// A tag of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    /// As the registry has it.
    pub(super) tag: String,
    /// Whether it goes from version to version; one that does not is never taken from an image that has it.
    pub(super) moves: bool,
}

/// Why a text cannot be a tag, whatever the version is; none if it can.
pub(super) fn refusal(template: &str) -> Option<String> {
    let holes = ["{name}", "{version}", "{major}", "{minor}", "{patch}"];
    let filled = holes.iter().fold(template.to_owned(), |text, hole| text.replace(hole, "1"));
    if filled.contains(['{', '}']) {
        return Some("it has a hole that nothing fills".to_owned());
    }
    (!is_tag(&filled)).then(|| "a registry takes no such tag".to_owned())
}

/// The tags of a version; those that need a part which it does not have are left out.
pub(super) fn of(templates: &[String], name: &str, version: &str) -> Vec<Wanted> {
    let parts = Version::of(version);
    let mut numbers = parts.core.split('.');
    let mut number = || numbers.next().filter(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    let (major, minor, patch) = (number(), number(), number());
    let mut found: Vec<Wanted> = Vec::new();
    for template in templates {
        let whole = template.contains("{version}");
        let partial = ["{major}", "{minor}", "{patch}"].iter().any(|hole| template.contains(hole));
        let of_releases = !whole && (partial || template == "latest");
        if of_releases && parts.prerelease.is_some() {
            continue;
        }
        let holes = [
            ("{name}", Some(name)),
            ("{version}", Some(version)),
            ("{major}", major),
            ("{minor}", minor),
            ("{patch}", patch),
        ];
        let filled = holes.iter().try_fold(template.clone(), |text, (hole, value)| {
            if text.contains(hole) { value.map(|value| text.replace(hole, value)) } else { Some(text) }
        });
        let Some(tag) = filled.map(|tag| tag.replace('+', "-")).filter(|tag| is_tag(tag)) else { continue };
        if found.iter().all(|other| other.tag != tag) {
            found.push(Wanted { tag, moves: !whole });
        }
    }
    found
}

/// Whether a version comes before another.
pub(super) fn is_older(version: &str, than: &str) -> bool {
    let spelled = |text: &str| Version::of(text).with_tilde();
    order::compare(&spelled(version), &spelled(than)) == Ordering::Less
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_take_moving_tags_and_prereleases_do_not() {
        let default: Vec<String> = DEFAULT.iter().map(|text| (*text).to_owned()).collect();
        let tags = |templates: &[String], version: &str| -> Vec<String> {
            of(templates, "app", version).into_iter().map(|wanted| wanted.tag).collect()
        };
        assert_eq!(tags(&default, "1.4.0"), ["1.4.0", "1.4", "latest"]);
        assert_eq!(tags(&default, "1.4.0-rc.1"), ["1.4.0-rc.1"]);
        assert_eq!(tags(&default, "1.4.0+b5"), ["1.4.0-b5", "1.4", "latest"]);
        assert_eq!(tags(&default, "2024"), ["2024", "latest"]);
        // A channel is for whatever is published to it.
        let own = ["canary".to_owned(), "{name}-{version}".to_owned(), "v{major}".to_owned()];
        assert_eq!(tags(&own, "2.0.0-rc1"), ["canary", "app-2.0.0-rc1"]);
        assert_eq!(tags(&own, "2.0.0"), ["canary", "app-2.0.0", "v2"]);
        assert_eq!(of(&own, "app", "2.0.0").iter().map(|w| w.moves).collect::<Vec<_>>(), [true, false, true]);
    }

    #[test]
    fn an_older_version_is_one_that_comes_before() {
        assert!(is_older("1.3.9", "1.4.0") && is_older("1.4.0-rc.1", "1.4.0") && is_older("1.9", "1.10"));
        assert!(!is_older("1.4.0", "1.4.0") && !is_older("1.4.0+b5", "1.4.0"));
    }

    #[test]
    fn what_cannot_be_a_tag_is_known_before_there_is_a_version() {
        assert_eq!(refusal("v{major}.{minor}"), None);
        for bad in ["", "{verison}", "a b", "-{version}", "a/b", "a+b"] {
            assert!(refusal(bad).is_some(), "{bad}");
        }
    }
}
