//! Instructions of appups -> the script of a relup, as `systools:make_relup` orders them.
//!
//! Enters: terms as appup(4) has them, and the applications of both sides. Leaves: low-level instructions. Modules that name
//! others of the script go together: processes are suspended in the order of dependency, new modules come in the reverse.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::Applications;
use crate::assemble::otp::boot::apply;
use crate::resolve::preset::term::Term;
use crate::resolve::preset::term::make::{atom, list, tuple};

mod expand;

use expand::expand;

/// Which way a script goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// To the newer version.
    Up,
    /// Back.
    Down,
}

/// Why there is no script: a sentence about an instruction.
pub type Refusal = String;

/// One instruction, its abbreviations written out.
#[derive(Debug, Clone, PartialEq)]
enum Step {
    Update {
        module: String,
        /// Its processes change their state behind the code, downwards too.
        is_static: bool,
        timeout: Term,
        /// What `code_change` gets.
        extra: Extra,
        purge: [Term; 2],
        others: Vec<String>,
    },
    Load {
        module: String,
        purge: [Term; 2],
        others: Vec<String>,
    },
    Delete {
        module: String,
        others: Vec<String>,
    },
    /// As it is.
    Raw(Term),
}

/// What `code_change` of a process gets.
#[derive(Debug, Clone, PartialEq)]
enum Extra {
    /// It is not called.
    NotCalled,
    /// This.
    Of(Term),
}

impl Step {
    fn module(&self) -> Option<(&str, &[String])> {
        match self {
            Self::Update { module, others, .. }
            | Self::Load { module, others, .. }
            | Self::Delete { module, others } => Some((module, others)),
            Self::Raw(_) => None,
        }
    }
}

fn atoms<'a>(names: impl IntoIterator<Item = &'a String>) -> Term {
    list(names.into_iter().map(|name| atom(name)))
}

/// The script that several ones make together. `to` has the applications that it leads to, `from` those that run before.
///
/// # Errors
/// An instruction that is not understood, or names a module or an application that is not there.
pub fn script(way: Way, scripts: &[Vec<Term>], to: &Applications, from: &Applications) -> Result<Vec<Term>, Refusal> {
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for script in scripts {
        let mut steps = Vec::new();
        expand(script, to, from, &mut steps)?;
        let no_return = Step::Raw(atom("point_of_no_return"));
        let at = steps.iter().position(|step| *step == no_return);
        let rest = steps.split_off(at.unwrap_or_default());
        before.extend(steps);
        let (code, rest): (Vec<Step>, Vec<Step>) =
            rest.into_iter().filter(|step| *step != no_return).partition(is_code);
        before.extend(code);
        after.extend(rest);
    }
    let mut parts = Parts { before: Vec::new(), after: Vec::new() };
    for step in before {
        match step {
            Step::Raw(term) => parts.before.push(term),
            _ => return Err("before `point_of_no_return` only `load_object_code` and `apply` may stand".to_owned()),
        }
    }
    let groups = groups(&after)?;
    let mut done = BTreeSet::new();
    for step in &after {
        match step.module() {
            None => parts.after.extend(if let Step::Raw(term) = step { Some(term.clone()) } else { None }),
            Some((module, _)) => {
                let group = groups.get(module).map(AsRef::as_ref).unwrap_or_default();
                if done.insert(group.first().copied()) {
                    let group: Vec<&Step> = group.iter().map(|at| &after[*at]).collect();
                    parts.low(way, &group, to)?;
                }
            }
        }
    }
    Ok(parts.whole(way))
}

fn is_code(step: &Step) -> bool {
    matches!(step, Step::Raw(term) if term.tuple().and_then(|all| all.first()?.atom()) == Some("load_object_code"))
}

/// What belongs together, by module: indexes of steps in the order of dependency.
fn groups(steps: &[Step]) -> Result<BTreeMap<&str, Rc<[usize]>>, Refusal> {
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    for (at, (module, _)) in steps.iter().enumerate().filter_map(|(at, step)| Some((at, step.module()?))) {
        if places.insert(module, at).is_some() {
            return Err(format!("the module `{module}` has more than one instruction"));
        }
    }
    let mut near: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    for (module, at) in &places {
        for other in steps[*at].module().map(|(_, others)| others).unwrap_or_default() {
            let to = *places
                .get(other.as_str())
                .ok_or_else(|| format!("`{module}` depends on `{other}`, which has no instruction"))?;
            near.entry(*at).or_default().insert(to);
            near.entry(to).or_default().insert(*at);
        }
    }
    let mut groups = BTreeMap::new();
    for (module, at) in &places {
        if groups.contains_key(module) {
            continue;
        }
        let (mut group, mut waiting) = (BTreeSet::new(), vec![*at]);
        while let Some(at) = waiting.pop() {
            if group.insert(at) {
                waiting.extend(near.get(&at).into_iter().flatten());
            }
        }
        let order: Rc<[usize]> = ordered(steps, &places, group).into();
        for member in order.iter().filter_map(|at| steps[*at].module()) {
            groups.insert(member.0, Rc::clone(&order));
        }
    }
    Ok(groups)
}

