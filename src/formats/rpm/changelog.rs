//! The change log as rpm carries it: three parallel lists, newest first.
//!
//! Enters: the changes of a Plan. Leaves: their tags; and back again, the text as a spec file has it.

use std::fmt::Write as _;

use ::rpm::IndexTag;

use super::header::{Header, Writer};
use super::naming::Name;
use crate::assemble::plan::{Change, Plan};
use crate::codec::calendar;

/// Seconds of a day.
const DAY: i64 = 86_400;

/// Writes the change log of a plan. rpm shows days, and means noon of each, so that it is the same day in every zone.
/// The newest record names version and release as rpm spells them, if it is of this version: readers compare the two.
pub fn write(plan: &Plan, name: &Name, header: &mut Writer) {
    let day = |time: i64| u32::try_from(time.div_euclid(DAY) * DAY + DAY / 2).unwrap_or_default();
    header.int32(IndexTag::RPMTAG_CHANGELOGTIME, plan.changelog.iter().map(|c| day(c.time)));
    let version = |index: usize, change: &Change| {
        // Records before it, or one that was forgotten, are of packages whose release nobody knows here.
        let is_own = index == 0 && (change.version == plan.identity.version.text || change.version == name.version);
        if is_own { name.evr() } else { change.version.replace(|c: char| c.is_whitespace(), ".") }
    };
    let line = |(index, change): (usize, &Change)| format!("{} - {}", one_line(&change.author), version(index, change));
    let names: Vec<String> = plan.changelog.iter().enumerate().map(line).collect();
    header.texts(IndexTag::RPMTAG_CHANGELOGNAME, names.iter().map(String::as_str));
    let texts: Vec<String> = plan.changelog.iter().map(|c| bullets(&c.lines)).collect();
    header.texts(IndexTag::RPMTAG_CHANGELOGTEXT, texts.iter().map(String::as_str));
}

fn bullets(lines: &[String]) -> String {
    let lines: Vec<String> = lines.iter().map(|line| format!("- {}", one_line(line))).collect();
    lines.join("\n")
}

/// A NUL would end the text and a line break begin another record.
fn one_line(text: &str) -> String {
    text.replace(['\0', '\n', '\r'], " ")
}

/// The change log of a header, as a spec file has it; none if there is none.
pub fn read(header: &Header) -> Option<String> {
    let names = header.texts(IndexTag::RPMTAG_CHANGELOGNAME);
    let times = header.numbers(IndexTag::RPMTAG_CHANGELOGTIME);
    let texts = header.texts(IndexTag::RPMTAG_CHANGELOGTEXT);
    let mut out = String::new();
    for ((name, time), text) in names.zip(times).zip(texts) {
        let time = i64::try_from(time).unwrap_or_default();
        let date = calendar::date(time);
        let (weekday, month) = (calendar::weekday(time), date.month_name());
        // Writing to a String cannot fail.
        let _ = writeln!(out, "* {weekday} {month} {:02} {} {name}\n{text}\n", date.day, date.year);
    }
    let out = out.trim_end();
    (!out.is_empty()).then(|| format!("{out}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assemble::sample;
    use crate::formats::rpm::{header, naming};

    /// What stands behind the author of each record.
    fn versions(plan: &Plan) -> Vec<String> {
        let mut writer = Writer::default();
        write(plan, &naming::name(plan).unwrap(), &mut writer);
        let bytes = writer.finish(header::REGION_IMMUTABLE).bytes;
        let header = Header::read(&mut &bytes[..], header::Limits::MAIN).unwrap();
        let names = header.texts(IndexTag::RPMTAG_CHANGELOGNAME);
        names.map(|name| name.rsplit_once(" - ").unwrap().1.to_owned()).collect()
    }

    #[test]
    fn the_newest_record_has_the_release_of_the_package_where_it_is_of_its_version() {
        let (mut plan, _) = sample::plan();
        let mut older = plan.changelog[0].clone();
        older.version = "1.3.0 beta".into();
        plan.changelog.push(older);
        assert_eq!(versions(&plan), ["1.4.0~rc.1+b5-1", "1.3.0.beta"]);
        plan.changelog[0].version = "1.4.0~rc.1+b5".into();
        plan.identity.epoch = Some(2);
        assert_eq!(versions(&plan)[0], "2:1.4.0~rc.1+b5-1");
        plan.changelog.remove(0);
        assert_eq!(versions(&plan), ["1.3.0.beta"], "a record that was forgotten is not made up");
    }
}
