//! Instructions as a person writes them -> with their abbreviations written out.
//!
//! Enters: the terms of an appup(4). Leaves: [`Step`]s; instructions about applications become those about their modules.

use super::{Applications, Extra, Refusal, Step, apply, atom, list, removed};
use crate::resolve::preset::term::Term;

/// Instructions with their abbreviations written out.
pub(super) fn expand(
    script: &[Term],
    to: &Applications,
    from: &Applications,
    steps: &mut Vec<Step>,
) -> Result<(), Refusal> {
    for term in script {
        match term {
            Term::List(inner, None) => expand(inner, to, from, steps)?,
            Term::Tuple(parts) => {
                let word = parts.first().and_then(Term::atom).unwrap_or_default();
                let parts = parts.get(1..).unwrap_or_default();
                let refused = || format!("`{term:#}` is no instruction of an appup");
                match word {
                    "update" => steps.push(update(parts).ok_or_else(refused)?),
                    "load_module" | "add_module" => steps.push(load(parts).ok_or_else(refused)?),
                    "delete_module" => steps.push(delete(parts).ok_or_else(refused)?),
                    "add_application" | "remove_application" | "restart_application" => {
                        application(word, parts, to, from, steps).ok_or_else(|| {
                            format!("`{term:#}` names an application that is not there, or is there still")
                        })?;
                    }
                    "load_object_code" | "load" | "remove" | "purge" | "suspend" | "resume" | "code_change"
                    | "stop" | "start" | "sync_nodes" | "apply" => steps.push(Step::Raw(term.clone())),
                    _ => return Err(refused()),
                }
            }
            Term::Atom(word)
                if matches!(word.as_str(), "point_of_no_return" | "restart_new_emulator" | "restart_emulator") =>
            {
                steps.push(Step::Raw(term.clone()));
            }
            _ => return Err(format!("`{term:#}` is no instruction of an appup")),
        }
    }
    Ok(())
}

fn names(term: &Term) -> Option<Vec<String>> {
    term.list()?.iter().map(|name| name.atom().map(str::to_owned)).collect()
}

fn purges(before: &Term, behind: &Term) -> Option<[Term; 2]> {
    let is_one = |term: &Term| matches!(term.atom(), Some("soft_purge" | "brutal_purge"));
    (is_one(before) && is_one(behind)).then(|| [before.clone(), behind.clone()])
}

fn brutally() -> [Term; 2] {
    [atom("brutal_purge"), atom("brutal_purge")]
}

/// What `code_change` gets: `{advanced, Extra}`; it is not called for `soft`. Nothing else is a change.
fn change(term: &Term) -> Option<Extra> {
    match term {
        Term::Atom(word) if word == "soft" => Some(Extra::NotCalled),
        Term::Tuple(parts) => match parts.as_slice() {
            [word, extra] if word.atom() == Some("advanced") => Some(Extra::Of(extra.clone())),
            _ => None,
        },
        _ => None,
    }
}

fn update(parts: &[Term]) -> Option<Step> {
    let module = parts.first()?.atom()?.to_owned();
    let default = || atom("default");
    let step = |extra, others| {
        let timeout = default();
        Some(Step::Update { module: module.clone(), is_static: false, timeout, extra, purge: brutally(), others })
    };
    match &parts[1..] {
        [] => step(Extra::NotCalled, Vec::new()),
        [one] if one.atom() == Some("supervisor") => Some(Step::Update {
            module,
            is_static: true,
            timeout: default(),
            extra: Extra::Of(list(Vec::new())),
            purge: brutally(),
            others: Vec::new(),
        }),
        [one @ Term::List(..)] => step(Extra::NotCalled, names(one)?),
        [one] => step(change(one)?, Vec::new()),
        [one, others] => step(change(one)?, names(others)?),
        [rest @ .., how, before, behind, others] if rest.len() <= 2 => {
            let kind = if rest.len() == 2 { rest[0].atom()? } else { "dynamic" };
            let timeout = rest.last().cloned().unwrap_or_else(default);
            let is_static = match kind {
                "static" => true,
                "dynamic" => false,
                _ => return None,
            };
            let (extra, purge, others) = (change(how)?, purges(before, behind)?, names(others)?);
            Some(Step::Update { module, is_static, timeout, extra, purge, others })
        }
        _ => None,
    }
}

fn load(parts: &[Term]) -> Option<Step> {
    let module = parts.first()?.atom()?.to_owned();
    match &parts[1..] {
        [] => Some(Step::Load { module, purge: brutally(), others: Vec::new() }),
        [others] => Some(Step::Load { module, purge: brutally(), others: names(others)? }),
        [before, behind, others] => Some(Step::Load { module, purge: purges(before, behind)?, others: names(others)? }),
        _ => None,
    }
}

fn delete(parts: &[Term]) -> Option<Step> {
    let module = parts.first()?.atom()?.to_owned();
    match &parts[1..] {
        [] => Some(Step::Delete { module, others: Vec::new() }),
        [others] => Some(Step::Delete { module, others: names(others)? }),
        _ => None,
    }
}

/// An application comes, goes, or both.
fn application(
    word: &str,
    parts: &[Term],
    to: &Applications,
    from: &Applications,
    steps: &mut Vec<Step>,
) -> Option<()> {
    let name = parts.first()?.atom()?;
    let asked = parts.get(1).and_then(Term::atom);
    if word == "remove_application" && to.get(name).is_some() {
        return None;
    }
    if word != "add_application" {
        let modules = &from.get(name)?.modules;
        steps.push(Step::Raw(apply("application", "stop", vec![atom(name)])));
        steps.extend(removed(modules).into_iter().map(Step::Raw));
    }
    if word == "remove_application" {
        steps.push(Step::Raw(apply("application", "unload", vec![atom(name)])));
        return Some(());
    }
    let comes = to.get(name)?;
    let new = |module: &String| Step::Load { module: module.clone(), purge: brutally(), others: Vec::new() };
    steps.extend(comes.modules.iter().map(new));
    let kind = if word == "add_application" { asked.unwrap_or("permanent") } else { comes.kind.as_str() };
    match kind {
        "none" => {}
        "load" => steps.push(Step::Raw(apply("application", "load", vec![atom(name)]))),
        kind => steps.push(Step::Raw(apply("application", "start", vec![atom(name), atom(kind)]))),
    }
    Some(())
}
