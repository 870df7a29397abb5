//! Releases of Erlang and Elixir, of every producer, by their launcher: from an unpacked archive, under systemd, in an image.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::archives::{free_port, said, unpack};
use crate::support::{is_root, tool};

#[path = "otp/made.rs"]
pub mod made;

#[path = "otp/systemd.rs"]
mod systemd;

#[path = "otp/image.rs"]
mod image;

#[path = "otp/cluster.rs"]
mod cluster;

#[path = "otp/each.rs"]
mod each;

#[path = "otp/hot.rs"]
mod hot;

#[path = "otp/terminal.rs"]
mod terminal;

use made::{Kind, Project};
use terminal::Terminal;

/// An account of every Debian, where root runs the tests.
pub const ACCOUNT: &str = "games";

/// How often something is done that goes wrong now and then.
fn rounds() -> u32 {
    if std::env::var_os("FITOUT_SOAK").is_some() { 200 } else { 20 }
}

/// A release unpacked in a folder with an odd name.
pub struct Unpacked {
    holder: tempfile::TempDir,
    folder: &'static str,
    name: &'static str,
    port: u16,
}

impl Unpacked {
    /// With these lines in its environment file, of which `PORT` is filled.
    fn of(kind: Kind, service: &str, environment: &str) -> Option<Self> {
        Self::within("it's a \"tree\" $HOME", kind, service, environment)
    }

    /// The same in a folder with this name.
    fn within(folder: &'static str, kind: Kind, service: &str, environment: &str) -> Option<Self> {
        // Other tests run the same release, on the port of its name.
        let node = if service.contains("[service.node]") { String::new() } else { "[service.node]\n".to_owned() };
        let port = if service.contains("port =") { String::new() } else { format!("port = {}\n", free_port()) };
        let project = Project::new(kind, false, &format!("user = \"{ACCOUNT}\"\n{node}{service}{port}"))?;
        Some(Self::from(folder, project.name, &project.build("tarball", ".tar.gz"), environment))
    }

    /// A package that is built.
    pub fn from(folder: &'static str, name: &'static str, archive: &Path, environment: &str) -> Self {
        let holder = tempfile::tempdir().unwrap();
        fs::set_permissions(holder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let this = Self { holder, folder, name, port: free_port() };
        unpack(archive, &this.tree());
        this.environment(environment);
        this
    }

    fn environment(&self, lines: &str) {
        let folder = self.path(&format!("etc/{}", self.name));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("env"), lines.replace("PORT=", &format!("PORT={}", self.port))).unwrap();
    }

    fn tree(&self) -> PathBuf {
        self.holder.path().join(self.folder)
    }

    fn path(&self, path: &str) -> PathBuf {
        self.tree().join(path)
    }

    fn launcher(&self) -> PathBuf {
        self.path(&format!("usr/bin/{}", self.name))
    }

    fn command(&self, arguments: &[&str]) -> Command {
        self.own().command(arguments)
    }

    /// Exit code, and what was said on both.
    pub fn run(&self, arguments: &[&str]) -> (i32, String) {
        self.own().run(arguments)
    }

    /// What it prints, of a command that must succeed.
    pub fn ok(&self, arguments: &[&str]) -> String {
        self.own().ok(arguments)
    }

    fn own(&self) -> Launcher {
        Launcher { path: self.launcher(), log: self.path(&format!("var/log/{}.log", self.name)) }
    }

    /// Another service of the package.
    fn other(&self, name: &str) -> Launcher {
        let path = self.path(&format!("usr/lib/{}/launcher/{name}", self.name));
        Launcher { path, log: self.path(&format!("var/log/{name}.log")) }
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.path(&format!("var/log/{}.log", self.name))).unwrap_or_default()
    }

    fn cookie(&self) -> String {
        fs::read_to_string(self.path(&format!("var/lib/{}/.erlang.cookie", self.name))).unwrap()
    }

    pub fn answer(&self) -> String {
        answer(self.port).unwrap_or_default()
    }

    /// What a shell of the node shows, driven as a person would.
    fn typed(&self, command: &str, lines: &[&str]) -> String {
        typed(
            Command::new("env").arg(format!("LAUNCHER={}", self.launcher().display())),
            "\"$LAUNCHER\"",
            command,
            lines,
        )
    }
}

