//! From the name of a symbol version to the lowest package version that has it.

use std::fmt;

/// What a symbol version says about the package.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The package must be at least this.
    AtLeast(Floor),
    /// The version has no number, or one that is not the library's own.
    Nothing,
    /// It belongs to one build of the library.
    Private,
    /// It should have a number, and the table does not have it.
    Unknown,
}

/// A lower bound; ordered as dpkg orders plain numbers with dots.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Floor {
    numbers: Vec<u32>,
    text: String,
}

impl fmt::Display for Floor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Floor {
    /// Whether it is higher than this version, which is plain numbers.
    pub fn is_above(&self, version: &str) -> bool {
        Self::parse("", version).is_some_and(|other| self.numbers > other.numbers)
    }

    /// From `2.34` or `3_4`; nothing if it holds more than numbers.
    fn parse(epoch: &str, version: &str) -> Option<Self> {
        let version = version.replace('_', ".");
        let numbers = version.split('.').map(|n| n.parse().ok()).collect::<Option<Vec<u32>>>()?;
        Some(Self { numbers, text: format!("{epoch}{version}") })
    }
}

/// How the versions of a library are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Not at all.
    Opaque,
    /// glibc.
    Glibc,
    /// `libgcc_s`.
    Gcc,
    /// libstdc++.
    Stdcxx,
    /// What follows the prefix is the release that brought it; with Debian's epoch.
    Release {
        /// `OPENSSL_`.
        prefix: &'static str,
        /// `1:` or nothing.
        epoch: &'static str,
    },
}

impl Scheme {
    /// Reads one version.
    pub fn read(self, version: &str) -> Verdict {
        match self {
            Self::Opaque => Verdict::Nothing,
            Self::Glibc => glibc(version),
            Self::Gcc => version.strip_prefix("GCC_").map_or(Verdict::Nothing, gcc),
            Self::Stdcxx => stdcxx(version),
            Self::Release { prefix, epoch } => version
                .strip_prefix(prefix)
                .and_then(|v| Floor::parse(epoch, v))
                .map_or(Verdict::Nothing, Verdict::AtLeast),
        }
    }
}

fn at_least(version: &str) -> Verdict {
    Floor::parse("", version).map_or(Verdict::Unknown, Verdict::AtLeast)
}

/// glibc names a version after the release that brought it, but for markers of abilities of the loader.
fn glibc(version: &str) -> Verdict {
    match version.strip_prefix("GLIBC_") {
        Some("PRIVATE") => Verdict::Private,
        Some("ABI_DT_RELR") => at_least("2.36"),
        Some(number) => at_least(number),
        None => Verdict::Nothing,
    }
}

/// Debian writes `GCC_4.2.0` as 4.2 and `GCC_7.0.0` as 7: the first release of a series has a lower number than `.0`.
fn gcc(version: &str) -> Verdict {
    let short = version.strip_suffix(".0").filter(|v| v.contains('.')).unwrap_or(version);
    let major = short.split('.').next().and_then(|n| n.parse::<u32>().ok());
    at_least(if major >= Some(5) { short.strip_suffix(".0").unwrap_or(short) } else { short })
}

/// From GCC's "ABI Policy and Guidelines": last number of `GLIBCXX_3.4.n` -> the GCC that brought it; 0 to 8 are older
/// than any supported release and share Debian's oldest bound.
const GLIBCXX: &[(u32, &str)] = &[
    (8, "4.1.1"),
    (9, "4.2"),
    (10, "4.3"),
    (12, "4.4"),
    (13, "4.4.2"),
    (14, "4.5"),
    (16, "4.6"),
    (17, "4.7"),
    (19, "4.8"),
    (20, "4.9"),
    (21, "5"),
    (22, "6"),
    (24, "7"),
    (25, "8"),
    (26, "9"),
    (28, "9.3"),
    (29, "11"),
    (30, "12"),
    (31, "13"),
    (32, "13.2"),
    (33, "14"),
    (34, "15"),
];
/// The same for `CXXABI_1.3.n`.
const CXXABI: &[(u32, &str)] = &[
    (1, "4.1.1"),
    (2, "4.3"),
    (3, "4.4"),
    (4, "4.5"),
    (5, "4.6"),
    (6, "4.7"),
    (7, "4.8"),
    (8, "4.9"),
    (9, "5"),
    (10, "6"),
    (11, "7"),
    (12, "9"),
    (13, "11"),
    (14, "13"),
    (15, "14"),
    (16, "15"),
];

/// `GLIBCXX_3.4.21`, `CXXABI_1.3`, and those with a word between (`GLIBCXX_LDBL_3.4`, `CXXABI_ARM_1.3.3`).
fn stdcxx(version: &str) -> Verdict {
    match version {
        "CXXABI_TM_1" => return at_least("4.7"),
        "CXXABI_FLOAT128" => return at_least("5"),
        _ => {}
    }
    let number = version.rsplit('_').next().unwrap_or(version);
    let (table, last) = if version.starts_with("GLIBCXX_") {
        (GLIBCXX, number.strip_prefix("3.4"))
    } else if version.starts_with("CXXABI_") {
        (CXXABI, number.strip_prefix("1.3"))
    } else {
        return Verdict::Nothing;
    };
    let last = match last {
        Some("") => Some(0),
        Some(dotted) => dotted.strip_prefix('.').and_then(|n| n.parse::<u32>().ok()),
        None => None,
    };
    let found = last.and_then(|last| table.iter().find(|(upto, _)| last <= *upto));
    found.map_or(Verdict::Unknown, |(_, gcc)| at_least(gcc))
}
