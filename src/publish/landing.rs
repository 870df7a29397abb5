//! What a repository says to people: a page, the same as JSON, a feed, the records of releases, the keys, and the files that set a host up.
//!
//! Enters: the packages of the repository as the lists that are put have them. Leaves: objects at its top, and a signed list of their
//! digests. They follow the root, so a page never names what readers cannot get.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use serde::Serialize;
use serde_json::json;
use sha2::Digest as _;

use super::draft::{Put, Was, What};
use super::record::{self, Record};
use super::repo::Listed;
use crate::codec::calendar;
use crate::codec::hex::hex;
use crate::diagnostic::Diagnostic;
use crate::report::words::size;
use crate::sign::{self, Key, Signer};
use crate::store::{Body, Kind, Place, When, media_type};
use crate::template::Templates;

/// The list of digests.
pub const SUMS: &str = "SHA256SUMS.asc";
/// All packages, for programs.
pub const JSON: &str = "packages.json";
const TEMPLATE: &str = "publish/index.html";
/// Rows of the page and entries of the feed; all packages are in the JSON.
const ROWS: usize = 500;
const NEWS: usize = 50;

/// How a host is set up by one package manager.
#[derive(Debug, Clone, Serialize)]
pub struct SetUp {
    /// What it is called.
    pub label: String,
    /// What is typed, a line each.
    pub lines: Vec<String>,
    /// Whether it is shown from the start.
    pub open: bool,
}

/// What a repository says to people besides what is in it.
pub struct Front {
    /// Where hosts reach it, without `/` at the end.
    pub url: String,
    /// What its page is made with.
    pub templates: Templates,
    /// How hosts are set up with what else the config publishes.
    pub beside: Vec<SetUp>,
    /// What is in the release that is published, if one is.
    pub record: Option<Arc<Record>>,
    /// Whether what is there is taken as it is, and a record may be replaced.
    pub replace: bool,
}

/// What is to be said.
pub struct Shelf<'a> {
    /// What the repository is called.
    pub title: &'a str,
    /// In a line.
    pub description: &'a str,
    /// Where hosts reach it, without `/` at the end.
    pub url: &'a str,
    /// How hosts are set up.
    pub setups: Vec<SetUp>,
    /// Every package.
    pub packages: Vec<Listed>,
    /// The name of the file with the keys.
    pub key_file: String,
    /// Other files at the top, by name: what `setups` downloads.
    pub files: Vec<(String, Vec<u8>)>,
    /// Seconds since 1970.
    pub time: i64,
}

#[derive(Serialize)]
struct Package<'a> {
    #[serde(flatten)]
    listed: &'a Listed,
    /// When it was first seen, `2026-11-29T12:00:00Z`.
    published: String,
    /// Where its record lies, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<&'a str>,
}

/// A name for files: of letters, digits and `-`.
pub fn file_name(text: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let name: String = text.chars().map(plain).collect();
    let words: Vec<&str> = name.split('-').filter(|word| !word.is_empty()).collect();
    if words.is_empty() { "repository".to_owned() } else { words.join("-") }
}

