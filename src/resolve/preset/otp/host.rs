//! What a release without a runtime needs of the distribution: the packages of the very OTP that it was made with.
//!
//! Enters: a [`Runtime`]. Leaves: relations in the words of deb and rpm. Distributions pack each application of OTP by itself;
//! their versions are those of OTP, with Debian's epoch 1. Whether the patch level is the same, which no relation can say
//! without a table of all OTPs, the launcher looks at when it starts.

use super::node::Runtime;
use crate::diagnostic::{self, Diagnostic, codes};

/// What is in Debian's erlang-base.
const IN_BASE: &[&str] = &["compiler", "erts", "kernel", "sasl", "stdlib"];
/// Applications of OTP that have a package of their own.
const PACKAGED: &[&str] = &[
    "asn1",
    "common_test",
    "crypto",
    "debugger",
    "dialyzer",
    "diameter",
    "edoc",
    "eldap",
    "et",
    "eunit",
    "ftp",
    "inets",
    "megaco",
    "mnesia",
    "observer",
    "odbc",
    "os_mon",
    "parsetools",
    "public_key",
    "reltool",
    "runtime_tools",
    "snmp",
    "ssh",
    "ssl",
    "syntax_tools",
    "tftp",
    "tools",
    "wx",
    "xmerl",
];

/// Names of applications that the host must have.
fn absent(runtime: &Runtime) -> impl Iterator<Item = &str> {
    runtime.host_applications.iter().filter_map(|folder| folder.rsplit_once('-')).map(|(name, _)| name)
}

/// Of a deb: `erlang-base (>= 1:25)`, `erlang-base (<< 1:26~)`.
pub(crate) fn deb(runtime: &Runtime) -> Vec<String> {
    let packaged = absent(runtime).filter(|name| PACKAGED.contains(name)).map(|name| name.replace('_', "-"));
    let names = std::iter::once("base".to_owned()).chain(packaged);
    names
        .flat_map(|name| match runtime.otp {
            Some(otp) => vec![format!("erlang-{name} (>= 1:{otp})"), format!("erlang-{name} (<< 1:{}~)", otp + 1)],
            None => vec![format!("erlang-{name}")],
        })
        .collect()
}

/// Erlang/OTP of the distributions that a deb is made for; the packages of 2026-11-28.
const OTP: [(&str, u32); 4] = [("debian-12", 25), ("debian-13", 27), ("ubuntu-22.04", 24), ("ubuntu-24.04", 25)];

/// Refuses a distribution that has another OTP.
pub(crate) fn suits(runtime: &Runtime, distribution: &str) -> diagnostic::Result<()> {
    let has = OTP.iter().find(|(name, _)| *name == distribution);
    let (Some((_, has)), Some(wanted)) = (has, runtime.otp) else { return Ok(()) };
    if *has == wanted {
        return Ok(());
    }
    let message = format!(
        "the release was made with Erlang/OTP {wanted} and has none of its own, and `{distribution}` has {has}"
    );
    Err(Diagnostic::error(codes::RESOLVE_OTP_VERSION, message)
        .help(format!("make the release with OTP {has}, or include the runtime (`include_erts: true`)")))
}

/// Of an rpm: `erlang-erts >= 25`, `erlang-erts < 26~`.
pub(crate) fn rpm(runtime: &Runtime) -> Vec<String> {
    let of_otp = |name: &&str| PACKAGED.contains(name) || IN_BASE.contains(name);
    let names = std::iter::once("erts").chain(absent(runtime).filter(of_otp));
    names
        .flat_map(|name| match runtime.otp {
            Some(otp) => vec![format!("erlang-{name} >= {otp}"), format!("erlang-{name} < {}~", otp + 1)],
            None => vec![format!("erlang-{name}")],
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resolve::preset::otp::{OtpRelease, tests::synthetic};

    #[test]
    fn the_same_otp_is_asked_for() {
        let dir = tempfile::tempdir().unwrap();
        synthetic(dir.path());
        let release = OtpRelease::read(dir.path(), "rel").unwrap();
        let mut runtime = Runtime::of(&release, "/opt/x");
        runtime.host_applications = ["kernel-8.5.3", "public_key-1.13", "elixir-1.14.0"].map(String::from).to_vec();
        let all = ["erlang-base (>= 1:25)", "erlang-base (<< 1:26~)"];
        assert_eq!(deb(&runtime)[..2], all);
        assert_eq!(deb(&runtime)[2..], ["erlang-public-key (>= 1:25)", "erlang-public-key (<< 1:26~)"]);
        assert_eq!(rpm(&runtime)[2..4], ["erlang-kernel >= 25", "erlang-kernel < 26~"]);
        assert_eq!(rpm(&runtime).len(), 6);
        runtime.otp = None;
        assert_eq!(deb(&runtime), ["erlang-base", "erlang-public-key"]);
    }
}
