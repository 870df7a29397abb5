//! What others did to a repository, and publishers that were killed: nothing is lost, and the next run mends it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::shop::{Shop, key, listed, publish, try_publish};
use crate::support::run;

const APT: &str = r#"
[sign]
keys = [{ file = "@SHOP@/key.asc" }]

[[publish.apt]]
to = "file:@SHOP@/repository"
"#;

const YUM: &str = r#"
[sign]
keys = [{ file = "@SHOP@/key.asc" }]

[[publish.yum]]
to = "file:@SHOP@/repository"
"#;

fn verify(folder: &Path) {
    let (code, stdout, stderr) = run(folder, &["repo", "verify"]);
    assert_eq!(code, 0, "{stdout}{stderr}");
}

fn prune(folder: &Path, days: &str) -> String {
    let (code, stdout, stderr) = run(folder, &["repo", "prune", "--older-than", days]);
    assert_eq!(code, 0, "{stdout}{stderr}");
    stdout
}

/// Makes all that lies in a repository older by these days.
fn age(folder: &Path, days: u32) {
    let script =
        r#"find "$1" -type f | while read -r f; do touch -d "@$(($(stat -c %Y "$f") - $2 * 86400))" "$f"; done"#;
    let done = Command::new("sh").args(["-ec", script, "sh"]).arg(folder).arg(days.to_string()).status().unwrap();
    assert!(done.success());
}

fn package(shop: &Shop, version: &str) -> PathBuf {
    let files = listed(&shop.at("repository"));
    let file = files
        .lines()
        .find(|file| file.contains(&format!("hello_{version}")) || file.contains(&format!("hello-{version}")));
    PathBuf::from(file.unwrap_or_else(|| panic!("{version} is not there\n{files}")))
}

#[test]
fn a_lost_root_is_no_empty_repository() {
    for (tables, root, signature) in [
        (APT, "dists/stable/InRelease", "dists/stable/Release"),
        (YUM, "repodata/repomd.xml", "repodata/repomd.xml.asc"),
    ] {
        let shop = Shop::new(tables);
        shop.publish("hello", "1.0.0");
        let folder = shop.build("hello", "1.1.0", "");
        let root = shop.at("repository").join(root);
        let was = fs::read(&root).unwrap();
        fs::remove_file(&root).unwrap();
        let before = listed(&shop.at("repository"));
        let (code, _, stderr) = try_publish(&folder, &[]);
        assert!(code == 2 && stderr.contains("publish/damaged"), "{code}: {stderr}");
        for lost in [false, true] {
            if lost {
                // Nothing tells any more that there was a root, but that there are packages.
                fs::remove_file(shop.at("repository").join(signature)).unwrap();
            }
            let (code, _, stderr) = run(&folder, &["repo", "prune", "--older-than", "0"]);
            assert!(code == 2 && stderr.contains("publish/damaged"), "{code}: {stderr}");
        }
        assert_eq!(listed(&shop.at("repository")).lines().count(), before.lines().count() - 1);
        let (code, _, stderr) = run(&folder, &["repo", "verify"]);
        assert!(code == 1 && stderr.contains("repo/missing"), "{code}: {stderr}");
        fs::write(&root, was).unwrap();
        publish(&folder, &[]);
        verify(&folder);
        // Of a place without any, too, it is said that nothing is there.
        let (code, _, stderr) = run(&folder, &["repo", "verify", shop.folder.path().join("none").to_str().unwrap()]);
        assert!(code == 1 && stderr.contains("there is no repository"), "{code}: {stderr}");
    }
}

