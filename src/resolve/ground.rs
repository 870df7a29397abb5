//! What every part of this room stands on: the project's folder, the text that spans point into, and the list that
//! findings go to, so that one wrong fact does not hide the next.

use std::cell::RefCell;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config::schema::{At, Text};
use crate::diagnostic::{Code, Diagnostic, Findings, Origin, SourceText, Span, codes, in_order};
use crate::resolve::identity::Fact;

use super::nearest;

/// Largest text file that the config may name: scripts, change logs, licences and versions are far smaller.
const LARGEST_TEXT: u64 = 16 << 20;

/// See the module.
pub(crate) struct Ground<'a> {
    /// Folder of the config file.
    pub dir: &'a Path,
    source: &'a Arc<SourceText>,
    findings: RefCell<Findings>,
}

impl<'a> Ground<'a> {
    /// An empty list over this folder and this config.
    pub fn new(dir: &'a Path, source: &'a Arc<SourceText>) -> Self {
        Self { dir, source, findings: RefCell::default() }
    }

    /// What messages call the config file: its name in the folder.
    pub fn name(&self) -> &'a str {
        &self.source.name
    }

    /// The config as it is typed.
    pub fn text(&self) -> &'a str {
        &self.source.text
    }

    /// A place of the config.
    pub fn span(&self, range: &Range<usize>) -> Span {
        Span::new(self.source, range.clone())
    }

    /// Where a value stands.
    pub fn origin<T>(&self, at: &At<T>) -> Origin {
        Origin::Config(self.span(&at.range))
    }

    /// A value with where it stands.
    pub fn fact(&self, text: &Text) -> Fact<String> {
        Fact { value: text.value.clone(), origin: self.origin(text) }
    }

    /// The same for a list.
    pub fn facts(&self, texts: &[Text]) -> Vec<Fact<String>> {
        texts.iter().map(|text| self.fact(text)).collect()
    }

    /// Points at the header of a table, for what is missing in it; names the file if there is no such header.
    pub fn in_table(&self, finding: Diagnostic, name: &str) -> Diagnostic {
        let header = format!("[{name}]");
        let mut start = 0;
        for line in self.source.text.split_inclusive('\n') {
            if line.trim_start().starts_with(&header) {
                let start = start + line.len() - line.trim_start().len();
                return finding.at(&self.span(&(start..start + header.len())), "");
            }
            start += line.len();
        }
        finding.path(self.name())
    }

    /// Takes a finding.
    pub fn report(&self, finding: Diagnostic) {
        let mut findings = self.findings.borrow_mut();
        // The same fact may be looked at once for each target.
        if !findings.contains(&finding) {
            findings.push(finding);
        }
    }

    /// Takes the finding, if it is one.
    pub fn ok<T>(&self, result: Result<T, Diagnostic>) -> Option<T> {
        result.map_err(|finding| self.report(finding)).ok()
    }

    /// A value is not one of those that the key takes.
    pub fn refuse<T>(&self, code: Code, at: &At<T>, message: impl Into<String>, help: impl Into<String>) {
        self.report(Diagnostic::error(code, message).at(&self.span(&at.range), "").help(help));
    }

    /// All findings, in the order of the config file; then those of other files, then those without a place.
    pub fn into_findings(self) -> Findings {
        in_order(self.findings.into_inner(), self.source)
    }

    /// Where a path of the config leads.
    pub fn path(&self, text: &str) -> PathBuf {
        self.dir.join(text)
    }

    /// Reads a text file that the config names; `None` with a finding if that cannot be.
    pub fn read(&self, at: &Text) -> Option<Arc<SourceText>> {
        self.ok(read_text(&self.path(&at.value), &at.value).map_err(|f| f.at(&self.span(&at.range), "named here")))
    }
}

/// Reads a text file, and says what is nearest if it is not there. `name` is the path as typed.
pub(crate) fn read_text(path: &Path, name: &str) -> Result<Arc<SourceText>, Diagnostic> {
    read_bytes(path, name).and_then(|bytes| {
        String::from_utf8(bytes).map(|text| Arc::new(SourceText { name: name.to_owned(), text })).map_err(|error| {
            let why = format!("byte {} is not UTF-8", error.utf8_error().valid_up_to());
            unreadable(name, why)
        })
    })
}

fn unreadable(name: &str, why: String) -> Diagnostic {
    Diagnostic::error(codes::RESOLVE_UNREADABLE, format!("`{name}` cannot be read"))
        .path(name)
        .note(why)
        .help("it must be a text in UTF-8 that you may read")
}

/// The bytes of a text: of a regular file that is no larger than texts are.
///
/// # Errors
/// As [`read_text`], but for what it holds.
pub(crate) fn read_bytes(path: &Path, name: &str) -> Result<Vec<u8>, Diagnostic> {
    let unreadable = |why: String| unreadable(name, why);
    let meta = match fs_err::metadata(path) {
        Ok(meta) => meta,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Err(not_found(path, name)),
        Err(e) => return Err(unreadable(e.to_string())),
    };
    if !meta.is_file() {
        return Err(unreadable("it is not a regular file".into()));
    }
    if meta.len() > LARGEST_TEXT {
        return Err(unreadable(format!("it has {} bytes, and {LARGEST_TEXT} are the most for a text", meta.len())));
    }
    fs_err::read(path).map_err(|e| unreadable(e.to_string()))
}

/// Says that a path is not there, and what is. `name` is the path as typed, which `path` ends with.
pub(crate) fn not_found(path: &Path, name: &str) -> Diagnostic {
    let finding = Diagnostic::error(codes::RESOLVE_NOT_FOUND, format!("`{name}` is not there"));
    let folder = path.to_str().and_then(|path| path.strip_suffix(name)).unwrap_or_default();
    nearest::told(finding, Path::new(folder), path)
}
