//! What differs between two environments.

use crate::support::{project, run};

const CONFIG: &str = "[package]\nname = \"web\"\nversion = \"1.0.0\"\nsummary = \"Web\"\nlicense = \"MIT\"\n\
    maintainer = \"A <a@example.org>\"\n\n[build]\npreset = \"plain\"\nformats = [\"deb\", \"tarball\"]\ntargets = [\"linux/amd64\"]\n\n\
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

#[test]
fn several_are_built_in_one_run() {
    let folder = project(&[("fitout.toml", CONFIG), ("tree/a", "a"), ("staging", "DEBUG=1\n")]);
    let (code, made, stderr) = run(folder.path(), &["build", "--environment", "staging,production"]);
    assert_eq!(code, 0, "{stderr}");
    let made: Vec<&str> = made.lines().collect();
    let expected = [
        "dist/staging/web_1.0.0+staging_all.deb",
        "dist/staging/web-1.0.0+staging-linux-amd64.tar.gz",
        "dist/production/web_1.0.0+production_all.deb",
    ];
    assert_eq!(made, expected);
    assert!(stderr.contains("Finished 3 artifacts"), "{stderr}");
    assert!(expected.iter().all(|path| folder.path().join(path).is_file()));
    let (code, told, _) = run(folder.path(), &["build", "--environment", "staging,production", "--json"]);
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!((code, told["artifacts"].as_array().unwrap().len()), (0, 3));

    // What cannot be is told before anything is made.
    let folder = project(&[("fitout.toml", CONFIG), ("tree/a", "a"), ("staging", "DEBUG=1\n")]);
    let (code, _, stderr) = run(folder.path(), &["build", "--environment", "production,stagin"]);
    assert!(
        code == 2 && stderr.contains("did you mean `staging`?") && stderr.contains("Nothing was written"),
        "{stderr}"
    );
    assert!(!folder.path().join("dist").exists());
    // What was made before the other failed is there, and nobody says that it is not.
    std::fs::remove_file(folder.path().join("staging")).unwrap();
    let (code, made, stderr) = run(folder.path(), &["build", "--environment", "production,staging"]);
    assert!(
        code == 2 && stderr.contains("error[files/not-found]") && !stderr.contains("Nothing was written"),
        "{stderr}"
    );
    assert_eq!(made, "dist/production/web_1.0.0+production_all.deb\n");
}