/// The launcher of a service.
struct Launcher {
    path: PathBuf,
    log: PathBuf,
}

impl Launcher {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("env");
        command.arg("--default-signal").arg(&self.path).args(arguments).stdin(Stdio::null());
        command
    }

    /// Exit code, and what was said on both.
    fn run(&self, arguments: &[&str]) -> (i32, String) {
        said(self.command(arguments).output().unwrap())
    }

    /// What it prints, of a command that must succeed.
    fn ok(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success(),
            "{arguments:?}: {told}{}{}",
            String::from_utf8_lossy(&output.stderr),
            fs::read_to_string(&self.log).unwrap_or_default()
        );
        told
    }
}

impl Drop for Unpacked {
    fn drop(&mut self) {
        let _ = self.run(&["stop"]);
    }
}

/// What a terminal shows of a command that is given lines, and then its own end.
fn typed(before: &mut Command, program: &str, command: &str, lines: &[&str]) -> String {
    let lines: String = lines.iter().map(|line| format!("sleep 1; printf '%s\\n' '{line}'; ")).collect();
    let script = format!("(sleep 1; {lines} sleep 2) | timeout 20 script -qec '{program} {command}' /dev/null");
    String::from_utf8_lossy(&before.args(["bash", "-c", &script]).output().unwrap().stdout).into_owned()
}

/// What a port says to who connects.
fn answer(port: u16) -> Option<String> {
    use std::io::Read as _;
    let mut text = String::new();
    std::net::TcpStream::connect(("127.0.0.1", port)).ok()?.read_to_string(&mut text).ok()?;
    Some(text.trim_end().to_owned())
}

/// Looks at every command line of the machine while something is done; how often a secret was seen, and what was done.
fn watched<T>(secrets: &[&str], act: impl FnOnce() -> T) -> T {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut looked = 0;
            while !done.load(Ordering::Relaxed) {
                for entry in fs::read_dir("/proc").unwrap().flatten() {
                    if entry.file_name().to_string_lossy().parse::<u32>().is_ok() {
                        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
                        let line = String::from_utf8_lossy(&line);
                        assert!(!secrets.iter().any(|secret| line.contains(secret)), "{line}");
                        let is_own = line.contains("beam.smp")
                            && ["heron", "tern", "gannet"].iter().any(|name| line.contains(name));
                        assert!(!is_own || !line.contains("-setcookie"), "{line}");
                    }
                }
                looked += 1;
            }
            looked
        });
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(act));
        done.store(true, Ordering::Relaxed);
        assert!(watch.join().unwrap() > 10);
        result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

