//! Compiled modules of two versions of an application -> instructions that take a node from one to the other.
//!
//! A module that is new is added, one that is gone deleted. Of the others those whose code is different: a supervisor reads its
//! children again, a process with a state (`code_change` in a module that says which behaviour it has) is suspended and
//! converts that, the rest is loaded. What a person has to see to is not known here: whether `code_change` does what it must.

use std::collections::BTreeMap;
use std::path::Path;

use super::super::{beam, etf};
use crate::diagnostic::{Diagnostic, Result, codes};
use crate::resolve::preset::term::Term;
use crate::resolve::preset::term::make::{atom, list, pair, tuple};

/// Chunks that decide what a module does.
const CODE: &[&[u8; 4]] = &[b"Atom", b"AtU8", b"Code", b"StrT", b"ImpT", b"ExpT", b"FunT", b"LitT"];
const SUPERVISORS: &[&str] = &["supervisor", "Elixir.Supervisor", "Elixir.DynamicSupervisor"];
const WITH_STATE: &[&str] = &["gen_server", "gen_statem", "gen_event", "gen_fsm", "Elixir.GenServer"];

/// What is known of a module.
#[derive(PartialEq)]
struct Module {
    code: Vec<([u8; 4], Vec<u8>)>,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Supervisor,
    WithState,
    Plain,
}

/// Instructions from the old `ebin` to the new one, and back.
///
/// # Errors
/// A module cannot be read, or is none.
pub fn between(old: &Path, new: &Path) -> Result<[Vec<Term>; 2]> {
    let (old, new) = (modules(old)?, modules(new)?);
    let word = |word: &str, module: &str| pair(word, atom(module));
    let missing = |from: &BTreeMap<String, Module>, of: &BTreeMap<String, Module>| -> Vec<String> {
        of.keys().filter(|name| !from.contains_key(*name)).cloned().collect()
    };
    let (added, gone) = (missing(&old, &new), missing(&new, &old));
    let mut changed: Vec<(Kind, Term)> = Vec::new();
    for (name, module) in &new {
        if old.get(name).is_some_and(|before| before.code != module.code) {
            let term = match module.kind {
                Kind::Supervisor => tuple([atom("update"), atom(name), atom("supervisor")]),
                Kind::WithState => {
                    let advanced = pair("advanced", list([]));
                    tuple([atom("update"), atom(name), advanced])
                }
                Kind::Plain => word("load_module", name),
            };
            changed.push((module.kind, term));
        }
    }
    // What others call is there before they do.
    let of = |kind: Kind| changed.iter().filter(move |(other, _)| *other == kind).map(|(_, term)| term.clone());
    let all = |comes: &[String], goes: &[String]| -> Vec<Term> {
        let comes = comes.iter().map(|name| word("add_module", name));
        let goes = goes.iter().map(|name| word("delete_module", name));
        comes.chain(of(Kind::Plain)).chain(of(Kind::WithState)).chain(of(Kind::Supervisor)).chain(goes).collect()
    };
    Ok([all(&added, &gone), all(&gone, &added)])
}

fn modules(ebin: &Path) -> Result<BTreeMap<String, Module>> {
    let mut all = BTreeMap::new();
    for name in super::super::find::names(ebin) {
        let Some(module) = name.strip_suffix(".beam") else { continue };
        let file = ebin.join(&name);
        let refused = |why: String| {
            Diagnostic::error(codes::OTP_BAD_BEAM, format!("`{}` cannot be compared: {why}", file.display()))
                .path(&file)
                .help("assemble the release anew")
        };
        let bytes = fs_err::read(&file).map_err(|error| refused(error.to_string()))?;
        let bytes = beam::unpacked(bytes).map_err(|error| refused(error.to_string()))?;
        all.insert(module.to_owned(), read(&bytes).map_err(|error| refused(error.to_string()))?);
    }
    Ok(all)
}

