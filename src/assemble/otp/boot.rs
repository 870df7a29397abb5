//! A release -> the script that the runtime boots by.
//!
//! Enters: applications with their start types in the order of the `.rel` file, and a [`Template`]: the boot file of the OTP
//! that is meant, which says all that another version of OTP has otherwise (modules that are preloaded or loaded first,
//! kernel processes, properties of an application). Leaves: the script as a term. Source: script(4), rel(4).

use std::collections::{BTreeMap, BTreeSet};

use crate::resolve::preset::term::Term;
use crate::resolve::preset::term::make::{atom, list, pair, tuple};

use super::app::Application;
use super::etf::{self, Atoms};
use super::sort::{self, Node};
use crate::config::schema::StartType;

/// What is taken from the OTP's own boot file.
#[derive(Debug, Clone)]
pub struct Template {
    /// How atoms are written.
    pub atoms: Atoms,
    preloaded: Term,
    mandatory: Term,
    processes: Vec<Term>,
    /// Names of properties of an application, with what kernel has there.
    properties: Vec<(String, Term)>,
}

/// One application of a boot script.
#[derive(Debug, Clone, Copy)]
pub struct Part<'a> {
    /// The application.
    pub application: &'a Application,
    /// How it is started.
    pub start: StartType,
    /// Where its modules are, as the script says it: `$ROOT/lib/kernel-8.5.3/ebin`.
    pub path: &'a str,
}

/// What a script has besides its applications.
#[derive(Debug, Clone, Copy)]
pub struct Extra<'a> {
    /// Name of the release.
    pub name: &'a str,
    /// Its version.
    pub version: &'a str,
    /// A folder that is looked into before those of a variable.
    pub first: Option<&'a str>,
    /// Whether configuration providers run before applications start.
    pub providers: bool,
    /// Whether `.erlang` of the home directory is read.
    pub dot_erlang: bool,
}

impl Template {
    /// Reads a boot file; the error says what is wrong with it.
    ///
    /// # Errors
    /// It is no boot script, or lacks what every one has.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        let (script, atoms) = etf::decode(bytes).map_err(|error| error.to_string())?;
        let instructions = match script.tuple() {
            Some([kind, _, instructions]) if kind.atom() == Some("script") => instructions.list(),
            _ => None,
        };
        let instructions = instructions.ok_or("it is no boot script")?;
        let argument = |key: &str| {
            let of = |term: &Term| match term.tuple()? {
                [name, value] if name.atom() == Some(key) => Some(value.clone()),
                _ => None,
            };
            instructions.iter().find_map(of).ok_or_else(|| format!("it has no `{key}`"))
        };
        let is = |term: &&Term, key: &str| term.tuple().and_then(|parts| parts.first()?.atom()) == Some(key);
        let processes: Vec<Term> = instructions.iter().filter(|term| is(term, "kernelProcess")).cloned().collect();
        let kernel = processes.iter().find_map(kernel_of).ok_or("it does not start kernel")?;
        Ok(Self {
            atoms,
            preloaded: argument("preLoaded")?,
            mandatory: argument("primLoad")?,
            processes,
            properties: kernel,
        })
    }
}

/// The properties of kernel that its controller is started with.
fn kernel_of(process: &Term) -> Option<Vec<(String, Term)>> {
    let [_, _, call] = process.tuple()? else { return None };
    let [_, _, arguments] = call.tuple()? else { return None };
    let [kind, name, properties] = arguments.list()?.first()?.tuple()? else { return None };
    if kind.atom() != Some("application") || name.atom() != Some("kernel") {
        return None;
    }
    let pair = |term: &Term| match term.tuple()? {
        [key, value] => Some((key.atom()?.to_owned(), value.clone())),
        _ => None,
    };
    properties.list()?.iter().map(pair).collect()
}

