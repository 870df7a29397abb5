//! Rules -> drafts: every rule looked up on the builder, with owner, mode and role decided.
//!
//! Enters: the rules of a [`Release`]. Leaves: one [`Draft`] for each path of each rule, in the order of the rules and
//! sorted within each, and a finding for everything that cannot be packed. Which of two rules wins a path is
//! [`super::conflict`]'s matter, where a link leads [`super::links`]'s.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use globset::GlobSet;

use super::draft::{Body, Draft};
use super::gaps::Gaps;
use super::mode::{self, Builder, Of};
use super::own::Passed;
use super::owner::Owners;
use super::path::{self, Place};
use super::plan::{Churn, FormatSet, Owner, Role};
use super::walk::{self, Found, FoundKind, OnDisk, Select, Walked};
use super::{content, own, rules};
use crate::diagnostic::{Diagnostic, Findings, Origin, codes};
use crate::resolve::{Release, Rule, Take, holes};

mod told;

/// The formats of a run as sets.
#[derive(Debug, Clone, Copy)]
pub struct Run<'r> {
    /// What is packaged.
    pub release: &'r Release,
    /// All formats of the run.
    pub all: FormatSet,
}

impl<'r> Run<'r> {
    /// The sets of `release`.
    pub fn new(release: &'r Release) -> Self {
        let all = (0..release.formats.len()).map(FormatSet::only).fold(FormatSet::EMPTY, FormatSet::union);
        Self { release, all }
    }

    /// The formats of the run that `wanted` takes.
    pub fn formats(&self, wanted: impl Fn(&'static str, &super::plan::Abilities) -> bool) -> FormatSet {
        let formats = self.release.formats.iter().enumerate();
        let wanted = formats.filter(|(_, (name, abilities))| wanted(name, abilities));
        wanted.fold(FormatSet::EMPTY, |set, (i, _)| set.union(FormatSet::only(i)))
    }

    /// In which formats a rule's entries are. Ghosts are owned and not contained: only where the format knows them.
    fn of_rule(&self, rule: &Rule) -> FormatSet {
        self.formats(|name, abilities| {
            let asked = rule.when.as_ref().is_none_or(|when| when.iter().any(|format| format == name));
            asked && (rule.role != Role::Ghost || abilities.ghosts)
        })
    }
}

/// Looks up every rule; what could not be taken leaves a gap. Also what was passed over.
pub fn collect(run: &Run<'_>, gaps: &mut Gaps, findings: &mut Findings) -> (Vec<Draft>, Vec<Passed>) {
    let mut owners = Owners::default();
    let builder = Builder::of(run.release);
    let (mut drafts, mut passed) = (Vec::new(), Vec::new());
    for (index, rule) in run.release.rules.iter().enumerate() {
        let formats = run.of_rule(rule);
        if formats == FormatSet::EMPTY {
            continue;
        }
        mode::check(rule, findings);
        let Some(place) = rules::place(rule, findings) else {
            *gaps = Gaps::everywhere();
            continue;
        };
        let mut taking = Taking {
            release: run.release,
            builder,
            rule,
            index,
            formats,
            owner: owners.decide(rule.owner.as_ref(), findings),
            origin: Arc::new(rule.origin.clone()),
            directory: shared_origin(mode::of_directory(rule)),
            executable: shared_origin(mode::of_file(rule, true)),
            readable: shared_origin(mode::of_file(rule, false)),
            link: (mode::SYMLINK, Arc::new(Origin::Default)),
            place,
            drafts: &mut drafts,
            passed: &mut passed,
            gaps,
            findings,
        };
        taking.take();
    }
    (drafts, passed)
}

fn shared_origin((bits, origin): (u32, Origin)) -> (u32, Arc<Origin>) {
    (bits, Arc::new(origin))
}

/// One rule at work.
struct Taking<'a> {
    release: &'a Release,
    builder: Builder,
    rule: &'a Rule,
    index: usize,
    formats: FormatSet,
    owner: (Owner, Arc<Origin>),
    origin: Arc<Origin>,
    directory: (u32, Arc<Origin>),
    executable: (u32, Arc<Origin>),
    readable: (u32, Arc<Origin>),
    link: (u32, Arc<Origin>),
    place: Place,
    drafts: &'a mut Vec<Draft>,
    passed: &'a mut Vec<Passed>,
    gaps: &'a mut Gaps,
    findings: &'a mut Findings,
}

