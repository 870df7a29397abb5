//! Repositories in a bucket of a server that speaks S3.

use std::collections::BTreeSet;
use std::fs;

use crate::apt::{host, installs};
use crate::roots::TRIXIE;
use crate::shop::{Shop, publish_as, publish_to};
use crate::support::http::{Reply, serve};
use crate::support::moto::{SECRET, Server};
use crate::support::{azurite, finish, fitout, gcs};

const TABLES: &str = r#"
[sign]
keys = [{ file = "@SHOP@/key.asc" }]

[[publish.apt]]
to = "s3://bucket/deep/apt"
"#;

fn done(server: &Server, folder: &std::path::Path) -> String {
    let (code, stdout, stderr) = publish_to(server, folder, &[]);
    assert_eq!(code, 0, "{stdout}{stderr}");
    stderr
}

#[test]
fn apt_lives_on_a_bucket() {
    let Some(server) = Server::start() else { return };
    server.open_to_all();
    let shop = Shop::new(TABLES);
    // Characters that object stores and servers like to spell otherwise.
    let folder = shop.build("hello", "1.0.0-rc.1+build", "");
    done(&server, &folder);
    let objects = server.objects();
    assert!(objects.contains(&"deep/apt/pool/main/h/hello/hello_1.0.0~rc.1+build_all.deb".to_owned()), "{objects:?}");
    assert!(objects.iter().all(|key| !key.contains(".fitout")), "{objects:?}");
    assert!(done(&server, &folder).contains("nothing to do"));
    assert_eq!(server.objects(), objects);
    let url = format!("http://127.0.0.1:{}/bucket/deep/apt", server.port);
    let Some(root) = host(&TRIXIE, &shop, &url) else { return };
    installs(&root, &["update"]);
    installs(&root, &["install", "hello"]);
    done(&server, &shop.build("hello", "1.0.0", ""));
    installs(&root, &["update"]);
    installs(&root, &["upgrade"]);
    assert_eq!(root.ok(&["hello"]).trim(), "hello 1.0.0");
    let headers = server.head("/bucket/deep/apt/dists/stable/InRelease");
    assert!(headers.contains("no-cache") && headers.contains("text/plain"), "{headers}");
    let headers = server.head("/bucket/deep/apt/pool/main/h/hello/hello_1.0.0_all.deb");
    assert!(headers.contains("immutable") && headers.contains("application/vnd.debian.binary-package"), "{headers}");
    let mut verify = fitout(&folder);
    verify.args(["repo", "verify"]).envs(server.variables());
    let (code, stdout, stderr) = finish(verify.output().unwrap());
    assert_eq!(code, 0, "{stdout}{stderr}");
}

#[test]
fn publishers_at_once_lose_nothing_in_a_bucket() {
    let Some(server) = Server::start() else { return };
    let (publishers, each) = if std::env::var_os("FITOUT_SOAK").is_some() { (16, 13) } else { (4, 5) };
    let shop = Shop::new(TABLES);
    let folders: Vec<Vec<_>> = (0..publishers)
        .map(|publisher| (0..each).map(|at| shop.build(&format!("p{publisher}"), &format!("1.{at}"), "")).collect())
        .collect();
    std::thread::scope(|scope| {
        for folders in &folders {
            let server = &server;
            scope.spawn(move || folders.iter().for_each(|folder| drop(done(server, folder))));
        }
    });
    let mut list = fitout(&folders[0][0]);
    list.args(["repo", "list", "--json"]).envs(server.variables());
    let (_, stdout, _) = finish(list.output().unwrap());
    let document: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    let packages = document["repositories"][0]["packages"].as_array().unwrap().clone();
    let names: BTreeSet<String> = packages.iter().map(|p| format!("{} {}", p["name"], p["version"])).collect();
    assert_eq!(names.len(), publishers * each);
    let mut verify = fitout(&folders[0][0]);
    verify.args(["repo", "verify"]).envs(server.variables());
    let (code, stdout, stderr) = finish(verify.output().unwrap());
    assert_eq!(code, 0, "{stdout}{stderr}");
    // By their names, too: the last that was fast is what is there.
    assert!(!stderr.contains("is not there"), "{stderr}");
}

#[test]
fn publishers_at_once_lose_nothing_in_azure() {
    let Some(server) = azurite::Server::start() else { return };
    publishers_lose_nothing("az://", &server.variables(), || server.objects());
}

#[test]
fn publishers_at_once_lose_nothing_in_google_cloud_storage() {
    let server = gcs::Server::start();
    publishers_lose_nothing("gs://", &server.variables(), || server.objects());
}

