//! `fitout init`: what it writes is a config that builds, and what is there is never overwritten.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{artifact_of, copy_example, copy_tree, project, root, run, tool};

#[test]
fn init_never_overwrites() {
    let folder = project(&[("tree/a", "a")]);
    let (code, _, stderr) = run(folder.path(), &["init"]);
    assert_eq!(code, 0, "{stderr}");
    let config = folder.path().join("fitout.toml");
    let first = fs::read_to_string(&config).unwrap();
    fs::write(&config, format!("# mine\n{first}")).unwrap();
    let (code, stdout, stderr) = run(folder.path(), &["init"]);
    assert_eq!(code, 0, "{stderr}");
    assert!(stdout.contains("-# mine"), "no diff: {stdout}");
    assert_eq!(fs::read_to_string(&config).unwrap(), format!("# mine\n{first}"));
}

#[test]
fn a_folder_of_unknown_kind_is_packed_without_its_secrets() {
    let folder = project(&[
        ("site/page.html", "hello"),
        ("site/.env", "PASSWORD=x"),
        ("site/deep/.env", "PASSWORD=x"),
        ("site/deep/page.html", "hello"),
        ("site/.venv/bin/python", ""),
        ("site/node_modules/left/pad.js", ""),
        ("site/target/debug/x", ""),
        ("site/_build/dev/x", ""),
        ("site/app/__pycache__/x.pyc", ""),
        ("site/venv/bin/python", ""),
        ("site/keys/signing.asc", ""),
        ("site/keys/tls.pem", ""),
    ]);
    let site = folder.path().join("site");
    assert_eq!(run(&site, &["init"]).0, 0);
    let (code, plan, stderr) = run(&site, &["plan", "--format", "tarball"]);
    assert_eq!(code, 0, "{stderr}");
    assert!(plan.contains("/usr/lib/site/page.html") && plan.contains("/usr/lib/site/deep/page.html"), "{plan}");
    for secret in [
        ".env",
        ".venv",
        "node_modules",
        "target/",
        "_build",
        "fitout.toml",
        "venv",
        "app/__pycache__",
        "keys/tls.pem",
        "keys/signing.asc",
    ] {
        assert!(!plan.contains(&format!("/usr/lib/site/{secret}")), "{secret} is packed:\n{plan}");
        assert!(!plan.contains("deep/.env"), "{plan}");
    }
}

#[test]
fn an_empty_folder_gets_an_example_and_is_told_so() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("empty/.git")).unwrap();
    let empty = folder.path().join("empty");
    let (code, _, stderr) = run(&empty, &["init"]);
    assert_eq!(code, 0, "{stderr}");
    assert!(stderr.contains("nothing that could be packed yet"), "{stderr}");
    assert!(stderr.contains("say in fitout.toml what is to be packed"), "{stderr}");
    let (code, _, stderr) = run(&empty, &["plan"]);
    assert_eq!(code, 2, "{stderr}");
    assert!(stderr.contains("error[resolve/nothing-to-pack]"), "{stderr}");
    // The example is one that works.
    let config = empty.join("fitout.toml");
    let text = fs::read_to_string(&config).unwrap();
    let (before, example) = text.split_once("# [[files]]\n").unwrap();
    fs::write(&config, format!("{before}[[files]]\n{}", example.replace("# from", "from").replace("# to", "to")))
        .unwrap();
    fs::create_dir(empty.join("build")).unwrap();
    fs::write(empty.join("build/page.html"), "hello").unwrap();
    let (code, plan, stderr) = run(&empty, &["plan"]);
    assert_eq!(code, 0, "{stderr}");
    assert!(plan.contains("/usr/lib/empty/page.html"), "{plan}");
}

/// An example without its config, and what `init` writes for it.
fn begun(name: &str, folder: &Path) -> String {
    copy_example(name, folder);
    let project = folder.join(name);
    fs::remove_file(project.join("fitout.toml")).unwrap();
    let (code, _, stderr) = run(&project, &["init"]);
    assert_eq!(code, 0, "{name}: {stderr}");
    assert!(stderr.contains("Wrote fitout.toml"), "{name}: {stderr}");
    fs::read_to_string(project.join("fitout.toml")).unwrap()
}

