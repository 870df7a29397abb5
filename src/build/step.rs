//! Runs `[build] command`.
//!
//! Enters: the command line as typed and the project's folder. Leaves: each line that it prints as an event, and a
//! [`Diagnostic`] with the last lines if it fails. The pipeline calls it before [`crate::resolve`] reads the input;
//! `plan` never does. Not here: caching, and what the command makes.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;

use crate::diagnostic::{Diagnostic, Result, codes};
use crate::listener::{Event, Listener};

/// Lines that a failure quotes.
const QUOTED: usize = 12;
/// Bytes of one line that are kept: a command that prints no line break must not fill the memory.
const LONGEST_LINE: u64 = 16 * 1024;

/// Runs `command` by `sh -c` in `dir`, without standard input, and waits for its end. Lines of both its streams are
/// heard as [`Event::Command`] in the order in which they arrive; bytes that are not UTF-8 are replaced. The caller knows
/// the place in the config, and points at it.
pub fn run(command: &str, dir: &Path, listener: &dyn Listener) -> Result<()> {
    listener.hear(Event::Command { text: command.to_owned(), output: false });
    let failed = |message: String| Diagnostic::error(codes::BUILD_COMMAND_FAILED, message);
    let mut child = Command::new("sh")
        .args(["-c", command])
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| failed("the build command could not be started".into()).note(e.to_string()))?;
    let last = Mutex::new(VecDeque::new());
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    std::thread::scope(|scope| {
        scope.spawn(|| stdout.map(|stream| hear(stream, &last, listener)));
        scope.spawn(|| stderr.map(|stream| hear(stream, &last, listener)));
    });
    let status = child.wait().map_err(|e| failed("the build command was lost".into()).note(e.to_string()))?;
    if status.success() {
        return Ok(());
    }
    let message = match status.code() {
        Some(code) => format!("the build command ended with status {code}"),
        None => "the build command was killed by a signal".into(),
    };
    let quoted = last.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    let finding = quoted.into_iter().fold(failed(message), Diagnostic::note);
    Err(finding.help(format!("it was run by `sh -c` in `{}`", dir.display())))
}

/// Passes the lines of one stream on, and keeps the last ones.
fn hear(stream: impl Read, last: &Mutex<VecDeque<String>>, listener: &dyn Listener) {
    let mut reader = BufReader::new(stream);
    loop {
        let mut line = Vec::new();
        // A stream that breaks off has ended as far as we are concerned: the status says whether all went well.
        match reader.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let text = String::from_utf8_lossy(&line).trim_end().to_owned();
        if let Ok(mut last) = last.lock() {
            if last.len() == QUOTED {
                last.pop_front();
            }
            last.push_back(text.clone());
        }
        listener.hear(Event::Command { text, output: true });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        heard.sort();
        assert_eq!(heard, [("one".to_owned(), true), ("two".to_owned(), true)]);
        assert_eq!(fs_err::read_to_string(dir.path().join("made")).unwrap(), "three");
    }

    #[test]
    fn a_failure_quotes_the_last_lines_only() {
        let dir = tempfile::tempdir().unwrap();
        let finding = run("seq 100; exit 3", dir.path(), &crate::listener::Silent).unwrap_err();
        assert_eq!(finding.code, codes::BUILD_COMMAND_FAILED);
        assert!(finding.message.contains("status 3"), "{}", finding.message);
        assert_eq!(finding.notes.len(), QUOTED);
        assert_eq!(finding.notes.last().unwrap(), "100");
    }

    #[test]
    fn an_endless_line_and_a_signal_do_no_harm() {
        let dir = tempfile::tempdir().unwrap();
        let ears = Ears::default();
        let finding = run("head -c 100000 /dev/zero | tr '\\0' x; kill -9 $$", dir.path(), &ears);
        assert!(finding.unwrap_err().message.contains("signal"));
        assert!(ears.0.into_inner().unwrap().iter().all(|(text, _)| text.len() <= 16 * 1024));
    }
}
