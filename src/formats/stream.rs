//! Entries -> pieces of a tar stream: what the writers of deb and tarball share.
//!
//! Enters: entries in path order and the folder that they stand under. Leaves: headers, content and padding, one after
//! the other; nothing stands in memory but one header. Not here: compression, and which entries a format takes.

use std::io;

use super::sequence::{Folders, Large, Sequence};
use super::{Piece, Sink};
use crate::assemble::plan::{Compression, Entry, Kind, Role};
use crate::codec::tar::{self, Member, Type};
use crate::diagnostic::{Code, Diagnostic, Findings};

/// What is the same for all members.
#[derive(Debug, Clone)]
pub struct Frame {
    /// `.`, `hello-1.0-linux-amd64`: what stands for `/`.
    pub prefix: String,
    /// Seconds since 1970.
    pub clock: i64,
    /// Where large files stand in a gzip stream.
    pub large: Large,
}

/// Whether a tar can carry an entry: what a package only owns is rpm's affair.
pub fn is_carried(entry: &&Entry) -> bool {
    entry.role != Role::Ghost
}

impl Frame {
    /// Refuses what tar cannot say, and counts the bytes of the stream before compression.
    pub fn check<'e>(&self, entries: impl Iterator<Item = &'e Entry>, code: Code) -> Result<u64, Findings> {
        let mut findings = Findings::new();
        let refuse = |path: &str, error: &tar::Error| {
            Diagnostic::error(code, format!("`{}` cannot be packed: {error}", path.escape_debug()))
                .path(path)
                .help("give it another name, owner or time")
        };
        let root = self.root().map_err(|e| vec![refuse(&self.prefix, &e)])?;
        let mut size = (tar::END.len() + root.len()) as u64;
        for entry in entries.filter(is_carried) {
            match self.said(entry, tar::length) {
                Ok(header) => {
                    let content = match &entry.kind {
                        Kind::File(source) => source.size,
                        _ => 0,
                    };
                    let padding = tar::padding(content).len() as u64;
                    size = size.saturating_add(header).saturating_add(content).saturating_add(padding);
                }
                Err(error) => findings.push(refuse(&entry.path, &error).at_origin(&entry.origin, "")),
            }
        }
        if findings.is_empty() { Ok(size) } else { Err(findings) }
    }

    /// Hands over the stream: the folder itself, then `first` (members that fitout made), then the entries in the
    /// order of a stream of this compression.
    pub fn write<'p>(
        &self,
        entries: impl Iterator<Item = &'p Entry> + Clone,
        compression: Compression,
        first: Vec<u8>,
        sink: Sink<'_, 'p>,
    ) -> io::Result<()> {
        let mut head = self.root().map_err(io::Error::other)?;
        head.extend(first);
        sink(Piece::literal(head))?;
        let sequence = Sequence::of(compression, self.large, entries.clone());
        let mut entries: Vec<&Entry> = entries.filter(is_carried).collect();
        entries.sort_by_key(|entry| sequence.key(entry));
        let mut folders = Folders::default();
        for entry in entries {
            if folders.change(entry) {
                sink(Piece::Break)?;
            }
            sink(Piece::literal(self.header(entry).map_err(io::Error::other)?))?;
            if let Kind::File(source) = &entry.kind {
                sink(Piece::Content(source.id))?;
                let padding = tar::padding(source.size);
                if !padding.is_empty() {
                    sink(Piece::literal(padding))?;
                }
            }
        }
        sink(Piece::literal(tar::END))
    }

    /// A file that fitout made for the archive, beside the entries.
    pub fn file(&self, name: &str, mode: u32, content: &[u8]) -> Result<Vec<u8>, tar::Error> {
        let path = format!("{}/{name}", self.prefix);
        let mut bytes = tar::header(&Member { mode, ..self.member(&path, Type::File(content.len() as u64)) })?;
        bytes.extend_from_slice(content);
        bytes.extend_from_slice(tar::padding(content.len() as u64));
        Ok(bytes)
    }

    /// The header of the folder itself.
    pub fn root(&self) -> Result<Vec<u8>, tar::Error> {
        tar::header(&self.member(&self.prefix, Type::Directory))
    }

    fn member<'a>(&self, path: &'a str, kind: Type<'a>) -> Member<'a> {
        Member { path, kind, mode: 0o755, uid: 0, gid: 0, user: "root", group: "root", mtime: self.clock }
    }

    fn header(&self, entry: &Entry) -> Result<Vec<u8>, tar::Error> {
        self.said(entry, tar::header)
    }

    /// What is made of the member that an entry is.
    fn said<T>(&self, entry: &Entry, make: impl FnOnce(&Member<'_>) -> Result<T, tar::Error>) -> Result<T, tar::Error> {
        let path = format!("{}{}", self.prefix, entry.path);
        let first;
        let kind = match &entry.kind {
            Kind::Directory { .. } => Type::Directory,
            Kind::File(source) => Type::File(source.size),
            Kind::Symlink { target } => Type::Symlink(target),
            Kind::Hardlink { target } => {
                first = format!("{}{target}", self.prefix);
                Type::Hardlink(&first)
            }
        };
        make(&Member {
            path: &path,
            kind,
            mode: entry.mode,
            uid: entry.owner.uid,
            gid: entry.owner.gid,
            user: &entry.owner.user,
            group: &entry.owner.group,
            mtime: self.clock,
        })
    }
}
