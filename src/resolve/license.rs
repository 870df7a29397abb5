//! The text of the licence: the file that the config names, else those that lie in the project's folder.

use crate::config::schema::Text;

use super::ground::{Ground, read_text};

/// How such files begin, in the order in which they are joined.
const NAMES: [&str; 3] = ["LICENSE", "LICENCE", "COPYING"];

/// The text; `Some(None)` if there is none, `None` with a finding if the file cannot be read.
#[allow(clippy::option_option)]
pub(crate) fn text(ground: &Ground, named: Option<&Text>) -> Option<Option<String>> {
    if let Some(named) = named {
        return ground.read(named).map(|source| Some(source.text.clone()));
    }
    let mut texts = Vec::new();
    for name in found(ground.dir) {
        texts.push(ground.ok(read_text(&ground.path(&name), &name))?.text.trim_end().to_owned());
    }
    Some((!texts.is_empty()).then(|| texts.join("\n\n") + "\n"))
}

/// `LICENSE`, `LICENSE-MIT`, `LICENSE.md`, `COPYING` …: of the first kind that is there, all, sorted.
pub(crate) fn found(dir: &std::path::Path) -> Vec<String> {
    let entries = fs_err::read_dir(dir).into_iter().flatten().flatten();
    let files = entries.filter(|entry| entry.path().is_file());
    let mut names: Vec<String> = files.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    for kind in NAMES {
        let of_kind = |name: &&String| {
            name.strip_prefix(kind).is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '.', '_']))
        };
        let found: Vec<String> = names.iter().filter(of_kind).cloned().collect();
        if !found.is_empty() {
            return found;
        }
    }
    Vec::new()
}
