//! Erlang/OTP and Elixir of newer distributions, and of another architecture: nothing in fitout knows their versions.

use std::fs;
use std::path::Path;

use super::{COMMENTS, Files, SYSTOOLS, config, files, projects, same_terms};
use crate::roots::{ELIXIR, ERLANG, FOREIGN, Root};
use crate::support::{copy_tree, run};

/// Assembles the release in a folder of a root by the Erlang and Elixir of that root.
fn assembled(root: &Root, folder: &Path, name: &str, release: &str) {
    let [otp, elixir] = ["erlang", "elixir"].map(|name| root.at(&format!("/usr/lib/{name}")));
    let mut roots = format!("otp = \"{}\"\n", otp.display());
    if elixir.is_dir() {
        roots += &format!("elixir = \"{}\"\n", elixir.display());
    }
    fs::write(folder.join("fitout.toml"), config(name, &format!("{roots}{release}"))).unwrap();
    let (code, _, stderr) = run(folder, &["build"]);
    assert_eq!(code, 0, "{stderr}");
}

/// By the Erlang of the root: the boot file is that of its systools.
fn boots_as_systools_says(root: &Root, folder: &str, name: &str, version: &str, flags: &str) {
    let ours = format!("{folder}/_build/fitout/rel/{name}");
    let (rel, boot) =
        (format!("{ours}/releases/{version}/{name}.rel"), format!("{ours}/releases/{version}/start.boot"));
    root.ok(&["erl", "-noinput", "-eval", SYSTOOLS, "-extra", &rel, &boot, &ours, flags]);
}

#[test]
fn a_release_of_a_newer_elixir_is_that_of_its_mix() {
    let Some(root) = Root::of(&ELIXIR) else { return };
    let project = projects::UMBRELLA;
    fs::create_dir(root.at("/project")).unwrap();
    root.write("/make.sh", &format!("set -eu\ncd /project\n{}", project.script), 0o755);
    root.sh("MIX_ENV=prod ERL_COMPILER_OPTIONS=deterministic sh /make.sh");
    let folder = root.at("/project");
    assembled(&root, &folder, project.name, project.config);
    let trees = ["theirs", "_build/fitout/rel/harbour"].map(|name| folder.join(name));
    let [theirs, ours] = trees.each_ref().map(|tree| files(tree));
    let live = |name: &str| format!("releases/{}/{name}", project.version);
    let lacks =
        |from: &Files, there: &Files| from.keys().filter(|n| !there.contains_key(*n)).cloned().collect::<Vec<_>>();
    let commented = COMMENTS.iter().map(|name| live(name)).chain(["releases/COOKIE".to_owned()]);
    assert_eq!((lacks(&theirs, &ours), lacks(&ours, &theirs)), (commented.collect(), Vec::new()));
    let other = theirs
        .iter()
        .filter(|(name, file)| ours.get(*name).is_some_and(|own| own != *file))
        .map(|(name, _)| name.as_str());
    // This Mix prints what it copied of every application anew.
    let (apps, other): (Vec<&str>, Vec<&str>) = other.partition(|name| name.ends_with(".app"));
    let scripts = [live("start.script"), live("start_clean.script")];
    let [start, clean] = scripts.each_ref().map(String::as_str);
    let erl = other.iter().find(|name| name.ends_with("/bin/erl")).copied().unwrap();
    assert_eq!(other, ["bin/harbour", erl, start, clean]);
    same_terms([&trees[0], &trees[1]], &[&apps[..], &[start, clean]].concat());
    boots_as_systools_says(
        &root,
        "/project",
        "harbour",
        project.version,
        "[no_dot_erlang, {variable, \"RELEASE_LIB\", \"lib\"}].",
    );
}

/// `[release]` of it.
const COVE: &str = "kind = \"relx\"\nlib = \"lib\"\nversion = \"1.0.0\"\napplications = { cove = \"permanent\" }\n";

