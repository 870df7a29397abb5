//! Every template, filled with values that mean much to a shell, before the shells and shellcheck.

use std::path::{Path, PathBuf};
use std::process::Command;

use fitout::template::{TEMPLATES, render};
use serde_json::{Value, json};

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

/// Values for a template, all of them `value`.
fn values(name: &str, value: &str) -> Value {
    match name {
        "launcher/command.sh" => json!({ "program": value }),
        "maintainer/deb/capabilities.sh" => {
            let file = json!({ "path": value, "capabilities": value });
            json!({ "package": value, "files": [file, file] })
        }
        _ => panic!("say here how {name} is tried"),
    }
}

#[test]
fn shellcheck_has_nothing_to_say() {
    for template in TEMPLATES.iter().filter(|template| template.name.ends_with(".sh")) {
        // That nothing is expanded in single quotes is what they are there for.
        for (value, but) in [("/usr/bin/hello", "--norc"), (HOSTILE, "--exclude=SC2016,SC1003")] {
            let folder = tempfile::tempdir().unwrap();
            let script = folder.path().join("script");
            fs_err::write(&script, render(template.name, &values(template.name, value)).unwrap()).unwrap();
            support::tool("shellcheck", &["--shell=sh", "--severity=style", but, script.to_str().unwrap()]);
        }
    }
}

#[test]
fn the_command_hands_its_arguments_on() {
    let (folder, program) = recorder(HOSTILE);
    let script = render("launcher/command.sh", &json!({ "program": program })).unwrap();
    for shell in shells() {
        for arguments in [&[][..], &["start"], &["", HOSTILE, "*"]] {
            run(shell, folder.path(), &script, arguments, "0");
            let expected = if arguments.is_empty() { &[""][..] } else { arguments };
            assert_eq!(recorded(folder.path()), expected, "{shell:?}");
        }
    }
}

#[test]
fn the_postinst_sets_capabilities_at_every_configuration() {
    const NAME: &str = "maintainer/deb/capabilities.sh";
    let (folder, _) = recorder("setcap");
    let script = render(NAME, &values(NAME, HOSTILE)).unwrap();
    let once = [HOSTILE.to_owned(), format!("{HOSTILE}{HOSTILE}")];
    for shell in shells() {
        for moment in ["configure", "abort-upgrade", "abort-remove", "abort-deconfigure"] {
            assert_eq!(run(shell, folder.path(), &script, &[moment, "1.0"], "0"), "");
            assert_eq!(recorded(folder.path()), [&once[..], &once].concat(), "{shell:?}");
        }
        run(shell, folder.path(), &script, &["triggered", "x"], "0");
        assert_eq!(recorded(folder.path()), [""; 0]);
        // A file system without extended attributes does not fail the installation.
        let told = run(shell, folder.path(), &script, &["configure", ""], "1");
        assert_eq!(told, format!("{HOSTILE}: cannot set capabilities of {HOSTILE}\n").repeat(2), "{shell:?}");
        assert_eq!(recorded(folder.path()).len(), 4);
    }
}
