//! Packages live through installation, upgrades and removal on real systems.
//!
//! Enters: two versions of each example, and packages made for a test. They are installed by apt, dpkg, dnf, zypper and rpm in
//! minimal Debian roots, and under systemd as process 1. It needs root and the tools that `./test` installs; an absent one is named, and
//! fails the tests under `FITOUT_REQUIRE_FOREIGN=1`.
#![allow(
    clippy::disallowed_methods,
    clippy::pedantic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests tell what they found, and stop where they are wrong"
)]

mod support;

#[path = "install/roots.rs"]
mod roots;

#[path = "install/machine.rs"]
mod machine;

#[path = "install/toy.rs"]
mod toy;

#[path = "install/deb.rs"]
mod deb;

#[path = "install/debhelper.rs"]
mod debhelper;

#[path = "install/daemons.rs"]
mod daemons;

#[path = "install/brokers.rs"]
mod brokers;

#[path = "install/dropped.rs"]
mod dropped;

#[path = "install/renamed.rs"]
mod renamed;

#[path = "install/systemd.rs"]
mod systemd;

#[path = "install/archives.rs"]
mod archives;

#[path = "install/launcher.rs"]
mod launcher;

#[path = "install/environment.rs"]
mod environment;

#[path = "install/keys.rs"]
mod keys;

#[path = "install/signed.rs"]
mod signed;

#[path = "install/busybox.rs"]
mod busybox;

#[path = "install/plain.rs"]
mod plain;

#[path = "install/shellcheck.rs"]
mod shellcheck;

#[path = "install/image.rs"]
mod image;

#[path = "install/distribution.rs"]
mod distribution;

#[path = "install/managers.rs"]
mod managers;

#[path = "install/rpm_accounts.rs"]
mod rpm_accounts;

#[path = "install/rpm.rs"]
mod rpm;

#[path = "install/rpm_systemd.rs"]
mod rpm_systemd;

#[path = "install/sysv.rs"]
mod sysv;

#[path = "install/umbrella.rs"]
mod umbrella;

#[path = "install/plain_systemd.rs"]
mod plain_systemd;

#[path = "install/otp.rs"]
mod otp;

#[path = "install/otp_assembled.rs"]
mod otp_assembled;
