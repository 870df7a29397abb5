//! Output folders of several runs, each for some of the targets -> one, as a single run for all targets would have left it.
//!
//! Enters: folders with their lists. Leaves: artifacts in one folder, with one list: files are linked where that can be, the images of the
//! targets become one archive besides. They must be of one release; a name with two contents is refused.

use std::io::{BufWriter, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use super::manifest::{self, Made};
use super::{Artifact, Findings};
use crate::codec::hex::hex;
use crate::diagnostic::{Diagnostic, codes};
use crate::engine::EngineError;
use crate::engine::output::{self, Output, Staged};
use crate::formats::oci::join::{Joint, join};
use crate::formats::{self, Format as _, oci, source};
use crate::interrupt;

/// What a merge leaves.
#[derive(Debug)]
pub struct Merged {
    /// The output folder.
    pub folder: PathBuf,
    /// In the order of the folders; last the image of all targets and the source archives.
    pub artifacts: Vec<Artifact>,
}

/// An artifact, and what it is made of.
struct Part {
    artifact: Artifact,
    from: From,
}

enum From {
    /// A file as it is.
    File(PathBuf),
    /// Images of one target each.
    Images(Vec<PathBuf>),
}

/// Merges the output folders `dists` into `into`; that of an environment into its folder there.
///
/// # Errors
/// There is no list in one of them, they are of different releases, or a name has two contents: all such findings. Nothing was written then.
pub fn merge(dists: &[PathBuf], into: &Path) -> Result<Merged, Findings> {
    let (mut all, mut findings) = (Vec::new(), Findings::new());
    for dist in dists {
        match manifest::made(dist) {
            Ok(made) => all.push((dist.clone(), made)),
            Err(found) => findings.extend(found),
        }
    }
    let Some((first, rest)) = all.split_first() else { return Err(findings) };
    findings.extend(rest.iter().filter_map(|other| another(first, other)));
    let parts = union(&all, &mut findings);
    let made = &first.1;
    let mut folder = into.to_path_buf();
    folder.extend(&made.environment);
    findings.extend(manifest::refuse_another(&made.name, Path::new(""), &folder).err());
    if !findings.is_empty() {
        return Err(findings);
    }
    let parts = with_index(parts);
    let failed = |source| vec![EngineError::Write { path: folder.clone(), source }.into()];
    fs_err::create_dir_all(&folder).map_err(failed)?;
    let _alone = output::lock(&folder);
    let mut staged = Vec::new();
    let mut artifacts = Vec::new();
    for part in parts {
        let (artifact, file) = part.stage(&folder, made.clock)?;
        staged.extend(file);
        artifacts.push(artifact);
    }
    let list = Made { artifacts, ..made.clone() };
    staged.push(manifest::stage_list(&list, &folder).map_err(|error| vec![error.into()])?);
    let naming = interrupt::naming();
    for file in staged {
        let path = file.path().to_path_buf();
        file.finish().map_err(|source| vec![EngineError::Write { path, source }.into()])?;
    }
    naming.done();
    Ok(Merged { folder, artifacts: list.artifacts })
}

/// What makes a folder one of another release.
fn another((first, made): &(PathBuf, Made), (other, its): &(PathBuf, Made)) -> Option<Diagnostic> {
    let none = || "none".to_owned();
    let facts = |made: &Made| {
        [
            ("name", made.name.clone()),
            ("version", made.version.clone()),
            ("environment", made.environment.clone().unwrap_or_else(none)),
            ("revision", made.revision.clone().unwrap_or_else(none)),
            ("time", made.clock.to_string()),
        ]
    };
    let differ = facts(made).into_iter().zip(facts(its)).filter(|((_, a), (_, b))| a != b);
    let differ: Vec<String> =
        differ.map(|((name, a), (_, b))| format!("{name} is `{a}` there and `{b}` here")).collect();
    if differ.is_empty() {
        return None;
    }
    let message = format!("`{}` and `{}` are not of one release", first.display(), other.display());
    let finding = Diagnostic::error(codes::RUN_OTHER_RELEASE, message).path(other);
    let finding = differ.into_iter().fold(finding, Diagnostic::note);
    Some(finding.help("build all of them from one commit, with the same `SOURCE_DATE_EPOCH` if it is set"))
}

/// All artifacts, each name once, in the order of the folders; sources last.
fn union(all: &[(PathBuf, Made)], findings: &mut Findings) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    for (dist, made) in all {
        for artifact in &made.artifacts {
            let Some(known) = parts.iter_mut().find(|part| part.artifact.file == artifact.file) else {
                let from = From::File(dist.join(&artifact.file));
                parts.push(Part { artifact: artifact.clone(), from });
                continue;
            };
            if known.artifact.sha256 != artifact.sha256 {
                findings.push(other_bytes(&known.from, &dist.join(&artifact.file)));
            }
            for target in &artifact.targets {
                if !known.artifact.targets.contains(target) {
                    known.artifact.targets.push(target.clone());
                }
            }
        }
    }
    parts.sort_by_key(|part| part.artifact.format == source::NAME);
    parts
}