#[test]
fn a_release_of_mix_is_started_asked_and_stopped() {
    let Some(there) = Unpacked::of(Kind::Mix, "", "HERON_PORT=\nHERON_WORDS='it is \"so\"'\n") else { return };
    assert_eq!(there.run(&["status"]).0, 3);
    assert_eq!(there.run(&["rpc", "1"]).0, 1);
    there.ok(&["start"]);
    // The name is of the release, its host of the loopback, whatever env.sh thinks.
    assert_eq!(there.answer(), "heron 0.3.1 as heron_line@127.0.0.1: it is \"so\" by heron_line, 1");
    let cookie = there.cookie();
    assert!(cookie.len() >= 40, "{cookie}");
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &fs::metadata(there.path("var/lib/heron-line/.erlang.cookie")).unwrap().permissions(),
    );
    assert_eq!(mode & 0o777, 0o400);
    watched(&[&cookie], || {
        assert_eq!(there.ok(&["ping"]), "pong\n");
        assert_eq!(
            there.ok(&["rpc", "IO.puts(\"#{node()} #{:erlang.nodes(:hidden) |> length}\")"]),
            "heron_line@127.0.0.1 1\n"
        );
        let (code, told) = there.run(&["rpc", "raise \"no luck\""]);
        assert!(code == 1 && told.contains("(RuntimeError) no luck"), "{code} {told}");
        let (code, told) = there.run(&["rpc", "1 +"]);
        assert!(code == 1 && told.contains("TokenMissingError"), "{code} {told}");
        let told =
            there.ok(&["eval", "IO.inspect({Application.get_env(:heron, :port), node(), System.argv()})", "a b"]);
        assert_eq!(told, format!("{{{}, :nonode@nohost, [\"a b\"]}}\n", there.port));
        let terminal = Terminal::of(&there.command(&["remote"]));
        terminal.shows("iex(heron_line@127.0.0.1)1>");
        terminal.types("IO.puts(\"in #{node()}\")");
        terminal.shows("in heron_line@127.0.0.1");
        there.ok(&["restart"]);
    });
    assert_eq!(there.cookie(), cookie, "a restart keeps it");
    let told = there.ok(&["describe"]);
    assert!(told.contains("node:        heron_line@127.0.0.1, cookie in ") && !told.contains(&cookie), "{told}");
    assert!(told.contains("without epmd") && told.contains(" of 127.0.0.1,"), "{told}");

    // What the environment file says now, runtime.exs reads again.
    there.environment("HERON_PORT=\nHERON_GREETING=again\n");
    there.ok(&["reload"]);
    assert!(there.answer().contains(": again by heron_line, 2"), "{}", there.answer());
    let pid = there.ok(&["pid"]);
    let owner = fs::metadata(format!("/proc/{}", pid.trim())).unwrap();
    assert_eq!(std::os::unix::fs::MetadataExt::uid(&owner) != 0, is_root());
    assert_eq!(fs::read_to_string(format!("/proc/{}/comm", pid.trim())).unwrap(), "beam.smp\n");
    assert_eq!(there.run(&["stop"]), (0, "heron-line: stopped\n".to_owned()));
    assert!(there.log().contains("heron ends: :shutdown"), "{}", there.log());
    assert_eq!(there.answer(), "");
}

#[test]
fn a_release_of_relx_is_filled_outside_of_its_tree() {
    let environment = "TERN_PORT=\nTERN_GREETING=hi\nTERN_COOKIE=open-sesame-of-the-test\n";
    let Some(there) = Unpacked::of(Kind::Relx, "", environment) else { return };
    let read_only = Command::new("chmod").args(["-R", "a-w"]).arg(there.path("usr")).status();
    assert!(read_only.unwrap().success());
    watched(&["open-sesame-of-the-test", "a-cookie-that-was-built-in"], || {
        there.ok(&["start"]);
        assert_eq!(there.answer(), "tern as tern@127.0.0.1: hi");
        assert_eq!(there.ok(&["rpc", "{node(), 1 + 1}"]), "{'tern@127.0.0.1',2}\n");
        assert_eq!(there.ok(&["rpc", "lists", "seq", "[1, 3]"]), "[1,2,3]\n");
        assert_eq!(there.run(&["rpc", "1 +"]).0, 2);
        assert_eq!(there.run(&["rpc", "lists:nth(9, [])"]).0, 1);
        assert_eq!(there.ok(&["eval", "lists:sum([1, 2])."]), "3\n");
        let told = there.typed("remote", &["io:format(\"in ~s~n\", [node()])."]);
        assert!(told.contains("in tern@127.0.0.1"), "{told}");
    });
    // The variable of vm.args is honoured, but not there.
    assert_eq!(there.cookie(), "open-sesame-of-the-test");
    assert!(there.log().contains("-setcookie is left out"), "{}", there.log());
    assert_eq!(there.ok(&["song", "la la"]), "a song of tern: la la\n");
    there.environment("TERN_PORT=\nTERN_GREETING=neu\n");
    there.ok(&["reload_config"]);
    assert_eq!(there.answer(), "tern as tern@127.0.0.1: neu");
    let script = there.holder.path().join("hi");
    fs::write(&script, "#!/usr/bin/env escript\nmain(Words) -> io:format(\"~p~n\", [Words]).\n").unwrap();
    assert_eq!(there.ok(&["escript", script.to_str().unwrap(), "a"]), "[\"a\"]\n");
    assert_eq!(there.run(&["stop"]).0, 0);

    // With a terminal of its own, and without the variable that vm.args takes a cookie from.
    let (code, told) = watched(&["a-cookie-that-was-built-in"], || there.run(&["daemon"]));
    assert_eq!(code, 0, "{told}{}", there.log());
    assert_eq!(there.answer(), "tern as tern@127.0.0.1: neu");
    let told = there.typed("attach", &["", "io:format(\"at ~s~n\", [node()])."]);
    assert!(told.contains("at tern@127.0.0.1"), "{told}");
    assert_eq!(there.run(&["status"]).0, 0);
    assert_eq!(there.run(&["stop"]).0, 0);
    assert_eq!(there.run(&["attach"]).0, 1);

    // Variables that are not set are told with their place, but for those of remarks.
    there.environment("TERN_PORT=\n");
    fs::write(there.path("etc/tern/vm.args"), "## ${NONE}\n-name tern@127.0.0.1\n+sbwt ${BUSY}\n").unwrap();
    let (code, told) = there.run(&["start"]);
    assert!(code == 1 && told.contains("/etc/tern/vm.args:3: BUSY is not set\n"), "{told}");
    assert!(!told.contains("NONE"), "{told}");
    fs::remove_file(there.path("etc/tern/vm.args")).unwrap();
    let (code, told) = there.run(&["start"]);
    assert!(code == 1 && told.contains("sys.config.src:1: TERN_GREETING is not set\n"), "{told}");
}

