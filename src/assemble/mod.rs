//! Release -> Plan: every rule looked up, every owner and mode decided, every conflict found.
//!
//! Enters: a [`Release`]. Leaves: [`Assembled`], a [`Plan`] with all findings at once. Nothing is written, and no content is
//! read but headers of programs, files whose holes are filled and manual pages.

use std::path::Path;
use std::sync::Arc;

use crate::diagnostic::{Findings, has_errors};
use crate::listener::{Event, Listener};
use crate::resolve::Release;
use gaps::Gaps;
use own::Passed;
use plan::{Base, Dialect, Entry, FormatSet, Kind, Lifecycle, Plan, Sources};

pub mod account;
pub mod bundle;
pub mod carry;
pub mod changelog;
pub mod collect;
pub mod conflict;
pub mod content;
pub mod copyright;
pub mod documents;
pub mod draft;
pub mod elf;
pub mod gaps;
pub mod heads;
pub mod launcher;
pub mod lifecycle;
pub mod links;
pub mod loader;
pub mod maintainer;
pub mod merged_usr;
pub mod mode;
pub mod natives;
pub mod otp;
pub mod own;
pub mod owner;
pub mod patch;
pub mod path;
pub mod plan;
pub mod rules;
pub mod same;
#[cfg(test)]
pub mod sample;
pub mod served;
pub mod service;
pub mod sources;
#[cfg(test)]
mod tests;
pub mod walk;

/// What came of a release.
pub struct Assembled {
    /// What is in the packages. Only where no finding is an error it is all that was asked for, and may be packed.
    pub plan: Plan,
    /// What rules passed over.
    pub passed: Vec<Passed>,
    /// Every finding of the pass.
    pub findings: Findings,
    /// What is not in the plan because of an error.
    pub gaps: Gaps,
}

/// Decides what is in the packages of one target; `gaps` is what is missing in the release already. `sources` is shared by
/// all targets of a run.
pub fn assemble(release: &Release, mut gaps: Gaps, sources: &mut Sources, listener: &dyn Listener) -> Assembled {
    let mut findings = Findings::new();
    let run = collect::Run::new(release);
    let (mut drafts, passed) = collect::collect(&run, &mut gaps, &mut findings);
    drafts.extend(bundle::collect(&run, Path::new("/"), &mut gaps, &mut findings));
    documents::compress_manuals(&mut drafts, &run, &mut findings);
    let private = account::private(&run, &drafts);
    let mut tree = conflict::merge(drafts, &mut findings);
    service::add(&run, &mut tree, &mut findings);
    launcher::add(&run, &mut tree, &mut findings);
    account::add(&run, &mut tree, &mut findings);
    documents::add(&run, &private, &mut tree, &mut findings);
    let (drafts, owners) = account::settle(&run, tree.finish(&mut findings));
    links::check(&drafts, &release.project, &gaps, &mut findings);
    merged_usr::check(&drafts, release, laid_over_a_system(&run), &mut findings);

    let mut entries = draft::settle(drafts, sources);
    let mut elf = natives::elf_facts(&entries, sources, &release.target, &release.project, &mut findings);
    served::by_bundled(release, &mut entries, &mut elf, sources, &mut findings);
    carry::check(&entries, &release.services, &release.formats, &mut findings);
    carry::check_accounts(&entries, &release.accounts, &mut findings);
    let asked = lifecycle::Asked {
        given: &release.lifecycle,
        formats: &release.formats,
        services: &release.services,
        accounts: &release.accounts,
        owners: &owners,
        entries: &entries,
    };
    let lifecycle = lifecycle::of_run(asked, &mut findings);
    if !has_errors(&findings) {
        listener.hear(assembled(&entries));
    }
    let mut plan = plan(release, entries, lifecycle);
    plan.target.independent = elf.files.is_empty();
    plan.elf = elf;
    Assembled { plan, passed, findings, gaps }
}

/// The formats that share their directories with a base system: packages, and layers over a base.
fn laid_over_a_system(run: &collect::Run<'_>) -> FormatSet {
    let has_base = run.release.image.base.value != Base::Scratch;
    run.formats(|name, abilities| match abilities.dialect {
        Dialect::Deb | Dialect::Rpm => true,
        _ => name == "oci" && has_base,
    })
}

fn assembled(entries: &[Entry]) -> Event {
    let sizes = entries.iter().filter_map(|entry| match &entry.kind {
        Kind::File(source) => Some(source.size),
        _ => None,
    });
    Event::Assembled { files: sizes.clone().count(), bytes: sizes.sum() }
}

/// The facts that the Plan takes over as they are.
fn plan(release: &Release, entries: Vec<Entry>, lifecycle: Lifecycle) -> Plan {
    Plan {
        identity: release.identity.clone(),
        target: release.target.clone(),
        environment: release.environment.clone(),
        clock: release.clock,
        entries: Arc::from(entries),
        formats: release.formats.iter().map(|(name, _)| *name).collect(),
        elf: plan::ElfFacts::default(),
        templates: release.templates.clone(),
        services: release.services.clone(),
        accounts: release.accounts.clone(),
        lifecycle,
        changelog: release.changelog.clone(),
        deb: release.deb.clone(),
        rpm: release.rpm.clone(),
        tarball: release.tarball.clone(),
        zip: release.zip.clone(),
        image: release.image.clone(),
        base: None,
    }
}
