//! Text -> Erlang terms: what `.rel` and `.app` files hold.
//!
//! Enters: the text of a file as `file:consult` takes it, terms that each end with a full stop. Leaves: the terms, or a
//! [`Diagnostic`] that points at the line and column; [`place`] finds a term of it again. Only literal terms: no variables,
//! calls or funs. Nesting is limited, so that a hostile file cannot exhaust the stack. [`number`] says what a number is
//! worth, [`print`] writes terms.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, SourceText, Span, codes};
use crate::resolve::ground::read_bytes;

pub mod make;
pub mod number;
mod print;
mod quoted;

/// Deepest nesting.
pub(crate) const DEEPEST: usize = 100;

/// One Erlang term.
#[derive(Debug, Clone, PartialEq)]
pub enum Term {
    /// `kernel`, `'Elixir.Heron'`
    Atom(String),
    /// `"text"`, also of several literals in a row
    Text(String),
    /// `<<"text">>`, `<<1,2>>`
    Binary(Vec<u8>),
    /// A number or character as written: `8`, `-1.5e3`, `16#ff`, `$a`
    Number(String),
    /// `[a, b]`; with a tail: `[a | b]`
    List(Vec<Term>, Option<Box<Term>>),
    /// `{a, b}`
    Tuple(Vec<Term>),
    /// `#{a => b}`
    Map(Vec<(Term, Term)>),
}

impl Term {
    /// The name of an atom.
    pub fn atom(&self) -> Option<&str> {
        match self {
            Self::Atom(name) => Some(name),
            _ => None,
        }
    }

    /// The characters of a string.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The elements of a tuple.
    pub fn tuple(&self) -> Option<&[Self]> {
        match self {
            Self::Tuple(all) => Some(all),
            _ => None,
        }
    }

    /// The elements of a proper list.
    pub fn list(&self) -> Option<&[Self]> {
        match self {
            Self::List(all, None) => Some(all),
            _ => None,
        }
    }

    /// The value of `{key, Value}` in a proper list.
    pub fn property(&self, key: &str) -> Option<&Self> {
        self.list()?.iter().find_map(|term| match term.tuple()? {
            [name, value] if name.atom() == Some(key) => Some(value),
            _ => None,
        })
    }
}

/// The text of a file of terms; those from before UTF-8 was the rule are Latin-1. `name` is the path that messages show.
///
/// # Errors
/// It is not there, or cannot be read.
pub(crate) fn read(path: &Path, name: &str) -> Result<Arc<SourceText>, Diagnostic> {
    let bytes = read_bytes(path, name)?;
    let text =
        String::from_utf8(bytes).unwrap_or_else(|error| error.into_bytes().into_iter().map(char::from).collect());
    Ok(Arc::new(SourceText { name: name.to_owned(), text }))
}

/// All terms of a text.
pub fn parse(source: &Arc<SourceText>) -> Result<Vec<Term>, Diagnostic> {
    let mut reader = Reader::of(&source.text, &[]);
    let mut terms = Vec::new();
    let result = loop {
        reader.blanks();
        if reader.at == reader.text.len() {
            break Ok(terms);
        }
        match reader.term(0).and_then(|term| reader.stop().map(|()| term)) {
            Ok(term) => terms.push(term),
            Err(why) => break Err(why),
        }
    };
    result.map_err(|why: &str| {
        let span = Span::new(source, reader.at..reader.at + 1);
        let (line, column) = span.line_column();
        let message = format!("`{}` is no Erlang term at line {line}, column {column}: {why}", source.name);
        Diagnostic::error(codes::RESOLVE_BAD_TERM, message)
            .at(&span, why)
            .help("release tools write this file: assemble the release anew")
    })
}

/// Where a term stands in a text that has been read: the indexes of the elements on the way down to it, from that of the
/// term in the file on.
pub fn place(source: &Arc<SourceText>, wanted: &[usize]) -> Option<Span> {
    let mut reader = Reader::of(&source.text, wanted);
    for index in 0..=*wanted.first()? {
        reader.child(index, 0).ok()?;
        reader.stop().ok()?;
    }
    reader.found.map(|range| Span::new(source, range))
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    /// Indexes on the way down to what is read.
    path: Vec<usize>,
    wanted: &'a [usize],
    found: Option<Range<usize>>,
}

type Read<T> = Result<T, &'static str>;

impl<'a> Reader<'a> {
    fn of(text: &'a str, wanted: &'a [usize]) -> Self {
        Self { text, at: 0, path: Vec::new(), wanted, found: None }
    }

    /// The element with this index of what is read.
    fn child(&mut self, index: usize, depth: usize) -> Read<Term> {
        if self.wanted.is_empty() {
            return self.term(depth);
        }
        self.blanks();
        let start = self.at;
        self.path.push(index);
        let term = self.term(depth);
        if self.path == self.wanted {
            self.found = Some(start..self.at);
        }
        self.path.pop();
        term
    }

    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn blanks(&mut self) {
        while let Some(c) = self.peek() {
            if c == '%' {
                self.at += self.rest().find('\n').unwrap_or(self.rest().len());
            } else if c.is_whitespace() {
                self.at += c.len_utf8();
            } else {
                break;
            }
        }
    }

    /// Takes `token` after blanks, if it is next.
    fn takes(&mut self, token: &str) -> bool {
        self.blanks();
        let is = self.rest().starts_with(token);
        if is {
            self.at += token.len();
        }
        is
    }

