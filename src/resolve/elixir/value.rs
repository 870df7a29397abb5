//! Tokens -> values, as far as they are literals.
//!
//! Enters: the tokens of a file. Leaves: values with their lines; an expression that is no literal is one of kind
//! [`Form::Other`], and reading goes on behind it. Attributes stand for their first scalar. Nesting is limited.

use std::collections::BTreeMap;

use super::{Kind, Token};

/// Deepest nesting that is looked into.
const DEEPEST: usize = 64;
/// Longest text of an expression that is shown.
const LONGEST: usize = 60;

/// A value and where it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Value {
    pub form: Form,
    /// From 1.
    pub line: usize,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Form {
    /// `:name`, `true`, `nil`
    Atom(String),
    /// `Mix.Releases.Config`
    Module(String),
    /// A string or charlist.
    Text(String),
    /// As written.
    Number(String),
    /// `[a, b]`; `key: value` is the tuple `{:key, value}`, as it is in Elixir.
    List(Vec<Value>),
    /// `{a, b}`
    Tuple(Vec<Value>),
    /// `%{a => b}`
    Map(Vec<(Value, Value)>),
    /// No literal: the beginning of its text.
    Other(String),
}

impl Value {
    /// The name of an atom.
    pub fn atom(&self) -> Option<&str> {
        match &self.form {
            Form::Atom(name) => Some(name),
            _ => None,
        }
    }

    /// The characters of a string.
    pub fn text(&self) -> Option<&str> {
        match &self.form {
            Form::Text(text) => Some(text),
            _ => None,
        }
    }

    /// `true` or `false`.
    pub fn bool(&self) -> Option<bool> {
        match self.atom()? {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }

    /// The elements of a list.
    pub fn list(&self) -> Option<&[Self]> {
        match &self.form {
            Form::List(all) => Some(all),
            _ => None,
        }
    }

    /// The elements of a tuple.
    pub fn tuple(&self) -> Option<&[Self]> {
        match &self.form {
            Form::Tuple(all) => Some(all),
            _ => None,
        }
    }

    /// Key and value of `{:key, value}`.
    pub fn pair(&self) -> Option<(&str, &Self)> {
        match self.tuple()? {
            [key, value] => Some((key.atom()?, value)),
            _ => None,
        }
    }

    /// The pairs of a keyword list.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &Self)> {
        self.list().unwrap_or_default().iter().filter_map(Self::pair)
    }

    /// Whether something in it is no literal; that one.
    pub fn other(&self) -> Option<&Self> {
        match &self.form {
            Form::Other(_) => Some(self),
            Form::List(all) | Form::Tuple(all) => all.iter().find_map(Self::other),
            Form::Map(pairs) => pairs.iter().find_map(|(key, value)| key.other().or_else(|| value.other())),
            _ => None,
        }
    }

    /// As Elixir writes it, in one line.
    pub fn spelled(&self) -> String {
        let all = |values: &[Self]| values.iter().map(Self::element).collect::<Vec<_>>().join(", ");
        match &self.form {
            Form::Atom(name) if matches!(name.as_str(), "true" | "false" | "nil") => name.clone(),
            Form::Atom(name) if is_plain(name) => format!(":{name}"),
            Form::Atom(name) => format!(":{name:?}"),
            Form::Module(name) => name.clone(),
            Form::Text(text) => format!("{text:?}"),
            Form::Number(number) => number.clone(),
            Form::List(values) => format!("[{}]", all(values)),
            Form::Tuple(values) => {
                let values: Vec<String> = values.iter().map(Self::spelled).collect();
                format!("{{{}}}", values.join(", "))
            }
            Form::Map(pairs) => {
                let pairs: Vec<String> =
                    pairs.iter().map(|(k, v)| format!("{} => {}", k.spelled(), v.spelled())).collect();
                format!("%{{{}}}", pairs.join(", "))
            }
            Form::Other(text) => text.clone(),
        }
    }

    /// An element of a list.
    fn element(&self) -> String {
        match self.pair() {
            Some((key, value)) if is_plain(key) => format!("{key}: {}", value.spelled()),
            _ => self.spelled(),
        }
    }
}

fn is_plain(name: &str) -> bool {
    name.starts_with(|c: char| c.is_alphabetic() || c == '_') && name.chars().all(|c| c.is_alphanumeric() || c == '_')
}

