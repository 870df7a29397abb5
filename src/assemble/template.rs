//! `{name}` holes, filled when the package is built.
//!
//! Enters: a text and the values. Leaves: the text with its holes filled, or every hole that has no value. `{{` and
//! `}}` are literal braces; `${NAME}` is left alone, since it is filled at start on the host.

use std::collections::BTreeMap;
use std::ops::Range;

use super::nearest;
use crate::diagnostic::{Diagnostic, Span, codes};

/// Values of holes by name.
pub type Holes = BTreeMap<String, String>;

/// A brace that cannot be filled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Bytes of the text: the whole hole, or the lone brace.
    pub range: Range<usize>,
    /// What is wrong.
    pub kind: ProblemKind,
}

/// What is wrong with a brace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProblemKind {
    /// No value has this name.
    Unset(String),
    /// A brace that neither opens nor closes a hole.
    Lone(char),
}

impl Problem {
    /// As a finding without a place.
    pub fn diagnostic(&self, holes: &Holes) -> Diagnostic {
        match &self.kind {
            ProblemKind::Unset(name) => {
                let known: Vec<&str> = holes.keys().map(String::as_str).collect();
                let near = nearest::name(name, known.iter().copied());
                let list = known.iter().map(|known| format!("`{{{known}}}`")).collect::<Vec<_>>().join(", ");
                let error = Diagnostic::error(codes::CONFIG_UNSET_HOLE, format!("the hole `{{{name}}}` has no value"));
                let error = near.map_or(error.clone(), |near| error.help(format!("did you mean `{{{near}}}`?")));
                error.help(format!("holes with a value: {list}; a literal brace is written twice"))
            }
            ProblemKind::Lone(brace) => {
                Diagnostic::error(codes::CONFIG_UNSET_HOLE, format!("this `{brace}` belongs to no hole"))
                    .help(format!("a literal brace is written twice: `{brace}{brace}`"))
            }
        }
    }

    /// As a finding that points into the text.
    pub fn in_text(&self, holes: &Holes, source: &std::sync::Arc<crate::diagnostic::SourceText>) -> Diagnostic {
        self.diagnostic(holes).at(&Span::new(source, self.range.clone()), "")
    }
}

/// Fills the holes of `text`.
pub fn fill(text: &str, holes: &Holes) -> Result<String, Vec<Problem>> {
    Filling { text, holes, globs: false }.run()
}

/// Fills the holes of a path that may be a glob: braces that are no hole, such as `{a,b}`, stay.
pub fn fill_glob(text: &str, holes: &Holes) -> Result<String, Vec<Problem>> {
    Filling { text, holes, globs: true }.run()
}

struct Filling<'a> {
    text: &'a str,
    holes: &'a Holes,
    globs: bool,
}

impl Filling<'_> {
    fn run(&self) -> Result<String, Vec<Problem>> {
        let mut filled = String::with_capacity(self.text.len());
        let mut problems = Vec::new();
        let mut at = 0;
        while let Some(found) = self.text[at..].find(['{', '}', '$']) {
            filled.push_str(&self.text[at..at + found]);
            at += found;
            let rest = &self.text[at..];
            let taken = if rest.starts_with("${") {
                let length = reference(rest);
                filled.push_str(&rest[..length]);
                length
            } else if rest.starts_with('$') {
                filled.push('$');
                1
            } else {
                self.brace(at, &mut filled, &mut problems)
            };
            at += taken;
        }
        filled.push_str(&self.text[at..]);
        if problems.is_empty() { Ok(filled) } else { Err(problems) }
    }

    /// Handles the brace at `at`; says how many bytes it takes.
    fn brace(&self, at: usize, filled: &mut String, problems: &mut Vec<Problem>) -> usize {
        let rest = &self.text[at..];
        if !self.globs && (rest.starts_with("{{") || rest.starts_with("}}")) {
            filled.push_str(&rest[..1]);
            return 2;
        }
        let brace = if rest.starts_with('{') { '{' } else { '}' };
        let name = rest.strip_prefix('{').and_then(|inner| inner.split_once('}')).map(|(name, _)| name);
        match name.filter(|name| is_name(name)) {
            Some(name) => {
                let length = name.len() + 2;
                match self.holes.get(name) {
                    Some(value) => filled.push_str(value),
                    None => {
                        problems.push(Problem { range: at..at + length, kind: ProblemKind::Unset(name.to_owned()) });
                    }
                }
                length
            }
            None if self.globs => {
                filled.push(brace);
                1
            }
            None => {
                problems.push(Problem { range: at..at + 1, kind: ProblemKind::Lone(brace) });
                1
            }
        }
    }
}

/// Length of the `${…}` that `text` begins with, inner braces counted; of `${` alone if it never closes.
fn reference(text: &str) -> usize {
    let mut depth = 0usize;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 1 => return at + 1,
            '}' => depth -= 1,
            // A reference does not span lines: what looks like one is then a stray brace of the host's own text.
            '\n' => break,
            _ => {}
        }
    }
    2
}

/// `version`, `rust-target`, `env.NAME`
fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holes() -> Holes {
        [("name", "hello"), ("version", "1.2"), ("odd", "{name}")].map(|(k, v)| (k.to_owned(), v.to_owned())).into()
    }

    #[test]
    fn holes_are_filled_once() {
        let filled = |text: &str| fill(text, &holes()).unwrap();
        assert_eq!(filled("/usr/lib/{name}/{version}"), "/usr/lib/hello/1.2");
        assert_eq!(filled("{{name}} {{{name}}}"), "{name} {hello}");
        assert_eq!(filled("{odd}"), "{name}", "a value is not looked at again");
        assert_eq!(filled("${HOME}/${A:-${B}}/$C {name}"), "${HOME}/${A:-${B}}/$C hello");
        assert_eq!(filled("${{name}}"), "${{name}}", "what follows a dollar is the host's");
        assert_eq!(filled("ünïcode {name} é"), "ünïcode hello é");
        assert_eq!(filled(""), "");
        assert_eq!(fill_glob("t/{name}/*.{a,b}", &holes()).unwrap(), "t/hello/*.{a,b}");
    }

    #[test]
    fn every_unset_hole_is_found() {
        let problems = fill("{nmae} and {b} and { x", &holes()).unwrap_err();
        let kinds: Vec<_> = problems.iter().map(|p| p.kind.clone()).collect();
        assert_eq!(kinds, [ProblemKind::Unset("nmae".into()), ProblemKind::Unset("b".into()), ProblemKind::Lone('{')]);
        assert_eq!(problems[0].range, 0..6);
        let told = problems[0].diagnostic(&holes());
        assert_eq!(told.code, codes::CONFIG_UNSET_HOLE);
        assert_eq!(told.helps[0], "did you mean `{name}`?");
        assert!(told.helps[1].contains("`{version}`"));
        assert_eq!(fill("a } b", &holes()).unwrap_err()[0].kind, ProblemKind::Lone('}'));
        assert_eq!(fill("${open\n{name} {", &holes()).unwrap_err().len(), 1);
        assert!(fill_glob("{nope}", &holes()).is_err());
    }
}
