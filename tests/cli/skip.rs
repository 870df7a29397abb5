//! The build step is skipped where nothing that it reads has changed and what it made is as it was left; never else.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::{finish, fitout, project};

const HEAD: &str = "[package]\nname = \"skip\"\nversion = \"1.0.0\"\nsummary = \"Skips\"\nlicense = \"MIT\"\n\
                    maintainer = \"A <a@example.org>\"\n\n[build]\npreset = \"plain\"\ninput = \"tree\"\nformats = [\"tarball\"]\n";
const COMMAND: &str = "command = \"echo ran >> ../ran-$(basename $PWD); mkdir -p tree; cat src/a > tree/a\"\n";

/// A project in a folder of its own: what counts the runs lies beside it.
fn skipping(rest: &str) -> tempfile::TempDir {
    project(&[("p/fitout.toml", &format!("{HEAD}{COMMAND}{rest}")), ("p/src/a", "one"), ("p/README.md", "read me")])
}

/// Builds; whether the command ran.
fn ran_with(top: &Path, args: &[&str], env: &[(&str, &str)]) -> bool {
    let count = || fs::read_to_string(top.join("ran-p")).map_or(0, |text| text.lines().count());
    let before = count();
    let mut command = fitout(&top.join("p"));
    command.arg("build").args(args).env("FITOUT_CACHE_DIR", top.join("cache")).envs(env.iter().copied());
    let (exit, _, stderr) = finish(command.output().unwrap());
    assert_eq!(exit, 0, "{stderr}");
    let ran = count() > before;
    assert_eq!(ran, !stderr.contains("Skipped"), "{stderr}");
    ran
}

fn ran(top: &Path) -> bool {
    ran_with(top, &[], &[])
}

fn write(top: &Path, name: &str, text: &str) {
    fs::write(top.join("p").join(name), text).unwrap();
}

#[test]
fn nothing_changed_nothing_runs() {
    let top = skipping("");
    let top = top.path();
    assert!(ran(top), "the first");
    assert!(!ran(top), "the second");
    write(top, "src/a", "one");
    assert!(!ran(top), "touched");
    assert!(
        !ran_with(top, &["--format", "tarball"], &[("SOME_SECRET", "x"), ("TERM", "vt100")]),
        "nothing that it sees"
    );
    let config = fs::read_to_string(top.join("p/fitout.toml")).unwrap();
    write(top, "fitout.toml", &config.replace("Skips", "Still skips"));
    assert!(!ran(top), "what the package says of itself is nothing to the build");
}

#[test]
fn whatever_it_reads_makes_it_run() {
    let top = skipping("pass-env = [\"MINE\"]\n");
    let top = top.path();
    assert!(ran(top));
    // Of one size, and so soon that a coarse clock shows the same time.
    for text in ["two", "six", "ten"] {
        write(top, "src/a", text);
        assert!(ran(top), "changed to {text}");
        assert_eq!(fs::read_to_string(top.join("p/tree/a")).unwrap(), text);
    }
    write(top, "src/new", "");
    assert!(ran(top), "a new file");
    fs::remove_file(top.join("p/src/new")).unwrap();
    assert!(ran(top), "a file that is gone");
    assert!(ran_with(top, &[], &[("MINE", "x")]), "a variable that is passed");
    assert!(!ran_with(top, &[], &[("MINE", "x")]));
    assert!(ran_with(top, &[], &[("MINE", "x"), ("CFLAGS", "-O3")]), "a variable of compilers");
    let config = fs::read_to_string(top.join("p/fitout.toml")).unwrap();
    write(top, "fitout.toml", &config.replace("mkdir -p", "mkdir  -p"));
    assert!(ran(top), "the command");
    assert!(!ran(top));
}

#[test]
fn what_it_made_must_be_as_it_was_left() {
    let top = skipping("");
    let top = top.path();
    assert!(ran(top) && !ran(top));
    fs::remove_dir_all(top.join("p/tree")).unwrap();
    assert!(ran(top), "the input is gone");
    write(top, "tree/a", "mine");
    assert!(ran(top), "the input was edited");
    assert_eq!(fs::read_to_string(top.join("p/tree/a")).unwrap(), "one");
    write(top, "tree/more", "");
    assert!(ran(top), "something was added to the input");
    assert!(!ran(top));
}

