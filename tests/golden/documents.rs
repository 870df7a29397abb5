//! What programs read: the keys of every document that `--json` prints, with their types.
//!
//! `cli/json.txt` holds them. A line that goes is a promise broken, and wants another number in `schema`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::Value;

use super::harness::{Case, Goldens};

/// Keys below these are what somebody else calls a thing: `Depends`.
const FREE: &[&str] = &["relations"];

#[test]
fn documents() {
    let case = Case::copy("cases/scripts");
    let mut text = String::new();
    for call in [
        &["build"][..],
        &["plan"],
        &["lint"],
        &["inspect", "dist/scripts_1.0_all.deb"],
        &["explain", "/etc/opt/scripts.conf"],
        &["explain", "config/syntax"],
        &["templates", "list"],
        &["templates", "show", "launcher/command.sh"],
        &["keys", "new", "--out", "key.asc"],
        &["keys", "rotate", "key.asc", "--out", "next.asc"],
        &["keys", "show", "key.asc"],
        &["init"],
    ] {
        add(&case, call, &mut text);
    }
    change(&case);
    case.fitout(&["build", "--quiet", "--out", "new"]);
    add(&case, &["merge", "new", "--into", "merged"], &mut text);
    add(&case, &["diff", "dist/scripts_1.0_all.deb", "new/scripts_1.1_all.deb"], &mut text);
    add(&case, &["plan", "--format", "apk"], &mut text);
    let image = Case::copy("cases/image");
    image.fitout(&["build", "--quiet", "--target", "linux/amd64", "--out", "made"]);
    add(&image, &["inspect", "made/image-1.4.0+b5-linux-amd64.oci.tar"], &mut text);
    let release = Case::copy("inspect/release");
    add(&release, &["inspect", "rel"], &mut text);
    let mut goldens = Goldens::default();
    goldens.agree("cli/json.txt", &text);
    goldens.finish();
}

/// Something of everything that `diff` tells.
fn change(case: &Case) {
    let path = |name: &str| case.folder.join(name);
    let config = fs_err::read_to_string(path("fitout.toml")).expect("the config");
    let config = config.replace("\"1.0\"", "\"1.1\"").replace("x = 1", "x = 2").replace("bin/run", "bin/walk");
    fs_err::write(path("fitout.toml"), config.replace("[format.deb]", "[format.deb]\ndepends = [\"adduser\"]"))
        .expect("writes");
    let script = fs_err::read_to_string(path("deb/postinst")).expect("the script");
    fs_err::write(path("deb/postinst"), script + "true\n").expect("writes");
}

/// The call, its exit code, and the shape of what it prints.
fn add(case: &Case, call: &[&str], text: &mut String) {
    let (code, stdout, stderr) = case.fitout(&[call, &["--json"]].concat());
    let document: Value = serde_json::from_str(&stdout).unwrap_or_else(|e| panic!("{call:?}: {e}\n{stdout}{stderr}"));
    let mut keys = BTreeMap::new();
    collect(&document, "", &mut keys);
    let schema = document["schema"].as_str().expect("a schema");
    let _ = writeln!(text, "fitout {} --json: exit {code}, {schema}", call.join(" "));
    for (key, types) in keys {
        let types: Vec<&str> = types.into_iter().collect();
        let _ = writeln!(text, "    {key}: {}", types.join(" or "));
    }
}

fn collect(value: &Value, path: &str, keys: &mut BTreeMap<String, BTreeSet<&'static str>>) {
    let mut is = |name: &'static str| _ = keys.entry(path.to_owned()).or_default().insert(name);
    match value {
        Value::Null => is("null"),
        Value::Bool(_) => is("boolean"),
        Value::Number(_) => is("number"),
        Value::String(_) => is("string"),
        Value::Array(list) if list.is_empty() => is("empty list"),
        Value::Array(list) => list.iter().for_each(|item| collect(item, &format!("{path}[]"), keys)),
        Value::Object(map) if map.is_empty() => is("empty table"),
        Value::Object(map) => {
            let free = FREE.contains(&path.rsplit('.').next().unwrap_or_default());
            map.iter().for_each(|(key, item)| {
                collect(item, &format!("{path}.{}", if free { "*" } else { key }), keys);
            });
        }
    }
}
