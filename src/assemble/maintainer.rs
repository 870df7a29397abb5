//! The lifecycle's steps, said in a dialect: dpkg's maintainer scripts, rpm's scriptlets, an archive's `install.sh`.
//!
//! Enters: a Plan. Leaves: one script for each moment of the dialect. What fitout generates comes from
//! `templates/maintainer`. Around the user's text stands what must be there before it (accounts, directories) and what
//! must come after it (units), so that text runs in a subshell, which it may end by `exit 0` anywhere. Triggers are not
//! scripts of a moment: a format that knows them reads them from the steps.
//!
//! The order within each moment, from first to last: moved config files, accounts, directories, owners, capabilities,
//! secrets, `[package.scripts]`, `[format.X.scripts]`, hooks of services, units. A removal goes the other way round.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::plan::{Dialect, Entry, Plan, Script, Service, Step};
use crate::diagnostic::{Diagnostic, Findings, Origin};
use crate::resolve::lifecycle::{Moment, OnUpgrade, Unit};

mod deb;
mod plain;
mod rpm;
#[cfg(test)]
mod tests;

/// Scripts by the dialect's own word for the moment (`postinst`, `preun`).
///
/// # Errors
/// A value that no script can hold.
pub fn scripts(plan: &Plan, dialect: Dialect) -> Result<BTreeMap<&'static str, Script>, Findings> {
    let parts = match dialect {
        Dialect::Deb => deb::parts(plan),
        Dialect::Rpm => rpm::parts(plan),
        Dialect::Plain => return plain::scripts(plan).map_err(|error| vec![Diagnostic::from(error)]),
        Dialect::None => Ok(Vec::new()),
    };
    let parts = parts.map_err(|error| vec![Diagnostic::from(error)])?;
    let mut scripts = of_user(plan, dialect);
    for part in parts {
        let moment = part.moment;
        let user = scripts.remove(moment);
        if let Some(whole) = part.around(user, dialect) {
            scripts.insert(moment, whole);
        }
    }
    Ok(scripts)
}

/// The scripts of `[format.X.scripts]`. Several of one moment become one, run by the program of the first.
fn of_user(plan: &Plan, dialect: Dialect) -> BTreeMap<&'static str, Script> {
    let mut scripts: BTreeMap<&'static str, Script> = BTreeMap::new();
    for step in &plan.lifecycle.steps {
        match step {
            Step::Script { dialect: of, moment, script } if *of == dialect => {
                scripts.entry(moment).and_modify(|whole| append(whole, script)).or_insert_with(|| script.clone());
            }
            _ => {}
        }
    }
    scripts
}

/// What fitout adds to the script of one moment.
struct Part {
    moment: &'static str,
    /// The template that most of it comes from.
    origin: &'static str,
    /// Before the user's text.
    before: String,
    /// After it.
    after: String,
}

impl Part {
    /// The whole script; none if there is nothing to run.
    fn around(self, user: Option<Script>, dialect: Dialect) -> Option<Script> {
        let (before, after) = (self.before, self.after);
        let lines = |text: &str| text.lines().any(|line| !line.trim().is_empty());
        match user {
            None if !lines(&before) && !lines(&after) => None,
            Some(user) if !lines(&before) && !lines(&after) => Some(user),
            None => {
                let text = match dialect {
                    Dialect::Deb => format!("#!/bin/sh\nset -e\n{before}{after}exit 0\n"),
                    _ => format!("{before}{after}{}", rpm::end(&format!("{before}{after}"))),
                };
                let origin = Origin::Template { name: self.origin };
                Some(Script { text, interpreter: vec!["/bin/sh".into()], origin })
            }
            Some(mut user) => {
                let (first, rest) = match user.text.split_once('\n') {
                    Some((first, rest)) if first.starts_with("#!") => (format!("{first}\n"), rest),
                    None if user.text.starts_with("#!") => (format!("{}\n", user.text), ""),
                    _ => (String::new(), user.text.as_str()),
                };
                let told = format!("{} {first}", user.interpreter.join(" "));
                let body = subshell(&told, rest, "");
                user.text = match dialect {
                    Dialect::Deb => format!("{first}set -e\n{before}{body}{after}"),
                    _ => rpm::around(self.moment, &first, &body, &before, &after),
                };
                Some(user)
            }
        }
    }
}

