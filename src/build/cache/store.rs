//! Where entries and blobs of the cache lie: a name, and bytes. A folder of the user is one such place.
//!
//! Not here: what the bytes mean. Whoever reads them checks them: a store may lie.

use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::used;

/// Most bytes of a name: more than anything that is put, and no more than fits in memory.
pub const LARGEST: u64 = 128 << 20;

/// What is said of a name with more.
pub fn too_large() -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than anything that is put there")
}

/// A place for named bytes. Names are made of letters, digits and `/`; what is put is there whole or not at all.
pub trait Store: Sync {
    /// What it is called in messages.
    fn name(&self) -> String;
    /// How many requests it takes at once; none for as many as there are processors.
    fn at_once(&self) -> usize {
        0
    }
    /// Whether it did not answer before: it is not asked again.
    fn is_down(&self) -> bool {
        false
    }
    /// The bytes of a name, if it is there; the error [`too_large`] if there are more than [`LARGEST`].
    fn get(&self, name: &str) -> io::Result<Option<Vec<u8>>>;
    /// Whether the name is there. It counts as used.
    fn has(&self, name: &str) -> io::Result<bool>;
    /// Puts bytes under a name, over what is there.
    fn put(&self, name: &str, bytes: &[u8]) -> io::Result<()>;
    /// Names right below `folder/`, the last used first.
    fn list(&self, folder: &str) -> io::Result<Vec<String>>;
    /// Removes a name that is damaged; that it is not there is no error.
    fn remove(&self, name: &str) -> io::Result<()>;
}

/// A folder.
#[derive(Debug, Clone)]
pub struct Local {
    folder: PathBuf,
    /// Of new folders and files, less what the umask takes.
    modes: (u32, u32),
}

impl Local {
    /// The user's own. It is made when something is put there.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder, modes: (0o700, 0o600) }
    }

    /// One that several users share: their umask says who reads and writes there.
    pub fn shared(folder: PathBuf) -> Self {
        Self { folder, modes: (0o777, 0o666) }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

impl Store for Local {
    fn name(&self) -> String {
        self.folder.display().to_string()
    }

    fn get(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        let file = match fs_err::File::open(self.path(name)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut bytes = Vec::new();
        if file.metadata()?.len() > LARGEST || file.take(LARGEST + 1).read_to_end(&mut bytes)? as u64 > LARGEST {
            return Err(too_large());
        }
        used::now(&self.path(name));
        Ok(Some(bytes))
    }

    fn has(&self, name: &str) -> io::Result<bool> {
        // A power cut may leave an empty file under a final name.
        let there = fs_err::metadata(self.path(name)).is_ok_and(|meta| meta.is_file() && meta.len() > 0);
        if there {
            used::now(&self.path(name));
        }
        Ok(there)
    }

    fn put(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let path = self.path(name);
        let folder = path.parent().unwrap_or(&self.folder);
        std::fs::DirBuilder::new().recursive(true).mode(self.modes.0).create(folder)?;
        let mode = std::fs::Permissions::from_mode(self.modes.1);
        let mut file = tempfile::Builder::new().prefix(TEMPORARY).permissions(mode).tempfile_in(folder)?;
        file.write_all(bytes)?;
        file.persist(&path).map_err(|error| error.error)?;
        Ok(())
    }

    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        let entries = match fs_err::read_dir(self.path(folder)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut found: Vec<((i64, i64), String)> = entries
            .filter_map(|entry| {
                let entry = entry.ok()?;
                let name = entry.file_name().into_string().ok().filter(|name| !name.starts_with(TEMPORARY))?;
                let meta = entry.metadata().ok()?;
                Some(((meta.mtime(), meta.mtime_nsec()), format!("{folder}/{name}")))
            })
            .collect();
        found.sort_by(|a, b| b.cmp(a));
        Ok(found.into_iter().map(|(_, name)| name).collect())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        used::remove(&self.path(name))
    }
}

/// How files begin that are not whole.
pub const TEMPORARY: &str = ".put-";

#[cfg(test)]
mod tests {
    use rustix::fs::{AtFlags, CWD, Timespec, Timestamps};

    use super::*;

    #[test]
    fn what_is_put_is_there_and_the_last_used_comes_first() {
        let folder = tempfile::tempdir().unwrap();
        let store = Local::new(folder.path().join("store"));
        assert_eq!(store.list("tree/a").unwrap(), [""; 0]);
        assert!(store.get("tree/a/one").unwrap().is_none() && !store.has("tree/a/one").unwrap());
        for (name, age) in [("one", 100), ("two", 50)] {
            store.put(&format!("tree/a/{name}"), name.as_bytes()).unwrap();
            let times = Timespec { tv_sec: 1_000_000 - age, tv_nsec: 0 };
            let times = Timestamps { last_access: times, last_modification: times };
            rustix::fs::utimensat(CWD, store.path(&format!("tree/a/{name}")), &times, AtFlags::empty()).unwrap();
        }
        assert_eq!(store.list("tree/a").unwrap(), ["tree/a/two", "tree/a/one"]);
        assert_eq!(store.get("tree/a/one").unwrap().unwrap(), b"one");
        assert_eq!(store.list("tree/a").unwrap(), ["tree/a/one", "tree/a/two"]);
        store.remove("tree/a/one").unwrap();
        store.remove("tree/a/one").unwrap();
        assert_eq!(store.list("tree/a").unwrap(), ["tree/a/two"]);
    }

    #[test]
    fn what_is_shared_has_the_modes_of_the_umask() {
        let folder = tempfile::tempdir().unwrap();
        let mode = |path: &str| fs_err::metadata(folder.path().join(path)).unwrap().permissions().mode() & 0o777;
        fs_err::create_dir(folder.path().join("plain")).unwrap();
        fs_err::write(folder.path().join("plain/file"), "").unwrap();
        Local::shared(folder.path().join("shared")).put("blob/one", b"x").unwrap();
        for (plain, shared) in [("plain", "shared"), ("plain", "shared/blob"), ("plain/file", "shared/blob/one")] {
            assert_eq!(mode(plain), mode(shared), "{shared}");
        }
        Local::new(folder.path().join("own")).put("blob/one", b"x").unwrap();
        assert_eq!(["own", "own/blob", "own/blob/one"].map(mode), [0o700, 0o700, 0o600]);
    }

    #[test]
    fn what_is_too_large_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        fs_err::File::create(folder.path().join("hole")).unwrap().set_len(LARGEST + 1).unwrap();
        let error = Local::new(folder.path().to_owned()).get("hole").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
    }
}
