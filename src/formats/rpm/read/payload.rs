//! Verifies the payload of a package: its own digests, and each file against the header.
//!
//! One pass, streamed: packed bytes are hashed on their way to the decompressor, raw bytes on their way to cpio.

use std::collections::BTreeMap;
use std::io::{self, Read};

use ::rpm::{IndexSignatureTag as S, IndexTag as T};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha384, Sha512};

use super::entries::Files;
use super::{Front, Reader, compare};
use crate::codec::cpio::{self, Record};
use crate::codec::decompress;
use crate::codec::hashes::{Hasher, Hashes};
use crate::codec::hex::hex;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::codes::RPM_ODD;
use crate::formats::programs::Watch;
use crate::formats::{Artifact, Check, ListedKind, Listing};

/// Most problems of one sort that are spelled out.
const MOST_PROBLEMS: usize = 10;
/// Number of SHA-256 in OpenPGP.
const SHA256: u64 = 8;
/// Longest target of a symbolic link that is compared: `PATH_MAX` of Linux.
const LONGEST_TARGET: u64 = 4096;

/// Reads the payload to its end and adds what it finds to the listing.
pub fn verify(artifact: &mut dyn Artifact, front: &Front, files: &mut Files, listing: &mut Listing) {
    let mut packed = Tap::new(Reader { artifact });
    if front.signature.has(S::RPMSIGTAG_MD5) {
        packed.md5 = Some(Md5::new_with_prefix(&front.main.bytes));
    }
    let stated = |sha512: T, sha3_256: T| {
        let (sha512, sha3_256) = (front.main.has(sha512), front.main.has(sha3_256));
        Hasher::new(Hashes { sha512, sha3_256, ..Hashes::SHA256 })
    };
    packed.hasher = stated(T::RPMTAG_PAYLOAD_SHA512, T::RPMTAG_PAYLOAD_SHA3_256);
    let mut problems = Problems::default();
    // Before rpm 4.14 and in v3 the payload has no digest of its own.
    let raw = match decompress::detect(&mut packed) {
        Ok((_, stream)) => {
            let mut raw = Tap::new(stream);
            raw.hasher = stated(T::RPMTAG_PAYLOAD_SHA512_ALT, T::RPMTAG_PAYLOAD_SHA3_256_ALT);
            let result = members(&mut raw, files, &mut problems).and_then(|()| io::copy(&mut raw, &mut io::sink()));
            if let Err(error) = result {
                problems.add(format!("the payload cannot be read on: {error}"));
            } else {
                problems.missing(files);
            }
            Some(raw.finish())
        }
        Err(error) if error.kind() == io::ErrorKind::Unsupported => {
            listing.findings.push(
                Diagnostic::warning(RPM_ODD, format!("the payload was not unpacked: {error}"))
                    .note("files are listed as the header has them; whether the payload holds them was not verified")
                    .help("`rpm2cpio FILE | cpio -t` lists what it holds"),
            );
            None
        }
        Err(error) => {
            problems.add(format!("the payload cannot be unpacked: {error}"));
            None
        }
    };
    if let Err(error) = io::copy(&mut packed, &mut io::sink()) {
        problems.add(format!("the payload cannot be read: {error}"));
    }
    let packed = packed.finish();
    digests(front, &packed, raw.as_ref(), &mut listing.checks);
    if raw.is_some() || !problems.list.is_empty() {
        listing.checks.push(Check { what: "files of the payload".into(), problem: problems.said() });
    }
}

