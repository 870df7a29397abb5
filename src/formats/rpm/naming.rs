//! How rpm spells name, version, release, architecture and file name.
//!
//! Enters: the identity and target of a Plan. Leaves: a [`Name`], or every reason why rpm cannot carry it. Not here: the
//! words of relations.
//!
//! Sources: rpm's `build/parsePreamble.c` for the characters, rpm-version(7) for the order, `rpmrc` for architectures.

use crate::assemble::plan::{Arch, Plan, Target, Version};
use crate::config::suggest;
use crate::diagnostic::codes::{RPM_DISTRIBUTION, RPM_NAME, RPM_RELEASE, RPM_VERSION};
use crate::diagnostic::{Diagnostic, Findings};

/// Name, epoch, version, release and architecture in rpm's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// Package name.
    pub name: String,
    /// Epoch, if there is one.
    pub epoch: Option<u32>,
    /// Version without epoch and release.
    pub version: String,
    /// Release with the distribution's suffix.
    pub release: String,
    /// What rpm knows of the architecture.
    pub arch: &'static ArchWords,
}

impl Name {
    /// `[epoch:]version-release`, as relations have it.
    pub fn evr(&self) -> String {
        let epoch = self.epoch.map(|e| format!("{e}:")).unwrap_or_default();
        format!("{epoch}{}-{}", self.version, self.release)
    }

    /// `name-version-release.arch.rpm`: the epoch is not in it.
    pub fn file_name(&self) -> String {
        format!("{}-{}-{}.{}.rpm", self.name, self.version, self.release, self.arch.name)
    }

    /// The name of the source package that there is none of. rpm takes a package that names none for a source package.
    pub fn source(&self) -> String {
        format!("{}-{}-{}.src.rpm", self.name, self.version, self.release)
    }
}

/// What rpm knows of an architecture.
#[derive(Debug, PartialEq, Eq)]
pub struct ArchWords {
    /// In headers and file names.
    pub name: &'static str,
    /// In `name(isa)` provides; none for `noarch`.
    pub isa: Option<&'static str>,
    /// In the lead (`arch_canon` of `rpmrc`).
    pub number: u16,
}

/// The words of a target: `noarch` if there is no machine code in the package.
pub fn arch(target: &Target) -> &'static ArchWords {
    const fn words(name: &'static str, isa: &'static str, number: u16) -> ArchWords {
        ArchWords { name, isa: Some(isa), number }
    }
    const NOARCH: ArchWords = ArchWords { name: "noarch", isa: None, number: 0 };
    const X86_64: ArchWords = words("x86_64", "x86-64", 1);
    const AARCH64: ArchWords = words("aarch64", "aarch-64", 19);
    const ARMV7HL: ArchWords = words("armv7hl", "armv7hl-32", 12);
    const ARMV5TEL: ArchWords = words("armv5tel", "armv5tel-32", 12);
    const I686: ArchWords = words("i686", "x86-32", 1);
    const PPC64LE: ArchWords = words("ppc64le", "ppc-64", 16);
    const S390X: ArchWords = words("s390x", "s390-64", 15);
    const RISCV64: ArchWords = words("riscv64", "riscv-64", 22);
    const LOONGARCH64: ArchWords = words("loongarch64", "loongarch64-64", 23);
    const MIPS64EL: ArchWords = words("mips64el", "mips-64", 11);
    if target.independent {
        return &NOARCH;
    }
    match target.arch {
        Arch::Amd64 => &X86_64,
        Arch::Arm64 => &AARCH64,
        Arch::Arm7 => &ARMV7HL,
        Arch::Arm5 => &ARMV5TEL,
        Arch::I386 => &I686,
        Arch::Ppc64le => &PPC64LE,
        Arch::S390x => &S390X,
        Arch::Riscv64 => &RISCV64,
        Arch::Loong64 => &LOONGARCH64,
        Arch::Mips64le => &MIPS64EL,
    }
}

/// Spells a plan's identity.
///
/// # Errors
/// All that rpm cannot carry.
pub fn name(plan: &Plan) -> Result<Name, Findings> {
    let identity = &plan.identity;
    let mut findings = Findings::new();
    if let Err(why) = check_name(&identity.name) {
        findings.push(
            Diagnostic::error(RPM_NAME, format!("rpm does not take `{}` as a package name: {why}", *identity.name))
                .at_origin(&identity.name.origin, "this name")
                .help("use letters, digits and `+`, `-`, `.`, `_`, with a letter, a digit or `_` first"),
        );
    }
    let version = spell_version(&identity.version);
    if let Err(why) = check_version(&version) {
        findings.push(
            Diagnostic::error(RPM_VERSION, format!("rpm does not take `{}` as a version: {why}", *identity.version))
                .at_origin(&identity.version.origin, "this version")
                .help("use letters, digits and `.`, `_`, `+`, `~`, `^`, with a letter or a digit first"),
        );
    }
    let release = release(plan, &mut findings);
    if findings.is_empty() {
        let (name, epoch) = (identity.name.value.clone(), identity.epoch);
        Ok(Name { name, epoch, version, release, arch: arch(&plan.target) })
    } else {
        Err(findings)
    }
}

