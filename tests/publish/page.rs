//! The page of a repository in a browser, and a host that is set up as the page says.

use std::fs;
use std::process::Command;

use crate::roots::{BOOKWORM, Root, TRIXIE};
use crate::shop::{Server, Shop, key};
use crate::support::tool;

const TABLES: &str = r#"
[sign]
keys = [{ file = "@SHOP@/key.asc" }]

[[publish.apt]]
to     = "file:@SHOP@/repository"
url    = "@URL@"
origin = "Example & Söhne <Ltd.>"
"#;

/// Opens the page in a frame of each width and tries it as a visitor would; what it finds is its title.
const VISITOR: &str = include_str!("visitor.html");

fn shop() -> (Shop, Server) {
    let shop = Shop::new("");
    let server = Server::of(&shop.at("repository"));
    fs::write(shop.at("tables"), TABLES.replace("@URL@", &server.url())).unwrap();
    shop.publish("hello", "1.0.0");
    shop.publish("hello", "1.1.0+b");
    shop.publish("other", "0.1.0");
    (shop, server)
}

#[test]
fn the_page_works_in_a_browser() {
    let (shop, server) = shop();
    fs::write(shop.at("repository/visitor.html"), VISITOR).unwrap();
    let home = tempfile::tempdir().unwrap();
    let profile = format!("--user-data-dir={}", home.path().display());
    let url = format!("{}/visitor.html", server.url());
    let arguments = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        &profile,
        "--window-size=1400,1000",
        "--virtual-time-budget=20000",
        "--dump-dom",
        &url,
    ];
    let Some(dom) = tool("chromium", &arguments) else { return };
    let title = dom.split("<title>").nth(1).and_then(|rest| rest.split("</title>").next()).unwrap_or_default();
    assert_eq!(title, "FINE", "{dom}");
}

/// By the package with the keys, which brings the next keys, too.
fn by_package(root: &Root, html: &str, shop: &Shop, server: &Server) {
    let _ = fs::remove_dir_all(root.at("/etc/apt/sources.list.d"));
    let _ = fs::remove_file(root.at("/etc/apt/sources.list"));
    let (_, rest) = html.split_once(">curl -fsSLo /tmp/example-s-hne-ltd-archive-keyring.deb ").unwrap();
    let (url, _) = rest.split_once(" &amp;&amp; sudo apt-get install /tmp/").unwrap();
    let path = url.strip_prefix(&server.url()).unwrap();
    fs::copy(shop.at(&format!("repository{path}")), root.at("/tmp/keyring.deb")).unwrap();
    root.ok(&["apt-get", "-qy", "install", "/tmp/keyring.deb"]);
    root.ok(&["apt-get", "-q", "--error-on=any", "update"]);
    root.ok(&["apt-get", "-qy", "install", "hello"]);
}

#[test]
fn the_keyring_package_follows_the_keys() {
    let (shop, _server) = shop();
    let versions = || {
        let packages = fs::read_to_string(shop.at("repository/dists/stable/main/binary-amd64/Packages")).unwrap();
        let stanzas =
            packages.split("\n\n").filter(|stanza| stanza.starts_with("Package: example-s-hne-ltd-archive-keyring"));
        stanzas
            .map(|s| s.lines().find_map(|line| line.strip_prefix("Version: ")).unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    // Three were published, one keyring came with them.
    assert_eq!(versions().len(), 1);
    key(shop.folder.path(), "next");
    let tables = fs::read_to_string(shop.at("tables")).unwrap();
    let both = tables.replace(
        "keys = [{ file = \"@SHOP@/key.asc\" }]",
        "keys = [{ file = \"@SHOP@/key.asc\" }, { file = \"@SHOP@/next.asc\" }]",
    );
    fs::write(shop.at("tables"), both).unwrap();
    shop.publish("hello", "1.2.0");
    let both = versions();
    assert_eq!(both.len(), 2, "{both:?}");
    shop.publish("hello", "1.3.0");
    assert_eq!(versions(), both);
    let lintian = tool("lintian", &["--fail-on=error,warning", "--allow-root", keyring(&shop).to_str().unwrap()]);
    println!("{lintian:?}");
}

/// The newest package with the keys.
fn keyring(shop: &Shop) -> std::path::PathBuf {
    let all = crate::shop::listed(&shop.at("repository/pool"));
    all.lines().filter(|line| line.contains("archive-keyring_")).max().unwrap().into()
}

#[test]
fn a_host_is_set_up_as_the_page_says() {
    let (shop, server) = shop();
    let html = fs::read_to_string(shop.at("repository/index.html")).unwrap();
    let source = "/etc/apt/sources.list.d/example-s-hne-ltd.sources";
    let line = format!("sudo curl -fsSLo {source} {}/example-s-hne-ltd.sources", server.url());
    assert!(html.contains(&format!(">{line}</code>")), "{html}");
    for suite in [&BOOKWORM, &TRIXIE] {
        let Some(root) = Root::of(suite) else { return };
        by_package(&root, &html, &shop, &server);
        root.ok(&["apt-get", "-qy", "purge", "example-s-hne-ltd-archive-keyring", "hello"]);
        assert!(!root.has(source));
        root.sh("rm -rf /var/lib/apt/lists/*");
        let _ = fs::remove_dir_all(root.at("/etc/apt/sources.list.d"));
        let _ = fs::remove_file(root.at("/etc/apt/sources.list"));
        // A minimal root has no curl.
        let downloaded = fs::read_to_string(shop.at("repository/example-s-hne-ltd.sources")).unwrap();
        root.write(source, &downloaded, 0o644);
        root.ok(&["apt-get", "-q", "--error-on=any", "update"]);
        root.ok(&["apt-get", "-qy", "install", "hello"]);
        // As the page says for older ones.
        fs::remove_file(root.at(source)).unwrap();
        let key = fs::read_to_string(shop.at("repository/example-s-hne-ltd.asc")).unwrap();
        root.write("/etc/apt/keyrings/example-s-hne-ltd.asc", &key, 0o644);
        let (_, rest) = html.split_once("echo &#x27;deb").or_else(|| html.split_once("echo 'deb")).unwrap();
        let (list, _) = rest.split_once("&#x27; |").or_else(|| rest.split_once("' |")).unwrap();
        let list = format!("deb{}\n", list.replace("&#x3D;", "="));
        root.write("/etc/apt/sources.list.d/example.list", &list, 0o644);
        root.ok(&["apt-get", "-q", "--error-on=any", "update"]);
        root.ok(&["apt-get", "-qy", "install", "other"]);
    }
    let script = "gpg --batch --dearmor <\"$1\" >../key.gpg && gpgv -q --keyring ../key.gpg SHA256SUMS.asc && \
                  grep '  ' SHA256SUMS.asc | sha256sum -c --quiet --strict";
    let key = shop.at("key.pub");
    let sums =
        Command::new("sh").args(["-ec", script, "sh"]).arg(&key).current_dir(shop.at("repository")).output().unwrap();
    assert!(sums.status.success(), "{sums:?}");
    let feed = fs::read_to_string(shop.at("repository/feed.xml")).unwrap();
    assert_eq!(feed.matches("<entry>").count(), 4, "{feed}");
    let check = "import sys,xml.dom.minidom; xml.dom.minidom.parse(sys.argv[1])";
    tool("python3", &["-c", check, shop.at("repository/feed.xml").to_str().unwrap()]);
}
