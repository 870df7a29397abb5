//! A root that lies there: whose it is, and whether what follows it is there.
//!
//! Enters: a suite. Leaves: a refusal to go on from what others have signed, and what a publisher that was killed did not put.

use super::release::Listed;
use super::{Apt, Suite, indexes};
use crate::diagnostic::{Diagnostic, codes};
use crate::publish::draft::Put;
use crate::publish::stored;
use crate::sign;
use crate::store::{Body, Object, Place};

impl Apt {
    /// Whether what follows a root is there: `Release` and its signature come last.
    pub(super) fn is_followed(&self, suite: &Suite<'_>, root: &Object) -> Result<bool, Diagnostic> {
        let Some(signer) = &self.signer else { return Ok(true) };
        let text = sign::clear_text(&root.bytes).unwrap_or_default();
        let [release, signature] = ["Release", "Release.gpg"].map(|name| format!("{}/{name}", suite.folder()));
        let release = self.place.get(&release)?;
        Ok(release.is_some_and(|release| release.bytes == text.as_bytes())
            && stored::is_signed(&*self.place, &signature, text.as_bytes(), signer, (self.now)())?)
    }

    /// Whether the suite is one that our keys have signed: what else its root says would be signed anew.
    pub(super) fn check_root(&self, suite: &Suite<'_>) -> Result<(), Diagnostic> {
        let (Some(signer), Some(root), false) = (&self.signer, &suite.was.0, self.replace) else { return Ok(()) };
        let certificates = sign::read_certificates("[sign]", &signer.certificates()?)?;
        // A key may have ended since.
        let time = suite.release.date().unwrap_or_default().min((self.now)());
        let held = sign::verify_clear(&certificates, &root.bytes, time);
        held.map(drop).map_err(|error| not_ours(&*self.place, &self.root_key(), &error.to_string()))
    }

    /// Names whose bytes are others than the root says, or are not there; of those that are meant.
    pub(super) fn names_of(
        &self,
        suite: &Suite<'_>,
        meant: impl Fn(&str, &Listed) -> bool,
    ) -> Result<Vec<Put>, Diagnostic> {
        let mut puts = Vec::new();
        for (path, listed) in suite.release.files.iter().filter(|(path, listed)| meant(path, listed)) {
            let key = format!("{}/{path}", suite.folder());
            if stored::compare(&*self.place, &key, listed.size, &listed.sha256)?.is_same() {
                continue;
            }
            if let Some(object) = self.place.get(&suite.by_hash(path, &listed.sha256))? {
                puts.push(indexes::named(key, Body::Bytes(object.bytes.into())));
            }
        }
        Ok(puts)
    }
}

/// What lies there was signed by others, and we are to sign what it says.
pub(in crate::publish) fn not_ours(place: &dyn Place, key: &str, why: &str) -> Diagnostic {
    let message = format!("the repository in `{}` is not signed by a key of `[sign]`: `{key}`", place.name());
    Diagnostic::error(codes::PUBLISH_NOT_OURS, message)
        .note(why)
        .note("what somebody else put there would be signed with it")
        .help("look at it with `fitout repo verify`; `--replace` takes it as it is")
}
