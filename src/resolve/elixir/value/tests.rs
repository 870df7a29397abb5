//! Literals, what is none, and text of any kind.

use super::super::tokens;
use super::*;

fn value(text: &str) -> Value {
    let tokens = tokens(text);
    Reader::new(text, &tokens, 0).value(false)
}

fn get<'v>(list: &'v Value, key: &str) -> Option<&'v Value> {
    list.pairs().find(|(name, _)| *name == key).map(|(_, value)| value)
}

#[test]
fn literals_are_read_whole() {
    for text in [
        "[a: :b, c: [1, \"x\"], d: {:e, nil, -2}]",
        "[:assemble, :tar]",
        "%{\"a\" => 1, :b => [true]}",
        "{Mix.Releases.Config.Providers.Elixir, [\"${RELEASE_ROOT_DIR}/etc/config.exs\"]}",
        "[\"odd key\": 1]",
    ] {
        let read = value(text);
        assert_eq!(read.other(), None, "{text}: {read:?}");
        assert_eq!(value(&read.spelled()).spelled(), read.spelled(), "{text}");
    }
    assert_eq!(get(&value("[a: 1,\n\n  b: \"x\"\n]"), "b").map(|value| value.line), Some(3));
    assert_eq!(value("~w(a b)a").spelled(), "[:a, :b]");
    assert_eq!(value("@v\n@v \"1\"").spelled(), "\"1\"");
}

#[test]
fn what_is_computed_is_told_and_passed_over() {
    let read = value(
        "[steps: [:assemble, &Fitout.package/1, :tar], version: vsn(\"a\", 1) <> \"b\",\n path: if x do 1 else 2 end, last: :c]",
    );
    let steps = get(&read, "steps").unwrap().list().unwrap();
    assert_eq!(steps.len(), 3);
    assert_eq!(steps[1].spelled(), "&Fitout.package/1");
    assert_eq!(get(&read, "version").unwrap().form, Form::Other("vsn(\"a\", 1) <> \"b\"".into()));
    assert_eq!(get(&read, "path").unwrap().spelled(), "if x do 1 else 2 end");
    assert_eq!(get(&read, "last").unwrap().atom(), Some("c"));
    assert_eq!(value("\"a\"\n|> trim()\nb").spelled(), "\"a\" |> trim()");
    assert_eq!(value("\"a\"\nb").spelled(), "\"a\"");
}

#[test]
fn hostile_text_ends() {
    for text in ["[".repeat(10_000), "[a: ".repeat(10_000), "%{".repeat(9_999), "@a @a".repeat(5_000), "]})".into()] {
        let read = value(&text);
        assert!(read.other().is_some() || read.list().is_some(), "{}", &text[..3]);
    }
    assert!(value("[a: ]").list().is_some());
    assert!(value("[)]").list().is_some());
}

proptest::proptest! {
    #[test]
    fn anything_is_read(text in "[\\[\\]{}()a-c:@%&\"'#~?\\\\ \n,=>|do end0-9.]{0,80}") {
        let all = tokens(&text);
        let mut reader = Reader::new(&text, &all, 0);
        for _ in 0..=all.len() {
            let before = reader.at;
            reader.value(before.is_multiple_of(2));
            proptest::prop_assert!(reader.at >= before);
            reader.at += usize::from(reader.at == before);
        }
        proptest::prop_assert!(reader.at >= all.len());
    }
}
