//! What is in a release is published with it.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::shop::{ALL, Shop, publish, try_publish};
use crate::support::run;

/// A release has files of its own.
fn shop() -> Shop {
    Shop::new(&ALL.replace("@SHOP@/files", "@SHOP@/downloads/{name}/{version}"))
}

const DIGEST: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

const CARGO: &str = r#"
[[package]]
name = "hello"
version = "0.1.0"

[[package]]
name = "serde"
version = "1.0.200"
source = "registry+https://github.com/rust-lang/crates.io-index"
checksum = "@DIGEST@"
"#;

const MIX: &str = r#"%{
  "cowboy": {:hex, :cowboy, "2.9.0", "aa", [:rebar3], [], "hexpm", "@DIGEST@"},
}
"#;

fn git(folder: &Path, time: u32, arguments: &[&str]) -> String {
    let date = format!("{time} +0100");
    let output = Command::new("git")
        .args(["-c", "user.name=Ada Author", "-c", "user.email=ada@example.org", "-c", "init.defaultBranch=main"])
        .args(arguments)
        .envs([("GIT_COMMITTER_DATE", &date), ("GIT_AUTHOR_DATE", &date)])
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "git {arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn build(folder: &Path) {
    let (code, _, stderr) = run(folder, &["build", "-q"]);
    assert_eq!(code, 0, "{stderr}");
}

fn commit(folder: &Path, time: u32, subject: &str) {
    git(folder, time, &["add", "."]);
    git(folder, time, &["commit", "--allow-empty", "-qm", subject]);
}

/// A project whose release 1.1.0 came two commits behind 1.0.0, with a candidate between them; all is published.
fn project(shop: &Shop) -> std::path::PathBuf {
    let folder = shop.build("hello", "1.0.0", "");
    let set = |version: &str| {
        let config = fs::read_to_string(folder.join("fitout.toml")).unwrap();
        let own = "version    = \"1.0.0\"";
        fs::write(folder.join("fitout.toml"), config.replace(own, &format!("version    = \"{version}\""))).unwrap();
    };
    fs::write(folder.join(".gitignore"), "dist\n").unwrap();
    git(&folder, 1_700_000_000, &["init", "-q"]);
    commit(&folder, 1_700_000_000, "The first");
    git(&folder, 1_700_000_000, &["tag", "v1.0.0"]);
    build(&folder);
    publish(&folder, &[]);
    fs::write(folder.join("Cargo.lock"), CARGO.replace("@DIGEST@", DIGEST)).unwrap();
    fs::write(folder.join("mix.lock"), MIX.replace("@DIGEST@", DIGEST)).unwrap();
    let base = format!("[[image]]\nname = \"registry.example.org/base:1\"\ndigest = \"sha256:{DIGEST}\"\n");
    fs::write(folder.join("fitout.lock"), base).unwrap();
    commit(&folder, 1_700_001_000, "It has \"dependencies\"");
    git(&folder, 1_700_001_000, &["tag", "v1.1.0-rc.1"]);
    set("1.1.0");
    commit(&folder, 1_700_002_000, "The second");
    git(&folder, 1_700_002_000, &["tag", "v1.1.0"]);
    build(&folder);
    folder
}

fn sums(path: &Path) -> Vec<(String, String)> {
    let text = fs::read_to_string(path).unwrap();
    text.lines().filter_map(|line| line.split_once("  ")).map(|(sum, key)| (key.to_owned(), sum.to_owned())).collect()
}

