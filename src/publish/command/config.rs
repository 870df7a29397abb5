//! `[[publish.command]]` -> a destination.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::time::Duration;

use super::Command;
use super::runner::Runner;
use crate::config::schema::{At, CommandEach, PublishCommand, Text, Worth};
use crate::diagnostic::{Diagnostic, Findings, codes};
use crate::publish::destinations::Ground;
use crate::publish::facts;
use crate::publish::secret::Secrets;
use crate::resolve::duration;
use crate::resolve::holes::{self, Holes};

/// What a program sees of the environment whatever the config says: without the first nothing is found, without the other no key.
const ALWAYS: &[&str] = &["PATH", "HOME"];
/// How long it may take.
const WITHIN: Duration = Duration::from_secs(600);

/// Opens it; nothing is run yet.
///
/// # Errors
/// All that is wrong with the table, or a secret that cannot be had.
pub(in crate::publish) fn open(at: &At<PublishCommand>, ground: &Ground<'_>) -> Result<Command, Findings> {
    let config = &at.value;
    let mut findings = Findings::new();
    let facts = facts::of_package(&ground.holes);
    let texts = |list: &[Text]| -> Vec<String> { list.iter().map(|text| text.value.clone()).collect() };
    let check = config.check.as_deref().unwrap_or_default();
    for (name, list) in [("run", Some(&config.run[..])), ("check", config.check.as_deref())] {
        if list.is_some_and(|list| list.first().is_none_or(|program| program.is_empty())) {
            let finding = Diagnostic::error(codes::CONFIG_INVALID_VALUE, format!("`{name}` names no program"));
            let help =
                "write the program and each argument by itself: `[\"rsync\", \"-a\", \"{path}\", \"host:/srv/\"]`";
            findings.push(finding.at(&ground.document.span(at.range.clone()), "").help(help));
        }
    }
    let known = holes(&facts, config.each);
    for text in config.run.iter().chain(check) {
        let unset = holes::fill(&text.value, &known).err().unwrap_or_default();
        let span = ground.document.span(text.range.clone());
        findings.extend(unset.into_iter().map(|hole| hole.diagnostic(&known).at(&span, "")));
    }
    let within = config.within.as_ref().map(|text| {
        duration::nanoseconds(text).filter(|time| *time > 0).map(Duration::from_nanos).ok_or_else(|| {
            Diagnostic::error(codes::CONFIG_INVALID_VALUE, format!("`{}` is no time", text.value))
                .at(&ground.document.span(text.range.clone()), "")
                .help(duration::HELP)
        })
    });
    let within = within.transpose().map_err(|finding| findings.push(finding)).ok().flatten();
    let mut secrets = Secrets::default();
    let variables = variables(config, ground, &facts, &mut secrets, &mut findings);
    if !findings.is_empty() {
        return Err(findings);
    }
    let named = |text: &Text| text.value.contains("{sha1}") || text.value.contains("{md5}");
    let name = texts(&config.run).join(" ");
    Ok(Command {
        digests: config.run.iter().chain(check).any(named),
        runner: Runner::new(name, ground.project, variables, within.unwrap_or(WITHIN), secrets),
        run: texts(&config.run),
        check: texts(check),
        each: config.each,
        formats: config.formats.iter().flatten().map(|format| format.value.clone()).collect(),
        project: ground.project.to_path_buf(),
        facts,
    })
}

/// Holes that have a value, or will have one.
fn holes(facts: &Holes, each: CommandEach) -> Holes {
    let more: &[&str] = if each == CommandEach::Folder { &["folder"] } else { &["path"] };
    let of_artifact: &[&str] = if each == CommandEach::Folder { &[] } else { facts::FACTS };
    let mut known = facts.clone();
    known.extend(more.iter().chain(of_artifact).map(|name| ((*name).to_owned(), String::new())));
    known
}

fn variables(
    config: &PublishCommand,
    ground: &Ground<'_>,
    facts: &Holes,
    secrets: &mut Secrets,
    findings: &mut Findings,
) -> BTreeMap<OsString, OsString> {
    let passed = config.pass_env.iter().map(|name| name.value.as_str()).chain(ALWAYS.iter().copied());
    let own = |name: &str| ground.request.variables.get_key_value(OsStr::new(name));
    let mut all: BTreeMap<OsString, OsString> =
        passed.filter_map(own).map(|(name, value)| (name.clone(), value.clone())).collect();
    for (name, value) in &config.env {
        let span = ground.document.span(value.range.clone());
        if name.is_empty() || name.contains(['=', '\0']) {
            let finding = Diagnostic::error(codes::CONFIG_INVALID_VALUE, format!("`{name}` is no name of a variable"));
            findings.push(finding.at(&span, "").help("it is made of letters, digits and `_`"));
            continue;
        }
        let text = match &value.value {
            Worth::Typed(text) => holes::fill(text, facts)
                .map_err(|unset| findings.extend(unset.into_iter().map(|hole| hole.diagnostic(facts).at(&span, "")))),
            Worth::Secret(place) => secrets.read(place, &span, ground).map_err(|finding| findings.push(finding)),
        };
        if let Ok(text) = text {
            all.insert(name.into(), text.into());
        }
    }
    all
}
