//! What stands between quotes: strings and atoms, with their escapes.

use super::{Read, Reader, Term};

impl Reader<'_> {
    pub(super) fn strings(&mut self) -> Read<Term> {
        let mut text = String::new();
        while self.takes("\"") {
            text.push_str(&self.quoted('"')?);
        }
        Ok(Term::Text(text))
    }

    /// What stands before the closing quote, the opening one being taken.
    pub(super) fn quoted(&mut self, quote: char) -> Read<String> {
        let mut text = String::new();
        loop {
            match self.next().ok_or("the quote is not closed")? {
                c if c == quote => return Ok(text),
                '\\' => text.extend(self.escape()?),
                c => text.push(c),
            }
        }
    }

    pub(super) fn escape(&mut self) -> Read<Option<char>> {
        let c = self.next().ok_or("the quote is not closed")?;
        let digits = |text: &str, radix| u32::from_str_radix(text, radix).ok().and_then(char::from_u32);
        Ok(Some(match c {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            's' => ' ',
            'e' => '\u{1b}',
            'd' => '\u{7f}',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'v' => '\u{b}',
            '\n' => return Ok(None),
            '^' => {
                let control = self.next().and_then(|c| u8::try_from(c).ok()).ok_or("a control character is ASCII")?;
                char::from(control & 0x1f)
            }
            'x' if self.rest().starts_with('{') => {
                let end = self.rest().find('}').ok_or("`\\x{` is not closed")?;
                let value = digits(&self.rest()[1..end], 16).ok_or("no such character")?;
                self.at += end + 1;
                value
            }
            'x' => {
                let value = self.rest().get(..2).and_then(|two| digits(two, 16)).ok_or("two hexadecimal digits")?;
                self.at += 2;
                value
            }
            '0'..='7' => {
                let more = self.rest().bytes().take(2).take_while(|b| (b'0'..=b'7').contains(b)).count();
                let value = digits(&self.text[self.at - 1..self.at + more], 8).ok_or("no such character")?;
                self.at += more;
                value
            }
            other => other,
        }))
    }
}