fn sha256(path: &Path) -> String {
    use sha2::Digest as _;
    sha2::Sha256::digest(fs::read(path).unwrap()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_record_tells_what_is_in_a_release() {
    let shop = shop();
    let folder = project(&shop);
    // What is checked out at the time is of no account.
    fs::write(folder.join("Cargo.lock"), "another").unwrap();
    publish(&folder, &[]);
    let all = [
        ("downloads/hello/1.1.0", "hello-1.1.0.release.json", "SHA256SUMS"),
        ("apt", "releases/hello-1.1.0.json", "SHA256SUMS.asc"),
        ("yum", "releases/hello-1.1.0.json", "SHA256SUMS.asc"),
    ];
    let bytes = fs::read(shop.at("apt/releases/hello-1.1.0.json")).unwrap();
    for (place, key, list) in all {
        let place = shop.at(place);
        assert_eq!(fs::read(place.join(key)).unwrap(), bytes, "{key}");
        assert!(sums(&place.join(list)).contains(&(key.to_owned(), sha256(&place.join(key)))), "{key}");
    }
    let record: Value = serde_json::from_slice(&bytes).unwrap();
    let manifest: Value = serde_json::from_slice(&fs::read(folder.join("dist/manifest.json")).unwrap()).unwrap();
    let [second, first] = ["HEAD", "HEAD^"].map(|name| git(&folder, 1_700_000_000, &["rev-parse", name]));
    let commit = |id: &str, time: &str, subject: &str| json!({ "id": id, "time": time, "author": "Ada Author", "subject": subject });
    let dependency = |lock: &str, name: &str, version: &str| json!({ "lock": lock, "name": name, "version": version, "checksum": format!("sha256:{DIGEST}") });
    let mut artifacts = manifest["artifacts"].as_array().unwrap().clone();
    artifacts.sort_by_key(|artifact| artifact["file"].to_string());
    assert_eq!(artifacts.len(), 2);
    let wanted = json!({
        "schema": "fitout/release/1", "name": "hello", "version": "1.1.0", "environment": null,
        "time": "2023-11-14T22:46:40Z", "revision": second, "previous": "v1.0.0",
        "commits": [
            commit(&second, "2023-11-14T22:46:40Z", "The second"),
            commit(&first, "2023-11-14T22:30:00Z", "It has \"dependencies\""),
        ],
        "dependencies": [dependency("Cargo.lock", "serde", "1.0.200"), dependency("mix.lock", "cowboy", "2.9.0")],
        "base": [{ "name": "registry.example.org/base:1", "digest": format!("sha256:{DIGEST}") }],
        "artifacts": artifacts,
    });
    assert_eq!(record, wanted);
    let text = String::from_utf8(bytes.clone()).unwrap();
    assert!(!text.contains("ada@example.org") && !text.contains(shop.folder.path().to_str().unwrap()), "{text}");
    let old: Value = serde_json::from_slice(&fs::read(shop.at("yum/releases/hello-1.0.0.json")).unwrap()).unwrap();
    assert!(old["previous"].is_null() && old["commits"][0]["subject"] == "The first", "{old}");

    // The same again, also from a clone elsewhere.
    let said = publish(&folder, &[]);
    assert!(said.matches("nothing to do").count() == 3 && !said.contains("warning"), "{said}");
    git(shop.folder.path(), 1_700_000_000, &["clone", "-q", folder.to_str().unwrap(), "clone"]);
    crate::support::copy_tree(&folder.join("dist"), &shop.at("clone/dist"));
    let said = publish(&shop.at("clone"), &[]);
    assert!(said.matches("nothing to do").count() == 3 && !said.contains("warning"), "{said}");

    for (place, revision) in [("apt", ""), ("yum", "-1")] {
        let html = fs::read_to_string(shop.at(place).join("index.html")).unwrap();
        for version in ["1.0.0", "1.1.0"] {
            let link = format!("<a href=\"releases/hello-{version}.json\">{version}{revision}</a>");
            assert!(html.contains(&link), "{place}: {html}");
        }
        let packages: Value = serde_json::from_slice(&fs::read(shop.at(place).join("packages.json")).unwrap()).unwrap();
        let packages = packages["packages"].as_array().unwrap();
        let with = packages.iter().filter(|package| package["record"].is_string()).count();
        assert_eq!((with, packages.len()), (2, 3), "{place}: the package with the keys has none");
    }
}

#[test]
fn a_changed_record_is_found_and_a_retracted_version_keeps_its_own() {
    let shop = shop();
    let folder = project(&shop);
    publish(&folder, &[]);
    let verified = || run(&folder, &["repo", "verify"]);
    assert_eq!(verified().0, 0, "{:?}", verified());
    for place in ["apt", "yum"] {
        for version in ["1.0.0", "1.1.0"] {
            let path = shop.at(place).join(format!("releases/hello-{version}.json"));
            let was = fs::read(&path).unwrap();
            let mut bytes = was.clone();
            bytes[was.len() / 2] ^= 1;
            fs::write(&path, &bytes).unwrap();
            let (code, _, stderr) = verified();
            assert!(code == 1 && stderr.contains("repo/changed") && stderr.contains(version), "{code}: {stderr}");
            fs::remove_file(&path).unwrap();
            let (code, _, stderr) = verified();
            assert!(code == 1 && stderr.contains("repo/missing") && stderr.contains(version), "{code}: {stderr}");
            fs::write(&path, if version == "1.1.0" { &bytes } else { &was }).unwrap();
        }
    }
    // Its own publisher sets it right.
    let said = publish(&folder, &[]);
    assert!(!said.contains("publish/record") && verified().0 == 0, "{said}");
    let (code, _, stderr) = run(&folder, &["repo", "retract", "hello", "1.0.0"]);
    assert_eq!(code, 0, "{stderr}");
    let (code, _, stderr) = run(&folder, &["repo", "prune", "--older-than", "0"]);
    assert_eq!(code, 0, "{stderr}");
    for place in ["apt", "yum"] {
        let keys: Vec<String> = sums(&shop.at(place).join("SHA256SUMS.asc")).into_iter().map(|(key, _)| key).collect();
        assert!(keys.contains(&"releases/hello-1.0.0.json".to_owned()), "{keys:?}");
        assert!(!fs::read_to_string(shop.at(place).join("index.html")).unwrap().contains("hello-1.0.0.json"));
    }
    let (code, stdout, stderr) = verified();
    assert!(code == 0 && !stderr.contains("warning"), "{stdout}{stderr}");
}

#[test]
fn the_record_of_another_publisher_stays() {
    let shop = shop();
    let folder = shop.build("hello", "1.0.0", "");
    publish(&folder, &[]);
    let path = shop.at("downloads/hello/1.0.0/hello-1.0.0.release.json");
    let first = fs::read(&path).unwrap();
    // One that made another format.
    let (code, _, stderr) = run(&folder, &["build", "-q", "--format", "zip", "--out", "other"]);
    assert_eq!(code, 0, "{stderr}");
    for args in [&["--out", "other", "--dry-run"][..], &["--out", "other"], &["--out", "other"]] {
        let (code, stdout, stderr) = try_publish(&folder, args);
        assert_eq!((code, stderr.matches("publish/record").count()), (0, 1), "{stdout}{stderr}");
        assert!(stderr.contains("fitout merge"), "{stderr}");
        assert_eq!(fs::read(&path).unwrap(), first);
    }
    let list = sums(&shop.at("downloads/hello/1.0.0/SHA256SUMS"));
    assert_eq!(list.len(), 4, "{list:?}");
    for (key, sum) in &list {
        assert_eq!(sha256(&shop.at("downloads/hello/1.0.0").join(key)), *sum, "{key}");
    }
    assert_eq!(run(&folder, &["repo", "verify"]).0, 0);
    publish(&folder, &["--out", "other", "--replace"]);
    assert!(fs::read_to_string(&path).unwrap().contains("\"zip\""));
    let said = publish(&folder, &["--out", "other"]);
    assert!(!said.contains("publish/record"), "{said}");
    assert_eq!(run(&folder, &["repo", "verify"]).0, 0);
}

#[test]
fn formats_leave_the_record_out_or_ask_for_it() {
    let shop = Shop::new("");
    let tables = "\n[[publish.files]]\nto = \"file:@SHOP@/none\"\nformats = [\"deb\"]\n\n[[publish.files]]\nto = \"file:@SHOP@/both\"\nformats = [\"deb\", \"record\"]\n";
    fs::write(shop.at("tables"), tables).unwrap();
    shop.publish("hello", "1.0.0");
    assert_eq!(sums(&shop.at("none/SHA256SUMS")).len(), 1);
    assert!(!shop.at("none/hello-1.0.0.release.json").exists());
    assert_eq!(sums(&shop.at("both/SHA256SUMS")).len(), 2);
    assert!(shop.at("both/hello-1.0.0.release.json").exists());
}
