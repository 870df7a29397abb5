//! Libraries that the package brings along: what the native tools are told of them, and whether they are loaded.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{is_root, project, run, tool};

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
bundle      = BUNDLE

[build]
preset  = "plain"
formats = ["deb", "rpm", "tarball"]

[[files]]
from = "carrier"
to   = "/usr/bin/carrier"
"#;

/// What a build told, and what dpkg and rpm read from it.
struct Made {
    folder: tempfile::TempDir,
    deb: String,
    stderr: String,
    depends: Option<String>,
    requires: Option<String>,
    provides: Option<String>,
}

impl Made {
    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The tree of the deb.
    fn root(&self) -> PathBuf {
        let root = self.at("root");
        tool("dpkg-deb", &["-x", &self.deb, root.to_str().unwrap()]);
        root
    }
}

/// Builds the package of a program that is linked with these options; none without a compiler. `change` may spoil it.
fn made(source: &str, options: &[&str], bundle: &str, change: impl Fn(&Path)) -> Option<Made> {
    let config = CONFIG.replace("BUNDLE", bundle);
    let folder = project(&[("fitout.toml", &config), ("carrier.c", source)]);
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (program, source) = (at("carrier"), at("carrier.c"));
    let mut arguments = vec!["-s", "-o", &program, &source, "-Wl,--no-as-needed"];
    arguments.extend(options);
    tool("cc", &arguments)?;
    change(Path::new(&program));
    let (code, stdout, stderr) = run(folder.path(), &["build"]);
    assert_eq!(code, 0, "{stderr}");
    let artifact = |suffix: &str| {
        let line = stdout.lines().find(|line| Path::new(line).extension().is_some_and(|e| e == suffix)).unwrap();
        folder.path().join(line).to_str().unwrap().to_owned()
    };
    let (deb, rpm) = (artifact("deb"), artifact("rpm"));
    let depends = tool("dpkg-deb", &["-f", &deb, "Depends"]);
    let requires = tool("rpm", &["-qp", "--requires", &rpm]);
    let provides = tool("rpm", &["-qp", "--provides", &rpm]);
    Some(Made { folder, deb, stderr, depends, requires, provides })
}

