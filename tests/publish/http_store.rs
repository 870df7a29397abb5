//! Servers that take files by HTTP: what is sent, when it is sent again, what is told of it and what never is.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use fitout::codec::hex::hex;

use crate::http_sender::{Sender, Stub, TOKEN, plain, plain_of, sha256};
use crate::support::http::Reply;

const PLAIN: &str = r#"
[[publish.http]]
url      = "@URL@/files/{name}/{version}/{file}?key={arch}"
token    = { env = "TOKEN" }
insecure = true
check    = { url = "@URL@/files/{name}/{version}/{file}", sha256 = "x-checksum-sha256" }
"#;

#[test]
fn what_is_there_is_not_sent_again_and_other_bytes_are_refused() {
    let stub = Stub::start(plain);
    let sender = Sender::new("1.0.0-rc.1+b5", &PLAIN.replace("@URL@", &stub.url()));
    let plan = sender.ok(&["--dry-run"]);
    assert_eq!(stub.count("PUT"), 0);
    let said = sender.ok(&[]);
    assert!(said.contains("2 objects"), "{said}");
    let (deb, bytes) = sender.file(".deb");
    assert_eq!(stub.file(&format!("/files/hello/1.0.0-rc.1%2Bb5/{}", deb.replace('+', "%2B"))), Some(bytes));
    assert_eq!(stub.count("PUT /files/hello/1.0.0-rc.1%2Bb5/hello_1.0.0~rc.1%2Bb5_all.deb?key=all"), 1);
    let receipt = sender.receipt();
    let puts = receipt["receipts"][0]["puts"].as_array().unwrap();
    for put in puts {
        // What is in a query is not told.
        let key = put["key"].as_str().unwrap();
        assert!(plan.contains(key) && key.starts_with("PUT http://127.0.0.1:") && !key.contains('?'), "{plan}{key}");
    }
    assert_eq!(puts.len(), 2);
    let said = sender.ok(&[]);
    assert!(said.contains("nothing to do, 2 artifacts there already") && stub.count("PUT") == 2, "{said}");

    sender.change();
    let (code, said) = sender.publish(&[]);
    assert!(code == 2 && said.matches("publish/other-bytes").count() == 2 && stub.count("PUT") == 2, "{code}: {said}");
    sender.ok(&["--replace"]);
    assert_eq!(stub.count("PUT"), 4);
    let said = sender.ok(&["--replace"]);
    assert!(said.contains("nothing to do"), "{said}");
}

#[test]
fn a_line_that_breaks_and_a_server_that_is_busy_are_no_end() {
    let stub = Stub::start(|ask, state| {
        let count = state.count.entry(ask.method.clone()).or_default();
        *count += 1;
        match (&*ask.method, *count) {
            // In the middle of the body; behind it, before the answer; a pause that is asked for.
            ("PUT", 1) => {
                ask.body(10);
                None
            }
            ("PUT", 2) => {
                plain(ask, state);
                None
            }
            ("PUT", 3) => {
                ask.body(usize::MAX);
                Some(Reply::new(503))
            }
            ("PUT", 4) => {
                ask.body(usize::MAX);
                Some(Reply::new(429).with("Retry-After", "1"))
            }
            ("HEAD", 2) => None,
            _ => plain(ask, state),
        }
    });
    let sender = Sender::new("1.0.0", &PLAIN.replace("@URL@", &stub.url()));
    let began = Instant::now();
    sender.ok(&[]);
    assert!(began.elapsed() >= Duration::from_secs(1), "{:?}", began.elapsed());
    let (deb, bytes) = sender.file(".deb");
    assert_eq!(stub.file(&format!("/files/hello/1.0.0/{deb}")), Some(bytes));
    assert_eq!(stub.files().len(), 2);
}

#[test]
fn a_refusal_is_told_once_with_what_to_do_and_no_secret() {
    let stub = Stub::start(plain);
    let table = PLAIN.replace("@URL@", &stub.url());
    // The server repeats the token in its answer.
    let unchecked = table.lines().filter(|line| !line.starts_with("check")).collect::<Vec<_>>().join("\n");
    let (code, said) = Sender::new("1.0.0", &unchecked).publish_as(Some("marked-wrong-token"), &[]);
    assert!(code == 2 && said.matches("error[http/wrong-credentials]").count() == 1, "{code}: {said}");
    assert!(
        said.contains("no such token: Bearer ***") && said.contains("help:") && said.contains("status 401"),
        "{said}"
    );
    let sender = Sender::new("1.0.0", &table);
    let (code, said) = sender.publish_as(Some("marked-wrong-token"), &[]);
    assert!(code == 2 && said.matches("error[http/wrong-credentials]").count() == 1, "{code}: {said}");
    assert_eq!(stub.count("HEAD") + stub.count("PUT"), 4, "no 4xx is tried again");
    let (code, said) = sender.publish_as(None, &[]);
    assert!(
        code == 2 && said.contains("error[publish/secret]") && said.contains("`TOKEN` is not set"),
        "{code}: {said}"
    );

    for (status, word) in
        [(403, "http/forbidden"), (404, "http/not-found"), (400, "http/refused"), (401, "http/no-credentials")]
    {
        let stub = Stub::start(move |ask, _| {
            let body = ask.body(usize::MAX);
            assert_eq!(body.len(), ask.length());
            Some(Reply::new(status).text("<html>a page for browsers</html>"))
        });
        let table = format!("[[publish.http]]\nurl = \"{}/{{file}}\"\ninsecure = true\n", stub.url());
        let sender = Sender::new("1.0.0", &table);
        let (code, said) = sender.publish(&["--quiet"]);
        assert!(code == 2 && said.contains(word) && !said.contains("browsers"), "{status}: {code}: {said}");
    }
}

