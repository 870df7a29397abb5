//! Rules over programs: whether whoever is to start one may, and whether an image can start its own.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::about;
use crate::assemble::path;
use crate::assemble::plan::{Base, Entry, FormatSet, Kind, Plan, Service};
use crate::diagnostic::{Diagnostic, Findings, Origin, codes};
use crate::formats::oci;
use crate::resolve::service::{Reload, Run};

/// Folders of what is typed by its name (FHS 3.0, 3.4, 3.16, 4.4, 4.10).
const COMMANDS: [&str; 4] = ["/usr/bin", "/usr/sbin", "/bin", "/sbin"];

/// Nobody may start them, as after a CI system has carried them from job to job without their modes.
pub fn not_executable(plan: &Plan) -> Findings {
    let mut told = BTreeSet::new();
    let mut findings = Findings::new();
    let mut starts = |who: &str, by: Option<&Service>, entry: Option<&'_ Entry>| {
        let Some(entry) = entry.filter(|entry| is_closed(entry) && told.insert(Arc::clone(&entry.path))) else {
            return;
        };
        let message = format!("{who} starts `{}`, which is not executable (mode {:04o})", entry.path, entry.mode);
        let finding = mended(Diagnostic::error(codes::LINT_NOT_EXECUTABLE, message).path(&*entry.path), entry);
        findings.push(by.map_or(finding.clone(), |service| finding.at_origin(&service.origin, "starts it")));
    };
    for service in &plan.services {
        for program in programs(service) {
            starts(&format!("`{}`", service.name), Some(service), lead(plan, FormatSet::ALL, program).ok());
        }
    }
    let image = plan.format_set("oci");
    starts("the image", None, image_start(plan).and_then(|start| on_path(plan, image, &start).ok()));
    for entry in plan.entries.iter().filter(|entry| is_program(plan, entry)) {
        let Ok(entry) = lead(plan, entry.formats, &entry.path) else { continue };
        if is_closed(entry) && told.insert(Arc::clone(&entry.path)) {
            findings
                .push(mended(about(codes::LINT_NOT_EXECUTABLE, &entry.path, closed(&entry.path, entry.mode)), entry));
        }
    }
    findings
}

/// What to say of a program without an x bit.
pub(super) fn closed(path: &str, mode: u32) -> String {
    format!("`{path}` is a program and not executable (mode {mode:04o})")
}

/// And what to do.
pub(super) const OPEN: &str = "`chmod +x` it where it is built, or set `mode = \"0755\"` in a rule for it";

fn mended(finding: Diagnostic, entry: &Entry) -> Diagnostic {
    let at = if let Origin::Config(_) = *entry.mode_origin { &entry.mode_origin } else { &entry.origin };
    finding.at_origin(at, "").help(OPEN)
}

/// What a service starts by a path of its own.
fn programs(service: &Service) -> impl Iterator<Item = &str> {
    let reload = match &service.reload {
        Some(Reload::Exec(words)) => words.first(),
        _ => None,
    };
    let commands = service.commands.values().filter_map(|command| match &command.run {
        Run::Exec(words) => words.first(),
        Run::Script(_) => None,
    });
    service.exec.first().into_iter().chain(reload).chain(commands).map(String::as_str)
}

fn image_start(plan: &Plan) -> Option<oci::Start> {
    plan.formats.contains(&"oci").then(|| oci::started(plan)).flatten()
}

/// Whether a path says that a program lies there, or the content does: a library has a name of its own, and what was
/// taken out for debuggers is started by nobody.
fn is_program(plan: &Plan, entry: &Entry) -> bool {
    if is_command(&entry.path) {
        return true;
    }
    let is_debug = |path: &str| path.starts_with("/usr/lib/debug/") || path.rsplit('.').next() == Some("debug");
    let elf = plan.elf.files.get(&entry.path).filter(|_| !is_debug(&entry.path));
    elf.is_some_and(|elf| elf.interpreter.is_some() && elf.soname.is_none())
}

/// Whether it is typed by its name alone.
pub(super) fn is_command(path: &str) -> bool {
    path.rsplit_once('/').is_some_and(|(folder, _)| COMMANDS.contains(&folder))
}

fn is_closed(entry: &Entry) -> bool {
    matches!(entry.kind, Kind::File(_)) && entry.mode & 0o111 == 0
}

