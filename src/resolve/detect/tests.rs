use super::*;
use crate::config::load::{Vocabulary, load};
use crate::config::schema::Preset;

fn write(dir: &Path, path: &str, text: &str) {
    let path = dir.join(path);
    fs_err::create_dir_all(path.parent().unwrap()).unwrap();
    fs_err::write(path, text).unwrap();
}

/// Proposes, and reads the proposal as `build` would.
fn proposed(dir: &Path) -> (Proposal, crate::config::schema::Manifest) {
    let proposal = propose(dir).unwrap();
    let vocabulary = Vocabulary { formats: &["deb", "rpm", "tarball", "zip", "oci"] };
    let document = load("fitout.toml", &proposal.config, &vocabulary);
    let document = document.unwrap_or_else(|findings| panic!("{findings:#?}\n{}", proposal.config));
    let reading = crate::resolve::environment::read(&document, None, &[]).unwrap();
    assert!(reading.findings.is_empty(), "{:#?}\n{}", reading.findings, proposal.config);
    (proposal, reading.manifest)
}

#[test]
fn an_assembled_release_is_found() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "mix.exs", "def project do\n[app: :heron_web, description: \"Answers.\"]");
    write(
        dir.path(),
        "LICENSE",
        "MIT License\n\nPermission is hereby granted, free of charge, to any person\nto deal in the Software without restriction",
    );
    crate::resolve::preset::otp::tests::synthetic(&dir.path().join("_build/prod/rel/heron_web"));
    let (proposal, manifest) = proposed(dir.path());
    assert_eq!(manifest.build.preset.unwrap().value, Preset::Otp);
    assert_eq!(manifest.build.input.unwrap().value, "_build/prod/rel/heron_web");
    assert_eq!(manifest.package.name.unwrap().value, "heron-web");
    assert_eq!(manifest.package.summary.unwrap().value, "Answers");
    assert_eq!(manifest.package.license.unwrap().value, "MIT");
    assert_eq!(manifest.service.len(), 1);
    let found: Vec<&str> = proposal.findings.iter().map(|(what, _)| what.as_str()).collect();
    assert!(found.starts_with(&["mix.exs", "_build/prod/rel/heron_web"]), "{found:?}");
    assert!(proposal.findings[1].1.contains("2 native files"), "{}", proposal.findings[1].1);
}

#[test]
fn each_release_has_a_config_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["heron_web", "heron_jobs"] {
        crate::resolve::preset::otp::tests::synthetic(&dir.path().join("_build/prod/rel").join(name));
    }
    let (proposal, manifest) = proposed(dir.path());
    assert_eq!(manifest.build.input.unwrap().value, "_build/prod/rel/heron_jobs");
    let other = proposal.findings.iter().find(|(path, _)| path == "_build/prod/rel/heron_web").unwrap();
    assert!(other.1.contains("2 native files"), "{other:?}");
    let [(name, text)] = &proposal.other_files[..] else { panic!("{:?}", proposal.other_files) };
    assert_eq!(name, "fitout-heron_web.toml");
    assert!(text.contains("\"heron-web\"") && text.contains("_build/prod/rel/heron_web"), "{text}");
    let command = "`fitout build --config fitout-heron_web.toml --out dist/heron_web`";
    assert!(proposal.findings.iter().any(|(_, said)| said.contains(command)), "{:?}", proposal.findings);
}

#[test]
fn a_project_that_is_not_built_is_found_too() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "mix.exs", "def project do\n[app: :heron, releases: [demo: []]]");
    let (_, manifest) = proposed(dir.path());
    assert_eq!(manifest.build.input.unwrap().value, "_build/prod/rel/demo");
    assert_eq!(manifest.build.tool.unwrap().value, crate::config::schema::Tool::Mix);
}

#[test]
fn cargo_go_and_plain_folders_are_found() {
    let dir = tempfile::tempdir().unwrap();
    write(
        dir.path(),
        "Cargo.toml",
        "[package]\nname = \"hello\"\nversion = \"1.0.0\"\nlicense = \"MIT\"\n[workspace]\n",
    );
    write(dir.path(), "src/main.rs", "fn main() {}\n");
    let (_, manifest) = proposed(dir.path());
    assert_eq!(manifest.build.preset.unwrap().value, Preset::Rust);
    assert!(
        manifest.package.name.is_none() && manifest.package.license.is_none() && manifest.package.version.is_none()
    );
    assert_eq!(manifest.package.summary.unwrap().value, "Command-line program");

    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "go.mod", "module example.org/team/tool\n\ngo 1.22\n");
    write(dir.path(), "main.go", "package main\n");
    let (_, manifest) = proposed(dir.path());
    assert_eq!(manifest.files[0].from.as_ref().unwrap().value, "bin/{arch}/tool");
    assert_eq!(manifest.build.tool.unwrap().value, crate::config::schema::Tool::Go);
    assert_eq!(manifest.format.oci.entrypoint.unwrap()[0].value, "/usr/bin/tool");
    assert_eq!(manifest.package.version.unwrap().value, crate::config::schema::VersionSource::Literal("0.1.0".into()));

    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "My Pages/public/index.html", "");
    let (_, manifest) = proposed(&dir.path().join("My Pages"));
    assert_eq!(manifest.package.name.unwrap().value, "my-pages");
    assert_eq!(manifest.build.input.unwrap().value, "public");
    let (_, manifest) = proposed(dir.path());
    assert_eq!(manifest.files[0].from.as_ref().unwrap().value, ".");
    let left_out: Vec<&str> = manifest.files[0].exclude.iter().map(|text| text.value.as_str()).collect();
    assert_eq!(left_out, LEFT_OUT);
    assert!(propose(&dir.path().join("none")).is_err());
}