/// The script that starts these applications.
///
/// # Errors
/// Names of applications that wait for each other.
pub fn script(parts: &[Part<'_>], template: &Template, extra: Extra<'_>) -> Result<Term, Vec<String>> {
    let mut nodes: Vec<Node> = parts.iter().map(|part| node(part.application)).collect();
    sort::wait_for_tops(&mut nodes);
    sort::by_position(&mut nodes);
    let sorted: Vec<(&Part<'_>, &Node)> =
        sort::started(&nodes)?.into_iter().map(|index| (&parts[index], &nodes[index])).collect();
    let of_mandatory = |part: &Part<'_>| ["kernel", "stdlib"].contains(&part.application.name.as_str());
    let mut all = vec![
        pair("preLoaded", template.preloaded.clone()),
        pair("progress", atom("preloaded")),
        path(sorted.iter().filter(|(part, _)| of_mandatory(part)).map(|(part, _)| part.path), extra),
        pair("primLoad", template.mandatory.clone()),
        Term::Tuple(vec![atom("kernel_load_completed")]),
        pair("progress", atom("kernel_load_completed")),
    ];
    let loaded: BTreeSet<&str> = [&template.preloaded, &template.mandatory].into_iter().flat_map(atoms_of).collect();
    for (part, _) in &sorted {
        let modules: Vec<&str> = part.application.modules.iter().map(String::as_str).collect();
        let mut modules: Vec<&str> = modules.into_iter().filter(|module| !loaded.contains(module)).collect();
        modules.sort_unstable();
        all.push(path([part.path].into_iter(), extra));
        all.push(pair("primLoad", list(modules.into_iter().map(atom))));
    }
    all.push(pair("progress", atom("modules_loaded")));
    all.push(path(sorted.iter().map(|(part, _)| part.path), extra));
    let packed: BTreeMap<&str, Term> = sorted
        .iter()
        .map(|(part, node)| (part.application.name.as_str(), packed(part.application, node, template)))
        .collect();
    all.extend(template.processes.iter().map(|process| with_kernel(process, &packed)));
    all.push(pair("progress", atom("init_kernel_started")));
    let loading = sorted.iter().filter(|(part, _)| part.application.name != "kernel" && part.start != StartType::None);
    all.extend(
        loading.map(|(part, _)| apply("application", "load", vec![packed[part.application.name.as_str()].clone()])),
    );
    all.push(pair("progress", atom("applications_loaded")));
    all.extend(starts(&sorted, extra));
    if extra.dot_erlang {
        all.push(apply("c", "erlangrc", Vec::new()));
    }
    all.push(pair("progress", atom("started")));
    let identity = Term::Tuple(vec![Term::Text(extra.name.into()), Term::Text(extra.version.into())]);
    Ok(Term::Tuple(vec![atom("script"), identity, Term::List(all, None)]))
}

/// What the order depends on.
pub fn node(application: &Application) -> Node {
    Node { name: application.name.clone(), uses: application.uses.clone(), includes: application.includes.clone() }
}

/// Starts of all that nobody includes and that are to be started.
fn starts(sorted: &[(&Part<'_>, &Node)], extra: Extra<'_>) -> Vec<Term> {
    let included: BTreeSet<&str> = sorted.iter().flat_map(|(_, node)| &node.includes).map(String::as_str).collect();
    let mut all = Vec::new();
    for (part, node) in sorted {
        if included.contains(node.name.as_str()) || !part.start.starts() {
            continue;
        }
        all.push(apply("application", "start_boot", vec![atom(&node.name), atom(part.start.word())]));
        // Behind stdlib, which they are written with, and before whatever they configure.
        if node.name == "stdlib" && extra.providers {
            all.push(apply("Elixir.Config.Provider", "boot", Vec::new()));
        }
    }
    all
}

/// The application as `application:load/1` takes it.
fn packed(application: &Application, node: &Node, template: &Template) -> Term {
    let mut properties = Vec::new();
    for (key, of_kernel) in &template.properties {
        let value = match key.as_str() {
            // Those of kernel are no default.
            "start_phases" | "mod" => continue,
            "applications" => list(node.uses.iter().map(|name| atom(name))),
            "included_applications" => list(node.includes.iter().map(|name| atom(name))),
            "maxT" | "maxP" => application.property(key).cloned().unwrap_or_else(|| atom("infinity")),
            _ => application.property(key).cloned().unwrap_or_else(|| match of_kernel {
                Term::Atom(_) | Term::Number(_) => of_kernel.clone(),
                _ => Term::List(Vec::new(), None),
            }),
        };
        properties.push(pair(key, value));
    }
    let phases = application.property("start_phases").filter(|phases| phases.atom() != Some("undefined"));
    properties.extend(phases.map(|phases| pair("start_phases", phases.clone())));
    let module = application.property("mod").filter(|_| application.start_module.is_some());
    properties.extend(module.map(|module| pair("mod", module.clone())));
    Term::Tuple(vec![atom("application"), atom(&application.name), Term::List(properties, None)])
}

/// A kernel process of the template, started with the kernel of this release.
fn with_kernel(process: &Term, packed: &BTreeMap<&str, Term>) -> Term {
    let (Some([kind, name, call]), Some(kernel)) = (process.tuple(), packed.get("kernel")) else {
        return process.clone();
    };
    match call.tuple() {
        Some([module, function, _]) if kernel_of(process).is_some() => {
            let call = Term::Tuple(vec![module.clone(), function.clone(), list([kernel.clone()])]);
            Term::Tuple(vec![kind.clone(), name.clone(), call])
        }
        _ => process.clone(),
    }
}

/// `{path, Paths}`, each once.
fn path<'p>(paths: impl Iterator<Item = &'p str>, extra: Extra<'_>) -> Term {
    let mut all: Vec<&str> = Vec::new();
    for path in paths {
        if !all.contains(&path) {
            all.push(path);
        }
    }
    if let Some(first) = extra.first.filter(|_| all.iter().any(|path| path.starts_with("$RELEASE_LIB"))) {
        all.insert(0, first);
    }
    pair("path", list(all.into_iter().map(|path| Term::Text(path.to_owned()))))
}

/// `{apply, {Module, Function, [Argument]}}`, of boot scripts and of relups.
pub(super) fn apply(module: &str, function: &str, arguments: Vec<Term>) -> Term {
    pair("apply", tuple([atom(module), atom(function), list(arguments)]))
}

fn atoms_of(term: &Term) -> impl Iterator<Item = &str> {
    term.list().unwrap_or_default().iter().filter_map(Term::atom)
}