/// A text of the user in a subshell: it may end by `exit` where it likes, and stops at a failure only if its `#!` line or
/// its interpreter's arguments say so.
fn subshell(first: &str, text: &str, arguments: &str) -> String {
    let end = if text.ends_with('\n') || text.is_empty() { "" } else { "\n" };
    let is_option = |word: &str| word.starts_with('-') && !word.starts_with("--");
    let stops = first.split_whitespace().any(|word| is_option(word) && word.contains('e'));
    let sign = if stops { '-' } else { '+' };
    format!("(\nset {sign}e\n{arguments}{text}{end})\n")
}

/// The user's script of a moment of `[package.scripts]`; `$1` is `argument` in it.
fn of_moment(plan: &Plan, wanted: Moment, argument: &str) -> String {
    let texts = plan.lifecycle.steps.iter().filter_map(|step| match step {
        Step::User { moment, script } if *moment == wanted => Some(script.text.as_str()),
        _ => None,
    });
    texts.fold(String::new(), |scripts, text| {
        let (first, body) = match text.split_once('\n') {
            Some((first, rest)) if first.starts_with("#!") => (first, rest),
            _ => ("", text),
        };
        scripts
            + &format!(
                "# {}\n{}",
                wanted.word(),
                subshell(first, body, &format!("{}\n", format!("set -- {argument}").trim_end()))
            )
    })
}

/// Puts a further script behind `whole`; only the first keeps its `#!` line.
fn append(whole: &mut Script, next: &Script) {
    if !whole.text.is_empty() && !whole.text.ends_with('\n') {
        whole.text.push('\n');
    }
    let text = match next.text.split_once('\n') {
        Some((first, rest)) if first.starts_with("#!") => rest,
        None if next.text.starts_with("#!") => "",
        _ => &next.text,
    };
    whole.text.push_str(text);
}

/// What the dialects say of the same steps.
struct Shared {
    /// Name of the files of sysusers.d and tmpfiles.d.
    conf: String,
    accounts: bool,
    directories: Vec<Value>,
    secrets: Vec<String>,
}

impl Shared {
    fn is_empty(&self) -> bool {
        !self.accounts && self.directories.is_empty() && self.secrets.is_empty()
    }
}

fn shared(plan: &Plan) -> Shared {
    let conf = format!("{}.conf", plan.identity.name.value);
    let mut shared = Shared { conf, accounts: false, directories: Vec::new(), secrets: Vec::new() };
    for step in &plan.lifecycle.steps {
        match step {
            Step::Accounts => shared.accounts = true,
            Step::Directories { directories } => shared.directories.extend(directories.iter().map(|d| {
                json!({ "path": d.path, "owner": format!("{}:{}", d.user, d.group), "mode": format!("{:04o}", d.mode) })
            })),
            Step::Secret { file } => shared.secrets.push(file.clone()),
            _ => {}
        }
    }
    shared
}

/// The units of the lifecycle, in order.
fn units(plan: &Plan) -> Vec<&Unit> {
    plan.lifecycle.units().collect()
}

/// Whether an archive with these entries has an `install.sh`.
pub fn is_installed<'e>(entries: impl Iterator<Item = &'e Entry>, services: &[Service]) -> bool {
    plain::is_installed(entries, services)
}

/// Whether fitout writes into the script of a dialect's moment because of a step.
pub fn writes(dialect: Dialect, moment: &str, step: &Step) -> bool {
    let own = !matches!(step, Step::Script { .. } | Step::RpmTrigger { .. });
    match dialect {
        // Capabilities and owners are set by the postinst alone.
        Dialect::Deb => own && (moment == "postinst" || !matches!(step, Step::Capabilities { .. } | Step::Own { .. })),
        Dialect::Rpm => rpm::writes(moment, step),
        Dialect::Plain | Dialect::None => false,
    }
}

/// Units whose service takes new code while it runs; `lives` are those that are started if they do not run.
fn hot(units: &[&Unit], lives: &dyn Fn(&Unit) -> bool) -> Vec<Value> {
    let hot = units.iter().filter(|unit| unit.on_upgrade == OnUpgrade::Hot);
    hot.map(|unit| json!({ "launcher": unit.launcher, "unit": running(unit), "lives": lives(unit) })).collect()
}

/// What runs of a unit: a template's instances, whatever they are called.
fn running(unit: &Unit) -> String {
    if unit.template { unit.name.replace('@', "@*") } else { unit.name.clone() }
}
