//! The maintainer scripts as they stand in the control archive.
//!
//! Enters: a Plan. Leaves: the texts that [`maintainer`] makes of its lifecycle, each a program that dpkg can run. Not
//! here: what they do.

use std::collections::BTreeMap;

use crate::assemble::maintainer;
use crate::assemble::plan::{Dialect, Plan};
use crate::diagnostic::{Diagnostic, Findings, codes};

/// The package that has `setcap`.
const SETCAP_PACKAGE: &str = "libcap2-bin";
/// Packages that have `systemd-sysusers`, as `dh_installsysusers(1)` names them.
const SYSUSERS_PACKAGES: &str = "systemd | systemd-standalone-sysusers | systemd-sysusers";

/// What the scripts need to run.
pub(super) fn depends(plan: &Plan) -> Vec<String> {
    let mut needs = Vec::new();
    if plan.lifecycle.sets_capabilities() {
        needs.push(SETCAP_PACKAGE.to_owned());
    }
    if !plan.accounts.is_empty() {
        needs.push(SYSUSERS_PACKAGES.to_owned());
    }
    needs
}

/// Scripts by their name in the control archive.
pub(super) fn texts(plan: &Plan, findings: &mut Findings) -> BTreeMap<&'static str, String> {
    let scripts = maintainer::scripts(plan, Dialect::Deb).unwrap_or_else(|more| {
        findings.extend(more);
        BTreeMap::new()
    });
    for (name, script) in &scripts {
        if !script.text.starts_with("#!/") {
            let message = format!("the {name} script does not begin with `#!` and a path");
            findings.push(
                Diagnostic::error(codes::DEB_SCRIPT, message)
                    .at_origin(&script.origin, "")
                    .help("begin it with `#!/bin/sh` and `set -e`"),
            );
        }
    }
    scripts.into_iter().map(|(name, script)| (name, script.text)).collect()
}
