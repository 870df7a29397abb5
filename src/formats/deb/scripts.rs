//! The maintainer scripts as they stand in the control archive.
//!
//! Their text comes from the plan's lifecycle. A .deb cannot carry file capabilities (dpkg reads no extended
//! attributes), so the postinst gets lines that set them. Not here: what the scripts do about services.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::assemble::maintainer;
use crate::assemble::plan::{Dialect, Entry, Plan};
use crate::diagnostic::{Diagnostic, Findings, Origin, codes};
use crate::formats::stream::is_carried;

/// The package that has `setcap`.
pub(super) const SETCAP_PACKAGE: &str = "libcap2-bin";

/// Scripts by their name in the control archive.
pub(super) fn texts(plan: &Plan, findings: &mut Findings) -> BTreeMap<&'static str, String> {
    let mut texts = BTreeMap::new();
    for (name, script) in maintainer::scripts(plan, Dialect::Deb) {
        if !script.text.starts_with("#!/") {
            let message = format!("the {name} script does not begin with `#!` and a path");
            findings.push(
                Diagnostic::error(codes::DEB_SCRIPT, message)
                    .at_origin(&script.origin, "")
                    .help("begin it with `#!/bin/sh` and `set -e`"),
            );
        }
        let mut text = script.text;
        if name == "postinst" && has_capabilities(plan) {
            text = with_capabilities(plan, &text, &script.origin, findings);
        }
        texts.insert(name, text);
    }
    if has_capabilities(plan) && !texts.contains_key("postinst") {
        texts.insert("postinst", format!("#!/bin/sh\nset -e\n{}exit 0\n", capability_lines(plan)));
    }
    texts
}

/// Whether some entry has file capabilities, so that `setcap` must be there.
pub(super) fn has_capabilities(plan: &Plan) -> bool {
    capable(plan).next().is_some()
}

fn capable(plan: &Plan) -> impl Iterator<Item = (&Entry, &str)> {
    plan.entries_for("deb").filter(is_carried).filter_map(|e| e.capabilities.as_deref().map(|c| (e, c)))
}

/// Puts the lines right after the first one, because the user's text may end with `exit 0` anywhere.
fn with_capabilities(plan: &Plan, text: &str, origin: &Origin, findings: &mut Findings) -> String {
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    let interpreter = first.trim_start_matches("#!").split_whitespace().next().unwrap_or_default();
    if !matches!(interpreter.rsplit('/').next(), Some("sh" | "dash" | "bash")) {
        let message =
            format!("the postinst runs under `{interpreter}` and cannot take the lines that set capabilities");
        findings.push(
            Diagnostic::error(codes::DEB_SCRIPT, message)
                .at_origin(origin, "")
                .help("write it for `/bin/sh`, or set the capabilities in it yourself"),
        );
    }
    format!("{first}\n{}{rest}", capability_lines(plan))
}

/// Runs at every configuration, so that a reinstallation heals what was lost; a file system without extended attributes
/// must not fail the installation.
fn capability_lines(plan: &Plan) -> String {
    let mut out = String::from(
        "# dpkg cannot carry file capabilities.\n\
         case \"$1\" in configure|abort-upgrade|abort-remove|abort-deconfigure)\n",
    );
    for (entry, capabilities) in capable(plan) {
        let path = quoted(&entry.path);
        let _ = writeln!(
            out,
            "    setcap {} \"$DPKG_ROOT\"{path} || echo {}: cannot set capabilities of {path} >&2",
            quoted(capabilities),
            quoted(&plan.identity.name),
        );
    }
    out.push_str("    ;;\nesac\n");
    out
}

/// For the shell, whatever it holds.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
