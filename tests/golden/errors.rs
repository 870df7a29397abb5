//! Every way to get `fitout.toml` wrong, and the whole drawing of what is said about it.

use std::path::Path;

use fitout::cli::ui::draw;
use fitout::config::load::{self, Vocabulary};
use fitout::diagnostic::Findings;
use fitout::resolve::environment;

#[test]
fn errors() {
    super::harness::compare("errors", |case| {
        let findings = findings(case);
        findings.iter().map(|finding| draw::draw(finding, false) + "\n").collect::<Vec<_>>().join("\n")
    });
}

/// A case may begin with `# --environment NAME`.
fn findings(case: &Path) -> Findings {
    let text = fs_err::read_to_string(case.join("fitout.toml")).expect("the config of the case");
    let environment = text.lines().next().and_then(|line| line.strip_prefix("# --environment "));
    let known = Vocabulary { formats: &["deb", "rpm", "tarball", "zip", "oci"] };
    let read = load::load("fitout.toml", &text, &known);
    read.and_then(|document| environment::manifest(&document, environment)).expect_err("the case has a mistake")
}
