//! As much XML as the lists of rpm-md need: texts that are escaped, elements that are cut out as they are.
//!
//! Enters: lists of any publisher. Leaves: the bytes of each `<package>`, never the whole list. Nothing is parsed but what is looked for:
//! what another publisher wrote stays as it wrote it.

use std::io::{self, Read};

/// Bytes of a list that are read at once.
const BLOCK: usize = 256 << 10;
/// Longest element of a package: one of a million files.
const LONGEST: usize = 256 << 20;

const BEGIN: &[u8] = b"<package";
const END: &[u8] = b"</package>";

/// Adds a text, escaped. What XML cannot say is left out.
pub fn push(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\r' => out.push_str("&#13;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() && u32::from(c) < 0x20 || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
            c => out.push(c),
        }
    }
}

/// A text, escaped.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    push(&mut out, text);
    out
}

/// The text that was escaped.
pub fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('&') {
        out.push_str(before);
        let Some((name, behind)) = behind.split_once(';') else {
            out.push('&');
            rest = behind;
            continue;
        };
        let number = |digits: &str, radix| u32::from_str_radix(digits, radix).ok().and_then(char::from_u32);
        let c = match name {
            "amp" => Some('&'),
            "lt" => Some('<'),
            "gt" => Some('>'),
            "quot" => Some('"'),
            "apos" => Some('\''),
            _ => name
                .strip_prefix("#x")
                .map_or_else(|| name.strip_prefix('#').and_then(|digits| number(digits, 10)), |hex| number(hex, 16)),
        };
        out.extend(c);
        rest = behind;
    }
    out.push_str(rest);
    out
}

/// The tag of an element that begins with `<NAME` in `text`, up to its `>`.
pub fn tag<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let mut from = 0;
    loop {
        let start = from + memchr::memmem::find(&text.as_bytes()[from..], format!("<{name}").as_bytes())?;
        let behind = start + 1 + name.len();
        let rest = text.get(behind..)?;
        if rest.starts_with(|c: char| c.is_ascii_whitespace() || c == '>' || c == '/') {
            return rest.get(..rest.find('>')?);
        }
        from = behind;
    }
}

/// The value of an attribute of a tag, unescaped.
pub fn attribute(tag: &str, name: &str) -> Option<String> {
    let mut rest = tag;
    loop {
        let at = rest.find(name)?;
        let before = rest[..at].chars().next_back();
        let behind = rest[at + name.len()..].trim_start();
        if before.is_none_or(|c| c.is_ascii_whitespace())
            && let Some(value) = behind.strip_prefix('=').map(str::trim_start)
        {
            let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
            return value[1..].split_once(quote).map(|(value, _)| unescaped(value));
        }
        rest = &rest[at + name.len()..];
    }
}

/// The text of the first element of a name, unescaped; empty if it is empty.
pub fn text(content: &str, name: &str) -> Option<String> {
    let tag = tag(content, name)?;
    let at = tag.as_ptr() as usize - content.as_ptr() as usize + tag.len() + 1;
    if tag.ends_with('/') {
        return Some(String::new());
    }
    let rest = content.get(at..)?;
    rest.find('<').map(|end| unescaped(rest[..end].trim()))
}

/// Cuts a list into its packages.
pub struct Chunks<R> {
    input: R,
    buffer: Vec<u8>,
    /// Where the rest begins.
    start: usize,
    /// From where on the end of an element was not looked for.
    looked: usize,
    ended: bool,
}

impl<R: Read> Chunks<R> {
    /// Of the bytes of a list, unpacked.
    pub fn new(input: R) -> Self {
        Self { input, buffer: Vec::new(), start: 0, looked: 0, ended: false }
    }

