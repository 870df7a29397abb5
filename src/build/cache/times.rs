//! What build tools are told by times: which sources changed since a tree was built.
//!
//! Enters: a [`Tree`] that is about to be restored, or was just packed, and the sources as they were seen. Leaves: sources whose
//! times say which of them have the content that the tree was built from, or what is recorded of them for the next checkout.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, UTIME_NOW};

use super::Plan;
use super::tree::{Time, Tree};
use super::unpack::set_time;
use crate::build::seen::{self, AllSeen, Stat};

impl Plan {
    /// A tool that compares times must see what changed since, however old the checkout is, and nothing else. `sources` leave
    /// with the stats that they have then. A file that was written since it was seen counts as changed.
    ///
    /// # Errors
    /// A tool would not see a change: the time of a source cannot be set, or must not because it is not the project's, or it is a link, whose
    /// own time no tool looks at.
    pub(super) fn tell(&self, tree: &Tree, sources: &mut AllSeen) -> io::Result<()> {
        let top = self.folder.ancestors().find(|folder| folder.join(".git").exists()).unwrap_or(&self.folder);
        for (path, seen) in sources {
            let path = Path::new(path);
            let is_ours = path.starts_with(top);
            let Ok(meta) = std::fs::symlink_metadata(path) else { continue };
            let untouched = seen.is_at(Stat::of(&meta));
            let before = self.relative(path).and_then(|name| tree.sources.get(&name));
            match before {
                Some((digest, time)) if untouched && *digest == seen.digest => {
                    // A time that is not set makes the tool build more: the content is the same whatever it says.
                    let _ = is_ours.then(|| set_time(path, *time));
                }
                _ if !is_ours => return Err(untold(path, "is outside of the project and changed")),
                _ if meta.is_symlink() => return Err(untold(path, "is a link that changed")),
                _ => touch(path).map_err(|error| untold(path, &format!("has a time that cannot be set: {error}")))?,
            }
            if let (true, Ok(meta)) = (untouched, std::fs::symlink_metadata(path)) {
                seen.moved(Stat::of(&meta));
            }
        }
        Ok(())
    }

    /// Digest and time of each source as a build leaves it. One that was written while it was built, with other content, is
    /// not among them: nobody knows which of the two it was built from, so it is new to whoever restores the tree.
    pub(super) fn built_from(&self, sources: &AllSeen) -> BTreeMap<String, (String, Time)> {
        let now = seen::look(sources.keys(), Some(sources), i128::MIN);
        let same = now.iter().filter(|(path, seen)| sources.get(*path).is_some_and(|old| old.digest == seen.digest));
        let source = |(path, seen): (&String, &seen::Seen)| {
            Some((self.relative(Path::new(path))?, (seen.digest.clone(), seen.time()?)))
        };
        same.filter_map(source).collect()
    }
}

fn untold(path: &Path, why: &str) -> io::Error {
    io::Error::other(format!("`{}` {why}, so that a tool would not see the change", path.display()))
}

fn touch(path: &Path) -> io::Result<()> {
    let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
    let times = Timestamps { last_access: now, last_modification: now };
    Ok(rustix::fs::utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW)?)
}
