//! What a build tool keeps, in other checkouts: brought back exactly, and never at the cost of a right result.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crate::support::{finish, fitout, project};

/// The tool of these tests: what it makes depends on its source, how it is made on what it kept.
const TOOL: &str = "#!/bin/sh\nset -eu\nmkdir -p tree\n\
    if [ -f kept/deep/state ]; then echo warm; else echo cold; mkdir -p kept/deep; seq 40000 > kept/large; echo a > kept/deep/state; \
    ln -s deep/state kept/link; printf x > kept/run; chmod 0750 kept/run; chmod 0711 kept/deep; : > kept/empty; fi > how\n\
    cat src lock > tree/made\n";

fn config(rest: &str) -> String {
    format!(
        "[package]\nname = \"keeper\"\nversion = \"1.0.0\"\nsummary = \"Keeps\"\nlicense = \"MIT\"\n\
         maintainer = \"A <a@example.org>\"\n\n[build]\npreset = \"plain\"\ninput = \"tree\"\nformats = [\"tarball\"]\n\
         command = \"sh tool\"\n{rest}\n[build.cache]\npaths = [\"kept\"]\nkey = [\"lock\"]\n"
    )
}

/// Checkouts beside each other, and a cache that they share.
struct Shared {
    top: tempfile::TempDir,
}

impl Shared {
    fn new() -> Self {
        Self { top: tempfile::tempdir().unwrap() }
    }

    fn cache(&self) -> PathBuf {
        self.top.path().join("cache")
    }

    fn checkout(&self, name: &str, lock: &str) -> PathBuf {
        let folder = project(&[("fitout.toml", &config("")), ("tool", TOOL), ("src", "source\n"), ("lock", lock)]);
        let place = self.top.path().join(name);
        fs::rename(folder.keep(), &place).unwrap();
        place
    }

    fn build(&self, folder: &Path, args: &[&str]) -> (i32, String) {
        let mut command = fitout(folder);
        command.arg("build").args(args).env("FITOUT_CACHE_DIR", self.cache());
        let (exit, _, stderr) = finish(command.output().unwrap());
        (exit, stderr)
    }

    /// Builds a new checkout: how the tool went on, what was said.
    fn fresh(&self, name: &str, lock: &str) -> (String, String) {
        let folder = self.checkout(name, lock);
        let (exit, said) = self.build(&folder, &[]);
        assert_eq!(exit, 0, "{said}");
        // Whatever happened to the cache, the result is right.
        assert_eq!(fs::read_to_string(folder.join("tree/made")).unwrap(), format!("source\n{lock}"), "{said}");
        assert!(leftovers(&folder).is_empty(), "{said}");
        (fs::read_to_string(folder.join("how")).unwrap().trim().to_owned(), said)
    }

    fn files(&self, kind: &str) -> Vec<PathBuf> {
        let mut found = Vec::new();
        walk(&self.cache().join("store").join(kind), &mut found);
        assert!(!found.is_empty(), "no {kind} in the store");
        found
    }
}

fn leftovers(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    names.filter(|name| name.starts_with(".fitout")).collect()
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() { walk(&path, found) } else { found.push(path) }
    }
    found.sort();
}

/// Path, kind and mode, time to the nanosecond, content or target of everything below.
fn told(folder: &Path) -> Vec<String> {
    let mut all = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(path) = open.pop() {
        let meta = fs::symlink_metadata(&path).unwrap();
        let content = if meta.is_symlink() {
            fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes()
        } else if meta.is_file() {
            fs::read(&path).unwrap()
        } else {
            open.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            Vec::new()
        };
        let name = path.strip_prefix(folder).unwrap().display().to_string();
        let content = String::from_utf8(content).unwrap();
        all.push(format!("{name} {:o} {}.{} {content}", meta.mode(), meta.mtime(), meta.mtime_nsec()));
    }
    all.sort();
    all
}

#[test]
fn another_checkout_goes_on_where_the_first_ended() {
    let shared = Shared::new();
    assert_eq!(shared.fresh("a", "1\n").0, "cold");
    let (how, said) = shared.fresh("b", "1\n");
    assert_eq!(how, "warm", "{said}");
    assert!(said.contains("Restored kept from the cache: 4 files\n"), "{said}");
    assert_eq!(told(&shared.top.path().join("a/kept")), told(&shared.top.path().join("b/kept")));
    // Another lock file: the last entry is the nearest.
    let (how, said) = shared.fresh("c", "2\n");
    assert_eq!(how, "warm", "{said}");
    assert!(said.contains("of an earlier lock file"), "{said}");
    // What is there is the checkout's own.
    let folder = shared.checkout("d", "1\n");
    fs::create_dir_all(folder.join("kept")).unwrap();
    fs::write(folder.join("kept/mine"), "").unwrap();
    let (_, said) = shared.build(&folder, &[]);
    assert!(!said.contains("Restored") && folder.join("kept/mine").exists(), "{said}");
    let folder = shared.checkout("e", "1\n");
    let (_, said) = shared.build(&folder, &["--no-cache"]);
    assert!(!said.contains("Restored") && !said.contains("Kept"), "{said}");
}

