//! Whether a suite is what it says it is: every signature, digest and reference.
//!
//! Enters: a place, public keys. Leaves: every key that was looked at, and a finding for each thing that is wrong.

use std::collections::BTreeMap;

use sha2::Digest as _;

use super::packages::{Entry, Packages};
use super::release::{Listed, Release};
use super::suite::{LONGEST, unpack};
use super::{stanza, stored_package};
use crate::codec::calendar;
use crate::codec::hex::hex;
use crate::diagnostic::{Findings, codes};
use crate::publish::at_once;
use crate::publish::judge::{self, By, Checked, Judge};
use crate::sign;
use crate::store::{Depth, Place, StoreError};

/// One suite, judged.
struct Suite<'a> {
    judge: Judge<'a>,
    folder: String,
    by: By<'a>,
}

/// Verifies one suite.
///
/// # Errors
/// The place does not answer.
pub fn verify(place: &dyn Place, suite: &str, by: By<'_>) -> Result<Checked, StoreError> {
    let mut suite = Suite { judge: Judge::new(place), folder: format!("dists/{suite}"), by };
    if let Some(release) = suite.roots()? {
        let mut lists = Vec::new();
        for (path, listed) in &release.files {
            lists.extend(suite.index(&release, path, listed)?);
        }
        suite.generations()?;
        suite.packages(&lists);
    }
    Ok(suite.judge.checked)
}

