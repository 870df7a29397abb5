//! What of an OTP release goes where, and what is left out.
//!
//! One rule for each part that changes at its own pace: the runtime, each library, the application, and what is
//! stamped with the version. Left out: the cookie, archives of the release itself, parts of other versions, what a node
//! that ran in the folder wrote, and programs of the runtime that only a compiler needs. Modes stay unset: the ladder
//! makes 0755 of what has an x bit and 0644 of the rest, so that a release with 0777 in it comes out right.

use std::collections::BTreeMap;

use serde_json::json;

use crate::diagnostic::{Diagnostic, Origin, Severity, codes};
use crate::resolve::ground::Ground;
use crate::resolve::identity::Fact;
use crate::resolve::preset::{Place, Runs, fact, rule};
use crate::resolve::release::Churn;
use crate::resolve::service::Vm;
use crate::resolve::{Rule, Take};

use super::{OtpRelease, Producer, arguments, links, names};

const PRESET: &str = "otp";

/// Of `erts-V/bin`: for compiling and analysing, or templates. systools leaves the first five out of its archives too.
const NOT_AT_RUN_TIME: &[&str] = &[
    "bin/ct_run",
    "bin/dialyzer",
    "bin/typer",
    "bin/erlc",
    "bin/yielding_c_fun",
    "bin/*.src",
    "doc",
    "doc/**",
    "include",
    "include/**",
    "man",
    "man/**",
    "src",
    "src/**",
];

/// The rules of a release under `prefix`, and the command `/usr/bin/NAME`, `NAME` being the package's.
pub(crate) fn rules(release: &OtpRelease, ground: &Ground, place: Place) -> Vec<Rule> {
    let prefix = place.prefix;
    let mut all = Vec::new();
    for name in names(release, "") {
        let is_dir = release.dir.join(&name).is_dir();
        match name.as_str() {
            "lib" if is_dir => libraries(release, ground, prefix, &mut all),
            "releases" if is_dir => all.push(releases(release, ground, prefix)),
            "bin" if is_dir => {
                all.push(tree(release, prefix, "bin", Churn::Application, &["*.bat", "*.ps1"], "commands"));
            }
            _ if name.starts_with("erts-") && is_dir => {
                if name == format!("erts-{}", release.erts) {
                    all.push(tree(release, prefix, &name, Churn::Runtime, NOT_AT_RUN_TIME, "runtime"));
                } else {
                    stale(release, ground, &name);
                }
            }
            _ if left_out(release, &name) => {}
            _ if is_dir => all.push(tree(release, prefix, &name, Churn::Application, &[], "release tree")),
            _ => all.push(rule(
                format!("{}/{name}", release.typed),
                format!("{prefix}/{name}"),
                Churn::Application,
                origin("release tree"),
            )),
        }
    }
    links::mend(release, ground, prefix, &mut all);
    all.extend(ground.ok(command(release, place)));
    all.extend(environment_script(release, prefix));
    all.extend(arguments::without_cookie(release, ground, prefix));
    all
}

/// How a release runs where its own tree is read-only: pipes, filled files and crash dumps go to directories of its own.
pub(crate) fn runs(release: &OtpRelease, prefix: &str, home: &str, runtime: &str) -> Runs {
    let program = format!("{prefix}/bin/{}", release.name);
    let start = if release.producer == Producer::Mix { "start" } else { "foreground" };
    let own: &[(&str, &str)] = match release.producer {
        Producer::Mix => &[("RELEASE_TMP", runtime)],
        Producer::Relx => &[
            ("RELEASE_TMP", runtime),
            ("RELX_OUT_FILE_PATH", runtime),
            ("RUNNER_LOG_DIR", home),
            ("PIPE_DIR", runtime),
        ],
        Producer::Distillery => &[("RELEASE_TMP", runtime), ("RELEASE_MUTABLE_DIR", home)],
    };
    let crash_dump = format!("{}/erl_crash.dump", home.trim_end_matches('/'));
    let shared = [("HOME", home), ("LANG", "C.UTF-8"), ("ERL_CRASH_DUMP", crash_dump.as_str())];
    let env = own.iter().chain(&shared).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Runs {
        exec: vec![program, start.to_owned()],
        env: env.collect(),
        vm: Some(Vm::Beam),
        node: Some(super::node::Runtime::of(release, prefix)),
        hooks: release.own_hooks(),
        commands: release.own_commands(),
    }
}

/// Name on the PATH.
pub(crate) fn command_path(package: &str) -> String {
    format!("/usr/bin/{package}")
}

