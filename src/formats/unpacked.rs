//! What is not packed yet -> Listing: a folder, or one program.
//!
//! Enters: a path. Leaves: what `inspect` shows of it, as of an artifact, so that what is built can be looked at before it
//! is packed. Links are not followed. Owners are not told: a package does not take them from the builder.

use std::io::Read as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::programs::Watch;
use super::tree::MOST_ENTRIES;
use super::{ListedEntry, ListedKind, Listing};
use crate::assemble::elf;
use crate::diagnostic::{Diagnostic, codes};
use crate::resolve::preset::otp::OtpRelease;

/// `format` of a folder.
pub const FOLDER: &str = "folder";
/// `format` of a program.
pub const PROGRAM: &str = "program";

/// The listing of a folder or of an ELF file; `None` of anything else.
///
/// # Errors
/// Something in it cannot be read, or the folder is empty.
pub fn read(path: &Path) -> Result<Option<Listing>, Diagnostic> {
    let Ok(meta) = std::fs::metadata(path) else { return Ok(None) };
    let mut reading = Reading { listing: Listing::default(), nobody: "".into() };
    if meta.is_dir() {
        reading.folder(path, "")?;
        reading.listing.format = FOLDER;
    } else if meta.is_file() && is_elf(path) {
        reading.file(path, format!("/{}", name_of(path)), &meta)?;
        reading.listing.format = PROGRAM;
    }
    let mut listing = reading.listing;
    if listing.entries.is_empty() {
        return if meta.is_dir() { Err(super::unknown(path).note("nothing is in the folder")) } else { Ok(None) };
    }
    listing.sort();
    listing.packed_size = listing.entries.iter().fold(0, |sum, entry| sum.saturating_add(entry.size));
    listing.arch = listing.programs.files.values().next().map(elf::machine_name).unwrap_or_default();
    listing.name = name_of(path);
    if let Ok(release) = OtpRelease::read(path, &listing.name) {
        (listing.name, listing.version) = (release.name, release.version);
    }
    Ok(Some(listing))
}

fn name_of(path: &Path) -> String {
    let full = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    full.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

fn is_elf(path: &Path) -> bool {
    let mut head = [0; 4];
    fs_err::File::open(path).and_then(|mut file| file.read_exact(&mut head)).is_ok() && head == *b"\x7fELF"
}

fn failed(path: &Path, error: &std::io::Error) -> Diagnostic {
    Diagnostic::error(codes::ARTIFACT_READ, format!("cannot read `{}`", path.display()))
        .path(path)
        .note(error.to_string())
        .help("see to it that you may read it")
}

struct Reading {
    listing: Listing,
    nobody: Arc<str>,
}

impl Reading {
    /// What lies in a folder, which is called `at` in the listing. A stack in place of calls: folders may be deep.
    fn folder(&mut self, folder: &Path, at: &str) -> Result<(), Diagnostic> {
        let mut waiting = vec![(folder.to_owned(), at.to_owned())];
        while let Some((folder, at)) = waiting.pop() {
            for entry in std::fs::read_dir(&folder).map_err(|e| failed(&folder, &e))? {
                let path = entry.map_err(|e| failed(&folder, &e))?.path();
                let meta = std::fs::symlink_metadata(&path).map_err(|e| failed(&path, &e))?;
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                let listed = format!("{at}/{name}");
                if self.listing.entries.len() >= MOST_ENTRIES {
                    let message = format!("the folder has more than {MOST_ENTRIES} entries");
                    return Err(Diagnostic::error(codes::ARTIFACT_LIMIT, message).path(&path));
                }
                if meta.is_dir() {
                    self.add(listed.clone(), ListedKind::Directory, &meta, None);
                    waiting.push((path, listed));
                } else if meta.is_file() {
                    self.file(&path, listed, &meta)?;
                } else if meta.is_symlink() {
                    let target = std::fs::read_link(&path).map_err(|e| failed(&path, &e))?;
                    self.add(listed, ListedKind::Symlink(target.to_string_lossy().into_owned()), &meta, None);
                } else {
                    self.add(listed, ListedKind::Special('?'), &meta, None);
                }
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &Path, listed: String, meta: &std::fs::Metadata) -> Result<(), Diagnostic> {
        let mut file = std::fs::File::open(path).map_err(|e| failed(path, &e))?;
        let (mut sha256, mut watch, mut buffer) = (Sha256::new(), Watch::default(), vec![0; 64 << 10]);
        loop {
            let got = file.read(&mut buffer).map_err(|e| failed(path, &e))?;
            if got == 0 {
                break;
            }
            sha256.update(&buffer[..got]);
            watch.see(&buffer[..got]);
        }
        self.listing.programs.take(&listed, meta.permissions().mode(), watch);
        self.add(listed, ListedKind::File, meta, Some(sha256.finalize().into()));
        Ok(())
    }

    fn add(&mut self, path: String, kind: ListedKind, meta: &std::fs::Metadata, sha256: Option<[u8; 32]>) {
        self.listing.entries.push(ListedEntry {
            path,
            size: if kind == ListedKind::File { meta.len() } else { 0 },
            kind,
            mode: meta.permissions().mode() & 0o7777,
            user: Arc::clone(&self.nobody),
            group: Arc::clone(&self.nobody),
            mtime: meta.mtime(),
            sha256,
            flags: Vec::new(),
            capabilities: None,
            layer: None,
        });
    }
}
