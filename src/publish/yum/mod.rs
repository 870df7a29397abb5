//! A yum repository without a database: what was published is its only state.
//!
//! Enters: .rpm files and what lies at the place. Leaves: a [`Draft`]: packages, then lists by their digests, then `repomd.xml`, which is
//! replaced only if nobody else did meanwhile, and at once its signature. dnf, yum and zypper read both, one after the other: a reader
//! that comes between them asks again. Source: `createrepo_c(8)`, `dnf.conf(5)`, libzypp's wiki on signed repositories.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::sync::Arc;

mod change;
mod describe;
mod lists;
pub(super) mod page;
mod repomd;
mod stored;
mod verify;
mod xml;

pub use lists::Packing;
pub use stored::{Entry, ROOT, Repository, entries};
pub use verify::verify;

use crate::codec::hex::hex;
use crate::diagnostic::{Diagnostic, Findings};
use crate::formats::rpm::facts::Facts;
use crate::formats::rpm::order;
use crate::formats::rpm::signing::Unsigned;
use crate::sign::{self, Signer};
use crate::store::{Body, Depth, Kind, Object, Place};

use super::apt::{damaged, not_ours, other_bytes};
use super::destination::{Destination, Work};
use super::draft::{Draft, Put, What};
use super::landing::Front;
use super::parcel::Parcel;
use super::repo::Listed;
use super::stored as objects;
use super::version::is_package_of;
use change::{Change, New};
use repomd::Repomd;
use sha2::Digest as _;

/// What the config says of a repository.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The channel that it is, for promotion.
    pub channel: String,
    /// What it is called.
    pub title: String,
    /// What it is, in a line.
    pub description: String,
    /// Name of the package of the config.
    pub owner: String,
    /// Who answers for the packages that the repository makes itself: `Name <mail>`.
    pub maintainer: String,
    /// Versions of a package that stay in the lists.
    pub keep: Option<usize>,
    /// How its lists are packed.
    pub packing: Packing,
}

/// A repository.
pub struct Yum {
    /// Where it lies.
    pub place: Box<dyn Place>,
    /// What it is.
    pub settings: Settings,
    /// What it says to people, if anything.
    pub front: Option<Front>,
    /// Whether the same version may come with other bytes.
    pub replace: bool,
    /// Who signs; none where nothing is sent.
    pub signer: Option<Arc<Signer>>,
    /// Time of day, seconds since 1970.
    pub now: fn() -> i64,
}

/// The signature over the root, and the public keys.
const SIGNATURE: &str = "repodata/repomd.xml.asc";
const KEY: &str = "repodata/repomd.xml.key";
/// How copies of the signature are called behind their digests. One is there before its root: whoever publishes next knows the root by
/// it, although the publisher was killed before it put the signature itself.
pub const ROOT_COPY: &str = "repomd-";

/// `repomd-DIGEST.asc`
fn copy_of(root: &[u8]) -> String {
    format!("{ROOT_COPY}{}.asc", &hex(&sha2::Sha256::digest(root))[..16])
}

/// Which of two `[epoch:]version-release` is newer.
fn compare(a: &str, b: &str) -> Ordering {
    let evr = |text: &str| {
        let (epoch, rest) = text.split_once(':').unwrap_or(("0", text));
        let (version, release) = rest.rsplit_once('-').unwrap_or((rest, ""));
        (epoch.parse().unwrap_or(0_u32), version.to_owned(), release.to_owned())
    };
    let (a, b) = (evr(a), evr(b));
    order::compare_evr((a.0, &a.1, &a.2), (b.0, &b.1, &b.2))
}

/// `Packages/h/`, as the large distributions have it.
fn folder(name: &str) -> String {
    let first = name.chars().next().map_or('_', |c| c.to_ascii_lowercase());
    format!("Packages/{first}/")
}

impl Yum {
    fn new_package(&self, parcel: &Parcel, facts: &Facts, draft: &mut Draft) -> Result<New, Diagnostic> {
        let artifact = &parcel.artifact;
        let (location, put) = objects::location(&*self.place, &folder(&facts.name), artifact, (self.now)())?;
        if put {
            draft.before[0].push(Put {
                key: location.clone(),
                body: Body::File { path: parcel.path.clone(), size: artifact.size },
                kind: Kind {
                    content_type: "application/x-rpm",
                    immutable: true,
                    sha256: Some(artifact.sha256.clone()),
                },
                what: What::Artifact,
                when: None,
            });
        }
        New::of(facts, &location, artifact.size, &artifact.sha256)
            .ok_or_else(|| damaged(&*self.place, &artifact.file, "it has no name, version or release"))
    }

