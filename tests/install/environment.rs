//! The environment that a start/stop script makes for its service: files in the grammar of systemd, filled configuration,
//! secrets.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::archives::Project;
use crate::launcher::{Unpacked, until};
use crate::machine::Machine;
use crate::roots::{BOOKWORM, Root, TESTING, TRIXIE};
use crate::support::is_root;

/// A program that writes what it gets: arguments, then its environment.
fn telling(project: &Project) {
    fs::write(
        project.folder().join("app/bin/serve"),
        "#!/bin/sh\nconfig=${1#--config=}\nport=$(sed -n 's/^port = //p' \"$config\")\nenv -0 >\"$GREETER_STATE/env.new\"\n\
         mv \"$GREETER_STATE/env.new\" \"$GREETER_STATE/env\"\nexec busybox httpd -f -p \"127.0.0.1:$port\" -h \"$GREETER_ROOT\"\n",
    )
    .unwrap();
}

fn environment(there: &Unpacked) -> BTreeMap<String, String> {
    let bytes = fs::read(there.path("var/lib/greeter/env")).unwrap();
    variables(&bytes)
}

/// Lines of an environment file with what systemd makes of them: src/basic/env-file.c.
const GRAMMAR: &[(&str, &[(&str, &str)])] = &[
    ("A=plain", &[("A", "plain")]),
    ("  B = blanks around  ", &[("B", "blanks around")]),
    ("# C=comment\n; D=comment", &[]),
    ("E='single $x \\ \"'", &[("E", "single $x \\ \"")]),
    ("F=\"double \\\"q\\\" \\$x \\\\ \\` \\n\"", &[("F", "double \"q\" $x \\ ` \\n")]),
    ("G=con\\\ntinued", &[("G", "continued")]),
    ("H=\"con\\\ntinued\"", &[("H", "continued")]),
    ("I=\"two\nlines\"", &[("I", "two\nlines")]),
    ("J=a\\ b\\  ", &[("J", "a b ")]),
    ("K=$(touch ran) `touch ran`; touch ran", &[("K", "$(touch ran) `touch ran`; touch ran")]),
    ("L='a''b'\"c\" d", &[("L", "abcd")]),
    ("M=", &[("M", "")]),
    ("N=1\nN=2", &[("N", "2")]),
    ("no assignment\n1BAD=x\nBA-D=x", &[]),
    ("O=a#b;c", &[("O", "a#b;c")]),
    ("P=it\\'s", &[("P", "it's")]),
    ("Q=a'b'", &[("Q", "a'b'")]),
    ("R=windows\r", &[("R", "windows")]),
    ("IFS=x\nsvc_user=root", &[]),
    ("S=é ü\t", &[("S", "é ü")]),
];

#[test]
fn the_environment_file_is_read_as_systemd_reads_it() {
    let project = Project::new();
    telling(&project);
    let there = Unpacked::of(&project);
    let lines: Vec<&str> = GRAMMAR.iter().map(|(line, _)| *line).collect();
    let port = there.port;
    there.write("etc/greeter/env", &format!("GREETER_PORT={port}\n{}\nGREETING=from the file", lines.join("\n")));
    let (code, told) = there.run(&["start"]);
    assert_eq!(code, 0, "{told}\n{}", there.log());
    let environment = environment(&there);
    for (line, expected) in GRAMMAR {
        for (name, value) in *expected {
            assert_eq!(environment.get(*name).map(String::as_str), Some(*value), "{line}");
        }
    }
    for name in ["C", "D", "1BAD", "BA-D", "IFS", "svc_user", "SVC_CLEAN"] {
        assert!(!environment.contains_key(name), "{name}");
    }
    assert_eq!(environment["GREETING"], "from the file", "the file is stronger than the config");
    let state = fs::canonicalize(there.path("var/lib/greeter")).unwrap();
    assert_eq!(environment["HOME"], state.display().to_string());
    assert!(!there.path("var/lib/greeter/ran").exists() && !Path::new("ran").exists());
    assert!(!environment.contains_key("CARGO_MANIFEST_DIR"), "what the caller has is not the service's");
}

/// What the launcher's own reader makes of a file, by this awk.
fn as_the_launcher_reads(awk: &str, reader: &str, file: &Path) -> BTreeMap<String, String> {
    let print = "svc_assign() { printf '%s=%s\\0' \"$1\" \"$2\"; }";
    let script = format!("{awk}\n{print}\n{reader}\neval \"$(svc_assignments \"$1\")\"");
    let output = Command::new("sh").args(["-euc", &script, "sh"]).arg(file).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    variables(&output.stdout)
}

