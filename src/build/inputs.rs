//! Which files the build step reads: those that `inputs` names, else all that git tracks or does not ignore in the
//! repository, else all of the folder.
//!
//! Enters: a folder and globs. Leaves: absolute paths. What the step itself makes and what fitout writes is left out, also
//! for another config file of the project. The whole repository counts, because an umbrella or a workspace reads beyond the folder of its config file.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::path::{Component, Path, PathBuf};

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use super::ask::ask;
use super::cache::TEMPORARY;

/// Where to look.
#[derive(Debug, Clone, Default)]
pub struct Inputs {
    /// The folder of the config file.
    pub folder: PathBuf,
    /// Globs relative to it; none for what git says.
    pub globs: Option<Vec<String>>,
    /// Files and folders that the step or fitout writes: never an input.
    pub written: Vec<PathBuf>,
    /// Folders that a tool fills, and that are an input only where git tracks what lies there or a glob leads there.
    pub filled: Vec<PathBuf>,
}

/// A part of a pattern that is more than a name.
const SPECIAL: &[char] = &['*', '?', '[', '{', '\\'];

impl Inputs {
    /// All of them. `None` if a name is not UTF-8 or a folder cannot be read: then nobody can tell.
    pub fn list(&self) -> Option<BTreeSet<String>> {
        let found = match &self.globs {
            Some(globs) => self.by_globs(globs)?,
            None => match self.by_git() {
                Some(found) => found,
                None => self.walked(&self.folder, &[&self.written[..], &self.filled].concat())?,
            },
        };
        found.into_iter().map(|path| path.into_os_string().into_string().ok()).collect()
    }

    /// A valid pattern, for the check of the config.
    pub fn is_glob(pattern: &str) -> bool {
        glob(pattern).is_some()
    }

    fn is_written(&self, path: &Path) -> bool {
        self.written.iter().any(|written| path.starts_with(written))
    }

    fn by_git(&self) -> Option<BTreeSet<PathBuf>> {
        let answer = |arguments: &[&str]| ask(&self.folder, "git", arguments).ok();
        let top = PathBuf::from(answer(&["rev-parse", "--show-toplevel"])?.trim_end_matches('\n'));
        let files = |kind: &[&str]| {
            let all = ask(&top, "git", &[&["ls-files", "-z"], kind].concat()).ok()?;
            // What is not UTF-8 was replaced: its file will not be there, and nothing is skipped.
            Some(all.split('\0').filter(|name| !name.is_empty()).map(|name| top.join(name)).collect::<Vec<_>>())
        };
        let tracked = files(&["--cached"])?;
        // A copy of the project that merely lies somewhere in another project's repository.
        if !tracked.iter().any(|path| path.starts_with(&self.folder)) {
            return None;
        }
        let others = files(&["--others", "--exclude-standard"])?;
        let filled = |path: &PathBuf| self.filled.iter().any(|filled| path.starts_with(filled));
        let left = |path: &PathBuf| path.strip_prefix(&self.folder).is_ok_and(|below| is_left(below.as_os_str()));
        let mut folders = BTreeMap::new();
        let mut is_artifact = |path: &PathBuf| {
            let folder = path.parent().unwrap_or(&top);
            let made = folders.entry(folder.to_owned()).or_insert_with(|| made_in(folder));
            path.file_name().is_some_and(|name| made.contains(name))
        };
        let others = others.into_iter().filter(|path| !filled(path) && !left(path) && !is_artifact(path));
        let mut found = BTreeSet::new();
        for path in tracked.into_iter().chain(others).filter(|path| !self.is_written(path)) {
            // A submodule, or another repository in this one.
            if fs_err::symlink_metadata(&path).is_ok_and(|meta| meta.is_dir()) {
                found.extend(self.walked(&path, &self.written)?);
            } else {
                found.insert(path);
            }
        }
        Some(found)
    }