    /// Whether what is listed is the same package, signed by one of our keys at another time: by an older key, or by a key outside of
    /// fitout, whose signatures differ each time.
    fn is_signed_otherwise(&self, entry: &Entry, parcel: &Parcel) -> Result<bool, Diagnostic> {
        let Some(object) = entry.location.as_ref().map(|key| self.place.get(key)).transpose()?.flatten() else {
            return Ok(false);
        };
        let mut there = std::io::Cursor::new(&object.bytes[..]);
        let (Ok(there_front), Ok(bytes)) = (Unsigned::read(&mut there), fs_err::read(&parcel.path)) else {
            return Ok(false);
        };
        let Ok(own_front) = Unsigned::read(&mut std::io::Cursor::new(&bytes[..])) else { return Ok(false) };
        let behind =
            |bytes: &[u8], front: u64| usize::try_from(front).ok().and_then(|at| bytes.get(at..).map(<[u8]>::to_vec));
        if behind(&object.bytes, there_front.front()) != behind(&bytes, own_front.front()) {
            return Ok(false);
        }
        let Some(signer) = &self.signer else { return Ok(true) };
        let certificates = sign::read_certificates("[sign]", &signer.certificates()?)?;
        Ok(sign::verify_rpm(&certificates, &parcel.path, &mut there, (self.now)()).is_ok())
    }

    /// Those that are not in the lists yet, and the places of those that they replace.
    fn news(&self, parcels: &[&Parcel], entries: &[Entry], draft: &mut Draft) -> Result<Change, Findings> {
        let (mut change, mut findings) = (Change::default(), Findings::new());
        for parcel in parcels {
            let facts = match facts(parcel) {
                Ok(facts) => facts,
                Err(finding) => {
                    findings.push(finding);
                    continue;
                }
            };
            let of_name = entries.iter().filter(|entry| *entry.name == facts.name && *entry.arch != *"src");
            let newest = of_name.max_by(|a, b| a.compare(b)).map(|entry| format!("{} {}", entry.name, entry.evr()));
            draft.newest = newest.or(draft.newest.take());
            let is_it =
                |entry: &Entry| *entry.name == facts.name && *entry.arch == facts.arch && entry.evr() == facts.evr();
            let there: Vec<usize> = (0..entries.len()).filter(|at| is_it(&entries[*at])).collect();
            let same = match there.iter().find(|at| *entries[**at].id == parcel.artifact.sha256) {
                Some(_) => Ok(true),
                None => there.first().map_or(Ok(false), |at| self.is_signed_otherwise(&entries[*at], parcel)),
            };
            match same {
                Ok(true) => draft.same.push(parcel.artifact.file.clone()),
                Ok(false) if !there.is_empty() && !self.replace => {
                    findings.push(other_bytes(&format!("{} {}", facts.name, facts.evr()), &self.place.name()));
                }
                Ok(false) => match self.new_package(parcel, &facts, draft) {
                    Ok(new) => {
                        change.gone.extend(there);
                        change.news.push(new);
                    }
                    Err(finding) => findings.push(finding),
                },
                Err(finding) => findings.push(finding),
            }
        }
        if findings.is_empty() { Ok(change) } else { Err(findings) }
    }

    /// The signature over a root, if the one that is there does not hold, and the keys if they are others.
    fn signatures(&self, root: &[u8], repomd: &Repomd) -> Result<Vec<Vec<Put>>, Diagnostic> {
        let Some(signer) = &self.signer else { return Ok(Vec::new()) };
        let keys = signer.certificates()?;
        let holds = objects::is_signed(&*self.place, SIGNATURE, root, signer, (self.now)())?;
        let mut groups = Vec::new();
        if !holds {
            groups.push(vec![self.signature(root, repomd.revision)?]);
        }
        let mut own = Repomd::default();
        own.set_key(&keys);
        let is_there = self.place.get(KEY)?.is_some_and(|there| there.bytes == keys);
        if !is_there && repomd.key == own.key {
            groups.push(vec![key_put(keys)]);
        }
        Ok(groups)
    }

    /// Whether the root is one that our keys have signed: what else it says would be signed anew.
    fn check_root(&self, repository: &Repository<'_>) -> Result<(), Diagnostic> {
        let (Some(signer), Some(root), false) = (&self.signer, &repository.was.0, self.replace) else { return Ok(()) };
        // A key may have ended since.
        let time = repository.repomd.revision.min((self.now)());
        let holds = |key: &str| objects::is_signed(&*self.place, key, &root.bytes, signer, time);
        if holds(SIGNATURE)? {
            return Ok(());
        }
        let copy = copy_of(&root.bytes);
        for meta in self.place.list("repodata", Depth::One)? {
            if meta.key.ends_with(&copy) && holds(&meta.key)? {
                return Ok(());
            }
        }
        Err(not_ours(&*self.place, ROOT, "no signature over it holds"))
    }

    fn signature(&self, root: &[u8], revision: i64) -> Result<Put, Diagnostic> {
        let signature = match &self.signer {
            Some(signer) => signer.sign_detached(root, revision.min((self.now)()))?,
            None => Vec::new(),
        };
        Ok(Put {
            key: SIGNATURE.to_owned(),
            body: Body::Bytes(signature.into()),
            kind: Kind { content_type: "application/pgp-signature", immutable: false, sha256: None },
            what: What::Signature,
            when: None,
        })
    }

    /// What can be put back: the signature, the keys and the page. There is one copy of each list.
    fn repair(&self) -> Result<Draft, Findings> {
        let one = |finding: Diagnostic| vec![finding];
        let repository = Repository::read(&*self.place).map_err(one)?;
        self.check_root(&repository).map_err(one)?;
        let Some(root) = &repository.was.0 else { return Ok(Draft::default()) };
        Ok(Draft { after: self.settle(root)?, ..Draft::default() })
    }

