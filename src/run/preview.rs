//! What the packages of a run would be, read back, without leaving any.
//!
//! Enters: a plan that `fitout plan` made. Leaves: a [`Preview`] for each package. They are made in a temporary folder,
//! uncompressed, and read as `inspect` reads them: what is compared is what would be packed, not what somebody believes of it.

use super::Planned;
use super::pack::{self, Packed};
use crate::diagnostic::Findings;
use crate::engine::EngineError;
use crate::formats::{self, Listing};
use crate::listener::Silent;
use crate::resolve::packaging::Compression;

/// One package.
pub struct Preview {
    /// Format name.
    pub format: &'static str,
    /// Every target that it is for.
    pub targets: Vec<String>,
    /// What is in it.
    pub listing: Listing,
}

/// Makes and reads the packages of one environment.
///
/// # Errors
/// What a build would fail with.
pub fn preview(mut planned: Planned) -> Result<Vec<Preview>, Findings> {
    for plan in &mut planned.plans {
        let settings = [
            &mut plan.deb.compression,
            &mut plan.rpm.compression,
            &mut plan.tarball.compression,
            &mut plan.zip.compression,
            &mut plan.image.compression,
        ];
        for compression in settings {
            compression.value = Compression::None;
        }
    }
    planned.source = None;
    planned.wanted.retain(super::Wanted::is_package);
    let failed = |source| vec![EngineError::Write { path: std::env::temp_dir(), source }.into()];
    let folder = tempfile::tempdir().map_err(failed)?;
    let Packed { artifacts, emitted, .. } = pack::pack(&planned, folder.path(), None, &Silent)?;
    let mut previews = Vec::new();
    for (artifact, file) in artifacts.into_iter().zip(emitted) {
        let staged = file.stage(folder.path()).map_err(|error| vec![error.into()])?;
        let path = staged.path().to_path_buf();
        staged.finish().map_err(failed)?;
        let (listing, _) = formats::read_file(&path).map_err(|finding| vec![finding])?;
        previews.push(Preview { format: artifact.format, targets: artifact.targets, listing });
    }
    Ok(previews)
}
