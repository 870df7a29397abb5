//! The table of archives: one script, `install.sh`, which does for a host what a package manager would.
//!
//! | command | what happens, in this order |
//! |---|---|
//! | install | files copied; before-install; then as for all below; after-install; units enabled and started |
//! | upgrade | files copied; before-upgrade, pre-upgrade hooks; …; after-upgrade, post-upgrade hooks; units restarted |
//! | both | accounts, directories, owners, capabilities, secrets; moved config files; config files; the link; units |
//! | rollback | the same of the older version, without scripts and hooks; so does an upgrade whose services do not start |
//! | uninstall | before-remove; units stopped and removed; after-remove; files removed |
//! | uninstall --purge | and config files, state, logs, secrets; after-purge |
//!
//! What lies in the host's own folders (`/etc`, `/var`) goes there; the rest stays in the folder of its version.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::assemble::launcher::{self, is_of_host};
use crate::assemble::plan::{Entry, FormatSet, Kind, Plan, Role, Script, Service, Step};
use crate::assemble::service::unit::Around;
use crate::assemble::service::{documentation, log_rotation, unit};
use crate::assemble::{account, path};
use crate::diagnostic::Origin;
use crate::resolve::service::OnUpgrade;
use crate::template::TemplateError;

const INSTALL: &str = "maintainer/plain/install.sh";
/// What install.sh puts its folder in the place of.
const BASE: &str = "<BASE>";
/// Folders whose programs get a name in `/usr/local`.
const ON_PATH: [&str; 4] = ["/usr/bin/", "/usr/sbin/", "/bin/", "/sbin/"];

/// `install.sh`; none where there is nothing but documents.
pub(super) fn scripts(plan: &Plan) -> Result<BTreeMap<&'static str, Script>, TemplateError> {
    let set = plan.format_set("tarball").union(plan.format_set("zip"));
    let carried = |entry: &&Entry| entry.formats.intersects(set) && entry.role != Role::Ghost;
    let entries: Vec<&Entry> = plan.entries.iter().filter(carried).collect();
    if set == FormatSet::EMPTY || !is_installed(entries.iter().copied(), &plan.services) {
        return Ok(BTreeMap::new());
    }
    let text = plan.templates.render(INSTALL, &values(plan, &entries)?)?;
    let origin = Origin::Template { name: INSTALL };
    Ok(BTreeMap::from([("install.sh", Script { text, interpreter: vec!["/bin/sh".into()], origin })]))
}

/// Whether there is anything but documents: copyright and change log are in every package.
pub(super) fn is_installed<'e>(mut entries: impl Iterator<Item = &'e Entry>, services: &[Service]) -> bool {
    let documents = |path: &str| path.starts_with("/usr/share/doc/") || path.starts_with("/usr/share/licenses/");
    let works = |entry: &Entry| match (entry.role, &entry.kind) {
        (Role::Doc | Role::License | Role::Ghost, _) | (_, Kind::Directory { .. }) => false,
        _ => !documents(&entry.path),
    };
    !services.is_empty() || entries.any(works)
}

fn values(plan: &Plan, entries: &[&Entry]) -> Result<Value, TemplateError> {
    let tops: BTreeSet<&str> = entries.iter().filter_map(|entry| entry.path.split('/').nth(1)).collect();
    let own = |entry: &Entry| json!({ "path": *entry.path, "user": *entry.owner.user, "group": *entry.owner.group, "mode": mode(entry.mode) });
    let all = |wanted: &dyn Fn(&Entry) -> bool| -> Vec<Value> {
        entries.iter().filter(|entry| wanted(entry)).map(|entry| own(entry)).collect()
    };
    let is_config = |entry: &Entry| matches!(entry.role, Role::Config { .. });
    let is_folder = |entry: &Entry| matches!(entry.kind, Kind::Directory { .. });
    let mut directories = all(&|entry| is_of_host(&entry.path) && is_folder(entry) && !path::is_shared(&entry.path));
    directories.extend(
        account::lasting(&plan.services)
            .into_iter()
            .map(|d| json!({ "path": d.path, "user": d.user, "group": d.group, "mode": mode(d.mode) })),
    );
    let sysusers = if plan.accounts.is_empty() { String::new() } else { account::sysusers(plan)? };
    let commands = entries.iter().filter(|entry| !is_folder(entry)).filter(|entry| {
        ON_PATH.iter().any(|folder| entry.path.strip_prefix(folder).is_some_and(|name| !name.contains('/')))
    });
    let mut steps = Steps::default();
    plan.lifecycle.steps.iter().for_each(|step| steps.take(step));
    Ok(json!({
        "name": plan.identity.name.value,
        "version": plan.identity.version.text,
        "sysusers": sysusers,
        "rotation": rotation(plan)?,
        "tops": tops,
        "services": plan.services.iter().map(service).collect::<Vec<_>>(),
        "units": units(plan, entries)?,
        "init": launcher::init_scripts(&plan.templates, &plan.services, &|path| format!("{BASE}/current{path}"))?
            .into_iter()
            .map(|(name, kind, text)| json!({ "name": name, "kind": kind, "text": text }))
            .collect::<Vec<_>>(),
        "accounts": accounts(plan),
        "directories": directories,
        "owners": all(&|entry| !is_of_host(&entry.path) && is_odd(entry)),
        "capabilities": capabilities(entries),
        "configs": all(&|entry| is_of_host(&entry.path) && is_config(entry)),
        "host_files": all(&|entry| is_of_host(&entry.path) && !is_config(entry) && !is_folder(entry)),
        "secrets": steps.secrets,
        "moved": steps.moved,
        "commands": commands.map(|entry| &*entry.path).collect::<Vec<_>>(),
        "purge": steps.purge,
        "logs": steps.logs,
        "scripts": steps.scripts,
    }))
}

