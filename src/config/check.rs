//! The tree of the file against the grammar: unknown keys, wrong types, words that are not among the choices, keys that
//! are missing, sections that are not there yet.
//!
//! Enters: a spanned tree and a [`Grammar`]. Leaves: every finding. Values are judged by type and choice only; what a
//! value means is [`super::rules`]' matter.

use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::grammar::{Grammar, Keys, Words};
use super::rules::parse_mode;
use super::schema::NOT_YET;
use super::suggest;
use crate::diagnostic::{Diagnostic, Findings, SourceText, Span, codes};

/// Checks a whole file.
pub fn check(source: &Arc<SourceText>, grammar: &Grammar, tree: &Spanned<DeTable<'_>>) -> Findings {
    let Grammar::Table(root) = grammar else { return Vec::new() };
    let mut check = Check { source, root, path: Vec::new(), findings: Vec::new() };
    check.table(root, tree.get_ref(), tree.span());
    check.findings
}

/// The key that was typed wrong where `wanted` is missing: one slip, one finding.
pub(super) fn misspelt<'t>(keys: &Keys, table: &'t DeTable<'_>, wanted: &str) -> Option<&'t str> {
    let typed = table.keys().map(|key| key.get_ref().as_ref());
    typed.into_iter().find(|&typed| !keys.known.contains_key(typed) && suggest::nearest(typed, [wanted]).is_some())
}

struct Check<'a> {
    source: &'a Arc<SourceText>,
    root: &'a Keys,
    path: Vec<Step>,
    findings: Findings,
}

/// One step from the top of the file to a value.
enum Step {
    Key(String),
    Element,
}

