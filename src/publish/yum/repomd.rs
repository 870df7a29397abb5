//! `repomd.xml`: which lists there are, with their digests; it is what is signed.
//!
//! Source: the schema of rpm-md; `createrepo_c`'s `repomd.c`.

use std::fmt::Write as _;

use super::xml::{attribute, escaped, tag, text};
use crate::codec::hex::hex;
use crate::store::is_within;

use sha2::Digest as _;

/// See the module.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Repomd {
    /// Rises with every change: seconds since 1970, unless somebody else made up something.
    pub revision: i64,
    /// Lists and whatever else is named, in its order.
    pub data: Vec<Data>,
    /// The channel that it is, if it says so.
    pub channel: Option<String>,
    /// SHA-256 in hex of the public keys beside it.
    pub key: Option<String>,
    /// Tags of others, as they stand.
    tags: String,
}

/// One file that it names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Data {
    /// `primary`, `filelists`, `other`, `updateinfo` …
    pub kind: String,
    /// Where it lies, from the top of the repository.
    pub location: String,
    /// Algorithm and digest of the file.
    pub checksum: (String, String),
    /// The same of what is in it, where that is said.
    pub open_checksum: Option<(String, String)>,
    /// Bytes of the file.
    pub size: Option<u64>,
    /// Bytes of what is in it.
    pub open_size: Option<u64>,
    /// All of it, as another publisher wrote it.
    raw: String,
}

/// Marks the digest of `repomd.xml.key` among the tags.
const KEY: &str = "repomd.xml.key?sha256=";

impl Data {
    /// A list by its own digest, as the element that says so.
    pub fn new(kind: &str, location: String, digests: [&str; 2], sizes: [u64; 2], time: i64) -> Self {
        let [sha256, open] = digests.map(|digest| ("sha256".to_owned(), digest.to_owned()));
        let raw = format!(
            "<data type=\"{kind}\">\n    <checksum type=\"sha256\">{}</checksum>\n    <open-checksum type=\"sha256\">{}</open-checksum>\n    \
             <location href=\"{}\"/>\n    <timestamp>{time}</timestamp>\n    <size>{}</size>\n    <open-size>{}</open-size>\n  </data>",
            sha256.1,
            open.1,
            escaped(&location),
            sizes[0],
            sizes[1]
        );
        Self {
            kind: kind.to_owned(),
            location,
            checksum: sha256,
            open_checksum: Some(open),
            size: Some(sizes[0]),
            open_size: Some(sizes[1]),
            raw,
        }
    }

    fn read(raw: &str) -> Option<Self> {
        let digest = |name: &str| Some((attribute(tag(raw, name)?, "type")?, text(raw, name)?.to_ascii_lowercase()));
        let number = |name: &str| text(raw, name)?.parse().ok();
        Some(Self {
            kind: attribute(tag(raw, "data")?, "type")?,
            location: attribute(tag(raw, "location")?, "href")?,
            checksum: digest("checksum")?,
            open_checksum: digest("open-checksum"),
            size: number("size"),
            open_size: number("open-size"),
            raw: raw.to_owned(),
        })
    }

    /// Whether it follows from the packages, so that it is another as soon as they are.
    pub fn follows_packages(&self) -> bool {
        ["primary", "filelists", "other"].iter().any(|list| self.kind.starts_with(list))
    }
}

