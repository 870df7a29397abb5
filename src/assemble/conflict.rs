//! One path, one entry: who wins a path, and which directories must exist above it.
//!
//! Enters: drafts in the order of the rules. Leaves: drafts sorted by path, at most one for each path and format, every
//! parent present, and a finding for each pair of rules that want the same path.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use super::draft::{Body, Draft};
use super::path;
use super::plan::{Churn, FormatSet, Role};
use crate::diagnostic::{Diagnostic, Findings, Origin, codes};

/// Drafts by path; several for one path have no format in common.
pub struct Tree {
    paths: BTreeMap<Arc<str>, Vec<Draft>>,
}

/// What two rules fight for.
struct Fight {
    first: Draft,
    second: Draft,
    paths: usize,
}

/// Settles the drafts of all rules.
pub fn merge(mut drafts: Vec<Draft>, findings: &mut Findings) -> Tree {
    // What is at one path stays in the order of the rules.
    drafts.sort_by(|a, b| a.path.cmp(&b.path));
    let mut paths: Vec<(Arc<str>, Vec<Draft>)> = Vec::with_capacity(drafts.len());
    let mut fights = Fights::new();
    for draft in drafts {
        match paths.last() {
            Some((path, _)) if *path == draft.path => {}
            _ => paths.push((Arc::clone(&draft.path), Vec::new())),
        }
        if let Some((_, there)) = paths.last_mut() {
            put(there, draft, &mut fights);
        }
    }
    findings.extend(fights.into_values().map(Fight::diagnostic));
    Tree { paths: paths.into_iter().collect() }
}

/// The first fight of each two rules in path order, and how many they have.
type Fights = BTreeMap<(Option<usize>, Option<usize>), Fight>;

/// One more draft for a path.
fn put(there: &mut Vec<Draft>, mut draft: Draft, fights: &mut Fights) {
    for old in there.iter_mut() {
        if !old.formats.intersects(draft.formats) {
            continue;
        }
        if same_directory(old, &draft) {
            draft.formats = draft.formats.without(old.formats);
        } else if draft.replace {
            old.formats = old.formats.without(draft.formats);
        } else {
            let fight = fights.entry((old.rule, draft.rule));
            let fight = fight.or_insert_with(|| Fight { first: old.clone(), second: draft.clone(), paths: 0 });
            fight.paths += 1;
            draft.formats = draft.formats.without(old.formats);
        }
    }
    there.retain(|old| old.formats != FormatSet::EMPTY);
    if draft.formats != FormatSet::EMPTY {
        there.push(draft);
    }
}

impl Tree {
    /// Adds what fitout makes by itself, in those formats where no rule has the path.
    pub fn add(&mut self, mut draft: Draft) {
        let there = self.paths.entry(Arc::clone(&draft.path)).or_default();
        draft.formats = there.iter().fold(draft.formats, |left, old| left.without(old.formats));
        if draft.formats != FormatSet::EMPTY {
            there.push(draft);
        }
    }

    /// Whether the package has this path: a file, a link, or a folder of its own.
    pub fn holds(&self, path: &str) -> bool {
        let below = format!("{path}/");
        let first = self.paths.range::<str, _>((Bound::Included(below.as_str()), Bound::Unbounded)).next();
        !path::is_shared(path) && (self.paths.contains_key(path) || first.is_some_and(|(p, _)| p.starts_with(&below)))
    }

    /// Adds the directories above every entry and finds those that are no directories.
    pub fn finish(mut self, findings: &mut Findings) -> Vec<Draft> {
        for (parent, children) in self.parents() {
            let there = self.paths.get(parent.as_str()).map(Vec::as_slice).unwrap_or_default();
            for child in &children {
                let blocking = there.iter().find(|d| !d.is_directory() && d.formats.intersects(child.formats));
                findings.extend(blocking.map(|blocking| not_a_directory(blocking, child)));
            }
            let formats = children.iter().fold(FormatSet::EMPTY, |all, child| all.union(child.formats));
            let body = Body::Directory { shared: path::is_shared(&parent) };
            self.add(Draft::added(&parent, body, Role::Plain, Churn::Runtime, formats, Origin::Implied));
        }
        self.paths.into_values().flatten().collect()
    }

    /// Every directory that must be there, with one entry below it for each set of formats.
    fn parents(&self) -> BTreeMap<String, Vec<Child>> {
        let mut parents: BTreeMap<String, Vec<Child>> = BTreeMap::new();
        for draft in self.paths.values().flatten() {
            let mut above = path::parent(&draft.path);
            while let Some(parent) = above {
                let child = || Child {
                    path: Arc::clone(&draft.path),
                    formats: draft.formats,
                    origin: Arc::clone(&draft.origin),
                };
                match parents.get_mut(parent) {
                    // What is wanted here is wanted above too: neighbours share their parents.
                    Some(known) if known.iter().any(|c| draft.formats.without(c.formats) == FormatSet::EMPTY) => break,
                    Some(known) => known.push(child()),
                    None => _ = parents.insert(parent.to_owned(), vec![child()]),
                }
                above = path::parent(parent);
            }
        }
        parents
    }
}

/// An entry that wants a directory above it.
struct Child {
    path: Arc<str>,
    formats: FormatSet,
    origin: Arc<Origin>,
}

/// Directories of two trees are one directory where they agree.
fn same_directory(a: &Draft, b: &Draft) -> bool {
    let shared = matches!(a.body, Body::Directory { shared: true });
    a.is_directory() && b.is_directory() && (shared || (a.owner.0 == b.owner.0 && a.mode.0 == b.mode.0))
}

impl Fight {
    fn diagnostic(self) -> Diagnostic {
        let (first, second) = (&self.first, &self.second);
        let path = &first.path;
        let message = if first.is_directory() && second.is_directory() {
            format!("two rules give the directory `{path}` different owners or modes")
        } else if first.is_directory() != second.is_directory() {
            format!("`{path}` is {} by one rule and {} by another", first.body.word(), second.body.word())
        } else {
            format!("two rules put something at `{path}`")
        };
        let said = |draft: &Draft| {
            let owner = &draft.owner.0;
            if draft.is_directory() {
                format!("{}:{} {:04o}", owner.user, owner.group, draft.mode.0)
            } else {
                draft.body.word().to_owned()
            }
        };
        let mut told = Diagnostic::error(codes::FILES_CONFLICT, message)
            .path(path.as_ref())
            .at_origin(&second.origin, format!("here: {}", said(second)))
            .at_origin(&first.origin, format!("and here: {}", said(first)));
        if self.paths > 1 {
            let more = self.paths - 1;
            told =
                told.note(format!("the same two rules meet at {more} more path{}", if more == 1 { "" } else { "s" }));
        }
        told.help("exclude it from one of them, or write `replace = true` in the later one")
    }
}

fn not_a_directory(blocking: &Draft, child: &Child) -> Diagnostic {
    let Child { path: child, origin, .. } = child;
    let message = format!("`{child}` lies under `{}`, which is {}", blocking.path, blocking.body.word());
    Diagnostic::error(codes::FILES_NOT_A_DIRECTORY, message)
        .path(child.as_ref())
        .at_origin(origin, "put there by this rule")
        .at_origin(&blocking.origin, format!("{} by this rule", blocking.body.word()))
        .help("change the place of one of them")
}
