//! What would be in the packages: the text and the document of `fitout plan`.

use std::fmt::Write as _;
use std::sync::Arc;

use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::{Value, json};

use super::words::{permissions, plan_kind, plural, size};
use crate::assemble::plan::{Account, ElfFile, Entry, Kind, Plan, Role, Service};
use crate::formats::{self, FileName};
use crate::resolve::lifecycle::Unit;
use crate::run::Wanted;

/// The plan of one target as text: what is made, and every entry with owner, mode, size and reason.
pub fn text(plan: &Plan) -> String {
    let mut out = String::new();
    let identity = &plan.identity;
    let _ = writeln!(out, "{} {} for {}", identity.name.value, identity.version.value, plan.target);
    let _ = writeln!(out, "version   {}", identity.version.origin);
    for format in formats::ALL.iter().filter(|format| plan.formats.contains(&format.name())) {
        if let Ok(name) = format.file_name(plan) {
            let _ = writeln!(out, "{:<9} {}", format.name(), name.name);
        }
    }
    let _ = writeln!(out);
    for entry in plan.entries.iter() {
        let (letter, rest) = plan_kind(entry);
        let owner = format!("{}:{}", entry.owner.user, entry.owner.group);
        let _ = writeln!(
            out,
            "{} {owner:<11} {:>9} {}{rest}{}   {}{}",
            permissions(letter, entry.mode),
            bytes(entry).map_or_else(String::new, size),
            entry.path,
            role(entry),
            entry.origin,
            only(plan, entry),
        );
    }
    out.push_str(&services(plan));
    let files: Vec<u64> = plan.entries.iter().filter_map(bytes).collect();
    let _ = writeln!(out, "\n{}, {}", plural(files.len(), "file", "files"), size(files.iter().sum()));
    out
}

/// What runs on the host and as whom; empty where nothing does.
fn services(plan: &Plan) -> String {
    let mut out = String::new();
    for service in &plan.services {
        let _ = writeln!(out, "\nservice   {}", service.entry_unit());
        let mut line = |key: &str, value: String| {
            if !value.is_empty() {
                let _ = writeln!(out, "  {key:<9} {value}");
            }
        };
        line("runs", service.started_by().join(" "));
        line("as", format!("{}:{}", service.user, service.group));
        line("writes", service.directories.written().chain(&service.write).cloned().collect::<Vec<_>>().join(" "));
        line(
            "listens",
            service.ports.iter().map(|p| format!("{}/{}", p.number, p.protocol)).collect::<Vec<_>>().join(" "),
        );
    }
    for account in &plan.accounts {
        let _ = writeln!(out, "\naccount   {}:{}  home {}", account.name, account.group, account.home);
    }
    for unit in plan.lifecycle.units() {
        let _ = writeln!(out, "unit      {}  {}", unit.name, unit.in_words());
    }
    out
}

/// What is made besides the artifacts of single targets: the image of all of them, sources. Empty where there is none.
pub fn further(wanted: &[Wanted]) -> String {
    let mut out = String::new();
    for wanted in wanted.iter().filter(|wanted| !wanted.is_package()) {
        let _ = writeln!(out, "{:<9} {}", wanted.format(), wanted.file());
    }
    if out.is_empty() { out } else { format!("\nbesides\n{out}") }
}

/// Every artifact of the run, as a document.
fn artifacts(wanted: &[Wanted]) -> Value {
    let one = |wanted: &Wanted| {
        let FileName { name, arch, version } = wanted.name();
        json!({ "format": wanted.format(), "targets": wanted.targets(), "file": name, "arch": arch, "version": version })
    };
    wanted.iter().map(one).collect()
}

/// Bytes of a regular file.
pub fn bytes(entry: &Entry) -> Option<u64> {
    match &entry.kind {
        Kind::File(source) => Some(source.size),
        _ => None,
    }
}

fn role(entry: &Entry) -> &'static str {
    match entry.role {
        Role::Plain => "",
        Role::Config { .. } => "  [config]",
        Role::Doc => "  [doc]",
        Role::License => "  [license]",
        Role::Ghost => "  [ghost]",
    }
}

/// The formats of an entry that is not in all of them.
fn only(plan: &Plan, entry: &Entry) -> String {
    let inside: Vec<&str> =
        plan.formats.iter().filter(|format| plan.format_set(format).intersects(entry.formats)).copied().collect();
    if inside.len() == plan.formats.len() { String::new() } else { format!("  only {}", inside.join(", ")) }
}

