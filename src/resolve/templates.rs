//! `[package] templates` -> [`Templates`]: each file in the folder takes the place of the template with its name.

use std::collections::BTreeMap;
use std::path::Path;

use crate::config::schema::Text;
use crate::config::suggest;
use crate::diagnostic::{Diagnostic, codes};
use crate::template::{TEMPLATES, Templates};

use super::ground::{Ground, not_found, read_text};

/// What every template's file ends with.
const SUFFIX: &str = ".hbs";

/// The user's templates; reported and none if one of them is for nothing.
pub(crate) fn read(ground: &Ground, folder: Option<&Text>) -> Option<Templates> {
    let Some(typed) = folder else { return Some(Templates::default()) };
    let root = ground.path(typed);
    if !root.is_dir() {
        let finding = not_found(&root, typed).at(&ground.span(&typed.range), "");
        ground.report(finding.help("`fitout templates eject NAME` makes it"));
        return None;
    }
    let mut found = Vec::new();
    files(&root, &root, &mut found);
    let mut replaced = BTreeMap::new();
    let mut good = true;
    for name in found {
        let shown = format!("{}/{name}", typed.trim_end_matches('/'));
        let stem = name.strip_suffix(SUFFIX).unwrap_or(&name);
        let Some(template) = TEMPLATES.iter().find(|template| template.name == stem && name.ends_with(SUFFIX)) else {
            let mut told =
                Diagnostic::error(codes::TEMPLATE_REPLACED, format!("`{shown}` takes the place of no template"));
            if let Some(near) = suggest::nearest(stem, TEMPLATES.iter().map(|template| template.name)) {
                told = told.help(format!("did you mean `{near}{SUFFIX}`?"));
            }
            let told = told.at(&ground.span(&typed.range), "in this folder");
            ground.report(told.help("`fitout templates list` names them all"));
            good = false;
            continue;
        };
        match ground.ok(read_text(&root.join(&name), &shown)) {
            Some(text) => _ = replaced.insert(template.name, text),
            None => good = false,
        }
    }
    good.then(|| Templates::replacing(replaced))
}

/// Names of all files below a folder, relative to it, sorted.
fn files(folder: &Path, root: &Path, found: &mut Vec<String>) {
    for entry in fs_err::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, root, found);
        } else if let Some(name) = path.strip_prefix(root).ok().and_then(Path::to_str) {
            found.push(name.to_owned());
        }
    }
    found.sort();
}
