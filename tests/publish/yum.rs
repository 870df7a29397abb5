//! dnf 4, dnf 5 and zypper install from what was published, and refuse what was tampered with.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::distribution;
use crate::managers::Manager;
use crate::roots::{Root, is_there, missing, said};
use crate::shop::{Server, Shop, key, publish, publish_to, try_publish};
use crate::support::{finish, fitout, moto, tool};

pub const TABLES: &str = r#"
[sign]
keys = [{ file = "@SHOP@/key.asc" }]

[[publish.yum]]
to   = "file:@SHOP@/repository"
keep = 2
"#;

/// A host with one of the managers; its only sources are the repository and a package that stands for the distribution.
struct Host {
    root: Root,
    manager: Manager,
    url: String,
}

impl Host {
    fn of(manager: Manager, shop: &Shop, rpm: &Path, url: &str) -> Option<Self> {
        let lacking: Vec<&str> =
            ["createrepo_c", "rpmbuild", "rpm", "dnf"].into_iter().filter(|tool| !is_there(tool)).collect();
        if !missing(&lacking) {
            return None;
        }
        let root = Root::of(manager.suite())?;
        root.ok(&["ln", "-sf", manager.shell(), "/bin/sh"]);
        let folder = tempfile::tempdir().unwrap();
        distribution::publish(&root, &[&distribution::base(folder.path(), &[rpm])]);
        let host = Self { root, manager, url: url.to_owned() };
        host.trust(shop, "key");
        Some(host)
    }

    /// Forgets all that it knew, and trusts a key.
    fn trust(&self, shop: &Shop, name: &str) {
        let key = fs::read_to_string(shop.at(&format!("{name}.pub"))).unwrap();
        self.root.write("/key.asc", &key, 0o644);
        // The host's dnf reads files of the host.
        let inside = |path: &str| match self.manager {
            Manager::Dnf4 => self.root.at(path).display().to_string(),
            _ => path.to_owned(),
        };
        let base = format!("[base]\nname=base\nenabled=1\ngpgcheck=0\nbaseurl=file://{}\n", inside("/repository"));
        // libzypp does not understand what rpm 6 says of the signature of a package: there that of the repository is looked at.
        let packages = if self.manager == Manager::Zypper { "pkg_gpgcheck=0\nautorefresh=1\n" } else { "" };
        let shop = format!(
            "[shop]\nname=shop\nenabled=1\ngpgcheck=1\nrepo_gpgcheck=1\n{packages}baseurl={}\ngpgkey=file://{}\n",
            self.url,
            inside("/key.asc")
        );
        let folder = if self.manager == Manager::Zypper { "/etc/zypp/repos.d" } else { "/etc/yum.repos.d" };
        self.root.write(&format!("{folder}/base.repo"), &base, 0o644);
        self.root.write(&format!("{folder}/shop.repo"), &shop, 0o644);
        self.root.sh("rm -rf /var/cache/libdnf5 /var/cache/zypp /var/lib/dnf /usr/lib/sysimage/rpm/* /var/lib/rpm/*");
        let _ = fs::remove_dir_all(self.root.beside().join("cache"));
        assert_eq!(self.manager.rpm(&self.root, &["--initdb"]).0, 0);
        if self.manager == Manager::Zypper {
            self.root.ok(&["rpm", "--import", "/key.asc"]);
        }
    }

    fn run(&self, words: &[&str]) -> (i32, String) {
        const DNF: [&str; 4] = ["-y", "--refresh", "--releasever=9", "--setopt=install_weak_deps=False"];
        match self.manager {
            Manager::Dnf4 => {
                let mut command = Command::new("unshare");
                command.args(["--mount", "--pid", "--fork", "--kill-child"]);
                command.arg(format!("--mount-proc={}", self.root.at("/proc").display()));
                command.arg("dnf").args(DNF).args(words);
                command.arg(format!("--installroot={}", self.root.path.display()));
                command.arg(format!("--setopt=reposdir={}", self.root.at("/etc/yum.repos.d").display()));
                command.arg(format!("--setopt=cachedir={}", self.root.beside().join("cache").display()));
                said(&mut command)
            }
            Manager::Dnf5 => {
                self.root.run(&[&["dnf5"], &DNF[..], &["--disable-plugin=local", "--no-best"], words].concat())
            }
            Manager::Zypper => {
                let (code, said) = self.root.run(&["zypper", "--non-interactive", "refresh", "--force"]);
                if code != 0 {
                    return (code, said);
                }
                let words = if words[0] == "upgrade" { [&["update"], &words[1..]].concat() } else { words.to_vec() };
                self.root.run(&[&["zypper", "--non-interactive"], &words[..]].concat())
            }
        }
    }

