use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::store::{Local, Store as _};
use super::*;

/// A project with something in its folder `kept`, and a store.
struct Trial {
    top: tempfile::TempDir,
    store: Local,
}

impl Trial {
    fn new() -> Self {
        let top = tempfile::tempdir().unwrap();
        let store = Local::new(top.path().join("store"));
        Self { top, store }
    }

    fn plan(&self, name: &str, lock: &str) -> Plan {
        let folder = self.top.path().join(name);
        fs_err::create_dir_all(&folder).unwrap();
        fs_err::write(folder.join("lock"), lock).unwrap();
        let (paths, locks, scope) = (vec!["kept".to_owned()], vec!["lock".to_owned()], vec!["x".to_owned()]);
        Plan { folder, paths, except: vec!["kept/made".into()], locks, scope }
    }

    fn save(&self, plan: &Plan) -> Put {
        let mut warnings = Findings::new();
        let put = plan.save(&[&self.store], &AllSeen::new(), &mut warnings).unwrap();
        assert_eq!(warnings, []);
        put
    }

    fn restore(&self, plan: &Plan) -> (Option<Restored>, Findings) {
        let mut warnings = Findings::new();
        let restored = plan.restore(&[&self.store], &mut AllSeen::new(), &mut warnings);
        (restored, warnings)
    }

    fn write(&self, path: &str, bytes: &[u8]) {
        let path = self.top.path().join(path);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, bytes).unwrap();
    }

    fn size(&self) -> u64 {
        fn of(folder: &Path) -> u64 {
            let entries = fs_err::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
            entries.map(|path| if path.is_dir() { of(&path) } else { fs_err::metadata(&path).unwrap().len() }).sum()
        }
        of(self.store.folder())
    }
}

/// Bytes that do not compress.
fn noise(length: usize, seed: u32) -> Vec<u8> {
    let step = |state: &mut u32| {
        *state ^= *state << 13;
        *state ^= *state >> 17;
        *state ^= *state << 5;
        Some(state.to_le_bytes()[0])
    };
    std::iter::repeat_n((), length).scan(seed, |state, ()| step(state)).collect()
}

#[test]
fn large_files_many_small_ones_and_folders_without_write_permission() {
    let trial = Trial::new();
    let plan = trial.plan("a", "1");
    let large = noise(20_000_000, 1);
    trial.write("a/kept/large", &large);
    for number in 0..60 {
        trial.write(&format!("a/kept/small/{number}"), &noise(30_000, number + 1));
    }
    trial.write("a/kept/closed/file", b"x");
    fs_err::set_permissions(trial.top.path().join("a/kept/closed"), std::fs::Permissions::from_mode(0o555)).unwrap();
    let put = trial.save(&plan);
    assert_eq!((put.files, put.bytes), (62, 20_000_000 + 60 * 30_000 + 1));
    assert_eq!(trial.save(&plan).new, 0, "what is there is not put again");
    let other = trial.plan("b", "1");
    assert_eq!(trial.restore(&other), (Some(Restored { files: 62, exact: true }), vec![]));
    let at = |path: &str| trial.top.path().join("b/kept").join(path);
    assert_eq!(fs_err::read(at("large")).unwrap(), large);
    for number in 0..60 {
        assert_eq!(fs_err::read(at(&format!("small/{number}"))).unwrap(), noise(30_000, number + 1), "{number}");
    }
    assert_eq!(fs_err::metadata(at("closed")).unwrap().permissions().mode() & 0o777, 0o555);
    // One small file more: one blob of about a mebibyte, not all of them.
    trial.write("a/kept/small/9999", &noise(30_000, 99));
    let new = trial.save(&plan).new;
    assert!((1..1_200_000).contains(&new), "{new}");
}

#[test]
fn what_the_step_makes_anew_is_not_kept() {
    let trial = Trial::new();
    let mut plan = trial.plan("a", "1");
    plan.except = vec![plan.folder.join("kept/made")];
    trial.write("a/kept/made/release", &noise(1000, 1));
    trial.write("a/kept/other", b"x");
    assert_eq!(trial.save(&plan).files, 1);
}

#[test]
fn an_entry_that_leads_elsewhere_is_not_laid_down() {
    let trial = Trial::new();
    let plan = trial.plan("a", "1");
    trial.write("a/kept/file", b"x");
    trial.save(&plan);
    // The same entry, for a project that keeps something else.
    let other = Plan { paths: vec!["other".to_owned()], ..trial.plan("b", "1") };
    let entry = trial.store.get(&plan.names().1).unwrap().unwrap();
    trial.store.put(&other.names().1, &entry).unwrap();
    let (restored, warnings) = trial.restore(&other);
    assert_eq!((restored, warnings.len()), (None, 1));
    assert!(warnings[0].notes[0].contains("outside"), "{warnings:?}");
    assert!(!other.folder.join("kept").exists());
}

