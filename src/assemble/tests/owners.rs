//! The ladders of owner and mode, and what formats cannot carry.

use super::*;
use crate::diagnostic::{Severity, codes};

fn preset<T>(value: T) -> Fact<T> {
    Fact { value, origin: Origin::Preset { preset: "otp", what: "runtime".into() } }
}

#[test]
fn the_owner_is_the_rules_and_never_the_builders() {
    let mut project = Project::new();
    project.file("a", "");
    std::os::unix::fs::chown(project.at("a"), Some(1234), Some(1234)).unwrap();
    project
        .from("a", "/opt/plain")
        .rule(Take::Path("a".into()), "/opt/owned", |rule| rule.owner = Some(fact("root:hello".into())));
    project.rule(Take::Path("a".into()), "/opt/number", |rule| rule.owner = Some(preset("1000:0".into())));
    let outcome = project.run();
    let plan = outcome.result.unwrap();
    assert_eq!(entry(&plan, "/opt/plain").owner, Owner::root());
    assert_eq!(*entry(&plan, "/opt/plain").owner_origin, Origin::Default);
    let owned = entry(&plan, "/opt/owned");
    assert_eq!((owned.owner.uid, owned.owner.group.as_ref()), (0, "hello"));
    assert!(matches!(*entry(&plan, "/opt/number").owner_origin, Origin::Preset { .. }));
    assert_eq!(entry(&plan, "/opt/number").owner.uid, 1000);

    let said: Vec<_> = outcome.heard.iter().map(|f| (f.code, f.message.as_str())).collect();
    assert!(outcome.heard.iter().all(|f| f.severity == Severity::Warning));
    assert_eq!(
        said,
        [(
            codes::FILES_OWNER_WITHOUT_ACCOUNT,
            "1 path belongs to the group `hello`, which this package does not create"
        ),]
    );
}

#[test]
fn the_mode_goes_down_its_ladder() {
    let mut project = Project::new();
    project.file("x", "").mode("x", 0o100).file("r", "").mode("r", 0o600);
    project.file("s", "").mode("s", 0o4755).file("n", "").mode("n", 0o664);
    let rules: [(&str, Role, Option<Fact<u32>>, u32, &str); 10] = [
        ("x", Role::Plain, None, 0o755, "the file is executable; its 0100 on the builder is not kept"),
        ("r", Role::Plain, None, 0o644, "the file is not executable; its 0600 on the builder is not kept"),
        ("s", Role::Plain, None, 0o755, "the file is executable; its 4755 on the builder is not kept"),
        ("n", Role::Plain, None, 0o644, "the file is not executable"),
        ("x", Role::Doc, None, 0o644, "role doc"),
        ("x", Role::License, Some(preset(0o755)), 0o644, "role license"),
        ("x", Role::License, Some(fact(0o4755)), 0o4755, "default"),
        ("r", Role::Plain, Some(preset(0o600)), 0o600, "preset otp: runtime"),
        ("r", Role::Config { noreplace: true, missingok: false }, Some(fact(0o640)), 0o640, "default"),
        ("s", Role::Config { noreplace: true, missingok: false }, Some(fact(0o755)), 0o755, "default"),
    ];
    for (i, (from, role, mode, ..)) in rules.iter().enumerate() {
        project.rule(Take::Path((*from).into()), &format!("/opt/{i}"), |rule| {
            rule.role = *role;
            rule.mode.clone_from(mode);
        });
    }
    let plan = project.plan();
    for (i, (_, _, _, mode, origin)) in rules.iter().enumerate() {
        let entry = entry(&plan, &format!("/opt/{i}"));
        assert_eq!((entry.mode, entry.mode_origin.to_string().as_str()), (*mode, *origin), "{i}");
    }
    // Where the config itself is closed, a umask closed all of them.
    project.file("fitout.toml", "").mode("fitout.toml", 0o600);
    let plan = project.plan();
    let origin = |path: &str| entry(&plan, path).mode_origin.to_string();
    assert_eq!(origin("/opt/1"), "the file is not executable");
    assert_eq!(origin("/opt/2"), "the file is executable; its 4755 on the builder is not kept");
}

#[test]
fn impossible_owners_and_modes_are_all_found() {
    let mut project = Project::new();
    let origin = |project: &Project| project.release.rules.last().map(|rule| rule.origin.clone());
    project.file("a", "").from("a", "/opt/a");
    let place = origin(&project).unwrap();
    project.release.rules[0].owner = Some(Fact { value: "Hello World".into(), origin: place.clone() });
    project.release.rules[0].mode = Some(Fact { value: 0o10_000, origin: place });
    let codes: Vec<_> = project.refused().iter().map(|f| f.code).collect();
    assert_eq!(codes, [codes::FILES_MODE, codes::FILES_OWNER]);
}

#[test]
fn capabilities_and_sizes_are_judged_per_format() {
    let mut project = Project::new();
    project.file("a", "12345678").rule(Take::Path("a".into()), "/opt/a", |rule| {
        rule.capabilities = Some("cap_net_bind_service=ep".into());
    });
    let outcome = project.run();
    assert_eq!(
        entry(outcome.result.as_ref().unwrap(), "/opt/a").capabilities.as_deref(),
        Some("cap_net_bind_service=ep")
    );
    let formats: Vec<_> = outcome.heard.iter().map(|f| f.message.split(' ').next().unwrap()).collect();
    assert_eq!(formats, [""; 0], "deb sets them by a script, zip by its install.sh");
    assert!(outcome.result.as_ref().unwrap().lifecycle.sets_capabilities());
    project.release.formats[2].1.largest_file = 7;
    project.release.rules[0].when = Some(vec!["zip".into()]);
    project.release.rules[0].capabilities = None;
    let told = project.refused();
    let told: Vec<_> = told.iter().filter(|f| f.path.as_deref() == Some("/opt/a")).collect();
    assert_eq!((told[0].code, told[0].severity), (codes::FORMAT_CANNOT_CARRY, Severity::Error));
}

#[test]
fn documents_alone_have_no_install_sh_that_sets_owners() {
    let mut project = Project::new();
    project.file("a", "");
    for path in ["/srv/a", "/srv/b"] {
        project.rule(Take::Path("a".into()), path, |rule| {
            rule.role = Role::Doc;
            rule.owner = Some(preset("1000:0".into()));
            rule.capabilities = Some("cap_net_bind_service=ep".into());
        });
    }
    let outcome = project.run();
    let said: Vec<_> = outcome.heard.iter().map(|f| f.message.as_str()).collect();
    let expected = [
        "zip cannot carry owners: `/srv/a` has 1000:root",
        "zip cannot carry file capabilities: `/srv/a` has cap_net_bind_service=ep",
    ];
    assert_eq!(said, expected);
    assert_eq!(outcome.heard[0].notes, ["1 more path is concerned"]);
}

#[test]
fn ghosts_are_only_where_they_are_known() {
    let mut project = Project::new();
    project.rule(Take::Text(String::new()), "/var/log/hello.log", |rule| rule.role = Role::Ghost);
    let plan = project.plan();
    let of = |format: &str| plan.entries_for(format).filter(|e| e.role == Role::Ghost).count();
    assert_eq!((of("deb"), of("rpm"), of("zip")), (0, 1, 0));
}
