//! A root that holds nothing but busybox, for install.sh of archives.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::archives::{Project, said, unpack};
use crate::launcher::page;
use crate::support::{is_root, tool};

/// A root with busybox.
pub struct Host {
    holder: tempfile::TempDir,
    pub project: Project,
}

/// Mounts what programs expect, where only this command and what it starts see it; then runs a script in the root.
const ENTER: &str = "mount -t proc proc \"$1/proc\"; for device in null zero urandom; do \
    mount --bind \"/dev/$device\" \"$1/dev/$device\"; done; \
    exec chroot \"$1\" /bin/busybox env -i PATH=/bin:/usr/local/bin /bin/sh -eu -c \"$2\"";

impl Host {
    /// A new root; none where the tests may not make one.
    pub fn new() -> Option<Self> {
        if !is_root() {
            println!("note: not root, install.sh was not run");
            return None;
        }
        let busybox = PathBuf::from(tool("sh", &["-c", "command -v busybox"])?.trim());
        tool("unshare", &["--version"])?;
        let host = Self { holder: tempfile::tempdir().unwrap(), project: Project::new() };
        let root = host.root();
        for folder in ["bin", "dev", "etc", "proc", "root", "run", "tmp", "usr/bin", "var/log", "lib", "lib64"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        fs::copy(&busybox, root.join("bin/busybox")).unwrap();
        // Debian has it with and without shared libraries.
        let libraries = Command::new("ldd").arg(&busybox).output().unwrap().stdout;
        for library in String::from_utf8(libraries).unwrap().split_whitespace().filter(|word| word.starts_with('/')) {
            let to = root.join(library.trim_start_matches('/'));
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::copy(library, to).unwrap();
        }
        for device in ["null", "zero", "urandom"] {
            fs::write(root.join("dev").join(device), "").unwrap();
        }
        // The last line has no end, as after an editor of an administrator.
        fs::write(root.join("etc/passwd"), "root:x:0:0:root:/root:/bin/sh").unwrap();
        fs::write(root.join("etc/group"), "root:x:0:\nadm:x:4:root\n").unwrap();
        let installed = Command::new("chroot").arg(&root).args(["/bin/busybox", "--install", "-s", "/bin"]).status();
        assert!(installed.unwrap().success());
        Some(host)
    }

    pub fn root(&self) -> PathBuf {
        self.holder.path().join("root")
    }

    pub fn enter(&self, script: &str) -> Command {
        let mut command = Command::new("unshare");
        command.args(["--mount", "--propagation=private", "sh", "-eu", "-c", ENTER, "sh"]);
        command.arg(self.root()).arg(script).stdin(Stdio::null());
        command
    }

    pub fn sh(&self, script: &str) -> (i32, String) {
        said(self.enter(script).output().unwrap())
    }

    /// Builds a version and unpacks it in the root.
    pub fn unpack(&self, version: &str) {
        unpack(&self.project.tarball(version), &self.root().join("tmp").join(version));
    }

    /// Runs the install.sh of a version.
    pub fn install(&self, version: &str, arguments: &str) -> (i32, String) {
        self.sh(&format!("/tmp/{version}/install.sh {arguments}"))
    }

    pub fn page(&self) -> Option<String> {
        page(self.project.port)
    }

    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.root().join(path)).unwrap_or_default()
    }

    pub fn has(&self, path: &str) -> bool {
        self.root().join(path).symlink_metadata().is_ok()
    }

    pub fn current(&self) -> Option<String> {
        fs::read_link(self.root().join("opt/greeter/current")).ok().map(|link| link.display().to_string())
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.sh("/opt/greeter/current/usr/bin/greeter stop");
    }
}