/// What the command of a project runs besides, which a test changes between two builds.
fn with_more(top: &Path, more: &str) {
    fs::write(top.join("more"), more).unwrap();
}

/// A project whose command runs that, and packs all of its sources.
fn changing(rest: &str) -> tempfile::TempDir {
    let command =
        "command = \"echo ran >> ../ran-$(basename $PWD); mkdir -p tree out; cat src/* > tree/a; sh ../more\"\n";
    let config = format!("{HEAD}{command}{rest}");
    project(&[("p/fitout.toml", &config), ("p/src/a", "one"), ("more", "")])
}

#[test]
fn a_source_that_came_while_it_was_built_is_built() {
    let top = changing("");
    let top = top.path();
    let packed = || fs::read_to_string(top.join("p/tree/a")).unwrap();
    assert!(ran(top) && !ran(top));
    write(top, "src/a", "1");
    for text in ["two", "three", "four"] {
        with_more(top, &format!("printf {text} > src/b\n"));
        assert!(ran(top) && !packed().contains(text), "the command has read them by then: {text}");
    }
    with_more(top, "");
    assert!(ran(top), "a file that came, and was edited, while it was built");
    assert_eq!(packed(), "1four");
    assert!(!ran(top));
    // One that lies in a folder that a rule takes, too.
    let top = changing("\n[[files]]\nfrom = \"src\"\nto = \"/usr/share/skip\"\n");
    let top = top.path();
    with_more(top, "test -e src/b || printf two > src/b\n");
    assert!(ran(top) && ran(top) && !ran(top));
}

#[test]
fn what_it_leaves_among_its_inputs_costs_one_build_more() {
    for more in ["cat src/a > beside\n", "test -e beside || cat src/a > beside\n"] {
        let top = changing("");
        let top = top.path();
        with_more(top, more);
        assert!(ran(top) && ran(top) && !ran(top), "{more}");
        fs::remove_file(top.join("p/beside")).unwrap();
        assert!(ran(top), "something that it made beside the input is gone");
    }
    let top = changing("");
    let top = top.path();
    with_more(top, "cat src/a > beside\n");
    assert!(ran(top) && ran(top) && !ran(top));
    write(top, "src/a", "two");
    assert!(ran(top) && !ran(top), "it is known that the step makes it");
    write(top, "beside", "mine");
    assert!(ran(top) && !ran(top));
}

#[test]
fn what_only_a_rule_takes_is_looked_at_too() {
    for more in ["cat src/a > out/app\n", "test -e out/app || cat src/a > out/app\n"] {
        let top = changing("\n[[files]]\nfrom = \"out/app\"\nto = \"/usr/bin/app\"\n");
        let top = top.path();
        let config = fs::read_to_string(top.join("p/fitout.toml")).unwrap();
        write(top, "fitout.toml", &config.replace("input = \"tree\"\n", ""));
        with_more(top, &format!("rm -r tree\n{more}"));
        assert!(ran(top) && ran(top) && !ran(top), "{more}");
        fs::remove_file(top.join("p/out/app")).unwrap();
        assert!(ran(top), "{more}");
    }
}

#[test]
fn it_can_be_made_to_run() {
    let top = skipping("");
    let top = top.path();
    assert!(ran(top) && ran_with(top, &["--no-cache"], &[]));
    let top = skipping("skip = false\n");
    let top = top.path();
    assert!(ran(top) && ran(top));
}

#[test]
fn inputs_may_be_named() {
    let top = skipping("inputs = [\"src/**\", \"../shared\"]\n");
    let top = top.path();
    assert!(ran(top) && !ran(top));
    write(top, "README.md", "read me, please");
    assert!(!ran(top));
    fs::write(top.join("shared"), "now there").unwrap();
    assert!(ran(top) && !ran(top));
}

