//! The caches of one run of the step: brought back before it, kept after it.

use std::path::{Path, PathBuf};

use crate::build::cache::shared::{self, Use};
use crate::build::cache::store::{Local, Store};
use crate::build::cache::{Plan, cannot_open, evict};
use crate::build::environment::Variables;
use crate::build::seen::AllSeen;
use crate::build::state::State;
use crate::diagnostic::Findings;
use crate::listener::{Event, Listener};

/// Caches, and what went wrong with them.
pub(super) struct Caches<'a> {
    plan: Plan,
    local: Option<Local>,
    cache: Option<PathBuf>,
    limit: u64,
    shared: Option<Box<dyn Store>>,
    writes: bool,
    /// The files that the build reads; none where that cannot be told.
    sources: Option<&'a mut AllSeen>,
    pub warnings: Findings,
}

impl<'a> Caches<'a> {
    /// `shared` is the address of the store that machines share.
    pub fn new(
        plan: Plan,
        state: &State,
        shared: Option<(&str, &Variables)>,
        sources: Option<&'a mut AllSeen>,
    ) -> Self {
        let mut warnings = Findings::new();
        let shared = shared.filter(|_| state.shared != Use::Off).and_then(|(address, variables)| {
            let opened = shared::open(address, variables, state.shared);
            opened.map_err(|error| warnings.push(cannot_open(address, &error))).ok()
        });
        let writes = state.shared == Use::Write;
        let (local, cache) = (state.store(), state.cache().map(Path::to_owned));
        Self { plan, local, cache, limit: state.limit, shared, writes, sources, warnings }
    }

    pub fn restore(&mut self, listener: &dyn Listener) {
        // Without the sources nobody could tell a tool which of them changed.
        let Some(sources) = self.sources.as_deref_mut() else { return };
        let local = self.local.iter().map(|local| local as &dyn Store);
        let stores: Vec<&dyn Store> = local.chain(self.shared.as_deref()).collect();
        if let Some(restored) = self.plan.restore(&stores, sources, &mut self.warnings) {
            let what = self.plan.paths.join(", ");
            listener.hear(Event::Restored { what, files: restored.files, exact: restored.exact });
        }
    }

    pub fn save(&mut self, listener: &dyn Listener) {
        let Some(sources) = self.sources.as_deref() else { return };
        let local = self.local.iter().map(|local| local as &dyn Store);
        let shared = self.shared.as_deref().filter(|store| self.writes && !store.is_down());
        let stores: Vec<&dyn Store> = local.chain(shared).collect();
        let put = self.plan.save(&stores, sources, &mut self.warnings);
        if let Some(put) = put {
            let what = self.plan.paths.join(", ");
            listener.hear(Event::Kept { what, files: put.files, bytes: put.bytes, new: put.new });
        }
        if let Some(cache) = &self.cache {
            // What stays too long is found the next time.
            let _ = evict::evict(cache, self.limit, evict::YOUNG);
        }
    }
}
