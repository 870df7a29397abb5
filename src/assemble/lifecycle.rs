//! What must happen at install, upgrade, remove and purge, as typed steps.
//!
//! Enters: the steps that the config gives. Leaves: those that some format of the run speaks the dialect of. The service
//! issue adds the steps of accounts and units here; [`super::maintainer`] says them in a dialect.

use super::plan::{Abilities, Dialect, Lifecycle, Step};

/// The steps of a run with these formats.
pub fn of_run(given: &Lifecycle, formats: &[(&'static str, Abilities)]) -> Lifecycle {
    let spoken = |dialect: Dialect| formats.iter().any(|(_, abilities)| abilities.dialect == dialect);
    let heard = |step: &&Step| match step {
        Step::Script { dialect, .. } => spoken(*dialect),
        Step::RpmTrigger { .. } => spoken(Dialect::Rpm),
    };
    Lifecycle { steps: given.steps.iter().filter(heard).cloned().collect() }
}

#[cfg(test)]
mod tests {
    use super::super::plan::Script;
    use super::*;
    use crate::diagnostic::Origin;

    #[test]
    fn a_dialect_that_no_format_speaks_is_left_out() {
        let script = || Script { text: String::new(), interpreter: Vec::new(), origin: Origin::Default };
        let step = |dialect, moment| Step::Script { dialect, moment, script: script() };
        let given = Lifecycle { steps: vec![step(Dialect::Deb, "postinst"), step(Dialect::Rpm, "post")] };
        let abilities = Abilities {
            owners: true,
            capabilities: true,
            hardlinks: true,
            ghosts: true,
            dialect: Dialect::Rpm,
            largest_file: u64::MAX,
        };
        let kept = of_run(&given, &[("rpm", abilities)]);
        assert!(matches!(kept.steps.as_slice(), [Step::Script { moment: "post", .. }]));
    }
}