/// Builds by the config that `init` wrote: five artifacts, none of which is empty.
fn builds(project: &Path) {
    let (code, stdout, stderr) = run(project, &["build"]);
    assert_eq!(code, 0, "{}: {stderr}", project.display());
    assert_eq!(stdout.lines().count(), 5, "{stdout}");
    for artifact in stdout.lines() {
        let (code, said, stderr) = run(project, &["inspect", "--tree", artifact]);
        assert_eq!(code, 0, "{artifact}: {stderr}");
        assert!(said.contains("/usr/"), "{artifact}: {said}");
    }
}

#[test]
fn its_config_builds_a_tree() {
    let folder = tempfile::tempdir().unwrap();
    let config = begun("plain", folder.path());
    assert!(config.contains("preset  = \"plain\"") && config.contains("file:VERSION"), "{config}");
    builds(&folder.path().join("plain"));
}

#[test]
fn its_config_builds_a_rust_program() {
    let folder = tempfile::tempdir().unwrap();
    let config = begun("hello-rust", folder.path());
    assert!(config.contains("preset  = \"rust\"") && config.contains("tool    = \"cargo\""), "{config}");
    builds(&folder.path().join("hello-rust"));
}

#[test]
fn its_config_builds_a_mix_release() {
    let folder = tempfile::tempdir().unwrap();
    if tool("mix", &["--version"]).is_none() {
        return;
    }
    let config = begun("hello-otp", folder.path());
    assert!(config.contains("preset  = \"otp\"") && config.contains("_build/prod/rel/hello_otp"), "{config}");
    builds(&folder.path().join("hello-otp"));
}

/// `mix new --sup` writes no `releases:`: the release is the application's.
#[test]
fn its_config_builds_a_new_mix_project() {
    let folder = tempfile::tempdir().unwrap();
    if tool("mix", &["--version"]).is_none() {
        return;
    }
    let project = folder.path().join("heron");
    assert!(tool("mix", &["new", project.to_str().unwrap(), "--sup"]).is_some());
    assert_eq!(run(&project, &["init"]).0, 0);
    builds(&project);
}

#[test]
fn its_config_builds_a_workspace_of_several_programs() {
    let package = |name: &str| format!("[package]\nname = \"{name}\"\nversion = \"1.0.0\"\nedition = \"2021\"\n");
    let (one, two) = (package("heron-one"), package("heron-two"));
    let folder = project(&[
        ("ws/Cargo.toml", "[workspace]\nmembers = [\"one\", \"two\"]\nresolver = \"2\"\n"),
        ("ws/one/Cargo.toml", &one),
        ("ws/one/src/main.rs", "fn main() {}\n"),
        ("ws/two/Cargo.toml", &two),
        ("ws/two/src/main.rs", "fn main() {}\n"),
    ]);
    let workspace = folder.path().join("ws");
    assert_eq!(run(&workspace, &["init"]).0, 0);
    builds(&workspace);
    // The other program's config is the same with its name.
    let config = fs::read_to_string(workspace.join("fitout.toml")).unwrap();
    fs::write(workspace.join("heron-two.toml"), config.replace("\"heron-one\"", "\"heron-two\"")).unwrap();
    let (code, stdout, stderr) = run(&workspace, &["build", "--config", "heron-two.toml", "--out", "dist/heron-two"]);
    assert_eq!((code, stdout.lines().count()), (0, 5), "{stderr}");
}

/// A project of rebar3 as `rebar3 new` lays it out.
fn of_rebar3() -> Option<(tempfile::TempDir, PathBuf)> {
    tool("rebar3", &["--version"])?;
    let folder = tempfile::tempdir().unwrap();
    let project = folder.path().join("tern");
    copy_tree(&root().join("tests/install/otp/relx"), &project);
    fs::create_dir(project.join("src")).unwrap();
    for file in ["tern.erl", "tern.app.src"] {
        fs::rename(project.join(file), project.join("src").join(file)).unwrap();
    }
    Some((folder, project))
}

/// Without `relx` in rebar.config fitout assembles the release.
#[test]
fn its_config_builds_an_application_of_rebar3() {
    let Some((_folder, project)) = of_rebar3() else { return };
    fs::write(project.join("rebar.config"), "{erl_opts, [debug_info]}.\n").unwrap();
    assert_eq!(run(&project, &["init"]).0, 0);
    builds(&project);
}

