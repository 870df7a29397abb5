//! What the beginnings of files said in the last build, so that they need not be opened to be looked at again.
//!
//! Enters: files with the stat of the walk, and the note of the last build. Leaves: what they say, where the stat is that of a file
//! that was looked at when it was old enough to be trusted; and the note of this build. What is wrong with a note costs the looking.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::plan::{ElfFile, Stat};
use crate::build::seen;
use crate::codec::hex::hex;
use crate::interrupt;

const FILE: &str = "heads.json";
/// Hexadecimal digits of the digest at the end of a note.
const SUM: usize = 64;

/// What the beginning of a file says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Said {
    /// It is neither program nor script.
    Nothing,
    /// First line without `#!` of a script with an x bit.
    Script(String),
    /// It is an ELF file.
    Elf(Box<ElfFile>),
}

/// What tells files apart: half of a digest over stat and path.
type Key = u128;

/// What an earlier build found.
#[derive(Debug)]
struct Noted {
    key: Key,
    said: Said,
    /// Whether this build asked for it.
    used: AtomicBool,
}

/// See the module; the default knows nothing and leaves nothing.
#[derive(Debug, Default)]
pub struct Heads {
    folder: Option<PathBuf>,
    /// The time before the first look, as the file system has it, in nanoseconds since 1970.
    now: i128,
    /// The fitout that looks: another may see other things.
    by: String,
    /// Sorted by key.
    before: Vec<Noted>,
    /// What only this build found.
    fresh: Mutex<Vec<(Key, Said)>>,
}

impl Heads {
    /// Of a project's folder in the cache; `now` is when nothing of this run had been looked at yet.
    pub fn open(folder: &Path, now: i128) -> Self {
        let Some(by) = seen::this_program() else { return Self::default() };
        let before = fs_err::read(folder.join(FILE)).ok().and_then(|note| notes(&note, &by)).unwrap_or_default();
        Self { folder: Some(folder.to_owned()), now, by, before, fresh: Mutex::default() }
    }

    /// What the last build saw of this file, else what `look` finds.
    pub fn of<E>(
        &self,
        path: &Path,
        stat: &Stat,
        executable: bool,
        look: impl FnOnce() -> Result<Said, E>,
    ) -> Result<Said, E> {
        if self.folder.is_none() || !stat.is_settled(self.now) {
            return look();
        }
        let key = key(path, stat, executable);
        if let Ok(place) = self.before.binary_search_by_key(&key, |noted| noted.key) {
            let noted = &self.before[place];
            noted.used.store(true, Ordering::Relaxed);
            return Ok(noted.said.clone());
        }
        let said = look()?;
        self.fresh().push((key, said.clone()));
        Ok(said)
    }

    /// Leaves the note for the next build, if it is another than the last.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep(&self) -> io::Result<()> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let fresh = self.fresh();
        let used = self.before.iter().filter(|noted| noted.used.load(Ordering::Relaxed));
        let mut seen: Vec<(&Key, &Said)> = used.map(|noted| (&noted.key, &noted.said)).collect();
        if fresh.is_empty() && seen.len() == self.before.len() {
            return Ok(());
        }
        seen.extend(fresh.iter().map(|(key, said)| (key, said)));
        seen.sort_unstable_by_key(|(key, _)| **key);
        // Plans of several targets ask for the same file.
        seen.dedup_by_key(|(key, _)| **key);
        let mut note = serde_json::to_vec(&(&self.by, seen))?;
        let sum = hex(&Sha256::digest(&note));
        note.extend(sum.as_bytes());
        interrupt::replace(&folder.join(FILE), &note)
    }

    fn fresh(&self) -> MutexGuard<'_, Vec<(Key, Said)>> {
        self.fresh.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is in a note that is whole and of this fitout.
fn notes(note: &[u8], by: &str) -> Option<Vec<Noted>> {
    let (text, sum) = note.split_at_checked(note.len().checked_sub(SUM)?)?;
    if hex(&Sha256::digest(text)).as_bytes() != sum {
        return None;
    }
    let (of, sorted): (String, Vec<(Key, Said)>) = serde_json::from_slice(text).ok()?;
    let noted = |(key, said)| Noted { key, said, used: AtomicBool::new(false) };
    (of == by).then(|| sorted.into_iter().map(noted).collect())
}

fn key(path: &Path, stat: &Stat, executable: bool) -> Key {
    let digest = stat.digest(path, [u64::from(executable)]);
    u128::from_le_bytes(std::array::from_fn(|at| digest[at]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG_AGO: i128 = 1_000_000_000_000_000_000;

    fn stat(ctime_ns: i128) -> Stat {
        Stat { size: 9, mtime_ns: LONG_AGO, ctime_ns, inode: (1, 2) }
    }

    fn looked(heads: &Heads, stat: &Stat, executable: bool) -> (Said, bool) {
        let mut opened = false;
        let said = heads.of(Path::new("/a"), stat, executable, || {
            opened = true;
            Ok::<_, io::Error>(Said::Script("/bin/sh".into()))
        });
        (said.unwrap(), opened)
    }

    #[test]
    fn what_is_the_same_is_not_opened_again() {
        let folder = tempfile::tempdir().unwrap();
        let now = LONG_AGO + 5_000_000_000;
        let first = Heads::open(folder.path(), now);
        assert!(looked(&first, &stat(LONG_AGO), true).1);
        first.keep().unwrap();
        let second = Heads::open(folder.path(), now);
        assert_eq!(looked(&second, &stat(LONG_AGO), true), (Said::Script("/bin/sh".into()), false));
        for (stat, executable) in [(stat(LONG_AGO + 1), true), (stat(LONG_AGO), false)] {
            assert!(looked(&second, &stat, executable).1);
        }
        // What changed in the last moment may change again without a sign.
        let young = Heads::open(folder.path(), LONG_AGO + 1);
        assert!(looked(&young, &stat(LONG_AGO), true).1);
        assert!(looked(&Heads::default(), &stat(LONG_AGO), true).1);
    }

    #[test]
    fn a_note_with_a_flipped_bit_is_no_note() {
        let folder = tempfile::tempdir().unwrap();
        let now = LONG_AGO + 5_000_000_000;
        let first = Heads::open(folder.path(), now);
        looked(&first, &stat(LONG_AGO), true);
        first.keep().unwrap();
        let whole = fs_err::read(folder.path().join(FILE)).unwrap();
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            fs_err::write(folder.path().join(FILE), &damaged).unwrap();
            assert!(looked(&Heads::open(folder.path(), now), &stat(LONG_AGO), true).1, "byte {at}");
        }
    }
}
