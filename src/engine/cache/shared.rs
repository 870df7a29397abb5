//! The run cache of several machines: segments in a store that all of them read.
//!
//! Enters: a store, and what this build compressed. Leaves: segments of other machines in the user's own folder, every entry
//! decompressed and compared with its key, which names the content by its digest: a store may lie. Runs between spliced content
//! are not shared, because their keys say of which parts they are and not what they hold. A store that is down, slow or wrong
//! costs a warning and seconds.

use std::fmt;
use std::io::{self, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};

use super::runs::{Form, Shareable, encoder, key};
use super::segment::{EXTENSION, Entry, Segment, Writer};
use crate::build::cache::store::Store;
use crate::build::state::RUNS;
use crate::codec::deflate::{self, Behind};
use crate::diagnostic::{Diagnostic, Findings, codes};

/// Names of segments that were taken, or looked at and found to be wrong: they are not asked for again.
pub const TAKEN: &str = "taken";
/// Most names in that list.
const REMEMBERED: usize = 2000;
/// Most segments that are asked for in a build, the newest first.
const ASKED: usize = 64;
/// Time in which another one is asked for.
const PATIENCE: Duration = Duration::from_secs(20);
/// Bytes of a segment that is put there, but for its last entry: it lies in memory on its way.
const LARGEST: u64 = 32 << 20;
/// Levels of deflate that a key may name.
const LEVELS: std::ops::RangeInclusive<u8> = 1..=12;

/// See the module.
pub struct Shared {
    store: Box<dyn Store>,
    writes: bool,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shared({})", self.store.name())
    }
}

impl Shared {
    /// In this store, which is only read unless this run may write there.
    pub fn new(store: Box<dyn Store>, writes: bool) -> Self {
        Self { store, writes }
    }

    /// What is said of one that cannot even be asked.
    pub fn closed(address: &str, error: &io::Error) -> Diagnostic {
        unusable(address, error)
    }

    /// Brings segments that are not here yet into the folder of all caches, up to `most` bytes of them.
    pub fn take(&self, cache: &Path, most: u64) -> Findings {
        let mut findings = Findings::new();
        if let Err(error) = self.take_all(cache, most, &mut findings) {
            findings.push(self.unusable(&error));
        }
        findings
    }

    fn take_all(&self, cache: &Path, most: u64, findings: &mut Findings) -> io::Result<()> {
        let (start, runs) = (Instant::now(), cache.join(RUNS));
        let taken = fs_err::read_to_string(cache.join(TAKEN)).unwrap_or_default();
        let mut taken: Vec<&str> = taken.lines().collect();
        let names = self.store.list(&folder())?;
        let new = |name: &&String| {
            let file = name.rsplit('/').next().unwrap_or_default();
            file.ends_with(EXTENSION) && !taken.contains(&file) && !runs.join(file).exists()
        };
        let new: Vec<&String> = names.iter().filter(new).take(ASKED).collect();
        if new.is_empty() {
            return Ok(());
        }
        super::create(&runs)?;
        let mut bytes = 0;
        for name in new {
            if bytes >= most || start.elapsed() > PATIENCE {
                break;
            }
            let Some(segment) = self.store.get(name)? else { continue };
            bytes += segment.len() as u64;
            if !adopt(&segment, &runs)? {
                // Whoever comes next should not stumble over it again.
                let _ = self.store.remove(name);
                findings.push(self.damaged(name));
            }
            taken.push(name.rsplit('/').next().unwrap_or_default());
        }
        remember(cache, &taken)
    }

