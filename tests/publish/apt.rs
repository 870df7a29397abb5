//! apt 2.6 with gpgv and apt 3 with sqv install from what was published, and refuse what was tampered with.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::roots::{BOOKWORM, Root, Suite, TRIXIE, is_there, missing};
use crate::shop::{Server, Shop, key, publish, try_publish};

const TABLES: &str = r#"
[sign]
keys = [{ file = "@SHOP@/key.asc" }]

[[publish.apt]]
to   = "file:@SHOP@/repository"
keep = 2
"#;

/// A root whose only source is the repository.
pub fn host(suite: &Suite, shop: &Shop, url: &str) -> Option<Root> {
    let root = Root::of(suite)?;
    let _ = fs::remove_dir_all(root.at("/etc/apt/sources.list.d"));
    let _ = fs::remove_file(root.at("/etc/apt/sources.list"));
    root.write("/etc/apt/keyrings/shop.asc", &fs::read_to_string(shop.at("key.pub")).unwrap(), 0o644);
    let source =
        format!("Types: deb\nURIs: {url}\nSuites: stable\nComponents: main\nSigned-By: /etc/apt/keyrings/shop.asc\n");
    root.write("/etc/apt/sources.list.d/shop.sources", &source, 0o644);
    Some(root)
}

fn apt(root: &Root, words: &[&str]) -> (i32, String) {
    let strict: &[&str] = if words == ["update"] { &["--error-on=any"] } else { &[] };
    root.run(&[&["apt-get", "-y", "-q"], strict, words].concat())
}

pub fn installs(root: &Root, words: &[&str]) {
    let (code, said) = apt(root, words);
    assert_eq!(code, 0, "{words:?}\n{said}");
}

fn refuses(root: &Root, words: &[&str], why: &[&str]) {
    let (code, said) = apt(root, words);
    assert_ne!(code, 0, "{words:?} should be refused\n{said}");
    assert!(why.iter().any(|why| said.contains(why)), "{why:?} is not in\n{said}");
}

fn life(suite: &Suite) {
    let shop = Shop::new(TABLES);
    shop.publish("hello", "1.0.0");
    let server = Server::of(&shop.at("repository"));
    let Some(root) = host(suite, &shop, &server.url()) else { return };
    installs(&root, &["update"]);
    installs(&root, &["install", "hello"]);
    assert_eq!(root.ok(&["hello"]).trim(), "hello 1.0.0");
    // In the same second: a server would say that nothing has changed.
    shop.publish("hello", "1.1.0");
    shop.publish("other", "0.1.0");
    installs(&root, &["update"]);
    installs(&root, &["upgrade"]);
    assert_eq!(root.ok(&["hello"]).trim(), "hello 1.1.0");
    let shown = root.ok(&["apt-cache", "show", "hello"]);
    assert!(shown.contains("\n It lies in a repository.\n .\n Somebody installs it."), "{shown}");
    let (_, policy) = root.run(&["apt-cache", "policy"]);
    assert!(policy.contains("o=hello,a=stable,n=stable,l=hello,c=main"), "{policy}");
    installs(&root, &["install", "--allow-downgrades", "hello=1.0.0"]);
    // Two versions are kept.
    shop.publish("hello", "1.2.0");
    installs(&root, &["update"]);
    let (_, policy) = root.run(&["apt-cache", "policy", "hello"]);
    assert!(policy.contains("1.1.0") && !policy.contains("     1.0.0 500"), "{policy}");
    tampered(&root, &shop);
}

/// A change to a file of the repository that is taken back.
struct Tampered<'a> {
    path: &'a Path,
    was: Vec<u8>,
}

impl<'a> Tampered<'a> {
    fn with(path: &'a Path, change: impl FnOnce(&mut Vec<u8>)) -> Self {
        let was = fs::read(path).unwrap();
        let mut bytes = was.clone();
        change(&mut bytes);
        fs::write(path, bytes).unwrap();
        Self { path, was }
    }
}

impl Drop for Tampered<'_> {
    fn drop(&mut self) {
        fs::write(self.path, &self.was).unwrap();
    }
}

fn flip(bytes: &mut [u8]) {
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
}

