//! Who finds which library of the package: what ld.so(8) says, case by case.

use std::collections::BTreeMap;

use crate::assemble::loader::{Found, Inside};
use crate::assemble::plan::{ElfFile, Entry, Kind, Sources};
use crate::assemble::sample::entry;

const GLIBC: &str = "/lib64/ld-linux-x86-64.so.2";

/// A file that needs libraries: `program(…)` or `library(…)`, then `.rpath(…)`, `.runpath(…)`.
fn library(needed: &[&str]) -> ElfFile {
    let needed = needed.iter().map(|name| (*name).to_owned()).collect();
    ElfFile { linked: true, shared: true, dynamic: true, needed, ..ElfFile::default() }
}

fn program(needed: &[&str]) -> ElfFile {
    ElfFile { interpreter: Some(GLIBC.into()), ..library(needed) }
}

impl ElfFile {
    fn rpath(mut self, path: &str) -> Self {
        self.rpath = vec![path.into()];
        self
    }

    fn runpath(mut self, path: &str) -> Self {
        self.runpath = vec![path.into()];
        self
    }
}

struct Package {
    files: BTreeMap<String, ElfFile>,
    entries: Vec<Entry>,
}

impl Package {
    fn new(files: &[(&str, ElfFile)], links: &[(&str, &str)]) -> Self {
        let mut sources = Sources::default();
        let files_of = files.iter().map(|(path, _)| (*path, Kind::File(sources.made(path.as_bytes().to_vec()))));
        let mut entries: Vec<Entry> = files_of.map(|(path, kind)| entry(path, kind)).collect();
        entries.extend(links.iter().map(|(path, target)| entry(path, Kind::Symlink { target: (*target).into() })));
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        Self { files: files.iter().map(|(path, file)| ((*path).to_owned(), file.clone())).collect(), entries }
    }

    /// Whether the file at `path` finds the library.
    #[track_caller]
    fn check(&self, path: &str, name: &str, expected: bool) {
        let files = self.files.iter().map(|(path, file)| (path.as_str(), file)).collect();
        match Inside::new(self.entries.iter(), &files).find(path, name) {
            Found::Reachable => assert!(expected, "{path} finds {name}"),
            Found::Astray(_) => assert!(!expected, "{path} does not find {name}"),
            Found::Nowhere => panic!("{name} is in the package"),
        }
    }
}

#[test]
fn a_runpath_serves_the_file_itself_and_an_rpath_its_libraries_too() {
    for (app, found) in [
        (program(&["liba.so.1"]).runpath("/opt/x/lib"), false),
        (program(&["liba.so.1"]).rpath("/opt/x/lib"), true),
        // Where both are, the older one is not there.
        (program(&["liba.so.1"]).rpath("/opt/x/lib").runpath("/opt/x/lib"), false),
    ] {
        let files = [
            ("/opt/x/bin/app", app),
            ("/opt/x/lib/liba.so.1", library(&["libb.so.1"])),
            ("/opt/x/lib/libb.so.1", library(&[])),
        ];
        let package = Package::new(&files, &[]);
        package.check("/opt/x/bin/app", "liba.so.1", true);
        package.check("/opt/x/lib/liba.so.1", "libb.so.1", found);
    }
}

#[test]
fn a_runpath_of_a_library_turns_off_the_rpath_of_its_loader() {
    let files = |library| {
        [
            ("/opt/x/bin/app", program(&["liba.so.1"]).rpath("$ORIGIN/../lib")),
            ("/opt/x/lib/liba.so.1", library),
            ("/opt/x/lib/libb.so.1", self::library(&[])),
        ]
    };
    let finds = |library, expected| {
        Package::new(&files(library), &[]).check("/opt/x/lib/liba.so.1", "libb.so.1", expected);
    };
    finds(library(&["libb.so.1"]), true);
    finds(library(&["libb.so.1"]).runpath("/elsewhere"), false);
    finds(library(&["libb.so.1"]).runpath("${ORIGIN}"), true);
    finds(library(&["libb.so.1"]).rpath("/elsewhere"), true);
}