impl Repomd {
    /// Reads one.
    ///
    /// # Errors
    /// It is none, in words.
    pub fn read(content: &str) -> Result<Self, String> {
        let head = tag(content, "repomd").ok_or("it is no `repomd`")?;
        if !content.trim_end().ends_with("</repomd>") && !head.ends_with('/') {
            return Err("it is cut off".to_owned());
        }
        let mut data = Vec::new();
        let mut rest = content;
        while let Some(start) = rest.find("<data ") {
            let end = rest[start..].find("</data>").ok_or("an element `data` has no end")? + start + "</data>".len();
            let one = Data::read(&rest[start..end]).ok_or("an element `data` lacks type, checksum or location")?;
            if !is_within(&one.location) {
                return Err(format!("`{}` is not within the repository", one.location));
            }
            data.push(one);
            rest = &rest[end..];
        }
        let mut repomd = Self { data, ..Self::default() };
        repomd.revision = text(content, "revision").and_then(|text| text.parse().ok()).unwrap_or_default();
        let tags = content.split_once("<tags>").and_then(|(_, rest)| rest.split_once("</tags>"));
        tags.map_or("", |(tags, _)| tags).clone_into(&mut repomd.tags);
        repomd.take_own_tags();
        Ok(repomd)
    }

    /// Takes the tags of ours out of those that are there.
    fn take_own_tags(&mut self) {
        let mut kept = String::new();
        let mut rest = std::mem::take(&mut self.tags);
        while let Some(start) = rest.find('<') {
            let name: String = rest[start + 1..].chars().take_while(char::is_ascii_alphanumeric).collect();
            let close = format!("</{name}>");
            let Some(end) = rest.find(&close).map(|at| at + close.len()) else { break };
            let element = &rest[start..end];
            let value = text(element, &name).unwrap_or_default();
            match (name.as_str(), value.strip_prefix(KEY)) {
                ("repo", _) => self.channel = Some(value),
                ("content", Some(digest)) => self.key = Some(digest.to_owned()),
                _ => {
                    kept.push_str("    ");
                    kept.push_str(element);
                    kept.push('\n');
                }
            }
            rest = rest.split_off(end);
        }
        self.tags = kept;
    }

    /// What it says of a list.
    pub fn get(&self, kind: &str) -> Option<&Data> {
        self.data.iter().find(|data| data.kind == kind)
    }

    /// Names the public keys beside it.
    pub fn set_key(&mut self, key: &[u8]) {
        self.key = Some(hex(&sha2::Sha256::digest(key)));
    }

    /// The text, to be signed.
    pub fn write(&self) -> String {
        let mut out = String::from(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<repomd xmlns=\"http://linux.duke.edu/metadata/repo\" \
             xmlns:rpm=\"http://linux.duke.edu/metadata/rpm\">\n",
        );
        let _ = writeln!(out, "  <revision>{}</revision>", self.revision);
        let mut tags = self.tags.clone();
        if let Some(key) = &self.key {
            let _ = writeln!(tags, "    <content>{KEY}{key}</content>");
        }
        if let Some(channel) = &self.channel {
            let _ = writeln!(tags, "    <repo>{}</repo>", escaped(channel));
        }
        if !tags.is_empty() {
            let _ = writeln!(out, "  <tags>\n{tags}  </tags>");
        }
        for data in &self.data {
            let _ = writeln!(out, "  {}", data.raw);
        }
        out.push_str("</repomd>\n");
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(kind: &str) -> Data {
        Data::new(kind, format!("repodata/{kind}.xml.gz"), ["aa", "bb"], [1, 2], 7)
    }

    #[test]
    fn it_is_read_and_written() {
        let mut repomd = Repomd { revision: 5, channel: Some("a & b".into()), ..Repomd::default() };
        repomd.data = ["primary", "filelists", "other", "updateinfo"].map(data).into();
        repomd.set_key(b"key");
        repomd.tags = "    <distro cpeid=\"cpe:/o\">x</distro>\n".to_owned();
        let text = repomd.write();
        let again = Repomd::read(&text).unwrap();
        assert_eq!(again, repomd, "{text}");
        assert_eq!(again.write(), text);
        assert_eq!(again.get("other").unwrap().open_size, Some(2));
        assert_eq!(again.data.iter().filter(|data| data.follows_packages()).count(), 3);
        assert!(Repomd::read(&text.replace("</repomd>", "")).is_err());
        assert!(Repomd::read(&text.replace("repodata/other", "../other")).unwrap_err().contains("not within"));
        assert!(Repomd::read("<html/>").is_err());
    }
}
