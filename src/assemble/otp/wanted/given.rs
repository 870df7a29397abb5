//! What the project gives to its release: configuration, providers, files, folders that are laid over it.
//!
//! Enters: keys of `[release]`, and the usual places of what they leave out. Leaves: paths that are there, and findings.

use std::path::PathBuf;
use std::sync::Arc;

use super::Reader;
use crate::assemble::otp::config::Source;
use crate::assemble::otp::mix::there;
use crate::config::schema::Text;
use crate::diagnostic::{SourceText, codes};
use crate::resolve::preset::term::{self, Term};

impl Reader<'_> {
    pub(super) fn providers(&mut self) -> Vec<Term> {
        let mut all = Vec::new();
        for at in &self.release.providers.clone() {
            let text = format!("{}.", at.trim().trim_end_matches('.'));
            let source = Arc::new(SourceText { name: "providers".into(), text });
            match term::parse(&source).as_deref() {
                Ok([Term::Tuple(parts)]) if matches!(&parts[..], [Term::Atom(_), _]) => {
                    all.push(Term::Tuple(parts.clone()));
                }
                _ => {
                    let message = format!("`{}` is no provider", at.escape_debug());
                    let help = "write a tuple of module and state, as Erlang does: `{'Elixir.Vault', []}`";
                    self.refuse(codes::CONFIG_INVALID_VALUE, at, message, help);
                }
            }
        }
        all
    }

    pub(super) fn config(&mut self, is_mix: bool) -> Option<Source> {
        let Some(at) = self.release.sys_config.clone() else {
            let usual: &[&str] =
                if is_mix { &["config/config.exs"] } else { &["config/sys.config.src", "config/sys.config"] };
            let file = usual.iter().find_map(|name| there(self.project, name))?;
            return Some(Source::of_file(file, None));
        };
        if let Some(command) = at.strip_prefix("command:") {
            return Some(Source::Command(command.trim().to_owned(), self.span(&at)));
        }
        let file = self.file(Some(&at), &[])?;
        Some(Source::of_file(file, Some(self.span(&at))))
    }

    /// The file that is typed, else the first usual one that is there.
    pub(super) fn file(&mut self, typed: Option<&Text>, usual: &[&str]) -> Option<PathBuf> {
        let Some(at) = typed else { return usual.iter().find_map(|name| there(self.project, name)) };
        let file = self.project.join(&at.value);
        if !file.is_file() {
            let message = format!("`{}` is not there", at.escape_debug());
            self.refuse(codes::RESOLVE_NOT_FOUND, at, message, "name a file, relative to the config file");
            return None;
        }
        Some(file)
    }

    pub(super) fn overlays(&mut self, is_mix: bool) -> Vec<PathBuf> {
        let Some(typed) = self.release.overlays.clone() else {
            return if is_mix { there(self.project, "rel/overlays").into_iter().collect() } else { Vec::new() };
        };
        let mut all = Vec::new();
        for at in &typed {
            let folder = self.project.join(&at.value);
            if folder.is_dir() {
                all.push(folder);
            } else {
                let message = format!("`{}` is no folder", at.escape_debug());
                self.refuse(
                    codes::RESOLVE_NOT_FOUND,
                    at,
                    message,
                    "name a folder whose files are laid over the release",
                );
            }
        }
        all
    }
}
