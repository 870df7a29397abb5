//! All that a package says of others: what was typed, what its files and scripts need, what rpm itself must know.
//!
//! Enters: a Plan, its name in rpm's words, its scripts, and what is special about its files. Leaves: the sets of
//! relations, in rpmbuild's order. Not here: how a relation is spelled.

use std::collections::{BTreeMap, BTreeSet};

use ::rpm::DependencyFlags;

use super::elfdeps;
use super::header::Writer;
use super::naming::{Name, spell_version};
use super::relations::{self, KINDS, Relation};
use super::scripts::Scripts;
use crate::assemble::account;
use crate::assemble::plan::{Compression, Plan, Replaced, Version};
use crate::codec::base64;
use crate::diagnostic::codes::RPM_RELATION;
use crate::diagnostic::{Diagnostic, Findings};
use crate::template::TemplateError;

/// Relations by the word of their kind.
#[derive(Debug, Default)]
pub struct Needs(BTreeMap<&'static str, BTreeSet<Relation>>);

/// What is special about the files of a package and wants an rpm that knows it.
#[derive(Debug, Clone, Copy, Default)]
#[allow(clippy::struct_excessive_bools)]
pub struct FileTraits {
    /// There is a config file.
    pub config: bool,
    /// A file has capabilities.
    pub capabilities: bool,
    /// A file has two names.
    pub hardlinks: bool,
    /// The payload has stripped headers: a file has 4 GiB or more, or the package is v6.
    pub stripped: bool,
}

impl Needs {
    /// What was typed.
    ///
    /// # Errors
    /// Every relation that rpm does not take.
    pub fn typed(plan: &Plan) -> Result<Self, Findings> {
        let mut needs = Self::default();
        let mut findings = Findings::new();
        for (word, facts) in &plan.rpm.relations {
            let Some((kind, context)) = relations::kind(word) else {
                let words: Vec<&str> = KINDS.iter().map(|k| k.word).collect();
                findings.push(
                    Diagnostic::error(RPM_RELATION, format!("rpm has no relation `{word}`"))
                        .help(format!("the relations are {}", words.join(", "))),
                );
                continue;
            };
            for fact in facts {
                match relations::parse(fact, kind) {
                    Ok(relation) => needs.add(kind.word, relation.with(context)),
                    Err(why) => findings.push(
                        Diagnostic::error(RPM_RELATION, format!("rpm does not take `{}` in {word}: {why}", **fact))
                            .at_origin(&fact.origin, "this relation")
                            .help("write `name`, `name >= 1:2.0-1`, `/path`, or `(a or b)`"),
                    ),
                }
            }
        }
        if findings.is_empty() { Ok(needs) } else { Err(findings) }
    }

    /// Adds what follows from the rest of the package.
    ///
    /// # Errors
    /// Accounts that no line of sysusers.d(5) can hold.
    pub fn complete(
        mut self,
        plan: &Plan,
        name: &Name,
        scripts: &Scripts,
        files: FileTraits,
    ) -> Result<Self, Findings> {
        let evr = name.evr();
        self.add("Provides", Relation::equal(&*name.name, &*evr));
        if let Some(isa) = name.arch.isa {
            self.add("Provides", Relation::equal(format!("{}({isa})", name.name), &*evr));
        }
        self.add_former_names(plan, &evr)?;
        if files.config {
            // Keeps the config files of one version from being read by the programs of another, were they split.
            let config = Relation::equal(format!("config({})", name.name), &*evr).with(DependencyFlags::CONFIG);
            self.add("Provides", config.clone());
            self.add("Requires", config);
        }
        for capability in elfdeps::provides(plan) {
            self.add("Provides", Relation::any(capability).with(DependencyFlags::FIND_PROVIDES));
        }
        for capability in elfdeps::requires(plan) {
            self.add("Requires", Relation::any(capability).with(DependencyFlags::FIND_REQUIRES));
        }
        for interpreter in scripts.requires() {
            self.add("Requires", interpreter);
        }
        self.add_accounts(plan).map_err(|error| vec![Diagnostic::from(error)])?;
        self.add_owners(plan);
        if !plan.services.is_empty() {
            // As `%systemd_ordering`: in a transaction that brings systemd too, it is there for these scripts.
            for moment in [DependencyFlags::SCRIPT_POST, DependencyFlags::SCRIPT_PREUN, DependencyFlags::SCRIPT_POSTUN]
            {
                self.add("OrderWithRequires", Relation::any("systemd").with(moment));
            }
        }
        self.add_rpmlib(plan, scripts, files);
        Ok(self)
    }

    /// The names that the package had: it comes in their place, and answers to whoever requires them. The user's own
    /// words on such a name come first.
    fn add_former_names(&mut self, plan: &Plan, evr: &str) -> Result<(), Findings> {
        let mut findings = Findings::new();
        for Replaced { name, before } in &plan.identity.replaces {
            let before = before.as_ref().map_or_else(|| evr.to_owned(), |text| spell_version(&Version::of(text)));
            for (word, text) in
                [("Obsoletes", format!("{} < {before}", name.value)), ("Provides", format!("{} = {evr}", name.value))]
            {
                let Some((kind, _)) = relations::kind(word) else { continue };
                match relations::parse(&text, kind) {
                    Ok(relation) if self.of(word).any(|typed| typed.name == relation.name) => {}
                    Ok(relation) => self.add(word, relation),
                    Err(why) => {
                        findings.push(
                            Diagnostic::error(RPM_RELATION, format!("rpm does not take `{text}` in {word}: {why}"))
                                .at_origin(&name.origin, "this name")
                                .help("write the name that the package had there, or `old-name < 3.0`"),
                        );
                        break;
                    }
                }
            }
        }
        if findings.is_empty() { Ok(()) } else { Err(findings) }
    }

    /// The accounts of the package. rpm 4.19 and newer make them before `%pre` from these provides, which hold the lines
    /// of sysusers.d(5) as rpmbuild encodes them: each blank once, filled up with NUL so that base64 needs no `=`. Older
    /// ones leave it to `%pre` and its programs, which have these paths wherever there is rpm: distributions that have
    /// moved them provide the paths.
    ///
    /// Memberships (`groupmember(user/group)`) are not said: rpm's own `sysusers.sh` takes provides by name, so before the
    /// user's own line, and would make the user with the wrong group and home. `%pre` sees to them.
    fn add_accounts(&mut self, plan: &Plan) -> Result<(), TemplateError> {
        if plan.accounts.is_empty() {
            return Ok(());
        }
        let member = plan.accounts.iter().any(|account| !account.groups.is_empty());
        let programs = ["/usr/sbin/groupadd", "/usr/sbin/useradd", "/usr/sbin/usermod"];
        for program in &programs[..if member { 3 } else { 2 }] {
            self.add("Requires", Relation::any(*program).with(DependencyFlags::SCRIPT_PRE));
        }
        for line in account::sysusers(plan)?.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            let kind = match words[..] {
                ["u" | "u!", _, ..] => "user",
                ["g", _, ..] => "group",
                _ => continue,
            };
            let mut text = words.join(" ").into_bytes();
            text.resize(text.len().next_multiple_of(3), 0);
            let provided = Relation::equal(format!("{kind}({})", words[1]), base64::encode(&text));
            self.add("Provides", provided.with(DependencyFlags::FIND_PROVIDES));
        }
        for account in plan.accounts.iter().filter(|account| account.makes_own_group()) {
            let own = Relation::any(format!("group({})", account.group));
            self.add("Provides", own.with(DependencyFlags::FIND_PROVIDES));
        }
        Ok(())
    }

    /// Accounts of others that own files. rpmbuild 4.19 and newer require them; before that nothing provides any, so a
    /// requirement would keep the package off older hosts.
    fn add_owners(&mut self, plan: &Plan) {
        let foreign = |name: &str| name != "root" && name.parse::<u32>().is_err();
        let unpacked = DependencyFlags::SCRIPT_PRE | DependencyFlags::SCRIPT_POSTUN;
        for owner in plan.entries_for("rpm").map(|entry| &entry.owner) {
            if foreign(&owner.user) && !plan.accounts.iter().any(|account| *account.name == *owner.user) {
                self.add("Recommends", Relation::any(format!("user({})", owner.user)).with(unpacked));
            }
            if foreign(&owner.group) && !plan.accounts.iter().any(|account| *account.group == *owner.group) {
                self.add("Recommends", Relation::any(format!("group({})", owner.group)).with(unpacked));
            }
        }
    }

    /// Features of rpm that the package uses, with the version that brought each: an older rpm refuses the package with
    /// a word that says why.
    fn add_rpmlib(&mut self, plan: &Plan, scripts: &Scripts, files: FileTraits) {
        let all = || self.0.values().flatten();
        let marked = |mark| all().any(|r| r.version.contains(mark) || r.is_rich() && r.name.contains(mark));
        let compression = *plan.rpm.compression;
        // Every rpm that knows v6 knows these.
        let before_v6 = plan.rpm.format_version != 6;
        let features = [
            (before_v6, "CompressedFileNames", "3.0.4-1"),
            (before_v6, "FileDigests", "4.6.0-1"),
            (before_v6, "PayloadFilesHavePrefix", "4.0-1"),
            (scripts.use_lua(), "BuiltinLuaScripts", "4.2.2-1"),
            (scripts.use_arguments(), "ScriptletInterpreterArgs", "4.0.3-1"),
            (marked('^'), "CaretInVersions", "4.15.0-1"),
            (marked('~'), "TildeInVersions", "4.10.0-1"),
            (all().any(Relation::is_rich), "RichDependencies", "4.12.0-1"),
            (files.capabilities, "FileCaps", "4.6.1-1"),
            (before_v6 && files.hardlinks, "PartialHardlinkSets", "4.0.4-1"),
            (files.stripped, "LargeFiles", "4.12.0-1"),
            (matches!(compression, Compression::Xz(_)), "PayloadIsXz", "5.2-1"),
            (matches!(compression, Compression::Zstd(_)), "PayloadIsZstd", "5.4.18-1"),
        ];
        for (_, feature, version) in features.into_iter().filter(|(used, ..)| *used) {
            let relation = Relation {
                name: format!("rpmlib({feature})"),
                version: version.to_owned(),
                flags: (DependencyFlags::RPMLIB | DependencyFlags::LE).bits(),
            };
            self.add("Requires", relation);
        }
    }

    fn of(&self, word: &str) -> impl Iterator<Item = &Relation> {
        self.0.get(word).into_iter().flatten()
    }

    fn add(&mut self, word: &'static str, relation: Relation) {
        self.0.entry(word).or_default().insert(relation);
    }

    /// Writes the tags of every kind that has relations.
    pub fn write(&self, header: &mut Writer) {
        for kind in KINDS {
            if let Some(relations) = self.0.get(kind.word) {
                header.texts(kind.names, relations.iter().map(|r| r.name.as_str()));
                header.int32(kind.flags, relations.iter().map(|r| r.flags));
                header.texts(kind.versions, relations.iter().map(|r| r.version.as_str()));
            }
        }
    }
}
