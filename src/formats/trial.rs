//! For unit tests: writes an artifact of a plan through the engine.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::Format;
use crate::assemble::plan::{Compression, Plan, Sources};
use crate::diagnostic::Findings;
use crate::engine::emit::emit;
use crate::engine::store::{Store, Wants};
use crate::listener::Silent;

/// The path of the artifact in `folder`.
pub fn write(format: &dyn Format, plan: &Plan, sources: &Sources, folder: &Path) -> Result<PathBuf, Findings> {
    let mut levels = BTreeSet::new();
    for compression in [*plan.deb.compression, *plan.tarball.compression] {
        if let Compression::Gzip(level) = compression {
            levels.insert(level);
        }
    }
    let wants = Wants { md5: true, levels, zip_level: None };
    let (store, digests) = Store::fill(sources.list(), &wants, folder, &Silent).unwrap();
    let layout = format.layout(plan, &digests)?;
    Ok(emit(&layout, &store, folder, 2).unwrap().keep(folder).unwrap())
}
