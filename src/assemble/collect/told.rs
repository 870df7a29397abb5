//! What is said of a rule: of what it takes and is not there, or must not be taken, and of what it passes over.
//!
//! Enters: a rule at work. Leaves: findings, gaps and the list of what was passed over.

use std::path::{Path, PathBuf};

use super::Taking;
use crate::assemble::own::{self, Passed, Why};
use crate::assemble::{content, walk};
use crate::diagnostic::{Code, Diagnostic, Origin, Severity, codes};
use crate::resolve::nearest;

/// How many paths that were passed over a finding names.
const LISTED: usize = 3;

impl Taking<'_> {
    /// Whoever has the package would have what signs it, or what it was published with.
    pub(super) fn secret(&mut self, from: &str) {
        let error = format!("`{from}` is a secret of whoever publishes");
        let error = Diagnostic::error(codes::FILES_SECRET, error).at_origin(&self.rule.take_origin, "");
        self.gap();
        self.findings.push(error.help("leave it out: `fitout publish` puts public keys where hosts look for them"));
    }

    /// What the rule would have brought is not there.
    pub(super) fn gap(&mut self) {
        self.gaps.add(&self.place.path);
    }

    /// The folder of the artifacts cannot be taken: the next build would pack those of this one.
    pub(super) fn is_output(&mut self, folder: &Path) -> bool {
        let is = own::is_output(self.release, folder);
        if is {
            let error = format!("`{}` is the folder that the artifacts are written to", self.show(folder));
            let error = Diagnostic::error(codes::FILES_OUTPUT, error).at_origin(&self.rule.take_origin, "");
            self.gap();
            self.findings.push(error.help("name another folder for the artifacts: `fitout build --out DIR`"));
        }
        is
    }

    pub(super) fn bad_glob(&mut self, pattern: &str, error: &globset::Error, origin: &Origin) {
        self.gap();
        let error = Diagnostic::error(codes::FILES_BAD_GLOB, format!("`{pattern}` is no glob: {}", error.kind()));
        self.findings
            .push(error.at_origin(origin, "").help("write a literal special character in brackets, such as `[*]`"));
    }

    pub(super) fn missing(&mut self, code: Code, message: &str, wanted: &Path) {
        self.gap();
        let error = Diagnostic::error(code, message).at_origin(&self.rule.take_origin, "");
        self.findings.push(nearest::told(error, &self.release.project, wanted));
    }

    /// Nothing but what is passed over is there.
    pub(super) fn nothing_else(&mut self, from: &str, folder: &Path, passed: &[(PathBuf, Why)]) {
        self.gap();
        let error = format!("the glob `{from}` matches nothing that is taken");
        let error = Diagnostic::error(codes::FILES_NO_MATCH, error).at_origin(&self.rule.take_origin, "");
        let error = self.with_passed(error, folder, passed);
        self.findings.push(error);
    }

    /// Says what is there all the same.
    pub(super) fn with_passed(&self, finding: Diagnostic, folder: &Path, passed: &[(PathBuf, Why)]) -> Diagnostic {
        passed.iter().take(LISTED).fold(finding, |finding, (name, why)| {
            let shown = self.show(&folder.join(name));
            finding.help(format!("`{}` is there and passed over: it is {}", shown.escape_debug(), why.text()))
        })
    }

    /// Keeps what was passed over, and says so of a folder that may hold more than what was published.
    pub(super) fn pass(&mut self, folder: &Path, passed: &[(PathBuf, Why)]) {
        for (name, why) in passed {
            let from = self.show(&folder.join(name)).escape_debug().to_string();
            if *why == Why::Published {
                let message = format!("`{from}` is passed over: it is {}", why.text());
                let mut note = Diagnostic::warning(codes::FILES_PUBLISHED, message);
                note.severity = Severity::Note;
                let note = note.at_origin(&self.rule.take_origin, "taken without it");
                self.findings.push(note.help("what is wanted of it is named by a rule of its own"));
            }
            let path = self.place.join(&name.to_string_lossy());
            self.passed.push(Passed { path, from, why: *why });
        }
    }

    /// Something at `name` below the rule's place cannot be packed.
    pub(super) fn problem(&mut self, name: &str, problem: &walk::Problem) {
        self.gaps.add(&self.place.join(name));
        let told = content::problem(problem, &self.show(&problem.path));
        self.findings.push(told.at_origin(&self.rule.take_origin, "taken by this rule"));
    }

    pub(super) fn show(&self, path: &Path) -> String {
        content::show(&self.release.project, path)
    }
}