impl Suite<'_> {
    /// `InRelease`, `Release`, `Release.gpg`: three forms of one text.
    fn roots(&mut self) -> Result<Option<Release>, StoreError> {
        let keys = ["InRelease", "Release", "Release.gpg"].map(|name| format!("{}/{name}", self.folder));
        let [Some(root), release, signature] =
            [self.judge.get(&keys[0])?, self.judge.get(&keys[1])?, self.judge.get(&keys[2])?]
        else {
            self.judge.wrong(codes::REPO_MISSING, &keys[0], "it is not there");
            return Ok(None);
        };
        let Some(text) = sign::clear_text(&root) else {
            self.judge.wrong(codes::REPO_CHANGED, &keys[0], "it is no signed text");
            return Ok(None);
        };
        match &release {
            None => self.judge.wrong(codes::REPO_MISSING, &keys[1], "it is not there"),
            Some(release) if release.as_slice() != text.as_bytes() => {
                self.judge.wrong(codes::REPO_CHANGED, &keys[1], "it is another text than that in `InRelease`");
            }
            Some(_) => {}
        }
        self.judge.clear(&keys[0], &root, self.by);
        if let Some(release) = &release {
            self.judge.detached(&keys[2], signature.as_deref(), release, self.by);
        }
        match Release::read(&text) {
            Ok(release) => {
                let until = release.get("Valid-Until").map(|text| calendar::parse_rfc5322(text).unwrap_or_default());
                if until.is_some_and(|until| until < self.by.now) {
                    let until = release.get("Valid-Until").unwrap_or_default();
                    self.judge.wrong(codes::REPO_EXPIRED, &keys[0], &format!("its lists were valid until {until}"));
                }
                Ok(Some(release))
            }
            Err(why) => {
                self.judge.wrong(codes::REPO_CHANGED, &keys[0], &why);
                Ok(None)
            }
        }
    }

    /// An index by its name and by its digest; the list of packages, if it is one.
    fn index(&mut self, release: &Release, path: &str, listed: &Listed) -> Result<Option<Packages>, StoreError> {
        let named = format!("{}/{path}", self.folder);
        let (folder, _) = named.rsplit_once('/').unwrap_or((&named, ""));
        let by_hash = format!("{folder}/by-hash/SHA256/{}", listed.sha256);
        let forms = [self.judge.get(&named)?, self.judge.get(&by_hash)?];
        // What is inside of a packed one is listed, and need not be there.
        if forms.iter().all(Option::is_none) && release.files.contains_key(&format!("{path}.gz")) {
            self.judge.checked.seen.remove(&named);
            return Ok(None);
        }
        let mut good = None;
        for (key, bytes) in [&named, &by_hash].into_iter().zip(forms) {
            match bytes {
                None => self.judge.wrong(codes::REPO_MISSING, key, "it is not there, and `InRelease` lists it"),
                Some(bytes) if hex(&sha2::Sha256::digest(&bytes)) != listed.sha256 => {
                    self.judge.wrong(codes::REPO_CHANGED, key, "its digest is another than that in `InRelease`");
                }
                Some(bytes) => good = Some(bytes),
            }
        }
        let Some(bytes) = good else { return Ok(None) };
        let inner = path.strip_suffix(".gz").or_else(|| path.strip_suffix(".xz"));
        if let Some(inner) = inner.and_then(|inner| release.files.get(inner)) {
            let content = unpack(&bytes, inner.size).unwrap_or_default();
            if hex(&sha2::Sha256::digest(&content)) != inner.sha256 {
                self.judge.wrong(
                    codes::REPO_CHANGED,
                    &named,
                    "what is in it has another digest than that in `InRelease`",
                );
            }
        }
        if !path.ends_with("/Packages.gz") {
            return Ok(None);
        }
        let size = inner.and_then(|inner| release.files.get(inner)).map_or(LONGEST, |inner| inner.size);
        match unpack(&bytes, size).map_err(|error| error.to_string()).and_then(Packages::read) {
            Ok(packages) => Ok(Some(packages)),
            Err(why) => {
                self.judge.wrong(codes::REPO_CHANGED, &named, &why);
                Ok(None)
            }
        }
    }

    /// Lists of earlier roots: each has its digest as its name.
    fn generations(&mut self) -> Result<(), StoreError> {
        let Ok(all) = self.judge.place.list(&self.folder, Depth::All) else { return Ok(()) };
        for meta in all {
            let Some((_, name)) = meta.key.rsplit_once("/by-hash/SHA256/") else { continue };
            if self.judge.checked.seen.contains(&meta.key) {
                continue;
            }
            let bytes = self.judge.get(&meta.key)?.unwrap_or_default();
            if hex(&sha2::Sha256::digest(&bytes)) != name {
                self.judge.wrong(codes::REPO_CHANGED, &meta.key, "its digest is not its name");
            }
        }
        Ok(())
    }

    /// Every package once, whatever lists name it; what the lists say of it is what it says.
    fn packages(&mut self, lists: &[Packages]) {
        let mut files: BTreeMap<&str, Vec<Entry<'_>>> = BTreeMap::new();
        for entry in lists.iter().flat_map(Packages::entries) {
            files.entry(entry.file_name()).or_default().push(entry);
        }
        self.judge.checked.packages += files.len();
        let files: Vec<(&str, Vec<Entry<'_>>)> = files.into_iter().collect();
        let place = self.judge.place;
        let judged = at_once(place.at_once(), &files, |(key, entries)| judge_package(place, key, entries));
        for (findings, (key, _)) in judged.into_iter().zip(&files) {
            self.judge.checked.seen.insert((*key).to_owned());
            self.judge.checked.findings.extend(findings);
        }
    }
}

fn judge_package(place: &dyn Place, key: &str, entries: &[Entry<'_>]) -> Findings {
    let Some(first) = entries.first() else { return Findings::new() };
    let wrong = |code, why: &str| vec![judge::wrong(code, key, why)];
    match place.head(key) {
        Ok(None) => return wrong(codes::REPO_MISSING, "it is not there, and a list names it"),
        Err(error) => return vec![error.into()],
        Ok(Some(_)) => {}
    }
    let (listing, size) = match stored_package::listing(place, *first) {
        Ok(read) => read,
        Err(finding) => return wrong(codes::REPO_CHANGED, finding.notes.first().map_or(&finding.message, |note| note)),
    };
    let sha256 = first.field("SHA256").unwrap_or_default();
    let own = stanza::describe(&listing, key, size, sha256);
    // Fields may stand in another order where another tool wrote the list.
    let sorted = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    for entry in entries {
        if sorted(entry.text.trim_end()) != sorted(own.stanza.trim_end()) {
            return wrong(codes::REPO_CHANGED, "a list says something else of it than it says itself");
        }
    }
    Findings::new()
}
