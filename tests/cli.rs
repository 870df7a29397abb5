//! Bad input is normal input: a code, a place or path, a help line, the right exit code, and nothing written.
#![allow(
    clippy::disallowed_methods,
    clippy::pedantic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests tell what they found, and stop where they are wrong"
)]

mod support;

#[path = "cli/artifacts.rs"]
mod artifacts;
#[path = "cli/assembled.rs"]
mod assembled;
#[path = "cli/cache.rs"]
mod cache;
#[path = "cli/ci.rs"]
mod ci;
#[path = "cli/command.rs"]
mod command;
#[path = "cli/environments.rs"]
mod environments;
#[path = "cli/full.rs"]
mod full;
#[path = "cli/init.rs"]
mod init;
#[path = "cli/kept.rs"]
mod kept;
#[path = "cli/keys.rs"]
mod keys;
#[path = "cli/later.rs"]
mod later;
#[path = "cli/merge.rs"]
mod merge;
#[path = "cli/output.rs"]
mod output;
#[path = "cli/release.rs"]
mod release;
#[path = "cli/signals.rs"]
mod signals;
#[path = "cli/skip.rs"]
mod skip;
#[path = "cli/step.rs"]
mod step;
#[path = "cli/targets.rs"]
mod targets;
#[path = "cli/templates.rs"]
mod templates;
#[path = "cli/times.rs"]
mod times;
#[path = "cli/together.rs"]
mod together;
#[path = "cli/unchanged.rs"]
mod unchanged;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use support::{finish, fitout, project, run};

/// A config with everything that is asked for; `rest` goes behind `[build] preset = "plain"`.
fn config(rest: &str) -> String {
    with("name = \"bad\"\nversion = \"1.0.0\"\nmaintainer = \"Ops Team <ops@example.org>\"", rest)
}

fn with(package: &str, rest: &str) -> String {
    format!("[package]\n{package}\nsummary = \"Bad input\"\nlicense = \"MIT\"\n\n[build]\npreset = \"plain\"\n\n{rest}")
}

const TREE: &str = "[[files]]\nfrom = \"tree\"\nto = \"/usr/lib/bad\"\n";

/// Builds and expects a refusal with this code, that says what to do, and that nothing was written.
fn refused(folder: &Path, exit: i32, code: &str) -> String {
    refused_with(folder, exit, code, &["build"])
}

fn refused_with(folder: &Path, exit: i32, code: &str, args: &[&str]) -> String {
    let (status, stdout, stderr) = run(folder, args);
    assert!(stderr.contains(&format!("error[{code}]")), "wanted {code}, exit {status}:\n{stderr}");
    assert_eq!(status, exit, "{stderr}");
    assert!(stderr.contains("= help: ") || stderr.contains("did you mean"), "no help line:\n{stderr}");
    assert!(stderr.contains("-->") || exit == 3, "no place:\n{stderr}");
    assert_eq!(stdout, "", "data on stdout");
    let dist = folder.join("dist");
    let written = fs::read_dir(&dist).map_or(0, Iterator::count);
    assert_eq!(written, 0, "something was written to dist");
    stderr
}

#[test]
fn no_config() {
    let folder = tempfile::tempdir().unwrap();
    refused(folder.path(), 2, "config/not-found");
}

#[test]
fn bad_facts() {
    let name =
        |name: &str| with(&format!("name = {name:?}\nversion = \"1.0\"\nmaintainer = \"O <o@example.org>\""), TREE);
    let version = |version: &str| {
        with(&format!("name = \"bad\"\nversion = {version:?}\nmaintainer = \"O <o@example.org>\""), TREE)
    };
    for (text, code) in [
        (name("Bad_Name"), "deb/name"),
        (version("1.0 beta"), "resolve/version"),
        (version(""), "resolve/version"),
        (with("name = \"bad\"\nversion = \"1.0\"\nmaintainer = \"nobody\"", TREE), "resolve/maintainer"),
        (config(&format!("{TREE}[format.deb]\ndepends = [\"libc6 (>> )\"]\n")), "deb/relation"),
        (config(&format!("{TREE}[format.rpm]\nrequires = [\"foo >=\"]\n")), "rpm/relation"),
        (config(&format!("{TREE}mode = \"0999\"\n")), "config/invalid-value"),
        (config(&format!("{TREE}owner = \"no such:user\"\n")), "files/owner"),
    ] {
        let folder = project(&[("fitout.toml", &text), ("tree/a", "a")]);
        refused(folder.path(), 2, code);
    }
}

