//! An umbrella with two releases, one of them without ERTS: a config file for each packages them out of one project, and
//! both run on one host.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::archives::{free_port, said, unpack};
use crate::image::{Podman, greeting, image_of, possible};
use crate::machine::Machine;
use crate::roots::{BROKERS, Root, TESTING};
use crate::support::{artifact_of, copy_tree, finish, project, run, tool};

const UMBRELLA: &str = r#"defmodule Mill.Umbrella.MixProject do
  use Mix.Project

  def project do
    [
      apps_path: "apps",
      version: "1.0.0",
      start_permanent: Mix.env() == :prod,
      deps: [],
      releases: [
        mill_web: [applications: [mill_web: :permanent]],
        mill_jobs: [applications: [mill_jobs: :permanent], include_erts: false]
      ]
    ]
  end
end
"#;

const APPLICATION: &str = r#"defmodule @MODULE@.MixProject do
  use Mix.Project

  def project do
    [
      app: :@NAME@,
      version: "1.0.0",
      build_path: "../../_build",
      config_path: "../../config/config.exs",
      deps_path: "../../deps",
      lockfile: "../../mix.lock",
      deps: @DEPS@
    ]
  end

  def application, do: @APPLICATION@
end
"#;

/// What both are made with: it says who it is, and keeps a file of its own as a cookie or a key is kept.
const SHARED: &str = r##"defmodule Mill do
  def start(name, word) do
    File.write!("key", word)
    File.chmod!("key", 0o600)
    port = String.to_integer(System.fetch_env!("MILL_PORT"))
    {:ok, socket} = :gen_tcp.listen(port, [:binary, active: false, reuseaddr: true, ip: {127, 0, 0, 1}])
    Supervisor.start_link([{Task, fn -> serve(socket, name, word) end}], strategy: :one_for_one)
  end

  defp serve(socket, name, word) do
    {:ok, client} = :gen_tcp.accept(socket)
    :gen_tcp.send(client, "#{name} as #{node()} by #{:code.root_dir()}, #{word}\n")
    :gen_tcp.close(client)
    serve(socket, name, word)
  end
end
"##;

const WEB: &str = r#"defmodule MillWeb do
  use Application

  @impl true
  def start(_type, _arguments), do: Mill.start("web", "plain")
end
"#;

/// An application of OTP that Debian packs by itself is used.
const JOBS: &str = r#"defmodule MillJobs do
  use Application

  @impl true
  def start(_type, _arguments), do: Mill.start("jobs", Base.encode16(:crypto.hash(:md5, "grain")))
end
"#;

const CONFIG: &str = r#"
[package]
name       = "mill-@PART@"
version    = { from = "release" }
summary    = "The @PART@ of the mill"
maintainer = "Ops Team <ops@example.org>"
license    = "MIT"

[build]
preset  = "otp"
tool    = "mix"
input   = "_build/prod/rel/mill_@PART@"
formats = ["deb", "rpm"]

[[service]]
env   = { MILL_PORT = "@PORT@" }
ready = "notify"
"#;

const PARTS: [(&str, u16); 2] = [("web", 4221), ("jobs", 4222)];

/// Both, built once: what keeps them, and their output folders; none if that cannot be done here.
fn built() -> Option<&'static (tempfile::TempDir, [PathBuf; 2])> {
    static BUILT: OnceLock<Option<(tempfile::TempDir, [PathBuf; 2])>> = OnceLock::new();
    BUILT.get_or_init(|| tool("elixir", &["--version"]).map(|_| build())).as_ref()
}

/// The artifact of this kind in an output folder.
fn artifact(folder: &Path, suffix: &str) -> PathBuf {
    let mut files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.find(|path| path.to_str().unwrap().ends_with(suffix)).unwrap()
}