/// `/usr/bin/NAME`: a script and no link, since the scripts of older releases take a relative link's folder for their own,
/// and Debian policy 10.5 wants links within one top-level folder relative.
fn command(release: &OtpRelease, place: Place) -> Result<Rule, Diagnostic> {
    const TEMPLATE: &str = "launcher/command.sh";
    let program = format!("{}/bin/{}", place.prefix, release.name);
    let path = command_path(place.name);
    let text = place.templates.render(TEMPLATE, &json!({ "path": path, "program": program }))?;
    let mut command = rule(String::new(), path, Churn::Application, origin("command"));
    command.take = Take::Text(text);
    command.take_origin = Origin::Template { name: TEMPLATE };
    command.mode = Some(Fact { value: 0o755, origin: origin("command") });
    Ok(command)
}

/// `env.sh` is sourced, and begins like a program: packaging tools expect an x bit then, and it does no harm.
fn environment_script(release: &OtpRelease, prefix: &str) -> Option<Rule> {
    let path = format!("releases/{}/env.sh", release.version);
    let text = fs_err::read(release.dir.join(&path)).ok()?;
    text.starts_with(b"#!").then(|| {
        let from = format!("{}/{path}", release.typed);
        let mut script = rule(from, format!("{prefix}/{path}"), Churn::Config, origin("environment script"));
        script.mode = Some(Fact { value: 0o755, origin: origin("environment script") });
        // It is part of the tree of `releases`, too.
        script.replace = true;
        script
    })
}

/// Files of the root that are no part of the release.
fn left_out(release: &OtpRelease, name: &str) -> bool {
    // What a node wrote that was started here.
    let written: &[&str] = match release.producer {
        Producer::Mix => &["tmp"],
        Producer::Relx => &["log", "tmp"],
        Producer::Distillery => &["var"],
    };
    name.ends_with(".tar.gz") || name == "erl_crash.dump" || name == ".erlang.cookie" || written.contains(&name)
}

/// One rule for each application, so that each can lie in the image layer of its pace.
fn libraries(release: &OtpRelease, ground: &Ground, prefix: &str, all: &mut Vec<Rule>) {
    let live: BTreeMap<&str, &str> = release.applications.iter().map(|(a, v)| (a.as_str(), v.as_str())).collect();
    for name in names(release, "lib") {
        let path = format!("lib/{name}");
        if !release.dir.join(&path).is_dir() {
            all.push(rule(
                format!("{}/{path}", release.typed),
                format!("{prefix}/{path}"),
                Churn::Application,
                origin("library"),
            ));
            continue;
        }
        let (application, version) = name.rsplit_once('-').unwrap_or((&name, ""));
        match live.get(application) {
            Some(live) if !version.is_empty() && *live != version => stale(release, ground, &path),
            _ => {
                let own = release.is_own(application, version);
                let churn = if own { Churn::Application } else { Churn::Dependencies };
                all.push(tree(release, prefix, &path, churn, &[], if own { "application" } else { "library" }));
            }
        }
    }
}

/// `releases/`: boot scripts, configuration, version stamps; without the cookie and other versions.
fn releases(release: &OtpRelease, ground: &Ground, prefix: &str) -> Rule {
    let mut exclude =
        vec!["COOKIE".to_owned(), "*/*.bat".into(), "*/*.ps1".into(), "*.tar.gz".into(), "*/*.tar.gz".into()];
    for name in names(release, "releases") {
        let other = name != release.version && release.dir.join("releases").join(&name).is_dir();
        if other {
            stale(release, ground, &format!("releases/{name}"));
            exclude.push(name.clone());
            exclude.push(format!("{name}/**"));
        }
    }
    // relx fills `X.src` into `X` at each start, with the cookie of the host it ran on.
    for name in ["sys.config", "vm.args"] {
        let live = release.dir.join("releases").join(&release.version);
        if live.join(format!("{name}.src")).exists() && live.join(name).exists() {
            exclude.push(format!("{}/{name}", release.version));
        }
    }
    let patterns: Vec<&str> = exclude.iter().map(String::as_str).collect();
    tree(release, prefix, "releases", Churn::Config, &patterns, "boot scripts and configuration")
}

fn tree(release: &OtpRelease, prefix: &str, path: &str, churn: Churn, exclude: &[&str], what: &str) -> Rule {
    let mut made = rule(format!("{}/{path}", release.typed), format!("{prefix}/{path}"), churn, origin(what));
    made.exclude = exclude.iter().map(|glob| Fact { value: (*glob).to_owned(), origin: origin(what) }).collect();
    made
}

fn origin(what: &str) -> Origin {
    fact(PRESET, what, ()).origin
}

fn stale(release: &OtpRelease, ground: &Ground, part: &str) {
    let message = format!("`{}/{part}` is left out: release {} does not use it", release.typed, release.version);
    let mut finding = Diagnostic::warning(codes::RESOLVE_STALE_PART, message)
        .path(format!("{}/{part}", release.typed))
        .help("it is from an earlier build; remove the release folder before the next one");
    finding.severity = Severity::Note;
    ground.report(finding);
}
