//! An apt repository without a database: what was published is its only state.
//!
//! Enters: .deb files and what lies at the place. Leaves: a [`Draft`]: pool and indexes by their digests first, then `InRelease`, which is
//! replaced only if nobody else did meanwhile, then what readers without `by-hash` go by. A reader that begins with `InRelease` sees the
//! old repository or the new one. Source: Debian repository format; apt-secure(8).

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

mod change;
mod contents;
mod indexes;
pub mod packages;
pub(super) mod page;
pub mod release;
mod root;
mod stanza;
mod stored_package;
mod suite;
mod verify;

pub(super) use root::not_ours;
pub use suite::{Suite, damaged, source_files};
pub use verify::verify;

use crate::diagnostic::{Diagnostic, Findings, codes};
use crate::formats::deb::{order, signing};
use crate::sign::{self, Signer};
use crate::store::{Body, Kind, Object, Place};

use super::destination::{Destination, Work};
use super::draft::{Draft, Put, What};
use super::landing::Front;
use super::parcel::Parcel;
use super::repo;
use super::stored;
use super::version::is_package_of;
use change::{Change, New};
use packages::{Entry, Packages};
use release::Release;

/// What the config says of a suite; all of it in the words of a `Release` file.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Name of the suite, such as `stable`.
    pub suite: String,
    /// Its code name; what is there stays if unset, else it is the suite's.
    pub codename: Option<String>,
    /// The component, such as `main`.
    pub component: String,
    /// Architectures that the suite has from the start.
    pub architectures: Vec<String>,
    /// Whose it is; what is there stays if unset.
    pub origin: Option<String>,
    /// Whose it is where nothing says it.
    pub owner: String,
    /// What it is called; what is there stays if unset, else it is the origin.
    pub label: Option<String>,
    /// In a line; what is there stays if unset.
    pub description: Option<String>,
    /// Seconds for which a list is valid.
    pub valid_for: Option<i64>,
    /// The suite that hosts are set up with, where several lie in one place.
    pub main: String,
    /// Who answers for the packages that the repository makes itself: `Name <mail>`.
    pub maintainer: String,
    /// Versions of a package that stay in the lists.
    pub keep: Option<usize>,
    /// Whether indexes are there as .xz, too.
    pub xz: bool,
    /// Whether apt upgrades to it by itself.
    pub automatic: bool,
}

/// A suite of a repository.
pub struct Apt {
    /// Where it lies.
    pub place: Box<dyn Place>,
    /// What it is.
    pub settings: Settings,
    /// What it says to people, if anything.
    pub front: Option<Front>,
    /// Whether the same version may come with other bytes, and the suite with another name.
    pub replace: bool,
    /// Who signs; none where nothing is sent.
    pub signer: Option<Arc<Signer>>,
    /// Time of day, seconds since 1970.
    pub now: fn() -> i64,
}

impl Apt {
    /// Whose the suite is: what the config says, else what it says itself, else the owner of the first package.
    fn origin(&self, old: &Release) -> String {
        let Settings { origin, owner, .. } = &self.settings;
        origin.as_deref().or(old.get("Origin")).unwrap_or(owner).to_owned()
    }

    fn root_key(&self) -> String {
        format!("dists/{}/InRelease", self.settings.suite)
    }

    /// Fields that a host remembers: apt stops until its user agrees to another.
    fn check_names(&self, old: &Release) -> Result<(), Diagnostic> {
        let Settings { suite, codename, origin, label, .. } = &self.settings;
        let typed = [("Codename", codename), ("Origin", origin), ("Label", label)];
        let typed = typed.into_iter().filter_map(|(name, new)| Some((name, new.as_ref()?)));
        let changed = std::iter::once(("Suite", suite))
            .chain(typed)
            .find(|(name, new)| old.get(name).is_some_and(|old| old != new.as_str()));
        match changed {
            Some((name, new)) if !self.replace => {
                let was = old.get(name).unwrap_or_default();
                let message = format!("`{name}` of the suite would change from `{was}` to `{new}`");
                Err(Diagnostic::error(codes::PUBLISH_RENAMED, message)
                    .note("`apt update` stops on every host until its user agrees")
                    .help(format!("set `{}` to `{was}`; `--replace` renames it all the same", name.to_lowercase())))
            }
            _ => Ok(()),
        }
    }

