//! Plan + digests -> Layout, and bytes -> Listing.
//!
//! A format decides nothing and writes nothing: no globs, templates, clock, environment or user look-up. It spells
//! version, architecture and relations in its own words; every refusal happens in [`Format::file_name`] or
//! [`Format::layout`], before a byte is written. If it needs a decision, the Plan lacks a field.

use std::io::{Read, Seek};
use std::path::Path;

use sha2::Digest as _;

pub use crate::assemble::plan::{Abilities, Plan};
use crate::diagnostic::{Diagnostic, Findings, codes};

pub mod deb;
mod digests;
mod layout;
mod libc;
mod listing;
pub mod oci;
pub mod programs;
pub mod rpm;
mod sequence;
pub mod source;
pub mod stream;
pub mod tarball;
pub mod tree;
#[cfg(test)]
pub(crate) mod trial;
pub mod unpacked;
pub mod zip;
pub use digests::{Digest, Digests};
pub use layout::{Fill, Known, Layout, Measure, Piece, Pieces, Section, SectionFacts, Sink};
pub use listing::{Check, ListedEntry, ListedKind, ListedScript, Listing, Names};
pub use sequence::{Large, SPLICED_FROM};

/// A kind of artifact.
pub trait Format: Sync {
    /// Config key, flag value, golden folder: `deb`.
    fn name(&self) -> &'static str;
    /// What it can carry; which script dialect.
    fn abilities(&self) -> Abilities;
    /// The artifact's file name, and the format's own word for the architecture. Refuses what the format cannot carry
    /// (name, version, relation …), all findings at once; `plan` calls it to refuse before content is read.
    fn file_name(&self, plan: &Plan) -> Result<FileName, Findings>;
    /// Warnings about what the format can carry and hardly is as it was meant. Nothing unless the format says otherwise.
    fn doubts(&self, _plan: &Plan) -> Findings {
        Findings::new()
    }
    /// The artifact as sections; pure.
    fn layout<'p>(&self, plan: &'p Plan, digests: &'p Digests) -> Result<Layout<'p>, Findings>;
    /// Whether a file that begins with these bytes (up to 512) and has this name is of this format.
    fn recognises(&self, head: &[u8], name: &str) -> bool;
    /// Reads an artifact back: for `inspect`, `diff`, `lint` and goldens. Reports damage in the listing's checks where
    /// reading can go on; memory stays bounded whatever the input claims.
    fn read(&self, artifact: &mut dyn Artifact, name: &str) -> Result<Listing, Diagnostic>;
}

/// What [`Format::file_name`] answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileName {
    /// Without folder.
    pub name: String,
    /// The format's own word for the architecture.
    pub arch: String,
    /// The format's own spelling of the version.
    pub version: String,
}

/// An artifact to read back.
pub trait Artifact: Read + Seek {}
impl<T: Read + Seek> Artifact for T {}

/// Lists the formats once: flags, schema, docs, completions, inspect, diff and lint follow from it.
macro_rules! formats {
    ($($room:ident :: $format:ident),* $(,)?) => {
        /// Every format, in the order in which artifacts are listed.
        pub const ALL: &[&dyn Format] = &[$(&$room::$format),*];
    };
}
formats! { deb::Deb, rpm::Rpm, tarball::Tarball, zip::Zip, oci::Oci }

/// Reads an artifact of any format back, and the SHA-256 of the file.
///
/// # Errors
/// When the file cannot be read, is of no known format, or is damaged beyond reading.
pub fn read_file(path: &Path) -> Result<(Listing, [u8; 32]), Diagnostic> {
    let failed = |error: std::io::Error| {
        let message = format!("cannot read `{}`", path.display());
        let missing = error.kind() == std::io::ErrorKind::NotFound;
        let (code, help) = if missing {
            (codes::ARTIFACT_NOT_FOUND, "`fitout build` prints the paths of what it made")
        } else {
            (codes::ARTIFACT_READ, "see to it that you may read the file")
        };
        Diagnostic::error(code, message).path(path).note(error.to_string()).help(help)
    };
    // Before it is opened: that of a fifo would wait for somebody to write.
    let meta = std::fs::metadata(path).map_err(failed)?;
    if meta.is_dir() {
        return Err(unknown(path).note("it is a folder, not a file"));
    }
    if !meta.is_file() {
        return Err(unknown(path).note("it is not a regular file"));
    }
    if meta.len() == 0 {
        return Err(unknown(path).note("it is empty"));
    }
    let mut file = std::fs::File::open(path).map_err(failed)?;
    let mut head = Vec::with_capacity(HEAD);
    file.by_ref().take(HEAD as u64).read_to_end(&mut head).map_err(failed)?;
    let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let format = ALL.iter().find(|format| format.recognises(&head, &name)).ok_or_else(|| unknown(path))?;
    file.rewind().map_err(failed)?;
    // A reader may seek, so the file's own digest is taken beside it; both find the same pages in memory.
    let whole = std::fs::File::open(path).map_err(failed)?;
    let (listing, digest) = std::thread::scope(|scope| {
        let digest = scope.spawn(|| digest(whole));
        let listing = format.read(&mut std::io::BufReader::new(file), &name);
        (listing, digest.join())
    });
    let mut listing = listing.map_err(|finding| finding.path(path))?;
    let (size, sha256) = digest.unwrap_or_else(|panic| std::panic::resume_unwind(panic)).map_err(failed)?;
    listing.packed_size = size;
    Ok((listing, sha256))
}

/// Bytes and SHA-256 of a whole file.
///
/// # Errors
/// It cannot be read.
pub fn digest(mut file: std::fs::File) -> std::io::Result<(u64, [u8; 32])> {
    let mut hasher = sha2::Sha256::new();
    let size = std::io::copy(&mut file, &mut hasher)?;
    Ok((size, hasher.finalize().into()))
}

/// Bytes that tell a format.
const HEAD: usize = 512;

fn unknown(path: &Path) -> Diagnostic {
    let names: Vec<&str> = ALL.iter().map(|format| format.name()).collect();
    Diagnostic::error(codes::ARTIFACT_UNKNOWN, format!("`{}` is no artifact that fitout reads", path.display()))
        .path(path)
        .help(format!("formats: {}", names.join(", ")))
}
