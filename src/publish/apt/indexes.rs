//! The indexes of a suite as objects: each by its digest before the root, and by its name behind it.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;

use sha2::Digest as _;

use super::change::{Change, New};
use super::contents;
use super::packages::Packages;
use super::release::{Listed, Release};
use super::stored_package::read_again;
use super::suite::{Suite, damaged};
use crate::codec::compress;
use crate::codec::gzip;
use crate::codec::hex::hex;
use crate::diagnostic::Diagnostic;
use crate::formats::deb::order;
use crate::interrupt;
use crate::publish::draft::{Draft, Put, What};
use crate::store::{Body, Kind, StoreError, Trouble};

/// How lists are served that change under their name.
pub(super) const TEXT: Kind = Kind { content_type: "text/plain; charset=utf-8", immutable: false, sha256: None };
/// Larger content waits in a file.
const IN_MEMORY: usize = 8 << 20;
/// As `Packages.gz` of Debian's mirrors.
const GZIP: u8 = 6;
const XZ: u8 = 6;

/// Makes them, and notes them in the root.
pub(super) struct Indexes<'a> {
    pub(super) suite: &'a Suite<'a>,
    pub(super) component: &'a str,
    pub(super) xz: bool,
    pub(super) release: &'a mut Release,
    pub(super) draft: &'a mut Draft,
}

/// An index under its name.
pub(super) fn named(key: String, body: Body) -> Put {
    let packed = [".gz", ".xz"].iter().any(|suffix| key.ends_with(suffix));
    let content_type = if packed { "application/octet-stream" } else { TEXT.content_type };
    Put { key, body, kind: Kind { content_type, ..TEXT }, what: What::Index, when: None }
}

/// An index as it is put.
pub(super) fn packed(content: &[u8]) -> Vec<u8> {
    gzip::whole(content, GZIP)
}

