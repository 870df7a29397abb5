//! The folder of a release, before it is written: each file with where its bytes come from.
//!
//! Enters: folders that are copied, and texts. Leaves: a [`Tree`], sorted by path. Modes do not depend on the builder: 0755 for
//! what may be run or entered, else 0644.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Component, Path, PathBuf};

use crate::assemble::content;
use crate::diagnostic::{Diagnostic, Result, codes};

use super::beam;

/// Deepest folder that is copied.
const DEEPEST: usize = 64;

/// Where the bytes of a file come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// They are these.
    Bytes(Vec<u8>),
    /// Those of this file.
    Copy(PathBuf),
    /// Those of this module, with the chunks of these names and no others.
    Stripped(PathBuf, Vec<String>),
    /// It is a link to this.
    Link(PathBuf),
}

/// A file of the release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Whether it may be run.
    pub runs: bool,
    /// Where its bytes come from.
    pub content: Content,
}

/// All files, by path; and folders, also those without files.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    /// Files and links.
    pub files: BTreeMap<String, Node>,
    /// Folders.
    pub folders: BTreeSet<String>,
    /// Folder of the project, which messages leave out.
    project: PathBuf,
}

/// Names of the chunks that modules keep which are copied; none if they are left whole.
pub type Strip = Option<Vec<String>>;

impl Tree {
    /// An empty one.
    pub fn new(project: &Path) -> Self {
        Self { project: project.to_owned(), ..Self::default() }
    }

    /// A text.
    pub fn text(&mut self, path: impl Into<String>, text: impl Into<Vec<u8>>) {
        self.put(path.into(), Node { runs: false, content: Content::Bytes(text.into()) });
    }

    /// A script.
    pub fn script(&mut self, path: impl Into<String>, text: impl Into<Vec<u8>>) {
        self.put(path.into(), Node { runs: true, content: Content::Bytes(text.into()) });
    }

    fn put(&mut self, path: String, node: Node) {
        self.parents(&path);
        self.files.insert(path, node);
    }

    fn parents(&mut self, path: &str) {
        for (at, _) in path.match_indices('/') {
            self.folders.insert(path[..at].to_owned());
        }
    }

    /// A file of the builder.
    ///
    /// # Errors
    /// It is not there, or no regular file.
    pub fn file(&mut self, from: &Path, path: &str) -> Result<()> {
        let meta = fs_err::metadata(from).map_err(|error| self.unreadable(from, &error))?;
        let runs = meta.permissions().mode() & 0o111 != 0;
        self.put(path.to_owned(), Node { runs, content: Content::Copy(from.to_owned()) });
        Ok(())
    }

    /// A folder of the builder with all that is in it, at a path of the release; what is there already is replaced.
    ///
    /// # Errors
    /// Something in it cannot be read, or is neither file, folder nor link.
    pub fn copy(&mut self, from: &Path, to: &str, strip: &Strip) -> Result<()> {
        self.copied(from, from, to, strip, 0)
    }

    fn copied(&mut self, base: &Path, from: &Path, to: &str, strip: &Strip, depth: usize) -> Result<()> {
        let project = self.project.clone();
        let refuse = |path: &Path, why: &str| {
            let shown = content::show(&project, path);
            Diagnostic::error(codes::OTP_NO_FILE, format!("`{shown}` cannot be in a release: {why}"))
                .path(shown)
                .help("take it out of the folder")
        };
        if depth > DEEPEST {
            return Err(refuse(from, "it is too deep"));
        }
        if !to.is_empty() {
            self.folders.insert(to.to_owned());
            self.parents(to);
        }
        let entries = fs_err::read_dir(from).map_err(|error| self.unreadable(from, &error))?;
        for entry in entries {
            let entry = entry.map_err(|error| self.unreadable(from, &error))?;
            let path = entry.path();
            let Some(name) = entry.file_name().to_str().map(str::to_owned) else {
                return Err(refuse(&path, "its name is not UTF-8"));
            };
            let inner = if to.is_empty() { name.clone() } else { format!("{to}/{name}") };
            let kind = entry.file_type().map_err(|error| self.unreadable(&path, &error))?;
            let target = if kind.is_symlink() { inside(base, &path) } else { None };
            if let Some(target) = target {
                self.put(inner, Node { runs: false, content: Content::Link(target) });
                continue;
            }
            let meta = fs_err::metadata(&path).map_err(|error| self.unreadable(&path, &error))?;
            if kind.is_symlink() && is_above(&path) {
                return Err(refuse(&path, "it is a link to a folder that it lies in"));
            }
            if meta.is_dir() {
                self.copied(base, &path, &inner, strip, depth + 1)?;
            } else if meta.is_file() {
                let runs = meta.permissions().mode() & 0o111 != 0;
                let is_module = path.extension().is_some_and(|extension| extension == "beam");
                let content = match strip {
                    Some(keep) if is_module => Content::Stripped(path, keep.clone()),
                    _ => Content::Copy(path),
                };
                self.put(inner, Node { runs, content });
            } else {
                return Err(refuse(&path, "it is neither a file, a folder nor a link"));
            }
        }
        Ok(())
    }

