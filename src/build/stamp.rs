//! Whether the build step has anything to do: nothing that it reads has changed, and what it made is as it was left.
//!
//! Enters: what decides the step besides files, its inputs and its outputs. Leaves: a [`Verdict`], and after a build a stamp
//! in the project's folder of the cache. A stamp that cannot be read or written costs a build, never a stale artifact.
//!
//! A file that came during a build is a source that somebody added or something that the step made, and nobody can tell which.
//! So it is new to the next verdict, which costs one more build. If that build writes it again as it was, it is the step's from
//! then on; if it does not touch it, it is an input.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::inputs::{Inputs, Untold};
use super::seen::{self, AllSeen, Stat};
use super::state::EVALUATED;
use crate::interrupt;

/// Raised when a stamp means something else.
const SCHEMA: u32 = 2;
const FILE: &str = "stamp.json";

/// What a step is, for its stamp.
#[derive(Debug)]
pub struct Step<'a> {
    /// The project's folder in the cache.
    pub folder: &'a Path,
    /// What decides it besides files: what it is, and its value.
    pub facts: BTreeMap<String, String>,
    /// The files that it reads.
    pub inputs: &'a Inputs,
    /// What it makes.
    pub outputs: &'a [Output],
    /// What fitout itself writes and reads there.
    pub own: &'a [PathBuf],
}

/// Something that a step makes.
#[derive(Debug, Clone)]
pub struct Output {
    /// File or folder, absolute.
    pub path: PathBuf,
    /// How deep what lies in it counts.
    pub depth: usize,
}

/// What is to be done.
#[derive(Debug)]
pub enum Verdict {
    /// Nothing.
    Fresh,
    /// It must run; why.
    Run(String, Before),
}

/// What was there before the build.
#[derive(Debug, Default)]
pub struct Before {
    /// The files that are read; none where that cannot be told.
    inputs: Option<AllSeen>,
    /// Those of them that the last stamp does not know.
    new: BTreeSet<String>,
    /// Why it cannot be told.
    untold: Option<Untold>,
    /// Files that are no input because an earlier build showed that the step makes them.
    made: BTreeSet<String>,
}

impl Before {
    /// The files that are read, with what is seen of them; for whoever changes their times before the build.
    pub fn inputs(&mut self) -> Option<&mut AllSeen> {
        self.inputs.as_mut()
    }

