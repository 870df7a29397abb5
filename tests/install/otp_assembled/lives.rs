//! Assembled releases are started, asked and stopped by their launcher, and by hand.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::projects::{self, Project};
use super::{Pair, config};
use crate::archives::{free_port, said};
use crate::otp::{ACCOUNT, Unpacked};
use crate::support::{artifact_of, run};

/// relx's, with files that are filled at start.
const FILLED: Project = Project {
    name: "tern",
    version: "0.8.2",
    script: r#"
mkdir src config
cp "$1"/relx/* .
mv tern.erl tern.app.src src/
cp sys.config.src vm.args.src config/
chmod +x before.sh song
REBAR_OFFLINE=1 REBAR_CACHE_DIR=$PWD/cache REBAR_GLOBAL_CONFIG_DIR=$PWD/global rebar3 release -o "$PWD/out" >/dev/null
mv out/tern theirs
"#,
    config: "lib = \"_build/default/lib\"\napplications = { tern = \"permanent\", sasl = \"permanent\" }\n",
};

/// Packages the release with a service, and unpacks it.
fn unpacked(project: &Project, environment: &str) -> Option<(Pair, Unpacked)> {
    let pair = Pair::of(project)?;
    let service = format!(
        "[[service]]\nenv-file = \"/etc/{}/env\"\nuser = \"{ACCOUNT}\"\n[service.node]\nport = {}\n",
        project.name.replace('_', "-"),
        free_port()
    );
    let folder = pair.folder();
    fs::write(folder.join("fitout.toml"), config(project.name, project.config) + &service).unwrap();
    let (code, _, stderr) = run(folder, &["build"]);
    assert_eq!(code, 0, "{stderr}");
    let name = project.name.replace('_', "-").leak();
    let there = Unpacked::from("a tree", name, &artifact_of(folder, ".tar.gz"), environment);
    Some((pair, there))
}

#[test]
fn a_release_in_the_layout_of_mix_lives() {
    let Some((_pair, there)) = unpacked(&projects::PLAIN, "HERON_PORT=\nHERON_WORDS=so\n") else { return };
    there.ok(&["start"]);
    assert_eq!(there.answer(), "heron 0.3.1 as heron_line@127.0.0.1: so by heron_line, 1");
    assert_eq!(there.ok(&["rpc", "IO.inspect(Application.get_env(:heron, :list))"]), "[\"own\"]\n");
    assert!(there.ok(&["eval", "IO.puts(Enum.join([1, 2]))"]).ends_with("12\n"));
    assert_eq!(there.run(&["stop"]).0, 0);
    assert!(there.log().contains("heron ends: :shutdown"), "{}", there.log());
}

#[test]
fn native_code_of_an_assembled_release_is_run() {
    let Some((_pair, there)) = unpacked(&projects::NATIVE, "GANNET_PORT=\n") else { return };
    there.ok(&["start"]);
    assert_eq!(there.answer(), "gannet as gannet@127.0.0.1: 42 so-so 3E19853B");
    assert_eq!(there.ok(&["rpc", "IO.puts(Gannet.Beak.add(1, 2))"]), "3\n");
    assert!(there.ok(&["rpc", "IO.inspect(:ssl.start())"]).contains(":ok"));
    assert_eq!(there.run(&["stop"]).0, 0);
}

#[test]
fn a_release_without_runtime_lives_with_the_hosts() {
    let Some((_pair, there)) = unpacked(&projects::BARE, "HERON_PORT=\n") else { return };
    there.ok(&["start"]);
    assert!(there.answer().starts_with("heron 0.3.1 as heron_bare@127.0.0.1"), "{}", there.answer());
    assert_eq!(there.ok(&["rpc", "IO.puts(1)"]), "1\n");
    assert_eq!(there.run(&["stop"]).0, 0);
}

#[test]
fn releases_in_the_layout_of_relx_live() {
    let bare = Project { config: FILLED.config.replace("lib =", "erts = false\nlib =").leak(), ..FILLED };
    for project in [&FILLED, &bare] {
        let environment = "TERN_PORT=\nTERN_GREETING=hi\n";
        let Some((_pair, there)) = unpacked(project, environment) else { return };
        there.ok(&["start"]);
        assert_eq!(there.answer(), "tern as tern@127.0.0.1: hi");
        assert_eq!(there.ok(&["rpc", "{node(), 1 + 1}"]), "{'tern@127.0.0.1',2}\n");
        assert_eq!(there.run(&["stop"]).0, 0);
    }
}

/// Start phases run, and types are those that were asked for; here the script of the release itself starts it.
#[test]
fn start_types_are_those_that_were_asked_for() {
    let Some(pair) = Pair::of(&projects::UMBRELLA) else { return };
    let ask = "started = for {name, _, _} <- Application.started_applications(), do: name; \
        loaded = for {name, _, _} <- Application.loaded_applications(), do: name; \
        IO.inspect({Wharf.depth(), :wharf in started, :crane in started, :crane in loaded, :pilot in started, :pilot in loaded, \
        :buoy in loaded, :runtime_tools in started, Code.ensure_loaded?(Buoy), Application.get_env(:wharf, :long)}, width: 200); System.stop()";
    let script = pair.folder().join("ask.exs");
    fs::write(&script, ask).unwrap();
    let eval = format!("(binary_to_atom(<<\"Elixir.Code\">>)):eval_file(<<\"{}\">>)", script.display());
    let arguments = format!("-eval 'spawn(fun() -> timer:sleep(1000), {eval} end)'\n");
    fs::write(pair.ours.join(pair.live("vm.args")), arguments).unwrap();
    let (code, told) = started(&pair.ours, "harbour");
    assert_eq!(code, 0, "{told}");
    let wanted = "{7, true, false, true, false, true, false, true, true, 123456789012345678901234567890}";
    assert!(told.contains(wanted), "{told}");
}

/// The release is what `bin/NAME` starts.
fn started(release: &Path, name: &str) -> (i32, String) {
    said(
        Command::new("env")
            .arg("-i")
            .arg("PATH=/usr/bin:/bin")
            .arg(release.join("bin").join(name))
            .arg("start")
            .output()
            .unwrap(),
    )
}
