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