#[test]
fn bad_files() {
    for (rules, code) in [
        ("[[files]]\nfrom = \"trea\"\nto = \"/usr/lib/bad\"\n", "files/not-found"),
        ("[[files]]\nfrom = \"tree/*.txt\"\nto = \"/usr/lib/bad\"\n", "files/no-match"),
        ("[[files]]\nfrom = \"tree/a\"\nto = \"/usr/x\"\n[[files]]\ntext = \"b\"\nto = \"/usr/x\"\n", "files/conflict"),
        ("[[files]]\nfrom = \"tree/a\"\nto = \"/usr/../../etc/x\"\n", "resolve/path"),
        ("[[files]]\nfrom = \"empty\"\nto = \"/usr/lib/bad\"\n", "files/empty-tree"),
        ("[[files]]\ntext = \"{nosuch}\"\nto = \"/usr/lib/bad/x\"\nrender = true\n", "config/unset-hole"),
    ] {
        let folder = project(&[("fitout.toml", &config(rules)), ("tree/a", "a")]);
        fs::create_dir(folder.path().join("empty")).unwrap();
        refused(folder.path(), 2, code);
    }
}

#[test]
fn odd_inodes() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    type Make = fn(&Path);
    let cases: [(Make, &str); 7] = [
        (|tree| fs::write(tree.join(OsStr::from_bytes(b"caf\xe9")), "x").unwrap(), "files/name"),
        (|tree| fs::write(tree.join("two\nlines"), "x").unwrap(), "files/name"),
        (|tree| symlink("nowhere", tree.join("link")).unwrap(), "files/dangling-link"),
        (|tree| symlink("loop", tree.join("loop")).unwrap(), "files/link-loop"),
        (|tree| symlink("../../outside", tree.join("link")).unwrap(), "files/escaping-link"),
        (|tree| drop(std::os::unix::net::UnixListener::bind(tree.join("socket")).unwrap()), "files/special"),
        (
            |tree| assert!(std::process::Command::new("mkfifo").arg(tree.join("pipe")).status().unwrap().success()),
            "files/special",
        ),
    ];
    for (make, code) in cases {
        let folder = project(&[("fitout.toml", &config(TREE)), ("tree/a", "a")]);
        make(&folder.path().join("tree"));
        refused(folder.path(), 2, code);
    }
}

#[test]
fn an_output_folder_that_cannot_be_written() {
    let folder = project(&[("fitout.toml", &config(TREE)), ("tree/a", "a"), ("file", "")]);
    let (code, _, stderr) = run(folder.path(), &["build", "--out", "file/dist"]);
    assert_eq!(code, 3, "{stderr}");
    assert!(stderr.contains("error[engine/write]"), "{stderr}");
}

#[test]
fn a_full_disk_leaves_nothing() {
    if !support::is_root() {
        println!("note: not root, no small file system to fill");
        return;
    }
    let mut state = 1u32;
    let noise: String = (0..4_000_000)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            char::from(b'!' + (state >> 24) as u8 % 90)
        })
        .collect();
    let folder = project(&[("fitout.toml", &config(TREE)), ("tree/a", &noise), ("dist/x", "")]);
    fs::remove_file(folder.path().join("dist/x")).unwrap();
    let dist = folder.path().join("dist");
    let mount =
        std::process::Command::new("mount").args(["-t", "tmpfs", "-o", "size=6m", "none"]).arg(&dist).status().unwrap();
    assert!(mount.success());
    let (code, _, stderr) = run(folder.path(), &["build"]);
    let left = fs::read_dir(&dist).unwrap().count();
    assert!(std::process::Command::new("umount").arg(&dist).status().unwrap().success());
    assert_eq!(code, 3, "{stderr}");
    assert!(stderr.contains("error[engine/write]") && stderr.contains("free some space"), "{stderr}");
    assert_eq!(left, 0, "something is left");
}

