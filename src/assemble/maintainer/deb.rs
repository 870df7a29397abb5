//! The table of dpkg: which steps are said in which maintainer script, and for which of its arguments.
//!
//! | script | argument | what happens |
//! |---|---|---|
//! | preinst | `install` | moved config files; before-install |
//! | preinst | `upgrade` | moved config files; before-upgrade, pre-upgrade hooks |
//! | postinst | `configure` | at the first one, config files of packages that it replaces |
//! | postinst | `configure`, `abort-*` | moved config files, accounts, directories, owners, capabilities, secrets |
//! | postinst | `configure` | after-install or after-upgrade, post-upgrade hooks |
//! | postinst | `configure`, `abort-*` | units enabled, then started, or restarted where an older version ran |
//! | prerm | `remove` | before-remove; units stopped |
//! | postrm | `upgrade` | units that the new version has no more stopped and forgotten |
//! | postrm | `remove` | after-remove; units forgotten |
//! | all four | | init scripts: registered, started, stopped, forgotten or switched off where there is no systemd |
//! | postrm | `purge` | state, logs and secrets removed; after-purge |
//!
//! A new package over the config files of a removed one counts as an upgrade from it, as dpkg tells its version.
//!
//! Hooks before an upgrade run in the new preinst, by the launcher that the old version left, and not in the old prerm:
//! where a prerm fails, dpkg asks the new one (`failed-upgrade`) and goes on, as that is how a broken prerm is mended. A
//! preinst that fails ends the upgrade, and the old postinst (`abort-upgrade`) finds its service running.
//!
//! Source: Debian policy 6.5 and 6.6, deb-preinst(5) and its kin; `dh_installsystemd(1)`.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Part, of_moment};
use crate::assemble::plan::{Plan, Step, Version};
use crate::resolve::lifecycle::{Moment, Moved, OnUpgrade, Unit};
use crate::template::TemplateError;

const SETUP: &str = "maintainer/deb/setup.sh";
const START: &str = "maintainer/deb/start.sh";
const STOP: &str = "maintainer/deb/stop.sh";
const GONE: &str = "maintainer/deb/gone.sh";
const MOVED: &str = "maintainer/deb/moved.sh";
const RENAMED: &str = "maintainer/deb/renamed.sh";
const HOOKS: &str = "maintainer/deb/hooks.sh";
const INIT: &str = "maintainer/deb/init.sh";
/// What dpkg keeps of a mode, until the owner is there: for not a moment may a file run with root's rights.
const UNPACKED: u32 = 0o1777;