#[test]
fn a_release_of_distillery_keeps_its_hooks_and_commands() {
    let environment = "HERON_PORT=\nHERON_GREETING=old\nHERON_COOKIE=of-the-environment\n";
    let Some(there) = Unpacked::of(Kind::Distillery, "", environment) else { return };
    let (code, told) = there.run(&["start"]);
    assert!(code == 0 && told.contains("before heron\n"), "{told}{}", there.log());
    assert_eq!(there.answer(), "heron 0.3.1 as heron@127.0.0.1: old, 1");
    assert_eq!(there.ok(&["rpc", "IO.puts(node())"]), "heron@127.0.0.1\n");
    assert_eq!(there.cookie(), "of-the-environment");
    let release = fs::canonicalize(there.path("usr/lib/heron")).unwrap();
    assert_eq!(there.ok(&["migrate", "now"]), format!("migrating {}: now\n", release.display()));
    let told = there.typed("remote", &["IO.puts(\"in #{node()}\")"]);
    assert!(told.contains("in heron@127.0.0.1"), "{told}");
    let link = fs::read_link(there.path("usr/lib/heron/bin/absolute")).unwrap();
    assert_eq!(link, Path::new("../releases/RELEASES"), "it led into the build");
    assert_eq!(there.run(&["stop"]).0, 0);
}

#[test]
fn native_code_of_a_release_is_run() {
    let Some(there) = Unpacked::of(Kind::Nif, "", "GANNET_PORT=\n") else { return };
    there.ok(&["start"]);
    assert_eq!(there.answer(), "gannet as gannet@127.0.0.1: 42 so-so 3E19853B");
    assert_eq!(there.ok(&["rpc", "IO.puts(Gannet.Beak.add(1, 2))"]), "3\n");
    assert_eq!(there.run(&["stop"]).0, 0);
    assert!(there.log().contains("gannet ends"), "{}", there.log());
}

#[test]
fn without_a_runtime_the_hosts_is_taken_if_it_is_the_right_one() {
    let Some(there) = Unpacked::of(Kind::Bare, "", "HERON_PORT=\n") else { return };
    there.ok(&["start"]);
    assert!(there.answer().starts_with("heron 0.3.1 as heron_bare@127.0.0.1"), "{}", there.answer());
    assert_eq!(there.ok(&["rpc", "IO.puts(1)"]), "1\n");
    assert_eq!(there.run(&["stop"]).0, 0);
    let launcher = there.path("usr/lib/heron-bare/launcher/heron-bare");
    let text = fs::read_to_string(&launcher).unwrap();
    let otp = text.lines().find(|line| line.starts_with("svc_otp=")).unwrap();
    fs::write(&launcher, text.replace(otp, "svc_otp='19'")).unwrap();
    let (code, told) = there.run(&["start"]);
    assert!(code == 1 && told.contains("this release needs Erlang/OTP 19, and in "), "{told}");
}

