//! The start/stop script of each service, and its name on the PATH.
//!
//! Enters: the services of a [`Release`](crate::resolve::Release), and what else is in the package, because a path of the
//! package lies elsewhere when it is unpacked in a folder. Leaves: drafts that yield to a rule for the same path. What the
//! scripts do is in `templates/launcher`; hooks and scripts of commands are [`super::service`]'s.

use serde_json::{Value, json};

use super::collect::Run;
use super::conflict::Tree;
use super::plan::{Dialect, Role, Service};
use super::service::Files;
use crate::diagnostic::Findings;
use crate::resolve::service::{Directories, Init, Ready, Reload, Run as Runs};
use crate::template::{TemplateError, Templates, Word};

mod node;

/// The template of a launcher.
const SERVICE: &str = "launcher/service.sh";
/// The templates of init scripts.
const SYSV: &str = "launcher/sysv.sh";
const OPENRC: &str = "launcher/openrc.sh";
/// The template of a name on the PATH.
const COMMAND: &str = "launcher/command.sh";
/// Variable of a launcher: the tree that it lies in.
const ROOT: &str = "svc_root";
/// Variable of a launcher: what the host's own folders lie in; empty where a service is installed.
const PLACE: &str = "svc_place";
/// Folders of the host that hold what differs from host to host.
const OF_HOST: [&str; 5] = ["/etc/", "/var/", "/run/", "/srv/", "/home/"];
/// Moments of a fifth of a second for which a program must run before it counts as started.
const LEAST: u32 = 5;
/// Below it a port is for root and for who has a capability.
const FIRST_FREE_PORT: u16 = 1024;

/// Puts the launchers into the tree, in all formats.
pub fn add(run: &Run<'_>, tree: &mut Tree, findings: &mut Findings) {
    let services: Vec<&Service> = run.release.services.iter().filter(|service| service.has_launcher()).collect();
    // Each is in the package before the next asks what is.
    for service in services {
        let text = text(run, service, &|path| path == service.launcher || tree.holds(path));
        let mut files = Files { tree, findings };
        files.script(&service.launcher, SERVICE, text, Role::Plain, run.all);
        init(run, service, &mut files);
        if let Some(path) = &service.command {
            let text = run.release.templates.render(COMMAND, &json!({ "path": path, "program": service.launcher }));
            files.script(path, COMMAND, text, Role::Plain, run.all);
        }
    }
}

/// `/etc/init.d/NAME` of a deb: hosts with rpm have systemd, and an archive's install.sh writes it where there is none.
fn init(run: &Run<'_>, service: &Service, files: &mut Files) {
    let deb = run.formats(|_, abilities| abilities.dialect == Dialect::Deb);
    let role = Role::Config { noreplace: true, missingok: false };
    match init_scripts(&run.release.templates, std::slice::from_ref(service), &str::to_owned) {
        // In the order of the kinds: the second yields to the first.
        Ok(scripts) => {
            for (name, kind, text) in scripts {
                let template = if kind == "sysv" { SYSV } else { OPENRC };
                files.script(&format!("/etc/init.d/{name}"), template, Ok(text), role, deb);
            }
        }
        Err(error) => files.findings.push(error.into()),
    }
}

/// An init script: name, which init, text.
type InitScript = (String, &'static str, String);

/// The init scripts of services, whose launchers lie where `placed` says. Of the two kinds, a host has a place for one:
/// both are called `/etc/init.d/NAME`.
pub(super) fn init_scripts(
    templates: &Templates,
    services: &[Service],
    placed: &dyn Fn(&str) -> String,
) -> Result<Vec<InitScript>, TemplateError> {
    let of_service = |service: &Service| {
        let values = json!({
            "name": service.name, "about": service.description, "launcher": placed(&service.launcher),
        });
        let one = |init: &Init| {
            let (kind, template) = match init {
                Init::Sysv => ("sysv", SYSV),
                Init::Openrc => ("openrc", OPENRC),
            };
            Ok((service.name.clone(), kind, templates.render(template, &values)?))
        };
        service.init.iter().map(one).collect::<Vec<_>>()
    };
    services.iter().flat_map(of_service).collect()
}

/// Whether a path lies with the host's own and not with the package's.
pub(super) fn is_of_host(path: &str) -> bool {
    OF_HOST.iter().any(|folder| path.starts_with(folder))
}

/// The script of a service; `packaged` knows the paths of the package.
fn text(run: &Run, service: &Service, packaged: &dyn Fn(&str) -> bool) -> Result<String, TemplateError> {
    let words = Words { service, packaged };
    let path = |path: &str| Words::host(path);
    let option = |path: Option<&String>| path.map_or_else(Word::default, |path| Words::host(path));
    let name = service.name.trim_end_matches('@');
    let log = log_file(service, name);
    let log_is_own = service.directories.written().any(|folder| log.starts_with(&format!("{folder}/")));
    let port = if let Ready::Port(port) = service.ready { port.to_string() } else { String::new() };
    let reload_signal = if let Some(Reload::Signal(signal)) = &service.reload { bare(signal) } else { "" };
    let reload = if let Some(Reload::Exec(program)) = &service.reload { program.as_slice() } else { &[] };
    let yes = |is| if is { "yes" } else { "" };
    run.release.templates.render(
        SERVICE,
        &json!({
            "name": name,
            "about": service.description,
            "version": run.release.identity.version.text,
            "path": service.launcher,
            "user": service.user,
            "group": service.group,
            "groups": service.groups.join(" "),
            "unit": service.unit_name(),
            "entry": service.entry_unit(),
            "starter": starter(service),
            "least": if port.is_empty() && service.node.is_none() { LEAST } else { 0 }.to_string(),
            "port": port,
            "start_timeout": seconds(service.start_timeout),
            "stop_timeout": seconds(service.stop_timeout),
            "stop_signal": bare(&service.stop_signal),
            "stop_whom": if service.stops_its_children() { "main" } else { "all" },
            "reload_signal": reload_signal,
            "open_files": service.limits.open_files.map_or_else(String::new, |n| n.to_string()),
            "low_port": yes(service.ports.iter().any(|port| port.number < FIRST_FREE_PORT)),
            "hardened": yes(service.hardening != crate::resolve::service::Hardening::Off),
            "has_secrets": yes(!service.secrets.is_empty()),
            "log_is_own": yes(log_is_own),
            "home": path(service.home()),
            "work": words.path(&service.working_dir),
            "log": path(&log),
            "env_file": option(service.env_file.as_ref()),
            "pid_file": path(&format!("/run/{name}.pid")),
            "node": service.node.as_ref().map(|node| node::values(node, &words)),
            "program": words.all(&service.exec),
            "reload": words.all(reload),
            "env": service.env.iter().map(|(name, value)| json!({ "name": name, "value": words.path(value) })).collect::<Vec<_>>(),
            "secrets": secrets(&words),
            "generated": service.secrets.values().filter(|secret| secret.generate).map(|secret| path(&secret.file)).collect::<Vec<_>>(),
            "directories": directories(&words),
            "configure": configure(&words),
            "commands": service.commands.iter().map(|(name, command)| json!({ "name": name, "about": command.about })).collect::<Vec<_>>(),
            "programs": programs(&words),
            "custom_names": service.commands.keys().map(String::as_str).collect::<Vec<_>>().join(" "),
        }),
    )
}

/// Where output goes on a host without systemd.
fn log_file(service: &Service, name: &str) -> String {
    let own = service.directories.logs.first().map(|folder| format!("{folder}/{name}.log"));
    service.log_file.clone().or(own).unwrap_or_else(|| format!("/var/log/{name}.log"))
}

/// What starts it, if that is not whoever calls the launcher.
fn starter(service: &Service) -> &'static str {
    match service {
        _ if service.timer.is_some() => "a timer",
        _ if service.socket.is_some() => "a socket",
        _ if service.is_template() => "instance",
        _ => "",
    }
}

