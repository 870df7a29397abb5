//! The table of rpm: which steps are said in which scriptlet, and for which number of instances that will be there.
//!
//! | scriptlet | `$1` | what happens |
//! |---|---|---|
//! | `%pre` | any | accounts; it is noted which units are new and what moved config files hold |
//! | `%pre` | 1 | before-install |
//! | `%pre` | 2 | before-upgrade, pre-upgrade hooks |
//! | `%post` | any | directories, secrets |
//! | `%post` | 1 | after-install |
//! | `%post` | 2 | after-upgrade, post-upgrade hooks |
//! | `%post` | any | new units enabled by preset |
//! | `%preun` | 0 | before-remove; units stopped and disabled |
//! | `%postun` | 1 | units that the new version has no more stopped and disabled |
//! | `%postun` | 0 | after-remove; units forgotten |
//! | `%posttrans` | | edited config files moved; what ran restarts, once; new units start |
//!
//! At an upgrade the old package's `%preun` and `%postun` run after the new one's `%post`, so nothing that belongs to the
//! new version stands in them, and nothing starts or restarts before `%posttrans`. A downgrade and a reinstallation are
//! upgrades: `$1` is 2. rpm does not tell versions: the user's scripts get none. `%posttrans` runs once a transaction, by
//! rpm itself or, at the end of all its transactions, by libzypp; distributions' own scripts for all units run after it, and
//! find nothing left to restart.
//!
//! What fails in `%pre` and `%preun` ends the installation or removal of the package; what fails later is only told.
//!
//! Source: rpm-scriptlets(7); systemd's `triggers.systemd` and `macros.systemd`, whose helper is called where it is there.

use serde_json::{Value, json};

use super::{Part, of_moment};
use crate::assemble::plan::{Account, Plan, Step};
use crate::resolve::lifecycle::{Moment, Moved, OnUpgrade, Unit};
use crate::template::TemplateError;

const ACCOUNTS: &str = "maintainer/rpm/accounts.sh";
const NOTE: &str = "maintainer/rpm/note.sh";
const SETUP: &str = "maintainer/rpm/setup.sh";
const ENABLE: &str = "maintainer/rpm/enable.sh";
const FINISH: &str = "maintainer/rpm/finish.sh";
const STOP: &str = "maintainer/rpm/stop.sh";
const HOOKS: &str = "maintainer/rpm/hooks.sh";
const GONE: &str = "maintainer/rpm/gone.sh";

const FIRST: &str = r#"[ "$1" -eq 1 ]"#;
const LATER: &str = r#"[ "$1" -gt 1 ]"#;
const LAST: &str = r#"[ "$1" -eq 0 ]"#;

/// Behind a subshell that must not fail. It stands on lines of its own, as a shell ignores `set -e` in what stands before
/// `||`.
const OR_END: &str = r#"fitout_failed=$?
if [ "$fitout_failed" -ne 0 ]; then exit "$fitout_failed"; fi
"#;
/// Behind a subshell after which the rest must still run; rpm is told at the end that it failed.
const OR_TELL: &str = r#"fitout_failed=$?
if [ "$fitout_failed" -ne 0 ]; then fitout_status=$fitout_failed; fi
"#;

/// A scriptlet of the user with fitout's lines around it. `body` is the text in a subshell, `first` its `#!` line. The rest
/// runs on after a failure, whatever the interpreter was told.
pub(super) fn around(moment: &str, first: &str, body: &str, before: &str, after: &str) -> String {
    let or = if matches!(moment, "pretrans" | "pre" | "preun") { OR_END } else { OR_TELL };
    let whole = format!("{before}{body}{or}{after}");
    format!("{first}set +e\n{whole}{}", end(&whole))
}

/// The last line of a scriptlet.
pub(super) fn end(text: &str) -> &'static str {
    if text.contains("fitout_status=") { "exit \"${fitout_status:-0}\"\n" } else { "exit 0\n" }
}

/// What fitout adds to each scriptlet.
pub(super) fn parts(plan: &Plan) -> Result<Vec<Part>, TemplateError> {
    let texts = Texts::of(plan)?;
    let part = |moment, origin, before, after| Part { moment, origin, before, after };
    Ok(vec![
        part(
            "pre",
            ACCOUNTS,
            texts.accounts
                + &texts.note
                + &when(plan, FIRST, Moment::BeforeInstall, OR_END)
                + &when(plan, LATER, Moment::BeforeUpgrade, OR_END)
                + &hooks(plan, true)?,
            String::new(),
        ),
        part(
            "post",
            ENABLE,
            texts.setup
                + &when(plan, FIRST, Moment::AfterInstall, OR_TELL)
                + &when(plan, LATER, Moment::AfterUpgrade, OR_TELL),
            hooks(plan, false)? + &texts.enable,
        ),
        part("preun", STOP, when(plan, LAST, Moment::BeforeRemove, OR_END), texts.stop),
        part("postun", GONE, when(plan, LAST, Moment::AfterRemove, OR_TELL), texts.gone),
        part("posttrans", FINISH, String::new(), texts.finish),
    ])
}

/// Whether fitout writes into this scriptlet because of a step: see the table above.
pub(super) fn writes(moment: &str, step: &Step) -> bool {
    let moments: &[&str] = match step {
        Step::Moved(_) => &["pre", "posttrans"],
        Step::Accounts => &["pre"],
        Step::Directories { .. } | Step::Secret { .. } => &["post"],
        Step::Hook { before, .. } => {
            if *before {
                &["pre"]
            } else {
                &["post"]
            }
        }
        Step::Unit(_) => &["pre", "post", "preun", "postun", "posttrans"],
        Step::User { moment, .. } => match moment {
            Moment::BeforeInstall | Moment::BeforeUpgrade => &["pre"],
            Moment::AfterInstall | Moment::AfterUpgrade => &["post"],
            Moment::BeforeRemove => &["preun"],
            Moment::AfterRemove => &["postun"],
            Moment::AfterPurge => &[],
        },
        Step::Own { .. }
        | Step::Capabilities { .. }
        | Step::Purge { .. }
        | Step::Script { .. }
        | Step::RpmTrigger { .. } => &[],
    };
    moments.contains(&moment)
}