#[test]
fn what_was_used_longest_ago_goes_first() {
    let trial = Trial::new();
    let plans: Vec<Plan> = (0..4).map(|number| trial.plan(&format!("p{number}"), &number.to_string())).collect();
    for (number, plan) in (1u32..).zip(&plans) {
        trial.write(&format!("p{}/kept/own", number - 1), &noise(1_000_000, number));
        // Two of them share it.
        trial.write(&format!("p{}/kept/sub/shared", number - 1), &noise(500_000, 7 + number / 3));
        trial.save(plan);
        let entry = trial.store.folder().join(plan.names().1);
        unpack::set_time(&entry, (i64::from(number) * 1000, 0)).unwrap();
    }
    let there = |plan: &Plan| trial.store.get(&plan.names().1).unwrap().is_some();
    let before = trial.size();
    evict::evict(trial.top.path(), before, 0).unwrap();
    assert_eq!(trial.size(), before, "it is not larger than it may be");
    evict::evict(trial.top.path(), 3_300_000, evict::YOUNG).unwrap();
    assert!(trial.size() > 4_900_000, "young blobs may belong to an entry that is not written yet");
    evict::evict(trial.top.path(), 3_300_000, 0).unwrap();
    assert!(trial.size() <= 3_300_000, "{}", trial.size());
    assert_eq!(plans.iter().map(there).collect::<Vec<_>>(), [false, false, true, true]);
    for (number, plan) in plans.iter().enumerate().skip(2) {
        let own = Plan { folder: trial.top.path().join(format!("again{number}")), ..plan.clone() };
        fs_err::create_dir_all(&own.folder).unwrap();
        fs_err::write(own.folder.join("lock"), number.to_string()).unwrap();
        let (restored, warnings) = trial.restore(&own);
        assert_eq!((restored.map(|r| r.exact), warnings.len()), (Some(true), 0), "{number}");
    }
    // The last one stays, however large it is.
    evict::evict(trial.top.path(), 1, 0).unwrap();
    assert_eq!(plans.iter().filter(|plan| there(plan)).count(), 1);
}

#[test]
fn both_caches_share_one_limit() {
    let trial = Trial::new();
    let plan = trial.plan("p", "1");
    trial.write("p/kept/own", &noise(1_000_000, 1));
    trial.save(&plan);
    unpack::set_time(&trial.store.folder().join(plan.names().1), (1000, 0)).unwrap();
    for (name, time) in [("old.runs", 500), ("new.runs", 2000)] {
        trial.write(&format!("runs/{name}"), &noise(1_000_000, 2));
        unpack::set_time(&trial.top.path().join("runs").join(name), (time, 0)).unwrap();
    }
    let there = || {
        let runs = ["old.runs", "new.runs"].map(|name| trial.top.path().join("runs").join(name).exists());
        (runs, trial.store.folder().join(plan.names().1).exists())
    };
    evict::evict(trial.top.path(), 3_500_000, 0).unwrap();
    assert_eq!(there(), ([true, true], true));
    evict::evict(trial.top.path(), 2_500_000, 0).unwrap();
    assert_eq!(there(), ([false, true], true));
    // The last of each kind stays.
    evict::evict(trial.top.path(), 1, 0).unwrap();
    assert_eq!(there(), ([false, true], true));
}

#[test]
fn projects_and_images_that_nobody_uses_go_too() {
    let trial = Trial::new();
    let files = [
        ("projects/old/known", 100),
        ("projects/old/step.log", 200),
        ("projects/new/known", 300),
        ("images/old/blobs/sha256/x", 150),
        ("images/new/blobs/sha256/x", 250),
        ("projects/old/.fitout-killed", 50),
    ];
    for (name, time) in files {
        trial.write(name, &noise(1_000_000, 1));
        unpack::set_time(&trial.top.path().join(name), (time, 0)).unwrap();
    }
    trial.write("projects/young/known", &noise(1_000_000, 1));
    let there = || files.map(|(name, _)| trial.top.path().join(name).exists());
    evict::evict(trial.top.path(), 6_100_000, evict::YOUNG).unwrap();
    assert_eq!(there(), [true, true, true, true, true, false], "only what was never whole");
    evict::evict(trial.top.path(), 4_100_000, evict::YOUNG).unwrap();
    assert_eq!(there(), [false, false, true, true, true, false], "a project goes as a whole");
    assert!(!trial.top.path().join("projects/old").exists());
    evict::evict(trial.top.path(), 1, evict::YOUNG).unwrap();
    assert_eq!(there(), [false, false, false, false, true, false], "the last image stays");
    assert!(trial.top.path().join("projects/young/known").exists());
}

