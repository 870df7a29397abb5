//! How Debian spells name, version, architecture and file name (deb-control(5), deb-version(7)).

use std::fmt;

use crate::assemble::plan::{Arch, Fact, Identity, Plan, Target};
use crate::diagnostic::{Diagnostic, Findings, codes};
use crate::formats::FileName;

/// Whether this is a legal package name: `[a-z0-9][a-z0-9+.-]+`.
pub fn is_name(name: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"+-.".contains(&b);
    name.len() >= 2 && name.bytes().all(inner) && name.as_bytes()[0].is_ascii_alphanumeric()
}

/// Checks a package name; `what` is the word for it in the message.
pub(super) fn check_name(name: &Fact<String>, what: &str, findings: &mut Findings) {
    if is_name(name) {
        return;
    }
    let mut finding =
        Diagnostic::error(codes::DEB_NAME, format!("`{}` is no legal Debian {what}", name.escape_debug()))
            .at_origin(&name.origin, "lower-case letters, digits, `+`, `-`, `.`; at least two");
    let nearest = nearest_name(name);
    if is_name(&nearest) {
        finding = finding.help(format!("call it `{nearest}`"));
    } else {
        finding = finding.help("begin with a letter or digit, and use at least two characters");
    }
    findings.push(finding);
}

fn nearest_name(name: &str) -> String {
    let mapped: String = name
        .chars()
        .map(|c| c.to_ascii_lowercase())
        .map(|c| if c.is_ascii_alphanumeric() || "+-.".contains(c) { c } else { '-' })
        .collect();
    mapped.trim_matches(['-', '.', '+']).to_owned()
}

/// A version in Debian's spelling: `[epoch:]upstream[-revision]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Raises the order above every version without one.
    pub epoch: Option<u32>,
    /// Upstream version and Debian revision; file names have this part only.
    pub plain: String,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.epoch {
            Some(epoch) => write!(f, "{epoch}:{}", self.plain),
            None => f.write_str(&self.plain),
        }
    }
}

/// The Debian spelling: [`with_tilde`](crate::assemble::plan::Version::with_tilde), and the revision.
///
/// dpkg orders the result as `SemVer` orders its precedence, as long as the identifiers of the prereleases that are
/// compared are each all digits or all letters, and no word begins with another one at the same place unless they are
/// equal or the shorter one ends its version. What is beyond: `rc10` sorts after `rc9` (`SemVer` says before), `pre.1`
/// after `preview.1` (dpkg sorts letters before dots), and `rc-1` is the same as `rc.1`.
pub fn version(identity: &Identity) -> Result<Version, Findings> {
    let mut findings = Findings::new();
    let typed = &identity.version;
    let mut plain = typed.with_tilde();
    let refuse = |what: String, origin, label: &str| {
        Diagnostic::error(codes::DEB_VERSION, what).at_origin(origin, label.to_owned())
    };
    if let Some(bad) = plain.chars().find(|c| !is_version_char(*c)) {
        let message = format!("`{}` cannot stand in a Debian version", bad.escape_debug());
        findings.push(
            refuse(message, &typed.origin, "letters, digits, `.`, `+`, `~`; `-` begins a prerelease")
                .help(legal_version(&typed.text)),
        );
    } else if !plain.starts_with(|c: char| c.is_ascii_digit()) {
        let message = format!("the Debian version `{plain}` does not begin with a digit");
        findings.push(refuse(message, &typed.origin, "begin with a digit").help(legal_version(&typed.text)));
    }
    if let Some(release) = &identity.release {
        if release.is_empty() || !release.chars().all(is_version_char) {
            let message = format!("`{}` cannot be a Debian revision", release.escape_debug());
            findings.push(
                refuse(message, &release.origin, "letters, digits, `.`, `+`, `~`").help("write `1`, or leave it out"),
            );
        }
        plain.push('-');
        plain.push_str(release);
    }
    if findings.is_empty() { Ok(Version { epoch: identity.epoch, plain }) } else { Err(findings) }
}

/// A version that dpkg takes and that looks like the typed one.
fn legal_version(typed: &str) -> String {
    let legal = |c: char| if is_version_char(c) || c == '-' { c } else { '.' };
    let mapped: String = typed.chars().map(legal).collect();
    let parts: Vec<&str> = mapped.split('.').filter(|part| !part.is_empty()).collect();
    let joined = parts.join(".");
    let begun = joined.trim_start_matches(|c: char| !c.is_ascii_digit());
    match begun.trim_end_matches(|c: char| !c.is_ascii_alphanumeric()) {
        "" => "begin with a digit: `1.0`".to_owned(),
        good => format!("write `{good}`"),
    }
}

fn is_version_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '+' | '~')
}

/// Whether a version in a relation is one that dpkg takes.
pub(super) fn is_version(version: &str) -> bool {
    let (epoch, rest) = version.split_once(':').unwrap_or(("0", version));
    let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, "0"));
    epoch.parse::<u32>().is_ok()
        && upstream.starts_with(|c: char| c.is_ascii_digit())
        && upstream.chars().all(|c| is_version_char(c) || c == '-' || c == ':')
        && !revision.is_empty()
        && revision.chars().all(is_version_char)
}

/// Debian's word for an architecture.
pub fn arch(arch: Arch) -> &'static str {
    match arch {
        Arch::Amd64 => "amd64",
        Arch::Arm64 => "arm64",
        Arch::Arm7 => "armhf",
        Arch::Arm5 => "armel",
        Arch::I386 => "i386",
        Arch::Ppc64le => "ppc64el",
        Arch::S390x => "s390x",
        Arch::Riscv64 => "riscv64",
        Arch::Loong64 => "loong64",
        Arch::Mips64le => "mips64el",
    }
}

/// The Architecture field: `all` for a tree without ELF files.
pub fn architecture(target: &Target) -> &'static str {
    if target.independent { "all" } else { arch(target.arch) }
}

/// `name_version_arch.deb`; the version has no epoch there.
pub(super) fn file_name(plan: &Plan) -> Result<FileName, Findings> {
    let mut findings = Findings::new();
    check_name(&plan.identity.name, "package name", &mut findings);
    match version(&plan.identity) {
        Ok(version) if findings.is_empty() => {
            let arch = architecture(&plan.target);
            Ok(FileName {
                name: format!("{}_{}_{arch}.deb", *plan.identity.name, version.plain),
                arch: arch.to_owned(),
                version: version.to_string(),
            })
        }
        Ok(_) => Err(findings),
        Err(more) => {
            findings.extend(more);
            Err(findings)
        }
    }
}
