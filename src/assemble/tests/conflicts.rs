//! Two rules for one path.

use super::*;
use crate::diagnostic::codes;

fn when(project: &mut Project, from: &str, to: &str, formats: &[&str]) {
    let formats = formats.iter().map(ToString::to_string).collect();
    project.rule(Take::Path(from.into()), to, |rule| rule.when = Some(formats));
}

#[test]
fn two_rules_for_one_path_name_both() {
    let mut project = Project::new();
    project.file("a", "a").file("b", "b").from("a", "/opt/x").from("b", "/opt/x");
    let told = project.refusal(codes::FILES_CONFLICT);
    let places: Vec<_> = told.labels.iter().map(|label| label.span.to_string()).collect();
    assert_eq!(places, ["fitout.toml:2", "fitout.toml:1"]);
    assert!(told.helps[0].contains("`replace = true`"));
    project.release.rules[1].replace = true;
    let outcome = project.run();
    assert_eq!(bytes(&outcome, "/opt/x"), b"b");
    let read: Vec<_> =
        outcome.sources.list().iter().filter(|content| matches!(content, Content::File { .. })).collect();
    assert_eq!(read.len(), 1, "what was replaced is not read");
}

#[test]
fn a_preset_is_named_too() {
    let mut project = Project::new();
    project.file("a", "a").from("a", "/opt/x").from("a", "/opt/x");
    project.release.rules[0].origin = Origin::Preset { preset: "otp", what: "release tree".into() };
    let told = project.refusal(codes::FILES_CONFLICT);
    assert_eq!(told.notes, ["from preset otp: release tree"]);
}

#[test]
fn many_paths_of_two_rules_are_one_finding() {
    let mut project = Project::new();
    project.file("t/a", "").file("t/b", "").file("t/c/d", "").from("t", "/opt/t").from("t", "/opt/t");
    let told = project.refusal(codes::FILES_CONFLICT);
    assert_eq!(told.path.as_deref(), Some("/opt/t/a"));
    assert_eq!(told.notes, ["the same two rules meet at 2 more paths"]);
}

#[test]
fn formats_keep_rules_apart() {
    let mut project = Project::new();
    project.file("a", "a").file("b", "b");
    when(&mut project, "a", "/opt/x", &["deb"]);
    when(&mut project, "b", "/opt/x", &["rpm", "tarball"]);
    when(&mut project, "missing", "/opt/y", &["oci"]);
    let plan = project.plan();
    check_invariants(&plan);
    let of = |format: &str| plan.entries_for(format).filter(|e| e.path.as_ref() == "/opt/x").count();
    assert_eq!((of("deb"), of("rpm"), of("zip")), (1, 1, 0));
    when(&mut project, "b", "/opt/x", &["deb", "zip"]);
    assert!(project.refusal(codes::FILES_CONFLICT).labels[1].span.to_string().ends_with(":1"));
    project.release.rules[3].replace = true;
    let plan = project.plan();
    check_invariants(&plan);
    let names: Vec<_> =
        ["deb", "rpm", "zip"].map(|f| plan.entries_for(f).filter(|e| e.path.as_ref() == "/opt/x").count()).into();
    assert_eq!(names, [1, 1, 1]);
}

#[test]
fn directories_merge_where_they_agree() {
    let mut project = Project::new();
    project.file("s/x/a", "").file("t/x/b", "").from("s", "/opt/m").from("t", "/opt/m");
    assert_eq!(paths(&project.plan()), ["/opt/m", "/opt/m/x", "/opt/m/x/a", "/opt/m/x/b"]);
    project.release.rules[1].dir_mode = Some(fact(0o700));
    let told = project.refusal(codes::FILES_CONFLICT);
    assert!(told.message.contains("different owners or modes"), "{}", told.message);
    assert_eq!(told.labels[0].text, "here: root:root 0700");
    project.release.rules[1].replace = true;
    assert_eq!(entry(&project.plan(), "/opt/m/x").mode, 0o700);
}

