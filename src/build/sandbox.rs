//! Where a build runs: on the machine as it is, in a view of it that cannot be written, or in a container of an image.
//!
//! Enters: `[build] sandbox` and `network`, and a command. Leaves: a command that runs it there. The folder of the project
//! is the same path inside, and can be written. Source: bwrap(1), podman-run(1).

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use super::ask::answer;
use super::environment::Environment;

/// A place for a build.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sandbox {
    kind: Kind,
    /// Whether it may reach anybody.
    network: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
enum Kind {
    #[default]
    Machine,
    Bwrap,
    /// A container of this image.
    Podman(String),
}

/// Below the home folder, what package managers keep: it stays theirs to write.
const KEPT: &[&str] = &[".cache", ".cargo", ".hex", ".mix", ".npm", "go"];

impl Sandbox {
    /// As typed: `bwrap` or `podman:IMAGE`.
    pub fn parse(text: &str, network: bool) -> Option<Self> {
        let kind = match text.split_once(':') {
            None if text == "bwrap" => Kind::Bwrap,
            Some(("podman", image)) if !image.is_empty() && !image.starts_with('-') => Kind::Podman(image.to_owned()),
            _ => return None,
        };
        Some(Self { kind, network })
    }

    /// The program that makes it.
    pub fn program(&self) -> Option<&'static str> {
        match self.kind {
            Kind::Machine => None,
            Kind::Bwrap => Some("bwrap"),
            Kind::Podman(_) => Some("podman"),
        }
    }

    /// Whether the tools of a build are those of an image.
    pub fn has_own_tools(&self) -> bool {
        matches!(self.kind, Kind::Podman(_))
    }

    /// The image that a container has, by its content; nothing where it is the machine's own tools that build.
    pub fn image(&self, environment: &Environment, folder: &Path) -> Option<String> {
        let Kind::Podman(image) = &self.kind else { return None };
        let mut command = Command::new("podman");
        environment.apply(command.args(["image", "inspect", "--format", "{{.Id}}", image.as_str()]));
        // One that is not here yet is fetched by the run.
        Some(answer(folder, "podman", &mut command).map_or_else(|_| image.clone(), |id| id.trim().to_owned()))
    }

    /// Lets a command run in `folder`, there.
    pub fn enter(&self, inside: &Command, folder: &Path, environment: &Environment) -> Command {
        let mut command = match &self.kind {
            Kind::Machine => Command::new(inside.get_program()),
            Kind::Bwrap => self.bwrap(folder, environment),
            Kind::Podman(image) => self.podman(image, folder, environment),
        };
        if self.kind != Kind::Machine {
            command.arg(inside.get_program());
        }
        command.args(inside.get_args()).current_dir(folder);
        environment.apply(&mut command);
        command
    }

    fn bwrap(&self, folder: &Path, environment: &Environment) -> Command {
        let mut command = Command::new("bwrap");
        command.args([
            "--ro-bind",
            "/",
            "/",
            "--dev",
            "/dev",
            "--proc",
            "/proc",
            "--tmpfs",
            "/tmp",
            "--tmpfs",
            "/var/tmp",
        ]);
        let home = environment.get("HOME").map(Path::new);
        for kept in KEPT.iter().filter_map(|name| Some(home?.join(name))).filter(|path| path.is_dir()) {
            command.arg("--bind").arg(&kept).arg(&kept);
        }
        command.arg("--bind").arg(folder).arg(folder).arg("--chdir").arg(folder);
        command.args(["--setenv", "TMPDIR", "/tmp", "--die-with-parent"]);
        if !self.network {
            command.arg("--unshare-net");
        }
        command.arg("--");
        command
    }

    fn podman(&self, image: &str, folder: &Path, environment: &Environment) -> Command {
        let mut command = Command::new("podman");
        let mut volume = folder.as_os_str().to_owned();
        volume.push(":");
        volume.push(folder);
        command.args(["run", "--rm", "--security-opt=label=disable", "--volume"]).arg(volume);
        command.arg("--workdir").arg(folder).arg(if self.network { "--network=host" } else { "--network=none" });
        // By their names: values would stand on a command line, which every user of the machine sees.
        for name in environment.portable() {
            let mut option = OsStr::new("--env=").to_owned();
            option.push(name);
            command.arg(option);
        }
        command.arg(image);
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_kinds_are_known() {
        assert_eq!(Sandbox::parse("bwrap", true).unwrap().program(), Some("bwrap"));
        let image = Sandbox::parse("podman:docker.io/library/elixir:1.17", false).unwrap();
        assert_eq!(image.kind, Kind::Podman("docker.io/library/elixir:1.17".into()));
        for wrong in ["", "docker", "podman", "podman:", "podman:--privileged", "bwrap:x"] {
            assert_eq!(Sandbox::parse(wrong, true), None, "{wrong}");
        }
        assert_eq!(Sandbox::default().program(), None);
    }
}