    fn more(&mut self) -> io::Result<()> {
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.looked -= self.start;
            self.start = 0;
        }
        if self.buffer.len() > LONGEST {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "an element of a package has no end"));
        }
        let got = self.input.by_ref().take(BLOCK as u64).read_to_end(&mut self.buffer)?;
        self.ended = got == 0;
        Ok(())
    }

    /// How many packages the list says it has.
    ///
    /// # Errors
    /// It cannot be read, or does not say it.
    pub fn count(&mut self) -> io::Result<usize> {
        let invalid = || io::Error::new(io::ErrorKind::InvalidData, "it does not say how many packages it has");
        while !self.ended && self.buffer.len() < BLOCK {
            self.more()?;
        }
        let end = memchr::memmem::find(&self.buffer, BEGIN).unwrap_or(self.buffer.len());
        let head = std::str::from_utf8(&self.buffer[..end]).map_err(|_| invalid())?;
        let tag = ["metadata", "filelists", "otherdata"].iter().find_map(|name| tag(head, name)).ok_or_else(invalid)?;
        attribute(tag, "packages").and_then(|count| count.parse().ok()).ok_or_else(invalid)
    }

    /// The next package: from `<package` to `</package>`.
    ///
    /// # Errors
    /// It cannot be read, or is cut off within one.
    pub fn next(&mut self) -> io::Result<Option<&str>> {
        loop {
            let from = self.looked.max(self.start);
            if let Some(at) = memchr::memmem::find(&self.buffer[from..], END) {
                let end = from + at + END.len();
                let chunk = self.start..end;
                (self.start, self.looked) = (end, end);
                let bytes = &self.buffer[chunk];
                let begin = memchr::memmem::find(bytes, BEGIN);
                let chunk = begin.and_then(|begin| std::str::from_utf8(&bytes[begin..]).ok());
                let why = "an element is no package, or not UTF-8";
                return chunk.map(Some).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, why));
            }
            self.looked = self.buffer.len().saturating_sub(END.len() - 1).max(self.start);
            if self.ended {
                let rest = memchr::memmem::find(&self.buffer[self.start..], BEGIN);
                return rest.map_or(Ok(None), |_| Err(io::ErrorKind::UnexpectedEof.into()));
            }
            self.more()?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_back() {
        let odd = "a & <b> \"c\" 'd' \u{e9}\r\n\t";
        assert_eq!(unescaped(&escaped(odd)), odd);
        assert_eq!(escaped("a\u{1}\u{0}b"), "ab");
        assert_eq!(unescaped("&#233;&#xe9;&apos;& &bad"), "éé'& &bad");
        let content = "<packages/><package type=\"rpm\"><name>x &amp; y</name><empty/>\
                       <location xml:base='u' href = \"a&amp;b\"/></package>";
        assert_eq!(text(content, "name").unwrap(), "x & y");
        assert_eq!(text(content, "empty").unwrap(), "");
        assert_eq!(attribute(tag(content, "location").unwrap(), "href").unwrap(), "a&b");
        assert_eq!(attribute(tag(content, "location").unwrap(), "xml:base").unwrap(), "u");
        assert_eq!((tag(content, "nam"), attribute("a=\"1\"", "b")), (None, None));
    }

    #[test]
    fn packages_are_cut_out_of_any_blocks() {
        let one = |n: usize| format!("<package pkgid=\"{n}\">{}</package>", "x".repeat(n * 37 % 300_000));
        let list: String = (0..40).map(|n| one(n * 1000) + "\n").collect();
        let list = format!("<?xml version=\"1.0\"?>\n<metadata packages=\"40\">\n{list}</metadata>");
        /// Gives a few bytes at a time.
        struct Slow<'a>(&'a [u8], usize);
        impl Read for Slow<'_> {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                let length = buffer.len().min(self.1);
                self.0.read(&mut buffer[..length])
            }
        }
        for step in [7, 1000, BLOCK] {
            let mut chunks = Chunks::new(Slow(list.as_bytes(), step));
            assert_eq!(chunks.count().unwrap(), 40);
            for n in 0..40 {
                assert!(chunks.next().unwrap() == Some(&one(n * 1000)), "{step} {n}");
            }
            assert!(chunks.next().unwrap().is_none());
        }
        let cut = &list.as_bytes()[..list.len() / 2];
        let mut chunks = Chunks::new(cut);
        let ended = loop {
            match chunks.next() {
                Ok(Some(_)) => {}
                other => break other.is_err(),
            }
        };
        assert!(ended);
    }
}
