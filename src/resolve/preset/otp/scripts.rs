//! Hooks and commands that a release brings along, for the launcher: the script which knew them is not used.
//!
//! Enters: an [`OtpRelease`]. Leaves: the texts of its scripts by moment and by name. Distillery keeps them below
//! `releases/VSN`; relx below `bin`, named in the script that it makes.

use std::collections::BTreeMap;
use std::path::Path;

use super::{OtpRelease, Producer, names};
use crate::diagnostic::Origin;
use crate::resolve::service::{Command, Moment, Run, UserScript};

impl OtpRelease {
    /// Its hooks, those of each moment in their order.
    pub(crate) fn own_hooks(&self) -> BTreeMap<Moment, Vec<UserScript>> {
        let mut all = BTreeMap::new();
        for moment in Moment::ALL {
            let files = match self.producer {
                Producer::Mix => continue,
                Producer::Distillery => {
                    self.below(&format!("{}/hooks/{}.d", self.live(), moment.word().replace('-', "_")))
                }
                Producer::Relx => self.relx_hooks(moment),
            };
            let scripts: Vec<UserScript> = files.iter().filter_map(|file| self.script(file)).collect();
            if !scripts.is_empty() {
                all.insert(moment, scripts);
            }
        }
        all
    }

    /// Its commands by name.
    pub(crate) fn own_commands(&self) -> BTreeMap<String, Command> {
        let files = match self.producer {
            Producer::Mix => Vec::new(),
            Producer::Distillery => self.below(&format!("{}/commands", self.live())),
            Producer::Relx => self.below("bin/extensions"),
        };
        let one = |file: &String| {
            let name = Path::new(file).file_stem()?.to_str()?.to_owned();
            let about = format!("of the release: {file}");
            Some((name, Command { about, run: Run::Script(self.script(file)?) }))
        };
        files.iter().filter_map(one).collect()
    }

    fn live(&self) -> String {
        format!("releases/{}", self.version)
    }

    /// Files of a folder, by name.
    fn below(&self, folder: &str) -> Vec<String> {
        names(self, folder).into_iter().map(|name| format!("{folder}/{name}")).collect()
    }

    /// `PRE_START_HOOKS="hooks/a.sh hooks/builtin/pid"`: what relx has built in, the launcher has too.
    fn relx_hooks(&self, moment: Moment) -> Vec<String> {
        let word = match moment {
            Moment::PreStart => "PRE_START",
            Moment::PostStart => "POST_START",
            Moment::PreStop => "PRE_STOP",
            Moment::PostStop => "POST_STOP",
            Moment::PreUpgrade => "PRE_INSTALL_UPGRADE",
            Moment::PostUpgrade => "POST_INSTALL_UPGRADE",
            Moment::PreConfigure | Moment::PostConfigure => return Vec::new(),
        };
        let text = fs_err::read_to_string(self.dir.join("bin").join(&self.name)).unwrap_or_default();
        let line = text.lines().find_map(|line| line.trim().strip_prefix(&format!("{word}_HOOKS=\"")));
        let hooks = line.and_then(|rest| rest.split('"').next()).unwrap_or_default().split_whitespace();
        hooks.filter(|hook| !hook.starts_with("hooks/builtin/")).map(|hook| format!("bin/{hook}")).collect()
    }

    /// A script, which its own launcher reads into itself: by bash, or by the shell of the host.
    fn script(&self, file: &str) -> Option<UserScript> {
        let text = fs_err::read_to_string(self.dir.join(file)).ok()?;
        let shell = if self.producer == Producer::Distillery { "#!/bin/bash\n" } else { "#!/bin/sh\n" };
        let text = if text.starts_with("#!") { text } else { format!("{shell}{text}") };
        Some(UserScript { text, origin: Origin::Preset { preset: "otp", what: file.to_owned() } })
    }
}
