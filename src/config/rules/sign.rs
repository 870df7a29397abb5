//! Secrets: of each key of `[sign]` and each place of a secret, which keys need or exclude each other.

use std::ops::Range;
use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use super::at;
use crate::config::check::Checked;
use crate::diagnostic::{Diagnostic, SourceText, Span, codes};

/// Where a key is: exactly one of them.
const HOLDERS: &[&str] = &["env", "file", "agent", "command"];
/// Where a secret is: exactly one of them.
const PLACES: &[&str] = &["env", "file"];
/// What means something beside these holders only.
const BESIDE: &[(&str, &[&str])] = &[("public", &["command"]), ("passphrase", &["env", "file"])];

/// Checks one table of the file: itself, or an environment.
pub(super) fn check(source: &Arc<SourceText>, table: &DeTable<'_>, checked: &mut Checked) {
    let judge = Judge { source };
    if let Some(value) = at(table, &["sign", "passphrase"]) {
        judge.place("this passphrase", value.get_ref(), value.span(), checked);
    }
    for (list, names, maps) in DESTINATIONS {
        let tables = at(table, &["publish", list]).and_then(|value| value.get_ref().as_array());
        for table in tables.into_iter().flat_map(|tables| tables.iter()).filter_map(|table| table.get_ref().as_table())
        {
            for name in *names {
                if let Some(value) = table.get(*name) {
                    judge.place(&format!("`{name}`"), value.get_ref(), value.span(), checked);
                }
            }
            let maps = maps.iter().filter_map(|name| table.get(*name)?.get_ref().as_table());
            for (name, value) in maps.flat_map(|map| map.iter()) {
                judge.place(&format!("`{}`", name.get_ref()), value.get_ref(), value.span(), checked);
            }
        }
    }
    let keys = at(table, &["sign", "keys"]).and_then(|value| value.get_ref().as_array());
    for key in keys.into_iter().flat_map(|keys| keys.iter()) {
        judge.key(key.get_ref(), key.span(), checked);
    }
}

/// Destinations with secrets: their list, their keys, their tables of names and values.
pub(in crate::config) const DESTINATIONS: &[(&str, &[&str], &[&str])] =
    &[("http", &["username", "password", "token"], &["headers"]), ("command", &[], &["env"])];

struct Judge<'a> {
    source: &'a Arc<SourceText>,
}

impl Judge<'_> {
    fn key(&self, value: &DeValue<'_>, place: Range<usize>, checked: &mut Checked) {
        let Some(table) = value.as_table() else { return };
        let Some(holder) = self.one("this key of [sign]", HOLDERS, table, place.clone(), checked) else { return };
        for (key, beside) in BESIDE {
            let Some((name, _)) = table.get_key_value(*key).filter(|_| !beside.contains(&holder)) else { continue };
            let why = if *key == "public" { "gives it, too" } else { "unlocks it itself" };
            let finding =
                Diagnostic::error(codes::CONFIG_INVALID_VALUE, format!("`{key}` means nothing beside `{holder}`"));
            let finding = finding.at(&Span::new(self.source, name.span()), "is never used");
            checked.refuse(finding.help(format!("take it out: what `{holder}` names {why}")), place.clone());
        }
        if holder == "command" && !table.contains_key("public") {
            let finding = Diagnostic::error(codes::CONFIG_MISSING_KEY, "`public` is missing beside `command`")
                .at(&Span::new(self.source, place.clone()), "does not say whose signatures the command makes")
                .help("add `public`, the file with its public key: every signature is verified by it");
            checked.refuse(finding, place.clone());
        }
        if let Some(value) = table.get("passphrase") {
            self.place("this passphrase", value.get_ref(), value.span(), checked);
        }
    }

    fn place(&self, what: &str, value: &DeValue<'_>, place: Range<usize>, checked: &mut Checked) {
        if let Some(table) = value.as_table() {
            self.one(what, PLACES, table, place, checked);
        }
    }

    /// The one of `choices` that is there.
    fn one<'c>(
        &self,
        what: &str,
        choices: &[&'c str],
        table: &DeTable<'_>,
        place: Range<usize>,
        checked: &mut Checked,
    ) -> Option<&'c str> {
        let there: Vec<&str> = choices.iter().copied().filter(|choice| table.contains_key(*choice)).collect();
        if let [one] = there[..] {
            return Some(one);
        }
        let all = choices.iter().map(|choice| format!("`{choice}`")).collect::<Vec<_>>().join(", ");
        let (code, message) = if there.is_empty() {
            (codes::CONFIG_MISSING_KEY, format!("{what} does not say where it is"))
        } else {
            (codes::CONFIG_INVALID_VALUE, format!("{what} is at {} places: only one can be", there.len()))
        };
        let finding = Diagnostic::error(code, message)
            .at(&Span::new(self.source, place.clone()), format!("wants one of {all}"))
            .help("a secret never stands in the file: `env` names a variable, `file` a file that holds it");
        checked.refuse(finding, place);
        None
    }
}
