//! A suite as it lies there: its root, and the indexes that the root names.
//!
//! Enters: a place. Leaves: what the last publisher left, each index checked by the digest in the root. There is no other state.

use crate::codec::decompress;
use crate::codec::hex::hex;
use crate::diagnostic::{Diagnostic, codes};
use crate::publish::draft::Was;
use crate::store::Place;

use super::release::{Release, clear_text};

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
        let was = Was(place.get(&key)?);
        let release = match &was.0 {
            None => Release::default(),
            Some(object) => {
                let text = std::str::from_utf8(&object.bytes).ok().and_then(clear_text);
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

    /// The content of an index by its name without a suffix, such as `main/binary-amd64/Packages`; none if the root names none.
    ///
    /// # Errors
    /// It is not there, or is not what the root says.
    pub fn index(&self, path: &str) -> Result<Option<Vec<u8>>, Diagnostic> {
        let Some((path, listed)) = [".gz", ""].into_iter().find_map(|suffix| {
            let path = format!("{path}{suffix}");
            let listed = self.release.files.get(&path)?;
            Some((path, listed))
        }) else {
            return Ok(None);
        };
        let named = format!("{}/{path}", self.folder);
        let by_hash = self.by_hash(&path, &listed.sha256);
        let mut why = "it is not there".to_owned();
        for key in [&by_hash, &named] {
            let Some(object) = self.place.get(key)? else { continue };
            if hex(&sha2::Sha256::digest(&object.bytes)) != listed.sha256 {
                "it is not what `InRelease` says: its digest is another".clone_into(&mut why);
                continue;
            }
            return unpack(&object.bytes).map(Some).map_err(|error| damaged(self.place, key, &error.to_string()));
        }
        Err(damaged(self.place, &named, &why))
    }
}

/// What is in a packed index, whatever packed it.
pub(super) fn unpack(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let (_, mut reader) = decompress::detect(bytes)?;
    let mut content = Vec::new();
    std::io::Read::read_to_end(&mut reader, &mut content)?;
    Ok(content)
}

/// What somebody else has done to a repository.
pub fn damaged(place: &dyn Place, key: &str, why: &str) -> Diagnostic {
    Diagnostic::error(codes::PUBLISH_DAMAGED, format!("the repository in `{}` is damaged: `{key}`", place.name()))
        .note(why)
        .help("`fitout repo verify` lists all that is wrong")
        .help("nothing was changed; put the file back as it was, or publish into an empty folder")
}
