//! The files of services: units, drop-ins, hooks, log rotation, presets.
//!
//! Enters: the services of a [`Release`](crate::resolve::Release). Leaves: drafts that yield to a rule for the same path, so
//! that a user can put a unit of their own in the place of ours. Accounts and directories are [`super::account`]'s, start
//! and stop scripts [`super::launcher`]'s, what happens at installation [`super::lifecycle`]'s.

use std::sync::Arc;

use serde_json::json;

use super::collect::Run;
use super::conflict::Tree;
use super::draft::{Body, Draft};
use super::plan::{Churn, Dialect, FormatSet, Role, Service};
use crate::diagnostic::{Findings, Origin};
use crate::resolve::service::{self, Moment, UserScript};
use crate::template::{TemplateError, Templates};

mod hardening;
pub(crate) mod unit;

/// Where units of packages lie: file-hierarchy(7); merged /usr since Debian 12.
pub const UNITS: &str = "/usr/lib/systemd/system";
const LOGROTATE: &str = "systemd/logrotate.unit";
/// A config file that the administrator's changes outlive.
const CONFIG: Role = Role::Config { noreplace: true, missingok: false };

/// Puts the files of all services into the tree.
pub fn add(run: &Run<'_>, tree: &mut Tree, findings: &mut Findings) {
    let packages = packages(run);
    let mut files = Files { tree, findings };
    for service in &run.release.services {
        units(run, service, packages, &mut files);
        hooks(run, service, &mut files);
    }
    if let Some(text) = log_rotation(&run.release.services, &run.release.templates) {
        let path = format!("/etc/logrotate.d/{}", run.release.identity.name.value);
        files.made(&path, LOGROTATE, text, CONFIG, packages);
    }
    presets(run, &mut files);
}

/// The formats that a package manager installs, with systemd's help.
pub(super) fn packages(run: &Run<'_>) -> FormatSet {
    run.formats(|_, abilities| matches!(abilities.dialect, Dialect::Deb | Dialect::Rpm))
}

/// Where to read more: systemd.unit(5) takes URLs.
pub(crate) fn documentation(identity: &super::plan::Identity) -> String {
    let homepage = identity.homepage.as_ref().map(|homepage| homepage.value.clone());
    let homepage = homepage.filter(|url| !url.contains(char::is_whitespace));
    homepage.unwrap_or_else(|| format!("file:/usr/share/doc/{}/", identity.name.value))
}

/// Where drafts go.
pub(super) struct Files<'a> {
    /// To here.
    pub tree: &'a mut Tree,
    /// And what cannot be made.
    pub findings: &'a mut Findings,
}

impl Files<'_> {
    /// A file that a template made.
    pub fn made(
        &mut self,
        path: &str,
        template: &'static str,
        text: Result<String, TemplateError>,
        role: Role,
        formats: FormatSet,
    ) {
        if formats == FormatSet::EMPTY {
            return;
        }
        match text {
            Ok(text) => {
                let churn = if role == Role::Plain { Churn::Application } else { Churn::Config };
                let body = Body::Made(text.into_bytes().into());
                let draft = Draft::added(path, body, role, churn, formats, Origin::Template { name: template });
                self.tree.add(draft);
            }
            Err(error) => self.findings.push(error.into()),
        }
    }

    /// A script that a template made, for whoever calls it.
    pub fn script(
        &mut self,
        path: &str,
        template: &'static str,
        text: Result<String, TemplateError>,
        role: Role,
        formats: FormatSet,
    ) {
        if formats == FormatSet::EMPTY {
            return;
        }
        match text {
            Ok(text) => {
                let origin = Origin::Template { name: template };
                let body = Body::Made(text.into_bytes().into());
                let mut draft = Draft::added(path, body, role, Churn::Application, formats, origin.clone());
                draft.mode = (0o755, Arc::new(origin));
                self.tree.add(draft);
            }
            Err(error) => self.findings.push(error.into()),
        }
    }

    /// A text of the user.
    fn given(&mut self, path: &str, text: &str, mode: u32, origin: &Origin, formats: FormatSet) {
        if formats == FormatSet::EMPTY {
            return;
        }
        let body = Body::Made(Arc::from(text.as_bytes()));
        let mut draft = Draft::added(path, body, Role::Plain, Churn::Application, formats, origin.clone());
        draft.mode = (mode, Arc::new(origin.clone()));
        self.tree.add(draft);
    }
}

