//! Any .deb -> Listing. Hostile input costs bounded memory and gives findings or an error.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufReader, Read, SeekFrom};

use super::relations;
use crate::codec::ar;
use crate::codec::decompress::{self, Codec};
use crate::codec::hex::hex;
use crate::diagnostic::{Diagnostic, codes};
use crate::formats::tree::{self, Tree};
use crate::formats::{Artifact, Check, ListedScript, Listing};

/// Bytes of all files of a control archive together; that of a package with 500,000 files has about 50 MB.
const LARGEST_CONTROL: u64 = 64 << 20;
/// Files of a control archive.
const MOST_CONTROL: usize = 1000;
/// Members of the ar archive; dpkg looks at three.
const MOST_MEMBERS: usize = 64;
const SCRIPTS: &[&str] = &["preinst", "postinst", "prerm", "postrm", "config"];

pub(super) fn read(artifact: &mut dyn Artifact) -> Result<Listing, Diagnostic> {
    let io = |e: std::io::Error| tree::io_damage(&e);
    let packed_size = artifact.seek(SeekFrom::End(0)).map_err(io)?;
    artifact.seek(SeekFrom::Start(0)).map_err(io)?;
    let mut archive = ar::Reader::new(BufReader::with_capacity(64 << 10, artifact)).map_err(|e| tree::ar_damage(&e))?;
    let mut listing = Listing { format: "deb", packed_size, ..Listing::default() };
    let mut control = None;
    let mut data = None;
    let mut members = 0;
    while let Some(member) = archive.next_member().map_err(|e| tree::ar_damage(&e))? {
        members += 1;
        if members > MOST_MEMBERS {
            let message = format!("the archive has more than {MOST_MEMBERS} members");
            return Err(Diagnostic::error(codes::ARTIFACT_LIMIT, message));
        }
        let name = member.name.as_str();
        if members == 1 {
            format_version(name, &mut archive)?;
        } else if name.starts_with("_gpg") {
            listing.signatures.push(format!("debsigs: {name}, {} bytes", member.size));
        } else if control.is_none() && is_tar(name, "control") {
            control = Some(tree::small_files(open(name, &mut archive)?, LARGEST_CONTROL, MOST_CONTROL)?);
        } else if control.is_some() && data.is_none() && is_tar(name, "data") {
            let options = tree::Options { md5: true, programs: true, duplicates: false };
            data = Some(tree::read(open(name, &mut archive)?, options)?);
        } else if data.is_none() && !name.starts_with('_') {
            let message =
                format!("the member `{}` stands where dpkg wants `control.tar` or `data.tar`", name.escape_debug());
            return Err(tree::damaged(message));
        } else {
            let message = format!("the member `{}` is unknown; dpkg passes over it", name.escape_debug());
            listing.findings.push(Diagnostic::warning(codes::ARTIFACT_ODD, message));
        }
    }
    let control = control.ok_or_else(|| tree::damaged("the archive has no `control.tar`"))?;
    let data = data.ok_or_else(|| tree::damaged("the archive has no `data.tar`"))?;
    fill(&mut listing, control, data);
    Ok(listing)
}

fn format_version(name: &str, content: &mut impl Read) -> Result<(), Diagnostic> {
    let mut text = Vec::new();
    content.take(64).read_to_end(&mut text).map_err(|e| tree::io_damage(&e))?;
    if name != "debian-binary" || !text.starts_with(b"2.") {
        return Err(tree::damaged("the first member is not `debian-binary` with format 2"));
    }
    Ok(())
}

fn is_tar(name: &str, stem: &str) -> bool {
    name.strip_prefix(stem).is_some_and(|rest| rest == ".tar" || rest.starts_with(".tar."))
}

/// dpkg goes by the name, not by the bytes.
fn open<'a>(name: &str, content: impl Read + 'a) -> Result<Box<dyn Read + 'a>, Diagnostic> {
    let codec = match name.rsplit('.').next() {
        Some("tar") => Ok(Codec::None),
        Some("gz") => Ok(Codec::Gzip),
        Some("xz") => Ok(Codec::Xz),
        Some("zst") => Ok(Codec::Zstd),
        Some("lzma") => Ok(Codec::Lzma),
        other => Err(other.unwrap_or_default()),
    };
    let codec = codec.map_err(|codec| {
        let message = format!("`{}` is compressed with {codec}, which is not read", name.escape_debug());
        Diagnostic::error(codes::ARTIFACT_UNSUPPORTED, message)
            .help("fitout reads .tar, .tar.gz, .tar.xz, .tar.zst and .tar.lzma; `dpkg-deb` reads the rest")
    })?;
    decompress::reader(content, codec).map_err(|e| tree::io_damage(&e))
}

