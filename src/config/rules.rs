//! What the grammar cannot say: of a `[[files]]` rule, which keys need or exclude each other and the form of a mode; of
//! other tables, which values may not be empty.
//!
//! Enters: the spanned tree. Leaves: every finding, and the places of what must go. A value of the wrong type is [`super::check`]'s matter and is passed
//! over here; whether paths exist and owners are known is asked later, by the rooms that use them.

use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

pub(super) mod sign;

use super::check::{Checked, misspelt};
use super::grammar::{Grammar, Keys};
use crate::diagnostic::{Diagnostic, SourceText, Span, codes};

/// Of lists of tables, the keys that decide what each brings: one that lacks such a key as it was meant brings something
/// else, or is told to lack it.
pub const DECIDING: &[(&str, &[&str])] = &[
    ("files", &["from", "link", "text", "directory", "to", "exclude", "when", "replace"]),
    ("service", &["name", "exec"]),
];

/// The keys that say what a rule takes: exactly one is there.
const TAKES: &[&str] = &["from", "link", "text", "directory"];

/// Keys that mean something only beside one of these.
const ONLY_WITH: &[(&str, &[&str])] = &[
    ("exclude", &["from"]),
    ("dir-mode", &["from"]),
    ("render", &["from", "text"]),
    ("capabilities", &["from", "text"]),
    ("mode", &["from", "text", "directory"]),
];

/// Keys that mean something only for `role = "config"`.
const ONLY_CONFIG: &[&str] = &["noreplace", "missingok"];

/// Reads `"0644"`: a zero and three or four octal digits, so `07777` at most.
pub fn parse_mode(text: &str) -> Option<u32> {
    let digits = text.strip_prefix('0')?;
    let octal = (3..=4).contains(&digits.len()) && digits.bytes().all(|digit| (b'0'..=b'7').contains(&digit));
    if octal { u32::from_str_radix(digits, 8).ok() } else { None }
}

/// Lists of tables whose `reason` must give one.
const REASONED: &[&[&str]] = &[&["lint", "allow"], &["format", "deb", "lintian-overrides"]];

/// Checks the file and every environment.
pub fn check(source: &Arc<SourceText>, grammar: &Grammar, tree: &DeTable<'_>) -> Checked {
    let mut checked = Checked::default();
    let Some(keys) = keys_of_a_rule(grammar) else { return checked };
    let environments = tree.get("environment").and_then(|value| value.get_ref().as_table());
    let overlays = environments.into_iter().flat_map(DeTable::values).filter_map(|value| value.get_ref().as_table());
    for table in std::iter::once(tree).chain(overlays) {
        no_format(source, table, &mut checked);
        sign::check(source, table, &mut checked);
        for path in REASONED {
            no_reason(source, table, path, &mut checked);
        }
        let rules = table.get("files").and_then(|value| value.get_ref().as_array());
        for rule in rules.into_iter().flat_map(|rules| rules.iter()) {
            if let Some(table) = rule.get_ref().as_table() {
                Rule { source, keys, table, place: rule.span() }.check(&mut checked);
            }
        }
    }
    checked
}

/// The value at a path of keys.
fn at<'t>(table: &'t DeTable<'t>, path: &[&str]) -> Option<&'t Spanned<DeValue<'t>>> {
    let (last, above) = path.split_last()?;
    let mut table = table;
    for key in above {
        table = table.get(*key)?.get_ref().as_table()?;
    }
    table.get(*last)
}

/// `formats = []` would make nothing, and do so in silence.
fn no_format(source: &Arc<SourceText>, table: &DeTable<'_>, checked: &mut Checked) {
    let Some(value) = at(table, &["build", "formats"]) else { return };
    if value.get_ref().as_array().is_some_and(|list| list.is_empty()) {
        let finding = Diagnostic::error(codes::CONFIG_INVALID_VALUE, "`formats` names no format")
            .at(&Span::new(source, value.span()), "nothing would be made")
            .help("name one, or leave it out for all of them");
        checked.refuse(finding, value.span());
    }
}

/// What is silenced without a reason cannot be judged by whoever comes next.
fn no_reason(source: &Arc<SourceText>, table: &DeTable<'_>, path: &[&str], checked: &mut Checked) {
    let list = at(table, path).and_then(|value| value.get_ref().as_array());
    let tables = list.into_iter().flat_map(|list| list.iter()).filter_map(|value| value.get_ref().as_table());
    for reason in tables.filter_map(|table| table.get("reason")) {
        if reason.get_ref().as_str().is_some_and(|text| text.trim().is_empty()) {
            let finding = Diagnostic::error(codes::CONFIG_INVALID_VALUE, "`reason` is empty")
                .at(&Span::new(source, reason.span()), "gives no reason")
                .help("say in a few words why the finding is right here");
            checked.refuse(finding, reason.span());
        }
    }
}

fn keys_of_a_rule(grammar: &Grammar) -> Option<&Keys> {
    let Grammar::Table(root) = grammar else { return None };
    let Grammar::List(rule) = &root.known.get("files")?.grammar else { return None };
    if let Grammar::Table(keys) = &**rule { Some(keys) } else { None }
}

struct Rule<'a> {
    source: &'a Arc<SourceText>,
    keys: &'a Keys,
    table: &'a DeTable<'a>,
    place: Range<usize>,
}

