//! A project that publishes by HTTP, and servers whose answers a test writes.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use fitout::codec::hex::hex;
use sha2::Digest as _;

use crate::support::http::{Ask, Reply, serve};
use crate::support::{finish, fitout, project, run};

pub const TOKEN: &str = "marked-http-token";

const CONFIG: &str = r#"
[package]
name       = "hello"
version    = "@VERSION@"
summary    = "Is sent in tests"
maintainer = "Ops Team <ops@example.org>"
license    = "MIT"

[build]
preset  = "plain"
formats = ["deb", "rpm"]

[[files]]
from = "program"
to   = "/usr/bin/hello"
mode = "0755"

"#;

/// A project that publishes by HTTP.
pub struct Sender {
    pub folder: tempfile::TempDir,
}

impl Sender {
    pub fn new(version: &str, tables: &str) -> Self {
        let config = CONFIG.replace("@VERSION@", version) + tables;
        let sender = Self { folder: project(&[("fitout.toml", config.as_str()), ("program", "#!/bin/sh\necho 1\n")]) };
        sender.build();
        sender
    }

    pub fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    pub fn build(&self) {
        let (code, _, stderr) = run(self.folder.path(), &["build", "-q"]);
        assert_eq!(code, 0, "{stderr}");
    }

    /// Other bytes of the same name and version.
    pub fn change(&self) {
        fs::write(self.at("program"), "#!/bin/sh\necho 2, which is longer\n").unwrap();
        self.build();
    }

    /// Exit code, and all that was said; the token is nowhere in it, nor in the receipt.
    pub fn publish_as(&self, token: Option<&str>, words: &[&str]) -> (i32, String) {
        let mut command = fitout(self.folder.path());
        command.arg("publish").args(words).env_remove("TOKEN");
        if let Some(token) = token {
            command.env("TOKEN", token);
        }
        let (code, stdout, stderr) = finish(command.output().unwrap());
        let receipt = fs::read_to_string(self.at("dist/receipt.json")).unwrap_or_default();
        let said = stdout + &stderr;
        for secret in [token.unwrap_or(TOKEN).to_owned(), base64(token.unwrap_or(TOKEN))] {
            assert!(!said.contains(&secret) && !receipt.contains(&secret), "{said}{receipt}");
        }
        (code, said)
    }

    pub fn publish(&self, words: &[&str]) -> (i32, String) {
        self.publish_as(Some(TOKEN), words)
    }

    pub fn ok(&self, words: &[&str]) -> String {
        let (code, said) = self.publish(words);
        assert_eq!(code, 0, "{words:?}: {said}");
        said
    }

    pub fn file(&self, suffix: &str) -> (String, Vec<u8>) {
        let path = crate::support::artifact_of(self.folder.path(), suffix);
        (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(path).unwrap())
    }

    pub fn receipt(&self) -> serde_json::Value {
        serde_json::from_slice(&fs::read(self.at("dist/receipt.json")).unwrap()).unwrap()
    }
}

pub fn base64(text: &str) -> String {
    crate::registry_server::base64(text.as_bytes(), false)
}

pub fn sha256(bytes: &[u8]) -> String {
    hex(&sha2::Sha256::digest(bytes))
}

/// What a server holds, and what it was asked.
#[derive(Default)]
pub struct State {
    pub files: BTreeMap<String, Vec<u8>>,
    pub log: Vec<String>,
    pub count: BTreeMap<String, usize>,
}

/// A server whose answers a test writes. It sees the whole body.
#[derive(Clone)]
pub struct Stub {
    pub port: u16,
    pub state: Arc<Mutex<State>>,
}

impl Stub {
    pub fn start(answer: impl Fn(&mut Ask, &mut State) -> Option<Reply> + Send + Sync + 'static) -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let own = Arc::clone(&state);
        let port = serve(move |ask| {
            let mut state = own.lock().unwrap();
            state.log.push(format!("{} {}", ask.method, ask.path));
            answer(ask, &mut state)
        });
        Self { port, state }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn count(&self, what: &str) -> usize {
        self.state.lock().unwrap().log.iter().filter(|line| line.starts_with(what)).count()
    }

    pub fn file(&self, path: &str) -> Option<Vec<u8>> {
        self.state.lock().unwrap().files.get(path).cloned()
    }

    pub fn files(&self) -> Vec<String> {
        self.state.lock().unwrap().files.keys().cloned().collect()
    }
}

/// A plain store: `PUT` keeps, `HEAD` tells the SHA-256, a bearer is asked for.
pub fn plain(ask: &mut Ask, state: &mut State) -> Option<Reply> {
    let body = ask.body(usize::MAX);
    if ask.header("authorization") != format!("Bearer {TOKEN}") {
        let said = format!("{{\"message\":\"no such token: {}\"}}", ask.header("authorization"));
        return Some(Reply::new(401).text(said));
    }
    let path = ask.path.split(['?', ';']).next().unwrap().to_owned();
    Some(match &*ask.method {
        "PUT" if body.len() != ask.length() => return None,
        "PUT" => {
            state.files.insert(path, body);
            Reply::new(201)
        }
        _ => match state.files.get(&path) {
            Some(bytes) => Reply::new(200).with("X-Checksum-Sha256", sha256(bytes)).text(bytes.clone()),
            None => Reply::new(404),
        },
    })
}

/// As [`plain`], for everybody, and without digests.
pub fn plain_of(ask: &mut Ask, state: &mut State) -> Option<Reply> {
    let body = ask.body(usize::MAX);
    let path = ask.path.split('?').next().unwrap().to_owned();
    Some(match &*ask.method {
        "PUT" => {
            state.files.insert(path, body);
            Reply::new(201)
        }
        _ => state.files.get(&path).map_or(Reply::new(404), |bytes| Reply::new(200).text(bytes.clone())),
    })
}

/// The fields of a form; the file under the name of its field, and what it is called under `filename`.
pub fn form(ask: &Ask, body: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let boundary = format!("--{}", ask.header("content-type").split_once("boundary=").unwrap().1);
    let mut fields = BTreeMap::new();
    let mut rest = body;
    let find = |text: &[u8], what: &[u8]| text.windows(what.len()).position(|window| window == what).unwrap();
    loop {
        rest = &rest[find(rest, boundary.as_bytes()) + boundary.len()..];
        if rest.starts_with(b"--\r\n") {
            return fields;
        }
        let head = String::from_utf8_lossy(&rest[..find(rest, b"\r\n\r\n")]).into_owned();
        let value = &rest[head.len() + 4..];
        let end = find(value, format!("\r\n{boundary}").as_bytes());
        let quoted = |key: &str| {
            head.split_once(&format!("{key}=\"")).map(|(_, text)| text.split('"').next().unwrap().to_owned())
        };
        if let Some(file) = quoted("filename") {
            fields.insert("filename".to_owned(), file.into_bytes());
        }
        fields.insert(quoted(" name").unwrap(), value[..end].to_vec());
    }
}
