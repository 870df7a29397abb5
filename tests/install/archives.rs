//! Archives of the case `service`, in several versions: what is unpacked and installed without a package manager.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::support::{artifact_of, copy_tree, root, run};

/// A project made from the case `service`, on a port of its own.
pub struct Project {
    holder: tempfile::TempDir,
    /// Where its service answers.
    pub port: u16,
}

/// A port that nobody listens on.
pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Project {
    /// A copy of the case.
    pub fn new() -> Self {
        let holder = tempfile::tempdir().unwrap();
        copy_tree(&root().join("tests/golden/cases/service"), &holder.path().join("project"));
        let project = Self { holder, port: free_port() };
        for file in ["fitout.toml", "conf/env", "conf/greeter.conf.in"] {
            project.replace(file, "18080", &project.port.to_string());
        }
        // What runs in the hosts of the tests is made for any.
        project.replace(
            "fitout.toml",
            "formats = [\"deb\", \"rpm\", \"tarball\", \"zip\"]",
            "formats = [\"tarball\", \"zip\"]",
        );
        project
    }

    /// Its folder.
    pub fn folder(&self) -> PathBuf {
        self.holder.path().join("project")
    }

    /// Changes a file.
    pub fn replace(&self, file: &str, from: &str, to: &str) {
        let path = self.folder().join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from) || from == "18080", "{file}: {from}");
        fs::write(path, text.replace(from, to)).unwrap();
    }

    /// Adds lines to a file.
    pub fn append(&self, file: &str, lines: &str) {
        let path = self.folder().join(file);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(path, text + lines).unwrap();
    }

    /// Builds it as this version, whose page tells the version, and gives the tarball.
    pub fn tarball(&self, version: &str) -> PathBuf {
        self.built(version, ".tar.gz")
    }

    /// The same as a zip.
    pub fn zip(&self, version: &str) -> PathBuf {
        self.built(version, ".zip")
    }

    /// The same as an rpm.
    pub fn rpm(&self, version: &str) -> PathBuf {
        self.built(version, ".rpm")
    }

    fn built(&self, version: &str, suffix: &str) -> PathBuf {
        let config = self.folder().join("fitout.toml");
        let text = fs::read_to_string(&config).unwrap();
        let line = text.lines().find(|line| line.starts_with("version = ")).unwrap();
        fs::write(&config, text.replacen(line, &format!("version = \"{version}\""), 1)).unwrap();
        fs::write(self.folder().join("app/www/index.html"), format!("version {version}\n")).unwrap();
        fs::write(self.folder().join("CHANGELOG.md"), format!("# Changes\n## {version} - 2023-11-14\n- It greets.\n"))
            .unwrap();
        let _ = fs::remove_dir_all(self.folder().join("dist"));
        let (code, _, stderr) = run(&self.folder(), &["build"]);
        assert_eq!(code, 0, "{stderr}");
        let kept = self.holder.path().join(format!("greeter-{version}{suffix}"));
        fs::copy(artifact_of(&self.folder(), suffix), &kept).unwrap();
        kept
    }
}

/// Unpacks a tarball into a folder, without the folder in it.
pub fn unpack(tarball: &Path, folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    let status =
        Command::new("tar").arg("-xzf").arg(tarball).arg("-C").arg(folder).arg("--strip-components=1").status();
    assert!(status.unwrap().success());
}

/// Standard output and error of a command, and its exit code.
pub fn said(output: Output) -> (i32, String) {
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    (output.status.code().unwrap_or(-1), text)
}
