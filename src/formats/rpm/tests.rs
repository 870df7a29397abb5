//! Whole packages, judged by rpm itself, by rpmbuild and by the rpm crate.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::*;
use crate::assemble::plan::{Change, ElfFile, Entry, Kind, Owner, Role, RpmTrigger, Script, Sources, Step};
use crate::assemble::sample::{self, entry, fact};
use crate::engine::emit::emit;
use crate::engine::store::{Store, Wants};
use crate::listener::Silent;

mod foreign;
mod hostile;
mod oracle;
mod random;
mod spelling;

/// Runs a tool and takes its output; its errors are ours.
fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).env("LC_ALL", "C").env("TZ", "UTC").output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{program} {arguments:?}\n{out}{err}");
    assert_eq!(err, "", "{program} {arguments:?}\n{out}");
    out.into_owned()
}

/// Writes the rpm of a plan into a folder, by the engine.
fn write(plan: &Plan, sources: &Sources, folder: &Path) -> PathBuf {
    let levels = [(6, 1)].into();
    let wants = Wants { levels, ..Wants::default() };
    let (store, digests) = Store::fill(sources.list(), &wants, folder, None, &Silent).unwrap();
    let layout = Rpm.layout(plan, &digests).unwrap();
    emit(&layout, &store, folder, 2).unwrap().stage(folder).unwrap().finish().unwrap()
}

/// A written package in a folder of its own.
struct Written {
    folder: tempfile::TempDir,
    path: PathBuf,
}

impl Written {
    fn of(plan: &Plan, sources: &Sources) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = write(plan, sources, folder.path());
        Self { folder, path }
    }

    fn rpm(&self, options: &[&str]) -> String {
        let path = self.path.to_str().unwrap();
        run("rpm", &[&["-qp", "--nosignature"], options, &[path]].concat())
    }

    fn listing(&self) -> Listing {
        let mut file = fs_err::File::open(&self.path).unwrap();
        Rpm.read(&mut file, "x.rpm").unwrap()
    }
}

fn script(text: &str, interpreter: &[&str]) -> Script {
    let interpreter = interpreter.iter().map(|word| (*word).to_owned()).collect();
    Script { text: text.into(), interpreter, origin: Origin::Default }
}

fn scriptlet(moment: &'static str, text: &str, interpreter: &[&str]) -> Step {
    Step::Script { dialect: Dialect::Rpm, moment, script: script(text, interpreter) }
}

fn trigger(event: &'static str, on: &[&str], priority: u32, text: &str, interpreter: &[&str]) -> Step {
    let on = on.iter().map(|name| fact((*name).to_owned())).collect();
    Step::RpmTrigger { trigger: RpmTrigger { event, on, priority }, script: script(text, interpreter) }
}

fn relation(plan: &mut Plan, word: &'static str, texts: &[&str]) {
    plan.rpm.relations.insert(word, texts.iter().map(|text| fact((*text).to_owned())).collect());
}

/// A plan that uses everything that rpm has, and says the same as the spec file of `oracle`.
fn everything() -> (Plan, Sources) {
    let mut sources = Sources::default();
    let own = |path: &str| entry(path, Kind::Directory { shared: false });
    let shared = |path: &str| entry(path, Kind::Directory { shared: true });
    let mut file = |path: &str, text: &str| entry(path, Kind::File(sources.made(text.as_bytes().to_vec())));
    let with = |mut entry: Entry, mode: u32, role: Role| {
        (entry.mode, entry.role) = (mode, role);
        entry
    };
    let hardlink = |path: &str, target: &str| entry(path, Kind::Hardlink { target: target.into() });
    let config = |noreplace, missingok| Role::Config { noreplace, missingok };
    let mut program = with(file("/usr/bin/hello", "#!/bin/sh\necho hello\n"), 0o755, Role::Plain);
    program.capabilities = Some("cap_net_bind_service=ep".into());
    let mut env = with(file("/etc/hello/env", "PORT=80\n"), 0o640, config(true, false));
    env.owner = Owner { group: "daemon".into(), gid: 1, ..Owner::root() };
    let ghost = entry("/var/log/hello.log", Kind::File(sources_none()));
    let entries = vec![
        shared("/etc"),
        own("/etc/hello"),
        env,
        with(file("/etc/hello/env2", "PORT=80\n"), 0o644, config(false, true)),
        shared("/opt"),
        own("/opt/hello"),
        file("/opt/hello/data", &"0123456789abcdef".repeat(4000)),
        hardlink("/opt/hello/data2", "/opt/hello/data"),
        own("/opt/hello/empty"),
        file("/opt/hello/nothing", ""),
        hardlink("/opt/hello/nothing2", "/opt/hello/nothing"),
        hardlink("/opt/hello/zdata3", "/opt/hello/data"),
        shared("/usr"),
        shared("/usr/bin"),
        program,
        entry("/usr/bin/hi", Kind::Symlink { target: "hello".into() }),
        shared("/usr/share"),
        own("/usr/share/hello"),
        with(file("/usr/share/hello/LICENSE", "lic"), 0o644, Role::License),
        with(file("/usr/share/hello/README", "doc"), 0o644, Role::Doc),
        shared("/var"),
        shared("/var/lib"),
        with(own("/var/lib/hello"), 0o755, Role::Ghost),
        shared("/var/log"),
        with(ghost, 0o644, Role::Ghost),
    ];
    let mut plan = sample::plan_of(entries);
    plan.identity.epoch = Some(2);
    plan.identity.vendor = Some("Ops".into());
    plan.identity.repository = Some(fact("https://example.org/hello.git".into()));
    plan.identity.revision = Some("0123abc".into());
    plan.elf.shebangs.insert("/usr/bin/hello".into(), "/bin/sh".into());
    plan.rpm.prefixes = vec![fact("/opt/hello".into()), fact("/usr/".into())];
    everything_said(&mut plan);
    (plan, sources)
}

