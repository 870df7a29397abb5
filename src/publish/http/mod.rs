//! Servers that take files by HTTP: `[[publish.http]]`.
//!
//! Enters: artifacts, and requests by template, the user's own or those of a preset. Leaves: a [`Draft`]: requests before all artifacts, one
//! for each artifact that is not there, requests behind all of them. Products are tables of `presets/`, not code.

mod answer;
mod check;
mod config;
mod courier;
mod fill;
mod preset;
mod request;

use std::collections::BTreeSet;

pub(super) use config::open;
pub use preset::{PRESETS, as_table};

use super::at_once;
use super::destination::{Destination, Work};
use super::draft::{Draft, Put, What};
use super::parcel::Parcel;
use super::{apt, facts};
use crate::config::schema::{HttpMethod, HttpStep, Text};
use crate::diagnostic::{Diagnostic, Findings, codes};
use crate::resolve::holes::Holes;
use crate::store::{Body, Kind, Object, Place, Refusal, StoreError, Trouble};
use courier::{Courier, Job, There, word};

/// A server.
pub struct Http {
    courier: Courier,
    /// Formats that go there; all if empty.
    formats: Vec<String>,
    /// Whether artifacts are read for digests that the list of artifacts lacks.
    digests: bool,
}

impl Http {
    fn publish(&self, parcels: &[&Parcel]) -> Result<Draft, Findings> {
        let one = |error: StoreError| vec![Diagnostic::from(error)];
        let mut draft = Draft::default();
        if parcels.is_empty() {
            return Ok(draft);
        }
        let pending = self.before(&mut draft).map_err(one)?;
        let looked = at_once(self.courier.at_once(), parcels, |parcel| self.look(parcel));
        let (mut puts, mut findings) = (Vec::new(), Findings::new());
        for (parcel, looked) in parcels.iter().zip(looked) {
            let (holes, there) = match looked {
                Ok(looked) => looked,
                Err(error) => {
                    findings.push(error.into());
                    continue;
                }
            };
            let artifact = &parcel.artifact;
            match there {
                There::Other(_) if parcel.unsigned && !self.courier.replace => draft.same.push(artifact.file.clone()),
                There::Other(_) if !self.courier.replace => {
                    findings.push(apt::other_bytes(&artifact.file, &self.courier.name));
                }
                There::Same => draft.same.push(artifact.file.clone()),
                There::Unproven(_) if !self.courier.replace => {
                    self.courier.note_unproven(&holes);
                    draft.same.push(artifact.file.clone());
                }
                There::No => puts.push(self.put(parcel, holes, None)),
                There::Unproven(element) | There::Other(element) | There::Partial(element) => {
                    puts.push(self.put(parcel, holes, Some(element)));
                }
            }
        }
        if !findings.is_empty() {
            // One wrong token is told once.
            findings.dedup();
            return Err(findings);
        }
        let sends = !puts.is_empty();
        if !sends {
            // What is made for artifacts is not made without.
            draft.before.clear();
        }
        draft.before.push(puts);
        self.after(&mut draft, sends, &pending).map_err(one)?;
        Ok(draft)
    }

    /// Requests before all artifacts: those that find what they would make are done. Names of holes that are filled later.
    fn before(&self, draft: &mut Draft) -> Result<BTreeSet<String>, StoreError> {
        {
            let mut state = self.courier.state();
            state.taken.clear();
            state.jobs.clear();
        }
        let mut pending = BTreeSet::new();
        for step in self.courier.table.before.iter().flatten() {
            let step = &step.value;
            let holes = self.courier.holes(&Holes::new());
            let finds = step.find.is_some() && !step.when.keys().any(|name| pending.contains(name));
            if finds && let Some(found) = self.courier.find(step, &holes)? {
                let taken = self.courier.take(&step.take, &found)?;
                self.courier.state().taken.extend(taken);
            } else if step.url.is_some() {
                pending.extend(step.take.keys().cloned());
                draft.before.push(vec![self.step(step, &holes)]);
            } else if let Some(find) = &step.find {
                let what = fill::shown(&find.value.url, &holes);
                return Err(self.courier.trouble(Refusal::NoRepository, format!("`{what}`")));
            }
        }
        Ok(pending)
    }

