//! Presets, against servers that answer as the products' documentation says.

use std::process::Command;

use fitout::codec::hex::hex;

use crate::http_sender::{Sender, State, Stub, TOKEN, base64, form, sha256};
use crate::support::http::{Ask, Reply};

const TOKENED: &str = "token = { env = \"TOKEN\" }\ninsecure = true\n";

pub fn table(preset: &str, stub: &Stub, values: &str, more: &str) -> String {
    let server = stub.url();
    format!("[[publish.http]]\npreset = \"{preset}\"\nserver = \"{server}\"\nvalues = {{ {values} }}\n{more}\n")
}

fn authorized(ask: &Ask, header: &str, value: &str) -> bool {
    ask.header(header) == value
}

/// Sends, sends again, and sends other bytes, which are refused and then put in place of the first.
pub fn life(sender: &Sender, stub: &Stub, replaces: bool) {
    let plan = sender.ok(&["--dry-run"]);
    let writes = || ["PUT", "POST", "PATCH", "DELETE"].iter().map(|method| stub.count(method)).sum::<usize>();
    assert_eq!(writes(), 0, "{plan}");
    sender.ok(&[]);
    let sent = writes();
    assert!(sent > 0);
    let said = sender.ok(&[]);
    assert!(said.contains("nothing to do") && writes() == sent, "{said}");
    sender.change();
    let (code, said) = sender.publish(&[]);
    assert!(code == 2 && said.contains("publish/other-bytes"), "{code}: {said}");
    if replaces {
        sender.ok(&["--replace"]);
        assert!(writes() > sent);
    }
}