#[test]
fn names_are_made_legal() {
    for (name, made) in [("My App", "my-app"), ("_x_", "xapp"), ("a", "aapp"), ("ünï", "n-app"), ("g++", "g")] {
        let legal = legal(name);
        assert!(legal.len() >= 2, "{name} -> {legal}, expected about {made}");
        assert!(legal.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "+-.".contains(c)), "{legal}");
        assert!(legal.starts_with(|c: char| c.is_ascii_alphanumeric()), "{legal}");
    }
}

#[test]
fn programs_of_a_go_module_are_its_folders_with_a_main() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "go.mod", "module example.org/tool/v2 // it\n");
    for program in
        ["cmd/alpha/main.go", "cmd/beta/x.go", "examples/one/main.go", "vendor/x/main.go", "testdata/main.go"]
    {
        write(dir.path(), program, "// it\npackage main // it\n");
    }
    write(dir.path(), "cmd/alpha/gen.go", "//go:build ignore\n\npackage main\n");
    write(dir.path(), "gen.go", "//go:build ignore\n\npackage main\n");
    write(dir.path(), "lib.go", "package tool\n\nimport \"C\"\n");
    let (proposal, manifest) = proposed(dir.path());
    let from: Vec<_> = manifest.files.iter().map(|rule| rule.from.as_ref().unwrap().value.as_str()).collect();
    assert_eq!(from, ["bin/{arch}/alpha", "bin/{arch}/beta"]);
    assert_eq!(manifest.package.name.unwrap().value, "tool");
    assert!(proposal.builds && manifest.build.env.is_empty(), "{}", proposal.config);

    fs_err::remove_dir_all(dir.path().join("cmd")).unwrap();
    fs_err::remove_dir_all(dir.path().join("examples")).unwrap();
    let library = propose(dir.path()).unwrap();
    assert!(library.is_open && library.findings[0].1.contains("a library"), "{library:?}");
}

#[test]
fn a_workspace_with_several_programs_is_the_package_of_one() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "Cargo.toml", "[workspace]\nmembers = [\"one\", \"two\"]\nresolver = \"2\"\n");
    for name in ["one", "two"] {
        let text =
            format!("[package]\nname = \"{name}\"\nversion = \"1.0.0\"\nlicense = \"MIT\"\ndescription = \"Sings\"\n");
        write(dir.path(), &format!("{name}/Cargo.toml"), &text);
        write(dir.path(), &format!("{name}/src/main.rs"), "fn main() {}\n");
    }
    let (proposal, manifest) = proposed(dir.path());
    assert_eq!(manifest.package.name.unwrap().value, "one");
    assert!(manifest.package.version.is_none() && manifest.package.summary.is_none(), "{}", proposal.config);
    assert!(proposal.config.contains("other programs, too: `two`"), "{}", proposal.config);
}

#[test]
fn summaries_are_as_lists_of_packages_show_them() {
    for (description, summary) in [
        ("A web server", "Web server"),
        ("the API", "API"),
        ("sings.", "Sings"),
        ("heron", "Background service"),
        ("", "Background service"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), "mix.exs", &format!("def project do\n[app: :heron, description: {description:?}]"));
        let (_, manifest) = proposed(dir.path());
        assert_eq!(manifest.package.summary.unwrap().value, summary);
    }
}

#[test]
fn an_umbrella_is_told_what_its_release_needs() {
    let dir = tempfile::tempdir().unwrap();
    let umbrella = dir.path().join("my-herons");
    write(&umbrella, "mix.exs", "defmodule X do\ndef project do\n[apps_path: \"parts\", version: \"1.0.0\"]\nend\nend");
    for app in ["web", "jobs"] {
        write(&umbrella, &format!("parts/{app}/mix.exs"), &format!("def project do\n[app: :{app}]"));
    }
    let (proposal, manifest) = proposed(&umbrella);
    assert_eq!(manifest.build.input.unwrap().value, "_build/prod/rel/my_herons");
    let needed = "releases: [my_herons: [applications: [jobs: :permanent, web: :permanent]]]";
    assert!(proposal.config.contains(&format!("#   {needed}\n")), "{}", proposal.config);
    assert_eq!(proposal.left[0].line, 2);
    assert!(proposal.left[0].why.contains(needed), "{:?}", proposal.left);
}

#[test]
fn a_library_of_erlang_is_no_service() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "rebar.config", "{erl_opts, [debug_info]}.\n");
    write(dir.path(), "src/tern.app.src", "{application, tern, []}.\n");
    let library = propose(dir.path()).unwrap();
    assert!(library.is_open && !library.config.contains("[[service]]"), "{}", library.config);
    write(dir.path(), "apps/gull/src/gull.app.src", "{application, gull, [{mod, {gull, []}}]}.\n");
    let (proposal, manifest) = proposed(dir.path());
    assert!(manifest.release.is_some() && !proposal.config.contains("\ninput"), "{}", proposal.config);
    assert!(
        proposal.config.contains("applications = { gull = \"permanent\", tern = \"permanent\" }"),
        "{}",
        proposal.config
    );
}
