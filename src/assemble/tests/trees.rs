//! Files, trees and globs, links, and everything that cannot be packed.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::time::Instant;

use super::*;
use crate::diagnostic::{Severity, codes};

fn exclude(patterns: &[&str]) -> Vec<Fact<String>> {
    patterns.iter().map(|pattern| fact((*pattern).to_owned())).collect()
}

#[test]
fn a_file_goes_to_its_place_or_into_a_folder() {
    let mut project = Project::new();
    project.file("a.txt", "a").file("b.sh", "b").mode("b.sh", 0o700).file("c", "c").mode("c", 0o4711);
    project.from("a.txt", "/usr/lib/hello/renamed").from("b.sh", "/usr/lib/hello/").from("c", "/usr/lib/hello/c");
    let plan = project.plan();
    assert_eq!(paths(&plan), ["/usr/lib/hello", "/usr/lib/hello/b.sh", "/usr/lib/hello/c", "/usr/lib/hello/renamed"]);
    assert_eq!(entry(&plan, "/usr/lib/hello/renamed").mode, 0o644);
    assert_eq!(entry(&plan, "/usr/lib/hello/b.sh").mode, 0o755, "the umask of the builder does not matter");
    assert_eq!(entry(&plan, "/usr/lib/hello/c").mode, 0o755, "setuid is never taken over");
    assert!(matches!(entry(&plan, "/usr/lib/hello").kind, Kind::Directory { shared: false }));
    assert!(matches!(*entry(&plan, "/usr/lib/hello").origin, Origin::Implied));
    assert!(matches!(entry(&plan, "/usr/lib").kind, Kind::Directory { shared: true }));
    assert!(plan.target.independent);
    check_invariants(&plan);
}

#[test]
fn a_tree_keeps_empty_directories_and_leaves_out_what_is_excluded() {
    let mut project = Project::new();
    project.file("t/a", "").file("t/deep/x.log", "").file("t/deep/y", "").file("t/log/z", "").file("t/k/log/q", "");
    fs_err::create_dir_all(project.at("t/empty/inner")).unwrap();
    project.rule(Take::Path("t".into()), "/opt/t", |rule| {
        rule.exclude = exclude(&["*.log", "/log", "nothing/**"]);
        rule.dir_mode = Some(fact(0o750));
    });
    let plan = project.plan();
    assert_eq!(
        paths(&plan),
        [
            "/opt/t",
            "/opt/t/a",
            "/opt/t/deep",
            "/opt/t/deep/y",
            "/opt/t/empty",
            "/opt/t/empty/inner",
            "/opt/t/k",
            "/opt/t/k/log",
            "/opt/t/k/log/q"
        ]
    );
    assert_eq!(entry(&plan, "/opt/t").mode, 0o750);
    assert_eq!(entry(&plan, "/opt/t/empty/inner").mode, 0o750);
    project.release.rules[0].exclude = exclude(&["log/"]);
    assert!(!paths(&project.plan()).iter().any(|path| path.contains("/log")), "at any depth");
}

#[test]
fn a_secret_is_known_by_every_name_and_no_link_is_one() {
    let mut project = Project::new();
    project.file("secret/key.asc", "k").file("t/a", "").link("t/link", "a").link("sym", "secret/key.asc");
    fs_err::hard_link(project.at("secret/key.asc"), project.at("t/hard")).unwrap();
    project.from("t", "/opt/t").from("sym", "/opt/t/sym").rule(Take::Text("p".into()), "/opt/t/secret/key.asc", |_| ());
    let all = ["/opt/t", "/opt/t/a", "/opt/t/link", "/opt/t/secret", "/opt/t/secret/key.asc", "/opt/t/sym"];
    assert_eq!(paths(&project.plan()), all);
    project.release.rules.truncate(1);
    project.release.rules[0].take = Take::Path("t/hard".into());
    project.refusal(codes::FILES_SECRET);
    project.release.rules[0].take = Take::Path("secret/k*".into());
    let refusal = project.refusal(codes::FILES_NO_MATCH);
    assert_eq!(refusal.helps, ["`secret/key.asc` is there and passed over: it is a secret of whoever publishes"]);
}

