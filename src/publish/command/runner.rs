//! Runs programs: how long they may take, what is kept of what they say.
//!
//! A program is in a process group of its own, which ends with it, with its time, and with fitout. What it says is told when it fails,
//! without secrets.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::Line;
use crate::interrupt;
use crate::publish::secret::Secrets;
use crate::store::{Body, Depth, Hold, Kind, Meta, Object, Place, StoreError, Trouble, When, Written, now};

/// Programs at once.
const AT_ONCE: usize = 4;
/// How often it is looked whether one has ended.
const TICK: Duration = Duration::from_millis(20);
/// Bytes that are kept of what a program says: the last ones.
const KEPT: usize = 16 << 10;
/// Lines of it that are told, and characters.
const LINES: usize = 12;
const TOLD: usize = 500;

/// See the module.
pub(super) struct Runner {
    name: String,
    folder: PathBuf,
    variables: BTreeMap<OsString, OsString>,
    within: Duration,
    secrets: Secrets,
    jobs: Mutex<BTreeMap<String, Line>>,
}

/// How a program ended, and what it said.
struct Ended {
    status: Option<ExitStatus>,
    said: String,
}

impl Runner {
    pub(super) fn new(
        name: String,
        folder: &Path,
        variables: BTreeMap<OsString, OsString>,
        within: Duration,
        secrets: Secrets,
    ) -> Self {
        Self { name, folder: folder.to_path_buf(), variables, within, secrets, jobs: Mutex::default() }
    }

    /// Nothing is to be run.
    pub(super) fn forget(&self) {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Something is; the key that it is run by, which is how it is shown.
    pub(super) fn note(&self, line: Line) -> String {
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let numbered = (2..).map(|number| format!("{} ({number})", line.shown));
        let free = std::iter::once(line.shown.clone()).chain(numbered).find(|key| !jobs.contains_key(key));
        let key = free.unwrap_or_default();
        jobs.insert(key.clone(), line);
        key
    }

    /// Whether it ends well.
    pub(super) fn succeeds(&self, argv: &[String], shown: &str) -> Result<bool, StoreError> {
        let ended = self.run(argv, shown)?;
        match ended.status {
            Some(status) => Ok(status.success()),
            None => Err(self.failed(shown, &ended)),
        }
    }

    fn run(&self, argv: &[String], shown: &str) -> Result<Ended, StoreError> {
        let Some((program, arguments)) = argv.split_first() else {
            return Ok(Ended { status: None, said: String::new() });
        };
        let mut command = Command::new(program);
        command.args(arguments).current_dir(&self.folder).env_clear().envs(&self.variables);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let (mut child, held) = interrupt::spawn_group(&mut command).map_err(|error| match error.kind() {
            ErrorKind::NotFound | ErrorKind::PermissionDenied => {
                StoreError::new(program, Trouble::NoProgram, format!("{}: {shown}", error.kind()))
            }
            _ => StoreError::new(shown, Trouble::Program, error),
        })?;
        let (out, err) = (child.stdout.take(), child.stderr.take());
        std::thread::scope(|scope| {
            let out = scope.spawn(move || out.map(last).unwrap_or_default());
            let err = scope.spawn(move || err.map(last).unwrap_or_default());
            let status = self.wait(&mut child);
            // What it started holds the pipes open.
            held.kill();
            let status = status.map_err(|error| StoreError::new(shown, Trouble::Program, error))?;
            let said = [out.join().unwrap_or_default(), err.join().unwrap_or_default()];
            let said: Vec<&str> = said.iter().map(|text| text.trim_end()).filter(|text| !text.is_empty()).collect();
            Ok(Ended { status, said: said.join("\n") })
        })
    }

    /// Its status; none if its time is over.
    fn wait(&self, child: &mut Child) -> std::io::Result<Option<ExitStatus>> {
        let since = now::Since::now();
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(Some(status));
            }
            if Duration::from_millis(since.millis()) > self.within {
                child.kill()?;
                child.wait()?;
                return Ok(None);
            }
            std::thread::sleep(TICK);
        }
    }

    fn failed(&self, shown: &str, ended: &Ended) -> StoreError {
        let how = match ended.status {
            Some(status) => status.to_string(),
            None => format!("it took longer than {} s (`within`)", self.within.as_secs_f64()),
        };
        let said = self.secrets.hide(&ended.said);
        let clean: String = said.chars().map(|c| if c.is_control() && c != '\n' { ' ' } else { c }).collect();
        let lines: Vec<&str> = clean.lines().filter(|line| !line.trim().is_empty()).collect();
        let lines = lines[lines.len().saturating_sub(LINES)..].join("\n");
        let skipped = lines.chars().count().saturating_sub(TOLD);
        let lines: String = lines.chars().skip(skipped).collect();
        StoreError::new(self.secrets.hide(shown), Trouble::Program, format!("{how}\n{lines}"))
    }
}

/// The end of a stream.
fn last(mut stream: impl Read) -> String {
    let (mut kept, mut piece) = (Vec::new(), [0; 4096]);
    while let Ok(count) = stream.read(&mut piece) {
        let Some(read) = piece.get(..count).filter(|read| !read.is_empty()) else { break };
        kept.extend_from_slice(read);
        if kept.len() > 2 * KEPT {
            kept.drain(..kept.len() - KEPT);
        }
    }
    String::from_utf8_lossy(&kept).into_owned()
}

impl Place for Runner {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn at_once(&self) -> usize {
        AT_ONCE
    }

    fn get(&self, _: &str) -> Result<Option<Object>, StoreError> {
        Ok(None)
    }

    fn head(&self, _: &str) -> Result<Option<Meta>, StoreError> {
        Ok(None)
    }

    fn put(&self, key: &str, _: &Body, _: &Kind, _: &When) -> Result<Written, StoreError> {
        let argv = self.jobs.lock().unwrap_or_else(PoisonError::into_inner).get(key).map(|line| line.argv.clone());
        let ended = self.run(&argv.unwrap_or_default(), key)?;
        match ended.status {
            Some(status) if status.success() => Ok(Written::Done),
            _ => Err(self.failed(key, &ended)),
        }
    }

    fn list(&self, _: &str, _: Depth) -> Result<Vec<Meta>, StoreError> {
        Ok(Vec::new())
    }

    fn remove(&self, _: &str) -> Result<(), StoreError> {
        Err(StoreError::new(&self.name, Trouble::Unsupported, "a command removes nothing"))
    }

    fn hold(&self, _: &str) -> Result<Option<Hold<'_>>, StoreError> {
        Ok(None)
    }
}