fn of_libgcc(options: &[&str], change: impl Fn(&Path)) -> Option<Made> {
    let options: Vec<&str> = options.iter().copied().chain(["-lgcc_s"]).collect();
    made("int main(void) { return 0; }\n", &options, r#"["libgcc_s.so.1"]"#, change)
}

/// Nothing is told, nothing of the host is needed, and the library is private.
fn check_private(made: &Made) {
    assert!(!made.stderr.contains("warning"), "{}", made.stderr);
    let told = |text: &Option<String>, yes: &str, no: &str| {
        assert!(text.as_ref().is_none_or(|text| text.contains(yes) && !text.contains(no)), "{text:?}");
    };
    told(&made.depends, "libc6", "libgcc");
    told(&made.requires, "libc.so.6", SONAME);
    told(&made.provides, "carrier", SONAME);
}

#[test]
fn a_program_whose_run_path_reaches_the_library_is_left_as_it_is() {
    let Some(made) = of_libgcc(&["-Wl,-rpath,$ORIGIN/../lib/carrier/lib"], |_| {}) else { return };
    check_private(&made);
    let (packed, built) = (made.root().join("usr/bin/carrier"), made.at("carrier"));
    assert_eq!(fs_err::read(packed).unwrap(), fs_err::read(built).unwrap());
}

#[test]
fn a_program_that_does_not_look_there_is_led() {
    for options in [&[][..], &["-Wl,-rpath,/elsewhere"], &["-Wl,--disable-new-dtags,-rpath,/elsewhere"], &["-no-pie"]] {
        let Some(made) = of_libgcc(options, |_| {}) else { return };
        check_private(&made);
        let built = fs_err::read(made.at("carrier")).unwrap();
        let program = made.root().join("usr/bin/carrier");
        assert_ne!(fs_err::read(&program).unwrap(), built);
        assert_loads(&program, &[SONAME]);
        let (code, said, _) = run(made.folder.path(), &["explain", "/usr/bin/carrier"]);
        assert_eq!(code, 0);
        assert!(said.contains("run path $ORIGIN/../lib/carrier/lib"), "{said}");
    }
}

/// The program, started where it was unpacked, takes these libraries from its own package.
fn assert_loads(program: &Path, sonames: &[&str]) {
    let traced = Command::new(program).env_clear().env("LD_TRACE_LOADED_OBJECTS", "1").output().unwrap();
    let traced = String::from_utf8(traced.stdout).unwrap();
    for soname in sonames {
        let line = traced.lines().find(|line| line.trim().starts_with(soname)).unwrap_or_default();
        assert!(line.contains("/lib/carrier/lib/"), "{soname}:\n{traced}");
    }
    assert!(Command::new(program).env_clear().status().unwrap().success());
}

#[test]
fn a_program_that_cannot_be_led_is_told_and_keeps_its_dependency() {
    let append = |program: &Path| {
        let mut bytes = fs_err::read(program).unwrap();
        bytes.extend([b'!'; 100]);
        fs_err::write(program, bytes).unwrap();
    };
    let Some(made) = of_libgcc(&[], append) else { return };
    for part in [
        "warning[elf/not-on-path]",
        "`/usr/bin/carrier` needs `libgcc_s.so.1`",
        "`/usr/lib/carrier/lib`",
        "-Wl,-rpath,'$ORIGIN/../lib/carrier/lib'",
        "fitout cannot set its run path: data is appended to it",
        "LD_LIBRARY_PATH=/usr/lib/carrier/lib",
    ] {
        assert_eq!(made.stderr.matches(part).count(), 1, "{part}:\n{}", made.stderr);
    }
    assert!(made.depends.is_none_or(|depends| depends.contains("libgcc-s1")));
    assert!(made.requires.is_none_or(|requires| requires.contains(SONAME)));
    assert!(made.provides.is_none_or(|provides| !provides.contains(SONAME)), "the library is private");
}

/// Only libssl is needed by the program, and only libssl needs libcrypto: on a system that has neither.
#[test]
fn bundled_libraries_find_each_other_on_a_bare_system() {
    let source = "extern void *TLS_method(void); int main(void) { return TLS_method() ? 0 : 1; }\n";
    let sonames = ["libssl.so.3", "libcrypto.so.3"];
    let Some(made) = made(source, &["-l:libssl.so.3"], &format!("{sonames:?}"), |_| {}) else { return };
    assert!(!made.stderr.contains("warning"), "{}", made.stderr);
    assert!(made.depends.as_ref().is_none_or(|depends| !depends.contains("libssl")), "{:?}", made.depends);
    let root = made.root();
    let program = root.join("usr/bin/carrier");
    assert_loads(&program, &sonames);
    if !is_root() {
        println!("note: not run in a bare system, for that needs root");
        return;
    }
    // The C library and what else the host brings, at their places; nothing of the bundled ones.
    let traced = Command::new(&program).env_clear().env("LD_TRACE_LOADED_OBJECTS", "1").output().unwrap();
    for word in String::from_utf8(traced.stdout).unwrap().split_whitespace().filter(|word| word.starts_with('/')) {
        if !word.contains("/lib/carrier/lib/") {
            let to = root.join(word.trim_start_matches('/'));
            fs_err::create_dir_all(to.parent().unwrap()).unwrap();
            fs_err::copy(word, to).unwrap();
        }
    }
    // The loader asks /proc for `$ORIGIN`.
    let proc = Proc::bound_in(&root);
    let output = Command::new("/usr/sbin/chroot").arg(&root).arg("/usr/bin/carrier").env_clear().output().unwrap();
    drop(proc);
    assert!(output.status.success(), "{output:?}");
}

/// `/proc` in another root, for as long as it lives.
struct Proc(String);

impl Proc {
    fn bound_in(root: &Path) -> Self {
        let at = root.join("proc");
        fs_err::create_dir(&at).unwrap();
        let at = at.to_str().unwrap().to_owned();
        tool("mount", &["--rbind", "/proc", &at]);
        Self(at)
    }
}

impl Drop for Proc {
    fn drop(&mut self) {
        tool("umount", &["-R", "-l", &self.0]);
    }
}
