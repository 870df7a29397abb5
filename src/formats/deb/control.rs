//! The control file: fields, their order (that of dpkg-gencontrol) and folding (deb-control(5)).
//!
//! A plan's vendor and source revision stay out: Debian has no field for them, and lintian warns of unknown ones.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::naming::{self, Version};
use super::relations::{self, Relation};
use crate::assemble::plan::{Entry, Fact, Kind, Plan};
use crate::diagnostic::{Diagnostic, Findings, Origin, codes};

/// All fields of a binary package that have a place of their own, in the order of dpkg-gencontrol.
const ORDER: &[&str] = &[
    "Package",
    "Package-Type",
    "Source",
    "Version",
    "Kernel-Version",
    "Architecture",
    "Subarchitecture",
    "Installer-Menu-Item",
    "Build-Essential",
    "Essential",
    "Protected",
    "Origin",
    "Bugs",
    "Maintainer",
    "Installed-Size",
    "Pre-Depends",
    "Depends",
    "Recommends",
    "Suggests",
    "Enhances",
    "Conflicts",
    "Breaks",
    "Replaces",
    "Provides",
    "Built-Using",
    "Static-Built-Using",
    "Section",
    "Priority",
    "Multi-Arch",
    "Homepage",
    "Description",
    "Tag",
    "Task",
];
/// Fields that fitout writes itself, and the key that sets each.
const OWN: &[(&str, &str)] = &[
    ("Package", "[package] name"),
    ("Source", "[format.deb] source"),
    ("Version", "[package] version"),
    ("Architecture", "[build] targets"),
    ("Essential", "[format.deb] essential"),
    ("Maintainer", "[package] maintainer"),
    ("Installed-Size", "no key: it is counted"),
    ("Section", "[format.deb] section"),
    ("Priority", "[format.deb] priority"),
    ("Multi-Arch", "[format.deb] multi-arch"),
    ("Homepage", "[package] homepage"),
    ("Description", "[package] summary and description"),
];

/// Writes the control file. What dpkg would refuse becomes a finding.
pub(super) fn text(
    plan: &Plan,
    version: &Version,
    relations: &BTreeMap<&'static str, Vec<Relation>>,
    installed_size: u64,
    findings: &mut Findings,
) -> String {
    let mut fields: BTreeMap<String, String> = BTreeMap::new();
    let mut set = |name: &str, value: String| fields.insert(name.to_owned(), value);
    set("Package", plan.identity.name.value.clone());
    set("Version", version.to_string());
    set("Architecture", naming::architecture(&plan.target).to_owned());
    set("Maintainer", maintainer(&plan.identity.maintainer, findings));
    set("Installed-Size", installed_size.to_string());
    set("Section", line("section", &plan.deb.section, &Origin::Default, findings));
    set("Priority", line("priority", &plan.deb.priority, &Origin::Default, findings));
    if plan.deb.essential {
        set("Essential", "yes".to_owned());
    }
    if let Some(source) = &plan.deb.source {
        set("Source", source_package(source, findings));
    }
    if let Some(multi_arch) = &plan.deb.multi_arch {
        set("Multi-Arch", multi_arch_value(plan, multi_arch, findings));
    }
    if let Some(homepage) = &plan.identity.homepage {
        set("Homepage", line("homepage", homepage, &homepage.origin, findings));
    }
    for (field, list) in relations {
        let list: Vec<String> = list.iter().map(ToString::to_string).collect();
        set(field, list.join(", "));
    }
    let summary = line("summary", &plan.identity.summary, &plan.identity.summary.origin, findings);
    set("Description", format!("{summary}{}", fold_description(&plan.identity.description)));
    for (name, value) in &plan.deb.fields {
        let name = binary_field(name);
        if let Some(value) = other_field(name, value, findings) {
            set(name, value);
        }
    }
    let mut out = String::new();
    let mut put = |name: &str, value: &str| {
        let _ = writeln!(out, "{name}: {value}");
    };
    for name in ORDER {
        if let Some(value) = fields.remove(*name) {
            put(name, &value);
        }
    }
    for (name, value) in &fields {
        put(name, value);
    }
    out
}

/// KiB as deb-substvars(5) counts them: files and links rounded up to whole ones, everything else one, each further
/// name of a file nothing; the root directory counts.
pub(super) fn installed_size<'a>(entries: impl Iterator<Item = &'a Entry>) -> u64 {
    let kib = |bytes: u64| bytes.div_ceil(1024);
    entries.fold(1, |sum, entry| {
        sum + match &entry.kind {
            Kind::Directory { .. } => 1,
            Kind::File(source) => kib(source.size),
            Kind::Symlink { target } => kib(target.len() as u64),
            Kind::Hardlink { .. } => 0,
        }
    })
}

fn maintainer(fact: &Fact<String>, findings: &mut Findings) -> String {
    let value = fact.trim();
    let legal = value.strip_suffix('>').and_then(|v| v.split_once('<')).is_some_and(|(name, mail)| {
        let (local, domain) = mail.split_once('@').unwrap_or_default();
        let clean = |c: char| !c.is_control() && !"<>".contains(c);
        let address = |c: char| clean(c) && !c.is_whitespace() && !",@".contains(c);
        !name.trim().is_empty()
            && name.chars().all(clean)
            && !local.is_empty()
            && !domain.is_empty()
            && format!("{local}{domain}").chars().all(address)
    });
    if !legal {
        let message = format!("`{}` is no maintainer in the form `Name <mail>`", value.escape_debug());
        findings.push(
            Diagnostic::error(codes::DEB_MAINTAINER, message)
                .at_origin(&fact.origin, "")
                .help("write one name and one address: `maintainer = \"Ops Team <ops@example.org>\"`"),
        );
    }
    value.to_owned()
}

