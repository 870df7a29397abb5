//! What a tool that compares times is told of sources in a checkout to which its folders came back: what was built is never older
//! than its source says, and what did not change is not built again.

use std::fs;
use std::path::Path;

use crate::support::{finish, fitout, fitout_at, is_root, project};

/// Builds what is newer than what it kept, as make does.
const TOOL: &str = "mkdir -p tree kept\nif [ -e kept/object ] && [ -z \"$(find src -newer kept/object)\" ]; then echo kept; \
    else cp src kept/object; echo built; fi > how\ncp kept/object tree/made\n";

const CONFIG: &str = "[package]\nname = \"timed\"\nversion = \"1.0.0\"\nsummary = \"Timed\"\nlicense = \"MIT\"\n\
    maintainer = \"A <a@example.org>\"\n\n[build]\npreset = \"plain\"\ninput = \"tree\"\nformats = [\"tarball\"]\n\
    command = \"sh ../before; sh tool\"\ninputs = [\"src\", \"tool\"]\n[build.cache]\npaths = [\"kept\"]\nkey = [\"tool\"]\n";

/// A checkout in a folder of its own, below one that has the cache.
fn checkout(top: &Path, name: &str, src: &str) {
    let folder = project(&[("fitout.toml", CONFIG), ("tool", TOOL), ("src", src)]);
    fs::rename(folder.keep(), top.join(name)).unwrap();
    // The next one is younger, whatever the clock of the file system.
    std::thread::sleep(std::time::Duration::from_millis(20));
}

/// How the tool went on, what is packed, what was said.
fn build(top: &Path, name: &str, user: Option<u32>) -> (String, String, String) {
    let folder = top.join(name);
    let mut command = if let Some(user) = user {
        let mut command = fitout_at(&top.join("fitout"), &folder);
        std::os::unix::process::CommandExt::uid(&mut command, user);
        command
    } else {
        fitout(&folder)
    };
    command.arg("build").env("FITOUT_CACHE_DIR", top.join("cache"));
    let (exit, _, said) = finish(command.output().unwrap());
    assert_eq!(exit, 0, "{said}");
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap().trim().to_owned();
    (read("how"), read("tree/made"), said)
}

fn top() -> tempfile::TempDir {
    project(&[("before", "")])
}

#[test]
fn every_checkout_of_the_same_sources_has_nothing_to_build() {
    let top = top();
    let top = top.path();
    for (name, expected) in [("a", "built"), ("b", "kept"), ("c", "kept"), ("d", "kept")] {
        checkout(top, name, "one");
        let (how, _, said) = build(top, name, None);
        assert_eq!(how, expected, "{name}: {said}");
    }
    checkout(top, "e", "two");
    let (how, made, said) = build(top, "e", None);
    assert_eq!((how.as_str(), made.as_str()), ("built", "two"), "{said}");
}

#[test]
fn what_was_edited_while_it_was_built_is_built_elsewhere() {
    let top = top();
    let top = top.path();
    checkout(top, "a", "one");
    // Behind the look at the sources, before the tool reads them.
    fs::write(top.join("before"), "printf two > src\n").unwrap();
    assert_eq!(build(top, "a", None).1, "two");
    fs::write(top.join("before"), "").unwrap();
    checkout(top, "b", "one");
    let (_, made, said) = build(top, "b", None);
    assert_eq!(made, "one", "{said}");
    assert!(said.contains("Restored"), "what else is kept is of use: {said}");
}

#[test]
fn a_source_whose_time_cannot_be_set_keeps_the_folders_away() {
    use std::os::unix::fs::{PermissionsExt as _, chown};
    const NOBODY: u32 = 65534;
    let top = top();
    let top = top.path();
    checkout(top, "a", "one");
    checkout(top, "b", "two");
    fs::create_dir(top.join("cache")).unwrap();
    let open = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    for folder in ["", "a", "b", "cache"] {
        open(&top.join(folder), 0o777);
    }
    if !is_root() {
        assert!(std::env::var_os("FITOUT_REQUIRE_FOREIGN").is_none(), "it takes root to be another user");
        println!("note: another user cannot be had, this check did not run");
        return;
    }
    // By a program of its own: while another test starts one, a file that this process writes cannot be run.
    let copy = std::process::Command::new("cp").arg(fitout(top).get_program()).arg(top.join("fitout")).status();
    assert!(copy.unwrap().success());
    chown(top.join("a/src"), Some(0), Some(0)).unwrap();
    build(top, "a", Some(NOBODY));
    // Older than what was built, as a checkout of long ago.
    let old = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000);
    fs::File::options().write(true).open(top.join("b/src")).unwrap().set_modified(old).unwrap();
    for _ in 0..2 {
        let (how, made, said) = build(top, "b", Some(NOBODY));
        assert_eq!((how.as_str(), made.as_str()), ("built", "two"), "{said}");
        assert!(said.contains("a time that cannot be set") && !said.contains("Restored"), "{said}");
        for made in ["kept", "tree", "dist"] {
            fs::remove_dir_all(top.join("b").join(made)).unwrap();
        }
        // What the first of them kept is of this very source.
        checkout(top, "c", "one");
        open(&top.join("c"), 0o777);
        assert_eq!(build(top, "c", Some(NOBODY)).1, "one");
        fs::remove_dir_all(top.join("c")).unwrap();
    }
}
