//! Names of an image: repository, tag, platform, file.
//!
//! Enters: the Plan. Leaves: the words of the OCI distribution and image specifications, or why there are none. A tag is
//! the version with `+` as `-`, because a tag has no `+`; anything else that a tag cannot say is refused, never mangled.

use crate::assemble::plan::{Arch, Plan};
use crate::diagnostic::{Diagnostic, Findings, codes};
use crate::formats::tarball;
use crate::store::registry::Repository;

/// Longest tag (distribution-spec: `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`).
const LONGEST_TAG: usize = 128;

/// Architecture and variant as the image specification has them, which are Go's.
pub(super) fn platform(arch: Arch) -> (&'static str, Option<&'static str>) {
    match arch.go().split_once('/') {
        Some((arch, variant)) => (arch, Some(variant)),
        None => (arch.go(), None),
    }
}

/// The tag, as typed or made of the version.
pub(super) fn tag(plan: &Plan) -> Result<String, Diagnostic> {
    let version = &plan.identity.version;
    let (tag, origin, from) = match &plan.image.tag {
        Some(tag) => (tag.value.clone(), &tag.origin, ""),
        None => (version.text.replace('+', "-"), &version.origin, ", made of the version,"),
    };
    if is_tag(&tag) {
        return Ok(tag);
    }
    let message = format!("`{}`{from} cannot be an image's tag", tag.escape_debug());
    Err(Diagnostic::error(codes::OCI_TAG, message)
        .at_origin(origin, "")
        .help("a tag has up to 128 letters, digits, `_`, `.` and `-`, and begins with none of the last two")
        .help("set another one: `tag` in `[format.oci]`"))
}

/// Whether a registry takes it for a tag.
pub(crate) fn is_tag(text: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.starts_with(word) && text.len() <= LONGEST_TAG && text.chars().all(|c| word(c) || ".-".contains(c))
}

/// The repository, checked.
pub(super) fn repository(plan: &Plan) -> Result<&str, Diagnostic> {
    let repository = &plan.image.repository;
    if is_repository(repository) {
        return Ok(repository);
    }
    let finding = Diagnostic::error(
        codes::OCI_REPOSITORY,
        format!("`{}` cannot be an image's repository", repository.escape_debug()),
    )
    .at_origin(&repository.origin, "");
    let lower = repository.to_lowercase();
    Err(if is_repository(&lower) {
        finding.help(format!("only small letters are allowed: `{lower}`"))
    } else {
        finding.help("write it like `localhost/app` or `registry.example.org:5000/team/app`, without a tag")
    })
}

fn is_repository(text: &str) -> bool {
    Repository::parse(text).is_some()
}

/// `N-V-OS-A.oci.tar`, with the same rules as the other archives have; `arch` is the target's or `multi`.
pub(super) fn file(plan: &Plan, arch: &str) -> Result<String, Findings> {
    let folder = tarball::naming::folder(plan)?;
    let own = tarball::naming::arch(&plan.target);
    Ok(format!("{}{arch}.oci.tar", folder.strip_suffix(&own).unwrap_or(&folder)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assemble::sample::{fact, plan_of};

    #[test]
    fn a_version_becomes_a_tag_or_is_refused() {
        let of = |version: &str| {
            let mut plan = plan_of(Vec::new());
            plan.identity.version.value.text = version.into();
            tag(&plan).ok()
        };
        assert_eq!(of("1.4.0-rc.1+b5").as_deref(), Some("1.4.0-rc.1-b5"));
        assert_eq!(of("2024.01").as_deref(), Some("2024.01"));
        for bad in ["", ".1", "-1", "1:2", "1~rc1", "1 2", "ä", &"1".repeat(129)] {
            assert_eq!(of(bad), None, "{bad}");
        }
        let mut plan = plan_of(Vec::new());
        plan.image.tag = Some(fact("a+b".into()));
        assert_eq!(tag(&plan).unwrap_err().code, codes::OCI_TAG);
    }

    #[test]
    fn repositories_follow_the_grammar_of_references() {
        for good in
            ["localhost/hello", "hello", "docker.io/team/app", "r.example:5000/a/b-c/d__e.f", "a--b", "team/app"]
        {
            assert!(is_repository(good), "{good}");
        }
        for bad in
            ["", "/a", "a/", "a//b", "Team/app", "a:1", "a@b", "r.example:x/a", "a_-b", "a___b", "a..b", "-a", "a-"]
        {
            assert!(!is_repository(bad), "{bad}");
        }
        let mut plan = plan_of(Vec::new());
        plan.image.repository.value = "localhost/Hello".into();
        assert_eq!(repository(&plan).unwrap_err().helps, ["only small letters are allowed: `localhost/hello`"]);
    }
}
