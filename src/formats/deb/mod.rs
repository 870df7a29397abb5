//! Debian packages (deb(5), deb-control(5)).
//!
//! Enters: a Plan and digests, or the bytes of any .deb. Leaves: a Layout, or a Listing. Not here: what the maintainer
//! scripts do ([`crate::assemble::maintainer`]), and which packages hold which libraries (`shlibs`).

use crate::assemble::plan::{Abilities, Dialect, Plan};
use crate::codec::ar;
use crate::diagnostic::{Diagnostic, Findings, Severity};
use crate::formats::Digests;
use crate::formats::{Artifact, FileName, Format, Layout, Listing};

mod conffiles;
mod control;
mod layout;
pub mod naming;
pub mod order;
mod read;
pub mod relations;
mod scripts;
pub mod shlibs;
pub mod signing;
mod triggers;

#[cfg(test)]
mod foreign_tests;
#[cfg(test)]
mod naming_tests;
#[cfg(test)]
mod tests;

/// The format.
#[derive(Debug, Clone, Copy, Default)]
pub struct Deb;

impl Format for Deb {
    fn name(&self) -> &'static str {
        "deb"
    }

    fn abilities(&self) -> Abilities {
        Abilities {
            owners: true,
            // dpkg reads no extended attributes; the postinst sets them.
            capabilities: false,
            hardlinks: true,
            ghosts: false,
            dialect: Dialect::Deb,
            largest_file: ar::LARGEST,
        }
    }

    fn file_name(&self, plan: &Plan) -> Result<FileName, Findings> {
        let mut findings = Findings::new();
        let name = naming::file_name(plan);
        if let Err(more) = &name {
            findings.extend_from_slice(more);
        }
        let mut more = Findings::new();
        layout::control_text(plan, &mut more);
        conffiles::conffiles(plan, &mut more);
        triggers::text(plan, &mut more);
        scripts::texts(plan, &mut more);
        more.extend(layout::check_data(plan).err().unwrap_or_default());
        for finding in more {
            if !findings.contains(&finding) {
                findings.push(finding);
            }
        }
        if findings.is_empty() { name } else { Err(findings) }
    }

    fn doubts(&self, plan: &Plan) -> Findings {
        let (_, findings) = shlibs::depends(plan);
        findings.into_iter().filter(|finding| finding.severity != Severity::Error).collect()
    }

    fn layout<'p>(&self, plan: &'p Plan, digests: &'p Digests) -> Result<Layout<'p>, Findings> {
        layout::layout(plan, digests)
    }

    fn recognises(&self, head: &[u8], _name: &str) -> bool {
        head.starts_with(ar::MAGIC) && head.get(8..21) == Some(b"debian-binary")
    }

    fn read(&self, artifact: &mut dyn Artifact, _name: &str) -> Result<Listing, Diagnostic> {
        read::read(artifact)
    }
}
