//! What would stop the node at its start, told before: what `systools` looks for, and what it does not.
//!
//! Enters: all applications of a release. Leaves: every finding at once, each at its place in an `.app` file.

use std::collections::{BTreeMap, BTreeSet};

use crate::assemble::content;
use crate::config::schema::StartType;
use crate::diagnostic::{Diagnostic, Findings, codes};

use super::app::Application;
use super::boot;
use super::closure::Chosen;
use super::find::names;
use super::sort;
use super::wanted::Wanted;

/// Modules that a finding names.
const NAMED: usize = 5;

/// All that is wrong with the applications together.
pub fn check(wanted: &Wanted, chosen: &[Chosen]) -> Findings {
    let mut findings = Findings::new();
    versions(wanted, chosen, &mut findings);
    order(chosen, &mut findings);
    start_types(chosen, &mut findings);
    let of = |names: fn(&Application) -> &[String]| owners(chosen, names);
    for (module, all) in of(|application| &application.modules) {
        findings.extend(twice(&module, &all, "modules"));
    }
    for (name, all) in of(|application| &application.registered) {
        findings.extend(twice(&name, &all, "registered"));
    }
    for (name, all) in of(|application| &application.includes) {
        findings.extend(twice(&name, &all, "included_applications"));
    }
    modules(wanted, chosen, &mut findings);
    findings
}

fn versions(wanted: &Wanted, chosen: &[Chosen], findings: &mut Findings) {
    for (name, version, place) in &wanted.versions {
        let Some(found) = chosen.iter().find(|chosen| chosen.application.name == *name) else {
            let message = format!("the release has no application `{name}`");
            let finding = Diagnostic::error(codes::OTP_VERSION, message).at(place, "this version is of none");
            findings.push(finding.help("take the line out, or ask for the application in `applications`"));
            continue;
        };
        let application = &found.application;
        if application.version != *version {
            let message = format!("`{name}` is {}, and {version} is asked for", application.version);
            findings.push(
                Diagnostic::error(codes::OTP_VERSION, message)
                    .at(place, "this version is asked for")
                    .at(&application.place("vsn", None), "and this one is there")
                    .help(format!("compile version {version}, or ask for {}", application.version)),
            );
        }
    }
}

/// Who lists each name.
fn owners(chosen: &[Chosen], names: fn(&Application) -> &[String]) -> BTreeMap<String, Vec<&Application>> {
    let mut all: BTreeMap<String, Vec<&Application>> = BTreeMap::new();
    for chosen in chosen {
        for name in names(&chosen.application) {
            all.entry(name.clone()).or_default().push(&chosen.application);
        }
    }
    all.retain(|_, owners| owners.len() > 1);
    all
}

fn twice(name: &str, owners: &[&Application], key: &str) -> Option<Diagnostic> {
    let [first, second, ..] = owners else { return None };
    let (code, message, help) = match key {
        "modules" => (
            codes::OTP_MODULE,
            format!("the module `{name}` is in `{}` and in `{}`", first.name, second.name),
            "a node has one module of a name: take one of the applications out, or rename the module",
        ),
        "registered" => (
            codes::OTP_REGISTERED,
            format!("a process `{name}` is registered by `{}` and by `{}`", first.name, second.name),
            "a node has one process of a name: the second start would fail",
        ),
        _ => (
            codes::OTP_INCLUDED,
            format!("`{name}` is included in `{}` and in `{}`", first.name, second.name),
            "an application is started by one other: make one of them use it, in `applications`",
        ),
    };
    let finding = Diagnostic::error(code, message).at(&second.place(key, Some(name)), "here");
    Some(finding.at(&first.place(key, Some(name)), "and here").help(help))
}

fn order(chosen: &[Chosen], findings: &mut Findings) {
    let mut nodes: Vec<sort::Node> = chosen.iter().map(|chosen| boot::node(&chosen.application)).collect();
    sort::wait_for_tops(&mut nodes);
    sort::by_position(&mut nodes);
    if let Err(circle) = sort::started(&nodes) {
        findings.push(self::circle(chosen, &circle));
    }
}