fn build() -> (tempfile::TempDir, [PathBuf; 2]) {
    let mix = |name: &str, module: &str, deps: &str, application: &str| {
        let text = APPLICATION.replace("@NAME@", name).replace("@MODULE@", module);
        text.replace("@DEPS@", deps).replace("@APPLICATION@", application)
    };
    let of = "[{:mill, in_umbrella: true}]";
    let config = |(part, port): (&str, u16)| CONFIG.replace("@PART@", part).replace("@PORT@", &port.to_string());
    let files = [
        ("mix.exs", UMBRELLA.to_owned()),
        ("config/config.exs", "import Config\n".to_owned()),
        ("apps/mill/mix.exs", mix("mill", "Mill", "[]", "[extra_applications: [:logger]]")),
        ("apps/mill/lib/mill.ex", SHARED.to_owned()),
        ("apps/mill_web/mix.exs", mix("mill_web", "MillWeb", of, "[mod: {MillWeb, []}]")),
        ("apps/mill_web/lib/mill_web.ex", WEB.to_owned()),
        (
            "apps/mill_jobs/mix.exs",
            mix("mill_jobs", "MillJobs", of, "[mod: {MillJobs, []}, extra_applications: [:crypto]]"),
        ),
        ("apps/mill_jobs/lib/mill_jobs.ex", JOBS.to_owned()),
        ("web.toml", config(PARTS[0])),
        ("jobs.toml", config(PARTS[1])),
    ];
    let folder = project(&files.each_ref().map(|(name, text)| (*name, text.as_str())));
    let build = |part: &str| {
        let (code, stdout, stderr) =
            run(folder.path(), &["build", "--config", &format!("{part}.toml"), "--out", &format!("dist/{part}")]);
        assert_eq!(code, 0, "{stderr}");
        assert_eq!(stdout.lines().count(), 2, "{stdout}");
        (folder.path().join("dist").join(part), stderr)
    };
    let made = PARTS.map(|(part, _)| build(part).0);
    // What the one makes is nothing that the other has to be built for again.
    for (part, _) in PARTS {
        let (_, stderr) = build(part);
        assert!(stderr.contains("Skipped"), "{part}: {stderr}");
    }
    begun(folder.path());
    (folder, made)
}

/// `init` writes a config for each release, and both are whole.
fn begun(folder: &Path) {
    let (code, _, stderr) = run(folder, &["init"]);
    assert_eq!(code, 0, "{stderr}");
    assert!(stderr.contains("an Elixir umbrella"), "{stderr}");
    assert!(stderr.contains("`fitout build --config fitout-mill_jobs.toml --out dist/mill_jobs`"), "{stderr}");
    for (config, name) in [("fitout.toml", "mill-web"), ("fitout-mill_jobs.toml", "mill-jobs")] {
        let (code, plan, stderr) = run(folder, &["plan", "--config", config, "--format", "deb"]);
        assert!(code == 0 && plan.contains(&format!("/usr/lib/{name}/releases/1.0.0")), "{stderr}{plan}");
    }
}

/// The value of a field of a deb.
fn field(deb: &Path, name: &str) -> String {
    let output = Command::new("dpkg-deb").arg("--field").arg(deb).arg(name).output().unwrap();
    let (code, stdout, stderr) = finish(output);
    assert_eq!(code, 0, "{stderr}");
    stdout.trim().to_owned()
}