fn digests(front: &Front, packed: &Found, raw: Option<&Found>, checks: &mut Vec<Check>) {
    let header = &front.main;
    let mut check = |what: &str, tag: T, found: &str| compare(what, header.text(tag).as_deref(), found, checks);
    let nothing = Found::default();
    check("payload SHA256", T::RPMTAG_PAYLOADSHA256, &hex(&packed.sha256));
    check("payload SHA512", T::RPMTAG_PAYLOAD_SHA512, &packed.sha512);
    check("payload SHA3-256", T::RPMTAG_PAYLOAD_SHA3_256, &packed.sha3_256);
    if let Some(raw) = raw {
        check("unpacked payload SHA256", T::RPMTAG_PAYLOADSHA256ALT, &hex(&raw.sha256));
        check("unpacked payload SHA512", T::RPMTAG_PAYLOAD_SHA512_ALT, &raw.sha512);
        check("unpacked payload SHA3-256", T::RPMTAG_PAYLOAD_SHA3_256_ALT, &raw.sha3_256);
    }
    let raw_size = raw.unwrap_or(&nothing).size;
    for (what, stated, found) in [
        ("payload size", header.number(T::RPMTAG_PAYLOADSIZE), Some(packed.size)),
        ("unpacked payload size", header.number(T::RPMTAG_PAYLOADSIZEALT), raw.map(|_| raw_size)),
        ("unpacked payload size", front.signature.number(S::RPMSIGTAG_PAYLOADSIZE), raw.map(|_| raw_size)),
        ("unpacked payload size", front.signature.number(S::RPMSIGTAG_LONGARCHIVESIZE), raw.map(|_| raw_size)),
    ] {
        if let (Some(stated), Some(found)) = (stated, found) {
            compare(what, Some(&stated.to_string()), &found.to_string(), checks);
        }
    }
    if let Some(digest) = front.signature.binary(S::RPMSIGTAG_MD5) {
        compare("header and payload MD5", Some(&hex(digest)), &packed.md5, checks);
    }
}

fn members(raw: &mut dyn Read, files: &mut Files, problems: &mut Problems) -> io::Result<()> {
    let by_path: BTreeMap<String, usize> =
        files.list.iter().enumerate().map(|(index, file)| (file.entry.path.clone(), index)).collect();
    // In stripped archives only the last name of an inode has content, and cpio does not say so.
    let last: BTreeMap<usize, usize> =
        files.groups.iter().enumerate().filter_map(|(group, names)| Some((group, *names.last()?))).collect();
    let mut archive = cpio::Reader::new(raw);
    while let Some(record) = archive.next_record()? {
        let (index, size) = match record {
            Record::Newc { name, size } => {
                let name = String::from_utf8_lossy(&name);
                let path = format!("/{}", name.trim_start_matches("./").trim_start_matches('/'));
                let Some(index) = by_path.get(&path) else {
                    problems.add(format!("`{path}` is in the payload and not in the header"));
                    continue;
                };
                (*index, size)
            }
            Record::Stripped(index) => {
                let Some((index, file)) = usize::try_from(index).ok().and_then(|i| Some((i, files.list.get(i)?)))
                else {
                    // Without the file's size the next member cannot be found.
                    return Err(io::Error::new(io::ErrorKind::InvalidData, "a member is of no file of the header"));
                };
                let carries = file.group.is_none_or(|group| last.get(&group) == Some(&index));
                let content = matches!(file.entry.kind, ListedKind::File | ListedKind::Symlink(_)) && carries;
                let size = if content { file.entry.size } else { 0 };
                archive.set_size(size);
                (index, size)
            }
        };
        member(&mut archive, files, index, size, problems)?;
    }
    Ok(())
}

/// Compares one member with its file.
fn member(
    content: &mut dyn Read,
    files: &mut Files,
    index: usize,
    size: u64,
    problems: &mut Problems,
) -> io::Result<()> {
    let algorithm = files.algorithm;
    let file = &mut files.list[index];
    if std::mem::replace(&mut file.met, true) {
        problems.add(format!("`{}` is in the payload twice", file.entry.path));
    }
    match &file.entry.kind {
        ListedKind::Symlink(target) => {
            let mut found = Vec::new();
            content.take(LONGEST_TARGET).read_to_end(&mut found)?;
            if found != target.as_bytes() {
                problems.add(format!("`{}` links elsewhere than the header says", file.entry.path));
            }
        }
        ListedKind::File if size == 0 && file.group.is_some() && file.entry.size > 0 => {}
        ListedKind::File => {
            let mut sums = Tap::new(content);
            sums.stated = Algorithm::of(algorithm);
            sums.watch = Some(Watch::default());
            io::copy(&mut sums, &mut io::sink())?;
            if let Some(watch) = sums.watch.take() {
                files.programs.take(&file.entry.path, file.entry.mode, watch);
            }
            let mut sums = sums.finish();
            if algorithm == SHA256 {
                sums.stated = Some(hex(&sums.sha256));
            }
            if sums.size != file.entry.size {
                let (found, stated) = (sums.size, file.entry.size);
                problems.add(format!("`{}` has {found} bytes, the header says {stated}", file.entry.path));
            } else if sums.stated.as_ref().is_some_and(|found| !file.digest.eq_ignore_ascii_case(found)) {
                problems.add(format!("`{}` is not what the header's digest says", file.entry.path));
            }
            file.entry.sha256 = Some(sums.sha256);
        }
        _ => {}
    }
    Ok(())
}