    fn by_globs(&self, globs: &[String]) -> Option<BTreeSet<PathBuf>> {
        let mut found = BTreeSet::new();
        for pattern in globs {
            let (base, rest) = split(pattern);
            let base = clean(&self.folder.join(base));
            // A pattern over everything does not mean what a tool fills.
            let filled = self.filled.iter().filter(|filled| !base.starts_with(filled)).cloned();
            let all = self.walked(&base, &self.written.iter().cloned().chain(filled).collect::<Vec<_>>())?;
            let Some(rest) = rest else {
                found.extend(all);
                continue;
            };
            let glob = glob(rest)?;
            let matches = |path: &PathBuf| path.strip_prefix(&base).is_ok_and(|below| glob.is_match(below));
            found.extend(all.into_iter().filter(matches));
        }
        Some(found)
    }

    /// All files below a path, or itself; a path that is not there is named all the same: it may come.
    fn walked(&self, path: &Path, without: &[PathBuf]) -> Option<BTreeSet<PathBuf>> {
        let mut found = BTreeSet::new();
        walk(path, without, &mut found)?;
        found.remove(&self.folder);
        Some(found)
    }
}

fn walk(path: &Path, without: &[PathBuf], found: &mut BTreeSet<PathBuf>) -> Option<()> {
    let own = |name: &OsStr| name == ".git" || is_left(name);
    if without.iter().any(|left_out| path == left_out) || path.file_name().is_some_and(own) {
        return Some(());
    }
    if !fs_err::symlink_metadata(path).is_ok_and(|meta| meta.is_dir()) {
        found.insert(path.to_owned());
        return Some(());
    }
    let made = made_in(path);
    for entry in fs_err::read_dir(path).ok()? {
        let entry = entry.ok()?;
        if !made.contains(&entry.file_name()) {
            walk(&entry.path(), without, found)?;
        }
    }
    Some(())
}

/// Names of what fitout has built into a folder: its list, and what the list names. Anything else there is a source.
fn made_in(folder: &Path) -> BTreeSet<OsString> {
    #[derive(serde::Deserialize)]
    struct List {
        schema: String,
        artifacts: Vec<Listed>,
    }
    #[derive(serde::Deserialize)]
    struct Listed {
        file: String,
    }
    let list = folder.join(LIST);
    let small = fs_err::metadata(&list).is_ok_and(|meta| meta.is_file() && meta.len() <= LARGEST_LIST);
    let read = || serde_json::from_slice::<List>(&fs_err::read(&list).ok()?).ok();
    let Some(list) = small.then(read).flatten().filter(|list| list.schema.starts_with("fitout/manifest/")) else {
        return BTreeSet::new();
    };
    let own = [LIST, "receipt.json"].map(OsString::from);
    list.artifacts.into_iter().map(|artifact| OsString::from(artifact.file)).chain(own).collect()
}

/// The list of artifacts of an output folder.
const LIST: &str = "manifest.json";
/// Bytes of one that is read.
const LARGEST_LIST: u64 = 16 << 20;

/// What a restore left that was killed.
fn is_left(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(TEMPORARY.as_bytes())
}

/// The folder that a pattern begins with, and the pattern below it, if there is one.
fn split(pattern: &str) -> (&str, Option<&str>) {
    let Some(special) = pattern.find(SPECIAL) else { return (pattern, None) };
    let start = pattern[..special].rfind('/').map_or(0, |slash| slash + 1);
    (&pattern[..start], Some(&pattern[start..]))
}

fn glob(pattern: &str) -> Option<GlobSet> {
    let glob = GlobBuilder::new(pattern).literal_separator(true).backslash_escape(true).build().ok()?;
    GlobSetBuilder::new().add(glob).build().ok()
}

