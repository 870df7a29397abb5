//! The start/stop script without systemd, in an archive that was unpacked into a folder with an odd name.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::archives::{Project, said, unpack};
use crate::support::is_root;

/// An unpacked archive. Its service runs as who runs the tests, or as an account that is theirs.
pub struct Unpacked {
    holder: tempfile::TempDir,
    pub port: u16,
}

/// Who the service runs as where root runs the tests: an account of every Debian.
const ACCOUNT: &str = "games";

impl Unpacked {
    pub fn of(project: &Project) -> Self {
        let config = project.folder().join("fitout.toml");
        let text = fs::read_to_string(&config).unwrap();
        // The account of the case is on no host of the tests.
        fs::write(&config, text.replacen("reload-signal", &format!("user = \"{ACCOUNT}\"\nreload-signal"), 1)).unwrap();
        let holder = tempfile::tempdir().unwrap();
        let this = Self { holder, port: project.port };
        // Whoever the service runs as reads what lies in there.
        fs::set_permissions(this.holder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        unpack(&project.tarball("1.4.0"), &this.tree());
        this
    }

    pub fn new() -> Self {
        Self::of(&Project::new())
    }

    fn tree(&self) -> PathBuf {
        self.holder.path().join("it's a \"tree\" $HOME")
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.tree().join(path)
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.path("usr/bin/greeter"));
        command.args(arguments).stdin(Stdio::null());
        command
    }

