//! Rules over services: what a unit may do, what it is told to do, and where its secrets are.

use std::io::Read as _;

use super::about;
use super::plan::{files, is_secret};
use crate::assemble::path::within;
use crate::assemble::plan::{Content, Kind, Plan, Role, Service, Sources};
use crate::diagnostic::{Code, Diagnostic, Findings, codes};
use crate::resolve::service::{Hardening, OnUpgrade};

/// A config file is a text of a few pages: what is longer is not looked through, in bytes.
const LARGEST_CONFIG: u64 = 256 << 10;

/// It has the rights of the whole host.
pub fn as_root(plan: &Plan) -> Findings {
    let services = plan.services.iter().filter(|service| service.user == "root");
    services
        .map(|service| {
            of_service(codes::LINT_SERVICE_ROOT, service, format!("`{}` runs as root", service.name))
                .help("leave `user` out: the package makes an account for it")
        })
        .collect()
}

/// It is told to write where it may not.
pub fn writes_elsewhere(plan: &Plan) -> Findings {
    let mut findings = Findings::new();
    for service in plan.services.iter().filter(|service| service.hardening == Hardening::Strict) {
        let may = |path: &str| service.directories.written().chain(&service.write).any(|folder| within(path, folder));
        let told = service.typed_env.iter().filter(|(_, value)| {
            ["/var/", "/run/", "/srv/", "/opt/"].iter().any(|top| value.starts_with(top))
                && !value.contains([':', ' '])
                && !is_packaged(plan, value)
        });
        for (name, value) in told.filter(|(_, value)| !may(value)) {
            let message = format!("`{}` is told by `{name}` of `{value}`, which it may not write", service.name);
            findings.push(
                of_service(codes::LINT_SERVICE_WRITES, service, message).help(
                    "name the folder under `state`, `cache`, `logs`, `runtime` or `write`, if it is to write there",
                ),
            );
        }
    }
    findings
}

/// A secret as a variable of the unit, which everybody may read.
pub fn secrets_in_units(plan: &Plan) -> Findings {
    let of_service = |service: &Service| {
        let names = service.typed_env.iter().filter(|(name, value)| !value.is_empty() && is_secret(name));
        let told = names.map(|(name, _)| {
            let message = format!("the unit of `{}` carries `{name}`", service.name);
            self::of_service(codes::LINT_SERVICE_SECRET, service, message)
                .help(format!("name a file of the host: `secrets = {{ {name} = {{ file = \"/etc/NAME/{name}\" }} }}`"))
        });
        told.collect::<Findings>()
    };
    plan.services.iter().flat_map(of_service).collect()
}

/// A secret in a config file that is shipped: the same on all hosts, and known to whoever has the package.
pub fn secrets_in_config_files(plan: &Plan, sources: &Sources) -> Findings {
    let config = files(plan).filter(|entry| matches!(entry.role, Role::Config { .. }));
    let mut findings = Findings::new();
    for entry in config {
        let Kind::File(source) = &entry.kind else { continue };
        let Some(text) = (source.size <= LARGEST_CONFIG).then(|| read(&sources.list()[source.id.0 as usize])).flatten()
        else {
            continue;
        };
        for (number, line) in (1..).zip(text.lines()) {
            let Some((name, value)) = line.trim().trim_start_matches("export ").split_once('=') else { continue };
            let (name, value) = (name.trim(), value.trim().trim_matches(['"', '\'']));
            let is_variable = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            // `${NAME}` is filled on the host; `changeme` and `<...>` ask to be replaced.
            let stands_in =
                value.is_empty() || value.contains("${") || value.starts_with('<') || value.starts_with("change");
            if is_variable && !stands_in && is_secret(name) {
                let message = format!("line {number} of `{}` sets `{name}` for all hosts", entry.path);
                findings.push(
                    about(codes::LINT_SERVICE_SECRET, &entry.path, message)
                        .at_origin(&entry.origin, "")
                        .help("ship it without a value, or put it into a file on the host: `[service.secrets]`"),
                );
            }
        }
    }
    findings
}

/// The text of a file, if it is one.
pub(super) fn read(content: &Content) -> Option<String> {
    match content {
        Content::Made(bytes) => String::from_utf8(bytes.to_vec()).ok(),
        Content::File { path, .. } => {
            let mut text = String::new();
            fs_err::File::open(path).ok()?.take(LARGEST_CONFIG).read_to_string(&mut text).ok()?;
            Some(text)
        }
        Content::Slice { .. } | Content::Patched { .. } => None,
    }
}

/// It could do without a restart.
pub fn cuts_connections(plan: &Plan) -> Findings {
    let services = plan.services.iter().filter(|service| {
        // A node reads its configuration again by the launcher, and takes new code by a restart alone.
        let reloads = service.reload.is_some() && service.node.is_none();
        service.on_upgrade == OnUpgrade::Restart && reloads && !service.ports.is_empty()
    });
    services
        .map(|service| {
            let message = format!("an upgrade restarts `{}`, which can reload", service.name);
            of_service(codes::LINT_SERVICE_CUTS, service, message)
                .help("set `on-upgrade = \"reload\"` if it takes new code that way, or allow this in [[lint.allow]]")
        })
        .collect()
}

/// The unit would fail at once.
pub fn program_is_missing(plan: &Plan) -> Findings {
    let own = |path: &str| {
        let prefix = format!("/{}/", plan.identity.name.value);
        path.contains(&prefix) && (path.starts_with("/usr/lib/") || path.starts_with("/opt/"))
    };
    let services = plan.services.iter().filter(|service| own(&service.exec[0]) && !is_packaged(plan, &service.exec[0]));
    services
        .map(|service| {
            let message = format!("`{}` starts `{}`, which is not in the package", service.name, service.exec[0]);
            of_service(codes::LINT_SERVICE_PROGRAM, service, message).help("mend `exec`, or add a rule for the program")
        })
        .collect()
}

/// Nothing is kept from it.
pub fn not_hardened(plan: &Plan) -> Findings {
    let services = plan.services.iter().filter(|service| service.hardening == Hardening::Off);
    services
        .map(|service| {
            let message = format!("nothing of the system is kept from `{}`", service.name);
            of_service(codes::LINT_SERVICE_OPEN, service, message).help("set `hardening = \"basic\"` at least")
        })
        .collect()
}

pub(super) fn of_service(code: Code, service: &Service, message: String) -> Diagnostic {
    Diagnostic::warning(code, message).at_origin(&service.origin, "this service")
}

fn is_packaged(plan: &Plan, path: &str) -> bool {
    plan.entries.binary_search_by(|entry| (*entry.path).cmp(path)).is_ok()
}
