//! What the integration tests share: the program, copies of the examples, and built artifacts.
#![allow(dead_code, reason = "each test binary uses a part of it")]

pub mod azurite;
pub mod gcs;
pub mod http;
pub mod moto;
mod server;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, OnceLock};

/// The repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The program, in a folder, with an environment that does not depend on who runs the tests.
pub fn fitout(folder: &Path) -> Command {
    fitout_at(Path::new(env!("CARGO_BIN_EXE_fitout")), folder)
}

/// The same of a copy of it: other users may not look where it was built.
pub fn fitout_at(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder);
    for name in ["SOURCE_DATE_EPOCH", "NO_COLOR", "CLICOLOR_FORCE", "GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"] {
        command.env_remove(name);
    }
    command.env("FITOUT_CACHE_DIR", concat!(env!("CARGO_TARGET_TMPDIR"), "/cache"));
    command
}

/// Runs the program and gives exit code, stdout, stderr.
pub fn run(folder: &Path, args: &[&str]) -> (i32, String, String) {
    finish(fitout(folder).args(args).output().expect("fitout starts"))
}

/// Exit code, stdout, stderr; 128 + N for a signal.
pub fn finish(output: Output) -> (i32, String, String) {
    use std::os::unix::process::ExitStatusExt as _;
    let code = output.status.code().unwrap_or_else(|| 128 + output.status.signal().unwrap_or(0));
    (code, String::from_utf8_lossy(&output.stdout).into_owned(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Runs a tool that must succeed and gives its stdout. An absent tool fails the test where `./test` runs it, and is
/// named elsewhere.
pub fn tool(name: &str, args: &[&str]) -> Option<String> {
    match Command::new(name).args(args).output() {
        Ok(output) if output.status.success() => Some(String::from_utf8_lossy(&output.stdout).into_owned()),
        Ok(output) => panic!(
            "{name} {args:?}: {}\n{}{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        ),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            assert!(std::env::var_os("FITOUT_REQUIRE_FOREIGN").is_none(), "{name} is not installed");
            println!("note: {name} is not installed, its checks did not run");
            None
        }
        Err(error) => panic!("{name}: {error}"),
    }
}

/// Copies a tree: modes, links and empty folders kept, times not.
pub fn copy_tree(from: &Path, to: &Path) {
    let status =
        Command::new("cp").args(["-R", "-P", "--preserve=mode,links"]).arg(from).arg(to).status().expect("cp runs");
    assert!(status.success(), "cp {} {}", from.display(), to.display());
}

/// Writes a project: (path, content) pairs.
pub fn project(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (path, content) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, content).expect("a file");
    }
    folder
}

/// An example, copied out of the repository and built once per test binary; its folder with `dist` inside.
pub fn example(name: &'static str) -> PathBuf {
    built(name, "", |folder| {
        copy_example(name, folder);
        let (code, _, stderr) = run(&folder.join(name), &["build"]);
        assert_eq!(code, 0, "{name}: {stderr}");
    })
}

/// The next version of an example, as packages and tarball; its folder with `dist` inside.
pub fn newer_example(name: &'static str) -> PathBuf {
    let first = example(name);
    built(name, "newer", |folder| {
        // With what the first build compiled.
        copy_tree(&first, folder);
        let project = folder.join(name);
        std::fs::remove_dir_all(project.join("dist")).expect("removes what was built");
        // Mix tells by the second whether mix.exs is newer than what it made of it.
        let _ = std::fs::remove_dir_all(project.join("_build/prod/lib/hello_otp"));
        let changes: &[(&str, &str, &str)] = match name {
            "plain" => &[
                ("VERSION", "1.2.0", "1.3.0"),
                ("CHANGELOG.md", "# Changelog", "# Changelog\n\n## [1.3.0] - 2026-11-21\n- More pages"),
            ],
            "hello-rust" => &[
                ("Cargo.toml", "1.4.0-rc.1", "1.4.0"),
                ("Cargo.lock", "1.4.0-rc.1", "1.4.0"),
                ("conf/env", "# Environment of hello-rust", "# Environment of hello-rust, read at each start"),
            ],
            _ => &[("mix.exs", "0.3.1", "0.4.0")],
        };
        for (file, old, new) in changes {
            let text = std::fs::read_to_string(project.join(file)).expect("a file of the example");
            assert!(text.contains(old), "{file} without {old}");
            std::fs::write(project.join(file), text.replacen(old, new, 1)).expect("writes it");
        }
        let (code, _, stderr) = run(&project, &["build", "--format", "deb,rpm,tarball"]);
        assert_eq!(code, 0, "{name}: {stderr}");
    })
}

/// What is built once per test binary.
fn built(name: &'static str, which: &'static str, build: impl FnOnce(&Path)) -> PathBuf {
    type Built = Vec<(&'static str, &'static str, tempfile::TempDir)>;
    static BUILT: OnceLock<Mutex<Built>> = OnceLock::new();
    let mut built = BUILT.get_or_init(Mutex::default).lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some((_, _, folder)) = built.iter().find(|(other, version, _)| (*other, *version) == (name, which)) {
        return folder.path().join(name);
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    build(folder.path());
    let path = folder.path().join(name);
    built.push((name, which, folder));
    path
}

/// Copies what of an example is tracked: no build output of an earlier run.
pub fn copy_example(name: &str, to: &Path) {
    copy_tree(&root().join("examples").join(name), to);
    for output in ["dist", "target", "_build"] {
        let _ = std::fs::remove_dir_all(to.join(name).join(output));
    }
}

/// The one artifact of an example whose name ends so.
pub fn artifact(name: &'static str, suffix: &str) -> PathBuf {
    artifact_of(&example(name), suffix)
}

/// The one artifact of a built project whose name ends so.
pub fn artifact_of(project: &Path, suffix: &str) -> PathBuf {
    let dist = project.join("dist");
    let mut found: Vec<PathBuf> = std::fs::read_dir(&dist)
        .expect("dist")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.to_string_lossy().ends_with(suffix))
        .collect();
    assert_eq!(found.len(), 1, "*{suffix} in {}", dist.display());
    found.remove(0)
}

/// All files below a folder with their bytes, by relative path.
pub fn contents(folder: &Path) -> std::collections::BTreeMap<String, Vec<u8>> {
    std::fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_file())
        .map(|path| {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            (name, std::fs::read(&path).expect("a readable file"))
        })
        .collect()
}

/// Whether the tests may install packages into roots and give files away.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}
