//! Relations between packages (deb-control(5)): parsed, checked, reduced to the target's architecture, merged.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::naming;
use crate::assemble::plan::{Fact, Plan, Replaced, Version};
use crate::diagnostic::{Diagnostic, Findings, codes};

/// The relation fields in the order of dpkg-gencontrol.
pub const FIELDS: &[&str] =
    &["Pre-Depends", "Depends", "Recommends", "Suggests", "Enhances", "Conflicts", "Breaks", "Replaces", "Provides"];
/// Fields whose relations may have alternatives.
const WITH_ALTERNATIVES: &[&str] = &["Pre-Depends", "Depends", "Recommends", "Suggests", "Enhances"];

/// One relation: any of its alternatives satisfies it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation {
    /// At least one.
    pub alternatives: Vec<Alternative>,
}

/// One package of a relation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alternative {
    /// Package name.
    pub name: String,
    /// `any`, or an architecture.
    pub qualifier: Option<String>,
    /// Operator and version.
    pub version: Option<(&'static str, String)>,
    /// Architectures that it is for: `amd64`, `!i386`, `linux-any`; empty means all.
    pub architectures: Vec<String>,
}

impl fmt::Display for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, alternative) in self.alternatives.iter().enumerate() {
            let before = if index == 0 { "" } else { " | " };
            write!(f, "{before}{alternative}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Alternative {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if let Some(qualifier) = &self.qualifier {
            write!(f, ":{qualifier}")?;
        }
        if let Some((operator, version)) = &self.version {
            write!(f, " ({operator} {version})")?;
        }
        Ok(())
    }
}

/// Why a text is no relation, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// One sentence.
    pub what: String,
    /// What to do.
    pub help: String,
}

fn problem<T>(what: impl Into<String>, help: impl Into<String>) -> Result<T, Problem> {
    Err(Problem { what: what.into(), help: help.into() })
}

/// Parses one or more relations, separated by commas.
pub fn parse(text: &str) -> Result<Vec<Relation>, Problem> {
    if text.contains("${") {
        return problem(
            format!("`{}` holds a substitution variable of debhelper", text.trim()),
            "leave it out: what ELF files need is added without it",
        );
    }
    text.split(',')
        .map(|relation| {
            let alternatives = relation.split('|').map(alternative).collect::<Result<_, _>>()?;
            Ok(Relation { alternatives })
        })
        .collect()
}

fn alternative(text: &str) -> Result<Alternative, Problem> {
    let text = text.trim();
    let end = text.find(|c: char| c.is_whitespace() || "([<:".contains(c)).unwrap_or(text.len());
    let (name, mut rest) = text.split_at(end);
    if name.is_empty() {
        return problem("a package name is missing", "write `name`, `name (>= 1.2)` or `a | b`");
    }
    if !naming::is_name(name) {
        return problem(
            format!("`{}` is no package name", name.escape_debug()),
            "names have lower-case letters, digits, `+`, `-` and `.`, at least two",
        );
    }
    let mut found = Alternative { name: name.to_owned(), qualifier: None, version: None, architectures: Vec::new() };
    if let Some(after) = rest.strip_prefix(':') {
        let end = after.find(|c: char| c.is_whitespace() || "([<".contains(c)).unwrap_or(after.len());
        let (qualifier, after) = after.split_at(end);
        if qualifier.is_empty() || !qualifier.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        {
            return problem(format!("`{name}:` wants an architecture after the colon"), format!("write `{name}:any`"));
        }
        found.qualifier = Some(qualifier.to_owned());
        rest = after;
    }
    rest = rest.trim_start();
    if let Some(after) = rest.strip_prefix('(') {
        let Some((inside, after)) = after.split_once(')') else {
            return problem(format!("the version of `{name}` lacks its `)`"), format!("write `{name} (>= 1.2)`"));
        };
        found.version = Some(constraint(name, inside.trim())?);
        rest = after.trim_start();
    }
    if let Some(after) = rest.strip_prefix('[') {
        let Some((inside, after)) = after.split_once(']') else {
            return problem(format!("the architectures of `{name}` lack their `]`"), format!("write `{name} [amd64]`"));
        };
        found.architectures = architectures(name, inside)?;
        rest = after.trim_start();
    }
    if rest.starts_with('<') {
        return problem(
            format!("`{name}` has a build profile, which is for source packages only"),
            format!("write `{name}` without `{rest}`"),
        );
    }
    if !rest.is_empty() {
        return problem(
            format!("`{}` after `{name}` is not understood", rest.escape_debug()),
            "separate relations with `,` and alternatives with `|`; a version stands in parentheses",
        );
    }
    Ok(found)
}

