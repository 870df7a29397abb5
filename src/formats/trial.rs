//! For unit tests: writes artifacts through the engine. The one place of this room that knows it.

use std::path::{Path, PathBuf};

use super::{Digests, Format, Layout};
use crate::assemble::plan::{Compression, Plan, Sources};
use crate::diagnostic::Findings;
use crate::engine::emit;
use crate::engine::store::{Store, Wants};
use crate::listener::Silent;

/// The path of the artifact in `folder`.
pub fn write(format: &dyn Format, plan: &Plan, sources: &Sources, folder: &Path) -> Result<PathBuf, Findings> {
    let (store, digests) = fill(sources, &[plan], folder);
    Ok(emit(&format.layout(plan, &digests)?, &store, folder))
}

/// Content as the formats of these plans want it.
pub fn fill<'s>(sources: &'s Sources, plans: &[&Plan], folder: &Path) -> (Store<'s>, Digests) {
    let level = |compression: Compression| match compression {
        Compression::Gzip(level) => Some(level),
        _ => None,
    };
    let streams = |plan: &&Plan| [*plan.deb.compression, *plan.tarball.compression, *plan.image.compression];
    let wants = Wants {
        md5: true,
        levels: plans.iter().flat_map(streams).filter_map(level).map(|level| (level, 1)).collect(),
        zip_level: plans.iter().find_map(|plan| level(*plan.zip.compression)),
        twins: false,
        verify: true,
    };
    Store::fill(sources.list(), &wants, folder, None, &Silent).unwrap()
}

/// The path of the artifact in `folder`.
pub fn emit(layout: &Layout<'_>, store: &Store<'_>, folder: &Path) -> PathBuf {
    emit::emit(layout, store, folder, 2).unwrap().stage(folder).unwrap().finish().unwrap()
}
