//! Carries a draft out: groups in their order, the root only if nobody else was faster, the rest behind it.
//!
//! Enters: a [`Destination`] and what is for it. Leaves: a [`Receipt`]. Whoever loses the race for the root makes a new draft of what the
//! winner left; what was put by then is found and not sent again. Killed at any moment, the place holds the old root or the new one.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use serde::Serialize;

use super::destination::{Destination, Work};
use super::draft::{Draft, Put, Root, What};
use super::parallel::at_once;
use super::parcel::Parcel;
use super::stored::{self, Found};
use crate::codec::hex::hex;
use crate::diagnostic::{Diagnostic, Findings};
use crate::listener::{Event, Listener};
use crate::store::{Body, Place, StoreError, When, Written, now};

use sha2::Digest as _;

/// What was done at a destination.
#[derive(Debug, Clone, Serialize)]
pub struct Receipt {
    /// The destination.
    pub destination: String,
    /// What was put, in this order but for what went at once.
    pub puts: Vec<Sent>,
    /// Artifacts that were there already.
    pub same: Vec<String>,
    /// Packages that retention took out of the lists.
    pub dropped: Vec<String>,
    /// Artifacts that were sent as signed copies.
    pub signed: Vec<Signed>,
    /// For how many milliseconds the root was there before its signature; none where the root is signed itself, or was not put.
    pub unsigned_ms: Option<u64>,
    /// Bytes that were sent.
    pub bytes: u64,
    /// How often somebody else was faster.
    pub lost: usize,
    /// When it was done, seconds since 1970.
    pub time: i64,
    /// What the place told besides.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// An artifact that was sent as a signed copy.
#[derive(Debug, Clone, Serialize)]
pub struct Signed {
    /// Its file name.
    pub file: String,
    /// SHA-256 in hex of what was built.
    pub built: String,
    /// SHA-256 in hex of the copy.
    pub sent: String,
}

impl Signed {
    /// That of a parcel, if it is such a copy.
    pub(super) fn of(parcel: &Parcel) -> Option<Self> {
        let built = parcel.built.clone()?;
        Some(Self { file: parcel.artifact.file.clone(), built, sent: parcel.artifact.sha256.clone() })
    }
}

/// One object that was put.
#[derive(Debug, Clone, Serialize)]
pub struct Sent {
    /// Its key.
    pub key: String,
    /// What it is.
    pub what: What,
    /// Bytes.
    pub size: u64,
    /// SHA-256 in hex.
    pub sha256: String,
}

/// Publishing that stopped.
#[derive(Debug)]
pub struct Halted {
    /// Why.
    pub findings: Findings,
    /// Objects that were put before.
    pub put: usize,
}

/// How often the root may be lost to others.
const MOST_LOST: usize = 200;
/// First time that is waited after a loss; later ones are longer.
const WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(3);
/// A body from here on is only sent when it is known not to be there.
const LOOK_FIRST: u64 = 64 << 10;

struct Sender<'a> {
    destination: &'a dyn Destination,
    listener: &'a dyn Listener,
    sent: Mutex<Vec<Sent>>,
    bytes: AtomicU64,
    put: AtomicUsize,
    /// Whether something else was put under a key where nothing was, or in place of what it was made from.
    overtaken: AtomicBool,
    unsigned: Mutex<Option<u64>>,
}

impl Work<'_> {
    /// Does it.
    ///
    /// # Errors
    /// Why it stopped, and whether something was put before.
    pub fn send(&self, destination: &dyn Destination, listener: &dyn Listener) -> Result<Receipt, Halted> {
        let sender = Sender {
            destination,
            listener,
            sent: Mutex::default(),
            bytes: AtomicU64::new(0),
            put: AtomicUsize::new(0),
            overtaken: AtomicBool::new(false),
            unsigned: Mutex::default(),
        };
        let done = sender.run(self);
        let put = sender.put.load(Ordering::Relaxed);
        let notes = destination.place().notes();
        for note in &notes {
            listener.hear(Event::Finding(destination.note(note)));
        }
        let (draft, lost) = done.map_err(|findings| Halted { findings, put })?;
        Ok(Receipt {
            puts: sender.sent.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner),
            bytes: sender.bytes.load(Ordering::Relaxed),
            lost,
            notes,
            unsigned_ms: *sender.unsigned.lock().unwrap_or_else(std::sync::PoisonError::into_inner),
            ..Receipt::planned(destination.name(), &draft)
        })
    }
}

impl Receipt {
    /// That of a draft that was not carried out.
    pub fn planned(destination: String, draft: &Draft) -> Self {
        Self {
            destination,
            puts: Vec::new(),
            same: draft.same.clone(),
            dropped: draft.dropped.clone(),
            signed: Vec::new(),
            unsigned_ms: None,
            bytes: 0,
            lost: 0,
            time: now::now(),
            notes: Vec::new(),
        }
    }
}

