//! rpms on a system that runs: systemd as process 1, rpm 6.

use std::fs;
use std::path::Path;

use crate::daemons::{Built, package, service};
use crate::distribution::{SYSTEMD, rpmbuild};
use crate::machine::Machine;
use crate::roots::{Root, TESTING};
use crate::support::{artifact, artifact_of, newer_example};
use crate::systemd::{ANSWERING, Answering, answer, said, wait};
use crate::toy;

/// A machine with these packages in its root, as `/NAME.rpm`; none where it cannot be had.
fn machine_with(rpms: &[(&Path, &str)]) -> Option<Machine> {
    let root = Root::of(&TESTING)?;
    for (rpm, name) in rpms {
        fs::copy(rpm, root.at(&format!("/{name}.rpm"))).unwrap();
    }
    Machine::boot(root)
}

/// Installs, upgrades or downgrades; what it said. The root is Debian's: rpm knows nothing of what is there.
fn install(machine: &Machine, name: &str) -> String {
    machine.ok(&["rpm", "-U", "--nodeps", "--oldpackage", "--replacepkgs", &format!("/{name}.rpm")])
}

fn remove(machine: &Machine, package: &str) -> String {
    machine.ok(&["rpm", "-e", package])
}

fn enabled(machine: &Machine, unit: &str) -> String {
    machine.run(&["systemctl", "is-enabled", unit]).1.trim().to_owned()
}

fn active(machine: &Machine, unit: &str) -> String {
    machine.show(unit, "ActiveState")
}

/// How often a unit was started.
fn starts(machine: &Machine, unit: &str) -> usize {
    machine.ok(&["journalctl", "--sync"]);
    let lines = machine.ok(&["journalctl", "--quiet", "--output=cat", "_PID=1", &format!("UNIT={unit}")]);
    lines.lines().filter(|line| line.starts_with("Started ")).count()
}

/// The whole life of a service that answers.
#[test]
fn a_service_lives_through_upgrades_by_rpm() {
    for example in &ANSWERING {
        let newer = newer_example(example.name);
        let (first, second) = (artifact(example.name, ".rpm"), artifact_of(&newer, ".rpm"));
        let Some(machine) = machine_with(&[(&first, "1"), (&second, "2")]) else { return };
        life(&machine, example);
    }
}

