//! Programs that take artifacts: rsync, and scripts that tell what they see.

use std::fs;
use std::time::{Duration, Instant};

use crate::http_sender::{Sender, TOKEN};
use crate::support::tool;

fn script(sender: &Sender, text: &str) {
    fs::write(sender.at("send.sh"), text).unwrap();
}

fn names(folder: &std::path::Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn rsync_takes_each_artifact_or_a_folder_of_them() {
    if tool("rsync", &["--version"]).is_none() {
        return;
    }
    let target = tempfile::tempdir().unwrap();
    let at = target.path().display();
    let tables = format!(
        r#"
[[publish.command]]
run     = ["rsync", "--times", "--mkpath", "{{path}}", "{at}/each/{{name}} {{version}}/"]
formats = ["deb"]

[[publish.command]]
run  = ["rsync", "--recursive", "--times", "--delete", "{{folder}}/", "{at}/all/"]
each = "folder"
"#
    );
    fs::create_dir(target.path().join("all")).unwrap();
    fs::write(target.path().join("all/old"), "").unwrap();
    let sender = Sender::new("1.0.0", &tables);
    let plan = sender.ok(&["--dry-run"]);
    let line = format!("rsync --times --mkpath dist/hello_1.0.0_all.deb '{at}/each/hello 1.0.0/'");
    assert!(plan.contains(&line) && plan.contains(&format!("--delete {{folder}}/ {at}/all/")), "{plan}");
    assert_eq!(names(target.path()), ["all"]);
    sender.ok(&[]);
    assert_eq!(names(&target.path().join("each/hello 1.0.0")), ["hello_1.0.0_all.deb"]);
    assert_eq!(names(&target.path().join("all")), ["hello-1.0.0-1.noarch.rpm", "hello_1.0.0_all.deb"]);
    let (deb, bytes) = sender.file(".deb");
    assert_eq!(fs::read(target.path().join("all").join(deb)).unwrap(), bytes);
    let receipt = sender.receipt();
    let put = &receipt["receipts"][0]["puts"][0];
    assert_eq!((put["key"].as_str().unwrap(), put["what"].as_str().unwrap()), (line.as_str(), "artifact"));
    assert!(!receipt.to_string().contains(sender.folder.path().to_str().unwrap()), "{receipt}");
}

#[test]
fn a_program_sees_what_is_named_and_no_shell_is_in_between() {
    let tables = r#"
[[publish.command]]
run      = ["sh", "send.sh", "{file}", "$(touch injected)", "a b;{arch}"]
formats  = ["deb"]
env      = { WORD = "{name} {version}", SECRET = { env = "TOKEN" } }
pass-env = ["SEEN"]
check    = ["test", "-e", "sent"]
"#;
    let sender = Sender::new("1.0.0", tables);
    script(
        &sender,
        "printf '%s\\n' \"$@\" >sent; env | cut -d= -f1 | sort >names; test \"$SECRET\" = marked-http-token\n",
    );
    let said = sender.ok(&[]);
    assert!(said.contains("1 object"), "{said}");
    assert_eq!(fs::read_to_string(sender.at("sent")).unwrap(), "hello_1.0.0_all.deb\n$(touch injected)\na b;all\n");
    // `SEEN` is not set; a shell adds the last ones itself.
    let seen = fs::read_to_string(sender.at("names")).unwrap();
    let seen: Vec<&str> = seen.lines().filter(|name| !["PWD", "OLDPWD", "SHLVL", "_"].contains(name)).collect();
    assert_eq!(seen, ["HOME", "PATH", "SECRET", "WORD"]);
    assert!(!sender.at("injected").exists());
    // The check says that it is there.
    let said = sender.ok(&[]);
    assert!(said.contains("nothing to do, 1 artifact there already"), "{said}");
}

#[test]
fn what_a_program_says_is_told_when_it_fails_without_secrets() {
    let tables = r#"
[[publish.command]]
run    = ["sh", "send.sh", "{file}"]
env    = { SECRET = { env = "TOKEN" } }
within = "1s"
"#;
    let sender = Sender::new("1.0.0", tables);
    script(&sender, "echo connecting; echo \"no entry for $SECRET\" >&2; exit 3\n");
    let (code, said) = sender.publish(&[]);
    assert!(code == 3 && said.contains("error[command/failed]") && said.contains("exit status: 3"), "{code}: {said}");
    assert!(
        said.contains("note: connecting") && said.contains("note: no entry for ***") && !said.contains(TOKEN),
        "{said}"
    );
    // The second one fails: the first was sent.
    script(&sender, "case $1 in *.rpm) sleep 0.3; exit 1;; esac\n");
    let (code, said) = sender.publish(&[]);
    assert!(code == 4 && said.contains("publish/half-way"), "{code}: {said}");
    // One that does not end is ended, with all that it started.
    script(&sender, "sleep 600 & sleep 600\n");
    let began = Instant::now();
    let (code, said) = sender.publish(&[]);
    assert!(code == 3 && said.contains("longer than 1 s"), "{code}: {said}");
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    // One that leaves something behind does not wait for it.
    script(&sender, "sleep 600 &\n");
    sender.ok(&[]);
}
