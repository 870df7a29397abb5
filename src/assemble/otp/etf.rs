//! Terms <-> the external term format, as `term_to_binary/1` writes it.
//!
//! Enters: a [`Term`], or the bytes of a boot file, which are not trusted. Leaves: bytes, or the term. How atoms are written
//! changed with OTP 26; [`Atoms`] says how, and is read from a boot file of the OTP that is meant. Source: the "External Term
//! Format" of the ERTS user's guide.

use std::cmp::Ordering;

use thiserror::Error;

use crate::resolve::preset::term::Term;
use crate::resolve::preset::term::number::Number;
use order::order;

mod decode;
mod order;

pub use decode::decode;

const VERSION: u8 = 131;
const NEW_FLOAT: u8 = 70;
const SMALL_INTEGER: u8 = 97;
const INTEGER: u8 = 98;
const ATOM: u8 = 100;
const SMALL_TUPLE: u8 = 104;
const LARGE_TUPLE: u8 = 105;
const NIL: u8 = 106;
const STRING: u8 = 107;
const LIST: u8 = 108;
const BINARY: u8 = 109;
const SMALL_BIG: u8 = 110;
const LARGE_BIG: u8 = 111;
const SMALL_ATOM: u8 = 115;
const MAP: u8 = 116;
const ATOM_UTF8: u8 = 118;
const SMALL_ATOM_UTF8: u8 = 119;

/// Most characters of an atom.
const LONGEST_ATOM: usize = 255;
/// A flat map has its keys in the order of terms, from OTP 26 on but for atoms, which have an order of the running system; a
/// larger one in an order that only the runtime knows. Any order is the same map.
const FLAT_MAP: usize = 32;

/// How atoms are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Atoms {
    /// In Latin-1 where that can be: up to OTP 25.
    Latin1,
    /// In UTF-8: from OTP 26 on.
    Utf8,
}

/// Why a term has no bytes, or bytes are no term.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EtfError {
    /// The bytes end within a term.
    #[error("it ends within a term")]
    Short,
    /// More bytes follow the term.
    #[error("{0} bytes follow the term")]
    More(usize),
    /// It does not begin with the version of the format.
    #[error("it is not in the external term format")]
    Version,
    /// A kind of term that no boot file has.
    #[error("a term of the kind {0} is not one of a boot file")]
    Tag(u8),
    /// Terms within terms, too deep.
    #[error("its terms are nested too deep")]
    Deep,
    /// An atom, a text or a number that is none.
    #[error("`{0}` cannot be written or read")]
    Value(String),
}

type Result<T> = std::result::Result<T, EtfError>;

/// Bytes of a term.
///
/// # Errors
/// A number that is none, or an atom with more than 255 characters.
pub fn encode(term: &Term, atoms: Atoms) -> Result<Vec<u8>> {
    let mut writer = Writer { out: vec![VERSION], atoms };
    writer.term(term)?;
    Ok(writer.out)
}

struct Writer {
    out: Vec<u8>,
    atoms: Atoms,
}

impl Writer {
    fn term(&mut self, term: &Term) -> Result<()> {
        match term {
            Term::Atom(name) => self.atom(name),
            Term::Text(text) => self.characters(&text.chars().map(u32::from).collect::<Vec<_>>()),
            Term::Binary(bytes) => {
                self.out.push(BINARY);
                self.count(bytes.len())?;
                self.out.extend(bytes);
                Ok(())
            }
            Term::Number(text) => self.number(text),
            Term::Tuple(all) => {
                if let Ok(few) = u8::try_from(all.len()) {
                    self.out.extend([SMALL_TUPLE, few]);
                } else {
                    self.out.push(LARGE_TUPLE);
                    self.count(all.len())?;
                }
                all.iter().try_for_each(|term| self.term(term))
            }
            Term::List(all, tail) => self.list(all, tail.as_deref()),
            Term::Map(all) => self.map(all),
        }
    }

    fn count(&mut self, count: usize) -> Result<()> {
        let count = u32::try_from(count).map_err(|_| EtfError::Value(format!("{count} elements")))?;
        self.out.extend(count.to_be_bytes());
        Ok(())
    }

