//! What is fitout's or the publisher's own in a project, and in no package.
//!
//! Enters: the config and its folder. Leaves: absolute paths of what fitout reads, writes and publishes to, and of files with secrets. That
//! they exist is not known.

use std::path::{Path, PathBuf};

use super::ground::Ground;
use super::holes::Holes;
use super::{DIST, LOCK};
use crate::config::own::Own;
use crate::store::{Address, Scheme};

/// What a walk passes over, and of that what no rule may name.
#[derive(Debug, Clone, Default)]
pub struct Kept {
    /// What fitout reads, writes and publishes to.
    pub own: Vec<PathBuf>,
    /// Files with secrets of whoever publishes.
    pub secrets: Vec<PathBuf>,
}

/// See the module. An address of another version is not known here: what lies there has the mark of [`crate::store::is_place`].
pub(super) fn paths(ground: &Ground, holes: &Holes) -> Kept {
    let Own { secrets, places } = Own::of(ground.text());
    let folder = |address: &String| {
        let filled =
            holes.iter().fold(address.clone(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value));
        Address::parse(&filled).filter(|address| address.scheme == Scheme::File)
    };
    let places = places.iter().filter_map(folder).map(|address| PathBuf::from(address.below(ground.dir).path));
    let own = [DIST, ground.name(), LOCK].map(|name| ground.dir.join(name));
    Kept { own: own.into_iter().chain(places).collect(), secrets: below(ground.dir, &secrets) }
}

/// Files with secrets that a config in `folder` names; `text` is the config.
pub fn secrets(folder: &Path, text: &str) -> Vec<PathBuf> {
    below(folder, &Own::of(text).secrets)
}

fn below(folder: &Path, names: &[String]) -> Vec<PathBuf> {
    names.iter().map(|name| folder.join(name)).collect()
}
