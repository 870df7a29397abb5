//! The values of a service's unit files.
//!
//! Enters: a [`Service`]. Leaves: the text of `NAME.service`, `NAME.timer`, `NAME.socket`. The grammar of the files is in
//! `templates/systemd`.

use serde_json::{Value, json};

use super::{Service, hardening};
use crate::resolve::service::{Moment, NotifyAccess, Ready, Reload, Restart, Vm};
use crate::template::{self, TemplateError, Templates};

/// Units whose names say that they need the network.
const TEMPLATE: &str = "systemd/service.unit";

/// What a unit file says besides the service's own facts.
pub(crate) struct Around<'a> {
    /// Where to read more: URLs.
    pub documentation: &'a str,
    /// What the files are made from.
    pub templates: &'a Templates,
    /// Puts what the package ships where it lies: the path itself in a package, below a folder of choice in an archive.
    pub placed: &'a dyn Fn(&str) -> String,
}

/// `NAME.service`
pub(crate) fn service(service: &Service, around: &Around) -> Result<String, TemplateError> {
    let started_otherwise = service.timer.is_some() || service.socket.is_some();
    let mut lines = json!({ "Unit": [], "Service": [], "Install": [] });
    for (section, given) in &service.unit {
        lines[section] = given.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect();
    }
    let values = json!({
        "description": service.description,
        "documentation": [around.documentation],
        "network": service.timer.is_none() && !service.ports.is_empty(),
        "after": service.after,
        "wants": service.wants,
        "requires": service.requires,
        "type": kind(service),
        "user": service.user,
        "group": service.group,
        "groups": service.groups,
        "working_dir": (around.placed)(&service.working_dir),
        "env": service.env.iter().map(|(name, value)| json!({ "name": name, "value": (around.placed)(value) })).collect::<Vec<_>>(),
        "env_files": service.env_file.iter().collect::<Vec<_>>(),
        "credentials": credentials(service),
        "start_pre": steps(service, around, &[Moment::PreStart], false),
        "command": program(&service.started_by(), around),
        "start_post": start_post(service, around),
        "reload": reload(service, around),
        "stop": stop(service, around),
        "stop_post": steps(service, around, &[Moment::PostStop], false),
        "restart": if service.timer.is_some() { "no" } else { restart(service.restart) },
        "restart_delay": seconds(service.restart_delay),
        "start_timeout": seconds(service.start_timeout),
        "stop_timeout": seconds(service.stop_timeout),
        "notify_access": notify_access(service),
        "kill_mode": if service.stops_its_children() { "mixed" } else { "control-group" },
        "stop_signal": service.stop_signal,
        "success_exit": success_exit(service),
        "output": service.log_file.iter().collect::<Vec<_>>(),
        "limits": limits(service),
        "directories": directories(service),
        "write": writes(service),
        "hardening": hardening::lines(service).into_iter().map(pair).collect::<Vec<_>>(),
        "lines": lines,
        "install": !started_otherwise,
    });
    around.templates.render(TEMPLATE, &values)
}

/// `NAME.timer`
pub(crate) fn timer(service: &Service, templates: &Templates) -> Option<Result<String, TemplateError>> {
    let timer = service.timer.as_ref()?;
    Some(templates.render(
        "systemd/timer.unit",
        &json!({
            "description": service.description,
            "on_calendar": timer.on_calendar,
            "on_boot": timer.on_boot.iter().collect::<Vec<_>>(),
            "on_active": timer.on_active.iter().collect::<Vec<_>>(),
            "randomized_delay": timer.randomized_delay.iter().collect::<Vec<_>>(),
            "persistent": if timer.persistent { "yes" } else { "no" },
            "unit": service.unit_name(),
        }),
    ))
}

/// `NAME.socket`
pub(crate) fn socket(service: &Service, templates: &Templates) -> Option<Result<String, TemplateError>> {
    let socket = service.socket.as_ref()?;
    Some(templates.render(
        "systemd/socket.unit",
        &json!({
            "description": service.description,
            "stream": socket.stream,
            "datagram": socket.datagram,
            "mode": socket.mode.iter().map(|mode| format!("{mode:04o}")).collect::<Vec<_>>(),
            "accept": socket.accept,
        }),
    ))
}

fn kind(service: &Service) -> &'static str {
    match service.ready {
        // systemd asks what it has not heard of yet to stop once, and a node that boots may lose that: its launcher, which can
        // ask again, waits for the node's word in systemd's place.
        Ready::Notify if service.node.is_none() => "notify",
        _ if service.timer.is_some() => "oneshot",
        Ready::Exec | Ready::Port(_) | Ready::Notify => "exec",
    }
}

/// Ends that are no failures, besides systemd's own.
fn success_exit(service: &Service) -> Vec<&'static str> {
    // The shell that starts a BEAM dies of the signal where the BEAM itself has not taken over yet; a JVM always does so.
    let by_vm = matches!(service.vm, Some(Vm::Beam | Vm::Jvm)).then_some("143");
    // A stop during the start kills the hook that runs, or who waits.
    let is_accompanied =
        waits(service) || [Moment::PreStart, Moment::PostStart].iter().any(|m| service.hooks.contains_key(m));
    by_vm.into_iter().chain(is_accompanied.then_some("SIGTERM")).collect()
}