fn constraint(name: &str, inside: &str) -> Result<(&'static str, String), Problem> {
    let found = ["<<", "<=", ">=", ">>", "="].into_iter().find(|o| inside.starts_with(o));
    let Some(operator) = found else {
        let bare = inside.trim_start_matches(['<', '>']).trim();
        let help = match inside.chars().next() {
            Some(c @ ('<' | '>')) => {
                format!("write `{c}= {bare}` or `{c}{c} {bare}`: a single `{c}` means `{c}=` to dpkg")
            }
            _ => format!("write `{name} (>= {bare})`"),
        };
        return problem(format!("`({inside})` does not begin with `<<`, `<=`, `=`, `>=` or `>>`"), help);
    };
    let version = inside[operator.len()..].trim();
    if version.is_empty() {
        let example = format!("write it as in `{name} ({operator} 1.2)`");
        return problem(format!("no version follows `{operator}` after `{name}`"), example);
    }
    if !naming::is_version(version) {
        return problem(
            format!("`{}` is no Debian version", version.escape_debug()),
            "versions begin with a digit and have letters, digits, `.`, `+`, `~` and `-`",
        );
    }
    Ok((operator, version.to_owned()))
}

fn architectures(name: &str, inside: &str) -> Result<Vec<String>, Problem> {
    let list: Vec<String> = inside.split_whitespace().map(str::to_owned).collect();
    let negated = list.iter().filter(|a| a.starts_with('!')).count();
    if list.is_empty() || (negated != 0 && negated != list.len()) {
        return problem(
            format!("`{name} [{}]` must name architectures, all with `!` or none", inside.trim()),
            format!("write `{name} [amd64 arm64]` or `{name} [!i386]`"),
        );
    }
    Ok(list)
}

impl Alternative {
    /// Whether its architecture list takes this architecture.
    fn is_for(&self, arch: &str) -> bool {
        let negated = self.architectures.first().is_some_and(|a| a.starts_with('!'));
        let named = self.architectures.iter().any(|a| matches(a.trim_start_matches('!'), arch));
        self.architectures.is_empty() || named != negated
    }
}

/// dpkg's wildcards, as far as they can be for Linux: `any`, `linux-any`, `any-arm64`.
fn matches(pattern: &str, arch: &str) -> bool {
    let cpu = if arch.starts_with("arm") && arch != "arm64" { "arm" } else { arch };
    match pattern.split_once('-') {
        None => pattern == "any" || pattern == arch,
        Some((os, wanted)) => matches!(os, "any" | "linux") && (wanted == "any" || wanted == cpu),
    }
}

