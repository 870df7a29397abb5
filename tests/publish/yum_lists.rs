//! The lists of a yum repository say of each package what `createrepo_c` says, and both go on from what the other left.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use fitout::publish::yum::{Packing, Settings, Yum};
use fitout::publish::{Parcel, Work};
use fitout::run::Artifact;
use fitout::store::Folder;
use sha2::{Digest as _, Sha256};

use crate::roots::{is_there, missing};
use crate::shop::Shop;
use crate::support::{finish, fitout, tool};

/// Everything that lists tell, and what needs escaping.
const ODD: &str = r#"Name: odd
Version: 1.2~rc1
Release: 3.el9
Epoch: 2
Summary: Odd & <things> "quoted"
License: MIT and "x"
Vendor: V & Co
Packager: P <p@example.org>
Group: Apps
URL: https://example.org/?a=1&b=2
Requires: foo >= 1:2.0-1
Requires: foo >= 1:2.0-1
Requires: /usr/bin/odd
Requires(pre): /bin/sh
Requires(post): /bin/sh
Requires(post): bar
Requires(preun): bar
Requires: bar
Requires: (a or b)
Provides: p = 2
Provides: q
Obsoletes: o < 3
Conflicts: c > 1
Conflicts: c <= 0.1-7
Recommends: r
Suggests: s
Supplements: su
Enhances: e = 4:5
%description
Line <1>  é

  Line 2
%install
mkdir -p %{buildroot}/usr/bin %{buildroot}/etc/odd %{buildroot}/usr/share/odd %{buildroot}/usr/lib
cp /bin/true %{buildroot}/usr/bin/odd
echo a > %{buildroot}/etc/odd/a.conf
echo '#!/usr/bin/perl' > %{buildroot}/usr/share/odd/s.pl; chmod 755 %{buildroot}/usr/share/odd/s.pl
ln -s a.conf %{buildroot}/etc/odd/l
ln -s ../bin/odd %{buildroot}/usr/lib/sendmail
touch "%{buildroot}/usr/share/odd/a & 'b' <c>"
%post
echo
%files
/usr/bin/odd
/usr/lib/sendmail
%dir /etc/odd
%config(noreplace) /etc/odd/a.conf
/etc/odd/l
/usr/share/odd
%ghost /var/log/odd.log
%ghost %dir /var/lib/odd
%changelog
* Tue Jan 02 2024 A B <a@example.org> - 1.2-3
- x <&> "y"
- second

* Tue Jan 02 2024 A B <a@example.org>
- on the same day

* Tue Jan 02 2024 C
- and again

* Mon Jan 01 2024 A B <a@example.org>
- older
"#;

/// Says what three lists have of each package, one line a fact, but for the time of files.
const FACTS: &str = r#"
import gzip, subprocess, sys, xml.etree.ElementTree as E
folder = sys.argv[1]
def opened(path):
    data = open(path, 'rb').read()
    return gzip.decompress(data) if data[:2] == b'\x1f\x8b' else subprocess.run(['zstd', '-dc'], input=data, capture_output=True, check=True).stdout
root = E.parse(folder + '/repodata/repomd.xml').getroot()
N = '{http://linux.duke.edu/metadata/repo}'
out = []
def walk(at, element):
    at = at + '/' + element.tag.split('}')[-1]
    attributes = {k: v for k, v in element.attrib.items() if not (at.endswith('/time') and k == 'file')}
    out.append(f"{at} {sorted(attributes.items())} {(element.text or '').strip()!r}")
    for child in element: walk(at, child)
for data in root.findall(N + 'data'):
    kind = data.get('type')
    if kind not in ('primary', 'filelists', 'other'): continue
    content = E.fromstring(opened(folder + '/' + data.find(N + 'location').get('href')))
    assert int(content.get('packages')) == len(content), kind
    def name(p):
        c = p.find('{http://linux.duke.edu/metadata/common}checksum')
        return p.get('pkgid') if c is None else c.text
    for package in sorted(content, key=name):
        walk(kind + ':' + name(package), package)
print('\n'.join(out))
"#;

fn facts(folder: &Path) -> Vec<String> {
    let said = tool("python3", &["-c", FACTS, folder.to_str().unwrap()]).expect("lists that can be parsed");
    said.lines().map(str::to_owned).collect()
}

