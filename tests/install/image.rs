//! Images of the examples run under podman: read-only, as a number, with the program as process 1.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::roots::{is_there, missing};
use crate::support::{copy_example, finish, is_root, run, tool};

/// What the machine's own libraries make of a base: a shell, the C library, and what a BEAM loads besides.
const BASE: &str = r#"
mkdir -p root/bin root/etc root/tmp root/lib64 root/usr/bin
chmod 1777 root/tmp
cp "$(command -v busybox)" root/bin/busybox
for name in $(root/bin/busybox --list); do [ -e "root/bin/$name" ] || ln -s busybox "root/bin/$name"; done
ln -s /bin/env root/usr/bin/env
for library in $(ldd "$(command -v busybox)" "$@" | awk '$2 == "=>" { print $3 } $1 ~ /^\// && $2 ~ /^\(/ { print $1 }' | sort -u); do
	mkdir -p "root$(dirname "$library")"
	[ -e "root$library" ] || cp -L "$library" "root$library"
done
tar -C root --owner=0 --group=0 --numeric-owner -cf base.tar .
umoci init --layout base
umoci new --image base:latest
umoci raw add-layer --image base:latest base.tar
umoci config --image base:latest --config.env PATH=/usr/bin:/bin
"#;

/// podman with its storage in a folder: no daemon, no systemd, no journal.
pub struct Podman {
    folder: tempfile::TempDir,
}

impl Podman {
    pub fn new() -> Self {
        Self { folder: tempfile::Builder::new().prefix("fitout-podman-").tempdir().unwrap() }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let place = |name: &str| self.folder.path().join(name);
        let mut command = Command::new("podman");
        command.arg("--root").arg(place("root")).arg("--runroot").arg(place("run")).arg("--tmpdir").arg(place("tmp"));
        command.args([
            "--storage-driver=overlay",
            "--cgroup-manager=cgroupfs",
            "--events-backend=none",
            "--runtime=runc",
        ]);
        command.args(arguments);
        command
    }

    pub fn said(&self, arguments: &[&str]) -> (i32, String) {
        let (code, stdout, stderr) = finish(self.command(arguments).output().unwrap());
        (code, stdout + &stderr)
    }

    pub fn ok(&self, arguments: &[&str]) -> String {
        let (code, stdout, stderr) = finish(self.command(arguments).output().unwrap());
        assert_eq!(code, 0, "podman {arguments:?}: {stdout}{stderr}");
        stdout.trim().to_owned()
    }
}

impl Podman {
    /// Starts an image as it is meant to run: read-only, alone; the container's number. Not every machine lets limits be
    /// raised, as podman's own defaults would.
    pub fn started(&self, more: &[&str], image: &str) -> String {
        let fixed = [
            "run",
            "--detach",
            "--read-only",
            "--tmpfs=/tmp",
            "--network=none",
            "--log-driver=k8s-file",
            "--ulimit=nofile=1024:1024",
            "--ulimit=nproc=1000:1000",
        ];
        self.ok(&[&fixed, more, &[image]].concat())
    }
}

impl Drop for Podman {
    fn drop(&mut self) {
        let _ = self.command(&["rm", "--all", "--force", "--time=0"]).output();
        let _ = Command::new("umount").arg("--lazy").arg(self.folder.path().join("root/overlay")).output();
    }
}

pub fn possible() -> bool {
    let tools = ["podman", "runc", "umoci", "busybox", "nsenter"];
    let mut lacking: Vec<&str> = tools.into_iter().filter(|tool| !is_there(tool)).collect();
    if !is_root() {
        lacking.push("root's rights");
    }
    missing(&lacking)
}

/// An example on a base, built: the image's archive.
fn image(name: &str, folder: &Path, programs: &[&str]) -> PathBuf {
    copy_example(name, folder);
    image_of(&folder.join(name), programs)
}

/// A project on a base with what these programs of it need, built: the image's archive.
pub fn image_of(project: &Path, programs: &[&str]) -> PathBuf {
    let name = project.display();
    let config = project.join("fitout.toml");
    let text = fs::read_to_string(&config).unwrap();
    // The overlay that a user would write: the same service, ready when it listens, on a base.
    let overlay = "\n[environment.image.format.oci]\nbase = \"oci:base\"\n";
    fs::write(&config, format!("{text}{overlay}")).unwrap();
    let (code, _, stderr) = run(project, &["build", "--format", "tarball", "--quiet"]);
    assert_eq!(code, 0, "{name}: {stderr}");
    let mut tarball = fs::read_dir(project.join("dist")).unwrap().map(|entry| entry.unwrap().path());
    let tarball = tarball.find(|path| path.to_string_lossy().ends_with(".tar.gz")).unwrap();
    let unpack = "mkdir -p unpacked && tar -xzf \"$1\" -C unpacked --strip-components=1";
    shell(unpack, project, &[tarball.to_str().unwrap()]);
    // One with its whole path is the machine's own, and comes along; of a folder all does.
    let (own, inside): (Vec<&str>, Vec<&str>) = programs.iter().partition(|path| path.starts_with('/'));
    let copy = |path: &&str| {
        format!("for p in {path}; do mkdir -p root\"$(dirname \"$p\")\"; cp -a \"$p\" root\"${{p%/}}\"; done; ")
    };
    let copied: String = own.iter().map(copy).collect();
    let own = own.iter().filter(|path| !path.ends_with('/')).map(|path| (*path).to_owned());
    let programs: Vec<String> = own.chain(inside.iter().map(|path| format!("unpacked/{path}"))).collect();
    // Names with versions in them are found by the shell.
    shell(&format!("{copied}set -- {}; {BASE}", programs.join(" ")), project, &[]);
    fs::remove_dir_all(project.join("dist")).unwrap();
    let (code, stdout, stderr) = run(project, &["build", "--environment", "image", "--format", "oci", "--quiet"]);
    assert_eq!(code, 0, "{name}: {stderr}");
    project.join(stdout.trim())
}