fn tampered(root: &Root, shop: &Shop) {
    let fresh = || drop(root.run(&["sh", "-c", "rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb"]));
    let repository = shop.at("repository");
    // A package.
    let package = repository.join("pool/main/o/other/other_0.1.0_all.deb");
    {
        let _changed = Tampered::with(&package, |bytes| flip(bytes));
        refuses(root, &["install", "other"], &["Hash Sum mismatch", "unexpected size"]);
    }
    installs(root, &["install", "other"]);
    // An index, by its name and by its digest.
    let index = repository.join("dists/stable/main/binary-amd64");
    let packed = fs::read(index.join("Packages.gz")).unwrap();
    let by_hash = fs::read_dir(index.join("by-hash/SHA256")).unwrap();
    let by_hash = by_hash.map(|entry| entry.unwrap().path()).find(|path| fs::read(path).unwrap() == packed).unwrap();
    let named = index.join("Packages.gz");
    {
        let _changed = (Tampered::with(&named, |bytes| flip(bytes)), Tampered::with(&by_hash, |bytes| flip(bytes)));
        fresh();
        refuses(root, &["update"], &["Hash Sum mismatch"]);
    }
    // What is signed.
    let root_file = repository.join("dists/stable/InRelease");
    {
        let _changed = Tampered::with(&root_file, |bytes| {
            let text = String::from_utf8(bytes.clone()).unwrap().replace("Suite: stable", "Suite: static");
            *bytes = text.into_bytes();
        });
        fresh();
        refuses(root, &["update"], &["not signed", "BADSIG", "OpenPGP signature verification failed", "invalid"]);
    }
    // Another key.
    key(shop.folder.path(), "stranger");
    let own = root.read("/etc/apt/keyrings/shop.asc");
    root.write("/etc/apt/keyrings/shop.asc", &fs::read_to_string(shop.at("stranger.pub")).unwrap(), 0o644);
    fresh();
    refuses(root, &["update"], &["NO_PUBKEY", "Missing key", "not signed"]);
    root.write("/etc/apt/keyrings/shop.asc", &own, 0o644);
    fresh();
    installs(root, &["update"]);
}

#[test]
fn apt_2_lives_on_a_repository() {
    life(&BOOKWORM);
}

#[test]
fn apt_3_lives_on_a_repository() {
    life(&TRIXIE);
}

#[test]
fn the_same_version_with_other_bytes_is_refused() {
    let shop = Shop::new(TABLES);
    shop.publish("hello", "1.0.0");
    let folder = shop.at("hello-1.0.0");
    assert!(publish(&folder, &[]).contains("nothing to do"));
    let before = crate::shop::listed(&shop.at("repository"));
    shop.build("hello", "1.0.0", "again");
    let (code, _, stderr) = try_publish(&folder, &[]);
    assert_eq!(code, 2, "{stderr}");
    assert!(stderr.contains("publish/other-bytes"), "{stderr}");
    assert_eq!(crate::shop::listed(&shop.at("repository")), before);
    publish(&folder, &["--replace"]);
    let packages = fs::read_to_string(shop.at("repository/dists/stable/main/binary-amd64/Packages")).unwrap();
    assert_eq!(packages.matches("Package: hello").count(), 1, "{packages}");
    let file = packages.lines().find_map(|line| line.strip_prefix("Filename: ")).unwrap();
    // The old one is there for those who have the old list.
    assert_ne!(file, "pool/main/h/hello/hello_1.0.0_all.deb");
    assert!(
        shop.at("repository").join(file).is_file()
            && shop.at("repository/pool/main/h/hello/hello_1.0.0_all.deb").is_file()
    );
}

#[test]
fn a_suite_keeps_its_names() {
    let shop = Shop::new(TABLES);
    shop.publish("hello", "1.0.0");
    fs::write(shop.at("tables"), TABLES.to_owned() + "origin = \"Another\"\n").unwrap();
    let folder = shop.build("hello", "1.1.0", "");
    let (code, _, stderr) = try_publish(&folder, &[]);
    assert_eq!(code, 2, "{stderr}");
    assert!(stderr.contains("publish/renamed") && stderr.contains("`hello` to `Another`"), "{stderr}");
    publish(&folder, &["--replace"]);
}

#[test]
fn nothing_is_built_upon_a_damaged_repository() {
    let shop = Shop::new(TABLES);
    shop.publish("hello", "1.0.0");
    let folder = shop.build("hello", "1.1.0", "");
    let index = shop.at("repository/dists/stable/main/binary-amd64");
    fs::remove_dir_all(&index).unwrap();
    let (code, _, stderr) = try_publish(&folder, &[]);
    assert_eq!(code, 2, "{stderr}");
    assert!(stderr.contains("publish/damaged") && stderr.contains("Packages.gz"), "{stderr}");
    assert!(!index.exists());
}

