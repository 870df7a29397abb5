//! Text -> [`Document`] -> [`Manifest`].
//!
//! Enters: the text of a config file. Leaves: a [`Document`], with every finding of its grammar at once; and from it, when
//! the overlay has been chosen, a [`Reading`]: the [`Manifest`] of all that is right, for later rooms to judge in the same
//! run. Whoever wants more than findings must see to it that there are none. Reading the file and merging overlays happen
//! elsewhere.

use std::ops::Range;
use std::sync::Arc;

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, Deserializer, Error};

use super::check::{self, Checked};
use super::grammar::Grammar;
pub use super::grammar::Vocabulary;
use super::prune::{Lost, prune};
use super::schema::{self, Manifest};
use super::{environments, rules};
use crate::diagnostic::{Diagnostic, Findings, SourceText, Span, codes, in_order};

/// A config file that was parsed.
#[derive(Debug)]
pub struct Document {
    source: Arc<SourceText>,
    grammar: Grammar,
    /// What breaks the grammar, in the order of the file.
    pub findings: Findings,
    wrong: Vec<Range<usize>>,
}

/// What a [`Document`] says, once its overlay is merged.
#[derive(Debug, Clone)]
pub struct Reading {
    /// All that is right.
    pub manifest: Manifest,
    /// What breaks the grammar.
    pub findings: Findings,
    /// The overlay that was merged.
    pub environment: Option<String>,
    lost: Lost,
}

/// Parses and checks a config file; `name` is what messages call it.
///
/// # Errors
/// It is not TOML: all such findings, in the order of the file.
pub fn load(name: &str, text: &str, known: &Vocabulary<'_>) -> Result<Document, Findings> {
    let source = Arc::new(SourceText { name: name.to_owned(), text: text.to_owned() });
    let (mut tree, errors) = DeTable::parse_recoverable(text);
    // What the parser guessed of a broken file is not worth judging: one missing quote would be ten findings.
    if !errors.is_empty() {
        return Err(in_order(errors.iter().map(|error| syntax(&source, error)).collect(), &source));
    }
    let grammar = Grammar::of(&schema::json_schema(known));
    let Checked { findings, wrong } = judge(&source, &grammar, &mut tree);
    Ok(Document { findings: in_order(findings, &source), source, grammar, wrong })
}

/// Everything that is judged without the merge; mends the tree where that can be told.
fn judge(source: &Arc<SourceText>, grammar: &Grammar, tree: &mut Spanned<DeTable<'_>>) -> Checked {
    let mut checked = check::check(source, grammar, tree);
    checked.extend(rules::check(source, grammar, tree.get_ref()));
    checked.extend(environments::check(source, tree.get_ref()));
    checked
}

impl Document {
    /// The text that all spans point into.
    pub fn source(&self) -> &Arc<SourceText> {
        &self.source
    }

    /// Points at bytes of the file, such as [`schema::At::range`].
    pub fn span(&self, range: Range<usize>) -> Span {
        Span::new(&self.source, range)
    }

    /// The file as a tree with spans, mended where findings say what was meant, and without what stands at `without` or is
    /// wrong; and the paths of that. It borrows from the text and is parsed anew, which takes microseconds.
    pub fn tree(&self, without: &[Range<usize>]) -> (Spanned<DeTable<'_>>, Lost) {
        let mut tree = DeTable::parse_recoverable(&self.source.text).0;
        judge(&self.source, &self.grammar, &mut tree);
        let lost = prune(&self.grammar, tree.get_mut(), &[&self.wrong, without].concat());
        (tree, lost)
    }