impl Taking<'_> {
    fn take(&mut self) {
        match &self.rule.take {
            Take::Path(from) => self.path(from),
            Take::Link(target) => self.link(target),
            Take::Text(text) => {
                if self.is_no_folder("text")
                    && let Some(text) = self.text(text)
                {
                    let path = self.place.path.clone();
                    self.add(&path, Body::Made(text.into_bytes().into()), self.readable.clone());
                }
            }
            Take::Directory => {
                let path = self.place.path.clone();
                let bits = shared_origin(mode::of_made_directory(self.rule));
                if path::is_shared(&path) {
                    mode::refuse_shared(self.rule, &path, self.findings);
                }
                self.add(&path, Body::Directory { shared: path::is_shared(&path) }, bits);
            }
        }
    }

    fn link(&mut self, target: &str) {
        if target.is_empty() || target.chars().any(char::is_control) {
            let error = format!("the link target `{}` is empty or holds a control character", target.escape_debug());
            let error = Diagnostic::error(codes::FILES_NAME, error);
            let error = error.at_origin(&self.rule.take_origin, "");
            self.gap();
            self.findings.push(error.help("write the path that the link points to"));
        } else if self.is_no_folder("link") {
            let path = self.place.path.clone();
            self.add(&path, Body::Symlink { target: target.into(), tree: None }, self.link.clone());
        }
    }

    /// `text` and `link` have no name of their own that could go into a folder.
    fn is_no_folder(&mut self, key: &str) -> bool {
        if self.place.folder {
            let error = format!("`to` of a `{key}` rule must name the file, and `{}/` is a folder", self.place.path);
            let error = Diagnostic::error(codes::FILES_PATH, error).at_origin(&self.rule.to_origin, "");
            self.gap();
            self.findings.push(error.help("put the file's name after the last `/`"));
        }
        !self.place.folder
    }

    /// The content of a `text` rule: its holes are those of any content.
    fn text(&mut self, text: &str) -> Option<String> {
        if !self.rule.render {
            return Some(text.to_owned());
        }
        let holes = &self.release.holes;
        let told = |unset: &holes::Unset| unset.diagnostic(holes).at_origin(&self.rule.take_origin, "");
        let filled = holes::fill(text, holes).map_err(|unset| self.findings.extend(unset.iter().map(told))).ok();
        if filled.is_none() {
            self.gap();
        }
        filled
    }

    /// A file, a folder or a glob.
    fn path(&mut self, from: &str) {
        let full = self.release.project.join(from);
        match fs_err::symlink_metadata(&full) {
            Ok(metadata) if metadata.is_dir() => self.tree(&full, walk::bits(&metadata)),
            // A link brings where it leads, not what is there.
            Ok(metadata) if metadata.is_file() && own::is_secret(self.release, &metadata) => {
                self.secret(from);
            }
            Ok(metadata) => match walk::one(&full, &metadata) {
                Ok(kind) => self.single(&full, walk::bits(&metadata), kind),
                Err(problem) => self.problem("", &problem),
            },
            Err(error) if walk::is_missing(&error) => match walk::split(from.trim_end_matches('/')) {
                Some((base, pattern)) => self.glob(from, base, pattern),
                None => self.missing(codes::FILES_NOT_FOUND, &format!("`{from}` does not exist"), &full),
            },
            Err(error) => {
                self.problem("", &walk::Problem { path: full, kind: walk::ProblemKind::Unreadable(error) });
            }
        }
    }

    fn single(&mut self, full: &Path, mode: u32, kind: FoundKind) {
        let name = full.file_name().and_then(|name| name.to_str());
        let path = match name {
            Some(name) if self.place.folder => self.place.join(name),
            _ => self.place.path.clone(),
        };
        let folder = path::parent(&path).unwrap_or("/").to_owned();
        let tree = Arc::new((folder, full.parent().unwrap_or(full).to_path_buf()));
        self.found(&path, Found { name: String::new(), path: full.to_path_buf(), mode, kind }, &tree);
    }

    fn tree(&mut self, full: &Path, mode: u32) {
        let Some(exclude) = self.excludes() else { return };
        if self.is_output(full) {
            return;
        }
        let select = Select::all(exclude).without(own::below(self.release, full));
        let Walked { found, problems, passed } = walk::tree(full, &select);
        self.pass(full, &passed);
        if found.is_empty() && problems.is_empty() {
            let error = format!("the folder `{}` is empty, or `exclude` leaves nothing of it", self.show(full));
            let error = Diagnostic::error(codes::FILES_EMPTY_TREE, error).at_origin(&self.rule.take_origin, "");
            let error = self.with_passed(error, full, &passed);
            self.findings.push(error.help("has the build run? An empty directory is written as `directory = true`"));
        }
        let path = self.place.path.clone();
        let bits = self.builder.given(&self.directory, mode, Of::Root(full));
        self.add(&path, Body::Directory { shared: path::is_shared(&path) }, bits);
        self.all(full, found, &problems);
    }

    fn glob(&mut self, from: &str, base: &str, pattern: &str) {
        let Some(exclude) = self.excludes() else { return };
        let folder = self.release.project.join(base);
        let select = match Select::matching(pattern, exclude) {
            Ok(select) => select,
            Err(error) => return self.bad_glob(from, &error, &self.rule.take_origin.clone()),
        };
        if !folder.is_dir() {
            return self.missing(codes::FILES_NO_MATCH, &format!("the glob `{from}` matches nothing"), &folder);
        }
        if self.is_output(&folder) {
            return;
        }
        let select = select.without(own::below(self.release, &folder));
        let Walked { mut found, problems, passed } = walk::tree(&folder, &select);
        self.pass(&folder, &passed);
        if found.is_empty() && problems.is_empty() {
            if !passed.is_empty() {
                return self.nothing_else(from, &folder, &passed);
            }
            let wanted = folder.join(pattern.split('/').next().unwrap_or(pattern));
            return self.missing(codes::FILES_NO_MATCH, &format!("the glob `{from}` matches nothing"), &wanted);
        }
        walk::add_folders(&folder, &mut found);
        self.all(&folder, found, &problems);
    }

    fn all(&mut self, root: &Path, found: Vec<Found>, problems: &[walk::Problem]) {
        let tree = Arc::new((self.place.path.clone(), root.to_path_buf()));
        for found in found {
            let path = self.place.join(&found.name);
            self.found(&path, found, &tree);
        }
        for problem in problems {
            let name = problem.path.strip_prefix(root).unwrap_or(Path::new(""));
            self.problem(&name.to_string_lossy(), problem);
        }
    }

    fn found(&mut self, path: &str, found: Found, tree: &Arc<(String, PathBuf)>) {
        if let Err(problem) = path::place(path) {
            self.gaps.add(path);
            let error = format!("the path `{}` {problem}", path.escape_debug());
            let error = Diagnostic::error(codes::FILES_PATH, error).at_origin(&self.rule.origin, "");
            return self.findings.push(error.path(self.show(&found.path)).help(problem.help(path)));
        }
        match found.kind {
            FoundKind::Directory => {
                let bits = self.builder.given(&self.directory, found.mode, Of::Directory(&found.path));
                self.add(path, Body::Directory { shared: path::is_shared(path) }, bits);
            }
            FoundKind::Symlink(target) => {
                self.add(path, Body::Symlink { target, tree: Some(Arc::clone(tree)) }, self.link.clone());
            }
            FoundKind::File(on_disk) => self.file(path, found.path, found.mode, on_disk),
        }
    }

    fn file(&mut self, path: &str, from: PathBuf, mode: u32, on_disk: OnDisk) {
        let bits = if on_disk.executable { &self.executable } else { &self.readable };
        let bits = self.builder.given(bits, mode, Of::File);
        let result = if self.rule.render {
            content::render(&from, &self.show(&from), &self.release.holes, &self.rule.origin).map(Body::Made)
        } else {
            Ok(Body::File(from, on_disk))
        };
        match result {
            Ok(body) => self.add(path, body, bits),
            Err(problems) => {
                self.gaps.add(path);
                self.findings.extend(problems);
            }
        }
    }

    fn add(&mut self, path: &str, body: Body, mode: (u32, Arc<Origin>)) {
        let by = self.rule;
        let is_file = matches!(body, Body::File(..) | Body::Made(_));
        let role = match (&body, by.role) {
            (_, Role::Ghost) => Role::Ghost,
            (Body::Directory { .. }, _) | (Body::Symlink { .. }, Role::Config { .. }) => Role::Plain,
            (_, role) => role,
        };
        let mut draft = Draft {
            path: path.into(),
            body,
            owner: self.owner.clone(),
            mode,
            capabilities: by.capabilities.as_deref().filter(|_| is_file).map(Into::into),
            role,
            churn: if matches!(role, Role::Config { .. }) { Churn::Config } else { by.churn },
            formats: self.formats,
            origin: Arc::clone(&self.origin),
            rule: Some(self.index),
            replace: by.replace,
        };
        // What belongs to every host has the owner and mode of every host.
        if let Body::Directory { shared: true } = draft.body {
            if path == "/" {
                return;
            }
            draft.owner = (Owner::root(), Arc::new(Origin::Default));
            draft.mode = (mode::DIRECTORY, Arc::new(Origin::Default));
        }
        self.drafts.push(draft);
    }

    fn excludes(&mut self) -> Option<GlobSet> {
        let mut globs = Vec::new();
        let mut whole = true;
        for (typed, glob) in self.rule.exclude.iter().zip(walk::excludes(self.rule.exclude.iter().map(|e| e.as_str())))
        {
            match glob {
                Ok(glob) => globs.push(glob),
                Err(error) => {
                    self.bad_glob(typed, &error, &typed.origin);
                    whole = false;
                }
            }
        }
        globs.extend(walk::excludes([own::GIT].into_iter()).into_iter().flatten());
        match walk::set(globs) {
            Ok(set) => whole.then_some(set),
            Err(error) => {
                self.bad_glob("exclude", &error, &self.rule.origin);
                None
            }
        }
    }
}
