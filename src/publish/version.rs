//! Which entries of lists and images are of a version that somebody typed.
//!
//! Enters: a version in the words of the config, of a package or of an image: `1.2.0-rc.1`, `1.2.0~rc.1`, `1.2.0~rc.1-1`. Leaves: whether
//! something is of it. Sources: SemVer 2.0, deb-version(7), rpm-version(7).

use crate::resolve::identity::Version;

/// How the lists spell what was typed. What is there decides whether a hyphen begins a revision or a prerelease.
pub(super) fn spelled<'v>(typed: &str, mut listed: impl Iterator<Item = &'v str>) -> String {
    let with_tilde = Version::of(typed).with_tilde();
    let is_listed_as_typed = with_tilde == typed || listed.any(|version| is_package_of(version, typed));
    if is_listed_as_typed { typed.to_owned() } else { with_tilde }
}

/// Whether a package, by its `[epoch:]version[-revision]`, is of a version as [`spelled`]. One without an epoch or a revision means each.
pub(super) fn is_package_of(package: &str, version: &str) -> bool {
    let whole = [package, without_epoch(package)];
    whole.into_iter().any(|whole| whole == version || without_revision(whole) == version)
}

/// Whether an image, by the version of the config that it is of, is of a version as [`spelled`].
pub(super) fn is_image_of(image: &str, version: &str) -> bool {
    let image = Version::of(image).with_tilde();
    let plain = without_epoch(version);
    image == Version::of(plain).with_tilde() || image == without_revision(plain)
}

/// A version without what stands before a colon.
pub(super) fn without_epoch(version: &str) -> &str {
    version.split_once(':').map_or(version, |(_, rest)| rest)
}

fn without_revision(version: &str) -> &str {
    version.rsplit_once('-').map_or(version, |(version, _)| version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_version_is_known_in_the_words_of_all_lists() {
        let lists = ["1.2.0~rc.1", "1.2.0~rc.1-1", "2:1.2.0~rc.1-1.el9"];
        for typed in ["1.2.0-rc.1", "1.2.0~rc.1"] {
            let spelled = spelled(typed, lists.into_iter());
            assert!(lists.iter().all(|package| is_package_of(package, &spelled)), "{typed}");
            assert!(is_image_of("1.2.0-rc.1", &spelled), "{typed}");
            assert!(!is_package_of("1.2.0", &spelled) && !is_package_of("1.2.0-1", &spelled), "{typed}");
            assert!(!is_image_of("1.2.0", &spelled) && !is_image_of("1.2.0-rc.10", &spelled), "{typed}");
            // Where there are images only.
            let spelled = super::spelled(typed, std::iter::empty());
            assert!(is_image_of("1.2.0-rc.1", &spelled) && !is_image_of("1.2.0", &spelled), "{typed}");
        }
    }

    #[test]
    fn a_revision_is_that_one_alone() {
        let lists = ["1.2.0-1", "1.2.0-2", "1.2.0"];
        let of = |typed: &str| -> Vec<&str> {
            let spelled = spelled(typed, lists.into_iter());
            lists.into_iter().filter(|package| is_package_of(package, &spelled)).collect()
        };
        assert_eq!(of("1.2.0-2"), ["1.2.0-2"]);
        assert_eq!(of("1.2.0"), lists);
        assert_eq!(of("1.2"), [""; 0]);
        assert!(is_image_of("1.2.0", "1.2.0-2") && is_image_of("1.2.0", "1:1.2.0"));
        // A prerelease of digits alone looks like a revision.
        assert_eq!(spelled("1.2.0-1", ["1.2.0~1", "1.2.0~1-1"].into_iter()), "1.2.0~1");
    }
}