    /// Reads what [`Document::tree`] gave, as it is or with the overlay of `environment` merged into it.
    pub fn read(&self, mut tree: Spanned<DeTable<'_>>, mut lost: Lost, environment: Option<&str>) -> Reading {
        // Only the merged tree shows that a key is missing which neither the base nor the overlay has.
        let Checked { mut findings, wrong } = check::check(&self.source, &self.grammar, &mut tree);
        lost.extend(prune(&self.grammar, tree.get_mut(), &wrong));
        let mut manifest = Manifest::deserialize(Deserializer::from(tree)).unwrap_or_else(|error| {
            findings.push(self.unreadable(&error));
            lost.insert(String::new());
            Manifest::default()
        });
        manifest.assembled();
        findings.extend(self.findings.iter().cloned());
        Reading {
            manifest,
            findings: in_order(findings, &self.source),
            lost,
            environment: environment.map(str::to_owned),
        }
    }

    /// The check lets nothing pass that serde refuses; if it ever does, the place is still worth more than a panic.
    fn unreadable(&self, error: &Error) -> Diagnostic {
        let finding = Diagnostic::error(codes::CONFIG_WRONG_TYPE, error.message());
        match error.span() {
            Some(range) => finding.at(&self.span(range), ""),
            None => finding.path(&self.source.name),
        }
    }
}

impl Reading {
    /// Whether something stands at this path or below (`package.name`, `files`) that is wrong: it is not in the manifest,
    /// and all the same nobody may say that it is missing.
    pub fn lost(&self, path: &str) -> bool {
        let prefix = self.environment.as_ref().map(|name| format!("environment.{name}."));
        self.lost.iter().any(|lost| {
            let lost = prefix.as_ref().and_then(|prefix| lost.strip_prefix(prefix.as_str())).unwrap_or(lost);
            is_below(lost, path) || is_below(path, lost)
        })
    }
}

/// Whether `path` is `above` or lies in its table.
fn is_below(path: &str, above: &str) -> bool {
    path.strip_prefix(above).is_some_and(|rest| above.is_empty() || rest.is_empty() || rest.starts_with('.'))
}

fn syntax(source: &Arc<SourceText>, error: &Error) -> Diagnostic {
    let message = error.message().trim_end_matches(", expected nothing");
    let finding = Diagnostic::error(codes::CONFIG_SYNTAX, format!("this is not TOML: {message}"));
    let Some(range) = error.span() else { return finding.path(&source.name) };
    let help = unquoted(&source.text, range.start).unwrap_or_else(|| mend(error.message()));
    finding.at(&Span::new(source, range), "").help(help)
}

/// What to do about a message of the parser.
fn mend(message: &str) -> String {
    let wanted = message.split_once("expected `").and_then(|(_, rest)| rest.split('`').next());
    match wanted {
        _ if message.contains("duplicate") => {
            "a key, or a table, stands once: take one out, or join the two".to_owned()
        }
        Some(wanted) => format!("put `{wanted}` where it is missing"),
        None => "a line is `key = value` or the header of a table; texts stand in quotes".to_owned(),
    }
}

/// `version = 1.4.0` and `mode = 0644` are not even TOML: what looks like a number is a string without quotes. Says how it
/// is written, if the mistake at `at` is in such a value.
fn unquoted(text: &str, at: usize) -> Option<String> {
    let bare = |c: char| c.is_ascii_alphanumeric() || "-_.+~:/@".contains(c);
    let start = text.get(..at)?.rfind('\n').map_or(0, |newline| newline + 1);
    let line = text.get(start..)?.lines().next()?;
    let equals = line.get(..at - start)?.rfind('=')?;
    let (before, after) = (line.get(..equals)?.trim_end(), line.get(equals + 1..)?.trim_start());
    let key = before.rsplit(['{', ',', ' ', '\t']).next()?;
    let end = after.find(|c| !bare(c)).unwrap_or(after.len());
    let (value, rest) = after.split_at(end);
    let whole = rest.trim_start().is_empty() || rest.trim_start().starts_with(['#', ',', '}']);
    let name = !key.is_empty() && key.chars().all(bare);
    (name && whole && !value.is_empty()).then(|| format!("a string stands in quotes: `{key} = \"{value}\"`"))
}

#[cfg(test)]
mod tests;