#[test]
fn excluded_folders_are_not_entered() {
    let mut project = Project::new();
    project.file("t/a", "").file("t/skip/x", "");
    // A fifo and a bad name in there would be errors if anyone looked.
    let made = std::process::Command::new("mkfifo").arg(project.at("t/skip/fifo")).status().unwrap();
    assert!(made.success());
    project.rule(Take::Path("t".into()), "/opt/t", |rule| rule.exclude = exclude(&["skip"]));
    assert_eq!(paths(&project.plan()), ["/opt/t", "/opt/t/a"]);
}

#[test]
fn a_glob_keeps_the_folders_below_its_literal_prefix() {
    let mut project = Project::new();
    project.file("share/a.txt", "").file("share/x/b.txt", "").file("share/x/y/c.txt", "").file("share/x/d.md", "");
    project.file("share/z/e.md", "");
    project.from("share/**/*.txt", "/opt/s");
    let all = ["/opt/s", "/opt/s/a.txt", "/opt/s/x", "/opt/s/x/b.txt", "/opt/s/x/y", "/opt/s/x/y/c.txt"];
    assert_eq!(paths(&project.plan()), all);
    project.release.rules[0].take = Take::Path("share/*.txt".into());
    assert_eq!(paths(&project.plan()), ["/opt/s", "/opt/s/a.txt"]);
    project.release.rules[0].take = Take::Path("share/?".into());
    let whole = paths(&project.plan()).len();
    assert_eq!(whole, 8, "matched folders are taken whole");
    project.release.rules[0].take = Take::Path("share/{x,q/r}/*.{txt,md}".into());
    assert_eq!(paths(&project.plan()), ["/opt/s", "/opt/s/x", "/opt/s/x/b.txt", "/opt/s/x/d.md"]);
    project.file("share/lit[1].txt", "");
    project.release.rules[0].take = Take::Path("share/lit[1].txt".into());
    assert_eq!(paths(&project.plan()), ["/opt/s"], "a file of that very name is no glob");
}

#[test]
fn what_is_missing_names_the_nearest_thing() {
    let mut project = Project::new();
    project.file("config/env.example", "");
    project.from("config/env.exmaple", "/etc/hello/env");
    let told = project.refusal(codes::FILES_NOT_FOUND);
    assert_eq!(told.helps, ["`config/` exists and holds `env.example`"]);
    assert_eq!(told.labels[0].span.to_string(), "fitout.toml:1");
    project.release.rules[0].take = Take::Path("confg/*.x".into());
    assert_eq!(project.refusal(codes::FILES_NO_MATCH).helps, ["the project's folder exists and holds `config`"]);
    project.release.rules[0].take = Take::Path("config/*.x".into());
    assert_eq!(project.refusal(codes::FILES_NO_MATCH).helps, ["`config/` exists and holds `env.example`"]);
    project.release.rules[0].take = Take::Path("config/[".into());
    project.refusal(codes::FILES_BAD_GLOB);
    project.release.rules[0].take = Take::Path("config/env.example/x".into());
    project.refusal(codes::FILES_NOT_FOUND);
}

#[test]
fn an_empty_tree_is_refused() {
    let mut project = Project::new();
    project.file("t/a", "").from("t", "/opt/t");
    project.release.rules[0].exclude = exclude(&["*"]);
    project.refusal(codes::FILES_EMPTY_TREE);
    let origin = project.release.rules[0].origin.clone();
    project.release.rules[0].exclude = vec![Fact { value: "{".into(), origin }];
    project.refusal(codes::FILES_BAD_GLOB);
}

