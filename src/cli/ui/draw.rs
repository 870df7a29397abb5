//! A [`Diagnostic`] as a drawing for people, as JSON for programs, as an annotation for CI.
//!
//! Enters: a diagnostic. Leaves: text; who prints it decides where. Messages and sources may quote what a hostile artifact
//! or config holds, so nothing that a terminal would obey leaves here but our own colours.

use std::borrow::Cow;
use std::fmt::Write;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Element, Group, Level, Origin, Renderer, Snippet};
use serde_json::{Value, json};

use crate::diagnostic::{Diagnostic, Label, Severity, SourceText, Span};

/// The drawing: message, underlined places, helps, notes; no newline at the end.
pub fn draw(diagnostic: &Diagnostic, color: bool) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let mut group = Group::with_title(level.primary_title(visible(&diagnostic.message)).id(diagnostic.code.name));
    for (source, labels) in by_source(diagnostic) {
        group = group.element(snippet(source, &labels, diagnostic.labels.first()));
    }
    if let Some(path) = &diagnostic.path {
        group = group.element(Origin::path(visible(path)));
    }
    let helps = diagnostic.helps.iter().map(|help| Element::from(Level::HELP.message(visible(help))));
    let notes = diagnostic.notes.iter().map(|note| Element::from(Level::NOTE.message(visible(note))));
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let drawing = renderer.render(&[group.elements(helps).elements(notes)]);
    // Without a source line there are no line numbers to align with: one column, so that arrows stand as elsewhere.
    if diagnostic.labels.is_empty() { drawing.replace('\n', "\n ") } else { drawing }
}

/// Labels by the text that they point into; texts in the order in which they are first named.
fn by_source(diagnostic: &Diagnostic) -> Vec<(&Arc<SourceText>, Vec<&Label>)> {
    let mut sources: Vec<(&Arc<SourceText>, Vec<&Label>)> = Vec::new();
    for label in &diagnostic.labels {
        match sources.iter_mut().find(|(source, _)| **source == label.span.source) {
            Some((_, labels)) => labels.push(label),
            None => sources.push((&label.span.source, vec![label])),
        }
    }
    sources
}

fn snippet<'a>(
    source: &'a SourceText,
    labels: &[&'a Label],
    primary: Option<&Label>,
) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
    let ranges: Vec<Range<usize>> = labels.iter().map(|label| on_characters(&label.span)).collect();
    let window = lines_around(&source.text, &ranges);
    let line = source.text[..window.start].matches('\n').count() + 1;
    let annotations = labels.iter().zip(ranges).map(|(label, range)| {
        let is_primary = primary.is_some_and(|primary| std::ptr::eq(primary, *label));
        let kind = if is_primary { AnnotationKind::Primary } else { AnnotationKind::Context };
        let text = Some(visible(&label.text)).filter(|text| !text.is_empty());
        kind.span(range.start - window.start..range.end - window.start).label(text)
    });
    Snippet::source(harmless(&source.text[window.clone()]))
        .line_start(line)
        .path(visible(&source.name))
        .annotations(annotations)
}

/// The whole lines that hold the ranges: the renderer goes through all that it is given, once for every diagnostic.
fn lines_around(text: &str, ranges: &[Range<usize>]) -> Range<usize> {
    let first = ranges.iter().map(|range| range.start).min().unwrap_or_default();
    let last = ranges.iter().map(|range| range.end).max().unwrap_or_default();
    let start = text[..first].rfind('\n').map_or(0, |newline| newline + 1);
    let end = text[last..].find('\n').map_or(text.len(), |newline| last + newline);
    start..end
}

/// The range, widened to whole characters.
fn on_characters(span: &Span) -> Range<usize> {
    let text = &span.source.text;
    let (mut start, mut end) = (span.range.start.min(text.len()), span.range.end.min(text.len()));
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    while !text.is_char_boundary(end) {
        end += 1;
    }
    start..end.max(start)
}