fn life(machine: &Machine, example: &Answering) {
    let Answering { name, program, versions: [old, new], port, .. } = *example;
    let unit = example.unit();
    let (unit, config) = (unit.as_str(), format!("/etc/{name}/env"));
    assert_eq!(install(machine, "1"), "");
    assert_eq!((enabled(machine, unit), active(machine, unit)), ("enabled".to_owned(), "active".to_owned()));
    assert_eq!(answer(machine, port), format!("hello from {old}, greeting 1"));
    let process = machine.show(unit, "MainPID");
    assert_eq!(machine.ok(&["stat", "-c", "%U:%G", &format!("/proc/{process}")]), format!("{name}:{name}"));
    assert_eq!(said(machine, unit, &format!("{program} {old} listens")), 1, "{}", machine.journal(unit));

    // An upgrade restarts it once; it is the new version, with the state of the old one.
    machine.sh(&format!("echo '# edited' >>{config}"));
    let before = machine.show(unit, "InvocationID");
    let told = install(machine, "2");
    // Its own file comes beside the edited one where it is another than before.
    let changed = name == "hello-rust";
    assert_eq!(told, if changed { format!("warning: {config} created as {config}.rpmnew") } else { String::new() });
    assert_eq!(answer(machine, port), format!("hello from {new}, greeting 2"));
    assert_ne!(machine.show(unit, "InvocationID"), before);
    assert_eq!(machine.show(unit, "NRestarts"), "0");
    let runs = |version: &str| said(machine, unit, &format!("{program} {version} listens"));
    assert_eq!((runs(old), runs(new)), (1, 1), "{}", machine.journal(unit));
    assert_eq!(said(machine, unit, &format!("{program} {old} stops")), 1);

    // A reinstallation and a downgrade are upgrades.
    install(machine, "2");
    assert_eq!((answer(machine, port), runs(new)), (format!("hello from {new}, greeting 3"), 2));
    install(machine, "1");
    assert_eq!((answer(machine, port), runs(old)), (format!("hello from {old}, greeting 4"), 2));

    // A transaction without its last scripts, or that was killed, leaves the old one running; the next one restarts it once.
    machine.ok(&["rpm", "-U", "--nodeps", "--noposttrans", "/2.rpm"]);
    assert_eq!((answer(machine, port), runs(new)), (format!("hello from {old}, greeting 5"), 2));
    install(machine, "2");
    assert_eq!((answer(machine, port), runs(new)), (format!("hello from {new}, greeting 6"), 3));

    // It ends by itself when it is asked to, and what the administrator stopped, disabled or masked stays so.
    machine.ok(&["systemctl", "stop", unit]);
    let facts = ["ActiveState", "Result", "ExecMainStatus"].map(|property| machine.show(unit, property));
    assert_eq!(facts, ["inactive", "success", "0"]);
    wait("its last line", || {
        let lines = said(machine, unit, &format!("{program} {new} stops"));
        if lines == 3 { Ok(()) } else { Err(format!("{lines} lines")) }
    });
    install(machine, "1");
    assert_eq!((enabled(machine, unit), active(machine, unit)), ("enabled".to_owned(), "inactive".to_owned()));
    machine.ok(&["systemctl", "disable", unit]);
    install(machine, "2");
    assert_eq!((enabled(machine, unit), active(machine, unit)), ("disabled".to_owned(), "inactive".to_owned()));
    machine.ok(&["systemctl", "mask", unit]);
    install(machine, "1");
    assert_eq!((enabled(machine, unit), active(machine, unit)), ("masked".to_owned(), "inactive".to_owned()));
    machine.ok(&["systemctl", "unmask", unit]);
    machine.ok(&["systemctl", "start", unit]);
    assert_eq!(answer(machine, port), format!("hello from {old}, greeting 7"));

    // An installation of which nothing is left but what an earlier rpm noted.
    machine.sh(&format!("echo '{unit} upgraded ' >/run/fitout.{name}"));
    assert!(remove(machine, name).contains(&format!("{config}.rpmsave")));
    assert_ne!(machine.run(&["systemctl", "cat", unit]).0, 0);
    assert_eq!(machine.run(&["systemctl", "list-units", "--all", "--plain", "--no-legend", unit]), (0, String::new()));
    assert!(
        machine
            .sh("for p in /proc/[0-9]*; do stat -c %U $p 2>/dev/null || :; done")
            .lines()
            .all(|user| user == "root" || !user.starts_with("hello"))
    );
    assert_eq!(machine.sh(&format!("cat /var/lib/{name}/count; ls /run/fitout* 2>/dev/null || :")), "7");
}

/// A job that a timer starts is not run by an upgrade.
#[test]
fn a_timer_lives_through_upgrades_by_rpm() {
    let (first, second) = (artifact("plain", ".rpm"), artifact_of(&newer_example("plain"), ".rpm"));
    let Some(machine) = &machine_with(&[(&first, "1"), (&second, "2")]) else { return };
    let (timer, job) = ("fitout-plain.timer", "fitout-plain.service");
    assert_eq!(install(machine, "1"), "");
    assert_eq!((enabled(machine, timer), active(machine, timer)), ("enabled".to_owned(), "active".to_owned()));
    machine.ok(&["systemctl", "start", job]);
    assert!(machine.sh("cat /var/lib/fitout-plain/pages.txt").contains("/usr/share/fitout-plain/index.html"));
    let before = machine.show(job, "InvocationID");
    assert_eq!(install(machine, "2"), "");
    assert_eq!((active(machine, timer), machine.show(job, "InvocationID")), ("active".to_owned(), before));
    remove(machine, "fitout-plain");
    assert_ne!(machine.run(&["systemctl", "is-active", timer]).0, 0);
}

