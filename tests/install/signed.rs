//! What package managers say of our signatures: apt with gpgv and with sqv, rpm 6, dnf 5 and zypper.

use std::fs;
use std::process::Command;
use std::sync::Arc;

use fitout::config::schema::{At, Sign, SignKey};
use fitout::diagnostic::SourceText;
use fitout::resolve::clock::now;
use fitout::sign::{self, Algorithm, Ground, NewKey, Signer};
use sha2::{Digest as _, Sha256};

use crate::roots::{BOOKWORM, Root, Suite, TESTING, TRIXIE, is_there, missing};
use crate::support::{artifact_of, project, run};

const DAY: i64 = 86_400;

/// Keys in a folder of their own.
struct Keys {
    folder: tempfile::TempDir,
}

impl Keys {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// Makes a key of yesterday.
    fn make(&self, name: &str, algorithm: Algorithm) -> &Self {
        self.make_of(name, algorithm, now() - DAY, 200)
    }

    /// Makes a key that lives for so many days.
    fn make_of(&self, name: &str, algorithm: Algorithm, created: i64, life: u32) -> &Self {
        let user_id = &format!("{name} <{name}@example.org>");
        let new = NewKey { user_id, algorithm, created, life: Some(life * 86_400), passphrase: None };
        fs::write(self.folder.path().join(name), sign::generate(&new).unwrap()).unwrap();
        self
    }

    /// These keys together; `at` is when they are judged, so that one that is over can be had.
    fn signer(&self, names: &[&str], at: i64) -> Signer {
        let here = |value: &str| At { value: value.to_owned(), range: 0..0 };
        let key = |name: &&str| At { value: SignKey { file: Some(here(name)), ..SignKey::default() }, range: 0..0 };
        let sign = Sign { keys: names.iter().map(key).collect(), ..Sign::default() };
        let source = Arc::new(SourceText { name: "fitout.toml".into(), text: String::new() });
        let ground = Ground {
            source: &source,
            folder: self.folder.path(),
            variables: &std::collections::BTreeMap::new(),
            now: at,
        };
        sign::open(&sign, ground).unwrap().0
    }
}

fn package(format: &str, more: &str) -> (tempfile::TempDir, std::path::PathBuf) {
    let config = format!(
        "[package]\nname = \"signed\"\nversion = \"1.0\"\nsummary = \"Is signed\"\n\
         maintainer = \"Ops Team <ops@example.org>\"\nlicense = \"MIT\"\n[build]\npreset = \"plain\"\n\
         [[files]]\ntext = \"x\"\nto = \"/usr/share/signed/x\"\n{more}"
    );
    let folder = project(&[("fitout.toml", &config)]);
    let (code, _, stderr) = run(folder.path(), &["build", "--format", format]);
    assert_eq!(code, 0, "{stderr}");
    let artifact = artifact_of(folder.path(), &format!(".{format}"));
    (folder, artifact)
}

/// A flat repository in a root, with a list of sources that trusts `ring`.
struct Repository {
    root: Root,
    release: String,
}

impl Repository {
    fn new(suite: &Suite, ring: &[u8], ring_name: &str) -> Option<Self> {
        let root = Root::of(suite)?;
        let (_folder, deb) = package("deb", "");
        fs::create_dir_all(root.at("/repository")).unwrap();
        fs::copy(&deb, root.at("/repository/signed.deb")).unwrap();
        let scanned = Command::new("dpkg-scanpackages").arg(".").current_dir(root.at("/repository")).output().unwrap();
        assert!(scanned.status.success());
        fs::write(root.at("/repository/Packages"), &scanned.stdout).unwrap();
        fs::create_dir_all(root.at("/etc/apt/keyrings")).unwrap();
        fs::write(root.at("/etc/apt/keyrings").join(ring_name), ring).unwrap();
        root.sh("rm -rf /etc/apt/sources.list /etc/apt/sources.list.d/*");
        let line = format!("deb [signed-by=/etc/apt/keyrings/{ring_name}] file:/repository ./\n");
        root.write("/etc/apt/sources.list", &line, 0o644);
        let digest: String = Sha256::digest(&scanned.stdout).iter().map(|byte| format!("{byte:02x}")).collect();
        let date = fitout::codec::calendar::rfc5322(now() - 60).replace("+0000", "UTC");
        let release = format!("Origin: test\nDate: {date}\nSHA256:\n {digest} {} Packages\n", scanned.stdout.len());
        Some(Self { root, release })
    }

