//! Whether a repository is what it says it is: every signature, digest and reference.
//!
//! Enters: a place, public keys. Leaves: every key that was looked at, and a finding for each thing that is wrong.

use std::collections::BTreeSet;
use std::io::Cursor;
use std::path::Path;

use super::repomd::{Data, Repomd};
use super::stored::{Entry, ROOT, digest, walk};
use super::{KEY, SIGNATURE, xml};
use crate::codec::decompress;
use crate::diagnostic::{Findings, codes};
use crate::formats::{Format as _, rpm::Rpm};
use crate::publish::at_once;
use crate::publish::judge::{self, By, Checked, Judge};
use crate::sign;
use crate::store::{Depth, Place, StoreError};

/// A repository, judged.
struct Judged<'a> {
    judge: Judge<'a>,
    by: By<'a>,
}

/// Verifies a repository.
///
/// # Errors
/// The place does not answer.
pub fn verify(place: &dyn Place, by: By<'_>) -> Result<Checked, StoreError> {
    let mut judged = Judged { judge: Judge::new(place), by };
    if let Some(repomd) = judged.root()? {
        let mut entries = Vec::new();
        for data in &repomd.data {
            judged.list(data, &mut entries)?;
        }
        judged.generations()?;
        judged.packages(&entries);
    }
    Ok(judged.judge.checked)
}

impl Judged<'_> {
    /// `repomd.xml`, its signature, and the keys beside it.
    fn root(&mut self) -> Result<Option<Repomd>, StoreError> {
        let [Some(root), signature, key] = [self.judge.get(ROOT)?, self.judge.get(SIGNATURE)?, self.judge.get(KEY)?]
        else {
            self.judge.wrong(codes::REPO_MISSING, ROOT, "it is not there");
            return Ok(None);
        };
        self.judge.detached(SIGNATURE, signature.as_deref(), &root, self.by);
        let read = std::str::from_utf8(&root).map_err(|_| "it is not UTF-8".to_owned()).and_then(Repomd::read);
        let repomd = match read {
            Ok(repomd) => repomd,
            Err(why) => {
                self.judge.wrong(codes::REPO_CHANGED, ROOT, &why);
                return Ok(None);
            }
        };
        if let Some(stated) = &repomd.key {
            match key {
                None => self.judge.wrong(codes::REPO_MISSING, KEY, "it is not there, and `repomd.xml` has its digest"),
                Some(key) if digest("sha256", &key).as_ref() != Some(stated) => {
                    self.judge.wrong(codes::REPO_CHANGED, KEY, "its digest is another than that in `repomd.xml`");
                }
                Some(_) => {}
            }
        }
        Ok(Some(repomd))
    }

    /// A list by its digest, and that of what is in it; the packages, if it is that list.
    fn list(&mut self, data: &Data, entries: &mut Vec<Entry>) -> Result<(), StoreError> {
        let key = &data.location;
        let Some(bytes) = self.judge.get(key)? else {
            self.judge.wrong(codes::REPO_MISSING, key, "it is not there, and `repomd.xml` names it");
            return Ok(());
        };
        let is =
            |(algorithm, stated): &(String, String), bytes: &[u8]| digest(algorithm, bytes).as_ref() == Some(stated);
        if !is(&data.checksum, &bytes) || data.size.is_some_and(|size| size != bytes.len() as u64) {
            self.judge.wrong(codes::REPO_CHANGED, key, "its digest or size is another than that in `repomd.xml`");
            return Ok(());
        }
        if let Some(open) = &data.open_checksum {
            let mut content = Vec::new();
            let read = decompress::detect(&bytes[..])
                .and_then(|(_, mut reader)| std::io::Read::read_to_end(&mut reader, &mut content));
            if read.is_err() || !is(open, &content) || data.open_size.is_some_and(|size| size != content.len() as u64) {
                self.judge.wrong(
                    codes::REPO_CHANGED,
                    key,
                    "what is in it has another digest than that in `repomd.xml`",
                );
                return Ok(());
            }
        }
        let mut ids = Vec::new();
        let read = match data.kind.as_str() {
            "primary" => walk(&bytes[..], |chunk| {
                let why = "a package lacks name, version, checksum, size or location";
                let entry = Entry::read(chunk);
                entries.push(entry.ok_or_else(|| std::io::Error::new(std::io::ErrorKind::InvalidData, why))?);
                Ok(())
            }),
            "filelists" | "other" => walk(&bytes[..], |chunk| {
                ids.push(xml::tag(chunk, "package").and_then(|tag| xml::attribute(tag, "pkgid")).unwrap_or_default());
                Ok(())
            }),
            _ => return Ok(()),
        };
        if let Err(error) = read {
            self.judge.wrong(codes::REPO_CHANGED, key, &error.to_string());
        } else if data.kind != "primary" {
            ids.sort();
            let mut listed: Vec<&str> = entries.iter().map(|entry| &*entry.id).collect();
            listed.sort_unstable();
            if ids != listed {
                self.judge.wrong(codes::REPO_CHANGED, key, "it has other packages than `primary`");
            }
        }
        Ok(())
    }

    /// Lists of earlier roots: each has its digest in its name.
    fn generations(&mut self) -> Result<(), StoreError> {
        let Ok(all) = self.judge.place.list("repodata", Depth::One) else { return Ok(()) };
        for meta in all {
            let Some((stated, _)) = meta.key.strip_prefix("repodata/").and_then(|name| name.split_once('-')) else {
                continue;
            };
            if stated.len() != 64 || self.judge.checked.seen.contains(&meta.key) {
                continue;
            }
            let stated = stated.to_owned();
            let bytes = self.judge.get(&meta.key)?.unwrap_or_default();
            if digest("sha256", &bytes).as_ref() != Some(&stated) {
                self.judge.wrong(codes::REPO_CHANGED, &meta.key, "its digest is not that in its name");
            }
        }
        Ok(())
    }

    /// Every package; what the list says of it is what it says.
    fn packages(&mut self, entries: &[Entry]) {
        self.judge.checked.packages += entries.len();
        let files: BTreeSet<&str> = entries.iter().filter_map(|entry| entry.location.as_deref()).collect();
        self.judge.checked.seen.extend(files.into_iter().map(str::to_owned));
        let (place, by) = (self.judge.place, self.by);
        let judged = at_once(place.at_once(), entries, |entry| judge_package(place, entry, by));
        self.judge.checked.findings.extend(judged.into_iter().flatten());
    }
}