    fn ok(&self, words: &[&str]) {
        let (code, said) = self.run(words);
        assert_eq!(code, 0, "{:?} {words:?}\n{said}", self.manager);
    }

    fn refuses(&self, words: &[&str], why: &[&str]) {
        let (code, said) = self.run(words);
        assert_ne!(code, 0, "{:?} {words:?} should be refused\n{said}", self.manager);
        let said = said.to_lowercase();
        assert!(why.iter().any(|why| said.contains(why)), "{:?}: {why:?} is not in\n{said}", self.manager);
    }
}

fn life(manager: Manager) {
    let shop = Shop::new(TABLES);
    shop.publish("hello", "1.0.0");
    let server = Server::of(&shop.at("repository"));
    let rpm = shop.at("hello-1.0.0/dist/hello-1.0.0-1.noarch.rpm");
    let Some(host) = Host::of(manager, &shop, &rpm, &server.url()) else { return };
    host.ok(&["install", "hello"]);
    assert_eq!(host.root.ok(&["hello"]).trim(), "hello 1.0.0");
    shop.publish("hello", "1.1.0");
    shop.publish("other", "0.1.0");
    host.ok(&["upgrade", "hello"]);
    assert_eq!(host.root.ok(&["hello"]).trim(), "hello 1.1.0");
    tampered(&host, &shop);
}

fn repodata(shop: &Shop, list: &str) -> std::path::PathBuf {
    let folder = shop.at("repository/repodata");
    let root = fs::read_to_string(folder.join("repomd.xml")).unwrap();
    let name = root.split('"').find_map(|word| word.strip_prefix("repodata/").filter(|name| name.contains(list)));
    folder.join(name.unwrap())
}

/// Changes a file, looks at what comes of it, and takes the change back.
fn with_change(path: &Path, change: impl FnOnce(&mut Vec<u8>), look: impl FnOnce()) {
    let was = fs::read(path).unwrap();
    let mut bytes = was.clone();
    change(&mut bytes);
    assert_ne!(bytes, was);
    fs::write(path, bytes).unwrap();
    look();
    fs::write(path, &was).unwrap();
}

fn flip(bytes: &mut [u8]) {
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
}

fn tampered(host: &Host, shop: &Shop) {
    let other = ["install", "other"];
    let digests = ["checksum", "digest", "corrupt", "does not match"];
    let package = shop.at("repository/Packages/o/other-0.1.0-1.noarch.rpm");
    with_change(&package, |bytes| flip(bytes), || host.refuses(&other, &digests));
    // What is named by the root is another.
    host.trust(shop, "key");
    with_change(&repodata(shop, "primary"), |bytes| flip(bytes), || host.refuses(&other, &digests));
    // What is signed.
    host.trust(shop, "key");
    let damage = |bytes: &mut Vec<u8>| {
        let text = String::from_utf8(bytes.clone()).unwrap().replace("<revision>1", "<revision>2");
        *bytes = text.into_bytes();
    };
    with_change(&shop.at("repository/repodata/repomd.xml"), damage, || {
        host.refuses(&other, &["signature", "gpg", "bad"]);
    });
    // Another key.
    key(shop.folder.path(), "stranger");
    host.trust(shop, "stranger");
    host.refuses(&other, &["signature", "gpg", "key"]);
    host.trust(shop, "key");
    host.ok(&other);
}

#[test]
fn dnf_4_lives_on_a_repository() {
    life(Manager::Dnf4);
}

#[test]
fn dnf_5_lives_on_a_repository() {
    life(Manager::Dnf5);
}

#[test]
fn zypper_lives_on_a_repository() {
    life(Manager::Zypper);
}