    /// Why it cannot be told which files are read; none where it can, or where nothing could be left anyway.
    pub fn untold(&self) -> Option<&Untold> {
        self.untold.as_ref()
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Stamp {
    schema: u32,
    facts: BTreeMap<String, String>,
    inputs: AllSeen,
    /// What the step left: its outputs, and files that would be inputs if it did not make them.
    left: BTreeMap<String, Stat>,
    /// Whether there is nothing in that to look at: nobody could tell that it is gone.
    blind: bool,
}

impl Step<'_> {
    /// Compares with the stamp; `skip` is whether that may end in doing nothing.
    pub fn verdict(&self, skip: bool) -> Verdict {
        let untold =
            |untold| Verdict::Run("what it reads cannot be told".to_owned(), Before { untold, ..Before::default() });
        let Ok(now) = seen::now(self.folder) else { return untold(None) };
        let mut paths = match self.inputs.list() {
            Ok(paths) => paths,
            Err(why) => return untold(Some(why)),
        };
        let stamp = self.read();
        let mut before = Before::default();
        if let Some(stamp) = &stamp {
            (before.made, paths) = paths.into_iter().partition(|path| stamp.left.contains_key(path));
            before.new = paths.iter().filter(|path| !stamp.inputs.contains_key(*path)).cloned().collect();
        }
        let seen = seen::look(&paths, stamp.as_ref().map(|stamp| &stamp.inputs), now);
        let run = |why, seen| Verdict::Run(why, Before { inputs: Some(seen), ..before });
        let Some(stamp) = stamp else { return run("there was none yet".to_owned(), seen) };
        let changed = match (skip, stamp.blind) {
            (false, _) => Some("`skip` is off".to_owned()),
            (true, true) => Some("nothing is known that it leaves".to_owned()),
            (true, false) => self.changed(&stamp, &seen),
        };
        if let Some(why) = changed {
            return run(why, seen);
        }
        if seen != stamp.inputs {
            // The next look is faster then.
            let _ = self.write(&Stamp { inputs: seen, ..stamp });
        }
        Verdict::Fresh
    }

    /// Before a build: until it is done nothing is fresh, nor what was evaluated behind the last.
    pub fn begin(&self) {
        let evaluated = |name: &std::ffi::OsString| name.as_encoded_bytes().starts_with(EVALUATED.as_bytes());
        let entries = std::fs::read_dir(self.folder).into_iter().flatten().flatten();
        for name in entries.map(|entry| entry.file_name()).filter(evaluated).chain([FILE.into()]) {
            let _ = std::fs::remove_file(self.folder.join(name));
        }
    }

    /// After a build that went well.
    pub fn done(&self, before: Before) {
        let (Some(mut inputs), Ok(paths)) = (before.inputs, self.inputs.list()) else { return };
        let mut made = before.made;
        for path in &before.new {
            let now = seen::look([path], None, i128::MIN).remove(path);
            let Some((before, now)) = inputs.get(path).zip(now).filter(|(before, now)| !now.is_untouched(before))
            else {
                continue;
            };
            if now.digest == before.digest {
                made.insert(path.clone());
            }
            // Of another one it is not known whose change it was: it is new once more.
            inputs.remove(path);
        }
        let mut left = self.outputs(&inputs);
        left.retain(|path, _| !paths.contains(path));
        let stat = |path: &String| Some((path.clone(), Stat::of(&std::fs::symlink_metadata(path).ok()?)));
        left.extend(made.iter().filter(|path| paths.contains(*path)).filter_map(stat));
        let gone = |output: &Output| std::fs::symlink_metadata(&output.path).is_err();
        let is_output = |path: &String| self.outputs.iter().any(|output| Path::new(path).starts_with(&output.path));
        let blind = left.values().all(|stat| stat.is_folder()) && !paths.iter().any(is_output);
        if self.outputs.iter().any(gone) {
            return;
        }
        let _ = self.write(&Stamp { schema: SCHEMA, facts: self.facts.clone(), inputs, left, blind });
    }

    fn changed(&self, stamp: &Stamp, seen: &AllSeen) -> Option<String> {
        let fact = self.facts.iter().find(|(name, value)| stamp.facts.get(*name) != Some(value));
        if let Some((name, _)) = fact {
            return Some(format!("{name} changed"));
        }
        if let Some(difference) = seen::difference(&stamp.inputs, seen) {
            return Some(difference);
        }
        let mut left = self.outputs(seen);
        for path in stamp.left.keys().filter(|path| !left.contains_key(*path)).cloned().collect::<Vec<_>>() {
            if let Ok(meta) = std::fs::symlink_metadata(&path) {
                left.insert(path, Stat::of(&meta));
            }
        }
        let other = left.iter().find(|(path, stat)| stamp.left.get(*path) != Some(stat)).map(|(path, _)| path);
        let other = other.or_else(|| stamp.left.keys().find(|path| !left.contains_key(*path)))?;
        Some(format!("`{other}` is not as it was left"))
    }

    /// Everything below the outputs that is no input: an input is compared by its content.
    fn outputs(&self, inputs: &AllSeen) -> BTreeMap<String, Stat> {
        let mut all = BTreeMap::new();
        for Output { path, depth } in self.outputs {
            all.append(&mut seen::stats(path, *depth, self.own));
        }
        all.retain(|path, _| !inputs.contains_key(path));
        all
    }

    fn read(&self) -> Option<Stamp> {
        let text = std::fs::read(self.folder.join(FILE)).ok()?;
        serde_json::from_slice(&text).ok().filter(|stamp: &Stamp| stamp.schema == SCHEMA)
    }

    fn write(&self, stamp: &Stamp) -> std::io::Result<()> {
        interrupt::replace(&self.folder.join(FILE), &serde_json::to_vec(stamp)?)
    }
}