fn fill(listing: &mut Listing, control: Vec<(String, u32, Vec<u8>)>, data: Tree) {
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    for (name, _, bytes) in control {
        let text = String::from_utf8(bytes).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned());
        files.insert(name, text);
    }
    match files.remove("control") {
        Some(text) => fields(listing, &text),
        None => listing.findings.push(tree::damaged("the control archive has no `control`")),
    }
    let conffiles = conffiles(&files.remove("conffiles").unwrap_or_default());
    if let Some(text) = files.remove("md5sums") {
        listing.checks.push(Check { what: "md5sums".to_owned(), problem: verify(&text, &data) });
    }
    if data.pax {
        let problem = "the data archive has pax headers, which dpkg refuses".to_owned();
        listing.checks.push(Check { what: "tar dialect".to_owned(), problem: Some(problem) });
    }
    for (name, text) in files {
        let first = text.lines().next().unwrap_or_default();
        let interpreter = match first.strip_prefix("#!") {
            Some(program) if SCRIPTS.contains(&name.as_str()) => program.trim().to_owned(),
            _ => String::new(),
        };
        listing.scripts.push(ListedScript { name, interpreter, text });
    }
    listing.findings.extend(data.findings);
    listing.programs = data.programs;
    listing.entries = data.entries.into_iter().map(|e| e.listed).collect();
    for entry in &mut listing.entries {
        if conffiles.contains(&entry.path) {
            entry.flags.push("config".to_owned());
        }
    }
    listing.sort();
}

/// One stanza of `Name: value` lines with continuations.
fn fields(listing: &mut Listing, text: &str) {
    for line in text.lines() {
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = listing.fields.last_mut() {
                value.push('\n');
                value.push_str(line);
                continue;
            }
        } else if line.trim().is_empty() {
            continue;
        } else if let Some((name, value)) = line.split_once(':') {
            listing.fields.push((name.to_owned(), value.trim().to_owned()));
            continue;
        }
        let message = format!("the line `{}` of the control file is no field", line.escape_debug());
        listing.findings.push(Diagnostic::warning(codes::ARTIFACT_ODD, message));
    }
    let get = |wanted: &str| {
        let found = listing.fields.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let (name, version, arch) = (get("Package"), get("Version"), get("Architecture"));
    let mut of_kind = BTreeMap::new();
    for field in relations::FIELDS {
        let value = get(field);
        let list: Vec<String> = value
            .split(',')
            .map(|r| r.split_whitespace().collect::<Vec<_>>().join(" "))
            .filter(|r| !r.is_empty())
            .collect();
        if !list.is_empty() {
            of_kind.insert((*field).to_owned(), list);
        }
    }
    listing.relations = of_kind;
    (listing.name, listing.version, listing.arch) = (name, version, arch);
}

/// Paths; a flag such as `remove-on-upgrade` may stand before one.
fn conffiles(text: &str) -> BTreeSet<String> {
    text.lines()
        .map(str::trim_end)
        .map(|line| line.strip_prefix("remove-on-upgrade ").unwrap_or(line).trim_start())
        .filter(|path| path.starts_with('/'))
        .map(str::to_owned)
        .collect()
}

/// What is wrong with the files, by their MD5.
fn verify(text: &str, data: &Tree) -> Option<String> {
    let mut found: BTreeMap<&str, [u8; 16]> = BTreeMap::new();
    let mut links: Vec<(&str, &str)> = Vec::new();
    for entry in &data.entries {
        match (&entry.listed.kind, entry.md5) {
            (_, Some(md5)) => drop(found.insert(&entry.listed.path, md5)),
            (crate::formats::ListedKind::Hardlink(target), _) => links.push((&entry.listed.path, target)),
            _ => {}
        }
    }
    for (path, target) in links {
        if let Some(md5) = found.get(target).copied() {
            found.insert(path, md5);
        }
    }
    let mut wrong = Vec::new();
    for line in text.lines().filter(|l| !l.is_empty()) {
        let (line, escaped) = line.strip_prefix('\\').map_or((line, false), |l| (l, true));
        let Some((sum, path)) = line.split_once("  ").or_else(|| line.split_once(" *")) else {
            wrong.push(format!("`{}` is no line of it", line.escape_debug()));
            continue;
        };
        let mut path = format!("/{}", path.trim_start_matches("./").trim_start_matches('/'));
        if escaped {
            path = unescape(&path);
        }
        match found.get(path.as_str()) {
            Some(md5) if hex(md5).eq_ignore_ascii_case(sum) => {}
            Some(_) => wrong.push(format!("`{path}` differs")),
            None => wrong.push(format!("`{path}` is not there")),
        }
    }
    let first = wrong.first()?;
    Some(match wrong.len() {
        1 => first.clone(),
        n => format!("{first}, and {} more", n - 1),
    })
}

/// `\\` and `\n` as md5sum writes them.
fn unescape(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    let mut chars = path.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n') => out.push('\n'),
                Some(other) => out.push(other),
                None => out.push(c),
            },
            c => out.push(c),
        }
    }
    out
}
