//! What a format of the run has no place for, said before anything is packed.
//!
//! Enters: settled entries and what each format can carry. Leaves: findings, one for each format and thing, however
//! many entries are concerned.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::maintainer;
use super::plan::{Abilities, Account, Dialect, Entry, FormatSet, Kind, Service};
use crate::diagnostic::{Diagnostic, Findings, codes};

/// Looks at every entry with the eyes of every format. What an archive has no place for its install.sh sets.
pub fn check(entries: &[Entry], services: &[Service], formats: &[(&'static str, Abilities)], findings: &mut Findings) {
    for (index, (format, abilities)) in formats.iter().enumerate() {
        let of_format = || entries.iter().filter(move |entry| entry.formats.intersects(FormatSet::only(index)));
        let installed = abilities.dialect == Dialect::Plain && maintainer::is_installed(of_format(), services);
        let foreign = of_format().filter(|e| !abilities.owners && !installed && (e.owner.uid, e.owner.gid) != (0, 0));
        findings.extend(left_out(format, foreign, "owners", |e| format!("{}:{}", e.owner.user, e.owner.group)));
        let lost = !abilities.capabilities && !abilities.sets_capabilities() && !installed;
        let capable = of_format().filter(|e| lost && e.capabilities.is_some());
        let capability = |e: &Entry| e.capabilities.as_deref().unwrap_or_default().to_owned();
        findings.extend(left_out(format, capable, "file capabilities", capability));
        for (entry, size) in of_format().filter_map(|e| Some((e, size(e)?))) {
            if size > abilities.largest_file {
                findings.push(too_large(format, entry, size, abilities.largest_file));
            }
        }
    }
}

fn size(entry: &Entry) -> Option<u64> {
    match &entry.kind {
        Kind::File(source) => Some(source.size),
        _ => None,
    }
}

fn left_out<'e>(
    format: &str,
    mut entries: impl Iterator<Item = &'e Entry>,
    what: &str,
    value: impl Fn(&Entry) -> String,
) -> Option<Diagnostic> {
    let first = entries.next()?;
    let more = entries.count();
    let message = format!("{format} cannot carry {what}: `{}` has {}", first.path, value(first));
    let warning = Diagnostic::warning(codes::FORMAT_CANNOT_CARRY, message)
        .path(first.path.as_ref())
        .at_origin(&first.origin, "put there by this rule")
        .help(format!("leave it out of {format} with `when`, or see to it that whoever unpacks it sets them"));
    Some(match more {
        0 => warning,
        1 => warning.note("1 more path is concerned"),
        more => warning.note(format!("{more} more paths are concerned")),
    })
}

fn too_large(format: &str, entry: &Entry, size: u64, most: u64) -> Diagnostic {
    let message = format!("{format} cannot carry `{}`: it has {size} bytes, and the most is {most}", entry.path);
    Diagnostic::error(codes::FORMAT_CANNOT_CARRY, message)
        .path(entry.path.as_ref())
        .at_origin(&entry.origin, "put there by this rule")
        .help(format!("leave it out of {format} with `when`, or split it"))
}

/// Warns of every user and group that owns something and that nothing in the package creates.
pub fn check_accounts(entries: &[Entry], accounts: &[Account], findings: &mut Findings) {
    let made = |what: &str, name: &str| {
        accounts.iter().any(|account| if what == "user" { account.name == name } else { account.group == name })
    };
    let mut names: BTreeMap<(&'static str, Arc<str>), (&Entry, usize)> = BTreeMap::new();
    for entry in entries {
        let owner = &entry.owner;
        for (what, name, id) in [("user", &owner.user, owner.uid), ("group", &owner.group, owner.gid)] {
            // A number needs no account.
            if id != 0 && !name.starts_with(|c: char| c.is_ascii_digit()) && !made(what, name) {
                names.entry((what, Arc::clone(name))).or_insert((entry, 0)).1 += 1;
            }
        }
    }
    for ((what, name), (entry, paths)) in names {
        let noun = if paths == 1 { "path belongs" } else { "paths belong" };
        let message = format!("{paths} {noun} to the {what} `{name}`, which this package does not create");
        findings.push(
            Diagnostic::warning(codes::FILES_OWNER_WITHOUT_ACCOUNT, message)
                .path(entry.path.as_ref())
                .at_origin(&entry.owner_origin, "")
                .help(format!("create the {what} before the files are unpacked, or depend on a package that does")),
        );
    }
}
