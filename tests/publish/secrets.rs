//! One run to every kind of destination with secrets that are marked: nothing that it says, leaves, sends or starts has them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::registry_server::{Mode, PASSWORD, Registry, base64, login};
use crate::shop::{Shop, listed};
use crate::support::http::{Reply, serve};
use crate::support::{finish, fitout, moto};

const PASSPHRASE: &str = "marked-passphrase";
const TOKEN: &str = "marked-http-token";
const WORD: &str = "marked-command-word";

const TABLES: &str = r#"
[sign]
keys       = [{ env = "SHOP_KEY" }]
passphrase = { env = "SHOP_PASSPHRASE" }
deb        = true

[[publish.apt]]
to  = "s3://bucket/apt"
url = "https://packages.example.org/apt"

[[publish.yum]]
to  = "file:@SHOP@/yum"
url = "https://packages.example.org/yum"

[[publish.files]]
to = "file:@SHOP@/downloads"

[[publish.registry]]
image    = "@IMAGE@"
insecure = true

[[publish.http]]
url      = "http://127.0.0.1:@HTTP@/{file}"
insecure = true
token    = { env = "SHOP_TOKEN" }

[[publish.command]]
run = ["sh", "-c", "test -n \"$WORD\" && cp \"$1\" @SHOP@/copied && echo \"took $WORD\"; exit @CODE@", "sh", "{path}"]
env = { WORD = { env = "SHOP_WORD" } }
"#;

/// Looks at what runs on this machine, as anybody on it may.
struct Watcher {
    stop: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<BTreeSet<String>>,
}

impl Watcher {
    fn start(marks: Vec<String>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut seen = BTreeSet::new();
            while !told.load(Ordering::Relaxed) {
                for entry in fs::read_dir("/proc").unwrap().flatten() {
                    let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
                    let line = String::from_utf8_lossy(&line).into_owned();
                    seen.extend(marks.iter().filter(|mark| line.contains(*mark)).map(|mark| format!("{mark}: {line}")));
                }
                std::thread::sleep(Duration::from_millis(2));
            }
            seen
        });
        Self { stop, thread }
    }

    fn seen(self) -> BTreeSet<String> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

/// A secret key with a passphrase, armored.
fn key(folder: &Path) -> String {
    let home = tempfile::Builder::new().prefix("fitout-gpg-").tempdir().unwrap();
    let script = format!(
        "export GNUPGHOME={home}; chmod 700 {home}; echo {PASSPHRASE} >{home}/word; \
         gpg='gpg -q --batch --pinentry-mode loopback --passphrase-file {home}/word'; \
         $gpg --quick-gen-key 'key <key@example.org>' ed25519 sign 2y; $gpg --armor --export-secret-keys; \
         $gpg --armor --export >{folder}/key.pub; gpgconf --kill all",
        home = home.path().display(),
        folder = folder.display()
    );
    let output = Command::new("sh").args(["-ec", &script]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Every file below a folder that has one of the marks.
fn marked(folder: &Path, marks: &[String]) -> Vec<PathBuf> {
    let has = |path: &PathBuf| {
        let bytes = fs::read(path).unwrap_or_default();
        marks.iter().any(|mark| bytes.windows(mark.len()).any(|window| window == mark.as_bytes()))
    };
    listed(folder).lines().map(PathBuf::from).filter(has).collect()
}

#[test]
fn no_secret_is_told_left_or_shown() {
    let Some(registry) = Registry::start(&Mode::Passwords) else { return };
    let Some(server) = moto::Server::start() else { return };
    let asked = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&asked);
    let http = serve(move |ask| {
        ask.body(usize::MAX);
        seen.fetch_or(ask.header("authorization").contains(TOKEN), Ordering::Relaxed);
        Some(Reply::new(201))
    });
    let tables = TABLES.replace("@HTTP@", &http.to_string()).replace("@IMAGE@", &registry.image("team/app"));
    let shop = Shop::new(&tables.replace("@CODE@", "0"));
    let armored = key(shop.folder.path());
    let line = armored.lines().filter(|line| line.len() > 60).nth(1).unwrap().to_owned();
    let basic = base64(format!("somebody:{PASSWORD}").as_bytes(), false);
    let marks: Vec<String> =
        [moto::SECRET, PASSWORD, PASSPHRASE, TOKEN, WORD, &line, &basic].map(str::to_owned).to_vec();
    login(&shop.at("home/.docker"), &format!("127.0.0.1:{}", registry.port), PASSWORD);
    fs::create_dir_all(shop.at("tmp")).unwrap();
    let run = |folder: &Path, words: &[&str]| {
        let mut command = fitout(folder);
        command.args(words).envs(server.variables()).env_remove("REGISTRY_AUTH_FILE").env_remove("XDG_RUNTIME_DIR");
        command
            .env("HOME", shop.at("home"))
            .env("DOCKER_CONFIG", shop.at("home/.docker"))
            .env("TMPDIR", shop.at("tmp"));
        command.env("XDG_CACHE_HOME", shop.at("cache")).env("SHOP_KEY", &armored).env("SHOP_PASSPHRASE", PASSPHRASE);
        let answer = finish(command.env("SHOP_TOKEN", TOKEN).env("SHOP_WORD", WORD).output().unwrap());
        let said = format!("{}{}", answer.1, answer.2);
        assert!(!marks.iter().any(|mark| said.contains(mark)), "{words:?}: {said}");
        (answer.0, said)
    };
    let folder = shop.build("hello", "1.0.0", "");
    let config = fs::read_to_string(folder.join("fitout.toml")).unwrap();
    fs::write(folder.join("fitout.toml"), config.replace(r#"["deb", "rpm"]"#, r#"["deb", "rpm", "oci", "tarball"]"#))
        .unwrap();
    let watcher = Watcher::start(marks.clone());
    let all = ["publish", "--dry-run"];
    for words in [&["build", "-v"][..], &all, &["publish", "-v"], &["publish", "--json"], &["keys", "show"]] {
        let (code, said) = run(&folder, words);
        assert_eq!(code, 0, "{words:?}: {said}");
    }
    for words in [&["repo", "verify"][..], &["repo", "list"], &["repo", "prune"]] {
        let (code, said) = run(&folder, words);
        assert_eq!(code, 0, "{words:?}: {said}");
    }
    // What fails tells why, and what programs and servers said of it.
    let failing = fs::read_to_string(folder.join("fitout.toml")).unwrap().replace("exit 0", "exit 3");
    fs::write(folder.join("fitout.toml"), failing.replace("s3://bucket", "s3://nowhere")).unwrap();
    let (code, said) = run(&folder, &["publish", "-v"]);
    assert!(code != 0 && said.contains("took ") && said.contains("store/no-bucket"), "{code}: {said}");
    let shown = watcher.seen();
    assert!(shown.is_empty(), "{shown:?}");
    assert!(asked.load(Ordering::Relaxed) && shop.at("copied").is_file(), "the secrets were never used");
    // What was left here, and what was sent.
    assert_eq!(marked(shop.folder.path(), &marks), [shop.at("home/.docker/config.json")]);
    assert_eq!(marked(&registry.folder.path().join("store"), &marks), [] as [PathBuf; 0]);
    assert!(server.objects().len() > 10, "{:?}", server.objects());
    for object in server.objects() {
        let object = server.ask("GET", &format!("/bucket/{object}"), b"");
        assert!(!marks.iter().any(|mark| object.contains(mark)), "{object}");
    }
}
