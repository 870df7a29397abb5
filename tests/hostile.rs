//! Artifacts that were cut, altered or made to harm: reading reports what is wrong, in bounded memory, and never panics.
#![allow(
    clippy::disallowed_methods,
    clippy::pedantic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests tell what they found, and stop where they are wrong"
)]

mod support;

#[path = "hostile/bombs.rs"]
mod bombs;
#[path = "hostile/damage.rs"]
mod damage;

use std::path::Path;
use std::process::Command;

use support::finish;

/// Address space of a reader, in KiB: 1 GiB, of which threads and their stacks take a part.
const MEMORY_KIB: u32 = 1 << 20;

/// Runs the program under a limit of memory and of processor time: exit code, stdout, stderr.
fn limited(folder: &Path, args: &[&str]) -> (i32, String, String) {
    let limits = format!("ulimit -v {MEMORY_KIB}; ulimit -t 300; exec \"$0\" \"$@\"");
    let mut command = Command::new("sh");
    command.args(["-c", &limits, env!("CARGO_BIN_EXE_fitout")]).args(args).current_dir(folder);
    for name in ["GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "CLICOLOR_FORCE"] {
        command.env_remove(name);
    }
    finish(command.output().expect("sh runs"))
}

/// What every verb that reads artifacts must hold: no panic, no signal, and bad news has a reason.
fn endured(what: &str, folder: &Path, args: &[&str]) -> (i32, String) {
    let (code, stdout, stderr) = limited(folder, args);
    assert!((0..=2).contains(&code), "{what}: {args:?}: exit {code}\n{stderr}");
    assert!(!stderr.contains("panicked"), "{what}: {stderr}");
    let said = stdout + &stderr;
    if code == 2 {
        assert!(said.contains("error[") || said.contains("\"error\""), "{what}: {args:?}: no reason: {said}");
    }
    (code, said)
}