/// An application compiled in a folder of the root.
fn cove(root: &Root, folder: &Path) {
    fs::create_dir_all(folder.join("lib/cove/ebin")).unwrap();
    let app = "{application, cove, [{description, \"A cove\"}, {vsn, \"1.0.0\"}, {modules, [cove]}, {registered, [cove]}, {applications, [kernel, stdlib, sasl]},\n\
               {start_phases, [{open, []}]}, {mod, {cove, []}}, {env, [{name, \"C\u{f4}ve\"}, {'\u{e9}t\u{e9}', 'hiver'}]}]}.\n";
    fs::write(folder.join("lib/cove/ebin/cove.app"), app).unwrap();
    let module = "-module(cove).\n-export([start/2, stop/1, start_phase/3]).\nstart(_, _) -> {ok, spawn_link(fun() -> receive after \
                  infinity -> ok end end)}.\nstop(_) -> ok.\nstart_phase(_, _, _) -> ok.\n";
    root.write("/project/cove.erl", module, 0o644);
    root.sh("cd /project && erlc +deterministic -o lib/cove/ebin cove.erl");
}

/// Applications compiled here and put together with the newest Erlang there is.
#[test]
fn a_release_of_the_newest_erlang_boots_as_its_systools_says() {
    let Some(root) = Root::of(&ERLANG) else { return };
    let folder = root.at("/project");
    fs::create_dir(&folder).unwrap();
    cove(&root, &folder);
    assembled(&root, &folder, "cove", COVE);
    boots_as_systools_says(&root, "/project", "cove", "1.0.0", "[].");
    copy_tree(&folder.join("_build/fitout/rel/cove"), &root.at("/opt/cove"));
    let said = root.sh(
        "cd / && /opt/cove/bin/cove eval 'io:format(\"~p ~ts~n\", [erlang:system_info(otp_release), code:root_dir()])'",
    );
    assert!(said.contains("/opt/cove"), "{said}");
    let stop = "spawn(fun() -> timer:sleep(500), erlang:display(application:which_applications()), init:stop() end)";
    root.write("/opt/cove/releases/1.0.0/vm.args", &format!("-eval '{stop}'\n"), 0o644);
    let said = root.sh("cd / && /opt/cove/bin/cove start");
    assert!(said.contains("{cove,") && said.contains("{sasl,"), "{said}");
}

/// No program of the other architecture is run to assemble it.
#[test]
fn a_release_for_another_architecture_is_assembled_here() {
    let Some(root) = Root::of(&FOREIGN) else { return };
    root.sh("mkdir /arm && for deb in /var/cache/fitout/*_arm64.deb; do dpkg-deb -x \"$deb\" /arm; done");
    let folder = root.at("/project");
    fs::create_dir(&folder).unwrap();
    cove(&root, &folder);
    let crypto = COVE.replace("{ cove", "{ crypto = \"permanent\", cove");
    let boot = || fs::read(folder.join("_build/fitout/rel/cove/releases/1.0.0/start.boot")).unwrap();
    assembled(&root, &folder, "cove", &crypto);
    let own = boot();
    let foreign = format!("otp = \"{}\"\n{crypto}", root.at("/arm/usr/lib/erlang").display());
    let text = config("cove", &foreign)
        .replace("[\"tarball\"]", "[\"deb\", \"rpm\"]\ntargets = [\"linux/arm64\"]")
        .replace("[release]", "[[service]]\n[release]");
    fs::write(folder.join("fitout.toml"), text).unwrap();
    let (code, made, stderr) = run(&folder, &["build"]);
    assert_eq!(code, 0, "{stderr}");
    assert_eq!(made, "dist/cove_1.0.0_arm64.deb\ndist/cove-1.0.0-1.aarch64.rpm\n");
    assert_eq!(boot(), own);
    boots_as_systools_says(&root, "/project", "cove", "1.0.0", "[].");
    let fields = root.sh("dpkg-deb -f /project/dist/cove_1.0.0_arm64.deb Architecture Depends");
    assert!(fields.contains("Architecture: arm64\n") && fields.contains("libssl3 (>= 3.0.0)"), "{fields}");
    let (code, needs, _) = run(&folder, &["inspect", "dist/cove-1.0.0-1.aarch64.rpm"]);
    assert!(code == 0 && needs.contains("libcrypto.so.3()(64bit)"), "{needs}");
}