/// Readers have the list that named it until yesterday, however old the package is.
#[test]
fn days_count_from_the_list_that_names_it_no_more() {
    for tables in [APT, YUM] {
        let shop = Shop::new(tables);
        shop.publish("hello", "1.0.0");
        age(&shop.at("repository"), 30);
        shop.publish("hello", "1.1.0");
        let folder = shop.at("hello-1.1.0");
        let version = if tables == APT { "1.0.0" } else { "1.0.0-1" };
        let (code, _, stderr) = run(&folder, &["repo", "retract", "hello", version]);
        assert_eq!(code, 0, "{stderr}");
        assert_eq!(prune(&folder, "3"), "");
        package(&shop, "1.0.0");
        // One that is named again is put again, so that whoever prunes at that time leaves it alone.
        publish(&shop.at("hello-1.0.0"), &[]);
        let modified = fs::metadata(package(&shop, "1.0.0")).unwrap().modified().unwrap();
        assert!(modified.elapsed().unwrap().as_secs() < 3600);
        verify(&folder);
        // What somebody who was killed left goes with it.
        let left = shop.at("repository/.fitout-put-x");
        fs::write(&left, "x").unwrap();
        age(&left, 4);
        assert_eq!(prune(&folder, "3"), ".fitout-put-x\n");
        assert!(!left.exists());
        age(&shop.at("repository"), 1);
        let (code, _, stderr) = run(&folder, &["repo", "retract", "hello", version]);
        assert_eq!(code, 0, "{stderr}");
        age(&shop.at("repository"), 4);
        let pruned = prune(&folder, "3");
        assert!(pruned.contains("hello"), "{pruned}");
        verify(&folder);
    }
}

#[test]
fn what_others_have_signed_is_not_signed_anew() {
    for tables in [APT, YUM] {
        let shop = Shop::new(tables);
        shop.publish("hello", "1.0.0");
        let folder = shop.build("hello", "1.1.0", "");
        let own = fs::read(shop.at("key.asc")).unwrap();
        key(shop.folder.path(), "stranger");
        fs::copy(shop.at("stranger.asc"), shop.at("key.asc")).unwrap();
        for words in [&["publish"][..], &["repo", "retract", "hello", if tables == APT { "1.0.0" } else { "1.0.0-1" }]]
        {
            let (code, _, stderr) = run(&folder, words);
            assert!(code == 2 && stderr.contains("publish/not-ours"), "{code}: {stderr}");
        }
        // Two keys, of which one is known.
        let both = tables.replace("key.asc\" }]", "key.asc\" }, { file = \"@SHOP@/own.asc\" }]");
        fs::write(shop.at("own.asc"), own).unwrap();
        fs::write(shop.at("tables"), both).unwrap();
        shop.publish("hello", "1.2.0");
        // From now on the new one is.
        fs::write(shop.at("tables"), tables).unwrap();
        shop.publish("hello", "1.3.0");
        fs::copy(shop.at("own.asc"), shop.at("key.asc")).unwrap();
        let (code, _, stderr) = try_publish(&folder, &[]);
        assert!(code == 2 && stderr.contains("publish/not-ours"), "{code}: {stderr}");
        publish(&folder, &["--replace"]);
    }
}

#[test]
fn a_yum_root_without_its_signature_is_known_by_the_copy() {
    let shop = Shop::new(YUM);
    shop.publish("hello", "1.0.0");
    let signature = shop.at("repository/repodata/repomd.xml.asc");
    fs::remove_file(&signature).unwrap();
    shop.publish("hello", "1.1.0");
    verify(&shop.at("hello-1.1.0"));
    fs::write(&signature, "no signature").unwrap();
    let copies = listed(&shop.at("repository/repodata"));
    for copy in copies.lines().filter(|file| file.contains("-repomd-")) {
        fs::remove_file(copy).unwrap();
    }
    let folder = shop.build("hello", "1.2.0", "");
    let (code, _, stderr) = try_publish(&folder, &[]);
    assert!(code == 2 && stderr.contains("publish/not-ours"), "{code}: {stderr}");
}

/// `Release` and its signature come last, so that without them all that is under a name is looked at.
#[test]
fn a_killed_publisher_leaves_names_that_the_next_mends() {
    let shop = Shop::new(APT);
    shop.publish("hello", "1.0.0");
    let suite = shop.at("repository/dists/stable");
    for version in ["1.0.0", "1.1.0"] {
        fs::write(suite.join("main/i18n/Translation-en.gz"), "of the one before").unwrap();
        fs::remove_file(suite.join("main/Contents-arm64.gz")).unwrap();
        fs::write(suite.join("Release"), "of the one before").unwrap();
        shop.publish("hello", version);
        verify(&shop.at(&format!("hello-{version}")));
    }
    let shop = Shop::new(&APT.replace("[[publish.apt]]", "[[publish.files]]"));
    shop.publish("hello", "1.0.0");
    let signature = shop.at("repository/SHA256SUMS.asc");
    let was = fs::read(&signature).unwrap();
    fs::remove_file(&signature).unwrap();
    publish(&shop.at("hello-1.0.0"), &[]);
    assert_eq!(fs::read(&signature).unwrap().len(), was.len());
    assert!(publish(&shop.at("hello-1.0.0"), &[]).contains("nothing to do"));
}

