//! Images that stand on one of a registry: looked up once, fetched once, the same on every machine.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::registry::{Dock, table};
use crate::registry_server::{Mode, PASSWORD, Registry, login};
use crate::support::finish;

/// A base in a registry: tags `VERSION`, `1.0` and `latest`.
fn base(registry: &Registry, repository: &str, version: &str, targets: &str, content: &str) {
    let dock = Dock::new(&table(&registry.image(repository), "insecure = true"));
    fs::write(dock.at("conf"), content).unwrap();
    fs::create_dir_all(dock.at("login")).unwrap();
    dock.build_with(version, targets, "");
    dock.ok(&["publish", "-q"]);
}

const AMD: &str = r#"["linux/amd64"]"#;
const BOTH: &str = r#"["linux/amd64", "linux/arm64"]"#;

/// An image upon a base.
fn upon(image: &str) -> (Dock, String) {
    (Dock::new(""), format!("base = \"{image}\"\nentrypoint = [\"/usr/bin/app\"]"))
}

fn lock(dock: &Dock) -> String {
    fs::read_to_string(dock.at("fitout.lock")).unwrap_or_default()
}

/// Digests of the layers of the image in `dist`, one list a target.
fn layers(dock: &Dock, name: &str) -> Vec<String> {
    let archive = dock.at(&format!("dist/{name}"));
    let image = format!("oci-archive:{}", archive.display());
    let inspect = Command::new("skopeo").args(["inspect", "--raw", &image]).output().unwrap();
    assert!(inspect.status.success(), "{}", String::from_utf8_lossy(&inspect.stderr));
    let manifest: serde_json::Value = serde_json::from_slice(&inspect.stdout).unwrap();
    manifest["layers"].as_array().unwrap().iter().map(|layer| layer["digest"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_name_is_looked_up_once() {
    let Some(registry) = Registry::start(&Mode::Open) else { return };
    base(&registry, "team/base", "1.0.0", AMD, "one\n");
    let (dock, oci) = upon(&registry.image("team/base:1.0"));
    dock.build_with("1.0.0", AMD, &oci);
    let first = lock(&dock);
    assert!(first.contains(&format!("name = \"{}\"", registry.image("team/base:1.0"))), "{first}");
    let file = "app-1.0.0-linux-amd64.oci.tar";
    let stands_on = layers(&dock, file);
    let of_base = registry.raw("team/base:1.0.0")["layers"].as_array().unwrap().len();
    assert!(of_base >= 1 && stands_on.len() > of_base, "{stands_on:?}");
    // The tag moves on; the image does not, and nothing is asked.
    base(&registry, "team/base", "1.0.1", AMD, "two\n");
    let asked = registry.asked("GET") + registry.asked("HEAD");
    dock.build_with("1.0.0", AMD, &oci);
    assert_eq!((lock(&dock), layers(&dock, file)), (first.clone(), stands_on.clone()));
    assert_eq!(registry.asked("GET") + registry.asked("HEAD"), asked);
    // Until somebody wants it to.
    let said = dock.ok(&["build", "--update"]);
    assert!(lock(&dock) != first, "{said}");
    assert_ne!(layers(&dock, file), stands_on);
    // By its digest it needs no lock.
    let digest = first.split("sha256:").nth(1).unwrap().split('"').next().unwrap().to_owned();
    fs::remove_file(dock.at("fitout.lock")).unwrap();
    let exact = oci.replace(":1.0\"", &format!("@sha256:{digest}\""));
    drop(registry);
    dock.build_with("1.0.0", AMD, &exact);
    assert_eq!((lock(&dock), layers(&dock, file)), (String::new(), stands_on));
}

#[test]
fn each_target_stands_on_its_own_image() {
    let Some(registry) = Registry::start(&Mode::Open) else { return };
    base(&registry, "team/base", "1.0.0", BOTH, "one\n");
    let (dock, oci) = upon(&registry.image("team/base"));
    dock.build_with("1.0.0", BOTH, &oci);
    assert!(lock(&dock).contains("team/base:latest"));
    for arch in ["amd64", "arm64"] {
        let said = dock.ok(&["inspect", &format!("dist/app-1.0.0-linux-{arch}.oci.tar")]);
        assert!(said.contains(arch), "{said}");
        assert!(layers(&dock, &format!("app-1.0.0-linux-{arch}.oci.tar")).len() >= 2);
    }
    // It has no image for another one.
    let (other, oci) = upon(&registry.image("team/base"));
    let (code, said) = try_build(&other, r#"["linux/riscv64"]"#, &oci);
    assert!(code == 2 && said.contains("oci/base") && said.contains("linux/arm64"), "{code}: {said}");
}

fn try_build(dock: &Dock, targets: &str, oci: &str) -> (i32, String) {
    dock.configure("1.0.0", targets, oci);
    let answer = dock.run(&["build"]);
    assert!(answer.0 == 0 || !dock.at("dist").exists() && lock(dock).is_empty(), "{}", answer.1);
    answer
}

#[test]
fn what_cannot_be_had_is_told() {
    let Some(registry) = Registry::start(&Mode::Open) else { return };
    let (dock, oci) = upon(&registry.image("team/none:1"));
    let (code, said) = try_build(&dock, AMD, &oci);
    assert!(code == 2 && said.contains("oci/no-base") && said.contains("no `1` of"), "{code}: {said}");
    let (dock, oci) = upon("Not/A//name");
    let (code, said) = try_build(&dock, AMD, &oci);
    assert!(code == 2 && said.contains("config/invalid-value"), "{code}: {said}");
}

#[test]
fn what_is_private_takes_a_login() {
    // The server of tokens lets strangers pull, if they ask for no more.
    for (mode, is_private) in [(Mode::Passwords, true), (Mode::Tokens, false)] {
        let Some(registry) = Registry::start(&mode) else { return };
        let host = format!("127.0.0.1:{}", registry.port);
        let dock = Dock::new(&table(&registry.image("team/base"), "insecure = true"));
        login(&dock.at("login"), &host, PASSWORD);
        dock.build("1.0.0");
        dock.ok(&["publish", "-q"]);
        let (other, oci) = upon(&registry.image("team/base:1.0.0"));
        let (code, said) = try_build(&other, AMD, &oci);
        assert_eq!(code == 2 && said.contains("registry/no-credentials"), is_private, "{code}: {said}");
        login(&other.at("login"), &host, PASSWORD);
        other.configure("1.0.0", AMD, &oci);
        let (code, said) = other.run(&["build"]);
        assert_eq!(code, 0, "{said}");
    }
}

#[test]
fn a_mirror_is_asked_first() {
    let Some(registry) = Registry::start(&Mode::Open) else { return };
    base(&registry, "hub/library/debian", "1.0.0", AMD, "one\n");
    let (dock, oci) = upon("debian:1.0");
    let mirror = format!("{oci}\nmirrors = [\"{}\"]", registry.image("hub"));
    dock.build_with("1.0.0", AMD, &mirror);
    assert!(lock(&dock).contains("name = \"docker.io/library/debian:1.0\""), "{}", lock(&dock));
}

#[test]
fn a_damaged_layer_is_found_and_fetched_again() {
    let Some(registry) = Registry::start(&Mode::Open) else { return };
    base(&registry, "team/base", "1.0.0", AMD, "one\n");
    let (dock, oci) = upon(&registry.image("team/base:1.0.0"));
    let cache = dock.at("cache");
    let build = || {
        let mut command = crate::support::fitout(dock.folder.path());
        command.args(["build", "-q", "--cache-dir"]).arg(&cache);
        finish(command.output().unwrap())
    };
    dock.configure("1.0.0", AMD, &oci);
    assert_eq!(build().0, 0);
    let blobs = crate::shop::listed(&cache.join("images"));
    let is_layer = |path: &PathBuf| fs::read(path).unwrap().starts_with(&[0x1f, 0x8b]);
    let layer = blobs.lines().map(PathBuf::from).find(is_layer).unwrap();
    let mut bytes = fs::read(&layer).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&layer, bytes).unwrap();
    fs::remove_dir_all(dock.at("dist")).unwrap();
    let (code, _, stderr) = build();
    assert!(code == 2 && stderr.contains("oci/base-digest"), "{code}: {stderr}");
    assert!(!dock.at("dist").exists() || crate::shop::listed(&dock.at("dist")).is_empty());
    let cache = cache.to_str().unwrap();
    assert_eq!(dock.run(&["cache", "verify", "--cache-dir", cache]).0, 1);
    dock.ok(&["cache", "prune", "--cache-dir", cache]);
    let (code, _, stderr) = build();
    assert_eq!(code, 0, "{stderr}");
}
