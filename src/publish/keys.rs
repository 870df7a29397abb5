//! Who signs what is published.
//!
//! Enters: `[sign]`, and for what keys are wanted. Leaves: keys that sign together, with findings that stop nothing.

use std::sync::Arc;

use super::Signers;
use super::destinations::Ground;
use crate::config::schema::Manifest;
use crate::diagnostic::{Diagnostic, Findings, codes};
use crate::sign::{self, Signer};
use crate::store::now;

/// For what keys are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keys {
    /// Something is sent.
    Needed,
    /// It is told what would be sent: what depends on a signature is known only where the keys are.
    IfThere,
    /// Nothing is signed.
    Unused,
}

/// The keys, if any destination needs them.
///
/// # Errors
/// They are needed, and one of them is not there or cannot sign.
pub(super) fn signer(manifest: &Manifest, ground: &Ground<'_>) -> Result<(Option<Signers>, Findings), Findings> {
    let publish = &manifest.publish;
    let optional = publish.apt.is_empty() && publish.yum.is_empty() && manifest.sign.keys.is_empty();
    if ground.keys == Keys::Unused || optional {
        return Ok((None, Findings::new()));
    }
    let opened = sign::open(
        &manifest.sign,
        sign::Ground {
            source: ground.document.source(),
            folder: ground.project,
            variables: &ground.request.variables,
            now: now::now(),
        },
    );
    let shared = |(signer, warnings)| (Some(Arc::new(signer)), warnings);
    if ground.keys == Keys::Needed {
        return opened.map(shared);
    }
    // One outside of fitout is known to sign when it has signed.
    let tried = opened.and_then(|(signer, warnings)| match try_out(&signer) {
        Ok(()) => Ok((signer, warnings)),
        Err(finding) => Err(vec![finding]),
    });
    Ok(tried.map_or_else(|findings| (None, vec![without(&findings)]), shared))
}

fn try_out(signer: &Signer) -> Result<(), Diagnostic> {
    Ok(signer.sign_detached(b"", now::now()).map(drop)?)
}

/// What is told of a dry run without keys.
fn without(findings: &[Diagnostic]) -> Diagnostic {
    let message = "this list is not whole: what is signed is only known where the keys are";
    let finding = Diagnostic::warning(codes::PUBLISH_UNSIGNED, message)
        .note("not in it are public keys and packages with them, and signatures have no bytes")
        .note("signed copies of packages, and lists that name them, would have other digests and sizes")
        .note("where a signed package is there already, it is not known whether this one is the same");
    let why = findings.iter().map(|finding| finding.message.clone());
    why.fold(finding, Diagnostic::note).help("a run with the keys of `[sign]` at hand lists every put")
}
