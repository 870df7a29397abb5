//! Asks a program of the builder for a fact: git, cargo, a version command.

use std::path::Path;
use std::process::Command;

use crate::interrupt;

/// Why a program gave no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It could not be started.
    Absent(String),
    /// It ended with an error: what it wrote to its error stream, last lines.
    Failed(Vec<String>),
}

impl Refusal {
    /// One line.
    pub fn lines(self) -> Vec<String> {
        match self {
            Self::Absent(why) => vec![why],
            Self::Failed(lines) => lines,
        }
    }
}

impl Refusal {
    /// Whether git says that there is no repository.
    pub fn is_no_repository(&self) -> bool {
        matches!(self, Self::Failed(lines) if lines.iter().any(|line| line.contains("not a git repository")))
    }
}

/// Lines of an error stream that are kept.
const QUOTED: usize = 8;

/// What tells git of another repository than that of the folder it runs in: git sets them for its hooks (githooks(5)).
const OF_A_REPOSITORY: &[&str] =
    &["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX", "GIT_NAMESPACE"];

/// Runs a program in `dir` without standard input; its standard output, if it ended well.
pub(crate) fn ask(dir: &Path, program: &str, arguments: &[&str]) -> Result<String, Refusal> {
    let mut command = Command::new(program);
    command.args(arguments);
    answer(dir, program, &mut command)
}

/// The same of a command whose environment is ready.
pub(crate) fn answer(dir: &Path, program: &str, command: &mut Command) -> Result<String, Refusal> {
    bytes(dir, program, command).map(|output| String::from_utf8_lossy(&output).into_owned())
}

/// The same where the answer need not be text, such as paths.
pub(crate) fn bytes(dir: &Path, program: &str, command: &mut Command) -> Result<Vec<u8>, Refusal> {
    command.current_dir(dir);
    // Messages are quoted to the user and answers are parsed: neither may depend on the builder's language.
    command.env("LC_ALL", "C.UTF-8");
    if program == "git" {
        // A look must leave no trace: `describe --dirty` would rewrite the index.
        command.env("GIT_OPTIONAL_LOCKS", "0");
        for name in OF_A_REPOSITORY {
            command.env_remove(name);
        }
    }
    let absent = |e: std::io::Error| Refusal::Absent(format!("`{program}`: {e}"));
    let output = interrupt::talk(command, &mut std::io::empty(), None).map_err(absent)?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let text = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    let mut lines: Vec<String> =
        lines[lines.len().saturating_sub(QUOTED)..].iter().map(|&line| line.to_owned()).collect();
    if lines.is_empty() {
        lines.push(output.status.to_string());
    }
    Err(Refusal::Failed(lines))
}