/// A summary of its own passes lint, and an image of a Go program starts it.
#[test]
fn its_config_builds_a_go_module() {
    if tool("go", &["version"]).is_none() {
        return;
    }
    let main = "package main\n\nfunc main() { println(\"hello\") }\n";
    let folder = project(&[
        ("go.mod", "module example.org/tool/v2\n\ngo 1.18\n"),
        ("lib.go", "package tool\n"),
        ("cmd/alpha/main.go", main),
        ("cmd/beta/main.go", main),
    ]);
    assert_eq!(run(folder.path(), &["init"]).0, 0);
    let (code, _, stderr) = run(folder.path(), &["plan"]);
    assert_eq!(code, 2, "{stderr}");
    assert!(stderr.contains("if `[build]` makes it, run `fitout build`"), "{stderr}");
    builds(folder.path());
    let (_, said, _) = run(folder.path(), &["lint"]);
    assert!(!said.contains("lint/summary"), "{said}");
    let image = artifact_of(folder.path(), ".oci.tar");
    let (_, said, _) = run(folder.path(), &["inspect", "--json", image.to_str().unwrap()]);
    assert!(said.contains("/usr/bin/alpha"), "{said}");
}

#[test]
fn what_the_runtime_configuration_reads_has_a_file_and_secrets() {
    let folder = tempfile::tempdir().unwrap();
    if tool("mix", &["--version"]).is_none() {
        return;
    }
    copy_example("hello-otp", folder.path());
    let project = folder.path().join("hello-otp");
    for path in ["fitout.toml", "conf/env"] {
        fs::remove_file(project.join(path)).unwrap();
    }
    fs::create_dir_all(project.join("config")).unwrap();
    let runtime = "import Config\n_ = System.get_env(\"PHX_SERVER\")\n_ = System.fetch_env!(\"SECRET_KEY_BASE\")\n\
                   _ = System.get_env(\"PORT\") || \"4190\"\n_ = System.get_env(\"NEEDED\") || raise \"no\"\n";
    fs::write(project.join("config/runtime.exs"), runtime).unwrap();
    let (code, _, stderr) = run(&project, &["init"]);
    assert_eq!(code, 0, "{stderr}");
    assert!(stderr.contains("Wrote conf/env") && stderr.contains("reads PHX_SERVER, SECRET_KEY_BASE"), "{stderr}");
    let env = fs::read_to_string(project.join("conf/env")).unwrap();
    assert!(env.contains("\nPHX_SERVER=true\n") && env.contains("#NEEDED=\n") && !env.contains("SECRET"), "{env}");
    builds(&project);
    let deb = artifact_of(&project, ".deb");
    let (_, tree, _) = run(&project, &["inspect", "--tree", "--scripts", deb.to_str().unwrap()]);
    for part in ["/etc/hello-otp/env", "/etc/hello-otp/secret-key-base", "root:hello-otp"] {
        assert!(tree.contains(part), "{part}: {tree}");
    }
    // What is there stays.
    fs::write(project.join("conf/env"), "PORT=1\n").unwrap();
    assert_eq!(run(&project, &["init"]).0, 0);
    assert_eq!(fs::read_to_string(project.join("conf/env")).unwrap(), "PORT=1\n");
}

