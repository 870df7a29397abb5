//! Who and what a package is, and for which machines: facts that every format spells in its own words.

use std::fmt;

use crate::diagnostic::Origin;

/// Who and what the package is; checked by each format's `naming` before a byte is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Package name as typed; each format checks it.
    pub name: Fact<String>,
    /// Version as typed or found, taken apart.
    pub version: Fact<Version>,
    /// Epoch of deb and rpm.
    pub epoch: Option<u32>,
    /// Revision of the packaging.
    pub release: Option<Fact<String>>,
    /// One line.
    pub summary: Fact<String>,
    /// Paragraphs, separated by an empty line, wrapped at 78 columns; may be empty.
    pub description: String,
    /// `Name <mail>`.
    pub maintainer: Fact<String>,
    /// SPDX expression.
    pub license: Fact<String>,
    /// Copyright holders, one line each.
    pub copyright: Vec<String>,
    /// URL.
    pub homepage: Option<Fact<String>>,
    /// URL of the source's repository. That of a clone's remote is not taken: it differs between builders.
    pub repository: Option<Fact<String>>,
    /// Distributor.
    pub vendor: Option<String>,
    /// Full commit id, if the project is under git.
    pub revision: Option<String>,
    /// Packages whose place it takes.
    pub replaces: Vec<Replaced>,
}

/// A name that the package had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replaced {
    /// As typed; each format checks it.
    pub name: Fact<String>,
    /// The first version that is not meant, `[EPOCH:]VERSION`; none means the package's own.
    pub before: Option<String>,
}

/// A value and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact<T> {
    /// The value.
    pub value: T,
    /// Where from.
    pub origin: Origin,
}

impl<T> std::ops::Deref for Fact<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

/// A version, taken apart by the rules of `SemVer` but tolerant of other forms (`2024.01`, `1.2`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// As typed, without a leading `v`.
    pub text: String,
    /// Before the first `-` or `+`.
    pub core: String,
    /// After the first `-`, before the first `+`: `rc.1`.
    pub prerelease: Option<String>,
    /// After the first `+`: `b5`.
    pub build: Option<String>,
}

impl Version {
    /// Takes a text apart, whatever it holds.
    pub fn of(text: &str) -> Self {
        let (rest, build) = text.split_once('+').map_or((text, None), |(rest, build)| (rest, Some(build)));
        let (core, prerelease) = rest.split_once('-').map_or((rest, None), |(core, pre)| (core, Some(pre)));
        Self {
            text: text.to_owned(),
            core: core.to_owned(),
            prerelease: prerelease.map(str::to_owned),
            build: build.map(str::to_owned),
        }
    }

    /// As dpkg and rpm order it: `1.2.3-rc.1+b5` is `1.2.3~rc.1+b5`. A further hyphen would begin their revision or
    /// release: within prerelease and build it becomes a dot.
    pub fn with_tilde(&self) -> String {
        let mut spelled = self.core.clone();
        for (mark, part) in [('~', &self.prerelease), ('+', &self.build)] {
            if let Some(part) = part {
                spelled.push(mark);
                spelled.push_str(&part.replace('-', "."));
            }
        }
        spelled
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// `os/arch`; the names are those of Go and OCI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Always `linux` today.
    pub os: &'static str,
    /// What was asked for.
    pub arch: Arch,
    /// No ELF file in the tree: `all` in deb, `noarch` in rpm; tarball, zip and OCI keep `arch`.
    pub independent: bool,
}

/// Architectures, by Go's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Arch {
    Amd64,
    Arm64,
    /// `arm/v7`, hard float
    Arm7,
    /// `arm/v6` and below, soft float
    Arm5,
    I386,
    Ppc64le,
    S390x,
    Riscv64,
    Loong64,
    Mips64le,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.arch.go())
    }
}

impl Arch {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::Amd64,
        Self::Arm64,
        Self::Arm7,
        Self::Arm5,
        Self::I386,
        Self::Ppc64le,
        Self::S390x,
        Self::Riscv64,
        Self::Loong64,
        Self::Mips64le,
    ];
    /// Go's and OCI's name; `arm/v7` carries the variant.
    pub fn go(self) -> &'static str {
        match self {
            Self::Amd64 => "amd64",
            Self::Arm64 => "arm64",
            Self::Arm7 => "arm/v7",
            Self::Arm5 => "arm/v5",
            Self::I386 => "386",
            Self::Ppc64le => "ppc64le",
            Self::S390x => "s390x",
            Self::Riscv64 => "riscv64",
            Self::Loong64 => "loong64",
            Self::Mips64le => "mips64le",
        }
    }
}

/// One record of the change log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Version as the change log spells it.
    pub version: String,
    /// Seconds since 1970.
    pub time: i64,
    /// `Name <mail>`.
    pub author: String,
    /// Lines without bullet.
    pub lines: Vec<String>,
}