/// The path of a file of a trial, and what is seen of it.
fn seen(trial: &Trial, path: &str) -> AllSeen {
    let path = trial.top.path().join(path).into_os_string().into_string().unwrap();
    crate::build::seen::look([&path], None, i128::MAX)
}

/// When a file of a trial was changed, in seconds.
fn time(trial: &Trial, path: &str) -> i64 {
    use std::os::unix::fs::MetadataExt as _;
    fs_err::metadata(trial.top.path().join(path)).unwrap().mtime()
}

/// An entry built from `a/source`, which says `one` and has the time 1000, and a checkout `b` of the same.
fn entry_and_checkout(trial: &Trial) -> Plan {
    trial.write("a/source", b"one");
    trial.write("a/kept/object", b"of one");
    unpack::set_time(&trial.top.path().join("a/source"), (1000, 5)).unwrap();
    let plan = trial.plan("a", "1");
    plan.save(&[&trial.store], &seen(trial, "a/source"), &mut Findings::new()).unwrap();
    trial.write("b/source", b"one");
    trial.plan("b", "1")
}

#[test]
fn a_source_that_is_edited_while_folders_are_restored_is_new() {
    let trial = Trial::new();
    let plan = entry_and_checkout(&trial);
    let mut sources = seen(&trial, "b/source");
    trial.write("b/source", b"two");
    // As an editor may leave it that keeps the time of the file.
    unpack::set_time(&trial.top.path().join("b/source"), (900, 0)).unwrap();
    let mut warnings = Findings::new();
    assert!(plan.restore(&[&trial.store], &mut sources, &mut warnings).is_some(), "{warnings:?}");
    assert!(time(&trial, "b/source") > 1_000_000_000);
    // Nobody knows what is built from it now.
    assert!(plan.built_from(&sources).is_empty());
    // Without an edit it has its time again, and is recorded so.
    let plan = Plan { folder: trial.top.path().join("c"), ..plan };
    trial.write("c/lock", b"1");
    trial.write("c/source", b"one");
    let mut sources = seen(&trial, "c/source");
    plan.restore(&[&trial.store], &mut sources, &mut warnings).unwrap();
    assert_eq!((time(&trial, "c/source"), plan.built_from(&sources)["source"].1), (1000, (1000, 5)));
    assert_eq!(crate::build::seen::difference(&seen(&trial, "c/source"), &sources), None);
}

#[test]
fn a_link_that_changed_keeps_the_folders_away() {
    let trial = Trial::new();
    let plan = entry_and_checkout(&trial);
    fs_err::remove_file(trial.top.path().join("b/source")).unwrap();
    std::os::unix::fs::symlink("elsewhere", trial.top.path().join("b/source")).unwrap();
    let mut warnings = Findings::new();
    assert_eq!(plan.restore(&[&trial.store], &mut seen(&trial, "b/source"), &mut warnings), None);
    assert!(!plan.folder.join("kept").exists());
    assert!(warnings[0].notes[0].contains("is a link that changed"), "{warnings:?}");
}

#[test]
fn times_are_told_before_anything_is_in_its_place() {
    let trial = Trial::new();
    let plan = entry_and_checkout(&trial);
    let tree = Tree::decode(&trial.store.get(&plan.names().1).unwrap().unwrap()).unwrap();
    let unpack = |result: fn() -> std::io::Result<()>| {
        unpack::unpack(&plan.folder, &plan.paths, &tree, &trial.store, || {
            assert!(!plan.folder.join("kept").exists());
            result()
        })
    };
    assert!(unpack(|| Err(std::io::Error::other("no"))).is_err());
    assert!(!plan.folder.join("kept").exists());
    unpack(|| Ok(())).unwrap();
    assert!(plan.folder.join("kept/object").exists());
}

