//! Relations and scripts of a header, in the words of spec files.

use std::collections::BTreeMap;
use std::io;

use ::rpm::DependencyFlags;

use super::super::header::Header;
use super::super::relations::{KINDS, QUALIFIERS, Relation};
use super::super::scripts::{FAMILIES, Family, MOMENTS};
use crate::formats::ListedScript;

/// Every relation, by the word of its kind: `Requires(post)` has what only the scriptlet needs.
pub fn relations(header: &Header) -> io::Result<BTreeMap<String, Vec<String>>> {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for kind in KINDS {
        let count = header.count(kind.names);
        // Very old packages have bare names.
        for tag in [kind.flags, kind.versions] {
            if header.has(tag) && header.count(tag) != count {
                let why = format!("its {} have {count} names and {} of tag {tag:?}", kind.word, header.count(tag));
                return Err(io::Error::new(io::ErrorKind::InvalidData, why));
            }
        }
        let flags = header.numbers(kind.flags).chain(std::iter::repeat(0));
        let versions = header.texts(kind.versions).chain(std::iter::repeat("".into()));
        for ((name, flags), version) in header.texts(kind.names).zip(flags).zip(versions) {
            let flags = u32::try_from(flags).unwrap_or_default();
            let relation = Relation { name: name.into_owned(), version: version.into_owned(), flags };
            let bits = DependencyFlags::from_bits_truncate(flags);
            let mut qualified = false;
            if kind.word == "Requires" {
                let rpmlib = bits.contains(DependencyFlags::RPMLIB).then_some("rpmlib");
                let moments = QUALIFIERS.iter().filter(|(_, bit)| bits.contains(*bit)).map(|(word, _)| *word);
                for qualifier in rpmlib.into_iter().chain(moments) {
                    all.entry(format!("Requires({qualifier})")).or_default().push(relation.spelled());
                    qualified = true;
                }
            }
            if !qualified {
                all.entry(kind.word.to_owned()).or_default().push(relation.spelled());
            }
        }
    }
    Ok(all)
}

/// Scriptlets in the order of `rpm --scripts`, then triggers.
pub fn scripts(header: &Header) -> Vec<ListedScript> {
    let mut scripts = Vec::new();
    for moment in MOMENTS {
        if header.has(moment.script) || header.has(moment.program) {
            scripts.push(ListedScript {
                name: format!("%{}", moment.word),
                interpreter: header.texts(moment.program).collect::<Vec<_>>().join(" "),
                text: header.text(moment.script).unwrap_or_default(),
            });
        }
    }
    for family in FAMILIES {
        triggers(header, family, &mut scripts);
    }
    scripts
}

fn triggers(header: &Header, family: &Family, scripts: &mut Vec<ListedScript>) {
    // Conditions by trigger; one that belongs to none is dropped, as rpm drops it.
    let mut conditions: BTreeMap<u64, (&str, Vec<String>)> = BTreeMap::new();
    let names = header.texts(family.names).zip(header.texts(family.versions));
    let numbers = header.numbers(family.flags).zip(header.numbers(family.index));
    for ((name, version), (flags, index)) in names.zip(numbers) {
        let flags = u32::try_from(flags).unwrap_or_default();
        let event = family.events.iter().find(|(_, bit)| flags & bit.bits() != 0);
        let relation = Relation { name: name.into_owned(), version: version.into_owned(), flags };
        let event = event.map_or("trigger", |(word, _)| *word);
        conditions.entry(index).or_insert_with(|| (event, Vec::new())).1.push(relation.spelled());
    }
    let programs = header.texts(family.programs);
    let mut priorities = family.priorities.into_iter().flat_map(|tag| header.numbers(tag));
    for (index, (text, program)) in (0..).zip(header.texts(family.scripts).zip(programs)) {
        let (event, on) = conditions.remove(&index).unwrap_or(("trigger", Vec::new()));
        let priority = priorities.next().map(|p| format!(" -P {p}")).unwrap_or_default();
        scripts.push(ListedScript {
            name: format!("%{event}{priority} -- {}", on.join(", ")),
            interpreter: program.into_owned(),
            text: text.into_owned(),
        });
    }
}
