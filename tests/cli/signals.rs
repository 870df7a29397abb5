//! Signals, really sent: the build command ends with fitout, nothing half made stays, and the exit code is 130.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use crate::support::{finish, fitout, is_root, project};

/// Longest wait for anything; the machine may be busy.
const LONG: Duration = Duration::from_secs(60);

fn config(command: &str, rest: &str) -> String {
    format!(
        "[package]\nname = \"halt\"\nversion = \"1.0.0\"\nsummary = \"Halts\"\nlicense = \"MIT\"\n\
         maintainer = \"A <a@example.org>\"\n\n[build]\npreset = \"plain\"\n{command}\n\n{rest}\n\
         [[files]]\nfrom = \"tree\"\nto = \"/usr/lib/halt\"\n"
    )
}

fn commanded(command: &str) -> tempfile::TempDir {
    project(&[("fitout.toml", &config(&format!("command = \"\"\"{command}\"\"\""), "")), ("tree/a", "a")])
}

fn wait_for(what: &str, mut there: impl FnMut() -> bool) {
    let start = Instant::now();
    while !there() {
        assert!(start.elapsed() < LONG, "{what} did not come");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Whoever runs the tests in the background of a shell has them ignore `^C`, which fitout would respect.
pub fn start(folder: &Path) -> Child {
    let program = fitout(folder);
    let mut command = Command::new("env");
    command.arg("--default-signal=INT,QUIT,TERM,HUP").arg(program.get_program()).current_dir(folder);
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.arg("build").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

pub fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

/// Exit code and standard error; nothing may be on standard output.
fn end(child: Child) -> (i32, String) {
    let (code, stdout, stderr) = finish(child.wait_with_output().unwrap());
    assert_eq!(stdout, "");
    (code, stderr)
}

fn is_gone(folder: &Path) -> bool {
    let pids = fs::read_to_string(folder.join("pids")).unwrap();
    let mut pids = pids.lines().map(|line| Pid::from_raw(line.parse().unwrap()).unwrap());
    pids.all(|pid| test_kill_process(pid).is_err() || is_zombie(pid))
}

/// Ended, and not yet waited for by whoever has it now.
fn is_zombie(pid: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
    stat.rsplit(')').next().unwrap_or_default().trim_start().starts_with('Z')
}

fn written(folder: &Path) -> Vec<String> {
    let dist = fs::read_dir(folder.join("dist")).into_iter().flatten();
    dist.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

#[test]
fn each_ends_the_build_command_and_what_it_started() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT] {
        let folder = commanded("sleep 300 & echo $! > pids; echo $$ >> pids; touch started; wait");
        let child = start(folder.path());
        wait_for("the command", || folder.path().join("started").exists());
        let asked = Instant::now();
        send(&child, signal);
        let (code, stderr) = end(child);
        assert_eq!(code, 130, "{stderr}");
        assert!(stderr.ends_with("\ninterrupted. Nothing was written.\n"), "{stderr}");
        assert!(!stderr.contains("error"), "{stderr}");
        assert!(asked.elapsed() < Duration::from_secs(4), "took {:?}", asked.elapsed());
        wait_for("the end of both processes", || is_gone(folder.path()));
        assert_eq!(written(folder.path()), [""; 0]);
    }
}

#[test]
fn a_command_that_does_not_listen_is_killed_at_the_second_signal() {
    let folder = commanded("trap '' TERM INT; echo $$ > pids; touch started; while :; do sleep 1; done");
    let child = start(folder.path());
    wait_for("the command", || folder.path().join("started").exists());
    let asked = Instant::now();
    send(&child, Signal::TERM);
    std::thread::sleep(Duration::from_millis(500));
    assert!(!is_gone(folder.path()), "it was not given its time");
    send(&child, Signal::INT);
    let (code, stderr) = end(child);
    assert_eq!(code, 130, "{stderr}");
    assert!(asked.elapsed() < Duration::from_secs(4), "took {:?}", asked.elapsed());
    wait_for("its end", || is_gone(folder.path()));
}

#[test]
fn a_signal_that_is_not_to_be_heard_passes_by() {
    let folder = commanded("touch started; while [ ! -e go ]; do sleep 0.05; done");
    let script = "trap '' HUP INT; exec \"$0\" build";
    let mut command = Command::new("sh");
    command.args(["-c", script, env!("CARGO_BIN_EXE_fitout")]).current_dir(folder.path());
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for("the command", || folder.path().join("started").exists());
    send(&child, Signal::HUP);
    send(&child, Signal::INT);
    std::thread::sleep(Duration::from_millis(200));
    fs::write(folder.path().join("go"), "").unwrap();
    let (code, stderr) = end(child);
    assert_eq!(code, 0, "{stderr}");
}

/// A tree that keeps xz busy for many seconds.
fn slow() -> tempfile::TempDir {
    let slow = "[format.deb]\ncompression = \"xz:9\"\n[format.rpm]\ncompression = \"xz:9\"\n";
    let folder = project(&[("fitout.toml", &config("formats = [\"deb\", \"rpm\", \"tarball\"]", slow))]);
    let mut state = 1u32;
    let noise = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8 & 0x3f
    });
    fs::create_dir(folder.path().join("tree")).unwrap();
    fs::write(folder.path().join("tree/noise"), noise.take(24 << 20).collect::<Vec<_>>()).unwrap();
    folder
}

