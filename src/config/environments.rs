//! Names of environments. Each becomes a folder of the output and a part of versions, so it is a plain word, never a path.
//!
//! Enters: the spanned tree. Leaves: a finding for each name that is none. What the tables hold is judged elsewhere.

use std::sync::Arc;

use toml::de::DeTable;

use super::check::Checked;
use crate::diagnostic::{Diagnostic, SourceText, Span, codes};

/// What [`is_name`] takes, for the JSON schema.
pub const PATTERN: &str = "^[a-z0-9][a-z0-9-]*$";

/// What [`is_name`] takes, in words.
pub const HELP: &str = "the name of an environment is made of `a`-`z`, `0`-`9` and `-`, and begins with a letter or digit: it names a folder of the output";

/// Whether an environment may be called so.
pub fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    name.bytes().next().is_some_and(plain) && name.bytes().all(|byte| plain(byte) || byte == b'-')
}

/// Checks the name of every environment of the file.
pub fn check(source: &Arc<SourceText>, tree: &DeTable<'_>) -> Checked {
    let mut checked = Checked::default();
    let all = tree.get("environment").and_then(|value| value.get_ref().as_table());
    for key in all.into_iter().flat_map(DeTable::keys).filter(|key| !is_name(key.get_ref())) {
        let message = format!("`{}` is no name for an environment", key.get_ref().escape_debug());
        let finding = Diagnostic::error(codes::CONFIG_INVALID_VALUE, message);
        checked.refuse(finding.at(&Span::new(source, key.span()), "").help(HELP), key.span());
    }
    checked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain_words() {
        for name in ["staging", "a", "0", "pre-prod", "eu1-"] {
            assert!(is_name(name), "{name:?}");
        }
        for name in ["", ".", "..", "../../evil", "/etc", "a/b", "a.b", "-a", "Staging", "a_b", "é", "a\n", "a "] {
            assert!(!is_name(name), "{name:?}");
        }
    }
}