#[test]
fn a_node_that_nobody_may_talk_to_has_no_cookie() {
    let Some(there) = Unpacked::of(Kind::Mix, "[service.node]\ndistribution = \"none\"\n", "HERON_PORT=\n") else {
        return;
    };
    there.ok(&["start"]);
    assert!(there.answer().starts_with("heron 0.3.1 as nonode@nohost"), "{}", there.answer());
    assert!(!there.path("var/lib/heron-line/.erlang.cookie").exists());
    let (code, told) = there.run(&["rpc", "1"]);
    assert!(code == 1 && told.contains("its distribution is none"), "{told}");
    assert_eq!((there.run(&["ping"]).0, there.run(&["stop"]).0), (0, 0));
}

#[test]
fn a_node_of_a_cluster_is_called_as_the_config_says() {
    let node = "[service.node]\ndistribution = \"cluster\"\nname = \"heron@${HERON_HOST}\"\nport = 23999\n";
    let Some(there) = Unpacked::of(Kind::Mix, node, "HERON_PORT=\nHERON_HOST=127.0.0.2\n") else { return };
    there.ok(&["start"]);
    assert!(there.answer().starts_with("heron 0.3.1 as heron@127.0.0.2"), "{}", there.answer());
    assert_eq!(there.ok(&["rpc", "IO.puts(node())"]), "heron@127.0.0.2\n");
    assert!(fs::read_to_string("/proc/net/tcp").unwrap().contains(&format!(": 00000000:{:04X} ", 23999)));
    assert_eq!(there.run(&["stop"]).0, 0);
}

/// As `tests/install/shellcheck.rs` for what every service has; busybox runs it in the test of the image.
#[test]
fn nothing_is_found_in_the_launcher_of_a_node() {
    for kind in [Kind::Mix, Kind::Distillery, Kind::Bare] {
        let Some(there) = Unpacked::of(kind, "", "") else { return };
        let launcher = there.path(&format!("usr/lib/{0}/launcher/{0}", there.name));
        tool("shellcheck", &["--shell=sh", "--severity=style", "--norc", launcher.to_str().unwrap()]);
        for shell in [&["dash"][..], &["busybox", "sh"]] {
            tool(shell[0], &[&shell[1..], &["-n", launcher.to_str().unwrap()]].concat());
        }
    }
}

/// At any moment of the boot, in the foreground as in the background.
#[test]
fn a_signal_is_never_lost() {
    let Some(there) = Unpacked::of(Kind::Mix, "", "HERON_PORT=\n") else { return };
    let mut slowest = Duration::ZERO;
    for round in 0..rounds() {
        let moment = Duration::from_millis(u64::from(round % 60) * 20);
        let told = there.holder.path().join("told");
        let file = fs::File::create(&told).unwrap();
        let mut command = there.command(&["foreground"]);
        let mut child = command.stdout(file.try_clone().unwrap()).stderr(file).spawn().unwrap();
        std::thread::sleep(moment);
        let asked = Instant::now();
        assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
        let status = child.wait().unwrap();
        // Before the launcher runs there is nobody but the kernel to heed it.
        let by_kernel = std::os::unix::process::ExitStatusExt::signal(&status) == Some(15);
        let told = fs::read_to_string(&told).unwrap();
        assert!(status.success() || (by_kernel && told.is_empty()), "{moment:?}: {status}: {told}");
        slowest = slowest.max(asked.elapsed());
    }
    println!("{} boots, the slowest ended after {slowest:?}", rounds());
    assert!(slowest < Duration::from_secs(30), "{slowest:?}");
    assert!(!beam_of(&there.tree()), "a node is left");
}

/// Whether a runtime in this folder runs.
fn beam_of(folder: &Path) -> bool {
    let folder = fs::canonicalize(folder).unwrap();
    let all = fs::read_dir("/proc").unwrap().flatten();
    all.filter_map(|entry| fs::read_link(entry.path().join("exe")).ok()).any(|exe| exe.starts_with(&folder))
}
