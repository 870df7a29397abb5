//! Needs and provides of the real binaries of this machine, against rpm's `elfdeps` and `dpkg-shlibdeps`.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use fitout::assemble::elf;
use fitout::assemble::plan::ElfFile;
use fitout::formats::deb::shlibs;
use fitout::formats::rpm::elfdeps;

use crate::support::tool;

const ELFDEPS: &str = "/usr/lib/rpm/elfdeps";
const SCRIPT_REQ: &str = "/usr/lib/rpm/script.req";
const FOLDERS: &[&str] = &["/usr/lib/erlang", "/usr/bin", "/usr/sbin", "/usr/lib/x86_64-linux-gnu", "/usr/lib/gcc"];

/// Whether the tool is there; `program` is a name in `PATH` or a whole path.
fn have(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = Path::new(program).exists() || std::env::split_paths(&path).any(|folder| folder.join(program).exists());
    if !found {
        eprintln!("not compared: `{program}` is not installed");
        let required = std::env::var_os("FITOUT_REQUIRE_FOREIGN").is_some_and(|v| v == "1");
        assert!(!required, "`{program}` is not installed, and FITOUT_REQUIRE_FOREIGN=1 asks for it");
    }
    found
}

/// Every ELF file below the folders, in path order; links are left out.
fn binaries() -> Vec<(PathBuf, ElfFile)> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = FOLDERS.iter().map(PathBuf::from).collect();
    while let Some(folder) = folders.pop() {
        for entry in fs_err::read_dir(&folder).into_iter().flatten().flatten() {
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                let Ok(mut file) = fs_err::File::open(entry.path()) else { continue };
                let executable = entry.metadata().unwrap().permissions().mode() & 0o111 != 0;
                let facts =
                    elf::read(&mut file, executable).unwrap_or_else(|e| panic!("{}: {e}", entry.path().display()));
                found.extend(facts.map(|facts| (entry.path(), facts)));
            }
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

/// Runs `work` on each item, on all cores.
fn each<T: Sync>(items: &[T], work: impl Fn(&T) + Sync) {
    let next = Mutex::new(items.iter());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                loop {
                    let item = next.lock().unwrap().next();
                    let Some(item) = item else { break };
                    work(item);
                }
            });
        }
    });
}

/// What a generator of rpm prints for one file.
fn asked(generator: &str, what: &[&str], path: &Path) -> BTreeSet<String> {
    let mut command = Command::new(generator);
    let mut child =
        command.args(what).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the generator starts");
    writeln!(child.stdin.take().unwrap(), "{}", path.display()).unwrap();
    let out = child.wait_with_output().unwrap();
    assert!(out.status.success(), "{generator} fails on {}", path.display());
    String::from_utf8(out.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// A few hundred files of all folders: equal, to the letter.
#[test]
fn rpm_elfdeps_says_the_same() {
    if !have(ELFDEPS) {
        return;
    }
    let all = binaries();
    let step = (all.len() / 400).max(1);
    let mut some: Vec<(PathBuf, ElfFile)> = all.into_iter().step_by(step).collect();
    // Modes that real files do not have: a program without x bit, a library with one.
    let folder = tempfile::tempdir().unwrap();
    for (from, mode) in [("/bin/sh", 0o644), ("/lib64/ld-linux-x86-64.so.2", 0o755), ("/usr/bin/env", 0o611)] {
        let path = folder.path().join(format!("{mode:o}"));
        fs_err::copy(from, &path).unwrap();
        fs_err::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let facts = elf::read(&mut fs_err::File::open(&path).unwrap(), mode & 0o111 != 0).unwrap().unwrap();
        some.push((path, facts));
    }
    let linked = some.iter().filter(|(_, facts)| facts.linked && facts.dynamic).count();
    assert!(linked >= 50, "only {linked} linked files were found");
    each(&some, |(path, facts)| {
        assert_eq!(
            elfdeps::file_requires(facts),
            asked(ELFDEPS, &["--requires"], path),
            "what {} requires",
            path.display()
        );
        assert_eq!(
            elfdeps::file_provides(facts, path.to_str().unwrap()),
            asked(ELFDEPS, &["--provides"], path),
            "what {} provides",
            path.display()
        );
    });
}

/// The scripts of this machine, and lines that few have.
#[test]
fn rpm_script_req_says_the_same() {
    if !have(SCRIPT_REQ) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut scripts = Vec::new();
    let odd =
        ["#!/bin/sh", "#! /usr/bin/env perl -w", "#!/usr/bin/env   /opt/x/lua\n", "#!/opt/crlf\r\n", "#!sh\n", "#!\n"];
    for (n, text) in odd.iter().enumerate() {
        scripts.push(folder.path().join(n.to_string()));
        fs_err::write(scripts.last().unwrap(), text).unwrap();
    }
    scripts.extend(fs_err::read_dir("/usr/bin").unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_file()));
    let line = |path: &PathBuf| elf::shebang(&fs_err::read(path).ok()?);
    scripts.retain(|path| path.starts_with(folder.path()) || line(path).is_some());
    assert!(scripts.len() >= 50, "only {} scripts were found", scripts.len());
    each(&scripts, |path| {
        let ours: BTreeSet<String> = line(path).iter().flat_map(|l| elfdeps::script_requires(l)).collect();
        assert_eq!(ours, asked(SCRIPT_REQ, &[], path), "what {} requires", path.display());
    });
}

/// Every library that a symbols file of this machine names and the table knows has the same package in both.
#[test]
fn dpkg_symbols_files_name_the_same_packages() {
    let Some(distribution) = distribution().filter(|_| have("dpkg")) else { return };
    let mut compared = 0;
    let mut wrong = Vec::new();
    for entry in fs_err::read_dir("/var/lib/dpkg/info").unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|e| e != "symbols") {
            continue;
        }
        for line in fs_err::read_to_string(&path).unwrap().lines().filter(|l| !l.starts_with([' ', '*', '|', '#'])) {
            let mut words = line.split(' ');
            let (Some(soname), Some(package)) = (words.next(), words.next()) else { continue };
            // What gcc-multilib brings for other classes has the same sonames.
            let is_of_another_class = ["lib32", "libx32"].iter().any(|start| package.starts_with(start))
                || ["-i386", "-x32"].iter().any(|end| package.ends_with(end));
            if !shlibs::knows(soname) || is_of_another_class {
                continue;
            }
            let ours = package_of(soname, &distribution);
            compared += 1;
            if ours.as_deref() != Some(package) {
                wrong.push(format!("{soname}: {ours:?}, Debian {package}"));
            }
        }
    }
    assert!(compared >= 80, "only {compared} libraries were compared");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What the table says of a soname in one release; none if the release has no such library.