/// A host that has nothing of the repository is set up by its file, and by the package with the keys.
fn set_up(manager: Manager) {
    let shop = Shop::new("");
    let server = Server::of(&shop.at("repository"));
    let front = format!("url = \"{}\"\ntitle = \"Söhne & Co\"\n", server.url());
    fs::write(shop.at("tables"), TABLES.to_owned() + &front).unwrap();
    shop.publish("hello", "1.0.0");
    let rpm = shop.at("hello-1.0.0/dist/hello-1.0.0-1.noarch.rpm");
    let Some(host) = Host::of(manager, &shop, &rpm, &server.url()) else { return };
    let file = fs::read_to_string(shop.at("repository/s-hne-co.repo")).unwrap();
    let page = fs::read_to_string(shop.at("repository/index.html")).unwrap();
    let zypper = manager == Manager::Zypper;
    let folder = if zypper { "/etc/zypp/repos.d" } else { "/etc/yum.repos.d" };
    let typed = if zypper {
        format!("sudo zypper addrepo {}/s-hne-co.repo", server.url())
    } else {
        format!("sudo curl -fsSLo {folder}/s-hne-co.repo {}/s-hne-co.repo", server.url())
    };
    assert!(page.contains(&format!(">{typed}</code>")) && file.contains("name=Söhne & Co\n"), "{page}\n{file}");
    fs::remove_file(host.root.at(&format!("{folder}/shop.repo"))).unwrap();
    host.root.sh("rm -f /key.asc; rm -rf /usr/lib/sysimage/rpm/* /var/lib/rpm/*");
    assert_eq!(manager.rpm(&host.root, &["--initdb"]).0, 0);
    if zypper {
        // libzypp does not understand what rpm 6 says of the signature of a package.
        host.root.write(&format!("{folder}/s-hne-co.repo"), &(file + "pkg_gpgcheck=0\n"), 0o644);
        host.root.ok(&["zypper", "--non-interactive", "--gpg-auto-import-keys", "refresh"]);
        host.ok(&["install", "hello"]);
        return;
    }
    host.root.write(&format!("{folder}/s-hne-co.repo"), &file, 0o644);
    host.ok(&["install", "hello"]);
    // By the package alone.
    fs::remove_file(host.root.at(&format!("{folder}/s-hne-co.repo"))).unwrap();
    host.ok(&["remove", "hello"]);
    host.root.sh("rm -rf /usr/lib/sysimage/rpm/* /var/lib/rpm/*");
    assert_eq!(manager.rpm(&host.root, &["--initdb"]).0, 0);
    let (_, rest) = page.split_once(">sudo dnf install http").unwrap();
    let (url, _) = rest.split_once("</code>").unwrap();
    host.ok(&["install", &format!("http{url}")]);
    let brought = fs::read_to_string(host.root.at(&format!("{folder}/s-hne-co.repo"))).unwrap();
    assert!(brought.contains("gpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-s-hne-co\n"), "{brought}");
    if manager == Manager::Dnf4 {
        // It looks for files of the machine that it runs on.
        let inside = format!("file://{}", host.root.path.display());
        host.root.write(&format!("{folder}/s-hne-co.repo"), &brought.replace("file://", &inside), 0o644);
    }
    host.ok(&["install", "hello"]);
    assert_eq!(host.root.ok(&["hello"]).trim(), "hello 1.0.0");
}

#[test]
fn dnf_4_is_set_up_as_the_page_says() {
    set_up(Manager::Dnf4);
}

#[test]
fn dnf_5_is_set_up_as_the_page_says() {
    set_up(Manager::Dnf5);
}

#[test]
fn zypper_is_set_up_as_the_page_says() {
    set_up(Manager::Zypper);
}

