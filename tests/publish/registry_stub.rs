//! Registries as they are met elsewhere: chunks that are cut off or lost, mounts that are refused, haste that is punished, lines that
//! break, tokens that end in the middle, referrers with and without a list.

use std::collections::BTreeMap;
use std::fs;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use fitout::codec::hex::hex;
use fitout::store::registry::{Repository, Settings, open};
use fitout::store::{Body, Kind, Place, Variables, When};
use sha2::Digest as _;

use crate::registry::{Dock, table};
use crate::registry_server::{PASSWORD, base64, login};
use crate::support::http::{Ask, Reply, serve};

#[derive(Default)]
struct State {
    blobs: BTreeMap<String, Vec<u8>>,
    manifests: BTreeMap<String, Vec<u8>>,
    sessions: BTreeMap<String, Vec<u8>>,
    /// Method and path of all that was asked.
    log: Vec<String>,
}

/// What a registry does otherwise; nothing where it does as all do.
type Quirk = dyn Fn(&mut Ask, &mut State, usize) -> Option<Option<Reply>> + Send + Sync;

#[derive(Clone)]
struct Stub {
    port: u16,
    state: Arc<Mutex<State>>,
}

impl Stub {
    /// The quirk sees each request with its number, from 1.
    fn start(quirk: impl Fn(&mut Ask, &mut State, usize) -> Option<Option<Reply>> + Send + Sync + 'static) -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let quirk: Box<Quirk> = Box::new(quirk);
        let own = Arc::clone(&state);
        let port = serve(move |ask| {
            let mut state = own.lock().unwrap();
            state.log.push(format!("{} {}", ask.method, ask.path));
            let count = state.log.len();
            match quirk(ask, &mut state, count) {
                Some(reply) => reply,
                None => Some(plain(ask, &mut state)),
            }
        });
        Self { port, state }
    }

    fn dock(&self, more: &str) -> Dock {
        let dock = Dock::new(&table(&format!("127.0.0.1:{}/team/app", self.port), &format!("insecure = true\n{more}")));
        dock.build("1.0.0");
        dock
    }

    fn count(&self, what: &str) -> usize {
        self.state.lock().unwrap().log.iter().filter(|line| line.starts_with(what)).count()
    }

    fn has(&self, tag: &str) -> bool {
        self.state.lock().unwrap().manifests.contains_key(tag)
    }

    fn place(&self) -> Box<dyn Place> {
        let repository = Repository::parse(&format!("127.0.0.1:{}/team/app", self.port)).unwrap();
        let settings =
            Settings { repository, insecure: true, ca: None, mount_from: Vec::new(), chunk: None, only_pulls: false };
        open(&settings, &Variables::new()).unwrap()
    }
}

fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex(&sha2::Sha256::digest(bytes)))
}

/// As the specification has it.
fn plain(ask: &mut Ask, state: &mut State) -> Reply {
    let body = ask.body(usize::MAX);
    let path = ask.path.split('?').next().unwrap().to_owned();
    let key = path.strip_prefix("/v2/team/app/").unwrap_or_default();
    match (&*ask.method, key.split_once('/')) {
        ("POST", Some(("blobs", "uploads/"))) => {
            let id = format!("{}", state.log.len());
            state.sessions.insert(id.clone(), Vec::new());
            // Relative, with a query of its own.
            Reply::new(202).with("Location", format!("/v2/team/app/blobs/uploads/{id}?_state=a%2Fb"))
        }
        ("PATCH", Some(("blobs", upload))) => {
            let id = upload.strip_prefix("uploads/").unwrap();
            let Some(session) = state.sessions.get_mut(id) else { return Reply::new(404) };
            assert_eq!(ask.header("content-range"), format!("{}-{}", session.len(), session.len() + body.len() - 1));
            session.extend(body);
            Reply::new(202).with("Location", ask.path.clone()).with("Range", format!("0-{}", session.len() - 1))
        }
        ("PUT", Some(("blobs", upload))) => {
            let id = upload.strip_prefix("uploads/").unwrap();
            // As it was given, not written anew.
            assert!(ask.path.contains("?_state=a%2Fb&"), "{}", ask.path);
            let Some(mut session) = state.sessions.remove(id) else { return Reply::new(404) };
            session.extend(body);
            let digest = digest(&session);
            if ask.query("digest").as_ref() != Some(&digest) {
                return Reply::new(400).text(r#"{"errors":[{"code":"DIGEST_INVALID","message":"other bytes"}]}"#);
            }
            state.blobs.insert(digest.clone(), session);
            Reply::new(201).with("Docker-Content-Digest", digest)
        }
        ("PUT", Some(("manifests", reference))) => {
            let digest = digest(&body);
            state.manifests.insert(reference.to_owned(), body.clone());
            state.manifests.insert(digest.clone(), body);
            Reply::new(201).with("Docker-Content-Digest", digest)
        }
        ("HEAD" | "GET", Some((kind, name))) => {
            let found = if kind == "blobs" { state.blobs.get(name) } else { state.manifests.get(name) };
            let Some(bytes) = found else { return Reply::new(404) };
            let length = bytes.len().to_string();
            Reply::new(200)
                .with("Docker-Content-Digest", digest(bytes))
                .with("Content-Length", length)
                .text(bytes.clone())
        }
        _ => Reply::new(404),
    }
}

/// 5 MiB that no compression makes smaller.
fn large(dock: &Dock) {
    let mut state = 7_u64;
    let noise = std::iter::repeat_with(move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    });
    fs::write(dock.at("program"), noise.take(5 << 20).collect::<Vec<u8>>()).unwrap();
    dock.build("1.0.0");
}

