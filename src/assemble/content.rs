//! Content that is looked at while planning: files whose holes are filled, and what is said of files that cannot be
//! packed.
//!
//! Enters: a path. Leaves: the filled bytes, or findings. All other content is first read by the engine.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use super::walk::{Problem, ProblemKind};
use crate::diagnostic::{Diagnostic, Findings, Origin, SourceText, codes};
use crate::resolve::holes::{self, Holes};

/// Largest file whose holes are filled, in bytes: it stands in memory.
const LARGEST_RENDERED: u64 = 16 << 20;

/// The content of `path` with its holes filled; `shown` is its name in messages.
pub fn render(path: &Path, shown: &str, holes: &Holes, origin: &Origin) -> Result<Arc<[u8]>, Findings> {
    let not_text = |why: &str| {
        vec![
            Diagnostic::error(codes::FILES_NOT_TEXT, format!("the holes of `{shown}` cannot be filled: {why}"))
                .path(shown)
                .at_origin(origin, "taken by this rule")
                .help("take it by a rule without `render = true`"),
        ]
    };
    let mut bytes = Vec::new();
    let read = fs_err::File::open(path).and_then(|file| file.take(LARGEST_RENDERED + 1).read_to_end(&mut bytes));
    if let Err(error) = read {
        return Err(vec![unreadable(shown, &error).at_origin(origin, "taken by this rule")]);
    }
    if bytes.len() as u64 > LARGEST_RENDERED {
        return Err(not_text("it is larger than 16 MiB"));
    }
    let text = String::from_utf8(bytes)
        .map_err(|error| not_text(&format!("byte {} is not UTF-8", error.utf8_error().valid_up_to())))?;
    match holes::fill(&text, holes) {
        Ok(filled) => Ok(filled.into_bytes().into()),
        Err(unset) => {
            let source = Arc::new(SourceText { name: shown.to_owned(), text });
            let told = unset.iter().map(|unset| unset.in_text(holes, &source));
            Err(told.map(|told| told.at_origin(origin, "filled because of this rule")).collect())
        }
    }
}

/// What to say of something that cannot be packed.
pub fn problem(problem: &Problem, shown: &str) -> Diagnostic {
    let name = shown.escape_debug().to_string();
    let error = match &problem.kind {
        ProblemKind::NonUtf8 => {
            let error = format!("the file name `{name}` is not UTF-8");
            Diagnostic::error(codes::FILES_NAME, error).help("rename it, or leave it out with `exclude`")
        }
        ProblemKind::Control => {
            let error = format!("the file name `{name}` holds a control character");
            Diagnostic::error(codes::FILES_NAME, error).help("rename it, or leave it out with `exclude`")
        }
        ProblemKind::Target(why) => {
            let why = match **why {
                ProblemKind::NonUtf8 => "is not UTF-8",
                _ => "holds a control character",
            };
            let error = format!("the target of the symbolic link `{name}` {why}");
            Diagnostic::error(codes::FILES_NAME, error).help("make the link anew, or leave it out with `exclude`")
        }
        ProblemKind::Special(what) => {
            let error = format!("`{name}` is {what}, which a package cannot carry");
            Diagnostic::error(codes::FILES_SPECIAL, error).help("leave it out with `exclude`")
        }
        ProblemKind::Unreadable(error) => return unreadable(&name, error),
    };
    error.path(name)
}

/// A path of the builder as messages show it: relative to the project where it lies in it.
pub fn show(project: &Path, path: &Path) -> String {
    let shown = path.strip_prefix(project).unwrap_or(path);
    if shown.as_os_str().is_empty() { ".".into() } else { shown.display().to_string() }
}

/// What to say of something that the system will not let us read.
pub fn unreadable(shown: &str, error: &std::io::Error) -> Diagnostic {
    Diagnostic::error(codes::FILES_UNREADABLE, format!("cannot read `{shown}`: {}", answer(error)))
        .path(shown)
        .help("mend its permissions, or leave it out with `exclude`")
}

/// The system's own words, without the path that `fs_err` puts before them: the message names it already.
fn answer(error: &std::io::Error) -> String {
    let whole = error.to_string();
    whole.rsplit_once("`: ").map_or(whole.clone(), |(_, answer)| answer.to_owned())
}
