//! Links of a release that lead nowhere on a host.
//!
//! Enters: an [`OtpRelease`] and the rules that take its folders. Leaves: those rules without such links, and rules for the
//! links that can be made right: Distillery's overlays leave absolute ones into the folder of the build. What leads out of
//! the release to something that is there is left alone, for `assemble::links` to judge.

use std::path::{Component, Path, PathBuf};

use super::OtpRelease;
use crate::diagnostic::{Diagnostic, Severity, codes};
use crate::resolve::ground::Ground;
use crate::resolve::identity::Fact;
use crate::resolve::preset::rule;
use crate::resolve::release::Churn;
use crate::resolve::{Rule, Take};

/// What lies in there is the host's own, if it is there.
const OF_HOST: [&str; 9] = ["/bin", "/dev", "/etc", "/lib", "/proc", "/run", "/sbin", "/sys", "/usr"];
/// Folders deeper than this are not looked into.
const DEEPEST: usize = 32;

/// What becomes of a link.
#[derive(Debug, PartialEq, Eq)]
enum Mended {
    /// It has this target.
    To(String),
    /// It is left out.
    Dropped,
}

/// Leaves out of the rules what leads nowhere, and adds what was made right.
pub(super) fn mend(release: &OtpRelease, ground: &Ground, prefix: &str, all: &mut Vec<Rule>) {
    let mut added = Vec::new();
    for taken in all.iter_mut() {
        let Take::Path(from) = &taken.take else { continue };
        let Some(folder) = from.strip_prefix(&release.typed).map(|rest| rest.trim_start_matches('/').to_owned()) else {
            continue;
        };
        let mut links = Vec::new();
        collect(&release.dir, Path::new(&folder), 0, &mut links);
        for (path, mended) in links {
            let Some(inside) = path.strip_prefix(&folder).ok().and_then(Path::to_str) else { continue };
            let shown = path.display();
            let origin = taken.origin.clone();
            taken.exclude.push(Fact { value: globset::escape(inside), origin: origin.clone() });
            let what = match mended {
                Mended::Dropped => format!("the link `{}/{shown}` leads nowhere and is left out", release.typed),
                Mended::To(target) => {
                    let message = format!("the link `{}/{shown}` is packed as `{target}`", release.typed);
                    let mut link = rule(String::new(), format!("{prefix}/{shown}"), Churn::Application, origin);
                    link.take = Take::Link(target);
                    added.push(link);
                    message
                }
            };
            let mut finding = Diagnostic::warning(codes::FILES_DANGLING_LINK, what)
                .path(format!("{}/{shown}", release.typed))
                .help("make it a relative link to a file of the release where it is made");
            finding.severity = Severity::Note;
            ground.report(finding);
        }
    }
    all.extend(added);
}

/// All links below a folder that cannot stay as they are, by path.
fn collect(release: &Path, folder: &Path, depth: usize, found: &mut Vec<(PathBuf, Mended)>) {
    let Ok(entries) = fs_err::read_dir(release.join(folder)) else { return };
    let mut entries: Vec<_> = entries.flatten().collect();
    entries.sort_by_key(fs_err::DirEntry::file_name);
    for entry in entries {
        let path = folder.join(entry.file_name());
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && depth < DEEPEST => collect(release, &path, depth + 1, found),
            Ok(kind) if kind.is_symlink() => {
                let target = fs_err::read_link(entry.path()).unwrap_or_default();
                found.extend(judge(release, &path, &target).map(|mended| (path, mended)));
            }
            _ => {}
        }
    }
}

/// What becomes of a link; none if it stays.
fn judge(release: &Path, path: &Path, target: &Path) -> Option<Mended> {
    let folder = path.parent().unwrap_or(Path::new(""));
    if target.is_absolute() {
        let inside = part_of(release, target);
        return match inside {
            Some(inside) => Some(Mended::To(relative(folder, &inside))),
            None => (!target.exists()).then_some(Mended::Dropped),
        };
    }
    (!release.join(folder).join(target).exists()).then_some(Mended::Dropped)
}

/// The path in the release that an absolute target means: it may have been built elsewhere.
fn part_of(release: &Path, target: &Path) -> Option<PathBuf> {
    let full = release.canonicalize().unwrap_or_else(|_| release.to_owned());
    if let Ok(inside) = target.strip_prefix(&full).or_else(|_| target.strip_prefix(release)) {
        return release.join(inside).exists().then(|| inside.to_owned());
    }
    if target.exists() && OF_HOST.iter().any(|folder| target.starts_with(folder)) {
        return None;
    }
    // The longest end that is there, with a folder in it: one name alone may mean anything.
    let parts: Vec<Component> = target.components().filter(|part| matches!(part, Component::Normal(_))).collect();
    let ends = (0..parts.len().saturating_sub(1)).map(|start| parts[start..].iter().collect::<PathBuf>());
    ends.into_iter().find(|end| release.join(end).exists())
}

/// `../releases/RELEASES`, seen from a folder of the release.
fn relative(folder: &Path, target: &Path) -> String {
    let shared = folder.components().zip(target.components()).take_while(|(a, b)| a == b).count();
    let up = folder.components().skip(shared).map(|_| "..".to_owned());
    let down = target.components().skip(shared).map(|part| part.as_os_str().to_string_lossy().into_owned());
    up.chain(down).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_mended_or_dropped() {
        let dir = tempfile::tempdir().unwrap();
        fs_err::create_dir_all(dir.path().join("releases/1")).unwrap();
        fs_err::create_dir_all(dir.path().join("bin")).unwrap();
        fs_err::write(dir.path().join("releases/1/x"), "").unwrap();
        let own = dir.path().join("releases/1/x");
        let judged = |path: &str, target: &Path| judge(dir.path(), Path::new(path), target);
        assert_eq!(judged("bin/a", Path::new("../releases/1/x")), None);
        assert_eq!(judged("bin/a", Path::new("../nothing")), Some(Mended::Dropped));
        assert_eq!(judged("bin/a", &own), Some(Mended::To("../releases/1/x".into())));
        assert_eq!(judged("releases/a", &own), Some(Mended::To("1/x".into())));
        let elsewhere = Path::new("/build/of/someone/releases/1/x");
        assert_eq!(judged("bin/a", elsewhere), Some(Mended::To("../releases/1/x".into())));
        assert_eq!(judged("bin/a", Path::new("/build/of/someone/x")), Some(Mended::Dropped));
        assert_eq!(judged("bin/a", Path::new("/etc/passwd")), None, "for others to judge");
    }
}