#[test]
fn two_releases_of_an_umbrella_run_on_one_host() {
    let (Some(root), Some((_, folders))) = (Root::of(&BROKERS), built()) else { return };
    let [web, jobs] = folders.each_ref().map(|folder| artifact(folder, ".deb"));
    let depends = field(&jobs, "Depends");
    for name in ["erlang-base", "erlang-crypto"] {
        assert!(
            depends.contains(&format!("{name} (>= 1:")) && depends.contains(&format!("{name} (<< 1:")),
            "{depends}"
        );
    }
    assert_eq!(field(&jobs, "Architecture"), "all");
    assert!(!field(&web, "Depends").contains("erlang"));

    fs::copy(&web, root.at("/web.deb")).unwrap();
    fs::copy(&jobs, root.at("/jobs.deb")).unwrap();
    let Some(machine) = Machine::boot(root) else { return };
    machine.ok(&["apt-get", "-y", "-q", "install", "/web.deb", "/jobs.deb"]);
    // They have started when the installation is over: nothing is waited for.
    let answer = |port: u16| machine.sh(&format!("exec 3<>/dev/tcp/127.0.0.1/{port} && cat <&3"));
    let told = PARTS.map(|(_, port)| answer(port));
    assert_eq!(told[0], "web as mill_web@127.0.0.1 by /usr/lib/mill-web, plain");
    assert_eq!(told[1], "jobs as mill_jobs@127.0.0.1 by /usr/lib/erlang, C773063257201C66448C8FF50BD4EBBB");
    for (part, _) in PARTS {
        let name = format!("mill-{part}");
        let unit = format!("{name}.service");
        let process = machine.show(&unit, "MainPID");
        assert_eq!(machine.ok(&["stat", "-c", "%U", &format!("/proc/{process}")]), name);
        assert_eq!(machine.sh(&format!("stat -c '%U %a' /var/lib/{name}/key")), format!("{name} 600"));
        assert_eq!(machine.ok(&[&name, "rpc", "IO.puts(node())"]), format!("mill_{part}@127.0.0.1"));
        machine.ok(&["systemctl", "stop", &unit]);
        let facts = ["ActiveState", "Result", "ExecMainStatus"].map(|property| machine.show(&unit, property));
        assert_eq!(facts, ["inactive", "success", "0"], "{}", machine.journal(&unit));
        machine.ok(&["systemctl", "start", &unit]);
    }
    // One goes, the other goes on.
    machine.ok(&["apt-get", "-y", "-q", "purge", "mill-web"]);
    assert!(!machine.root.has("/var/lib/mill-web") && !machine.root.has("/usr/lib/mill-web"));
    assert_eq!(answer(4222), told[1]);
}

/// As rpms: the one with a runtime starts, and the other asks for one, by its relations and when it starts.
#[test]
fn two_releases_of_an_umbrella_are_rpms() {
    let (Some(root), Some((_, folders))) = (Root::of(&TESTING), built()) else { return };
    for (folder, (part, _)) in folders.iter().zip(PARTS) {
        fs::copy(artifact(folder, ".rpm"), root.at(&format!("/package-of-the-test-{part}.rpm"))).unwrap();
    }
    let Some(machine) = Machine::boot(root) else { return };
    let rpms = PARTS.map(|(part, _)| format!("/package-of-the-test-{part}.rpm"));
    let needs = machine.ok(&["rpm", "-qp", "--requires", &rpms[1]]);
    assert!(needs.contains("erlang-erts >= ") && needs.contains("erlang-crypto < "), "{needs}");
    let (code, told) = machine.run(&["rpm", "-U", &rpms[1]]);
    assert!(code != 0 && told.contains("erlang-erts"), "{told}");
    machine.ok(&["rpm", "-U", "--nodeps", &rpms[0], &rpms[1]]);
    let told = machine.sh("exec 3<>/dev/tcp/127.0.0.1/4221 && cat <&3");
    assert_eq!(told, "web as mill_web@127.0.0.1 by /usr/lib/mill-web, plain");
    assert_eq!(machine.ok(&["mill-web", "rpc", "IO.puts(node())"]), "mill_web@127.0.0.1");
    machine.ok(&["systemctl", "stop", "mill-web.service"]);
    let facts = ["Result", "ExecMainStatus"].map(|property| machine.show("mill-web.service", property));
    assert_eq!(facts, ["success", "0"]);
    assert_ne!(machine.show("mill-jobs.service", "ActiveState"), "active");
    let journal = machine.journal("mill-jobs.service");
    assert!(journal.contains("is not installed: there is no erl"), "{journal}");
}

/// A release of the umbrella with a config of its own, for an account that is there.
fn again(folder: &Path, part: &str, port: u16) -> tempfile::TempDir {
    let config = CONFIG.replace("@PART@", part).replace("@PORT@", &port.to_string());
    let config = config.replace("tool    = \"mix\"\n", "").replace("formats = [\"deb\", \"rpm\"]\n", "");
    let config = config.replace(&format!("_build/prod/rel/mill_{part}"), "rel");
    let node = format!("user = \"games\"\n[service.node]\nport = {}\n", free_port());
    let project = project(&[("fitout.toml", &(config + &node))]);
    copy_tree(&folder.join(format!("_build/prod/rel/mill_{part}")), &project.path().join("rel"));
    project
}

