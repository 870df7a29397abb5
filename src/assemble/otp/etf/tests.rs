use std::process::Command;
use std::sync::Arc;

use super::*;
use crate::assemble::otp::app::{Application, Home};
use crate::assemble::otp::beam;
use crate::assemble::otp::boot::Template;
use crate::codec::hex::hex;
use crate::diagnostic::SourceText;
use crate::resolve::preset::term;

/// Terms of every kind, and at every bound between two forms.
const TERMS: &[&str] = &[
    "[]",
    "\"\"",
    "\"abc\"",
    "[1,2,255]",
    "[1,256]",
    "\"\\x{20ac}uro\"",
    "[a|b]",
    "[1|\"bc\"]",
    "{}",
    "{a,{b},'Elixir.C','h\\x{e9}','\\x{20ac}'}",
    "0",
    "255",
    "256",
    "-1",
    "2147483647",
    "2147483648",
    "-2147483648",
    "-2147483649",
    "16#123456789abcdef0123456789",
    "-1.5e3",
    "0.0",
    "$\\n",
    "<<>>",
    "<<1,2,\"x\">>",
    "<<\"h\\x{e9}\"/utf8>>",
    "#{}",
    "#{b => 1, a => 2, 3 => c, {x} => d, \"s\" => e, <<\"b\">> => f}",
    "[[[[[]]]]]",
];

fn read(text: &str) -> Term {
    let text = format!("{text}.");
    term::parse(&Arc::new(SourceText { name: "t".into(), text })).unwrap().remove(0)
}

/// What the runtime of this machine makes of terms, in hex.
fn by_erlang(terms: &[&str]) -> Vec<String> {
    let script = format!(
        "[io:format(\"~s~n\", [binary:encode_hex(term_to_binary(T))]) || T <- [{}, lists:seq(1, 70000), lists:duplicate(70000, 7), \
         list_to_tuple(lists:seq(1, 300)), 1 bsl 2100]], halt().",
        terms.join(",")
    );
    let output = Command::new("erl").args(["-noinput", "-eval", &script]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_lowercase).collect()
}

#[test]
fn terms_have_the_bytes_that_erlang_gives_them() {
    let number = |n: u32| Term::Number(n.to_string());
    let mut terms: Vec<Term> = TERMS.iter().map(|text| read(text)).collect();
    terms.push(Term::List((1..=70000).map(number).collect(), None));
    terms.push(Term::List(vec![number(7); 70000], None));
    terms.push(Term::Tuple((1..=300).map(number).collect()));
    let wide = Number::Integer { negative: false, magnitude: [vec![0; 262], vec![16]].concat() };
    terms.push(Term::Number(wide.text()));
    let all = by_erlang(TERMS);
    assert_eq!(all.len(), terms.len());
    for (term, wanted) in terms.iter().zip(all) {
        let bytes = encode(term, Atoms::Latin1).unwrap();
        let shown = term.to_string();
        assert_eq!(hex(&bytes), wanted, "{}", &shown[..shown.len().min(80)]);
        let (again, _) = decode(&bytes).unwrap();
        assert_eq!(encode(&again, Atoms::Latin1).unwrap(), bytes);
    }
}

#[test]
fn atoms_of_newer_otps_are_utf8() {
    let all = [("a", "8377 01 61"), ("h\u{e9}", "8377 03 68c3a9")];
    for (name, wanted) in all {
        let bytes = encode(&Term::Atom(name.into()), Atoms::Utf8).unwrap();
        assert_eq!(hex(&bytes), wanted.replace(' ', ""));
        assert_eq!(decode(&bytes).unwrap(), (Term::Atom(name.into()), Atoms::Utf8));
    }
    let long = "\u{20ac}".repeat(255);
    let bytes = encode(&Term::Atom(long.clone()), Atoms::Utf8).unwrap();
    assert_eq!(bytes[1], ATOM_UTF8);
    assert_eq!(decode(&bytes).unwrap().0, Term::Atom(long.clone()));
    assert!(encode(&Term::Atom(long + "x"), Atoms::Utf8).is_err());
}

#[test]
fn what_is_no_term_is_told() {
    let nested = [vec![VERSION], [SMALL_TUPLE, 1].repeat(5000), vec![NIL]].concat();
    let all: [(&[u8], EtfError); 9] = [
        (b"", EtfError::Version),
        (b"\x82\x6a", EtfError::Version),
        (b"\x83", EtfError::Short),
        (b"\x83\x6a\x6a", EtfError::More(1)),
        (b"\x83\x50\0\0\0\x01", EtfError::Tag(80)),
        (b"\x83\x6d\xff\xff\xff\xff", EtfError::Short),
        (b"\x83\x69\xff\xff\xff\xff", EtfError::Short),
        (b"\x83\x6f\xff\xff\xff\xff\0", EtfError::Value("an integer of 4294967295 bytes".into())),
        (&nested, EtfError::Deep),
    ];
    for (bytes, wanted) in all {
        assert_eq!(decode(bytes).unwrap_err(), wanted);
    }
}

/// Numbers that are the same each time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end as u64).unwrap()
    }

    fn damage(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut damaged = bytes.to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(damaged.len());
            match self.below(4) {
                0 => damaged.truncate(at.max(1)),
                1 => drop(damaged.splice(at..at, [0xff; 4])),
                2 => damaged[at] = 0xff,
                _ => damaged[at] = u8::try_from(self.below(256)).unwrap(),
            }
        }
        damaged
    }
}

/// Boot files, modules and `.app` files with damage at random places: an error or something else, never a panic.
#[test]
fn damage_is_survived() {
    let boot = fs_err::read("/usr/lib/erlang/bin/start_clean.boot").unwrap();
    let kernel = fs_err::read_dir("/usr/lib/erlang/lib").unwrap().map(|entry| entry.unwrap().path());
    let kernel = kernel.into_iter().find(|path| path.to_str().unwrap().contains("/kernel-")).unwrap();
    let module = fs_err::read(kernel.join("ebin/application.beam")).unwrap();
    let app = fs_err::read(kernel.join("ebin/kernel.app")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    fs_err::create_dir(folder.path().join("ebin")).unwrap();
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
    let (mut read, mut refused) = (0, 0);
    for _ in 0..2000 {
        let mut count = |ok: bool| if ok { read += 1 } else { refused += 1 };
        count(Template::read(&chance.damage(&boot)).is_ok());
        count(beam::stripped(chance.damage(&module), &["Code".into()]).is_ok());
        fs_err::write(folder.path().join("ebin/kernel.app"), chance.damage(&app)).unwrap();
        let found = Application::read(folder.path(), folder.path(), "kernel", Home::Otp);
        if let Ok(application) = &found {
            application.place("applications", Some("stdlib"));
        }
        count(found.is_ok());
    }
    assert!(read > 100 && refused > 1000, "{read} read, {refused} refused");
}
