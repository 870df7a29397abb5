//! The nearest thing that does exist: a word of a list, or a file of a folder.

use std::path::Path;

/// Names of a folder that are compared; more would only cost time.
const LOOKED_AT: usize = 2_000;

/// The candidate that is most like `word`, if one is like it at all: up to one edit in three characters.
pub(crate) fn word<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let most = word.chars().count().div_ceil(3);
    let lower = word.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (distance(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= most)
        .min()
        .map(|(_, candidate)| candidate)
}

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
    let near = word(&missing, names.iter().map(String::as_str))?;
    let folder = parent.file_name().map_or_else(|| "/".into(), |name| name.to_string_lossy());
    Some(format!("did you mean `{near}`? `{folder}/` holds it, and no `{missing}`"))
}

/// Edits between two words: insertions, deletions, replacements and swaps of neighbours each count one.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(100).collect(), b.chars().take(100).collect());
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let mut best = (row[j] + usize::from(x != y)).min(row[j + 1] + 1).min(next[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                best = best.min(before[j - 1] + 1);
            }
            next.push(best);
        }
        before = std::mem::replace(&mut row, next);
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_found_and_a_far_one_is_not() {
        assert_eq!(word("onwer", ["mode", "owner", "other"]), Some("owner"));
        assert_eq!(word("gzpi", ["gzip", "zstd"]), Some("gzip"));
        assert_eq!(word("banana", ["gzip", "zstd"]), None);
        assert_eq!(distance("kitten", "sitting"), 3);
    }

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
