//! A [`Diagnostic`] as a drawing for people, as JSON for programs, as an annotation for CI.
//!
//! Enters: a diagnostic. Leaves: text; who prints it decides where. Messages and sources may quote what a hostile artifact
//! or config holds, so nothing that a terminal would obey leaves here but our own colours.

use std::borrow::Cow;
use std::fmt::Write;
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
    let annotations = labels.iter().map(|label| {
        let is_primary = primary.is_some_and(|primary| std::ptr::eq(primary, *label));
        let kind = if is_primary { AnnotationKind::Primary } else { AnnotationKind::Context };
        let text = Some(visible(&label.text)).filter(|text| !text.is_empty());
        kind.span(on_characters(&label.span)).label(text)
    });
    Snippet::source(harmless(&source.text)).path(visible(&source.name)).annotations(annotations)
}

/// The range, widened to whole characters.
fn on_characters(span: &Span) -> std::ops::Range<usize> {
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
/// line that it speaks of.
pub fn github(diagnostic: &Diagnostic) -> String {
    let command = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    };
    let mut line = format!("::{command} ");
    if let Some(label) = diagnostic.labels.first() {
        place(&mut line, &label.span);
    } else if let Some(path) = &diagnostic.path {
        property(&mut line, "file", path);
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
fn place(line: &mut String, span: &Span) {
    let ((first, column), (last, end_column)) = (span.line_column(), end(span));
    property(line, "file", &span.source.name);
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
mod tests {
    use super::*;
    use crate::diagnostic::codes;

    fn source(name: &str, text: &str) -> Arc<SourceText> {
        Arc::new(SourceText { name: name.to_owned(), text: text.to_owned() })
    }

    fn span(source: &Arc<SourceText>, part: &str) -> Span {
        let start = source.text.find(part).expect("is in the text");
        Span::new(source, start..start + part.len())
    }

    fn config() -> Arc<SourceText> {
        source("fitout.toml", "[[files]]\nfrom = \"a\"\nonwer = \"root:hello\"\n\n\n\n\nlast = 1\n")
    }

    fn unknown_key() -> Diagnostic {
        Diagnostic::error(codes::CONFIG_UNKNOWN_KEY, "unknown key `onwer` in this [[files]] rule")
            .at(&span(&config(), "onwer"), "did you mean `owner`?")
            .help("keys here: from, to")
            .note("the grammar is closed")
    }

    fn lines(lines: &[&str]) -> String {
        lines.join("\n")
    }

    #[test]
    fn draws_a_place_with_its_label() {
        let expected = lines(&[
            "error[config/unknown-key]: unknown key `onwer` in this [[files]] rule",
            " --> fitout.toml:3:1",
            "  |",
            "3 | onwer = \"root:hello\"",
            "  | ^^^^^ did you mean `owner`?",
            "  |",
            "  = help: keys here: from, to",
            "  = note: the grammar is closed",
        ]);
        assert_eq!(draw(&unknown_key(), false), expected);
    }

    #[test]
    fn draws_several_places_and_several_texts() {
        let config = config();
        let template = source("postinst.sh.hbs", "#!/bin/sh\n{{nmae}}\n");
        let diagnostic = Diagnostic::warning(codes::CONFIG_UNSET_HOLE, "no value for `nmae`")
            .at(&span(&template, "{{nmae}}"), "used here")
            .at(&span(&config, "from"), "first")
            .at(&span(&config, "last"), "");
        let expected = lines(&[
            "warning[config/unset-hole]: no value for `nmae`",
            " --> postinst.sh.hbs:2:1",
            "  |",
            "2 | {{nmae}}",
            "  | ^^^^^^^^ used here",
            "  |",
            " ::: fitout.toml:2:1",
            "  |",
            "2 | from = \"a\"",
            "  | ---- first",
            "...",
            "8 | last = 1",
            "  | ----",
        ]);
        assert_eq!(draw(&diagnostic, false), expected);
    }

    #[test]
    fn draws_a_path_where_there_is_no_text() {
        let diagnostic =
            Diagnostic::error(codes::CONFIG_NOT_FOUND, "no config here").path("a/fitout.toml").help("go on");
        let expected = lines(&["error[config/not-found]: no config here", " --> a/fitout.toml", "  = help: go on"]);
        assert_eq!(draw(&diagnostic, false), expected);
        let bare = Diagnostic::error(codes::CONFIG_NOT_FOUND, "no config here");
        assert_eq!(draw(&bare, false), "error[config/not-found]: no config here");
    }

    #[test]
    fn draws_a_path_beside_a_place() {
        let config = source("fitout.toml", "depends = []\n");
        let diagnostic = Diagnostic::error(codes::CONFIG_NOT_FOUND, "no dependency provides libz.so.1")
            .at(&span(&config, "depends"), "not here")
            .path("/usr/lib/hello/beam.smp")
            .help("add it");
        let expected = lines(&[
            "error[config/not-found]: no dependency provides libz.so.1",
            " --> fitout.toml:1:1",
            "  |",
            "1 | depends = []",
            "  | ^^^^^^^ not here",
            " ::: /usr/lib/hello/beam.smp",
            "  = help: add it",
        ]);
        assert_eq!(draw(&diagnostic, false), expected);
    }

    #[test]
    fn colour_is_the_only_difference() {
        let coloured = draw(&unknown_key(), true);
        assert!(coloured.contains("\u{1b}["));
        let mut plain = String::new();
        let mut escape = false;
        for c in coloured.chars() {
            match c {
                '\u{1b}' => escape = true,
                'm' if escape => escape = false,
                _ if escape => {}
                _ => plain.push(c),
            }
        }
        assert_eq!(plain, draw(&unknown_key(), false));
    }

    #[test]
    fn a_terminal_finds_nothing_to_obey() {
        let evil = "\u{1b}[2J\u{9b}31m\u{7}\r\u{202e}";
        let text = source(evil, &format!("a = \"{evil}\" # ü\n"));
        let diagnostic = Diagnostic::error(codes::CONFIG_SYNTAX, format!("message{evil}\nsecond line"))
            .at(&Span::new(&text, 5..9), evil)
            .at(&span(&text, "ü"), "after the controls")
            .path(evil)
            .help(evil)
            .note(evil);
        let drawing = draw(&diagnostic, false);
        assert!(drawing.chars().all(|c| c == '\n' || !(c.is_control() || c == '\u{202e}')), "{drawing:?}");
        assert!(drawing.starts_with("error[config/syntax]: message\\u{1b}[2J"), "{drawing}");
        assert!(drawing.contains("\\nsecond line"));
        assert!(github(&diagnostic).chars().all(|c| !c.is_control()));
    }

    #[test]
    fn spans_outside_or_inside_a_character_do_no_harm() {
        let text = source("x", "ü");
        for range in [0..1, 1..1, 1..2, 2..2, 9..12] {
            let span = Span { source: Arc::clone(&text), range };
            let diagnostic = Diagnostic::error(codes::CONFIG_SYNTAX, "m").at(&span, "l");
            assert!(draw(&diagnostic, false).contains("x:1:"));
        }
        let empty = source("x", "");
        assert!(
            draw(&Diagnostic::error(codes::CONFIG_SYNTAX, "m").at(&Span::new(&empty, 0..0), "l"), false).contains('l')
        );
    }

    #[test]
    fn json_says_everything() {
        let mut diagnostic = unknown_key();
        diagnostic.path = Some("dist/x.deb".to_owned());
        assert_eq!(
            json(&diagnostic),
            json!({
                "code": "config/unknown-key",
                "severity": "error",
                "message": "unknown key `onwer` in this [[files]] rule",
                "path": "dist/x.deb",
                "labels": [{
                    "file": "fitout.toml", "line": 3, "column": 1, "end": { "line": 3, "column": 6 },
                    "text": "did you mean `owner`?",
                }],
                "helps": ["keys here: from, to"],
                "notes": ["the grammar is closed"],
            })
        );
    }

    #[test]
    fn github_annotations_are_escaped() {
        assert_eq!(
            github(&unknown_key()),
            "::error file=fitout.toml,line=3,col=1,endColumn=6,title=config/unknown-key::unknown key `onwer` in this \
             [[files]] rule%0Adid you mean `owner`?%0Ahelp: keys here: from, to%0Anote: the grammar is closed"
        );
        let sly = Diagnostic::warning(codes::CONFIG_NOT_FOUND, "100 %\n::error::x").path("a,b:c%\n");
        assert_eq!(github(&sly), "::warning file=a%2Cb%3Ac%25%0A,title=config/not-found::100 %25%0A::error::x");
        let text = source("f", "one\ntwo\n");
        let both = Diagnostic::error(codes::CONFIG_SYNTAX, "m").at(&Span::new(&text, 0..7), "");
        assert_eq!(github(&both), "::error file=f,line=1,endLine=2,title=config/syntax::m");
        assert_eq!(github(&Diagnostic::error(codes::CONFIG_SYNTAX, "m")), "::error title=config/syntax::m");
    }
}
