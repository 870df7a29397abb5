//! Whether files are as they were: by what the system says of them, and by their content where that changed.
//!
//! Enters: paths, and what was seen of them before. Leaves: what is seen now. A file that changed in the moment before it
//! was looked at could change again without the system telling: its stat is not trusted the next time.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::codec::hashes::{Hasher, Hashes};
use crate::codec::hex::hex;
use crate::store;

/// Stats younger than this are not trusted, in nanoseconds: a file system takes the time of the last tick of a clock.
const YOUNG: i128 = 50_000_000;
/// The same where a file system counts in seconds, or in twos of them.
const YOUNG_COARSE: i128 = 2_000_000_000;
/// In nanoseconds.
const SECOND: i128 = 1_000_000_000;
/// Bytes that are read at a time.
const BUFFER: usize = 128 * 1024;
/// Said in place of a digest.
const ABSENT: &str = "absent";

/// What the system says of a file: mode, size, times of content and of inode in seconds and nanoseconds, inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stat(u32, u64, i64, i64, i64, i64, u64);

impl Stat {
    /// Of a file or link as it lies there.
    pub fn of(meta: &Metadata) -> Self {
        // The times of a folder tell of what lies in it, which is looked at by itself.
        if meta.is_dir() {
            return Self(meta.mode(), 0, 0, 0, 0, 0, 0);
        }
        let (content, inode) = ((meta.mtime(), meta.mtime_nsec()), (meta.ctime(), meta.ctime_nsec()));
        Self(meta.mode(), meta.len(), content.0, content.1, inode.0, inode.1, meta.ino())
    }

    /// Whether it is of a folder: `S_IFDIR` of inode(7).
    pub fn is_folder(self) -> bool {
        self.0 & 0o170_000 == 0o040_000
    }
}

/// What was seen of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    stat: Option<Stat>,
    /// SHA-256 in hex of the content and the executable bit, or of where a link leads.
    pub digest: String,
    /// Whether a later change would change the stat.
    settled: bool,
}

impl Seen {
    /// When the content changed, in seconds since 1970 and nanoseconds; none of what is not there.
    pub fn time(&self) -> Option<(i64, i64)> {
        self.stat.map(|stat| (stat.2, stat.3))
    }

    /// Whether nobody has written it since `before` was seen. Another mode or one more name is no other content.
    pub fn is_untouched(&self, before: &Self) -> bool {
        let written = |seen: &Self| seen.stat.map(|Stat(_, size, s, ns, _, _, inode)| (size, s, ns, inode));
        written(self) == written(before)
    }

    /// Whether nobody has written what has this stat now.
    pub fn is_at(&self, stat: Stat) -> bool {
        self.stat == Some(stat)
    }

    /// Notes a stat that was given to it after it was seen; its content is read again at the next look.
    pub fn moved(&mut self, stat: Stat) {
        *self = Self { stat: Some(stat), settled: false, digest: std::mem::take(&mut self.digest) };
    }
}

/// All of them, by path.
pub type AllSeen = BTreeMap<String, Seen>;

/// Whether a later change of it would show in its stat. `now` is in nanoseconds since 1970.
pub fn is_settled(meta: &Metadata, now: i128) -> bool {
    let time = |seconds: i64, nanoseconds: i64| i128::from(seconds) * SECOND + i128::from(nanoseconds);
    is_old((time(meta.mtime(), meta.mtime_nsec()), time(meta.ctime(), meta.ctime_nsec())), now)
}

/// The same of the times of content and of inode, in nanoseconds since 1970.
pub fn is_old((content, inode): (i128, i128), now: i128) -> bool {
    let young = if inode % SECOND == 0 { YOUNG_COARSE } else { YOUNG };
    content.max(inode) < now - young
}

/// The time as the file system of a folder has it, in nanoseconds since 1970.
///
/// # Errors
/// Nothing can be written there.
pub fn now(folder: &Path) -> std::io::Result<i128> {
    std::fs::create_dir_all(folder)?;
    let meta = tempfile::NamedTempFile::new_in(folder)?.as_file().metadata()?;
    Ok(i128::from(meta.mtime()) * 1_000_000_000 + i128::from(meta.mtime_nsec()))
}

/// Looks at files. `now` is that of [`now`]; content is read only where `before` does not tell.
pub fn look<'p>(paths: impl IntoIterator<Item = &'p String>, before: Option<&AllSeen>, now: i128) -> AllSeen {
    let paths: Vec<&String> = paths.into_iter().collect();
    let seen =
        |path: &&String| ((*path).clone(), one(Path::new(path), before.and_then(|before| before.get(*path)), now));
    paths.par_iter().map(seen).collect()
}

