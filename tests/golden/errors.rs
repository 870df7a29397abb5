//! Every way to get input wrong, and the whole drawing of what is said about it: `errors/ROOM/CASE` is a project, what is
//! expected is the exit code and stderr of `fitout build`, or of the case's own `run.sh`.

use std::collections::BTreeSet;

use fitout::diagnostic::{Fault, codes};

use super::harness::{Case, Goldens, files, folder, folders};
use super::support;

/// Codes of input and environment that have no golden, and why.
const EXCEPTIONS: &[(&str, &str)] = &[
    ("files/mode", "the grammar refuses such a mode first"),
    ("deb/maintainer", "resolve/maintainer is as strict"),
    ("deb/trigger", "config/invalid-value comes first"),
    ("rpm/name", "resolve/name is as strict"),
    ("rpm/entry", "no config makes such an entry"),
    ("rpm/time-out-of-range", "resolve/source-date-epoch comes first"),
    ("rpm/header-too-large", "takes a million files"),
    ("zip/path", "files/path comes first"),
    ("zip/compression", "config/invalid-value comes first"),
    ("oci/compression", "config/invalid-value comes first"),
    ("elf/unreadable", "files/unreadable comes first, unless the file changes in between"),
    ("engine/changed", "takes a file that changes at the right moment: src/engine/tests.rs"),
    ("engine/bug", "takes a fault of fitout"),
    ("sign/failed", "only publish signs, and then a disk must be full"),
    ("sign/damaged", "only publish signs, and what it signs was just made: src/sign/tests/packages.rs"),
    ("store/no-bucket", "takes a server: tests/publish/stores.rs"),
    ("store/wrong-credentials", "takes a server that asks for them"),
    ("store/forbidden", "takes a server that asks for credentials, or another user: tests/publish/stores.rs"),
    ("store/clock", "takes a server whose clock is another: tests/publish/stores.rs"),
    ("store/held", "takes a store that keeps no conditions, and two and a half minutes"),
    ("store/unsupported", "takes a build without the network"),
    ("oci/no-base", "takes a registry: tests/publish/base.rs"),
    ("registry/several", "takes a list of artifacts that no whole run leaves: tests/publish/registry.rs"),
    ("registry/no-credentials", "takes a registry that asks for them: tests/publish/registry.rs"),
    ("registry/wrong-credentials", "takes a registry that asks for them: tests/publish/registry.rs"),
    ("registry/forbidden", "takes a registry that asks for credentials: tests/publish/registry_stub.rs"),
    ("registry/no-repository", "takes a registry that makes none: tests/publish/registry_stub.rs"),
    ("registry/refused", "takes a registry that refuses: tests/publish/registry_stub.rs"),
    ("registry/failed", "takes six tries: tests/publish/registry_stub.rs"),
    ("http/no-credentials", "takes a server that asks for them: tests/publish/http_store.rs"),
    ("http/wrong-credentials", "takes a server that asks for them: tests/publish/http_store.rs"),
    ("http/forbidden", "takes a server that asks for credentials: tests/publish/http_store.rs"),
    ("http/not-found", "takes a server: tests/publish/http_store.rs"),
    ("http/refused", "takes a server that refuses: tests/publish/http_store.rs"),
    ("http/failed", "takes six tries: tests/publish/http_store.rs"),
    ("http/task", "takes a server that works after it has answered: tests/publish/http_products.rs"),
    ("cli/usage", "clap draws what is wrong, without a code: tests/cli/output.rs"),
    ("cli/threads", "takes a machine that starts no thread"),
    ("cli/stdout", "takes a full standard output: tests/cli.rs"),
    ("template/value", "names and paths with a NUL byte are refused first"),
    ("zip/overlap", "takes a hostile artifact: tests/hostile.rs"),
    ("artifact/limit", "takes a hostile artifact: tests/hostile.rs"),
    ("artifact/decompression-bomb", "takes a hostile artifact: tests/hostile.rs"),
    ("artifact/escaping-path", "takes a hostile artifact: tests/hostile.rs"),
    ("artifact/duplicate-entry", "takes a hostile artifact: tests/hostile.rs"),
    ("artifact/odd", "takes a hostile artifact: tests/hostile.rs"),
];

#[test]
fn errors() {
    let mut goldens = Goldens::default();
    let mut wrong = Vec::new();
    for room in folders("errors") {
        for name in folders(&format!("errors/{room}")) {
            let at = format!("errors/{room}/{name}");
            let said = said(&at, &mut wrong);
            goldens.agree(format!("{at}/expected.txt"), &said);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    goldens.finish();
}

/// Runs a case: exit code and stderr. What no error may do goes to `wrong`, whatever is expected.
fn said(at: &str, wrong: &mut Vec<String>) -> String {
    let case = Case::copy(at);
    // No user has it: what is said of a folder's files must not depend on whether it was blessed before.
    let _ = fs_err::remove_file(case.folder.join("expected.txt"));
    let (code, stdout, stderr) = if case.folder.join("run.sh").exists() {
        support::finish(case.sh("run.sh"))
    } else {
        case.fitout(&["build", "--quiet"])
    };
    let mut complain = |is_wrong: bool, what: &str| {
        if is_wrong {
            wrong.push(format!("{at}: {what}, exit {code}:\n{stdout}{stderr}"));
        }
    };
    complain(code == 101 || code >= 128, "ended badly");
    complain(stderr.contains("error[") != (code != 0), "the exit code does not fit");
    let dist = case.folder.join("dist");
    complain(code != 0 && !stdout.is_empty(), "gave data on stdout");
    complain(code != 0 && dist.is_dir() && !files(&dist).is_empty(), "wrote something");
    // A failure of the machine names the whole path, and a log lies in a folder that is named by its project.
    let stderr = stderr.replace(&case.folder.display().to_string(), "/PROJECT");
    let stderr = stderr.replace(&case.cache().display().to_string(), "/CACHE");
    format!("exit {code}\n{}", without_id(&stderr))
}

fn without_id(text: &str) -> String {
    let mut parts = text.split("/CACHE/projects/");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        format!("{text}/CACHE/projects/ID{}", part.trim_start_matches(|c: char| c.is_ascii_hexdigit()))
    })
}

/// A new code needs a drawing that was looked at, or a reason why none can be had.
#[test]
fn every_code_has_a_golden() {
    let mut drawn = BTreeSet::new();
    for room in folders("errors") {
        for name in folders(&format!("errors/{room}")) {
            let expected = folder().join("errors").join(&room).join(&name).join("expected.txt");
            let text = fs_err::read_to_string(expected).unwrap_or_default();
            let of_room = |code: &&str| text.contains(&format!("[{code}]"));
            drawn.extend(codes::ALL.iter().map(|code| code.name).filter(of_room));
        }
    }
    let wanted: Vec<&str> = codes::ALL.iter().filter(|code| code.fault != Fault::Lint).map(|code| code.name).collect();
    let excepted = |name: &str| EXCEPTIONS.iter().any(|(code, _)| *code == name);
    let missing: Vec<&&str> = wanted.iter().filter(|name| !drawn.contains(**name) && !excepted(name)).collect();
    assert!(missing.is_empty(), "no golden under tests/golden/errors and no exception for {missing:?}");
    for (name, reason) in EXCEPTIONS {
        assert!(wanted.contains(name), "{name} is no code of input or environment");
        assert!(!drawn.contains(name), "{name} has a golden and needs no exception: {reason}");
    }
}
