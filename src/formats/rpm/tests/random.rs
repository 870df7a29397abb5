//! Random trees, written and read back: nothing is lost, and rpm agrees.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::formats::ListedKind;

/// What a random path is: a seed for kind, mode, owner and role, and the length of its content.
type Seed = (u8, u32, u8, usize);

fn tree() -> impl Strategy<Value = BTreeMap<String, Seed>> {
    let name = "[a-c.é ]{1,3}".prop_filter("no dots alone", |n| n != "." && n != "..");
    let path = prop::collection::vec(name, 1..4).prop_map(|parts| format!("/opt/{}", parts.join("/")));
    let seed = (any::<u8>(), 0u32..0o10_000, any::<u8>(), prop::sample::select(vec![0usize, 1, 3, 4, 5, 100, 20_000]));
    prop::collection::btree_map(path, seed, 0..12)
}

/// Entries with all their parents; a path that others lie under is a directory.
fn plan_of(tree: &BTreeMap<String, Seed>) -> (Plan, Sources) {
    let mut sources = Sources::default();
    let mut entries: BTreeMap<String, Entry> = BTreeMap::new();
    let mut first_file: Option<String> = None;
    for (path, (kind, mode, role, length)) in tree {
        let parents = path.match_indices('/').skip(1).map(|(at, _)| path[..at].to_owned());
        for parent in parents {
            let shared = parent == "/opt";
            entries.insert(parent.clone(), entry(&parent, Kind::Directory { shared }));
        }
        let kind = match (kind % 8, &first_file) {
            (0, _) => Kind::Directory { shared: false },
            (1, _) => Kind::Symlink { target: format!("../{length}").into() },
            (2 | 3, Some(first)) if entries.contains_key(first) => Kind::Hardlink { target: first.as_str().into() },
            _ => {
                let source = sources.made(path.as_bytes().iter().copied().cycle().take(*length).collect::<Vec<u8>>());
                Kind::File(source)
            }
        };
        let mut new = entry(path, kind);
        match &new.kind {
            Kind::Symlink { .. } => {}
            Kind::File(_) => {
                new.mode = *mode;
                first_file.get_or_insert_with(|| path.clone());
                new.role = [Role::Plain, Role::Doc, Role::License, Role::Config { noreplace: true, missingok: true }]
                    [usize::from(role % 4)];
            }
            _ => new.mode = *mode,
        }
        new.owner.user = ["root", "daemon"][usize::from(role % 2)].into();
        entries.insert(path.clone(), new);
    }
    // A file that turned out to be a parent is one: its hard links have lost their first name.
    let kinds: BTreeMap<String, bool> =
        entries.iter().map(|(path, e)| (path.clone(), matches!(e.kind, Kind::File(_)))).collect();
    entries.retain(|_, e| !matches!(&e.kind, Kind::Hardlink { target } if kinds.get(&**target) != Some(&true)));
    (sample::plan_of(entries.into_values().collect()), sources)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn what_is_written_is_read_back(tree in tree(), v6: bool) {
        let (mut plan, sources) = plan_of(&tree);
        plan.rpm.format_version = if v6 { 6 } else { 4 };
        let written = Written::of(&plan, &sources);
        let listing = written.listing();
        prop_assert_eq!(listing.checks.iter().find(|c| c.problem.is_some()), None);
        prop_assert!(listing.findings.is_empty());
        let own: Vec<&Entry> =
            plan.entries.iter().filter(|e| !matches!(e.kind, Kind::Directory { shared: true })).collect();
        prop_assert_eq!(listing.entries.len(), own.len());
        for (listed, entry) in listing.entries.iter().zip(own) {
            prop_assert_eq!(&*listed.path, &*entry.path);
            prop_assert_eq!((listed.mode, &*listed.user), (entry.mode, &*entry.owner.user));
            let kind = match &entry.kind {
                Kind::Directory { .. } => ListedKind::Directory,
                Kind::File(_) => ListedKind::File,
                Kind::Symlink { target } => ListedKind::Symlink(target.to_string()),
                Kind::Hardlink { target } => ListedKind::Hardlink(target.to_string()),
            };
            prop_assert_eq!(&listed.kind, &kind);
            prop_assert_eq!(listed.sha256.is_some(), kind == ListedKind::File);
        }
        let path = written.path.to_str().unwrap();
        prop_assert_eq!(run("rpm", &["-K", "--nosignature", path]), format!("{path}: digests OK\n"));
        let names = written.rpm(&["--qf", "[%{FILENAMES}\n]"]);
        let listed: Vec<&str> = listing.entries.iter().map(|e| e.path.as_str()).collect();
        prop_assert_eq!(names.trim_end_matches('\n').split('\n').filter(|n| !n.is_empty() && *n != "(none)").collect::<Vec<_>>(), listed);
    }
}

#[test]
fn a_package_without_files_is_one() {
    for version in [4, 6] {
        let mut plan = sample::plan_of(Vec::new());
        plan.rpm.format_version = version;
        let written = Written::of(&plan, &Sources::default());
        let path = written.path.to_str().unwrap();
        assert_eq!(run("rpm", &["-K", "--nosignature", path]), format!("{path}: digests OK\n"));
        assert_eq!(written.rpm(&["-l"]), "(contains no files)\n");
        assert!(written.listing().checks.iter().all(|check| check.problem.is_none()));
    }
}
