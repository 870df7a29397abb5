//! `Packages`: one stanza a package, version and architecture.
//!
//! Enters: the bytes of one, and new stanzas. Leaves: the bytes of the next, sorted by name, version and architecture. A hundred thousand
//! stanzas stay one piece of memory: each is a range of it. Source: Debian repository format, "Packages Indices".

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;

use crate::formats::deb::order;

/// See the module.
#[derive(Debug, Default, Clone)]
pub struct Packages {
    old: Arc<[u8]>,
    stanzas: Vec<Stanza>,
}

#[derive(Debug, Clone)]
enum Text {
    Old(Range<u32>),
    New(Arc<str>),
}

#[derive(Debug, Clone)]
struct Stanza {
    text: Text,
    // Places in the stanza.
    name: Range<u32>,
    version: Range<u32>,
    arch: Range<u32>,
}

/// One stanza, looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'p> {
    /// `Package`.
    pub name: &'p str,
    /// `Version`.
    pub version: &'p str,
    /// `Architecture`.
    pub arch: &'p str,
    /// All fields, with the newline of the last.
    pub text: &'p str,
}

impl<'p> Entry<'p> {
    /// The value of a field: its first line.
    pub fn field(&self, name: &str) -> Option<&'p str> {
        let value = &self.text[place(self.text, name)?];
        Some(value.trim())
    }

    /// Where the package lies, from the top of the repository.
    pub fn file_name(&self) -> &'p str {
        self.field("Filename").unwrap_or_default().trim_start_matches("./")
    }
}

/// Where the first line of a field's value stands.
fn place(text: &str, name: &str) -> Option<Range<usize>> {
    let mut start = 0;
    while start < text.len() {
        let end = memchr::memchr(b'\n', &text.as_bytes()[start..]).map_or(text.len(), |at| start + at);
        let line = &text[start..end];
        if line.len() > name.len()
            && line.as_bytes()[name.len()] == b':'
            && line.is_char_boundary(name.len())
            && line[..name.len()].eq_ignore_ascii_case(name)
        {
            let value = &line[name.len() + 1..];
            let skipped = value.len() - value.trim_start().len();
            let from = start + name.len() + 1 + skipped;
            return Some(from..from + value.trim().len());
        }
        start = end + 1;
    }
    None
}

fn narrow(range: Range<usize>) -> Option<Range<u32>> {
    Some(u32::try_from(range.start).ok()?..u32::try_from(range.end).ok()?)
}

fn wide(range: &Range<u32>) -> Range<usize> {
    range.start as usize..range.end as usize
}

impl Stanza {
    fn of(text: Text, content: &str) -> Option<Self> {
        let field = |name| narrow(place(content, name)?);
        Some(Self { name: field("Package")?, version: field("Version")?, arch: field("Architecture")?, text })
    }
}

impl Packages {
    /// Reads one. What is between stanzas is dropped.
    ///
    /// # Errors
    /// It is not UTF-8, has a stanza without a name, version or architecture, or 4 GiB.
    pub fn read(bytes: Vec<u8>) -> Result<Self, String> {
        let text = std::str::from_utf8(&bytes).map_err(|error| format!("it is not UTF-8: {error}"))?;
        let mut stanzas = Vec::new();
        let mut start = 0;
        while start < text.len() {
            let end = memchr::memmem::find(&bytes[start..], b"\n\n").map_or(text.len(), |at| start + at + 1);
            let content = &text[start..end];
            if !content.trim().is_empty() {
                let skipped = content.len() - content.trim_start_matches('\n').len();
                let content = &content[skipped..];
                let range = narrow(start + skipped..end).ok_or("it has 4 GiB")?;
                let stanza = Stanza::of(Text::Old(range), content).ok_or_else(|| {
                    let line = text[..start].matches('\n').count() + 1;
                    format!("the stanza in line {line} lacks `Package`, `Version` or `Architecture`")
                })?;
                stanzas.push(stanza);
            }
            start = end + 1;
        }
        let mut packages = Self { old: bytes.into(), stanzas };
        packages.sort();
        Ok(packages)
    }

    fn text<'p>(&'p self, stanza: &'p Stanza) -> &'p str {
        match &stanza.text {
            // Whole lines of what was read as UTF-8.
            Text::Old(range) => std::str::from_utf8(&self.old[wide(range)]).unwrap_or_default(),
            Text::New(text) => text,
        }
    }

    fn entry<'p>(&'p self, stanza: &'p Stanza) -> Entry<'p> {
        let text = self.text(stanza);
        let field = |range| &text[wide(range)];
        Entry { name: field(&stanza.name), version: field(&stanza.version), arch: field(&stanza.arch), text }
    }

