//! The scripts that a host runs, as a reader of the package finds them: launchers, names on the PATH, install.sh.

use std::process::Command;

use super::harness::{Case, Goldens};

/// Below the folder of the tarball.
const SCRIPTS: &[(&str, &str)] = &[
    ("install.sh", "install.sh"),
    ("usr/lib/greeter/launcher/greeter", "launcher.sh"),
    ("usr/lib/greeter/launcher/greeter-report", "launcher-of-timer.sh"),
    ("usr/bin/greeter", "command.sh"),
];

#[test]
fn scripts() {
    let mut goldens = Goldens::default();
    let case = Case::copy("cases/service");
    let (code, _, stderr) = case.fitout(&["build", "--format", "tarball"]);
    assert_eq!(code, 0, "{stderr}");
    for (path, golden) in SCRIPTS {
        let member = format!("greeter-1.4.0-linux-amd64/{path}");
        let tarball = case.folder.join("dist/greeter-1.4.0-linux-amd64.tar.gz");
        let output = Command::new("tar").arg("-xzOf").arg(tarball).arg(member).output().expect("tar runs");
        assert!(output.status.success(), "{path}: {}", String::from_utf8_lossy(&output.stderr));
        goldens.agree(format!("assemble/service/{golden}"), &String::from_utf8(output.stdout).expect("UTF-8"));
    }
    goldens.finish();
}
