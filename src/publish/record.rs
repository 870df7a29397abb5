//! What is in a release, as a document beside it: where it comes from, what came with it, what it depends on, its artifacts.
//!
//! Enters: the list of artifacts, and the project at the commit that they were made from. Leaves: the bytes of the record, the same for the
//! same list and commit, and the list of all records of a repository. A record that lies there stays: who made other artifacts of the
//! version has another.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Mutex;

use serde::Serialize;
use serde_json::json;
use sha2::Digest as _;

use super::apt;
use super::draft::{Put, What};
use super::landing::{self, Front};
use super::version::without_epoch;
use crate::codec::calendar;
use crate::codec::hex::hex;
use crate::diagnostic::{Diagnostic, codes};
use crate::resolve::LOCK;
use crate::resolve::dependencies::{self, LARGEST};
use crate::resolve::git::history;
use crate::resolve::identity::Version;
use crate::run::Made;
use crate::sign::{self, Signer};
use crate::store::{Body, Kind, Object, Place, When, media_type, now};

/// The word by which `formats` of `[[publish.files]]` asks for it.
pub const NAME: &str = "record";
/// Where the records of a repository lie.
const FOLDER: &str = "releases/";
/// The last second that a date has four digits in.
const LAST: i64 = 253_402_300_799;

/// See the module.
#[derive(Debug)]
pub struct Record {
    /// `NAME-VERSION`
    stem: String,
    bytes: Vec<u8>,
    sha256: String,
    /// Places where another publisher's record of the version stays.
    stays: Mutex<BTreeSet<String>>,
}

#[derive(Serialize)]
struct Commit {
    id: String,
    time: String,
    author: String,
    subject: String,
}

#[derive(Serialize)]
struct Base {
    name: String,
    digest: String,
}

/// A list of all records, and what is to be put first.
pub(super) type Shelved = (BTreeMap<String, String>, Option<Put>);

impl Record {
    /// That of what was built from `project`.
    pub(super) fn of(made: &Made, project: &Path) -> Self {
        let Made { name, version, environment, clock, revision, artifacts } = made;
        let text = |file: &str| {
            // What is checked out may be another commit by now.
            let committed = revision.as_ref().and_then(|id| history::file(project, id, file, LARGEST));
            committed.or_else(|| dependencies::text(project, file))
        };
        let is_prerelease = Version::of(version).prerelease.is_some();
        let history = revision.as_ref().map(|id| history::history(project, id, is_prerelease)).unwrap_or_default();
        let time = |seconds: i64| calendar::rfc3339(seconds.clamp(0, LAST));
        let commits: Vec<Commit> = history
            .commits
            .into_iter()
            .map(|commit| Commit {
                id: commit.id,
                time: time(commit.time),
                author: commit.author,
                subject: commit.subject,
            })
            .collect();
        let mut artifacts: Vec<_> = artifacts.iter().collect();
        artifacts.sort_by(|a, b| a.file.cmp(&b.file));
        let mut document = json!({
            "schema": "fitout/release/1", "name": name, "version": version, "environment": environment, "time": time(*clock),
            "revision": revision, "previous": history.previous, "commits": commits,
            "dependencies": dependencies::all(text), "base": bases(&text(LOCK).unwrap_or_default()), "artifacts": artifacts,
        });
        if history.more {
            document["more"] = true.into();
        }
        let bytes = format!("{document:#}\n").into_bytes();
        let plain = |c: char| if c.is_ascii_alphanumeric() || "-._+~".contains(c) { c } else { '-' };
        let stem = format!("{name}-{version}").chars().map(plain).collect();
        Self { stem, sha256: hex(&sha2::Sha256::digest(&bytes)), bytes, stays: Mutex::default() }
    }

    /// Its key in a folder of files.
    pub(super) fn file(&self) -> String {
        format!("{}.release.json", self.stem)
    }

