//! Tests of the whole room: a folder and rules in, a Plan or findings out.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use super::gaps::Gaps;
use super::plan::*;
use super::sample::{fact, plan_of};
use super::{Assembled, assemble, plan};
use crate::diagnostic::{Code, Diagnostic, Findings, Origin, SourceText, Span, has_errors};
use crate::listener::Silent;
use crate::resolve::own::Kept;
use crate::resolve::{Release, Rule, Take, preset};

mod conflicts;
mod documents;
mod loader;
mod natives;
mod owners;
mod services;
mod trees;

/// A project in a temporary folder, with the release that packages it.
struct Project {
    folder: tempfile::TempDir,
    release: Release,
    config: String,
}

/// What came of it.
struct Outcome {
    result: Result<Plan, Findings>,
    heard: Findings,
    sources: Sources,
}

const FULL: Abilities = Abilities {
    owners: true,
    capabilities: true,
    hardlinks: true,
    ghosts: false,
    dialect: Dialect::Plain,
    largest_file: u64::MAX,
};

impl Project {
    fn new() -> Self {
        let plan = plan_of(Vec::new());
        let folder = tempfile::tempdir().unwrap();
        let release = Release {
            project: folder.path().to_path_buf(),
            output: Vec::new(),
            kept: Kept {
                own: vec![folder.path().join("dist"), folder.path().join("fitout.toml")],
                configs: Vec::new(),
                secrets: vec![folder.path().join("secret/key.asc")],
            },
            identity: plan.identity,
            target: plan.target,
            environment: None,
            clock: plan.clock,
            formats: vec![
                ("deb", Abilities { capabilities: false, dialect: Dialect::Deb, ..FULL }),
                ("rpm", Abilities { ghosts: true, dialect: Dialect::Rpm, ..FULL }),
                ("zip", Abilities { owners: false, capabilities: false, hardlinks: false, ..FULL }),
            ],
            rules: Vec::new(),
            bundle: Vec::new(),
            prefix: "/usr/lib/hello".into(),
            holes: [("name".to_owned(), "hello".to_owned()), ("version".to_owned(), "1.4".to_owned())].into(),
            changelog: plan.changelog,
            license_text: None,
            lintian_overrides: Vec::new(),
            lifecycle: plan.lifecycle,
            templates: Default::default(),
            services: Vec::new(),
            accounts: Vec::new(),
            deb: plan.deb,
            rpm: plan.rpm,
            tarball: plan.tarball,
            zip: plan.zip,
            image: plan.image,
        };
        Self { folder, release, config: (1..100).fold(String::new(), |text, n| format!("{text}rule {n}\n")) }
    }

    fn at(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// A file with its parents.
    fn file(&mut self, name: &str, content: impl AsRef<[u8]>) -> &mut Self {
        let path = self.at(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, content).unwrap();
        self
    }

    fn mode(&mut self, name: &str, mode: u32) -> &mut Self {
        fs_err::set_permissions(self.at(name), std::fs::Permissions::from_mode(mode)).unwrap();
        self
    }

    fn link(&mut self, name: &str, target: impl AsRef<Path>) -> &mut Self {
        let path = self.at(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(target, path).unwrap();
        self
    }

    /// A rule; the first is said to stand in line 1 of the config, and so on.
    fn rule(&mut self, take: Take, to: &str, change: impl FnOnce(&mut Rule)) -> &mut Self {
        let line = self.release.rules.len();
        let start = self.config.match_indices('\n').nth(line).map_or(0, |(at, _)| at) - 4;
        let source = Arc::new(SourceText { name: "fitout.toml".into(), text: self.config.clone() });
        let origin = Origin::Config(Span::new(&source, start..start + 1));
        let mut rule = preset::rule(String::new(), to.into(), Churn::Application, origin);
        rule.take = take;
        change(&mut rule);
        self.release.rules.push(rule);
        self
    }

    fn from(&mut self, from: &str, to: &str) -> &mut Self {
        self.rule(Take::Path(from.into()), to, |_| ())
    }

    fn run(&self) -> Outcome {
        let mut sources = Sources::default();
        let Assembled { plan, findings, .. } = assemble(&self.release, Gaps::default(), &mut sources, &Silent);
        let (result, heard) = if has_errors(&findings) { (Err(findings), Vec::new()) } else { (Ok(plan), findings) };
        Outcome { result, heard, sources }
    }

    fn plan(&self) -> Plan {
        let outcome = self.run();
        outcome.result.unwrap_or_else(|findings| panic!("{findings:#?}"))
    }

    /// The findings that stopped it.
    fn refused(&self) -> Findings {
        self.run().result.expect_err("a refusal")
    }

    /// The one finding that stopped it.
    fn refusal(&self, code: Code) -> Diagnostic {
        let mut findings = self.refused();
        assert_eq!(findings.len(), 1, "{findings:#?}");
        let finding = findings.remove(0);
        assert_eq!(finding.code, code, "{finding:#?}");
        assert!(!finding.helps.is_empty() && !finding.message.ends_with('.'), "{finding:#?}");
        assert!(!finding.labels.is_empty(), "{finding:#?}");
        finding
    }
}

/// The entry at a path, which must be there once.
fn entry<'p>(plan: &'p Plan, path: &str) -> &'p Entry {
    let mut found = plan.entries.iter().filter(|entry| entry.path.as_ref() == path);
    let first = found.next().unwrap_or_else(|| panic!("{path} is not among {:?}", paths(plan)));
    assert!(found.next().is_none(), "{path} is there twice");
    first
}

/// All paths but shared directories and what fitout generates.
fn paths(plan: &Plan) -> Vec<&str> {
    let kept = plan.entries.iter().filter(|entry| {
        !matches!(entry.kind, Kind::Directory { shared: true })
            && !matches!(*entry.origin, Origin::Generated { .. })
            && !entry.path.starts_with("/usr/share/doc/")
            && !entry.path.starts_with("/usr/share/licenses/")
    });
    kept.map(|entry| entry.path.as_ref()).collect()
}

/// Content of an entry.
fn bytes(outcome: &Outcome, path: &str) -> Vec<u8> {
    let plan = outcome.result.as_ref().unwrap_or_else(|findings| panic!("{findings:#?}"));
    let Kind::File(source) = &entry(plan, path).kind else { panic!("{path} is no file") };
    match &outcome.sources.list()[source.id.0 as usize] {
        Content::Made(bytes) => bytes.to_vec(),
        Content::File { path, .. } => fs_err::read(path).unwrap(),
        Content::Patched { .. } | Content::Slice { .. } => panic!("{path} is no whole file of the builder"),
    }
}

/// Every Plan: sorted, unique in each format, parents present, links sorted after what they point to.
fn check_invariants(plan: &plan::Plan) {
    for format in &plan.formats {
        let entries: Vec<&Entry> = plan.entries_for(format).collect();
        for pair in entries.windows(2) {
            assert!(pair[0].path < pair[1].path, "{} and {} in {format}", pair[0].path, pair[1].path);
        }
        let kind = |path: &str| entries.binary_search_by(|e| e.path.as_ref().cmp(path)).ok().map(|i| &entries[i].kind);
        for entry in &entries {
            if let Some(parent) = super::path::parent(&entry.path) {
                assert!(
                    matches!(kind(parent), Some(Kind::Directory { .. })),
                    "the parent of {} in {format}",
                    entry.path
                );
            }
            if let Kind::Hardlink { target } = &entry.kind {
                assert!(
                    target < &entry.path && matches!(kind(target), Some(Kind::File(_))),
                    "{} in {format}",
                    entry.path
                );
            }
        }
    }
}
