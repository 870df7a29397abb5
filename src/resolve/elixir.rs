//! Text of Elixir -> its words: as much of the language as it takes to find literals in `mix.exs` and the like.
//!
//! Enters: any text. Leaves: tokens with their lines; nothing is refused, and what is not understood is a token of its own.
//! No Elixir is run. Not here: what the words make together (`value`).

pub(crate) mod value;

/// A word or sign, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub kind: Kind,
    /// From 1.
    pub line: usize,
    /// First byte.
    pub start: usize,
    /// Behind the last byte.
    pub end: usize,
}

/// What a token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `:name`, `:"any text"`
    Atom(String),
    /// `name:` before a value
    Key(String),
    /// A string or charlist; none if something is interpolated.
    Text(Option<String>),
    /// `~w(a b)`; atoms with the modifier `a`.
    Words(Vec<String>, bool),
    /// `Mix.Releases.Config`
    Alias(String),
    /// `do`, `version`, `File`-less calls such as `releases`
    Word(String),
    /// `@version`
    Attribute(String),
    /// As written.
    Number(String),
    /// `=>`
    Arrow,
    /// The end of a line, which ends an expression outside of brackets; one for empty lines behind it, too.
    Newline,
    /// Any other sign; also a sigil that is not looked into.
    Sign(char),
}

/// Bytes of a text that are looked at; no project file is longer.
const LONGEST: usize = 1 << 20;

/// All tokens of a text.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let mut end = text.len().min(LONGEST);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let mut lexer = Lexer { text: &text[..end], at: 0, line: 1 };
    let mut all = Vec::new();
    while let Some(c) = lexer.peek() {
        let (line, start) = (lexer.line, lexer.at);
        let is_empty_line = |kind: &Kind| *kind == Kind::Newline && ends_with(&all, &Kind::Newline);
        if let Some(kind) = lexer.token(c).filter(|kind| !is_empty_line(kind)) {
            all.push(Token { kind, line, start, end: lexer.at });
        }
    }
    all
}

fn ends_with(all: &[Token], kind: &Kind) -> bool {
    all.last().is_some_and(|token| token.kind == *kind)
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    line: usize,
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        self.line += usize::from(c == '\n');
        Some(c)
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let taken = &rest[..rest.find(|c| !wanted(c)).unwrap_or(rest.len())];
        self.line += taken.matches('\n').count();
        self.at += taken.len();
        taken
    }

    /// Takes the token that begins with `c`; none for blanks and comments.
    fn token(&mut self, c: char) -> Option<Kind> {
        match c {
            '#' => {
                self.take_while(|c| c != '\n');
                None
            }
            '\n' => {
                self.next();
                Some(Kind::Newline)
            }
            // A line that goes on.
            '\\' if self.rest().starts_with("\\\n") => {
                self.next();
                self.next();
                None
            }
            c if c.is_whitespace() => {
                self.next();
                None
            }
            '"' | '\'' => Some(self.quoted(c)),
            ':' => Some(self.after_colon()),
            '~' => Some(self.sigil()),
            '?' if self.rest().len() > 1 => {
                self.next();
                if self.next() == Some('\\') {
                    self.next();
                }
                Some(Kind::Number("?".to_owned()))
            }
            '@' => {
                self.next();
                let name = self.take_while(is_word);
                Some(if name.is_empty() { Kind::Sign('@') } else { Kind::Attribute(name.to_owned()) })
            }
            '0'..='9' => {
                let mut number = self.take_while(is_word).to_owned();
                if self.rest().starts_with('.') && self.rest()[1..].starts_with(|c: char| c.is_ascii_digit()) {
                    self.next();
                    number = format!("{number}.{}", self.take_while(is_word));
                }
                Some(Kind::Number(number))
            }
            c if c.is_uppercase() => Some(self.alias()),
            c if is_word(c) => Some(self.word()),
            '=' if self.rest().starts_with("=>") => {
                self.at += 2;
                Some(Kind::Arrow)
            }
            c => {
                self.next();
                Some(Kind::Sign(c))
            }
        }
    }

    fn alias(&mut self) -> Kind {
        let mut name = self.take_while(is_word).to_owned();
        while self.rest().starts_with('.') && self.rest()[1..].starts_with(char::is_uppercase) {
            self.next();
            name = format!("{name}.{}", self.take_while(is_word));
        }
        // `Heron: value`
        if self.takes_key() { Kind::Key(name) } else { Kind::Alias(name) }
    }

    fn word(&mut self) -> Kind {
        let mut name = self.take_while(is_word).to_owned();
        if let Some(mark @ ('?' | '!')) = self.peek() {
            self.next();
            name.push(mark);
        }
        if self.takes_key() { Kind::Key(name) } else { Kind::Word(name) }
    }

    /// Takes the colon of a key, which a blank follows.
    fn takes_key(&mut self) -> bool {
        let is = self.rest().strip_prefix(':').is_some_and(|rest| rest.starts_with(char::is_whitespace));
        self.at += usize::from(is);
        is
    }

    fn after_colon(&mut self) -> Kind {
        self.next();
        match self.peek() {
            Some(quote @ ('"' | '\'')) => match self.string(quote, 1) {
                Some(name) => Kind::Atom(name),
                None => Kind::Text(None),
            },
            Some(c) if is_word(c) => {
                let mut name = self.take_while(|c| is_word(c) || c == '@').to_owned();
                if let Some(mark @ ('?' | '!')) = self.peek() {
                    self.next();
                    name.push(mark);
                }
                Kind::Atom(name)
            }
            _ => Kind::Sign(':'),
        }
    }

    /// A string, or a key in quotes.
    fn quoted(&mut self, quote: char) -> Kind {
        let three: String = std::iter::repeat_n(quote, 3).collect();
        let text = self.string(quote, if self.rest().starts_with(&three) { 3 } else { 1 });
        match text {
            Some(name) if self.takes_key() => Kind::Key(name),
            text => Kind::Text(text),
        }
    }

    /// What stands between quotes of this many signs; none if something is interpolated, or the text ends before.
    fn string(&mut self, quote: char, signs: usize) -> Option<String> {
        let end: String = std::iter::repeat_n(quote, signs).collect();
        self.at += end.len();
        let (mut text, mut is_literal) = (String::new(), true);
        while !self.rest().starts_with(&end) {
            match self.next()? {
                '\\' => match self.next()? {
                    'n' => text.push('\n'),
                    't' => text.push('\t'),
                    'r' => text.push('\r'),
                    's' => text.push(' '),
                    '\n' => {}
                    // What is spelled by number is rare, and not worth a guess.
                    'x' | 'u' => is_literal = false,
                    other => text.push(other),
                },
                '#' if self.rest().starts_with('{') => {
                    is_literal = false;
                    self.interpolated();
                }
                c => text.push(c),
            }
        }
        self.at += end.len();
        if signs == 3 {
            text = unindented(&text);
        }
        is_literal.then_some(text)
    }

    /// Passes over `{…}`.
    fn interpolated(&mut self) {
        let mut depth = 0_usize;
        while let Some(c) = self.next() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return;
            }
        }
    }

    fn sigil(&mut self) -> Kind {
        self.next();
        let name = self.take_while(char::is_alphabetic);
        let Some(open) = self.peek().filter(|c| !name.is_empty() && "([{<|/\"'".contains(*c)) else {
            return Kind::Sign('~');
        };
        let three: String = std::iter::repeat_n(open, 3).collect();
        let close = match open {
            '(' => ")",
            '[' => "]",
            '{' => "}",
            '<' => ">",
            '"' | '\'' if self.rest().starts_with(&three) => &three,
            '|' => "|",
            '/' => "/",
            '"' => "\"",
            _ => "'",
        };
        for _ in 0..close.len() {
            self.next();
        }
        let rest = self.rest();
        let end = rest.find(close).unwrap_or(rest.len());
        let inside = &rest[..end];
        self.line += inside.matches('\n').count();
        self.at += (end + close.len()).min(rest.len());
        let modifiers = self.take_while(char::is_alphabetic);
        let is_literal = !inside.contains('\\') && (name.starts_with(char::is_uppercase) || !inside.contains("#{"));
        match name {
            "w" | "W" if is_literal => {
                Kind::Words(inside.split_whitespace().map(str::to_owned).collect(), modifiers == "a")
            }
            "s" | "S" | "c" | "C" if is_literal => Kind::Text(Some(inside.to_owned())),
            _ => Kind::Sign('~'),
        }
    }
}

