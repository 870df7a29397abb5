//! What the keys of a service come to in a systemd that runs: what no example and no other package of the tests uses.

use crate::daemons::{System, on_each, package_with};
use crate::systemd::wait;

const SERVICES: &str = r#"
[[service]]
name  = "notifies"
exec  = ["/bin/sh", "-c", '"$@" & wait', "sh", "/usr/bin/perl", "-MSocket", "-e", 'sleep 2; socket(S, AF_UNIX, SOCK_DGRAM, 0) or die; ($p = $ENV{NOTIFY_SOCKET}) =~ s/^@/\0/; send(S, "READY=1\nSTATUS=100% there", 0, sockaddr_un($p)) or die; sleep 1000']
ready = "notify"
notify-access = "all"

[[service]]
name          = "limited"
exec          = ["/bin/sh", "-c", "trap 'echo interrupted >/var/lib/pack/stopped; exit 0' INT; while :; do sleep 0.2; done"]
description   = "It's \"limited\" to 50%"
working-dir   = "/usr/share/pack"
env           = { SPACED = "a b  \"c\" $HOME 100% it's \\" }
groups        = ["adm"]
reload        = ["/bin/sh", "-c", "echo \"$USER $1\" >/var/lib/pack/reloaded", "sh", "it's 100% $HOME"]
on-upgrade    = "reload"
restart       = "always"
restart-delay = "100ms"
start-timeout = "7s"
stop-timeout  = "1m30s"
stop-signal   = "SIGINT"
after         = ["remote-fs.target"]
wants         = ["nss-lookup.target"]
requires      = ["sysinit.target"]
limits        = { open-files = 1234, tasks = 55, memory = "64M", cpu = "50%" }
hardening     = "basic"
drop-ins      = ["conf/more.conf"]
unit          = { Unit = { ConditionPathExists = "/usr" }, Service = { OOMScoreAdjust = "123" }, Install = { Alias = "other.service" } }

[[service]]
name  = "low"
exec  = ["/usr/bin/perl", "-MIO::Socket::INET", "-e", 'sleep 2; $s = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => 81, Listen => 5) or die $@; while ($c = $s->accept) { print $c "low\n"; close $c }']
ports = ["81"]
vm    = "jvm"
ready = { port = 81 }

[[service]]
name      = "open"
exec      = ["/bin/sleep", "1000"]
hardening = "off"

[[service]]
name   = "echo@"
exec   = ["/bin/cat"]
socket = { listen-stream = ["127.0.0.1:4196"], accept = true }
unit   = { Service = { StandardInput = "socket", StandardOutput = "socket" } }

[[service]]
name   = "letters"
exec   = ["/bin/sleep", "1000"]
socket = { listen-datagram = ["/run/letters.socket"], mode = "0622" }

[[service]]
name  = "later"
exec  = ["/bin/true"]
timer = { on-boot = "1h 30min", on-active = "2h", randomized-delay = "5min", persistent = true }
"#;

/// Properties that a unit must have.
fn shows(system: &System, unit: &str, expected: &[(&str, &str)]) {
    for (property, value) in expected {
        assert_eq!(system.machine.show(unit, property), *value, "{:?} {unit} {property}", system.installer);
    }
}