/// One that brings the keys of each time, and none where they are the same.
#[test]
fn the_release_package_follows_the_keys() {
    let front = "url = \"https://packages.example.org/yum\"\n";
    let shop = Shop::new(&(TABLES.to_owned() + front));
    shop.publish("hello", "1.0.0");
    shop.publish("hello", "1.1.0");
    let versions = || {
        let all = crate::shop::listed(&shop.at("repository/Packages"));
        let mut all: Vec<String> =
            all.lines().filter(|line| line.contains("hello-release-")).map(str::to_owned).collect();
        all.sort();
        all
    };
    assert_eq!(versions().len(), 1, "{:?}", versions());
    let folder = shop.at("hello-1.1.0");
    assert!(publish(&folder, &[]).contains("nothing to do"));
    key(shop.folder.path(), "next");
    let both = TABLES.replace("key.asc\" }]", "key.asc\" }, { file = \"@SHOP@/next.asc\" }]");
    fs::write(shop.at("tables"), both + front).unwrap();
    shop.publish("hello", "1.2.0");
    assert_eq!(versions().len(), 2, "{:?}", versions());
    let newest = versions().pop().unwrap();
    if is_there("rpmlint") {
        let said = finish(Command::new("rpmlint").arg(&newest).output().unwrap()).1;
        // It does not have our key, and nothing else is wrong.
        assert!(said.contains("1 errors") && said.contains("E: unknown-key"), "{said}");
    }
    let (code, _, stderr) = finish(fitout(&shop.at("hello-1.2.0")).args(["repo", "verify"]).output().unwrap());
    assert!(code == 0 && !stderr.contains("hello-release"), "{stderr}");
    // The page is made anew where its template is another, and nothing else is.
    let folder = shop.at("hello-1.2.0");
    let config = fs::read_to_string(folder.join("fitout.toml")).unwrap();
    let config = config.replace("license    = \"MIT\"", "license    = \"MIT\"\ntemplates  = \"own\"");
    fs::write(folder.join("fitout.toml"), config).unwrap();
    let (code, _, stderr) =
        finish(fitout(&folder).args(["templates", "eject", "publish/index.html"]).output().unwrap());
    assert_eq!(code, 0, "{stderr}");
    let root = fs::read(shop.at("repository/repodata/repomd.xml")).unwrap();
    let template = folder.join("own/publish/index.html.hbs");
    let own = fs::read_to_string(&template).unwrap().replace("<main>", "<main><p>Ours</p>");
    fs::write(&template, own).unwrap();
    publish(&folder, &[]);
    assert!(fs::read_to_string(shop.at("repository/index.html")).unwrap().contains("<main><p>Ours</p>"));
    assert_eq!(fs::read(shop.at("repository/repodata/repomd.xml")).unwrap(), root);
    assert!(publish(&folder, &[]).contains("nothing to do"));
}

#[test]
fn dnf_lives_on_a_bucket() {
    let Some(server) = moto::Server::start() else { return };
    server.open_to_all();
    let shop = Shop::new(&TABLES.replace("file:@SHOP@/repository", "s3://bucket/deep/yum"));
    let folder = shop.build("hello", "1.0.0-rc.1+build", "");
    let done = |folder: &Path| {
        let (code, stdout, stderr) = publish_to(&server, folder, &[]);
        assert_eq!(code, 0, "{stdout}{stderr}");
        stderr
    };
    done(&folder);
    let objects = server.objects();
    assert!(done(&folder).contains("nothing to do"));
    assert_eq!(server.objects(), objects);
    let rpm = fs::read_dir(folder.join("dist")).unwrap().map(|entry| entry.unwrap().path());
    let rpm = rpm.into_iter().find(|path| path.extension().is_some_and(|end| end == "rpm")).unwrap();
    let url = format!("http://127.0.0.1:{}/bucket/deep/yum", server.port);
    let Some(host) = Host::of(Manager::Dnf4, &shop, &rpm, &url) else { return };
    host.ok(&["install", "hello"]);
    done(&shop.build("hello", "1.0.0", ""));
    host.ok(&["upgrade", "hello"]);
    assert_eq!(host.root.ok(&["hello"]).trim(), "hello 1.0.0");
    let headers = server.head("/bucket/deep/yum/repodata/repomd.xml");
    assert!(headers.contains("no-cache") && headers.contains("application/xml"), "{headers}");
    let headers = server.head("/bucket/deep/yum/Packages/h/hello-1.0.0-1.noarch.rpm");
    assert!(headers.contains("immutable") && headers.contains("application/x-rpm"), "{headers}");

    let (publishers, each) = if std::env::var_os("FITOUT_SOAK").is_some() { (16, 13) } else { (3, 3) };
    let folders: Vec<Vec<_>> = (0..publishers)
        .map(|publisher| (0..each).map(|at| shop.build(&format!("p{publisher}"), &format!("1.{at}"), "")).collect())
        .collect();
    std::thread::scope(|scope| {
        for folders in &folders {
            scope.spawn(move || folders.iter().for_each(|folder| drop(done(folder))));
        }
    });
    let ask = |words: &[&str]| {
        let (code, stdout, stderr) = finish(fitout(&folder).args(words).envs(server.variables()).output().unwrap());
        assert_eq!(code, 0, "{stdout}{stderr}");
        stdout
    };
    // Two versions of each are kept.
    assert_eq!(ask(&["repo", "list"]).lines().filter(|line| line.contains(" p")).count(), publishers * 2);
    ask(&["repo", "verify"]);
}

