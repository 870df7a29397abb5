//! Libraries that the package brings along: `bundle = ["libssl.so.3"]`.
//!
//! Enters: sonames. Leaves: drafts below `PREFIX/lib`, named by soname, with the content of the build host's library of
//! the target's architecture. [`mark`] says which ELF files they serve, and warns of those that they do not. This is the
//! one place where the build host's libraries are looked at, because the config asks for it by name.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::collect::Run;
use super::draft::{Body, Draft};
use super::gaps::Gaps;
use super::loader::{Found, Inside};
use super::plan::{Arch, Churn, ElfFacts, ElfFile, Entry, Fact, Role};
use super::{elf, path, walk};
use crate::diagnostic::{Diagnostic, Findings, codes};
use crate::resolve::Release;

/// How deep `include` of ld.so.conf may nest.
const MOST_INCLUDES: usize = 8;

/// The bundled libraries of the release, found below `host` (`/`, but in tests).
pub fn collect(run: &Run<'_>, host: &Path, gaps: &mut Gaps, findings: &mut Findings) -> Vec<Draft> {
    let release = run.release;
    if release.bundle.is_empty() {
        return Vec::new();
    }
    let folders = folders(host, release.target.arch);
    let mut drafts = Vec::new();
    for soname in &release.bundle {
        let to = place(release, soname);
        let found = if soname.contains('/') { Vec::new() } else { candidates(&folders, soname) };
        let fits = found.iter().find(|path| suits(path, release.target.arch) == Some(true));
        let metadata = fits.and_then(|path| Some((path, fs_err::metadata(path).ok()?)));
        match metadata.and_then(|(path, metadata)| Some((path, walk::one(path, &metadata).ok()?))) {
            Some((file, walk::FoundKind::File(on_disk))) if path::place(&to).is_ok() => {
                let body = Body::File(file.clone(), on_disk);
                let mut draft = Draft::added(&to, body, Role::Plain, Churn::Runtime, run.all, soname.origin.clone());
                draft.mode.1 = Arc::clone(&draft.origin);
                drafts.push(draft);
            }
            _ => {
                gaps.add(&to);
                findings.push(missing(soname, release.target.arch, &found));
            }
        }
    }
    drafts
}

/// Where a bundled library goes.
fn place(release: &Release, soname: &str) -> String {
    format!("{}/lib/{soname}", release.prefix.trim_end_matches('/'))
}

/// Marks the bundled libraries among the ELF files, and for each file the sonames that they serve it. A file whose loader
/// does not look into their folder is served by the host, whatever is bundled: a warning.
pub fn mark(release: &Release, entries: &[Entry], facts: &mut ElfFacts, findings: &mut Findings) {
    let names: BTreeMap<&str, &Fact<String>> = release.bundle.iter().map(|name| (name.as_str(), name)).collect();
    if names.is_empty() {
        return;
    }
    let mut served: Vec<(Arc<str>, BTreeSet<String>)> = Vec::new();
    let files: BTreeMap<&str, &ElfFile> = facts.files.iter().map(|(path, file)| (path.as_ref(), file)).collect();
    let inside = Inside::new(entries.iter(), &files);
    for (path, file) in &facts.files {
        let mut own = BTreeSet::new();
        for name in file.needed.iter().filter_map(|needed| names.get(needed.as_str())) {
            match inside.find(path, file, name) {
                Found::Reachable => drop(own.insert(name.value.clone())),
                Found::Astray(library) => findings.push(passed_over(path, name, library)),
                Found::Nowhere => {}
            }
        }
        served.push((Arc::clone(path), own));
    }
    for (path, own) in served {
        if let Some(file) = facts.files.get_mut(&path) {
            file.served = own;
        }
    }
    for name in &release.bundle {
        if let Some(file) = facts.files.get_mut(place(release, name).as_str()) {
            file.bundled = true;
        }
    }
}

/// `program` needs the bundled `library` and will not find it.
fn passed_over(program: &str, soname: &Fact<String>, library: &str) -> Diagnostic {
    let folder = path::parent(library).unwrap_or("/");
    let run_path = format!("$ORIGIN/{}", relative(path::parent(program).unwrap_or("/"), folder));
    let message = format!("`{program}` needs `{}` and does not look for it in `{folder}`", soname.value);
    Diagnostic::warning(codes::ELF_NOT_ON_PATH, message)
        .at_origin(&soname.origin, "bundled here, and not loaded")
        .path(program)
        .help(format!("link it with `-Wl,-rpath,'{run_path}'`, or run `patchelf --set-rpath '{run_path}'` on it"))
        .note("it loads the host's library, so that the package keeps depending on it")
}

