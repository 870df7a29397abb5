//! What `fitout init` takes over of a project: `init/CASE` is a project, what is expected is stderr and every file that is
//! written.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::harness::{Case, Goldens, folders};

#[test]
fn init() {
    let mut goldens = Goldens::default();
    for name in folders("init") {
        let case = Case::copy(format!("init/{name}"));
        let before = all(&case.folder);
        let (code, stdout, stderr) = case.fitout(&["init"]);
        assert_eq!((code, stdout.as_str()), (0, ""), "{name}: {stderr}");
        let mut text = stderr;
        for path in all(&case.folder).difference(&before) {
            let content = fs_err::read_to_string(case.folder.join(path)).expect("text");
            let _ = write!(text, "\n--- {}\n{content}", path.display());
        }
        goldens.agree(format!("init/{name}/expected.txt"), &text);
        // Once more: nothing is different.
        let (code, stdout, stderr) = case.fitout(&["init"]);
        assert_eq!((code, stdout.as_str()), (0, ""), "{name}: {stderr}");
    }
    goldens.finish();
}

/// All files below a folder.
fn all(folder: &Path) -> BTreeSet<PathBuf> {
    let (mut found, mut waiting) = (BTreeSet::new(), vec![folder.to_owned()]);
    while let Some(at) = waiting.pop() {
        for entry in fs_err::read_dir(at).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                waiting.push(path);
            } else {
                found.insert(path.strip_prefix(folder).expect("below").to_owned());
            }
        }
    }
    found
}
