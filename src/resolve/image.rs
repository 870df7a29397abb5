//! `[format.oci]` -> [`Image`]: every value checked, in words of the OCI image configuration.

use std::collections::BTreeMap;

use crate::config::schema::{self, At, Oci, Text, Texts};
use crate::diagnostic::{Diagnostic, Origin, codes};
use crate::resolve::identity::Fact;
use crate::resolve::packaging::{Base, HealthCheck, Image};
use crate::store::registry::ImageName;

use super::account::{Account, id_of};
use super::compression;
use super::duration;
use super::facts::host_path;
use super::ground::{Ground, not_found};
use super::preset::Preset;
use super::service::{Ready, Service};
use crate::config::suggest;

/// What an image takes from the rest of the package where `[format.oci]` is silent.
#[derive(Clone, Copy)]
pub(crate) struct Given<'a> {
    /// Package name.
    pub name: Option<&'a str>,
    /// Where code goes.
    pub prefix: Option<&'a str>,
    /// What the package is.
    pub preset: Option<&'a Preset>,
    /// What it runs.
    pub services: &'a [Service],
    /// As whom.
    pub accounts: &'a [Account],
}

/// The settings: of the config, else of the service that the image is for, else of the preset.
pub(crate) fn read(ground: &Ground, oci: &Oci, given: Given) -> Option<Image> {
    let name = given.name;
    let service = main_service(given);
    let compression = compression::read(ground, oci.compression.as_ref(), compression::OCI, "oci");
    let base = base(ground, oci.base.as_ref());
    let user = match &oci.user {
        Some(text) => user(ground, text).map(Some),
        None => Some(user_of(service, given.accounts)),
    };
    let ports = all(oci.ports.iter().map(|text| port(ground, text)));
    let volumes = all(oci.volumes.iter().map(|text| path(ground, text)));
    let working_dir = oci.working_dir.as_ref().map(|text| path(ground, text));
    let default_signal = service.map_or("SIGTERM", |service| service.stop_signal.as_str());
    let stop_signal = oci.stop_signal.as_ref().map_or(Some(default_signal.to_owned()), |text| signal(ground, text));
    let health_check = oci.health_check.as_ref().map(|check| health(ground, check));
    let env = environment(ground, &oci.env);
    let started = started(given, service);
    let (entrypoint, cmd) = match (&oci.entrypoint, &oci.cmd, started) {
        (None, None, Some((entrypoint, cmd))) => (Some(entrypoint), Some(cmd).filter(|cmd| !cmd.is_empty())),
        (None, Some(cmd), Some((entrypoint, _))) => (Some(entrypoint), Some(words(cmd))),
        (entrypoint, cmd, _) => (entrypoint.as_ref().map(words), cmd.as_ref().map(words)),
    };
    let repository = match &oci.repository {
        Some(text) => ground.fact(text),
        None => Fact { value: format!("localhost/{}", name?.to_lowercase()), origin: Origin::Default },
    };
    let of_service = environment_of(given, service);
    let health_check = health_check.or_else(|| service.and_then(|service| well(service, base.as_ref())).map(Some));
    let ports_of_service = service.into_iter().flat_map(|service| &service.ports);
    let ports_of_service = ports_of_service.map(|port| Some(of(service, format!("{}/{}", port.number, port.protocol))));
    let working_dir = working_dir.or_else(|| service.map(|known| Some(of(service, known.working_dir.clone()))));
    Some(Image {
        compression: compression?,
        base: base?,
        // Its layers are content, which is named when the plan is made.
        repository,
        tag: oci.tag.as_ref().map(|text| ground.fact(text)),
        user: user?,
        entrypoint,
        cmd,
        env: of_service.into_iter().chain(env?).collect(),
        ports: all(ports_of_service.chain(ports?.into_iter().map(Some)))?,
        volumes: volumes?,
        working_dir: working_dir.map_or(Some(None), |dir| dir.map(Some))?,
        stop_signal: stop_signal?,
        health_check: health_check.map_or(Some(None), |check| check.map(Some))?,
        labels: facts(ground, &oci.labels),
        annotations: facts(ground, &oci.annotations),
    })
}

/// The service that an image is for: the only one, or the one with the package's name.
fn main_service(given: Given<'_>) -> Option<&Service> {
    match given.services {
        [one] => Some(one),
        all => all.iter().find(|service| given.name == Some(service.name.as_str())),
    }
}

/// Program and arguments of the image.
fn started(given: Given, service: Option<&Service>) -> Option<(Vec<String>, Vec<String>)> {
    let mut words = match service {
        Some(service) if service.is_prepared() => vec![service.launcher.clone(), "foreground".to_owned()],
        Some(service) => service.exec.clone(),
        None => given.preset?.runs(given.prefix?, given.name?, "/", "/tmp").exec,
    };
    let arguments = words.split_off(words.len().min(1));
    (!words.is_empty()).then_some((words, arguments))
}

