//! `fitout keys`: a key is made, shown and replaced; its secret is in its file, and nowhere else.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::Value;

use crate::support::{finish, fitout, project, run};
use crate::{TREE, config};

const NAME: &str = "Ops Team <ops@example.org>";

fn json(folder: &Path, args: &[&str]) -> Value {
    let (code, stdout, stderr) = run(folder, &[args, &["--json"]].concat());
    assert_eq!(code, 0, "{args:?} {stderr}");
    serde_json::from_str(&stdout).unwrap()
}

#[test]
fn a_new_key_is_for_its_owner_alone_and_is_never_written_over() {
    let folder = project(&[("fitout.toml", &config(TREE))]);
    let here = folder.path();
    // Whatever the umask, and whose it is stands in the config.
    let made = json(here, &["keys", "new", "--out", "key.asc"]);
    assert_eq!(made["schema"], "fitout/keys/1");
    assert_eq!(made["keys"][0]["user"], NAME);
    assert_eq!(made["keys"][0]["algorithm"], "ed25519");
    let [created, expires] = ["created", "expires"].map(|word| made["keys"][0][word].as_i64().unwrap());
    assert_eq!(expires - created, 730 * 86_400);
    let file = here.join("key.asc");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o7777, 0o600);
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.starts_with("-----BEGIN PGP PRIVATE KEY BLOCK-----"), "{text}");
    let (code, stdout, _) = run(here, &["keys", "new", "--out", "key.asc"]);
    assert_eq!((code, stdout.as_str()), (2, ""));
    assert_eq!(fs::read_to_string(&file).unwrap(), text);

    let (code, stdout, stderr) = run(here, &["keys", "show", "key.asc"]);
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert!(stdout.contains(made["keys"][0]["fingerprint"].as_str().unwrap()) && stdout.contains(NAME), "{stdout}");
    let (code, public, stderr) = run(here, &["keys", "show", "--public", "key.asc"]);
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert!(public.starts_with("-----BEGIN PGP PUBLIC KEY BLOCK-----") && !public.contains("PRIVATE"), "{public}");
    assert_eq!(made["keys"][0]["public"], public.as_str());
}

#[test]
fn a_successor_is_as_its_predecessor_was_and_steps_say_what_comes_next() {
    let folder = project(&[]);
    let here = folder.path();
    for (algorithm, expected) in [("ed25519", "ed25519"), ("rsa3072", "rsa3072")] {
        let old = format!("{algorithm}.asc");
        let new = format!("{algorithm}-next.asc");
        let made = json(here, &["keys", "new", "--out", &old, "--name", NAME, "--algorithm", algorithm]);
        let next = json(here, &["keys", "rotate", &old, "--out", &new, "--expires", "never"]);
        assert_eq!(next["keys"][0]["algorithm"], expected);
        assert_eq!((&next["keys"][0]["user"], &next["keys"][0]["expires"]), (&Value::from(NAME), &Value::Null));
        assert_ne!(next["keys"][0]["fingerprint"], made["keys"][0]["fingerprint"]);
        let steps: Vec<&str> = next["steps"].as_array().unwrap().iter().map(|step| step.as_str().unwrap()).collect();
        assert!(steps[0].contains(&format!("{{ file = \"{old}\" }}, {{ file = \"{new}\" }}")), "{steps:?}");
        // What the first step says is a config that works.
        fs::write(
            here.join("fitout.toml"),
            format!("[sign]\nkeys = [{{ file = \"{old}\" }}, {{ file = \"{new}\" }}]\n"),
        )
        .unwrap();
        let shown = json(here, &["keys", "show"]);
        assert_eq!(shown["keys"].as_array().unwrap().len(), 2);
        assert_eq!(shown["keys"][1]["from"], new.as_str());
    }
}

#[test]
fn an_environment_has_keys_of_its_own() {
    let folder = project(&[(
        "fitout.toml",
        "[sign]\nkeys = [{ file = \"key.asc\" }]\n[environment.staging.sign]\nkeys = [{ file = \"staging.asc\" }]\n",
    )]);
    let here = folder.path();
    for file in ["key.asc", "staging.asc"] {
        json(here, &["keys", "new", "--out", file, "--name", NAME]);
    }
    assert_eq!(json(here, &["keys", "show"])["keys"][0]["from"], "key.asc");
    assert_eq!(json(here, &["keys", "show", "--environment", "staging"])["keys"][0]["from"], "staging.asc");
}

/// Every verb that comes near a key, with a marked passphrase and the key in the environment, at every loudness.
#[test]
fn nothing_of_a_secret_is_printed_logged_or_packed() {
    const MARK: &str = "M4RKED-s3same";
    let sign = "[sign]\nkeys = [{ env = \"MY_KEY\" }, { file = \"open.asc\" }]\npassphrase = { env = \"MY_PASS\" }\n";
    let wrong = "[sign]\nkeys = [{ env = \"MY_KEY\" }, { env = \"MY_PASS\" }]\npassphrase = { file = \"wrong\" }\n";
    let folder = project(&[
        ("fitout.toml", &config(&format!("{TREE}\n{sign}"))),
        ("wrong.toml", &config(&format!("{TREE}\n{wrong}"))),
        ("wrong", &format!("{MARK}-not")),
        ("tree/a", "a"),
    ]);
    let here = folder.path();
    let secret = |file: &str| -> Vec<String> {
        let text = fs::read_to_string(here.join(file)).unwrap_or_default();
        // The first lines of a private key are public; what is behind them is not.
        text.lines().filter(|line| line.len() == 64).skip(1).take(2).map(str::to_owned).collect()
    };
    let mut said = String::new();
    let mut all = |args: &[&str]| {
        let mut command = fitout(here);
        command.env("MY_PASS", MARK);
        if let Ok(key) = fs::read_to_string(here.join("locked.asc")) {
            command.env("MY_KEY", key);
        }
        let (code, stdout, stderr) = finish(command.args(args).output().unwrap());
        assert!(code < 100, "{args:?} {stderr}");
        said.push_str(&stdout);
        said.push_str(&stderr);
        code
    };
    assert_eq!(all(&["keys", "new", "--out", "locked.asc", "--passphrase-env", "MY_PASS", "-v"]), 0);
    assert_eq!(all(&["keys", "new", "--out", "open.asc", "-v"]), 0);
    for loudness in [&[][..], &["-v"], &["--json"], &["-q"]] {
        assert_eq!(all(&[&["keys", "show"][..], loudness].concat()), 0);
        assert_eq!(all(&[&["keys", "show", "locked.asc", "open.asc"][..], loudness].concat()), 0);
        assert_eq!(all(&[&["keys", "show", "--config", "wrong.toml"][..], loudness].concat()), 2);
        assert_eq!(all(&[&["build"][..], loudness].concat()), 0);
        assert_eq!(all(&[&["lint"][..], loudness].concat()) & 2, 0);
        assert_eq!(all(&[&["plan"][..], loudness].concat()), 0);
    }
    assert_eq!(all(&["keys", "rotate", "locked.asc", "--out", "next.asc", "--json"]), 0);
    let mut marks = vec![MARK.to_owned()];
    marks.extend(["locked.asc", "open.asc", "next.asc"].iter().flat_map(|file| secret(file)));
    assert!(marks.len() >= 5, "{marks:?}");
    for mark in &marks {
        assert!(!said.contains(mark.as_str()), "{mark}\n{said}");
    }
    for (name, bytes) in crate::support::contents(&here.join("dist")) {
        for mark in &marks {
            assert!(!bytes.windows(mark.len()).any(|window| window == mark.as_bytes()), "{name} holds {mark}");
        }
    }
}
