//! Text -> [`Target`]: `os/arch` as Go and OCI spell it.
//!
//! Other tools' names (Rust triples, `uname -m`, Debian's, rpm's) are known here too, for suggestions and for the rust
//! preset. How each format spells an architecture is in its `naming`.

use crate::build::tool::Machine;
use crate::config::schema::Build;
use crate::diagnostic::{Diagnostic, Span, codes};
use crate::resolve::identity::{Arch, Target};

use super::Request;
use super::ground::Ground;
use crate::config::suggest;

/// An architecture in other tools' words.
struct Names {
    arch: Arch,
    /// What `std::env::consts::ARCH` says on such a machine.
    rust: &'static str,
    gnu: &'static str,
    musl: &'static str,
    /// `uname -m`, Debian, rpm, Go and OCI variants.
    others: &'static [&'static str],
}

const NAMES: &[Names] = &[
    Names {
        arch: Arch::Amd64,
        rust: "x86_64",
        gnu: "x86_64-unknown-linux-gnu",
        musl: "x86_64-unknown-linux-musl",
        others: &["x86_64", "x86-64", "x64", "amd64/v1"],
    },
    Names {
        arch: Arch::Arm64,
        rust: "aarch64",
        gnu: "aarch64-unknown-linux-gnu",
        musl: "aarch64-unknown-linux-musl",
        others: &["aarch64", "arm64/v8", "armv8"],
    },
    Names {
        arch: Arch::Arm7,
        rust: "arm",
        gnu: "armv7-unknown-linux-gnueabihf",
        musl: "armv7-unknown-linux-musleabihf",
        others: &["arm", "armhf", "armv7", "armv7l", "armv7hl", "armhfp"],
    },
    Names {
        arch: Arch::Arm5,
        rust: "",
        gnu: "arm-unknown-linux-gnueabi",
        musl: "arm-unknown-linux-musleabi",
        others: &["armel", "armv5", "armv5tel", "armv6", "armv6l", "arm/v6"],
    },
    Names {
        arch: Arch::I386,
        rust: "x86",
        gnu: "i686-unknown-linux-gnu",
        musl: "i686-unknown-linux-musl",
        others: &["i386", "i486", "i586", "i686", "x86"],
    },
    Names {
        arch: Arch::Ppc64le,
        rust: "powerpc64",
        gnu: "powerpc64le-unknown-linux-gnu",
        musl: "powerpc64le-unknown-linux-musl",
        others: &["ppc64el", "powerpc64le"],
    },
    Names {
        arch: Arch::S390x,
        rust: "s390x",
        gnu: "s390x-unknown-linux-gnu",
        musl: "s390x-unknown-linux-musl",
        others: &[],
    },
    Names {
        arch: Arch::Riscv64,
        rust: "riscv64",
        gnu: "riscv64gc-unknown-linux-gnu",
        musl: "riscv64gc-unknown-linux-musl",
        others: &["riscv64gc"],
    },
    Names {
        arch: Arch::Loong64,
        rust: "loongarch64",
        gnu: "loongarch64-unknown-linux-gnu",
        musl: "loongarch64-unknown-linux-musl",
        others: &["loongarch64"],
    },
    Names {
        arch: Arch::Mips64le,
        rust: "mips64",
        gnu: "mips64el-unknown-linux-gnuabi64",
        musl: "mips64el-unknown-linux-muslabi64",
        others: &["mips64el", "mips64r6el"],
    },
];

/// The architecture that this fitout was built for, which is the default target.
pub fn host() -> Option<Arch> {
    let little = cfg!(target_endian = "little");
    let names = NAMES.iter().find(|names| names.rust == std::env::consts::ARCH)?;
    (little || names.arch == Arch::S390x).then_some(names.arch)
}

/// Rust's triples for Linux: with glibc, with musl.
pub fn rust_triples(arch: Arch) -> [&'static str; 2] {
    NAMES.iter().find(|names| names.arch == arch).map_or(["", ""], |names| [names.gnu, names.musl])
}

/// Takes a target apart; the error is a help line.
///
/// # Errors
/// It is not `linux/ARCH` with an architecture of [`Arch`].
pub fn parse(text: &str) -> Result<Target, String> {
    let target = |arch| Target { os: "linux", arch, independent: false };
    if let Some(name) = text.strip_prefix("linux/")
        && let Some(arch) = Arch::ALL.iter().find(|arch| arch.go() == name)
    {
        return Ok(target(*arch));
    }
    if let Some(arch) = meant(text) {
        return Err(format!("did you mean `{}`?", target(arch)));
    }
    if let Some((os @ ("darwin" | "macos" | "windows" | "freebsd" | "openbsd" | "netbsd" | "solaris" | "illumos"), _)) =
        text.split_once('/')
    {
        return Err(format!("fitout makes packages for `linux`, not for `{os}`"));
    }
    let all: Vec<String> = Arch::ALL.iter().map(|arch| target(*arch).to_string()).collect();
    match suggest::nearest(text, all.iter().map(String::as_str)) {
        Some(near) => Err(format!("did you mean `{near}`?")),
        None => Err(format!("targets are {}", all.iter().map(|t| format!("`{t}`")).collect::<Vec<_>>().join(", "))),
    }
}

