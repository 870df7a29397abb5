//! A root with systemd as its process 1, in a container of systemd-nspawn.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::roots::{ENVIRONMENT, Root, is_there, missing, said};

/// A system that runs, powered off when dropped.
pub struct Machine {
    /// Its root; files below `/run` and `/tmp` are seen by commands only.
    pub root: Root,
    container: Child,
    /// Process 1 of the container as its host sees it.
    leader: u32,
    cgroups: Vec<PathBuf>,
}

impl Machine {
    /// Boots a root; none if that cannot be done here.
    pub fn boot(root: Root) -> Option<Self> {
        let lacking: Vec<&str> = ["systemd-nspawn", "nsenter"].into_iter().filter(|tool| !is_there(tool)).collect();
        if !missing(&lacking) {
            return None;
        }
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("fitout-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let cgroups: Vec<PathBuf> = hierarchies().into_iter().map(|hierarchy| hierarchy.join(&name)).collect();
        for cgroup in &cgroups {
            fs::create_dir(cgroup).unwrap();
        }
        let console = fs::File::create(root.beside().join("console")).unwrap();
        // In cgroups of its own first, so that nspawn keeps to them.
        let enter = "while [ \"$1\" != -- ]; do echo $$ >\"$1/cgroup.procs\"; shift; done; shift; exec \"$@\"";
        let container = Command::new("sh")
            .args(["-eu", "-c", enter, "sh"])
            .args(&cgroups)
            .args(["--", "systemd-nspawn", "--quiet", "--boot", "--register=no", "--keep-unit", "--private-network"])
            .args(["--link-journal=no", "--resolv-conf=off", "--timezone=off", "--console=read-only"])
            .arg(format!("--machine={name}"))
            .arg(format!("--directory={}", root.path.display()))
            // systemd 256 and newer refuse the older hierarchy, whatever the host has.
            .env("SYSTEMD_NSPAWN_UNIFIED_HIERARCHY", "1")
            .stdin(Stdio::null())
            .stdout(console.try_clone().unwrap())
            .stderr(console)
            .spawn()
            .unwrap();
        let mut machine = Self { root, container, leader: 0, cgroups };
        machine.wait_for_boot();
        Some(machine)
    }

    fn wait_for_boot(&mut self) {
        let console = self.root.beside().join("console");
        let told = || fs::read_to_string(&console).unwrap_or_default();
        let until = Instant::now() + Duration::from_secs(120);
        while self.leader == 0 {
            assert!(Instant::now() < until, "no process 1: {}", told());
            assert!(self.container.try_wait().unwrap().is_none(), "the container ended: {}", told());
            std::thread::sleep(Duration::from_millis(50));
            self.leader = children(self.container.id()).into_iter().find(|child| is_systemd(*child)).unwrap_or(0);
        }
        loop {
            let (_, state) = self.run(&["systemctl", "is-system-running", "--wait"]);
            if matches!(state.trim(), "running" | "degraded") {
                return;
            }
            assert!(Instant::now() < until, "boot: {state} {}", told());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// A command that runs in it.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--target={}", self.leader));
        command.args(["--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--root", "--wd"]);
        command.args(["env", "-i"]).args(ENVIRONMENT).args(words);
        command
    }

    /// Runs a command in it; exit code, and all that it said.
    pub fn run(&self, words: &[&str]) -> (i32, String) {
        said(&mut self.command(words))
    }

    /// Runs a command in it that must succeed; what it said, without the last line's end.
    pub fn ok(&self, words: &[&str]) -> String {
        let (code, said) = self.run(words);
        assert_eq!(code, 0, "{words:?}\n{said}\n{}", self.journal_end());
        said.trim_end().to_owned()
    }

    /// Runs lines of bash in it that must succeed.
    pub fn sh(&self, script: &str) -> String {
        self.ok(&["bash", "-euo", "pipefail", "-c", script])
    }

    /// Starts a command in a session of its own.
    pub fn start(&self, words: &[&str]) -> Session {
        let mut command = self.command(&[&["setsid"], words].concat());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Session(command.spawn().unwrap())
    }

    /// A property of a unit.
    pub fn show(&self, unit: &str, property: &str) -> String {
        self.ok(&["systemctl", "show", "--value", "--property", property, unit])
    }

    /// What a unit wrote to the journal.
    pub fn journal(&self, unit: &str) -> String {
        self.ok(&["journalctl", "--sync"]);
        self.ok(&["journalctl", "--quiet", "--output=cat", "--unit", unit])
    }

    /// The last lines of the whole journal, for failures.
    fn journal_end(&self) -> String {
        self.run(&["journalctl", "--quiet", "--no-pager", "--lines=30"]).1
    }
}

/// A command that runs on, with all that it starts.
pub struct Session(Child);

impl Session {
    /// Kills it, with all that it started; whether it was still there.
    pub fn kill(mut self) -> bool {
        let running = self.0.try_wait().unwrap().is_none();
        if running {
            for leader in children(self.0.id()) {
                let _ = Command::new("kill").args(["-KILL", "--", &format!("-{leader}")]).output();
            }
        }
        let _ = self.0.wait();
        running
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        if self.leader != 0 {
            // With process 1 the kernel ends all of the container.
            let _ = Command::new("kill").args(["-KILL", &self.leader.to_string()]).status();
        }
        let until = Instant::now() + Duration::from_secs(10);
        while self.container.try_wait().is_ok_and(|ended| ended.is_none()) {
            if Instant::now() > until {
                let _ = self.container.kill();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        for cgroup in &self.cgroups {
            let _ =
                Command::new("find").arg(cgroup).args(["-depth", "-type", "d", "-exec", "rmdir", "{}", ";"]).output();
        }
    }
}

/// Where cgroups that systemd counts its processes in are mounted.
fn hierarchies() -> Vec<PathBuf> {
    let mounts = fs::read_to_string("/proc/mounts").unwrap();
    let of_systemd =
        |words: &[&str]| words[2] == "cgroup2" || (words[2] == "cgroup" && words[3].contains("name=systemd"));
    let words = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    words.filter(|words| of_systemd(words)).map(|words| PathBuf::from(words[1])).collect()
}

fn children(of: u32) -> Vec<u32> {
    let children = fs::read_to_string(format!("/proc/{of}/task/{of}/children")).unwrap_or_default();
    children.split_whitespace().filter_map(|child| child.parse().ok()).collect()
}

fn is_systemd(process: u32) -> bool {
    fs::read_to_string(format!("/proc/{process}/comm")).is_ok_and(|name| name.trim() == "systemd")
}