/// Several services of one package, each with a word of its own.
#[test]
fn several_services_of_an_rpm_go_their_own_ways() {
    let ((_first, first), (_second, second)) = (toy::build("1.0.0", "rpm"), toy::build("2.0.0", "rpm"));
    let Some(machine) = &machine_with(&[(&first, "1"), (&second, "2")]) else { return };
    let invocation = |unit: &str| machine.show(unit, "InvocationID");
    assert_eq!(install(machine, "1"), "");
    for unit in ["toy.service", "toy-reload.service", "toy-keep.service", "toy-once.service"] {
        assert_eq!(active(machine, unit), "active", "{unit}");
    }
    for unit in ["toy-job.timer", "toy-idle.socket", "toy-busy.socket"] {
        assert_eq!(active(machine, unit), "active", "{unit}");
    }
    for unit in ["toy-off.service", "toy-idle.service", "toy-busy.service", "toy-job.service"] {
        assert_eq!(active(machine, unit), "inactive", "{unit}");
    }
    let line = "toy 1.0.0 runs as toy with a key of 64 bytes and WORD=packaged";
    assert_eq!(said(machine, "toy.service", line), 1, "{}", machine.journal("toy.service"));

    machine.ok(&["systemctl", "enable", "--now", "toy-each@one.service"]);
    let _ = machine.run(&["timeout", "1", "bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/4199; sleep 0.3"]);
    wait("the service behind the socket", || match active(machine, "toy-busy.service").as_str() {
        "active" => Ok(()),
        found => Err(found.to_owned()),
    });
    machine.ok(&["systemctl", "stop", "toy-once.service"]);
    let units = ["toy.service", "toy-reload.service", "toy-keep.service", "toy-busy.service", "toy-each@one.service"];
    let before = units.map(invocation);
    assert_eq!(install(machine, "2"), "");
    let after = units.map(invocation);
    let same: Vec<bool> = before.iter().zip(&after).map(|(before, after)| before == after).collect();
    assert_eq!(same, [false, true, true, false, false], "{units:?}");
    for unit in units {
        assert_eq!((active(machine, unit), machine.show(unit, "NRestarts")), ("active".into(), "0".into()), "{unit}");
    }
    wait("the reload", || match said(machine, "toy-reload.service", "toy-reload 1.0.0 reads its configuration") {
        1 => Ok(()),
        lines => Err(format!("{lines} lines")),
    });
    for unit in ["toy-idle.socket", "toy-busy.socket", "toy-job.timer"] {
        assert_eq!(active(machine, unit), "active", "{unit}");
    }
    for unit in ["toy-once.service", "toy-off.service", "toy-idle.service", "toy-job.service"] {
        assert_eq!(active(machine, unit), "inactive", "{unit}");
    }
    remove(machine, "toy");
    assert_eq!(machine.ok(&["systemctl", "list-units", "--all", "--plain", "--no-legend", "toy*"]), "");
    assert_eq!(machine.sh("find /etc/systemd -name 'toy*'"), "");
}

/// A package with one service for each of these words, or with none.
fn daemons(name: &str, version: &str, services: &[&str], more: &str) -> Built {
    package(name, version, &(services.iter().map(|name| service(name, "")).collect::<String>() + more))
}