#[test]
fn chunks_go_where_they_are_asked_for_and_the_registry_is_watched() {
    // One that stops at 4 MiB of a request.
    let small = |ask: &mut Ask, _: &mut State, _: usize| {
        (ask.length() > 4 << 20).then(|| {
            ask.body(usize::MAX);
            Some(Reply::new(413))
        })
    };
    let stub = Stub::start(small);
    let dock = stub.dock("");
    large(&dock);
    let (code, said) = dock.run(&["publish"]);
    assert!(matches!(code, 2 | 4) && said.contains("registry/refused") && said.contains("413"), "{code}: {said}");
    let stub = Stub::start(small);
    let dock = stub.dock("chunk = 2");
    large(&dock);
    dock.ok(&["publish"]);
    assert!(stub.count("PATCH") == 2 && stub.has("latest"), "{}", stub.count("PATCH"));
    // One that says yes to every chunk and keeps the first.
    let stub = Stub::start(|ask, _, _| {
        (ask.method == "PATCH").then(|| {
            ask.body(usize::MAX);
            Some(Reply::new(202).with("Location", ask.path.clone()).with("Range", "0-2097151"))
        })
    });
    let dock = stub.dock("chunk = 2");
    large(&dock);
    let (code, said) = dock.run(&["publish"]);
    assert!(matches!(code, 2 | 4) && said.contains("leave `chunk` out"), "{code}: {said}");
    // In one piece it takes all.
    let dock = stub.dock("");
    large(&dock);
    dock.ok(&["publish"]);
}

