//! What installs rpms, each with a shell of another family as `/bin/sh`, and roots for them.

use std::path::Path;
use std::process::Command;

use crate::distribution::{base, publish};
use crate::roots::{BOOKWORM, Root, Suite, TESTING, is_there, missing, said};

/// What installs packages.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Manager {
    /// The machine's own dnf 4 with rpm 4, into a root.
    Dnf4,
    /// dnf 5 with rpm 6, in a root.
    Dnf5,
    /// zypper with rpm 6, in a root: it runs `%posttrans` by itself.
    Zypper,
}

impl Manager {
    pub fn suite(self) -> &'static Suite {
        if self == Self::Dnf4 { &BOOKWORM } else { &TESTING }
    }

    /// The shell that runs scripts there.
    pub fn shell(self) -> &'static str {
        match self {
            Self::Dnf4 => "dash",
            Self::Dnf5 => "bash",
            Self::Zypper => "busybox",
        }
    }

    /// Runs it with the repository of a root; exit code, and all that it said.
    pub fn run(self, root: &Root, words: &[&str]) -> (i32, String) {
        const DNF: [&str; 4] = ["-y", "--refresh", "--releasever=9", "--setopt=reposdir=/nowhere"];
        match self {
            Self::Dnf4 => {
                let mut command = Command::new("unshare");
                command.args(["--mount", "--pid", "--fork", "--kill-child"]);
                command.arg(format!("--mount-proc={}", root.at("/proc").display()));
                command.arg("dnf").args(DNF).arg("--nogpgcheck").args(words);
                command.arg(format!("--installroot={}", root.path.display()));
                command.arg(format!("--setopt=cachedir={}", root.beside().join("cache").display()));
                command.arg(format!("--repofrompath=app,{}", root.at("/repository").display()));
                said(&mut command)
            }
            Self::Dnf5 => {
                let fixed = ["--no-gpgchecks", "--disable-plugin=local", "--repofrompath=app,/repository"];
                root.run(&[&["dnf5"], &DNF[..], &fixed, words].concat())
            }
            Self::Zypper => root.run(&[&["zypper", "--non-interactive", "--no-gpg-checks"], words].concat()),
        }
    }

    pub fn ok(self, root: &Root, words: &[&str]) {
        let (code, said) = self.run(root, words);
        assert_eq!(code, 0, "{self:?} {words:?}\n{said}");
    }

    pub fn install(self, root: &Root, package: &str) {
        self.ok(root, &["install", package]);
    }

    pub fn upgrade(self, root: &Root, package: &str) {
        self.ok(root, &[if self == Self::Zypper { "update" } else { "upgrade" }, package]);
    }

    pub fn downgrade(self, root: &Root, package: &str, version: &str) {
        match self {
            Self::Zypper => self.ok(root, &["install", "--oldpackage", &format!("{package}={version}")]),
            _ => self.ok(root, &["downgrade", &format!("{package}-{version}")]),
        }
    }

    pub fn reinstall(self, root: &Root, package: &str) {
        match self {
            Self::Zypper => self.ok(root, &["install", "--force", package]),
            _ => self.ok(root, &["reinstall", package]),
        }
    }

    pub fn remove(self, root: &Root, package: &str) {
        self.ok(root, &["remove", package]);
    }

    /// Asks the rpm that made the database.
    pub fn rpm(self, root: &Root, words: &[&str]) -> (i32, String) {
        if self == Self::Dnf4 {
            said(Command::new("rpm").arg(format!("--root={}", root.path.display())).args(words))
        } else {
            root.run(&[&["rpm"], words].concat())
        }
    }

    pub fn version(self, root: &Root, package: &str) -> String {
        self.rpm(root, &["-q", "--queryformat=%{VERSION}-%{RELEASE}", package]).1
    }

    /// What rpm itself finds changed, edited config files left out.
    pub fn sound(self, root: &Root, package: &str) {
        let changed = self.rpm(root, &["--verify", package]).1;
        let changed: Vec<&str> = changed.lines().filter(|line| line.contains('/') && !line.contains(" c /")).collect();
        assert_eq!(changed, [""; 0], "{self:?}");
    }
}

/// A root with a repository of these packages and of what they require; none where it cannot be had.
pub fn root_for(manager: Manager, rpms: &[&Path]) -> Option<Root> {
    let tools = ["createrepo_c", "rpmbuild", "rpm", "dnf"];
    let lacking: Vec<&str> = tools.into_iter().filter(|tool| !is_there(tool)).collect();
    if !missing(&lacking) {
        return None;
    }
    let root = Root::of(manager.suite())?;
    root.ok(&["ln", "-sf", manager.shell(), "/bin/sh"]);
    let folder = tempfile::tempdir().unwrap();
    let base = base(folder.path(), rpms);
    publish(&root, &[&base]);
    root.write("/etc/zypp/repos.d/app.repo", "[app]\nenabled=1\nautorefresh=1\nbaseurl=dir:/repository\n", 0o644);
    if manager == Manager::Dnf4 {
        assert_eq!(manager.rpm(&root, &["--initdb"]).0, 0);
    }
    manager.install(&root, "base");
    Some(root)
}

/// Each manager in a thread of its own.
pub fn with_each(check: impl Fn(Manager) + Sync) {
    std::thread::scope(|scope| {
        let check = &check;
        let managers = [Manager::Dnf4, Manager::Dnf5, Manager::Zypper];
        let threads: Vec<_> = managers.into_iter().map(|manager| scope.spawn(move || check(manager))).collect();
        for thread in threads {
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        }
    });
}