#[test]
fn all_folders_come_back_or_none() {
    let trial = Trial::new();
    let plan = Plan { paths: vec!["kept".to_owned(), "more/deep".to_owned()], ..trial.plan("a", "1") };
    trial.write("a/kept/one", b"1");
    trial.write("a/more/deep/two", b"2");
    trial.save(&plan);
    let other = Plan { paths: plan.paths.clone(), ..trial.plan("b", "1") };
    // The place of the second is taken by the time that they are moved.
    let tree = Tree::decode(&trial.store.get(&other.names().1).unwrap().unwrap()).unwrap();
    let take = || fs_err::write(other.folder.join("more/deep"), "mine");
    assert!(unpack::unpack(&other.folder, &other.paths, &tree, &trial.store, take).is_err());
    assert!(!other.folder.join("kept").exists());
    let called = std::cell::Cell::new(false);
    let note = || {
        called.set(true);
        Ok(())
    };
    assert!(unpack::unpack(&other.folder, &other.paths, &tree, &trial.store, note).is_err() && !called.get());
    assert!(!other.folder.join("kept").exists());
    assert_eq!(fs_err::read(other.folder.join("more/deep")).unwrap(), b"mine");
    assert_eq!(trial.restore(&other), (None, vec![]), "what is there is the checkout's own");
}

/// A store during whose first request a program writes somewhere.
struct Busy<'a>(&'a Trial, std::sync::Once, &'static str);

impl Store for Busy<'_> {
    fn name(&self) -> String {
        self.0.store.name()
    }
    fn get(&self, name: &str) -> std::io::Result<Option<Vec<u8>>> {
        self.0.store.get(name)
    }
    fn has(&self, name: &str) -> std::io::Result<bool> {
        self.1.call_once(|| self.0.write(self.2, b"later"));
        self.0.store.has(name)
    }
    fn put(&self, name: &str, bytes: &[u8]) -> std::io::Result<()> {
        self.0.store.put(name, bytes)
    }
    fn list(&self, folder: &str) -> std::io::Result<Vec<String>> {
        self.0.store.list(folder)
    }
    fn remove(&self, name: &str) -> std::io::Result<()> {
        self.0.store.remove(name)
    }
}

#[test]
fn what_is_written_while_it_is_read_is_not_kept() {
    for path in ["a/kept/object", "a/kept/deep/new", "a/kept/new"] {
        let trial = Trial::new();
        let plan = trial.plan("a", "1");
        trial.write("a/kept/object", b"early");
        trial.write("a/kept/deep/other", b"other");
        std::thread::sleep(std::time::Duration::from_millis(50));
        let (busy, mut warnings) = (Busy(&trial, std::sync::Once::new(), path), Findings::new());
        assert_eq!(plan.save(&[&busy], &AllSeen::new(), &mut warnings), None, "{path}");
        assert!(warnings[0].notes[0].contains("changed while it was read"), "{warnings:?}");
        assert!(trial.store.get(&plan.names().1).unwrap().is_none());
        assert!(plan.save(&[&busy], &AllSeen::new(), &mut Findings::new()).is_some());
    }
}

#[test]
fn a_store_that_fails_is_no_reason_to_leave_out_the_other() {
    let trial = Trial::new();
    let plan = trial.plan("a", "1");
    trial.write("a/kept/object", b"x");
    trial.write("file", b"no folder");
    let (broken, second) = (Local::new(trial.top.path().join("file")), Local::new(trial.top.path().join("second")));
    let mut warnings = Findings::new();
    assert!(plan.save(&[&broken, &trial.store, &second], &AllSeen::new(), &mut warnings).is_some());
    assert_eq!(warnings.len(), 1);
    for store in [&trial.store, &second] {
        fs_err::remove_dir_all(plan.folder.join("kept")).unwrap();
        assert!(plan.restore(&[store], &mut AllSeen::new(), &mut warnings).is_some_and(|restored| restored.exact));
    }
    assert_eq!(plan.save(&[&broken], &AllSeen::new(), &mut warnings), None);
    assert_eq!(warnings.len(), 2, "it is said once");
}

#[test]
fn what_is_too_large_is_dropped() {
    let trial = Trial::new();
    let plan = trial.plan("a", "1");
    trial.write("a/kept/object", b"x");
    trial.save(&plan);
    let entry = trial.store.folder().join(plan.names().1);
    fs_err::File::options().write(true).open(&entry).unwrap().set_len(store::LARGEST + 1).unwrap();
    let (restored, warnings) = trial.restore(&trial.plan("b", "1"));
    assert_eq!((restored, warnings.len()), (None, 1));
    assert!(warnings[0].notes[0].contains("larger than any"), "{warnings:?}");
    assert!(!entry.exists());
}