    /// The digest of what is under `key` in the end, and what is to be put for that; `listed` is what the list said before.
    ///
    /// # Errors
    /// The place does not answer.
    pub(super) fn put(
        &self,
        (place, listed): (&dyn Place, Option<&String>),
        key: &str,
        replace: bool,
    ) -> Result<(String, Option<Put>), Diagnostic> {
        let there = place.get(key)?.map(|object| hex(&sha2::Sha256::digest(&object.bytes)));
        // What the list says is there was damaged since, if it is not.
        let is_own = replace || listed == Some(&self.sha256);
        match there {
            Some(there) if there == self.sha256 => return Ok((there, None)),
            Some(there) if !is_own => {
                self.stays().insert(place.name());
                return Ok((listed.cloned().unwrap_or(there), None));
            }
            _ => {}
        }
        let put = Put {
            key: key.to_owned(),
            body: Body::Bytes(self.bytes.as_slice().into()),
            kind: Kind { content_type: media_type(key), immutable: !replace, sha256: None },
            what: What::Record,
            // Of two publishers the first wins, and the other lists what the first has put.
            when: (!is_own).then_some(When::Absent),
        };
        Ok((self.sha256.clone(), Some(put)))
    }

    fn stays(&self) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
        self.stays.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// That another's record stays, where it does.
    pub(super) fn warning(&self) -> Option<Diagnostic> {
        let places: Vec<String> = self.stays().iter().map(|place| format!("`{place}`")).collect();
        (!places.is_empty()).then(|| {
            let message = format!("the record of `{}` in {} is of other artifacts, and stays", self.stem, places.join(", "));
            Diagnostic::warning(codes::PUBLISH_RECORD, message)
                .note("another publisher made it of what it had built, or from a clone with another history")
                .help("`fitout merge` brings what several runs built into one folder: published from there, one record names all of it")
                .help("`--replace` puts the new one in place of it")
        })
    }
}

/// Images of `fitout.lock`.
fn bases(text: &str) -> Vec<Base> {
    let table = text.parse::<toml::Table>().unwrap_or_default();
    let images = table.get("image").and_then(toml::Value::as_array).map_or(&[][..], Vec::as_slice);
    let word = |image: &toml::Value, key: &str| Some(image.get(key)?.as_str()?.to_owned());
    images
        .iter()
        .filter_map(|image| Some(Base { name: word(image, "name")?, digest: word(image, "digest")? }))
        .collect()
}

/// Digests of all records of a repository by their keys: those that its signed `list` names, and the own one.
///
/// # Errors
/// The place does not answer, or a key cannot be read.
pub(super) fn shelved(
    (place, list): (&dyn Place, Option<&Object>),
    front: &Front,
    signer: Option<&Signer>,
    time: i64,
) -> Result<Shelved, Diagnostic> {
    let mut lines = BTreeMap::new();
    if let Some(there) = list {
        // What others have signed is not signed anew.
        let is_ours = match signer {
            Some(signer) if !front.replace => {
                let certificates = sign::read_certificates("[sign]", &signer.certificates()?)?;
                // That of another suite may be newer than this one.
                sign::verify_clear(&certificates, &there.bytes, time.max(now::now())).is_ok()
            }
            _ => true,
        };
        if !is_ours {
            return Err(apt::not_ours(place, landing::SUMS, "its signature does not hold"));
        }
        let text = sign::clear_text(&there.bytes).unwrap_or_default();
        let pairs = text.lines().filter_map(|line| line.split_once("  "));
        lines.extend(
            pairs.filter(|(_, key)| key.starts_with(FOLDER)).map(|(sum, key)| (key.to_owned(), sum.to_owned())),
        );
    }
    let Some(record) = &front.record else { return Ok((lines, None)) };
    let key = format!("{FOLDER}{}.json", record.stem);
    let (sha256, put) = record.put((place, lines.get(&key)), &key, front.replace)?;
    lines.insert(key, sha256);
    Ok((lines, put))
}

/// Keys of records, to be found by what they are of: repositories spell versions in their own way.
pub(super) struct Keys<'k>(BTreeMap<String, &'k str>);

impl<'k> Keys<'k> {
    /// Of these.
    pub(super) fn of(keys: impl Iterator<Item = &'k String>) -> Self {
        let stem = |key: &'k String| key.strip_prefix(FOLDER)?.strip_suffix(".json");
        Self(keys.filter_map(|key| Some((spelled(stem(key)?), key.as_str()))).collect())
    }

    /// The record of a package.
    pub(super) fn get(&self, name: &str, version: &str) -> Option<&'k str> {
        let version = without_epoch(version);
        let plain = version.rsplit_once('-').map(|(plain, _)| plain);
        let mut found = plain.into_iter().chain([version]).map(|version| spelled(&format!("{name}-{version}")));
        found.find_map(|stem| self.0.get(&stem).copied())
    }
}

