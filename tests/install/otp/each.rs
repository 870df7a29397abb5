//! A release of every producer as deb, as rpm and as archive, under systemd: all of them on one host.

use std::fs;

use super::made::{Kind, Project};
use super::terminal::Terminal;
use super::watched;
use crate::archives::unpack;
use crate::daemons::{Built, Installer, System, on};
use crate::machine::Machine;
use crate::roots::{BOOKWORM, Root, TESTING};
use crate::systemd::{answer, wait};

/// A release on a host.
pub struct There {
    pub kind: Kind,
    package: &'static str,
    /// Its environment file.
    pub environment: &'static str,
    pub port: u16,
    pub answers: &'static str,
    /// What it is asked for, and says.
    pub asks: [&'static str; 2],
    prompt: &'static str,
}

pub const ALL: [There; 4] = [
    There {
        kind: Kind::Mix,
        package: "heron-line",
        environment: "HERON_PORT=4201\nHERON_GREETING=hello\n",
        port: 4201,
        answers: "heron 0.3.1 as heron_line@127.0.0.1: hello by heron_line, ",
        asks: ["IO.puts(node())", "heron_line@127.0.0.1"],
        prompt: "iex(heron_line@127.0.0.1)1>",
    },
    There {
        kind: Kind::Relx,
        package: "tern",
        environment: "TERN_PORT=4202\nTERN_GREETING=hi\nTERN_COOKIE=a-secret-of-the-environment\n",
        port: 4202,
        answers: "tern as tern@127.0.0.1: hi",
        asks: ["node()", "'tern@127.0.0.1'"],
        prompt: "(tern@127.0.0.1)1>",
    },
    There {
        kind: Kind::Distillery,
        package: "heron",
        environment: "HERON_PORT=4203\nHERON_GREETING=old\nHERON_COOKIE=a-secret-of-the-environment\n",
        port: 4203,
        answers: "heron 0.3.1 as heron@127.0.0.1: old, ",
        asks: ["IO.puts(node())", "heron@127.0.0.1"],
        prompt: "iex(heron@127.0.0.1)1>",
    },
    There {
        kind: Kind::Nif,
        package: "gannet",
        environment: "GANNET_PORT=4204\n",
        port: 4204,
        answers: "gannet as gannet@127.0.0.1: 42 so-so 3E19853B",
        asks: ["IO.puts(Gannet.Beak.add(1, 2))", "3"],
        prompt: "iex(gannet@127.0.0.1)1>",
    },
];

impl There {
    fn project(&self, second: bool) -> Option<Project> {
        let mut project = Project::new(self.kind, second, "")?;
        project.append(&super::systemd::ENV.replace("NAME", self.package));
        fs::write(project.folder().join("env"), self.environment).unwrap();
        Some(project)
    }

    fn unit(&self) -> String {
        format!("{}.service", self.package)
    }

    fn cookie(&self, system: &System) -> String {
        let file = format!("/var/lib/{}/.erlang.cookie", self.package);
        let facts = system.machine.ok(&["stat", "-c", "%U %a", &file]);
        assert_eq!(facts, format!("{} 400", self.package), "{:?}", system.installer);
        system.machine.ok(&["cat", &file])
    }

    /// It answers, is asked, and shows its shell.
    fn lives(&self, system: &System) {
        let machine = &system.machine;
        let facts = ["ActiveState", "NRestarts"].map(|property| machine.show(&self.unit(), property));
        assert_eq!(facts, ["active", "0"], "{:?} {}", system.installer, machine.journal(&self.unit()));
        assert!(answer(machine, self.port).starts_with(self.answers), "{}", answer(machine, self.port));
        let process = machine.show(&self.unit(), "MainPID");
        let facts = machine.sh(&format!("cat /proc/{process}/comm; stat -c %U /proc/{process}"));
        assert_eq!(facts, format!("beam.smp\n{}", self.package));
        assert_eq!(machine.ok(&[self.package, "rpc", self.asks[0]]), self.asks[1]);
        assert_eq!(machine.ok(&[self.package, "ping"]), "pong");
        let terminal = Terminal::of(&machine.command(&["TERM=xterm", self.package, "remote"]));
        terminal.shows(self.prompt);
        terminal.types(if self.kind == Kind::Relx { "20 + 3." } else { "20 + 3" });
        terminal.shows("23");
    }

