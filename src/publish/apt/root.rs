//! A root that lies there: whose it is, and whether what follows it is there.
//!
//! Enters: a suite. Leaves: a refusal to go on from what others have signed, and what a publisher that was killed did not put.

use sha2::Digest as _;

use super::release::Listed;
use super::{Apt, Suite, indexes};
use crate::codec::hex::hex;
use crate::diagnostic::{Diagnostic, Findings, codes};
use crate::publish::destination::Destination as _;
use crate::publish::draft::{Draft, Put};
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

    /// What can be put back: indexes of which another copy is there or that can be packed again, names, signatures, and the page.
    pub(super) fn repair(&self) -> Result<Draft, Findings> {
        let one = |finding: Diagnostic| vec![finding];
        let suite = Suite::read(&*self.place, &self.settings.suite).map_err(one)?;
        self.check_root(&suite).map_err(one)?;
        let Some(root) = &suite.was.0 else { return Ok(Draft::default()) };
        let mut puts = Vec::new();
        for (path, listed) in &suite.release.files {
            puts.extend(self.restored(&suite, path, listed).map_err(one)?);
        }
        let mut after = vec![puts];
        if after[0].is_empty() {
            after = self.settle(root)?;
        }
        let is_followed = self.is_followed(&suite, root).map_err(one)?;
        let is_pair = |put: &Put| ["/Release", "/Release.gpg"].iter().any(|name| put.key.ends_with(name));
        after.retain(|group| !group.is_empty() && (!is_followed || !group.iter().all(is_pair)));
        Ok(Draft { after, ..Draft::default() })
    }

    /// An index under its digest, and under its name, from what is left of it.
    fn restored(&self, suite: &Suite<'_>, path: &str, listed: &Listed) -> Result<Vec<Put>, Diagnostic> {
        let by_hash = suite.by_hash(path, &listed.sha256);
        if stored::compare(&*self.place, &by_hash, listed.size, &listed.sha256)?.is_same() {
            return Ok(Vec::new());
        }
        let named = format!("{}/{path}", suite.folder());
        // What is inside of a packed one is listed, and need not be there.
        let is_inner = suite.release.files.contains_key(&format!("{path}.gz"));
        if is_inner && self.place.head(&named)?.is_none() && self.place.head(&by_hash)?.is_none() {
            return Ok(Vec::new());
        }
        let is_it = |bytes: &Vec<u8>| hex(&sha2::Sha256::digest(bytes)) == listed.sha256;
        let under_its_name = self.place.get(&named)?.map(|object| object.bytes).filter(is_it);
        let found = match (under_its_name, path.strip_suffix(".gz")) {
            (Some(bytes), _) => Some(bytes),
            // What is inside of it is there, and packs to the same bytes.
            (None, Some(inner)) => suite.whole(inner)?.map(|content| indexes::packed(&content)).filter(is_it),
            (None, None) => suite.index(path).ok().flatten().filter(is_it),
        };
        let Some(bytes) = found else { return Ok(Vec::new()) };
        let body = Body::Bytes(bytes.into());
        Ok(vec![indexes::named(by_hash, body.clone()), indexes::named(named, body)])
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
