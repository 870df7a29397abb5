//! Minimal Debian roots: made once by mmdebstrap from the mirror that the machine's own apt is set up with, kept in
//! `$FITOUT_ROOTS` or the folder for temporary files of the target; each test gets an overlay of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use crate::support::{finish, is_root};

/// A root that tests start from.
#[derive(Debug)]
pub struct Suite {
    /// Debian's name of the release.
    pub release: &'static str,
    /// Packages besides the essential ones and apt.
    pub packages: &'static str,
    /// Packages that are not installed and lie in `/var/cache/fitout`.
    pub aside: &'static str,
    made: Mutex<Option<PathBuf>>,
}

impl Suite {
    const fn new(release: &'static str, packages: &'static str, aside: &'static str) -> Self {
        Self { release, packages, aside, made: Mutex::new(None) }
    }
}

/// Debian 12: apt 2.6, systemd 252.
pub static BOOKWORM: Suite = Suite::new("bookworm", "systemd,systemd-sysv,dbus", "systemd-standalone-sysusers");
/// Debian 13: apt 3.0, systemd 257.
pub static TRIXIE: Suite = Suite::new("trixie", "systemd,systemd-sysv,dbus", "systemd-standalone-sysusers");
/// The next Debian: the newest systemd, rpm 6, and the package managers that use it.
pub static TESTING: Suite =
    Suite::new("testing", "systemd,systemd-sysv,dbus,busybox,rpm,dnf5,zypper,gpg,gpg-agent", "");

/// Debian 12 with all that its `rabbitmq-server` and `ejabberd` depend on, and these two aside.
pub static BROKERS: Suite = Suite::new(
    "bookworm",
    "systemd,systemd-sysv,dbus,adduser,debconf,logrotate,lsb-base,openssl,python3,socat,ucf,erlang-asn1,erlang-base,\
     erlang-base64url,erlang-crypto,erlang-eldap,erlang-goldrush,erlang-idna,erlang-inets,erlang-jiffy,erlang-jose,\
     erlang-lager,erlang-mnesia,erlang-odbc,erlang-os-mon,erlang-p1-acme,erlang-p1-cache-tab,erlang-p1-eimp,\
     erlang-p1-mqtree,erlang-p1-pkix,erlang-p1-stringprep,erlang-p1-stun,erlang-p1-tls,erlang-p1-utils,erlang-p1-xml,\
     erlang-p1-xmpp,erlang-p1-yaml,erlang-p1-yconf,erlang-p1-zlib,erlang-parsetools,erlang-public-key,\
     erlang-runtime-tools,erlang-ssl,erlang-syntax-tools,erlang-tools,erlang-unicode-util-compat,erlang-xmerl",
    "rabbitmq-server ejabberd",
);

/// Debian 13 with its Erlang/OTP 27 and Elixir.
pub static ELIXIR: Suite =
    Suite::new("trixie", "elixir,erlang-crypto,erlang-ssl,erlang-runtime-tools,erlang-tools", "");
/// The next Debian with the newest Erlang/OTP that it has.
pub static ERLANG: Suite = Suite::new("testing", "erlang-base", "");
/// Debian 12 with its Erlang, and the same for another architecture aside.
pub static FOREIGN: Suite =
    Suite::new("bookworm", "erlang-base,erlang-crypto", "erlang-base:arm64 erlang-crypto:arm64");

/// Whether roots can be made and entered here; says why not.
pub fn possible() -> bool {
    let mut lacking: Vec<&str> =
        ["mmdebstrap", "unshare", "chroot", "dpkg-scanpackages"].into_iter().filter(|tool| !is_there(tool)).collect();
    if !is_root() {
        lacking.push("root's rights");
    }
    missing(&lacking)
}

/// Names what is missing, and fails where `./test` runs.
pub fn missing(lacking: &[&str]) -> bool {
    let lacking = lacking.join(", ");
    let required = std::env::var_os("FITOUT_REQUIRE_FOREIGN").is_some();
    assert!(lacking.is_empty() || !required, "missing here: {lacking}");
    if !lacking.is_empty() {
        println!("note: missing here: {lacking}; what needs it did not run");
    }
    lacking.is_empty()
}

pub fn is_there(tool: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(tool).is_file())
}

/// The unpacked root of a suite.
fn tree(suite: &Suite) -> PathBuf {
    let mut made = suite.made.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(tree) = &*made {
        return tree.clone();
    }
    let roots = std::env::var_os("FITOUT_ROOTS")
        .map_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).join("roots"), PathBuf::from);
    fs::create_dir_all(&roots).unwrap();
    // Another list of packages is another root.
    let wanted = format!("{} {} {}", suite.release, suite.packages, suite.aside);
    let tree = roots.join(format!("{}-{:08x}", suite.release, crc32fast::hash(wanted.as_bytes())));
    if !tree.is_dir() {
        make(suite, &roots, &tree);
    }
    *made = Some(tree.clone());
    tree
}

