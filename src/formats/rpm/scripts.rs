//! Scriptlets and triggers.
//!
//! Enters: the steps of a Plan's lifecycle that speak rpm's dialect. Leaves: their tags, and what they need to run. Not
//! here: the text of the scripts.
//!
//! Source: rpm's manual, "Scriptlets", "Triggers", "File triggers"; rpm-scriptlets(7).

use ::rpm::{DependencyFlags, IndexTag};

use super::header::Writer;
use super::relations::{self, Relation};
use crate::assemble::maintainer;
use crate::assemble::plan::{Dialect, Plan, RpmTrigger, Script, Step};
use crate::diagnostic::codes::{RPM_SCRIPT, RPM_TRIGGER};
use crate::diagnostic::{Diagnostic, Findings, Origin};

/// What runs a script that does not say.
const SHELL: &str = "/bin/sh";
/// rpm's built-in interpreter.
const LUA: &str = "<lua>";

/// A moment at which rpm runs a scriptlet.
#[derive(Debug)]
pub struct Moment {
    /// The word of spec files, without `%`.
    pub word: &'static str,
    /// Tag of the text.
    pub script: IndexTag,
    /// Tag of the interpreter.
    pub program: IndexTag,
    /// Context of the interpreter's requirement.
    context: DependencyFlags,
}

macro_rules! moments {
    ($($word:literal $script:ident $program:ident $context:ident;)*) => {
        /// Every moment, in the order in which `rpm --scripts` shows them.
        pub const MOMENTS: &[Moment] = &[$(Moment {
            word: $word,
            script: IndexTag::$script,
            program: IndexTag::$program,
            context: DependencyFlags::$context,
        }),*];
    };
}
moments! {
    "pretrans" RPMTAG_PRETRANS RPMTAG_PRETRANSPROG PRETRANS;
    "pre" RPMTAG_PREIN RPMTAG_PREINPROG SCRIPT_PRE;
    "post" RPMTAG_POSTIN RPMTAG_POSTINPROG SCRIPT_POST;
    "preun" RPMTAG_PREUN RPMTAG_PREUNPROG SCRIPT_PREUN;
    "postun" RPMTAG_POSTUN RPMTAG_POSTUNPROG SCRIPT_POSTUN;
    "posttrans" RPMTAG_POSTTRANS RPMTAG_POSTTRANSPROG POSTTRANS;
    "verify" RPMTAG_VERIFYSCRIPT RPMTAG_VERIFYSCRIPTPROG SCRIPT_VERIFY;
}

/// A family of triggers: one set of parallel arrays.
#[derive(Debug)]
pub struct Family {
    /// Events and their bits.
    pub events: &'static [(&'static str, DependencyFlags)],
    /// Texts, one for each trigger.
    pub scripts: IndexTag,
    /// Interpreters, one for each trigger.
    pub programs: IndexTag,
    /// What they wait for, one for each condition.
    pub names: IndexTag,
    /// Versions, one for each condition.
    pub versions: IndexTag,
    /// Event and comparison, one for each condition.
    pub flags: IndexTag,
    /// To which trigger a condition belongs.
    pub index: IndexTag,
    /// Order, one for each trigger; only file triggers have one.
    pub priorities: Option<IndexTag>,
}

/// Triggers on packages, on files, and on files of a whole transaction.
pub const FAMILIES: &[Family] = &[
    Family {
        events: &[
            ("triggerprein", DependencyFlags::TRIGGERPREIN),
            ("triggerin", DependencyFlags::TRIGGERIN),
            ("triggerun", DependencyFlags::TRIGGERUN),
            ("triggerpostun", DependencyFlags::TRIGGERPOSTUN),
        ],
        scripts: IndexTag::RPMTAG_TRIGGERSCRIPTS,
        programs: IndexTag::RPMTAG_TRIGGERSCRIPTPROG,
        names: IndexTag::RPMTAG_TRIGGERNAME,
        versions: IndexTag::RPMTAG_TRIGGERVERSION,
        flags: IndexTag::RPMTAG_TRIGGERFLAGS,
        index: IndexTag::RPMTAG_TRIGGERINDEX,
        priorities: None,
    },
    Family {
        events: &[
            ("filetriggerin", DependencyFlags::TRIGGERIN),
            ("filetriggerun", DependencyFlags::TRIGGERUN),
            ("filetriggerpostun", DependencyFlags::TRIGGERPOSTUN),
        ],
        scripts: IndexTag::RPMTAG_FILETRIGGERSCRIPTS,
        programs: IndexTag::RPMTAG_FILETRIGGERSCRIPTPROG,
        names: IndexTag::RPMTAG_FILETRIGGERNAME,
        versions: IndexTag::RPMTAG_FILETRIGGERVERSION,
        flags: IndexTag::RPMTAG_FILETRIGGERFLAGS,
        index: IndexTag::RPMTAG_FILETRIGGERINDEX,
        priorities: Some(IndexTag::RPMTAG_FILETRIGGERPRIORITIES),
    },
    Family {
        events: &[
            ("transfiletriggerin", DependencyFlags::TRIGGERIN),
            ("transfiletriggerun", DependencyFlags::TRIGGERUN),
            ("transfiletriggerpostun", DependencyFlags::TRIGGERPOSTUN),
        ],
        scripts: IndexTag::RPMTAG_TRANSFILETRIGGERSCRIPTS,
        programs: IndexTag::RPMTAG_TRANSFILETRIGGERSCRIPTPROG,
        names: IndexTag::RPMTAG_TRANSFILETRIGGERNAME,
        versions: IndexTag::RPMTAG_TRANSFILETRIGGERVERSION,
        flags: IndexTag::RPMTAG_TRANSFILETRIGGERFLAGS,
        index: IndexTag::RPMTAG_TRANSFILETRIGGERINDEX,
        priorities: Some(IndexTag::RPMTAG_TRANSFILETRIGGERPRIORITIES),
    },
];

