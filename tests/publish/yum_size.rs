//! One package more in a large yum repository costs less than `createrepo_c --update`, and little memory.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::roots::{is_there, missing};
use crate::shop::Shop;
use crate::support::{root, tool};
use crate::yum::TABLES;

/// Makes of a repository of one package one of many, with files that are empty: neither tool reads them.
const MANY: &str = r#"
import glob, gzip, hashlib, os, re, sys
folder, count, files = sys.argv[1], int(sys.argv[2]), sys.argv[3] == 'files'
sha = lambda data: hashlib.sha256(data).hexdigest()
root = open(folder + '/repodata/repomd.xml').read()
for kind in ('primary', 'filelists', 'other'):
    path, = glob.glob(folder + '/repodata/*-%s.xml.gz' % kind)
    packed = open(path, 'rb').read()
    text = gzip.decompress(packed).decode()
    head, chunk, tail = re.fullmatch('(.*?)(<package .*</package>\n)(.*)', text, re.S).groups()
    def one(at):
        new = re.sub('[0-9a-f]{64}', sha(b'%d' % at), chunk)
        return re.sub('(>|name="|/)hello', r'\g<1>hello%d' % at, new)
    new = head.replace('packages="1"', 'packages="%d"' % count) + ''.join(map(one, range(count))) + tail
    again = gzip.compress(new.encode(), 6, mtime=0)
    name = 'repodata/%s-%s.xml.gz' % (sha(again), kind)
    open(folder + '/' + name, 'wb').write(again)
    os.remove(path)
    root = root.replace('repodata/' + os.path.basename(path), name).replace(sha(packed), sha(again))
    root = root.replace(sha(text.encode()), sha(new.encode()))
    root = root.replace('<size>%d<' % len(packed), '<size>%d<' % len(again))
    root = root.replace('<open-size>%d<' % len(text.encode()), '<open-size>%d<' % len(new.encode()))
open(folder + '/repodata/repomd.xml', 'w').write(root)
if files:
    for at in range(count):
        open(folder + '/hello%d.rpm' % at, 'w').close()
"#;

/// Runs a program; seconds of its CPU time, and the most KiB of memory that it had.
fn cost(folder: &Path, words: &[&str]) -> (f64, u64) {
    const MEASURE: &str = "import resource, subprocess, sys\n\
                           subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)\n\
                           r = resource.getrusage(resource.RUSAGE_CHILDREN)\nprint(r.ru_utime + r.ru_stime, r.ru_maxrss)";
    let output = Command::new("python3").args(["-c", MEASURE]).args(words).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).unwrap();
    let (seconds, memory) = said.trim().split_once(' ').unwrap();
    (seconds.parse().unwrap(), memory.parse().unwrap())
}

/// A repository of so many packages at a place.
fn many(place: &Path, rpm: &Path, count: usize, files: bool) {
    fs::create_dir_all(place).unwrap();
    fs::copy(rpm, place.join("hello.rpm")).unwrap();
    tool("createrepo_c", &["--quiet", "--no-database", place.to_str().unwrap()]).unwrap();
    fs::remove_file(place.join("hello.rpm")).unwrap();
    let files = if files { "files" } else { "" };
    tool("python3", &["-c", MANY, place.to_str().unwrap(), &count.to_string(), files]).unwrap();
}

#[test]
fn one_package_more_beside_createrepo() {
    if !missing(&["createrepo_c"].into_iter().filter(|tool| !is_there(tool)).collect::<Vec<_>>()) {
        return;
    }
    let shop = Shop::new(TABLES);
    let folder = shop.build("other", "1.0.0", "");
    let rpm = shop.build("hello", "1.0.0", "").join("dist/hello-1.0.0-1.noarch.rpm");
    let (own, theirs) = (shop.at("repository"), shop.at("createrepo"));
    many(&own, &rpm, 10_000, false);
    many(&theirs, &rpm, 10_000, true);
    fs::copy(folder.join("dist/other-1.0.0-1.noarch.rpm"), theirs.join("other.rpm")).unwrap();
    let program = env!("CARGO_BIN_EXE_fitout");
    let (fitout, memory) = cost(&folder, &[program, "publish", "--quiet", "--replace"]);
    let place = theirs.to_str().unwrap();
    let words = ["createrepo_c", "--quiet", "--update", "--skip-stat", "--no-database", place];
    let (createrepo, _) = cost(root(), &words);
    let ratio = fitout / createrepo;
    println!("10,000 packages: {fitout:.2} s of CPU, createrepo_c {createrepo:.2} s, ratio {ratio:.2}; {memory} KiB");
    assert!(memory <= 300 << 10, "{memory} KiB");
    // Every one is there still.
    assert!(fs::read_to_string(own.join("repodata/repomd.xml")).unwrap().contains("<revision>"));
    let listed =
        tool("sh", &["-c", &format!("gzip -dc {}/repodata/*-primary.xml.gz | grep -c '<name>'", own.display())]);
    assert_eq!(listed.unwrap().trim(), "20001", "of the old list and of the new one");
}

#[test]
fn a_hundred_thousand_packages_take_little_memory() {
    if !missing(&["createrepo_c"].into_iter().filter(|tool| !is_there(tool)).collect::<Vec<_>>()) {
        return;
    }
    let count = if std::env::var_os("FITOUT_SOAK").is_some() { 100_000 } else { 30_000 };
    let shop = Shop::new(TABLES);
    let folder = shop.build("other", "1.0.0", "");
    let rpm = shop.build("hello", "1.0.0", "").join("dist/hello-1.0.0-1.noarch.rpm");
    many(&shop.at("repository"), &rpm, count, false);
    let (seconds, memory) = cost(&folder, &[env!("CARGO_BIN_EXE_fitout"), "publish", "--quiet", "--replace"]);
    println!("{count} packages: {seconds:.2} s of CPU, {memory} KiB");
    assert!(memory <= 300 << 10, "{memory} KiB");
}
