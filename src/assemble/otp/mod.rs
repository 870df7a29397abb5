//! Compiled applications -> an OTP release, as `mix release` or relx would make it, without running Erlang.
//!
//! Enters: `[release]` of the config. Leaves: the folder of a release, which the preset `otp` packages like any other; or every
//! finding at once. [`wanted`] says what is asked for, [`find`] where it lies, [`app`] what an application is, [`closure`] which
//! belong together, [`check`] what would stop them, [`sort`] their order, [`boot`] the script they are started by, [`etf`] its
//! bytes. [`beam`] strips modules, [`config`] makes `sys.config`, [`layout`], [`mix`] and [`relx`] lay all of it out as a [`tree`],
//! which [`write`] puts on the disk. [`upgrade`] is of releases that are assembled already. Nothing here knows a version of OTP: what they have otherwise is read from its own boot file.

use crate::build::environment::Environment;
use crate::diagnostic::{Diagnostic, Findings, codes, has_errors};
use crate::listener::{Event, Listener};
use crate::resolve::preset::term::Term;

pub mod app;
pub mod beam;
pub mod boot;
pub mod check;
pub mod closure;
pub mod config;
pub mod etf;
pub mod find;
mod layout;
mod mix;
mod relx;
pub mod sort;
pub mod tree;
pub mod upgrade;
pub mod wanted;
pub mod write;

use closure::Chosen;
use config::Kept;
use wanted::Wanted;

/// Assembles the release and puts it in its place; findings that do not stop it. `cache` is where it lies what was evaluated.
///
/// # Errors
/// All that is wrong with the applications; nothing was written then.
pub fn assemble(
    wanted: &Wanted,
    environment: &Environment,
    cache: Option<Kept<'_>>,
    listener: &dyn Listener,
) -> Result<Findings, Findings> {
    if !wanted.places.lib.is_dir() {
        let shown = crate::assemble::content::show(&wanted.project, &wanted.places.lib);
        return Err(vec![
            Diagnostic::error(codes::OTP_NOT_COMPILED, format!("there are no compiled applications in `{shown}`"))
                .path(shown)
                .help("set `tool` or `command` under `[build]` so that they are compiled first")
                .help("or name the folder: `lib` under `[release]`"),
        ]);
    }
    let (chosen, mut findings) = closure::closure(&wanted.project, &wanted.places, wanted.kind, &wanted.asked);
    // What only follows from an application that is not there is not told.
    if !has_errors(&findings) {
        findings.extend(check::check(wanted, &chosen));
    }
    if has_errors(&findings) {
        return Err(findings);
    }
    let one = |finding: Diagnostic| vec![finding];
    let config = config::read(wanted, compile_env(&chosen), environment, cache).map_err(one)?;
    let tree = layout::Layout::of(wanted, &chosen, config.as_deref()).map_err(one)?;
    let written = write::write(&tree, &wanted.place)?;
    let place = crate::assemble::content::show(&wanted.project, &wanted.place);
    let what = if written { "assembled" } else { "unchanged" };
    let value = format!("{} {} in {place}, {} applications, {what}", wanted.name, wanted.version, chosen.len());
    listener.hear(Event::Decided { what: "release", value });
    Ok(findings)
}

/// Settings that modules were compiled with, which a node compares at its start.
fn compile_env(chosen: &[Chosen]) -> Vec<Term> {
    let of = |chosen: &Chosen| chosen.application.property("compile_env")?.list().map(<[Term]>::to_vec);
    let mut all: Vec<&Chosen> = chosen.iter().collect();
    all.sort_by(|one, other| one.application.name.cmp(&other.application.name));
    all.into_iter().filter_map(of).flatten().collect()
}
