//! The three lists of the next root.
//!
//! Enters: the lists as they are, which of their packages stay, and what comes. Leaves: packed files, with their digests. What stays is
//! copied as it is; no list is ever whole in memory, so that a hundred thousand packages take some megabytes.

use std::collections::BTreeSet;
use std::io::{self, BufWriter, Write};

use sha2::Digest as _;

use super::describe::Described;
use super::repomd::Data;
use super::stored::{Entry, walk};
use super::xml;
use crate::codec::compress::{self, Finish};
use crate::codec::gzip;
use crate::codec::hex::hex;
use crate::interrupt;
use crate::publish::draft::{Put, What};
use crate::store::{Body, Kind};

/// How lists are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Packing {
    /// Everybody reads it.
    #[default]
    Gzip,
    /// EL 8 and later; smaller.
    Zstd,
}

/// As `createrepo_c`'s.
const GZIP: u8 = 6;
/// As `createrepo_c`'s.
const ZSTD: u8 = 10;
/// Threads of zstd; the bytes are the same for any.
const THREADS: usize = 2;

/// The lists: name, tag and namespaces.
pub const LISTS: &[(&str, &str, &str)] = &[
    (
        "primary",
        "metadata",
        "xmlns=\"http://linux.duke.edu/metadata/common\" xmlns:rpm=\"http://linux.duke.edu/metadata/rpm\"",
    ),
    ("filelists", "filelists", "xmlns=\"http://linux.duke.edu/metadata/filelists\""),
    ("other", "otherdata", "xmlns=\"http://linux.duke.edu/metadata/other\""),
];

/// A list that was made.
pub struct Made {
    /// What the root says of it.
    pub data: Data,
    /// Its object.
    pub put: Put,
    /// Its file, which lives as long as the draft.
    pub file: (tempfile::TempPath, interrupt::Held),
}

/// Which packages stay.
pub struct Kept<'a> {
    /// Of `primary`, in its order.
    pub entries: &'a [Entry],
    /// Places in it of those that go.
    pub gone: &'a BTreeSet<usize>,
}

impl Kept<'_> {
    fn count(&self) -> usize {
        self.entries.len() - self.gone.len()
    }

    /// Those that stay by what they are known by in the other lists.
    fn ids(&self) -> BTreeSet<&str> {
        let stay = self.entries.iter().enumerate().filter(|(at, _)| !self.gone.contains(at));
        stay.map(|(_, entry)| &*entry.id).collect()
    }
}

/// Counts and digests what goes through.
struct Tally<W> {
    out: W,
    digest: sha2::Sha256,
    size: u64,
}

impl<W: Write> Tally<W> {
    fn new(out: W) -> Self {
        Self { out, digest: sha2::Sha256::new(), size: 0 }
    }

    fn end(self) -> (W, String, u64) {
        (self.out, hex(&self.digest.finalize()), self.size)
    }
}

impl<W: Write> Write for Tally<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = self.out.write(bytes)?;
        self.digest.update(&bytes[..length]);
        self.size += length as u64;
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Makes one of [`LISTS`]. `old` is the packed list that was there, if one was.
///
/// # Errors
/// The old list is none, does not go with `primary`, or the new one cannot be written.
pub fn make(
    (kind, tag, namespaces): (&str, &str, &str),
    old: Option<&[u8]>,
    kept: &Kept<'_>,
    news: &[&Described],
    (packing, time): (Packing, i64),
) -> io::Result<Made> {
    let (file, held) = interrupt::file(tempfile::NamedTempFile::new, |file| file.path().to_owned())?;
    let (file, path) = file.into_parts();
    let mut packed = Tally::new(BufWriter::new(file));
    let encoder: Box<dyn Finish + '_> = match packing {
        Packing::Gzip => Box::new(gzip::Member::new(&mut packed, GZIP)?),
        Packing::Zstd => compress::zstd(&mut packed, ZSTD, THREADS)?,
    };
    let mut open = Tally::new(BufWriter::with_capacity(256 << 10, encoder));
    let count = kept.count() + news.len();
    writeln!(open, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{tag} {namespaces} packages=\"{count}\">")?;
    let copied = copy(kind, old, kept, &mut open)?;
    if copied != kept.count() {
        let why = format!("it lacks {} packages that `primary` has", kept.count().abs_diff(copied));
        return Err(io::Error::new(io::ErrorKind::InvalidData, why));
    }
    for new in news {
        let chunk = match kind {
            "primary" => &new.primary,
            "filelists" => &new.filelists,
            _ => &new.other,
        };
        writeln!(open, "{chunk}")?;
    }
    writeln!(open, "</{tag}>")?;
    let (encoder, open_digest, open_size) = open.end();
    encoder.into_inner().map_err(io::IntoInnerError::into_error)?.finish()?;
    let (mut out, digest, size) = packed.end();
    out.flush()?;
    let (suffix, content_type) = match packing {
        Packing::Gzip => ("gz", "application/gzip"),
        Packing::Zstd => ("zst", "application/zstd"),
    };
    let location = format!("repodata/{digest}-{kind}.xml.{suffix}");
    let put = Put {
        key: location.clone(),
        body: Body::File { path: path.to_path_buf(), size },
        kind: Kind { content_type, immutable: true, sha256: Some(digest.clone()) },
        what: What::Index,
        when: None,
    };
    let data = Data::new(kind, location, [&digest, &open_digest], [size, open_size], time);
    Ok(Made { data, put, file: (path, held) })
}

/// Copies what stays; how many packages that are.
fn copy(kind: &str, old: Option<&[u8]>, kept: &Kept<'_>, out: &mut impl Write) -> io::Result<usize> {
    let Some(old) = old else { return Ok(0) };
    let ids = if kind == "primary" { BTreeSet::new() } else { kept.ids() };
    let (mut at, mut copied) = (0, 0);
    walk(old, |chunk| {
        let stays = if kind == "primary" {
            !kept.gone.contains(&at)
        } else {
            let id = xml::tag(chunk, "package").and_then(|tag| xml::attribute(tag, "pkgid")).unwrap_or_default();
            ids.contains(id.as_str())
        };
        at += 1;
        if stays {
            copied += 1;
            out.write_all(chunk.as_bytes())?;
            out.write_all(b"\n")?;
        }
        Ok(())
    })?;
    Ok(copied)
}