impl Check<'_> {
    fn value(&mut self, grammar: &Grammar, value: &Spanned<DeValue<'_>>) {
        match (grammar, value.get_ref()) {
            (Grammar::Anything, _) | (Grammar::Boolean, DeValue::Boolean(_)) => {}
            (Grammar::Text(words), DeValue::String(text)) => self.word(words, text, value.span()),
            (Grammar::Integer { max }, DeValue::Integer(number)) => {
                let number = u64::from_str_radix(number.as_str(), number.radix()).ok();
                if number.is_none_or(|number| number > *max) {
                    self.out_of_range(*max, value.span());
                }
            }
            (Grammar::List(items), DeValue::Array(list)) => {
                self.path.push(Step::Element);
                list.iter().for_each(|item| self.value(items, item));
                self.path.pop();
            }
            (Grammar::Table(keys), DeValue::Table(table)) => self.table(keys, table, value.span()),
            (Grammar::Either(forms), found) => match forms.iter().find(|form| same_type(form, found)) {
                Some(form) => self.value(form, value),
                None => self.wrong_type(grammar, value),
            },
            _ => self.wrong_type(grammar, value),
        }
    }

    fn table(&mut self, keys: &Keys, table: &DeTable<'_>, place: Range<usize>) {
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            let grammar = keys.known.get(name).map(|known| &known.grammar).or(keys.others.as_deref());
            match grammar {
                Some(grammar) => {
                    self.path.push(Step::Key(name.to_owned()));
                    self.value(grammar, value);
                    self.path.pop();
                }
                None => self.unknown_key(keys, name, key.span()),
            }
        }
        if self.is_overlay() {
            return;
        }
        for wanted in &keys.required {
            if !table.contains_key(wanted.as_str()) && misspelt(keys, table, wanted).is_none() {
                self.missing_key(keys, wanted, place.clone());
            }
        }
    }

    /// Whether the table here is merged into another, which may have what this one lacks.
    fn is_overlay(&self) -> bool {
        matches!(self.path.as_slice(), [Step::Key(first), _, ..] if first == "environment")
            && !self.path.iter().any(|step| matches!(step, Step::Element))
    }

    /// Whether the keys here are those of the top level, in the file itself or in an environment.
    fn is_top_level(&self) -> bool {
        self.path.is_empty() || (self.path.len() == 2 && self.is_overlay())
    }

    fn unknown_key(&mut self, keys: &Keys, name: &str, place: Range<usize>) {
        let span = Span::new(self.source, place);
        let later = if self.is_top_level() { NOT_YET } else { &[] };
        if let Some((section, what)) = later.iter().find(|(section, _)| *section == name) {
            self.findings.push(
                Diagnostic::error(codes::CONFIG_NOT_YET, format!("this version has no `{section}` yet"))
                    .at(&span, what.to_string())
                    .help("take the section out to build without it")
                    .note("it is refused rather than ignored: the package would lack what the section asks for"),
            );
            return;
        }
        let known = keys.known.keys().map(String::as_str);
        let nearest = suggest::nearest(name, known.clone().chain(later.iter().map(|(section, _)| *section)));
        let label = nearest.map_or_else(|| "not a key here".to_owned(), |name| format!("did you mean `{name}`?"));
        let message = format!("unknown key `{name}` {}", self.place());
        let mut finding = Diagnostic::error(codes::CONFIG_UNKNOWN_KEY, message).at(&span, label);
        let homes = self.root.homes(name);
        if nearest.is_none() && !homes.is_empty() {
            finding = finding.help(format!("`{name}` is a key of {}", homes.join(" and ")));
        }
        self.findings.push(finding.help(format!("keys here: {}", known.collect::<Vec<_>>().join(", "))));
    }

    fn missing_key(&mut self, keys: &Keys, wanted: &str, place: Range<usize>) {
        let message = format!("`{wanted}` is missing {}", self.place());
        let mut finding = Diagnostic::error(codes::CONFIG_MISSING_KEY, message)
            .at(&Span::new(self.source, place), format!("wants a key `{wanted}`"));
        if let Some(key) = keys.known.get(wanted) {
            finding = finding.help(format!("add `{wanted}`, {}: {}", key.grammar.wanted(), key.about));
        }
        self.findings.push(finding);
    }

    fn word(&mut self, words: &Words, text: &str, place: Range<usize>) {
        if words.choices.is_empty() || words.choices.iter().any(|choice| choice == text) {
            return;
        }
        let choices = words.choices.iter().map(String::as_str);
        let noun = words.noun.as_deref().unwrap_or("value");
        let label = suggest::nearest(text, choices.clone())
            .map_or_else(|| format!("not a {noun}"), |near| format!("did you mean `{near}`?"));
        self.findings.push(
            Diagnostic::error(codes::CONFIG_INVALID_VALUE, format!("unknown {noun} `{text}`"))
                .at(&Span::new(self.source, place), label)
                .help(words.help()),
        );
    }

    fn out_of_range(&mut self, max: u64, place: Range<usize>) {
        let message = format!("{} is out of range", self.subject());
        self.findings.push(
            Diagnostic::error(codes::CONFIG_INVALID_VALUE, message)
                .at(&Span::new(self.source, place), format!("must be from 0 to {max}")),
        );
    }

    fn wrong_type(&mut self, grammar: &Grammar, value: &Spanned<DeValue<'_>>) {
        let (wanted, found) = (grammar.wanted(), found(value.get_ref()));
        let span = Span::new(self.source, value.span());
        let message = format!("{} must be {wanted}, not {found}", self.subject());
        let mut finding =
            Diagnostic::error(codes::CONFIG_WRONG_TYPE, message).at(&span, format!("{wanted} is wanted here"));
        if let Some(help) = self.mend(grammar, value) {
            finding = finding.help(help);
        }
        self.findings.push(finding);
    }

    /// What to type instead, where that can be told.
    fn mend(&self, grammar: &Grammar, value: &Spanned<DeValue<'_>>) -> Option<String> {
        let written = self.source.text.get(value.span()).unwrap_or_default();
        let assign = match self.path.last() {
            Some(Step::Key(key)) => format!("{key} = "),
            _ => String::new(),
        };
        match (grammar, value.get_ref()) {
            (Grammar::Text(words), found) if words.noun.as_deref() == Some("mode") => {
                let usual = if assign.starts_with("dir") { "0755" } else { "0644" };
                let mode = found.as_integer().and_then(|number| mode_of(number.as_str()));
                let mode = mode.as_deref().unwrap_or(usual);
                Some(format!("a mode has a leading zero, which only a string can have: `{assign}\"{mode}\"`"))
            }
            (Grammar::Text(words), _) if !words.choices.is_empty() => Some(words.help()),
            (
                Grammar::Text(_),
                DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_),
            ) => Some(format!("put it in quotes: `{assign}\"{written}\"`")),
            (Grammar::List(items), DeValue::String(_)) if matches!(**items, Grammar::Text(_)) => {
                Some(format!("put it in a list: `{assign}[{written}]`"))
            }
            (Grammar::List(items), DeValue::Table(_)) if matches!(**items, Grammar::Table(_)) => {
                Some(format!("there may be many of it: `[[{}]]`", self.header()))
            }
            (Grammar::Table(_), DeValue::Array(_)) => Some(format!("there is one of it: `[{}]`", self.header())),
            (Grammar::Boolean, DeValue::String(text)) if matches!(text.as_ref(), "true" | "false") => {
                Some(format!("write it without quotes: `{assign}{text}`"))
            }
            (Grammar::Integer { .. }, DeValue::String(text)) if text.parse::<u32>().is_ok() => {
                Some(format!("write it without quotes: `{assign}{text}`"))
            }
            _ => None,
        }
    }

    /// `in [package]`, `in this [[files]] rule`, `at the top level`.
    fn place(&self) -> String {
        match self.path.last() {
            None => "at the top level".to_owned(),
            Some(Step::Key(_)) => format!("in [{}]", self.header()),
            Some(Step::Element) => {
                let header = self.header();
                let noun = if header.ends_with("files") { "rule" } else { "table" };
                format!("in this [[{header}]] {noun}")
            }
        }
    }

    /// What a message about a value begins with: `` `epoch` ``, `` each value of `exclude` ``.
    fn subject(&self) -> String {
        let key = self.path.iter().rev().find_map(|step| match step {
            Step::Key(key) => Some(key.as_str()),
            Step::Element => None,
        });
        let key = key.unwrap_or_default();
        match self.path.last() {
            Some(Step::Element) => format!("each value of `{key}`"),
            _ => format!("`{key}`"),
        }
    }

    /// Keys from the top down, joined as in a table's header.
    fn header(&self) -> String {
        let keys = self.path.iter().filter_map(|step| match step {
            Step::Key(key) => Some(key.as_str()),
            Step::Element => None,
        });
        keys.collect::<Vec<_>>().join(".")
    }
}

fn same_type(grammar: &Grammar, value: &DeValue<'_>) -> bool {
    matches!(
        (grammar, value),
        (Grammar::Anything, _)
            | (Grammar::Text(_), DeValue::String(_))
            | (Grammar::Integer { .. }, DeValue::Integer(_))
            | (Grammar::Boolean, DeValue::Boolean(_))
            | (Grammar::List(_), DeValue::Array(_))
            | (Grammar::Table(_), DeValue::Table(_))
    )
}

fn found(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// The mode that a number was probably meant to be: `644` and `0o644` are `0644`.
fn mode_of(digits: &str) -> Option<String> {
    let meant = format!("0{}", digits.trim_start_matches('0'));
    parse_mode(&meant).map(|_| meant)
}
