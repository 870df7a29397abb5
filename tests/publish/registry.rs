//! Images in a real registry: pushed, pushed again, run, moved between tags; open, with passwords, with TLS, with tokens that end soon.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::image::Podman;
use crate::registry_server::{Mode, PASSWORD, Registry, USER, login};
use crate::support::{finish, fitout, project};

/// A project whose image is a static program and a file of its configuration.
pub struct Dock {
    pub folder: tempfile::TempDir,
}

const CONFIG: &str = r#"
[package]
name       = "app"
version    = "@VERSION@"
summary    = "Is pushed in tests"
maintainer = "Ops Team <ops@example.org>"
license    = "MIT"

[build]
preset  = "plain"
formats = ["oci"]
targets = @TARGETS@

[format.oci]
@OCI@

[[files]]
from = "program"
to   = "/usr/bin/app"
mode = "0755"

[[files]]
from = "conf"
to   = "/etc/app/conf"
role = "config"

"#;

impl Dock {
    /// With these tables behind the package's.
    pub fn new(tables: &str) -> Self {
        Self { folder: project(&[("program", "#!/bin/sh\necho 1\n"), ("conf", "a = 1\n"), ("tables", tables)]) }
    }

    pub fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    pub fn build(&self, version: &str) {
        self.build_with(version, r#"["linux/amd64"]"#, r#"entrypoint = ["/usr/bin/app"]"#);
    }

    pub fn build_with(&self, version: &str, targets: &str, oci: &str) {
        self.configure(version, targets, oci);
        let (code, _, stderr) = finish(fitout(self.folder.path()).args(["build", "-q"]).output().unwrap());
        assert_eq!(code, 0, "{stderr}");
    }

    pub fn configure(&self, version: &str, targets: &str, oci: &str) {
        let config = CONFIG.replace("@VERSION@", version).replace("@TARGETS@", targets).replace("@OCI@", oci);
        fs::write(self.at("fitout.toml"), config + &fs::read_to_string(self.at("tables")).unwrap()).unwrap();
    }

    /// As somebody whose `docker login` is in the folder `login`; exit code, and all that was said.
    pub fn run(&self, words: &[&str]) -> (i32, String) {
        let mut command = fitout(self.folder.path());
        command.args(words).env_remove("REGISTRY_AUTH_FILE").env_remove("XDG_RUNTIME_DIR");
        command.env("HOME", self.at("home")).env("DOCKER_CONFIG", self.at("login"));
        let (code, stdout, stderr) = finish(command.output().unwrap());
        let said = stdout + &stderr;
        let receipt = fs::read_to_string(self.at("dist/receipt.json")).unwrap_or_default();
        assert!(!said.contains(PASSWORD) && !receipt.contains(PASSWORD), "{said}");
        (code, said)
    }

    pub fn ok(&self, words: &[&str]) -> String {
        let (code, said) = self.run(words);
        assert_eq!(code, 0, "{words:?}: {said}");
        said
    }

    /// Keys of what was put last.
    pub fn puts(&self) -> Vec<String> {
        let receipt: serde_json::Value =
            serde_json::from_slice(&fs::read(self.at("dist/receipt.json")).unwrap()).unwrap();
        let puts = receipt["receipts"][0]["puts"].as_array().unwrap();
        puts.iter().map(|put| put["key"].as_str().unwrap().to_owned()).collect()
    }
}

pub fn table(image: &str, more: &str) -> String {
    format!("[[publish.registry]]\nimage = \"{image}\"\n{more}\n")
}

fn blobs(puts: &[String]) -> usize {
    puts.iter().filter(|key| key.starts_with("blobs/")).count()
}

#[test]
fn only_what_is_not_there_is_sent() {
    let Some(registry) = Registry::start(&Mode::Open) else { return };
    let dock = Dock::new(&table(&registry.image("team/app"), "insecure = true"));
    dock.build("1.4.0");
    let plan = dock.ok(&["publish", "--dry-run"]);
    assert_eq!(registry.asked("POST") + registry.asked("PUT"), 0, "{plan}");
    dock.ok(&["publish", "-q"]);
    let puts = dock.puts();
    assert_eq!(blobs(&puts), 3, "{puts:?}");
    assert!(puts[3].starts_with("manifests/sha256:") && puts[4] == "manifests/1.4.0", "{puts:?}");
    let mut last = puts[5..].to_vec();
    last.sort();
    assert_eq!(last, ["manifests/1.4", "manifests/latest"]);
    assert!(puts.iter().all(|key| plan.contains(key)), "{plan}{puts:?}");
    let manifest = registry.raw("team/app:latest");
    assert_eq!(manifest["layers"].as_array().unwrap().len(), 2, "{manifest}");
    assert_eq!(manifest, registry.raw("team/app:1.4.0"));

    // Again: nothing. After a change: its layer and what names it.
    let was = registry.asked("POST") + registry.asked("PUT");
    assert!(dock.ok(&["publish"]).contains("nothing to do"));
    assert_eq!(registry.asked("POST") + registry.asked("PUT"), was);
    fs::write(dock.at("program"), "#!/bin/sh\necho 2\n").unwrap();
    dock.build("1.4.1");
    dock.ok(&["publish", "-q"]);
    assert_eq!(blobs(&dock.puts()), 2, "{:?}", dock.puts());
    let newer = registry.raw("team/app:latest");
    assert_eq!((&newer["layers"][1], newer["layers"][0] == manifest["layers"][0]), (&manifest["layers"][1], false));

    // A version is one image for good, and what moves does not go back.
    fs::write(dock.at("program"), "#!/bin/sh\necho 3\n").unwrap();
    dock.build("1.4.1");
    let (code, said) = dock.run(&["publish"]);
    assert!(code == 2 && said.contains("publish/other-bytes"), "{code}: {said}");
    dock.build("1.3.9");
    dock.ok(&["publish", "-q"]);
    assert_eq!(dock.puts().last().unwrap(), "manifests/1.3");
    dock.build("1.5.0-rc.1");
    dock.ok(&["publish", "-q"]);
    assert_eq!(dock.puts().last().unwrap(), "manifests/1.5.0-rc.1");
    assert_eq!(registry.raw("team/app:latest"), newer);
    dock.build("1.4.1");
    dock.ok(&["publish", "-q", "--replace"]);
    assert_ne!(registry.raw("team/app:1.4.1"), newer);
}

#[test]
fn a_pushed_image_runs() {
    let Some(registry) = Registry::start(&Mode::Open) else { return };
    if !crate::image::possible() {
        return;
    }
    let dock = Dock::new(&table(&registry.image("app"), "insecure = true"));
    let compile = "echo 'int puts(const char *); int main() { puts(\"it runs\"); }' | cc -static -x c - -o program";
    assert!(Command::new("sh").args(["-ec", compile]).current_dir(dock.folder.path()).status().unwrap().success());
    dock.build("1.0.0");
    dock.ok(&["publish"]);
    let podman = Podman::new();
    let image = registry.image("app:1.0");
    podman.ok(&["pull", "--quiet", "--tls-verify=false", &image]);
    let container = podman.started(&[], &image);
    podman.ok(&["wait", &container]);
    assert_eq!(podman.ok(&["logs", &container]), "it runs");
}

#[test]
fn images_of_several_targets_are_one() {
    let Some(registry) = Registry::start(&Mode::Open) else { return };
    let dock = Dock::new(&table(&registry.image("app"), "insecure = true\ntags = [\"v{major}\", \"edge\"]"));
    dock.build_with("2.0.0", r#"["linux/amd64", "linux/arm64"]"#, "");
    dock.ok(&["publish"]);
    let index = registry.raw("app:v2");
    let platforms: Vec<&str> = index["manifests"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| m["platform"]["architecture"].as_str().unwrap())
        .collect();
    assert_eq!(platforms, ["amd64", "arm64"]);
    for manifest in index["manifests"].as_array().unwrap() {
        registry.raw(&format!("app@{}", manifest["digest"].as_str().unwrap()));
    }
    assert_eq!(index, registry.raw("app:edge"));
    // Without it each would take the tags from the other.
    let list = dock.at("dist/manifest.json");
    let mut document: serde_json::Value = serde_json::from_slice(&fs::read(&list).unwrap()).unwrap();
    document["artifacts"].as_array_mut().unwrap().retain(|artifact| artifact["arch"] != "multi");
    fs::write(&list, document.to_string()).unwrap();
    let (code, said) = dock.run(&["publish"]);
    assert!(code == 2 && said.contains("registry/several"), "{code}: {said}");
}

#[test]
fn packages_lie_beside_their_image() {
    let Some(registry) = Registry::start(&Mode::Open) else { return };
    let dock = Dock::new(&table(&registry.image("app"), "insecure = true\nartifacts = [\"deb\", \"rpm\"]"));
    dock.build_with("1.0.0+b", r#"["linux/amd64"]"#, "");
    let config = fs::read_to_string(dock.at("fitout.toml")).unwrap();
    fs::write(dock.at("fitout.toml"), config.replace("[\"oci\"]", "[\"oci\", \"deb\", \"rpm\", \"zip\"]")).unwrap();
    assert_eq!(finish(fitout(dock.folder.path()).args(["build", "-q"]).output().unwrap()).0, 0);
    dock.ok(&["publish"]);
    let deb = fs::read_dir(dock.at("dist")).unwrap().map(|entry| entry.unwrap().path());
    let deb = deb.into_iter().find(|path| path.extension().is_some_and(|e| e == "deb")).unwrap();
    let tag = deb.file_name().unwrap().to_str().unwrap().replace('+', "-");
    let manifest = registry.raw(&format!("app:{tag}"));
    assert_eq!(manifest["artifactType"], "application/vnd.debian.binary-package");
    // The same bytes, by a tool that knows nothing of packages.
    let out = dock.at("out");
    let from = format!("docker://{}", registry.image(&format!("app:{tag}")));
    let mut copy = Command::new("skopeo");
    copy.args(["copy", "-q", "--src-tls-verify=false", &from]).arg(format!("dir:{}", out.display()));
    assert!(copy.env_remove("REGISTRY_AUTH_FILE").status().unwrap().success());
    let digest = manifest["layers"][0]["digest"].as_str().unwrap().strip_prefix("sha256:").unwrap().to_owned();
    assert_eq!(fs::read(out.join(digest)).unwrap(), fs::read(&deb).unwrap());
    // This registry keeps no list of what refers to the image: it is at a tag.
    let subject = manifest["subject"]["digest"].as_str().unwrap().replace(':', "-");
    let list = registry.raw(&format!("app:{subject}"));
    assert_eq!(list["manifests"].as_array().unwrap().len(), 2, "{list}");
    assert!(dock.ok(&["publish"]).contains("nothing to do"));
}

#[test]
fn a_tag_is_promoted_as_it_is() {
    let Some(registry) = Registry::start(&Mode::Open) else { return };
    let dock = Dock::new(&table(&registry.image("app"), "insecure = true\ntags = [\"{version}\", \"canary\"]"));
    dock.build("1.4.0");
    dock.ok(&["publish"]);
    let promote = |version: &str, from: &str, more: &[&str]| {
        dock.run(&[&["promote", "app", version, "--from", from, "--to", "stable"], more].concat())
    };
    let was = registry.asked("PUT");
    assert_eq!(promote("1.4.0", "canary", &["--dry-run"]).0, 0);
    assert_eq!(registry.asked("PUT"), was);
    let (code, said) = promote("1.4.0", "canary", &[]);
    assert!(code == 0 && said.contains("Promoted"), "{code}: {said}");
    assert_eq!(registry.raw("app:stable"), registry.raw("app:1.4.0"));
    assert_eq!(registry.asked("PUT"), was + 1);
    assert!(promote("1.4.0", "canary", &[]).1.contains("Unchanged"));
    fs::write(dock.at("conf"), "a = 2\n").unwrap();
    dock.build("1.5.0");
    dock.ok(&["publish"]);
    let (code, said) = promote("1.4.0", "canary", &[]);
    assert!(code == 2 && said.contains("repo/no-package") && said.contains("it is 1.5.0"), "{code}: {said}");
    let (code, said) = promote("1.5.0-rc.1", "canary", &["--dry-run"]);
    assert!(code == 2 && said.contains("it is 1.5.0"), "{code}: {said}");
    let (code, said) = promote("1.5.0", "nowhere", &[]);
    assert!(code == 2 && said.contains("repo/no-channel"), "{code}: {said}");
    let (code, said) = dock.run(&["promote", "app", "--from", "canary", "--to", "stable"]);
    assert!(code == 0, "{said}");
    assert_eq!(registry.raw("app:stable"), registry.raw("app:1.5.0"));
}

/// Nobody, somebody wrong, and somebody right; the registry says which.
fn credentials(registry: &Registry, image: &str) -> Dock {
    let dock = Dock::new(&table(image, "insecure = true"));
    dock.build("1.0.0");
    let (code, said) = dock.run(&["publish"]);
    assert!(code == 2 && said.contains("registry/no-credentials"), "{code}: {said}");
    let host = format!("127.0.0.1:{}", registry.port);
    login(&dock.at("login"), &host, &format!("not-{PASSWORD}"));
    let (code, said) = dock.run(&["publish"]);
    assert!(code == 2 && said.contains("registry/wrong-credentials"), "{code}: {said}");
    login(&dock.at("login"), &host, PASSWORD);
    dock.ok(&["publish", "-v"]);
    assert!(dock.ok(&["publish"]).contains("nothing to do"));
    dock
}

#[test]
fn passwords_are_read_from_what_docker_login_leaves() {
    let Some(registry) = Registry::start(&Mode::Passwords) else { return };
    credentials(&registry, &registry.image("team/app"));
}

#[test]
fn tokens_that_end_soon_are_renewed() {
    let Some(registry) = Registry::start(&Mode::Tokens) else { return };
    let dock = credentials(&registry, &registry.image("team/app"));
    // Blobs of another repository need a token for both.
    fs::write(dock.at("tables"), table(&registry.image("other"), "insecure = true\nmount-from = [\"team/app\"]"))
        .unwrap();
    dock.build("1.0.0");
    dock.ok(&["publish"]);
    assert_eq!(blobs(&dock.puts()), 0, "{:?}", dock.puts());
    // It may pull, and nothing else.
    fs::remove_dir_all(dock.at("login")).unwrap();
    fs::write(dock.at("conf"), "a = 2\n").unwrap();
    dock.build("1.1.0");
    let (code, said) = dock.run(&["publish"]);
    assert!(code == 2 && said.contains("registry/no-credentials"), "{code}: {said}");
}

#[test]
fn a_certificate_of_ones_own_is_named() {
    let Some(registry) = Registry::start(&Mode::Tls) else { return };
    let image = registry.image("app");
    let ca = registry.folder.path().join("ca.crt").display().to_string();
    let dock = Dock::new(&table(&image, ""));
    dock.build("1.0.0");
    let (code, said) = dock.run(&["publish"]);
    assert!(code == 2 && said.contains("registry/certificate"), "{code}: {said}");
    fs::write(dock.at("tables"), table(&image, &format!("ca = \"{ca}\""))).unwrap();
    dock.build("1.0.0");
    dock.ok(&["publish"]);
    assert!(dock.ok(&["publish"]).contains("nothing to do"));
    // The other way round: TLS is spoken to one that does not.
    let Some(open) = Registry::start(&Mode::Open) else { return };
    fs::write(dock.at("tables"), table(&open.image("app"), "")).unwrap();
    dock.build("1.0.0");
    let (code, said) = dock.run(&["publish"]);
    assert!(code == 2 && said.contains("registry/certificate") && said.contains("insecure"), "{code}: {said}");
}

/// KiB that the program had in memory at most.
fn peak(dock: &Dock, words: &[&str]) -> u64 {
    let script = "import resource, subprocess, sys\ncode = subprocess.call(sys.argv[1:], stdout=2)\n\
                  print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\nsys.exit(code)";
    let mut command = Command::new("python3");
    command.args(["-c", script, env!("CARGO_BIN_EXE_fitout")]).args(words).current_dir(dock.folder.path());
    let (code, stdout, stderr) = finish(command.env("HOME", dock.at("home")).output().unwrap());
    assert_eq!(code, 0, "{stderr}");
    stdout.trim().parse().unwrap()
}

#[test]
fn a_large_layer_takes_no_memory() {
    let Some(registry) = Registry::start(&Mode::Open) else { return };
    let dock = Dock::new(&table(&registry.image("app"), "insecure = true"));
    noise(&dock.at("program"), 300 << 20);
    dock.build_with("1.0.0", r#"["linux/amd64"]"#, "compression = \"none\"");
    let kib = peak(&dock, &["publish"]);
    assert!(kib < 64 << 10, "{kib} KiB");
    assert!(dock.puts().iter().any(|key| key == "manifests/latest"));
    let size = registry.raw("app:latest")["layers"][0]["size"].as_u64().unwrap();
    assert!(size > 300 << 20, "{size}");
}

/// A file that is not the same anywhere.
fn noise(path: &Path, size: usize) {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(size);
    while bytes.len() < size {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend(state.to_le_bytes());
    }
    fs::write(path, bytes).unwrap();
}

#[test]
fn whoever_is_named_is_not_seen_in_a_receipt() {
    let Some(registry) = Registry::start(&Mode::Passwords) else { return };
    let dock = Dock::new(&table(&registry.image("app"), "insecure = true"));
    dock.build("1.0.0");
    login(&dock.at("login"), &format!("127.0.0.1:{}", registry.port), PASSWORD);
    let said = dock.ok(&["publish", "-v", "--json"]);
    let receipt = fs::read_to_string(dock.at("dist/receipt.json")).unwrap();
    assert!(!said.contains(USER) && !receipt.contains(USER) && receipt.contains("manifests/latest"), "{said}{receipt}");
}
