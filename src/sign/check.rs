//! Whether a key may be used: what package managers will say of it, before anything is signed.
//!
//! Enters: the part of a certificate that signs, and the time. Leaves: findings. What would be refused on hosts is an
//! error, what will be soon is a warning.
//!
//! Sources: `/usr/share/apt/default-sequoia.config` of apt 3 (SHA-1 since 2026-02-01, RSA below 3072 bits from 2030-02-01);
//! rpm's `_pkgverify_digests`; freedomofpress/securedrop-workstation 713, where apt refused a file that one of two keys had signed
//! after its end (with both keys in one ring it does not).

use super::certificate::{Certificate, Part};
use crate::codec::calendar::rfc3339;
use crate::diagnostic::{Diagnostic, Findings, codes};

/// Days before the end of a key in which it is told.
pub const EXPIRES_SOON: i64 = 90;
const DAY: i64 = 86_400;

/// Judges one key; `name` is what findings call it, `several` whether others sign beside it.
pub(super) fn judge(name: &str, certificate: &Certificate, part: &Part, now: i64, several: bool) -> Findings {
    let mut findings = Findings::new();
    let fingerprint = certificate.fingerprint();
    if let Some(weakness) = &part.weak {
        findings.push(
            Diagnostic::error(codes::SIGN_WEAK_KEY, format!("the key {fingerprint} of {name} is refused: {weakness}"))
                .help("`fitout keys new --out FILE` makes one that all tools take")
                .note("apt 3, rpm 6 and EL 9 refuse such a key, and with it all that it signs"),
        );
    } else if part.algorithm == "rsa2048" {
        let message = format!("the key {fingerprint} of {name} has 2048 bits, which apt refuses from 2030-02-01");
        findings.push(
            Diagnostic::warning(codes::SIGN_WEAK_KEY, message)
                .help("`fitout keys rotate FILE --out NEW` makes its successor"),
        );
    }
    if part.revoked {
        let message = format!("the key {fingerprint} of {name} was revoked");
        findings
            .push(Diagnostic::error(codes::SIGN_EXPIRED, message).help("take it out of [sign], and sign with another"));
    }
    if part.created > now + DAY {
        let message = format!("the key {fingerprint} of {name} is made on {}, which is not yet", day(part.created));
        findings.push(Diagnostic::error(codes::SIGN_EXPIRED, message).help("look at the clock of this machine"));
    }
    findings.extend(part.expires.and_then(|end| expiry(name, certificate, end, now, several)));
    findings
}

fn expiry(name: &str, certificate: &Certificate, end: i64, now: i64, several: bool) -> Option<Diagnostic> {
    let fingerprint = certificate.fingerprint();
    let rotate = "`fitout keys rotate FILE --out NEW` makes its successor and tells in which steps it takes over";
    if end <= now {
        let finding =
            Diagnostic::error(codes::SIGN_EXPIRED, format!("the key {fingerprint} of {name} expired on {}", day(end)));
        return Some(if several {
            finding
                .help("take it out of [sign]: the other key signs alone")
                .note("what it signs is worth nothing, and some set-ups of apt refuse the good signature beside it")
        } else {
            finding.help(rotate)
        });
    }
    let days = (end - now) / DAY;
    (days < EXPIRES_SOON).then(|| {
        let when = match days {
            0 => "today".to_owned(),
            1 => "in one day".to_owned(),
            _ => format!("in {days} days"),
        };
        let message = format!("the key {fingerprint} of {name} expires {when}, on {}", day(end));
        Diagnostic::warning(codes::SIGN_EXPIRES_SOON, message)
            .help(rotate)
            .note("hosts need the successor before this one ends; after that they take no update")
    })
}

/// `2026-11-29`
pub(super) fn day(time: i64) -> String {
    rfc3339(time).chars().take(10).collect()
}
