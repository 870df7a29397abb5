//! The order of what stands in a script, and what each dialect says when.

use super::super::sample::plan_of;
use super::*;
use crate::diagnostic::codes;

fn step(dialect: Dialect, moment: &'static str, text: &str) -> Step {
    let script = Script { text: text.into(), interpreter: vec!["/bin/sh".into()], origin: Origin::Default };
    Step::Script { dialect, moment, script }
}

fn capable(path: &str) -> Step {
    Step::Capabilities { path: path.into(), capabilities: "cap_net_bind_service=ep".into() }
}

#[test]
fn steps_of_a_moment_become_one_script() {
    let mut plan = plan_of(Vec::new());
    plan.lifecycle.steps = vec![
        step(Dialect::Deb, "postinst", "#!/bin/sh\nset -e\none"),
        step(Dialect::Rpm, "post", "two\n"),
        step(Dialect::Deb, "postinst", "#!/bin/sh\nthree\n"),
        step(Dialect::Deb, "prerm", "#!/bin/sh\n"),
    ];
    let deb = scripts(&plan, Dialect::Deb).unwrap();
    assert_eq!(deb.keys().copied().collect::<Vec<_>>(), ["postinst", "prerm"]);
    assert_eq!(deb["postinst"].text, "#!/bin/sh\nset -e\none\nthree\n");
    assert_eq!(scripts(&plan, Dialect::Rpm).unwrap()["post"].text, "two\n");
    assert!(scripts(&plan, Dialect::Plain).unwrap().is_empty());
}

#[test]
fn the_postinst_sets_capabilities_before_what_the_user_wrote() {
    const LINES: &str = "\
case \"$1\" in configure|abort-upgrade|abort-deconfigure|abort-remove)
	# dpkg cannot carry file capabilities.
	setcap 'cap_net_bind_service=ep' \"${DPKG_ROOT:-}\"'/a' || printf '%s: cannot set capabilities of %s\\n' 'hello' '/a' >&2
	setcap 'cap_net_bind_service=ep' \"${DPKG_ROOT:-}\"'/b' || printf '%s: cannot set capabilities of %s\\n' 'hello' '/b' >&2
	;;
esac
";
    let mut plan = plan_of(Vec::new());
    let mut postinst = |user: Vec<Step>| {
        plan.lifecycle.steps = [vec![capable("/a"), capable("/b")], user].concat();
        assert!(scripts(&plan, Dialect::Plain).unwrap().is_empty());
        let mut scripts = scripts(&plan, Dialect::Deb).unwrap();
        assert_eq!(scripts.len(), 1);
        scripts.remove("postinst").unwrap().text
    };
    assert_eq!(postinst(vec![]), format!("#!/bin/sh\nset -e\n{LINES}exit 0\n"));
    let user = |text| vec![step(Dialect::Deb, "postinst", text)];
    assert_eq!(
        postinst(user("#!/bin/bash -e\nexit 0\n")),
        format!("#!/bin/bash -e\nset -e\n{LINES}(\nset -e\nexit 0\n)\n")
    );
    assert_eq!(postinst(user("#!/bin/sh")), format!("#!/bin/sh\nset -e\n{LINES}(\nset +e\n)\n"));
}

#[test]
fn what_no_script_can_hold_is_refused() {
    let mut plan = plan_of(Vec::new());
    plan.lifecycle.steps = vec![capable("/a\0b")];
    let findings = scripts(&plan, Dialect::Deb).unwrap_err();
    assert_eq!(findings.iter().map(|finding| finding.code).collect::<Vec<_>>(), [codes::TEMPLATE_VALUE]);
}

/// Runs a scriptlet as rpm does; exit code and what it said.
fn ran(script: &Script, instances: &str) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("script");
    fs_err::write(&file, &script.text).unwrap();
    let (program, options) = script.interpreter.split_first().unwrap();
    let output = std::process::Command::new(program).args(options).arg(&file).arg(instances).output().unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn what_fails_before_files_change_ends_it_and_later_is_only_told() {
    let user = |moment, text: &str| {
        let script = Script { text: text.into(), interpreter: vec!["/bin/sh".into()], origin: Origin::Default };
        Step::User { moment, script }
    };
    // A launcher that says what it is asked, so that what comes last is seen.
    let hook = |before| Step::Hook { launcher: "/bin/echo".into(), before };
    let mut own = step(Dialect::Rpm, "post", "#!/bin/bash\necho own\nfalse\necho never\n");
    let Step::Script { script, .. } = &mut own else { unreachable!() };
    script.interpreter = vec!["/bin/bash".into(), "-e".into()];
    let mut plan = plan_of(Vec::new());
    plan.lifecycle.steps = vec![
        user(Moment::BeforeInstall, "echo first\n"),
        user(Moment::BeforeUpgrade, "#!/bin/sh\necho before\nexit 4\n"),
        user(Moment::AfterUpgrade, "#!/bin/sh -e\necho after\nfalse\necho never\n"),
        own,
        hook(true),
        hook(false),
    ];
    let rpm = scripts(&plan, Dialect::Rpm).unwrap();
    assert_eq!(ran(&rpm["pre"], "1"), (Some(0), "first\n".into()));
    assert_eq!(ran(&rpm["pre"], "2"), (Some(4), "before\n".into()));
    assert_eq!(ran(&rpm["post"], "2"), (Some(1), "after\nown\nhook post-upgrade\n".into()));
    plan.lifecycle.steps.retain(|step| !matches!(step, Step::User { moment: Moment::BeforeUpgrade, .. }));
    let rpm = scripts(&plan, Dialect::Rpm).unwrap();
    assert_eq!(ran(&rpm["pre"], "2"), (Some(0), "hook pre-upgrade 1.4.0-rc.1+b5\n".into()));
}