/// Variables of the service; what its preset writes goes to `/tmp`, the one place that may be written in a container with a
/// read-only root.
fn environment_of(given: Given, main: Option<&Service>) -> BTreeMap<String, Fact<String>> {
    let Some(service) = main else { return BTreeMap::new() };
    let runs =
        given.preset.zip(given.prefix).map(|(preset, prefix)| preset.runs(prefix, &service.name, "/tmp", "/tmp"));
    let all = runs.map(|runs| runs.env).unwrap_or_default().into_iter().chain(service.typed_env.clone());
    all.map(|(name, value)| (name, of(main, value))).collect()
}

/// A service that is ready when it listens is well while it does. The launcher looks, which takes a shell: there is none
/// in an image that stands on nothing.
fn well(service: &Service, base: Option<&Fact<Base>>) -> Option<HealthCheck> {
    let listens = matches!(service.ready, Ready::Port(_));
    let shell = base.is_some_and(|base| base.value != Base::Scratch);
    (listens && shell).then(|| HealthCheck {
        command: vec![service.launcher.clone(), "ping".to_owned()],
        interval_ns: 30_000_000_000,
        timeout_ns: 5_000_000_000,
        start_period_ns: service.start_timeout.saturating_mul(1_000_000),
        retries: 3,
    })
}

/// A fact that a service gives.
fn of(service: Option<&Service>, value: String) -> Fact<String> {
    Fact { value, origin: service.map_or(Origin::Default, |service| service.origin.clone()) }
}

/// `uid:gid` of the service's account; none where there is no service or it runs as root.
fn user_of(main: Option<&Service>, accounts: &[Account]) -> Option<Fact<String>> {
    let service = main.filter(|service| service.user != "root")?;
    let account = accounts.iter().find(|account| account.name == service.user);
    let uid = account.map_or_else(|| id_of(&service.user), Account::fixed_uid);
    let gid = account.filter(|account| account.group == service.group);
    let gid = gid.map_or_else(|| id_of(&service.group), Account::fixed_gid);
    Some(of(main, format!("{uid}:{gid}")))
}

/// All of them, after each had its say: sorted, each once.
fn all(values: impl Iterator<Item = Option<Fact<String>>>) -> Option<Vec<Fact<String>>> {
    let values: Vec<Option<Fact<String>>> = values.collect();
    let mut values = values.into_iter().collect::<Option<Vec<_>>>()?;
    values.sort_by(|a, b| a.value.cmp(&b.value));
    values.dedup_by(|later, first| later.value == first.value);
    Some(values)
}

fn words(texts: &Texts) -> Vec<String> {
    texts.iter().map(|text| text.value.clone()).collect()
}

fn facts(ground: &Ground, texts: &BTreeMap<String, Text>) -> BTreeMap<String, Fact<String>> {
    texts.iter().map(|(name, text)| (name.clone(), ground.fact(text))).collect()
}

pub(super) fn invalid<T>(ground: &Ground, text: &Text, what: &str, help: &str) -> Option<T> {
    ground.refuse(codes::CONFIG_INVALID_VALUE, text, format!("`{}` is no {what}", text.escape_debug()), help);
    None
}

/// `scratch`, `oci:FOLDER[:REF]`, `oci-archive:FILE[:REF]`, the name of an image
fn base(ground: &Ground, text: Option<&Text>) -> Option<Fact<Base>> {
    let Some(text) = text else { return Some(Fact { value: Base::Scratch, origin: Origin::Default }) };
    let origin = ground.origin(text);
    if text.value == "scratch" {
        return Some(Fact { value: Base::Scratch, origin });
    }
    let (place, is_archive) = match (text.strip_prefix("oci:"), text.strip_prefix("oci-archive:")) {
        (Some(place), _) => (place, false),
        (None, Some(place)) => (place, true),
        (None, None) => {
            let Some(image) = ImageName::parse(text) else {
                let help =
                    "write `scratch`, `oci:FOLDER`, `oci-archive:FILE`, or an image such as `debian:bookworm-slim`";
                return invalid(ground, text, "base image", help);
            };
            return Some(Fact { value: Base::Image(image), origin });
        }
    };
    let (path, reference) = match place.split_once(':') {
        Some((path, reference)) => (path, Some(reference.to_owned()).filter(|r| !r.is_empty())),
        None => (place, None),
    };
    let full = ground.path(path);
    let there = if is_archive { full.is_file() } else { full.join("index.json").is_file() };
    if path.is_empty() || !full.exists() {
        ground.report(not_found(&full, path).at(&ground.span(&text.range), ""));
        return None;
    }
    if !there {
        let help = "`oci:` takes a folder with an index.json, `oci-archive:` a tar of such a folder";
        return invalid(ground, text, "image layout", help);
    }
    let value = if is_archive { Base::Archive(full, reference) } else { Base::Layout(full, reference) };
    Some(Fact { value, origin })
}

/// `uid[:gid]`: names would need the accounts of the base.
fn user(ground: &Ground, text: &Text) -> Option<Fact<String>> {
    let good = !text.is_empty()
        && text.split(':').count() <= 2
        && text.split(':').all(|id| id.bytes().all(|b| b.is_ascii_digit()) && id.parse::<u32>().is_ok());
    if !good {
        return invalid(ground, text, "user of an image", "give numbers: `10001` or `10001:10001`");
    }
    let value = if text.contains(':') { text.value.clone() } else { format!("{0}:{0}", text.value) };
    Some(Fact { value, origin: ground.origin(text) })
}