    fn atom(&mut self, name: &str) -> Result<()> {
        if name.chars().count() > LONGEST_ATOM {
            return Err(EtfError::Value(name.to_owned()));
        }
        let latin1: Option<Vec<u8>> = name.chars().map(|c| u8::try_from(c).ok()).collect();
        let (tag, bytes) = match latin1 {
            Some(bytes) if self.atoms == Atoms::Latin1 => (ATOM, bytes),
            _ => (SMALL_ATOM_UTF8, name.as_bytes().to_vec()),
        };
        match u8::try_from(bytes.len()) {
            Ok(length) if tag == SMALL_ATOM_UTF8 => self.out.extend([tag, length]),
            _ => {
                self.out.push(if tag == ATOM { ATOM } else { ATOM_UTF8 });
                // At most four bytes for each of 255 characters.
                self.out.extend(u16::try_from(bytes.len()).unwrap_or_default().to_be_bytes());
            }
        }
        self.out.extend(bytes);
        Ok(())
    }

    fn number(&mut self, text: &str) -> Result<()> {
        let number = Number::parse(text).ok_or_else(|| EtfError::Value(text.to_owned()))?;
        if let Some(small) = number.small().and_then(|small| i32::try_from(small).ok()) {
            if let Ok(byte) = u8::try_from(small) {
                self.out.extend([SMALL_INTEGER, byte]);
            } else {
                self.out.push(INTEGER);
                self.out.extend(small.to_be_bytes());
            }
            return Ok(());
        }
        match number {
            Number::Float(float) => {
                self.out.push(NEW_FLOAT);
                self.out.extend(float.to_be_bytes());
            }
            Number::Integer { negative, magnitude } => {
                if let Ok(length) = u8::try_from(magnitude.len()) {
                    self.out.extend([SMALL_BIG, length]);
                } else {
                    self.out.push(LARGE_BIG);
                    self.count(magnitude.len())?;
                }
                self.out.push(u8::from(negative));
                self.out.extend(magnitude);
            }
        }
        Ok(())
    }

    /// A list of numbers below 256 is a string, whoever wrote it as what.
    fn list(&mut self, all: &[Term], tail: Option<&Term>) -> Result<()> {
        if let Some(Term::Text(text)) = tail {
            let one = |c: char| Term::Number(u32::from(c).to_string());
            return self.list(&all.iter().cloned().chain(text.chars().map(one)).collect::<Vec<_>>(), None);
        }
        let of_characters = || -> Option<Vec<u32>> {
            let character = |term: &Term| match term {
                Term::Number(text) => u32::from(u8::try_from(Number::parse(text)?.small()?).ok()?).into(),
                _ => None,
            };
            all.iter().map(character).collect()
        };
        if let (None, Some(characters)) = (tail, of_characters()) {
            return self.characters(&characters);
        }
        self.out.push(LIST);
        self.count(all.len())?;
        all.iter().try_for_each(|term| self.term(term))?;
        if let Some(tail) = tail {
            return self.term(tail);
        }
        self.out.push(NIL);
        Ok(())
    }

    fn characters(&mut self, all: &[u32]) -> Result<()> {
        let bytes: Option<Vec<u8>> = all.iter().map(|c| u8::try_from(*c).ok()).collect();
        match (bytes, u16::try_from(all.len())) {
            (_, Ok(0)) => self.out.push(NIL),
            (Some(bytes), Ok(length)) => {
                self.out.push(STRING);
                self.out.extend(length.to_be_bytes());
                self.out.extend(bytes);
            }
            _ => {
                self.out.push(LIST);
                self.count(all.len())?;
                all.iter().try_for_each(|c| self.number(&c.to_string()))?;
                self.out.push(NIL);
            }
        }
        Ok(())
    }

    /// Of two pairs with one key the later holds.
    fn map(&mut self, pairs: &[(Term, Term)]) -> Result<()> {
        let mut sorted: Vec<&(Term, Term)> = Vec::new();
        for pair in pairs {
            match sorted.iter().position(|other| order(&other.0, &pair.0) == Ordering::Equal) {
                Some(at) => sorted[at] = pair,
                None => sorted.push(pair),
            }
        }
        if sorted.len() <= FLAT_MAP {
            sorted.sort_by(|one, other| order(&one.0, &other.0));
        }
        self.out.push(MAP);
        self.count(sorted.len())?;
        sorted.into_iter().try_for_each(|(key, value)| self.term(key).and_then(|()| self.term(value)))
    }
}

#[cfg(test)]
mod tests;
