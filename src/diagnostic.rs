//! One type for errors and for lint findings.
//!
//! Enters: a [`Code`] from [`codes`], a message, the places it speaks of. Leaves: a [`Diagnostic`] that the
//! command line draws, prints as JSON, or turns into a CI annotation. Nothing is printed here.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

pub mod codes;
pub use codes::{Code, Fault};

/// How much a [`Diagnostic`] weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing; never changes the exit code.
    Note,
    /// Probably not what was meant; fails `lint --deny warnings`.
    Warning,
    /// Stops the verb.
    Error,
}

/// A text that spans point into: the config file, a template, a changelog.
#[derive(Debug, PartialEq, Eq)]
pub struct SourceText {
    /// The name to show, relative to the project, with `/` as separator.
    pub name: String,
    /// The whole text.
    pub text: String,
}

/// A byte range of a [`SourceText`].
#[derive(Clone, PartialEq, Eq)]
pub struct Span {
    /// The text that is pointed into.
    pub source: Arc<SourceText>,
    /// Bytes of `source.text`.
    pub range: Range<usize>,
}

impl Span {
    /// Points at `range` of `source`; a range that leaves the text is clamped to it.
    pub fn new(source: &Arc<SourceText>, range: Range<usize>) -> Self {
        let end = range.end.min(source.text.len());
        Self { source: Arc::clone(source), range: range.start.min(end)..end }
    }

    /// Line and column of the start, both counted from 1, the column in characters.
    pub fn line_column(&self) -> (usize, usize) {
        let mut start = self.range.start;
        while !self.source.text.is_char_boundary(start) {
            start -= 1;
        }
        let before = &self.source.text[..start];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        (line, column)
    }
}

/// Without the text, which every fact of a plan would show again.
impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{:?}", self.source.name, self.range)
    }
}

/// `fitout.toml:22`: the place, as a person would type it.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.source.name, self.line_column().0)
    }
}

/// A span with what is to be said of it. The first label of a [`Diagnostic`] is the primary one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// A few words beside the underline; may be empty.
    pub text: String,
}

/// What went wrong, where, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// The stable code; its page is `fitout explain CODE`.
    pub code: Code,
    /// How much it weighs.
    pub severity: Severity,
    /// One sentence without a full stop; what would be typed stands in backticks.
    pub message: String,
    /// Places in texts, the primary one first.
    pub labels: Vec<Label>,
    /// A file or artifact path that it concerns, where there is no text to point into.
    pub path: Option<String>,
    /// What to do, each one line.
    pub helps: Vec<String>,
    /// What else to know, each one line.
    pub notes: Vec<String>,
}

impl Diagnostic {
    /// An error.
    pub fn error(code: Code, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Error, message)
    }

    /// A warning.
    pub fn warning(code: Code, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Warning, message)
    }

    fn new(code: Code, severity: Severity, message: impl Into<String>) -> Self {
        Self {
            code,
            severity,
            message: message.into(),
            labels: Vec::new(),
            path: None,
            helps: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Points at a place.
    #[must_use]
    pub fn at(mut self, span: &Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span: span.clone(), text: text.into() });
        self
    }

    /// Points at where `origin` says the thing came from, if that is a place in a text; else says so in a note.
    #[must_use]
    pub fn at_origin(self, origin: &Origin, text: impl Into<String>) -> Self {
        match origin {
            Origin::Config(span) => self.at(span, text),
            Origin::Preset { .. } | Origin::Template { .. } | Origin::Generated { .. } => {
                let note = format!("from {origin}");
                if self.notes.contains(&note) { self } else { self.note(note) }
            }
            Origin::Ladder { .. } | Origin::Dropped { .. } | Origin::Implied | Origin::Default => self,
        }
    }

    /// Where it points into `source`: its first label there.
    pub fn span_in(&self, source: &Arc<SourceText>) -> Option<&Span> {
        self.labels.iter().map(|label| &label.span).find(|span| Arc::ptr_eq(&span.source, source))
    }

    /// Names the file that it concerns.
    #[must_use]
    pub fn path(mut self, path: impl AsRef<std::path::Path>) -> Self {
        self.path = Some(path.as_ref().display().to_string());
        self
    }

    /// Adds a help line.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.helps.push(help.into());
        self
    }

    /// Adds a note line.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.name, self.message)
    }
}

impl std::error::Error for Diagnostic {}

/// Where a fact, an entry, an owner or a mode came from: feeds `explain`, conflict errors and lint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A place in the config file.
    Config(Span),
    /// A preset laid it down: preset name and what it took it for (`otp`, `release tree`).
    Preset {
        /// The preset's name, as in `[build] preset`.
        preset: &'static str,
        /// A few words: what the preset took it for, or the file that it read.
        what: String,
    },
    /// A template made it.
    Template {
        /// The template's name, as `fitout templates list` shows it.
        name: &'static str,
    },
    /// Made by fitout itself for a format: `copyright`, `changelog.Debian.gz`.
    Generated {
        /// What it is for, a few words.
        what: &'static str,
    },
    /// A step of the ladder of owners and modes that has no place of its own: `role doc`, `the file's x bit`.
    Ladder {
        /// The step.
        step: &'static str,
    },
    /// The same, where the mode on the builder said more: it was closed to others, or had setuid, setgid or sticky.
    Dropped {
        /// The step.
        step: &'static str,
        /// The mode on the builder.
        mode: u32,
    },
    /// A parent directory of something that was asked for.
    Implied,
    /// The default.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(span) => span.fmt(f),
            Self::Preset { preset, what } => write!(f, "preset {preset}: {what}"),
            Self::Template { name } => write!(f, "template {name}"),
            Self::Generated { what } => write!(f, "generated: {what}"),
            Self::Ladder { step } => f.write_str(step),
            Self::Dropped { step, mode } => {
                write!(f, "{step}; its {mode:04o} on the builder is not kept")
            }
            Self::Implied => f.write_str("parent directory"),
            Self::Default => f.write_str("default"),
        }
    }
}

/// One error, in the rooms where many at once are not the rule.
pub type Result<T, E = Diagnostic> = std::result::Result<T, E>;
/// All findings of a pass.
pub type Findings = Vec<Diagnostic>;

/// Sorts by place, as `source` is read; behind them those of other texts, last those without a place.
pub fn in_order(mut findings: Findings, source: &Arc<SourceText>) -> Findings {
    findings.sort_by_key(|finding| match finding.span_in(source) {
        Some(span) => (0, span.range.start),
        None => (if finding.labels.is_empty() { 2 } else { 1 }, 0),
    });
    findings
}

/// Whether one of them stops the verb.
pub fn has_errors(findings: &[Diagnostic]) -> bool {
    findings.iter().any(|finding| finding.severity == Severity::Error)
}