/// The way from one folder to another: `../lib/hello`.
fn relative(from: &str, to: &str) -> String {
    let split = |path| str::split(path, '/').filter(|part: &&str| !part.is_empty()).collect::<Vec<_>>();
    let (from, to) = (split(from), split(to));
    let common = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let up = from[common..].iter().map(|_| "..");
    up.chain(to[common..].iter().copied()).collect::<Vec<_>>().join("/")
}

fn missing(soname: &Fact<String>, arch: Arch, found: &[PathBuf]) -> Diagnostic {
    let message = format!("the build host has no library `{}` for {}", soname.value, arch.go());
    let error = Diagnostic::error(codes::FILES_BUNDLE_NOT_FOUND, message).at_origin(&soname.origin, "");
    let error = match found.first() {
        Some(other) => error.note(format!("`{}` is of another architecture", other.display())),
        None => error,
    };
    error.help("install it, or take the file by a [[files]] rule; a soname looks like `libssl.so.3`")
}

/// Real files of that name, without doubles; symbolic links are followed, for a library is named by its content.
fn candidates(folders: &[PathBuf], soname: &str) -> Vec<PathBuf> {
    let mut seen = BTreeSet::new();
    let real = folders.iter().filter_map(|folder| fs_err::canonicalize(folder.join(soname)).ok());
    real.filter(|path| path.is_file() && seen.insert(path.clone())).collect()
}

/// Whether the library is of this architecture; `None` if it is no ELF file.
fn suits(path: &Path, arch: Arch) -> Option<bool> {
    let mut file = fs_err::File::open(path).ok()?;
    let file = elf::read(&mut file, false).ok()??;
    Some(elf::runs_on(&file, arch))
}

/// Where the dynamic loader of `arch` would look: ld.so.conf(5), then the multiarch and the usual directories.
fn folders(host: &Path, arch: Arch) -> Vec<PathBuf> {
    let mut named = Vec::new();
    configured(host, &host.join("etc/ld.so.conf"), MOST_INCLUDES, &mut named);
    let triple = triple(arch);
    let usual = [
        format!("lib/{triple}"),
        format!("usr/lib/{triple}"),
        format!("usr/local/lib/{triple}"),
        format!("usr/{triple}/lib"),
        "usr/local/lib".to_owned(),
        "lib64".to_owned(),
        "usr/lib64".to_owned(),
        "lib".to_owned(),
        "usr/lib".to_owned(),
    ];
    named.extend(usual.iter().map(|folder| host.join(folder)));
    named
}

/// The folders of one configuration file and of those that it includes.
fn configured(host: &Path, file: &Path, depth: usize, folders: &mut Vec<PathBuf>) {
    let Ok(text) = fs_err::read_to_string(file) else { return };
    for line in text.lines().map(|line| line.split('#').next().unwrap_or_default().trim()) {
        if let Some(pattern) = line.strip_prefix("include").filter(|rest| rest.starts_with(char::is_whitespace)) {
            for included in pattern.split_whitespace().flat_map(|pattern| included(host, pattern)) {
                if depth > 0 {
                    configured(host, &included, depth - 1, folders);
                }
            }
        } else if line.starts_with('/') {
            folders.push(host.join(line.trim_start_matches('/')));
        }
    }
}

/// Files that an `include` names, sorted.
fn included(host: &Path, pattern: &str) -> Vec<PathBuf> {
    let full = if pattern.starts_with('/') { pattern.to_owned() } else { format!("/etc/{pattern}") };
    let Some((base, pattern)) = walk::split(&full) else { return vec![host.join(full.trim_start_matches('/'))] };
    let Ok(select) = walk::Select::matching(pattern, globset::GlobSet::empty()) else { return Vec::new() };
    let (found, _) = walk::tree(&host.join(base.trim_start_matches('/')), &select);
    found.into_iter().map(|found| found.path).collect()
}

/// Debian's name of the multiarch directory: dpkg's tupletable.
fn triple(arch: Arch) -> &'static str {
    match arch {
        Arch::Amd64 => "x86_64-linux-gnu",
        Arch::Arm64 => "aarch64-linux-gnu",
        Arch::Arm7 => "arm-linux-gnueabihf",
        Arch::Arm5 => "arm-linux-gnueabi",
        Arch::I386 => "i386-linux-gnu",
        Arch::Ppc64le => "powerpc64le-linux-gnu",
        Arch::S390x => "s390x-linux-gnu",
        Arch::Riscv64 => "riscv64-linux-gnu",
        Arch::Loong64 => "loongarch64-linux-gnu",
        Arch::Mips64le => "mips64el-linux-gnuabi64",
    }
}