/// What both tell, by the folder of the runtime.
fn tells(part: &str, runtime: &str) -> String {
    let word = if part == "web" { "plain" } else { "C773063257201C66448C8FF50BD4EBBB" };
    format!("{part} as mill_{part}@127.0.0.1 by {runtime}, {word}")
}

#[test]
fn two_releases_of_an_umbrella_are_archives() {
    let Some((folder, _)) = built() else { return };
    for (part, _) in PARTS {
        let port = free_port();
        let project = again(folder.path(), part, port);
        let (code, _, stderr) = run(project.path(), &["build", "--format", "tarball"]);
        assert_eq!(code, 0, "{stderr}");
        let holder = tempfile::tempdir().unwrap();
        fs::set_permissions(holder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        unpack(&artifact_of(project.path(), ".tar.gz"), &holder.path().join("tree"));
        let tree = fs::canonicalize(holder.path().join("tree")).unwrap();
        let ask = |words: &[&str]| {
            let mut command = Command::new("env");
            command.arg("--default-signal").arg(tree.join(format!("usr/bin/mill-{part}"))).args(words);
            said(command.stdin(std::process::Stdio::null()).output().unwrap())
        };
        let (code, told) = ask(&["start"]);
        assert_eq!(code, 0, "{told}");
        let mut answer = String::new();
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
        std::io::Read::read_to_string(&mut stream, &mut answer).unwrap();
        let own = format!("{}/usr/lib/mill-web", tree.display());
        assert_eq!(answer.trim_end(), tells(part, if part == "web" { &own } else { "/usr/lib/erlang" }));
        assert_eq!(ask(&["rpc", "IO.puts(1 + 1)"]), (0, "2\n".to_owned()));
        assert_eq!(ask(&["stop"]).0, 0);
    }
}

#[test]
fn two_releases_of_an_umbrella_are_images() {
    let Some((folder, _)) = built().filter(|_| possible()) else { return };
    let own = ["usr/lib/*/erts-*/bin/beam.smp", "usr/lib/*/erts-*/bin/erlexec"];
    // A base with the runtime that the release was made with.
    let of_base = [
        "/usr/bin/erl",
        "/usr/lib/erlang/bin/",
        "/usr/lib/erlang/releases/",
        "/usr/lib/erlang/erts-*/",
        "/usr/lib/erlang/lib/{kernel,stdlib,compiler,sasl,crypto}-*/",
        "/usr/lib/erlang/erts-*/bin/beam.smp",
        "/usr/lib/erlang/erts-*/bin/erlexec",
        "/usr/lib/erlang/lib/crypto-*/priv/lib/crypto.so",
    ];
    for ((part, port), programs) in PARTS.into_iter().zip([&own[..], &of_base]) {
        let project = again(folder.path(), part, port);
        let archive = image_of(project.path(), programs);
        let podman = Podman::new();
        let image = podman.ok(&["pull", "--quiet", &format!("docker-archive:{}", archive.display())]);
        // What it keeps, it writes.
        let state = format!("--volume=state:/var/lib/mill-{part}");
        let container = podman.started(&[&state], &image);
        let process = podman.ok(&["inspect", "--format={{.State.Pid}}", &container]);
        let until = Instant::now() + Duration::from_secs(60);
        let expected = tells(part, if part == "web" { "/usr/lib/mill-web" } else { "/usr/lib/erlang" });
        while greeting(&process, port) != expected {
            let (_, logs) = podman.said(&["logs", &container]);
            assert!(Instant::now() < until, "{part}: {:?}: {logs}", greeting(&process, port));
            std::thread::sleep(Duration::from_millis(100));
        }
        let command = format!("/usr/bin/mill-{part}");
        assert_eq!(podman.ok(&["exec", &container, &command, "rpc", "IO.puts(1 + 1)"]), "2");
        podman.ok(&["stop", "--time=30", &container]);
        assert_eq!(podman.ok(&["wait", &container]), "0");
    }
}
