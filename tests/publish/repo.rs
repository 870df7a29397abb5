//! A repository is looked at, judged and cleaned up, and versions move between channels.

use std::fs;
use std::path::{Path, PathBuf};

use crate::shop::{Server, Shop, listed};
use crate::support::run;

const TABLES: &str = r#"
[sign]
keys = [{ file = "@SHOP@/key.asc" }]

[[publish.apt]]
to    = "file:@SHOP@/repository"
suite = "canary"
url   = "https://packages.example.org/apt"

[[publish.apt]]
to    = "file:@SHOP@/repository"
suite = "stable"
"#;

const TABLES_OF_YUM: &str = r#"
[sign]
keys = [{ file = "@SHOP@/key.asc" }]

[[publish.yum]]
to      = "file:@SHOP@/canary"
channel = "canary"

[[publish.yum]]
to = "file:@SHOP@/stable"
"#;

fn name_of(path: &Path) -> &str {
    path.file_name().unwrap().to_str().unwrap()
}

fn ok(folder: &Path, words: &[&str]) -> String {
    let (code, stdout, stderr) = run(folder, words);
    assert_eq!(code, 0, "{words:?}\n{stdout}{stderr}");
    stdout + &stderr
}

/// What is in a channel: `NAME VERSION ARCH`.
fn channel(folder: &Path, channel: &str) -> Vec<String> {
    let document: serde_json::Value = serde_json::from_str(&ok(folder, &["repo", "list", "--json"])).unwrap();
    let repositories = document["repositories"].as_array().unwrap();
    let packages = repositories.iter().flat_map(|one| one["packages"].as_array().unwrap());
    let text = |package: &serde_json::Value, key: &str| package[key].as_str().unwrap().to_owned();
    packages
        .filter(|package| package["channel"] == channel && package["name"] != "hello-archive-keyring")
        .map(|package| format!("{} {}", text(package, "name"), text(package, "version")))
        .collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    listed(folder).lines().map(PathBuf::from).filter(|path| fs::metadata(path).unwrap().len() > 0).collect()
}

/// Packages of the project, without the one with the keys.
fn pool(shop: &Shop) -> Vec<PathBuf> {
    let mut all = files(&shop.at("repository/pool"));
    all.retain(|path| !path.to_str().unwrap().contains("archive-keyring"));
    all
}

/// Numbers that look random, the same in every run.
fn below(state: &mut u64, limit: usize) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    (*state % limit as u64) as usize
}

#[test]
fn every_changed_bit_is_found() {
    changed_bits(TABLES, &["dists/"]);
}

#[test]
fn every_changed_bit_of_a_yum_repository_is_found() {
    changed_bits(&TABLES_OF_YUM.replace("@SHOP@/canary", "@SHOP@/repository"), &["repodata/"]);
}

fn changed_bits(tables: &str, part: &[&str]) {
    let shop = Shop::new(tables);
    shop.publish("hello", "1.0.0");
    shop.publish("hello", "1.1.0");
    let folder = shop.at("hello-1.1.0");
    let repository = shop.at("repository");
    assert!(ok(&folder, &["repo", "verify"]).contains("all as it should be"));
    let flips = if std::env::var_os("FITOUT_SOAK").is_some() { 40 } else { 2 };
    let mut state = 0x1234_5678_9abc_def1;
    let all = files(&repository);
    assert!(all.len() > 10, "{all:?}");
    for path in &all {
        let was = fs::read(path).unwrap();
        for _ in 0..flips {
            let bit = below(&mut state, was.len() * 8);
            let mut bytes = was.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            fs::write(path, &bytes).unwrap();
            let (code, stdout, stderr) = run(&folder, &["repo", "verify"]);
            assert_eq!(code, 1, "bit {bit} of {}\n{stdout}{stderr}", path.display());
            let name = name_of(path);
            assert!(stderr.contains(name) || part.iter().any(|part| stderr.contains(part)), "{name}\n{stderr}");
        }
        fs::remove_file(path).unwrap();
        let (code, _, stderr) = run(&folder, &["repo", "verify"]);
        // A list of an earlier root may go.
        let old = path.to_str().unwrap().contains("by-hash")
            || name_of(path).split_once('-').is_some_and(|(digest, _)| {
                digest.len() == 64
                    && !fs::read_to_string(repository.join("repodata/repomd.xml")).unwrap().contains(digest)
            });
        assert!(code == 1 || old, "{} is gone\n{stderr}", path.display());
        fs::write(path, &was).unwrap();
    }
    assert!(ok(&folder, &["repo", "verify"]).contains("all as it should be"));
    // As everybody sees it.
    let server = Server::of(&repository);
    let said = ok(&folder, &["repo", "verify", &server.url()]);
    assert!(said.contains("all as it should be"), "{said}");
    assert_eq!(
        ok(&folder, &["repo", "list", &server.url()]),
        ok(&folder, &["repo", "list", repository.to_str().unwrap()])
    );
    let package = all.iter().find(|path| name_of(path).starts_with("hello")).unwrap();
    let was = fs::read(package).unwrap();
    fs::write(package, [&was[..], b"x"].concat()).unwrap();
    let (code, _, stderr) = run(&folder, &["repo", "verify", &server.url()]);
    assert!(code == 1 && stderr.contains("repo/changed"), "{stderr}");
    fs::write(package, was).unwrap();
    for words in [&["repo", "prune"][..], &["repo", "verify", "--suite", "none"]] {
        let (code, _, stderr) = run(&folder, &[words, &[&server.url()]].concat());
        assert!(code != 0 && (stderr.contains("cli/no-place") || stderr.contains("repo/missing")), "{code}: {stderr}");
    }
    // By the public key alone, without the config.
    let (place, key) = (repository.to_str().unwrap().to_owned(), shop.at("key.pub"));
    ok(shop.folder.path(), &["repo", "verify", &place, "--key", key.to_str().unwrap()]);
    crate::shop::key(shop.folder.path(), "stranger");
    let stranger = shop.at("stranger.pub");
    let (code, _, stderr) = run(shop.folder.path(), &["repo", "verify", &place, "--key", stranger.to_str().unwrap()]);
    assert!(code == 1 && stderr.contains("repo/signature"), "{stderr}");
}