    /// Exit code, and what was said on both.
    pub fn run(&self, arguments: &[&str]) -> (i32, String) {
        said(self.command(arguments).output().unwrap())
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.path("var/log/greeter/greeter.log")).unwrap_or_default()
    }

    pub fn page(&self) -> Option<String> {
        page(self.port)
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

impl Drop for Unpacked {
    fn drop(&mut self) {
        let _ = self.run(&["stop"]);
    }
}

/// What a server answers.
pub fn page(port: u16) -> Option<String> {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.write_all(b"GET /index.html HTTP/1.0\r\n\r\n").ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    Some(text.rsplit("\r\n\r\n").next()?.to_owned())
}

/// Waits until something is so.
pub fn until(what: &str, mut is: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !is() {
        assert!(Instant::now() < end, "{what} did not come about");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn it_starts_answers_restarts_and_stops() {
    let there = Unpacked::new();
    assert_eq!(there.run(&["status"]).0, 3);
    assert_eq!(there.run(&["ping"]).0, 1);
    assert_eq!(there.run(&["pid"]).0, 3);
    let (code, started) = there.run(&["start"]);
    assert_eq!(code, 0, "{started}\n{}", there.log());
    let hooks: Vec<&str> = started.lines().filter(|line| line.starts_with(['p'])).collect();
    assert_eq!(hooks, ["pre-start one", "pre-start two, token of 64 characters", "post-start"]);
    assert_eq!(there.page().as_deref(), Some("version 1.4.0\n"));
    assert_eq!(there.run(&["status"]).0, 0);
    assert_eq!(there.run(&["ping"]).0, 0);
    let who = if is_root() { ACCOUNT.to_owned() } else { whoami() };
    let log = there.log();
    let lines: Vec<&str> = log.lines().collect();
    let serving = format!("serving on {} as {who}: it's \"100%\" $HOME \\", there.port);
    assert_eq!(lines, ["pre-configure", "post-configure", serving.as_str()]);
    assert!(there.run(&["logs", "-n", "1"]).1.starts_with("serving on"));

    let pid = |there: &Unpacked| there.run(&["pid"]).1.trim().parse::<u32>().unwrap();
    let first = pid(&there);
    let (code, again) = there.run(&["start"]);
    assert_eq!((code, again), (0, format!("greeter: runs already, process {first}\n")));
    assert_eq!(there.run(&["restart"]).0, 0);
    assert_ne!(pid(&there), first);
    assert!(there.page().is_some());
    assert_eq!(there.run(&["reload"]).0, 0);

    let (code, stopped) = there.run(&["stop"]);
    assert_eq!((code, stopped.as_str()), (0, "pre-stop\npost-stop\ngreeter: stopped\n"));
    assert_eq!(there.page(), None);
    assert_eq!(there.run(&["status"]).0, 3);
    assert_eq!(there.run(&["stop"]).0, 0);
    assert_eq!(there.run(&["reload"]).0, 7);
    let left: Vec<_> = fs::read_dir(there.path("run")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["greeter"], "nothing but the runtime directory");
}

fn whoami() -> String {
    let output = Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn it_is_found_through_links_and_from_any_folder() {
    let there = Unpacked::new();
    let link = there.holder.path().join("greet");
    std::os::unix::fs::symlink(there.path("usr/bin/greeter"), &link).unwrap();
    let said = said(Command::new(&link).arg("describe").current_dir("/").output().unwrap());
    assert_eq!(said.0, 0, "{}", said.1);
    assert!(
        said.1.contains(&format!("tree:        {}\n", fs::canonicalize(there.tree()).unwrap().display())),
        "{}",
        said.1
    );
}

#[test]
fn commands_of_the_config_run_and_others_are_refused() {
    let there = Unpacked::new();
    let (code, told) = there.run(&["migrate", "a  b", "*"]);
    let state = fs::canonicalize(there.tree()).unwrap().join("var/lib/greeter");
    assert_eq!(code, 0, "{told}");
    assert!(told.starts_with(&format!("migrating {} as ", state.display())), "{told}");
    assert!(told.ends_with(": a  b *\n"), "{told}");
    let (code, told) = there.run(&["greet", "x y"]);
    let index = fs::canonicalize(there.path("usr/lib/greeter/www/index.html")).unwrap();
    assert_eq!((code, told), (0, format!("it's {} x y\n", index.display())));
    let (code, told) = there.run(&["dance"]);
    assert_eq!(code, 2);
    assert!(told.starts_with("greeter: there is no command 'dance'\n") && told.contains("  migrate "), "{told}");
    assert_eq!(there.run(&["version"]), (0, "greeter 1.4.0\n".to_owned()));
    assert_eq!(there.run(&["help"]).0, 0);
}

#[test]
fn a_number_that_was_used_again_is_not_ours() {
    let there = Unpacked::new();
    let mut other = Command::new("sleep").arg("60").spawn().unwrap();
    there.write("run/greeter.pid", &format!("{}\n1\n", other.id()));
    assert_eq!(there.run(&["status"]).0, 1);
    assert_eq!(there.run(&["stop"]).0, 0);
    assert!(other.try_wait().unwrap().is_none(), "a stranger was ended");
    there.write("run/greeter.pid", &format!("{}\n1\n", other.id()));
    assert_eq!(there.run(&["start"]).0, 0);
    assert_eq!(there.run(&["stop"]).0, 0);
    assert!(other.try_wait().unwrap().is_none(), "a stranger was ended");
    other.kill().unwrap();
    other.wait().unwrap();
}

#[test]
fn a_program_that_dies_is_a_failed_start() {
    let project = Project::new();
    project.replace("app/bin/serve", "exec busybox", "echo 'no luck'; exit 3; exec busybox");
    let there = Unpacked::of(&project);
    let (code, told) = there.run(&["start"]);
    assert_eq!(code, 1, "{told}");
    assert!(told.contains("no luck\n") && told.ends_with("greeter: did not start\n"), "{told}");
    assert_eq!(there.run(&["status"]).0, 3);
}

#[test]
fn a_port_that_a_stranger_holds_is_not_an_answer() {
    let there = Unpacked::new();
    let stranger = std::net::TcpListener::bind(("127.0.0.1", there.port)).unwrap();
    let (code, told) = there.run(&["start"]);
    assert_eq!(code, 1, "{told}");
    drop(stranger);
    assert_eq!(there.run(&["start"]).0, 0);
}

#[test]
fn what_does_not_stop_is_ended() {
    let project = Project::new();
    project.replace("fitout.toml", "stop-timeout = \"10s\"", "stop-timeout = \"1s\"");
    project.replace("app/bin/serve", "exec busybox", "trap '' TERM; busybox");
    let there = Unpacked::of(&project);
    assert_eq!(there.run(&["start"]).0, 0, "{}", there.log());
    let began = Instant::now();
    let (code, told) = there.run(&["stop"]);
    assert_eq!(code, 0, "{told}");
    assert!(told.contains("did not stop within 1 seconds and is ended"), "{told}");
    assert!(began.elapsed() < Duration::from_secs(8));
    assert_eq!(there.page(), None, "its children are ended, too");
}

#[test]
fn a_failing_hook_stops_the_start() {
    let project = Project::new();
    project.append("hooks/pre-start", "exit 4\n");
    let there = Unpacked::of(&project);
    let (code, told) = there.run(&["start"]);
    assert_eq!(code, 1, "{told}");
    assert!(told.contains("the pre-start hook 02 failed"), "{told}");
    assert_eq!(there.page(), None);
}