    fn new_package(&self, parcel: &Parcel, draft: &mut Draft) -> Result<New, Diagnostic> {
        let listing = parcel.listing()?;
        let field =
            |name: &str| listing.fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str());
        let source = field("Source").and_then(|source| source.split_whitespace().next()).unwrap_or(&listing.name);
        let artifact = &parcel.artifact;
        let folder = stanza::pool(&self.settings.component, source);
        let (file_name, put) = stored::location(&*self.place, &folder, artifact, (self.now)())?;
        if put {
            draft.before[0].push(Put {
                key: file_name.clone(),
                body: Body::File { path: parcel.path.clone(), size: artifact.size },
                kind: Kind {
                    content_type: "application/vnd.debian.binary-package",
                    immutable: true,
                    sha256: Some(artifact.sha256.clone()),
                },
                what: What::Artifact,
                when: None,
            });
        }
        Ok(New::of(listing, file_name, artifact.size, &artifact.sha256))
    }

    /// Whether what is listed is the same package, signed at another time: by an older key, or by one outside of fitout, whose signatures
    /// differ each time; or the one that would be signed if something was sent.
    fn is_signed_otherwise(&self, entry: &Entry<'_>, parcel: &Parcel) -> Result<bool, Diagnostic> {
        if self.signer.is_some() && parcel.built.is_none() {
            return Ok(false);
        }
        let (Some(there), Ok(own)) = (self.place.get(entry.file_name())?, fs_err::read(&parcel.path)) else {
            return Ok(false);
        };
        let content = |bytes: &[u8]| -> Option<Vec<u8>> {
            let size = signing::unsigned_size(&mut std::io::Cursor::new(bytes)).ok()?;
            // The padding of the last member may be left out.
            let mut content = bytes.get(..bytes.len().min(usize::try_from(size).ok()?))?.to_vec();
            content.resize(content.len().next_multiple_of(2), b'\n');
            Some(content)
        };
        let (there_content, own_content) = (content(&there.bytes), content(&own));
        let is_signed = there_content.as_ref().is_some_and(|content| content.len() < there.bytes.len());
        Ok(is_signed && there_content == own_content)
    }

    /// Those that are not in the lists yet, in the words of the repository.
    fn news(
        &self,
        parcels: &[&Parcel],
        lists: &BTreeMap<String, Packages>,
        draft: &mut Draft,
    ) -> Result<Vec<New>, Findings> {
        let (mut news, mut findings) = (Vec::new(), Findings::new());
        for parcel in parcels {
            let listing = match parcel.listing() {
                Ok(listing) => listing,
                Err(finding) => {
                    findings.push(finding);
                    continue;
                }
            };
            let there: Vec<_> =
                lists.values().filter_map(|p| p.get(&listing.name, &listing.version, &listing.arch)).collect();
            let newest = lists.values().filter_map(|list| list.of(&listing.name).last());
            let newest = newest.max_by(|a, b| order::compare(a.version, b.version));
            draft.newest = newest.map(|entry| format!("{} {}", entry.name, entry.version)).or(draft.newest.take());
            let is_it = there.iter().any(|entry| entry.field("SHA256") == Some(&parcel.artifact.sha256));
            let otherwise = || there.first().map_or(Ok(false), |entry| self.is_signed_otherwise(entry, parcel));
            let same = if is_it { Ok(true) } else { otherwise() };
            if let Err(finding) = same {
                findings.push(finding);
            } else if same.is_ok_and(|same| same) {
                draft.same.push(parcel.artifact.file.clone());
            } else if let (Some(entry), false) = (there.first(), self.replace) {
                findings.push(other_bytes(&format!("{} {}", entry.name, entry.version), &self.place.name()));
            } else {
                match self.new_package(parcel, draft) {
                    Ok(new) => news.push(new),
                    Err(finding) => findings.push(finding),
                }
            }
        }
        if findings.is_empty() { Ok(news) } else { Err(findings) }
    }

    /// Every architecture of the component with its list; new ones begin with what is for all.
    fn lists(&self, suite: &Suite<'_>, parcels: &[&Parcel]) -> Result<BTreeMap<String, Packages>, Diagnostic> {
        let mut lists = BTreeMap::new();
        for arch in suite.release.words("Architectures") {
            let path = format!("{}/binary-{arch}/Packages", self.settings.component);
            let read = suite.index(&path)?.map(Packages::read).transpose();
            let packages = read.map_err(|why| damaged(&*self.place, &format!("{}/{path}", suite.folder()), &why))?;
            lists.insert(arch.to_owned(), packages.unwrap_or_default());
        }
        let of_all: Vec<Arc<str>> = lists.values().next().map_or_else(Vec::new, |packages| {
            packages.entries().filter(|entry| entry.arch == "all").map(|entry| entry.text.into()).collect()
        });
        let of_parcels = parcels.iter().map(|parcel| parcel.artifact.arch.as_str()).filter(|arch| *arch != "all");
        let mut wanted: Vec<&str> = self.settings.architectures.iter().map(String::as_str).chain(of_parcels).collect();
        if lists.is_empty() && wanted.is_empty() {
            // A package for all is of use to somebody only on a list.
            wanted = vec!["amd64", "arm64"];
        }
        for arch in wanted {
            if !lists.contains_key(arch) {
                let mut packages = Packages::default();
                packages.add(&of_all).map_err(|why| damaged(&*self.place, arch, &why))?;
                lists.insert(arch.to_owned(), packages);
            }
        }
        Ok(lists)
    }

    fn release(&self, old: &Release, lists: &BTreeMap<String, Packages>, time: i64) -> Release {
        let settings = &self.settings;
        let mut release = old.clone();
        let mut components: BTreeSet<&str> = old.words("Components").into_iter().collect();
        components.insert(&settings.component);
        let components: Vec<&str> = components.into_iter().collect();
        let architectures: Vec<&str> = lists.keys().map(String::as_str).collect();
        let was = |name: &str, typed: &Option<String>, default: &str| {
            typed.as_deref().or(old.get(name)).unwrap_or(default).to_owned()
        };
        let origin = self.origin(old);
        let automatic = if settings.automatic { ["", ""] } else { ["yes", "yes"] };
        for (name, value) in [
            ("Origin", origin.as_str()),
            ("Label", &was("Label", &settings.label, &origin)),
            ("Suite", &settings.suite),
            ("Codename", &was("Codename", &settings.codename, &settings.suite)),
            ("Date", &release::date(time)),
            ("Valid-Until", &settings.valid_for.map(|span| release::date(time + span)).unwrap_or_default()),
            ("Architectures", &architectures.join(" ")),
            ("Components", &components.join(" ")),
            ("Description", &was("Description", &settings.description, &format!("Packages of {origin}"))),
            ("Acquire-By-Hash", "yes"),
            ("NotAutomatic", automatic[0]),
            ("ButAutomaticUpgrades", automatic[1]),
        ] {
            release.set(name, value);
        }
        release
    }

    /// Whether the root has to be made anew although no package is: it is about to end, or says something else.
    fn is_due(&self, old: &Release, lists: &BTreeMap<String, Packages>) -> bool {
        let date = old.date().unwrap_or_default();
        let old_enough = self.settings.valid_for.is_some_and(|span| (self.now)() > date + span / 2);
        old_enough || self.release(old, lists, date) != *old
    }
}