/// Reads values from tokens, one after the other.
pub(crate) struct Reader<'a> {
    text: &'a str,
    tokens: &'a [Token],
    /// What stands behind the first of each name, if it is a scalar.
    attributes: BTreeMap<&'a str, Form>,
    /// Index of the next token.
    pub at: usize,
}

impl<'a> Reader<'a> {
    /// Of a text and its tokens, from the token with this index on.
    pub fn new(text: &'a str, tokens: &'a [Token], at: usize) -> Self {
        let mut attributes = BTreeMap::new();
        for pair in tokens.windows(2) {
            if let (Kind::Attribute(name), Some(form)) = (&pair[0].kind, scalar(&pair[1].kind)) {
                attributes.entry(name.as_str()).or_insert(form);
            }
        }
        Self { text, tokens, attributes, at }
    }

    /// The next token.
    pub fn peek(&self) -> Option<&'a Kind> {
        self.tokens.get(self.at).map(|token| &token.kind)
    }

    /// Line of the next token, or of the last.
    pub fn line(&self) -> usize {
        self.tokens.get(self.at).or(self.tokens.last()).map_or(1, |token| token.line)
    }

    /// Takes the next token if it is this one.
    pub fn takes(&mut self, kind: &Kind) -> bool {
        let is = self.peek() == Some(kind);
        self.at += usize::from(is);
        is
    }

    /// Passes over line ends.
    pub fn lines(&mut self) {
        while self.takes(&Kind::Newline) {}
    }

    /// A value; line ends do not end it between brackets.
    pub fn value(&mut self, between_brackets: bool) -> Value {
        self.nested(between_brackets, 0)
    }

    /// `key: value, key: value` up to the end of the line, as behind `set` or `use X,`.
    pub fn keywords(&mut self) -> Vec<(String, Value)> {
        let mut all = Vec::new();
        while let Some(Kind::Key(key)) = self.peek() {
            self.at += 1;
            self.lines();
            all.push((key.clone(), self.value(false)));
            if !self.takes(&Kind::Sign(',')) {
                break;
            }
            self.lines();
        }
        all
    }

    fn nested(&mut self, between_brackets: bool, depth: usize) -> Value {
        if between_brackets {
            self.lines();
        }
        let (start, line) = (self.at, self.line());
        let form = if depth < DEEPEST { self.literal(depth) } else { None };
        match form {
            Some(form) if self.is_over(between_brackets) => Value { form, line },
            _ => {
                self.skip(between_brackets);
                // Something is taken in any case, but for what ends an expression.
                Value { form: Form::Other(self.shown(start)), line }
            }
        }
    }

    /// Whether nothing follows that belongs to the expression.
    fn is_over(&self, between_brackets: bool) -> bool {
        match self.peek() {
            None => true,
            Some(Kind::Newline) => {
                let next = self.tokens[self.at..].iter().map(|token| &token.kind).find(|kind| **kind != Kind::Newline);
                match next {
                    Some(kind) if between_brackets => ends(kind),
                    // `|> trim()` on a line of its own
                    next => next != Some(&Kind::Sign('|')),
                }
            }
            Some(kind) => ends(kind),
        }
    }

    fn literal(&mut self, depth: usize) -> Option<Form> {
        let kind = self.peek()?;
        let form = match kind {
            Kind::Sign('[') => {
                self.at += 1;
                return Some(Form::List(self.items(']', depth).0));
            }
            Kind::Sign('{') => {
                self.at += 1;
                return Some(Form::Tuple(self.items('}', depth).0));
            }
            Kind::Sign('%') if self.tokens.get(self.at + 1).is_some_and(|t| t.kind == Kind::Sign('{')) => {
                self.at += 2;
                let (values, mut pairs) = self.items('}', depth);
                let keyed = values.into_iter().map(|value| match value.form {
                    Form::Tuple(mut pair) if pair.len() == 2 => {
                        let second = pair.pop();
                        pair.pop().zip(second)
                    }
                    _ => None,
                });
                pairs.extend(keyed.collect::<Option<Vec<_>>>()?);
                return Some(Form::Map(pairs));
            }
            Kind::Sign('-') => match self.tokens.get(self.at + 1).map(|token| &token.kind) {
                Some(Kind::Number(number)) => {
                    self.at += 1;
                    Form::Number(format!("-{number}"))
                }
                _ => return None,
            },
            Kind::Attribute(name) => self.attributes.get(name.as_str())?.clone(),
            kind => scalar(kind)?,
        };
        self.at += 1;
        Some(form)
    }

    /// The items up to a closing bracket: values and, in a map, pairs with an arrow.
    fn items(&mut self, close: char, depth: usize) -> (Vec<Value>, Vec<(Value, Value)>) {
        let (mut values, mut pairs) = (Vec::new(), Vec::new());
        loop {
            self.lines();
            let line = self.line();
            match self.peek() {
                None => break,
                Some(Kind::Sign(sign)) if *sign == close => {
                    self.at += 1;
                    break;
                }
                Some(Kind::Key(key)) => {
                    self.at += 1;
                    let value = self.nested(true, depth + 1);
                    let key = Value { form: Form::Atom(key.clone()), line };
                    values.push(Value { form: Form::Tuple(vec![key, value]), line });
                }
                Some(_) => {
                    let before = self.at;
                    let value = self.nested(true, depth + 1);
                    self.lines();
                    if self.takes(&Kind::Arrow) {
                        pairs.push((value, self.nested(true, depth + 1)));
                    } else if self.at > before {
                        values.push(value);
                    } else {
                        // A bracket that fits nothing.
                        self.at += 1;
                    }
                }
            }
            self.lines();
            self.takes(&Kind::Sign(','));
        }
        (values, pairs)
    }

    /// Passes over what is left of an expression, brackets included; outside of brackets a `do` ends it.
    pub fn skip(&mut self, between_brackets: bool) {
        self.pass(between_brackets, between_brackets);
    }

    /// Passes over what is left of a statement, with its block.
    pub fn statement(&mut self) {
        self.pass(false, true);
    }

    /// `with_blocks` takes `do … end` for a part of it.
    fn pass(&mut self, between_brackets: bool, with_blocks: bool) {
        let (mut brackets, mut blocks) = (0_usize, 0_usize);
        while let Some(kind) = self.peek() {
            let is_do = matches!(kind, Kind::Word(word) if word == "do");
            if brackets == 0 && blocks == 0 {
                let is_end = match kind {
                    Kind::Newline => !between_brackets && self.is_over(false),
                    _ if is_do => !with_blocks,
                    kind => ends(kind),
                };
                if is_end {
                    return;
                }
            }
            match kind {
                Kind::Sign('(' | '[' | '{') => brackets += 1,
                Kind::Sign(')' | ']' | '}') => brackets = brackets.saturating_sub(1),
                Kind::Word(word) if is_do || word == "fn" => blocks += 1,
                Kind::Word(word) if word == "end" => blocks = blocks.saturating_sub(1),
                _ => {}
            }
            self.at += 1;
        }
    }

    /// Text from the token with this index to here, in one line.
    pub fn shown(&self, start: usize) -> String {
        let end = self.at.min(self.tokens.len());
        let (Some(first), Some(last)) = (self.tokens.get(start), end.checked_sub(1).and_then(|n| self.tokens.get(n)))
        else {
            return String::new();
        };
        let text = self.text.get(first.start..last.end.max(first.start)).unwrap_or_default();
        let words: Vec<&str> = text.split_whitespace().collect();
        let line = words.join(" ");
        match line.char_indices().nth(LONGEST) {
            Some((at, _)) => format!("{}…", &line[..at]),
            None => line,
        }
    }
}

/// Whether a token ends an expression before it.
fn ends(kind: &Kind) -> bool {
    match kind {
        Kind::Sign(sign) => matches!(sign, ',' | ']' | '}' | ')' | ';'),
        Kind::Word(word) => word == "do" || word == "end",
        Kind::Arrow | Kind::Newline => true,
        _ => false,
    }
}

fn scalar(kind: &Kind) -> Option<Form> {
    Some(match kind {
        Kind::Atom(name) => Form::Atom(name.clone()),
        Kind::Alias(name) => Form::Module(name.clone()),
        Kind::Text(text) => Form::Text(text.clone()?),
        Kind::Number(number) => Form::Number(number.clone()),
        Kind::Word(word) if matches!(word.as_str(), "true" | "false" | "nil") => Form::Atom(word.clone()),
        Kind::Words(words, atoms) => {
            let form = |word: &String| if *atoms { Form::Atom(word.clone()) } else { Form::Text(word.clone()) };
            Form::List(words.iter().map(|word| Value { form: form(word), line: 0 }).collect())
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