fn units(run: &Run<'_>, service: &Service, packages: FormatSet, files: &mut Files) {
    let documentation = documentation(&run.release.identity);
    let around =
        unit::Around { documentation: &documentation, templates: &run.release.templates, placed: &str::to_owned };
    let mut unit = |name: String, template, text| {
        files.made(&format!("{UNITS}/{name}"), template, text, Role::Plain, packages);
    };
    unit(service.unit_name(), "systemd/service.unit", unit::service(service, &around));
    if let Some(text) = unit::timer(service, &run.release.templates) {
        unit(service.entry_unit(), "systemd/timer.unit", text);
    }
    if let Some(text) = unit::socket(service, &run.release.templates) {
        unit(service.entry_unit(), "systemd/socket.unit", text);
    }
    for (file, text) in &service.drop_ins {
        let path = format!("{UNITS}/{}.service.d/{file}", service.name);
        files.given(&path, text, 0o644, &service.origin, packages);
    }
}

/// Folder of the scripts of a moment, run in the order of their names.
pub(super) fn hooks_of(service: &Service, moment: Moment) -> String {
    format!("{}.hooks/{}", service.launcher, moment.word())
}

/// Script of a further command of the launcher.
pub(super) fn command_of(service: &Service, name: &str) -> String {
    format!("{}.commands/{name}", service.launcher)
}

/// Scripts of the user, where the launcher finds them.
fn hooks(run: &Run<'_>, service: &Service, files: &mut Files) {
    let mut script = |path: String, script: &UserScript| {
        files.given(&path, &script.text, 0o755, &script.origin, run.all);
    };
    for (moment, scripts) in &service.hooks {
        let folder = hooks_of(service, *moment);
        (1..).zip(scripts).for_each(|(number, one): (u32, _)| script(format!("{folder}/{number:02}"), one));
    }
    for (name, command) in &service.commands {
        if let service::Run::Script(one) = &command.run {
            script(command_of(service, name), one);
        }
    }
}

/// What logrotate is told of the log files of services; none where there are none.
pub(crate) fn log_rotation(services: &[Service], templates: &Templates) -> Option<Result<String, TemplateError>> {
    let of_service = |service: &Service| {
        let file = service.log_file.as_ref()?;
        // In a folder of others only root may rename.
        let own = service.directories.written().any(|folder| file.starts_with(&format!("{folder}/")));
        Some(json!({ "file": file, "own": own, "user": service.user, "group": service.group }))
    };
    let logs: Vec<_> = services.iter().filter_map(of_service).collect();
    (!logs.is_empty()).then(|| templates.render(LOGROTATE, &json!({ "logs": logs })))
}

/// A distribution whose own preset is `disable *` enables what a package says here: systemd.preset(5).
fn presets(run: &Run<'_>, files: &mut Files) {
    const TEMPLATE: &str = "systemd/preset.unit";
    let rpm = run.formats(|_, abilities| abilities.dialect == Dialect::Rpm);
    let services = run.release.services.iter().filter(|service| !service.is_template());
    let units: Vec<_> = services
        .map(|service| {
            json!({ "word": if service.enable { "enable" } else { "disable" }, "name": service.entry_unit() })
        })
        .collect();
    if !units.is_empty() {
        let path = format!("/usr/lib/systemd/system-preset/50-{}.preset", run.release.identity.name.value);
        let text = run.release.templates.render(TEMPLATE, &json!({ "units": units }));
        files.made(&path, TEMPLATE, text, Role::Plain, rpm);
    }
}