fn read(bytes: &[u8]) -> std::result::Result<Module, beam::BeamError> {
    let chunks = beam::chunks(bytes)?;
    let chunk = |wanted: &[u8; 4]| chunks.iter().find(|(name, _)| *name == wanted).map(|(_, content)| *content);
    let attributes = chunk(b"Attr").and_then(|bytes| etf::decode(bytes).ok()).map(|(term, _)| term);
    let behaviours = attributes.iter().flat_map(|term| term.list().unwrap_or_default()).filter_map(Term::tuple);
    let behaviours: Vec<&str> = behaviours
        .filter(|pair| matches!(pair.first().and_then(Term::atom), Some("behaviour" | "behavior")))
        .flat_map(|pair| pair.get(1).and_then(Term::list).unwrap_or_default().iter().filter_map(Term::atom))
        .collect();
    let is_any = |known: &[&str]| behaviours.iter().any(|name| known.contains(name));
    let converts = || {
        let atoms = chunk(b"AtU8").or_else(|| chunk(b"Atom")).and_then(|bytes| index_of(bytes, "code_change"));
        atoms.zip(chunk(b"ExpT")).is_some_and(|(index, bytes)| exports(bytes, index))
    };
    let kind = if is_any(SUPERVISORS) {
        Kind::Supervisor
    } else if is_any(WITH_STATE) && converts() {
        Kind::WithState
    } else {
        Kind::Plain
    };
    let code = chunks.iter().filter(|(name, _)| CODE.contains(name)).map(|(name, content)| (**name, content.to_vec()));
    Ok(Module { code: code.collect(), kind })
}

fn number(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (first, rest) = bytes.split_first_chunk::<4>()?;
    Some((u32::from_be_bytes(*first), rest))
}

/// The number of an atom in the table of a module, from 1. OTP 28 writes lengths in another way, and the count as a negative one.
fn index_of(bytes: &[u8], wanted: &str) -> Option<u32> {
    let (count, mut rest) = number(bytes)?;
    let is_long = count >> 31 == 1;
    let count = if is_long { count.wrapping_neg() } else { count };
    for index in 1..=count {
        let (&first, mut behind) = rest.split_first()?;
        let mut length = usize::from(first);
        if is_long && first & 0x08 == 0 {
            length = usize::from(first >> 4);
        } else if is_long {
            let (&second, more) = behind.split_first()?;
            length = usize::from(first >> 5) << 8 | usize::from(second);
            behind = more;
        }
        let (name, more) = behind.split_at_checked(length)?;
        if name == wanted.as_bytes() {
            return Some(index);
        }
        rest = more;
    }
    None
}

/// Whether a function with this name is exported.
fn exports(bytes: &[u8], index: u32) -> bool {
    let Some((_, rest)) = number(bytes) else { return false };
    rest.chunks_exact(12).any(|entry| entry[..4] == index.to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn module(chunks: &[(&[u8; 4], Vec<u8>)]) -> Vec<u8> {
        let mut out = b"FOR1\0\0\0\0BEAM".to_vec();
        for (name, content) in chunks {
            out.extend_from_slice(&name[..]);
            out.extend(u32::try_from(content.len()).unwrap().to_be_bytes());
            out.extend_from_slice(content);
            out.resize(out.len().next_multiple_of(4), 0);
        }
        out
    }

    fn attributes(behaviour: &str) -> Vec<u8> {
        let pair = pair("behaviour", list([atom(behaviour)]));
        etf::encode(&Term::List(vec![pair], None), etf::Atoms::Utf8).unwrap()
    }

    /// Both ways of writing a table of atoms; the second of two is exported with three arguments.
    fn made(behaviour: &str, is_new: bool) -> Vec<u8> {
        let mut atoms = if is_new { (-2_i32).to_be_bytes().to_vec() } else { 2_u32.to_be_bytes().to_vec() };
        for name in ["module", "code_change"] {
            let length = u8::try_from(name.len()).unwrap();
            atoms.push(if is_new { length << 4 } else { length });
            atoms.extend(name.bytes());
        }
        let exports: Vec<u8> = [1_u32, 2, 3, 9].iter().flat_map(|number| number.to_be_bytes()).collect();
        module(&[(b"AtU8", atoms), (b"ExpT", exports), (b"Attr", attributes(behaviour))])
    }

    #[test]
    fn what_a_module_is_decides() {
        for is_new in [false, true] {
            assert!(read(&made("gen_server", is_new)).unwrap().kind == Kind::WithState);
            assert!(read(&made("Elixir.Supervisor", is_new)).unwrap().kind == Kind::Supervisor);
            assert!(read(&made("application", is_new)).unwrap().kind == Kind::Plain);
        }
        assert!(read(&module(&[(b"Attr", attributes("gen_server"))])).unwrap().kind == Kind::Plain);
    }

    #[test]
    fn damaged_modules_never_panic() {
        for is_new in [false, true] {
            let whole = made("gen_server", is_new);
            for at in 0..whole.len() {
                let _ = read(&whole[..at]);
                for byte in [0, 0x7f, 0x88, 0xff] {
                    let mut damaged = whole.clone();
                    damaged[at] = byte;
                    let _ = read(&damaged);
                }
            }
        }
    }
}
