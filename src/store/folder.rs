//! A folder of this machine as a place.
//!
//! Objects are files that appear whole by a rename. One writer at a time replaces the file that others go by: [`Place::hold`] is a
//! lock on `.fitout.lock` (`flock`), which ends with its process. A file that is replaced gets a later second than it had: web
//! servers answer `If-Modified-Since` by whole seconds.

use std::ffi::OsStr;
use std::fs::{File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use fs_err::os::unix::fs::OpenOptionsExt as _;
use rustix::fs::{FlockOperation, OFlags, Timespec, Timestamps, flock, futimens};
use rustix::io::Errno;

use super::{
    Body, Depth, Hold, Keep, Kind, Meta, Object, PATIENCE, Place, StoreError, Tag, Trouble, When, Written, is_within,
    now,
};
use crate::interrupt;

/// The file that writers lock.
const LOCK: &str = ".fitout.lock";
/// Between two tries to lock it.
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);
/// How names begin that are not whole.
const TEMPORARY: &str = ".fitout-put-";

/// Whether a folder is one that was published to: whoever does so takes the lock first, and leaves its file.
pub fn is_place(folder: &Path) -> bool {
    folder.join(LOCK).is_file()
}

/// Whether a file of this name tells it, for whoever has listed the folder.
pub fn is_mark(name: &OsStr) -> bool {
    name == LOCK
}

/// Whether a name is that of a file which writers need, and nobody who reads.
pub fn is_bookkeeping(name: &OsStr) -> bool {
    is_mark(name) || name.as_encoded_bytes().starts_with(TEMPORARY.as_bytes())
}

/// See the module.
pub struct Folder {
    root: PathBuf,
}

impl Folder {
    /// It is made when something is put there.
    pub fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// Keys come from lists that others wrote.
    fn path(&self, key: &str) -> io::Result<PathBuf> {
        if is_within(key) {
            return Ok(self.root.join(key));
        }
        Err(io::Error::new(io::ErrorKind::InvalidInput, format!("`{key}` is not within the folder")))
    }

    fn failed(&self, error: &io::Error) -> StoreError {
        let trouble = match error.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Trouble::Forbidden,
            _ => Trouble::Failed,
        };
        StoreError::new(self.name(), trouble, error)
    }

    fn try_put(&self, key: &str, body: &Body, when: &When) -> io::Result<Written> {
        let path = self.path(key)?;
        let folder = path.parent().unwrap_or(&self.root);
        fs_err::create_dir_all(folder)?;
        // As the umask says: a web server has to read it.
        let mut builder = tempfile::Builder::new();
        builder.prefix(TEMPORARY).permissions(Permissions::from_mode(0o666));
        let (mut file, _held) = interrupt::file(|| builder.tempfile_in(folder), |file| file.path().to_owned())?;
        match body {
            Body::Bytes(bytes) => file.write_all(bytes)?,
            Body::Part { .. } => file.write_all(&body.read()?)?,
            Body::File { path, size } => {
                let sent = io::copy(&mut fs_err::File::open(path)?, file.as_file_mut())?;
                if sent != *size {
                    return Err(super::changed(path));
                }
            }
        }
        file.as_file().sync_data()?;
        let old = meta(&path, key)?;
        match when {
            When::Absent => {
                return match file.persist_noclobber(&path) {
                    Ok(_) => Ok(Written::Done),
                    Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(Written::Lost),
                    Err(error) => Err(error.error),
                };
            }
            When::Is(tag) if old.as_ref().map(|old| &old.tag) != Some(tag) => return Ok(Written::Lost),
            When::Is(_) | When::Always => {}
        }
        if let Some(old) = old {
            later_than(file.as_file(), old.modified)?;
        }
        file.persist(&path).map_err(|error| error.error)?;
        Ok(Written::Done)
    }
}

impl Folder {
    fn below(&self, folder: &str, depth: Depth) -> Result<Vec<Meta>, StoreError> {
        let folder = folder.trim_matches('/');
        let mut found = Vec::new();
        let path = if folder.is_empty() { Ok(self.root.clone()) } else { self.path(folder) };
        let walked = path.and_then(|path| walk(&path, folder, depth, &mut found));
        walked.map_err(|error| self.failed(&error))?;
        found.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(found)
    }
}

impl Folder {
    /// Takes the lock, as soon as nobody has it.
    fn lock(&self, patience: Duration) -> Result<Locked, StoreError> {
        let open = || -> io::Result<File> {
            fs_err::create_dir_all(&self.root)?;
            let path = self.root.join(LOCK);
            let file = fs_err::OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
            Ok(file.into_parts().0)
        };
        let file = open().map_err(|error| self.failed(&error))?;
        let (started, mut pause) = (now::Since::now(), SHORTEST_PAUSE);
        loop {
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Locked(file)),
                Err(Errno::WOULDBLOCK) if u128::from(started.millis()) < patience.as_millis() => {
                    std::thread::sleep(now::jitter(pause));
                    pause = LONGEST_PAUSE.min(pause * 2);
                }
                Err(Errno::WOULDBLOCK) => {
                    let message = format!("`{LOCK}` is somebody else's");
                    return Err(StoreError::new(self.name(), Trouble::Held, message));
                }
                Err(Errno::INTR) => {}
                Err(error) => return Err(self.failed(&error.into())),
            }
        }
    }
}