fn shell(script: &str, folder: &Path, arguments: &[&str]) {
    let mut command = Command::new("bash");
    command.args(["-euo", "pipefail", "-c", script, "sh"]).args(arguments).current_dir(folder);
    let (code, stdout, stderr) = finish(command.output().unwrap());
    assert_eq!(code, 0, "{script}\n{stdout}{stderr}");
}

/// What a client in the container's network hears.
pub fn greeting(process: &str, port: u16) -> String {
    let script = format!("exec 3<>/dev/tcp/127.0.0.1/{port} && head -n 1 <&3");
    let output = Command::new("nsenter").args(["-t", process, "-n", "bash", "-c", &script]).output().unwrap();
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn runs(name: &str, port: u16, programs: &[&str], greets: &str, first: &str) {
    let folder = tempfile::tempdir().unwrap();
    let archive = image(name, folder.path(), programs);
    let podman = Podman::new();
    // As Docker's archive: podman 4 drops health checks of OCI manifests.
    let id = podman.ok(&["pull", "--quiet", &format!("docker-archive:{}", archive.display())]);
    let container = podman.started(&[], &id);
    let process = podman.ok(&["inspect", "--format={{.State.Pid}}", &container]);
    let deadline = Instant::now() + Duration::from_secs(60);
    while !greeting(&process, port).starts_with(greets) {
        let (_, logs) = podman.said(&["logs", &container]);
        assert!(Instant::now() < deadline, "{name} does not answer: {logs}");
        std::thread::sleep(Duration::from_millis(100));
    }
    let user = podman.ok(&["inspect", "--format={{.Config.User}}", &container]);
    let (uid, gid) = user.split_once(':').expect("a numeric user and group");
    assert!(uid.parse::<u32>().unwrap() > 0 && gid.parse::<u32>().unwrap() > 0, "{user}");
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    assert!(status.contains(&format!("Uid:\t{uid}\t{uid}\t{uid}\t{uid}")), "{status}");
    // Process 1 is the program itself, so that no shell stands between it and the signal, or a launcher that never loses one.
    let inside = status.lines().find(|line| line.starts_with("NSpid:")).unwrap();
    assert!(inside.ends_with("\t1"), "{inside}");
    assert!(status.starts_with(&format!("Name:\t{first}\n")), "{status}");
    let (code, said) = podman.said(&["healthcheck", "run", &container]);
    assert_eq!(code, 0, "{name} is not well: {said}");
    let begun = Instant::now();
    let (code, said) = podman.said(&["kill", "--signal=TERM", &container]);
    assert_eq!(code, 0, "{said}");
    while Path::new(&format!("/proc/{process}")).exists() && begun.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(10));
    }
    let took = begun.elapsed();
    let code = podman.ok(&["wait", &container]);
    let (_, logs) = podman.said(&["logs", &container]);
    assert_eq!(code, "0", "{name} after {took:?}: {logs}");
    println!("{name}: stopped by SIGTERM after {took:?}");
    assert!(took < Duration::from_secs(2), "{name} took {took:?} to stop: {logs}");
    let (code, _) = podman.said(&["healthcheck", "run", &container]);
    assert_ne!(code, 0, "{name} is well although it stopped");
}

#[test]
fn a_native_service_runs_read_only_and_stops_at_once() {
    if possible() {
        runs("hello-rust", 4180, &["usr/bin/hello-rust"], "hello from 1.4.0-rc.1", "hello-rust");
    }
}

#[test]
fn a_beam_runs_read_only_and_stops_at_once() {
    if possible() && tool("elixir", &["--version"]).is_some() {
        let erts = "usr/lib/hello-otp/erts-*/bin/beam.smp";
        let crypto = "usr/lib/hello-otp/lib/*/priv/lib/*.so";
        runs("hello-otp", 4190, &[erts, crypto], "hello from 0.3.1", "hello-otp");
    }
}
