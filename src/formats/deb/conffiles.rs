//! The lists of files in the control archive: conffiles and md5sums.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::assemble::plan::{Entry, Kind, Plan, Role, SourceId};
use crate::codec::hex::hex;
use crate::diagnostic::{Diagnostic, Findings, codes};
use crate::formats::Digests;
use crate::formats::stream::is_carried;

/// Whether dpkg treats an entry as a configuration file: regular files only, as debhelper has it.
fn is_conffile(entry: &Entry) -> bool {
    matches!(entry.role, Role::Config { .. }) && matches!(entry.kind, Kind::File(_))
}

/// Absolute paths, one a line.
pub(super) fn conffiles(plan: &Plan, findings: &mut Findings) -> String {
    let mut out = String::new();
    for entry in plan.entries_for("deb").filter(is_carried).filter(|e| is_conffile(e)) {
        if entry.path.contains('\n') || entry.path.ends_with(char::is_whitespace) {
            let message = format!("`{}` cannot be a conffile: dpkg lists them one a line", entry.path.escape_debug());
            findings.push(
                Diagnostic::error(codes::DEB_PATH, message)
                    .at_origin(&entry.origin, "")
                    .path(entry.path.as_ref())
                    .help("give it a name without line breaks and without blanks at the end"),
            );
        }
        out.push_str(&entry.path);
        out.push('\n');
    }
    out
}

/// What `md5sum -c` reads in `/`: every regular file but conffiles, all names of a hard-linked one.
pub(super) fn md5sums(plan: &Plan, digests: &Digests) -> String {
    let mut linked: BTreeMap<&str, Option<SourceId>> = plan
        .entries_for("deb")
        .filter_map(|e| match &e.kind {
            Kind::Hardlink { target } => Some((target.as_ref(), None)),
            _ => None,
        })
        .collect();
    let mut out = String::new();
    for entry in plan.entries_for("deb").filter(is_carried) {
        let id = match &entry.kind {
            Kind::File(source) => {
                if let Some(id) = linked.get_mut(entry.path.as_ref()) {
                    *id = Some(source.id);
                }
                Some(source.id)
            }
            Kind::Hardlink { target } => linked.get(target.as_ref()).copied().flatten(),
            _ => None,
        };
        let Some(id) = id.filter(|_| !is_conffile(entry)) else { continue };
        let path = entry.path.trim_start_matches('/');
        let sum = hex(&digests[id].md5);
        // md5sum's own escapes: such a line begins with a backslash.
        if path.contains(['\n', '\\']) {
            let path = path.replace('\\', "\\\\").replace('\n', "\\n");
            let _ = writeln!(out, "\\{sum}  {path}");
        } else {
            let _ = writeln!(out, "{sum}  {path}");
        }
    }
    out
}
