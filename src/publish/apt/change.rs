//! From what is to change in a suite to what is to be put.
//!
//! Enters: the suite as it lies there, packages that come, versions that go. Leaves: a [`Draft`] with every list that is another by then,
//! and a root over all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::indexes::{self, Indexes};
use super::packages::Packages;
use super::release::Listed;
use super::{Apt, Suite, damaged, stanza};
use crate::diagnostic::{Diagnostic, Findings};
use crate::formats::{ListedEntry, ListedKind, Listing};
use crate::publish::draft::{Draft, Put, Root, What};
use crate::store::{Body, StoreError, Trouble};

/// Seconds in the future that apt lets pass (`Acquire::Max-FutureTime` is 10).
const FUTURE: i64 = 5;
/// Seconds for which such a time is waited for.
const PATIENCE: i64 = 60;

/// What is to change.
#[derive(Default)]
pub(super) struct Change {
    /// Packages that come.
    pub(super) news: Vec<New>,
    /// Versions that go, by name.
    pub(super) gone: Vec<(String, String)>,
}

/// A package that is not in the lists yet.
pub(super) struct New {
    pub(super) file_name: String,
    pub(super) described: stanza::Described,
    pub(super) name: String,
    pub(super) arch: String,
    pub(super) section: String,
    pub(super) paths: BTreeSet<String>,
}

impl New {
    /// A .deb that lies at `file_name`.
    pub(super) fn of(listing: &Listing, file_name: String, size: u64, sha256: &str) -> Self {
        let is_file = |entry: &&ListedEntry| entry.kind != ListedKind::Directory;
        let paths = listing.entries.iter().filter(is_file);
        let section = listing.fields.iter().find(|(field, _)| field == "Section").map(|(_, value)| value.as_str());
        Self {
            described: stanza::describe(listing, &file_name, size, sha256),
            file_name,
            name: listing.name.clone(),
            arch: listing.arch.clone(),
            section: section.unwrap_or("misc").to_owned(),
            paths: paths.map(|entry| entry.path.trim_start_matches('/').to_owned()).collect(),
        }
    }
}

impl Apt {
    /// The draft of a change; `draft` holds what is to be put before any list.
    pub(super) fn change(
        &self,
        suite: &Suite<'_>,
        mut lists: BTreeMap<String, Packages>,
        change: &Change,
        mut draft: Draft,
    ) -> Result<Draft, Findings> {
        let one = |finding: Diagnostic| vec![finding];
        let mut names: Vec<&str> = change.news.iter().map(|new| new.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        for (arch, packages) in &mut lists {
            let is_gone = |name: &str, version: &str| change.gone.iter().any(|(n, v)| n == name && v == version);
            let gone = packages.entries().filter(|entry| is_gone(entry.name, entry.version));
            draft.dropped.extend(gone.map(|entry| format!("{} {} {}", entry.name, entry.version, entry.arch)));
            if !change.gone.is_empty() {
                packages.remove(|entry| is_gone(entry.name, entry.version));
            }
            let stanzas: Vec<Arc<str>> = change
                .news
                .iter()
                .filter(|new| new.arch == "all" || new.arch == *arch)
                .map(|new| new.described.stanza.as_str().into())
                .collect();
            packages.add(&stanzas).map_err(|why| one(damaged(&*self.place, arch, &why)))?;
            if let Some(keep) = self.settings.keep {
                let dropped = packages
                    .keep(&names, keep, |entry| change.news.iter().any(|new| new.file_name == entry.file_name()));
                draft
                    .dropped
                    .extend(dropped.into_iter().map(|(name, version, arch)| format!("{name} {version} {arch}")));
            }
        }
        draft.dropped.sort();
        draft.dropped.dedup();
        let time = (self.now)().max(suite.release.date().map_or(0, |date| date + 1));
        let mut release = self.release(&suite.release, &lists, time);
        let mut indexes = Indexes {
            suite,
            component: &self.settings.component,
            xz: self.settings.xz,
            release: &mut release,
            draft: &mut draft,
        };
        indexes.packages(&lists).map_err(one)?;
        indexes.contents(&lists, change).map_err(one)?;
        indexes.translation(&lists, &change.news).map_err(one)?;
        let text = release.write();
        self.root(&mut draft, suite, &text, time).map_err(one)?;
        // Who put the old root may have been killed before what follows it.
        if let Some(root) = &suite.was.0
            && !self.is_followed(suite, root).map_err(one)?
        {
            let stays = |path: &str, listed: &Listed| release.files.get(path) == Some(listed);
            draft.after.push(self.names_of(suite, stays).map_err(one)?);
        }
        draft.after.extend(self.page(&release, &lists).map_err(one)?);
        draft.after.push(self.pair(suite, &text, time).map_err(one)?);
        Ok(draft)
    }

    fn root(&self, draft: &mut Draft, suite: &Suite<'_>, text: &str, time: i64) -> Result<(), Diagnostic> {
        let signed = match &self.signer {
            Some(signer) => signer.sign_clear(text.as_bytes(), time)?,
            None => text.as_bytes().to_vec(),
        };
        // Others were fast: their time has not come yet. What is put must not be from the future for apt.
        let early = time - (self.now)();
        if early > FUTURE + PATIENCE {
            let why = format!("the last `Date` is {early} seconds ahead of this machine's clock");
            return Err(StoreError::new(self.place.name(), Trouble::Clock, why).into());
        }
        if early > FUTURE && self.signer.is_some() {
            std::thread::sleep(std::time::Duration::from_secs(early.abs_diff(FUTURE)));
        }
        draft.root = Some(Root {
            put: Put {
                key: self.root_key(),
                body: Body::Bytes(signed.into()),
                kind: indexes::TEXT,
                what: What::Root,
                when: None,
            },
            was: suite.was.tag(),
            modified: suite.was.0.as_ref().map(|object| object.meta.modified),
        });
        Ok(())
    }

    /// `Release` and `Release.gpg`, for readers that do not know `InRelease`.
    pub(super) fn pair(&self, suite: &Suite<'_>, text: &str, time: i64) -> Result<Vec<Put>, Diagnostic> {
        let signature = match &self.signer {
            Some(signer) => signer.sign_detached(text.as_bytes(), time)?,
            None => Vec::new(),
        };
        let put = |name: &str, bytes: Vec<u8>, what| Put {
            key: format!("{}/{name}", suite.folder()),
            body: Body::Bytes(bytes.into()),
            kind: indexes::TEXT,
            what,
            when: None,
        };
        let release = put("Release", text.as_bytes().to_vec(), What::Index);
        Ok(vec![release, put("Release.gpg", signature, What::Signature)])
    }
}