/// Draws a circle of applications.
pub fn circle(chosen: &[Chosen], names: &[String]) -> Diagnostic {
    let message = format!("applications wait for each other: {}", names.join(" -> "));
    let mut finding = Diagnostic::error(codes::OTP_CIRCLE, message);
    for pair in names.windows(2) {
        let [from, to] = pair else { continue };
        let Some(found) = chosen.iter().find(|chosen| chosen.application.name == *from) else { continue };
        let key = if found.application.uses.contains(to) { "applications" } else { "included_applications" };
        finding = finding.at(&found.application.place(key, Some(to)), format!("`{from}` waits for `{to}`"));
    }
    finding.help("none of them could be started first: take one of the dependencies out")
}

fn start_types(chosen: &[Chosen], findings: &mut Findings) {
    let started: BTreeMap<&str, &Chosen> =
        chosen.iter().map(|chosen| (chosen.application.name.as_str(), chosen)).collect();
    let included: BTreeSet<&str> =
        chosen.iter().flat_map(|chosen| &chosen.application.includes).map(String::as_str).collect();
    for user in chosen.iter().filter(|chosen| chosen.start.starts()) {
        let application = &user.application;
        for used in &application.uses {
            let Some(found) = started.get(used.as_str()).filter(|used| !used.start.starts()) else { continue };
            if included.contains(used.as_str()) {
                continue;
            }
            let other = if found.start == StartType::Load { "only loaded" } else { "neither loaded nor started" };
            let message = format!("`{}` is started, and `{used}`, which it needs, is {other}", application.name);
            findings.push(
                Diagnostic::error(codes::OTP_START_TYPE, message)
                    .at(
                        &application.place("applications", Some(used)),
                        format!("`{}` needs it to be started before", application.name),
                    )
                    .help(format!("set `{used} = \"{}\"` in `applications` under `[release]`", user.start.word()))
                    .help(format!("or start `{}` by hand, and set it to `load`", application.name)),
            );
        }
    }
    for name in ["kernel", "stdlib"] {
        let other = started.get(name).filter(|chosen| chosen.start != StartType::Permanent);
        findings.extend(other.map(|chosen| {
            let message = format!("`{name}` is {}, and no node can do without it", chosen.start.word());
            Diagnostic::error(codes::OTP_START_TYPE, message)
                .at(&chosen.application.place("vsn", None), "this application")
                .help(format!("take `{name}` out of `applications` under `[release]`"))
        }));
    }
}

/// Modules that are listed and not there.
fn modules(wanted: &Wanted, chosen: &[Chosen], findings: &mut Findings) {
    let known: BTreeSet<&str> = chosen.iter().flat_map(|c| &c.application.modules).map(String::as_str).collect();
    for Chosen { application, .. } in chosen {
        let there: BTreeSet<String> = names(&application.dir.join("ebin")).into_iter().collect();
        let has = |module: &str| there.contains(&format!("{module}.beam"));
        let missing: Vec<&String> = application.modules.iter().filter(|module| !has(module)).collect();
        let shown = content::show(&wanted.project, &application.dir.join("ebin"));
        if let Some(first) = missing.first() {
            let named: Vec<String> = missing.iter().take(NAMED).map(|module| format!("`{module}`")).collect();
            let more = missing.len().saturating_sub(NAMED);
            let more = if more == 0 { String::new() } else { format!(" and {more} more") };
            let message = format!("modules of `{}` are not compiled: {}{more}", application.name, named.join(", "));
            findings.push(
                Diagnostic::error(codes::OTP_NO_MODULE, message)
                    .at(&application.place("modules", Some(first)), format!("`{shown}` has no `{first}.beam`"))
                    .help("compile the application anew: the node would stop while it loads them"),
            );
        }
        let Some(module) = &application.start_module else { continue };
        if !has(module) && !known.contains(module.as_str()) {
            let message = format!("`{}` is started by `{module}`, which is no module of the release", application.name);
            let mut finding = Diagnostic::error(codes::OTP_NO_MODULE, message)
                .at(&application.place("mod", Some(module)), format!("`{shown}` has no `{module}.beam`"));
            let near = crate::config::suggest::nearest(module, application.modules.iter().map(String::as_str));
            if let Some(near) = near {
                finding = finding.help(format!("did you mean `{near}`?"));
            }
            findings.push(finding.help("name the callback module in `mod`, or leave `mod` out of a library"));
        }
    }
}