#[test]
fn a_failing_test_is_run_again() {
    let top = skipping("test = \"test -f ../pass\"\n");
    let top = top.path();
    for _ in 0..2 {
        let mut command = fitout(&top.join("p"));
        let output = command.arg("build").env("FITOUT_CACHE_DIR", top.join("cache")).output().unwrap();
        assert_eq!(finish(output).0, 3);
    }
    fs::write(top.join("pass"), "").unwrap();
    assert!(ran(top) && !ran(top));
}

#[test]
fn a_repository_counts_as_a_whole_with_its_commit() {
    let top = skipping("");
    let top = top.path();
    let git = |args: &[&str]| {
        let mut command = Command::new("git");
        command.arg("-C").arg(top).args(["-c", "user.name=t", "-c", "user.email=t@example.org"]).args(args);
        assert!(command.output().unwrap().status.success(), "{args:?}");
    };
    git(&["init", "-q"]);
    fs::write(top.join(".gitignore"), "/cache\n/ran-p\n/p/tree\n/p/dist\n/p/ignored\n").unwrap();
    git(&["add", "-A"]);
    git(&["commit", "-qm", "one"]);
    assert!(ran(top) && !ran(top));
    write(top, "ignored", "");
    assert!(!ran(top));
    fs::write(top.join("shared"), "beside the project").unwrap();
    assert!(ran(top) && !ran(top));
    git(&["add", "-A"]);
    git(&["commit", "-qm", "two"]);
    assert!(ran(top) && !ran(top), "a build may ask for the commit");
    git(&["tag", "v1"]);
    assert!(ran(top) && !ran(top), "and for the tag");
}

#[test]
fn a_repository_that_git_refuses_is_no_folder_without_one() {
    let top = skipping("");
    let top = top.path();
    let git = |args: &[&str]| assert!(Command::new("git").arg("-C").arg(top).args(args).status().unwrap().success());
    git(&["init", "-q"]);
    fs::write(top.join(".gitignore"), "/cache\n/ran-p\n/p/tree\n/p/dist\n").unwrap();
    git(&["add", "-A"]);
    // As in a checkout that belongs to another user: what lies beside the project counts, and nobody can tell what does.
    let refused = [("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")];
    assert!(ran(top) && !ran(top));
    assert!(ran_with(top, &[], &refused) && ran_with(top, &[], &refused));
    assert!(ran(top) && !ran(top));
}

#[test]
fn where_a_link_leads_is_read() {
    let top = skipping("");
    let top = top.path();
    fs::write(top.join("outside"), "one").unwrap();
    fs::remove_file(top.join("p/src/a")).unwrap();
    std::os::unix::fs::symlink("../../outside", top.join("p/src/a")).unwrap();
    assert!(ran(top) && !ran(top));
    fs::write(top.join("outside"), "two").unwrap();
    assert!(ran(top) && !ran(top));
    assert_eq!(fs::read_to_string(top.join("p/tree/a")).unwrap(), "two");
}

#[test]
fn a_broken_stamp_costs_a_build_only() {
    let top = skipping("");
    let top = top.path();
    assert!(ran(top) && !ran(top));
    let folder = fs::read_dir(top.join("cache/projects")).unwrap().next().unwrap().unwrap().path();
    for text in ["", "{}", "\0\0", "{\"schema\":2,\"facts\":{},\"inputs\":{},\"left\":{}}"] {
        fs::write(folder.join("stamp.json"), text).unwrap();
        assert!(ran(top), "{text:?}");
    }
    assert!(!ran(top));
}

#[test]
fn what_was_published_beside_it_is_no_input() {
    let top = skipping("[[publish.files]]\nto = \"file:shop\"\n");
    let top = top.path();
    for _ in 0..3 {
        ran(top);
    }
    fs::create_dir(top.join("p/shop")).unwrap();
    write(top, "shop/.fitout.lock", "");
    write(top, "shop/skip-1.0.0.tar.gz", "published");
    assert!(!ran(top));
    write(top, "shop-window", "another name");
    assert!(ran(top));
}