/// `80` -> `80/tcp`
pub(super) fn port(ground: &Ground, text: &Text) -> Option<Fact<String>> {
    let (number, protocol) = text.split_once('/').unwrap_or((&text.value, "tcp"));
    let is_number = number.bytes().all(|b| b.is_ascii_digit()) && number.parse::<u16>().is_ok_and(|port| port > 0);
    if !is_number || !matches!(protocol, "tcp" | "udp" | "sctp") {
        return invalid(ground, text, "port", "give a number from 1 to 65535, or with a protocol: `53/udp`");
    }
    Some(Fact { value: format!("{number}/{protocol}"), origin: ground.origin(text) })
}

fn path(ground: &Ground, text: &Text) -> Option<Fact<String>> {
    if text.value != "/" {
        ground.ok(host_path(text, &ground.span(&text.range)))?;
    }
    Some(ground.fact(text))
}

pub(super) fn signal(ground: &Ground, text: &Text) -> Option<String> {
    if is_signal(text) {
        return Some(text.value.clone());
    }
    let help = suggest::nearest(text, SIGNALS.iter().copied())
        .or_else(|| suggest::nearest(&format!("SIG{}", text.value), SIGNALS.iter().copied()))
        .map_or_else(
            || "write it as `SIGTERM`, `SIGRTMIN+3` or `15`".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
    invalid(ground, text, "signal", &help)
}

/// signal(7), Linux.
const SIGNALS: &[&str] = &[
    "SIGABRT",
    "SIGALRM",
    "SIGBUS",
    "SIGCHLD",
    "SIGCONT",
    "SIGFPE",
    "SIGHUP",
    "SIGILL",
    "SIGINT",
    "SIGIO",
    "SIGIOT",
    "SIGKILL",
    "SIGPIPE",
    "SIGPOLL",
    "SIGPROF",
    "SIGPWR",
    "SIGQUIT",
    "SIGSEGV",
    "SIGSTKFLT",
    "SIGSTOP",
    "SIGSYS",
    "SIGTERM",
    "SIGTRAP",
    "SIGTSTP",
    "SIGTTIN",
    "SIGTTOU",
    "SIGURG",
    "SIGUSR1",
    "SIGUSR2",
    "SIGVTALRM",
    "SIGWINCH",
    "SIGXCPU",
    "SIGXFSZ",
];

/// A name, a real-time signal as engines count it (`SIGRTMIN+3`, `SIGRTMAX-14`: 34 to 64), or a number.
fn is_signal(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && !text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit());
    let up_to = |text: &str, most: u8| digits(text) && text.parse::<u8>().is_ok_and(|number| number <= most);
    let real_time = |base: &str, sign: char, most: u8| {
        let offset = text.strip_prefix(base);
        offset.is_some_and(|rest| rest.is_empty() || rest.strip_prefix(sign).is_some_and(|n| up_to(n, most)))
    };
    SIGNALS.contains(&text) || real_time("SIGRTMIN", '+', 15) || real_time("SIGRTMAX", '-', 14) || up_to(text, 64)
}

pub(super) fn environment(ground: &Ground, env: &BTreeMap<String, Text>) -> Option<BTreeMap<String, Fact<String>>> {
    let mut good = true;
    for (name, value) in env {
        if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
            good = false;
            let finding = Diagnostic::error(
                codes::CONFIG_INVALID_VALUE,
                format!("`{}` is no name of a variable", name.escape_debug()),
            );
            ground.report(finding.at(&ground.span(&value.range), "").help("write it as `NAME = \"value\"`"));
        }
    }
    good.then(|| facts(ground, env))
}

fn health(ground: &Ground, check: &At<schema::HealthCheck>) -> Option<HealthCheck> {
    let time = |text: &Option<Text>| match text {
        None => Some(0),
        Some(text) => duration::nanoseconds(text).or_else(|| invalid(ground, text, "duration", duration::HELP)),
    };
    let times = (time(&check.interval), time(&check.timeout), time(&check.start_period));
    if check.command.is_empty() {
        let help = "give it in exec form: `command = [\"/usr/bin/NAME\", \"ping\"]`";
        ground.refuse(codes::CONFIG_INVALID_VALUE, check, "the health check has no command", help);
        return None;
    }
    Some(HealthCheck {
        command: words(&check.command),
        interval_ns: times.0?,
        timeout_ns: times.1?,
        start_period_ns: times.2?,
        retries: check.retries.unwrap_or(0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals() {
        for good in ["SIGTERM", "SIGRTMIN", "SIGRTMIN+3", "SIGRTMAX-14", "1", "15", "64"] {
            assert!(is_signal(good), "{good}");
        }
        for bad in ["", "TERM", "SIG", "SIGFOO", "sigterm", "SIGRTMIN+16", "SIGRTMIN-1", "SIGRTMAX-15", "0", "65", "+9"]
        {
            assert!(!is_signal(bad), "{bad}");
        }
    }
}