#[test]
fn a_server_that_stays_busy_is_given_up() {
    let stub = Stub::start(|ask, _| {
        ask.body(usize::MAX);
        Some(Reply::new(if ask.method == "HEAD" { 404 } else { 502 }).text("<html>Bad Gateway</html>"))
    });
    let sender = Sender::new(
        "1.0.0",
        &PLAIN.replace("@URL@", &stub.url()).replace(
            "
check",
            "
formats = [\"deb\"]
check",
        ),
    );
    let (code, said) = sender.publish(&[]);
    assert!(code == 3 && said.contains("error[http/failed]") && said.contains("status 502\n"), "{code}: {said}");
    assert_eq!(stub.count("PUT"), 6);
}

#[test]
fn what_stopped_half_way_is_finished_by_the_next_run() {
    let stub = Stub::start(|ask, state| {
        if ask.method == "PUT" && ask.path.contains(".rpm") && state.count.is_empty() {
            // Behind the other one.
            ask.body(usize::MAX);
            std::thread::sleep(Duration::from_millis(1));
            return Some(Reply::new(if state.files.is_empty() { 503 } else { 400 }));
        }
        plain(ask, state)
    });
    let sender = Sender::new("1.0.0", &PLAIN.replace("@URL@", &stub.url()));
    let (code, said) = sender.publish(&[]);
    assert!(code == 4 && said.contains("http/refused") && said.contains("publish/half-way"), "{code}: {said}");
    assert!(!said.contains("readers see"), "{said}");
    stub.state.lock().unwrap().count.insert("mended".into(), 1);
    sender.ok(&[]);
    assert_eq!(stub.files().len(), 2);
    assert_eq!(sender.receipt()["receipts"][0]["same"].as_array().unwrap().len(), 1);
}

/// Everything that the grammar has, written out, with a request behind all artifacts.
#[test]
fn a_table_may_say_all_of_it() {
    let stub = Stub::start(|ask, state| {
        let body = ask.body(usize::MAX);
        assert_eq!((ask.header("x-secret"), ask.header("x-plain")), (TOKEN, "hello 1.0.0"), "{}", ask.path);
        Some(match (&*ask.method, ask.path.split('?').next().unwrap()) {
            ("POST", "/open") => Reply::new(200).text(r#"{"session":{"id":17}}"#),
            ("POST", "/calculate") => {
                assert_eq!(body, br#"{"all":true,"package":"hello"}"#);
                Reply::new(202).text(r#"{"task":"/tasks/9"}"#)
            }
            ("GET", "/tasks/9") => {
                let asked = state.count.entry("tasks".into()).or_default();
                *asked += 1;
                Reply::new(200).text(if *asked < 3 { r#"{"state":"running"}"# } else { r#"{"state":"done"}"# })
            }
            ("PUT", path) if path.starts_with("/17/") => {
                let digests = [
                    ("x-checksum-sha256", sha256(&body)),
                    ("x-checksum-sha1", hex(&<sha1::Sha1 as sha1::Digest>::digest(&body))),
                    ("content-md5", crate::registry_server::base64(&<md5::Md5 as md5::Digest>::digest(&body), false)),
                ];
                for (name, digest) in digests {
                    assert_eq!(ask.header(name), digest);
                }
                state.files.insert(path.to_owned(), body);
                Reply::new(299)
            }
            _ => Reply::new(500),
        })
    });
    let table = r#"
[[publish.http]]
server    = "@URL@"
formats   = ["deb"]
url       = "{server}/{session}/{file}"
headers   = { X-Plain = "{name} {version}", X-Secret = { env = "TOKEN" } }
checksums = ["X-Checksum-Sha256", "X-Checksum-Sha1", "Content-MD5"]
success   = [299]
insecure  = true

[[publish.http.before]]
url  = "{server}/open"
take = { session = "/session/id" }

[[publish.http.after]]
url  = "{server}/calculate"
json = { package = "{name}", all = "true" }
take = { task = "/task" }
poll = { url = "{server}{task}", state = "/state", done = ["done"], failed = ["failed"], every = "50ms", within = "20s" }
"#;
    let sender = Sender::new("1.0.0", &table.replace("@URL@", &stub.url()));
    let plan = sender.ok(&["--dry-run"]);
    assert!(plan.contains("/{session}/hello_1.0.0_all.deb") && plan.contains("/calculate"), "{plan}");
    sender.ok(&[]);
    assert_eq!(stub.files(), ["/17/hello_1.0.0_all.deb"]);
    let log = stub.state.lock().unwrap().log.join("\n");
    assert!(
        log.starts_with("POST /open\nPUT /17/")
            && log.ends_with("/calculate\nGET /tasks/9\nGET /tasks/9\nGET /tasks/9"),
        "{log}"
    );
    let puts = sender.receipt()["receipts"][0]["puts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|put| put["what"].clone())
        .collect::<Vec<_>>();
    assert_eq!(puts, ["request", "artifact", "request"]);
}

/// A token goes to the server that it is for, and to no other that an answer leads to.
#[test]
fn a_token_does_not_go_along_to_another_host() {
    let other = Stub::start(|ask, state| {
        assert!(ask.header("authorization").is_empty() && ask.header("x-token").is_empty(), "{:?}", ask.headers);
        plain_of(ask, state)
    });
    let to = other.url();
    let stub = Stub::start(move |ask, _| {
        assert_eq!(ask.header("x-token"), TOKEN);
        ask.body(usize::MAX);
        Some(Reply::new(307).with("Location", format!("{to}{}", ask.path)))
    });
    let table = format!(
        "[[publish.http]]\nurl = \"{0}/{{file}}\"\ntoken = {{ env = \"TOKEN\" }}\ntoken-header = \"X-Token\"\ninsecure = true\ncheck = {{ url = \"{0}/{{file}}\", bytes = \"{0}/{{file}}\" }}\n",
        stub.url()
    );
    let sender = Sender::new("1.0.0", &table);
    sender.ok(&[]);
    assert_eq!(other.files().len(), 2);
    assert!(sender.ok(&[]).contains("nothing to do"));
    let (_, bytes) = sender.file(".deb");
    assert_eq!(other.file("/hello_1.0.0_all.deb"), Some(bytes));
}

const SECURE: &str = r"
import http.server, ssl, sys
files = {}
class H(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def log_message(self, *a): pass
    def say(self, code):
        self.send_response(code); self.send_header('Content-Length', '0'); self.end_headers()
    def do_PUT(self):
        files[self.path] = self.rfile.read(int(self.headers['Content-Length'])); self.say(201)
    def do_HEAD(self): self.say(404)
s = http.server.ThreadingHTTPServer(('127.0.0.1', 0), H)
c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); c.load_cert_chain('cert.pem', 'key.pem')
s.socket = c.wrap_socket(s.socket, server_side=True)
open('port', 'w').write(str(s.server_address[1]))
s.serve_forever()
";

#[test]
fn a_certificate_of_ones_own_is_trusted_where_the_config_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"])
        .args([
            "-subj",
            "/CN=127.0.0.1",
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            "-addext",
            "basicConstraints=critical,CA:FALSE",
            "-keyout",
            "key.pem",
            "-out",
            "cert.pem",
        ])
        .current_dir(&folder)
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    let mut server =
        Command::new("python3").args(["-c", SECURE]).current_dir(&folder).stderr(Stdio::null()).spawn().unwrap();
    let port = wait_for(&folder.path().join("port"));
    let table = |more: &str| {
        format!(
            "[[publish.http]]\nurl = \"https://127.0.0.1:{port}/{{file}}\"\ntoken = {{ env = \"TOKEN\" }}\n{more}\n"
        )
    };
    let (code, said) = Sender::new("1.0.0", &table("")).publish(&[]);
    let cert = folder.path().join("cert.pem").display().to_string();
    let trusted = Sender::new("1.0.0", &table(&format!("ca = \"{cert}\"")));
    let (good, says) = trusted.publish(&[]);
    let _ = server.kill();
    let _ = server.wait();
    assert!(code == 2 && said.contains("http/certificate") && said.contains("ca = "), "{code}: {said}");
    assert_eq!(good, 0, "{says}");

    // Without TLS nothing is sent that the config does not allow.
    let stub = Stub::start(plain);
    let table = PLAIN.replace("@URL@", &stub.url()).replace("insecure = true", "");
    let (code, said) = Sender::new("1.0.0", &table).publish(&[]);
    assert!(code == 2 && said.contains("http/certificate") && stub.count("") == 0, "{code}: {said}");
}

fn wait_for(path: &Path) -> String {
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        match fs::read_to_string(path) {
            Ok(text) if !text.is_empty() => return text,
            _ => assert!(Instant::now() < until, "the server does not start"),
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
