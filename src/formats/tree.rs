//! A tar stream -> listed entries: what the readers of deb, tarball and OCI share.
//!
//! Enters: decompressed bytes of any origin. Leaves: a [`Tree`] with the SHA-256 of every file, computed while the content
//! streams by. Memory grows with the number of entries only, which is limited. Not here: decompression
//! ([`crate::codec::decompress`]), and what the archive's own prefix means.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};

use md5::Md5;
use sha2::{Digest as _, Sha256};

use super::programs::{Programs, Watch};
use super::{ListedEntry, ListedKind, Names};
use crate::codec::ar;
use crate::codec::decompress::Bomb;
use crate::codec::tar::{Kind, ReadError, ReadMember, Reader};
use crate::diagnostic::{Code, Diagnostic, Findings, codes};

/// Most entries of one archive; each costs about 250 bytes of memory.
pub const MOST_ENTRIES: usize = 1_000_000;
/// Most bytes of names and attributes of one archive.
const MOST_NAME_BYTES: usize = 512 << 20;
/// Most findings that are kept; a hostile archive may earn one for each entry.
const MOST_FINDINGS: usize = 1000;

/// What a tar stream holds.
#[derive(Debug, Default)]
pub struct Tree {
    /// In the order of the archive; paths are absolute, without the archive's leading `./` or `/`.
    pub entries: Vec<TreeEntry>,
    /// Odd things that did not stop reading.
    pub findings: Findings,
    /// Whether some entry is described by pax headers.
    pub pax: bool,
    /// What its ELF files say, if asked for.
    pub programs: Programs,
}

/// An entry, with what a [`ListedEntry`] does not say.
#[derive(Debug, Clone)]
pub struct TreeEntry {
    /// The entry.
    pub listed: ListedEntry,
    /// MD5 of a regular file, if asked for.
    pub md5: Option<[u8; 16]>,
    /// Extended attributes, where there are any.
    pub xattrs: Option<Box<BTreeMap<String, Vec<u8>>>>,
}

/// What to do while reading.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Compute MD5 as well: deb's md5sums.
    pub md5: bool,
    /// The same path twice is no finding (nothing today asks for it but layers that are merged by the caller).
    pub duplicates: bool,
    /// Look into ELF files.
    pub programs: bool,
}

/// Reads a whole tar stream to its very end, so that the checksums of its compression are checked too.
pub fn read(stream: impl Read, options: Options) -> Result<Tree, Diagnostic> {
    let mut reader = Reader::new(stream);
    let mut tree = Tree::default();
    let mut names = Names::default();
    let mut name_bytes = 0;
    while let Some(member) = reader.next_member().map_err(|e| tar_damage(&e))? {
        let Some(path) = tree.path(&member.path) else { continue };
        name_bytes += path.len() + member.link.len() + member.user.len() + member.group.len();
        name_bytes += member.xattrs.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>();
        if tree.entries.len() >= MOST_ENTRIES || name_bytes > MOST_NAME_BYTES {
            let message =
                format!("the archive has more than {MOST_ENTRIES} entries or {MOST_NAME_BYTES} bytes of names");
            return Err(Diagnostic::error(codes::ARTIFACT_LIMIT, message).help("nothing after that was read"));
        }
        let entry = tree.entry(&mut reader, &mut names, member, path, options)?;
        tree.entries.push(entry);
    }
    if !options.duplicates {
        tree.duplicates();
    }
    let odd = reader.finish().map_err(|e| tar_damage(&e))?;
    if reader.is_unpadded() {
        let message = "the tar stream ends without padding and end mark";
        tree.find(Diagnostic::warning(codes::ARTIFACT_ODD, message).help("GNU tar and dpkg take it for cut off"));
    }
    if odd > 0 {
        let message = format!("{odd} bytes that are not zero follow the end of the tar archive");
        tree.find(Diagnostic::warning(codes::ARTIFACT_ODD, message).help("no tar reader looks at them"));
    }
    Ok(tree)
}

/// Small files of a tar stream by name (without `./`) with mode and content: deb's control archive. More than `most` files or
/// `largest` bytes of them together are an error; directories and links are passed over.
pub fn small_files(stream: impl Read, largest: u64, most: usize) -> Result<Vec<(String, u32, Vec<u8>)>, Diagnostic> {
    let mut reader = Reader::new(stream);
    let mut files = Vec::new();
    let mut total: u64 = 0;
    while let Some(member) = reader.next_member().map_err(|e| tar_damage(&e))? {
        if member.kind != Kind::File {
            continue;
        }
        let name = String::from_utf8_lossy(&member.path).trim_start_matches("./").to_owned();
        total = total.saturating_add(member.size);
        if total > largest || files.len() >= most {
            let message = format!("with `{name}` there are over {largest} bytes or {most} files of metadata");
            return Err(Diagnostic::error(codes::ARTIFACT_LIMIT, message));
        }
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).map_err(|e| io_damage(&e))?;
        files.push((name, member.mode, bytes));
    }
    reader.finish().map_err(|e| tar_damage(&e))?;
    Ok(files)
}

