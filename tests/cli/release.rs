//! An OTP release that is not there, and one with parts of an earlier build: what is told, and to whom.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::support::{project, run};

const CONFIG: &str = r#"
[package]
name        = "heron"
summary     = "Answers"
description = "Answers whoever asks."
maintainer  = "Ops Team <ops@example.org>"
license     = "MIT"

[build]
preset = "otp"
"#;

const INPUT: &str = "input = \"_build/prod/rel/heron\"\n";
const COMMAND: &str = "command = \"mix release --quiet\"\n";

#[test]
fn what_makes_it_is_named() {
    for (rest, file, command) in [
        (format!("{INPUT}{COMMAND}"), "mix.exs", "run `mix release --quiet`"),
        (INPUT.to_owned(), "mix.exs", "run `MIX_ENV=prod mix release`"),
        (String::new(), "mix.exs", "run `MIX_ENV=prod mix release`"),
        (INPUT.to_owned(), "rebar.config", "run `rebar3 as prod release`"),
        (String::new(), "README", "such as `MIX_ENV=prod mix release`"),
    ] {
        let folder = project(&[("fitout.toml", &format!("{CONFIG}{rest}")), (file, "")]);
        for verb in ["plan", "lint"] {
            let (code, stdout, stderr) = run(folder.path(), &[verb]);
            assert_eq!((code, stdout.as_str()), (2, ""), "{stderr}");
            assert!(stderr.contains("error[resolve/not-built]") && stderr.contains(command), "{rest}{file}:\n{stderr}");
            assert!(stderr.contains("--> fitout.toml:"), "no place:\n{stderr}");
        }
    }
}

#[test]
fn a_misspelt_folder_beside_a_release_is_not_one_that_is_to_be_built() {
    let folder = project(&[
        ("fitout.toml", &format!("{CONFIG}{}", INPUT.replace("heron", "hereon"))),
        ("_build/prod/rel/heron/releases/start_erl.data", "13.1.5 1.0.0"),
    ]);
    let (code, _, stderr) = run(folder.path(), &["plan"]);
    assert_eq!(code, 2);
    assert!(stderr.contains("error[resolve/not-found]") && stderr.contains("holds `heron`"), "{stderr}");
}

/// A small release with an application of an earlier build.
fn stale() -> tempfile::TempDir {
    let rel = "{release,{\"heron\",\"1.0.0\"},{erts,\"13.1.5\"},[{heron,\"1.0.0\",permanent}]}.\n";
    let folder = project(&[
        ("fitout.toml", &format!("{CONFIG}{INPUT}")),
        ("_build/prod/rel/heron/releases/start_erl.data", "13.1.5 1.0.0"),
        ("_build/prod/rel/heron/releases/1.0.0/heron.rel", rel),
        ("_build/prod/rel/heron/releases/1.0.0/elixir", "#!/bin/sh\n"),
        ("_build/prod/rel/heron/bin/heron", "#!/bin/sh\n"),
        ("_build/prod/rel/heron/lib/heron-1.0.0/ebin/heron.app", "{application,heron,[]}.\n"),
        ("_build/prod/rel/heron/lib/heron-0.9.0/ebin/heron.app", "{application,heron,[]}.\n"),
    ]);
    let program = folder.path().join("_build/prod/rel/heron/bin/heron");
    fs::set_permissions(program, fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

#[test]
fn notes_are_for_who_asks_and_are_no_warnings() {
    let folder = stale();
    for verb in ["plan", "build", "lint"] {
        let (code, _, quiet) = run(folder.path(), &[verb]);
        assert_eq!(code, 0, "{quiet}");
        assert!(!quiet.contains("stale-part"), "{verb}: {quiet}");
        let (code, _, loud) = run(folder.path(), &[verb, "-v"]);
        assert_eq!(code, 0, "{loud}");
        assert!(loud.contains("note[resolve/stale-part]") && loud.contains("heron-0.9.0"), "{verb}: {loud}");
    }
    let (_, _, stderr) = run(folder.path(), &["build", "-v"]);
    let warnings = stderr.matches("warning[").count();
    let counted = match warnings {
        0 => "s\n".to_owned(),
        1 => ", 1 warning\n".to_owned(),
        count => format!(", {count} warnings\n"),
    };
    let last = stderr.lines().find(|line| line.contains("Finished")).unwrap();
    assert!(format!("{last}\n").ends_with(&counted), "{stderr}");
    let (_, stdout, _) = run(folder.path(), &["lint", "--json"]);
    let document: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    let of = |severity| document["findings"].as_array().unwrap().iter().filter(|f| f["severity"] == severity).count();
    assert_eq!(of("note"), 1, "{stdout}");
    assert_eq!((document["errors"].as_u64(), document["warnings"].as_u64()), (Some(0), Some(of("warning") as u64)));
}

#[test]
fn more_is_told_on_request_and_on_stderr_only() {
    let folder = stale();
    fs::create_dir(folder.path().join("sub")).unwrap();
    let plain = run(folder.path(), &["plan"]);
    let (code, stdout, stderr) = run(folder.path(), &["plan", "-v", "--format", "deb,zip"]);
    assert_eq!(code, 0, "{stderr}");
    let line = |word: &str| {
        let line = stderr.lines().find(|line| line.trim_start().starts_with(&format!("Using {word} ")));
        line.unwrap_or_else(|| panic!("no {word}: {stderr}")).to_owned()
    };
    assert!(line("config").ends_with("/fitout.toml"), "{stderr}");
    assert!(line("environment").ends_with(" none"), "{stderr}");
    assert!(line("formats").ends_with(" deb, zip"), "{stderr}");
    assert!(line("threads").ends_with(|c: char| c.is_ascii_digit()), "{stderr}");
    assert!(line("clock").contains("315532800 (1980-01-01T00:00:00Z), from neither"), "{stderr}");
    assert!(!stdout.contains("Using"), "{stdout}");
    assert!(!plain.2.contains("Using"), "{}", plain.2);
}
