//! What distributions have of the few libraries that decide where a program runs.
//!
//! Sources: for those that [`DISTRIBUTIONS`] names the table of their packages; for the others from knowledge of their
//! releases, not from their packages: the lowest versions that a release ever had, without updates.

use crate::formats::deb::shlibs::{DISTRIBUTIONS, GLIBC_OF};

/// A release of a distribution.
pub struct System {
    /// As `distribution` of `[format.deb]` or `[format.rpm]` spells it.
    pub name: &'static str,
    /// Version of glibc.
    pub glibc: &'static str,
    /// Version of the GCC whose libstdc++ and libgcc it has.
    pub gcc: &'static str,
    /// Version of OpenSSL.
    pub openssl: &'static str,
    /// Sonames that it has besides those of all systems.
    pub also: &'static [&'static str],
    /// Place in the table of Debian packages, which knows all others.
    pub packages: Option<usize>,
}

impl System {
    /// Whether it has a library of this soname; `None` where that is not known.
    pub fn has(&self, soname: &str) -> Option<bool> {
        if everywhere(soname).is_some() || self.also.contains(&soname) {
            return Some(true);
        }
        match soname {
            "libcrypto.so.3" | "libssl.so.3" => Some(self.openssl.starts_with("3.")),
            "libcrypto.so.1.1" | "libssl.so.1.1" => Some(self.openssl.starts_with("1.1.")),
            _ => None,
        }
    }
}

/// The lowest version of a library that any of the systems has, where all have the library and that is known.
pub fn lowest(soname: &str) -> Option<&'static str> {
    everywhere(soname).filter(|version| !version.is_empty())
}

fn everywhere(soname: &str) -> Option<&'static str> {
    EVERYWHERE.iter().find(|(name, _)| *name == soname).map(|(_, version)| *version)
}

/// Sonames that every system here has, but for glibc's, with the lowest version where symbols are versioned by it.
const EVERYWHERE: &[(&str, &str)] = &[
    ("libaudit.so.1", ""),
    ("libblkid.so.1", "2.32"),
    ("libcap.so.2", ""),
    ("libcurl.so.4", ""),
    ("libexpat.so.1", ""),
    ("libformw.so.6", ""),
    ("libgcc_s.so.1", ""),
    ("libglib-2.0.so.0", ""),
    ("libgmp.so.10", ""),
    ("libgnutls.so.30", "3.6.13"),
    ("libgssapi_krb5.so.2", ""),
    ("libkmod.so.2", "25"),
    ("libkrb5.so.3", ""),
    ("liblzma.so.5", "5.2.4"),
    ("libmenuw.so.6", ""),
    ("libmount.so.1", "2.32"),
    ("libncurses.so.6", ""),
    ("libncursesw.so.6", ""),
    ("libnuma.so.1", ""),
    ("libodbc.so.2", ""),
    ("libpam.so.0", ""),
    ("libpanelw.so.6", ""),
    ("libpcre2-8.so.0", ""),
    ("libpq.so.5", ""),
    ("libsctp.so.1", ""),
    ("libselinux.so.1", "2.9"),
    ("libsmartcols.so.1", "2.32"),
    ("libsqlite3.so.0", ""),
    ("libstdc++.so.6", ""),
    ("libsystemd.so.0", "239"),
    ("libtinfo.so.6", ""),
    ("libudev.so.1", "239"),
    ("libuuid.so.1", "2.32"),
    ("libyaml-0.so.2", ""),
    ("libz.so.1", "1.2.11"),
    ("libzstd.so.1", ""),
];

const OLD_NCURSES: &[&str] = &["libncurses.so.5", "libncursesw.so.5", "libtinfo.so.5"];
const OLD_OPENSSL: &[&str] = &["libcrypto.so.1.1", "libssl.so.1.1"];

const fn other(name: &'static str, glibc: &'static str, gcc: &'static str, openssl: &'static str) -> System {
    System { name, glibc, gcc, openssl, also: &[], packages: None }
}

const fn also(mut system: System, also: &'static [&'static str]) -> System {
    system.also = also;
    system
}

const fn known(place: usize, gcc: &'static str, openssl: &'static str) -> System {
    System { name: DISTRIBUTIONS[place], glibc: GLIBC_OF[place], gcc, openssl, also: &[], packages: Some(place) }
}

/// In the order in which they are told.
pub const SYSTEMS: &[System] = &[
    also(other("debian-11", "2.31", "10.2", "1.1.1"), OLD_NCURSES),
    known(0, "12.2", "3.0.9"),
    known(1, "14.2", "3.5.1"),
    also(other("ubuntu-20.04", "2.31", "10.3", "1.1.1"), OLD_NCURSES),
    known(2, "12.1", "3.0.2"),
    known(3, "14", "3.0.13"),
    other("el-8", "2.28", "8.5", "1.1.1"),
    also(other("el-9", "2.34", "11.2", "3.0.1"), OLD_OPENSSL),
    other("el-10", "2.39", "14.2", "3.2.2"),
    other("fedora-42", "2.41", "15", "3.2.4"),
    other("fedora-43", "2.42", "15.2", "3.5.1"),
    other("amazon-2023", "2.34", "11.3", "3.0.5"),
    also(other("opensuse-15.6", "2.38", "13.2", "3.1.4"), OLD_OPENSSL),
];
