//! The tree of the file against the grammar: unknown keys, wrong types, words that are not among the choices, keys that
//! are missing, sections that are not there yet.
//!
//! Enters: a spanned tree and a [`Grammar`]. Leaves: every finding, and the tree as it was probably meant: where a finding
//! says "did you mean", what stands below is judged as that. Values are judged by type and choice only; what a value means
//! is [`super::rules`]' matter.

use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::grammar::{Grammar, Keys, Words};
use super::rules::parse_mode;
use super::schema::{NEVER, NOT_YET};
use super::suggest;
use crate::diagnostic::{Code, Diagnostic, Findings, SourceText, Span, codes};

/// What came of a check.
#[derive(Debug, Default)]
pub struct Checked {
    /// Every finding.
    pub findings: Findings,
    /// Places of keys and values that nothing can be made of: [`super::prune`] takes them out.
    pub wrong: Vec<Range<usize>>,
}

impl Checked {
    /// Takes a finding about something that nothing can be made of.
    pub fn refuse(&mut self, finding: Diagnostic, place: Range<usize>) {
        self.findings.push(finding);
        self.wrong.push(place);
    }

    /// Adds those of another check.
    pub fn extend(&mut self, other: Self) {
        self.findings.extend(other.findings);
        self.wrong.extend(other.wrong);
    }
}

/// Checks a whole file, and mends in the tree what can be told.
pub fn check(source: &Arc<SourceText>, grammar: &Grammar, tree: &mut Spanned<DeTable<'_>>) -> Checked {
    let Grammar::Table(root) = grammar else { return Checked::default() };
    let mut check = Check { source, root, path: Vec::new(), checked: Checked::default() };
    let place = tree.span();
    check.table(root, tree.get_mut(), place);
    check.checked
}

/// The key that was typed wrong where `wanted` is missing: one slip, one finding.
pub(super) fn misspelt<'t>(keys: &Keys, table: &'t DeTable<'_>, wanted: &str) -> Option<&'t str> {
    let typed = table.keys().map(|key| key.get_ref().as_ref());
    typed.into_iter().find(|&typed| !keys.known.contains_key(typed) && suggest::nearest(typed, [wanted]).is_some())
}

/// What is said of a key of [`NEVER`].
fn never(code: Code, span: &Span) -> Diagnostic {
    Diagnostic::error(code, "the C library cannot be brought along")
        .at(span, "belongs to the host")
        .help("take it out: build on the oldest distribution that it shall run on, in a `sandbox`, or link with musl")
        .help("`fitout inspect FOLDER` says which distributions have what was built needs")
        .note(
            "the loader that starts a program is the host's, and works only with the C library of its own build; name \
             services (NSS), locales and character sets (iconv) are modules of the host's build, too",
        )
}

struct Check<'a> {
    source: &'a Arc<SourceText>,
    root: &'a Keys,
    path: Vec<Step>,
    checked: Checked,
}

/// One step from the top of the file to a value.
enum Step {
    Key(String),
    Element,
}

