//! The build step knows for which target it builds, and builds again for another.

use crate::support::{project, run, tool};

const HEAD: &str = "[package]\nname = \"heron\"\nversion = \"1.0.0\"\nsummary = \"Sings\"\nlicense = \"MIT\"\n\
                    maintainer = \"A <a@example.org>\"\n\n[build]\nformats = [\"tarball\"]\n";

#[test]
fn a_command_is_told_the_target() {
    let command = "mkdir -p made; echo \\\"$FITOUT_TARGET $FITOUT_ARCH\\\" > made/$FITOUT_ARCH; echo ran >> runs";
    let files = "\n[[files]]\nfrom = \"made/{arch}\"\nto = \"/usr/share/heron\"\nmode = \"0644\"\n";
    let folder = project(&[("fitout.toml", &format!("{HEAD}command = \"{command}\"\ninputs = [\"src/**\"]\n{files}"))]);
    let build = |targets: &str| {
        let (code, _, stderr) = run(folder.path(), &["build", "--target", targets]);
        assert_eq!(code, 0, "{targets}: {stderr}");
        stderr
    };
    let made = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    build("linux/amd64");
    assert!(build("linux/amd64").contains("Skipped the build command"));
    assert!(!build("linux/arm/v7").contains("Skipped"));
    assert_eq!(made("made/armv7"), "linux/arm/v7 armv7\n");
    assert_eq!(made("runs").lines().count(), 2);
    // Once for each, because it asks.
    let (code, _, stderr) = run(folder.path(), &["build", "--target", "linux/amd64,linux/arm64"]);
    assert_eq!((code, made("runs").lines().count()), (0, 4), "{stderr}");
}

#[test]
fn a_command_that_does_not_ask_runs_once_for_all_targets() {
    let files = "\n[[files]]\nfrom = \"made\"\nto = \"/usr/share/heron\"\n";
    let command = "command = \"mkdir -p made; env | grep -c FITOUT_T >> made/told; true\"\n";
    let folder = project(&[("fitout.toml", &format!("{HEAD}{command}{files}"))]);
    let (code, _, stderr) = run(folder.path(), &["build", "--target", "linux/amd64,linux/arm64"]);
    assert_eq!(code, 0, "{stderr}");
    assert_eq!(std::fs::read_to_string(folder.path().join("made/told")).unwrap(), "0\n");
}

/// Without the other machine's library Cargo builds nothing; what it was asked for is in its answer.
#[test]
fn cargo_is_asked_for_another_machine_unless_it_knows_one() {
    let config = HEAD.replace("[build]", "[build]\npreset = \"rust\"\ntool = \"cargo\"");
    let folder = project(&[
        ("fitout.toml", &config),
        ("Cargo.toml", "[package]\nname = \"heron\"\nversion = \"1.0.0\"\nedition = \"2021\"\n"),
        ("src/main.rs", "fn main() {}\n"),
    ]);
    let build = || run(folder.path(), &["build", "--target", "linux/s390x"]).2;
    assert!(build().contains("cargo build --release --target s390x-unknown-linux-gnu"));
    std::fs::create_dir(folder.path().join(".cargo")).unwrap();
    std::fs::write(folder.path().join(".cargo/config.toml"), "[build]\ntarget = \"s390x-unknown-linux-musl\"\n")
        .unwrap();
    let said = build();
    assert!(!said.contains("--target s390x-unknown-linux-gnu") && said.contains("s390x-unknown-linux-musl"), "{said}");
}

#[test]
fn go_builds_for_the_target() {
    if tool("go", &["version"]).is_none() {
        return;
    }
    let config = |from: &str| {
        let rule = format!("\n[[files]]\nfrom = \"{from}\"\nto = \"/usr/bin/heron\"\n");
        format!("{HEAD}tool = \"go\"\nenv = {{ CGO_ENABLED = \"0\" }}\ntest = \"go test ./...\"\n{rule}")
    };
    let folder = project(&[
        ("fitout.toml", &config("bin/heron")),
        ("go.mod", "module example.org/heron\n\ngo 1.18\n"),
        ("main.go", "package main\n\nfunc main() { println(\"hello\") }\n"),
        ("main_test.go", "package main\n\nimport \"testing\"\n\nfunc TestIt(t *testing.T) { main() }\n"),
    ]);
    let build = |targets: &str| run(folder.path(), &["build", "--target", targets]);
    for target in ["linux/amd64", "linux/arm64", "linux/amd64"] {
        let (code, stdout, stderr) = build(target);
        assert_eq!(code, 0, "{target}: {stderr}");
        assert!(stdout.contains(&target.replace('/', "-")), "{stdout}");
    }
    // One place for two programs.
    let (code, _, stderr) = build("linux/amd64,linux/arm64");
    assert_eq!(code, 2, "{stderr}");
    assert!(stderr.contains("from `bin/{arch}/…`"), "{stderr}");
    std::fs::write(folder.path().join("fitout.toml"), config("bin/{arch}/heron")).unwrap();
    let (code, stdout, stderr) = build("linux/amd64,linux/arm64,linux/arm/v7");
    assert_eq!((code, stdout.lines().count()), (0, 3), "{stderr}");
    assert_eq!(stderr.matches("go test").count(), 1, "{stderr}");
}
