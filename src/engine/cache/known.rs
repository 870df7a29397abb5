//! The stat cache: digests of files that are as an earlier run saw them, so that they need not be read.
//!
//! Enters: files, and the note that the last run left. Leaves: their digests, where path, device, inode, size and both times
//! are those of a file that was read when its stat was old enough to be trusted; and the note of this run.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use sha2::{Digest as _, Sha256};

use crate::assemble::plan::Content;
use crate::build::cache::used;
use crate::build::seen;
use crate::formats::Digest;
use crate::interrupt;

const FILE: &str = "known";
const MAGIC: &[u8; 8] = b"fitsee 1";
const RECORD: usize = 32 + VALUE;
const VALUE: usize = 32 + 16 + 1 + 4;
const SUM: usize = 32;

type Key = [u8; 32];
type Value = [u8; VALUE];

/// A file that was looked at.
pub(in super::super) struct Look {
    key: Key,
    settled: bool,
    /// Its digests, without `deflated`; none where it must be read.
    pub digest: Option<Digest>,
}

/// See the module.
#[derive(Debug)]
pub(in super::super) struct Known {
    folder: PathBuf,
    /// Records of the last run, sorted by key.
    before: Vec<u8>,
    /// Whether the note of the last run could not be used.
    pub damaged: bool,
    /// The time as the file system has it, in nanoseconds since 1970.
    now: i128,
    seen: Mutex<BTreeMap<Key, Value>>,
}

impl Known {
    /// Of a project's folder in the cache.
    ///
    /// # Errors
    /// When nothing can be written there.
    pub fn open(folder: &Path) -> io::Result<Self> {
        let now = seen::now(folder)?;
        let (before, damaged) = match fs_err::read(folder.join(FILE)) {
            Ok(bytes) => records(&bytes).map_or((Vec::new(), true), |records| (records.to_vec(), false)),
            Err(error) => (Vec::new(), error.kind() != io::ErrorKind::NotFound),
        };
        Ok(Self { folder: folder.to_owned(), before, damaged, now, seen: Mutex::default() })
    }

    /// Where the note lies.
    pub fn path(&self) -> PathBuf {
        self.folder.join(FILE)
    }

    /// Looks for a content by the stat of the walk; none where it is no file.
    pub fn look(&self, content: &Content, md5: bool) -> Option<Look> {
        let (path, stat, part) = match content {
            Content::File { path, stat } => (path, stat, None),
            Content::Slice { path, stat, offset, length } => (path, stat, Some((*offset, *length))),
            // What is changed in it is not in its stat.
            Content::Patched { .. } | Content::Made(_) => return None,
        };
        let (offset, length) = part.unwrap_or((0, u64::MAX));
        let key = stat.digest(path, [offset, length]);
        let value = self.find(&key).filter(|value| !md5 || value[48] == 1);
        let size = part.map_or(stat.size, |(_, length)| length);
        let digest = value.map(|value| decode(&value, size, md5));
        if let Some(value) = value {
            self.seen().insert(key, value);
        }
        Some(Look { key, settled: stat.is_settled(self.now), digest })
    }

    /// Remembers the digests of a file that was read after it was looked at.
    pub fn note(&self, look: &Look, digest: &Digest, md5: bool) {
        if look.settled {
            let new = encode(digest, md5);
            // One that has the MD5 besides says more.
            let more = self.find(&look.key).filter(|old| old[48] == 1 && old[..32] == new[..32]);
            self.seen().insert(look.key, more.unwrap_or(new));
        }
    }

    /// Leaves the note for the next run, if it is another than the last.
    ///
    /// # Errors
    /// When it cannot be written; the next run uses the one before, which is as right.
    pub fn keep(&self) -> io::Result<()> {
        let seen = self.seen();
        let mut bytes = Vec::with_capacity(MAGIC.len() + seen.len() * RECORD + SUM);
        bytes.extend(MAGIC);
        for (key, value) in seen.iter() {
            bytes.extend(key);
            bytes.extend(value);
        }
        if !self.damaged && bytes[MAGIC.len()..] == self.before {
            used::now(&self.path());
            return Ok(());
        }
        let sum = Sha256::digest(&bytes);
        bytes.extend(sum);
        interrupt::replace(&self.path(), &bytes)
    }

    fn find(&self, key: &Key) -> Option<Value> {
        let (mut low, mut high) = (0, self.before.len() / RECORD);
        while low < high {
            let middle = usize::midpoint(low, high);
            let (found, value) = self.before[middle * RECORD..][..RECORD].split_at(key.len());
            match found.cmp(&key[..]) {
                std::cmp::Ordering::Equal => return value.try_into().ok(),
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, BTreeMap<Key, Value>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The records of a note that is whole.
fn records(bytes: &[u8]) -> Option<&[u8]> {
    let (rest, sum) = bytes.split_at_checked(bytes.len().checked_sub(SUM)?)?;
    let records = rest.strip_prefix(MAGIC)?;
    (records.len() % RECORD == 0 && Sha256::digest(rest)[..] == *sum).then_some(records)
}

fn encode(digest: &Digest, md5: bool) -> Value {
    let mut value = [0; VALUE];
    value[..32].copy_from_slice(&digest.sha256);
    value[32..48].copy_from_slice(&digest.md5);
    value[48] = u8::from(md5);
    value[49..].copy_from_slice(&digest.crc32.to_le_bytes());
    value
}

fn decode(value: &Value, size: u64, md5: bool) -> Digest {
    let mut digest = Digest { size, sha256: [0; 32], md5: [0; 16], crc32: 0, deflated: 0 };
    digest.sha256.copy_from_slice(&value[..32]);
    // A run that does not want it must not show that an earlier one did.
    if md5 {
        digest.md5.copy_from_slice(&value[32..48]);
    }
    let mut crc32 = [0; 4];
    crc32.copy_from_slice(&value[49..]);
    digest.crc32 = u32::from_le_bytes(crc32);
    digest
}
