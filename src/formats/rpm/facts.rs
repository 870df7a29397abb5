//! What repositories say of a package, which stands before its payload.
//!
//! Enters: a package of any origin. Leaves: its [`Facts`], as the header has them. The payload is not read.
//! Not here: the words of a repository's lists, which are `publish/yum`'s.

use std::io;

use ::rpm::{DependencyFlags, FileFlags, IndexSignatureTag as S, IndexTag as T};

use super::header::Header;
use super::read::{self, entries};
use super::relations::{KINDS, Relation};
use crate::formats::Artifact;

/// See the module. Texts are empty where the header has none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// Package name.
    pub name: String,
    /// Architecture; `src` for source packages.
    pub arch: String,
    /// 0 if there is none.
    pub epoch: u32,
    /// Version without epoch and release.
    pub version: String,
    /// Release.
    pub release: String,
    /// In a line.
    pub summary: String,
    /// In many.
    pub description: String,
    /// Who packaged it.
    pub packager: String,
    /// Home page.
    pub url: String,
    /// License.
    pub license: String,
    /// Vendor.
    pub vendor: String,
    /// Group.
    pub group: String,
    /// Where it was built.
    pub build_host: String,
    /// File name of its source package.
    pub source_rpm: String,
    /// When it was built, seconds since 1970.
    pub build_time: i64,
    /// Bytes of its files.
    pub installed: u64,
    /// Bytes of its payload, unpacked.
    pub archive: u64,
    /// Bytes before the main header.
    pub header_start: u64,
    /// Bytes before the payload.
    pub header_end: u64,
    /// Relations by the word of their kind, in the order of the header.
    pub relations: Vec<(&'static str, Vec<Relation>)>,
    /// Files in the order of the header.
    pub files: Vec<FactFile>,
    /// Author, seconds since 1970 and text of each record, the newest first.
    pub changelog: Vec<(String, i64, String)>,
}

/// A file that a package names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactFile {
    /// Its path.
    pub path: String,
    /// Whether it is a directory.
    pub directory: bool,
    /// Whether it is not in the payload.
    pub ghost: bool,
}

impl Facts {
    /// Reads what stands before the payload.
    ///
    /// # Errors
    /// It cannot be read, or is no rpm package.
    pub fn read(artifact: &mut dyn Artifact) -> io::Result<Self> {
        let front = read::front(artifact)?;
        let header = &front.main;
        let text = |tag: T| header.text(tag).unwrap_or_default();
        let number = |tag: T, long: T| header.number(tag).or_else(|| header.number(long)).unwrap_or_default();
        let size = |tag: S, long: S| front.signature.number(tag).or_else(|| front.signature.number(long));
        // rpm 6 has it in the main header.
        let archive = size(S::RPMSIGTAG_PAYLOADSIZE, S::RPMSIGTAG_LONGARCHIVESIZE);
        let archive = archive.or_else(|| header.number(T::RPMTAG_PAYLOADSIZEALT)).unwrap_or_default();
        Ok(Self {
            name: text(T::RPMTAG_NAME),
            arch: if header.has(T::RPMTAG_SOURCERPM) { text(T::RPMTAG_ARCH) } else { "src".to_owned() },
            epoch: header.number(T::RPMTAG_EPOCH).and_then(|epoch| u32::try_from(epoch).ok()).unwrap_or_default(),
            version: text(T::RPMTAG_VERSION),
            release: text(T::RPMTAG_RELEASE),
            summary: text(T::RPMTAG_SUMMARY),
            description: text(T::RPMTAG_DESCRIPTION),
            packager: text(T::RPMTAG_PACKAGER),
            url: text(T::RPMTAG_URL),
            license: text(T::RPMTAG_LICENSE),
            vendor: text(T::RPMTAG_VENDOR),
            group: text(T::RPMTAG_GROUP),
            build_host: text(T::RPMTAG_BUILDHOST),
            source_rpm: text(T::RPMTAG_SOURCERPM),
            build_time: header
                .number(T::RPMTAG_BUILDTIME)
                .and_then(|time| i64::try_from(time).ok())
                .unwrap_or_default(),
            installed: number(T::RPMTAG_SIZE, T::RPMTAG_LONGSIZE),
            archive,
            header_start: front.main_at,
            header_end: front.main_at + header.bytes.len() as u64,
            relations: KINDS.iter().map(|kind| (kind.word, relations(header, kind))).collect(),
            files: files(header)?,
            changelog: changelog(header),
        })
    }

    /// `[epoch:]version-release`
    pub fn evr(&self) -> String {
        let epoch = if self.epoch == 0 { String::new() } else { format!("{}:", self.epoch) };
        format!("{epoch}{}-{}", self.version, self.release)
    }
}

fn relations(header: &Header, kind: &super::relations::Kind) -> Vec<Relation> {
    let flags = header.numbers(kind.flags).chain(std::iter::repeat(0));
    let versions = header.texts(kind.versions).chain(std::iter::repeat("".into()));
    let all = header.texts(kind.names).zip(flags).zip(versions);
    all.map(|((name, flags), version)| Relation {
        name: name.into_owned(),
        version: version.into_owned(),
        flags: u32::try_from(flags).unwrap_or_default(),
    })
    .collect()
}

fn files(header: &Header) -> io::Result<Vec<FactFile>> {
    let paths = entries::paths(header)?;
    let modes = header.numbers(T::RPMTAG_FILEMODES).chain(std::iter::repeat(0));
    let flags = header.numbers(T::RPMTAG_FILEFLAGS).chain(std::iter::repeat(0));
    let all = paths.into_iter().zip(modes).zip(flags);
    let file = |((path, mode), flags): ((String, u64), u64)| {
        let flags = FileFlags::from_bits_truncate(u32::try_from(flags).unwrap_or_default());
        FactFile { path, directory: (mode >> 12) & 0xf == 4, ghost: flags.contains(FileFlags::GHOST) }
    };
    Ok(all.map(file).collect())
}

fn changelog(header: &Header) -> Vec<(String, i64, String)> {
    let names = header.texts(T::RPMTAG_CHANGELOGNAME);
    let times = header.numbers(T::RPMTAG_CHANGELOGTIME);
    let texts = header.texts(T::RPMTAG_CHANGELOGTEXT);
    let all = names.zip(times).zip(texts);
    all.map(|((name, time), text)| (name.into_owned(), i64::try_from(time).unwrap_or_default(), text.into_owned()))
        .collect()
}

/// What a relation says of versions, in the words of repositories; none if it takes any.
pub fn comparison(relation: &Relation) -> Option<&'static str> {
    let sense = DependencyFlags::LESS | DependencyFlags::GREATER | DependencyFlags::EQUAL;
    match DependencyFlags::from_bits_truncate(relation.flags) & sense {
        DependencyFlags::LESS => Some("LT"),
        DependencyFlags::GREATER => Some("GT"),
        DependencyFlags::EQUAL => Some("EQ"),
        DependencyFlags::LE => Some("LE"),
        DependencyFlags::GE => Some("GE"),
        _ => None,
    }
}

/// Whether it has to hold before the package's first script runs.
pub fn is_before(relation: &Relation) -> bool {
    // 64 is the flag of `PreReq`, before rpm 4.
    let early = DependencyFlags::SCRIPT_PRE | DependencyFlags::SCRIPT_POST;
    relation.flags & (early.bits() | 64) != 0
}