    /// Whether apt takes it with this signature, and whether it installs from it.
    fn taken(&self, in_release: Option<&[u8]>, detached: Option<&[u8]>) -> bool {
        self.root.sh("rm -rf /var/lib/apt/lists/* /repository/*Release*");
        let put = |name: &str, bytes: &[u8]| fs::write(self.root.at("/repository").join(name), bytes).unwrap();
        if let Some(in_release) = in_release {
            put("InRelease", in_release);
        }
        if let Some(detached) = detached {
            put("Release", self.release.as_bytes());
            put("Release.gpg", detached);
        }
        let (code, said) = self.root.run(&["apt-get", "update"]);
        assert!(code == 0 || said.contains("signature"), "{said}");
        if code == 0 && !said.contains("\nW: ") && !said.contains("\nErr:") {
            self.root.ok(&["apt-get", "install", "-y", "--no-install-recommends", "--reinstall", "signed"]);
            return true;
        }
        assert!(said.contains("not signed") || said.contains("signature"), "{said}");
        false
    }
}

fn apt(suite: &Suite) {
    let lacking: Vec<&str> = ["dpkg-scanpackages"].into_iter().filter(|tool| !is_there(tool)).collect();
    if !missing(&lacking) {
        return;
    }
    let keys = Keys::new();
    keys.make("ed", Algorithm::Ed25519).make("rsa", Algorithm::Rsa3072).make("foreign", Algorithm::Ed25519);
    let ed = keys.signer(&["ed"], now());
    for (ring, name) in [(ed.certificates(), "ed.asc"), (ed.certificates_binary(), "ed.gpg")] {
        let Some(repository) = Repository::new(suite, &ring.unwrap(), name) else { return };
        let clear =
            |names: &[&str]| keys.signer(names, now()).sign_clear(repository.release.as_bytes(), now()).unwrap();
        let detached = keys.signer(&["ed"], now()).sign_detached(repository.release.as_bytes(), now()).unwrap();
        assert!(repository.taken(Some(&clear(&["ed"])), None));
        assert!(repository.taken(None, Some(&detached)));
        // A host has one key of two: in whichever order they sign.
        assert!(repository.taken(Some(&clear(&["ed", "rsa"])), None));
        assert!(repository.taken(Some(&clear(&["rsa", "ed"])), None));
        assert!(!repository.taken(Some(&clear(&["foreign"])), None));
        let altered = String::from_utf8(clear(&["ed"])).unwrap().replace("Origin: test", "Origin: evil");
        assert!(!repository.taken(Some(altered.as_bytes()), None));
    }
    // A ring of two keys, one of which made the signature.
    let both = keys.signer(&["ed", "rsa"], now()).certificates().unwrap();
    let Some(repository) = Repository::new(suite, &both, "both.asc") else { return };
    for name in ["ed", "rsa"] {
        let signed = keys.signer(&[name], now()).sign_clear(repository.release.as_bytes(), now()).unwrap();
        assert!(repository.taken(Some(&signed), None), "{name}");
    }
}

#[test]
fn apt_with_gpgv_takes_our_signatures_and_no_others() {
    apt(&BOOKWORM);
}

#[test]
fn apt_with_sqv_takes_our_signatures_and_no_others() {
    apt(&TRIXIE);
}

