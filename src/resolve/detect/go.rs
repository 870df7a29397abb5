//! A Go module -> a [`Draft`]. No Go is run: its programs are the folders whose files say `package main`.

use std::path::Path;

use super::{Draft, Found, legal, quoted, text};
use crate::build::tool::GO_OUTPUT;

/// Folders that are looked into; a module with more has its programs near the top.
const MOST: usize = 2_000;

/// What is found in the files of a module.
#[derive(Default)]
struct Seen {
    /// Folders of programs, relative, in their order.
    programs: Vec<String>,
    /// Some of it is C.
    cgo: bool,
    folders: usize,
}

/// A draft; none where there is no go.mod.
pub(super) fn draft(dir: &Path, findings: &mut Vec<Found>) -> Option<Draft> {
    let module = module(&text(&dir.join("go.mod"))?)?;
    let mut seen = Seen::default();
    seen.look(dir, "");
    let is_chosen = |folder: &String| folder.is_empty() || folder.starts_with("cmd/");
    if seen.programs.iter().any(is_chosen) {
        // What lies elsewhere is an example or a tool of the developers.
        seen.programs.retain(is_chosen);
    }
    let mut programs: Vec<&str> = seen.programs.iter().map(|folder| program(folder, &module)).collect();
    programs.dedup();
    let own = program("", &module);
    let name = if let [one] = &programs[..] { *one } else { own };
    let mut draft = Draft { name: Some(name.to_owned()), kind: "Command-line program", ..Draft::default() };
    if programs.is_empty() {
        findings.push(("go.mod".into(), format!("the Go module {module}, a library: it has no `package main`")));
        draft.open(name);
        draft.kind = "Collection of files";
        return Some(draft);
    }
    let told: Vec<String> = programs.iter().map(|name| format!("`{name}`")).collect();
    findings.push(("go.mod".into(), format!("the Go module {module}, programs {}", told.join(", "))));
    draft.build.push(("tool", quoted("go"), "builds the programs of the module; skipped where nothing changed"));
    if !seen.cgo {
        draft.build.push((
            "env",
            "{ CGO_ENABLED = \"0\" }".to_owned(),
            "they run on every Linux, and in an empty image",
        ));
    }
    let rule = |name: &&str| {
        vec![
            format!("from = {}", quoted(&format!("{GO_OUTPUT}/{{arch}}/{name}"))),
            format!("to   = {}", quoted(&format!("/usr/bin/{name}"))),
            "mode = \"0755\"".to_owned(),
        ]
    };
    draft.files = programs.iter().map(rule).collect();
    let first = programs.iter().find(|program| legal(program) == legal(name)).unwrap_or(&programs[0]);
    draft.image = vec![format!("entrypoint = [{}]", quoted(&format!("/usr/bin/{first}")))];
    if seen.cgo {
        draft.image.push("# base = \"debian:bookworm-slim\"   # for a program that needs a C library".to_owned());
    }
    Some(draft)
}

/// The path of a module: <https://go.dev/ref/mod#go-mod-file-module>.
fn module(text: &str) -> Option<String> {
    let line = text.lines().find_map(|line| line.trim_start().strip_prefix("module")?.strip_prefix([' ', '\t']))?;
    let path = line.split("//").next()?.trim().trim_matches(['"', '`']);
    (!path.is_empty()).then(|| path.to_owned())
}

/// The name that `go build` gives the program of a folder: its last element that is no major version.
fn program<'a>(folder: &'a str, module: &'a str) -> &'a str {
    let is_major = |part: &&str| {
        part.strip_prefix('v').is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()))
    };
    let last = |path: &'a str| path.rsplit('/').find(|part| !part.is_empty() && !is_major(part));
    last(folder).or_else(|| last(module)).unwrap_or("app")
}

impl Seen {
    fn look(&mut self, dir: &Path, below: &str) {
        self.folders += 1;
        let entries = fs_err::read_dir(dir).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        // What `./...` passes over: https://pkg.go.dev/cmd/go#hdr-Package_lists_and_patterns
        let is_left =
            |name: &str| name.starts_with(['.', '_']) || matches!(name, "testdata" | "vendor" | "node_modules");
        let mut is_program = false;
        for name in names.iter().filter(|name| !is_left(name)) {
            let path = dir.join(name);
            if path.is_dir() {
                let is_module = path.join("go.mod").is_file();
                if self.folders < MOST && !is_module && !path.is_symlink() {
                    self.look(&path, &if below.is_empty() { name.clone() } else { format!("{below}/{name}") });
                }
            } else if path.extension().is_some_and(|end| end == "go") && !name.ends_with("_test.go") {
                let source = text(&path).unwrap_or_default();
                let lines = || source.lines().map(str::trim);
                if lines().any(|line| matches!(line, "//go:build ignore" | "// +build ignore")) {
                    continue;
                }
                is_program |= lines().any(|line| line == "package main" || line.starts_with("package main "));
                self.cgo |= lines().any(|line| matches!(line, "import \"C\""));
            }
        }
        if is_program {
            self.programs.push(below.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_and_programs_are_named_as_go_does() {
        assert_eq!(module("// x\nmodule \"example.org/a\" // y\n").as_deref(), Some("example.org/a"));
        assert_eq!(module("go 1.22\n"), None);
        assert_eq!(program("", "example.org/tool/v2"), "tool");
        assert_eq!(program("cmd/alpha", "example.org/tool/v2"), "alpha");
        assert_eq!(program("", "v2"), "app");
    }
}
