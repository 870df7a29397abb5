//! Maintainer scripts as they stand in packages, and the command on the PATH, before the shells and shellcheck; with
//! values that mean much to a shell.

use std::path::{Path, PathBuf};
use std::process::Command;

use fitout::template::render;
use serde_json::json;

use super::support;

/// Runs as a command if it is not quoted, and as something else if it is quoted in any way but the right one.
const HOSTILE: &str =
    "o'k \"q\" $(touch ran) `touch ran` $HOME \\ \\n 'x'; touch ran & | < > * ? ~ # ! %s é\n-n\tend'\\";

/// What has to run the scripts: Debian's shell, and that of small images.
const SHELLS: &[&[&str]] = &[&["dash"], &["busybox", "sh"]];

/// The shells of this machine.
fn shells() -> Vec<&'static [&'static str]> {
    let there = |shell: &&&[&str]| support::tool(shell[0], &[&shell[1..], &["-c", ":"]].concat()).is_some();
    SHELLS.iter().filter(there).copied().collect()
}

/// A folder with one program that writes its arguments to `arguments`, a NUL after each, and the path of that program.
fn recorder(name: &str) -> (tempfile::TempDir, PathBuf) {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join(name);
    fs_err::write(&program, "#!/bin/sh\nprintf '%s\\0' \"$@\" >>arguments\nexit \"${FAIL:-0}\"\n").unwrap();
    fs_err::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    (folder, program)
}

/// Runs a script in `folder`; standard error if it succeeds.
fn run(shell: &[&str], folder: &Path, script: &str, arguments: &[&str], fail: &str) -> String {
    fs_err::write(folder.join("script"), script).unwrap();
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    let output = Command::new(shell[0])
        .args(&shell[1..])
        .args(["-eu", "./script"])
        .args(arguments)
        .current_dir(folder)
        .envs([("PATH", path.as_str()), ("DPKG_ROOT", HOSTILE), ("FAIL", fail)])
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{shell:?}: {stderr}\n{script}");
    assert!(!folder.join("ran").exists(), "{shell:?} ran a value of\n{script}");
    stderr
}

/// What the recorder was called with since the last time.
fn recorded(folder: &Path) -> Vec<String> {
    let Ok(bytes) = fs_err::read(folder.join("arguments")) else { return Vec::new() };
    fs_err::remove_file(folder.join("arguments")).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    text.split_terminator('\0').map(str::to_owned).collect()
}

/// A package whose paths mean much to a shell.
const CONFIG: &str = r#"
[package]
name       = "toy"
version    = "2.0.0-rc.1"
summary    = "Plays a part in tests"
maintainer = "Ops Team <ops@example.org>"
license    = "MIT"
epoch      = 3

[build]
preset  = "plain"

[[package.moved]]
from  = "/etc/toy/o'k $(touch ran)"
since = "2.0.0-rc.1"

[[files]]
from         = "serve"
to           = "/usr/lib/toy/o'k $(touch ran) `touch ran`; \"q\""
owner        = "toy:toy"
mode         = "0755"
capabilities = "cap_net_bind_service=ep"

[[files]]
from = "serve"
to   = "/usr/lib/toy/serve"
mode = "0755"

[[files]]
from  = "serve"
to    = "/etc/toy/env"
role  = "config"
owner = "root:toy"
mode  = "0640"

[[service]]
exec    = ["/usr/lib/toy/serve"]
secrets = { KEY = { file = "/etc/toy/secrets/key", generate = true } }
hooks   = { pre-upgrade = [{ text = "exit 0" }], post-upgrade = [{ text = "exit 0" }] }

[[service]]
name = "toy-each@"
exec = ["/usr/lib/toy/serve"]
"#;

/// The scripts in the package of a project that fitout builds, by name.
fn scripts_of(project: &Path) -> Vec<(String, PathBuf)> {
    let (code, _, stderr) = support::run(project, &["build", "--format", "deb"]);
    assert_eq!(code, 0, "{stderr}");
    let folder = project.join("control");
    let deb = support::artifact_of(project, ".deb");
    support::tool("dpkg-deb", &["-e", deb.to_str().unwrap(), folder.to_str().unwrap()]);
    let names = ["preinst", "postinst", "prerm", "postrm"];
    let all = names.map(|name| (name.to_owned(), folder.join(name)));
    all.into_iter().filter(|(_, script)| script.is_file()).collect()
}