    /// Puts what this build compressed there, if it may.
    pub(super) fn offer(&self, cache: &Path, fresh: &[Shareable<'_>]) -> Findings {
        if !self.writes || fresh.is_empty() || self.store.is_down() {
            return Findings::new();
        }
        self.put_all(cache, fresh).err().map(|error| self.unusable(&error)).into_iter().collect()
    }

    fn put_all(&self, cache: &Path, fresh: &[Shareable<'_>]) -> io::Result<()> {
        let runs = &cache.join(RUNS);
        super::create(runs)?;
        let taken = fs_err::read_to_string(cache.join(TAKEN)).unwrap_or_default();
        let mut taken: Vec<String> = taken.lines().map(str::to_owned).collect();
        let mut rest = fresh.iter().filter(|one| one.bytes <= LARGEST).peekable();
        while rest.peek().is_some() {
            let mut writer = Writer::new(runs)?;
            while let Some(one) = rest.next_if(|_| writer.size() < LARGEST) {
                writer.add(one.key, one.raw, |take| (one.give)(take))?;
            }
            let (name, bytes) = writer.into_bytes()?;
            self.store.put(&format!("{}/{name}", folder()), &bytes)?;
            // What is in it is here already, in a segment of another name.
            taken.push(name);
        }
        remember(cache, &taken)
    }

    fn unusable(&self, error: &io::Error) -> Diagnostic {
        unusable(&self.store.name(), error)
    }

    fn damaged(&self, name: &str) -> Diagnostic {
        Diagnostic::warning(
            codes::ENGINE_CACHE,
            "what a shared cache has of compressed content is not what was put there",
        )
        .path(format!("{}/{name}", self.store.name()))
        .note("what is wrong in it is not used")
        .help("artifacts are right all the same; if it comes again, look who else writes to that store")
    }
}

/// Where segments of this encoder lie: the keys of another one's entries say nothing here.
fn folder() -> String {
    format!("{RUNS}/{}", encoder())
}

/// Leaves the list of segments that need not be asked for.
fn remember(cache: &Path, taken: &[impl AsRef<str>]) -> io::Result<()> {
    let kept = taken.len().saturating_sub(REMEMBERED);
    let mut file = tempfile::NamedTempFile::new_in(cache)?;
    for name in &taken[kept..] {
        writeln!(file, "{}", name.as_ref())?;
    }
    file.persist(cache.join(TAKEN)).map(drop).map_err(|error| error.error)
}

fn unusable(address: &str, error: &io::Error) -> Diagnostic {
    Diagnostic::warning(codes::ENGINE_CACHE, "the shared cache of compressed content could not be used")
        .path(address)
        .note(error.to_string())
        .help("the build took longer for it, and is right all the same")
}

/// Makes a segment of the entries that are what their keys say; whether all of them are.
fn adopt(segment: &[u8], runs: &Path) -> io::Result<bool> {
    let mut file = tempfile::NamedTempFile::new_in(runs)?;
    file.write_all(segment)?;
    let Ok(segment) = Segment::open(file.path().to_owned()) else { return Ok(false) };
    let mut entries: Vec<Entry> = segment.entries().collect();
    let whole = entries.len();
    entries.retain(|entry| is_true(&segment, entry));
    if entries.is_empty() {
        return Ok(whole == 0);
    }
    let mut writer = Writer::new(runs)?;
    for entry in &entries {
        writer.add(entry.key, entry.raw, |take| segment.give(entry, take))?;
    }
    writer.finish()?;
    Ok(entries.len() == whole)
}

/// Whether an entry decompresses to the content that its key names.
fn is_true(segment: &Segment, entry: &Entry) -> bool {
    let Ok(length) = usize::try_from(entry.length) else { return false };
    if entry.length > segment.size {
        return false;
    }
    let mut packed = Vec::with_capacity(length);
    if !segment.read(entry, |bytes| packed.extend_from_slice(bytes)) {
        return false;
    }
    [(Form::Runs, Behind::More), (Form::Whole, Behind::Nothing)].into_iter().any(|(form, behind)| {
        let mut sha256 = Sha256::new();
        let true_to = deflate::unpacks(&packed, entry.raw, behind, |piece| {
            sha256.update(piece);
            true
        });
        let sha256 = sha256.finalize().into();
        true_to && LEVELS.into_iter().any(|level| key(form, level, &sha256) == entry.key)
    })
}
