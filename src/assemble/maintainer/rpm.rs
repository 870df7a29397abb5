//! The table of rpm: which steps are said in which scriptlet, and for which number of instances that will be there.
//!
//! | scriptlet | `$1` | what happens |
//! |---|---|---|
//! | `%pre` | any | accounts |
//! | `%pre` | 1 | before-install |
//! | `%pre` | 2 | before-upgrade, pre-upgrade hooks |
//! | `%post` | any | directories, secrets |
//! | `%post` | 1 | after-install; units enabled by preset and started |
//! | `%post` | 2 | after-upgrade, post-upgrade hooks; the restart is noted |
//! | `%preun` | 0 | before-remove; units stopped and disabled |
//! | `%postun` | any | units forgotten or read again |
//! | `%postun` | 0 | after-remove |
//! | `%posttrans` | | the restart that was noted |
//!
//! At an upgrade the old package's `%preun` and `%postun` run after the new one's `%post`, so nothing that belongs to the
//! new version stands in them. rpm does not tell versions: the user's scripts get none. Config files need no scripts:
//! rpm itself keeps what was edited.
//!
//! Source: rpm-scriptlets(7); systemd's `triggers.systemd` and `macros.systemd`, whose helper is called where it is there.

use serde_json::{Value, json};

use super::{Part, of_moment};
use crate::assemble::plan::{Plan, Step};
use crate::resolve::lifecycle::{Moment, OnUpgrade, Unit};
use crate::template::TemplateError;

const ACCOUNTS: &str = "maintainer/rpm/accounts.sh";
const SETUP: &str = "maintainer/rpm/setup.sh";
const START: &str = "maintainer/rpm/start.sh";
const RESTART: &str = "maintainer/rpm/restart.sh";
const STOP: &str = "maintainer/rpm/stop.sh";
const GONE: &str = "maintainer/rpm/gone.sh";

/// What fitout adds to each scriptlet.
pub(super) fn parts(plan: &Plan) -> Result<Vec<Part>, TemplateError> {
    let units = super::units(plan);
    let first = r#"[ "$1" -eq 1 ]"#;
    let later = r#"[ "$1" -gt 1 ]"#;
    let last = r#"[ "$1" -eq 0 ]"#;
    let [start, restart, stop, gone] = if units.is_empty() { Default::default() } else { of_units(plan, &units)? };
    let part = |moment, origin, before, after| Part { moment, origin, before, after };
    Ok(vec![
        part(
            "pre",
            ACCOUNTS,
            accounts(plan)?
                + &when(plan, first, Moment::BeforeInstall)
                + &when(plan, later, Moment::BeforeUpgrade)
                + &hooks(plan, true, later, "pre-upgrade"),
            String::new(),
        ),
        part(
            "post",
            START,
            setup(plan)? + &when(plan, first, Moment::AfterInstall) + &when(plan, later, Moment::AfterUpgrade),
            hooks(plan, false, later, "post-upgrade") + &start,
        ),
        part("preun", STOP, when(plan, last, Moment::BeforeRemove), stop),
        part("postun", GONE, when(plan, last, Moment::AfterRemove), gone),
        part("posttrans", RESTART, String::new(), restart),
    ])
}

fn when(plan: &Plan, condition: &str, moment: Moment) -> String {
    let text = of_moment(plan, moment, "");
    if text.is_empty() { text } else { format!("if {condition}; then\n{text}fi\n") }
}

fn hooks(plan: &Plan, early: bool, condition: &str, moment: &str) -> String {
    let launchers = plan.lifecycle.steps.iter().filter_map(|step| match step {
        Step::Hook { launcher, before } if *before == early => Some(launcher),
        _ => None,
    });
    launchers
        .map(|launcher| format!("if {condition} && [ -x {launcher} ]; then\n\t{launcher} hook {moment} || :\nfi\n"))
        .collect()
}

/// Groups and users; empty where there are none.
fn accounts(plan: &Plan) -> Result<String, TemplateError> {
    let mut groups: Vec<Value> = Vec::new();
    for account in &plan.accounts {
        let own = json!({ "name": account.group, "id": account.gid.map(|id| id.to_string()) });
        if !groups.iter().any(|group| group["name"] == own["name"]) {
            groups.push(own);
        }
    }
    let users = plan.accounts.iter().map(|account| {
        json!({
            "name": account.name, "id": account.uid.map(|id| id.to_string()), "group": account.group,
            "groups": Some(account.groups.join(",")).filter(|groups| !groups.is_empty()),
            "home": account.home, "shell": account.shell, "comment": account.comment,
        })
    });
    plan.templates.render(ACCOUNTS, &json!({ "groups": groups, "users": users.collect::<Vec<_>>() }))
}

fn setup(plan: &Plan) -> Result<String, TemplateError> {
    let shared = super::shared(plan);
    let values = json!({ "conf": shared.conf, "directories": shared.directories, "secrets": shared.secrets });
    plan.templates.render(SETUP, &values)
}

/// Start, restart, stop, and what remains.
fn of_units(plan: &Plan, units: &[&Unit]) -> Result<[String; 4], TemplateError> {
    let package = &plan.identity.name.value;
    let names = |wanted: &dyn Fn(&Unit) -> bool| -> Vec<String> {
        units.iter().filter(|unit| wanted(unit)).map(|unit| super::running(unit)).collect()
    };
    let start = json!({
        "package": package,
        "preset": names(&|unit| !unit.template),
        "start_enabled": names(&|unit| unit.start && unit.enable),
        "start": names(&|unit| unit.start && !unit.enable),
    });
    let restart = json!({
        "package": package,
        "restart": names(&|unit| unit.on_upgrade == OnUpgrade::Restart),
        "reload": names(&|unit| unit.on_upgrade == OnUpgrade::Reload),
    });
    let stop = json!({ "units": names(&|unit| !unit.template), "instances": names(&|unit| unit.template) });
    Ok([
        plan.templates.render(START, &start)?,
        plan.templates.render(RESTART, &restart)?,
        plan.templates.render(STOP, &stop)?,
        plan.templates.render(GONE, &json!({}))?,
    ])
}