/// The same version is to come with other bytes.
pub(super) fn other_bytes(package: &str, place: &str) -> Diagnostic {
    Diagnostic::error(codes::PUBLISH_OTHER_BYTES, format!("`{package}` is in `{place}` already, with other bytes"))
        .note("hosts that have it would not see a new one, and caches would mix both")
        .help("raise the version or `[package] release`; `--replace` puts it in place of the other")
}

/// What is in a packed index.
pub(super) fn unpack(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    suite::unpack(bytes, suite::LONGEST)
}

impl Apt {
    fn retract(&self, name: &str, version: &str) -> Result<Draft, Findings> {
        let one = |finding: Diagnostic| vec![finding];
        let suite = Suite::read(&*self.place, &self.settings.suite).map_err(one)?;
        self.check_root(&suite).map_err(one)?;
        let lists = self.lists(&suite, &[]).map_err(one)?;
        let listed = lists.values().flat_map(|list| list.of(name)).map(|entry| entry.version);
        let gone: BTreeSet<&str> = listed.filter(|listed| is_package_of(listed, version)).collect();
        if suite.was.0.is_none() || gone.is_empty() {
            return Ok(Draft::default());
        }
        let gone = gone.into_iter().map(|version| (name.to_owned(), version.to_owned())).collect();
        let change = Change { gone, ..Change::default() };
        self.change(&suite, lists, &change, Draft { before: vec![Vec::new(), Vec::new()], ..Draft::default() })
    }
}