/// Services come and go with versions and packages, on a distribution that enables nothing by itself, has a helper for the
/// scripts of packages, and restarts what they mark.
#[test]
fn services_come_and_go_as_presets_say() {
    let folder = tempfile::tempdir().unwrap();
    let distribution = rpmbuild(folder.path(), SYSTEMD);
    // As rpmbuild's macros of systemd write it.
    let native = rpmbuild(
        folder.path(),
        "Name: pack\nVersion: 0\n%description\nx\n%install\nmkdir -p %{buildroot}/usr/lib/systemd/system\n\
         printf '[Service]\\nExecStart=/bin/sleep 1000\\n[Install]\\nWantedBy=multi-user.target\\n' \
         >%{buildroot}/usr/lib/systemd/system/one.service\n\
         %postun\nif [ $1 -ge 1 ] && [ -x /usr/lib/systemd/systemd-update-helper ]; then\n\
         /usr/lib/systemd/systemd-update-helper mark-restart-system-units one.service || :\nfi\n\
         %files\n/usr/lib/systemd/system/one.service\n",
    );
    let none = daemons("pack", "1.0", &[], "");
    let one = daemons("pack", "1.1", &["one"], "");
    let two = daemons("pack", "1.2", &["one", "two"], "");
    let renamed = daemons("pack", "1.3", &["two", "three"], "");
    let replacing = daemons("other", "1.0", &["two", "three"], "[format.rpm]\nobsoletes = [\"pack\"]\n");
    let rpms = [
        (distribution.as_path(), "distribution"),
        (&native, "native"),
        (&none.rpm, "none"),
        (&one.rpm, "one"),
        (&two.rpm, "two"),
        (&renamed.rpm, "renamed"),
        (&replacing.rpm, "replacing"),
    ];
    let Some(machine) = &machine_with(&rpms) else { return };
    let state = |unit: &str| (enabled(machine, unit), active(machine, unit));
    let is = |enabled: &str, active: &str| (enabled.to_owned(), active.to_owned());
    let on = || is("enabled", "active");
    let gone = || is("not-found", "inactive");
    install(machine, "distribution");
    let helped =
        || machine.sh("cat /var/log/systemd-update-helper 2>/dev/null || :; rm -f /var/log/systemd-update-helper");

    // The package's preset comes before `disable *`.
    install(machine, "none");
    helped();
    install(machine, "one");
    assert_eq!(state("one.service"), on(), "a service that comes with an upgrade");
    assert!(helped().starts_with("install-system-units one.service\n"));
    machine.ok(&["systemctl", "disable", "--now", "one.service"]);
    install(machine, "two");
    assert_eq!((state("one.service"), state("two.service")), (is("disabled", "inactive"), on()));
    machine.ok(&["systemctl", "enable", "--now", "one.service"]);
    machine.ok(&["systemctl", "stop", "two.service"]);
    let helped_at_upgrade = helped();
    assert!(!helped_at_upgrade.contains("install-system-units one"), "{helped_at_upgrade}");

    // What the new version has no more ends.
    install(machine, "renamed");
    assert_eq!((state("one.service"), state("three.service")), (gone(), on()));
    assert_eq!(state("two.service"), is("enabled", "inactive"));
    assert_eq!(machine.sh("find /etc/systemd -name 'one*'"), "");

    // Another package takes over, while the old one disables what it had.
    machine.ok(&["systemctl", "start", "two.service"]);
    machine.ok(&["systemctl", "disable", "--now", "three.service"]);
    helped();
    install(machine, "replacing");
    assert_ne!(machine.run(&["rpm", "-q", "pack"]).0, 0);
    assert_eq!((state("two.service"), state("three.service")), (on(), is("disabled", "inactive")));
    assert!(helped().contains("remove-system-units two.service three.service"));
    remove(machine, "other");
    assert_eq!((state("two.service"), state("three.service")), (gone(), gone()));

    // A package by rpmbuild marks its unit for systemd's own restart, which must not be a second one.
    install(machine, "native");
    machine.ok(&["systemctl", "enable", "--now", "one.service"]);
    let before = starts(machine, "one.service");
    install(machine, "one");
    assert!(helped().contains("mark-restart-system-units one.service"));
    assert_eq!(state("one.service"), on());
    assert_eq!(starts(machine, "one.service"), before + 1);
    assert_eq!(machine.show("one.service", "Markers"), "");
    remove(machine, "pack");

    // An administrator of openSUSE may have said that upgrades restart nothing.
    install(machine, "one");
    machine.sh("mkdir -p /etc/sysconfig; echo 'DISABLE_RESTART_ON_UPDATE=\"yes\"' >/etc/sysconfig/services");
    let before = starts(machine, "one.service");
    install(machine, "two");
    assert_eq!((starts(machine, "one.service"), state("two.service")), (before, on()));
    machine.sh("echo 'DISABLE_RESTART_ON_UPDATE=\"no\"' >/etc/sysconfig/services");
    install(machine, "one");
    assert_eq!((starts(machine, "one.service"), state("two.service")), (before + 1, gone()));
    remove(machine, "pack");

    // The administrator's presets win.
    machine.sh(
        "mkdir -p /etc/systemd/system-preset; echo 'disable one.service' >/etc/systemd/system-preset/00-admin.preset",
    );
    install(machine, "two");
    assert_eq!((state("one.service"), state("two.service")), (is("disabled", "inactive"), on()));
    remove(machine, "pack");

    // A service that does not start does not fail the installation, and is forgotten with its package.
    machine.sh("rm /etc/systemd/system-preset/00-admin.preset; mkdir -p /etc/systemd/system/one.service.d
        printf '[Service]\nRestart=no\nExecStart=\nExecStart=/bin/nothing\n' >/etc/systemd/system/one.service.d/broken.conf");
    let told = install(machine, "one");
    assert!(told.contains("one.service"), "{told}");
    assert_eq!(active(machine, "one.service"), "failed");
    remove(machine, "pack");
    assert_eq!(machine.ok(&["systemctl", "list-units", "--failed", "--plain", "--no-legend"]), "");
}
