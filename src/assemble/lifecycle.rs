//! What must happen at install, upgrade, remove and purge, as typed steps.
//!
//! Enters: the services, accounts and steps of a release, and its entries. Leaves: a closed list of steps, in the order in which they hold: what is moved,
//! accounts, directories, owners, capabilities, secrets, the user's scripts, units; last what a purge removes. An
//! installation goes through it from the front, a removal from the back. [`super::maintainer`] says it in a dialect, each
//! with a table of its own events.

use super::plan::{Abilities, Account, Dialect, Entry, FormatSet, Lifecycle, Script, Service, Step};
use super::{account, maintainer};
use crate::diagnostic::{Diagnostic, Findings, codes};
use crate::resolve::lifecycle::{OnUpgrade, Unit};
use crate::resolve::service::Moment;

/// What asks for steps.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// Steps of the config.
    pub given: &'a Lifecycle,
    /// Formats of the run.
    pub formats: &'a [(&'static str, Abilities)],
    /// What runs.
    pub services: &'a [Service],
    /// As whom.
    pub accounts: &'a [Account],
    /// Steps that give files to their accounts.
    pub owners: &'a [Step],
    /// What is in the package.
    pub entries: &'a [Entry],
}

/// The steps of a run.
pub fn of_run(asked: Asked, findings: &mut Findings) -> Lifecycle {
    let Asked { formats, services, .. } = asked;
    let (moved, given): (Vec<&Step>, Vec<&Step>) =
        asked.given.steps.iter().partition(|step| matches!(step, Step::Moved(_)));
    let mut steps: Vec<Step> = moved.into_iter().cloned().collect();
    steps.extend((!asked.accounts.is_empty()).then_some(Step::Accounts));
    let lasting = account::lasting(services);
    steps.extend((!lasting.is_empty()).then(|| Step::Directories { directories: lasting.clone() }));
    steps.extend_from_slice(asked.owners);
    steps.extend(capabilities(formats, asked.entries));
    let secrets = services.iter().flat_map(|service| service.secrets.values());
    steps.extend(secrets.filter(|secret| secret.generate).map(|secret| Step::Secret { file: secret.file.clone() }));
    steps.extend(given.into_iter().filter(|step| is_heard(step, formats)).cloned());
    steps.extend(services.iter().flat_map(hooks));
    steps.extend(services.iter().flat_map(units).map(Step::Unit));
    let mut paths: Vec<String> = lasting.into_iter().map(|directory| directory.path).collect();
    let inside = |file: &str| {
        paths.iter().any(|folder| file.strip_prefix(folder.as_str()).is_some_and(|rest| rest.starts_with('/')))
    };
    let logs = services.iter().filter_map(|service| service.log_file.clone());
    let logs: Vec<String> = logs.filter(|file| !inside(file)).collect();
    paths.extend(logs.iter().cloned());
    paths.extend(
        steps.iter().filter_map(|step| if let Step::Secret { file } = step { Some(file.clone()) } else { None }),
    );
    steps.extend((!paths.is_empty()).then_some(Step::Purge { paths, logs }));
    let lifecycle = Lifecycle { steps };
    findings.extend(foreign_languages(&lifecycle));
    lifecycle
}

