//! Keys: what is told of them, and how one takes over from another.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::codec::calendar::rfc3339;
use crate::sign::{Key, Seen, SignError};

const DAY: i64 = 86_400;

/// For people; `now` is in seconds since 1970.
pub fn text(seen: &[Seen], now: i64) -> String {
    let mut text = String::new();
    for Seen { name, key, .. } in seen {
        let _ = writeln!(text, "{}", name.trim_matches('`'));
        let mut line = |word: &str, value: &str| {
            let _ = writeln!(text, "  {word:<12} {value}");
        };
        line("fingerprint", key.fingerprint.as_str());
        if key.signs_with != key.fingerprint {
            line("signs with", key.signs_with.as_str());
        }
        line("user", &super::words::printable(&key.user_id));
        line("algorithm", &key.algorithm);
        line("created", &day(key.created));
        line("expires", &key.expires.map_or_else(|| "never".to_owned(), |end| ends(end, now)));
    }
    text
}

fn ends(end: i64, now: i64) -> String {
    let days = (end - now).div_euclid(DAY);
    if end <= now { format!("{}, which is over", day(end)) } else { format!("{} (in {days} days)", day(end)) }
}

/// `2026-11-29`
fn day(time: i64) -> String {
    rfc3339(time).chars().take(10).collect()
}

/// For programs, with the public keys.
///
/// # Errors
/// A key cannot be written.
pub fn json(seen: &[Seen]) -> Result<Vec<Value>, SignError> {
    let one = |Seen { name, key, certificate }: &Seen| {
        let public = certificate.armored()?;
        Ok(json!({
            "from": name.trim_matches('`'),
            "fingerprint": key.fingerprint.as_str(),
            "signs_with": key.signs_with.as_str(),
            "user": key.user_id,
            "algorithm": key.algorithm,
            "created": key.created,
            "expires": key.expires,
            "public": String::from_utf8_lossy(&public),
        }))
    };
    seen.iter().map(one).collect()
}

/// In which steps `new` takes over from `old`; the files are as the config should name them.
pub fn steps(old: &Key, new: &Key, old_file: &str, new_file: &str) -> Vec<String> {
    let end = old.expires.map_or_else(String::new, |end| format!(", before {} ends on {}", old_file, day(end)));
    vec![
        format!(
            "now: `keys = [{{ file = \"{old_file}\" }}, {{ file = \"{new_file}\" }}]` under [sign]: both sign repositories, the old one packages"
        ),
        format!(
            "publish: the keyring of the repository then holds {} too, and hosts get it with their updates",
            new.fingerprint
        ),
        format!("when hosts have it, some weeks later{end}: the new key first in the list, so that it signs packages"),
        format!("last{end}: take `{old_file}` out of the list; keep the file until nothing it signed is in use"),
    ]
}
