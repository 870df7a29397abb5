//! A zip of anyone's, read back: entries, content checked, and what is odd about it.
//!
//! Memory is bounded by the limits of [`crate::codec::zip::read`]; content is inflated in parts and thrown away.

use std::collections::BTreeSet;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::super::programs::Watch;
use super::super::tarball::naming;
use super::super::{Artifact, Check, ListedEntry, ListedKind, Listing, tree};
use crate::codec::zip::read::{self as records, Entry, ZipError};
use crate::diagnostic::{Diagnostic, codes};

/// Longest symlink target that is kept: Linux takes 4,095 bytes.
const LONGEST_TARGET: usize = 4_095;
/// Findings that are kept; a hostile archive has one for each entry.
const MOST_FINDINGS: usize = 100;

pub(super) fn read(artifact: &mut dyn Artifact, name: &str) -> Result<Listing, Diagnostic> {
    let failed = |e: ZipError| damage(&e).path(name);
    let packed_size = artifact.seek(std::io::SeekFrom::End(0)).map_err(|e| failed(e.into()))?;
    let directory = records::directory(artifact).map_err(failed)?;
    let mut listing = Listing { format: "zip", packed_size, ..Listing::default() };
    let root = root_of(&directory.entries);
    match root.as_deref().and_then(naming::take_apart) {
        Some((name, version, arch)) => {
            (listing.name, listing.version, listing.arch) = (name.to_owned(), version.to_owned(), arch.to_owned());
        }
        None => name.strip_suffix(".zip").unwrap_or(name).clone_into(&mut listing.name),
    }
    if directory.shift > 0 {
        listing.fields.push(("Bytes before the archive".into(), directory.shift.to_string()));
    }
    if !directory.comment.is_empty() {
        listing.fields.push(("Comment".into(), directory.comment.clone()));
    }
    let mut reader = Reader {
        artifact,
        listing,
        root: root.map_or(String::new(), |root| format!("{root}/")),
        nobody: "".into(),
        damaged: 0,
        limit: directory.offset,
        end: directory.shift,
    };
    let mut in_file_order: Vec<&Entry> = directory.entries.iter().collect();
    in_file_order.sort_by_key(|e| e.offset);
    for entry in in_file_order {
        reader.entry(entry).map_err(failed)?;
    }
    reader.listing.sort();
    reader.duplicates();
    let mut listing = reader.listing;
    let problem = (reader.damaged > 0).then(|| format!("{} entries are damaged", reader.damaged));
    listing.checks.push(Check { what: "CRC of every entry".into(), problem });
    Ok(listing)
}

/// Says why an archive cannot be read on.
fn damage(error: &ZipError) -> Diagnostic {
    match error {
        ZipError::Io(e) => tree::io_damage(e),
        ZipError::TooLarge { .. } => Diagnostic::error(codes::ARTIFACT_LIMIT, error.to_string()),
        ZipError::Split => Diagnostic::error(codes::ARTIFACT_UNSUPPORTED, error.to_string())
            .help("join the parts with `zip -s 0 SPLIT.zip --out WHOLE.zip`"),
        ZipError::NoEnd | ZipError::Damaged(_) => tree::damaged(error.to_string()),
    }
}

struct Reader<'a> {
    artifact: &'a mut dyn Artifact,
    listing: Listing,
    /// What is taken off every name.
    root: String,
    /// The owner: this format has none.
    nobody: Arc<str>,
    damaged: usize,
    /// Where the central directory begins: no content may reach beyond.
    limit: u64,
    /// Where the content of the last entry ended.
    end: u64,
}

