//! Reads any rpm back: v3, v4 and v6, binary and source, made by anyone.
//!
//! Enters: bytes that may be hostile. Leaves: a Listing, with what was verified; an error only where nothing can be
//! read. Memory stays within what rpm itself allows headers to take, whatever they claim. Not here: trust in signatures.

use std::io::{self, Read, SeekFrom};

use ::rpm::{IndexSignatureTag as S, IndexTag as T};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use sha3::Sha3_256;

use super::header::{Header, Limits};
use super::opening::LEAD;
use super::{MAGIC, changelog};
use crate::codec::hex::hex;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::codes::RPM_DAMAGED;
use crate::formats::{Artifact, Check, Listing};

pub(super) mod entries;
mod payload;
mod signatures;
mod words;

/// Tags of the header as `rpm -qi` names them. The date is in seconds since 1970.
const FIELDS: &[(&str, T)] = &[
    ("Name", T::RPMTAG_NAME),
    ("Epoch", T::RPMTAG_EPOCH),
    ("Version", T::RPMTAG_VERSION),
    ("Release", T::RPMTAG_RELEASE),
    ("Architecture", T::RPMTAG_ARCH),
    ("OS", T::RPMTAG_OS),
    ("Group", T::RPMTAG_GROUP),
    ("Size", T::RPMTAG_SIZE),
    ("Size", T::RPMTAG_LONGSIZE),
    ("License", T::RPMTAG_LICENSE),
    ("Source RPM", T::RPMTAG_SOURCERPM),
    ("Build Date", T::RPMTAG_BUILDTIME),
    ("Build Host", T::RPMTAG_BUILDHOST),
    ("Relocations", T::RPMTAG_PREFIXES),
    ("Packager", T::RPMTAG_PACKAGER),
    ("Vendor", T::RPMTAG_VENDOR),
    ("Distribution", T::RPMTAG_DISTRIBUTION),
    ("URL", T::RPMTAG_URL),
    ("Bug URL", T::RPMTAG_BUGURL),
    ("VCS", T::RPMTAG_VCS),
    ("Summary", T::RPMTAG_SUMMARY),
    ("Description", T::RPMTAG_DESCRIPTION),
    ("Platform", T::RPMTAG_PLATFORM),
    ("Build Flags", T::RPMTAG_OPTFLAGS),
    ("RPM Version", T::RPMTAG_RPMVERSION),
    ("RPM Format", T::RPMTAG_RPMFORMAT),
    ("Encoding", T::RPMTAG_ENCODING),
    ("Payload Format", T::RPMTAG_PAYLOADFORMAT),
    ("Payload Compressor", T::RPMTAG_PAYLOADCOMPRESSOR),
    ("Payload Flags", T::RPMTAG_PAYLOADFLAGS),
];

/// The parts of a package before its payload.
pub(super) struct Front {
    pub(super) signature: Header,
    pub(super) main: Header,
    /// Bytes of the file.
    size: u64,
    /// Where the main header begins.
    pub(super) main_at: u64,
}

/// Reads a package.
pub(super) fn read(artifact: &mut dyn Artifact, name: &str) -> Result<Listing, Diagnostic> {
    let front = front(artifact).map_err(|error| damaged(name, &error))?;
    let header = &front.main;
    let mut listing = Listing {
        format: "rpm",
        name: header.text(T::RPMTAG_NAME).unwrap_or_default(),
        version: evr(header),
        // What has no source package is one.
        arch: if header.has(T::RPMTAG_SOURCERPM) {
            header.text(T::RPMTAG_ARCH).unwrap_or_default()
        } else {
            "src".into()
        },
        fields: fields(header),
        relations: words::relations(header).map_err(|error| damaged(name, &error))?,
        scripts: words::scripts(header),
        changelog: changelog::read(header),
        packed_size: front.size,
        checks: header_checks(&front),
        signatures: signatures::describe(&front.signature),
        ..Listing::default()
    };
    let mut files = entries::files(header).map_err(|error| damaged(name, &error))?;
    payload::verify(artifact, &front, &mut files, &mut listing);
    entries::list(files, &mut listing);
    Ok(listing)
}

