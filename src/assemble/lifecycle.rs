//! What must happen at install, upgrade, remove and purge, as typed steps.
//!
//! Enters: the steps that the config gives, and the entries. Leaves: what the entries ask for, then those of the config
//! that some format of the run speaks the dialect of. The service issue adds the steps of accounts and units here;
//! [`super::maintainer`] says them in a dialect.

use super::plan::{Abilities, Dialect, Entry, FormatSet, Lifecycle, Script, Step};
use crate::diagnostic::{Diagnostic, Findings, codes};

/// The steps of a run with these formats.
pub fn of_run(
    given: &Lifecycle,
    formats: &[(&'static str, Abilities)],
    entries: &[Entry],
    findings: &mut Findings,
) -> Lifecycle {
    let mut lifecycle = Lifecycle { steps: capabilities(formats, entries) };
    let spoken = |dialect: Dialect| formats.iter().any(|(_, abilities)| abilities.dialect == dialect);
    for step in &given.steps {
        let heard = match step {
            Step::Script { dialect, moment, script } => {
                if (*dialect, *moment) == (Dialect::Deb, "postinst") && lifecycle.sets_capabilities() {
                    findings.extend(foreign_language(script));
                }
                spoken(*dialect)
            }
            Step::RpmTrigger { .. } => spoken(Dialect::Rpm),
            Step::Capabilities { .. } => spoken(Dialect::Deb),
        };
        if heard {
            lifecycle.steps.push(step.clone());
        }
    }
    lifecycle
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

/// Generated parts are written in shell and become part of the user's script.
fn foreign_language(script: &Script) -> Option<Diagnostic> {
    let interpreter = script.interpreter.first().map_or("", String::as_str);
    if matches!(interpreter.rsplit('/').next(), Some("sh" | "dash" | "bash")) {
        return None;
    }
    let message = format!("the postinst runs under `{interpreter}` and cannot take the lines that set capabilities");
    Some(
        Diagnostic::error(codes::DEB_SCRIPT, message)
            .at_origin(&script.origin, "")
            .help("write it for `/bin/sh`, or set the capabilities in it yourself"),
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
        let kept = of_run(&given, &[("rpm", RPM)], &[], &mut findings);
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
        let of = |formats: &[(&'static str, Abilities)]| {
            of_run(&Lifecycle::default(), formats, &entries, &mut Findings::new())
        };
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
            of_run(&given, &[("deb", DEB)], entries, &mut findings);
            findings.iter().map(|finding| finding.code).collect::<Vec<_>>()
        };
        for shell in ["/bin/sh", "/usr/bin/dash", "/bin/bash"] {
            assert_eq!(found(shell, &entries), [], "{shell}");
        }
        assert_eq!(found("/usr/bin/perl", &entries), [codes::DEB_SCRIPT]);
        assert_eq!(found("/usr/bin/perl", &[]), []);
    }
}