#[test]
fn a_shared_directory_is_nobodys() {
    let mut project = Project::new();
    project.file("root/usr/bin/a", "").rule(Take::Path("root".into()), "/", |rule| {
        rule.dir_mode = Some(fact(0o700));
        rule.owner = Some(fact("hello".into()));
    });
    let plan = project.plan();
    let bin = entry(&plan, "/usr/bin");
    assert!(matches!(bin.kind, Kind::Directory { shared: true }));
    assert_eq!((bin.mode, bin.owner.user.as_ref()), (0o755, "root"));
    assert_eq!(paths(&plan), ["/usr/bin/a"]);
    assert!(!plan.entries.iter().any(|entry| entry.path.as_ref() == "/"));
}

#[test]
fn a_file_is_no_directory() {
    let mut project = Project::new();
    project.file("a", "").file("t/b", "").from("a", "/opt/x").from("a", "/opt/x/y/z");
    let told = project.refusal(codes::FILES_NOT_A_DIRECTORY);
    assert_eq!(told.message, "`/opt/x/y/z` lies under `/opt/x`, which is a file");
    assert_eq!(told.labels.len(), 2);
    project.release.rules[0].take = Take::Link("/opt/w".into());
    assert!(project.refusal(codes::FILES_NOT_A_DIRECTORY).message.contains("a symbolic link"));
    project.release.rules[0].when = Some(vec!["deb".into()]);
    project.release.rules[1].when = Some(vec!["rpm".into()]);
    check_invariants(&project.plan());
    let mut project = Project::new();
    project.file("a", "").file("t/b", "").from("t", "/opt/x").from("a", "/opt/x");
    assert!(project.refusal(codes::FILES_CONFLICT).message.contains("a directory by one rule and a file by another"));
}

/// What stands between `/opt/a` and `/opt/a/b` in byte order must not part a directory from what is in it.
#[test]
fn parents_are_there_in_the_formats_of_their_children() {
    let mut project = Project::new();
    project.file("f", "");
    when(&mut project, "f", "/opt/a/b/c", &["deb"]);
    when(&mut project, "f", "/opt/a-x", &["rpm"]);
    when(&mut project, "f", "/opt/a/b/d", &["rpm"]);
    when(&mut project, "f", "/opt/a/e", &["zip"]);
    let plan = project.plan();
    check_invariants(&plan);
    assert_eq!(plan.entries_for("zip").filter(|e| e.path.starts_with("/opt/a/b")).count(), 0);
}

#[test]
fn two_names_of_one_place_are_refused_where_usr_is_merged() {
    let mut project = Project::new();
    project.file("a", "a").file("t/lib/b", "b").file("t/lib/c", "c").file("t/lib/d", "d");
    project.from("a", "/lib/systemd/system/a.service");
    let told = project.refusal(codes::FILES_MERGED_USR);
    assert_eq!(told.helps, ["write `to = \"/usr/lib/systemd/system/a.service\"`"]);
    // Its other name is there too.
    project.from("a", "/usr/lib/systemd/system/a.service");
    let told = project.refusal(codes::FILES_MERGED_USR);
    let places: Vec<_> = told.labels.iter().map(|label| label.span.to_string()).collect();
    assert_eq!(places, ["fitout.toml:1", "fitout.toml:2"]);
    project.release.rules.clear();
    project.from("t", "/");
    let told = project.refusal(codes::FILES_MERGED_USR);
    assert_eq!(told.notes, ["the same rule does so at 2 more paths"]);
    assert!(told.helps[0].contains("with `to = \"/usr/lib/\"`"), "{}", told.helps[0]);
}

#[test]
fn what_is_no_part_of_a_system_may_have_a_lib() {
    let mut project = Project::new();
    project.file("a", "a").from("a", "/lib/a");
    project.release.formats.retain(|(name, _)| *name == "zip");
    assert!(project.run().result.is_ok());
    project.release.formats.push(("oci", Abilities { dialect: Dialect::None, ..FULL }));
    assert!(project.run().result.is_ok(), "an image from scratch is the whole system");
    project.release.image.base.value = plan::Base::Layout("base".into(), None);
    project.refusal(codes::FILES_MERGED_USR);
}
