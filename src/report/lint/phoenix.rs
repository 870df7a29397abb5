//! A web application that starts and answers nobody: Phoenix serves only where it is told to.

use super::service::{of_service, read};
use crate::assemble::plan::{Entry, Kind, Plan, Service, Sources};
use crate::diagnostic::{Findings, codes};

/// The variable that `config/runtime.exs` of a new Phoenix project looks for.
const SWITCH: &str = "PHX_SERVER";

/// Phoenix is in the release, and neither its configuration nor the service's environment switches its endpoint on.
pub fn serves_nobody(plan: &Plan, sources: &Sources) -> Findings {
    let text = |path: &str| {
        let entry = plan.entries.iter().find(|entry| &*entry.path == path)?;
        let Kind::File(source) = &entry.kind else { return None };
        read(&sources.list()[source.id.0 as usize])
    };
    let mut findings = Findings::new();
    for release in plan.entries.iter().filter_map(release_with_phoenix) {
        let of_release = |name: &str| {
            let inside = |path: &str| path.strip_prefix(release).is_some_and(|rest| rest.starts_with("/releases/"));
            let mut files = plan.entries.iter().filter(|e| inside(&e.path) && e.path.rsplit('/').next() == Some(name));
            files.find_map(|entry| text(&entry.path)).unwrap_or_default()
        };
        let dense: String = of_release("sys.config").split_whitespace().collect();
        let runtime = of_release("runtime.exs");
        let is_on = dense.contains("{server,true}")
            || (runtime.contains("server: true") && !runtime.contains(SWITCH))
            || of_release("env.sh").lines().any(sets);
        let of_this = |service: &&Service| service.exec.first().is_some_and(|program| program.starts_with(release));
        for service in plan.services.iter().filter(of_this).filter(|_| !is_on) {
            let file = service.env_file.as_deref().and_then(text).unwrap_or_default();
            if service.env.contains_key(SWITCH) || file.lines().any(sets) {
                continue;
            }
            let message = format!("`{}` has a Phoenix endpoint that nothing switches on", service.name);
            findings.push(of_service(codes::LINT_PHOENIX, service, message).help(format!(
                "put `{SWITCH}=true` into the environment file, or `server: true` into the endpoint's configuration"
            )));
        }
    }
    findings
}

/// The folder of a release whose library Phoenix is.
fn release_with_phoenix(entry: &Entry) -> Option<&str> {
    let (release, rest) = entry.path.split_once("/lib/phoenix-")?;
    rest.ends_with("/ebin/phoenix.app").then_some(release)
}

/// Whether a line of an environment file or of `env.sh` sets the variable.
fn sets(line: &str) -> bool {
    let assignment = line.trim().trim_start_matches("export ").strip_prefix(SWITCH);
    assignment.and_then(|rest| rest.strip_prefix('=')).is_some_and(|value| !value.trim().is_empty())
}