/// Files that the process has open in its output folder, named or not.
fn outputs(child: &Child, folder: &Path) -> usize {
    let dist = fs::canonicalize(folder).unwrap().join("dist");
    let open = fs::read_dir(format!("/proc/{}/fd", child.id())).into_iter().flatten();
    let open = open.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    open.filter(|path| path.starts_with(&dist) && *path != dist).count()
}

#[test]
fn packing_leaves_nothing() {
    let folder = slow();
    let child = start(folder.path());
    // The scratch file, and one at least of the artifacts.
    wait_for("the outputs", || outputs(&child, folder.path()) >= 2);
    send(&child, Signal::TERM);
    let (code, stderr) = end(child);
    assert_eq!(code, 130, "{stderr}");
    assert!(stderr.ends_with("interrupted. Nothing was written.\n"), "{stderr}");
    assert_eq!(written(folder.path()), [""; 0]);
}

#[test]
fn outputs_that_must_have_a_name_are_removed() {
    if !is_root() {
        assert!(std::env::var_os("FITOUT_REQUIRE_FOREIGN").is_none(), "it takes root to take /proc away");
        println!("note: only root can take /proc away, so named outputs were not tried");
        return;
    }
    let folder = slow();
    // Without /proc an unnamed inode could never get its name.
    let script = "mount -t tmpfs none /proc && exec \"$0\" build";
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", script, env!("CARGO_BIN_EXE_fitout")]).current_dir(folder.path());
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for("a named output", || written(folder.path()).iter().any(|name| name.starts_with(".fitout-")));
    send(&child, Signal::INT);
    let (code, stderr) = end(child);
    assert_eq!(code, 130, "{stderr}");
    assert_eq!(written(folder.path()), [""; 0]);
}

#[test]
fn a_command_that_asks_on_the_terminal_is_an_error() {
    let folder = commanded("echo before; read answer < /dev/tty; echo after");
    let program = format!("'{}' build", env!("CARGO_BIN_EXE_fitout"));
    let mut script = Command::new("script");
    script.args(["-qec", &program, "/dev/null"]).current_dir(folder.path()).env("TERM", "dumb");
    let Ok(child) = script.stdin(Stdio::null()).stdout(Stdio::piped()).spawn() else {
        assert!(std::env::var_os("FITOUT_REQUIRE_FOREIGN").is_none(), "script is not installed");
        return;
    };
    let (code, said, _) = finish(child.wait_with_output().unwrap());
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("error[build/command-failed]: the build command asks something on the terminal"), "{said}");
    assert!(said.contains("            before") && !said.contains("            after"), "{said}");
}
