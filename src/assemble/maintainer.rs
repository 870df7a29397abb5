//! The lifecycle's steps, said in a dialect: dpkg's maintainer scripts, rpm's scriptlets, an archive's `install.sh`.
//!
//! Enters: a Plan. Leaves: one script for each moment of the dialect. Several scripts of one moment become one, in the
//! order of the steps, run by the program of the first. What fitout generates comes from `templates/maintainer` and
//! stands before the user's text, right after the `#!` line: that text may end with `exit 0` anywhere. Triggers are not
//! scripts of a moment: a format that knows them reads them from the steps.

use std::collections::BTreeMap;

use serde_json::json;

use super::plan::{Dialect, Plan, Script, Step};
use crate::diagnostic::{Diagnostic, Findings, Origin};
use crate::template::{self, TemplateError};

/// Sets file capabilities, in a postinst.
const CAPABILITIES: &str = "maintainer/deb/capabilities.sh";

/// Scripts by the dialect's own word for the moment (`postinst`, `preun`).
///
/// # Errors
/// A value that no script can hold.
pub fn scripts(plan: &Plan, dialect: Dialect) -> Result<BTreeMap<&'static str, Script>, Findings> {
    let mut scripts: BTreeMap<&'static str, Script> = BTreeMap::new();
    for step in &plan.lifecycle.steps {
        match step {
            Step::Script { dialect: of, moment, script } if *of == dialect => {
                scripts.entry(moment).and_modify(|whole| append(whole, script)).or_insert_with(|| script.clone());
            }
            Step::Script { .. } | Step::RpmTrigger { .. } | Step::Capabilities { .. } => {}
        }
    }
    if dialect == Dialect::Deb && plan.lifecycle.sets_capabilities() {
        let lines = capabilities(plan).map_err(|error| vec![Diagnostic::from(error)])?;
        scripts
            .entry("postinst")
            .and_modify(|user| user.text = before(&lines, &user.text))
            .or_insert_with(|| generated(&lines));
    }
    Ok(scripts)
}

/// The lines that set all file capabilities of the package.
fn capabilities(plan: &Plan) -> Result<String, TemplateError> {
    let files = plan.lifecycle.steps.iter().filter_map(|step| match step {
        Step::Capabilities { path, capabilities } => Some(json!({ "path": **path, "capabilities": **capabilities })),
        Step::Script { .. } | Step::RpmTrigger { .. } => None,
    });
    template::render(CAPABILITIES, &json!({ "package": plan.identity.name.value, "files": files.collect::<Vec<_>>() }))
}

/// The user's script with generated lines after its `#!` line.
fn before(lines: &str, user: &str) -> String {
    let (first, rest) = user.split_once('\n').unwrap_or((user, ""));
    format!("{first}\n{lines}{rest}")
}

/// A whole script, where the user has none.
fn generated(lines: &str) -> Script {
    Script {
        text: format!("#!/bin/sh\nset -e\n{lines}exit 0\n"),
        interpreter: vec!["/bin/sh".into()],
        origin: Origin::Template { name: CAPABILITIES },
    }
}

/// Puts a further script behind `whole`; only the first keeps its `#!` line.
fn append(whole: &mut Script, next: &Script) {
    if !whole.text.is_empty() && !whole.text.ends_with('\n') {
        whole.text.push('\n');
    }
    let text = match next.text.split_once('\n') {
        Some((first, rest)) if first.starts_with("#!") => rest,
        None if next.text.starts_with("#!") => "",
        _ => &next.text,
    };
    whole.text.push_str(text);
}

#[cfg(test)]
mod tests {
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
# dpkg cannot carry file capabilities.
case \"$1\" in configure|abort-upgrade|abort-remove|abort-deconfigure)
    setcap 'cap_net_bind_service=ep' \"$DPKG_ROOT\"'/a' || printf '%s: cannot set capabilities of %s\\n' 'hello' '/a' >&2
    setcap 'cap_net_bind_service=ep' \"$DPKG_ROOT\"'/b' || printf '%s: cannot set capabilities of %s\\n' 'hello' '/b' >&2
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
        assert_eq!(postinst(user("#!/bin/bash -e\nexit 0\n")), format!("#!/bin/bash -e\n{LINES}exit 0\n"));
        assert_eq!(postinst(user("#!/bin/sh")), format!("#!/bin/sh\n{LINES}"));
    }

    #[test]
    fn what_no_script_can_hold_is_refused() {
        let mut plan = plan_of(Vec::new());
        plan.lifecycle.steps = vec![capable("/a\0b")];
        let findings = scripts(&plan, Dialect::Deb).unwrap_err();
        assert_eq!(findings.iter().map(|finding| finding.code).collect::<Vec<_>>(), [codes::TEMPLATE_VALUE]);
    }
}