/// Objects below a folder whose key is `key`.
fn walk(folder: &Path, key: &str, depth: Depth, found: &mut Vec<Meta>) -> io::Result<()> {
    let entries = match fs_err::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if name == LOCK {
            continue;
        }
        let inner = if key.is_empty() { name } else { format!("{key}/{name}") };
        let file_type = entry.file_type()?;
        if file_type.is_dir() && depth == Depth::All {
            walk(&entry.path(), &inner, depth, found)?;
        } else if file_type.is_file() {
            // One that another writer has just removed is not there.
            found.extend(meta(&entry.path(), &inner)?);
        }
    }
    Ok(())
}

fn meta(path: &Path, key: &str) -> io::Result<Option<Meta>> {
    match fs_err::metadata(path) {
        Ok(meta) if meta.is_file() => Ok(Some(of_file(&meta, key))),
        Ok(_) => Ok(None),
        Err(error) if [io::ErrorKind::NotFound, io::ErrorKind::NotADirectory].contains(&error.kind()) => Ok(None),
        Err(error) => Err(error),
    }
}

fn of_file(meta: &std::fs::Metadata, key: &str) -> Meta {
    let tag = format!("{:x}-{:x}-{}.{:09}", meta.ino(), meta.len(), meta.mtime(), meta.mtime_nsec());
    Meta {
        key: key.to_owned(),
        size: meta.len(),
        modified: meta.mtime(),
        tag: Tag { etag: Some(tag), version: None },
        sha256: None,
    }
}

fn later_than(file: &File, old: i64) -> io::Result<()> {
    let own = file.metadata()?.mtime();
    if own <= old {
        let time = Timespec { tv_sec: old + 1, tv_nsec: 0 };
        futimens(file, &Timestamps { last_access: time, last_modification: time })?;
    }
    Ok(())
}

fn is_temporary(key: &str) -> bool {
    key.rsplit('/').next().is_some_and(|name| name.starts_with(TEMPORARY))
}