/// The scripts of a package.
#[derive(Debug, Default)]
pub struct Scripts {
    scriptlets: Vec<(&'static Moment, Scriptlet)>,
    /// Parallel to [`FAMILIES`].
    triggers: [Vec<Trigger>; 3],
}

#[derive(Debug)]
struct Scriptlet {
    text: String,
    interpreter: Vec<String>,
}

#[derive(Debug)]
struct Trigger {
    script: Scriptlet,
    conditions: Vec<Relation>,
    priority: u32,
}

impl Scripts {
    /// Takes what speaks rpm's dialect from the lifecycle.
    ///
    /// # Errors
    /// Unknown moments and events, interpreters that rpm cannot run, conditions that are none.
    pub fn of(plan: &Plan) -> Result<Self, Findings> {
        let mut scripts = Self::default();
        let mut findings = Findings::new();
        for (moment, script) in maintainer::scripts(plan, Dialect::Rpm)? {
            findings.extend(scripts.scriptlet(moment, &script).err().into_iter().flatten());
        }
        for step in &plan.lifecycle.steps {
            if let Step::RpmTrigger { trigger, script } = step {
                findings.extend(scripts.trigger(trigger, script).err().into_iter().flatten());
            }
        }
        if findings.is_empty() { Ok(scripts) } else { Err(findings) }
    }

    fn scriptlet(&mut self, word: &str, script: &Script) -> Result<(), Findings> {
        let moment = MOMENTS.iter().find(|m| m.word == word).ok_or_else(|| {
            let words: Vec<&str> = MOMENTS.iter().map(|m| m.word).collect();
            vec![
                Diagnostic::error(RPM_SCRIPT, format!("rpm has no scriptlet `%{word}`"))
                    .at_origin(&script.origin, "this script")
                    .help(format!("the scriptlets are {}", words.join(", "))),
            ]
        })?;
        let new = Scriptlet::of(script).map_err(|why| vec![refusal(&format!("%{word}"), &why, &script.origin)])?;
        self.scriptlets.push((moment, new));
        Ok(())
    }

    fn trigger(&mut self, trigger: &RpmTrigger, script: &Script) -> Result<(), Findings> {
        let message = |why: &str| format!("rpm does not take the trigger `%{}`: {why}", trigger.event);
        let refuse = |why: &str| Diagnostic::error(RPM_TRIGGER, message(why)).at_origin(&script.origin, "this script");
        let found = FAMILIES.iter().zip(&mut self.triggers).find_map(|(family, list)| {
            let (_, bit) = family.events.iter().find(|(event, _)| *event == trigger.event)?;
            Some((family, *bit, list))
        });
        let Some((family, bit, list)) = found else {
            let events: Vec<&str> = FAMILIES.iter().flat_map(|f| f.events.iter().map(|(event, _)| *event)).collect();
            let help = format!("the events are {}", events.join(", "));
            return Err(vec![refuse("there is no such event").help(help)]);
        };
        let mut findings = Findings::new();
        let mut conditions = Vec::new();
        for on in &trigger.on {
            let (text, of_files) = (on.as_str(), family.priorities.is_some());
            let condition = if !of_files {
                relations::parse_plain(text).map_err(|why| format!("`{text}` is no package: {why}"))
            } else if text.starts_with('/') && !text.contains('\0') {
                Ok(Relation::any(text))
            } else {
                Err(format!("`{text}` is no absolute path"))
            };
            match condition {
                Ok(condition) => conditions.push(condition.with(bit)),
                Err(why) => {
                    let finding = Diagnostic::error(RPM_TRIGGER, message(&why)).at_origin(&on.origin, "");
                    findings.push(finding.help(if of_files {
                        "a file trigger waits for files below folders: `on = [\"/usr/share/icons\"]`"
                    } else {
                        "a trigger waits for packages: `on = [\"bash\", \"zsh >= 5\"]`"
                    }));
                }
            }
        }
        if trigger.on.is_empty() {
            findings.push(refuse("it waits for nothing").help("name packages or paths in `on`"));
        }
        match Scriptlet::of(script) {
            // The header has room for one word only.
            Ok(script) if script.interpreter.len() > 1 => {
                findings.push(refuse("the interpreter of a trigger has no arguments").help("wrap it in a script"));
            }
            Ok(script) => list.push(Trigger { script, conditions, priority: trigger.priority }),
            Err(why) => findings.push(refuse(&why)),
        }
        if findings.is_empty() { Ok(()) } else { Err(findings) }
    }

