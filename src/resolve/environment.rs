//! What an environment does to the version.
//!
//! Enters: the merged manifest, which still holds the overlays, and the environment's name. The merging itself is the
//! loader's: by the time a Manifest is here, there is one value for each key.

use crate::assemble::plan::Version;
use crate::config::schema::Manifest;

use super::version;

/// Adds `+staging` to the version, unless the overlay sets a version of its own: an artifact of an environment must not
/// be taken for the one without.
pub(crate) fn mark(version: Version, manifest: &Manifest, environment: Option<&str>) -> Version {
    let Some(name) = environment else { return version };
    let overlay = manifest.environment.get(name);
    let sets_version =
        overlay.and_then(|table| table.get("package")).is_some_and(|package| package.get("version").is_some());
    if sets_version {
        return version;
    }
    // Hyphens and underscores are not for every format's version; dots are.
    version::with_build(&version, &name.replace(['-', '_'], "."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_is_told_from_the_version() {
        let overlays =
            "[environment.staging.build]\npreset = \"otp\"\n[environment.pre-prod.package]\nversion = \"9\"\n";
        let manifest: Manifest = toml::from_str(overlays).unwrap();
        let version = || version::parse("1.2.3+b5").unwrap();
        assert_eq!(mark(version(), &manifest, None).text, "1.2.3+b5");
        assert_eq!(mark(version(), &manifest, Some("staging")).text, "1.2.3+b5.staging");
        assert_eq!(mark(version(), &manifest, Some("pre-prod")).text, "1.2.3+b5");
        assert_eq!(mark(version(), &Manifest::default(), Some("pre-prod")).text, "1.2.3+b5.pre.prod");
    }
}
