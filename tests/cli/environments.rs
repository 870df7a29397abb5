//! What differs between two environments.

use crate::support::{project, run};

const CONFIG: &str = "[package]\nname = \"web\"\nversion = \"1.0.0\"\nsummary = \"Web\"\nlicense = \"MIT\"\n\
    maintainer = \"A <a@example.org>\"\n\n[build]\npreset = \"plain\"\nformats = [\"deb\", \"tarball\"]\n\n\
    [[files]]\nfrom = \"tree\"\nto = \"/usr/lib/web\"\n\n\
    [environment.staging.package]\nsummary = \"Web (staging)\"\n\
    [environment.staging.format.deb]\ndepends = [\"strace\"]\n\
    [[environment.staging.files]]\nfrom = \"tree\"\nto = \"/usr/lib/web\"\nmode = \"0600\"\n\
    [[environment.staging.files]]\nfrom = \"staging\"\nto = \"/etc/web/env\"\n\n\
    [environment.production.build]\nformats = [\"deb\"]\n";

#[test]
fn the_difference_is_that_of_the_packages() {
    let folder = project(&[("fitout.toml", CONFIG), ("tree/a", "a"), ("staging", "DEBUG=1\n")]);
    let args = ["plan", "--environment", "staging", "--against", "production"];
    let (code, told, stderr) = run(folder.path(), &args);
    assert_eq!(code, 0, "{stderr}");
    assert!(told.starts_with("production -> staging\n\ndeb linux/amd64\n"), "{told}");
    for line in [
        "field     version: 1.0.0+production -> 1.0.0+staging\n",
        "needs   + Depends: strace\n",
        "~ /usr/lib/web/a   mode -rw-r--r-- -> -rw-------\n",
        "+ /etc/web/env",
        "\ntarball linux/amd64\nonly in staging\n",
    ] {
        assert!(told.contains(line), "{line}:\n{told}");
    }
    assert!(!told.contains("size "), "{told}");
    let (_, told, _) = run(folder.path(), &[&args[..], &["--json"]].concat());
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!(
        (&told["schema"], &told["old"], &told["new"]),
        (&"fitout/plan-difference/1".into(), &"production".into(), &"staging".into())
    );
    assert_eq!(told["artifacts"][0]["difference"]["added"][0]["path"], "/etc/web/env");
    assert_eq!(told["artifacts"][1]["only_in"], "staging");
    // Nothing was left, and the file itself can be compared with, too.
    let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 3, "{names:?}");
    let (code, told, stderr) =
        run(folder.path(), &["plan", "--environment", "production", "--against", "none", "--format", "deb"]);
    assert!(
        code == 0 && told.starts_with("none -> production\n\ndeb linux/amd64\nfield     version:"),
        "{told}{stderr}"
    );
    let (code, _, stderr) = run(folder.path(), &["plan", "--against", "stagin"]);
    assert!(code == 2 && stderr.contains("did you mean `staging`?"), "{stderr}");
}