#[test]
fn what_is_loaded_already_is_found() {
    let files = [
        ("/opt/x/bin/app", program(&["liba.so.1", "libb.so.1"]).runpath("$ORIGIN/../lib")),
        ("/opt/x/lib/liba.so.1", library(&["libb.so.1"])),
        ("/opt/x/lib/libb.so.1", library(&[])),
        ("/opt/x/plugins/plugin.so", library(&["libb.so.1"])),
    ];
    let package = Package::new(&files, &[]);
    package.check("/opt/x/lib/liba.so.1", "libb.so.1", true);
    package.check("/opt/x/plugins/plugin.so", "libb.so.1", true);
}

#[test]
fn every_program_that_needs_it_must_find_it() {
    let files = [
        ("/opt/x/bin/all", program(&["liba.so.1", "libb.so.1"]).runpath("/opt/x/lib")),
        ("/opt/x/bin/one", program(&["liba.so.1"]).runpath("/opt/x/lib")),
        ("/opt/x/lib/liba.so.1", library(&["libb.so.1"])),
        ("/opt/x/lib/libb.so.1", library(&[])),
    ];
    Package::new(&files, &[]).check("/opt/x/lib/liba.so.1", "libb.so.1", false);
}

#[test]
fn the_folder_of_the_file_is_not_searched() {
    let files = [("/opt/x/plugin.so", library(&["libb.so.1"])), ("/opt/x/libb.so.1", library(&[]))];
    Package::new(&files, &[]).check("/opt/x/plugin.so", "libb.so.1", false);
}

#[test]
fn the_systems_folders_are_always_searched() {
    for folder in ["/usr/lib/x86_64-linux-gnu", "/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/local/lib"] {
        let library_path = format!("{folder}/libb.so.1");
        let files = [("/usr/bin/app", program(&["libb.so.1"])), (library_path.as_str(), library(&[]))];
        Package::new(&files, &[]).check("/usr/bin/app", "libb.so.1", true);
    }
}

#[test]
fn a_link_leads_to_the_library_and_origin_is_where_the_link_lies() {
    let files = [
        ("/opt/x/bin/app", program(&["liba.so.1"]).runpath("/opt/x/lib")),
        ("/opt/x/real/liba.so.1.2", library(&["libb.so.1"]).runpath("$ORIGIN")),
        ("/opt/x/lib/libb.so.1", library(&[])),
    ];
    let package = Package::new(&files, &[("/opt/x/lib/liba.so.1", "../real/liba.so.1.2")]);
    package.check("/opt/x/bin/app", "liba.so.1", true);
    package.check("/opt/x/real/liba.so.1.2", "libb.so.1", true);
}

#[test]
fn musl_goes_up_the_loaders_by_either_tag() {
    let app = ElfFile {
        interpreter: Some("/lib/ld-musl-x86_64.so.1".into()),
        ..program(&["liba.so.1"]).runpath("/opt/x/lib")
    };
    let files = [
        ("/opt/x/bin/app", app),
        ("/opt/x/lib/liba.so.1", library(&["libb.so.1"])),
        ("/opt/x/lib/libb.so.1", library(&[])),
    ];
    Package::new(&files, &[]).check("/opt/x/lib/liba.so.1", "libb.so.1", true);
}

#[test]
fn a_plugin_has_the_rpath_of_the_program() {
    for (app, found) in [(program(&[]).rpath("/opt/x/lib"), true), (program(&[]).runpath("/opt/x/lib"), false)] {
        let files = [
            ("/opt/x/bin/app", app),
            ("/opt/x/plugins/plugin.so", library(&["libb.so.1"])),
            ("/opt/x/lib/libb.so.1", library(&[])),
        ];
        Package::new(&files, &[]).check("/opt/x/plugins/plugin.so", "libb.so.1", found);
    }
}

#[test]
fn libraries_that_need_each_other_come_to_an_end() {
    let files = [
        ("/opt/x/liba.so.1", library(&["libb.so.1"]).runpath("$ORIGIN")),
        ("/opt/x/libb.so.1", library(&["liba.so.1"]).runpath("$ORIGIN")),
    ];
    let package = Package::new(&files, &[]);
    package.check("/opt/x/liba.so.1", "libb.so.1", true);
    package.check("/opt/x/libb.so.1", "liba.so.1", true);
}
