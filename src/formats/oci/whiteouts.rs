//! Layers laid over each other: what a container sees.
//!
//! Enters: the tree of a layer and what the layers below add up to. Leaves: both together, with paths gone that the layer
//! takes away (image-spec, `layer.md`, "whiteouts").

use std::collections::BTreeMap;

use crate::formats::tree::Tree;
use crate::formats::{ListedEntry, ListedKind};
use crate::resolve::capabilities;

/// Marks that a path of a lower layer is gone (image-spec, `layer.md`).
const WHITEOUT: &str = ".wh.";
/// Marks that nothing of a lower layer shows in this folder.
const OPAQUE: &str = ".wh..wh..opq";

/// Lays a layer over those below: whiteouts first, as they speak of lower layers only.
pub(super) fn lay_over(merged: &mut BTreeMap<String, ListedEntry>, tree: Tree, number: usize) {
    for entry in &tree.entries {
        let Some((folder, name)) = entry.listed.path.rsplit_once('/') else { continue };
        if name == OPAQUE {
            remove_below(merged, folder);
        } else if let Some(gone) = name.strip_prefix(WHITEOUT) {
            let path = format!("{folder}/{gone}");
            merged.remove(&path);
            remove_below(merged, &path);
        }
    }
    for mut entry in tree.entries {
        let name = entry.listed.path.rsplit('/').next().unwrap_or_default();
        if name.starts_with(WHITEOUT) {
            continue;
        }
        if entry.listed.kind != ListedKind::Directory {
            remove_below(merged, &entry.listed.path);
        }
        entry.listed.layer = Some(number);
        if let Some(value) = entry.xattrs.as_ref().and_then(|all| all.get("security.capability")) {
            entry.listed.capabilities = capabilities::decode(value).or_else(|| Some("unreadable".to_owned()));
        }
        merged.insert(entry.listed.path.clone(), entry.listed);
    }
}

fn remove_below(merged: &mut BTreeMap<String, ListedEntry>, folder: &str) {
    let (from, to) = (format!("{folder}/"), format!("{folder}0")); // `0` follows `/`
    let below: Vec<String> = merged.range(from..to).map(|(path, _)| path.clone()).collect();
    for path in below {
        merged.remove(&path);
    }
}