fn hostile() -> tempfile::TempDir {
    support::project(&[("fitout.toml", CONFIG), ("serve", "#!/bin/sh\n")])
}

#[test]
fn shellcheck_has_nothing_to_say_about_maintainer_scripts() {
    let folder = tempfile::tempdir().unwrap();
    let mut found = Vec::new();
    for case in ["service", "scripts"] {
        let project = folder.path().join(case);
        support::copy_tree(&support::root().join("tests/golden/cases").join(case), &project);
        found.extend(scripts_of(&project));
    }
    let hostile = hostile();
    found.extend(scripts_of(hostile.path()));
    assert!(found.len() >= 11, "{found:?}");
    for (_, script) in &found {
        // That nothing is expanded in single quotes is what they are there for.
        let words = ["--shell=sh", "--severity=style", "--norc", "--exclude=SC2016", script.to_str().unwrap()];
        support::tool("shellcheck", &words);
        for shell in shells() {
            support::tool(shell[0], &[&shell[1..], &["-n", script.to_str().unwrap()]].concat());
        }
    }
}

/// All that dpkg may call, for a root that is filled from outside, with every tool replaced by one that takes notes.
#[test]
fn maintainer_scripts_run_under_each_shell() {
    use std::os::unix::fs::PermissionsExt as _;
    const ODD: &str = "/usr/lib/toy/o'k $(touch ran) `touch ran`; \"q\"";
    let project = hostile();
    let scripts = scripts_of(project.path());
    let folder = tempfile::tempdir().unwrap();
    let at = |path: &str| folder.path().join(path);
    let tools = [
        "systemd-sysusers",
        "systemd-tmpfiles",
        "dpkg-maintscript-helper",
        "deb-systemd-helper",
        "deb-systemd-invoke",
        "systemctl",
        "setcap",
        "chown",
        "chmod",
    ];
    fs_err::create_dir(at("tools")).unwrap();
    for tool in tools {
        let text = format!("#!/bin/sh\nprintf '%s\\n' \"{tool} $*\" >>'{}'\n", at("notes").display());
        fs_err::write(at("tools").join(tool), text).unwrap();
        fs_err::set_permissions(at("tools").join(tool), std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    // Nothing of it belongs to anyone else.
    fs_err::write(at("tools/dpkg-statoverride"), "#!/bin/sh\nexit 1\n").unwrap();
    fs_err::set_permissions(at("tools/dpkg-statoverride"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", at("tools").display(), std::env::var("PATH").unwrap());
    let events = [
        ("preinst", &["install"][..]),
        ("preinst", &["install", "1.0", "2.0"]),
        ("preinst", &["upgrade", "1.0", "2.0"]),
        ("postinst", &["configure", ""]),
        ("postinst", &["configure", "1.0"]),
        ("postinst", &["abort-upgrade", "2.0"]),
        ("postinst", &["abort-remove"]),
        ("postinst", &["abort-deconfigure", "in-favour", "other", "1"]),
        ("postinst", &["triggered", "x"]),
        ("prerm", &["upgrade", "2.0"]),
        ("prerm", &["failed-upgrade", "1.0", "2.0"]),
        ("prerm", &["deconfigure", "in-favour", "other", "1"]),
        ("prerm", &["remove"]),
        ("postrm", &["remove"]),
        ("postrm", &["upgrade", "2.0"]),
        ("postrm", &["failed-upgrade", "1.0", "2.0"]),
        ("postrm", &["abort-install"]),
        ("postrm", &["abort-upgrade", "1.0", "2.0"]),
        ("postrm", &["disappear", "other", "1"]),
        ("postrm", &["purge"]),
    ];
    for shell in shells() {
        let filled = at("filled root");
        let _ = fs_err::remove_dir_all(&filled);
        for (name, text) in [
            ("etc/passwd", "root:x:0:0::/:\ntoy:x:777:778::/:\n"),
            ("etc/group", "toy:x:778:\n"),
            (ODD.trim_start_matches('/'), ""),
        ] {
            fs_err::create_dir_all(filled.join(name).parent().unwrap()).unwrap();
            fs_err::write(filled.join(name), text).unwrap();
        }
        for (name, words) in events {
            let Some((_, script)) = scripts.iter().find(|(other, _)| other == name) else { panic!("no {name}") };
            let _ = fs_err::remove_file(at("notes"));
            let output = Command::new(shell[0])
                .args(&shell[1..])
                .arg("-eu")
                .arg(script)
                .args(words)
                .current_dir(folder.path())
                .env("PATH", &path)
                .env("DPKG_ROOT", &filled)
                .output()
                .unwrap();
            let told = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success() && told.is_empty(), "{shell:?} {name} {words:?}: {told}");
            assert!(!at("ran").exists(), "{shell:?} {name} {words:?} ran a value");
            let notes = fs_err::read_to_string(at("notes")).unwrap_or_default();
            let has = |line: &str| assert!(notes.lines().any(|note| note == line), "{name} {words:?}: {line}\n{notes}");
            if name == "postinst" && words[0] != "triggered" {
                has(&format!("systemd-sysusers --root={} toy.conf", filled.display()));
                if shell[0] == "busybox" && !notes.contains("chown ") {
                    // Some builds of it call their own chown, whatever the path says.
                    use std::os::unix::fs::MetadataExt as _;
                    let meta = fs_err::metadata(filled.join(ODD.trim_start_matches('/'))).unwrap();
                    assert!(
                        !support::is_root() || (meta.uid(), meta.gid()) == (777, 778),
                        "{}:{}",
                        meta.uid(),
                        meta.gid()
                    );
                } else {
                    has(&format!("chown -h 777:778 {}{ODD}", filled.display()));
                }
                has(&format!("setcap cap_net_bind_service=ep {}{ODD}", filled.display()));
                has("deb-systemd-helper enable toy.service");
                assert_eq!(fs_err::read(filled.join("etc/toy/secrets/key")).unwrap().len(), 64);
            }
            if name != "prerm" {
                let line = "rm_conffile /etc/toy/o'k $(touch ran) 3:2.0.0~rc.1~ toy --";
                has(&format!("dpkg-maintscript-helper {line} {}", words.join(" ")));
            }
        }
        assert!(!filled.join("etc/toy/secrets").exists() && !filled.join("var/lib/toy").exists());
    }
}

#[test]
fn the_command_hands_its_arguments_on() {
    let (folder, program) = recorder(HOSTILE);
    let script = render("launcher/command.sh", &json!({ "path": "/usr/bin/hello", "program": program })).unwrap();
    for shell in shells() {
        for arguments in [&[][..], &["start"], &["", HOSTILE, "*"]] {
            run(shell, folder.path(), &script, arguments, "0");
            let expected = if arguments.is_empty() { &[""][..] } else { arguments };
            assert_eq!(recorded(folder.path()), expected, "{shell:?}");
        }
    }
}

#[test]
fn a_file_system_without_capabilities_does_not_fail_the_installation() {
    let (folder, _) = recorder("setcap");
    let values = json!({
        "package": HOSTILE, "conf": "", "accounts": false, "directories": [], "gives": false, "owners": [], "secrets": [],
        "files": [{ "path": HOSTILE, "capabilities": HOSTILE }],
    });
    let script = render("maintainer/deb/setup.sh", &values).unwrap();
    for shell in shells() {
        assert_eq!(run(shell, folder.path(), &script, &["configure", ""], "0"), "");
        assert_eq!(recorded(folder.path()), [HOSTILE.to_owned(), format!("{HOSTILE}{HOSTILE}")], "{shell:?}");
        let told = run(shell, folder.path(), &script, &["configure", ""], "1");
        assert_eq!(told, format!("{HOSTILE}: cannot set capabilities of {HOSTILE}\n"), "{shell:?}");
        recorded(folder.path());
    }
}
