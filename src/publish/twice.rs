//! Destinations of one config that would write over each other.
//!
//! Enters: `[publish]`. Leaves: a finding for each table whose root is another's before it. Images and folders of files are passed over:
//! what two tables put there stands side by side.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;

use super::destinations::{Ground, STABLE};
use crate::config::schema::{Manifest, Text};
use crate::diagnostic::{Diagnostic, Findings, codes};
use crate::store::Address;

/// See the module.
pub(super) fn refuse(manifest: &Manifest, ground: &Ground<'_>) -> Findings {
    let publish = &manifest.publish;
    let word = |text: Option<&Text>, default: &str| text.map_or(default, |text| text.as_str()).to_owned();
    let apt = publish.apt.iter().map(|apt| {
        // Components of one suite stand side by side in it.
        let inner = (word(apt.suite.as_ref(), STABLE), word(apt.component.as_ref(), "main"));
        (&apt.to, apt.suite.as_ref(), inner)
    });
    let yum = publish.yum.iter().map(|yum| (&yum.to, yum.channel.as_ref(), Default::default()));
    let mut findings = Findings::new();
    findings.extend(ground.same(apt, "suite", "give one of them another `suite`, or another place"));
    findings.extend(ground.same(
        yum,
        "repository",
        "each channel of yum lies in a place of its own: give one another `to`",
    ));
    findings
}

impl Ground<'_> {
    /// Of tables with their place, what tells their channel, and what else their root's name is made of.
    fn same<'t>(
        &self,
        tables: impl Iterator<Item = (&'t Text, Option<&'t Text>, (String, String))>,
        what: &str,
        help: &str,
    ) -> Findings {
        let mut roots: BTreeMap<_, Range<usize>> = BTreeMap::new();
        let mut findings = Findings::new();
        for (to, channel, inner) in tables {
            // One that is no address is told elsewhere.
            let Some(address) = Address::parse(to).map(|address| address.below(self.project)) else { continue };
            let root = (address.scheme, address.bucket, PathBuf::from(address.path), inner);
            if let Some(first) = roots.get(&root) {
                let message = format!("two tables of the config write one {what} in `{}`", to.value);
                let place = self.document.span(channel.map_or(&to.range, |channel| &channel.range).clone());
                let finding = Diagnostic::error(codes::CONFIG_INVALID_VALUE, message)
                    .at(&place, "would write over the first")
                    .at(&self.document.span(first.clone()), "the first");
                findings.push(finding.help(help));
            } else {
                roots.insert(root, to.range.clone());
            }
        }
        findings
    }
}