/// An image that stands on nothing must bring whatever its program needs to start.
pub fn without_base(plan: &Plan) -> Findings {
    if !plan.formats.contains(&"oci") || plan.image.base.value != Base::Scratch {
        return Findings::new();
    }
    let told = |path: &str, message: String, help: &str| {
        vec![about(codes::LINT_NO_BASE, path, message).at_origin(&plan.image.base.origin, "").help(help)]
    };
    let image = plan.format_set("oci");
    let is_beam = |path: &str| path.ends_with("/bin/beam.smp") && entry(plan, image, path).is_some();
    if let Some(beam) = plan.elf.files.keys().find(|path| is_beam(path)) {
        let help = "set `base` under [format.oci] to a layout folder or archive with the C library and a shell";
        return told(beam, "the image holds an Erlang runtime and stands on nothing".into(), help);
    }
    let Some(start) = image_start(plan) else { return Findings::new() };
    let program = &start.program;
    let entry = match on_path(plan, image, &start) {
        Ok(entry) => entry,
        Err(led) => {
            let help = "mend `entrypoint` or `cmd`, add a rule for the program, or set `base` under [format.oci]";
            let over = if led == *program { String::new() } else { format!(" leads to `{led}`, which") };
            return told(program, format!("the image starts `{program}`, which{over} is not in it"), help);
        }
    };
    // The launcher of a service becomes its program; other services are started on hosts.
    let launched = plan.services.iter().filter(|service| service.launcher == *program);
    let launched = launched.filter_map(|service| lead(plan, image, service.exec.first()?).ok());
    for entry in std::iter::once(entry).chain(launched) {
        let (interpreter, what, help) = match plan.elf.files.get(&entry.path) {
            Some(elf) => (elf.interpreter.as_deref(), "is linked dynamically", STATIC),
            None => (
                plan.elf.shebangs.get(&entry.path).and_then(|line| line.split_whitespace().next()),
                "is a script",
                SHELL,
            ),
        };
        let Some(interpreter) = interpreter else { continue };
        if let Err(led) = lead(plan, image, interpreter) {
            let path = &entry.path;
            let over = if led == interpreter { String::new() } else { format!(", where `{interpreter}` leads") };
            let message = format!("`{path}` {what}, and the image, which stands on nothing, has no `{led}`{over}");
            return told(path, message, help);
        }
    }
    Findings::new()
}

const STATIC: &str = "set `base` under [format.oci] to an image with the C library, or link it statically: a musl target of \
                      Rust, `CGO_ENABLED=0` of Go";
const SHELL: &str = "set `base` under [format.oci] to an image that has it";

/// Nothing says what a container of the image runs.
pub fn image_without_command(plan: &Plan) -> Findings {
    if !plan.formats.contains(&"oci") || image_start(plan).is_some() {
        return Findings::new();
    }
    vec![
        Diagnostic::warning(
            codes::LINT_NO_COMMAND,
            "the image has neither entrypoint nor command: it cannot be run as it is",
        )
        .at_origin(&plan.image.base.origin, "")
        .help("set `entrypoint` under [format.oci], or leave `oci` out of `formats` under [build]"),
    ]
}

/// The file that a container engine starts, or the path that it finds none at. A program without a `/` is
/// looked for in the folders of `path`, past links that lead nowhere.
fn on_path<'p>(plan: &'p Plan, image: FormatSet, start: &oci::Start) -> Result<&'p Entry, String> {
    let program = &start.program;
    if program.starts_with('/') {
        return lead(plan, image, program);
    }
    if program.contains('/') {
        return lead(plan, image, &format!("{}/{program}", start.folder));
    }
    let mut away = None;
    for at in start.path.split(':').map(|folder| format!("{folder}/{program}")) {
        match lead(plan, image, &at) {
            Err(led) if entry(plan, image, &at).is_some() => away = away.or(Some(led)),
            Err(_) => {}
            found => return found,
        }
    }
    Err(away.unwrap_or_else(|| program.clone()))
}