fn one(path: &Path, before: Option<&Seen>, now: i128) -> Seen {
    let Ok(meta) = std::fs::symlink_metadata(path) else {
        return Seen { stat: None, digest: ABSENT.to_owned(), settled: true };
    };
    let stat = Stat::of(&meta);
    if let Some(before) = before.filter(|before| before.settled && before.stat == Some(stat)) {
        return before.clone();
    }
    let digest = digest(path, &meta).unwrap_or_else(|error| format!("unreadable: {error}"));
    Seen { stat: Some(stat), digest, settled: is_settled(&meta, now) }
}

fn digest(path: &Path, meta: &Metadata) -> std::io::Result<String> {
    let mut hasher = Hasher::new(Hashes::SHA256);
    if meta.is_symlink() {
        hasher.update(b"link\0");
        hasher.update(std::fs::read_link(path)?.as_os_str().as_bytes());
    } else if meta.is_file() {
        hasher.update(if meta.mode() & 0o111 == 0 { b"file\0" } else { b"prog\0" });
        let mut file = std::fs::File::open(path)?;
        let mut buffer = vec![0; BUFFER.min(usize::try_from(meta.len()).unwrap_or(BUFFER) + 1)];
        loop {
            match file.read(&mut buffer)? {
                0 => break,
                read => hasher.update(&buffer[..read]),
            }
        }
    } else {
        hasher.update(b"special");
    }
    Ok(hex(&hasher.finish().sha256.unwrap_or_default()))
}

/// Stats of a path and what lies below it, down to `depth`, without some paths; empty where nothing is there.
pub fn stats(path: &Path, depth: usize, without: &[PathBuf]) -> BTreeMap<String, Stat> {
    let mut all = BTreeMap::new();
    collect(path, depth, without, &mut all);
    all
}

fn collect(path: &Path, depth: usize, without: &[PathBuf], all: &mut BTreeMap<String, Stat>) {
    let Ok(meta) = std::fs::symlink_metadata(path) else { return };
    if without.iter().any(|left_out| path == left_out) || path.file_name().is_some_and(|name| name == ".git") {
        return;
    }
    all.insert(path.to_string_lossy().into_owned(), Stat::of(&meta));
    if meta.is_dir() && depth > 0 {
        for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
            let is_place = || entry.file_type().is_ok_and(|kind| kind.is_dir()) && store::is_place(&entry.path());
            if !store::is_bookkeeping(&entry.file_name()) && !is_place() {
                collect(&entry.path(), depth - 1, without, all);
            }
        }
    }
}

/// The path of the first that differs, and how.
pub fn difference(before: &AllSeen, after: &AllSeen) -> Option<String> {
    let changed = after.iter().find_map(|(path, seen)| match before.get(path) {
        None => Some(format!("`{path}` is new")),
        Some(old) if old.digest != seen.digest => Some(format!("`{path}` changed")),
        Some(_) => None,
    });
    changed.or_else(|| Some(format!("`{}` is gone", before.keys().find(|path| !after.contains_key(*path))?)))
}

/// What tells the fitout that runs from every other one: notes of another may say other things. None where it cannot be looked at.
pub fn this_program() -> Option<String> {
    let own = std::env::current_exe().and_then(fs_err::metadata).ok()?;
    Some(format!("{} {:?}", env!("CARGO_PKG_VERSION"), Stat::of(&own)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LATER: i128 = i128::MAX;

    fn seen(path: &Path, before: Option<&AllSeen>, now: i128) -> AllSeen {
        look([&path.display().to_string()], before, now)
    }

    #[test]
    fn content_is_read_where_the_stat_changed_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs_err::write(&path, "one").unwrap();
        let first = seen(&path, None, LATER);
        let mut lying = first.clone();
        lying.values_mut().for_each(|seen| "remembered".clone_into(&mut seen.digest));
        assert_eq!(seen(&path, Some(&lying), LATER), lying, "it was read again");
        fs_err::write(&path, "two").unwrap();
        let changed = seen(&path, Some(&lying), LATER);
        assert!(difference(&first, &changed).unwrap().ends_with("` changed"));
        fs_err::remove_file(&path).unwrap();
        assert!(difference(&changed, &seen(&path, Some(&changed), LATER)).is_some());
    }

    #[test]
    fn the_stat_of_a_young_file_is_not_trusted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs_err::write(&path, "one").unwrap();
        let now = now(folder.path()).unwrap();
        let mut lying = seen(&path, None, now);
        lying.values_mut().for_each(|seen| "remembered".clone_into(&mut seen.digest));
        assert_ne!(seen(&path, Some(&lying), now), lying);
    }

    #[test]
    fn a_touched_file_is_the_same_and_a_program_is_another() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs_err::write(&path, "one").unwrap();
        let first = seen(&path, None, LATER);
        fs_err::write(&path, "one").unwrap();
        assert_eq!(difference(&first, &seen(&path, Some(&first), LATER)), None);
        fs_err::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert!(difference(&first, &seen(&path, Some(&first), LATER)).is_some());
    }
}