impl Shelf<'_> {
    /// Objects in two groups: what is said, and behind it the list of digests. Only what is another if the list is there already.
    ///
    /// # Errors
    /// The place does not answer, the page's template cannot be filled, or a key does not sign.
    pub fn puts(
        mut self,
        place: &dyn Place,
        front: &Front,
        signer: Option<&Signer>,
    ) -> Result<Vec<Vec<Put>>, Diagnostic> {
        let seen = seen(place)?;
        let was = Was(place.get(SUMS)?);
        let (records, record) = record::shelved((place, was.0.as_ref()), front, signer, self.time)?;
        let keys = record::Keys::of(records.keys());
        self.packages.sort_by(|a, b| (&a.name, &a.channel).cmp(&(&b.name, &b.channel)));
        let date = |listed: &Listed| seen.get(&listed.sha256).cloned().unwrap_or_else(|| calendar::rfc3339(self.time));
        let package =
            |listed| Package { published: date(listed), record: keys.get(&listed.name, &listed.version), listed };
        let mut packages: Vec<Package<'_>> = self.packages.iter().map(package).collect();
        packages.sort_by(|a, b| b.published.cmp(&a.published));
        let mut files = vec![
            (JSON.to_owned(), self.json(&packages)),
            ("feed.xml".to_owned(), self.feed(&packages)),
            ("index.html".to_owned(), self.page(&packages, signer.map_or(&[][..], Signer::keys), &front.templates)?),
        ];
        if let Some(signer) = signer {
            files.push((self.key_file.clone(), signer.certificates()?));
        }
        files.extend(std::mem::take(&mut self.files));
        files.sort();
        let digests = files.iter().map(|(name, bytes)| (name.clone(), hex(&sha2::Sha256::digest(bytes))));
        let mut sums = String::new();
        for (name, sha256) in digests.chain(records) {
            let _ = writeln!(sums, "{sha256}  {name}");
        }
        let put = |(name, bytes): (String, Vec<u8>)| Put {
            kind: Kind { content_type: media_type(&name), immutable: false, sha256: None },
            key: name,
            body: Body::Bytes(bytes.into()),
            what: What::Page,
            when: None,
        };
        let is_said = was.0.as_ref().is_some_and(|there| sign::clear_text(&there.bytes).as_ref() == Some(&sums));
        if is_said {
            // Somebody may have damaged what it lists, or put theirs over it and lost the list.
            let mut puts: Vec<Put> = record.into_iter().collect();
            for (name, bytes) in files {
                if place.get(&name)?.is_none_or(|there| there.bytes != bytes) {
                    puts.push(put((name, bytes)));
                }
            }
            return Ok(if puts.is_empty() { Vec::new() } else { vec![puts] });
        }
        let sums = match signer {
            Some(signer) => signer.sign_clear(sums.as_bytes(), self.time)?,
            None => sums.into_bytes(),
        };
        let when = Some(was.tag().map_or(When::Absent, When::Is));
        let list = Put { when, ..put((SUMS.to_owned(), sums)) };
        Ok(vec![files.into_iter().map(put).chain(record).collect(), vec![list]])
    }

    fn json(&self, packages: &[Package<'_>]) -> Vec<u8> {
        let document = json!({
            "schema": "fitout/packages/1", "title": self.title, "url": self.url, "packages": packages,
        });
        let mut text = document.to_string().into_bytes();
        text.push(b'\n');
        text
    }

    fn feed(&self, packages: &[Package<'_>]) -> Vec<u8> {
        let updated = packages.first().map_or_else(|| calendar::rfc3339(self.time), |first| first.published.clone());
        let mut text = format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\">\n\
             <title>{}</title>\n<id>{url}/</id>\n<link href=\"{url}/\"/>\n<link rel=\"self\" href=\"{url}/feed.xml\"/>\n\
             <author><name>{}</name></author>\n<updated>{updated}</updated>\n",
            xml(self.title),
            xml(self.title),
            url = xml(self.url)
        );
        for Package { listed, published, .. } in packages.iter().take(NEWS) {
            let Listed { channel, name, version, arch, sha256, file, .. } = listed;
            let _ = write!(
                text,
                "<entry>\n<title>{} {} ({}, {})</title>\n<id>urn:sha256:{sha256}:{}</id>\n<link href=\"{}/{}\"/>\n\
                 <updated>{published}</updated>\n</entry>\n",
                xml(name),
                xml(version),
                xml(channel),
                xml(arch),
                xml(channel),
                xml(self.url),
                xml(&path(file)),
            );
        }
        text.push_str("</feed>\n");
        text.into_bytes()
    }

    fn page(&self, packages: &[Package<'_>], keys: &[Key], templates: &Templates) -> Result<Vec<u8>, Diagnostic> {
        let rows: Vec<_> = packages
            .iter()
            .take(ROWS)
            .map(|Package { listed, published, record }| {
                json!({
                    "name": listed.name, "version": listed.version, "channel": listed.channel, "arch": listed.arch,
                    "size": size(listed.size), "sha256": listed.sha256, "date": published.get(..10), "href": path(&listed.file),
                    "record": record.map(path),
                })
            })
            .collect();
        let keys: Vec<_> = keys
            .iter()
            .map(|key| {
                json!({
                    "user": key.user_id, "algorithm": key.algorithm, "fingerprint": grouped(key.fingerprint.as_str()),
                    "expires": key.expires.map(|time| calendar::rfc3339(time).get(..10).map(str::to_owned)),
                })
            })
            .collect();
        let values = json!({
            "title": self.title, "description": self.description, "setups": self.setups, "packages": rows,
            "shown": rows.len(), "count": packages.len(), "more": packages.len() > rows.len(), "keys": keys,
            "key_file": self.key_file,
        });
        Ok(templates.render(TEMPLATE, &values)?.into_bytes())
    }
}

/// When each package was first said, by its digest.
fn seen(place: &dyn Place) -> Result<BTreeMap<String, String>, Diagnostic> {
    let Some(object) = place.get(JSON)? else { return Ok(BTreeMap::new()) };
    // One that somebody else wrote says nothing.
    let document: serde_json::Value = serde_json::from_slice(&object.bytes).unwrap_or_default();
    let packages = document["packages"].as_array().map_or(&[][..], Vec::as_slice);
    let text = |package: &serde_json::Value, key: &str| Some(package.get(key)?.as_str()?.to_owned());
    let valid = |published: &String| calendar::parse_rfc3339(published).is_some();
    let pairs = packages.iter().filter_map(|p| Some((text(p, "sha256")?, text(p, "published").filter(valid)?)));
    Ok(pairs.collect())
}

/// `3F1A 77C2 …`
fn grouped(fingerprint: &str) -> String {
    let groups: Vec<&str> = (0..fingerprint.len())
        .step_by(4)
        .filter_map(|at| fingerprint.get(at..(at + 4).min(fingerprint.len())))
        .collect();
    groups.join(" ")
}

/// A key as a relative reference (RFC 3986): what has a meaning there is spelled by its number.
pub fn path(key: &str) -> String {
    let mut text = String::new();
    for byte in key.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

fn xml(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control())
        .map(|c| match c {
            '&' => "&amp;".to_owned(),
            '<' => "&lt;".to_owned(),
            '>' => "&gt;".to_owned(),
            '"' => "&quot;".to_owned(),
            c => c.to_string(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_references_are_safe() {
        assert_eq!(file_name("Example Ltd. & Söhne"), "example-ltd-s-hne");
        assert_eq!(file_name("!!"), "repository");
        assert_eq!(path("pool/a b/x_1.0~rc+1_é.deb"), "pool/a%20b/x_1.0~rc%2B1_%C3%A9.deb");
        assert_eq!(grouped("ABCDEF0123"), "ABCD EF01 23");
        assert_eq!(xml("a<b>&\"\u{7}"), "a&lt;b&gt;&amp;&quot;");
    }
}