/// What a key that is over signs is worth nothing, and fitout says so. apt of Debian 12 passes it over where both keys are in
/// one ring.
#[test]
fn a_signature_by_an_expired_key_is_worth_nothing() {
    let keys = Keys::new();
    let long_ago = now() - 300 * DAY;
    keys.make_of("good", Algorithm::Ed25519, long_ago, 600).make_of("over", Algorithm::Ed25519, long_ago, 200);
    // fitout itself takes both on a day on which both are good only.
    let both = keys.signer(&["good", "over"], long_ago + DAY);
    let ring = both.certificates_binary().unwrap();
    let Some(repository) = Repository::new(&BOOKWORM, &ring, "ring.gpg") else { return };
    let release = repository.release.as_bytes();
    let good = keys.signer(&["good"], now()).sign_clear(release, now()).unwrap();
    assert!(repository.taken(Some(&good), None));
    let both = both.sign_clear(release, now()).unwrap();
    assert!(repository.taken(Some(&both), None));
    let over = keys.signer(&["over"], long_ago + DAY).sign_clear(release, now()).unwrap();
    assert!(!repository.taken(Some(&over), None));
    let ring = sign::read_certificates("ring", &ring).unwrap();
    assert!(sign::verify_clear(&ring, &good, now()).is_ok());
    let error = sign::verify_clear(&ring, &both, now()).unwrap_err();
    assert!(error.to_string().ends_with("the key has expired"), "{error}");
}

/// Two versions of the format and two algorithms, under the policy of rpm 6 and of Fedora 45.
#[test]
fn rpm_6_installs_nothing_else() {
    let Some(root) = Root::of(&TESTING) else { return };
    let keys = Keys::new();
    keys.make("ed", Algorithm::Ed25519).make("rsa", Algorithm::Rsa4096).make("foreign", Algorithm::Ed25519);
    let strict = |words: &[&str]| root.run(&[&["rpm", "--define", "_pkgverify_level all"], words].concat());
    for name in ["ed", "rsa"] {
        fs::write(root.at(&format!("/{name}.asc")), keys.signer(&[name], now()).certificates().unwrap()).unwrap();
        root.ok(&["rpm", "--import", &format!("/{name}.asc")]);
    }
    for version in ["v4", "v6"] {
        let (_folder, rpm) = package("rpm", &format!("[format.rpm]\nformat-version = \"{version}\"\n"));
        // With two keys the first one signs: a host may have one of them only.
        for names in [&["ed"][..], &["rsa"], &["ed", "foreign"]] {
            sign::sign_rpm(&rpm, &root.at("/signed.rpm"), &keys.signer(names, now()), now()).unwrap();
            assert_eq!(root.ok(&["rpm", "-K", "/signed.rpm"]), "/signed.rpm: digests signatures OK\n");
            let (code, said) = strict(&["-U", "--nodeps", "--force", "/signed.rpm"]);
            assert_eq!((code, said.as_str()), (0, ""), "{version} {names:?}");
        }
        sign::sign_rpm(&rpm, &root.at("/foreign.rpm"), &keys.signer(&["foreign"], now()), now()).unwrap();
        let (code, said) = strict(&["-U", "--nodeps", "--force", "/foreign.rpm"]);
        assert!(code != 0 && said.contains("NOKEY"), "{said}");
    }
}

/// An rpm repository that is signed by two keys, on hosts that have one of them: the first, which signs the packages, too.
/// dnf takes the metadata with either; zypper asks for the key of the last signature.
/// Installs from a repository that the second keys signed, with the first as the known ones; exit code, what it said.
type Install<'a> = &'a dyn Fn(&str, &[&str]) -> (i32, String);

/// Whatever keys sign, one that is known is enough; a foreign one is not.
fn takes_either(install: Install<'_>) {
    for (key, names) in [
        ("old", &["old"][..]),
        ("old", &["old", "new"]),
        ("new", &["new", "old"]),
        ("old+new", &["new"]),
        ("new+old", &["new", "old"]),
    ] {
        let (code, said) = install(key, names);
        assert_eq!(code, 0, "{key} of {names:?}\n{said}");
    }
    let (code, said) = install("old", &["foreign"]);
    assert!(code != 0 && said.to_lowercase().contains("sign"), "{said}");
}

