//! Artifacts as files in a folder of a store, with a list of their digests: downloads, and what goes on from there.
//!
//! Enters: artifacts and their record. Leaves: a [`Draft`]: the files, then `SHA256SUMS`, which is replaced only if nobody else did meanwhile, then its
//! signature. Publishers of several targets fill one folder at once.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use super::destination::{Destination, Work};
use super::draft::{Draft, Put, Root, Was, What};
use super::parcel::Parcel;
use super::record::Record;
use super::{apt, stored};
use crate::diagnostic::{Diagnostic, Findings};
use crate::sign::Signer;
use crate::store::{Body, Kind, Object, Place, media_type};

const SUMS: &str = "SHA256SUMS";
const SIGNATURE: &str = "SHA256SUMS.asc";
const TEXT: Kind = Kind { content_type: "text/plain; charset=utf-8", immutable: false, sha256: None };

/// A folder of a store.
pub struct Files {
    /// Where it lies.
    pub place: Box<dyn Place>,
    /// Formats that go there; all if empty.
    pub formats: Vec<String>,
    /// What is in the release, if it goes there.
    pub record: Option<Arc<Record>>,
    /// Whether a file may be replaced.
    pub replace: bool,
    /// Who signs the list of digests, if anybody does.
    pub signer: Option<Arc<Signer>>,
    /// Time of day, seconds since 1970.
    pub now: fn() -> i64,
}

/// `sha256sum`'s lines: digest by name.
fn read(text: &str) -> BTreeMap<String, String> {
    let line = |line: &str| line.split_once("  ").map(|(sha256, name)| (name.to_owned(), sha256.to_owned()));
    text.lines().filter_map(line).collect()
}

impl Files {
    fn put(&self, parcel: &Parcel) -> Put {
        let artifact = &parcel.artifact;
        let sha256 = Some(artifact.sha256.clone());
        Put {
            key: artifact.file.clone(),
            body: Body::File { path: parcel.path.clone(), size: artifact.size },
            kind: Kind { content_type: media_type(&artifact.file), immutable: !self.replace, sha256 },
            what: What::Artifact,
            when: None,
        }
    }

    fn signature(&self, sums: &[u8]) -> Result<Vec<Vec<Put>>, Diagnostic> {
        let Some(signer) = &self.signer else { return Ok(Vec::new()) };
        let bytes = signer.sign_detached(sums, (self.now)())?;
        let body = Body::Bytes(bytes.into());
        Ok(vec![vec![Put { key: SIGNATURE.to_owned(), body, kind: TEXT, what: What::Signature, when: None }]])
    }
}

impl Destination for Files {
    fn name(&self) -> String {
        format!("files {}", self.place.name())
    }

    fn place(&self) -> &dyn Place {
        &*self.place
    }

    fn into_place(self: Box<Self>) -> Box<dyn Place> {
        self.place
    }

    fn format(&self) -> &'static str {
        "files"
    }

    fn formats(&self) -> Option<&[String]> {
        Some(&self.formats)
    }

    fn draft(&self, work: &Work<'_>) -> Result<Draft, Findings> {
        let Work::Publish(parcels) = *work else { return Ok(Draft::default()) };
        let one = |finding: Diagnostic| vec![finding];
        let was = Was(self.place.get(SUMS).map_err(|error| vec![error.into()])?);
        let mut sums = read(was.text().unwrap_or_default());
        let (mut draft, mut puts, mut findings) = (Draft::default(), Vec::new(), Findings::new());
        for parcel in parcels {
            let artifact = &parcel.artifact;
            let found = stored::compare(&*self.place, &artifact.file, artifact.size, &artifact.sha256).map_err(one)?;
            match found {
                stored::Found::Other if parcel.unsigned && !self.replace => draft.same.push(artifact.file.clone()),
                stored::Found::Same(_) => draft.same.push(artifact.file.clone()),
                stored::Found::Other if !self.replace => {
                    findings.push(apt::other_bytes(&artifact.file, &self.place.name()));
                }
                stored::Found::Other | stored::Found::Absent => puts.push(self.put(parcel)),
            }
            sums.insert(artifact.file.clone(), artifact.sha256.clone());
        }
        if !findings.is_empty() {
            return Err(findings);
        }
        if let Some(record) = &self.record {
            let (sha256, put) =
                record.put((&*self.place, sums.get(&record.file())), &record.file(), self.replace).map_err(one)?;
            sums.insert(record.file(), sha256);
            puts.extend(put);
        }
        let mut text = String::new();
        for (name, sha256) in &sums {
            let _ = writeln!(text, "{sha256}  {name}");
        }
        if puts.is_empty() && was.text() == Some(&text) {
            // Who put it may have been killed before its signature.
            if let Some(signer) = &self.signer
                && !stored::is_signed(&*self.place, SIGNATURE, text.as_bytes(), signer, (self.now)()).map_err(one)?
            {
                draft.after = self.signature(text.as_bytes()).map_err(one)?;
            }
            return Ok(draft);
        }
        draft.after = self.signature(text.as_bytes()).map_err(one)?;
        draft.root = Some(Root {
            put: Put {
                key: SUMS.to_owned(),
                body: Body::Bytes(text.into_bytes().into()),
                kind: TEXT,
                what: What::Root,
                when: None,
            },
            was: was.tag(),
            modified: None,
        });
        draft.before = vec![puts];
        Ok(draft)
    }

    fn settle(&self, root: &Object) -> Result<Vec<Vec<Put>>, Findings> {
        self.signature(&root.bytes).map_err(|finding| vec![finding])
    }
}