impl Destination for Apt {
    fn name(&self) -> String {
        format!("apt {} {}", self.place.name(), self.settings.suite)
    }

    fn place(&self) -> &dyn Place {
        &*self.place
    }

    fn into_place(self: Box<Self>) -> Box<dyn Place> {
        self.place
    }

    fn channel(&self) -> Option<&str> {
        Some(&self.settings.suite)
    }

    fn format(&self) -> &'static str {
        "deb"
    }

    fn compare(&self, a: &str, b: &str) -> Ordering {
        order::compare(a, b)
    }

    fn list(&self) -> Result<Vec<repo::Listed>, Diagnostic> {
        repo::list(&*self.place, std::slice::from_ref(&self.settings.suite))
    }

    fn draft(&self, work: &Work<'_>) -> Result<Draft, Findings> {
        let parcels = match *work {
            Work::Publish(parcels) => parcels,
            Work::Retract { name, version } => return self.retract(name, version),
            Work::Repair => return self.repair(),
            Work::Move(_) => return Ok(Draft::default()),
        };
        let one = |finding: Diagnostic| vec![finding];
        let suite = Suite::read(&*self.place, &self.settings.suite).map_err(one)?;
        if suite.was.0.is_some() {
            self.check_root(&suite).map_err(one)?;
            self.check_names(&suite.release).map_err(one)?;
        }
        let lists = self.lists(&suite, parcels).map_err(one)?;
        let mut draft = Draft { before: vec![Vec::new(), Vec::new()], ..Draft::default() };
        let keyring = self.keyring(&suite, &lists, &mut draft)?;
        let parcels: Vec<&Parcel> = parcels.iter().copied().chain(&keyring).collect();
        let news = self.news(&parcels, &lists, &mut draft)?;
        if news.is_empty() && suite.was.0.is_some() && !self.is_due(&suite.release, &lists) {
            draft.before.clear();
            // Who put the root may have been killed before what follows it, and the page may be made otherwise by now.
            if let Some(root) = suite.was.0.as_ref().filter(|_| self.signer.is_some()) {
                let is_followed = self.is_followed(&suite, root).map_err(one)?;
                let page = || self.page(&suite.release, &lists).map_err(one);
                draft.after = if is_followed { page()? } else { self.settle(root)? };
            }
            return Ok(draft);
        }
        self.change(&suite, lists, &Change { news, ..Change::default() }, draft)
    }

    fn settle(&self, root: &Object) -> Result<Vec<Vec<Put>>, Findings> {
        let suite = Suite::read(&*self.place, &self.settings.suite).map_err(|finding| vec![finding])?;
        let text = sign::clear_text(&root.bytes).unwrap_or_default();
        let one = |finding: Diagnostic| vec![finding];
        let puts = self.names_of(&suite, |_, _| true).map_err(one)?;
        let time = suite.release.date().unwrap_or_default();
        let lists = self.lists(&suite, &[]).map_err(one)?;
        let mut groups = vec![puts];
        groups.extend(self.page(&suite.release, &lists).map_err(one)?);
        groups.push(self.pair(&suite, &text, time).map_err(one)?);
        Ok(groups)
    }
}
