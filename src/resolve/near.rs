//! Of a path that is not there: the nearest that is.

use std::path::Path;

use crate::config::suggest;

/// Names of a folder that are compared; more would only cost time.
const LOOKED_AT: usize = 2_000;

/// Says of a path that is not there which part of it is, and what the last folder holds that is like the rest.
pub(crate) fn file(path: &Path) -> Option<String> {
    let parent = path.ancestors().skip(1).find(|p| p.is_dir())?;
    let missing = path.strip_prefix(parent).ok()?.components().next()?.as_os_str().to_string_lossy().into_owned();
    let mut names: Vec<String> = fs_err::read_dir(parent)
        .ok()?
        .take(LOOKED_AT)
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    names.sort();
    let near = suggest::nearest(&missing, names.iter().map(String::as_str))?;
    let folder = parent.file_name().map_or_else(|| "/".into(), |name| name.to_string_lossy());
    Some(format!("did you mean `{near}`? `{folder}/` holds it, and no `{missing}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_looked_for_in_the_last_folder_that_exists() {
        let dir = tempfile::tempdir().unwrap();
        fs_err::create_dir(dir.path().join("config")).unwrap();
        fs_err::write(dir.path().join("config/env.example"), "").unwrap();
        let near = file(&dir.path().join("config/env.exmaple")).unwrap();
        assert!(near.contains("`env.example`") && near.contains("`config/`"), "{near}");
        assert!(file(&dir.path().join("confg/env.example")).unwrap().contains("`config`"));
        assert_eq!(file(&dir.path().join("zzz")), None);
    }
}
