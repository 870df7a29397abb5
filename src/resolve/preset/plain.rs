//! Any tree: `[build] input` goes under the prefix as it is.

use crate::config::schema::Manifest;
use crate::diagnostic::{Diagnostic, Origin, codes};
use crate::resolve::Rule;
use crate::resolve::ground::{Ground, not_found};
use crate::resolve::release::Churn;

use super::rule;

/// The input, if there is one: a package may be made of `[[files]]` alone.
#[derive(Debug, Clone)]
pub(crate) struct Tree {
    input: Option<(String, bool, Origin)>,
}

impl Tree {
    /// Checks that there is something to pack.
    pub fn read(ground: &Ground, manifest: &Manifest) -> Option<Self> {
        let Some(input) = &manifest.build.input else {
            if manifest.files.is_empty() {
                let finding = Diagnostic::error(codes::RESOLVE_NOTHING, "nothing says what is to be in the package");
                let help = "set `input` under `[build]` to a folder, or add a `[[files]]` rule with `from` and `to`";
                ground.report(ground.in_table(finding, "build").help(help));
            }
            return Some(Self { input: None });
        };
        let path = ground.path(&input.value);
        if !path.exists() {
            ground.report(not_found(&path, &input.value).at(&ground.span(&input.range), ""));
            return None;
        }
        Some(Self { input: Some((input.value.clone(), path.is_dir(), ground.origin(input))) })
    }

    /// The tree under `prefix`; a single file goes into it.
    pub fn rules(&self, prefix: &str) -> Vec<Rule> {
        let Some((from, is_dir, take_origin)) = &self.input else { return Vec::new() };
        let to = if *is_dir { prefix.to_owned() } else { format!("{prefix}/") };
        let origin = Origin::Preset { preset: "plain", what: "input".into() };
        let mut made = rule(from.clone(), to, Churn::Application, origin);
        made.take_origin = take_origin.clone();
        vec![made]
    }
}