impl Rule<'_> {
    fn check(&self, checked: &mut Checked) {
        let takes: Vec<&str> = TAKES.iter().copied().filter(|key| self.says(key)).collect();
        match takes.as_slice() {
            [] => {
                if let Some(finding) = self.takes_nothing() {
                    checked.refuse(finding, self.place.clone());
                }
            }
            // What means nothing does no harm to what is judged later.
            [only] => {
                checked.findings.extend(ONLY_WITH.iter().filter_map(|(key, with)| self.needless(key, only, with)));
                checked.findings.extend(ONLY_CONFIG.iter().filter_map(|key| self.not_config(key)));
            }
            [first, others @ ..] => checked.refuse(self.takes_too_much(first, others), self.place.clone()),
        }
        if !self.table.contains_key("to") && misspelt(self.keys, self.table, "to").is_none() {
            let finding = Diagnostic::error(codes::CONFIG_MISSING_KEY, "`to` is missing in this [[files]] rule")
                .at(&self.span(), "goes nowhere")
                .help("`to` is the absolute path on the host, such as `to = \"/etc/hello/env\"`");
            checked.refuse(finding, self.place.clone());
        }
        for key in ["mode", "dir-mode"] {
            self.mode(key, checked);
        }
    }

    /// Whether the key is there and not switched off.
    fn says(&self, key: &str) -> bool {
        self.table.get(key).is_some_and(|value| !matches!(value.get_ref(), DeValue::Boolean(false)))
    }

    fn span(&self) -> Span {
        Span::new(self.source, self.place.clone())
    }

    fn key(&self, name: &str) -> Span {
        let place = self.table.get_key_value(name).map_or_else(|| self.place.clone(), |(key, _)| key.span());
        Span::new(self.source, place)
    }

    fn takes_nothing(&self) -> Option<Diagnostic> {
        if TAKES.iter().any(|key| misspelt(self.keys, self.table, key).is_some()) {
            return None;
        }
        let message = "this [[files]] rule does not say what it takes";
        let finding = Diagnostic::error(codes::CONFIG_MISSING_KEY, message)
            .at(&self.span(), "wants one of `from`, `link`, `text`, `directory`");
        let role = self.table.get("role").and_then(|role| role.get_ref().as_str());
        Some(if role == Some("ghost") {
            finding.help("a ghost has no content: `text = \"\"` for a file, `directory = true` for a directory")
        } else {
            finding.help("`from` takes a file, a folder or a glob; `directory = true` makes an empty directory")
        })
    }

    fn takes_too_much(&self, first: &str, others: &[&str]) -> Diagnostic {
        let all: Vec<String> = std::iter::once(&first).chain(others).map(|key| format!("`{key}`")).collect();
        let message = format!("this [[files]] rule has {}: only one can be", all.join(" and "));
        let finding = Diagnostic::error(codes::CONFIG_INVALID_VALUE, message).at(&self.key(first), "takes this");
        others
            .iter()
            .fold(finding, |finding, key| finding.at(&self.key(key), "and this"))
            .help("make two rules of it, or take one key out")
    }

    fn needless(&self, key: &str, taken: &str, with: &[&str]) -> Option<Diagnostic> {
        if !self.says(key) || with.contains(&taken) {
            return None;
        }
        let with = with.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
        Some(
            Diagnostic::error(codes::CONFIG_INVALID_VALUE, format!("`{key}` means nothing beside `{taken}`"))
                .at(&self.key(key), "is never used")
                .at(&self.key(taken), "what the rule takes")
                .help(format!("take it out; `{key}` goes with {with}")),
        )
    }

    fn not_config(&self, key: &str) -> Option<Diagnostic> {
        let role = self.table.get("role").and_then(|role| role.get_ref().as_str());
        if !self.says(key) || role == Some("config") {
            return None;
        }
        Some(
            Diagnostic::error(
                codes::CONFIG_INVALID_VALUE,
                format!("`{key}` means nothing without `role = \"config\"`"),
            )
            .at(&self.key(key), "only a config file is kept on upgrade")
            .help("add `role = \"config\"`, or take it out"),
        )
    }

    fn mode(&self, key: &str, checked: &mut Checked) {
        let Some(value) = self.table.get(key) else { return };
        let Some(text) = value.get_ref().as_str().filter(|text| parse_mode(text).is_none()) else { return };
        let meant = parse_mode(&format!("0{text}")).map(|_| format!("0{text}"));
        let label = meant.map_or_else(|| "not a mode".to_owned(), |meant| format!("did you mean `{meant}`?"));
        let finding = Diagnostic::error(codes::CONFIG_INVALID_VALUE, format!("invalid mode `{text}`"))
            .at(&Span::new(self.source, value.span()), label)
            .help("a mode is a zero and three or four octal digits: `0644`, `0755`, `04755`");
        checked.refuse(finding, value.span());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_modes() {
        assert_eq!(parse_mode("0644"), Some(0o644));
        assert_eq!(parse_mode("07777"), Some(0o7777));
        assert_eq!(parse_mode("0000"), Some(0));
        for wrong in ["", "0", "644", "0o644", "0648", "017777", "00", "+0644", "0 644", "064", "0644 ", "０644"] {
            assert_eq!(parse_mode(wrong), None, "{wrong:?}");
        }
    }
}