#[test]
fn the_same_package_is_published_once() {
    let shop = Shop::new(TABLES);
    shop.publish("hello", "1.0.0");
    let folder = shop.at("hello-1.0.0");
    let before = crate::shop::listed(&shop.at("repository"));
    assert!(publish(&folder, &[]).contains("nothing to do"));
    assert!(publish(&folder, &["--dry-run"]).contains("0 objects"));
    let receipt: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.join("dist/receipt.json")).unwrap()).unwrap();
    let signed = &receipt["receipts"][0]["signed"][0];
    assert_ne!(signed["built"], signed["sent"], "{receipt}");
    let digest = |path: &Path| tool("sha256sum", &[path.to_str().unwrap()]).unwrap()[..64].to_owned();
    assert_eq!(signed["built"], digest(&folder.join("dist/hello-1.0.0-1.noarch.rpm")));
    assert_eq!(signed["sent"], digest(&shop.at("repository/Packages/h/hello-1.0.0-1.noarch.rpm")));

    shop.build("hello", "1.0.0", "again");
    let (code, _, stderr) = try_publish(&folder, &[]);
    assert!(code == 2 && stderr.contains("publish/other-bytes"), "{stderr}");
    assert_eq!(crate::shop::listed(&shop.at("repository")), before);
    publish(&folder, &["--replace"]);
    let receipt: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.join("dist/receipt.json")).unwrap()).unwrap();
    assert!(receipt["receipts"][0]["unsigned_ms"].is_u64(), "{receipt}");
    let (_, stdout, _) = finish(fitout(&folder).args(["repo", "list"]).output().unwrap());
    assert_eq!(stdout.lines().count(), 1, "{stdout}");
    // The old one is there for those who have the old list.
    assert_eq!(crate::shop::listed(&shop.at("repository/Packages")).lines().count(), 2);

    // A new key: what is signed by the old one is the same package still, and those that come are signed by the new one.
    fs::rename(shop.at("key.asc"), shop.at("old.asc")).unwrap();
    key(shop.folder.path(), "key");
    let tables =
        TABLES.replace("{ file = \"@SHOP@/key.asc\" }", "{ file = \"@SHOP@/key.asc\" }, { file = \"@SHOP@/old.asc\" }");
    fs::write(shop.at("tables"), tables).unwrap();
    shop.build("hello", "1.0.0", "again");
    publish(&folder, &[]);
    let (code, stdout, stderr) = finish(fitout(&folder).args(["repo", "verify"]).output().unwrap());
    assert_eq!(code, 0, "{stdout}{stderr}");
}

#[test]
fn the_signature_of_one_that_was_killed_is_made_up_for() {
    let shop = Shop::new(TABLES);
    shop.publish("hello", "1.0.0");
    let folder = shop.at("hello-1.0.0");
    let signature = shop.at("repository/repodata/repomd.xml.asc");
    let old = fs::read(&signature).unwrap();
    publish(&shop.build("hello", "1.1.0", ""), &[]);
    let verify = || finish(fitout(&folder).args(["repo", "verify"]).output().unwrap());
    // The root is new, the signature that of the old one; then there is none.
    fs::write(&signature, old).unwrap();
    let (code, _, stderr) = verify();
    assert!(code == 1 && stderr.contains("repo/signature"), "{stderr}");
    publish(&folder, &[]);
    assert_eq!(verify().0, 0);
    fs::remove_file(&signature).unwrap();
    fs::remove_file(shop.at("repository/repodata/repomd.xml.key")).unwrap();
    assert_eq!(verify().0, 1);
    publish(&folder, &[]);
    assert_eq!(verify().0, 0);
}