/// All relation fields of a plan: the user's, what ELF files need, and what fitout's own scripts need.
pub(super) fn all(plan: &Plan, derived: &[String], findings: &mut Findings) -> BTreeMap<&'static str, Vec<Relation>> {
    let mut fields = BTreeMap::new();
    for (field, typed) in &plan.deb.relations {
        let mut relations: Vec<Relation> = Vec::new();
        for fact in typed {
            for relation in one(plan, field, fact, findings) {
                if !relations.contains(&relation) {
                    relations.push(relation);
                }
            }
        }
        if !relations.is_empty() {
            fields.insert(*field, relations);
        }
    }
    for (field, relation) in of_former_names(plan, findings) {
        let relations = fields.entry(field).or_default();
        let name = &relation.alternatives[0].name;
        if !relations.iter().any(|typed| typed.alternatives.iter().any(|a| a.name == *name)) {
            relations.push(relation);
        }
    }
    let named: BTreeSet<String> = ["Pre-Depends", "Depends"]
        .iter()
        .filter_map(|field| fields.get(field))
        .flatten()
        .flat_map(|r: &Relation| r.alternatives.iter().map(|a| a.name.clone()))
        .collect();
    // A table entry of the user (`libraries`) comes this way too, so it is checked like any other.
    for text in derived {
        match parse(text) {
            Ok(relations) => {
                for relation in relations {
                    let own = relation.alternatives.iter().any(|a| named.contains(&a.name));
                    let depends = fields.entry("Depends").or_default();
                    if !own && !depends.contains(&relation) {
                        depends.push(relation);
                    }
                }
            }
            Err(p) => {
                let typed = plan.deb.libraries.values().find(|fact| fact.value == *text);
                let finding = Diagnostic::error(codes::DEB_RELATION, format!("libraries: {}", p.what)).help(p.help);
                findings.push(match typed {
                    Some(fact) => finding.at_origin(&fact.origin, ""),
                    None => finding,
                });
            }
        }
    }
    fields.retain(|_, relations| !relations.is_empty());
    fields
}

/// What a package says of the names that it had: it takes over their files, which wants both Breaks and Replaces (policy
/// 7.6.1), and answers to whoever depends on them. The user's own words on such a name come first.
fn of_former_names(plan: &Plan, findings: &mut Findings) -> Vec<(&'static str, Relation)> {
    // What is wrong with the version is told where it is spelled.
    let Ok(version) = naming::version(&plan.identity) else { return Vec::new() };
    let mut all = Vec::new();
    for Replaced { name, before } in &plan.identity.replaces {
        let before = before.as_ref().map_or_else(|| version.to_string(), |text| Version::of(text).with_tilde());
        let older = format!("{} (<< {before})", name.value);
        for (field, text) in
            [("Breaks", older.clone()), ("Replaces", older), ("Provides", format!("{} (= {version})", name.value))]
        {
            match parse(&text) {
                Ok(relations) => all.extend(relations.into_iter().map(|relation| (field, relation))),
                Err(p) => {
                    let finding = Diagnostic::error(codes::DEB_RELATION, format!("replaces: {}", p.what));
                    findings.push(finding.at_origin(&name.origin, "").help(p.help));
                    break;
                }
            }
        }
    }
    all
}

fn one(plan: &Plan, field: &str, fact: &Fact<String>, findings: &mut Findings) -> Vec<Relation> {
    let mut refuse = |p: Problem| {
        let message = format!("{field}: {}", p.what);
        findings.push(Diagnostic::error(codes::DEB_RELATION, message).at_origin(&fact.origin, "").help(p.help));
    };
    let parsed = match parse(fact) {
        Ok(parsed) => parsed,
        Err(p) => {
            refuse(p);
            return Vec::new();
        }
    };
    let arch = naming::arch(plan.target.arch);
    let mut relations = Vec::new();
    for mut relation in parsed {
        if let Err(p) = fits(plan, field, &relation) {
            refuse(p);
            continue;
        }
        relation.alternatives.retain(|a| a.is_for(arch));
        for alternative in &mut relation.alternatives {
            alternative.architectures.clear();
        }
        if !relation.alternatives.is_empty() {
            relations.push(relation);
        }
    }
    relations
}

/// What dpkg would refuse in this field.
fn fits(plan: &Plan, field: &str, relation: &Relation) -> Result<(), Problem> {
    if relation.alternatives.len() > 1 && !WITH_ALTERNATIVES.contains(&field) {
        return problem(format!("`{relation}` has alternatives, which {field} cannot have"), "write them one by one");
    }
    for alternative in &relation.alternatives {
        if field == "Provides" && alternative.version.as_ref().is_some_and(|(o, _)| *o != "=") {
            return problem(
                format!("`{alternative}`: Provides takes `=` only"),
                format!("write `{} (= VERSION)`", alternative.name),
            );
        }
        if plan.target.independent && !alternative.architectures.is_empty() {
            return problem(
                format!("`{alternative}` is limited to architectures, and the package is for all of them"),
                "leave the list in brackets out",
            );
        }
    }
    Ok(())
}
