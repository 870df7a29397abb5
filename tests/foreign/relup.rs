//! Relups against those that `systools:make_relup` makes of the same releases.

use std::fs;
use std::path::Path;

use crate::support::{finish, fitout, tool};

/// Name, version and modules of applications.
type Made<'a> = &'a [(&'a str, &'a str, &'a [&'a str])];

const OLD: Made<'_> = &[
    ("a", "1.0", &["a_app", "a_line", "a_old", "a_sup", "a_work"]),
    ("b", "1.0", &["b_one", "b_two"]),
    ("gone", "0.1", &["gone_app", "gone_x"]),
];
const NEW: Made<'_> = &[
    ("a", "1.1", &["a_app", "a_line", "a_new", "a_sup", "a_work"]),
    ("b", "2.0", &["b_one", "b_three"]),
    ("fresh", "1.0", &["fresh_app", "fresh_x"]),
];

/// Instructions of `a` forth and back.
const SCRIPTS: &[[&str; 2]] = &[
    ["[{load_module, a_line}]", "[{load_module, a_line}]"],
    [
        "[{add_module, a_new}, {update, a_sup, supervisor}, {update, a_work, {advanced, [x]}, [a_line]}, {load_module, a_line, [a_app]}, \
         {load_module, a_app}, {delete_module, a_old}]",
        "[{add_module, a_old}, {update, a_sup, supervisor}, {update, a_work, {advanced, [x]}, [a_line]}, {load_module, a_line, [a_app]}, \
         {load_module, a_app}, {delete_module, a_new}]",
    ],
    [
        "[{update, a_work, 5000, soft, soft_purge, brutal_purge, []}, {apply, {io, format, [\"x\"]}}, \
         {update, a_line, static, infinity, {advanced, #{}}, soft_purge, soft_purge, []}]",
        "[{update, a_work, 5000, soft, soft_purge, brutal_purge, []}, {apply, {io, format, [\"x\"]}}, \
         {update, a_line, static, infinity, {advanced, {}}, soft_purge, soft_purge, []}]",
    ],
    [
        "[{load_object_code, {a, \"1.1\", [a_line]}}, {apply, {erlang, now, []}}, point_of_no_return, {suspend, [a_line]}, \
         {load, {a_line, brutal_purge, brutal_purge}}, {resume, [a_line]}, {load_module, a_work}]",
        "[{load_module, a_work}, {load_module, a_line}]",
    ],
    ["[{restart_application, a}]", "[{restart_application, a}]"],
    ["[restart_new_emulator, {load_module, a_work}]", "[{load_module, a_work}, restart_new_emulator]"],
    ["[{load_module, a_work}, restart_emulator]", "[{update, a_work, soft, []}, {update, a_line}]"],
    // Both refuse this.
    ["[{load_module, a_nothing}]", "[]"],
];

/// Writes the applications and the `.rel` file of a release.
fn write(folder: &Path, version: &str, applications: Made<'_>, otp: &[(String, String)], erts: &str) {
    let mut listed: Vec<String> = otp.iter().map(|(name, version)| format!("{{{name}, \"{version}\"}}")).collect();
    for (name, version, modules) in applications {
        let ebin = folder.join(format!("lib/{name}-{version}/ebin"));
        fs::create_dir_all(&ebin).unwrap();
        let app = format!(
            "{{application, {name}, [{{description, \"\"}}, {{vsn, \"{version}\"}}, {{modules, [{}]}}, {{registered, []}}, \
             {{applications, [kernel, stdlib]}}]}}.\n",
            modules.join(", ")
        );
        fs::write(ebin.join(format!("{name}.app")), app).unwrap();
        let kind = if *name == "b" { ", load" } else { "" };
        listed.push(format!("{{{name}, \"{version}\"{kind}}}"));
    }
    let live = folder.join("releases").join(version);
    fs::create_dir_all(&live).unwrap();
    let rel = format!("{{release, {{\"r\", \"{version}\"}}, {{erts, \"{erts}\"}}, [{}]}}.\n", listed.join(", "));
    fs::write(live.join("r.rel"), rel).unwrap();
    fs::write(folder.join("releases/start_erl.data"), format!("{erts} {version}")).unwrap();
}

/// Prints `same` or both terms.
const COMPARE: &str = r#"
    [Old, New, Own] = init:get_plain_arguments(),
    Paths = filelib:wildcard(Old ++ "/lib/*/ebin") ++ filelib:wildcard(New ++ "/lib/*/ebin"),
    Rel = fun(Folder, Vsn) -> Folder ++ "/releases/" ++ Vsn ++ "/r" end,
    Made = systools:make_relup(Rel(New, "2"), [Rel(Old, "1")], [Rel(Old, "1")], [{path, Paths}, noexec, silent]),
    case {Made, file:consult(Own)} of
        {{ok, Term, _, _}, {ok, [Term]}} -> io:format("same");
        {{ok, Term, _, _}, {ok, [Other]}} -> io:format("~p~n~p~n", [Term, Other]);
        {{error, _, _}, {error, enoent}} -> io:format("same");
        Else -> io:format("~p~n", [Else])
    end, halt().
"#;

#[test]
fn relups_are_those_of_systools() {
    let ask = |code: &str| tool("erl", &["-noshell", "-eval", code]);
    let versions = "[begin application:load(A), {ok, V} = application:get_key(A, vsn), io:format(\"~s ~s~n\", [A, V]) end || \
                    A <- [kernel, stdlib, sasl]], io:format(\"~s\", [erlang:system_info(version)]), halt().";
    let Some(said) = ask(versions) else { return };
    let (applications, erts) = said.rsplit_once('\n').unwrap();
    let pair = |line: &str| line.split_once(' ').map(|(name, version)| (name.to_owned(), version.to_owned())).unwrap();
    let otp: Vec<(String, String)> = applications.lines().map(pair).collect();
    for (at, [up, down]) in SCRIPTS.iter().enumerate() {
        let folder = tempfile::tempdir().unwrap();
        let [old, new, own] = ["old", "new", "own"].map(|name| folder.path().join(name));
        write(&old, "1", OLD, &otp, erts);
        write(&new, "2", NEW, &otp, erts);
        let appup = format!("{{\"1.1\", [{{\"0.9\", []}}, {{\"1.0\", {up}}}], [{{\"1.0\", {down}}}]}}.\n");
        fs::write(new.join("lib/a-1.1/ebin/a.appup"), appup).unwrap();
        let other = "{\"2.0\", [{\"1.0\", [{load_module, b_one}, {add_module, b_three}, {delete_module, b_two}]}], \
                     [{\"1.0\", [{load_module, b_one}, {add_module, b_two}, {delete_module, b_three}]}]}.\n";
        fs::write(new.join("lib/b-2.0/ebin/b.appup"), other).unwrap();
        let [old, new, own] = [&old, &new, &own].map(|path| path.to_str().unwrap());
        let (code, made, stderr) = finish(fitout(folder.path()).args(["release", "relup", old, new]).output().unwrap());
        if code == 0 {
            fs::write(own, &made).unwrap();
        }
        let said = tool("erl", &["-noshell", "-eval", COMPARE, "-extra", old, new, own]).unwrap();
        assert_eq!(said, "same", "script {at}: {made}{stderr}");
        assert_eq!(code == 0, at + 1 < SCRIPTS.len(), "script {at}: {stderr}");
    }
}