fn judge_package(place: &dyn Place, entry: &Entry, by: By<'_>) -> Findings {
    // What lies elsewhere is judged there.
    let Some(key) = entry.location.as_deref() else { return Findings::new() };
    let wrong = |code, why: &str| vec![judge::wrong(code, key, why)];
    let object = match place.get(key) {
        Ok(Some(object)) => object,
        Ok(None) => return wrong(codes::REPO_MISSING, "it is not there, and a list names it"),
        Err(error) => return vec![error.into()],
    };
    if digest(&entry.algorithm, &object.bytes).as_deref() != Some(&*entry.id) || object.bytes.len() as u64 != entry.size
    {
        return wrong(codes::REPO_CHANGED, "its digest or size is another than that in the list");
    }
    let listing = match Rpm.read(&mut Cursor::new(&object.bytes), key) {
        Ok(listing) => listing,
        Err(finding) => return wrong(codes::REPO_CHANGED, &finding.message),
    };
    if let Some(problem) = listing.checks.iter().find_map(|check| check.problem.as_ref()) {
        return wrong(codes::REPO_CHANGED, problem);
    }
    // An epoch of 0 may be written or not.
    let version = listing.version.strip_prefix("0:").unwrap_or(&listing.version);
    if (&*listing.name, version, &*listing.arch) != (&*entry.name, &*entry.evr(), &*entry.arch) {
        return wrong(codes::REPO_CHANGED, "a list says something else of it than it says itself");
    }
    let Some(certificates) = by.certificates else { return Findings::new() };
    match sign::verify_rpm(certificates, Path::new(key), &mut Cursor::new(&object.bytes), by.now) {
        Ok(_) => Findings::new(),
        Err(error) => wrong(codes::REPO_SIGNATURE, &error.to_string()),
    }
}
