//! A repository as it lies there: its root, and the packages of the list that the root names.
//!
//! Enters: a place. Leaves: what the last publishers left, each list checked by its digest. There is no other state. Of a list no more is
//! kept than the few words by which packages are known.

use std::cmp::Ordering;
use std::io::Read;
use std::sync::{Arc, OnceLock};

use sha2::Digest as _;

use super::SIGNATURE;
use super::repomd::{Data, Repomd};
use super::xml::{self, Chunks};
use crate::codec::decompress;
use crate::codec::hex::hex;
use crate::diagnostic::Diagnostic;
use crate::formats::rpm::order;
use crate::publish::apt::damaged;
use crate::publish::draft::Was;
use crate::publish::repo::Listed;
use crate::store::{Place, is_within};

/// What readers begin with.
pub const ROOT: &str = "repodata/repomd.xml";

/// The list that says most of each package.
const PRIMARY: &str = "primary";

/// See the module.
pub struct Repository<'a> {
    place: &'a dyn Place,
    /// `repomd.xml` as it was.
    pub was: Was,
    /// What it says; empty where there is none.
    pub repomd: Repomd,
    /// The bytes of `primary`: they are read for the packages, and again for a new list.
    primary: OnceLock<Arc<[u8]>>,
}

/// A package of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Package name.
    pub name: Box<str>,
    /// Architecture.
    pub arch: Box<str>,
    /// Epoch.
    pub epoch: u32,
    /// Version.
    pub version: Box<str>,
    /// Release.
    pub release: Box<str>,
    /// By which it is known in the other lists: a digest of its file.
    pub id: Box<str>,
    /// The algorithm of that.
    pub algorithm: Box<str>,
    /// Where it lies; none if that is another place.
    pub location: Option<Box<str>>,
    /// Bytes.
    pub size: u64,
}

impl Entry {
    /// Reads its element of `primary`.
    pub fn read(chunk: &str) -> Option<Self> {
        let version = xml::tag(chunk, "version")?;
        let checksum = xml::tag(chunk, "checksum")?;
        let location = xml::tag(chunk, "location")?;
        let elsewhere = xml::attribute(location, "xml:base").is_some();
        let href = xml::attribute(location, "href")?;
        if !elsewhere && !is_within(&href) {
            return None;
        }
        let boxed = |text: String| text.into_boxed_str();
        Some(Self {
            name: boxed(xml::text(chunk, "name")?),
            arch: boxed(xml::text(chunk, "arch")?),
            epoch: xml::attribute(version, "epoch").and_then(|epoch| epoch.parse().ok()).unwrap_or_default(),
            version: boxed(xml::attribute(version, "ver")?),
            release: boxed(xml::attribute(version, "rel")?),
            id: boxed(xml::text(chunk, "checksum")?),
            algorithm: boxed(xml::attribute(checksum, "type")?),
            location: (!elsewhere).then(|| boxed(href)),
            size: xml::tag(chunk, "size").and_then(|size| xml::attribute(size, "package")?.parse().ok())?,
        })
    }

    /// As the lists of all repositories have it.
    pub fn listed(&self, channel: &str) -> Listed {
        Listed {
            channel: channel.to_owned(),
            name: self.name.to_string(),
            version: self.evr(),
            arch: self.arch.to_string(),
            size: self.size,
            sha256: self.id.to_string(),
            file: self.location.as_deref().unwrap_or_default().to_owned(),
        }
    }

    /// `[epoch:]version-release`
    pub fn evr(&self) -> String {
        let epoch = if self.epoch == 0 { String::new() } else { format!("{}:", self.epoch) };
        format!("{epoch}{}-{}", self.version, self.release)
    }

    /// Which of two is newer.
    pub fn compare(&self, other: &Self) -> Ordering {
        let evr = |entry: &Self| (entry.epoch, entry.version.clone(), entry.release.clone());
        let (a, b) = (evr(self), evr(other));
        order::compare_evr((a.0, &a.1, &a.2), (b.0, &b.1, &b.2))
    }
}

