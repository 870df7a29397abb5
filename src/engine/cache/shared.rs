//! The run cache of several machines: segments in a store that all of them read.
//!
//! Enters: a store, and what this build compressed. Leaves: segments of other machines in the user's own folder, every entry
//! decompressed and compared with its key, which names the content by its digest: a store may lie. Runs between spliced content
//! are not shared, because their keys say of which parts they are and not what they hold. A store that is down, slow or wrong
//! costs a warning and seconds.

use std::fmt;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};

use super::runs::{Form, Shareable, encoder, key};
use super::segment::{EXTENSION, Entry, Segment, Writer};
use crate::build::cache::store::Store;
use crate::build::state::RUNS;
use crate::codec::deflate::{self, Behind};
use crate::diagnostic::{Diagnostic, Findings, codes};
use crate::interrupt::{self, UNFINISHED};

/// Names of segments that were taken, or looked at and found to be wrong: they are not asked for again.
pub const TAKEN: &str = "taken";
/// Most names in that list.
const REMEMBERED: usize = 2000;
/// Most segments that are asked for in a build, the newest first.
const ASKED: usize = 64;
/// Segments that are asked for at once. Each lies in memory on its way.
const AT_ONCE: usize = 4;
/// Time that taking them may have.
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

    /// Brings segments that are not here yet into the folder of all caches, about `most` bytes of them.
    pub fn take(&self, cache: &Path, most: u64) -> Findings {
        let mut findings = Findings::new();
        if let Err(error) = self.take_all(cache, most, &mut findings) {
            findings.push(self.unusable(&error));
        }
        findings
    }

    fn take_all(&self, cache: &Path, most: u64, findings: &mut Findings) -> io::Result<()> {
        let (end, runs) = (Instant::now() + PATIENCE, cache.join(RUNS));
        let before = fs_err::read_to_string(cache.join(TAKEN)).unwrap_or_default();
        let before: Vec<&str> = before.lines().collect();
        let names = self.store.list(&folder())?;
        let is_new = |name: &&String| {
            let file = file_of(name);
            file.ends_with(EXTENSION) && !before.contains(&file) && !runs.join(file).exists()
        };
        let new: Vec<&String> = names.iter().filter(is_new).take(ASKED).collect();
        if new.is_empty() {
            return Ok(());
        }
        super::create(&runs)?;
        let (next, bytes) = (AtomicUsize::new(0), AtomicU64::new(0));
        let work = || {
            let mut taken = Taken::default();
            while bytes.load(Ordering::Relaxed) < most
                && Instant::now() < end
                && let Some(name) = new.get(next.fetch_add(1, Ordering::Relaxed))
            {
                let adopted = self.store.get(name).and_then(|segment| match segment {
                    Some(segment) => {
                        bytes.fetch_add(segment.len() as u64, Ordering::Relaxed);
                        adopt(segment, &runs, end).map(Some)
                    }
                    None => Ok(None),
                });
                match adopted {
                    Ok(Some(Adopted::All)) => taken.whole.push(file_of(name)),
                    Ok(Some(Adopted::Part)) => taken.damaged.push(name),
                    Ok(Some(Adopted::Late) | None) => {}
                    Err(error) => {
                        taken.failed = Some(error);
                        break;
                    }
                }
            }
            taken
        };
        let all: Vec<Taken<'_>> = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(work)).collect();
            workers.into_iter().filter_map(|worker| worker.join().ok()).collect()
        });
        let mut list = before.clone();
        let mut failed = None;
        for taken in all {
            list.extend(taken.whole);
            list.extend(taken.damaged.iter().map(|name| file_of(name)));
            for name in taken.damaged {
                // Whoever comes next should not stumble over it again.
                let _ = self.store.remove(name);
                findings.push(self.damaged(name));
            }
            failed = failed.or(taken.failed);
        }
        if list.len() > before.len() {
            remember(cache, &list)?;
        }
        failed.map_or(Ok(()), Err)
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
    let lines = taken[kept..].iter().map(AsRef::as_ref).collect::<Vec<_>>().join("\n");
    interrupt::replace(&cache.join(TAKEN), lines.as_bytes())
}

fn unusable(address: &str, error: &io::Error) -> Diagnostic {
    Diagnostic::warning(codes::ENGINE_CACHE, "the shared cache of compressed content could not be used")
        .path(address)
        .note(error.to_string())
        .help("the build took longer for it, and is right all the same")
}

/// What a worker took.
#[derive(Default)]
struct Taken<'n> {
    /// Files whose entries are all here.
    whole: Vec<&'n str>,
    /// Names of segments some of whose entries are not what their keys say.
    damaged: Vec<&'n String>,
    /// Why it went no further.
    failed: Option<io::Error>,
}

/// What came of a segment.
enum Adopted {
    /// All its entries are what their keys say.
    All,
    /// Some or all are not, and left out.
    Part,
    /// There was no time to look at all of them, and nothing of it is taken.
    Late,
}

/// The last part of a name.
fn file_of(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or_default()
}

/// Makes a segment of the entries that are what their keys say, as far as it can be seen until `end`.
///
/// # Errors
/// When the folder cannot be written or read: that says nothing of what the store has.
fn adopt(segment: Vec<u8>, runs: &Path, end: Instant) -> io::Result<Adopted> {
    let new = || tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(runs);
    let (mut file, _held) = interrupt::file(new, |file| file.path().to_owned())?;
    file.write_all(&segment)?;
    // It may be large, and others wait for their room.
    drop(segment);
    let segment = match Segment::open(file.path().to_owned()) {
        Err(error) if error.kind() == io::ErrorKind::InvalidData => return Ok(Adopted::Part),
        opened => opened?,
    };
    // Each has a place of its own: nobody makes work of one place for many.
    let places = segment.entries().try_fold(0u64, |sum, entry| sum.checked_add(entry.length));
    if places.is_none_or(|sum| sum > segment.size) {
        return Ok(Adopted::Part);
    }
    let (mut entries, mut adopted): (Vec<Entry>, _) = (Vec::new(), Adopted::All);
    for entry in segment.entries() {
        match is_true(&segment, &entry, end) {
            Some(true) => entries.push(entry),
            Some(false) => adopted = Adopted::Part,
            // Next time there may be more of it.
            None => return Ok(Adopted::Late),
        }
    }
    if !entries.is_empty() {
        let mut writer = Writer::new(runs)?;
        for entry in &entries {
            writer.add(entry.key, entry.raw, |take| segment.give(entry, take))?;
        }
        writer.finish()?;
    }
    Ok(adopted)
}

/// Whether an entry decompresses to the content that its key names; none where that cannot be seen until `end`.
fn is_true(segment: &Segment, entry: &Entry, end: Instant) -> Option<bool> {
    let length = usize::try_from(entry.length).ok()?;
    let mut packed = Vec::with_capacity(length);
    if !segment.read(entry, |bytes| packed.extend_from_slice(bytes)) {
        return Some(false);
    }
    for (form, behind) in [(Form::Runs, Behind::More), (Form::Whole, Behind::Nothing)] {
        let mut sha256 = Sha256::new();
        let unpacks = deflate::unpacks(&packed, entry.raw, behind, |piece| {
            sha256.update(piece);
            Instant::now() < end
        });
        if Instant::now() >= end {
            return None;
        }
        let sha256 = sha256.finalize().into();
        if unpacks && LEVELS.into_iter().any(|level| key(form, level, &sha256) == entry.key) {
            return Some(true);
        }
    }
    Some(false)
}
