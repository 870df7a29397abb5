//! `[package.scripts]`, `[[package.moved]]`, `[format.deb.scripts]`, `[format.rpm.scripts]` and `[[format.rpm.triggers]]`
//! -> typed steps with the scripts' text.

use crate::config::schema::{self, At, Formats, Scriptlet, Text, Texts};
use crate::diagnostic::{Diagnostic, codes};
use crate::resolve::lifecycle::{Dialect, Lifecycle, Moment, Moved, RpmTrigger, Script, Step};

use super::facts::host_path;
use super::ground::Ground;
use crate::config::suggest;

/// `[[format.rpm.triggers]] event`
const EVENTS: &[&str] = &[
    "triggerprein",
    "triggerin",
    "triggerun",
    "triggerpostun",
    "filetriggerin",
    "filetriggerun",
    "filetriggerpostun",
    "transfiletriggerin",
    "transfiletriggerun",
    "transfiletriggerpostun",
];

/// rpm's own default order of file triggers.
const PRIORITY: u32 = 1_000_000;

/// All scripts, in the order in which a package manager runs them; reported and `None` if one cannot be used.
pub(crate) fn lifecycle(ground: &Ground, package: &schema::Package, formats: &Formats) -> Option<Lifecycle> {
    let mut steps: Vec<Option<Step>> = package.moved.iter().map(|at| moved(ground, at)).collect();
    steps.extend(of_package(ground, &package.scripts));
    steps.extend(of_formats(ground, formats));
    for trigger in &formats.rpm.triggers {
        steps.push(of_trigger(ground, trigger));
    }
    Some(Lifecycle { steps: steps.into_iter().collect::<Option<_>>()? })
}

/// A config file that this version renames or drops.
fn moved(ground: &Ground, at: &At<schema::Moved>) -> Option<Step> {
    let path = |text: &Text| ground.ok(host_path(text, &ground.span(&text.range))).map(|()| text.value.clone());
    let from = path(&at.from);
    let to = at.to.as_ref().map(path);
    let legal = |c: char| c.is_ascii_alphanumeric() || ".+~:-".contains(c);
    let since = Some(at.since.value.clone())
        .filter(|text| text.starts_with(|c: char| c.is_ascii_digit()) && text.chars().all(legal));
    if since.is_none() {
        refuse(
            ground,
            &at.since,
            format!("`{}` is no version", at.since.escape_debug()),
            "write the first version without the old file, such as `2.0.0`",
        );
    }
    Some(Step::Moved(Moved { from: from?, to: to.map_or(Some(None), |to| to.map(Some))?, since: since? }))
}

/// The scripts that every dialect runs.
fn of_package(ground: &Ground, scripts: &schema::Scripts) -> Vec<Option<Step>> {
    let all = [
        (Moment::BeforeInstall, &scripts.before_install),
        (Moment::AfterInstall, &scripts.after_install),
        (Moment::BeforeUpgrade, &scripts.before_upgrade),
        (Moment::AfterUpgrade, &scripts.after_upgrade),
        (Moment::BeforeRemove, &scripts.before_remove),
        (Moment::AfterRemove, &scripts.after_remove),
        (Moment::AfterPurge, &scripts.after_purge),
    ];
    let given = all.into_iter().filter_map(|(moment, file)| Some((moment, file.as_ref()?)));
    given.map(|(moment, file)| Some(Step::User { moment, script: shell_script(ground, file)? })).collect()
}

/// A script that becomes a part of others, so it must be for the shell.
fn shell_script(ground: &Ground, file: &Text) -> Option<Script> {
    let text = text(ground, file)?;
    let interpreter = shebang(&text);
    let program = interpreter.first().map_or("sh", |program| program.rsplit('/').next().unwrap_or(program));
    if !matches!(program, "sh" | "dash") {
        let message = format!("`{}` is written for `{program}`", file.value);
        refuse(ground, file, message, "every host runs these by `/bin/sh`: write it for that");
        return None;
    }
    Some(Script { text, interpreter: vec!["/bin/sh".to_owned()], origin: ground.origin(file) })
}

/// The scripts of `[format.deb]` and `[format.rpm]`.
fn of_formats(ground: &Ground, formats: &Formats) -> Vec<Option<Step>> {
    let deb = &formats.deb.scripts;
    let rpm = &formats.rpm.scripts;
    let mut steps: Vec<Option<Step>> = Vec::new();
    for (moment, file) in
        [("preinst", &deb.preinst), ("postinst", &deb.postinst), ("prerm", &deb.prerm), ("postrm", &deb.postrm)]
    {
        steps.extend(file.as_ref().map(|file| {
            let script = deb_script(ground, file, moment)?;
            Some(Step::Script { dialect: Dialect::Deb, moment, script })
        }));
    }
    for (moment, scriptlet) in [
        ("pretrans", &rpm.pretrans),
        ("pre", &rpm.pre),
        ("post", &rpm.post),
        ("preun", &rpm.preun),
        ("postun", &rpm.postun),
        ("posttrans", &rpm.posttrans),
        ("verify", &rpm.verify),
    ] {
        steps.extend(scriptlet.as_ref().map(|At { value: Scriptlet { file, interpreter }, .. }| {
            let script = rpm_script(ground, file, interpreter)?;
            Some(Step::Script { dialect: Dialect::Rpm, moment, script })
        }));
    }
    steps
}

