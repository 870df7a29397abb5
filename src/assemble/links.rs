//! Where symbolic links lead, seen from the host on which the package will be installed.
//!
//! Enters: settled drafts, sorted by path, and what is missing among them. Leaves: findings. Links are kept as they are written; nothing is looked up on
//! the builder, whose own files say nothing about the host.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use super::draft::{Body, Draft};
use super::gaps::Gaps;
use super::path;
use super::plan::FormatSet;
use crate::diagnostic::{Diagnostic, Findings, codes};

/// Checks every link of the package; `project` is the folder where it is built. What a link points at may be among the
/// `gaps`.
pub fn check(drafts: &[Draft], project: &Path, gaps: &Gaps, findings: &mut Findings) {
    let mut told: BTreeSet<Arc<str>> = BTreeSet::new();
    for draft in drafts {
        let Body::Symlink { target, tree } = &draft.body else { continue };
        let message = |text: &str| format!("the symbolic link `{}` -> `{target}` {text}", draft.path);
        let finding = match (follow(drafts, draft, target), tree.as_deref()) {
            (Way::Present, _) | (Way::Missing { owned: false, .. } | Way::AboveRoot, None) => continue,
            (Way::Loop(through), _) => {
                // One finding for a loop, not one for each link of it.
                let first = through.iter().all(|path| !told.contains(path));
                told.extend(through);
                if !first {
                    continue;
                }
                Diagnostic::error(codes::FILES_LINK_LOOP, message("leads back to itself"))
                    .help("point one of the links of the loop to a file")
            }
            (Way::Missing { at, .. }, None) if gaps.hold(&at) => continue,
            (Way::Missing { owned: true, at }, None) => {
                let text = format!("points into this package, which has no `{at}`");
                Diagnostic::warning(codes::FILES_DANGLING_LINK, message(&text))
                    .help("correct the target, if nothing makes it on the host")
            }
            (way, Some((root, folder))) => match taken(draft, target, &way, root, [folder, project], gaps) {
                Some(finding) => finding,
                None => continue,
            },
        };
        findings.push(finding.path(draft.path.as_ref()).at_origin(&draft.origin, "put there by this rule"));
    }
}

/// What to say of a link of a taken tree that leads to nothing in the package.
fn taken(draft: &Draft, target: &str, way: &Way, root: &str, builder: [&Path; 2], gaps: &Gaps) -> Option<Diagnostic> {
    let escapes = |text: &str| {
        let message = format!("the symbolic link `{}` -> `{target}` {text}", draft.path);
        Some(Diagnostic::error(codes::FILES_ESCAPING_LINK, message))
    };
    let by_rule = "to point at what another package brings, exclude it and write a rule with `link`";
    if target.starts_with('/') && builder.iter().any(|folder| Path::new(target).starts_with(folder)) {
        return escapes("points into the folder where the package is built")
            .map(|e| e.help("make the link relative, so that it holds on the host too"));
    }
    let Way::Missing { owned, at } = way else {
        return escapes("climbs above the root").map(|e| e.help("make the link anew"));
    };
    if gaps.hold(at) {
        return None;
    }
    let lexical = path::point(&draft.path, target).unwrap_or_default();
    if target.starts_with('/') && !owned {
        return if path::is_system(&lexical) {
            None
        } else {
            escapes("points to a place that is neither in the package nor in a base system").map(|e| e.help(by_rule))
        };
    }
    if !target.starts_with('/') && !path::within(&lexical, root) {
        return escapes("leads out of the tree that the rule takes, to nothing in the package")
            .map(|e| e.help("take what it points at too").help(by_rule));
    }
    let message =
        format!("the symbolic link `{}` -> `{target}` points at nothing: the package has no `{at}`", draft.path);
    Some(
        Diagnostic::error(codes::FILES_DANGLING_LINK, message)
            .help("take what it points at too, or exclude it")
            .help(by_rule),
    )
}

/// Where following a link ends.
enum Way {
    /// At something in the package.
    Present,
    /// At a path that the package does not have.
    Missing {
        /// The first part that is not there.
        at: String,
        /// It would lie in a directory that is this package's own.
        owned: bool,
    },
    /// Nowhere: through these links, again and again.
    Loop(BTreeSet<Arc<str>>),
    /// Above the root.
    AboveRoot,
}

fn follow(drafts: &[Draft], link: &Draft, target: &str) -> Way {
    let mut through = BTreeSet::from([Arc::clone(&link.path)]);
    let mut at: String = path::parent(&link.path).unwrap_or_default().to_owned();
    let mut rest: Vec<String> = Vec::new();
    let push = |rest: &mut Vec<String>, target: &str| rest.extend(target.rsplit('/').map(ToOwned::to_owned));
    if target.starts_with('/') {
        at.clear();
    }
    push(&mut rest, target);
    let mut hops = 0;
    while let Some(part) = rest.pop() {
        match part.as_str() {
            "" | "." => continue,
            ".." => {
                let Some(up) = at.rfind('/') else { return Way::AboveRoot };
                at.truncate(up);
                continue;
            }
            _ => {}
        }
        let here = format!("{at}/{part}");
        match find(drafts, &here, link.formats) {
            None => {
                let owned = find(drafts, &at, link.formats);
                let owned = owned.is_some_and(|above| matches!(above.body, Body::Directory { shared: false }));
                return Way::Missing { at: here, owned };
            }
            Some(Draft { body: Body::Symlink { target, .. }, path, .. }) => {
                hops += 1;
                if hops > path::MOST_HOPS {
                    return Way::Loop(through);
                }
                through.insert(Arc::clone(path));
                if target.starts_with('/') {
                    at.clear();
                }
                push(&mut rest, target);
            }
            Some(draft) if !draft.is_directory() && rest.iter().any(|part| !part.is_empty()) => {
                return Way::Missing { at: format!("{here}/{}", rest[rest.len() - 1]), owned: true };
            }
            Some(_) => at = here,
        }
    }
    Way::Present
}

/// The entry at `path` in one of `formats`.
fn find<'d>(drafts: &'d [Draft], path: &str, formats: FormatSet) -> Option<&'d Draft> {
    let start = drafts.partition_point(|draft| draft.path.as_ref() < path);
    drafts[start..]
        .iter()
        .take_while(|draft| draft.path.as_ref() == path)
        .find(|draft| draft.formats.intersects(formats))
}
