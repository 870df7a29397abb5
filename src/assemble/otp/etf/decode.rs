//! Bytes -> term. No length that they claim is believed before as many bytes are there.

use super::{
    ATOM, ATOM_UTF8, Atoms, BINARY, EtfError, INTEGER, LARGE_BIG, LARGE_TUPLE, LIST, MAP, NEW_FLOAT, NIL, Result,
    SMALL_ATOM, SMALL_ATOM_UTF8, SMALL_BIG, SMALL_INTEGER, SMALL_TUPLE, STRING, VERSION,
};
use crate::resolve::preset::term::number::Number;
use crate::resolve::preset::term::{DEEPEST, Term};

/// Most bytes of an integer.
const WIDEST: usize = 1600;

/// The term that bytes hold, and how its atoms are written.
///
/// # Errors
/// Bytes that are no term, or a term that no boot file has.
pub fn decode(bytes: &[u8]) -> Result<(Term, Atoms)> {
    let rest = bytes.strip_prefix(&[VERSION]).ok_or(EtfError::Version)?;
    let mut reader = Reader { rest, atoms: Atoms::Latin1 };
    let term = reader.term(0)?;
    if reader.rest.is_empty() { Ok((term, reader.atoms)) } else { Err(EtfError::More(reader.rest.len())) }
}

struct Reader<'a> {
    rest: &'a [u8],
    atoms: Atoms,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(EtfError::Short)?;
        self.rest = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn half(&mut self) -> Result<usize> {
        self.take(2).map(|bytes| usize::from(bytes[0]) << 8 | usize::from(bytes[1]))
    }

    fn word(&mut self) -> Result<usize> {
        self.take(4).map(|bytes| bytes.iter().fold(0, |value, byte| value << 8 | usize::from(*byte)))
    }

    fn term(&mut self, depth: usize) -> Result<Term> {
        if depth > DEEPEST {
            return Err(EtfError::Deep);
        }
        let tag = self.byte()?;
        if let Some(term) = self.plain(tag)? {
            return Ok(term);
        }
        Ok(match tag {
            SMALL_TUPLE => {
                let count = usize::from(self.byte()?);
                Term::Tuple(self.series(count, depth)?)
            }
            LARGE_TUPLE => {
                let count = self.word()?;
                Term::Tuple(self.series(count, depth)?)
            }
            LIST => {
                let count = self.word()?;
                let all = self.series(count, depth)?;
                match self.term(depth + 1)? {
                    Term::List(none, None) if none.is_empty() => Term::List(all, None),
                    tail => Term::List(all, Some(Box::new(tail))),
                }
            }
            MAP => {
                let count = self.word()?;
                let mut pairs = Vec::new();
                for _ in 0..count {
                    pairs.push((self.term(depth + 1)?, self.term(depth + 1)?));
                }
                Term::Map(pairs)
            }
            tag => return Err(EtfError::Tag(tag)),
        })
    }

    /// A term that has no others in it.
    fn plain(&mut self, tag: u8) -> Result<Option<Term>> {
        Ok(Some(match tag {
            ATOM => {
                let length = self.half()?;
                Term::Atom(self.take(length)?.iter().copied().map(char::from).collect())
            }
            SMALL_ATOM => {
                let length = usize::from(self.byte()?);
                Term::Atom(self.take(length)?.iter().copied().map(char::from).collect())
            }
            SMALL_ATOM_UTF8 => {
                let length = usize::from(self.byte()?);
                self.utf8(length)?
            }
            ATOM_UTF8 => {
                let length = self.half()?;
                self.utf8(length)?
            }
            SMALL_INTEGER => Term::Number(self.byte()?.to_string()),
            INTEGER => {
                let bytes = self.take(4)?;
                Term::Number(i32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]).to_string())
            }
            NEW_FLOAT => {
                let bits = self.take(8)?.iter().fold(0_u64, |value, byte| (value << 8) | u64::from(*byte));
                let float = f64::from_bits(bits);
                if !float.is_finite() {
                    return Err(EtfError::Value(float.to_string()));
                }
                Term::Number(Number::Float(float).text())
            }
            SMALL_BIG => {
                let length = usize::from(self.byte()?);
                self.big(length)?
            }
            LARGE_BIG => {
                let length = self.word()?;
                self.big(length)?
            }
            BINARY => {
                let length = self.word()?;
                Term::Binary(self.take(length)?.to_vec())
            }
            NIL => Term::List(Vec::new(), None),
            STRING => {
                let length = self.half()?;
                Term::Text(self.take(length)?.iter().copied().map(char::from).collect())
            }
            _ => return Ok(None),
        }))
    }

    /// No room is made for more than there is: each element takes a byte.
    fn series(&mut self, count: usize, depth: usize) -> Result<Vec<Term>> {
        let mut all = Vec::new();
        for _ in 0..count {
            all.push(self.term(depth + 1)?);
        }
        Ok(all)
    }

    fn utf8(&mut self, length: usize) -> Result<Term> {
        self.atoms = Atoms::Utf8;
        let bytes = self.take(length)?;
        let name = str::from_utf8(bytes).map_err(|_| EtfError::Value(String::from_utf8_lossy(bytes).into_owned()))?;
        Ok(Term::Atom(name.to_owned()))
    }

    fn big(&mut self, length: usize) -> Result<Term> {
        if length > WIDEST {
            return Err(EtfError::Value(format!("an integer of {length} bytes")));
        }
        let negative = self.byte()? != 0;
        let mut magnitude = self.take(length)?.to_vec();
        while magnitude.last() == Some(&0) {
            magnitude.pop();
        }
        Ok(Term::Number(Number::Integer { negative, magnitude }.text()))
    }
}
