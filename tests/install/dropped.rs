//! Units that a version drops, hooks that refuse an upgrade, and logs that a purge removes: the same on deb and rpm.

use crate::daemons::{Installer, on_each, package, service};

/// A unit that is gone ends with the version that had it, and leaves nothing; what stayed goes on.
#[test]
fn units_that_a_version_drops_stop_and_are_forgotten() {
    let one = service("one", "");
    let all = one.clone()
        + &service("two", "")
        + &service("beat", "timer = { on-calendar = [\"daily\"] }")
        + &service("door", "socket = { listen-stream = [\"127.0.0.1:4197\"] }")
        + &service("each@", "")
        + &service("off", "enable = false");
    let first = package("pack", "1.0", &all);
    let second = package("pack", "2.0", &one);
    let last = package("pack", "3.0", "");
    // Takes a unit over, while the other package gives it up.
    let takes =
        "[format.deb]\nbreaks = [\"pack (<< 2.0)\"]\nreplaces = [\"pack (<< 2.0)\"]\n".to_owned() + &service("two", "");
    let other = package("other", "1.0", &takes);
    on_each(&[("1", &first), ("2", &second), ("3", &last), ("other", &other)], |system| {
        let machine = &system.machine;
        let gone = |names: &[&str]| {
            for name in names {
                let pattern = format!("{name}*");
                let known = machine.ok(&["systemctl", "list-units", "--all", "--plain", "--no-legend", &pattern]);
                assert_eq!(known, "", "{:?} {name}", system.installer);
                let links = machine.sh(&format!("find /etc/systemd /var/lib/systemd -name '{name}[.@]*'"));
                assert_eq!(links, "", "{:?} {name}", system.installer);
            }
        };
        let runs = ["one.service", "two.service", "beat.timer", "door.socket", "off.service", "each@a.service"];
        system.ok(&["1"]);
        machine.ok(&["systemctl", "start", "each@a.service", "door.service"]);
        for unit in runs {
            assert_eq!(system.active(unit), "active", "{:?} {unit}", system.installer);
        }
        let (started, before) = (system.starts("one.service"), machine.show("one.service", "InvocationID"));
        system.ok(&["2"]);
        gone(&["two", "beat", "door", "each", "off"]);
        assert_eq!((system.active("one.service"), system.enabled("one.service")), ("active".into(), "enabled".into()));
        assert_ne!(machine.show("one.service", "InvocationID"), before);
        assert_eq!(system.starts("one.service"), started + 1, "{:?}", system.installer);
        // Nothing of it runs where the next version has no service at all.
        system.ok(&["3"]);
        gone(&["one"]);
        assert_eq!(machine.sh("grep -lsx sleep /proc/[0-9]*/comm || :"), "");
        // What was forgotten comes as if for the first time.
        system.ok(&["1"]);
        for unit in &runs[..4] {
            assert_eq!(system.active(unit), "active", "{:?} {unit}", system.installer);
        }
        assert_eq!(system.enabled("two.service"), "enabled");
        if system.installer == Installer::Apt {
            system.ok(&["2", "other"]);
            let state = (system.active("two.service"), system.enabled("two.service"));
            assert_eq!(state, ("active".to_owned(), "enabled".to_owned()));
            gone(&["beat", "door"]);
            machine.ok(&["apt-get", "-y", "-q", "purge", "pack"]);
            assert_eq!(system.active("two.service"), "active");
        }
    });
}

/// A pre-upgrade hook that fails ends the upgrade, and the old version is as it was.
#[test]
fn a_hook_that_refuses_keeps_the_old_version_running() {
    let hook = "hooks.pre-upgrade = [{ text = \"echo \\\"$1\\\" >/var/lib/pack/asked; test ! -e /refuse\" }]";
    let [first, second] = ["1.0", "2.0"].map(|version| package("pack", version, &service("one", hook)));
    on_each(&[("1", &first), ("2", &second)], |system| {
        let machine = &system.machine;
        system.ok(&["1"]);
        machine.sh("touch /refuse");
        let before = machine.show("one.service", "InvocationID");
        let (code, said) = system.install(&["2"]);
        assert_ne!(code, 0, "{said}");
        assert!(said.contains("the pre-upgrade hook 01 failed"), "{:?}: {said}", system.installer);
        assert_eq!(system.state("pack"), "installed 1.0", "{:?}", system.installer);
        assert_eq!(machine.sh("cat /usr/share/pack/version /var/lib/pack/asked"), "1.02.0", "{:?}", system.installer);
        assert_eq!((system.active("one.service"), system.enabled("one.service")), ("active".into(), "enabled".into()));
        assert_eq!(machine.show("one.service", "InvocationID"), before, "it was not restarted");
        if system.installer == Installer::Apt {
            assert_eq!(machine.ok(&["dpkg", "--audit"]), "");
        }
        machine.sh("rm /refuse");
        system.ok(&["2"]);
        assert_eq!(system.state("pack"), "installed 2.0");
        assert_ne!(machine.show("one.service", "InvocationID"), before);
    });
}

/// Log files in a folder of all go with a purge, those that logrotate made of them too, and no others.
#[test]
fn a_purge_takes_the_rotated_logs_along() {
    let first = package("pack", "1.0", &service("one", "log-file = \"/var/log/pack.log\""));
    on_each(&[("1", &first)], |system| {
        if system.installer == Installer::Rpm {
            return;
        }
        let machine = &system.machine;
        system.ok(&["1"]);
        assert_eq!(machine.sh("stat -c %U /var/log/pack.log"), "daemond");
        let rotated = "pack.log.1 pack.log.2.gz pack.log-20261128 pack.log-20261121.gz";
        let others = "pack.logger pack.log-backup pack.log.old pack2.log";
        machine.sh(&format!("cd /var/log; touch {rotated} {others}"));
        machine.ok(&["apt-get", "-y", "-q", "remove", "pack"]);
        machine.sh(&format!("cd /var/log; ls pack.log {rotated}"));
        machine.ok(&["apt-get", "-y", "-q", "purge", "pack"]);
        let left = machine.sh("cd /var/log; ls -d pack* | tr '\\n' ' '");
        let mut expected: Vec<&str> = others.split(' ').collect();
        expected.sort_unstable();
        assert_eq!(left.split_whitespace().collect::<Vec<_>>(), expected);
    });
}