/// The document of `fitout plan --json`.
#[derive(Debug, serde::Serialize)]
pub struct Document<'a> {
    schema: &'static str,
    plans: Vec<Target<'a>>,
    artifacts: Value,
    findings: Vec<Value>,
}

impl<'a> Document<'a> {
    /// Of the plans of a run, what is made of them, and what was found, each as a document.
    pub fn new(plans: &'a [Plan], wanted: &[Wanted], findings: Vec<Value>) -> Self {
        let plans = plans.iter().map(Target).collect();
        Self { schema: "fitout/plan/1", plans, artifacts: artifacts(wanted), findings }
    }
}

/// The plan of one target; its entries are written one after the other, as there may be a hundred thousand.
#[derive(Debug)]
struct Target<'a>(&'a Plan);

impl Serialize for Target<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let plan = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", &plan.identity.name.value)?;
        map.serialize_entry("version", &plan.identity.version.text)?;
        map.serialize_entry("version_from", &plan.identity.version.origin.to_string())?;
        map.serialize_entry("target", &plan.target.to_string())?;
        map.serialize_entry("environment", &plan.environment)?;
        map.serialize_entry("clock", &plan.clock)?;
        map.serialize_entry("artifacts", &of_formats(plan))?;
        map.serialize_entry("entries", &Each(|| plan.entries.iter().map(|entry| self::entry(plan, entry))))?;
        map.serialize_entry("services", &Each(|| plan.services.iter().map(service)))?;
        map.serialize_entry("accounts", &Each(|| plan.accounts.iter().map(account)))?;
        map.serialize_entry("units", &Each(|| plan.lifecycle.units().map(unit)))?;
        let elf = |(path, file): (&Arc<str>, &ElfFile)| json!({ "path": &**path, "needed": file.needed, "versions": file.verneed, "soname": file.soname });
        map.serialize_entry("elf", &Each(|| plan.elf.files.iter().map(elf)))?;
        map.end()
    }
}

/// A list whose items are made as they are written.
struct Each<F>(F);

impl<I: Iterator<Item = Value>, F: Fn() -> I> Serialize for Each<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((self.0)())
    }
}

fn of_formats(plan: &Plan) -> Vec<Value> {
    let formats = formats::ALL.iter().filter(|format| plan.formats.contains(&format.name()));
    let named = formats.filter_map(|format| Some((format, format.file_name(plan).ok()?)));
    named
        .map(|(format, name)| {
            json!({ "format": format.name(), "file": name.name, "arch": name.arch, "version": name.version })
        })
        .collect()
}

fn service(service: &Service) -> Value {
    json!({
        "name": service.name, "unit": service.entry_unit(), "command": service.started_by(), "user": service.user,
        "group": service.group, "writes": service.directories.written().chain(&service.write).collect::<Vec<_>>(),
        "ports": service.ports.iter().map(|p| format!("{}/{}", p.number, p.protocol)).collect::<Vec<_>>(),
        "launcher": service.launcher,
    })
}

fn account(account: &Account) -> Value {
    json!({ "name": account.name, "group": account.group, "home": account.home, "shell": account.shell })
}

fn unit(unit: &Unit) -> Value {
    json!({ "name": unit.name, "enable": unit.enable, "start": unit.start, "on-upgrade": unit.on_upgrade.word() })
}

/// One entry for `--json`.
pub fn entry(plan: &Plan, entry: &Entry) -> Value {
    let (kind, target) = match &entry.kind {
        Kind::Directory { .. } => ("directory", None),
        Kind::File(_) => ("file", None),
        Kind::Symlink { target } => ("symlink", Some(target)),
        Kind::Hardlink { target } => ("hardlink", Some(target)),
    };
    json!({
        "path": &*entry.path,
        "kind": kind,
        "target": target.map(|target| &**target),
        "size": bytes(entry),
        "mode": format!("{:04o}", entry.mode),
        "user": &*entry.owner.user,
        "group": &*entry.owner.group,
        "uid": entry.owner.uid,
        "gid": entry.owner.gid,
        "role": role(entry).trim_matches([' ', '[', ']']),
        "formats": plan.formats.iter().filter(|f| plan.format_set(f).intersects(entry.formats)).collect::<Vec<_>>(),
        "from": entry.origin.to_string(),
        "owner_from": entry.owner_origin.to_string(),
        "mode_from": entry.mode_origin.to_string(),
    })
}