#[test]
fn a_mount_that_is_refused_is_an_upload() {
    for status in [401, 404, 405] {
        let stub = Stub::start(move |ask, _, _| {
            let mount = ask.method == "POST" && ask.path.contains("mount=");
            mount.then(|| Some(Reply::new(status).text(r#"{"errors":[{"code":"UNAUTHORIZED","message":"project"}]}"#)))
        });
        stub.dock("mount-from = [\"base/image\"]").ok(&["publish"]);
        assert!(stub.count("POST /v2/team/app/blobs/uploads/?mount=sha256:") == 3 && stub.has("latest"));
    }
    // 202: it is not there, and the session is as good as any.
    let stub = Stub::start(|_, _, _| None);
    let dock = stub.dock("mount-from = [\"base/image\"]");
    dock.ok(&["publish"]);
    assert_eq!(stub.count("POST"), 3);
}

#[test]
fn a_registry_that_does_not_tell_what_is_there_is_sent_all() {
    for status in [401, 403, 405] {
        let stub = Stub::start(move |ask, _, _| (ask.method == "HEAD").then(|| Some(Reply::new(status))));
        stub.dock("").ok(&["publish"]);
        assert!(stub.has("latest"), "{status}");
    }
}

#[test]
fn a_pause_that_is_asked_for_is_kept() {
    let stub = Stub::start(|ask, _, count| {
        (count % 7 == 3).then(|| {
            ask.body(usize::MAX);
            Some(Reply::new(429).with("Retry-After", "1"))
        })
    });
    let dock = stub.dock("");
    let began = Instant::now();
    dock.ok(&["publish"]);
    assert!(began.elapsed().as_secs_f64() >= 1.0 && stub.has("latest"), "{:?}", began.elapsed());
}

#[test]
fn a_line_that_breaks_is_no_end() {
    // In the middle of a blob, behind it before the answer, and before an answer to anything else.
    let cut = Mutex::new(BTreeMap::<&str, usize>::new());
    let stub = Stub::start(move |ask, state, _| {
        let kind = match (&*ask.method, ask.path.contains("/blobs/uploads/")) {
            ("PUT", true) => "blob",
            ("PUT", false) => "manifest",
            ("POST", _) => "post",
            _ => "look",
        };
        let mut cut = cut.lock().unwrap();
        let count = cut.entry(kind).or_default();
        *count += 1;
        match (kind, *count) {
            ("blob", 1) => {
                ask.body(10);
                Some(None)
            }
            ("blob", 3) => {
                plain(ask, state);
                Some(None)
            }
            ("blob", 4) => {
                ask.body(usize::MAX);
                Some(Some(Reply::new(503)))
            }
            ("manifest" | "post" | "look", 2) => Some(None),
            _ => None,
        }
    });
    let dock = stub.dock("");
    dock.ok(&["publish"]);
    assert!(stub.has("latest") && stub.has("1.0.0"));
    assert!(dock.ok(&["publish"]).contains("nothing to do"));
}

#[test]
fn a_push_that_stops_half_way_says_so_and_goes_on() {
    let broken = Arc::new(Mutex::new(true));
    let own = Arc::clone(&broken);
    let stub = Stub::start(move |ask, _, _| {
        let refused = ask.method == "PUT" && ask.path.contains("/manifests/") && *own.lock().unwrap();
        refused.then(|| {
            ask.body(usize::MAX);
            let text = "{\"errors\":[{\"code\":\"MANIFEST_INVALID\",\"message\":\"quota \\u001b[31m\"}]}";
            Some(Reply::new(400).text(text))
        })
    });
    let dock = stub.dock("");
    let (code, said) = dock.run(&["publish"]);
    assert!(code == 4 && said.contains("MANIFEST_INVALID: quota  [31m") && said.contains("publish/half-way"), "{said}");
    assert!(!stub.has("latest"));
    *broken.lock().unwrap() = false;
    let sent = stub.count("POST");
    dock.ok(&["publish"]);
    assert!(stub.has("latest") && stub.count("POST") == sent, "blobs were sent twice");
}

#[test]
fn other_bytes_than_were_sent_are_an_error() {
    let stub = Stub::start(|ask, _, _| {
        let tag = ask.method == "PUT" && ask.path.ends_with("/manifests/1.0.0");
        tag.then(|| {
            ask.body(usize::MAX);
            Some(Reply::new(201).with("Docker-Content-Digest", digest(b"another")))
        })
    });
    let (code, said) = stub.dock("").run(&["publish"]);
    assert!(code == 4 && said.contains("registry/refused") && said.contains(&digest(b"another")), "{code}: {said}");
}

#[test]
fn a_token_that_ends_in_the_middle_is_renewed() {
    // Each is good for three requests, whatever it says; who asks by POST has an identity token.
    let (given, used) = (Arc::new(Mutex::new(0)), Mutex::new(BTreeMap::<String, usize>::new()));
    let count = Arc::clone(&given);
    let stub = Stub::start(move |ask, state, _| {
        if ask.path.starts_with("/token") {
            let form = String::from_utf8(ask.body(usize::MAX)).unwrap();
            let right = form.contains(&format!("refresh_token={PASSWORD}"))
                && form.contains("grant_type=refresh_token")
                && form.contains("scope=repository:team/app:pull,push");
            if !right {
                return Some(Some(Reply::new(401)));
            }
            *count.lock().unwrap() += 1;
            let token = format!("t{}", *count.lock().unwrap());
            return Some(Some(Reply::new(200).text(format!(r#"{{"access_token":"{token}","expires_in":300}}"#))));
        }
        let token = ask.header("authorization").to_owned();
        let mut used = used.lock().unwrap();
        let times = used.entry(token.clone()).or_default();
        *times += 1;
        (!token.starts_with("Bearer t") || *times > 3).then(|| {
            ask.body(usize::MAX);
            let realm = format!("http://{}/token", ask.header("host"));
            state.log.push("refused".to_owned());
            Some(Reply::new(401).with("WWW-Authenticate", format!("Bearer realm=\"{realm}\",service=\"s\"")))
        })
    });
    let dock = stub.dock("");
    let host = format!("127.0.0.1:{}", stub.port);
    login(&dock.at("login"), &host, "x");
    let entry =
        format!(r#"{{"auths":{{"{host}":{{"auth":"{}","identitytoken":"{PASSWORD}"}}}}}}"#, base64(b"<token>:", false));
    fs::write(dock.at("login/config.json"), entry).unwrap();
    dock.ok(&["publish"]);
    assert!(stub.has("latest") && *given.lock().unwrap() >= 3, "{}", given.lock().unwrap());
}

#[test]
fn what_refers_to_an_image_is_found_with_and_without_a_list() {
    let manifest = |mark: &str| {
        serde_json::json!({
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "artifactType": "application/x",
            "config": { "mediaType": "application/vnd.oci.empty.v1+json", "digest": digest(b"{}"), "size": 2 }, "layers": [],
            "subject": { "mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest(b"image"), "size": 5 },
            "annotations": { "mark": mark },
        })
        .to_string()
        .into_bytes()
    };
    let kind = Kind { content_type: "application/vnd.oci.image.manifest.v1+json", immutable: true, sha256: None };
    let put = |place: &dyn Place, bytes: &[u8]| {
        place.put(&format!("manifests/{}", digest(bytes)), &Body::Bytes(bytes.into()), &kind, &When::Absent).unwrap();
    };
    let tag = digest(b"image").replace(':', "-");
    let stub = Stub::start(|_, _, _| None);
    let place = stub.place();
    for mark in ["a", "b", "a"] {
        put(&*place, &manifest(mark));
    }
    let index: serde_json::Value = serde_json::from_slice(&stub.state.lock().unwrap().manifests[&tag]).unwrap();
    let list: Vec<_> =
        index["manifests"].as_array().unwrap().iter().map(|m| (&m["annotations"]["mark"], &m["digest"])).collect();
    assert_eq!(list, [(&"a".into(), &digest(&manifest("a")).into()), (&"b".into(), &digest(&manifest("b")).into())]);
    assert_eq!(index["manifests"][0]["artifactType"], "application/x");
    // One that keeps the list says so.
    let stub = Stub::start(|ask, state, _| {
        (ask.method == "PUT").then(|| Some(plain(ask, state).with("OCI-Subject", digest(b"image"))))
    });
    put(&*stub.place(), &manifest("a"));
    assert!(!stub.has(&tag));
}

#[test]
fn why_it_does_not_go_is_told() {
    let refusal = |status: u16, more: &'static str| {
        let stub = Stub::start(move |ask, _, _| (ask.method == "POST").then(|| Some(Reply::new(status).text(more))));
        stub.dock("").run(&["publish"])
    };
    let (code, said) = refusal(403, r#"{"errors":[{"code":"DENIED","message":"no packages: write"}]}"#);
    assert!(code == 2 && said.contains("registry/forbidden") && said.contains("no packages: write"), "{code}: {said}");
    let (code, said) = refusal(404, r#"{"errors":[{"code":"NAME_UNKNOWN","message":"make it"}]}"#);
    assert!(code == 2 && said.contains("registry/no-repository"), "{code}: {said}");
    // Nobody is there.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let dock = Dock::new(&table(&format!("127.0.0.1:{port}/app"), "insecure = true"));
    dock.build("1.0.0");
    let (code, said) = dock.run(&["publish"]);
    assert!(code == 3 && said.contains("registry/failed") && !said.contains("http://"), "{code}: {said}");
}

#[test]
fn what_a_registry_says_besides_is_told() {
    let stub = Stub::start(|ask, state, _| {
        (ask.method == "PUT").then(|| Some(plain(ask, state).with("Warning", "299 - \"this will end in May\"")))
    });
    let dock = stub.dock("");
    let said = dock.ok(&["publish"]);
    assert!(said.contains("registry/note") && said.matches("this will end in May").count() == 1, "{said}");
}
