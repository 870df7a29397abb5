//! An umbrella with two releases, one of them without ERTS: a config file for each packages them out of one project, and
//! both run on one host.

use std::fs;
use std::path::PathBuf;

use crate::machine::Machine;
use crate::roots::{BROKERS, Root};
use crate::support::{finish, project, run, tool};

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
formats = ["deb"]

[[service]]
env   = { MILL_PORT = "@PORT@" }
ready = "notify"
"#;

const PARTS: [(&str, u16); 2] = [("web", 4221), ("jobs", 4222)];

/// Builds both; what keeps them, and the packages.
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
        (folder.path().join(stdout.trim()), stderr)
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
fn begun(folder: &std::path::Path) {
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
fn field(deb: &std::path::Path, name: &str) -> String {
    let output = std::process::Command::new("dpkg-deb").arg("--field").arg(deb).arg(name).output().unwrap();
    let (code, stdout, stderr) = finish(output);
    assert_eq!(code, 0, "{stderr}");
    stdout.trim().to_owned()
}

#[test]
fn two_releases_of_an_umbrella_run_on_one_host() {
    if tool("elixir", &["--version"]).is_none() {
        return;
    }
    let Some(root) = Root::of(&BROKERS) else { return };
    let (_folder, [web, jobs]) = build();
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