fn release(plan: &Plan, findings: &mut Findings) -> String {
    let mut release = plan.identity.release.as_ref().map_or_else(|| "1".to_owned(), |r| r.value.clone());
    if let Err(why) = check_version(&release) {
        let mut finding = Diagnostic::error(RPM_RELEASE, format!("rpm does not take `{release}` as a release: {why}"))
            .help("use a number, or a number and a word: `1`, `2.hotfix`");
        if let Some(fact) = &plan.identity.release {
            finding = finding.at_origin(&fact.origin, "this release");
        }
        findings.push(finding);
    }
    if let Some(distribution) = &plan.rpm.distribution {
        match dist_suffix(distribution) {
            Some(suffix) if !release.ends_with(&suffix) => release.push_str(&suffix),
            Some(_) => {}
            None => findings.push(
                Diagnostic::error(RPM_DISTRIBUTION, format!("`{}` is no distribution of rpm", **distribution))
                    .at_origin(&distribution.origin, "this distribution")
                    .help(distribution_help(distribution)),
            ),
        }
    }
    release
}

/// The families, and other names of them.
const FAMILIES: &[(&str, &[&str])] = &[
    ("el", &["rhel", "redhat", "centos", "rocky", "alma", "almalinux", "oracle", "epel"]),
    ("fedora", &["fc"]),
    ("amazon", &["amzn", "al"]),
    ("opensuse", &["leap", "suse"]),
    ("sles", &["sle"]),
];

/// What was probably meant, else what there is.
fn distribution_help(typed: &str) -> String {
    let (family, version) = typed.split_once('-').unwrap_or((typed, ""));
    let other = FAMILIES.iter().find(|(_, others)| others.contains(&family)).map(|(name, _)| *name);
    let meant = other.or_else(|| suggest::nearest(family, FAMILIES.iter().map(|(name, _)| *name)));
    match meant.map(|family| format!("{family}-{version}")).filter(|meant| dist_suffix(meant).is_some()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => "write one such as `el-9`, `fedora-43`, `amazon-2023`, `opensuse-15.6`, `sles-15`".to_owned(),
    }
}

/// `%{dist}` of a distribution: `.el9`, `.fc43`, `.amzn2023`; nothing for those that have none.
fn dist_suffix(distribution: &str) -> Option<String> {
    let (family, version) = distribution.split_once('-')?;
    let is_count =
        |part: &str, digits: usize| (1..=digits).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    let whole = |digits: usize| is_count(version, digits) && !version.starts_with('0');
    let (major, minor) = version.split_once('.').unwrap_or((version, "0"));
    let number = is_count(major, 2) && !major.starts_with('0') && is_count(minor, 2);
    match family {
        // The major version only: el-9.4 and el-9 are one to the packages.
        "el" if number => Some(format!(".el{major}")),
        "fedora" if whole(3) => Some(format!(".fc{version}")),
        "amazon" if whole(4) => Some(format!(".amzn{version}")),
        "opensuse" if number || version == "tumbleweed" => Some(String::new()),
        "sles" if number => Some(String::new()),
        _ => None,
    }
}

pub(super) fn check_name(name: &str) -> Result<(), String> {
    first_character(name, |c| c.is_ascii_alphanumeric() || c == '_')?;
    all_characters(name, |c| c.is_ascii_alphanumeric() || "+-._".contains(c))
}

/// Checks a version or release: rpm takes the same characters for both.
pub(super) fn check_version(version: &str) -> Result<(), String> {
    first_character(version, |c| c.is_ascii_alphanumeric())?;
    all_characters(version, |c| c.is_ascii_alphanumeric() || "._+~^".contains(c))?;
    if version.contains("..") {
        return Err("it has `..`".into());
    }
    Ok(())
}

fn first_character(text: &str, fits: impl Fn(char) -> bool) -> Result<(), String> {
    match text.chars().next() {
        None => Err("it is empty".into()),
        Some(c) if !fits(c) => Err(format!("it begins with {c:?}")),
        Some(_) => Ok(()),
    }
}

fn all_characters(text: &str, fits: impl Fn(char) -> bool) -> Result<(), String> {
    text.chars().find(|c| !fits(*c)).map_or(Ok(()), |c| Err(format!("it has {c:?}")))
}

/// Version in rpm's words: [`Version::with_tilde`].
///
/// rpm orders what this gives as `SemVer` does, with four exceptions: numbers come after words at the same place of a
/// prerelease (`SemVer`: before); a word with digits is taken apart (`rc10` after `rc9`, where `SemVer` compares
/// letters); a hyphen within an identifier takes it apart; and the build, which `SemVer` ignores, counts.
pub(super) fn spell_version(version: &Version) -> String {
    version.with_tilde()
}