    fn key<'p>(&'p self, stanza: &'p Stanza) -> (&'p [u8], &'p [u8], &'p [u8]) {
        let bytes = match &stanza.text {
            Text::Old(range) => &self.old[wide(range)],
            Text::New(text) => text.as_bytes(),
        };
        (&bytes[wide(&stanza.name)], &bytes[wide(&stanza.version)], &bytes[wide(&stanza.arch)])
    }

    fn compare(&self, a: &Stanza, b: &Stanza) -> Ordering {
        let (a, b) = (self.key(a), self.key(b));
        let text = |bytes| std::str::from_utf8(bytes).unwrap_or_default();
        let versions =
            || if a.1 == b.1 { Ordering::Equal } else { order::compare(text(a.1), text(b.1)).then(a.1.cmp(b.1)) };
        a.0.cmp(b.0).then_with(versions).then_with(|| a.2.cmp(b.2))
    }

    fn sort(&mut self) {
        let mut stanzas = std::mem::take(&mut self.stanzas);
        if !stanzas.is_sorted_by(|a, b| self.compare(a, b) != Ordering::Greater) {
            stanzas.sort_by(|a, b| self.compare(a, b));
        }
        self.stanzas = stanzas;
    }

    /// All stanzas in their order.
    pub fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        self.stanzas.iter().map(|stanza| self.entry(stanza))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.stanzas.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.stanzas.is_empty()
    }

    /// Those of one package, the oldest first.
    pub fn of<'p>(&'p self, name: &str) -> impl Iterator<Item = Entry<'p>> {
        let first = self.stanzas.partition_point(|stanza| self.key(stanza).0 < name.as_bytes());
        let name = name.to_owned();
        self.stanzas[first..].iter().map(|stanza| self.entry(stanza)).take_while(move |entry| entry.name == name)
    }

    /// The stanza of a package in one version for one architecture.
    pub fn get(&self, name: &str, version: &str, arch: &str) -> Option<Entry<'_>> {
        self.of(name).find(|entry| entry.version == version && entry.arch == arch)
    }

    /// Puts stanzas in, each in place of one of the same name, version and architecture.
    ///
    /// # Errors
    /// One lacks a field that it is known by.
    pub fn add(&mut self, stanzas: &[Arc<str>]) -> Result<(), String> {
        for text in stanzas {
            let new = Stanza::of(Text::New(Arc::clone(text)), text)
                .ok_or("a stanza lacks `Package`, `Version` or `Architecture`")?;
            match self.stanzas.binary_search_by(|old| self.compare(old, &new)) {
                Ok(at) => self.stanzas[at] = new,
                Err(at) => self.stanzas.insert(at, new),
            }
        }
        Ok(())
    }

    /// Takes out of the lists of some packages all but the `keep` newest versions for each architecture, and says which.
    pub fn keep(
        &mut self,
        names: &[&str],
        keep: usize,
        is_new: impl Fn(&Entry<'_>) -> bool,
    ) -> Vec<(String, String, String)> {
        let mut dropped = Vec::new();
        for name in names {
            let all: Vec<Entry<'_>> = self.of(name).collect();
            for (at, entry) in all.iter().enumerate() {
                let newer = all[at + 1..].iter().filter(|other| other.arch == entry.arch).count();
                if newer >= keep && !is_new(entry) {
                    dropped.push((entry.name.to_owned(), entry.version.to_owned(), entry.arch.to_owned()));
                }
            }
        }
        self.remove(|entry| dropped.iter().any(|(n, v, a)| n == entry.name && v == entry.version && a == entry.arch));
        dropped
    }

    /// Takes out what matches.
    pub fn remove(&mut self, matches: impl Fn(Entry<'_>) -> bool) {
        let stanzas = std::mem::take(&mut self.stanzas);
        let kept = stanzas.into_iter().filter(|stanza| !matches(self.entry(stanza))).collect();
        self.stanzas = kept;
    }

    /// Gives the bytes, stanza by stanza.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&self, out: &mut impl std::io::Write) -> std::io::Result<()> {
        for (at, stanza) in self.stanzas.iter().enumerate() {
            if at > 0 {
                out.write_all(b"\n")?;
            }
            let text = self.text(stanza);
            out.write_all(text.as_bytes())?;
            if !text.ends_with('\n') {
                out.write_all(b"\n")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stanza(name: &str, version: &str, arch: &str) -> Arc<str> {
        format!("Package: {name}\nVersion: {version}\nArchitecture: {arch}\nDescription: é\n more\n").into()
    }

    fn keys(packages: &Packages) -> Vec<String> {
        packages.entries().map(|e| format!("{} {} {}", e.name, e.version, e.arch)).collect()
    }

    #[test]
    fn stanzas_are_merged_in_order() {
        let mut packages = Packages::default();
        packages.add(&[stanza("b", "1.0", "amd64"), stanza("a", "10", "all"), stanza("a", "9", "all")]).unwrap();
        let mut bytes = Vec::new();
        packages.write(&mut bytes).unwrap();
        let mut again = Packages::read(bytes.clone()).unwrap();
        assert_eq!(keys(&again), ["a 9 all", "a 10 all", "b 1.0 amd64"]);
        again
            .add(&[stanza("b", "1.0~rc1", "amd64"), stanza("b", "1.0", "amd64"), stanza("b", "1.0", "arm64")])
            .unwrap();
        assert_eq!(keys(&again), ["a 9 all", "a 10 all", "b 1.0~rc1 amd64", "b 1.0 amd64", "b 1.0 arm64"]);
        assert_eq!(again.keep(&["b", "a"], 1, |_| false).len(), 2);
        assert_eq!(keys(&again), ["a 10 all", "b 1.0 amd64", "b 1.0 arm64"]);
        assert_eq!(again.get("b", "1.0", "arm64").unwrap().field("description"), Some("é"));
        let mut twice = Vec::new();
        Packages::read(bytes.clone()).unwrap().write(&mut twice).unwrap();
        assert_eq!(bytes, twice);
    }

    #[test]
    fn what_is_damaged_is_told() {
        let error = Packages::read(b"Package: a\nVersion: 1\nArchitecture: all\n\nPackage: b\n".to_vec()).unwrap_err();
        assert!(error.contains("line 5"), "{error}");
        assert!(Packages::read(vec![0xff]).is_err());
        assert!(Packages::read(b"\n\n\n".to_vec()).unwrap().is_empty());
    }
}