impl Indexes<'_> {
    /// `Packages` of every architecture.
    pub(super) fn packages(&mut self, lists: &BTreeMap<String, Packages>) -> Result<(), Diagnostic> {
        for (arch, packages) in lists {
            let mut text = Vec::new();
            packages.write(&mut text).map_err(|error| self.failed(&error))?;
            self.add(&format!("{}/binary-{arch}/Packages", self.component), text, true)?;
        }
        Ok(())
    }

    /// `Contents` of every architecture: what the newest version of each package has.
    pub(super) fn contents(&mut self, lists: &BTreeMap<String, Packages>, change: &Change) -> Result<(), Diagnostic> {
        // Where the newest version goes, the one before it is read again.
        let mut again = Vec::new();
        for (arch, packages) in lists {
            for (name, version) in &change.gone {
                let newest = packages.of(name).last();
                let Some(entry) = newest.filter(|entry| order::compare(entry.version, version) == Ordering::Less)
                else {
                    continue;
                };
                if again.iter().all(|new: &New| new.file_name != entry.file_name()) {
                    again.push(read_again(self.suite.place(), entry)?);
                }
            }
            let path = format!("{}/Contents-{arch}", self.component);
            let old = self.text(&path)?;
            let is_newest = |new: &&New| {
                let newest = packages.of(&new.name).last();
                newest.is_some_and(|entry| entry.file_name() == new.file_name)
            };
            let newest: Vec<&New> = change.news.iter().chain(&again).filter(is_newest).collect();
            let without =
                change.gone.iter().map(|(name, _)| name.as_str()).filter(|name| packages.of(name).next().is_none());
            let gone: BTreeSet<&str> = newest.iter().map(|new| new.name.as_str()).chain(without).collect();
            let mut paths: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
            for new in newest {
                for path in &new.paths {
                    paths.entry(path.clone()).or_default().insert(format!("{}/{}", new.section, new.name));
                }
            }
            let next = contents::merge(&old, &gone, &paths);
            self.add(&path, next.into_bytes(), false)?;
        }
        Ok(())
    }

    /// `Translation-en`: what `Packages` leaves out of descriptions.
    pub(super) fn translation(&mut self, lists: &BTreeMap<String, Packages>, news: &[New]) -> Result<(), Diagnostic> {
        let path = format!("{}/i18n/Translation-en", self.component);
        let old = self.text(&path)?;
        let mut all: BTreeMap<(String, String), String> = BTreeMap::new();
        let field = |text: &str, name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
            line.unwrap_or_default().to_owned()
        };
        let new = news.iter().filter_map(|new| new.described.translation.as_deref());
        for text in old.split("\n\n").map(str::trim_end).filter(|text| !text.is_empty()).chain(new) {
            all.insert((field(text, "Package"), field(text, "Description-md5")), format!("{}\n", text.trim_end()));
        }
        if !self.draft.dropped.is_empty() {
            let used: BTreeSet<(&str, &str)> = lists
                .values()
                .flat_map(Packages::entries)
                .filter_map(|entry| Some((entry.name, entry.field("Description-md5")?)))
                .collect();
            all.retain(|(name, md5), _| used.contains(&(name.as_str(), md5.as_str())));
        }
        let text = all.into_values().collect::<Vec<_>>().join("\n");
        self.add(&path, text.into_bytes(), false)
    }

    fn text(&self, path: &str) -> Result<String, Diagnostic> {
        let bytes = self.suite.index(path)?.unwrap_or_default();
        String::from_utf8(bytes).map_err(|_| {
            let place = self.suite.place();
            damaged(place, &format!("{}/{path}", self.suite.folder()), "it is not UTF-8")
        })
    }

    /// An index, packed, and as it is if `plain`. One that is as it was is not put again.
    fn add(&mut self, path: &str, content: Vec<u8>, plain: bool) -> Result<(), Diagnostic> {
        let mut forms = vec![(format!("{path}.gz"), Some(packed(&content)))];
        if self.xz {
            let mut packed = Vec::new();
            let mut write = || -> std::io::Result<()> {
                let mut encoder = compress::xz(&mut packed, XZ, 1)?;
                encoder.write_all(&content)?;
                encoder.finish()
            };
            write().map_err(|error| self.failed(&error))?;
            forms.push((format!("{path}.xz"), Some(packed)));
        }
        let sha256 = hex(&sha2::Sha256::digest(&content));
        let size = content.len() as u64;
        // Forms that somebody else made, or that are made no more, would say what was.
        for suffix in ["", ".gz", ".xz", ".bz2", ".lzma", ".lz4", ".zst"] {
            self.release.files.remove(&format!("{path}{suffix}"));
        }
        if plain {
            forms.push((path.to_owned(), Some(content)));
        } else {
            // The digest of what is inside is listed although nobody can get it so.
            self.release.files.insert(path.to_owned(), Listed { size, sha256 });
        }
        for (path, bytes) in forms {
            let Some(bytes) = bytes else { continue };
            let listed = Listed { size: bytes.len() as u64, sha256: hex(&sha2::Sha256::digest(&bytes)) };
            if self.suite.release.files.get(&path) != Some(&listed) {
                let body = self.body(bytes)?;
                let kind = Kind {
                    content_type: "application/octet-stream",
                    immutable: true,
                    sha256: Some(listed.sha256.clone()),
                };
                let key = self.suite.by_hash(&path, &listed.sha256);
                let put = Put { key, body: body.clone(), kind, what: What::Index, when: None };
                self.draft.before[1].push(put);
                if self.draft.after.is_empty() {
                    self.draft.after.push(Vec::new());
                }
                self.draft.after[0].push(named(format!("{}/{path}", self.suite.folder()), body));
            }
            self.release.files.insert(path, listed);
        }
        Ok(())
    }

    fn body(&mut self, bytes: Vec<u8>) -> Result<Body, Diagnostic> {
        if bytes.len() <= IN_MEMORY {
            return Ok(Body::Bytes(bytes.into()));
        }
        let write = || -> std::io::Result<(tempfile::TempPath, interrupt::Held)> {
            let new = interrupt::file(tempfile::NamedTempFile::new, |file| file.path().to_owned());
            let (mut file, held) = new?;
            file.write_all(&bytes)?;
            Ok((file.into_temp_path(), held))
        };
        let file = write().map_err(|error| self.failed(&error))?;
        let body = Body::File { path: file.0.to_path_buf(), size: bytes.len() as u64 };
        self.draft.scratch.push(file);
        Ok(body)
    }

    fn failed(&self, error: &std::io::Error) -> Diagnostic {
        StoreError::new(self.suite.place().name(), Trouble::Failed, error).into()
    }
}
