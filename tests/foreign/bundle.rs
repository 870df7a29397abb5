//! A library that the package brings along: what of it the native tools are told, and when it is never loaded.

use std::path::Path;

use crate::support::{project, run, tool};

/// Every compiler brings this library, and both rpm and the Debian table know it.
const SONAME: &str = "libgcc_s.so.1";

const CONFIG: &str = r#"
[package]
name        = "carrier"
version     = "1.0.0"
summary     = "Brings a library along"
description = "A program that is linked against a library of its own package."
maintainer  = "Ops Team <ops@example.org>"
license     = "MIT"
bundle      = ["libgcc_s.so.1"]

[build]
preset  = "plain"
formats = ["deb", "rpm"]

[[files]]
from = "carrier"
to   = "/usr/bin/carrier"
"#;

/// What a build told, and what dpkg and rpm read from it.
struct Made {
    stderr: String,
    depends: Option<String>,
    requires: Option<String>,
    provides: Option<String>,
}

/// Builds the package of a program with this run path; none without a compiler.
fn made(run_path: &str) -> Option<Made> {
    let folder = project(&[("fitout.toml", CONFIG), ("carrier.c", "int main(void) { return 0; }\n")]);
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let mut options = vec!["-s".to_owned(), "-o".to_owned(), at("carrier"), at("carrier.c")];
    options.extend(["-Wl,--no-as-needed".to_owned(), "-lgcc_s".to_owned()]);
    options.extend((!run_path.is_empty()).then(|| format!("-Wl,-rpath,{run_path}")));
    tool("cc", &options.iter().map(String::as_str).collect::<Vec<_>>())?;
    let (code, stdout, stderr) = run(folder.path(), &["build"]);
    assert_eq!(code, 0, "{stderr}");
    let artifact = |suffix: &str| {
        let line = stdout.lines().find(|line| Path::new(line).extension().is_some_and(|e| e == suffix)).unwrap();
        folder.path().join(line).to_str().unwrap().to_owned()
    };
    let (deb, rpm) = (artifact("deb"), artifact("rpm"));
    Some(Made {
        stderr,
        depends: tool("dpkg-deb", &["-f", &deb, "Depends"]),
        requires: tool("rpm", &["-qp", "--requires", &rpm]),
        provides: tool("rpm", &["-qp", "--provides", &rpm]),
    })
}

#[test]
fn a_program_whose_run_path_reaches_the_library_needs_none_of_the_host() {
    let Some(made) = made("$ORIGIN/../lib/carrier/lib") else { return };
    assert!(!made.stderr.contains("warning"), "{}", made.stderr);
    assert!(made.depends.is_none_or(|depends| depends.contains("libc6") && !depends.contains("libgcc")));
    assert!(made.requires.is_none_or(|requires| requires.contains("libc.so.6") && !requires.contains(SONAME)));
    assert!(made.provides.is_none_or(|provides| !provides.contains(SONAME)), "the library is private");
}

#[test]
fn a_program_that_does_not_look_there_is_told_and_keeps_its_dependency() {
    let Some(made) = made("") else { return };
    for part in [
        "warning[elf/not-on-path]",
        "`/usr/bin/carrier` needs `libgcc_s.so.1`",
        "`/usr/lib/carrier/lib`",
        "-Wl,-rpath,'$ORIGIN/../lib/carrier/lib'",
    ] {
        assert_eq!(made.stderr.matches(part).count(), 1, "{part}:\n{}", made.stderr);
    }
    assert!(made.depends.is_none_or(|depends| depends.contains("libgcc-s1")));
    assert!(made.requires.is_none_or(|requires| requires.contains(SONAME)));
    assert!(made.provides.is_none_or(|provides| !provides.contains(SONAME)), "the library is private");
}