#[test]
fn a_version_moves_between_channels_and_goes() {
    let shop =
        Shop::new(&TABLES.replace("[[publish.apt]]\nto    = \"file:@SHOP@/repository\"\nsuite = \"stable\"\n", ""));
    shop.publish("hello", "1.0.0");
    shop.publish("hello", "1.1.0");
    fs::write(shop.at("tables"), TABLES).unwrap();
    let folder = shop.build("hello", "1.2.0", "");
    assert_eq!(channel(&folder, "canary"), ["hello 1.0.0", "hello 1.1.0"]);
    let before = pool(&shop);
    ok(&folder, &["promote", "hello", "1.0.0", "--from", "canary", "--to", "stable", "--dry-run"]);
    assert_eq!(channel(&folder, "stable"), [""; 0]);
    ok(&folder, &["promote", "hello", "1.0.0", "--from", "canary", "--to", "stable"]);
    assert_eq!(channel(&folder, "stable"), ["hello 1.0.0"]);
    // The newest, and a second time.
    for _ in 0..2 {
        ok(&folder, &["promote", "hello", "--from", "canary", "--to", "stable"]);
        assert_eq!(channel(&folder, "stable"), ["hello 1.0.0", "hello 1.1.0"]);
    }
    // The same bytes, in the same place.
    assert_eq!(pool(&shop), before);
    ok(&folder, &["repo", "verify"]);

    ok(&folder, &["repo", "retract", "hello", "1.1.0"]);
    assert_eq!((channel(&folder, "stable").len(), channel(&folder, "canary").len()), (1, 1));
    let contents = std::process::Command::new("gzip")
        .arg("-dc")
        .arg(shop.at("repository/dists/stable/main/Contents-amd64.gz"))
        .output()
        .unwrap();
    assert!(String::from_utf8(contents.stdout).unwrap().contains("usr/bin/hello    misc/hello"));
    let said = ok(&folder, &["repo", "verify"]);
    assert!(said.contains("repo/stray"), "{said}");
    // What readers may have seen stays for some days.
    ok(&folder, &["repo", "prune"]);
    assert_eq!(pool(&shop), before);
    ok(&folder, &["repo", "prune", "--older-than", "0"]);
    assert_eq!(pool(&shop).len(), 1);
    assert!(!ok(&folder, &["repo", "verify"]).contains("repo/stray"));

    for (words, code) in [
        (&["repo", "retract", "hello", "9"][..], "repo/no-package"),
        (&["promote", "hello", "--from", "nowhere", "--to", "stable"], "repo/no-channel"),
        (&["promote", "nobody", "--from", "canary", "--to", "stable"], "repo/no-package"),
        (&["repo", "list", "ftp://x"], "cli/no-place"),
    ] {
        let (exit, _, stderr) = run(&folder, words);
        assert!(exit == 2 && stderr.contains(code), "{words:?}: {exit} {stderr}");
    }
}

#[test]
fn a_version_moves_between_yum_repositories_and_goes() {
    let stable = TABLES_OF_YUM.find("[[publish.yum]]\nto = ").unwrap();
    let shop = Shop::new(&TABLES_OF_YUM[..stable]);
    shop.publish("hello", "1.0.0");
    shop.publish("hello", "1.1.0");
    fs::write(shop.at("tables"), TABLES_OF_YUM).unwrap();
    let folder = shop.build("hello", "1.2.0", "");
    assert_eq!(channel(&folder, "canary"), ["hello 1.0.0-1", "hello 1.1.0-1"]);
    for version in [&["1.0.0"][..], &[], &[]] {
        ok(&folder, &[&["promote", "hello"], version, &["--from", "canary", "--to", "stable"]].concat());
    }
    assert_eq!(channel(&folder, "stable"), ["hello 1.0.0-1", "hello 1.1.0-1"]);
    // The same bytes: signed already, it is not signed again.
    let package = "Packages/h/hello-1.1.0-1.noarch.rpm";
    let of = |place: &str| fs::read(shop.at(place).join(package)).unwrap();
    assert_eq!(of("canary"), of("stable"));
    ok(&folder, &["repo", "verify"]);

    ok(&folder, &["repo", "retract", "hello", "1.1.0-1"]);
    assert_eq!((channel(&folder, "stable").len(), channel(&folder, "canary").len()), (1, 1));
    assert!(ok(&folder, &["repo", "verify"]).contains("repo/stray"));
    shop.publish("other", "1.0.0");
    shop.publish("other", "1.1.0");
    // What readers may have seen stays for some days, and three generations of lists for good.
    let before = files(shop.folder.path());
    ok(&folder, &["repo", "prune"]);
    assert_eq!(files(shop.folder.path()), before);
    let lists = |place: &str| files(&shop.at(place).join("repodata")).len();
    assert_eq!((lists("canary"), lists("stable")), (20, 20));
    ok(&folder, &["repo", "prune", "--older-than", "0"]);
    assert!(!shop.at("canary").join(package).exists());
    // Of each of three lists and copies of the signature, with the root, its signature and the keys.
    assert_eq!((lists("canary"), lists("stable")), (15, 15));
    assert!(!ok(&folder, &["repo", "verify"]).contains("repo/stray"));
}
