//! The change log as rpm carries it: three parallel lists, newest first.
//!
//! Enters: the changes of a Plan. Leaves: their tags; and back again, the text as a spec file has it.

use std::fmt::Write as _;

use ::rpm::IndexTag;

use super::header::{Header, Writer};
use crate::assemble::plan::Plan;
use crate::codec::calendar;

/// Seconds of a day.
const DAY: i64 = 86_400;

/// Writes the change log of a plan. rpm shows days, and means noon of each, so that it is the same day in every zone.
pub fn write(plan: &Plan, header: &mut Writer) {
    let day = |time: i64| u32::try_from(time.div_euclid(DAY) * DAY + DAY / 2).unwrap_or_default();
    header.int32(IndexTag::RPMTAG_CHANGELOGTIME, plan.changelog.iter().map(|c| day(c.time)));
    let version = |text: &str| text.replace(|c: char| c.is_whitespace(), ".");
    let names: Vec<String> =
        plan.changelog.iter().map(|c| format!("{} - {}", one_line(&c.author), version(&c.version))).collect();
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
