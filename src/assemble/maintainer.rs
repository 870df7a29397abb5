//! The lifecycle's steps, said in a dialect: dpkg's maintainer scripts, rpm's scriptlets, an archive's `install.sh`.
//!
//! Enters: a Plan. Leaves: one script for each moment of the dialect. Several steps of one moment become one script, in
//! the order of the steps, run by the program of the first. Triggers are not scripts of a moment: a format that knows
//! them reads them from the steps.

use std::collections::BTreeMap;

use super::plan::{Dialect, Plan, Script, Step};

/// Scripts by the dialect's own word for the moment (`postinst`, `preun`).
pub fn scripts(plan: &Plan, dialect: Dialect) -> BTreeMap<&'static str, Script> {
    let mut scripts: BTreeMap<&'static str, Script> = BTreeMap::new();
    for step in &plan.lifecycle.steps {
        match step {
            Step::Script { dialect: of, moment, script } if *of == dialect => {
                scripts.entry(moment).and_modify(|whole| append(whole, script)).or_insert_with(|| script.clone());
            }
            Step::Script { .. } | Step::RpmTrigger { .. } => {}
        }
    }
    scripts
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
    use crate::diagnostic::Origin;

    fn step(dialect: Dialect, moment: &'static str, text: &str) -> Step {
        let script = Script { text: text.into(), interpreter: vec!["/bin/sh".into()], origin: Origin::Default };
        Step::Script { dialect, moment, script }
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
        let deb = scripts(&plan, Dialect::Deb);
        assert_eq!(deb.keys().copied().collect::<Vec<_>>(), ["postinst", "prerm"]);
        assert_eq!(deb["postinst"].text, "#!/bin/sh\nset -e\none\nthree\n");
        assert_eq!(scripts(&plan, Dialect::Rpm)["post"].text, "two\n");
        assert!(scripts(&plan, Dialect::Plain).is_empty());
    }
}
