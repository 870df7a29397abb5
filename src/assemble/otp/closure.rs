//! The applications of a release: those that are asked for, and all that they need.
//!
//! Enters: names with start types, and [`Places`]. Leaves: [`Chosen`] in the order of the `.rel` file, with what is wrong with
//! any of them. What is needed is started as strongly as whoever needs it, unless the config says how.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::config::schema::{AssemblyKind, StartType};
use crate::diagnostic::{Diagnostic, Findings, Severity, Span, codes};

use super::app::{Application, Home};
use super::find::Places;

/// An application of the release.
#[derive(Debug, Clone)]
pub struct Chosen {
    /// What it is.
    pub application: Arc<Application>,
    /// How it is started.
    pub start: StartType,
}

/// One that the config asks for.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Its name.
    pub name: String,
    /// How it is to be started.
    pub start: StartType,
    /// Where the config says so; none for those that every release has.
    pub place: Option<Span>,
}

/// Who needs an application.
#[derive(Debug, Clone)]
enum Needed {
    Asked(Option<Span>),
    Uses(Arc<Application>),
    Includes(Arc<Application>),
}

struct Closure<'a> {
    project: &'a Path,
    places: &'a Places,
    kind: AssemblyKind,
    asked: BTreeMap<&'a str, StartType>,
    found: BTreeMap<String, (Option<Chosen>, usize)>,
    findings: Findings,
}

/// Finds all applications; in the order of the `.rel` file.
pub fn closure(project: &Path, places: &Places, kind: AssemblyKind, asked: &[Asked]) -> (Vec<Chosen>, Findings) {
    let mut all = asked.to_vec();
    let names = |all: &[Asked]| all.iter().map(|one| (one.name.clone(), one.start)).collect::<Vec<_>>();
    let listed = names(&all);
    let mut closure = Closure {
        project,
        places,
        kind,
        asked: listed.iter().map(|(name, start)| (name.as_str(), *start)).collect(),
        found: BTreeMap::new(),
        findings: Findings::new(),
    };
    for one in &all {
        closure.add(&one.name, one.start, &[], &Needed::Asked(one.place.clone()));
    }
    // Its shell: nobody starts it, and it is there for whoever looks into the node.
    if kind == AssemblyKind::Mix && !closure.found.contains_key("iex") {
        all.push(Asked { name: "iex".into(), start: StartType::None, place: None });
        closure.add("iex", StartType::None, &[], &Needed::Asked(None));
    }
    let Closure { found, findings, .. } = closure;
    let order: Vec<String> = match kind {
        AssemblyKind::Mix => {
            let first = all.iter().map(|one| one.name.clone());
            let rest = found.keys().filter(|name| all.iter().all(|one| one.name != **name)).cloned();
            first.chain(rest).collect()
        }
        AssemblyKind::Relx => {
            let mut names: Vec<(&String, usize)> = found.iter().map(|(name, (_, turn))| (name, *turn)).collect();
            names.sort_by_key(|(_, turn)| *turn);
            names.into_iter().map(|(name, _)| name.clone()).collect()
        }
    };
    let mut found: BTreeMap<String, Chosen> =
        found.into_iter().filter_map(|(name, (chosen, _))| Some((name, chosen?))).collect();
    (order.iter().filter_map(|name| found.remove(name)).collect(), findings)
}

impl Closure<'_> {
    fn add(&mut self, name: &str, start: StartType, optional: &[String], needed: &Needed) {
        let start = self.asked.get(name).copied().unwrap_or(start);
        if let Some((chosen, _)) = self.found.get_mut(name) {
            let Some(chosen) = chosen else { return };
            let stronger = chosen.start.stronger(start);
            if stronger == chosen.start || self.asked.contains_key(name) {
                return;
            }
            chosen.start = stronger;
            let application = Arc::clone(&chosen.application);
            for used in &application.uses {
                self.add(used, stronger, &application.optional, &Needed::Uses(Arc::clone(&application)));
            }
            return;
        }
        let Some((dir, home)) = self.places.application(name) else {
            self.missing(name, optional, needed);
            return;
        };
        let application = match Application::read(self.project, &dir, name, home) {
            Ok(application) => Arc::new(application),
            Err(finding) => {
                self.findings.push(finding);
                self.found.insert(name.to_owned(), (None, usize::MAX));
                return;
            }
        };
        self.found.insert(name.to_owned(), (Some(Chosen { application: Arc::clone(&application), start }), usize::MAX));
        let included = matches!(needed, Needed::Includes(_));
        let below = match self.kind {
            // relx starts whatever comes along.
            AssemblyKind::Relx => StartType::Permanent,
            AssemblyKind::Mix if included => StartType::Load,
            AssemblyKind::Mix => start,
        };
        for used in &application.uses {
            self.add(used, below, &application.optional, &Needed::Uses(Arc::clone(&application)));
        }
        for included in &application.includes {
            self.add(included, StartType::Load, &[], &Needed::Includes(Arc::clone(&application)));
        }
        // Where what comes along stands is said by when all that it needs was found.
        let turn = self.found.values().filter(|(_, turn)| *turn != usize::MAX).count();
        if let Some((_, place)) = self.found.get_mut(name) {
            *place = turn;
        }
    }

    fn missing(&mut self, name: &str, optional: &[String], needed: &Needed) {
        let (what, place, who) = match needed {
            Needed::Asked(place) => ("the release asks for it", place.clone(), "[release]".to_owned()),
            Needed::Uses(by) => {
                ("it must be started before", Some(by.place("applications", Some(name))), by.name.clone())
            }
            Needed::Includes(by) => {
                ("it is included here", Some(by.place("included_applications", Some(name))), by.name.clone())
            }
        };
        if optional.iter().any(|other| other == name) {
            let message = format!("the release is without `{name}`, which `{who}` can do without");
            let mut note = Diagnostic::warning(codes::OTP_OPTIONAL, message);
            note.severity = Severity::Note;
            let note = place.iter().fold(note, |note, place| note.at(place, "optional"));
            self.findings.push(note.help(format!("add `{name}` to the dependencies if it is wanted")));
            return;
        }
        let message = format!("there is no application `{name}`");
        let finding = Diagnostic::error(codes::OTP_NO_APPLICATION, message);
        let mut finding = match &place {
            Some(place) => finding.at(place, what),
            None => finding.note("every release has it"),
        };
        if let Some(near) = self.places.nearest(name) {
            finding = finding.help(format!("did you mean `{near}`?"));
        }
        if matches!(needed, Needed::Asked(Some(_))) {
            finding = finding.help("`applications` under `[release]` says which ones are started");
        }
        finding = finding.help("compile it first, or install the package of the distribution that has it");
        self.findings.push(finding.note(format!("looked in {}", self.places.looked(self.project).join(", "))));
        // Once is enough.
        self.found.insert(name.to_owned(), (None, usize::MAX));
    }
}

impl Chosen {
    /// Whether the release has it in its own `lib`.
    pub fn is_inside(&self, erts: bool) -> bool {
        erts || self.application.home != Home::Otp
    }
}