#[test]
fn hard_links_are_kept() {
    let mut project = Project::new();
    project.file("t/b", "same").file("t/other", "same");
    fs_err::hard_link(project.at("t/b"), project.at("t/c")).unwrap();
    fs_err::hard_link(project.at("t/b"), project.at("t/a")).unwrap();
    project.from("t", "/opt/t").from("t/other", "/opt/once").from("t/other", "/opt/twice");
    project.rule(Take::Path("t/a".into()), "/opt/mode", |rule| rule.mode = Some(fact(0o600)));
    let plan = project.plan();
    assert!(matches!(entry(&plan, "/opt/t/a").kind, Kind::File(_)), "the first by path");
    for path in ["/opt/t/b", "/opt/t/c"] {
        assert!(
            matches!(&entry(&plan, path).kind, Kind::Hardlink { target } if target.as_ref() == "/opt/t/a"),
            "{path}"
        );
    }
    assert!(matches!(entry(&plan, "/opt/mode").kind, Kind::File(_)), "an inode has one mode");
    let id = |path: &str| match &entry(&plan, path).kind {
        Kind::File(source) => source.id,
        other => panic!("{path}: {other:?}"),
    };
    assert_eq!(id("/opt/mode"), id("/opt/t/a"), "and its content is read once");
    assert_eq!(id("/opt/once"), id("/opt/twice"), "taken twice is no hard link");
    check_invariants(&plan);
}

#[test]
fn links_are_kept_as_written() {
    let mut project = Project::new();
    project.file("t/bin/real", "").link("t/bin/rel", "real").link("t/up", "bin/../bin/./real").link("t/dir", "bin");
    project
        .link("t/via", "dir/rel")
        .link("t/certs", "/etc/ssl/certs")
        .link("t/own", "/opt/t/bin/real")
        .link("t/out", "../w/f");
    project.file("w/f", "").from("t", "/opt/t").from("w", "/opt/w");
    project.rule(Take::Link("/usr/share/other/hello".into()), "/usr/bin/elsewhere", |_| ());
    let plan = project.plan();
    for (path, text) in [
        ("/opt/t/up", "bin/../bin/./real"),
        ("/opt/t/certs", "/etc/ssl/certs"),
        ("/opt/t/out", "../w/f"),
        ("/usr/bin/elsewhere", "/usr/share/other/hello"),
    ] {
        let entry = entry(&plan, path);
        assert!(matches!(&entry.kind, Kind::Symlink { target } if target.as_ref() == text), "{path}");
        assert_eq!(entry.mode, 0o777);
    }
}

#[test]
fn links_that_lead_nowhere_are_refused() {
    for (target, code) in [
        ("nothing", codes::FILES_DANGLING_LINK),
        ("/opt/t/nothing", codes::FILES_DANGLING_LINK),
        ("a/below-a-file", codes::FILES_DANGLING_LINK),
        ("../outside", codes::FILES_ESCAPING_LINK),
        ("../../../../outside", codes::FILES_ESCAPING_LINK),
        ("/home/me/x", codes::FILES_ESCAPING_LINK),
        ("link", codes::FILES_LINK_LOOP),
    ] {
        let mut project = Project::new();
        project.file("t/a", "").link("t/link", target).from("t", "/opt/t");
        let told = project.refusal(code);
        assert!(told.message.contains("`/opt/t/link` -> "), "{}", told.message);
    }
    let mut project = Project::new();
    let absolute = project.at("t/a");
    project.file("t/a", "").link("t/link", absolute).from("t", "/opt/t");
    assert!(project.refusal(codes::FILES_ESCAPING_LINK).message.contains("where the package is built"));
}

#[test]
fn a_loop_is_told_once() {
    let mut project = Project::new();
    project.link("t/a", "b").link("t/b", "c/d").link("t/c", "a").from("t", "/opt/t");
    project.refusal(codes::FILES_LINK_LOOP);
    project.rule(Take::Link("y".into()), "/opt/x", |_| ()).rule(Take::Link("/opt/x".into()), "/opt/y", |_| ());
    assert_eq!(project.refused().len(), 2, "another loop, made by rules");
}

