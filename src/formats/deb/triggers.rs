//! The triggers file (deb-triggers(5)).

use crate::assemble::plan::Plan;
use crate::diagnostic::{Diagnostic, Findings, codes};

const DIRECTIVES: &[&str] =
    &["interest", "interest-await", "interest-noawait", "activate", "activate-await", "activate-noawait"];

/// The file's text; empty if there are none.
pub(super) fn text(plan: &Plan, findings: &mut Findings) -> String {
    let mut out = String::new();
    for line in &plan.deb.triggers {
        let mut words = line.split_whitespace();
        let (directive, name, more) = (words.next().unwrap_or_default(), words.next(), words.next());
        let one_line = !line.trim().contains('\n');
        let named = name.is_some_and(|n| n.bytes().all(|b| b.is_ascii_graphic()));
        if !DIRECTIVES.contains(&directive) || !named || more.is_some() || !one_line {
            let message = format!("`{}` is no line of a triggers file", line.trim().escape_debug());
            let help = if DIRECTIVES.contains(&directive) {
                format!("write `{directive} NAME`, a path or a word of printable ASCII")
            } else {
                format!("begin with one of {}", joined(DIRECTIVES))
            };
            findings.push(Diagnostic::error(codes::DEB_TRIGGER, message).at_origin(&line.origin, "").help(help));
            continue;
        }
        out.push_str(directive);
        out.push(' ');
        out.push_str(name.unwrap_or_default());
        out.push('\n');
    }
    out
}

fn joined(words: &[&str]) -> String {
    words.iter().map(|d| format!("`{d}`")).collect::<Vec<_>>().join(", ")
}
