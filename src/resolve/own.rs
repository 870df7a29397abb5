//! What is fitout's or the publisher's own in a project, and in no package.
//!
//! Enters: the config and its folder. Leaves: absolute paths of what fitout reads and writes, and of files with secrets, also of other
//! configs beside it. That they exist is not known. What was published to is none of it: such a folder has the mark of
//! [`crate::store::is_place`].

use std::path::{Path, PathBuf};

use super::ground::Ground;
use super::{DIST, LOCK};
use crate::build::cache::shared;
use crate::config::own::Own;
use crate::diagnostic::SourceText;

/// What a walk passes over, and of that what no rule may name.
#[derive(Debug, Clone, Default)]
pub struct Kept {
    /// What fitout reads and writes.
    pub own: Vec<PathBuf>,
    /// Other configs beside the one that is read.
    pub configs: Vec<PathBuf>,
    /// Files with secrets of whoever publishes.
    pub secrets: Vec<PathBuf>,
}

/// Bytes of another config that are read.
const LARGEST_CONFIG: u64 = 1 << 20;

/// See the module.
pub(super) fn paths(ground: &Ground) -> Kept {
    let (read, others) = (Own::of(ground.text()), others(ground.dir, ground.name()));
    let caches = read.caches.iter().filter_map(|cache| shared::folder(cache));
    let own = [DIST, ground.name(), LOCK].map(|name| ground.dir.join(name));
    Kept {
        own: own.into_iter().chain(caches).collect(),
        secrets: below(ground.dir, std::iter::once(&read).chain(others.iter().map(|(_, own)| own))),
        configs: others.into_iter().map(|(path, _)| path).collect(),
    }
}

/// Files with secrets that `config` and others beside it in `folder` name.
pub fn secrets(folder: &Path, config: &SourceText) -> Vec<PathBuf> {
    let others = others(folder, &config.name);
    below(folder, std::iter::once(&Own::of(&config.text)).chain(others.iter().map(|(_, own)| own)))
}

fn below<'o>(folder: &Path, all: impl Iterator<Item = &'o Own>) -> Vec<PathBuf> {
    all.flat_map(|own| &own.secrets).map(|name| folder.join(name)).collect()
}

/// Configs in a folder but for the one of this name, with what they name. One that cannot be read is none.
fn others(folder: &Path, name: &str) -> Vec<(PathBuf, Own)> {
    let entries = fs_err::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let is_toml = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "toml") && !path.ends_with(name);
    let small =
        |path: &PathBuf| fs_err::metadata(path).is_ok_and(|meta| meta.is_file() && meta.len() <= LARGEST_CONFIG);
    let paths = entries.map(|entry| entry.path()).filter(is_toml).filter(small);
    paths.filter_map(|path| Own::of_another(&fs_err::read_to_string(&path).ok()?).map(|own| (path, own))).collect()
}