pub(super) fn front(artifact: &mut dyn Artifact) -> io::Result<Front> {
    let size = artifact.seek(SeekFrom::End(0))?;
    artifact.rewind()?;
    let mut lead = [0; LEAD];
    artifact.read_exact(&mut lead)?;
    let invalid = |why: &str| io::Error::new(io::ErrorKind::InvalidData, why);
    if lead[..4] != MAGIC {
        return Err(invalid("it does not begin with the magic number of rpm"));
    }
    // Type 5: a header follows that holds the signatures, so since rpm 3.
    if lead[78..80] != [0, 5] {
        return Err(invalid("its signature is of a kind from before rpm 3"));
    }
    let mut reader = Reader { artifact };
    let signature = Header::read(&mut reader, Limits::SIGNATURE)?;
    let pad = signature.bytes.len().next_multiple_of(8) - signature.bytes.len();
    reader.read_exact(&mut [0; 8][..pad])?;
    let main_at = reader.artifact.stream_position()?;
    let main = Header::read(&mut reader, Limits::MAIN)?;
    Ok(Front { signature, main, size, main_at })
}

/// Sees an artifact as a plain reader.
struct Reader<'a> {
    artifact: &'a mut dyn Artifact,
}

impl Read for Reader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.artifact.read(buffer)
    }
}

fn damaged(name: &str, error: &io::Error) -> Diagnostic {
    let why = match error.kind() {
        io::ErrorKind::UnexpectedEof => "it is cut off".to_owned(),
        _ => error.to_string(),
    };
    Diagnostic::error(RPM_DAMAGED, format!("`{name}` cannot be read as an rpm package: {why}"))
        .path(name)
        .help("compare its size and digest with those of the original")
}

/// `[epoch:]version-release`
fn evr(header: &Header) -> String {
    let epoch = header.number(T::RPMTAG_EPOCH).map(|e| format!("{e}:")).unwrap_or_default();
    let text = |tag: T| header.text(tag).unwrap_or_default();
    format!("{epoch}{}-{}", text(T::RPMTAG_VERSION), text(T::RPMTAG_RELEASE))
}

fn fields(header: &Header) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    for (word, tag) in FIELDS {
        let value = if *tag == T::RPMTAG_PREFIXES {
            header.texts(*tag).collect::<Vec<_>>().join(" ")
        } else if let Some(text) = header.text(*tag) {
            text
        } else {
            header.number(*tag).map(|n| n.to_string()).unwrap_or_default()
        };
        if !value.is_empty() {
            fields.push(((*word).to_owned(), value));
        }
    }
    fields
}

/// Compares a digest with what the package says, if it says it.
fn compare(what: &str, stated: Option<&str>, found: &str, checks: &mut Vec<Check>) {
    if let Some(stated) = stated.filter(|s| !s.is_empty()) {
        let problem =
            (!stated.eq_ignore_ascii_case(found)).then(|| format!("the package says {stated}, it is {found}"));
        checks.push(Check { what: what.to_owned(), problem });
    }
}

/// What can be verified without the payload.
fn header_checks(front: &Front) -> Vec<Check> {
    let (signature, main) = (&front.signature, &front.main.bytes[..]);
    let mut checks = Vec::new();
    let stated = |tag: S| signature.text(tag);
    if let Some(digest) = stated(S::RPMSIGTAG_SHA1) {
        compare("header SHA1", Some(&digest), &hex(&Sha1::digest(main)), &mut checks);
    }
    if let Some(digest) = stated(S::RPMSIGTAG_SHA256) {
        compare("header SHA256", Some(&digest), &hex(&Sha256::digest(main)), &mut checks);
    }
    if let Some(digest) = stated(S::RPMSIGTAG_SHA3_256) {
        compare("header SHA3-256", Some(&digest), &hex(&Sha3_256::digest(main)), &mut checks);
    }
    let size = signature.number(S::RPMSIGTAG_SIZE).or_else(|| signature.number(S::RPMSIGTAG_LONGSIZE));
    if let Some(size) = size {
        let found = front.size.saturating_sub(front.main_at);
        compare("size", Some(&size.to_string()), &found.to_string(), &mut checks);
    }
    checks
}