    fn unreadable(&self, path: &Path, error: &std::io::Error) -> Diagnostic {
        content::unreadable(&content::show(&self.project, path), error)
    }

    /// The bytes of a file; none of a link.
    ///
    /// # Errors
    /// It cannot be read, or is no module though it is called so.
    pub fn bytes(&self, node: &Node) -> Result<Option<Vec<u8>>> {
        let read = |path: &Path| fs_err::read(path).map_err(|error| self.unreadable(path, &error));
        match &node.content {
            Content::Bytes(bytes) => Ok(Some(bytes.clone())),
            Content::Copy(path) => read(path).map(Some),
            Content::Link(_) => Ok(None),
            Content::Stripped(path, keep) => beam::stripped(read(path)?, keep).map(Some).map_err(|error| {
                let shown = content::show(&self.project, path);
                Diagnostic::error(codes::OTP_BAD_BEAM, format!("`{shown}` cannot be stripped: {error}"))
                    .path(shown)
                    .help("compile it anew, or set `strip = false` under `[release]`")
            }),
        }
    }
}

/// Whether a link leads to a folder that it lies in.
fn is_above(link: &Path) -> bool {
    let real = |path: &Path| fs_err::canonicalize(path).ok();
    match (real(link), link.parent().and_then(real)) {
        (Some(target), Some(folder)) => folder.starts_with(target),
        _ => false,
    }
}

/// Where a link leads, if that is within the folder that is copied with it.
fn inside(base: &Path, link: &Path) -> Option<PathBuf> {
    let target = fs_err::read_link(link).ok()?;
    let mut depth = link.parent()?.strip_prefix(base).ok()?.components().count();
    for part in target.components() {
        match part {
            Component::Normal(_) => depth += 1,
            Component::ParentDir => depth = depth.checked_sub(1)?,
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(target)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_stay_are_followed_or_refused() {
        let folder = tempfile::tempdir().unwrap();
        let base = folder.path().join("priv");
        fs_err::create_dir_all(base.join("deep")).unwrap();
        fs_err::create_dir_all(folder.path().join("outside/empty")).unwrap();
        fs_err::write(folder.path().join("outside/words"), "words").unwrap();
        symlink("../deep", base.join("deep/own")).unwrap();
        symlink("deep/nothing", base.join("dangling")).unwrap();
        symlink("../outside", base.join("other")).unwrap();
        let copied = || {
            let mut tree = Tree::new(folder.path());
            tree.copy(&base, "lib/x/priv", &None).map(|()| tree)
        };
        let tree = copied().unwrap();
        assert_eq!(tree.files["lib/x/priv/deep/own"].content, Content::Link("../deep".into()));
        assert_eq!(tree.files["lib/x/priv/dangling"].content, Content::Link("deep/nothing".into()));
        assert_eq!(tree.files["lib/x/priv/other/words"].content, Content::Copy(base.join("other/words")));
        assert!(tree.folders.contains("lib/x/priv/other/empty"));
        symlink("/", base.join("deep/all")).unwrap();
        let finding = copied().unwrap_err();
        assert!(
            finding.message.contains("`priv/deep/all`") && finding.message.contains("lies in"),
            "{}",
            finding.message
        );
    }
}