/// The lock ends with its file.
#[derive(Debug)]
struct Locked(#[expect(dead_code, reason = "it is there to be dropped")] File);

impl Keep for Locked {
    fn renew(&mut self) -> Result<bool, StoreError> {
        Ok(true)
    }
}

impl Place for Folder {
    fn name(&self) -> String {
        format!("file:{}", self.root.display())
    }

    fn at_once(&self) -> usize {
        2
    }

    fn get(&self, key: &str) -> Result<Option<Object>, StoreError> {
        let read = || -> io::Result<Option<Object>> {
            // What is no file, such as a pipe, must not make us wait.
            let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
            let opened = fs_err::OpenOptions::new().read(true).custom_flags(flags).open(self.path(key)?);
            let file = match opened {
                Ok(file) => file,
                Err(error) if [io::ErrorKind::NotFound, io::ErrorKind::NotADirectory].contains(&error.kind()) => {
                    return Ok(None);
                }
                Err(error) => return Err(error),
            };
            // Of the open file: another may have its name by now.
            let meta = file.metadata()?;
            if !meta.is_file() {
                return Ok(None);
            }
            let meta = of_file(&meta, key);
            let mut bytes = Vec::with_capacity(usize::try_from(meta.size).unwrap_or_default());
            io::Read::read_to_end(&mut &file, &mut bytes)?;
            Ok(Some(Object { bytes, meta }))
        };
        read().map_err(|error| self.failed(&error))
    }

    fn head(&self, key: &str) -> Result<Option<Meta>, StoreError> {
        self.path(key).and_then(|path| meta(&path, key)).map_err(|error| self.failed(&error))
    }

    fn put(&self, key: &str, body: &Body, _: &Kind, when: &When) -> Result<Written, StoreError> {
        self.try_put(key, body, when).map_err(|error| self.failed(&error))
    }

    fn list(&self, folder: &str, depth: Depth) -> Result<Vec<Meta>, StoreError> {
        let mut found = self.below(folder, depth)?;
        found.retain(|meta| !is_temporary(&meta.key));
        Ok(found)
    }

    fn remove(&self, key: &str) -> Result<(), StoreError> {
        match self.path(key).and_then(fs_err::remove_file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(self.failed(&error)),
            _ => Ok(()),
        }
    }

    fn hold(&self, _: &str) -> Result<Option<Hold<'_>>, StoreError> {
        Ok(Some(Box::new(self.lock(PATIENCE)?)))
    }

    fn leftovers(&self, before: i64) -> Result<Vec<String>, StoreError> {
        let mut found = self.below("", Depth::All)?;
        found.retain(|meta| is_temporary(&meta.key) && meta.modified < before);
        Ok(found.into_iter().map(|meta| meta.key).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: Kind = Kind { content_type: "text/plain", immutable: false, sha256: None };

    fn bytes(text: &str) -> Body {
        Body::Bytes(text.as_bytes().into())
    }

    #[test]
    fn conditions_hold() {
        let root = tempfile::tempdir().unwrap();
        let place = Folder::new(root.path().join("repo"));
        assert!(place.get("a/b").unwrap().is_none() && place.head("a/b").unwrap().is_none());
        assert_eq!(place.put("a/b", &bytes("one"), &KIND, &When::Absent).unwrap(), Written::Done);
        assert_eq!(place.put("a/b", &bytes("two"), &KIND, &When::Absent).unwrap(), Written::Lost);
        let first = place.get("a/b").unwrap().unwrap();
        assert_eq!(first.bytes, b"one");
        let is = When::Is(first.meta.tag);
        assert_eq!(place.put("a/b", &bytes("six"), &KIND, &is).unwrap(), Written::Done);
        assert_eq!(place.put("a/b", &bytes("ten"), &KIND, &is).unwrap(), Written::Lost);
        let second = place.get("a/b").unwrap().unwrap();
        assert_eq!(second.bytes, b"six");
        assert!(second.meta.modified > first.meta.modified, "a server would say that nothing changed");
        let keys = |depth| place.list("a", depth).unwrap().into_iter().map(|meta| meta.key).collect::<Vec<_>>();
        place.put("a/c/d", &bytes("x"), &KIND, &When::Always).unwrap();
        assert_eq!((keys(Depth::All), keys(Depth::One)), (vec!["a/b".into(), "a/c/d".into()], vec!["a/b".into()]));
        place.remove("a/b").unwrap();
        place.remove("a/b").unwrap();
        assert_eq!(keys(Depth::All), ["a/c/d"]);
        let mode = std::fs::metadata(root.path().join("repo/a/c/d")).unwrap().permissions().mode();
        assert_eq!(mode & 0o044, 0o044, "a web server cannot read {mode:o}");
    }

    #[test]
    fn what_is_no_file_within_the_folder_is_none() {
        let root = tempfile::tempdir().unwrap();
        let place = Folder::new(root.path().join("repo"));
        place.put("a", &bytes("1"), &KIND, &When::Always).unwrap();
        fs_err::write(root.path().join("secret"), "x").unwrap();
        for key in ["../secret", "a/../../secret", "/etc/passwd", "", "a\0"] {
            assert!(place.get(key).is_err() && place.head(key).is_err() && place.remove(key).is_err(), "{key:?}");
            assert!(place.put(key, &bytes("2"), &KIND, &When::Always).is_err(), "{key:?}");
        }
        let pipe = root.path().join("repo/pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert!(place.get("pipe").unwrap().is_none() && place.get(".").is_err());
    }

    #[test]
    fn one_that_is_held_is_not_waited_for_without_end() {
        let root = tempfile::tempdir().unwrap();
        let place = Folder::new(root.path().to_owned());
        let held = place.hold("n").unwrap();
        let error = place.lock(Duration::from_millis(50)).unwrap_err();
        assert_eq!(error.trouble, Trouble::Held);
        drop(held);
        place.lock(Duration::ZERO).unwrap();
    }

    #[test]
    fn no_more_is_fetched_than_was_asked_for() {
        let root = tempfile::tempdir().unwrap();
        let place = Folder::new(root.path().to_owned());
        place.put("a", &bytes("12345"), &KIND, &When::Always).unwrap();
        let mut file = tempfile::tempfile().unwrap();
        assert!(place.fetch("a", &mut file, 5).unwrap() && !place.fetch("b", &mut file, 5).unwrap());
        assert_eq!(file.metadata().unwrap().len(), 5);
        assert!(place.fetch("a", &mut file, 4).is_err());
        assert_eq!(file.metadata().unwrap().len(), 5);
    }

    #[test]
    fn one_holds_at_a_time() {
        let root = tempfile::tempdir().unwrap();
        let place = Folder::new(root.path().to_owned());
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..25 {
                        let hold = place.hold("n").unwrap();
                        let old = place.get("n").unwrap();
                        let count: u32 = old.map_or(0, |old| String::from_utf8(old.bytes).unwrap().parse().unwrap());
                        place.put("n", &bytes(&(count + 1).to_string()), &KIND, &When::Always).unwrap();
                        drop(hold);
                    }
                });
            }
        });
        assert_eq!(place.get("n").unwrap().unwrap().bytes, b"100");
    }
}
