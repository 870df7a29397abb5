//! Runs one function over every case of a folder and compares what it says with a file of the case.

use std::path::{Path, PathBuf};

/// Compares `say(case)` with `expected.txt` in every folder under `tests/golden/ROOM`, and names all that differ.
///
/// # Panics
/// If a case differs, or if there is none.
pub fn compare(room: &str, say: impl Fn(&Path) -> String) {
    let mut different = Vec::new();
    let cases = cases(room);
    assert!(!cases.is_empty(), "no cases in {room}");
    for case in cases {
        let name = case.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let (said, file) = (say(&case), case.join("expected.txt"));
        if blessing() {
            fs_err::write(&file, said).expect("writes what is expected");
            continue;
        }
        let expected = fs_err::read_to_string(&file).unwrap_or_default();
        if said != expected {
            let difference = similar::TextDiff::from_lines(&expected, &said).unified_diff().to_string();
            different.push(format!("{room}/{name}\n{difference}"));
        }
    }
    assert!(different.is_empty(), "FITOUT_BLESS=1 rewrites these:\n{}", different.join("\n"));
}

#[expect(clippy::disallowed_methods, reason = "the switch of the test, not of the program")]
fn blessing() -> bool {
    std::env::var_os("FITOUT_BLESS").is_some()
}

fn cases(room: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(room);
    let entries = fs_err::read_dir(folder).expect("the folder of the cases");
    let mut cases: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    cases.retain(|case| case.is_dir());
    cases.sort();
    cases
}