/// `1.0-rc-1` is `1.0~rc.1` elsewhere.
fn spelled(text: &str) -> String {
    text.chars().map(|c| if "-~^".contains(c) { '.' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::build::environment::Variables;
    use crate::publish::landing::Shelf;
    use crate::store::{self, Address, Written};
    use crate::template::Templates;

    #[test]
    fn a_package_has_the_record_of_its_version() {
        let keys = ["releases/a-b-1.0.0-rc.1+x.json", "releases/a-b-1.0.0.json", "other"].map(str::to_owned);
        let keys = Keys::of(keys.iter());
        assert_eq!(keys.get("a-b", "1:1.0.0~rc.1+x-2"), Some("releases/a-b-1.0.0-rc.1+x.json"));
        assert_eq!(keys.get("a-b", "1.0.0-1"), Some("releases/a-b-1.0.0.json"));
        assert_eq!(keys.get("a-b", "1.0.0"), Some("releases/a-b-1.0.0.json"));
        assert_eq!(keys.get("a-b", "1.0.1-1"), None);
        assert_eq!(keys.get("b", "1.0.0-1"), None);
    }

    fn record(version: &str) -> Record {
        let made = Made {
            name: "hello".into(),
            version: version.into(),
            environment: None,
            clock: i64::MAX,
            revision: Some("--output=x".into()),
            artifacts: Vec::new(),
        };
        Record::of(&made, Path::new("/nowhere"))
    }

    fn draft(place: &dyn Place, version: &str) -> Vec<Put> {
        let front = Front {
            url: "https://example.org".into(),
            templates: Templates::default(),
            beside: Vec::new(),
            record: Some(Arc::new(record(version))),
            replace: false,
        };
        let shelf = Shelf {
            title: "Example",
            description: "Of a test",
            url: "https://example.org",
            setups: Vec::new(),
            packages: Vec::new(),
            key_file: "example.asc".into(),
            files: Vec::new(),
            time: 1_700_000_000,
        };
        shelf.puts(place, &front, None).unwrap().into_iter().flatten().collect()
    }

    fn put(place: &dyn Place, puts: &[Put]) -> Vec<String> {
        let put = |put: &&Put| {
            let when = put.when.clone().unwrap_or(When::Always);
            place.put(&put.key, &put.body, &put.kind, &when).unwrap() == Written::Lost
        };
        puts.iter().filter(put).map(|put| put.key.clone()).collect()
    }

    #[test]
    fn of_two_publishers_at_once_one_makes_its_list_anew() {
        let folder = tempfile::tempdir().unwrap();
        let address = Address::parse(&format!("file:{}", folder.path().display())).unwrap();
        let place = store::open(&address, &Variables::default()).unwrap();
        let (one, other) = (draft(&*place, "1.0"), draft(&*place, "2.0"));
        assert_eq!(put(&*place, &one), [""; 0]);
        assert_eq!(put(&*place, &other), ["SHA256SUMS.asc"]);
        assert_eq!(put(&*place, &draft(&*place, "2.0")), [""; 0]);
        let sums = fs_err::read_to_string(folder.path().join("SHA256SUMS.asc")).unwrap();
        let listed: Vec<&str> =
            sums.lines().filter_map(|line| line.split_once("  releases/")).map(|(_, key)| key).collect();
        assert_eq!(listed, ["hello-1.0.json", "hello-2.0.json"]);
        assert!(draft(&*place, "1.0").is_empty() && draft(&*place, "2.0").is_empty());
        // What lies over the page of the list is set right.
        fs_err::write(folder.path().join("index.html"), "of another").unwrap();
        let keys: Vec<String> = draft(&*place, "1.0").into_iter().map(|put| put.key).collect();
        assert_eq!(keys, ["index.html"]);
    }

    #[test]
    fn bases_are_read_from_any_text() {
        let text = "[[image]]\nname = \"a\"\ndigest = \"sha256:1\"\n[[image]]\nname = 1\n";
        let names = |text: &str| bases(text).into_iter().map(|base| base.name + " " + &base.digest).collect::<Vec<_>>();
        assert_eq!(names(text), ["a sha256:1"]);
        assert_eq!(names("[[image"), [""; 0]);
        assert_eq!(names("image = 1"), [""; 0]);
    }
}