/// A trigger of rpm.
fn of_trigger(ground: &Ground, trigger: &At<schema::RpmTrigger>) -> Option<Step> {
    let event = EVENTS.iter().copied().find(|event| *event == trigger.event.value);
    if event.is_none() {
        let help = match suggest::nearest(&trigger.event, EVENTS.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("events are {}", EVENTS.join(", ")),
        };
        let message = format!("rpm has no trigger `{}`", trigger.event.escape_debug());
        ground.refuse(codes::CONFIG_INVALID_VALUE, &trigger.event, message, help);
    }
    if trigger.on.is_empty() {
        let finding = Diagnostic::error(codes::CONFIG_INVALID_VALUE, "this trigger does not say what it is for");
        ground.report(
            finding.at(&ground.span(&trigger.range), "").help("`on` names packages, or folders for file triggers"),
        );
    }
    let script = rpm_script(ground, &trigger.file, &trigger.interpreter);
    let on = ground.facts(&trigger.on);
    let priority = trigger.priority.unwrap_or(PRIORITY);
    match (event, script) {
        (Some(event), Some(script)) if !trigger.on.is_empty() => {
            Some(Step::RpmTrigger { trigger: RpmTrigger { event, on, priority }, script })
        }
        _ => None,
    }
}

fn deb_script(ground: &Ground, file: &Text, moment: &str) -> Option<Script> {
    let text = text(ground, file)?;
    if !text.starts_with("#!") {
        refuse(
            ground,
            file,
            format!("`{}` does not begin with `#!`", file.value),
            "dpkg executes it: begin it with `#!/bin/sh` and `set -e`",
        );
        return None;
    }
    let interpreter = shebang(&text);
    if interpreter.is_empty() || !interpreter[0].starts_with('/') {
        refuse(
            ground,
            file,
            format!("`{}` names no interpreter after `#!`", file.value),
            format!("begin the {moment} with `#!/bin/sh`"),
        );
        return None;
    }
    Some(Script { text, interpreter, origin: ground.origin(file) })
}

/// rpm runs the text by an interpreter: the one of the config, else the one of its `#!` line, else `/bin/sh`.
fn rpm_script(ground: &Ground, file: &Text, interpreter: &Texts) -> Option<Script> {
    let text = text(ground, file)?;
    let mut words: Vec<String> = interpreter.iter().map(|word| word.value.clone()).collect();
    if words.is_empty() {
        words = shebang(&text);
    }
    if words.is_empty() {
        words.push("/bin/sh".into());
    }
    // rpm's own Lua runs inside it.
    if !words[0].starts_with('/') && words[0] != "<lua>" {
        let at = interpreter.first().unwrap_or(file);
        refuse(
            ground,
            at,
            format!("`{}` is no interpreter", words[0]),
            "give an absolute path such as `/bin/sh`, or `<lua>`",
        );
        return None;
    }
    Some(Script { text, interpreter: words, origin: ground.origin(file) })
}

fn text(ground: &Ground, file: &Text) -> Option<String> {
    let text = ground.read(file)?.text.clone();
    let (message, help) = if text.trim().is_empty() {
        (format!("`{}` is empty", file.value), "write the script, or take the key out")
    } else if text.contains('\0') {
        (format!("`{}` holds a NUL byte", file.value), "a script is text; package managers store it as such")
    } else if text.lines().next().is_some_and(|line| line.starts_with("#!") && line.ends_with('\r'))
        || text.starts_with("#!") && text.contains("\r\n")
    {
        (
            format!("`{}` has line ends of Windows", file.value),
            "the kernel would look for an interpreter with a carriage return in its name: save it with `\\n` line ends",
        )
    } else {
        return Some(text);
    };
    refuse(ground, file, message, help);
    None
}

fn shebang(text: &str) -> Vec<String> {
    let line = text.strip_prefix("#!").and_then(|rest| rest.lines().next()).unwrap_or_default();
    line.split_whitespace().map(str::to_owned).collect()
}

fn refuse(ground: &Ground, at: &Text, message: impl Into<String>, help: impl Into<String>) {
    ground.refuse(codes::RESOLVE_BAD_SCRIPT, at, message, help);
}