#[test]
fn a_foreign_architecture_is_refused() {
    // The smallest ELF header that says aarch64.
    let mut elf = vec![0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 183, 0, 1, 0, 0, 0];
    elf.resize(64, 0);
    elf[52] = 64;
    let folder = project(&[("fitout.toml", &config(TREE)), ("tree/a", "a")]);
    fs::write(folder.path().join("tree/program"), elf).unwrap();
    let said = refused_with(folder.path(), 2, "elf/wrong-arch", &["build", "--target", "linux/amd64"]);
    assert!(said.contains("arm64") && said.contains("amd64"), "{said}");
}

#[test]
fn usage_errors_are_two_and_say_so() {
    let folder = tempfile::tempdir().unwrap();
    for args in [&["bild"][..], &["build", "--formats", "deb"], &["inspect"], &["build", "--jobs", "0"]] {
        let (code, stdout, stderr) = run(folder.path(), args);
        assert_eq!((code, stdout.as_str()), (2, ""), "{args:?}: {stderr}");
    }
    let folder = project(&[("fitout.toml", &config(TREE)), ("tree/a", "a")]);
    let (code, _, stderr) = run(folder.path(), &["build", "--format", "dep"]);
    assert_eq!(code, 2);
    assert!(stderr.contains("did you mean `deb`?"), "{stderr}");
}

#[test]
fn a_closed_pipe_is_success() {
    let folder = project(&[("fitout.toml", &config(TREE)), ("tree/a", "a")]);
    let script =
        "set -o pipefail; \"$0\" explain config/unknown-key | true; \"$0\" generate schema | head -c 10 >/dev/null";
    let output = std::process::Command::new("bash")
        .args(["-c", script, env!("CARGO_BIN_EXE_fitout")])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert_eq!(finish(output).0, 0);
}

#[test]
fn results_are_on_stdout_and_everything_else_is_not() {
    let folder = project(&[("fitout.toml", &config(TREE)), ("tree/a", "a")]);
    let (code, stdout, stderr) = run(folder.path(), &["build", "--format", "zip,deb"]);
    assert_eq!(code, 0, "{stderr}");
    let paths: Vec<&str> = stdout.lines().collect();
    assert_eq!(paths.len(), 2, "{stdout}");
    for path in &paths {
        assert!(folder.path().join(path).is_file(), "{path}");
    }
    assert!(stderr.contains("Finished"), "{stderr}");
    for args in [
        &["--json", "build"][..],
        &["plan", "--json"],
        &["inspect", "--json", paths[0]],
        &["diff", "--json", paths[0], paths[1]],
        &["lint", "--json"],
        &["lint", "--json", paths[0]],
        &["explain", "--json", "/usr/lib/bad/a"],
        &["explain", "--json", "config/unknown-key"],
        &["templates", "list", "--json"],
        &["templates", "show", "launcher/command.sh", "--json"],
        &["generate", "schema"],
        &["inspect", "--json", "fitout.toml"],
    ] {
        let output = fitout(folder.path()).args(args).output().unwrap();
        let (_, stdout, stderr) = finish(output);
        let document: serde_json::Value =
            serde_json::from_str(&stdout).unwrap_or_else(|e| panic!("{args:?}: {e}\n{stdout}{stderr}"));
        assert!(document["schema"].is_string() || document["$schema"].is_string(), "{args:?}");
    }
}

