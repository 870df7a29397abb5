//! A suite as it lies there: its root, and the indexes that the root names.
//!
//! Enters: a place. Leaves: what the last publisher left, each index checked by the digest in the root. There is no other state.

use std::collections::BTreeSet;
use std::io::Read as _;

use crate::codec::decompress;
use crate::codec::hex::hex;
use crate::diagnostic::{Diagnostic, codes};
use crate::publish::draft::Was;
use crate::sign;
use crate::store::Place;

use super::release::Release;

use sha2::Digest as _;

/// See the module.
pub struct Suite<'a> {
    place: &'a dyn Place,
    folder: String,
    /// `InRelease` as it was.
    pub was: Was,
    /// What it says; empty where there is none.
    pub release: Release,
}

impl<'a> Suite<'a> {
    /// Reads the root of `dists/SUITE`.
    ///
    /// # Errors
    /// The place does not answer, or its root is none.
    pub fn read(place: &'a dyn Place, suite: &str) -> Result<Self, Diagnostic> {
        let folder = format!("dists/{suite}");
        let key = format!("{folder}/InRelease");
        let was = Was::read(place, &key, &format!("{folder}/Release"))?;
        let release = match &was.0 {
            None => Release::default(),
            Some(object) => {
                let text = sign::clear_text(&object.bytes);
                let read = text.ok_or_else(|| "it is not signed as it should be".to_owned());
                read.and_then(|text| Release::read(&text)).map_err(|why| damaged(place, &key, &why))?
            }
        };
        Ok(Self { place, folder, was, release })
    }

    /// Where it lies.
    pub fn place(&self) -> &dyn Place {
        self.place
    }

    /// `dists/SUITE`
    pub fn folder(&self) -> &str {
        &self.folder
    }

    /// The key of an index by its digest: `dists/stable/main/binary-amd64/by-hash/SHA256/…`.
    pub fn by_hash(&self, path: &str, sha256: &str) -> String {
        let inner = path.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
        format!("{}/{inner}by-hash/SHA256/{sha256}", self.folder)
    }

    /// An index that lies there unpacked, as the root says it is.
    ///
    /// # Errors
    /// The place does not answer.
    pub fn whole(&self, path: &str) -> Result<Option<Vec<u8>>, Diagnostic> {
        let Some(listed) = self.release.files.get(path) else { return Ok(None) };
        for key in [self.by_hash(path, &listed.sha256), format!("{}/{path}", self.folder)] {
            let found = self.place.get(&key)?.map(|object| object.bytes);
            if let Some(bytes) = found.filter(|bytes| hex(&sha2::Sha256::digest(bytes)) == listed.sha256) {
                return Ok(Some(bytes));
            }
        }
        Ok(None)
    }

    /// Every index of a name, such as `Packages`, whatever it is packed by: path without a suffix, and content.
    ///
    /// # Errors
    /// As [`Suite::index`].
    pub fn indexes(&self, name: &str) -> Result<Vec<(String, Vec<u8>)>, Diagnostic> {
        let is_it = |path: &&String| path.rsplit('/').next().is_some_and(|file| file.split('.').next() == Some(name));
        let paths = self.release.files.keys().filter(is_it);
        let plain = |path: &String| path.rsplit_once('/').map(|(folder, _)| format!("{folder}/{name}"));
        let paths: BTreeSet<String> = paths.filter_map(plain).collect();
        let mut found = Vec::new();
        for path in paths {
            found.extend(self.index(&path)?.map(|content| (path, content)));
        }
        Ok(found)
    }

    /// The content of an index by its name without a suffix, such as `main/binary-amd64/Packages`; none if the root names none.
    ///
    /// # Errors
    /// It is not there, or is not what the root says.
    pub fn index(&self, path: &str) -> Result<Option<Vec<u8>>, Diagnostic> {
        // What is inside of a packed one is listed, and need not be there.
        let Some((packed, listed)) = [".gz", ".xz", ".zst", ".bz2", ".lzma", ""].into_iter().find_map(|suffix| {
            let packed = format!("{path}{suffix}");
            let listed = self.release.files.get(&packed)?;
            Some((packed, listed))
        }) else {
            return Ok(None);
        };
        let size = self.release.files.get(path).map_or(LONGEST, |inner| inner.size);
        let named = format!("{}/{packed}", self.folder);
        let by_hash = self.by_hash(&packed, &listed.sha256);
        let mut why = "it is not there".to_owned();
        for key in [&by_hash, &named] {
            let Some(object) = self.place.get(key)? else { continue };
            if hex(&sha2::Sha256::digest(&object.bytes)) != listed.sha256 {
                "it is not what `InRelease` says: its digest is another".clone_into(&mut why);
                continue;
            }
            return unpack(&object.bytes, size).map(Some).map_err(|error| damaged(self.place, key, &error.to_string()));
        }
        Err(damaged(self.place, &named, &why))
    }
}

/// Bytes of an index of which the root does not say them.
pub(super) const LONGEST: u64 = 1 << 30;

/// What is in a packed index, whatever packed it; no more than `most` bytes.
pub(super) fn unpack(bytes: &[u8], most: u64) -> std::io::Result<Vec<u8>> {
    let (_, reader) = decompress::detect(bytes)?;
    let mut content = Vec::new();
    reader.take(most.saturating_add(1)).read_to_end(&mut content)?;
    if content.len() as u64 > most {
        return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, "there is more in it than the root says"));
    }
    Ok(content)
}

/// Files of source packages that the suite names: fitout puts none, others do.
///
/// # Errors
/// As [`Suite::index`].
pub fn source_files(suite: &Suite<'_>) -> Result<Vec<String>, Diagnostic> {
    let mut files = Vec::new();
    for (_, content) in suite.indexes("Sources")? {
        for stanza in String::from_utf8_lossy(&content).split("\n\n") {
            let folder = stanza.lines().find_map(|line| line.strip_prefix("Directory:")).unwrap_or_default().trim();
            // A digest, a size, a name.
            let names = stanza.lines().filter(|line| line.starts_with(' ')).filter_map(|line| {
                let words: Vec<&str> = line.split_whitespace().collect();
                (words.len() == 3).then(|| words[2])
            });
            files.extend(names.map(|name| format!("{folder}/{name}")));
        }
    }
    Ok(files)
}

/// What somebody else has done to a repository.
pub fn damaged(place: &dyn Place, key: &str, why: &str) -> Diagnostic {
    Diagnostic::error(codes::PUBLISH_DAMAGED, format!("the repository in `{}` is damaged: `{key}`", place.name()))
        .note(why)
        .help("`fitout repo verify` lists all that is wrong, `fitout repo repair` puts back what the rest knows")
        .help("nothing was changed; else put the file back as it was, or publish into an empty folder")
}
