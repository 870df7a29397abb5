use super::*;

/// A project of one release and no target.
fn plain<'p>(folder: &'p Path, input: Option<&'p str>) -> Project<'p> {
    Project { folder, input, tests: false, mix_env: None, compiles: false, machine: None, apart: false }
}

fn steps(tool: schema::Tool, files: &[(&str, &str)], input: Option<&str>) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs_err::write(folder.path().join(name), text).unwrap();
    }
    of(tool).steps(&plain(folder.path(), input))
}

#[test]
fn where_fitout_assembles_a_tool_only_compiles() {
    let project = Project { compiles: true, ..plain(Path::new("/"), None) };
    assert_eq!(of(schema::Tool::Mix).steps(&project).last().unwrap(), "mix compile");
    assert_eq!(of(schema::Tool::Mix).output(&project).unwrap().0, "_build/prod/lib");
    assert_eq!(of(schema::Tool::Rebar3).steps(&project), ["rebar3 as prod compile"]);
}

#[test]
fn what_cargo_tells_of_its_program_is_not_of_the_build() {
    let cargo = of(schema::Tool::Cargo);
    assert!(["CARGO_HOME", "CARGO_TARGET_DIR", "RUSTFLAGS"].iter().all(|name| cargo.reads(name)));
    assert!(!["CARGO_PKG_NAME", "CARGO_MANIFEST_DIR", "HOME"].iter().any(|name| cargo.reads(name)));
}

#[test]
fn each_word_of_the_config_is_its_tool() {
    use schema::Tool::{Cargo, Go, Mix, Npm, Rebar3};
    let names = [Mix, Rebar3, Cargo, Go, Npm].map(|tool| of(tool).name);
    assert_eq!(names, ["mix", "rebar3", "cargo", "go", "npm"]);
}

#[test]
fn mix_has_the_steps_that_the_project_needs() {
    assert_eq!(
        steps(schema::Tool::Mix, &[], None),
        ["mix deps.get --only prod", "mix deps.compile", "mix compile", "mix release --overwrite"]
    );
    let files = [
        ("mix.lock", "\"cowboy\": {:hex, :cowboy, \"2.9.0\", \"x\", [:make, :rebar3]}"),
        ("mix.exs", "releases: [web: []], \"assets.deploy\": [\"esbuild default\"]"),
    ];
    let all = steps(schema::Tool::Mix, &files, Some("_build/staging/rel/web"));
    assert_eq!(all[..2], ["mix local.hex --if-missing --force", "mix local.rebar --if-missing --force"]);
    assert_eq!(all[5..], ["mix assets.deploy", "mix release web --overwrite"]);
}

#[test]
fn rebar3_makes_the_release_that_is_asked_for() {
    assert_eq!(steps(schema::Tool::Rebar3, &[], Some("rel"))[1], "rebar3 as prod release");
    let all = steps(schema::Tool::Rebar3, &[], Some("_build/default/rel/tern"));
    assert_eq!(all, ["rebar3 as default compile", "rebar3 as default release -n tern"]);
}

#[test]
fn the_environment_of_mix_is_that_of_its_input() {
    let env = |input| of(schema::Tool::Mix).env(&plain(Path::new("/"), input));
    assert_eq!(env(None)[0], ("MIX_ENV", "prod".to_owned()));
    assert_eq!(env(Some("_build/staging/rel/web"))[0], ("MIX_ENV", "staging".to_owned()));
    assert_eq!(env(Some("_build/$(id)/rel/web"))[0], ("MIX_ENV", "prod".to_owned()));
}

#[test]
fn a_command_names_its_tools() {
    let names = |command| named_in(command).iter().map(|tool| tool.name).collect::<Vec<_>>();
    assert_eq!(names("MIX_ENV=prod mix release&&(cd web; npm ci)"), ["mix", "npm"]);
    assert!(names("make mixture").is_empty());
}

#[test]
fn mix_is_asked_for_a_release_by_a_name_that_it_knows() {
    let last = |mix: &str| steps(schema::Tool::Mix, &[("mix.exs", mix)], Some("_build/prod/rel/web")).pop().unwrap();
    let (named, unnamed) = ("mix release web --overwrite", "mix release --overwrite");
    assert_eq!(last("app: :web, version: \"1\" # no releases: here"), unnamed);
    assert_eq!(last("apps_path: \"apps\""), unnamed);
    assert_eq!(last("app: :web, releases: releases()"), named);
    assert_eq!(last("apps_path: \"apps\",\nreleases: [web: []]"), named);
    assert_eq!(last("app: :web_server"), named, "mix tells which there are");
}

#[test]
fn tools_that_can_build_for_the_target() {
    let folder = tempfile::tempdir().unwrap();
    let arm = Machine { target: "linux/arm/v7".into(), triple: Some("armv7-unknown-linux-gnueabihf") };
    let project = Project { machine: Some(&arm), ..plain(folder.path(), None) };
    let apart = Project { apart: true, ..project };
    let (go, cargo) = (of(schema::Tool::Go), of(schema::Tool::Cargo));
    let env: Vec<_> = go.env(&project).into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(env, ["GOFLAGS=-trimpath", "GOOS=linux", "GOARCH=arm", "GOARM=7"]);
    assert_eq!(go.steps(&project)[1], "mkdir -p bin && go build -o bin/ ./...");
    assert_eq!(go.steps(&apart)[1], "mkdir -p bin/armv7 && go build -o bin/armv7/ ./...");
    assert_eq!(cargo.steps(&project), ["cargo build --release --target armv7-unknown-linux-gnueabihf"]);
    assert_eq!(cargo.output(&project).unwrap().0, "target/armv7-unknown-linux-gnueabihf/release");
    fs_err::create_dir(folder.path().join("vendor")).unwrap();
    fs_err::write(folder.path().join("vendor/modules.txt"), "").unwrap();
    assert_eq!(go.steps(&project), ["mkdir -p bin && go build -o bin/ ./..."]);
    assert!(asks_for_target("make ARCH=$FITOUT_ARCH") && asks_for_target("x ${FITOUT_TARGET}"));
    assert!(!asks_for_target("echo $FITOUT_TARGETS"));
}
