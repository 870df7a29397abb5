//! What a build tool keeps for the next build, kept for other checkouts and machines too: `deps` and `_build`, `target`.
//!
//! Enters: a [`Plan`]: folders, the lock files that decide them, and what else they depend on. Leaves: the folders as a build
//! of the same lock file left them, or one of the last with another. [`store`] holds bytes by name, [`tree`] is one entry,
//! [`pack`] and [`unpack`] go between it and the folders, [`times`] tells a tool what changed, [`several`] puts the same into more
//! than one store, [`evict`] keeps the user's folder small. All that can go wrong here
//! costs time: what is damaged, missing or late is told, and the build begins without it.

use std::fmt;
use std::path::{Component, Path, PathBuf};

use self::pack::Put;
use self::several::Several;
use self::store::Store;
use self::tree::{Tree, digest};
use self::unpack::Failure;
use super::seen::AllSeen;
use crate::diagnostic::{Diagnostic, Findings, codes};

#[cfg(feature = "network")]
pub mod bucket;
pub mod evict;
mod pack;
mod several;
pub mod shared;
pub mod store;
mod times;
mod tree;
mod unpack;
pub mod used;

/// How folders begin that a restore was killed in: never an input.
pub use self::unpack::TEMPORARY;

/// Entries of another lock file that are tried.
const TRIED: usize = 3;

/// What is wrong with what a store gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub struct Damage(&'static str);

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// What is kept, and what decides it.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// The folder of the config file.
    pub folder: PathBuf,
    /// Folders to keep, relative to it.
    pub paths: Vec<String>,
    /// What is not kept though it lies in them: the step makes it anew.
    pub except: Vec<PathBuf>,
    /// Files that decide their content, relative to the folder.
    pub locks: Vec<String>,
    /// What must be the same for any use of it: project, toolchain, system, environment of the tool.
    pub scope: Vec<String>,
}

/// What was found.
#[derive(Debug, PartialEq, Eq)]
pub struct Restored {
    /// Files.
    pub files: usize,
    /// Whether it is of the very same lock files.
    pub exact: bool,
}

impl Plan {
    /// Names of the entries: the folder that all of this scope lie in, and the own one.
    fn names(&self) -> (String, String) {
        let scope = digest(format!("{:?} {:?}", self.scope, self.paths).as_bytes());
        let locks = self.locks.iter().map(|lock| (lock, fs_err::read(self.folder.join(lock)).ok()));
        let locks: Vec<_> = locks.map(|(lock, text)| (lock, text.map(|text| digest(&text)))).collect();
        let folder = format!("tree/{}", &scope[..32]);
        let own = format!("{folder}/{}", &digest(format!("{locks:?}").as_bytes())[..32]);
        (folder, own)
    }

    /// Brings the folders back, where none of them is there. `sources` are told to the tool by their times: what has the
    /// content that the folders were built from has that time again, what has another is new. They leave as they are then.
    pub fn restore(&self, stores: &[&dyn Store], sources: &mut AllSeen, warnings: &mut Findings) -> Option<Restored> {
        let there = |path: &String| match fs_err::read_dir(self.folder.join(path)) {
            Ok(mut folder) => folder.next().is_some(),
            Err(error) => error.kind() != std::io::ErrorKind::NotFound,
        };
        if self.paths.is_empty() || self.paths.iter().any(there) {
            return None;
        }
        let (folder, own) = self.names();
        let mut usable = vec![true; stores.len()];
        // The very entry, from wherever it is, before any that is only near.
        for near in [false, true] {
            for (store, usable) in stores.iter().zip(&mut usable).filter(|(_, usable)| **usable) {
                let found = if near { nearest(*store, &folder, &own) } else { Ok(vec![own.clone()]) };
                let tried = found.and_then(|names| self.first_of(*store, &names, sources, warnings));
                match tried {
                    Ok(Some(files)) => return Some(Restored { files, exact: !near }),
                    Ok(None) => {}
                    // It will not be better for the next request.
                    Err(error) => {
                        warnings.push(unusable(*store, &error));
                        *usable = false;
                    }
                }
            }
        }
        None
    }

    fn first_of(
        &self,
        store: &dyn Store,
        names: &[String],
        sources: &mut AllSeen,
        warnings: &mut Findings,
    ) -> std::io::Result<Option<usize>> {
        for name in names {
            match at_once(store.at_once(), || self.restore_one(store, name, sources)) {
                Ok(Some(files)) => return Ok(Some(files)),
                Ok(None) => {}
                Err(Failure::Io(error)) => return Err(error),
                Err(failure) => {
                    // Whoever comes next should not stumble over it again.
                    let _ = store.remove(name);
                    warnings.push(damaged(store, &failure));
                }
            }
        }
        Ok(None)
    }

    /// How many files an entry brought back.
    fn restore_one(&self, store: &dyn Store, name: &str, sources: &mut AllSeen) -> Result<Option<usize>, Failure> {
        let Some(bytes) = unpack::get(store, name)? else { return Ok(None) };
        let tree = Tree::decode(&bytes).map_err(|damage| Failure::Damaged(damage, name.to_owned()))?;
        let known = |path: &str| self.paths.iter().any(|own| Path::new(path).starts_with(own) || is_above(path, own));
        if !tree.items.iter().all(|item| known(&item.path)) {
            return Err(Failure::Damaged(Damage("it names a path outside of it"), name.to_owned()));
        }
        unpack::unpack(&self.folder, &self.paths, &tree, store, || self.tell(&tree, sources))?;
        Ok(Some(tree.items.iter().filter(|item| matches!(item.kind, tree::Kind::File(_))).count()))
    }

