//! Libraries that the package brings along: `bundle = ["libssl.so.3"]`.
//!
//! Enters: sonames. Leaves: drafts below `PREFIX/lib`, named by soname, with the content of the build host's library of
//! the target's architecture. This is the one place where the build host's libraries are looked at, because the config
//! asks for it by name. Not here: which files they serve (`served.rs`).

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::collect::Run;
use super::draft::{Body, Draft};
use super::gaps::Gaps;
use super::plan::{Arch, Churn, Fact, Role};
use super::{elf, path, walk};
use crate::diagnostic::{Diagnostic, Findings, codes};
use crate::resolve::Release;

/// Libraries that belong to the host's loader: they work only with the one of their own build (glibc's and musl's).
const OF_THE_LOADER: &[&str] = &[
    "ld-",
    "ld.so",
    "ld64.so",
    "libBrokenLocale.so",
    "libanl.so",
    "libc.musl-",
    "libc.so",
    "libdl.so",
    "libm.so",
    "libmvec.so",
    "libnsl.so.1",
    "libnss_",
    "libpthread.so",
    "libresolv.so",
    "librt.so",
    "libthread_db.so",
    "libutil.so",
];
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
        if OF_THE_LOADER.iter().any(|start| soname.starts_with(start)) {
            findings.push(of_the_loader(soname));
            continue;
        }
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
pub fn place(release: &Release, soname: &str) -> String {
    format!("{}/lib/{soname}", release.prefix.trim_end_matches('/'))
}

fn of_the_loader(soname: &Fact<String>) -> Diagnostic {
    let message = format!("`{}` is a part of the C library and cannot be bundled", soname.value);
    Diagnostic::error(codes::FILES_BUNDLE_LIBC, message).at_origin(&soname.origin, "").help(
        "leave it out: the package depends on the C library of the host; build on the oldest one that it shall run on",
    )
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
    walk::tree(&host.join(base.trim_start_matches('/')), &select).found.into_iter().map(|found| found.path).collect()
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
