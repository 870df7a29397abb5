//! Artifacts as files in a folder of a store.

use std::fs;
use std::process::Command;

use crate::shop::{Shop, listed, publish, try_publish};

const TABLES: &str = r#"
[sign]
keys = [{ file = "@SHOP@/key.asc" }]

[[publish.files]]
to = "file:@SHOP@/downloads/{name}/{version}"
"#;

#[test]
fn downloads_have_a_signed_list_of_digests() {
    let shop = Shop::new(TABLES);
    let folder = shop.build("hello", "1.0.0", "");
    publish(&folder, &[]);
    let downloads = shop.at("downloads/hello/1.0.0");
    let sums = fs::read_to_string(downloads.join("SHA256SUMS")).unwrap();
    assert_eq!(sums.lines().count(), 3, "{sums}");
    // Another runner, which made another format, fills the same folder.
    let config = fs::read_to_string(folder.join("fitout.toml")).unwrap();
    fs::write(folder.join("fitout.toml"), config.replace(r#"formats = ["deb", "rpm"]"#, r#"formats = ["zip"]"#))
        .unwrap();
    let (code, _, stderr) = crate::support::run(&folder, &["build", "-q"]);
    assert_eq!(code, 0, "{stderr}");
    publish(&folder, &[]);
    assert!(publish(&folder, &[]).contains("nothing to do"));
    let script = "sha256sum -c --quiet --strict SHA256SUMS && gpg --dearmor <\"$1\" >../key.gpg && gpgv -q --keyring ../key.gpg SHA256SUMS.asc SHA256SUMS";
    let key = shop.at("key.pub");
    let checked = Command::new("sh").args(["-ec", script, "sh"]).arg(&key).current_dir(&downloads).output().unwrap();
    assert!(checked.status.success(), "{checked:?}");
    assert_eq!(fs::read_to_string(downloads.join("SHA256SUMS")).unwrap().lines().count(), 4);
    assert_eq!(listed(&downloads).lines().filter(|line| !line.contains(".fitout")).count(), 6);

    fs::write(folder.join("program"), "#!/bin/sh\n").unwrap();
    let (code, _, stderr) = crate::support::run(&folder, &["build", "-q"]);
    assert_eq!(code, 0, "{stderr}");
    let (code, _, stderr) = try_publish(&folder, &[]);
    assert!(code == 2 && stderr.contains("publish/other-bytes"), "{code}: {stderr}");
    publish(&folder, &["--replace"]);
    let checked = Command::new("sh").args(["-ec", script, "sh"]).arg(&key).current_dir(&downloads).output().unwrap();
    assert!(checked.status.success(), "{checked:?}");
}
