//! A project whose packages are published, the key that it signs with, and a web server over what was published.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{azurite, finish, fitout, gcs, moto, project};

/// apt, yum and plain files, each in a folder of its own.
pub const ALL: &str = r#"
[sign]
keys = [{ file = "@SHOP@/key.asc" }]

[[publish.apt]]
to  = "file:@SHOP@/apt"
url = "https://packages.example.org/apt"

[[publish.yum]]
to  = "file:@SHOP@/yum"
url = "https://packages.example.org/yum"

[[publish.files]]
to = "file:@SHOP@/files"
"#;

/// A project in a folder, with its key beside it.
pub struct Shop {
    pub folder: tempfile::TempDir,
}

const CONFIG: &str = r#"
[package]
name       = "@NAME@"
version    = "@VERSION@"
summary    = "Is sold in tests"
description = """
It lies in a repository.

Somebody installs it."""
maintainer = "Ops Team <ops@example.org>"
license    = "MIT"

[build]
preset  = "plain"
formats = ["deb", "rpm"]

[[files]]
from = "program"
to   = "/usr/bin/@NAME@"
mode = "0755"
"#;

impl Shop {
    /// With these tables of the config behind the package's.
    pub fn new(tables: &str) -> Self {
        let folder = project(&[("tables", tables)]);
        key(folder.path(), "key");
        Self { folder }
    }

    /// A file of it.
    pub fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// Builds a package in a folder of its own, which is given.
    pub fn build(&self, name: &str, version: &str, content: &str) -> PathBuf {
        let folder = self.at(&format!("{name}-{version}"));
        std::fs::create_dir_all(&folder).unwrap();
        let tables = std::fs::read_to_string(self.at("tables")).unwrap();
        let tables = tables.replace("@SHOP@", self.folder.path().to_str().unwrap());
        let config = CONFIG.replace("@NAME@", name).replace("@VERSION@", version) + &tables;
        std::fs::write(folder.join("fitout.toml"), config).unwrap();
        std::fs::write(folder.join("program"), format!("#!/bin/sh\necho {name} {version} {content}\n")).unwrap();
        let (code, _, stderr) = finish(fitout(&folder).args(["build", "-q"]).output().unwrap());
        assert_eq!(code, 0, "{stderr}");
        folder
    }

    /// Builds and publishes.
    pub fn publish(&self, name: &str, version: &str) {
        let folder = self.build(name, version, "");
        publish(&folder, &[]);
    }
}

/// Publishes what was built in a folder; what it said.
pub fn publish(folder: &Path, args: &[&str]) -> String {
    let (code, stdout, stderr) = try_publish(folder, args);
    assert_eq!(code, 0, "{stdout}{stderr}");
    stdout + &stderr
}

/// Publishes into a bucket; exit code, stdout, stderr.
pub fn publish_to(server: &moto::Server, folder: &Path, args: &[&str]) -> (i32, String, String) {
    publish_as(&server.variables(), folder, args)
}

/// The same, to whom these variables say, as whom they say.
pub fn publish_as(variables: &[(&str, String)], folder: &Path, args: &[&str]) -> (i32, String, String) {
    let (code, stdout, stderr) =
        // Variables of other programs: not all that could be one of the store is.
        finish(
            fitout(folder)
                .arg("publish")
                .args(args)
                .envs(variables.iter().cloned())
                .envs([("TOKEN", "of-another"), ("ENDPOINT", "http://127.0.0.1:9"), ("REGION", "nowhere"), ("BUCKET", "x")])
                .output()
                .unwrap(),
        );
    for secret in [moto::SECRET, azurite::SECRET, gcs::SECRET] {
        assert!(!stdout.contains(secret) && !stderr.contains(secret), "{stdout}{stderr}");
    }
    (code, stdout, stderr)
}

/// Exit code, stdout, stderr.
pub fn try_publish(folder: &Path, args: &[&str]) -> (i32, String, String) {
    finish(fitout(folder).arg("publish").args(args).output().unwrap())
}

/// Makes a key without a passphrase: `NAME.asc` is secret, `NAME.pub` is not.
pub fn key(folder: &Path, name: &str) {
    let home = tempfile::Builder::new().prefix("fitout-gpg-").tempdir().unwrap();
    let script = format!(
        "export GNUPGHOME={home}; chmod 700 {home}; \
         gpg -q --batch --passphrase '' --quick-gen-key '{name} <{name}@example.org>' ed25519 sign 2y && \
         gpg -q --batch --armor --export-secret-keys >{folder}/{name}.asc && \
         gpg -q --batch --armor --export >{folder}/{name}.pub; gpgconf --kill all",
        home = home.path().display(),
        folder = folder.display()
    );
    let output = Command::new("sh").args(["-ec", &script]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A web server over a folder, as plain as they come; it ends with the test.
pub struct Server {
    child: Child,
    pub port: u16,
}

impl Server {
    pub fn of(folder: &Path) -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        std::fs::create_dir_all(folder).unwrap();
        let child = Command::new("python3")
            .args(["-m", "http.server", "--bind", "127.0.0.1", "--directory"])
            .arg(folder)
            .arg(port.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let until = Instant::now() + Duration::from_secs(20);
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < until, "the web server does not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { child, port }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Lines of a table, for messages.
pub fn listed(folder: &Path) -> String {
    let mut text = String::new();
    let output = Command::new("find").arg(folder).args(["-type", "f"]).output().unwrap();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let _ = writeln!(text, "{line}");
    }
    text
}