fn package_of(soname: &str, distribution: &str) -> Option<String> {
    let file = ElfFile { needed: vec![soname.to_owned()], ..ElfFile::default() };
    shlibs::file_depends("/x", &file, Some(distribution)).0.pop()
}

/// Libraries of the table that no package of amd64 has: the loaders of other architectures, and musl, which has no shlibs.
fn is_of_another_system(soname: &str) -> bool {
    soname.starts_with("libc.musl-") || soname == "libc.so" || soname.starts_with("ld")
}

/// The whole Debian columns, whatever this machine is: the packages are fetched from its own mirror (250 MB).
#[test]
fn the_archive_of_debian_names_the_same_packages() {
    if std::env::var_os("FITOUT_SOAK").is_none() {
        println!("note: the table is compared with the archive of Debian by `./test --soak`");
        return;
    }
    for (distribution, codename) in [("debian-12", "bookworm"), ("debian-13", "trixie")] {
        let archive = Archive::new(codename);
        let wanted: BTreeMap<&str, Option<String>> = shlibs::sonames()
            .filter(|soname| !is_of_another_system(soname))
            .map(|soname| (soname, package_of(soname, distribution)))
            .collect();
        let packages: BTreeSet<&str> = wanted.values().flatten().map(String::as_str).collect();
        let found = archive.libraries(&packages);
        let mut wrong = Vec::new();
        for (soname, package) in &wanted {
            let theirs = found.get(*soname).cloned().unwrap_or_default();
            if package.iter().cloned().collect::<BTreeSet<_>>() != theirs {
                wrong.push(format!("{soname}: {package:?}, {distribution} {theirs:?}"));
            }
        }
        assert!(found.len() > 300, "only {} libraries were found", found.len());
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}

/// One release of Debian, seen by an apt of its own.
struct Archive {
    folder: tempfile::TempDir,
}

impl Archive {
    fn new(codename: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().display().to_string();
        for name in ["lists/partial", "cache/archives/partial", "debs"] {
            fs_err::create_dir_all(folder.path().join(name)).unwrap();
        }
        let sites =
            tool("apt-get", &["indextargets", "--format", "$(ORIGIN) $(COMPONENT) $(SITE)", "Created-By: Packages"]);
        let sites = sites.expect("apt-get is there");
        let site = sites.lines().find_map(|line| line.strip_prefix("Debian main ")).expect("a mirror of Debian");
        let keys = "/usr/share/keyrings/debian-archive-keyring.gpg";
        fs_err::write(
            folder.path().join("sources.list"),
            format!("deb [signed-by={keys} arch=amd64] {site} {codename} main\n"),
        )
        .unwrap();
        fs_err::write(folder.path().join("status"), "").unwrap();
        let config = format!(
            "Dir::Etc::sourcelist \"{at}/sources.list\";\nDir::Etc::sourceparts \"-\";\n\
             Dir::State::lists \"{at}/lists\";\nDir::State::status \"{at}/status\";\nDir::Cache \"{at}/cache\";\n\
             APT::Architecture \"amd64\";\nAPT::Sandbox::User \"root\";\n"
        );
        fs_err::write(folder.path().join("apt.conf"), config).unwrap();
        let archive = Self { folder };
        archive.apt(&["update"]);
        archive
    }

    fn apt(&self, arguments: &[&str]) {
        let config = self.folder.path().join("apt.conf");
        let mut command = Command::new("apt-get");
        command.arg("-qq").arg("-c").arg(config).args(arguments).current_dir(self.folder.path().join("debs"));
        let output = command.output().unwrap();
        assert!(output.status.success(), "apt-get {:?}: {}", arguments[0], String::from_utf8_lossy(&output.stderr));
    }

    /// Soname -> packages, by the `symbols` and `shlibs` files of these packages.
    fn libraries(&self, packages: &BTreeSet<&str>) -> BTreeMap<String, BTreeSet<String>> {
        self.apt(&["download"].into_iter().chain(packages.iter().copied()).collect::<Vec<_>>());
        let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for entry in fs_err::read_dir(self.folder.path().join("debs")).unwrap() {
            let control = tempfile::tempdir().unwrap();
            let deb = entry.unwrap().path();
            tool("dpkg-deb", &["-e", deb.to_str().unwrap(), control.path().to_str().unwrap()]);
            let text = |name: &str| fs_err::read_to_string(control.path().join(name)).unwrap_or_default();
            for line in text("symbols").lines().filter(|line| !line.starts_with([' ', '*', '|', '#'])) {
                if let [soname, package, ..] = line.split(' ').collect::<Vec<_>>()[..] {
                    found.entry(soname.into()).or_default().insert(package.into());
                }
            }
            for line in text("shlibs").lines().filter(|line| !line.contains(": ") && !line.starts_with('#')) {
                // deb-shlibs(5): `libfoo 1` is either libfoo.so.1 or libfoo-1.so.
                if let [library, version, package, ..] = line.split_whitespace().collect::<Vec<_>>()[..] {
                    for soname in [format!("{library}.so.{version}"), format!("{library}-{version}.so")] {
                        found.entry(soname).or_default().insert(package.into());
                    }
                }
            }
        }
        found
    }
}

/// Package -> lower bound, of a line of relations.
fn parsed(relations: &str) -> BTreeMap<String, Option<String>> {
    let one = |relation: &str| {
        let (name, bound) = relation.split_once(" (").map_or((relation, None), |(n, b)| (n, Some(b)));
        let bound = bound.map(|b| b.trim_end_matches(')').trim_start_matches(">= ").to_owned());
        (name.trim().to_owned(), bound)
    };
    relations.split(", ").map(str::trim).filter(|r| !r.is_empty()).map(one).collect()
}

fn dpkg_shlibdeps(folder: &Path, path: &Path) -> BTreeMap<String, Option<String>> {
    let out = Command::new("dpkg-shlibdeps")
        .args(["-O", "--ignore-missing-info"])
        .arg(format!("-e{}", path.display()))
        .current_dir(folder)
        .env("LC_ALL", "C")
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let text = String::from_utf8(out.stdout).unwrap();
    parsed(text.trim().strip_prefix("shlibs:Depends=").unwrap_or(""))
}

/// Packages whose bound may differ from Debian's although the file names versions of them, and why. Debian's symbols
/// files have bounds for single symbols, often of the release after which their packaging could vouch for them.
const EXPLAINED: &[(Differs, &str, &str)] = &[
    (Differs::Lower, "libblkid1", "Debian bounds by the packaged point release, and the oldest symbols by 2.16"),
    (Differs::Lower, "libmount1", "Debian bounds by the packaged point release"),
    (Differs::Lower, "libuuid1", "the version 1.0 is that of its time in e2fsprogs; Debian has it from 2.16"),
    (Differs::Lower, "libgnutls30", "Debian raises the bound with new constants and flags of old functions"),
    (Differs::Lower, "liblzma5", "XZ_5.0 was first packaged as an alpha, XZ_5.2 as 5.2.2"),
    (Differs::Lower, "libselinux1", "Debian began its symbols file at 3.1"),
    (Differs::Lower, "libxml2", "Debian began its symbols file at 2.7.4"),
    (Differs::Lower, "libstdc++6", "Debian bounds symbols by the packaged point release"),
    (Differs::Lower, "zlib1g", "Debian bounds symbols by the packaged release"),
    (Differs::Higher, "libsystemd0", "Debian writes 0 for what its oldest release has; the version says 209"),
    (Differs::Higher, "libkmod2", "Debian writes `5~` to admit backports"),
    (Differs::Higher, "libstdc++6", "Debian gives early CXXABI versions the bound of the first of them"),
];

#[derive(PartialEq, Eq)]
enum Differs {
    Lower,
    Higher,
}

/// The distribution of this machine, as fitout calls it.
fn distribution() -> Option<String> {
    let text = fs_err::read_to_string("/etc/os-release").ok()?;
    let field = |key: &str| text.lines().find_map(|l| l.strip_prefix(key)).map(|v| v.trim_matches('"').to_owned());
    let name = format!("{}-{}", field("ID=")?, field("VERSION_ID=")?);
    shlibs::DISTRIBUTIONS.contains(&name.as_str()).then_some(name)
}

/// Files whose libraries are all in the table: the sixty with the most libraries and versions that none before had.
fn diverse(all: Vec<(PathBuf, ElfFile)>) -> Vec<(PathBuf, ElfFile)> {
    let mut seen = BTreeSet::new();
    let covered = |facts: &ElfFile| !facts.needed.is_empty() && facts.needed.iter().all(|s| shlibs::knows(s));
    let mut files: Vec<_> = all
        .into_iter()
        .filter(|(_, facts)| covered(facts))
        .map(|(path, facts)| {
            let versions = facts.verneed.iter().flat_map(|(s, vs)| vs.iter().map(move |v| format!("{s} {v}")));
            let new = facts.needed.iter().cloned().chain(versions).filter(|t| seen.insert(t.clone())).count();
            (std::cmp::Reverse(new), path, facts)
        })
        .collect();
    files.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    files.into_iter().take(60).map(|(_, path, facts)| (path, facts)).collect()
}

#[test]
fn dpkg_shlibdeps_names_the_same_packages() {
    if !have("dpkg-shlibdeps") {
        return;
    }
    let Some(distribution) = distribution() else {
        eprintln!("not compared: the table has no packages of this distribution");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    fs_err::create_dir(folder.path().join("debian")).unwrap();
    fs_err::write(folder.path().join("debian/control"), "Source: x\n\nPackage: x\nArchitecture: any\n").unwrap();
    let files = diverse(binaries());
    assert!(files.len() >= 50, "only {} files have all their libraries in the table", files.len());
    let faults = Mutex::new(BTreeSet::new());
    each(&files, |(path, facts)| {
        let (ours, findings) = shlibs::file_depends(path.to_str().unwrap(), facts, Some(&distribution));
        let ours = parsed(&ours.join(", "));
        let theirs = dpkg_shlibdeps(folder.path(), path);
        let mut wrong: Vec<String> =
            findings.iter().filter(|f| f.code.name != "elf/private-symbol").map(|f| f.message.clone()).collect();
        if !ours.keys().eq(theirs.keys()) {
            wrong.push(format!("packages {ours:?}, dpkg-shlibdeps {theirs:?}"));
        }
        for (package, bound) in &ours {
            let their_bound = theirs.get(package).cloned().flatten();
            wrong.extend(judge(facts, package, bound.as_deref(), their_bound.as_deref()));
        }
        faults.lock().unwrap().extend(wrong.into_iter().map(|w| format!("{}: {w}", path.display())));
    });
    let faults = faults.into_inner().unwrap();
    assert!(faults.is_empty(), "{} differences:\n{}", faults.len(), faults.into_iter().collect::<Vec<_>>().join("\n"));
}

/// What is wrong with our bound: nothing if it is Debian's, or if [`EXPLAINED`] says why not. A package without a bound of
/// ours is a library without versions of its own release, where only Debian's symbols file can tell.
fn judge(facts: &ElfFile, package: &str, ours: Option<&str>, theirs: Option<&str>) -> Option<String> {
    let (Some(ours), theirs) = (ours, theirs.unwrap_or("0")) else { return None };
    if package == "libc6" {
        // dpkg-shlibdeps ties a user of private symbols to one release; fitout warns instead.
        let private = facts.verneed.values().flatten().any(|v| v == "GLIBC_PRIVATE");
        // glibc 2.34 moved libpthread, libdl, librt, libutil into libc and kept the old versions of their symbols; only
        // symbol names tell. Every release in the table has 2.35 or later.
        let moved = theirs == "2.34";
        let wrong = ours != theirs && !private && !moved;
        return wrong.then(|| format!("libc6 (>= {ours}), dpkg-shlibdeps (>= {theirs})"));
    }
    let higher = Command::new("dpkg").args(["--compare-versions", ours, "gt", theirs]).status().unwrap().success();
    let differs = if higher { Differs::Higher } else { Differs::Lower };
    let explained = ours == theirs || EXPLAINED.iter().any(|(how, name, _)| *how == differs && *name == package);
    (!explained).then(|| format!("{package} (>= {ours}), dpkg-shlibdeps (>= {theirs})"))
}
