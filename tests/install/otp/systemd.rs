//! Two Erlang nodes on one host with systemd as process 1.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use super::made::{Kind, Project};
use super::{rounds, typed, watched};
use crate::machine::Machine;
use crate::roots::{BOOKWORM, Root};
use crate::systemd::answer;

pub const ENV: &str =
    "[[files]]\nfrom = \"env\"\nto = \"/etc/NAME/env\"\nrole = \"config\"\nowner = \"root:NAME\"\nmode = \"0640\"\n";

/// A package with an environment file, and what keeps it.
fn package(kind: Kind, second: bool, service: &str, environment: &str) -> Option<(Project, PathBuf)> {
    let mut project = Project::new(kind, second, service)?;
    let rule = ENV.replace("NAME", project.name);
    project.append(&rule);
    fs::write(project.folder().join("env"), environment).unwrap();
    let deb = project.build("deb", ".deb");
    Some((project, deb))
}

/// The same in the root of a machine.
fn bring(machine: &Machine, kind: Kind, second: bool, service: &str, environment: &str, to: &str) -> Option<()> {
    let (_project, deb) = package(kind, second, service, environment)?;
    fs::copy(deb, machine.root.at(to)).unwrap();
    Some(())
}

fn install(machine: &Machine, deb: &str) {
    machine.ok(&["apt-get", "-y", "-q", "-o", "Dpkg::Options::=--force-confold", "--allow-downgrades", "install", deb]);
}

/// Ports of the machine that are listened on, with the address: `0100007F:1234`.
fn listeners(machine: &Machine) -> Vec<String> {
    let tables = machine.sh("cat /proc/net/tcp; tail -n +2 /proc/net/tcp6");
    let listens = tables.lines().filter(|line| line.split_whitespace().nth(3) == Some("0A"));
    listens.filter_map(|line| line.split_whitespace().nth(1).map(str::to_owned)).collect()
}

#[test]
fn two_nodes_live_on_one_host() {
    let Some(machine) = Root::of(&BOOKWORM).and_then(Machine::boot) else { return };
    let heron = "HERON_PORT=4201\nHERON_GREETING=hello\n";
    let tern = "TERN_PORT=4202\nTERN_GREETING=hi\nTERN_COOKIE=open-sesame-of-the-machine\n";
    if bring(&machine, Kind::Mix, false, "", heron, "/heron-1.deb").is_none() {
        return;
    }
    bring(&machine, Kind::Mix, true, "", heron, "/heron-2.deb").unwrap();
    bring(&machine, Kind::Relx, false, "ready = \"notify\"\n", tern, "/tern.deb").unwrap();
    watched(&["open-sesame-of-the-machine"], || {
        install(&machine, "/heron-1.deb");
        install(&machine, "/tern.deb");
        // Both have started when the start is over: nothing is waited for.
        let once = |port: u16| machine.sh(&format!("exec 3<>/dev/tcp/127.0.0.1/{port} && cat <&3"));
        assert_eq!(once(4201), "heron 0.3.1 as heron_line@127.0.0.1: hello by heron_line, 1");
        assert_eq!(once(4202), "tern as tern@127.0.0.1: hi");
        machine.ok(&["systemctl", "restart", "heron-line", "tern"]);
        assert_eq!(once(4201), "heron 0.3.1 as heron_line@127.0.0.1: hello by heron_line, 2");
        assert_eq!(once(4202), "tern as tern@127.0.0.1: hi");
    });
    let cookie = machine.sh("cat /var/lib/heron-line/.erlang.cookie");
    assert!(cookie.len() >= 40);
    assert_eq!(machine.sh("stat -c '%U:%G %a' /var/lib/heron-line/.erlang.cookie"), "heron-line:heron-line 400");
    assert_eq!(machine.sh("cat /var/lib/tern/.erlang.cookie"), "open-sesame-of-the-machine");
    for (unit, told) in [("heron-line.service", "none"), ("tern.service", "main")] {
        assert_eq!(machine.show(unit, "Type"), "exec");
        assert_eq!(machine.show(unit, "NotifyAccess"), told);
        assert_eq!(machine.show(unit, "ActiveState"), "active");
        let process = machine.show(unit, "MainPID");
        assert_eq!(machine.sh(&format!("cat /proc/{process}/comm")), "beam.smp");
        let all = listeners(&machine);
        assert!(all.iter().all(|address| address.starts_with("0100007F:")), "{unit}: {all:?}");
    }
    // Two services, two nodes, and no epmd.
    assert_eq!(listeners(&machine).len(), 4, "{:?}", listeners(&machine));
    assert_eq!(machine.sh("cat /proc/[0-9]*/comm").lines().filter(|name| *name == "epmd").count(), 0);

    // An administrator asks, with the rights and the environment of the unit.
    let secrets = [cookie.as_str(), "open-sesame-of-the-machine"];
    watched(&secrets, || {
        let told = machine.ok(&["heron-line", "rpc", "IO.puts(\"#{node()} #{System.get_env(\"HERON_GREETING\")}\")"]);
        assert_eq!(told, "heron_line@127.0.0.1 hello");
        assert_eq!(machine.ok(&["tern", "rpc", "node()"]), "'tern@127.0.0.1'");
        assert_eq!(machine.ok(&["heron-line", "ping"]), "pong");
        let told = typed(&mut machine.command(&["TERM=xterm"]), "heron-line", "remote", &["IO.puts(\"in #{node()}\")"]);
        assert!(told.contains("in heron_line@127.0.0.1"), "{told}");
        assert_eq!(machine.ok(&["tern", "song", "la"]), "a song of tern: la");
        machine.ok(&["heron-line", "restart"]);
        assert!(machine.ok(&["heron-line", "status"]).contains("active (running)"));
        let told = machine.ok(&["heron-line", "describe"]);
        assert!(told.contains("managed by:  systemd, heron-line.service"), "{told}");
    });
    let (code, told) = machine.run(&["setpriv", "--reuid=65534", "--clear-groups", "heron-line", "rpc", "1"]);
    assert!(code == 4 && told.contains("run this as root or as heron-line"), "{code} {told}");
    assert_eq!(machine.run(&["heron-line", "daemon"]).0, 3);
    assert!(machine.ok(&["heron-line", "logs", "-n", "5"]).contains("heron listens on 4201"));

    // What an administrator changes in the environment file, a reload tells the node.
    machine.sh("sed -i s/hello/morning/ /etc/heron-line/env && systemctl reload heron-line");
    assert_eq!(answer(&machine, 4201), "heron 0.3.1 as heron_line@127.0.0.1: morning by heron_line, 3");

    // An upgrade keeps the state.
    install(&machine, "/heron-2.deb");
    let upgraded = answer(&machine, 4201);
    assert_eq!(upgraded, "heron 0.4.0-rc.1 as heron_line@127.0.0.1: morning by heron_line, 4");
    assert_eq!(machine.sh("cat /var/lib/heron-line/.erlang.cookie"), cookie);
    stops_at_any_moment(&machine, "heron-line.service", rounds());
    // One that notifies is no other.
    stops_at_any_moment(&machine, "tern.service", rounds() / 4);
    machine.ok(&["systemctl", "start", "tern.service"]);
    assert_eq!(machine.ok(&["systemctl", "show", "--value", "--property=ActiveState", "tern.service"]), "active");
    machine.ok(&["apt-get", "-y", "-q", "purge", "heron-line"]);
    assert!(!machine.root.has("/var/lib/heron-line"));
    assert_eq!(machine.ok(&["tern", "ping"]), "pong");
}