#[test]
fn a_link_rule_into_the_own_tree_is_only_warned_of() {
    let mut project = Project::new();
    project.file("t/a", "").from("t", "/opt/t").rule(Take::Link("/opt/t/current".into()), "/usr/bin/x", |_| ());
    let outcome = project.run();
    assert!(outcome.result.is_ok());
    assert_eq!(outcome.heard.len(), 1);
    assert_eq!((outcome.heard[0].code, outcome.heard[0].severity), (codes::FILES_DANGLING_LINK, Severity::Warning));
}

#[test]
fn a_single_link_is_not_followed() {
    let mut project = Project::new();
    project.file("app-1", "").link("app", "app-1").link("folder", "real").file("real/x", "");
    project.from("app", "/opt/app");
    assert!(project.refusal(codes::FILES_DANGLING_LINK).message.contains("`/opt/app` -> `app-1`"));
    project.release.rules.clear();
    project.from("folder/", "/opt/f");
    assert_eq!(paths(&project.plan()), ["/opt/f", "/opt/f/x"], "a final slash asks for the folder behind the link");
}

#[test]
fn bad_names_are_refused() {
    let mut project = Project::new();
    project.file("t/a", "");
    fs_err::write(project.at("t").join(OsStr::from_bytes(b"caf\xe9")), "").unwrap();
    project.from("t", "/opt/t");
    let told = project.refusal(codes::FILES_NAME);
    assert!(told.path.unwrap().starts_with("t/caf"));

    let mut project = Project::new();
    project.file("t/two\nlines", "").from("t", "/opt/t");
    let told = project.refusal(codes::FILES_NAME);
    assert!(told.message.contains("two\\nlines") && !told.message.contains('\n'));

    let mut project = Project::new();
    project.link("t/l", OsStr::from_bytes(b"\xff")).link("t/m", "a\tb").from("t", "/opt/t");
    let codes: Vec<_> = project.refused().iter().map(|f| f.code).collect();
    assert_eq!(codes, [codes::FILES_NAME, codes::FILES_NAME]);

    let mut project = Project::new();
    fs_err::create_dir_all(project.at("t").join(OsStr::from_bytes(b"\xe9/in/side"))).unwrap();
    project.from("t", "/opt/t");
    project.refusal(codes::FILES_NAME);
}

#[test]
fn sockets_fifos_and_devices_are_refused() {
    let mut project = Project::new();
    project.file("t/a", "").from("t", "/opt/t");
    let _socket = std::os::unix::net::UnixListener::bind(project.at("t/socket")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(project.at("t/fifo")).status().unwrap().success());
    let said: Vec<String> = project.refused().into_iter().map(|f| f.message).collect();
    assert_eq!(
        said,
        ["`t/fifo` is a fifo, which a package cannot carry", "`t/socket` is a socket, which a package cannot carry"]
    );
    let mut project = Project::new();
    project.from("/dev/null", "/opt/null");
    assert!(project.refusal(codes::FILES_SPECIAL).message.contains("a device"));
}

/// Root reads everything, so the system is made to refuse otherwise: by a path that is too long for it.
#[test]
fn an_unreadable_folder_is_the_machines_fault() {
    let mut project = Project::new();
    project.file("t/a", "");
    let deep =
        "import os, sys\nos.chdir(sys.argv[1])\nfor _ in range(20):\n os.mkdir('d' * 250)\n os.chdir('d' * 250)\n";
    let status = std::process::Command::new("python3").args(["-c", deep]).arg(project.at("t")).status().unwrap();
    assert!(status.success());
    project.from("t", "/opt/t");
    let findings = project.refused();
    let unreadable: Vec<_> = findings.iter().filter(|f| f.code == codes::FILES_UNREADABLE).collect();
    assert_eq!(unreadable.len(), 1, "{findings:?}");
    assert!(unreadable[0].message.contains("File name too long"), "{}", unreadable[0].message);
    assert_eq!(unreadable[0].code.fault, crate::diagnostic::Fault::Environment);
}

