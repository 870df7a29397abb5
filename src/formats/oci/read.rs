pub(super) fn read(_: &mut dyn super::Artifact, _: &str) -> Result<super::Listing, super::Diagnostic> { todo!() }