#[test]
fn what_is_kept_is_stored_once() {
    let shared = Shared::new();
    shared.fresh("a", "1\n");
    let blobs = shared.files("blob");
    let (_, said) = shared.fresh("b", "2\n");
    assert!(said.contains("0 B of it new"), "{said}");
    assert_eq!(shared.files("blob"), blobs);
    assert_eq!(shared.files("tree").len(), 2);
    assert_eq!(fs::metadata(shared.cache().join("store/blob")).unwrap().permissions().mode() & 0o077, 0);
}

#[test]
fn a_damaged_or_missing_entry_is_told_and_mended() {
    for (kind, at) in [("blob", 0), ("blob", 1), ("tree", 0)] {
        for missing in [false, true] {
            let shared = Shared::new();
            shared.fresh("a", "1\n");
            let file = shared.files(kind)[at].clone();
            if missing {
                fs::remove_file(&file).unwrap();
            } else {
                let mut bytes = fs::read(&file).unwrap();
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
                fs::write(&file, bytes).unwrap();
            }
            let (how, said) = shared.fresh("b", "1\n");
            assert_eq!(how, "cold", "{said}");
            // An entry that is not there is none; one whose blob is not there is damaged.
            assert_eq!(said.contains("warning[build/cache]"), !(missing && kind == "tree"), "{said}");
            let (how, said) = shared.fresh("c", "1\n");
            assert!(how == "warm" && !said.contains("warning"), "{said}");
        }
    }
}

#[test]
fn a_store_that_cannot_be_used_costs_a_warning() {
    let shared = Shared::new();
    fs::create_dir_all(shared.cache()).unwrap();
    fs::write(shared.cache().join("store"), "a file").unwrap();
    let (how, said) = shared.fresh("a", "1\n");
    assert_eq!(how, "cold");
    assert!(said.contains("warning[build/cache]"), "{said}");
}

#[test]
fn several_at_once_do_each_other_no_harm() {
    let shared = Shared::new();
    std::thread::scope(|scope| {
        for number in 0..6 {
            let shared = &shared;
            scope.spawn(move || {
                // Two of each lock file.
                let (_, said) = shared.fresh(&format!("a{number}"), &format!("{}\n", number / 2));
                assert!(!said.contains("warning"), "{said}");
            });
        }
    });
    for lock in 0..3 {
        let (how, said) = shared.fresh(&format!("b{lock}"), &format!("{lock}\n"));
        assert!(how == "warm" && !said.contains("warning") && !said.contains("earlier"), "{said}");
    }
}

#[test]
fn no_secret_is_kept() {
    let shared = Shared::new();
    let folder = shared.checkout("a", "1\n");
    fs::write(folder.join("fitout.toml"), config("pass-env = [\"MY_TOKEN\"]\n")).unwrap();
    let mut command = fitout(&folder);
    command
        .arg("build")
        .env("FITOUT_CACHE_DIR", shared.cache())
        .env("MY_TOKEN", "marked-secret")
        .env("HEX_API_KEY", "marked-secret");
    assert_eq!(finish(command.output().unwrap()).0, 0);
    let mut files = Vec::new();
    walk(&shared.cache(), &mut files);
    assert!(files.len() > 4);
    for file in files {
        let bytes = fs::read(&file).unwrap();
        // Entries begin with their digest.
        let plain = |at: usize| zstd::stream::decode_all(bytes.get(at..).unwrap_or_default()).unwrap_or_default();
        for bytes in [&plain(0), &plain(64), &bytes] {
            assert!(!bytes.windows(13).any(|part| part == b"marked-secret"), "{}", file.display());
        }
    }
}

#[test]
fn what_changed_since_is_new_to_a_tool_that_compares_times() {
    let shared = Shared::new();
    shared.fresh("a", "1\n");
    let kept = fs::metadata(shared.top.path().join("a/kept/deep/state")).unwrap().modified().unwrap();
    let first = fs::metadata(shared.top.path().join("a/src")).unwrap().modified().unwrap();
    let folder = shared.checkout("b", "1\n");
    let old = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000);
    let set = |name: &str| fs::File::options().write(true).open(folder.join(name)).unwrap().set_modified(old).unwrap();
    fs::write(folder.join("tool"), format!("{TOOL}# changed\n")).unwrap();
    fs::set_permissions(folder.join("tool"), Permissions::from_mode(0o644)).unwrap();
    ["tool", "src"].iter().for_each(|name| set(name));
    let (exit, said) = shared.build(&folder, &[]);
    assert!(exit == 0 && said.contains("Restored"), "{said}");
    let time = |name: &str| fs::metadata(folder.join(name)).unwrap().modified().unwrap();
    assert!(time("tool") > kept, "a changed source, however old its checkout is, is newer than what was built");
    assert_eq!(time("src"), first, "a source that is the same has the time that it was built with");
}
