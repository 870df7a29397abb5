//! One version in the words of the config and of all lists, and what a config or a dry run must not keep silent about.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::registry::{Dock, table};
use crate::registry_server::{Mode, Registry};
use crate::shop::{ALL, Shop, key, publish};
use crate::support::run;

/// Versions of `hello` that any repository of the config lists.
fn versions(folder: &Path) -> BTreeSet<String> {
    let (code, text, stderr) = run(folder, &["repo", "list", "--json"]);
    assert_eq!(code, 0, "{stderr}");
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    let repositories = document["repositories"].as_array().unwrap();
    let packages = repositories.iter().flat_map(|one| one["packages"].as_array().unwrap());
    packages.filter(|one| one["name"] == "hello").map(|one| one["version"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_version_goes_from_all_lists_in_any_spelling() {
    let shop = Shop::new(ALL);
    let mut last = None;
    for version in ["1.0.0", "1.1.0", "1.2.0-rc.1", "1.2.0-rc.2"] {
        let folder = shop.build("hello", version, "");
        publish(&folder, &["-q"]);
        last = Some(folder);
    }
    let folder = last.unwrap();
    let retract = |version: &str| {
        let (code, _, stderr) = run(&folder, &["repo", "retract", "hello", version]);
        assert_eq!(code, 0, "{version}: {stderr}");
        versions(&folder)
    };
    assert_eq!(versions(&folder).len(), 8);
    let left = retract("1.0.0");
    assert!(left.len() == 6 && !left.iter().any(|version| version.starts_with("1.0.0")), "{left:?}");
    let left = retract("1.2.0-rc.1");
    assert!(left.len() == 4 && !left.iter().any(|version| version.contains("rc.1")), "{left:?}");
    // A revision is that one alone: the deb has none.
    assert_eq!(retract("1.1.0-1"), ["1.1.0", "1.2.0~rc.2", "1.2.0~rc.2-1"].map(str::to_owned).into());
    assert_eq!(retract("1.2.0~rc.2"), ["1.1.0".to_owned()].into());
    let (code, _, stderr) = run(&folder, &["repo", "retract", "hello", "1.2.0"]);
    assert!(code == 2 && stderr.contains("repo/no-package") && stderr.contains("listed are 1.1.0"), "{stderr}");
}

#[test]
fn one_spelling_promotes_packages_and_image_or_neither() {
    let Some(registry) = Registry::start(&Mode::Open) else { return };
    let image = table(&registry.image("app"), "insecure = true\ntags = [\"{version}\", \"canary\"]");
    let canary = "[sign]\nkeys = [{ file = \"key.asc\" }]\n\
                  [[publish.apt]]\nto = \"file:apt\"\nsuite = \"canary\"\n\
                  [[publish.yum]]\nto = \"file:canary\"\nchannel = \"canary\"\n";
    let stable = "[[publish.apt]]\nto = \"file:apt\"\n[[publish.yum]]\nto = \"file:stable\"\n";
    let dock = Dock::new("");
    key(dock.folder.path(), "key");
    // Only what is promoted gets to the stable channels.
    let configured = |version: &str, tables: &str| {
        fs::write(dock.at("tables"), tables).unwrap();
        dock.configure(version, r#"["linux/amd64"]"#, r#"entrypoint = ["/usr/bin/app"]"#);
        let config = fs::read_to_string(dock.at("fitout.toml")).unwrap();
        fs::write(dock.at("fitout.toml"), config.replace(r#"["oci"]"#, r#"["oci", "deb", "rpm"]"#)).unwrap();
    };
    let ship = |version: &str| {
        fs::write(dock.at("conf"), version).unwrap();
        configured(version, &format!("{image}{canary}"));
        dock.ok(&["build", "-q"]);
        dock.ok(&["publish", "-q"]);
        configured(version, &format!("{image}{canary}{stable}"));
    };
    let promote = |version: &str| dock.run(&["promote", "app", version, "--from", "canary", "--to", "stable"]);
    let listed = || -> Vec<String> {
        let document: serde_json::Value = serde_json::from_str(&dock.ok(&["repo", "list", "--json"])).unwrap();
        let repositories = document["repositories"].as_array().unwrap();
        let packages = repositories.iter().flat_map(|one| one["packages"].as_array().unwrap());
        let is_it = |one: &&serde_json::Value| one["name"] == "app" && one["channel"] == "stable";
        packages.filter(is_it).map(|one| one["version"].as_str().unwrap().to_owned()).collect()
    };
    ship("1.2.0-rc.1");
    assert!(listed().is_empty());
    let (code, said) = promote("1.2.0-rc.1");
    assert_eq!(code, 0, "{said}");
    let promoted = ["1.2.0~rc.1", "1.2.0~rc.1-1"];
    assert_eq!(listed(), promoted);
    assert_eq!(registry.raw("app:stable"), registry.raw("app:1.2.0-rc.1"));
    let (code, said) = promote("1.2.0~rc.1");
    assert!(code == 0 && said.matches("Unchanged").count() == 3, "{said}");

    // While nobody knows that the image is of the version, nothing goes anywhere.
    ship("1.3.0");
    fs::remove_dir_all(dock.at("stable")).unwrap();
    for version in ["1.2.0-rc.1", "1.3.1"] {
        let (code, said) = promote(version);
        assert!(code == 2 && said.contains("it is 1.3.0"), "{said}");
    }
    assert!(!dock.at("stable").exists());
    assert_eq!(promote("1.3.0").0, 0);
    assert_eq!(listed(), ["1.2.0~rc.1", "1.3.0", "1.3.0-1"]);
}

#[test]
fn a_dry_run_lists_every_put() {
    let shop = Shop::new(ALL);
    let folder = shop.build("hello", "1.0.0", "");
    let (code, planned, stderr) = run(&folder, &["publish", "--dry-run", "--json"]);
    assert_eq!(code, 0, "{stderr}");
    let planned: serde_json::Value = serde_json::from_str(&planned).unwrap();
    assert!(!shop.at("apt").exists() && !shop.at("yum").exists(), "nothing is sent");
    publish(&folder, &[]);
    let receipt: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.join("dist/receipt.json")).unwrap()).unwrap();
    // The copy of the signature over a root is called by the time of it.
    let keys = |one: &serde_json::Value| -> BTreeSet<String> {
        let keys = one["puts"].as_array().unwrap().iter().map(|put| {
            assert!(put["size"].as_u64().unwrap() > 0, "{put}");
            put["key"].as_str().unwrap().to_owned()
        });
        keys.map(|key| if key.contains("repomd-") { "repomd-".to_owned() } else { key }).collect()
    };
    let destinations = planned["destinations"].as_array().unwrap();
    assert_eq!(destinations.len(), 3);
    for (planned, sent) in destinations.iter().zip(receipt["receipts"].as_array().unwrap()) {
        assert_eq!(keys(planned), keys(sent), "{}", planned["destination"]);
    }
    assert!(keys(&destinations[0]).iter().any(|key| key.contains("keyring")), "{planned}");

    // Without the key it says so, and lists what it knows.
    fs::rename(shop.at("key.asc"), shop.at("away")).unwrap();
    let (code, planned, stderr) = run(&folder, &["publish", "--dry-run"]);
    assert!(code == 0 && stderr.contains("publish/unsigned-plan"), "{planned}{stderr}");
}

#[test]
fn a_destination_that_gets_nothing_is_told() {
    let shop = Shop::new(ALL);
    let folder = shop.build("hello", "1.0.0", "");
    let (code, _, stderr) = run(&folder, &["build", "-q", "--format", "deb", "--out", "narrow"]);
    assert_eq!(code, 0, "{stderr}");
    for args in [&["publish", "--out", "narrow", "--dry-run"][..], &["publish", "--out", "narrow"]] {
        let (code, _, stderr) = run(&folder, args);
        assert!(code == 0 && stderr.matches("publish/no-artifact").count() == 1, "{stderr}");
        assert!(stderr.contains("lists nothing for `yum file:") && stderr.contains("rpm"), "{stderr}");
    }
    assert!(!publish(&folder, &[]).contains("publish/no-artifact"));
}

#[test]
fn two_tables_do_not_write_one_root() {
    let yum = "[[publish.yum]]\nto = \"file:@SHOP@/yum\"\nchannel = \"canary\"\n\n[[publish.yum]]\nto = \"file:@SHOP@/./yum/\"\n";
    let apt =
        "[[publish.apt]]\nto = \"file:@SHOP@/apt\"\n\n[[publish.apt]]\nto = \"file:@SHOP@/apt\"\nsuite = \"stable\"\n";
    let sign = "[sign]\nkeys = [{ file = \"@SHOP@/key.asc\" }]\n\n";
    for tables in [yum, apt] {
        let shop = Shop::new(&format!("{sign}{tables}"));
        let folder = shop.build("hello", "1.0.0", "");
        for args in [&["publish"][..], &["publish", "--dry-run"], &["repo", "list"]] {
            let (code, _, stderr) = run(&folder, args);
            assert!(code == 2 && stderr.contains("config/invalid-value"), "{args:?}: {stderr}");
            assert!(stderr.contains("would write over the first") && stderr.contains("the first"), "{stderr}");
        }
        assert!(!shop.at("yum").exists() && !shop.at("apt").exists());
    }
    // Suites and components of one place are no such tables.
    let shop = Shop::new(&format!(
        "{sign}{}",
        apt.replace("suite = \"stable\"", "suite = \"canary\"")
            + "\n[[publish.apt]]\nto = \"file:@SHOP@/apt\"\ncomponent = \"extra\"\n"
    ));
    publish(&shop.build("hello", "1.0.0", ""), &[]);
}
