//! Every script that is made for a service, before shellcheck and the shells.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::archives::{Project, said, unpack};
use crate::support::{self, tool};

/// Values that mean much to a shell, where the grammar of the config takes them.
const HOSTILE: &str = r#"'o''k "q" $(touch ran) `touch ran` $HOME \ \n; touch ran & | < > * ? ~ # ! %s é'"#;

/// The scripts of an unpacked archive.
fn scripts(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            scripts(&path, found);
        } else if std::fs::read(&path).unwrap().starts_with(b"#!") {
            found.push(path);
        }
    }
}

fn judged(project: &Project) {
    let folder = tempfile::tempdir().unwrap();
    let tree = folder.path().join("tree");
    unpack(&project.tarball("1.4.0"), &tree);
    let mut found = Vec::new();
    scripts(&tree, &mut found);
    assert!(found.len() >= 10, "{found:?}");
    for script in &found {
        tool("shellcheck", &["--shell=sh", "--severity=style", "--norc", script.to_str().unwrap()]);
        for shell in [&["dash"][..], &["busybox", "sh"]] {
            tool(shell[0], &[&shell[1..], &["-n", script.to_str().unwrap()]].concat());
        }
    }
    for command in ["help", "describe", "version", "status"] {
        for shell in [&["dash"][..], &["busybox", "sh"]] {
            let launcher = tree.join("usr/lib/greeter/launcher/greeter");
            let output = Command::new(shell[0])
                .args(&shell[1..])
                .arg("-eu")
                .arg(&launcher)
                .arg(command)
                .current_dir(&tree)
                .output();
            let (code, told) = said(output.unwrap());
            assert_eq!(code, if command == "status" { 3 } else { 0 }, "{command}: {told}");
            let output =
                Command::new(shell[0]).args(&shell[1..]).arg("-eu").arg(tree.join("install.sh")).arg("help").output();
            assert_eq!(said(output.unwrap()).0, 0);
        }
    }
    assert!(!tree.join("ran").exists());
}

#[test]
fn nothing_is_found_in_the_scripts_of_a_service() {
    judged(&Project::new());
}

#[test]
fn nor_where_values_mean_much_to_a_shell() {
    let project = Project::new();
    let hostile = HOSTILE.replace("''", "'");
    let inner = &hostile[1..hostile.len() - 1];
    let toml = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    project.replace("fitout.toml", "\"a \\\"b\\\" \\\\\"", &toml(inner));
    project.replace("fitout.toml", "\"it's \\\"100%\\\" $HOME \\\\\"", &toml(inner));
    project.replace("fitout.toml", "about = \"brings the state up to date\"", &format!("about = {}", toml(inner)));
    project.replace(
        "fitout.toml",
        "summary = \"Greets",
        &format!("description = \"\"\nsummary = \"Greets {}", &toml(inner)[1..toml(inner).len() - 1]),
    );
    judged(&project);
}

#[test]
fn init_scripts_start_the_launcher() {
    let project = Project::new();
    let folder = tempfile::tempdir().unwrap();
    for (kind, shell) in [("sysv", "sh"), ("openrc", "sh")] {
        project.replace("fitout.toml", "init = [\"sysv\", \"openrc\"]", &format!("init = [\"{kind}\"]"));
        project.replace("fitout.toml", "formats = [\"tarball\", \"zip\"]", "formats = [\"deb\", \"tarball\", \"zip\"]");
        project.tarball("1.4.0");
        let deb = support::artifact_of(&project.folder(), ".deb");
        let to = folder.path().join(kind);
        tool("dpkg-deb", &["-x", deb.to_str().unwrap(), to.to_str().unwrap()]);
        let script = to.join("etc/init.d/greeter");
        let text = std::fs::read_to_string(&script).unwrap();
        assert!(text.contains("launcher='/usr/lib/greeter/launcher/greeter'\n"), "{text}");
        tool("shellcheck", &[&format!("--shell={shell}"), "--norc", script.to_str().unwrap()]);
        if kind == "sysv" {
            // A launcher that tells what it is asked.
            std::fs::write(&script, text.replace("'/usr/lib/greeter/launcher/greeter'", "/bin/echo")).unwrap();
            for word in ["start", "stop", "restart", "reload", "status"] {
                let (code, told) = said(Command::new("sh").arg(&script).arg(word).output().unwrap());
                assert_eq!((code, told), (0, format!("{word}\n")));
            }
            assert_eq!(said(Command::new("sh").arg(&script).arg("dance").output().unwrap()).0, 2);
        }
        project.replace("fitout.toml", &format!("init = [\"{kind}\"]"), "init = [\"sysv\", \"openrc\"]");
        project.replace("fitout.toml", "formats = [\"deb\", \"tarball\", \"zip\"]", "formats = [\"tarball\", \"zip\"]");
    }
}
