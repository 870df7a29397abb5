//! Services: their files, whose those are in which format, and the steps of their life.

use super::*;
use crate::assemble::maintainer::scripts;
use crate::config::load::{Vocabulary, load};
use crate::resolve::lifecycle::Moment;
use crate::resolve::{Request, environment, identity, resolve};

const PACKAGE: &str = "[package]\nname = \"hello\"\nversion = \"1.2.3\"\nsummary = \"Greets\"\nmaintainer = \"A B <a@example.org>\"\nlicense = \"MIT\"\n";
const REST: &str = r#"
[[files]]
text = "PORT=80"
to = "/etc/hello/env"
role = "config"
owner = "root:hello"
mode = "0640"

[[files]]
text = "x"
to = "/usr/lib/hello/tool"
owner = "hello:hello"
mode = "4755"

[[service]]
exec = ["/usr/lib/hello/tool", "--at", "100%"]
env-file = "/etc/hello/env"
secrets = { KEY = { file = "/etc/hello/key", generate = true } }
cache = ["/var/cache/hello"]
write = ["/srv/hello"]
ports = ["443"]
"#;

fn planned(config: &str, files: &[(&str, &str)]) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs_err::write(folder.path().join(name), text).unwrap();
    }
    let formats = [("deb", Dialect::Deb), ("rpm", Dialect::Rpm), ("oci", Dialect::None)];
    let names: Vec<&str> = formats.iter().map(|(name, _)| *name).collect();
    let document = load("fitout.toml", config, &Vocabulary { formats: &names }).unwrap();
    let reading = environment::read(&document, None, &[]).unwrap();
    assert!(reading.findings.is_empty(), "{:#?}", reading.findings);
    let request = Request {
        project: folder.path().to_owned(),
        output: Vec::new(),
        formats: formats.iter().map(|(name, dialect)| (*name, Abilities { dialect: *dialect, ..FULL })).collect(),
        targets: Vec::new(),
        environment: None,
        source_date_epoch: Some("1700000000".into()),
        host: Some(identity::Arch::Amd64),
    };
    let release =
        resolve(&reading.manifest, &document, &request, &Silent).unwrap_or_else(|f| panic!("{f:#?}")).remove(0);
    let mut sources = Sources::default();
    let Assembled { plan, findings, .. } = assemble(&release, Gaps::default(), &mut sources, &Silent);
    let (result, heard) = if has_errors(&findings) { (Err(findings), Vec::new()) } else { (Ok(plan), findings) };
    Outcome { result, heard, sources }
}

fn text(outcome: &Outcome, path: &str) -> String {
    String::from_utf8(bytes(outcome, path)).unwrap()
}

#[test]
fn a_file_of_an_account_is_root_s_for_dpkg_until_the_account_is_there() {
    let outcome = planned(&format!("{PACKAGE}{REST}").replace("\"4755\"", "\"04755\""), &[]);
    let plan = outcome.result.as_ref().unwrap();
    check_invariants(plan);
    let of = |format: &'static str, path: &str| {
        let entry = plan.entries_for(format).find(|entry| &*entry.path == path).unwrap();
        (format!("{}:{}", entry.owner.user, entry.owner.group), entry.owner.gid, entry.mode)
    };
    let id = crate::resolve::account::id_of("hello");
    assert_eq!(of("deb", "/etc/hello/env"), ("root:root".into(), 0, 0o640));
    assert_eq!(of("rpm", "/etc/hello/env"), ("root:hello".into(), id, 0o640));
    assert_eq!(of("deb", "/usr/lib/hello/tool").2, 0o755, "not for a moment with root's rights");
    assert_eq!(of("oci", "/usr/lib/hello/tool"), ("hello:hello".into(), id, 0o4755));
    let owned: Vec<(&str, &str, u32, bool)> = plan
        .lifecycle
        .steps
        .iter()
        .filter_map(|step| match step {
            Step::Own { path, owner, mode, config } => Some((&**path, owner.as_str(), *mode, *config)),
            _ => None,
        })
        .collect();
    let expected =
        [("/etc/hello/env", "root:hello", 0o640, true), ("/usr/lib/hello/tool", "hello:hello", 0o4755, false)];
    assert_eq!(owned, expected);
    assert!(outcome.heard.iter().all(|finding| finding.code != crate::diagnostic::codes::FILES_OWNER_WITHOUT_ACCOUNT));
}

