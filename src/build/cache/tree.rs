//! What one entry of the cache holds: names, modes and times of a tree, where its content lies, and what was built from.
//!
//! Enters and leaves: bytes, which carry their own digest, so that a damaged entry is never taken for a tree. Paths that lead
//! out of the tree are refused: an entry may come from a store that others write to.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;

use serde::{Deserialize, Serialize};

use super::Damage;
use super::store::too_large;
use crate::codec::hashes::{Hashes, sums};
use crate::codec::hex::hex;

/// Raised when an entry means something else.
const SCHEMA: u32 = 1;
/// Characters of a digest in hex.
const DIGEST: usize = 64;
/// Most bytes of an entry when it is decompressed: a million files.
const LARGEST: u64 = 256 << 20;
/// Most bytes of a path: `PATH_MAX` of limits.h.
const LONGEST: usize = 4096;
/// Compression of entries and blobs: what is built is read back soon and often.
pub const LEVEL: i32 = 1;

/// Seconds since 1970 and nanoseconds.
pub type Time = (i64, i64);

/// One entry.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tree {
    schema: u32,
    /// Names of the blobs that pieces count.
    pub blobs: Vec<String>,
    /// Everything, each folder before what lies in it, the files of a folder together.
    pub items: Vec<Item>,
    /// The sources that it was built from: digest and time of each, by its path from the project's folder.
    pub sources: BTreeMap<String, (String, Time)>,
}

/// A file, folder or link.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// From the project's folder.
    pub path: String,
    /// Permission bits.
    pub mode: u32,
    /// When its content changed.
    pub time: Time,
    /// What it is.
    pub kind: Kind,
}

/// What an item is.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// A folder.
    Folder,
    /// A symbolic link, and where it leads.
    Link(String),
    /// A file, and the pieces of its content.
    File(Vec<Piece>),
}

/// A part of a file: number of the blob, where it begins there, bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece(pub usize, pub usize, pub usize);

impl Tree {
    /// Of these parts.
    pub fn new(blobs: Vec<String>, items: Vec<Item>, sources: BTreeMap<String, (String, Time)>) -> Self {
        Self { schema: SCHEMA, blobs, items, sources }
    }

    /// As it is stored.
    ///
    /// # Errors
    /// Those of the encoder; that there are more files than would be read again.
    pub fn encode(&self) -> std::io::Result<Vec<u8>> {
        let text = serde_json::to_vec(self)?;
        if text.len() as u64 > LARGEST {
            return Err(too_large());
        }
        let packed = zstd::bulk::compress(&text, LEVEL)?;
        Ok([digest(&packed).into_bytes(), packed].concat())
    }

    /// Reads what was stored.
    ///
    /// # Errors
    /// It is not what was written, or leads out of the folder.
    pub fn decode(bytes: &[u8]) -> Result<Self, Damage> {
        let (head, packed) = bytes.split_at_checked(DIGEST).ok_or(Damage("it is cut off"))?;
        if digest(packed).as_bytes() != head {
            return Err(Damage("its digest is another"));
        }
        let mut text = Vec::new();
        let decoder = zstd::stream::read::Decoder::new(packed);
        let read = decoder.and_then(|decoder| decoder.take(LARGEST + 1).read_to_end(&mut text));
        if read.map_err(|_| Damage("it cannot be decompressed"))? as u64 > LARGEST {
            return Err(Damage("it is larger than any that is written"));
        }
        let tree: Self = serde_json::from_slice(&text).map_err(|_| Damage("it is of another version of fitout"))?;
        if tree.schema != SCHEMA {
            return Err(Damage("it is of another version of fitout"));
        }
        tree.judge().map(|()| tree)
    }

