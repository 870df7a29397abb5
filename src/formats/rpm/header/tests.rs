//! The structure alone: there and back, beside the rpm crate, and damaged.

use ::rpm::{HeaderEntry, IndexData, IndexTag};
use proptest::prelude::*;

use super::*;

fn some() -> Writer {
    let mut w = Writer::default();
    w.text(1000u32, "hello");
    w.int32(1009u32, [7]);
    w.int16(1030u32, [1, 2, 3]);
    w.int64(5008u32, [1 << 40]);
    w.texts(1117u32, ["a", "", "c"]);
    w.localised(1004u32, "summary");
    w.binary(261u32, vec![1, 2, 3]);
    w.texts(1118u32, []);
    w
}

#[test]
fn reads_what_it_wrote() {
    let encoded = some().finish(REGION_IMMUTABLE);
    let header = Header::read(&mut &encoded.bytes[..], Limits::MAIN).unwrap();
    assert_eq!(header.bytes, encoded.bytes);
    assert_eq!(header.text(1000u32).as_deref(), Some("hello"));
    assert_eq!(header.number(1009u32), Some(7));
    assert_eq!(header.numbers(1030u32).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(header.number(5008u32), Some(1 << 40));
    assert_eq!(header.texts(1117u32).collect::<Vec<_>>(), ["a", "", "c"]);
    assert_eq!(header.binary(261u32), Some(&[1, 2, 3][..]));
    assert!(!header.has(1118u32) && header.count(1117u32) == 3);
    assert!(encoded.bytes[encoded.offsets[&1000]..].starts_with(b"hello\0"));
    // Asking for the wrong type gives nothing.
    assert_eq!((header.number(1000u32), header.text(1009u32), header.binary(1009u32)), (None, None, None));
}

#[test]
fn the_same_bytes_as_the_rpm_crate() {
    let entries = vec![
        HeaderEntry::new(1000, IndexData::StringTag("hello".into())),
        HeaderEntry::new(1009, IndexData::Int32(vec![7])),
        HeaderEntry::new(1030, IndexData::Int16(vec![1, 2, 3])),
        HeaderEntry::new(5008, IndexData::Int64(vec![1 << 40])),
        HeaderEntry::new(1117, IndexData::StringArray(vec!["a".into(), String::new(), "c".into()])),
        HeaderEntry::new(1004, IndexData::I18NString(vec!["summary".into()])),
        HeaderEntry::new(261, IndexData::Bin(vec![1, 2, 3])),
    ];
    let theirs = ::rpm::Header::from_entries(entries, IndexTag::RPMTAG_HEADERIMMUTABLE);
    let metadata = ::rpm::PackageMetadata {
        lead: ::rpm::Lead::new("x"),
        signature: ::rpm::SignatureHeaderBuilder::new().build().unwrap(),
        header: theirs,
    };
    assert_eq!(some().finish(REGION_IMMUTABLE).bytes, metadata.header_bytes().unwrap());
}

#[test]
fn claims_are_checked_before_they_are_believed() {
    let good = some().finish(REGION_IMMUTABLE).bytes;
    let read = |bytes: &[u8]| Header::read(&mut &bytes[..], Limits::MAIN);
    for (at, word) in [(8, 0x10000), (8, 0), (12, (256 << 20) + 1), (12, 200 << 20), (16 + 16 + 4, 10)] {
        let mut bad = good.clone();
        bad[at..at + 4].copy_from_slice(&u32::to_be_bytes(word));
        assert!(read(&bad).is_err(), "{word} at {at}");
    }
    for entry in 1..8 {
        for (field, word) in [(8, u32::MAX), (8, 1000), (12, u32::MAX), (12, 1000)] {
            let mut bad = good.clone();
            let at = 16 + entry * ENTRY + field;
            bad[at..at + 4].copy_from_slice(&u32::to_be_bytes(word));
            assert!(read(&bad).is_err(), "{word} at field {field} of entry {entry}");
        }
    }
    for cut in 0..good.len() {
        assert!(read(&good[..cut]).is_err());
    }
}

proptest! {
    #[test]
    fn damage_never_panics(at in 16usize..400, byte: u8) {
        let mut bytes = some().finish(REGION_IMMUTABLE).bytes;
        let length = bytes.len();
        bytes[16 + at % (length - 16)] = byte;
        if let Ok(header) = Header::read(&mut &bytes[..], Limits::MAIN) {
            for tag in header.tags().collect::<Vec<_>>() {
                let _ = (header.texts(tag).count(), header.numbers(tag).count(), header.binary(tag));
            }
        }
    }
}