    /// Keeps the folders as they are now, built from `sources`, as they were seen before the build.
    pub fn save(&self, stores: &[&dyn Store], sources: &AllSeen, warnings: &mut Findings) -> Option<Put> {
        let first = stores.first().filter(|_| self.paths.iter().any(|path| self.folder.join(path).is_dir()))?;
        let to = Several::new(stores);
        let saved = at_once(to.at_once(), || self.save_to(&to, sources));
        let before = warnings.len();
        warnings.extend(to.failed().map(|(store, error)| unusable(store, &error)));
        // What is wrong with all of the stores is said already.
        let said = warnings.len() - before == stores.len();
        saved.map_err(|error| warnings.extend((!said).then(|| unusable(*first, &error)))).ok()
    }

    fn save_to(&self, to: &Several<'_>, sources: &AllSeen) -> std::io::Result<Put> {
        let (_, own) = self.names();
        let (mut tree, put) = pack::pack(&self.folder, &self.paths, &self.except, to)?;
        tree.sources = self.built_from(sources);
        to.put(&own, &tree.encode()?)?;
        Ok(put)
    }

    /// A path from the project's folder, also where it leads out of it: the repository may lie elsewhere next time.
    fn relative(&self, path: &Path) -> Option<String> {
        let common = path.components().zip(self.folder.components()).take_while(|(a, b)| a == b).count();
        let up = self.folder.components().count() - common;
        let rest: PathBuf = path.components().skip(common).collect();
        let below: PathBuf = std::iter::repeat_n(Component::ParentDir, up).collect();
        below.join(rest).into_os_string().into_string().ok()
    }
}

/// Whether `path` is a folder on the way to `own`.
fn is_above(path: &str, own: &str) -> bool {
    Path::new(own).starts_with(path)
}

/// Files of a store in a folder that are not what was put there.
///
/// # Errors
/// When the folder cannot be read.
pub fn check(store: &Path) -> std::io::Result<Vec<PathBuf>> {
    let is_blob = |path: &Path, bytes: &[u8]| path.file_name().is_some_and(|name| unpack::is_of(name, bytes));
    let is_tree = |_: &Path, bytes: &[u8]| Tree::decode(bytes).is_ok();
    let mut damaged = Vec::new();
    damaged.extend(used::files(&store.join("blob"))?.into_iter().filter(|file| !is_good(&file.path, is_blob)));
    damaged.extend(used::files(&store.join("tree"))?.into_iter().filter(|file| !is_good(&file.path, is_tree)));
    Ok(damaged.into_iter().map(|file| file.path).collect())
}

/// Whether a file is what `judge` wants, or is not there any more, or not yet whole.
fn is_good(path: &Path, judge: impl Fn(&Path, &[u8]) -> bool) -> bool {
    let unfinished = path.file_name().is_some_and(|n| n.to_string_lossy().starts_with(store::TEMPORARY));
    unfinished
        || match fs_err::read(path) {
            Ok(bytes) => judge(path, &bytes),
            Err(error) => error.kind() == std::io::ErrorKind::NotFound,
        }
}

/// Where a blob lies.
fn blob_name(digest: &str) -> String {
    format!("blob/{}/{digest}", digest.get(..2).unwrap_or_default())
}

/// Entries of other lock files, the last first.
fn nearest(store: &dyn Store, folder: &str, own: &str) -> std::io::Result<Vec<String>> {
    Ok(store.list(folder)?.into_iter().filter(|name| name != own).take(TRIED).collect())
}

/// On as many threads as stores take requests, 0 for any number; on those that are there if they cannot be had.
fn at_once<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    match threads {
        0 => work(),
        threads => match rayon::ThreadPoolBuilder::new().num_threads(threads).build() {
            Ok(pool) => pool.install(work),
            Err(_) => work(),
        },
    }
}

fn unusable(store: &dyn Store, error: &std::io::Error) -> Diagnostic {
    Diagnostic::warning(codes::BUILD_CACHE, "the cache of the build step could not be used")
        .path(store.name())
        .note(error.to_string())
        .help("the build took longer for it, and is right all the same")
}

/// What is said of a shared store that cannot even be asked.
pub fn cannot_open(address: &str, error: &std::io::Error) -> Diagnostic {
    Diagnostic::warning(codes::BUILD_CACHE, "the shared cache of the build step could not be opened")
        .path(address)
        .note(error.to_string())
        .help("the build took longer for it, and is right all the same")
}

fn damaged(store: &dyn Store, failure: &Failure) -> Diagnostic {
    Diagnostic::warning(codes::BUILD_CACHE, "an entry of the build step's cache is damaged and was dropped")
        .path(store.name())
        .note(failure.to_string())
        .help("the build began without it, and the next finds a good one")
}

#[cfg(test)]
mod tests;
