//! What would be in the packages: the text and the document of `fitout plan`.

use std::fmt::Write as _;

use serde_json::json;

use super::words::{permissions, plan_kind, plural, size};
use crate::assemble::plan::{Entry, Kind, Plan, Role};
use crate::formats::{self, FileName};
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
pub fn artifacts(wanted: &[Wanted]) -> serde_json::Value {
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

/// The plan of one target for `--json`.
pub fn json(plan: &Plan) -> serde_json::Value {
    let artifacts: Vec<_> = formats::ALL
        .iter()
        .filter(|format| plan.formats.contains(&format.name()))
        .filter_map(|format| {
            let name = format.file_name(plan).ok()?;
            Some(json!({ "format": format.name(), "file": name.name, "arch": name.arch, "version": name.version }))
        })
        .collect();
    json!({
        "name": plan.identity.name.value,
        "version": plan.identity.version.text,
        "version_from": plan.identity.version.origin.to_string(),
        "target": plan.target.to_string(),
        "environment": plan.environment,
        "clock": plan.clock,
        "artifacts": artifacts,
        "entries": plan.entries.iter().map(|entry| self::entry(plan, entry)).collect::<Vec<_>>(),
        "services": plan.services.iter().map(|service| json!({
            "name": service.name, "unit": service.entry_unit(), "command": service.started_by(), "user": service.user,
            "group": service.group, "writes": service.directories.written().chain(&service.write).collect::<Vec<_>>(),
            "ports": service.ports.iter().map(|p| format!("{}/{}", p.number, p.protocol)).collect::<Vec<_>>(),
            "launcher": service.launcher,
        })).collect::<Vec<_>>(),
        "accounts": plan.accounts.iter().map(|account| json!({
            "name": account.name, "group": account.group, "home": account.home, "shell": account.shell,
        })).collect::<Vec<_>>(),
        "units": plan.lifecycle.units().map(|unit| json!({
            "name": unit.name, "enable": unit.enable, "start": unit.start, "on-upgrade": unit.on_upgrade.word(),
        })).collect::<Vec<_>>(),
        "elf": plan.elf.files.iter().map(|(path, file)| json!({
            "path": &**path, "needed": file.needed, "versions": file.verneed, "soname": file.soname,
        })).collect::<Vec<_>>(),
    })
}

/// One entry for `--json`.
pub fn entry(plan: &Plan, entry: &Entry) -> serde_json::Value {
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