#[test]
fn forms_that_are_made_no_more_are_listed_no_more() {
    let shop = Shop::new(&(APT.to_owned() + "xz = true\n"));
    shop.publish("hello", "1.0.0");
    let suite = shop.at("repository/dists/stable");
    assert!(suite.join("main/binary-amd64/Packages.xz").exists());
    fs::write(shop.at("tables"), APT).unwrap();
    shop.publish("hello", "1.1.0");
    let root = fs::read_to_string(suite.join("InRelease")).unwrap();
    assert!(root.contains("Packages.gz") && !root.contains(".xz"), "{root}");
    let folder = shop.at("hello-1.1.0");
    prune(&folder, "3");
    assert!(suite.join("main/binary-amd64/Packages.xz").exists());
    age(&suite, 4);
    prune(&folder, "3");
    assert!(!suite.join("main/binary-amd64/Packages.xz").exists());
    verify(&folder);
}

/// Whoever publishes an old version wants it to be there.
#[test]
fn what_is_published_stays_however_old_its_version_is() {
    let shop = Shop::new(&(APT.to_owned() + "keep = 1\n"));
    shop.publish("hello", "2.0.0");
    shop.publish("hello", "1.0.0");
    let (_, list, _) = run(&shop.at("hello-1.0.0"), &["repo", "list"]);
    assert!(list.contains("1.0.0") && list.contains("2.0.0"), "{list}");
    shop.publish("hello", "3.0.0");
    let (_, list, _) = run(&shop.at("hello-1.0.0"), &["repo", "list"]);
    assert!(list.contains("3.0.0") && !list.contains("1.0.0") && !list.contains("2.0.0"), "{list}");
}

/// What others damaged is put back where the rest knows what it was.
#[test]
fn what_the_rest_knows_is_put_back() {
    let front = "url = \"https://packages.example.org\"\n";
    for (tables, damages) in [
        (
            APT,
            &[
                "dists/stable/main/binary-amd64/Packages.gz",
                "dists/stable/main/binary-arm64/Packages",
                "dists/stable/main/i18n/Translation-en.gz",
                "dists/stable/Release.gpg",
                "index.html",
            ][..],
        ),
        (YUM, &["repodata/repomd.xml.asc", "repodata/repomd.xml.key", "index.html"]),
    ] {
        let shop = Shop::new(&(tables.to_owned() + front));
        shop.publish("hello", "1.0.0");
        let folder = shop.at("hello-1.0.0");
        verify(&folder);
        let repository = shop.at("repository");
        let all = |folder: &Path| -> Vec<(String, Vec<u8>)> {
            let mut all: Vec<_> =
                listed(folder).lines().map(|path| (path.to_owned(), fs::read(path).unwrap())).collect();
            all.sort();
            all
        };
        let was = all(&repository);
        for damage in damages {
            let path = repository.join(damage);
            let bytes = fs::read(&path).unwrap();
            // Of an index every copy of one form, by its name and by its digest, where another form is there.
            let whole = damage.contains("Packages");
            let is_it = |path: &str, other: &Vec<u8>| path.ends_with(damage) || whole && *other == bytes;
            let same = was.iter().filter(|(path, other)| is_it(path, other)).map(|(path, _)| path);
            same.enumerate()
                .for_each(|(at, path)| if at == 0 { fs::remove_file(path) } else { fs::write(path, "x") }.unwrap());
            let (code, stdout, stderr) = run(&folder, &["repo", "repair", "--dry-run"]);
            assert!(code == 0 && !stdout.is_empty(), "{damage}: {stdout}{stderr}");
            let (code, stdout, stderr) = run(&folder, &["repo", "repair"]);
            assert!(code == 0 && stdout.contains(damage), "{damage}: {stdout}{stderr}");
            verify(&folder);
        }
        let now = all(&repository);
        let others: Vec<&str> = now.iter().filter(|one| !was.contains(one)).map(|(path, _)| path.as_str()).collect();
        assert!(now == was, "{others:?}");
        let (code, stdout, stderr) = run(&folder, &["repo", "repair"]);
        assert!(code == 0 && stdout.is_empty(), "{stdout}{stderr}");
    }
}
