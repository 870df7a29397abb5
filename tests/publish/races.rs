//! Publishers at once lose nothing; one that is killed leaves a repository that is whole.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::shop::{Shop, publish, try_publish};
use crate::support::fitout;

const TABLES: &str = r#"
[sign]
keys = [{ file = "@SHOP@/key.asc" }]

[[publish.apt]]
to = "file:@SHOP@/repository"
"#;

fn soak() -> bool {
    std::env::var_os("FITOUT_SOAK").is_some()
}

/// What the lists of a repository name; every list and package is what it should be.
pub fn whole(repository: &std::path::Path) -> BTreeSet<String> {
    let dist = repository.join("dists/stable");
    let Ok(root) = fs::read_to_string(dist.join("InRelease")) else { return BTreeSet::new() };
    let mut names = BTreeSet::new();
    let sha256 = |path: &std::path::Path| {
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

#[test]
fn publishers_at_once_lose_nothing() {
    let (publishers, each) = if soak() { (16, 13) } else { (4, 5) };
    let shop = Shop::new(TABLES);
    let folders: Vec<Vec<PathBuf>> = (0..publishers)
        .map(|publisher| (0..each).map(|at| shop.build(&format!("p{publisher}"), &format!("1.{at}"), "")).collect())
        .collect();
    std::thread::scope(|scope| {
        for folders in &folders {
            scope.spawn(move || folders.iter().for_each(|folder| drop(publish(folder, &[]))));
        }
    });
    assert_eq!(whole(&shop.at("repository")).len(), publishers * each);
}

#[test]
fn a_killed_publisher_leaves_a_whole_repository() {
    let rounds = if soak() { 100 } else { 10 };
    let shop = Shop::new(TABLES);
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
    }
    println!("{killed} of {rounds} publishers were killed");
    assert!(killed > rounds / 4, "only {killed} of {rounds} were killed");
}
