//! Paths on the host: checked, and told apart from the directories that every system has.
//!
//! Enters: a path as typed or as found. Leaves: an absolute, normalised path, or what is wrong with it. Nothing here
//! looks at a file system.

mod base_system;
pub(super) use base_system::is_section;
pub use base_system::{is_shared, is_system};

/// Longest component: `NAME_MAX` of limits.h.
const NAME_MAX: usize = 255;
/// Longest path: `PATH_MAX` of limits.h without its final zero byte.
const PATH_MAX: usize = 4095;

/// A checked place on the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Absolute, normalised, without trailing slash; `/` for the root.
    pub path: String,
    /// Typed with a trailing slash: "into this folder".
    pub folder: bool,
}

impl Place {
    /// The path of `name` below this place; `name` is relative and normalised, or empty for the place itself.
    pub fn join(&self, name: &str) -> String {
        match (self.path.as_str(), name) {
            (path, "") => path.to_owned(),
            ("/", name) => format!("/{name}"),
            (path, name) => format!("{path}/{name}"),
        }
    }
}

/// Why a path is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// Does not begin with `/`.
    #[error("is not absolute")]
    Relative,
    /// Holds `..`.
    #[error("climbs with `..`")]
    Climbs,
    /// Holds `.` or an empty part.
    #[error("has a part that is {0}")]
    Part(&'static str),
    /// Holds a control character.
    #[error("holds a control character")]
    Control,
    /// A part is too long.
    #[error("has a part of {0} bytes; the most is 255")]
    LongPart(usize),
    /// Too long.
    #[error("has {0} bytes; the most is 4095")]
    Long(usize),
}

impl PathError {
    /// The way out, for the help line.
    pub fn help(&self, typed: &str) -> String {
        match self {
            Self::Relative => format!("begin it with `/`: `/{}`", typed.trim_start_matches("./")),
            Self::Climbs => "write the place that is meant, without `..`".to_owned(),
            Self::Part(_) => format!("write `{}`", tidy(typed)),
            Self::Control => "take the newline or control character out".to_owned(),
            Self::LongPart(_) | Self::Long(_) => "choose a shorter path".to_owned(),
        }
    }
}

/// Checks a path on the host; one trailing slash is taken off and remembered.
pub fn place(typed: &str) -> Result<Place, PathError> {
    let Some(rest) = typed.strip_prefix('/') else {
        return Err(PathError::Relative);
    };
    if typed.chars().any(char::is_control) {
        return Err(PathError::Control);
    }
    if rest.is_empty() {
        return Ok(Place { path: "/".to_owned(), folder: true });
    }
    let folder = rest.ends_with('/');
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    for part in rest.split('/') {
        match part {
            "" => return Err(PathError::Part("empty")),
            "." => return Err(PathError::Part("`.`")),
            ".." => return Err(PathError::Climbs),
            long if long.len() > NAME_MAX => return Err(PathError::LongPart(long.len())),
            _ => {}
        }
    }
    let path = format!("/{rest}");
    if path.len() > PATH_MAX {
        return Err(PathError::Long(path.len()));
    }
    Ok(Place { path, folder })
}

/// The path without `.` and empty parts; keeps `..`.
fn tidy(typed: &str) -> String {
    typed.split('/').filter(|part| !matches!(*part, "" | ".")).fold(String::new(), |mut path, part| {
        path.push('/');
        path.push_str(part);
        path
    })
}

/// As many links as Linux follows: `path_resolution(7)`.
pub const MOST_HOPS: usize = 40;

/// Directories that are links into `/usr` on every system with merged /usr: Debian 12, Ubuntu 22.04, EL 7 and all later.
const MERGED: &[&str] = &["/bin", "/lib", "/lib32", "/lib64", "/libo32", "/libx32", "/sbin"];