#[test]
fn colour_is_as_it_was_asked_for() {
    let folder = project(&[("fitout.toml", "nmae = 1\n")]);
    for (args, environment, coloured) in [
        (&["lint"][..], &[][..], false),
        (&["lint", "--color", "always"], &[("NO_COLOR", "1")], true),
        (&["lint"], &[("CLICOLOR_FORCE", "1")], true),
        (&["lint"], &[("CLICOLOR_FORCE", "0")], false),
        (&["lint"], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false),
        (&["lint", "--color", "never"], &[("CLICOLOR_FORCE", "1")], false),
        (&["lint", "--color", "always", "--json"], &[], false),
    ] {
        let mut command = fitout(folder.path());
        let (code, stdout, stderr) = finish(command.envs(environment.iter().copied()).args(args).output().unwrap());
        assert_eq!((code, stderr.contains('\u{1b}')), (2, coloured), "{args:?} {environment:?}: {stderr}");
        assert!(!stdout.contains('\u{1b}'), "{stdout}");
    }
}

#[test]
fn findings_are_annotations_on_github() {
    let folder = project(&[("apps/bad/fitout.toml", "[package]\nnmae = \"bad\"\n")]);
    for args in [&["-C", "apps/bad", "lint"][..], &["lint", "--config", "apps/bad/fitout.toml", "--json"]] {
        let mut command = fitout(folder.path());
        command.env("GITHUB_ACTIONS", "true").env("GITHUB_WORKSPACE", folder.path());
        let (code, _, stderr) = finish(command.args(args).output().unwrap());
        assert_eq!(code, 2, "{stderr}");
        let place = "::error file=apps/bad/fitout.toml,line=2,col=1,endColumn=5,title=config/unknown-key::";
        assert!(stderr.lines().any(|line| line.starts_with(place)), "{args:?}: {stderr}");
    }
}

#[test]
fn templates_are_listed_and_shown() {
    let folder = tempfile::tempdir().unwrap();
    let (code, list, stderr) = run(folder.path(), &["templates", "list"]);
    assert_eq!(code, 0, "{stderr}");
    for line in list.lines() {
        let name = line.split(' ').next().unwrap();
        let (code, text, stderr) = run(folder.path(), &["templates", "show", name]);
        assert_eq!(code, 0, "{stderr}");
        let file = support::root().join("templates").join(format!("{name}.hbs"));
        assert_eq!(text, fs::read_to_string(file).unwrap(), "{name}");
    }
    assert!(list.lines().count() > 1, "{list}");
    let (code, stdout, stderr) = run(folder.path(), &["templates", "show", "launcher/comand.sh"]);
    assert_eq!((code, stdout.as_str()), (2, ""), "{stderr}");
    assert!(stderr.contains("error[cli/no-template]"), "{stderr}");
    assert!(stderr.contains("did you mean `launcher/command.sh`?"), "{stderr}");
}

#[test]
fn a_folder_in_the_way_is_found_before_anything_has_its_name() {
    let folder = project(&[("fitout.toml", &config(TREE)), ("tree/a", "a")]);
    let dist = folder.path().join("dist");
    fs::create_dir_all(dist.join("bad-1.0.0-linux-amd64.zip")).unwrap();
    let (code, stdout, stderr) = run(folder.path(), &["build", "--target", "linux/amd64"]);
    assert_eq!((code, stdout.as_str()), (3, ""), "{stderr}");
    assert!(stderr.contains("error[engine/write]"), "{stderr}");
    let left: Vec<_> = fs::read_dir(&dist).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["bad-1.0.0-linux-amd64.zip"], "something else is left");
}

#[test]
fn a_result_that_cannot_be_printed_is_no_success() {
    let folder = project(&[("fitout.toml", &config(TREE)), ("tree/a", "a")]);
    for args in [&["plan"][..], &["plan", "--json"], &["build", "-q"], &["explain", "config/unknown-key"]] {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let (code, _, stderr) = finish(fitout(folder.path()).args(args).stdout(full).output().unwrap());
        assert_eq!(code, 3, "{args:?}: {stderr}");
        assert!(stderr.contains("error[cli/stdout]"), "{args:?}: {stderr}");
    }
}
