//! Terms -> text that `file:consult` reads, on one line: as `io:format("~tw")` writes them, or with texts that a person can
//! read where the alternate form is asked for (`{:#}`).

use std::fmt::{self, Display as _};

use super::Term;
use super::number::Number;

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Atom(name) => atom(name, f),
            Self::Text(text) if f.alternate() && !text.is_empty() => quoted('"', text, f),
            Self::Text(text) => {
                let all: Vec<String> = text.chars().map(|c| u32::from(c).to_string()).collect();
                write!(f, "[{}]", all.join(","))
            }
            Self::Binary(bytes) => {
                let all: Vec<String> = bytes.iter().map(u8::to_string).collect();
                write!(f, "<<{}>>", all.join(","))
            }
            Self::Number(text) => match Number::parse(text) {
                // A float stays as it was written: there are several ways.
                None | Some(Number::Float(_)) => f.write_str(text),
                Some(number) => f.write_str(&number.text()),
            },
            Self::Tuple(all) => {
                f.write_str("{")?;
                series(all, f)?;
                f.write_str("}")
            }
            Self::List(all, tail) => {
                f.write_str("[")?;
                series(all, f)?;
                if let Some(tail) = tail {
                    f.write_str("|")?;
                    tail.fmt(f)?;
                }
                f.write_str("]")
            }
            Self::Map(all) => {
                f.write_str("#{")?;
                for (index, (key, value)) in all.iter().enumerate() {
                    f.write_str(if index > 0 { "," } else { "" })?;
                    key.fmt(f)?;
                    f.write_str(" => ")?;
                    value.fmt(f)?;
                }
                f.write_str("}")
            }
        }
    }
}

fn series(all: &[Term], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (index, term) in all.iter().enumerate() {
        f.write_str(if index > 0 { "," } else { "" })?;
        term.fmt(f)?;
    }
    Ok(())
}

/// Words of the language, which are no atoms without quotes.
const RESERVED: &[&str] = &[
    "after", "and", "andalso", "band", "begin", "bnot", "bor", "bsl", "bsr", "bxor", "case", "catch", "cond", "div",
    "else", "end", "fun", "if", "let", "maybe", "not", "of", "or", "orelse", "receive", "rem", "try", "when", "xor",
];

fn atom(name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let plain = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '@')
        && !RESERVED.contains(&name);
    if plain {
        return f.write_str(name);
    }
    quoted('\'', name, f)
}

fn quoted(quote: char, text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "{quote}")?;
    for c in text.chars() {
        match c {
            '\\' => f.write_str("\\\\")?,
            c if c == quote => write!(f, "\\{c}")?,
            '\n' => f.write_str("\\n")?,
            c if c.is_control() => write!(f, "\\x{{{:x}}}", u32::from(c))?,
            c => write!(f, "{c}")?,
        }
    }
    write!(f, "{quote}")
}