    fn all(&self) -> impl Iterator<Item = &Scriptlet> {
        self.scriptlets.iter().map(|(_, s)| s).chain(self.triggers.iter().flatten().map(|t| &t.script))
    }

    /// Whether one of them is for rpm's built-in Lua.
    pub fn use_lua(&self) -> bool {
        self.all().any(Scriptlet::is_lua)
    }

    /// Whether an interpreter gets arguments.
    pub fn use_arguments(&self) -> bool {
        self.all().any(|script| script.interpreter.len() > 1)
    }

    /// The interpreters, each in the context of its moment.
    pub fn requires(&self) -> Vec<Relation> {
        let scriptlets = self.scriptlets.iter().map(|(moment, script)| (script, moment.context));
        let triggers = self.triggers.iter().flatten().map(|trigger| (&trigger.script, DependencyFlags::ANY));
        scriptlets
            .chain(triggers)
            .filter(|(script, _)| !script.is_lua())
            .map(|(script, context)| {
                Relation::any(script.interpreter[0].as_str()).with(DependencyFlags::INTERP | context)
            })
            .collect()
    }

    /// Writes their tags.
    pub fn write(&self, header: &mut Writer) {
        for (moment, script) in &self.scriptlets {
            // `%post -p /sbin/ldconfig` is a program without a text.
            if !script.text.is_empty() {
                header.text(moment.script, &script.text);
            }
            match &script.interpreter[..] {
                [program] => header.text(moment.program, program),
                words => header.texts(moment.program, words.iter().map(String::as_str)),
            }
        }
        for (family, triggers) in FAMILIES.iter().zip(&self.triggers) {
            header.texts(family.scripts, triggers.iter().map(|t| t.script.text.as_str()));
            header.texts(family.programs, triggers.iter().map(|t| t.script.interpreter[0].as_str()));
            if let Some(tag) = family.priorities {
                header.int32(tag, triggers.iter().map(|t| t.priority));
            }
            // rpm looks conditions up by name, so they are sorted.
            let mut conditions: Vec<(&Relation, u32)> =
                (0..).zip(triggers).flat_map(|(i, t)| t.conditions.iter().map(move |c| (c, i))).collect();
            conditions.sort();
            header.texts(family.names, conditions.iter().map(|(c, _)| c.name.as_str()));
            header.texts(family.versions, conditions.iter().map(|(c, _)| c.version.as_str()));
            header.int32(family.flags, conditions.iter().map(|(c, _)| c.flags));
            header.int32(family.index, conditions.iter().map(|(_, i)| *i));
        }
    }
}

impl Scriptlet {
    fn of(script: &Script) -> Result<Self, String> {
        let interpreter =
            if script.interpreter.is_empty() { vec![SHELL.to_owned()] } else { script.interpreter.clone() };
        if interpreter[0] != LUA && !interpreter[0].starts_with('/') {
            return Err(format!("its interpreter `{}` is neither an absolute path nor `{LUA}`", interpreter[0]));
        }
        if script.text.contains('\0') || interpreter.iter().any(|word| word.contains('\0')) {
            return Err("it holds a NUL".into());
        }
        // As rpmbuild, which also leaves the last line without its end.
        Ok(Self { text: script.text.trim_end().to_owned(), interpreter })
    }

    fn is_lua(&self) -> bool {
        self.interpreter[0] == LUA
    }
}

fn refusal(what: &str, why: &str, origin: &Origin) -> Diagnostic {
    Diagnostic::error(RPM_SCRIPT, format!("rpm does not take the scriptlet `{what}`: {why}"))
        .at_origin(origin, "this script")
        .help("set `interpreter = [\"/bin/sh\"]`, or an absolute path to another program")
}
