//! The nearest existing thing of a path that is not there.
//!
//! Enters: the path. Leaves: words for a help line. Only messages depend on what is found here, never a package. How near
//! two names are is [`suggest`]'s matter.

use std::path::{Path, PathBuf};

use crate::config::suggest;
use crate::diagnostic::Diagnostic;

/// How many names of a folder are looked at.
const MOST_NAMES: usize = 10_000;
/// How many names a help line lists when none is close.
const LISTED: usize = 5;

/// A finding of a path that is not there, with what is; `folder` is what paths of the config are relative to.
pub fn told(finding: Diagnostic, folder: &Path, path: &Path) -> Diagnostic {
    finding.help(existing(folder, path)).note("paths are relative to the folder of fitout.toml")
}

/// What does exist near `path`, in words: "`config/` exists and holds `env.example`".
fn existing(project: &Path, path: &Path) -> String {
    let mut missing = PathBuf::from(path);
    let folder = loop {
        let Some(parent) = missing.parent() else { return "no part of this path exists".to_owned() };
        if fs_err::metadata(parent).is_ok() {
            break parent.to_path_buf();
        }
        missing = parent.to_path_buf();
    };
    let shown = match folder.strip_prefix(project).unwrap_or(&folder) {
        own if own.as_os_str().is_empty() => "the project's folder".to_owned(),
        root if root == Path::new("/") => "`/`".to_owned(),
        shown => format!("`{}/`", shown.display()),
    };
    let wanted = missing.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let names = names(&folder);
    if !folder.is_dir() {
        return format!("{} is a file", shown.replace("/`", "`"));
    }
    if let Some(near) = suggest::nearest(&wanted, names.iter().map(String::as_str)) {
        return format!("{shown} exists and holds `{near}`");
    }
    match names.len() {
        0 => format!("{shown} exists and is empty"),
        few if few <= LISTED => {
            let list = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            format!("{shown} exists and holds {list}")
        }
        many => format!("{shown} exists and holds {many} other names, none like `{wanted}`"),
    }
}

/// Names of a folder, sorted, without those that cannot be shown.
fn names(folder: &Path) -> Vec<String> {
    let Ok(list) = fs_err::read_dir(folder) else { return Vec::new() };
    let shown = list.take(MOST_NAMES).filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut names: Vec<String> = shown.filter(|name| !name.chars().any(char::is_control)).collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_paths() {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| existing(folder.path(), &folder.path().join(path));
        assert_eq!(at("x"), "the project's folder exists and is empty");
        fs_err::create_dir(folder.path().join("config")).unwrap();
        fs_err::write(folder.path().join("config/env.example"), "").unwrap();
        assert_eq!(at("config/env.exmaple"), "`config/` exists and holds `env.example`");
        assert_eq!(at("confgi/env.example"), "the project's folder exists and holds `config`");
        assert_eq!(at("config/env.example/x"), "`config/env.example` is a file");
        assert_eq!(at("config/zzz"), "`config/` exists and holds `env.example`");
        let told = crate::resolve::ground::not_found(&folder.path().join("confgi"), "confgi");
        assert_eq!(told.helps, ["the project's folder exists and holds `config`"]);
        assert_eq!(existing(folder.path(), Path::new("/fitout-is-not-here/x")).split_once(' ').unwrap().0, "`/`");
    }
}
