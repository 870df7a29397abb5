//! The table of dpkg: which steps are said in which maintainer script, and for which of its arguments.
//!
//! | script | argument | what happens |
//! |---|---|---|
//! | preinst | `install` | moved config files; before-install |
//! | preinst | `upgrade` | moved config files; before-upgrade |
//! | postinst | `configure`, `abort-*` | moved config files, accounts, directories, owners, capabilities, secrets |
//! | postinst | `configure` | after-install or after-upgrade, post-upgrade hooks |
//! | postinst | `configure`, `abort-*` | units enabled, then started, or restarted where an older version ran |
//! | prerm | `upgrade` | pre-upgrade hooks |
//! | prerm | `remove` | before-remove; units stopped |
//! | postrm | `remove` | after-remove; units forgotten |
//! | postrm | `purge` | state, logs and secrets removed; after-purge |
//!
//! A new package over the config files of a removed one counts as an upgrade from it, as dpkg tells its version.
//!
//! Source: Debian policy 6.5 and 6.6, deb-preinst(5) and its kin; dh_installsystemd(1).

use serde_json::{Value, json};

use super::{Part, of_moment};
use crate::assemble::plan::{Plan, Step};
use crate::resolve::lifecycle::{Moment, OnUpgrade, Unit};
use crate::template::{TemplateError, render};

const SETUP: &str = "maintainer/deb/setup.sh";
const START: &str = "maintainer/deb/start.sh";
const STOP: &str = "maintainer/deb/stop.sh";
const GONE: &str = "maintainer/deb/gone.sh";
const MOVED: &str = "maintainer/deb/moved.sh";

/// What fitout adds to each script.
pub(super) fn parts(plan: &Plan) -> Result<Vec<Part>, TemplateError> {
    let moved = moved(plan)?;
    let units: Vec<&Unit> = super::units(plan);
    let before = when(plan, r#"[ "$1" = install ] && [ -z "$2" ]"#, Moment::BeforeInstall, "")
        + &when(
            plan,
            r#"[ "$1" = upgrade ] || { [ "$1" = install ] && [ -n "$2" ]; }"#,
            Moment::BeforeUpgrade,
            "\"$2\"",
        );
    let set_up = moved.clone()
        + &setup(plan)?
        + &when(plan, r#"[ "$1" = configure ] && [ -z "$2" ]"#, Moment::AfterInstall, "")
        + &when(plan, r#"[ "$1" = configure ] && [ -n "$2" ]"#, Moment::AfterUpgrade, "\"$2\"");
    let hooked = hooks(plan, false, r#"[ "$1" = configure ] && [ -n "$2" ]"#, "post-upgrade");
    let hooking = hooks(plan, true, r#"[ "$1" = upgrade ]"#, "pre-upgrade");
    let stop = if units.is_empty() { String::new() } else { render(STOP, &json!({ "stop": stopped(&units) }))? };
    let part = |moment, origin, before, after| Part { moment, origin, before, after };
    Ok(vec![
        part("preinst", MOVED, moved.clone() + &before, String::new()),
        part("postinst", SETUP, set_up, hooked + &start(&units)?),
        part("prerm", STOP, when(plan, r#"[ "$1" = remove ]"#, Moment::BeforeRemove, ""), hooking + &stop),
        part(
            "postrm",
            GONE,
            when(plan, r#"[ "$1" = remove ]"#, Moment::AfterRemove, ""),
            gone(plan, &units)? + &when(plan, r#"[ "$1" = purge ]"#, Moment::AfterPurge, "") + &moved,
        ),
    ])
}

/// The user's script of a moment, for some arguments of dpkg only.
fn when(plan: &Plan, condition: &str, moment: Moment, argument: &str) -> String {
    let text = of_moment(plan, moment, argument);
    if text.is_empty() { text } else { format!("if {condition}; then\n{text}fi\n") }
}

/// Hooks of services: the launcher runs them as the service's user.
fn hooks(plan: &Plan, early: bool, condition: &str, moment: &str) -> String {
    let launchers = plan.lifecycle.steps.iter().filter_map(|step| match step {
        Step::Hook { launcher, before } if *before == early => Some(launcher),
        _ => None,
    });
    launchers.map(|launcher| format!("if {condition}; then\n\t{launcher} hook {moment} \"$2\"\nfi\n")).collect()
}

fn moved(plan: &Plan) -> Result<String, TemplateError> {
    let moved = plan.lifecycle.steps.iter().filter_map(|step| match step {
        // What is older than the version without the file, its own prereleases included.
        Step::Moved(moved) => Some(json!({ "from": moved.from, "to": moved.to, "since": format!("{}~", moved.since) })),
        _ => None,
    });
    render(MOVED, &json!({ "package": plan.identity.name.value, "moved": moved.collect::<Vec<Value>>() }))
}

/// What must be there before anything runs; empty where there is nothing.
fn setup(plan: &Plan) -> Result<String, TemplateError> {
    let (mut owners, mut files) = (Vec::new(), Vec::new());
    for step in &plan.lifecycle.steps {
        match step {
            Step::Own { path, owner, mode, config } => {
                owners.push(json!({ "path": **path, "owner": owner, "mode": format!("{mode:04o}"), "config": config }))
            }
            Step::Capabilities { path, capabilities } => {
                files.push(json!({ "path": **path, "capabilities": **capabilities }));
            }
            _ => {}
        }
    }
    let shared = super::shared(plan);
    if shared.is_empty() && owners.is_empty() && files.is_empty() {
        return Ok(String::new());
    }
    render(
        SETUP,
        &json!({
            "package": plan.identity.name.value,
            "conf": shared.conf,
            "accounts": shared.accounts,
            "directories": shared.directories,
            "owners": owners,
            "files": files,
            "secrets": shared.secrets,
        }),
    )
}

fn start(units: &[&Unit]) -> Result<String, TemplateError> {
    if units.is_empty() {
        return Ok(String::new());
    }
    let names = |wanted: &dyn Fn(&Unit) -> bool| -> Vec<String> {
        units.iter().filter(|unit| wanted(unit)).map(|unit| super::running(unit)).collect()
    };
    let by = |what: OnUpgrade| move |unit: &Unit| unit.on_upgrade == what;
    // What is started at installation is started again even if it had died; the rest only if it runs.
    let restarts = |unit: &Unit| by(OnUpgrade::Restart)(unit) && unit.enable && unit.start;
    render(
        START,
        &json!({
            "enable": names(&|unit| unit.enable),
            "keep": names(&|unit| !unit.enable && !unit.template),
            "start": names(&|unit| unit.start),
            "restart": names(&restarts),
            "try_restart": names(&|unit| by(OnUpgrade::Restart)(unit) && !restarts(unit)),
            "reload": names(&by(OnUpgrade::Reload)),
        }),
    )
}

fn stopped(units: &[&Unit]) -> Vec<String> {
    units.iter().map(|unit| super::running(unit)).collect()
}

fn gone(plan: &Plan, units: &[&Unit]) -> Result<String, TemplateError> {
    let purge: Vec<&String> = plan
        .lifecycle
        .steps
        .iter()
        .filter_map(|step| if let Step::Purge { paths } = step { Some(paths) } else { None })
        .flatten()
        .collect();
    let known: Vec<&String> = units.iter().filter(|unit| !unit.template).map(|unit| &unit.name).collect();
    render(GONE, &json!({ "units": known, "purge": purge }))
}
