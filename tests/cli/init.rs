//! `fitout init`: what it writes is a config that builds, and what is there is never overwritten.

use std::fs;
use std::path::Path;

use crate::support::{copy_example, project, run, tool};

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
    assert!(config.contains("preset  = \"rust\"") && config.contains("cargo build --release --locked"), "{config}");
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