fn make(suite: &Suite, roots: &Path, tree: &Path) {
    let unfinished = tempfile::Builder::new().prefix("unfinished-").tempdir_in(roots).unwrap();
    let new = unfinished.path().join("tree");
    let sources = format!("deb {} {} main", mirror(), suite.release);
    let mut command = Command::new("mmdebstrap");
    // A mirror of testing may lag behind its own date.
    command.args(["--quiet", "--variant=minbase", "--aptopt=Acquire::Check-Valid-Until \"false\""]);
    command.arg(format!("--include={}", suite.packages));
    if suite.aside.contains(":arm64") {
        command.arg("--architectures=amd64,arm64");
    }
    if !suite.aside.is_empty() {
        let download = format!(
            "chroot \"$1\" sh -c 'mkdir -p /var/cache/fitout && cd /var/cache/fitout && apt-get -qq -o APT::Sandbox::User=root download {}'",
            suite.aside
        );
        command.arg(format!("--customize-hook={download}"));
    }
    let output = command.arg(suite.release).arg(&new).arg(sources).stdin(Stdio::null()).output().unwrap();
    let (code, _, stderr) = finish(output);
    assert_eq!(code, 0, "mmdebstrap {}: {stderr}", suite.release);
    // Another run of the tests may have been faster.
    if fs::rename(&new, tree).is_err() {
        assert!(tree.is_dir(), "{}", tree.display());
    }
}

/// The mirror of the machine's own apt.
fn mirror() -> String {
    let folder = Path::new("/etc/apt");
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder.join("sources.list.d")).into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.insert(0, folder.join("sources.list"));
    let texts = files.iter().filter_map(|file| fs::read_to_string(file).ok());
    let uris = texts.flat_map(|text| text.lines().filter_map(uri).collect::<Vec<_>>());
    uris.into_iter().find(|uri| uri.trim_end_matches('/').ends_with("/debian")).expect("a Debian mirror in /etc/apt")
}

/// The URI of a line of sources.list(5), in either of its forms.
fn uri(line: &str) -> Option<String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    match *words.first()? {
        "URIs:" => words.get(1).map(|uri| (*uri).to_owned()),
        "deb" => words.iter().find(|word| word.contains("://")).map(|uri| (*uri).to_owned()),
        _ => None,
    }
}

/// A writable root of its own, gone when dropped.
pub struct Root {
    /// Where it is.
    pub path: PathBuf,
    folder: tempfile::TempDir,
    mounted: bool,
}

impl Root {
    /// A fresh one; none if roots cannot be had here.
    pub fn of(suite: &Suite) -> Option<Self> {
        if !possible() {
            return None;
        }
        let tree = tree(suite);
        let folder = tempfile::Builder::new().prefix("fitout-root-").tempdir().unwrap();
        let [path, upper, work] = ["root", "upper", "work"].map(|name| folder.path().join(name));
        for folder in [&path, &upper, &work] {
            fs::create_dir(folder).unwrap();
        }
        let options = format!("lowerdir={},upperdir={},workdir={}", tree.display(), upper.display(), work.display());
        let mount = Command::new("mount").args(["-t", "overlay", "overlay", "-o", &options]).arg(&path).output();
        let mounted = mount.is_ok_and(|output| output.status.success());
        if !mounted {
            // Where the temporary folder is on an overlay itself.
            let copied = Command::new("cp").arg("-a").arg(tree.join(".")).arg(&path).status().unwrap();
            assert!(copied.success(), "cp {}", tree.display());
        }
        Some(Self { path, folder, mounted })
    }

    /// A folder beside the root.
    pub fn beside(&self) -> &Path {
        self.folder.path()
    }

    /// Runs a command in it; exit code, and all that it said.
    pub fn run(&self, words: &[&str]) -> (i32, String) {
        let mut command = Command::new("unshare");
        command.args(["--mount", "--pid", "--fork", "--kill-child"]);
        command.arg(format!("--mount-proc={}", self.path.join("proc").display()));
        command.arg("chroot").arg(&self.path).arg("env").arg("-i").args(ENVIRONMENT).args(words);
        said(&mut command)
    }

    /// Runs a command in it that must succeed; what it said.
    pub fn ok(&self, words: &[&str]) -> String {
        let (code, said) = self.run(words);
        assert_eq!(code, 0, "{words:?}\n{said}");
        said
    }

    /// Runs lines of bash in it that must succeed.
    pub fn sh(&self, script: &str) -> String {
        self.ok(&["bash", "-euo", "pipefail", "-c", script])
    }

    /// The content of a file in it.
    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.at(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Writes a file in it, with this mode.
    pub fn write(&self, path: &str, text: &str, mode: u32) {
        use std::os::unix::fs::PermissionsExt as _;
        fs::create_dir_all(self.at(path).parent().unwrap()).unwrap();
        fs::write(self.at(path), text).unwrap();
        fs::set_permissions(self.at(path), fs::Permissions::from_mode(mode)).unwrap();
    }

    /// Whether something is there, were it a broken link.
    pub fn has(&self, path: &str) -> bool {
        fs::symlink_metadata(self.at(path)).is_ok()
    }

    /// A path of it as the tests see it.
    pub fn at(&self, path: &str) -> PathBuf {
        self.path.join(path.trim_start_matches('/'))
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        if self.mounted {
            let _ = Command::new("umount").arg("--lazy").arg(&self.path).status();
        }
    }
}

/// What commands in a root have around them.
pub const ENVIRONMENT: [&str; 5] = [
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LC_ALL=C.UTF-8",
    "HOME=/root",
    "DEBIAN_FRONTEND=noninteractive",
    "SYSTEMD_PAGER=",
];

/// Exit code, and both outputs, the errors last.
pub fn said(command: &mut Command) -> (i32, String) {
    let (code, stdout, stderr) = finish(command.stdin(Stdio::null()).output().unwrap());
    (code, stdout + &stderr)
}