/// The path under `/usr` that `path` leads to where /usr is merged: `/usr/lib/x` for `/lib/x`. None for what lies elsewhere,
/// and for the links themselves.
pub fn merged(path: &str) -> Option<String> {
    let below = |link: &&str| path.strip_prefix(*link).is_some_and(|rest| rest.starts_with('/'));
    MERGED.iter().any(below).then(|| format!("/usr{path}"))
}

/// The directory that holds `path`; `None` for what lies directly under `/` and for `/` itself, whose parent is the
/// root, which no package contains.
pub fn parent(path: &str) -> Option<&str> {
    match path.rfind('/') {
        Some(0) | None => None,
        Some(at) => Some(&path[..at]),
    }
}

/// Whether `path` is `folder` or lies below it.
pub fn within(path: &str, folder: &str) -> bool {
    folder == "/" || path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Where a link at `from` with this `target` points, as far as can be said without following other links. `None` if
/// it climbs above the root, which a kernel takes for the root and a packager never means.
pub fn point(from: &str, target: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    if !target.starts_with('/') {
        parts.extend(parent(from).unwrap_or_default().split('/').filter(|part| !part.is_empty()));
    }
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(format!("/{}", parts.join("/")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_normalised_or_refused() {
        assert_eq!(place("/usr/bin/x"), Ok(Place { path: "/usr/bin/x".into(), folder: false }));
        assert_eq!(place("/usr/bin/"), Ok(Place { path: "/usr/bin".into(), folder: true }));
        assert_eq!(place("/"), Ok(Place { path: "/".into(), folder: true }));
        assert_eq!(place("usr"), Err(PathError::Relative));
        assert_eq!(place(""), Err(PathError::Relative));
        assert_eq!(place("/a/../b"), Err(PathError::Climbs));
        assert_eq!(place("/a/.."), Err(PathError::Climbs));
        assert_eq!(place("/a/./b"), Err(PathError::Part("`.`")));
        assert_eq!(place("/a//b"), Err(PathError::Part("empty")));
        assert_eq!(place("//a"), Err(PathError::Part("empty")));
        assert_eq!(place("/a//"), Err(PathError::Part("empty")));
        assert_eq!(place("/a\nb"), Err(PathError::Control));
        assert_eq!(place(&format!("/{}", "x".repeat(256))), Err(PathError::LongPart(256)));
        assert!(place(&format!("/{}", "x".repeat(255))).is_ok());
        let long = "/abcdefg".repeat(512);
        assert_eq!(long.len(), 4096);
        assert_eq!(place(&long), Err(PathError::Long(4096)));
        assert!(place(&long[..4095]).is_ok());
        assert_eq!(PathError::Part("empty").help("//a/./b/"), "write `/a/b`");
        assert_eq!(PathError::Relative.help("./usr/x"), "begin it with `/`: `/usr/x`");
    }

    #[test]
    fn what_is_linked_into_usr() {
        assert_eq!(merged("/lib/x").as_deref(), Some("/usr/lib/x"));
        assert_eq!(merged("/sbin/a/b").as_deref(), Some("/usr/sbin/a/b"));
        for path in ["/lib", "/libexec/x", "/usr/lib/x", "/opt/lib/x", "/"] {
            assert_eq!(merged(path), None, "{path}");
        }
    }

    #[test]
    fn links_point_lexically() {
        assert_eq!(point("/usr/bin/a", "b").as_deref(), Some("/usr/bin/b"));
        assert_eq!(point("/usr/bin/a", "../lib/./x//y").as_deref(), Some("/usr/lib/x/y"));
        assert_eq!(point("/usr/bin/a", "/etc/ssl").as_deref(), Some("/etc/ssl"));
        assert_eq!(point("/usr/bin/a", "../../..").as_deref(), None);
        assert_eq!(point("/a", "b").as_deref(), Some("/b"));
        assert!(within("/a/b", "/a") && within("/a", "/a") && !within("/ab", "/a") && within("/x", "/"));
    }
}
