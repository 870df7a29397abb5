//! A room may use the rooms before it in the flow, never one after it; nobody uses the command line.
#![allow(
    clippy::disallowed_methods,
    clippy::pedantic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests tell what they found, and stop where they are wrong"
)]

use std::path::{Path, PathBuf};

/// From first to last. Rooms of one row may not use each other.
const FLOW: &[&[&str]] = &[
    &["diagnostic"],
    &["listener"],
    &["interrupt"],
    &["codec"],
    &["template"],
    &["config"],
    &["store"],
    &["build"],
    &["resolve"],
    &["assemble"],
    &["formats"],
    &["engine"],
    &["sign"],
    &["run"],
    &["report"],
    &["publish"],
    &["cli"],
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
}

/// The room of a file: its first component below `src`, without `.rs`.
fn room(src: &Path, file: &Path) -> String {
    let first = file.strip_prefix(src).expect("below src").components().next().expect("a component");
    first.as_os_str().to_string_lossy().trim_end_matches(".rs").to_owned()
}

/// Rooms that a text names as `crate::ROOM`, also in groups: `use crate::{codec, engine::store}`.
fn named(text: &str) -> Vec<(usize, String)> {
    let mut rooms = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        for (at, _) in code.match_indices("crate::") {
            let rest = &code[at + 7..];
            let names: Vec<&str> = match rest.strip_prefix('{') {
                Some(group) => group.split(',').collect(),
                None => vec![rest],
            };
            for name in names {
                let name: String = name.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                rooms.push((number + 1, name));
            }
        }
    }
    rooms
}

/// Unit tests may build what they need with later rooms.
fn is_test_code(file: &Path) -> bool {
    file.components().any(|part| {
        let part = part.as_os_str().to_string_lossy();
        ["tests", "tests.rs", "trial.rs", "foreign_tests.rs", "sample.rs"].contains(&part.as_ref())
    })
}

fn rank(room: &str) -> Option<usize> {
    FLOW.iter().position(|row| row.contains(&room))
}

#[test]
fn rooms_use_only_what_comes_before_them() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    let mut wrong = Vec::new();
    for file in &files {
        let own = room(&src, file);
        if ["lib", "main"].contains(&own.as_str()) || is_test_code(file) {
            continue;
        }
        let Some(own_rank) = rank(&own) else {
            wrong.push(format!("{} is in no room of the flow", file.display()));
            continue;
        };
        let text = std::fs::read_to_string(file).expect("UTF-8");
        let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        for (line, used) in named(text) {
            match rank(&used) {
                Some(used_rank) if used != own && used_rank >= own_rank => {
                    wrong.push(format!("{}:{line}: {own} uses {used}", file.display()));
                }
                _ => {}
            }
        }
    }
    assert!(files.len() > 40, "only {} files found", files.len());
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn the_reader_of_imports_sees_groups_and_paths() {
    let text = "use crate::codec::tar;\nuse crate::{config, engine::store}; // crate::cli\nlet x = crate::run::hex(a);";
    let names: Vec<String> = named(text).into_iter().map(|(_, name)| name).collect();
    assert_eq!(names, ["codec", "config", "engine", "run"]);
}
