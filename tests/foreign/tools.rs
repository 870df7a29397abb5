//! Build tools, for real: their steps, and that what they keep is worth something in another checkout.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::{copy_tree, finish, fitout, root, tool};

/// Git repositories beside each other, and a cache that builds share.
struct Rig {
    top: tempfile::TempDir,
}

impl Rig {
    fn new() -> Self {
        Self { top: tempfile::tempdir().unwrap() }
    }

    fn at(&self, name: &str) -> PathBuf {
        fs::canonicalize(self.top.path()).unwrap().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.at(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn git(&self, repository: &str, arguments: &[&str]) {
        let mut command = Command::new("git");
        command.arg("-C").arg(self.at(repository)).args(["-c", "user.name=t", "-c", "user.email=t@example.org"]);
        let (code, _, stderr) = finish(command.args(arguments).output().unwrap());
        assert_eq!(code, 0, "git {arguments:?}: {stderr}");
    }

    fn commit(&self, repository: &str) {
        self.git(repository, &["init", "-q"]);
        self.git(repository, &["add", "-A"]);
        self.git(repository, &["commit", "-qm", "x"]);
    }

    /// A dependency with as many modules.
    fn dependency(&self, name: &str, modules: usize) {
        let module = format!("{}{}", name[..1].to_uppercase(), &name[1..]);
        self.write(
            &format!("{name}/mix.exs"),
            &format!("defmodule {module}.MixProject do\n  use Mix.Project\n  def project, do: [app: :{name}, version: \"0.1.0\"]\nend\n"),
        );
        for number in 0..modules {
            self.write(
                &format!("{name}/lib/m{number}.ex"),
                &format!("defmodule {module}.M{number} do\n  def one, do: {number}\nend\n"),
            );
        }
        self.commit(name);
    }

    fn project(&self, build: &str) {
        let dep = |name: &str| format!("{{:{name}, git: \"{}\"}}", self.at(name).display());
        self.write(
            "one/mix.exs",
            &format!(
                "defmodule Web.MixProject do\n  use Mix.Project\n  def project do\n    [app: :web, version: \"1.2.3\", \
                 deps: [{}, {}], releases: [web: [include_erts: false]]]\n  end\n  def application, do: [extra_applications: [:logger]]\nend\n",
                dep("alpha"),
                dep("beta")
            ),
        );
        self.write("one/lib/web.ex", "defmodule Web do\n  def one, do: Alpha.M0.one()\nend\n");
        self.write("one/lib/other.ex", "defmodule Other do\n  def one, do: 1\nend\n");
        self.write("one/test/test_helper.exs", "ExUnit.start()\n");
        self.write(
            "one/test/web_test.exs",
            "defmodule WebTest do\n  use ExUnit.Case\n  test \"one\", do: assert Web.one() == 0\nend\n",
        );
        self.write("one/.gitignore", "/_build\n/deps\n/dist\n");
        self.write(
            "one/fitout.toml",
            &format!(
                "[package]\nname = \"web\"\nsummary = \"A web\"\nmaintainer = \"A <a@example.org>\"\nlicense = \"MIT\"\n\n\
                 [build]\npreset = \"otp\"\ntool = \"mix\"\ninput = \"_build/prod/rel/web\"\nformats = [\"tarball\"]\n{build}\n"
            ),
        );
        self.lock("one", &["deps.get"]);
        self.commit("one");
    }

    /// Runs Mix for its lock file; what it brings does not stay.
    fn lock(&self, repository: &str, arguments: &[&str]) {
        let mut mix = Command::new("mix");
        let (code, stdout, stderr) = finish(mix.args(arguments).current_dir(self.at(repository)).output().unwrap());
        assert_eq!(code, 0, "{stdout}{stderr}");
        for folder in ["deps", "_build"] {
            let _ = fs::remove_dir_all(self.at(repository).join(folder));
        }
    }

    fn build(&self, repository: &str, args: &[&str]) -> (i32, String) {
        let mut command = fitout(&self.at(repository));
        command.arg("build").args(args).env("FITOUT_CACHE_DIR", self.at("cache")).env("MIX_ENV", "dev");
        let (code, _, stderr) = finish(command.output().unwrap());
        (code, stderr)
    }

    fn built(&self, repository: &str) -> String {
        let (code, said) = self.build(repository, &[]);
        assert_eq!(code, 0, "{said}");
        said
    }
}

/// Makes a file look as if it had been checked out long ago.
fn age(path: &Path) {
    let old = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    fs::File::options().write(true).open(path).unwrap().set_modified(old).unwrap();
}

/// The artifact, wherever its name says that it belongs.
fn artifacts(folder: &Path) -> usize {
    let names = fs::read_dir(folder.join("dist")).unwrap().map(|entry| entry.unwrap().file_name());
    names.filter(|name| name.to_string_lossy().ends_with(".tar.gz")).count()
}

#[test]
fn mix_goes_on_in_another_checkout() {
    if tool("elixir", &["--version"]).is_none() {
        return;
    }
    let rig = Rig::new();
    rig.dependency("alpha", 1);
    rig.dependency("beta", 1);
    rig.project("");
    let (code, said) = rig.build("one", &[]);
    assert_eq!(code, 0, "{said}");
    for line in [
        "==> alpha",
        "==> beta",
        "Compiling 2 files (.ex)",
        "Generated web app",
        "assembling web-1.2.3 on MIX_ENV=prod",
    ] {
        assert!(said.contains(line), "{line}:\n{said}");
    }
    let (_, said) = rig.build("one", &[]);
    assert!(said.contains("Skipped mix") && !said.contains("Running"), "{said}");

    // Elsewhere nothing is compiled.
    rig.git(".", &["clone", "-q", "one", "two"]);
    let (code, said) = rig.build("two", &[]);
    assert!(code == 0 && said.contains("Restored deps, _build from the cache"), "{said}");
    assert!(!said.contains("Compiling") && !said.contains("Getting"), "{said}");

    // A source that changed, of the same size and older than what was built: it alone is compiled.
    rig.git(".", &["clone", "-q", "one", "three"]);
    rig.write("three/lib/other.ex", "defmodule Other do\n  def one, do: 2\nend\n");
    age(&rig.at("three/lib/other.ex"));
    let (code, said) = rig.build("three", &[]);
    assert!(code == 0 && said.contains("Compiling 1 file (.ex)") && !said.contains("==>"), "{said}");

    // One dependency is another: it alone is built.
    rig.write("beta/lib/more.ex", "defmodule Beta.More do\nend\n");
    rig.commit("beta");
    rig.git(".", &["clone", "-q", "one", "four"]);
    rig.lock("four", &["deps.update", "beta"]);
    let (code, said) = rig.build("four", &[]);
    assert!(code == 0 && said.contains("of an earlier lock file"), "{said}");
    assert!(said.contains("==> beta") && said.contains("Compiling 2 files (.ex)"), "{said}");
    assert!(!said.contains("==> alpha"), "{said}");
    assert!(["one", "two", "three", "four"].iter().all(|name| artifacts(&rig.at(name)) == 1));
}

#[test]
fn an_umbrella_has_two_releases_and_one_cache() {
    if tool("elixir", &["--version"]).is_none() {
        return;
    }
    let rig = Rig::new();
    rig.write(
        "one/mix.exs",
        "defmodule Um.MixProject do\n  use Mix.Project\n  def project, do: [apps_path: \"apps\", version: \"0.1.0\", deps: [], \
         releases: [left: [version: \"1.0.0\", applications: [left: :permanent]], \
         right: [version: \"2.0.0\", include_erts: false, applications: [right: :permanent]]]]\nend\n",
    );
    for (name, module) in [("left", "Left"), ("right", "Right")] {
        rig.write(
            &format!("one/apps/{name}/mix.exs"),
            &format!(
                "defmodule {module}.MixProject do\n  use Mix.Project\n  def project, do: [app: :{name}, version: \"0.1.0\", \
                 build_path: \"../../_build\", deps_path: \"../../deps\", lockfile: \"../../mix.lock\", deps: []]\nend\n"
            ),
        );
        rig.write(
            &format!("one/apps/{name}/lib/{name}.ex"),
            &format!("defmodule {module} do\n  def one, do: 1\nend\n"),
        );
        // Without a name: a clone is known by where it came from.
        rig.write(
            &format!("one/{name}.toml"),
            &format!(
                "[package]\nsummary = \"The {name}\"\nmaintainer = \"A <a@example.org>\"\nlicense = \"MIT\"\n\n\
                 [build]\npreset = \"otp\"\ntool = \"mix\"\ninput = \"_build/prod/rel/{name}\"\nformats = [\"tarball\"]\n"
            ),
        );
    }
    rig.write("one/.gitignore", "/_build\n/deps\n/dist\n");
    rig.commit("one");
    rig.git(".", &["clone", "-q", "one", "two"]);
    for (name, files) in [("left", 2), ("right", 0)] {
        let (code, said) = rig.build("one", &["--config", &format!("{name}.toml"), "--out", &format!("dist/{name}")]);
        assert!(code == 0 && said.matches("Compiling 1 file (.ex)").count() == files, "{said}");
        assert!(said.contains("Kept deps, _build in the cache: 1"), "releases are not kept: {said}");
    }
    let mut fastest = Duration::MAX;
    for name in ["left", "right", "left", "right"] {
        let begun = Instant::now();
        let (_, said) = rig.build("one", &["--config", &format!("{name}.toml"), "--out", &format!("dist/{name}")]);
        assert!(said.contains("Skipped mix"), "{said}");
        fastest = fastest.min(begun.elapsed());
    }
    // Whatever else the machine does meanwhile.
    assert!(fastest < Duration::from_millis(500), "{fastest:?}");
    let (code, said) = rig.build("two", &["--config", "right.toml"]);
    assert!(code == 0 && said.contains("Restored deps, _build") && !said.contains("Compiling"), "{said}");
}

#[test]
fn a_failing_test_of_mix_packs_nothing() {
    if tool("elixir", &["--version"]).is_none() {
        return;
    }
    let rig = Rig::new();
    rig.dependency("alpha", 1);
    rig.dependency("beta", 1);
    rig.project("test = \"mix test\"");
    rig.write("one/lib/web.ex", "defmodule Web do\n  def one, do: 7\nend\n");
    let (code, said) = rig.build("one", &[]);
    assert!(code == 3 && said.contains("error[build/test-failed]") && said.contains("1 test, 1 failure"), "{said}");
    assert!(!rig.at("one/dist").exists());
    rig.write("one/lib/web.ex", "defmodule Web do\n  def one, do: Alpha.M0.one()\nend\n");
    let (code, said) = rig.build("one", &[]);
    assert!(code == 0 && said.contains("1 test, 0 failures"), "{said}");
    assert_eq!(artifacts(&rig.at("one")), 1);
}

#[test]
fn cargo_goes_on_with_what_it_kept() {
    if tool("cargo", &["--version"]).is_none() {
        return;
    }
    let rig = Rig::new();
    let folder = rig.at("hello-rust");
    copy_tree(&root().join("examples/hello-rust"), &folder);
    for made in ["target", "dist"] {
        let _ = fs::remove_dir_all(folder.join(made));
    }
    let config = fs::read_to_string(folder.join("fitout.toml")).unwrap();
    let command = "command = \"cargo build --release --locked --offline\"";
    assert!(config.contains(command));
    rig.write("hello-rust/fitout.toml", &config.replace(command, "tool = \"cargo\"\nformats = [\"tarball\"]"));
    let said = rig.built("hello-rust");
    assert!(said.contains("Compiling hello-rust"), "{said}");
    assert!(rig.built("hello-rust").contains("Skipped cargo"));
    fs::remove_dir_all(folder.join("target")).unwrap();
    let said = rig.built("hello-rust");
    assert!(said.contains("Restored target from the cache") && !said.contains("Compiling"), "{said}");
    // Cargo compares times only: a change that is older than what was built must not be missed.
    fs::remove_dir_all(folder.join("target")).unwrap();
    let source = fs::read_to_string(folder.join("src/main.rs")).unwrap();
    rig.write("hello-rust/src/main.rs", &format!("{source}// changed\n"));
    age(&folder.join("src/main.rs"));
    let said = rig.built("hello-rust");
    assert!(said.contains("Restored") && said.contains("Compiling hello-rust"), "{said}");
}

#[test]
fn npm_installs_once_and_builds() {
    if tool("npm", &["--version"]).is_none() {
        return;
    }
    let rig = Rig::new();
    rig.write("site/greet/package.json", "{ \"name\": \"greet\", \"version\": \"1.0.0\" }\n");
    rig.write("site/greet/index.js", "module.exports = 'hello'\n");
    rig.write(
        "site/package.json",
        "{ \"name\": \"site\", \"version\": \"1.0.0\", \"dependencies\": { \"greet\": \"file:greet\" }, \
         \"scripts\": { \"build\": \"mkdir -p out && node -p \\\"require('greet')\\\" > out/index.txt\" } }\n",
    );
    rig.write(
        "site/fitout.toml",
        "[package]\nname = \"site\"\nversion = \"1.0.0\"\nsummary = \"A site\"\nmaintainer = \"A <a@example.org>\"\nlicense = \"MIT\"\n\n\
         [build]\npreset = \"plain\"\ntool = \"npm\"\ninput = \"out\"\nformats = [\"tarball\"]\n",
    );
    let mut npm = Command::new("npm");
    npm.args(["install", "--package-lock-only", "--offline", "--no-audit"]).current_dir(rig.at("site"));
    let (code, stdout, stderr) = finish(npm.output().unwrap());
    assert_eq!(code, 0, "{stdout}{stderr}");
    let said = rig.built("site");
    assert!(said.contains("Running npm run build"), "{said}");
    assert_eq!(fs::read_to_string(rig.at("site/out/index.txt")).unwrap(), "hello\n");
    assert!(rig.built("site").contains("Skipped npm"));
}
