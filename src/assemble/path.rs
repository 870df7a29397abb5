//! Paths on the host: checked, and told apart from the directories that every system has.
//!
//! Enters: a path as typed or as found. Leaves: an absolute, normalised path, or what is wrong with it. Nothing here
//! looks at a file system.

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

/// Whether `path` is a directory of the base system: it belongs to every host, so no package may own it. These are the
/// directories of Debian's base-files and Fedora's filesystem package (FHS 3.0), and those of systemd and of the shells'
/// completions, which those packages also hold in newer releases.
pub fn is_shared(path: &str) -> bool {
    path == "/" || SHARED.binary_search(&path).is_ok() || is_manual(path) || is_locale(path) || is_icon(path)
}

/// Whether the first part of an absolute path is one that base systems have and that is not the builder's own
/// (`/home`, `/root`, `/tmp`): a link may point there.
pub fn is_system(path: &str) -> bool {
    let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    !matches!(first, "home" | "root" | "tmp" | "") && SHARED.binary_search(&format!("/{first}").as_str()).is_ok()
}

/// `/usr/share/man/man1`, `/usr/share/man/de`, `/usr/share/man/de/man1`
fn is_manual(path: &str) -> bool {
    let Some(rest) = path.strip_prefix("/usr/share/man/") else { return false };
    match rest.split_once('/') {
        None => is_section(rest) || is_language(rest),
        Some((language, section)) => is_language(language) && is_section(section),
    }
}

/// `man1`, `man3p`
pub(super) fn is_section(name: &str) -> bool {
    name.strip_prefix("man").is_some_and(|section| {
        section.starts_with(|c: char| c.is_ascii_digit() || c == 'n' || c == 'l')
            && section.len() <= 3
            && section.bytes().all(|b| b.is_ascii_alphanumeric())
    })
}

/// `/usr/share/locale/de`, `/usr/share/locale/de/LC_MESSAGES`
fn is_locale(path: &str) -> bool {
    let Some(rest) = path.strip_prefix("/usr/share/locale/") else { return false };
    match rest.split_once('/') {
        None => is_language(rest),
        Some((language, inner)) => is_language(language) && inner == "LC_MESSAGES",
    }
}

/// `/usr/share/icons/hicolor/48x48/apps`
fn is_icon(path: &str) -> bool {
    let Some(rest) = path.strip_prefix("/usr/share/icons/hicolor/") else { return false };
    let (size, inner) = rest.split_once('/').unwrap_or((rest, ""));
    let numeric = !size.is_empty() && size.bytes().all(|b| b.is_ascii_digit() || b == b'x' || b == b'@');
    (numeric || matches!(size, "scalable" | "symbolic"))
        && matches!(inner, "" | "actions" | "apps" | "categories" | "devices" | "mimetypes" | "places" | "status")
}

/// `de`, `pt_BR`, `sr@latin`, `zh_CN.UTF-8`
fn is_language(name: &str) -> bool {
    let language = name.split(['_', '@', '.']).next().unwrap_or_default();
    (2..=3).contains(&language.len())
        && language.bytes().all(|b| b.is_ascii_lowercase())
        && name.len() <= 24
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'@' | b'.' | b'-'))
}

