//! Paths that are two names of one place: `/lib/x` and `/usr/lib/x`, where /usr is merged.
//!
//! Enters: settled drafts. Leaves: a finding for each rule that puts something below a link of the base system. dpkg
//! compares names, so a file that one package has as `/lib/x` and another as `/usr/lib/x` is lost when one of them goes
//! (Debian's DEP 17; since Debian 13 policy 10.1 asks for `/usr`, as Fedora's guidelines do); in a layer of an image the
//! directory `lib` takes the place of the base's link, and with it the whole C library.

use std::collections::BTreeMap;

use super::draft::{Body, Draft};
use super::path;
use super::plan::FormatSet;
use crate::diagnostic::{Diagnostic, Findings, codes};
use crate::resolve::Release;

/// What one rule does wrong below one link.
struct Wrong<'d> {
    first: &'d Draft,
    /// Where the first of its paths leads.
    real: String,
    paths: usize,
}

/// Checks the formats that are laid over a system: `installed`. What is unpacked into a folder of its own, or is the
/// whole system, may have a `/lib`.
pub fn check(drafts: &[Draft], release: &Release, installed: FormatSet, findings: &mut Findings) {
    let mut rules: BTreeMap<(Option<usize>, &str), Wrong<'_>> = BTreeMap::new();
    // The directories above are told with what lies in them.
    let own = drafts.iter().filter(|draft| !matches!(draft.body, Body::Directory { .. }) || draft.rule.is_some());
    for draft in own.filter(|draft| draft.formats.intersects(installed)) {
        let Some(real) = path::merged(&draft.path) else { continue };
        rules.entry((draft.rule, link(draft))).or_insert(Wrong { first: draft, real, paths: 0 }).paths += 1;
    }
    findings.extend(rules.into_values().map(|wrong| wrong.diagnostic(drafts, release, installed)));
}

/// `lib` of `/lib/x`.
fn link(draft: &Draft) -> &str {
    draft.path.split('/').nth(1).unwrap_or_default()
}

impl Wrong<'_> {
    fn diagnostic(self, drafts: &[Draft], release: &Release, installed: FormatSet) -> Diagnostic {
        let Self { first, real, paths } = self;
        let link = link(first);
        let twin = drafts
            .iter()
            .find(|other| *other.path == *real && !other.is_directory() && other.formats.intersects(installed));
        let message = match twin {
            Some(_) => format!("two rules put something at `{real}`, which is also `{}`", first.path),
            None => format!("`{}` is `{real}`: `/{link}` is a link to `usr/{link}`", first.path),
        };
        let told = Diagnostic::error(codes::FILES_MERGED_USR, message)
            .path(first.path.as_ref())
            .at_origin(&first.origin, format!("here: `{}`", first.path));
        let told = match twin {
            Some(twin) => told.at_origin(&twin.origin, format!("and here: `{real}`")),
            None => told,
        };
        let told = match paths {
            1 => told,
            2 => told.note("the same rule does so at 1 more path"),
            more => told.note(format!("the same rule does so at {} more paths", more - 1)),
        };
        let rule = first.rule.and_then(|rule| release.rules.get(rule));
        match rule {
            _ if twin.is_some() => told.help(format!("leave one of them out, and have the other at `{real}`")),
            Some(rule) if path::merged(&format!("{}/", rule.to.trim_end_matches('/'))).is_some() => {
                told.help(format!("write `to = \"/usr{}\"`", rule.to))
            }
            Some(_) => told
                .help(format!("exclude it from this rule, and take it by another one, with `to = \"/usr/{link}/\"`")),
            None => told.help(format!("put it below `/usr/{link}`")),
        }
    }
}
