//! Two plans of one run -> what tells them apart in one format.
//!
//! A package without ELF files is the same for every target, and is made once for all of them. That holds only if the
//! targets make no difference: a `{arch}` hole in a rendered file does. Not here: which formats name no architecture.

use super::plan::{Entry, Plan};

/// What is not the same.
#[derive(Debug, Clone, Copy)]
pub enum Difference<'p> {
    /// This entry is another one in the other plan, or is not there.
    Entry(&'p Entry),
    /// The settings of the package.
    Settings,
}

/// The first difference; none if both plans give the same artifact of this format.
pub fn difference<'p>(one: &'p Plan, other: &'p Plan, format: &str) -> Option<Difference<'p>> {
    let (mut ours, mut theirs) = (one.entries_for(format), other.entries_for(format));
    loop {
        let entry = match (ours.next(), theirs.next()) {
            (None, None) => break,
            (Some(a), Some(b)) if is_same(a, b) => continue,
            // In path order, the lesser of two paths is the one that the other plan lacks.
            (Some(a), Some(b)) => {
                if a.path <= b.path {
                    a
                } else {
                    b
                }
            }
            (Some(entry), None) | (None, Some(entry)) => entry,
        };
        return Some(Difference::Entry(entry));
    }
    // Listed one by one, so that a new field of the Plan is thought of here.
    let Plan { identity, target: _, environment, clock, entries: _, formats, elf, services, lifecycle, .. } = one;
    let Plan { changelog, deb, rpm, tarball, zip, image, base: _, .. } = one;
    let facts = *identity == other.identity
        && *environment == other.environment
        && *clock == other.clock
        && *formats == other.formats
        && *elf == other.elf
        && *services == other.services
        && *lifecycle == other.lifecycle
        && *changelog == other.changelog;
    let settings = *deb == other.deb && *rpm == other.rpm && *tarball == other.tarball && *zip == other.zip;
    (!facts || !settings || *image != other.image).then_some(Difference::Settings)
}

/// Where an entry comes from is in no artifact, and its churn only in images, which name their platform.
fn is_same(a: &Entry, b: &Entry) -> bool {
    a.path == b.path
        && a.kind == b.kind
        && a.owner == b.owner
        && a.mode == b.mode
        && a.capabilities == b.capabilities
        && a.role == b.role
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::assemble::plan::{Arch, Kind};
    use crate::assemble::sample;

    #[test]
    fn the_target_alone_is_no_difference() {
        let (one, _) = sample::plan();
        let mut other = one.clone();
        other.target.arch = Arch::Arm64;
        assert!(difference(&one, &other, "deb").is_none());
        other.deb.section = "web".into();
        assert!(matches!(difference(&one, &other, "deb"), Some(Difference::Settings)));
    }

    #[test]
    fn the_first_path_that_differs_is_named() {
        let (one, mut sources) = sample::plan();
        let at = one.entries_for("deb").position(|entry| matches!(entry.kind, Kind::File(_))).unwrap();
        let path = one.entries_for("deb").nth(at).unwrap().path.clone();
        let change = |change: &mut dyn FnMut(&mut Vec<Entry>, usize)| {
            let mut other = one.clone();
            let mut entries = other.entries.to_vec();
            let at = entries.iter().position(|entry| entry.path == path).unwrap();
            change(&mut entries, at);
            other.entries = Arc::from(entries);
            let Some(Difference::Entry(entry)) = difference(&one, &other, "deb") else { panic!("an entry differs") };
            entry.path.clone()
        };
        assert_eq!(change(&mut |entries, at| entries[at].mode = 0o700), path);
        assert_eq!(change(&mut |entries, at| drop(entries.remove(at))), path);
        let made = sources.made(*b"for another target");
        assert_eq!(change(&mut |entries, at| entries[at].kind = Kind::File(made.clone())), path);
    }
}