/// A value that must be one line and not empty.
fn line(what: &str, value: &str, origin: &Origin, findings: &mut Findings) -> String {
    let value = value.trim();
    if value.is_empty() || value.chars().any(char::is_control) {
        let message = format!("the {what} must be one line that is not empty, and is `{}`", value.escape_debug());
        let help = match what {
            "summary" => "put what is longer into `description`",
            _ => "write it on one line",
        };
        findings.push(Diagnostic::error(codes::DEB_FIELD, message).at_origin(origin, "").help(help));
    }
    value.to_owned()
}

fn source_package(fact: &Fact<String>, findings: &mut Findings) -> String {
    let value = fact.trim();
    let (name, version) = value.split_once(' ').unwrap_or((value, ""));
    let version = version.trim();
    let inside = version.strip_prefix('(').and_then(|v| v.strip_suffix(')'));
    if !naming::is_name(name) || !(version.is_empty() || inside.is_some_and(naming::is_version)) {
        let message = format!("`{}` is no source package", value.escape_debug());
        findings.push(
            Diagnostic::error(codes::DEB_NAME, message)
                .at_origin(&fact.origin, "")
                .help("write `name` or `name (1.2-1)`"),
        );
    }
    value.to_owned()
}

fn multi_arch_value(plan: &Plan, fact: &Fact<String>, findings: &mut Findings) -> String {
    let known = ["no", "same", "foreign", "allowed"];
    let mut refuse = |message: String, help: &str| {
        findings.push(Diagnostic::error(codes::DEB_FIELD, message).at_origin(&fact.origin, "").help(help));
    };
    if !known.contains(&fact.as_str()) {
        refuse(format!("`{}` is no value of Multi-Arch", fact.escape_debug()), "use `same`, `foreign` or `allowed`");
    } else if fact.as_str() == "same" && plan.target.independent {
        refuse("a package for all architectures cannot be `Multi-Arch: same`".to_owned(), "use `foreign`");
    }
    fact.value.clone()
}

/// The name without a prefix such as `XB-`, which in source control files says that a field goes into the binary
/// package: dpkg-gencontrol(1) takes it off.
fn binary_field(name: &str) -> &str {
    match name.split_once('-') {
        Some((prefix, rest)) if is_binary_prefix(prefix) && !rest.is_empty() => rest,
        _ => name,
    }
}

fn is_binary_prefix(prefix: &str) -> bool {
    let mut letters = prefix.chars().map(|c| c.to_ascii_uppercase());
    letters.next() == Some('X') && prefix.to_ascii_uppercase().contains('B') && letters.all(|c| "BCS".contains(c))
}

/// A field of the user's own, folded; none if it cannot be.
fn other_field(name: &str, value: &Fact<String>, findings: &mut Findings) -> Option<String> {
    let refuse = |message: String, help: String| {
        Some(Diagnostic::error(codes::DEB_FIELD, message).at_origin(&value.origin, "").help(help))
    };
    let own = OWN.iter().find(|(own, _)| own.eq_ignore_ascii_case(name));
    let relation = relations::FIELDS.iter().find(|field| field.eq_ignore_ascii_case(name));
    let legal = |b: u8| b.is_ascii_graphic() && b != b':';
    let finding = if let Some((own, key)) = own {
        refuse(format!("the field `{own}` is written by fitout"), format!("set it by {key}"))
    } else if let Some(field) = relation {
        let key = field.to_ascii_lowercase();
        refuse(format!("the field `{field}` has a key of its own"), format!("set it by [format.deb] {key}"))
    } else if name.is_empty() || name.starts_with(['-', '#']) || !name.bytes().all(legal) {
        let help = "use printable ASCII without blanks and colons, not beginning with `-` or `#`";
        refuse(format!("`{}` is no field name", name.escape_debug()), help.to_owned())
    } else if value.trim().is_empty() || value.chars().any(|c| c.is_control() && !"\n\t".contains(c)) {
        refuse(format!("the field `{name}` has no legal value"), "give it a text, or leave it out".to_owned())
    } else {
        None
    };
    if let Some(finding) = finding {
        findings.push(finding);
        return None;
    }
    let mut lines = value.trim().lines();
    let first = lines.next().unwrap_or_default().trim_end().to_owned();
    Some(lines.fold(first, |folded, line| folded + &continuation(line)))
}

/// The extended description: every line after a line break and a blank, empty ones as ` .`. Planning has wrapped it.
fn fold_description(text: &str) -> String {
    text.lines().map(|line| continuation(line.trim_end())).collect()
}

fn continuation(line: &str) -> String {
    let line = line.trim_end();
    match line.chars().next() {
        None => "\n .".to_owned(),
        // ` .` and more is reserved: a second blank makes it an ordinary line.
        Some('.') => format!("\n  {line}"),
        Some(_) => format!("\n {}", line.replace('\t', "        ")),
    }
}
