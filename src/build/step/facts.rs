//! What decides the build step besides files: commands, environment, toolchain, commit and machine, each as a digest.

use std::collections::BTreeMap;

use super::{Run, Step};
use crate::build::ask::ask;
use crate::build::state::State;
use crate::build::toolchain;
use crate::codec::hashes::{Hashes, sums};
use crate::codec::hex::hex;

impl Step {
    pub(super) fn facts(&self, state: &State) -> BTreeMap<String, String> {
        let memory = state.toolchains();
        let version = |tool: &&crate::build::tool::Tool| {
            toolchain::version(tool, &self.environment, &self.folder, memory.as_deref())
        };
        let versions: Vec<String> = self.watch.tools.iter().map(version).collect();
        let texts = self.build.iter().map(|line| match &line.run {
            Run::Shell(text) => text.as_str(),
            Run::File(..) => "",
        });
        let programs = toolchain::programs(texts, &self.environment);
        let environments: Vec<_> = self.build.iter().map(|line| line.environment.deciding()).collect();
        let commands: Vec<_> = self.build.iter().map(|line| (&line.what, line.run.content())).collect();
        // A build may well ask git which version it is.
        let commit = ["log -1 --format=%H", "tag --points-at HEAD"]
            .map(|arguments| ask(&self.folder, "git", &arguments.split(' ').collect::<Vec<_>>()).unwrap_or_default());
        let machine = (std::env::consts::OS, std::env::consts::ARCH);
        // Digests, because some of the values may be secrets.
        let all = [
            ("what runs", format!("{commands:?}")),
            ("the environment", format!("{environments:?}")),
            ("the toolchain", format!("{versions:?} {programs:?}")),
            ("the commit", format!("{commit:?}")),
            ("the machine", format!("{machine:?}")),
        ];
        all.into_iter().map(|(name, value)| (name.to_owned(), digest(&value))).collect()
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
