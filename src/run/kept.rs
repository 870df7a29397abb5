//! Artifacts of the last run that this one would make again: they are kept as they are.
//!
//! Enters: the plans of a run. Leaves: its artifacts, if the last run into the folder had the same plans over files of the same
//! stat, and what it made lies there untouched; and a note of what was made. The note is in the project's folder of the cache;
//! one that is wrong or cannot be read costs the packing.

use std::fmt::{self, Write as _};
use std::hash::{Hash as _, Hasher as _};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Artifact, Planned};
use crate::assemble::plan::{Content, Entry, Plan};
use crate::build::cache::used;
use crate::build::seen::{self, Stat};
use crate::codec::hashes::{Hasher, Hashes};
use crate::codec::hex::hex;
use crate::interrupt;
use crate::store::artifacts;

const FILE: &str = "artifacts.json";

/// What is noted of a run.
#[derive(Serialize, Deserialize)]
struct Note {
    plans: String,
    folder: PathBuf,
    made: Vec<Made>,
    manifest: Stat,
}

#[derive(Serialize, Deserialize)]
struct Made {
    file: String,
    size: u64,
    sha256: String,
    stat: Stat,
}

/// What the artifacts of a run depend on.
pub(super) struct Key {
    plans: String,
    /// Whether every file could be looked at, and none changed in the last moment.
    settled: bool,
}

impl Key {
    /// Of what was planned; none where it is not known when that was, or by which fitout.
    pub fn of(planned: &Planned) -> Option<Self> {
        let now = planned.begun?;
        let mut digest = Digest::new();
        // Another fitout may make other bytes.
        let own = seen::this_program()?;
        let names: Vec<&str> = planned.wanted.iter().map(super::Wanted::file).collect();
        let mut settled = write!(digest, "{own} {names:?}").is_ok();
        planned.plans.len().hash(&mut digest);
        for plan in &planned.plans {
            settled &= digest.plan(plan).is_ok();
        }
        digest.entries(planned.source.as_deref().unwrap_or_default());
        planned.sources.list().hash(&mut digest);
        for content in planned.sources.list() {
            if let Content::File { stat, .. } | Content::Patched { stat, .. } | Content::Slice { stat, .. } = content {
                settled &= stat.is_settled(now);
            }
        }
        Some(Self { plans: hex(&digest.sha256()), settled })
    }

    /// The artifacts, if they are there as they would be made.
    pub fn find(&self, planned: &Planned, state: &Path, folder: &Path) -> Option<Vec<Artifact>> {
        let note: Note = serde_json::from_slice(&fs_err::read(state.join(FILE)).ok()?).ok()?;
        let same = note.plans == self.plans && note.folder == folder && note.made.len() == planned.wanted.len();
        if !same || stat(&folder.join(artifacts::LIST)) != Some(note.manifest) {
            return None;
        }
        let artifact = |(wanted, made): (&super::Wanted, Made)| {
            let untouched = stat(&folder.join(&made.file)) == Some(made.stat) && wanted.file() == made.file;
            untouched.then(|| Artifact { size: made.size, sha256: made.sha256, ..wanted.artifact() })
        };
        used::now(&state.join(FILE));
        planned.wanted.iter().zip(note.made).map(artifact).collect()
    }

    /// Notes what was made. Without it the next run packs again.
    pub fn leave(self, state: &Path, folder: &Path, artifacts: &[Artifact]) -> io::Result<()> {
        if !self.settled {
            return Ok(());
        }
        let made = |artifact: &Artifact| {
            let Artifact { file, size, sha256, .. } = artifact.clone();
            Some(Made { stat: stat(&folder.join(&file))?, file, size, sha256 })
        };
        let made = artifacts.iter().map(made).collect::<Option<Vec<_>>>();
        let (Some(made), Some(manifest)) = (made, stat(&folder.join(artifacts::LIST))) else { return Ok(()) };
        let note = Note { plans: self.plans, folder: folder.to_owned(), made, manifest };
        interrupt::replace(&state.join(FILE), &serde_json::to_vec(&note)?)
    }
}

fn stat(path: &Path) -> Option<Stat> {
    fs_err::symlink_metadata(path).ok().map(|meta| Stat::of(&meta))
}

/// Takes what the artifacts depend on, in place of a string that would hold all of it.
struct Digest {
    hasher: Hasher,
    /// It comes in many short pieces.
    waiting: Vec<u8>,
}

/// Bytes that are hashed at a time.
const AT_A_TIME: usize = 16 * 1024;

impl Digest {
    fn new() -> Self {
        Self { hasher: Hasher::new(Hashes::SHA256), waiting: Vec::with_capacity(2 * AT_A_TIME) }
    }

    /// Of all but the entries there is little.
    fn plan(&mut self, plan: &Plan) -> fmt::Result {
        #[rustfmt::skip]
        let Plan {
            identity, target, environment, clock, entries, formats, elf, templates, services,
            accounts, lifecycle, changelog, deb, rpm, tarball, zip, image, base,
        } = plan;
        write!(self, "{:?}", (identity, target, environment, clock, formats, elf, templates, services))?;
        write!(self, "{:?}", (accounts, lifecycle, changelog, deb, rpm, tarball, zip, image, base))?;
        self.entries(entries);
        Ok(())
    }

    fn entries(&mut self, entries: &[Entry]) {
        entries.len().hash(self);
        for entry in entries {
            self.entry(entry);
        }
    }

    /// Where something was typed makes no other artifact.
    fn entry(&mut self, entry: &Entry) {
        #[rustfmt::skip]
        let Entry {
            path, kind, owner, mode, capabilities, role, churn, formats,
            origin: _, owner_origin: _, mode_origin: _,
        } = entry;
        (path, kind, owner, mode, capabilities, role, churn, formats).hash(self);
    }

    fn sha256(mut self) -> [u8; 32] {
        self.hasher.update(&self.waiting);
        self.hasher.finish().sha256.unwrap_or_default()
    }
}

impl fmt::Write for Digest {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.write(text.as_bytes());
        Ok(())
    }
}

/// For what is derived. A path is not hashed byte for byte, but the inode behind it tells files apart.
impl std::hash::Hasher for Digest {
    fn write(&mut self, bytes: &[u8]) {
        self.waiting.extend_from_slice(bytes);
        if self.waiting.len() >= AT_A_TIME {
            self.hasher.update(&self.waiting);
            self.waiting.clear();
        }
    }

    /// Nobody asks for a short one.
    fn finish(&self) -> u64 {
        0
    }
}
