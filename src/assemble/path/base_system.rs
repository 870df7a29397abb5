//! Directories that every system has: they belong to the distribution's own packages, so no other package may own them.
//!
//! Enters: a path. Leaves: whether it is one of them. The build host is not asked.

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
pub fn is_section(name: &str) -> bool {
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
    "/var/backups",
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
    use super::super::parent;
    use super::*;

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
        // What only that package uses is its own.
        let own = ["base-files", "common-licenses", "dict", "dpkg", "update-motd.d"];
        for path in list.lines().filter(|path| path.len() > 2 && !own.iter().any(|own| path.contains(own))) {
            let directory = fs_err::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir());
            assert!(!directory || is_shared(path), "{path}");
        }
    }

    #[test]
    fn the_builders_own_places_are_no_system() {
        assert!(is_system("/etc/ssl/certs") && !is_system("/home/me/x") && !is_system("/build/x") && !is_system("/"));
    }
}
