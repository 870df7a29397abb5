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
        source.size <= LARGEST && read(&sources.list()[source.id.0 as usize]).is_some_and(|text| is_key(&text))
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

/// Whether a text is that of a private key, and not one that tells of keys: what stands before the first key is PEM too, or
/// what programs write above it. Source: RFC 7468; RFC 1421, section 4.6; RFC 9580, section 6.2; OpenSSH's PROTOCOL.key;
/// age-keygen(1).
fn is_key(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim_end);
    while let Some(line) = lines.next() {
        if let Some(label) = line.strip_prefix("-----BEGIN ").and_then(|line| line.strip_suffix("-----")) {
            let end = format!("-----END {label}-----");
            let mut is_whole = false;
            let is_content = |line: &&str| {
                is_whole = *line == end;
                !is_whole
            };
            let block: Vec<&str> = lines.by_ref().take_while(is_content).collect();
            if !is_whole {
                return false;
            }
            if label.ends_with("PRIVATE KEY") || label == "PGP PRIVATE KEY BLOCK" {
                return is_encoded(&block);
            }
        } else if let Some(key) = line.strip_prefix("AGE-SECRET-KEY-") {
            return key.len() > 50 && !key.contains(' ');
        } else if !is_above(line) {
            return false;
        }
    }
    false
}

/// Whether lines between BEGIN and END are those of a key: base64 after headers, which may be continued on indented lines. In
/// less than 40 characters there is room for an example alone: a key of 32 bytes has 64 (RFC 8410).
fn is_encoded(block: &[&str]) -> bool {
    let headers =
        block.iter().take_while(|line| line.is_empty() || line.contains(':') || line.starts_with([' ', '\t']));
    let base64 = &block[headers.count()..];
    let is_digit = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=');
    base64.iter().all(|line| !line.is_empty() && line.bytes().all(is_digit))
        && base64.iter().map(|line| line.len()).sum::<usize>() >= 40
}

/// Whether programs write such a line above a key: a comment, or what openssl-pkcs12(1), openssl-x509(1), openssl-rsa(1) and
/// certtool(1) tell of it, which is indented below names of three words at most.
fn is_above(line: &str) -> bool {
    let is_name = |(name, _): (&str, &str)| name.split(' ').count() <= 3;
    line.is_empty()
        || line.starts_with(['#', ' ', '\t'])
        || line == "Bag Attributes"
        || line.split_once([':', '=']).is_some_and(is_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks like a key, and is none.
    const BASE64: &str = "MC4CAQAwBQYDK2VwBCIEIAAAAAAAAAAAAAAAAAAA\nAAAAAAAAAAAAAAAAAAAAAAAA";

    fn pem(label: &str, content: &str) -> String {
        format!("-----BEGIN {label}-----\n{content}\n-----END {label}-----\n")
    }

    #[test]
    fn private_keys_of_all_kinds_are_known() {
        for label in
            ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "OPENSSH PRIVATE KEY"]
        {
            assert!(is_key(&pem(label, BASE64)), "{label}");
        }
        let headers = "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,\n 0011\n\n";
        assert!(is_key(&pem("RSA PRIVATE KEY", &format!("{headers}{BASE64}"))));
        assert!(is_key(&pem("PGP PRIVATE KEY BLOCK", &format!("\n{BASE64}\n=aBcD")).replace('\n', "\r\n")));
        assert!(is_key(&format!("# created: now\n# public key: age1q\nAGE-SECRET-KEY-1{}\n", "Q".repeat(58))));
        for none in ["PGP PUBLIC KEY BLOCK", "CERTIFICATE"] {
            assert!(!is_key(&pem(none, BASE64)), "{none}");
        }
        assert!(!is_key(""));
    }

    #[test]
    fn programs_write_other_things_above_a_key() {
        let key = pem("PRIVATE KEY", BASE64);
        let certificate = pem("CERTIFICATE", BASE64);
        for above in [
            "\n# of the test server\n".into(),
            format!("subject=CN = hello\n\nissuer=CN = hello\n{certificate}"),
            "Bag Attributes\n    friendlyName: hello\n    1.3.6.1.4.1.311.17.2: <No Values>\nKey Attributes: <No Attributes>\n"
                .into(),
            "Private-Key: (2048 bit, 2 primes)\nmodulus:\n    00:b9:7e:\n    1f\npublicExponent: 65537 (0x10001)\n".into(),
            "Public Key Info:\n\tPublic Key Algorithm: RSA\n\nmodulus:\n\t00:b9:7e:\n\t\n".into(),
        ] {
            assert!(is_key(&format!("{above}{key}")), "{above}");
        }
    }

    #[test]
    fn what_tells_of_keys_is_none() {
        let key = pem("PRIVATE KEY", BASE64);
        for text in [
            format!("# Hello\n\nIt reads a key such as\n\n```\n{key}```\n"),
            format!("```\n{key}```\n"),
            format!("A server that greets: it takes\n{key}"),
            format!("key = \"{key}\""),
            pem("PRIVATE KEY", "MC4CAQAwBQYDK2VwBCIEI...\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
            pem("PRIVATE KEY", "YOURKEYHERE"),
            pem("PRIVATE KEY", ""),
            format!("-----BEGIN PRIVATE KEY-----\n{BASE64}\n"),
            format!("-----BEGIN PRIVATE KEY-----\n{BASE64}\n-----END CERTIFICATE-----\n"),
            "AGE-SECRET-KEY-\n".into(),
            format!("Keep the line which begins so\nAGE-SECRET-KEY-1{}\n", "Q".repeat(58)),
        ] {
            assert!(!is_key(&text), "{text}");
        }
    }
}