    fn stop(&mut self) -> Read<()> {
        if self.takes(".") { Ok(()) } else { Err("a full stop should end the term") }
    }

    fn term(&mut self, depth: usize) -> Read<Term> {
        if depth > DEEPEST {
            return Err("the terms are nested too deep");
        }
        self.blanks();
        match self.peek().ok_or("the file ends within a term")? {
            '{' => {
                self.at += 1;
                Ok(Term::Tuple(self.series(depth, "}")?))
            }
            '[' => {
                self.at += 1;
                self.rest_of_list(depth)
            }
            '#' if self.rest().starts_with("#{") => {
                self.at += 2;
                self.rest_of_map(depth)
            }
            '<' if self.rest().starts_with("<<") => {
                self.at += 2;
                self.rest_of_binary()
            }
            '"' => self.strings(),
            '\'' => {
                self.at += 1;
                Ok(Term::Atom(self.quoted('\'')?))
            }
            'a'..='z' => Ok(Term::Atom(self.word())),
            c if c.is_lowercase() => Ok(Term::Atom(self.word())),
            '$' | '-' | '+' | '0'..='9' => self.number(),
            _ => Err("a term should begin here"),
        }
    }

    /// Terms up to `end`, with commas between them.
    fn series(&mut self, depth: usize, end: &str) -> Read<Vec<Term>> {
        let mut all = Vec::new();
        if self.takes(end) {
            return Ok(all);
        }
        loop {
            all.push(self.child(all.len(), depth + 1)?);
            if self.takes(end) {
                return Ok(all);
            }
            if !self.takes(",") {
                return Err("a comma or the closing bracket should stand here");
            }
        }
    }

    fn rest_of_list(&mut self, depth: usize) -> Read<Term> {
        let mut all = Vec::new();
        if self.takes("]") {
            return Ok(Term::List(all, None));
        }
        loop {
            all.push(self.child(all.len(), depth + 1)?);
            if self.takes("]") {
                return Ok(Term::List(all, None));
            }
            if self.takes("|") {
                let tail = self.term(depth + 1)?;
                return if self.takes("]") { Ok(joined(all, tail)) } else { Err("`]` should end the list") };
            }
            if !self.takes(",") {
                return Err("a comma or `]` should stand here");
            }
        }
    }

    fn rest_of_map(&mut self, depth: usize) -> Read<Term> {
        let mut all = Vec::new();
        if self.takes("}") {
            return Ok(Term::Map(all));
        }
        loop {
            let key = self.term(depth + 1)?;
            if !self.takes("=>") {
                return Err("`=>` should follow the key of a map");
            }
            all.push((key, self.term(depth + 1)?));
            if self.takes("}") {
                return Ok(Term::Map(all));
            }
            if !self.takes(",") {
                return Err("a comma or `}` should stand here");
            }
        }
    }

    fn rest_of_binary(&mut self) -> Read<Term> {
        let mut bytes = Vec::new();
        if self.takes(">>") {
            return Ok(Term::Binary(bytes));
        }
        loop {
            self.blanks();
            if self.peek() == Some('"') {
                self.at += 1;
                let text = self.quoted('"')?;
                if self.takes("/utf8") {
                    bytes.extend(text.as_bytes());
                } else {
                    for c in text.chars() {
                        bytes.push(u8::try_from(u32::from(c)).map_err(|_| "a character over 255 needs `/utf8`")?);
                    }
                }
            } else {
                let digits = self.rest().find(|c: char| !c.is_ascii_digit()).unwrap_or(self.rest().len());
                bytes.push(self.rest()[..digits].parse().map_err(|_| "a byte of a binary is a number up to 255")?);
                self.at += digits;
            }
            if self.takes(">>") {
                return Ok(Term::Binary(bytes));
            }
            if !self.takes(",") {
                return Err("a comma or `>>` should stand here");
            }
        }
    }

    fn word(&mut self) -> String {
        let end = self.rest().find(|c: char| !c.is_alphanumeric() && c != '_' && c != '@').unwrap_or(self.rest().len());
        let word = self.rest()[..end].to_owned();
        self.at += end;
        word
    }

    fn number(&mut self) -> Read<Term> {
        let start = self.at;
        if self.takes("$") {
            if self.next().ok_or("a character should follow `$`")? == '\\' {
                self.escape()?;
            }
            return Ok(Term::Number(self.text[start..self.at].to_owned()));
        }
        self.at += usize::from(self.rest().starts_with(['-', '+']));
        let mut before = ' ';
        let mut digits = 0;
        while let Some(c) = self.peek() {
            let after = self.rest()[c.len_utf8()..].chars().next();
            let takes = c.is_ascii_alphanumeric()
                || c == '_'
                || c == '#'
                // A full stop of a number has a digit behind it; another ends the term.
                || c == '.' && after.is_some_and(|c| c.is_ascii_digit())
                || (c == '-' || c == '+') && (before == 'e' || before == 'E');
            if !takes {
                break;
            }
            digits += usize::from(c.is_ascii_digit());
            before = c;
            self.at += c.len_utf8();
        }
        if digits == 0 {
            Err("a number should stand here")
        } else {
            Ok(Term::Number(self.text[start..self.at].to_owned()))
        }
    }
}

/// `[a | [b]]` is `[a, b]`.
fn joined(mut all: Vec<Term>, tail: Term) -> Term {
    match tail {
        Term::List(more, end) => {
            all.extend(more);
            Term::List(all, end)
        }
        tail => Term::List(all, Some(Box::new(tail))),
    }
}

#[cfg(test)]
mod tests;
