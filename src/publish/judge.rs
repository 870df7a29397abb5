//! What every judgement of a repository does: it looks at an object, and notes what is wrong with it.
//!
//! Enters: a place. Leaves: a [`Checked`]. Not here: what an apt or a yum repository should be.

use std::collections::BTreeSet;

use crate::diagnostic::{Code, Diagnostic, Findings, codes};
use crate::sign::{self, Certificate};
use crate::store::{Place, StoreError};

/// What was looked at in a part of a repository, and what is wrong with it.
#[derive(Debug, Default)]
pub struct Checked {
    /// Keys.
    pub seen: BTreeSet<String>,
    /// What is wrong.
    pub findings: Findings,
    /// Packages in the lists.
    pub packages: usize,
}

/// By which public keys signatures are judged, and when: seconds since 1970. Without keys none is looked at.
#[derive(Clone, Copy)]
pub struct By<'a> {
    /// The keys.
    pub certificates: Option<&'a [Certificate]>,
    /// The time.
    pub now: i64,
}

/// Looks at objects of a place.
pub(super) struct Judge<'a> {
    pub(super) place: &'a dyn Place,
    pub(super) checked: Checked,
}

/// That an object is wrong.
pub(super) fn wrong(code: Code, key: &str, why: &str) -> Diagnostic {
    let message = if key.is_empty() { why.to_owned() } else { format!("`{key}`: {why}") };
    Diagnostic::error(code, message)
}

impl<'a> Judge<'a> {
    pub(super) fn new(place: &'a dyn Place) -> Self {
        Self { place, checked: Checked::default() }
    }

    pub(super) fn wrong(&mut self, code: Code, key: &str, why: &str) {
        self.checked.findings.push(wrong(code, key, why));
    }

    pub(super) fn get(&mut self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.checked.seen.insert(key.to_owned());
        Ok(self.place.get(key)?.map(|object| object.bytes))
    }

    /// A text that is signed within its own file.
    pub(super) fn clear(&mut self, key: &str, framed: &[u8], by: By<'_>) {
        let Some(certificates) = by.certificates else { return };
        let held = sign::verify_clear(certificates, framed, by.now).map(drop);
        self.signature(key, held, || sign::is_canonical_clear(framed));
    }

    /// The signature of `signed`, in a file of its own.
    pub(super) fn detached(&mut self, key: &str, signature: Option<&[u8]>, signed: &[u8], by: By<'_>) {
        let Some(certificates) = by.certificates else { return };
        let Some(signature) = signature else {
            self.wrong(codes::REPO_MISSING, key, "it is not there");
            return;
        };
        let held = sign::verify_detached(certificates, signature, signed, by.now).map(drop);
        self.signature(key, held, || sign::is_canonical_armor(signature));
    }

    fn signature(&mut self, key: &str, held: Result<(), sign::SignError>, as_written: impl FnOnce() -> bool) {
        if let Err(error) = held {
            self.wrong(codes::REPO_SIGNATURE, key, &error.to_string());
        } else if !as_written() {
            self.wrong(codes::REPO_CHANGED, key, "its frame is not as it was written");
        }
    }
}
