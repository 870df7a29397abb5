use super::*;

const DIGEST: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

fn read(lock: &str, text: &str) -> Vec<String> {
    let text = text.replace("DIGEST", DIGEST).replace("UPPER", &DIGEST.to_uppercase());
    let all = all(|name| (name == lock).then(|| text.clone()));
    assert!(all.iter().all(|dependency| dependency.lock == lock));
    all.into_iter().map(|d| format!("{} {} {}", d.name, d.version, d.checksum.unwrap_or_default())).collect()
}

const CARGO: &str = r#"
version = 4
[[package]]
name = "own"
version = "0.1.0"
dependencies = ["serde"]
[[package]]
name = "serde"
version = "1.0.200"
source = "registry+https://github.com/rust-lang/crates.io-index"
checksum = "DIGEST"
[[package]]
name = "odd"
version = "0.2.0"
source = "git+https://example.org/odd#abc"
"#;

const MIX: &str = r#"%{
  "cowboy": {:hex, :cowboy, "2.9.0", "aaaa", [:make, :rebar3], [{:cowlib, "2.11.0", [hex: :cowlib, repo: "hexpm", optional: false]}], "hexpm", "DIGEST"},
  "old": {:hex, :old, "0.1.0", "bbbb", [:mix], []},
  "tool": {:git, "https://example.org/tool.git", "0123456789abcdef0123456789abcdef01234567", [tag: "v1"]},
}
"#;

const REBAR: &str = r#"{"1.2.0",
[{<<"cowboy">>,{pkg,<<"cowboy">>,<<"2.9.0">>},0},
 {<<"tool">>,{git,"https://example.org/tool.git",{ref,"0123456"}},1}]}.
[
{pkg_hash,[{<<"cowboy">>, <<"AAAA">>}]},
{pkg_hash_ext,[{<<"cowboy">>, <<"UPPER">>}]}
].
"#;

const NPM: &str = r#"{"lockfileVersion": 3, "packages": {
  "": {"name": "own", "version": "1.0.0"}, "packages/part": {"version": "1.0.0"}, "node_modules/part": {"link": true},
  "node_modules/@scope/a": {"version": "1.2.3", "integrity": "sha512-abc="},
  "node_modules/@scope/a/node_modules/b": {"version": "2.0.0"}}}"#;

const OLD_NPM: &str = r#"{"dependencies": {"a": {"version": "1.0.0", "integrity": "sha1-x", "dependencies": {"b": {"version": "0.1.0"}}}}}"#;

const GO: &str = "example.org/a v1.0.0 h1:abc=\nexample.org/a v1.0.0/go.mod h1:def=\n";

#[test]
fn lock_files_are_read() {
    let sum = format!("sha256:{DIGEST}");
    assert_eq!(read("Cargo.lock", CARGO), ["odd 0.2.0 ".to_owned(), format!("serde 1.0.200 {sum}")]);
    assert_eq!(
        read("mix.lock", MIX),
        [
            format!("cowboy 2.9.0 {sum}"),
            "old 0.1.0 ".to_owned(),
            "tool 0123456789abcdef0123456789abcdef01234567 ".to_owned()
        ]
    );
    assert_eq!(read("rebar.lock", REBAR), [format!("cowboy 2.9.0 {sum}"), "tool 0123456 ".to_owned()]);
    assert_eq!(read("rebar.lock", "[{<<\"a\">>,{pkg,<<\"a\">>,<<\"1.0\">>},0}]."), ["a 1.0 "]);
    assert_eq!(read("package-lock.json", NPM), ["@scope/a 1.2.3 sha512-abc=", "b 2.0.0 "]);
    assert_eq!(read("package-lock.json", OLD_NPM), ["a 1.0.0 sha1-x", "b 0.1.0 "]);
    assert_eq!(read("go.sum", GO), ["example.org/a v1.0.0 h1:abc="]);
}

#[test]
fn damaged_lock_files_say_less_and_stop_nothing() {
    let all =
        [("Cargo.lock", CARGO), ("mix.lock", MIX), ("rebar.lock", REBAR), ("package-lock.json", NPM), ("go.sum", GO)];
    for (lock, text) in all {
        for at in 0..text.len() {
            read(lock, &text[..at]);
            for other in ["{", "]", "\"", "\0", "é", "\u{1b}"] {
                read(lock, &format!("{}{other}{}", &text[..at], &text[at + 1..]));
            }
        }
    }
    for (lock, open) in
        [("mix.lock", "%{a: {"), ("rebar.lock", "[{"), ("package-lock.json", "{\"dependencies\":{\"a\":")]
    {
        assert_eq!(read(lock, &open.repeat(50_000)), [""; 0]);
    }
    assert_eq!(read("Cargo.lock", &format!("a = {}", "[".repeat(100_000))), [""; 0]);
    let long = "x".repeat(LONGEST + 1);
    assert_eq!(read("go.sum", &format!("{long} v1 h1:a\na v1 {long}\na\u{7} v1 h1:b\n")), ["a v1 "]);
    assert_eq!(read("go.sum", &(0..MOST + 9).map(|n| format!("m{n} v1 h1:a\n")).collect::<String>()).len(), MOST);
}
