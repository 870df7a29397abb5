//! Why a path is as it is, and what a code means.

use std::fmt::Write as _;

use super::words::{permissions, plan_kind, size};
use crate::assemble::plan::{Entry, Plan, Role};
use crate::diagnostic::{Code, codes};

/// The code of this name.
pub fn code(name: &str) -> Option<Code> {
    codes::ALL.iter().copied().find(|code| code.name == name)
}

/// The page of a code.
pub fn page(code: Code) -> String {
    format!("{}\n\n{}\n", code.name, fill(code.page, 100))
}

/// Breaks a paragraph into lines of less than `width` bytes, where its words allow that.
fn fill(text: &str, width: usize) -> String {
    let mut filled = String::new();
    let mut length = 0;
    for word in text.split_whitespace() {
        if length > 0 {
            let breaks = length + word.len() >= width;
            filled.push(if breaks { '\n' } else { ' ' });
            length = if breaks { 0 } else { length + 1 };
        }
        filled.push_str(word);
        length += word.len();
    }
    filled
}

/// Every entry of the plan at this path: one, or several where formats differ.
pub fn entries<'p>(plan: &'p Plan, path: &str) -> Vec<&'p Entry> {
    plan.entries.iter().filter(|entry| &*entry.path == path).collect()
}

/// Why an entry is as it is.
pub fn entry(plan: &Plan, entry: &Entry) -> String {
    let mut out = String::new();
    let (letter, rest) = plan_kind(entry);
    let bytes = super::plan::bytes(entry).map_or_else(String::new, |bytes| format!("  {}", size(bytes)));
    let _ = writeln!(out, "{}{rest}{bytes}", entry.path);
    let _ = writeln!(out, "from    {}", entry.origin);
    let _ = writeln!(
        out,
        "owner   {}:{} ({}:{})   {}; ladder: rule > role > preset > root:root",
        entry.owner.user, entry.owner.group, entry.owner.uid, entry.owner.gid, entry.owner_origin
    );
    let _ = writeln!(out, "mode    {:04o} {}   {}", entry.mode, permissions(letter, entry.mode), entry.mode_origin);
    let _ = writeln!(out, "role    {}", role(entry.role));
    if let Some(elf) = plan.elf.files.get(&entry.path).filter(|elf| elf.led) {
        let run_path = elf.runpath.iter().chain(&elf.rpath).map(String::as_str).collect::<Vec<_>>().join(":");
        let _ = writeln!(out, "run path {run_path}   set by fitout: `bundle` under [package]");
    }
    let inside: Vec<&str> =
        plan.formats.iter().filter(|format| plan.format_set(format).intersects(entry.formats)).copied().collect();
    let _ = writeln!(out, "formats {}", inside.join(", "));
    out
}

fn role(role: Role) -> &'static str {
    match role {
        Role::Plain => "plain",
        Role::Config { noreplace: true, .. } => "config: kept on upgrade; conffile in deb, %config(noreplace) in rpm",
        Role::Config { noreplace: false, .. } => {
            "config: kept on upgrade in deb (conffile), saved as .rpmsave in rpm (%config)"
        }
        Role::Doc => "doc: %doc in rpm",
        Role::License => "license: %license in rpm",
        Role::Ghost => "ghost: owned and not contained (%ghost in rpm; not in the other formats)",
    }
}