/// Lists that were valid until yesterday, signed by the key of the shop, as a publisher leaves them that nobody runs any more.
fn expire(shop: &Shop) {
    let dist = shop.at("repository/dists/stable");
    let script = r#"
        export GNUPGHOME="$1/gpg"; mkdir -m 700 "$GNUPGHOME"; gpg -q --batch --import "$1/key.asc"
        cd "$2"; past=$(date -ud yesterday '+%a, %d %b %Y %H:%M:%S UTC')
        sed -i "s/^Valid-Until: .*/Valid-Until: $past/" Release
        gpg -q --batch --yes --digest-algo SHA512 --clearsign -o InRelease Release
        gpg -q --batch --yes --digest-algo SHA512 --armor --detach-sign -o Release.gpg Release; gpgconf --kill all"#;
    let shop = shop.folder.path();
    let done = Command::new("sh").args(["-ec", script, "sh"]).args([shop, &dist]).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn lists_that_have_ended_are_refused_and_renewed() {
    let shop = Shop::new(&(TABLES.to_owned() + "valid-for = \"7d\"\n"));
    shop.publish("hello", "1.0.0");
    let folder = shop.at("hello-1.0.0");
    let server = Server::of(&shop.at("repository"));
    expire(&shop);
    let (code, _, stderr) = crate::support::run(&folder, &["repo", "verify"]);
    assert!(code == 1 && stderr.contains("repo/expired"), "{code}: {stderr}");
    for suite in [&BOOKWORM, &TRIXIE] {
        let Some(root) = host(suite, &shop, &server.url()) else { return };
        // The test's roots are set up from archives, which have ended.
        root.write("/etc/apt/apt.conf.d/zz-valid", "Acquire::Check-Valid-Until \"true\";\n", 0o644);
        refuses(&root, &["update"], &["expired", "not valid"]);
    }
    // Nothing is new but the time.
    publish(&folder, &[]);
    assert!(publish(&folder, &[]).contains("nothing to do"));
    for suite in [&BOOKWORM, &TRIXIE] {
        let Some(root) = host(suite, &shop, &server.url()) else { return };
        root.write("/etc/apt/apt.conf.d/zz-valid", "Acquire::Check-Valid-Until \"true\";\n", 0o644);
        installs(&root, &["update"]);
        installs(&root, &["install", "hello"]);
    }
}

/// Other tools mirror it, with their own checks of signatures and digests.
#[test]
fn aptly_and_reprepro_mirror_it() {
    let lacking: Vec<&str> = ["aptly", "reprepro"].into_iter().filter(|tool| !is_there(tool)).collect();
    if !missing(&lacking) {
        return;
    }
    let shop = Shop::new(&(TABLES.to_owned() + "xz = true\n"));
    shop.publish("hello", "1.0.0");
    shop.publish("hello", "1.1.0");
    let server = Server::of(&shop.at("repository"));
    let script = r#"
        export HOME="$1" GNUPGHOME="$1/gpg"; mkdir -m 700 "$GNUPGHOME"
        gpg -q --batch --import "$1/key.pub"; gpg -q --batch --export >"$GNUPGHOME/trustedkeys.gpg"
        id=$(gpg -q --batch --with-colons --list-keys | sed -n '/^fpr/{s/.*\([0-9A-F]\{16\}\):$/\1/p;q}')
        printf '{"rootDir": "%s/aptly", "gpgProvider": "gpg"}' "$1" >"$1/aptly.conf"
        aptly -config="$1/aptly.conf" mirror create shop "$2" stable main
        aptly -config="$1/aptly.conf" mirror update shop
        aptly -config="$1/aptly.conf" mirror show -with-packages shop
        mkdir -p "$1/reprepro/conf"
        printf 'Codename: stable\nArchitectures: amd64 arm64\nComponents: main\nUpdate: shop\n' >"$1/reprepro/conf/distributions"
        printf 'Name: shop\nMethod: %s\nSuite: stable\nVerifyRelease: %s\n' "$2" "$id" >"$1/reprepro/conf/updates"
        reprepro -b "$1/reprepro" update; reprepro -b "$1/reprepro" list stable; gpgconf --kill all"#;
    let shop_folder = shop.folder.path().to_str().unwrap();
    let done = Command::new("sh").args(["-ec", script, "sh", shop_folder, &server.url()]).output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(done.status.success(), "{said}{}", String::from_utf8_lossy(&done.stderr));
    for expected in ["hello_1.0.0_all", "hello_1.1.0_all", "stable|main|amd64: hello 1.1.0"] {
        assert!(said.contains(expected), "{expected} is not in {said}{}", String::from_utf8_lossy(&done.stderr));
    }
}