/// A ghost's source is never looked at.
fn sources_none() -> crate::assemble::plan::Source {
    crate::assemble::plan::Source { id: crate::assemble::plan::SourceId(0), size: 0 }
}

fn everything_said(plan: &mut Plan) {
    relation(plan, "Requires", &["foo >= 1:2.0-1", "(aa  or (bb >= 2 and cc))", "config(zzz) = 1", "/usr/bin/env"]);
    relation(plan, "Requires(pre)", &["shadow-utils"]);
    relation(plan, "Requires(post)", &["both"]);
    relation(plan, "Requires(preun)", &["both"]);
    relation(plan, "Recommends", &["rec"]);
    relation(plan, "Suggests", &["sug > 1"]);
    relation(plan, "Supplements", &["sup"]);
    relation(plan, "Enhances", &["enh"]);
    relation(plan, "Conflicts", &["conf < 2"]);
    relation(plan, "Obsoletes", &["obs <= 1^2"]);
    relation(plan, "Provides", &["prov = 3"]);
    relation(plan, "OrderWithRequires", &["owr"]);
    let shell: &[&str] = &[];
    plan.lifecycle.steps = vec![
        scriptlet("pre", "echo pre\n", shell),
        scriptlet("post", "echo post\n", &["/bin/bash"]),
        scriptlet("preun", "print(\"x\")\n", &["<lua>"]),
        scriptlet("postun", "", &["/sbin/ldconfig"]),
        scriptlet("pretrans", "print(\"y\")\n", &["<lua>"]),
        scriptlet("posttrans", "echo trans\n", &["/bin/sh", "-e"]),
        scriptlet("verify", "echo verify\n", shell),
        trigger("triggerin", &["bash", "zsh >= 5"], 0, "echo tin\n", shell),
        trigger("triggerun", &["bash"], 0, "echo tun\n", &["/usr/bin/perl"]),
        trigger("triggerpostun", &["foo < 1:2-3"], 0, "echo tpun\n", shell),
        trigger("triggerprein", &["bash"], 0, "echo tprein\n", shell),
        trigger("filetriggerin", &["/usr/lib", "/usr/share/foo"], 500, "echo fti\n", shell),
        trigger("filetriggerun", &["/usr/lib"], 1_000_000, "print(\"z\")\n", &["<lua>"]),
        trigger("filetriggerpostun", &["/x"], 1_000_000, "echo ftpu\n", shell),
        trigger("transfiletriggerin", &["/usr/lib", "/b"], 7, "echo tfti\n", shell),
        trigger("transfiletriggerun", &["/usr/lib"], 1_000_000, "echo tftu\n", shell),
        trigger("transfiletriggerpostun", &["/usr/lib"], 1_000_000, "echo tftpu\n", shell),
    ];
    let change = |version: &str, time, lines: &[&str]| Change {
        version: version.into(),
        time,
        author: "Ops Team <ops@example.org>".into(),
        lines: lines.iter().map(|line| (*line).to_owned()).collect(),
    };
    plan.changelog =
        vec![change("1.4.0", 1_700_000_000, &["Release 1.4.0", "more"]), change("1.3", 1_699_913_600, &["old"])];
}