impl Sender<'_> {
    fn place(&self) -> &dyn Place {
        self.destination.place()
    }

    fn run(&self, work: &Work<'_>) -> Result<(Draft, usize), Findings> {
        for lost in 0..MOST_LOST {
            if lost > 0 {
                let wait = WAIT.saturating_mul(u32::try_from(lost).unwrap_or(u32::MAX)).min(LONGEST_WAIT);
                std::thread::sleep(now::jitter(wait));
            }
            let mut hold = self.place().hold(HELD).map_err(refused)?;
            let draft = self.destination.draft(work)?;
            for group in &draft.before {
                self.all(group)?;
            }
            // The root would list what is there no more.
            if self.overtaken.swap(false, Ordering::Relaxed) {
                continue;
            }
            let exclusive = hold.is_some();
            // A lease may have ended while much was sent.
            let is_ours = hold.as_mut().map_or(Ok(true), |hold| hold.renew()).map_err(refused)?;
            if let Some(root) = &draft.root
                && !(is_ours && self.root(root)?)
            {
                continue;
            }
            let since = now::Since::now();
            for group in &draft.after {
                self.all(group)?;
                if draft.root.is_some()
                    && self.destination.signs_apart()
                    && group.iter().any(|put| put.what == What::Signature)
                {
                    *self.unsigned.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(since.millis());
                }
            }
            match &draft.root {
                Some(root) if !exclusive => self.settle(root)?,
                None if self.overtaken.swap(false, Ordering::Relaxed) => continue,
                _ => {}
            }
            return Ok((draft, lost));
        }
        let place = self.place().name();
        Err(refused(StoreError::new(
            place,
            crate::store::Trouble::Held,
            format!("others were faster {MOST_LOST} times"),
        )))
    }

    /// Puts the root; false if somebody else was faster.
    fn root(&self, root: &Root) -> Result<bool, Findings> {
        let when = root.was.clone().map_or(When::Absent, When::Is);
        // Readers ask by whole seconds whether it has changed.
        while root.modified.is_some_and(|modified| now::now() <= modified && now::now() + 2 > modified) {
            std::thread::sleep(Duration::from_millis(50));
        }
        let written = self.place().put(&root.put.key, &root.put.body, &root.put.kind, &when).map_err(refused)?;
        // A put that was repeated after its answer was lost finds its own bytes there.
        let own = || -> Result<bool, StoreError> {
            let there = self.place().get(&root.put.key)?;
            Ok(there.is_some_and(|there| root.put.body.read().is_ok_and(|own| own == there.bytes)))
        };
        let done = written == Written::Done || own().map_err(refused)?;
        if done {
            self.note(&root.put)?;
        }
        Ok(done)
    }

    /// What others put as the root meanwhile may have met what was put behind it: the last to look sees that both fit.
    fn settle(&self, root: &Root) -> Result<(), Findings> {
        let mut seen = root.put.body.read().map_err(|error| refused(self.unread(&error)))?;
        for _ in 0..MOST_LOST {
            let Some(object) = self.place().get(&root.put.key).map_err(refused)? else { return Ok(()) };
            if object.bytes == seen && !self.overtaken.swap(false, Ordering::Relaxed) {
                return Ok(());
            }
            for group in self.destination.settle(&object)? {
                self.all(&group)?;
            }
            seen = object.bytes;
        }
        Ok(())
    }

    /// Puts objects at once.
    fn all(&self, puts: &[Put]) -> Result<(), Findings> {
        // One that fails is reason enough to stop.
        let failed = AtomicBool::new(false);
        let put = |put: &Put| {
            let skip = failed.load(Ordering::Relaxed);
            let finding = if skip { None } else { self.one(put).err() };
            finding.inspect(|_| failed.store(true, Ordering::Relaxed))
        };
        let mut findings: Findings = at_once(self.place().at_once(), puts, put).into_iter().flatten().collect();
        // What is wrong with all is told once.
        findings.dedup();
        if findings.is_empty() { Ok(()) } else { Err(findings) }
    }

    fn one(&self, put: &Put) -> Result<(), Diagnostic> {
        let place = self.place();
        let sha256 = put.kind.sha256.as_deref().filter(|_| put.kind.immutable);
        let Some(sha256) = sha256 else {
            let when = put.when.as_ref().unwrap_or(&When::Always);
            if place.put(&put.key, &put.body, &put.kind, when)? == Written::Lost {
                // Else it is there as it would have been put.
                self.overtaken.fetch_or(put.when.is_some(), Ordering::Relaxed);
                return Ok(());
            }
            return self.note(put).map_err(|mut findings| findings.remove(0));
        };
        let found = || stored::compare(place, &put.key, put.body.size(), sha256);
        let mut there = if put.body.size() >= LOOK_FIRST { found()? } else { Found::Absent };
        if !there.is_same() {
            match place.put(&put.key, &put.body, &put.kind, &When::Absent)? {
                Written::Done => return self.note(put).map_err(|mut findings| findings.remove(0)),
                Written::Lost => there = found()?,
            }
        }
        match there {
            // `repo prune` must take it for what is needed.
            Found::Same(written) if written + stored::FRESH < now::now() => {
                place.put(&put.key, &put.body, &put.kind, &When::Always)?;
                self.note(put).map_err(|mut findings| findings.remove(0))
            }
            Found::Same(_) => Ok(()),
            Found::Other | Found::Absent => {
                Err(super::apt::damaged(place, &put.key, "other bytes are under this name"))
            }
        }
    }

    /// Notes what was put.
    fn note(&self, put: &Put) -> Result<(), Findings> {
        let sha256 = match (&put.kind.sha256, &put.body) {
            (Some(sha256), _) => sha256.clone(),
            (None, Body::Bytes(bytes)) => hex(&sha2::Sha256::digest(bytes)),
            (None, body) => hex(&sha2::Sha256::digest(body.read().map_err(|error| refused(self.unread(&error)))?)),
        };
        let size = put.body.size();
        self.put.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(size, Ordering::Relaxed);
        self.listener.hear(Event::Put { key: put.key.clone(), bytes: size });
        let sent = Sent { key: put.key.clone(), what: put.what, size, sha256 };
        self.sent.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(sent);
        Ok(())
    }

    fn unread(&self, error: &std::io::Error) -> StoreError {
        StoreError::of(self.place().name(), crate::store::Trouble::Failed, error)
    }
}

/// One lock for all roots of a place.
pub(super) const HELD: &str = ".fitout";

fn refused(error: StoreError) -> Findings {
    vec![error.into()]
}
