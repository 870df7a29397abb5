//! The file that keeps what the commands of a build print.
//!
//! Enters: lines. Leaves: a file that only its owner may read, made when the first line comes. A log that cannot be written
//! stops nothing: its lines were shown, and a failure quotes the last of them.

use std::io::Write as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use fs_err::os::unix::fs::OpenOptionsExt as _;

/// See the module.
#[derive(Debug, Default)]
pub struct Log {
    path: Option<PathBuf>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Waiting,
    Open(fs_err::File),
    Failed,
}

impl Log {
    /// Will write to `path`, over what is there; with none, nowhere.
    pub fn new(path: Option<PathBuf>) -> Self {
        Self { path, state: Mutex::default() }
    }

    /// The file, if something was written to it.
    pub fn written(&self) -> Option<&Path> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        matches!(*state, State::Open(_)).then_some(self.path.as_deref()?)
    }

    /// Adds a line.
    pub fn line(&self, text: &str) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*state, State::Waiting) {
            let file = self.path.as_deref().and_then(|path| create(path).ok());
            *state = file.map_or(State::Failed, State::Open);
        }
        if let State::Open(file) = &mut *state
            && file.write_all(format!("{text}\n").as_bytes()).is_err()
        {
            *state = State::Failed;
        }
    }
}

fn create(path: &Path) -> std::io::Result<fs_err::File> {
    if let Some(folder) = path.parent() {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    fs_err::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn it_is_made_with_its_first_line_and_is_nobody_else_s() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/build.log");
        let log = Log::new(Some(path.clone()));
        assert!(log.written().is_none() && !path.exists());
        log.line("one");
        log.line("two");
        assert_eq!(fs_err::read_to_string(log.written().unwrap()).unwrap(), "one\ntwo\n");
        assert_eq!(fs_err::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn without_a_place_nothing_is_lost_but_the_log() {
        let log = Log::new(Some("/proc/nowhere/build.log".into()));
        log.line("one");
        assert!(log.written().is_none());
    }
}