fn limited(system: &System) {
    const UNIT: &str = "limited.service";
    let machine = &system.machine;
    shows(
        system,
        UNIT,
        &[
            ("Description", "It's \"limited\" to 50%"),
            ("Restart", "always"),
            ("RestartUSec", "100ms"),
            ("TimeoutStartUSec", "7s"),
            ("TimeoutStopUSec", "1min 30s"),
            ("TasksMax", "55"),
            ("MemoryMax", "67108864"),
            ("CPUQuotaPerSecUSec", "500ms"),
            ("KillSignal", "2"),
            ("OOMScoreAdjust", "123"),
            ("NoNewPrivileges", "yes"),
            ("DropInPaths", "/usr/lib/systemd/system/limited.service.d/more.conf"),
        ],
    );
    for (property, unit) in [
        ("After", "remote-fs.target"),
        ("Wants", "nss-lookup.target"),
        ("Requires", "sysinit.target"),
        ("Names", "other.service"),
    ] {
        let found = machine.show(UNIT, property);
        assert!(found.split(' ').any(|name| name == unit), "{property}: {found}");
    }
    let pid = machine.show(UNIT, "MainPID");
    let facts = machine.sh(&format!(
        "readlink /proc/{pid}/cwd; grep -c '^Max open files *1234 ' /proc/{pid}/limits; grep '^Groups' /proc/{pid}/status | wc -w
        tr '\\0' '\\n' </proc/{pid}/environ | grep -e ^SPACED -e ^DROPPED | sort"
    ));
    let expected = "/usr/share/pack\n1\n3\nDROPPED=it's in\nSPACED=a b  \"c\" $HOME 100% it's \\";
    assert_eq!(facts, expected, "{:?}", system.installer);
    machine.ok(&["systemctl", "reload", UNIT]);
    assert_eq!(machine.sh("cat /var/lib/pack/reloaded"), "daemond it's 100% $HOME");
    machine.sh(&format!("kill -KILL {pid}"));
    wait("the restart", || match machine.show(UNIT, "NRestarts").as_str() {
        "1" if machine.show(UNIT, "ActiveState") == "active" => Ok(()),
        found => Err(found.to_owned()),
    });
    machine.ok(&["systemctl", "stop", UNIT]);
    assert_eq!(machine.sh("cat /var/lib/pack/stopped"), "interrupted");
    assert_eq!(machine.show(UNIT, "Result"), "success");
}

#[test]
fn every_key_of_a_service_means_what_it_says() {
    let body = SERVICES.replace("exec ", "user = \"daemond\"\nexec ");
    let built =
        package_with("pack", "1.0", &body, &[("conf/more.conf", "[Service]\nEnvironment=\"DROPPED=it's in\"\n")]);
    on_each(&[("1", &built)], |system| {
        let machine = &system.machine;
        system.ok(&["1"]);
        let units =
            machine.sh("cd /usr/lib/systemd/system; ls notifies* limited.service low* open* echo* letters* later*");
        let units: Vec<&str> = units.lines().collect();
        assert_eq!(units.len(), 10, "{units:?}");
        let verify = [&["systemd-analyze", "verify", "--man=no"], &units[..]].concat();
        assert_eq!(machine.run(&verify), (0, String::new()), "{:?}", system.installer);

        // It counted as started when it said so.
        let is = [("ActiveState", "active"), ("StatusText", "100% there"), ("Type", "notify")];
        shows(system, "notifies.service", &is);
        let of_vm = ["MemoryDenyWriteExecute=no", "ProcSubset=all", "SuccessExitStatus=143 TERM"]
            .map(|line| line.split_once('=').unwrap());
        shows(system, "low.service", &of_vm);
        shows(system, "notifies.service", &[("MemoryDenyWriteExecute", "yes"), ("NotifyAccess", "all")]);
        limited(system);
        // The installation has waited until it listened, where only root and who has the capability may.
        assert_eq!(machine.sh("head -n 1 </dev/tcp/127.0.0.1/81"), "low");
        let pid = machine.show("low.service", "MainPID");
        assert_eq!(machine.ok(&["stat", "-c", "%U", &format!("/proc/{pid}")]), "daemond");
        shows(system, "open.service", &[("ActiveState", "active"), ("ProtectSystem", "no"), ("NoNewPrivileges", "no")]);

        let heard = machine.sh("exec 3<>/dev/tcp/127.0.0.1/4196; echo hello >&3; head -n 1 <&3");
        assert_eq!(heard, "hello", "{:?}: {}", system.installer, machine.journal("echo@*"));
        assert_eq!(machine.show("echo.socket", "NAccepted"), "1");
        assert_eq!(machine.sh("stat -c '%a %F' /run/letters.socket"), "622 socket");
        machine.sh("perl -MSocket -e 'socket(S, AF_UNIX, SOCK_DGRAM, 0); send(S, 1, 0, sockaddr_un(\"/run/letters.socket\")) or die'");
        wait("the service behind the socket", || match machine.show("letters.service", "ActiveState").as_str() {
            "active" => Ok(()),
            found => Err(found.to_owned()),
        });
        shows(
            system,
            "later.timer",
            &[("Persistent", "yes"), ("RandomizedDelayUSec", "5min"), ("ActiveState", "active")],
        );
        let times = machine.show("later.timer", "TimersMonotonic");
        assert!(times.contains("OnBootUSec=1h 30min") && times.contains("OnUnitActiveUSec=2h"), "{times}");
    });
}
