//! What the holes of destinations stand for: facts of a package and of each of its artifacts.
//!
//! Enters: what was built. Leaves: values by name. Not here: how they are spelled where they go (`http/fill.rs`).

use std::io::Read as _;

use md5::Md5;
use sha1::Sha1;
use sha2::Digest as _;

use super::Parcel;
use crate::codec::hex::hex;
use crate::resolve::holes::Holes;
use crate::resolve::identity::Version;

/// Facts of the package, the same for all artifacts.
pub(super) fn of_package(holes: &[(&'static str, String)]) -> Holes {
    let mut holes: Holes = holes.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    if holes.get("environment").is_some_and(String::is_empty) {
        holes.remove("environment");
    }
    let version = holes.get("version").cloned().unwrap_or_default();
    let initial = holes.get("name").and_then(|name| name.chars().next()).map(String::from).unwrap_or_default();
    holes.insert("initial".to_owned(), initial);
    holes.insert("prerelease".to_owned(), Version::of(&version).prerelease.is_some().to_string());
    holes
}

/// Facts of an artifact, for the check of templates.
pub(super) const FACTS: &[&str] =
    &["file", "plain-file", "format", "arch", "package-version", "size", "sha256", "sha1", "md5"];

/// Facts of an artifact; `digests` says whether it is read for those that no list has.
///
/// # Errors
/// It cannot be read.
pub(super) fn of(parcel: &Parcel, digests: bool) -> std::io::Result<Holes> {
    let artifact = &parcel.artifact;
    let (sha1, md5) = if digests { digests_of(parcel)? } else { (String::new(), String::new()) };
    let values = [
        artifact.file.clone(),
        plain(&artifact.file),
        artifact.format.to_owned(),
        artifact.arch.clone(),
        artifact.version.clone(),
        artifact.size.to_string(),
        artifact.sha256.clone(),
        sha1,
        md5,
    ];
    Ok(FACTS.iter().map(|name| (*name).to_owned()).zip(values).collect())
}

/// A name of letters, digits, `.`, `_`, `+` and `-`: some servers take no others, or change them by themselves.
fn plain(file: &str) -> String {
    file.chars().map(|c| if c.is_ascii_alphanumeric() || "._+-".contains(c) { c } else { '.' }).collect()
}

fn digests_of(parcel: &Parcel) -> std::io::Result<(String, String)> {
    let (mut sha1, mut md5) = (Sha1::new(), Md5::new());
    let mut file = fs_err::File::open(&parcel.path)?;
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = file.read(&mut buffer)?;
        let Some(piece) = buffer.get(..read).filter(|piece| !piece.is_empty()) else { break };
        sha1.update(piece);
        md5.update(piece);
    }
    Ok((hex(&sha1.finalize()), hex(&md5.finalize())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_name_has_no_odd_characters() {
        assert_eq!(plain("a_1.0~rc1+b.deb"), "a_1.0.rc1+b.deb");
    }

    #[test]
    fn a_package_is_of_no_environment_or_of_one() {
        let of = |environment: &str| {
            of_package(&[("name", "hello".into()), ("version", "1.0-rc.1".into()), ("environment", environment.into())])
        };
        let values = |holes: &Holes| holes.values().cloned().collect::<Vec<_>>().join(" ");
        assert_eq!(values(&of("")), "h hello true 1.0-rc.1");
        assert_eq!(of("staging")["environment"], "staging");
    }
}
