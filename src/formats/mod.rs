//! Plan + digests -> Layout, and bytes -> Listing.
//!
//! A format decides nothing and writes nothing: no globs, templates, clock, environment or user look-up. It spells
//! version, architecture and relations in its own words; every refusal happens in [`Format::file_name`] or
//! [`Format::layout`], before a byte is written. If it needs a decision, the Plan lacks a field.

use std::io::{Read, Seek};

pub use crate::assemble::plan::{Abilities, Plan};
use crate::diagnostic::{Diagnostic, Findings};
use crate::engine::store::Digests;

pub mod deb;
mod layout;
mod listing;
pub mod oci;
pub mod rpm;
pub mod tarball;
pub mod tree;
pub mod zip;
pub use layout::{Known, Layout, Measure, Piece, Pieces, Section, SectionFacts, Sink};
pub use listing::{Check, ListedEntry, ListedKind, ListedScript, Listing};

/// A kind of artifact.
pub trait Format: Sync {
    /// Config key, flag value, golden folder: `deb`.
    fn name(&self) -> &'static str;
    /// What it can carry; which script dialect.
    fn abilities(&self) -> Abilities;
    /// The artifact's file name, and the format's own word for the architecture. Refuses what the format cannot carry
    /// (name, version, relation …), all findings at once; `plan` calls it to refuse before content is read.
    fn file_name(&self, plan: &Plan) -> Result<FileName, Findings>;
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