/// A project with files of Distillery goes on with `mix release`, and keeps its hooks, commands and overlays.
#[test]
fn a_project_of_distillery_is_taken_over_and_builds() {
    let folder = tempfile::tempdir().unwrap();
    if tool("mix", &["--version"]).is_none() {
        return;
    }
    copy_example("hello-otp", folder.path());
    let project = folder.path().join("hello-otp");
    fs::remove_file(project.join("fitout.toml")).unwrap();
    let mix = fs::read_to_string(project.join("mix.exs")).unwrap();
    assert!(mix.contains("app: :hello_otp"), "{mix}");
    for (path, text) in [
        ("rel/config.exs", DISTILLERY),
        ("rel/hooks/pre_start/tell.sh", "#!/bin/sh\necho before $REL_NAME\n"),
        ("rel/commands/greet.sh", "#!/bin/sh\necho greets\n"),
        ("rel/motd", "Welcome\n"),
        ("rel/vm.args", "+K true\n"),
    ] {
        let path = project.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let (code, _, stderr) = run(&project, &["init"]);
    assert_eq!(code, 0, "{stderr}");
    assert!(stderr.contains("rel/config.exs:5") && stderr.contains("cookie"), "{stderr}");
    assert!(stderr.contains("1 hook, 1 command, 2 files carried over"), "{stderr}");
    builds(&project);
    let deb = artifact_of(&project, ".deb");
    let (_, tree, _) = run(&project, &["inspect", "--tree", deb.to_str().unwrap()]);
    for part in ["/etc/hello-otp/vm.args  [config]", "/usr/lib/hello-otp/share/motd", "/usr/lib/hello-otp/releases/"] {
        assert!(tree.contains(part), "{part}: {tree}");
    }
    let tarball = artifact_of(&project, ".tar.gz");
    assert!(member(&tarball, "launcher/hello-otp.hooks/pre-start/01").contains("before $REL_NAME"));
    assert!(member(&tarball, "launcher/hello-otp.commands/greet").contains("echo greets"));

    // The lines that have fitout assemble it are good as they are.
    let config = fs::read_to_string(project.join("fitout.toml")).unwrap();
    let (before, lines) = config.split_once("# [release]\n").unwrap();
    let before: String =
        before.lines().filter(|line| !line.starts_with("input ")).flat_map(|line| [line, "\n"]).collect();
    let lines: String = lines.lines().map_while(|line| line.strip_prefix("# ")).flat_map(|line| [line, "\n"]).collect();
    fs::write(project.join("fitout.toml"), format!("{before}[release]\n{lines}")).unwrap();
    fs::remove_dir_all(project.join("dist")).unwrap();
    let (code, _, stderr) = run(&project, &["build", "--format", "tarball"]);
    assert_eq!(code, 0, "{stderr}");
    let (_, tree, _) = run(&project, &["inspect", "--tree", artifact_of(&project, ".tar.gz").to_str().unwrap()]);
    assert!(
        tree.contains("/lib/hello_otp-") && tree.contains("/lib/runtime_tools-") && tree.contains("/share/motd"),
        "{tree}"
    );
}

const DISTILLERY: &str = "use Distillery.Releases.Config, default_environment: Mix.env()

environment :prod do
  set include_erts: true
  set cookie: :\"secret\"
  set vm_args: \"rel/vm.args\"
  set pre_start_hooks: \"rel/hooks/pre_start\"
  set overlays: [{:copy, \"rel/motd\", \"share/motd\"}]
end

release :hello_otp do
  set version: current_version(:hello_otp)
  set applications: [:runtime_tools]
  set commands: [greet: \"rel/commands/greet.sh\"]
end
";

/// The text of a file in a tarball, by the end of its path.
fn member(tarball: &Path, end: &str) -> String {
    let names = tool("tar", &["-tzf", tarball.to_str().unwrap()]).unwrap();
    let name = names.lines().find(|name| name.ends_with(end)).unwrap_or_else(|| panic!("{end}: {names}"));
    tool("tar", &["-xzOf", tarball.to_str().unwrap(), name]).unwrap()
}

#[test]
fn a_project_of_rebar3_is_taken_over_and_builds() {
    let Some((_folder, project)) = of_rebar3() else { return };
    let config = fs::read_to_string(project.join("rebar.config")).unwrap();
    let added =
        config.replace("{mode, prod}", "{dev_mode, true}") + "{profiles, [{prod, [{relx, [{dev_mode, false}]}]}]}.\n";
    fs::write(project.join("rebar.config"), added).unwrap();
    let (code, _, stderr) = run(&project, &["init"]);
    assert_eq!(code, 0, "{stderr}");
    assert!(!stderr.contains("dev_mode"), "{stderr}");
    let text = fs::read_to_string(project.join("fitout.toml")).unwrap();
    assert!(text.contains("tool    = \"rebar3\"") && text.contains("_build/prod/rel/tern\""), "{text}");
    builds(&project);
    let launcher = member(&artifact_of(&project, ".tar.gz"), "launcher/tern");
    assert!(launcher.contains("bin/extensions/song"), "{launcher}");
}