/// Without `.` and `..`, which `inputs = ["../shared"]` brings.
fn clean(path: &Path) -> PathBuf {
    let lexically = || {
        path.components().fold(PathBuf::new(), |mut clean, part| {
            if part == Component::ParentDir {
                clean.pop();
            } else {
                clean.push(part);
            }
            clean
        })
    };
    fs_err::canonicalize(path).unwrap_or_else(|_| lexically())
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn tree(files: &[&str]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let real = fs_err::canonicalize(folder.path()).unwrap();
        for file in files {
            let path = real.join(file);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, *file).unwrap();
        }
        (folder, real)
    }

    fn git(folder: &Path, arguments: &[&str]) {
        let status = Command::new("git").arg("-C").arg(folder).args(arguments).output().unwrap().status;
        assert!(status.success(), "{arguments:?}");
    }

    fn listed(top: &Path, inputs: &Inputs) -> Vec<String> {
        let all = inputs.list().unwrap();
        all.iter().map(|path| Path::new(path).strip_prefix(top).unwrap().display().to_string()).collect()
    }

    #[test]
    fn in_a_repository_all_that_is_not_ignored_counts() {
        let (_keep, top) = tree(&[
            "app/a",
            "app/new",
            "app/dist/x.deb",
            "app/deps/d",
            "app/vendor/v",
            "app/.fitout-restore-x/deps/z",
            "shared/s",
            "ignored",
            "sub/x",
            "app/packages/y.deb",
            "app/packages/source",
        ]);
        let list = "{\"schema\": \"fitout/manifest/1\", \"artifacts\": [{\"file\": \"y.deb\"}]}";
        fs_err::write(top.join("app/packages/manifest.json"), list).unwrap();
        fs_err::write(top.join(".gitignore"), "ignored\n").unwrap();
        git(&top, &["init", "-q"]);
        git(&top.join("sub"), &["init", "-q"]);
        git(&top, &["add", "app/a", "app/vendor", "shared", ".gitignore"]);
        let folder = top.join("app");
        let inputs = Inputs {
            written: vec![folder.join("dist")],
            filled: vec![folder.join("deps"), folder.join("vendor")],
            folder,
            globs: None,
        };
        // Beside artifacts of another config there may be sources.
        let expected = [".gitignore", "app/a", "app/new", "app/packages/source", "app/vendor/v", "shared/s", "sub/x"];
        assert_eq!(listed(&top, &inputs), expected);
        // One that is tracked is somebody's source.
        git(&top, &["add", "app/packages"]);
        assert!(listed(&top, &inputs).contains(&"app/packages/y.deb".to_owned()));
    }

    #[test]
    fn without_a_repository_all_of_the_folder_counts() {
        let (_keep, top) = tree(&["a", "b/c", "_build/x", "dist/y", ".fitout-restore-x/deps/z"]);
        let inputs = Inputs {
            folder: top.clone(),
            globs: None,
            written: vec![top.join("dist")],
            filled: vec![top.join("_build")],
        };
        assert_eq!(listed(&top, &inputs), ["a", "b/c"]);
    }

    #[test]
    fn globs_may_lead_out_of_the_folder() {
        let (_keep, top) = tree(&["app/deps/d.ex", "app/lib/a.ex", "app/lib/deep/b.ex", "app/c.md", "shared/s", "one"]);
        let list = |globs: &[&str]| {
            let globs = Some(globs.iter().map(|&glob| glob.to_owned()).collect());
            let folder = top.join("app");
            listed(&top, &Inputs { filled: vec![folder.join("deps")], folder, globs, ..Inputs::default() })
        };
        assert_eq!(list(&["lib/**/*.ex", "../shared"]), ["app/lib/a.ex", "app/lib/deep/b.ex", "shared/s"]);
        assert_eq!(list(&["lib/*.ex", "../one", "../nowhere"])[..2], ["app/lib/a.ex", "nowhere"]);
        assert_eq!(list(&["**/*.ex"]), ["app/lib/a.ex", "app/lib/deep/b.ex"]);
        assert_eq!(list(&["deps/*.ex"]), ["app/deps/d.ex"]);
    }
}
