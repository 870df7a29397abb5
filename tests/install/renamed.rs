//! A package gets another name: apt, dnf and rpm put it in the place of the old one, and what the administrator has made of it
//! stays.

use crate::daemons::{Built, Installer, on_each, package, service};
use crate::distribution::publish;
use crate::machine::Machine;
use crate::managers::{Manager, root_for};
use crate::support::tool;

const SAME: &str = "\
[[files]]
text = \"same\"
to   = \"/etc/daemon/same.conf\"
role = \"config\"
";

/// A package whose service keeps its name, its account and its state, whatever the package is called.
fn named(name: &str, version: &str, before: &str) -> Built {
    let key = "state = [\"/var/lib/daemon\"]\nsecrets = { KEY = { file = \"/etc/daemon/key\", generate = true } }";
    let own = format!("[[files]]\ntext = \"own\"\nto = \"/etc/{name}/own.conf\"\nrole = \"config\"\n");
    package(name, version, &(before.to_owned() + SAME + &own + &service("daemon", key)))
}

fn elder() -> Built {
    named("elder", "1.0", "")
}

fn junior() -> Built {
    let moved = "[[package.moved]]\nfrom = \"/etc/elder/own.conf\"\nto = \"/etc/junior/own.conf\"\nsince = \"2.0\"\n";
    named("junior", "2.0", &format!("replaces = [\"elder\"]\n{moved}"))
}

/// Depends on the old name.
fn friend() -> Built {
    package(
        "friend",
        "1.0",
        "[format.deb]\ndepends = [\"elder (>= 1.0)\"]\n[format.rpm]\nrequires = [\"elder >= 1.0\"]\n",
    )
}

const EDIT: &str =
    "for file in /etc/daemon/same.conf /etc/elder/own.conf /var/lib/daemon/state; do echo mine >$file; done
    cp /etc/daemon/key /key";
const KEPT: &str = "cat /etc/daemon/same.conf /etc/junior/own.conf /var/lib/daemon/state; cmp /key /etc/daemon/key";

#[test]
fn a_package_with_another_name_takes_over() {
    let (elder, junior, friend) = (elder(), junior(), friend());
    on_each(&[("elder", &elder), ("junior", &junior), ("friend", &friend)], |system| {
        let machine = &system.machine;
        let is = |enabled: &str, active: &str| {
            let state = (system.enabled("daemon.service"), system.active("daemon.service"));
            assert_eq!(state, (enabled.to_owned(), active.to_owned()), "{:?}", system.installer);
        };
        let succeed = || {
            system.ok(&["junior"]);
            assert_eq!(system.state("junior"), "installed 2.0");
            assert!(!system.state("elder").starts_with("installed"), "{:?}", system.installer);
            assert_eq!(machine.sh(KEPT), "mine\nmine\nmine", "{:?}", system.installer);
        };
        system.ok(&["elder"]);
        system.ok(&["friend"]);
        is("enabled", "active");
        machine.sh(EDIT);
        let (started, before) = (system.starts("daemon.service"), machine.show("daemon.service", "InvocationID"));
        succeed();
        assert_eq!(system.state("friend"), "installed 1.0");
        is("enabled", "active");
        assert_ne!(machine.show("daemon.service", "InvocationID"), before);
        assert_eq!(system.starts("daemon.service"), started + 1, "{:?}", system.installer);
        assert_eq!(machine.show("daemon.service", "NRestarts"), "0");
        if system.installer == Installer::Apt {
            // What is left of the old one goes, and nothing that the new one has.
            machine.ok(&["apt-get", "-y", "-q", "purge", "elder"]);
            is("enabled", "active");
            assert_eq!(machine.sh(KEPT), "mine\nmine\nmine");
            assert_eq!(
                machine.sh("ls -d /etc/elder 2>&1 || :"),
                "ls: cannot access '/etc/elder': No such file or directory"
            );
            machine.ok(&["apt-get", "-y", "-q", "purge", "friend", "junior"]);
            assert_eq!(
                machine.sh("find /etc /var/lib -name '*daemon*' ! -path '/var/lib/dbus*' ! -name '*-daemon*'"),
                ""
            );
        } else {
            machine.ok(&["rpm", "-e", "friend", "junior"]);
        }

        // What is disabled stays so.
        machine.sh("rm -rf /etc/daemon /etc/elder /etc/junior /var/lib/daemon");
        system.ok(&["elder"]);
        machine.sh(EDIT);
        machine.ok(&["systemctl", "disable", "--now", "daemon.service"]);
        succeed();
        is("disabled", "inactive");
    });
}

/// Neither the new relations nor the scripts that move config files are wrong to lintian.
#[test]
fn lintian_has_nothing_to_say_of_another_name() {
    // What a description should be is not what is looked at here.
    let described = "extended-description-is-empty,description-too-short";
    let words = ["--allow-root", "--fail-on", "error,warning", "--suppress-tags", described];
    if let Some(said) = tool("lintian", &[&words[..], &[junior().deb.to_str().unwrap()]].concat()) {
        assert_eq!(said, "");
    }
}

/// dnf replaces the old package by itself when it upgrades.
#[test]
fn dnf_upgrades_to_another_name() {
    const DNF: [&str; 7] = [
        "dnf5",
        "-y",
        "--refresh",
        "--setopt=reposdir=/nowhere",
        "--no-gpgchecks",
        "--disable-plugin=local",
        "--repofrompath=app,/repository",
    ];
    let (elder, junior, friend) = (elder(), junior(), friend());
    let Some(root) = root_for(Manager::Dnf5, &[&elder.rpm, &junior.rpm]) else { return };
    publish(&root, &[&elder.rpm, &friend.rpm]);
    let Some(machine) = Machine::boot(root) else { return };
    let dnf = |words: &[&str]| machine.ok(&[&DNF[..], &["--releasever=9"], words].concat());
    dnf(&["install", "friend"]);
    assert_eq!(machine.ok(&["systemctl", "is-active", "daemon.service"]), "active");
    machine.sh(EDIT);
    let before = machine.show("daemon.service", "InvocationID");
    publish(&machine.root, &[&junior.rpm]);
    dnf(&["upgrade"]);
    assert_eq!(machine.sh("rpm -qa --queryformat '%{NAME}\\n' junior elder friend | sort"), "friend\njunior");
    assert_eq!(machine.ok(&["systemctl", "is-active", "daemon.service"]), "active");
    assert_ne!(machine.show("daemon.service", "InvocationID"), before);
    assert_eq!(machine.sh(KEPT), "mine\nmine\nmine");
}
