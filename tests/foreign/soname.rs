//! A program that needs a library which nobody knows: every verb that makes a plan says so, and the config mends it.

use crate::support::{project, run, tool};

const CONFIG: &str = r#"
[package]
name        = "needy"
version     = "1.0.0"
summary     = "Needs a library"
description = "A library that is linked against one that no distribution has."
maintainer  = "Ops Team <ops@example.org>"
license     = "MIT"

[build]
preset  = "plain"
formats = ["deb", "rpm", "tarball", "zip"]

[[files]]
from = "libneedy.so"
to   = "/usr/lib/needy/libneedy.so"
"#;

/// A project with a library that needs `libnowhere.so.9`; none without a compiler.
fn needy() -> Option<tempfile::TempDir> {
    let folder = project(&[
        ("fitout.toml", CONFIG),
        ("nowhere.c", "int nowhere(void) { return 9; }\n"),
        ("needy.c", "int nowhere(void);\nint needy(void) { return nowhere(); }\n"),
    ]);
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let shared = ["-shared", "-fPIC", "-nostdlib", "-Wl,-s"];
    let cc = |more: &[&str]| tool("cc", &[&shared[..], more].concat());
    cc(&["-Wl,-soname,libnowhere.so.9", "-o", &at("libnowhere.so"), &at("nowhere.c")])?;
    cc(&["-o", &at("libneedy.so"), &at("needy.c"), &at("libnowhere.so")])?;
    Some(folder)
}

#[test]
fn plan_lint_and_build_name_it_and_the_config_mends_it() {
    let Some(folder) = needy() else { return };
    for verb in ["plan", "lint", "build"] {
        let (code, stdout, stderr) = run(folder.path(), &[verb]);
        assert_eq!(code, 0, "{verb}: {stderr}");
        for part in
            ["warning[elf/unknown-soname]", "libnowhere.so.9", "/usr/lib/needy/libneedy.so", "[format.deb.libraries]"]
        {
            assert!(stderr.contains(part), "{verb}: no {part}:\n{stderr}{stdout}");
        }
        assert_eq!(stderr.matches("elf/unknown-soname").count(), 1, "{verb}: {stderr}");
    }
    assert_eq!(run(folder.path(), &["lint", "--deny", "warnings"]).0, 1);
    // Not deb's own affair where no deb is made.
    let (code, _, stderr) = run(folder.path(), &["lint", "--format", "tarball", "--deny", "warnings"]);
    assert_eq!(code, 0, "{stderr}");

    let mended = format!("{CONFIG}\n[format.deb.libraries]\n\"libnowhere.so.9\" = \"nowhere (>= 9)\"\n");
    std::fs::write(folder.path().join("fitout.toml"), mended).unwrap();
    let (code, _, stderr) = run(folder.path(), &["lint", "--deny", "warnings"]);
    assert_eq!(code, 0, "{stderr}");
    let (code, stdout, stderr) = run(folder.path(), &["build", "--format", "deb"]);
    assert_eq!(code, 0, "{stderr}");
    assert!(!stderr.contains("warning"), "{stderr}");
    let deb = folder.path().join(stdout.trim());
    if let Some(depends) = tool("dpkg-deb", &["-f", deb.to_str().unwrap(), "Depends"]) {
        assert_eq!(depends.trim(), "nowhere (>= 9)");
    }
}
