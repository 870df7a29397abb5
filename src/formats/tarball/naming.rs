//! `name-version-os-arch`: file name of the archive and folder inside it, of tarball and zip alike.

use crate::assemble::plan::{Compression, Plan, Target};
use crate::diagnostic::{Diagnostic, Findings, Origin, codes};
use crate::formats::FileName;

/// The folder inside the archive.
pub fn folder(plan: &Plan) -> Result<String, Findings> {
    Ok(format!("{}-{}-{}", release(plan)?, plan.target.os, arch(&plan.target)))
}

/// `name-version`: what begins the names of all archives, and the folder inside a source archive.
pub fn release(plan: &Plan) -> Result<String, Findings> {
    let mut findings = Findings::new();
    let identity = &plan.identity;
    check("name", &identity.name, &identity.name.origin, &mut findings);
    check("version", &identity.version.text, &identity.version.origin, &mut findings);
    if !findings.is_empty() {
        return Err(findings);
    }
    Ok(format!("{}-{}", *identity.name, identity.version.text))
}

/// Go's name without the slash of a variant: `armv7`.
pub fn arch(target: &Target) -> String {
    target.arch.go().replace("/v", "v")
}

/// Endings by compression.
pub fn suffix(compression: Compression) -> &'static str {
    match compression {
        Compression::None => ".tar",
        Compression::Gzip(_) => ".tar.gz",
        Compression::Xz(_) => ".tar.xz",
        Compression::Zstd(_) => ".tar.zst",
    }
}

pub(super) fn file_name(plan: &Plan) -> Result<FileName, Findings> {
    Ok(FileName {
        name: format!("{}{}", folder(plan)?, suffix(*plan.tarball.compression)),
        arch: arch(&plan.target),
        version: plan.identity.version.text.clone(),
    })
}

fn check(what: &str, text: &str, origin: &Origin, findings: &mut Findings) {
    let legal = |c: char| c.is_ascii_alphanumeric() || "._+~-".contains(c);
    if text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(legal) {
        return;
    }
    let bad = text.chars().find(|c| !legal(*c)).or_else(|| text.chars().next());
    let message = match bad {
        Some(bad) => format!("the {what} `{}` cannot be in a file name: `{}`", text.escape_debug(), bad.escape_debug()),
        None => format!("the {what} is empty"),
    };
    findings.push(
        Diagnostic::error(codes::TARBALL_NAME, message)
            .at_origin(origin, "")
            .help("use letters, digits, `.`, `_`, `+`, `~` and `-`, a letter or digit first"),
    );
}

/// Name, version, os and arch of a folder that looks like ours.
pub fn take_apart(folder: &str) -> Option<(&str, &str, &str)> {
    let (rest, arch) = folder.rsplit_once("-linux-")?;
    if arch.is_empty() || arch.contains('-') {
        return None;
    }
    let digit = |(at, _): &(usize, &str)| rest[at + 1..].starts_with(|c: char| c.is_ascii_digit());
    let (at, _) = rest.match_indices('-').find(digit)?;
    (at > 0).then(|| (&rest[..at], &rest[at + 1..], arch))
}