#[test]
fn artifactory() {
    let stub = Stub::start(|ask, state| {
        let body = ask.body(usize::MAX);
        if !authorized(ask, "authorization", &format!("Bearer {TOKEN}")) {
            return Some(Reply::new(401).text(r#"{"errors":[{"status":401,"message":"Bad credentials"}]}"#));
        }
        let path = ask.path.split(';').next().unwrap().to_owned();
        Some(match &*ask.method {
            "PUT" if ask.header("x-checksum-sha256") != sha256(&body) => Reply::new(409).text("Checksum error"),
            "PUT" => {
                state.files.insert(path, body);
                state.files.insert(format!("properties of {}", ask.path), Vec::new());
                Reply::new(201)
            }
            _ => state.files.get(&path).map_or(Reply::new(404), |bytes| {
                Reply::new(200).with("X-Checksum-Sha256", sha256(bytes)).with("Content-Length", bytes.len().to_string())
            }),
        })
    });
    let own = "repository = \"debian-local\", distribution = \"bookworm\", component = \"main\"";
    let tables = table("artifactory-deb", &stub, own, TOKENED)
        + &table("artifactory-rpm", &stub, "repository = \"rpm-local\"", TOKENED)
        + &table("artifactory", &stub, "repository = \"files\", path = \"{name}/v{version}\"", TOKENED);
    let sender = Sender::new("1.0.0", &tables);
    life(&sender, &stub, true);
    let files = stub.files();
    for path in [
        "/debian-local/pool/main/h/hello/hello_1.0.0_all.deb",
        "/files/hello/v1.0.0/hello-1.0.0-1.noarch.rpm",
        "/files/hello/v1.0.0/hello_1.0.0_all.deb",
        "/rpm-local/noarch/hello-1.0.0-1.noarch.rpm",
    ] {
        assert!(files.contains(&path.to_owned()), "{files:?}");
    }
    let with = "properties of /debian-local/pool/main/h/hello/hello_1.0.0_all.deb;deb.distribution=bookworm;deb.component=main;deb.architecture=all";
    assert!(files.contains(&with.to_owned()), "{files:?}");
}

/// What a .deb says of itself.
fn control(bytes: &[u8], field: &str) -> String {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, bytes).unwrap();
    let output = Command::new("dpkg-deb").arg("-f").arg(file.path()).arg(field).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn nexus() {
    let stub = Stub::start(|ask, state| {
        let body = ask.body(usize::MAX);
        if !authorized(ask, "authorization", &format!("Basic {}", base64(&format!("ci:{TOKEN}")))) {
            return Some(Reply::new(401));
        }
        let sha1 = |bytes: &[u8]| hex(&<sha1::Sha1 as sha1::Digest>::digest(bytes));
        Some(match (&*ask.method, &*ask.path) {
            ("POST", "/repository/apt/") => {
                assert_eq!(ask.header("content-type"), "multipart/form-data");
                let [name, version, arch] = ["Package", "Version", "Architecture"].map(|field| control(&body, field));
                let path = format!("/repository/apt/pool/{}/{name}/{name}_{version}_{arch}.deb", &name[..1]);
                state.files.insert(path, body);
                Reply::new(201)
            }
            ("PUT", path) => {
                state.files.insert(path.to_owned(), body);
                Reply::new(201)
            }
            (_, path) => state.files.get(path).map_or(Reply::new(404), |bytes| {
                Reply::new(200).with("ETag", format!("\"{{SHA1{{{}}}}}\"", sha1(bytes)))
            }),
        })
    });
    let login = "username = \"ci\"\npassword = { env = \"TOKEN\" }\ninsecure = true\n";
    let tables = table("nexus-apt", &stub, "repository = \"apt\"", login)
        + &table("nexus-yum", &stub, "repository = \"yum\"", login)
        + &table("nexus-raw", &stub, "repository = \"raw\"", login);
    let sender = Sender::new("1.0.0", &tables);
    life(&sender, &stub, true);
    assert_eq!(
        stub.files(),
        [
            "/repository/apt/pool/h/hello/hello_1.0.0_all.deb",
            "/repository/raw/hello/1.0.0/hello-1.0.0-1.noarch.rpm",
            "/repository/raw/hello/1.0.0/hello_1.0.0_all.deb",
            "/repository/yum/Packages/hello-1.0.0-1.noarch.rpm",
        ]
    );
}

#[test]
fn forges_with_package_registries() {
    let stub = Stub::start(|ask, state| {
        let body = ask.body(usize::MAX);
        if !authorized(ask, "authorization", &format!("token {TOKEN}")) {
            return Some(Reply::new(401));
        }
        let path = ask.path.clone();
        let base = path.strip_suffix("/upload");
        // The address that it is fetched from, and that it is removed at.
        let (get, delete) = match base {
            Some(base) if body.starts_with(b"!<arch>") => {
                (format!("{base}/hello_1.0.0_all.deb"), format!("{base}/hello/1.0.0/all"))
            }
            Some(base) => {
                (format!("{base}/package/hello/1.0.0-1/noarch"), format!("{base}/package/hello/1.0.0-1/noarch"))
            }
            None => (path.clone(), path.clone()),
        };
        Some(match &*ask.method {
            "PUT" if state.files.contains_key(&get) => Reply::new(409).text("package file already exists"),
            "PUT" => {
                state.files.insert(get.clone(), body);
                state.files.insert(format!("at {delete}"), get.into_bytes());
                Reply::new(201)
            }
            "DELETE" => {
                let Some(get) = state.files.remove(&format!("at {path}")) else { return Some(Reply::new(404)) };
                state.files.remove(&String::from_utf8(get).unwrap());
                Reply::new(204)
            }
            // It has no word for it there.
            "HEAD" if path.ends_with(".deb") && path.contains("/pool/") => Reply::new(405),
            _ => state.files.get(&path).map_or(Reply::new(404), |bytes| Reply::new(200).text(bytes.clone())),
        })
    });
    let tables = table("gitea-debian", &stub, "owner = \"team\", distribution = \"bookworm\"", TOKENED)
        + &table("gitea-rpm", &stub, "owner = \"team\", group = \"el9/stable\"", TOKENED)
        + &table("gitea-generic", &stub, "owner = \"team\"", TOKENED);
    let sender = Sender::new("1.0.0", &tables);
    life(&sender, &stub, true);
    let files = stub.files();
    for path in [
        "/api/packages/team/debian/pool/bookworm/main/hello_1.0.0_all.deb",
        "/api/packages/team/generic/hello/1.0.0/hello-1.0.0-1.noarch.rpm",
        "/api/packages/team/rpm/el9/stable/package/hello/1.0.0-1/noarch",
    ] {
        assert!(files.contains(&path.to_owned()), "{files:?}");
    }
    assert_eq!(files.iter().filter(|path| path.starts_with('/')).count(), 4);
}

#[test]
fn packagecloud() {
    let stub = Stub::start(|ask, state| {
        let body = ask.body(usize::MAX);
        if !authorized(ask, "authorization", &format!("Basic {}", base64(&format!("{TOKEN}:")))) {
            return Some(Reply::new(401));
        }
        assert_eq!((&*ask.method, &*ask.path), ("POST", "/api/v1/repos/team/stable/packages.json"));
        let form = form(ask, &body);
        if form["package[distro_version_id]"] != b"215" {
            return Some(Reply::new(422).text(r#"{"distro_version_id":["is unknown"]}"#));
        }
        let name = String::from_utf8(form["filename"].clone()).unwrap();
        if state.files.contains_key(&name) {
            return Some(Reply::new(422).text(r#"{"filename":["has already been taken"]}"#));
        }
        state.files.insert(name, form["package[package_file]"].clone());
        Some(Reply::new(201).text("{}"))
    });
    let login = "username = { env = \"TOKEN\" }\ninsecure = true\n";
    let values = |distro: &str| format!("owner = \"team\", repository = \"stable\", distro = \"{distro}\"");
    let sender = Sender::new("1.0.0", &table("packagecloud", &stub, &values("215"), login));
    sender.ok(&[]);
    let (deb, bytes) = sender.file(".deb");
    assert_eq!(stub.file(&deb), Some(bytes));
    // It does not say which bytes it has.
    let said = sender.ok(&[]);
    assert!(said.contains("nothing to do") && said.matches("does not say with which bytes").count() == 2, "{said}");
    let (code, said) = sender.publish(&["--replace"]);
    assert!(code == 2 && said.contains("http/refused"), "{code}: {said}");
    let other = Sender::new("1.0.1", &table("packagecloud", &stub, &values("0"), login));
    let (code, said) = other.publish(&[]);
    assert!(code == 2 && said.contains("http/refused") && said.contains("is unknown"), "{code}: {said}");
}

/// Pulp: a task behind each request, which takes a while.
fn pulp(fails: bool) -> Stub {
    Stub::start(move |ask, state: &mut State| {
        let body = ask.body(usize::MAX);
        if !authorized(ask, "authorization", &format!("Basic {}", base64(&format!("admin:{TOKEN}")))) {
            return Some(Reply::new(401));
        }
        let path = ask.path.split('?').next().unwrap().to_owned();
        Some(match (&*ask.method, &*path) {
            ("GET", "/pulp/api/v3/repositories/deb/apt/7/") => {
                Reply::new(200).text(r#"{"latest_version_href":"/pulp/api/v3/repositories/deb/apt/7/versions/3/"}"#)
            }
            ("GET", "/pulp/api/v3/content/deb/packages/") => {
                assert_eq!(ask.query("repository_version").unwrap(), "/pulp/api/v3/repositories/deb/apt/7/versions/3/");
                let results: Vec<_> = state
                    .files
                    .values()
                    .map(|bytes| serde_json::json!({ "package": "hello", "sha256": sha256(bytes) }))
                    .collect();
                Reply::new(200).text(serde_json::json!({ "count": results.len(), "results": results }).to_string())
            }
            ("POST", "/pulp/api/v3/content/deb/packages/") => {
                let form = form(ask, &body);
                let texts =
                    ["repository", "distribution", "component"].map(|name| String::from_utf8_lossy(&form[name]));
                assert_eq!(texts, ["/pulp/api/v3/repositories/deb/apt/7/", "bookworm", "main"]);
                state.files.insert(String::from_utf8(form["filename"].clone()).unwrap(), form["file"].clone());
                Reply::new(202).text(r#"{"task":"/pulp/api/v3/tasks/upload/"}"#)
            }
            ("GET", "/pulp/api/v3/publications/deb/apt/") => {
                assert_eq!(ask.query("repository_version").unwrap(), "/pulp/api/v3/repositories/deb/apt/7/versions/3/");
                let published = state.count.contains_key("published");
                Reply::new(200).text(if published { r#"{"results":[{"pulp_href":"x"}]}"# } else { r#"{"results":[]}"# })
            }
            ("POST", "/pulp/api/v3/publications/deb/apt/") => {
                state.count.insert("published".to_owned(), 1);
                let json: serde_json::Value = serde_json::from_slice(&body).unwrap();
                assert_eq!(json["simple"], true);
                Reply::new(202).text(r#"{"task":"/pulp/api/v3/tasks/publication/"}"#)
            }
            ("GET", task) if task.starts_with("/pulp/api/v3/tasks/") => {
                let count = state.count.entry(task.to_owned()).or_default();
                *count += 1;
                match (*count, fails) {
                    (1, _) => Reply::new(200).text(r#"{"state":"waiting"}"#),
                    (2, _) => Reply::new(200).text(r#"{"state":"running"}"#),
                    (_, false) => Reply::new(200).text(r#"{"state":"completed"}"#),
                    (_, true) => {
                        let said =
                            format!(r#"{{"state":"failed","error":{{"description":"No space left\nfor {TOKEN}"}}}}"#);
                        Reply::new(200).text(said)
                    }
                }
            }
            _ => Reply::new(404),
        })
    })
}

#[test]
fn pulp_is_waited_for() {
    let values = "repository = \"/pulp/api/v3/repositories/deb/apt/7/\", distribution = \"bookworm\"";
    let login = "username = \"admin\"\npassword = { env = \"TOKEN\" }\ninsecure = true\n";
    let stub = pulp(false);
    let sender = Sender::new("1.0.0", &table("pulp-deb", &stub, values, login));
    life(&sender, &stub, false);
    let log = stub.state.lock().unwrap().log.join("\n");
    assert_eq!(log.matches("GET /pulp/api/v3/tasks/upload/").count(), 3);
    assert_eq!(log.matches("GET /pulp/api/v3/tasks/publication/").count(), 3);
    // Killed between the two: the next run sends nothing, and publishes.
    let stub = pulp(false);
    let sender = Sender::new("1.0.0", &table("pulp-deb", &stub, values, login));
    sender.ok(&[]);
    stub.state.lock().unwrap().count.remove("published");
    sender.ok(&[]);
    assert_eq!((stub.count("POST /pulp/api/v3/content"), stub.count("POST /pulp/api/v3/publications")), (1, 2));
    assert!(sender.ok(&[]).contains("nothing to do"));
    let stub = pulp(true);
    let sender = Sender::new("1.0.0", &table("pulp-deb", &stub, values, login));
    let (code, said) = sender.publish(&[]);
    assert!(
        code == 3 && said.contains("error[http/task]") && said.contains("it says `failed`: No space left for ***"),
        "{code}: {said}"
    );
    // One that never comes to an end.
    let stub = pulp(false);
    let poll =
        "poll = { url = \"{server}{task}\", state = \"/nothing\", done = [\"completed\"], within = \"600ms\" }\n";
    let sender = Sender::new("1.0.0", &table("pulp-deb", &stub, values, &format!("{login}{poll}")));
    let (code, said) = sender.publish(&[]);
    assert!(code == 3 && said.contains("http/task") && said.contains("poll.within"), "{code}: {said}");
}

#[test]
fn cloudsmith_takes_a_file_and_makes_a_package_of_it() {
    let upload = Stub::start(|ask, state| {
        let body = ask.body(usize::MAX);
        if !authorized(ask, "x-api-key", TOKEN) {
            return Some(Reply::new(401));
        }
        if ask.header("content-sha256") != sha256(&body) {
            return Some(Reply::new(400));
        }
        state.files.insert(ask.path.clone(), body);
        Some(Reply::new(200).text(r#"{"identifier":"file-1"}"#))
    });
    let files = std::sync::Arc::clone(&upload.state);
    let api = Stub::start(move |ask, state| {
        let body = ask.body(usize::MAX);
        if !authorized(ask, "x-api-key", TOKEN) {
            return Some(Reply::new(401).text(r#"{"detail":"Invalid API key."}"#));
        }
        let path = ask.path.split('?').next().unwrap();
        Some(match (&*ask.method, path) {
            ("GET", "/v1/packages/team/stable/") => Reply::new(200).text(
                serde_json::json!(
                    state
                        .files
                        .iter()
                        .map(|(name, bytes)| serde_json::json!({
                            "filename": name, "checksum_sha256": sha256(bytes), "slug_perm": "slug",
                        }))
                        .collect::<Vec<_>>()
                )
                .to_string(),
            ),
            ("POST", "/v1/packages/team/stable/upload/deb/") => {
                let json: serde_json::Value = serde_json::from_slice(&body).unwrap();
                assert_eq!(json, serde_json::json!({ "package_file": "file-1", "distribution": "debian/bookworm" }));
                let bytes = files.lock().unwrap().files["/team/stable/hello_1.0.0_all.deb"].clone();
                state.files.insert("hello_1.0.0_all.deb".to_owned(), bytes);
                Reply::new(201).text(r#"{"slug_perm":"slug"}"#)
            }
            ("GET", "/v1/packages/team/stable/slug/status/") => {
                let count = state.count.entry("status".to_owned()).or_default();
                *count += 1;
                let said = serde_json::json!({ "is_sync_completed": *count > 1, "is_sync_failed": false });
                Reply::new(200).text(said.to_string())
            }
            ("DELETE", "/v1/packages/team/stable/slug/") => {
                state.files.clear();
                Reply::new(204)
            }
            _ => Reply::new(404),
        })
    });
    let values = format!(
        "owner = \"team\", repository = \"stable\", distribution = \"debian/bookworm\", upload = \"{}\"",
        upload.url()
    );
    let sender = Sender::new("1.0.0", &table("cloudsmith-deb", &api, &values, TOKENED));
    sender.ok(&[]);
    let (deb, bytes) = sender.file(".deb");
    assert_eq!((upload.count("PUT"), api.file(&deb)), (1, Some(bytes)));
    assert!(sender.ok(&[]).contains("nothing to do") && upload.count("PUT") == 1);
    sender.change();
    let (code, said) = sender.publish(&[]);
    assert!(code == 2 && said.contains("publish/other-bytes"), "{code}: {said}");
    sender.ok(&["--replace"]);
    assert_eq!((upload.count("PUT"), api.count("DELETE")), (2, 1));
}