/// While it boots and after that: the unit is never killed, and has not failed.
fn stops_at_any_moment(machine: &Machine, unit: &str, rounds: u32) {
    machine.ok(&["systemctl", "stop", unit]);
    let begun = std::time::Instant::now();
    machine.ok(&["systemctl", "start", unit]);
    let boot = begun.elapsed();
    machine.ok(&["systemctl", "stop", unit]);
    // Every 20 ms of the boot and a little after it, or as many of them as there are rounds.
    let steps = u32::try_from(boot.as_millis() / 20).unwrap() + 5;
    let mut slowest = Duration::ZERO;
    for round in 0..rounds {
        let moment = if rounds < steps { round * steps / rounds } else { round % steps } * 20;
        let script = format!(
            "systemctl reset-failed {unit}; systemctl start --no-block {unit}; sleep {}; systemctl stop {unit}",
            f64::from(moment) / 1000.0
        );
        let begun = std::time::Instant::now();
        machine.sh(&script);
        let facts = ["ActiveState", "Result"].map(|property| machine.show(unit, property));
        assert_eq!(facts, ["inactive", "success"], "after {moment} ms: {}", machine.journal(unit));
        let took = begun.elapsed();
        assert!(took < Duration::from_secs(15), "after {moment} ms: {took:?}");
        slowest = slowest.max(took);
    }
    println!("{unit}: {rounds} boots of {boot:?}, the slowest from start to stop {slowest:?}");
    let journal = machine.journal(unit);
    let killed = |line: &&str| (line.contains("SIGKILL") && line.contains("beam.smp")) || line.contains("timed out");
    assert_eq!(journal.lines().find(killed), None, "{journal}");
}

/// The distribution's own runtime comes along by the relations of the package, and runs it.
#[test]
fn a_release_without_a_runtime_brings_the_distributions() {
    let Some(root) = Root::of(&BOOKWORM) else { return };
    let Some(deb) = package(Kind::Bare, false, "", "HERON_PORT=4211\n") else { return };
    fs::copy(&deb.1, root.at("/bare.deb")).unwrap();
    let depends = root.ok(&["dpkg-deb", "--field", "/bare.deb", "Depends"]);
    assert!(depends.contains("erlang-base (>= 1:25), erlang-base (<< 1:26~)"), "{depends}");
    root.write("/usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n", 0o755);
    root.ok(&["apt-get", "-q", "-o", "APT::Sandbox::User=root", "update"]);
    root.ok(&[
        "apt-get",
        "-y",
        "-q",
        "-o",
        "APT::Sandbox::User=root",
        "--no-install-recommends",
        "install",
        "/bare.deb",
    ]);
    let told = root.sh(
        "heron-bare start; exec 3<>/dev/tcp/127.0.0.1/4211; cat <&3; heron-bare rpc 'IO.puts(:code.root_dir())'; heron-bare stop",
    );
    assert!(told.contains("heron 0.3.1 as heron_bare@127.0.0.1") && told.contains("\n/usr/lib/erlang\n"), "{told}");
}
