//! The name of an image without tag and digest: `ghcr.io/team/app`, `localhost:5000/app`.
//!
//! Source: distribution-spec, "Pulling manifests"; Docker's rule for what of it is a host.

/// Longest path; registries and Docker ask for this.
const LONGEST: usize = 255;
/// Docker's own registry as it is written, and as it is asked.
const HUB: &str = "docker.io";
const HUB_SERVER: &str = "registry-1.docker.io";

/// A repository of a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// Host and port as they are written; empty where only a path was.
    pub host: String,
    /// The path.
    pub path: String,
}

impl Repository {
    /// Reads a name; none if it is no name of a repository. A tag or a digest is none of it.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > LONGEST {
            return None;
        }
        // Docker's rule: the first part is a host if it could be nothing else.
        let (host, path) = match text.split_once('/') {
            Some((host, path)) if host == "localhost" || host.contains(['.', ':']) => {
                let (name, port) = host.split_once(':').unwrap_or((host, "0"));
                if !name.split('.').all(is_label) || port.parse::<u16>().is_err() {
                    return None;
                }
                (host, path)
            }
            _ => ("", text),
        };
        path.split('/').all(is_component).then(|| Self { host: host.to_owned(), path: path.to_owned() })
    }

    /// The host that is asked.
    pub fn server(&self) -> &str {
        if self.is_hub() { HUB_SERVER } else { &self.host }
    }

    /// The path that is asked for: official images of Docker's own registry have one of their own.
    pub fn asked(&self) -> String {
        if self.is_hub() && !self.path.contains('/') { format!("library/{}", self.path) } else { self.path.clone() }
    }

    /// Whether it is at Docker's own registry.
    pub fn is_hub(&self) -> bool {
        matches!(&*self.host, "" | HUB | "index.docker.io")
    }
}

impl std::fmt::Display for Repository {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { host, path } = self;
        if host.is_empty() { f.write_str(path) } else { write!(f, "{host}/{path}") }
    }
}

fn is_label(text: &str) -> bool {
    let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    plain && !text.is_empty() && !text.starts_with('-') && !text.ends_with('-')
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
fn is_component(text: &str) -> bool {
    let small = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let separators = text.split(small).filter(|s| !s.is_empty());
    text.starts_with(small)
        && text.ends_with(small)
        && separators.into_iter().all(|s| matches!(s, "." | "_" | "__") || s.chars().all(|c| c == '-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart_as_docker_does() {
        let of = |text: &str| Repository::parse(text).map(|r| (r.server().to_owned(), r.asked()));
        let own = |server: &str, path: &str| Some((server.to_owned(), path.to_owned()));
        assert_eq!(of("ghcr.io/team/app"), own("ghcr.io", "team/app"));
        assert_eq!(of("localhost/app"), own("localhost", "app"));
        assert_eq!(of("localhost:5000/a/b"), own("localhost:5000", "a/b"));
        assert_eq!(of("docker.io/app"), own("registry-1.docker.io", "library/app"));
        assert_eq!(of("team/app"), own("registry-1.docker.io", "team/app"));
        for bad in ["", "ghcr.io/team/app:1", "ghcr.io/app@sha256:00", "ghcr.io/", "r.example:x/a", "ghcr.io/Team/app"]
        {
            assert_eq!(of(bad), None, "{bad}");
        }
    }
}
