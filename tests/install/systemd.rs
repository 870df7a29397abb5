//! Packages on a system that runs: systemd as process 1, the services as its children.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::machine::Machine;
use crate::roots::{BOOKWORM, Root, Suite, TESTING, TRIXIE};
use crate::support::{artifact, artifact_of, newer_example};
use crate::toy;

/// An example with a service that answers.
pub struct Answering {
    pub name: &'static str,
    /// As its own lines in the journal have it.
    pub program: &'static str,
    pub versions: [&'static str; 2],
    pub port: u16,
    /// Most that `systemd-analyze security` may say.
    exposure: f64,
}

pub const ANSWERING: [Answering; 2] = [
    Answering {
        name: "hello-rust",
        program: "hello-rust",
        versions: ["1.4.0-rc.1", "1.4.0"],
        port: 4180,
        exposure: 2.0,
    },
    Answering { name: "hello-otp", program: "hello_otp", versions: ["0.3.1", "0.4.0"], port: 4190, exposure: 2.5 },
];

impl Answering {
    pub fn unit(&self) -> String {
        format!("{}.service", self.name)
    }
}

fn install(machine: &Machine, deb: &str) {
    machine.ok(&["apt-get", "-y", "-q", "-o", "Dpkg::Options::=--force-confold", "--allow-downgrades", "install", deb]);
}

/// Puts a package into the root of a machine.
fn bring(machine: &Machine, deb: &Path, name: &str) {
    fs::copy(deb, machine.root.at(name)).unwrap();
}

/// Tries until it is as it must be; what it was at last.
pub fn wait<T: std::fmt::Debug>(what: &str, attempt: impl Fn() -> Result<T, String>) -> T {
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        match attempt() {
            Ok(value) => return value,
            Err(last) => assert!(Instant::now() < until, "{what}: {last}"),
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// What a port of the machine answers.
pub fn answer(machine: &Machine, port: u16) -> String {
    wait(&format!("port {port}"), || {
        let script = format!("exec 3<>/dev/tcp/127.0.0.1/{port} && cat <&3");
        match machine.run(&["timeout", "5", "bash", "-c", &script]) {
            (0, said) if !said.is_empty() => Ok(said.trim_end().to_owned()),
            (_, said) => Err(said),
        }
    })
}

/// How often a line with this end is in the journal of a unit.
pub fn said(machine: &Machine, unit: &str, line: &str) -> usize {
    machine.journal(unit).lines().filter(|said| said.starts_with(line)).count()
}

/// The whole life of a service that answers.
fn life(machine: &Machine, example: &Answering) {
    let Answering { name, program, versions: [old, new], port, exposure } = *example;
    let unit = &example.unit();
    let (first, second) = (format!("/{name}-1.deb"), format!("/{name}-2.deb"));
    bring(machine, &artifact(name, ".deb"), &first);
    bring(machine, &artifact_of(&newer_example(name), ".deb"), &second);
    install(machine, &first);
    assert_eq!(machine.ok(&["systemctl", "is-enabled", unit]), "enabled");
    assert_eq!(machine.ok(&["systemctl", "is-active", unit]), "active");
    assert_eq!(answer(machine, port), format!("hello from {old}, greeting 1"));
    let process = machine.show(unit, "MainPID");
    let user = machine.ok(&["stat", "-c", "%U:%G", &format!("/proc/{process}")]);
    assert_eq!(user, format!("{name}:{name}"));
    assert_eq!(machine.run(&["systemd-analyze", "verify", "--man=no", unit]), (0, String::new()));
    let security = machine.ok(&["systemd-analyze", "security", "--no-pager", unit]);
    let found = security
        .lines()
        .find_map(|line| line.split_once("exposure level for")?.1.split_whitespace().nth(1)?.parse::<f64>().ok());
    let found = found.unwrap_or_else(|| panic!("{security}"));
    assert!(found <= exposure, "{name}: exposure {found}");

    if name == "hello-otp" {
        assert_eq!(machine.ok(&[name, "rpc", "IO.puts(node())"]), "hello_otp@127.0.0.1");
    }

    // An upgrade restarts it once; it is the new version, with the state of the old one.
    machine.sh(&format!("echo '# edited' >>/etc/{name}/env"));
    let before = machine.show(unit, "InvocationID");
    install(machine, &second);
    assert_eq!(answer(machine, port), format!("hello from {new}, greeting 2"));
    assert_eq!(machine.show(unit, "NRestarts"), "0");
    assert_ne!(machine.show(unit, "InvocationID"), before);
    let runs = |version: &str| said(machine, unit, &format!("{program} {version} listens"));
    assert_eq!((runs(old), runs(new)), (1, 1), "{}", machine.journal(unit));
    assert_eq!(said(machine, unit, &format!("{program} {old} stops")), 1);

    // It ends by itself when it is asked to.
    let begun = Instant::now();
    machine.ok(&["systemctl", "stop", unit]);
    assert!(begun.elapsed() < Duration::from_secs(20), "{name}: {:?}", begun.elapsed());
    let facts = ["ActiveState", "Result", "ExecMainStatus"].map(|property| machine.show(unit, property));
    assert_eq!(facts, ["inactive", "success", "0"]);
    wait("its last line", || {
        let lines = said(machine, unit, &format!("{program} {new} stops"));
        if lines == 1 { Ok(()) } else { Err(format!("{lines} lines")) }
    });

    // What is enabled runs after an upgrade, even if it had been stopped; what is disabled stays as it is.
    install(machine, &first);
    assert_eq!(answer(machine, port), format!("hello from {old}, greeting 3"));
    machine.ok(&["systemctl", "disable", unit]);
    let before = machine.show(unit, "InvocationID");
    install(machine, &second);
    assert_eq!(answer(machine, port), format!("hello from {new}, greeting 4"));
    assert_ne!(machine.show(unit, "InvocationID"), before);
    machine.ok(&["systemctl", "stop", unit]);
    install(machine, &first);
    assert_eq!(machine.run(&["systemctl", "is-enabled", unit]).1.trim(), "disabled");
    assert_eq!(machine.show(unit, "ActiveState"), "inactive");
    machine.ok(&["systemctl", "mask", unit]);
    install(machine, &second);
    assert_eq!(machine.run(&["systemctl", "is-enabled", unit]).1.trim(), "masked");
    machine.ok(&["systemctl", "unmask", unit]);
    machine.ok(&["systemctl", "enable", "--now", unit]);
    assert_eq!(answer(machine, port), format!("hello from {new}, greeting 5"));

    // An administrator who forbids it is obeyed.
    machine.root.write("/usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n", 0o755);
    let before = machine.show(unit, "InvocationID");
    install(machine, &first);
    assert_eq!(machine.show(unit, "InvocationID"), before);
    assert_eq!(answer(machine, port), format!("hello from {new}, greeting 6"));
    fs::remove_file(machine.root.at("/usr/sbin/policy-rc.d")).unwrap();

    assert!(machine.sh(&format!("cat /etc/{name}/env")).ends_with("# edited"));
    machine.ok(&["apt-get", "-y", "-q", "purge", name]);
    assert_ne!(machine.run(&["systemctl", "cat", unit]).0, 0);
    assert_eq!(machine.run(&["systemctl", "list-units", "--all", "--plain", "--no-legend", unit]), (0, String::new()));
    let processes = machine.sh("for p in /proc/[0-9]*; do stat -c %U $p 2>/dev/null || :; done");
    assert!(!processes.lines().any(|user| user == name), "{processes}");
    assert!(!machine.root.has(&format!("/var/lib/{name}")) && !machine.root.has(&format!("/etc/{name}")));
}

/// A job that a timer starts.
fn job(machine: &Machine) {
    bring(machine, &artifact("plain", ".deb"), "/plain-1.deb");
    bring(machine, &artifact_of(&newer_example("plain"), ".deb"), "/plain-2.deb");
    install(machine, "/plain-1.deb");
    let timer = "fitout-plain.timer";
    assert_eq!(machine.ok(&["systemctl", "is-active", timer]), "active");
    machine.ok(&["systemctl", "start", "fitout-plain.service"]);
    assert!(machine.sh("cat /var/lib/fitout-plain/pages.txt").contains("/usr/share/fitout-plain/index.html"));
    let before = machine.show("fitout-plain.service", "InvocationID");
    install(machine, "/plain-2.deb");
    assert_eq!(machine.ok(&["systemctl", "is-active", timer]), "active");
    // An upgrade does not run the job.
    assert_eq!(machine.show("fitout-plain.service", "InvocationID"), before);
    machine.ok(&["apt-get", "-y", "-q", "purge", "fitout-plain"]);
    assert_ne!(machine.run(&["systemctl", "is-active", timer]).0, 0);
}

/// Several services of one package, each with a word of its own.
fn several(machine: &Machine) {
    for (version, name) in [("1.0.0", "/toy-1.deb"), ("2.0.0", "/toy-2.deb")] {
        let (_folder, deb) = toy::build(version, "deb");
        bring(machine, &deb, name);
    }
    let state = |unit: &str| machine.show(unit, "ActiveState");
    let invocation = |unit: &str| machine.show(unit, "InvocationID");
    install(machine, "/toy-1.deb");
    for unit in ["toy", "toy-reload", "toy-keep", "toy-once"] {
        assert_eq!(state(&format!("{unit}.service")), "active", "{unit}");
    }
    for unit in ["toy-job.timer", "toy-idle.socket", "toy-busy.socket"] {
        assert_eq!(state(unit), "active", "{unit}");
    }
    for unit in ["toy-off", "toy-idle", "toy-busy", "toy-job"] {
        assert_eq!(state(&format!("{unit}.service")), "inactive", "{unit}");
    }
    let line = "toy 1.0.0 runs as toy with a key of 64 bytes and WORD=packaged";
    assert_eq!(said(machine, "toy.service", line), 1, "{}", machine.journal("toy.service"));
    // What goes to a file is the service's own, so that logrotate can empty it in its name.
    assert_eq!(machine.sh("cat /var/log/toy/keep.log"), "toy-keep 1.0.0 runs as toy with a key of 0 bytes and WORD=");
    assert_eq!(machine.sh("stat -c '%U:%G %a' /var/log/toy /var/log/toy/keep.log"), "toy:toy 750\ntoy:toy 640");
    let verify = machine.sh("systemd-analyze verify --man=no /usr/lib/systemd/system/toy*.{service,timer,socket} 2>&1");
    assert_eq!(verify, "");

    machine.ok(&["systemctl", "start", "toy-each@one.service"]);
    let _ = machine.run(&["timeout", "1", "bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/4199; sleep 0.3"]);
    wait("the service behind the socket", || {
        let found = state("toy-busy.service");
        if found == "active" { Ok(()) } else { Err(found) }
    });
    machine.ok(&["systemctl", "stop", "toy-once.service"]);
    let units = [
        "toy.service",
        "toy-reload.service",
        "toy-keep.service",
        "toy-busy.service",
        "toy-each@one.service",
        "toy-busy.socket",
    ];
    let before = units.map(invocation);
    install(machine, "/toy-2.deb");
    let after = units.map(invocation);
    let same: Vec<bool> = before.iter().zip(&after).map(|(before, after)| before == after).collect();
    assert_eq!(same, [false, true, true, false, false, true], "{units:?}");
    for unit in &units[..5] {
        assert_eq!((state(unit), machine.show(unit, "NRestarts")), ("active".to_owned(), "0".to_owned()), "{unit}");
    }
    wait("the reload", || {
        let lines = said(machine, "toy-reload.service", "toy-reload 1.0.0 reads its configuration");
        if lines == 1 { Ok(()) } else { Err(format!("{lines} lines")) }
    });
    for unit in ["toy-idle.socket", "toy-busy.socket", "toy-job.timer"] {
        assert_eq!(state(unit), "active", "{unit}");
    }
    for unit in ["toy-once.service", "toy-off.service", "toy-idle.service"] {
        assert_eq!(state(unit), "inactive", "{unit}");
    }
    machine.ok(&["dpkg", "--purge", "toy"]);
    let left = machine.ok(&["systemctl", "list-units", "--all", "--plain", "--no-legend", "toy*"]);
    assert_eq!(left, "");
}

/// Runs a check on both releases of Debian at a time, each booted; not at all where that cannot be done.
fn on_both(check: impl Fn(&Machine) + Sync) {
    std::thread::scope(|scope| {
        let check = &check;
        let on = move |suite: &'static Suite| {
            if let Some(machine) = Root::of(suite).and_then(Machine::boot) {
                check(&machine);
            }
        };
        let other = scope.spawn(move || on(&TRIXIE));
        on(&BOOKWORM);
        other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
}

#[test]
fn services_live_through_upgrades() {
    on_both(|machine| {
        ANSWERING.iter().for_each(|example| life(machine, example));
        job(machine);
    });
}

/// The next Debian, whose systemd no release has yet.
#[test]
fn the_newest_systemd_runs_the_services() {
    let Some(machine) = Root::of(&TESTING).and_then(Machine::boot) else { return };
    life(&machine, &ANSWERING[0]);
    several(&machine);
}

#[test]
fn several_services_of_a_package_go_their_own_ways() {
    on_both(several);
}

/// Numbers that look random, the same in every run with the same first one.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// Upgrades and downgrades in a row, killed at any moment, with all that they started, and mended as an administrator
/// would: state and edited configuration stay, and in the end the service runs.
#[test]
fn killed_upgrades_are_mended_by_dpkg() {
    let Some(machine) = Root::of(&BOOKWORM).and_then(Machine::boot) else { return };
    let rounds = if std::env::var_os("FITOUT_SOAK").is_some() { 200 } else { 5 };
    let example = &ANSWERING[0];
    let unit = &example.unit();
    bring(&machine, &artifact(example.name, ".deb"), "/1.deb");
    bring(&machine, &artifact_of(&newer_example(example.name), ".deb"), "/2.deb");
    install(&machine, "/1.deb");
    machine.sh("echo '# edited' >>/etc/hello-rust/env");
    // How long an upgrade takes here: later ones are killed within that time.
    let started = Instant::now();
    machine.ok(&["dpkg", "--force-confold", "-i", "/2.deb"]);
    let span = u64::try_from(started.elapsed().as_millis()).unwrap();
    machine.ok(&["dpkg", "--force-confold", "-i", "/1.deb"]);
    let mut random = Random(0x1234_5678_9abc_def1);
    let (mut greetings, mut killed, mut unpacked_again) = (0, 0, 0);
    for round in 1..=rounds {
        let deb = if round % 2 == 1 { "/2.deb" } else { "/1.deb" };
        let upgrade = machine.start(&["dpkg", "--force-confold", "-i", deb]);
        std::thread::sleep(Duration::from_millis(random.below(span)));
        killed += u32::from(upgrade.kill());
        let (code, told) = machine.run(&["dpkg", "--force-confold", "--configure", "-a"]);
        let fields = "--showformat=${db:Status-Status} ${db:Status-Eflag} ${Version}";
        let state = || machine.ok(&["dpkg-query", "--show", fields, example.name]);
        let whole = state().starts_with("installed ok ");
        assert!(code == 0 || !whole, "round {round}: {told}");
        if !whole {
            // Killed while it unpacked: dpkg wants the package again.
            machine.ok(&["dpkg", "--force-confold", "-i", deb]);
            unpacked_again += 1;
        }
        assert_eq!(machine.ok(&["dpkg", "--audit"]), "", "round {round}");
        // Killed before anything changed, it is the old version still.
        let version = state().strip_prefix("installed ok ").unwrap_or_default().replace('~', "-");
        greetings += 1;
        let expected = format!("hello from {version}, greeting {greetings}");
        assert_eq!(answer(&machine, example.port), expected, "round {round}\n{}", machine.journal(unit));
        assert_eq!(machine.ok(&["systemctl", "is-enabled", unit]), "enabled", "round {round}");
        let config = machine.sh("cat /etc/hello-rust/env; stat -c '%U:%G %a' /etc/hello-rust/env");
        assert!(config.ends_with("# edited\nroot:hello-rust 640"), "round {round}: {config}");
    }
    println!("{rounds} upgrades, {killed} of them killed, {unpacked_again} while they unpacked");
    assert!(killed > rounds / 4, "only {killed} of {rounds} upgrades were killed");
}
