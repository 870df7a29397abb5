use super::*;

fn source(text: &str) -> Arc<SourceText> {
    Arc::new(SourceText { name: "CHANGELOG".into(), text: text.into() })
}

#[test]
fn debians_is_read() {
    let text = "hello (1.2-1) unstable; urgency=medium\n\n  * Greets.\n    Twice.\n  [ A. B. ]\n  * Ends.\n\n -- A. B. <a@b>  Sat, 31 Jan 2026 12:00:00 +0000\n\nhello (1.1-1) unstable; urgency=low\n\n  * Begun.\n\n -- A. B. <a@b>  Thu, 01 Jan 2026 00:00:00 +0000\n\nLocal variables:\n mode: x\n";
    let records = debian(&source(text)).unwrap();
    assert_eq!(records.len(), 2);
    assert_eq!(records[0].version, "1.2-1");
    assert_eq!(records[0].lines, ["Greets. Twice. [ A. B. ]", "Ends."]);
    assert_eq!((records[0].author.as_str(), records[0].time), ("A. B. <a@b>", 1_769_860_800));
}

#[test]
fn the_machines_own_changelog_is_read() {
    let file = fs_err::read("/usr/share/doc/base-files/changelog.gz");
    let Ok(file) = file else { return };
    let mut text = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&file[..]), &mut text).unwrap();
    let records = debian(&source(&text));
    // Records of the last century may have dates in other forms; those of this one may not.
    let first = match records {
        Ok(records) => records.into_iter().next().unwrap(),
        Err(findings) => panic!("{findings:#?}"),
    };
    assert!(first.time > 1_600_000_000 && first.author.ends_with('>') && !first.lines.is_empty());
}

#[test]
fn mistakes_in_debians_have_a_place() {
    let cases = [
        ("hello (1.2) unstable; urgency=low\n\n  * A.\n", 1),
        ("hello (1.2) unstable; urgency=low\n\n  * A.\n\n -- A <a@b>  yesterday\n", 5),
        ("  * A.\n", 1),
        ("Changes of late\n", 1),
        (" -- A <a@b>  Sat, 31 Jan 2026 12:00:00 +0000\n", 1),
    ];
    for (text, line) in cases {
        let findings = debian(&source(text)).unwrap_err();
        assert_eq!(findings[0].labels[0].span.line_column().0, line, "{text}");
    }
}

#[test]
fn markdown_is_read() {
    let text = "# Changelog\n\nAll of it.\n\n## [Unreleased]\n- Not yet.\n\n## [1.2.0] - 2026-01-31\n### Added\n- Greets\n  twice.\n- Ends.\n### Fixed\n* A thing.\n\n## v1.1.0 (2026-01-01)\n\nFirst one.\n\n## 1.0.0\n\n[1.2.0]: https://example.org\n";
    let records = markdown(&source(text), "A <a@b>", 7).unwrap();
    let versions: Vec<&str> = records.iter().map(|r| r.version.as_str()).collect();
    assert_eq!(versions, ["1.2.0", "1.1.0", "1.0.0"]);
    assert_eq!(records[0].lines, ["Added: Greets twice.", "Ends.", "Fixed: A thing."]);
    assert_eq!(records[0].time, calendar::parse_day("2026-01-31").unwrap());
    assert_eq!(records[1].lines, ["First one."]);
    assert_eq!((records[2].time, records[2].lines[0].as_str()), (7, "Release 1.0.0."));
    let findings = markdown(&source("## 1.0 - 31.1.2026\n"), "", 0).unwrap_err();
    assert_eq!(findings[0].code, codes::RESOLVE_BAD_CHANGELOG);
}