fn rpmbuild(folder: &Path, spec: &str) {
    let top = tempfile::tempdir().unwrap();
    fs::write(top.path().join("package.spec"), spec).unwrap();
    let output = Command::new("rpmbuild")
        .args(["-bb", "--quiet", "--define", &format!("_topdir {}", top.path().display())])
        .args(["--define", &format!("_rpmdir {}", folder.display()), "--define", "_build_name_fmt %%{NAME}.rpm"])
        .arg(top.path().join("package.spec"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Publishes packages of any origin, unsigned.
fn publish(repository: &Path, packing: Packing, rpms: &[PathBuf]) {
    let parcel = |path: &PathBuf| {
        let bytes = fs::read(path).unwrap();
        let artifact = Artifact {
            format: "rpm",
            targets: Vec::new(),
            file: path.file_name().unwrap().to_str().unwrap().to_owned(),
            arch: String::new(),
            version: String::new(),
            size: bytes.len() as u64,
            sha256: Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect(),
        };
        Parcel::new(artifact, path.clone())
    };
    let yum = Yum {
        place: Box::new(Folder::new(repository.to_owned())),
        settings: Settings {
            channel: "stable".into(),
            title: "hello".into(),
            description: "Packages of hello".into(),
            owner: "hello".into(),
            maintainer: String::new(),
            keep: None,
            packing,
        },
        front: None,
        replace: false,
        signer: None,
        now: fitout::resolve::clock::now,
    };
    let parcels: Vec<Parcel> = rpms.iter().map(parcel).collect();
    let parcels: Vec<&Parcel> = parcels.iter().collect();
    Work::Publish(&parcels).send(&yum, &fitout::listener::Silent).map_err(|halted| halted.findings).unwrap();
}

fn packages(folder: &Path) -> Vec<PathBuf> {
    let shop = Shop::new("");
    rpmbuild(folder, ODD);
    let plain =
        "Name: plain\nVersion: 0\nRelease: 1\nSummary: x\nLicense: x\nBuildArch: noarch\n%description\nx\n%files\n";
    rpmbuild(folder, plain);
    shop.build("hello", "1.0.0", "");
    fs::copy(shop.at("hello-1.0.0/dist/hello-1.0.0-1.noarch.rpm"), folder.join("hello.rpm")).unwrap();
    let arch = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    let mut rpms: Vec<PathBuf> = vec![folder.join("hello.rpm")];
    for sub in arch {
        rpms.extend(fs::read_dir(sub).unwrap().map(|entry| entry.unwrap().path()));
    }
    rpms.extend(
        fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|p| p.is_file() && !p.ends_with("hello.rpm")),
    );
    rpms.sort();
    rpms
}

#[test]
fn lists_say_what_createrepo_says() {
    if !missing(&["createrepo_c", "rpmbuild", "zstd"].into_iter().filter(|tool| !is_there(tool)).collect::<Vec<_>>()) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let rpms = packages(folder.path());
    assert_eq!(rpms.len(), 3, "{rpms:?}");
    let mut all = Vec::new();
    for (name, packing) in [("gzip", Packing::Gzip), ("zstd", Packing::Zstd)] {
        let (own, other) = (folder.path().join(name), folder.path().join(format!("{name}-createrepo")));
        // One after the other: what is there is copied.
        for rpm in &rpms {
            publish(&own, packing, std::slice::from_ref(rpm));
        }
        fs::create_dir(&other).unwrap();
        let words = ["--quiet", "--no-database", "-o", other.to_str().unwrap(), own.to_str().unwrap()];
        tool("createrepo_c", &words).unwrap();
        let (own, other) = (facts(&own), facts(&other));
        assert!(own.iter().any(|fact| fact.contains("a & 'b' <c>")), "{own:?}");
        // Two differences are known: the time of files is that of the build, and createrepo_c says a requirement twice if one of the same
        // name for another moment stands between.
        let only = |these: &[String], those: &[String]| -> Vec<String> {
            these.iter().filter(|fact| !those.contains(fact)).cloned().collect()
        };
        assert_eq!((only(&own, &other), only(&other, &own)), (Vec::new(), Vec::new()));
        let once = |facts: &[String]| -> Vec<String> {
            let mut seen = std::collections::BTreeSet::new();
            facts.iter().filter(|fact| seen.insert(*fact)).cloned().collect()
        };
        assert_eq!(once(&own), once(&other));
        all.push(own);
    }
    assert_eq!(all[0], all[1]);
}

#[test]
fn createrepo_and_fitout_go_on_from_each_other() {
    if !missing(&["createrepo_c", "rpmbuild", "zstd"].into_iter().filter(|tool| !is_there(tool)).collect::<Vec<_>>()) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let rpms = packages(folder.path());
    let repository = folder.path().join("repository");
    let place = repository.to_str().unwrap();
    // createrepo_c begins, with a database and notes on updates of its own.
    fs::create_dir_all(&repository).unwrap();
    fs::copy(&rpms[0], repository.join("first.rpm")).unwrap();
    tool("createrepo_c", &["--quiet", "--database", place]).unwrap();
    let notes = folder.path().join("updateinfo.xml");
    fs::write(&notes, "<updates><update><id>1</id></update></updates>").unwrap();
    tool("modifyrepo_c", &[notes.to_str().unwrap(), &format!("{place}/repodata")]).unwrap();
    publish(&repository, Packing::Gzip, &rpms[1..]);
    let root = fs::read_to_string(repository.join("repodata/repomd.xml")).unwrap();
    assert!(root.contains("type=\"updateinfo\"") && !root.contains("_db"), "{root}");
    let before = facts(&repository);
    assert_eq!(before.iter().filter(|fact| fact.starts_with("primary") && fact.contains("/package/name ")).count(), 3);
    // And takes what was published by what the lists say, without reading a package.
    let said = tool("createrepo_c", &["--verbose", "--update", "--skip-stat", "--no-database", place]);
    assert!(said.is_some());
    assert_eq!(facts(&repository), before);
    let (code, stdout, stderr) = finish(fitout(folder.path()).args(["repo", "verify", place]).output().unwrap());
    assert_eq!(code, 0, "{stdout}{stderr}");
}
