//! Tarballs: the tree under one folder, for hosts without a package manager.
//!
//! Enters: a Plan and digests, or the bytes of any tar. Leaves: a Layout, or a Listing.

use crate::assemble::maintainer;
use crate::assemble::plan::{Abilities, Compression, Dialect, Entry, Plan};
use crate::codec::decompress::Codec;
use crate::diagnostic::{Code, Diagnostic, Findings, codes};
use crate::formats::stream::Frame;
use crate::formats::{Artifact, Digests, FileName, Format, Large, Layout, Listing, Measure, Section, Sink};

pub mod naming;
mod read;

#[cfg(test)]
mod tests;

/// The format.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tarball;

impl Format for Tarball {
    fn name(&self) -> &'static str {
        "tarball"
    }

    fn abilities(&self) -> Abilities {
        Abilities {
            owners: true,
            capabilities: false,
            hardlinks: true,
            ghosts: false,
            dialect: Dialect::Plain,
            largest_file: u64::MAX,
        }
    }

    fn file_name(&self, plan: &Plan) -> Result<FileName, Findings> {
        naming::file_name(plan)
    }

    fn layout<'p>(&self, plan: &'p Plan, _digests: &'p Digests) -> Result<Layout<'p>, Findings> {
        let file_name = naming::file_name(plan)?.name;
        let frame = Frame { prefix: naming::folder(plan)?, clock: plan.clock, large: Large::First };
        let entries = move || plan.entries_for("tarball");
        archive(file_name, frame, *plan.tarball.compression, codes::TARBALL_PATH, entries, &scripts(plan)?)
    }

    fn recognises(&self, head: &[u8], name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        let named =
            [".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.zst", ".tzst"].iter().any(|s| name.ends_with(s));
        let compressed = Codec::by_magic(head).is_ok_and(|codec| codec != Codec::None);
        let plain = head.get(257..262) == Some(b"ustar");
        // An image is a tar as well, and says so by its first member or its name.
        let image = crate::formats::oci::is_image(head, &name);
        !image && (plain || (named && compressed))
    }

    fn read(&self, artifact: &mut dyn Artifact, name: &str) -> Result<Listing, Diagnostic> {
        read::read(artifact, name)
    }
}

/// Scripts of the archive's own folder (`install.sh`), by name.
pub fn scripts(plan: &Plan) -> Result<Vec<(&'static str, String)>, Findings> {
    Ok(maintainer::scripts(plan, Dialect::Plain)?.into_iter().map(|(name, script)| (name, script.text)).collect())
}

/// An archive of entries under one folder; also what a source archive is made with. `scripts` stand executable in the
/// folder itself, before the entries.
pub fn archive<'p, I: Iterator<Item = &'p Entry> + Clone>(
    file_name: String,
    frame: Frame,
    compression: Compression,
    code: Code,
    entries: impl Fn() -> I + Send + Sync + 'p,
    scripts: &[(&str, String)],
) -> Result<Layout<'p>, Findings> {
    frame.check(entries(), code)?;
    let mut first = Vec::new();
    for (name, text) in scripts {
        let file = frame.file(name, 0o755, text.as_bytes());
        first.extend(file.map_err(|e| vec![Diagnostic::error(code, e.to_string()).help("set a time from 1970 on")])?);
    }
    let pieces = Box::new(move |sink: Sink<'_, 'p>| frame.write(entries(), compression, first.clone(), sink));
    let sections = vec![Section::Stream { compression, measure: Measure::default(), pieces }];
    Ok(Layout { file_name, sections })
}