fn other_bytes(known: &From, other: &Path) -> Diagnostic {
    let first = if let From::File(path) = known { path.display().to_string() } else { String::new() };
    Diagnostic::error(
        codes::RUN_OTHER_BYTES,
        format!("`{first}` and `{}` have one name and other bytes", other.display()),
    )
    .path(other)
    .note("a package that suits every architecture is made by each run, and has to be the same")
    .help("`fitout diff` shows what differs; files that hold `{arch}` or were built differ by target")
}

/// With one archive for all targets, in the place of those of some of them.
fn with_index(mut parts: Vec<Part>) -> Vec<Part> {
    let is_image = |part: &Part| part.artifact.format == oci::Oci.name();
    let is_index = |part: &Part| is_image(part) && part.artifact.arch == oci::MULTI;
    let singles: Vec<&Part> = parts.iter().filter(|part| is_image(part) && !is_index(part)).collect();
    let targets: Vec<String> = singles.iter().flat_map(|part| part.artifact.targets.clone()).collect();
    let [first, _, ..] = singles[..] else { return parts };
    if parts.iter().any(|part| is_index(part) && part.artifact.targets == targets) {
        return parts;
    }
    let end = format!("-{}.oci.tar", first.artifact.arch);
    let Some(stem) = first.artifact.file.strip_suffix(&end) else { return parts };
    let artifact = Artifact {
        targets,
        file: format!("{stem}-{}.oci.tar", oci::MULTI),
        arch: oci::MULTI.to_owned(),
        ..first.artifact.clone()
    };
    let images =
        singles.iter().filter_map(|part| if let From::File(path) = &part.from { Some(path.clone()) } else { None });
    let joined = Part { artifact, from: From::Images(images.collect()) };
    parts.retain(|part| !is_index(part));
    let at = parts.iter().position(|part| part.artifact.format == source::NAME).unwrap_or(parts.len());
    parts.insert(at, joined);
    parts
}

impl Part {
    /// Lays it beside its place, unless it is there.
    fn stage(self, folder: &Path, clock: i64) -> Result<(Artifact, Option<Staged>), Findings> {
        let Self { mut artifact, from } = self;
        let path = folder.join(&artifact.file);
        let failed = |source| vec![EngineError::Write { path: path.clone(), source }.into()];
        match from {
            From::File(file) if same_file(&file, &path) || manifest::is_there(&artifact, folder) => {
                Ok((artifact, None))
            }
            From::File(file) => {
                let staged = output::link(&file, &path).map_err(failed)?;
                Ok((artifact, Some(staged)))
            }
            From::Images(images) => {
                let pieces = join(&images, clock).map_err(|finding| vec![finding])?;
                let output = Output::create(folder).map_err(failed)?;
                write(&pieces, &output).map_err(failed)?;
                let mut file = output.file().try_clone().map_err(failed)?;
                file.seek(SeekFrom::Start(0)).map_err(failed)?;
                let (size, sha256) = formats::digest(file).map_err(failed)?;
                (artifact.size, artifact.sha256) = (size, hex(&sha256));
                let staged = output.stage(&path).map_err(failed)?;
                Ok((artifact, Some(staged)))
            }
        }
    }
}

fn same_file(a: &Path, b: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let inode = |path: &Path| fs_err::metadata(path).ok().map(|metadata| (metadata.dev(), metadata.ino()));
    inode(a).is_some_and(|inode_of_a| Some(inode_of_a) == inode(b))
}

fn write(pieces: &[Joint], output: &Output) -> std::io::Result<()> {
    let mut out = BufWriter::new(output.file());
    for piece in pieces {
        match piece {
            Joint::Literal(bytes) => out.write_all(bytes)?,
            Joint::Part { path, offset, size } => {
                let mut file = fs_err::File::open(path)?;
                file.seek(SeekFrom::Start(*offset))?;
                let copied = std::io::copy(&mut file.take(*size), &mut out)?;
                if copied != *size {
                    return Err(std::io::Error::other(format!("`{}` changed while it was read", path.display())));
                }
            }
        }
    }
    out.flush()
}
