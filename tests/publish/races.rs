//! Publishers at once lose nothing; one that is killed leaves a repository that is whole.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::shop::{Shop, publish, try_publish};
use crate::support::{fitout, run};

const TABLES: &str = r#"
[sign]
keys = [{ file = "@SHOP@/key.asc" }]

[[publish.apt]]
to = "file:@SHOP@/repository"
"#;

/// What a yum repository lists; every list and package is what it should be. Its signature may be that of the root before.
fn whole_yum(repository: &Path) -> BTreeSet<String> {
    let nowhere = tempfile::tempdir().unwrap();
    let place = repository.to_str().unwrap();
    let (code, stdout, stderr) = run(nowhere.path(), &["repo", "verify", place]);
    assert_eq!(code, 0, "{stdout}{stderr}");
    let (_, stdout, _) = run(nowhere.path(), &["repo", "list", place, "--json"]);
    let document: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    let packages = document["repositories"][0]["packages"].as_array().unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap().trim_end_matches("-1").to_owned();
    packages.iter().map(|package| format!("{} {}", text(&package["name"]), text(&package["version"]))).collect()
}

/// With its signature.
fn signed(folder: &Path) {
    let (code, stdout, stderr) = run(folder, &["repo", "verify"]);
    assert_eq!(code, 0, "{stdout}{stderr}");
}

fn soak() -> bool {
    std::env::var_os("FITOUT_SOAK").is_some()
}

/// What the lists of a repository name; every list and package is what it should be.
fn whole(repository: &Path) -> BTreeSet<String> {
    let dist = repository.join("dists/stable");
    let Ok(root) = fs::read_to_string(dist.join("InRelease")) else { return BTreeSet::new() };
    let mut names = BTreeSet::new();
    let sha256 = |path: &Path| {
        let output = Command::new("sha256sum").arg(path).output().unwrap();
        String::from_utf8(output.stdout).unwrap().get(..64).unwrap_or_default().to_owned()
    };
    for line in root.lines().filter(|line| line.ends_with("/Packages")) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let by_hash = dist.join(words[2]).with_file_name("by-hash").join("SHA256").join(words[0]);
        assert_eq!(sha256(&by_hash), words[0], "{line}");
        let text = fs::read_to_string(by_hash).unwrap();
        for stanza in text.split("\n\n") {
            let field = |name: &str| stanza.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
            assert_eq!(sha256(&repository.join(field("Filename: "))), field("SHA256: "), "{stanza}");
            names.insert(format!("{} {}", field("Package: "), field("Version: ")));
        }
    }
    names
}

fn at_once(tables: &str, whole: fn(&Path) -> BTreeSet<String>) {
    let (publishers, each) = if soak() { (16, 13) } else { (4, 5) };
    let shop = Shop::new(tables);
    let folders: Vec<Vec<PathBuf>> = (0..publishers)
        .map(|publisher| (0..each).map(|at| shop.build(&format!("p{publisher}"), &format!("1.{at}"), "")).collect())
        .collect();
    std::thread::scope(|scope| {
        for folders in &folders {
            scope.spawn(move || folders.iter().for_each(|folder| drop(publish(folder, &[]))));
        }
    });
    assert_eq!(whole(&shop.at("repository")).len(), publishers * each);
    signed(&folders[0][0]);
}

#[test]
fn publishers_at_once_lose_nothing() {
    at_once(TABLES, whole);
}

#[test]
fn publishers_of_yum_at_once_lose_nothing() {
    at_once(&TABLES.replace("apt", "yum"), whole_yum);
}

#[test]
fn a_killed_publisher_leaves_a_whole_repository() {
    killed(TABLES, whole);
}

#[test]
fn a_killed_publisher_leaves_a_whole_yum_repository() {
    killed(&TABLES.replace("apt", "yum"), whole_yum);
}

fn killed(tables: &str, whole: fn(&Path) -> BTreeSet<String>) {
    let rounds = if soak() { 100 } else { 10 };
    let shop = Shop::new(tables);
    shop.publish("first", "1.0");
    let folder = shop.build("timed", "1.0", "");
    let started = Instant::now();
    publish(&folder, &[]);
    let span = started.elapsed();
    let mut killed = 0;
    for round in 1..=rounds {
        let folder = shop.build("hello", &format!("1.{round}"), "");
        let before = whole(&shop.at("repository"));
        let mut child = fitout(&folder).arg("publish").stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
        std::thread::sleep(span.mul_f64(f64::from(round % 10) / 10.0).max(Duration::from_millis(1)));
        let running = child.try_wait().unwrap().is_none();
        killed += u32::from(running);
        let _ = child.kill();
        child.wait().unwrap();
        let mut after = whole(&shop.at("repository"));
        let own = format!("hello 1.{round}");
        assert!(after == before || { after.remove(&own) && after == before }, "round {round}");
        let (code, _, stderr) = try_publish(&folder, &[]);
        assert_eq!(code, 0, "round {round}: {stderr}");
        assert!(whole(&shop.at("repository")).contains(&own));
        signed(&folder);
    }
    println!("{killed} of {rounds} publishers were killed");
    assert!(killed > rounds / 4, "only {killed} of {rounds} were killed");
}