#[test]
fn dnf_and_zypper_take_a_repository_of_two_keys() {
    let lacking: Vec<&str> = ["createrepo_c", "dnf"].into_iter().filter(|tool| !is_there(tool)).collect();
    if !missing(&lacking) {
        return;
    }
    let Some(root) = Root::of(&TESTING) else { return };
    let keys = Keys::new();
    keys.make("old", Algorithm::Rsa3072).make("new", Algorithm::Ed25519).make("foreign", Algorithm::Ed25519);
    let repository = root.at("/repository");
    fs::create_dir_all(&repository).unwrap();
    let (_folder, rpm) = package("rpm", "");
    let publish = |names: &[&str]| {
        let signer = keys.signer(names, now());
        sign::sign_rpm(&rpm, &repository.join("signed.rpm"), &signer, now()).unwrap();
        let made = Command::new("createrepo_c").arg("--quiet").arg(&repository).status().unwrap();
        assert!(made.success());
        let repomd = fs::read(repository.join("repodata/repomd.xml")).unwrap();
        fs::write(repository.join("repodata/repomd.xml.asc"), signer.sign_detached(&repomd, now()).unwrap()).unwrap();
    };
    // Of one key, or of several in one block.
    let ring = |key: &str| keys.signer(&key.split('+').collect::<Vec<_>>(), now()).certificates().unwrap();
    let dnf = |key: &str, names: &[&str]| {
        publish(names);
        fs::write(repository.join("key.asc"), ring(key)).unwrap();
        let repo = "[app]\nname=app\nbaseurl=file:///repository\nenabled=1\ngpgcheck=1\nrepo_gpgcheck=1\ngpgkey=file:///repository/key.asc\n";
        root.write("/etc/yum.repos.d/app.repo", repo, 0o644);
        root.sh("rm -rf /var/cache/libdnf5 /var/lib/dnf /usr/lib/sysimage/rpm/* /var/lib/rpm/*; rpm --initdb");
        let words =
            ["dnf5", "-y", "--refresh", "--releasever=9", "--disable-plugin=local", "--no-best", "install", "signed"];
        root.run(&words)
    };
    takes_either(&dnf);

    // The machine's own, with rpm 4, into an empty folder.
    let dnf4 = |key: &str, names: &[&str]| {
        publish(names);
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).display().to_string();
        fs::write(at("key.asc"), ring(key)).unwrap();
        fs::create_dir(at("repos")).unwrap();
        let repo = format!(
            "[app]\nname=app\nbaseurl=file://{}\nenabled=1\ngpgcheck=1\nrepo_gpgcheck=1\ngpgkey=file://{}\n",
            repository.display(),
            at("key.asc")
        );
        fs::write(at("repos/app.repo"), repo).unwrap();
        let mut command = Command::new("dnf");
        command.args(["-y", "--refresh", "--releasever=9", "install", "signed"]);
        command.arg(format!("--installroot={}", at("root")));
        command.arg(format!("--setopt=reposdir={}", at("repos")));
        crate::roots::said(command.arg(format!("--setopt=cachedir={}", at("cache"))))
    };
    takes_either(&dnf4);

    // libzypp does not understand what rpm 6 says of a package's signature: that of the repository is looked at.
    let zypper = |key: &str, names: &[&str]| {
        publish(names);
        root.sh("rm -rf /var/cache/zypp /usr/lib/sysimage/rpm/* /var/lib/rpm/*; rpm --initdb");
        fs::write(root.at("/key.asc"), ring(key)).unwrap();
        root.ok(&["rpm", "--import", "/key.asc"]);
        let repo =
            "[app]\nenabled=1\nautorefresh=1\nbaseurl=dir:/repository\ngpgcheck=1\nrepo_gpgcheck=1\npkg_gpgcheck=0\n";
        root.write("/etc/zypp/repos.d/app.repo", repo, 0o644);
        root.run(&["zypper", "--non-interactive", "refresh", "--force"])
    };
    for (key, names) in [
        ("old", &["old"][..]),
        ("old", &["old", "new"]),
        ("new", &["new", "old"]),
        ("old+new", &["new"]),
        ("new+old", &["new", "old"]),
    ] {
        let (code, said) = zypper(key, names);
        assert_eq!(code, 0, "{key} of {names:?}\n{said}");
    }
    let (code, said) = zypper("old", &["foreign"]);
    assert!(code != 0 && said.contains("ignature"), "{said}");
}