    /// It ends by itself, and has not failed.
    fn stops(&self, system: &System) {
        system.machine.ok(&["systemctl", "stop", &self.unit()]);
        let facts =
            ["ActiveState", "Result", "ExecMainStatus"].map(|property| system.machine.show(&self.unit(), property));
        assert_eq!(facts, ["inactive", "success", "0"], "{}", system.machine.journal(&self.unit()));
    }
}

#[test]
fn releases_of_every_producer_live_on_one_host() {
    let Some(built) = ALL.iter().map(|there| Some(there.project(false)?.both())).collect::<Option<Vec<Built>>>() else {
        return;
    };
    let second = ALL[0].project(true).unwrap().both();
    let mut packages: Vec<(&str, &Built)> = ALL.iter().map(|there| there.package).zip(&built).collect();
    packages.push(("second", &second));
    on(&[(Installer::Apt, &BOOKWORM), (Installer::Rpm, &TESTING)], &packages, |system| {
        system.ok(&ALL.map(|there| there.package));
        let cookies = ALL.each_ref().map(|there| there.cookie(system));
        let secrets = cookies.each_ref().map(String::as_str);
        watched(&secrets, || {
            for there in &ALL {
                there.lives(system);
                there.stops(system);
            }
            for there in &ALL {
                system.machine.ok(&["systemctl", "start", &there.unit()]);
                assert!(answer(&system.machine, there.port).starts_with(there.answers));
            }
        });
        // What it counts and its cookie are there after an upgrade, and the other node was not touched.
        let before = answer(&system.machine, ALL[0].port);
        let other = system.machine.show(&ALL[2].unit(), "InvocationID");
        system.ok(&["second"]);
        let number = |told: &str| told.rsplit(' ').next().unwrap().parse::<u32>().unwrap();
        let after = answer(&system.machine, ALL[0].port);
        assert!(after.starts_with("heron 0.4.0-rc.1 as heron_line@127.0.0.1: hello"), "{after}");
        assert_eq!(number(&after), number(&before) + 1);
        assert_eq!(ALL[0].cookie(system), cookies[0]);
        assert_eq!(system.machine.show(&ALL[2].unit(), "InvocationID"), other);

        let remove: &[&str] = match system.installer {
            Installer::Apt => &["apt-get", "-y", "-q", "purge"],
            Installer::Rpm => &["rpm", "-e"],
        };
        system.machine.ok(&[remove, &ALL.map(|there| there.package)].concat());
        wait("the nodes to go", || {
            let left = system.machine.sh("cat /proc/[0-9]*/comm 2>/dev/null | grep -e beam -e epmd || :");
            if left.is_empty() { Ok(()) } else { Err(left) }
        });
        for there in &ALL {
            assert!(!system.machine.root.has(&format!("/usr/lib/{}", there.package)), "{}", there.package);
        }
    });
}

/// By the `install.sh` of their tarballs.
#[test]
fn archives_of_every_producer_live_on_one_host() {
    let Some(root) = Root::of(&BOOKWORM) else { return };
    for there in &ALL {
        let Some(project) = there.project(false) else { return };
        unpack(&project.build("tarball", ".tar.gz"), &root.at(&format!("/srv/{}", there.package)));
    }
    let second = ALL[0].project(true).unwrap();
    unpack(&second.build("tarball", ".tar.gz"), &root.at("/srv/second"));
    let Some(machine) = Machine::boot(root) else { return };
    let system = System { installer: Installer::Apt, machine };
    let machine = &system.machine;
    for there in &ALL {
        machine.ok(&[&format!("/srv/{}/install.sh", there.package)]);
        there.lives(&system);
        there.stops(&system);
        machine.ok(&["systemctl", "start", &there.unit()]);
    }
    let cookie = ALL[0].cookie(&system);
    machine.ok(&["/srv/second/install.sh", "upgrade"]);
    let told = answer(machine, ALL[0].port);
    assert!(told.starts_with("heron 0.4.0-rc.1 as heron_line@127.0.0.1: hello"), "{told}");
    assert_eq!(ALL[0].cookie(&system), cookie);
    machine.ok(&["/srv/second/install.sh", "uninstall", "--purge"]);
    assert_ne!(machine.run(&["systemctl", "cat", &ALL[0].unit()]).0, 0);
    assert!(!machine.root.has("/var/lib/heron-line"));
    assert_eq!(machine.ok(&["gannet", "ping"]), "pong");
}
