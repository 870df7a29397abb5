//! Runs one command of the build step.
//!
//! Enters: a command that is ready to start. Leaves: each line that it prints as an event and in the log, and a [`Failure`]
//! with the last of them. Not here: which commands there are, and what is said of a failure.
//!
//! It runs as long as it likes. Whoever stops fitout stops it and all that it started: it has a process group of its own,
//! and so no terminal to ask on.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, PipeReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, waitid};

use super::log::Log;
use crate::interrupt::{self, Held};
use crate::listener::{Event, Listener};

/// Lines that a failure quotes.
const QUOTED: usize = 12;
/// Bytes of one line that are kept: a command that prints no line break must not fill the memory.
const LONGEST_LINE: u64 = 16 * 1024;
/// Lines that wait to be heard.
const WAITING: usize = 256;
/// How long nothing may come before we look whether the command has ended; what it said before is heard by then.
const PAUSE: Duration = Duration::from_millis(200);
/// How long what a command leaves in the background is listened to.
const GRACE: Duration = Duration::from_secs(2);

/// How a command failed.
#[derive(Debug)]
pub struct Failure {
    /// What is to be said of it: `ended with status 7`.
    pub how: String,
    /// The last lines that it printed.
    pub last: Vec<String>,
    /// It turned to the terminal, and was ended.
    pub asked: bool,
    /// It ended with this status.
    pub status: Option<i32>,
}

impl Failure {
    fn of_system(how: &str, error: &io::Error) -> Self {
        Self { how: how.to_owned(), last: vec![error.to_string()], asked: false, status: None }
    }
}