    /// Every path stays in the tree, and no link is a folder on the way.
    fn judge(&self) -> Result<(), Damage> {
        let plain = |path: &str| path.split('/').all(|part| !["", ".", ".."].contains(&part) && !part.contains('\0'));
        let mut folders: BTreeSet<&str> = BTreeSet::new();
        let mut known: BTreeSet<&str> = BTreeSet::new();
        for item in &self.items {
            let mut all_above = std::iter::successors(above(&item.path), |path| above(path));
            let inside = above(&item.path).is_none_or(|above| folders.contains(above))
                || !all_above.any(|path| known.contains(path));
            if item.path.len() > LONGEST || !plain(&item.path) || !inside || !known.insert(item.path.as_str()) {
                return Err(Damage("it names a path outside of it"));
            }
            if matches!(item.kind, Kind::Folder) {
                folders.insert(item.path.as_str());
            }
            let pieces = if let Kind::File(pieces) = &item.kind { &pieces[..] } else { &[] };
            if pieces.iter().any(|piece| piece.0 >= self.blobs.len()) {
                return Err(Damage("it names a blob that it does not have"));
            }
        }
        let is_digest = |name: &String| name.len() == DIGEST && name.bytes().all(|b| b.is_ascii_hexdigit());
        if !self.blobs.iter().all(is_digest) {
            return Err(Damage("it names a blob that cannot be"));
        }
        Ok(())
    }
}

/// The folder that a path lies in.
fn above(path: &str) -> Option<&str> {
    path.rsplit_once('/').map(|(above, _)| above)
}

/// SHA-256 in hex.
pub fn digest(bytes: &[u8]) -> String {
    hex(&sums(bytes, Hashes::SHA256).sha256.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(items: &[(&str, Kind)]) -> Tree {
        let item = |(path, kind): &(&str, Kind)| Item {
            path: (*path).to_owned(),
            mode: 0o755,
            time: (1, 2),
            kind: match kind {
                Kind::Folder => Kind::Folder,
                Kind::Link(target) => Kind::Link(target.clone()),
                Kind::File(pieces) => Kind::File(pieces.clone()),
            },
        };
        Tree::new(vec!["a".repeat(64)], items.iter().map(item).collect(), BTreeMap::new())
    }

    fn file() -> Kind {
        Kind::File(vec![Piece(0, 0, 1)])
    }

    #[test]
    fn what_is_written_is_read() {
        let tree = tree(&[("deps", Kind::Folder), ("deps/a", file()), ("deps/l", Kind::Link("../..".into()))]);
        assert_eq!(Tree::decode(&tree.encode().unwrap()).unwrap(), tree);
    }

    #[test]
    fn every_changed_bit_is_seen() {
        let bytes = tree(&[("deps", Kind::Folder), ("deps/a", file())]).encode().unwrap();
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            assert!(Tree::decode(&damaged).is_err(), "byte {at}");
        }
        for end in [0, 10, 64, bytes.len() - 1] {
            assert!(Tree::decode(&bytes[..end]).is_err(), "cut at {end}");
        }
    }

    #[test]
    fn nothing_leads_out_of_it() {
        let link = || Kind::Link("/etc".to_owned());
        for items in [
            vec![("../a", file())],
            vec![("/etc/passwd", file())],
            vec![("", Kind::Folder)],
            vec![("deps/./a", file())],
            vec![("deps", link()), ("deps/passwd", file())],
            vec![("deps", Kind::Folder), ("deps/x", link()), ("deps/x/deep/passwd", file())],
            vec![("deps", Kind::Folder), ("deps", link())],
            vec![("deps", Kind::File(vec![Piece(1, 0, 1)]))],
        ] {
            let shown = format!("{items:?}");
            assert!(Tree::decode(&tree(&items).encode().unwrap()).is_err(), "{shown}");
        }
    }

    #[test]
    fn a_bomb_is_refused() {
        let zeros = std::io::repeat(0).take(LARGEST + 1);
        let packed = zstd::stream::encode_all(zeros, LEVEL).unwrap();
        let bomb = [digest(&packed).into_bytes(), packed].concat();
        assert_eq!(Tree::decode(&bomb).unwrap_err(), Damage("it is larger than any that is written"));
        // Many files without the folders that they lie in.
        let names: Vec<String> = (0..40_000).map(|number| format!("deps/{number}/file")).collect();
        let items: Vec<(&str, Kind)> = names.iter().map(|name| (name.as_str(), file())).collect();
        let bytes = tree(&items).encode().unwrap();
        let begun = std::time::Instant::now();
        assert_eq!(Tree::decode(&bytes).unwrap().items.len(), names.len());
        assert!(begun.elapsed().as_secs() < 30, "{:?}", begun.elapsed());
        assert!(Tree::decode(&tree(&[(&"a/".repeat(4000)[..7999], file())]).encode().unwrap()).is_err());
    }
}