/// What is wrong with the files.
#[derive(Debug, Default)]
struct Problems {
    list: Vec<String>,
    more: usize,
}

impl Problems {
    fn add(&mut self, problem: String) {
        if self.list.len() < MOST_PROBLEMS {
            self.list.push(problem);
        } else {
            self.more += 1;
        }
    }

    fn missing(&mut self, files: &Files) {
        for file in files.list.iter().filter(|f| !f.met && !f.ghost) {
            self.add(format!("`{}` is in the header and not in the payload", file.entry.path));
        }
    }

    fn said(mut self) -> Option<String> {
        if self.more > 0 {
            self.list.push(format!("and {} more", self.more));
        }
        (!self.list.is_empty()).then(|| self.list.join("; "))
    }
}

/// Algorithms of file digests, by their numbers in OpenPGP, but for SHA-256, which is computed anyway.
enum Algorithm {
    Md5(Md5),
    Sha1(Sha1),
    Sha224(Sha224),
    Sha384(Sha384),
    Sha512(Sha512),
}

impl Algorithm {
    fn of(number: u64) -> Option<Self> {
        match number {
            1 => Some(Self::Md5(Md5::new())),
            2 => Some(Self::Sha1(Sha1::new())),
            9 => Some(Self::Sha384(Sha384::new())),
            10 => Some(Self::Sha512(Sha512::new())),
            11 => Some(Self::Sha224(Sha224::new())),
            _ => None,
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Md5(d) => d.update(bytes),
            Self::Sha1(d) => d.update(bytes),
            Self::Sha224(d) => d.update(bytes),
            Self::Sha384(d) => d.update(bytes),
            Self::Sha512(d) => d.update(bytes),
        }
    }

    fn finish(self) -> String {
        match self {
            Self::Md5(d) => hex(&d.finalize()),
            Self::Sha1(d) => hex(&d.finalize()),
            Self::Sha224(d) => hex(&d.finalize()),
            Self::Sha384(d) => hex(&d.finalize()),
            Self::Sha512(d) => hex(&d.finalize()),
        }
    }
}

/// Hashes what is read through it.
struct Tap<R> {
    input: R,
    size: u64,
    hasher: Hasher,
    md5: Option<Md5>,
    stated: Option<Algorithm>,
    watch: Option<Watch>,
}

/// What a [`Tap`] found; in hex all but the first digest, and empty where it was not asked.
#[derive(Debug, Default)]
struct Found {
    size: u64,
    sha256: [u8; 32],
    sha512: String,
    sha3_256: String,
    md5: String,
    stated: Option<String>,
}

impl<R> Tap<R> {
    fn new(input: R) -> Self {
        Self { input, size: 0, hasher: Hasher::new(Hashes::SHA256), md5: None, stated: None, watch: None }
    }

    fn finish(self) -> Found {
        let sums = self.hasher.finish();
        Found {
            size: self.size,
            sha256: sums.sha256.unwrap_or_default(),
            sha512: sums.sha512.map(|d| hex(&d)).unwrap_or_default(),
            sha3_256: sums.sha3_256.map(|d| hex(&d)).unwrap_or_default(),
            md5: self.md5.map(|d| hex(&d.finalize())).unwrap_or_default(),
            stated: self.stated.map(Algorithm::finish),
        }
    }
}

impl<R: Read> Read for Tap<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let got = self.input.read(buffer)?;
        let bytes = &buffer[..got];
        self.size += got as u64;
        self.hasher.update(bytes);
        if let Some(digest) = &mut self.md5 {
            digest.update(bytes);
        }
        if let Some(digest) = &mut self.stated {
            digest.update(bytes);
        }
        if let Some(watch) = &mut self.watch {
            watch.see(bytes);
        }
        Ok(got)
    }
}
