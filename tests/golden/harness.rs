//! What the golden tests share: cases are folders that are copied before anything runs in them, and what is said is
//! compared with a file of the repository.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::{elf, support};

/// The clock of every golden: 2023-11-14.
pub const CLOCK: &str = "1700000000";

/// Compares texts with files under `tests/golden` and remembers which differ.
#[derive(Default)]
pub struct Goldens {
    different: Vec<String>,
    said: usize,
}

impl Goldens {
    /// Compares `said` with the file at this path under `tests/golden`; `FITOUT_BLESS` writes it instead.
    pub fn agree(&mut self, file: impl AsRef<Path>, said: &str) {
        self.said += 1;
        let (name, file) = (file.as_ref().display().to_string(), folder().join(&file));
        if blessing() {
            fs_err::create_dir_all(file.parent().expect("a folder")).expect("makes the folder");
            fs_err::write(&file, said).expect("writes what is expected");
            return;
        }
        let expected = fs_err::read_to_string(&file).unwrap_or_default();
        if said != expected {
            let difference = similar::TextDiff::from_lines(expected.as_str(), said).unified_diff().to_string();
            self.different.push(format!("{name}\n{difference}"));
        }
    }

    /// # Panics
    /// If something differs, or if nothing was compared.
    pub fn finish(self) {
        assert!(self.said > 0, "there are no cases");
        assert!(self.different.is_empty(), "FITOUT_BLESS=1 rewrites these:\n{}", self.different.join("\n"));
    }
}

/// `tests/golden`
pub fn folder() -> PathBuf {
    support::root().join("tests/golden")
}

#[expect(clippy::disallowed_methods, reason = "the switch of the test, not of the program")]
fn blessing() -> bool {
    std::env::var_os("FITOUT_BLESS").is_some()
}

/// The folders in a folder under `tests/golden`, by name.
pub fn folders(under: &str) -> Vec<String> {
    let entries = fs_err::read_dir(folder().join(under)).expect("the folder of the cases");
    let entries = entries.map(|entry| entry.expect("an entry").path());
    let mut names: Vec<String> = entries.filter(|path| path.is_dir()).map(|path| name_of(&path)).collect();
    names.sort();
    names
}

/// The files in a folder, by name.
pub fn files(folder: &Path) -> Vec<String> {
    let entries = fs_err::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let mut names: Vec<String> = entries.filter(|path| path.is_file()).map(|path| name_of(&path)).collect();
    names.sort();
    names
}

fn name_of(path: &Path) -> String {
    path.file_name().expect("a name").to_string_lossy().into_owned()
}

/// A case, copied so that what it makes stays out of the repository.
pub struct Case {
    _holder: tempfile::TempDir,
    /// The copy.
    pub folder: PathBuf,
}

impl Case {
    /// Copies a folder under `tests/golden`. Its `NAME.elf` files become ELF files, its `setup.sh` makes what git cannot carry: empty folders, hard links, odd
    /// names and inodes.
    pub fn copy(name: impl AsRef<Path>) -> Self {
        let holder = tempfile::tempdir().expect("a temporary folder");
        let path = fs_err::canonicalize(holder.path()).expect("its real path").join("project");
        support::copy_tree(&folder().join(name), &path);
        let case = Self { _holder: holder, folder: path };
        elf::make_all(&case.folder);
        if case.folder.join("setup.sh").exists() {
            let output = case.sh("setup.sh");
            assert!(output.status.success(), "setup.sh: {}", String::from_utf8_lossy(&output.stderr));
        }
        case
    }

    /// Runs a script of the case, with this build of `fitout` first on the path.
    pub fn sh(&self, script: &str) -> Output {
        let mut command = Command::new("sh");
        settle(&mut command);
        command.env("FITOUT_CACHE_DIR", self.cache());
        command.args(["-eu", script]).current_dir(&self.folder).output().expect("sh runs")
    }

    /// Runs the program in the copy: exit code, stdout, stderr.
    pub fn fitout(&self, args: &[&str]) -> (i32, String, String) {
        fitout(&self.folder, args)
    }

    /// The cache folder of [`Case::sh`], beside the copy.
    pub fn cache(&self) -> PathBuf {
        self.folder.with_file_name("cache")
    }
}

/// Runs the program in a folder: exit code, stdout, stderr.
pub fn fitout(folder: &Path, args: &[&str]) -> (i32, String, String) {
    let mut command = support::fitout(folder);
    settle(&mut command);
    command.env("FITOUT_CACHE_DIR", folder.with_file_name("cache"));
    support::finish(command.args(args).output().expect("fitout starts"))
}

/// An environment in which the same is said everywhere.
#[expect(clippy::disallowed_methods, reason = "what the tests run gets the path of the tests")]
fn settle(command: &mut Command) {
    let program = Path::new(env!("CARGO_BIN_EXE_fitout")).parent().expect("a folder").to_owned();
    let old = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(std::iter::once(program).chain(std::env::split_paths(&old))).expect("a path");
    command.env("PATH", path).env("SOURCE_DATE_EPOCH", CLOCK);
    // Git must not find the repository of whoever runs this, nor their settings.
    command.env("GIT_CEILING_DIRECTORIES", "/").env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    command.env("CARGO_NET_OFFLINE", "true").env("LC_ALL", "C.UTF-8").env("COLUMNS", "100").env("TZ", "UTC");
    for name in
        ["NO_COLOR", "CLICOLOR_FORCE", "GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITHUB_WORKSPACE", "CARGO_TARGET_DIR"]
    {
        command.env_remove(name);
    }
    for name in ["FITOUT_CONFIG", "FITOUT_ENVIRONMENT", "FITOUT_OUT", "FITOUT_JOBS"] {
        command.env_remove(name);
    }
}