/// A signal as kill(1) takes it: `TERM`, `15`.
fn bare(signal: &str) -> &str {
    signal.strip_prefix("SIG").unwrap_or(signal)
}

/// Whole seconds, at least one.
fn seconds(milliseconds: u64) -> String {
    milliseconds.div_ceil(1000).max(1).to_string()
}

/// Tells paths of the package and of the host from other words.
struct Words<'a> {
    service: &'a Service,
    packaged: &'a dyn Fn(&str) -> bool,
}

impl Words<'_> {
    /// A path that lies with the host's own.
    fn host(path: &str) -> Word {
        Word { below: if path == "/" { "" } else { PLACE }, text: path.to_owned(), ..Word::default() }
    }

    /// A word that is a path, or is none.
    fn path(&self, text: &str) -> Word {
        let own = |folder: &String| text == folder || text.starts_with(&format!("{folder}/"));
        let Directories { config, .. } = &self.service.directories;
        let is_own = self.service.directories.written().chain(config).chain(&self.service.write).any(own);
        let named = self.service.env_file.as_deref() == Some(text)
            || self.service.log_file.as_deref() == Some(text)
            || self.service.secrets.values().any(|secret| secret.file == text)
            || self.service.configure.iter().any(|one| one.to == text);
        let packaged = text.starts_with('/') && (self.packaged)(text);
        if is_own || named || (packaged && is_of_host(text)) {
            return Self::host(text);
        }
        Word { below: if packaged { ROOT } else { "" }, text: text.to_owned(), ..Word::default() }
    }

    /// An argument, which may be `--name=PATH`.
    fn argument(&self, text: &str) -> Word {
        match text.split_once('=') {
            Some((name, path)) if path.starts_with('/') => Word { head: format!("{name}="), ..self.path(path) },
            _ => self.path(text),
        }
    }

    /// A program and its arguments.
    fn all(&self, words: &[String]) -> Vec<Word> {
        words.iter().map(|word| self.argument(word)).collect()
    }
}

fn secrets(words: &Words) -> Vec<Value> {
    let one = |(name, secret): (&String, &crate::resolve::service::Secret)| {
        let how = if secret.in_environment { "env" } else { "file" };
        json!({ "name": name, "file": Words::host(&secret.file), "how": how })
    };
    words.service.secrets.iter().map(one).collect()
}

fn directories(words: &Words) -> Vec<Value> {
    let own = &words.service.directories;
    let lasting = own.lasting().map(|path| (path, "0750"));
    let all = lasting.chain(own.runtime.iter().map(|path| (path, "0755")));
    all.map(|(path, mode)| json!({ "path": Words::host(path), "mode": mode })).collect()
}

fn configure(words: &Words) -> Vec<Value> {
    let one = |one: &crate::resolve::service::Configure| {
        let mode = format!("{:04o}", one.mode);
        json!({ "from": words.path(&one.from), "to": Words::host(&one.to), "mode": mode })
    };
    words.service.configure.iter().map(one).collect()
}

/// Commands that are programs; the others are scripts beside the launcher.
fn programs(words: &Words) -> Vec<Value> {
    let one = |(name, command): (&String, &crate::resolve::service::Command)| match &command.run {
        Runs::Exec(program) => Some(json!({ "name": name, "exec": words.all(program) })),
        Runs::Script(_) => None,
    };
    words.service.commands.iter().filter_map(one).collect()
}