/// Says what is wrong with an ar archive.
pub fn ar_damage(error: &ar::Error) -> Diagnostic {
    match error {
        ar::Error::Io(e) => io_damage(e),
        other => damaged(other.to_string()),
    }
}

/// Says what is wrong with a tar archive.
pub fn tar_damage(error: &ReadError) -> Diagnostic {
    match error {
        ReadError::Io(e) => io_damage(e),
        ReadError::TooLong { .. } => Diagnostic::error(codes::ARTIFACT_LIMIT, error.to_string()),
        other => damaged(other.to_string()),
    }
}

/// Says what is wrong with a stream that failed while it was read: a bomb, an unknown codec, or damage.
pub fn io_damage(error: &io::Error) -> Diagnostic {
    let mut cause = error.get_ref().map(|e| e as &(dyn std::error::Error + 'static));
    while let Some(e) = cause {
        if e.is::<Bomb>() {
            return Diagnostic::error(codes::ARTIFACT_BOMB, e.to_string()).help("do not unpack it");
        }
        cause = e.source();
    }
    if error.kind() == io::ErrorKind::Unsupported {
        return Diagnostic::error(codes::ARTIFACT_UNSUPPORTED, error.to_string())
            .help("fitout reads gzip, xz, zstd, lzma and uncompressed streams");
    }
    damaged(error.to_string())
}

/// An artifact that is not as its format asks.
pub fn damaged(message: impl Into<String>) -> Diagnostic {
    Diagnostic::error(codes::ARTIFACT_DAMAGED, message).help("fetch or build the artifact again")
}

impl Tree {
    fn find(&mut self, finding: Diagnostic) {
        if self.findings.len() < MOST_FINDINGS {
            self.findings.push(finding);
        }
    }

    fn duplicates(&mut self) {
        let mut paths: Vec<&str> = self.entries.iter().map(|e| e.listed.path.as_str()).collect();
        paths.sort_unstable();
        let twice: BTreeSet<String> =
            paths.windows(2).filter(|pair| pair[0] == pair[1]).take(MOST_FINDINGS).map(|p| p[0].to_owned()).collect();
        for path in twice {
            self.odd(codes::ARTIFACT_DUPLICATE, format!("`{}` is there twice", path.escape_debug()), &path);
        }
    }

    fn odd(&mut self, code: Code, message: String, path: &str) {
        self.find(Diagnostic::warning(code, message).path(path));
    }

    /// The path on the host; none for the root entry itself.
    fn path(&mut self, raw: &[u8]) -> Option<String> {
        let text = self.text(raw, "path");
        let (path, escapes) = absolute(&text);
        if escapes {
            let message = format!("the path `{}` leaves the archive by `..`", text.escape_debug());
            self.find(Diagnostic::error(codes::ARTIFACT_ESCAPING_PATH, message).path(&text));
        }
        path
    }

    fn text(&mut self, raw: &[u8], what: &str) -> String {
        if let Ok(text) = std::str::from_utf8(raw) {
            return text.to_owned();
        }
        let text = String::from_utf8_lossy(raw).into_owned();
        self.odd(codes::ARTIFACT_ODD, format!("the {what} `{}` is not UTF-8", text.escape_debug()), &text);
        text
    }

    fn entry<R: Read>(
        &mut self,
        reader: &mut Reader<R>,
        names: &mut Names,
        member: ReadMember,
        path: String,
        options: Options,
    ) -> Result<TreeEntry, Diagnostic> {
        self.pax |= member.pax;
        let link = self.text(&member.link, "link target");
        let kind = match member.kind {
            Kind::File => ListedKind::File,
            Kind::Directory => ListedKind::Directory,
            Kind::Symlink => ListedKind::Symlink(link),
            Kind::Hardlink => {
                let (target, escapes) = absolute(&link);
                if escapes {
                    let message =
                        format!("the hard link `{path}` leads out of the archive, to `{}`", link.escape_debug());
                    self.find(Diagnostic::error(codes::ARTIFACT_ESCAPING_PATH, message).path(&path));
                }
                ListedKind::Hardlink(target.unwrap_or_else(|| "/".to_owned()))
            }
            Kind::Special(letter) => ListedKind::Special(letter),
        };
        if member.sparse {
            self.odd(codes::ARTIFACT_ODD, format!("`{path}` is stored with holes; its content was not hashed"), &path);
        }
        let mut name = |name: &[u8], id: u64| match String::from_utf8_lossy(name) {
            name if name.is_empty() => names.of(&id.to_string()),
            name => names.of(&name),
        };
        let (sha256, md5) = if kind == ListedKind::File && !member.sparse {
            let mut watch = options.programs.then(Watch::default);
            let (sha256, md5) = digests(reader, options.md5, watch.as_mut()).map_err(|e| io_damage(&e))?;
            if let Some(watch) = watch {
                self.programs.take(&path, member.mode, watch);
            }
            (Some(sha256), md5)
        } else {
            (None, None)
        };
        let listed = ListedEntry {
            path,
            kind,
            mode: member.mode,
            user: name(&member.user, member.uid),
            group: name(&member.group, member.gid),
            size: member.size,
            mtime: member.mtime,
            sha256,
            flags: Vec::new(),
            capabilities: None,
            layer: None,
        };
        let xattrs = (!member.xattrs.is_empty()).then(|| Box::new(member.xattrs));
        Ok(TreeEntry { listed, md5, xattrs })
    }
}

/// The absolute, normalised form of an archive path, and whether `..` led out of it. None for the archive's root.
pub(super) fn absolute(text: &str) -> (Option<String>, bool) {
    let mut parts: Vec<&str> = Vec::new();
    let mut dotted = false;
    for part in text.split('/') {
        match part {
            "" | "." => {}
            // Whether it leaves the archive or not: no honest archive has one.
            ".." => {
                dotted = true;
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    let path = (!parts.is_empty()).then(|| format!("/{}", parts.join("/")));
    (path, dotted)
}

fn digests(
    content: &mut impl Read,
    with_md5: bool,
    mut watch: Option<&mut Watch>,
) -> io::Result<([u8; 32], Option<[u8; 16]>)> {
    let mut sha256 = Sha256::new();
    let mut md5 = with_md5.then(Md5::new);
    let mut buffer = vec![0; 64 << 10];
    loop {
        let got = content.read(&mut buffer)?;
        if got == 0 {
            break;
        }
        sha256.update(&buffer[..got]);
        if let Some(md5) = &mut md5 {
            md5.update(&buffer[..got]);
        }
        if let Some(watch) = &mut watch {
            watch.see(&buffer[..got]);
        }
    }
    Ok((sha256.finalize().into(), md5.map(|m| m.finalize().into())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::hex::hex;
    use crate::codec::tar::{END, Member, Type, header, padding};

    fn archive(members: &[(&str, Type<'_>, &[u8])]) -> Vec<u8> {
        let mut out = Vec::new();
        for (path, kind, content) in members {
            let member = Member { path, kind: *kind, mode: 0o644, uid: 7, gid: 0, user: "", group: "root", mtime: 1 };
            out.extend(header(&member).unwrap());
            out.extend_from_slice(content);
            out.extend_from_slice(padding(content.len() as u64));
        }
        out.extend_from_slice(END);
        out
    }

    #[test]
    fn entries_have_absolute_paths_and_digests() {
        let bytes = archive(&[
            (".", Type::Directory, b""),
            ("./a", Type::File(3), b"abc"),
            ("b", Type::Hardlink("./a"), b""),
            ("/c", Type::Symlink("/etc/../x"), b""),
        ]);
        let tree = read(&bytes[..], Options { md5: true, ..Options::default() }).unwrap();
        let paths: Vec<_> = tree.entries.iter().map(|e| (e.listed.path.as_str(), &e.listed.kind)).collect();
        assert_eq!(
            paths,
            [
                ("/a", &ListedKind::File),
                ("/b", &ListedKind::Hardlink("/a".into())),
                ("/c", &ListedKind::Symlink("/etc/../x".into()))
            ]
        );
        let a = &tree.entries[0];
        assert_eq!(a.md5.map(|m| hex(&m)).as_deref(), Some("900150983cd24fb0d6963f7d28e17f72"));
        assert!(a.listed.sha256.is_some_and(|d| d.starts_with(&[0xba, 0x78, 0x16, 0xbf])));
        assert_eq!((&*a.listed.user, &*a.listed.group), ("7", "root"));
        assert!(tree.findings.is_empty());
    }

    #[test]
    fn odd_things_are_found_and_reading_goes_on() {
        let bytes = archive(&[
            ("../../etc/passwd", Type::File(0), b""),
            ("x", Type::Hardlink("../y"), b""),
            ("x", Type::File(0), b""),
        ]);
        let tree = read(&bytes[..], Options::default()).unwrap();
        let names: Vec<_> = tree.findings.iter().map(|f| f.code.name).collect();
        assert_eq!(names, ["artifact/escaping-path", "artifact/escaping-path", "artifact/duplicate-entry"]);
        assert_eq!(tree.entries[0].listed.path, "/etc/passwd");
        let trailing = [&bytes[..], b"junk"].concat();
        let tree = read(&trailing[..], Options::default()).unwrap();
        assert_eq!(tree.findings.last().map(|f| f.code.name), Some("artifact/odd"));
    }

    #[test]
    fn damage_stops_reading() {
        let bytes = archive(&[("a", Type::File(3), b"abc")]);
        let error = read(&bytes[..514], Options::default()).unwrap_err();
        assert_eq!(error.code.name, "artifact/damaged");
        let big = Member {
            path: "control",
            kind: Type::File(1 << 40),
            mode: 0,
            uid: 0,
            gid: 0,
            user: "",
            group: "",
            mtime: 0,
        };
        let error = small_files(&header(&big).unwrap()[..], 1 << 20, 9).unwrap_err();
        assert_eq!(error.code.name, "artifact/limit");
    }
}