/// Twelve at once, in a bucket that speaks another language than S3.
fn publishers_lose_nothing(scheme: &str, variables: &[(&'static str, String)], objects: impl Fn() -> Vec<String>) {
    let shop = Shop::new(&TABLES.replace("s3://", scheme));
    let folders: Vec<Vec<_>> = (0..4)
        .map(|publisher| (0..3).map(|at| shop.build(&format!("p{publisher}"), &format!("1.{at}+x~y"), "")).collect())
        .collect();
    std::thread::scope(|scope| {
        for folder in folders.iter().flatten() {
            scope.spawn(move || {
                let (code, stdout, stderr) = publish_as(variables, folder, &[]);
                assert_eq!(code, 0, "{stdout}{stderr}");
            });
        }
    });
    let objects = objects();
    assert!(objects.contains(&"deep/apt/dists/stable/InRelease".to_owned()), "{objects:?}");
    let mut verify = fitout(&folders[0][0]);
    verify.args(["repo", "verify"]).envs(variables.iter().cloned());
    let (code, stdout, stderr) = finish(verify.output().unwrap());
    assert!(code == 0 && !stderr.contains("is not there"), "{stdout}{stderr}");
    let mut list = fitout(&folders[0][0]);
    list.args(["repo", "list", "--json"]).envs(variables.iter().cloned());
    let (_, stdout, _) = finish(list.output().unwrap());
    let document: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(document["repositories"][0]["packages"].as_array().unwrap().len(), 12, "{stdout}");
    let (code, _, stderr) = publish_as(variables, &folders[0][0], &[]);
    assert!(code == 0 && stderr.contains("nothing to do"), "{stderr}");
}

#[test]
fn publishers_at_once_lose_no_record_in_a_bucket() {
    let Some(server) = Server::start() else { return };
    let shop = Shop::new(&format!("{TABLES}url = \"https://packages.example.org/apt\"\n"));
    let folders: Vec<Vec<_>> = (0..4)
        .map(|publisher| (0..3).map(|at| shop.build(&format!("p{publisher}"), &format!("1.{at}"), "")).collect())
        .collect();
    std::thread::scope(|scope| {
        for folders in &folders {
            let server = &server;
            scope.spawn(move || folders.iter().for_each(|folder| drop(done(server, folder))));
        }
    });
    let records = server.objects().iter().filter(|key| key.starts_with("deep/apt/releases/")).count();
    assert_eq!(records, 12);
    let mut verify = fitout(&folders[0][0]);
    verify.args(["repo", "verify"]).envs(server.variables());
    let (code, stdout, stderr) = finish(verify.output().unwrap());
    // One that is in no list is told, and stops nothing.
    assert!(code == 0 && !stderr.contains("releases/"), "{stdout}{stderr}");
}

#[test]
fn what_is_wrong_with_a_store_is_told() {
    let Some(mut server) = Server::start() else { return };
    let shop = Shop::new(&TABLES.replace("s3://bucket/", "s3://nowhere/"));
    let folder = shop.build("hello", "1.0.0", "");
    let (code, _, stderr) = publish_to(&server, &folder, &[]);
    assert!(code == 2 && stderr.contains("store/no-bucket"), "{code}: {stderr}");
    // A profile and what a program says in its place.
    let home = shop.at("home");
    fs::create_dir_all(home.join(".aws")).unwrap();
    let process = format!("echo '{{\"Version\":1,\"AccessKeyId\":\"key\",\"SecretAccessKey\":\"{SECRET}\"}}'");
    fs::write(shop.at("process"), process).unwrap();
    let config = format!(
        "[profile ci]\nregion = us-east-1\nendpoint_url = http://127.0.0.1:{}\ncredential_process = sh {}\n",
        server.port,
        shop.at("process").display()
    );
    fs::write(home.join(".aws/config"), config).unwrap();
    fs::write(shop.at("tables"), TABLES).unwrap();
    let folder = shop.build("hello", "1.0.0", "");
    let with = |profile: &str| {
        let mut command = fitout(&folder);
        for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL", "AWS_REGION"] {
            command.env_remove(name);
        }
        command.arg("publish").env("HOME", &home).env("AWS_PROFILE", profile);
        let (code, stdout, stderr) = finish(command.output().unwrap());
        assert!(!stdout.contains(SECRET) && !stderr.contains(SECRET), "{stdout}{stderr}");
        (code, stderr)
    };
    let (code, stderr) = with("gone");
    assert!(code == 2 && stderr.contains("store/no-credentials"), "{code}: {stderr}");
    let (code, stderr) = with("ci");
    assert!(code == 0, "{code}: {stderr}");
    server.stop();
    let started = std::time::Instant::now();
    let (code, stderr) = with("ci");
    assert!(code == 3 && stderr.contains("store/failed"), "{code}: {stderr}");
    assert!(started.elapsed() < std::time::Duration::from_secs(90), "{:?}", started.elapsed());
}

/// Requests are signed with the time; a store that finds it wrong says so, by what it answers or by its own.
#[test]
fn a_clock_that_is_wrong_is_told() {
    let skewed = "<?xml version=\"1.0\"?><Error><Code>RequestTimeTooSkewed</Code><Message>The difference between the request time \
                  and the server's time is too large.</Message></Error>";
    let port = serve(move |ask| {
        ask.body(usize::MAX);
        Some(Reply::new(403).with("content-type", "application/xml").text(skewed))
    });
    let shop = Shop::new(TABLES);
    let folder = shop.build("hello", "1.0.0", "");
    let mut command = fitout(&folder);
    command.arg("publish").env("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{port}")).env("AWS_REGION", "us-east-1");
    command.env("AWS_ACCESS_KEY_ID", "key").env("AWS_SECRET_ACCESS_KEY", SECRET);
    let (code, stdout, stderr) = finish(command.output().unwrap());
    assert!(code == 3 && stderr.contains("store/clock") && !stderr.contains(SECRET), "{code}: {stdout}{stderr}");
}