/// Runs a command without standard input and waits for its end, not for that of what it leaves in the background. Lines of
/// both its streams are heard as [`Event::Command`] and go to `log` in the order in which they arrive; bytes that are not
/// UTF-8 are replaced. `shown` is what is said to run.
pub fn run(command: &mut Command, shown: &str, log: &Log, listener: &dyn Listener) -> Result<(), Failure> {
    listener.hear(Event::Command { text: shown.to_owned(), output: false });
    log.line(&format!("$ {shown}"));
    let (mut child, held, said) = start(command).map_err(|error| Failure::of_system("could not be started", &error))?;
    let heard = hear(said);
    let mut last = VecDeque::new();
    let mut pass_on = |text: String| {
        if last.len() == QUOTED {
            last.pop_front();
        }
        last.push_back(text.clone());
        log.line(&text);
        listener.hear(Event::Command { text, output: true });
    };
    let mut ended = None;
    let mut asked = false;
    loop {
        match heard.recv_timeout(PAUSE) {
            Ok(text) => pass_on(text),
            Err(RecvTimeoutError::Disconnected) => break,
            // Nothing comes any more, and who would say something has gone.
            Err(RecvTimeoutError::Timeout) if ended.is_some() => break,
            // It would wait for ever.
            Err(RecvTimeoutError::Timeout) if !asked && asks_on_the_terminal(&child) => {
                asked = true;
                held.kill();
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
        if ended.is_none() && matches!(child.try_wait(), Ok(Some(_))) {
            ended = Some(Instant::now());
        }
        if ended.is_some_and(|ended| ended.elapsed() > GRACE) {
            break;
        }
    }
    let status = child.wait().map_err(|error| Failure::of_system("was lost", &error))?;
    drop(held);
    if status.success() {
        return Ok(());
    }
    let how = match status.code() {
        _ if asked => "asks something on the terminal, and it has none".into(),
        Some(code) => format!("ended with status {code}"),
        None => "was killed by a signal".into(),
    };
    Err(Failure { how, last: last.into(), asked, status: status.code() })
}

/// Starts it with one pipe for both its streams, as a terminal would be: lines keep their order.
fn start(command: &mut Command) -> io::Result<(Child, Held, PipeReader)> {
    let (said, stdout) = io::pipe()?;
    let stderr = stdout.try_clone()?;
    let started = interrupt::spawn_group(command.stdin(Stdio::null()).stdout(stdout).stderr(stderr));
    // Our own ends would keep the pipe open.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let (child, held) = started?;
    Ok((child, held, said))
}

/// Whether the system stopped it because it turned to the terminal from the background.
fn asks_on_the_terminal(child: &Child) -> bool {
    let stopped = waitid(WaitId::Pid(Pid::from_child(child)), WaitIdOptions::STOPPED | WaitIdOptions::NOHANG);
    let signal = stopped.ok().flatten().and_then(|status| status.stopping_signal());
    signal.is_some_and(|signal| [Signal::TTIN.as_raw(), Signal::TTOU.as_raw()].contains(&signal))
}

/// The lines, until all who can write to the pipe have ended, which may be later than the command does. Then the reader
/// stays behind: it waits in a system call, and ends with the stream or with us.
fn hear(stream: PipeReader) -> Receiver<String> {
    // Bounded: a command that prints faster than we show has to wait.
    let (said, heard) = sync_channel(WAITING);
    std::thread::spawn(move || lines(stream, &said));
    heard
}

fn lines(stream: impl Read, said: &SyncSender<String>) {
    let mut reader = BufReader::new(stream);
    loop {
        let mut line = Vec::new();
        // A stream that breaks off has ended as far as we are concerned: the status says whether all went well.
        match reader.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let line = String::from_utf8_lossy(&line);
        // Progress that draws over itself: the last of it is what is left to be seen.
        let seen = line.trim_end().rsplit('\r').next().unwrap_or_default();
        if said.send(seen.to_owned()).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::listener::Silent;

    fn run(line: &str, folder: &std::path::Path, listener: &dyn Listener) -> Result<(), Failure> {
        let mut shell = Command::new("sh");
        super::run(shell.args(["-c", line]).current_dir(folder), line, &Log::default(), listener)
    }

    #[derive(Default)]
    struct Ears(Mutex<Vec<(String, bool)>>);

    impl Listener for Ears {
        fn hear(&self, event: Event) {
            if let Event::Command { text, output } = event {
                self.0.lock().unwrap().push((text, output));
            }
        }
    }

    #[test]
    fn lines_of_both_streams_are_heard() {
        let dir = tempfile::tempdir().unwrap();
        let ears = Ears::default();
        run("echo one; echo two >&2; printf three > made", dir.path(), &ears).unwrap();
        let mut heard = ears.0.into_inner().unwrap();
        assert_eq!(heard.remove(0), ("echo one; echo two >&2; printf three > made".into(), false));
        assert_eq!(heard, [("one".to_owned(), true), ("two".to_owned(), true)]);
        assert_eq!(fs_err::read_to_string(dir.path().join("made")).unwrap(), "three");
    }

    #[test]
    fn a_failure_quotes_the_last_lines_only() {
        let dir = tempfile::tempdir().unwrap();
        let failure = run("seq 100; exit 3", dir.path(), &Silent).unwrap_err();
        assert_eq!((failure.how.as_str(), failure.status), ("ended with status 3", Some(3)));
        assert_eq!(failure.last.len(), QUOTED);
        assert_eq!(failure.last.last().unwrap(), "100");
    }

    #[test]
    fn an_endless_line_and_a_signal_do_no_harm() {
        let dir = tempfile::tempdir().unwrap();
        let ears = Ears::default();
        let finding = run("head -c 100000 /dev/zero | tr '\\0' x; kill -9 $$", dir.path(), &ears);
        assert!(finding.unwrap_err().how.contains("signal"));
        assert!(ears.0.into_inner().unwrap().iter().all(|(text, _)| text.len() <= 16 * 1024));
    }

    #[test]
    fn what_stays_in_the_background_is_not_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let start = Instant::now();
        let ears = Ears::default();
        run("sleep 20 & echo $! > pid; seq 2000; echo last", dir.path(), &ears).unwrap();
        assert!(start.elapsed() < Duration::from_secs(10), "waited {:?}", start.elapsed());
        let heard = ears.0.into_inner().unwrap();
        assert_eq!((heard.len(), heard[2001].0.as_str()), (2002, "last"), "something was not heard");
        // One that never stops talking is left alone, too; it ends when nobody listens.
        let start = Instant::now();
        run("while :; do echo more; sleep 0.05; done & echo $! >> pid", dir.path(), &Silent).unwrap();
        assert!(start.elapsed() < Duration::from_secs(10), "waited {:?}", start.elapsed());
        for pid in fs_err::read_to_string(dir.path().join("pid")).unwrap().lines() {
            let _ = Command::new("kill").arg(pid).status();
        }
    }
}
