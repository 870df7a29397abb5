//! `Release`: what a suite is, and the digests of all its indexes.
//!
//! Source: Debian repository format, "Release files"; apt-secure(8) for what apt makes of them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::codec::calendar;

/// A `Release`, with or without its signature.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Release {
    /// Fields in their order, without the lists of digests.
    pub fields: Vec<(String, String)>,
    /// What is below the suite, by path.
    pub files: BTreeMap<String, Listed>,
}

/// What is listed of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Bytes.
    pub size: u64,
    /// SHA-256 in hex.
    pub sha256: String,
}

impl Release {
    /// Reads the text of a `Release`, or of an `InRelease` without its armour.
    ///
    /// # Errors
    /// It is none, in words.
    pub fn read(text: &str) -> Result<Self, String> {
        let mut release = Self::default();
        let mut list = String::new();
        for (number, line) in text.lines().enumerate() {
            if line.starts_with([' ', '\t']) {
                if list.eq_ignore_ascii_case("SHA256") {
                    let words: Vec<&str> = line.split_whitespace().collect();
                    let [sha256, size, path] = words[..] else {
                        return Err(format!("line {} is no digest, size and path", number + 1));
                    };
                    let size = size.parse().map_err(|_| format!("line {} has no size", number + 1))?;
                    let is_hex = sha256.len() == 64 && sha256.bytes().all(|byte| byte.is_ascii_hexdigit());
                    if !is_hex || path.starts_with('/') || path.split('/').any(|part| part == "..") {
                        return Err(format!("line {} has no digest, or a path that leaves the suite", number + 1));
                    }
                    release.files.insert(path.to_owned(), Listed { size, sha256: sha256.to_ascii_lowercase() });
                }
            } else if let Some((name, value)) = line.split_once(':') {
                name.clone_into(&mut list);
                if !["MD5Sum", "SHA1", "SHA256", "SHA512"].iter().any(|digest| digest.eq_ignore_ascii_case(name)) {
                    release.fields.push((name.to_owned(), value.trim().to_owned()));
                }
            } else if !line.trim().is_empty() {
                return Err(format!("line {} is no field", number + 1));
            }
        }
        if release.get("Date").is_none() {
            return Err("it has no `Date`".to_owned());
        }
        Ok(release)
    }

    /// A field.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.fields.iter().find(|(field, _)| field.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Sets a field in its place, or behind the others; an empty value takes it out.
    pub fn set(&mut self, name: &str, value: &str) {
        let found = self.fields.iter().position(|(field, _)| field.eq_ignore_ascii_case(name));
        match (found, value) {
            (Some(at), "") => drop(self.fields.remove(at)),
            (Some(at), _) => value.clone_into(&mut self.fields[at].1),
            (None, "") => {}
            (None, _) => self.fields.push((name.to_owned(), value.to_owned())),
        }
    }

    /// When it was made, seconds since 1970.
    pub fn date(&self) -> Option<i64> {
        calendar::parse_rfc5322(self.get("Date")?)
    }

    /// Words of a field, such as `Architectures`.
    pub fn words(&self, name: &str) -> Vec<&str> {
        self.get(name).unwrap_or_default().split_whitespace().collect()
    }

    /// The text, to be signed.
    pub fn write(&self) -> String {
        let mut text = String::new();
        for (name, value) in &self.fields {
            let _ = writeln!(text, "{name}: {value}");
        }
        text.push_str("SHA256:\n");
        for (path, Listed { size, sha256 }) in &self.files {
            let _ = writeln!(text, " {sha256} {size:>16} {path}");
        }
        text
    }
}

/// As apt wants it: `Sat, 31 Jan 2026 12:00:00 UTC`.
pub fn date(seconds: i64) -> String {
    calendar::rfc5322(seconds).replace("+0000", "UTC")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "Origin: Ex\nSuite: stable\nDate: Sat, 31 Jan 2026 12:00:00 UTC\nMD5Sum:\n 00 1 main/x\nSHA256:\n \
                        0000000000000000000000000000000000000000000000000000000000000001               12 main/binary-amd64/Packages\n";

    #[test]
    fn it_is_read_and_written() {
        let mut release = Release::read(TEXT).unwrap();
        assert_eq!((release.get("suite"), release.files.len()), (Some("stable"), 1));
        assert_eq!(date(release.date().unwrap()), "Sat, 31 Jan 2026 12:00:00 UTC");
        let again = Release::read(&release.write()).unwrap();
        assert_eq!(again, release);
        release.set("suite", "");
        release.set("Label", "x");
        assert_eq!((release.get("Suite"), release.get("Label")), (None, Some("x")));
    }

    #[test]
    fn what_is_none_is_told() {
        for bad in ["", "Origin: x\n", "Date: x\nSHA256:\n 00 1 main/x\n", "Date: x\nnothing\n"] {
            assert!(Release::read(bad).is_err(), "{bad:?}");
        }
        let leaving = TEXT.replace("main/binary-amd64", "../../etc");
        assert!(Release::read(&leaving).unwrap_err().contains("leaves"));
    }
}