/// A source text without the controls U+0080 to U+009F, which the renderer lets through and some terminals obey. The
/// stand-in has as many bytes, so that spans still fit.
fn harmless(text: &str) -> Cow<'_, str> {
    let obeyed = |c: char| ('\u{80}'..='\u{9f}').contains(&c);
    if text.contains(obeyed) { Cow::Owned(text.replace(obeyed, "\u{b7}")) } else { Cow::Borrowed(text) }
}

/// A message with its control and direction characters spelled out (`\u{1b}`), on one line.
fn visible(text: &str) -> Cow<'_, str> {
    let invisible = |c: char| {
        c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if !text.contains(invisible) {
        return Cow::Borrowed(text);
    }
    let mut spelled = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if invisible(c) {
            spelled.extend(c.escape_default());
        } else {
            spelled.push(c);
        }
    }
    Cow::Owned(spelled)
}

/// The diagnostic as JSON. Lines and columns count from 1, columns in characters; `end` is the place after the last
/// character; `path` is null where no file is concerned.
pub fn json(diagnostic: &Diagnostic) -> Value {
    let labels: Vec<Value> = diagnostic.labels.iter().map(label_json).collect();
    json!({
        "code": diagnostic.code.name,
        "severity": severity(diagnostic.severity),
        "message": diagnostic.message,
        "path": diagnostic.path,
        "labels": labels,
        "helps": diagnostic.helps,
        "notes": diagnostic.notes,
    })
}

fn label_json(label: &Label) -> Value {
    let (line, column) = label.span.line_column();
    let (end_line, end_column) = end(&label.span);
    json!({
        "file": label.span.source.name,
        "line": line,
        "column": column,
        "end": { "line": end_line, "column": end_column },
        "text": label.text,
    })
}

fn end(span: &Span) -> (usize, usize) {
    let range = on_characters(span);
    Span::new(&span.source, range.end..range.end).line_column()
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

/// The diagnostic as a workflow command of GitHub Actions, one line without newline: the runner shows it beside the
/// line that it speaks of. `folder` is where relative paths begin, seen from the top of the repository.
pub fn github(diagnostic: &Diagnostic, folder: &Path) -> String {
    let command = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    };
    let mut line = format!("::{command} ");
    if let Some(label) = diagnostic.labels.first() {
        place(&mut line, &label.span, folder);
    } else if let Some(path) = diagnostic.path.as_deref().filter(|path| !path.starts_with('/')) {
        property(&mut line, "file", &folder.join(path).display().to_string());
    }
    property(&mut line, "title", diagnostic.code.name);
    line.pop();
    line.push_str("::");
    line.push_str(&command_text(&diagnostic.message));
    let label = diagnostic.labels.first().map(|label| label.text.as_str()).filter(|text| !text.is_empty());
    let helps = diagnostic.helps.iter().map(|help| format!("help: {help}"));
    let notes = diagnostic.notes.iter().map(|note| format!("note: {note}"));
    for text in label.map(str::to_owned).into_iter().chain(helps).chain(notes) {
        line.push_str("%0A");
        line.push_str(&command_text(&text));
    }
    line
}

/// Columns are only taken on one line: with `endLine` elsewhere the runner ignores them.
fn place(line: &mut String, span: &Span, folder: &Path) {
    let ((first, column), (last, end_column)) = (span.line_column(), end(span));
    property(line, "file", &folder.join(&span.source.name).display().to_string());
    property(line, "line", &first.to_string());
    if first == last {
        property(line, "col", &column.to_string());
        if end_column > column {
            property(line, "endColumn", &end_column.to_string());
        }
    } else {
        property(line, "endLine", &last.to_string());
    }
}

fn property(line: &mut String, name: &str, value: &str) {
    let value = command_text(value).replace(':', "%3A").replace(',', "%2C");
    write!(line, "{name}={value},").expect("writing to a string cannot fail");
}

/// What the runner decodes in the text of a command; other controls are spelled out.
fn command_text(text: &str) -> String {
    visible(&text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")).into_owned()
}

#[cfg(test)]
mod tests;
