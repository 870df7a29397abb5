//! The name of an image: `debian:bookworm-slim`, `ghcr.io/team/base@sha256:…`.
//!
//! Source: distribution-spec, "Pulling manifests"; Docker's rule that a name without tag and digest means `latest`.

use super::Repository;

/// An image of a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageName {
    /// Where it lies.
    pub repository: Repository,
    /// Its tag; `latest` where neither tag nor digest is typed.
    pub tag: Option<String>,
    /// `sha256:…` of its manifest or index.
    pub digest: Option<String>,
}

/// Whether it is `sha256:…`.
pub fn is_digest(text: &str) -> bool {
    let is_hex = |hex: &str| hex.len() == 64 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    text.strip_prefix("sha256:").is_some_and(is_hex)
}

impl ImageName {
    /// Reads a name; none if it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => (name, Some(digest)),
            None => (text, None),
        };
        if digest.is_some_and(|digest| !is_digest(digest)) {
            return None;
        }
        let (path, tag) = match name.rsplit_once(':') {
            Some((path, tag)) if !tag.contains('/') => (path, Some(tag)),
            _ => (name, None),
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        let is_tag =
            |tag: &str| !tag.is_empty() && tag.len() <= 128 && tag.chars().all(plain) && !tag.starts_with(['.', '-']);
        if tag.is_some_and(|tag| !is_tag(tag)) {
            return None;
        }
        let tag = tag.or(if digest.is_none() { Some("latest") } else { None });
        let (tag, digest) = (tag.map(str::to_owned), digest.map(str::to_owned));
        Repository::parse(path).map(|repository| Self { repository, tag, digest })
    }

    /// The whole name: `docker.io/library/debian:bookworm-slim`.
    pub fn full(&self) -> String {
        let repository = &self.repository;
        let host = if repository.is_hub() { "docker.io" } else { &repository.host };
        let tag = self.tag.as_ref().map(|tag| format!(":{tag}")).unwrap_or_default();
        let digest = self.digest.as_ref().map(|digest| format!("@{digest}")).unwrap_or_default();
        format!("{host}/{}{tag}{digest}", repository.asked())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_docker_does() {
        let full = |text: &str| ImageName::parse(text).map(|image| image.full());
        let digest = format!("sha256:{}", "0".repeat(64));
        assert_eq!(full("debian").unwrap(), "docker.io/library/debian:latest");
        assert_eq!(full("debian:bookworm-slim").unwrap(), "docker.io/library/debian:bookworm-slim");
        assert_eq!(full("team/base:1.0").unwrap(), "docker.io/team/base:1.0");
        assert_eq!(full("localhost:5000/a").unwrap(), "localhost:5000/a:latest");
        assert_eq!(full(&format!("ghcr.io/a/b@{digest}")).unwrap(), format!("ghcr.io/a/b@{digest}"));
        assert_eq!(full(&format!("ghcr.io/a/b:1@{digest}")).unwrap(), format!("ghcr.io/a/b:1@{digest}"));
        for bad in ["", "Debian", "a:", "a:-x", "a@sha256:00", "a@md5:00", "a b", "a:b:c", "https://x/y"] {
            assert_eq!(full(bad), None, "{bad}");
        }
    }
}
