//! The change log in Debian's form: deb-changelog(5), policy 4.4.
//!
//! Enters: the records of the change log, newest first. Leaves: file name and text. rpm has records of its own in its
//! header, which its format makes.

use std::fmt::Write;

use super::plan::{Change, Identity, Version};
use crate::codec::calendar;

/// Where lines are folded, in characters.
const WIDTH: usize = 78;

/// File name and text. A package without a Debian revision is native, and a native package's file is `changelog.gz`.
pub fn debian(identity: &Identity, changes: &[Change]) -> (&'static str, String) {
    let file = if identity.release.is_some() { "changelog.Debian.gz" } else { "changelog.gz" };
    let mut text = String::new();
    for change in changes {
        let version = version(identity, change);
        let _ = writeln!(text, "{} ({version}) unstable; urgency=medium\n", identity.name.value);
        let lines: Vec<&str> = change.lines.iter().map(|line| line.trim()).filter(|line| !line.is_empty()).collect();
        // A record without a change is not valid.
        for line in if lines.is_empty() { vec!["No change was recorded."] } else { lines } {
            bullet(&mut text, line);
        }
        let author = change.author.split_whitespace().collect::<Vec<_>>().join(" ");
        let _ = writeln!(text, "\n -- {author}  {}\n", calendar::rfc5322(change.time));
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    (file, text)
}

/// deb's spelling; the newest record is of this package, with its epoch and revision.
fn version(identity: &Identity, change: &Change) -> String {
    let mut version = String::new();
    let newest = change.version == identity.version.text;
    if let Some(epoch) = identity.epoch.filter(|_| newest) {
        let _ = write!(version, "{epoch}:");
    }
    version.push_str(&Version::of(&change.version).with_tilde());
    if let Some(release) = identity.release.as_ref().filter(|_| newest) {
        let _ = write!(version, "-{}", release.value);
    }
    version
}

fn bullet(text: &mut String, line: &str) {
    let mut width = 0;
    for word in line.split_whitespace() {
        let length = word.chars().count();
        if width == 0 {
            text.push_str("  * ");
            width = 4 + length;
        } else if width + 1 + length > WIDTH {
            text.push_str("\n    ");
            width = 4 + length;
        } else {
            text.push(' ');
            width += 1 + length;
        }
        text.push_str(word);
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::super::sample::{fact, plan_of};
    use super::*;

    #[test]
    fn dpkg_reads_the_change_log() {
        let mut plan = plan_of(Vec::new());
        plan.changelog[0].lines.push("A long line ".repeat(20));
        plan.changelog.push(Change { version: "1.3.0".into(), time: 0, author: "A <a@b.c>".into(), lines: vec![] });
        let (file, text) = debian(&plan.identity, &plan.changelog);
        assert_eq!(file, "changelog.gz");
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH + 1));
        let mut named = tempfile::NamedTempFile::new().unwrap();
        std::io::Write::write_all(&mut named, text.as_bytes()).unwrap();
        let parsed = std::process::Command::new("dpkg-parsechangelog")
            .arg("--all")
            .arg("-l")
            .arg(named.path())
            .output()
            .unwrap();
        let (out, err) = (String::from_utf8(parsed.stdout).unwrap(), String::from_utf8(parsed.stderr).unwrap());
        assert!(err.is_empty() && out.contains("Version: 1.4.0~rc.1+b5\n"), "{out}{err}");
        assert!(
            out.contains("Date: Thu, 01 Jan 1970") || out.contains("Date: Tue, 14 Nov 2023 22:13:20 +0000\n"),
            "{out}"
        );
    }

    #[test]
    fn a_revision_and_an_epoch_are_the_newest_records() {
        let mut identity = plan_of(Vec::new()).identity;
        identity.release = Some(fact("2".to_owned()));
        identity.epoch = Some(1);
        let change =
            |version: &str| Change { version: version.into(), time: 0, author: "A <a@b.c>".into(), lines: vec![] };
        let (file, text) = debian(&identity, &[change("1.4.0-rc.1+b5"), change("1.3.0-a-b+c-d")]);
        assert_eq!(file, "changelog.Debian.gz");
        assert!(text.starts_with("hello (1:1.4.0~rc.1+b5-2) unstable"), "{text}");
        assert!(text.contains("\nhello (1.3.0~a.b+c.d) unstable"), "{text}");
    }
}