/// Who may tell systemd of its state and feed its watchdog, where that is not systemd's own default.
fn notify_access(service: &Service) -> Vec<&'static str> {
    let of_node = (service.node.is_some() && service.ready == Ready::Notify).then_some(NotifyAccess::Main);
    service.notify_access.or(of_node).map(NotifyAccess::word).into_iter().collect()
}

fn pair((key, value): (&'static str, String)) -> Value {
    json!({ "key": key, "value": value })
}

/// A command line, of which the package may ship the program and what its arguments name.
fn program(words: &[String], around: &Around) -> Vec<String> {
    words.iter().map(|word| (around.placed)(word)).collect()
}

/// What the launcher does around the program: waiting for a port, running hooks.
fn steps(service: &Service, around: &Around, moments: &[Moment], wait: bool) -> Vec<Vec<String>> {
    let launcher = (around.placed)(&service.launcher);
    let waiting = wait.then(|| vec![launcher.clone(), "await".to_owned()]);
    let hooks = moments.iter().filter(|moment| service.hooks.contains_key(moment));
    let hooks = hooks.map(|moment| vec![launcher.clone(), "hook".to_owned(), moment.word().to_owned()]);
    waiting.into_iter().chain(hooks).collect()
}

/// Waiting, and hooks.
fn start_post(service: &Service, around: &Around) -> Vec<Vec<String>> {
    let mut all = steps(service, around, &[Moment::PostStart], waits(service));
    if service.node.is_some() {
        // One that is stopped before it heeds the signal has not failed. A node that dies, or takes too long, systemd sees.
        all[0][0].insert(0, '-');
    }
    all
}

/// Whether the start is over only when the launcher has seen that it is ready.
fn waits(service: &Service) -> bool {
    matches!(service.ready, Ready::Port(_)) || service.node.is_some()
}

/// Hooks, and what asks a node to stop until it is gone: while it boots it may lose a signal.
fn stop(service: &Service, around: &Around) -> Vec<Vec<String>> {
    let mut all = steps(service, around, &[Moment::PreStop], false);
    all.extend(service.node.is_some().then(|| vec![(around.placed)(&service.launcher), "stopping".to_owned()]));
    all
}

fn reload(service: &Service, around: &Around) -> Vec<String> {
    match &service.reload {
        None => Vec::new(),
        Some(Reload::Exec(words)) => vec![template::command_line(&program(words, around))],
        Some(Reload::Signal(signal)) => {
            // A kill(1) of its own is not on every system, that of the shell is.
            vec![format!("/bin/sh -c 'kill -s {} $$MAINPID'", signal.strip_prefix("SIG").unwrap_or(signal))]
        }
    }
}

fn restart(restart: Restart) -> &'static str {
    match restart {
        Restart::No => "no",
        Restart::OnSuccess => "on-success",
        Restart::OnFailure => "on-failure",
        Restart::OnAbnormal => "on-abnormal",
        Restart::OnWatchdog => "on-watchdog",
        Restart::OnAbort => "on-abort",
        Restart::Always => "always",
    }
}

/// systemd.time(7): `5s`, `500ms`.
fn seconds(milliseconds: u64) -> String {
    if milliseconds.is_multiple_of(1000) { format!("{}s", milliseconds / 1000) } else { format!("{milliseconds}ms") }
}

fn credentials(service: &Service) -> Vec<Value> {
    let one = |(name, secret): (&String, &crate::resolve::service::Secret)| {
        let variable = (!secret.in_environment).then(|| format!("{name}_FILE"));
        json!({ "name": name, "file": secret.file, "variable": variable })
    };
    service.secrets.iter().map(one).collect()
}

fn limits(service: &Service) -> Vec<Value> {
    let limits = &service.limits;
    let all = [
        ("LimitNOFILE", limits.open_files.map(|n| n.to_string())),
        ("TasksMax", limits.tasks.map(|n| n.to_string())),
        ("MemoryMax", limits.memory.clone()),
        ("CPUQuota", limits.cpu.clone()),
    ];
    all.into_iter().filter_map(|(key, value)| Some(pair((key, value?)))).collect()
}

/// Kinds of directories that systemd makes: key, the folder that they lie in, mode.
const KINDS: [(&str, &str, &str); 5] = [
    ("StateDirectory", "/var/lib/", "0750"),
    ("CacheDirectory", "/var/cache/", "0750"),
    ("LogsDirectory", "/var/log/", "0750"),
    ("RuntimeDirectory", "/run/", "0755"),
    ("ConfigurationDirectory", "/etc/", "0755"),
];

fn directories(service: &Service) -> Vec<Value> {
    let own = &service.directories;
    let lists = [&own.state, &own.cache, &own.logs, &own.runtime, &own.config];
    let mut all = Vec::new();
    for ((key, folder, mode), list) in KINDS.into_iter().zip(lists) {
        let inside = list.iter().filter_map(|path| path.strip_prefix(folder));
        all.extend(inside.map(|name| json!({ "key": key, "value": name, "mode": mode })));
    }
    all
}

/// What it writes where systemd makes no directory for it.
fn writes(service: &Service) -> Vec<&String> {
    let own = &service.directories;
    let lists = [&own.state, &own.cache, &own.logs, &own.runtime];
    let elsewhere = KINDS
        .into_iter()
        .zip(lists)
        .flat_map(|((_, folder, _), list)| list.iter().filter(move |path| !path.starts_with(folder)));
    elsewhere.chain(&service.write).collect()
}