/// Whether some format of the run speaks the dialect of a step.
fn is_heard(step: &Step, formats: &[(&'static str, Abilities)]) -> bool {
    let spoken = |dialect: Dialect| formats.iter().any(|(_, abilities)| abilities.dialect == dialect);
    match step {
        Step::Script { dialect, .. } => spoken(*dialect),
        Step::RpmTrigger { .. } => spoken(Dialect::Rpm),
        _ => true,
    }
}

/// What the hooks of a service do at an upgrade of the package.
fn hooks(service: &Service) -> Vec<Step> {
    let hook = |moment, before| {
        service.hooks.contains_key(&moment).then(|| Step::Hook { launcher: service.launcher.clone(), before })
    };
    [hook(Moment::PreUpgrade, true), hook(Moment::PostUpgrade, false)].into_iter().flatten().collect()
}

/// The unit of a service, behind the one that starts it: each has its own word about enabling and starting.
fn units(service: &Service) -> Vec<Unit> {
    let socket = service.socket.is_some();
    let own = Unit {
        name: service.unit_name(),
        enable: !service.is_template() && service.enable,
        start: !service.is_template() && service.start,
        installable: true,
        on_upgrade: service.on_upgrade,
        template: service.is_template(),
        launcher: service.launcher.clone(),
    };
    if service.entry_unit() == own.name {
        return vec![own];
    }
    // A socket stays open, so that no connection is refused: systemd could not open it again before its service ended. A
    // job that runs is not cut short.
    let entry = Unit {
        name: service.entry_unit(),
        enable: !is_template(&service.entry_unit()) && service.enable,
        start: !is_template(&service.entry_unit()) && service.start,
        on_upgrade: if socket { OnUpgrade::Nothing } else { OnUpgrade::Restart },
        template: is_template(&service.entry_unit()),
        ..own.clone()
    };
    let on_upgrade = if socket { service.on_upgrade } else { OnUpgrade::Nothing };
    vec![entry, Unit { enable: false, start: false, installable: false, on_upgrade, ..own }]
}

/// `hello@.service`
fn is_template(unit: &str) -> bool {
    unit.contains("@.")
}

/// One step for each entry whose capabilities some format cannot carry and sets by a script.
fn capabilities(formats: &[(&'static str, Abilities)], entries: &[Entry]) -> Vec<Step> {
    let by_script = |(index, (_, abilities)): (usize, &(&str, Abilities))| {
        abilities.sets_capabilities().then_some(FormatSet::only(index))
    };
    let set = formats.iter().enumerate().filter_map(by_script).fold(FormatSet::EMPTY, FormatSet::union);
    let of_format = entries.iter().filter(|entry| entry.formats.intersects(set));
    let step = |entry: &Entry| {
        let capabilities = entry.capabilities.clone()?;
        Some(Step::Capabilities { path: entry.path.clone(), capabilities })
    };
    of_format.filter_map(step).collect()
}

/// Generated parts are written in shell and become part of the user's script of the same moment.
fn foreign_languages(lifecycle: &Lifecycle) -> Findings {
    let scripts = lifecycle.steps.iter().filter_map(|step| match step {
        Step::Script { dialect, moment, script } => Some((*dialect, *moment, script)),
        _ => None,
    });
    scripts
        .filter(|(dialect, moment, _)| lifecycle.steps.iter().any(|step| maintainer::writes(*dialect, moment, step)))
        .filter_map(|(dialect, moment, script)| foreign_language(dialect, moment, script))
        .collect()
}

fn foreign_language(dialect: Dialect, moment: &str, script: &Script) -> Option<Diagnostic> {
    let (code, sign) = if dialect == Dialect::Rpm { (codes::RPM_SCRIPT, "%") } else { (codes::DEB_SCRIPT, "") };
    let interpreter = script.interpreter.first().map_or("", String::as_str);
    if matches!(interpreter.rsplit('/').next(), Some("sh" | "dash" | "bash")) {
        return None;
    }
    let message =
        format!("the {sign}{moment} runs under `{interpreter}` and cannot take the lines that fitout adds to it");
    Some(
        Diagnostic::error(code, message)
            .at_origin(&script.origin, "")
            .help("write it for `/bin/sh`: it may start a program in another language"),
    )
}

#[cfg(test)]
mod tests {
    use super::super::plan::Kind;
    use super::super::sample;
    use super::*;
    use crate::diagnostic::Origin;

    const RPM: Abilities = Abilities {
        owners: true,
        capabilities: true,
        hardlinks: true,
        ghosts: true,
        dialect: Dialect::Rpm,
        largest_file: u64::MAX,
    };
    const DEB: Abilities = Abilities { capabilities: false, ghosts: false, dialect: Dialect::Deb, ..RPM };
    const ZIP: Abilities = Abilities { dialect: Dialect::Plain, ..DEB };

    fn run(
        given: &Lifecycle,
        formats: &[(&'static str, Abilities)],
        entries: &[Entry],
        findings: &mut Findings,
    ) -> Lifecycle {
        of_run(Asked { given, formats, services: &[], accounts: &[], owners: &[], entries }, findings)
    }

    fn step(dialect: Dialect, moment: &'static str, interpreter: &str) -> Step {
        let script = Script { text: String::new(), interpreter: vec![interpreter.to_owned()], origin: Origin::Default };
        Step::Script { dialect, moment, script }
    }

    fn capable(path: &str, formats: FormatSet) -> Entry {
        let mut entry = sample::entry(path, Kind::Directory { shared: false });
        entry.capabilities = Some("cap_chown=ep".into());
        entry.formats = formats;
        entry
    }

    #[test]
    fn a_dialect_that_no_format_speaks_is_left_out() {
        let given =
            Lifecycle { steps: vec![step(Dialect::Deb, "postinst", "/bin/sh"), step(Dialect::Rpm, "post", "/bin/sh")] };
        let mut findings = Findings::new();
        let kept = run(&given, &[("rpm", RPM)], &[], &mut findings);
        assert!(matches!(kept.steps.as_slice(), [Step::Script { moment: "post", .. }]));
        assert_eq!(findings, []);
    }

    #[test]
    fn capabilities_are_a_step_where_the_format_has_no_place_for_them() {
        let formats = [("rpm", RPM), ("deb", DEB), ("zip", ZIP)];
        let entries = [
            capable("/a", FormatSet::ALL),
            capable("/b", FormatSet::only(0).union(FormatSet::only(2))),
            sample::entry("/c", Kind::Directory { shared: false }),
        ];
        let of =
            |formats: &[(&'static str, Abilities)]| run(&Lifecycle::default(), formats, &entries, &mut Findings::new());
        let whole = of(&formats);
        let [Step::Capabilities { path, capabilities }] = whole.steps.as_slice() else { panic!("{whole:?}") };
        assert_eq!((&**path, &**capabilities), ("/a", "cap_chown=ep"));
        assert!(whole.sets_capabilities());
        assert!(of(&[("rpm", RPM)]).steps.is_empty());
    }

    #[test]
    fn a_postinst_in_another_language_cannot_set_them() {
        let entries = [capable("/a", FormatSet::ALL)];
        let found = |interpreter: &str, entries: &[Entry]| {
            let given = Lifecycle { steps: vec![step(Dialect::Deb, "postinst", interpreter)] };
            let mut findings = Findings::new();
            run(&given, &[("deb", DEB)], entries, &mut findings);
            findings.iter().map(|finding| finding.code).collect::<Vec<_>>()
        };
        for shell in ["/bin/sh", "/usr/bin/dash", "/bin/bash"] {
            assert_eq!(found(shell, &entries), [], "{shell}");
        }
        assert_eq!(found("/usr/bin/perl", &entries), [codes::DEB_SCRIPT]);
        assert_eq!(found("/usr/bin/perl", &[]), []);
    }

    #[test]
    fn a_scriptlet_may_be_lua_where_fitout_adds_nothing() {
        let unit = Step::Unit(Unit {
            name: "hello.service".into(),
            enable: true,
            installable: true,
            start: true,
            on_upgrade: OnUpgrade::Restart,
            template: false,
            launcher: String::new(),
        });
        let found = |moment, step_of_fitout: &Step| {
            let given = Lifecycle { steps: vec![step_of_fitout.clone(), step(Dialect::Rpm, moment, "<lua>")] };
            let mut findings = Findings::new();
            run(&given, &[("rpm", RPM)], &[], &mut findings);
            findings.len()
        };
        for moment in ["pre", "post", "preun", "postun", "posttrans"] {
            assert_eq!(
                (found(moment, &unit), found(moment, &Step::Accounts)),
                (1, usize::from(moment == "pre")),
                "{moment}"
            );
        }
        assert_eq!((found("pretrans", &unit), found("verify", &unit)), (0, 0));
    }
}