/// The file of one of these formats that a path leads to over the links of the package, or the path of what it leads to
/// elsewhere.
fn lead<'p>(plan: &'p Plan, formats: FormatSet, path: &str) -> Result<&'p Entry, String> {
    let mut at = path::point("/", path).ok_or(path)?;
    for _ in 0..path::MOST_HOPS {
        let next = match entry(plan, formats, &at) {
            Some(Entry { kind: Kind::Symlink { target }, .. }) => path::point(&at, target),
            Some(Entry { kind: Kind::Hardlink { target }, .. }) => Some(target.to_string()),
            Some(entry) => return Ok(entry),
            None => {
                let mut folders = std::iter::successors(path::parent(&at), |folder| path::parent(folder));
                folders.find_map(|folder| match &entry(plan, formats, folder)?.kind {
                    Kind::Symlink { target } => path::point(folder, &format!("{target}{}", at.strip_prefix(folder)?)),
                    _ => None,
                })
            }
        };
        let Some(next) = next else { break };
        at = next;
    }
    Err(at)
}

fn entry<'p>(plan: &'p Plan, formats: FormatSet, path: &str) -> Option<&'p Entry> {
    let start = plan.entries.partition_point(|entry| &*entry.path < path);
    plan.entries[start..]
        .iter()
        .take_while(|entry| &*entry.path == path)
        .find(|entry| entry.formats.intersects(formats))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assemble::plan::{ElfFile, Sources};
    use crate::assemble::sample;

    const LOADER: &str = "/lib64/ld-linux-x86-64.so.2";

    /// `/usr/bin/hello`, linked so, with a link to it, in a plan of all formats.
    fn plan(interpreter: Option<&str>, mode: u32) -> Plan {
        let folder = |path| sample::entry(path, Kind::Directory { shared: false });
        let mut hello = sample::entry("/opt/hello/1/hello", Kind::File(Sources::default().made(b"elf".to_vec())));
        hello.mode = mode;
        let entries = vec![
            folder("/opt/hello"),
            folder("/opt/hello/1"),
            hello,
            sample::entry("/opt/hello/current", Kind::Symlink { target: "1".into() }),
            sample::entry("/usr/bin/hello", Kind::Symlink { target: "../../opt/hello/current/hello".into() }),
        ];
        let mut plan = sample::plan_of(entries);
        let file = ElfFile { interpreter: interpreter.map(str::to_owned), linked: true, ..ElfFile::default() };
        plan.elf.files.insert("/opt/hello/1/hello".into(), file);
        plan.image.entrypoint = Some(vec!["hello".into(), "serve".into()]);
        plan
    }

    fn said(findings: Findings) -> Vec<(&'static str, String)> {
        findings.into_iter().map(|finding| (finding.code.name, finding.message)).collect()
    }

    #[test]
    fn an_image_needs_the_loader_of_its_program() {
        assert_eq!(said(without_base(&plan(None, 0o755))), []);
        let what = format!(
            "`/opt/hello/1/hello` is linked dynamically, and the image, which stands on nothing, has no `{LOADER}`"
        );
        assert_eq!(said(without_base(&plan(Some(LOADER), 0o755))), [("lint/no-base", what)]);
        let mut on_a_base = plan(Some(LOADER), 0o755);
        on_a_base.image.base.value = Base::Layout("base".into(), None);
        assert_eq!(said(without_base(&on_a_base)), []);
        let mut no_image = plan(Some(LOADER), 0o755);
        no_image.formats = vec!["deb", "rpm"];
        assert_eq!(said(without_base(&no_image)), []);
        let mut elsewhere = plan(None, 0o755);
        elsewhere.image.env.insert("PATH".into(), sample::fact("/opt/bin".into()));
        assert_eq!(
            said(without_base(&elsewhere)),
            [("lint/no-base", "the image starts `hello`, which is not in it".into())]
        );
    }

    /// What is said of an image that starts this in the folder.
    fn of(mut plan: Plan, program: &str, folder: &str) -> Vec<String> {
        plan.image.entrypoint = Some(vec![program.into()]);
        plan.image.working_dir = Some(sample::fact(folder.into()));
        without_base(&plan).into_iter().map(|finding| finding.message).collect()
    }

    #[test]
    fn a_path_begins_in_the_folder_that_the_image_starts_in() {
        let closed = |program: &str, folder: &str| {
            let mut plan = plan(None, 0o644);
            plan.image.entrypoint = Some(vec![program.into()]);
            plan.image.working_dir = Some(sample::fact(folder.into()));
            said(not_executable(&plan)).remove(0).1.starts_with("the image starts")
        };
        for (program, folder) in [
            ("./hello", "/opt/hello/1"),
            ("current/hello", "/opt/hello"),
            ("../current/./hello", "/opt/hello/1/"),
            ("opt/hello/1/hello", "/"),
            ("/opt//hello/1/../1/hello", "/srv"),
        ] {
            assert_eq!(of(plan(None, 0o755), program, folder), [""; 0], "{program}");
            assert!(closed(program, folder), "{program}");
        }
        let what = "the image starts `./hello`, which leads to `/srv/hello`, which is not in it";
        assert_eq!(of(plan(None, 0o755), "./hello", "/srv"), [what]);
    }

    #[test]
    fn a_link_out_of_the_package_is_followed_before_something_is_said() {
        let linked = || {
            let mut plan = plan(Some("/opt/hello/sh"), 0o755);
            let mut entries = plan.entries.to_vec();
            entries.insert(4, sample::entry("/opt/hello/python", Kind::Symlink { target: "/usr/bin/python3".into() }));
            entries.insert(5, sample::entry("/opt/hello/sh", Kind::Symlink { target: "/bin/sh".into() }));
            plan.entries = entries.into();
            plan.image.env.insert("PATH".into(), sample::fact("/bin:/opt/hello".into()));
            plan
        };
        let what = |program: &str| {
            [format!("the image starts `{program}`, which leads to `/usr/bin/python3`, which is not in it")]
        };
        assert_eq!(of(linked(), "/opt/hello/python", "/"), what("/opt/hello/python"));
        assert_eq!(of(linked(), "python", "/"), what("python"));
        let what = "`/opt/hello/1/hello` is linked dynamically, and the image, which stands on nothing, has no `/bin/sh`, \
                    where `/opt/hello/sh` leads";
        assert_eq!(of(linked(), "/opt/hello/1/hello", "/"), [what]);
    }

    #[test]
    fn only_an_erlang_runtime_in_the_image_needs_a_base() {
        let with_beam = |format| {
            let mut plan = plan(None, 0o755);
            let mut entries = plan.entries.to_vec();
            let mut beam = sample::entry("/opt/hello/1/bin/beam.smp", Kind::Directory { shared: false });
            beam.formats = plan.format_set(format);
            entries.insert(2, beam);
            plan.entries = entries.into();
            plan.elf.files.insert("/opt/hello/1/bin/beam.smp".into(), ElfFile::default());
            plan
        };
        assert_eq!(said(without_base(&with_beam("deb"))), []);
        assert_eq!(said(without_base(&with_beam("oci"))).len(), 1);
    }

    #[test]
    fn a_program_without_an_x_bit_is_found_over_links() {
        assert_eq!(said(not_executable(&plan(None, 0o750))), []);
        let what = "the image starts `/opt/hello/1/hello`, which is not executable (mode 0644)";
        assert_eq!(said(not_executable(&plan(Some(LOADER), 0o644))), [("lint/not-executable", what.into())]);
        let mut no_image = plan(Some(LOADER), 0o644);
        no_image.formats = vec!["deb"];
        let what = "`/opt/hello/1/hello` is a program and not executable (mode 0644)";
        assert_eq!(said(not_executable(&no_image)), [("lint/not-executable", what.into())]);
    }

    #[test]
    fn what_the_base_runs_is_a_command() {
        let mut plan = plan(None, 0o755);
        plan.image.entrypoint = None;
        assert_eq!(said(image_without_command(&plan)).len(), 1);
        let base = |config: &str| crate::assemble::plan::ResolvedBase {
            name: "base".into(),
            digest: String::new(),
            config: config.as_bytes().into(),
            layers: Vec::new(),
        };
        plan.base = Some(base(r#"{"architecture":"amd64","os":"linux","config":{"Env":["A=b"]},"rootfs":{}}"#));
        assert_eq!(said(image_without_command(&plan)).len(), 1);
        plan.base = Some(base(r#"{"architecture":"amd64","os":"linux","config":{"Cmd":["sh"]},"rootfs":{}}"#));
        assert_eq!(said(image_without_command(&plan)), []);
    }
}
