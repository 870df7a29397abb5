//! Services and accounts: what is filled in, what follows for images.

use super::*;
use crate::resolve::service::{Hardening, Moment, OnUpgrade, Ready, Service};

const FILES: &str = "[[files]]\ntext = \"x\"\nto = \"/usr/lib/hello/x\"\n";

fn release(text: &str) -> Release {
    let dir = tempfile::tempdir().unwrap();
    let text = format!("[package]\n{WHO}{FILES}{text}");
    let mut releases = resolved(dir.path(), &text, |_| ()).unwrap_or_else(|findings| panic!("{findings:#?}"));
    releases.remove(0)
}

fn service(text: &str) -> Service {
    release(&format!("[[service]]\nexec = [\"/usr/lib/hello/x\"]\n{text}")).services.remove(0)
}

#[test]
fn what_is_not_set_is_filled_by_convention() {
    let release = release("[[service]]\nexec = [\"/usr/lib/hello/x\"]\n");
    let [service] = &release.services[..] else { panic!("one service") };
    assert_eq!((service.name.as_str(), service.user.as_str(), service.group.as_str()), ("hello", "hello", "hello"));
    assert_eq!(service.directories.state, ["/var/lib/hello"]);
    assert_eq!(service.working_dir, "/var/lib/hello");
    assert_eq!(service.launcher, "/usr/lib/hello/launcher/hello");
    assert!(service.enable && service.start && !service.is_prepared());
    assert_eq!((service.on_upgrade, service.hardening), (OnUpgrade::Restart, Hardening::Strict));
    assert_eq!(service.started_by(), ["/usr/lib/hello/x"]);
    let [account] = &release.accounts[..] else { panic!("one account") };
    assert_eq!((account.name.as_str(), account.home.as_str()), ("hello", "/var/lib/hello"));
    assert_eq!((account.shell.as_str(), account.uid), ("/usr/sbin/nologin", None));
}

#[test]
fn an_image_takes_what_its_service_says() {
    let release = release(
        "[[service]]\nexec = [\"/usr/lib/hello/x\", \"serve\"]\nports = [\"8080\", \"53/udp\"]\nstop-signal = \"SIGINT\"\nenv = { A = \"1\" }\n[format.oci]\nenv = { B = \"2\" }\n",
    );
    let image = &release.image;
    assert_eq!(image.entrypoint.as_deref(), Some(&["/usr/lib/hello/x".to_owned()][..]));
    assert_eq!(image.cmd.as_deref(), Some(&["serve".to_owned()][..]));
    let id = account::id_of("hello");
    assert_eq!(image.user.as_ref().unwrap().value, format!("{id}:{id}"));
    assert_eq!(image.ports.iter().map(|port| port.value.as_str()).collect::<Vec<_>>(), ["53/udp", "8080/tcp"]);
    assert_eq!(
        image.env.iter().map(|(name, v)| (name.as_str(), v.value.as_str())).collect::<Vec<_>>(),
        [("A", "1"), ("B", "2")]
    );
    assert_eq!((image.stop_signal.as_str(), image.health_check.is_none()), ("SIGINT", true));
    assert_eq!(image.working_dir.as_ref().unwrap().value, "/var/lib/hello");
}

#[test]
fn a_fixed_number_of_an_account_is_that_of_the_image() {
    let release = release(
        "[[account]]\nname = \"hello\"\nuid = 777\ngid = 778\n[[service]]\nexec = [\"/usr/lib/hello/x\"]\nuser = \"hello\"\n",
    );
    assert_eq!(release.image.user.as_ref().unwrap().value, "777:778");
    assert_eq!(release.accounts[0].home, "/var/lib/hello", "the home is the state of its service");
}

#[test]
fn root_needs_no_account() {
    let release = release("[[service]]\nexec = [\"/usr/lib/hello/x\"]\nuser = \"root\"\n");
    assert!(release.accounts.is_empty() && release.image.user.is_none());
}

#[test]
fn what_must_be_made_ready_is_started_by_the_launcher() {
    let secret = service("secrets = { KEY = { file = \"/etc/hello/key\", as = \"env\" } }\n");
    assert_eq!(secret.started_by(), ["/usr/lib/hello/launcher/hello", "run"]);
    assert!(!service("secrets = { KEY = { file = \"/etc/hello/key\" } }\n").is_prepared());
    assert!(service("configure = [{ from = \"/etc/hello/a\", to = \"/var/lib/hello/a\" }]\n").is_prepared());
    assert!(service("hooks = { pre-configure = [{ text = \"true\" }] }\n").is_prepared());
    assert!(!service("hooks = { pre-start = [{ text = \"true\" }] }\n").is_prepared());
}

#[test]
fn scripts_of_the_user_become_whole_programs() {
    let service = service("hooks = { pre-start = [{ text = \"touch x\" }, { text = \"#!/bin/bash\\nset -e\" }] }\n");
    let texts: Vec<&str> = service.hooks[&Moment::PreStart].iter().map(|script| script.text.as_str()).collect();
    assert_eq!(texts, ["#!/bin/sh\nset -eu\ntouch x\n", "#!/bin/bash\nset -e\n"]);
}

#[test]
fn times_ports_and_units_are_read() {
    let timed = service("ready = { port = 8080 }\nstop-timeout = \"1m30s\"\nrestart-delay = \"500ms\"\n");
    assert_eq!((timed.ready, timed.stop_timeout, timed.restart_delay), (Ready::Port(8080), 90_000, 500));
    assert_eq!(service("ready = \"notify\"\n").ready, Ready::Notify);
    assert_eq!(service("").entry_unit(), "hello.service");
    assert_eq!(service("timer = { on-calendar = [\"daily\"] }\n").entry_unit(), "hello.timer");
    assert_eq!(service("socket = { listen-stream = [\"80\"] }\n").entry_unit(), "hello.socket");
    let template = service("name = \"hello@\"\n");
    assert!(template.is_template());
    assert_eq!(template.launcher, "/usr/lib/hello/launcher/hello");
}