#[test]
fn units_accounts_and_directories_are_files_of_packages() {
    let outcome = planned(&format!("{PACKAGE}{REST}").replace("\"4755\"", "\"0755\""), &[]);
    let unit = text(&outcome, "/usr/lib/systemd/system/hello.service");
    for line in [
        "ExecStart=/usr/lib/hello/tool --at 100%%",
        "EnvironmentFile=-/etc/hello/env",
        "LoadCredential=KEY:/etc/hello/key",
        "Environment=KEY_FILE=%d/KEY",
        "StateDirectory=hello",
        "CacheDirectory=hello",
        "ReadWritePaths=/srv/hello",
        "AmbientCapabilities=CAP_NET_BIND_SERVICE",
        "CapabilityBoundingSet=CAP_NET_BIND_SERVICE",
        "WantedBy=multi-user.target",
    ] {
        assert!(unit.lines().any(|found| found == line), "{line} is not in\n{unit}");
    }
    assert!(!unit.contains("PrivateUsers"), "a capability of the host means nothing in a user namespace");
    assert_eq!(
        text(&outcome, "/usr/lib/sysusers.d/hello.conf"),
        "u hello - \"Greets\" /var/lib/hello /usr/sbin/nologin\n"
    );
    assert_eq!(
        text(&outcome, "/usr/lib/tmpfiles.d/hello.conf"),
        "d /var/cache/hello 0750 hello hello -\nd /var/lib/hello 0750 hello hello -\n"
    );
    assert_eq!(text(&outcome, "/usr/lib/systemd/system-preset/50-hello.preset"), "enable hello.service\n");
    let plan = outcome.result.as_ref().unwrap();
    let inside = |format, path: &str| plan.entries_for(format).any(|entry| &*entry.path == path);
    assert!(
        !inside("oci", "/usr/lib/systemd/system/hello.service")
            && !inside("deb", "/usr/lib/systemd/system-preset/50-hello.preset")
    );
    let id = crate::resolve::account::id_of("hello");
    assert!(
        text(&outcome, "/etc/passwd")
            .contains(&format!("\nhello:x:{id}:{id}:Greets:/var/lib/hello:/usr/sbin/nologin\n"))
    );
    let state = plan.entries_for("oci").find(|entry| &*entry.path == "/var/lib/hello").unwrap();
    assert_eq!((state.owner.uid, state.mode), (id, 0o750));
}

#[test]
fn a_rule_of_the_user_takes_the_place_of_a_unit() {
    let own = "[[files]]\ntext = \"[Unit]\\n\"\nto = \"/usr/lib/systemd/system/hello.service\"\n";
    let outcome = planned(&format!("{PACKAGE}{own}{REST}").replace("\"4755\"", "\"0755\""), &[]);
    assert_eq!(text(&outcome, "/usr/lib/systemd/system/hello.service"), "[Unit]\n");
}

/// The order in which scripts do things is what administrators rely on.
#[test]
fn each_dialect_says_the_steps_in_their_order() {
    let moments = [
        "before-install",
        "after-install",
        "before-upgrade",
        "after-upgrade",
        "before-remove",
        "after-remove",
        "after-purge",
    ];
    let given: Vec<String> = moments.iter().map(|moment| format!("{moment} = \"{moment}\"")).collect();
    let scripts_of = format!(
        "[package.scripts]\n{}\n[[package.moved]]\nfrom = \"/etc/hello/old\"\nsince = \"1.2\"\n",
        given.join("\n")
    );
    let deb = "[format.deb.scripts]\npostinst = \"postinst\"\n";
    let config = format!("{PACKAGE}{scripts_of}{REST}{deb}").replace("\"4755\"", "\"0755\"");
    let texts: Vec<(&str, String)> =
        moments.iter().map(|moment| (*moment, format!("#!/bin/sh\necho {moment} $1\n"))).collect();
    let mut files: Vec<(&str, &str)> = texts.iter().map(|(name, text)| (*name, text.as_str())).collect();
    files.push(("postinst", "#!/bin/sh\nset -e\necho own\n"));
    let outcome = planned(&config, &files);
    let plan = outcome.result.as_ref().unwrap_or_else(|findings| panic!("{findings:#?}"));
    let deb = scripts(plan, Dialect::Deb).unwrap();
    let in_order = |text: &str, parts: &[&str]| {
        let places: Vec<usize> =
            parts.iter().map(|part| text.find(part).unwrap_or_else(|| panic!("{part}\n{text}"))).collect();
        assert!(places.is_sorted(), "{parts:?}\n{text}");
    };
    in_order(
        &deb["preinst"].text,
        &["rm_conffile '/etc/hello/old' '1.2~' 'hello'", "echo before-install", "echo before-upgrade"],
    );
    in_order(
        &deb["postinst"].text,
        &[
            "rm_conffile",
            "systemd-sysusers",
            "systemd-tmpfiles",
            "fitout_give 'root:hello' '0640' '/etc/hello/env'",
            "/dev/urandom",
            "echo after-install",
            "echo after-upgrade",
            "echo own",
            "was-enabled 'hello.service'",
            "deb-systemd-invoke restart 'hello.service'",
        ],
    );
    in_order(&deb["prerm"].text, &["echo before-remove", "deb-systemd-invoke stop 'hello.service'"]);
    in_order(
        &deb["postrm"].text,
        &[
            "echo after-remove",
            "fitout_drop 'hello.service' 'hello.service'",
            "[ \"$1\" = remove ] && [ -z",
            "fitout_forget 'hello.service'",
            "rm -rf",
            "echo after-purge",
            "rm_conffile",
        ],
    );
    let rpm = scripts(plan, Dialect::Rpm).unwrap();
    in_order(&rpm["pre"].text, &["groupadd", "useradd", "echo before-install", "echo before-upgrade"]);
    in_order(
        &rpm["post"].text,
        &["systemd-tmpfiles", "/dev/urandom", "echo after-install", "echo after-upgrade", "preset 'hello.service'"],
    );
    in_order(&rpm["preun"].text, &["echo before-remove", "remove-system-units 'hello.service'"]);
    in_order(&rpm["postun"].text, &["echo after-remove", "daemon-reload"]);
    in_order(&rpm["posttrans"].text, &["daemon-reload", "try-restart 'hello.service'"]);
    assert_eq!(Moment::AfterPurge.word(), "after-purge");
}
