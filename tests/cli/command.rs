//! The build command: it does not run for a config that no build can mend.

use crate::support::{project, run};

fn config(package: &str, rest: &str) -> String {
    format!(
        "[package]\nname = \"bad\"\nsummary = \"Bad input\"\nlicense = \"MIT\"\n{package}\n\n[build]\npreset = \"plain\"\ninput = \"tree\"\n\
         command = \"touch ran; mkdir -p tree; echo a > tree/a; echo 1.0.0 > VERSION\"\n\n{rest}"
    )
}

const GOOD: &str = "version = \"1.0.0\"\nmaintainer = \"Ops Team <ops@example.org>\"";

#[test]
fn it_does_not_run_for_what_it_cannot_mend() {
    for (package, rest, there, code) in [
        ("version = \"1.0.0\"\nmaintainer = \"bad\"", "", "", "resolve/maintainer"),
        ("version = \"1 0\"\nmaintainer = \"A <a@b>\"", "", "", "resolve/version"),
        ("version = { from = \"gti\" }\nmaintainer = \"A <a@b>\"", "", "", "config/invalid-value"),
        (GOOD, "[format.deb]\ncompression = \"zstd:99\"\n", "", "config/invalid-value"),
        (GOOD, "[[files]]\nfrom = \"x\"\nto = \"/{nothing}\"\n", "", "config/unset-hole"),
        (GOOD, "[format.deb]\ndepends = [\"Bad Name\"]\n", "tree/old", "deb/relation"),
    ] {
        let folder =
            project(&[("fitout.toml", &config(package, rest)), (if there.is_empty() { "x" } else { there }, "")]);
        let (exit, _, stderr) = run(folder.path(), &["build"]);
        assert_eq!(exit, 2, "{stderr}");
        assert!(stderr.contains(&format!("error[{code}]")), "wanted {code}:\n{stderr}");
        assert!(!folder.path().join("ran").exists(), "{code}: the command ran");
        assert!(!stderr.contains("resolve/not-found"), "{stderr}");
    }
    let folder = project(&[("fitout.toml", &config(GOOD, ""))]);
    let (exit, _, _) = run(folder.path(), &["build", "--target", "linux/vax"]);
    assert!(exit == 2 && !folder.path().join("ran").exists());
}

#[test]
fn it_may_make_what_is_missing() {
    let by_file = "version = { from = \"file:VERSION\" }\nmaintainer = \"A <a@example.org>\"";
    let by_command =
        "version = { from = \"command:echo x >> asked; cat VERSION\" }\nmaintainer = \"A <a@example.org>\"";
    for package in [GOOD, by_file, by_command] {
        let folder = project(&[("fitout.toml", &config(package, ""))]);
        let (exit, _, stderr) = run(folder.path(), &["build"]);
        assert_eq!(exit, 0, "{stderr}");
        if package == by_command {
            let asked = std::fs::read_to_string(folder.path().join("asked")).unwrap();
            assert_eq!(asked, "x\n", "the version's command ran more than once");
        }
    }
    // What is stale before the build is judged behind it only.
    let folder = project(&[("fitout.toml", &config(by_file, "")), ("VERSION", "no version")]);
    let (exit, _, stderr) = run(folder.path(), &["build"]);
    assert_eq!(exit, 0, "{stderr}");
}
