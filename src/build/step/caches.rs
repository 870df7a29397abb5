//! The caches of one run of the step: brought back before it, kept after it.

use crate::build::cache::store::{Local, Store};
use crate::build::cache::{Plan, evict};
use crate::build::seen::AllSeen;
use crate::build::state::State;
use crate::diagnostic::Findings;
use crate::listener::{Event, Listener};

/// Caches, and what went wrong with them.
pub(super) struct Caches<'a> {
    plan: Plan,
    local: Option<Local>,
    limit: u64,
    /// The files that the build reads; none where that cannot be told.
    sources: Option<&'a AllSeen>,
    pub warnings: Findings,
}

impl<'a> Caches<'a> {
    pub fn new(plan: Plan, state: &State, sources: Option<&'a AllSeen>) -> Self {
        Self { plan, local: state.store(), limit: state.limit, sources, warnings: Findings::new() }
    }

    pub fn restore(&mut self, listener: &dyn Listener) {
        // Without the sources nobody could tell a tool which of them changed.
        let (Some(local), Some(sources)) = (&self.local, self.sources) else { return };
        let stores: [&dyn Store; 1] = [local];
        if let Some(restored) = self.plan.restore(&stores, sources, &mut self.warnings) {
            let what = self.plan.paths.join(", ");
            listener.hear(Event::Restored { what, files: restored.files, exact: restored.exact });
        }
    }

    pub fn save(&mut self, listener: &dyn Listener) {
        let (Some(local), Some(sources)) = (&self.local, self.sources) else { return };
        let stores: [&dyn Store; 1] = [local];
        if let Some(put) = self.plan.save(&stores, sources, &mut self.warnings) {
            let what = self.plan.paths.join(", ");
            listener.hear(Event::Kept { what, files: put.files, bytes: put.bytes, new: put.new });
            // What stays too long is found the next time.
            let _ = evict::evict(local, self.limit, evict::YOUNG);
        }
    }
}