/// Sorted by bytes.
const SHARED: &[&str] = &[
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/etc/X11",
    "/etc/alternatives",
    "/etc/apt",
    "/etc/apt/apt.conf.d",
    "/etc/apt/keyrings",
    "/etc/apt/preferences.d",
    "/etc/apt/sources.list.d",
    "/etc/apt/trusted.gpg.d",
    "/etc/cron.d",
    "/etc/cron.daily",
    "/etc/cron.hourly",
    "/etc/cron.monthly",
    "/etc/cron.weekly",
    "/etc/default",
    "/etc/init.d",
    "/etc/logrotate.d",
    "/etc/modprobe.d",
    "/etc/modules-load.d",
    "/etc/opt",
    "/etc/pam.d",
    "/etc/pki",
    "/etc/pki/rpm-gpg",
    "/etc/profile.d",
    "/etc/rsyslog.d",
    "/etc/security",
    "/etc/security/limits.d",
    "/etc/skel",
    "/etc/ssl",
    "/etc/ssl/certs",
    "/etc/sudoers.d",
    "/etc/sysconfig",
    "/etc/sysctl.d",
    "/etc/systemd",
    "/etc/systemd/system",
    "/etc/systemd/user",
    "/etc/sysusers.d",
    "/etc/tmpfiles.d",
    "/etc/udev",
    "/etc/udev/rules.d",
    "/etc/xdg",
    "/etc/xdg/autostart",
    "/etc/yum.repos.d",
    "/home",
    "/lib",
    "/lib64",
    "/media",
    "/mnt",
    "/opt",
    "/proc",
    "/root",
    "/run",
    "/sbin",
    "/srv",
    "/sys",
    "/tmp",
    "/usr",
    "/usr/bin",
    "/usr/games",
    "/usr/include",
    "/usr/lib",
    "/usr/lib/binfmt.d",
    "/usr/lib/debug",
    "/usr/lib/environment.d",
    "/usr/lib/firmware",
    "/usr/lib/modprobe.d",
    "/usr/lib/modules",
    "/usr/lib/modules-load.d",
    "/usr/lib/rpm",
    "/usr/lib/sysctl.d",
    "/usr/lib/systemd",
    "/usr/lib/systemd/system",
    "/usr/lib/systemd/system-generators",
    "/usr/lib/systemd/system-preset",
    "/usr/lib/systemd/user",
    "/usr/lib/systemd/user-preset",
    "/usr/lib/sysusers.d",
    "/usr/lib/tmpfiles.d",
    "/usr/lib/udev",
    "/usr/lib/udev/rules.d",
    "/usr/lib64",
    "/usr/libexec",
    "/usr/local",
    "/usr/local/bin",
    "/usr/local/etc",
    "/usr/local/games",
    "/usr/local/include",
    "/usr/local/lib",
    "/usr/local/lib64",
    "/usr/local/libexec",
    "/usr/local/man",
    "/usr/local/sbin",
    "/usr/local/share",
    "/usr/local/share/man",
    "/usr/local/src",
    "/usr/sbin",
    "/usr/share",
    "/usr/share/appdata",
    "/usr/share/applications",
    "/usr/share/bash-completion",
    "/usr/share/bash-completion/completions",
    "/usr/share/dbus-1",
    "/usr/share/dbus-1/interfaces",
    "/usr/share/dbus-1/services",
    "/usr/share/dbus-1/system-services",
    "/usr/share/dbus-1/system.d",
    "/usr/share/doc",
    "/usr/share/doc-base",
    "/usr/share/fish",
    "/usr/share/fish/vendor_completions.d",
    "/usr/share/games",
    "/usr/share/icons",
    "/usr/share/icons/hicolor",
    "/usr/share/info",
    "/usr/share/keyrings",
    "/usr/share/licenses",
    "/usr/share/lintian",
    "/usr/share/lintian/overrides",
    "/usr/share/locale",
    "/usr/share/man",
    "/usr/share/metainfo",
    "/usr/share/mime",
    "/usr/share/mime/packages",
    "/usr/share/misc",
    "/usr/share/pixmaps",
    "/usr/share/polkit-1",
    "/usr/share/polkit-1/actions",
    "/usr/share/polkit-1/rules.d",
    "/usr/share/xsessions",
    "/usr/share/zsh",
    "/usr/share/zsh/site-functions",
    "/usr/share/zsh/vendor-completions",
    "/usr/src",
    "/var",
    "/var/cache",
    "/var/lib",
    "/var/lib/misc",
    "/var/local",
    "/var/log",
    "/var/mail",
    "/var/opt",
    "/var/spool",
    "/var/spool/cron",
    "/var/tmp",
];

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
    fn the_shared_list_is_sorted_and_whole() {
        assert!(SHARED.is_sorted(), "binary search needs it");
        for path in SHARED {
            assert!(parent(path).is_none_or(is_shared), "the parent of {path} is shared too");
        }
        for path in ["/usr/lib/systemd/system", "/usr/share/man/man1", "/usr/share/man/pt_BR/man8", "/opt", "/etc"] {
            assert!(is_shared(path), "{path}");
        }
        for path in ["/usr/lib/hello", "/opt/hello", "/etc/hello", "/usr/share/doc/hello", "/usr/share/man/manual"] {
            assert!(!is_shared(path), "{path}");
        }
    }

    /// What the base system of this very machine (Debian) holds must be known.
    #[test]
    fn base_files_of_this_machine_are_shared() {
        let Ok(list) = fs_err::read_to_string("/var/lib/dpkg/info/base-files.list") else { return };
        let own = ["/usr/share/base-files", "/usr/share/common-licenses", "/etc/update-motd.d", "/var/lib/dpkg"];
        for path in list.lines().filter(|path| path.len() > 2) {
            let directory = fs_err::symlink_metadata(path).is_ok_and(|m| m.is_dir());
            if directory && !own.contains(&path) && !path.contains("base-files") && !path.contains("/dict") {
                assert!(is_shared(path), "{path}");
            }
        }
    }

    #[test]
    fn links_point_lexically() {
        assert_eq!(point("/usr/bin/a", "b").as_deref(), Some("/usr/bin/b"));
        assert_eq!(point("/usr/bin/a", "../lib/./x//y").as_deref(), Some("/usr/lib/x/y"));
        assert_eq!(point("/usr/bin/a", "/etc/ssl").as_deref(), Some("/etc/ssl"));
        assert_eq!(point("/usr/bin/a", "../../..").as_deref(), None);
        assert_eq!(point("/a", "b").as_deref(), Some("/b"));
        assert!(is_system("/etc/ssl/certs") && !is_system("/home/me/x") && !is_system("/build/x") && !is_system("/"));
        assert!(within("/a/b", "/a") && within("/a", "/a") && !within("/ab", "/a") && within("/x", "/"));
    }
}