/// What logrotate is told; empty where no service asks for it.
fn rotation(plan: &Plan) -> Result<String, TemplateError> {
    let text = log_rotation(&plan.services, &plan.templates).transpose()?.unwrap_or_default();
    Ok(text.trim_end_matches('\n').to_owned())
}

fn mode(bits: u32) -> String {
    format!("{bits:04o}")
}

/// Whether an owner or a mode must be set after copying.
fn is_odd(entry: &Entry) -> bool {
    let usual = match entry.kind {
        Kind::Directory { .. } => entry.mode == 0o755,
        Kind::File(_) | Kind::Hardlink { .. } => matches!(entry.mode, 0o644 | 0o755),
        Kind::Symlink { .. } => return false,
    };
    !usual || (entry.owner.uid, entry.owner.gid) != (0, 0)
}

/// What the steps of the lifecycle give.
#[derive(Default)]
struct Steps {
    secrets: Vec<String>,
    moved: Vec<Value>,
    purge: Vec<String>,
    logs: Vec<String>,
    scripts: Vec<Value>,
}

impl Steps {
    fn take(&mut self, step: &Step) {
        match step {
            Step::Secret { file, .. } => self.secrets.push(file.clone()),
            Step::Moved(moved) => {
                let to = moved.to.as_deref().unwrap_or_default();
                self.moved.push(json!({ "from": moved.from, "to": to }));
            }
            Step::Purge { paths, logs } => {
                self.purge.extend(paths.iter().cloned());
                self.logs.extend(logs.iter().cloned());
            }
            Step::User { moment, script } => {
                self.scripts.push(json!({ "moment": moment.word(), "text": script.text }));
            }
            _ => {}
        }
    }
}

fn service(service: &Service) -> Value {
    let yes = |is| if is { "yes" } else { "" };
    let own = !service.is_template();
    json!({
        "name": service.name,
        "launcher": service.launcher,
        "unit": service.unit_name(),
        "entry": service.entry_unit(),
        "enable": yes(own && service.enable),
        "start": yes(own && service.start),
        "on_upgrade": match service.on_upgrade {
            // Each version of an archive has a tree and a state of its own until it is the current one.
            OnUpgrade::Restart | OnUpgrade::Hot => "restart",
            OnUpgrade::Reload => "reload",
            OnUpgrade::Nothing => "nothing",
        },
    })
}

/// Units by file name below `/etc/systemd/system`.
fn units(plan: &Plan, entries: &[&Entry]) -> Result<Vec<Value>, TemplateError> {
    let paths: BTreeSet<&str> = entries.iter().map(|entry| &*entry.path).collect();
    let own = |path: &str| paths.contains(path) && !path::is_shared(path) && !is_of_host(path);
    let placed = |word: &str| match word.split_once('=') {
        Some((name, path)) if own(path) => format!("{name}={BASE}/current{path}"),
        _ if own(word) => format!("{BASE}/current{word}"),
        _ => word.to_owned(),
    };
    let documentation = documentation(&plan.identity);
    let around = Around { templates: &plan.templates, documentation: &documentation, placed: &placed };
    let mut units: Vec<Value> = Vec::new();
    let mut unit = |file: String, text: &str| units.push(json!({ "file": file, "text": text.trim_end_matches('\n') }));
    for service in &plan.services {
        unit(service.unit_name(), &unit::service(service, &around)?);
        if let Some(text) = unit::timer(service, &plan.templates) {
            unit(format!("{}.timer", service.name), &text?);
        }
        if let Some(text) = unit::socket(service, &plan.templates) {
            unit(format!("{}.socket", service.name), &text?);
        }
        for (file, text) in &service.drop_ins {
            unit(format!("{}.service.d/{file}", service.name), text);
        }
    }
    Ok(units)
}

fn accounts(plan: &Plan) -> Vec<Value> {
    let number = |id: Option<u32>| id.map_or_else(String::new, |id| id.to_string());
    let one = |account: &crate::assemble::plan::Account| {
        json!({
            "name": account.name, "group": account.group, "groups": account.groups.join(" "),
            "uid": number(account.uid), "gid": number(account.gid), "home": account.home,
            "shell": account.shell, "about": account.comment,
        })
    };
    plan.accounts.iter().map(one).collect()
}

fn capabilities(entries: &[&Entry]) -> Vec<Value> {
    let one = |entry: &&Entry| Some(json!({ "path": *entry.path, "capabilities": **entry.capabilities.as_ref()? }));
    entries.iter().filter_map(one).collect()
}