fn variables(bytes: &[u8]) -> BTreeMap<String, String> {
    let text = String::from_utf8_lossy(bytes);
    let pairs = text.split_terminator('\0').map(|line| line.split_once('=').unwrap());
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Texts of characters that mean something to the grammar, the same in every run.
fn random_texts(count: u64) -> Vec<String> {
    const PARTS: [&str; 20] = [
        "A=", "B=", "x", "y z", " ", "\t", "\n", "\n", "\n", "\"", "'", "\\", "\\\n", "#", ";", "$", "`", "=", "\r\n",
        "é",
    ];
    let mut state: u64 = 0x2545_f491_4f6c_dd1d;
    let mut below = |limit: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % limit).unwrap()
    };
    (0..count).map(|_| (0..4 + below(20)).map(|_| PARTS[below(20)]).collect()).collect()
}

/// A unit of a systemd that runs gets from a file what the launcher makes of it: each line of the table, all of them, and
/// texts that nobody would write.
#[test]
fn systemd_reads_the_environment_file_so_itself() {
    let there = Unpacked::new();
    let launcher = fs::read_to_string(there.path("usr/lib/greeter/launcher/greeter")).unwrap();
    let begin = launcher.find("svc_assignments() {\n").unwrap();
    let reader = &launcher[begin..begin + launcher[begin..].find("\n}\n").unwrap() + 3];
    let lines = GRAMMAR.iter().map(|(line, _)| (*line).to_owned());
    let all = GRAMMAR.iter().map(|(line, _)| *line).collect::<Vec<_>>().join("\n");
    let texts: Vec<String> = [String::new(), all].into_iter().chain(lines).chain(random_texts(150)).collect();
    for suite in [&BOOKWORM, &TRIXIE, &TESTING] {
        let Some(root) = Root::of(suite) else { return };
        root.write(
            "/etc/systemd/system/reads@.service",
            "[Service]\nType=oneshot\nEnvironmentFile=/etc/reads/%i\n\
             ExecStart=/bin/sh -c 'env -0 >/var/lib/%i.reads'\n",
            0o644,
        );
        for (number, text) in texts.iter().enumerate() {
            root.write(&format!("/etc/reads/{number}"), text, 0o644);
        }
        let Some(machine) = Machine::boot(root) else { return };
        machine.sh(&format!("systemctl start $(seq -f reads@%g.service 0 {})", texts.len() - 1));
        let got = |number: usize| variables(&fs::read(machine.root.at(&format!("/var/lib/{number}.reads"))).unwrap());
        // What every unit has.
        let usual = got(0);
        // Before systemd 254 a comment went on after a backslash at its end.
        let is_old = |text: &str| suite.release == "bookworm" && text.contains(['#', ';']) && text.contains("\\\n");
        for (number, text) in texts.iter().enumerate().skip(1).filter(|(_, text)| !is_old(text)) {
            let mut theirs = got(number);
            theirs.retain(|name, _| !usual.contains_key(name) && name != "IFS" && !name.starts_with("svc_"));
            let file = machine.root.at(&format!("/etc/reads/{number}"));
            for awk in ["", "awk() { busybox awk \"$@\"; }"] {
                let ours = as_the_launcher_reads(awk, reader, &file);
                assert_eq!(ours, theirs, "{} {text:?} {awk}", suite.release);
            }
        }
        // The table says what it should.
        for (number, (line, expected)) in GRAMMAR.iter().enumerate() {
            let theirs = got(number + 2);
            for (name, value) in *expected {
                assert_eq!(theirs.get(*name).map(String::as_str), Some(*value), "{} {line:?}", suite.release);
            }
        }
    }
}

#[test]
fn files_are_filled_from_the_environment() {
    let there = Unpacked::new();
    there.write(
        "etc/greeter/greeter.conf.in",
        "port = ${GREETER_PORT:-1}\n${GREETING}${GREETING} & $${GREETING} $GREETING ${NONE:-a:-b ${M:-}|\n\\1 & ${EMPTY:-filled}\n",
    );
    there.write("etc/greeter/env", &format!("GREETER_PORT={}\nGREETING='a&b \\1'\nEMPTY=\n", there.port));
    let (code, told) = there.run(&["start"]);
    assert_eq!(code, 0, "{told}\n{}", there.log());
    let filled = fs::read_to_string(there.path("run/greeter/greeter.conf")).unwrap();
    assert_eq!(
        filled,
        format!("port = {}\na&b \\1a&b \\1 & ${{GREETING}} $GREETING a:-b ${{M:-|\n\\1 & filled\n", there.port)
    );
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &fs::metadata(there.path("run/greeter/greeter.conf")).unwrap().permissions(),
    );
    assert_eq!(mode & 0o777, 0o640);
}

