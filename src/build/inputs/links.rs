//! Where symbolic links among the inputs lead: a build reads what is there, whoever it belongs to.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::{Inputs, Untold, clean, walk};

/// Most files that links may add: a link to all of a system is no source.
pub(super) const MOST: usize = 10_000;

impl Inputs {
    /// Adds what links among `found` lead to, if it is not found already: a file, or all of a folder. Of folders in `whole` all
    /// that counts is found, unless it is nothing.
    ///
    /// # Errors
    /// It is too much, or a folder cannot be read.
    pub(super) fn follow(&self, found: &mut BTreeSet<PathBuf>, whole: Option<&Path>) -> Result<(), Untold> {
        let is_link = |path: &&PathBuf| fs_err::symlink_metadata(path).is_ok_and(|meta| meta.is_symlink());
        let mut links: Vec<PathBuf> = found.par_iter().filter(is_link).cloned().collect();
        let without = [&self.written[..], &self.filled].concat();
        let mut more = BTreeSet::new();
        let mut seen = BTreeSet::new();
        while let Some(link) = links.pop() {
            let target = target(&link);
            let known = |first: &PathBuf| *first == target || whole.is_some_and(|whole| target.starts_with(whole));
            let mut from = found.range(target.clone()..);
            let is_found = from.next().is_some_and(|first| first.starts_with(&target) && known(first));
            if is_found || without.iter().any(|left_out| target.starts_with(left_out)) || !seen.insert(target.clone()) {
                continue;
            }
            let mut below = BTreeSet::new();
            walk(&target, &without, MOST.saturating_sub(more.len()), &mut below)
                .map_err(|why| Untold(format!("`{}` leads to `{}`: {why}", link.display(), target.display())))?;
            links.extend(below.iter().filter(is_link).cloned());
            more.append(&mut below);
        }
        found.append(&mut more);
        Ok(())
    }
}

/// The file or folder at the end of all links, or where it would be.
fn target(link: &Path) -> PathBuf {
    let named = || Some(link.parent()?.join(fs_err::read_link(link).ok()?));
    fs_err::canonicalize(link).ok().or_else(|| named().map(|named| clean(&named))).unwrap_or_else(|| link.to_owned())
}