fn when(plan: &Plan, condition: &str, moment: Moment, or: &str) -> String {
    let text = of_moment(plan, moment, "");
    if text.is_empty() { text } else { format!("if {condition}; then\n{text}{or}fi\n") }
}

fn hooks(plan: &Plan, before: bool) -> Result<String, TemplateError> {
    let launchers = plan.lifecycle.steps.iter().filter_map(|step| match step {
        Step::Hook { launcher, before: of } if *of == before => Some(launcher),
        _ => None,
    });
    let launchers: Vec<&String> = launchers.collect();
    let version = &plan.identity.version.value.text;
    plan.templates.render(HOOKS, &json!({ "launchers": launchers, "before": before, "version": version }))
}

/// The filled templates; each is empty where there is nothing to say.
#[derive(Default)]
struct Texts {
    accounts: String,
    note: String,
    setup: String,
    enable: String,
    finish: String,
    stop: String,
    gone: String,
}

impl Texts {
    fn of(plan: &Plan) -> Result<Self, TemplateError> {
        let shared = super::shared(plan);
        let setup = json!({ "conf": shared.conf, "directories": shared.directories, "secrets": shared.secrets });
        let mut texts = Self {
            accounts: plan.templates.render(ACCOUNTS, &accounts(&plan.accounts))?,
            setup: plan.templates.render(SETUP, &setup)?,
            ..Self::default()
        };
        let (units, moved) = (super::units(plan), moved(plan));
        if !units.is_empty() || !moved.is_empty() {
            let values = values(plan, &units, &moved);
            texts.note = plan.templates.render(NOTE, &values)?;
            texts.finish = plan.templates.render(FINISH, &values)?;
            if !units.is_empty() {
                texts.enable = plan.templates.render(ENABLE, &values)?;
                texts.stop = plan.templates.render(STOP, &values)?;
                texts.gone = plan.templates.render(GONE, &values)?;
            }
        }
        Ok(texts)
    }
}

/// Config files that have another place now. rpm itself keeps what was edited of those that are gone.
fn moved(plan: &Plan) -> Vec<Value> {
    let moved = plan.lifecycle.steps.iter().filter_map(|step| match step {
        Step::Moved(Moved { from, to: Some(to), .. }) => Some(json!({ "from": from, "to": to })),
        _ => None,
    });
    moved.collect()
}

/// What the templates of units and config files are filled with.
fn values(plan: &Plan, units: &[&Unit], moved: &[Value]) -> Value {
    let names = |wanted: &dyn Fn(&Unit) -> bool| -> Vec<&str> {
        units.iter().filter(|unit| wanted(unit)).map(|unit| unit.name.as_str()).collect()
    };
    let running = |wanted: &dyn Fn(&Unit) -> bool| -> Vec<String> {
        units.iter().filter(|unit| wanted(unit)).map(|unit| super::running(unit)).collect()
    };
    let preset = names(&|unit| unit.installable && !unit.template);
    let restart = running(&|unit| unit.on_upgrade == OnUpgrade::Restart);
    let reload = running(&|unit| unit.on_upgrade == OnUpgrade::Reload);
    let hot = super::hot(units, &|unit| unit.enable && unit.start);
    let all = units.iter().map(|unit| json!({ "name": unit.name, "running": super::running(unit) }));
    json!({
        "package": plan.identity.name.value,
        "replaces": !plan.identity.replaces.is_empty()
            || plan.rpm.relations.get("Obsoletes").is_some_and(|replaced| !replaced.is_empty()),
        "moved": moved,
        "all": all.collect::<Vec<_>>(),
        "preset": preset,
        "again": !restart.is_empty() || !reload.is_empty() || !hot.is_empty(),
        "restart": restart,
        "reload": reload,
        "hot": hot,
        "start_enabled": names(&|unit| unit.start && unit.enable),
        "start": names(&|unit| unit.start && !unit.enable),
        "installable": names(&|unit| unit.installable),
        // Instances that run are stopped by name, whether they were enabled or not.
        "stop": running(&|unit| !unit.installable || unit.template),
    })
}

/// Groups, users and who belongs to what; empty where there are none.
fn accounts(accounts: &[Account]) -> Value {
    let mut groups: Vec<Value> = Vec::new();
    let mut group = |name: &str, id: Option<u32>| {
        if !groups.iter().any(|group| group["name"] == name) {
            groups.push(json!({ "name": name, "id": id.map(|id| id.to_string()) }));
        }
    };
    for account in accounts {
        group(&account.group, account.gid);
    }
    for name in accounts.iter().flat_map(|account| &account.groups) {
        group(name, None);
    }
    let users = accounts.iter().map(|account| {
        json!({
            "name": account.name, "id": account.uid.map(|id| id.to_string()), "group": account.group,
            "home": account.home, "shell": account.shell, "comment": account.comment,
        })
    });
    let members = accounts
        .iter()
        .flat_map(|account| account.groups.iter().map(|group| json!({ "user": account.name, "group": group })));
    json!({ "users": users.collect::<Vec<_>>(), "members": members.collect::<Vec<_>>(), "groups": groups })
}
