//! `fitout templates eject` and `diff`: a template of the project takes the place of fitout's, and a change of the original
//! is told.

use std::fs;

use crate::support::{project, run};

const CONFIG: &str = r#"[package]
name = "hello"
version = "1.0"
summary = "Greets people"
maintainer = "Ops Team <ops@example.org>"
license = "MIT"
templates = "packaging/templates"

[build]
formats = ["deb"]
targets = ["linux/amd64"]

[[files]]
text = "x"
to = "/usr/lib/hello/x"

[[service]]
exec = ["/usr/lib/hello/x"]
"#;
const UNIT: &str = "systemd/service.unit";

#[test]
fn a_template_of_the_project_takes_the_place_of_fitout_s() {
    let folder = project(&[("fitout.toml", CONFIG)]);
    let here = folder.path();
    let (code, stdout, stderr) = run(here, &["templates", "eject", UNIT]);
    assert_eq!(code, 0, "{stderr}");
    let file = here.join("packaging/templates/systemd/service.unit.hbs");
    assert_eq!(stdout.trim(), "packaging/templates/systemd/service.unit.hbs");
    let ejected = fs::read_to_string(&file).unwrap();
    // As it came it changes nothing, and nothing is different.
    assert_eq!(run(here, &["templates", "diff"]), (0, String::new(), String::new()));
    assert_eq!(run(here, &["lint"]).2.matches("lint/template-drift").count(), 0);

    fs::write(&file, ejected.replace("UMask=0027", "UMask=0077")).unwrap();
    let (code, stdout, stderr) = run(here, &["templates", "diff", UNIT]);
    assert_eq!(code, 1, "{stderr}");
    assert!(stdout.contains("-UMask=0027") && stdout.contains("+UMask=0077"), "{stdout}");
    assert_eq!(run(here, &["lint"]).2.matches("lint/template-drift").count(), 0, "an edit is no drift");
    let (code, stdout, stderr) = run(here, &["build", "--quiet"]);
    assert_eq!(code, 0, "{stderr}");
    let unit = std::process::Command::new("sh")
        .args(["-euc", "dpkg-deb --fsys-tarfile \"$1\" | tar -xO ./usr/lib/systemd/system/hello.service", "sh"])
        .arg(here.join(stdout.trim()))
        .output();
    if let Ok(unit) = unit.map(|output| String::from_utf8(output.stdout).unwrap()) {
        assert!(unit.contains("UMask=0077") && !unit.contains("ejected"), "{unit}");
    }

    // Ours is never written over theirs.
    let (code, _, stderr) = run(here, &["templates", "eject", UNIT]);
    assert_eq!(code, 2, "{stderr}");
    assert!(stderr.contains("is there already"), "{stderr}");
    assert!(fs::read_to_string(&file).unwrap().contains("UMask=0077"));
}

#[test]
fn a_change_of_the_original_is_told() {
    let folder = project(&[("fitout.toml", CONFIG)]);
    let here = folder.path();
    assert_eq!(run(here, &["templates", "eject", UNIT]).0, 0);
    let file = here.join("packaging/templates/systemd/service.unit.hbs");
    let text = fs::read_to_string(&file).unwrap();
    let (first, rest) = text.split_once('\n').unwrap();
    // As if it had been taken from an older fitout.
    let older = first.replace("sha256:", "sha256:00");
    fs::write(&file, format!("{older}\n{rest}")).unwrap();
    let (_, _, stderr) = run(here, &["lint"]);
    assert!(stderr.contains("lint/template-drift") && stderr.contains("has changed since"), "{stderr}");
    // What the finding names mends it.
    assert!(stderr.contains(first), "{stderr}");
    fs::write(&file, rest).unwrap();
    assert!(run(here, &["lint"]).2.contains("does not say which text"), "no first line");
}
