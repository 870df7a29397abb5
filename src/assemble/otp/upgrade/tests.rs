//! Scripts against those of Erlang's own `systools`, where it is there: `tests/foreign/relup.rs` compares whole releases.

use super::*;
use crate::diagnostic::SourceText;

fn terms(text: &str) -> Vec<Term> {
    let source = std::sync::Arc::new(SourceText { name: "test".into(), text: format!("{text}.") });
    term::parse(&source).unwrap().remove(0).list().unwrap().to_vec()
}

fn applications(version: &str, modules: &[&str]) -> Applications {
    let of = |name: &str, version: &str, modules: &[&str]| Of {
        name: name.into(),
        version: version.into(),
        modules: modules.iter().map(|name| (*name).to_owned()).collect(),
        kind: "permanent".into(),
    };
    Applications(vec![of("stdlib", "4.2", &["lists"]), of("a", version, modules)])
}

fn script(way: Way, text: &str) -> std::result::Result<String, String> {
    let (one, two) = (applications("1", &["m", "n", "old"]), applications("2", &["m", "n", "new"]));
    let (to, from) = if way == Way::Up { (two, one) } else { (one, two) };
    let all = instructions::script(way, &[terms(text)], &to, &from)?;
    Ok(all.iter().map(|term| format!("{term:#}")).collect::<Vec<_>>().join(" "))
}

#[test]
fn who_depends_is_suspended_first_and_loaded_last() {
    let text = "[{update, n, {advanced, x}, []}, {update, m, soft, [n]}]";
    let up = "{load_object_code,{a,\"2\",[m,n]}} point_of_no_return {suspend,[m,n]} {load,{n,brutal_purge,brutal_purge}} \
              {load,{m,brutal_purge,brutal_purge}} {code_change,up,[{n,x}]} {resume,[n,m]}";
    assert_eq!(script(Way::Up, text).as_deref(), Ok(up));
    let down = "{load_object_code,{a,\"1\",[m,n]}} point_of_no_return {suspend,[m,n]} {code_change,down,[{n,x}]} \
                {load,{m,brutal_purge,brutal_purge}} {load,{n,brutal_purge,brutal_purge}} {resume,[n,m]}";
    assert_eq!(script(Way::Down, text).as_deref(), Ok(down));
}

#[test]
fn an_emulator_is_restarted_first_or_last() {
    let up = script(Way::Up, "[{load_module, m}, restart_new_emulator]").unwrap();
    assert!(up.starts_with("restart_new_emulator {load_object_code"), "{up}");
    let down = script(Way::Down, "[restart_new_emulator, {load_module, m}]").unwrap();
    assert!(down.ends_with("{load,{m,brutal_purge,brutal_purge}} restart_emulator"), "{down}");
}

#[test]
fn what_cannot_be_is_told() {
    for (text, told) in [
        ("[{load_module, gone}]", "no application has the module `gone`"),
        ("[{load_module, m}, {update, m}]", "more than one instruction"),
        ("[{load_module, m, [n]}]", "depends on `n`"),
        ("[{update}]", "no instruction"),
        ("[{update, m, hard}]", "no instruction"),
        ("[{}]", "no instruction"),
        ("[{load_module, m}, point_of_no_return]", "before `point_of_no_return`"),
        ("[{remove_application, a}]", "still"),
        ("[{add_application, b}]", "not there"),
        ("[\"text\"]", "no instruction"),
    ] {
        let why = script(Way::Up, text).unwrap_err();
        assert!(why.contains(told), "{text}: {why}");
    }
}
