//! From what is to change in a repository to what is to be put.
//!
//! Enters: the repository as it lies there, packages that come, places of those that go. Leaves: a [`Draft`] with new lists, a root over
//! them, and its signature.

use std::collections::BTreeSet;

use super::describe::{self, Described};
use super::lists::{self, Kept};
use super::repomd::Repomd;
use super::stored::{Entry, ROOT, Repository};
use super::{Yum, copy_of, key_put};
use crate::codec::hex::hex;
use crate::diagnostic::Diagnostic;
use crate::formats::rpm::facts::Facts;
use crate::publish::apt::damaged;
use crate::publish::draft::{Draft, Put, Root, What};
use crate::store::{Body, Kind};

use sha2::Digest as _;

/// What is to change.
#[derive(Default)]
pub(super) struct Change {
    /// Packages that come.
    pub(super) news: Vec<New>,
    /// Places in `primary` of packages that go.
    pub(super) gone: BTreeSet<usize>,
}

/// A package that is not in the lists yet.
pub(super) struct New {
    entry: Entry,
    described: Described,
}

impl New {
    /// An rpm that lies at `location`; none if it lacks what packages are known by.
    pub(super) fn of(facts: &Facts, location: &str, size: u64, sha256: &str) -> Option<Self> {
        let described = describe::describe(facts, location, size, sha256);
        Entry::read(&described.primary).map(|entry| Self { entry, described })
    }
}

impl Yum {
    /// Whether the root has to be made anew although no package is: it says something else than the config.
    pub(super) fn is_due(&self, old: &Repomd) -> Result<bool, Diagnostic> {
        let Some(signer) = &self.signer else { return Ok(false) };
        let mut own = old.clone();
        own.set_key(&signer.certificates()?);
        own.channel = Some(self.settings.channel.clone());
        Ok(own != *old)
    }

    /// Old versions that retention takes out.
    fn outdated(&self, entries: &[Entry], change: &Change) -> BTreeSet<usize> {
        let mut outdated = BTreeSet::new();
        let Some(keep) = self.settings.keep else { return outdated };
        for new in &change.news {
            let is_of = |entry: &Entry| entry.name == new.entry.name && entry.arch == new.entry.arch;
            let old = entries.iter().enumerate().filter(|(at, entry)| is_of(entry) && !change.gone.contains(at));
            let old = old.map(|(at, entry)| (Some(at), entry));
            let news = change.news.iter().filter(|other| is_of(&other.entry)).map(|other| (None, &other.entry));
            let mut all: Vec<(Option<usize>, &Entry)> = old.chain(news).collect();
            all.sort_by(|a, b| b.1.compare(a.1));
            outdated.extend(all.into_iter().skip(keep).filter_map(|(at, _)| at));
        }
        outdated
    }

    /// The draft of a change; `draft` holds what is to be put before any list.
    pub(super) fn change(
        &self,
        repository: &Repository<'_>,
        entries: &[Entry],
        mut change: Change,
        mut draft: Draft,
    ) -> Result<Draft, Diagnostic> {
        // What comes in place of another is no loss.
        let replaced = if change.news.is_empty() { BTreeSet::new() } else { change.gone.clone() };
        let outdated = self.outdated(entries, &change);
        change.gone.extend(outdated);
        let dropped = change.gone.difference(&replaced).map(|at| &entries[*at]);
        draft.dropped = dropped.map(|entry| format!("{} {} {}", entry.name, entry.evr(), entry.arch)).collect();
        draft.dropped.sort();
        change.news.sort_by(|a, b| {
            let names = |new: &New| (new.entry.name.clone(), new.entry.arch.clone());
            names(a).cmp(&names(b)).then_with(|| a.entry.compare(&b.entry))
        });
        let time = (self.now)().max(repository.repomd.revision.saturating_add(1));
        let repomd = self.lists(repository, entries, &change, time, &mut draft)?;
        self.sign(repository, &repomd, &mut draft)?;
        let stay = entries.iter().enumerate().filter(|(at, _)| !change.gone.contains(at)).map(|(_, entry)| entry);
        draft.after.extend(self.page(stay.chain(change.news.iter().map(|new| &new.entry)), repomd.revision)?);
        Ok(draft)
    }

    fn lists(
        &self,
        repository: &Repository<'_>,
        entries: &[Entry],
        change: &Change,
        time: i64,
        draft: &mut Draft,
    ) -> Result<Repomd, Diagnostic> {
        let kept = Kept { entries, gone: &change.gone };
        let news: Vec<&Described> = change.news.iter().map(|new| &new.described).collect();
        let mut repomd = repository.repomd.clone();
        repomd.revision = time;
        repomd.channel = Some(self.settings.channel.clone());
        repomd.data.retain(|data| !data.follows_packages());
        for (at, list) in lists::LISTS.iter().enumerate() {
            let old = repository.bytes(list.0)?;
            let made = lists::make(*list, old.as_deref(), &kept, &news, (self.settings.packing, time));
            let location = repository.repomd.get(list.0).map_or(list.0, |data| data.location.as_str());
            let made = made.map_err(|error| damaged(&*self.place, location, &error.to_string()))?;
            repomd.data.insert(at, made.data);
            draft.before[1].push(made.put);
            draft.scratch.push(made.file);
        }
        Ok(repomd)
    }

    fn sign(&self, repository: &Repository<'_>, repomd: &Repomd, draft: &mut Draft) -> Result<(), Diagnostic> {
        let mut repomd = repomd.clone();
        let keys = self.signer.as_ref().map(|signer| signer.certificates()).transpose()?;
        if let Some(keys) = &keys {
            repomd.set_key(keys);
        }
        let text = repomd.write().into_bytes();
        let signature = self.signature(&text, repomd.revision)?;
        draft.before.push(vec![copy(&signature, &text)]);
        draft.after.push(vec![signature]);
        draft.after.extend(keys.filter(|_| repomd.key != repository.repomd.key).map(|keys| vec![key_put(keys)]));
        draft.root = Some(Root {
            put: Put {
                key: ROOT.to_owned(),
                body: Body::Bytes(text.into()),
                kind: Kind { content_type: "application/xml", immutable: false, sha256: None },
                what: What::Root,
                when: None,
            },
            was: repository.was.tag(),
            modified: repository.was.0.as_ref().map(|object| object.meta.modified),
        });
        Ok(())
    }
}

/// See [`super::ROOT_COPY`].
fn copy(signature: &Put, root: &[u8]) -> Put {
    let sha256 = match &signature.body {
        Body::Bytes(bytes) => hex(&sha2::Sha256::digest(bytes)),
        Body::File { .. } | Body::Part { .. } => String::new(),
    };
    let kind = Kind { immutable: true, sha256: Some(sha256.clone()), ..signature.kind.clone() };
    Put { key: format!("repodata/{sha256}-{}", copy_of(root)), kind, ..signature.clone() }
}