    fn retract(&self, name: &str, version: &str) -> Result<Draft, Findings> {
        let one = |finding: Diagnostic| vec![finding];
        let repository = Repository::read(&*self.place).map_err(one)?;
        self.check_root(&repository).map_err(one)?;
        let entries = repository.packages().map_err(one)?;
        let is_it = |entry: &Entry| *entry.name == *name && is_package_of(&entry.evr(), version);
        let gone: BTreeSet<usize> = (0..entries.len()).filter(|at| is_it(&entries[*at])).collect();
        if gone.is_empty() {
            return Ok(Draft::default());
        }
        let change = Change { gone, ..Change::default() };
        self.change(&repository, &entries, change, Draft { before: vec![Vec::new(), Vec::new()], ..Draft::default() })
            .map_err(one)
    }
}

fn key_put(keys: Vec<u8>) -> Put {
    Put {
        key: KEY.to_owned(),
        body: Body::Bytes(keys.into()),
        kind: Kind { content_type: "application/pgp-keys", immutable: false, sha256: None },
        what: What::Page,
        when: None,
    }
}

/// What stands before the payload of a parcel.
fn facts(parcel: &Parcel) -> Result<Facts, Diagnostic> {
    let read = || Facts::read(&mut std::io::BufReader::new(fs_err::File::open(&parcel.path)?));
    read().map_err(|error| {
        Diagnostic::error(
            crate::diagnostic::codes::RPM_DAMAGED,
            format!("`{}` cannot be read: {error}", parcel.artifact.file),
        )
        .path(&parcel.path)
        .help("compare its size and digest with those of the original")
    })
}

/// What `repo list` tells of a repository.
///
/// # Errors
/// The place does not answer, or a list is not what the root says.
pub fn list(place: &dyn Place) -> Result<Vec<Listed>, Diagnostic> {
    let repository = Repository::read(place)?;
    let channel = repository.repomd.channel.clone().unwrap_or_else(|| "yum".to_owned());
    Ok(repository.packages()?.iter().map(|entry| entry.listed(&channel)).collect())
}

impl Destination for Yum {
    fn name(&self) -> String {
        format!("yum {} {}", self.place.name(), self.settings.channel)
    }

    fn place(&self) -> &dyn Place {
        &*self.place
    }

    fn into_place(self: Box<Self>) -> Box<dyn Place> {
        self.place
    }

    fn channel(&self) -> Option<&str> {
        Some(&self.settings.channel)
    }

    fn format(&self) -> &'static str {
        "rpm"
    }

    fn signs_apart(&self) -> bool {
        true
    }

    fn compare(&self, a: &str, b: &str) -> Ordering {
        compare(a, b)
    }

    fn list(&self) -> Result<Vec<Listed>, Diagnostic> {
        list(&*self.place)
    }

    fn draft(&self, work: &Work<'_>) -> Result<Draft, Findings> {
        let parcels = match *work {
            Work::Publish(parcels) => parcels,
            Work::Repair => return self.repair(),
            Work::Move(_) => return Ok(Draft::default()),
            Work::Retract { name, version } => return self.retract(name, version),
        };
        let one = |finding: Diagnostic| vec![finding];
        let repository = Repository::read(&*self.place).map_err(one)?;
        self.check_root(&repository).map_err(one)?;
        let entries = repository.packages().map_err(one)?;
        let mut draft = Draft { before: vec![Vec::new(), Vec::new()], ..Draft::default() };
        let keyring = self.keyring(&entries, &mut draft)?;
        let parcels: Vec<&Parcel> = parcels.iter().copied().chain(&keyring).collect();
        let change = self.news(&parcels, &entries, &mut draft)?;
        match &repository.was.0 {
            Some(root) if change.news.is_empty() && !self.is_due(&repository.repomd).map_err(one)? => {
                draft.before.clear();
                // Who put the root may have been killed before its signature.
                draft.after = self.signatures(&root.bytes, &repository.repomd).map_err(one)?;
                if self.signer.is_some() {
                    draft.after.extend(self.page(entries.iter(), repository.repomd.revision).map_err(one)?);
                }
                Ok(draft)
            }
            _ => self.change(&repository, &entries, change, draft).map_err(one),
        }
    }

    fn settle(&self, root: &Object) -> Result<Vec<Vec<Put>>, Findings> {
        let one = |finding: Diagnostic| vec![finding];
        let text = std::str::from_utf8(&root.bytes).unwrap_or_default();
        let repomd = Repomd::read(text).map_err(|why| one(damaged(&*self.place, ROOT, &why)))?;
        let mut groups = self.signatures(&root.bytes, &repomd).map_err(one)?;
        if self.front.is_some() {
            let entries = Repository::read(&*self.place).and_then(|there| there.packages()).map_err(one)?;
            groups.extend(self.page(entries.iter(), repomd.revision).map_err(one)?);
        }
        Ok(groups)
    }
}