impl Check<'_> {
    fn value(&mut self, grammar: &Grammar, value: &mut Spanned<DeValue<'_>>) {
        if let Grammar::Either(forms) = grammar {
            return match forms.iter().find(|form| same_type(form, value.get_ref())) {
                Some(form) => self.value(form, value),
                None => self.wrong_type(grammar, value),
            };
        }
        let place = value.span();
        match (grammar, value.get_mut()) {
            (Grammar::Anything, _) | (Grammar::Boolean, DeValue::Boolean(_)) => {}
            (Grammar::Text(words), DeValue::String(text)) => {
                if let Some(meant) = self.word(words, text, place) {
                    *text = meant.into();
                }
            }
            (Grammar::Integer { max }, DeValue::Integer(number)) => {
                let number = u64::from_str_radix(number.as_str(), number.radix()).ok();
                if number.is_none_or(|number| number > *max) {
                    self.out_of_range(*max, place);
                }
            }
            (Grammar::List(items), DeValue::Array(list)) => {
                self.path.push(Step::Element);
                list.iter_mut().for_each(|item| self.value(items, item));
                self.path.pop();
            }
            (Grammar::Table(keys), DeValue::Table(table)) => self.table(keys, table, place),
            _ => self.wrong_type(grammar, value),
        }
    }

    fn table(&mut self, keys: &Keys, table: &mut DeTable<'_>, place: Range<usize>) {
        self.unknown_keys(keys, table);
        for (key, value) in table.iter_mut() {
            let name = key.get_ref().as_ref();
            if let Some(grammar) = keys.grammar(name) {
                self.path.push(Step::Key(name.to_owned()));
                self.value(grammar, value);
                self.path.pop();
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

    /// Tells of each key that the table does not know. One that stands for a key which is not there gets its name.
    fn unknown_keys(&mut self, keys: &Keys, table: &mut DeTable<'_>) {
        let unknown = table.keys().filter(|key| keys.grammar(key.get_ref()).is_none());
        let unknown: Vec<(String, Range<usize>)> = unknown.map(|key| (key.get_ref().to_string(), key.span())).collect();
        for (name, place) in unknown {
            let meant = self.unknown_key(keys, &name, place.clone());
            let meant = meant.filter(|meant| !table.contains_key(*meant));
            let fits = |key: &&str| keys.grammar(key).zip(table.get(name.as_str())).is_some_and(|(g, v)| fits(g, v));
            match meant.filter(fits) {
                Some(meant) => {
                    if let Some(value) = table.remove(name.as_str()) {
                        table.insert(Spanned::new(place, meant.to_owned().into()), value);
                    }
                }
                None => self.checked.wrong.push(place),
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

    /// The key of the table that was probably meant.
    fn unknown_key<'k>(&mut self, keys: &'k Keys, name: &str, place: Range<usize>) -> Option<&'k str> {
        let span = Span::new(self.source, place);
        let later = if self.is_top_level() { NOT_YET } else { &[] };
        if let Some((section, what)) = later.iter().find(|(section, _)| *section == name) {
            self.checked.findings.push(
                Diagnostic::error(codes::CONFIG_NOT_YET, format!("this version has no `{section}` yet"))
                    .at(&span, what.to_string())
                    .help("take the section out to build without it")
                    .note("it is refused rather than ignored: the package would lack what the section asks for"),
            );
            return None;
        }
        if let Some((_, code)) = NEVER.iter().find(|(key, _)| *key == name) {
            self.checked.findings.push(never(*code, &span));
            return None;
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
        self.checked
            .findings
            .push(finding.help(format!("keys here: {}", known.clone().collect::<Vec<_>>().join(", "))));
        known.into_iter().find(|known| nearest == Some(*known))
    }

    fn missing_key(&mut self, keys: &Keys, wanted: &str, place: Range<usize>) {
        let message = format!("`{wanted}` is missing {}", self.place());
        let mut finding = Diagnostic::error(codes::CONFIG_MISSING_KEY, message)
            .at(&Span::new(self.source, place.clone()), format!("wants a key `{wanted}`"));
        if let Some(key) = keys.known.get(wanted) {
            finding = finding.help(format!("add `{wanted}`, {}: {}", key.grammar.wanted(), key.about));
        }
        self.checked.refuse(finding, place);
    }

    /// The word that was probably meant, if it is another.
    fn word(&mut self, words: &Words, text: &str, place: Range<usize>) -> Option<String> {
        if words.choices.is_empty() || words.choices.iter().any(|choice| choice == text) {
            return None;
        }
        let near = suggest::nearest(text, words.choices.iter().map(String::as_str));
        let noun = words.noun.as_deref().unwrap_or("value");
        let label = near.map_or_else(|| format!("not a {noun}"), |near| format!("did you mean `{near}`?"));
        let finding = Diagnostic::error(codes::CONFIG_INVALID_VALUE, format!("unknown {noun} `{text}`"))
            .at(&Span::new(self.source, place.clone()), label)
            .help(words.help());
        match near {
            Some(_) => self.checked.findings.push(finding),
            None => self.checked.refuse(finding, place),
        }
        near.map(str::to_owned)
    }

    fn out_of_range(&mut self, max: u64, place: Range<usize>) {
        let message = format!("{} is out of range", self.subject());
        let finding = Diagnostic::error(codes::CONFIG_INVALID_VALUE, message)
            .at(&Span::new(self.source, place.clone()), format!("must be from 0 to {max}"))
            .help(format!("write a whole number, such as `{}1`", self.assign()));
        self.checked.refuse(finding, place);
    }

    /// One where a list is wanted becomes a list of one.
    fn wrong_type(&mut self, grammar: &Grammar, value: &mut Spanned<DeValue<'_>>) {
        let (wanted, found) = (grammar.wanted(), found(value.get_ref()));
        let span = Span::new(self.source, value.span());
        let message = format!("{} must be {wanted}, not {found}", self.subject());
        let mut finding =
            Diagnostic::error(codes::CONFIG_WRONG_TYPE, message).at(&span, format!("{wanted} is wanted here"));
        if let Some(help) = self.mend(grammar, value) {
            finding = finding.help(help);
        }
        match grammar {
            Grammar::List(items) if fits(items, value) => {
                self.checked.findings.push(finding);
                let list = Spanned::new(value.span(), DeValue::Array(DeArray::new()));
                let one = std::mem::replace(value, list);
                if let DeValue::Array(list) = value.get_mut() {
                    list.push(one);
                }
                self.value(grammar, value);
            }
            _ => self.checked.refuse(finding, value.span()),
        }
    }

    /// What to type instead, where that can be told.
    fn mend(&self, grammar: &Grammar, value: &Spanned<DeValue<'_>>) -> Option<String> {
        let written = self.source.text.get(value.span()).unwrap_or_default();
        let assign = self.assign();
        let text = |grammar: &Grammar| matches!(grammar, Grammar::Text(_));
        let takes_text = text(grammar) || matches!(grammar, Grammar::Either(forms) if forms.iter().any(text));
        match (grammar, value.get_ref()) {
            (Grammar::Text(words), found) if words.noun.as_deref() == Some("mode") => {
                let usual = if assign.starts_with("dir") { "0755" } else { "0644" };
                let mode = found.as_integer().and_then(|number| mode_of(number.as_str()));
                let mode = mode.as_deref().unwrap_or(usual);
                Some(format!("a mode has a leading zero, which only a string can have: `{assign}\"{mode}\"`"))
            }
            (Grammar::Text(words), _) if !words.choices.is_empty() => Some(words.help()),
            (_, DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_)) if takes_text => {
                Some(format!("put it in quotes: `{assign}\"{written}\"`"))
            }
            (_, DeValue::Array(list)) if takes_text => {
                let one = list.first().filter(|_| list.len() == 1).and_then(|one| self.source.text.get(one.span()));
                Some(format!("take it out of the list: `{assign}{}`", one.unwrap_or("\"…\"")))
            }
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

    /// `epoch = `, where a key stands before the value.
    fn assign(&self) -> String {
        match self.path.last() {
            Some(Step::Key(key)) => format!("{key} = "),
            _ => String::new(),
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

/// Whether the value has the type that is wanted; what is in it may be wrong all the same.
fn fits(grammar: &Grammar, value: &Spanned<DeValue<'_>>) -> bool {
    match grammar {
        Grammar::Either(forms) => forms.iter().any(|form| same_type(form, value.get_ref())),
        form => same_type(form, value.get_ref()),
    }
}

/// The same for a form of an [`Grammar::Either`].
pub(super) fn same_type(grammar: &Grammar, value: &DeValue<'_>) -> bool {
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