/// The lines of a heredoc without the first line end and the indentation of the closing quotes.
fn unindented(text: &str) -> String {
    let text = text.strip_prefix('\n').unwrap_or(text);
    let indent = text.rsplit('\n').next().filter(|last| last.trim().is_empty()).map_or(0, str::len);
    let cut = |line: &'_ str| line.get(indent..).map_or_else(String::new, str::to_owned);
    let lines: Vec<String> = text.split('\n').map(cut).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<Kind> {
        tokens(text).into_iter().map(|token| token.kind).collect()
    }

    #[test]
    fn the_words_of_a_project() {
        let text = "[app: :my_app, \"odd key\": 1_000, m: Mix.Releases, v: @version] # no\n~w(a b)a x?\n";
        let sign = Kind::Sign;
        let expected = [
            sign('['),
            Kind::Key("app".into()),
            Kind::Atom("my_app".into()),
            sign(','),
            Kind::Key("odd key".into()),
            Kind::Number("1_000".into()),
            sign(','),
            Kind::Key("m".into()),
            Kind::Alias("Mix.Releases".into()),
            sign(','),
            Kind::Key("v".into()),
            Kind::Attribute("version".into()),
            sign(']'),
            Kind::Newline,
            Kind::Words(vec!["a".into(), "b".into()], true),
            Kind::Word("x?".into()),
            Kind::Newline,
        ];
        assert_eq!(kinds(text), expected);
    }

    #[test]
    fn strings_of_all_kinds() {
        let text = |text: &str| Kind::Text(Some(text.into()));
        assert_eq!(kinds(r#""a \"b\" # c" 'd' "e#{f("}")}g" :"h i""#)[..2], [text("a \"b\" # c"), text("d")]);
        assert_eq!(kinds("\"a#{ {1, 2} }b\" :c"), [Kind::Text(None), Kind::Atom("c".into())]);
        assert_eq!(kinds("\"\"\"\n  one\n    two\n  \"\"\""), [text("one\n  two\n")]);
        assert_eq!(kinds("~s(a \"b\") ~S\"#{x}\" ~r/a/"), [text("a \"b\""), text("#{x}"), Kind::Sign('~')]);
        assert_eq!(kinds("?# ?\\n :x")[2], Kind::Atom("x".into()));
    }

    #[test]
    fn lines_are_counted_through_strings() {
        let lines: Vec<usize> = tokens("a \"\n\n\" b\n~s(\n) c").into_iter().map(|token| token.line).collect();
        assert_eq!(lines, [1, 1, 3, 3, 4, 5]);
    }

    #[test]
    fn anything_is_taken() {
        for text in ["\"", "\"#{", "~w(", "~", "?", ":", "'''", "@", "\u{feff}é:", "~s\u{0}", "?é", "1.", "\\"] {
            let tokens = tokens(text);
            assert!(tokens.iter().all(|token| token.end <= text.len() && token.start < token.end), "{text:?}");
        }
    }
}