impl Reader<'_> {
    fn entry(&mut self, entry: &Entry) -> Result<(), ZipError> {
        let name = entry.name.strip_prefix(&self.root).unwrap_or(&entry.name);
        // APPNOTE 4.4.17.1 wants `/` of all; on a Unix `\` is a letter like any other.
        let name = if entry.backslashed { name.replace('\\', "/") } else { name.to_owned() };
        let path = tree::absolute(&name).0.unwrap_or_else(|| "/".to_owned());
        self.judge_name(entry);
        let kind = kind_of(entry);
        let mut watch = Watch::default();
        let (sha256, target) = self.content(entry, &path, kind == Some('l'), &mut watch)?;
        let kind = match kind {
            None => ListedKind::File,
            Some('d') => ListedKind::Directory,
            Some('l') => ListedKind::Symlink(String::from_utf8_lossy(&target).into_owned()),
            Some(other) => ListedKind::Special(other),
        };
        if path == "/" {
            return Ok(()); // the archive's own folder
        }
        let file = kind == ListedKind::File;
        if file && sha256.is_some() {
            self.listing.programs.take(&path, entry.mode.unwrap_or(0o644), watch);
        }
        self.listing.entries.push(ListedEntry {
            path,
            mode: entry.mode.map_or(if kind == ListedKind::Directory { 0o755 } else { 0o644 }, |m| m & 0o7777),
            kind,
            user: Arc::clone(&self.nobody),
            group: Arc::clone(&self.nobody),
            size: if file { entry.size } else { 0 },
            mtime: entry.mtime,
            sha256: sha256.filter(|_| file),
            flags: Vec::new(),
            capabilities: None,
            layer: None,
        });
        Ok(())
    }

    fn duplicates(&mut self) {
        let entries = &self.listing.entries;
        let twice = entries.windows(2).filter(|pair| pair[0].path == pair[1].path).take(MOST_FINDINGS);
        let paths: BTreeSet<String> = twice.map(|pair| pair[0].path.clone()).collect();
        for path in paths {
            self.push(Diagnostic::warning(codes::ARTIFACT_DUPLICATE, format!("`{path}` is there twice")).path(&path));
        }
    }

    /// Checks an entry's headers and content; answers the content's SHA-256 where it can be trusted, and the content itself
    /// (bounded) if it is to be `kept`: the target of a symlink.
    fn content(
        &mut self,
        entry: &Entry,
        path: &str,
        kept: bool,
        watch: &mut Watch,
    ) -> Result<(Option<[u8; 32]>, Vec<u8>), ZipError> {
        let mut target = Vec::new();
        let (start, difference) = match records::local(self.artifact, entry) {
            Ok(found) => found,
            Err(ZipError::Io(e)) => return Err(e.into()),
            Err(other) => {
                self.damaged(path, &other.to_string());
                return Ok((None, target));
            }
        };
        let end = start.saturating_add(entry.packed);
        let overlaps = entry.offset < self.end || end > self.limit;
        self.end = self.end.max(end.min(self.limit));
        if overlaps {
            let message = format!("`{path}` overlaps another entry or the directory");
            let help = "an archive that packs the same bytes into many entries grows without bound";
            self.push(Diagnostic::error(codes::ZIP_OVERLAP, message).path(path).help(help));
        } else if let Some(why) = entry.unsupported() {
            let message = format!("the content of `{path}` was not read: {why}");
            self.push(Diagnostic::warning(codes::ARTIFACT_UNSUPPORTED, message).path(path));
        }
        let mut sha256 = Sha256::new();
        let mut problem = difference;
        let read = !overlaps && entry.unsupported().is_none();
        if read {
            let bad = records::content(self.artifact, entry, start, &mut |bytes| {
                sha256.update(bytes);
                watch.see(bytes);
                if kept {
                    let room = LONGEST_TARGET.saturating_sub(target.len()).min(bytes.len());
                    target.extend_from_slice(&bytes[..room]);
                }
            })?;
            problem = problem.or(bad);
        }
        if let Some(problem) = &problem {
            self.damaged(path, problem);
        }
        Ok(((read && problem.is_none()).then(|| sha256.finalize().into()), target))
    }

    fn damaged(&mut self, path: &str, problem: &str) {
        self.damaged += 1;
        self.push(tree::damaged(format!("`{path}` is damaged: {problem}")).path(path));
    }

    fn judge_name(&mut self, entry: &Entry) {
        let (name, shown) = (&entry.name, entry.name.escape_debug());
        let drive = name.as_bytes().get(1) == Some(&b':');
        if name.starts_with(['/', '\\']) || drive || name.split(['/', '\\']).any(|part| part == "..") {
            let message = format!("the path `{shown}` leaves the folder that it is extracted into");
            self.push(Diagnostic::error(codes::ARTIFACT_ESCAPING_PATH, message).path(name));
        }
        if entry.name_replaced || name.contains('\0') {
            let message = format!("the path `{shown}` is not UTF-8");
            self.push(Diagnostic::warning(codes::ARTIFACT_ODD, message).path(name));
        }
    }

    fn push(&mut self, finding: Diagnostic) {
        if self.listing.findings.len() < MOST_FINDINGS {
            self.listing.findings.push(finding);
        }
    }
}

/// The letter of `ls`; none for a regular file.
fn kind_of(entry: &Entry) -> Option<char> {
    match entry.mode.unwrap_or_default() & 0o170_000 {
        0o120_000 => Some('l'),
        0o040_000 => Some('d'),
        0o020_000 => Some('c'),
        0o060_000 => Some('b'),
        0o010_000 => Some('p'),
        0o140_000 => Some('s'),
        _ => entry.name.ends_with('/').then_some('d'),
    }
}

/// The one folder that everything lies in, if it is named as ours are.
fn root_of(entries: &[Entry]) -> Option<String> {
    let (first, _) = entries.first()?.name.split_once('/')?;
    let all = entries.iter().all(|e| e.name.split_once('/').is_some_and(|(top, _)| top == first));
    (all && naming::take_apart(first).is_some()).then(|| first.to_owned())
}
