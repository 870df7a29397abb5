//! What decides the build step besides files: commands, environment, toolchain, commit and machine, each as a digest.

use std::collections::BTreeMap;

use super::{Run, Step};
use crate::build::ask::ask;
use crate::build::cache::Plan;
use crate::build::state::State;
use crate::build::tool::Tool;
use crate::build::toolchain;
use crate::codec::hashes::{Hashes, sums};
use crate::codec::hex::hex;

impl Step {
    /// Versions of the tools that run.
    pub(super) fn versions(&self, state: &State) -> Vec<String> {
        if let Some(image) = self.sandbox.image(&self.environment, &self.folder) {
            return vec![image];
        }
        let memory = state.toolchains();
        let version = |tool: &&Tool| toolchain::version(tool, &self.environment, &self.folder, memory.as_deref());
        self.watch.tools.iter().map(version).collect()
    }

    /// What decides whether the step runs.
    pub(super) fn facts(&self, versions: &[String]) -> BTreeMap<String, String> {
        let texts = self.build.iter().map(|line| match &line.run {
            Run::Shell(text) => text.as_str(),
            Run::File(..) => "",
        });
        let own = self.sandbox.has_own_tools();
        let programs = if own { Vec::new() } else { toolchain::programs(texts, &self.environment) };
        let environments: Vec<_> = self.build.iter().map(|line| line.environment.deciding()).collect();
        let commands: Vec<_> = self.build.iter().map(|line| (&line.what, line.run.content())).collect();
        // A build may well ask git which version it is.
        let commit = ["log -1 --format=%H", "tag --points-at HEAD"]
            .map(|arguments| ask(&self.folder, "git", &arguments.split(' ').collect::<Vec<_>>()).unwrap_or_default());
        let machine = (std::env::consts::OS, std::env::consts::ARCH);
        // Digests, because some of the values may be secrets.
        let all = [
            ("what runs", format!("{commands:?}")),
            ("the sandbox", format!("{:?}", self.sandbox)),
            ("the environment", format!("{environments:?}")),
            ("the toolchain", format!("{versions:?} {programs:?}")),
            ("the commit", format!("{commit:?}")),
            ("the machine", format!("{machine:?}")),
        ];
        all.into_iter().map(|(name, value)| (name.to_owned(), digest(&value))).collect()
    }

    /// What is kept for other checkouts, and what it depends on.
    pub(super) fn cache(&self, versions: Vec<String>) -> Plan {
        let kept = &self.watch.kept;
        let value = |name: &&str| format!("{name}={:?}", self.environment.get(name));
        let machine = [std::env::consts::OS.to_owned(), std::env::consts::ARCH.to_owned(), self.identity()];
        Plan {
            folder: self.folder.clone(),
            paths: kept.paths.clone(),
            except: kept.except.clone(),
            locks: kept.locks.clone(),
            scope: machine.into_iter().chain(versions).chain(kept.env.iter().map(value)).collect(),
        }
    }

    /// The same in each checkout of a project, and in no other project: its name, else its place in its repository.
    fn identity(&self) -> String {
        if let Some(name) = &self.watch.kept.name {
            return name.clone();
        }
        let git = |arguments: &[&str]| ask(&self.folder, "git", arguments).map(|said| said.trim().to_owned());
        let folder = || self.folder.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let Ok(below) = git(&["rev-parse", "--show-prefix"]) else { return folder() };
        // A repository that was cloned is called as the one that it came from.
        let from = git(&["config", "--get", "remote.origin.url"]).or_else(|_| git(&["rev-parse", "--show-toplevel"]));
        let from = from.unwrap_or_default();
        let name = from.trim_end_matches('/').trim_end_matches(".git").rsplit(['/', ':']).next();
        format!("{}/{below}", name.unwrap_or_default())
    }
}

impl Run {
    /// What runs: the line, or the text of the file.
    fn content(&self) -> String {
        match self {
            Self::Shell(line) => line.clone(),
            Self::File(name, path) => {
                // Whatever it holds: it is a digest that is wanted.
                let text = fs_err::read(path).unwrap_or_default();
                format!("{name}\n{}", String::from_utf8_lossy(&text))
            }
        }
    }
}

fn digest(value: &str) -> String {
    hex(&sums(value.as_bytes(), Hashes::SHA256).sha256.unwrap_or_default())
}