    /// Requests behind all artifacts. Where nothing is sent, one may be left over from a run that stopped: `when` and `find` tell.
    fn after(&self, draft: &mut Draft, sends: bool, pending: &BTreeSet<String>) -> Result<(), StoreError> {
        let holes = self.courier.holes(&Holes::new());
        for step in self.courier.table.after.iter().flatten() {
            let step = &step.value;
            let is_so = |(name, value): (&String, &Text)| {
                if pending.contains(name) { sends } else { holes.get(name) == Some(&value.value) }
            };
            let is_so = step.when.iter().all(is_so);
            let wanted = match (&step.find, step.when.is_empty()) {
                (Some(_), _) => is_so && (sends || self.courier.find(step, &holes)?.is_none()),
                (None, true) => sends,
                (None, false) => is_so,
            };
            if wanted {
                let put = self.step(step, &holes);
                draft.after.push(vec![put]);
            }
        }
        Ok(())
    }

    fn look(&self, parcel: &Parcel) -> Result<(Holes, There), StoreError> {
        let facts = facts::of(parcel, self.digests)
            .map_err(|error| StoreError::of(&parcel.artifact.file, Trouble::Failed, &error))?;
        let holes = self.courier.holes(&facts);
        Ok((facts, self.courier.there(&holes)?))
    }

    fn put(&self, parcel: &Parcel, facts: Holes, remove: Option<Holes>) -> Put {
        let artifact = &parcel.artifact;
        let table = &self.courier.table;
        let template = table.url.as_ref().map_or("", |url| url.value.as_str());
        let method = word(table.method.as_ref().map_or(HttpMethod::Put, |method| method.value));
        let shown = fill::shown(template, &self.courier.holes(&facts));
        let file = if shown.split([';', '/']).any(|part| part == artifact.file) {
            String::new()
        } else {
            format!(" {}", artifact.file)
        };
        let key = format!("{method} {shown}{file}");
        let body = Body::File { path: parcel.path.clone(), size: artifact.size };
        let key = self.note(key, Job::Send { holes: facts, body: body.clone(), remove });
        let kind = Kind { content_type: "", immutable: false, sha256: Some(artifact.sha256.clone()) };
        Put { key, body, kind, what: What::Artifact, when: None }
    }

    /// Notes what is to be done under a key, which may get a number.
    fn note(&self, key: String, job: Job) -> String {
        let mut state = self.courier.state();
        let numbered = (2..).map(|number| format!("{key} ({number})"));
        let free = std::iter::once(key.clone()).chain(numbered).find(|key| !state.jobs.contains_key(key));
        let key = free.unwrap_or(key);
        state.jobs.insert(key.clone(), job);
        key
    }

    fn step(&self, step: &HttpStep, holes: &Holes) -> Put {
        let method = word(step.method.as_ref().map_or(HttpMethod::Post, |method| method.value));
        let key = format!("{method} {}", fill::shown(step.url.as_ref().map_or("", |url| url.value.as_str()), holes));
        let key = self.note(key, Job::Step(Box::new(step.clone())));
        let kind = Kind { content_type: "", immutable: false, sha256: None };
        Put { key, body: Body::Bytes([].into()), kind, what: What::Request, when: None }
    }
}

impl Destination for Http {
    fn name(&self) -> String {
        format!("http {}", self.courier.name)
    }

    fn place(&self) -> &dyn Place {
        &self.courier
    }

    fn into_place(self: Box<Self>) -> Box<dyn Place> {
        Box::new(self.courier)
    }

    fn is_repository(&self) -> bool {
        false
    }

    fn format(&self) -> &'static str {
        "http"
    }

    fn formats(&self) -> Option<&[String]> {
        Some(&self.formats)
    }

    fn draft(&self, work: &Work<'_>) -> Result<Draft, Findings> {
        match work {
            Work::Publish(parcels) => self.publish(parcels),
            Work::Retract { .. } | Work::Repair | Work::Move(_) => Ok(Draft::default()),
        }
    }

    fn note(&self, told: &str) -> Diagnostic {
        Diagnostic::warning(codes::HTTP_UNPROVEN, told)
            .note(format!("at `{}`", self.courier.name))
            .help("raise the version if it is another; `bytes` in its `check` would fetch it and compare")
    }

    fn settle(&self, _: &Object) -> Result<Vec<Vec<Put>>, Findings> {
        Ok(Vec::new())
    }
}
