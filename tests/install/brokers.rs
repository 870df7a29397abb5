//! Debian's RabbitMQ and ejabberd, packaged by fitout out of the trees of Debian's own packages: they answer as those do,
//! and live through an upgrade and a purge.
//!
//! Both are trees for Debian's Erlang, started by scripts of theirs: `preset = "plain"` and `vm = "beam"`.

use std::fs;
use std::path::{Path, PathBuf};

use crate::machine::Machine;
use crate::roots::{BROKERS, Root};
use crate::support::run;
use crate::systemd::wait;

/// A server in both packages.
struct Broker {
    /// Debian's package.
    debian: &'static str,
    /// The package made of its tree, its command and its unit.
    name: &'static str,
    user: &'static str,
    /// Program of Debian's that asks the running server, and the command that does so here.
    control: [&'static str; 2],
    version: &'static str,
    config: &'static str,
    /// Further files of the project.
    files: &'static [(&'static str, &'static str)],
    /// Line of a file that the second version has otherwise: file, old, new.
    change: [&'static str; 3],
    /// What tells the change: arguments, answers of the first and the second version.
    changed: (&'static [&'static str], [&'static str; 2]),
    /// What a client is told when it comes, as lines of text.
    greeting: &'static str,
    greets: &'static [&'static str],
    /// Most that `systemd-analyze security` may say.
    exposure: f64,
    /// Gives it state, and shows it.
    declare: &'static [&'static [&'static str]],
    shows: (&'static [&'static str], &'static str),
}

const RABBITMQ: Broker = Broker {
    debian: "rabbitmq-server",
    name: "broker",
    user: "broker",
    control: ["rabbitmqctl", "broker"],
    version: "3.10.8",
    config: r##"
[package]
name       = "broker"
version    = "3.10.8"
release    = "@RELEASE@"
summary    = "Passes messages between programs by AMQP"
maintainer = "Ops Team <ops@example.org>"
license    = "MPL-2.0"

[build]
preset = "plain"
input  = "tree/usr/lib/rabbitmq/lib/rabbitmq_server-3.10.8"

[[files]]
from  = "rabbitmq.conf"
to    = "/etc/broker/rabbitmq.conf"
role  = "config"
owner = "root:broker"
mode  = "0640"

[[service]]
exec          = ["/usr/lib/broker/sbin/rabbitmq-server"]
command       = "/usr/bin/broker"
ready         = "notify"
vm            = "beam"
ports         = ["5672"]
logs          = ["/var/log/broker"]
config        = ["/etc/broker"]
after         = ["epmd.socket"]        # Debian's
wants         = ["epmd.socket"]
limits        = { open-files = 65536 }
start-timeout = "10min"
stop-timeout  = "60s"

[service.env]
RABBITMQ_CONF_ENV_FILE        = "/etc/broker/env.conf"
RABBITMQ_CONFIG_FILE          = "/etc/broker/rabbitmq.conf"
RABBITMQ_ADVANCED_CONFIG_FILE = "/etc/broker/advanced.config"
RABBITMQ_ENABLED_PLUGINS_FILE = "/etc/broker/enabled_plugins"
RABBITMQ_MNESIA_BASE          = "/var/lib/broker/mnesia"
RABBITMQ_LOG_BASE             = "/var/log/broker"

[service.hooks]
pre-start = [{ text = "[ -e .erlang.cookie ] || (umask 277 && openssl rand -hex 32 >.erlang.cookie)" }]

[service.commands]
ctl         = { about = "rabbitmqctl", exec = ["/usr/lib/broker/sbin/rabbitmqctl"] }
diagnostics = { about = "rabbitmq-diagnostics", exec = ["/usr/lib/broker/sbin/rabbitmq-diagnostics"] }

[format.deb]
distribution = "debian-12"
conflicts    = ["rabbitmq-server"]
depends      = [
  "erlang-base (>= 1:24.0)", "erlang-crypto", "erlang-eldap", "erlang-inets", "erlang-mnesia", "erlang-os-mon",
  "erlang-parsetools", "erlang-public-key", "erlang-runtime-tools", "erlang-ssl", "erlang-syntax-tools", "erlang-tools",
  "erlang-xmerl", "openssl",
]
"##,
    files: &[(
        "rabbitmq.conf",
        "# Read at each start: https://www.rabbitmq.com/configure.html\nlog.console = true\nlog.file = false\nheartbeat = 60\n",
    )],
    change: ["rabbitmq.conf", "heartbeat = 60", "heartbeat = 30"],
    changed: (&["eval", "application:get_env(rabbit, heartbeat)."], ["{ok,60}", "{ok,30}"]),
    greeting: r"exec 3<>/dev/tcp/127.0.0.1/5672; printf 'AMQP\0\0\11\1' >&3; timeout 2 cat <&3 | tr -c '[:print:]' '\n' | grep '....' | sed 's/^AMQPLAIN PLAIN$/PLAIN AMQPLAIN/'",
    greets: &["RabbitMQ", "3.10.8", "Erlang/OTP 25.2.3", "publisher_confirmst"],
    exposure: 1.5,
    declare: &[
        &["add_user", "ops", "secret"],
        &[
            "eval",
            "rabbit_amqqueue:declare(rabbit_misc:r(<<\"/\">>, queue, <<\"orders\">>), true, false, [], none, <<\"ops\">>), \
             rabbit_basic:publish(rabbit_misc:r(<<\"/\">>, exchange, <<>>), <<\"orders\">>, [{delivery_mode, 2}], <<\"one\">>).",
        ],
    ],
    shows: (
        &[
            "eval",
            "{rabbit_amqqueue:info_all(<<\"/\">>, [messages, durable]), lists:sort([maps:get(user, maps:from_list(U)) || U <- rabbit_auth_backend_internal:list_users()])}.",
        ],
        "{[[{messages,1},{durable,true}]],[<<\"guest\">>,<<\"ops\">>]}",
    ),
};

const EJABBERD: Broker = Broker {
    debian: "ejabberd",
    name: "chat",
    user: "ejabberd",
    control: ["ejabberdctl", "chat"],
    version: "23.01",
    config: r##"
[package]
name       = "chat"
version    = "23.01"
release    = "@RELEASE@"
summary    = "Carries messages between people by XMPP"
maintainer = "Ops Team <ops@example.org>"
license    = "GPL-2.0-or-later"

[build]
preset = "plain"

# ejabberdctl looks for it in there.
[[files]]
from = "tree/usr/lib/@TRIPLET@"
to   = "/usr/lib/@TRIPLET@"

[[files]]
from = "tree/usr/share/ejabberd"
to   = "/usr/share/ejabberd"

[[files]]
from = "tree/usr/sbin/ejabberdctl"
to   = "/usr/lib/chat/ejabberdctl"

[[files]]
from  = "ejabberd.yml"
to    = "/etc/chat/ejabberd.yml"
role  = "config"
owner = "root:ejabberd"
mode  = "0640"

[[files]]
from = "ejabberdctl.cfg"
to   = "/etc/chat/ejabberdctl.cfg"
role = "config"

[[files]]
from = "tree/etc/ejabberd/inetrc"
to   = "/etc/chat/inetrc"
role = "config"

[[service]]
user          = "ejabberd"             # ejabberdctl insists on it
exec          = ["/usr/lib/chat/ejabberdctl", "foreground"]
reload        = ["/usr/lib/chat/ejabberdctl", "reload_config"]
command       = "/usr/bin/chat"
ready         = "notify"
notify-access = "all"                  # the BEAM is a child of ejabberdctl
vm            = "beam"
ports         = ["5222", "5269"]
logs          = ["/var/log/chat"]
config        = ["/etc/chat"]
limits        = { open-files = 65536 }
stop-timeout  = "60s"

[service.env]
CONFIG_DIR = "/etc/chat"
LOGS_DIR   = "/var/log/chat"

[service.hooks]
pre-start = [{ file = "certificate.sh" }]
pre-stop  = [{ text = "/usr/lib/chat/ejabberdctl stop && /usr/lib/chat/ejabberdctl stopped" }]

[service.commands]
ctl = { about = "ejabberdctl", exec = ["/usr/lib/chat/ejabberdctl"] }

[format.deb]
distribution = "debian-12"
conflicts    = ["ejabberd"]
depends      = [
  "erlang-base (>= 1:25.2.2)", "erlang-asn1", "erlang-crypto", "erlang-inets", "erlang-mnesia", "erlang-odbc", "erlang-os-mon",
  "erlang-public-key", "erlang-ssl", "erlang-syntax-tools", "erlang-xmerl", "erlang-base64url", "erlang-goldrush", "erlang-idna",
  "erlang-jiffy", "erlang-jose", "erlang-lager", "erlang-p1-acme", "erlang-p1-cache-tab", "erlang-p1-eimp", "erlang-p1-mqtree",
  "erlang-p1-pkix", "erlang-p1-stringprep", "erlang-p1-stun", "erlang-p1-tls", "erlang-p1-utils", "erlang-p1-xml",
  "erlang-p1-xmpp", "erlang-p1-yaml", "erlang-p1-yconf", "erlang-p1-zlib", "erlang-unicode-util-compat", "openssl",
]
"##,
    files: &[
        ("ejabberdctl.cfg", "SPOOL_DIR=/var/lib/chat\nERL_DIST_PORT=5210\nINET_DIST_INTERFACE=127.0.0.1\n"),
        (
            "certificate.sh",
            "#!/bin/sh\n# A certificate for the first start.\nset -eu\n[ ! -e chat.pem ] || exit 0\numask 077\n\
             openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=localhost -keyout key.pem -out cert.pem\n\
             cat key.pem cert.pem >chat.pem\nrm key.pem cert.pem\n",
        ),
    ],
    change: ["ejabberd.yml", "loglevel: info", "loglevel: warning"],
    changed: (&["get_loglevel"], ["info", "warning"]),
    greeting: r#"exec 3<>/dev/tcp/127.0.0.1/5222; printf '%s' "<?xml version='1.0'?><stream:stream to='localhost' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>" >&3; timeout 2 cat <&3 | sed "s/ id='[0-9]*'//""#,
    greets: &["from='localhost' xmlns='jabber:client'", "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'>"],
    exposure: 1.5,
    declare: &[&["register", "anna", "localhost", "secret"]],
    shows: (&["registered_users", "localhost"], "anna"),
};

impl Broker {
    fn unit(&self) -> String {
        format!("{}.service", self.name)
    }

    /// Packages the tree twice: the second is the newer packaging, with one line of a config file changed.
    fn build(&self, deb: &Path) -> [(tempfile::TempDir, PathBuf); 2] {
        ["1", "2"].map(|release| {
            let folder = tempfile::tempdir().unwrap();
            let tree = folder.path().join("tree");
            crate::support::tool("dpkg-deb", &["-x", deb.to_str().unwrap(), tree.to_str().unwrap()]).unwrap();
            let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
            let triplet = format!("{}-linux-gnu", std::env::consts::ARCH);
            write("fitout.toml", &self.config.replace("@RELEASE@", release).replace("@TRIPLET@", &triplet));
            for (name, text) in self.files {
                write(name, text);
            }
            if let Ok(example) = fs::read_to_string(tree.join("usr/share/ejabberd/ejabberd.yml.example")) {
                write("ejabberd.yml", &example.replace("/etc/ejabberd/ejabberd.pem", "/var/lib/chat/chat.pem"));
            }
            let [file, old, new] = self.change;
            let text = fs::read_to_string(folder.path().join(file)).unwrap();
            assert!(text.contains(old), "{file} without {old}");
            if release == "2" {
                write(file, &text.replace(old, new));
            }
            let (code, _, stderr) = run(folder.path(), &["build", "--format", "deb"]);
            assert_eq!(code, 0, "{}: {stderr}", self.name);
            let made = folder.path().join(format!("dist/{}_{}-{release}_all.deb", self.name, self.version));
            (folder, made)
        })
    }

    /// What it tells a client.
    fn greeting(&self, machine: &Machine) -> String {
        wait(&format!("{} greets", self.debian), || match machine.run(&["bash", "-c", self.greeting]) {
            (_, said) if said.contains(self.greets[0]) => Ok(said),
            (_, said) => Err(said),
        })
    }

    /// What its own status command tells, without what differs from run to run.
    fn status(&self, machine: &Machine, command: &[&str]) -> String {
        let said = machine.ok(&[command, &["status"]].concat());
        let same = |line: &&str| {
            ["RabbitMQ ", "Node name", "Erlang conf", "Crypto ", "ejabberd ", "The node"]
                .iter()
                .any(|start| line.starts_with(start))
        };
        said.lines().filter(same).collect::<Vec<_>>().join("\n")
    }

    /// Asks the server that fitout packaged by its own program, as root.
    fn control(&self, machine: &Machine, words: &[&str]) -> String {
        machine.ok(&[&[self.control[1], "ctl"], words].concat())
    }

    fn life(&self, machine: &Machine, debian: &[String; 2], debs: &[(tempfile::TempDir, PathBuf); 2]) {
        let unit = &self.unit();
        let [first, second] = ["1", "2"].map(|release| format!("/{}-{release}.deb", self.name));
        fs::copy(&debs[0].1, machine.root.at(&first)).unwrap();
        fs::copy(&debs[1].1, machine.root.at(&second)).unwrap();
        machine.ok(&["apt-get", "-y", "-q", "install", &first]);
        assert_eq!(machine.show(unit, "ActiveState"), "active", "{}", machine.journal(unit));
        assert_eq!(self.greeting(machine), debian[0]);
        assert_eq!(self.status(machine, &[self.control[1], "ctl"]), debian[1]);
        let (question, [before, after]) = self.changed;
        assert_eq!(self.control(machine, question), before);

        // All of it runs as its user, none of it writes elsewhere.
        let processes = format!("/sys/fs/cgroup$(systemctl show --value --property=ControlGroup {unit})/cgroup.procs");
        let users = machine.sh(&format!("for p in $(cat {processes}); do stat -c %U /proc/$p; done | sort -u"));
        assert_eq!(users, self.user);
        assert_eq!(machine.run(&["systemd-analyze", "verify", "--man=no", unit]), (0, String::new()));
        let security = machine.ok(&["systemd-analyze", "security", "--no-pager", unit]);
        let exposure = security
            .lines()
            .find_map(|line| line.split_once("exposure level for")?.1.split_whitespace().nth(1)?.parse::<f64>().ok());
        assert!(exposure.unwrap() <= self.exposure, "{}: {exposure:?}", self.name);
        let cookie = format!("/var/lib/{}/.erlang.cookie", self.name);
        assert_eq!(machine.ok(&["stat", "-c", "%U %a", &cookie]), format!("{} 400", self.user));

        for words in self.declare {
            self.control(machine, words);
        }
        let (question, state) = self.shows;
        assert_eq!(self.control(machine, question), state);
        let invocation = machine.show(unit, "InvocationID");
        machine.ok(&["apt-get", "-y", "-q", "install", &second]);
        assert_ne!(machine.show(unit, "InvocationID"), invocation);
        assert_eq!(machine.show(unit, "NRestarts"), "0");
        assert_eq!(self.greeting(machine), debian[0]);
        assert_eq!(self.control(machine, self.changed.0), after);
        assert_eq!(self.control(machine, question), state);

        // It ends by itself, before the time is up.
        machine.ok(&["systemctl", "stop", unit]);
        let facts = ["ActiveState", "Result", "ExecMainStatus"].map(|property| machine.show(unit, property));
        assert_eq!(facts, ["inactive", "success", "0"], "{}", machine.journal(unit));
        let journal = machine.journal(unit);
        for line in journal.lines() {
            // With the BEAM its port programs go, a moment later; by `mixed` systemd does not wait for them.
            let of_a_port = line.contains("Killing process") && !line.contains("beam.smp");
            let bad = ["timed out", "Killing", "SIGKILL", "port_died", "Failed with result"];
            assert!(of_a_port || !bad.iter().any(|bad| line.contains(bad)), "{line}");
        }
        machine.ok(&["systemctl", "start", unit]);
        assert_eq!(self.control(machine, question), state);

        machine.ok(&["apt-get", "-y", "-q", "purge", self.name]);
        for folder in ["/etc", "/var/lib", "/var/log", "/usr/lib"] {
            assert!(!machine.root.has(&format!("{folder}/{}", self.name)), "{folder}/{} is there", self.name);
        }
        assert_ne!(machine.run(&["systemctl", "cat", unit]).0, 0);
        let users = machine.sh("for p in /proc/[0-9]*; do stat -c %U $p 2>/dev/null || :; done");
        assert!(!users.lines().any(|user| user == self.user), "{users}");
    }
}

/// A system where the name of the host, and so of a node, is the same each time; none where that cannot be done.
fn boot() -> Option<Machine> {
    let root = Root::of(&BROKERS)?;
    root.write("/etc/hostname", "node\n", 0o644);
    root.write("/etc/hosts", "127.0.0.1 localhost node\n", 0o644);
    Machine::boot(root)
}

fn check(broker: &Broker) {
    let Some(machine) = boot() else { return };
    let debs = machine.root.at("/var/cache/fitout");
    let mut debs = fs::read_dir(debs).unwrap().map(|entry| entry.unwrap().path());
    let deb = debs.find(|path| path.file_name().unwrap().to_str().unwrap().starts_with(broker.debian)).unwrap();
    let within = format!("/var/cache/fitout/{}", deb.file_name().unwrap().to_str().unwrap());
    let built = broker.build(&deb);
    machine.ok(&["apt-get", "-y", "-q", "install", &within]);
    let debian = [broker.greeting(&machine), broker.status(&machine, &[broker.control[0]])];
    for expected in broker.greets {
        assert!(debian[0].contains(expected), "{expected}: {}", debian[0]);
    }
    assert!(debian[1].contains(broker.version), "{}", debian[1]);
    drop(machine);
    broker.life(&boot().unwrap(), &debian, &built);
}

#[test]
fn rabbitmq_answers_as_debian_s_own_does() {
    check(&RABBITMQ);
}

#[test]
fn ejabberd_answers_as_debian_s_own_does() {
    check(&EJABBERD);
}
