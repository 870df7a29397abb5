//! `tool = "go"`, for real: the program runs, a build without a change is skipped, and another folder makes the same bytes.

use std::fs;
use std::path::Path;

use crate::support::{artifact_of, finish, project, run, tool};

const CONFIG: &str = r#"
[package]
name       = "swift"
version    = "1.0.0"
summary    = "Says what it is"
maintainer = "Ops Team <ops@example.org>"
license    = "MIT"

[build]
preset  = "plain"
tool    = "go"
test    = "go test ./..."
formats = ["deb", "tarball"]

[[files]]
from = "bin/swift"
to   = "/usr/bin/swift"
"#;

const MAIN: &str = "package main\n\nimport \"fmt\"\n\nfunc word() string { return \"one\" }\n\nfunc main() { fmt.Println(\"swift says\", word()) }\n";
const TEST: &str = "package main\n\nimport \"testing\"\n\nfunc TestWord(t *testing.T) {\n\tif word() == \"\" {\n\t\tt.Fatal(\"no word\")\n\t}\n}\n";

fn checkout() -> tempfile::TempDir {
    project(&[
        ("fitout.toml", CONFIG),
        ("go.mod", "module example.org/swift\n\ngo 1.19\n"),
        ("main.go", MAIN),
        ("main_test.go", TEST),
    ])
}

/// What the program in the tarball prints.
fn says(folder: &Path) -> String {
    let tarball = artifact_of(folder, ".tar.gz");
    let script = "mkdir -p unpacked && tar -xzf \"$1\" -C unpacked --strip-components=1 && unpacked/usr/bin/swift";
    let mut command = std::process::Command::new("sh");
    command.args(["-euc", script, "sh"]).arg(tarball).current_dir(folder);
    let (code, stdout, stderr) = finish(command.output().unwrap());
    fs::remove_dir_all(folder.join("unpacked")).unwrap();
    assert_eq!(code, 0, "{stderr}");
    stdout
}

#[test]
fn a_program_of_go_is_built_and_packed() {
    if tool("go", &["version"]).is_none() {
        return;
    }
    let (one, other) = (checkout(), checkout());
    let build = |folder: &Path| {
        let (code, _, stderr) = run(folder, &["build"]);
        assert_eq!(code, 0, "{stderr}");
        stderr
    };
    let said = build(one.path());
    assert!(said.contains("go build") && said.contains("go test"), "{said}");
    assert_eq!(says(one.path()), "swift says one\n");
    assert!(build(one.path()).contains("Skipped go"));
    build(other.path());
    let [first, second] = [&one, &other].map(|folder| fs::read(artifact_of(folder.path(), ".deb")).unwrap());
    assert!(first == second, "another folder makes other bytes");

    fs::write(one.path().join("main.go"), MAIN.replace("one", "two")).unwrap();
    assert!(!build(one.path()).contains("Skipped"));
    assert_eq!(says(one.path()), "swift says two\n");
    fs::write(one.path().join("main.go"), MAIN.replace("\"one\"", "\"\"")).unwrap();
    let (code, _, stderr) = run(one.path(), &["build"]);
    assert!(code == 3 && stderr.contains("error[build/test-failed]") && stderr.contains("no word"), "{stderr}");
}
