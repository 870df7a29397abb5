//! Packages whose services are daemons that do nothing, on systems of both kinds that run: Debian with apt, and one with rpm.

use std::fs;
use std::path::PathBuf;

use crate::machine::Machine;
use crate::roots::{BOOKWORM, Root, Suite, TESTING, TRIXIE};
use crate::support::{artifact_of, project, run};

/// A package in both formats.
pub struct Built {
    /// What keeps the files.
    _folder: tempfile::TempDir,
    pub deb: PathBuf,
    pub rpm: PathBuf,
}

impl Built {
    /// Of a project.
    pub fn of(folder: tempfile::TempDir) -> Self {
        let (code, _, stderr) = run(folder.path(), &["build", "--format", "deb,rpm"]);
        assert_eq!(code, 0, "{stderr}");
        let [deb, rpm] = [".deb", ".rpm"].map(|suffix| artifact_of(folder.path(), suffix));
        Self { _folder: folder, deb, rpm }
    }
}

/// Builds a package; `body` is what its config says besides who it is, keys of `[package]` first.
pub fn package(name: &str, version: &str, body: &str) -> Built {
    package_with(name, version, body, &[])
}

/// The same with further files of the project.
pub fn package_with(name: &str, version: &str, body: &str, files: &[(&str, &str)]) -> Built {
    let config = format!(
        "[package]\nname = \"{name}\"\nversion = \"{version}\"\nsummary = \"Serves\"\n\
         maintainer = \"Ops Team <ops@example.org>\"\nlicense = \"MIT\"\n{body}\n\
         [[files]]\ntext = \"{version}\"\nto = \"/usr/share/{name}/version\"\n"
    );
    Built::of(project(&[&[("fitout.toml", config.as_str())], files].concat()))
}

/// A service of such a package, with further keys.
pub fn service(name: &str, more: &str) -> String {
    format!("[[service]]\nname = \"{name}\"\nuser = \"daemond\"\nexec = [\"/bin/sleep\", \"1000\"]\n{more}\n")
}

/// What installs packages on a system.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Installer {
    Apt,
    Rpm,
}

/// A system that runs, with packages in its root.
pub struct System {
    pub installer: Installer,
    pub machine: Machine,
}

/// Where a package lies in a root. Of several, rpm 6.1.0 loses names of less than 16 bytes.
fn place(name: &str, suffix: &str) -> String {
    format!("/package-of-the-test-{name}.{suffix}")
}

impl System {
    /// Boots it; none where that cannot be done.
    fn boot(installer: Installer, suite: &'static Suite, packages: &[(&str, &Built)]) -> Option<Self> {
        let root = Root::of(suite)?;
        for (name, built) in packages {
            let (file, suffix) = if installer == Installer::Apt { (&built.deb, "deb") } else { (&built.rpm, "rpm") };
            fs::copy(file, root.at(&place(name, suffix))).unwrap();
        }
        Some(Self { installer, machine: Machine::boot(root)? })
    }

    /// Installs, upgrades or downgrades; exit code, and what was said. The root is Debian's: rpm knows nothing of what is
    /// there.
    pub fn install(&self, names: &[&str]) -> (i32, String) {
        let (fixed, suffix): (&[&str], _) = match self.installer {
            Installer::Apt => {
                let keep = "Dpkg::Options::=--force-confold";
                (&["apt-get", "-y", "-q", "-o", keep, "--allow-downgrades", "install"], "deb")
            }
            Installer::Rpm => (&["rpm", "-U", "--nodeps", "--oldpackage", "--replacepkgs"], "rpm"),
        };
        let files: Vec<String> = names.iter().map(|name| place(name, suffix)).collect();
        let files: Vec<&str> = files.iter().map(String::as_str).collect();
        self.machine.run(&[fixed, &files].concat())
    }

    pub fn ok(&self, names: &[&str]) {
        let (code, said) = self.install(names);
        assert_eq!(code, 0, "{:?} {names:?}: {said}", self.installer);
    }

    /// `installed 1.0`, as the database has it.
    pub fn state(&self, package: &str) -> String {
        match self.installer {
            Installer::Apt => {
                let format = "--showformat=${db:Status-Status} ${Version}";
                self.machine.run(&["dpkg-query", "--show", format, package]).1.trim().to_owned()
            }
            Installer::Rpm => self.machine.run(&["rpm", "-q", "--queryformat=installed %{VERSION}", package]).1,
        }
    }

    pub fn active(&self, unit: &str) -> String {
        self.machine.show(unit, "ActiveState")
    }

    pub fn enabled(&self, unit: &str) -> String {
        self.machine.run(&["systemctl", "is-enabled", unit]).1.trim().to_owned()
    }

    /// How often a unit was started.
    pub fn starts(&self, unit: &str) -> usize {
        self.machine.ok(&["journalctl", "--sync"]);
        let lines = self.machine.ok(&["journalctl", "--quiet", "--output=cat", "_PID=1", &format!("UNIT={unit}")]);
        lines.lines().filter(|line| line.starts_with("Started ")).count()
    }
}

/// Runs a check on Debian 12 and 13 with apt and on a system with rpm 6, each booted; not at all where that cannot be done.
pub fn on_each(packages: &[(&str, &Built)], check: impl Fn(&System) + Sync) {
    on(&[(Installer::Apt, &BOOKWORM), (Installer::Apt, &TRIXIE), (Installer::Rpm, &TESTING)], packages, check);
}

/// Runs a check on these systems, each booted; not at all where that cannot be done.
pub fn on(systems: &[(Installer, &'static Suite)], packages: &[(&str, &Built)], check: impl Fn(&System) + Sync) {
    std::thread::scope(|scope| {
        let check = &check;
        let on =
            move |(installer, suite): (Installer, _)| System::boot(installer, suite, packages).inspect(check).is_some();
        let threads: Vec<_> = systems.iter().map(|&system| scope.spawn(move || on(system))).collect();
        for thread in threads {
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        }
    });
}