/// Who depends on others comes before them; what depends on each other, or on nothing, in the order of the script.
fn ordered(steps: &[Step], places: &BTreeMap<&str, usize>, mut left: BTreeSet<usize>) -> Vec<usize> {
    let wants = |at: usize| -> BTreeSet<usize> {
        let names = steps[at].module().map(|(_, names)| names).unwrap_or_default();
        names.iter().filter_map(|name| places.get(name.as_str()).copied()).filter(|other| *other != at).collect()
    };
    let mut wanted: BTreeMap<usize, usize> = BTreeMap::new();
    for other in left.iter().flat_map(|at| wants(*at)) {
        *wanted.entry(other).or_default() += 1;
    }
    let mut free: BTreeSet<usize> = left.iter().copied().filter(|at| !wanted.contains_key(at)).collect();
    let mut order = Vec::new();
    while let Some(next) = free.first().or(left.first()).copied() {
        free.remove(&next);
        left.remove(&next);
        order.push(next);
        for other in wants(next) {
            let count = wanted.entry(other).or_default();
            *count = count.saturating_sub(1);
            if *count == 0 && left.contains(&other) {
                free.insert(other);
            }
        }
    }
    order
}

/// What a script is made of.
struct Parts {
    before: Vec<Term>,
    after: Vec<Term>,
}

impl Parts {
    /// Adds what one group becomes.
    fn low(&mut self, way: Way, group: &[&Step], to: &Applications) -> Result<(), Refusal> {
        let mut updates: Vec<(String, Term)> = Vec::new();
        let mut loads: Vec<Vec<Term>> = Vec::new();
        let mut changes: [Vec<Term>; 2] = [Vec::new(), Vec::new()];
        for step in group {
            match step {
                Step::Update { module, is_static, timeout, extra, purge, .. } => {
                    updates.push((module.clone(), timeout.clone()));
                    loads.push(vec![self.load(module, purge, to)?]);
                    let behind = usize::from(way == Way::Up || *is_static);
                    if let Extra::Of(extra) = extra {
                        changes[behind].push(tuple([atom(module), extra.clone()]));
                    }
                }
                Step::Load { module, purge, .. } => loads.push(vec![self.load(module, purge, to)?]),
                Step::Delete { module, .. } => loads.push(removed(std::slice::from_ref(module))),
                Step::Raw(_) => {}
            }
        }
        if way == Way::Up {
            loads.reverse();
        }
        let suspended = updates.iter().map(|(module, timeout)| match timeout.atom() {
            Some("default") => atom(module),
            _ => tuple([atom(module), timeout.clone()]),
        });
        let suspended: Vec<Term> = suspended.collect();
        let is_one = !suspended.is_empty();
        self.after.extend(is_one.then(|| tuple([atom("suspend"), list(suspended)])));
        let word = if way == Way::Up { "up" } else { "down" };
        let change = |all: Vec<Term>| (!all.is_empty()).then(|| tuple([atom("code_change"), atom(word), list(all)]));
        let [first, behind] = changes;
        self.after.extend(change(first));
        self.after.extend(loads.into_iter().flatten());
        self.after.extend(change(behind));
        self.after
            .extend(is_one.then(|| tuple([atom("resume"), atoms(updates.iter().rev().map(|(module, _)| module))])));
        Ok(())
    }

    /// The instruction that takes a module, and the one that reads it.
    fn load(&mut self, module: &str, purge: &[Term; 2], to: &Applications) -> Result<Term, Refusal> {
        let (name, version) =
            to.of_module(module).ok_or_else(|| format!("no application has the module `{module}`"))?;
        let code = tuple([atom(name), Term::Text(version.to_owned()), list(vec![atom(module)])]);
        self.before.push(tuple([atom("load_object_code"), code]));
        Ok(tuple([atom("load"), tuple([atom(module), purge[0].clone(), purge[1].clone()])]))
    }

    fn whole(self, way: Way) -> Vec<Term> {
        let new_emulator = atom("restart_new_emulator");
        let old_emulator = atom("restart_emulator");
        let is_new = self.after.contains(&new_emulator);
        let mut restarts = self.after.contains(&old_emulator);
        let mut whole = Vec::new();
        if is_new && way == Way::Up {
            whole.push(new_emulator.clone());
        }
        restarts |= is_new && way == Way::Down;
        whole.extend(merged(self.before));
        whole.push(atom("point_of_no_return"));
        whole.extend(self.after.into_iter().filter(|term| *term != new_emulator && *term != old_emulator));
        whole.extend(restarts.then_some(old_emulator));
        whole
    }
}

/// One `load_object_code` for each application, then the rest.
fn merged(before: Vec<Term>) -> Vec<Term> {
    let mut code: Vec<(Term, Term, Vec<Term>)> = Vec::new();
    let mut rest = Vec::new();
    for term in before {
        let parts = match term.tuple() {
            Some([word, what]) if word.atom() == Some("load_object_code") => what.tuple(),
            _ => None,
        };
        let Some([name, version, modules]) = parts else {
            rest.push(term);
            continue;
        };
        let modules = modules.list().unwrap_or_default();
        match code.iter_mut().find(|(other, _, _)| other == name) {
            Some((_, _, all)) => {
                let new: Vec<Term> = modules.iter().filter(|module| !all.contains(module)).cloned().collect();
                all.extend(new);
            }
            None => code.push((name.clone(), version.clone(), modules.to_vec())),
        }
    }
    let code = code
        .into_iter()
        .map(|(name, version, modules)| tuple([atom("load_object_code"), tuple([name, version, list(modules)])]));
    code.chain(rest).collect()
}

/// What takes modules out.
fn removed(modules: &[String]) -> Vec<Term> {
    let brutal = || atom("brutal_purge");
    let remove = modules.iter().map(|module| tuple([atom("remove"), tuple([atom(module), brutal(), brutal()])]));
    remove.chain([tuple([atom("purge"), atoms(modules)])]).collect()
}