#[test]
fn an_unset_variable_is_told_with_its_line() {
    let there = Unpacked::new();
    there.write(
        "etc/greeter/greeter.conf.in",
        "port = 1\nx = ${NOT_THERE} ${GREETER_TOKEN}\ny = ${NOR_THIS}\nz = ${no-name}\n",
    );
    let (code, told) = there.run(&["start"]);
    assert_eq!(code, 1, "{told}");
    let file = fs::canonicalize(there.path("etc/greeter/greeter.conf.in")).unwrap();
    for line in ["2: NOT_THERE is not set", "3: NOR_THIS is not set", "4: not a ${NAME} or ${NAME:-default}: ${no-name"]
    {
        assert!(told.contains(&format!("greeter: {}:{line}\n", file.display())), "{told}");
    }
    assert!(told.contains("greeter: its configuration cannot be filled\n"), "{told}");
    assert!(!there.path("run/greeter/greeter.conf.new").exists());
    let token = fs::read_to_string(there.path("etc/greeter/secrets/token")).unwrap();
    assert!(!told.contains(token.trim()), "a secret is told");
}

#[test]
fn no_secret_is_ever_on_a_command_line() {
    const SECRET: &str = "8Kd-this-is-the-secret-of-the-test";
    let project = Project::new();
    telling(&project);
    let there = Unpacked::of(&project);
    there.write("etc/greeter/secrets/token", &format!("{SECRET}\n"));
    there.write("etc/greeter/secrets/key", &format!("key {SECRET}\n"));
    let done = AtomicBool::new(false);
    let own = std::process::id();
    let told = std::thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut looked = 0;
            while !done.load(Ordering::Relaxed) {
                for entry in fs::read_dir("/proc").unwrap().flatten() {
                    let name = entry.file_name().into_string().unwrap_or_default();
                    if name.parse::<u32>().is_ok_and(|pid| pid != own) {
                        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
                        assert!(!String::from_utf8_lossy(&line).contains(SECRET), "{}", String::from_utf8_lossy(&line));
                    }
                }
                looked += 1;
            }
            looked
        });
        let mut told = String::new();
        for command in ["start", "migrate", "restart", "describe", "status"] {
            told += &there.run(&[command]).1;
        }
        done.store(true, Ordering::Relaxed);
        assert!(watch.join().unwrap() > 10);
        told
    });
    assert!(!told.contains(SECRET) && !there.log().contains(SECRET));
    let environment = environment(&there);
    assert_eq!(environment["GREETER_TOKEN"], SECRET);
    assert!(!environment.contains_key("GREETER_KEY"));
    let key = Path::new(&environment["GREETER_KEY_FILE"]);
    assert_eq!(fs::read_to_string(key).unwrap(), format!("key {SECRET}\n"));
    if is_root() {
        use std::os::unix::fs::MetadataExt as _;
        let folder = fs::metadata(key.parent().unwrap()).unwrap();
        assert_eq!(folder.mode() & 0o077, 0, "only the service's user reads its copies");
        assert_ne!(folder.uid(), 0);
    }
}

#[test]
fn in_the_foreground_what_is_given_is_stronger() {
    let project = Project::new();
    telling(&project);
    let there = Unpacked::of(&project);
    let mut child = there
        .command(&["foreground"])
        .env("GREETING", "given")
        .env("GREETER_TOKEN", "given token")
        .env("LANG", "xx_XX")
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    until("the page", || there.page().is_some());
    let environment = environment(&there);
    assert_eq!((environment["GREETING"].as_str(), environment["GREETER_TOKEN"].as_str()), ("given", "given token"));
    assert_eq!(
        fs::read(format!("/proc/{}/cmdline", child.id())).unwrap().split(|b| *b == 0).next(),
        Some(&b"busybox"[..])
    );
    let killed = Command::new("kill").arg(child.id().to_string()).status().unwrap();
    assert!(killed.success());
    child.wait().unwrap();
    assert_eq!(there.page(), None);
}
