//! Which permission bits an entry has: rule, else role, else preset, else what the file's own x bits say.
//!
//! Enters: a rule and the mode on the builder. Leaves: mode and the step that gave it. The builder's umask never
//! matters, and neither do setuid, setgid and sticky of the source: they are security decisions, so only a rule makes
//! them; what is dropped so is noted in the step, for lint and `explain`.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Findings, Origin, codes};
use crate::resolve::{Release, Rule};

use super::plan::{Fact, Role};

/// All bits that a mode may have.
const ALL_BITS: u32 = 0o7777;
/// Mode of symbolic links: Linux has no other.
pub const SYMLINK: u32 = 0o777;
/// Mode of directories, unless a rule says otherwise.
pub const DIRECTORY: u32 = 0o755;

/// Mode of a regular file that `rule` takes.
pub fn of_file(rule: &Rule, executable: bool) -> (u32, Origin) {
    let typed = rule.mode.as_ref();
    if let Some(mode) = typed.filter(|mode| !is_preset(mode)) {
        return (mode.value, mode.origin.clone());
    }
    match rule.role {
        Role::Doc => return (0o644, Origin::Ladder { step: "role doc" }),
        Role::License => return (0o644, Origin::Ladder { step: "role license" }),
        Role::Plain | Role::Config { .. } | Role::Ghost => {}
    }
    match typed {
        Some(mode) => (mode.value, mode.origin.clone()),
        None if executable => (0o755, Origin::Ladder { step: "the file is executable" }),
        None => (0o644, Origin::Ladder { step: "the file is not executable" }),
    }
}

/// Mode of a directory of a tree.
pub fn of_directory(rule: &Rule) -> (u32, Origin) {
    rule.dir_mode.as_ref().map_or((DIRECTORY, Origin::Default), |mode| (mode.value, mode.origin.clone()))
}

/// What has a mode on the builder.
#[derive(Debug, Clone, Copy)]
pub enum Of<'p> {
    /// A file.
    File,
    /// A directory, and where it is.
    Directory(&'p Path),
    /// A directory that a rule takes whole: mktemp(1) closes those that it makes, whatever will be in them.
    Root(&'p Path),
}

/// Bits of which the builder's files say nothing, because all of them have or lack them.
#[derive(Debug, Clone, Copy)]
pub struct Builder {
    /// The umask closes what is made: a file of fitout's own, such as the config, may not be read by others.
    closes: bool,
    /// The project's directory hands its group down.
    hands_down: bool,
}

impl Builder {
    /// Looks at files of fitout's own and the project's folder.
    pub fn of(release: &Release) -> Self {
        let seen = |path: &Path| fs_err::metadata(path).ok();
        let mut own = release.kept.own.iter().filter_map(|path| seen(path)).filter(std::fs::Metadata::is_file);
        Self { closes: own.any(|file| file.mode() & 0o004 == 0), hands_down: hands_down(&release.project) }
    }

    /// The mode that a step gives to what has the mode `found`, with what it drops of that.
    pub fn given(self, (mode, step): &(u32, Arc<Origin>), found: u32, of: Of<'_>) -> (u32, Arc<Origin>) {
        let step_of = match **step {
            Origin::Ladder { step } if !step.starts_with("role") => step,
            Origin::Default if !matches!(of, Of::File) => "default",
            _ => return (*mode, Arc::clone(step)),
        };
        let special = match of {
            Of::Directory(path) | Of::Root(path) if self.hands_setgid_to(path, found) => 0o5000,
            _ => 0o7000,
        };
        let closed = !self.closes && !matches!(of, Of::Root(_)) && found & 0o004 == 0 && mode & 0o004 != 0;
        if closed || found & special & !mode != 0 {
            return (*mode, Arc::new(Origin::Dropped { step: step_of, mode: found }));
        }
        (*mode, Arc::clone(step))
    }

    /// Whether a directory has its setgid bit from the one above it: mkdir(2).
    fn hands_setgid_to(self, path: &Path, found: u32) -> bool {
        found & 0o2000 != 0 && (self.hands_down || hands_down(&path.join("..")))
    }
}

fn hands_down(folder: &Path) -> bool {
    fs_err::metadata(folder).is_ok_and(|folder| folder.mode() & 0o2000 != 0)
}

/// Mode of the directory that a `directory = true` rule makes, where `mode` can mean nothing else.
pub fn of_made_directory(rule: &Rule) -> (u32, Origin) {
    let typed = rule.dir_mode.as_ref().or(rule.mode.as_ref());
    typed.map_or((DIRECTORY, Origin::Default), |mode| (mode.value, mode.origin.clone()))
}

/// Finds modes with bits that no file has.
pub fn check(rule: &Rule, findings: &mut Findings) {
    for mode in [&rule.mode, &rule.dir_mode].into_iter().flatten().filter(|mode| mode.value > ALL_BITS) {
        findings.push(
            Diagnostic::error(codes::FILES_MODE, format!("mode `{:#o}` has bits over `07777`", mode.value))
                .at_origin(&mode.origin, "")
                .help("write at most four octal digits, such as `\"0640\"`"),
        );
    }
}

/// Refuses the owner and mode that a `directory = true` rule gives to a directory which every package of the host uses. It
/// has those of every host in the plan, so that nothing would come of what was typed.
pub fn refuse_shared(rule: &Rule, path: &str, findings: &mut Findings) {
    let owner = rule.owner.as_ref().map(|owner| ("owner", &owner.origin));
    let modes = [&rule.mode, &rule.dir_mode].into_iter().flatten().map(|mode| ("mode", &mode.origin));
    for (what, origin) in owner.into_iter().chain(modes) {
        let message = format!("`{path}` belongs to the base system, and a package must not change its {what}");
        findings.push(
            Diagnostic::error(codes::FILES_SHARED_DIRECTORY, message)
                .at_origin(origin, "")
                .help("leave it out, or make a directory of your own below"),
        );
    }
}

fn is_preset(mode: &Fact<u32>) -> bool {
    matches!(mode.origin, Origin::Preset { .. })
}