#[test]
fn text_link_and_directory_rules() {
    let mut project = Project::new();
    project.rule(Take::Text("v{version} {{}} ${HOME}".into()), "/etc/hello/v", |rule| {
        rule.render = true;
        rule.role = Role::Config { noreplace: true, missingok: false };
    });
    project.rule(Take::Directory, "/var/lib/hello", |rule| rule.mode = Some(fact(0o700)));
    let outcome = project.run();
    assert_eq!(bytes(&outcome, "/etc/hello/v"), b"v1.4 {{}} ${HOME}");
    let plan = outcome.result.unwrap();
    assert_eq!(entry(&plan, "/etc/hello/v").churn, Churn::Config);
    assert_eq!(entry(&plan, "/var/lib/hello").mode, 0o700);
    for take in [Take::Text(String::new()), Take::Link("x".into())] {
        let mut project = Project::new();
        project.rule(take, "/etc/hello/", |_| ());
        project.refusal(codes::FILES_PATH);
    }
    let mut project = Project::new();
    project.rule(Take::Link("a\nb".into()), "/etc/l", |_| ());
    project.refusal(codes::FILES_NAME);
}

#[test]
fn holes_of_content_are_filled_when_asked_for() {
    let mut project = Project::new();
    project
        .file("conf", "a\nname={name}\nhome=${HOME}\n")
        .rule(Take::Path("conf".into()), "/etc/hello/conf", |r| r.render = true);
    assert_eq!(bytes(&project.run(), "/etc/hello/conf"), b"a\nname=hello\nhome=${HOME}\n");
    project.file("conf", "a\nb {nmae}\n");
    let told = project.refusal(codes::CONFIG_UNSET_HOLE);
    assert_eq!(told.labels[0].span.to_string(), "conf:2");
    assert_eq!(told.helps[0], "did you mean `{name}`?");
    project.file("conf", [0x66, 0xff]);
    assert!(project.refusal(codes::FILES_NOT_TEXT).message.contains("byte 1 is not UTF-8"));
    project.release.rules[0].render = false;
    assert_eq!(bytes(&project.run(), "/etc/hello/conf"), [0x66, 0xff]);
    project.release.rules[0].take = Take::Text("{nope}".into());
    assert_eq!(bytes(&project.run(), "/etc/hello/conf"), b"{nope}");
    project.release.rules[0].render = true;
    project.refusal(codes::CONFIG_UNSET_HOLE);
    project.release.rules[0].to = "etc/x".into();
    project.refusal(codes::FILES_PATH);
    project.release.rules[0].to = "/usr/../../etc/x".into();
    project.refusal(codes::FILES_PATH);
}

#[test]
fn order_does_not_depend_on_the_folder() {
    let names = ["b", "a-b", "a", "a.b", "Z", "é", "a/x"];
    let mut seen = Vec::new();
    for reversed in [false, true] {
        let mut project = Project::new();
        let mut order: Vec<_> = names.iter().filter(|name| **name != "a").collect();
        if reversed {
            order.reverse();
        }
        order.iter().for_each(|name| _ = project.file(&format!("t/{name}"), ""));
        project.from("t", "/opt/t");
        let plan = project.plan();
        check_invariants(&plan);
        seen.push(paths(&plan).iter().map(ToString::to_string).collect::<Vec<_>>());
    }
    assert_eq!(seen[0], seen[1]);
}

#[test]
fn ten_thousand_files_take_no_time_to_speak_of() {
    let mut project = Project::new();
    for folder in 0..100 {
        fs_err::create_dir_all(project.at(&format!("t/{folder}"))).unwrap();
        for file in 0..100 {
            fs_err::write(project.at(&format!("t/{folder}/{file}")), b"x").unwrap();
        }
        project.link(&format!("t/{folder}/link"), "0");
    }
    project.from("t", "/opt/t").from("t/**/1*", "/opt/u");
    let start = Instant::now();
    let plan = project.plan();
    assert!(start.elapsed().as_secs() < 5, "{:?}", start.elapsed());
    assert!(plan.entries.len() > 11_000, "{}", plan.entries.len());
    check_invariants(&plan);
}