/// What fitout adds to each script.
pub(super) fn parts(plan: &Plan) -> Result<Vec<Part>, TemplateError> {
    let moved = moved(plan)?;
    let units: Vec<&Unit> = super::units(plan);
    let before = when(plan, r#"[ "$1" = install ] && [ -z "${2:-}" ]"#, Moment::BeforeInstall, "")
        + &when(
            plan,
            r#"[ "$1" = upgrade ] || { [ "$1" = install ] && [ -n "${2:-}" ]; }"#,
            Moment::BeforeUpgrade,
            "\"$2\"",
        );
    let set_up = moved.clone()
        + &renamed(plan)?
        + &setup(plan)?
        + &when(plan, r#"[ "$1" = configure ] && [ -z "${2:-}" ]"#, Moment::AfterInstall, "")
        + &when(plan, r#"[ "$1" = configure ] && [ -n "${2:-}" ]"#, Moment::AfterUpgrade, "\"$2\"");
    let hooked = hooks(plan, false)?;
    let hooking = hooks(plan, true)?;
    let stop = if units.is_empty() {
        String::new()
    } else {
        plan.templates.render(STOP, &json!({ "stop": stopped(&units) }))?
    };
    let part = |moment, origin, before, after| Part { moment, origin, before, after };
    Ok(vec![
        part("preinst", MOVED, moved.clone() + &before, hooking + &init(plan, "preinst")?),
        part("postinst", SETUP, set_up, hooked + &start(plan, &units)? + &init(plan, "postinst")?),
        part("prerm", STOP, when(plan, r#"[ "$1" = remove ]"#, Moment::BeforeRemove, ""), stop + &init(plan, "prerm")?),
        part(
            "postrm",
            GONE,
            when(plan, r#"[ "$1" = remove ]"#, Moment::AfterRemove, ""),
            init(plan, "postrm")?
                + &gone(plan, &units)?
                + &when(plan, r#"[ "$1" = purge ]"#, Moment::AfterPurge, "")
                + &moved,
        ),
    ])
}

/// The user's script of a moment, for some arguments of dpkg only.
fn when(plan: &Plan, condition: &str, moment: Moment, argument: &str) -> String {
    let text = of_moment(plan, moment, argument);
    if text.is_empty() { text } else { format!("if {condition}; then\n{text}fi\n") }
}

/// Hooks of services: the launcher runs them as the service's user.
fn hooks(plan: &Plan, before: bool) -> Result<String, TemplateError> {
    let launchers = plan.lifecycle.steps.iter().filter_map(|step| match step {
        Step::Hook { launcher, before: of } if *of == before => Some(launcher),
        _ => None,
    });
    plan.templates.render(HOOKS, &json!({ "before": before, "launchers": launchers.collect::<Vec<_>>() }))
}

/// What one of the four scripts does with init scripts.
fn init(plan: &Plan, script: &str) -> Result<String, TemplateError> {
    let services = plan.services.iter().filter(|service| !service.init.is_empty());
    let word = |given: bool, word: &'static str| if given { word } else { "" };
    let scripts = services.map(|service| {
        json!({
            "name": service.name,
            "launcher": service.launcher,
            "enable": service.enable,
            "first": word(service.start, "start"),
            "again": match service.on_upgrade {
                OnUpgrade::Restart | OnUpgrade::Hot => "restart",
                OnUpgrade::Reload => "reload",
                OnUpgrade::Nothing => "",
            },
        })
    });
    let is = |of: &str| script == of;
    let scripts: Vec<Value> = scripts.collect();
    plan.templates.render(
        INIT,
        &json!({
            "preinst": is("preinst"), "postinst": is("postinst"), "prerm": is("prerm"), "postrm": is("postrm"),
            "scripts": scripts,
        }),
    )
}

fn moved(plan: &Plan) -> Result<String, TemplateError> {
    let moved = plan.lifecycle.steps.iter().filter_map(|step| match step {
        Step::Moved(moved) => Some(json!({ "from": moved.from, "to": moved.to, "since": before(plan, &moved.since) })),
        _ => None,
    });
    plan.templates
        .render(MOVED, &json!({ "package": plan.identity.name.value, "moved": moved.collect::<Vec<Value>>() }))
}

/// Config files of packages that this one replaces.
fn renamed(plan: &Plan) -> Result<String, TemplateError> {
    let replaces: Vec<&str> = plan.identity.replaces.iter().map(|replaced| replaced.name.value.as_str()).collect();
    let moved = plan.lifecycle.steps.iter().filter_map(|step| match step {
        Step::Moved(Moved { from, to: Some(to), .. }) if !replaces.is_empty() => {
            Some(json!({ "from": from, "to": to }))
        }
        _ => None,
    });
    plan.templates.render(RENAMED, &json!({ "moved": moved.collect::<Vec<Value>>(), "replaces": replaces }))
}

/// dpkg's spelling of the last version that is older than this one and all that are made of it.
fn before(plan: &Plan, version: &str) -> String {
    let epoch = plan.identity.epoch.filter(|_| !version.contains(':'));
    let epoch = epoch.map_or_else(String::new, |epoch| format!("{epoch}:"));
    format!("{epoch}{}~", Version::of(version).with_tilde())
}

/// What must be there before anything runs; empty where there is nothing.
fn setup(plan: &Plan) -> Result<String, TemplateError> {
    let (mut owners, mut files) = (Vec::new(), Vec::new());
    for step in &plan.lifecycle.steps {
        match step {
            Step::Own { path, owner, mode, config } => {
                let unpacked = config.then(|| format!("{:o}", mode & UNPACKED));
                owners.push(json!({
                    "path": **path, "owner": owner, "mode": format!("{mode:04o}"), "unpacked": unpacked,
                }));
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
    plan.templates.render(
        SETUP,
        &json!({
            "package": plan.identity.name.value,
            "conf": shared.conf,
            "accounts": shared.accounts,
            "directories": shared.directories,
            "gives": !owners.is_empty() || !shared.directories.is_empty(),
            "owners": owners,
            "files": files,
            "secrets": shared.secrets,
        }),
    )
}

fn start(plan: &Plan, units: &[&Unit]) -> Result<String, TemplateError> {
    if units.is_empty() {
        return Ok(String::new());
    }
    let names = |wanted: &dyn Fn(&Unit) -> bool| -> Vec<String> {
        units.iter().filter(|unit| wanted(unit)).map(|unit| super::running(unit)).collect()
    };
    let by = |what: OnUpgrade| move |unit: &Unit| unit.on_upgrade == what;
    // What is started at installation is started again even if it had died; the rest is restarted only if it runs.
    let lives = |unit: &Unit| unit.enable && unit.start;
    let is_socket = |unit: &Unit| unit.name.ends_with(".socket");
    plan.templates.render(
        START,
        &json!({
            "enable": names(&|unit| unit.enable),
            "keep": names(&|unit| unit.installable && !unit.enable && !unit.template),
            "start": names(&lives),
            "start_once": names(&|unit| unit.start && !unit.enable),
            "start_again": names(&|unit| is_socket(unit) && lives(unit)),
            "restart": names(&|unit| by(OnUpgrade::Restart)(unit) && lives(unit)),
            "try_restart": names(&|unit| by(OnUpgrade::Restart)(unit) && !lives(unit)),
            "reload": names(&by(OnUpgrade::Reload)),
            "hot": super::hot(units, &lives),
        }),
    )
}

fn stopped(units: &[&Unit]) -> Vec<String> {
    units.iter().map(|unit| super::running(unit)).collect()
}

fn gone(plan: &Plan, units: &[&Unit]) -> Result<String, TemplateError> {
    let (mut purge, mut rotated) = (Vec::new(), Vec::new());
    for step in &plan.lifecycle.steps {
        if let Step::Purge { paths, logs } = step {
            purge.extend(paths);
            rotated.extend(logs);
        }
    }
    let known = units.iter().filter(|unit| unit.installable && !unit.template).map(|unit| &unit.name);
    let all = units.iter().map(|unit| json!({ "name": unit.name, "running": super::running(unit) }));
    let secrets = super::shared(plan).secrets;
    let folders: BTreeSet<&str> = secrets.iter().filter_map(|file| Some(file.rsplit_once('/')?.0)).collect();
    let values = json!({
        "package": plan.identity.name.value,
        "all": all.collect::<Vec<_>>(),
        "units": known.collect::<Vec<_>>(),
        "purge": purge,
        "logs": rotated,
        "folders": folders,
    });
    plan.templates.render(GONE, &values)
}
