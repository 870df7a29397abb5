//! Which files the build step reads: those that `inputs` names, else all that git tracks or does not ignore in the
//! repository, else all of the folder; and those that links among them lead to.
//!
//! Enters: a folder and globs. Leaves: absolute paths. What the step itself makes and what fitout writes or publishes is left out, also
//! for another config file of the project. The whole repository counts, because an umbrella or a workspace reads beyond the folder of its config file.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};
use std::process::Command;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use super::ask::{self, Refusal, ask};
use super::cache::TEMPORARY;
use crate::store::{self, artifacts::made_in};

mod links;

/// Why it cannot be told what is read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Untold(String);

impl Untold {
    fn unreadable(path: &Path, error: &std::io::Error) -> Self {
        Self(format!("`{}` cannot be read: {error}", path.display()))
    }
}

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
    /// All of them.
    ///
    /// # Errors
    /// A name is not UTF-8, a folder cannot be read, or git does not answer though there is a repository: then nobody can tell.
    pub fn list(&self) -> Result<BTreeSet<String>, Untold> {
        let (mut found, whole) = match &self.globs {
            Some(globs) => (self.by_globs(globs)?, None),
            None => self.all().map(|(found, whole)| (found, Some(whole)))?,
        };
        self.follow(&mut found, whole.as_deref())?;
        let text = |path: PathBuf| path.into_os_string().into_string();
        let odd = |path: OsString| Untold(format!("`{}` is not UTF-8", path.display()));
        found.into_iter().map(|path| text(path).map_err(odd)).collect()
    }

    /// A valid pattern, for the check of the config.
    pub fn is_glob(pattern: &str) -> bool {
        glob(pattern).is_some()
    }

    fn is_written(&self, path: &Path) -> bool {
        self.written.iter().any(|written| path.starts_with(written))
    }

    /// All that counts in a folder, with that folder.
    fn all(&self) -> Result<(BTreeSet<PathBuf>, PathBuf), Untold> {
        if let Some(found) = self.by_git()? {
            return Ok(found);
        }
        let without = [&self.written[..], &self.filled].concat();
        Ok((self.walked(&self.folder, &without)?, self.folder.clone()))
    }

    /// With the folder of the repository. None where there is no repository, or none of this project.
    fn by_git(&self) -> Result<Option<(BTreeSet<PathBuf>, PathBuf)>, Untold> {
        let refused = |refusal: Refusal| {
            let lines: Vec<_> = refusal.lines().iter().map(|line| line.trim().to_owned()).collect();
            Untold(format!("git: {}", lines.join("; ")))
        };
        let top = match ask(&self.folder, "git", &["rev-parse", "--show-toplevel"]) {
            Ok(answer) => PathBuf::from(answer.trim_end_matches('\n')),
            Err(refusal) if self.is_no_repository(&refusal) => return Ok(None),
            Err(refusal) => return Err(refused(refusal)),
        };
        let files = |kind: &[&str]| {
            let mut command = Command::new("git");
            let all = ask::bytes(&top, "git", command.args(["ls-files", "-z"]).args(kind)).map_err(refused)?;
            let names = all.split(|byte| *byte == 0).filter(|name| !name.is_empty());
            Ok(names.map(|name| top.join(OsStr::from_bytes(name))).collect::<Vec<_>>())
        };
        let tracked = files(&["--cached"])?;
        // A copy of the project that merely lies somewhere in another project's repository.
        if !tracked.iter().any(|path| path.starts_with(&self.folder)) {
            return Ok(None);
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
        let mut places = BTreeMap::new();
        let mut is_published = |path: &PathBuf| {
            let mut above = path.ancestors().skip(1).take_while(|above| !self.folder.starts_with(above));
            above.any(|above| *places.entry(above.to_owned()).or_insert_with(|| store::is_place(above)))
        };
        let bookkeeping = |path: &PathBuf| path.file_name().is_some_and(store::is_bookkeeping);
        let others = others.into_iter().filter(|path| !filled(path) && !left(path) && !bookkeeping(path));
        let others = others.filter(|path| !is_artifact(path) && !is_published(path));
        let mut found = BTreeSet::new();
        for path in tracked.into_iter().chain(others).filter(|path| !self.is_written(path)) {
            // A submodule, or another repository in this one.
            if fs_err::symlink_metadata(&path).is_ok_and(|meta| meta.is_dir()) {
                found.extend(self.walked(&path, &self.written)?);
            } else {
                found.insert(path);
            }
        }
        Ok(Some((found, top)))
    }

    /// Whether that git refuses means that all of the repository is the folder. Without git a repository shows by its `.git`.
    fn is_no_repository(&self, refusal: &Refusal) -> bool {
        match refusal {
            Refusal::Absent(_) => !self.folder.ancestors().skip(1).any(|above| above.join(".git").exists()),
            Refusal::Failed(_) => refusal.is_no_repository(),
        }
    }

    fn by_globs(&self, globs: &[String]) -> Result<BTreeSet<PathBuf>, Untold> {
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
            let glob = glob(rest).ok_or_else(|| Untold(format!("`{pattern}` is no glob")))?;
            let matches = |path: &PathBuf| path.strip_prefix(&base).is_ok_and(|below| glob.is_match(below));
            found.extend(all.into_iter().filter(matches));
        }
        Ok(found)
    }

    /// All files below a path, or itself; a path that is not there is named all the same: it may come.
    fn walked(&self, path: &Path, without: &[PathBuf]) -> Result<BTreeSet<PathBuf>, Untold> {
        let mut found = BTreeSet::new();
        walk(path, without, usize::MAX, &mut found)?;
        found.remove(&self.folder);
        Ok(found)
    }
}

