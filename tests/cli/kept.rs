//! `fitout cache`: what there is, what is damaged, what goes.

use std::fs;
use std::path::Path;

use crate::support::{finish, fitout, project};

fn cache(folder: &Path, args: &[&str]) -> (i32, String, String) {
    let mut command = fitout(folder);
    command.args(["cache"]).args(args).env("FITOUT_CACHE_DIR", folder.join("cache"));
    finish(command.output().unwrap())
}

fn document(folder: &Path, args: &[&str]) -> serde_json::Value {
    let (_, stdout, stderr) = cache(folder, &[args, &["--json"]].concat());
    serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {stdout}{stderr}"))
}

fn bytes(folder: &Path, part: &str) -> u64 {
    let shown = document(folder, &["show"]);
    let parts = shown["parts"].as_array().unwrap();
    parts.iter().find(|one| one["folder"] == part).unwrap()["bytes"].as_u64().unwrap()
}

#[test]
fn the_cache_is_shown_verified_and_pruned() {
    let config = "[package]\nname = \"kept\"\nversion = \"1.0.0\"\nsummary = \"Keeps\"\nlicense = \"MIT\"\n\
        maintainer = \"A <a@example.org>\"\n[build]\npreset = \"plain\"\ninput = \"tree\"\nformats = [\"deb\"]\n\
        command = \"mkdir -p tree kept && cp data tree/ && echo made > kept/one\"\n[build.cache]\npaths = [\"kept\"]\nkey = [\"lock\"]\n";
    let data: String = (0..60_000u32).map(|i| char::from(b'a' + (i.wrapping_mul(i) >> 9) as u8 % 26)).collect();
    let folder = project(&[("fitout.toml", config), ("data", &data), ("lock", "1")]);
    let folder = folder.path();
    assert_eq!(bytes(folder, "runs") + bytes(folder, "store"), 0, "there is nothing yet");
    for args in [&["verify"][..], &["prune"], &["prune", "--all"]] {
        assert_eq!(cache(folder, args).0, 0, "of nothing: {args:?}");
    }
    let build = || {
        let mut command = fitout(folder);
        let (code, _, stderr) =
            finish(command.args(["build"]).env("FITOUT_CACHE_DIR", folder.join("cache")).output().unwrap());
        assert_eq!(code, 0, "{stderr}");
        stderr
    };
    build();
    assert!(bytes(folder, "runs") > 10_000 && bytes(folder, "store") > 0 && bytes(folder, "projects") > 0);
    let (code, stdout, _) = cache(folder, &["show"]);
    assert!(code == 0 && stdout.contains("what was compressed") && stdout.contains("all "), "{stdout}");
    assert_eq!(cache(folder, &["verify"]).0, 0);

    let segment = fs::read_dir(folder.join("cache/runs")).unwrap().next().unwrap().unwrap().path();
    let mut damaged = fs::read(&segment).unwrap();
    damaged[100] ^= 1;
    fs::write(&segment, damaged).unwrap();
    let blobs = folder.join("cache/store/blob");
    let inner = fs::read_dir(blobs).unwrap().next().unwrap().unwrap().path();
    let blob = fs::read_dir(inner).unwrap().next().unwrap().unwrap().path();
    fs::write(&blob, "damaged").unwrap();
    let (code, stdout, stderr) = cache(folder, &["verify"]);
    let paths = [&blob, &segment].map(|path| format!("{}\n", path.display()));
    assert_eq!((code, stdout), (1, paths.concat()), "{stderr}");
    assert_eq!(document(folder, &["verify"])["damaged"].as_array().unwrap().len(), 2);
    let (code, _, stderr) = cache(folder, &["prune"]);
    assert!(code == 0 && stderr.contains("Removed") && !segment.exists() && !blob.exists(), "{stderr}");
    assert_eq!(cache(folder, &["verify"]).0, 0);

    // What an engine was killed in, where the file system knows no files without names: old ones go, young ones may be in use.
    fs::write(folder.join("data"), data.to_uppercase()).unwrap();
    build();
    for (name, age) in [(".fitout-old", 7200), (".fitout-young", 0)] {
        let path = folder.join("cache/runs").join(name);
        fs::write(&path, "half").unwrap();
        let time = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap() - std::time::Duration::from_secs(age);
        fs::File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_modified(std::time::SystemTime::UNIX_EPOCH + time)
            .unwrap();
    }
    cache(folder, &["prune"]);
    assert!(!folder.join("cache/runs/.fitout-old").exists() && folder.join("cache/runs/.fitout-young").exists());
    assert!(document(folder, &["prune", "--all"])["bytes"].as_u64().unwrap() > 10_000);
    assert_eq!(bytes(folder, "runs") + bytes(folder, "store") + bytes(folder, "projects"), 0);
    assert!(!build().contains("warning"), "a build begins anew");
}
