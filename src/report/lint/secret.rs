//! Rules over files that hold secrets and may be read by every account of a host.

use super::about;
use super::plan::files;
use super::service::read;
use crate::assemble::plan::{Entry, Kind, Plan, Sources};
use crate::diagnostic::{Findings, codes};

/// Files that are looked through for keys, in bytes: the longest private keys have a few KiB, and certificates may stand before them.
const LARGEST: u64 = 64 << 10;

/// Everybody on the host may read what should be a secret.
pub fn readable(plan: &Plan) -> Findings {
    files(plan)
        .filter(|entry| is_readable(plan, entry))
        .map(|entry| {
            let message = format!("everybody may read `{}` (mode {:04o})", entry.path, entry.mode);
            about(codes::LINT_SECRET_READABLE, &entry.path, message)
                .at_origin(&entry.mode_origin, "")
                .help("set `mode = \"0640\"` and `owner = \"root:GROUP\"` with the service's group")
        })
        .collect()
}

/// The same, known by what is in the file.
pub fn private_keys(plan: &Plan, sources: &Sources) -> Findings {
    let holds_key = |entry: &&Entry| {
        let Kind::File(source) = &entry.kind else { return false };
        source.size <= LARGEST
            && read(&sources.list()[source.id.0 as usize]).is_some_and(|text| text.lines().any(begins_key))
    };
    files(plan)
        .filter(|entry| entry.mode & 0o004 != 0 && !is_named(plan, &entry.path))
        .filter(holds_key)
        .map(|entry| {
            let message =
                format!("`{}` is a private key that everybody may read (mode {:04o})", entry.path, entry.mode);
            about(codes::LINT_SECRET_READABLE, &entry.path, message)
                .at_origin(&entry.origin, "")
                .help("whoever has the package has the key: leave it out, such as by `exclude`")
        })
        .collect()
}

/// Whether everybody may read a file that a service has its secrets from, or that is named as secrets are.
pub(super) fn is_readable(plan: &Plan, entry: &Entry) -> bool {
    matches!(entry.kind, Kind::File(_)) && entry.mode & 0o004 != 0 && is_named(plan, &entry.path)
}

/// Whether a service takes it for a secret, or it is called as private keys are.
fn is_named(plan: &Plan, path: &str) -> bool {
    let of_service = plan.services.iter().any(|service| {
        service.env_file.as_deref() == Some(path) || service.secrets.values().any(|secret| secret.file == path)
    });
    let name = path.rsplit('/').next().unwrap_or_default();
    of_service
        || [".erlang.cookie", "COOKIE", "id_rsa", "id_ed25519"].contains(&name)
        || name.ends_with("-key.pem")
        || std::path::Path::new(name).extension().is_some_and(|extension| extension == "key")
}

/// Whether a private key begins with a line. Source: RFC 7468; RFC 9580, section 6.2; OpenSSH's PROTOCOL.key; age-keygen(1).
fn begins_key(line: &str) -> bool {
    let label = line.trim_end().strip_prefix("-----BEGIN ").and_then(|line| line.strip_suffix("-----"));
    let is_age = line.strip_prefix("AGE-SECRET-KEY-").is_some_and(|key| key.len() > 50 && !key.contains(' '));
    label.is_some_and(|label| label.ends_with("PRIVATE KEY") || label == "PGP PRIVATE KEY BLOCK") || is_age
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_keys_of_all_kinds_are_known_by_their_first_line() {
        for label in
            ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "OPENSSH PRIVATE KEY"]
        {
            assert!(begins_key(&format!("-----BEGIN {label}-----")), "{label}");
        }
        assert!(begins_key("-----BEGIN PGP PRIVATE KEY BLOCK-----\r"));
        assert!(begins_key(&format!("AGE-SECRET-KEY-1{}", "Q".repeat(58))));
        for none in ["-----BEGIN PGP PUBLIC KEY BLOCK-----", "-----BEGIN CERTIFICATE-----", "AGE-SECRET-KEY-", ""] {
            assert!(!begins_key(none), "{none}");
        }
        assert!(!begins_key("key = \"-----BEGIN PRIVATE KEY-----\""), "a text that names it");
    }
}
