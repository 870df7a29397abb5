//! Versions of the programs that build: what they make depends on them.
//!
//! Enters: tools, command lines, and the environment of the build. Leaves: one line each, the same on every machine that has
//! the same versions. What takes a while to ask is remembered for as long as the programs themselves are the same files.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::ask::answer;
use super::environment::Environment;
use super::seen::Stat;
use super::tool::{self, Tool};
use crate::codec::hashes::{Hashes, sums};
use crate::codec::hex::hex;
use crate::interrupt;

/// The version of a tool's language, or why it is not known.
pub fn version(tool: &Tool, environment: &Environment, folder: &Path, memory: Option<&Path>) -> String {
    let memory = memory
        .filter(|_| tool.slow)
        .and_then(|memory| Some(memory.join(format!("{}.version", key(tool, environment)?))));
    let known = memory.as_ref().and_then(|path| fs_err::read_to_string(path).ok());
    // A power cut may leave an empty file.
    if let Some(known) = known.filter(|known| !known.is_empty()) {
        return known;
    }
    let [program, arguments @ ..] = tool.version else { return String::new() };
    let mut command = Command::new(environment.program(program).unwrap_or_else(|| program.into()));
    environment.apply(command.args(arguments));
    match answer(folder, program, &mut command) {
        Ok(said) => {
            let version = portable(&said);
            // It is only remembered: who cannot write it asks again.
            if let Some(path) = memory {
                let _ = path.parent().map(fs_err::create_dir_all);
                let _ = interrupt::replace(&path, version.as_bytes());
            }
            version
        }
        Err(refusal) => refusal.lines().join("\n"),
    }
}

/// Names the files that answer. A version manager's shim is the same file whatever it starts.
fn key(tool: &Tool, environment: &Environment) -> Option<String> {
    let mut all = String::from(tool.name);
    for program in tool.programs {
        let path = environment.program(program)?;
        if path.components().any(|part| part.as_os_str() == "shims") {
            return None;
        }
        let real = fs_err::canonicalize(path).ok()?;
        let stat = Stat::of(&fs_err::metadata(&real).ok()?);
        let _ = write!(all, "\n{} {stat:?}", real.display());
    }
    Some(hex(&sums(all.as_bytes(), Hashes::SHA256).sha256?[..16]))
}

/// Without what depends on the machine: `[smp:2:2]` is its number of processors.
fn portable(said: &str) -> String {
    let lines = said.lines().map(|line| {
        let words = line.split_whitespace().filter(|word| !word.starts_with('[') || word.starts_with("[erts-"));
        words.collect::<Vec<_>>().join(" ")
    });
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

/// The programs that command lines name, as files: an upgrade of any of them is seen.
pub fn programs<'l>(lines: impl Iterator<Item = &'l str>, environment: &Environment) -> Vec<String> {
    let words: BTreeSet<&str> = lines.flat_map(tool::words).filter(|word| !word.contains('/')).collect();
    let found = words.into_iter().filter_map(|word| environment.program(word));
    let real: BTreeSet<PathBuf> = found.filter_map(|path| fs_err::canonicalize(path).ok()).collect();
    let stat = |path: &PathBuf| Some(format!("{} {:?}", path.display(), Stat::of(&fs_err::metadata(path).ok()?)));
    real.iter().filter_map(stat).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::environment::Variables;
    use crate::config::schema;

    #[test]
    fn the_number_of_processors_is_no_version() {
        let said = "Erlang/OTP 25 [erts-13.1.5] [source] [64-bit] [smp:2:2] [jit:ns]\n\nElixir 1.14.0 (compiled with Erlang/OTP 24)\n";
        assert_eq!(portable(said), "Erlang/OTP 25 [erts-13.1.5]\nElixir 1.14.0 (compiled with Erlang/OTP 24)");
    }

    #[test]
    fn an_answer_is_remembered_until_the_program_is_another() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let (bin, memory) = (folder.path().join("bin"), folder.path().join("memory"));
        fs_err::create_dir_all(&bin).unwrap();
        let install = |name: &str, version: &str| {
            let path = bin.join(name);
            fs_err::write(
                &path,
                format!("#!/bin/sh\necho asked >> {}/asked\necho {version}\n", folder.path().display()),
            )
            .unwrap();
            fs_err::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        };
        ["mix", "elixir", "erl"].iter().for_each(|name| install(name, "one"));
        let given = Variables::from([("PATH".into(), format!("{}:/bin", bin.display()).into())]);
        let environment = Environment::new(&given, &[], &[]);
        let ask = || version(tool::of(schema::Tool::Mix), &environment, folder.path(), Some(&memory));
        assert_eq!((ask(), ask()), ("one".to_owned(), "one".to_owned()));
        assert_eq!(fs_err::read_to_string(folder.path().join("asked")).unwrap(), "asked\n");
        install("elixir", "twenty");
        assert_eq!(ask(), "twenty");
        for entry in fs_err::read_dir(&memory).unwrap() {
            fs_err::write(entry.unwrap().path(), "").unwrap();
        }
        assert_eq!((ask(), ask()), ("twenty".to_owned(), "twenty".to_owned()));
        assert_eq!(fs_err::read_to_string(folder.path().join("asked")).unwrap(), "asked\n".repeat(3));
    }
}