/// Adds all files below a path, but for what lies at or below `without`, up to `most`.
fn walk(path: &Path, without: &[PathBuf], most: usize, found: &mut BTreeSet<PathBuf>) -> Result<(), Untold> {
    let own = |name: &OsStr| name == ".git" || is_left(name) || store::is_bookkeeping(name);
    if without.iter().any(|left_out| path == left_out) || path.file_name().is_some_and(own) {
        return Ok(());
    }
    if !fs_err::symlink_metadata(path).is_ok_and(|meta| meta.is_dir()) {
        if found.len() >= most {
            return Err(Untold("more files than are looked at".to_owned()));
        }
        found.insert(path.to_owned());
        return Ok(());
    }
    let made = made_in(path);
    for entry in std::fs::read_dir(path).map_err(|error| Untold::unreadable(path, &error))? {
        let entry = entry.map_err(|error| Untold::unreadable(path, &error))?;
        let is_place = || entry.file_type().is_ok_and(|kind| kind.is_dir()) && store::is_place(&entry.path());
        if !made.contains(&entry.file_name()) && !is_place() {
            walk(&entry.path(), without, most, found)?;
        }
    }
    Ok(())
}

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
            "app/shop/x.deb",
            "app/shop/.fitout.lock",
            "app/site/own",
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
        let expected = [
            ".gitignore",
            "app/a",
            "app/new",
            "app/packages/source",
            "app/site/own",
            "app/vendor/v",
            "shared/s",
            "sub/x",
        ];
        assert_eq!(listed(&top, &inputs), expected);
        // One that is tracked is somebody's source.
        git(&top, &["add", "app/packages"]);
        assert!(listed(&top, &inputs).contains(&"app/packages/y.deb".to_owned()));
    }

    #[test]
    fn without_a_repository_all_of_the_folder_counts() {
        let (_keep, top) = tree(&[
            "a",
            "b/c",
            "_build/x",
            "dist/y",
            ".fitout-restore-x/deps/z",
            "shop/.fitout.lock",
            "shop/x.deb",
            "b/.fitout-put-x",
        ]);
        let inputs = Inputs {
            folder: top.clone(),
            globs: None,
            written: vec![top.join("dist")],
            filled: vec![top.join("_build")],
        };
        assert_eq!(listed(&top, &inputs), ["a", "b/c"]);
    }

    #[test]
    fn where_links_lead_counts_too() {
        use std::os::unix::fs::symlink;
        let (_keep, top) =
            tree(&["app/a", "app/made/b", "app/deps/d", "out/file", "out/folder/x", "out/folder/y", "z/1", "y/2"]);
        let at = |path: &str| top.join(path);
        for (link, to) in [
            ("app/file", "../out/file"),
            ("app/folder", "../out/folder"),
            // Of those in it, too; one that leads nowhere may lead somewhere later.
            ("out/folder/next", "../../z"),
            ("z/gone", "nowhere/at/all"),
            ("z/back", "../out/folder"),
            // What is found already, and what is no input of its own.
            ("app/self", "a"),
            ("app/all", "."),
            ("app/round", "round"),
            ("app/output", "made/b"),
            ("app/filled", "deps"),
        ] {
            symlink(to, at(link)).unwrap();
        }
        let folder = at("app");
        let inputs = Inputs { written: vec![at("app/made")], filled: vec![at("app/deps")], folder, globs: None };
        let own = ["a", "all", "file", "filled", "folder", "output", "round", "self"];
        let mut expected: Vec<_> = own.iter().map(|name| format!("app/{name}")).collect();
        let led = ["out/file", "out/folder/next", "out/folder/x", "out/folder/y", "z/1", "z/back", "z/gone"];
        expected.extend(led.map(str::to_owned));
        expected.push("z/nowhere/at/all".to_owned());
        assert_eq!(listed(&top, &inputs), expected);
        // What lies beside the project is not known by itself, and may be too much to be looked at.
        symlink("..", at("app/above")).unwrap();
        assert!(listed(&top, &inputs).contains(&"y/2".to_owned()));
        fs_err::create_dir(at("many")).unwrap();
        (0..=links::MOST).for_each(|number| fs_err::write(at(&format!("many/{number}")), "").unwrap());
        let Untold(why) = inputs.list().unwrap_err();
        assert!(why.contains("app/above` leads to ") && why.contains("more files"), "{why}");
    }

    #[test]
    fn a_repository_that_git_cannot_read_is_one() {
        let (_keep, top) = tree(&["app/a", "shared/s"]);
        let inputs = Inputs { folder: top.join("app"), ..Inputs::default() };
        git(&top, &["init", "-q"]);
        git(&top, &["add", "-A"]);
        assert_eq!(listed(&top, &inputs), ["app/a", "shared/s"]);
        fs_err::write(top.join(".git/index"), "damaged damaged damaged").unwrap();
        let Untold(why) = inputs.list().unwrap_err();
        assert!(why.starts_with("git: ") && why.contains("index file"), "{why}");
        // Such as none is there.
        let absent = Refusal::Absent(String::new());
        assert!(!inputs.is_no_repository(&absent));
        assert!(Inputs { folder: top.clone(), ..Inputs::default() }.is_no_repository(&absent));
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