/// What another tool's name means.
fn meant(text: &str) -> Option<Arch> {
    let lower = text.to_lowercase();
    let name = lower.strip_prefix("linux/").or_else(|| lower.strip_prefix("linux-")).unwrap_or(&lower);
    let found = NAMES.iter().find(|names| {
        names.arch.go() == name || names.gnu == name || names.musl == name || names.others.contains(&name)
    });
    // A triple of another vendor or C library is recognised by its first part.
    let found = found.or_else(|| {
        let (first, rest) = name.split_once('-').filter(|(_, rest)| rest.contains("linux"))?;
        let _ = rest;
        NAMES.iter().find(|names| names.gnu.split('-').next() == Some(first) || names.others.contains(&first))
    });
    found.map(|names| names.arch)
}

/// The targets of a run: asked for on the command line, else of the config, else the host's.
pub(crate) fn read(ground: &Ground, build: &Build, request: &Request) -> Option<Vec<Target>> {
    let typed: Vec<(&str, Option<Span>)> = if request.targets.is_empty() {
        build.targets.iter().flatten().map(|text| (text.value.as_str(), Some(ground.span(&text.range)))).collect()
    } else {
        request.targets.iter().map(|text| (text.as_str(), None)).collect()
    };
    if typed.is_empty() {
        let host = request.host.map(|arch| vec![Target { os: "linux", arch, independent: false }]);
        if host.is_none() {
            let finding = Diagnostic::error(
                codes::RESOLVE_UNKNOWN_TARGET,
                "this machine's architecture is none that fitout knows",
            );
            ground.report(finding.help("name one: `targets = [\"linux/amd64\"]` under `[build]`"));
        }
        return host;
    }
    let mut targets: Vec<Target> = Vec::new();
    let mut all_good = true;
    for (text, span) in typed {
        let (message, help) = match parse(text) {
            Ok(target) if !targets.contains(&target) => {
                targets.push(target);
                continue;
            }
            Ok(_) => (format!("the target `{text}` is named twice"), "take one of them out".to_owned()),
            Err(help) => (format!("`{text}` is no target"), help),
        };
        let finding = Diagnostic::error(codes::RESOLVE_UNKNOWN_TARGET, message).help(help);
        ground.report(match span {
            Some(span) => finding.at(&span, ""),
            None => finding.note("it was asked for by `--target`"),
        });
        all_good = false;
    }
    all_good.then_some(targets)
}

/// The targets of a run for the build step, as far as they are any: [`read`] tells what is wrong with the others.
pub fn machines(build: &Build, asked: &[String], host: Option<Arch>) -> Vec<Machine> {
    let of_config = || build.targets.iter().flatten().map(|text| text.value.as_str()).collect::<Vec<_>>();
    let typed = if asked.is_empty() { of_config() } else { asked.iter().map(String::as_str).collect() };
    let arches: Vec<Arch> = if typed.is_empty() {
        host.into_iter().collect()
    } else {
        typed.into_iter().filter_map(|text| parse(text).ok()).map(|target| target.arch).collect()
    };
    let machine = |arch| Machine {
        target: Target { os: "linux", arch, independent: false }.to_string(),
        triple: (host != Some(arch)).then(|| rust_triples(arch)[0]),
    };
    arches.into_iter().map(machine).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gos_names_are_taken() {
        for arch in Arch::ALL {
            let text = format!("linux/{}", arch.go());
            assert_eq!(parse(&text).unwrap().to_string(), text);
            assert!(rust_triples(*arch)[0].contains("linux-gnu"));
        }
    }

    #[test]
    fn other_names_are_understood_and_refused() {
        for (text, meant) in [
            ("aarch64", "linux/arm64"),
            ("arm64", "linux/arm64"),
            ("linux/x86_64", "linux/amd64"),
            ("x86_64-unknown-linux-musl", "linux/amd64"),
            ("aarch64-alpine-linux-musl", "linux/arm64"),
            ("linux-arm64", "linux/arm64"),
            ("linux/arm", "linux/arm/v7"),
            ("armhf", "linux/arm/v7"),
            ("ppc64el", "linux/ppc64le"),
            ("i686", "linux/386"),
            ("linux/amd46", "linux/amd64"),
        ] {
            assert_eq!(parse(text), Err(format!("did you mean `{meant}`?")), "{text}");
        }
        assert!(parse("windows/amd64").unwrap_err().contains("`windows`"));
        assert!(parse("z80").unwrap_err().contains("`linux/amd64`"));
    }

    #[test]
    fn this_machine_is_known() {
        assert!(host().is_some());
    }
}
