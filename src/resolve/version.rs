//! Text -> [`Version`].
//!
//! Enters: a version as typed or found. Leaves: its parts by the rules of `SemVer`, tolerant of what teams really write
//! (`2024.01`, `1.2`, `5.0.0-rc1`). Where it is found is in the modules below; how deb, rpm and OCI spell it is in each
//! format's `naming`.

use crate::resolve::identity::Version;

mod cargo;
mod dotenv;
mod mix;
mod source;

pub(crate) use mix::{app as mix_app, description as mix_description};
pub(crate) use source::{Found, find};

/// Longest version: RPM, dpkg and file systems all take more, and no person can read it.
const LONGEST: usize = 128;

/// Takes a version apart; a leading `v` before a digit is dropped. The error says what is wrong, without the version.
///
/// # Errors
/// Empty or overlong text, an empty part (`1.0-`, `+b5`), or a character that no format carries.
pub fn parse(text: &str) -> Result<Version, String> {
    let text = match text.strip_prefix(['v', 'V']) {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_digit()) => rest,
        _ => text,
    };
    if text.is_empty() {
        return Err("it is empty".into());
    }
    if text.len() > LONGEST {
        return Err(format!("it has more than {LONGEST} characters"));
    }
    for c in text.chars() {
        match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '+' | '-' | '~' | '_' | '^' => {}
            ':' => return Err("`:` separates an epoch: write `epoch = …` under `[package]`".into()),
            ' ' | '\t' => return Err("it has a blank".into()),
            c => return Err(format!("`{}` may not stand in a version", c.escape_debug())),
        }
    }
    if !text.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return Err("it must begin with a digit or a letter".into());
    }
    let version = Version::of(text);
    if version.build.as_deref() == Some("") {
        return Err("nothing follows the `+`".into());
    }
    if version.prerelease.as_deref() == Some("") {
        return Err("nothing follows the `-`".into());
    }
    Ok(version)
}

/// The same version with one more part of build metadata: `1.2.3` -> `1.2.3+staging`, `1.2.3+b5` -> `1.2.3+b5.staging`.
/// It sorts after the version without it and before the next one, for dpkg and for rpm.
#[must_use]
pub fn with_build(version: &Version, part: &str) -> Version {
    let build = match &version.build {
        Some(build) => format!("{build}.{part}"),
        None => part.to_owned(),
    };
    let text = match &version.prerelease {
        Some(prerelease) => format!("{}-{prerelease}+{build}", version.core),
        None => format!("{}+{build}", version.core),
    };
    Version { text, core: version.core.clone(), prerelease: version.prerelease.clone(), build: Some(build) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> (String, String, String, String) {
        let v = parse(text).unwrap();
        (v.text, v.core, v.prerelease.unwrap_or_default(), v.build.unwrap_or_default())
    }

    fn own(parts: [&str; 4]) -> (String, String, String, String) {
        let [a, b, c, d] = parts.map(str::to_owned);
        (a, b, c, d)
    }

    #[test]
    fn versions_are_taken_apart() {
        assert_eq!(parts("1.2.3-rc.1+b5"), own(["1.2.3-rc.1+b5", "1.2.3", "rc.1", "b5"]));
        assert_eq!(parts("v1.2.3"), own(["1.2.3", "1.2.3", "", ""]));
        assert_eq!(parts("1.0+a-b"), own(["1.0+a-b", "1.0", "", "a-b"]));
        assert_eq!(parts("2024.01"), own(["2024.01", "2024.01", "", ""]));
        assert_eq!(parts("1.0.0-a-b"), own(["1.0.0-a-b", "1.0.0", "a-b", ""]));
        assert_eq!(parts("vista"), own(["vista", "vista", "", ""]));
    }

    #[test]
    fn what_is_no_version_is_refused() {
        for bad in
            ["", "v", "1 2", "1.0-", "1.0+", "-rc1", "+b5", "1/2", "1:2", "1.0\n", "1.0é", ".1", "~1", "{version}"]
        {
            let result = parse(bad);
            assert!(result.is_err() || bad == "v", "{bad:?} was taken");
        }
        assert!(parse(&"1".repeat(129)).is_err());
    }

    #[test]
    fn build_parts_are_appended() {
        assert_eq!(with_build(&parse("1.2.3").unwrap(), "staging").text, "1.2.3+staging");
        assert_eq!(with_build(&parse("1.2.3-rc.1+b5").unwrap(), "staging").text, "1.2.3-rc.1+b5.staging");
        let marked = with_build(&parse("1.2-x").unwrap(), "s");
        assert_eq!(parse(&marked.text).unwrap(), marked);
    }
}