impl<'a> Repository<'a> {
    /// Reads the root.
    ///
    /// # Errors
    /// The place does not answer, or its root is none.
    pub fn read(place: &'a dyn Place) -> Result<Self, Diagnostic> {
        let was = Was::read(place, ROOT, SIGNATURE)?;
        let mut repomd = Repomd::default();
        if was.0.is_some() {
            let text = was.text().ok_or_else(|| "it is not UTF-8".to_owned());
            repomd = text.and_then(Repomd::read).map_err(|why| damaged(place, ROOT, &why))?;
        }
        Ok(Self { place, was, repomd, primary: OnceLock::new() })
    }

    /// The bytes of a list; none if the root names none.
    ///
    /// # Errors
    /// It is not there, or is not what the root says.
    pub fn bytes(&self, kind: &str) -> Result<Option<Arc<[u8]>>, Diagnostic> {
        if let Some(bytes) = self.primary.get().filter(|_| kind == PRIMARY) {
            return Ok(Some(bytes.clone()));
        }
        let Some(data) = self.repomd.get(kind) else { return Ok(None) };
        let wrong = |why: &str| damaged(self.place, &data.location, why);
        let object = self.place.get(&data.location)?.ok_or_else(|| wrong("it is not there"))?;
        match digest(&data.checksum.0, &object.bytes) {
            Some(found) if found == data.checksum.1 => {
                let bytes: Arc<[u8]> = object.bytes.into();
                if kind == PRIMARY {
                    return Ok(Some(self.primary.get_or_init(|| bytes).clone()));
                }
                Ok(Some(bytes))
            }
            Some(_) => Err(wrong("it is not what `repomd.xml` says: its digest is another")),
            None => Err(wrong("its digest is of a kind that is not read")),
        }
    }

    /// The packages of `primary`, in its order.
    ///
    /// # Errors
    /// It is not there, is not what the root says, or is no such list.
    pub fn packages(&self) -> Result<Vec<Entry>, Diagnostic> {
        let Some(bytes) = self.bytes(PRIMARY)? else { return Ok(Vec::new()) };
        let location = self.repomd.get(PRIMARY).map_or(ROOT, |data: &Data| &data.location);
        entries(&bytes).map_err(|error| damaged(self.place, location, &error.to_string()))
    }
}

/// The packages of a packed `primary`, in its order.
///
/// # Errors
/// It is no such list.
pub fn entries(packed: &[u8]) -> std::io::Result<Vec<Entry>> {
    let mut found = Vec::new();
    walk(packed, |chunk| {
        let entry = Entry::read(chunk);
        let lacks = "a package lacks name, version, checksum, size or location, or lies elsewhere";
        found.push(entry.ok_or_else(|| std::io::Error::new(std::io::ErrorKind::InvalidData, lacks))?);
        Ok(())
    })?;
    Ok(found)
}

/// Gives every package of a packed list.
///
/// # Errors
/// It cannot be unpacked, or has another number of packages than it says; those of `each`.
pub fn walk(packed: impl Read, mut each: impl FnMut(&str) -> std::io::Result<()>) -> std::io::Result<()> {
    let (_, reader) = decompress::detect(packed)?;
    let mut chunks = Chunks::new(reader);
    let stated = chunks.count()?;
    let mut count = 0;
    while let Some(chunk) = chunks.next()? {
        each(chunk)?;
        count += 1;
    }
    if count == stated {
        Ok(())
    } else {
        let why = format!("it says that it has {stated} packages, and has {count}");
        Err(std::io::Error::new(std::io::ErrorKind::InvalidData, why))
    }
}

/// A digest in hex by the word of its algorithm; none if that is not known.
pub fn digest(algorithm: &str, bytes: &[u8]) -> Option<String> {
    Some(match algorithm {
        "sha256" => hex(&sha2::Sha256::digest(bytes)),
        "sha512" => hex(&sha2::Sha512::digest(bytes)),
        "sha384" => hex(&sha2::Sha384::digest(bytes)),
        "sha" | "sha1" => hex(&sha1::Sha1::digest(bytes)),
        _ => return None,
    })
}
