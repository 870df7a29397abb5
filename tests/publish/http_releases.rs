//! Files of releases: GitHub with its two hosts, GitLab with links, Gitea.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::http_products::{life, table};
use crate::http_sender::{Sender, State, Stub, TOKEN, form, sha256};
use crate::support::http::Reply;

const TOKENED: &str = "token = { env = \"TOKEN\" }\ninsecure = true\n";

/// The files of a release, as JSON; the length of its name tells one from another in the state's own files.
fn assets(state: &State) -> Value {
    let list = state.files.iter().map(|(name, bytes)| {
        let partial = bytes.is_empty();
        json!({
            "id": name.len(), "name": name, "size": bytes.len(), "state": if partial { "starter" } else { "uploaded" },
            "digest": if partial { Value::Null } else { json!(format!("sha256:{}", sha256(bytes))) },
        })
    });
    Value::Array(list.collect())
}

struct GitHub {
    api: Stub,
    uploads: Stub,
}

/// `api.github.com` and `uploads.github.com`.
fn github() -> GitHub {
    let uploads = Stub::start(|ask, state| {
        if ask.header("authorization") != format!("Bearer {TOKEN}") {
            return Some(Reply::new(401).text(r#"{"message":"Bad credentials"}"#));
        }
        let name = ask.query("name").unwrap();
        assert!(ask.path.starts_with("/repos/team/hello/releases/7/assets?name="));
        if state.count.remove("cut").is_some() {
            // The line breaks in the middle: an asset stays that is no whole one.
            ask.body(10);
            state.files.insert(name, Vec::new());
            return Some(Reply::new(400).text(r#"{"message":"broken"}"#));
        }
        let body = ask.body(usize::MAX);
        if state.files.contains_key(&name) {
            let said = r#"{"message":"Validation Failed","errors":[{"resource":"ReleaseAsset","code":"already_exists","field":"name"}]}"#;
            return Some(Reply::new(422).text(said));
        }
        assert!(!name.contains('~'), "GitHub would rename it");
        state.files.insert(name, body);
        Some(Reply::new(201).text("{}"))
    });
    let (shared, at) = (Arc::clone(&uploads.state), uploads.url());
    let api = Stub::start(move |ask, state| {
        let body = ask.body(usize::MAX);
        if ask.header("authorization") != format!("Bearer {TOKEN}") {
            return Some(Reply::new(401).text(r#"{"message":"Bad credentials"}"#));
        }
        assert_eq!(ask.header("accept"), "application/vnd.github+json");
        let release = |draft: bool| {
            let upload = format!("{at}/repos/team/hello/releases/7/assets{{?name,label}}");
            json!({ "id": 7, "tag_name": "v1.0.0-rc.1", "draft": draft, "upload_url": upload })
        };
        let draft = !state.count.contains_key("published");
        let path = ask.path.split('?').next().unwrap().to_owned();
        Some(match (&*ask.method, &*path) {
            ("GET", "/repos/team/hello/releases") => {
                let there = state.count.contains_key("created");
                let other = json!({ "id": 6, "tag_name": "v0.9.0", "draft": false, "upload_url": "x" });
                let list = if there { json!([other, release(draft)]) } else { json!([other]) };
                Reply::new(200).text(list.to_string())
            }
            ("POST", "/repos/team/hello/releases") => {
                let wanted =
                    json!({ "tag_name": "v1.0.0-rc.1", "name": "hello 1.0.0-rc.1", "draft": true, "prerelease": true });
                assert_eq!(serde_json::from_slice::<Value>(&body).unwrap(), wanted);
                state.count.insert("created".into(), 1);
                Reply::new(201).text(release(true).to_string())
            }
            ("PATCH", "/repos/team/hello/releases/7") => {
                assert_eq!(serde_json::from_slice::<Value>(&body).unwrap(), json!({ "draft": false }));
                state.count.insert("published".into(), 1);
                Reply::new(200).text(release(false).to_string())
            }
            ("GET", "/repos/team/hello/releases/7/assets") => {
                Reply::new(200).text(assets(&shared.lock().unwrap()).to_string())
            }
            ("DELETE", path) => {
                let number: usize = path.strip_prefix("/repos/team/hello/releases/assets/").unwrap().parse().unwrap();
                let mut shared = shared.lock().unwrap();
                let name = shared.files.keys().find(|name| name.len() == number).unwrap().clone();
                shared.files.remove(&name);
                Reply::new(204)
            }
            _ => Reply::new(404).text(r#"{"message":"Not Found"}"#),
        })
    });
    GitHub { api, uploads }
}

#[test]
fn github_releases_are_drafts_until_all_files_are_there() {
    let GitHub { api, uploads } = github();
    let values = "owner = \"team\", repository = \"hello\"";
    let sender = Sender::new("1.0.0-rc.1", &table("github-release", &api, values, TOKENED));
    let plan = sender.ok(&["--dry-run"]);
    assert!(
        plan.contains("POST http") && plan.contains("{upload} hello_1.0.0~rc.1_all.deb") && plan.contains("PATCH"),
        "{plan}"
    );
    // The first upload breaks: the release stays a draft.
    uploads.state.lock().unwrap().count.insert("cut".into(), 1);
    let (code, said) = sender.publish(&[]);
    assert!(code == 4 && said.contains("http/refused") && api.count("PATCH") == 0, "{code}: {said}");
    // The next run finds the draft, removes the part, and publishes.
    sender.ok(&[]);
    assert_eq!((api.count("POST"), api.count("DELETE"), api.count("PATCH")), (1, 1, 1));
    assert_eq!(uploads.files(), ["hello-1.0.0.rc.1-1.noarch.rpm", "hello_1.0.0.rc.1_all.deb"]);
    let said = sender.ok(&[]);
    assert!(said.contains("nothing to do") && api.count("PATCH") == 1, "{said}");
    // Killed behind the last file: all that is missing is to publish it.
    api.state.lock().unwrap().count.remove("published");
    sender.ok(&[]);
    assert_eq!((api.count("PATCH"), uploads.count("POST")), (2, 3));
    sender.change();
    let (code, said) = sender.publish(&[]);
    assert!(code == 2 && said.contains("publish/other-bytes"), "{code}: {said}");
    sender.ok(&["--replace"]);
    assert_eq!(api.count("DELETE"), 3);
    assert_eq!(uploads.file("hello_1.0.0.rc.1_all.deb"), Some(sender.file(".deb").1));
}

#[test]
fn gitlab_links_what_its_registry_has() {
    let stub = Stub::start(|ask, state| {
        let body = ask.body(usize::MAX);
        if ask.header("private-token") != TOKEN {
            return Some(Reply::new(401).text(r#"{"message":"401 Unauthorized"}"#));
        }
        let project = "/api/v4/projects/group%2Fhello";
        let path = ask.path.split('?').next().unwrap().to_owned();
        let (generic, links) =
            (format!("{project}/packages/generic/"), format!("{project}/releases/v1.0.0/assets/links"));
        Some(match &*ask.method {
            _ if path == format!("{project}/releases/v1.0.0") => {
                Reply::new(if state.count.contains_key("release") { 200 } else { 404 }).text("{}")
            }
            "POST" if path == format!("{project}/releases") => {
                state.count.insert("release".into(), 1);
                Reply::new(201).text("{}")
            }
            "GET" if path == links => {
                let list = state.files.iter().filter(|(name, _)| name.starts_with("link "));
                let list = list.map(|(name, _)| json!({ "id": name.len(), "name": &name[5..] }));
                Reply::new(200).text(Value::Array(list.collect()).to_string())
            }
            "POST" if path == links => {
                let json: Value = serde_json::from_slice(&body).unwrap();
                let url = json["url"].as_str().unwrap().split_once("/api/").unwrap().1;
                assert!(state.files.contains_key(&format!("/api/{url}")) && json["link_type"] == "package", "{json}");
                state.files.insert(format!("link {}", json["name"].as_str().unwrap()), url.into());
                Reply::new(201).text("{}")
            }
            "DELETE" => {
                let number: usize = path.rsplit('/').next().unwrap().parse().unwrap();
                let name =
                    state.files.keys().find(|name| name.len() == number && name.starts_with("link ")).unwrap().clone();
                state.files.remove(&name);
                Reply::new(200)
            }
            "PUT" if path.starts_with(&generic) => {
                state.files.insert(path, body);
                Reply::new(201).text(r#"{"message":"201 Created"}"#)
            }
            _ => state.files.get(&path).map_or(Reply::new(404), |bytes| Reply::new(200).text(bytes.clone())),
        })
    });
    let sender = Sender::new("1.0.0", &table("gitlab-release", &stub, "project = \"group%2Fhello\"", TOKENED));
    life(&sender, &stub, true);
    let links = stub.files().iter().filter(|name| name.starts_with("link ")).count();
    assert_eq!((links, stub.files().len()), (2, 4));
    // The registry alone, where a second time is refused with a status that means other things, too.
    let refusing = Stub::start(|ask, state| {
        let body = ask.body(usize::MAX);
        let known = state.files.get(&ask.path).cloned();
        Some(match (&*ask.method, known) {
            ("PUT", Some(_)) => Reply::new(403).text(r#"{"message":"Duplicate package is not allowed"}"#),
            ("PUT", None) => {
                state.files.insert(ask.path.clone(), body);
                state.count.insert("sent".into(), 1);
                // Its answer is lost.
                return None;
            }
            (_, Some(bytes)) => Reply::new(200).text(bytes),
            (_, None) => Reply::new(404),
        })
    });
    let sender = Sender::new("1.0.0", &table("gitlab-generic", &refusing, "project = \"7\"", TOKENED));
    sender.ok(&[]);
    assert_eq!(refusing.files().len(), 2);
}

#[test]
fn gitea_makes_a_release_of_the_tag() {
    let stub = Stub::start(|ask, state| {
        let body = ask.body(usize::MAX);
        let host = format!("http://{}", ask.header("host"));
        let path = ask.path.split('?').next().unwrap().to_owned();
        let repository = "/api/v1/repos/team/hello/releases";
        if path.starts_with("/api/") && ask.header("authorization") != format!("token {TOKEN}") {
            return Some(Reply::new(401).text(r#"{"message":"token is required"}"#));
        }
        Some(match (&*ask.method, path.strip_prefix(repository)) {
            ("GET", Some("/tags/v1.0.0")) => {
                Reply::new(if state.count.contains_key("release") { 200 } else { 404 }).text(r#"{"id":3}"#)
            }
            ("POST", Some("")) => {
                let json: Value = serde_json::from_slice(&body).unwrap();
                assert_eq!(json, json!({ "tag_name": "v1.0.0", "name": "hello 1.0.0", "prerelease": false }));
                state.count.insert("release".into(), 1);
                Reply::new(201).text(r#"{"id":3}"#)
            }
            ("GET", Some("/3/assets")) => {
                let one = |(name, bytes): (&String, &Vec<u8>)| {
                    let address = format!("{host}/files/{name}");
                    json!({ "id": name.len(), "name": name, "size": bytes.len(), "browser_download_url": address })
                };
                let list = state.files.iter().map(one);
                Reply::new(200).text(Value::Array(list.collect()).to_string())
            }
            ("POST", Some("/3/assets")) => {
                let bytes = form(ask, &body)["attachment"].clone();
                state.files.insert(ask.query("name").unwrap(), bytes);
                Reply::new(201).text("{}")
            }
            ("DELETE", Some(asset)) => {
                let number: usize = asset.strip_prefix("/3/assets/").unwrap().parse().unwrap();
                let name = state.files.keys().find(|name| name.len() == number).unwrap().clone();
                state.files.remove(&name);
                Reply::new(204)
            }
            _ => {
                let bytes = path.strip_prefix("/files/").and_then(|name| state.files.get(name));
                bytes.map_or(Reply::new(404), |bytes| Reply::new(200).text(bytes.clone()))
            }
        })
    });
    let sender =
        Sender::new("1.0.0", &table("gitea-release", &stub, "owner = \"team\", repository = \"hello\"", TOKENED));
    life(&sender, &stub, true);
    assert_eq!(stub.count("POST /api/v1/repos/team/hello/releases/3/assets"), 4);
}
