//! A shell of a node in a terminal that a person would sit at: tmux.

use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::support::finish;

/// A terminal in which a command runs.
pub struct Terminal {
    server: String,
}

impl Terminal {
    /// Runs a command in it.
    pub fn of(command: &Command) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let terminal = Self { server: format!("fitout-{}-{number}", std::process::id()) };
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        let words: Vec<&str> = words.map(|word| word.to_str().unwrap()).collect();
        terminal.tmux(&[&["-f", "/dev/null", "new-session", "-d", "-x", "120", "-y", "40", "--"], &words[..]].concat());
        terminal
    }

    fn tmux(&self, arguments: &[&str]) -> String {
        let output = Command::new("tmux").args(["-L", &self.server]).args(arguments).output().unwrap();
        let (code, stdout, stderr) = finish(output);
        assert_eq!(code, 0, "tmux {arguments:?}: {stderr}");
        stdout
    }

    /// Types a line.
    pub fn types(&self, line: &str) {
        self.tmux(&["send-keys", "-l", "--", line]);
        self.tmux(&["send-keys", "Enter"]);
    }

    /// Waits until a line of the screen begins so.
    pub fn shows(&self, start: &str) {
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            let screen = self.tmux(&["capture-pane", "-p"]);
            if screen.lines().any(|line| line.starts_with(start)) {
                return;
            }
            assert!(Instant::now() < until, "no {start:?} on the screen:\n{screen}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // The runtime of the shell outlives its terminal: it is left as a person leaves it, by the break handler.
        let tmux = |arguments: &[&str]| Command::new("tmux").args(["-L", &self.server]).args(arguments).output();
        let _ = tmux(&["send-keys", "C-c"]);
        std::thread::sleep(Duration::from_millis(500));
        let _ = tmux(&["send-keys", "a", "Enter"]);
        let until = Instant::now() + Duration::from_secs(5);
        while tmux(&["has-session"]).is_ok_and(|output| output.status.success()) && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(50));
        }
        let _ = Command::new("tmux").args(["-L", &self.server, "kill-server"]).output();
    }
}
